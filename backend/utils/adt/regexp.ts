/**
 * SQL functions over regular expressions: ~, regexp_*, substring … from, SIMILAR TO.
 *
 * Patterns are compiled once and kept in a cache of the most recently used.
 * Follows src/backend/utils/adt/regexp.c.
 */
import { PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import { codePoints, Regex, utf16Offset } from "../../regex/regexec.ts";
import { RegexError, type RegexFlags } from "../../regex/regparse.ts";
import type { Datum } from "../fmgr/datum.ts";
import type { BuiltinTable } from "../fmgr/fmgr.ts";
import { makeTextArray } from "./array_userfuncs.ts";
import { nameBytes } from "./varlena.ts";

const CACHE_MAX = 128;
const cache = new Map<string, Regex>();

function advanced(icase = false): RegexFlags {
  return { flavor: "are", icase, nlstop: false, nlanch: false, expanded: false };
}
/** RE_compile_and_cache(). @throws 2201B. */
function compile(pattern: string, flags: RegexFlags): Regex {
  const key = `${flags.flavor}${flags.icase ? "i" : ""}${flags.nlstop ? "p" : ""}${flags.nlanch ? "w" : ""}${
    flags.expanded ? "x" : ""
  }:${pattern}`;
  let re = cache.get(key);
  if (re !== undefined) {
    cache.delete(key);
  } else {
    try {
      re = new Regex(pattern, flags);
    } catch (e) {
      if (!(e instanceof RegexError)) throw e;
      throw pgError(ERRCODE.INVALID_REGULAR_EXPRESSION, `invalid regular expression: ${e.message}`);
    }
    if (cache.size >= CACHE_MAX) cache.delete(cache.keys().next().value!);
  }
  cache.set(key, re);
  return re;
}
/** parse_re_flags(). */
function parseFlags(opts: Uint8Array | undefined): RegexFlags & { glob: boolean } {
  const f = { ...advanced(), glob: false };
  if (opts === undefined) return f;
  for (const c of decodeText(opts)) {
    switch (c) {
      case "g":
        f.glob = true;
        break;
      case "b":
        f.flavor = "bre";
        break;
      case "c":
        f.icase = false;
        break;
      case "e":
        f.flavor = "ere";
        break;
      case "i":
        f.icase = true;
        break;
      case "m":
      case "n":
        f.nlstop = f.nlanch = true;
        break;
      case "p":
        f.nlstop = true;
        f.nlanch = false;
        break;
      case "q":
        f.flavor = "quote";
        break;
      case "s":
        f.nlstop = f.nlanch = false;
        break;
      case "t":
        f.expanded = false;
        break;
      case "w":
        f.nlstop = false;
        f.nlanch = true;
        break;
      case "x":
        f.expanded = true;
        break;
      default:
        throw invalidOption(c);
    }
  }
  return f;
}
function invalidOption(c: string, hint?: string): PgError {
  return new PgError({
    code: ERRCODE.INVALID_PARAMETER_VALUE,
    message: `invalid regular expression option: "${c}"`,
    hint,
  });
}
function noGlobal(f: { glob: boolean }, name: string, hint?: string): void {
  if (f.glob) {
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `${name}() does not support the "global" option`, { hint });
  }
}
function badParameter(name: string, value: number): PgError {
  return pgError(ERRCODE.INVALID_PARAMETER_VALUE, `invalid value for parameter "${name}": ${value}`);
}
/** Past a match of length zero the search goes on one character further. */
function advance(s: string, m: number[]): number {
  if (m[0] !== m[1]) return m[1];
  const c = s.charCodeAt(m[1]);
  return m[1] + (c >= 0xd800 && c <= 0xdbff ? 2 : 1);
}

function matches(s: Uint8Array, p: Uint8Array, icase: boolean): boolean {
  return compile(decodeText(p), advanced(icase)).test(decodeText(s));
}

/** setup_regexp_matches(): all matches (or the first) as arrays of offsets. */
function allMatches(s: string, re: Regex, glob: boolean, from: number, ignoreDegenerate: boolean): number[][] {
  const out: number[][] = [];
  let prevEnd = 0;
  while (from <= s.length) {
    const m = re.exec(s, from);
    if (m === null) break;
    if (!ignoreDegenerate || (m[0] < s.length && m[1] > prevEnd)) out.push(m);
    prevEnd = m[1];
    if (!glob) break;
    from = advance(s, m);
  }
  return out;
}
/** One match as text[]: the groups, or the whole if there are none. */
function matchArray(s: string, m: number[]): Uint8Array {
  const parts: (string | null)[] = [];
  if (m.length === 2) parts.push(s.slice(m[0], m[1]));
  for (let i = 2; i < m.length; i += 2) parts.push(m[i] < 0 ? null : s.slice(m[i], m[i + 1]));
  return makeTextArray(parts);
}
function regexpMatch(s: Uint8Array, p: Uint8Array, opts?: Uint8Array): Datum {
  const f = parseFlags(opts);
  noGlobal(f, "regexp_match", "Use the regexp_matches function instead.");
  const str = decodeText(s);
  const m = compile(decodeText(p), f).exec(str);
  return m === null ? null : matchArray(str, m);
}
function regexpMatches(s: Uint8Array, p: Uint8Array, opts?: Uint8Array): Datum[] {
  const f = parseFlags(opts);
  const str = decodeText(s);
  return allMatches(str, compile(decodeText(p), f), f.glob, 0, false).map((m) => matchArray(str, m));
}
function split(s: Uint8Array, p: Uint8Array, opts: Uint8Array | undefined, name: string): string[] {
  const f = parseFlags(opts);
  noGlobal(f, name);
  const str = decodeText(s);
  const out: string[] = [];
  let at = 0;
  for (const m of allMatches(str, compile(decodeText(p), f), true, 0, true)) {
    out.push(str.slice(at, m[0]));
    at = m[1];
  }
  out.push(str.slice(at));
  return out;
}

/** appendStringInfoRegexpSubstr(): the replacement with \1, \& and \\ expanded. */
function expand(repl: string, s: string, m: number[]): string {
  return repl.replace(/\\([0-9&\\])|\\/g, (all, c: string | undefined) => {
    if (c === undefined) return all;
    if (c === "\\") return "\\";
    const i = c === "&" || c === "0" ? 0 : 2 * Number(c);
    if (c === "0") return all;
    return i < m.length && m[i] >= 0 ? s.slice(m[i], m[i + 1]) : "";
  });
}
/** replace_text_regexp(): the nth match, or all if n is 0, from character `start` (0-based). */
function replace(s: Uint8Array, p: Uint8Array, r: Uint8Array, f: RegexFlags, start: number, n: number): Uint8Array {
  const str = decodeText(s);
  const re = compile(decodeText(p), f);
  const repl = decodeText(r);
  const plain = !repl.includes("\\");
  let from = start === 0 ? 0 : utf16Offset(str, Math.min(start, str.length + 1));
  let out = "";
  let done = 0;
  let count = 0;
  while (from <= str.length) {
    const m = re.exec(str, from);
    if (m === null) break;
    count++;
    from = advance(str, m);
    if (n > 0 && count < n) continue;
    out += str.slice(done, m[0]) + (plain ? repl : expand(repl, str, m));
    done = m[1];
    if (n > 0) break;
  }
  return done === 0 && out === "" ? s : encodeText(out + str.slice(done));
}
function replaceExtended(
  s: Uint8Array,
  p: Uint8Array,
  r: Uint8Array,
  start: number,
  n?: number,
  opts?: Uint8Array,
): Uint8Array {
  if (start <= 0) throw badParameter("start", start);
  if (n !== undefined && n < 0) throw badParameter("n", n);
  const f = parseFlags(opts);
  return replace(s, p, r, f, start - 1, n ?? (f.glob ? 0 : 1));
}
function replaceWithFlags(s: Uint8Array, p: Uint8Array, r: Uint8Array, opts: Uint8Array): Uint8Array {
  if (opts.length > 0 && opts[0] >= 48 && opts[0] <= 57) {
    throw invalidOption(
      String.fromCharCode(opts[0]),
      "If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer explicitly.",
    );
  }
  const f = parseFlags(opts);
  return replace(s, p, r, f, 0, f.glob ? 0 : 1);
}

function startOffset(s: string, start: number): number {
  if (start <= 0) throw badParameter("start", start);
  return start === 1 ? 0 : start - 1 > s.length ? s.length + 1 : utf16Offset(s, start - 1);
}
function regexpCount(s: Uint8Array, p: Uint8Array, start = 1, opts?: Uint8Array): number {
  const str = decodeText(s);
  const from = startOffset(str, start);
  const f = parseFlags(opts);
  noGlobal(f, "regexp_count");
  return allMatches(str, compile(decodeText(p), f), true, from, false).length;
}
function regexpLike(s: Uint8Array, p: Uint8Array, opts?: Uint8Array): boolean {
  const f = parseFlags(opts);
  noGlobal(f, "regexp_like");
  return compile(decodeText(p), f).test(decodeText(s));
}
/** Bounds of the nth match, or of a group of it. */
function nthMatch(
  s: string,
  p: Uint8Array,
  f: RegexFlags,
  from: number,
  n: number,
  subexpr: number,
): [number, number] | null {
  const re = compile(decodeText(p), f);
  const all = allMatches(s, re, true, from, false);
  if (n > all.length || subexpr > Math.max(re.groups, 1)) return null;
  const m = all[n - 1];
  // Without groups, subexpression 1 is the whole match.
  const i = subexpr > 0 && re.groups > 0 ? 2 * subexpr : 0;
  return m[i] < 0 ? null : [m[i], m[i + 1]];
}
function regexpInstr(
  s: Uint8Array,
  p: Uint8Array,
  start = 1,
  n = 1,
  endoption = 0,
  opts?: Uint8Array,
  subexpr = 0,
): number {
  const str = decodeText(s);
  const from = startOffset(str, start);
  if (n <= 0) throw badParameter("n", n);
  if (endoption !== 0 && endoption !== 1) throw badParameter("endoption", endoption);
  if (subexpr < 0) throw badParameter("subexpr", subexpr);
  const f = parseFlags(opts);
  noGlobal(f, "regexp_instr");
  const m = nthMatch(str, p, f, from, n, subexpr);
  return m === null ? 0 : codePoints(str, 0, m[endoption]) + 1;
}
function regexpSubstr(
  s: Uint8Array,
  p: Uint8Array,
  start = 1,
  n = 1,
  opts?: Uint8Array,
  subexpr = 0,
): Datum {
  const str = decodeText(s);
  const from = startOffset(str, start);
  if (n <= 0) throw badParameter("n", n);
  if (subexpr < 0) throw badParameter("subexpr", subexpr);
  const f = parseFlags(opts);
  noGlobal(f, "regexp_substr");
  const m = nthMatch(str, p, f, from, n, subexpr);
  return m === null ? null : encodeText(str.slice(m[0], m[1]));
}
/** substring(s from pattern): the first group, or the whole match. */
function regexSubstr(s: Uint8Array, p: Uint8Array): Datum {
  const str = decodeText(s);
  const m = compile(decodeText(p), advanced()).exec(str);
  if (m === null) return null;
  const i = m.length > 2 ? 2 : 0;
  return m[i] < 0 ? null : encodeText(str.slice(m[i], m[i + 1]));
}

/** similar_escape_internal(): a SQL regular expression as an ARE. `esc` null means backslash. */
function similarEscape(pattern: Uint8Array, esc: Uint8Array | null): Uint8Array {
  const e = esc === null ? "\\" : decodeText(esc);
  if (Array.from(e).length > 1) {
    throw new PgError({
      code: ERRCODE.INVALID_ESCAPE_SEQUENCE,
      message: "invalid escape string",
      hint: "Escape string must be empty or one character.",
    });
  }
  let out = "^(?:";
  let after = false;
  let quotes = 0;
  let depth = 0;
  /** Where in a bracket expression we are: 1 at its start, 2 after ^, 3 past the first member. */
  let classPos = 0;
  for (const c of decodeText(pattern)) {
    if (after) {
      if (c === '"' && depth < 1) {
        if (quotes === 0) out += "){1,1}?(";
        else if (quotes === 1) out += "){1,1}(?:";
        else {
          throw pgError(
            ERRCODE.INVALID_USE_OF_ESCAPE_CHARACTER,
            "SQL regular expression may not contain more than two escape-double-quote separators",
          );
        }
        quotes++;
      } else {
        out += "\\" + c;
        classPos = 3;
      }
      after = false;
    } else if (e !== "" && c === e) after = true;
    else if (depth > 0) {
      if (c === "\\") out += "\\";
      out += c;
      if (c === "]" && classPos > 2) depth--;
      else if (c === "[") {
        depth++;
        classPos = 3;
      } else if (c === "^") classPos++;
      else classPos = 3;
    } else if (c === "[") {
      out += c;
      depth = 1;
      classPos = 1;
    } else if (c === "%") out += ".*";
    else if (c === "_") out += ".";
    else if (c === "(") out += "(?:";
    else if (c === "\\" || c === "." || c === "^" || c === "$") out += "\\" + c;
    else out += c;
  }
  return encodeText(out + ")$");
}

type B = Uint8Array;
export const regexpBuiltins: BuiltinTable = {
  textregexeq: (s: B, p: B) => matches(s, p, false),
  textregexne: (s: B, p: B) => !matches(s, p, false),
  texticregexeq: (s: B, p: B) => matches(s, p, true),
  texticregexne: (s: B, p: B) => !matches(s, p, true),
  nameregexeq: (s: B, p: B) => matches(nameBytes(s), p, false),
  nameregexne: (s: B, p: B) => !matches(nameBytes(s), p, false),
  nameicregexeq: (s: B, p: B) => matches(nameBytes(s), p, true),
  nameicregexne: (s: B, p: B) => !matches(nameBytes(s), p, true),
  textregexsubstr: regexSubstr,
  textregexreplace_noopt: (s: B, p: B, r: B) => replace(s, p, r, advanced(), 0, 1),
  textregexreplace: replaceWithFlags,
  textregexreplace_extended: replaceExtended,
  textregexreplace_extended_no_flags: (s: B, p: B, r: B, start: number, n: number) =>
    replaceExtended(s, p, r, start, n),
  textregexreplace_extended_no_n: (s: B, p: B, r: B, start: number) => replaceExtended(s, p, r, start),
  regexp_match: regexpMatch,
  regexp_match_no_flags: (s: B, p: B) => regexpMatch(s, p),
  regexp_matches: regexpMatches,
  regexp_matches_no_flags: (s: B, p: B) => regexpMatches(s, p),
  regexp_split_to_array: (s: B, p: B, o: B) => makeTextArray(split(s, p, o, "regexp_split_to_array")),
  regexp_split_to_array_no_flags: (s: B, p: B) => makeTextArray(split(s, p, undefined, "regexp_split_to_array")),
  regexp_split_to_table: (s: B, p: B, o: B) => split(s, p, o, "regexp_split_to_table").map(encodeText),
  regexp_split_to_table_no_flags: (s: B, p: B) => split(s, p, undefined, "regexp_split_to_table").map(encodeText),
  regexp_count: regexpCount,
  regexp_count_no_start: (s: B, p: B) => regexpCount(s, p),
  regexp_count_no_flags: (s: B, p: B, start: number) => regexpCount(s, p, start),
  regexp_like: regexpLike,
  regexp_like_no_flags: (s: B, p: B) => regexpLike(s, p),
  regexp_instr: regexpInstr,
  regexp_instr_no_start: (s: B, p: B) => regexpInstr(s, p),
  regexp_instr_no_n: (s: B, p: B, start: number) => regexpInstr(s, p, start),
  regexp_instr_no_endoption: (s: B, p: B, start: number, n: number) => regexpInstr(s, p, start, n),
  regexp_instr_no_flags: (s: B, p: B, start: number, n: number, e: number) => regexpInstr(s, p, start, n, e),
  regexp_instr_no_subexpr: (s: B, p: B, start: number, n: number, e: number, o: B) => regexpInstr(s, p, start, n, e, o),
  regexp_substr: regexpSubstr,
  regexp_substr_no_start: (s: B, p: B) => regexpSubstr(s, p),
  regexp_substr_no_n: (s: B, p: B, start: number) => regexpSubstr(s, p, start),
  regexp_substr_no_flags: (s: B, p: B, start: number, n: number) => regexpSubstr(s, p, start, n),
  regexp_substr_no_subexpr: (s: B, p: B, start: number, n: number, o: B) => regexpSubstr(s, p, start, n, o),
  similar_escape: (p: B | null, e: B | null) => p === null ? null : similarEscape(p, e),
  similar_to_escape_1: (p: B) => similarEscape(p, null),
  similar_to_escape_2: (p: B, e: B) => similarEscape(p, e),
};
