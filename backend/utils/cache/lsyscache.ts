/**
 * Convenience look-ups in the system caches. Unless said otherwise a function returns 0, "" or null where the object does
 * not exist; those whose object must exist throw XX000 "cache lookup failed".
 * Follows src/backend/utils/cache/lsyscache.c.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { type PgError, pgError } from "../../../base/error.ts";
import type { AttrNumber, Oid } from "../../../base/types.ts";
import { setDatabaseNameLookup } from "../../access/transam/varsup.ts";
import { isTransactionState } from "../../access/transam/xact.ts";
import type { PgOperator, PgProc, PgType } from "../../catalog/catalog_rows.ts";
import { searchSysCache, searchSysCacheAttNum, searchSysCacheList } from "./syscache.ts";

const BTREE_AM_OID = 403;
const HASH_AM_OID = 405;
const BTLessStrategyNumber = 1;
const BTEqualStrategyNumber = 3;
const BTGreaterStrategyNumber = 5;
const HTEqualStrategyNumber = 1;
const ARRAY_SUBSCRIPT_HANDLER = 6179;

function lookupFailed(what: string, oid: Oid | string): PgError {
  return pgError(ERRCODE.INTERNAL_ERROR, `cache lookup failed for ${what} ${oid}`);
}

// ---- Operator families

/** Strategy number of `opno` in `opfamily` as a search operator, 0 if it is no member. */
export function getOpOpfamilyStrategy(opno: Oid, opfamily: Oid): number {
  return searchSysCache("AMOPOPID", opno, "s", opfamily)?.amopstrategy ?? 0;
}
export function opInOpfamily(opno: Oid, opfamily: Oid): boolean {
  return searchSysCache("AMOPOPID", opno, "s", opfamily) !== null;
}
/** Sort family of an ordering operator, 0 if it is none. */
export function getOpOpfamilySortfamily(opno: Oid, opfamily: Oid): Oid {
  return searchSysCache("AMOPOPID", opno, "o", opfamily)?.amopsortfamily ?? 0;
}
/** @throws {PgError} XX000 if `opno` is no member. */
export function getOpOpfamilyProperties(
  opno: Oid,
  opfamily: Oid,
  orderingOp = false,
): { strategy: number; lefttype: Oid; righttype: Oid } {
  const row = searchSysCache("AMOPOPID", opno, orderingOp ? "o" : "s", opfamily);
  if (row === null) {
    throw pgError(ERRCODE.INTERNAL_ERROR, `operator ${opno} is not a member of opfamily ${opfamily}`);
  }
  return { strategy: row.amopstrategy, lefttype: row.amoplefttype, righttype: row.amoprighttype };
}
export function getOpfamilyMember(opfamily: Oid, lefttype: Oid, righttype: Oid, strategy: number): Oid {
  return searchSysCache("AMOPSTRATEGY", opfamily, lefttype, righttype, strategy)?.amopopr ?? 0;
}
/** Support function of an operator family. */
export function getOpfamilyProc(opfamily: Oid, lefttype: Oid, righttype: Oid, procnum: number): Oid {
  return searchSysCache("AMPROCNUM", opfamily, lefttype, righttype, procnum)?.amproc ?? 0;
}

/** What a btree "<" or ">" operator orders, or null if it is none. */
export function getOrderingOpProperties(
  opno: Oid,
): { opfamily: Oid; opcintype: Oid; cmptype: "COMPARE_LT" | "COMPARE_GT" } | null {
  for (const a of searchSysCacheList("AMOPOPID", opno)) {
    if (a.amopmethod !== BTREE_AM_OID || a.amoplefttype !== a.amoprighttype) continue;
    if (a.amopstrategy !== BTLessStrategyNumber && a.amopstrategy !== BTGreaterStrategyNumber) continue;
    return {
      opfamily: a.amopfamily,
      opcintype: a.amoplefttype,
      cmptype: a.amopstrategy === BTLessStrategyNumber ? "COMPARE_LT" : "COMPARE_GT",
    };
  }
  return null;
}
/** The equality that goes with an ordering operator. */
export function getEqualityOpForOrderingOp(opno: Oid): { eqop: Oid; reverse: boolean } | null {
  const p = getOrderingOpProperties(opno);
  if (p === null) return null;
  const eqop = getOpfamilyMember(p.opfamily, p.opcintype, p.opcintype, BTEqualStrategyNumber);
  return eqop === 0 ? null : { eqop, reverse: p.cmptype === "COMPARE_GT" };
}
/** An ordering operator under which `opno` is equality; of the left or right input type. */
export function getOrderingOpForEqualityOp(opno: Oid, useLhsType: boolean): Oid {
  for (const a of searchSysCacheList("AMOPOPID", opno)) {
    if (a.amopmethod !== BTREE_AM_OID || a.amopstrategy !== BTEqualStrategyNumber) continue;
    const type = useLhsType ? a.amoplefttype : a.amoprighttype;
    const op = getOpfamilyMember(a.amopfamily, type, type, BTLessStrategyNumber);
    if (op !== 0) return op;
  }
  return 0;
}
/** btree families in which `opno` is equality. */
export function getMergejoinOpfamilies(opno: Oid): Oid[] {
  return searchSysCacheList("AMOPOPID", opno)
    .filter((a) => a.amopmethod === BTREE_AM_OID && a.amopstrategy === BTEqualStrategyNumber)
    .map((a) => a.amopfamily);
}
/** Hash functions for the two sides of an equality, or null if it is not hashable. */
export function getOpHashFunctions(opno: Oid): { lhs: Oid; rhs: Oid } | null {
  for (const a of searchSysCacheList("AMOPOPID", opno)) {
    if (a.amopmethod !== HASH_AM_OID || a.amopstrategy !== HTEqualStrategyNumber) continue;
    const lhs = getOpfamilyProc(a.amopfamily, a.amoplefttype, a.amoplefttype, 1);
    const rhs = a.amoplefttype === a.amoprighttype
      ? lhs
      : getOpfamilyProc(a.amopfamily, a.amoprighttype, a.amoprighttype, 1);
    if (lhs !== 0 && rhs !== 0) return { lhs, rhs };
  }
  return null;
}

// ---- Columns

/** Name of a column; null if there is none and `missingOk`. */
export function getAttname(relid: Oid, attnum: AttrNumber, missingOk = false): string | null {
  const row = searchSysCacheAttNum(relid, attnum);
  if (row === null && !missingOk) throw lookupFailed("attribute", `${attnum} of relation ${relid}`);
  return row?.attname ?? null;
}
/** Number of the column with this name, 0 if there is none. */
export function getAttnum(relid: Oid, attname: string): AttrNumber {
  const row = searchSysCache("ATTNAME", relid, attname);
  return row === null || row.attisdropped ? 0 : row.attnum;
}
export function getAtttype(relid: Oid, attnum: AttrNumber): Oid {
  return searchSysCacheAttNum(relid, attnum)?.atttypid ?? 0;
}
/** @throws {PgError} XX000 */
export function getAtttypetypmodcoll(relid: Oid, attnum: AttrNumber): { typid: Oid; typmod: number; collid: Oid } {
  const row = searchSysCacheAttNum(relid, attnum);
  if (row === null) throw lookupFailed("attribute", `${attnum} of relation ${relid}`);
  return { typid: row.atttypid, typmod: row.atttypmod, collid: row.attcollation };
}
export function getAttgenerated(relid: Oid, attnum: AttrNumber): string {
  return searchSysCacheAttNum(relid, attnum)?.attgenerated ?? "";
}

// ---- Casts, collations, constraints, languages, namespaces

/** OID of the cast, 0 if there is none. */
export function getCastOid(sourcetype: Oid, targettype: Oid): Oid {
  return searchSysCache("CASTSOURCETARGET", sourcetype, targettype)?.oid ?? 0;
}
export function getCollationName(oid: Oid): string | null {
  return searchSysCache("COLLOID", oid)?.collname ?? null;
}
export function getCollationIsdeterministic(oid: Oid): boolean {
  const row = searchSysCache("COLLOID", oid);
  if (row === null) throw lookupFailed("collation", oid);
  return row.collisdeterministic;
}
export function getConstraintName(oid: Oid): string | null {
  return searchSysCache("CONSTROID", oid)?.conname ?? null;
}
export function getLanguageName(oid: Oid, missingOk = false): string | null {
  const row = searchSysCache("LANGOID", oid);
  if (row === null && !missingOk) throw lookupFailed("language", oid);
  return row?.lanname ?? null;
}
export function getNamespaceName(oid: Oid): string | null {
  return searchSysCache("NAMESPACEOID", oid)?.nspname ?? null;
}
export function getAmName(oid: Oid): string | null {
  return searchSysCache("AMOID", oid)?.amname ?? null;
}
export function getDatabaseName(oid: Oid): string | null {
  return searchSysCache("DATABASEOID", oid)?.datname ?? null;
}
setDatabaseNameLookup((oid) => isTransactionState() ? getDatabaseName(oid) : null);
export function getTablespaceName(oid: Oid): string | null {
  return searchSysCache("TABLESPACEOID", oid)?.spcname ?? null;
}
export function getRoleName(oid: Oid): string | null {
  return searchSysCache("AUTHOID", oid)?.rolname ?? null;
}

// ---- Operator classes

function opclassRow(opclass: Oid) {
  const row = searchSysCache("CLAOID", opclass);
  if (row === null) throw lookupFailed("opclass", opclass);
  return row;
}
export function getOpclassFamily(opclass: Oid): Oid {
  return opclassRow(opclass).opcfamily;
}
export function getOpclassInputType(opclass: Oid): Oid {
  return opclassRow(opclass).opcintype;
}
export function getOpclassMethod(opclass: Oid): Oid {
  return opclassRow(opclass).opcmethod;
}
export function getOpfamilyMethod(opfamily: Oid): Oid {
  return searchSysCache("OPFAMILYOID", opfamily)?.opfmethod ?? 0;
}

// ---- Operators

function operRow(opno: Oid): Readonly<PgOperator> {
  const row = searchSysCache("OPEROID", opno);
  if (row === null) throw lookupFailed("operator", opno);
  return row;
}
/** Function that implements the operator, 0 if there is no such operator. */
export function getOpcode(opno: Oid): Oid {
  return searchSysCache("OPEROID", opno)?.oprcode ?? 0;
}
export function getOpname(opno: Oid): string | null {
  return searchSysCache("OPEROID", opno)?.oprname ?? null;
}
export function getOpRettype(opno: Oid): Oid {
  return searchSysCache("OPEROID", opno)?.oprresult ?? 0;
}
export function opInputTypes(opno: Oid): { lefttype: Oid; righttype: Oid } {
  const row = operRow(opno);
  return { lefttype: row.oprleft, righttype: row.oprright };
}
export function getCommutator(opno: Oid): Oid {
  return searchSysCache("OPEROID", opno)?.oprcom ?? 0;
}
export function getNegator(opno: Oid): Oid {
  return searchSysCache("OPEROID", opno)?.oprnegate ?? 0;
}
export function getOprrest(opno: Oid): Oid {
  return searchSysCache("OPEROID", opno)?.oprrest ?? 0;
}
export function getOprjoin(opno: Oid): Oid {
  return searchSysCache("OPEROID", opno)?.oprjoin ?? 0;
}
export function opStrict(opno: Oid): boolean {
  return funcStrict(operRow(opno).oprcode);
}
export function opVolatile(opno: Oid): string {
  return funcVolatile(operRow(opno).oprcode);
}

// ---- Functions

function procRow(funcid: Oid): Readonly<PgProc> {
  const row = searchSysCache("PROCOID", funcid);
  if (row === null) throw lookupFailed("function", funcid);
  return row;
}
export function getFuncName(funcid: Oid): string | null {
  return searchSysCache("PROCOID", funcid)?.proname ?? null;
}
export function getFuncNamespace(funcid: Oid): Oid {
  return searchSysCache("PROCOID", funcid)?.pronamespace ?? 0;
}
export function getFuncRettype(funcid: Oid): Oid {
  return procRow(funcid).prorettype;
}
export function getFuncNargs(funcid: Oid): number {
  return procRow(funcid).pronargs;
}
export function getFuncSignature(funcid: Oid): { rettype: Oid; argtypes: readonly Oid[] } {
  const row = procRow(funcid);
  return { rettype: row.prorettype, argtypes: row.proargtypes };
}
export function getFuncVariadictype(funcid: Oid): Oid {
  return procRow(funcid).provariadic;
}
export function getFuncRetset(funcid: Oid): boolean {
  return procRow(funcid).proretset;
}
export function funcStrict(funcid: Oid): boolean {
  return procRow(funcid).proisstrict;
}
/** 'i' immutable, 's' stable, 'v' volatile. */
export function funcVolatile(funcid: Oid): string {
  return procRow(funcid).provolatile;
}
/** 's' safe, 'r' restricted, 'u' unsafe. */
export function funcParallel(funcid: Oid): string {
  return procRow(funcid).proparallel;
}
/** 'f' function, 'p' procedure, 'a' aggregate, 'w' window function. */
export function getFuncProkind(funcid: Oid): string {
  return procRow(funcid).prokind;
}
export function getFuncLeakproof(funcid: Oid): boolean {
  return procRow(funcid).proleakproof;
}
export function getFuncSupport(funcid: Oid): Oid {
  return searchSysCache("PROCOID", funcid)?.prosupport ?? 0;
}

// ---- Relations

export function getRelnameRelid(relname: string, relnamespace: Oid): Oid {
  return searchSysCache("RELNAMENSP", relname, relnamespace)?.oid ?? 0;
}
export function getRelName(relid: Oid): string | null {
  return searchSysCache("RELOID", relid)?.relname ?? null;
}
export function getRelNamespace(relid: Oid): Oid {
  return searchSysCache("RELOID", relid)?.relnamespace ?? 0;
}
/** Row type of a relation, 0 for those without. */
export function getRelTypeId(relid: Oid): Oid {
  return searchSysCache("RELOID", relid)?.reltype ?? 0;
}
/** '' if there is no such relation. */
export function getRelRelkind(relid: Oid): string {
  return searchSysCache("RELOID", relid)?.relkind ?? "";
}
export function getRelRelispartition(relid: Oid): boolean {
  return searchSysCache("RELOID", relid)?.relispartition ?? false;
}
export function getRelTablespace(relid: Oid): Oid {
  return searchSysCache("RELOID", relid)?.reltablespace ?? 0;
}
export function getRelPersistence(relid: Oid): string {
  const row = searchSysCache("RELOID", relid);
  if (row === null) throw lookupFailed("relation", relid);
  return row.relpersistence;
}

// ---- Indexes

/** Operator class of an index column (1-based), 0 if it has none. */
export function getIndexColumnOpclass(indexOid: Oid, attno: number): Oid {
  const row = searchSysCache("INDEXRELID", indexOid);
  return row === null || attno > row.indnkeyatts ? 0 : row.indclass[attno - 1];
}
export function getIndexIsreplident(indexOid: Oid): boolean {
  return searchSysCache("INDEXRELID", indexOid)?.indisreplident ?? false;
}
export function getIndexIsvalid(indexOid: Oid): boolean {
  const row = searchSysCache("INDEXRELID", indexOid);
  if (row === null) throw lookupFailed("index", indexOid);
  return row.indisvalid;
}
export function getIndexIsclustered(indexOid: Oid): boolean {
  const row = searchSysCache("INDEXRELID", indexOid);
  if (row === null) throw lookupFailed("index", indexOid);
  return row.indisclustered;
}

// ---- Types

function typeRow(typid: Oid): Readonly<PgType> {
  const row = searchSysCache("TYPEOID", typid);
  if (row === null) throw lookupFailed("type", typid);
  return row;
}
export function getTypisdefined(typid: Oid): boolean {
  return searchSysCache("TYPEOID", typid)?.typisdefined ?? false;
}
export function getTyplen(typid: Oid): number {
  return searchSysCache("TYPEOID", typid)?.typlen ?? 0;
}
export function getTypbyval(typid: Oid): boolean {
  return searchSysCache("TYPEOID", typid)?.typbyval ?? false;
}
/** @throws {PgError} XX000 */
export function getTyplenbyval(typid: Oid): { typlen: number; typbyval: boolean } {
  const row = typeRow(typid);
  return { typlen: row.typlen, typbyval: row.typbyval };
}
/** @throws {PgError} XX000 */
export function getTyplenbyvalalign(typid: Oid): { typlen: number; typbyval: boolean; typalign: string } {
  const row = typeRow(typid);
  return { typlen: row.typlen, typbyval: row.typbyval, typalign: row.typalign };
}
export function getTypstorage(typid: Oid): string {
  return searchSysCache("TYPEOID", typid)?.typstorage ?? "p";
}
/** '' if there is no such type. */
export function getTyptype(typid: Oid): string {
  return searchSysCache("TYPEOID", typid)?.typtype ?? "";
}
export function typeIsRowtype(typid: Oid): boolean {
  if (typid === 2249) return true;
  const typtype = getTyptype(typid);
  return typtype === "c" || (typtype === "d" && getTyptype(getBaseType(typid)) === "c");
}
export function typeIsEnum(typid: Oid): boolean {
  return getTyptype(typid) === "e";
}
export function typeIsRange(typid: Oid): boolean {
  return getTyptype(typid) === "r";
}
export function typeIsMultirange(typid: Oid): boolean {
  return getTyptype(typid) === "m";
}
export function getTypeCategoryPreferred(typid: Oid): { typcategory: string; typispreferred: boolean } {
  const row = typeRow(typid);
  return { typcategory: row.typcategory, typispreferred: row.typispreferred };
}
/** Relation whose row type it is, 0 if it is not composite. */
export function getTypTyprelid(typid: Oid): Oid {
  return searchSysCache("TYPEOID", typid)?.typrelid ?? 0;
}
function isTrueArrayType(row: Readonly<PgType>): boolean {
  return row.typsubscript === ARRAY_SUBSCRIPT_HANDLER && row.typelem !== 0;
}
/** Element type of a true array type, 0 for other types. */
export function getElementType(typid: Oid): Oid {
  const row = searchSysCache("TYPEOID", typid);
  return row !== null && isTrueArrayType(row) ? row.typelem : 0;
}
/** The array type over `typid`, 0 if there is none. */
export function getArrayType(typid: Oid): Oid {
  return searchSysCache("TYPEOID", typid)?.typarray ?? 0;
}
/** As getArrayType(), but arrays promote to themselves. */
export function getPromotedArrayType(typid: Oid): Oid {
  const array = getArrayType(typid);
  if (array !== 0) return array;
  return getElementType(typid) !== 0 ? typid : 0;
}
/** As getElementType(), looking through domains. */
export function getBaseElementType(typid: Oid): Oid {
  const row = searchSysCache("TYPEOID", typid);
  if (row === null) return 0;
  if (row.typtype === "d") return getElementType(getBaseType(typid));
  return isTrueArrayType(row) ? row.typelem : 0;
}
/** Type under all domains. */
export function getBaseType(typid: Oid): Oid {
  return getBaseTypeAndTypmod(typid, -1).typeId;
}
/** Type under all domains, and the typmod that the outermost domain with one gives. */
export function getBaseTypeAndTypmod(typid: Oid, typmod: number): { typeId: Oid; typmod: number } {
  let typeId = typid;
  for (;;) {
    const row = typeRow(typeId);
    if (row.typtype !== "d") return { typeId, typmod };
    if (typmod < 0) typmod = row.typtypmod;
    typeId = row.typbasetype;
  }
}
export function getTypcollation(typid: Oid): Oid {
  return searchSysCache("TYPEOID", typid)?.typcollation ?? 0;
}
export function typeIsCollatable(typid: Oid): boolean {
  return getTypcollation(typid) !== 0;
}
/** The subscripting handler function and the element type; 0 if the type cannot be subscripted. */
export function getSubscriptingRoutines(typid: Oid): { handler: Oid; typelem: Oid } {
  const row = typeRow(typid);
  return { handler: row.typsubscript, typelem: row.typsubscript === 0 ? 0 : row.typelem };
}
/** Subtype of a range type, 0 for other types. */
export function getRangeSubtype(rangeOid: Oid): Oid {
  return searchSysCache("RANGETYPE", rangeOid)?.rngsubtype ?? 0;
}
export function getRangeCollation(rangeOid: Oid): Oid {
  return searchSysCache("RANGETYPE", rangeOid)?.rngcollation ?? 0;
}
export function getRangeMultirange(rangeOid: Oid): Oid {
  return searchSysCache("RANGETYPE", rangeOid)?.rngmultitypid ?? 0;
}
export function getMultirangeRange(multirangeOid: Oid): Oid {
  return searchSysCache("RANGEMULTIRANGE", multirangeOid)?.rngtypid ?? 0;
}

/** Average width that the planner assumes for a type. Follows get_typavgwidth(). */
export function getTypavgwidth(typid: Oid, typmod: number): number {
  const typlen = getTyplen(typid);
  if (typlen > 0) return typlen;
  const BPCHAROID = 1042;
  const VARHDRSZ = 4;
  const maxwidth = typmod > 0 && (typid === BPCHAROID || typid === 1043) ? (typmod - VARHDRSZ) * 4 + VARHDRSZ : -1;
  if (maxwidth > 0) {
    if (typid === BPCHAROID) return maxwidth;
    if (maxwidth <= 32) return maxwidth;
    if (maxwidth < 1000) return 32 + Math.floor((maxwidth - 32) / 2);
    return 32 + (1000 - 32) / 2;
  }
  return 32;
}
