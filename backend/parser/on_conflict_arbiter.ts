/**
 * ON CONFLICT (…) or ON CONSTRAINT …: what decides a conflict.
 * Follows transformOnConflictArbiter() and resolve_unique_index_expr() in src/backend/parser/parse_clause.c.
 */
import type { Oid } from "../../base/types.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type * as R from "libpg-query";
import type { InferenceElem, Node } from "../nodes/nodes.ts";
import { makeNode } from "../nodes/make_node.ts";
import { bmsUnion } from "../nodes/bitmapset.ts";
import { searchSysCacheList } from "../utils/cache/syscache.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import { BTREE_AM_OID } from "../catalog/catalog_oids.ts";
import { opclassnameGetOpcid } from "../catalog/namespace.ts";
import type { ParseState } from "./parse_node.ts";
import { parseError } from "./parse_node.ts";
import { FirstLowInvalidHeapAttributeNumber } from "./parse_relation.ts";
import { lookupCollation } from "./parse_type.ts";
import { transformExpr, transformWhereClause } from "./transform_hooks.ts";
import { raw, type RawNode, strVals } from "./raw.ts";

export interface OnConflictArbiter {
  arbiterElems: Node[];
  arbiterWhere: Node | null;
  constraint: Oid;
}

export function transformOnConflictArbiter(pstate: ParseState, clause: R.OnConflictClause): OnConflictArbiter {
  const infer = clause.infer;
  const location = clause.location ?? -1;
  const R0 = "transformOnConflictArbiter";
  if (clause.action === "ONCONFLICT_UPDATE" && infer === undefined) {
    throw parseError(
      pstate,
      location,
      R0,
      ERRCODE.SYNTAX_ERROR,
      "ON CONFLICT DO UPDATE requires inference specification or constraint name",
      { hint: "For example, ON CONFLICT (column_name)." },
    );
  }
  const rel = pstate.p_target_relation!;
  if (rel.rd_id < 16384 && isCatalogRelation(rel.rd_id)) {
    throw parseError(
      pstate,
      location,
      R0,
      ERRCODE.FEATURE_NOT_SUPPORTED,
      "ON CONFLICT is not supported with system catalog tables",
    );
  }
  const out: OnConflictArbiter = { arbiterElems: [], arbiterWhere: null, constraint: 0 };
  if (infer === undefined) return out;
  // Inference sees only the target's columns.
  const saved = pstate.p_namespace;
  pstate.p_namespace = [];
  try {
    const item = pstate.p_target_nsitem!;
    item.p_rel_visible = false;
    item.p_cols_visible = true;
    item.p_lateral_only = false;
    item.p_lateral_ok = true;
    pstate.p_namespace = [item];
    for (const e of infer.indexElems ?? []) {
      out.arbiterElems.push(resolveUniqueIndexExpr(pstate, raw(e).IndexElem!, infer));
    }
    if (infer.whereClause !== undefined) {
      out.arbiterWhere = transformWhereClause(
        pstate,
        infer.whereClause,
        "EXPR_KIND_INDEX_PREDICATE",
        "WHERE",
      );
    }
  } finally {
    pstate.p_namespace = saved;
  }
  if (infer.conname !== undefined) {
    const con = catalogScan("pg_constraint", { conrelid: rel.rd_id }).find((c) => c.conname === infer.conname);
    if (con === undefined) {
      throw parseError(
        null,
        -1,
        "get_relation_constraint_attnos",
        ERRCODE.UNDEFINED_OBJECT,
        `constraint "${infer.conname}" for table "${rel.rd_rel.relname}" does not exist`,
      );
    }
    out.constraint = con.oid;
    const info = pstate.p_target_nsitem!.p_perminfo!;
    info.requiredPerms |= 2;
    info.selectedCols = bmsUnion(
      info.selectedCols,
      (con.conkey ?? []).map((k) => k - FirstLowInvalidHeapAttributeNumber).sort((a, b) => a - b),
    );
  }
  return out;
}
function isCatalogRelation(relid: Oid): boolean {
  return relid < 10000;
}

function resolveUniqueIndexExpr(pstate: ParseState, ielem: R.IndexElem, infer: R.InferClause): InferenceElem {
  const inferLocation = infer.location ?? -1;
  const refuse = (what: string) =>
    parseError(
      pstate,
      inferLocation,
      "resolve_unique_index_expr",
      ERRCODE.INVALID_COLUMN_REFERENCE,
      `${what} is not allowed in ON CONFLICT clause`,
    );
  if (ielem.ordering !== undefined && ielem.ordering !== "SORTBY_DEFAULT") throw refuse("ASC/DESC");
  if (ielem.nulls_ordering !== undefined && ielem.nulls_ordering !== "SORTBY_NULLS_DEFAULT") {
    throw refuse("NULLS FIRST/LAST");
  }
  const parse: RawNode = ielem.expr ?? ({
    ColumnRef: { fields: [{ String: { sval: ielem.name ?? "" } }], location: inferLocation },
  } as RawNode);
  const pInfer = makeNode("InferenceElem", { expr: transformExpr(pstate, parse, "EXPR_KIND_INDEX_EXPRESSION") });
  if ((ielem.collation ?? []).length > 0) {
    pInfer.infercollid = lookupCollation(pstate, strVals(ielem.collation), inferLocation);
  }
  if ((ielem.opclass ?? []).length > 0) {
    const names = strVals(ielem.opclass);
    const name = names[names.length - 1];
    let oid = 0;
    if (names.length === 1) oid = opclassnameGetOpcid(BTREE_AM_OID, name);
    else {
      const nsp = searchSysCacheList("NAMESPACENAME", names[0])[0]?.oid ?? 0;
      oid = searchSysCacheList("CLAAMNAMENSP", BTREE_AM_OID, name, nsp)[0]?.oid ?? 0;
    }
    if (oid === 0) {
      throw parseError(
        pstate,
        -1,
        "get_opclass_oid",
        ERRCODE.UNDEFINED_OBJECT,
        `operator class "${names.join(".")}" does not exist for access method "btree"`,
      );
    }
    pInfer.inferopclass = oid;
  }
  return pInfer;
}
