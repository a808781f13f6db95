/**
 * WAL records of RM_HEAP and RM_HEAP2: opcodes, flags, sizes. Shared by the writers, redo and the describe routines.
 * Follows src/include/access/heapam_xlog.h (PostgreSQL 18).
 */
export const RM_HEAP2_ID = 9;
export const RM_HEAP_ID = 10;

export const XLOG_HEAP_INSERT = 0x00;
export const XLOG_HEAP_DELETE = 0x10;
export const XLOG_HEAP_UPDATE = 0x20;
export const XLOG_HEAP_TRUNCATE = 0x30;
export const XLOG_HEAP_HOT_UPDATE = 0x40;
export const XLOG_HEAP_CONFIRM = 0x50;
export const XLOG_HEAP_LOCK = 0x60;
export const XLOG_HEAP_INPLACE = 0x70;
export const XLOG_HEAP_OPMASK = 0x70;
/** First tuple on the page: redo starts from an empty page. */
export const XLOG_HEAP_INIT_PAGE = 0x80;

export const XLOG_HEAP2_REWRITE = 0x00;
export const XLOG_HEAP2_PRUNE_ON_ACCESS = 0x10;
export const XLOG_HEAP2_PRUNE_VACUUM_SCAN = 0x20;
export const XLOG_HEAP2_PRUNE_VACUUM_CLEANUP = 0x30;
export const XLOG_HEAP2_VISIBLE = 0x40;
export const XLOG_HEAP2_MULTI_INSERT = 0x50;
export const XLOG_HEAP2_LOCK_UPDATED = 0x60;
export const XLOG_HEAP2_NEW_CID = 0x70;

export const XLH_INSERT_ALL_VISIBLE_CLEARED = 1 << 0;
export const XLH_INSERT_LAST_IN_MULTI = 1 << 1;
export const XLH_INSERT_IS_SPECULATIVE = 1 << 2;
export const XLH_INSERT_CONTAINS_NEW_TUPLE = 1 << 3;
export const XLH_INSERT_ON_TOAST_RELATION = 1 << 4;
export const XLH_INSERT_ALL_FROZEN_SET = 1 << 5;

export const XLH_UPDATE_OLD_ALL_VISIBLE_CLEARED = 1 << 0;
export const XLH_UPDATE_NEW_ALL_VISIBLE_CLEARED = 1 << 1;
export const XLH_UPDATE_CONTAINS_OLD_TUPLE = 1 << 2;
export const XLH_UPDATE_CONTAINS_OLD_KEY = 1 << 3;
export const XLH_UPDATE_CONTAINS_NEW_TUPLE = 1 << 4;
export const XLH_UPDATE_PREFIX_FROM_OLD = 1 << 5;
export const XLH_UPDATE_SUFFIX_FROM_OLD = 1 << 6;

export const XLH_DELETE_ALL_VISIBLE_CLEARED = 1 << 0;
export const XLH_DELETE_CONTAINS_OLD_TUPLE = 1 << 1;
export const XLH_DELETE_CONTAINS_OLD_KEY = 1 << 2;
export const XLH_DELETE_IS_SUPER = 1 << 3;
export const XLH_DELETE_IS_PARTITION_MOVE = 1 << 4;

export const XLH_TRUNCATE_CASCADE = 1 << 0;
export const XLH_TRUNCATE_RESTART_SEQS = 1 << 1;

/** Block references that carry the visibility map page whose bits a record clears (18.6 on; older records lack them). */
export const HEAP_INSERT_BLKREF_VM = 1;
export const HEAP_DELETE_BLKREF_VM = 1;
export const HEAP_LOCK_BLKREF_VM = 1;
export const HEAP_UPDATE_BLKREF_HEAP_NEW = 0;
export const HEAP_UPDATE_BLKREF_HEAP_OLD = 1;
export const HEAP_UPDATE_BLKREF_VM_NEW = 2;
export const HEAP_UPDATE_BLKREF_VM_OLD = 3;

export const SizeOfHeapHeader = 5;
export const SizeOfHeapInsert = 3;
export const SizeOfHeapDelete = 8;
export const SizeOfHeapUpdate = 14;
export const SizeOfHeapLock = 8;
export const SizeOfHeapConfirm = 2;
/** flags, padding, ntuples; offsets follow. */
export const SizeOfHeapMultiInsert = 4;
export const SizeOfMultiInsertTuple = 7;
export const SizeOfHeapPrune = 2;
export const SizeOfHeapVisible = 5;
export const SizeOfHeapTruncate = 12;
export const MinSizeOfHeapInplace = 20;
export const SizeOfFreezePlan = 12;

export const XLHP_IS_CATALOG_REL = 1 << 1;
export const XLHP_CLEANUP_LOCK = 1 << 2;
export const XLHP_HAS_CONFLICT_HORIZON = 1 << 3;
export const XLHP_HAS_FREEZE_PLANS = 1 << 4;
export const XLHP_HAS_REDIRECTIONS = 1 << 5;
export const XLHP_HAS_DEAD_ITEMS = 1 << 6;
export const XLHP_HAS_NOW_UNUSED_ITEMS = 1 << 7;

export const XLH_FREEZE_XVAC = 0x02;
export const XLH_INVALID_XVAC = 0x04;

export const XLHL_XMAX_IS_MULTI = 0x01;
export const XLHL_XMAX_LOCK_ONLY = 0x02;
export const XLHL_XMAX_EXCL_LOCK = 0x04;
export const XLHL_XMAX_KEYSHR_LOCK = 0x08;
export const XLHL_KEYS_UPDATED = 0x10;

export const XLH_LOCK_ALL_FROZEN_CLEARED = 0x01;
