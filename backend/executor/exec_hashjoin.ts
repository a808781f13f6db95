/**
 * HashJoin: the inner side fills a hash table, the outer side's loop probes it.
 *
 * Two forms. In line: inner, left, semi and anti joins whose inner side is expected to fit hash memory; the code behind the
 * join stands in the probe loop, which stands in the outer side's loop. General: right and full joins and joins with more
 * than one batch fetch outer rows one at a time, because rows come from three sources (the child, batch files, the
 * unmatched rows of the table). Where an estimate was wrong, the in-line form asks for the statement to be run again with
 * batches if nothing has been sent yet (HashJoinOverflow), and goes on beyond its limit if something has.
 * Follows src/backend/executor/{nodeHash.c,nodeHashjoin.c}.
 */
import { guc } from "../../conf/guc_values.ts";
import type { Hash, HashJoin, Node, OpExpr, Plan } from "../nodes/nodes.ts";
import { type Col, Memo, type RowSource } from "./exec_codegen.ts";
import type { Consume, PlanCompiler, Produce } from "./exec_compile.ts";
import { INNER_VAR, OUTER_VAR } from "./exec_expr_compile.ts";
import { anyNull, emitHash, type KeyOps, keyOps } from "./exec_keys.ts";
import { ALL_NULLS, nullableRow } from "./exec_stored_row.ts";
import { varAttnos } from "./exec_walk.ts";

interface Parts {
  plan: HashJoin;
  hash: Hash;
  ops: KeyOps[];
  outerCols: Set<number>;
  innerCols: number[];
}

/** Names of the fields of a table entry: h hash, n next in bucket, m matched, then the inner columns. */
const field = (attno: number): string => `c${attno}`;

export const produceHashJoin: Produce<HashJoin> = (pc, plan, needed, consume) => {
  const hash = plan.righttree as Hash;
  const innerCols = pc.columnsUsed(plan, INNER_VAR, needed);
  // Key expressions of the inner side belong to the Hash node, over its child's columns.
  const clauses = plan.hashclauses as OpExpr[];
  const ops = clauses.map((c, i) => keyOps(c.opno, plan.hashcollations[i] ?? c.inputcollid));
  const parts: Parts = {
    plan,
    hash,
    ops,
    outerCols: pc.columnsUsed(plan, OUTER_VAR, needed),
    innerCols: [...innerCols].sort((a, b) => a - b),
  };
  const t = plan.jointype;
  const inline = t === "JOIN_INNER" || t === "JOIN_LEFT" || t === "JOIN_SEMI" || t === "JOIN_ANTI";
  if (inline && !pc.forceBatches.has(plan.plan_node_id) && expectedBytes(hash) <= hashMemoryBytes()) {
    inlineJoin(pc, parts, consume);
  } else generalJoin(pc, parts, consume);
};

/** get_hash_memory_limit(). */
export function hashMemoryBytes(): number {
  return guc.work_mem * 1024 * guc.hash_mem_multiplier;
}
/** Rows that the table is made for. */
function expectedEntries(hash: Plan): number {
  return Math.min(Math.max(16, Math.ceil(hash.plan_rows)), 1 << 22);
}
function expectedBytes(hash: Plan): number {
  return hash.plan_rows * (hash.plan_width + 64);
}

/** Emits an entry from the inner row; its columns keep what is known of their nullness. */
function entryFields(pc: PlanCompiler, innerCols: readonly number[], row: RowSource, known: Map<number, Col>): string {
  return innerCols.map((a) => {
    const col = row.get(a);
    known.set(a, col);
    return `,${field(a)}:${pc.cg.keep(col)}`;
  }).join("");
}
/** Bytes of the strings of an entry, for the memory account. */
function entryBytes(innerCols: readonly number[], known: Map<number, Col>, entry: string): string {
  const fixed = 72 + innerCols.length * 8;
  const strings = innerCols.filter((a) => known.get(a)!.rep === "ref").map((a) => {
    return `+(${entry}.${field(a)}===null?0:(${entry}.${field(a)}.length|0)+64)`;
  });
  return `${fixed}${strings.join("")}`;
}
/** The inner row of entry `e`. */
function entryRow(pc: PlanCompiler, e: string, known: Map<number, Col>): RowSource {
  const memo = new Memo();
  const { cg } = pc;
  return {
    get: (a) =>
      cg.memo(memo, a, () => {
        const k = known.get(a);
        if (k === undefined) throw new Error(`inner column ${a} was not stored`);
        const v = cg.name("c");
        cg.emit(`const ${v}=${e}.${field(a)};`);
        return { v, n: k.n === "false" ? "false" : `${v}===null`, rep: k.rep, inband: true };
      }),
  };
}

/** Inner operands of the hash clauses, in terms of the join's inner row, to compare with in the table. */
function clauseArgs(plan: HashJoin): { outer: Node[]; inner: Node[] } {
  const clauses = plan.hashclauses as OpExpr[];
  return { outer: clauses.map((c) => c.args[0]), inner: clauses.map((c) => c.args[1]) };
}

function inlineJoin(pc: PlanCompiler, p: Parts, consume: Consume): void {
  const { cg, exprs } = pc;
  const { plan, hash, ops, outerCols, innerCols } = p;
  const table = cg.decl("ht", "null");
  cg.onEnd(`${table}=null;`);
  const known = new Map<number, Col>();
  const build = cg.name("b");
  const childCols = new Set(innerCols);
  varAttnos(hash.hashkeys, OUTER_VAR, childCols);
  for (const a of innerCols) childCols.add(a);
  pc.inFunction(build, () => {
    const t = cg.name("t");
    cg.emit(
      `const ${t}=${table}=new ${cg.h("JoinTable")}(${cg.slot(expectedEntries(hash))});`,
    );
    pc.produceHash(hash, childCols, (row) => {
      const keys = hash.hashkeys.map((k) => cg.stableLazy(exprs.compile(k, { outer: row })));
      const isnull = anyNull(keys);
      cg.block(isnull === "false" ? "" : `if(!(${isnull}))`, () => {
        const h = emitHash(cg, ops, keys, "right");
        const e = cg.name("e");
        cg.emit(`const ${e}={h:${h},n:null,m:false${entryFields(pc, innerCols, row, known)}};`);
        cg.emit(`${t}.add(${e});${t}.bytes+=${entryBytes(innerCols, known, e)};`);
        cg.emit(`if(${t}.bytes>${t}.limit)X.hashJoinOverflow(${cg.slot(plan.plan_node_id)},${t});`);
      });
    });
    if (cg.options.instrument) cg.emit(`${pc.instr(hash.plan_node_id)}.hash=${t};`);
  });
  pc.breakerOf(hash, () => cg.emit(`${build}();`));

  const { jointype } = plan;
  const T = cg.name("T");
  cg.emit(`const ${T}=${table};`);
  const label = cg.name("L");
  // Nothing in the table: no row can come out of an inner or semi join.
  const guard = jointype === "JOIN_INNER" || jointype === "JOIN_SEMI" ? `if(${T}.count!==0)` : "";
  const { outer: outerArgs, inner: innerArgs } = clauseArgs(plan);
  cg.block(guard, () =>
    pc.produce(plan.lefttree!, outerCols, (outer) => {
      const keys = outerArgs.map((k) => cg.stableLazy(exprs.compile(k, { outer })));
      for (const a of varAttnos([plan.joinqual], OUTER_VAR)) outer.get(a);
      const isnull = anyNull(keys);
      const e = cg.name("e");
      const m = cg.name("m");
      const h = cg.name("h");
      cg.emit(`let ${e}=null,${h}=0;`);
      cg.block(isnull === "false" ? "" : `if(!(${isnull}))`, () => {
        const hh = emitHash(cg, ops, keys, "left");
        cg.emit(`${h}=${hh};${e}=${T}.buckets[${h}&${T}.mask];`);
      });
      const keysEqual = (entry: RowSource): string =>
        ops.map((op, i) => op.equal(cg, keys[i], exprs.rec(innerArgs[i], { outer, inner: entry }))).join("&&");
      const emitRow = (inner: RowSource): void => {
        const env = { outer, inner };
        exprs.qual(plan.qual, env, () => consume(pc.project(plan.targetlist, env)), pc.filtered(plan, "nfiltered2"));
      };
      const matchLoop = (onMatch: (entry: RowSource) => void): void => {
        cg.block(`${label}:for(;${e}!==null;${e}=${e}.n)`, () => {
          cg.emit(`if(${e}.h!==${h})continue;`);
          const entry = entryRow(pc, e, known);
          exprs.readVars(innerArgs, { outer, inner: entry });
          cg.block(`if(${keysEqual(entry)})`, () =>
            exprs.qual(plan.joinqual, { outer, inner: entry }, () => onMatch(entry), pc.filtered(plan)));
        });
      };
      switch (jointype) {
        case "JOIN_INNER":
        case "JOIN_SEMI":
          for (const a of outerCols) {
            outer.get(a);
          }
          matchLoop((entry) => {
            emitRow(entry);
            // A semi join gives the first match; the planner may ask for its inner columns, too.
            if (plan.inner_unique || jointype === "JOIN_SEMI") {
              cg.emit(`break ${label};`);
            }
          });
          break;
        case "JOIN_ANTI":
          cg.emit(`let ${m}=false;`);
          matchLoop(() =>
            cg.emit(`${m}=true;break ${label};`)
          );
          cg.block(`if(!${m})`, () => emitRow(ALL_NULLS));
          break;
        default: {
          // Left join: the search for the next match and the code behind the join alternate in one loop.
          for (const a of outerCols) outer.get(a);
          cg.emit(`let ${m}=false;`);
          cg.block("for(;;)", () => {
            matchLoop(() => cg.emit(`${m}=true;break ${label};`));
            const has = cg.name("has");
            cg.emit(`const ${has}=${e}!==null;`);
            cg.emit(`if(!${has}&&${m})break;`);
            const cur = cg.name("e");
            cg.emit(`const ${cur}=${e}??${T}.nullEntry;`);
            emitRow(nullableRow(cg, entryRow(pc, cur, known), has));
            cg.emit(plan.inner_unique ? "break;" : `if(!${has})break;${e}=${e}.n;`);
          });
        }
      }
    }));
}

function generalJoin(pc: PlanCompiler, p: Parts, consume: Consume): void {
  const { cg, exprs } = pc;
  const { plan, hash, ops, outerCols } = p;
  const innerCols = p.innerCols;
  const { jointype } = plan;
  const fillOuter = jointype === "JOIN_LEFT" || jointype === "JOIN_FULL" || jointype === "JOIN_ANTI";
  const fillInner = jointype === "JOIN_RIGHT" || jointype === "JOIN_FULL" || jointype === "JOIN_RIGHT_ANTI";
  const state = cg.decl("hj", "null");
  cg.onEnd(`if(${state}!==null){${state}.end();${state}=null;}`);
  const known = new Map<number, Col>();
  const build = cg.name("b");
  const childCols = new Set(innerCols);
  varAttnos(hash.hashkeys, OUTER_VAR, childCols);
  const make = cg.name("mk");
  pc.inFunction(build, () => {
    const t = cg.name("t");
    cg.emit(`if(${state}!==null)${state}.end();`);
    cg.emit(
      `const ${t}=${state}=new ${cg.h("HashJoinState")}(${cg.slot(expectedEntries(hash))},${make},${
        cg.slot(innerCols.map(field))
      });`,
    );
    pc.produceHash(hash, childCols, (row) => {
      const keys = hash.hashkeys.map((k) => cg.stableLazy(exprs.compile(k, { outer: row })));
      const isnull = anyNull(keys);
      const emitAdd = (h: string): void => {
        const e = cg.name("e");
        cg.emit(`const ${e}={h:${h},n:null,m:false${entryFields(pc, innerCols, row, known)}};`);
        cg.emit(`${t}.addInner(${e},${entryBytes(innerCols, known, e)});`);
      };
      if (fillInner && isnull !== "false") {
        // A null key never matches; the row is kept for its unmatched appearance, where no probe finds it.
        const h = cg.name("h");
        cg.emit(`let ${h}=0;`);
        cg.block(`if(!(${isnull}))`, () => cg.emit(`${h}=${emitHash(cg, ops, keys, "right")};`));
        emitAdd(h);
      } else {
        cg.block(isnull === "false" ? "" : `if(!(${isnull}))`, () => emitAdd(emitHash(cg, ops, keys, "right")));
      }
    });
    cg.emit(`${t}.finishBuild();`);
    if (cg.options.instrument) cg.emit(`${pc.instr(hash.plan_node_id)}.hash=${t}.table;`);
  });
  cg.func(
    "function",
    make,
    "h,r",
    () => cg.emit(`return {h,n:null,m:false${innerCols.map((a, i) => `,${field(a)}:r[${i + 1}]`).join("")}};`),
  );
  // The state is used up by a pass unless there is one batch: build it anew for each.
  cg.emit(`${build}();`);

  // Outer rows: from the child in batch 0, from files after it, always in variables of the plan instance.
  const vars = new Map<number, Col>();
  const g = cg.name("g");
  const it = cg.decl("it", "null");
  cg.onEnd(`${it}=null;`);
  const columns = [...outerCols].sort((a, b) => a - b);
  cg.func("function*", g, "", () => {
    pc.produce(plan.lefttree!, outerCols, (row) => {
      for (const a of columns) {
        const col = row.get(a);
        const v = vars.get(a)?.v ?? cg.decl("rv", "null");
        cg.emit(`${v}=${cg.datum(col)};`);
        vars.set(a, { v, n: col.n === "false" ? "false" : `${v}===null`, rep: col.rep, inband: true });
      }
      cg.emit("yield;");
    });
  });
  cg.emit(`${it}=${g}();`);
  const outer: RowSource = { get: (a) => vars.get(a)! };
  const { outer: outerArgs, inner: innerArgs } = clauseArgs(plan);
  const [S, e, m, st, h, has, hasO, keysNull] = ["S", "e", "m", "st", "h", "has", "ho", "kn"].map((x) => cg.name(x));
  const ent = cg.name("ent");
  // st: 0 wants an outer row, 1 walks a bucket, 2 walks the table's unmatched entries.
  cg.emit(`const ${S}=${state};let ${e}=null,${m}=false,${st}=0,${h}=0,${keysNull}=false;`);
  cg.block("for(;;)", () => {
    cg.emit(`let ${has}=true,${hasO}=true,${ent}=null;`);
    cg.block(`if(${st}===0)`, () => {
      cg.emit(`${cg.h("checkForInterrupts")}();`);
      cg.block(`if(${S}.batch===0)`, () => {
        cg.block(`if(${it}.next().done)`, () => cg.emit(`${st}=2;${S}.startUnmatched();continue;`));
      });
      cg.block("else", () => {
        const row = cg.name("row");
        cg.emit(`const ${row}=${S}.nextOuter();`);
        cg.block(`if(${row}===null)`, () => cg.emit(`${st}=2;${S}.startUnmatched();continue;`));
        columns.forEach((a, i) => cg.emit(`${vars.get(a)!.v}=${row}[${i + 1}];`));
      });
      const keys = outerArgs.map((k) => cg.stableLazy(exprs.compile(k, { outer })));
      const isnull = anyNull(keys);
      cg.emit(`${keysNull}=${isnull};`);
      cg.block(`if(!${keysNull})`, () => {
        cg.emit(`${h}=${emitHash(cg, ops, keys, "left")};`);
        cg.block(`if(${S}.batchOf(${h})!==${S}.batch)`, () => {
          cg.emit(`${S}.saveOuter(${h},[${h},${columns.map((a) => cg.keep(vars.get(a)!)).join(",")}]);continue;`);
        });
        cg.emit(`${e}=${S}.table.buckets[${h}&${S}.table.mask];`);
      });
      cg.emit(`else ${e}=null;${m}=false;${st}=1;`);
    });
    cg.block(`if(${st}===1)`, () => {
      const label = cg.name("L");
      cg.block(`${label}:for(;${e}!==null;${e}=${e}.n)`, () => {
        cg.emit(`if(${e}.h!==${h})continue;`);
        if (jointype === "JOIN_RIGHT_SEMI") cg.emit(`if(${e}.m)continue;`);
        const entry = entryRow(pc, e, known);
        const env = { outer, inner: entry };
        const outerKeys = outerArgs.map((k) => cg.stableLazy(exprs.compile(k, env)));
        const innerKeys = innerArgs.map((k) => cg.stableLazy(exprs.compile(k, env)));
        const nulls = anyNull(innerKeys);
        const eq = ops.map((op, i) => op.equal(cg, outerKeys[i], innerKeys[i])).join("&&");
        cg.block(
          `if(${nulls === "false" ? "" : `!(${nulls})&&`}${eq})`,
          () =>
            exprs.qual(plan.joinqual, env, () => cg.emit(`${m}=true;${e}.m=true;break ${label};`), pc.filtered(plan)),
        );
      });
      cg.block(`if(${e}===null)`, () => {
        cg.emit(`${st}=0;`);
        if (fillOuter) cg.emit(`if(${m})continue;${has}=false;`);
        else cg.emit("continue;");
      });
      cg.block("else", () => {
        if (jointype === "JOIN_ANTI" || jointype === "JOIN_RIGHT_ANTI") {
          cg.emit(jointype === "JOIN_ANTI" ? `${st}=0;continue;` : `${e}=${e}.n;continue;`);
        } else {
          cg.emit(`${ent}=${e};${e}=${e}.n;`);
          if (jointype === "JOIN_SEMI" || (plan.inner_unique && !fillInner)) cg.emit(`${st}=0;`);
        }
      });
    });
    cg.block("else", () => {
      if (fillInner) {
        cg.emit(`${ent}=${S}.nextUnmatched();`);
        cg.emit(`if(${ent}===null){if(!${S}.nextBatch())break;${st}=0;continue;}`);
        cg.emit(`${hasO}=false;`);
      } else cg.emit(`if(!${S}.nextBatch())break;${st}=0;continue;`);
    });
    const cur = cg.name("e");
    cg.emit(`const ${cur}=${ent}??${S}.table.nullEntry;`);
    const innerRow = entryRow(pc, cur, known);
    const env = {
      outer: fillInner ? nullableRow(cg, outer, hasO) : outer,
      inner: fillOuter ? nullableRow(cg, innerRow, has) : innerRow,
    };
    exprs.qual(plan.qual, env, () => consume(pc.project(plan.targetlist, env)), pc.filtered(plan, "nfiltered2"));
  });
}
