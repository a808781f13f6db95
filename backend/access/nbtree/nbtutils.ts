/** Facts about btree indexes that do not fit elsewhere. Follows _bt_allequalimage() in nbtutils.c. */
import type { Oid } from "../../../base/types.ts";
import type { Relation } from "../../utils/cache/relation.ts";

/**
 * Built-in operator families whose operator classes have support function 4 saying that equal keys are equal images.
 * (text and bpchar: under deterministic collations.)
 */
const EQUALIMAGE_FAMILIES: ReadonlySet<Oid> = new Set([
  423, // bit_ops
  424, // bool_ops
  426, // bpchar_ops
  428, // bytea_ops
  429, // char_ops
  434, // datetime_ops
  1974, // network_ops
  1976, // integer_ops
  1984, // macaddr_ops
  1989, // oid_ops
  1991, // oidvector_ops
  1994, // text_ops
  1996, // time_ops
  2000, // timetz_ops
  2002, // varbit_ops
  2095, // text_pattern_ops
  2097, // bpchar_pattern_ops
  2099, // money_ops
  2789, // tid_ops
  2968, // uuid_ops
  3253, // pg_lsn_ops
  3371, // macaddr8_ops
  3522, // enum_ops
  5067, // xid8_ops
]);

let isDeterministic: (collation: Oid) => boolean = () => true;
/** The collation cache tells of nondeterministic collations. */
export function installDeterministicCollationTest(f: (collation: Oid) => boolean): void {
  isDeterministic = f;
}

/** May equal keys of this index be merged into posting lists? Recorded in the metapage when the index is made. */
export function btAllequalimage(rel: Relation): boolean {
  // INCLUDE columns are not part of the key.
  if (rel.rd_index !== null && rel.rd_index.indnatts !== rel.rd_index.indnkeyatts) return false;
  return rel.rd_indexcols.every((c) =>
    EQUALIMAGE_FAMILIES.has(c.opfamily) && (c.collation === 0 || isDeterministic(c.collation))
  );
}
