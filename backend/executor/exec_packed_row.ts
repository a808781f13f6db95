/**
 * Rows of a PackedSort: the layout of its records, and the code that writes one from a row and reads its columns back.
 *
 * Bytes go from the page to the record without an array in between. Layout and slots are those of packed_sort.ts.
 */
import type { Oid } from "../../base/types.ts";
import { AttKind, attKindOf } from "../access/common/tupmacs.ts";
import type { Plan } from "../nodes/nodes.ts";
import { exprType } from "../nodes/node_funcs.ts";
import { compareNumericAt } from "../utils/adt/numeric_codec.ts";
import { type PackedKey, type PackedKind, RECORD_HEADER_BYTES, type SlotRep } from "../utils/sort/packed_sort.ts";
import type { SortKey } from "../utils/sort/tuplesort.ts";
import { execCatalog } from "./exec_catalog.ts";
import { type CodeGen, type Col, Memo, type RowSource } from "./exec_codegen.ts";
import { missingColumn } from "./exec_compile.ts";

/** Null bits of a record. */
const COLUMNS_MAX = 32;

interface Slot {
  readonly attno: number;
  readonly rep: SlotRep;
  readonly at: number;
  readonly bit: number;
  nullable: boolean;
  /** Representation in generated code. */
  colRep: Col["rep"];
}

/** How values of a type are laid down; null if a record cannot hold them. */
function slotRepOf(type: Oid): SlotRep | null {
  // Pseudo-types (internal, any…, record) may be held by any object.
  if (type === 0 || type === 705 || (type >= 2275 && type <= 2283) || type === 2249 || type === 2287) return null;
  const t = execCatalog().typeStorage(type);
  switch (attKindOf(type, t.typlen, t.typbyval)) {
    case AttKind.CHAR:
    case AttKind.INT2:
    case AttKind.INT4:
      return "i32";
    case AttKind.BOOL:
      return "bool";
    case AttKind.UINT4:
    case AttKind.FLOAT4:
    case AttKind.FLOAT8:
    case AttKind.TID:
      return "f64";
    case AttKind.INT8:
      return "i8";
    case AttKind.FIXED:
    case AttKind.VARLENA:
      return "bytes";
    default:
      return null;
  }
}

function kindOf(key: SortKey, rep: SlotRep, prosrc: string): PackedKind {
  if (rep === "bytes") return key.kind === "bytes" ? "bytes" : prosrc === "numeric_cmp" ? "inPlace" : "other";
  if (key.kind !== "num") return "other";
  return rep === "bool" ? "i32" : rep;
}

/** A key of the sort: SortKey.index is the attribute number. */
export interface PackedSortKey extends SortKey {
  readonly prosrc: string;
}

export class PackedRow {
  private readonly slots = new Map<number, Slot>();
  private readonly fixedBytes: number;
  readonly keys: readonly PackedKey[];
  /** The lead holds two int4 keys. */
  readonly pairLead: boolean;

  private constructor(
    private readonly cg: CodeGen,
    reps: ReadonlyMap<number, SlotRep>,
    private readonly sortKeys: readonly PackedSortKey[],
  ) {
    let at = RECORD_HEADER_BYTES;
    let bit = 0;
    const lay = (wide: boolean): void => {
      for (const [attno, rep] of reps) {
        if ((rep === "f64" || rep === "i8" || rep === "bytes") !== wide) continue;
        this.slots.set(attno, { attno, rep, at, bit: (1 << bit++) | 0, nullable: false, colRep: "ref" });
        at += wide ? 8 : 4;
      }
    };
    lay(true);
    lay(false);
    this.fixedBytes = at;
    this.keys = sortKeys.map((k) => {
      const slot = this.slot(k.index);
      return {
        kind: kindOf(k, slot.rep, k.prosrc),
        rep: slot.rep,
        slot: slot.at,
        nullBit: slot.bit,
        reverse: k.reverse,
        nullsFirst: k.nullsFirst,
        cmp: k.cmp,
        cmpAt: k.prosrc === "numeric_cmp" ? compareNumericAt : null,
      };
    });
    this.pairLead = this.keys.length > 1 && this.keys[0].kind === "i32" && this.keys[1].kind === "i32";
  }

  /** The constructor call of the sort, given the slot of `keys`. */
  create(keys: string): string {
    return `new ${this.cg.h("PackedSort")}(${keys}${this.pairLead ? ",{pairLead:true}" : ""})`;
  }

  /** The layout of the columns `attnos` of `plan`'s output, or null if records cannot hold them all. */
  static of(cg: CodeGen, plan: Plan, attnos: readonly number[], keys: readonly PackedSortKey[]): PackedRow | null {
    if (attnos.length > COLUMNS_MAX) return null;
    const reps = new Map<number, SlotRep>();
    for (const a of attnos) {
      const rep = slotRepOf(exprType(plan.targetlist[a - 1].expr!));
      if (rep === null) return null;
      reps.set(a, rep);
    }
    return new PackedRow(cg, reps, keys);
  }

  private slot(attno: number): Slot {
    return this.slots.get(attno) ?? missingColumn(attno);
  }

  /** Emits: put `row` into the sort `s`. `bounded` if the sort may ask for the first rows only. */
  write(s: string, row: RowSource, bounded: boolean): void {
    const { cg } = this;
    const cols = new Map<Slot, Col>();
    for (const slot of this.slots.values()) {
      const col = cg.stableLazy(row.get(slot.attno));
      slot.colRep = col.rep;
      if (col.n !== "false") slot.nullable = true;
      cols.set(slot, col);
    }
    const lead = cg.name("ld");
    const first = this.sortKeys.length === 0 ? null : this.slot(this.sortKeys[0].index);
    const firstBytes = first !== null && first.rep === "bytes" ? this.bytesOf(cols.get(first)!) : null;
    const second = this.pairLead ? cols.get(this.slot(this.sortKeys[1].index))! : null;
    cg.emit(`const ${lead}=${first === null ? "0" : this.lead(cols.get(first)!, firstBytes, second)};`);
    cg.block(bounded ? `if(${lead}<=${s}.topLead)` : "", () => {
      const sources = new Map<Slot, BytesSource>();
      for (const [slot, col] of cols) {
        if (slot.rep === "bytes") sources.set(slot, slot === first ? firstBytes! : this.bytesOf(col));
      }
      const [r, w, i32] = [cg.name("r"), cg.name("w"), cg.name("i")];
      const total = [String(this.fixedBytes), ...[...sources.values()].map((b) => b.length)].join("+");
      cg.emit(`const ${r}=${s}.alloc(${total}),${w}=${r}>>>2,${i32}=${s}.i32;`);
      const nulls = [...cols].filter(([, c]) => c.n !== "false").map(([slot, c]) => `(${c.n}?${slot.bit}:0)`);
      cg.emit(`${i32}[${w}]=${nulls.length === 0 ? "0" : nulls.join("|")};`);
      let offset = String(this.fixedBytes);
      for (const [slot, col] of cols) {
        const at = `${i32}[${w}+${slot.at >> 2}]`;
        const v = col.inband && col.n !== "false" ? `(${col.n}?0:${col.v})` : col.v;
        if (slot.rep === "i32") cg.emit(`${at}=${v};`);
        else if (slot.rep === "bool") cg.emit(`${at}=${v}?1:0;`);
        else if (slot.rep === "f64") cg.emit(`${s}.f64[(${r}>>>3)+${slot.at >> 3}]=${v};`);
        else if (slot.rep === "i8") cg.emit(`${cg.h("packInt8")}(${i32},${w}+${slot.at >> 2},${v});`);
        else {
          const b = sources.get(slot)!;
          cg.emit(`${at}=${offset};${i32}[${w}+${(slot.at >> 2) + 1}]=${b.length};`);
          cg.emit(`${cg.h("copyBytes")}(${s}.u8,${r}+${offset},${b.array},${b.start},${b.length});`);
          offset = `${offset}+${b.length}`;
        }
      }
      cg.emit(`${s}.lead[${s}.count]=${lead};${s}.add(${r});`);
    });
  }

  /** Emits where the bytes of a byte string are: on the page, or in an array. */
  private bytesOf(col: Col): BytesSource {
    const { cg } = this;
    const [array, length] = [cg.name("ba"), cg.name("bn")];
    if (col.lazy === undefined) {
      const v = cg.tmp(col.v);
      cg.emit(`const ${length}=${col.n === "false" ? "" : `${col.n}?0:`}${v}.length;`);
      return { array: v, start: "0", length };
    }
    const p = col.lazy;
    const [start, head] = [cg.name("bs"), cg.name("bh")];
    cg.emit(`let ${array}=u8,${start}=0,${length}=0;`);
    cg.block(col.n === "false" ? "" : `if(${p}!==0)`, () => {
      cg.emit(`const ${head}=u8[${p}];`);
      cg.emit(`if((${head}&1)===1&&${head}!==1){${start}=${p}+1>>>0;${length}=(${head}>>>1)-1;}`);
      cg.emit(`else{${array}=${cg.h("vl")}(u8,${p});${length}=${array}.length;}`);
    });
    return { array, start, length };
  }

  private lead(col: Col, bytes: BytesSource | null, second: Col | null): string {
    const { cg } = this;
    const key = this.keys[0];
    let x: string;
    switch (key.kind) {
      case "i32":
        x = key.rep === "bool" ? `(${col.v}?1:0)` : col.v;
        break;
      case "f64":
        x = `${cg.h("leadNum")}(${col.v})`;
        break;
      case "i8":
        x = `Number(${col.v})`;
        break;
      case "bytes":
        x = `${cg.h("leadBytes")}(${bytes!.array},${bytes!.start},${bytes!.length})`;
        break;
      case "inPlace":
        x = `${cg.h("numericLead")}(${bytes!.array},${bytes!.start},${bytes!.length})`;
        break;
      default:
        x = "0";
    }
    if (key.reverse) x = `-${x}`;
    if (second !== null) x = `${cg.h("leadPair")}(${x},${this.secondLead(second)})`;
    return col.n === "false" ? x : `(${col.n}?${key.nullsFirst ? "-Infinity" : "Infinity"}:${x})`;
  }

  private secondLead(col: Col): string {
    const key = this.keys[1];
    const v = key.rep === "bool" ? `(${col.v}?1:0)` : col.v;
    const x = key.reverse ? `2147483647-${v}` : `${v}+2147483648`;
    return col.n === "false" ? x : `(${col.n}?${key.nullsFirst ? "-1" : "4294967296"}:${x})`;
  }

  /** Columns of the record at `e` of the sort `s`. */
  read(s: string, e: string): RowSource {
    const memo = new Memo();
    const { cg } = this;
    return {
      get: (attno) =>
        cg.memo(memo, attno, () => {
          const slot = this.slot(attno);
          const v = cg.name("c");
          const isNull = `(${s}.from.i32[${e}>>>2]&${slot.bit})!==0`;
          if (slot.rep === "bytes") {
            const read = `${cg.h("packedBytes")}(${s}.from.u8,${s}.from.i32,${e},${slot.at})`;
            cg.emit(`const ${v}=${slot.nullable ? `${isNull}?null:` : ""}${read};`);
            return { v, n: slot.nullable ? `${v}===null` : "false", rep: "ref", inband: true };
          }
          const word = `(${e}>>>2)+${slot.at >> 2}`;
          if (slot.rep === "f64") cg.emit(`const ${v}=${s}.from.f64[(${e}>>>3)+${slot.at >> 3}];`);
          else if (slot.rep === "i8") cg.emit(`const ${v}=${cg.h("packedInt8")}(${s}.from.i32,${word});`);
          else cg.emit(`const ${v}=${s}.from.i32[${word}]${slot.rep === "bool" ? "!==0" : ""};`);
          if (!slot.nullable) return { v, n: "false", rep: slot.colRep, inband: false };
          const n = cg.name("n");
          cg.emit(`const ${n}=${isNull};`);
          return { v, n, rep: slot.colRep, inband: false };
        }),
    };
  }
}

/** Expressions of a byte string's array, first index and length. */
interface BytesSource {
  readonly array: string;
  readonly start: string;
  readonly length: string;
}
