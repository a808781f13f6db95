/**
 * Built-in functions that generated code does in line, by pg_proc.prosrc: arithmetic, comparisons and casts of types that
 * are plain JavaScript numbers and booleans, and text equality on the bytes of a page.
 *
 * Each entry takes expressions of non-null arguments and returns the expression of the result. `throws` entries may
 * raise an error and emit statements, so the caller guards them against null arguments; the others are pure and safe on
 * the neutral values of null columns. Errors and results are those of src/backend/utils/adt/{int,int8,float,bool}.c.
 */
import type { CodeGen, Rep } from "./exec_codegen.ts";

export interface InlineOp {
  readonly rep: Rep;
  readonly throws: boolean;
  readonly emit: (cg: CodeGen, a: readonly string[]) => string;
}

const table: Record<string, InlineOp> = {};

function pure(rep: Rep, emit: (...a: string[]) => string, ...names: string[]): void {
  for (const n of names) table[n] = { rep, throws: false, emit: (_cg, a) => emit(...a) };
}
function throwing(rep: Rep, emit: InlineOp["emit"], ...names: string[]): void {
  for (const n of names) table[n] = { rep, throws: true, emit };
}
/** Comparisons named `prefix + eq|ne|lt|le|gt|ge`. */
function comparisons(...prefixes: string[]): void {
  for (const p of prefixes) {
    pure("bool", (a, b) => `${a}===${b}`, `${p}eq`);
    pure("bool", (a, b) => `${a}!==${b}`, `${p}ne`);
    pure("bool", (a, b) => `${a}<${b}`, `${p}lt`);
    pure("bool", (a, b) => `${a}<=${b}`, `${p}le`);
    pure("bool", (a, b) => `${a}>${b}`, `${p}gt`);
    pure("bool", (a, b) => `${a}>=${b}`, `${p}ge`);
  }
}
// Numbers and bigints compare by value in JavaScript, and canonical int8 datums are never equal across the two.
comparisons("int2", "int4", "int8", "int24", "int42", "int48", "int84", "int28", "int82", "oid", "bool");
comparisons("date_", "timestamp_", "timestamptz_", "time_", "cash_", "pg_lsn_", "tid", "xid8");
pure("bool", (a, b) => `${a}===${b}`, "xideq", "cideq", "chareq");
pure("bool", (a, b) => `${a}!==${b}`, "xidneq", "charne");

// NaN equals itself and is greater than every number.
for (const p of ["float8", "float4", "float48", "float84"]) {
  pure("bool", (a, b) => `(${a}===${b}||(${a}!==${a}&&${b}!==${b}))`, `${p}eq`);
  pure("bool", (a, b) => `!(${a}===${b}||(${a}!==${a}&&${b}!==${b}))`, `${p}ne`);
  pure("bool", (a, b) => `(${a}<${b}||(${b}!==${b}&&${a}===${a}))`, `${p}lt`);
  pure("bool", (a, b) => `(${a}<=${b}||${b}!==${b})`, `${p}le`);
  pure("bool", (a, b) => `(${a}>${b}||(${a}!==${a}&&${b}===${b}))`, `${p}gt`);
  pure("bool", (a, b) => `(${a}>=${b}||${a}!==${a})`, `${p}ge`);
}

/** An int32 result computed as a double: out of range when truncation changes it. */
function checkedInt(op: (a: string, b: string) => string, bits: 2 | 4, ...names: string[]): void {
  throwing("i32", (cg, a) => {
    const wide = cg.name("x");
    const r = cg.name("r");
    cg.emit(`const ${wide}=${op(a[0], a[1])};`);
    cg.emit(`const ${r}=${bits === 4 ? `${wide}|0` : `${wide}<<16>>16`};`);
    cg.emit(`if(${r}!==${wide})${cg.h(bits === 4 ? "int4OutOfRange" : "int2OutOfRange")}();`);
    return r;
  }, ...names);
}
checkedInt((a, b) => `${a}+${b}`, 4, "int4pl", "int24pl", "int42pl");
checkedInt((a, b) => `${a}-${b}`, 4, "int4mi", "int24mi", "int42mi");
checkedInt((a, b) => `${a}*${b}`, 4, "int4mul", "int24mul", "int42mul");
checkedInt((a, b) => `${a}+${b}`, 2, "int2pl");
checkedInt((a, b) => `${a}-${b}`, 2, "int2mi");
checkedInt((a, b) => `${a}*${b}`, 2, "int2mul");
checkedInt((a) => `-${a}`, 4, "int4um");
checkedInt((a) => `-${a}`, 2, "int2um");
checkedInt((a) => `Math.abs(${a})`, 4, "int4abs");
checkedInt((a) => `${a}+1`, 4, "int4inc");
checkedInt((a) => `${a}`, 2, "i4toi2");

throwing(
  "i32",
  (cg, [a, b]) => {
    cg.emit(`if(${b}===0)${cg.h("divisionByZero")}();`);
    cg.emit(`if(${b}===-1&&${a}===-2147483648)${cg.h("int4OutOfRange")}();`);
    return `(${a}/${b}|0)`;
  },
  "int4div",
  "int24div",
  "int42div",
);
throwing("i32", (cg, [a, b]) => {
  cg.emit(`if(${b}===0)${cg.h("divisionByZero")}();`);
  cg.emit(`if(${b}===-1&&${a}===-32768)${cg.h("int2OutOfRange")}();`);
  return `(${a}/${b}|0)`;
}, "int2div");
throwing(
  "i32",
  (cg, [a, b]) => {
    cg.emit(`if(${b}===0)${cg.h("divisionByZero")}();`);
    return `(${a}%${b}|0)`;
  },
  "int4mod",
  "int2mod",
);

/** int8 arithmetic: library routines short enough for V8 to inline. */
function int8Op(helper: string, ...names: string[]): void {
  throwing("i8", (cg, a) => `${cg.h(helper)}(${a.join(",")})`, ...names);
}
int8Op("int8Add", "int8pl", "int48pl", "int84pl", "int28pl", "int82pl");
int8Op("int8Sub", "int8mi", "int48mi", "int84mi", "int28mi", "int82mi");
int8Op("int8Mul", "int8mul", "int48mul", "int84mul", "int28mul", "int82mul");
int8Op("int8Div", "int8div", "int48div", "int84div", "int28div", "int82div");
int8Op("int8Mod", "int8mod");
int8Op("int8Neg", "int8um");
throwing("i8", (cg, [a]) => `${cg.h("int8Add")}(${a},1)`, "int8inc");

throwing("num", (cg, a) => `${cg.h("float8Add")}(${a.join(",")})`, "float8pl", "float48pl", "float84pl");
throwing("num", (cg, a) => `${cg.h("float8Sub")}(${a.join(",")})`, "float8mi", "float48mi", "float84mi");
throwing("num", (cg, a) => `${cg.h("float8Mul")}(${a.join(",")})`, "float8mul", "float48mul", "float84mul");
throwing("num", (cg, a) => `${cg.h("float8Div")}(${a.join(",")})`, "float8div", "float48div", "float84div");
pure("num", (a) => `-${a}`, "float8um", "float4um");
pure("num", (a) => `Math.abs(${a})`, "float8abs", "float4abs");

pure("i8", (a) => a, "int48", "int28", "oidtoi8");
pure("i32", (a) => a, "i2toi4");
pure("num", (a) => a, "i4tod", "i2tod", "ftod", "i2tof");
pure("num", (a) => `Number(${a})`, "i8tod");
pure("num", (a) => `Math.fround(${a})`, "i4tof");
throwing("i32", (cg, [a]) => `${cg.h("int8ToInt4")}(${a})`, "int84");
throwing("i32", (cg, [a]) => `${cg.h("float8ToInt4")}(${a})`, "dtoi4", "ftoi4");
pure("bool", (a) => `${a}!==0`, "int4_bool");
pure("i32", (a) => `(${a}?1:0)`, "bool_int4");
pure("i32", (a, b) => `(${a}&${b})`, "int4and", "int2and");
pure("i32", (a, b) => `(${a}|${b})`, "int4or", "int2or");
pure("i32", (a, b) => `(${a}^${b})`, "int4xor", "int2xor");
pure("i32", (a) => `(~${a})`, "int4not", "int2not");
pure("i32", (a, b) => `(${a}<<${b})`, "int4shl");
pure("i32", (a, b) => `(${a}>>${b})`, "int4shr");

/** prosrc of an internal-language function → how it is done in line. */
export const INLINE_OPS: ReadonlyMap<string, InlineOp> = new Map(Object.entries(table));

/** Equality of byte strings under a deterministic collation: prosrc → true if negated. */
export const BYTES_EQUALITY: ReadonlyMap<string, boolean> = new Map([
  ["texteq", false],
  ["textne", true],
  ["byteaeq", false],
  ["byteane", true],
  ["uuid_eq", false],
  ["uuid_ne", true],
  ["nameeq", false],
  ["namene", true],
]);

/** Order of byte strings, where the collation is memcmp's: prosrc → JavaScript operator against 0. */
export const BYTES_ORDER: ReadonlyMap<string, { op: string; collated: boolean }> = new Map([
  ["text_lt", { op: "<", collated: true }],
  ["text_le", { op: "<=", collated: true }],
  ["text_gt", { op: ">", collated: true }],
  ["text_ge", { op: ">=", collated: true }],
  ["bytealt", { op: "<", collated: false }],
  ["byteale", { op: "<=", collated: false }],
  ["byteagt", { op: ">", collated: false }],
  ["byteage", { op: ">=", collated: false }],
  ["uuid_lt", { op: "<", collated: false }],
  ["uuid_le", { op: "<=", collated: false }],
  ["uuid_gt", { op: ">", collated: false }],
  ["uuid_ge", { op: ">=", collated: false }],
]);
