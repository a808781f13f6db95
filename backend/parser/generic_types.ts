/**
 * Do the actual argument types of a call agree with polymorphic declared types? Yes or no, without reports; the forms
 * that throw and resolve are in parse_polymorphic.ts. Follows check_generic_type_consistency() in parse_coerce.c.
 */
import type { Oid } from "../../base/types.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getBaseType, getElementType } from "../utils/cache/lsyscache.ts";
import * as T from "../catalog/pg_type_d.ts";

/** Common-type selection, which stands above in parse_coerce.ts. */
export interface CommonTypes {
  /** 0 if there is none. */
  select: (typeids: readonly Oid[]) => Oid;
  verify: (type: Oid, typeids: readonly Oid[]) => boolean;
}

export function typtype(t: Oid): string {
  return searchSysCache("TYPEOID", t)?.typtype ?? "";
}
export function rangeSubtype(t: Oid): Oid {
  return searchSysCache("RANGETYPE", t)?.rngsubtype ?? 0;
}
export function multirangeRange(t: Oid): Oid {
  return searchSysCache("RANGEMULTIRANGE", t)?.rngtypid ?? 0;
}
export function rangeMultirange(t: Oid): Oid {
  return searchSysCache("RANGETYPE", t)?.rngmultitypid ?? 0;
}
export function isTrueArray(t: Oid): boolean {
  return getElementType(t) !== 0;
}

/** check_generic_type_consistency. Unknown-type arguments never hurt. */
export function checkGenericTypeConsistency(
  actual: readonly Oid[],
  declared: readonly Oid[],
  common: CommonTypes,
): boolean {
  let elem = 0;
  let array = 0;
  let range = 0;
  let multirange = 0;
  let compatRange = 0;
  let compatRangeElem = 0;
  let compatMultirange = 0;
  let haveNonarray = false;
  let haveEnum = false;
  let compatNonarray = false;
  const compat: Oid[] = [];
  for (let j = 0; j < declared.length; j++) {
    const decl = declared[j];
    let act = actual[j] ?? 0;
    switch (decl) {
      case T.ANYELEMENTOID:
      case T.ANYNONARRAYOID:
      case T.ANYENUMOID:
        if (decl === T.ANYNONARRAYOID) haveNonarray = true;
        else if (decl === T.ANYENUMOID) haveEnum = true;
        if (act === T.UNKNOWNOID) continue;
        if (elem !== 0 && act !== elem) return false;
        elem = act;
        break;
      case T.ANYARRAYOID:
        if (act === T.UNKNOWNOID) continue;
        act = getBaseType(act);
        if (array !== 0 && act !== array) return false;
        array = act;
        break;
      case T.ANYRANGEOID:
        if (act === T.UNKNOWNOID) continue;
        act = getBaseType(act);
        if (range !== 0 && act !== range) return false;
        range = act;
        break;
      case T.ANYMULTIRANGEOID:
        if (act === T.UNKNOWNOID) continue;
        act = getBaseType(act);
        if (multirange !== 0 && act !== multirange) return false;
        multirange = act;
        break;
      case T.ANYCOMPATIBLEOID:
      case T.ANYCOMPATIBLENONARRAYOID:
        if (decl === T.ANYCOMPATIBLENONARRAYOID) compatNonarray = true;
        if (act === T.UNKNOWNOID) continue;
        compat.push(act);
        break;
      case T.ANYCOMPATIBLEARRAYOID: {
        if (act === T.UNKNOWNOID) continue;
        const e = getElementType(getBaseType(act));
        if (e === 0) return false;
        compat.push(e);
        break;
      }
      case T.ANYCOMPATIBLERANGEOID:
        if (act === T.UNKNOWNOID) continue;
        act = getBaseType(act);
        if (compatRange !== 0) {
          if (compatRange !== act) return false;
        } else {
          compatRange = act;
          compatRangeElem = rangeSubtype(act);
          if (compatRangeElem === 0) return false;
          compat.push(compatRangeElem);
        }
        break;
      case T.ANYCOMPATIBLEMULTIRANGEOID:
        if (act === T.UNKNOWNOID) continue;
        act = getBaseType(act);
        if (compatMultirange !== 0) {
          if (compatMultirange !== act) return false;
        } else {
          compatMultirange = act;
          if (multirangeRange(act) === 0) return false;
        }
        break;
      default:
        break;
    }
  }
  if (array !== 0) {
    if (array === T.ANYARRAYOID) {
      if (haveNonarray || haveEnum || elem !== 0) return false;
    } else {
      const e = getElementType(array);
      if (e === 0) return false;
      if (elem === 0) elem = e;
      else if (e !== elem) return false;
    }
  }
  if (multirange !== 0) {
    const r = multirangeRange(multirange);
    if (r === 0) return false;
    if (range === 0) range = r;
    else if (range !== r) return false;
  }
  if (range !== 0) {
    const e = rangeSubtype(range);
    if (e === 0) return false;
    if (elem === 0) elem = e;
    else if (e !== elem) return false;
  }
  if (haveNonarray && elem !== 0 && isTrueArray(getBaseType(elem))) return false;
  if (haveEnum && (elem === 0 || typtype(elem) !== "e")) return false;
  if (compatMultirange !== 0) {
    const r = multirangeRange(compatMultirange);
    if (compatRange !== 0) {
      if (compatRange !== r) return false;
    } else {
      compatRange = r;
      compatRangeElem = rangeSubtype(r);
      if (compatRangeElem === 0) return false;
      compat.push(compatRangeElem);
    }
  }
  if (compat.length > 0) {
    const t = common.select(compat);
    if (t === 0 || !common.verify(t, compat)) return false;
    if (compatNonarray && isTrueArray(getBaseType(t))) return false;
    if (compatRangeElem !== 0 && compatRangeElem !== t) return false;
  }
  return true;
}
