/**
 * Text of an index entry's key for error details: `(a, b)=(1, two)`. What columns are called and how values print is
 * known above; that layer installs itself here. Follows BuildIndexValueDescription() in genam.c.
 */
import type { Relation } from "../../utils/cache/relation.ts";
import type { Datum } from "../../utils/fmgr/datum.ts";
import { indexGetAttr } from "../common/indextuple.ts";

/** Describes the key columns' values, or null where the user may not see them. */
export type IndexValueDescriber = (index: Relation, values: readonly Datum[]) => string | null;
let describer: IndexValueDescriber | null = null;
export function installIndexValueDescriber(d: IndexValueDescriber): void {
  describer = d;
}

/** Description of the key in the index tuple at u8[off]; null if nothing can or may be told. */
export function buildIndexValueDescription(index: Relation, u8: Uint8Array, off: number): string | null {
  if (describer === null) return null;
  const n = index.rd_index?.indnkeyatts ?? index.rd_att.natts;
  const values: Datum[] = [];
  for (let i = 1; i <= n; i++) values.push(indexGetAttr(u8, off, i, index.rd_att));
  return describer(index, values);
}
