/**
 * Combo command ids: one number in t_cid that stands for the command that inserted a row and the one that deleted it,
 * both in the current transaction. Known to this backend only; forgotten at the end of the transaction.
 * Follows src/backend/utils/time/combocid.c.
 */
import { assert } from "../../../base/assert.ts";
import type { CommandId } from "../../../base/types.ts";
import { transactionIdIsCurrentTransactionId } from "../../access/transam/xact.ts";
import { xactHooks } from "../../access/transam/xact_hooks.ts";
import { HEAP_COMBOCID, tupInfomask, tupRawCid, tupRawXmin, tupXminCommitted } from "../../access/heap/htup.ts";

const comboCids: { cmin: CommandId; cmax: CommandId }[] = [];
const comboHash = new Map<number, number>();

/** Command that inserted the row; valid in the inserting transaction. */
export function heapTupleHeaderGetCmin(t: number): CommandId {
  const cid = tupRawCid(t);
  if ((tupInfomask(t) & HEAP_COMBOCID) === 0) return cid;
  assert(cid < comboCids.length, "unknown combo command id", cid, comboCids.length);
  return comboCids[cid].cmin;
}

/** Command that deleted the row; valid in the deleting transaction. */
export function heapTupleHeaderGetCmax(t: number): CommandId {
  const cid = tupRawCid(t);
  if ((tupInfomask(t) & HEAP_COMBOCID) === 0) return cid;
  assert(cid < comboCids.length, "unknown combo command id", cid, comboCids.length);
  return comboCids[cid].cmax;
}

/** What to store in t_cid when command `cmax` deletes the row: itself, or a combo id if we inserted the row too. */
export function heapTupleHeaderAdjustCmax(t: number, cmax: CommandId): { cid: CommandId; combo: boolean } {
  if (!tupXminCommitted(t) && transactionIdIsCurrentTransactionId(tupRawXmin(t))) {
    return { cid: getComboCommandId(heapTupleHeaderGetCmin(t), cmax), combo: true };
  }
  return { cid: cmax, combo: false };
}

function getComboCommandId(cmin: CommandId, cmax: CommandId): CommandId {
  const key = cmin * 4294967296 + cmax;
  let id = comboHash.get(key);
  if (id === undefined) {
    id = comboCids.length;
    comboCids.push({ cmin, cmax });
    comboHash.set(key, id);
  }
  return id;
}

/** Forgets all; called at the end of every top transaction. */
export function atEOXactComboCid(): void {
  if (comboCids.length === 0) return;
  comboCids.length = 0;
  comboHash.clear();
}

xactHooks.atEOXactComboCid = atEOXactComboCid;
