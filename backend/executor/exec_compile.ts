/**
 * PlanCompiler: what the code generators of plan nodes share: recursion, parameters, rescans, pulls, instrumentation.
 *
 * A node's generator is `(pc, plan, needed, consume) => void`. It emits code that computes the node's rows and calls
 * consume(row) at the one place (rarely two) where a row is at hand; what consume emits runs for each row. Rules:
 *   1. Code of one pipeline is nested blocks of one function, so a consumer may leave loops with a labelled break.
 *   2. A node may be entered again (inner side of a join, subplan). Scans restart; a pipeline breaker keeps its result
 *      while no parameter that its subtree depends on has been set since: breaker().
 *   3. A parameter is set through setParam() only, which also invalidates the init plans and CTEs that depend on it.
 *   4. Rows that leave the pipeline (sort, hash table, …) are made with CodeGen.keep(): they outlive the page.
 * Follows the roles of src/backend/executor/{execProcnode,execAmi,execUtils}.c.
 */
import { notBuilt } from "../../base/error.ts";
import { assert } from "../../base/assert.ts";
import type { Oid } from "../../base/types.ts";
import type { TupleDesc } from "../access/common/tupdesc.ts";
import type { Node, Plan, PlannedStmt, RangeTblEntry, SubPlan, TargetEntry } from "../nodes/nodes.ts";
import type { CallInfo } from "../utils/fmgr/fmgr.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { CodeGen, type CodeGenOptions, type Col, Memo, NULL_COL, repOfType, type RowSource } from "./exec_codegen.ts";
import { ExprCompiler, type ExprEnv, type ExprHost, OUTER_VAR } from "./exec_expr_compile.ts";
import { planChildren, varAttnos, walkNodes, walkPlanExprs } from "./exec_walk.ts";
import { compileSubPlan } from "./exec_subplan.ts";

export type ColSet = ReadonlySet<number>;
export type Consume = (row: RowSource) => void;
export type Produce<P extends Plan = Plan> = (pc: PlanCompiler, plan: P, needed: ColSet, consume: Consume) => void;
export type NodeProducers = { readonly [K in Plan["type"]]?: Produce<Extract<Plan, { type: K }>> };

/** A child whose rows are fetched one at a time: its code is a generator, or its own cursor. */
export interface Pull {
  /** Emits code that starts from the first row. */
  open(): void;
  /** Condition that fetches the next row and is true if there is one. */
  readonly next: string;
  /** Columns of the row fetched last. */
  readonly row: RowSource;
}

/** Relations as compilation sees them. */
export interface RelationSource {
  tupleDesc(rti: number): TupleDesc;
  indexDesc(indexid: Oid): TupleDesc;
  relation(rti: number): Relation;
  index(indexid: Oid): Relation;
}

const BREAKERS = new Set<Plan["type"]>([
  "Sort",
  "IncrementalSort",
  "Hash",
  "Agg",
  "Material",
  "SetOp",
  "WindowAgg",
  "RecursiveUnion",
  "FunctionScan",
  "CteScan",
  "HashJoin",
  "TableFuncScan",
  "BitmapHeapScan",
]);

export class PlanCompiler implements ExprHost {
  readonly cg: CodeGen;
  readonly exprs: ExprCompiler;
  private readonly params = new Map<Plan, Set<number>>();
  private readonly paramVars = new Map<number, string>();
  private readonly externVars = new Map<number, string>();
  private readonly neverNull = new Set<number>();
  /** Parameters that some breaker depends on: they have version counters. */
  private readonly versioned = new Set<number>();
  private readonly versionVars = new Map<number, string>();
  /** Init plans by the parameters they set, and what sets depend on a parameter. */
  private readonly initPlans = new Map<number, SubPlan>();
  private readonly dependents = new Map<number, Set<number>>();
  private readonly initFuncs = new Map<SubPlan, string>();
  private readonly parents: (number | null)[] = [null];
  /** Values that stand for parameters while a subplan's test expression is compiled. */
  readonly paramOverrides = new Map<number, Col>();
  /** Variable that holds how many rows of a sort will be read. */
  readonly sortBounds = new Map<Plan, string>();
  /** Relations that an EvalPlanQual check substitutes. */
  readonly epqRelations = new Set<number>();
  /** Column types of range table entries that are not tables, once their scan is compiled. */
  readonly rowTypes = new Map<number, Oid[]>();
  /** Above 0 while code is compiled that may be entered more than once in a run. */
  rescans = 0;
  /** Column definition list of the function in FROM that is being compiled. */
  functionColumns: CallInfo["resultColumns"] = undefined;
  /** Shared state of nodes that refer to each other by parameter: CTE stores, work tables. */
  readonly shared = new Map<string, unknown>();

  constructor(
    readonly stmt: PlannedStmt,
    readonly relations: RelationSource,
    private readonly producers: NodeProducers,
    options: CodeGenOptions,
    /** Hash joins that must be able to spill, by plan_node_id: their estimate was wrong once. */
    readonly forceBatches: ReadonlySet<number>,
  ) {
    this.cg = new CodeGen(options);
    this.exprs = new ExprCompiler(this.cg, this);
    this.analyse();
  }

  // ---- analysis of parameters ----

  private analyse(): void {
    const plans = [this.stmt.planTree, ...(this.stmt.subplans as (Plan | null)[])];
    const visit = (plan: Plan): void => {
      for (const ip of plan.initPlan as SubPlan[]) {
        for (const id of ip.setParam) this.initPlans.set(id, ip);
      }
      if (BREAKERS.has(plan.type)) { for (const id of this.paramsOf(plan)) this.versioned.add(id); }
      for (const c of planChildren(plan)) visit(c);
    };
    for (const p of plans) if (p !== null) visit(p);
    for (const [id, ip] of this.initPlans) {
      for (const used of this.paramsOf(this.subplan(ip.plan_id))) this.dependsOn(id, used);
    }
  }
  private dependsOn(output: number, input: number): void {
    if (output === input) return;
    let set = this.dependents.get(input);
    if (set === undefined) this.dependents.set(input, set = new Set());
    set.add(output);
  }

  subplan(planId: number): Plan {
    return this.stmt.subplans[planId - 1] as Plan;
  }

  /** PARAM_EXEC parameters that the rows of `plan` depend on and that are set outside it. */
  paramsOf(plan: Plan): Set<number> {
    let set = this.params.get(plan);
    if (set !== undefined) return set;
    set = new Set<number>();
    this.params.set(plan, set);
    const out = set;
    const visitExpr = (n: Node): void => {
      if (n.type === "Param" && n.paramkind === "PARAM_EXEC") out.add(n.paramid);
      if (n.type === "SubPlan") {
        const inner = this.paramsOf(this.subplan(n.plan_id));
        for (const id of inner) if (!n.parParam.includes(id)) out.add(id);
      }
    };
    walkPlanExprs(plan, visitExpr);
    for (const c of planChildren(plan)) for (const id of this.paramsOf(c)) out.add(id);
    for (const ip of plan.initPlan as SubPlan[]) {
      for (const id of this.paramsOf(this.subplan(ip.plan_id))) out.add(id);
    }
    switch (plan.type) {
      case "WorkTableScan":
        out.add(plan.wtParam);
        break;
      case "RecursiveUnion":
        out.delete(plan.wtParam);
        break;
      case "CteScan":
        out.add(plan.cteParam);
        break;
      case "NestLoop":
        for (const np of plan.nestParams) if (np.type === "NestLoopParam") out.delete(np.paramno);
        break;
    }
    // Parameters that paramIds of ANY/ALL subplans receive are set inside the expression.
    walkPlanExprs(plan, (n) => {
      if (n.type === "SubPlan") { for (const id of n.paramIds) out.delete(id); }
    });
    return out;
  }

  // ---- parameters in code ----

  paramVar(id: number): string {
    let v = this.paramVars.get(id);
    if (v === undefined) {
      v = this.cg.decl("pe", "undefined");
      this.paramVars.set(id, v);
      this.cg.onStart(`${v}=undefined;`);
    }
    return v;
  }
  versionVar(id: number): string {
    let v = this.versionVars.get(id);
    if (v === undefined) {
      v = this.cg.decl("v", "0");
      this.versionVars.set(id, v);
    }
    return v;
  }

  /** Emits the assignment of a parameter, and forgets what was computed from its old value. */
  setParam(id: number, value: string, neverNull = false): void {
    this.cg.emit(`${this.paramVar(id)}=${value};`);
    if (neverNull) this.neverNull.add(id);
    this.paramChanged(id);
  }
  /** Emits what follows from a change of parameter `id`. */
  paramChanged(id: number): void {
    const seen = new Set<number>();
    const visit = (p: number): void => {
      if (seen.has(p)) return;
      seen.add(p);
      if (this.versioned.has(p)) this.cg.emit(`${this.versionVar(p)}++;`);
      if (p !== id && this.initPlans.has(p)) this.cg.emit(`${this.paramVar(p)}=undefined;`);
      for (const d of this.dependents.get(p) ?? []) visit(d);
    };
    visit(id);
  }

  execParam(id: number, type: Oid): Col {
    const override = this.paramOverrides.get(id);
    if (override !== undefined) return override;
    const v = this.paramVar(id);
    const ip = this.initPlans.get(id);
    if (ip !== undefined && ip.subLinkType !== "CTE_SUBLINK") {
      this.cg.emit(`if(${v}===undefined)${this.initPlanFunc(ip)}();`);
    }
    const nn = this.neverNull.has(id);
    return { v, n: nn ? "false" : `${v}===null`, rep: repOfType(type), inband: true };
  }
  private initPlanFunc(ip: SubPlan): string {
    let f = this.initFuncs.get(ip);
    if (f === undefined) {
      f = this.cg.name("init");
      this.initFuncs.set(ip, f);
      const name = f;
      this.outsidePlan(() => {
        this.cg.func("function", name, "", () => {
          const col = compileSubPlan(this, ip, {});
          // Row comparisons set several parameters; compileSubPlan() has assigned those itself.
          if (ip.setParam.length === 1) this.cg.emit(`${this.paramVar(ip.setParam[0])}=${this.cg.keep(col)};`);
        });
      });
    }
    return f;
  }
  /** Runs `body` as if no plan node were being compiled: instrumentation belongs to what it compiles. */
  outsidePlan(body: () => void): void {
    this.parents.push(null);
    body();
    this.parents.pop();
  }

  externParam(id: number, type: Oid): Col {
    let v = this.externVars.get(id);
    if (v === undefined) {
      v = this.cg.decl("px", "null");
      this.externVars.set(id, v);
      this.cg.onStart(`${v}=X.externParam(${id});`);
    }
    return { v, n: `${v}===null`, rep: repOfType(type), inband: true };
  }
  subPlan(node: SubPlan, env: ExprEnv): Col {
    return compileSubPlan(this, node, env);
  }

  // ---- nodes ----

  rte(rti: number): RangeTblEntry {
    return this.stmt.rtable[rti - 1];
  }

  /** Columns of a range table entry that is not a table, as a record. */
  rowShape(rti: number): { names: string[]; types: Oid[] } {
    const types = this.rowTypes.get(rti) ?? [];
    const names = this.rte(rti).eref?.colnames.map((n) => n.sval ?? "") ?? types.map((_, i) => `f${i + 1}`);
    return { names: names.slice(0, types.length), types };
  }

  /** Emits the code of `plan`; consume emits what happens to a row. */
  produce(plan: Plan, needed: ColSet, consume: Consume): void {
    const fn = this.producers[plan.type] as Produce | undefined;
    if (fn === undefined) throw notBuilt(`plan node ${plan.type}`);
    if (!this.cg.options.instrument) {
      fn(this, plan, needed, consume);
      return;
    }
    const id = plan.plan_node_id;
    const me = this.instr(id);
    const parent = this.parents[this.parents.length - 1];
    const enter = (who: string): void => {
      if (this.cg.options.timing) this.cg.emit(`X.clock.enter(${who});`);
    };
    const up = parent === null ? "null" : this.instr(parent);
    this.cg.emit(`${me}.loops++;`);
    enter(me);
    this.parents.push(id);
    fn(this, plan, needed, (row) => {
      this.parents.pop();
      this.cg.emit(`if(${me}.tuples++===0)X.clock.first(${me});`);
      enter(up);
      consume(row);
      enter(me);
      this.parents.push(id);
    });
    this.parents.pop();
    enter(up);
  }
  private readonly instrVars = new Map<number, string>();
  /** Name of the counters of a plan node. */
  instr(planNodeId: number): string {
    let v = this.instrVars.get(planNodeId);
    if (v === undefined) {
      v = this.cg.decl("in", "null");
      this.instrVars.set(planNodeId, v);
      this.cg.onStart(`${v}=X.instrumentation(${planNodeId});`);
    }
    return v;
  }
  /** What to emit for rows that a filter removes; null when nobody counts. */
  filtered(plan: Plan, which: "nfiltered1" | "nfiltered2" = "nfiltered1"): (() => void) | null {
    if (!this.cg.options.instrument) return null;
    return () => this.cg.emit(`${this.instr(plan.plan_node_id)}.${which}++;`);
  }

  /**
   * The output row of a node: its target list over `env`. Entries that are not plain columns, constants or parameters
   * are computed here, as all of PostgreSQL's are; plain ones when they are asked for.
   */
  project(targetlist: readonly TargetEntry[], env: ExprEnv): RowSource {
    const memo = new Memo();
    // (a, b) = (subquery): the subquery's entry comes last but sets what the others read.
    for (const { expr } of targetlist) {
      if (expr?.type === "SubPlan" && expr.subLinkType === "MULTIEXPR_SUBLINK") this.exprs.compile(expr, env);
    }
    for (const tle of targetlist) {
      const e = tle.expr!;
      if (e.type === "SubPlan" && e.subLinkType === "MULTIEXPR_SUBLINK") {
        this.cg.remember(memo, tle.resno, NULL_COL);
        continue;
      }
      if (!isPlain(tle.expr!)) {
        this.cg.remember(memo, tle.resno, this.cg.stableLazy(this.exprs.compile(tle.expr!, env)));
      }
    }
    return {
      get: (attno) =>
        this.cg.memo(memo, attno, () => {
          const tle = targetlist[attno - 1];
          assert(tle !== undefined, "no such target entry", attno, targetlist.length);
          return this.exprs.compile(tle.expr!, env);
        }),
    };
  }

  /** Columns of relation `varno` (OUTER_VAR, INNER_VAR, a scan's) that a node's own expressions and output use. */
  columnsUsed(plan: Plan, varno: number, needed: ColSet, extra: unknown = null): Set<number> {
    const used = new Set<number>();
    for (const tle of plan.targetlist) {
      if (needed.has(tle.resno) || !isPlain(tle.expr!)) varAttnos(tle, varno, used);
    }
    walkPlanExprs(plan, (n) => {
      if (n.type === "TargetEntry") return true;
      if (n.type === "Var" && n.varno === varno) used.add(n.varattno);
    });
    varAttnos(extra, varno, used);
    return used;
  }
  /** As columnsUsed() of OUTER_VAR, for nodes whose only input is the left tree. */
  outerColumns(plan: Plan, needed: ColSet): Set<number> {
    return this.columnsUsed(plan, OUTER_VAR, needed);
  }

  /**
   * Emits "build unless the result of an earlier entry still stands". `build` emits the call that builds;
   * `reset` emits what makes the result unusable at the start of a run.
   */
  breaker(plan: Plan, build: () => void): void {
    this.breakerOf(plan, build);
  }
  /** As breaker(), for a part of a node: the inner side of a hash join. */
  breakerOf(plan: Plan, build: () => void): void {
    const { cg } = this;
    const built = cg.decl("ok", "false");
    cg.onStart(`${built}=false;`);
    const versions: string[] = [];
    for (const id of this.paramsOf(plan)) {
      const seen = cg.decl("vs", "-1");
      versions.push(`${seen}!==${this.versionVar(id)}`);
      cg.onStart(`${seen}=-1;`);
    }
    const pairs = versions.map((v) => v.split("!=="));
    cg.block(`if(!${[built, ...versions].join("||")})`, () => {
      for (const [seen, version] of pairs) cg.emit(`${seen}=${version};`);
      build();
      cg.emit(`${built}=true;`);
    });
  }

  /** Rows of the child of a Hash node, which counts them as its own. */
  produceHash(hash: Plan, needed: ColSet, consume: Consume): void {
    const { cg } = this;
    if (!cg.options.instrument) {
      this.produce(hash.lefttree!, needed, consume);
      return;
    }
    const me = this.instr(hash.plan_node_id);
    cg.emit(`${me}.loops++;`);
    this.parents.push(hash.plan_node_id);
    if (cg.options.timing) cg.emit(`X.clock.enter(${me});`);
    this.produce(hash.lefttree!, needed, (row) => {
      cg.emit(`${me}.tuples++;`);
      consume(row);
    });
    this.parents.pop();
    const parent = this.parents[this.parents.length - 1];
    if (cg.options.timing) cg.emit(`X.clock.enter(${parent === null ? "null" : this.instr(parent)});`);
  }
  /** A function of the plan instance for the part of `plan` that builds something; the plan stays the current one. */
  inFunction(name: string, body: () => void): void {
    this.cg.func("function", name, "", body);
  }
  /** Representation of the columns of a scan of something that is not a table. */
  scanColumnTypes(plan: Plan & { scanrelid: number }): (attno: number) => Col["rep"] {
    const types = new Map<number, Oid>();
    walkPlanExprs(plan, (n) => {
      if (n.type === "Var" && n.varno === plan.scanrelid) types.set(n.varattno, n.vartype);
    });
    return (attno) => repOfType(types.get(attno) ?? 0);
  }

  /** A child to fetch rows from one at a time. */
  pull(plan: Plan, needed: ColSet): Pull {
    const { cg } = this;
    const g = cg.name("g");
    const it = cg.decl("it", "null");
    cg.onEnd(`${it}=null;`);
    const cols = new Map<number, Col>();
    cg.func("function*", g, "", () => {
      this.produce(plan, needed, (row) => {
        for (const attno of needed) cols.set(attno, this.toFactoryVars(row.get(attno)));
        cg.emit("yield;");
      });
    });
    return {
      open: () => cg.emit(`${it}=${g}();`),
      next: `!${it}.next().done`,
      row: { get: (attno) => cols.get(attno) ?? missingColumn(attno) },
    };
  }
  /** Copies a column into variables of the plan instance, so that another function can read it. */
  toFactoryVars(col: Col): Col {
    const { cg } = this;
    if (col.lazy !== undefined) {
      const p = cg.decl("rp", "0");
      cg.emit(`${p}=${col.lazy};`);
      return { ...col, lazy: p, n: col.n === "false" ? "false" : `${p}===0` };
    }
    const v = cg.decl("rv", "null");
    cg.emit(`${v}=${col.v};`);
    if (col.n === "false" || col.n === "true") return { ...col, v };
    if (col.inband) return { ...col, v, n: `${v}===null` };
    const n = cg.decl("rn", "true");
    cg.emit(`${n}=${col.n};`);
    return { ...col, v, n };
  }
}

/** True for entries that cost nothing to evaluate late: columns, constants, parameters. */
export function isPlain(expr: Node): boolean {
  switch (expr.type) {
    case "Var":
    case "Const":
      return true;
    case "Param":
      return expr.paramkind === "PARAM_EXTERN";
    case "RelabelType":
      return isPlain(expr.arg!);
    default:
      return false;
  }
}

export function missingColumn(attno: number): never {
  throw new Error(`column ${attno} was not asked for`);
}

/** All result numbers of a target list. */
export function allColumns(plan: Plan): Set<number> {
  return new Set(plan.targetlist.map((t) => t.resno));
}

/** True if the expression contains a node of one of the types. */
export function containsNode(x: unknown, ...types: Node["type"][]): boolean {
  let found = false;
  walkNodes(x, (n) => {
    if (types.includes(n.type)) found = true;
    return found;
  });
  return found;
}
