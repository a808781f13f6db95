/**
 * CREATE INDEX and REINDEX: from the statement to what index.ts makes.
 * Follows src/backend/commands/indexcmds.c.
 */
import { objectAddress } from "../catalog/object_address.ts";
import { createComments } from "../catalog/pg_description.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import { reloptionsOf } from "./reloptions.ts";
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { ereport, notBuilt, PgError, pgError } from "../../base/error.ts";
import { NAMEDATALEN, type Oid } from "../../base/types.ts";
import { encodeText } from "../../base/text.ts";
import { relationClose, tableOpen } from "../access/common/relation.ts";
import { preventInTransactionBlock } from "../access/transam/xact.ts";
import { aclcheckError, objectAclcheck, objectOwnercheck, ownercheckError, relkindNoun } from "../catalog/aclchk.ts";
import * as O from "../catalog/catalog_oids.ts";
import { indexCreate, reindexIndex, reindexRelation } from "../catalog/index.ts";
import { opclassnameGetOpcid, rangeVarGetRelid } from "../catalog/namespace.ts";
import type { Node } from "../nodes/nodes.ts";
import { exprCollation, exprType } from "../nodes/node_funcs.ts";
import { addNSItemToQuery, addRangeTableEntryForRelation } from "../parser/parse_relation.ts";
import { assignExprCollations } from "../parser/parse_collate.ts";
import { isBinaryCoercible } from "../parser/parse_coerce.ts";
import { transformExpr } from "../parser/parse_expr.ts";
import { transformWhereClause } from "../parser/parse_clause.ts";
import { makeParsestate, type ParseState } from "../parser/parse_node.ts";
import { chooseRelationName } from "../parser/parse_utilcmd.ts";
import { makeAndsImplicit } from "../nodes/makefuncs.ts";
import { containMutableFunctions } from "../optimizer/util/clauses.ts";
import { AccessExclusiveLock, AccessShareLock, NoLock, ShareLock } from "../storage/lmgr/locktypes.ts";
import type { UtilityCall } from "../tcop/utility.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { getCollationOid } from "../catalog/namespace.ts";
import { searchSysCache, searchSysCacheList } from "../utils/cache/syscache.ts";
import { getDefaultOpClass } from "../utils/cache/typcache.ts";
import { typeIsCollatable } from "../utils/cache/lsyscache.ts";
import { ACL_CREATE } from "../utils/adt/acl.ts";
import { getUserId } from "../utils/init/globals.ts";

type Elem = { IndexElem: Raw.IndexElem };

/** DESC and NULLS FIRST as INDOPTION bits. */
function indexOption(e: Raw.IndexElem): number {
  let o = 0;
  if (e.ordering === "SORTBY_DESC") o |= 1;
  if (e.nulls_ordering === "SORTBY_NULLS_FIRST" || (e.nulls_ordering !== "SORTBY_NULLS_LAST" && (o & 1) !== 0)) o |= 2;
  return o;
}

/** Columns part of a generated index name: names joined by "_", cut to fit. */
function chooseIndexNameAddition(names: readonly string[]): string {
  let out = "";
  for (const n of names) {
    if (out !== "") out += "_";
    out += n;
    if (encodeText(out).length >= NAMEDATALEN) break;
  }
  return out;
}

/** Names of an index's columns: that of the column, or of the expression, made unique. */
function chooseIndexColumnNames(elems: readonly Raw.IndexElem[]): string[] {
  const out: string[] = [];
  for (const e of elems) {
    const base = e.indexcolname ?? e.name ?? figureName(e.expr);
    let name = base;
    for (let i = 1; out.includes(name); i++) {
      const suffix = String(i);
      name = base.slice(0, NAMEDATALEN - 1 - suffix.length) + suffix;
    }
    out.push(name);
  }
  return out;
}

/** Name for an expression column: that of the function, else "expr". */
function figureName(expr: Raw.Node | undefined): string {
  const e = expr as { FuncCall?: Raw.FuncCall; ColumnRef?: Raw.ColumnRef; TypeCast?: Raw.TypeCast } | undefined;
  if (e?.FuncCall !== undefined) {
    const names = e.FuncCall.funcname ?? [];
    return (names[names.length - 1] as { String: Raw.String }).String.sval!;
  }
  if (e?.TypeCast !== undefined) return figureName(e.TypeCast.arg);
  return "expr";
}

export interface DefineIndexOptions {
  /** The table is locked and permissions were checked already. */
  isAlterTable: boolean;
}

/** CREATE INDEX on an open table. Returns the index's OID (0 if IF NOT EXISTS found one). */
export function defineIndex(
  relid: Oid,
  stmt: Raw.IndexStmt,
  queryString: string,
  o: DefineIndexOptions,
): Oid {
  if (stmt.concurrent) throw notBuilt("CREATE INDEX CONCURRENTLY");
  const rel = tableOpen(relid, ShareLock);
  try {
    return defineIndexOn(rel, stmt, queryString, o);
  } finally {
    relationClose(rel, NoLock);
  }
}

function defineIndexOn(rel: Relation, stmt: Raw.IndexStmt, queryString: string, o: DefineIndexOptions): Oid {
  const pstate = makeParsestate(null);
  pstate.p_sourcetext = queryString;
  const relname = rel.rd_rel.relname;
  const kind = rel.rd_rel.relkind;
  if (kind === "p") throw notBuilt("an index on a partitioned table");
  if (kind !== "r" && kind !== "m" && kind !== "t") {
    throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `cannot create index on relation "${relname}"`, {
      detail: kind === "v" ? "This operation is not supported for views." : undefined,
      routine: "DefineIndex",
    });
  }
  if (!o.isAlterTable) {
    if (!objectOwnercheck("pg_class", rel.rd_id, getUserId())) throw ownercheckError(relkindNoun(kind), relname);
    if (!objectAclcheck("pg_namespace", rel.rd_rel.relnamespace, getUserId(), ACL_CREATE)) {
      throw aclcheckError("schema", searchSysCache("NAMESPACEOID", rel.rd_rel.relnamespace)!.nspname);
    }
  }
  const method = stmt.accessMethod ?? "btree";
  const am = searchSysCache("AMNAME", method);
  if (am === null) {
    throw pgError(ERRCODE.UNDEFINED_OBJECT, `access method "${method}" does not exist`, { routine: "DefineIndex" });
  }
  if (am.amtype !== "i") throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `access method "${method}" is not of type INDEX`);
  if (am.oid !== O.BTREE_AM_OID) throw notBuilt(`index access method ${method}`);
  if (stmt.tableSpace) throw notBuilt("TABLESPACE for an index");
  const keys = (stmt.indexParams ?? []).map((n) => (n as Elem).IndexElem);
  const including = (stmt.indexIncludingParams ?? []).map((n) => (n as Elem).IndexElem);
  if (keys.length + including.length > 32) {
    throw pgError(ERRCODE.TOO_MANY_COLUMNS, "cannot use more than 32 columns in an index", { routine: "DefineIndex" });
  }
  const columnNames = chooseIndexColumnNames([...keys, ...including]);
  const namespace = rel.rd_rel.relnamespace;
  let indexName = stmt.idxname;
  if (!indexName) {
    const addition = chooseIndexNameAddition(columnNames);
    indexName = stmt.primary
      ? chooseRelationName(relname, null, "pkey", namespace)
      : stmt.isconstraint
      ? chooseRelationName(relname, addition, "key", namespace)
      : chooseRelationName(relname, addition, "idx", namespace);
  }
  const existing = searchSysCache("RELNAMENSP", indexName, namespace);
  if (existing !== null) {
    if (stmt.if_not_exists) {
      ereport("NOTICE", { code: ERRCODE.DUPLICATE_TABLE, message: `relation "${indexName}" already exists, skipping` });
      return 0;
    }
    throw pgError(ERRCODE.DUPLICATE_TABLE, `relation "${indexName}" already exists`, { routine: "index_create" });
  }
  if (stmt.primary && catalogScan("pg_index", { indrelid: rel.rd_id }).some((i) => i.indisprimary)) {
    throw pgError(
      ERRCODE.INVALID_TABLE_DEFINITION,
      `multiple primary keys for table "${rel.rd_rel.relname}" are not allowed`,
      { routine: "index_check_primary_key" },
    );
  }
  const nsitem = addRangeTableEntryForRelation(pstate, rel, AccessShareLock, null, false, true);
  addNSItemToQuery(pstate, nsitem, true, true, true);
  let predicate: Node | null = null;
  if (stmt.whereClause) {
    predicate = transformWhereClause(pstate, stmt.whereClause, "EXPR_KIND_INDEX_PREDICATE", "WHERE");
    assignExprCollations(pstate, predicate);
    if (containMutableFunctions(predicate)) {
      throw pgError(
        ERRCODE.INVALID_OBJECT_DEFINITION,
        "functions in index predicate must be marked IMMUTABLE",
        { routine: "CheckPredicate" },
      );
    }
    const quals = makeAndsImplicit(predicate);
    predicate = quals.length === 1 ? quals[0] : predicate;
  }
  const attnums: number[] = [];
  const collations: Oid[] = [];
  const opclasses: Oid[] = [];
  const options: number[] = [];
  const expressions: Node[] = [];
  for (const e of keys) {
    const c = keyColumn(rel, pstate, e, am.oid, stmt.isconstraint ?? false);
    attnums.push(c.attnum);
    collations.push(c.collation);
    opclasses.push(c.opclass);
    options.push(indexOption(e));
    if (c.expr !== null) expressions.push(c.expr);
  }
  for (const e of including) {
    if (e.expr) throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, "expressions are not supported in included columns");
    attnums.push(columnOf(rel, e.name!, false).attnum);
    collations.push(0);
    opclasses.push(0);
    options.push(0);
  }
  const r = indexCreate(rel, {
    indexName,
    attnums,
    numKeyAttrs: keys.length,
    columnNames,
    collations,
    opclasses: opclasses.slice(0, keys.length),
    options,
    expressions,
    predicate,
    isPrimary: stmt.primary ?? false,
    isUnique: stmt.unique ?? false,
    nullsNotDistinct: stmt.nulls_not_distinct ?? false,
    isConstraint: stmt.isconstraint ?? false,
    deferrable: stmt.deferrable ?? false,
    initDeferred: stmt.initdeferred ?? false,
    reloptions: reloptionsOf(stmt.options, "btree"),
    tablespace: 0,
  });
  if (stmt.idxcomment) createComments(objectAddress(O.RelationRelationId, r.indexId), stmt.idxcomment);
  return r.indexId;
}

function columnOf(rel: Relation, name: string, isConstraint: boolean) {
  const att = rel.rd_att.attrs.find((a) => !a.attisdropped && a.attname === name);
  if (att === undefined) {
    throw pgError(
      ERRCODE.UNDEFINED_COLUMN,
      isConstraint ? `column "${name}" named in key does not exist` : `column "${name}" does not exist`,
      { routine: "ComputeIndexAttrs" },
    );
  }
  return att;
}

function keyColumn(rel: Relation, pstate: ParseState, e: Raw.IndexElem, amId: Oid, isConstraint: boolean) {
  let typeId: Oid;
  let collation: Oid;
  let attnum = 0;
  let expr: Node | null = null;
  if (e.name) {
    const att = columnOf(rel, e.name, isConstraint);
    typeId = att.atttypid;
    collation = att.attcollation;
    attnum = att.attnum;
  } else {
    expr = transformExpr(pstate, e.expr!, "EXPR_KIND_INDEX_EXPRESSION");
    assignExprCollations(pstate, expr);
    typeId = exprType(expr);
    collation = exprCollation(expr);
    if (containMutableFunctions(expr)) {
      throw pgError(
        ERRCODE.INVALID_OBJECT_DEFINITION,
        "functions in index expression must be marked IMMUTABLE",
        { routine: "ComputeIndexAttrs" },
      );
    }
  }
  if ((e.collation ?? []).length > 0) {
    collation = getCollationOid(e.collation!.map((n) => (n as { String: Raw.String }).String.sval!), false);
  }
  if (typeIsCollatable(typeId)) {
    if (collation === 0) {
      throw pgError(
        ERRCODE.INDETERMINATE_COLLATION,
        "could not determine which collation to use for index expression",
        { hint: "Use the COLLATE clause to set the collation explicitly." },
      );
    }
  } else if (collation !== 0) {
    throw pgError(ERRCODE.DATATYPE_MISMATCH, `collations are not supported by type ${formatTypeBe(typeId)}`);
  }
  return { attnum, expr, collation, opclass: resolveOpClass(e, typeId, amId) };
}

function resolveOpClass(e: Raw.IndexElem, typeId: Oid, amId: Oid): Oid {
  const names = (e.opclass ?? []).map((n) => (n as { String: Raw.String }).String.sval!);
  if (names.length === 0) {
    const opclass = getDefaultOpClass(typeId, amId);
    if (opclass === 0) {
      throw new PgError({
        code: ERRCODE.UNDEFINED_OBJECT,
        message: `data type ${formatTypeBe(typeId)} has no default operator class for access method "btree"`,
        hint: "You must specify an operator class for the index or define a default operator class for the data type.",
        routine: "ResolveOpClass",
      });
    }
    return opclass;
  }
  const name = names[names.length - 1];
  const opclass = names.length > 1
    ? searchSysCacheList("CLAAMNAMENSP", amId, name).find((c) =>
      searchSysCache("NAMESPACEOID", c.opcnamespace)?.nspname === names[0]
    )?.oid ?? 0
    : opclassnameGetOpcid(amId, name);
  if (opclass === 0) {
    throw pgError(
      ERRCODE.UNDEFINED_OBJECT,
      `operator class "${names.join(".")}" does not exist for access method "btree"`,
      {
        routine: "ResolveOpClass",
      },
    );
  }
  const accepts = searchSysCache("CLAOID", opclass)!.opcintype;
  if (!isBinaryCoercible(typeId, accepts)) {
    throw pgError(
      ERRCODE.DATATYPE_MISMATCH,
      `operator class "${names.join(".")}" does not accept data type ${formatTypeBe(typeId)}`,
      { routine: "ResolveOpClass" },
    );
  }
  return opclass;
}

/** The statement CREATE INDEX. */
export function indexStmtCommand(stmt: Raw.IndexStmt, call: UtilityCall): void {
  if (stmt.concurrent) preventInTransactionBlock(call.isTopLevel, "CREATE INDEX CONCURRENTLY");
  const relid = rangeVarGetRelid(stmt.relation!, ShareLock);
  defineIndex(relid, stmt, call.queryString, { isAlterTable: false });
}

/** REINDEX INDEX and REINDEX TABLE. */
export function reindexCommand(stmt: Raw.ReindexStmt): void {
  if (!stmt.relation) throw notBuilt("REINDEX of a schema or database");
  if (stmt.kind === "REINDEX_OBJECT_INDEX") {
    const id = rangeVarGetRelid(stmt.relation, AccessExclusiveLock);
    const row = searchSysCache("RELOID", id)!;
    if (row.relkind !== "i") throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `"${row.relname}" is not an index`);
    if (!objectOwnercheck("pg_class", id, getUserId())) throw ownercheckError("index", row.relname);
    reindexIndex(id, row.relpersistence);
    return;
  }
  const relid = rangeVarGetRelid(stmt.relation, ShareLock);
  const row = searchSysCache("RELOID", relid)!;
  if (!objectOwnercheck("pg_class", relid, getUserId())) throw ownercheckError("table", row.relname);
  const rel = tableOpen(relid, NoLock);
  reindexRelation(rel);
  relationClose(rel, NoLock);
}
