/**
 * What a pg_collation row, or the database's default, means for comparing and case mapping.
 * Follows pg_newlocale_from_collation() in src/backend/utils/adt/pg_locale.c; ICU's and libc's orders are those of
 * Intl.Collator.
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { pgError } from "../../../base/error.ts";
import type { Oid } from "../../../base/types.ts";
import { DEFAULT_COLLATION_OID, type Locale } from "../adt/pg_locale.ts";
import { myDatabaseId } from "../init/globals.ts";
import { registerSyscacheCallback } from "./inval.ts";
import { searchSysCache } from "./syscache.ts";

const BYTE_ORDER: Locale = { collateIsC: true, ctypeIsC: false, deterministic: true };
const C: Locale = { collateIsC: true, ctypeIsC: true, deterministic: true };

function isC(locale: string | null): boolean {
  return locale === "C" || locale === "POSIX";
}

/** "de_DE.UTF-8" and "de-DE-x-icu" name the language "de-DE". */
function languageTag(locale: string): string {
  return locale.replace(/[.@].*$/, "").replace(/-x-icu$/, "").replaceAll("_", "-");
}

function collated(locale: string, deterministic: boolean, what: string): Locale {
  let collator: Intl.Collator;
  const tag = languageTag(locale);
  try {
    collator = tag === "" || tag === "und" || tag === "root" ? new Intl.Collator("und") : new Intl.Collator(tag);
  } catch (cause) {
    if (!(cause instanceof RangeError)) throw cause;
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `could not open collator for ${what} "${locale}"`);
  }
  return {
    collateIsC: false,
    ctypeIsC: false,
    deterministic,
    compare: (a, b) => collator.compare(a, b),
    language: tag,
  };
}

function fromProvider(
  r: { provider: string; locale: string | null; collate: string | null; ctype: string | null; deterministic: boolean },
): Locale {
  switch (r.provider) {
    case "b":
      return isC(r.locale) ? C : BYTE_ORDER;
    case "i":
      return collated(r.locale ?? "und", r.deterministic, "locale");
    default: {
      const collate = r.collate ?? "C";
      if (isC(collate)) return isC(r.ctype) ? C : BYTE_ORDER;
      if (/^C\.(utf-?8)$/i.test(collate)) return BYTE_ORDER;
      return collated(collate, r.deterministic, "locale");
    }
  }
}

const known = new Map<Oid, Locale>();
let callbacksRegistered = false;

/** Locale of a collation; undefined before the session has a database. */
export function localeOfCollation(collation: Oid): Locale | undefined {
  const found = known.get(collation);
  if (found !== undefined) return found;
  if (myDatabaseId() === 0) return undefined;
  if (!callbacksRegistered) {
    callbacksRegistered = true;
    registerSyscacheCallback("COLLOID", () => known.clear());
  }
  let locale: Locale;
  if (collation === 0 || collation === DEFAULT_COLLATION_OID) {
    const db = searchSysCache("DATABASEOID", myDatabaseId());
    if (db === null) return undefined;
    locale = fromProvider({
      provider: db.datlocprovider,
      locale: db.datlocale,
      collate: db.datcollate,
      ctype: db.datctype,
      deterministic: true,
    });
  } else {
    const row = searchSysCache("COLLOID", collation);
    if (row === null) throw pgError(ERRCODE.INTERNAL_ERROR, `cache lookup failed for collation ${collation}`);
    locale = fromProvider({
      provider: row.collprovider,
      locale: row.colllocale,
      collate: row.collcollate,
      ctype: row.collctype,
      deterministic: row.collisdeterministic,
    });
  }
  known.set(collation, locale);
  return locale;
}
