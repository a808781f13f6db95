/**
 * What arrays, records and other polymorphic code know of a type (TypeInfo), from the catalogs: the provider that
 * stands behind typeInfo() in a running backend.
 */
import type { Oid } from "../../../base/types.ts";
import type { StoredTypeResolver } from "../../access/common/tupmacs.ts";
import type { TupleDesc } from "../../access/common/tupdesc.ts";
import { formatTypeBe } from "../adt/format_type.ts";
import type { TypeAlign, TypeInfo, TypeInfoProvider } from "../adt/type_provider.ts";
import type { Datum } from "../fmgr/datum.ts";
import { fmgrInfo } from "../fmgr/fmgr_info.ts";
import { registerRelcacheCallback, registerSyscacheCallback } from "./inval.ts";
import { getBaseType, getElementType } from "./lsyscache.ts";
import { searchSysCache } from "./syscache.ts";
import { lookupRowtypeTupdesc, lookupTypeCache, recordTypeOf, type TypeCacheEntry } from "./typcache.ts";
import { getTypeBinaryReceive, getTypeBinarySend, getTypeTextInput, getTypeTextOutput } from "./type_io.ts";

const RECORDOID = 2249;
const JSONOID = 114;

/** Functions are looked up when they are first called or asked for. */
class CatalogTypeInfo implements TypeInfo {
  readonly oid: Oid;
  readonly typlen: number;
  readonly typbyval: boolean;
  readonly typalign: TypeAlign;
  readonly typdelim: string;
  readonly typtype: string;
  readonly typcategory: string;
  readonly elementType: Oid;
  readonly arrayType: Oid;
  readonly baseType: Oid;
  #name: string | undefined;
  #columns: TypeInfo["columns"] | null = null;

  constructor(readonly entry: TypeCacheEntry) {
    const row = entry.row;
    this.oid = row.oid;
    this.typlen = row.typlen;
    this.typbyval = row.typbyval;
    this.typalign = row.typalign as TypeAlign;
    this.typdelim = row.typdelim;
    this.typtype = row.typtype;
    this.typcategory = row.typcategory;
    this.elementType = getElementType(row.oid);
    this.arrayType = row.typarray;
    this.baseType = row.typtype === "d" ? getBaseType(row.oid) : row.oid;
  }
  get name(): string {
    return this.#name ??= formatTypeBe(this.oid);
  }
  input(str: string, typmod: number): Datum {
    return getTypeTextInput(this.oid)(str, typmod);
  }
  output(value: Datum): string {
    return getTypeTextOutput(this.oid)(value);
  }
  receive(bytes: Uint8Array, typmod: number): Datum {
    return getTypeBinaryReceive(this.oid)(bytes, typmod);
  }
  send(value: Datum): Uint8Array {
    return getTypeBinarySend(this.oid)(value);
  }
  get cmp(): TypeInfo["cmp"] {
    return this.entry.cmp();
  }
  get eq(): TypeInfo["eq"] {
    return this.entry.eq();
  }
  get hash(): TypeInfo["hash"] {
    return this.entry.hash();
  }
  get hashExtended(): TypeInfo["hashExtended"] {
    return this.entry.hashExtended();
  }
  get columns(): TypeInfo["columns"] {
    if (this.#columns === null) {
      this.#columns = this.entry.tupDesc?.attrs.filter((a) => !a.attisdropped)
        .map((a) => ({ name: a.attname, type: a.atttypid, typmod: a.atttypmod }));
    }
    return this.#columns;
  }
}

const infos = new Map<Oid, CatalogTypeInfo>();
let callbacksRegistered = false;

function get(oid: Oid): TypeInfo {
  const known = infos.get(oid);
  if (known !== undefined) return known;
  if (!callbacksRegistered) {
    callbacksRegistered = true;
    for (const cache of ["TYPEOID", "CLAOID", "AMOPOPID", "AMPROCNUM", "PROCOID", "OPEROID"] as const) {
      registerSyscacheCallback(cache, () => infos.clear());
    }
    registerRelcacheCallback((relid) => {
      for (const [k, v] of infos) if (relid === 0 || v.entry.typrelid === relid) infos.delete(k);
    });
  }
  const info = new CatalogTypeInfo(lookupTypeCache(oid));
  infos.set(oid, info);
  return info;
}

function castToJson(from: Oid): ((value: Datum) => Datum) | undefined {
  const cast = searchSysCache("CASTSOURCETARGET", from, JSONOID);
  // Only casts by function, and not those that every string type has through I/O.
  if (cast === null || cast.castmethod !== "f" || cast.castfunc === 0) return undefined;
  const fn = fmgrInfo(cast.castfunc).fn;
  return (value) => fn(value);
}

export const catalogTypeProvider: TypeInfoProvider = { get, castToJson };

/** Tells tuple codecs about types that are not built in. */
export const catalogTypeResolver: StoredTypeResolver = {
  baseType: (typeOid) => getBaseType(typeOid),
  isComposite: (typeOid) => typeOid === RECORDOID || searchSysCache("TYPEOID", typeOid)?.typtype === "c",
  recordDesc: recordTypeOf,
  rowtypeDesc: (typeOid, typmod) => lookupRowtypeTupdesc(typeOid, typmod) as TupleDesc,
};
