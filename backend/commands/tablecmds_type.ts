/**
 * ALTER TABLE … ALTER COLUMN … TYPE.
 *
 * The column's default is converted, indexes and constraints that use it are dropped and made again from their
 * definitions, the rows are rewritten unless the old values serve as they are. Follows ATPrepAlterColumnType(),
 * ATExecAlterColumnType() and ATPostAlterTypeCleanup() in src/backend/commands/tablecmds.c.
 */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { pgError } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import { relationClose, tableOpen } from "../access/common/relation.ts";
import type { Attribute } from "../access/common/tupdesc.ts";
import { commandCounterIncrement } from "../access/transam/xact.ts";
import * as O from "../catalog/catalog_oids.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import type { PgAttribute } from "../catalog/catalog_rows.ts";
import { performMultipleDeletions } from "../catalog/dependency.ts";
import { checkAttributeType, makeAttribute, removeAttrDefault, storeAttrDefault } from "../catalog/heap.ts";
import { catalogDelete, catalogUpdate } from "../catalog/indexing.ts";
import { getObjectDescription, type ObjectAddress, objectAddress } from "../catalog/object_address.ts";
import { recordDependencyOn } from "../catalog/pg_depend.ts";
import { compileExprOnRow } from "../executor/exec_expr.ts";
import { makeVar } from "../nodes/makefuncs.ts";
import { exprType, stripImplicitCoercions } from "../nodes/node_funcs.ts";
import type { Node } from "../nodes/nodes.ts";
import { stringToNode } from "../nodes/readfuncs.ts";
import { expressionPlanner } from "../optimizer/plan/expression_planner.ts";
import { assignExprCollations } from "../parser/parse_collate.ts";
import { coerceToTargetType } from "../parser/parse_coerce.ts";
import { transformExpr } from "../parser/parse_expr.ts";
import { addNSItemToQuery, addRangeTableEntryForRelation } from "../parser/parse_relation.ts";
import { getColumnDefCollation, typenameTypeIdAndMod } from "../parser/parse_type.ts";
import { rawParser } from "../parser/parser.ts";
import { AccessExclusiveLock, NoLock } from "../storage/lmgr/locktypes.ts";
import { processSubcommand, type UtilityCall } from "../tcop/utility.ts";
import { formatTypeBe, formatTypeWithTypemod } from "../utils/adt/format_type.ts";
import { pgGetConstraintdef, pgGetIndexdef } from "../utils/adt/ruleutils.ts";
import { quoteIdentifier, quoteQualifiedIdentifier } from "../utils/adt/ruleutils_names.ts";
import { cacheInvalidateRelcacheByRelid } from "../utils/cache/inval.ts";
import { getNamespaceName } from "../utils/cache/lsyscache.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { parseStateOf } from "./parse_state.ts";
import { rewriteTable } from "./tablecmds_rewrite.ts";

interface Rebuild {
  readonly object: ObjectAddress;
  readonly sql: string;
}

/** Runs the subcommand. @throws 42804, 42P16, 0A000, 42601 */
export function alterColumnType(relid: Oid, att: PgAttribute, cmd: Raw.AlterTableCmd, call: UtilityCall): void {
  const column = (cmd.def as { ColumnDef: Raw.ColumnDef }).ColumnDef;
  const pstate = parseStateOf(call.queryString);
  const { typeId, typmod } = typenameTypeIdAndMod(pstate, column.typeName!);
  const collation = getColumnDefCollation(pstate, column, typeId);
  if (att.attgenerated !== "" && column.raw_default !== undefined) {
    throw pgError(ERRCODE.INVALID_COLUMN_DEFINITION, "cannot specify USING when altering type of generated column", {
      detail: `Column "${att.attname}" is a generated column.`,
      routine: "ATPrepAlterColumnType",
    });
  }
  checkAttributeType(att.attname, typeId);
  const transform = conversion(relid, att, column, { typeId, typmod }, call.queryString);
  const defaultExpr = convertedDefault(relid, att, typeId, typmod);
  const rebuild = dependents(relid, att);
  if (rebuild.length > 0) {
    performMultipleDeletions(rebuild.map((r) => r.object), "DROP_RESTRICT");
    commandCounterIncrement();
  }
  if (defaultExpr !== null) {
    removeAttrDefault(relid, att.attnum, "DROP_RESTRICT", true);
    commandCounterIncrement();
  }
  const next = makeAttribute(att.attnum, att.attname, typeId, typmod, {
    attndims: (column.typeName!.arrayBounds ?? []).length,
    attcollation: collation,
  });
  const change = (): void => changeAttribute(relid, next);
  if (needsNoRewrite(transform, att.attnum)) change();
  else {
    const value = compileExprOnRow(expressionPlanner(transform));
    const index = att.attnum - 1;
    rewriteTable(relid, (values: Datum[]) => values[index] = value(values), change);
  }
  cacheInvalidateRelcacheByRelid(relid);
  commandCounterIncrement();
  if (defaultExpr !== null) {
    storeAttrDefault(relid, att.attnum, defaultExpr);
    commandCounterIncrement();
  }
  for (const r of rebuild) {
    const [raw] = rawParser(r.sql);
    processSubcommand(raw.stmt as Readonly<Record<string, unknown>>, { ...call, queryString: r.sql });
    commandCounterIncrement();
  }
}

/** The expression that makes the new value of a row. */
function conversion(
  relid: Oid,
  att: PgAttribute,
  column: Raw.ColumnDef,
  target: { typeId: Oid; typmod: number },
  queryString: string,
): Node {
  const pstate = parseStateOf(queryString);
  let given: Node;
  if (column.raw_default !== undefined) {
    const rel = tableOpen(relid, NoLock);
    try {
      const nsitem = addRangeTableEntryForRelation(pstate, rel, AccessExclusiveLock, null, false, true);
      addNSItemToQuery(pstate, nsitem, false, true, true);
      given = transformExpr(pstate, column.raw_default, "EXPR_KIND_ALTER_COL_TRANSFORM")!;
    } finally {
      relationClose(rel, NoLock);
    }
  } else given = makeVar(1, att.attnum, att.atttypid, att.atttypmod, att.attcollation, 0);
  const coerced = coerceToTargetType(
    pstate,
    given,
    exprType(given),
    target.typeId,
    target.typmod,
    1,
    "COERCE_IMPLICIT_CAST",
    -1,
  );
  if (coerced === null) {
    const name = formatTypeWithTypemod(target.typeId, target.typmod);
    throw column.raw_default !== undefined
      ? pgError(
        ERRCODE.DATATYPE_MISMATCH,
        `result of USING clause for column "${att.attname}" cannot be cast automatically to type ${
          formatTypeBe(target.typeId)
        }`,
        { hint: "You might need to add an explicit cast.", routine: "ATPrepAlterColumnType" },
      )
      : pgError(
        ERRCODE.DATATYPE_MISMATCH,
        `column "${att.attname}" cannot be cast automatically to type ${formatTypeBe(target.typeId)}`,
        {
          hint: att.attgenerated !== ""
            ? undefined
            : `You might need to specify "USING ${quoteIdentifier(att.attname)}::${name}".`,
          routine: "ATPrepAlterColumnType",
        },
      );
  }
  assignExprCollations(pstate, coerced);
  return coerced;
}

/** The default coerced to the new type; null if there is none. @throws 42804 */
function convertedDefault(relid: Oid, att: PgAttribute, typeId: Oid, typmod: number): Node | null {
  const def = catalogScan("pg_attrdef", { adrelid: relid }).find((d) => d.adnum === att.attnum);
  if (def === undefined) return null;
  const expr = stripImplicitCoercions(stringToNode(def.adbin) as Node)!;
  const coerced = coerceToTargetType(
    parseStateOf(null),
    expr,
    exprType(expr),
    typeId,
    typmod,
    1,
    "COERCE_IMPLICIT_CAST",
    -1,
  );
  if (coerced !== null) return coerced;
  const what = att.attgenerated !== "" ? "generation expression" : "default";
  throw pgError(
    ERRCODE.DATATYPE_MISMATCH,
    `${what} for column "${att.attname}" cannot be cast automatically to type ${formatTypeBe(typeId)}`,
    { routine: "ATExecAlterColumnType" },
  );
}

/** True if stored values serve the new type: the column itself under relabelings only. */
function needsNoRewrite(expr: Node, attnum: number): boolean {
  let e = expressionPlanner(expr);
  while (e.type === "RelabelType") e = e.arg!;
  return e.type === "Var" && e.varattno === attnum;
}

/** What is built on the column and must be made again. @throws 0A000 for views, 42601 for generated columns */
function dependents(relid: Oid, att: PgAttribute): Rebuild[] {
  const out: Rebuild[] = [];
  const table = searchSysCache("RELOID", relid)!;
  const qualified = quoteQualifiedIdentifier(getNamespaceName(table.relnamespace), table.relname);
  const seen = new Set<string>();
  for (
    const d of catalogScan("pg_depend", { refclassid: O.RelationRelationId, refobjid: relid, refobjsubid: att.attnum })
  ) {
    const object = objectAddress(d.classid, d.objid, d.objsubid);
    const key = `${d.classid}/${d.objid}`;
    if (seen.has(key)) continue;
    seen.add(key);
    switch (d.classid) {
      case O.RelationRelationId: {
        if (searchSysCache("RELOID", d.objid)?.relkind !== "i") break; // an owned sequence
        // An index of a constraint is made again with it.
        if (catalogScan("pg_constraint", { conrelid: relid }).some((c) => c.conindid === d.objid)) break;
        out.push({ object, sql: pgGetIndexdef(d.objid, 0, null, false, false, false, false, 0)! });
        break;
      }
      case O.ConstraintRelationId: {
        const con = catalogScan("pg_constraint", { oid: d.objid })[0];
        if (con.contype === "n") break;
        const def = pgGetConstraintdef(con.oid, false, 0);
        out.push({ object, sql: `ALTER TABLE ${qualified} ADD CONSTRAINT ${quoteIdentifier(con.conname)} ${def}` });
        break;
      }
      case O.AttrDefaultRelationId: {
        const def = catalogScan("pg_attrdef", { oid: d.objid })[0];
        if (def.adrelid === relid && def.adnum === att.attnum) break;
        const other = searchSysCache("ATTNUM", def.adrelid, def.adnum)!.attname;
        throw pgError(ERRCODE.SYNTAX_ERROR, "cannot alter type of a column used by a generated column", {
          detail: `Column "${att.attname}" is used by generated column "${other}".`,
          routine: "RememberAllDependentForRebuilding",
        });
      }
      default: {
        const what: Readonly<Record<number, string>> = {
          [O.RewriteRelationId]: "a view or rule",
          [O.ProcedureRelationId]: "a function or procedure",
        };
        throw pgError(
          ERRCODE.FEATURE_NOT_SUPPORTED,
          `cannot alter type of a column used by ${what[d.classid] ?? "another object"}`,
          {
            detail: `${getObjectDescription(object)} depends on column "${att.attname}"`,
            routine: "RememberAllDependentForRebuilding",
          },
        );
      }
    }
  }
  return out;
}

/** Stores the column's new type, with its dependencies; statistics of the old one are gone. */
function changeAttribute(relid: Oid, next: Attribute): void {
  const att = searchSysCache("ATTNUM", relid, next.attnum)!;
  catalogUpdate("pg_attribute", att.ctid, {
    ...att,
    atttypid: next.atttypid,
    attlen: next.attlen,
    atttypmod: next.atttypmod,
    attndims: next.attndims,
    attbyval: next.attbyval,
    attalign: next.attalign,
    attstorage: next.attstorage,
    attcollation: next.attcollation,
    attcompression: "",
  });
  const column = objectAddress(O.RelationRelationId, relid, next.attnum);
  for (const d of catalogScan("pg_depend", { classid: O.RelationRelationId, objid: relid, objsubid: next.attnum })) {
    if (d.refclassid === O.TypeRelationId || d.refclassid === O.CollationRelationId) {
      catalogDelete("pg_depend", d.ctid);
    }
  }
  recordDependencyOn(column, objectAddress(O.TypeRelationId, next.atttypid), "n");
  if (next.attcollation !== 0 && next.attcollation !== O.DEFAULT_COLLATION_OID) {
    recordDependencyOn(column, objectAddress(O.CollationRelationId, next.attcollation), "n");
  }
  for (const s of catalogScan("pg_statistic", { starelid: relid })) {
    if (s.staattnum === next.attnum) catalogDelete("pg_statistic", s.ctid);
  }
}
