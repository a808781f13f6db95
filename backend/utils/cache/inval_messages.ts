/**
 * The messages by which backends tell each other which cached catalog facts are stale. 16 bytes each, as they travel in
 * the shared queue and in commit records:
 *
 *   id >= 0   0 id i8 | 4 dbId | 8 hashValue                 one key of one system cache
 *   id = -1   0 id i8 | 4 dbId | 8 catId                     everything cached of one catalog
 *   id = -2   0 id i8 | 4 dbId | 8 relId (0: all)            relation cache entry
 *   id = -3   0 id i8 | 1 procno hi i8 | 2 procno lo u16 | 4 spcOid | 8 dbOid | 12 relNumber
 *   id = -4   0 id i8 | 4 dbId                               relation map
 *   id = -5   0 id i8 | 4 dbId | 8 relId                     saved catalog snapshot
 *   id = -6   0 id i8 | 4 dbId | 8 relid                     publication cache
 *
 * In memory a message is four u32 words in a flat array, so that lists of them cost no objects.
 * Follows src/include/storage/sinval.h.
 */
import type { Oid, ProcNumber, RelFileNumber } from "../../../base/types.ts";

export const SHAREDINVALCATALOG_ID = -1;
export const SHAREDINVALRELCACHE_ID = -2;
export const SHAREDINVALSMGR_ID = -3;
export const SHAREDINVALRELMAP_ID = -4;
export const SHAREDINVALSNAPSHOT_ID = -5;
export const SHAREDINVALRELSYNC_ID = -6;

/** u32 words of one message. */
export const INVAL_WORDS = 4;

/** `id` of the message at words[i]: a system cache number, or one of the negative kinds. */
export function invalId(words: ArrayLike<number>, i: number): number {
  return (words[i] << 24) >> 24;
}

/** Appends any message but the smgr one; `third` is its hash value, catalog or relation. */
export function pushInvalMessage(words: number[], id: number, dbId: Oid, third: number): void {
  words.push(id & 0xff, dbId, third >>> 0, 0);
}

/** Appends the message that makes others drop what they know of the file of a relation. */
export function pushSmgrInvalMessage(
  words: number[],
  backend: ProcNumber,
  spcOid: Oid,
  dbOid: Oid,
  relNumber: RelFileNumber,
): void {
  const hi = (backend >> 16) & 0xff;
  words.push((SHAREDINVALSMGR_ID & 0xff) | (hi << 8) | ((backend & 0xffff) << 16) >>> 0, spcOid, dbOid, relNumber);
  words[words.length - 4] >>>= 0;
}

/** Process number of an smgr message, -1 for relations that are not temporary. */
export function smgrInvalBackend(words: ArrayLike<number>, i: number): ProcNumber {
  const hi = (words[i] << 16) >> 24;
  return (hi << 16) | (words[i] >>> 16);
}

/** The wire form of a list of messages. */
export function invalMessagesToBytes(words: ArrayLike<number>): Uint8Array {
  return new Uint8Array(Uint32Array.from(words).buffer);
}
/** Reads the wire form; `bytes` holds whole messages and may be unaligned. */
export function invalMessagesFromBytes(bytes: Uint8Array): number[] {
  return Array.from(new Uint32Array(bytes.slice().buffer));
}
