/**
 * Database directories in the write-ahead log: what is logged when one is made or removed, and its redo.
 * Follows the record types of src/include/commands/dbcommands_xlog.h and dbase_redo() in src/backend/commands/dbcommands.c.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { logMessage, notBuilt, pgError } from "../../base/error.ts";
import { encodeText } from "../../base/text.ts";
import type { Oid } from "../../base/types.ts";
import { endCritSection, startCritSection } from "../../shmem/interrupt.ts";
import { EEXIST } from "../../shmem/os/errno.ts";
import { mkdir } from "../../shmem/os/files.ts";
import type { RmgrImpl } from "../access/transam/rmgr.ts";
import { dbaseDesc } from "../access/transam/rmgrdesc_transam.ts";
import { RM_DBASE_ID, XLR_INFO_MASK, XLR_SPECIAL_REL_UPDATE } from "../access/transam/xlog_internal.ts";
import { xlogBeginInsert, xlogInsert, xlogRegisterData } from "../access/transam/xloginsert.ts";
import type { XLogReaderState } from "../access/transam/xlogreader.ts";
import { dropDatabaseBuffers } from "../storage/buffer/bufdrop.ts";
import { fsyncFname, rmtree, writeFileDurably } from "../storage/file/fd.ts";
import { getDatabasePath } from "../storage/smgr/relpath.ts";
import { forgetDatabaseSyncRequests } from "../storage/smgr/md.ts";
import { smgrReleaseAll } from "../storage/smgr/smgr.ts";

const XLOG_DBASE_CREATE_WAL_LOG = 0x10;
export const XLOG_DBASE_DROP = 0x20;
const PG_MAJOR_VERSION = "18\n";

/** The new directory with its PG_VERSION; in the WAL unless it is redone from there. */
export function createDirAndVersionFile(dbid: Oid, tsid: Oid, isRedo: boolean): void {
  const path = getDatabasePath(dbid, tsid);
  startCritSection();
  const rc = mkdir(path, 0o700);
  if (rc < 0 && !(rc === -EEXIST && isRedo)) throw pgError(ERRCODE.IO_ERROR, `could not create directory "${path}"`);
  writeFileDurably(`${path}/PG_VERSION`, encodeText(PG_MAJOR_VERSION));
  fsyncFname(path, true);
  if (!isRedo) {
    const rec = new Uint8Array(8);
    const dv = new DataView(rec.buffer);
    dv.setUint32(0, dbid, true);
    dv.setUint32(4, tsid, true);
    xlogBeginInsert();
    xlogRegisterData(rec, 0, 8);
    xlogInsert(RM_DBASE_ID, XLOG_DBASE_CREATE_WAL_LOG | XLR_SPECIAL_REL_UPDATE);
  }
  endCritSection();
}

function dbaseRedo(r: XLogReaderState): void {
  const u = (i: number) => r.view.getUint32(r.dataOff + i * 4, true);
  switch (r.xl_info & ~XLR_INFO_MASK) {
    case XLOG_DBASE_CREATE_WAL_LOG:
      createDirAndVersionFile(u(0), u(1), true);
      break;
    case XLOG_DBASE_DROP:
      dropDatabaseBuffers(u(0));
      forgetDatabaseSyncRequests(u(0));
      smgrReleaseAll();
      for (let i = 0; i < u(1); i++) {
        const path = getDatabasePath(u(0), u(2 + i));
        if (!rmtree(path, true)) {
          logMessage(`some useless files may be left behind in old database directory "${path}"`);
        }
      }
      break;
    default:
      throw notBuilt("redo of CREATE DATABASE with strategy file_copy");
  }
}
export const dbaseRmgr: RmgrImpl = { ...dbaseDesc, redo: dbaseRedo };
