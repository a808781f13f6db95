/**
 * JSON text: lexer and parser with PostgreSQL's error reports.
 *
 * The parse tree keeps offsets into the text, since type json keeps its input as written; strings and numbers are
 * decoded only where asked for.
 * Follows src/common/jsonapi.c and json_errsave_error() in src/backend/utils/adt/jsonfuncs.c.
 */
import { PgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";

export type JsonNode =
  | { readonly t: "null" | "true" | "false" | "number" | "string"; readonly start: number; readonly end: number }
  | {
    readonly t: "object";
    readonly start: number;
    end: number;
    /** Decoded keys, in the order written, duplicates included. */
    readonly keys: string[];
    readonly values: JsonNode[];
  }
  | { readonly t: "array"; readonly start: number; end: number; readonly values: JsonNode[] };

const MAX_DEPTH = 6400;
const isSpace = (c: number): boolean => c === 32 || c === 9 || c === 10 || c === 13;

export class JsonParser {
  private p = 0;
  /** Start and end of the current token; end of input has start === length. */
  private tokStart = 0;
  private tokEnd = 0;
  private depth = 0;
  constructor(
    readonly s: string,
    /** Decode strings while parsing, so that bad escapes are found (jsonb); json checks their form only. */
    private readonly decode: boolean,
  ) {}

  /** The whole text as one value. @throws 22P02. */
  parse(): JsonNode {
    this.next();
    const v = this.value();
    if (this.tokStart < this.s.length) throw this.expected("end of input");
    return v;
  }

  // --- lexer ---

  /** Reads the next token; throws for what is none. */
  private next(): void {
    const { s } = this;
    let p = this.p;
    while (p < s.length && isSpace(s.charCodeAt(p))) p++;
    this.tokStart = p;
    if (p >= s.length) {
      this.tokEnd = this.p = p;
      return;
    }
    const c = s.charCodeAt(p);
    if (c === 123 || c === 125 || c === 91 || c === 93 || c === 44 || c === 58) p++;
    else if (c === 34) p = this.lexString(p);
    else if (c === 45 || (c >= 48 && c <= 57)) p = this.lexNumber(p);
    else {
      while (p < s.length && isWordChar(s, p)) p++;
      if (p === this.tokStart) {
        this.tokEnd = p + (isHighSurrogate(s.charCodeAt(p)) ? 2 : 1);
        throw this.invalidToken();
      }
      this.tokEnd = p;
      const word = s.slice(this.tokStart, p);
      if (word !== "true" && word !== "false" && word !== "null") throw this.invalidToken();
    }
    this.tokEnd = this.p = p;
  }
  private lexNumber(p: number): number {
    const { s } = this;
    const start = p;
    let error = false;
    const digit = (): boolean => p < s.length && s.charCodeAt(p) >= 48 && s.charCodeAt(p) <= 57;
    if (s.charCodeAt(p) === 45) p++;
    if (p < s.length && s.charCodeAt(p) === 48) p++;
    else if (digit()) { while (digit()) p++; }
    else error = true;
    if (p < s.length && s[p] === ".") {
      p++;
      if (!digit()) error = true;
      while (digit()) p++;
    }
    if (p < s.length && (s[p] === "e" || s[p] === "E")) {
      p++;
      if (s[p] === "+" || s[p] === "-") p++;
      if (!digit()) error = true;
      while (digit()) p++;
    }
    // Anything that continues the word belongs to the bad token.
    for (; p < s.length && isWordChar(s, p); p++) error = true;
    if (error) {
      this.tokStart = start;
      this.tokEnd = p;
      throw this.invalidToken();
    }
    return p;
  }
  private lexString(p: number): number {
    const { s } = this;
    let high = false;
    p++;
    for (;; p++) {
      if (p >= s.length) throw this.unterminated();
      const c = s.charCodeAt(p);
      if (c === 34) break;
      if (c === 92) {
        p++;
        if (p >= s.length) throw this.unterminated();
        const e = s[p];
        if (e === "u") {
          const hex = s.slice(p + 1, p + 5);
          let k = 0;
          while (k < hex.length && /[0-9A-Fa-f]/.test(hex[k])) k++;
          if (k < 4) {
            if (p + 1 + k >= s.length) throw this.unterminated();
            throw this.error('"\\u" must be followed by four hexadecimal digits.', charEnd(s, p + 1 + k));
          }
          p += 4;
          if (this.decode) high = this.checkUnicode(parseInt(hex, 16), high, p + 1);
          continue;
        }
        if (high) throw this.surrogate("Unicode low surrogate must follow a high surrogate.", p);
        if (!'"\\/bfnrt'.includes(e)) {
          const end = charEnd(s, p);
          throw this.error(`Escape sequence "\\${s.slice(p, end)}" is invalid.`, end);
        }
        continue;
      }
      if (c < 32) {
        throw this.error(`Character with value 0x${c.toString(16).padStart(2, "0")} must be escaped.`, p);
      }
      if (high) throw this.surrogate("Unicode low surrogate must follow a high surrogate.", p);
    }
    if (high) throw this.surrogate("Unicode low surrogate must follow a high surrogate.", p + 1);
    return p + 1;
  }
  /** @returns true if a low surrogate must follow. */
  private checkUnicode(cp: number, high: boolean, end: number): boolean {
    if (cp >= 0xd800 && cp <= 0xdbff) {
      if (high) throw this.surrogate("Unicode high surrogate must not follow a high surrogate.", end);
      return true;
    }
    if (cp >= 0xdc00 && cp <= 0xdfff) {
      if (!high) throw this.surrogate("Unicode low surrogate must follow a high surrogate.", end);
      return false;
    }
    if (high) throw this.surrogate("Unicode low surrogate must follow a high surrogate.", end);
    if (cp === 0) {
      throw new PgError({
        code: ERRCODE.UNTRANSLATABLE_CHARACTER,
        message: "unsupported Unicode escape sequence",
        detail: "\\u0000 cannot be converted to text.",
        context: this.context(end),
      });
    }
    return false;
  }
  private surrogate(detail: string, end: number): PgError {
    return this.error(detail, end);
  }

  // --- parser ---

  private value(): JsonNode {
    const { s } = this;
    const start = this.tokStart;
    if (start >= s.length) throw this.unexpectedEnd(start);
    switch (s[start]) {
      case "{":
        return this.object();
      case "[":
        return this.array();
      case '"':
        return this.scalar("string");
      case "t":
        return this.scalar("true");
      case "f":
        return this.scalar("false");
      case "n":
        return this.scalar("null");
      case "}":
      case "]":
      case ",":
      case ":":
        throw this.expected("JSON value");
    }
    return this.scalar("number");
  }
  private scalar(t: "null" | "true" | "false" | "number" | "string"): JsonNode {
    const n: JsonNode = { t, start: this.tokStart, end: this.tokEnd };
    this.next();
    return n;
  }
  private enter(): void {
    if (++this.depth > MAX_DEPTH) {
      throw new PgError({
        code: ERRCODE.STATEMENT_TOO_COMPLEX,
        message: "stack depth limit exceeded",
        hint:
          'Increase the configuration parameter "max_stack_depth" (currently 2048kB), after ensuring the platform\'s stack depth limit is adequate.',
      });
    }
  }
  private object(): JsonNode {
    const { s } = this;
    const node: JsonNode & { t: "object" } = { t: "object", start: this.tokStart, end: 0, keys: [], values: [] };
    this.enter();
    this.next();
    if (s[this.tokStart] !== "}") {
      for (let first = true;; first = false) {
        if (this.tokStart >= s.length) throw this.unexpectedEnd(this.tokStart);
        if (s[this.tokStart] !== '"') throw this.expected(first ? 'string or "}"' : "string");
        node.keys.push(decodeJsonString(s, this.tokStart, this.tokEnd));
        this.next();
        if (this.tokStart >= s.length) throw this.unexpectedEnd(this.tokStart);
        if (s[this.tokStart] !== ":") throw this.expected('":"');
        this.next();
        node.values.push(this.value());
        if (s[this.tokStart] === ",") {
          this.next();
          continue;
        }
        if (s[this.tokStart] === "}") break;
        if (this.tokStart >= s.length) throw this.unexpectedEnd(this.tokStart);
        throw this.expected('"," or "}"');
      }
    }
    node.end = this.tokEnd;
    this.depth--;
    this.next();
    return node;
  }
  private array(): JsonNode {
    const { s } = this;
    const node: JsonNode & { t: "array" } = { t: "array", start: this.tokStart, end: 0, values: [] };
    this.enter();
    this.next();
    if (s[this.tokStart] !== "]") {
      for (;;) {
        node.values.push(this.value());
        if (s[this.tokStart] === ",") {
          this.next();
          continue;
        }
        if (s[this.tokStart] === "]") break;
        if (this.tokStart >= s.length) throw this.unexpectedEnd(this.tokStart);
        throw this.expected('"," or "]"');
      }
    }
    node.end = this.tokEnd;
    this.depth--;
    this.next();
    return node;
  }

  // --- errors ---

  private error(detail: string, end: number): PgError {
    return new PgError({
      code: ERRCODE.INVALID_TEXT_REPRESENTATION,
      message: "invalid input syntax for type json",
      detail,
      context: this.context(end),
      routine: "json_errsave_error",
    });
  }
  private unexpectedEnd(end: number): PgError {
    return this.error("The input string ended unexpectedly.", end);
  }
  private unterminated(): PgError {
    this.tokEnd = this.s.length;
    return this.invalidToken();
  }
  private invalidToken(): PgError {
    return this.error(`Token "${this.s.slice(this.tokStart, this.tokEnd)}" is invalid.`, this.tokEnd);
  }
  private expected(what: string): PgError {
    if (this.tokStart >= this.s.length) return this.unexpectedEnd(this.tokStart);
    return this.error(`Expected ${what}, but found "${this.s.slice(this.tokStart, this.tokEnd)}".`, this.tokEnd);
  }
  /** report_json_context(): the line up to the error, at most about 50 bytes of it. */
  private context(end: number): string {
    const { s } = this;
    const before = s.slice(0, end);
    const lineStart = before.lastIndexOf("\n") + 1;
    const line = before.split("\n").length;
    let start = lineStart;
    while (end - start >= 50) start++;
    if (start - lineStart <= 3) start = lineStart;
    const prefix = start > lineStart ? "..." : "";
    const suffix = this.tokStart < s.length && end < s.length && s[end] !== "\n" && s[end] !== "\r" ? "..." : "";
    return `JSON data, line ${line}: ${prefix}${s.slice(start, end)}${suffix}`;
  }
}

function isWordChar(s: string, p: number): boolean {
  const c = s.charCodeAt(p);
  return (c >= 97 && c <= 122) || (c >= 65 && c <= 90) || (c >= 48 && c <= 57) || c === 95 || c >= 128;
}
const isHighSurrogate = (c: number): boolean => c >= 0xd800 && c <= 0xdbff;
function charEnd(s: string, p: number): number {
  return Math.min(p + (isHighSurrogate(s.charCodeAt(p)) ? 2 : 1), s.length);
}

/** Value of a string token, quotes included in [start, end). Its form has been checked. */
export function decodeJsonString(s: string, start: number, end: number): string {
  const raw = s.slice(start + 1, end - 1);
  if (!raw.includes("\\")) return raw;
  return raw.replace(/\\(?:u([0-9A-Fa-f]{4})|(.))/g, (_all, hex: string | undefined, c: string) => {
    if (hex !== undefined) return String.fromCharCode(parseInt(hex, 16));
    switch (c) {
      case "b":
        return "\b";
      case "f":
        return "\f";
      case "n":
        return "\n";
      case "r":
        return "\r";
      case "t":
        return "\t";
    }
    return c;
  });
}
/** Parses `s`; `decode` as in JsonParser. */
export function parseJson(s: string, decode: boolean): JsonNode {
  return new JsonParser(s, decode).parse();
}

// deno-lint-ignore no-control-regex -- JSON escapes control characters
const NEEDS_ESCAPE = /["\\\u0000-\u001f]/;
const ESCAPES = new Map([
  ["\b", "\\b"],
  ["\f", "\\f"],
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
  ['"', '\\"'],
  ["\\", "\\\\"],
]);
/** escape_json(): the string as a JSON string literal. */
export function escapeJson(s: string): string {
  if (!NEEDS_ESCAPE.test(s)) return `"${s}"`;
  const body = s.replace(
    // deno-lint-ignore no-control-regex -- as above
    /["\\\u0000-\u001f]/g,
    (c) => ESCAPES.get(c) ?? "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0"),
  );
  return `"${body}"`;
}
