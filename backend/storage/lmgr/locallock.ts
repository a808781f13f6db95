/**
 * The local lock table: which locks this process holds, how often, and for which resource owner.
 *
 * Owns LocalLock objects, recycled so that taking and releasing a lock allocates nothing once warm, and the lock that is being
 * waited for. A LocalLock with lock 0 was taken on the fast path and has not been seen to be transferred.
 * Follows LOCALLOCK in src/backend/storage/lmgr/lock.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import type { ResourceOwner } from "../../utils/resowner/resowner.ts";
import { type LockMode, LockTag } from "./locktypes.ts";
import { lockTagHashCode } from "./lock_table.ts";

export class LocalLock {
  readonly tag: LockTag = new LockTag();
  mode: LockMode = 0;
  hashcode = 0;
  /** Offsets in the shared table, 0 unknown. */
  lock = 0;
  proclock = 0;
  /** Times held in all. */
  nLocks = 0;
  /** Holders and their counts; null is the session. The first numOwners entries count. */
  readonly owners: (ResourceOwner | null)[] = [];
  readonly ownerCounts: number[] = [];
  numOwners = 0;
  /** Bumped FastPathStrongRelationLocks. */
  holdsStrongLockCount = false;
  /** Invalidations sent before it was taken have been read. */
  lockCleared = false;
  /** Chain of the bucket, or of the free list. */
  next: LocalLock | null = null;
  /** Place in the list of all. */
  index = 0;
}

const BUCKETS = 256;
const buckets: (LocalLock | null)[] = new Array<LocalLock | null>(BUCKETS).fill(null);
let freeList: LocalLock | null = null;
/** All entries, for the end of a transaction; the first `count` count. */
const all: (LocalLock | null)[] = [];
let count = 0;

function bucketOf(hashcode: number, mode: LockMode): number {
  return (hashcode ^ (mode * 37)) & (BUCKETS - 1);
}

/** The entry of `tag` and `mode`, null if this process does not hold it. */
export function findLocalLock(tag: LockTag, mode: LockMode): LocalLock | null {
  const hashcode = lockTagHashCode(tag);
  let l = buckets[bucketOf(hashcode, mode)];
  while (l !== null && (l.hashcode !== hashcode || l.mode !== mode || !l.tag.equals(tag))) l = l.next;
  return l;
}
/** The entry of `tag` and `mode`, made if absent. */
export function findOrCreateLocalLock(tag: LockTag, mode: LockMode): LocalLock {
  const found = findLocalLock(tag, mode);
  if (found !== null) return found;
  let l = freeList;
  if (l === null) l = new LocalLock();
  else freeList = l.next;
  l.tag.set(tag.type, tag.field1, tag.field2, tag.field3, tag.field4, tag.method);
  l.mode = mode;
  l.hashcode = lockTagHashCode(tag);
  l.lock = 0;
  l.proclock = 0;
  l.nLocks = 0;
  l.numOwners = 0;
  l.holdsStrongLockCount = false;
  l.lockCleared = false;
  const b = bucketOf(l.hashcode, mode);
  l.next = buckets[b];
  buckets[b] = l;
  l.index = count;
  all[count++] = l;
  return l;
}
/** Takes the entry out of the table. The caller has given back its strong-lock count. */
export function dropLocalLock(l: LocalLock): void {
  assert(!l.holdsStrongLockCount, "local lock still counts as strong");
  const b = bucketOf(l.hashcode, l.mode);
  if (buckets[b] === l) buckets[b] = l.next;
  else {
    let p = buckets[b];
    while (p !== null && p.next !== l) p = p.next;
    assert(p !== null, "locallock table corrupted");
    p.next = l.next;
  }
  for (let i = 0; i < l.owners.length; i++) l.owners[i] = null;
  l.numOwners = 0;
  l.next = freeList;
  freeList = l;
  const last = all[--count]!;
  all[l.index] = last;
  last.index = l.index;
  all[count] = null;
}
/** Entries in the table. */
export function localLockCount(): number {
  return count;
}
/** Calls `visit` with each entry, which it may drop. */
export function forEachLocalLock(visit: (l: LocalLock) => void): void {
  // Backwards: dropping an entry moves the last one, already visited, into its place.
  for (let i = count - 1; i >= 0; i--) visit(all[i]!);
}

/** GrantLockLocal(): one more for `owner`. */
export function grantLockLocal(l: LocalLock, owner: ResourceOwner | null): void {
  l.nLocks++;
  for (let i = 0; i < l.numOwners; i++) {
    if (l.owners[i] === owner) {
      l.ownerCounts[i]++;
      return;
    }
  }
  l.owners[l.numOwners] = owner;
  l.ownerCounts[l.numOwners] = 1;
  l.numOwners++;
}
/** Takes one from `owner`. @returns false if it holds none. */
export function ungrantLockLocal(l: LocalLock, owner: ResourceOwner | null): boolean {
  for (let i = l.numOwners - 1; i >= 0; i--) {
    if (l.owners[i] !== owner) continue;
    if (--l.ownerCounts[i] === 0) removeOwner(l, i);
    return true;
  }
  return false;
}
/** Forgets owner entry `i`. */
export function removeOwner(l: LocalLock, i: number): void {
  const last = --l.numOwners;
  l.owners[i] = l.owners[last];
  l.ownerCounts[i] = l.ownerCounts[last];
  l.owners[last] = null;
}

// ---- The lock being waited for

let awaitedLock: LocalLock | null = null;
let awaitedOwner: ResourceOwner | null = null;
export function setAwaitedLock(l: LocalLock, owner: ResourceOwner | null): void {
  awaitedLock = l;
  awaitedOwner = owner;
}
/** GetAwaitedLock(). */
export function getAwaitedLock(): LocalLock | null {
  return awaitedLock;
}
/** ResetAwaitedLock(). */
export function resetAwaitedLock(): void {
  awaitedLock = null;
}
/** GrantAwaitedLock(): it was granted just as we gave up. */
export function grantAwaitedLock(): void {
  if (awaitedLock !== null) grantLockLocal(awaitedLock, awaitedOwner);
}
