/**
 * What index scans cost inside the index. Follows the *costestimate functions of src/backend/utils/adt/selfuncs.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import type { Oid } from "../../../base/types.ts";
import { makeVar } from "../../nodes/makefuncs.ts";
import type { Node } from "../../nodes/nodes.ts";
import type {
  AmCostEstimate,
  IndexClause,
  IndexCosts,
  IndexOptInfo,
  IndexPath,
  PlannerInfo,
} from "../../optimizer/pathnodes.ts";
import { clauselistSelectivity } from "../../optimizer/path/clausesel.ts";
import { costQualEvalNode, estimateArrayLength, rint } from "../../optimizer/path/cost_qual.ts";
import { indexPagesFetched } from "../../optimizer/path/index_pages.ts";
import { getOpfamilyMember, getOpOpfamilyStrategy, statisticRow } from "../../optimizer/util/catalog_facts.ts";
import { predicateImpliedBy } from "../../optimizer/util/predtest.ts";
import { examineVariable, getAttstatsslot, getVariableNumdistinct, type VariableStatData } from "./selfuncs.ts";

const DEFAULT_PAGE_CPU_MULTIPLIER = 50;
const STATISTIC_KIND_CORRELATION = 3;

interface GenericCosts {
  startup: number;
  total: number;
  selectivity: number;
  correlation: number;
  numIndexPages: number;
  numIndexTuples: number;
  spcRandom: number;
  numSaScans: number;
}

export function getQualsFromIndexclauses(clauses: readonly IndexClause[]): Node[] {
  const out: Node[] = [];
  for (const ic of clauses) for (const q of ic.indexquals) out.push(q.clause);
  return out;
}
function addPredicateToIndexQuals(index: IndexOptInfo, quals: Node[]): Node[] {
  if (index.indpred.length === 0) return quals;
  const extra = index.indpred.filter((p) => !predicateImpliedBy([p], quals));
  return [...extra, ...quals];
}
function indexOtherOperandsEvalCost(root: PlannerInfo, quals: readonly Node[]): number {
  let cost = 0;
  for (const c of quals) {
    let other: Node | null = null;
    if (c.type === "OpExpr" || c.type === "ScalarArrayOpExpr") other = c.args[1];
    if (c.type === "RowCompareExpr") {
      for (const r of c.rargs) {
        const q = costQualEvalNode(r, root);
        cost += q.startup + q.per_tuple;
      }
    }
    if (other !== null) {
      const q = costQualEvalNode(other, root);
      cost += q.startup + q.per_tuple;
    }
  }
  return cost;
}

function genericcostestimate(root: PlannerInfo, path: IndexPath, loopCount: number, costs: GenericCosts): void {
  const index = path.indexinfo;
  const quals = getQualsFromIndexclauses(path.indexclauses);
  const orderbys = path.indexorderbys;
  let numSaScans = costs.numSaScans;
  if (numSaScans < 1) {
    numSaScans = 1;
    for (const q of quals) {
      if (q.type === "ScalarArrayOpExpr") {
        const n = estimateArrayLength(root, q.args[1]);
        if (n > 1) numSaScans *= n;
      }
    }
  }
  const selectivity = clauselistSelectivity(
    root,
    addPredicateToIndexQuals(index, quals),
    index.rel.relid,
    "JOIN_INNER",
    null,
  );
  let numIndexTuples = costs.numIndexTuples;
  if (numIndexTuples <= 0) numIndexTuples = rint((selectivity * index.rel.tuples) / numSaScans);
  if (numIndexTuples > index.tuples) numIndexTuples = index.tuples;
  if (numIndexTuples < 1) numIndexTuples = 1;
  const numIndexPages = index.pages > 1 && index.tuples > 1
    ? Math.ceil((numIndexTuples * index.pages) / index.tuples)
    : 1;
  const random = guc.random_page_cost;
  const numScans = numSaScans * loopCount;
  let total: number;
  if (numScans > 1) {
    const pages = indexPagesFetched(numIndexPages * numScans, index.pages, index.pages, root);
    total = (pages * random) / loopCount;
  } else total = numIndexPages * random;
  const argCost = indexOtherOperandsEvalCost(root, quals) + indexOtherOperandsEvalCost(root, orderbys);
  const opCost = guc.cpu_operator_cost * (quals.length + orderbys.length);
  total += argCost + numIndexTuples * numSaScans * (guc.cpu_index_tuple_cost + opCost);
  costs.startup = argCost;
  costs.total = total;
  costs.selectivity = selectivity;
  costs.correlation = 0;
  costs.numIndexPages = numIndexPages;
  costs.numIndexTuples = numIndexTuples;
  costs.spcRandom = random;
  costs.numSaScans = numSaScans;
}

function examineIndexcolVariable(root: PlannerInfo, index: IndexOptInfo, col: number): VariableStatData {
  const key = index.indexkeys[col];
  if (key !== 0) {
    const tle = index.indextlist[col];
    return examineVariable(root, tle.expr ?? makeVar(index.rel.relid, key, 0, -1, 0, 0), 0);
  }
  const vd = examineVariable(root, index.indextlist[col].expr!, 0);
  vd.stats ??= statisticRow(index.indexoid, col + 1, false);
  return vd;
}
function btcostCorrelation(index: IndexOptInfo, vd: VariableStatData): number {
  if (vd.stats === null) return 0;
  const sortop: Oid = getOpfamilyMember(index.opfamily[0], index.opcintype[0], index.opcintype[0], 1);
  const slot = getAttstatsslot(vd.stats, STATISTIC_KIND_CORRELATION);
  if (sortop === 0 || slot === null || slot.numbers.length !== 1 || slot.staop !== sortop) return 0;
  let c = slot.numbers[0];
  if (index.reverse_sort[0]) c = -c;
  return index.nkeycolumns > 1 ? c * 0.75 : c;
}

/** Follows btcostestimate: boundary quals bound the part of the index that is read; skip arrays bridge gaps. */
export function btcostestimate(root: PlannerInfo, path: IndexPath, loopCount: number): IndexCosts {
  const index = path.indexinfo;
  const costs: GenericCosts = {
    startup: 0,
    total: 0,
    selectivity: 0,
    correlation: 0,
    numIndexPages: 0,
    numIndexTuples: 0,
    spcRandom: 0,
    numSaScans: 0,
  };
  const boundQuals: Node[] = [];
  let skipQuals: Node[] = [];
  let indexcol = 0;
  let eqQualHere = false;
  let foundRowCompare = false;
  let foundArray = false;
  let foundIsNullOp = false;
  let haveCorrelation = false;
  let correlation = 0;
  let numSaScans = 1;
  outer: for (const ic of path.indexclauses) {
    if (indexcol < ic.indexcol) {
      const prev = numSaScans;
      if (foundRowCompare) break;
      if (eqQualHere) {
        indexcol++;
        skipQuals = [];
      }
      while (indexcol < ic.indexcol) {
        const vd = examineIndexcolVariable(root, index, indexcol);
        let { n: ndistinct } = getVariableNumdistinct(vd);
        const { isdefault } = getVariableNumdistinct(vd);
        if (indexcol === 0) {
          correlation = btcostCorrelation(index, vd);
          haveCorrelation = true;
        }
        if (isdefault) {
          numSaScans = prev;
          break outer;
        }
        if (skipQuals.length > 0) {
          const frac = clauselistSelectivity(
            root,
            addPredicateToIndexQuals(index, skipQuals),
            index.rel.relid,
            "JOIN_INNER",
            null,
          );
          ndistinct = Math.max(rint(ndistinct * frac), 1);
        }
        if (skipQuals.length === 0) ndistinct += 1;
        numSaScans *= ndistinct;
        if (index.pages < numSaScans) {
          numSaScans = prev;
          break outer;
        }
        indexcol++;
        skipQuals = [];
      }
      eqQualHere = false;
      skipQuals = [];
    }
    for (const r of ic.indexquals) {
      const clause = r.clause;
      let op = 0;
      if (clause.type === "OpExpr") op = clause.opno;
      else if (clause.type === "RowCompareExpr") {
        op = clause.opnos[0];
        foundRowCompare = true;
      } else if (clause.type === "ScalarArrayOpExpr") {
        const n = estimateArrayLength(root, clause.args[1]);
        op = clause.opno;
        foundArray = true;
        if (n > 1) numSaScans *= n;
      } else if (clause.type === "NullTest") {
        if (clause.nulltesttype === "IS_NULL") {
          foundIsNullOp = true;
          eqQualHere = true;
        }
      }
      if (op !== 0 && getOpOpfamilyStrategy(op, index.opfamily[indexcol]) === 3) eqQualHere = true;
      boundQuals.push(clause);
      skipQuals.push(clause);
    }
  }
  if (
    index.unique && indexcol === index.nkeycolumns - 1 && eqQualHere && !foundArray && !foundIsNullOp
  ) costs.numIndexTuples = 1;
  else {
    const sel = clauselistSelectivity(
      root,
      addPredicateToIndexQuals(index, boundQuals),
      index.rel.relid,
      "JOIN_INNER",
      null,
    );
    let n = sel * index.rel.tuples;
    numSaScans = Math.min(numSaScans, Math.ceil(index.pages * 0.3333333));
    numSaScans = Math.max(numSaScans, 1);
    n = rint(n / numSaScans);
    costs.numIndexTuples = n;
  }
  costs.numSaScans = numSaScans;
  genericcostestimate(root, path, loopCount, costs);
  if (index.tuples > 1) {
    const descent = Math.ceil(Math.log(index.tuples) / Math.log(2)) * guc.cpu_operator_cost;
    costs.startup += descent;
    costs.total += costs.numSaScans * descent;
  }
  const descent = (index.tree_height + 1) * DEFAULT_PAGE_CPU_MULTIPLIER * guc.cpu_operator_cost;
  costs.startup += descent;
  costs.total += costs.numSaScans * descent;
  if (!haveCorrelation) correlation = btcostCorrelation(index, examineIndexcolVariable(root, index, 0));
  return {
    startup: costs.startup,
    total: costs.total,
    selectivity: costs.selectivity,
    correlation,
    pages: costs.numIndexPages,
  };
}
/** hash, and a fair guess for the others. */
function genericEstimate(root: PlannerInfo, path: IndexPath, loopCount: number): IndexCosts {
  const c: GenericCosts = {
    startup: 0,
    total: 0,
    selectivity: 0,
    correlation: 0,
    numIndexPages: 0,
    numIndexTuples: 0,
    spcRandom: 0,
    numSaScans: 0,
  };
  genericcostestimate(root, path, loopCount, c);
  return { startup: c.startup, total: c.total, selectivity: c.selectivity, correlation: 0, pages: c.numIndexPages };
}
export function amCostEstimateFor(relam: Oid): AmCostEstimate {
  return relam === 403 ? btcostestimate : genericEstimate;
}
