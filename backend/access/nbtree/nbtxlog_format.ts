/** WAL records of RM_BTREE. Follows src/include/access/nbtxlog.h. */
export const RM_BTREE_ID = 11;
export const XLOG_BTREE_INSERT_LEAF = 0x00;
export const XLOG_BTREE_INSERT_UPPER = 0x10;
export const XLOG_BTREE_INSERT_META = 0x20;
export const XLOG_BTREE_SPLIT_L = 0x30;
export const XLOG_BTREE_SPLIT_R = 0x40;
export const XLOG_BTREE_INSERT_POST = 0x50;
export const XLOG_BTREE_DEDUP = 0x60;
export const XLOG_BTREE_DELETE = 0x70;
export const XLOG_BTREE_UNLINK_PAGE = 0x80;
export const XLOG_BTREE_UNLINK_PAGE_META = 0x90;
export const XLOG_BTREE_NEWROOT = 0xa0;
export const XLOG_BTREE_MARK_PAGE_HALFDEAD = 0xb0;
export const XLOG_BTREE_VACUUM = 0xc0;
export const XLOG_BTREE_REUSE_PAGE = 0xd0;
export const XLOG_BTREE_META_CLEANUP = 0xe0;

/** sizeof(xl_btree_metadata). */
export const SizeOfBtreeMetadata = 28;
export const SizeOfBtreeInsert = 2;
export const SizeOfBtreeSplit = 10;
export const SizeOfBtreeDedup = 2;
export const SizeOfBtreeReusePage = 25;
export const SizeOfBtreeVacuum = 4;
export const SizeOfBtreeDelete = 9;
export const SizeOfBtreeUpdate = 2;
export const SizeOfBtreeMarkPageHalfDead = 20;
/** leftsib, rightsib, level, padding, safexid u64, leafleftsib, leafrightsib, leaftopparent. */
export const SizeOfBtreeUnlinkPage = 36;
export const SizeOfBtreeNewroot = 8;
