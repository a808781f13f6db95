/**
 * Equality, hashing and order of key columns in generated code: hash joins, grouping, duplicate elimination, merging.
 *
 * The hash functions are our own (exec_runtime.ts): they only have to agree with the operator's equality. Numbers of any
 * integer or float type hash by value, strings by their bytes where the collation is deterministic, everything else by the
 * operator's hash function from the catalog.
 */
import type { Oid } from "../../base/types.ts";
import { execCatalog } from "./exec_catalog.ts";
import { type CodeGen, type Col, orNulls, repOfType } from "./exec_codegen.ts";
import { BYTES_EQUALITY } from "./exec_inline_ops.ts";
import type { SortKey } from "../utils/sort/tuplesort.ts";

export interface KeyOps {
  /** Expression of the hash of a non-null key; `side` is the operand it stands for. */
  hash(cg: CodeGen, col: Col, side: "left" | "right"): string;
  /** Condition that two non-null keys are equal. */
  equal(cg: CodeGen, left: Col, right: Col): string;
}

const FLOAT_EQ = new Set(["float4eq", "float8eq", "float48eq", "float84eq"]);

/** How keys compared by the equality operator `eqop` are hashed and compared. */
export function keyOps(eqop: Oid, collation: Oid): KeyOps {
  const cat = execCatalog();
  const op = cat.operator(eqop);
  const proc = cat.proc({ fnOid: op.fn, argTypes: [op.left, op.right], resultType: 16, collation });
  const scalar = repOfType(op.left) !== "ref" && repOfType(op.right) !== "ref";
  if (scalar) {
    const float = FLOAT_EQ.has(proc.prosrc);
    return {
      hash: (cg, col) =>
        col.rep === "bool" ? `(${col.v}?1:2)` : `${cg.h(col.rep === "i32" ? "hashInt" : "hashNum")}(${col.v})`,
      equal: (_cg, a, b) => float ? `(${a.v}===${b.v}||(${a.v}!==${a.v}&&${b.v}!==${b.v}))` : `${a.v}===${b.v}`,
    };
  }
  if (
    BYTES_EQUALITY.get(proc.prosrc) === false && (collation === 0 || cat.collationIsDeterministic(collation))
  ) {
    return {
      hash: (cg, col) =>
        col.lazy !== undefined ? `${cg.h("vlHash")}(u8,${col.lazy})` : `${cg.h("hashBytesOf")}(${col.v})`,
      equal: (cg, a, b) => {
        if (a.lazy !== undefined) return `${cg.h("vlEquals")}(u8,${a.lazy},${cg.val(b).v})`;
        if (b.lazy !== undefined) return `${cg.h("vlEquals")}(u8,${b.lazy},${a.v})`;
        return `${cg.h("bytesEqual")}(${a.v},${b.v})`;
      },
    };
  }
  const fns = cat.hashFunctions(eqop, collation);
  return {
    hash: (cg, col, side) => {
      if (fns === null) throw new Error(`operator ${eqop} is not hashable`);
      return `${cg.slot(side === "left" ? fns.left : fns.right)}(${cg.val(col).v})`;
    },
    equal: (cg, a, b) => `${cg.slot(proc.fn)}(${cg.val(a).v},${cg.val(b).v})===true`,
  };
}

/** Condition that two keys are not distinct: nulls are equal to each other (grouping, DISTINCT, set operations). */
export function notDistinct(cg: CodeGen, ops: KeyOps, a: Col, b: Col): string {
  if (a.n === "false" && b.n === "false") return ops.equal(cg, a, b);
  return `((${a.n})||(${b.n})?(${a.n})===(${b.n}):${ops.equal(cg, a, b)})`;
}
/** Hash of a key that may be null. */
export function hashNullable(cg: CodeGen, ops: KeyOps, col: Col, side: "left" | "right" = "left"): string {
  if (col.n === "false") return ops.hash(cg, col, side);
  return `(${col.n}?0:${ops.hash(cg, col, side)})`;
}
/** Emits the combined hash of several keys; returns its name. */
export function emitHash(
  cg: CodeGen,
  ops: readonly KeyOps[],
  cols: readonly Col[],
  side: "left" | "right" = "left",
): string {
  const h = cg.name("h");
  if (cols.length === 0) {
    cg.emit(`const ${h}=0;`);
    return h;
  }
  cg.emit(`let ${h}=${hashNullable(cg, ops[0], cols[0], side)};`);
  for (let i = 1; i < cols.length; i++) {
    cg.emit(`${h}=${cg.h("hashCombine")}(${h},${hashNullable(cg, ops[i], cols[i], side)});`);
  }
  return h;
}
/** Condition that any of the columns is null. */
export function anyNull(cols: readonly Col[]): string {
  return orNulls(cols.map((c) => c.n));
}

const NUM_CMP = new Set([
  "btint2cmp",
  "btint4cmp",
  "btint8cmp",
  "btoidcmp",
  "btfloat4cmp",
  "btfloat8cmp",
  "btboolcmp",
  "date_cmp",
  "timestamp_cmp",
  "time_cmp",
  "cash_cmp",
  "bttidcmp",
  "pg_lsn_cmp",
  "xid8cmp",
]);
const BYTES_CMP = new Set(["byteacmp", "uuid_cmp"]);

/** Kind of comparison behind a btree comparison function: see SortKey. */
export function cmpKind(prosrc: string, collation: Oid): SortKey["kind"] {
  if (NUM_CMP.has(prosrc)) return "num";
  if (BYTES_CMP.has(prosrc)) return "bytes";
  if ((prosrc === "bttextcmp" || prosrc === "btnamecmp") && execCatalog().collationIsBytes(collation)) return "bytes";
  return "other";
}

/** A sort key of a plan node, for rows in which the column stands at `index`. */
export function sortKey(index: number, operator: Oid, collation: Oid, nullsFirst: boolean): SortKey {
  const order = execCatalog().sortOrder(operator, collation);
  const kind = cmpKind(order.prosrc, collation);
  return { index, cmp: order.cmp, reverse: order.reverse, nullsFirst, kind };
}
