/**
 * Quals in canonical form: flat AND/OR, common arms of ORs pulled out.
 *
 * Follows src/backend/optimizer/prep/prepqual.c.
 */
import { equal } from "../../nodes/equal_funcs.ts";
import { makeAndExpr, makeBoolConst, makeOrExpr } from "../../nodes/makefuncs.ts";
import type { Node } from "../../nodes/nodes.ts";

export function canonicalizeQual(qual: Node | null, isCheck = false): Node | null {
  if (qual === null) return null;
  return findDuplicateOrs(qual, isCheck);
}
function findDuplicateOrs(qual: Node, isCheck: boolean): Node {
  if (qual.type !== "BoolExpr") return qual;
  if (qual.boolop === "OR_EXPR") {
    const orlist: Node[] = [];
    for (const a of qual.args) {
      const n = findDuplicateOrs(a, isCheck);
      if (n.type === "Const") {
        if (isCheck ? n.constisnull || n.constvalue === true : !n.constisnull && n.constvalue === true) {
          return makeBoolConst(true, false);
        }
        continue;
      }
      if (n.type === "BoolExpr" && n.boolop === "OR_EXPR") orlist.push(...n.args);
      else orlist.push(n);
    }
    return processDuplicateOrs(orlist);
  }
  if (qual.boolop === "AND_EXPR") {
    const andlist: Node[] = [];
    for (const a of qual.args) {
      const n = findDuplicateOrs(a, isCheck);
      if (n.type === "Const") {
        if (isCheck ? !n.constisnull && n.constvalue !== true : n.constisnull || n.constvalue !== true) {
          return makeBoolConst(false, false);
        }
        continue;
      }
      if (n.type === "BoolExpr" && n.boolop === "AND_EXPR") andlist.push(...n.args);
      else andlist.push(n);
    }
    if (andlist.length === 0) return makeBoolConst(true, false);
    if (andlist.length === 1) return andlist[0];
    if (andlist.length === qual.args.length && andlist.every((x, i) => x === qual.args[i])) return qual;
    return makeAndExpr(andlist);
  }
  return qual;
}
function processDuplicateOrs(orlist: Node[]): Node {
  if (orlist.length === 0) return makeBoolConst(false, false);
  if (orlist.length === 1) return orlist[0];
  const armList = (n: Node): Node[] => n.type === "BoolExpr" && n.boolop === "AND_EXPR" ? n.args : [n];
  let reference: Node[] = [];
  let num = 0;
  for (const c of orlist) {
    const l = armList(c);
    if (num === 0 || l.length < num) {
      reference = l;
      num = l.length;
    }
    if (num === 1 && c.type !== "BoolExpr") {
      reference = [c];
      break;
    }
  }
  const uniq: Node[] = [];
  for (const r of reference) if (!uniq.some((u) => equal(u, r))) uniq.push(r);
  const winners = uniq.filter((r) => orlist.every((c) => armList(c).some((x) => equal(x, r))));
  if (winners.length === 0) return makeOrExpr(orlist);
  const neworlist: Node[] = [];
  for (const c of orlist) {
    const rest = armList(c).filter((x) => !winners.some((w) => equal(w, x)));
    if (rest.length === 0) {
      neworlist.length = 0;
      break;
    }
    if (rest.length === 1) {
      const r = rest[0];
      if (r.type === "BoolExpr" && r.boolop === "OR_EXPR") neworlist.push(...r.args);
      else neworlist.push(r);
    } else neworlist.push(makeAndExpr(rest));
  }
  const out = winners.slice();
  if (neworlist.length === 1) out.push(neworlist[0]);
  else if (neworlist.length > 1) out.push(makeOrExpr(neworlist));
  return out.length === 1 ? out[0] : makeAndExpr(out);
}
