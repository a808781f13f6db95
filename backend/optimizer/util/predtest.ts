/**
 * Does one set of conditions imply another? Used for partial indexes and constraint exclusion.
 *
 * Handles equality, AND/OR structure, IS NOT NULL from strict operators, and btree comparisons of one expression with
 * constants. "No" may mean "don't know". Follows src/backend/optimizer/util/predtest.c.
 */
import type { Oid } from "../../../base/types.ts";
import { equal } from "../../nodes/equal_funcs.ts";
import type { Node, OpExpr } from "../../nodes/nodes.ts";
import { fmgrInfo } from "../../utils/fmgr/fmgr_info.ts";
import {
  funcStrict,
  getCommutator,
  getNegator,
  getOpBtreeInterpretation,
  getOpcode,
  getOpfamilyMember,
  opStrict,
} from "./catalog_facts.ts";

const BooleanEqualOperator = 91;

/** Every condition of `predicate` follows from `clauses` (both implicitly ANDed). */
export function predicateImpliedBy(predicate: readonly Node[], clauses: readonly Node[]): boolean {
  if (predicate.length === 0) return true;
  if (clauses.length === 0) return false;
  return predicate.every((p) => impliedByAll(p, clauses));
}
function impliedByAll(p: Node, clauses: readonly Node[]): boolean {
  if (p.type === "BoolExpr" && p.boolop === "AND_EXPR") return p.args.every((a) => impliedByAll(a, clauses));
  for (const c of clauses) if (implied(p, c)) return true;
  if (p.type === "BoolExpr" && p.boolop === "OR_EXPR") return p.args.some((a) => impliedByAll(a, clauses));
  return false;
}
function implied(p: Node, c: Node): boolean {
  if (c.type === "BoolExpr" && c.boolop === "AND_EXPR") return c.args.some((a) => implied(p, a));
  if (c.type === "BoolExpr" && c.boolop === "OR_EXPR") {
    return equal(p, c) || c.args.every((a) => impliedByAll(p, [a]));
  }
  if (c.type === "ScalarArrayOpExpr" && c.useOr && c.args[1].type === "ArrayExpr" && !c.args[1].multidims) {
    return equal(p, c) || (c.args[1].elements.length > 0 && c.args[1].elements.every((e) =>
      impliedByAll(p, [{
        type: "OpExpr",
        opno: c.opno,
        opfuncid: c.opfuncid,
        opresulttype: 16,
        opretset: false,
        opcollid: 0,
        inputcollid: c.inputcollid,
        args: [c.args[0], e],
        location: -1,
      }])
    ));
  }
  if (p.type === "BoolExpr" && p.boolop === "OR_EXPR") return p.args.some((a) => implied(a, c));
  if (p.type === "BoolExpr" && p.boolop === "AND_EXPR") return p.args.every((a) => implied(a, c));
  return simpleImplied(p, c);
}
function simpleImplied(p: Node, c: Node): boolean {
  if (equal(p, c)) return true;
  if (c.type === "OpExpr" && c.opno === BooleanEqualOperator) {
    // x = true implies x, x = false implies NOT x.
    const [x, v] = c.args;
    if (v !== undefined && v.type === "Const" && !v.constisnull) {
      if (v.constvalue === true) { if (equal(p, x)) return true; }
      else if (p.type === "BoolExpr" && p.boolop === "NOT_EXPR" && equal(p.args[0], x)) return true;
    }
  }
  if (p.type === "NullTest" && p.nulltesttype === "IS_NOT_NULL" && !p.argisrow) {
    return clauseIsStrictFor(c, p.arg!);
  }
  if (p.type === "OpExpr" && c.type === "OpExpr") return operatorImplied(p, c);
  return false;
}
/** A true `clause` means that `expr` is not null. */
function clauseIsStrictFor(clause: Node, expr: Node): boolean {
  const strip = (n: Node): Node => {
    while (n.type === "RelabelType") n = n.arg!;
    return n;
  };
  const c = strip(clause);
  const e = strip(expr);
  if (equal(c, e)) return true;
  switch (c.type) {
    case "OpExpr":
      return opStrict(c.opno) && c.args.some((a) => clauseIsStrictFor(a, e));
    case "FuncExpr":
      return funcStrict(c.funcid) && c.args.some((a) => clauseIsStrictFor(a, e));
    case "CoerceViaIO":
    case "ArrayCoerceExpr":
    case "ConvertRowtypeExpr":
    case "CoerceToDomain":
      return clauseIsStrictFor(c.arg!, e);
    case "ScalarArrayOpExpr":
      return c.useOr && opStrict(c.opno) && clauseIsStrictFor(c.args[0], e);
    case "BooleanTest":
      return (c.booltesttype === "IS_TRUE" || c.booltesttype === "IS_FALSE" || c.booltesttype === "IS_NOT_UNKNOWN") &&
        clauseIsStrictFor(c.arg!, e);
    default:
      return false;
  }
}

// Rows: strategy of the clause operator (1..6, 6 is <>), columns: of the predicate. 0: says nothing; else the btree
// strategy that must hold between the clause's constant and the predicate's ("C op P").
const IMPLIES: readonly (readonly number[])[] = [
  [],
  // pred: LT LE EQ GE GT NE
  [0, 2, 2, 0, 0, 0, 2], // LT
  [0, 1, 2, 0, 0, 0, 1], // LE
  [0, 1, 2, 3, 4, 5, 6], // EQ
  [0, 0, 0, 0, 4, 5, 5], // GE
  [0, 0, 0, 0, 4, 4, 4], // GT
  [0, 0, 0, 0, 0, 0, 3], // NE
];
function operatorImplied(p: OpExpr, c: OpExpr): boolean {
  if (p.args.length !== 2 || c.args.length !== 2) return false;
  if (p.inputcollid !== c.inputcollid) return false;
  let pop: Oid = p.opno;
  let cop: Oid = c.opno;
  let pc: Node;
  let cc: Node;
  if (equal(p.args[0], c.args[0])) {
    pc = p.args[1];
    cc = c.args[1];
    if (equal(pc, cc)) return sameOperandsImply(pop, cop);
  } else if (equal(p.args[1], c.args[1])) {
    pc = p.args[0];
    cc = c.args[0];
    pop = getCommutator(pop);
    cop = getCommutator(cop);
  } else if (equal(p.args[0], c.args[1])) {
    pc = p.args[1];
    cc = c.args[0];
    cop = getCommutator(cop);
    if (equal(pc, cc)) return sameOperandsImply(pop, cop);
  } else if (equal(p.args[1], c.args[0])) {
    pc = p.args[0];
    cc = c.args[1];
    pop = getCommutator(pop);
  } else return false;
  if (pop === 0 || cop === 0) return false;
  if (pc.type !== "Const" || cc.type !== "Const") return false;
  if (cc.constisnull) return true;
  if (pc.constisnull) return false;
  for (const ci of getOpBtreeInterpretation(cop)) {
    for (const pi of getOpBtreeInterpretation(pop)) {
      if (ci.opfamily !== pi.opfamily) continue;
      const test = IMPLIES[ci.strategy][pi.strategy];
      if (test === 0) continue;
      let op: Oid;
      if (test === 6) {
        const eq = getOpfamilyMember(ci.opfamily, pi.righttype, ci.righttype, 3);
        op = eq === 0 ? 0 : getNegator(eq);
      } else op = getOpfamilyMember(ci.opfamily, ci.righttype, pi.righttype, test);
      if (op === 0) continue;
      return fmgrInfo(getOpcode(op), { collation: p.inputcollid }).fn(cc.constvalue, pc.constvalue) === true;
    }
  }
  return false;
}
/** x cop y implies x pop y, for any y. */
function sameOperandsImply(pop: Oid, cop: Oid): boolean {
  if (pop === cop) return true;
  const ok: readonly (readonly number[])[] = [[], [1, 2, 6], [2], [2, 3, 4], [4], [4, 5, 6], [6]];
  for (const ci of getOpBtreeInterpretation(cop)) {
    for (const pi of getOpBtreeInterpretation(pop)) {
      if (ci.opfamily === pi.opfamily && ok[ci.strategy].includes(pi.strategy)) return true;
    }
  }
  return false;
}
