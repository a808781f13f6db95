/**
 * Relation: an open table or index as the relation cache keeps it. The cache (relcache.ts) makes and changes these
 * objects; everyone else reads. One object for each relation and backend, rebuilt in place when it is invalidated.
 * Follows src/include/utils/rel.h.
 */
import type { BlockNumber, Oid, RelFileLocator } from "../../../base/types.ts";
import type { Datum } from "../fmgr/datum.ts";
import type { TupleDesc } from "../../access/common/tupdesc.ts";
import type { PgClass, PgIndex } from "../../catalog/catalog_rows.ts";

/** How an index column is compared: support functions of its operator class, by number - 1. */
export interface IndexColumn {
  readonly opfamily: Oid;
  readonly opcintype: Oid;
  readonly opclass: Oid;
  readonly collation: Oid;
  /** INDOPTION_DESC (1) | INDOPTION_NULLS_FIRST (2). */
  readonly option: number;
  /** btree: three-way comparison of two non-null keys of type opcintype. */
  readonly cmp: (a: Datum, b: Datum) => number;
}

export interface Relation {
  rd_id: Oid;
  rd_locator: RelFileLocator;
  /** The pg_class row, under its column names (relname, relkind, relpersistence, relnatts, reltoastrelid …). */
  rd_rel: PgClass;
  rd_att: TupleDesc;
  /** References in this backend; 0 lets the cache drop it. */
  rd_refcnt: number;
  rd_isnailed: boolean;
  /** Shared catalog: lives in the global tablespace, for all databases. */
  rd_isshared: boolean;
  /** Temporary relation of this session: its pages are in local buffers. */
  rd_islocaltemp: boolean;
  /** Subtransaction that created it, or gave it a new file, in the current transaction; 0 if older. */
  rd_createSubid: number;
  rd_newRelfilelocatorSubid: number;
  rd_firstRelfilelocatorSubid: number;
  rd_droppedSubid: number;
  /** Locator's process: -1 for shared relations' buffers, else MyProcNumber for temporary ones. */
  rd_backend: number;
  /** fillfactor, autovacuum_* … as in pg_class.reloptions, parsed. */
  rd_options: Readonly<Record<string, string | number | boolean>>;

  // Tables
  /** Oids of its indexes; null until asked for (relationGetIndexList). */
  rd_indexlist: Oid[] | null;
  rd_pkindex: Oid;
  /** Attribute numbers used by any index, and by indexes that block HOT; null until asked for. */
  rd_hotblockingattr: ReadonlySet<number> | null;
  rd_summarizedattr: ReadonlySet<number> | null;
  /** Attributes of unique, non-partial, non-expression indexes: decide FOR NO KEY UPDATE. */
  rd_keyattr: ReadonlySet<number> | null;
  /** Rewrite rules' ev_action texts, for views and tables with rules. */
  rd_rules: readonly RewriteRule[] | null;

  // Indexes
  rd_index: PgIndex | null;
  rd_indexcols: readonly IndexColumn[];
  /** nodeToString texts, null if there are none. */
  rd_indexprs: string | null;
  rd_indpred: string | null;
  rd_amhandler: Oid;
  /** Cache of the access method: btree keeps its metapage here. */
  rd_amcache: unknown;

  // Physical state cached by smgr and freespace
  /** Cached file sizes and handles; owned by smgr.ts. */
  rd_smgr: unknown;
  /** Block that the last insert went to (RelationGetTargetBlock), or InvalidBlockNumber. */
  rd_targblock: BlockNumber;
}

export interface RewriteRule {
  ruleId: Oid;
  rulename: string;
  /** '1' SELECT '2' UPDATE '3' INSERT '4' DELETE. */
  event: string;
  enabled: string;
  isInstead: boolean;
  /** nodeToString texts. */
  qual: string;
  actions: string;
}
