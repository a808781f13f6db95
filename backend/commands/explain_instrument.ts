/** What EXPLAIN ANALYZE measured. Follows the instrumentation parts of src/backend/commands/explain.c. */
import type { NodeInstrumentation } from "../executor/exec_instrument.ts";
import type { Plan } from "../nodes/nodes.ts";
import {
  explainIndentText,
  explainPropertyFloat,
  explainPropertyInteger,
  explainPropertyText,
  type ExplainState,
} from "./explain_format.ts";
import type { ExplainRun } from "./explain_node.ts";

function nodeOf(run: ExplainRun, plan: Plan): NodeInstrumentation | null {
  return run.instrument?.nodes.get(plan.plan_node_id) ?? null;
}

/** actual time, rows and loops. */
export function showNodeInstrumentation(run: ExplainRun, plan: Plan): void {
  const { es } = run;
  const i = nodeOf(run, plan);
  if (i !== null && i.loops > 0) {
    const total = run.instrument!.total(plan) / i.loops;
    const startup = Math.min(i.firstTuple < 0 ? total : i.firstTuple / i.loops, total);
    const rows = i.tuples / i.loops;
    if (es.format === "text") {
      es.out += " (actual ";
      if (es.timing) es.out += `time=${startup.toFixed(3)}..${total.toFixed(3)} `;
      es.out += `rows=${rows.toFixed(2)} loops=${i.loops})`;
    } else {
      if (es.timing) {
        explainPropertyFloat("Actual Startup Time", "ms", startup, 3, es);
        explainPropertyFloat("Actual Total Time", "ms", total, 3, es);
      }
      explainPropertyFloat("Actual Rows", null, rows, 2, es);
      explainPropertyFloat("Actual Loops", null, i.loops, 0, es);
    }
  } else if (es.format === "text") es.out += " (never executed)";
  else {
    if (es.timing) {
      explainPropertyFloat("Actual Startup Time", "ms", 0, 3, es);
      explainPropertyFloat("Actual Total Time", "ms", 0, 3, es);
    }
    explainPropertyFloat("Actual Rows", null, 0, 0, es);
    explainPropertyFloat("Actual Loops", null, 0, 0, es);
  }
}
export function showFiltered(run: ExplainRun, plan: Plan, label: string, which: 1 | 2): void {
  const { es } = run;
  if (!es.analyze) return;
  const i = nodeOf(run, plan);
  if (i === null) return;
  const n = which === 1 ? i.nfiltered1 : i.nfiltered2;
  if (n > 0 || es.format !== "text") {
    explainPropertyFloat(label, null, i.loops > 0 ? n / i.loops : 0, 0, es);
  }
}

/** How often an index was descended. */
export function showIndexSearches(run: ExplainRun, plan: Plan): void {
  if (!run.es.analyze) return;
  explainPropertyInteger("Index Searches", null, nodeOf(run, plan)?.indexScan?.nsearches ?? 0, run.es);
}
/** Pages that a bitmap heap scan visited. */
export function showHeapBlocks(run: ExplainRun, plan: Plan): void {
  const { es } = run;
  if (!es.analyze) return;
  const { exactPages, lossyPages } = nodeOf(run, plan)?.bitmapHeap ?? { exactPages: 0, lossyPages: 0 };
  if (es.format !== "text") {
    explainPropertyInteger("Exact Heap Blocks", null, exactPages, es);
    explainPropertyInteger("Lossy Heap Blocks", null, lossyPages, es);
  } else if (exactPages > 0 || lossyPages > 0) {
    const parts = [
      ...(exactPages > 0 ? [`exact=${exactPages}`] : []),
      ...(lossyPages > 0 ? [`lossy=${lossyPages}`] : []),
    ];
    explainIndentText(es);
    es.out += `Heap Blocks: ${parts.join(" ")}\n`;
  }
}

interface SortStats {
  method: string;
  peakBytes: number;
  spilledBytes: number;
}
interface TableStats {
  buckets?: unknown[];
  bytes?: number;
  peakBytes?: number;
  spilledBytes?: number;
  batches?: number;
}
interface MemoizeStats {
  hits?: number;
  misses?: number;
  evictions?: number;
  overflows?: number;
  bytes?: number;
  peakBytes?: number;
}
function kB(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / 1024));
}

export function showSpecialInstrumentation(
  run: ExplainRun,
  plan: Plan,
  what: "after" | "heapFetches" | "conflict" | "merge",
): void {
  const { es } = run;
  const i = nodeOf(run, plan);
  if (i === null) return;
  switch (what) {
    case "heapFetches":
      explainPropertyFloat("Heap Fetches", null, i.loops > 0 ? i.ntuples2 / i.loops : 0, 0, es);
      return;
    case "conflict": {
      explainPropertyFloat(
        "Tuples Inserted",
        null,
        i.tuples > 0 || plan.targetlist.length > 0 ? i.tuples : childRows(run, plan) - i.ntuples2,
        0,
        es,
      );
      explainPropertyFloat("Conflicting Tuples", null, i.ntuples2, 0, es);
      return;
    }
    case "merge":
      return;
  }
  if ((plan.type === "Sort" || plan.type === "IncrementalSort") && i.sort !== null) {
    const s = i.sort as SortStats;
    const disk = s.spilledBytes > 0;
    const space = kB(disk ? s.spilledBytes : s.peakBytes);
    if (es.format === "text") {
      explainIndentText(es);
      es.out += `Sort Method: ${s.method}  ${disk ? "Disk" : "Memory"}: ${space}kB\n`;
    } else {
      explainPropertyText("Sort Method", s.method, es);
      explainPropertyInteger("Sort Space Used", "kB", space, es);
      explainPropertyText("Sort Space Type", disk ? "Disk" : "Memory", es);
    }
  }
  if (plan.type === "Hash" && i.hash !== null) {
    const t = i.hash as TableStats;
    const buckets = t.buckets?.length ?? 0;
    const batches = t.batches ?? 1;
    const space = kB(t.peakBytes ?? t.bytes ?? 0);
    if (es.format === "text") {
      explainIndentText(es);
      es.out += `Buckets: ${buckets}  Batches: ${batches}  Memory Usage: ${space}kB\n`;
    } else {
      explainPropertyInteger("Hash Buckets", null, buckets, es);
      explainPropertyInteger("Original Hash Buckets", null, buckets, es);
      explainPropertyInteger("Hash Batches", null, batches, es);
      explainPropertyInteger("Original Hash Batches", null, batches, es);
      explainPropertyInteger("Peak Memory Usage", "kB", space, es);
    }
  }
  if (
    plan.type === "Agg" && plan.aggstrategy !== "AGG_PLAIN" && plan.aggstrategy !== "AGG_SORTED" && i.hashAgg !== null
  ) {
    const t = i.hashAgg as TableStats;
    const space = kB(t.peakBytes ?? 0);
    const disk = t.spilledBytes ?? 0;
    const batches = t.batches ?? (disk > 0 ? 2 : 1);
    if (es.format === "text") {
      explainIndentText(es);
      es.out += `Batches: ${batches}  Memory Usage: ${space}kB`;
      if (disk > 0) es.out += `  Disk Usage: ${kB(disk)}kB`;
      es.out += "\n";
    } else {
      explainPropertyInteger("HashAgg Batches", null, batches, es);
      explainPropertyInteger("Peak Memory Usage", "kB", space, es);
      explainPropertyInteger("Disk Usage", "kB", disk > 0 ? kB(disk) : 0, es);
    }
  }
  if (plan.type === "Memoize" && i.memoize !== null) {
    const m = i.memoize as MemoizeStats;
    const space = kB(m.peakBytes ?? m.bytes ?? 0);
    if (es.format === "text") {
      explainIndentText(es);
      es.out += `Hits: ${m.hits ?? 0}  Misses: ${m.misses ?? 0}  Evictions: ${m.evictions ?? 0}  Overflows: ${
        m.overflows ?? 0
      }  Memory Usage: ${space}kB\n`;
    } else {
      explainPropertyInteger("Cache Hits", null, m.hits ?? 0, es);
      explainPropertyInteger("Cache Misses", null, m.misses ?? 0, es);
      explainPropertyInteger("Cache Evictions", null, m.evictions ?? 0, es);
      explainPropertyInteger("Cache Overflows", null, m.overflows ?? 0, es);
      explainPropertyInteger("Peak Memory Usage", "kB", space, es);
    }
  }
  if (es.buffers && i.buffers !== null) showBufferUsage(es, i.buffers);
}
function childRows(run: ExplainRun, plan: Plan): number {
  return plan.lefttree === null ? 0 : nodeOf(run, plan.lefttree)?.tuples ?? 0;
}

export interface Blocks {
  sharedHit: number;
  sharedRead: number;
  sharedDirtied: number;
  sharedWritten: number;
}
/** Buffers: shared hit=… read=… dirtied=… written=… */
export function showBufferUsage(es: ExplainState, b: Blocks): boolean {
  const parts: string[] = [];
  if (b.sharedHit > 0) parts.push(`hit=${b.sharedHit}`);
  if (b.sharedRead > 0) parts.push(`read=${b.sharedRead}`);
  if (b.sharedDirtied > 0) parts.push(`dirtied=${b.sharedDirtied}`);
  if (b.sharedWritten > 0) parts.push(`written=${b.sharedWritten}`);
  if (es.format === "text") {
    if (parts.length === 0) return false;
    explainIndentText(es);
    es.out += `Buffers: shared ${parts.join(" ")}\n`;
    return true;
  }
  explainPropertyInteger("Shared Hit Blocks", null, b.sharedHit, es);
  explainPropertyInteger("Shared Read Blocks", null, b.sharedRead, es);
  explainPropertyInteger("Shared Dirtied Blocks", null, b.sharedDirtied, es);
  explainPropertyInteger("Shared Written Blocks", null, b.sharedWritten, es);
  for (const k of ["Local Hit", "Local Read", "Local Dirtied", "Local Written", "Temp Read", "Temp Written"]) {
    explainPropertyInteger(`${k} Blocks`, null, 0, es);
  }
  return true;
}
