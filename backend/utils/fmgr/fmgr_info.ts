/**
 * From a pg_proc OID to something callable.
 *
 * Owns the choice of implementation by language: internal and c functions are built-ins found by prosrc; functions in SQL
 * and procedural languages go to the handler that the language's module installs. A built-in that nobody wrote is found out
 * when it is called, with 0A000 and its name, not when something merely refers to it.
 * Follows src/backend/utils/fmgr/fmgr.c.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { notBuilt, pgError } from "../../../base/error.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import type { Oid } from "../../../base/types.ts";
import type { PgProc } from "../../catalog/catalog_rows.ts";
import { searchSysCache } from "../cache/syscache.ts";
import type { Datum } from "./datum.ts";
import { localeOf } from "../adt/pg_locale.ts";
import type { BoundFunction, Builtin, CallInfo, TypeInput, TypeOutput, TypeReceive, TypeSend } from "./fmgr.ts";
import {
  lookupBuiltin,
  lookupCollatedBuiltin,
  lookupTypeInput,
  lookupTypeOutput,
  lookupTypeReceive,
  lookupTypeSend,
  lookupTypmodIn,
  lookupTypmodOut,
} from "./fmgrtab.ts";

/** Makes a function in another language callable. */
export type LanguageHandler = (proc: Readonly<PgProc>, call: CallInfo) => BoundFunction;
const languageHandlers = new Map<string, LanguageHandler>();
/** `language` is pg_language.lanname: "sql", "plpgsql". */
export function installLanguageHandler(language: string, handler: LanguageHandler): void {
  languageHandlers.set(language, handler);
}

/** Wraps functions that are SECURITY DEFINER or have SET clauses. */
export type SecurityWrapper = (proc: Readonly<PgProc>, fn: BoundFunction) => BoundFunction;
let securityWrapper: SecurityWrapper | null = null;
export function installSecurityWrapper(wrapper: SecurityWrapper): void {
  securityWrapper = wrapper;
}

const INTERNALlanguageId = 12;
const ClanguageId = 13;
const ANYOID = 2276;
const VOIDOID = 2278;

/** A function ready to be called from one call site. */
export interface FmgrInfo {
  readonly oid: Oid;
  readonly name: string;
  /** Positional; a set-returning function returns an Iterable. Never call a strict one with a null. */
  readonly fn: BoundFunction;
  readonly nargs: number;
  readonly strict: boolean;
  readonly retset: boolean;
  readonly call: CallInfo;
}

export interface FmgrInfoOptions {
  collation?: Oid;
  /** Actual types where the call resolved polymorphic ones; default: the declared types. */
  argTypes?: readonly Oid[];
  resultType?: Oid;
  variadic?: boolean;
  resultColumns?: CallInfo["resultColumns"];
}

function cstring(d: Datum): string {
  return typeof d === "string" ? d : decodeText(d as Uint8Array);
}

/** The I/O functions of a type as SQL sees them: cstring is bytes. */
function ioFunction(prosrc: string, call: CallInfo): BoundFunction | undefined {
  const input = lookupTypeInput(prosrc);
  if (input) {
    return (str, typioparam = 0, typmod = -1) => input(cstring(str), typioparam as Oid, typmod as number);
  }
  const output = lookupTypeOutput(prosrc);
  if (output) return (value) => encodeText(output(value as never, call.argTypes[0]));
  const receive = lookupTypeReceive(prosrc);
  if (receive) {
    return (bytes, typioparam = 0, typmod = -1) => receive(bytes as Uint8Array, typioparam as Oid, typmod as number);
  }
  const send = lookupTypeSend(prosrc);
  if (send) return (value) => send(value as never, call.argTypes[0]);
  return undefined;
}

/** True if the function can be called: false for built-ins that are not written yet. */
export function builtinExists(prosrc: string): boolean {
  return lookupBuiltin(prosrc) !== undefined || lookupTypeInput(prosrc) !== undefined ||
    lookupTypeOutput(prosrc) !== undefined || lookupTypeReceive(prosrc) !== undefined ||
    lookupTypeSend(prosrc) !== undefined;
}

/** Under a collation that does not order by bytes, comparisons have other implementations. */
function builtinFor(prosrc: string, collation: Oid): Builtin | undefined {
  if (collation !== 0 && !localeOf(collation).collateIsC) {
    const collated = lookupCollatedBuiltin(prosrc);
    if (collated !== undefined) return collated;
  }
  return lookupBuiltin(prosrc);
}

function bindBuiltin(proc: Readonly<PgProc>, call: CallInfo): BoundFunction {
  const found = builtinFor(proc.prosrc, call.collation);
  if (found === undefined) {
    const io = ioFunction(proc.prosrc, call);
    if (io !== undefined) return io;
    const error = () =>
      notBuilt(`function ${proc.proname}`, { detail: `Built-in "${proc.prosrc}" has no implementation.` });
    return () => {
      throw error();
    };
  }
  if (typeof found === "function") return found as unknown as BoundFunction;
  const fn = found.withCall as unknown as (call: CallInfo, ...args: Datum[]) => Datum;
  // VARIADIC "any" takes as many arguments as the call has.
  switch (proc.provariadic === ANYOID ? -1 : proc.pronargs) {
    case 0:
      return () => fn(call);
    case 1:
      return (a) => fn(call, a);
    case 2:
      return (a, b) => fn(call, a, b);
    case 3:
      return (a, b, c) => fn(call, a, b, c);
    default:
      return (...args) => fn(call, ...args);
  }
}

/** The pg_proc row. @throws {PgError} XX000 */
export function procRow(functionId: Oid): Readonly<PgProc> {
  const proc = searchSysCache("PROCOID", functionId);
  if (proc === null) {
    throw pgError(ERRCODE.INTERNAL_ERROR, `cache lookup failed for function ${functionId}`, {
      routine: "fmgr_info_cxt_security",
    });
  }
  return proc;
}

/** Looks a function up and binds it to a call site. */
export function fmgrInfo(functionId: Oid, options: FmgrInfoOptions = {}): FmgrInfo {
  const proc = procRow(functionId);
  const call: CallInfo = {
    fnOid: functionId,
    argTypes: options.argTypes ?? proc.proargtypes,
    resultType: options.resultType ?? proc.prorettype,
    collation: options.collation ?? 0,
    variadic: options.variadic ?? false,
    resultColumns: options.resultColumns,
    extra: undefined,
  };
  let fn: BoundFunction;
  if (proc.prolang === INTERNALlanguageId || proc.prolang === ClanguageId) {
    const bound = bindBuiltin(proc, call);
    // A void function has a result, and it is not null.
    fn = proc.prorettype === VOIDOID && !proc.proretset ? (...args) => bound(...args) ?? 0 : bound;
  } else {
    const language = searchSysCache("LANGOID", proc.prolang);
    const handler = language === null ? undefined : languageHandlers.get(language.lanname);
    if (handler === undefined) throw notBuilt(`language ${language?.lanname ?? proc.prolang}`);
    fn = handler(proc, call);
  }
  if ((proc.prosecdef || proc.proconfig !== null) && securityWrapper !== null) fn = securityWrapper(proc, fn);
  return {
    oid: functionId,
    name: proc.proname,
    fn,
    nargs: proc.pronargs,
    strict: proc.proisstrict,
    retset: proc.proretset,
    call,
  };
}

/** Calls a function once; a strict one gives null for a null argument. */
export function oidFunctionCall(functionId: Oid, collation: Oid, ...args: Datum[]): Datum {
  const info = fmgrInfo(functionId, { collation });
  if (info.strict && args.includes(null)) return null;
  return info.fn(...args);
}

/** Implementation of a type's input function. @throws {PgError} 0A000 */
export function inputFunction(functionId: Oid): TypeInput {
  const proc = procRow(functionId);
  const input = lookupTypeInput(proc.prosrc);
  if (input !== undefined) return input;
  const info = fmgrInfo(functionId);
  return (str, typioparam, typmod) => info.fn(encodeText(str), typioparam, typmod);
}
export function outputFunction(functionId: Oid): TypeOutput {
  const proc = procRow(functionId);
  const output = lookupTypeOutput(proc.prosrc);
  if (output !== undefined) return output;
  const info = fmgrInfo(functionId);
  return (value) => cstring(info.fn(value));
}
export function receiveFunction(functionId: Oid): TypeReceive {
  const proc = procRow(functionId);
  const receive = lookupTypeReceive(proc.prosrc);
  if (receive !== undefined) return receive;
  const info = fmgrInfo(functionId);
  return (bytes, typioparam, typmod) => info.fn(bytes, typioparam, typmod);
}
export function sendFunction(functionId: Oid): TypeSend {
  const proc = procRow(functionId);
  const send = lookupTypeSend(proc.prosrc);
  if (send !== undefined) return send;
  const info = fmgrInfo(functionId);
  return (value) => info.fn(value) as Uint8Array;
}

/** Converts text by a type's input function. */
export function oidInputFunctionCall(functionId: Oid, str: string, typioparam: Oid, typmod: number): Datum {
  return inputFunction(functionId)(str, typioparam, typmod);
}
/** Converts a value to text by a type's output function. */
export function oidOutputFunctionCall(functionId: Oid, value: Datum, typeOid: Oid): string {
  return outputFunction(functionId)(value as never, typeOid);
}

/** Type modifier from its written arguments. @throws {PgError} 42601 if the type takes none. */
export function typmodInputCall(functionId: Oid, mods: readonly string[]): number {
  const fn = lookupTypmodIn(procRow(functionId).prosrc);
  if (fn === undefined) throw notBuilt(`type modifier input function ${functionId}`);
  return fn(mods);
}
/** "(10,2)" and the like. */
export function typmodOutputCall(functionId: Oid, typmod: number): string {
  const fn = lookupTypmodOut(procRow(functionId).prosrc);
  if (fn === undefined) throw notBuilt(`type modifier output function ${functionId}`);
  return fn(typmod);
}

/** The registries of type modifier functions, by prosrc. */
export function builtinLookup(): { typmodIn: typeof lookupTypmodIn; typmodOut: typeof lookupTypmodOut } {
  return { typmodIn: lookupTypmodIn, typmodOut: lookupTypmodOut };
}
