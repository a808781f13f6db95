/**
 * Types character(n) and character varying(n). A bpchar Datum is stored blank-padded to n characters; comparison,
 * length and hashing ignore trailing blanks.
 *
 * typmod is n + 4, -1 if no length was given.
 * Follows src/backend/utils/adt/varchar.c.
 */
import { type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import { hashBytes, hashBytesExtended } from "../../common/hashfn.ts";
import { type BuiltinTable, type CallInfo, type TypeIoTable, withCall } from "../fmgr/fmgr.ts";
import { byteOffset, clipLength, countChars, verifyUtf8 } from "../mb/wchar.ts";
import type { Int8 } from "./int8.ts";
import { pgStrtoint32 } from "./numutils.ts";
import { nameBytes, varstrCmp } from "./varlena.ts";

const SPACE = 32;
const MaxAttrSize = 10 * 1024 * 1024;

function tooLong(type: string, n: number): PgError {
  return pgError(ERRCODE.STRING_DATA_RIGHT_TRUNCATION, `value too long for type ${type}(${n})`);
}
/** Blanks only in b[from, end)? */
function onlyBlanks(b: Uint8Array, from: number): boolean {
  for (let i = from; i < b.length; i++) if (b[i] !== SPACE) return false;
  return true;
}
/** bcTruelen(): bytes without trailing blanks. Hot. */
export function bpcharTrueLength(b: Uint8Array): number {
  let n = b.length;
  while (n > 0 && b[n - 1] === SPACE) n--;
  return n;
}

/** bpchar_input(): pads to n characters; what is cut off must be blanks. */
function bpcharInput(b: Uint8Array, typmod: number): Uint8Array {
  if (typmod < 4) return b;
  return fitBpchar(b, typmod - 4, false);
}
function fitBpchar(b: Uint8Array, maxlen: number, explicit: boolean): Uint8Array {
  const chars = countChars(b);
  if (chars === maxlen) return b;
  if (chars > maxlen) {
    const cut = byteOffset(b, maxlen);
    if (!explicit && !onlyBlanks(b, cut)) throw tooLong("character", maxlen);
    return b.slice(0, cut);
  }
  const out = new Uint8Array(b.length + maxlen - chars);
  out.set(b);
  out.fill(SPACE, b.length);
  return out;
}
function fitVarchar(b: Uint8Array, typmod: number, explicit: boolean): Uint8Array {
  const maxlen = typmod - 4;
  if (maxlen < 0 || b.length <= maxlen) return b;
  const cut = byteOffset(b, maxlen);
  if (cut === b.length) return b;
  if (!explicit && !onlyBlanks(b, cut)) throw tooLong("character varying", maxlen);
  return b.slice(0, cut);
}

function typmodIn(mods: readonly string[], type: string): number {
  if (mods.length !== 1) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "invalid type modifier");
  const n = pgStrtoint32(mods[0]);
  if (n < 1) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `length for type ${type} must be at least 1`);
  if (n > MaxAttrSize) {
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `length for type ${type} cannot exceed ${MaxAttrSize}`);
  }
  return n + 4;
}
const typmodOut = (typmod: number): string => typmod > 4 ? `(${typmod - 4})` : "";

/** Compares without trailing blanks. Hot. */
export function bpcharCmp(a: Uint8Array, b: Uint8Array): number {
  const la = bpcharTrueLength(a);
  const lb = bpcharTrueLength(b);
  const n = la < lb ? la : lb;
  for (let i = 0; i < n; i++) {
    const d = a[i] - b[i];
    if (d !== 0) return d;
  }
  return la === lb ? 0 : la < lb ? -1 : 1;
}
function bpcharEq(a: Uint8Array, b: Uint8Array): boolean {
  const n = bpcharTrueLength(a);
  if (n !== bpcharTrueLength(b)) return false;
  for (let i = 0; i < n; i++) if (a[i] !== b[i]) return false;
  return true;
}
const lt = (a: Uint8Array, b: Uint8Array): boolean => bpcharCmp(a, b) < 0;
const le = (a: Uint8Array, b: Uint8Array): boolean => bpcharCmp(a, b) <= 0;
const gt = (a: Uint8Array, b: Uint8Array): boolean => bpcharCmp(a, b) > 0;
const ge = (a: Uint8Array, b: Uint8Array): boolean => bpcharCmp(a, b) >= 0;

/** Truncates to the 63 bytes of a name and pads with NUL. */
export function textToName(b: Uint8Array): Uint8Array {
  const out = new Uint8Array(64);
  out.set(b.subarray(0, b.length >= 64 ? clipLength(b, 63) : b.length));
  return out;
}
function bpcharToName(b: Uint8Array): Uint8Array {
  const n = b.length >= 64 ? clipLength(b, 63) : b.length;
  return textToName(b.subarray(0, bpcharTrueLength(b.subarray(0, n))));
}

export const varcharBuiltins: BuiltinTable = {
  bpchareq: bpcharEq,
  bpcharne: (a: Uint8Array, b: Uint8Array) => !bpcharEq(a, b),
  bpcharlt: lt,
  bpcharle: le,
  bpchargt: gt,
  bpcharge: ge,
  bpcharcmp: bpcharCmp,
  bpchar_larger: (a: Uint8Array, b: Uint8Array) => bpcharCmp(a, b) >= 0 ? a : b,
  bpchar_smaller: (a: Uint8Array, b: Uint8Array) => bpcharCmp(a, b) <= 0 ? a : b,
  bpchar_pattern_lt: lt,
  bpchar_pattern_le: le,
  bpchar_pattern_gt: gt,
  bpchar_pattern_ge: ge,
  btbpchar_pattern_cmp: bpcharCmp,
  hashbpchar: (b: Uint8Array) => hashBytes(b, 0, bpcharTrueLength(b)),
  hashbpcharextended: (b: Uint8Array, seed: Int8) => hashBytesExtended(b, 0, bpcharTrueLength(b), seed),
  bpcharlen: (b: Uint8Array) => countChars(b, 0, bpcharTrueLength(b)),
  bpcharoctetlen: (b: Uint8Array) => b.length,
  bpchar: (b: Uint8Array, typmod: number, explicit: boolean) => typmod < 4 ? b : fitBpchar(b, typmod - 4, explicit),
  varchar: fitVarchar,
  bpchar_name: bpcharToName,
  name_bpchar: (n: Uint8Array) => nameBytes(n).slice(),
  char_bpchar: (c: number) => Uint8Array.of(c & 0xff),
};

const trimmed = (b: Uint8Array): Uint8Array => b.subarray(0, bpcharTrueLength(b));
function collated<T extends boolean | number>(f: (c: number) => T) {
  return withCall((call: CallInfo, a: Uint8Array, b: Uint8Array) =>
    f(varstrCmp(trimmed(a), trimmed(b), call.collation))
  );
}
/** Variants for collations other than memcmp order. */
export const bpcharCollated: BuiltinTable = {
  bpchareq: collated((c) => c === 0),
  bpcharne: collated((c) => c !== 0),
  bpcharlt: collated((c) => c < 0),
  bpcharle: collated((c) => c <= 0),
  bpchargt: collated((c) => c > 0),
  bpcharge: collated((c) => c >= 0),
  bpcharcmp: collated((c) => c),
};

function bpcharRecv(b: Uint8Array, _typioparam: number, typmod: number): Uint8Array {
  verifyUtf8(b);
  return bpcharInput(b.slice(), typmod);
}
function varcharRecv(b: Uint8Array, _typioparam: number, typmod: number): Uint8Array {
  verifyUtf8(b);
  return fitVarchar(b.slice(), typmod, false);
}

export const varcharIo: TypeIoTable = {
  input: {
    bpcharin: (s, _typioparam, typmod) => bpcharInput(encodeText(s), typmod),
    varcharin: (s, _typioparam, typmod) => fitVarchar(encodeText(s), typmod, false),
  },
  output: { bpcharout: (v: Uint8Array) => decodeText(v), varcharout: (v: Uint8Array) => decodeText(v) },
  receive: { bpcharrecv: bpcharRecv, varcharrecv: varcharRecv },
  send: { bpcharsend: (v: Uint8Array) => v, varcharsend: (v: Uint8Array) => v },
  typmodIn: {
    bpchartypmodin: (mods) => typmodIn(mods, "char"),
    varchartypmodin: (mods) => typmodIn(mods, "varchar"),
  },
  typmodOut: { bpchartypmodout: typmodOut, varchartypmodout: typmodOut },
};
