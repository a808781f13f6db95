/**
 * TupleDesc: the columns of a tuple, with what deforming needs. Immutable once published by the relation cache.
 * Follows src/include/access/tupdesc.h.
 */
import type { AttrNumber, Oid } from "../../../base/types.ts";
import type { Datum } from "../../utils/fmgr/datum.ts";

/** One column; the fields are those of pg_attribute under their own names (with `attlen` in bytes, -1 varlena, -2 cstring). */
export interface Attribute {
  attrelid: Oid;
  attname: string;
  atttypid: Oid;
  attlen: number;
  /** 1-based. */
  attnum: AttrNumber;
  atttypmod: number;
  attndims: number;
  attbyval: boolean;
  /** 'c' 's' 'i' 'd'. */
  attalign: string;
  /** 'p' 'e' 'm' 'x'. */
  attstorage: string;
  attcompression: string;
  attnotnull: boolean;
  atthasdef: boolean;
  atthasmissing: boolean;
  /** '' 'a' 'd'. */
  attidentity: string;
  /** '' 's' 'v'. */
  attgenerated: string;
  attisdropped: boolean;
  attislocal: boolean;
  attinhcount: number;
  attcollation: Oid;
}

/** What a column takes over from its type: the columns of pg_type of these names. */
export interface TypeStorage {
  readonly typlen: number;
  readonly typbyval: boolean;
  readonly typalign: string;
  readonly typstorage: string;
  readonly typcollation: Oid;
}

/** TupleDescInitEntry(): a column of `typeId` that belongs to no relation, with the storage properties of its type. */
export function tupleDescInitEntry(
  attnum: number,
  attname: string,
  typeId: Oid,
  typmod: number,
  t: TypeStorage,
): Attribute {
  return {
    attrelid: 0,
    attname,
    atttypid: typeId,
    attlen: t.typlen,
    attnum,
    atttypmod: typmod,
    attndims: 0,
    attbyval: t.typbyval,
    attalign: t.typalign,
    attstorage: t.typstorage,
    attcompression: "",
    attnotnull: false,
    atthasdef: false,
    atthasmissing: false,
    attidentity: "",
    attgenerated: "",
    attisdropped: false,
    attislocal: true,
    attinhcount: 0,
    attcollation: t.typcollation,
  };
}

export interface TupleConstr {
  /** nodeToString texts by attribute number. */
  readonly defaults: ReadonlyMap<AttrNumber, string>;
  readonly checks: readonly { name: string; expr: string; valid: boolean; noInherit: boolean; enforced: boolean }[];
  /** Values of columns added with a constant default, for tuples older than the column. */
  readonly missing: ReadonlyMap<AttrNumber, Datum>;
  readonly hasNotNull: boolean;
  readonly hasGeneratedStored: boolean;
}

export interface TupleDesc {
  /** attrs[i] describes attnum i + 1, dropped columns included. */
  readonly attrs: readonly Attribute[];
  readonly natts: number;
  /** Row type; RECORDOID (2249) when anonymous. */
  tdtypeid: Oid;
  tdtypmod: number;
  constr: TupleConstr | null;
}

/** Alignment in bytes of an attalign letter. */
export function alignOf(attalign: string): number {
  return attalign === "i" ? 4 : attalign === "d" ? 8 : attalign === "s" ? 2 : 1;
}

export function makeTupleDesc(attrs: readonly Attribute[], tdtypeid: Oid = 2249, tdtypmod = -1): TupleDesc {
  return { attrs, natts: attrs.length, tdtypeid, tdtypmod, constr: null };
}
