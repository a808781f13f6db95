/**
 * Memoize: remembers the rows of its child for each set of parameter values, up to hash memory; the least recently used
 * entries go first. Follows src/backend/executor/nodeMemoize.c.
 */
import type { Memoize } from "../nodes/nodes.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { rowBytes } from "../utils/sort/buffile.ts";
import type { Produce } from "./exec_compile.ts";
import { hashMemoryBytes } from "./exec_hashjoin.ts";
import { StoredRow } from "./exec_stored_row.ts";

export const produceMemoize: Produce<Memoize> = (pc, plan, needed, consume) => {
  const { cg } = pc;
  const stored = new StoredRow(cg, [...needed].sort((a, b) => a - b));
  const cache = cg.decl("mc", "null");
  cg.onEnd(`${cache}=null;`);
  // Parameters besides the keys that the child depends on: when they change everything remembered is void.
  const keyIds = new Set(plan.keyparamids ?? []);
  const others = [...pc.paramsOf(plan.lefttree!)].filter((id) => !keyIds.has(id));
  const versions = others.map((id) => pc.versionVar(id)).join("+");
  const seen = cg.decl("mv", "-1");
  cg.onStart(`${seen}=-1;`);
  const version = versions === "" ? "0" : versions;
  cg.emit(`if(${cache}===null||${seen}!==${version}){${seen}=${version};${cache}=new ${cg.h("MemoizeCache")}();}`);
  if (cg.options.instrument) cg.emit(`${pc.instr(plan.plan_node_id)}.memoize=${cache};`);
  const keys = plan.param_exprs.map((e) => cg.keep(pc.exprs.compile(e, {})));
  const [key, rows, e, i, list] = ["key", "rows", "e", "i", "list"].map((x) => cg.name(x));
  cg.emit(`const ${key}=${cg.h("memoKey")}([${keys.join(",")}]);`);
  cg.emit(`let ${rows}=${cache}.find(${key});`);
  const fill = cg.name("mf");
  cg.func("function", fill, "", () => {
    cg.emit(`const ${list}=[];`);
    pc.produce(plan.lefttree!, needed, (row) => {
      cg.emit(`${list}.push(${stored.write(row)});`);
      if (plan.singlerow) cg.emit(`return ${list};`);
    });
    cg.emit(`return ${list};`);
  });
  cg.emit(`if(${rows}===undefined){${rows}=${fill}();${cache}.store(${key},${rows});}`);
  cg.block(`for(let ${i}=0;${i}<${rows}.length;${i}++)`, () => {
    cg.emit(`const ${e}=${rows}[${i}];`);
    consume(stored.read(e));
  });
};

/** A key that is equal exactly for equal images. */
export function memoKey(values: readonly Datum[]): string | number {
  if (values.length === 1 && typeof values[0] === "number") return values[0];
  let s = "";
  for (const d of values) {
    if (d instanceof Uint8Array) {
      s += `b${d.length}:`;
      for (let i = 0; i < d.length; i++) s += String.fromCharCode(d[i]);
    } else s += d === null ? "n;" : `${typeof d === "boolean" ? "t" : "d"}${String(d)};`;
  }
  return s;
}

export class MemoizeCache {
  private readonly entries = new Map<string | number, { rows: Datum[][]; bytes: number }>();
  private bytes = 0;
  private readonly limit = hashMemoryBytes();
  hits = 0;
  misses = 0;
  evictions = 0;
  overflows = 0;

  find(key: string | number): Datum[][] | undefined {
    const e = this.entries.get(key);
    if (e === undefined) {
      this.misses++;
      return undefined;
    }
    this.hits++;
    // Map order is age: move to the young end.
    this.entries.delete(key);
    this.entries.set(key, e);
    return e.rows;
  }
  store(key: string | number, rows: Datum[][]): void {
    let bytes = 96;
    for (const r of rows) bytes += rowBytes(r);
    if (bytes > this.limit) {
      this.overflows++;
      return;
    }
    this.entries.set(key, { rows, bytes });
    this.bytes += bytes;
    for (const [k, e] of this.entries) {
      if (this.bytes <= this.limit) break;
      this.entries.delete(k);
      this.bytes -= e.bytes;
      this.evictions++;
    }
  }
}
