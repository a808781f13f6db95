/**
 * ALTER TABLE (columns, defaults, constraints, ownership) and RENAME.
 *
 * Each command takes AccessExclusiveLock and does its work at once. A new column with a default that is not volatile costs
 * nothing per row (pg_attribute.attmissingval); what must change stored rows is in tablecmds_rewrite.ts.
 * Follows src/backend/commands/tablecmds.c.
 */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { ereport, notBuilt, pgError } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import { relationClose, relationOpen, tableOpen } from "../access/common/relation.ts";
import { heapBeginscan, heapEndscan, heapGetnext } from "../access/heap/heapam_scan.ts";
import { commandCounterIncrement } from "../access/transam/xact.ts";
import { checkCanSetRole, getRolespecOid, objectOwnercheck, ownercheckError, relkindNoun } from "../catalog/aclchk.ts";
import { isSystemClass } from "../catalog/catalog.ts";
import * as O from "../catalog/catalog_oids.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import { type DropBehavior, performDeletion } from "../catalog/dependency.ts";
import {
  checkAttributeType,
  insertAttributes,
  removeAttrDefault,
  storeAttrDefault,
  systemAttributeByName,
} from "../catalog/heap.ts";
import { catalogUpdate } from "../catalog/indexing.ts";
import { rangeVarGetRelid } from "../catalog/namespace.ts";
import { objectAddress } from "../catalog/object_address.ts";
import {
  chooseConstraintName,
  createConstraintEntry,
  findNotNullConstraintAttnum,
  getRelationConstraint,
} from "../catalog/pg_constraint.ts";
import { changeDependencyFor, deleteDependencyRecordsFor, getOwnedSequence } from "../catalog/pg_depend.ts";
import { changeDependencyOnOwner } from "../catalog/pg_shdepend.ts";
import { newHeapCreateToastTable } from "../catalog/toasting.ts";
import { compileExpr, compileExprOnRow } from "../executor/exec_expr.ts";
import { makeNode } from "../nodes/make_node.ts";
import type { Node } from "../nodes/nodes.ts";
import { stringToNode } from "../nodes/readfuncs.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { addIdentity, dropIdentity, setIdentity } from "./tablecmds_identity.ts";
import { forEachRow, rewriteTable } from "./tablecmds_rewrite.ts";
import { alterColumnType } from "./tablecmds_type.ts";
import { containVolatileFunctions } from "../optimizer/util/clauses.ts";
import { expressionPlanner } from "../optimizer/plan/expression_planner.ts";
import { transformAlterPart } from "../parser/parse_utilcmd.ts";
import { AccessExclusiveLock, NoLock, ShareUpdateExclusiveLock } from "../storage/lmgr/locktypes.ts";
import { processSubcommand, type UtilityCall } from "../tcop/utility.ts";
import { makeArray } from "../utils/adt/array_codec.ts";
import { cacheInvalidateRelcacheByRelid } from "../utils/cache/inval.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { getUserId } from "../utils/init/globals.ts";
import { getLatestSnapshot } from "../utils/time/snapmgr.ts";
import { alterDatabaseOwner, renameDatabase } from "./dbcommands.ts";
import { defineIndex } from "./indexcmds.ts";
import {
  alterFunctionOwner,
  alterTypeNamespace,
  alterTypeOwner,
  checkNewOwner,
  renameType,
  setTypeOwner,
} from "./alter.ts";
import { changeRelOptions } from "./reloptions.ts";
import { aclNewOwner } from "../utils/adt/acl.ts";
import type { PgType } from "../catalog/catalog_rows.ts";
import { getNamespaceName } from "../utils/cache/lsyscache.ts";
import { parseStateOf } from "./parse_state.ts";
import {
  addRelationNewConstraints,
  addRelationNotNullConstraints,
  buildAttribute,
  cookDefault,
  parseStateFor,
} from "./tablecmds.ts";
import { renameRole } from "./user.ts";

function checkOwner(relid: Oid): void {
  const row = searchSysCache("RELOID", relid);
  if (row === null) return;
  if (!objectOwnercheck("pg_class", relid, getUserId())) throw ownercheckError(relkindNoun(row.relkind), row.relname);
  if (isSystemClass(relid, row.relnamespace)) {
    throw pgError(ERRCODE.INSUFFICIENT_PRIVILEGE, `permission denied: "${row.relname}" is a system catalog`);
  }
}

export function alterTableCommand(stmt: Raw.AlterTableStmt, call: UtilityCall): void {
  const relid = rangeVarGetRelid(stmt.relation!, AccessExclusiveLock, {
    missingOk: stmt.missing_ok ?? false,
    callback: (_rv, id) => id !== 0 && checkOwner(id),
  });
  if (relid === 0) {
    ereport("NOTICE", { message: `relation "${stmt.relation!.relname}" does not exist, skipping` });
    return;
  }
  const rel = relationOpen(relid, NoLock);
  const inUse = rel.rd_refcnt > 1;
  const name = rel.rd_rel.relname;
  const isIndex = rel.rd_rel.relkind === "i";
  relationClose(rel, NoLock);
  const first = (stmt.cmds?.[0] as { AlterTableCmd?: Raw.AlterTableCmd } | undefined)?.AlterTableCmd?.subtype ?? "";
  if (isIndex && first !== "AT_SetRelOptions" && first !== "AT_ResetRelOptions") {
    throw notBuilt("this ALTER TABLE of an index");
  }
  if (inUse) {
    throw pgError(
      ERRCODE.OBJECT_IN_USE,
      `cannot ALTER TABLE "${name}" because it is being used by active queries in this session`,
      { routine: "CheckTableNotInUse" },
    );
  }
  for (const c of stmt.cmds ?? []) {
    alterOne(relid, (c as { AlterTableCmd: Raw.AlterTableCmd }).AlterTableCmd, call);
    commandCounterIncrement();
  }
}

function columnRow(relid: Oid, name: string) {
  const att = searchSysCache("ATTNAME", relid, name);
  if (att === null) {
    const rel = searchSysCache("RELOID", relid)!;
    throw pgError(ERRCODE.UNDEFINED_COLUMN, `column "${name}" of relation "${rel.relname}" does not exist`);
  }
  if (att.attnum < 0) throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, `cannot alter system column "${name}"`);
  return att;
}

function alterOne(relid: Oid, cmd: Raw.AlterTableCmd, call: UtilityCall): void {
  switch (cmd.subtype) {
    case "AT_AddColumn":
      return addColumn(relid, cmd, call);
    case "AT_DropColumn":
      return dropColumn(relid, cmd);
    case "AT_ColumnDefault":
      return columnDefault(relid, cmd);
    case "AT_SetNotNull":
      return setNotNull(relid, columnRow(relid, cmd.name!).attname, null);
    case "AT_DropNotNull":
      return dropNotNull(relid, cmd);
    case "AT_AddConstraint":
      return addConstraint(relid, (cmd.def as { Constraint: Raw.Constraint }).Constraint, call);
    case "AT_DropConstraint":
      return dropConstraint(relid, cmd);
    case "AT_ChangeOwner":
      return changeRelationOwner(relid, getRolespecOid(cmd.newowner!, false));
    case "AT_SetRelOptions":
    case "AT_ResetRelOptions":
      return setRelOptions(relid, cmd);
    case "AT_SetStatistics": {
      const att = columnRow(relid, cmd.name!);
      const target = (cmd.def as { Integer?: { ival?: number } } | undefined)?.Integer?.ival ?? 0;
      catalogUpdate("pg_attribute", att.ctid, { ...att, attstattarget: target < 0 ? null : target });
      return;
    }
    case "AT_ValidateConstraint":
      return validateConstraint(relid, cmd.name!);
    case "AT_AlterColumnType":
      return alterColumnType(relid, columnRow(relid, cmd.name!), cmd, call);
    case "AT_SetStorage":
      return setStorage(relid, cmd);
    case "AT_DropExpression":
      return dropExpression(relid, cmd);
    case "AT_AddIdentity":
      return addIdentity(relid, columnRow(relid, cmd.name!), cmd, call);
    case "AT_SetIdentity":
      return setIdentity(relid, columnRow(relid, cmd.name!), cmd, call);
    case "AT_DropIdentity":
      return dropIdentity(relid, columnRow(relid, cmd.name!), cmd.missing_ok ?? false);
    default:
      throw notBuilt(
        `ALTER TABLE ${(cmd.subtype ?? "").replace("AT_", "").replaceAll(/([a-z])([A-Z])/g, "$1 $2").toUpperCase()}`,
      );
  }
}

function withTable<T>(relid: Oid, f: (rel: Relation) => T): T {
  const rel = tableOpen(relid, NoLock);
  try {
    return f(rel);
  } finally {
    relationClose(rel, NoLock);
  }
}

function tableIsEmpty(rel: Relation): boolean {
  const scan = heapBeginscan(rel, getLatestSnapshot());
  const empty = heapGetnext(scan, 1) === null;
  heapEndscan(scan);
  return empty;
}

function addColumn(relid: Oid, cmd: Raw.AlterTableCmd, call: UtilityCall): void {
  const given = (cmd.def as { ColumnDef: Raw.ColumnDef }).ColumnDef;
  const row = searchSysCache("RELOID", relid)!;
  if (row.relkind !== "r") throw notBuilt("ADD COLUMN to this kind of relation");
  const old = searchSysCache("ATTNAME", relid, given.colname!);
  if (old !== null) {
    if (old.attnum < 0 || systemAttributeByName(given.colname!) !== null) {
      throw pgError(ERRCODE.DUPLICATE_COLUMN, `column name "${given.colname}" conflicts with a system column name`);
    }
    if (cmd.missing_ok) {
      ereport("NOTICE", {
        code: ERRCODE.DUPLICATE_COLUMN,
        message: `column "${given.colname}" of relation "${row.relname}" already exists, skipping`,
      });
      return;
    }
    throw pgError(ERRCODE.DUPLICATE_COLUMN, `column "${given.colname}" of relation "${row.relname}" already exists`, {
      routine: "check_for_column_name_collision",
    });
  }
  const def = transformAlterPart(relid, { column: given }, call.queryString);
  for (const s of def.before) processSubcommand(s, call);
  const attnum = row.relnatts + 1;
  const att = buildAttribute(parseStateOf(call.queryString), def.columns[0], attnum);
  checkAttributeType(att.attname, att.atttypid);
  const empty = withTable(relid, tableIsEmpty);
  insertAttributes(relid, [att]);
  const cls = searchSysCache("RELOID", relid)!;
  catalogUpdate("pg_class", cls.ctid, { ...cls, relnatts: attnum });
  commandCounterIncrement();
  let hasValue = false;
  let perRow: Node | null = null;
  withTable(relid, (rel) => {
    const raw = def.columns[0].raw_default;
    if (raw === undefined) return;
    const expr = cookDefault(parseStateFor(rel, call.queryString), raw, rel.rd_att.attrs[attnum - 1]);
    if (!empty) {
      if (att.attgenerated !== "" || containVolatileFunctions(expr)) perRow = expr;
      else {
        const value = compileExpr(expressionPlanner(expr))();
        if (value !== null) {
          hasValue = true;
          setMissing(relid, attnum, value);
        }
      }
    }
    if (expr.type !== "Const" || !expr.constisnull) storeAttrDefault(relid, attnum, expr);
  });
  commandCounterIncrement();
  // A sequence becomes the column's own before rows are numbered by it.
  for (const s of def.after) processSubcommand(s, call);
  commandCounterIncrement();
  if (!empty && att.attidentity !== "") {
    const seqid = getOwnedSequence(relid, attnum, "i");
    perRow = makeNode("NextValueExpr", { seqid, typeId: att.atttypid });
  }
  if (perRow !== null) {
    const value = compileExprOnRow(expressionPlanner(perRow));
    rewriteTable(relid, (values) => values[attnum - 1] = value(values), () => {});
    if (att.attnotnull) {
      withTable(relid, (rel) =>
        forEachRow(rel, (values) => {
          if (values[attnum - 1] === null) throw containsNulls(row, att.attname);
        }));
    }
  } else if (att.attnotnull && !empty && !hasValue) throw containsNulls(row, att.attname);
  withTable(relid, (rel) => {
    addRelationNotNullConstraints(rel, def.notNulls);
    const added = addRelationNewConstraints(rel, [], def.checks, null);
    if (!empty) checkRows(rel, added);
  });
  for (const n of def.notNulls) markNotNull(relid, n.colname);
  commandCounterIncrement();
  newHeapCreateToastTable(relid);
  for (const index of def.indexes) {
    defineIndex(relid, index, call.queryString, { isAlterTable: true });
    commandCounterIncrement();
  }
}

/** Value of the column in rows that were stored before it was added. */
function setMissing(relid: Oid, attnum: number, value: Datum): void {
  const att = searchSysCache("ATTNUM", relid, attnum)!;
  catalogUpdate("pg_attribute", att.ctid, {
    ...att,
    atthasmissing: true,
    attmissingval: makeArray(att.atttypid, [value]),
  });
  commandCounterIncrement();
}

const containsNulls = (row: { relname: string; relnamespace: Oid }, column: string) =>
  pgError(ERRCODE.NOT_NULL_VIOLATION, `column "${column}" of relation "${row.relname}" contains null values`, {
    schema: getNamespaceName(row.relnamespace) ?? undefined,
    table: row.relname,
    column,
    routine: "ATRewriteTable",
  });

/** Checks new CHECK constraints against every row. @throws 23514 */
function checkRows(rel: Relation, checks: readonly { name: string; expr: Node }[]): void {
  if (checks.length === 0) return;
  const compiled = checks.map((c) => ({ name: c.name, ok: compileExprOnRow(expressionPlanner(c.expr)) }));
  forEachRow(rel, (values) => {
    for (const c of compiled) {
      if (c.ok(values) === false) {
        throw pgError(
          ERRCODE.CHECK_VIOLATION,
          `check constraint "${c.name}" of relation "${rel.rd_rel.relname}" is violated by some row`,
          {
            schema: getNamespaceName(rel.rd_rel.relnamespace) ?? undefined,
            table: rel.rd_rel.relname,
            constraint: c.name,
            routine: "ATRewriteTable",
          },
        );
      }
    }
  });
}

function dropColumn(relid: Oid, cmd: Raw.AlterTableCmd): void {
  const name = cmd.name!;
  const att = searchSysCache("ATTNAME", relid, name);
  const relname = searchSysCache("RELOID", relid)!.relname;
  if (att === null) {
    if (cmd.missing_ok) {
      ereport("NOTICE", { message: `column "${name}" of relation "${relname}" does not exist, skipping` });
      return;
    }
    throw pgError(ERRCODE.UNDEFINED_COLUMN, `column "${name}" of relation "${relname}" does not exist`);
  }
  if (att.attnum < 0) throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, `cannot drop system column "${name}"`);
  performDeletion(
    objectAddress(O.RelationRelationId, relid, att.attnum),
    (cmd.behavior ?? "DROP_RESTRICT") as DropBehavior,
  );
  cacheInvalidateRelcacheByRelid(relid);
}

function columnDefault(relid: Oid, cmd: Raw.AlterTableCmd): void {
  const att = columnRow(relid, cmd.name!);
  const relname = searchSysCache("RELOID", relid)!.relname;
  if (att.attidentity !== "") {
    throw pgError(ERRCODE.SYNTAX_ERROR, `column "${att.attname}" of relation "${relname}" is an identity column`, {
      hint: cmd.def ? undefined : "Use ALTER TABLE ... ALTER COLUMN ... DROP IDENTITY instead.",
    });
  }
  if (att.attgenerated !== "") {
    throw pgError(ERRCODE.SYNTAX_ERROR, `column "${att.attname}" of relation "${relname}" is a generated column`);
  }
  removeAttrDefault(relid, att.attnum, "DROP_RESTRICT", cmd.def === undefined);
  commandCounterIncrement();
  if (cmd.def !== undefined) {
    withTable(relid, (rel) => {
      const expr = cookDefault(parseStateOf(null), cmd.def!, rel.rd_att.attrs[att.attnum - 1]);
      storeAttrDefault(relid, att.attnum, expr);
    });
  }
  cacheInvalidateRelcacheByRelid(relid);
}

function markNotNull(relid: Oid, column: string): void {
  const att = searchSysCache("ATTNAME", relid, column)!;
  if (!att.attnotnull) catalogUpdate("pg_attribute", att.ctid, { ...att, attnotnull: true });
}

function setNotNull(relid: Oid, column: string, conname: string | null): void {
  const att = searchSysCache("ATTNAME", relid, column)!;
  if (findNotNullConstraintAttnum(relid, att.attnum) !== null) return;
  withTable(relid, (rel) => {
    forEachRow(rel, (values) => {
      if (values[att.attnum - 1] === null) throw containsNulls(rel.rd_rel, column);
    });
    createConstraintEntry({
      conname: conname ?? chooseConstraintName(rel.rd_rel.relname, column, "not_null", rel.rd_rel.relnamespace, []),
      connamespace: rel.rd_rel.relnamespace,
      contype: "n",
      conrelid: relid,
      conkey: [att.attnum],
    });
  });
  markNotNull(relid, column);
}

function dropNotNull(relid: Oid, cmd: Raw.AlterTableCmd): void {
  const att = columnRow(relid, cmd.name!);
  if (!att.attnotnull) return;
  const relname = searchSysCache("RELOID", relid)!.relname;
  if (att.attidentity !== "") {
    throw pgError(ERRCODE.SYNTAX_ERROR, `column "${att.attname}" of relation "${relname}" is an identity column`);
  }
  const pk = catalogScan("pg_constraint", { conrelid: relid }).find((c) =>
    c.contype === "p" && c.conkey!.includes(att.attnum)
  );
  if (pk !== undefined) {
    throw pgError(ERRCODE.INVALID_TABLE_DEFINITION, `column "${att.attname}" is in a primary key`, {
      routine: "ATExecDropNotNull",
    });
  }
  const con = findNotNullConstraintAttnum(relid, att.attnum);
  if (con !== null) performDeletion(objectAddress(O.ConstraintRelationId, con.oid), "DROP_RESTRICT");
  else catalogUpdate("pg_attribute", att.ctid, { ...att, attnotnull: false });
}

function addConstraint(relid: Oid, con: Raw.Constraint, call: UtilityCall): void {
  const relname = searchSysCache("RELOID", relid)!.relname;
  if (con.contype === "CONSTR_NOTNULL") {
    const column = ((con.keys ?? [])[0] as { String: Raw.String }).String.sval!;
    return setNotNull(relid, columnRow(relid, column).attname, con.conname ?? null);
  }
  if (
    con.conname !== undefined && con.contype === "CONSTR_CHECK" && getRelationConstraint(relid, con.conname) !== null
  ) {
    throw pgError(ERRCODE.DUPLICATE_OBJECT, `constraint "${con.conname}" for relation "${relname}" already exists`);
  }
  const def = transformAlterPart(relid, { constraint: con }, call.queryString);
  for (const n of def.notNulls) setNotNull(relid, n.colname, n.conname);
  if (def.notNulls.length > 0) commandCounterIncrement();
  if (def.checks.length > 0) {
    withTable(relid, (rel) => {
      const added = addRelationNewConstraints(rel, [], def.checks, null);
      if (!con.skip_validation) checkRows(rel, added);
    });
  }
  for (const index of def.indexes) {
    defineIndex(relid, index, call.queryString, { isAlterTable: true });
    commandCounterIncrement();
  }
}

function validateConstraint(relid: Oid, name: string): void {
  const con = getRelationConstraint(relid, name);
  const relname = searchSysCache("RELOID", relid)!.relname;
  if (con === null) {
    throw pgError(ERRCODE.UNDEFINED_OBJECT, `constraint "${name}" of relation "${relname}" does not exist`);
  }
  if (con.convalidated) return;
  if (con.contype !== "c") throw notBuilt("VALIDATE CONSTRAINT of this kind of constraint");
  withTable(relid, (rel) => checkRows(rel, [{ name, expr: stringToNode(con.conbin!) as Node }]));
  catalogUpdate("pg_constraint", con.ctid!, { ...con, convalidated: true });
  cacheInvalidateRelcacheByRelid(relid);
}

/** SET STORAGE. @throws 0A000 for a type that is stored in line only, 22023 for an unknown name */
function setStorage(relid: Oid, cmd: Raw.AlterTableCmd): void {
  const att = columnRow(relid, cmd.name!);
  const word = (cmd.def as { String?: Raw.String } | undefined)?.String?.sval ?? "default";
  const own = searchSysCache("TYPEOID", att.atttypid)!.typstorage;
  const letter = { plain: "p", external: "e", extended: "x", main: "m", default: own }[word.toLowerCase()];
  if (letter === undefined) {
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `invalid storage type "${word}"`, {
      routine: "GetAttributeStorage",
    });
  }
  if (letter !== "p" && own === "p") {
    throw pgError(
      ERRCODE.FEATURE_NOT_SUPPORTED,
      `column data type ${formatTypeBe(att.atttypid)} can only have storage PLAIN`,
      { routine: "GetAttributeStorage" },
    );
  }
  catalogUpdate("pg_attribute", att.ctid, { ...att, attstorage: letter });
}

/** DROP EXPRESSION: the stored values stay, the column becomes an ordinary one. */
function dropExpression(relid: Oid, cmd: Raw.AlterTableCmd): void {
  const att = columnRow(relid, cmd.name!);
  const relname = searchSysCache("RELOID", relid)!.relname;
  if (att.attgenerated === "v") {
    throw pgError(
      ERRCODE.FEATURE_NOT_SUPPORTED,
      "ALTER TABLE / DROP EXPRESSION is not supported for virtual generated columns",
      { detail: `Column "${att.attname}" of relation "${relname}" is a virtual generated column.` },
    );
  }
  if (att.attgenerated === "") {
    const message = `column "${att.attname}" of relation "${relname}" is not a generated column`;
    if (!cmd.missing_ok) {
      throw pgError(ERRCODE.OBJECT_NOT_IN_PREREQUISITE_STATE, message, { routine: "ATExecDropExpression" });
    }
    ereport("NOTICE", { message: `${message}, skipping` });
    return;
  }
  catalogUpdate("pg_attribute", att.ctid, { ...att, attgenerated: "" });
  // The expression's dependency on its own column is internal: it must go before the expression can.
  const def = catalogScan("pg_attrdef", { adrelid: relid }).find((d) => d.adnum === att.attnum)!;
  deleteDependencyRecordsFor(O.AttrDefaultRelationId, def.oid);
  commandCounterIncrement();
  removeAttrDefault(relid, att.attnum, "DROP_RESTRICT", false);
  cacheInvalidateRelcacheByRelid(relid);
}

function dropConstraint(relid: Oid, cmd: Raw.AlterTableCmd): void {
  const con = getRelationConstraint(relid, cmd.name!);
  const relname = searchSysCache("RELOID", relid)!.relname;
  if (con === null) {
    if (cmd.missing_ok) {
      ereport("NOTICE", { message: `constraint "${cmd.name}" of relation "${relname}" does not exist, skipping` });
      return;
    }
    throw pgError(ERRCODE.UNDEFINED_OBJECT, `constraint "${cmd.name}" of relation "${relname}" does not exist`);
  }
  performDeletion(objectAddress(O.ConstraintRelationId, con.oid), (cmd.behavior ?? "DROP_RESTRICT") as DropBehavior);
  cacheInvalidateRelcacheByRelid(relid);
}

function setRelOptions(relid: Oid, cmd: Raw.AlterTableCmd): void {
  const row = searchSysCache("RELOID", relid)!;
  const kind = row.relkind === "i" ? "btree" : row.relkind === "v" ? "view" : "heap";
  const given = (cmd.def as { List?: { items?: Raw.Node[] } })?.List?.items;
  const reloptions = changeRelOptions(row.reloptions, given, kind, cmd.subtype === "AT_ResetRelOptions");
  catalogUpdate("pg_class", row.ctid, { ...row, reloptions });
}

function changeRelationOwner(relid: Oid, owner: Oid): void {
  const row = searchSysCache("RELOID", relid)!;
  if (row.relowner === owner) return;
  checkNewOwner(owner, "it".includes(row.relkind) ? null : row.relnamespace);
  const relacl = row.relacl === null ? null : aclNewOwner(row.relacl, row.relowner, owner);
  catalogUpdate("pg_class", row.ctid, { ...row, relowner: owner, relacl });
  changeDependencyOnOwner(O.RelationRelationId, relid, owner);
  const type = row.reltype === 0 ? null : searchSysCache("TYPEOID", row.reltype);
  if (type !== null) setTypeOwner(type as PgType, owner);
  for (const i of catalogScan("pg_index", { indrelid: relid })) changeRelationOwner(i.indexrelid, owner);
  if (row.reltoastrelid !== 0) changeRelationOwner(row.reltoastrelid, owner);
  for (const a of catalogScan("pg_attribute", { attrelid: relid })) {
    if (a.attnum <= 0) continue;
    if (a.attacl !== null) {
      catalogUpdate("pg_attribute", a.ctid!, { ...a, attacl: aclNewOwner(a.attacl, row.relowner, owner) });
    }
    const seq = getOwnedSequence(relid, a.attnum, "i") || getOwnedSequence(relid, a.attnum, "a");
    if (seq !== 0) changeRelationOwner(seq, owner);
  }
}

/** ALTER … OWNER TO for objects other than tables (which come as AT_ChangeOwner). */
export function alterOwnerCommand(stmt: Raw.AlterOwnerStmt): void {
  const owner = getRolespecOid(stmt.newowner!, false);
  switch (stmt.objectType) {
    case "OBJECT_DATABASE":
      alterDatabaseOwner((stmt.object as { String: Raw.String }).String.sval!, owner);
      break;
    case "OBJECT_SCHEMA": {
      const name = (stmt.object as { String: Raw.String }).String.sval!;
      const row = searchSysCache("NAMESPACENAME", name);
      if (row === null) throw pgError(ERRCODE.UNDEFINED_SCHEMA, `schema "${name}" does not exist`);
      if (!objectOwnercheck("pg_namespace", row.oid, getUserId())) throw ownercheckError("schema", name);
      checkCanSetRole(getUserId(), owner);
      const nspacl = row.nspacl === null ? null : aclNewOwner(row.nspacl, row.nspowner, owner);
      catalogUpdate("pg_namespace", row.ctid, { ...row, nspowner: owner, nspacl });
      changeDependencyOnOwner(O.NamespaceRelationId, row.oid, owner);
      break;
    }
    case "OBJECT_TYPE":
    case "OBJECT_DOMAIN":
      alterTypeOwner(stmt.object!, stmt.objectType === "OBJECT_DOMAIN", owner);
      break;
    case "OBJECT_FUNCTION":
    case "OBJECT_PROCEDURE":
    case "OBJECT_ROUTINE":
    case "OBJECT_AGGREGATE": {
      const func = (stmt.object as { ObjectWithArgs: Raw.ObjectWithArgs }).ObjectWithArgs;
      alterFunctionOwner(stmt.objectType, func, owner);
      break;
    }
    default:
      throw notBuilt(`ALTER ${(stmt.objectType ?? "").replace("OBJECT_", "").toLowerCase()} OWNER`);
  }
}

/** ALTER TABLE … SET SCHEMA. */
export function alterObjectSchemaCommand(stmt: Raw.AlterObjectSchemaStmt): void {
  if (stmt.objectType === "OBJECT_TYPE" || stmt.objectType === "OBJECT_DOMAIN") {
    alterTypeNamespace(stmt.object!, stmt.objectType === "OBJECT_DOMAIN", stmt.newschema!);
    return;
  }
  if (!["OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_SEQUENCE"].includes(stmt.objectType!)) {
    throw notBuilt("SET SCHEMA for this kind of object");
  }
  const relid = rangeVarGetRelid(stmt.relation!, AccessExclusiveLock, { missingOk: stmt.missing_ok ?? false });
  if (relid === 0) return;
  checkOwner(relid);
  const nsp = searchSysCache("NAMESPACENAME", stmt.newschema!);
  if (nsp === null) throw pgError(ERRCODE.UNDEFINED_SCHEMA, `schema "${stmt.newschema}" does not exist`);
  moveRelation(relid, nsp.oid);
}

function moveRelation(relid: Oid, nsp: Oid): void {
  const row = searchSysCache("RELOID", relid)!;
  if (row.relnamespace === nsp) return;
  if (searchSysCache("RELNAMENSP", row.relname, nsp) !== null) {
    const schema = searchSysCache("NAMESPACEOID", nsp)!.nspname;
    throw pgError(ERRCODE.DUPLICATE_TABLE, `relation "${row.relname}" already exists in schema "${schema}"`);
  }
  catalogUpdate("pg_class", row.ctid, { ...row, relnamespace: nsp });
  changeDependencyFor(O.RelationRelationId, relid, O.NamespaceRelationId, row.relnamespace, nsp);
  for (const type of [row.reltype, searchSysCache("TYPEOID", row.reltype)?.typarray ?? 0]) {
    const t = type === 0 ? null : searchSysCache("TYPEOID", type);
    if (t !== null) catalogUpdate("pg_type", t.ctid, { ...t, typnamespace: nsp });
  }
  commandCounterIncrement();
  for (const i of catalogScan("pg_index", { indrelid: relid })) moveRelation(i.indexrelid, nsp);
  for (const c of catalogScan("pg_constraint", { conrelid: relid })) {
    catalogUpdate("pg_constraint", c.ctid, { ...c, connamespace: nsp });
  }
}

/** ALTER … RENAME. */
export function renameCommand(stmt: Raw.RenameStmt): void {
  const newname = stmt.newname!;
  switch (stmt.renameType) {
    case "OBJECT_TABLE":
    case "OBJECT_SEQUENCE":
    case "OBJECT_VIEW":
    case "OBJECT_INDEX": {
      const lock = stmt.renameType === "OBJECT_INDEX" ? ShareUpdateExclusiveLock : AccessExclusiveLock;
      const relid = rangeVarGetRelid(stmt.relation!, lock, {
        missingOk: stmt.missing_ok ?? false,
        callback: (_rv, id) => id !== 0 && checkOwner(id),
      });
      if (relid === 0) {
        ereport("NOTICE", { message: `relation "${stmt.relation!.relname}" does not exist, skipping` });
        return;
      }
      return renameRelation(relid, newname);
    }
    case "OBJECT_COLUMN": {
      const relid = rangeVarGetRelid(stmt.relation!, AccessExclusiveLock, {
        missingOk: stmt.missing_ok ?? false,
        callback: (_rv, id) => id !== 0 && checkOwner(id),
      });
      if (relid === 0) return;
      return renameColumn(relid, stmt.subname!, newname);
    }
    case "OBJECT_TABCONSTRAINT": {
      const relid = rangeVarGetRelid(stmt.relation!, AccessExclusiveLock, {
        callback: (_rv, id) => id !== 0 && checkOwner(id),
      });
      return renameConstraint(relid, stmt.subname!, newname);
    }
    case "OBJECT_SCHEMA": {
      const row = searchSysCache("NAMESPACENAME", stmt.subname!);
      if (row === null) throw pgError(ERRCODE.UNDEFINED_SCHEMA, `schema "${stmt.subname}" does not exist`);
      if (searchSysCache("NAMESPACENAME", newname) !== null) {
        throw pgError(ERRCODE.DUPLICATE_SCHEMA, `schema "${newname}" already exists`);
      }
      if (!objectOwnercheck("pg_namespace", row.oid, getUserId())) throw ownercheckError("schema", row.nspname);
      if (newname.startsWith("pg_")) {
        throw pgError(ERRCODE.RESERVED_NAME, `unacceptable schema name "${newname}"`, {
          detail: 'The prefix "pg_" is reserved for system schemas.',
        });
      }
      catalogUpdate("pg_namespace", row.ctid, { ...row, nspname: newname });
      return;
    }
    case "OBJECT_TYPE":
    case "OBJECT_DOMAIN":
      return renameType(stmt.object!, stmt.renameType === "OBJECT_DOMAIN", newname);
    case "OBJECT_DATABASE":
      return renameDatabase(stmt.subname!, newname);
    case "OBJECT_ROLE":
      return renameRole(stmt.subname!, newname);
    default:
      throw notBuilt(`renaming a ${(stmt.renameType ?? "").replace("OBJECT_", "").toLowerCase()}`);
  }
}

function renameRelation(relid: Oid, newname: string): void {
  const row = searchSysCache("RELOID", relid)!;
  if (searchSysCache("RELNAMENSP", newname, row.relnamespace) !== null) {
    throw pgError(ERRCODE.DUPLICATE_TABLE, `relation "${newname}" already exists`, {
      routine: "RenameRelationInternal",
    });
  }
  catalogUpdate("pg_class", row.ctid, { ...row, relname: newname });
  if (row.reltype !== 0) {
    const type = searchSysCache("TYPEOID", row.reltype)!;
    if (searchSysCache("TYPENAMENSP", newname, row.relnamespace) !== null) {
      throw pgError(ERRCODE.DUPLICATE_OBJECT, `type "${newname}" already exists`);
    }
    catalogUpdate("pg_type", type.ctid, { ...type, typname: newname });
    const array = type.typarray === 0 ? null : searchSysCache("TYPEOID", type.typarray);
    if (array !== null) catalogUpdate("pg_type", array.ctid, { ...array, typname: `_${newname}`.slice(0, 63) });
  }
  if (row.relkind === "i") {
    const con = catalogScan("pg_constraint", { conrelid: searchSysCache("INDEXRELID", relid)!.indrelid }).find((c) =>
      c.conindid === relid
    );
    if (con !== undefined && con.conname === row.relname) {
      catalogUpdate("pg_constraint", con.ctid, { ...con, conname: newname });
    }
  }
}

function renameColumn(relid: Oid, oldname: string, newname: string): void {
  const rel = searchSysCache("RELOID", relid)!;
  const att = searchSysCache("ATTNAME", relid, oldname);
  if (att === null) {
    throw pgError(ERRCODE.UNDEFINED_COLUMN, `column "${oldname}" does not exist`, { routine: "renameatt_internal" });
  }
  if (att.attnum <= 0) throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, `cannot rename system column "${oldname}"`);
  if (searchSysCache("ATTNAME", relid, newname) !== null) {
    throw pgError(ERRCODE.DUPLICATE_COLUMN, `column "${newname}" of relation "${rel.relname}" already exists`, {
      routine: "check_for_column_name_collision",
    });
  }
  if (systemAttributeByName(newname) !== null) {
    throw pgError(ERRCODE.DUPLICATE_COLUMN, `column name "${newname}" conflicts with a system column name`);
  }
  catalogUpdate("pg_attribute", att.ctid, { ...att, attname: newname });
  // Columns of the table's indexes carry the name too.
  for (const i of catalogScan("pg_index", { indrelid: relid })) {
    i.indkey.forEach((k, n) => {
      if (k !== att.attnum) return;
      const ia = searchSysCache("ATTNUM", i.indexrelid, n + 1);
      if (ia !== null && ia.attname === oldname) catalogUpdate("pg_attribute", ia.ctid, { ...ia, attname: newname });
    });
  }
  cacheInvalidateRelcacheByRelid(relid);
}

function renameConstraint(relid: Oid, oldname: string, newname: string): void {
  const con = getRelationConstraint(relid, oldname);
  const relname = searchSysCache("RELOID", relid)!.relname;
  if (con === null) {
    throw pgError(ERRCODE.UNDEFINED_OBJECT, `constraint "${oldname}" for table "${relname}" does not exist`);
  }
  if (con.conindid !== 0 && (con.contype === "p" || con.contype === "u")) return renameRelation(con.conindid, newname);
  if (getRelationConstraint(relid, newname) !== null) {
    throw pgError(ERRCODE.DUPLICATE_OBJECT, `constraint "${newname}" for relation "${relname}" already exists`);
  }
  const row = searchSysCache("CONSTROID", con.oid)!;
  catalogUpdate("pg_constraint", row.ctid, { ...row, conname: newname });
}
