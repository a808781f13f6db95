/** CREATE VIEW. Follows src/backend/commands/view.c. */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { notBuilt, pgError } from "../../base/error.ts";
import type { Attribute } from "../access/common/tupdesc.ts";
import { commandCounterIncrement } from "../access/transam/xact.ts";
import { objectOwnercheck, ownercheckError } from "../catalog/aclchk.ts";
import { getNewOidWithIndex } from "../catalog/catalog.ts";
import * as O from "../catalog/catalog_oids.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import { recordDependencyOnExpr } from "../catalog/dependency.ts";
import { heapCreateWithCatalog, insertAttributes, makeAttribute } from "../catalog/heap.ts";
import { catalogDelete, catalogInsert, catalogUpdate } from "../catalog/indexing.ts";
import { rangeVarGetAndCheckCreationNamespace } from "../catalog/namespace.ts";
import { objectAddress } from "../catalog/object_address.ts";
import { deleteDependencyRecordsFor, DependencyType, recordDependencyOn } from "../catalog/pg_depend.ts";
import type { Query } from "../nodes/nodes.ts";
import { exprCollation, exprType, exprTypmod } from "../nodes/node_funcs.ts";
import { nodeToString } from "../nodes/outfuncs.ts";
import { parseAnalyzeFixedParams } from "../parser/analyze.ts";
import type { RawStmt } from "../parser/parser.ts";
import type { UtilityCall } from "../tcop/utility.ts";
import { lockRelationOid } from "../storage/lmgr/lmgr.ts";
import { AccessExclusiveLock } from "../storage/lmgr/locktypes.ts";
import { formatTypeWithTypemod } from "../utils/adt/format_type.ts";
import { cacheInvalidateRelcacheByRelid } from "../utils/cache/inval.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getUserId } from "../utils/init/globals.ts";
import { reloptionsOf } from "./reloptions.ts";

export function createViewCommand(stmt: Raw.ViewStmt, call: UtilityCall): void {
  if (stmt.withCheckOption !== undefined && stmt.withCheckOption !== "NO_CHECK_OPTION") {
    throw notBuilt("WITH CHECK OPTION");
  }
  const raw = {
    stmt: stmt.query,
    stmt_location: call.pstmt.stmt_location,
    stmt_len: call.pstmt.stmt_len,
  } as unknown as RawStmt;
  const query = parseAnalyzeFixedParams(raw, call.queryString, []);
  if (query.commandType !== "CMD_SELECT") throw pgError(ERRCODE.SYNTAX_ERROR, "views must be SELECT statements");
  if (query.hasModifyingCTE) {
    throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, "views must not contain data-modifying statements in WITH");
  }
  const aliases = (stmt.aliases ?? []).map((a) => (a as { String: Raw.String }).String.sval!);
  const columns = query.targetList.filter((t) => !t.resjunk);
  if (aliases.length > columns.length) {
    throw pgError(ERRCODE.SYNTAX_ERROR, "CREATE VIEW specifies more column names than columns");
  }
  aliases.forEach((a, i) => columns[i].resname = a);
  const attrs = columns.map((t, i) => {
    const type = exprType(t.expr);
    if (type === 705) throw pgError(ERRCODE.INVALID_TABLE_DEFINITION, `column "${t.resname}" has pseudo-type unknown`);
    return makeAttribute(i + 1, t.resname!, type, exprTypmod(t.expr), { attcollation: exprCollation(t.expr) });
  });
  if (attrs.length === 0) throw pgError(ERRCODE.INVALID_TABLE_DEFINITION, "view must have at least one column");
  const rv = { ...stmt.view! };
  const { namespaceId, existing } = rangeVarGetAndCheckCreationNamespace(rv);
  let viewId: number;
  if (existing !== 0 && stmt.replace) {
    viewId = existing;
    replaceView(viewId, attrs);
  } else {
    viewId = heapCreateWithCatalog({
      relname: rv.relname!,
      relnamespace: namespaceId,
      reltablespace: 0,
      relowner: getUserId(),
      relam: 0,
      attrs,
      relkind: "v",
      relpersistence: rv.relpersistence ?? "p",
      reloptions: reloptionsOf(stmt.options, "view"),
      relacl: null,
    });
  }
  commandCounterIncrement();
  storeViewRule(viewId, query, stmt.replace ?? false);
}

/** CREATE OR REPLACE VIEW: the old columns must stay; new ones may follow. */
function replaceView(viewId: number, attrs: readonly Attribute[]): void {
  lockRelationOid(viewId, AccessExclusiveLock);
  const row = searchSysCache("RELOID", viewId)!;
  if (row.relkind !== "v") throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `"${row.relname}" is not a view`);
  if (!objectOwnercheck("pg_class", viewId, getUserId())) throw ownercheckError("view", row.relname);
  if (attrs.length < row.relnatts) {
    throw pgError(ERRCODE.INVALID_TABLE_DEFINITION, "cannot drop columns from view", { routine: "checkViewColumns" });
  }
  for (let i = 0; i < row.relnatts; i++) {
    const old = searchSysCache("ATTNUM", viewId, i + 1)!;
    const now = attrs[i];
    if (old.attname !== now.attname) {
      throw pgError(
        ERRCODE.INVALID_TABLE_DEFINITION,
        `cannot change name of view column "${old.attname}" to "${now.attname}"`,
        {
          hint: "Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.",
          routine: "checkViewColumns",
        },
      );
    }
    if (old.atttypid !== now.atttypid || old.atttypmod !== now.atttypmod) {
      throw pgError(
        ERRCODE.INVALID_TABLE_DEFINITION,
        `cannot change data type of view column "${old.attname}" from ${
          formatTypeWithTypemod(old.atttypid, old.atttypmod)
        } to ${formatTypeWithTypemod(now.atttypid, now.atttypmod)}`,
        { routine: "checkViewColumns" },
      );
    }
  }
  if (attrs.length > row.relnatts) {
    insertAttributes(viewId, attrs.slice(row.relnatts));
    catalogUpdate("pg_class", row.ctid, { ...row, relnatts: attrs.length });
  }
}

/** The rule _RETURN, which makes a relation a view. */
function storeViewRule(viewId: number, query: Query, replace: boolean): void {
  const old = catalogScan("pg_rewrite", { ev_class: viewId, rulename: "_RETURN" })[0];
  const row = {
    oid: old?.oid ?? getNewOidWithIndex("pg_rewrite"),
    rulename: "_RETURN",
    ev_class: viewId,
    ev_type: "1",
    ev_enabled: "O",
    is_instead: true,
    ev_qual: "<>",
    ev_action: nodeToString([query]),
  };
  if (old !== undefined && replace) {
    catalogUpdate("pg_rewrite", old.ctid, row);
    deleteDependencyRecordsFor(O.RewriteRelationId, row.oid);
  } else catalogInsert("pg_rewrite", row);
  const self = objectAddress(O.RewriteRelationId, row.oid);
  recordDependencyOn(self, objectAddress(O.RelationRelationId, viewId), DependencyType.INTERNAL);
  recordDependencyOnExpr(self, query, [], DependencyType.NORMAL);
  const cls = searchSysCache("RELOID", viewId)!;
  if (!cls.relhasrules) catalogUpdate("pg_class", cls.ctid, { ...cls, relhasrules: true });
  else cacheInvalidateRelcacheByRelid(viewId);
}

export function removeRewriteRuleById(oid: number): void {
  const row = catalogScan("pg_rewrite", { oid })[0];
  if (row === undefined) return;
  catalogDelete("pg_rewrite", row.ctid);
  cacheInvalidateRelcacheByRelid(row.ev_class);
}
