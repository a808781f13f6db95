/**
 * Patterns: their fixed prefix, their selectivity, and index conditions from them.
 *
 * LIKE and ~ with a prefix become ranges on an index whose collation orders by bytes (C) or whose class is *_pattern_ops.
 * Follows src/backend/utils/adt/like_support.c.
 */
import type { Oid } from "../../../base/types.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import type { BoundFunction } from "../fmgr/fmgr.ts";
import type { Datum } from "../fmgr/datum.ts";
import type { PlannerInfo } from "../../optimizer/pathnodes.ts";
import type { VariableStatData } from "./selfuncs.ts";

export type PatternKind = "like" | "iclike" | "regex" | "icregex" | "prefix";
export type PrefixStatus = "none" | "partial" | "exact";

const FIXED_CHAR_SEL = 0.20;
const ANY_CHAR_SEL = 0.9;
const FULL_WILDCARD_SEL = 5.0;
const PARTIAL_WILDCARD_SEL = 2.0;
const CHAR_RANGE_SEL = 0.25;

/** The literal prefix of a pattern, and the selectivity of what follows. */
export function patternFixedPrefix(
  pattern: string,
  kind: PatternKind,
): { status: PrefixStatus; prefix: string; restSelec: number } {
  switch (kind) {
    case "like":
    case "iclike": {
      const chars = [...pattern];
      let prefix = "";
      let i = 0;
      for (; i < chars.length; i++) {
        if (chars[i] === "%" || chars[i] === "_") break;
        if (chars[i] === "\\") {
          i++;
          if (i >= chars.length) break;
        }
        if (kind === "iclike" && /\p{L}/u.test(chars[i])) break;
        prefix += chars[i];
      }
      const restSelec = likeRest(chars.slice(i));
      if (i >= chars.length) return { status: "exact", prefix, restSelec: 1 };
      return { status: prefix.length > 0 ? "partial" : "none", prefix, restSelec };
    }
    case "prefix":
      return { status: pattern.length > 0 ? "partial" : "none", prefix: pattern, restSelec: 1 };
    default:
      return regexPrefix(pattern, kind === "icregex");
  }
}
function likeRest(patt: string[]): number {
  let sel = 1;
  let pos = 0;
  while (pos < patt.length && (patt[pos] === "%" || patt[pos] === "_")) pos++;
  for (; pos < patt.length; pos++) {
    if (patt[pos] === "%") sel *= FULL_WILDCARD_SEL;
    else if (patt[pos] === "_") sel *= ANY_CHAR_SEL;
    else if (patt[pos] === "\\") {
      pos++;
      if (pos >= patt.length) break;
      sel *= FIXED_CHAR_SEL;
    } else sel *= FIXED_CHAR_SEL;
  }
  return sel > 1 ? 1 : sel;
}
function regexPrefix(pattern: string, caseInsensitive: boolean): {
  status: PrefixStatus;
  prefix: string;
  restSelec: number;
} {
  let prefix = "";
  let exact = false;
  if (pattern.startsWith("^") && !caseInsensitive && !pattern.includes("|")) {
    let i = 1;
    let depth = 0;
    for (; i < pattern.length; i++) {
      const c = pattern[i];
      // A group that is not repeated only groups.
      if (c === "(" && pattern[i + 1] !== "?" && !groupIsRepeated(pattern, i)) {
        depth++;
        continue;
      }
      if (c === ")" && depth > 0) {
        depth--;
        continue;
      }
      if (/[\\.\[\](){}*+?|^$]/.test(c)) break;
      const next = pattern[i + 1];
      if (next !== undefined && /[*?{]/.test(next)) break;
      prefix += c;
      if (next === "+") break;
    }
    exact = prefix.length > 0 && depth === 0 && pattern.slice(i) === "$";
  }
  if (exact) return { status: "exact", prefix, restSelec: 1 };
  let sel = regexSelectivityPart(pattern, caseInsensitive);
  if (prefix.length > 0) sel /= FIXED_CHAR_SEL ** prefix.length;
  sel = Math.min(1, Math.max(0, sel));
  return { status: prefix.length > 0 ? "partial" : "none", prefix, restSelec: sel };
}
/** Is the group that opens at `open` followed by a quantifier (or not closed)? */
function groupIsRepeated(p: string, open: number): boolean {
  let depth = 0;
  for (let i = open; i < p.length; i++) {
    if (p[i] === "\\") i++;
    else if (p[i] === "(") depth++;
    else if (p[i] === ")" && --depth === 0) return i + 1 < p.length && /[*+?{]/.test(p[i + 1]);
  }
  return true;
}
function regexSelectivityPart(patt: string, ci: boolean): number {
  let sel = 1;
  let paren = 0;
  let parenPos = 0;
  for (let pos = 0; pos < patt.length; pos++) {
    const c = patt[pos];
    if (c === "(") {
      if (paren === 0) parenPos = pos;
      paren++;
    } else if (c === ")" && paren > 0) {
      paren--;
      if (paren === 0) sel *= regexSelectivityPart(patt.slice(parenPos + 1, pos), ci);
    } else if (c === "|" && paren === 0) {
      sel += regexSelectivityPart(patt.slice(pos + 1), ci);
      break;
    } else if (c === "[") {
      let neg = false;
      if (patt[++pos] === "^") {
        neg = true;
        pos++;
      }
      if (patt[pos] === "]") pos++;
      while (pos < patt.length && patt[pos] !== "]") pos++;
      if (paren === 0) sel *= neg ? 1 - CHAR_RANGE_SEL : CHAR_RANGE_SEL;
    } else if (c === ".") {
      if (paren === 0) sel *= ANY_CHAR_SEL;
    } else if (c === "*" || c === "?" || c === "+") {
      if (paren === 0) sel *= PARTIAL_WILDCARD_SEL;
    } else if (c === "{") {
      while (pos < patt.length && patt[pos] !== "}") pos++;
      if (paren === 0) sel *= PARTIAL_WILDCARD_SEL;
    } else if (c === "\\") {
      pos++;
      if (pos >= patt.length) break;
      if (paren === 0) sel *= FIXED_CHAR_SEL;
    } else if (c !== "^" && c !== "$" && paren === 0) sel *= FIXED_CHAR_SEL;
  }
  if (!patt.endsWith("$")) sel *= FULL_WILDCARD_SEL;
  return sel > 1 ? 1 : sel;
}

/** The smallest byte string greater than every string with this prefix; null if there is none. */
export function makeGreaterString(prefix: Uint8Array): Uint8Array | null {
  // UTF-8 order is code point order: bump the last character that can be.
  const chars = [...decodeText(prefix)];
  while (chars.length > 0) {
    const cp = chars[chars.length - 1].codePointAt(0)!;
    if (cp < 0x10ffff) {
      const next = cp === 0xd7ff ? 0xe000 : cp + 1;
      chars[chars.length - 1] = String.fromCodePoint(next);
      return encodeText(chars.join(""));
    }
    chars.pop();
  }
  return null;
}

export interface LikeSelInput {
  root: PlannerInfo;
  vd: VariableStatData;
  constval: Datum;
  consttype: Oid;
  opno: Oid;
  collation: Oid;
  kind: PatternKind;
  op: BoundFunction;
  varEqConst: (
    vd: VariableStatData,
    opno: Oid,
    collation: Oid,
    c: Datum,
    isnull: boolean,
    varonleft: boolean,
    negate: boolean,
  ) => number;
  scalarineqsel: (
    root: PlannerInfo,
    opno: Oid,
    isgt: boolean,
    iseq: boolean,
    collation: Oid,
    vd: VariableStatData,
    c: Datum,
    t: Oid,
  ) => number;
  mcvSelectivity: (
    vd: VariableStatData,
    op: BoundFunction,
    c: Datum,
    l: boolean,
  ) => { selec: number; sumcommon: number };
  histogramSelectivity: (
    vd: VariableStatData,
    op: BoundFunction,
    c: Datum,
    l: boolean,
    min: number,
    skip: number,
  ) => { selec: number; histSize: number };
}
const TEXT_OPS = { eq: 98, lt: 664, ge: 667 };
const BPCHAR_OPS = { eq: 1054, lt: 1058, ge: 1061 };
const NAME_OPS = { eq: 254, lt: 255, ge: 257 };

/** patternsel_common without negation; -1 if the types are not text. */
export function likeSelectivity(x: LikeSelInput): number {
  if (x.consttype !== 25 || !(x.constval instanceof Uint8Array)) return -1;
  const vartype = x.vd.vartype;
  const ops = vartype === 1042 ? BPCHAR_OPS : vartype === 19 ? { ...NAME_OPS, eq: 93 } : TEXT_OPS;
  if (vartype !== 25 && vartype !== 1042 && vartype !== 19 && vartype !== 1043) return -1;
  const p = patternFixedPrefix(decodeText(x.constval), x.kind);
  const prefixBytes = encodeText(p.prefix);
  if (p.status === "exact") return x.varEqConst(x.vd, ops.eq, x.collation, prefixBytes, false, true, false);
  const h = x.histogramSelectivity(x.vd, x.op, x.constval, true, 10, 1);
  let selec = h.selec;
  if (selec < 0 || h.histSize < 100) {
    let prefixsel = 1;
    if (p.status === "partial") prefixsel = prefixSelectivity(x, ops, prefixBytes);
    const heur = prefixsel * p.restSelec;
    selec = selec < 0 ? heur : heur * (1 - h.histSize / 100) + selec * (h.histSize / 100);
  }
  if (selec < 0.0001) selec = 0.0001;
  else if (selec > 0.9999) selec = 0.9999;
  const mcv = x.mcvSelectivity(x.vd, x.op, x.constval, true);
  const nullfrac = x.vd.stats?.stanullfrac ?? 0;
  selec *= 1 - nullfrac - mcv.sumcommon;
  return selec + mcv.selec;
}
function prefixSelectivity(
  x: LikeSelInput,
  ops: { eq: Oid; lt: Oid; ge: Oid },
  prefix: Uint8Array,
): number {
  if (x.vd.stats === null) return 0.005; // DEFAULT_MATCH_SEL
  let s = x.scalarineqsel(x.root, ops.ge, true, true, x.collation, x.vd, prefix, 25);
  const greater = makeGreaterString(prefix);
  if (greater !== null) {
    const top = x.scalarineqsel(x.root, ops.lt, false, false, x.collation, x.vd, greater, 25);
    s = top + s - 1;
  }
  const eq = x.varEqConst(x.vd, ops.eq, x.collation, prefix, false, true, false);
  return Math.max(s, eq);
}
