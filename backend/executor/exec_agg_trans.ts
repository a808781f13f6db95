/**
 * Aggregate transitions in generated code: the states of the common aggregates as plain variables, every other aggregate
 * by calls of its transition and final functions.
 *
 * A transition names the fields of its state by lvalue, so the same code serves local variables (plain and sorted
 * aggregation) and fields of a group (hashed). Follows src/backend/executor/nodeAgg.c, ExecBuildAggTrans() and
 * finalize_aggregate().
 */
import { notBuilt } from "../../base/error.ts";
import type { Aggref, Node, TargetEntry } from "../nodes/nodes.ts";
import { exprType } from "../nodes/node_funcs.ts";
import { execCatalog } from "./exec_catalog.ts";
import { type Col, orNulls, repOfType, type RowSource } from "./exec_codegen.ts";
import type { PlanCompiler } from "./exec_compile.ts";
import type { ExprEnv } from "./exec_expr_compile.ts";
import { keyOps, notDistinct, sortKey } from "./exec_keys.ts";
import { compileOrderedSet } from "./exec_orderedset.ts";

/** One transition state, possibly shared by several Aggrefs. */
export interface Transition {
  /** Initial value of each field, as code. */
  readonly init: readonly string[];
  /** Emits the step for one row. */
  advance(state: readonly string[], row: RowSource): void;
  /** Emits what must happen before final functions read the state (sorting); returns the lvalues to read. */
  settle(state: readonly string[]): readonly string[];
  /** Emits the final value of one Aggref; direct arguments are computed in `env`. */
  final(state: readonly string[], agg: Aggref, env: ExprEnv): Col;
}

/** How arguments step a state, without FILTER, DISTINCT and ORDER BY. */
interface Step {
  init: string[];
  /** `args` are stable columns. */
  advance(state: readonly string[], args: readonly Col[]): void;
  final(state: readonly string[], agg: Aggref): Col;
}

export function compileTransition(pc: PlanCompiler, agg: Aggref): Transition {
  if (agg.aggsplit !== "AGGSPLIT_SIMPLE") throw notBuilt("partial aggregation");
  const info = execCatalog().aggregate(agg.aggfnoid);
  if (info.kind !== "n") return compileOrderedSet(pc, agg, info.kind);
  const { cg, exprs } = pc;
  const step = inlineStep(pc, agg) ?? generalStep(pc, agg);
  const tles = agg.args as TargetEntry[];
  const sorted = (agg.aggorder.length > 0 || agg.aggdistinct.length > 0) &&
    !(agg.aggpresorted && agg.aggdistinct.length === 0);
  const filtered = (row: RowSource, body: () => void): void =>
    exprs.qual(agg.aggfilter === null ? [] : [agg.aggfilter], { outer: row }, body);
  if (!sorted) {
    return {
      init: step.init,
      advance: (state, row) =>
        filtered(row, () => {
          const args = tles.filter((t) => !t.resjunk).map((t) => cg.stableLazy(exprs.compile(t.expr!, { outer: row })));
          step.advance(state, args);
        }),
      settle: (state) => state,
      final: (state, a) => step.final(state, a),
    };
  }
  const position = (ref: number): number => tles.findIndex((t) => t.ressortgroupref === ref);
  const distinct = agg.aggdistinct.map((c) => ({
    at: position(c.tleSortGroupRef),
    ops: keyOps(c.eqop, agg.inputcollid),
  }));
  if (agg.aggpresorted) {
    // The input comes in the order of the arguments: what equals the row before is passed over.
    const fields = step.init.length;
    return {
      init: [...step.init, ...distinct.map(() => "undefined")],
      advance: (state, row) =>
        filtered(row, () => {
          const args = tles.map((t) => cg.stableLazy(exprs.compile(t.expr!, { outer: row })));
          const last = state.slice(fields);
          const same = distinct.map((d, i) => {
            const before: Col = { v: last[i], n: `${last[i]}===null`, rep: args[d.at].rep, inband: true };
            return notDistinct(cg, d.ops, args[d.at], before);
          });
          cg.block(`if(${last[0]}===undefined||!(${same.join("&&")}))`, () => {
            distinct.forEach((d, i) => cg.emit(`${last[i]}=${cg.keep(args[d.at])};`));
            step.advance(state.slice(0, fields), args.filter((_, i) => !tles[i].resjunk));
          });
        }),
      settle: (state) => state.slice(0, fields),
      final: (state, a) => step.final(state, a),
    };
  }
  // Rows are collected, sorted, and stepped through when the group is complete.
  const clauses = agg.aggdistinct.length > agg.aggorder.length ? agg.aggdistinct : agg.aggorder;
  const keys = cg.slot(clauses.map((c) => {
    const i = position(c.tleSortGroupRef);
    return sortKey(i, c.sortop, agg.inputcollid, c.nulls_first);
  }));
  const types = tles.map((t) => exprType(t.expr!));
  return {
    init: ["null"],
    advance: ([ts], row) =>
      filtered(row, () => {
        const args = tles.map((t) => cg.keep(exprs.compile(t.expr!, { outer: row })));
        cg.emit(`(${ts}??=new ${cg.h("Tuplesort")}(${keys})).put([${args.join(",")}]);`);
      }),
    settle: ([ts]) => {
      const state = step.init.map(() => cg.name("a"));
      state.forEach((s, i) => cg.emit(`let ${s}=${step.init[i]};`));
      cg.block(`if(${ts}!==null)`, () => {
        const [r, prev] = [cg.name("r"), cg.name("pr")];
        cg.emit(`${ts}.performSort();let ${prev}=null;`);
        cg.block(`for(let ${r}=${ts}.next();${r}!==null;${r}=${ts}.next())`, () => {
          const column = (from: string, i: number): Col => {
            const v = cg.name("c");
            cg.emit(`const ${v}=${from}[${i}];`);
            return { v, n: `${v}===null`, rep: repOfType(types[i]), inband: true };
          };
          if (distinct.length > 0) {
            cg.block(`if(${prev}!==null)`, () => {
              const same = distinct.map((d) => notDistinct(cg, d.ops, column(prev, d.at), column(r, d.at)));
              cg.emit(`if(${same.join("&&")})continue;`);
            });
            cg.emit(`${prev}=${r};`);
          }
          const args = tles.map((t, i) => ({ t, i })).filter((x) => !x.t.resjunk).map((x) => column(r, x.i));
          step.advance(state, args);
        });
        cg.emit(`${ts}.end();`);
      });
      return state;
    },
    final: (state, a) => step.final(state, a),
  };
}

function prosrcOf(fnOid: number, argTypes: number[], resultType: number, collation: number): string {
  return fnOid === 0 ? "" : execCatalog().proc({ fnOid, argTypes, resultType, collation }).prosrc;
}

/** Plain variables for count, sum, avg, min and max of numbers. */
function inlineStep(pc: PlanCompiler, agg: Aggref): Step | null {
  const { cg } = pc;
  const info = execCatalog().aggregate(agg.aggfnoid);
  const args = (agg.args as TargetEntry[]).filter((t) => !t.resjunk).map((t) => exprType(t.expr!));
  const trans = prosrcOf(info.transfn, [info.transtype, ...args], info.transtype, agg.inputcollid);
  const fin = prosrcOf(info.finalfn, [info.transtype], agg.aggtype, agg.inputcollid);
  const notNull = (c: Col, body: () => void): void => cg.block(c.n === "false" ? "" : `if(!(${c.n}))`, body);
  const i8 = (v: string, n: string): Col => ({ v, n, rep: "i8", inband: false });
  // The sum of int4 values stays a plain double, so that no number is made for a row; bigint only beyond 2^52. It starts
  // at -0 because that is no small integer: V8 then never expects one and need not learn better.
  const addInt = (s: string, high: string, a: Col): void => {
    cg.emit(`${s}+=${a.v};`);
    cg.emit(`if(${s}>4503599627370496||${s}<-4503599627370496){${high}=${cg.h("int8Add")}(${high},${s});${s}=0;}`);
  };
  switch (trans) {
    case "int8inc":
      return { init: ["0"], advance: ([s]) => cg.emit(`${s}++;`), final: ([s]) => i8(s, "false") };
    case "int8inc_any":
      return {
        init: ["0"],
        advance: ([s], [a]) => cg.emit(a.n === "false" ? `${s}++;` : `if(!(${a.n}))${s}++;`),
        final: ([s]) => i8(s, "false"),
      };
    case "int4_sum":
    case "int2_sum":
      return {
        init: ["-0", "0", "true"],
        advance: ([s, high, n], [a]) =>
          notNull(a, () => {
            addInt(s, high, a);
            cg.emit(`${n}=false;`);
          }),
        final: ([s, high, n]) => i8(`${cg.h("int8Add")}(${high},${s})`, n),
      };
    case "int4_avg_accum":
    case "int2_avg_accum":
      if (fin !== "int8_avg") return null;
      return {
        init: ["0", "-0", "0"],
        advance: ([c, s, high], [a]) =>
          notNull(a, () => {
            cg.emit(`${c}++;`);
            addInt(s, high, a);
          }),
        final: ([c, s, high]) => {
          const v = cg.tmp(`${cg.h("int8AvgFinal")}(${c},${cg.h("int8Add")}(${high},${s}))`);
          return { v, n: `${v}===null`, rep: "ref", inband: true };
        },
      };
    case "int8_avg_accum":
    case "numeric_avg_accum": {
      const add = trans === "int8_avg_accum" ? "addInt" : "addNumeric";
      return {
        init: [`new ${cg.h("NumericAggState")}(false)`],
        advance: ([s], [a]) =>
          notNull(a, () => {
            cg.emit(a.lazy !== undefined ? `${s}.addNumericAt(u8,${a.lazy});` : `${s}.${add}(${a.v});`);
          }),
        final: (state, x) => callFinal(pc, x, state[0]),
      };
    }
    case "float8_accum":
    case "float4_accum":
      return {
        init: [`new ${cg.h("Float8AggState")}()`],
        advance: ([s], [a]) => notNull(a, () => cg.emit(`${s}.add(${a.v});`)),
        final: ([s], x) => {
          const array = cg.tmp(`${s}.toArray()`);
          return callFinal(pc, x, array);
        },
      };
    case "float8pl":
      return {
        init: ["0", "true"],
        advance: ([s, n], [a]) =>
          notNull(a, () => cg.emit(`if(${n}){${s}=${a.v};${n}=false;}else ${s}=${cg.h("float8Add")}(${s},${a.v});`)),
        final: ([s, n]) => ({ v: s, n, rep: "num", inband: false }),
      };
  }
  const extreme = /^(int2|int4|int8|oid|date_|timestamp_|timestamptz_|time_|cash)(larger|smaller)$/.exec(trans);
  if (extreme !== null && fin === "") {
    const op = extreme[2] === "larger" ? ">" : "<";
    const rep = repOfType(agg.aggtype);
    return {
      init: ["0", "true"],
      advance: ([s, n], [a]) => notNull(a, () => cg.emit(`if(${n}||${a.v}${op}${s}){${s}=${a.v};${n}=false;}`)),
      final: ([s, n]) => ({ v: s, n, rep, inband: false }),
    };
  }
  if ((trans === "text_larger" || trans === "text_smaller") && execCatalog().collationIsBytes(agg.inputcollid)) {
    const op = trans === "text_larger" ? ">" : "<";
    return {
      init: ["null"],
      advance: ([s], [a]) =>
        notNull(a, () => {
          const order = a.lazy !== undefined
            ? `${cg.h("vlCompare")}(u8,${a.lazy},${s})`
            : `${cg.h("bytesCompare")}(${a.v},${s})`;
          cg.emit(`if(${s}===null||${order}${op}0)${s}=${cg.keep(a)};`);
        }),
      final: ([s]) => ({ v: s, n: `${s}===null`, rep: "ref", inband: true }),
    };
  }
  return null;
}

/** Calls the final function of `agg` on a state value (in band). */
function callFinal(pc: PlanCompiler, agg: Aggref, value: string): Col {
  const { cg } = pc;
  const info = execCatalog().aggregate(agg.aggfnoid);
  const rep = repOfType(agg.aggtype);
  if (info.finalfn === 0) return { v: value, n: `${value}===null`, rep, inband: true };
  const argTypes = (agg.args as TargetEntry[]).map((t) => exprType(t.expr!));
  const proc = execCatalog().proc({
    fnOid: info.finalfn,
    argTypes: info.finalextra ? [info.transtype, ...argTypes] : [info.transtype],
    resultType: agg.aggtype,
    collation: agg.inputcollid,
  });
  const extra = info.finalextra ? argTypes.map(() => ",null").join("") : "";
  const call = `${cg.slot(proc.fn)}(${value}${extra})`;
  const strictNull = proc.strict && info.finalextra && argTypes.length > 0;
  const v = cg.tmp(strictNull ? "null" : proc.strict ? `(${value}===null?null:${call})` : call);
  return { v, n: `${v}===null`, rep, inband: true };
}

/** Any aggregate by its transition function. */
function generalStep(pc: PlanCompiler, agg: Aggref): Step {
  const { cg } = pc;
  const cat = execCatalog();
  const info = cat.aggregate(agg.aggfnoid);
  const argTypes = (agg.args as TargetEntry[]).filter((t) => !t.resjunk).map((t) => exprType(t.expr!));
  const transtype = agg.aggtranstype !== 0 ? agg.aggtranstype : info.transtype;
  const proc = cat.proc({
    fnOid: info.transfn,
    argTypes: [transtype, ...argTypes],
    resultType: transtype,
    collation: agg.inputcollid,
    variadic: agg.aggvariadic,
  });
  const fn = cg.slot(proc.fn);
  const call = (s: string, args: readonly Col[]): void =>
    cg.emit(`${s}=${cg.h("keep")}(${fn}(${[s, ...args.map((a) => cg.datum(a))].join(",")}));`);
  const final = (state: readonly string[], a: Aggref): Col => callFinal(pc, a, state[0]);
  if (!proc.strict) {
    return { init: [initValue(pc, info.initval)], advance: ([s], args) => call(s, args), final };
  }
  const guarded = (args: readonly Col[], body: () => void): void => {
    const n = orNulls(args.map((a) => a.n));
    cg.block(n === "false" ? "" : `if(!(${n}))`, body);
  };
  if (info.initval !== null) {
    return {
      init: [initValue(pc, info.initval)],
      advance: ([s], args) => guarded(args, () => cg.block(`if(${s}!==null)`, () => call(s, args))),
      final,
    };
  }
  // Strict without an initial value: the first non-null input is the state. A state that became null stays null.
  return {
    init: ["undefined"],
    advance: ([s], args) =>
      guarded(args, () => {
        cg.emit(`if(${s}===undefined)${s}=${cg.keep(args[0])};`);
        cg.block(`else if(${s}!==null)`, () => call(s, args));
      }),
    final: ([s], a) => callFinal(pc, a, cg.tmp(`(${s}??null)`)),
  };
}
function initValue(pc: PlanCompiler, d: unknown): string {
  return d === null ? "null" : pc.cg.slot(d);
}

/** The Aggrefs of an Agg node's output, by aggno, and their transitions by aggtransno. */
export class AggStates {
  readonly aggs: Aggref[] = [];
  private readonly transitions: { t: Transition; fields: number[] }[] = [];
  readonly fieldInits: string[] = [];

  constructor(private readonly pc: PlanCompiler, found: Iterable<Node>) {
    for (const n of found) {
      if (n.type !== "Aggref") continue;
      this.aggs[n.aggno] = n;
      if (this.transitions[n.aggtransno] === undefined) {
        const t = compileTransition(pc, n);
        const fields = t.init.map((code) => this.fieldInits.push(code) - 1);
        this.transitions[n.aggtransno] = { t, fields };
      }
    }
  }
  /** Steps all transitions; `field` names field i of the state. */
  advance(field: (i: number) => string, row: RowSource): void {
    for (const tr of this.transitions) tr?.t.advance(tr.fields.map(field), row);
  }
  /** Final values by aggno; `env` is where direct arguments find the group's columns. */
  final(field: (i: number) => string, env: ExprEnv): Col[] {
    const settled = this.transitions.map((tr) => tr === undefined ? [] : tr.t.settle(tr.fields.map(field)));
    return this.aggs.map((a) => {
      const tr = this.transitions[a.aggtransno];
      return this.pc.cg.stable(tr.t.final(settled[a.aggtransno], a, env));
    });
  }
}
