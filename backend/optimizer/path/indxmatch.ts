/**
 * Matching a clause to an index column: operators, row comparisons, arrays, NULL tests, booleans, pattern prefixes, ORs.
 *
 * Follows match_clause_to_indexcol and kin of src/backend/optimizer/path/indxpath.c.
 */
import type { Oid } from "../../../base/types.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import { makeBoolConst, makeConst, makeOpExpr } from "../../nodes/makefuncs.ts";
import { exprType } from "../../nodes/node_funcs.ts";
import type { Node, OpExpr, RowCompareExpr } from "../../nodes/nodes.ts";
import type { IndexClause, IndexOptInfo, PathKey, PlannerInfo, RestrictInfo } from "../pathnodes.ts";
import { relidsOverlap } from "../relids.ts";
import {
  getCommutator,
  getOpcode,
  getOpfamilyMember,
  getOpOpfamilySortfamily,
  getOpOpfamilyStrategy,
  opInOpfamily,
  opInputTypes as typesOf,
  typeRow,
} from "../util/catalog_facts.ts";
import { containVolatileFunctions } from "../util/clauses.ts";
import { commuteRestrictinfo, makeRestrictinfo } from "../util/restrictinfo.ts";
import { matchIndexToOperand } from "../plan/analyzejoins_distinct.ts";
import { makeGreaterString, patternFixedPrefix, type PatternKind } from "../../utils/adt/like_support.ts";
import { pullVarnos } from "../util/var.ts";
import { evalConstExpressions } from "../util/const_fold.ts";
import { collationIsByteOrder } from "../../utils/cache/relcache_index.ts";

function indexClause(
  rinfo: RestrictInfo,
  quals: RestrictInfo[],
  col: number,
  lossy: boolean,
  cols: number[] = [],
): IndexClause {
  return { rinfo, indexquals: quals, lossy, indexcol: col, indexcols: cols };
}
function collationsMatch(clauseColl: Oid, indexColl: Oid): boolean {
  return indexColl === 0 || indexColl === clauseColl;
}
const BOOL_BTREE_FAM = 424;
const BOOL_HASH_FAM = 2222;

export function matchClauseToIndexcol(
  root: PlannerInfo,
  rinfo: RestrictInfo,
  col: number,
  index: IndexOptInfo,
): IndexClause | null {
  const clause = rinfo.clause;
  const opfamily = index.opfamily[col];
  if (opfamily === BOOL_BTREE_FAM || opfamily === BOOL_HASH_FAM) {
    const ic = matchBooleanIndexClause(root, rinfo, col, index);
    if (ic !== null) return ic;
  }
  switch (clause.type) {
    case "OpExpr":
      return matchOpclause(root, rinfo, clause, col, index);
    case "ScalarArrayOpExpr":
      return matchSaop(rinfo, clause, col, index);
    case "RowCompareExpr":
      return matchRowcompare(root, rinfo, clause, col, index);
    case "BoolExpr":
      return rinfo.orclause !== null ? matchOrclause(root, rinfo, col, index) : null;
    case "NullTest":
      if (index.amsearchnulls && !clause.argisrow && matchIndexToOperand(clause.arg!, col, index)) {
        return indexClause(rinfo, [rinfo], col, false);
      }
      return null;
    default:
      return null;
  }
}

function matchBooleanIndexClause(
  root: PlannerInfo,
  rinfo: RestrictInfo,
  col: number,
  index: IndexOptInfo,
): IndexClause | null {
  const c = rinfo.clause;
  let op: Node | null = null;
  if (matchIndexToOperand(c, col, index)) op = boolEq(c, true);
  else if (c.type === "BoolExpr" && c.boolop === "NOT_EXPR") {
    if (matchIndexToOperand(c.args[0], col, index)) op = boolEq(c.args[0], false);
  } else if (c.type === "BooleanTest" && matchIndexToOperand(c.arg!, col, index)) {
    if (c.booltesttype === "IS_TRUE") op = boolEq(c.arg!, true);
    else if (c.booltesttype === "IS_FALSE") op = boolEq(c.arg!, false);
  }
  if (op === null) return null;
  return indexClause(rinfo, [simpleRinfo(root, op)], col, false);
}
function boolEq(n: Node, v: boolean): Node {
  return makeOpExpr(91, getOpcode(91), 16, false, [n, makeBoolConst(v, false)], 0, 0);
}
function simpleRinfo(root: PlannerInfo, n: Node): RestrictInfo {
  return makeRestrictinfo(root, n, { is_pushed_down: true });
}

function matchOpclause(
  root: PlannerInfo,
  rinfo: RestrictInfo,
  clause: OpExpr,
  col: number,
  index: IndexOptInfo,
): IndexClause | null {
  if (clause.args.length !== 2) return null;
  const left = clause.args[0];
  const right = clause.args[1];
  const opfamily = index.opfamily[col];
  const idxcoll = index.indexcollations[col];
  const rel = index.rel.relids;
  if (
    matchIndexToOperand(left, col, index) && !relidsOverlap(rinfo.right_relids, rel) && !containVolatileFunctions(right)
  ) {
    if (collationsMatch(clause.inputcollid, idxcoll) && opInOpfamily(clause.opno, opfamily)) {
      return indexClause(rinfo, [rinfo], col, false);
    }
    return patternIndexClause(root, rinfo, clause, col, index);
  }
  if (
    matchIndexToOperand(right, col, index) && !relidsOverlap(rinfo.left_relids, rel) && !containVolatileFunctions(left)
  ) {
    if (collationsMatch(clause.inputcollid, idxcoll)) {
      const comm = getCommutator(clause.opno);
      if (comm !== 0 && opInOpfamily(comm, opfamily)) {
        return indexClause(rinfo, [commuteRestrictinfo(rinfo)], col, false);
      }
    }
  }
  return null;
}

function matchSaop(
  rinfo: RestrictInfo,
  clause: Node & { type: "ScalarArrayOpExpr" },
  col: number,
  index: IndexOptInfo,
): IndexClause | null {
  if (!clause.useOr) return null;
  const right = clause.args[1];
  if (
    matchIndexToOperand(clause.args[0], col, index) && !relidsOverlap(pullVarnos(null, right), index.rel.relids) &&
    !containVolatileFunctions(right) && collationsMatch(clause.inputcollid, index.indexcollations[col]) &&
    opInOpfamily(clause.opno, index.opfamily[col])
  ) return indexClause(rinfo, [rinfo], col, false);
  return null;
}

function matchRowcompare(
  root: PlannerInfo,
  rinfo: RestrictInfo,
  clause: RowCompareExpr,
  col: number,
  index: IndexOptInfo,
): IndexClause | null {
  if (index.relam !== 403) return null;
  const rel = index.rel.relids;
  const opfamily = index.opfamily[col];
  let op = clause.opnos[0];
  const left = clause.largs[0];
  const right = clause.rargs[0];
  if (!collationsMatch(clause.inputcollids[0], index.indexcollations[col])) return null;
  let varOnLeft: boolean;
  if (
    matchIndexToOperand(left, col, index) && !relidsOverlap(pullVarnos(root, right), rel) &&
    !containVolatileFunctions(right)
  ) varOnLeft = true;
  else if (
    matchIndexToOperand(right, col, index) && !relidsOverlap(pullVarnos(root, left), rel) &&
    !containVolatileFunctions(left)
  ) {
    op = getCommutator(op);
    if (op === 0) return null;
    varOnLeft = false;
  } else return null;
  const strategy = getOpOpfamilyStrategy(op, opfamily);
  if (strategy !== 1 && strategy !== 2 && strategy !== 4 && strategy !== 5) return null;
  // As many following columns as the index has in the same order.
  const cols = [col];
  let matching = 1;
  const varArgs = varOnLeft ? clause.largs : clause.rargs;
  const nonVar = varOnLeft ? clause.rargs : clause.largs;
  const ops = [op];
  while (matching < varArgs.length) {
    let o = clause.opnos[matching];
    if (!varOnLeft) {
      o = getCommutator(o);
      if (o === 0) break;
    }
    if (relidsOverlap(pullVarnos(root, nonVar[matching]), rel) || containVolatileFunctions(nonVar[matching])) break;
    let i = 0;
    for (; i < index.nkeycolumns; i++) {
      if (
        matchIndexToOperand(varArgs[matching], i, index) && getOpOpfamilyStrategy(o, index.opfamily[i]) === strategy &&
        collationsMatch(clause.inputcollids[matching], index.indexcollations[i])
      ) break;
    }
    if (i >= index.nkeycolumns) break;
    cols.push(i);
    ops.push(o);
    matching++;
  }
  const lossy = matching !== varArgs.length;
  if (varOnLeft && !lossy) return indexClause(rinfo, [rinfo], col, false, cols);
  let useOps = ops;
  if (lossy && (strategy === 1 || strategy === 5)) {
    useOps = ops.map((o, k) => {
      const r = typesOf(o);
      return getOpfamilyMember(index.opfamily[cols[k]], r.left, r.right, strategy === 1 ? 2 : 4);
    });
    if (useOps.includes(0)) return null;
  }
  if (matching === 1) {
    const q = makeOpExpr(
      useOps[0],
      getOpcode(useOps[0]),
      16,
      false,
      [varArgs[0], nonVar[0]],
      0,
      clause.inputcollids[0],
    );
    return indexClause(rinfo, [simpleRinfo(root, q)], col, lossy, cols);
  }
  const rc: RowCompareExpr = {
    ...clause,
    cmptype: (["COMPARE_INVALID", "COMPARE_LT", "COMPARE_LE", "COMPARE_EQ", "COMPARE_GE", "COMPARE_GT"] as const)[
      lossy && strategy === 1 ? 2 : lossy && strategy === 5 ? 4 : strategy
    ],
    opnos: useOps,
    opfamilies: clause.opfamilies.slice(0, matching),
    inputcollids: clause.inputcollids.slice(0, matching),
    largs: varArgs.slice(0, matching),
    rargs: nonVar.slice(0, matching),
  };
  return indexClause(rinfo, [simpleRinfo(root, rc)], col, lossy, cols);
}

/** x = a OR x = b …: one = ANY(array). */
function matchOrclause(root: PlannerInfo, rinfo: RestrictInfo, col: number, index: IndexOptInfo): IndexClause | null {
  let matchOpno = 0;
  let indexExpr: Node | null = null;
  let coll = 0;
  let consttype = 0;
  let arraytype = 0;
  const consts: Node[] = [];
  for (const arm of rinfo.orclause!) {
    if (Array.isArray(arm) || arm.clause.type !== "OpExpr") return null;
    const c = arm.clause;
    if (c.args.length !== 2) return null;
    let opno = c.opno;
    let other: Node;
    let indexed: Node;
    if (matchIndexToOperand(c.args[0], col, index) && !relidsOverlap(arm.right_relids, index.rel.relids)) {
      indexed = c.args[0];
      other = c.args[1];
    } else if (matchIndexToOperand(c.args[1], col, index) && !relidsOverlap(arm.left_relids, index.rel.relids)) {
      opno = getCommutator(opno);
      if (opno === 0) return null;
      indexed = c.args[1];
      other = c.args[0];
    } else return null;
    if (containVolatileFunctions(other)) return null;
    if (indexExpr === null) {
      matchOpno = opno;
      indexExpr = indexed;
      coll = c.inputcollid;
      consttype = exprType(other);
      if (!opInOpfamily(opno, index.opfamily[col]) || !collationsMatch(coll, index.indexcollations[col])) return null;
      arraytype = typeRow(consttype).typarray;
      if (arraytype === 0 || consttype === 2249) return null;
    } else if (opno !== matchOpno || c.inputcollid !== coll || exprType(other) !== consttype) return null;
    consts.push(other);
  }
  const allConst = consts.every((c) => c.type === "Const");
  const arr: Node = {
    type: "ArrayExpr",
    array_typeid: arraytype,
    array_collid: typeRow(arraytype).typcollation,
    element_typeid: consttype,
    elements: consts,
    multidims: false,
    list_start: -1,
    list_end: -1,
    location: -1,
  };
  const folded = allConst ? evalConstExpressions(root, arr) : arr;
  const saop: Node = {
    type: "ScalarArrayOpExpr",
    opno: matchOpno,
    opfuncid: getOpcode(matchOpno),
    hashfuncid: 0,
    negfuncid: 0,
    useOr: true,
    inputcollid: coll,
    args: [indexExpr!, folded],
    location: -1,
  };
  return indexClause(
    rinfo,
    [makeRestrictinfo(root, saop, {
      is_pushed_down: true,
      outer_relids: rinfo.outer_relids,
    })],
    col,
    false,
  );
}

// LIKE, ~ and ^@ as ranges of the index.
const TEXT_PATTERN_FAMS = new Set([2095, 2097]); // text_pattern_ops, bpchar_pattern_ops (btree)
const PATTERN_OPS: Readonly<Record<number, PatternKind>> = {
  1209: "like", // text ~~
  1211: "like", // bpchar ~~
  1207: "like", // name ~~
  1627: "iclike",
  1629: "iclike",
  1625: "iclike",
  641: "regex",
  1055: "regex",
  639: "regex",
  1228: "icregex",
  1234: "icregex",
  1226: "icregex",
  3877: "prefix",
};
function patternIndexClause(
  root: PlannerInfo,
  rinfo: RestrictInfo,
  clause: OpExpr,
  col: number,
  index: IndexOptInfo,
): IndexClause | null {
  if (index.relam !== 403) return null;
  const kind = PATTERN_OPS[clause.opno];
  if (kind === undefined) return null;
  const right = clause.args[1];
  if (right.type !== "Const" || right.constisnull || !(right.constvalue instanceof Uint8Array)) return null;
  const opfamily = index.opfamily[col];
  const left = clause.args[0];
  const ldatatype = exprType(left);
  const indexColl = index.indexcollations[col];
  const patternOps = TEXT_PATTERN_FAMS.has(opfamily);
  let rdatatype = 25;
  let eqopr: Oid;
  let ltopr: Oid;
  let geopr: Oid;
  if (opfamily === 1994) { // text_ops (text, varchar, name)
    eqopr = ldatatype === 19 ? 254 : 98;
    ltopr = ldatatype === 19 ? 255 : 664;
    geopr = ldatatype === 19 ? 257 : 667;
    if (ldatatype === 19) {
      // name columns compare with text
      eqopr = 254;
      ltopr = 255;
      geopr = 257;
    }
  } else if (opfamily === 2095) {
    eqopr = 98;
    ltopr = 2314;
    geopr = 2317;
  } else if (opfamily === 426) {
    eqopr = 1054;
    ltopr = 1058;
    geopr = 1061;
    rdatatype = 1042;
  } else if (opfamily === 2097) {
    eqopr = 1054;
    ltopr = 2326;
    geopr = 2329;
    rdatatype = 1042;
  } else return null;
  const p = patternFixedPrefix(decodeText(right.constvalue), kind);
  if (p.status === "none") return null;
  const prefix = makeConst(rdatatype, -1, 100, -1, encodeText(p.prefix), false, false);
  const mk = (op: Oid, c: Node, coll: Oid): RestrictInfo =>
    simpleRinfo(root, makeOpExpr(op, getOpcode(op), 16, false, [left, c], 0, coll));
  if (p.status === "exact") {
    if (!opInOpfamily(eqopr, opfamily)) return null;
    return indexClause(rinfo, [mk(eqopr, prefix, indexColl)], col, true);
  }
  if (!patternOps && !isByteOrderCollation(indexColl)) return null;
  const quals = [mk(geopr, prefix, indexColl)];
  const greater = makeGreaterString(encodeText(p.prefix));
  if (greater !== null) quals.push(mk(ltopr, makeConst(rdatatype, -1, 100, -1, greater, false, false), indexColl));
  return indexClause(rinfo, quals, col, true);
}
function isByteOrderCollation(c: Oid): boolean {
  return collationIsByteOrder(c);
}

/** ORDER BY operators of an index (distance), for access methods that have them. */
export function matchIndexToOrderby(
  _root: PlannerInfo,
  index: IndexOptInfo,
  pathkeys: readonly PathKey[],
): { clauses: Node[]; cols: number[] } {
  const clauses: Node[] = [];
  const cols: number[] = [];
  if (!index.amcanorderbyop) return { clauses, cols };
  for (const pk of pathkeys) {
    if (pk.pk_cmptype !== "COMPARE_LT" || pk.pk_nulls_first || pk.pk_eclass.ec_has_volatile) break;
    let found = false;
    for (const m of pk.pk_eclass.ec_members) {
      if (m.em_relids !== index.rel.relids || m.em_expr.type !== "OpExpr" || m.em_expr.args.length !== 2) continue;
      const e = m.em_expr;
      for (let c = 0; c < index.nkeycolumns && !found; c++) {
        if (
          matchIndexToOperand(e.args[0], c, index) && !containVolatileFunctions(e.args[1]) &&
          getOpOpfamilySortfamily(e.opno, index.opfamily[c]) === pk.pk_opfamily
        ) {
          clauses.push(e);
          cols.push(c);
          found = true;
        }
      }
      if (found) break;
    }
    if (!found) break;
  }
  return { clauses, cols };
}
