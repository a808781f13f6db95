/**
 * The registry of built-in functions: pg_proc.prosrc of internal-language functions → TypeScript function, and the
 * type I/O functions likewise.
 *
 * Each adt file exports its tables; this file merges them. Layers above (catalog-dependent functions) add theirs with
 * registerBuiltins() and registerTypeIo() when they load. A name registered twice is a bug and throws.
 * Follows the generated src/backend/utils/fmgrtab.c.
 */
import { assert } from "../../../base/assert.ts";
import type {
  Builtin,
  BuiltinTable,
  BuiltinWithCall,
  TypeInput,
  TypeIoTable,
  TypeOutput,
  TypeReceive,
  TypeSend,
} from "./fmgr.ts";
import { arrayIo } from "../adt/array_io.ts";
import { arrayUserBuiltins } from "../adt/array_userfuncs.ts";
import { arrayBuiltins } from "../adt/arrayfuncs.ts";
import { boolBuiltins, boolIo } from "../adt/bool.ts";
import { byteaBuiltins, byteaIo } from "../adt/bytea.ts";
import { cashBuiltins, cashIo } from "../adt/cash.ts";
import { charBuiltins, charIo } from "../adt/char.ts";
import { dateBuiltins, dateIo } from "../adt/date.ts";
import { datetimePartBuiltins } from "../adt/datetime_part.ts";
import { encodeBuiltins } from "../adt/encode.ts";
import { floatBuiltins, floatIo } from "../adt/float.ts";
import { floatAggBuiltins } from "../adt/float_agg.ts";
import { floatMathBuiltins } from "../adt/float_math.ts";
import { formattingDatetimeBuiltins } from "../adt/formatting_datetime.ts";
import { formattingFromCharBuiltins } from "../adt/formatting_from_char.ts";
import { formattingNumberBuiltins } from "../adt/formatting_number.ts";
import { intBuiltins, intIo } from "../adt/int.ts";
import { int8Builtins, int8Io } from "../adt/int8.ts";
import { intervalBuiltins, intervalIo } from "../adt/interval.ts";
import { jsonBuiltins, jsonIo } from "../adt/json.ts";
import { jsonModifyBuiltins } from "../adt/json_modify.ts";
import { jsonPopulateBuiltins } from "../adt/json_populate.ts";
import { jsonbBuiltins, jsonbIo } from "../adt/jsonb.ts";
import { jsonfuncsBuiltins } from "../adt/jsonfuncs.ts";
import { likeBuiltins } from "../adt/like.ts";
import { macBuiltins, macIo } from "../adt/mac.ts";
import { miscBuiltins } from "../adt/misc.ts";
import { nameBuiltins, nameIo } from "../adt/name.ts";
import { networkBuiltins, networkIo } from "../adt/network.ts";
import { numericBuiltins, numericIo } from "../adt/numeric.ts";
import { numericAggBuiltins } from "../adt/numeric_agg.ts";
import { numericMathBuiltins } from "../adt/numeric_math.ts";
import { oidBuiltins, oidIo } from "../adt/oid.ts";
import { oracleCompatBuiltins } from "../adt/oracle_compat.ts";
import { pgLsnBuiltins, pgLsnIo } from "../adt/pg_lsn.ts";
import { randomBuiltins } from "../adt/pseudorandomfuncs.ts";
import { pseudotypesIo } from "../adt/pseudotypes.ts";
import { quoteBuiltins } from "../adt/quote.ts";
import { regexpBuiltins } from "../adt/regexp.ts";
import { rowtypesBuiltins, rowtypesIo } from "../adt/rowtypes.ts";
import { textFormatBuiltins } from "../adt/text_format.ts";
import { textSplitBuiltins } from "../adt/text_split.ts";
import { timeBuiltins, timeIo } from "../adt/time.ts";
import { timestampBuiltins, timestampIo } from "../adt/timestamp.ts";
import { unicodeTextBuiltins } from "../adt/unicode_text.ts";
import { uuidBuiltins, uuidIo } from "../adt/uuid.ts";
import { varbitBuiltins, varbitIo } from "../adt/varbit.ts";
import { bpcharCollated, varcharBuiltins, varcharIo } from "../adt/varchar.ts";
import { textCollated, varlenaBuiltins, varlenaIo } from "../adt/varlena.ts";
import { mbutilsBuiltins } from "../mb/mbutils.ts";

const functions = new Map<string, Builtin>();
const collatedFunctions = new Map<string, BuiltinWithCall>();
const inputs = new Map<string, TypeInput>();
const outputs = new Map<string, TypeOutput>();
const receives = new Map<string, TypeReceive>();
const sends = new Map<string, TypeSend>();
const typmodIns = new Map<string, (mods: readonly string[]) => number>();
const typmodOuts = new Map<string, (typmod: number) => string>();

function addAll<T>(to: Map<string, T>, from: Readonly<Record<string, T>> | undefined): void {
  if (from === undefined) return;
  for (const name in from) {
    assert(!to.has(name), `built-in function ${name} registered twice`);
    to.set(name, from[name]);
  }
}

/** Adds built-in functions, keyed by prosrc. */
export function registerBuiltins(table: BuiltinTable): void {
  addAll(functions, table);
}
/** Adds type I/O functions, keyed by prosrc. */
export function registerTypeIo(io: TypeIoTable): void {
  addAll(inputs, io.input);
  addAll(outputs, io.output);
  addAll(receives, io.receive);
  addAll(sends, io.send);
  addAll(typmodIns, io.typmodIn);
  addAll(typmodOuts, io.typmodOut);
}
function registerCollated(table: BuiltinTable): void {
  addAll(collatedFunctions, table as Readonly<Record<string, BuiltinWithCall>>);
}

/** The function with that prosrc, undefined if pgts has none (yet). */
export function lookupBuiltin(prosrc: string): Builtin | undefined {
  return functions.get(prosrc);
}
/**
 * The variant of a text comparison function for a call site whose collation does not order by memcmp; undefined if the
 * function does not depend on collation order.
 */
export function lookupCollatedBuiltin(prosrc: string): BuiltinWithCall | undefined {
  return collatedFunctions.get(prosrc);
}
export function lookupTypeInput(prosrc: string): TypeInput | undefined {
  return inputs.get(prosrc);
}
export function lookupTypeOutput(prosrc: string): TypeOutput | undefined {
  return outputs.get(prosrc);
}
export function lookupTypeReceive(prosrc: string): TypeReceive | undefined {
  return receives.get(prosrc);
}
export function lookupTypeSend(prosrc: string): TypeSend | undefined {
  return sends.get(prosrc);
}
export function lookupTypmodIn(prosrc: string): ((mods: readonly string[]) => number) | undefined {
  return typmodIns.get(prosrc);
}
export function lookupTypmodOut(prosrc: string): ((typmod: number) => string) | undefined {
  return typmodOuts.get(prosrc);
}
/** All registered names, for coverage checks. */
export function builtinNames(): string[] {
  return [
    ...functions.keys(),
    ...inputs.keys(),
    ...outputs.keys(),
    ...receives.keys(),
    ...sends.keys(),
    ...typmodIns.keys(),
    ...typmodOuts.keys(),
  ];
}

const TABLES: readonly BuiltinTable[] = [
  arrayUserBuiltins,
  arrayBuiltins,
  boolBuiltins,
  byteaBuiltins,
  cashBuiltins,
  charBuiltins,
  dateBuiltins,
  datetimePartBuiltins,
  encodeBuiltins,
  floatBuiltins,
  floatAggBuiltins,
  floatMathBuiltins,
  formattingDatetimeBuiltins,
  formattingFromCharBuiltins,
  formattingNumberBuiltins,
  intBuiltins,
  int8Builtins,
  intervalBuiltins,
  jsonBuiltins,
  jsonModifyBuiltins,
  jsonPopulateBuiltins,
  jsonbBuiltins,
  jsonfuncsBuiltins,
  likeBuiltins,
  macBuiltins,
  miscBuiltins,
  nameBuiltins,
  networkBuiltins,
  numericBuiltins,
  numericAggBuiltins,
  numericMathBuiltins,
  oidBuiltins,
  oracleCompatBuiltins,
  pgLsnBuiltins,
  randomBuiltins,
  quoteBuiltins,
  regexpBuiltins,
  rowtypesBuiltins,
  textFormatBuiltins,
  textSplitBuiltins,
  timeBuiltins,
  timestampBuiltins,
  unicodeTextBuiltins,
  uuidBuiltins,
  varbitBuiltins,
  varcharBuiltins,
  varlenaBuiltins,
  mbutilsBuiltins,
];
const IO_TABLES: readonly TypeIoTable[] = [
  arrayIo,
  boolIo,
  byteaIo,
  cashIo,
  charIo,
  dateIo,
  floatIo,
  intIo,
  int8Io,
  intervalIo,
  jsonIo,
  jsonbIo,
  macIo,
  nameIo,
  networkIo,
  numericIo,
  oidIo,
  pgLsnIo,
  pseudotypesIo,
  rowtypesIo,
  timeIo,
  timestampIo,
  uuidIo,
  varbitIo,
  varcharIo,
  varlenaIo,
];
for (const t of TABLES) registerBuiltins(t);
for (const t of IO_TABLES) registerTypeIo(t);
for (const t of [bpcharCollated, textCollated]) registerCollated(t);
