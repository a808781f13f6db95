/**
 * Run time of WindowAgg: the rows of one partition, its peer groups, frames, and the window functions over them.
 *
 * Rows are arrays in a Tuplestore; arguments, peers and aggregate steps are functions that the plan's code supplies (see
 * WindowSpec). Frames are half-open row ranges [start, end). An aggregate goes on from the previous row's frame while its
 * start stays; otherwise it starts over. Follows src/backend/executor/nodeWindowAgg.c and utils/adt/windowfuncs.c.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { PgError } from "../../base/error.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { Tuplestore } from "../utils/sort/tuplestore.ts";

type Row = Datum[];

/** WindowClause.frameOptions. */
export const FRAMEOPTION_RANGE = 0x00002;
export const FRAMEOPTION_ROWS = 0x00004;
export const FRAMEOPTION_GROUPS = 0x00008;
export const FRAMEOPTION_START_UNBOUNDED_PRECEDING = 0x00020;
export const FRAMEOPTION_END_UNBOUNDED_FOLLOWING = 0x00100;
export const FRAMEOPTION_START_CURRENT_ROW = 0x00200;
export const FRAMEOPTION_END_CURRENT_ROW = 0x00400;
export const FRAMEOPTION_START_OFFSET_PRECEDING = 0x00800;
export const FRAMEOPTION_END_OFFSET_PRECEDING = 0x01000;
export const FRAMEOPTION_START_OFFSET_FOLLOWING = 0x02000;
export const FRAMEOPTION_END_OFFSET_FOLLOWING = 0x04000;
export const FRAMEOPTION_EXCLUDE_CURRENT_ROW = 0x08000;
export const FRAMEOPTION_EXCLUDE_GROUP = 0x10000;
export const FRAMEOPTION_EXCLUDE_TIES = 0x20000;
const EXCLUSION = FRAMEOPTION_EXCLUDE_CURRENT_ROW | FRAMEOPTION_EXCLUDE_GROUP | FRAMEOPTION_EXCLUDE_TIES;

/** A window function or aggregate of the node. */
export interface WindowFunctionSpec {
  /** prosrc of a window function, or "aggregate". */
  readonly kind: string;
}
/** The generated parts of a function. */
export interface WindowFunctionCode {
  readonly args: readonly ((row: Row) => Datum)[];
  /** Aggregates: a fresh state, one step, the result. */
  readonly init?: () => object;
  readonly step?: (state: object, row: Row) => void;
  readonly final?: (state: object) => Datum;
}
export interface WindowSpec {
  readonly frameOptions: number;
  readonly functions: readonly WindowFunctionSpec[];
  readonly hasOrder: boolean;
  readonly inRangeStart: ((...a: Datum[]) => Datum) | null;
  readonly inRangeEnd: ((...a: Datum[]) => Datum) | null;
  readonly inRangeAsc: boolean;
  readonly inRangeNullsFirst: boolean;
}

interface AggRun {
  state: object;
  start: number;
  upTo: number;
}

export class WindowState {
  private readonly store = new Tuplestore();
  private n = 0;
  /** First row of each peer group; groupOf[i] is the ordinal of row i's group. */
  private groupStarts: number[] = [];
  private groupOf = new Int32Array(0);
  private start = 0;
  private end = 0;
  private startOffset: Datum = null;
  private endOffset: Datum = null;
  private readonly runs: (AggRun | null)[];

  constructor(
    private readonly spec: WindowSpec,
    private readonly code: readonly WindowFunctionCode[],
    /** True if two rows are peers. */
    private readonly peers: (a: Row, b: Row) => boolean,
    /** Value of the ordering column, for RANGE with an offset. */
    private readonly orderValue: (row: Row) => Datum,
  ) {
    this.runs = spec.functions.map(() => null);
  }

  setOffsets(start: Datum, end: Datum): void {
    const o = this.spec.frameOptions;
    if (o & (FRAMEOPTION_START_OFFSET_PRECEDING | FRAMEOPTION_START_OFFSET_FOLLOWING)) {
      this.startOffset = checkOffset(start, "starting", o);
    }
    if (o & (FRAMEOPTION_END_OFFSET_PRECEDING | FRAMEOPTION_END_OFFSET_FOLLOWING)) {
      this.endOffset = checkOffset(end, "ending", o);
    }
  }

  begin(): void {
    this.store.clear();
    this.n = 0;
    this.start = 0;
    this.end = 0;
    this.runs.fill(null);
  }
  put(row: Row): void {
    this.store.put(row);
    this.n++;
  }
  /** All rows of the partition are in. */
  finish(): void {
    const { n } = this;
    if (this.groupOf.length < n) this.groupOf = new Int32Array(Math.max(n, this.groupOf.length * 2));
    this.groupStarts = [];
    let prev: Row | null = null;
    for (let i = 0; i < n; i++) {
      if (this.spec.hasOrder || i === 0) {
        const row = this.store.get(i);
        if (prev === null || !this.peers(prev, row)) this.groupStarts.push(i);
        prev = row;
      }
      this.groupOf[i] = this.groupStarts.length - 1;
    }
  }
  get length(): number {
    return this.n;
  }
  get(i: number): Row {
    return this.store.get(i);
  }

  private groupStart(i: number): number {
    return this.groupStarts[this.groupOf[i]];
  }
  private groupEnd(i: number): number {
    const g = this.groupOf[i] + 1;
    return g < this.groupStarts.length ? this.groupStarts[g] : this.n;
  }

  /** Computes the frame of row i; rows come in ascending order. */
  frame(i: number): void {
    const o = this.spec.frameOptions;
    const n = this.n;
    const clamp = (x: number): number => x < 0 ? 0 : x > n ? n : x;
    if (o & FRAMEOPTION_START_UNBOUNDED_PRECEDING) this.start = 0;
    else if (o & FRAMEOPTION_START_CURRENT_ROW) this.start = o & FRAMEOPTION_ROWS ? i : this.groupStart(i);
    else {
      const preceding = (o & FRAMEOPTION_START_OFFSET_PRECEDING) !== 0;
      if (o & FRAMEOPTION_ROWS) {
        const off = Number(this.startOffset);
        this.start = clamp(preceding ? i - off : i + off);
      } else if (o & FRAMEOPTION_GROUPS) {
        const g = this.groupOf[i] + (preceding ? -1 : 1) * Number(this.startOffset);
        this.start = g <= 0 ? 0 : g >= this.groupStarts.length ? n : this.groupStarts[g];
      } else this.start = this.rangeStart(i, preceding);
    }
    if (o & FRAMEOPTION_END_UNBOUNDED_FOLLOWING) this.end = n;
    else if (o & FRAMEOPTION_END_CURRENT_ROW) this.end = o & FRAMEOPTION_ROWS ? i + 1 : this.groupEnd(i);
    else {
      const preceding = (o & FRAMEOPTION_END_OFFSET_PRECEDING) !== 0;
      if (o & FRAMEOPTION_ROWS) {
        const off = Number(this.endOffset);
        this.end = clamp(preceding ? i - off + 1 : i + off + 1);
      } else if (o & FRAMEOPTION_GROUPS) {
        const g = this.groupOf[i] + (preceding ? -1 : 1) * Number(this.endOffset) + 1;
        this.end = g <= 0 ? 0 : g >= this.groupStarts.length ? n : this.groupStarts[g];
      } else this.end = this.rangeEnd(i, preceding);
    }
    if (this.end < this.start) this.end = this.start;
  }
  private rangeStart(i: number, preceding: boolean): number {
    const { spec } = this;
    const cur = this.orderValue(this.store.get(i));
    const sub = spec.inRangeAsc ? preceding : !preceding;
    const less = !spec.inRangeAsc;
    let pos = Math.min(this.start, this.n);
    for (; pos < this.n; pos++) {
      const head = this.orderValue(this.store.get(pos));
      if (head === null || cur === null) {
        if (spec.inRangeNullsFirst ? head !== null || cur === null : head === null || cur !== null) break;
      } else if (spec.inRangeStart!(head, cur, this.startOffset, sub, less) === true) break;
    }
    return pos;
  }
  private rangeEnd(i: number, preceding: boolean): number {
    const { spec } = this;
    const cur = this.orderValue(this.store.get(i));
    const sub = spec.inRangeAsc ? preceding : !preceding;
    const less = spec.inRangeAsc;
    let pos = Math.min(this.end, this.n);
    for (; pos < this.n; pos++) {
      const tail = this.orderValue(this.store.get(pos));
      if (tail === null || cur === null) {
        if (spec.inRangeNullsFirst ? tail !== null && cur === null : tail === null && cur !== null) break;
      } else if (spec.inRangeEnd!(tail, cur, this.endOffset, sub, less) !== true) break;
    }
    return pos;
  }
  /** Is row r of row i's frame excluded? */
  private excluded(i: number, r: number): boolean {
    const o = this.spec.frameOptions;
    if (o & FRAMEOPTION_EXCLUDE_CURRENT_ROW) return r === i;
    const peer = this.groupOf[r] === this.groupOf[i];
    return o & FRAMEOPTION_EXCLUDE_GROUP ? peer : peer && r !== i;
  }

  /** Value of function f at row i, whose frame has been computed. */
  value(f: number, i: number): Datum {
    const { kind } = this.spec.functions[f];
    const code = this.code[f];
    const n = this.n;
    switch (kind) {
      case "aggregate":
        return this.aggregate(f, i);
      case "window_row_number":
        return i + 1;
      case "window_rank":
        return this.groupStart(i) + 1;
      case "window_dense_rank":
        return this.groupOf[i] + 1;
      case "window_percent_rank":
        return n <= 1 ? 0 : this.groupStart(i) / (n - 1);
      case "window_cume_dist":
        return this.groupEnd(i) / n;
      case "window_ntile":
        return this.ntile(code, i);
      case "window_lag":
      case "window_lag_with_offset":
      case "window_lag_with_offset_and_default":
        return this.leadLag(code, i, -1);
      case "window_lead":
      case "window_lead_with_offset":
      case "window_lead_with_offset_and_default":
        return this.leadLag(code, i, 1);
      case "window_first_value":
        return this.nth(code, i, 1);
      case "window_last_value":
        return this.last(code, i);
      case "window_nth_value": {
        const k = code.args[1](this.store.get(i));
        if (k === null) return null;
        if ((k as number) <= 0) {
          throw new PgError({
            code: ERRCODE.INVALID_ARGUMENT_FOR_NTH_VALUE,
            message: "argument of nth_value must be greater than zero",
            routine: "window_nth_value",
          });
        }
        return this.nth(code, i, k as number);
      }
      default:
        throw new PgError({
          code: ERRCODE.FEATURE_NOT_SUPPORTED,
          message: `window function ${kind} is not implemented yet in pgts`,
        });
    }
  }
  private ntile(code: WindowFunctionCode, i: number): Datum {
    // The number of buckets is that of the partition's first row.
    const k = code.args[0](this.store.get(0));
    if (k === null) return null;
    const buckets = k as number;
    if (buckets <= 0) {
      throw new PgError({
        code: ERRCODE.INVALID_ARGUMENT_FOR_NTILE,
        message: "argument of ntile must be greater than zero",
        routine: "window_ntile",
      });
    }
    const size = Math.floor(this.n / buckets);
    const larger = this.n % buckets;
    if (size === 0) return i + 1;
    const inLarger = larger * (size + 1);
    return i < inLarger ? Math.floor(i / (size + 1)) + 1 : larger + Math.floor((i - inLarger) / size) + 1;
  }
  private leadLag(code: WindowFunctionCode, i: number, sign: number): Datum {
    const row = this.store.get(i);
    let offset = 1;
    if (code.args.length > 1) {
      const d = code.args[1](row);
      if (d === null) return null;
      offset = Number(d);
    }
    const at = i + sign * offset;
    if (at >= 0 && at < this.n) return code.args[0](this.store.get(at));
    return code.args.length > 2 ? code.args[2](row) : null;
  }
  private nth(code: WindowFunctionCode, i: number, k: number): Datum {
    if ((this.spec.frameOptions & EXCLUSION) === 0) {
      const at = this.start + k - 1;
      return at < this.end ? code.args[0](this.store.get(at)) : null;
    }
    for (let r = this.start; r < this.end; r++) {
      if (!this.excluded(i, r) && --k === 0) return code.args[0](this.store.get(r));
    }
    return null;
  }
  private last(code: WindowFunctionCode, i: number): Datum {
    for (let r = this.end - 1; r >= this.start; r--) {
      if ((this.spec.frameOptions & EXCLUSION) === 0 || !this.excluded(i, r)) return code.args[0](this.store.get(r));
    }
    return null;
  }
  private aggregate(f: number, i: number): Datum {
    const code = this.code[f];
    const exclusion = (this.spec.frameOptions & EXCLUSION) !== 0;
    let run = this.runs[f];
    if (run === null || exclusion || run.start !== this.start || run.upTo > this.end) {
      this.runs[f] = run = { state: code.init!(), start: this.start, upTo: this.start };
    }
    for (; run.upTo < this.end; run.upTo++) {
      if (exclusion && this.excluded(i, run.upTo)) continue;
      code.step!(run.state, this.store.get(run.upTo));
    }
    return code.final!(run.state);
  }
  close(): void {
    this.store.clear();
  }
}

function checkOffset(d: Datum, which: "starting" | "ending", options: number): Datum {
  if (d === null) {
    throw new PgError({
      code: ERRCODE.NULL_VALUE_NOT_ALLOWED,
      message: `frame ${which} offset must not be null`,
      routine: "calculate_frame_offsets",
    });
  }
  if ((options & FRAMEOPTION_RANGE) === 0 && Number(d) < 0) {
    throw new PgError({
      code: ERRCODE.INVALID_PRECEDING_OR_FOLLOWING_SIZE,
      message: `frame ${which} offset must not be negative`,
      routine: "calculate_frame_offsets",
    });
  }
  return d;
}
