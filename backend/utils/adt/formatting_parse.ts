/**
 * Templates of to_char, to_date, to_timestamp and to_number: split into keywords, separators and literal characters.
 *
 * Parsed templates are kept in a small cache by text.
 * Follows parse_format() and its tables in src/backend/utils/adt/formatting.c.
 */
import { pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";

/** Suffix flags of a date/time keyword. */
export const SUFFIX = { FM: 1, TH: 2, th: 4, SP: 8, TM: 16 } as const;
export type DateMode = "none" | "gregorian" | "isoweek";

export interface Keyword {
  /** As written in the template; messages name it. */
  readonly name: string;
  /** What it means: the name in upper case unless case matters to the output. */
  readonly id: string;
  readonly isDigit: boolean;
  readonly mode: DateMode;
}
export type FormatNode =
  | { readonly type: "action"; readonly key: Keyword; readonly suffix: number }
  | { readonly type: "char" | "separator" | "space"; readonly text: string };

/** Date/time keywords in the order they are tried: a longer one before its prefixes. Uppercase form first. */
const DIGIT_KEYS = new Set(
  ("CC DDD DD D FF1 FF2 FF3 FF4 FF5 FF6 HH24 HH12 HH IDDD ID IW IYYY IYY IY I J MI MM MS Q SSSSS SSSS SS TZM US WW W " +
    "Y,YYY YYYY YYY YY Y").split(" "),
);
const GREGORIAN_KEYS = new Set("DDD DD D MM MONTH MON RM WW W Y,YYY YYYY YYY YY Y".split(" "));
const ISO_KEYS = new Set("IDDD ID IW IYYY IYY IY I".split(" "));
/** Keywords whose case decides the output's case. */
const CASED_KEYS = new Set("A.D. A.M. AD AM B.C. BC DAY DY MONTH MON P.M. PM RM TZ".split(" "));
const DATE_WORDS =
  ("A.D. A.M. AD AM B.C. BC CC DAY DDD DD DY Day Dy D FF1 FF2 FF3 FF4 FF5 FF6 FX HH24 HH12 HH IDDD ID " +
    "IW IYYY IYY IY I J MI MM MONTH MON MS Month Mon OF P.M. PM Q RM SSSSS SSSS SS TZH TZM TZ US WW W Y,YYY YYYY YYY YY " +
    "Y").split(" ");
const NUMBER_WORDS = ", . 0 9 B C D EEEE FM G L MI PL PR RN SG SP S TH V".split(" ");

function byFirstChar(keywords: readonly Keyword[]): ReadonlyMap<string, readonly Keyword[]> {
  const map = new Map<string, Keyword[]>();
  for (const k of keywords) {
    const list = map.get(k.name[0]);
    if (list === undefined) map.set(k.name[0], [k]);
    else list.push(k);
  }
  return map;
}
function dateKeyword(name: string): Keyword {
  const upper = name.toUpperCase();
  const mode = GREGORIAN_KEYS.has(upper) ? "gregorian" : ISO_KEYS.has(upper) ? "isoweek" : "none";
  const id = upper === "SSSSS" ? "SSSS" : CASED_KEYS.has(upper) ? name : upper;
  return { name, id, isDigit: DIGIT_KEYS.has(upper), mode };
}
const isUpper = (s: string): boolean => s === s.toUpperCase();
const DATE_KEYWORDS = byFirstChar([
  ...DATE_WORDS.map(dateKeyword),
  ...DATE_WORDS.filter(isUpper).map((w) => dateKeyword(w.toLowerCase())),
]);
const NUMBER_KEYWORDS = byFirstChar([
  ...NUMBER_WORDS.map((name) => ({ name, id: name, isDigit: false, mode: "none" as const })),
  ...NUMBER_WORDS.filter((w) => w !== w.toLowerCase()).map((w) => {
    const name = w.toLowerCase();
    return { name, id: w === "RN" || w === "TH" ? name : w, isDigit: false, mode: "none" as const };
  }),
]);
const PREFIXES: ReadonlyMap<string, number> = new Map([
  ["FM", SUFFIX.FM],
  ["fm", SUFFIX.FM],
  ["TM", SUFFIX.TM],
  ["tm", SUFFIX.TM],
]);
const POSTFIXES: ReadonlyMap<string, number> = new Map([["TH", SUFFIX.TH], ["th", SUFFIX.th], ["SP", SUFFIX.SP]]);

/** A printable ASCII character that is no letter and no digit. */
export function isSeparatorChar(c: string): boolean {
  return c > " " && c < "\x7f" && !/[A-Za-z0-9]/.test(c);
}
export function isSpace(c: string): boolean {
  return c === " " || (c >= "\t" && c <= "\r" && c !== "");
}
/** The character at `i`, whole even outside the basic plane; "" at the end. */
export function charAt(s: string, i: number): string {
  const c = s.codePointAt(i);
  return c === undefined ? "" : String.fromCodePoint(c);
}

function findKeyword(map: ReadonlyMap<string, readonly Keyword[]>, s: string, i: number): Keyword | undefined {
  return map.get(s[i])?.find((k) => s.startsWith(k.name, i));
}

/**
 * parse_format().
 * @param standard only the separators of the SQL standard's datetime templates are allowed
 */
function parse(
  s: string,
  dates: boolean,
  standard: boolean,
  onAction: (key: Keyword) => void,
): FormatNode[] {
  const nodes: FormatNode[] = [];
  const keywords = dates ? DATE_KEYWORDS : NUMBER_KEYWORDS;
  let i = 0;
  while (i < s.length) {
    let suffix = 0;
    const prefix = dates ? PREFIXES.get(s.slice(i, i + 2)) : undefined;
    if (prefix !== undefined) {
      suffix = prefix;
      i += 2;
      if (i >= s.length) break;
    }
    const key = findKeyword(keywords, s, i);
    if (key !== undefined) {
      i += key.name.length;
      onAction(key);
      const post = dates ? POSTFIXES.get(s.slice(i, i + 2)) : undefined;
      if (post !== undefined) {
        suffix |= post;
        i += 2;
      }
      nodes.push({ type: "action", key, suffix });
    } else if (standard && s[i] !== '"') {
      const c = charAt(s, i);
      if (!"-./,':; ".includes(c)) {
        throw pgError(ERRCODE.INVALID_DATETIME_FORMAT, `invalid datetime format separator: "${c}"`);
      }
      nodes.push({ type: c === " " ? "space" : "separator", text: c });
      i++;
    } else if (s[i] === '"') {
      i++;
      while (i < s.length) {
        if (s[i] === '"') {
          i++;
          break;
        }
        if (s[i] === "\\" && i + 1 < s.length) i++;
        const text = charAt(s, i);
        nodes.push({ type: "char", text });
        i += text.length;
      }
    } else {
      if (s[i] === "\\" && s[i + 1] === '"') i++;
      const text = charAt(s, i);
      const type = dates && isSeparatorChar(text) ? "separator" : isSpace(text) ? "space" : "char";
      nodes.push({ type, text });
      i += text.length;
    }
  }
  return nodes;
}

const CACHE_SIZE = 64;
/** Remembers results by text; dropped whole when full. */
class Cache<T> {
  private readonly map = new Map<string, T>();
  get(text: string, make: () => T): T {
    let v = this.map.get(text);
    if (v === undefined) {
      v = make();
      if (this.map.size >= CACHE_SIZE) this.map.clear();
      this.map.set(text, v);
    }
    return v;
  }
}
const dateCache = new Cache<readonly FormatNode[]>();
const standardCache = new Cache<readonly FormatNode[]>();
const numberCache = new Cache<NumberFormat>();

/** Template of a date, time or interval. */
export function parseDateFormat(text: string, standard = false): readonly FormatNode[] {
  return (standard ? standardCache : dateCache).get(text, () => parse(text, true, standard, () => {}));
}

/** NUMDesc: what a number template asks for. */
export interface NumberDesc {
  /** Digit positions before and after the decimal point. */
  pre: number;
  post: number;
  /** Where a locale sign goes. */
  lsign: "none" | "pre" | "post";
  preLsign: number;
  /** Digits after V. */
  multi: number;
  zeroStart: number;
  zeroEnd: number;
  decimal: boolean;
  zero: boolean;
  blank: boolean;
  fillmode: boolean;
  hasLsign: boolean;
  bracket: boolean;
  minus: boolean;
  plus: boolean;
  roman: boolean;
  isMulti: boolean;
  eeee: boolean;
}
export interface NumberFormat {
  readonly nodes: readonly FormatNode[];
  readonly desc: Readonly<NumberDesc>;
}
function newDesc(): NumberDesc {
  return {
    pre: 0,
    post: 0,
    lsign: "none",
    preLsign: 0,
    multi: 0,
    zeroStart: 0,
    zeroEnd: 0,
    decimal: false,
    zero: false,
    blank: false,
    fillmode: false,
    hasLsign: false,
    bracket: false,
    minus: false,
    plus: false,
    roman: false,
    isMulti: false,
    eeee: false,
  };
}
function syntax(message: string, detail?: string): never {
  throw pgError(ERRCODE.SYNTAX_ERROR, message, { detail });
}
/** NUMDesc_prepare(): takes one keyword into account. */
function prepare(d: NumberDesc, id: string): void {
  if (d.eeee && id !== "EEEE") syntax('"EEEE" must be the last pattern used');
  switch (id) {
    case "9":
      if (d.bracket) syntax('"9" must be ahead of "PR"');
      if (d.isMulti) d.multi++;
      else if (d.decimal) d.post++;
      else d.pre++;
      break;
    case "0":
      if (d.bracket) syntax('"0" must be ahead of "PR"');
      if (!d.zero && !d.decimal) {
        d.zero = true;
        d.zeroStart = d.pre + 1;
      }
      if (!d.decimal) d.pre++;
      else d.post++;
      d.zeroEnd = d.pre + d.post;
      break;
    case "B":
      if (d.pre === 0 && d.post === 0 && !d.zero) d.blank = true;
      break;
    case "D":
    case ".":
      if (d.decimal) syntax("multiple decimal points");
      if (d.isMulti) syntax('cannot use "V" and decimal point together');
      d.decimal = true;
      break;
    case "FM":
      d.fillmode = true;
      break;
    case "S":
      if (d.hasLsign) syntax('cannot use "S" twice');
      if (d.plus || d.minus || d.bracket) syntax('cannot use "S" and "PL"/"MI"/"SG"/"PR" together');
      if (!d.decimal) {
        d.lsign = "pre";
        d.preLsign = d.pre;
        d.hasLsign = true;
      } else if (d.lsign === "none") {
        d.lsign = "post";
        d.hasLsign = true;
      }
      break;
    case "MI":
      if (d.hasLsign) syntax('cannot use "S" and "MI" together');
      d.minus = true;
      break;
    case "PL":
      if (d.hasLsign) syntax('cannot use "S" and "PL" together');
      d.plus = true;
      break;
    case "SG":
      if (d.hasLsign) syntax('cannot use "S" and "SG" together');
      d.minus = d.plus = true;
      break;
    case "PR":
      if (d.hasLsign || d.plus || d.minus) syntax('cannot use "PR" and "S"/"PL"/"MI"/"SG" together');
      d.bracket = true;
      break;
    case "rn":
    case "RN":
      if (d.roman) syntax('cannot use "RN" twice');
      d.roman = true;
      break;
    case "V":
      if (d.decimal) syntax('cannot use "V" and decimal point together');
      d.isMulti = true;
      break;
    case "EEEE":
      if (d.eeee) syntax('cannot use "EEEE" twice');
      if (d.blank || d.fillmode || d.hasLsign || d.bracket || d.minus || d.plus || d.roman || d.isMulti) {
        syntax(
          '"EEEE" is incompatible with other formats',
          '"EEEE" may only be used together with digit and decimal point patterns.',
        );
      }
      d.eeee = true;
      break;
  }
  if (
    d.roman &&
    (d.decimal || d.zero || d.blank || d.hasLsign || d.bracket || d.minus || d.plus || d.isMulti || d.eeee)
  ) {
    syntax('"RN" is incompatible with other formats', '"RN" may only be used together with "FM".');
  }
}

/** Template of a number. */
export function parseNumberFormat(text: string): NumberFormat {
  return numberCache.get(text, () => {
    const desc = newDesc();
    return { nodes: parse(text, false, false, (key) => prepare(desc, key.id)), desc };
  });
}

const TH_ENDINGS: ReadonlyMap<string, string> = new Map([["1", "st"], ["2", "nd"], ["3", "rd"]]);
/** get_th(): the English ordinal ending of a number. */
export function ordinalEnding(num: string, upper: boolean): string {
  const last = num[num.length - 1];
  if (!(last >= "0" && last <= "9")) {
    throw pgError(ERRCODE.INVALID_TEXT_REPRESENTATION, `"${num}" is not a number`);
  }
  const ending = num[num.length - 2] === "1" ? "th" : TH_ENDINGS.get(last) ?? "th";
  return upper ? ending.toUpperCase() : ending;
}
