/**
 * CREATE TABLE, DROP of relations, TRUNCATE.
 *
 * ALTER TABLE is in tablecmds_alter.ts. Follows src/backend/commands/tablecmds.c.
 */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { ereport, notBuilt, type PgError, pgError } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import { guc } from "../../conf/guc_values.ts";
import { relationClose, tableClose, tableOpen } from "../access/common/relation.ts";
import type { Attribute } from "../access/common/tupdesc.ts";
import { commandCounterIncrement } from "../access/transam/xact.ts";
import { aclcheckError, objectAclcheck, objectOwnercheck, ownercheckError, relkindNoun } from "../catalog/aclchk.ts";
import { isSystemClass } from "../catalog/catalog.ts";
import * as O from "../catalog/catalog_oids.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import { type DropBehavior, performMultipleDeletions } from "../catalog/dependency.ts";
import {
  heapCreateWithCatalog,
  makeAttribute,
  setRelationNumChecks,
  storeAttrDefault,
  storeRelCheck,
} from "../catalog/heap.ts";
import { reindexRelation } from "../catalog/index.ts";
import { catalogUpdate } from "../catalog/indexing.ts";
import { rangeVarGetAndCheckCreationNamespace, rangeVarGetRelid } from "../catalog/namespace.ts";
import { type ObjectAddress, objectAddress } from "../catalog/object_address.ts";
import { chooseConstraintName, constraintNameIsUsed, createConstraintEntry } from "../catalog/pg_constraint.ts";
import { registerOnCommitAction } from "../catalog/on_commit.ts";
import { newHeapCreateToastTable } from "../catalog/toasting.ts";
import type { Node } from "../nodes/nodes.ts";
import { expressionTreeWalker, exprType } from "../nodes/node_funcs.ts";
import { assignExprCollations } from "../parser/parse_collate.ts";
import { coerceToBoolean, coerceToTargetType } from "../parser/parse_coerce.ts";
import { transformExpr } from "../parser/parse_expr.ts";
import { makeParsestate, parserErrposition, type ParseState, withErrposition } from "../parser/parse_node.ts";
import { addNSItemToQuery, addRangeTableEntryForRelation } from "../parser/parse_relation.ts";
import { getColumnDefCollation, typenameTypeIdAndMod } from "../parser/parse_type.ts";
import { type NotNullConstraint, type TableDefinition, transformCreateStmt } from "../parser/parse_utilcmd.ts";
import { containMutableFunctions } from "../optimizer/util/clauses.ts";
import { pullVarattnosOfRel, pullVarnos } from "./var_columns.ts";
import { AccessExclusiveLock, AccessShareLock, NoLock } from "../storage/lmgr/locktypes.ts";
import { processSubcommand, type UtilityCall } from "../tcop/utility.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { ACL_TRUNCATE } from "../utils/adt/acl.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { relationNoteCreated, relationSetNewRelfilenumber } from "../utils/cache/relcache.ts";
import { getNamespaceName } from "../utils/cache/lsyscache.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getUserId } from "../utils/init/globals.ts";
import { defineIndex } from "./indexcmds.ts";
import { reloptionsOf } from "./reloptions.ts";
import { resetSequence } from "./sequence.ts";

/** A column definition as an attribute. @throws 42704 unknown type, 42P16 SETOF */
export function buildAttribute(pstate: ParseState, col: Raw.ColumnDef, attnum: number): Attribute {
  const { typeId, typmod } = typenameTypeIdAndMod(pstate, col.typeName!);
  if (col.typeName!.setof) {
    throw pgError(ERRCODE.INVALID_TABLE_DEFINITION, `column "${col.colname}" cannot be declared SETOF`);
  }
  const att = makeAttribute(attnum, col.colname!, typeId, typmod, {
    attndims: (col.typeName!.arrayBounds ?? []).length,
    attnotnull: col.is_not_null ?? false,
    attidentity: col.identity ?? "",
    attgenerated: col.generated ?? "",
    attcollation: col.collOid || getColumnDefCollation(pstate, col, typeId),
  });
  if (col.storage_name) {
    const letter =
      { plain: "p", external: "e", extended: "x", main: "m", default: att.attstorage }[col.storage_name.toLowerCase()];
    if (letter === undefined) {
      throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `invalid storage type "${col.storage_name}"`);
    }
    if (letter !== "p" && att.attlen !== -1) {
      throw pgError(
        ERRCODE.FEATURE_NOT_SUPPORTED,
        `column data type ${formatTypeBe(typeId)} can only have storage PLAIN`,
      );
    }
    att.attstorage = letter;
  }
  if (col.compression && col.compression !== "default") {
    if (col.compression !== "pglz") throw notBuilt(`compression method ${col.compression}`);
    att.attcompression = "p";
  }
  return att;
}

/** The statement CREATE TABLE. */
export function createTableCommand(stmt: Raw.CreateStmt, call: UtilityCall): void {
  const rv = { ...stmt.relation! };
  const pstate = makeParsestate(null);
  pstate.p_sourcetext = call.queryString;
  const { namespaceId, existing } = withErrposition(
    pstate,
    rv.location ?? 0,
    () => rangeVarGetAndCheckCreationNamespace(rv),
  );
  if (
    (namespaceId === O.PG_CATALOG_NAMESPACE || namespaceId === O.PG_TOAST_NAMESPACE) && !guc.allow_system_table_mods
  ) {
    throw pgError(
      ERRCODE.INSUFFICIENT_PRIVILEGE,
      `permission denied to create "${getNamespaceName(namespaceId)}.${rv.relname}"`,
      { detail: "System catalog modifications are currently disallowed.", routine: "heap_create" },
    );
  }
  if (existing !== 0 && stmt.if_not_exists) {
    ereport("NOTICE", { code: ERRCODE.DUPLICATE_TABLE, message: `relation "${rv.relname}" already exists, skipping` });
    return;
  }
  if (rv.relpersistence === "u") throw notBuilt("an unlogged table");
  if (stmt.tablespacename && stmt.tablespacename !== "pg_default") throw notBuilt("TABLESPACE for a table");
  if (stmt.accessMethod && stmt.accessMethod !== "heap") {
    if (searchSysCache("AMNAME", stmt.accessMethod) === null) {
      throw pgError(ERRCODE.UNDEFINED_OBJECT, `access method "${stmt.accessMethod}" does not exist`);
    }
    throw notBuilt(`table access method ${stmt.accessMethod}`);
  }
  const def = transformCreateStmt({ ...stmt, relation: rv }, namespaceId, call.queryString);
  for (const s of def.before) processSubcommand(s, call);
  const relid = defineRelation(stmt, rv, namespaceId, def, call);
  commandCounterIncrement();
  newHeapCreateToastTable(relid);
  for (const index of def.indexes) {
    defineIndex(relid, index, call.queryString, { isAlterTable: true });
    commandCounterIncrement();
  }
  for (const s of def.after) processSubcommand(s, call);
  const onCommit = stmt.oncommit;
  if (rv.relpersistence === "t" && (onCommit === "ONCOMMIT_DELETE_ROWS" || onCommit === "ONCOMMIT_DROP")) {
    registerOnCommitAction(relid, onCommit);
  } else if (onCommit !== undefined && onCommit !== "ONCOMMIT_NOOP" && rv.relpersistence !== "t") {
    throw pgError(ERRCODE.INVALID_TABLE_DEFINITION, "ON COMMIT can only be used on temporary tables");
  }
}

function defineRelation(
  stmt: Raw.CreateStmt,
  rv: Raw.RangeVar,
  namespaceId: Oid,
  def: TableDefinition,
  call: UtilityCall,
): Oid {
  const pstate = makeParsestate(null);
  pstate.p_sourcetext = call.queryString;
  def.columns.forEach((c, i) => {
    if (!def.columns.slice(0, i).some((d) => d.colname === c.colname)) return;
    throw pgError(ERRCODE.DUPLICATE_COLUMN, `column "${c.colname}" specified more than once`, {
      routine: "MergeAttributes",
    });
  });
  const attrs = def.columns.map((c, i) => buildAttribute(pstate, c, i + 1));
  // Every NOT NULL gets its mark here; the constraints follow.
  for (const nn of def.notNulls) {
    const a = attrs.find((x) => x.attname === nn.colname);
    if (a === undefined) {
      throw pgError(ERRCODE.UNDEFINED_COLUMN, `column "${nn.colname}" of relation "${rv.relname}" does not exist`);
    }
    a.attnotnull = true;
  }
  const relid = heapCreateWithCatalog({
    relname: rv.relname!,
    relnamespace: namespaceId,
    reltablespace: 0,
    relowner: getUserId(),
    relam: O.HEAP_TABLE_AM_OID,
    attrs,
    relkind: "r",
    relpersistence: rv.relpersistence ?? "p",
    reloptions: reloptionsOf(stmt.options, "heap"),
    relacl: null,
  });
  commandCounterIncrement();
  const rel = tableOpen(relid, NoLock);
  relationNoteCreated(rel);
  addRelationNewConstraints(
    rel,
    def.columns.map((c, i) => ({ attnum: i + 1, column: c })),
    def.checks,
    call.queryString,
  );
  addRelationNotNullConstraints(rel, def.notNulls);
  tableClose(rel, NoLock);
  return relid;
}

export function parseStateFor(rel: Relation, queryString: string | null): ParseState {
  const pstate = makeParsestate(null);
  pstate.p_sourcetext = queryString;
  const nsitem = addRangeTableEntryForRelation(pstate, rel, AccessShareLock, null, false, true);
  addNSItemToQuery(pstate, nsitem, true, true, true);
  return pstate;
}

/** Analyzes a default or generation expression and coerces it to the column's type. @throws 42804, 42P10, 42P17 */
export function cookDefault(pstate: ParseState, raw: Raw.Node, att: Attribute): Node {
  const expr = transformExpr(
    pstate,
    raw,
    att.attgenerated !== "" ? "EXPR_KIND_GENERATED_COLUMN" : "EXPR_KIND_COLUMN_DEFAULT",
  )!;
  if (att.attgenerated === "" && pullVarnos(expr).length > 0) {
    throw pgError(ERRCODE.INVALID_COLUMN_REFERENCE, "cannot use column reference in DEFAULT expression");
  }
  if (att.attgenerated !== "") checkNestedGenerated(pstate, expr);
  const given = exprType(expr);
  const coerced = coerceToTargetType(pstate, expr, given, att.atttypid, att.atttypmod, 1, "COERCE_IMPLICIT_CAST", -1);
  if (coerced === null) {
    throw pgError(
      ERRCODE.DATATYPE_MISMATCH,
      `column "${att.attname}" is of type ${formatTypeBe(att.atttypid)} but default expression is of type ${
        formatTypeBe(given)
      }`,
      { hint: "You will need to rewrite or cast the expression.", routine: "cookDefault" },
    );
  }
  assignExprCollations(pstate, coerced);
  if (att.attgenerated !== "" && containMutableFunctions(coerced)) {
    throw pgError(ERRCODE.INVALID_OBJECT_DEFINITION, "generation expression is not immutable", {
      routine: "cookDefault",
    });
  }
  return coerced;
}

/** check_nested_generated(): a generated column reads ordinary columns only. @throws 42P17 */
function checkNestedGenerated(pstate: ParseState, expr: Node): void {
  const visit = (n: Node): boolean => {
    if (n.type !== "Var") return expressionTreeWalker(n, visit);
    const rte = pstate.p_rtable[n.varno - 1];
    const att = n.varattno > 0 ? searchSysCache("ATTNUM", rte.relid, n.varattno) : null;
    if (att === null || att.attgenerated === "") return false;
    throw pgError(
      ERRCODE.INVALID_OBJECT_DEFINITION,
      `cannot use generated column "${att.attname}" in column generation expression`,
      {
        detail: "A generated column cannot reference another generated column.",
        position: parserErrposition(pstate, n.location),
        routine: "check_nested_generated_walker",
      },
    );
  };
  visit(expr);
}

/** Stores defaults and CHECK constraints of new columns and of the table. */
export function addRelationNewConstraints(
  rel: Relation,
  columns: readonly { attnum: number; column: Raw.ColumnDef }[],
  checks: readonly Raw.Constraint[],
  queryString: string | null,
): { name: string; expr: Node }[] {
  const pstate = parseStateFor(rel, queryString);
  for (const { attnum, column } of columns) {
    if (!column.raw_default) continue;
    const att = rel.rd_att.attrs[attnum - 1];
    const expr = cookDefault(pstate, column.raw_default, att);
    const isNullConst = expr.type === "Const" && expr.constisnull;
    if (isNullConst && att.attgenerated === "") continue;
    storeAttrDefault(rel.rd_id, attnum, expr);
  }
  let numchecks = rel.rd_rel.relchecks;
  const names: string[] = [];
  const added: { name: string; expr: Node }[] = [];
  for (const c of checks) {
    const expr = transformExpr(pstate, c.raw_expr!, "EXPR_KIND_CHECK_CONSTRAINT")!;
    const bool = coerceToBoolean(pstate, expr, "CHECK");
    assignExprCollations(pstate, bool);
    const cols = pullVarattnosOfRel(bool, 1);
    let name = c.conname;
    if (name !== undefined) {
      if (names.includes(name) || constraintNameIsUsed(rel.rd_id, name)) {
        throw names.includes(name)
          ? pgError(ERRCODE.DUPLICATE_OBJECT, `check constraint "${name}" already exists`)
          : pgError(
            ERRCODE.DUPLICATE_OBJECT,
            `constraint "${name}" for relation "${rel.rd_rel.relname}" already exists`,
          );
      }
    } else {
      const column = cols.length === 1 && cols[0] > 0 ? rel.rd_att.attrs[cols[0] - 1].attname : null;
      name = chooseConstraintName(rel.rd_rel.relname, column, "check", rel.rd_rel.relnamespace, names);
    }
    names.push(name);
    storeRelCheck(rel.rd_id, {
      name,
      expr: bool,
      attnums: cols.filter((n) => n !== 0),
      isValidated: c.initially_valid ?? !c.skip_validation,
      isLocal: true,
      inhcount: 0,
      noInherit: c.is_no_inherit ?? false,
      isEnforced: true,
    });
    added.push({ name, expr: bool });
    numchecks++;
    commandCounterIncrement();
  }
  if (numchecks !== rel.rd_rel.relchecks || columns.some((c) => c.column.raw_default)) {
    setRelationNumChecks(rel.rd_id, numchecks);
  }
  return added;
}

/** Records NOT NULL constraints; the columns are marked already. */
export function addRelationNotNullConstraints(rel: Relation, list: readonly NotNullConstraint[]): void {
  const names: string[] = [];
  const byColumn = [...list].map((n) => ({ n, attnum: searchSysCache("ATTNAME", rel.rd_id, n.colname)!.attnum }));
  byColumn.sort((a, b) => a.attnum - b.attnum);
  for (const { n, attnum } of byColumn) {
    if (n.conname !== null && (names.includes(n.conname) || constraintNameIsUsed(rel.rd_id, n.conname))) {
      throw pgError(
        ERRCODE.DUPLICATE_OBJECT,
        `constraint "${n.conname}" for relation "${rel.rd_rel.relname}" already exists`,
      );
    }
    const name = n.conname ??
      chooseConstraintName(rel.rd_rel.relname, n.colname, "not_null", rel.rd_rel.relnamespace, names);
    names.push(name);
    createConstraintEntry({
      conname: name,
      connamespace: rel.rd_rel.relnamespace,
      contype: "n",
      conrelid: rel.rd_id,
      conkey: [attnum],
      connoinherit: n.noInherit,
    });
  }
}

// DROP

interface DropKind {
  readonly relkinds: string;
  readonly noun: string;
  readonly code: string;
  readonly hint: string;
}
const DROP_KINDS: Readonly<Record<string, DropKind>> = {
  OBJECT_TABLE: {
    relkinds: "rp",
    noun: "table",
    code: ERRCODE.UNDEFINED_TABLE,
    hint: "Use DROP TABLE to remove a table.",
  },
  OBJECT_SEQUENCE: {
    relkinds: "S",
    noun: "sequence",
    code: ERRCODE.UNDEFINED_TABLE,
    hint: "Use DROP SEQUENCE to remove a sequence.",
  },
  OBJECT_VIEW: { relkinds: "v", noun: "view", code: ERRCODE.UNDEFINED_TABLE, hint: "Use DROP VIEW to remove a view." },
  OBJECT_MATVIEW: {
    relkinds: "m",
    noun: "materialized view",
    code: ERRCODE.UNDEFINED_TABLE,
    hint: "Use DROP MATERIALIZED VIEW to remove a materialized view.",
  },
  OBJECT_INDEX: {
    relkinds: "iI",
    noun: "index",
    code: ERRCODE.UNDEFINED_OBJECT,
    hint: "Use DROP INDEX to remove an index.",
  },
  OBJECT_FOREIGN_TABLE: {
    relkinds: "f",
    noun: "foreign table",
    code: ERRCODE.UNDEFINED_OBJECT,
    hint: "Use DROP FOREIGN TABLE to remove a foreign table.",
  },
};
const ARTICLE: Readonly<Record<string, string>> = { index: "an" };

function wrongType(kind: DropKind, relname: string, relkind: string): PgError {
  const right = Object.values(DROP_KINDS).find((k) => k.relkinds.includes(relkind));
  const hint = relkind === "c" ? "Use DROP TYPE to remove a type." : right?.hint;
  return pgError(ERRCODE.WRONG_OBJECT_TYPE, `"${relname}" is not ${ARTICLE[kind.noun] ?? "a"} ${kind.noun}`, {
    hint,
    routine: "DropErrorMsgWrongType",
  });
}

/** RangeVar of a list of name parts. */
export function rangeVarOfNames(names: readonly string[]): Raw.RangeVar {
  const parts = [...names];
  const relname = parts.pop();
  const schemaname = parts.pop();
  const catalogname = parts.pop();
  return { catalogname, schemaname, relname, inh: true, relpersistence: "p" };
}
const namesOf = (n: Raw.Node): string[] =>
  (n as { List: { items: Raw.Node[] } }).List.items.map((i) => (i as { String: Raw.String }).String.sval!);

/** True if `removeType` is a kind of relation. */
export function isRelationObjectType(removeType: string): boolean {
  return removeType in DROP_KINDS;
}

/** DROP TABLE, VIEW, SEQUENCE, INDEX. */
export function removeRelations(stmt: Raw.DropStmt): void {
  const kind = DROP_KINDS[stmt.removeType!];
  if (stmt.concurrent) throw notBuilt("DROP INDEX CONCURRENTLY");
  const objects: ObjectAddress[] = [];
  for (const o of stmt.objects ?? []) {
    const names = namesOf(o);
    const rv = rangeVarOfNames(names);
    if (rv.schemaname !== undefined && searchSysCache("NAMESPACENAME", rv.schemaname) === null) {
      if (!stmt.missing_ok) throw pgError(ERRCODE.UNDEFINED_SCHEMA, `schema "${rv.schemaname}" does not exist`);
      ereport("NOTICE", {
        code: ERRCODE.SUCCESSFUL_COMPLETION,
        message: `schema "${rv.schemaname}" does not exist, skipping`,
      });
      continue;
    }
    const relid = rangeVarGetRelid(rv, AccessExclusiveLock, {
      missingOk: true,
      callback: (_rv, id) => {
        if (id === 0) return;
        const row = searchSysCache("RELOID", id);
        if (row === null) return;
        if (!kind.relkinds.includes(row.relkind)) throw wrongType(kind, row.relname, row.relkind);
        const me = getUserId();
        if (!objectOwnercheck("pg_class", id, me) && !objectOwnercheck("pg_namespace", row.relnamespace, me)) {
          throw ownercheckError(relkindNoun(row.relkind), row.relname);
        }
        if (isSystemClass(id, row.relnamespace)) {
          throw pgError(ERRCODE.INSUFFICIENT_PRIVILEGE, `permission denied: "${row.relname}" is a system catalog`);
        }
      },
    });
    if (relid === 0) {
      if (!stmt.missing_ok) {
        throw pgError(kind.code, `${kind.noun} "${rv.relname}" does not exist`, { routine: "DropErrorMsgNonExistent" });
      }
      ereport("NOTICE", {
        code: ERRCODE.SUCCESSFUL_COMPLETION,
        message: `${kind.noun} "${rv.relname}" does not exist, skipping`,
      });
      continue;
    }
    objects.push(objectAddress(O.RelationRelationId, relid));
  }
  performMultipleDeletions(objects, (stmt.behavior ?? "DROP_RESTRICT") as DropBehavior);
}

/** TRUNCATE: every table gets a new, empty file, which an abort takes back. */
export function executeTruncate(stmt: Raw.TruncateStmt): void {
  const rels: Relation[] = [];
  for (const r of stmt.relations ?? []) {
    const rv = (r as { RangeVar: Raw.RangeVar }).RangeVar;
    const relid = rangeVarGetRelid(rv, AccessExclusiveLock, {
      callback: (_rv, id) => {
        const row = id === 0 ? null : searchSysCache("RELOID", id);
        if (row === null) return;
        if (row.relkind !== "r") {
          throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `"${row.relname}" is not a table`, {
            routine: "truncate_check_rel",
          });
        }
        if (!objectAclcheck("pg_class", id, getUserId(), ACL_TRUNCATE)) throw aclcheckError("table", row.relname);
        if (isSystemClass(id, row.relnamespace)) {
          throw pgError(ERRCODE.INSUFFICIENT_PRIVILEGE, `permission denied: "${row.relname}" is a system catalog`);
        }
      },
    });
    if (rels.some((x) => x.rd_id === relid)) continue;
    rels.push(tableOpen(relid, NoLock));
  }
  for (const rel of rels) {
    if (rel.rd_refcnt > 1) {
      throw pgError(
        ERRCODE.OBJECT_IN_USE,
        `cannot TRUNCATE "${rel.rd_rel.relname}" because it is being used by active queries in this session`,
        { routine: "CheckTableNotInUse" },
      );
    }
    relationSetNewRelfilenumber(rel, rel.rd_rel.relpersistence);
    const toast = rel.rd_rel.reltoastrelid;
    if (toast !== 0) {
      const t = tableOpen(toast, AccessExclusiveLock);
      relationSetNewRelfilenumber(t, rel.rd_rel.relpersistence);
      reindexRelation(t);
      relationClose(t, NoLock);
    }
    reindexRelation(rel);
    if (stmt.restart_seqs) {
      for (const seq of ownedSequences(rel.rd_id)) resetSequence(seq);
    }
  }
  for (const rel of rels) tableClose(rel, NoLock);
}

/** Sequences that belong to columns of the table. */
export function ownedSequences(relid: Oid): Oid[] {
  const out: Oid[] = [];
  for (const d of catalogScan("pg_depend", { refclassid: O.RelationRelationId, refobjid: relid })) {
    if (d.refobjsubid === 0 || d.classid !== O.RelationRelationId || (d.deptype !== "a" && d.deptype !== "i")) continue;
    if (searchSysCache("RELOID", d.objid)?.relkind === "S") out.push(d.objid);
  }
  return out;
}

/** Changes pg_class.relhasindex and the like of one row. */
export function updateClassRow(relid: Oid, change: Partial<ReturnType<typeof classRow>>): void {
  const row = classRow(relid);
  catalogUpdate("pg_class", row.ctid, { ...row, ...change });
}
function classRow(relid: Oid) {
  return searchSysCache("RELOID", relid)!;
}
