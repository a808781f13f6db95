/**
 * Polymorphic pseudo-types: which they are, and what they stand for in a call.
 * Follows IsPolymorphicType in src/include/catalog/pg_type.h and resolve_polymorphic_tupdesc() in funcapi.c.
 */
import type { Oid } from "../../../base/types.ts";
import { searchSysCache } from "../cache/syscache.ts";
import * as T from "../../catalog/pg_type_d.ts";

export function isPolymorphicTypeFamily1(t: Oid): boolean {
  return t === T.ANYELEMENTOID || t === T.ANYARRAYOID || t === T.ANYNONARRAYOID || t === T.ANYENUMOID ||
    t === T.ANYRANGEOID || t === T.ANYMULTIRANGEOID;
}
export function isPolymorphicTypeFamily2(t: Oid): boolean {
  return t === T.ANYCOMPATIBLEOID || t === T.ANYCOMPATIBLEARRAYOID || t === T.ANYCOMPATIBLENONARRAYOID ||
    t === T.ANYCOMPATIBLERANGEOID || t === T.ANYCOMPATIBLEMULTIRANGEOID;
}
export function isPolymorphicType(t: Oid): boolean {
  return isPolymorphicTypeFamily1(t) || isPolymorphicTypeFamily2(t);
}

function elementOf(array: Oid): Oid {
  const base = baseOf(array);
  return searchSysCache("TYPEOID", base)?.typelem ?? 0;
}
function baseOf(t: Oid): Oid {
  for (let x = t;;) {
    const row = searchSysCache("TYPEOID", x);
    if (row === null || row.typtype !== "d") return x;
    x = row.typbasetype;
  }
}
function rangeSubtype(range: Oid): Oid {
  return searchSysCache("RANGETYPE", range)?.rngsubtype ?? 0;
}

/** A function from polymorphic type to actual type, from the declared and actual argument types; 0 if unresolved. */
export function resolvePolymorphicArguments(
  declared: readonly Oid[],
  actual: readonly Oid[],
): (poly: Oid) => Oid {
  const known = { elem: 0, array: 0, range: 0, multirange: 0, celem: 0, carray: 0, crange: 0, cmultirange: 0 };
  declared.forEach((d, i) => {
    const a = actual[i] ?? 0;
    if (a === 0) return;
    switch (d) {
      case T.ANYELEMENTOID:
      case T.ANYNONARRAYOID:
      case T.ANYENUMOID:
        known.elem ||= a;
        break;
      case T.ANYARRAYOID:
        known.array ||= a;
        break;
      case T.ANYRANGEOID:
        known.range ||= a;
        break;
      case T.ANYMULTIRANGEOID:
        known.multirange ||= a;
        break;
      case T.ANYCOMPATIBLEOID:
      case T.ANYCOMPATIBLENONARRAYOID:
        known.celem ||= a;
        break;
      case T.ANYCOMPATIBLEARRAYOID:
        known.carray ||= a;
        break;
      case T.ANYCOMPATIBLERANGEOID:
        known.crange ||= a;
        break;
      case T.ANYCOMPATIBLEMULTIRANGEOID:
        known.cmultirange ||= a;
        break;
    }
  });
  const rangeOf = (mr: Oid): Oid => (mr === 0 ? 0 : searchSysCache("RANGEMULTIRANGE", mr)?.rngtypid ?? 0);
  known.range ||= rangeOf(known.multirange);
  known.crange ||= rangeOf(known.cmultirange);
  known.elem ||= known.array !== 0 ? elementOf(known.array) : known.range !== 0 ? rangeSubtype(known.range) : 0;
  known.celem ||= known.carray !== 0 ? elementOf(known.carray) : known.crange !== 0 ? rangeSubtype(known.crange) : 0;
  const arrayOf = (e: Oid): Oid => (e === 0 ? 0 : searchSysCache("TYPEOID", baseOf(e))?.typarray ?? 0);
  const multirangeOf = (r: Oid): Oid => (r === 0 ? 0 : searchSysCache("RANGETYPE", r)?.rngmultitypid ?? 0);
  return (poly) => {
    switch (poly) {
      case T.ANYELEMENTOID:
      case T.ANYNONARRAYOID:
      case T.ANYENUMOID:
        return known.elem;
      case T.ANYARRAYOID:
        return known.array || arrayOf(known.elem);
      case T.ANYRANGEOID:
        return known.range;
      case T.ANYMULTIRANGEOID:
        return known.multirange || multirangeOf(known.range);
      case T.ANYCOMPATIBLEOID:
      case T.ANYCOMPATIBLENONARRAYOID:
        return known.celem;
      case T.ANYCOMPATIBLEARRAYOID:
        return known.carray || arrayOf(known.celem);
      case T.ANYCOMPATIBLERANGEOID:
        return known.crange;
      case T.ANYCOMPATIBLEMULTIRANGEOID:
        return known.cmultirange || multirangeOf(known.crange);
      default:
        return poly;
    }
  };
}
