/**
 * Taking CREATE TABLE and its kin apart: columns with their constraints, and the statements that must run before (sequences)
 * and after (indexes, ownership of sequences) the table is made.
 *
 * Works on raw trees; expressions stay raw until the table exists. Follows src/backend/parser/parse_utilcmd.c.
 */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { notBuilt, PgError, pgError } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import { relationClose, relationOpen, tableClose, tableOpen } from "../access/common/relation.ts";
import { makeObjectName } from "../catalog/pg_constraint.ts";
import { rangeVarGetRelid } from "../catalog/namespace.ts";
import { AccessShareLock, NoLock } from "../storage/lmgr/locktypes.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { likeParts } from "./parse_like.ts";
import { makeTypeNameFromOid, typenameTypeId } from "./parse_type.ts";
import { makeParsestate, parserErrposition, type ParseState, withErrposition } from "./parse_node.ts";

export type RawUtility = Readonly<Record<string, unknown>>;

/** A NOT NULL constraint of one column. */
export interface NotNullConstraint {
  readonly colname: string;
  /** null: choose a name. */
  readonly conname: string | null;
  readonly noInherit: boolean;
}

/** What a table definition comes to. */
export interface TableDefinition {
  /** Column constraints are folded in: is_not_null, raw_default, identity, generated. */
  readonly columns: Raw.ColumnDef[];
  readonly checks: Raw.Constraint[];
  readonly notNulls: NotNullConstraint[];
  /** CREATE SEQUENCE statements, to run first. */
  readonly before: RawUtility[];
  /** Index statements of PRIMARY KEY and UNIQUE, then ALTER SEQUENCE … OWNED BY. */
  readonly indexes: Raw.IndexStmt[];
  readonly after: RawUtility[];
}

interface Context {
  pstate: ParseState;
  relation: Raw.RangeVar;
  /** Namespace that the table is or will be in. */
  namespace: Oid;
  namespaceName: string;
  isAlter: boolean;
  /** Table being altered; 0 for CREATE. */
  relid: Oid;
  columns: Raw.ColumnDef[];
  checks: Raw.Constraint[];
  notNulls: NotNullConstraint[];
  ixConstraints: Raw.Constraint[];
  /** Indexes of tables named in LIKE … INCLUDING INDEXES. */
  likeIndexes: Raw.IndexStmt[];
  before: RawUtility[];
  after: RawUtility[];
  usedNames: Set<string>;
}

const str = (n: Raw.Node): string => (n as { String: Raw.String }).String.sval!;

function fail(
  cxt: Context,
  code: string,
  message: string,
  location?: number,
  more: { detail?: string; hint?: string } = {},
) {
  return new PgError({
    code,
    message,
    ...more,
    position: location === undefined ? undefined : parserErrposition(cxt.pstate, location),
    routine: "transformColumnDefinition",
  });
}

/** A relation name `name1_name2_label` that is free in the namespace. */
export function chooseRelationName(
  name1: string,
  name2: string | null,
  label: string,
  namespace: Oid,
  used: ReadonlySet<string> = new Set(),
): string {
  for (let pass = 0;; pass++) {
    const name = makeObjectName(name1, name2, pass === 0 ? label : `${label}${pass}`);
    if (!used.has(name) && searchSysCache("RELNAMENSP", name, namespace) === null) return name;
  }
}

const SERIAL_TYPES: Readonly<Record<string, Oid>> = {
  smallserial: 21,
  serial2: 21,
  serial: 23,
  serial4: 23,
  bigserial: 20,
  serial8: 20,
};

function makeContext(
  relation: Raw.RangeVar,
  namespace: Oid,
  queryString: string,
  relid: Oid,
): Context {
  const pstate = makeParsestate(null);
  pstate.p_sourcetext = queryString;
  return {
    pstate,
    relation,
    namespace,
    namespaceName: searchSysCache("NAMESPACEOID", namespace)?.nspname ?? "public",
    isAlter: relid !== 0,
    relid,
    columns: [],
    checks: [],
    notNulls: [],
    ixConstraints: [],
    likeIndexes: [],
    before: [],
    after: [],
    usedNames: new Set(),
  };
}

/** CREATE TABLE: the whole definition. */
export function transformCreateStmt(stmt: Raw.CreateStmt, namespace: Oid, queryString: string): TableDefinition {
  const cxt = makeContext(stmt.relation!, namespace, queryString, 0);
  if ((stmt.inhRelations ?? []).length > 0) throw notBuilt(stmt.partbound ? "a partition" : "table inheritance");
  if (stmt.partspec) throw notBuilt("table partitioning");
  if (stmt.ofTypename) throw notBuilt("CREATE TABLE OF type");
  for (const elt of stmt.tableElts ?? []) {
    const e = elt as { ColumnDef?: Raw.ColumnDef; Constraint?: Raw.Constraint; TableLikeClause?: Raw.TableLikeClause };
    if (e.ColumnDef !== undefined) transformColumnDefinition(cxt, e.ColumnDef);
    else if (e.Constraint !== undefined) transformTableConstraint(cxt, e.Constraint);
    else if (e.TableLikeClause !== undefined) transformTableLikeClause(cxt, e.TableLikeClause);
  }
  return finish(cxt);
}

/** ALTER TABLE ADD COLUMN and ADD CONSTRAINT: the parts of one command. */
export function transformAlterPart(
  relid: Oid,
  part: { column?: Raw.ColumnDef; constraint?: Raw.Constraint },
  queryString: string,
): TableDefinition {
  const rel = searchSysCache("RELOID", relid)!;
  const schemaname = searchSysCache("NAMESPACEOID", rel.relnamespace)!.nspname;
  const cxt = makeContext(
    { relname: rel.relname, schemaname, inh: true, relpersistence: rel.relpersistence },
    rel.relnamespace,
    queryString,
    relid,
  );
  if (part.column !== undefined) transformColumnDefinition(cxt, part.column);
  if (part.constraint !== undefined) transformTableConstraint(cxt, part.constraint);
  return finish(cxt);
}

function finish(cxt: Context): TableDefinition {
  const indexes = transformIndexConstraints(cxt);
  return {
    columns: cxt.columns,
    checks: cxt.checks,
    notNulls: cxt.notNulls,
    before: cxt.before,
    indexes: [...indexes, ...cxt.likeIndexes],
    after: cxt.after,
  };
}

function transformColumnDefinition(cxt: Context, given: Raw.ColumnDef): void {
  const column: Raw.ColumnDef = { ...given };
  const name = column.colname!;
  let isSerial = false;
  const names = column.typeName?.names ?? [];
  if (names.length === 1 && !column.typeName!.typeOid) {
    const serial = SERIAL_TYPES[str(names[0])];
    if (serial !== undefined) {
      if (column.typeName!.setof) {
        throw fail(cxt, ERRCODE.SYNTAX_ERROR, `column "${name}" cannot be declared SETOF`, column.location);
      }
      if ((column.typeName!.arrayBounds ?? []).length > 0) {
        throw fail(cxt, ERRCODE.FEATURE_NOT_SUPPORTED, "array of serial is not implemented", column.typeName!.location);
      }
      isSerial = true;
      column.typeName = makeTypeNameFromOid(serial, -1);
    }
  }
  if (isSerial) {
    const seqname = generateSequence(cxt, column, typenameTypeId(cxt.pstate, column.typeName!), [], false);
    column.raw_default = nextvalCall(cxt.namespaceName, seqname);
    column.is_not_null = true;
    addNotNull(cxt, name, null, false);
  }
  let sawNullable = false;
  let sawNotNull: Raw.Constraint | null = null;
  let sawDefault = isSerial;
  let sawUserDefault = false;
  let sawIdentity = false;
  let sawGenerated = false;
  for (const c of column.constraints ?? []) {
    const con = (c as { Constraint: Raw.Constraint }).Constraint;
    const where = `for column "${name}" of table "${cxt.relation.relname}"`;
    switch (con.contype) {
      case "CONSTR_NULL":
        if (sawNotNull !== null || isSerial) {
          throw fail(cxt, ERRCODE.SYNTAX_ERROR, `conflicting NULL/NOT NULL declarations ${where}`, con.location);
        }
        column.is_not_null = false;
        sawNullable = true;
        break;
      case "CONSTR_NOTNULL":
        if (sawNullable) {
          throw fail(cxt, ERRCODE.SYNTAX_ERROR, `conflicting NULL/NOT NULL declarations ${where}`, con.location);
        }
        sawNotNull = con;
        column.is_not_null = true;
        addNotNull(cxt, name, con.conname ?? null, con.is_no_inherit ?? false);
        break;
      case "CONSTR_DEFAULT":
        if (sawDefault) {
          // Against a serial's own default, which stands nowhere in the text, there is no position.
          const location = isSerial && !sawUserDefault ? -1 : con.location;
          throw fail(cxt, ERRCODE.SYNTAX_ERROR, `multiple default values specified ${where}`, location);
        }
        column.raw_default = con.raw_expr;
        sawDefault = true;
        sawUserDefault = true;
        break;
      case "CONSTR_IDENTITY": {
        if (sawIdentity) {
          throw fail(cxt, ERRCODE.SYNTAX_ERROR, `multiple identity specifications ${where}`, con.location);
        }
        sawIdentity = true;
        if (isSerial) {
          throw fail(cxt, ERRCODE.SYNTAX_ERROR, `both default and identity specified ${where}`, con.location);
        }
        const typeId = typenameTypeId(cxt.pstate, column.typeName!);
        generateSequence(cxt, column, typeId, con.options ?? [], true);
        column.identity = con.generated_when;
        column.is_not_null = true;
        addNotNull(cxt, name, null, false);
        if (sawNullable) {
          throw fail(cxt, ERRCODE.SYNTAX_ERROR, `conflicting NULL/NOT NULL declarations ${where}`, con.location);
        }
        break;
      }
      case "CONSTR_GENERATED":
        if (sawGenerated) {
          throw fail(cxt, ERRCODE.SYNTAX_ERROR, `multiple generation clauses specified ${where}`, con.location);
        }
        sawGenerated = true;
        if (con.generated_kind !== "s") throw notBuilt("a virtual generated column");
        column.generated = con.generated_kind;
        column.raw_default = con.raw_expr;
        break;
      case "CONSTR_CHECK":
        cxt.checks.push(con);
        break;
      case "CONSTR_PRIMARY":
      case "CONSTR_UNIQUE":
        cxt.ixConstraints.push({ ...con, keys: con.keys ?? [{ String: { sval: name } } as unknown as Raw.Node] });
        break;
      case "CONSTR_FOREIGN":
        throw notBuilt("a foreign key constraint");
      case "CONSTR_ATTR_DEFERRABLE":
      case "CONSTR_ATTR_DEFERRED":
        throw notBuilt("a deferrable constraint");
      case "CONSTR_ATTR_NOT_DEFERRABLE":
      case "CONSTR_ATTR_IMMEDIATE":
      case "CONSTR_ATTR_ENFORCED":
        break;
      case "CONSTR_ATTR_NOT_ENFORCED":
        throw notBuilt("a NOT ENFORCED constraint");
      default:
        throw notBuilt(`constraint type ${con.contype}`);
    }
    if (sawDefault && sawIdentity) {
      throw fail(cxt, ERRCODE.SYNTAX_ERROR, `both default and identity specified ${where}`, con.location);
    }
    if (sawDefault && sawGenerated) {
      throw fail(cxt, ERRCODE.SYNTAX_ERROR, `both default and generation expression specified ${where}`, con.location);
    }
    if (sawIdentity && sawGenerated) {
      throw fail(cxt, ERRCODE.SYNTAX_ERROR, `both identity and generation expression specified ${where}`, con.location);
    }
  }
  column.constraints = [];
  cxt.columns.push(column);
}

function addNotNull(cxt: Context, colname: string, conname: string | null, noInherit: boolean): void {
  const old = cxt.notNulls.findIndex((n) => n.colname === colname);
  if (old < 0) cxt.notNulls.push({ colname, conname, noInherit });
  else if (conname !== null && cxt.notNulls[old].conname === null) cxt.notNulls[old] = { colname, conname, noInherit };
}

/** nextval('schema.seq'::regclass) */
function nextvalCall(schema: string, seqname: string): Raw.Node {
  const quote = (s: string) => /^[a-z_][a-z0-9_$]*$/.test(s) ? s : `"${s.replaceAll('"', '""')}"`;
  return {
    FuncCall: {
      funcname: [{ String: { sval: "pg_catalog" } }, { String: { sval: "nextval" } }],
      args: [{
        TypeCast: {
          arg: { A_Const: { sval: { sval: `${quote(schema)}.${quote(seqname)}` }, location: -1 } },
          typeName: {
            names: [{ String: { sval: "pg_catalog" } }, { String: { sval: "regclass" } }],
            typemod: -1,
            location: -1,
          },
          location: -1,
        },
      }],
      funcformat: "COERCE_EXPLICIT_CALL",
      location: -1,
    },
  } as unknown as Raw.Node;
}

/** Plans the sequence of a serial or identity column; returns its name. */
function generateSequence(
  cxt: Context,
  column: Raw.ColumnDef,
  typeId: Oid,
  options: readonly Raw.Node[],
  forIdentity: boolean,
): string {
  const rest: Raw.Node[] = [];
  let name: string | null = null;
  for (const o of options) {
    const def = (o as { DefElem: Raw.DefElem }).DefElem;
    if (def.defname === "sequence_name") {
      const parts = (def.arg as { List: { items: Raw.Node[] } }).List.items.map(str);
      name = parts[parts.length - 1];
    } else rest.push(o);
  }
  name ??= chooseRelationName(cxt.relation.relname!, column.colname!, "seq", cxt.namespace, cxt.usedNames);
  cxt.usedNames.add(name);
  const hasAs = rest.some((o) => (o as { DefElem: Raw.DefElem }).DefElem.defname === "as");
  if (!hasAs) {
    rest.unshift({
      DefElem: { defname: "as", arg: { TypeName: makeTypeNameFromOid(typeId, -1) }, location: -1 },
    } as unknown as Raw.Node);
  }
  const sequence: Raw.RangeVar = {
    schemaname: cxt.namespaceName,
    relname: name,
    inh: true,
    relpersistence: cxt.relation.relpersistence ?? "p",
  };
  const owner = cxt.relid === 0 ? undefined : searchSysCache("RELOID", cxt.relid)!.relowner;
  cxt.before.push({ CreateSeqStmt: { sequence, options: rest, for_identity: forIdentity, ownerId: owner } });
  cxt.after.push({
    AlterSeqStmt: {
      sequence,
      for_identity: forIdentity,
      options: [{
        DefElem: {
          defname: "owned_by",
          arg: {
            List: {
              items: [cxt.namespaceName, cxt.relation.relname!, column.colname!].map((s) => ({ String: { sval: s } })),
            },
          },
          location: -1,
        },
      }],
    },
  });
  return name;
}

function transformTableConstraint(cxt: Context, con: Raw.Constraint): void {
  switch (con.contype) {
    case "CONSTR_PRIMARY":
    case "CONSTR_UNIQUE":
      if (con.deferrable) throw notBuilt("a deferrable constraint");
      cxt.ixConstraints.push(con);
      break;
    case "CONSTR_CHECK":
      cxt.checks.push(con);
      break;
    case "CONSTR_NOTNULL":
      addNotNull(cxt, str((con.keys ?? [])[0]), con.conname ?? null, con.is_no_inherit ?? false);
      break;
    case "CONSTR_FOREIGN":
      throw notBuilt("a foreign key constraint");
    case "CONSTR_EXCLUSION":
      throw notBuilt("an exclusion constraint");
    default:
      throw notBuilt(`constraint type ${con.contype}`);
  }
}

/** LIKE table: its columns, and of the rest what INCLUDING names. */
function transformTableLikeClause(cxt: Context, like: Raw.TableLikeClause): void {
  const relid = withErrposition(
    cxt.pstate,
    like.relation!.location ?? 0,
    () => rangeVarGetRelid(like.relation!, AccessShareLock),
  );
  const rel = relationOpen(relid, NoLock);
  try {
    const target = { ...cxt.relation, schemaname: cxt.namespaceName };
    const parts = withErrposition(
      cxt.pstate,
      like.relation!.location ?? 0,
      () => likeParts(rel, target, like.options ?? 0, cxt.columns.length + 1),
    );
    for (const i of parts.identities) generateSequence(cxt, i.column, i.typeId, i.options, true);
    cxt.columns.push(...parts.columns);
    for (const n of parts.notNulls) addNotNull(cxt, n.colname, n.conname, n.noInherit);
    cxt.checks.push(...parts.checks);
    cxt.likeIndexes.push(...parts.indexes);
    cxt.after.push(...parts.comments);
  } finally {
    relationClose(rel, NoLock);
  }
}

/** PRIMARY KEY and UNIQUE constraints as index statements, the primary key first; equal ones are merged. */
function transformIndexConstraints(cxt: Context): Raw.IndexStmt[] {
  const out: Raw.IndexStmt[] = [];
  let primary: Raw.IndexStmt | null = null;
  for (const con of cxt.ixConstraints) {
    const index = transformIndexConstraint(cxt, con);
    if (index.primary) {
      if (primary !== null) {
        throw fail(
          cxt,
          ERRCODE.INVALID_TABLE_DEFINITION,
          `multiple primary keys for table "${cxt.relation.relname}" are not allowed`,
          con.location,
        );
      }
      primary = index;
      out.unshift(index);
    } else out.push(index);
  }
  const same = (a: Raw.IndexStmt, b: Raw.IndexStmt) =>
    JSON.stringify([a.indexParams, a.indexIncludingParams, a.nulls_not_distinct ?? false]) ===
      JSON.stringify([b.indexParams, b.indexIncludingParams, b.nulls_not_distinct ?? false]);
  return out.filter((x, i) => {
    const earlier = out.slice(0, i).find((y) => same(x, y));
    if (earlier === undefined) return true;
    earlier.idxname ??= x.idxname;
    return false;
  });
}

function transformIndexConstraint(cxt: Context, con: Raw.Constraint): Raw.IndexStmt {
  const isPrimary = con.contype === "CONSTR_PRIMARY";
  if (isPrimary && cxt.isAlter && primaryKeyExists(cxt.relid)) {
    throw new PgError({
      code: ERRCODE.INVALID_TABLE_DEFINITION,
      message: `multiple primary keys for table "${cxt.relation.relname}" are not allowed`,
      routine: "index_check_primary_key",
    });
  }
  if (con.indexname) throw notBuilt("a constraint USING INDEX");
  if (con.without_overlaps) throw notBuilt("WITHOUT OVERLAPS");
  const params: Raw.Node[] = [];
  const seen = new Set<string>();
  for (const k of con.keys ?? []) {
    const name = str(k);
    checkKeyColumn(cxt, con, name, true);
    if (seen.has(name)) {
      throw fail(
        cxt,
        ERRCODE.DUPLICATE_COLUMN,
        `column "${name}" appears twice in ${isPrimary ? "primary key" : "unique"} constraint`,
        con.location,
      );
    }
    seen.add(name);
    if (isPrimary) addNotNullForKey(cxt, name);
    params.push(
      {
        IndexElem: { name, ordering: "SORTBY_DEFAULT", nulls_ordering: "SORTBY_NULLS_DEFAULT" },
      } as unknown as Raw.Node,
    );
  }
  const including: Raw.Node[] = [];
  for (const k of con.including ?? []) {
    const name = str(k);
    checkKeyColumn(cxt, con, name, false);
    including.push(
      {
        IndexElem: { name, ordering: "SORTBY_DEFAULT", nulls_ordering: "SORTBY_NULLS_DEFAULT" },
      } as unknown as Raw.Node,
    );
  }
  return {
    idxname: con.conname,
    relation: cxt.relation,
    accessMethod: "btree",
    indexParams: params,
    indexIncludingParams: including,
    options: con.options,
    unique: true,
    primary: isPrimary,
    isconstraint: true,
    nulls_not_distinct: con.nulls_not_distinct,
    deferrable: con.deferrable,
    initdeferred: con.initdeferred,
    tableSpace: con.indexspace,
  };
}

function primaryKeyExists(relid: Oid): boolean {
  const rel = tableOpen(relid, NoLock);
  const found = rel.rd_pkindex !== 0 && searchSysCache("INDEXRELID", rel.rd_pkindex) !== null;
  tableClose(rel, NoLock);
  return found;
}

const SYSTEM_COLUMNS = new Set(["ctid", "xmin", "cmin", "xmax", "cmax", "tableoid"]);

function checkKeyColumn(cxt: Context, con: Raw.Constraint, name: string, isKey: boolean): void {
  if (cxt.columns.some((c) => c.colname === name)) return;
  if (cxt.isAlter && searchSysCache("ATTNAME", cxt.relid, name) !== null) return;
  if (SYSTEM_COLUMNS.has(name) && isKey) return;
  // The NOT NULL constraints of a primary key are added first.
  if (cxt.isAlter && con.contype === "CONSTR_PRIMARY") {
    const relname = searchSysCache("RELOID", cxt.relid)!.relname;
    throw pgError(ERRCODE.UNDEFINED_COLUMN, `column "${name}" of relation "${relname}" does not exist`);
  }
  throw fail(cxt, ERRCODE.UNDEFINED_COLUMN, `column "${name}" named in key does not exist`, con.location);
}

function addNotNullForKey(cxt: Context, name: string): void {
  const col = cxt.columns.find((c) => c.colname === name);
  if (col !== undefined) {
    col.is_not_null = true;
    addNotNull(cxt, name, null, false);
  } else if (cxt.isAlter && !searchSysCache("ATTNAME", cxt.relid, name)!.attnotnull) addNotNull(cxt, name, null, false);
}
