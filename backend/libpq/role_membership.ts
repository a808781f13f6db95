/** Group rules of pg_hba.conf: is a role, given by name, a member of another? Read within a transaction. */
import { catalogScan } from "../catalog/catalog_scan.ts";

/** True if `user` is `group` or a member of it by any path. Superusers get no special treatment here. */
export function getrolnameMembership(user: string, group: string): boolean {
  if (user === group) return true;
  const target = catalogScan("pg_authid", { rolname: group })[0]?.oid;
  const start = catalogScan("pg_authid", { rolname: user })[0]?.oid;
  if (target === undefined || start === undefined) return false;
  const seen = new Set([start]);
  const todo = [start];
  while (todo.length > 0) {
    const member = todo.pop()!;
    for (const m of catalogScan("pg_auth_members", { member })) {
      if (m.roleid === target) return true;
      if (!seen.has(m.roleid)) {
        seen.add(m.roleid);
        todo.push(m.roleid);
      }
    }
  }
  return false;
}
