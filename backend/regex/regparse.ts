/**
 * Parser for PostgreSQL's advanced regular expressions (AREs), EREs and literal patterns, to a syntax tree.
 *
 * Character sets are kept as the body of a JS character class (`u` flag), which both the JS translation and the matcher
 * use; classes are those of the C.UTF-8 locale: Unicode properties, but only ASCII digits.
 * Follows src/backend/regex/{regcomp,regc_lex}.c for syntax, escapes and error cases.
 */
export interface RegexFlags {
  /** "are" advanced, "ere" extended, "bre" basic, "quote" literal. */
  flavor: "are" | "ere" | "bre" | "quote";
  icase: boolean;
  /** `.` and negated sets do not match newline. */
  nlstop: boolean;
  /** ^ and $ match at lines. */
  nlanch: boolean;
  expanded: boolean;
}
/** What a node would rather match: see parse rules in regex documentation, "Regular Expression Matching Rules". */
export type Preference = "longer" | "shorter" | "none";

export type RegexNode =
  | { readonly kind: "empty"; pref: Preference; id: number }
  | { readonly kind: "char"; readonly char: string; pref: Preference; id: number }
  /** Set of characters; `body` goes between the brackets of a JS class. */
  | { readonly kind: "set"; readonly body: string; readonly negated: boolean; pref: Preference; id: number }
  | { readonly kind: "bol" | "eol" | "bos" | "eos"; pref: Preference; id: number }
  | { readonly kind: "word"; readonly at: "begin" | "end" | "either" | "neither"; pref: Preference; id: number }
  | {
    readonly kind: "look";
    readonly ahead: boolean;
    readonly negated: boolean;
    readonly child: RegexNode;
    pref: Preference;
    id: number;
  }
  | { readonly kind: "group"; readonly index: number; readonly child: RegexNode; pref: Preference; id: number }
  | { readonly kind: "backref"; readonly index: number; pref: Preference; id: number }
  | { readonly kind: "cat"; readonly left: RegexNode; readonly right: RegexNode; pref: Preference; id: number }
  | { readonly kind: "alt"; readonly branches: RegexNode[]; pref: Preference; id: number }
  | {
    readonly kind: "repeat";
    readonly min: number;
    readonly max: number;
    readonly greedy: boolean;
    readonly child: RegexNode;
    pref: Preference;
    id: number;
  };

export interface ParsedRegex {
  readonly root: RegexNode;
  readonly groups: number;
  readonly flags: RegexFlags;
  readonly hasBackref: boolean;
  readonly nodes: number;
}
/** A pattern that does not compile; `message` as regerror() words it. */
export class RegexError extends Error {}

const DUPMAX = 255;
const SPACE_BODY = "\\p{White_Space}";
const ALNUM_BODY = "\\p{Alphabetic}0-9";
/** Bodies of [:class:], outside case-insensitive matching. */
const CLASSES: Readonly<Record<string, string>> = {
  alnum: ALNUM_BODY,
  alpha: "\\p{Alphabetic}",
  ascii: "\\u0000-\\u007f",
  blank: "\\t\\p{Zs}",
  cntrl: "\\p{Cc}",
  digit: "0-9",
  graph: "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Co}",
  lower: "\\p{Lowercase}",
  print: "\\p{L}\\p{M}\\p{N}\\p{P}\\p{S}\\p{Cf}\\p{Co}\\p{Zs}",
  punct: "\\p{P}\\p{S}",
  space: SPACE_BODY,
  upper: "\\p{Uppercase}",
  xdigit: "0-9A-Fa-f",
  word: ALNUM_BODY + "_",
};
export const WORD_BODY: string = CLASSES.word;

/** A character as it may stand in a JS class or, escaped the same way, outside one. */
export function escapeChar(c: string): string {
  const cp = c.codePointAt(0)!;
  if (/[A-Za-z0-9_]/.test(c) || cp > 0x7f) {
    return cp > 0xffff || cp <= 0x7f ? c : "\\u" + cp.toString(16).padStart(4, "0");
  }
  return "\\x" + cp.toString(16).padStart(2, "0");
}

class Parser {
  private s: string[];
  private p = 0;
  private groups = 0;
  private ids = 0;
  private hasBackref = false;
  constructor(pattern: string, private readonly flags: RegexFlags) {
    this.s = Array.from(pattern);
  }

  private node<T extends object>(n: T): T & { id: number } {
    return Object.assign(n, { id: this.ids++ });
  }
  private char(c: string): RegexNode {
    return this.node({ kind: "char" as const, char: c, pref: "none" as Preference });
  }
  private set(body: string, negated: boolean): RegexNode {
    return this.node({ kind: "set" as const, body, negated, pref: "none" as Preference });
  }

  parse(): ParsedRegex {
    const { flags } = this;
    if (flags.flavor === "quote") return this.done(this.literal());
    this.prefixes();
    if ((flags.flavor as string) === "quote") return this.done(this.literal());
    if (flags.flavor === "bre") {
      this.s = basicToAdvanced(this.s.slice(this.p));
      this.p = 0;
      flags.flavor = "are";
    }
    const root = this.alternatives(0);
    if (this.p < this.s.length) throw new RegexError("parentheses () not balanced");
    return this.done(root);
  }
  private done(root: RegexNode): ParsedRegex {
    return { root, groups: this.groups, flags: this.flags, hasBackref: this.hasBackref, nodes: this.ids };
  }
  private literal(): RegexNode {
    return this.concat(this.s.slice(this.p).map((c) => this.char(c)));
  }
  /** `***` directors and embedded options at the start. */
  private prefixes(): void {
    const { flags, s } = this;
    if (flags.flavor === "are" && s[0] === "*" && s[1] === "*" && s[2] === "*") {
      if (s[3] === "=") {
        flags.flavor = "quote";
        this.p = 4;
        return;
      }
      if (s[3] !== ":") throw new RegexError("quantifier operand invalid");
      this.p = 4;
    }
    if (flags.flavor !== "are") return;
    const { p } = this;
    if (s[p] === "(" && s[p + 1] === "?" && /[A-Za-z]/.test(s[p + 2] ?? "")) {
      this.p += 2;
      for (; this.p < s.length && /[A-Za-z]/.test(s[this.p]); this.p++) this.option(s[this.p]);
      if (s[this.p] !== ")") throw new RegexError("invalid embedded option");
      this.p++;
      if ((flags.flavor as string) === "quote") flags.expanded = false;
    }
  }
  private option(c: string): void {
    const { flags } = this;
    switch (c) {
      case "b":
        flags.flavor = "bre";
        break;
      case "c":
        flags.icase = false;
        break;
      case "e":
        flags.flavor = "ere";
        break;
      case "i":
        flags.icase = true;
        break;
      case "m":
      case "n":
        flags.nlstop = flags.nlanch = true;
        break;
      case "p":
        flags.nlstop = true;
        flags.nlanch = false;
        break;
      case "q":
        flags.flavor = "quote";
        break;
      case "s":
        flags.nlstop = flags.nlanch = false;
        break;
      case "t":
        flags.expanded = false;
        break;
      case "w":
        flags.nlstop = false;
        flags.nlanch = true;
        break;
      case "x":
        flags.expanded = true;
        break;
      default:
        throw new RegexError("invalid embedded option");
    }
  }

  /** White space and comments of expanded syntax, and (?#…). */
  private skip(): void {
    const { s } = this;
    for (;;) {
      const start = this.p;
      if (this.flags.expanded) {
        while (this.p < s.length && /\s/.test(s[this.p])) this.p++;
        if (s[this.p] === "#") { while (this.p < s.length && s[this.p] !== "\n") this.p++; }
      }
      if (this.flags.flavor === "are" && s[this.p] === "(" && s[this.p + 1] === "?" && s[this.p + 2] === "#") {
        while (this.p < s.length && s[this.p] !== ")") this.p++;
        if (this.p < s.length) this.p++;
      }
      if (this.p === start) return;
    }
  }

  private alternatives(depth: number): RegexNode {
    if (depth > 500) throw new RegexError("regular expression is too complex");
    const branches = [this.branch(depth)];
    while (this.s[this.p] === "|") {
      this.p++;
      branches.push(this.branch(depth));
    }
    if (branches.length === 1) return branches[0];
    return this.node({ kind: "alt" as const, branches, pref: "longer" as Preference });
  }
  private concat(items: RegexNode[]): RegexNode {
    if (items.length === 0) return this.node({ kind: "empty" as const, pref: "none" as Preference });
    let node = items[items.length - 1];
    for (let i = items.length - 2; i >= 0; i--) {
      const left = items[i];
      node = this.node({
        kind: "cat" as const,
        left,
        right: node,
        pref: left.pref !== "none" ? left.pref : node.pref,
      });
    }
    return node;
  }
  private branch(depth: number): RegexNode {
    const items: RegexNode[] = [];
    for (;;) {
      this.skip();
      const c = this.s[this.p];
      if (c === undefined || c === "|" || (c === ")" && (depth > 0 || this.flags.flavor === "are"))) break;
      items.push(this.quantified(depth));
    }
    return this.concat(items);
  }
  private static constraint(n: RegexNode): boolean {
    return n.kind === "bol" || n.kind === "eol" || n.kind === "bos" || n.kind === "eos" || n.kind === "word" ||
      n.kind === "look";
  }

  private quantified(depth: number): RegexNode {
    const atom = this.atom(depth);
    this.skip();
    const q = this.quantifier();
    if (q === null) return atom;
    if (Parser.constraint(atom)) throw new RegexError("quantifier operand invalid");
    this.skip();
    // A second quantifier has nothing to apply to.
    const save = this.p;
    if (this.quantifier() !== null) throw new RegexError("quantifier operand invalid");
    this.p = save;
    const { min, max, greedy, exact } = q;
    if (min > DUPMAX || (max !== Infinity && max > DUPMAX) || min > max) {
      throw new RegexError("invalid repetition count(s)");
    }
    const pref: Preference = exact ? atom.pref : greedy ? "longer" : "shorter";
    if (max === 0) return this.node({ kind: "empty" as const, pref: "none" as Preference });
    if (min === 1 && max === 1 && atom.pref === pref) return atom;
    return this.node({ kind: "repeat" as const, min, max, greedy, child: atom, pref });
  }
  private quantifier(): { min: number; max: number; greedy: boolean; exact: boolean } | null {
    const { s, flags } = this;
    const lazy = (): boolean => {
      if (flags.flavor === "are" && s[this.p] === "?") {
        this.p++;
        return true;
      }
      return false;
    };
    switch (s[this.p]) {
      case "*":
        this.p++;
        return { min: 0, max: Infinity, greedy: !lazy(), exact: false };
      case "+":
        this.p++;
        return { min: 1, max: Infinity, greedy: !lazy(), exact: false };
      case "?":
        this.p++;
        return { min: 0, max: 1, greedy: !lazy(), exact: false };
      case "{": {
        if (!/[0-9]/.test(s[this.p + 1] ?? "")) return null;
        this.p++;
        const number = (): number => {
          let n = "";
          while (/^[0-9]$/.test(s[this.p] ?? "")) n += s[this.p++];
          if (n.length > 3) throw new RegexError("invalid repetition count(s)");
          return Number(n);
        };
        const min = number();
        let max = min;
        let exact = true;
        if (s[this.p] === ",") {
          exact = false;
          this.p++;
          max = /^[0-9]$/.test(s[this.p] ?? "") ? number() : Infinity;
        }
        if (this.p >= s.length) throw new RegexError("braces {} not balanced");
        if (s[this.p] !== "}") throw new RegexError("invalid repetition count(s)");
        this.p++;
        return { min, max, greedy: !lazy(), exact };
      }
    }
    return null;
  }

  private simple(kind: "bol" | "eol" | "bos" | "eos"): RegexNode {
    return this.node({ kind, pref: "none" as Preference });
  }
  private atom(depth: number): RegexNode {
    const { s } = this;
    const c = s[this.p];
    switch (c) {
      case "(":
        return this.parenthesized(depth);
      case "[":
        return this.bracket();
      case ".":
        this.p++;
        return this.set(this.flags.nlstop ? "\\n" : "", true);
      case "^":
        this.p++;
        return this.simple("bol");
      case "$":
        this.p++;
        return this.simple("eol");
      case "\\":
        return this.escape();
      case "*":
      case "+":
      case "?":
        throw new RegexError("quantifier operand invalid");
      case "{":
        if (/[0-9]/.test(s[this.p + 1] ?? "")) throw new RegexError("quantifier operand invalid");
        if (this.flags.flavor !== "are") throw new RegexError("quantifier operand invalid");
    }
    this.p++;
    return this.char(c);
  }
  private parenthesized(depth: number): RegexNode {
    const { s } = this;
    this.p++;
    let make: (child: RegexNode) => RegexNode;
    if (this.flags.flavor === "are" && s[this.p] === "?") {
      const rest = s.slice(this.p + 1, this.p + 3).join("");
      const look = (ahead: boolean, negated: boolean) => (child: RegexNode): RegexNode =>
        this.node({ kind: "look" as const, ahead, negated, child, pref: "none" as Preference });
      if (rest[0] === ":") {
        this.p += 2;
        make = (child) => child;
      } else if (rest[0] === "=" || rest[0] === "!") {
        this.p += 2;
        make = look(true, rest[0] === "!");
      } else if (rest === "<=" || rest === "<!") {
        this.p += 3;
        make = look(false, rest === "<!");
      } else throw new RegexError("quantifier operand invalid");
    } else {
      const index = ++this.groups;
      make = (child) => this.node({ kind: "group" as const, index, child, pref: child.pref });
    }
    const child = this.alternatives(depth + 1);
    if (s[this.p] !== ")") throw new RegexError("parentheses () not balanced");
    this.p++;
    return make(child);
  }

  private hex(n: number): string {
    const t = this.s.slice(this.p, this.p + n).join("");
    if (t.length < n || !/^[0-9A-Fa-f]+$/.test(t)) throw new RegexError("invalid escape \\ sequence");
    this.p += n;
    return this.codePoint(parseInt(t, 16));
  }
  private codePoint(cp: number): string {
    if (cp > 0x10ffff) throw new RegexError("invalid escape \\ sequence");
    return String.fromCodePoint(cp);
  }
  /** A character escape (also inside brackets), or undefined if the letter is none. this.p is past the letter. */
  private charEscape(c: string): string | undefined {
    const { s } = this;
    switch (c) {
      case "a":
        return "\x07";
      case "b":
        return "\b";
      case "B":
        return "\\";
      case "c": {
        const x = s[this.p];
        if (x === undefined) throw new RegexError("invalid escape \\ sequence");
        this.p++;
        return String.fromCharCode(x.charCodeAt(0) & 0x1f);
      }
      case "e":
        return "\x1b";
      case "f":
        return "\f";
      case "n":
        return "\n";
      case "r":
        return "\r";
      case "t":
        return "\t";
      case "v":
        return "\v";
      case "u":
        return this.hex(4);
      case "U":
        return this.hex(8);
      case "x": {
        let t = "";
        while (/^[0-9A-Fa-f]$/.test(s[this.p] ?? "")) t += s[this.p++];
        if (t === "" || t.length > 255) throw new RegexError("invalid escape \\ sequence");
        return this.codePoint(parseInt(t, 16));
      }
      case "0": {
        let t = "0";
        while (t.length < 3 && /^[0-7]$/.test(s[this.p] ?? "")) t += s[this.p++];
        return String.fromCharCode(parseInt(t, 8));
      }
    }
    return undefined;
  }
  private escape(): RegexNode {
    const { s, flags } = this;
    this.p++;
    const c = s[this.p];
    if (c === undefined) throw new RegexError("invalid escape \\ sequence");
    this.p++;
    if (flags.flavor !== "are" || !/[A-Za-z0-9]/.test(c)) return this.char(c);
    const notNewline = flags.nlstop ? "\\n" : "";
    switch (c) {
      case "A":
        return this.simple("bos");
      case "Z":
        return this.simple("eos");
      case "m":
        return this.wordAt("begin");
      case "M":
        return this.wordAt("end");
      case "y":
        return this.wordAt("either");
      case "Y":
        return this.wordAt("neither");
      case "d":
        return this.set(CLASSES.digit, false);
      case "D":
        return this.set(CLASSES.digit + notNewline, true);
      case "s":
        return this.set(SPACE_BODY, false);
      case "S":
        return this.set(SPACE_BODY, true);
      case "w":
        return this.set(WORD_BODY, false);
      case "W":
        return this.set(WORD_BODY + notNewline, true);
    }
    if (c >= "1" && c <= "9") {
      let t = c;
      while (/^[0-9]$/.test(s[this.p] ?? "")) t += s[this.p++];
      const n = Number(t);
      if (t.length === 1 || n <= this.groups) {
        if (n > this.groups) throw new RegexError("invalid backreference number");
        this.hasBackref = true;
        return this.node({ kind: "backref" as const, index: n, pref: "none" as Preference });
      }
      // Not a back reference after all: an octal character.
      this.p -= t.length;
      let o = "";
      while (o.length < 3 && /^[0-7]$/.test(s[this.p] ?? "")) o += s[this.p++];
      if (o === "") throw new RegexError("invalid escape \\ sequence");
      return this.char(String.fromCharCode(parseInt(o, 8)));
    }
    const ch = this.charEscape(c);
    if (ch === undefined) throw new RegexError("invalid escape \\ sequence");
    return this.char(ch);
  }
  private wordAt(at: "begin" | "end" | "either" | "neither"): RegexNode {
    return this.node({ kind: "word" as const, at, pref: "none" as Preference });
  }

  private classBody(name: string): string {
    if (!Object.hasOwn(CLASSES, name)) throw new RegexError("invalid character class");
    return this.flags.icase && (name === "lower" || name === "upper") ? CLASSES.alpha : CLASSES[name];
  }
  private bracket(): RegexNode {
    const { s, flags } = this;
    const rest = s.slice(this.p, this.p + 7).join("");
    if (rest === "[[:<:]]" || rest === "[[:>:]]") {
      this.p += 7;
      return this.wordAt(rest === "[[:<:]]" ? "begin" : "end");
    }
    this.p++;
    let negated = false;
    if (s[this.p] === "^") {
      negated = true;
      this.p++;
    }
    let body = "";
    let first = true;
    for (;;) {
      if (this.p >= s.length) throw new RegexError("brackets [] not balanced");
      if (s[this.p] === "]" && !first) {
        this.p++;
        break;
      }
      if (s[this.p] === "-" && !first && s[this.p + 1] !== "]") throw new RegexError("invalid character range");
      first = false;
      const start = this.member();
      if (start.body !== undefined) {
        body += start.body;
        if (s[this.p] === "-" && s[this.p + 1] !== "]" && this.p + 1 < s.length) {
          throw new RegexError("invalid character range");
        }
        continue;
      }
      if (s[this.p] === "-" && this.p + 1 < s.length && s[this.p + 1] !== "]") {
        this.p++;
        const end = this.member();
        if (end.body !== undefined) throw new RegexError("invalid character range");
        if (start.char!.codePointAt(0)! > end.char!.codePointAt(0)!) throw new RegexError("invalid character range");
        body += escapeChar(start.char!) + "-" + escapeChar(end.char!);
      } else body += escapeChar(start.char!);
    }
    if (negated && flags.nlstop) body += "\\n";
    return this.set(body, negated);
  }
  /** One member of a bracket expression: a character, or a whole class. */
  private member(): { char?: string; body?: string } {
    const { s } = this;
    const c = s[this.p];
    if (c === "[" && (s[this.p + 1] === ":" || s[this.p + 1] === "." || s[this.p + 1] === "=")) {
      const kind = s[this.p + 1];
      let end = this.p + 2;
      while (end < s.length && !(s[end] === kind && s[end + 1] === "]")) end++;
      if (end >= s.length) throw new RegexError("brackets [] not balanced");
      const name = s.slice(this.p + 2, end).join("");
      this.p = end + 2;
      if (kind === ":") return { body: this.classBody(name) };
      const chars = Array.from(name);
      if (chars.length !== 1) throw new RegexError("invalid collating element");
      return { char: chars[0] };
    }
    this.p++;
    if (c === "\\" && this.flags.flavor === "are") {
      const e = s[this.p];
      if (e === undefined) throw new RegexError("invalid escape \\ sequence");
      this.p++;
      if (!/[A-Za-z0-9]/.test(e)) return { char: e };
      switch (e) {
        case "d":
          return { body: CLASSES.digit };
        case "s":
          return { body: SPACE_BODY };
        case "w":
          return { body: WORD_BODY };
        case "D":
          return { body: "\\P{Nd}" };
        case "S":
          return { body: "\\P{White_Space}" };
        case "W":
        case "A":
        case "Z":
        case "m":
        case "M":
        case "y":
        case "Y":
          throw new RegexError("invalid escape \\ sequence");
      }
      if (e >= "1" && e <= "9") {
        this.p--;
        let o = "";
        while (o.length < 3 && /^[0-7]$/.test(s[this.p] ?? "")) o += s[this.p++];
        if (o === "") throw new RegexError("invalid escape \\ sequence");
        return { char: String.fromCharCode(parseInt(o, 8)) };
      }
      const ch = this.charEscape(e);
      if (ch === undefined) throw new RegexError("invalid escape \\ sequence");
      return { char: ch };
    }
    return { char: c };
  }
}

/** Rewrites a basic regular expression in ARE syntax. */
function basicToAdvanced(s: readonly string[]): string[] {
  const out: string[] = [];
  /** At a place where `*` and `^` are ordinary or an anchor: the start of the pattern or of a group. */
  let start = true;
  for (let i = 0; i < s.length; i++) {
    const c = s[i];
    const next = s[i + 1];
    if (c === "\\") {
      if (next === undefined) throw new RegexError("invalid escape \\ sequence");
      i++;
      if (next === "(" || next === ")" || next === "{" || next === "}") out.push(next);
      else if (next === "<") out.push("\\", "m");
      else if (next === ">") out.push("\\", "M");
      else if (next >= "1" && next <= "9") out.push("(?:", "\\" + next, ")");
      else if (/[A-Za-z0-9]/.test(next)) out.push(next);
      else out.push("\\", next);
      start = next === "(";
      continue;
    }
    if (c === "[") {
      // A backslash is an ordinary character in brackets.
      let j = i + 1;
      if (s[j] === "^") j++;
      if (s[j] === "]") j++;
      while (j < s.length && s[j] !== "]") {
        if (s[j] === "[" && (s[j + 1] === ":" || s[j + 1] === "." || s[j + 1] === "=")) {
          const kind = s[j + 1];
          j += 2;
          while (j < s.length && !(s[j] === kind && s[j + 1] === "]")) j++;
          j++;
        }
        j++;
      }
      for (let k = i; k <= j && k < s.length; k++) out.push(...(s[k] === "\\" ? ["\\", "\\"] : [s[k]]));
      i = j;
    } else if (c === "*" && start) out.push("\\", "*");
    else if (c === "^" && !start) out.push("\\", "^");
    else if (c === "$" && next !== undefined && !(next === "\\" && s[i + 2] === ")")) out.push("\\", "$");
    else if (/[(){}|+?]/.test(c)) out.push("\\", c);
    else out.push(c);
    start = start && c === "^";
  }
  return Array.from(out.join(""));
}

/** Parses `pattern`; changes `flags` as directors and embedded options say. @throws {RegexError} */
export function parseRegex(pattern: string, flags: RegexFlags): ParsedRegex {
  return new Parser(pattern, flags).parse();
}
