/**
 * Subscripts of arrays, fixed-length arrays and jsonb.
 *
 * Follows transformContainerSubscripts() in src/backend/parser/parse_node.c and the transform methods of
 * src/backend/utils/adt/{arraysubs,jsonbsubs}.c.
 */
import type { Oid } from "../../base/types.ts";
import type { A_Indices } from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import type { Node, SubscriptingRef } from "../nodes/nodes.ts";
import { makeNode } from "../nodes/make_node.ts";
import { makeConst } from "../nodes/makefuncs.ts";
import { exprLocation, exprType } from "../nodes/node_funcs.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getBaseTypeAndTypmod } from "../utils/cache/lsyscache.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import * as T from "../catalog/pg_type_d.ts";
import type { ParseState } from "./parse_node.ts";
import { parseError } from "./parse_node.ts";
import {
  canCoerceType,
  coerceToTargetType,
  coerceType,
  COERCION_ASSIGNMENT,
  COERCION_IMPLICIT,
} from "./parse_coerce.ts";
import { rawLocation } from "./raw.ts";
import { transformExpr } from "./transform_hooks.ts";

const ARRAY_SUBSCRIPT_HANDLER = 6179;
const RAW_ARRAY_SUBSCRIPT_HANDLER = 6180;
const JSONB_SUBSCRIPT_HANDLER = 6098;
const MAXDIM = 6;

/** transformContainerType: looks through domains, and takes vectors as arrays. */
export function transformContainerType(containerType: Oid, containerTypmod: number): { type: Oid; typmod: number } {
  const { typeId, typmod } = getBaseTypeAndTypmod(containerType, containerTypmod);
  const type = typeId === T.INT2VECTOROID ? T.INT2ARRAYOID : typeId === T.OIDVECTOROID ? T.OIDARRAYOID : typeId;
  return { type, typmod };
}

/** transformContainerSubscripts: `base[…][…]` as a fetch, or as the target of an assignment. */
export function transformContainerSubscripts(
  pstate: ParseState,
  containerBase: Node,
  containerType: Oid,
  containerTypMod: number,
  indirection: readonly A_Indices[],
  isAssignment: boolean,
): SubscriptingRef {
  if (!isAssignment) {
    const c = transformContainerType(containerType, containerTypMod);
    containerType = c.type;
    containerTypMod = c.typmod;
  }
  const typ = searchSysCache("TYPEOID", containerType)!;
  if (typ.typsubscript === 0) {
    throw parseError(
      pstate,
      exprLocation(containerBase),
      "transformContainerSubscripts",
      ERRCODE.DATATYPE_MISMATCH,
      `cannot subscript type ${formatTypeBe(containerType)} because it does not support subscripting`,
    );
  }
  const isSlice = indirection.some((ai) => ai.is_slice === true);
  const sbsref = makeNode("SubscriptingRef", {
    refexpr: containerBase,
    refcontainertype: containerType,
    refelemtype: typ.typelem,
    reftypmod: containerTypMod,
  });
  if (typ.typsubscript === ARRAY_SUBSCRIPT_HANDLER || typ.typsubscript === RAW_ARRAY_SUBSCRIPT_HANDLER) {
    arraySubscriptTransform(sbsref, indirection, pstate, isSlice);
  } else if (typ.typsubscript === JSONB_SUBSCRIPT_HANDLER) {
    jsonbSubscriptTransform(sbsref, indirection, pstate, isSlice);
  } else {
    throw parseError(
      pstate,
      exprLocation(containerBase),
      "transformContainerSubscripts",
      ERRCODE.FEATURE_NOT_SUPPORTED,
      `subscripting of type ${formatTypeBe(containerType)} is not implemented yet in pgts`,
    );
  }
  return sbsref;
}

function arraySubscript(pstate: ParseState, expr: A_Indices["uidx"]): Node {
  const subexpr = transformExpr(pstate, expr, pstate.p_expr_kind)!;
  const r = coerceToTargetType(
    pstate,
    subexpr,
    exprType(subexpr),
    T.INT4OID,
    -1,
    COERCION_ASSIGNMENT,
    "COERCE_IMPLICIT_CAST",
    -1,
  );
  if (r === null) {
    throw parseError(
      pstate,
      exprLocation(subexpr),
      "array_subscript_transform",
      ERRCODE.DATATYPE_MISMATCH,
      "array subscript must have type integer",
    );
  }
  return r;
}

function arraySubscriptTransform(
  sbsref: SubscriptingRef,
  indirection: readonly A_Indices[],
  pstate: ParseState,
  isSlice: boolean,
): void {
  const upper: (Node | null)[] = [];
  const lower: (Node | null)[] = [];
  for (const ai of indirection) {
    if (isSlice) {
      if (ai.lidx !== undefined) lower.push(arraySubscript(pstate, ai.lidx));
      else if (!ai.is_slice) lower.push(makeConst(T.INT4OID, -1, 0, 4, 1, false, true));
      else lower.push(null);
    }
    upper.push(ai.uidx !== undefined ? arraySubscript(pstate, ai.uidx) : null);
  }
  if (upper.length > MAXDIM) {
    throw parseError(
      pstate,
      -1,
      "array_subscript_transform",
      ERRCODE.PROGRAM_LIMIT_EXCEEDED,
      `number of array dimensions (${upper.length}) exceeds the maximum allowed (${MAXDIM})`,
    );
  }
  sbsref.refupperindexpr = upper as Node[];
  sbsref.reflowerindexpr = lower as Node[];
  sbsref.refrestype = isSlice ? sbsref.refcontainertype : sbsref.refelemtype;
}

function jsonbSubscriptTransform(
  sbsref: SubscriptingRef,
  indirection: readonly A_Indices[],
  pstate: ParseState,
  isSlice: boolean,
): void {
  const upper: Node[] = [];
  for (const ai of indirection) {
    if (isSlice) {
      throw parseError(
        pstate,
        rawLocation(ai.uidx ?? ai.lidx),
        "jsonb_subscript_transform",
        ERRCODE.DATATYPE_MISMATCH,
        "jsonb subscript does not support slices",
      );
    }
    const subexpr = transformExpr(pstate, ai.uidx, pstate.p_expr_kind)!;
    const subExprType = exprType(subexpr);
    let target: Oid = T.TEXTOID;
    if (subExprType !== T.UNKNOWNOID) {
      const targets = [T.INT4OID, T.TEXTOID];
      const fits = targets.filter((t) => canCoerceType([subExprType], [t], COERCION_IMPLICIT));
      if (fits.length > 1) {
        throw parseError(
          pstate,
          exprLocation(subexpr),
          "jsonb_subscript_transform",
          ERRCODE.DATATYPE_MISMATCH,
          `subscript type ${formatTypeBe(subExprType)} is not supported`,
          { hint: "jsonb subscript must be coercible to only one type, integer or text." },
        );
      }
      if (fits.length === 0) {
        throw parseError(
          pstate,
          exprLocation(subexpr),
          "jsonb_subscript_transform",
          ERRCODE.DATATYPE_MISMATCH,
          `subscript type ${formatTypeBe(subExprType)} is not supported`,
          { hint: "jsonb subscript must be coercible to either integer or text." },
        );
      }
      target = fits[0];
    }
    upper.push(
      coerceType(pstate, subexpr, subExprType, target, -1, COERCION_IMPLICIT, "COERCE_IMPLICIT_CAST", -1),
    );
  }
  sbsref.refupperindexpr = upper;
  sbsref.reflowerindexpr = [];
  sbsref.refrestype = T.JSONBOID;
  sbsref.reftypmod = -1;
}
