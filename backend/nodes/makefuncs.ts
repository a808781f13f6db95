/**
 * Constructors of common nodes. Follows src/backend/nodes/makefuncs.c.
 */
import type { Oid } from "../../base/types.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import type {
  Alias,
  BoolExpr,
  BoolExprType,
  CoercionForm,
  Const,
  FromExpr,
  FuncExpr,
  Node,
  OpExpr,
  Query,
  RangeTblEntry,
  RangeTblRef,
  RelabelType,
  SortGroupClause,
  StringValue,
  TargetEntry,
  Var,
} from "./nodes.ts";
import { makeNode } from "./make_node.ts";

const BOOLOID = 16;

export function makeVar(
  varno: number,
  varattno: number,
  vartype: Oid,
  vartypmod: number,
  varcollid: Oid,
  varlevelsup: number,
): Var {
  return {
    type: "Var",
    varno,
    varattno,
    vartype,
    vartypmod,
    varcollid,
    varnullingrels: null,
    varlevelsup,
    varreturningtype: "VAR_RETURNING_DEFAULT",
    varnosyn: varno,
    varattnosyn: varattno,
    location: -1,
  };
}
export function makeConst(
  consttype: Oid,
  consttypmod: number,
  constcollid: Oid,
  constlen: number,
  constvalue: Datum,
  constisnull: boolean,
  constbyval: boolean,
): Const {
  return {
    type: "Const",
    consttype,
    consttypmod,
    constcollid,
    constlen,
    constvalue: constisnull ? null : constvalue,
    constisnull,
    constbyval,
    location: -1,
  };
}
export function makeBoolConst(value: boolean, isnull: boolean): Const {
  return makeConst(BOOLOID, -1, 0, 1, value, isnull, true);
}
export function makeTargetEntry(
  expr: Node | null,
  resno: number,
  resname: string | null,
  resjunk: boolean,
): TargetEntry {
  return {
    type: "TargetEntry",
    expr,
    resno,
    resname,
    ressortgroupref: 0,
    resorigtbl: 0,
    resorigcol: 0,
    resjunk,
  };
}
export function flatCopyTargetEntry(src: TargetEntry): TargetEntry {
  return { ...src };
}
export function makeAlias(aliasname: string, colnames: StringValue[]): Alias {
  return { type: "Alias", aliasname, colnames };
}
export function makeString(sval: string): StringValue {
  return { type: "String", sval };
}
export function makeFromExpr(fromlist: Node[], quals: Node | null): FromExpr {
  return { type: "FromExpr", fromlist, quals };
}
export function makeRangeTblRef(rtindex: number): RangeTblRef {
  return { type: "RangeTblRef", rtindex };
}
export function makeRelabelType(
  arg: Node,
  resulttype: Oid,
  resulttypmod: number,
  resultcollid: Oid,
  relabelformat: CoercionForm,
): RelabelType {
  return { type: "RelabelType", arg, resulttype, resulttypmod, resultcollid, relabelformat, location: -1 };
}
export function makeFuncExpr(
  funcid: Oid,
  funcresulttype: Oid,
  args: Node[],
  funccollid: Oid,
  inputcollid: Oid,
  funcformat: CoercionForm,
): FuncExpr {
  return {
    type: "FuncExpr",
    funcid,
    funcresulttype,
    funcretset: false,
    funcvariadic: false,
    funcformat,
    funccollid,
    inputcollid,
    args,
    location: -1,
  };
}
export function makeOpExpr(
  opno: Oid,
  opfuncid: Oid,
  opresulttype: Oid,
  opretset: boolean,
  args: Node[],
  opcollid: Oid,
  inputcollid: Oid,
): OpExpr {
  return { type: "OpExpr", opno, opfuncid, opresulttype, opretset, opcollid, inputcollid, args, location: -1 };
}
export function makeBoolExpr(boolop: BoolExprType, args: Node[], location: number): BoolExpr {
  return { type: "BoolExpr", boolop, args, location };
}
/** make_and_qual: joins two quals that may each be missing. */
export function makeAndQual(a: Node | null, b: Node | null): Node | null {
  if (a === null) return b;
  if (b === null) return a;
  return makeBoolExpr("AND_EXPR", [a, b], -1);
}
export function makeAndExpr(args: Node[]): BoolExpr {
  return makeBoolExpr("AND_EXPR", args, -1);
}
export function makeOrExpr(args: Node[]): BoolExpr {
  return makeBoolExpr("OR_EXPR", args, -1);
}
export function makeNotExpr(arg: Node): BoolExpr {
  return makeBoolExpr("NOT_EXPR", [arg], -1);
}
/** make_ands_explicit: a list of conditions as one expression; none is constant true. */
export function makeAndsExplicit(list: Node[]): Node {
  if (list.length === 0) return makeBoolConst(true, false);
  return list.length === 1 ? list[0] : makeAndExpr(list);
}
/** make_ands_implicit: the top-level conditions of a qual; constant true is dropped. */
export function makeAndsImplicit(clause: Node | null): Node[] {
  if (clause === null) return [];
  if (clause.type === "BoolExpr" && clause.boolop === "AND_EXPR") return clause.args;
  if (clause.type === "Const" && !clause.constisnull && clause.constvalue === true) return [];
  return [clause];
}
export function makeRte(rtekind: RangeTblEntry["rtekind"]): RangeTblEntry {
  return makeNode("RangeTblEntry", { rtekind });
}
export function makeQuery(commandType: Query["commandType"]): Query {
  return makeNode("Query", { commandType, canSetTag: false });
}
export function makeSortGroupClause(ref: number, eqop: Oid, sortop: Oid, hashable: boolean): SortGroupClause {
  return {
    type: "SortGroupClause",
    tleSortGroupRef: ref,
    eqop,
    sortop,
    reverse_sort: false,
    nulls_first: false,
    hashable,
  };
}
