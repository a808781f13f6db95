/**
 * Target lists: of SELECT, with `*` expanded; of INSERT and UPDATE, with values coerced to the columns and assignments
 * to array elements and fields built; and the names that result columns get.
 *
 * Follows src/backend/parser/parse_target.c.
 */
import type { Oid } from "../../base/types.ts";
import { PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type * as R from "libpg-query";
import type { Node, RangeTblEntry, TargetEntry, Var } from "../nodes/nodes.ts";
import { makeNode } from "../nodes/make_node.ts";
import { makeTargetEntry, makeVar } from "../nodes/makefuncs.ts";
import { exprCollation, exprLocation, exprType, exprTypmod } from "../nodes/node_funcs.ts";
import type { TupleDesc } from "../access/common/tupdesc.ts";
import { makeTupleDesc } from "../access/common/tupdesc.ts";
import { getExprResultTupdesc, getTypeFuncClass, makeAttribute, tupdescOfType } from "../utils/fmgr/funcapi.ts";
import { getBaseTypeAndTypmod, getTypcollation } from "../utils/cache/lsyscache.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { myDatabaseName } from "../utils/init/globals.ts";
import * as T from "../catalog/pg_type_d.ts";
import type { ParseExprKind, ParseNamespaceItem, ParseState } from "./parse_node.ts";
import { makeParsestate, parseError } from "./parse_node.ts";
import {
  coerceNullToDomain,
  coerceToDomain,
  coerceToTargetType,
  COERCION_ASSIGNMENT,
  COERCION_IMPLICIT,
} from "./parse_coerce.ts";
import { attnameAttNum, errorMissingRTE, refnameNamespaceItem } from "./parse_names.ts";
import { expandNSItemAttrs, expandNSItemVars, markVarForSelectPriv } from "./parse_relation.ts";
import { transformContainerSubscripts, transformContainerType } from "./parse_subscript.ts";
import { transformedSublinks, transformExpr, transformHooks } from "./transform_hooks.ts";
import { nameListToString, raw, type RawNode, rawTag, strVal, strVals } from "./raw.ts";

/** transformTargetEntry: one expression with its name. `node` may be transformed already. */
export function transformTargetEntry(
  pstate: ParseState,
  node: RawNode | null,
  expr: Node | null,
  exprKind: ParseExprKind,
  colname: string | null,
  resjunk: boolean,
): TargetEntry {
  if (expr === null) {
    // DEFAULT in an UPDATE stays as it is.
    const dflt = raw(node).SetToDefault;
    expr = exprKind === "EXPR_KIND_UPDATE_SOURCE" && dflt !== undefined
      ? makeNode("SetToDefault", { typeMod: 0, location: dflt.location ?? -1 })
      : transformExpr(pstate, node, exprKind);
  }
  if (colname === null && !resjunk) colname = figureColname(node);
  return makeTargetEntry(expr, pstate.p_next_resno++, colname, resjunk);
}

/** transformTargetList. */
export function transformTargetList(
  pstate: ParseState,
  targetlist: readonly RawNode[],
  exprKind: ParseExprKind,
): TargetEntry[] {
  const out: TargetEntry[] = [];
  const expandStar = exprKind !== "EXPR_KIND_UPDATE_SOURCE";
  for (const n of targetlist) {
    const res = raw(n).ResTarget!;
    if (expandStar) {
      const cref = raw(res.val).ColumnRef;
      if (cref !== undefined) {
        const fields = cref.fields ?? [];
        if (fields.length > 0 && raw(fields[fields.length - 1]).A_Star !== undefined) {
          out.push(...(expandColumnRefStar(pstate, cref, true) as TargetEntry[]));
          continue;
        }
      }
      const ind = raw(res.val).A_Indirection;
      if (ind !== undefined) {
        const list = ind.indirection ?? [];
        if (raw(list[list.length - 1]).A_Star !== undefined) {
          out.push(...(expandIndirectionStar(pstate, ind, true, exprKind) as TargetEntry[]));
          continue;
        }
      }
    }
    out.push(transformTargetEntry(pstate, res.val ?? null, null, exprKind, res.name ?? null, false));
  }
  if (pstate.p_multiassign_exprs.length > 0) {
    // SELECT has none; UPDATE's sub-SELECTs follow as junk.
    for (const t of pstate.p_multiassign_exprs) t.resno = pstate.p_next_resno++;
    out.push(...pstate.p_multiassign_exprs);
    pstate.p_multiassign_exprs = [];
  }
  return out;
}

/** transformExpressionList: bare expressions, `*` expanded; of VALUES and ROW. */
export function transformExpressionList(
  pstate: ParseState,
  exprlist: readonly RawNode[],
  exprKind: ParseExprKind,
  allowDefault: boolean,
): Node[] {
  const out: Node[] = [];
  for (const e of exprlist) {
    const cref = raw(e).ColumnRef;
    if (cref !== undefined) {
      const fields = cref.fields ?? [];
      if (raw(fields[fields.length - 1]).A_Star !== undefined) {
        out.push(...(expandColumnRefStar(pstate, cref, false) as Node[]));
        continue;
      }
    }
    const ind = raw(e).A_Indirection;
    if (ind !== undefined) {
      const list = ind.indirection ?? [];
      if (raw(list[list.length - 1]).A_Star !== undefined) {
        out.push(...(expandIndirectionStar(pstate, ind, false, exprKind) as Node[]));
        continue;
      }
    }
    const dflt = raw(e).SetToDefault;
    out.push(
      allowDefault && dflt !== undefined
        ? makeNode("SetToDefault", { location: dflt.location ?? -1, typeMod: 0 })
        : transformExpr(pstate, e, exprKind)!,
    );
  }
  return out;
}

/** resolveTargetListUnknowns: leftover unknown literals of a SELECT become text. */
export function resolveTargetListUnknowns(pstate: ParseState, targetlist: readonly TargetEntry[]): void {
  for (const tle of targetlist) {
    if (exprType(tle.expr) === T.UNKNOWNOID) {
      tle.expr = coerceToTargetType(
        pstate,
        tle.expr!,
        T.UNKNOWNOID,
        T.TEXTOID,
        -1,
        COERCION_IMPLICIT,
        "COERCE_IMPLICIT_CAST",
        -1,
      );
    }
  }
}

/** markTargetListOrigins: which table column each simple result column comes from. */
export function markTargetListOrigins(pstate: ParseState, targetlist: readonly TargetEntry[]): void {
  for (const tle of targetlist) markTargetListOrigin(pstate, tle, tle.expr, 0);
}
function markTargetListOrigin(pstate: ParseState, tle: TargetEntry, v: Node | null, levelsup: number): void {
  if (v === null || v.type !== "Var") return;
  const netlevelsup = v.varlevelsup + levelsup;
  let p: ParseState = pstate;
  for (let l = 0; l < netlevelsup; l++) p = p.parentParseState!;
  const rte = p.p_rtable[v.varno - 1];
  const attnum = v.varattno;
  switch (rte.rtekind) {
    case "RTE_RELATION":
      tle.resorigtbl = rte.relid;
      tle.resorigcol = attnum;
      break;
    case "RTE_SUBQUERY": {
      if (attnum === 0) break;
      const ste = rte.subquery!.targetList.find((t) => t.resno === attnum);
      if (ste === undefined || ste.resjunk) {
        throw new PgError({ message: `subquery ${rte.eref!.aliasname} does not have attribute ${attnum}` });
      }
      tle.resorigtbl = ste.resorigtbl;
      tle.resorigcol = ste.resorigcol;
      break;
    }
    case "RTE_CTE": {
      if (attnum === 0 || rte.self_reference) break;
      const cte = getCTEForRTE(p, rte, 0);
      const q = cte.ctequery;
      if (q === null || q.type !== "Query") break;
      const tl = q.commandType === "CMD_SELECT" ? q.targetList : q.returningList;
      const extra = (cte.search_clause !== null ? 1 : 0) + (cte.cycle_clause !== null ? 2 : 0);
      if (extra > 0 && attnum > tl.length && attnum <= tl.length + extra) break;
      const ste = tl.find((t) => t.resno === attnum);
      if (ste === undefined || ste.resjunk) {
        throw new PgError({ message: `CTE ${rte.eref!.aliasname} does not have attribute ${attnum}` });
      }
      tle.resorigtbl = ste.resorigtbl;
      tle.resorigcol = ste.resorigcol;
      break;
    }
    default:
      break;
  }
}
/** GetCTEForRTE. */
export function getCTEForRTE(pstate: ParseState, rte: RangeTblEntry, rtelevelsup: number) {
  let p: ParseState | null = pstate;
  for (let l = rte.ctelevelsup + rtelevelsup; l > 0; l--) p = p?.parentParseState ?? null;
  const cte = p?.p_ctenamespace.find((c) => c.ctename === rte.ctename);
  if (cte === undefined) throw new PgError({ message: `could not find CTE "${rte.ctename}"` });
  return cte;
}

// ---- INSERT and UPDATE ----

/** transformAssignedExpr: coerces a value to the column it goes to; `indirection` is what follows the column name. */
export function transformAssignedExpr(
  pstate: ParseState,
  exprIn: Node,
  exprKind: ParseExprKind,
  colname: string,
  attrno: number,
  indirection: readonly RawNode[],
  location: number,
): Node {
  const rd = pstate.p_target_relation!;
  const saved = pstate.p_expr_kind;
  pstate.p_expr_kind = exprKind;
  try {
    if (attrno <= 0) {
      throw parseError(
        pstate,
        location,
        "transformAssignedExpr",
        ERRCODE.FEATURE_NOT_SUPPORTED,
        `cannot assign to system column "${colname}"`,
      );
    }
    const att = rd.rd_att.attrs[attrno - 1];
    const attrtype = att.atttypid;
    const attrtypmod = att.atttypmod;
    const attrcollation = att.attcollation;
    const expr = exprIn;
    if (expr.type === "SetToDefault") {
      expr.typeId = attrtype;
      expr.typeMod = attrtypmod;
      expr.collation = attrcollation;
      if (indirection.length > 0) {
        throw parseError(
          pstate,
          location,
          "transformAssignedExpr",
          ERRCODE.FEATURE_NOT_SUPPORTED,
          raw(indirection[0]).A_Indices !== undefined
            ? "cannot set an array element to DEFAULT"
            : "cannot set a subfield to DEFAULT",
        );
      }
    }
    const typeId = exprType(expr);
    if (indirection.length > 0) {
      let colVar: Node;
      if (pstate.p_is_insert) {
        // There is no old value: start from a null.
        const c = coerceNullToDomain(attrtype, attrtypmod, attrcollation, att.attlen, att.attbyval);
        if (c.type === "Const") c.location = location;
        colVar = c;
      } else {
        const v = makeVar(pstate.p_target_nsitem!.p_rtindex, attrno, attrtype, attrtypmod, attrcollation, 0);
        v.location = location;
        colVar = v;
      }
      return transformAssignmentIndirection(
        pstate,
        colVar,
        colname,
        false,
        attrtype,
        attrtypmod,
        attrcollation,
        indirection,
        0,
        expr,
        COERCION_ASSIGNMENT,
        location,
      );
    }
    const coerced = coerceToTargetType(
      pstate,
      expr,
      typeId,
      attrtype,
      attrtypmod,
      COERCION_ASSIGNMENT,
      "COERCE_IMPLICIT_CAST",
      -1,
    );
    if (coerced === null) {
      throw parseError(
        pstate,
        exprLocation(expr),
        "transformAssignedExpr",
        ERRCODE.DATATYPE_MISMATCH,
        `column "${colname}" is of type ${formatTypeBe(attrtype)} but expression is of type ${formatTypeBe(typeId)}`,
        { hint: "You will need to rewrite or cast the expression." },
      );
    }
    return coerced;
  } finally {
    pstate.p_expr_kind = saved;
  }
}

/** updateTargetListEntry: makes a target entry the assignment of a column. */
export function updateTargetListEntry(
  pstate: ParseState,
  tle: TargetEntry,
  colname: string,
  attrno: number,
  indirection: readonly RawNode[],
  location: number,
): void {
  tle.expr = transformAssignedExpr(
    pstate,
    tle.expr!,
    "EXPR_KIND_UPDATE_TARGET",
    colname,
    attrno,
    indirection,
    location,
  );
  tle.resno = attrno;
  tle.resname = colname;
}

/** transformAssignmentIndirection: `col[1].field = value` as nested SubscriptingRef and FieldStore. */
export function transformAssignmentIndirection(
  pstate: ParseState,
  basenode: Node | null,
  targetName: string,
  targetIsSubscripting: boolean,
  targetTypeId: Oid,
  targetTypMod: number,
  targetCollation: Oid,
  indirection: readonly RawNode[],
  index: number,
  rhs: Node,
  ccontext: 0 | 1 | 2 | 3,
  location: number,
): Node {
  if (indirection.length > 0 && basenode === null) {
    // A placeholder for the value being assigned into.
    basenode = makeNode("CaseTestExpr", { typeId: targetTypeId, typeMod: targetTypMod, collation: targetCollation });
  }
  const subscripts: R.A_Indices[] = [];
  let i = index;
  for (; i < indirection.length; i++) {
    const m = raw(indirection[i]);
    if (m.A_Indices !== undefined) {
      subscripts.push(m.A_Indices);
      continue;
    }
    if (m.A_Star !== undefined) {
      throw parseError(
        pstate,
        location,
        "transformAssignmentIndirection",
        ERRCODE.FEATURE_NOT_SUPPORTED,
        'row expansion via "*" is not supported here',
      );
    }
    if (subscripts.length > 0) {
      return transformAssignmentSubscripts(
        pstate,
        basenode!,
        targetName,
        targetTypeId,
        targetTypMod,
        targetCollation,
        subscripts,
        indirection,
        i,
        rhs,
        ccontext,
        location,
      );
    }
    const field = strVal(indirection[i]);
    const { typeId: baseTypeId, typmod: baseTypeMod } = getBaseTypeAndTypmod(targetTypeId, targetTypMod);
    const cls = getTypeFuncClass(baseTypeId);
    if (cls.functypclass !== "composite") {
      throw parseError(
        pstate,
        location,
        "transformAssignmentIndirection",
        ERRCODE.DATATYPE_MISMATCH,
        `cannot assign to field "${field}" of column "${targetName}" because its type ${
          formatTypeBe(targetTypeId)
        } is not a composite type`,
      );
    }
    const att = tupdescOfType(baseTypeId).attrs.find((a) => a.attname === field && !a.attisdropped);
    if (att === undefined) {
      throw parseError(
        pstate,
        location,
        "transformAssignmentIndirection",
        ERRCODE.UNDEFINED_COLUMN,
        `cannot assign to field "${field}" of column "${targetName}" because there is no such column in data type ${
          formatTypeBe(targetTypeId)
        }`,
      );
    }
    const newrhs = transformAssignmentIndirection(
      pstate,
      null,
      field,
      false,
      att.atttypid,
      att.atttypmod,
      att.attcollation,
      indirection,
      i + 1,
      rhs,
      ccontext,
      location,
    );
    const fstore = makeNode("FieldStore", {
      arg: basenode,
      newvals: [newrhs],
      fieldnums: [att.attnum],
      resulttype: baseTypeId,
    });
    if (baseTypeId !== targetTypeId) {
      return coerceToDomain(
        fstore,
        baseTypeId,
        baseTypeMod,
        targetTypeId,
        COERCION_IMPLICIT,
        "COERCE_IMPLICIT_CAST",
        location,
        false,
      );
    }
    return fstore;
  }
  if (subscripts.length > 0) {
    return transformAssignmentSubscripts(
      pstate,
      basenode!,
      targetName,
      targetTypeId,
      targetTypMod,
      targetCollation,
      subscripts,
      indirection,
      i,
      rhs,
      ccontext,
      location,
    );
  }
  const result = coerceToTargetType(
    pstate,
    rhs,
    exprType(rhs),
    targetTypeId,
    targetTypMod,
    ccontext,
    "COERCE_IMPLICIT_CAST",
    -1,
  );
  if (result === null) {
    throw parseError(
      pstate,
      location,
      "transformAssignmentIndirection",
      ERRCODE.DATATYPE_MISMATCH,
      targetIsSubscripting
        ? `subscripted assignment to "${targetName}" requires type ${
          formatTypeBe(targetTypeId)
        } but expression is of type ${formatTypeBe(exprType(rhs))}`
        : `subfield "${targetName}" is of type ${formatTypeBe(targetTypeId)} but expression is of type ${
          formatTypeBe(exprType(rhs))
        }`,
      { hint: "You will need to rewrite or cast the expression." },
    );
  }
  return result;
}

function transformAssignmentSubscripts(
  pstate: ParseState,
  basenode: Node,
  targetName: string,
  targetTypeId: Oid,
  targetTypMod: number,
  targetCollation: Oid,
  subscripts: readonly R.A_Indices[],
  indirection: readonly RawNode[],
  nextIndirection: number,
  rhs: Node,
  ccontext: 0 | 1 | 2 | 3,
  location: number,
): Node {
  const { type: containerType, typmod: containerTypMod } = transformContainerType(targetTypeId, targetTypMod);
  const sbsref = transformContainerSubscripts(pstate, basenode, containerType, containerTypMod, subscripts, true);
  const typeNeeded = sbsref.refrestype;
  const typmodNeeded = sbsref.reftypmod;
  const collationNeeded = containerType === targetTypeId ? targetCollation : getTypcollation(containerType);
  const newrhs = transformAssignmentIndirection(
    pstate,
    null,
    targetName,
    true,
    typeNeeded,
    typmodNeeded,
    collationNeeded,
    indirection,
    nextIndirection,
    rhs,
    ccontext,
    location,
  );
  sbsref.refassgnexpr = newrhs;
  sbsref.refrestype = containerType;
  sbsref.reftypmod = containerTypMod;
  let result: Node = sbsref;
  if (containerType !== targetTypeId) {
    const resulttype = exprType(result);
    const coerced = coerceToTargetType(
      pstate,
      result,
      resulttype,
      targetTypeId,
      targetTypMod,
      ccontext,
      "COERCE_IMPLICIT_CAST",
      -1,
    );
    if (coerced === null) {
      throw parseError(
        pstate,
        location,
        "transformAssignmentSubscripts",
        ERRCODE.CANNOT_COERCE,
        `cannot cast type ${formatTypeBe(resulttype)} to ${formatTypeBe(targetTypeId)}`,
      );
    }
    result = coerced;
  }
  return result;
}

/** checkInsertTargets: the columns named by INSERT, or all; with their numbers. */
export function checkInsertTargets(
  pstate: ParseState,
  cols: readonly RawNode[],
): { icolumns: R.ResTarget[]; attrnos: number[] } {
  const rd = pstate.p_target_relation!;
  const attrnos: number[] = [];
  if (cols.length === 0) {
    const icolumns: R.ResTarget[] = [];
    for (const attr of rd.rd_att.attrs) {
      if (attr.attisdropped) continue;
      icolumns.push({ name: attr.attname, location: -1 });
      attrnos.push(attr.attnum);
    }
    return { icolumns, attrnos };
  }
  const whole = new Set<number>();
  const partial = new Set<number>();
  const icolumns: R.ResTarget[] = [];
  for (const c of cols) {
    const col = raw(c).ResTarget!;
    const name = col.name ?? "";
    const attrno = attnameAttNum(rd, name, false);
    const location = col.location ?? -1;
    if (attrno === 0) {
      throw parseError(
        pstate,
        location,
        "checkInsertTargets",
        ERRCODE.UNDEFINED_COLUMN,
        `column "${name}" of relation "${rd.rd_rel.relname}" does not exist`,
      );
    }
    const duplicate = () =>
      parseError(
        pstate,
        location,
        "checkInsertTargets",
        ERRCODE.DUPLICATE_COLUMN,
        `column "${name}" specified more than once`,
      );
    if ((col.indirection ?? []).length === 0) {
      if (whole.has(attrno) || partial.has(attrno)) throw duplicate();
      whole.add(attrno);
    } else {
      if (whole.has(attrno)) throw duplicate();
      partial.add(attrno);
    }
    icolumns.push(col);
    attrnos.push(attrno);
  }
  return { icolumns, attrnos };
}

// ---- expansion of * ----

function expandColumnRefStar(
  pstate: ParseState,
  cref: R.ColumnRef,
  makeTargetEntries: boolean,
): (TargetEntry | Node)[] {
  const fields = cref.fields ?? [];
  const location = cref.location ?? -1;
  if (fields.length === 1) {
    if (!makeTargetEntries) throw new PgError({ message: "invalid use of *" });
    return expandAllTables(pstate, location);
  }
  let nspname: string | null = null;
  let relname = "";
  let wrong: "rte" | "wrongdb" | "toomany" | null = null;
  let found: ReturnType<typeof refnameNamespaceItem> = null;
  if (pstate.p_pre_columnref_hook !== null) {
    const node = pstate.p_pre_columnref_hook(pstate, fields, location, null);
    if (node !== null) return expandRowReference(pstate, node, makeTargetEntries);
  }
  switch (fields.length) {
    case 2:
      relname = strVal(fields[0]);
      found = refnameNamespaceItem(pstate, null, relname, location);
      break;
    case 3:
      nspname = strVal(fields[0]);
      relname = strVal(fields[1]);
      found = refnameNamespaceItem(pstate, nspname, relname, location);
      break;
    case 4:
      if (strVal(fields[0]) !== myDatabaseName()) {
        wrong = "wrongdb";
        break;
      }
      nspname = strVal(fields[1]);
      relname = strVal(fields[2]);
      found = refnameNamespaceItem(pstate, nspname, relname, location);
      break;
    default:
      wrong = "toomany";
  }
  if (pstate.p_post_columnref_hook !== null) {
    const node = pstate.p_post_columnref_hook(pstate, fields, location, null);
    if (node !== null) {
      if (found !== null) {
        throw parseError(
          pstate,
          location,
          "ExpandColumnRefStar",
          ERRCODE.AMBIGUOUS_COLUMN,
          `column reference "${nameListToString(fields)}" is ambiguous`,
        );
      }
      return expandRowReference(pstate, node, makeTargetEntries);
    }
  }
  if (found === null) {
    if (wrong === "wrongdb") {
      throw parseError(
        pstate,
        location,
        "ExpandColumnRefStar",
        ERRCODE.FEATURE_NOT_SUPPORTED,
        `cross-database references are not implemented: ${nameListToString(fields)}`,
      );
    }
    if (wrong === "toomany") {
      throw parseError(
        pstate,
        location,
        "ExpandColumnRefStar",
        ERRCODE.SYNTAX_ERROR,
        `improper qualified name (too many dotted names): ${nameListToString(fields)}`,
      );
    }
    throw errorMissingRTE(pstate, { relname, ...(nspname !== null ? { schemaname: nspname } : {}), location });
  }
  return expandSingleTable(pstate, found.nsitem, found.sublevelsUp, location, makeTargetEntries);
}

function expandAllTables(pstate: ParseState, location: number): TargetEntry[] {
  const target: TargetEntry[] = [];
  let foundTable = false;
  for (const nsitem of pstate.p_namespace) {
    if (!nsitem.p_cols_visible) continue;
    foundTable = true;
    target.push(...expandNSItemAttrs(pstate, nsitem, 0, true, location));
  }
  if (!foundTable) {
    throw parseError(
      pstate,
      location,
      "ExpandAllTables",
      ERRCODE.SYNTAX_ERROR,
      "SELECT * with no tables specified is not valid",
    );
  }
  return target;
}

function expandIndirectionStar(
  pstate: ParseState,
  ind: R.A_Indirection,
  makeTargetEntries: boolean,
  exprKind: ParseExprKind,
): (TargetEntry | Node)[] {
  const rest = (ind.indirection ?? []).slice(0, -1);
  const node: RawNode = { A_Indirection: { ...ind, indirection: rest } } as RawNode;
  const expr = transformExpr(pstate, rest.length === 0 ? ind.arg : node, exprKind)!;
  return expandRowReference(pstate, expr, makeTargetEntries);
}

function expandSingleTable(
  pstate: ParseState,
  nsitem: ParseNamespaceItem,
  sublevelsUp: number,
  location: number,
  makeTargetEntries: boolean,
): (TargetEntry | Node)[] {
  if (makeTargetEntries) return expandNSItemAttrs(pstate, nsitem, sublevelsUp, true, location);
  const { vars } = expandNSItemVars(pstate, nsitem, sublevelsUp, location);
  if (nsitem.p_rte.rtekind === "RTE_RELATION") nsitem.p_perminfo!.requiredPerms |= 2;
  for (const v of vars) markVarForSelectPriv(pstate, v);
  return vars;
}

function expandRowReference(pstate: ParseState, expr: Node, makeTargetEntries: boolean): (TargetEntry | Node)[] {
  if (expr.type === "Var" && expr.varattno === 0) {
    let p: ParseState = pstate;
    for (let l = 0; l < expr.varlevelsup; l++) p = p.parentParseState!;
    const item = p.p_namespace.find((n) => n.p_rtindex === expr.varno && n.p_returning_type === expr.varreturningtype);
    if (item !== undefined) {
      return expandSingleTable(pstate, item, expr.varlevelsup, expr.location, makeTargetEntries);
    }
  }
  let tupdesc: TupleDesc;
  if (expr.type === "Var" && expr.vartype === T.RECORDOID) tupdesc = expandRecordVariable(pstate, expr, 0)!;
  else tupdesc = getExprResultTupdesc(expr, false)!;
  const out: (TargetEntry | Node)[] = [];
  for (const att of tupdesc.attrs) {
    if (att.attisdropped) continue;
    const fselect = makeNode("FieldSelect", {
      arg: expr,
      fieldnum: att.attnum,
      resulttype: att.atttypid,
      resulttypmod: att.atttypmod,
      resultcollid: att.attcollation,
    });
    out.push(makeTargetEntries ? makeTargetEntry(fselect, pstate.p_next_resno++, att.attname, false) : fselect);
  }
  return out;
}

/** expandRecordVariable: the columns behind a Var of type record. */
export function expandRecordVariable(pstate: ParseState, v: Var, levelsup: number): TupleDesc | null {
  const netlevelsup = v.varlevelsup + levelsup;
  let p: ParseState = pstate;
  for (let l = 0; l < netlevelsup; l++) p = p.parentParseState!;
  const rte = p.p_rtable[v.varno - 1];
  const attnum = v.varattno;
  if (attnum === 0) {
    const attrs = columnsOfRTE(rte);
    return makeTupleDesc(attrs.map((a, i) => makeAttribute(a.name, i + 1, a.type, a.typmod, a.coll)));
  }
  let expr: Node = v;
  switch (rte.rtekind) {
    case "RTE_SUBQUERY": {
      const ste = rte.subquery!.targetList.find((t) => t.resno === attnum);
      if (ste === undefined || ste.resjunk) {
        throw new PgError({ message: `subquery ${rte.eref!.aliasname} does not have attribute ${attnum}` });
      }
      expr = ste.expr!;
      if (expr.type === "Var") {
        const sub = makeParsestate(null);
        sub.parentParseState = p;
        sub.p_rtable = rte.subquery!.rtable;
        return expandRecordVariable(sub, expr, 0);
      }
      break;
    }
    case "RTE_JOIN":
      expr = rte.joinaliasvars[attnum - 1];
      if (expr.type === "Var") return expandRecordVariable(pstate, expr, netlevelsup);
      break;
    case "RTE_CTE": {
      if (rte.self_reference) break;
      const cte = getCTEForRTE(p, rte, 0);
      const q = cte.ctequery as Node & { type: "Query" };
      const tl = q.commandType === "CMD_SELECT" ? q.targetList : q.returningList;
      const ste = tl.find((t) => t.resno === attnum);
      if (ste === undefined || ste.resjunk) {
        throw new PgError({ message: `CTE ${rte.eref!.aliasname} does not have attribute ${attnum}` });
      }
      expr = ste.expr!;
      if (expr.type === "Var") {
        const sub = makeParsestate(null);
        let cteParent: ParseState = p;
        for (let l = 0; l < rte.ctelevelsup; l++) cteParent = cteParent.parentParseState!;
        sub.parentParseState = cteParent;
        sub.p_rtable = q.rtable;
        return expandRecordVariable(sub, expr, 0);
      }
      break;
    }
    case "RTE_GROUP":
      expr = rte.groupexprs[attnum - 1];
      if (expr.type === "Var") return expandRecordVariable(pstate, expr, netlevelsup);
      break;
    default:
      break;
  }
  return getExprResultTupdesc(expr, false);
}
transformHooks.expandRecordVariable = expandRecordVariable;

/** Columns of an entry, from its column lists. */
function columnsOfRTE(rte: RangeTblEntry): { name: string; type: Oid; typmod: number; coll: Oid }[] {
  const names = rte.eref!.colnames.map((c) => c.sval!);
  switch (rte.rtekind) {
    case "RTE_SUBQUERY":
      return rte.subquery!.targetList.filter((t) => !t.resjunk).map((t, i) => ({
        name: names[i],
        type: exprType(t.expr),
        typmod: exprTypmod(t.expr),
        coll: exprCollation(t.expr),
      }));
    case "RTE_JOIN":
      return rte.joinaliasvars.map((e, i) => ({
        name: names[i],
        type: exprType(e),
        typmod: exprTypmod(e),
        coll: exprCollation(e),
      }));
    case "RTE_FUNCTION": {
      const out: { name: string; type: Oid; typmod: number; coll: Oid }[] = [];
      for (const f of rte.functions) {
        const desc = f.funccoltypes.length > 0 ? null : getExprResultTupdesc(f.funcexpr!, true);
        if (f.funccoltypes.length > 0) {
          f.funccoltypes.forEach((t, i) =>
            out.push({ name: "", type: t, typmod: f.funccoltypmods[i], coll: f.funccolcollations[i] })
          );
        } else if (desc !== null) {
          for (const a of desc.attrs) {
            out.push({ name: "", type: a.atttypid, typmod: a.atttypmod, coll: a.attcollation });
          }
        } else {
          out.push({
            name: "",
            type: exprType(f.funcexpr),
            typmod: exprTypmod(f.funcexpr),
            coll: exprCollation(f.funcexpr),
          });
        }
      }
      if (rte.funcordinality) out.push({ name: "", type: T.INT8OID, typmod: -1, coll: 0 });
      return out.map((c, i) => ({ ...c, name: names[i] }));
    }
    default:
      return rte.coltypes.map((t, i) => ({
        name: names[i],
        type: t,
        typmod: rte.coltypmods[i],
        coll: rte.colcollations[i],
      }));
  }
}

// ---- names of result columns ----

/** FigureColname: the name that a result column gets when none is given. */
export function figureColname(node: RawNode | null | undefined): string {
  return figureColnameInternal(node).name ?? "?column?";
}
/** FigureIndexColname: null if nothing better than a default. */
export function figureIndexColname(node: RawNode | null | undefined): string | null {
  return figureColnameInternal(node).name;
}
const SVF_NAMES: Readonly<Record<string, string>> = {
  SVFOP_CURRENT_DATE: "current_date",
  SVFOP_CURRENT_TIME: "current_time",
  SVFOP_CURRENT_TIME_N: "current_time",
  SVFOP_CURRENT_TIMESTAMP: "current_timestamp",
  SVFOP_CURRENT_TIMESTAMP_N: "current_timestamp",
  SVFOP_LOCALTIME: "localtime",
  SVFOP_LOCALTIME_N: "localtime",
  SVFOP_LOCALTIMESTAMP: "localtimestamp",
  SVFOP_LOCALTIMESTAMP_N: "localtimestamp",
  SVFOP_CURRENT_ROLE: "current_role",
  SVFOP_CURRENT_USER: "current_user",
  SVFOP_USER: "user",
  SVFOP_SESSION_USER: "session_user",
  SVFOP_CURRENT_CATALOG: "current_catalog",
  SVFOP_CURRENT_SCHEMA: "current_schema",
};
// deno-fmt-ignore: reads as a table
const FIXED_NAMES: Readonly<Record<string, string>> = {
  CurrentOfExpr: "", A_ArrayExpr: "array", RowExpr: "row", CoalesceExpr: "coalesce", GroupingFunc: "grouping",
  MergeSupportFunc: "merge_action", XmlSerialize: "xmlserialize", JsonParseExpr: "json", JsonScalarExpr: "json_scalar",
  JsonSerializeExpr: "json_serialize", JsonObjectConstructor: "json_object", JsonArrayConstructor: "json_array",
  JsonArrayQueryConstructor: "json_array", JsonObjectAgg: "json_objectagg", JsonArrayAgg: "json_arrayagg",
};
/** strength 0: nothing; 1: better than nothing; 2: a name. */
function figureColnameInternal(node: RawNode | null | undefined): { name: string | null; strength: number } {
  const none = { name: null, strength: 0 };
  if (node === null || node === undefined) return none;
  const m = raw(node);
  const tag = rawTag(node);
  const lastString = (list: readonly RawNode[] | undefined): string | null => {
    let name: string | null = null;
    for (const n of list ?? []) if (raw(n).String !== undefined) name = strVal(n);
    return name;
  };
  switch (tag) {
    case "ColumnRef": {
      const name = lastString(m.ColumnRef!.fields);
      return name !== null ? { name, strength: 2 } : none;
    }
    case "A_Indirection": {
      const name = lastString(m.A_Indirection!.indirection);
      return name !== null ? { name, strength: 2 } : figureColnameInternal(m.A_Indirection!.arg);
    }
    case "FuncCall": {
      const names = strVals(m.FuncCall!.funcname);
      return { name: names[names.length - 1], strength: 2 };
    }
    case "A_Expr":
      return m.A_Expr!.kind === "AEXPR_NULLIF" ? { name: "nullif", strength: 2 } : none;
    case "TypeCast": {
      const inner = figureColnameInternal(m.TypeCast!.arg);
      if (inner.strength > 1) return inner;
      const names = strVals(m.TypeCast!.typeName?.names);
      return names.length > 0 ? { name: names[names.length - 1], strength: 1 } : inner;
    }
    case "CollateClause":
      return figureColnameInternal(m.CollateClause!.arg);
    case "MinMaxExpr":
      return { name: m.MinMaxExpr!.op === "IS_LEAST" ? "least" : "greatest", strength: 2 };
    case "SubLink": {
      const s = m.SubLink!;
      switch (s.subLinkType) {
        case "EXISTS_SUBLINK":
          return { name: "exists", strength: 2 };
        case "ARRAY_SUBLINK":
          return { name: "array", strength: 2 };
        case "EXPR_SUBLINK": {
          const resname = transformedSublinks.get(s)?.targetList[0]?.resname ?? null;
          return resname !== null ? { name: resname, strength: 2 } : none;
        }
        default:
          return none;
      }
    }
    case "CaseExpr": {
      const inner = figureColnameInternal(m.CaseExpr!.defresult);
      return inner.strength <= 1 ? { name: "case", strength: 1 } : inner;
    }
    case "SQLValueFunction":
      return { name: SVF_NAMES[m.SQLValueFunction!.op!], strength: 2 };
    case "XmlExpr":
      switch (m.XmlExpr!.op) {
        case "IS_XMLCONCAT":
          return { name: "xmlconcat", strength: 2 };
        case "IS_XMLELEMENT":
          return { name: "xmlelement", strength: 2 };
        case "IS_XMLFOREST":
          return { name: "xmlforest", strength: 2 };
        case "IS_XMLPARSE":
          return { name: "xmlparse", strength: 2 };
        case "IS_XMLPI":
          return { name: "xmlpi", strength: 2 };
        case "IS_XMLROOT":
          return { name: "xmlroot", strength: 2 };
        default:
          return none;
      }
    case "JsonFuncExpr": {
      const op = m.JsonFuncExpr!.op;
      return {
        name: op === "JSON_EXISTS_OP" ? "json_exists" : op === "JSON_QUERY_OP" ? "json_query" : "json_value",
        strength: 2,
      };
    }
    default:
      if (tag !== "CurrentOfExpr" && FIXED_NAMES[tag] !== undefined) return { name: FIXED_NAMES[tag], strength: 2 };
      return none;
  }
}
