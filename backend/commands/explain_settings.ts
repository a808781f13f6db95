/** Parameters that EXPLAIN (SETTINGS) shows when they differ from their boot values (GUC_EXPLAIN). */
import { guc } from "../../conf/guc_values.ts";

const NAMES = [
  "constraint_exclusion",
  "cpu_index_tuple_cost",
  "cpu_operator_cost",
  "cpu_tuple_cost",
  "cursor_tuple_fraction",
  "effective_cache_size",
  "effective_io_concurrency",
  "enable_async_append",
  "enable_bitmapscan",
  "enable_distinct_reordering",
  "enable_group_by_reordering",
  "enable_hashagg",
  "enable_hashjoin",
  "enable_incremental_sort",
  "enable_indexonlyscan",
  "enable_indexscan",
  "enable_material",
  "enable_memoize",
  "enable_mergejoin",
  "enable_nestloop",
  "enable_presorted_aggregate",
  "enable_seqscan",
  "enable_self_join_elimination",
  "enable_sort",
  "enable_tidscan",
  "from_collapse_limit",
  "geqo",
  "geqo_threshold",
  "hash_mem_multiplier",
  "join_collapse_limit",
  "jit",
  "plan_cache_mode",
  "random_page_cost",
  "search_path",
  "seq_page_cost",
  "temp_buffers",
  "work_mem",
] as const;
/** As they were when the program started: the boot values. */
const BOOT: Readonly<Record<string, unknown>> = Object.fromEntries(NAMES.map((n) => [n, guc[n as keyof typeof guc]]));

export function gucShownByExplain(): { name: string; value: string }[] {
  const out: { name: string; value: string }[] = [];
  for (const name of NAMES) {
    const v = guc[name as keyof typeof guc];
    if (v === BOOT[name]) continue;
    out.push({ name, value: show(name, v) });
  }
  return out;
}
function show(name: string, v: unknown): string {
  if (typeof v === "boolean") return v ? "on" : "off";
  if (typeof v === "number") {
    if (name === "work_mem") return memory(v, 1);
    if (name === "effective_cache_size" || name === "temp_buffers") return memory(v, 8);
    return String(v);
  }
  return String(v);
}
function memory(n: number, unitKb: number): string {
  const kb = n * unitKb;
  if (kb % 1048576 === 0) return `${kb / 1048576}GB`;
  if (kb % 1024 === 0) return `${kb / 1024}MB`;
  return `${kb}kB`;
}
