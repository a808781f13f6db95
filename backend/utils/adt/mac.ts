/**
 * Types macaddr and macaddr8. Datum: the 6 or 8 octets.
 *
 * Follows src/backend/utils/adt/mac.c and mac8.c.
 */
import { pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { hashBytes, hashBytesExtended } from "../../common/hashfn.ts";
import type { BuiltinTable, TypeIoTable } from "../fmgr/fmgr.ts";
import { requireBytes } from "./binary_io.ts";
import type { Int8 } from "./int8.ts";
import { invalidInputSyntax } from "./numutils.ts";
import { compareBytes } from "./varlena.ts";

const isSpace = (c: string): boolean => c === " " || (c >= "\t" && c <= "\r");

/** sscanf() with `x` for %x, `2` for %2x, other characters literal; undefined unless all of `s` matches. */
function scan(s: string, pattern: string): number[] | undefined {
  const values: number[] = [];
  let rest = s;
  for (const p of pattern) {
    if (p === "x" || p === "2") {
      const m = (p === "2" ? /^[ \t-\r]*([0-9A-Fa-f]{1,2})/ : /^[ \t-\r]*(?:0[xX])?([0-9A-Fa-f]+)/).exec(rest);
      if (m === null) return undefined;
      values.push(parseInt(m[1], 16));
      rest = rest.slice(m[0].length);
    } else {
      if (rest[0] !== p) return undefined;
      rest = rest.slice(1);
    }
  }
  return /^[ \t-\r]*$/.test(rest) ? values : undefined;
}
const FORMS = ["x:x:x:x:x:x", "x-x-x-x-x-x", "222:222", "222-222", "22.22.22", "22-22-22", "222222"];
function macaddrIn(s: string): Uint8Array {
  for (const form of FORMS) {
    const values = scan(s, form);
    if (values === undefined) continue;
    if (values.some((v) => v > 255)) {
      throw pgError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, `invalid octet value in "macaddr" value: "${s}"`);
    }
    return Uint8Array.from(values);
  }
  throw invalidInputSyntax("macaddr", s, "macaddr_in");
}
/** Pairs of digits with one kind of separator or none; six octets get FF:FE in their middle. */
function macaddr8In(s: string): Uint8Array {
  const bad = (): Error => invalidInputSyntax("macaddr8", s, "macaddr8_in");
  const octets: number[] = [];
  let spacer = "";
  let p = 0;
  while (p < s.length && isSpace(s[p])) p++;
  while (p + 1 < s.length) {
    const pair = s.slice(p, p + 2);
    if (octets.length === 8 || !/^[0-9A-Fa-f]{2}$/.test(pair)) throw bad();
    octets.push(parseInt(pair, 16));
    p += 2;
    const c = s[p] ?? "";
    if (c === ":" || c === "-" || c === ".") {
      if (spacer === "") spacer = c;
      else if (spacer !== c) throw bad();
      p++;
    }
    if ((octets.length === 6 || octets.length === 8) && p < s.length && isSpace(s[p])) {
      while (p < s.length && isSpace(s[p])) p++;
      if (p < s.length) throw bad();
    }
  }
  if (octets.length === 6) octets.splice(3, 0, 0xff, 0xfe);
  else if (octets.length !== 8) throw bad();
  return Uint8Array.from(octets);
}
function macOut(b: Uint8Array): string {
  return Array.from(b, (x) => x.toString(16).padStart(2, "0")).join(":");
}
function toMacaddr(b: Uint8Array): Uint8Array {
  if (b[3] !== 0xff || b[4] !== 0xfe) {
    throw pgError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, "macaddr8 data out of range to convert to macaddr", {
      hint: "Only addresses that have FF and FE as values in the 4th and 5th bytes from the left, for example " +
        "xx:xx:xx:ff:fe:xx:xx:xx, are eligible to be converted from macaddr8 to macaddr.",
    });
  }
  return Uint8Array.of(b[0], b[1], b[2], b[5], b[6], b[7]);
}
function set7bit(b: Uint8Array): Uint8Array {
  const out = b.slice();
  out[0] |= 2;
  return out;
}
/** Functions that both types have. */
function common(type: string): BuiltinTable {
  const cmp = (a: Uint8Array, b: Uint8Array): number => Math.sign(compareBytes(a, b));
  return {
    [`${type}_cmp`]: cmp,
    [`${type}_eq`]: (a: Uint8Array, b: Uint8Array) => cmp(a, b) === 0,
    [`${type}_ne`]: (a: Uint8Array, b: Uint8Array) => cmp(a, b) !== 0,
    [`${type}_lt`]: (a: Uint8Array, b: Uint8Array) => cmp(a, b) < 0,
    [`${type}_le`]: (a: Uint8Array, b: Uint8Array) => cmp(a, b) <= 0,
    [`${type}_gt`]: (a: Uint8Array, b: Uint8Array) => cmp(a, b) > 0,
    [`${type}_ge`]: (a: Uint8Array, b: Uint8Array) => cmp(a, b) >= 0,
    [`${type}_not`]: (a: Uint8Array) => a.map((x) => ~x),
    [`${type}_and`]: (a: Uint8Array, b: Uint8Array) => a.map((x, i) => x & b[i]),
    [`${type}_or`]: (a: Uint8Array, b: Uint8Array) => a.map((x, i) => x | b[i]),
    [`${type}_trunc`]: (a: Uint8Array) => a.map((x, i) => i < 3 ? x : 0),
    [`hash${type}`]: (a: Uint8Array) => hashBytes(a),
    [`hash${type}extended`]: (a: Uint8Array, seed: Int8) => hashBytesExtended(a, 0, a.length, seed),
  };
}

export const macBuiltins: BuiltinTable = {
  ...common("macaddr"),
  ...common("macaddr8"),
  macaddrtomacaddr8: (b: Uint8Array) => Uint8Array.of(b[0], b[1], b[2], 0xff, 0xfe, b[3], b[4], b[5]),
  macaddr8tomacaddr: toMacaddr,
  macaddr8_set7bit: set7bit,
};

export const macIo: TypeIoTable = {
  input: { macaddr_in: macaddrIn, macaddr8_in: macaddr8In },
  output: { macaddr_out: macOut, macaddr8_out: macOut },
  receive: {
    macaddr_recv: (b) => {
      requireBytes(b, 6);
      return b.slice();
    },
    macaddr8_recv: (b) => {
      if (b.length === 6) return Uint8Array.of(b[0], b[1], b[2], 0xff, 0xfe, b[3], b[4], b[5]);
      requireBytes(b, 8);
      return b.slice();
    },
  },
  send: {
    macaddr_send: (b: Uint8Array) => b.slice(),
    macaddr8_send: (b: Uint8Array) => b.slice(),
  },
};
