/**
 * CREATE TABLE … (LIKE table INCLUDING …): the parts of another table as parts of a new one's definition.
 *
 * Expressions are taken over analyzed, with the columns' numbers changed to those of the new table. Follows
 * transformTableLikeClause(), expandTableLikeClause() and generateClonedIndexStmt() in
 * src/backend/parser/parse_utilcmd.c.
 */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { pgError } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import { relkindNotSupportedDetail } from "../access/common/relation.ts";
import * as O from "../catalog/catalog_oids.ts";
import type { PgIndex } from "../catalog/catalog_rows.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import { getOwnedSequence } from "../catalog/pg_depend.ts";
import { makeAndsExplicit } from "../nodes/makefuncs.ts";
import { expressionTreeMutator } from "../nodes/tree_walkers.ts";
import type { Node } from "../nodes/nodes.ts";
import { stringToNode } from "../nodes/readfuncs.ts";
import { getNamespaceName } from "../utils/cache/lsyscache.ts";
import { getDefaultOpClass } from "../utils/cache/typcache.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { makeTypeNameFromOid } from "./parse_type.ts";

const COMMENTS = 1 << 0;
const COMPRESSION = 1 << 1;
const CONSTRAINTS = 1 << 2;
const DEFAULTS = 1 << 3;
const GENERATED = 1 << 4;
const IDENTITY = 1 << 5;
const INDEXES = 1 << 6;
const STORAGE = 1 << 8;

/** pg_index.indoption. */
const INDOPTION_DESC = 1;
const INDOPTION_NULLS_FIRST = 2;

/** What a LIKE clause adds to a table's definition. */
export interface LikeParts {
  readonly columns: Raw.ColumnDef[];
  readonly notNulls: { readonly colname: string; readonly conname: string; readonly noInherit: boolean }[];
  readonly checks: Raw.Constraint[];
  readonly indexes: Raw.IndexStmt[];
  /** Options of the sequences of identity columns, by column name. */
  readonly identities: { readonly column: Raw.ColumnDef; readonly typeId: Oid; readonly options: Raw.Node[] }[];
  /** COMMENT statements for when the table is there. */
  readonly comments: Readonly<Record<string, unknown>>[];
}

/** The table's parts that `options` (enum TableLikeOption) ask for; `firstAttnum` is what its first column becomes. */
export function likeParts(rel: Relation, target: Raw.RangeVar, options: number, firstAttnum: number): LikeParts {
  const kind = rel.rd_rel.relkind;
  if (!"rvmcfp".includes(kind)) {
    throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `relation "${rel.rd_rel.relname}" is invalid in LIKE clause`, {
      detail: relkindNotSupportedDetail(kind),
      routine: "transformTableLikeClause",
    });
  }
  const has = (bit: number): boolean => (options & bit) !== 0;
  const attrs = rel.rd_att.attrs;
  const attmap: number[] = [];
  let next = firstAttnum;
  for (const a of attrs) attmap[a.attnum] = a.attisdropped ? 0 : next++;
  const parts: LikeParts = { columns: [], notNulls: [], checks: [], indexes: [], identities: [], comments: [] };
  const commentOf = (classId: Oid, objectId: Oid, subId: number): string | undefined =>
    catalogScan("pg_description", { objoid: objectId, classoid: classId, objsubid: subId })[0]?.description;
  const path = [...(target.schemaname ? [target.schemaname] : []), target.relname!];
  const comment = (objtype: string, name: string, text: string | undefined): void => {
    if (text === undefined) return;
    const items = [...path, name].map((s) => ({ String: { sval: s } }));
    parts.comments.push({ CommentStmt: { objtype, object: { List: { items } }, comment: text } });
  };

  for (const a of attrs) {
    if (a.attisdropped) continue;
    const column: Raw.ColumnDef = {
      colname: a.attname,
      typeName: makeTypeNameFromOid(a.atttypid, a.atttypmod),
      is_not_null: a.attnotnull,
      collOid: a.attcollation,
      location: -1,
    };
    const text = rel.rd_att.constr?.defaults.get(a.attnum);
    if (text !== undefined && (a.attgenerated === "" ? has(DEFAULTS) : has(GENERATED))) {
      column.raw_default = mapColumns(stringToNode(text) as Node, attmap) as unknown as Raw.Node;
      if (a.attgenerated !== "") column.generated = a.attgenerated;
    }
    if (a.attidentity !== "" && has(IDENTITY)) {
      column.identity = a.attidentity;
      parts.identities.push({
        column,
        typeId: a.atttypid,
        options: sequenceOptions(getOwnedSequence(rel.rd_id, a.attnum, "i")),
      });
    }
    if (has(STORAGE)) {
      column.storage_name = { p: "plain", e: "external", x: "extended", m: "main" }[a.attstorage];
    }
    if (has(COMPRESSION) && a.attcompression === "p") column.compression = "pglz";
    parts.columns.push(column);
    if (has(COMMENTS)) comment("OBJECT_COLUMN", a.attname, commentOf(O.RelationRelationId, rel.rd_id, a.attnum));
  }
  for (const con of catalogScan("pg_constraint", { conrelid: rel.rd_id })) {
    if (con.contype === "n") {
      const colname = attrs[con.conkey![0] - 1].attname;
      parts.notNulls.push({ colname, conname: con.conname, noInherit: con.connoinherit });
    } else if (con.contype === "c" && has(CONSTRAINTS)) {
      parts.checks.push({
        contype: "CONSTR_CHECK",
        conname: con.conname,
        raw_expr: mapColumns(stringToNode(con.conbin!) as Node, attmap) as unknown as Raw.Node,
        is_no_inherit: con.connoinherit,
        initially_valid: true,
        location: -1,
      });
    } else continue;
    if (has(COMMENTS)) comment("OBJECT_TABCONSTRAINT", con.conname, commentOf(O.ConstraintRelationId, con.oid, 0));
  }
  if (has(INDEXES) && kind !== "f") {
    const byOid = [...catalogScan("pg_index", { indrelid: rel.rd_id })].sort((a, b) => a.indexrelid - b.indexrelid);
    for (const index of byOid) {
      const stmt = clonedIndex(rel, target, index, attmap);
      if (has(COMMENTS)) stmt.idxcomment = commentOf(O.RelationRelationId, index.indexrelid, 0);
      parts.indexes.push(stmt);
    }
  }
  return parts;
}

/** The expression over the new table's columns. */
function mapColumns(expr: Node, attmap: readonly number[]): Node {
  const mutate = (n: Node | null): Node | null => {
    if (n === null) return null;
    if (n.type === "Var" && n.varlevelsup === 0) {
      if (n.varattno <= 0) {
        throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, "cannot convert whole-row table reference", {
          routine: "expandTableLikeClause",
        });
      }
      return { ...n, varattno: attmap[n.varattno], varattnosyn: 0, varnosyn: 0 };
    }
    return expressionTreeMutator(n, mutate);
  };
  return mutate(expr)!;
}

/** A sequence's options as CREATE SEQUENCE has them. */
function sequenceOptions(seqid: Oid): Raw.Node[] {
  const s = catalogScan("pg_sequence", { seqrelid: seqid })[0];
  const number = (defname: string, value: number | bigint): Raw.Node =>
    ({ DefElem: { defname, arg: { Float: { fval: String(value) } }, location: -1 } }) as unknown as Raw.Node;
  return [
    number("cache", s.seqcache),
    { DefElem: { defname: "cycle", arg: { Boolean: { boolval: s.seqcycle } }, location: -1 } } as unknown as Raw.Node,
    number("increment", s.seqincrement),
    number("maxvalue", s.seqmax),
    number("minvalue", s.seqmin),
    number("start", s.seqstart),
  ];
}

function clonedIndex(
  rel: Relation,
  target: Raw.RangeVar,
  index: Readonly<PgIndex>,
  attmap: readonly number[],
): Raw.IndexStmt {
  const row = searchSysCache("RELOID", index.indexrelid)!;
  const exprs = index.indexprs === null ? [] : stringToNode(index.indexprs) as Node[];
  let nextExpr = 0;
  const names = new Map(
    catalogScan("pg_attribute", { attrelid: index.indexrelid }).map((a) => [a.attnum, a] as const),
  );
  const element = (i: number): Raw.Node => {
    const key = index.indkey[i];
    const elem: Record<string, unknown> = {
      ordering: "SORTBY_DEFAULT",
      nulls_ordering: "SORTBY_NULLS_DEFAULT",
    };
    let keytype: Oid;
    let collation = 0;
    if (key !== 0) {
      const a = rel.rd_att.attrs[key - 1];
      elem.name = a.attname;
      keytype = a.atttypid;
      collation = a.attcollation;
    } else {
      elem.expr = mapColumns(exprs[nextExpr++], attmap);
      elem.indexcolname = names.get(i + 1)!.attname;
      keytype = names.get(i + 1)!.atttypid;
    }
    if (i < index.indnkeyatts) {
      const own = index.indcollation[i];
      if (own !== 0 && own !== collation) elem.collation = qualified("COLLOID", own);
      const opclass = index.indclass[i];
      if (opclass !== getDefaultOpClass(keytype, row.relam)) elem.opclass = qualified("CLAOID", opclass);
      const option = index.indoption[i];
      const desc = (option & INDOPTION_DESC) !== 0;
      const first = (option & INDOPTION_NULLS_FIRST) !== 0;
      if (desc) elem.ordering = "SORTBY_DESC";
      if (first !== desc) elem.nulls_ordering = first ? "SORTBY_NULLS_FIRST" : "SORTBY_NULLS_LAST";
    }
    return { IndexElem: elem } as unknown as Raw.Node;
  };
  const all = index.indkey.map((_, i) => element(i));
  const isconstraint = catalogScan("pg_constraint", { conrelid: rel.rd_id })
    .some((c) => c.conindid === index.indexrelid && "pu".includes(c.contype));
  return {
    relation: target,
    accessMethod: searchSysCache("AMOID", row.relam)!.amname,
    indexParams: all.slice(0, index.indnkeyatts),
    indexIncludingParams: all.slice(index.indnkeyatts),
    options: (row.reloptions ?? []).map((o) => {
      const at = o.indexOf("=");
      return { DefElem: { defname: o.slice(0, at), arg: { String: { sval: o.slice(at + 1) } }, location: -1 } };
    }) as unknown as Raw.Node[],
    whereClause: index.indpred === null
      ? undefined
      : mapColumns(predicate(index.indpred), attmap) as unknown as Raw.Node,
    unique: index.indisunique,
    primary: index.indisprimary,
    isconstraint,
    nulls_not_distinct: index.indnullsnotdistinct,
  };
}

/** pg_index.indpred holds one expression, or a list of those that must all be true. */
function predicate(indpred: string): Node {
  const pred = stringToNode(indpred) as Node | Node[];
  return Array.isArray(pred) ? makeAndsExplicit(pred) : pred;
}

function qualified(cache: "COLLOID" | "CLAOID", oid: Oid): Raw.Node[] {
  const [nsp, name] = cache === "COLLOID"
    ? [searchSysCache("COLLOID", oid)!.collnamespace, searchSysCache("COLLOID", oid)!.collname]
    : [searchSysCache("CLAOID", oid)!.opcnamespace, searchSysCache("CLAOID", oid)!.opcname];
  return [getNamespaceName(nsp) ?? "pg_catalog", name].map((s) => ({ String: { sval: s } })) as unknown as Raw.Node[];
}
