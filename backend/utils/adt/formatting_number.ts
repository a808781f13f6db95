/**
 * to_char() of numbers and to_number().
 *
 * lc_numeric and lc_monetary are C: "." and "," and a space for the currency symbol.
 * Follows NUM_processor() and its callers in src/backend/utils/adt/formatting.c.
 */
import { PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import type { Datum } from "../fmgr/datum.ts";
import type { BuiltinTable } from "../fmgr/fmgr.ts";
import { rint } from "./float.ts";
import { formatE, formatF } from "./float_format.ts";
import {
  charAt,
  type FormatNode,
  isSpace,
  type NumberDesc,
  ordinalEnding,
  parseNumberFormat,
} from "./formatting_parse.ts";
import { type Int8, int8mul, int8OutOfRange } from "./int8.ts";
import { int8ToNumeric, numericIn, numericMul, numericRound, numericToInt4 } from "./numeric.ts";
import { bigPow10, decodeVar, divRound, numericToString } from "./numeric_codec.ts";
import { numericPower } from "./numeric_math.ts";
import { EMPTY_BYTES } from "./varlena.ts";

const isDigit = (c: string | undefined): boolean => c !== undefined && c >= "0" && c <= "9";

// --- Roman numerals --------------------------------------------------------------------------------------------------

const ROMAN = ["M", "CM", "D", "CD", "C", "XC", "L", "XL", "X", "IX", "V", "IV", "I"];
const ROMAN_VALUES = [1000, 900, 500, 400, 100, 90, 50, 40, 10, 9, 5, 4, 1];
const MAX_ROMAN_LEN = 15;
function intToRoman(n: number): string {
  if (n > 3999 || n < 1) return "#".repeat(MAX_ROMAN_LEN);
  let s = "";
  ROMAN_VALUES.forEach((v, i) => {
    for (; n >= v; n -= v) s += ROMAN[i];
  });
  return s;
}
const LETTER_VALUES: ReadonlyMap<string, number> = new Map(
  [["I", 1], ["V", 5], ["X", 10], ["L", 50], ["C", 100], ["D", 500], ["M", 1000]],
);
const SUBTRACTIVE = new Set(["IV", "IX", "XL", "XC", "CD", "CM"]);
/** Value of letters that form a proper Roman numeral; -1 if they do not. */
function romanToInt(letters: string): number {
  let result = 0;
  let repeat = 1;
  let limit = Infinity;
  const fives = { V: 0, L: 0, D: 0 };
  const fiveSeen = (value: number): boolean =>
    (fives.V > 0 && value >= 5) || (fives.L > 0 && value >= 50) || (fives.D > 0 && value >= 500);
  const count = (c: string): void => {
    if (c === "V" || c === "L" || c === "D") fives[c]++;
  };
  for (let i = 0; i < letters.length; i++) {
    const c = letters[i];
    const value = LETTER_VALUES.get(c)!;
    // After a subtraction only smaller letters follow; V, L and D stand once and only before smaller ones.
    if (value >= limit || fiveSeen(value)) return -1;
    count(c);
    const next = letters[i + 1];
    if (next === undefined) {
      result += value;
      break;
    }
    const nextValue = LETTER_VALUES.get(next)!;
    if (value < nextValue) {
      if (!SUBTRACTIVE.has(c + next) || repeat > 1 || fiveSeen(nextValue)) return -1;
      count(next);
      i++;
      repeat = 1;
      limit = value;
      result += nextValue - value;
    } else {
      repeat = c === next ? repeat + 1 : 1;
      if (repeat > 3) return -1;
      result += value;
    }
  }
  return result;
}

// --- to_char ---------------------------------------------------------------------------------------------------------

/** A number made ready for a template: its digits without sign, and how far it falls short of the template's width. */
interface Digits {
  readonly text: string;
  readonly negative: boolean;
  readonly preSpaces: number;
}

/** get_last_relevant_decnum(): index of the last fraction digit that is no trailing zero; -1 without a fraction. */
function lastRelevant(num: string): number {
  const point = num.indexOf(".");
  if (point < 0) return -1;
  let i = num.length - 1;
  while (i > point && num[i] === "0") i--;
  return i;
}

/** NUM_processor() for to_char. */
class Writer {
  private out = "";
  private done = false;
  private p = 0;
  private curr = 0;
  private signWrote: boolean;
  /** A digit has been written: group separators show. */
  private digitSeen = false;
  private count: number;
  private last = -1;
  private readonly bracket: boolean;
  private readonly lsign: "none" | "pre" | "post";
  private readonly zeroStart: number;
  private readonly num: string;
  private readonly sign: string;
  private readonly preSpaces: number;

  constructor(private readonly d: Readonly<NumberDesc>, value: Digits, pre: number) {
    this.num = value.text;
    this.sign = value.negative ? "-" : "+";
    this.preSpaces = value.preSpaces;
    this.zeroStart = d.zeroStart > 0 ? d.zeroStart - 1 : 0;
    let { bracket, lsign } = d;
    if (d.plus || d.minus) this.signWrote = !(d.plus && !d.minus);
    else {
      if (!value.negative && d.fillmode) bracket = false;
      this.signWrote = !value.negative && d.fillmode && !d.hasLsign;
      if (lsign === "pre" && pre === d.preLsign) lsign = "post";
    }
    this.bracket = bracket;
    this.lsign = lsign;
    this.count = d.post + pre - 1;
    if (d.fillmode && d.decimal) {
      this.last = lastRelevant(this.num);
      if (this.last >= 0 && d.zeroEnd > this.preSpaces) {
        this.last = Math.max(this.last, Math.min(this.num.length - 1, d.zeroEnd - this.preSpaces));
      }
    }
    if (!this.signWrote && this.preSpaces === 0) this.count++;
  }

  write(nodes: readonly FormatNode[]): string {
    for (const n of nodes) {
      if (n.type !== "action") this.out += n.text;
      else this.keyword(n.key.id);
      if (this.done) break;
    }
    return this.out;
  }
  private keyword(id: string): void {
    const { d, sign } = this;
    switch (id) {
      case "9":
      case "0":
      case ".":
      case "D":
        return this.digit(id);
      case ",":
      case "G":
        if (this.digitSeen) this.out += ",";
        else if (!d.fillmode) this.out += " ";
        return;
      case "L":
        this.out += " ";
        return;
      case "RN":
      case "rn": {
        const s = id === "rn" ? this.num.toLowerCase() : this.num;
        this.out += d.fillmode ? s : s.padStart(15);
        return;
      }
      case "th":
      case "TH":
        if (d.roman || this.num[0] === "#" || sign === "-" || d.decimal) return;
        this.out += ordinalEnding(this.num, id === "TH");
        return;
      case "MI":
        if (sign === "-") this.out += "-";
        else if (!d.fillmode) this.out += " ";
        return;
      case "PL":
        if (sign === "+") this.out += "+";
        else if (!d.fillmode) this.out += " ";
        return;
      case "SG":
        this.out += sign;
        return;
    }
  }
  /** IS_PREDEC_SPACE: a lone zero before the decimal point. */
  private zeroBeforePoint(): boolean {
    return !this.d.zero && this.p === 0 && this.num[0] === "0" && this.d.post !== 0;
  }
  private lastIsPoint(): boolean {
    return this.last >= 0 && this.num[this.last] === ".";
  }
  private writeSign(): void {
    if (this.d.hasLsign) {
      if (this.lsign !== "pre") return;
      this.out += this.sign;
    } else if (this.bracket) this.out += this.sign === "+" ? " " : "<";
    else if (this.sign === "-") this.out += "-";
    else if (!this.d.fillmode) this.out += " ";
    this.signWrote = true;
  }
  /** NUM_numpart_to_char(). */
  private digit(id: string): void {
    const { d, num, preSpaces } = this;
    if (d.roman) return;
    this.digitSeen = false;
    if (
      !this.signWrote &&
      (this.curr >= preSpaces || (d.zero && this.zeroStart === this.curr)) &&
      (!this.zeroBeforePoint() || this.lastIsPoint())
    ) {
      this.writeSign();
    }
    if (this.curr < preSpaces && (this.zeroStart > this.curr || !d.zero)) {
      if (!d.fillmode) this.out += " ";
    } else if (d.zero && this.curr < preSpaces && this.zeroStart <= this.curr) {
      this.out += "0";
      this.digitSeen = true;
    } else {
      this.digitAt(id);
      if (this.p < num.length) this.p++;
    }
    if (this.done) return;
    const end = this.last >= 0 && this.last === this.p
      ? this.curr
      : this.count + (preSpaces !== 0 ? 1 : 0) + (d.decimal ? 1 : 0);
    if (this.curr + 1 === end) {
      if (this.signWrote && this.bracket) this.out += this.sign === "+" ? " " : ">";
      else if (d.hasLsign && this.lsign === "post") this.out += this.sign;
    }
    this.curr++;
  }
  private digitAt(id: string): void {
    const { d, num } = this;
    if (num[this.p] === ".") {
      if (!this.lastIsPoint() || d.fillmode) this.out += ".";
    } else if (this.last >= 0 && this.p > this.last && id !== "0") {
      // Past the last digit that matters.
    } else if (this.zeroBeforePoint()) {
      if (!d.fillmode) this.out += " ";
      else if (this.lastIsPoint()) this.out += "0";
    } else {
      // A digit asked for behind the end of the number ends the result: C writes its terminator.
      if (this.p >= num.length) this.done = true;
      else this.out += num[this.p];
      this.digitSeen = true;
    }
  }
}

/** fill_str() and a point: what shows for a number that does not fit. */
function hashes(pre: number, post: number): string {
  return "#".repeat(pre) + "." + "#".repeat(post);
}
/** Measures a printed number against `pre` digit positions. */
function digitsOf(printed: string, pre: number, post: number): Digits {
  const negative = printed[0] === "-";
  const text = negative ? printed.slice(1) : printed;
  const point = text.indexOf(".");
  const len = point < 0 ? text.length : point;
  if (len > pre) return { text: hashes(pre, post), negative, preSpaces: 0 };
  return { text, negative, preSpaces: pre - len };
}
/** What EEEE shows for NaN and infinities. */
function sciHashes(d: Readonly<NumberDesc>): string {
  const s = " " + "#".repeat(d.pre + d.post + 5);
  return s.slice(0, d.pre + 1) + "." + s.slice(d.pre + 2);
}
/** numeric_out_sci(): one digit before the point, `scale` after it. */
function numericOutSci(a: Uint8Array, scale: number): string {
  const v = decodeVar(a);
  if (v.special !== 0) return numericToString(a);
  const abs = v.n < 0n ? -v.n : v.n;
  const exp = abs === 0n ? 0 : abs.toString().length - 1 - v.dscale;
  // abs / 10^dscale / 10^exp × 10^scale
  const shift = scale - v.dscale - exp;
  const q = shift >= 0 ? abs * bigPow10(shift) : divRound(abs, bigPow10(-shift));
  const s = q.toString().padStart(scale + 1, "0");
  const mantissa = s.slice(0, s.length - scale) + (scale > 0 ? "." + s.slice(s.length - scale) : "");
  const e = Math.abs(exp).toString().padStart(2, "0");
  return (v.n < 0n ? "-" : "") + mantissa + "e" + (exp < 0 ? "-" : "+") + e;
}
const signedSci = (s: string): string => s[0] === "-" ? s : " " + s;

/** The steps that differ between number types. */
interface NumberKind<T> {
  /** As an int4 for Roman numerals; anything too large if it does not fit. */
  roman(value: T): number;
  sci(value: T, d: Readonly<NumberDesc>): string;
  /** Printed with `post` fraction digits, after V's multiplication by 10^multi; may lower `post` (returned). */
  print(value: T, multi: number, pre: number, post: number): { text: string; post: number };
}
function toChar<T>(kind: NumberKind<T>, value: T, format: Uint8Array): Uint8Array {
  if (format.length === 0) return EMPTY_BYTES;
  const { nodes, desc } = parseNumberFormat(decodeText(format));
  if (desc.eeee) return encodeText(kind.sci(value, desc));
  if (desc.roman) {
    const digits = { text: intToRoman(kind.roman(value)), negative: false, preSpaces: 0 };
    return encodeText(new Writer(desc, digits, desc.pre).write(nodes));
  }
  const pre = desc.pre + (desc.isMulti ? desc.multi : 0);
  const { text, post } = kind.print(value, desc.isMulti ? desc.multi : 0, pre, desc.post);
  const d = post === desc.post ? desc : { ...desc, post };
  return encodeText(new Writer(d, digitsOf(text, pre, post), pre).write(nodes));
}

const NUMERIC_TEN = int8ToNumeric(10);
const numericPower10 = (n: number): Uint8Array => numericPower(NUMERIC_TEN, int8ToNumeric(n));
const numericKind: NumberKind<Uint8Array> = {
  roman: (v) => {
    try {
      return numericToInt4(v);
    } catch (e) {
      if (e instanceof PgError) return Infinity;
      throw e;
    }
  },
  sci: (v, d) => decodeVar(v).special !== 0 ? sciHashes(d) : signedSci(numericOutSci(v, d.post)),
  print: (v, multi, _pre, post) => {
    const x = multi > 0 ? numericMul(v, numericPower10(multi)) : v;
    return { text: numericToString(numericRound(x, post)), post };
  },
};
const zerosAfter = (text: string, post: number): string => post > 0 ? text + "." + "0".repeat(post) : text;
const int4Kind: NumberKind<number> = {
  roman: (v) => v,
  sci: (v, d) => signedSci(formatE(v, d.post)),
  print: (v, multi, _pre, post) => {
    // C multiplies as int, and 10^10 and more convert to the least int.
    const factor = multi > 9 ? -2147483648 : 10 ** multi;
    return { text: zerosAfter(String(multi > 0 ? Math.imul(v, factor) : v), post), post };
  },
};
const int8Kind: NumberKind<Int8> = {
  roman: (v) => Number(v),
  sci: (v, d) => signedSci(numericOutSci(int8ToNumeric(v), d.post)),
  print: (v, multi, _pre, post) => {
    if (multi > 18) throw int8OutOfRange();
    const x = multi > 0 ? int8mul(v, multi > 15 ? bigPow10(multi) : 10 ** multi) : v;
    return { text: zerosAfter(String(x), post), post };
  },
};
/** @param significant decimal digits that the type holds */
function floatKind(significant: number, round: (x: number) => number): NumberKind<number> {
  return {
    roman: (v) => {
      const n = rint(v);
      return n >= -2147483648 && n < 2147483648 ? n : Infinity;
    },
    sci: (v, d) => Number.isFinite(v) ? signedSci(formatE(v, d.post)) : sciHashes(d),
    print: (v, multi, _pre, post) => {
      const x = multi > 0 ? round(v * round(10 ** multi)) : v;
      const len = formatF(Math.abs(x), 0).length;
      const p = len >= significant ? 0 : Math.min(post, significant - len);
      return { text: formatF(x, p), post: p };
    },
  };
}
const float4Kind = floatKind(6, Math.fround);
const float8Kind = floatKind(15, (x) => x);

// --- to_number -------------------------------------------------------------------------------------------------------

/** NUM_processor() for to_number. */
class NumberReader {
  private p = 0;
  /** Sign character, space until one is read. */
  private sign = " ";
  private digits = "";
  private readDec = false;
  readPre = 0;
  readPost = 0;
  /** Digits of a Roman numeral. */
  romanDigits = 0;

  constructor(private readonly d: Readonly<NumberDesc>, private readonly s: string) {}

  read(nodes: readonly FormatNode[]): string {
    for (const n of nodes) {
      if (this.p >= this.s.length) break;
      if (n.type !== "action") this.skipChar();
      else if (this.keyword(n.key.id)) this.p++;
    }
    const text = this.digits.endsWith(".") ? this.digits.slice(0, -1) : this.digits;
    return this.sign + text;
  }
  private skipChar(): void {
    this.p += charAt(this.s, this.p).length;
  }
  /** @returns whether one more character is consumed */
  private keyword(id: string): boolean {
    const c = this.s[this.p];
    switch (id) {
      case "9":
      case "0":
      case ".":
      case "D":
        this.digit(id);
        return true;
      case ",":
      case "G":
        return !this.d.fillmode && c === ",";
      case "L":
        this.eatNonData(1);
        return false;
      case "RN":
      case "rn":
        this.roman();
        return false;
      case "th":
      case "TH":
        if (!this.d.roman && !this.d.decimal) this.eatNonData(2);
        return false;
      case "MI":
        return this.signChar("-");
      case "PL":
        return this.signChar("+");
      case "SG":
        return this.signChar("-+");
    }
    return false;
  }
  private signChar(allowed: string): boolean {
    const c = this.s[this.p];
    if (allowed.includes(c)) {
      this.sign = c;
      return true;
    }
    this.eatNonData(1);
    return false;
  }
  /** NUM_eat_non_data_chars(). */
  private eatNonData(n: number): void {
    while (n-- > 0 && this.p < this.s.length && !"0123456789.,+-".includes(this.s[this.p])) this.skipChar();
  }
  private roman(): void {
    while (this.p < this.s.length && isSpace(this.s[this.p])) this.p++;
    let letters = "";
    for (; letters.length < MAX_ROMAN_LEN && this.p < this.s.length; this.p++) {
      const c = this.s[this.p].toUpperCase();
      if (!LETTER_VALUES.has(c)) break;
      letters += c;
    }
    const value = letters === "" ? -1 : romanToInt(letters);
    if (value < 0) throw pgError(ERRCODE.INVALID_TEXT_REPRESENTATION, "invalid Roman numeral");
    this.digits += String(value);
    this.romanDigits = String(value).length;
  }
  private atSign(): boolean {
    const c = this.s[this.p];
    if (c !== "-" && c !== "+") return false;
    this.sign = c;
    return true;
  }
  /** NUM_numpart_from_char(). */
  private digit(id: string): void {
    const { d, s } = this;
    if (s[this.p] === " ") this.p++;
    if (this.p >= s.length) return;
    if (this.sign === " " && (id === "0" || id === "9") && this.readPre + this.readPost === 0) {
      if (!(d.hasLsign && d.lsign === "pre") && d.bracket && s[this.p] === "<") {
        this.sign = "-";
        this.p++;
      } else if (this.atSign()) this.p++;
    }
    if (this.p >= s.length) return;
    let read = false;
    if (isDigit(s[this.p])) {
      if (this.readDec && this.readPost === d.post) return;
      this.digits += s[this.p];
      if (this.readDec) this.readPost++;
      else this.readPre++;
      read = true;
    } else if (d.decimal && !this.readDec && s[this.p] === ".") {
      this.digits += ".";
      this.readDec = true;
      read = true;
    }
    if (this.sign !== " " || this.readPre + this.readPost === 0) return;
    if (d.hasLsign && read && this.p + 1 < s.length && !isDigit(s[this.p + 1])) {
      // A sign behind the digits.
      this.p++;
      if (!this.atSign()) this.p--;
    } else if (!read && !d.hasLsign && (d.plus || d.minus)) this.atSign();
  }
}

function numericToNumber(value: Uint8Array, format: Uint8Array): Datum {
  if (format.length === 0) return null;
  const { nodes, desc } = parseNumberFormat(decodeText(format));
  if (desc.eeee) throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, '"EEEE" not supported for input');
  const reader = new NumberReader(desc, decodeText(value));
  const text = reader.read(nodes);
  const pre = reader.romanDigits > 0 ? reader.romanDigits : desc.pre;
  const scale = reader.readPost;
  const result = numericIn(text, (((pre + desc.multi + scale) << 16) | scale) + 4);
  return desc.isMulti ? numericMul(result, numericPower10(-desc.multi)) : result;
}

export const formattingNumberBuiltins: BuiltinTable = {
  numeric_to_char: (v: Uint8Array, format: Uint8Array) => toChar(numericKind, v, format),
  int4_to_char: (v: number, format: Uint8Array) => toChar(int4Kind, v, format),
  int8_to_char: (v: Int8, format: Uint8Array) => toChar(int8Kind, v, format),
  float4_to_char: (v: number, format: Uint8Array) => toChar(float4Kind, v, format),
  float8_to_char: (v: number, format: Uint8Array) => toChar(float8Kind, v, format),
  numeric_to_number: numericToNumber,
};
