/**
 * Function manager: what a built-in function looks like to its callers.
 *
 * A built-in is found by pg_proc.prosrc. Plain functions take their arguments by position, `(a, b) => Datum`, so that
 * compiled plans call them directly. A function that must know more (argument types of a polymorphic call, collation,
 * per-call-site cache) is declared with `withCall` and takes a CallInfo first. Strict functions (pg_proc.proisstrict)
 * are never called with a null. Set-returning functions return an Iterable. Type I/O functions have shapes of their own.
 * Follows src/include/fmgr.h.
 */
import type { Oid } from "../../../base/types.ts";
import type { Datum } from "./datum.ts";

/** What a call site knows; one object for each call site, kept over calls. */
export interface CallInfo {
  /** OID of the called pg_proc row. */
  readonly fnOid: Oid;
  /** Actual (resolved) argument types and result type. */
  readonly argTypes: readonly Oid[];
  readonly resultType: Oid;
  /** Input collation; 0 if none. */
  readonly collation: Oid;
  /** True when called with VARIADIC or through a variadic "any" parameter that got an array. */
  readonly variadic?: boolean;
  /** Cache of the function, as fn_extra. */
  extra?: unknown;
  /** For functions that return record: names and types expected of the columns. */
  readonly resultColumns?: readonly { readonly name: string; readonly type: Oid; readonly typmod: number }[];
}

/** `never[]` lets each built-in state its own parameter types; callers cast once, where they bind the function. */
export type PlainFunction = (...args: never[]) => Datum | Iterable<Datum>;
export type CallFunction = (call: CallInfo, ...args: never[]) => Datum | Iterable<Datum>;
/** A built-in as a call site uses it. */
export type BoundFunction = (...args: Datum[]) => Datum;

export type Builtin = PlainFunction | BuiltinWithCall;
export interface BuiltinWithCall {
  readonly withCall: CallFunction;
}
/** Declares a built-in that takes a CallInfo before its arguments. */
export function withCall(fn: CallFunction): BuiltinWithCall {
  return { withCall: fn };
}

/** prosrc → function. Each adt file exports one: `export const int8Builtins: BuiltinTable = { int8pl, … }`. */
export type BuiltinTable = Readonly<Record<string, Builtin>>;

/**
 * Text and binary conversion of one type, registered under the names that pg_type's typinput, typoutput, typreceive,
 * typsend functions have as prosrc.
 */
export type TypeInput = (str: string, typioparam: Oid, typmod: number) => Datum;
export type TypeOutput = (value: never, typeOid: Oid) => string;
/** `bytes` is the message's exact field. @throws 22P03 on a malformed field. */
export type TypeReceive = (bytes: Uint8Array, typioparam: Oid, typmod: number) => Datum;
export type TypeSend = (value: never, typeOid: Oid) => Uint8Array;
export interface TypeIoTable {
  readonly input?: Readonly<Record<string, TypeInput>>;
  readonly output?: Readonly<Record<string, TypeOutput>>;
  readonly receive?: Readonly<Record<string, TypeReceive>>;
  readonly send?: Readonly<Record<string, TypeSend>>;
  /** typmodin / typmodout by prosrc. */
  readonly typmodIn?: Readonly<Record<string, (mods: readonly string[]) => number>>;
  readonly typmodOut?: Readonly<Record<string, (typmod: number) => string>>;
}
