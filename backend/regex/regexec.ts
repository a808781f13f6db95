/**
 * Executes regular expressions with PostgreSQL's matching rules, which are not those of JS: of all matches that start
 * leftmost the longest wins (or the shortest, if the pattern prefers that), and subexpressions then share it out from
 * left to right.
 *
 * Every pattern is translated to a JS RegExp, which decides whether and where a match starts. Where JS's first match is
 * bound to be PostgreSQL's too (no alternatives that overlap, nothing non-greedy) it also delivers the bounds; otherwise
 * a matcher over the syntax tree finds the extent from that start and dissects it.
 * Patterns with back references are left to JS entirely (a difference, see README).
 * Follows the rules that src/backend/regex/regexec.c implements.
 */
import { escapeChar, type ParsedRegex, parseRegex, type RegexFlags, type RegexNode, WORD_BODY } from "./regparse.ts";

function source(n: RegexNode, f: RegexFlags): string {
  switch (n.kind) {
    case "empty":
      return "(?:)";
    case "char":
      return escapeChar(n.char);
    case "set":
      if (n.body === "") return n.negated ? "[^]" : "[]";
      return `[${n.negated ? "^" : ""}${n.body}]`;
    case "bol":
      return f.nlanch ? "(?<![^\\n])" : "(?<![^])";
    case "eol":
      return f.nlanch ? "(?![^\\n])" : "(?![^])";
    case "bos":
      return "(?<![^])";
    case "eos":
      return "(?![^])";
    case "word": {
      const w = `[${WORD_BODY}]`;
      const begin = `(?<!${w})(?=${w})`;
      const end = `(?<=${w})(?!${w})`;
      if (n.at === "begin") return begin;
      if (n.at === "end") return end;
      return n.at === "either" ? `(?:${begin}|${end})` : `(?:(?<=${w})(?=${w})|(?<!${w})(?!${w}))`;
    }
    case "look":
      return `(?${n.ahead ? "" : "<"}${n.negated ? "!" : "="}${source(n.child, f)})`;
    case "group":
      return `(${source(n.child, f)})`;
    case "backref":
      return `(?:\\${n.index})`;
    case "cat":
      return source(n.left, f) + source(n.right, f);
    case "alt":
      return `(?:${n.branches.map((b) => source(b, f)).join("|")})`;
    case "repeat": {
      const q = n.min === 0 && n.max === Infinity
        ? "*"
        : n.min === 1 && n.max === Infinity
        ? "+"
        : n.min === 0 && n.max === 1
        ? "?"
        : n.max === Infinity
        ? `{${n.min},}`
        : n.min === n.max
        ? `{${n.min}}`
        : `{${n.min},${n.max}}`;
      return `(?:${source(n.child, f)})${q}${n.greedy ? "" : "?"}`;
    }
  }
}

/** First character that a node must match if it is a literal one; undefined if unknown. */
function firstChar(n: RegexNode): string | undefined {
  switch (n.kind) {
    case "char":
      return n.char;
    case "cat":
      return firstChar(n.left);
    case "group":
      return firstChar(n.child);
    case "repeat":
      return n.min > 0 ? firstChar(n.child) : undefined;
  }
  return undefined;
}
/** True if JS's first match is PostgreSQL's match. */
function jsAgrees(n: RegexNode, icase: boolean): boolean {
  switch (n.kind) {
    case "cat":
      return jsAgrees(n.left, icase) && jsAgrees(n.right, icase);
    case "group":
      return jsAgrees(n.child, icase);
    case "repeat":
      // An optional group may win over a longer match that leaves it out: (a)?(ab)?
      return n.greedy && (n.child.kind === "char" || n.child.kind === "set" || n.min === n.max) &&
        jsAgrees(n.child, icase);
    case "alt": {
      // Alternatives that begin with different literal characters exclude each other.
      const seen = new Set<string>();
      for (const b of n.branches) {
        let c = firstChar(b);
        if (c === undefined || !jsAgrees(b, icase)) return false;
        if (icase) c = c.toLowerCase();
        if (seen.has(c)) return false;
        seen.add(c);
      }
      return true;
    }
  }
  return true;
}
/** True if the end of a repeat could be followed by something that it could itself have eaten: then extents may differ. */
function hasOptionalTail(n: RegexNode): boolean {
  if (n.kind === "cat") {
    const l = n.left;
    if (l.kind === "repeat" && l.max !== l.min && l.max !== Infinity) return true;
    return hasOptionalTail(l) || hasOptionalTail(n.right);
  }
  return n.kind === "group" ? hasOptionalTail(n.child) : n.kind === "alt" ? n.branches.some(hasOptionalTail) : false;
}

/** Matcher for one subject: sets of possible ends by node and start, memoized. Positions are code points. */
class Matcher {
  private readonly memo = new Map<number, readonly number[]>();
  private readonly chars: readonly string[];
  constructor(private readonly re: Regex, subject: string) {
    this.chars = Array.from(subject);
  }

  private sameChar(a: string, b: string): boolean {
    return a === b || (this.re.parsed.flags.icase &&
      (a.toLowerCase() === b.toLowerCase() || a.toUpperCase() === b.toUpperCase()));
  }
  private isWord(i: number): boolean {
    return i >= 0 && i < this.chars.length && WORD.test(this.chars[i]);
  }
  /** Ascending positions where a match of `n` that starts at `at` may end. */
  ends(n: RegexNode, at: number): readonly number[] {
    const { chars } = this;
    const when = (ok: boolean): readonly number[] => ok ? [at] : NONE;
    const { nlanch } = this.re.parsed.flags;
    switch (n.kind) {
      case "empty":
        return [at];
      case "char":
        return at < chars.length && this.sameChar(chars[at], n.char) ? [at + 1] : NONE;
      case "set":
        return at < chars.length && this.re.inSet(n, chars[at]) ? [at + 1] : NONE;
      case "bol":
        return when(at === 0 || (nlanch && chars[at - 1] === "\n"));
      case "eol":
        return when(at === chars.length || (nlanch && chars[at] === "\n"));
      case "bos":
        return when(at === 0);
      case "eos":
        return when(at === chars.length);
      case "word": {
        const before = this.isWord(at - 1);
        const after = this.isWord(at);
        switch (n.at) {
          case "begin":
            return when(!before && after);
          case "end":
            return when(before && !after);
          case "either":
            return when(before !== after);
          default:
            return when(before === after);
        }
      }
      case "look":
        return when(this.look(n.child, n.ahead, at) !== n.negated);
      case "group":
        return this.ends(n.child, at);
    }
    const key = n.id * (chars.length + 1) + at;
    let r = this.memo.get(key);
    if (r === undefined) {
      r = this.compute(n, at);
      this.memo.set(key, r);
    }
    return r;
  }
  private look(child: RegexNode, ahead: boolean, at: number): boolean {
    if (ahead) return this.ends(child, at).length > 0;
    for (let s = at; s >= 0; s--) if (this.ends(child, s).includes(at)) return true;
    return false;
  }
  private compute(n: RegexNode, at: number): readonly number[] {
    const out = new Set<number>();
    switch (n.kind) {
      case "cat":
        for (const mid of this.ends(n.left, at)) for (const e of this.ends(n.right, mid)) out.add(e);
        break;
      case "alt":
        for (const b of n.branches) for (const e of this.ends(b, at)) out.add(e);
        break;
      case "repeat": {
        let level = new Set([at]);
        const seen = new Set<number>();
        for (let k = 0; k <= n.max; k++) {
          if (k >= n.min) {
            // Positions reached before, at or past the minimum, bring nothing new.
            for (const p of level) {
              if (seen.has(p)) level.delete(p);
              else {
                seen.add(p);
                out.add(p);
              }
            }
          }
          if (level.size === 0 || k === n.max) break;
          const next = new Set<number>();
          for (const p of level) for (const e of this.ends(n.child, p)) next.add(e);
          level = next;
        }
      }
    }
    return Array.from(out).sort((a, b) => a - b);
  }

  /** Extent from `start`: the longest match, or the shortest if the pattern prefers it. */
  extent(start: number): number {
    const e = this.ends(this.re.parsed.root, start);
    return this.re.parsed.root.pref === "shorter" ? e[0] : e[e.length - 1];
  }
  /** Fills the captures of a match of `n` on exactly [b, e). */
  dissect(n: RegexNode, b: number, e: number, caps: number[]): void {
    switch (n.kind) {
      case "group":
        caps[2 * n.index] = b;
        caps[2 * n.index + 1] = e;
        this.dissect(n.child, b, e, caps);
        return;
      case "cat": {
        const mids = this.ends(n.left, b);
        const shorter = n.left.pref === "shorter";
        for (let k = 0; k < mids.length; k++) {
          const mid = mids[shorter ? k : mids.length - 1 - k];
          if (mid <= e && this.ends(n.right, mid).includes(e)) {
            this.dissect(n.left, b, mid, caps);
            this.dissect(n.right, mid, e, caps);
            return;
          }
        }
        return;
      }
      case "alt":
        for (const br of n.branches) {
          if (this.ends(br, b).includes(e)) {
            this.dissect(br, b, e, caps);
            return;
          }
        }
        return;
      case "repeat":
        this.dissectRepeat(n, b, e, caps);
    }
  }
  private dissectRepeat(n: RegexNode & { kind: "repeat" }, b: number, e: number, caps: number[]): void {
    if (b === e && n.min === 0) {
      // No iteration is needed, but an empty one that is possible is made.
      if (this.ends(n.child, b).includes(b)) this.dissect(n.child, b, b, caps);
      return;
    }
    const failed = new Set<string>();
    const cuts: number[] = [];
    const step = (k: number, at: number): boolean => {
      if (at === e && k >= n.min && k > 0) return true;
      if (k >= n.max || failed.has(`${Math.min(k, n.min)},${at}`)) return false;
      const ends = this.ends(n.child, at);
      for (let i = 0; i < ends.length; i++) {
        const next = ends[n.greedy ? ends.length - 1 - i : i];
        // An empty iteration only helps to reach the minimum.
        if (next > e || (next === at && k >= n.min)) continue;
        cuts.push(next);
        if (step(k + 1, next)) return true;
        cuts.pop();
      }
      failed.add(`${Math.min(k, n.min)},${at}`);
      return false;
    };
    if (!step(0, b)) return;
    let from = b;
    for (const cut of cuts) {
      this.dissect(n.child, from, cut, caps);
      from = cut;
    }
  }
}
const NONE: readonly number[] = [];
const WORD = new RegExp(`^[${WORD_BODY}]$`, "u");

/** A compiled pattern. Offsets in results are UTF-16 units; -1 for a group that took no part. */
export class Regex {
  readonly parsed: ParsedRegex;
  private readonly js: RegExp;
  private readonly exact: boolean;
  private readonly setTests = new Map<number, RegExp>();

  constructor(pattern: string, flags: RegexFlags) {
    this.parsed = parseRegex(pattern, { ...flags });
    const f = this.parsed.flags;
    this.js = new RegExp(source(this.parsed.root, f), f.icase ? "giu" : "gu");
    this.exact = this.parsed.hasBackref ||
      (jsAgrees(this.parsed.root, f.icase) && !hasOptionalTail(this.parsed.root));
  }
  get groups(): number {
    return this.parsed.groups;
  }
  inSet(n: RegexNode & { kind: "set" }, c: string): boolean {
    let t = this.setTests.get(n.id);
    if (t === undefined) {
      t = new RegExp(`^${source(n, this.parsed.flags)}$`, this.parsed.flags.icase ? "iu" : "u");
      this.setTests.set(n.id, t);
    }
    return t.test(c);
  }
  test(s: string): boolean {
    this.js.lastIndex = 0;
    return this.js.test(s);
  }
  /** Match at or after `from`: [start, end, group1 start, group1 end, …], or null. */
  exec(s: string, from = 0): number[] | null {
    this.js.lastIndex = from;
    if (this.exact && this.groups === 0) {
      const m = this.js.exec(s);
      return m === null ? null : [m.index, m.index + m[0].length];
    }
    if (this.exact) return this.execJs(s, from);
    const m = this.js.exec(s);
    if (m === null) return null;
    // Work in code points from here.
    const start = codePoints(s, 0, m.index);
    const matcher = new Matcher(this, s);
    const end = matcher.extent(start);
    const caps = new Array<number>(2 * (this.groups + 1)).fill(-1);
    caps[0] = start;
    caps[1] = end;
    if (this.groups > 0) matcher.dissect(this.parsed.root, start, end, caps);
    return caps.map((c) => c < 0 ? c : utf16Offset(s, c));
  }
  private indexed: RegExp | undefined;
  private execJs(s: string, from: number): number[] | null {
    this.indexed ??= new RegExp(this.js.source, this.js.flags + "d");
    this.indexed.lastIndex = from;
    const m = this.indexed.exec(s);
    if (m === null) return null;
    const out: number[] = [];
    for (const span of m.indices!) {
      if (span === undefined) out.push(-1, -1);
      else out.push(span[0], span[1]);
    }
    return out;
  }
}

/** Code points in s[from, to). */
export function codePoints(s: string, from: number, to: number): number {
  let n = to - from;
  for (let i = from; i + 1 < to; i++) {
    const c = s.charCodeAt(i);
    if (c >= 0xd800 && c <= 0xdbff) n--;
  }
  return n;
}
/** UTF-16 offset of code point number `n`, or the length of `s` plus what is missing. */
export function utf16Offset(s: string, n: number): number {
  let i = 0;
  while (n > 0) {
    const c = s.charCodeAt(i);
    i += c >= 0xd800 && c <= 0xdbff ? 2 : 1;
    n--;
  }
  return i;
}
