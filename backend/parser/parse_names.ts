/**
 * Name lookup in the namespaces of a query: tables by alias, columns by name, WITH items, and the reports where nothing
 * or too much is found (with the nearest names as a hint).
 *
 * Follows the lookup half of src/backend/parser/parse_relation.c.
 */
import type { Oid } from "../../base/types.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import { PgError } from "../../base/error.ts";
import type { RangeVar } from "libpg-query";
import type { CommonTableExpr, Node, RangeTblEntry } from "../nodes/nodes.ts";
import { makeVar } from "../nodes/makefuncs.ts";
import { getSysCacheOid, searchSysCache } from "../utils/cache/syscache.ts";
import { rangeVarGetRelid } from "../catalog/namespace.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { encodeText } from "../../base/text.ts";
import type { ParseNamespaceItem, ParseState } from "./parse_node.ts";
import { parseError } from "./parse_node.ts";
import { markNullableIfNeeded, markVarForSelectPriv, varFromColumn } from "./parse_relation.ts";
import { SYSTEM_ATTRIBUTES } from "../catalog/system_attributes.ts";
import { varstrLevenshteinLessEqual } from "../utils/adt/levenshtein.ts";

/** refnameNamespaceItem: a table alias, here or in an outer query. */
export function refnameNamespaceItem(
  pstate: ParseState,
  schemaname: string | null,
  refname: string,
  location: number,
): { nsitem: ParseNamespaceItem; sublevelsUp: number } | null {
  let relId: Oid = 0;
  if (schemaname !== null) {
    const nsp = lookupNamespaceQuietly(schemaname);
    if (nsp === 0) return null;
    relId = getSysCacheOid("RELNAMENSP", refname, nsp);
    if (relId === 0) return null;
  }
  let sublevelsUp = 0;
  for (let p: ParseState | null = pstate; p !== null; p = p.parentParseState, sublevelsUp++) {
    const item = relId !== 0
      ? scanNameSpaceForRelid(p, relId, location)
      : scanNameSpaceForRefname(p, refname, location);
    if (item !== null) return { nsitem: item, sublevelsUp };
  }
  return null;
}
function lookupNamespaceQuietly(name: string): Oid {
  return getSysCacheOid("NAMESPACENAME", name);
}

function scanNameSpaceForRefname(pstate: ParseState, refname: string, location: number): ParseNamespaceItem | null {
  let result: ParseNamespaceItem | null = null;
  for (const item of pstate.p_namespace) {
    if (!item.p_rel_visible) continue;
    if (item.p_lateral_only && !pstate.p_lateral_active) continue;
    if (item.p_names.aliasname !== refname) continue;
    if (result !== null) {
      throw parseError(
        pstate,
        location,
        "scanNameSpaceForRefname",
        ERRCODE.AMBIGUOUS_ALIAS,
        `table reference "${refname}" is ambiguous`,
      );
    }
    checkLateralRefOk(pstate, item, location);
    result = item;
  }
  return result;
}
function scanNameSpaceForRelid(pstate: ParseState, relid: Oid, location: number): ParseNamespaceItem | null {
  let result: ParseNamespaceItem | null = null;
  for (const item of pstate.p_namespace) {
    const rte = item.p_rte;
    if (!item.p_rel_visible) continue;
    if (item.p_lateral_only && !pstate.p_lateral_active) continue;
    if (item.p_returning_type !== "VAR_RETURNING_DEFAULT") continue;
    if (rte.rtekind !== "RTE_RELATION" || rte.relid !== relid || rte.alias !== null) continue;
    if (result !== null) {
      throw parseError(
        pstate,
        location,
        "scanNameSpaceForRelid",
        ERRCODE.AMBIGUOUS_ALIAS,
        `table reference ${relid} is ambiguous`,
      );
    }
    checkLateralRefOk(pstate, item, location);
    result = item;
  }
  return result;
}

/** scanNameSpaceForCTE: a WITH item by name, innermost first. */
export function scanNameSpaceForCTE(
  pstate: ParseState,
  refname: string,
): { cte: CommonTableExpr; levelsup: number } | null {
  let levelsup = 0;
  for (let p: ParseState | null = pstate; p !== null; p = p.parentParseState, levelsup++) {
    const cte = p.p_ctenamespace.find((c) => c.ctename === refname);
    if (cte !== undefined) return { cte, levelsup };
  }
  return null;
}

/** checkNameSpaceConflicts: no two tables of one FROM list may have the same name. */
export function checkNameSpaceConflicts(
  pstate: ParseState,
  ns1: readonly ParseNamespaceItem[],
  ns2: readonly ParseNamespaceItem[],
): void {
  for (const a of ns1) {
    if (!a.p_rel_visible) continue;
    for (const b of ns2) {
      if (!b.p_rel_visible || a.p_names.aliasname !== b.p_names.aliasname) continue;
      const ra = a.p_rte;
      const rb = b.p_rte;
      if (
        ra.rtekind === "RTE_RELATION" && ra.alias === null && rb.rtekind === "RTE_RELATION" && rb.alias === null &&
        ra.relid !== rb.relid
      ) continue;
      throw parseError(
        pstate,
        -1,
        "checkNameSpaceConflicts",
        ERRCODE.DUPLICATE_ALIAS,
        `table name "${a.p_names.aliasname}" specified more than once`,
      );
    }
  }
}

function checkLateralRefOk(pstate: ParseState, nsitem: ParseNamespaceItem, location: number): void {
  if (!nsitem.p_lateral_only || nsitem.p_lateral_ok) return;
  const refname = nsitem.p_names.aliasname;
  const target = pstate.p_target_nsitem !== null && nsitem.p_rte === pstate.p_target_nsitem.p_rte;
  throw parseError(
    pstate,
    location,
    "check_lateral_ref_ok",
    ERRCODE.INVALID_COLUMN_REFERENCE,
    `invalid reference to FROM-clause entry for table "${refname}"`,
    target
      ? {
        hint: `There is an entry for table "${refname}", but it cannot be referenced from this part of the query.`,
      }
      : { detail: "The combining JOIN type must be INNER or LEFT for a LATERAL reference." },
  );
}

/** System column number of a name, 0 if it is none. */
export function systemAttributeByName(name: string): number {
  return SYSTEM_ATTRIBUTES.find((a) => a.attname === name)?.attnum ?? 0;
}

/** scanNSItemForColumn: the column as a Var, or null; ambiguity is an error. */
export function scanNSItemForColumn(
  pstate: ParseState,
  nsitem: ParseNamespaceItem,
  sublevelsUp: number,
  colname: string,
  location: number,
): Node | null {
  const rte = nsitem.p_rte;
  const attnum = scanRTEForColumn(pstate, rte, nsitem.p_names.colnames, colname, location);
  if (attnum === 0) return null;
  if (pstate.p_expr_kind === "EXPR_KIND_CHECK_CONSTRAINT" && attnum < 0 && attnum !== -6) {
    throw parseError(
      pstate,
      location,
      "scanNSItemForColumn",
      ERRCODE.INVALID_COLUMN_REFERENCE,
      `system column "${colname}" reference in check constraint is invalid`,
    );
  }
  if (pstate.p_expr_kind === "EXPR_KIND_GENERATED_COLUMN" && attnum < 0 && attnum !== -6) {
    throw parseError(
      pstate,
      location,
      "scanNSItemForColumn",
      ERRCODE.INVALID_COLUMN_REFERENCE,
      `cannot use system column "${colname}" in column generation expression`,
    );
  }
  if (pstate.p_expr_kind === "EXPR_KIND_MERGE_WHEN" && attnum < 0 && attnum !== -6) {
    throw parseError(
      pstate,
      location,
      "scanNSItemForColumn",
      ERRCODE.INVALID_COLUMN_REFERENCE,
      `cannot use system column "${colname}" in MERGE WHEN condition`,
    );
  }
  if (attnum > 0) {
    const nscol = nsitem.p_nscolumns[attnum - 1];
    if (nscol.p_varno === 0) {
      throw parseError(
        pstate,
        location,
        "scanNSItemForColumn",
        ERRCODE.UNDEFINED_COLUMN,
        `column "${colname}" of relation "${nsitem.p_names.aliasname}" does not exist`,
      );
    }
    const v = varFromColumn(pstate, nscol, sublevelsUp, location);
    markVarForSelectPriv(pstate, v);
    return v;
  }
  const sys = SYSTEM_ATTRIBUTES.find((a) => a.attnum === attnum)!;
  const v = makeVar(nsitem.p_rtindex, attnum, sys.atttypid, -1, 0, sublevelsUp);
  v.varreturningtype = nsitem.p_returning_type;
  v.location = location;
  markNullableIfNeeded(pstate, v);
  markVarForSelectPriv(pstate, v);
  return v;
}

/** Attribute number of a column name in an entry; 0 if there is none. */
function scanRTEForColumn(
  pstate: ParseState,
  rte: RangeTblEntry,
  colnames: readonly string[],
  colname: string,
  location: number,
): number {
  let result = 0;
  for (let i = 0; i < colnames.length; i++) {
    if (colnames[i] !== colname) continue;
    if (result !== 0) {
      throw parseError(
        pstate,
        location,
        "scanRTEForColumn",
        ERRCODE.AMBIGUOUS_COLUMN,
        `column reference "${colname}" is ambiguous`,
      );
    }
    result = i + 1;
  }
  if (result !== 0) return result;
  if (rte.rtekind === "RTE_RELATION" && rte.relkind !== "c") {
    const attnum = systemAttributeByName(colname);
    if (attnum !== 0 && searchSysCache("ATTNUM", rte.relid, attnum) !== null) return attnum;
  }
  return 0;
}

interface FuzzyState {
  distance: number;
  rfirst: RangeTblEntry | null;
  first: number;
  rsecond: RangeTblEntry | null;
  second: number;
  rexact1: RangeTblEntry | null;
  exact1: number;
  rexact2: RangeTblEntry | null;
  exact2: number;
}
const MAX_FUZZY_DISTANCE = 3;

function updateFuzzyAttrMatchState(
  penalty: number,
  fuzzy: FuzzyState,
  rte: RangeTblEntry,
  actual: string,
  match: string,
  attnum: number,
): void {
  if (penalty > fuzzy.distance) return;
  if (actual === "") return;
  let columndistance = varstrLevenshteinLessEqual(actual, match, 1, 1, 1, fuzzy.distance + 1 - penalty);
  const matchlen = encodeText(match).length;
  if (columndistance > matchlen / 2) return;
  columndistance += penalty;
  if (columndistance < fuzzy.distance) {
    fuzzy.distance = columndistance;
    fuzzy.rfirst = rte;
    fuzzy.first = attnum;
    fuzzy.rsecond = null;
  } else if (columndistance === fuzzy.distance) {
    if (fuzzy.rsecond !== null) {
      // Too many matches at the same distance: none is worth showing unless a nearer one comes.
      fuzzy.rfirst = null;
      fuzzy.rsecond = null;
      fuzzy.distance = columndistance - 1;
    } else if (fuzzy.rfirst !== null) {
      fuzzy.rsecond = rte;
      fuzzy.second = attnum;
    } else if (fuzzy.distance <= MAX_FUZZY_DISTANCE) {
      fuzzy.rfirst = rte;
      fuzzy.first = attnum;
    }
  }
}

function searchRangeTableForCol(pstate: ParseState, alias: string | null, colname: string): FuzzyState {
  const fuzzy: FuzzyState = {
    distance: MAX_FUZZY_DISTANCE + 1,
    rfirst: null,
    first: 0,
    rsecond: null,
    second: 0,
    rexact1: null,
    exact1: 0,
    rexact2: null,
    exact2: 0,
  };
  for (let p: ParseState | null = pstate; p !== null; p = p.parentParseState) {
    for (const rte of p.p_rtable) {
      let penalty = 0;
      if (rte.rtekind === "RTE_JOIN" || rte.rtekind === "RTE_GROUP") continue;
      if (alias !== null) {
        penalty = varstrLevenshteinLessEqual(alias, rte.eref!.aliasname!, 1, 1, 1, MAX_FUZZY_DISTANCE + 1);
      }
      let exact = 0;
      rte.eref!.colnames.forEach((c, i) => {
        const name = c.sval!;
        if (name === colname && exact === 0) exact = i + 1;
        updateFuzzyAttrMatchState(penalty, fuzzy, rte, name, colname, i + 1);
      });
      if (
        exact === 0 && rte.rtekind === "RTE_RELATION" && rte.relkind !== "c" && systemAttributeByName(colname) !== 0 &&
        searchSysCache("ATTNUM", rte.relid, systemAttributeByName(colname)) !== null
      ) exact = systemAttributeByName(colname);
      if (exact !== 0 && penalty === 0) {
        if (fuzzy.rexact1 === null) {
          fuzzy.rexact1 = rte;
          fuzzy.exact1 = exact;
        } else {
          fuzzy.rexact2 = rte;
          fuzzy.exact2 = exact;
        }
      }
    }
  }
  return fuzzy;
}

/** colNameToVar: an unqualified column name. */
export function colNameToVar(pstate: ParseState, colname: string, localonly: boolean, location: number): Node | null {
  let result: Node | null = null;
  let sublevelsUp = 0;
  const orig = pstate;
  for (let p: ParseState | null = pstate; p !== null; p = p.parentParseState, sublevelsUp++) {
    for (const nsitem of p.p_namespace) {
      if (!nsitem.p_cols_visible) continue;
      if (nsitem.p_lateral_only && !p.p_lateral_active) continue;
      const found = scanNSItemForColumn(orig, nsitem, sublevelsUp, colname, location);
      if (found === null) continue;
      if (result !== null) {
        throw parseError(
          orig,
          location,
          "colNameToVar",
          ERRCODE.AMBIGUOUS_COLUMN,
          `column reference "${colname}" is ambiguous`,
        );
      }
      checkLateralRefOk(p, nsitem, location);
      result = found;
    }
    if (result !== null || localonly) break;
  }
  return result;
}

/** findNSItemForRTE… : is the entry visible by name, and could it be by LATERAL? */
function rteVisibleIfLateral(pstate: ParseState, rte: RangeTblEntry): boolean {
  if (pstate.p_lateral_active) return false;
  const item = findNSItemForRTE(pstate, rte);
  return item !== null && item.p_lateral_only && item.p_lateral_ok;
}
function rteVisibleIfQualified(pstate: ParseState, rte: RangeTblEntry): boolean {
  const item = findNSItemForRTE(pstate, rte);
  return item !== null && item.p_rel_visible && !item.p_cols_visible;
}
function findNSItemForRTE(pstate: ParseState, rte: RangeTblEntry): ParseNamespaceItem | null {
  for (let p: ParseState | null = pstate; p !== null; p = p.parentParseState) {
    const item = p.p_namespace.find((n) => n.p_rte === rte);
    if (item !== undefined) return item;
  }
  return null;
}

function searchRangeTableForRel(pstate: ParseState, relation: RangeVar): RangeTblEntry | null {
  const refname = relation.relname ?? "";
  let relId: Oid = 0;
  let cte: CommonTableExpr | null = null;
  let ctelevelsup = 0;
  if (relation.schemaname === undefined) {
    const r = scanNameSpaceForCTE(pstate, refname);
    if (r !== null) {
      cte = r.cte;
      ctelevelsup = r.levelsup;
    }
  }
  if (cte === null) relId = rangeVarGetRelid(relation, 0, { missingOk: true });
  let levelsup = 0;
  for (let p: ParseState | null = pstate; p !== null; p = p.parentParseState, levelsup++) {
    for (const rte of p.p_rtable) {
      if (rte.rtekind === "RTE_RELATION" && relId !== 0 && rte.relid === relId) return rte;
      if (
        rte.rtekind === "RTE_CTE" && cte !== null && rte.ctelevelsup + levelsup === ctelevelsup &&
        rte.ctename === refname
      ) return rte;
      if (rte.eref!.aliasname === refname) return rte;
    }
  }
  return null;
}

/** errorMissingRTE: `missing FROM-clause entry` and its relatives. */
export function errorMissingRTE(pstate: ParseState, relation: RangeVar): PgError {
  const rte = searchRangeTableForRel(pstate, relation);
  const location = relation.location ?? -1;
  const relname = relation.relname;
  let badAlias: string | null = null;
  if (
    rte !== null && rte.alias !== null && rte.eref!.aliasname !== relname
  ) {
    const found = refnameNamespaceItem(pstate, null, rte.eref!.aliasname!, location);
    if (found !== null && found.nsitem.p_rte === rte) badAlias = rte.eref!.aliasname;
  }
  // A WITH item of the same name that is only in RETURNING's old or new does not help.
  if (rte !== null) {
    const message = `invalid reference to FROM-clause entry for table "${relname}"`;
    if (badAlias !== null) {
      return parseError(pstate, location, "errorMissingRTE", ERRCODE.UNDEFINED_TABLE, message, {
        hint: `Perhaps you meant to reference the table alias "${badAlias}".`,
      });
    }
    const lateral = rteVisibleIfLateral(pstate, rte);
    return parseError(pstate, location, "errorMissingRTE", ERRCODE.UNDEFINED_TABLE, message, {
      detail: `There is an entry for table "${
        rte.eref!.aliasname
      }", but it cannot be referenced from this part of the query.`,
      hint: lateral ? "To reference that table, you must mark this subquery with LATERAL." : undefined,
    });
  }
  return parseError(
    pstate,
    location,
    "errorMissingRTE",
    ERRCODE.UNDEFINED_TABLE,
    `missing FROM-clause entry for table "${relname}"`,
  );
}

/** errorMissingColumn: `column … does not exist`, with what may have been meant. */
export function errorMissingColumn(
  pstate: ParseState,
  relname: string | null,
  colname: string,
  location: number,
): PgError {
  const state = searchRangeTableForCol(pstate, relname, colname);
  const message = relname !== null
    ? `column ${relname}.${colname} does not exist`
    : `column "${colname}" does not exist`;
  const err = (more: { detail?: string; hint?: string }) =>
    parseError(pstate, location, "errorMissingColumn", ERRCODE.UNDEFINED_COLUMN, message, more);
  if (state.rexact1 !== null) {
    const alias = state.rexact1.eref!.aliasname;
    if (state.rexact2 !== null) {
      return err({
        detail:
          `There are columns named "${colname}", but they are in tables that cannot be referenced from this part of the query.`,
        hint: relname === null ? "Try using a table-qualified name." : undefined,
      });
    }
    return err({
      detail:
        `There is a column named "${colname}" in table "${alias}", but it cannot be referenced from this part of the query.`,
      hint: rteVisibleIfLateral(pstate, state.rexact1)
        ? "To reference that column, you must mark this subquery with LATERAL."
        : relname === null && rteVisibleIfQualified(pstate, state.rexact1)
        ? "To reference that column, you must use a table-qualified name."
        : undefined,
    });
  }
  if (state.rsecond === null) {
    if (state.rfirst === null) return err({});
    return err({
      hint: `Perhaps you meant to reference the column "${state.rfirst.eref!.aliasname}.${
        state.rfirst.eref!.colnames[state.first - 1].sval
      }".`,
    });
  }
  return err({
    hint: `Perhaps you meant to reference the column "${state.rfirst!.eref!.aliasname}.${
      state.rfirst!.eref!.colnames[state.first - 1].sval
    }" or the column "${state.rsecond.eref!.aliasname}.${state.rsecond.eref!.colnames[state.second - 1].sval}".`,
  });
}

/** attnameAttNum: column number of an open relation, system columns if `sysColOK`; 0 if there is none. */
export function attnameAttNum(rd: Relation, attname: string, sysColOK: boolean): number {
  for (const a of rd.rd_att.attrs) if (a.attname === attname && !a.attisdropped) return a.attnum;
  if (sysColOK) return systemAttributeByName(attname);
  return 0;
}
