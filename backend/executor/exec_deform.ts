/**
 * Deforming in generated code: reads the columns of a heap tuple straight from its page.
 *
 * While no null and no variable-width column precedes, a column has a constant offset; behind the first varlena the
 * walk continues from the end of the previous column, in code made for this descriptor. A tuple with a null bitmap, or
 * with fewer attributes than asked for, has its offsets computed by slowOffsets(); reading goes on from there in the same
 * code. Nothing is allocated for a tuple. Offsets are reduced by `>>>0` wherever they are added to, so that V8 keeps them
 * in 32-bit registers instead of doubles. Follows src/backend/access/common/heaptuple.c, slot_deform_heap_tuple().
 */
import { AttKind, codecOf, varsizeAny } from "../access/common/tupmacs.ts";
import type { TupleDesc } from "../access/common/tupdesc.ts";
import { HEAP_HASNULL, HEAP_NATTS_MASK } from "../access/heap/htup.ts";
import { type CodeGen, type Col, Memo, repOfKind, type RowSource } from "./exec_codegen.ts";

/** In the offsets array: the attribute is null / was added after the tuple was written. */
export const OFF_NULL = 0;
export const OFF_MISSING = 1;

/** Where the parts of a heap tuple are, as expressions of generated code. */
export interface TupleVars {
  /** Absolute offset of the tuple header in mem. */
  readonly t: string;
  readonly tid: string;
  readonly tableOid: string;
}

/** The columns of the heap tuple at `vars.t`. `maxAttr` is the highest attribute that may be asked for. */
export class HeapRow implements RowSource {
  private readonly memo = new Memo();
  private readonly maxAttr: number;
  private base: string | null = null;
  private fast = "";
  private offsets = "";

  constructor(
    private readonly cg: CodeGen,
    private readonly desc: TupleDesc,
    private readonly vars: TupleVars,
    needed: Iterable<number>,
  ) {
    let max = 0;
    for (const a of needed) {
      if (a === 0) max = desc.natts;
      else if (a > max) max = a;
    }
    this.maxAttr = max;
  }

  /** Emits what all columns share; call it at the place where the tuple is at hand. */
  open(): void {
    if (this.maxAttr === 0) return;
    const { cg } = this;
    const t = this.vars.t;
    this.base = cg.name("d");
    this.fast = cg.name("f");
    this.offsets = cg.decl("of", `new Uint32Array(${this.maxAttr})`);
    // t_infomask, t_hoff and the first byte of the null bitmap are one word.
    const w = cg.name("w");
    cg.emit(`const ${w}=u32[(${t}>>>2)+5],${this.base}=${t}+(${w}>>>16&255)>>>0;`);
    cg.emit(
      `const ${this.fast}=(${w}&${HEAP_HASNULL})===0&&(u16[(${t}>>>1)+9]&${HEAP_NATTS_MASK})>=${this.maxAttr};`,
    );
    const desc = cg.slot(this.desc);
    cg.emit(`if(!${this.fast})${cg.h("slowOffsets")}(u8,${t},${desc},${this.maxAttr},${this.offsets});`);
  }

  get(attno: number): Col {
    if (attno <= 0) return this.system(attno);
    return this.cg.memo(this.memo, attno, () => this.read(attno));
  }

  private system(attno: number): Col {
    const { cg } = this;
    const num = (v: string): Col => ({ v, n: "false", rep: "num", inband: false });
    switch (attno) {
      case -1:
        return num(this.vars.tid);
      case -2:
        return num(`${cg.h("tupXmin")}(${this.vars.t})`);
      case -3:
      case -5: // as PostgreSQL: the raw command id, whichever of the two it is
        return num(`${cg.h("tupRawCid")}(${this.vars.t})`);
      case -4:
        return num(`${cg.h("tupRawXmax")}(${this.vars.t})`);
      case -6:
        return num(this.vars.tableOid);
      default:
        return cg.memo(this.memo, 0, () => {
          const values: string[] = [];
          this.desc.attrs.forEach((a, i) => values.push(a.attisdropped ? "null" : cg.keep(this.get(i + 1))));
          const r = cg.name("w");
          cg.emit(`const ${r}=${cg.h("wholeRow")}(${cg.slot(this.desc)},[${values.join(",")}]);`);
          return { v: r, n: "false", rep: "ref", inband: true };
        });
    }
  }

  /** Expression of where attribute i (0-based) starts in a tuple without nulls, or null if it must be walked to. */
  private constantOffset(i: number): string | null {
    const off = codecOf(this.desc).cacheOff[i];
    return off < 0 ? null : off === 0 ? this.base! : `(${this.base}+${off}>>>0)`;
  }

  /** Expression of the offset just past attribute i in a tuple without nulls. */
  private endOf(i: number): string {
    const len = codecOf(this.desc).len[i];
    const start = this.startOf(i);
    if (len > 0) return `(${start}+${len}>>>0)`;
    return this.cg.memo(this.memo, `e${i}`, () => {
      const e = this.cg.name("e");
      this.cg.emit(`const ${e}=${this.fast}?${start}+${this.cg.h("varsize")}(u8,u32,${start})>>>0:0;`);
      return { v: e, n: "false", rep: "num", inband: false };
    }).v;
  }

  private startOf(i: number): string {
    const constant = this.constantOffset(i);
    if (constant !== null) return constant;
    const c = codecOf(this.desc);
    return this.cg.memo(this.memo, `s${i}`, () => {
      const s = this.cg.name("s");
      const prev = i === 0 ? this.base! : this.endOf(i - 1);
      const mask = c.alignMask[i];
      const { cg } = this;
      if (mask === 0) cg.emit(`const ${s}=${prev};`);
      else if (c.len[i] > 0) cg.emit(`const ${s}=(${prev}+${mask}&${~mask})>>>0;`);
      else cg.emit(`const ${s}=u8[${prev}]!==0?${prev}:(${prev}+${mask}&${~mask})>>>0;`);
      return { v: s, n: "false", rep: "num", inband: false };
    }).v;
  }

  private read(attno: number): Col {
    const { cg } = this;
    const i = attno - 1;
    const attr = this.desc.attrs[i];
    const kind = codecOf(this.desc).kind[i] as AttKind;
    const p = cg.name("p");
    cg.emit(`const ${p}=${this.fast}?${this.startOf(i)}:${this.offsets}[${i}];`);
    const rep = repOfKind(kind);
    const nullable = !attr.attnotnull;
    const isnull = nullable ? `${p}===0` : "false";
    if (attr.atthasmissing && this.desc.constr?.missing.has(attno)) {
      // The value of a column added later: taken from the catalog where the tuple has none.
      const missing = cg.slot(this.desc.constr.missing.get(attno) ?? null);
      const v = cg.name("c");
      cg.emit(
        `const ${v}=${p}===${OFF_NULL}?null:${p}===${OFF_MISSING}?${missing}:${this.readAt(p, kind, attr.attlen)};`,
      );
      return { v, n: `${v}===null`, rep, inband: true };
    }
    if (kind === AttKind.VARLENA) return { v: "", n: isnull, rep: "ref", inband: false, lazy: p };
    const v = cg.name("c");
    if (rep === "ref") {
      cg.emit(`const ${v}=${nullable ? `${isnull}?null:` : ""}${this.readAt(p, kind, attr.attlen)};`);
      return { v, n: nullable ? `${v}===null` : "false", rep, inband: true };
    }
    cg.emit(`const ${v}=${this.readAt(p, kind, attr.attlen)};`);
    return { v, n: isnull, rep, inband: false };
  }

  private readAt(p: string, kind: AttKind, len: number): string {
    const { cg } = this;
    switch (kind) {
      case AttKind.BOOL:
        return `u8[${p}]!==0`;
      case AttKind.CHAR:
        return `u8[${p}]<<24>>24`;
      case AttKind.INT2:
        return `i16[${p}>>>1]`;
      case AttKind.INT4:
        return `i32[${p}>>>2]`;
      case AttKind.UINT4:
        return `u32[${p}>>>2]`;
      case AttKind.INT8:
        return `${cg.h("readInt8")}(u32,i32,${p}>>>2)`;
      case AttKind.FLOAT8:
        return `f64[${p}>>>3]`;
      default:
        return `${cg.h("fetchAtt")}(u8,${p},${kind},${len})`;
    }
  }
}

/**
 * Writes the absolute offsets of the first `count` attributes of the tuple at `t` into `out`: OFF_NULL where null,
 * OFF_MISSING where the tuple is too short and the column has a missing value. The path of tuples with nulls.
 */
export function slowOffsets(u8: Uint8Array, t: number, desc: TupleDesc, count: number, out: Uint32Array): void {
  const c = codecOf(desc);
  const natts = (u8[t + 18] | (u8[t + 19] << 8)) & HEAP_NATTS_MASK;
  const hasNull = (u8[t + 20] & HEAP_HASNULL) !== 0;
  let o = t + u8[t + 22];
  for (let i = 0; i < count; i++) {
    if (i >= natts) {
      out[i] = desc.attrs[i].atthasmissing ? OFF_MISSING : OFF_NULL;
      continue;
    }
    if (hasNull && (u8[t + 23 + (i >> 3)] & (1 << (i & 7))) === 0) {
      out[i] = OFF_NULL;
      continue;
    }
    const mask = c.alignMask[i];
    const len = c.len[i];
    if (mask !== 0 && (len > 0 || u8[o] === 0)) o += mask - ((o + mask) & mask);
    out[i] = o;
    o += len > 0 ? len : varsizeAny(u8, o);
  }
}
