/**
 * LIKE and ILIKE over bytes.
 *
 * Patterns are compiled once for each distinct pattern (a small cache) into a byte matcher: a prefix to compare, then
 * literal segments to search for one after another; only `_` walks characters. ILIKE folds both sides first.
 * Follows src/backend/utils/adt/like.c and like_match.c.
 */
import { PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { mem } from "../../../shmem/memory.ts";
import type { BuiltinTable } from "../fmgr/fmgr.ts";
import { byteOffset, utf8Length } from "../mb/wchar.ts";
import { lowerText } from "./oracle_compat.ts";
import { nameBytes } from "./varlena.ts";

const PERCENT = 37;
const UNDERSCORE = 95;
const BACKSLASH = 92;

/**
 * One stretch of pattern between `%`s: bytes to match literally, with ANY_CHAR (-1) for `_`.
 */
type Segment = Int16Array;
const ANY_CHAR = -1;

interface LikePattern {
  readonly segments: Segment[];
  /** The pattern ends in a lone backslash: an error once the matcher gets there. */
  readonly badEscape: boolean;
}

function parse(p: Uint8Array): LikePattern {
  const segments: Segment[] = [];
  let current: number[] = [];
  let badEscape = false;
  for (let i = 0; i < p.length; i++) {
    const c = p[i];
    if (c === PERCENT) {
      segments.push(Int16Array.from(current));
      current = [];
    } else if (c === UNDERSCORE) current.push(ANY_CHAR);
    else if (c === BACKSLASH) {
      if (i + 1 >= p.length) {
        badEscape = true;
        break;
      }
      current.push(p[++i]);
    } else current.push(c);
  }
  segments.push(Int16Array.from(current));
  return { segments, badEscape };
}

/** End of the match of `seg` at exactly `at`, or -1. `bytes`: `_` is one byte (bytea). The text ends at `end`. */
function matchAt(s: Uint8Array, at: number, end: number, seg: Segment, bytes: boolean): number {
  for (let k = 0; k < seg.length; k++) {
    if (at >= end) return -1;
    const c = seg[k];
    if (c === ANY_CHAR) at += bytes ? 1 : utf8Length(s[at]);
    else if (s[at] !== c) return -1;
    else at++;
  }
  return at;
}
/** End of the first match of `seg` at or after `from`, or -1. */
function search(s: Uint8Array, from: number, end: number, seg: Segment, bytes: boolean): number {
  if (seg.length === 0) return from;
  const first = seg[0];
  for (let at = from; at < end;) {
    if (first !== ANY_CHAR) {
      while (at < end && s[at] !== first) at++;
      if (at >= end) return -1;
    }
    const after = matchAt(s, at, end, seg, bytes);
    if (after >= 0) return after;
    at += bytes ? 1 : utf8Length(s[at]);
  }
  return -1;
}
/** Start of the shortest suffix of s[from, end) that could match `seg`, or -1: as many characters from the end. */
function suffixStart(s: Uint8Array, from: number, end: number, seg: Segment, bytes: boolean): number {
  let at = end;
  for (let k = seg.length - 1; k >= 0; k--) {
    at--;
    if (seg[k] === ANY_CHAR && !bytes) { while (at > from && (s[at] & 0xc0) === 0x80) at--; }
    if (at < from) return -1;
  }
  return at;
}

/** Does s[from, end) match? Hot. */
function matches(s: Uint8Array, from: number, end: number, pat: LikePattern, bytes: boolean): boolean {
  const segs = pat.segments;
  const n = segs.length;
  let at = matchAt(s, from, end, segs[0], bytes);
  if (n === 1) {
    if (pat.badEscape && at >= 0 && at < end) throw badEscapeError();
    return at === end && !pat.badEscape;
  }
  if (at < 0) return false;
  for (let i = 1; i < n - 1; i++) {
    at = search(s, at, end, segs[i], bytes);
    if (at < 0) return false;
  }
  const last = segs[n - 1];
  if (last.length === 0 && !pat.badEscape) return true;
  if (pat.badEscape) {
    // Reaching the lone escape with text left is the error; without text left there is no match.
    const after = search(s, at, end, last, bytes);
    if (after < 0 || after >= end) return false;
    throw badEscapeError();
  }
  const start = suffixStart(s, at, end, last, bytes);
  return start >= 0 && matchAt(s, start, end, last, bytes) === end;
}
function badEscapeError(): PgError {
  return pgError(ERRCODE.INVALID_ESCAPE_SEQUENCE, "LIKE pattern must not end with escape character");
}

let lastSource: Uint8Array | undefined;
let lastBytes: Uint8Array | undefined;
let lastPattern: LikePattern | undefined;
function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
/** The parsed pattern, from a one-entry cache: a scan uses one pattern for all its rows. */
function compiled(p: Uint8Array): LikePattern {
  if (lastSource === p && p.buffer !== mem.buffer) return lastPattern!;
  lastSource = p;
  if (lastBytes !== undefined && sameBytes(lastBytes, p)) return lastPattern!;
  lastBytes = p.slice();
  lastPattern = parse(p);
  return lastPattern;
}

export function textLike(s: Uint8Array, p: Uint8Array): boolean {
  return matches(s, 0, s.length, compiled(p), false);
}
/** textLike() of s[from, end). */
export function textLikeAt(s: Uint8Array, from: number, end: number, p: Uint8Array): boolean {
  return matches(s, from, end, compiled(p), false);
}
function byteaLike(s: Uint8Array, p: Uint8Array): boolean {
  return matches(s, 0, s.length, compiled(p), true);
}
function iLike(s: Uint8Array, p: Uint8Array): boolean {
  return textLike(lowerText(s), lowerText(p));
}
function nameLike(s: Uint8Array, p: Uint8Array): boolean {
  return textLike(nameBytes(s), p);
}

/** do_like_escape(): the pattern with `esc` replaced by backslash. */
export function likeEscape(p: Uint8Array, esc: Uint8Array): Uint8Array {
  const out: number[] = [];
  if (esc.length === 0) {
    for (const c of p) {
      if (c === BACKSLASH) out.push(BACKSLASH);
      out.push(c);
    }
    return Uint8Array.from(out);
  }
  if (byteOffset(esc, 1) !== esc.length) {
    throw new PgError({
      code: ERRCODE.INVALID_ESCAPE_SEQUENCE,
      message: "invalid escape string",
      hint: "Escape string must be empty or one character.",
    });
  }
  if (esc[0] === BACKSLASH) return p;
  let after = false;
  for (let i = 0; i < p.length;) {
    const next = byteOffset(p, 1, i);
    const isEsc = next - i === esc.length && esc.every((c, k) => p[i + k] === c);
    if (isEsc && !after) {
      out.push(BACKSLASH);
      after = true;
    } else if (p[i] === BACKSLASH) {
      out.push(BACKSLASH);
      if (!after) out.push(BACKSLASH);
      after = false;
    } else {
      for (let k = i; k < next; k++) out.push(p[k]);
      after = false;
    }
    i = next;
  }
  return Uint8Array.from(out);
}

export const likeBuiltins: BuiltinTable = {
  textlike: textLike,
  textnlike: (s: Uint8Array, p: Uint8Array) => !textLike(s, p),
  texticlike: iLike,
  texticnlike: (s: Uint8Array, p: Uint8Array) => !iLike(s, p),
  namelike: nameLike,
  namenlike: (s: Uint8Array, p: Uint8Array) => !nameLike(s, p),
  nameiclike: (s: Uint8Array, p: Uint8Array) => iLike(nameBytes(s), p),
  nameicnlike: (s: Uint8Array, p: Uint8Array) => !iLike(nameBytes(s), p),
  bytealike: byteaLike,
  byteanlike: (s: Uint8Array, p: Uint8Array) => !byteaLike(s, p),
  like_escape: likeEscape,
  like_escape_bytea: likeEscape,
};
