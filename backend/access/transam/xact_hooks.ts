/**
 * What the end (or start) of a transaction means to the layers above: each sets its fields when it loads, xact.ts calls them in
 * PostgreSQL's order. So the transaction manager imports nothing above it.
 *
 * A hook that belongs to the abort path must not fail. Follows the calls in src/backend/access/transam/xact.c (PostgreSQL 18).
 */
import type { Oid, RelFileLocator } from "../../../base/types.ts";
import type { SubTransactionId } from "./xact_types.ts";
import type { XactStatsItem } from "./xact_record.ts";
import type { ResourceOwner } from "../../utils/resowner/resowner.ts";

const nothing = (): void => {};

export interface CommittedInvalidations {
  /** Four u32 words for each message, as in inval_messages.ts. */
  words: ArrayLike<number>;
  relcacheInitFileInval: boolean;
}
const NO_INVALIDATIONS: CommittedInvalidations = { words: [], relcacheInitFileInval: false };

export const xactHooks = {
  // Start
  /** AtStart_Cache(): AcceptInvalidationMessages(). */
  atStartCache: nothing,
  /** AfterTriggerBeginXact(). */
  afterTriggerBeginXact: nothing,
  afterTriggerBeginSubXact: nothing,
  /** NewGUCNestLevel() for a subtransaction. */
  newGUCNestLevel: (): number => 1,
  /** pgstat_report_xact_timestamp(); 0 when the transaction ends. */
  reportXactTimestamp: (_t: number): void => {},

  // Before commit: may still fail, may run SQL
  /** AfterTriggerFireDeferred(). */
  afterTriggerFireDeferred: nothing,
  /** PreCommit_Portals(): true if it did something, so that triggers must be looked at again. */
  preCommitPortals: (_isPrepare: boolean): boolean => false,
  afterTriggerEndXact: (_isCommit: boolean): void => {},
  /** PreCommit_on_commit_actions(). */
  preCommitOnCommitActions: nothing,
  preCommitNotify: nothing,
  atEOXactLargeObject: (_isCommit: boolean): void => {},
  atEOXactRelationMap: (_isCommit: boolean): void => {},

  // What goes into the commit or abort record
  /** smgrGetPendingDeletes(). */
  smgrGetPendingDeletes: (_forCommit: boolean): RelFileLocator[] => [],
  /** pgstat_get_transactional_drops(). */
  getTransactionalDrops: (_isCommit: boolean): XactStatsItem[] => [],
  /** xactGetCommittedInvalidationMessages(). */
  getCommittedInvalidationMessages: (): CommittedInvalidations => NO_INVALIDATIONS,
  /** SyncRepWaitForLSN(). */
  syncRepWaitForLSN: (_lsn: number, _commit: boolean): void => {},

  // After commit or abort: must not fail
  smgrDoPendingSyncs: (_isCommit: boolean): void => {},
  smgrDoPendingDeletes: (_isCommit: boolean): void => {},
  atEOXactRelationCache: (_isCommit: boolean): void => {},
  atEOXactTypeCache: nothing,
  /** AtEOXact_Inval(): sends the messages, or forgets them. */
  atEOXactInval: (_isCommit: boolean): void => {},
  atEOXactMultiXact: nothing,
  atCommitNotify: nothing,
  atAbortNotify: nothing,
  atAbortPortals: nothing,
  atCleanupPortals: nothing,
  atEOXactGUC: (_isCommit: boolean, _nestLevel: number): void => {},
  atEOXactSPI: (_isCommit: boolean): void => {},
  atEOXactEnum: nothing,
  atEOXactOnCommitActions: (_isCommit: boolean): void => {},
  atEOXactNamespace: (_isCommit: boolean): void => {},
  atEOXactComboCid: nothing,
  atEOXactPgStat: (_isCommit: boolean): void => {},
  /** AtEOXact_Snapshot(): `resetXmin` after an abort. */
  atEOXactSnapshot: (_isCommit: boolean, _resetXmin: boolean): void => {},
  /** More that must be reset when a transaction aborts (reindex state and the like). */
  atAbortResetState: nothing,

  // Between commands
  /** SnapshotSetCommandId(). */
  snapshotSetCommandId: (_cid: number): void => {},
  /** AtCCI_LocalCache(): AtCCI_RelationMap(), CommandEndInvalidationMessages(). */
  atCCILocalCache: nothing,
  /** AcceptInvalidationMessages() of later commands in a transaction. */
  acceptInvalidationMessages: nothing,

  // Subtransactions
  atSubCommitPortals: (
    _mySubid: SubTransactionId,
    _parentSubid: SubTransactionId,
    _parentLevel: number,
    _parentOwner: ResourceOwner | null,
  ): void => {},
  atSubAbortPortals: (
    _mySubid: SubTransactionId,
    _parentSubid: SubTransactionId,
    _myOwner: ResourceOwner | null,
    _parentOwner: ResourceOwner | null,
  ): void => {},
  atSubCleanupPortals: (_mySubid: SubTransactionId): void => {},
  afterTriggerEndSubXact: (_isCommit: boolean): void => {},
  atEOSubXactLargeObject: (
    _isCommit: boolean,
    _mySubid: SubTransactionId,
    _parentSubid: SubTransactionId,
  ): void => {},
  atSubCommitNotify: nothing,
  atSubAbortNotify: nothing,
  atEOSubXactRelationCache: (
    _isCommit: boolean,
    _mySubid: SubTransactionId,
    _parentSubid: SubTransactionId,
  ): void => {},
  atEOSubXactInval: (_isCommit: boolean): void => {},
  atEOSubXactSPI: (_isCommit: boolean, _mySubid: SubTransactionId): void => {},
  atEOSubXactOnCommitActions: (
    _isCommit: boolean,
    _mySubid: SubTransactionId,
    _parentSubid: SubTransactionId,
  ): void => {},
  atEOSubXactNamespace: (
    _isCommit: boolean,
    _mySubid: SubTransactionId,
    _parentSubid: SubTransactionId,
  ): void => {},
  atEOSubXactPgStat: (_isCommit: boolean, _nestDepth: number): void => {},
  atSubCommitSmgr: nothing,
  atSubAbortSmgr: nothing,
  atSubCommitSnapshot: (_level: number): void => {},
  atSubAbortSnapshot: (_level: number): void => {},

  // Security context
  /** GetUserIdAndSecContext() / SetUserIdAndSecContext(). */
  getUserIdAndSecContext: (): { userId: Oid; secContext: number } => ({ userId: 10, secContext: 0 }),
  setUserIdAndSecContext: (_userId: Oid, _secContext: number): void => {},

  // Redo of a commit on a standby or in recovery
  /** ProcessCommittedInvalidationMessages(). */
  processCommittedInvalidations: (
    _words: ArrayLike<number>,
    _relcacheInitFileInval: boolean,
    _dbId: Oid,
    _tsId: Oid,
  ): void => {},
  /** pgstat_execute_transactional_drops(). */
  executeTransactionalDrops: (_stats: readonly XactStatsItem[]): void => {},
};
