/** The hash equality operator of a type (lookup_type_cache TYPECACHE_HASH_PROC | TYPECACHE_EQ_OPR). */
import type { Oid } from "../../../base/types.ts";
import { searchSysCache, searchSysCacheList } from "../../utils/cache/syscache.ts";
import {
  BTREE_AM_OID,
  getBaseType,
  getOpfamilyMember,
  getOpfamilyProc,
  HASH_AM_OID,
  typeRow,
} from "./catalog_facts.ts";

/** The default operator class of a type: (opfamily, opcintype), or null. */
export function defaultOpclass(type: Oid, am: Oid): { opfamily: Oid; opcintype: Oid } | null {
  const base = getBaseType(type);
  const t = typeRow(base);
  const polymorphic = t.typtype === "e"
    ? 3500
    : t.typtype === "r"
    ? 3831
    : t.typtype === "m"
    ? 4537
    : t.typtype === "c"
    ? 2249
    : t.typsubscript === 6179 && t.typlen === -1
    ? 2277
    : 0;
  let fallback: { opfamily: Oid; opcintype: Oid } | null = null;
  for (const c of searchSysCacheList("CLAAMNAMENSP", am)) {
    if (!c.opcdefault) continue;
    if (c.opcintype === base) return { opfamily: c.opcfamily, opcintype: c.opcintype };
    if (c.opcintype === polymorphic || (base === 1043 && c.opcintype === 25)) {
      fallback = { opfamily: c.opcfamily, opcintype: c.opcintype };
    } else if (fallback === null && binaryCoercible(base, c.opcintype)) {
      fallback = { opfamily: c.opcfamily, opcintype: c.opcintype };
    }
  }
  return fallback;
}
function binaryCoercible(src: Oid, dst: Oid): boolean {
  const cast = searchSysCache("CASTSOURCETARGET", src, dst);
  return cast !== null && cast.castmethod === "b" && cast.castcontext === "i";
}
/** Equality operator that can be hashed; 0 if the type has none. */
export function getEqHashOperators(type: Oid): Oid {
  const c = defaultOpclass(type, HASH_AM_OID);
  if (c === null || getOpfamilyProc(c.opfamily, c.opcintype, c.opcintype, 1) === 0) return 0;
  return getOpfamilyMember(c.opfamily, c.opcintype, c.opcintype, 1);
}
/** "<" and "=" of the type's default btree class. */
export function getSortGroupOperators(type: Oid): { lt: Oid; eq: Oid; gt: Oid; hashable: boolean } {
  const c = defaultOpclass(type, BTREE_AM_OID);
  const h = getEqHashOperators(type);
  if (c === null) return { lt: 0, eq: h, gt: 0, hashable: h !== 0 };
  return {
    lt: getOpfamilyMember(c.opfamily, c.opcintype, c.opcintype, 1),
    eq: getOpfamilyMember(c.opfamily, c.opcintype, c.opcintype, 3),
    gt: getOpfamilyMember(c.opfamily, c.opcintype, c.opcintype, 5),
    hashable: h !== 0,
  };
}
