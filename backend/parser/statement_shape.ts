/**
 * The shape of a statement: its text with the plain literals taken out.
 *
 * Two texts with one shape differ in literals alone, so that the grammar gives them the same tree but for the constants'
 * values. Literals are decimal integers, plain decimals, and '…' strings without backslashes. Whatever else looks like a
 * constant (E'…', X'…', 1e5, 0x1F, 1_000) stays in the shape's text. Texts that this scan does not understand in full, or
 * that hold more than one statement or parameters, have no shape. Follows the rules of src/backend/parser/scan.l.
 */

/** integer: int4. bigint: int8 (a safe number). decimal and string: their text, quotes undone. */
export type Literal =
  | { readonly kind: "integer" | "bigint"; readonly start: number; readonly value: number }
  | { readonly kind: "decimal" | "string"; readonly start: number; readonly value: string };

export interface StatementShape {
  /** The text, each literal replaced by a control character that says its kind. */
  readonly key: string;
  /** In the order of the text; `start` is an index into it. */
  readonly literals: readonly Literal[];
}

/** Longer texts are hardly ever repeated. */
const MAX_LENGTH = 4096;
const INT4_MAX = 2147483647;
const MARK = { integer: "\x01", bigint: "\x02", decimal: "\x03", string: "\x04" } as const;
const LAST_MARK = 4;

const OTHER = 0;
const IDENT = 1;
const DIGIT = 2;
const QUOTE = 3;
const DOUBLE_QUOTE = 4;
const DOLLAR = 5;
const DASH = 6;
const SLASH = 7;
const SEMICOLON = 8;
const REFUSED = 9;

const CLASS = new Uint8Array(128);
for (let c = 0; c <= LAST_MARK; c++) CLASS[c] = REFUSED;
for (const c of "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") CLASS[c.charCodeAt(0)] = IDENT;
for (const c of "0123456789") CLASS[c.charCodeAt(0)] = DIGIT;
CLASS["'".charCodeAt(0)] = QUOTE;
CLASS['"'.charCodeAt(0)] = DOUBLE_QUOTE;
CLASS["$".charCodeAt(0)] = DOLLAR;
CLASS["-".charCodeAt(0)] = DASH;
CLASS["/".charCodeAt(0)] = SLASH;
CLASS[";".charCodeAt(0)] = SEMICOLON;

const CHAR_DOT = 46;
const CHAR_AMPERSAND = 38;
const CHAR_STAR = 42;
const CHAR_NEWLINE = 10;
const CHAR_RETURN = 13;

function classAt(text: string, i: number): number {
  if (i >= text.length) return OTHER;
  const c = text.charCodeAt(i);
  return c < 128 ? CLASS[c] : IDENT;
}
/** space in scan.l */
function isSpace(c: number): boolean {
  return c === 32 || (c >= 9 && c <= 13);
}
function skipSpace(text: string, i: number): number {
  while (i < text.length && isSpace(text.charCodeAt(i))) i++;
  return i;
}

/** The shape of `text`; null if it has none. */
export function statementShape(text: string): StatementShape | null {
  const n = text.length;
  if (n > MAX_LENGTH) return null;
  const literals: Literal[] = [];
  let key = "";
  let copied = 0;
  const lift = (literal: Literal, end: number): void => {
    key += text.slice(copied, literal.start) + MARK[literal.kind];
    copied = end;
    literals.push(literal);
  };
  let i = 0;
  while (i < n) {
    const start = i;
    switch (classAt(text, i)) {
      case OTHER:
        i++;
        break;
      case IDENT: {
        let k;
        do k = classAt(text, ++i); while (k === IDENT || k === DIGIT || k === DOLLAR);
        if (k === QUOTE) return null; // E'…', X'…' and their like
        break;
      }
      case DIGIT: {
        i = endOfDigits(text, i);
        let kind: Literal["kind"] = "integer";
        if (i < n && text.charCodeAt(i) === CHAR_DOT && classAt(text, i + 1) === DIGIT) {
          kind = "decimal";
          i = endOfDigits(text, i + 1);
        }
        const next = i < n ? text.charCodeAt(i) : 0;
        if (next === CHAR_DOT || classAt(text, i) === IDENT || classAt(text, i) === DOLLAR) {
          // Another kind of number, or junk: it stays. A sign of its exponent is taken for an operator, which is harmless.
          while (
            i < n && (text.charCodeAt(i) === CHAR_DOT || classAt(text, i) === IDENT || classAt(text, i) === DIGIT)
          ) i++;
        } else if (kind === "decimal") {
          lift({ kind, start, value: text.slice(start, i) }, i);
        } else if (i - start <= 15) {
          const value = Number(text.slice(start, i));
          lift({ kind: value <= INT4_MAX ? "integer" : "bigint", start, value }, i);
        }
        break;
      }
      case QUOTE: {
        if (start > 0 && text.charCodeAt(start - 1) === CHAR_AMPERSAND) return null; // U&'…'
        i = endOfQuoted(text, i, "'");
        if (i < 0) return null;
        let value = text.slice(start + 1, i - 1);
        if (value.includes("\\")) return null;
        if (value.includes("'")) value = value.replaceAll("''", "'");
        if (classAt(text, skipSpace(text, i)) === QUOTE) return null; // continued on another line
        lift({ kind: "string", start, value }, i);
        break;
      }
      case DOUBLE_QUOTE:
        i = endOfQuoted(text, i, '"');
        if (i < 0) return null;
        break;
      case DASH:
        i++;
        if (classAt(text, i) === DASH) {
          while (i < n && text.charCodeAt(i) !== CHAR_NEWLINE && text.charCodeAt(i) !== CHAR_RETURN) i++;
        }
        break;
      case SLASH:
        i++;
        if (i < n && text.charCodeAt(i) === CHAR_STAR) {
          i = endOfComment(text, i + 1);
          if (i < 0) return null;
        }
        break;
      case SEMICOLON:
        i = skipSpace(text, i + 1);
        if (i < n) return null;
        break;
      default: // DOLLAR, REFUSED
        return null;
    }
  }
  return { key: key + text.slice(copied), literals };
}

function endOfDigits(text: string, i: number): number {
  while (classAt(text, i) === DIGIT) i++;
  return i;
}
/** Index after the closing quote of what opens at `i`; -1 if it does not close. A doubled quote stands for itself. */
function endOfQuoted(text: string, i: number, quote: string): number {
  for (i++;;) {
    const close = text.indexOf(quote, i);
    if (close < 0) return -1;
    if (text[close + 1] !== quote) return close + 1;
    i = close + 2;
  }
}
/** Index after a comment whose text begins at `i`; comments nest. -1 if it does not close. */
function endOfComment(text: string, i: number): number {
  let depth = 1;
  for (; i < text.length; i++) {
    const two = text.slice(i, i + 2);
    if (two === "*/") {
      i++;
      if (--depth === 0) return i + 1;
    } else if (two === "/*") {
      i++;
      depth++;
    }
  }
  return -1;
}
