/**
 * quote_ident, quote_literal, quote_nullable, parse_ident.
 *
 * Follows src/backend/utils/adt/quote.c, and parse_ident of misc.c.
 */
import { PgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import type { BuiltinTable } from "../fmgr/fmgr.ts";
import { clipLength } from "../mb/wchar.ts";
import { makeTextArray } from "./array_userfuncs.ts";
import { quoteIdentifier, quoteLiteral } from "./ruleutils_names.ts";

/** downcase_truncate_identifier(), without the notice. */
export function downcaseTruncate(s: string): string {
  const lower = s.replace(/[A-Z]/g, (c) => c.toLowerCase());
  const b = encodeText(lower);
  return b.length < 64 ? lower : decodeText(b.subarray(0, clipLength(b, 63)));
}

function parseIdent(text: Uint8Array, strict: boolean): Uint8Array {
  const s = decodeText(text);
  const bad = (detail?: string): PgError =>
    new PgError({
      code: ERRCODE.INVALID_PARAMETER_VALUE,
      message: `string is not a valid identifier: "${s}"`,
      detail,
    });
  const space = /[ \t\n\r\f\v]/;
  const out: string[] = [];
  let p = 0;
  const skip = (): void => {
    while (p < s.length && space.test(s[p])) p++;
  };
  let afterDot = false;
  skip();
  for (;;) {
    let missing = true;
    if (s[p] === '"') {
      let ident = "";
      p++;
      for (;;) {
        const q = s.indexOf('"', p);
        if (q < 0) throw bad("String has unclosed double quotes.");
        ident += s.slice(p, q);
        p = q + 1;
        if (s[p] !== '"') break;
        ident += '"';
        p++;
      }
      if (ident === "") throw bad("Quoted identifier must not be empty.");
      out.push(ident);
      missing = false;
    } else if (p < s.length && /[A-Za-z_\u0080-\uffff]/.test(s[p])) {
      const start = p;
      while (p < s.length && /[A-Za-z0-9_$\u0080-\uffff]/.test(s[p])) p++;
      out.push(s.slice(start, p).replace(/[A-Z]/g, (c) => c.toLowerCase()));
      missing = false;
    }
    if (missing) {
      if (s[p] === ".") throw bad('No valid identifier before ".".');
      if (afterDot) throw bad('No valid identifier after ".".');
      throw bad();
    }
    skip();
    if (s[p] === ".") {
      afterDot = true;
      p++;
      skip();
    } else if (p >= s.length) break;
    else {
      if (strict) throw bad();
      break;
    }
  }
  return makeTextArray(out);
}

export const quoteBuiltins: BuiltinTable = {
  quote_ident: (b: Uint8Array) => encodeText(quoteIdentifier(decodeText(b))),
  quote_literal: (b: Uint8Array) => encodeText(quoteLiteral(decodeText(b))),
  quote_nullable: (b: Uint8Array | null) => encodeText(b === null ? "NULL" : quoteLiteral(decodeText(b))),
  parse_ident: parseIdent,
};
