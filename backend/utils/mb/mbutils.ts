/**
 * Character set encodings: their names, and the SQL functions that convert between them and the server's UTF8.
 *
 * Single-byte encodings are converted by tables made from the runtime's decoders. Of the multibyte ones, decoding is
 * available where the runtime has it; encoding into them is not built.
 * Follows src/common/encnames.c and src/backend/utils/mb/mbutils.c.
 */
import { notBuilt, type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import type { BuiltinTable } from "../fmgr/fmgr.ts";
import { nameBytes } from "../adt/varlena.ts";
import { countChars, invalidByteSequence, utf8Length, verifyUtf8 } from "./wchar.ts";

/** enum pg_enc, in order. */
export const ENCODING_NAMES: readonly string[] =
  ("SQL_ASCII EUC_JP EUC_CN EUC_KR EUC_TW EUC_JIS_2004 UTF8 MULE_INTERNAL LATIN1 LATIN2 LATIN3 LATIN4 LATIN5 LATIN6 " +
    "LATIN7 LATIN8 LATIN9 LATIN10 WIN1256 WIN1258 WIN866 WIN874 KOI8R WIN1251 WIN1252 ISO_8859_5 ISO_8859_6 " +
    "ISO_8859_7 ISO_8859_8 WIN1250 WIN1253 WIN1254 WIN1255 WIN1257 KOI8U SJIS BIG5 GBK UHC GB18030 JOHAB " +
    "SHIFT_JIS_2004").split(" ");
/** Other spellings, without punctuation. */
const ALIASES: ReadonlyMap<string, string> = new Map([
  ["abc", "WIN1258"],
  ["alt", "WIN866"],
  ["iso88591", "LATIN1"],
  ["iso885910", "LATIN6"],
  ["iso885913", "LATIN7"],
  ["iso885914", "LATIN8"],
  ["iso885915", "LATIN9"],
  ["iso885916", "LATIN10"],
  ["iso88592", "LATIN2"],
  ["iso88593", "LATIN3"],
  ["iso88594", "LATIN4"],
  ["iso88599", "LATIN5"],
  ["koi8", "KOI8R"],
  ["mskanji", "SJIS"],
  ["shiftjis", "SJIS"],
  ["tcvn", "WIN1258"],
  ["tcvn5712", "WIN1258"],
  ["unicode", "UTF8"],
  ["vscii", "WIN1258"],
  ["win", "WIN1251"],
  ["win932", "SJIS"],
  ["win936", "GBK"],
  ["win949", "UHC"],
  ["win950", "BIG5"],
  ["windows932", "SJIS"],
  ["windows936", "GBK"],
  ["windows949", "UHC"],
  ["windows950", "BIG5"],
]);
const BY_NAME: ReadonlyMap<string, string> = new Map([
  ...ENCODING_NAMES.map((n) => [n.toLowerCase().replace(/[^a-z0-9]/g, ""), n] as const),
  ...ENCODING_NAMES.filter((n) => n.startsWith("WIN")).map((n) => ["windows" + n.slice(3), n] as const),
  ...ALIASES,
]);
/** pg_char_to_encoding(): the canonical name; undefined if there is no such encoding. */
export function encodingByName(name: string): string | undefined {
  return BY_NAME.get(name.toLowerCase().replace(/[^a-z0-9]/g, ""));
}

/** Labels of the runtime's decoders. */
const DECODERS: ReadonlyMap<string, string> = new Map([
  ["EUC_JP", "euc-jp"],
  ["EUC_CN", "gbk"],
  ["EUC_KR", "euc-kr"],
  ["LATIN2", "iso-8859-2"],
  ["LATIN3", "iso-8859-3"],
  ["LATIN4", "iso-8859-4"],
  ["LATIN6", "iso-8859-10"],
  ["LATIN7", "iso-8859-13"],
  ["LATIN8", "iso-8859-14"],
  ["LATIN9", "iso-8859-15"],
  ["LATIN10", "iso-8859-16"],
  ["WIN866", "ibm866"],
  ["KOI8R", "koi8-r"],
  ["KOI8U", "koi8-u"],
  ["ISO_8859_5", "iso-8859-5"],
  ["ISO_8859_6", "iso-8859-6"],
  ["ISO_8859_7", "iso-8859-7"],
  ["ISO_8859_8", "iso-8859-8"],
  ["WIN874", "windows-874"],
  ...[1250, 1251, 1252, 1253, 1254, 1255, 1256, 1257, 1258].map((n) => [`WIN${n}`, `windows-${n}`] as const),
  ["SJIS", "shift_jis"],
  ["BIG5", "big5"],
  ["GBK", "gbk"],
  ["UHC", "euc-kr"],
  ["GB18030", "gb18030"],
]);
const MULTIBYTE = new Set(["EUC_JP", "EUC_CN", "EUC_KR", "SJIS", "BIG5", "GBK", "UHC", "GB18030"]);
/** Code points of the bytes of a single-byte encoding; -1 for a byte without one. */
const tables = new Map<string, Int32Array>();
function tableOf(encoding: string): Int32Array | undefined {
  let t = tables.get(encoding);
  if (t !== undefined) return t;
  const label = DECODERS.get(encoding);
  if ((label === undefined && encoding !== "LATIN1" && encoding !== "LATIN5") || MULTIBYTE.has(encoding)) {
    return undefined;
  }
  t = Int32Array.from({ length: 256 }, (_, i) => i);
  if (encoding === "LATIN5") {
    for (const [byte, cp] of [[0xd0, 0x11e], [0xdd, 0x130], [0xde, 0x15e], [0xf0, 0x11f], [0xfd, 0x131]]) t[byte] = cp;
    t[0xfe] = 0x15f;
  } else if (label !== undefined) {
    const decoder = new TextDecoder(label);
    for (let i = 128; i < 256; i++) {
      const cp = decoder.decode(Uint8Array.of(i)).codePointAt(0)!;
      t[i] = cp === 0xfffd ? -1 : cp;
    }
  }
  tables.set(encoding, t);
  return t;
}
function hex(b: Uint8Array): string {
  return Array.from(b, (x) => "0x" + x.toString(16).padStart(2, "0")).join(" ");
}
function untranslatable(b: Uint8Array, from: string, to: string): PgError {
  return pgError(
    ERRCODE.UNTRANSLATABLE_CHARACTER,
    `character with byte sequence ${hex(b)} in encoding "${from}" has no equivalent in encoding "${to}"`,
  );
}
function noConversion(from: string, to: string): PgError {
  return pgError(
    ERRCODE.UNDEFINED_FUNCTION,
    `default conversion function for encoding "${from}" to "${to}" does not exist`,
  );
}
function verify(b: Uint8Array, encoding: string): void {
  if (encoding === "UTF8") return verifyUtf8(b);
  const nul = b.indexOf(0);
  if (nul >= 0) throw invalidByteSequence(b, nul, encoding);
}
function toUtf8(b: Uint8Array, from: string): Uint8Array {
  const table = tableOf(from);
  if (table !== undefined) {
    let s = "";
    for (let i = 0; i < b.length; i++) {
      const cp = table[b[i]];
      if (cp < 0) throw untranslatable(b.subarray(i, i + 1), from, "UTF8");
      s += String.fromCharCode(cp);
    }
    return encodeText(s);
  }
  const label = DECODERS.get(from);
  if (label === undefined) throw notBuilt(`conversion from encoding ${from}`);
  try {
    return encodeText(new TextDecoder(label, { fatal: true }).decode(b));
  } catch {
    throw pgError(ERRCODE.CHARACTER_NOT_IN_REPERTOIRE, `invalid byte sequence for encoding "${from}"`);
  }
}
const reverseTables = new Map<string, Map<number, number>>();
function fromUtf8(b: Uint8Array, to: string): Uint8Array {
  const table = tableOf(to);
  if (table === undefined) throw notBuilt(`conversion to encoding ${to}`);
  let reverse = reverseTables.get(to);
  if (reverse === undefined) {
    reverse = new Map(Array.from(table, (cp, i) => [cp, i] as const).filter(([cp]) => cp >= 0));
    reverseTables.set(to, reverse);
  }
  const out: number[] = [];
  for (let p = 0; p < b.length;) {
    const len = utf8Length(b[p]);
    const bytes = b.subarray(p, p + len);
    const byte = reverse.get(decodeText(bytes).codePointAt(0)!);
    if (byte === undefined) throw untranslatable(bytes, "UTF8", to);
    out.push(byte);
    p += len;
  }
  return Uint8Array.from(out);
}
/** pg_do_encoding_conversion(), after checking the source. */
export function convertEncoding(b: Uint8Array, from: string, to: string): Uint8Array {
  verify(b, from);
  if (from === to || to === "SQL_ASCII") return b;
  if (from === "SQL_ASCII") {
    verify(b, to);
    return b;
  }
  if (to === "UTF8") return toUtf8(b, from);
  if (from === "UTF8") return fromUtf8(b, to);
  if (tableOf(from) === undefined || tableOf(to) === undefined) throw noConversion(from, to);
  return fromUtf8(toUtf8(b, from), to);
}

function named(name: Uint8Array, what: string): string {
  const s = decodeText(nameBytes(name));
  const e = encodingByName(s);
  if (e === undefined) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `invalid ${what} name "${s}"`);
  return e;
}
function pgConvert(b: Uint8Array, from: Uint8Array, to: Uint8Array): Uint8Array {
  const src = named(from, "source encoding");
  return convertEncoding(b, src, named(to, "destination encoding"));
}
const UTF8_NAME = encodeText("UTF8");
function lengthInEncoding(b: Uint8Array, name: Uint8Array): number {
  const encoding = named(name, "encoding");
  verify(b, encoding);
  if (encoding === "UTF8") return countChars(b);
  return encoding === "SQL_ASCII" || tableOf(encoding) !== undefined
    ? b.length
    : [...decodeText(toUtf8(b, encoding))].length;
}

export const mbutilsBuiltins: BuiltinTable = {
  pg_convert: pgConvert,
  pg_convert_from: (b: Uint8Array, from: Uint8Array) => pgConvert(b, from, UTF8_NAME),
  pg_convert_to: (b: Uint8Array, to: Uint8Array) => pgConvert(b, UTF8_NAME, to),
  length_in_encoding: lengthInEncoding,
  pg_encoding_max_length_sql: (n: number) => {
    const encoding = ENCODING_NAMES[n];
    if (encoding === undefined) return null;
    const long = { UTF8: 4, EUC_JP: 3, EUC_CN: 3, EUC_KR: 3, EUC_TW: 4, EUC_JIS_2004: 3, MULE_INTERNAL: 4, GB18030: 4 };
    if (encoding in long) return long[encoding as keyof typeof long];
    if (encoding === "JOHAB") return 3;
    return ["SJIS", "BIG5", "GBK", "UHC", "SHIFT_JIS_2004"].includes(encoding) ? 2 : 1;
  },
};
