/**
 * Type boolean. Datum: JS boolean.
 *
 * Follows src/backend/utils/adt/bool.c.
 */
import { encodeText } from "../../../base/text.ts";
import { hashUint32, hashUint32Extended } from "../../common/hashfn.ts";
import type { BuiltinTable, TypeIoTable } from "../fmgr/fmgr.ts";
import { requireBytes } from "./binary_io.ts";
import { invalidInputSyntax } from "./numutils.ts";

/** parse_bool(): true, false and their unique prefixes, on/off, 1/0; undefined if it is none of them. */
export function parseBool(value: string): boolean | undefined {
  const v = value.toLowerCase();
  const n = v.length;
  if (n === 0) return undefined;
  switch (v[0]) {
    case "t":
      return "true".startsWith(v) ? true : undefined;
    case "f":
      return "false".startsWith(v) ? false : undefined;
    case "y":
      return "yes".startsWith(v) ? true : undefined;
    case "n":
      return "no".startsWith(v) ? false : undefined;
    case "o":
      if (v === "on") return true;
      return n >= 2 && "off".startsWith(v) ? false : undefined;
    case "1":
      return n === 1 ? true : undefined;
    case "0":
      return n === 1 ? false : undefined;
  }
  return undefined;
}

function boolin(str: string): boolean {
  const v = parseBool(str.replace(/^[ \t\n\v\f\r]+|[ \t\n\v\f\r]+$/g, ""));
  if (v === undefined) throw invalidInputSyntax("boolean", str, "boolin");
  return v;
}

const TRUE_TEXT = encodeText("true");
const FALSE_TEXT = encodeText("false");

/** State of bool_and/bool_or as moving aggregates. */
interface BoolAggState {
  aggcount: number;
  aggtrue: number;
}

export const boolBuiltins: BuiltinTable = {
  booleq: (a: boolean, b: boolean) => a === b,
  boolne: (a: boolean, b: boolean) => a !== b,
  boollt: (a: boolean, b: boolean) => a < b,
  boolgt: (a: boolean, b: boolean) => a > b,
  boolle: (a: boolean, b: boolean) => a <= b,
  boolge: (a: boolean, b: boolean) => a >= b,
  btboolcmp: (a: boolean, b: boolean) => (a ? 1 : 0) - (b ? 1 : 0),
  hashbool: (a: boolean) => hashUint32(a ? 1 : 0),
  hashboolextended: (a: boolean, seed: number | bigint) => hashUint32Extended(a ? 1 : 0, seed),
  booltext: (a: boolean) => a ? TRUE_TEXT : FALSE_TEXT,
  booland_statefunc: (a: boolean, b: boolean) => a && b,
  boolor_statefunc: (a: boolean, b: boolean) => a || b,
  bool_accum: (state: BoolAggState | null, v: boolean | null) => {
    const s = state ?? { aggcount: 0, aggtrue: 0 };
    if (v !== null) {
      s.aggcount++;
      if (v) s.aggtrue++;
    }
    return s;
  },
  bool_accum_inv: (s: BoolAggState, v: boolean | null) => {
    if (v !== null) {
      s.aggcount--;
      if (v) s.aggtrue--;
    }
    return s;
  },
  bool_alltrue: (s: BoolAggState | null) => s === null || s.aggcount === 0 ? null : s.aggtrue === s.aggcount,
  bool_anytrue: (s: BoolAggState | null) => s === null || s.aggcount === 0 ? null : s.aggtrue > 0,
};

export const boolIo: TypeIoTable = {
  input: { boolin },
  output: { boolout: (v: boolean) => v ? "t" : "f" },
  receive: {
    boolrecv: (b) => {
      requireBytes(b, 1);
      return b[0] !== 0;
    },
  },
  send: { boolsend: (v: boolean) => Uint8Array.of(v ? 1 : 0) },
};
