/**
 * One attribute on disk: how its bytes become a Datum and back. The single codec that heap and index tuples share.
 *
 * Owns the classification of types into storage kinds (AttKind) and the varlena formats: 1-byte header, 4-byte header,
 * compressed inline, external pointer. Alignment is always relative to the start of the tuple's data area.
 * Follows src/include/access/tupmacs.h and src/include/varatt.h.
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import type { Oid } from "../../../base/types.ts";
import { type Datum, RecordDatum } from "../../utils/fmgr/datum.ts";
import {
  getF32,
  getF64,
  getI32,
  getInt8,
  getTid,
  getU32,
  getUint8,
  setF32,
  setF64,
  setInt8,
  setTid,
  setU16,
  setU32,
} from "./byte_access.ts";
import { detoastAttr, ToastedDatum } from "./detoast.ts";
import { alignOf, type Attribute, type TupleDesc } from "./tupdesc.ts";

/** How the bytes of a type are read. Numbers, because generated and hot code switches on them. */
export const AttKind = {
  BOOL: 0,
  CHAR: 1,
  INT2: 2,
  INT4: 3,
  UINT4: 4,
  INT8: 5,
  UINT8: 6,
  FLOAT4: 7,
  FLOAT8: 8,
  TID: 9,
  /** By reference, fixed length: raw bytes. */
  FIXED: 10,
  /** Payload bytes without header. */
  VARLENA: 11,
  /** NUL-terminated; only the name columns of indexes are stored so. */
  CSTRING: 12,
  /** Composite: RecordDatum. */
  RECORD: 13,
} as const;
export type AttKind = (typeof AttKind)[keyof typeof AttKind];

/** What the type cache tells of types that are not built in. */
export interface StoredTypeResolver {
  /** Base type of a domain; the type itself otherwise. */
  baseType(typeOid: Oid): Oid;
  /** True for composite types (and record). */
  isComposite(typeOid: Oid): boolean;
  /** Columns of a row type. */
  rowtypeDesc(typeOid: Oid, typmod: number): TupleDesc;
  /** Columns of an anonymous record, by which it can be found again: `tdtypmod` is set. */
  recordDesc(types: readonly Oid[], names: readonly string[]): TupleDesc;
}
let resolver: StoredTypeResolver | null = null;
/** The type cache installs itself here; until then only built-in types may be stored. */
export function installStoredTypeResolver(r: StoredTypeResolver): void {
  resolver = r;
  codecs = new WeakMap();
  lastDesc = null;
}
export function storedTypeResolver(): StoredTypeResolver {
  if (resolver === null) {
    throw new PgError({ code: ERRCODE.INTERNAL_ERROR, message: "no type cache to resolve stored types" });
  }
  return resolver;
}

const BUILTIN_KINDS = new Map<Oid, AttKind>([
  [16, AttKind.BOOL],
  [18, AttKind.CHAR],
  [21, AttKind.INT2],
  [23, AttKind.INT4],
  [1082, AttKind.INT4], // date
  [26, AttKind.UINT4], // oid
  [28, AttKind.UINT4], // xid
  [29, AttKind.UINT4], // cid
  [24, AttKind.UINT4], // regproc and the other reg*
  [2202, AttKind.UINT4],
  [2203, AttKind.UINT4],
  [2204, AttKind.UINT4],
  [2205, AttKind.UINT4],
  [2206, AttKind.UINT4],
  [3734, AttKind.UINT4],
  [3769, AttKind.UINT4],
  [4089, AttKind.UINT4],
  [4096, AttKind.UINT4],
  [4191, AttKind.UINT4],
  [8326, AttKind.UINT4],
  [20, AttKind.INT8],
  [790, AttKind.INT8], // money
  [1083, AttKind.INT8], // time
  [1114, AttKind.INT8],
  [1184, AttKind.INT8],
  [3220, AttKind.UINT8], // pg_lsn
  [5069, AttKind.UINT8], // xid8
  [700, AttKind.FLOAT4],
  [701, AttKind.FLOAT8],
  [27, AttKind.TID],
  [2249, AttKind.RECORD],
]);

/** Storage kind of a column, from its type and pg_attribute's attlen and attbyval. */
export function attKindOf(typeOid: Oid, attlen: number, attbyval: boolean): AttKind {
  const known = BUILTIN_KINDS.get(typeOid);
  if (known !== undefined) return known;
  if (attlen === -2) return AttKind.CSTRING;
  if (typeOid >= 10000 && resolver !== null) {
    // Row types of system catalogs, domains, enums and whatever users made.
    const base = resolver.baseType(typeOid);
    if (base !== typeOid) return attKindOf(base, attlen, attbyval);
    if (attlen === -1 && resolver.isComposite(typeOid)) return AttKind.RECORD;
  }
  if (attlen === -1) return AttKind.VARLENA;
  if (!attbyval) return AttKind.FIXED;
  switch (attlen) {
    case 1:
      return AttKind.CHAR;
    case 2:
      return AttKind.INT2;
    case 4:
      return AttKind.UINT4; // enums
    case 8:
      return AttKind.INT8;
  }
  throw new PgError({ code: ERRCODE.INTERNAL_ERROR, message: `unsupported byval length: ${attlen}` });
}

/** What deforming needs of every column, in arrays. */
export interface DescCodec {
  readonly natts: number;
  readonly kind: Uint8Array;
  /** attlen: bytes, -1 varlena, -2 cstring. */
  readonly len: Int16Array;
  /** Alignment minus one. */
  readonly alignMask: Uint8Array;
  /** 1 where a varlena may get the 1-byte header (attstorage is not 'p'). */
  readonly packable: Uint8Array;
  /** Offset in the data area while no null or variable-width column comes before; -1 otherwise. */
  readonly cacheOff: Int32Array;
}

function makeCodec(desc: TupleDesc): DescCodec {
  const n = desc.natts;
  const c = {
    natts: n,
    kind: new Uint8Array(n),
    len: new Int16Array(n),
    alignMask: new Uint8Array(n),
    packable: new Uint8Array(n),
    cacheOff: new Int32Array(n).fill(-1),
  };
  let off = 0;
  for (let i = 0; i < n; i++) {
    const a: Attribute = desc.attrs[i];
    c.kind[i] = attKindOf(a.atttypid, a.attlen, a.attbyval);
    c.len[i] = a.attlen;
    c.alignMask[i] = alignOf(a.attalign) - 1;
    c.packable[i] = a.attlen === -1 && a.attstorage !== "p" ? 1 : 0;
    if (off >= 0) {
      if (a.attlen > 0) {
        off = (off + c.alignMask[i]) & ~c.alignMask[i];
        c.cacheOff[i] = off;
        off += a.attlen;
      } else {
        // The first variable-width column has a known place only if it cannot be preceded by padding.
        if (off === ((off + c.alignMask[i]) & ~c.alignMask[i])) c.cacheOff[i] = off;
        off = -1;
      }
    }
  }
  return c;
}

let codecs = new WeakMap<TupleDesc, DescCodec>();
let lastDesc: TupleDesc | null = null;
let lastCodec: DescCodec | null = null;

/** The codec of a descriptor, made once for each. */
export function codecOf(desc: TupleDesc): DescCodec {
  if (desc === lastDesc) return lastCodec as DescCodec;
  let c = codecs.get(desc);
  if (c === undefined || c.natts !== desc.natts) {
    c = makeCodec(desc);
    codecs.set(desc, c);
  }
  lastDesc = desc;
  lastCodec = c;
  return c;
}

// ---- varlena ----

/** Total bytes of the varlena at `o`, whichever format it has. */
export function varsizeAny(u8: Uint8Array, o: number): number {
  const h = u8[o];
  if (h & 1) {
    if (h !== 1) return h >> 1;
    return 2 + vartagSize(u8[o + 1]);
  }
  return getU32(u8, o) >>> 2;
}
export const VARTAG_ONDISK = 18;
/** sizeof(varatt_external). */
export const TOAST_POINTER_BYTES = 16;
function vartagSize(tag: number): number {
  if (tag === VARTAG_ONDISK) return TOAST_POINTER_BYTES;
  throw new PgError({ code: ERRCODE.DATA_CORRUPTED, message: `unrecognized TOAST vartag ${tag}` });
}
/** External or compressed: its payload cannot be read in place. */
export function varattIsToasted(u8: Uint8Array, o: number): boolean {
  const h = u8[o];
  return h === 1 || (h & 3) === 2;
}

/** Payload of the varlena at `o`: a view where it is plain, detoasted otherwise. */
export function readVarlena(u8: Uint8Array, o: number): Uint8Array {
  const h = u8[o];
  if (h & 1) {
    if (h !== 1) return u8.subarray(o + 1, o + (h >> 1));
    return detoastAttr(u8, o);
  }
  if ((h & 3) === 2) return detoastAttr(u8, o);
  return u8.subarray(o + 4, o + (getU32(u8, o) >>> 2));
}

/** The Datum stored at `o`. Byte arrays are views unless they had to be detoasted. */
export function fetchAtt(u8: Uint8Array, o: number, kind: number, len: number): Datum {
  switch (kind) {
    case AttKind.INT4:
      return getI32(u8, o);
    case AttKind.UINT4:
      return getU32(u8, o);
    case AttKind.VARLENA:
      return readVarlena(u8, o);
    case AttKind.INT8:
      return getInt8(u8, o);
    case AttKind.BOOL:
      return u8[o] !== 0;
    case AttKind.INT2:
      return ((u8[o] | (u8[o + 1] << 8)) << 16) >> 16;
    case AttKind.CHAR:
      return (u8[o] << 24) >> 24;
    case AttKind.FIXED:
      return u8.subarray(o, o + len);
    case AttKind.FLOAT8:
      return getF64(u8, o);
    case AttKind.FLOAT4:
      return getF32(u8, o);
    case AttKind.UINT8:
      return getUint8(u8, o);
    case AttKind.TID:
      return getTid(u8, o);
    case AttKind.CSTRING: {
      let end = o;
      while (u8[end] !== 0) end++;
      return u8.subarray(o, end);
    }
    case AttKind.RECORD:
      return recordFromPayload(readVarlena(u8, o));
  }
  throw new PgError({ code: ERRCODE.INTERNAL_ERROR, message: `unrecognized storage kind ${kind}` });
}

/** Offset just past the attribute at `o`. */
export function attAddLength(u8: Uint8Array, o: number, len: number): number {
  if (len > 0) return o + len;
  if (len === -1) return o + varsizeAny(u8, o);
  while (u8[o] !== 0) o++;
  return o + 1;
}

/** Longest payload that takes the 1-byte header: 127 bytes in all. */
export const VARATT_SHORT_PAYLOAD_MAX = 126;

/** Bytes that `value` takes from data offset `off`, padding included. */
export function attDataSize(off: number, c: DescCodec, i: number, value: Datum): number {
  const len = c.len[i];
  const mask = c.alignMask[i];
  if (len > 0) return ((off + mask) & ~mask) + len - off;
  if (len === -2) return cstringLength(value as Uint8Array) + 1; // align 'c'
  if (value instanceof ToastedDatum) {
    const n = value.bytes.length;
    return value.bytes[0] === 1 ? n : ((off + mask) & ~mask) + n - off;
  }
  const payload = varlenaPayload(value, c.kind[i]);
  if (c.packable[i] === 1 && payload.length <= VARATT_SHORT_PAYLOAD_MAX) return payload.length + 1;
  return ((off + mask) & ~mask) + payload.length + 4 - off;
}

/** Bytes before the first NUL: a name Datum is padded with them. */
function cstringLength(b: Uint8Array): number {
  const n = b.indexOf(0);
  return n < 0 ? b.length : n;
}

/** The payload bytes of a varlena Datum; a record is formed into its tuple. */
export function varlenaPayload(value: Datum, kind: number): Uint8Array {
  if (value instanceof Uint8Array) return value;
  if (kind === AttKind.RECORD || value instanceof RecordDatum) return recordPayload(value as RecordDatum);
  throw new PgError({ code: ERRCODE.INTERNAL_ERROR, message: "a variable-length value must be bytes" });
}

/** Stores `value` at data offset `off` of the area that begins at u8[base]; returns the offset past it. */
export function storeAtt(
  u8: Uint8Array,
  base: number,
  off: number,
  c: DescCodec,
  i: number,
  value: Datum,
): number {
  const kind = c.kind[i];
  const len = c.len[i];
  const mask = c.alignMask[i];
  if (len > 0) {
    off = (off + mask) & ~mask;
    storeFixed(u8, base + off, kind, len, value);
    return off + len;
  }
  if (len === -2) {
    const b = value as Uint8Array;
    const n = cstringLength(b);
    u8.set(b.subarray(0, n), base + off);
    u8[base + off + n] = 0;
    return off + n + 1;
  }
  if (value instanceof ToastedDatum) {
    if (value.bytes[0] !== 1) off = (off + mask) & ~mask;
    u8.set(value.bytes, base + off);
    return off + value.bytes.length;
  }
  const payload = varlenaPayload(value, kind);
  if (c.packable[i] === 1 && payload.length <= VARATT_SHORT_PAYLOAD_MAX) {
    u8[base + off] = ((payload.length + 1) << 1) | 1;
    u8.set(payload, base + off + 1);
    return off + payload.length + 1;
  }
  off = (off + mask) & ~mask;
  setU32(u8, base + off, (payload.length + 4) << 2);
  u8.set(payload, base + off + 4);
  return off + payload.length + 4;
}

function storeFixed(u8: Uint8Array, o: number, kind: number, len: number, value: Datum): void {
  switch (kind) {
    case AttKind.INT4:
    case AttKind.UINT4:
      setU32(u8, o, value as number);
      return;
    case AttKind.INT8:
    case AttKind.UINT8:
      setInt8(u8, o, value as number | bigint);
      return;
    case AttKind.BOOL:
      u8[o] = value ? 1 : 0;
      return;
    case AttKind.INT2:
      setU16(u8, o, value as number);
      return;
    case AttKind.CHAR:
      u8[o] = value as number;
      return;
    case AttKind.FLOAT8:
      setF64(u8, o, value as number);
      return;
    case AttKind.FLOAT4:
      setF32(u8, o, value as number);
      return;
    case AttKind.TID:
      setTid(u8, o, value as number);
      return;
    case AttKind.FIXED: {
      const b = value as Uint8Array;
      assert(b.length === len, "fixed-length value has another length", b.length, len);
      u8.set(b, o);
      return;
    }
  }
  throw new PgError({ code: ERRCODE.INTERNAL_ERROR, message: `unrecognized storage kind ${kind}` });
}

// ---- composite values ----
// A composite Datum on disk is a varlena whose 4-byte length word is followed by typmod, type OID, an invalid ctid,
// infomask2, infomask, hoff, null bitmap and data: a heap tuple header with other fields in front.

/** Registered by heaptuple.ts, which can form and deform whole tuples. */
export interface RecordCodec {
  toPayload(value: RecordDatum): Uint8Array;
  fromPayload(payload: Uint8Array): RecordDatum;
}
let recordCodec: RecordCodec | null = null;
export function installRecordCodec(codec: RecordCodec): void {
  recordCodec = codec;
}
function recordPayload(value: RecordDatum): Uint8Array {
  assert(recordCodec !== null, "record codec not installed");
  return recordCodec.toPayload(value);
}
function recordFromPayload(payload: Uint8Array): RecordDatum {
  assert(recordCodec !== null, "record codec not installed");
  return recordCodec.fromPayload(payload);
}
