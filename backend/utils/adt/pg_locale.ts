/**
 * Collations. The default is the builtin provider's C.UTF-8: memcmp order, full simple case mapping.
 *
 * Comparison functions in the registry are the plain memcmp ones. A call site whose collation is not C-like binds the
 * function from `collated` tables instead, which ask the provider installed here.
 */
import type { Oid } from "../../../base/types.ts";

export interface Locale {
  /** True if strings order by memcmp. */
  readonly collateIsC: boolean;
  /** True if only ASCII letters have case (collations "C" and "POSIX"). */
  readonly ctypeIsC: boolean;
  /** False for nondeterministic collations: equality is compare() === 0. */
  readonly deterministic: boolean;
  compare?(a: string, b: string): number;
  /** BCP 47 tag for case mapping where it matters. */
  readonly language?: string;
}

export const C_COLLATION_OID = 950;
export const DEFAULT_COLLATION_OID = 100;
export const POSIX_COLLATION_OID = 951;

const C_UTF8: Locale = { collateIsC: true, ctypeIsC: false, deterministic: true };
const C: Locale = { collateIsC: true, ctypeIsC: true, deterministic: true };

let lookup: ((collation: Oid) => Locale | undefined) | undefined;
/** The catalog layer installs how a pg_collation row becomes a Locale. */
export function setCollationProvider(fn: (collation: Oid) => Locale | undefined): void {
  lookup = fn;
}
/** pg_newlocale_from_collation(). */
export function localeOf(collation: Oid): Locale {
  if (collation === C_COLLATION_OID || collation === POSIX_COLLATION_OID) return C;
  return lookup?.(collation) ?? C_UTF8;
}
