/**
 * Constant folding: eval_const_expressions and estimate_expression_value.
 *
 * Copy-on-write. Functions with constant arguments are called when immutable (stable ones too for estimates); built-ins
 * directly, other expressions through the evaluator that the executor installs. Also puts boolean expressions into
 * simplified form and expands default and named arguments. Follows src/backend/optimizer/util/clauses.c.
 */
import type { Oid } from "../../../base/types.ts";
import { makeBoolConst, makeBoolExpr, makeConst, makeFuncExpr } from "../../nodes/makefuncs.ts";
import { exprCollation, exprType, exprTypmod } from "../../nodes/node_funcs.ts";
import { stringToNode } from "../../nodes/readfuncs.ts";
import type { Const, FuncExpr, Node, OpExpr } from "../../nodes/nodes.ts";
import type { ParamListInfo } from "../../nodes/params.ts";
import type { PgProc } from "../../catalog/catalog_rows.ts";
import { PgError } from "../../../base/error.ts";
import { constructArray } from "../../executor/exec_arrays.ts";
import { fmgrInfo } from "../../utils/fmgr/fmgr_info.ts";
import type { Datum } from "../../utils/fmgr/datum.ts";
import type { PlannerInfo } from "../pathnodes.ts";
import {
  getNegator,
  getOpcode,
  getTypbyval,
  getTyplen,
  opVolatile,
  procRow,
  typeInputFunc,
  typeOutputFunc,
  typeRow,
} from "./catalog_facts.ts";
import { applyRelabelType } from "./tlist.ts";
import { mutateChildren, mutateList } from "./walkers.ts";

interface Context {
  root: PlannerInfo | null;
  boundParams: ParamListInfo | null;
  estimate: boolean;
  caseVal: Node | null;
  activeFns: Oid[];
}

/** Evaluates a constant expression; installed by the executor. Null if it cannot (yet). */
export type ExprEvaluator = (expr: Node) => Datum;
let evaluator: ExprEvaluator | null = null;
export function installExprEvaluator(fn: ExprEvaluator): void {
  evaluator = fn;
}
/** Expands a call of a SQL-language function in line; null to leave it. */
export type FunctionInliner = (call: FuncExpr, proc: PgProc, root: PlannerInfo | null) => Node | null;
let inliner: FunctionInliner | null = null;
export function installFunctionInliner(fn: FunctionInliner): void {
  inliner = fn;
}

export function evalConstExpressions(root: PlannerInfo | null, node: Node): Node {
  return fold(node, {
    root,
    boundParams: root?.glob.boundParams ?? null,
    estimate: false,
    caseVal: null,
    activeFns: [],
  });
}
export function evalConstExpressionsList<T extends Node>(root: PlannerInfo | null, list: T[]): T[] {
  const cx: Context = {
    root,
    boundParams: root?.glob.boundParams ?? null,
    estimate: false,
    caseVal: null,
    activeFns: [],
  };
  return mutateList(list, (n) => fold(n, cx));
}
/** A guess of the value, stable functions and parameters included; for selectivity only. */
export function estimateExpressionValue(root: PlannerInfo, node: Node): Node {
  if (node.type === "Const" || node.type === "Var") return node;
  return fold(node, { root, boundParams: root.glob.boundParams, estimate: true, caseVal: null, activeFns: [] });
}

function isConst(n: Node | null): n is Const {
  return n !== null && n.type === "Const";
}
function boolConst(v: boolean): Const {
  return makeBoolConst(v, false);
}
function nullBool(): Const {
  return makeBoolConst(false, true);
}
export function makeNullConst(type: Oid, typmod: number, collation: Oid): Const {
  const t = typeRow(type);
  return makeConst(type, typmod, collation, t.typlen, null, true, t.typbyval);
}
function constOf(type: Oid, typmod: number, collation: Oid, value: Datum): Const {
  return makeConst(type, typmod, collation, getTyplen(type), value, value === null, getTypbyval(type));
}

function fold(node: Node, cx: Context): Node {
  const f = (n: Node): Node => fold(n, cx);
  switch (node.type) {
    case "Var":
    case "Const":
    case "RangeTblRef":
    case "SortGroupClause":
      return node;
    case "Param": {
      if (node.paramkind !== "PARAM_EXTERN" || cx.boundParams === null) return node;
      const p = cx.boundParams.values[node.paramid - 1];
      if (p === undefined || p.type !== node.paramtype) return node;
      return constOf(node.paramtype, node.paramtypmod, node.paramcollid, p.value);
    }
    case "WindowFunc": {
      return mutateChildren(node, f);
    }
    case "FuncExpr": {
      const r = simplifyFunction(
        cx,
        node.funcid,
        node.funcresulttype,
        exprTypmod(node),
        node.funccollid,
        node.inputcollid,
        node.args,
        node.funcvariadic,
        node,
      );
      if (r.result !== null) return r.result;
      return r.args === node.args ? node : { ...node, args: r.args };
    }
    case "OpExpr":
      return foldOpExpr(node, cx);
    case "DistinctExpr": {
      const args = mutateList(node.args, f);
      let hasNull = false;
      let allNull = true;
      let hasNonconst = false;
      for (const a of args) {
        if (isConst(a)) {
          if (a.constisnull) hasNull = true;
          else allNull = false;
        } else hasNonconst = true;
      }
      if (!hasNonconst) {
        if (allNull) return boolConst(false);
        if (hasNull) return boolConst(true);
        const r = simplifyFunction(cx, opfunc(node), 16, -1, 0, node.inputcollid, args, false, null, true);
        if (isConst(r.result)) return boolConst(!(r.result.constvalue === true));
      }
      return args === node.args ? node : { ...node, args };
    }
    case "NullIfExpr": {
      const args = mutateList(node.args, f);
      if (isConst(args[0]) && args[0].constisnull) return args[0];
      if (isConst(args[1]) && args[1].constisnull) return args[0];
      if (isConst(args[0]) && isConst(args[1])) {
        const eq = callFunction(opfunc(node), node.inputcollid, args as Const[], 16);
        if (eq !== undefined) {
          return eq === true ? makeNullConst(args[0].consttype, args[0].consttypmod, args[0].constcollid) : args[0];
        }
      }
      return args === node.args ? node : { ...node, args };
    }
    case "ScalarArrayOpExpr": {
      const args = mutateList(node.args, f);
      const n = args === node.args ? node : { ...node, args };
      if (args.every(isConst)) {
        const vol = procRow(opfunc(node)).provolatile;
        if (vol === "i" || (cx.estimate && vol === "s")) return evaluate(n, 16, -1, 0) ?? n;
      }
      return n;
    }
    case "BoolExpr":
      if (node.boolop === "OR_EXPR") {
        const r = simplifyOr(node.args, cx);
        if (r.forceTrue) return boolConst(true);
        if (r.haveNull) r.args.push(nullBool());
        if (r.args.length === 0) return boolConst(false);
        if (r.args.length === 1) return r.args[0];
        return sameList(r.args, node.args) ? node : makeBoolExpr("OR_EXPR", r.args, node.location);
      }
      if (node.boolop === "AND_EXPR") {
        const r = simplifyAnd(node.args, cx);
        if (r.forceFalse) return boolConst(false);
        if (r.haveNull) r.args.push(nullBool());
        if (r.args.length === 0) return boolConst(true);
        if (r.args.length === 1) return r.args[0];
        return sameList(r.args, node.args) ? node : makeBoolExpr("AND_EXPR", r.args, node.location);
      }
      return negateClause(f(node.args[0]), node);
    case "SubPlan":
    case "AlternativeSubPlan":
      return node;
    case "RelabelType": {
      const arg = f(node.arg!);
      if (arg === node.arg && arg.type !== "Const" && arg.type !== "RelabelType") return node;
      return applyRelabelType(
        arg,
        node.resulttype,
        node.resulttypmod,
        node.resultcollid,
        node.relabelformat,
        node.location,
      );
    }
    case "CoerceViaIO": {
      const arg = f(node.arg!);
      if (isConst(arg)) {
        const outfunc = procRow(typeOutputFunc(arg.consttype));
        const infunc = procRow(typeInputFunc(node.resulttype));
        const ok = (v: string): boolean => v === "i" || (cx.estimate && v === "s");
        if (ok(outfunc.provolatile) && ok(infunc.provolatile) && evaluator !== null) {
          const r = evaluate({ ...node, arg }, node.resulttype, -1, node.resultcollid);
          if (r !== null) return r;
        }
      }
      return arg === node.arg ? node : { ...node, arg };
    }
    case "ArrayCoerceExpr": {
      const arg = f(node.arg!);
      const saved = cx.caseVal;
      cx.caseVal = null;
      const elem = f(node.elemexpr!);
      cx.caseVal = saved;
      const n = arg === node.arg && elem === node.elemexpr ? node : { ...node, arg, elemexpr: elem };
      if (isConst(arg) && !containsNonImmutable(elem)) {
        return evaluate(n, node.resulttype, node.resulttypmod, node.resultcollid) ?? n;
      }
      return n;
    }
    case "CollateExpr": {
      // COLLATE is a relabelling.
      const arg = f(node.arg!);
      return applyRelabelType(arg, exprType(arg), exprTypmod(arg), node.collOid, "COERCE_IMPLICIT_CAST", node.location);
    }
    case "CaseExpr":
      return foldCase(node, cx);
    case "CaseTestExpr":
      return cx.caseVal ?? node;
    case "ArrayExpr":
    case "RowExpr":
    case "MinMaxExpr":
    case "SubscriptingRef": {
      const n = mutateChildren(node, f) as typeof node;
      if (n.type === "SubscriptingRef" && n.refassgnexpr !== null) return n;
      if (n.type === "ArrayExpr" && !n.multidims && n.elements.length > 0 && n.elements.every(isConst)) {
        const bytes = constructArray(n.element_typeid, n.elements.map((e) => (e as Const).constvalue));
        return constOf(n.array_typeid, -1, n.array_collid, bytes);
      }
      if (allChildrenConst(n) && evaluator !== null) {
        return evaluate(n, exprType(n), exprTypmod(n), exprCollation(n)) ?? n;
      }
      return n;
    }
    case "CoalesceExpr": {
      const args: Node[] = [];
      for (const a of node.args) {
        const e = f(a);
        if (isConst(e)) {
          if (e.constisnull) continue;
          if (args.length === 0) return e;
          args.push(e);
          break;
        }
        args.push(e);
      }
      if (args.length === 0) return makeNullConst(node.coalescetype, -1, node.coalescecollid);
      if (args.length === 1) return args[0];
      return sameList(args, node.args) ? node : { ...node, args };
    }
    case "SQLValueFunction":
      // Stable.
      if (cx.estimate) return evaluate(node, node.svftype, node.typmod, 0) ?? node;
      return node;
    case "FieldSelect": {
      const arg = f(node.arg!);
      if (arg.type === "Var" && arg.varattno === 0 && arg.varlevelsup === 0) {
        return {
          type: "Var",
          varno: arg.varno,
          varattno: node.fieldnum,
          vartype: node.resulttype,
          vartypmod: node.resulttypmod,
          varcollid: node.resultcollid,
          varnullingrels: arg.varnullingrels,
          varlevelsup: 0,
          varreturningtype: arg.varreturningtype,
          varnosyn: arg.varno,
          varattnosyn: node.fieldnum,
          location: -1,
        };
      }
      if (arg.type === "RowExpr") {
        const e = arg.args[node.fieldnum - 1];
        if (
          e !== undefined && exprType(e) === node.resulttype && exprTypmod(e) === node.resulttypmod &&
          exprCollation(e) === node.resultcollid
        ) return e;
      }
      const n = arg === node.arg ? node : { ...node, arg };
      if (isConst(arg)) return evaluate(n, node.resulttype, node.resulttypmod, node.resultcollid) ?? n;
      return n;
    }
    case "NullTest": {
      const arg = f(node.arg!);
      if (node.argisrow && arg.type === "RowExpr") {
        const out: Node[] = [];
        for (const a of arg.args) {
          if (isConst(a)) {
            if (a.constisnull ? node.nulltesttype === "IS_NOT_NULL" : node.nulltesttype === "IS_NULL") {
              return boolConst(false);
            }
            continue;
          }
          out.push({
            type: "NullTest",
            arg: a,
            nulltesttype: node.nulltesttype,
            argisrow: false,
            location: node.location,
          });
        }
        return out.length === 0 ? boolConst(true) : out.length === 1 ? out[0] : makeBoolExpr("AND_EXPR", out, -1);
      }
      if (!node.argisrow && isConst(arg)) {
        return boolConst(node.nulltesttype === "IS_NULL" ? arg.constisnull : !arg.constisnull);
      }
      return arg === node.arg ? node : { ...node, arg };
    }
    case "BooleanTest": {
      const arg = f(node.arg!);
      if (isConst(arg)) {
        const nul = arg.constisnull;
        const v = arg.constvalue === true;
        switch (node.booltesttype) {
          case "IS_TRUE":
            return boolConst(!nul && v);
          case "IS_NOT_TRUE":
            return boolConst(nul || !v);
          case "IS_FALSE":
            return boolConst(!nul && !v);
          case "IS_NOT_FALSE":
            return boolConst(nul || v);
          case "IS_UNKNOWN":
            return boolConst(nul);
          default:
            return boolConst(!nul);
        }
      }
      return arg === node.arg ? node : { ...node, arg };
    }
    case "CoerceToDomain": {
      const arg = f(node.arg!);
      return arg === node.arg ? node : { ...node, arg };
    }
    case "PlaceHolderVar":
      if (cx.estimate) return f(node.phexpr!);
      return mutateChildren(node, f);
    case "ConvertRowtypeExpr":
      return mutateChildren(node, f);
    case "Query":
      return node;
    default:
      return mutateChildren(node, f);
  }
}

function opfunc(n: { opno: Oid; opfuncid: Oid }): Oid {
  return n.opfuncid !== 0 ? n.opfuncid : getOpcode(n.opno);
}
function sameList(a: readonly Node[], b: readonly Node[]): boolean {
  return a.length === b.length && a.every((x, i) => x === b[i]);
}
function allChildrenConst(n: Node): boolean {
  let ok = true;
  mutateChildren(n, (c) => {
    if (c.type !== "Const") ok = false;
    return c;
  });
  return ok;
}
function containsNonImmutable(n: Node): boolean {
  let bad = false;
  const visit = (x: Node): Node => {
    if (x.type === "FuncExpr" && procRow(x.funcid).provolatile !== "i") bad = true;
    if (x.type === "CoerceToDomain") bad = true;
    if (x.type === "CoerceViaIO") bad = true;
    return mutateChildren(x, visit);
  };
  visit(n);
  return bad;
}

function foldOpExpr(node: OpExpr, cx: Context): Node {
  const func = opfunc(node);
  const r = simplifyFunction(
    cx,
    func,
    node.opresulttype,
    -1,
    node.opcollid,
    node.inputcollid,
    node.args,
    false,
    null,
    false,
  );
  if (r.result !== null) return r.result;
  const args = r.args;
  // boolean = constant.
  if (node.opno === 91 || node.opno === 85) {
    const b = simplifyBooleanEquality(node.opno, args);
    if (b !== null) return b;
  }
  return args === node.args && node.opfuncid !== 0 ? node : { ...node, opfuncid: func, args };
}
function simplifyBooleanEquality(opno: Oid, args: readonly Node[]): Node | null {
  const [l, r] = args;
  const one = (c: Const, other: Node): Node | null => {
    if (c.constisnull) return null;
    return (opno === 91) === (c.constvalue === true) ? other : negateClause(other, null);
  };
  if (isConst(l)) return one(l, r);
  if (isConst(r)) return one(r, l);
  return null;
}

/** NOT of a clause that is simplified already. */
export function negateClause(n: Node, original: (Node & { type: "BoolExpr" }) | null): Node {
  switch (n.type) {
    case "Const":
      return n.constisnull ? nullBool() : boolConst(n.constvalue !== true);
    case "OpExpr": {
      const neg = getNegator(n.opno);
      if (neg !== 0) return { ...n, opno: neg, opfuncid: getOpcode(neg) };
      break;
    }
    case "ScalarArrayOpExpr": {
      const neg = getNegator(n.opno);
      if (neg !== 0) {
        return { ...n, opno: neg, opfuncid: getOpcode(neg), hashfuncid: 0, negfuncid: 0, useOr: !n.useOr };
      }
      break;
    }
    case "BoolExpr":
      switch (n.boolop) {
        case "AND_EXPR":
          return makeBoolExpr("OR_EXPR", flattenArms(n.args.map((a) => negateClause(a, null)), "OR_EXPR"), -1);
        case "OR_EXPR":
          return makeBoolExpr("AND_EXPR", flattenArms(n.args.map((a) => negateClause(a, null)), "AND_EXPR"), -1);
        default:
          return n.args[0];
      }
    case "NullTest":
      if (!n.argisrow) {
        return { ...n, nulltesttype: n.nulltesttype === "IS_NULL" ? "IS_NOT_NULL" : "IS_NULL" };
      }
      break;
    case "BooleanTest": {
      const map = {
        IS_TRUE: "IS_NOT_TRUE",
        IS_NOT_TRUE: "IS_TRUE",
        IS_FALSE: "IS_NOT_FALSE",
        IS_NOT_FALSE: "IS_FALSE",
        IS_UNKNOWN: "IS_NOT_UNKNOWN",
        IS_NOT_UNKNOWN: "IS_UNKNOWN",
      } as const;
      return { ...n, booltesttype: map[n.booltesttype] };
    }
  }
  if (original !== null && original.args[0] === n) return original;
  return makeBoolExpr("NOT_EXPR", [n], -1);
}
function flattenArms(list: Node[], op: "AND_EXPR" | "OR_EXPR"): Node[] {
  return list.flatMap((n) => n.type === "BoolExpr" && n.boolop === op ? n.args : [n]);
}

function simplifyOr(args: readonly Node[], cx: Context): { args: Node[]; haveNull: boolean; forceTrue: boolean } {
  const out: Node[] = [];
  let haveNull = false;
  const stack = args.slice();
  for (let i = 0; i < stack.length; i++) {
    let a = stack[i];
    if (a.type === "BoolExpr" && a.boolop === "OR_EXPR") {
      stack.splice(i, 1, ...a.args);
      i--;
      continue;
    }
    a = fold(a, cx);
    if (a.type === "BoolExpr" && a.boolop === "OR_EXPR") {
      out.push(...a.args);
      continue;
    }
    if (isConst(a)) {
      if (a.constisnull) haveNull = true;
      else if (a.constvalue === true) return { args: [], haveNull, forceTrue: true };
      continue;
    }
    out.push(a);
  }
  return { args: out, haveNull, forceTrue: false };
}
function simplifyAnd(args: readonly Node[], cx: Context): { args: Node[]; haveNull: boolean; forceFalse: boolean } {
  const out: Node[] = [];
  let haveNull = false;
  const stack = args.slice();
  for (let i = 0; i < stack.length; i++) {
    let a = stack[i];
    if (a.type === "BoolExpr" && a.boolop === "AND_EXPR") {
      stack.splice(i, 1, ...a.args);
      i--;
      continue;
    }
    a = fold(a, cx);
    if (a.type === "BoolExpr" && a.boolop === "AND_EXPR") {
      out.push(...a.args);
      continue;
    }
    if (isConst(a)) {
      if (a.constisnull) haveNull = true;
      else if (a.constvalue !== true) return { args: [], haveNull, forceFalse: true };
      continue;
    }
    out.push(a);
  }
  return { args: out, haveNull, forceFalse: false };
}

function foldCase(node: Node & { type: "CaseExpr" }, cx: Context): Node {
  let arg = node.arg === null ? null : fold(node.arg, cx);
  const saved = cx.caseVal;
  if (isConst(arg)) {
    cx.caseVal = arg;
    arg = null;
  } else cx.caseVal = null;
  const args: Node[] = [];
  let defresult: Node | null = null;
  let constTrue = false;
  for (const w of node.args) {
    if (w.type !== "CaseWhen") continue;
    const cond = fold(w.expr!, cx);
    if (isConst(cond)) {
      if (cond.constisnull || cond.constvalue !== true) continue;
      constTrue = true;
    }
    const savedInner: Node | null = cx.caseVal;
    cx.caseVal = saved;
    const result = fold(w.result!, cx);
    cx.caseVal = savedInner;
    if (constTrue) {
      defresult = result;
      break;
    }
    args.push(cond === w.expr && result === w.result ? w : { ...w, expr: cond, result });
  }
  cx.caseVal = saved;
  if (!constTrue) defresult = node.defresult === null ? null : fold(node.defresult, cx);
  if (args.length === 0) return defresult ?? makeNullConst(node.casetype, -1, node.casecollid);
  if (arg === node.arg && defresult === node.defresult && sameList(args, node.args)) return node;
  return { ...node, arg, args, defresult };
}

/** Folds arguments and, where it can, the call. */
function simplifyFunction(
  cx: Context,
  funcid: Oid,
  resultType: Oid,
  resultTypmod: number,
  resultCollid: Oid,
  inputCollid: Oid,
  argsIn: Node[],
  variadic: boolean,
  call: FuncExpr | null,
  argsDone = false,
): { result: Node | null; args: Node[] } {
  const proc = procRow(funcid);
  let args = argsIn;
  if (!argsDone) {
    if (call !== null) args = expandFunctionArguments(args, proc);
    args = mutateList(args, (n) => fold(n, cx));
  }
  const r = evaluateFunction(cx, funcid, resultType, resultTypmod, resultCollid, inputCollid, args, variadic, proc);
  if (r !== null) return { result: r, args };
  if (proc.prosupport !== 0 && call !== null) {
    const s = simplifySupport(proc, call, args);
    if (s !== null) return { result: s, args };
  }
  // argsDone: a caller that can use a constant only.
  if (!argsDone && inliner !== null && proc.prolang === SQL_LANGUAGE && !cx.activeFns.includes(funcid)) {
    const fcall = call ?? makeFuncExpr(funcid, resultType, args, resultCollid, inputCollid, "COERCE_EXPLICIT_CALL");
    const out = inlineCall(inliner, args === fcall.args ? fcall : { ...fcall, args }, proc, cx);
    if (out !== null) return { result: out, args };
  }
  return { result: null, args };
}
const SQL_LANGUAGE = 14;

/** inline_function(): the call's body, simplified in its turn; null if it cannot stand in line. */
function inlineCall(inline: FunctionInliner, call: FuncExpr, proc: Readonly<PgProc>, cx: Context): Node | null {
  cx.activeFns.push(call.funcid);
  try {
    const body = inline(call, proc, cx.root);
    return body === null ? null : fold(body, cx);
  } catch (e) {
    if (e instanceof PgError) {
      const own = `SQL function "${proc.proname}" during inlining`;
      e.fields.context = e.fields.context === undefined ? own : `${e.fields.context}\n${own}`;
    }
    throw e;
  } finally {
    cx.activeFns.pop();
  }
}

/** Length coercions that change nothing become relabellings (varchar_support, numeric_support and kin). */
function simplifySupport(proc: PgProc, call: FuncExpr, args: readonly Node[]): Node | null {
  switch (procRow(proc.prosupport).prosrc) {
    case "varchar_support": {
      const typmod = args[1];
      if (!isConst(typmod) || typmod.constisnull) return null;
      const source = args[0];
      const oldMod = exprTypmod(source);
      const newMod = typmod.constvalue as number;
      if (newMod < 4 || (oldMod >= 4 && oldMod <= newMod)) {
        return applyRelabelType(
          source,
          exprType(source),
          newMod,
          exprCollation(source),
          "COERCE_IMPLICIT_CAST",
          call.location,
        );
      }
      return null;
    }
    case "numeric_support": {
      const typmod = args[1];
      if (!isConst(typmod) || typmod.constisnull) return null;
      const source = args[0];
      const oldMod = exprTypmod(source);
      const newMod = typmod.constvalue as number;
      const scale = (m: number): number => ((((m - 4) & 0x7ff) ^ 1024) - 1024);
      const prec = (m: number): number => ((m - 4) >> 16) & 0xffff;
      if (
        newMod < 4 ||
        (oldMod >= 4 && scale(newMod) === scale(oldMod) && prec(newMod) >= prec(oldMod))
      ) {
        return applyRelabelType(
          source,
          exprType(source),
          newMod,
          exprCollation(source),
          "COERCE_IMPLICIT_CAST",
          call.location,
        );
      }
      return null;
    }
    default:
      return null;
  }
}

function expandFunctionArguments(args: Node[], proc: PgProc): Node[] {
  let named = false;
  for (const a of args) if (a.type === "NamedArgExpr") named = true;
  if (!named && args.length >= proc.pronargs) return args;
  const out: (Node | null)[] = new Array(proc.pronargs).fill(null);
  let i = 0;
  for (const a of args) {
    if (a.type === "NamedArgExpr") out[a.argnumber] = a.arg;
    else out[i++] = a;
  }
  if (out.includes(null) && proc.proargdefaults !== null) {
    const defaults = stringToNode(proc.proargdefaults) as Node[];
    const first = proc.pronargs - proc.pronargdefaults;
    for (let k = 0; k < out.length; k++) if (out[k] === null && k >= first) out[k] = defaults[k - first];
  }
  return out.filter((x): x is Node => x !== null);
}

function evaluateFunction(
  cx: Context,
  funcid: Oid,
  resultType: Oid,
  resultTypmod: number,
  resultCollid: Oid,
  inputCollid: Oid,
  args: Node[],
  variadic: boolean,
  proc: PgProc,
): Node | null {
  if (proc.proretset || proc.prorettype === 2249) return null;
  let hasNonconst = false;
  let hasNull = false;
  for (let i = 0; i < args.length; i++) {
    const a = args[i];
    if (a.type === "Const") {
      if (a.constisnull) hasNull = true;
    } else hasNonconst = true;
  }
  if (proc.proisstrict && hasNull) return makeNullConst(resultType, resultTypmod, resultCollid);
  if (hasNonconst) return null;
  if (!(proc.provolatile === "i" || (cx.estimate && proc.provolatile === "s"))) return null;
  if (proc.prolang !== 12 && proc.prolang !== 13) {
    // Functions in other languages go through the evaluator.
    return evaluate(
      {
        ...makeFuncExpr(funcid, resultType, args, resultCollid, inputCollid, "COERCE_EXPLICIT_CALL"),
        funcvariadic: variadic,
      },
      resultType,
      resultTypmod,
      resultCollid,
    );
  }
  const v = callFunction(funcid, inputCollid, args as Const[], resultType, variadic);
  return v === undefined ? null : constOf(resultType, resultTypmod, resultCollid, v);
}

/** Calls a built-in on constants. */
function callFunction(
  funcid: Oid,
  collation: Oid,
  args: readonly Const[],
  resultType: Oid,
  variadic = false,
): Datum | undefined {
  const argTypes: Oid[] = [];
  for (let i = 0; i < args.length; i++) argTypes.push(args[i].consttype);
  const info = fmgrInfo(funcid, { collation, argTypes, resultType, variadic });
  const call = info.fn;
  switch (args.length) {
    case 1:
      return call(args[0].constvalue);
    case 2:
      return call(args[0].constvalue, args[1].constvalue);
    default:
      return call(...args.map((a) => a.constvalue));
  }
}

/** evaluate_expr through the executor; null if none is installed. */
function evaluate(expr: Node, type: Oid, typmod: number, collation: Oid): Const | null {
  if (evaluator === null) return null;
  const v = evaluator(expr);
  return constOf(type, typmod, collation, v);
}

/** Chooses hash lookup for long constant IN lists (convert_saop_to_hashed_saop). */
export function convertSaopToHashedSaop<T extends Node>(
  node: T,
  hashFunctions: HashFunctionLookup,
  items: ArrayLength,
): T {
  const visit = (n: Node): Node => {
    if (n.type === "ScalarArrayOpExpr") {
      const arr = n.args[1];
      if (isConst(arr) && !arr.constisnull && items(arr) >= 9) {
        if (n.useOr) {
          const h = hashFunctions(n.opno);
          if (h !== 0) return { ...n, hashfuncid: h };
        } else {
          const neg = getNegator(n.opno);
          const h = neg === 0 ? 0 : hashFunctions(neg);
          if (h !== 0) return { ...n, hashfuncid: h, negfuncid: getOpcode(neg) };
        }
      }
    }
    return mutateChildren(n, visit);
  };
  return visit(node) as T;
}
export type HashFunctionLookup = (opno: Oid) => Oid;
export type ArrayLength = (c: Const) => number;
export function opIsImmutable(opno: Oid): boolean {
  return opVolatile(opno) === "i";
}
