/**
 * What the relation cache knows of an index: operator class and comparison function of each key column.
 *
 * Comparisons of the common types are written out (relcache_compare.ts), so that descending a btree calls no SQL-level
 * function; the others are bound to the operator class's support function 1.
 * Follows RelationInitIndexAccessInfo() and LookupOpclassInfo() in src/backend/utils/cache/relcache.c.
 */
import { assert } from "../../../base/assert.ts";
import { notBuilt } from "../../../base/error.ts";
import type { Oid } from "../../../base/types.ts";
import type { TupleDesc } from "../../access/common/tupdesc.ts";
import type { PgIndex } from "../../catalog/catalog_rows.ts";
import { localeOf } from "../adt/pg_locale.ts";
import { fmgrInfo } from "../fmgr/fmgr_info.ts";
import { compareBytesDatum, type CompareFunction, WRITTEN_OUT } from "./relcache_compare.ts";
import type { IndexColumn } from "./relation.ts";
import { searchSysCache } from "./syscache.ts";

const BTREE_AM_OID = 403;
const BTORDER_PROC = 1;

const BTTEXTCMP = 360;

/** True if strings under this collation compare as their bytes do. */
export function collationIsByteOrder(collation: Oid): boolean {
  return localeOf(collation).collateIsC;
}

/** The three-way comparison that btree support function `proc` makes of two values that are not null. */
export function compareFunction(proc: Oid, collation: Oid, argType: Oid): CompareFunction {
  const written = proc === BTTEXTCMP && collationIsByteOrder(collation) ? compareBytesDatum : WRITTEN_OUT.get(proc);
  if (written !== undefined) return written;
  return fmgrInfo(proc, { collation, argTypes: [argType, argType], resultType: 23 }).fn as CompareFunction;
}

// ---- Columns

function unusable(what: string): CompareFunction {
  return () => {
    throw notBuilt(what);
  };
}

/** Polymorphic operator classes see the column's own type. */
const ANY_TYPES: ReadonlySet<Oid> = new Set([2277, 2283, 3500, 3831, 4537, 2249]);

/** Key columns of an index from its pg_index row; INCLUDE columns have none. */
export function buildIndexColumns(index: Readonly<PgIndex>, desc: TupleDesc, relam: Oid): IndexColumn[] {
  const out: IndexColumn[] = [];
  for (let i = 0; i < index.indnkeyatts; i++) {
    const opclass = searchSysCache("CLAOID", index.indclass[i]);
    assert(opclass !== null, "cache lookup failed for opclass", index.indclass[i]);
    const collation = index.indcollation[i];
    let cmp: CompareFunction;
    if (relam === BTREE_AM_OID) {
      const support = searchSysCache(
        "AMPROCNUM",
        opclass.opcfamily,
        opclass.opcintype,
        opclass.opcintype,
        BTORDER_PROC,
      );
      assert(support !== null, "operator class has no comparison function", opclass.oid);
      const type = ANY_TYPES.has(opclass.opcintype) ? desc.attrs[i].atttypid : opclass.opcintype;
      cmp = compareFunction(support.amproc, collation, type);
    } else {
      cmp = unusable("comparison by an index that is not a btree");
    }
    out.push({
      opfamily: opclass.opcfamily,
      opcintype: opclass.opcintype,
      opclass: opclass.oid,
      collation,
      option: index.indoption[i],
      cmp,
    });
  }
  return out;
}
