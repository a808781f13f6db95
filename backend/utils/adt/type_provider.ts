/**
 * What polymorphic code (arrays, records, concat, json) must know of a type, and where it learns it.
 *
 * The type system lives in the catalogs, above this folder; so the catalog layer installs a provider. Until then, and
 * in tests, builtin_type_provider.ts serves the built-in types from a static table.
 */
import { assert } from "../../../base/assert.ts";
import type { Oid } from "../../../base/types.ts";
import type { Datum } from "../fmgr/datum.ts";

export type TypeAlign = "c" | "s" | "i" | "d";

/** One object for each type; functions are bound (I/O with their typioparam). */
export interface TypeInfo {
  readonly oid: Oid;
  /** Name as format_type() shows it, for error messages. */
  readonly name: string;
  readonly typlen: number;
  readonly typbyval: boolean;
  readonly typalign: TypeAlign;
  readonly typdelim: string;
  /** Element type if this is a true array type, else 0. */
  readonly elementType: Oid;
  /** The array type over this one, 0 if none. */
  readonly arrayType: Oid;
  /** b base, c composite, d domain, e enum, p pseudo, r range, m multirange. */
  readonly typtype: string;
  /** pg_type.typcategory. */
  readonly typcategory: string;
  /** Of a domain its base type, else the type itself. */
  readonly baseType: Oid;
  input(str: string, typmod: number): Datum;
  output(value: Datum): string;
  receive(bytes: Uint8Array, typmod: number): Datum;
  send(value: Datum): Uint8Array;
  /** btree comparison, equality, hashing of the default operator classes; undefined if the type has none. */
  readonly cmp?: (a: Datum, b: Datum) => number;
  readonly eq?: (a: Datum, b: Datum) => boolean;
  readonly hash?: (a: Datum) => number;
  readonly hashExtended?: (a: Datum, seed: Datum) => Datum;
  /** Columns of a composite type; dropped ones are left out. */
  readonly columns?: readonly { readonly name: string; readonly type: Oid; readonly typmod: number }[];
}

export interface TypeInfoProvider {
  /** @throws XX000 if there is no such type. */
  get(oid: Oid): TypeInfo;
  /** Function that casts `from` to json by a user-defined cast, if there is one (for to_json). */
  castToJson?(from: Oid): ((value: Datum) => Datum) | undefined;
}

let provider: TypeInfoProvider | undefined;

/** Installs the source of type information; returns the one it replaces. */
export function setArrayTypeProvider(p: TypeInfoProvider): TypeInfoProvider | undefined {
  const old = provider;
  provider = p;
  return old;
}
export function typeProvider(): TypeInfoProvider {
  assert(provider !== undefined, "no type provider installed");
  return provider;
}
export function typeInfo(oid: Oid): TypeInfo {
  assert(provider !== undefined, "no type provider installed");
  return provider.get(oid);
}
