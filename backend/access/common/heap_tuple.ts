/** HeapTuple: a tuple as its users hold it. Bytes at data[off, off + len) start with the tuple header. */
import type { ItemPointer, Oid } from "../../../base/types.ts";

export interface HeapTuple {
  data: Uint8Array;
  off: number;
  len: number;
  /** Where it is stored; 0 if nowhere yet. */
  self: ItemPointer;
  tableOid: Oid;
}
