/**
 * Sending and receiving invalidation messages. Messages are four u32 words each in a flat array (inval_messages.ts).
 *
 * Receiving is re-entrant: an invalidation callback may lead to another receive, which then continues with the messages
 * already fetched. A process that falls behind gets INTERRUPT_SINVAL_CATCHUP and reads at its next idle moment.
 * Follows src/backend/storage/ipc/sinval.c (PostgreSQL 18).
 */
import { INTERRUPT_SINVAL_CATCHUP } from "../../../shmem/interrupt.ts";
import { sendInterrupt } from "../../../shmem/latch.ts";
import { setSignalCatchupHook, siCleanupQueue, siGetDataEntries, siInsertDataEntries } from "./sinvaladt.ts";

const MAXINVALMSGS = 32;
const MSG_WORDS = 4;
const fetched = new Uint32Array(MAXINVALMSGS * MSG_WORDS);
let nextMessage = 0;
let messageCount = 0;
/** The message being acted upon, copied: a nested receive may overwrite `fetched`. */
let depth = 0;

/** SendSharedInvalidMessages(): appends to the queue of all processes, our own included. */
export function sendSharedInvalidMessages(words: ArrayLike<number>): void {
  siInsertDataEntries(words);
}

/**
 * ReceiveSharedInvalidMessages(): acts on what has been sent since the last call.
 * @param invalFunction called with a message's words at `words[i]`.
 * @param resetFunction called when messages were lost: everything cached is suspect.
 */
export function receiveSharedInvalidMessages(
  invalFunction: (words: ArrayLike<number>, i: number) => void,
  resetFunction: () => void,
): void {
  depth++;
  const one = depth === 1 ? message : new Uint32Array(MSG_WORDS);
  try {
    // What an outer call has fetched comes first.
    while (nextMessage < messageCount) invalFunction(takeMessage(one), 0);
    let got: number;
    do {
      nextMessage = messageCount = 0;
      got = siGetDataEntries(fetched, MAXINVALMSGS);
      if (got < 0) {
        resetFunction();
        break;
      }
      messageCount = got;
      while (nextMessage < messageCount) invalFunction(takeMessage(one), 0);
    } while (got === MAXINVALMSGS);
  } finally {
    depth--;
  }
  // We read up because we were told to: pass it on to the next laggard.
  if (catchupPending) {
    catchupPending = false;
    siCleanupQueue(false, 0);
  }
}

const message = new Uint32Array(MSG_WORDS);
let catchupPending = false;

function takeMessage(into: Uint32Array): Uint32Array {
  const at = nextMessage++ * MSG_WORDS;
  for (let k = 0; k < MSG_WORDS; k++) into[k] = fetched[at + k];
  return into;
}

/** ProcessCatchupInterrupt(): main loops call it for INTERRUPT_SINVAL_CATCHUP; `accept` is AcceptInvalidationMessages in a transaction. */
export function processCatchupInterrupt(accept: () => void): void {
  catchupPending = true;
  accept();
}

setSignalCatchupHook((procNumber) => sendInterrupt(procNumber, INTERRUPT_SINVAL_CATCHUP));
