/**
 * Runs the cases of a golden file through the function registry.
 *
 * A case line is `prosrc | arg | arg …`; an argument of a polymorphic parameter is written `%type:value`. NULL is \N; an
 * argument in double quotes is a JSON string. `@set name value` changes a setting for the lines after it.
 * `agg name(type) | row | row …` runs an aggregate; arguments of one row are separated by ` ; `.
 * A golden line is a case line, then ` => ` and the answer as text, `!SQLSTATE message` for an error; what the runner
 * needs to know of the function follows in braces.
 */
import { guc, type GucValues } from "../../../../conf/guc_values.ts";
import { PgError } from "../../../../base/error.ts";
import type { Datum } from "../../fmgr/datum.ts";
import type { CallInfo } from "../../fmgr/fmgr.ts";
import { lookupBuiltin, lookupTypeReceive, lookupTypeSend } from "../../fmgr/fmgrtab.ts";
import { typeInfo } from "../type_provider.ts";

export interface Case {
  line: string;
  fn: string;
  args: (string | null)[];
}
export interface CaseInfo {
  /** Argument types; result type; strict; returns set. */
  a: number[];
  r: number;
  s?: 1;
  set?: 1;
  v?: 1;
  /** Aggregates: transition and final function, their strictness, initial value, transition type. */
  agg?: { t: string; ts?: 1; f?: string; fs?: 1; i?: string; tt: number };
}
export interface GoldenCase extends Case {
  expected: string;
  info: CaseInfo;
}

export function parseArg(s: string): string | null {
  if (s === "\\N") return null;
  return s.startsWith('"') ? JSON.parse(s) as string : s;
}
export function parseCase(line: string): Case {
  const [fn, ...args] = line.split(" | ");
  return { line, fn, args: args.map(parseArg) };
}
export function setGuc(line: string): void {
  const m = /^@set (\w+) (.*)$/.exec(line);
  if (!m) throw new Error(`bad line: ${line}`);
  const name = m[1] as keyof GucValues;
  const old = guc[name];
  const value = m[2] === "default" ? DEFAULTS[name] : m[2];
  (guc as unknown as Record<string, unknown>)[name] = typeof old === "number" ? Number(value) : value;
}
const DEFAULTS = { ...guc, TimeZone: "UTC" };

function call(fn: string, info: CaseInfo, args: Datum[], strict: boolean): Datum | Iterable<Datum> {
  const f = lookupBuiltin(fn) ?? sendAndBack(fn, info.a[0]);
  if (f === undefined) throw new Error(`no function ${fn}`);
  if (strict && args.includes(null)) return null;
  if (typeof f === "function") return (f as (...a: Datum[]) => Datum)(...args);
  const ci: CallInfo = {
    fnOid: 0,
    argTypes: info.a,
    resultType: info.r,
    collation: 100,
    variadic: info.v === 1 ? true : undefined,
  };
  return (f.withCall as unknown as (c: CallInfo, ...a: Datum[]) => Datum)(ci, ...args);
}

/** A send function; the call also checks that the receive function reads the bytes back. */
function sendAndBack(fn: string, type: number): ((v: Datum) => Datum) | undefined {
  const send = lookupTypeSend(fn);
  const receive = lookupTypeReceive(fn.replace(/send$/, "recv"));
  if (send === undefined || receive === undefined) return undefined;
  return (v) => {
    const bytes = send(v as never, type);
    const back = typeInfo(type).output(receive(bytes, typeInfo(type).elementType || type, -1));
    const text = typeInfo(type).output(v);
    if (back !== text) throw new Error(`${fn} of ${text} reads back as ${back}`);
    return bytes;
  };
}

function show(v: Datum, type: number): string {
  return v === null ? "\\N" : typeInfo(type).output(v);
}

/** Answer in the form of a golden line. */
export function runCase(c: GoldenCase): string {
  try {
    const { info } = c;
    if (info.agg) return runAggregate(c);
    const args = c.args.map((s, i) => {
      const t = stripType(s);
      return t === null ? null : typeInfo(info.a[i]).input(t, -1);
    });
    const r = call(c.fn, info, args, info.s === 1);
    if (info.set) return Array.from((r ?? []) as Iterable<Datum>, (v) => show(v, info.r)).join(" ; ");
    return show(r as Datum, info.r);
  } catch (e) {
    if (e instanceof PgError) return `!${e.code} ${e.message}` + (e.fields.detail ? ` (${e.fields.detail})` : "");
    throw e;
  }
}
/** The value of an argument without its `%type:` prefix. */
function stripType(s: string | null): string | null {
  const m = s === null ? null : /^%[^:]+:([^]*)$/.exec(s);
  if (m) s = m[1];
  return s === "\\N" ? null : s;
}

function runAggregate(c: GoldenCase): string {
  const { info } = c;
  const agg = info.agg!;
  let state: Datum = agg.i === undefined ? null : typeInfo(agg.tt).input(agg.i, -1);
  const ti: CaseInfo = { a: [agg.tt, ...info.a], r: agg.tt };
  let first = agg.ts === 1 && agg.i === undefined;
  for (const row of c.args) {
    const vals = row === null ? [null] : row.split(" ; ").map((s, i) => {
      const t = stripType(s);
      return t === null ? null : typeInfo(info.a[i]).input(t, -1);
    });
    if (agg.ts === 1 && vals.includes(null)) continue;
    if (first) {
      state = vals[0];
      first = false;
      continue;
    }
    if (agg.ts === 1 && state === null) continue;
    state = call(agg.t, ti, [state, ...vals], false) as Datum;
  }
  if (agg.f === undefined) return show(state, info.r);
  if (agg.fs === 1 && state === null) return "\\N";
  return show(call(agg.f, { a: [agg.tt], r: info.r }, [state], false) as Datum, info.r);
}

/** Escapes so that a golden line stays one line. */
export function escapeLine(s: string): string {
  return s.replace(/[\n\r]/g, (c) => c === "\n" ? "\\n" : "\\r");
}
