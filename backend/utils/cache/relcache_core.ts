/**
 * The relation cache: one Relation object for each open table or index of this process.
 *
 * Owns the map of entries, their reference counts, and what happens to them when they are invalidated and at the ends
 * of (sub)transactions. How an entry is read from the catalogs is relcache_build.ts, which installs itself here: this file
 * imports nothing that reads catalogs, so that opening a relation can be part of reading one.
 * Invariants:
 *   1. An entry somebody references is never replaced, only rebuilt in place; its TupleDesc object stays the same as
 *      long as the columns do.
 *   2. An entry created or given a new file in this transaction is never dropped, even at zero references: nobody
 *      else could tell that it is new.
 * Follows src/backend/utils/cache/relcache.c.
 */
import { assert } from "../../../base/assert.ts";
import type { Oid } from "../../../base/types.ts";
import { isTransactionState } from "../../access/transam/xact_core.ts";
import { getCurrentResourceOwner, RELEASE_PRIO_RELCACHE_REFS, type ResourceKind } from "../resowner/resowner.ts";
import { relationCloseSmgr } from "../../storage/smgr/smgr.ts";
import { invalHandlers } from "./inval.ts";
import type { Relation } from "./relation.ts";

/** What the cache keeps of a relation beyond what everyone may see. */
export interface RelCacheEntry extends Relation {
  /** False: to be rebuilt before the next use. */
  rd_isvalid: boolean;
  /** Counts rebuilds; a rebuild during a rebuild shows in it. */
  rd_generation: number;
}

/** Reads entries from the catalogs. */
export interface RelationBuilder {
  /** A new entry with reference count 0, or null if there is no such relation. */
  build(relid: Oid): RelCacheEntry | null;
  /** Reads `entry` again into itself; false if the relation is gone. */
  rebuild(entry: RelCacheEntry): boolean;
}
let builder: RelationBuilder | null = null;
export function installRelationBuilder(b: RelationBuilder): void {
  builder = b;
}

const cache = new Map<Oid, RelCacheEntry>();
/** Entries that the end of a (sub)transaction has to look at. */
const eoxactList = new Set<RelCacheEntry>();
/** Relations being built; set to true when a message about them arrives meanwhile. */
const inProgress: { relid: Oid; invalidated: boolean }[] = [];
/** Bounds how often a build may be overtaken before something is badly wrong. */
const MAX_REBUILDS = 1000;

const relcacheRefKind: ResourceKind<Relation> = {
  name: "relcache reference",
  phase: "before_locks",
  priority: RELEASE_PRIO_RELCACHE_REFS,
  release: (rel) => {
    releaseReference(rel);
  },
  print: (rel) => rel.rd_rel.relname,
};

/** One more user of an open relation. */
export function relationIncrementReferenceCount(rel: Relation): void {
  rel.rd_refcnt++;
  getCurrentResourceOwner()?.remember(relcacheRefKind, rel);
}
export function relationDecrementReferenceCount(rel: Relation): void {
  getCurrentResourceOwner()?.forget(relcacheRefKind, rel);
  releaseReference(rel);
}
function releaseReference(rel: Relation): void {
  assert(rel.rd_refcnt > 0, "relation reference count is not positive", rel.rd_id, rel.rd_refcnt);
  rel.rd_refcnt--;
}

/** The relation with one more reference, or null if it does not exist. The caller holds a lock on it. */
export function relationIdGetRelation(relationId: Oid): Relation | null {
  const known = cache.get(relationId);
  if (known !== undefined) {
    if (known.rd_droppedSubid !== 0) return null;
    relationIncrementReferenceCount(known);
    if (!known.rd_isvalid && !rebuildRelation(known)) {
      relationDecrementReferenceCount(known);
      return null;
    }
    return known;
  }
  const entry = buildRelation(relationId);
  if (entry === null) return null;
  relationIncrementReferenceCount(entry);
  return entry;
}

/** Gives a reference back; the lock stays. */
export function relationClose(rel: Relation): void {
  relationDecrementReferenceCount(rel);
}

/** The entry if the cache has it, without a reference: for those that hold one, and for tests. */
export function relationCacheLookup(relationId: Oid): Relation | undefined {
  return cache.get(relationId);
}

function buildRelation(relid: Oid): RelCacheEntry | null {
  assert(builder !== null, "relation builder not installed");
  const progress = { relid, invalidated: false };
  inProgress.push(progress);
  try {
    for (let attempt = 0;; attempt++) {
      assert(attempt < MAX_REBUILDS, "relation cache entry does not settle", relid);
      progress.invalidated = false;
      const entry = builder.build(relid);
      if (progress.invalidated) continue;
      if (entry === null) return null;
      // Building may have opened, and thereby entered, this very relation.
      const other = cache.get(relid);
      if (other !== undefined) return other;
      cache.set(relid, entry);
      return entry;
    }
  } finally {
    inProgress.splice(inProgress.indexOf(progress), 1);
  }
}

/** Reads `entry` again into itself; the caller holds a reference. False if the relation is gone. */
function rebuildRelation(entry: RelCacheEntry): boolean {
  assert(builder !== null, "relation builder not installed");
  const progress = { relid: entry.rd_id, invalidated: false };
  inProgress.push(progress);
  try {
    for (let attempt = 0;; attempt++) {
      assert(attempt < MAX_REBUILDS, "relation cache entry does not settle", entry.rd_id);
      progress.invalidated = false;
      if (!builder.rebuild(entry)) return false;
      if (!progress.invalidated) break;
    }
    entry.rd_isvalid = true;
    entry.rd_generation++;
    return true;
  } finally {
    inProgress.splice(inProgress.indexOf(progress), 1);
  }
}

/** Puts an entry that was made by hand (relationBuildLocalRelation) into the cache. */
export function relationCacheInsert(entry: RelCacheEntry): void {
  assert(!cache.has(entry.rd_id), "relation is in the cache already", entry.rd_id);
  cache.set(entry.rd_id, entry);
}

/** Has the end of the transaction look at this entry. */
export function eoxactListAdd(entry: Relation): void {
  eoxactList.add(entry as RelCacheEntry);
}

function isNewInTransaction(entry: RelCacheEntry): boolean {
  return entry.rd_createSubid !== 0 || entry.rd_firstRelfilelocatorSubid !== 0;
}

function closeFiles(entry: RelCacheEntry): void {
  relationCloseSmgr(entry);
}

function removeEntry(entry: RelCacheEntry): void {
  closeFiles(entry);
  cache.delete(entry.rd_id);
  eoxactList.delete(entry);
}

/** What an invalidation message does to one entry. Follows RelationFlushRelation(). */
function flushRelation(entry: RelCacheEntry): void {
  closeFiles(entry);
  entry.rd_amcache = null;
  const keep = entry.rd_refcnt > 0 || isNewInTransaction(entry) || entry.rd_isnailed;
  if (!keep) {
    removeEntry(entry);
    return;
  }
  entry.rd_isvalid = false;
  // Someone is using it: let it be right at once. Outside a transaction the catalogs cannot be read; the next use will.
  if (entry.rd_refcnt > 0 && isTransactionState() && entry.rd_droppedSubid === 0) {
    relationIncrementReferenceCount(entry);
    try {
      rebuildRelation(entry);
    } finally {
      relationDecrementReferenceCount(entry);
    }
  }
}

function relationCacheInvalidateEntry(relid: Oid): void {
  for (const p of inProgress) if (p.relid === relid) p.invalidated = true;
  const entry = cache.get(relid);
  if (entry !== undefined) flushRelation(entry);
}

/** Every entry is suspect. Those not in use are dropped first, then nailed ones rebuilt, then the rest. */
function relationCacheInvalidate(): void {
  for (const p of inProgress) p.invalidated = true;
  const rest: RelCacheEntry[] = [];
  for (const entry of [...cache.values()]) {
    closeFiles(entry);
    // A relation created in this transaction is known to nobody else who could have changed it.
    if (entry.rd_createSubid !== 0) continue;
    if (entry.rd_refcnt === 0 && !isNewInTransaction(entry) && !entry.rd_isnailed) removeEntry(entry);
    else if (entry.rd_isnailed) rest.unshift(entry);
    else rest.push(entry);
  }
  for (const entry of rest) entry.rd_isvalid = false;
  for (const entry of rest) if (cache.get(entry.rd_id) === entry && !entry.rd_isvalid) flushRelation(entry);
}

/** Drops the entry of a relation that has just been deleted. Follows RelationForgetRelation(). */
export function relationForgetRelation(relid: Oid, currentSubid: number): void {
  const entry = cache.get(relid);
  if (entry === undefined) return;
  assert(entry.rd_refcnt === 0, "deleted relation is still open", relid, entry.rd_refcnt);
  assert(entry.rd_droppedSubid === 0, "relation is deleted already", relid);
  if (isNewInTransaction(entry)) {
    // Subtransaction abort may bring it back.
    entry.rd_droppedSubid = currentSubid;
    eoxactListAdd(entry);
    closeFiles(entry);
    entry.rd_isvalid = false;
    return;
  }
  removeEntry(entry);
}

/** Empties the cache of entries of one database: the process moves to another. */
export function relationCacheReset(): void {
  for (const entry of [...cache.values()]) {
    assert(entry.rd_refcnt === 0, "relation is open while the cache is reset", entry.rd_id);
    removeEntry(entry);
  }
}

// ---- Ends of transactions

export function atEOXactRelationCache(isCommit: boolean): void {
  inProgress.length = 0;
  for (const entry of [...eoxactList]) {
    eoxactList.delete(entry);
    const created = entry.rd_createSubid !== 0;
    const dropped = entry.rd_droppedSubid !== 0;
    const gone = isCommit ? dropped : created;
    entry.rd_createSubid = 0;
    entry.rd_newRelfilelocatorSubid = 0;
    entry.rd_firstRelfilelocatorSubid = 0;
    entry.rd_droppedSubid = 0;
    if (gone) {
      // A reference that is still held at abort is released with the resource owner; the object just leaves the map.
      removeEntry(entry);
    } else if (dropped && !isCommit) {
      entry.rd_isvalid = false;
    }
  }
}

export function atEOSubXactRelationCache(isCommit: boolean, mySubid: number, parentSubid: number): void {
  inProgress.length = 0;
  for (const entry of [...eoxactList]) {
    if (entry.rd_createSubid === mySubid) {
      if (isCommit && entry.rd_droppedSubid === 0) {
        entry.rd_createSubid = parentSubid;
      } else if (entry.rd_refcnt === 0) {
        entry.rd_createSubid = 0;
        entry.rd_newRelfilelocatorSubid = 0;
        entry.rd_firstRelfilelocatorSubid = 0;
        entry.rd_droppedSubid = 0;
        removeEntry(entry);
        continue;
      } else {
        entry.rd_createSubid = parentSubid;
      }
    }
    if (entry.rd_newRelfilelocatorSubid === mySubid) entry.rd_newRelfilelocatorSubid = isCommit ? parentSubid : 0;
    if (entry.rd_firstRelfilelocatorSubid === mySubid) entry.rd_firstRelfilelocatorSubid = isCommit ? parentSubid : 0;
    if (entry.rd_droppedSubid === mySubid) entry.rd_droppedSubid = isCommit ? parentSubid : 0;
  }
}

Object.assign(invalHandlers, { relationCacheInvalidateEntry, relationCacheInvalidate });
