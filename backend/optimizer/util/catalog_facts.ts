/**
 * Facts about functions, operators, operator families and types that planning asks for, straight from the syscache.
 *
 * Rows come typed and shared from searchSysCache, so each answer is a lookup and a field read.
 * Follows src/backend/utils/cache/lsyscache.c.
 */
import type { Oid } from "../../../base/types.ts";
import { elogError } from "./planner_error.ts";
import { searchSysCache, searchSysCacheList } from "../../utils/cache/syscache.ts";
import type { PgAmop, PgOperator, PgProc, PgStatistic, PgType } from "../../catalog/catalog_rows.ts";

export const BTREE_AM_OID = 403;
export const HASH_AM_OID = 405;

export function procRow(oid: Oid): PgProc {
  return searchSysCache("PROCOID", oid) ?? elogError(`cache lookup failed for function ${oid}`);
}
export function operRow(oid: Oid): PgOperator {
  return searchSysCache("OPEROID", oid) ?? elogError(`cache lookup failed for operator ${oid}`);
}
export function typeRow(oid: Oid): PgType {
  return searchSysCache("TYPEOID", oid) ?? elogError(`cache lookup failed for type ${oid}`);
}

// Functions
export function funcVolatile(f: Oid): string {
  return procRow(f).provolatile;
}
export function funcStrict(f: Oid): boolean {
  return procRow(f).proisstrict;
}
export function getFuncLeakproof(f: Oid): boolean {
  return procRow(f).proleakproof;
}
export function getFuncRettype(f: Oid): Oid {
  return procRow(f).prorettype;
}

// Operators
export function getOpcode(o: Oid): Oid {
  return searchSysCache("OPEROID", o)?.oprcode ?? 0;
}
export function getCommutator(o: Oid): Oid {
  return searchSysCache("OPEROID", o)?.oprcom ?? 0;
}
export function getNegator(o: Oid): Oid {
  return searchSysCache("OPEROID", o)?.oprnegate ?? 0;
}
export function getOprrest(o: Oid): Oid {
  return searchSysCache("OPEROID", o)?.oprrest ?? 0;
}
export function getOprjoin(o: Oid): Oid {
  return searchSysCache("OPEROID", o)?.oprjoin ?? 0;
}
export function opStrict(o: Oid): boolean {
  return funcStrict(operRow(o).oprcode);
}
export function opVolatile(o: Oid): string {
  return funcVolatile(operRow(o).oprcode);
}
export function opInputTypes(o: Oid): { left: Oid; right: Oid } {
  const r = operRow(o);
  return { left: r.oprleft, right: r.oprright };
}
export function getOpname(o: Oid): string | null {
  return searchSysCache("OPEROID", o)?.oprname ?? null;
}
const ARRAY_EQ_OP = 1070;
const RECORD_EQ_OP = 2988;
/** op_mergejoinable; arrays and records only if their elements can be compared, which analysis has seen to. */
export function opMergejoinable(o: Oid, _inputtype: Oid): boolean {
  if (o === ARRAY_EQ_OP || o === RECORD_EQ_OP) return true;
  return searchSysCache("OPEROID", o)?.oprcanmerge ?? false;
}
export function opHashjoinable(o: Oid, inputtype: Oid): boolean {
  if (o === ARRAY_EQ_OP) return elementHashable(inputtype);
  if (o === RECORD_EQ_OP) return false;
  return searchSysCache("OPEROID", o)?.oprcanhash ?? false;
}
function elementHashable(arraytype: Oid): boolean {
  const elem = getBaseElementType(arraytype);
  if (elem === 0) return false;
  return typeHasDefaultOpclass(elem, HASH_AM_OID);
}
function typeHasDefaultOpclass(type: Oid, am: Oid): boolean {
  const base = getBaseType(type);
  const t = typeRow(base);
  if (t.typtype === "e" || t.typtype === "r") return true;
  return searchSysCacheList("CLAAMNAMENSP", am).some((c) =>
    c.opcdefault && (c.opcintype === base || binaryCoercibleBuiltin(base, c.opcintype))
  );
}
function binaryCoercibleBuiltin(src: Oid, dst: Oid): boolean {
  return src === 1043 && dst === 25;
}

// Operator families
function amopsOf(o: Oid): readonly PgAmop[] {
  return searchSysCacheList("AMOPOPID", o);
}
export function opInOpfamily(o: Oid, opfamily: Oid): boolean {
  return searchSysCache("AMOPOPID", o, "s", opfamily) !== null;
}
export function getOpOpfamilyStrategy(o: Oid, opfamily: Oid): number {
  return searchSysCache("AMOPOPID", o, "s", opfamily)?.amopstrategy ?? 0;
}
export function getOpOpfamilySortfamily(o: Oid, opfamily: Oid): Oid {
  return searchSysCache("AMOPOPID", o, "o", opfamily)?.amopsortfamily ?? 0;
}
export function getOpOpfamilyProperties(
  o: Oid,
  opfamily: Oid,
  ordering = false,
): { strategy: number; lefttype: Oid; righttype: Oid } {
  const r = searchSysCache("AMOPOPID", o, ordering ? "o" : "s", opfamily) ??
    elogError(`operator ${o} is not a member of opfamily ${opfamily}`);
  return { strategy: r.amopstrategy, lefttype: r.amoplefttype, righttype: r.amoprighttype };
}
export function getOpfamilyMember(opfamily: Oid, lefttype: Oid, righttype: Oid, strategy: number): Oid {
  return searchSysCache("AMOPSTRATEGY", opfamily, lefttype, righttype, strategy)?.amopopr ?? 0;
}
export function getOpfamilyProc(opfamily: Oid, lefttype: Oid, righttype: Oid, procnum: number): Oid {
  return searchSysCache("AMPROCNUM", opfamily, lefttype, righttype, procnum)?.amproc ?? 0;
}
/** Btree families in which `o` is equality. */
export function getMergejoinOpfamilies(o: Oid): Oid[] {
  const out: Oid[] = [];
  for (const a of amopsOf(o)) {
    if (a.amopmethod === BTREE_AM_OID && a.amopstrategy === 3 && a.amoppurpose === "s") out.push(a.amopfamily);
  }
  return out;
}
export interface OrderingOp {
  opfamily: Oid;
  opcintype: Oid;
  cmptype: "COMPARE_LT" | "COMPARE_GT";
}
/** The btree family of a "<" or ">" operator. */
export function getOrderingOpProperties(o: Oid): OrderingOp | null {
  for (const a of amopsOf(o)) {
    if (a.amopmethod !== BTREE_AM_OID || a.amoppurpose !== "s") continue;
    if (a.amopstrategy !== 1 && a.amopstrategy !== 5) continue;
    if (a.amoplefttype !== a.amoprighttype) continue;
    return {
      opfamily: a.amopfamily,
      opcintype: a.amoplefttype,
      cmptype: a.amopstrategy === 1 ? "COMPARE_LT" : "COMPARE_GT",
    };
  }
  return null;
}
export function getEqualityOpForOrderingOp(o: Oid): { eqop: Oid; reverse: boolean } | null {
  const p = getOrderingOpProperties(o);
  if (p === null) return null;
  return { eqop: getOpfamilyMember(p.opfamily, p.opcintype, p.opcintype, 3), reverse: p.cmptype === "COMPARE_GT" };
}
/** The "<" (or ">") operator that sorts what `eqop` calls equal. */
export function getOrderingOpForEqualityOp(eqop: Oid, useLhsType: boolean): Oid {
  for (const a of amopsOf(eqop)) {
    if (a.amopmethod !== BTREE_AM_OID || a.amopstrategy !== 3) continue;
    const t = useLhsType ? a.amoplefttype : a.amoprighttype;
    const r = getOpfamilyMember(a.amopfamily, t, t, 1);
    if (r !== 0) return r;
  }
  return 0;
}
/** Hash equality operators for the two sides' own types. */
export function getCompatibleHashOperators(o: Oid): { lhs: Oid; rhs: Oid } | null {
  for (const a of amopsOf(o)) {
    if (a.amopmethod !== HASH_AM_OID || a.amopstrategy !== 1) continue;
    if (a.amoplefttype === a.amoprighttype) return { lhs: o, rhs: o };
    const lhs = getOpfamilyMember(a.amopfamily, a.amoplefttype, a.amoplefttype, 1);
    const rhs = getOpfamilyMember(a.amopfamily, a.amoprighttype, a.amoprighttype, 1);
    if (lhs !== 0 && rhs !== 0) return { lhs, rhs };
  }
  return null;
}
/** Hash support functions of the two sides, for hashed subplans and ScalarArrayOpExpr. */
export function getOpHashFunctions(o: Oid): { lhs: Oid; rhs: Oid } | null {
  for (const a of amopsOf(o)) {
    if (a.amopmethod !== HASH_AM_OID || a.amopstrategy !== 1) continue;
    const lhs = getOpfamilyProc(a.amopfamily, a.amoplefttype, a.amoplefttype, 1);
    const rhs = a.amoplefttype === a.amoprighttype
      ? lhs
      : getOpfamilyProc(a.amopfamily, a.amoprighttype, a.amoprighttype, 1);
    if (lhs !== 0 && rhs !== 0) return { lhs, rhs };
  }
  return null;
}
/** Do two equality operators belong to one family? */
export function equalityOpsAreCompatible(o1: Oid, o2: Oid): boolean {
  if (o1 === o2) return true;
  const b = amopsOf(o2);
  return amopsOf(o1).some((x) =>
    (x.amopmethod === BTREE_AM_OID || x.amopmethod === HASH_AM_OID) && b.some((y) => y.amopfamily === x.amopfamily)
  );
}
export interface OpBtreeInterpretation {
  opfamily: Oid;
  /** 1..5, or 6 for "<>". */
  strategy: number;
  lefttype: Oid;
  righttype: Oid;
}
/** What `o` means in each btree family: a member, or the negator of an equality. */
export function getOpBtreeInterpretation(o: Oid): OpBtreeInterpretation[] {
  const out: OpBtreeInterpretation[] = [];
  for (const a of amopsOf(o)) {
    if (a.amopmethod !== BTREE_AM_OID || a.amoppurpose !== "s") continue;
    out.push({
      opfamily: a.amopfamily,
      strategy: a.amopstrategy,
      lefttype: a.amoplefttype,
      righttype: a.amoprighttype,
    });
  }
  if (out.length === 0) {
    const neg = getNegator(o);
    if (neg !== 0) {
      for (const a of amopsOf(neg)) {
        if (a.amopmethod !== BTREE_AM_OID || a.amopstrategy !== 3) continue;
        out.push({ opfamily: a.amopfamily, strategy: 6, lefttype: a.amoplefttype, righttype: a.amoprighttype });
      }
    }
  }
  return out;
}

// Types
export function typeInputFunc(t: Oid): Oid {
  return typeRow(t).typinput;
}
export function typeOutputFunc(t: Oid): Oid {
  return typeRow(t).typoutput;
}
export function getTyplen(t: Oid): number {
  return typeRow(t).typlen;
}
export function getTypbyval(t: Oid): boolean {
  return typeRow(t).typbyval;
}
/** Domain → base type. */
export function getBaseType(t: Oid): Oid {
  let r = typeRow(t);
  while (r.typtype === "d") r = typeRow(r.typbasetype);
  return r.oid;
}
const ARRAY_SUBSCRIPT_HANDLER = 6179;
/** Element type of a true array type, 0 for others. */
export function getElementType(t: Oid): Oid {
  const r = searchSysCache("TYPEOID", t);
  return r !== null && r.typsubscript === ARRAY_SUBSCRIPT_HANDLER && r.typlen === -1 ? r.typelem : 0;
}
export function getBaseElementType(t: Oid): Oid {
  return getElementType(getBaseType(t));
}
export function typeIsRowtype(t: Oid): boolean {
  if (t === 2249) return true;
  const r = typeRow(getBaseType(t));
  return r.typtype === "c";
}
/** Estimated bytes of a value. */
export function getTypavgwidth(t: Oid, typmod: number): number {
  const r = typeRow(t);
  if (r.typlen > 0) return r.typlen;
  const max = typeMaximumSize(t, typmod);
  if (max > 0) {
    if (t === 1042) return max; // bpchar
    if (max <= 32) return max;
    if (max < 1000) return 32 + ((max - 32) / 2 | 0);
    return 32 + ((1000 - 32) / 2 | 0);
  }
  return 32;
}
function typeMaximumSize(t: Oid, typmod: number): number {
  if (typmod < 0) return -1;
  switch (t) {
    case 1042: // bpchar
    case 1043: // varchar
      return (typmod - 4) * 4 + 4; // UTF-8: four bytes a character
    case 1700: {
      if (typmod < 4) return -1;
      const precision = ((typmod - 4) >> 16) & 0xffff;
      return 8 + 2 * Math.floor((precision + 6) / 4);
    }
    case 1562:
    case 1560:
      return Math.floor((typmod + 7) / 8) + 8;
  }
  return -1;
}
/** pg_statistic of a column, inherited or not. */
export function statisticRow(relid: Oid, attnum: number, inh: boolean): PgStatistic | null {
  return searchSysCache("STATRELATTINH", relid, attnum, inh);
}
export function getAttavgwidth(relid: Oid, attnum: number): number {
  const s = searchSysCache("STATRELATTINH", relid, attnum, false);
  return s !== null && s.stawidth > 0 ? s.stawidth : 0;
}
