/**
 * ANALYZE of one table: takes a sample, computes statistics of its columns and of its indexes' expressions, stores them in
 * pg_statistic, and the table's size in pg_class.
 *
 * Follows analyze_rel() and do_analyze_rel() in src/backend/commands/analyze.c. Differs: no extended statistics; of an
 * inheritance tree (partitioned table) the sample takes from each child in proportion to its pages.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { ereport, pgError } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import { guc } from "../../conf/guc_values.ts";
import { readToastPointer, ToastedDatum, toastRawPayloadSize } from "../access/common/detoast.ts";
import type { HeapTuple } from "../access/common/heap_tuple.ts";
import { deformTupleRaw } from "../access/common/heaptuple.ts";
import { indexClose, indexOpen, relationClose, tableClose, tableOpen } from "../access/common/relation.ts";
import { visibilitymapCount } from "../access/heap/visibilitymap.ts";
import { buildIndexInfo, formIndexDatum, type IndexInfo } from "../access/index/index_info.ts";
import { commandCounterIncrement } from "../access/transam/xact.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import { catalogInsert, catalogUpdate } from "../catalog/indexing.ts";
import { isOtherTempNamespace } from "../catalog/namespace.ts";
import type { PgStatistic } from "../catalog/catalog_rows.ts";
import { bufferUsage, walUsage } from "../storage/buffer/buffer_usage.ts";
import { relationGetNumberOfBlocks } from "../storage/buffer/bufmgr.ts";
import type { BufferAccessStrategy } from "../storage/buffer/freelist.ts";
import { AccessShareLock, NoLock, ShareUpdateExclusiveLock } from "../storage/lmgr/locktypes.ts";
import { makeArray } from "../utils/adt/array_codec.ts";
import { getNamespaceName } from "../utils/cache/lsyscache.ts";
import { relationGetIndexList } from "../utils/cache/relcache.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { lookupTypeCache } from "../utils/cache/typcache.ts";
import { type Datum, RecordDatum } from "../utils/fmgr/datum.ts";
import { getUserId, myDatabaseName, setUserId } from "../utils/init/globals.ts";
import { acquireSampleRows, type Sample } from "./analyze_sample.ts";
import { type ColumnKind, type ColumnStats, computeStats, type StatSlot, WIDTH_THRESHOLD } from "./analyze_stats.ts";
import type { VacuumParams } from "./vacuum_options.ts";
import { usageLines, vacuumIsPermitted, vacuumOpenRelation, type VacuumTarget } from "./vacuum_relation.ts";
import { vacUpdateRelstats } from "./vacuum_stats.ts";

/** One column, or index expression, to analyze. */
interface Subject {
  attnum: number;
  typeId: Oid;
  typlen: number;
  collation: Oid;
  target: number;
}

/** Analyzes one table in the current transaction. */
export function analyzeRel(
  target: VacuumTarget,
  params: VacuumParams,
  strategy: BufferAccessStrategy | null,
  inOuterXact: boolean,
): void {
  const rel = vacuumOpenRelation(target.relid, target.name, "analyze", params.skipLocked, ShareUpdateExclusiveLock);
  if (rel === null) return;
  const done = (): void => relationClose(rel, ShareUpdateExclusiveLock);
  if (!vacuumIsPermitted(rel.rd_id, { ...params, vacuum: false })) return done();
  if (rel.rd_rel.relpersistence === "t" && isOtherTempNamespace(rel.rd_rel.relnamespace)) return done();
  // Statistics on pg_statistic would be about themselves.
  if (rel.rd_id === 2619) return done();
  const relkind = rel.rd_rel.relkind;
  if (relkind !== "r" && relkind !== "m" && relkind !== "p") {
    // VACUUM has complained already.
    if (!params.vacuum) {
      ereport("WARNING", {
        message: `skipping "${rel.rd_rel.relname}" --- cannot analyze non-tables or special system tables`,
        routine: "analyze_rel",
      });
    }
    return done();
  }
  const user = getUserId();
  setUserId(rel.rd_rel.relowner);
  try {
    if (relkind !== "p") doAnalyze(rel, target.columns, params, strategy, inOuterXact, false);
    if (rel.rd_rel.relhassubclass) doAnalyze(rel, target.columns, params, strategy, inOuterXact, true);
  } finally {
    setUserId(user);
  }
  relationClose(rel, NoLock);
}

function subjectsOf(rel: Relation, columns: readonly string[]): Subject[] {
  const wanted = new Set<number>();
  for (const name of columns) {
    const att = rel.rd_att.attrs.find((a) => a.attname === name && !a.attisdropped);
    if (att === undefined) {
      throw pgError(ERRCODE.UNDEFINED_COLUMN, `column "${name}" of relation "${rel.rd_rel.relname}" does not exist`, {
        routine: "do_analyze_rel",
      });
    }
    if (wanted.has(att.attnum)) {
      throw pgError(
        ERRCODE.DUPLICATE_COLUMN,
        `column "${name}" of relation "${rel.rd_rel.relname}" appears more than once`,
        { routine: "do_analyze_rel" },
      );
    }
    wanted.add(att.attnum);
  }
  const targets = new Map(catalogScan("pg_attribute", { attrelid: rel.rd_id }).map((a) => [a.attnum, a.attstattarget]));
  const out: Subject[] = [];
  for (const a of rel.rd_att.attrs) {
    if (a.attisdropped || a.attgenerated === "v") continue;
    if (columns.length > 0 && !wanted.has(a.attnum)) continue;
    const t = targets.get(a.attnum) ?? -1;
    if (t === 0) continue;
    out.push({
      attnum: a.attnum,
      typeId: a.atttypid,
      typlen: a.attlen,
      collation: a.attcollation,
      target: t < 0 ? guc.default_statistics_target : t,
    });
  }
  return out;
}

function doAnalyze(
  rel: Relation,
  columns: readonly string[],
  params: VacuumParams,
  strategy: BufferAccessStrategy | null,
  inOuterXact: boolean,
  inh: boolean,
): void {
  const start = performance.now();
  const usage0 = { ...bufferUsage };
  const wal0 = { ...walUsage };
  const schema = getNamespaceName(rel.rd_rel.relnamespace);
  const level = params.verbose ? "INFO" : "DEBUG2";
  ereport(level, { message: `analyzing "${schema}.${rel.rd_rel.relname}"${inh ? " inheritance tree" : ""}` });
  const subjects = subjectsOf(rel, columns);
  const indexes = inh ? [] : relationGetIndexList(rel).map((oid) => indexOpen(oid, AccessShareLock));
  const infos = indexes.map((index) => buildIndexInfo(index, rel));
  // 300 rows for each unit of the target: enough for the histogram's error bound.
  let targrows = 100;
  for (const s of subjects) targrows = Math.max(targrows, 300 * s.target);
  const sample = inh ? sampleTree(rel, targrows, strategy) : acquireSampleRows(rel, targrows, strategy);
  if (!inh) {
    ereport(level, {
      message:
        `"${rel.rd_rel.relname}": scanned ${sample.scannedPages} of ${sample.totalPages} pages, containing ${sample.liveRows} live rows and ${sample.deadRows} dead rows; ${sample.rows.length} rows in sample, ${sample.totalLiveRows} estimated total rows`,
      routine: "acquire_sample_rows",
    });
  }
  if (sample.rows.length > 0) {
    for (const [s, values] of columnValues(rel, sample.rows, subjects)) {
      const st = computeStats(columnKind(s), values, sample.totalLiveRows, s.target);
      if (st !== null) storeStats(rel.rd_id, inh, s, st);
    }
    if (columns.length === 0) {
      indexes.forEach((index, i) => analyzeIndexExpressions(rel, index, infos[i], sample));
    }
    commandCounterIncrement();
  }
  if (!inh) {
    const vm = visibilitymapCount(rel);
    vacUpdateRelstats(rel, {
      numPages: sample.totalPages,
      numTuples: sample.totalLiveRows,
      numAllVisiblePages: vm.allVisible,
      numAllFrozenPages: vm.allFrozen,
      hasIndex: indexes.length > 0,
      frozenXid: 0,
      minMulti: 0,
      inOuterXact,
    });
    // VACUUM has counted the indexes' entries better.
    if (!params.vacuum) {
      indexes.forEach((index, i) => {
        const fraction = infos[i].predicate === null ? 1 : predicateFraction(rel, infos[i], sample);
        vacUpdateRelstats(index, {
          numPages: relationGetNumberOfBlocks(index),
          numTuples: Math.ceil(fraction * sample.totalLiveRows),
          numAllVisiblePages: 0,
          numAllFrozenPages: 0,
          hasIndex: false,
          frozenXid: 0,
          minMulti: 0,
          inOuterXact,
        });
      });
    }
  } else if (rel.rd_rel.relkind === "p") {
    vacUpdateRelstats(rel, {
      numPages: -1,
      numTuples: sample.totalLiveRows,
      numAllVisiblePages: 0,
      numAllFrozenPages: 0,
      hasIndex: rel.rd_rel.relhasindex,
      frozenXid: 0,
      minMulti: 0,
      inOuterXact,
    });
  }
  for (const index of indexes) indexClose(index, NoLock);
  if (params.verbose) {
    ereport("INFO", {
      message: [
        `finished analyzing table "${myDatabaseName()}.${schema}.${rel.rd_rel.relname}"`,
        ...usageLines(start, usage0, wal0),
      ].join("\n"),
      routine: "do_analyze_rel",
    });
  }
}

/** Samples a table and its descendants, each by its share of the pages. */
function sampleTree(rel: Relation, targrows: number, strategy: BufferAccessStrategy | null): Sample {
  const all: Relation[] = [];
  const visit = (oid: Oid): void => {
    const r = tableOpen(oid, AccessShareLock);
    if (r.rd_rel.relkind === "r" || r.rd_rel.relkind === "m") all.push(r);
    else tableClose(r, NoLock);
    for (const i of catalogScan("pg_inherits", { inhparent: oid })) visit(i.inhrelid);
  };
  visit(rel.rd_id);
  const pages = all.map((r) => relationGetNumberOfBlocks(r));
  const total = pages.reduce((a, b) => a + b, 0);
  const out: Sample = {
    rows: [],
    totalPages: total,
    scannedPages: 0,
    liveRows: 0,
    deadRows: 0,
    totalLiveRows: 0,
    totalDeadRows: 0,
  };
  all.forEach((r, i) => {
    const want = total === 0 ? 0 : Math.round((targrows * pages[i]) / total);
    if (want > 0) {
      const s = acquireSampleRows(r, want, strategy);
      const map = columnMap(r, rel);
      out.rows.push(...s.rows.map((row) => (map === null ? row : remap(row, r, rel, map))));
      out.scannedPages += s.scannedPages;
      out.liveRows += s.liveRows;
      out.deadRows += s.deadRows;
      out.totalLiveRows += s.totalLiveRows;
      out.totalDeadRows += s.totalDeadRows;
    }
    tableClose(r, NoLock);
  });
  return out;
}
/** Child's column number - 1 for each of the parent's; null where they agree. */
function columnMap(child: Relation, parent: Relation): number[] | null {
  const map = parent.rd_att.attrs.map((a) =>
    a.attisdropped ? -1 : child.rd_att.attrs.findIndex((c) => c.attname === a.attname && !c.attisdropped)
  );
  return map.every((m, i) => m === i) && child.rd_att.natts === parent.rd_att.natts ? null : map;
}
/** Rows of children whose columns stand in another order travel with their values already taken apart. */
interface RemappedTuple extends HeapTuple {
  values: Datum[];
}
function remap(row: HeapTuple, child: Relation, parent: Relation, map: readonly number[]): RemappedTuple {
  const own: Datum[] = new Array(child.rd_att.natts);
  deformTupleRaw(row.data, row.off, child.rd_att, child.rd_att.natts, own);
  return { ...row, values: parent.rd_att.attrs.map((_, i) => (map[i] < 0 ? null : own[map[i]])) };
}

/** A toasted value is fetched only if it is not too wide to be looked at. */
function sampled(v: Datum): Datum {
  if (!(v instanceof ToastedDatum)) return v;
  return toastRawPayloadSize(v.bytes, 0) + 4 > WIDTH_THRESHOLD ? v : v.payload();
}

/** Each subject with its values, one column at a time so that only one is in memory twice. */
function* columnValues(
  rel: Relation,
  rows: readonly HeapTuple[],
  subjects: readonly Subject[],
): Generator<[Subject, Datum[]]> {
  const deformed = rows.map((row) => {
    const done = (row as Partial<RemappedTuple>).values;
    if (done !== undefined) return done;
    const values: Datum[] = new Array(rel.rd_att.natts);
    deformTupleRaw(row.data, row.off, rel.rd_att, rel.rd_att.natts, values);
    return values;
  });
  for (const s of subjects) yield [s, deformed.map((values) => sampled(values[s.attnum - 1]))];
}

function columnKind(s: Subject): ColumnKind {
  const type = lookupTypeCache(s.typeId);
  const ordered = type.eqOpr !== 0 && type.ltOpr !== 0;
  const rawWidth = (v: Datum): number =>
    v instanceof ToastedDatum
      ? (v.isExternal ? readToastPointer(v.bytes, 0).rawsize : toastRawPayloadSize(v.bytes, 0) + 4)
      : v instanceof Uint8Array
      ? v.length + 4
      : 4;
  return {
    cmp: ordered ? (type.cmp(s.collation) ?? null) : null,
    eq: type.eqOpr !== 0 ? (type.eq(s.collation) ?? null) : null,
    typlen: s.typlen,
    widthOf: (v) => {
      if (v instanceof ToastedDatum) return v.bytes.length;
      if (v instanceof Uint8Array) return v.length <= 126 ? v.length + 1 : v.length + 4;
      return v instanceof RecordDatum ? 24 : 4;
    },
    rawWidthOf: rawWidth,
  };
}

/** Fraction of the sample that a partial index has entries for. */
function predicateFraction(rel: Relation, info: IndexInfo, sample: Sample): number {
  if (sample.rows.length === 0) return 1;
  let n = 0;
  for (const row of sample.rows) if (info.predicate!(row, rel) === true) n++;
  return n / sample.rows.length;
}

/** Statistics of an index's expressions, stored under the index. */
function analyzeIndexExpressions(rel: Relation, index: Relation, info: IndexInfo, sample: Sample): void {
  if (info.expressions.length === 0) return;
  const rows = info.predicate === null ? sample.rows : sample.rows.filter((r) => info.predicate!(r, rel) === true);
  if (rows.length === 0) return;
  const totalRows = Math.ceil((sample.totalLiveRows * rows.length) / sample.rows.length);
  const all: Datum[][] = rows.map((row) => {
    const values: Datum[] = new Array(info.numIndexAttrs);
    formIndexDatum(info, row, rel, values);
    return values;
  });
  for (let i = 0; i < info.numIndexAttrs; i++) {
    if (info.indexAttrNumbers[i] !== 0) continue;
    const a = index.rd_att.attrs[i];
    const s: Subject = {
      attnum: i + 1,
      typeId: a.atttypid,
      typlen: a.attlen,
      collation: a.attcollation,
      target: guc.default_statistics_target,
    };
    const st = computeStats(columnKind(s), all.map((values) => values[i]), totalRows, s.target);
    if (st !== null) storeStats(index.rd_id, false, s, st);
  }
}

/** Writes one pg_statistic row, replacing the old one. */
function storeStats(relid: Oid, inh: boolean, s: Subject, st: ColumnStats): void {
  const type = lookupTypeCache(s.typeId);
  const old = catalogScan("pg_statistic", { starelid: relid, staattnum: s.attnum, stainherit: inh })[0];
  const slot = (i: number): StatSlot | null => st.slots[i] ?? null;
  const kind = (i: number): number => slot(i)?.kind ?? 0;
  const op = (i: number): Oid => {
    const x = slot(i);
    return x === null ? 0 : x.op === "eq" ? type.eqOpr : type.ltOpr;
  };
  const coll = (i: number): Oid => (slot(i) === null ? 0 : s.collation);
  const numbers = (i: number): number[] | null => slot(i)?.numbers ?? null;
  const values = (i: number): Uint8Array | null => {
    const v = slot(i)?.values ?? null;
    return v === null ? null : makeArray(s.typeId, [...v]);
  };
  const row: Omit<PgStatistic, "ctid"> = {
    starelid: relid,
    staattnum: s.attnum,
    stainherit: inh,
    stanullfrac: st.nullfrac,
    stawidth: st.width,
    stadistinct: st.distinct,
    stakind1: kind(0),
    stakind2: kind(1),
    stakind3: kind(2),
    stakind4: kind(3),
    stakind5: kind(4),
    staop1: op(0),
    staop2: op(1),
    staop3: op(2),
    staop4: op(3),
    staop5: op(4),
    stacoll1: coll(0),
    stacoll2: coll(1),
    stacoll3: coll(2),
    stacoll4: coll(3),
    stacoll5: coll(4),
    stanumbers1: numbers(0),
    stanumbers2: numbers(1),
    stanumbers3: numbers(2),
    stanumbers4: numbers(3),
    stanumbers5: numbers(4),
    stavalues1: values(0),
    stavalues2: values(1),
    stavalues3: values(2),
    stavalues4: values(3),
    stavalues5: values(4),
  };
  if (old === undefined) catalogInsert("pg_statistic", row as PgStatistic);
  else catalogUpdate("pg_statistic", old.ctid, row as PgStatistic);
}
