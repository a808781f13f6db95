/** ExecCatalog over the system caches. Importing it installs it. */
import { pgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type { Oid } from "../../base/types.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import type { Expr, Node } from "../nodes/nodes.ts";
import { stringToNode } from "../nodes/readfuncs.ts";
import { expressionPlanner } from "../optimizer/plan/expression_planner.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { localeOf } from "../utils/adt/pg_locale.ts";
import {
  getBaseType,
  getElementType,
  getEqualityOpForOrderingOp,
  getNamespaceName,
  getOpfamilyProc,
  getOpHashFunctions,
  getOrderingOpProperties,
  getTyplenbyvalalign,
  typeIsRowtype,
} from "../utils/cache/lsyscache.ts";
import { compareFunction } from "../utils/cache/relcache_index.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getDefaultOpClass, lookupRowtypeTupdesc } from "../utils/cache/typcache.ts";
import { getTypeTextInput, getTypeTextOutput } from "../utils/cache/type_io.ts";
import { fmgrInfo, procRow } from "../utils/fmgr/fmgr_info.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { type DomainConstraint, type ExecCatalog, installExecCatalog } from "./exec_catalog.ts";
import { installTypeStorage } from "./exec_codegen.ts";

const BTREE_AM_OID = 403;
const BTORDER_PROC = 1;
const INTERNAL_LANGUAGE = 12;

function failed(what: string, oid: Oid) {
  return pgError(ERRCODE.INTERNAL_ERROR, `cache lookup failed for ${what} ${oid}`);
}
function prosrcOf(proc: Oid): string {
  const row = procRow(proc);
  return row.prolang === INTERNAL_LANGUAGE ? row.prosrc : "";
}
function hashFunction(proc: Oid, collation: Oid, type: Oid): (d: Datum) => number {
  return fmgrInfo(proc, { collation, argTypes: [type], resultType: 23 }).fn as (d: Datum) => number;
}

const pgCatalog: ExecCatalog = {
  proc(call) {
    const row = procRow(call.fnOid);
    const info = fmgrInfo(call.fnOid, call);
    return {
      prosrc: row.prolang === INTERNAL_LANGUAGE && !row.prosecdef && row.proconfig === null ? row.prosrc : "",
      strict: row.proisstrict,
      retset: row.proretset,
      volatile: row.provolatile === "v",
      fn: info.fn,
    };
  },
  operator(opno) {
    const row = searchSysCache("OPEROID", opno);
    if (row === null) throw failed("operator", opno);
    return { fn: row.oprcode, name: row.oprname, left: row.oprleft, right: row.oprright, result: row.oprresult };
  },
  sortOrder(opno, collation) {
    const p = getOrderingOpProperties(opno);
    if (p === null) throw pgError(ERRCODE.INTERNAL_ERROR, `operator ${opno} is not a valid ordering operator`);
    const proc = getOpfamilyProc(p.opfamily, p.opcintype, p.opcintype, BTORDER_PROC);
    return {
      cmp: compareFunction(proc, collation, p.opcintype),
      reverse: p.cmptype === "COMPARE_GT",
      type: p.opcintype,
      prosrc: prosrcOf(proc),
    };
  },
  equalityOf(sortop) {
    const e = getEqualityOpForOrderingOp(sortop);
    if (e === null) throw pgError(ERRCODE.INTERNAL_ERROR, `operator ${sortop} is not a valid ordering operator`);
    return e.eqop;
  },
  typeCmp(type, collation) {
    const opclass = searchSysCache("CLAOID", getDefaultOpClass(getBaseType(type), BTREE_AM_OID));
    if (opclass === null) {
      throw pgError(
        ERRCODE.UNDEFINED_FUNCTION,
        `could not identify a comparison function for type ${formatTypeBe(type)}`,
      );
    }
    const proc = getOpfamilyProc(opclass.opcfamily, opclass.opcintype, opclass.opcintype, BTORDER_PROC);
    return { cmp: compareFunction(proc, collation, type), prosrc: prosrcOf(proc) };
  },
  familyCmp(opfamily, left, right, collation) {
    const l = searchSysCache("AMPROCNUM", opfamily, left, right, BTORDER_PROC)?.amproc ?? 0;
    if (l !== 0) return { cmp: compareFunction(l, collation, left), prosrc: prosrcOf(l) };
    // A binary-compatible or polymorphic type: the family's own input type serves.
    return this.typeCmp(left, collation);
  },
  hashFunctions(eqop, collation) {
    const f = getOpHashFunctions(eqop);
    if (f === null) return null;
    const op = this.operator(eqop);
    return { left: hashFunction(f.lhs, collation, op.left), right: hashFunction(f.rhs, collation, op.right) };
  },
  opStrategy(opno, opfamily) {
    const row = searchSysCache("AMOPOPID", opno, "s", opfamily);
    return row === null ? { strategy: 0, righttype: 0 } : { strategy: row.amopstrategy, righttype: row.amoprighttype };
  },
  aggregate(fnoid) {
    const row = searchSysCache("AGGFNOID", fnoid);
    if (row === null) throw failed("aggregate", fnoid);
    return {
      kind: row.aggkind,
      transfn: row.aggtransfn,
      finalfn: row.aggfinalfn,
      finalextra: row.aggfinalextra,
      transtype: row.aggtranstype,
      initval: row.agginitval === null ? null : getTypeTextInput(row.aggtranstype)(row.agginitval, -1),
      numDirectArgs: row.aggnumdirectargs,
      mtransfn: row.aggmtransfn,
      minvtransfn: row.aggminvtransfn,
      combinefn: row.aggcombinefn,
    };
  },
  typeOutput: (type) => getTypeTextOutput(type),
  typeInput: (type) => getTypeTextInput(type),
  typeStorage: (type) => getTyplenbyvalalign(type),
  typeName: (type) => formatTypeBe(type),
  namespaceName: (oid) => getNamespaceName(oid) ?? "",
  elementType: (type) => getElementType(getBaseType(type)),
  baseType: (type) => getBaseType(type),
  domainConstraints(type) {
    const constraints: DomainConstraint[] = [];
    // Constraints of the domains below come first, those of one domain by name.
    const chain: Oid[] = [];
    for (let t = type;;) {
      const row = searchSysCache("TYPEOID", t);
      if (row === null || row.typtype !== "d") break;
      chain.unshift(t);
      t = row.typbasetype;
    }
    let notNull = false;
    for (const t of chain) {
      if (searchSysCache("TYPEOID", t)!.typnotnull) notNull = true;
      const rows = catalogScan("pg_constraint", { contypid: t }).filter((r) => r.contype === "c");
      rows.sort((a, b) => a.conname < b.conname ? -1 : 1);
      for (const r of rows) {
        constraints.push({
          name: r.conname,
          check: expressionPlanner(stringToNode(r.conbin as string) as Node) as Expr,
        });
      }
    }
    if (notNull) constraints.unshift({ name: "", check: null });
    const row = searchSysCache("TYPEOID", type)!;
    const name = { shown: formatTypeBe(type), schema: getNamespaceName(row.typnamespace) ?? "", name: row.typname };
    return { name, constraints };
  },
  rowType(type, typmod) {
    return typeIsRowtype(type) && type !== 2249 ? lookupRowtypeTupdesc(type, typmod, true) : null;
  },
  collationIsBytes: (collation) => localeOf(collation).collateIsC,
  collationIsDeterministic: (collation) => localeOf(collation).deterministic,
};

installExecCatalog(pgCatalog);
installTypeStorage((type) => getTyplenbyvalalign(type));
