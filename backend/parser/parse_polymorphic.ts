/**
 * Polymorphic functions: do the argument types of a call agree, and what do the polymorphic types become.
 *
 * Two families: any* (all the same type) and anycompatible* (a common type). Follows the second half of
 * src/backend/parser/parse_coerce.c.
 */
import type { Oid } from "../../base/types.ts";
import { PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import { getArrayType, getBaseType, getElementType } from "../utils/cache/lsyscache.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { isPolymorphicTypeFamily1, isPolymorphicTypeFamily2 } from "../utils/fmgr/polymorphic.ts";
import * as T from "../catalog/pg_type_d.ts";
import { selectCommonTypeFromOids, verifyCommonTypeFromOids } from "./parse_coerce.ts";
import { isTrueArray, multirangeRange, rangeMultirange, rangeSubtype, typtype } from "./generic_types.ts";

function mismatch(message: string, detail?: string): PgError {
  return new PgError({
    code: ERRCODE.DATATYPE_MISMATCH,
    message,
    detail,
    routine: "enforce_generic_type_consistency",
  });
}
function notAlike(name: string, a: Oid, b: Oid): PgError {
  return mismatch(`arguments declared "${name}" are not all alike`, `${formatTypeBe(a)} versus ${formatTypeBe(b)}`);
}
function notDeclared(name: string, what: string, t: Oid): PgError {
  return mismatch(`argument declared ${name} is not ${what} but type ${formatTypeBe(t)}`);
}
function inconsistent(a: string, b: string, t: Oid, u: Oid): PgError {
  return mismatch(
    `argument declared ${a} is not consistent with argument declared ${b}`,
    `${formatTypeBe(t)} versus ${formatTypeBe(u)}`,
  );
}
function undeterminable(): PgError {
  return mismatch("could not determine polymorphic type because input has type unknown");
}

/**
 * enforce_generic_type_consistency: replaces polymorphic types in `declared` by actual ones, in place, and returns the
 * actual result type. With `allowPoly` polymorphic arguments may match themselves (for aggregates being defined).
 */
export function enforceGenericTypeConsistency(
  actual: readonly Oid[],
  declared: Oid[],
  nargs: number,
  rettype: Oid,
  allowPoly: boolean,
): Oid {
  let havePoly1 = false;
  let havePoly2 = false;
  let haveUnknowns = false;
  let nPoly = 0;
  let elem = 0;
  let array = 0;
  let range = 0;
  let multirange = 0;
  let compatType = 0;
  let compatRange = 0;
  let compatRangeElem = 0;
  let compatMultirange = 0;
  let haveNonarray = rettype === T.ANYNONARRAYOID;
  let haveEnum = rettype === T.ANYENUMOID;
  let compatNonarray = rettype === T.ANYCOMPATIBLENONARRAYOID;
  const compat: Oid[] = [];
  for (let j = 0; j < nargs; j++) {
    const decl = declared[j];
    let act = actual[j];
    switch (decl) {
      case T.ANYELEMENTOID:
      case T.ANYNONARRAYOID:
      case T.ANYENUMOID:
        nPoly++;
        havePoly1 = true;
        if (decl === T.ANYNONARRAYOID) haveNonarray = true;
        else if (decl === T.ANYENUMOID) haveEnum = true;
        if (act === T.UNKNOWNOID) {
          haveUnknowns = true;
          continue;
        }
        if (allowPoly && decl === act) continue;
        if (elem !== 0 && act !== elem) throw notAlike("anyelement", elem, act);
        elem = act;
        break;
      case T.ANYARRAYOID:
        nPoly++;
        havePoly1 = true;
        if (act === T.UNKNOWNOID) {
          haveUnknowns = true;
          continue;
        }
        if (allowPoly && decl === act) continue;
        act = getBaseType(act);
        if (array !== 0 && act !== array) throw notAlike("anyarray", array, act);
        array = act;
        break;
      case T.ANYRANGEOID:
        nPoly++;
        havePoly1 = true;
        if (act === T.UNKNOWNOID) {
          haveUnknowns = true;
          continue;
        }
        if (allowPoly && decl === act) continue;
        act = getBaseType(act);
        if (range !== 0 && act !== range) throw notAlike("anyrange", range, act);
        range = act;
        break;
      case T.ANYMULTIRANGEOID:
        nPoly++;
        havePoly1 = true;
        if (act === T.UNKNOWNOID) {
          haveUnknowns = true;
          continue;
        }
        if (allowPoly && decl === act) continue;
        act = getBaseType(act);
        if (multirange !== 0 && act !== multirange) throw notAlike("anymultirange", multirange, act);
        multirange = act;
        break;
      case T.ANYCOMPATIBLEOID:
      case T.ANYCOMPATIBLENONARRAYOID:
        havePoly2 = true;
        if (decl === T.ANYCOMPATIBLENONARRAYOID) compatNonarray = true;
        if (act === T.UNKNOWNOID) continue;
        if (allowPoly && decl === act) continue;
        compat.push(act);
        break;
      case T.ANYCOMPATIBLEARRAYOID: {
        havePoly2 = true;
        if (act === T.UNKNOWNOID) continue;
        if (allowPoly && decl === act) continue;
        act = getBaseType(act);
        const e = getElementType(act);
        if (e === 0) throw notDeclared("anycompatiblearray", "an array", act);
        compat.push(e);
        break;
      }
      case T.ANYCOMPATIBLERANGEOID:
        havePoly2 = true;
        if (act === T.UNKNOWNOID) continue;
        if (allowPoly && decl === act) continue;
        act = getBaseType(act);
        if (compatRange !== 0) {
          if (compatRange !== act) throw notAlike("anycompatiblerange", compatRange, act);
        } else {
          compatRange = act;
          compatRangeElem = rangeSubtype(act);
          if (compatRangeElem === 0) throw notDeclared("anycompatiblerange", "a range type", act);
          compat.push(compatRangeElem);
        }
        break;
      case T.ANYCOMPATIBLEMULTIRANGEOID:
        havePoly2 = true;
        if (act === T.UNKNOWNOID) continue;
        if (allowPoly && decl === act) continue;
        act = getBaseType(act);
        if (compatMultirange !== 0) {
          if (compatMultirange !== act) throw notAlike("anycompatiblemultirange", compatMultirange, act);
        } else {
          compatMultirange = act;
          if (multirangeRange(act) === 0) throw notDeclared("anycompatiblemultirange", "a multirange type", act);
        }
        break;
      default:
        break;
    }
  }
  if (!havePoly1 && !havePoly2) return rettype;
  if (havePoly1) {
    if (array !== 0) {
      let e: Oid;
      if (array === T.ANYARRAYOID) {
        // An array of unknown element type: may be passed on, but not taken apart.
        e = elem;
        if (nPoly !== 1 || isPolymorphicTypeFamily1(rettype)) {
          throw mismatch('cannot determine element type of "anyarray" argument');
        }
      } else {
        e = getElementType(array);
        if (e === 0) throw notDeclared("anyarray", "an array", array);
      }
      if (elem === 0) elem = e;
      else if (e !== elem) throw inconsistent("anyarray", "anyelement", array, elem);
    }
    if (multirange !== 0) {
      const r = multirangeRange(multirange);
      if (r === 0) throw notDeclared("anymultirange", "a multirange type", multirange);
      if (range === 0) range = r;
      else if (range !== r) throw inconsistent("anymultirange", "anyrange", multirange, range);
    }
    if (range !== 0) {
      const e = rangeSubtype(range);
      if (e === 0) throw notDeclared("anyrange", "a range type", range);
      if (elem === 0) elem = e;
      else if (e !== elem) throw inconsistent("anyrange", "anyelement", range, elem);
      multirange ||= rangeMultirange(range);
    }
    if (elem === 0) {
      if (allowPoly) {
        elem = T.ANYELEMENTOID;
        array = T.ANYARRAYOID;
        range = T.ANYRANGEOID;
        multirange = T.ANYMULTIRANGEOID;
      } else if (array !== T.ANYARRAYOID) throw undeterminable();
    }
    if (haveNonarray && elem !== T.ANYELEMENTOID && elem !== 0 && isTrueArray(getBaseType(elem))) {
      throw mismatch(`type matched to anynonarray is an array type: ${formatTypeBe(elem)}`);
    }
    if (haveEnum && elem !== T.ANYELEMENTOID && typtype(elem) !== "e") {
      throw mismatch(`type matched to anyenum is not an enum type: ${formatTypeBe(elem)}`);
    }
  }
  if (havePoly2) {
    if (compatMultirange !== 0) {
      const r = multirangeRange(compatMultirange);
      if (compatRange !== 0) {
        if (compatRange !== r) {
          throw inconsistent("anycompatiblemultirange", "anycompatiblerange", compatMultirange, compatRange);
        }
      } else {
        compatRange = r;
        compatRangeElem = rangeSubtype(r);
        if (compatRangeElem === 0) throw notDeclared("anycompatiblemultirange", "a multirange type", compatMultirange);
        compat.push(compatRangeElem);
      }
    }
    if (compat.length > 0) {
      compatType = selectCommonTypeFromOids(compat, false);
      if (!verifyCommonTypeFromOids(compatType, compat)) {
        throw mismatch("arguments of anycompatible family cannot be cast to a common type");
      }
      if (compatRangeElem !== 0 && compatRangeElem !== compatType) {
        throw mismatch(
          `anycompatiblerange type ${formatTypeBe(compatRange)} does not match anycompatible type ${
            formatTypeBe(compatType)
          }`,
        );
      }
      if (compatNonarray && isTrueArray(getBaseType(compatType))) {
        throw mismatch(`type matched to anycompatiblenonarray is an array type: ${formatTypeBe(compatType)}`);
      }
    } else if (allowPoly) {
      compatType = T.ANYCOMPATIBLEOID;
      compatRange = T.ANYCOMPATIBLERANGEOID;
      compatMultirange = T.ANYCOMPATIBLEMULTIRANGEOID;
    } else {
      compatType = T.TEXTOID;
    }
    if (compatRange !== 0 && compatMultirange === 0) compatMultirange = rangeMultirange(compatRange);
  }
  const compatArrayType = (): Oid => {
    if (compatType === T.ANYCOMPATIBLEOID) return T.ANYCOMPATIBLEARRAYOID;
    const a = getArrayType(compatType);
    if (a === 0) throw noArrayType(compatType);
    return a;
  };
  const arrayType = (): Oid => {
    if (array !== 0) return array;
    const a = getArrayType(elem);
    if (a === 0) throw noArrayType(elem);
    array = a;
    return a;
  };
  if (haveUnknowns || havePoly2) {
    for (let j = 0; j < nargs; j++) {
      const decl = declared[j];
      const isUnknown = actual[j] === T.UNKNOWNOID;
      switch (decl) {
        case T.ANYELEMENTOID:
        case T.ANYNONARRAYOID:
        case T.ANYENUMOID:
          if (isUnknown) declared[j] = elem;
          break;
        case T.ANYARRAYOID:
          if (isUnknown) declared[j] = arrayType();
          break;
        case T.ANYRANGEOID:
          if (isUnknown) {
            if (range === 0) {
              throw mismatch(`could not determine polymorphic type anyrange because input has type unknown`);
            }
            declared[j] = range;
          }
          break;
        case T.ANYMULTIRANGEOID:
          if (isUnknown) {
            if (multirange === 0) {
              throw mismatch(`could not determine polymorphic type anymultirange because input has type unknown`);
            }
            declared[j] = multirange;
          }
          break;
        case T.ANYCOMPATIBLEOID:
        case T.ANYCOMPATIBLENONARRAYOID:
          declared[j] = compatType;
          break;
        case T.ANYCOMPATIBLEARRAYOID:
          declared[j] = compatArrayType();
          break;
        case T.ANYCOMPATIBLERANGEOID:
          if (compatRange === 0) {
            throw mismatch(`could not determine polymorphic type anycompatiblerange because input has type unknown`);
          }
          declared[j] = compatRange;
          break;
        case T.ANYCOMPATIBLEMULTIRANGEOID:
          if (compatMultirange === 0) {
            throw mismatch(
              `could not determine polymorphic type anycompatiblemultirange because input has type unknown`,
            );
          }
          declared[j] = compatMultirange;
          break;
        default:
          break;
      }
    }
  }
  switch (rettype) {
    case T.ANYELEMENTOID:
    case T.ANYNONARRAYOID:
    case T.ANYENUMOID:
      return elem;
    case T.ANYARRAYOID:
      return arrayType();
    case T.ANYRANGEOID:
      if (range === 0) throw mismatch(`could not determine polymorphic type anyrange because input has type unknown`);
      return range;
    case T.ANYMULTIRANGEOID:
      if (multirange === 0) {
        throw mismatch(`could not determine polymorphic type anymultirange because input has type unknown`);
      }
      return multirange;
    case T.ANYCOMPATIBLEOID:
    case T.ANYCOMPATIBLENONARRAYOID:
      if (compatType === 0) throw new PgError({ message: "could not identify anycompatible type" });
      return compatType;
    case T.ANYCOMPATIBLEARRAYOID:
      return compatArrayType();
    case T.ANYCOMPATIBLERANGEOID:
      if (compatRange === 0) throw new PgError({ message: "could not identify anycompatiblerange type" });
      return compatRange;
    case T.ANYCOMPATIBLEMULTIRANGEOID:
      if (compatMultirange === 0) throw new PgError({ message: "could not identify anycompatiblemultirange type" });
      return compatMultirange;
    default:
      return rettype;
  }
}
function noArrayType(t: Oid): PgError {
  return new PgError({
    code: ERRCODE.UNDEFINED_OBJECT,
    message: `could not find array type for data type ${formatTypeBe(t)}`,
    routine: "enforce_generic_type_consistency",
  });
}

/** check_valid_polymorphic_signature: why a function of these types cannot return `rettype`; null if it can. */
export function checkValidPolymorphicSignature(rettype: Oid, declared: readonly Oid[]): string | null {
  if (rettype === T.ANYRANGEOID || rettype === T.ANYMULTIRANGEOID) {
    if (declared.some((d) => d === T.ANYRANGEOID || d === T.ANYMULTIRANGEOID)) return null;
    return `A result of type ${formatTypeBe(rettype)} requires at least one input of type anyrange or anymultirange.`;
  }
  if (rettype === T.ANYCOMPATIBLERANGEOID || rettype === T.ANYCOMPATIBLEMULTIRANGEOID) {
    if (declared.some((d) => d === T.ANYCOMPATIBLERANGEOID || d === T.ANYCOMPATIBLEMULTIRANGEOID)) return null;
    return `A result of type ${
      formatTypeBe(rettype)
    } requires at least one input of type anycompatiblerange or anycompatiblemultirange.`;
  }
  if (isPolymorphicTypeFamily1(rettype)) {
    if (declared.some(isPolymorphicTypeFamily1)) return null;
    return `A result of type ${
      formatTypeBe(rettype)
    } requires at least one input of type anyelement, anyarray, anynonarray, anyenum, anyrange, or anymultirange.`;
  }
  if (isPolymorphicTypeFamily2(rettype)) {
    if (declared.some(isPolymorphicTypeFamily2)) return null;
    return `A result of type ${
      formatTypeBe(rettype)
    } requires at least one input of type anycompatible, anycompatiblearray, anycompatiblenonarray, anycompatiblerange, or anycompatiblemultirange.`;
  }
  return null;
}
