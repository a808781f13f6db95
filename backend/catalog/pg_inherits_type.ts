/** Inheritance between row types. Follows typeInheritsFrom() in src/backend/catalog/pg_inherits.c. */
import type { Oid } from "../../base/types.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getBaseType } from "../utils/cache/lsyscache.ts";

/** Direct parents of a relation; installed by the owner of pg_inherits. */
export const inheritanceHooks: { parentsOf: (relid: Oid) => readonly Oid[] } = { parentsOf: () => [] };

function typrelid(t: Oid): Oid {
  return searchSysCache("TYPEOID", getBaseType(t))?.typrelid ?? 0;
}
/** Is the first row type a child table's of the second, or made by CREATE TABLE OF it? */
export function typeIsSubclassOf(subclassTypeId: Oid, superclassTypeId: Oid): boolean {
  const sub = typrelid(subclassTypeId);
  if (sub === 0) return false;
  const subRow = searchSysCache("RELOID", sub);
  if (subRow !== null && subRow.reloftype === superclassTypeId && superclassTypeId !== 0) return true;
  const sup = typrelid(superclassTypeId);
  if (sup === 0) return false;
  if (searchSysCache("RELOID", sup)?.relhassubclass !== true) return false;
  const queue = [sub];
  const seen = new Set<Oid>();
  for (let r = queue.shift(); r !== undefined; r = queue.shift()) {
    for (const p of inheritanceHooks.parentsOf(r)) {
      if (p === sup) return true;
      if (!seen.has(p)) {
        seen.add(p);
        queue.push(p);
      }
    }
  }
  return false;
}
