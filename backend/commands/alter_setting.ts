/** The SET clause of ALTER DATABASE and ALTER ROLE, kept in pg_db_role_setting. Follows AlterSetting() in pg_db_role_setting.c. */
import type * as Raw from "libpg-query";
import type { Oid } from "../../base/types.ts";
import { getConfigOptionByName, setConfigOption } from "../../conf/guc.ts";
import { superuserArg } from "../utils/adt/acl.ts";
import { getUserId } from "../utils/init/globals.ts";
import { alterSetting } from "./role_setting.ts";
import { flattenSetVariableArgs } from "./variable.ts";

export function executeAlterSetting(databaseId: Oid, roleId: Oid, set: Raw.VariableSetStmt): void {
  switch (set.kind) {
    case "VAR_RESET_ALL":
      alterSetting(databaseId, roleId, null, null);
      return;
    case "VAR_RESET":
    case "VAR_SET_DEFAULT":
      alterSetting(databaseId, roleId, set.name!, null);
      return;
    default: {
      const value = set.kind === "VAR_SET_CURRENT"
        ? getConfigOptionByName(set.name!)!.value
        : flattenSetVariableArgs(set.name!, set.args ?? []);
      // Checked as the role that gives the order would be allowed to set it.
      setConfigOption(set.name!, value, {
        context: superuserArg(getUserId()) ? "superuser" : "user",
        source: "database user",
        change: false,
      });
      alterSetting(databaseId, roleId, set.name!, value);
    }
  }
}
