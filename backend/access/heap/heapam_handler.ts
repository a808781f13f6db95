/**
 * Connects heap and indexes to what they need of other layers. Imported once, for its effect, by whoever starts a backend:
 * TOAST, multixacts, texts of index keys in error messages, schema names in error fields.
 */
import type { Relation } from "../../utils/cache/relation.ts";
import { getAttname, getCollationIsdeterministic, getNamespaceName } from "../../utils/cache/lsyscache.ts";
import { getTypeTextOutput } from "../../utils/cache/type_io.ts";
import { quoteIdentifier } from "../../utils/adt/ruleutils_names.ts";
import type { Datum } from "../../utils/fmgr/datum.ts";
import { installIndexValueDescriber } from "../index/index_description.ts";
import { installDeterministicCollationTest } from "../nbtree/nbtutils.ts";
import { multiXactManager } from "../transam/multixact.ts";
import "./heap_toast.ts";
import { installHeapHooks } from "./heapam_hooks.ts";
import { installMultiXactManager } from "./multixact_access.ts";

/** Operator classes of these input types see the column's own type. */
const POLYMORPHIC: ReadonlySet<number> = new Set([
  2276,
  2277,
  2283,
  2776,
  3500,
  3831,
  4537,
  5077,
  5078,
  5079,
  5080,
  2249,
]);

/** Names of an index's key columns, expressions spelled out; installed by whoever knows how to print expressions. */
let keyColumnNames: ((indexrelid: number) => string | null) | null = null;
export function installIndexKeyColumnNames(f: (indexrelid: number) => string | null): void {
  keyColumnNames = f;
}

/** `(a, b)=(1, two)`. Follows BuildIndexValueDescription(); column privileges are not looked at. */
function describeIndexValues(index: Relation, values: readonly Datum[]): string {
  const row = index.rd_index!;
  const names: string[] = [];
  const texts: string[] = [];
  for (let i = 0; i < row.indnkeyatts; i++) {
    const attnum = row.indkey[i];
    const name = attnum !== 0 ? getAttname(row.indrelid, attnum, true) : null;
    names.push(quoteIdentifier(name ?? index.rd_att.attrs[i].attname));
    const v = values[i];
    if (v === null) {
      texts.push("null");
      continue;
    }
    const opcintype = index.rd_indexcols[i].opcintype;
    texts.push(getTypeTextOutput(POLYMORPHIC.has(opcintype) ? index.rd_att.attrs[i].atttypid : opcintype)(v));
  }
  const key = row.indkey.includes(0) ? keyColumnNames?.(index.rd_id) ?? null : null;
  return `(${key ?? names.join(", ")})=(${texts.join(", ")})`;
}

installMultiXactManager(multiXactManager);
installHeapHooks({ schemaName: (rel) => getNamespaceName(rel.rd_rel.relnamespace) ?? undefined });
installIndexValueDescriber(describeIndexValues);
installDeterministicCollationTest(getCollationIsdeterministic);
