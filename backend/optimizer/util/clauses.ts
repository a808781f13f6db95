/**
 * Questions about expressions: do they hold aggregates, subplans, volatile or non-strict calls; what can they not be null
 * for; are they constant during a scan.
 *
 * Follows src/backend/optimizer/util/clauses.c (constant folding is in const_fold.ts).
 */
import {
  funcStrict,
  funcVolatile,
  getCommutator,
  getOpcode,
  opStrict,
  typeInputFunc,
  typeOutputFunc,
} from "./catalog_facts.ts";
import { exprType } from "../../nodes/node_funcs.ts";
import type { Node, OpExpr, Query, TargetEntry, Var } from "../../nodes/nodes.ts";
import type { PlannerInfo, WindowFuncLists } from "../pathnodes.ts";
import { relid, type Relids, relidsFromBms, relidsMembership } from "../relids.ts";
import { pullVarnos } from "./var.ts";
import { walkChildren, walkQuery, walkTree } from "./walkers.ts";

type Tree = Node | readonly Node[] | null;

export function isOrClause(n: Node | null): boolean {
  return n !== null && n.type === "BoolExpr" && n.boolop === "OR_EXPR";
}
export function isAndClause(n: Node | null): boolean {
  return n !== null && n.type === "BoolExpr" && n.boolop === "AND_EXPR";
}
export function isNotClause(n: Node | null): boolean {
  return n !== null && n.type === "BoolExpr" && n.boolop === "NOT_EXPR";
}

/** Visits a tree, Query nodes not entered. */
function search(node: Tree, test: (n: Node) => boolean): boolean {
  const visit = (n: Node): boolean => test(n) || walkChildren(n, visit);
  return node !== null && walkTree(node, visit);
}

export function containAggClause(node: Tree): boolean {
  return search(node, (n) => (n.type === "Aggref" || n.type === "GroupingFunc") && n.agglevelsup === 0);
}
export function containWindowFunction(node: Tree): boolean {
  return search(node, (n) => n.type === "WindowFunc");
}
export function containSubplans(node: Tree): boolean {
  return search(node, (n) => n.type === "SubPlan" || n.type === "AlternativeSubPlan" || n.type === "SubLink");
}
export function containExecParam(node: Tree, paramIds: readonly number[]): boolean {
  return search(node, (n) => n.type === "Param" && n.paramkind === "PARAM_EXEC" && paramIds.includes(n.paramid));
}
export function expressionReturnsSet(node: Tree): boolean {
  return search(node, (n) => (n.type === "FuncExpr" && n.funcretset) || (n.type === "OpExpr" && n.opretset));
}

/** WindowFuncs of a tree by winref. */
export function findWindowFunctions(node: Tree, maxWinRef: number): WindowFuncLists {
  const lists: WindowFuncLists = {
    numWindowFuncs: 0,
    maxWinRef,
    windowFuncs: Array.from({ length: maxWinRef + 1 }, () => []),
  };
  search(node, (n) => {
    if (n.type === "WindowFunc") {
      lists.windowFuncs[n.winref].push(n);
      lists.numWindowFuncs++;
    }
    return false;
  });
  return lists;
}

/** Rows that a set-returning expression gives; 1 for any other. */
export function expressionReturnsSetRows(root: PlannerInfo | null, node: Node, functionRows: FunctionRows): number {
  if (node.type === "FuncExpr" && node.funcretset) return clampRows(functionRows(root, node.funcid, node));
  if (node.type === "OpExpr" && node.opretset) return clampRows(functionRows(root, node.opfuncid, node));
  return 1;
}
export type FunctionRows = (root: PlannerInfo | null, funcid: number, node: Node) => number;
function clampRows(n: number): number {
  return n <= 1 ? 1 : Math.round(n);
}

/** Functions that a node itself calls. */
export function checkFunctionsInNode(n: Node, check: (funcid: number) => boolean): boolean {
  switch (n.type) {
    case "Aggref":
      return check(n.aggfnoid);
    case "WindowFunc":
      return check(n.winfnoid);
    case "FuncExpr":
      return check(n.funcid);
    case "OpExpr":
    case "DistinctExpr":
    case "NullIfExpr":
    case "ScalarArrayOpExpr":
      return check(n.opfuncid !== 0 ? n.opfuncid : getOpcode(n.opno));
    case "CoerceViaIO":
      return check(typeInputFunc(n.resulttype)) || check(typeOutputFunc(exprType(n.arg)));
    case "RowCompareExpr":
      return n.opnos.some((o) => check(getOpcode(o)));
    default:
      return false;
  }
}

const isMutable = (f: number): boolean => funcVolatile(f) !== "i";
const isVolatile = (f: number): boolean => funcVolatile(f) === "v";
const isVolatileNotNextval = (f: number): boolean => f !== F_NEXTVAL && funcVolatile(f) === "v";
const F_NEXTVAL = 1574;

export function containMutableFunctions(node: Tree): boolean {
  const visit = (n: Node): boolean => {
    if (n.type === "Var" || n.type === "Const") return false;
    if (checkFunctionsInNode(n, isMutable)) return true;
    if (n.type === "SQLValueFunction" || n.type === "NextValueExpr") return true;
    if (n.type === "Query") return walkQuery(n, visit);
    return walkChildren(n, visit);
  };
  return node !== null && walkTree(node, visit);
}
export function containVolatileFunctions(node: Tree): boolean {
  const visit = (n: Node): boolean => {
    if (n.type === "Var" || n.type === "Const") return false;
    if (checkFunctionsInNode(n, isVolatile)) return true;
    if (n.type === "NextValueExpr") return true;
    if (n.type === "Query") return walkQuery(n, visit);
    return walkChildren(n, visit);
  };
  return node !== null && walkTree(node, visit);
}
export function containVolatileFunctionsNotNextval(node: Tree): boolean {
  const visit = (n: Node): boolean => {
    if (checkFunctionsInNode(n, isVolatileNotNextval)) return true;
    if (n.type === "Query") return walkQuery(n, visit);
    return walkChildren(n, visit);
  };
  return node !== null && walkTree(node, visit);
}

/** Anything that can return non-null for null input, or raise no null at all. */
export function containNonstrictFunctions(node: Tree): boolean {
  const visit = (n: Node): boolean => {
    switch (n.type) {
      case "Aggref":
      case "GroupingFunc":
      case "WindowFunc":
      case "SubLink":
      case "SubPlan":
      case "AlternativeSubPlan":
      case "FieldStore":
      case "CaseExpr":
      case "ArrayExpr":
      case "RowExpr":
      case "RowCompareExpr":
      case "CoalesceExpr":
      case "MinMaxExpr":
      case "XmlExpr":
      case "NullTest":
      case "BooleanTest":
      case "JsonConstructorExpr":
      case "DistinctExpr":
      case "NullIfExpr":
        return true;
      case "SubscriptingRef":
        if (n.refassgnexpr !== null) return true;
        return walkChildren(n, visit);
      case "BoolExpr":
        if (n.boolop !== "NOT_EXPR") return true;
        break;
      case "CoerceViaIO":
      case "ArrayCoerceExpr":
        return n.arg !== null && visit(n.arg);
      case "Var":
      case "Const":
        return false;
    }
    if (checkFunctionsInNode(n, (f) => !funcStrict(f))) return true;
    return walkChildren(n, visit);
  };
  return node !== null && walkTree(node, visit);
}

/** True unless every function in the tree is leakproof. */
export function containLeakedVars(node: Tree, funcLeakproof: (f: number) => boolean): boolean {
  const leaky = (f: number): boolean => !funcLeakproof(f);
  const visit = (n: Node): boolean => {
    switch (n.type) {
      case "Var":
      case "Const":
      case "Param":
        return false;
      case "FuncExpr":
      case "OpExpr":
      case "DistinctExpr":
      case "NullIfExpr":
      case "ScalarArrayOpExpr":
      case "CoerceViaIO":
      case "SubscriptingRef":
        if (checkFunctionsInNode(n, leaky) && pullVarnos(null, n) !== 0n) return true;
        break;
      case "SubPlan":
      case "AlternativeSubPlan":
      case "SubLink":
        return true;
    }
    return walkChildren(n, visit);
  };
  return node !== null && walkTree(node, visit);
}

/** Relations that must have a non-null row for the qual to be true. */
export function findNonnullableRels(clause: Tree): Relids {
  return findNonnullableRelsWalker(clause, true);
}
function findNonnullableRelsWalker(node: Tree, topLevel: boolean): Relids {
  if (node === null) return 0n;
  if (Array.isArray(node)) {
    let r = 0n;
    for (const n of node) r |= findNonnullableRelsWalker(n, topLevel);
    return r;
  }
  const n = node as Node;
  switch (n.type) {
    case "Var":
      return n.varlevelsup === 0 ? relid(n.varno) : 0n;
    case "FuncExpr":
      return funcStrict(n.funcid) ? findNonnullableRelsWalker(n.args, false) : 0n;
    case "OpExpr":
      return opStrict(n.opno) ? findNonnullableRelsWalker(n.args, false) : 0n;
    case "ScalarArrayOpExpr":
      return isStrictSaop(n, true) ? findNonnullableRelsWalker(n.args, false) : 0n;
    case "BoolExpr":
      if (n.boolop === "AND_EXPR" && topLevel) return findNonnullableRelsWalker(n.args, topLevel);
      if (n.boolop === "NOT_EXPR") return findNonnullableRelsWalker(n.args, false);
      {
        let r: Relids | null = null;
        for (const a of n.args) {
          const s = findNonnullableRelsWalker(a, topLevel);
          r = r === null ? s : r & s;
          if (r === 0n) break;
        }
        return r ?? 0n;
      }
    case "RelabelType":
    case "CoerceViaIO":
    case "ArrayCoerceExpr":
    case "ConvertRowtypeExpr":
    case "CollateExpr":
      return findNonnullableRelsWalker(n.arg, topLevel);
    case "NullTest":
      return topLevel && n.nulltesttype === "IS_NOT_NULL" && !n.argisrow ? findNonnullableRelsWalker(n.arg, false) : 0n;
    case "BooleanTest":
      return topLevel &&
          (n.booltesttype === "IS_TRUE" || n.booltesttype === "IS_FALSE" || n.booltesttype === "IS_NOT_UNKNOWN")
        ? findNonnullableRelsWalker(n.arg, false)
        : 0n;
    case "SubPlan":
      return (topLevel && n.subLinkType === "ANY_SUBLINK") || n.subLinkType === "ROWCOMPARE_SUBLINK"
        ? findNonnullableRelsWalker(n.testexpr, topLevel)
        : 0n;
    case "PlaceHolderVar": {
      let r = findNonnullableRelsWalker(n.phexpr, topLevel);
      if (n.phlevelsup === 0) {
        const rels = relidsFromBms(n.phrels);
        if (relidsMembership(rels) === 1) r |= rels;
      }
      return r;
    }
    default:
      return 0n;
  }
}

/** Vars (varno, attno keys) that must be non-null for the qual to be true. Key: `varno * 65536 + attno + 8`. */
export function findNonnullableVars(clause: Tree): Set<number> {
  return nonnullableVars(clause, true);
}
export function varKey(v: Var): number {
  return v.varno * 65536 + v.varattno + 8;
}
function nonnullableVars(node: Tree, topLevel: boolean): Set<number> {
  const out = new Set<number>();
  if (node === null) return out;
  if (Array.isArray(node)) {
    for (const n of node) for (const k of nonnullableVars(n, topLevel)) out.add(k);
    return out;
  }
  const n = node as Node;
  switch (n.type) {
    case "Var":
      if (n.varlevelsup === 0) out.add(varKey(n));
      return out;
    case "FuncExpr":
      return funcStrict(n.funcid) ? nonnullableVars(n.args, false) : out;
    case "OpExpr":
      return opStrict(n.opno) ? nonnullableVars(n.args, false) : out;
    case "ScalarArrayOpExpr":
      return isStrictSaop(n, true) ? nonnullableVars(n.args, false) : out;
    case "BoolExpr":
      if (n.boolop === "AND_EXPR" && topLevel) return nonnullableVars(n.args, topLevel);
      if (n.boolop === "NOT_EXPR") return nonnullableVars(n.args, false);
      {
        let r: Set<number> | null = null;
        for (const a of n.args) {
          const s = nonnullableVars(a, topLevel);
          r = intersect(r, s);
          if (r.size === 0) break;
        }
        return r ?? out;
      }
    case "RelabelType":
    case "CoerceViaIO":
    case "ArrayCoerceExpr":
    case "ConvertRowtypeExpr":
    case "CollateExpr":
      return nonnullableVars(n.arg, topLevel);
    case "NullTest":
      return topLevel && n.nulltesttype === "IS_NOT_NULL" && !n.argisrow ? nonnullableVars(n.arg, false) : out;
    case "BooleanTest":
      return topLevel &&
          (n.booltesttype === "IS_TRUE" || n.booltesttype === "IS_FALSE" || n.booltesttype === "IS_NOT_UNKNOWN")
        ? nonnullableVars(n.arg, false)
        : out;
    case "PlaceHolderVar":
      return nonnullableVars(n.phexpr, topLevel);
    default:
      return out;
  }
}

function intersect(a: Set<number> | null, b: Set<number>): Set<number> {
  if (a === null) return b;
  const out = new Set<number>();
  for (const k of a) if (b.has(k)) out.add(k);
  return out;
}

/** Vars that the qual forces to null (IS NULL tests at its top). */
export function findForcedNullVars(node: Tree): Set<number> {
  const out = new Set<number>();
  const visit = (n: Tree): void => {
    if (n === null) return;
    if (Array.isArray(n)) return n.forEach(visit);
    const v = findForcedNullVar(n as Node);
    if (v !== null) out.add(varKey(v));
    else if (isAndClause(n as Node)) visit((n as { args: Node[] } & Node as Node & { args: Node[] }).args);
  };
  visit(node);
  return out;
}
export function findForcedNullVar(n: Node): Var | null {
  if (n.type === "NullTest") {
    if (n.nulltesttype === "IS_NULL" && !n.argisrow && n.arg?.type === "Var" && n.arg.varlevelsup === 0) return n.arg;
  } else if (n.type === "BooleanTest") {
    if (n.booltesttype === "IS_UNKNOWN" && n.arg?.type === "Var" && n.arg.varlevelsup === 0) return n.arg;
  }
  return null;
}

function isStrictSaop(n: Node & { type: "ScalarArrayOpExpr" }, falseOK: boolean): boolean {
  if (!funcStrict(n.opfuncid !== 0 ? n.opfuncid : getOpcode(n.opno))) return false;
  if (n.useOr && falseOK) return true;
  const right = n.args[1];
  if (right.type === "Const") {
    if (right.constisnull) return true;
    return right.constvalue instanceof Uint8Array && arrayNItems(right.constvalue) > 0;
  }
  if (right.type === "ArrayExpr") return right.elements.length > 0 && !right.multidims;
  return false;
}

/** Elements of an on-disk array Datum (ndim, dataoffset, elemtype, dims …). */
export function arrayNItems(bytes: Uint8Array): number {
  const dv = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const ndim = dv.getInt32(0, true);
  if (ndim <= 0) return 0;
  let n = 1;
  for (let i = 0; i < ndim; i++) n *= dv.getInt32(12 + 4 * i, true);
  return n;
}

/** No Vars of this level and nothing volatile: the same value all through a scan. */
export function isPseudoConstantClause(clause: Node): boolean {
  if (clause.type === "Const") return true;
  const visit = (n: Node): boolean => {
    if (n.type === "Var") return n.varlevelsup === 0;
    if (n.type === "PlaceHolderVar" && n.phlevelsup === 0) return true;
    return walkChildren(n, visit);
  };
  return !visit(clause) && !containVolatileFunctions(clause);
}
export function isPseudoConstantClauseRelids(clause: Node, relids: Relids): boolean {
  return relids === 0n && !containVolatileFunctions(clause);
}

/** How many base relations a clause refers to. */
export function numRelids(root: PlannerInfo, clause: Node): number {
  const v = pullVarnos(root, clause) & ~root.outer_join_rels;
  return v === 0n ? 0 : relidsMembership(v) === 1 ? 1 : countBits(v);
}
function countBits(v: bigint): number {
  let n = 0;
  while (v !== 0n) {
    v &= v - 1n;
    n++;
  }
  return n;
}

/** The clause with its arguments swapped, by the commutator. */
export function commuteOpExpr(clause: OpExpr): OpExpr {
  const opno = getCommutator(clause.opno);
  return { ...clause, opno, opfuncid: getOpcode(opno), args: [clause.args[1], clause.args[0]] };
}

export function getLeftop(n: Node): Node {
  return (n as OpExpr).args[0];
}
export function getRightop(n: Node): Node {
  return (n as OpExpr).args[1];
}

/** list of tlist expressions. */
export function tlistExprs(tlist: readonly TargetEntry[]): Node[] {
  return tlist.map((t) => t.expr!);
}

export function queryHasVolatile(q: Query): boolean {
  return containVolatileFunctions(q);
}
