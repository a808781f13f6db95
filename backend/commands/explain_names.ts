/** Names of relations and functions in EXPLAIN. */
import { searchSysCache } from "../utils/cache/syscache.ts";

export function getRelationName(oid: number): string {
  return searchSysCache("RELOID", oid)?.relname ?? String(oid);
}
export function getSchemaName(relid: number): string | null {
  const nsp = searchSysCache("RELOID", relid)?.relnamespace ?? 0;
  return searchSysCache("NAMESPACEOID", nsp)?.nspname ?? null;
}
export function functionDisplayName(funcid: number): { name: string; schema: string | null } {
  const p = searchSysCache("PROCOID", funcid);
  return {
    name: p?.proname ?? String(funcid),
    schema: p === null ? null : searchSysCache("NAMESPACEOID", p.pronamespace)?.nspname ?? null,
  };
}
