/**
 * IndexScan and IndexOnlyScan: key values are computed at each start, then the index hands out TIDs.
 *
 * The scan descriptor stays open over restarts (inner sides of joins). An index-only scan takes its columns from the index
 * tuple and looks at the heap only for pages that are not all-visible.
 * Follows src/backend/executor/{nodeIndexscan.c,nodeIndexonlyscan.c}, ExecIndexBuildScanKeys().
 */
import { notBuilt } from "../../base/error.ts";
import type { IndexOnlyScan, IndexScan, Node } from "../nodes/nodes.ts";
import { exprType } from "../nodes/node_funcs.ts";
import { SK_ISNULL, SK_SEARCHARRAY, SK_SEARCHNOTNULL, SK_SEARCHNULL } from "../access/index/scankey.ts";
import type { ScanKey } from "../access/index/scankey.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { execCatalog } from "./exec_catalog.ts";
import { repOfType } from "./exec_codegen.ts";
import type { PlanCompiler, Produce } from "./exec_compile.ts";
import { INDEX_VAR } from "./exec_expr_compile.ts";
import { epqScan, heapScanRow, scanRow } from "./exec_scan.ts";

/** Scan keys of an index scan: fixed parts as data, values as expressions. */
export interface KeySpecs {
  readonly keys: readonly Omit<ScanKey, "argument">[];
  /** Expression of each key's value; null for IS [NOT] NULL. */
  readonly values: readonly (Node | null)[];
  /** A key is weaker than its clause: rows must be checked again. */
  readonly recheck: boolean;
}

function stripRelabel(n: Node): Node {
  return n.type === "RelabelType" ? stripRelabel(n.arg!) : n;
}

/** ExecIndexBuildScanKeys(). */
export function buildScanKeys(index: Relation, quals: readonly Node[]): KeySpecs {
  const cat = execCatalog();
  const keys: Omit<ScanKey, "argument">[] = [];
  const values: (Node | null)[] = [];
  let recheck = false;
  const column = (n: Node): number => {
    const v = stripRelabel(n);
    if (v.type !== "Var" || v.varno !== INDEX_VAR) throw new Error("indexqual doesn't have key on left side");
    return v.varattno;
  };
  const operatorKey = (
    attno: number,
    opno: number,
    opfuncid: number,
    rhs: Node,
    collation: number,
    flags: number,
  ): void => {
    const col = index.rd_indexcols[attno - 1];
    const { strategy, righttype } = cat.opStrategy(opno, col.opfamily);
    if (strategy === 0) throw new Error(`operator ${opno} is not a member of opfamily ${col.opfamily}`);
    const fnOid = opfuncid !== 0 ? opfuncid : cat.operator(opno).fn;
    const func = cat.proc({ fnOid, argTypes: [col.opcintype, righttype], resultType: 16, collation }).fn;
    const cross = righttype !== col.opcintype;
    keys.push({
      attno,
      strategy,
      subtype: righttype,
      collation,
      func,
      flags,
      ...(cross ? { cmp: cat.familyCmp(col.opfamily, col.opcintype, righttype, collation).cmp } : {}),
    });
    values.push(rhs);
  };
  for (const q of quals) {
    switch (q.type) {
      case "OpExpr":
        operatorKey(column(q.args[0]), q.opno, q.opfuncid, q.args[1], q.inputcollid, 0);
        break;
      case "ScalarArrayOpExpr":
        operatorKey(column(q.args[0]), q.opno, q.opfuncid, q.args[1], q.inputcollid, SK_SEARCHARRAY);
        break;
      case "NullTest":
        keys.push({
          attno: column(q.arg!),
          strategy: 0,
          subtype: 0,
          collation: 0,
          func: () => false,
          flags: SK_ISNULL | (q.nulltesttype === "IS_NULL" ? SK_SEARCHNULL : SK_SEARCHNOTNULL),
        });
        values.push(null);
        break;
      case "RowCompareExpr": {
        // The first column bounds the scan; the whole comparison is checked on the rows.
        const weaker = { COMPARE_LT: 2, COMPARE_LE: 2, COMPARE_GE: 4, COMPARE_GT: 4 }[q.cmptype as string];
        if (weaker === undefined) throw notBuilt("this row comparison in an index condition");
        const attno = column(q.largs[0]);
        const col = index.rd_indexcols[attno - 1];
        const type = exprType(q.rargs[0]);
        const cmp = cat.familyCmp(q.opfamilies[0], col.opcintype, type, q.inputcollids[0]).cmp;
        keys.push({
          attno,
          strategy: weaker,
          subtype: type,
          collation: q.inputcollids[0],
          func: weaker === 2 ? (a, b) => cmp(a, b) <= 0 : (a, b) => cmp(a, b) >= 0,
          flags: 0,
          cmp,
        });
        values.push(q.rargs[0]);
        recheck = true;
        break;
      }
      default:
        throw notBuilt(`index condition ${q.type}`);
    }
  }
  return { keys, values, recheck };
}

/**
 * Emits the computation of key values into the instance's key array and returns the condition that the scan can have rows:
 * false when a key is null.
 */
export function emitKeyValues(pc: PlanCompiler, specs: KeySpecs): { keys: string; possible: string } {
  const { cg } = pc;
  const keys = cg.decl("ks", "null");
  const slot = cg.slot(specs.keys);
  cg.emit(`if(${keys}===null)${keys}=${cg.h("makeKeys")}(${slot});`);
  const nulls: string[] = [];
  specs.values.forEach((e, i) => {
    if (e === null) return;
    const col = cg.stable(pc.exprs.compile(e, {}));
    if (col.n !== "false") nulls.push(col.n);
    const v = specs.keys[i].flags & SK_SEARCHARRAY
      ? `${col.n === "false" ? "" : `${col.n}?null:`}${cg.h("deconstructDatumArray")}(${col.v})`
      : cg.keep(col);
    cg.emit(`${keys}[${i}].argument=${v};`);
  });
  return { keys, possible: nulls.length === 0 ? "true" : `!(${nulls.join("||")})` };
}

function openScan(pc: PlanCompiler, plan: IndexScan | IndexOnlyScan, nkeys: number): string {
  const { cg } = pc;
  const { scanrelid, indexid } = plan;
  const scan = cg.decl("is", "null");
  cg.onEnd(`if(${scan}!==null){${cg.h("indexEndscan")}(${scan});${scan}=null;}`);
  cg.emit(
    `if(${scan}===null)${scan}=${cg.h("beginIndexScan")}(X,${scanrelid},${cg.slot(indexid)},${nkeys});`,
  );
  if (cg.options.instrument) cg.emit(`${pc.instr(plan.plan_node_id)}.indexScan=${scan};`);
  return scan;
}

export const produceIndexScan: Produce<IndexScan> = (pc, plan, needed, consume) => {
  if (plan.indexorderby.length > 0) throw notBuilt("index scans in the order of an operator");
  if (epqScan(pc, plan, needed, consume, [...plan.indexqualorig, ...plan.qual])) return;
  const { cg } = pc;
  const specs = buildScanKeys(pc.relations.index(plan.indexid), plan.indexqual);
  const scan = openScan(pc, plan, specs.keys.length);
  const { keys, possible } = emitKeyValues(pc, specs);
  const dir = plan.indexorderdir === "BackwardScanDirection" ? -1 : 1;
  const [s, t] = [cg.name("s"), cg.name("t")];
  cg.block(possible === "true" ? "" : `if(${possible})`, () => {
    cg.emit(`const ${s}=${scan};${cg.h("indexRescan")}(${s},${keys});`);
    cg.block("for(;;)", () => {
      cg.emit(`${cg.h("checkForInterrupts")}();`);
      cg.emit(`if(${cg.h("indexGetnextTid")}(${s},${dir})<0)break;`);
      cg.emit(`const ${t}=${cg.h("indexFetchHeap")}(${s});if(${t}<0)continue;`);
      const desc = pc.relations.tupleDesc(plan.scanrelid);
      const quals = specs.recheck ? [...plan.indexqualorig, ...plan.qual] : plan.qual;
      heapScanRow(pc, plan, desc, t, `${s}.xsTid`, needed, consume, quals);
    });
  });
};

export const produceIndexOnlyScan: Produce<IndexOnlyScan> = (pc, plan, needed, consume) => {
  if (plan.indexorderby.length > 0) throw notBuilt("index scans in the order of an operator");
  const { cg } = pc;
  if (cg.options.epq && pc.epqRelations.has(plan.scanrelid)) {
    throw notBuilt("re-evaluating an index-only scan after a concurrent update");
  }
  const index = pc.relations.index(plan.indexid);
  const specs = buildScanKeys(index, plan.indexqual);
  const scan = openScan(pc, plan, specs.keys.length);
  const { keys, possible } = emitKeyValues(pc, specs);
  const dir = plan.indexorderdir === "BackwardScanDirection" ? -1 : 1;
  const [s, tid, vm] = [cg.name("s"), cg.name("tid"), cg.decl("vm", "null")];
  cg.onEnd(`if(${vm}!==null){${cg.h("releaseVm")}(${vm});${vm}=null;}`);
  const used = pc.columnsUsed(plan, INDEX_VAR, needed);
  const types = new Map(plan.indextlist.map((t) => [t.resno, exprType(t.expr!)]));
  const desc = cg.slot(pc.relations.indexDesc(plan.indexid));
  cg.block(possible === "true" ? "" : `if(${possible})`, () => {
    cg.emit(`const ${s}=${scan};${s}.wantItup=true;${cg.h("indexRescan")}(${s},${keys});`);
    cg.emit(`if(${vm}===null)${vm}=${cg.h("makeVm")}();`);
    cg.block("for(;;)", () => {
      cg.emit(`${cg.h("checkForInterrupts")}();`);
      cg.emit(`const ${tid}=${cg.h("indexGetnextTid")}(${s},${dir});if(${tid}<0)break;`);
      const fetched = pc.cg.options.instrument ? `${pc.instr(plan.plan_node_id)}.ntuples2++;` : "";
      cg.block(
        `if(!${cg.h("allVisible")}(${s},${tid},${vm}))`,
        () => cg.emit(`${fetched}if(${cg.h("indexFetchHeap")}(${s})<0)continue;`),
      );
      const cols = new Map([...used].map((a) => {
        const v = cg.name("c");
        cg.emit(`const ${v}=${cg.h("indexColumn")}(${s},${a},${desc});`);
        return [a, { v, n: `${v}===null`, rep: repOfType(types.get(a) ?? 0), inband: true }];
      }));
      const row = { get: (a: number) => cols.get(a)! };
      const quals = specs.recheck ? [...plan.recheckqual, ...plan.qual] : plan.qual;
      scanRow(pc, plan, row, plan.scanrelid, consume, quals, { index: row });
    });
  });
};
