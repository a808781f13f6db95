/** Rows of pg_db_role_setting: settings of a database, of a role, of a role in a database. Follows pg_db_role_setting.c. */
import type { Oid } from "../../base/types.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import { catalogDelete, catalogInsert, catalogUpdate } from "../catalog/indexing.ts";

/** Sets one setting in pg_db_role_setting; `value` null removes it, `name` null removes all. */
export function alterSetting(databaseId: Oid, roleId: Oid, name: string | null, value: string | null): void {
  const row = catalogScan("pg_db_role_setting", { setdatabase: databaseId, setrole: roleId })[0];
  const old = row?.setconfig ?? [];
  const kept = name === null ? [] : old.filter((s) => s.slice(0, s.indexOf("=")).toLowerCase() !== name.toLowerCase());
  if (name !== null && value !== null) kept.push(`${name}=${value}`);
  if (row === undefined) {
    if (kept.length > 0) {
      catalogInsert("pg_db_role_setting", { setdatabase: databaseId, setrole: roleId, setconfig: kept });
    }
  } else if (kept.length === 0) catalogDelete("pg_db_role_setting", row.ctid);
  else catalogUpdate("pg_db_role_setting", row.ctid, { ...row, setconfig: kept });
}
