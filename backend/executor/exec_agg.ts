/**
 * Agg: plain, over sorted input, and hashed; grouping sets are hashed, one table for each set.
 *
 * Plain aggregation keeps its states in variables of the loop. Hashed aggregation keeps an object for each group, made by
 * generated code (h hash, n next in bucket, then key columns, then state fields). When the groups exceed hash memory, rows
 * of groups that are not in the table go to partitions in temporary files, which are aggregated one after the other.
 * Follows src/backend/executor/nodeAgg.c.
 */
import { notBuilt } from "../../base/error.ts";
import type { Agg, Group, Node } from "../nodes/nodes.ts";
import { AggStates } from "./exec_agg_trans.ts";
import type { Col, RowSource } from "./exec_codegen.ts";
import { Memo } from "./exec_codegen.ts";
import type { ColSet, Consume, PlanCompiler, Produce } from "./exec_compile.ts";
import { type ExprEnv, OUTER_VAR } from "./exec_expr_compile.ts";
import { emitHash, type KeyOps, keyOps, notDistinct } from "./exec_keys.ts";
import { StoredRow } from "./exec_stored_row.ts";
import { varAttnos, walkNodes } from "./exec_walk.ts";

export const produceAgg: Produce<Agg> = (pc, plan, needed, consume) => {
  if (plan.aggsplit !== "AGGSPLIT_SIMPLE") throw notBuilt("partial aggregation");
  if (plan.groupingSets.length > 0 || plan.chain.length > 0) groupingSets(pc, plan, needed, consume);
  else if (plan.aggstrategy === "AGG_PLAIN") plain(pc, plan, consume);
  else if (plan.aggstrategy === "AGG_SORTED") sorted(pc, plan, consume);
  else hashed(pc, plan, consume);
};

/** Group: the distinct keys of sorted input. Follows src/backend/executor/nodeGroup.c. */
export const produceGroup: Produce<Group> = (pc, plan, _needed, consume) => sorted(pc, plan, consume);

/** Columns of the input that the output uses outside aggregate arguments. */
function plainColumns(plan: Agg | Group): Set<number> {
  const cols = new Set<number>(plan.grpColIdx);
  walkNodes([plan.targetlist, plan.qual], (n) => {
    if (n.type === "Aggref") {
      for (const c of varAttnos(n.aggdirectargs, OUTER_VAR, new Set())) cols.add(c);
      return true;
    }
    if (n.type === "GroupingFunc") return true;
    if (n.type === "Var" && n.varno === OUTER_VAR) cols.add(n.varattno);
  });
  return cols;
}
function inputColumns(plan: Agg | Group): Set<number> {
  return varAttnos([plan.targetlist, plan.qual], OUTER_VAR, new Set(plan.grpColIdx));
}
function states(pc: PlanCompiler, plan: Agg | Group): AggStates {
  const found: Node[] = [];
  walkNodes([plan.targetlist, plan.qual], (n) => {
    if (n.type === "Aggref") found.push(n);
    return n.type === "Aggref";
  });
  return new AggStates(pc, found);
}
function emitGroup(pc: PlanCompiler, plan: Agg | Group, env: ExprEnv, consume: Consume): void {
  pc.exprs.qual(plan.qual, env, () => consume(pc.project(plan.targetlist, env)), pc.filtered(plan));
}
function groupOps(plan: Agg | Group): KeyOps[] {
  return plan.grpOperators.map((op, i) => keyOps(op, plan.grpCollations[i]));
}

function plain(pc: PlanCompiler, plan: Agg, consume: Consume): void {
  const { cg } = pc;
  const st = states(pc, plan);
  const build = cg.name("b");
  let finals: Col[] = [];
  pc.inFunction(build, () => {
    const vars = st.fieldInits.map(() => cg.name("a"));
    vars.forEach((v, i) => cg.emit(`let ${v}=${st.fieldInits[i]};`));
    cg.carried = vars;
    pc.produce(plan.lefttree!, inputColumns(plan), (row) => st.advance((i) => vars[i], row));
    cg.carried = [];
    finals = st.final((i) => vars[i], { outer: { get: () => NULL_GROUP } }).map((c) => pc.toFactoryVars(c));
  });
  pc.breaker(plan, () => cg.emit(`${build}();`));
  cg.block("", () => emitGroup(pc, plan, { aggs: finals, outer: { get: () => NULL_GROUP } }, consume));
}
const NULL_GROUP: Col = { v: "null", n: "true", rep: "ref", inband: true };

function sorted(pc: PlanCompiler, plan: Agg | Group, consume: Consume): void {
  const { cg } = pc;
  const st = states(pc, plan);
  const input = pc.pull(plan.lefttree!, inputColumns(plan));
  const stored = new StoredRow(cg, [...plainColumns(plan)].sort((a, b) => a - b));
  const ops = groupOps(plan);
  const has = cg.name("has");
  input.open();
  cg.emit(`let ${has}=${input.next};`);
  cg.block(`while(${has})`, () => {
    cg.emit(`${cg.h("checkForInterrupts")}();`);
    const g = cg.name("g");
    cg.emit(`const ${g}=${stored.write(input.row)};`);
    const group = stored.read(g);
    const vars = st.fieldInits.map(() => cg.name("a"));
    vars.forEach((v, i) => cg.emit(`let ${v}=${st.fieldInits[i]};`));
    const keys = plan.grpColIdx.map((c) => group.get(c));
    cg.block("for(;;)", () => {
      st.advance((i) => vars[i], input.row);
      cg.emit(`if(!(${has}=${input.next}))break;`);
      const same = plan.grpColIdx.map((c, i) => notDistinct(cg, ops[i], keys[i], input.row.get(c)));
      // Without keys (each equal to a constant) all rows are one group; no rows make none.
      if (same.length > 0) cg.emit(`if(!(${same.join("&&")}))break;`);
    });
    const aggs = st.final((i) => vars[i], { outer: group });
    emitGroup(pc, plan, { aggs, outer: group }, consume);
  });
}

/** What the hashed forms share: code of one input row against one table. */
class HashedGroups {
  readonly columns: number[];
  private readonly nullable = new Map<number, Col>();
  constructor(
    private readonly pc: PlanCompiler,
    private readonly plan: Agg,
    readonly states: AggStates,
    readonly inputCols: number[],
  ) {
    this.columns = [...plainColumns(plan)].sort((a, b) => a - b);
  }

  /** Emits: find or make the group of `row` in `table` by `keyCols`, and step its states. */
  step(table: string, row: RowSource, keyCols: readonly number[], stored: readonly number[], ops: KeyOps[]): void {
    const { pc } = this;
    const { cg } = pc;
    const keys = keyCols.map((c) => cg.stableLazy(row.get(c)));
    const h = emitHash(cg, ops, keys);
    const g = cg.name("g");
    cg.emit(`let ${g}=${table}.buckets[${h}&${table}.mask];`);
    cg.block(`for(;${g}!==null;${g}=${g}.n)`, () => {
      cg.emit(`if(${g}.h!==${h})continue;`);
      const same = keyCols.map((c, i) => {
        const stored = this.groupColumn(g, c, row);
        return notDistinct(cg, ops[i], keys[i], stored);
      });
      cg.emit(same.length === 0 ? "break;" : `if(${same.join("&&")})break;`);
    });
    const spill = `[${[h, ...this.inputCols.map((c) => cg.keep(row.get(c)))].join(",")}]`;
    cg.block(`if(${g}===null&&${table}.full)`, () => cg.emit(`${table}.spill(${h},${spill});`));
    cg.block("else", () => {
      cg.block(`if(${g}===null)`, () => {
        const cols = this.columns.map((c) => {
          const inSet = stored.includes(c);
          const col = inSet ? row.get(c) : NULL_GROUP;
          const known = this.nullable.get(c);
          if (known === undefined || col.n !== "false") {
            this.nullable.set(c, col.n === "true" && known ? { ...known, n: "true" } : col);
          }
          return `,c${c}:${inSet ? cg.keep(col) : "null"}`;
        });
        const fields = this.states.fieldInits.map((code, i) => `,a${i}:${code}`);
        cg.emit(`${g}={h:${h},n:null${cols.join("")}${fields.join("")}};`);
        const strings = this.columns.filter((c) => stored.includes(c) && row.get(c).rep === "ref")
          .map((c) => `+(${g}.c${c}===null?0:(${g}.c${c}.length|0)+64)`);
        const objects = this.states.fieldInits.filter((code) => code.startsWith("new ")).length;
        const bytes = 64 + 8 * (this.columns.length + 2 * this.states.fieldInits.length) + 128 * objects;
        cg.emit(`${table}.add(${g},${bytes}${strings.join("")});`);
      });
      this.states.advance((i) => `${g}.a${i}`, row);
    });
  }
  /** A column of a group while the table is being filled; `row` has the same column of the input. */
  private groupColumn(g: string, c: number, row: RowSource): Col {
    const { cg } = this.pc;
    const like = row.get(c);
    const v = cg.name("c");
    cg.emit(`const ${v}=${g}.c${c};`);
    return { v, n: like.n === "false" ? "false" : `${v}===null`, rep: like.rep, inband: true };
  }
  /** Columns of a finished group. */
  row(g: string, alwaysNullable: boolean): RowSource {
    const memo = new Memo();
    const { cg } = this.pc;
    return {
      get: (c) =>
        cg.memo(memo, c, () => {
          const like = this.nullable.get(c);
          if (like === undefined) throw new Error(`column ${c} is not in the group`);
          const v = cg.name("c");
          cg.emit(`const ${v}=${g}.c${c};`);
          const n = !alwaysNullable && like.n === "false" ? "false" : `${v}===null`;
          return { v, n, rep: like.rep, inband: true };
        }),
    };
  }
  /** A row read back from a spill file. */
  spilled(r: string): RowSource {
    const memo = new Memo();
    const { cg } = this.pc;
    return {
      get: (c) =>
        cg.memo(memo, c, () => {
          const like = this.inputReps.get(c)!;
          const v = cg.name("c");
          cg.emit(`const ${v}=${r}[${this.inputCols.indexOf(c) + 1}];`);
          return { v, n: like.n === "false" ? "false" : `${v}===null`, rep: like.rep, inband: true };
        }),
    };
  }
  private readonly inputReps = new Map<number, Col>();
  /** Notes how the input's columns are held, for spilled(). */
  noteInput(row: RowSource): void {
    for (const c of this.inputCols) this.inputReps.set(c, row.get(c));
    void this.plan;
  }
}

function hashed(pc: PlanCompiler, plan: Agg, consume: Consume): void {
  const { cg } = pc;
  const st = states(pc, plan);
  const inputCols = [...inputColumns(plan)].sort((a, b) => a - b);
  const groups = new HashedGroups(pc, plan, st, inputCols);
  const ops = groupOps(plan);
  const table = cg.decl("gt", "null");
  cg.onEnd(`if(${table}!==null){${table}.end();${table}=null;}`);
  const build = cg.name("b");
  pc.inFunction(build, () => {
    const t = cg.name("t");
    cg.emit(`if(${table}!==null)${table}.end();`);
    cg.emit(
      `const ${t}=${table}=new ${cg.h("GroupTable")}(${cg.slot(Math.min(Math.max(16, plan.numGroups), 1 << 20))});`,
    );
    pc.produce(plan.lefttree!, new Set(inputCols), (row) => {
      groups.noteInput(row);
      groups.step(t, row, plan.grpColIdx, groups.columns, ops);
    });
    if (cg.options.instrument) cg.emit(`${pc.instr(plan.plan_node_id)}.hashAgg=${t};`);
  });
  const refill = cg.name("rf");
  cg.func("function", refill, "f", () => {
    const [t, r] = [cg.name("t"), cg.name("r")];
    cg.emit(`const ${t}=${table};`);
    cg.block(
      `for(let ${r}=f.next();${r}!==null;${r}=f.next())`,
      () => groups.step(t, groups.spilled(r), plan.grpColIdx, groups.columns, ops),
    );
    cg.emit(`f.close();`);
  });
  // Once partitions were read back the table no longer has all groups.
  cg.emit(`const ${build}again=${table}!==null&&${table}.consumed;`);
  pc.breaker(plan, () => cg.emit(`${build}();`));
  cg.emit(`if(${build}again&&${table}.consumed)${build}();`);
  const f = cg.name("f");
  cg.block("for(;;)", () => {
    const [i, g, gs] = [cg.name("i"), cg.name("g"), cg.name("gs")];
    cg.emit(`const ${gs}=${table}.groups;`);
    cg.block(`for(let ${i}=0;${i}<${gs}.length;${i}++)`, () => {
      cg.emit(`const ${g}=${gs}[${i}];`);
      const outer = groups.row(g, false);
      const aggs = st.final((k) => `${g}.a${k}`, { outer });
      emitGroup(pc, plan, { aggs, outer }, consume);
    });
    cg.emit(`const ${f}=${table}.nextPartition();if(${f}===null)break;${refill}(${f});`);
  });
}

function groupingSets(pc: PlanCompiler, plan: Agg, _needed: ColSet, consume: Consume): void {
  const { cg } = pc;
  // Every phase of the chain aggregates the same input; which set it belongs to is all that matters here.
  const sets: { cols: number[]; set: number[] }[] = [];
  for (const a of [plan, ...(plan.chain as Agg[])]) {
    const lists = a.groupingSets.length > 0
      ? (a.groupingSets as unknown as (number[] | { content?: number[] })[])
      : [[]];
    for (const l of lists) {
      const set = Array.isArray(l) ? l : (l.content ?? []);
      sets.push({ set, cols: set.map((i) => a.grpColIdx[i]) });
    }
  }
  const opOf = new Map<number, KeyOps>();
  for (const a of [plan, ...(plan.chain as Agg[])]) {
    a.grpColIdx.forEach((c, i) => opOf.set(c, keyOps(a.grpOperators[i], a.grpCollations[i])));
  }
  const st = states(pc, plan);
  const inputCols = [...varAttnos([plan.targetlist, plan.qual], OUTER_VAR, new Set(opOf.keys()))].sort((a, b) => a - b);
  const groups = new HashedGroups(pc, plan, st, inputCols);
  for (const c of opOf.keys()) if (!groups.columns.includes(c)) groups.columns.push(c);
  const tables = cg.decl("gts", "null");
  cg.onEnd(`${tables}=null;`);
  const build = cg.name("b");
  pc.inFunction(build, () => {
    const names = sets.map(() => cg.name("t"));
    names.forEach((t) => cg.emit(`const ${t}=new ${cg.h("GroupTable")}(64);${t}.limit=Infinity;`));
    cg.emit(`${tables}=[${names.join(",")}];`);
    // The empty set has its group even if there is no row.
    sets.forEach((s, i) => {
      if (s.cols.length > 0) return;
      const cols = groups.columns.map((c) => `,c${c}:null`).join("");
      const fields = st.fieldInits.map((code, k) => `,a${k}:${code}`).join("");
      cg.emit(`${names[i]}.add({h:0,n:null${cols}${fields}},64);`);
    });
    pc.produce(plan.lefttree!, new Set(inputCols), (row) => {
      for (const c of inputCols) row.get(c);
      sets.forEach((s, i) => {
        const grouping = new Set(opOf.keys());
        const stored = groups.columns.filter((c) => s.cols.includes(c) || !grouping.has(c));
        cg.block("", () => groups.step(names[i], row, s.cols, stored, s.cols.map((c) => opOf.get(c)!)));
      });
    });
  });
  pc.breaker(plan, () => cg.emit(`${build}();`));
  const [k, i, g, gs] = ["k", "i", "g", "gs"].map((x) => cg.name(x));
  const membership = cg.slot(sets.map((s) => new Set(s.cols)));
  cg.block(`for(let ${k}=0;${k}<${sets.length};${k}++)`, () => {
    cg.emit(`const ${gs}=${tables}[${k}].groups;`);
    cg.block(`for(let ${i}=0;${i}<${gs}.length;${i}++)`, () => {
      cg.emit(`const ${g}=${gs}[${i}];`);
      const outer = groups.row(g, true);
      const aggs = st.final((n) => `${g}.a${n}`, { outer });
      const env: ExprEnv = {
        aggs,
        outer,
        grouping: (node) => {
          const v = cg.name("gf");
          cg.emit(`const ${v}=${cg.h("groupingBits")}(${membership}[${k}],${cg.slot(node.cols)});`);
          return { v, n: "false", rep: "i32", inband: false };
        },
      };
      emitGroup(pc, plan, env, consume);
    });
  });
}
