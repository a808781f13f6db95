/**
 * Code generation: the buffer that plan nodes and expressions write JavaScript into, its scopes, slots and columns.
 *
 * One CodeGen makes the source of one plan: a factory `(K, H) => …` whose closure variables are the state of a plan
 * instance and whose functions are its pipelines. Invariants:
 *   1. Text comes from us alone: identifiers are numbered, constants, functions and descriptors enter by slot (`K[i]`),
 *      library routines by name (`H.name`). Two plans of one shape have one text, and V8 compiles it once.
 *   2. A name is used only while the block that declared it is open. memo() enforces it: a column computed in a block
 *      that has been closed is computed again.
 *   3. Code in one function never names a local of another; what crosses is declared at factory level (decl()).
 * Follows the produce/consume model; stands where src/backend/executor/{execTuples,execExprInterp}.c stand.
 */
import { assert } from "../../base/assert.ts";
import type { Oid } from "../../base/types.ts";
import { AttKind, attKindOf } from "../access/common/tupmacs.ts";

/**
 * How a value is held in a JavaScript variable.
 *   i32   int2, int4, date, "char": a 32-bit integer      num   oid, float4, float8, tid: any number
 *   i8    int8 and its like: number, or bigint beyond 2^53     bool  boolean     ref   Uint8Array, RecordDatum, object
 */
export type Rep = "i32" | "num" | "i8" | "bool" | "ref";

/** A value that generated code holds. */
export interface Col {
  /** Expression of the value; any value of its representation where `n` holds (null if inband). */
  readonly v: string;
  /** Expression that is true when the value is null; "false" if it never is. */
  readonly n: string;
  readonly rep: Rep;
  /** True if `v` itself is null when the value is. */
  readonly inband: boolean;
  /** The value is a varlena still on its pinned page: expression of its offset in mem, 0 for null. Then `v` is "". */
  readonly lazy?: string;
}

/** Columns of the row that flows through a pipeline, by attribute number; get() may emit code. */
export interface RowSource {
  get(attno: number): Col;
}

export const NULL_COL: Col = { v: "null", n: "true", rep: "ref", inband: true };

const REP_OF_KIND: Readonly<Record<number, Rep>> = {
  [AttKind.BOOL]: "bool",
  [AttKind.CHAR]: "i32",
  [AttKind.INT2]: "i32",
  [AttKind.INT4]: "i32",
  [AttKind.UINT4]: "num",
  [AttKind.INT8]: "i8",
  [AttKind.UINT8]: "i8",
  [AttKind.FLOAT4]: "num",
  [AttKind.FLOAT8]: "num",
  [AttKind.TID]: "num",
};
export function repOfKind(kind: AttKind): Rep {
  return REP_OF_KIND[kind] ?? "ref";
}

/** Length and by-value flag of a type, from the catalog; installed by exec_catalog.ts. */
export type TypeStorage = (type: Oid) => { typlen: number; typbyval: boolean };
let typeStorage: TypeStorage = () => ({ typlen: -1, typbyval: false });
export function installTypeStorage(fn: TypeStorage): void {
  typeStorage = fn;
}

const repCache = new Map<Oid, Rep>();
/** Representation of values of `type`. */
export function repOfType(type: Oid): Rep {
  let rep = repCache.get(type);
  if (rep !== undefined) return rep;
  if (type < 10000) {
    // Built-in types that are passed by value are all known to attKindOf() by OID.
    const kind = attKindOf(type, -1, false);
    rep = type === 2281 || type === 2275 ? "ref" : repOfKind(kind);
  } else {
    const t = typeStorage(type);
    rep = repOfKind(attKindOf(type, t.typlen, t.typbyval));
  }
  if (type < 16384) repCache.set(type, rep);
  return rep;
}

/** Neutral value of a representation, for variables declared before they are set. */
export function zeroOf(rep: Rep): string {
  return rep === "ref" ? "null" : rep === "bool" ? "false" : "0";
}

/** Joins null tests; "false" if none can hold. */
export function orNulls(tests: readonly string[]): string {
  const t = [...new Set(tests.filter((x) => x !== "false"))];
  if (t.includes("true")) return "true";
  return t.length === 0 ? "false" : t.length === 1 ? t[0] : `(${t.join("||")})`;
}

interface MemoEntry {
  col: Col;
  scope: number;
}
/** Columns computed so far, each valid while the block that computed it is open. */
export class Memo {
  readonly entries = new Map<string | number, MemoEntry>();
}

/** What EXPLAIN ANALYZE wants generated code to count. */
export interface CodeGenOptions {
  /** Rows and loops of every node. */
  readonly instrument: boolean;
  /** Clock readings at every boundary between nodes. */
  readonly timing: boolean;
  /** Scans return the substitute tuples of EvalPlanQual. */
  readonly epq: boolean;
}

const VIEWS = ["u8", "u16", "i16", "u32", "i32", "f64"] as const;

export class CodeGen {
  readonly slots: unknown[] = [];
  private readonly slotNames = new Map<unknown, string>();
  private readonly helpers = new Set<string>();
  private readonly decls: string[] = [];
  private readonly funcs: string[] = [];
  private readonly starts: string[] = [];
  private readonly ends: string[] = [];
  private buf: string[] = [];
  private scopes: number[] = [0];
  /** The function being written suspends: it is a generator. */
  private suspends = false;
  /** Variables of the function being written that each row changes: the states of a plain aggregate. */
  carried: readonly string[] = [];
  private nextScope = 1;
  private uid = 0;

  constructor(readonly options: CodeGenOptions) {}

  /** A fresh identifier; the underscore keeps it apart from slots (k1) and memory views (i32). */
  name(prefix: string): string {
    return `${prefix}_${++this.uid}`;
  }
  /** Puts a value into the context; returns the factory-level constant that holds it. */
  slot(value: unknown): string {
    // A Map takes -0 for 0, but they are two float8 values.
    if (Object.is(value, -0)) return `k${this.slots.push(value) - 1}`;
    let name = this.slotNames.get(value);
    if (name === undefined) {
      name = `k${this.slots.length}`;
      this.slots.push(value);
      this.slotNames.set(value, name);
    }
    return name;
  }
  /** Name of a library routine of exec_runtime.ts. */
  h(name: string): string {
    this.helpers.add(name);
    return `$${name}`;
  }
  /** Declares a variable of the plan instance; returns its name. */
  decl(prefix: string, init: string): string {
    const n = this.name(prefix);
    this.decls.push(`let ${n}=${init};`);
    return n;
  }
  /** Adds statements that run when the instance starts (after X is set), and when it ends. */
  onStart(code: string): void {
    this.starts.push(code);
  }
  onEnd(code: string): void {
    this.ends.push(code);
  }

  emit(line: string): void {
    this.buf.push(line);
  }
  /** Emits `head{ … }` around what `body` emits. */
  block(head: string, body: () => void): void {
    this.buf.push(`${head}{`);
    this.scopes.push(this.nextScope++);
    body();
    this.scopes.pop();
    this.buf.push("}");
  }
  /** `if(cond){ then }else{ other }`. */
  ifElse(cond: string, then: () => void, other: () => void): void {
    this.block(`if(${cond})`, then);
    this.buf.pop();
    this.block("}else", other);
  }
  /** What `body` emits, as text, in a scope of its own. */
  capture(body: () => void): string {
    const saved = this.buf;
    this.buf = [];
    this.scopes.push(this.nextScope++);
    body();
    this.scopes.pop();
    const text = this.buf.join("\n");
    this.buf = saved;
    return text;
  }
  /** Declares a function of the plan instance; its body starts with the memory views it uses. */
  func(kind: "function" | "function*", name: string, params: string, body: () => void): void {
    const savedBuf = this.buf;
    const savedScopes = this.scopes;
    const savedSuspends = this.suspends;
    const savedCarried = this.carried;
    this.carried = [];
    this.buf = [];
    this.scopes = [0, this.nextScope++];
    this.suspends = kind === "function*";
    body();
    const text = this.buf.join("\n");
    this.buf = savedBuf;
    this.scopes = savedScopes;
    this.suspends = savedSuspends;
    this.carried = savedCarried;
    this.funcs.push(`${kind} ${name}(${params}){\n${this.views(text)}${text}\n}`);
  }
  /** Declarations of the memory views that `text` uses. */
  private views(text: string): string {
    const used = VIEWS.filter((v) => new RegExp(`\\b${v}\\b`).test(text));
    if (used.length === 0) return "";
    this.helpers.add("mem");
    return `const ${used.map((v) => `${v}=$mem.${v}`).join(",")};\n`;
  }
  /** True where code runs once in its function: no loop around it, nor a generator's function. */
  get atTopOfFunction(): boolean {
    return !this.suspends && this.scopes.length === 2;
  }
  /**
   * The text of a function expression with body `text`, nested in the one being written; null if `text` leaves the place
   * where it stands by other ways than its end. `carried` are variables of the enclosing function that it works on
   * through `homes`, captured variables that hold them between calls, so that they stay in registers inside.
   */
  nested(params: string, text: string, carried: readonly string[], homes: readonly string[]): string | null {
    if (/\b(yield|return)\b/.test(text)) return null;
    for (const [, label] of text.matchAll(/\b(?:break|continue) (\w+)/g)) {
      if (!new RegExp(`\\b${label}:`).test(text)) return null;
    }
    const load = carried.map((v, i) => `let ${v}=${homes[i]};`).join("");
    const save = carried.map((v, i) => `${homes[i]}=${v};`).join("");
    return `(${params})=>{\n${this.views(text)}${load}\n${text}\n${save}}`;
  }

  /** A column that get() computed under `key`, computed anew if its block has been closed. */
  memo(memo: Memo, key: string | number, make: () => Col): Col {
    const e = memo.entries.get(key);
    if (e !== undefined && this.scopes.includes(e.scope)) return e.col;
    const col = make();
    memo.entries.set(key, { col, scope: this.scopes[this.scopes.length - 1] });
    return col;
  }
  /** Remembers that `col` belongs to the current block. */
  remember(memo: Memo, key: string | number, col: Col): void {
    memo.entries.set(key, { col, scope: this.scopes[this.scopes.length - 1] });
  }

  private readonly materialised = new Memo();
  /** A column with a usable `v`: a varlena on a page becomes a Uint8Array, a view of the page where it is plain. */
  val(col: Col): Col {
    if (col.lazy === undefined) return col;
    const lazy = col.lazy;
    return this.memo(this.materialised, lazy, () => {
      const t = this.name("m");
      this.emit(`const ${t}=${col.n === "false" ? "" : `${lazy}===0?null:`}${this.h("vl")}(u8,${lazy});`);
      return { v: t, n: col.n === "false" ? "false" : `${t}===null`, rep: "ref", inband: true };
    });
  }
  /** The column as a Datum expression: null in band. */
  datum(col: Col): string {
    const c = this.val(col);
    if (c.inband || c.n === "false") return c.v;
    return c.n === "true" ? "null" : `(${c.n}?null:${c.v})`;
  }
  /** As datum(), and safe to keep after the page is unpinned. */
  keep(col: Col): string {
    if (col.lazy !== undefined) {
      const copy = `${this.h("vlCopy")}(u8,${col.lazy})`;
      return col.n === "false" ? copy : `(${col.lazy}===0?null:${copy})`;
    }
    return col.rep === "ref" ? `${this.h("keep")}(${this.datum(col)})` : this.datum(col);
  }
  /** Binds an expression to a constant, unless it already is a plain name. */
  tmp(expr: string): string {
    if (/^[\w$.]+$/.test(expr)) return expr;
    const t = this.name("t");
    this.emit(`const ${t}=${expr};`);
    return t;
  }
  /** A column whose `v` and `n` are plain names, so that they may be used often. */
  stable(col: Col): Col {
    const c = this.val(col);
    const v = this.tmp(c.v);
    const n = c.n === "false" || c.n === "true" ? c.n : c.inband ? `${v}===null` : this.tmp(c.n);
    return { v, n, rep: c.rep, inband: c.inband };
  }

  /** As stable(), leaving a column that is still on its page there. */
  stableLazy(col: Col): Col {
    return col.lazy !== undefined ? col : this.stable(col);
  }

  /** The factory's source; `entry` names the function that runs the plan, `exports` others that callers use. */
  source(exports: readonly string[]): string {
    assert(this.buf.length === 0, "code outside any function", this.buf.length);
    const lines = ['"use strict";'];
    for (const h of this.helpers) lines.push(`const $${h}=H.${h};`);
    for (let i = 0; i < this.slots.length; i++) lines.push(`const k${i}=K[${i}];`);
    lines.push("let X=null;");
    lines.push(...this.decls, ...this.funcs);
    lines.push(`return {${exports.join(",")}${exports.length > 0 ? "," : ""}start(x){X=x;`);
    lines.push(...this.starts, "},end(){", ...this.ends, "X=null;}};");
    return lines.join("\n");
  }
}

export type Factory<T> = (K: readonly unknown[], H: object) => T & PlanInstance;
/** What every factory returns, besides its exports. */
export interface PlanInstance {
  start(x: object): void;
  end(): void;
}

/** One V8 function for each source text: plans and expressions of equal shape share machine code. */
const factories = new Map<string, Factory<object>>();
const FACTORIES_MAX = 4096;
export function compileSource<T>(source: string): Factory<T> {
  let f = factories.get(source);
  if (f === undefined) {
    if (factories.size >= FACTORIES_MAX) factories.delete(factories.keys().next().value as string);
    f = new Function("K", "H", source) as Factory<object>;
    factories.set(source, f);
  }
  return f as Factory<T>;
}
