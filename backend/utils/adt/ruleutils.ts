/**
 * Definitions as SQL text: pg_get_expr, pg_get_viewdef, pg_get_indexdef, pg_get_constraintdef and their kin for psql and
 * drivers, and deparsing of plan expressions for EXPLAIN.
 *
 * Follows src/backend/utils/adt/ruleutils.c; its parts are in ruleutils_{expr,var,query,from,columns,context,names}.ts.
 */
import type { Oid } from "../../../base/types.ts";
import { PgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import type { Node, Plan, PlannedStmt, Query, RangeTblEntry } from "../../nodes/nodes.ts";
import { makeNode } from "../../nodes/make_node.ts";
import { makeAlias, makeAndsExplicit } from "../../nodes/makefuncs.ts";
import { exprCollation, exprType } from "../../nodes/node_funcs.ts";
import { stringToNode } from "../../nodes/readfuncs.ts";
import { searchSysCache } from "../cache/syscache.ts";
import { getAttname, getNamespaceName, getRelName, getTablespaceName } from "../cache/lsyscache.ts";
import { getDefaultOpClass } from "../cache/typcache.ts";
import { catalogScan } from "../../catalog/catalog_scan.ts";
import type { PgConstraint } from "../../catalog/catalog_rows.ts";
import { opclassIsVisible } from "../../catalog/namespace.ts";
import { containVarsOfLevel } from "../../parser/contain_vars.ts";
import type { Datum } from "../fmgr/datum.ts";
import type { BuiltinTable } from "../fmgr/fmgr.ts";
import { registerBuiltins } from "../fmgr/fmgrtab.ts";
import { formatTypeBe } from "./format_type.ts";
import { quoteIdentifier, quoteLiteral, quoteQualifiedIdentifier } from "./ruleutils_names.ts";
import {
  type DeparseNamespace,
  newDeparseContext,
  newDeparseNamespace,
  PRETTYFLAG_INDENT,
  PRETTYFLAG_PAREN,
  PRETTYFLAG_SCHEMA,
} from "./ruleutils_context.ts";
import { setRtableNames, setSimpleColumnNames } from "./ruleutils_columns.ts";
import {
  generateCollationName,
  generateOperatorName,
  generateQualifiedRelationName,
  generateRelationName,
  getRuleExpr,
  looksLikeFunction,
} from "./ruleutils_expr.ts";
import { setDeparsePlan } from "./ruleutils_var.ts";
import { getQueryDef } from "./ruleutils_query.ts";
import { makeRangeVarFromNameList, rangeVarGetRelid, splitIdentifierString } from "../../catalog/namespace.ts";

const WRAP_COLUMN_DEFAULT = 0;
function prettyFlagsOf(pretty: boolean): number {
  return pretty ? PRETTYFLAG_PAREN | PRETTYFLAG_INDENT | PRETTYFLAG_SCHEMA : PRETTYFLAG_INDENT;
}

// ---- expressions of EXPLAIN and of catalogs ----

/** deparse_context_for: one relation under a name, for its defaults, checks and index expressions. */
export function deparseContextFor(aliasname: string, relid: Oid): DeparseNamespace[] {
  const rte: RangeTblEntry = makeNode("RangeTblEntry", {
    rtekind: "RTE_RELATION",
    relid,
    relkind: "r",
    rellockmode: 1,
    alias: makeAlias(aliasname, []),
    inFromCl: true,
  });
  rte.eref = rte.alias;
  const dpns = newDeparseNamespace();
  dpns.rtable = [rte];
  setRtableNames(dpns, [], null);
  setSimpleColumnNames(dpns);
  return [dpns];
}
/** deparse_context_for_plan_tree: for EXPLAIN; `rtableNames` are those of selectRtableNamesForExplain(). */
export function deparseContextForPlanTree(pstmt: PlannedStmt, rtableNames: (string | null)[]): DeparseNamespace[] {
  const dpns = newDeparseNamespace();
  dpns.rtable = pstmt.rtable;
  dpns.rtableNames = rtableNames;
  dpns.subplans = pstmt.subplans as (Plan | null)[];
  setSimpleColumnNames(dpns);
  return [dpns];
}
/** set_deparse_context_plan: the node whose expressions come next, and the nodes above it, nearest first. */
export function setDeparseContextPlan(
  dpcontext: DeparseNamespace[],
  plan: Plan,
  ancestors: readonly Node[],
): DeparseNamespace[] {
  const dpns = dpcontext[0];
  dpns.ancestors = ancestors;
  setDeparsePlan(dpns, plan);
  if (plan.type === "ModifyTable") {
    dpns.retOldAlias = plan.returningOldAlias;
    dpns.retNewAlias = plan.returningNewAlias;
  }
  return dpcontext;
}
/** select_rtable_names_for_explain. */
export function selectRtableNamesForExplain(
  rtable: readonly RangeTblEntry[],
  relsUsed: ReadonlySet<number>,
): (string | null)[] {
  const dpns = newDeparseNamespace();
  dpns.rtable = rtable;
  setRtableNames(dpns, [], relsUsed);
  return dpns.rtableNames;
}
/** deparse_expression_pretty. */
export function deparseExpressionPretty(
  expr: Node | readonly Node[],
  dpcontext: DeparseNamespace[],
  forceprefix: boolean,
  showimplicit: boolean,
  prettyFlags: number,
  startIndent = 0,
): string {
  const c = newDeparseContext(dpcontext, forceprefix, prettyFlags);
  c.indentLevel = startIndent;
  if (Array.isArray(expr)) {
    expr.forEach((e, i) => {
      if (i > 0) c.buf += ", ";
      getRuleExpr(e as Node, c, showimplicit);
    });
  } else getRuleExpr(expr as Node, c, showimplicit);
  return c.buf;
}
/** deparse_expression. */
export function deparseExpression(
  expr: Node | readonly Node[],
  dpcontext: DeparseNamespace[],
  forceprefix: boolean,
  showimplicit: boolean,
): string {
  return deparseExpressionPretty(expr, dpcontext, forceprefix, showimplicit, 0);
}

/** pg_get_expr_worker: null if the relation is gone. */
export function pgGetExpr(text: string, relid: Oid, pretty: boolean): string | null {
  const node = stringToNode(text);
  const expr = Array.isArray(node) ? makeAndsExplicit(node) : node;
  if (expr === null) return "";
  if (relid !== 0) {
    const relname = getRelName(relid);
    if (relname === null) return null;
    return deparseExpressionPretty(expr, deparseContextFor(relname, relid), false, false, prettyFlagsOf(pretty));
  }
  if (containVarsOfLevel(expr, 0)) {
    throw new PgError({
      code: ERRCODE.INVALID_PARAMETER_VALUE,
      message: "expression contains variables",
      routine: "pg_get_expr_worker",
    });
  }
  return deparseExpressionPretty(expr, [], false, false, prettyFlagsOf(pretty));
}

// ---- views and rules ----

/** pg_get_viewdef_worker: "" for a view without a rule; null if there is no such view. */
export function pgGetViewdef(viewoid: Oid, prettyFlags: number, wrapColumn: number): string | null {
  const rel = searchSysCache("RELOID", viewoid);
  if (rel === null) return null;
  const rule = catalogScan("pg_rewrite", { ev_class: viewoid, rulename: "_RETURN" })[0];
  if (rule === undefined) return null;
  const actions = stringToNode(rule.ev_action);
  const query = (Array.isArray(actions) ? actions[0] : actions) as Query | null;
  if (
    rule.ev_type !== "1" || !rule.is_instead || rule.ev_qual !== "<>" || query === null ||
    query.commandType !== "CMD_SELECT"
  ) return "Not a view";
  const names = catalogScan("pg_attribute", { attrelid: viewoid })
    .filter((a) => a.attnum > 0 && !a.attisdropped)
    .sort((a, b) => a.attnum - b.attnum)
    .map((a) => a.attname);
  const out = { buf: "" };
  getQueryDef(query, out, [], names, true, prettyFlags, wrapColumn, 0);
  return out.buf + ";";
}

/** pg_get_ruledef_worker. */
export function pgGetRuledef(ruleoid: Oid, prettyFlags: number): string | null {
  const rule = catalogScan("pg_rewrite", { oid: ruleoid })[0];
  if (rule === undefined) return null;
  const actions = stringToNode(rule.ev_action) as Query[] | null;
  if (actions === null || actions.length === 0) {
    throw new PgError({ message: "invalid empty ev_action list", routine: "make_ruledef" });
  }
  const pretty = (prettyFlags & PRETTYFLAG_INDENT) !== 0;
  const events: Readonly<Record<string, string>> = { "1": "SELECT", "2": "UPDATE", "3": "INSERT", "4": "DELETE" };
  const out = { buf: `CREATE RULE ${quoteIdentifier(rule.rulename)} AS` };
  out.buf += pretty ? "\n    ON " : " ON ";
  out.buf += events[rule.ev_type] ?? "";
  let names: string[] | null = null;
  if (rule.ev_type === "1") {
    names = catalogScan("pg_attribute", { attrelid: rule.ev_class })
      .filter((a) => a.attnum > 0 && !a.attisdropped)
      .sort((a, b) => a.attnum - b.attnum)
      .map((a) => a.attname);
  }
  out.buf += ` TO ${
    prettyFlags & PRETTYFLAG_SCHEMA ? generateRelationName(rule.ev_class) : generateQualifiedRelationName(rule.ev_class)
  }`;
  if (rule.ev_qual !== "<>") {
    throw new PgError({
      code: ERRCODE.FEATURE_NOT_SUPPORTED,
      message: "deparsing rule conditions is not implemented yet in pgts",
    });
  }
  out.buf += " DO ";
  if (rule.is_instead) out.buf += "INSTEAD ";
  if (actions.length > 1) {
    out.buf += "(";
    for (const q of actions) {
      getQueryDef(q, out, [], names, true, prettyFlags, WRAP_COLUMN_DEFAULT, 0);
      out.buf += prettyFlags !== 0 ? ";\n" : "; ";
    }
    out.buf += ");";
  } else {
    getQueryDef(actions[0], out, [], names, true, prettyFlags, WRAP_COLUMN_DEFAULT, 0);
    out.buf += ";";
  }
  return out.buf;
}

// ---- indexes ----

const INDOPTION_DESC = 1;
const INDOPTION_NULLS_FIRST = 2;

/** get_opclass_name: ` name` unless it is the type's default. */
function opclassName(opclass: Oid, actualType: Oid): string {
  const opc = searchSysCache("CLAOID", opclass);
  if (opc === null) throw new PgError({ message: `cache lookup failed for opclass ${opclass}` });
  if (actualType !== 0 && getDefaultOpClass(actualType, opc.opcmethod) === opclass) return "";
  return ` ${
    quoteQualifiedIdentifier(opclassIsVisible(opclass) ? null : getNamespaceName(opc.opcnamespace), opc.opcname)
  }`;
}

/** pg_get_indexdef_columns(): the key columns only, as error messages show them. */
export function pgGetIndexdefColumns(indexrelid: Oid): string | null {
  return pgGetIndexdef(indexrelid, 0, null, true, true, false, false, prettyFlagsOf(true));
}

/** pg_get_indexdef_worker. `colno` 0 is the whole definition. */
export function pgGetIndexdef(
  indexrelid: Oid,
  colno: number,
  excludeOps: readonly Oid[] | null,
  attrsOnly: boolean,
  keysOnly: boolean,
  showTblSpc: boolean,
  inherits: boolean,
  prettyFlags: number,
): string | null {
  const idx = searchSysCache("INDEXRELID", indexrelid);
  if (idx === null) return null;
  const idxrel = searchSysCache("RELOID", indexrelid);
  if (idxrel === null) throw new PgError({ message: `cache lookup failed for relation ${indexrelid}` });
  const am = searchSysCache("AMOID", idxrel.relam);
  if (am === null) throw new PgError({ message: `cache lookup failed for access method ${idxrel.relam}` });
  const indexprs = idx.indexprs !== null ? (stringToNode(idx.indexprs) as Node[]) : [];
  const context = deparseContextFor(getRelName(idx.indrelid) ?? "", idx.indrelid);
  let buf = "";
  if (!attrsOnly) {
    if (!inherits) {
      buf += `CREATE ${idx.indisunique ? "UNIQUE " : ""}INDEX ${quoteIdentifier(idxrel.relname)} ON ${
        idxrel.relkind === "I" ? "ONLY " : ""
      }${
        prettyFlags & PRETTYFLAG_SCHEMA
          ? generateRelationName(idx.indrelid)
          : generateQualifiedRelationName(idx.indrelid)
      } USING ${quoteIdentifier(am.amname)} (`;
    } else buf += `EXCLUDE USING ${quoteIdentifier(am.amname)} (`;
  }
  let nextExpr = 0;
  let sep = "";
  const amcanorder = am.amname === "btree";
  for (let keyno = 0; keyno < idx.indnatts; keyno++) {
    const attnum = idx.indkey[keyno];
    const opt = idx.indoption[keyno] ?? 0;
    if (keysOnly && keyno >= idx.indnkeyatts) break;
    if (colno === 0 && keyno === idx.indnkeyatts) {
      buf += ") INCLUDE (";
      sep = "";
    }
    if (colno === 0) buf += sep;
    sep = ", ";
    let keycoltype: Oid;
    let keycolcollation: Oid;
    if (attnum !== 0) {
      const name = getAttname(idx.indrelid, attnum) ?? "";
      if (colno === 0 || colno === keyno + 1) buf += quoteIdentifier(name);
      const att = searchSysCache("ATTNUM", idx.indrelid, attnum)!;
      keycoltype = att.atttypid;
      keycolcollation = att.attcollation;
    } else {
      const indexkey = indexprs[nextExpr++];
      if (indexkey === undefined) throw new PgError({ message: "too few entries in indexprs list" });
      const str = deparseExpressionPretty(indexkey, context, false, false, prettyFlags);
      if (colno === 0 || colno === keyno + 1) buf += looksLikeFunction(indexkey) ? str : `(${str})`;
      keycoltype = exprType(indexkey);
      keycolcollation = exprCollation(indexkey);
    }
    if (!attrsOnly && keyno < idx.indnkeyatts && (colno === 0 || colno === keyno + 1)) {
      const indcoll = idx.indcollation[keyno];
      if (indcoll !== 0 && indcoll !== keycolcollation) buf += ` COLLATE ${generateCollationName(indcoll)}`;
      buf += opclassName(idx.indclass[keyno], keycoltype);
      if (amcanorder) {
        if (opt & INDOPTION_DESC) {
          buf += " DESC";
          if (!(opt & INDOPTION_NULLS_FIRST)) buf += " NULLS LAST";
        } else if (opt & INDOPTION_NULLS_FIRST) buf += " NULLS FIRST";
      }
      if (excludeOps !== null) {
        buf += ` WITH ${generateOperatorName(excludeOps[keyno], keycoltype, keycoltype)}`;
      }
    }
  }
  if (!attrsOnly) {
    buf += ")";
    if (idx.indnullsnotdistinct) buf += " NULLS NOT DISTINCT";
    const options = idxrel.reloptions;
    if (options !== null && options.length > 0) buf += ` WITH (${reloptionsText(options)})`;
    if (showTblSpc && idxrel.reltablespace !== 0) {
      const ts = quoteIdentifier(getTablespaceName(idxrel.reltablespace) ?? "");
      buf += inherits ? ` USING INDEX TABLESPACE ${ts}` : ` TABLESPACE ${ts}`;
    }
    if (idx.indpred !== null) {
      const pred = stringToNode(idx.indpred);
      const node = Array.isArray(pred) ? makeAndsExplicit(pred) : pred!;
      const str = deparseExpressionPretty(node, context, false, false, prettyFlags);
      buf += inherits ? ` WHERE (${str})` : ` WHERE ${str}`;
    }
  }
  return buf;
}
/** flatten_reloptions: `a='b', c=d`. */
function reloptionsText(options: readonly string[]): string {
  return options.map((o) => {
    const eq = o.indexOf("=");
    const name = eq < 0 ? o : o.slice(0, eq);
    const value = eq < 0 ? "" : o.slice(eq + 1);
    return `${quoteIdentifier(name)}=${quoteIdentifier(value) === value ? value : quoteLiteral(value)}`;
  }).join(", ");
}

// ---- constraints ----

const FK_ACTIONS: Readonly<Record<string, string>> = {
  a: "",
  r: "RESTRICT",
  c: "CASCADE",
  n: "SET NULL",
  d: "SET DEFAULT",
};
function columnList(relid: Oid, attnums: readonly number[], withPeriod = false): string {
  return attnums.map((a, i) =>
    `${withPeriod && i === attnums.length - 1 ? "PERIOD " : ""}${quoteIdentifier(getAttname(relid, a) ?? "")}`
  ).join(", ");
}

/** pg_get_constraintdef_worker; with `fullCommand` as an ALTER TABLE … ADD CONSTRAINT. */
export function pgGetConstraintdef(constraintId: Oid, fullCommand: boolean, prettyFlags: number): string | null {
  const con: Readonly<PgConstraint> | undefined = catalogScan("pg_constraint", { oid: constraintId })[0];
  if (con === undefined) return null;
  let buf = "";
  if (fullCommand) {
    buf += con.conrelid !== 0
      ? `ALTER TABLE ${generateQualifiedRelationName(con.conrelid)} ADD CONSTRAINT ${quoteIdentifier(con.conname)} `
      : `ALTER DOMAIN ${formatTypeBe(con.contypid)} ADD CONSTRAINT ${quoteIdentifier(con.conname)} `;
  }
  switch (con.contype) {
    case "f":
      buf += `FOREIGN KEY (${columnList(con.conrelid, con.conkey ?? [], con.conperiod)}) REFERENCES ${
        generateRelationName(con.confrelid)
      }(${columnList(con.confrelid, con.confkey ?? [], con.conperiod)})`;
      if (con.confmatchtype === "f") buf += " MATCH FULL";
      else if (con.confmatchtype === "p") buf += " MATCH PARTIAL";
      if (FK_ACTIONS[con.confupdtype] !== "") buf += ` ON UPDATE ${FK_ACTIONS[con.confupdtype]}`;
      if (FK_ACTIONS[con.confdeltype] !== "") buf += ` ON DELETE ${FK_ACTIONS[con.confdeltype]}`;
      if (con.confdelsetcols !== null && con.confdelsetcols.length > 0) {
        buf += ` (${columnList(con.conrelid, con.confdelsetcols)})`;
      }
      break;
    case "p":
    case "u": {
      const idx = searchSysCache("INDEXRELID", con.conindid);
      if (idx === null) throw new PgError({ message: `cache lookup failed for index ${con.conindid}` });
      buf += con.contype === "p" ? "PRIMARY KEY " : "UNIQUE ";
      if (idx.indnullsnotdistinct) buf += "NULLS NOT DISTINCT ";
      buf += `(${columnList(con.conrelid, con.conkey ?? [])}${con.conperiod ? " WITHOUT OVERLAPS" : ""})`;
      const included = idx.indkey.slice(idx.indnkeyatts, idx.indnatts);
      if (included.length > 0) buf += ` INCLUDE (${columnList(con.conrelid, included)})`;
      if (fullCommand) {
        const rel = searchSysCache("RELOID", con.conindid)!;
        if (rel.reloptions !== null && rel.reloptions.length > 0) buf += ` WITH (${reloptionsText(rel.reloptions)})`;
        if (rel.reltablespace !== 0) {
          buf += ` USING INDEX TABLESPACE ${quoteIdentifier(getTablespaceName(rel.reltablespace) ?? "")}`;
        }
      }
      break;
    }
    case "c": {
      const expr = stringToNode(con.conbin!) as Node;
      const context = con.conrelid !== 0 ? deparseContextFor(getRelName(con.conrelid) ?? "", con.conrelid) : [];
      const text = deparseExpressionPretty(expr, context, false, false, prettyFlags);
      buf += `CHECK (${text})${con.connoinherit ? " NO INHERIT" : ""}`;
      break;
    }
    case "n":
      if (con.conrelid !== 0) {
        buf += `NOT NULL ${columnList(con.conrelid, con.conkey ?? [])}`;
        if (con.connoinherit) buf += " NO INHERIT";
      } else buf += "NOT NULL";
      break;
    case "t":
      buf += "TRIGGER";
      break;
    case "x":
      buf += pgGetIndexdef(con.conindid, 0, con.conexclop, false, false, false, true, prettyFlags) ?? "";
      break;
    default:
      throw new PgError({ message: `invalid constraint type "${con.contype}"` });
  }
  if (con.condeferrable) buf += " DEFERRABLE";
  if (con.condeferred) buf += " INITIALLY DEFERRED";
  if (!con.conenforced) buf += " NOT ENFORCED";
  else if (!con.convalidated) buf += " NOT VALID";
  return buf;
}

// ---- functions ----

/** print_function_arguments. */
function functionArguments(funcid: Oid, tableArgs: boolean, withDefaults: boolean): { text: string; count: number } {
  const proc = searchSysCache("PROCOID", funcid)!;
  const types = proc.proallargtypes ?? proc.proargtypes;
  let defaults: Node[] = [];
  let firstDefault = Infinity;
  if (withDefaults && proc.pronargdefaults > 0 && proc.proargdefaults !== null) {
    defaults = stringToNode(proc.proargdefaults) as Node[];
    firstDefault = proc.pronargs - defaults.length;
  }
  // Ordered-set aggregates show their direct arguments apart.
  let insertorderbyat = -1;
  const agg = proc.prokind === "a" ? searchSysCache("AGGFNOID", funcid) : null;
  if (agg !== null && agg.aggkind !== "n") insertorderbyat = agg.aggnumdirectargs;
  let text = "";
  let count = 0;
  let inputargno = 0;
  types.forEach((type, i) => {
    const mode = proc.proargmodes?.[i] ?? "i";
    const isinput = mode === "i" || mode === "b" || mode === "v";
    const name = proc.proargnames?.[i] ?? "";
    if (isinput) inputargno++;
    if (tableArgs !== (mode === "t")) return;
    if (count === insertorderbyat) {
      if (count > 0) text += " ";
      text += "ORDER BY ";
    } else if (count > 0) text += ", ";
    text += mode === "b" ? "INOUT " : mode === "o" ? "OUT " : mode === "v" ? "VARIADIC " : "";
    if (name !== "") text += `${quoteIdentifier(name)} `;
    text += formatTypeBe(type);
    if (isinput && inputargno > firstDefault) {
      const d = defaults[inputargno - 1 - firstDefault];
      if (d !== undefined) text += ` DEFAULT ${deparseExpression(d, [], false, false)}`;
    }
    count++;
    if (insertorderbyat === count && i === types.length - 1) {
      // Nothing follows: the last argument is shown again, as the aggregated one.
      text += ` ORDER BY ${mode === "v" ? "VARIADIC " : ""}${name !== "" ? `${quoteIdentifier(name)} ` : ""}${
        formatTypeBe(type)
      }`;
      count++;
    }
  });
  return { text, count };
}
function functionResult(funcid: Oid): string | null {
  const proc = searchSysCache("PROCOID", funcid);
  if (proc === null || proc.prokind === "p") return null;
  if (proc.proretset) {
    const t = functionArguments(funcid, true, false);
    if (t.count > 0) return `TABLE(${t.text})`;
    return `SETOF ${formatTypeBe(proc.prorettype)}`;
  }
  return formatTypeBe(proc.prorettype);
}
/** print_function_arguments for identity: input arguments and INOUT, VARIADIC; no defaults. */
function functionIdentityArguments(funcid: Oid): string {
  return functionArguments(funcid, false, false).text;
}

/** pg_get_functiondef. */
export function pgGetFunctiondef(funcid: Oid): string | null {
  const proc = searchSysCache("PROCOID", funcid);
  if (proc === null) return null;
  if (proc.prokind === "a") {
    throw new PgError({
      code: ERRCODE.WRONG_OBJECT_TYPE,
      message: `"${proc.proname}" is an aggregate function`,
      routine: "pg_get_functiondef",
    });
  }
  const isfunction = proc.prokind !== "p";
  let buf = `CREATE OR REPLACE ${isfunction ? "FUNCTION" : "PROCEDURE"} ${
    quoteQualifiedIdentifier(getNamespaceName(proc.pronamespace), proc.proname)
  }(${functionArguments(funcid, false, true).text})\n`;
  if (isfunction) buf += ` RETURNS ${functionResult(funcid)}\n`;
  const lang = searchSysCache("LANGOID", proc.prolang)?.lanname ?? "";
  buf += ` LANGUAGE ${quoteIdentifier(lang)}\n`;
  const attrs: string[] = [];
  if (proc.prokind === "w") attrs.push("WINDOW");
  if (proc.provolatile === "i") attrs.push("IMMUTABLE");
  else if (proc.provolatile === "s") attrs.push("STABLE");
  if (proc.proparallel === "s") attrs.push("PARALLEL SAFE");
  else if (proc.proparallel === "r") attrs.push("PARALLEL RESTRICTED");
  if (proc.proisstrict) attrs.push("STRICT");
  if (proc.prosecdef) attrs.push("SECURITY DEFINER");
  if (proc.proleakproof) attrs.push("LEAKPROOF");
  const usual = lang === "internal" || lang === "c" ? 1 : 100;
  if (proc.procost !== usual) attrs.push(`COST ${proc.procost}`);
  if (proc.prorows > 0 && proc.prorows !== 1000) attrs.push(`ROWS ${proc.prorows}`);
  if (proc.prosupport !== 0) {
    const s = searchSysCache("PROCOID", proc.prosupport);
    if (s !== null) attrs.push(`SUPPORT ${quoteIdentifier(s.proname)}`);
  }
  if (attrs.length > 0) buf += ` ${attrs.join(" ")}\n`;
  for (const item of proc.proconfig ?? []) {
    const eq = item.indexOf("=");
    buf += ` SET ${quoteIdentifier(item.slice(0, eq))} TO ${quoteLiteral(item.slice(eq + 1))}\n`;
  }
  if (proc.prosqlbody !== null) buf += `${functionSqlbody(funcid)}\n`;
  else {
    buf += "AS ";
    if (proc.probin !== null) buf += `${quoteLiteral(proc.probin)}, `;
    let tag = isfunction ? "$function" : "$procedure";
    while (proc.prosrc.includes(tag)) tag += "x";
    tag += "$";
    buf += `${tag}${proc.prosrc}${tag}\n`;
  }
  return buf;
}
/** print_function_sqlbody: null if the body is a string. */
export function functionSqlbody(funcid: Oid): string | null {
  const proc = searchSysCache("PROCOID", funcid);
  if (proc === null || proc.prosqlbody === null) return null;
  const dpns = newDeparseNamespace();
  dpns.funcname = proc.proname;
  const input: string[] = [];
  (proc.proallargtypes ?? proc.proargtypes).forEach((_t, i) => {
    const m = proc.proargmodes?.[i] ?? "i";
    if (m === "i" || m === "b" || m === "v") input.push(proc.proargnames?.[i] ?? "");
  });
  dpns.argnames = input;
  const n = stringToNode(proc.prosqlbody);
  const out = { buf: "" };
  if (Array.isArray(n)) {
    const stmts = n[0] as unknown as Query[];
    out.buf += "BEGIN ATOMIC\n";
    for (const q of stmts) {
      getQueryDef(q, out, [dpns], null, false, PRETTYFLAG_INDENT, WRAP_COLUMN_DEFAULT, 1);
      out.buf += ";\n";
    }
    out.buf += "END";
  } else if (n !== null) getQueryDef(n as Query, out, [dpns], null, false, 0, WRAP_COLUMN_DEFAULT, 0);
  return out.buf;
}

// ---- SQL-callable forms ----

const text = (s: string | null): Datum => (s === null ? null : encodeText(s));
const str = (d: Uint8Array): string => decodeText(d);
function viewOidByName(name: string): Oid {
  const parts = splitIdentifierString(name, ".");
  if (parts === null) {
    throw new PgError({
      code: ERRCODE.INVALID_NAME,
      message: "invalid name syntax",
      routine: "textToQualifiedNameList",
    });
  }
  return rangeVarGetRelid(makeRangeVarFromNameList(parts), 1);
}

const ruleutilsBuiltins: BuiltinTable = {
  pg_get_expr: (e: Uint8Array, relid: number) => text(pgGetExpr(str(e), relid, false)),
  pg_get_expr_ext: (e: Uint8Array, relid: number, pretty: boolean) => text(pgGetExpr(str(e), relid, pretty)),
  pg_get_viewdef: (oid: number) => text(pgGetViewdef(oid, PRETTYFLAG_INDENT, WRAP_COLUMN_DEFAULT)),
  pg_get_viewdef_ext: (oid: number, pretty: boolean) =>
    text(pgGetViewdef(oid, prettyFlagsOf(pretty), WRAP_COLUMN_DEFAULT)),
  pg_get_viewdef_wrap: (oid: number, wrap: number) => text(pgGetViewdef(oid, prettyFlagsOf(true), wrap)),
  pg_get_viewdef_name: (name: Uint8Array) =>
    text(pgGetViewdef(viewOidByName(str(name)), PRETTYFLAG_INDENT, WRAP_COLUMN_DEFAULT)),
  pg_get_viewdef_name_ext: (name: Uint8Array, pretty: boolean) =>
    text(pgGetViewdef(viewOidByName(str(name)), prettyFlagsOf(pretty), WRAP_COLUMN_DEFAULT)),
  pg_get_ruledef: (oid: number) => text(pgGetRuledef(oid, PRETTYFLAG_INDENT)),
  pg_get_ruledef_ext: (oid: number, pretty: boolean) => text(pgGetRuledef(oid, prettyFlagsOf(pretty))),
  pg_get_indexdef: (oid: number) => text(pgGetIndexdef(oid, 0, null, false, false, false, false, PRETTYFLAG_INDENT)),
  pg_get_indexdef_ext: (oid: number, colno: number, pretty: boolean) =>
    text(pgGetIndexdef(oid, colno, null, colno !== 0, false, false, false, prettyFlagsOf(pretty))),
  pg_get_constraintdef: (oid: number) => text(pgGetConstraintdef(oid, false, PRETTYFLAG_INDENT)),
  pg_get_constraintdef_ext: (oid: number, pretty: boolean) =>
    text(pgGetConstraintdef(oid, false, prettyFlagsOf(pretty))),
  pg_get_function_arguments: (oid: number) =>
    searchSysCache("PROCOID", oid) === null ? null : text(functionArguments(oid, false, true).text),
  pg_get_function_identity_arguments: (oid: number) =>
    searchSysCache("PROCOID", oid) === null ? null : text(functionIdentityArguments(oid)),
  pg_get_function_result: (oid: number) => text(functionResult(oid)),
  pg_get_functiondef: (oid: number) => text(pgGetFunctiondef(oid)),
  pg_get_function_sqlbody: (oid: number) => text(functionSqlbody(oid)),
  pg_get_function_arg_default: (oid: number, nth: number) => {
    const proc = searchSysCache("PROCOID", oid);
    if (proc === null || proc.proargdefaults === null) return null;
    const total = (proc.proallargtypes ?? proc.proargtypes).length;
    if (nth < 1 || nth > total) return null;
    const isInput = (i: number) => ["i", "b", "v"].includes(proc.proargmodes?.[i] ?? "i");
    if (!isInput(nth - 1)) return null;
    let inputNo = 0;
    for (let i = 0; i < nth; i++) if (isInput(i)) inputNo++;
    const defaults = stringToNode(proc.proargdefaults) as Node[];
    const d = defaults[inputNo - 1 - (proc.pronargs - defaults.length)];
    return d === undefined ? null : text(deparseExpression(d, [], false, false));
  },
};

/** Adds these functions to the registry; once for each process. */
export function registerRuleutils(): void {
  registerBuiltins(ruleutilsBuiltins);
}
export type { DeparseNamespace };
