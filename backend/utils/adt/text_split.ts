/**
 * Splitting, joining and replacing text: replace, split_part, string_to_array, string_to_table, string_agg.
 *
 * Follows src/backend/utils/adt/varlena.c. Searches run on bytes: UTF-8 needs no decoding to find a substring.
 */
import { pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import type { Datum } from "../fmgr/datum.ts";
import type { BuiltinTable } from "../fmgr/fmgr.ts";
import { byteOffset } from "../mb/wchar.ts";
import { emptyArray, makeArray } from "./array_codec.ts";
import { EMPTY_BYTES, equalBytes, indexOfBytes, joinBytes } from "./varlena.ts";

const TEXTOID = 25;

function replaceText(s: Uint8Array, from: Uint8Array, to: Uint8Array): Uint8Array {
  if (s.length === 0 || from.length === 0) return s;
  let p = indexOfBytes(s, from);
  if (p < 0) return s;
  const parts: Uint8Array[] = [];
  let start = 0;
  while (p >= 0) {
    parts.push(s.subarray(start, p), to);
    start = p + from.length;
    p = indexOfBytes(s, from, start);
  }
  parts.push(s.subarray(start));
  return joinBytes(parts);
}

function splitPart(s: Uint8Array, sep: Uint8Array, field: number): Uint8Array {
  if (field === 0) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "field position must not be zero");
  if (s.length === 0) return EMPTY_BYTES;
  if (sep.length === 0) return field === 1 || field === -1 ? s : EMPTY_BYTES;
  if (field > 0) {
    let start = 0;
    for (let n = 1;; n++) {
      const p = indexOfBytes(s, sep, start);
      if (n === field) return s.slice(start, p < 0 ? s.length : p);
      if (p < 0) return EMPTY_BYTES;
      start = p + sep.length;
    }
  }
  const fields = splitBytes(s, sep);
  return fields[fields.length + field] ?? EMPTY_BYTES;
}
function splitBytes(s: Uint8Array, sep: Uint8Array): Uint8Array[] {
  const out: Uint8Array[] = [];
  let start = 0;
  for (;;) {
    const p = indexOfBytes(s, sep, start);
    if (p < 0) break;
    out.push(s.slice(start, p));
    start = p + sep.length;
  }
  out.push(s.slice(start));
  return out;
}

/** split_text(): null separator splits into characters; fields equal to `nullText` become null. */
function splitText(s: Uint8Array, sep: Uint8Array | null, nullText: Uint8Array | null): Datum[] {
  let fields: Uint8Array[];
  if (s.length === 0) return [];
  if (sep === null) {
    fields = [];
    for (let p = 0; p < s.length;) {
      const q = byteOffset(s, 1, p);
      fields.push(s.slice(p, q));
      p = q;
    }
  } else fields = sep.length === 0 ? [s] : splitBytes(s, sep);
  return nullText === null ? fields : fields.map((f) => equalBytes(f, nullText) ? null : f);
}
function toArray(s: Uint8Array | null, sep: Uint8Array | null, nullText: Uint8Array | null): Datum {
  if (s === null) return null;
  const v = splitText(s, sep, nullText);
  return v.length === 0 ? emptyArray(TEXTOID) : makeArray(TEXTOID, v);
}

/** State of string_agg: the pieces, delimiters included; joined once. */
class StringAggState {
  readonly parts: Uint8Array[] = [];
  /** The delimiter before the first value: dropped at the end, needed when states are combined. */
  firstDelim: Uint8Array | null = null;
}
function stringAggTransfn(s: StringAggState | null, v: Uint8Array | null, delim: Uint8Array | null): Datum {
  if (v === null) return s;
  const st = s ?? new StringAggState();
  if (st.parts.length === 0) st.firstDelim = delim?.slice() ?? null;
  else if (delim !== null && delim.length > 0) st.parts.push(delim.slice());
  st.parts.push(v.slice());
  return st;
}
function stringAggCombine(a: StringAggState | null, b: StringAggState | null): Datum {
  if (b === null) return a;
  if (a === null) return b;
  if (b.firstDelim !== null) a.parts.push(b.firstDelim);
  a.parts.push(...b.parts);
  return a;
}

export const textSplitBuiltins: BuiltinTable = {
  replace_text: replaceText,
  split_part: splitPart,
  text_to_array: (s: Uint8Array | null, sep: Uint8Array | null) => toArray(s, sep, null),
  text_to_array_null: toArray,
  text_to_table: (s: Uint8Array | null, sep: Uint8Array | null) => s === null ? [] : splitText(s, sep, null),
  text_to_table_null: (s: Uint8Array | null, sep: Uint8Array | null, n: Uint8Array | null) =>
    s === null ? [] : splitText(s, sep, n),
  string_agg_transfn: stringAggTransfn,
  string_agg_combine: stringAggCombine,
  string_agg_finalfn: (s: StringAggState | null) => s === null ? null : joinBytes(s.parts),
};
