/** LOCK TABLE. Follows src/backend/commands/lockcmds.c. */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { pgError } from "../../base/error.ts";
import { requireTransactionBlock } from "../access/transam/xact.ts";
import { aclcheckError, objectAclmask, relkindNoun } from "../catalog/aclchk.ts";
import { rangeVarGetRelid } from "../catalog/namespace.ts";
import { AccessShareLock, RowExclusiveLock, RowShareLock } from "../storage/lmgr/locktypes.ts";
import type { UtilityCall } from "../tcop/utility.ts";
import { ACL_DELETE, ACL_INSERT, ACL_MAINTAIN, ACL_SELECT, ACL_TRUNCATE, ACL_UPDATE } from "../utils/adt/acl.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { errdetailRelkindNotSupported } from "../catalog/pg_class.ts";
import { getUserId } from "../utils/init/globals.ts";

export function lockTableCommand(stmt: Raw.LockStmt, call: UtilityCall): void {
  requireTransactionBlock(call.isTopLevel, "LOCK TABLE");
  const mode = stmt.mode ?? 8;
  for (const r of stmt.relations ?? []) {
    rangeVarGetRelid((r as { RangeVar: Raw.RangeVar }).RangeVar, mode as never, {
      nowait: stmt.nowait ?? false,
      callback: (_rv, relid) => {
        const row = relid === 0 ? null : searchSysCache("RELOID", relid);
        if (row === null) return;
        if (!"rpv".includes(row.relkind)) {
          throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `cannot lock relation "${row.relname}"`, {
            detail: errdetailRelkindNotSupported(row.relkind),
          });
        }
        let mask = ACL_MAINTAIN | ACL_UPDATE | ACL_DELETE | ACL_TRUNCATE;
        if (mode === AccessShareLock) mask |= ACL_SELECT;
        if (mode === AccessShareLock || mode === RowShareLock || mode === RowExclusiveLock) mask |= ACL_INSERT;
        if (objectAclmask("pg_class", relid, getUserId(), mask) === 0) {
          throw aclcheckError(relkindNoun(row.relkind), row.relname);
        }
      },
    });
  }
}
