/**
 * Fixtures of executor tests: a catalog of a few functions, node builders, tables of synthetic pages, and a runner that
 * compiles a plan and collects its rows. No database, no shared memory.
 */
import { decodeText, encodeText } from "../../../base/text.ts";
import { mem, privateAlloc } from "../../../shmem/memory.ts";
import type { Attribute, TupleDesc } from "../../access/common/tupdesc.ts";
import { makeTupleDesc } from "../../access/common/tupdesc.ts";
import { heapFormTuple } from "../../access/common/heaptuple.ts";
import { makeNode } from "../../nodes/make_node.ts";
import type {
  Agg,
  Aggref,
  Const,
  Expr,
  FuncExpr,
  Node,
  OpExpr,
  Plan,
  PlannedStmt,
  Sort,
  TargetEntry,
  ValuesScan,
  Var,
} from "../../nodes/nodes.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import type { Datum } from "../../utils/fmgr/datum.ts";
import type { BoundFunction } from "../../utils/fmgr/fmgr.ts";
import { type ExecCatalog, installExecCatalog } from "../exec_catalog.ts";
import { compileSource, type PlanInstance } from "../exec_codegen.ts";
import { allColumns, PlanCompiler, type RelationSource } from "../exec_compile.ts";
import { QueryInstrumentation } from "../exec_instrument.ts";
import { LIBRARY } from "../exec_library.ts";
import { NODE_PRODUCERS } from "../exec_procnode.ts";

export const BOOL = 16;
export const INT8 = 20;
export const INT4 = 23;
export const TEXT = 25;
export const OUTER = -2;
export const INNER = -1;
/** Operators by name: int4 = < >, text = <. */
export const OP = { EQ: 96, LT: 97, GT: 521, TEXT_EQ: 98, TEXT_LT: 664 } as const;
export const AGG = { COUNT_STAR: 2803, COUNT: 2147, SUM: 2108, AVG: 2101, MAX: 2116, MAX_TEXT: 2129 } as const;
export const FN = { PLUS: 177, MOD: 156, DIV: 154, SERIES: 1067 } as const;

const missing: BoundFunction = () => {
  throw new Error("this function is done in line");
};
type Num = number;
const compareInts = (a: Datum, b: Datum): number => (a as Num) < (b as Num) ? -1 : (a as Num) > (b as Num) ? 1 : 0;
const compareTexts = (a: Datum, b: Datum): number => {
  const [x, y] = [decodeText(a as Uint8Array), decodeText(b as Uint8Array)];
  return x < y ? -1 : x > y ? 1 : 0;
};
function* series(a: Datum, b: Datum): Iterable<Datum> {
  for (let i = a as number; i <= (b as number); i++) yield i;
}
const PROCS: Record<number, [string, BoundFunction]> = {
  65: ["int4eq", (a, b) => a === b],
  66: ["int4lt", missing],
  147: ["int4gt", missing],
  177: ["int4pl", missing],
  156: ["int4mod", missing],
  154: ["int4div", missing],
  67: ["texteq", missing],
  740: ["text_lt", missing],
  1841: ["int4_sum", missing],
  1219: ["int8inc", missing],
  2804: ["int8inc_any", missing],
  768: ["int4larger", missing],
  1963: ["int4_avg_accum", missing],
  1964: ["int8_avg", missing],
  458: ["text_larger", (a, b) => compareTexts(a, b) >= 0 ? a : b],
  1067: ["generate_series_int4", series as unknown as BoundFunction],
  3100: ["window_row_number", missing],
  3101: ["window_rank", missing],
  3106: ["window_lag", missing],
};
const OPERATORS: Record<number, { fn: number; name: string; left: number; right: number; result: number }> = {
  96: { fn: 65, name: "=", left: INT4, right: INT4, result: BOOL },
  97: { fn: 66, name: "<", left: INT4, right: INT4, result: BOOL },
  521: { fn: 147, name: ">", left: INT4, right: INT4, result: BOOL },
  98: { fn: 67, name: "=", left: TEXT, right: TEXT, result: BOOL },
  664: { fn: 740, name: "<", left: TEXT, right: TEXT, result: BOOL },
};
const AGGREGATES: Record<number, { transfn: number; finalfn: number; transtype: number; initval: Datum }> = {
  2108: { transfn: 1841, finalfn: 0, transtype: INT8, initval: null },
  2803: { transfn: 1219, finalfn: 0, transtype: INT8, initval: 0 },
  2147: { transfn: 2804, finalfn: 0, transtype: INT8, initval: 0 },
  2116: { transfn: 768, finalfn: 0, transtype: INT4, initval: null },
  2101: { transfn: 1963, finalfn: 1964, transtype: 1016, initval: null },
  2129: { transfn: 458, finalfn: 0, transtype: TEXT, initval: null },
};
const STORAGE: Record<number, { typlen: number; typbyval: boolean; typalign: string }> = {
  [BOOL]: { typlen: 1, typbyval: true, typalign: "c" },
  [INT4]: { typlen: 4, typbyval: true, typalign: "i" },
  [INT8]: { typlen: 8, typbyval: true, typalign: "d" },
};
const intOrder = { cmp: compareInts, prosrc: "btint4cmp" };
const textOrder = { cmp: compareTexts, prosrc: "bttextcmp" };
const testCatalog: ExecCatalog = {
  proc(call) {
    const p = PROCS[call.fnOid];
    if (p === undefined) throw new Error(`no function ${call.fnOid} in the test catalog`);
    return { prosrc: p[0], strict: true, retset: false, volatile: false, fn: p[1] };
  },
  operator: (opno) => OPERATORS[opno],
  sortOrder: (opno) =>
    OPERATORS[opno].left === INT4
      ? { ...intOrder, reverse: opno === OP.GT, type: INT4 }
      : { ...textOrder, reverse: false, type: TEXT },
  equalityOf: (opno) => OPERATORS[opno].left === INT4 ? OP.EQ : OP.TEXT_EQ,
  typeCmp: (type) => type === TEXT ? textOrder : intOrder,
  familyCmp: (_family, left) => left === TEXT ? textOrder : intOrder,
  hashFunctions: () => null,
  opStrategy: () => ({ strategy: 3, righttype: INT4 }),
  aggregate: (oid) => ({
    kind: "n",
    finalextra: false,
    numDirectArgs: 0,
    mtransfn: 0,
    minvtransfn: 0,
    combinefn: 0,
    ...AGGREGATES[oid],
  }),
  typeOutput: (type) => (d) => type === TEXT ? decodeText(d as Uint8Array) : String(d),
  typeInput: (type) => (s) => type === TEXT ? encodeText(s) : Number(s),
  typeStorage: (type) => STORAGE[type] ?? { typlen: -1, typbyval: false, typalign: "i" },
  typeName: String,
  namespaceName: () => "public",
  elementType: (type) => type === 1007 ? INT4 : type === 1009 ? TEXT : 0,
  baseType: (type) => type,
  domainConstraints: () => ({ name: { shown: "", schema: "", name: "" }, constraints: [] }),
  rowType: () => null,
  collationIsBytes: () => true,
  collationIsDeterministic: () => true,
};
export function useTestCatalog(): void {
  installExecCatalog(testCatalog);
}

// ---- nodes ----

export const v = (varno: number, varattno: number, vartype = INT4): Var =>
  makeNode("Var", { varno, varattno, vartype, vartypmod: -1 });
export const c = (value: number | string | null, consttype = INT4): Const =>
  makeNode("Const", {
    consttype,
    constvalue: typeof value === "string" ? encodeText(value) : value,
    constisnull: value === null,
    constbyval: consttype !== TEXT,
    constlen: 4,
  });
export const te = (expr: Node, resno: number, more: Partial<TargetEntry> = {}): TargetEntry =>
  makeNode("TargetEntry", { expr, resno, resname: `c${resno}`, ...more });
export const op = (opno: number, a: Node, b: Node): OpExpr =>
  makeNode("OpExpr", { opno, opfuncid: OPERATORS[opno].fn, opresulttype: BOOL, args: [a, b] });
export const fn = (funcid: number, args: Node[], more: Partial<FuncExpr> = {}): FuncExpr =>
  makeNode("FuncExpr", { funcid, funcresulttype: INT4, args, ...more });
export const agg = (aggfnoid: number, args: Expr[], aggno: number, more: Partial<Aggref> = {}): Aggref =>
  makeNode("Aggref", {
    aggfnoid,
    aggtype: aggfnoid === AGG.MAX ? INT4 : aggfnoid === AGG.MAX_TEXT ? TEXT : INT8,
    aggtranstype: AGGREGATES[aggfnoid].transtype,
    args: args.map((a, i) => te(a, i + 1)),
    aggno,
    aggtransno: aggno,
    aggkind: "n",
    aggsplit: "AGGSPLIT_SIMPLE",
    ...more,
  });
export const vars = (varno: number, types: readonly number[]): TargetEntry[] =>
  types.map((t, i) => te(v(varno, i + 1, t), i + 1));
export const values = (
  rti: number,
  rows: (number | string | null)[][],
  types: readonly number[],
  qual: Node[] = [],
): ValuesScan =>
  makeNode("ValuesScan", {
    scanrelid: rti,
    values_lists: rows.map((r) => r.map((x, i) => c(x, types[i]))),
    targetlist: vars(rti, types),
    qual,
  });
export const sortBy = (
  child: Plan,
  types: readonly number[],
  cols: number[],
  ops: number[],
  nullsFirst: boolean[],
): Sort =>
  makeNode("Sort", {
    lefttree: child,
    targetlist: vars(OUTER, types),
    numCols: cols.length,
    sortColIdx: cols,
    sortOperators: ops,
    collations: cols.map(() => 100),
    nullsFirst,
  });
export const group = (
  strategy: Agg["aggstrategy"],
  child: Plan,
  grpColIdx: number[],
  targetlist: TargetEntry[],
  more: Partial<Agg> = {},
): Agg =>
  makeNode("Agg", {
    aggstrategy: strategy,
    aggsplit: "AGGSPLIT_SIMPLE",
    lefttree: child,
    numCols: grpColIdx.length,
    grpColIdx,
    grpOperators: grpColIdx.map(() => OP.EQ),
    grpCollations: grpColIdx.map(() => 0),
    numGroups: 16,
    targetlist,
    ...more,
  });

// ---- tables of synthetic pages ----

interface FakePage {
  offsets: Uint32Array;
}
/** Stands for a HeapScan. */
class FakeScan {
  rsCblock = -1;
  rsNtuples = 0;
  readonly rsVisOffsets = new Uint32Array(512);
  readonly rsVisTuples = new Int32Array(512);
  constructor(readonly pages: readonly FakePage[]) {}
}
export class FakeTable {
  readonly pages: FakePage[] = [];
  constructor(readonly desc: TupleDesc, rows: Iterable<Datum[]>) {
    let page = 0;
    let used = 8192;
    let offsets: number[] = [];
    const close = (): void => {
      if (offsets.length > 0) this.pages.push({ offsets: Uint32Array.from(offsets) });
      offsets = [];
    };
    for (const row of rows) {
      const t = heapFormTuple(desc, row);
      const len = (t.len + 7) & ~7;
      if (used + len > 8192) {
        close();
        page = privateAlloc(8192, 8192);
        used = 24;
      }
      mem.u8.set(t.data.subarray(t.off, t.off + t.len), page + used);
      offsets.push(page + used);
      used += len;
    }
    close();
  }
}
export function attribute(attnum: number, atttypid: number, more: Partial<Attribute> = {}): Attribute {
  const s = testCatalog.typeStorage(atttypid);
  return {
    attrelid: 1,
    attname: `a${attnum}`,
    atttypid,
    attlen: s.typlen,
    attnum,
    atttypmod: -1,
    attndims: 0,
    attbyval: s.typbyval,
    attalign: s.typalign,
    attstorage: s.typlen === -1 ? "x" : "p",
    attcompression: "",
    attnotnull: false,
    atthasdef: false,
    atthasmissing: false,
    attidentity: "",
    attgenerated: "",
    attisdropped: false,
    attislocal: true,
    attinhcount: 0,
    attcollation: 0,
    ...more,
  };
}
export const tupleDesc = (...attrs: Attribute[]): TupleDesc => makeTupleDesc(attrs);

// ---- running ----

export interface RunOptions {
  subplans?: Plan[];
  /** By range table index. */
  tables?: Record<number, FakeTable>;
  relation?: Relation;
  library?: object;
  params?: Datum[];
  /** Hash joins that must use batches; all if true. */
  batches?: boolean;
  instrument?: boolean;
  /** Stop after that many rows. */
  max?: number;
}
export interface RunResult {
  rows: unknown[][];
  source: string;
  instrument: QueryInstrumentation | null;
  processed: number;
}
let nextNodeId = 1;
function numberNodes(plan: Plan | null, ids: number[]): void {
  if (plan === null) return;
  plan.plan_node_id = nextNodeId++;
  ids.push(plan.plan_node_id);
  numberNodes(plan.lefttree, ids);
  numberNodes(plan.righttree, ids);
  if (plan.type === "Append") { for (const p of plan.appendplans) numberNodes(p as Plan, ids); }
  if (plan.type === "MergeAppend") { for (const p of plan.mergeplans) numberNodes(p as Plan, ids); }
}
interface TestInstance extends PlanInstance {
  run(): Iterable<void>;
}
export interface Compiled {
  source: string;
  make(): TestInstance;
}

/** Compiles a plan as exec_compiled_plan.ts does. */
export function compilePlan(plan: Plan, options: RunOptions = {}): Compiled {
  const ids: number[] = [];
  numberNodes(plan, ids);
  for (const p of options.subplans ?? []) numberNodes(p, ids);
  const rtable = Array.from({ length: 10 }, (_, i) =>
    makeNode("RangeTblEntry", {
      rtekind: options.tables?.[i + 1] !== undefined || (options.relation !== undefined && i === 0)
        ? "RTE_RELATION"
        : "RTE_VALUES",
      relid: 1000 + i,
    }));
  const stmt: PlannedStmt = makeNode("PlannedStmt", {
    planTree: plan,
    commandType: "CMD_SELECT",
    subplans: options.subplans ?? [],
    rtable,
    canSetTag: true,
  });
  const unavailable = (): never => {
    throw new Error("not in this test");
  };
  const relations: RelationSource = {
    tupleDesc: (rti) => options.tables?.[rti].desc ?? options.relation!.rd_att,
    indexDesc: unavailable,
    index: unavailable,
    relation: () => options.relation ?? unavailable(),
  };
  const flags = { instrument: options.instrument === true, timing: options.instrument === true, epq: false };
  const pc = new PlanCompiler(stmt, relations, NODE_PRODUCERS, flags, new Set(options.batches ? ids : []));
  const { cg } = pc;
  cg.func("function*", "run", "", () => {
    cg.emit("const O=X.out;");
    pc.produce(plan, allColumns(plan), (row) => {
      plan.targetlist.forEach((t, i) => cg.emit(`O[${i}]=${cg.datum(row.get(t.resno))};`));
      cg.emit("if(X.dest.receive(O)===false)return;if(--X.todo===0)yield;");
    });
  });
  const source = cg.source(["run"]);
  const library = {
    ...LIBRARY,
    beginSeqScan: (_x: object, rti: number) => new FakeScan(options.tables![rti].pages),
    heapRescan: (s: FakeScan) => {
      s.rsCblock = -1;
    },
    heapEndscan: () => {},
    heapNextPage: (s: FakeScan) => {
      if (++s.rsCblock >= s.pages.length) return false;
      const { offsets } = s.pages[s.rsCblock];
      s.rsNtuples = offsets.length;
      s.rsVisOffsets.set(offsets);
      for (let i = 0; i < offsets.length; i++) s.rsVisTuples[i] = i + 1;
      return true;
    },
    ...options.library,
  };
  const factory = compileSource<TestInstance>(source);
  return { source, make: () => factory(cg.slots, library) };
}

/** Runs a plan; byte values come back as text. */
export function run(plan: Plan, options: RunOptions = {}): RunResult {
  const compiled = compilePlan(plan, options);
  const instance = compiled.make();
  const rows: unknown[][] = [];
  const clock = options.instrument ? new QueryInstrumentation([plan, ...(options.subplans ?? [])]) : null;
  const X = {
    out: [] as Datum[],
    todo: Infinity,
    es_processed: 0,
    clock,
    dest: {
      receive(row: Datum[]): boolean {
        rows.push(row.map((d) => d instanceof Uint8Array ? decodeText(d) : d));
        return rows.length < (options.max ?? Infinity);
      },
    },
    externParam: (n: number) => options.params![n - 1],
    instrumentation: (id: number) => clock!.nodes.get(id),
    hashJoinOverflow(_id: number, table: { limit: number }): void {
      table.limit = Infinity;
    },
  };
  instance.start(X);
  for (const _ of instance.run());
  instance.end();
  return { rows, source: compiled.source, instrument: clock, processed: X.es_processed };
}
