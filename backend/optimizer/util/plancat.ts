/**
 * What the planner learns from catalogs and files about a relation: its size, its indexes, its not-null columns.
 *
 * What an index's catalog rows say is computed once and kept beside the relation cache entry.
 * Follows src/backend/optimizer/util/plancat.c.
 */
import { BLCKSZ, type Oid } from "../../../base/types.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { notBuilt, PgError } from "../../../base/error.ts";
import { indexOpen } from "../../access/common/relation.ts";
import { btGetrootheight } from "../../access/nbtree/nbtpage.ts";
import { catalogScan } from "../../catalog/catalog_scan.ts";
import { relationClose, relationIdGetRelation, type RelCacheEntry } from "../../utils/cache/relcache_core.ts";
import { relationGetIndexList } from "../../utils/cache/relcache.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { relationGetNumberOfBlocks } from "../../storage/buffer/bufmgr.ts";
import { makeAndsImplicit, makeTargetEntry, makeVar } from "../../nodes/makefuncs.ts";
import { equal } from "../../nodes/equal_funcs.ts";
import { stringToNode } from "../../nodes/readfuncs.ts";
import { exprCollation, exprType } from "../../nodes/node_funcs.ts";
import type { Node, TargetEntry } from "../../nodes/nodes.ts";
import { amCostEstimateFor } from "../../utils/adt/index_selfuncs.ts";
import type { IndexOptInfo, PlannerInfo, RelOptInfo } from "../pathnodes.ts";
import { maxalign } from "../path/costsize.ts";
import { rint } from "../path/cost_qual.ts";
import { setRelAttrTypeWidth } from "../path/size_estimates.ts";
import { getAttavgwidth, getTypavgwidth } from "./catalog_facts.ts";
import { searchSysCache } from "../../utils/cache/syscache.ts";
import { evalConstExpressions } from "./const_fold.ts";
import { elogError } from "./planner_error.ts";
import { mutateLevels } from "./walkers.ts";
import { predicateImpliedBy } from "./predtest.ts";

/** System attributes down to tableoid (-6); FirstLowInvalidHeapAttributeNumber is -7. */
const FIRST_LOW_INVALID_ATTNO = -7;

interface IndexStatic {
  cols: unknown;
  ncolumns: number;
  nkeycolumns: number;
  indexkeys: number[];
  indexcollations: Oid[];
  opfamily: Oid[];
  opcintype: Oid[];
  reverse_sort: boolean[];
  nulls_first: boolean[];
  canreturn: boolean[];
  indexprs: Node[];
  indpred: Node[];
  textOfExprs: string | null;
  textOfPred: string | null;
}
const indexStatics = new WeakMap<Relation, IndexStatic>();

interface AmFacts {
  amcanorder: boolean;
  amcanorderbyop: boolean;
  amoptionalkey: boolean;
  amsearcharray: boolean;
  amsearchnulls: boolean;
  amhasgettuple: boolean;
  amhasgetbitmap: boolean;
  amcanmarkpos: boolean;
  canreturn: boolean;
}
// deno-fmt-ignore: reads as a table
const AM_FACTS: Readonly<Record<number, AmFacts>> = {
  403:  { amcanorder: true,  amcanorderbyop: false, amoptionalkey: true,  amsearcharray: true,  amsearchnulls: true,  amhasgettuple: true,  amhasgetbitmap: true, amcanmarkpos: true,  canreturn: true },
  405:  { amcanorder: false, amcanorderbyop: false, amoptionalkey: false, amsearcharray: false, amsearchnulls: false, amhasgettuple: true,  amhasgetbitmap: true, amcanmarkpos: false, canreturn: false },
  783:  { amcanorder: false, amcanorderbyop: true,  amoptionalkey: true,  amsearcharray: false, amsearchnulls: true,  amhasgettuple: true,  amhasgetbitmap: true, amcanmarkpos: false, canreturn: false },
  2742: { amcanorder: false, amcanorderbyop: false, amoptionalkey: true,  amsearcharray: false, amsearchnulls: false, amhasgettuple: false, amhasgetbitmap: true, amcanmarkpos: false, canreturn: false },
  3580: { amcanorder: false, amcanorderbyop: false, amoptionalkey: true,  amsearcharray: false, amsearchnulls: true,  amhasgettuple: false, amhasgetbitmap: true, amcanmarkpos: false, canreturn: false },
  4000: { amcanorder: false, amcanorderbyop: true,  amoptionalkey: true,  amsearcharray: false, amsearchnulls: true,  amhasgettuple: true,  amhasgetbitmap: true, amcanmarkpos: false, canreturn: false },
};

function indexStatic(rel: Relation): IndexStatic {
  const known = indexStatics.get(rel);
  if (
    known !== undefined && known.cols === rel.rd_indexcols && known.textOfExprs === rel.rd_indexprs &&
    known.textOfPred === rel.rd_indpred
  ) return known;
  const ix = rel.rd_index!;
  const nkey = ix.indnkeyatts;
  const parse = (t: string | null): Node[] => {
    if (t === null) return [];
    const n = stringToNode(t);
    return n === null ? [] : Array.isArray(n) ? n : [n];
  };
  const am = AM_FACTS[rel.rd_rel.relam];
  const s: IndexStatic = {
    cols: rel.rd_indexcols,
    ncolumns: ix.indnatts,
    nkeycolumns: nkey,
    indexkeys: ix.indkey.slice(0, ix.indnatts),
    indexcollations: rel.rd_indexcols.slice(0, nkey).map((c) => c.collation),
    opfamily: rel.rd_indexcols.slice(0, nkey).map((c) => c.opfamily),
    opcintype: rel.rd_indexcols.slice(0, nkey).map((c) => c.opcintype),
    reverse_sort: rel.rd_indexcols.slice(0, nkey).map((c) => (c.option & 1) !== 0),
    nulls_first: rel.rd_indexcols.slice(0, nkey).map((c) => (c.option & 2) !== 0),
    canreturn: new Array(ix.indnatts).fill(am?.canreturn ?? false),
    indexprs: parse(rel.rd_indexprs).map((e) => evalConstExpressions(null, e)),
    indpred: parse(rel.rd_indpred).flatMap((p) => makeAndsImplicit(evalConstExpressions(null, p))),
    textOfExprs: rel.rd_indexprs,
    textOfPred: rel.rd_indpred,
  };
  indexStatics.set(rel, s);
  return s;
}

/** Not-null columns by tuple descriptor, as far as valid constraints give them. */
const notNullCache = new WeakMap<object, ReadonlySet<number>>();
export function notNullAttnums(rel: Relation): ReadonlySet<number> {
  let s = notNullCache.get(rel.rd_att);
  if (s === undefined) {
    s = new Set(rel.rd_att.attrs.filter((a) => a.attnotnull && !a.attisdropped).map((a) => a.attnum));
    notNullCache.set(rel.rd_att, s);
  }
  return s;
}

export function getRelationInfo(root: PlannerInfo, relationObjectId: Oid, inhparent: boolean, rel: RelOptInfo): void {
  const relation = relationIdGetRelation(relationObjectId) ??
    elogError(`could not open relation with OID ${relationObjectId}`);
  const kind = relation.rd_rel.relkind;
  if (kind === "v" || kind === "c") {
    relationClose(relation);
    throw new PgError({
      code: ERRCODE.WRONG_OBJECT_TYPE,
      message: `cannot open relation "${relation.rd_rel.relname}"`,
    });
  }
  if (inhparent && (kind === "p" || (relation.rd_rel.relhassubclass && hasSubclass(relationObjectId)))) {
    relationClose(relation);
    throw notBuilt("queries over inheritance trees and partitioned tables");
  }
  rel.min_attr = FIRST_LOW_INVALID_ATTNO + 1;
  rel.max_attr = relation.rd_att.natts;
  const n = rel.max_attr - rel.min_attr + 1;
  rel.attr_needed = new Array(n).fill(0n);
  rel.attr_widths = new Array(n).fill(0);
  rel.notnullattnums = notNullAttnums(relation);
  estimateRelSize(relation, rel.attr_widths, -rel.min_attr, rel);
  const hasindex = relation.rd_rel.relhasindex;
  if (hasindex) {
    const lockmode = root.simple_rte_array[rel.relid]!.rellockmode;
    for (const oid of relationGetIndexList(relation)) {
      const ixrel = indexOpen(oid, lockmode as Parameters<typeof indexOpen>[1]);
      const ix = ixrel.rd_index!;
      if (!ix.indisvalid) {
        relationClose(ixrel);
        continue;
      }
      rel.indexlist.unshift(makeIndexOptInfo(ixrel, rel, relation));
      relationClose(ixrel);
    }
  }
  if (root.parse.commandType !== "CMD_INSERT" || root.parse.rtable.length > 1) collectForeignKeys(root, rel, relation);
  relationClose(relation);
}
function hasSubclass(oid: Oid): boolean {
  return searchSysCache("RELOID", oid)?.relhassubclass ?? false;
}

function makeIndexOptInfo(ixrel: Relation, rel: RelOptInfo, heap: Relation): IndexOptInfo {
  const s = indexStatic(ixrel);
  const ix = ixrel.rd_index!;
  const relam = ixrel.rd_rel.relam;
  const am = AM_FACTS[relam] ?? elogError(`index access method ${relam} is unknown to the planner`);
  const rebase = (nodes: Node[]): Node[] => rel.relid === 1 ? nodes : nodes.map((n) => changeVarno(n, rel.relid));
  const info: IndexOptInfo = {
    indexoid: ixrel.rd_id,
    reltablespace: ixrel.rd_rel.reltablespace,
    rel,
    pages: 0,
    tuples: 0,
    tree_height: -1,
    ncolumns: s.ncolumns,
    nkeycolumns: s.nkeycolumns,
    indexkeys: s.indexkeys,
    indexcollations: s.indexcollations,
    opfamily: s.opfamily,
    opcintype: s.opcintype,
    sortopfamily: am.amcanorder ? s.opfamily : null,
    reverse_sort: s.reverse_sort,
    nulls_first: s.nulls_first,
    canreturn: s.canreturn,
    relam,
    indexprs: s.indexprs.length === 0 ? s.indexprs : rebase(s.indexprs),
    indpred: s.indpred.length === 0 ? s.indpred : rebase(s.indpred),
    indextlist: [],
    indrestrictinfo: [],
    predOK: false,
    unique: ix.indisunique,
    nullsnotdistinct: ix.indnullsnotdistinct,
    immediate: ix.indimmediate,
    hypothetical: false,
    amcanorderbyop: am.amcanorderbyop,
    amoptionalkey: am.amoptionalkey,
    amsearcharray: am.amsearcharray,
    amsearchnulls: am.amsearchnulls,
    amhasgettuple: am.amhasgettuple,
    amhasgetbitmap: am.amhasgetbitmap,
    amcanmarkpos: am.amcanmarkpos,
    amcanorder: am.amcanorder,
    amcostestimate: amCostEstimateFor(relam),
  };
  info.indextlist = buildIndexTlist(info, heap);
  if (info.indpred.length === 0) {
    info.pages = relationGetNumberOfBlocks(ixrel);
    info.tuples = rel.tuples;
  } else {
    const est = { pages: 0, tuples: 0, allvisfrac: 0 };
    estimateRelSize(ixrel, null, 0, est);
    info.pages = est.pages;
    info.tuples = Math.min(est.tuples, rel.tuples);
  }
  if (relam === 403) info.tree_height = btGetrootheight(ixrel);
  return info;
}
function changeVarno(n: Node, varno: number): Node {
  return mutateLevels(
    n,
    (x, depth) =>
      x.type === "Var" && x.varlevelsup === depth && x.varno === 1 ? { ...x, varno, varnosyn: varno } : undefined,
  );
}
function buildIndexTlist(index: IndexOptInfo, heap: Relation): TargetEntry[] {
  const out: TargetEntry[] = [];
  let e = 0;
  for (let i = 0; i < index.ncolumns; i++) {
    const key = index.indexkeys[i];
    let v: Node;
    if (key !== 0) {
      const att = key > 0 ? heap.rd_att.attrs[key - 1] : null;
      v = att === null
        ? makeVar(index.rel.relid, key, 26, -1, 0, 0)
        : makeVar(index.rel.relid, key, att.atttypid, att.atttypmod, att.attcollation, 0);
    } else v = index.indexprs[e++] ?? elogError("wrong number of index expressions");
    out.push(makeTargetEntry(v, i + 1, null, false));
  }
  return out;
}

/** Pages, tuples and the all-visible fraction, from pg_class scaled to the file's present size. */
export function estimateRelSize(
  rel: Relation,
  attrWidths: number[] | null,
  widthOffset: number,
  out: { pages: number; tuples: number; allvisfrac: number },
): void {
  const c = rel.rd_rel;
  switch (c.relkind) {
    case "r":
    case "m":
    case "t": {
      let cur = relationGetNumberOfBlocks(rel);
      if (cur < 10 && c.reltuples < 0 && !c.relhassubclass) cur = 10;
      out.pages = cur;
      if (cur === 0) {
        out.tuples = 0;
        out.allvisfrac = 0;
        return;
      }
      let density: number;
      if (c.reltuples >= 0 && c.relpages > 0) density = c.reltuples / c.relpages;
      else {
        const width = relDataWidth(rel, attrWidths, widthOffset) + maxalign(23) + 4;
        const fillfactor = Number(rel.rd_options["fillfactor"] ?? 100);
        density = Math.floor(((BLCKSZ - 24) * fillfactor / 100) / width);
        if (density < 1) density = 1;
      }
      out.tuples = rint(density * cur);
      out.allvisfrac = c.relallvisible === 0 || cur <= 0 ? 0 : c.relallvisible >= cur ? 1 : c.relallvisible / cur;
      return;
    }
    case "i": {
      let cur = relationGetNumberOfBlocks(rel);
      out.pages = cur;
      out.allvisfrac = 0;
      if (cur === 0) {
        out.tuples = 0;
        return;
      }
      let relpages = c.relpages;
      if (relpages > 0) {
        cur--;
        relpages--;
      }
      let density: number;
      if (c.reltuples >= 0 && relpages > 0) density = c.reltuples / relpages;
      else density = Math.floor((BLCKSZ - 24) / (relDataWidth(rel, null, 0) + maxalign(23) + 4));
      out.tuples = rint(density * cur);
      return;
    }
    case "S":
      out.pages = 1;
      out.tuples = 1;
      out.allvisfrac = 0;
      return;
    default:
      out.pages = c.relpages;
      out.tuples = c.reltuples;
      out.allvisfrac = 0;
  }
}
function relDataWidth(rel: Relation, attrWidths: number[] | null, offset: number): number {
  let total = 0;
  for (const att of rel.rd_att.attrs) {
    if (att.attisdropped) continue;
    const cached = attrWidths === null ? 0 : attrWidths[offset + att.attnum];
    if (cached > 0) {
      total += cached;
      continue;
    }
    let w = getAttavgwidth(rel.rd_id, att.attnum);
    if (w <= 0) w = getTypavgwidth(att.atttypid, att.atttypmod);
    if (attrWidths !== null) attrWidths[offset + att.attnum] = w;
    total += w;
  }
  return total;
}
setRelAttrTypeWidth((reloid, attno) => {
  const rel = relationIdGetRelation(reloid);
  if (rel === null) return 0;
  const att = rel.rd_att.attrs[attno - 1];
  const w = att === undefined || att.attisdropped ? 0 : getTypavgwidth(att.atttypid, att.atttypmod);
  relationClose(rel);
  return w;
});

/** A target list of all columns, if the relation can hand out its rows whole; [] if not. */
export function buildPhysicalTlist(root: PlannerInfo, rel: RelOptInfo): TargetEntry[] {
  const rte = root.simple_rte_array[rel.relid]!;
  const out: TargetEntry[] = [];
  switch (rte.rtekind) {
    case "RTE_RELATION": {
      const relation = relationIdGetRelation(rte.relid)!;
      for (const att of relation.rd_att.attrs) {
        if (att.attisdropped || att.atthasmissing) {
          relationClose(relation);
          return [];
        }
        out.push(
          makeTargetEntry(
            makeVar(rel.relid, att.attnum, att.atttypid, att.atttypmod, att.attcollation, 0),
            att.attnum,
            null,
            false,
          ),
        );
      }
      relationClose(relation);
      return out;
    }
    case "RTE_SUBQUERY":
      for (const tle of rte.subquery!.targetList) {
        out.push(
          makeTargetEntry(
            makeVar(rel.relid, tle.resno, exprType(tle.expr), -1, exprCollation(tle.expr), 0),
            tle.resno,
            null,
            tle.resjunk,
          ),
        );
      }
      return out;
    default:
      return [];
  }
}

interface FkRow {
  confrelid: Oid;
  conkey: number[];
  confkey: number[];
  conpfeqop: Oid[];
}
const fkCache = new WeakMap<Relation, { generation: number; keys: readonly FkRow[] }>();
/** Enforced foreign keys of a table (RelationGetFKeyList), kept until its cache entry is rebuilt. */
function foreignKeysOf(rel: Relation): readonly FkRow[] {
  if (!rel.rd_rel.relhastriggers && rel.rd_rel.relkind !== "p") return [];
  const generation = (rel as RelCacheEntry).rd_generation;
  const known = fkCache.get(rel);
  if (known !== undefined && known.generation === generation) return known.keys;
  const keys: FkRow[] = [];
  for (const c of catalogScan("pg_constraint", { conrelid: rel.rd_id })) {
    if (c.contype !== "f" || !c.conenforced) continue;
    keys.push({
      confrelid: c.confrelid,
      conkey: c.conkey ?? [],
      confkey: c.confkey ?? [],
      conpfeqop: c.conpfeqop ?? [],
    });
  }
  fkCache.set(rel, { generation, keys });
  return keys;
}
function collectForeignKeys(root: PlannerInfo, rel: RelOptInfo, relation: Relation): void {
  if (root.parse.rtable.length < 2) return;
  for (const fk of foreignKeysOf(relation)) {
    if (fk.confrelid === relation.rd_id) continue;
    root.parse.rtable.forEach((rte, i) => {
      if (rte.rtekind !== "RTE_RELATION" || rte.relid !== fk.confrelid) return;
      if (i + 1 === rel.relid) return;
      root.fkey_list.push({
        con_relid: rel.relid,
        ref_relid: i + 1,
        nkeys: fk.conkey.length,
        conkey: fk.conkey,
        confkey: fk.confkey,
        conpfeqop: fk.conpfeqop,
        nmatched_ec: 0,
        nconst_ec: 0,
        nmatched_rcols: 0,
        nmatched_ri: 0,
        eclass: new Array(fk.conkey.length).fill(null),
        fk_eclass_member: new Array(fk.conkey.length).fill(null),
        rinfos: fk.conkey.map(() => []),
      });
    });
  }
}

/** Indexes that INSERT … ON CONFLICT (…) names; [] when the clause gives none. */
export function inferArbiterIndexes(root: PlannerInfo): Oid[] {
  const onconflict = root.parse.onConflict!;
  if (onconflict.arbiterElems.length === 0 && onconflict.constraint === 0) return [];
  const varno = root.parse.resultRelation;
  const rte = root.parse.rtable[varno - 1];
  const relation = relationIdGetRelation(rte.relid)!;
  try {
    const inferAttrs = new Set<number>();
    const inferElems: (Node & { type: "InferenceElem" })[] = [];
    for (const e of onconflict.arbiterElems) {
      if (e.type !== "InferenceElem") continue;
      if (e.expr!.type !== "Var") {
        inferElems.push(e);
        continue;
      }
      if (e.expr!.varattno === 0) {
        throw new PgError({
          code: ERRCODE.FEATURE_NOT_SUPPORTED,
          message: "whole row unique index inference specifications are not supported",
        });
      }
      inferAttrs.add(e.expr!.varattno);
    }
    let indexOidFromConstraint = 0;
    if (onconflict.constraint !== 0) {
      indexOidFromConstraint = searchSysCache("CONSTROID", onconflict.constraint)?.conindid ?? 0;
      if (indexOidFromConstraint === 0) {
        throw new PgError({
          code: ERRCODE.WRONG_OBJECT_TYPE,
          message: "constraint in ON CONFLICT clause has no associated index",
        });
      }
    }
    const results: Oid[] = [];
    for (const oid of relationGetIndexList(relation)) {
      const ixrel = indexOpen(oid, rte.rellockmode as Parameters<typeof indexOpen>[1]);
      try {
        const ix = ixrel.rd_index!;
        if (!ix.indisvalid) continue;
        if (indexOidFromConstraint === oid) {
          if (ix.indisexclusion && onconflict.action === "ONCONFLICT_UPDATE") {
            throw new PgError({
              code: ERRCODE.WRONG_OBJECT_TYPE,
              message: "ON CONFLICT DO UPDATE not supported with exclusion constraints",
            });
          }
          return [oid];
        }
        if (indexOidFromConstraint !== 0) continue;
        if (!ix.indisunique) continue;
        const s = indexStatic(ixrel);
        const keyAttrs = new Set(s.indexkeys.slice(0, s.nkeycolumns).filter((k) => k !== 0));
        if (keyAttrs.size !== inferAttrs.size || [...keyAttrs].some((k) => !inferAttrs.has(k))) continue;
        const exprs = varno === 1 ? s.indexprs : s.indexprs.map((n) => changeVarno(n, varno));
        const match = onconflict.arbiterElems.every((e) => {
          if (e.type !== "InferenceElem") return false;
          if (!inferCollationOpclassMatch(e, s, exprs)) return false;
          if (e.expr!.type === "Var") return true;
          if (e.infercollid !== 0 || e.inferopclass !== 0) return true;
          return exprs.some((x) => equal(x, e.expr));
        });
        if (!match) continue;
        if (exprs.some((x) => !inferElems.some((e) => equal(e.expr, x)))) continue;
        const pred = varno === 1 ? s.indpred : s.indpred.map((n) => changeVarno(n, varno));
        const where = onconflict.arbiterWhere === null
          ? []
          : makeAndsImplicit(evalConstExpressions(root, onconflict.arbiterWhere));
        if (pred.length > 0 && !predicateImpliedBy(pred, where)) continue;
        results.push(oid);
      } finally {
        relationClose(ixrel);
      }
    }
    if (results.length === 0) {
      throw new PgError({
        code: ERRCODE.INVALID_COLUMN_REFERENCE,
        message: "there is no unique or exclusion constraint matching the ON CONFLICT specification",
        routine: "infer_arbiter_indexes",
      });
    }
    return results;
  } finally {
    relationClose(relation);
  }
}
function inferCollationOpclassMatch(e: Node & { type: "InferenceElem" }, s: IndexStatic, exprs: Node[]): boolean {
  if (e.infercollid === 0 && e.inferopclass === 0) return true;
  let nplain = 0;
  for (let i = 0; i < s.nkeycolumns; i++) {
    const attno = s.indexkeys[i];
    if (attno !== 0) nplain++;
    if (e.inferopclass !== 0) {
      const opc = searchSysCache("CLAOID", e.inferopclass);
      if (opc === null || opc.opcfamily !== s.opfamily[i] || opc.opcintype !== s.opcintype[i]) continue;
    }
    if (e.infercollid !== 0 && e.infercollid !== s.indexcollations[i]) continue;
    if (attno !== 0) {
      if (e.expr!.type === "Var" && e.expr!.varattno === attno) return true;
    } else if (equal(e.expr, exprs[i - nplain])) return true;
  }
  return false;
}
