/**
 * TOAST: values too long for a page are compressed, and moved in chunks to the table's TOAST table.
 *
 * Storing: while the tuple is over its target, the largest candidate column is compressed ('x'), then moved out ('x',
 * 'e'), then the same for 'm'. Chunks are rows (chunk_id oid, chunk_seq int4, chunk_data bytea) of 1996 bytes; the pointer
 * in the tuple names the value id. Deleting the row deletes its chunks; updates reuse values that did not change.
 * Loading this file installs it. Follows src/backend/access/heap/heaptoast.c, table/toast_helper.c and
 * access/common/toast_internals.c. Differs: a value is fetched whole.
 */
import { assert } from "../../../base/assert.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError } from "../../../base/error.ts";
import type { Oid } from "../../../base/types.ts";
import { checkForInterrupts } from "../../../shmem/interrupt.ts";
import { AccessShareLock, NoLock, RowExclusiveLock } from "../../storage/lmgr/locktypes.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { relationGetIndexList } from "../../utils/cache/relcache.ts";
import type { Datum } from "../../utils/fmgr/datum.ts";
import { SnapshotAny } from "../../utils/time/snapmgr.ts";
import { Snapshot } from "../../utils/time/snapshot.ts";
import { getI32, maxAlign, setU32 } from "../common/byte_access.ts";
import { installToastFetcher, readToastPointer, ToastedDatum, type ToastPointer } from "../common/detoast.ts";
import {
  bitmapLen,
  deformTupleRaw,
  heapAttOffset,
  heapComputeDataSize,
  heapFormTuple,
  heapGetAttrAt,
} from "../common/heaptuple.ts";
import type { HeapTuple } from "../common/heap_tuple.ts";
import { indexClose, indexOpen, tableClose, tableOpen } from "../common/relation.ts";
import { toastCompressDatum } from "../common/toast_compression.ts";
import { codecOf, TOAST_POINTER_BYTES, varlenaPayload, VARTAG_ONDISK } from "../common/tupmacs.ts";
import { systableBeginscan, systableEndscan, systableGetnext } from "../index/genam.ts";
import { indexInsert } from "../index/indexam.ts";
import { BTEqualStrategyNumber, type ScanKey } from "../index/scankey.ts";
import { getNewObjectId } from "../transam/varsup.ts";
import { getCurrentCommandId } from "../transam/xact.ts";
import { heapAbortSpeculative, heapInsert, simpleHeapDelete } from "./heapam.ts";
import { installHeapHooks } from "./heapam_hooks.ts";
import { HEAP_INSERT_SPECULATIVE } from "./hio.ts";
import { SizeofHeapTupleHeader } from "./htup.ts";

/** A tuple is shrunk until four fit a page; columns of storage 'm' move out only if one does not fit a page. */
const TOAST_TUPLE_TARGET = 2032;
const TOAST_TUPLE_TARGET_MAIN = 8160;
/** Data bytes of a chunk. */
export const TOAST_MAX_CHUNK_SIZE = 1996;
/** MAXALIGN of a pointer datum (18 bytes): smaller values are not worth moving. */
const TOAST_POINTER_SIZE = 18;

const toastSnapshot = new Snapshot("toast");

const oidEq = (a: Datum, b: Datum): boolean => a === b;
function valueidKey(valueid: Oid): ScanKey {
  return {
    attno: 1,
    strategy: BTEqualStrategyNumber,
    subtype: 0,
    collation: 0,
    func: oidEq,
    argument: valueid,
    flags: 0,
  };
}

/** The TOAST table's valid index. */
function toastIndexOf(toastrel: Relation): Oid {
  for (const oid of relationGetIndexList(toastrel)) {
    const index = indexOpen(oid, AccessShareLock);
    const valid = index.rd_index?.indisvalid === true;
    indexClose(index, NoLock);
    if (valid) return oid;
  }
  throw new PgError({ message: `no valid index found for toast relation with Oid ${toastrel.rd_id}` });
}

// ---- fetching ----

/** Reads a stored value; chunks must be all there, in order and of the right sizes. @throws XX001 */
function toastFetch(pointer: ToastPointer, start: number, length: number): Uint8Array {
  assert(start === 0 && length === pointer.extsize, "slices of a TOAST value are not fetched");
  const toastrel = tableOpen(pointer.toastrelid, AccessShareLock);
  const attrsize = pointer.extsize;
  const totalchunks = Math.floor((attrsize - 1) / TOAST_MAX_CHUNK_SIZE) + 1;
  const out = new Uint8Array(attrsize);
  const corrupt = (message: string): PgError =>
    new PgError({
      code: ERRCODE.DATA_CORRUPTED,
      message: `${message} for toast value ${pointer.valueid} in ${toastrel.rd_rel.relname}`,
      routine: "heap_fetch_toast_slice",
    });
  if (attrsize > 0) {
    const scan = systableBeginscan(toastrel, toastIndexOf(toastrel), true, toastSnapshot, [
      valueidKey(pointer.valueid),
    ]);
    let expected = 0;
    for (;;) {
      const tup = systableGetnext(scan);
      if (tup === null) break;
      const seq = heapGetAttrAt(tup.data, tup.off, 2, toastrel.rd_att) as number;
      const chunk = heapGetAttrAt(tup.data, tup.off, 3, toastrel.rd_att) as Uint8Array;
      if (seq !== expected) throw corrupt(`unexpected chunk number ${seq} (expected ${expected})`);
      if (seq >= totalchunks) {
        throw corrupt(`unexpected chunk number ${seq} (out of range 0..${totalchunks - 1})`);
      }
      const size = seq < totalchunks - 1 ? TOAST_MAX_CHUNK_SIZE : attrsize - (totalchunks - 1) * TOAST_MAX_CHUNK_SIZE;
      if (chunk.length !== size) {
        throw corrupt(
          `unexpected chunk size ${chunk.length} (expected ${size}) in chunk ${seq} of ${totalchunks}`,
        );
      }
      out.set(chunk, seq * TOAST_MAX_CHUNK_SIZE);
      expected++;
    }
    if (expected !== totalchunks) throw corrupt(`missing chunk number ${expected}`);
    systableEndscan(scan);
  }
  tableClose(toastrel, AccessShareLock);
  return out;
}

// ---- storing ----

/** An OID that no value of the TOAST table has, dead ones included. */
function newValueId(toastrel: Relation, indexId: Oid): Oid {
  for (;;) {
    checkForInterrupts();
    const oid = getNewObjectId();
    const scan = systableBeginscan(toastrel, indexId, true, SnapshotAny, [valueidKey(oid)]);
    const taken = systableGetnext(scan) !== null;
    systableEndscan(scan);
    if (!taken) return oid;
  }
}

/** Writes `stored` (payload, or va_tcinfo and compressed bytes) to the TOAST table; returns the pointer datum. */
function toastSaveDatum(rel: Relation, value: Datum, kind: number, options: number): ToastedDatum {
  const toastrel = tableOpen(rel.rd_rel.reltoastrelid, RowExclusiveLock);
  let stored: Uint8Array;
  let rawsize: number;
  let extinfo: number;
  if (value instanceof ToastedDatum) {
    assert(!value.isExternal, "storing a value that is stored already");
    stored = value.bytes.subarray(4);
    const tcinfo = getI32(value.bytes, 4) >>> 0;
    rawsize = (tcinfo & 0x3fffffff) + 4;
    extinfo = (stored.length | (tcinfo & 0xc0000000)) >>> 0;
  } else {
    stored = varlenaPayload(value, kind);
    rawsize = stored.length + 4;
    extinfo = stored.length;
  }
  const indexId = toastIndexOf(toastrel);
  const valueid = newValueId(toastrel, indexId);
  const index = indexOpen(indexId, RowExclusiveLock);
  const cid = getCurrentCommandId(true);
  const values: Datum[] = [valueid, 0, null];
  for (let at = 0, seq = 0; at < stored.length; seq++) {
    checkForInterrupts();
    const n = Math.min(TOAST_MAX_CHUNK_SIZE, stored.length - at);
    values[1] = seq;
    values[2] = stored.subarray(at, at + n);
    const tup = heapFormTuple(toastrel.rd_att, values);
    heapInsert(toastrel, tup, cid, options, null);
    // Unique only in name: the value id is ours alone.
    if (index.rd_index?.indisready) {
      indexInsert(index, [valueid, seq], tup.self, toastrel, index.rd_index.indisunique ? "yes" : "no", false);
    }
    at += n;
  }
  indexClose(index, NoLock);
  const out = new Uint8Array(2 + TOAST_POINTER_BYTES);
  out[0] = 1;
  out[1] = VARTAG_ONDISK;
  setU32(out, 2, rawsize);
  setU32(out, 6, extinfo);
  setU32(out, 10, valueid);
  setU32(out, 14, toastrel.rd_id);
  tableClose(toastrel, NoLock);
  return new ToastedDatum(out);
}

/** Deletes the chunks of a stored value. */
function toastDeleteDatum(pointer: ToastPointer, isSpeculative: boolean): void {
  const toastrel = tableOpen(pointer.toastrelid, RowExclusiveLock);
  const scan = systableBeginscan(toastrel, toastIndexOf(toastrel), true, toastSnapshot, [valueidKey(pointer.valueid)]);
  for (;;) {
    const tup = systableGetnext(scan);
    if (tup === null) break;
    if (isSpeculative) heapAbortSpeculative(toastrel, tup.self);
    else simpleHeapDelete(toastrel, tup.self);
  }
  systableEndscan(scan);
  tableClose(toastrel, NoLock);
}

/** heap_toast_delete(): deletes what the external columns of a deleted row point to. */
function heapToastDelete(rel: Relation, old: HeapTuple, isSpeculative: boolean): void {
  const desc = rel.rd_att;
  const c = codecOf(desc);
  // Copied out first: deleting releases and takes other buffers.
  const pointers: ToastPointer[] = [];
  for (let i = 0; i < desc.natts; i++) {
    if (c.len[i] !== -1) continue;
    const at = heapAttOffset(old.data, old.off, i + 1, c);
    if (at >= 0 && old.data[at] === 1 && old.data[at + 1] === VARTAG_ONDISK) {
      pointers.push(readToastPointer(old.data, at));
    }
  }
  for (const p of pointers) toastDeleteDatum(p, isSpeculative);
}

function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Stored size of a varlena value, header included, as the choice of what to toast next counts it. */
function storedSize(v: Datum, kind: number): number {
  return v instanceof ToastedDatum ? v.bytes.length : varlenaPayload(v, kind).length + 4;
}

/**
 * heap_toast_insert_or_update(): the tuple to store instead of `tup`, itself if nothing had to change. Values of `old` that
 * `tup` no longer has are deleted.
 */
function heapToastInsertOrUpdate(rel: Relation, tup: HeapTuple, old: HeapTuple | null, options: number): HeapTuple {
  const desc = rel.rd_att;
  const c = codecOf(desc);
  const natts = desc.natts;
  // Speculative insertion is a matter of the main row.
  options &= ~HEAP_INSERT_SPECULATIVE;
  const values: Datum[] = new Array(natts);
  deformTupleRaw(tup.data, tup.off, desc, natts, values);
  const oldValues: Datum[] = new Array(natts);
  if (old !== null) deformTupleRaw(old.data, old.off, desc, natts, oldValues);
  const ignore = new Uint8Array(natts);
  const incompressible = new Uint8Array(natts);
  const deleteOld: ToastPointer[] = [];
  let changed = false;
  let hasNull = false;
  for (let i = 0; i < natts; i++) {
    const v = values[i];
    if (v === null) hasNull = true;
    if (old !== null && c.len[i] === -1) {
      const ov = oldValues[i];
      if (ov instanceof ToastedDatum && ov.isExternal) {
        if (v instanceof ToastedDatum && v.isExternal && sameBytes(v.bytes, ov.bytes)) {
          // Not changed: the pointer is carried over.
          ignore[i] = 1;
          continue;
        }
        deleteOld.push(readToastPointer(ov.bytes, 0));
      }
    }
    if (v === null || c.len[i] !== -1) {
      ignore[i] = 1;
      continue;
    }
    if (desc.attrs[i].attstorage === "p") ignore[i] = 1;
    if (v instanceof ToastedDatum && v.isExternal) {
      // Another table's value, or another row's: fetch it, to store our own copy.
      values[i] = v.payload();
      changed = true;
    } else if (v instanceof ToastedDatum) {
      incompressible[i] = 1;
    }
  }
  const hoff = maxAlign(SizeofHeapTupleHeader + (hasNull ? bitmapLen(natts) : 0));
  const targetOption = rel.rd_options.toast_tuple_target;
  let maxDataLen = (typeof targetOption === "number" ? targetOption : TOAST_TUPLE_TARGET) - hoff;
  const tooBig = (): boolean => heapComputeDataSize(desc, values) > maxDataLen;
  /** The largest column that may still be worked on, -1 if none. */
  const biggest = (forCompression: boolean, main: boolean): number => {
    let best = -1;
    let bestSize = maxAlign(TOAST_POINTER_SIZE);
    for (let i = 0; i < natts; i++) {
      if (ignore[i]) continue;
      const v = values[i];
      if (v instanceof ToastedDatum && v.isExternal) continue;
      if (forCompression && (incompressible[i] || v instanceof ToastedDatum)) continue;
      const storage = desc.attrs[i].attstorage;
      if (main ? storage !== "m" : storage !== "x" && storage !== "e") continue;
      const size = storedSize(v, c.kind[i]);
      if (size > bestSize) {
        best = i;
        bestSize = size;
      }
    }
    return best;
  };
  const tryCompress = (i: number): void => {
    const z = toastCompressDatum(varlenaPayload(values[i], c.kind[i]), desc.attrs[i].attcompression);
    if (z === null) {
      incompressible[i] = 1;
    } else {
      values[i] = new ToastedDatum(z);
      changed = true;
    }
  };
  const externalize = (i: number): void => {
    values[i] = toastSaveDatum(rel, values[i], c.kind[i], options);
    ignore[i] = 1;
    changed = true;
  };
  const canMoveOut = rel.rd_rel.reltoastrelid !== 0;

  // 1. Compress 'x'; what is big even so ('x' or 'e') moves out at once.
  while (tooBig()) {
    const i = biggest(true, false);
    if (i < 0) break;
    if (desc.attrs[i].attstorage === "x") tryCompress(i);
    else incompressible[i] = 1;
    if (storedSize(values[i], c.kind[i]) > maxDataLen && canMoveOut) externalize(i);
  }
  // 2. Move 'x' and 'e' out, largest first.
  while (tooBig() && canMoveOut) {
    const i = biggest(false, false);
    if (i < 0) break;
    externalize(i);
  }
  // 3. Compress 'm'.
  while (tooBig()) {
    const i = biggest(true, true);
    if (i < 0) break;
    tryCompress(i);
  }
  // 4. Move 'm' out, only if the tuple would not fit a page.
  maxDataLen = TOAST_TUPLE_TARGET_MAIN - hoff;
  while (tooBig() && canMoveOut) {
    const i = biggest(false, true);
    if (i < 0) break;
    externalize(i);
  }

  let result = tup;
  if (changed) {
    result = heapFormTuple(desc, values);
    // Transaction fields and flags are those of the tuple being stored.
    result.data.set(tup.data.subarray(tup.off, tup.off + 18), 0);
    const keepMask = 0xfff0;
    const infomask = (tup.data[tup.off + 20] | (tup.data[tup.off + 21] << 8)) & keepMask;
    const own = result.data[20] | (result.data[21] << 8);
    const m = infomask | (own & ~keepMask);
    result.data[20] = m;
    result.data[21] = m >>> 8;
    result.data[19] |= tup.data[tup.off + 19] & 0xe0;
    result.self = tup.self;
    result.tableOid = tup.tableOid;
  }
  for (const p of deleteOld) toastDeleteDatum(p, false);
  return result;
}

/** A copy of the tuple with every external value fetched in line (compressed values stay). Follows toast_flatten_tuple(). */
export function toastFlattenTuple(tup: HeapTuple, rel: Relation): HeapTuple {
  const desc = rel.rd_att;
  const values: Datum[] = new Array(desc.natts);
  deformTupleRaw(tup.data, tup.off, desc, desc.natts, values);
  for (let i = 0; i < values.length; i++) {
    const v = values[i];
    if (v instanceof ToastedDatum && v.isExternal) values[i] = v.payload();
  }
  const out = heapFormTuple(desc, values);
  out.data.set(tup.data.subarray(tup.off, tup.off + 18), 0);
  out.self = tup.self;
  out.tableOid = tup.tableOid;
  return out;
}

installToastFetcher(toastFetch);
installHeapHooks({ toastInsertOrUpdate: heapToastInsertOrUpdate, toastDelete: heapToastDelete });
