/**
 * Unicode functions: normalize, IS NORMALIZED, unistr, unicode_assigned.
 *
 * Follows src/backend/utils/adt/varlena.c and src/common/unicode_norm.c (through JS's normalization).
 */
import { PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import type { BuiltinTable } from "../fmgr/fmgr.ts";
import { equalBytes } from "./varlena.ts";

const UNICODE_VERSION = "16.0";

function form(name: Uint8Array): "NFC" | "NFD" | "NFKC" | "NFKD" {
  const f = decodeText(name).toUpperCase();
  if (f === "NFC" || f === "NFD" || f === "NFKC" || f === "NFKD") return f;
  throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `invalid normalization form: ${decodeText(name)}`);
}
function normalize(b: Uint8Array, f: Uint8Array): Uint8Array {
  return encodeText(decodeText(b).normalize(form(f)));
}

function unistr(b: Uint8Array): Uint8Array {
  const s = decodeText(b);
  const badEscape = (): PgError =>
    new PgError({
      code: ERRCODE.SYNTAX_ERROR,
      message: "invalid Unicode escape",
      hint: "Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.",
    });
  const badPair = (): PgError => pgError(ERRCODE.SYNTAX_ERROR, "invalid Unicode surrogate pair");
  let out = "";
  let high = 0;
  for (let p = 0; p < s.length;) {
    if (s[p] !== "\\") {
      if (high !== 0) throw badPair();
      out += s[p++];
      continue;
    }
    if (s[p + 1] === "\\") {
      if (high !== 0) throw badPair();
      out += "\\";
      p += 2;
      continue;
    }
    const m = /^\\(?:u?([0-9A-Fa-f]{4})|\+([0-9A-Fa-f]{6})|U([0-9A-Fa-f]{8}))/.exec(s.slice(p, p + 10));
    if (!m) throw badEscape();
    const cp = parseInt(m[1] ?? m[2] ?? m[3], 16);
    if (cp === 0 || cp > 0x10ffff) {
      throw pgError(
        ERRCODE.INVALID_PARAMETER_VALUE,
        `invalid Unicode code point: ${cp.toString(16).padStart(4, "0").toUpperCase()}`,
      );
    }
    p += m[0].length;
    if (high !== 0) {
      if (cp < 0xdc00 || cp > 0xdfff) throw badPair();
      out += String.fromCharCode(high, cp);
      high = 0;
    } else if (cp >= 0xd800 && cp <= 0xdbff) high = cp;
    else if (cp >= 0xdc00 && cp <= 0xdfff) throw badPair();
    else out += String.fromCodePoint(cp);
  }
  if (high !== 0) throw badPair();
  return encodeText(out);
}

export const unicodeTextBuiltins: BuiltinTable = {
  unicode_normalize_func: normalize,
  unicode_is_normalized: (b: Uint8Array, f: Uint8Array) => equalBytes(b, normalize(b, f)),
  unicode_assigned: (b: Uint8Array) => !/\p{Cn}/u.test(decodeText(b)),
  unicode_version: () => encodeText(UNICODE_VERSION),
  unistr,
};
