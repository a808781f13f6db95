/**
 * Sequences: a relation of one page with one tuple (last_value, log_cnt, is_called), and a row in pg_sequence.
 *
 * nextval() updates the tuple in place and is never rolled back. To write little WAL it logs SEQ_LOG_VALS values ahead:
 * after a crash a sequence may skip values but never repeats one. The page is locked while it changes; the record carries
 * the whole tuple. Follows src/backend/commands/sequence.c.
 */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { ereport, notBuilt, type PgError, pgError } from "../../base/error.ts";
import { FirstOffsetNumber, FrozenTransactionId, type Oid } from "../../base/types.ts";
import { mem } from "../../shmem/memory.ts";
import { endCritSection, startCritSection } from "../../shmem/interrupt.ts";
import { heapFormTuple } from "../access/common/heaptuple.ts";
import { relationClose, relationOpen } from "../access/common/relation.ts";
import { makeTupleDesc } from "../access/common/tupdesc.ts";
import {
  commandCounterIncrement,
  getTopTransactionId,
  preventCommandIfReadOnly,
  xactReadOnly,
} from "../access/transam/xact.ts";
import { initSeqPage, logSeqPage, SEQ_MAGIC } from "./sequence_xlog.ts";
import { getRedoRecPtr } from "../access/transam/xlog.ts";
import {
  BUFFER_LOCK_EXCLUSIVE,
  bufferGetPage,
  extendBufferedRel,
  lockBuffer,
  markBufferDirty,
  readBuffer,
  unlockReleaseBuffer,
} from "../storage/buffer/bufmgr.ts";
import { AccessShareLock, NoLock, RowExclusiveLock, ShareRowExclusiveLock } from "../storage/lmgr/locktypes.ts";
import { itemIdGetOffset, pageAddItem, pageGetLSN, pageGetSpecialPointer } from "../storage/page/page.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { relationSetNewRelfilenumber } from "../utils/cache/relcache.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { int8, toBigInt } from "../utils/fmgr/datum.ts";
import { ACL_SELECT, ACL_UPDATE, ACL_USAGE } from "../utils/adt/acl.ts";
import { aclcheckError, objectAclcheck, objectOwnercheck, ownercheckError } from "../catalog/aclchk.ts";
import * as O from "../catalog/catalog_oids.ts";
import { errdetailRelkindNotSupported } from "../catalog/pg_class.ts";
import type { PgSequence } from "../catalog/catalog_rows.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import { heapCreateWithCatalog, makeAttribute } from "../catalog/heap.ts";
import { catalogDelete, catalogInsert, catalogUpdate } from "../catalog/indexing.ts";
import { rangeVarGetCreationNamespace, rangeVarGetRelid } from "../catalog/namespace.ts";
import { objectAddress } from "../catalog/object_address.ts";
import { DependencyType, recordDependencyOn } from "../catalog/pg_depend.ts";
import { parserErrposition } from "../parser/parse_node.ts";
import { parseStateOf } from "./parse_state.ts";
import { typenameTypeIdAndMod } from "../parser/parse_type.ts";
import type { UtilityCall } from "../tcop/utility.ts";
import { getUserId } from "../utils/init/globals.ts";

/** Values logged ahead of need. */
const SEQ_LOG_VALS = 32;

interface SeqState {
  lastValue: bigint;
  logCnt: bigint;
  isCalled: boolean;
}

/** What the session remembers of a sequence: values taken in advance (CACHE) and currval. */
interface SeqTable {
  lastValid: boolean;
  last: bigint;
  cached: bigint;
  increment: bigint;
  filenumber: number;
}
const seqtab = new Map<Oid, SeqTable>();
let lastUsedSeq: Oid = 0;

/** DISCARD SEQUENCES. */
export function resetSequenceCaches(): void {
  seqtab.clear();
  lastUsedSeq = 0;
}

const SEQUENCE_DESC = () =>
  makeTupleDesc([
    makeAttribute(1, "last_value", 20, -1, { attnotnull: true }),
    makeAttribute(2, "log_cnt", 20, -1, { attnotnull: true }),
    makeAttribute(3, "is_called", 16, -1, { attnotnull: true }),
  ]);

const INT8_MIN = -(2n ** 63n);
const INT8_MAX = 2n ** 63n - 1n;
function typeRange(typid: Oid): [bigint, bigint] {
  if (typid === 21) return [-32768n, 32767n];
  if (typid === 23) return [-2147483648n, 2147483647n];
  return [INT8_MIN, INT8_MAX];
}

interface SeqOptions {
  typid: Oid;
  start: bigint;
  increment: bigint;
  max: bigint;
  min: bigint;
  cache: bigint;
  cycle: boolean;
  /** Value given by RESTART or implied by START of a new sequence; null leaves the tuple as it is. */
  restart: bigint | null;
  ownedBy: string[] | null;
}

type Def = { DefElem: Raw.DefElem };

function defInt(def: Raw.DefElem): bigint {
  const arg = def.arg as { Integer?: { ival?: number }; Float?: { fval: string } } | undefined;
  if (arg?.Integer !== undefined) return BigInt(arg.Integer.ival ?? 0);
  if (arg?.Float !== undefined) {
    if (/^[-+]?\d+$/.test(arg.Float.fval)) {
      const v = BigInt(arg.Float.fval);
      if (v >= INT8_MIN && v <= INT8_MAX) return v;
      throw pgError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, `value "${arg.Float.fval}" is out of range for type bigint`);
    }
    throw pgError(ERRCODE.INVALID_TEXT_REPRESENTATION, `invalid input syntax for type bigint: "${arg.Float.fval}"`);
  }
  throw pgError(ERRCODE.SYNTAX_ERROR, `${def.defname} requires a numeric value`);
}
function defBool(def: Raw.DefElem): boolean {
  const arg = def.arg as { Boolean?: { boolval?: boolean }; Integer?: { ival?: number } } | undefined;
  if (arg?.Boolean !== undefined) return arg.Boolean.boolval ?? false;
  return arg?.Integer === undefined ? true : (arg.Integer.ival ?? 0) !== 0;
}
const paramError = (message: string): PgError =>
  pgError(ERRCODE.INVALID_PARAMETER_VALUE, message, { routine: "init_params" });

/** Reads CREATE/ALTER SEQUENCE options over `old` (the sequence as it is), or over the defaults. */
function initParams(
  options: readonly Raw.Node[] | undefined,
  isIdentity: boolean,
  old: PgSequence | null,
  call: { queryString: string },
): SeqOptions {
  const given = new Map<string, Raw.DefElem>();
  for (const o of options ?? []) {
    const def = (o as Def).DefElem;
    const name = def.defname!;
    if (given.has(name)) {
      const pstate = parseStateOf(call.queryString);
      throw pgError(ERRCODE.SYNTAX_ERROR, "conflicting or redundant options", {
        position: parserErrposition(pstate, def.location ?? 0),
        routine: "errorConflictingDefElem",
      });
    }
    given.set(name, def);
  }
  let typid: Oid = old?.seqtypid ?? 20;
  const asType = given.get("as");
  let resetMax = false;
  let resetMin = false;
  if (asType !== undefined) {
    const pstate = parseStateOf(call.queryString);
    const newType = typenameTypeIdAndMod(pstate, (asType.arg as { TypeName: Raw.TypeName }).TypeName).typeId;
    if (newType !== 21 && newType !== 23 && newType !== 20) {
      throw paramError(
        isIdentity
          ? "identity column type must be smallint, integer, or bigint"
          : "sequence type must be smallint, integer, or bigint",
      );
    }
    if (old !== null) {
      const [oldMin, oldMax] = typeRange(old.seqtypid);
      resetMax = toBigInt(old.seqmax) === oldMax;
      resetMin = toBigInt(old.seqmin) === oldMin;
    }
    typid = newType;
  }
  const [typeMin, typeMax] = typeRange(typid);
  const incDef = given.get("increment");
  const increment = incDef !== undefined ? defInt(incDef) : old !== null ? toBigInt(old.seqincrement) : 1n;
  if (increment === 0n) throw paramError("INCREMENT must not be zero");
  const cycleDef = given.get("cycle");
  const cycle = cycleDef !== undefined ? defBool(cycleDef) : old?.seqcycle ?? false;
  const maxDef = given.get("maxvalue");
  let max: bigint;
  if (maxDef?.arg !== undefined) max = defInt(maxDef);
  else if (old === null || maxDef !== undefined || resetMax) max = increment > 0n ? typeMax : -1n;
  else max = toBigInt(old.seqmax);
  const typeWord = typid === 21 ? "smallint" : typid === 23 ? "integer" : "bigint";
  if (max < typeMin || max > typeMax) {
    throw paramError(`MAXVALUE (${max}) is out of range for sequence data type ${typeWord}`);
  }
  const minDef = given.get("minvalue");
  let min: bigint;
  if (minDef?.arg !== undefined) min = defInt(minDef);
  else if (old === null || minDef !== undefined || resetMin) min = increment < 0n ? typeMin : 1n;
  else min = toBigInt(old.seqmin);
  if (min < typeMin || min > typeMax) {
    throw paramError(`MINVALUE (${min}) is out of range for sequence data type ${typeWord}`);
  }
  if (min >= max) throw paramError(`MINVALUE (${min}) must be less than MAXVALUE (${max})`);
  const startDef = given.get("start");
  const start = startDef !== undefined
    ? defInt(startDef)
    : old !== null
    ? toBigInt(old.seqstart)
    : increment > 0n
    ? min
    : max;
  if (start < min) throw paramError(`START value (${start}) cannot be less than MINVALUE (${min})`);
  if (start > max) throw paramError(`START value (${start}) cannot be greater than MAXVALUE (${max})`);
  const restartDef = given.get("restart");
  let restart: bigint | null = old === null ? start : null;
  if (restartDef !== undefined) restart = restartDef.arg !== undefined ? defInt(restartDef) : start;
  if (restart !== null) {
    if (restart < min) throw paramError(`RESTART value (${restart}) cannot be less than MINVALUE (${min})`);
    if (restart > max) throw paramError(`RESTART value (${restart}) cannot be greater than MAXVALUE (${max})`);
  }
  const cacheDef = given.get("cache");
  const cache = cacheDef !== undefined ? defInt(cacheDef) : old !== null ? toBigInt(old.seqcache) : 1n;
  if (cache <= 0n) throw paramError(`CACHE (${cache}) must be greater than zero`);
  const owned = given.get("owned_by");
  const ownedBy = owned === undefined
    ? null
    : (owned.arg as { List: { items: Raw.Node[] } }).List.items.map((n) => (n as { String: Raw.String }).String.sval!);
  return { typid, start, increment, max, min, cache, cycle, restart, ownedBy };
}

/** CREATE SEQUENCE. Returns its OID. */
export function defineSequence(stmt: Raw.CreateSeqStmt, call: { queryString: string }): Oid {
  const rv = stmt.sequence!;
  const namespace = rangeVarGetCreationNamespace(rv);
  const existing = searchSysCache("RELNAMENSP", rv.relname!, namespace);
  if (stmt.if_not_exists && existing !== null) {
    ereport("NOTICE", {
      code: ERRCODE.DUPLICATE_TABLE,
      message: `relation "${rv.relname}" already exists, skipping`,
    });
    return 0;
  }
  if (rv.relpersistence === "t" || rv.relpersistence === "u") {
    throw notBuilt(rv.relpersistence === "t" ? "a temporary sequence" : "an unlogged sequence");
  }
  const p = initParams(stmt.options, stmt.for_identity ?? false, null, call);
  const seqid = heapCreateWithCatalog({
    relname: rv.relname!,
    relnamespace: namespace,
    reltablespace: 0,
    relowner: stmt.ownerId || getUserId(),
    relam: 0,
    attrs: SEQUENCE_DESC().attrs,
    relkind: "S",
    relpersistence: "p",
    reloptions: null,
    relacl: null,
  });
  commandCounterIncrement();
  const rel = relationOpen(seqid, NoLock);
  fillSeq(rel, { lastValue: p.restart!, logCnt: 0n, isCalled: false });
  if (p.ownedBy !== null) processOwnedBy(rel, p.ownedBy, stmt.for_identity ?? false);
  relationClose(rel, NoLock);
  catalogInsert("pg_sequence", {
    seqrelid: seqid,
    seqtypid: p.typid,
    seqstart: int8(p.start),
    seqincrement: int8(p.increment),
    seqmax: int8(p.max),
    seqmin: int8(p.min),
    seqcache: int8(p.cache),
    seqcycle: p.cycle,
  });
  return seqid;
}

/** Writes the one tuple of a sequence into a new, empty file. */
function fillSeq(rel: Relation, s: SeqState): void {
  const tuple = heapFormTuple(rel.rd_att, [int8(s.lastValue), int8(s.logCnt), s.isCalled]);
  const buf = extendBufferedRel(rel, 0, 1);
  const page = bufferGetPage(buf);
  getTopTransactionId();
  const data = tuple.data;
  const dv = new DataView(data.buffer, data.byteOffset + tuple.off, tuple.len);
  dv.setUint32(0, FrozenTransactionId, true); // t_xmin
  dv.setUint32(4, 0, true); // t_xmax
  dv.setUint32(8, 0, true); // t_cid
  // The tuple points at itself: block 0, offset 1.
  dv.setUint16(12, 0, true);
  dv.setUint16(14, 0, true);
  dv.setUint16(16, FirstOffsetNumber, true);
  dv.setUint16(20, dv.getUint16(20, true) | HEAP_XMIN_COMMITTED | HEAP_XMAX_INVALID, true);
  startCritSection();
  markBufferDirty(buf);
  initSeqPage(page);
  pageAddItem(page, data, tuple.off, tuple.len, 0, 0);
  logSeqPage(rel, buf, page);
  endCritSection();
  unlockReleaseBuffer(buf);
}
const HEAP_XMIN_COMMITTED = 0x0100;
const HEAP_XMAX_INVALID = 0x0800;

/** Offset in mem of the tuple's data; the buffer is locked. @throws XX000 if the page is none of a sequence. */
function seqTupleData(rel: Relation, page: number): number {
  if (mem.u32[pageGetSpecialPointer(page) >>> 2] !== SEQ_MAGIC) {
    throw pgError(
      ERRCODE.INTERNAL_ERROR,
      `bad magic number in sequence "${rel.rd_rel.relname}": ${
        mem.u32[pageGetSpecialPointer(page) >>> 2].toString(16).padStart(8, "0").toUpperCase()
      }`,
    );
  }
  const tup = page + itemIdGetOffset(page, FirstOffsetNumber);
  return tup + mem.u8[tup + 22]; // t_hoff
}

function readSeq(data: number): SeqState {
  return {
    lastValue: mem.i64[data >>> 3],
    logCnt: mem.i64[(data + 8) >>> 3],
    isCalled: mem.u8[data + 16] !== 0,
  };
}
function writeSeq(data: number, s: SeqState): void {
  mem.i64[data >>> 3] = s.lastValue;
  mem.i64[(data + 8) >>> 3] = s.logCnt;
  mem.u8[data + 16] = s.isCalled ? 1 : 0;
}

function openSequence(relid: Oid): { rel: Relation; elm: SeqTable } {
  const rel = relationOpen(relid, RowExclusiveLock);
  if (rel.rd_rel.relkind !== "S") {
    const { relname, relkind } = rel.rd_rel;
    relationClose(rel, NoLock);
    throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `cannot open relation "${relname}"`, {
      detail: errdetailRelkindNotSupported(relkind),
    });
  }
  let elm = seqtab.get(relid);
  if (elm === undefined) {
    elm = { lastValid: false, last: 0n, cached: 0n, increment: 0n, filenumber: rel.rd_locator.relNumber };
    seqtab.set(relid, elm);
  } else if (elm.filenumber !== rel.rd_locator.relNumber) {
    // It was restarted or rewritten: cached values no longer count.
    elm.filenumber = rel.rd_locator.relNumber;
    elm.cached = elm.last;
  }
  return { rel, elm };
}

function pgSequence(relid: Oid): PgSequence {
  const row = searchSysCache("SEQRELID", relid);
  if (row === null) throw pgError(ERRCODE.INTERNAL_ERROR, `cache lookup failed for sequence ${relid}`);
  return row;
}

/**
 * nextval(): the next value of a sequence.
 * @throws 2200H when it is exhausted, 42501 without USAGE or UPDATE.
 */
export function nextvalInternal(relid: Oid, checkPermissions: boolean): bigint {
  const { rel, elm } = openSequence(relid);
  if (
    checkPermissions && !objectAclcheck("pg_class", relid, getUserId(), ACL_USAGE) &&
    !objectAclcheck("pg_class", relid, getUserId(), ACL_UPDATE)
  ) throw aclcheckError("sequence", rel.rd_rel.relname);
  if (xactReadOnly()) preventCommandIfReadOnly("nextval()");
  if (elm.last !== elm.cached) {
    elm.last += elm.increment;
    relationClose(rel, NoLock);
    lastUsedSeq = relid;
    return elm.last;
  }
  const p = pgSequence(relid);
  const incby = toBigInt(p.seqincrement);
  const maxv = toBigInt(p.seqmax);
  const minv = toBigInt(p.seqmin);
  const cache = toBigInt(p.seqcache);
  const buf = readBuffer(rel, 0);
  lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
  const page = bufferGetPage(buf);
  const data = seqTupleData(rel, page);
  const seq = readSeq(data);
  let last = seq.lastValue;
  let next = last;
  let result = last;
  let fetch = cache;
  let log = seq.logCnt;
  let rescnt = 0n;
  let logit = false;
  if (!seq.isCalled) {
    rescnt++;
    fetch--;
  }
  // Log ahead when the logged values are used up, and at the first change after a checkpoint.
  if (log < fetch || !seq.isCalled) {
    fetch = log = fetch + BigInt(SEQ_LOG_VALS);
    logit = true;
  } else if (pageGetLSN(page) <= getRedoRecPtr()) {
    fetch = log = fetch + BigInt(SEQ_LOG_VALS);
    logit = true;
  }
  while (fetch > 0n) {
    if (incby > 0n) {
      if (next + incby > maxv) {
        if (rescnt > 0n) break;
        if (!p.seqcycle) exhausted(rel, buf, "maximum", maxv);
        next = minv;
      } else next += incby;
    } else if (next + incby < minv) {
      if (rescnt > 0n) break;
      if (!p.seqcycle) exhausted(rel, buf, "minimum", minv);
      next = maxv;
    } else next += incby;
    fetch--;
    if (rescnt < cache) {
      log--;
      rescnt++;
      last = next;
      if (rescnt === 1n) result = next;
    }
  }
  log -= fetch;
  elm.increment = incby;
  elm.last = result;
  elm.cached = last;
  elm.lastValid = true;
  lastUsedSeq = relid;
  // A transaction that only draws a value must still flush it before it tells the client.
  if (logit) getTopTransactionId();
  startCritSection();
  markBufferDirty(buf);
  if (logit) {
    // The record holds the value after all logged ones; the page then gets the value that was really given.
    writeSeq(data, { lastValue: next, logCnt: 0n, isCalled: true });
    logSeqPage(rel, buf, page);
  }
  writeSeq(data, { lastValue: last, logCnt: log, isCalled: true });
  endCritSection();
  unlockReleaseBuffer(buf);
  relationClose(rel, NoLock);
  return result;
}

function exhausted(rel: Relation, buf: number, word: string, limit: bigint): never {
  unlockReleaseBuffer(buf);
  throw pgError(
    ERRCODE.SEQUENCE_GENERATOR_LIMIT_EXCEEDED,
    `nextval: reached ${word} value of sequence "${rel.rd_rel.relname}" (${limit})`,
    { routine: "nextval_internal" },
  );
}

/** currval(). @throws 55000 before the session's first nextval. */
export function currvalOid(relid: Oid): bigint {
  const { rel, elm } = openSequence(relid);
  const name = rel.rd_rel.relname;
  relationClose(rel, NoLock);
  if (
    !objectAclcheck("pg_class", relid, getUserId(), ACL_SELECT) &&
    !objectAclcheck("pg_class", relid, getUserId(), ACL_USAGE)
  ) throw aclcheckError("sequence", name);
  if (!elm.lastValid) {
    throw pgError(
      ERRCODE.OBJECT_NOT_IN_PREREQUISITE_STATE,
      `currval of sequence "${name}" is not yet defined in this session`,
      { routine: "currval_oid" },
    );
  }
  return elm.last;
}

/** lastval(). @throws 55000 before the session's first nextval. */
export function lastval(): bigint {
  const elm = lastUsedSeq === 0 ? undefined : seqtab.get(lastUsedSeq);
  if (elm === undefined || searchSysCache("RELOID", lastUsedSeq) === null) {
    throw pgError(ERRCODE.OBJECT_NOT_IN_PREREQUISITE_STATE, "lastval is not yet defined in this session", {
      routine: "lastval",
    });
  }
  return elm.last;
}

/** setval(). @throws 22003 out of the sequence's bounds. */
export function doSetval(relid: Oid, next: bigint, isCalled: boolean): bigint {
  const { rel, elm } = openSequence(relid);
  if (!objectAclcheck("pg_class", relid, getUserId(), ACL_UPDATE)) throw aclcheckError("sequence", rel.rd_rel.relname);
  if (xactReadOnly()) preventCommandIfReadOnly("setval()");
  const p = pgSequence(relid);
  if (next < toBigInt(p.seqmin) || next > toBigInt(p.seqmax)) {
    throw pgError(
      ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE,
      `setval: value ${next} is out of bounds for sequence "${rel.rd_rel.relname}" (${p.seqmin}..${p.seqmax})`,
      { routine: "do_setval" },
    );
  }
  const buf = readBuffer(rel, 0);
  lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
  const page = bufferGetPage(buf);
  const data = seqTupleData(rel, page);
  if (isCalled) {
    elm.last = next;
    elm.lastValid = true;
  }
  elm.cached = elm.last;
  getTopTransactionId();
  startCritSection();
  markBufferDirty(buf);
  writeSeq(data, { lastValue: next, logCnt: 0n, isCalled });
  logSeqPage(rel, buf, page);
  endCritSection();
  unlockReleaseBuffer(buf);
  relationClose(rel, NoLock);
  return next;
}

/** The tuple as pg_sequence_last_value() and ALTER see it. */
export function readSequence(relid: Oid): { lastValue: bigint; isCalled: boolean } {
  const rel = relationOpen(relid, AccessShareLock);
  const buf = readBuffer(rel, 0);
  lockBuffer(buf, BUFFER_LOCK_EXCLUSIVE);
  const s = readSeq(seqTupleData(rel, bufferGetPage(buf)));
  unlockReleaseBuffer(buf);
  relationClose(rel, NoLock);
  return s;
}

/** ALTER SEQUENCE: options change in pg_sequence; RESTART gives the sequence a new file, so that it can be undone. */
export function alterSequence(stmt: Raw.AlterSeqStmt, call: UtilityCall): void {
  const relid = rangeVarGetRelid(stmt.sequence!, ShareRowExclusiveLock, { missingOk: stmt.missing_ok ?? false });
  if (relid === 0) {
    ereport("NOTICE", { message: `relation "${stmt.sequence!.relname}" does not exist, skipping` });
    return;
  }
  const { rel } = openSequence(relid);
  if (!objectOwnercheck("pg_class", relid, getUserId())) throw ownercheckError("sequence", rel.rd_rel.relname);
  const old = searchSysCache("SEQRELID", relid)!;
  const p = initParams(stmt.options, stmt.for_identity ?? false, old, call);
  const now = readSequence(relid);
  if (p.restart === null) {
    if (now.lastValue < p.min) {
      throw paramError(`RESTART value (${now.lastValue}) cannot be less than MINVALUE (${p.min})`);
    }
    if (now.lastValue > p.max) {
      throw paramError(`RESTART value (${now.lastValue}) cannot be greater than MAXVALUE (${p.max})`);
    }
  }
  relationSetNewRelfilenumber(rel, "p");
  fillSeq(
    rel,
    p.restart !== null
      ? { lastValue: p.restart, logCnt: 0n, isCalled: false }
      : { lastValue: now.lastValue, logCnt: 0n, isCalled: now.isCalled },
  );
  seqtab.delete(relid);
  if (p.ownedBy !== null) processOwnedBy(rel, p.ownedBy, stmt.for_identity ?? false);
  catalogUpdate("pg_sequence", old.ctid, {
    ...old,
    seqtypid: p.typid,
    seqstart: int8(p.start),
    seqincrement: int8(p.increment),
    seqmax: int8(p.max),
    seqmin: int8(p.min),
    seqcache: int8(p.cache),
    seqcycle: p.cycle,
  });
  relationClose(rel, NoLock);
}

/** TRUNCATE … RESTART IDENTITY. */
export function resetSequence(relid: Oid): void {
  const { rel } = openSequence(relid);
  const p = pgSequence(relid);
  relationSetNewRelfilenumber(rel, "p");
  fillSeq(rel, { lastValue: toBigInt(p.seqstart), logCnt: 0n, isCalled: false });
  seqtab.delete(relid);
  relationClose(rel, NoLock);
}

/** OWNED BY table.column: the sequence goes when the column goes. */
/** An identity sequence stays with its column. @throws 0A000 */
function refuseIdentitySequence(rel: Relation): void {
  for (const d of catalogScan("pg_depend", { classid: O.RelationRelationId, objid: rel.rd_id })) {
    if (d.refclassid !== O.RelationRelationId || d.deptype !== DependencyType.INTERNAL) continue;
    const table = searchSysCache("RELOID", d.refobjid)?.relname ?? "";
    throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, "cannot change ownership of identity sequence", {
      detail: `Sequence "${rel.rd_rel.relname}" is linked to table "${table}".`,
      routine: "process_owned_by",
    });
  }
}

function processOwnedBy(rel: Relation, ownedBy: readonly string[], forIdentity: boolean): void {
  const deptype = forIdentity ? DependencyType.INTERNAL : DependencyType.AUTO;
  if (!forIdentity) refuseIdentitySequence(rel);
  for (const d of catalogScan("pg_depend", { classid: O.RelationRelationId, objid: rel.rd_id })) {
    if (d.refclassid === O.RelationRelationId && d.refobjsubid !== 0 && d.deptype === deptype) {
      catalogDelete("pg_depend", d.ctid);
    }
  }
  if (ownedBy.length === 1 && ownedBy[0] === "none") return;
  if (ownedBy.length < 2) {
    throw pgError(ERRCODE.SYNTAX_ERROR, "invalid OWNED BY option", {
      hint: "Specify OWNED BY table.column or OWNED BY NONE.",
      routine: "process_owned_by",
    });
  }
  const parts = [...ownedBy];
  const column = parts.pop()!;
  const relname = parts.pop()!;
  const schemaname = parts.pop();
  const tableId = rangeVarGetRelid({ relname, schemaname, relpersistence: "p", inh: true }, AccessShareLock);
  const table = searchSysCache("RELOID", tableId)!;
  if (table.relowner !== rel.rd_rel.relowner) {
    throw pgError(ERRCODE.OBJECT_NOT_IN_PREREQUISITE_STATE, "sequence must have same owner as table it is linked to");
  }
  if (table.relnamespace !== rel.rd_rel.relnamespace) {
    throw pgError(ERRCODE.OBJECT_NOT_IN_PREREQUISITE_STATE, "sequence must be in same schema as table it is linked to");
  }
  const att = searchSysCache("ATTNAME", tableId, column);
  if (att === null) {
    throw pgError(ERRCODE.UNDEFINED_COLUMN, `column "${column}" of relation "${relname}" does not exist`);
  }
  recordDependencyOn(
    objectAddress(O.RelationRelationId, rel.rd_id),
    objectAddress(O.RelationRelationId, tableId, att.attnum),
    deptype,
  );
}

/** Deletes the pg_sequence row, when the sequence is dropped. */
export function deleteSequenceTuple(relid: Oid): void {
  catalogDelete("pg_sequence", searchSysCache("SEQRELID", relid)!.ctid);
  seqtab.delete(relid);
}
