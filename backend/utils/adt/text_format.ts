/**
 * concat(), concat_ws(), format(): functions over any types, through their output functions.
 *
 * Follows src/backend/utils/adt/varlena.c.
 */
import { PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import type { Oid } from "../../../base/types.ts";
import type { Datum } from "../fmgr/datum.ts";
import { type BuiltinTable, type CallInfo, withCall } from "../fmgr/fmgr.ts";
import { arrayElemType, arrayValues } from "./array_codec.ts";
import { pgStrtoint32 } from "./numutils.ts";
import { quoteIdentifier, quoteLiteral } from "./ruleutils_names.ts";
import { typeInfo } from "./type_provider.ts";

/** The variadic arguments from number `first` on as (value, type) pairs; null for VARIADIC NULL. */
export function variadicArgs(
  call: CallInfo,
  args: readonly Datum[],
  first: number,
): { values: readonly Datum[]; types: readonly Oid[] } | null {
  if (call.variadic) {
    const a = args[first];
    if (a === null) return null;
    const values = arrayValues(a as Uint8Array);
    const t = arrayElemType(a as Uint8Array);
    return { values, types: values.map(() => t) };
  }
  return { values: args.slice(first), types: call.argTypes.slice(first) };
}
/** The value's text by its type's output function. */
export function outputText(value: Datum, type: Oid): string {
  return typeInfo(type).output(value);
}

function concatInternal(call: CallInfo, args: readonly Datum[], first: number, sep: string): Datum {
  const v = variadicArgs(call, args, first);
  if (v === null) return null;
  const parts: string[] = [];
  v.values.forEach((x, i) => {
    if (x !== null) parts.push(outputText(x, v.types[i]));
  });
  return encodeText(parts.join(sep));
}

function bad(message: string): PgError {
  return pgError(ERRCODE.INVALID_PARAMETER_VALUE, message);
}
function tooFew(): PgError {
  return bad("too few arguments for format()");
}
function unterminated(): PgError {
  return new PgError({
    code: ERRCODE.INVALID_PARAMETER_VALUE,
    message: "unterminated format() type specifier",
    hint: 'For a single "%" use "%%".',
  });
}

interface Spec {
  argpos: number;
  widthpos: number;
  left: boolean;
  width: number;
  next: number;
}
/** text_format_parse_format(): what stands between % and the type letter. */
function parseSpec(s: readonly string[], p: number): Spec {
  const spec: Spec = { argpos: -1, widthpos: -1, left: false, width: 0, next: p };
  const at = (): string => {
    if (spec.next >= s.length) throw unterminated();
    return s[spec.next];
  };
  const digits = (): number | null => {
    let n: number | null = null;
    while (at() >= "0" && at() <= "9" && at().length === 1) {
      n = (n ?? 0) * 10 + Number(at());
      if (n > 2147483647) throw pgError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "number is out of range");
      spec.next++;
    }
    return n;
  };
  const n = digits();
  if (n !== null) {
    if (at() !== "$") {
      spec.width = n;
      return spec;
    }
    spec.argpos = n;
    if (n === 0) throw bad("format specifies argument 0, but arguments are numbered from 1");
    spec.next++;
  }
  while (at() === "-") {
    spec.left = true;
    spec.next++;
  }
  if (at() === "*") {
    spec.next++;
    const w = digits();
    if (w !== null) {
      if (at() !== "$") throw bad('width argument position must be ended by "$"');
      spec.widthpos = w;
      if (w === 0) throw bad("format specifies argument 0, but arguments are numbered from 1");
      spec.next++;
    } else spec.widthpos = 0;
  } else {
    const w = digits();
    if (w !== null) spec.width = w;
  }
  at();
  return spec;
}

function textFormat(call: CallInfo, ...args: Datum[]): Datum {
  if (args[0] === null) return null;
  const v = variadicArgs(call, args, 1) ?? { values: [], types: [] };
  const nargs = v.values.length + 1;
  const s = Array.from(decodeText(args[0] as Uint8Array));
  let out = "";
  let arg = 1;
  for (let p = 0; p < s.length; p++) {
    if (s[p] !== "%") {
      out += s[p];
      continue;
    }
    p++;
    if (p >= s.length) throw unterminated();
    if (s[p] === "%") {
      out += "%";
      continue;
    }
    const spec = parseSpec(s, p);
    p = spec.next;
    const letter = s[p];
    if (letter !== "s" && letter !== "I" && letter !== "L") {
      throw new PgError({
        code: ERRCODE.INVALID_PARAMETER_VALUE,
        message: `unrecognized format() type specifier "${letter}"`,
        hint: 'For a single "%" use "%%".',
      });
    }
    let { width, left } = spec;
    if (spec.widthpos >= 0) {
      if (spec.widthpos > 0) arg = spec.widthpos;
      if (arg >= nargs) throw tooFew();
      const w = v.values[arg - 1];
      width = w === null ? 0 : pgStrtoint32(outputText(w, v.types[arg - 1]));
      arg++;
    }
    if (spec.argpos > 0) arg = spec.argpos;
    if (arg >= nargs) throw tooFew();
    const value = v.values[arg - 1];
    const type = v.types[arg - 1];
    arg++;
    let text: string;
    if (value === null) {
      if (letter === "I") {
        throw pgError(ERRCODE.NULL_VALUE_NOT_ALLOWED, "null values cannot be formatted as an SQL identifier");
      }
      text = letter === "L" ? "NULL" : "";
    } else {
      text = outputText(value, type);
      if (letter === "I") text = quoteIdentifier(text);
      else if (letter === "L") text = quoteLiteral(text);
    }
    if (width < 0) {
      left = true;
      width = -width;
    }
    const fill = " ".repeat(Math.max(width - Array.from(text).length, 0));
    out += left ? text + fill : fill + text;
  }
  return encodeText(out);
}

export const textFormatBuiltins: BuiltinTable = {
  text_concat: withCall((call: CallInfo, ...args: Datum[]) => concatInternal(call, args, 0, "")),
  text_concat_ws: withCall((call: CallInfo, ...args: Datum[]) =>
    args[0] === null ? null : concatInternal(call, args, 1, decodeText(args[0] as Uint8Array))
  ),
  text_format: withCall(textFormat),
  text_format_nv: withCall((call: CallInfo, fmt: Datum) => textFormat(call, fmt)),
};
