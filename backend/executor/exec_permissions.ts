/** Permission checks before a statement runs. Follows ExecCheckPermissions() in src/backend/executor/execMain.c. */
import { preventCommandIfReadOnly } from "../access/transam/xact.ts";
import { aclcheckError, anyColumnAclcheck, columnAclmask, objectAclmask, relkindNoun } from "../catalog/aclchk.ts";
import type { Bitmapset, PlannedStmt, RangeTblEntry, RTEPermissionInfo } from "../nodes/nodes.ts";
import { ACL_INSERT, ACL_SELECT, ACL_UPDATE } from "../utils/adt/acl.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getUserId } from "../utils/init/globals.ts";

/** Column bitmaps count from the lowest system attribute. */
const FirstLowInvalidHeapAttributeNumber = -7;

/** Extensions may veto access after the standard checks. */
export type CheckPermissionsHook = (
  rtable: readonly RangeTblEntry[],
  infos: readonly RTEPermissionInfo[],
  ereportOnViolation: boolean,
) => boolean;
let hook: CheckPermissionsHook | null = null;
export function installCheckPermissionsHook(h: CheckPermissionsHook): void {
  hook = h;
}

/** @throws 42501 `permission denied for table x`, or returns false instead if `ereportOnViolation` is not set. */
export function execCheckPermissions(
  rtable: readonly RangeTblEntry[],
  infos: readonly RTEPermissionInfo[],
  ereportOnViolation: boolean,
): boolean {
  for (const info of infos) {
    if (checkOneRelPerms(info)) continue;
    if (ereportOnViolation) {
      const rel = searchSysCache("RELOID", info.relid);
      throw aclcheckError(relkindNoun(rel?.relkind ?? "r"), rel?.relname ?? String(info.relid));
    }
    return false;
  }
  return hook === null || hook(rtable, infos, ereportOnViolation);
}

function checkOneRelPerms(info: RTEPermissionInfo): boolean {
  const required = info.requiredPerms;
  if (required === 0) return true;
  const role = info.checkAsUser !== 0 ? info.checkAsUser : getUserId();
  const remaining = required & ~objectAclmask("pg_class", info.relid, role, required);
  if (remaining === 0) return true;
  // Column privileges can stand in for SELECT, INSERT and UPDATE only.
  if ((remaining & ~(ACL_SELECT | ACL_INSERT | ACL_UPDATE)) !== 0) return false;
  if ((remaining & ACL_SELECT) !== 0) {
    // SELECT COUNT(*) and the like need some column.
    if (isEmpty(info.selectedCols)) {
      if (!anyColumnAclcheck(info.relid, role, ACL_SELECT)) return false;
    } else if (!checkColumns(info.relid, role, info.selectedCols, ACL_SELECT)) return false;
  }
  for (const [perm, cols] of [[ACL_INSERT, info.insertedCols], [ACL_UPDATE, info.updatedCols]] as const) {
    if ((remaining & perm) === 0) continue;
    if (isEmpty(cols)) {
      if (!anyColumnAclcheck(info.relid, role, perm)) return false;
    } else if (!checkColumns(info.relid, role, cols, perm)) return false;
  }
  return true;
}
function isEmpty(cols: Bitmapset): boolean {
  return cols === null || cols.length === 0;
}
function checkColumns(relid: number, role: number, cols: Bitmapset, perm: number): boolean {
  for (const member of cols ?? []) {
    const attno = member + FirstLowInvalidHeapAttributeNumber;
    if (attno === 0) {
      // The whole row: every column.
      const n = searchSysCache("RELOID", relid)!.relnatts;
      for (let a = 1; a <= n; a++) {
        if (searchSysCache("ATTNUM", relid, a)?.attisdropped) continue;
        if (columnAclmask(relid, a, role, perm) !== perm) return false;
      }
    } else if (columnAclmask(relid, attno, role, perm) !== perm) return false;
  }
  return true;
}

/** ExecCheckXactReadOnly(): a read-only transaction may write temporary tables only. @throws 25006 */
export function execCheckXactReadOnly(stmt: PlannedStmt): void {
  for (const info of stmt.permInfos) {
    if ((info.requiredPerms & ~ACL_SELECT) === 0) continue;
    if (searchSysCache("RELOID", info.relid)?.relpersistence === "t") continue;
    preventCommandIfReadOnly(commandName(stmt));
  }
}
function commandName(stmt: PlannedStmt): string {
  if (stmt.commandType !== "CMD_SELECT") return stmt.commandType.slice("CMD_".length);
  const mark = stmt.rowMarks[0];
  switch (mark?.type === "PlanRowMark" ? mark.strength : undefined) {
    case "LCS_FORKEYSHARE":
      return "SELECT FOR KEY SHARE";
    case "LCS_FORSHARE":
      return "SELECT FOR SHARE";
    case "LCS_FORNOKEYUPDATE":
      return "SELECT FOR NO KEY UPDATE";
    case "LCS_FORUPDATE":
      return "SELECT FOR UPDATE";
    default:
      return "SELECT";
  }
}
