/**
 * Writes whole heap files for initdb: rows packed onto pages, all frozen, with a visibility map that says so.
 *
 * Nobody reads the directory yet, so there are no buffers, locks or WAL. Tuples carry BootstrapTransactionId and
 * HEAP_XMIN_FROZEN, as rows do that PostgreSQL's bootstrap made and its VACUUM FREEZE froze. Page LSNs are zero.
 */
import { assert } from "../../base/assert.ts";
import { BLCKSZ, BootstrapTransactionId, makeTid } from "../../base/types.ts";
import { mem, privateAlloc } from "../../shmem/memory.ts";
import { setTid, setU16, setU32 } from "../access/common/byte_access.ts";
import { heapFormTuple } from "../access/common/heaptuple.ts";
import type { TupleDesc } from "../access/common/tupdesc.ts";
import { HEAP_XMAX_INVALID, HEAP_XMIN_COMMITTED, HEAP_XMIN_INVALID } from "../access/heap/htup.ts";
import { pgChecksumPage } from "../storage/page/checksum.ts";
import { pageAddItem, pageInit, pageSetAllVisible, PAI_IS_HEAP } from "../storage/page/page.ts";
import type { Datum } from "../utils/fmgr/datum.ts";

/** MaxHeapTupleSize: what fits a page with one line pointer. */
const MAX_HEAP_TUPLE_BYTES = BLCKSZ - 32;
const HEAP_XMIN_FROZEN = HEAP_XMIN_COMMITTED | HEAP_XMIN_INVALID;
/** Heap pages that one page of the visibility map covers. */
const HEAPBLOCKS_PER_PAGE = (BLCKSZ - 24) * 4;
/** All visible and all frozen, for four pages. */
const VM_FULL_BYTE = 0xff;

/** A page of private memory that is built and copied out. */
let scratch = 0;
let scratchOwner: ArrayBuffer | null = null;
export function scratchPage(): number {
  if (scratchOwner !== mem.buffer) {
    scratch = privateAlloc(BLCKSZ, 4096);
    scratchOwner = mem.buffer;
  }
  return scratch;
}

/** Sets the checksum, if the cluster has them, and copies the page out. */
export function finishPage(page: number, blkno: number, checksums: boolean): Uint8Array {
  if (checksums) mem.u16[(page >>> 1) + 4] = pgChecksumPage(page, blkno);
  return mem.u8.slice(page, page + BLCKSZ);
}

export interface HeapFile {
  pages: Uint8Array[];
  /** TID of each row, in the order given. */
  tids: number[];
}

/** Packs `rows` in order. */
export function buildHeapFile(desc: TupleDesc, rows: readonly Datum[][], checksums: boolean): HeapFile {
  const out: HeapFile = { pages: [], tids: [] };
  const page = scratchPage();
  let open = false;
  const close = () => {
    if (!open) return;
    pageSetAllVisible(page);
    out.pages.push(finishPage(page, out.pages.length, checksums));
    open = false;
  };
  for (const values of rows) {
    const { data } = heapFormTuple(desc, values);
    assert(data.length <= MAX_HEAP_TUPLE_BYTES, "catalog row does not fit a page", data.length);
    setU32(data, 0, BootstrapTransactionId);
    setU16(data, 20, data[20] | (data[21] << 8) | HEAP_XMIN_FROZEN | HEAP_XMAX_INVALID);
    for (;;) {
      if (!open) {
        pageInit(page, 0);
        open = true;
      }
      // The item's own TID goes in before it is copied: it is the next offset number.
      const offnum = ((mem.u16[(page >>> 1) + 6] - 24) >>> 2) + 1;
      const tid = makeTid(out.pages.length, offnum);
      setTid(data, 12, tid);
      if (pageAddItem(page, data, 0, data.length, 0, PAI_IS_HEAP) === offnum) {
        out.tids.push(tid);
        break;
      }
      assert(offnum > 1, "row does not fit an empty page", data.length);
      close();
    }
  }
  close();
  return out;
}

/** Visibility map of a file of `nblocks` pages, every one all-visible and all-frozen. */
export function buildVisibilityMap(nblocks: number, checksums: boolean): Uint8Array[] {
  assert(nblocks <= HEAPBLOCKS_PER_PAGE, "catalog is too large for one map page", nblocks);
  if (nblocks === 0) return [];
  const page = scratchPage();
  pageInit(page, 0);
  const whole = nblocks >> 2;
  mem.u8.fill(VM_FULL_BYTE, page + 24, page + 24 + whole);
  if (nblocks & 3) mem.u8[page + 24 + whole] = (1 << ((nblocks & 3) * 2)) - 1;
  return [finishPage(page, 0, checksums)];
}
