/**
 * Posting list tuples: one key with many heap TIDs, in ascending order.
 *
 * A tuple is the key part (as a plain tuple without TID), then at the posting offset (8-aligned) 6 bytes per TID, padded
 * to 8. Follows _bt_form_posting(), _bt_update_posting(), _bt_swap_posting() in src/backend/access/nbtree/nbtdedup.c.
 */
import { assert } from "../../../base/assert.ts";
import { getTid, getU16, maxAlign, setTid, setU16 } from "../common/byte_access.ts";
import { INDEX_SIZE_MASK } from "../common/indextuple.ts";
import {
  btTupleGetNPosting,
  btTupleGetPostingN,
  btTupleGetPostingOffset,
  btTupleIsPosting,
  btTupleSetPosting,
  INDEX_ALT_TID_MASK,
  itupSize,
} from "./nbt_format.ts";

/** A posting list of which some TIDs are to go. */
export interface BTVacuumPosting {
  /** The original tuple; after btUpdatePosting() the one to put in its place. */
  itup: Uint8Array;
  updatedoffset: number;
  /** 0-based positions of the TIDs to delete, ascending. */
  deletetids: number[];
}

/** A tuple with the key of `base` and the given TIDs: plain if there is one. */
export function btFormPosting(base: Uint8Array, boff: number, htids: readonly number[]): Uint8Array {
  const keysize = btTupleIsPosting(base, boff) ? btTupleGetPostingOffset(base, boff) : itupSize(base, boff);
  assert(keysize === maxAlign(keysize), "key part of an index tuple is not aligned", keysize);
  const newsize = htids.length > 1 ? maxAlign(keysize + htids.length * 6) : keysize;
  const out = new Uint8Array(newsize);
  out.set(base.subarray(boff, boff + keysize));
  setU16(out, 6, (getU16(out, 6) & ~INDEX_SIZE_MASK) | newsize);
  if (htids.length > 1) {
    btTupleSetPosting(out, 0, htids.length, keysize);
    for (let i = 0; i < htids.length; i++) setTid(out, keysize + 6 * i, htids[i]);
  } else {
    setU16(out, 6, getU16(out, 6) & ~INDEX_ALT_TID_MASK);
    setTid(out, 0, htids[0]);
  }
  return out;
}

/** Removes the TIDs of u.deletetids; at least one remains. */
export function btUpdatePosting(u: BTVacuumPosting): void {
  const n = btTupleGetNPosting(u.itup, 0);
  const keep: number[] = [];
  let d = 0;
  for (let i = 0; i < n; i++) {
    if (d < u.deletetids.length && u.deletetids[d] === i) d++;
    else keep.push(btTupleGetPostingN(u.itup, 0, i));
  }
  assert(keep.length > 0 && d === u.deletetids.length, "posting list update leaves nothing", keep.length, d);
  u.itup = btFormPosting(u.itup, 0, keep);
}

/**
 * Splits a posting list around a new item whose TID falls inside it: the list takes the new TID at `postingoff`, and
 * `newitem` is given the list's former highest TID, to be inserted after it.
 * @returns the new list tuple, as long as the old one.
 */
export function btSwapPosting(newitem: Uint8Array, oposting: Uint8Array, ooff: number, postingoff: number): Uint8Array {
  const nhtids = btTupleGetNPosting(oposting, ooff);
  assert(btTupleIsPosting(oposting, ooff), "posting list split of a plain tuple");
  assert(postingoff > 0 && postingoff < nhtids, "posting list split at its edge", postingoff, nhtids);
  const nposting = oposting.slice(ooff, ooff + itupSize(oposting, ooff));
  const at = btTupleGetPostingOffset(nposting, 0);
  const maxTid = getTid(nposting, at + 6 * (nhtids - 1));
  nposting.copyWithin(at + 6 * (postingoff + 1), at + 6 * postingoff, at + 6 * (nhtids - 1));
  setTid(nposting, at + 6 * postingoff, getTid(newitem, 0));
  setTid(newitem, 0, maxTid);
  return nposting;
}
