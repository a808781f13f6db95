/**
 * The type cache: what executing code needs of a type, looked up once: its representation, default operators, comparison
 * and hash functions, row type columns.
 *
 * Everything beyond the pg_type row is found on first use. An entry stays the same object; a change of the type or of
 * operator classes makes it look up again. Follows src/backend/utils/cache/typcache.c.
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { pgError } from "../../../base/error.ts";
import type { Oid } from "../../../base/types.ts";
import { relationClose, relationOpen } from "../../access/common/relation.ts";
import { makeTupleDesc, type TupleDesc, tupleDescInitEntry } from "../../access/common/tupdesc.ts";
import type { PgType } from "../../catalog/catalog_rows.ts";
import { formatTypeBe } from "../adt/format_type.ts";
import { AccessShareLock } from "../../storage/lmgr/locktypes.ts";
import type { Datum } from "../fmgr/datum.ts";
import { fmgrInfo } from "../fmgr/fmgr_info.ts";
import { registerRelcacheCallback, registerSyscacheCallback } from "./inval.ts";
import type { CompareFunction } from "./relcache_compare.ts";
import { compareFunction } from "./relcache_index.ts";
import { getBaseType, getOpfamilyMember, getOpfamilyProc } from "./lsyscache.ts";
import { searchSysCache, searchSysCacheList } from "./syscache.ts";

const BTREE_AM_OID = 403;
const HASH_AM_OID = 405;
const RECORDOID = 2249;

export type EqualFunction = (a: Datum, b: Datum) => boolean;
export type HashFunction = (a: Datum) => number;
export type HashExtendedFunction = (a: Datum, seed: Datum) => Datum;

/** One type. Oid fields are 0, functions undefined, where the type has none. */
export class TypeCacheEntry {
  #opclasses: { btreeOpf: Oid; btreeOpintype: Oid; hashOpf: Oid; hashOpintype: Oid } | undefined;
  #cmp = new Map<Oid, CompareFunction | undefined>();
  #eq = new Map<Oid, EqualFunction | undefined>();
  #hash = new Map<Oid, HashFunction | undefined>();
  #hashExtended = new Map<Oid, HashExtendedFunction | undefined>();
  #tupDesc: TupleDesc | null | undefined;

  constructor(readonly typeId: Oid, readonly row: Readonly<PgType>) {}

  get typlen(): number {
    return this.row.typlen;
  }
  get typbyval(): boolean {
    return this.row.typbyval;
  }
  get typalign(): string {
    return this.row.typalign;
  }
  get typstorage(): string {
    return this.row.typstorage;
  }
  get typtype(): string {
    return this.row.typtype;
  }
  get typrelid(): Oid {
    return this.row.typrelid;
  }
  get typelem(): Oid {
    return this.row.typelem;
  }
  get typcollation(): Oid {
    return this.row.typcollation;
  }

  #families() {
    if (this.#opclasses === undefined) {
      const btree = defaultOpclassRow(this.typeId, BTREE_AM_OID);
      const hash = defaultOpclassRow(this.typeId, HASH_AM_OID);
      this.#opclasses = {
        btreeOpf: btree?.opcfamily ?? 0,
        btreeOpintype: btree?.opcintype ?? 0,
        hashOpf: hash?.opcfamily ?? 0,
        hashOpintype: hash?.opcintype ?? 0,
      };
    }
    return this.#opclasses;
  }
  get btreeOpf(): Oid {
    return this.#families().btreeOpf;
  }
  get btreeOpintype(): Oid {
    return this.#families().btreeOpintype;
  }
  get hashOpf(): Oid {
    return this.#families().hashOpf;
  }
  get hashOpintype(): Oid {
    return this.#families().hashOpintype;
  }

  #btreeMember(strategy: number): Oid {
    const f = this.#families();
    return f.btreeOpf === 0 ? 0 : getOpfamilyMember(f.btreeOpf, f.btreeOpintype, f.btreeOpintype, strategy);
  }
  /** Elements of an array or columns of a row may lack what the whole would need. */
  #partsAll(has: (part: TypeCacheEntry) => boolean): boolean {
    const row = this.row;
    if (row.typtype === "d") return true;
    if (this.btreeOpintype === 2277 || this.hashOpintype === 2277) {
      return row.typelem !== 0 && has(lookupTypeCache(row.typelem));
    }
    if (row.typtype === "c") {
      const desc = this.tupDesc;
      return desc === null || desc.attrs.every((a) => a.attisdropped || has(lookupTypeCache(a.atttypid)));
    }
    if (row.typtype === "r") return has(lookupTypeCache(searchSysCache("RANGETYPE", this.typeId)?.rngsubtype ?? 0));
    if (row.typtype === "m") return has(lookupTypeCache(searchSysCache("RANGEMULTIRANGE", this.typeId)?.rngtypid ?? 0));
    return true;
  }

  /** "=" of the default btree operator class, else of the hash one. */
  get eqOpr(): Oid {
    const f = this.#families();
    let op = this.#btreeMember(3);
    if (op === 0 && f.hashOpf !== 0) op = getOpfamilyMember(f.hashOpf, f.hashOpintype, f.hashOpintype, 1);
    return op !== 0 && this.#partsAll((p) => p.eqOpr !== 0) ? op : 0;
  }
  get ltOpr(): Oid {
    const op = this.#btreeMember(1);
    return op !== 0 && this.#partsAll((p) => p.cmpProc !== 0) ? op : 0;
  }
  get gtOpr(): Oid {
    const op = this.#btreeMember(5);
    return op !== 0 && this.#partsAll((p) => p.cmpProc !== 0) ? op : 0;
  }
  /** btree support function 1. */
  get cmpProc(): Oid {
    const f = this.#families();
    const proc = f.btreeOpf === 0 ? 0 : getOpfamilyProc(f.btreeOpf, f.btreeOpintype, f.btreeOpintype, 1);
    return proc !== 0 && this.#partsAll((p) => p.cmpProc !== 0) ? proc : 0;
  }
  /** hash support function 1. */
  get hashProc(): Oid {
    const f = this.#families();
    const proc = f.hashOpf === 0 ? 0 : getOpfamilyProc(f.hashOpf, f.hashOpintype, f.hashOpintype, 1);
    return proc !== 0 && this.#partsAll((p) => p.hashProc !== 0) ? proc : 0;
  }
  /** hash support function 2. */
  get hashExtendedProc(): Oid {
    const f = this.#families();
    const proc = f.hashOpf === 0 ? 0 : getOpfamilyProc(f.hashOpf, f.hashOpintype, f.hashOpintype, 2);
    return proc !== 0 && this.#partsAll((p) => p.hashExtendedProc !== 0) ? proc : 0;
  }

  /** Three-way comparison of two values that are not null. */
  cmp(collation: Oid = this.typcollation): CompareFunction | undefined {
    return once(this.#cmp, collation, () => {
      const proc = this.cmpProc;
      return proc === 0 ? undefined : compareFunction(proc, collation, this.typeId);
    });
  }
  /** Equality of two values that are not null. */
  eq(collation: Oid = this.typcollation): EqualFunction | undefined {
    return once(this.#eq, collation, () => {
      const op = this.eqOpr;
      const code = op === 0 ? 0 : searchSysCache("OPEROID", op)?.oprcode ?? 0;
      if (code === 0) return undefined;
      return fmgrInfo(code, { collation, argTypes: [this.typeId, this.typeId], resultType: 16 }).fn as EqualFunction;
    });
  }
  /** 32-bit hash of a value that is not null. */
  hash(collation: Oid = this.typcollation): HashFunction | undefined {
    return once(this.#hash, collation, () => {
      const proc = this.hashProc;
      if (proc === 0) return undefined;
      return fmgrInfo(proc, { collation, argTypes: [this.typeId], resultType: 23 }).fn as HashFunction;
    });
  }
  hashExtended(collation: Oid = this.typcollation): HashExtendedFunction | undefined {
    return once(this.#hashExtended, collation, () => {
      const proc = this.hashExtendedProc;
      if (proc === 0) return undefined;
      return fmgrInfo(proc, { collation, argTypes: [this.typeId, 20], resultType: 20 }).fn as HashExtendedFunction;
    });
  }

  /** Columns of a named composite type, null for other types. */
  get tupDesc(): TupleDesc | null {
    if (this.#tupDesc === undefined) {
      if (this.row.typrelid === 0) return this.#tupDesc = null;
      const rel = relationOpen(this.row.typrelid, AccessShareLock);
      this.#tupDesc = rel.rd_att;
      relationClose(rel, AccessShareLock);
    }
    return this.#tupDesc;
  }
}

function once<T>(map: Map<Oid, T>, key: Oid, make: () => T): T {
  if (map.has(key)) return map.get(key) as T;
  const value = make();
  map.set(key, value);
  return value;
}

// ---- Default operator classes

/** True if a value of `from` is a value of `to` without conversion, for choosing an operator class. */
function binaryCoercible(from: Readonly<PgType>, to: Oid): boolean {
  if (from.oid === to) return true;
  switch (to) {
    case 2277: // anyarray
      return from.typsubscript === 6179 && from.typelem !== 0;
    case 3500: // anyenum
      return from.typtype === "e";
    case 3831: // anyrange
      return from.typtype === "r";
    case 4537: // anymultirange
      return from.typtype === "m";
    case RECORDOID:
      return from.typtype === "c";
  }
  const cast = searchSysCache("CASTSOURCETARGET", from.oid, to);
  return cast !== null && cast.castmethod === "b" && cast.castcontext === "i";
}

/**
 * The default operator class of a type for an access method: of its own type, or else of one it is binary coercible to,
 * of a preferred type first. Follows GetDefaultOpClass() in src/backend/commands/indexcmds.c.
 */
function defaultOpclassRow(typeId: Oid, amId: Oid) {
  const baseId = getBaseType(typeId);
  const base = searchSysCache("TYPEOID", baseId);
  if (base === null) return null;
  let compatible = null;
  let nPreferred = 0;
  let nCompatible = 0;
  let preferred = null;
  for (const row of searchSysCacheList("CLAAMNAMENSP", amId)) {
    if (!row.opcdefault) continue;
    if (row.opcintype === baseId) return row;
    if (!binaryCoercible(base, row.opcintype)) continue;
    const target = searchSysCache("TYPEOID", row.opcintype);
    if (target !== null && target.typispreferred && target.typcategory === base.typcategory) {
      nPreferred++;
      preferred = row;
    } else {
      nCompatible++;
      compatible = row;
    }
  }
  if (nPreferred === 1) return preferred;
  if (nPreferred === 0 && nCompatible === 1) return compatible;
  return null;
}

/** OID of the default operator class, 0 if there is none. */
export function getDefaultOpClass(typeId: Oid, amId: Oid): Oid {
  return defaultOpclassRow(typeId, amId)?.oid ?? 0;
}

// ---- The cache

const entries = new Map<Oid, TypeCacheEntry>();
/** Entries that hold the columns of this relation. */
let callbacksRegistered = false;

function registerCallbacks(): void {
  if (callbacksRegistered) return;
  callbacksRegistered = true;
  const forget = () => entries.clear();
  registerSyscacheCallback("TYPEOID", forget);
  registerSyscacheCallback("CLAOID", forget);
  registerSyscacheCallback("AMOPOPID", forget);
  registerSyscacheCallback("AMPROCNUM", forget);
  registerSyscacheCallback("PROCOID", forget);
  registerSyscacheCallback("OPEROID", forget);
  registerRelcacheCallback((relid) => {
    for (const [oid, entry] of entries) if (relid === 0 || entry.row.typrelid === relid) entries.delete(oid);
  });
}

/** What is known of a type. @throws {PgError} 42704 if it does not exist or is only a shell. */
export function lookupTypeCache(typeId: Oid): TypeCacheEntry {
  const known = entries.get(typeId);
  if (known !== undefined) return known;
  registerCallbacks();
  const row = searchSysCache("TYPEOID", typeId);
  if (row === null) {
    throw pgError(ERRCODE.UNDEFINED_OBJECT, `type with OID ${typeId} does not exist`, { routine: "lookup_type_cache" });
  }
  if (!row.typisdefined) {
    throw pgError(ERRCODE.UNDEFINED_OBJECT, `type "${row.typname}" is only a shell`, { routine: "lookup_type_cache" });
  }
  const entry = new TypeCacheEntry(typeId, row);
  entries.set(typeId, entry);
  return entry;
}

// ---- Row types

/** Anonymous record types of this session, by typmod. */
const recordTypes: TupleDesc[] = [];
const recordTypmods = new Map<string, number>();

function shapeOf(desc: TupleDesc): string {
  return desc.attrs.map((a) => `${a.attname}\0${a.atttypid}\0${a.atttypmod}\0${a.attcollation}\0${a.attisdropped}`)
    .join("\x01");
}

/** Gives an anonymous row type the typmod by which it can be found again. Sets tdtypmod. */
export function assignRecordTypeTypmod(desc: TupleDesc): void {
  assert(desc.tdtypeid === RECORDOID, "row type is not anonymous", desc.tdtypeid);
  const shape = shapeOf(desc);
  let typmod = recordTypmods.get(shape);
  if (typmod === undefined) {
    typmod = recordTypes.length;
    recordTypes.push(desc);
    recordTypmods.set(shape, typmod);
  }
  desc.tdtypmod = typmod;
}

/** Columns of an anonymous record of these types, registered: tdtypmod is set. */
export function recordTypeOf(types: readonly Oid[], names: readonly string[]): TupleDesc {
  const desc = makeTupleDesc(
    types.map((typeId, i) =>
      tupleDescInitEntry(i + 1, names[i] ?? `f${i + 1}`, typeId, -1, lookupTypeCache(typeId).row)
    ),
  );
  assignRecordTypeTypmod(desc);
  return recordTypes[desc.tdtypmod];
}

/** Columns of a row type; null if it is not composite and `noError`. @throws {PgError} 42809 */
export function lookupRowtypeTupdesc(typeId: Oid, typmod: number, noError = false): TupleDesc | null {
  if (typeId === RECORDOID) {
    const desc = typmod >= 0 ? recordTypes[typmod] : undefined;
    if (desc !== undefined) return desc;
    if (noError) return null;
    throw pgError(ERRCODE.WRONG_OBJECT_TYPE, "record type has not been registered", {
      routine: "lookup_rowtype_tupdesc_internal",
    });
  }
  const desc = lookupTypeCache(typeId).tupDesc;
  if (desc === null && !noError) {
    throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `type ${formatTypeBe(typeId)} is not composite`, {
      routine: "lookup_rowtype_tupdesc_internal",
    });
  }
  return desc;
}

/** As lookupRowtypeTupdesc(), for a type that may be a domain over a row type. */
export function lookupRowtypeTupdescDomain(typeId: Oid, typmod: number, noError = false): TupleDesc | null {
  return lookupRowtypeTupdesc(typeId === RECORDOID ? typeId : getBaseType(typeId), typmod, noError);
}
