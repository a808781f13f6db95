/**
 * Cache invalidation: who must forget what, and when.
 *
 * Owns the list of invalidation messages that the current transaction has caused. A change of a catalog tuple queues
 * messages; they act on this process's own caches at the end of the command, and on everyone else's after commit.
 *   CurrentCmd   messages of the running command, not yet acted upon here
 *   PriorCmd     those of finished commands, acted upon here; at abort they act again, so that nothing cached from
 *                the rolled-back catalog contents survives
 * Each subtransaction that changes something has a level of its own; commit moves it into its parent.
 * smgr and relation map messages are not transactional and are sent at once.
 *
 * This file knows no cache: catcache.ts, relcache.ts and others put their functions into invalHandlers. So access
 * methods can import it.
 * Follows src/backend/utils/cache/inval.c.
 */
import type { Oid, ProcNumber, RelFileLocator } from "../../../base/types.ts";
import { getCurrentCommandId, getCurrentTransactionNestLevel } from "../../access/transam/xact_core.ts";
import { getU32 } from "../../access/common/byte_access.ts";
import type { HeapTuple } from "../../access/common/heap_tuple.ts";
import { receiveSharedInvalidMessages, sendSharedInvalidMessages } from "../../storage/ipc/sinval.ts";
import { SYSCACHES } from "../../catalog/data/schema.ts";
import { myDatabaseId } from "../init/globals.ts";
import type { Relation } from "./relation.ts";
import {
  INVAL_WORDS,
  invalId,
  pushInvalMessage,
  pushSmgrInvalMessage,
  SHAREDINVALCATALOG_ID,
  SHAREDINVALRELCACHE_ID,
  SHAREDINVALRELMAP_ID,
  SHAREDINVALRELSYNC_ID,
  SHAREDINVALSMGR_ID,
  SHAREDINVALSNAPSHOT_ID,
  smgrInvalBackend,
} from "./inval_messages.ts";

/** What the caches do when they are told. Each cache assigns its own functions as it loads. */
export interface InvalHandlers {
  /** Calls `emit` for each system cache that `tuple` (a row of `rel`) can be found through. */
  prepareToInvalidateCacheTuple(
    rel: Relation,
    tuple: HeapTuple,
    newtuple: HeapTuple | null,
    emit: (cacheId: number, hashValue: number, dbId: Oid) => void,
  ): void;
  sysCacheInvalidate(cacheId: number, hashValue: number): void;
  catalogCacheFlushCatalog(catId: Oid): void;
  resetCatalogCaches(): void;
  relationCacheInvalidateEntry(relid: Oid): void;
  relationCacheInvalidate(): void;
  relationMapInvalidate(shared: boolean): void;
  relationMapInvalidateAll(): void;
  /** `backend` is -1 for relations that are not temporary. */
  smgrReleaseRelLocator(locator: RelFileLocator, backend: ProcNumber): void;
  smgrReleaseAll(): void;
  invalidateCatalogSnapshot(): void;
  /** Does the row of this catalog call for a snapshot message (no syscache, but scanned with the catalog snapshot)? */
  relationInvalidatesSnapshotsOnly(relid: Oid): boolean;
  relationHasSysCache(relid: Oid): boolean;
}

function nothing(): void {}
export const invalHandlers: InvalHandlers = {
  prepareToInvalidateCacheTuple: nothing,
  sysCacheInvalidate: nothing,
  catalogCacheFlushCatalog: nothing,
  resetCatalogCaches: nothing,
  relationCacheInvalidateEntry: nothing,
  relationCacheInvalidate: nothing,
  relationMapInvalidate: nothing,
  relationMapInvalidateAll: nothing,
  smgrReleaseRelLocator: nothing,
  smgrReleaseAll: nothing,
  invalidateCatalogSnapshot: nothing,
  relationInvalidatesSnapshotsOnly: () => false,
  relationHasSysCache: () => false,
};

// ---- Lists of messages

/** System cache and snapshot messages act before relation cache ones: rebuilding a relation reads system caches. */
interface MsgGroup {
  cat: number[];
  rel: number[];
}
function newGroup(): MsgGroup {
  return { cat: [], rel: [] };
}

interface TransInvalidationInfo {
  parent: TransInvalidationInfo | null;
  level: number;
  currentCmd: MsgGroup;
  priorCmd: MsgGroup;
  /** A relation that pg_internal.init describes has changed. */
  relcacheInitFileInval: boolean;
}

let transInvalInfo: TransInvalidationInfo | null = null;
let inplaceInvalInfo: { currentCmd: MsgGroup; relcacheInitFileInval: boolean } | null = null;

type Target = { currentCmd: MsgGroup; relcacheInitFileInval: boolean };

function prepareInvalidationState(): Target {
  const level = getCurrentTransactionNestLevel();
  if (transInvalInfo !== null && transInvalInfo.level === level) return transInvalInfo;
  const info: TransInvalidationInfo = {
    parent: transInvalInfo,
    level,
    currentCmd: newGroup(),
    priorCmd: newGroup(),
    relcacheInitFileInval: false,
  };
  transInvalInfo = info;
  return info;
}

function prepareInplaceInvalidationState(): Target {
  return inplaceInvalInfo = { currentCmd: newGroup(), relcacheInitFileInval: false };
}

function appendGroup(to: MsgGroup, from: MsgGroup): void {
  for (const w of from.cat) to.cat.push(w);
  for (const w of from.rel) to.rel.push(w);
  from.cat = [];
  from.rel = [];
}

function processWords(words: readonly number[]): void {
  for (let i = 0; i < words.length; i += INVAL_WORDS) localExecuteInvalidationMessage(words, i);
}
function processGroup(g: MsgGroup): void {
  processWords(g.cat);
  processWords(g.rel);
}
function sendGroup(g: MsgGroup): void {
  if (g.cat.length > 0) sendSharedInvalidMessages(g.cat);
  if (g.rel.length > 0) sendSharedInvalidMessages(g.rel);
}

function registerCatcache(t: Target, cacheId: number, hashValue: number, dbId: Oid): void {
  pushInvalMessage(t.currentCmd.cat, cacheId, dbId, hashValue);
}

function registerRelcache(t: Target, dbId: Oid, relId: Oid): void {
  // An earlier message for the same relation, or for all of them, says it already.
  const rel = t.currentCmd.rel;
  for (let i = 0; i < rel.length; i += INVAL_WORDS) {
    if (invalId(rel, i) === SHAREDINVALRELCACHE_ID && (rel[i + 2] === relId || rel[i + 2] === 0)) return;
  }
  pushInvalMessage(rel, SHAREDINVALRELCACHE_ID, dbId, relId);
  // The change is to be seen by the next command, even if nothing else used this command id.
  getCurrentCommandId(true);
  if (relId === 0) t.relcacheInitFileInval = true;
}

function registerSnapshot(t: Target, dbId: Oid, relId: Oid): void {
  const cat = t.currentCmd.cat;
  for (let i = 0; i < cat.length; i += INVAL_WORDS) {
    if (invalId(cat, i) === SHAREDINVALSNAPSHOT_ID && cat[i + 2] === relId) return;
  }
  pushInvalMessage(cat, SHAREDINVALSNAPSHOT_ID, dbId, relId);
}

// ---- Acting on messages

/** Number of messages this process has acted on: lets a caller notice that something changed meanwhile. */
export const inval = { SharedInvalidMessageCounter: 0 };

/** Applies one message, from oneself or from others, to the caches of this process. */
export function localExecuteInvalidationMessage(words: ArrayLike<number>, i: number): void {
  const id = invalId(words, i);
  const dbId = words[i + 1];
  const here = dbId === myDatabaseId() || dbId === 0;
  if (id >= 0) {
    if (!here) return;
    invalHandlers.invalidateCatalogSnapshot();
    invalHandlers.sysCacheInvalidate(id, words[i + 2] >>> 0);
    callSyscacheCallbacks(id, words[i + 2] >>> 0);
    return;
  }
  switch (id) {
    case SHAREDINVALCATALOG_ID:
      if (!here) return;
      invalHandlers.invalidateCatalogSnapshot();
      invalHandlers.catalogCacheFlushCatalog(words[i + 2]);
      return;
    case SHAREDINVALRELCACHE_ID: {
      if (!here) return;
      const relid = words[i + 2];
      if (relid === 0) invalHandlers.relationCacheInvalidate();
      else invalHandlers.relationCacheInvalidateEntry(relid);
      for (const f of relcacheCallbacks) f(relid);
      return;
    }
    case SHAREDINVALSMGR_ID:
      invalHandlers.smgrReleaseRelLocator(
        { spcOid: words[i + 1], dbOid: words[i + 2], relNumber: words[i + 3] },
        smgrInvalBackend(words, i),
      );
      return;
    case SHAREDINVALRELMAP_ID:
      if (here) invalHandlers.relationMapInvalidate(dbId === 0);
      return;
    case SHAREDINVALSNAPSHOT_ID:
      if (here) invalHandlers.invalidateCatalogSnapshot();
      return;
    case SHAREDINVALRELSYNC_ID:
      if (dbId === myDatabaseId()) { for (const f of relsyncCallbacks) f(words[i + 2]); }
      return;
  }
}

/** Forgets everything: the queue overflowed before this process had read it. */
export function invalidateSystemCaches(): void {
  invalHandlers.invalidateCatalogSnapshot();
  invalHandlers.resetCatalogCaches();
  invalHandlers.relationCacheInvalidate();
  invalHandlers.relationMapInvalidateAll();
  for (const list of syscacheCallbacks.values()) for (const f of list) f(0);
  for (const f of relcacheCallbacks) f(0);
  for (const f of relsyncCallbacks) f(0);
}

/** Reads what others have sent since the last call. Called when a lock is taken and at the start of a transaction. */
export function acceptInvalidationMessages(): void {
  receiveSharedInvalidMessages(
    (words: ArrayLike<number>, i: number) => {
      inval.SharedInvalidMessageCounter++;
      localExecuteInvalidationMessage(words, i);
    },
    () => {
      inval.SharedInvalidMessageCounter++;
      invalidateSystemCaches();
    },
  );
}

// ---- Transaction events (installed as hooks of xact.ts by relcache.ts)

/** End of a command: its messages act here and become those of earlier commands. */
export function commandEndInvalidationMessages(): void {
  const t = transInvalInfo;
  if (t === null) return;
  processGroup(t.currentCmd);
  appendGroup(t.priorCmd, t.currentCmd);
}

/**
 * The messages that the commit record must carry, flat words; called before commit.
 * Messages of the running command are included.
 */
export function xactGetCommittedInvalidationMessages(): { words: number[]; relcacheInitFileInval: boolean } {
  const t = transInvalInfo;
  if (t === null) return { words: [], relcacheInitFileInval: false };
  return {
    words: [...t.priorCmd.cat, ...t.currentCmd.cat, ...t.priorCmd.rel, ...t.currentCmd.rel],
    relcacheInitFileInval: t.relcacheInitFileInval,
  };
}

/** End of the top transaction: tell the others, or undo what was cached here. */
export function atEOXactInval(isCommit: boolean): void {
  inplaceInvalInfo = null;
  const t = transInvalInfo;
  if (t === null) return;
  if (isCommit) {
    // Messages of the last command reach this process too, through the shared queue.
    appendGroup(t.priorCmd, t.currentCmd);
    sendGroup(t.priorCmd);
  } else {
    processGroup(t.priorCmd);
  }
  transInvalInfo = null;
}

/** After PREPARE TRANSACTION: the messages are in the two-phase state; forget them. */
export function postPrepareInval(): void {
  atEOXactInval(false);
}

/** End of a subtransaction: its messages pass to the parent, or act again and are forgotten. */
export function atEOSubXactInval(isCommit: boolean): void {
  inplaceInvalInfo = null;
  const t = transInvalInfo;
  if (t === null) return;
  const level = getCurrentTransactionNestLevel();
  if (t.level !== level) return;
  if (isCommit) {
    commandEndInvalidationMessages();
    if (t.parent === null || t.parent.level < level - 1) {
      t.level--;
      return;
    }
    appendGroup(t.parent.priorCmd, t.priorCmd);
    if (t.relcacheInitFileInval) t.parent.relcacheInitFileInval = true;
  } else {
    processGroup(t.priorCmd);
  }
  transInvalInfo = t.parent;
}

// ---- Causing messages

const RelationRelationId = 1259;
const AttributeRelationId = 1249;
const IndexRelationId = 2610;
const ConstraintRelationId = 2606;

/** First column of the four catalogs below is an OID at the start of the data area. */
function firstOid(tuple: HeapTuple): Oid {
  return getU32(tuple.data, tuple.off + tuple.data[tuple.off + 22]);
}

function relcacheMessageOf(relid: Oid, tuple: HeapTuple): { relId: Oid; dbId: Oid } | null {
  const base = tuple.off + tuple.data[tuple.off + 22];
  switch (relid) {
    case RelationRelationId: {
      // oid 4, relname 64, then 11 words to reltoastrelid, then relhasindex and relisshared.
      const relisshared = tuple.data[base + CLASS_RELISSHARED_OFFSET] !== 0;
      return { relId: getU32(tuple.data, base), dbId: relisshared ? 0 : myDatabaseId() };
    }
    case AttributeRelationId:
      // A row of a shared catalog's attribute does not change; so the relation is of this database.
      return { relId: firstOid(tuple), dbId: myDatabaseId() };
    case IndexRelationId:
      // indexrelid: the index itself. When an index comes or goes, its creator invalidates the table.
      return { relId: firstOid(tuple), dbId: myDatabaseId() };
    case ConstraintRelationId: {
      const contype = tuple.data[base + CONSTRAINT_CONTYPE_OFFSET];
      const conrelid = getU32(tuple.data, base + CONSTRAINT_CONRELID_OFFSET);
      return contype === 102 && conrelid !== 0 ? { relId: conrelid, dbId: myDatabaseId() } : null; // 'f'
    }
  }
  return null;
}
/** oid, relname, 7 OIDs from relnamespace to reltablespace, relpages, reltuples, 2 counts, reltoastrelid, relhasindex. */
const CLASS_RELISSHARED_OFFSET = 4 + 64 + 7 * 4 + 4 * 4 + 4 + 1;
/** oid, conname, connamespace. */
const CONSTRAINT_CONTYPE_OFFSET = 4 + 64 + 4;
/** contype, 5 booleans (deferrable, deferred, enforced, validated …), aligned. */
const CONSTRAINT_CONRELID_OFFSET = 4 + 64 + 4 + 8;

function cacheInvalidateHeapTupleCommon(
  rel: Relation,
  tuple: HeapTuple,
  newtuple: HeapTuple | null,
  prepare: () => Target,
): void {
  if (!isCatalogRelationOid(rel.rd_id)) return;
  const t = prepare();
  const relid = rel.rd_id;
  if (invalHandlers.relationInvalidatesSnapshotsOnly(relid)) {
    registerSnapshot(t, rel.rd_isshared ? 0 : myDatabaseId(), relid);
  } else {
    invalHandlers.prepareToInvalidateCacheTuple(
      rel,
      tuple,
      newtuple,
      (cacheId, hash, dbId) => registerCatcache(t, cacheId, hash, dbId),
    );
  }
  const m = relcacheMessageOf(relid, tuple);
  if (m !== null) registerRelcache(t, m.dbId, m.relId);
}

/** Catalogs have OIDs below FirstUnpinnedObjectId; toast tables of catalogs are harmless here. */
function isCatalogRelationOid(relid: Oid): boolean {
  return relid < 12000;
}

/**
 * Queues what follows from the insertion (newtuple null), deletion (newtuple null) or update of a tuple of `rel`.
 * Called by heapInsert() and its like for every tuple; cheap unless `rel` is a catalog.
 */
export function cacheInvalidateHeapTuple(rel: Relation, tuple: HeapTuple, newtuple: HeapTuple | null): void {
  if (!isCatalogRelationOid(rel.rd_id)) return;
  cacheInvalidateHeapTupleCommon(rel, tuple, newtuple, prepareInvalidationState);
}

/** As cacheInvalidateHeapTuple() for an in-place update, whose messages are sent without waiting for commit. */
export function cacheInvalidateHeapTupleInplace(rel: Relation, tuple: HeapTuple): void {
  cacheInvalidateHeapTupleCommon(rel, tuple, null, prepareInplaceInvalidationState);
}
/** Messages of the in-place update, for its WAL record. */
export function inplaceGetInvalidationMessages(): { words: number[]; relcacheInitFileInval: boolean } {
  const t = inplaceInvalInfo;
  if (t === null) return { words: [], relcacheInitFileInval: false };
  return { words: [...t.currentCmd.cat, ...t.currentCmd.rel], relcacheInitFileInval: t.relcacheInitFileInval };
}
/** Sends the messages of the in-place update, inside its critical section. */
export function atInplaceInval(): void {
  const t = inplaceInvalInfo;
  if (t === null) return;
  sendGroup(t.currentCmd);
  inplaceInvalInfo = null;
}
/** The in-place update did not happen. */
export function forgetInplaceInval(): void {
  inplaceInvalInfo = null;
}

/** Every cache over `catalogId` is stale: the catalog was rewritten. */
export function cacheInvalidateCatalog(catalogId: Oid, isShared: boolean): void {
  pushInvalMessage(
    prepareInvalidationState().currentCmd.cat,
    SHAREDINVALCATALOG_ID,
    isShared ? 0 : myDatabaseId(),
    catalogId,
  );
}

/** The relation cache entry is stale for a reason that its pg_class row does not show (a new index, rule, trigger). */
export function cacheInvalidateRelcache(rel: Relation): void {
  registerRelcache(prepareInvalidationState(), rel.rd_isshared ? 0 : myDatabaseId(), rel.rd_id);
}
export function cacheInvalidateRelcacheAll(): void {
  registerRelcache(prepareInvalidationState(), 0, 0);
}
/** As cacheInvalidateRelcache() when only its pg_class row is at hand. */
export function cacheInvalidateRelcacheByTuple(row: { oid: Oid; relisshared: boolean }): void {
  registerRelcache(prepareInvalidationState(), row.relisshared ? 0 : myDatabaseId(), row.oid);
}
/** As cacheInvalidateRelcache() for a relation of this database that is not open. */
export function cacheInvalidateRelcacheByRelid(relid: Oid): void {
  registerRelcache(prepareInvalidationState(), myDatabaseId(), relid);
}

/** Tells everyone at once that the file of a relation has been truncated, dropped or replaced. */
export function cacheInvalidateSmgr(locator: RelFileLocator, backend: ProcNumber): void {
  const words: number[] = [];
  pushSmgrInvalMessage(words, backend, locator.spcOid, locator.dbOid, locator.relNumber);
  sendSharedInvalidMessages(words);
}
/** Tells everyone at once that the relation map of `databaseId` (0: the shared one) has changed. */
export function cacheInvalidateRelmap(databaseId: Oid): void {
  const words: number[] = [];
  pushInvalMessage(words, SHAREDINVALRELMAP_ID, databaseId, 0);
  sendSharedInvalidMessages(words);
}
export function cacheInvalidateRelSync(relid: Oid): void {
  pushInvalMessage(prepareInvalidationState().currentCmd.rel, SHAREDINVALRELSYNC_ID, myDatabaseId(), relid);
}

// ---- Callbacks of higher caches

/** `hashValue` 0 means any row of the catalog. */
export type SyscacheCallback = (hashValue: number) => void;
/** `relid` 0 means any relation. */
export type RelcacheCallback = (relid: Oid) => void;

const syscacheCallbacks = new Map<number, SyscacheCallback[]>();
const relcacheCallbacks: RelcacheCallback[] = [];
const relsyncCallbacks: RelcacheCallback[] = [];

/** Calls `f` whenever something that system cache number `cacheId` holds may have changed. Never unregistered. */
export function cacheRegisterSyscacheCallback(cacheId: number, f: SyscacheCallback): void {
  const list = syscacheCallbacks.get(cacheId);
  if (list) list.push(f);
  else syscacheCallbacks.set(cacheId, [f]);
}
/** As cacheRegisterSyscacheCallback(), by the cache's name. */
export function registerSyscacheCallback(name: (typeof SYSCACHES)[number]["name"], f: SyscacheCallback): void {
  cacheRegisterSyscacheCallback(SYSCACHES.findIndex((c) => c.name === name), f);
}
/** Calls `f` whenever a relation may have changed. Never unregistered. */
export function registerRelcacheCallback(f: RelcacheCallback): void {
  relcacheCallbacks.push(f);
}
export function registerRelSyncCallback(f: RelcacheCallback): void {
  relsyncCallbacks.push(f);
}
export function callSyscacheCallbacks(cacheId: number, hashValue: number): void {
  const list = syscacheCallbacks.get(cacheId);
  if (list) { for (const f of list) f(hashValue); }
}

/**
 * Recovery has replayed a commit: sends the messages of its record on to the backends of a standby. Without any, the
 * queue is just appended to. `relcacheInitFileInval` needs nothing here: there is no such file.
 * Follows ProcessCommittedInvalidationMessages().
 */
export function processCommittedInvalidationMessages(words: ArrayLike<number>): void {
  if (words.length > 0) sendSharedInvalidMessages(words);
}
