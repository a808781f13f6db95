/**
 * Instrumentation: what EXPLAIN ANALYZE counts for each plan node.
 *
 * Pipelines run pieces of several nodes in turn, so time is kept as each node's own: the clock always belongs to one node,
 * and generated code hands it over at every boundary. A node's time as PostgreSQL reports it is its own plus its
 * children's (total()). Follows src/backend/executor/instrument.c.
 */
import type { Plan } from "../nodes/nodes.ts";
import { planChildren } from "./exec_walk.ts";

/** Options of createQueryDesc(). */
export const INSTRUMENT_TIMER = 1;
export const INSTRUMENT_BUFFERS = 2;
export const INSTRUMENT_ROWS = 4;
export const INSTRUMENT_WAL = 8;
export const INSTRUMENT_ALL = 0x7fffffff;

export interface BufferUsage {
  sharedHit: number;
  sharedRead: number;
  sharedDirtied: number;
  sharedWritten: number;
}

/** Counters of one plan node. */
export class NodeInstrumentation {
  /** Own time in ms, children's not included. */
  self = 0;
  /** Time until the first row of all passes, children included; -1 before. */
  firstTuple = -1;
  tuples = 0;
  loops = 0;
  /** Removed by the node's own filter or join condition, and by a join's other conditions. */
  nfiltered1 = 0;
  nfiltered2 = 0;
  /** ModifyTable, index-only scans, conflicts: as the node says. */
  ntuples2 = 0;
  /** Library objects that hold details: a Tuplesort, a JoinTable, a GroupTable, a Memoize cache. */
  sort: unknown = null;
  hash: unknown = null;
  hashAgg: unknown = null;
  memoize: unknown = null;
  /** Descents of the index, by an index scan or a bitmap index scan. */
  indexScan: { nsearches: number } | null = null;
  /** Pages that a bitmap heap scan visited: known row by row, and whole. */
  bitmapHeap: { exactPages: number; lossyPages: number } | null = null;
  buffers: BufferUsage | null = null;
  constructor(readonly plan: Plan) {}
}

/** Instrumentation of a query, keyed by plan_node_id. */
export class QueryInstrumentation {
  readonly nodes = new Map<number, NodeInstrumentation>();
  private current: NodeInstrumentation | null = null;
  private since = 0;

  constructor(plans: readonly (Plan | null)[]) {
    const visit = (p: Plan): void => {
      this.nodes.set(p.plan_node_id, new NodeInstrumentation(p));
      for (const c of planChildren(p)) visit(c);
    };
    for (const p of plans) if (p !== null) visit(p);
  }
  /** Hands the clock to `node`. */
  enter(node: NodeInstrumentation | null): void {
    const now = performance.now();
    if (this.current !== null) this.current.self += now - this.since;
    this.current = node;
    this.since = now;
  }
  /** The first row of a node is at hand. */
  first(node: NodeInstrumentation): void {
    if (node.firstTuple < 0) {
      if (this.current !== null) this.enter(this.current);
      node.firstTuple = this.total(node.plan);
    }
  }
  stop(): void {
    this.enter(null);
  }
  /** Time of a node and everything below it, in ms. */
  total(plan: Plan): number {
    let t = this.nodes.get(plan.plan_node_id)?.self ?? 0;
    for (const c of planChildren(plan)) t += this.total(c);
    return t;
  }
}
