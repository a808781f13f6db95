/**
 * pg_lock_status(), pg_blocking_pids() and the advisory lock functions.
 *
 * An advisory lock's tag is two words: a bigint key split in two with field 4 = 1, or two integer keys with field 4 = 2.
 * Session locks stay until released or the session ends; those of the `_xact_` functions until the transaction ends.
 * Follows src/backend/utils/adt/lockfuncs.c.
 */
import { encodeText } from "../../../base/text.ts";
import { lockAcquire, LOCKACQUIRE_NOT_AVAIL, lockRelease, lockReleaseSession } from "../../storage/lmgr/lock.ts";
import { pgBlockingPids, pgLockStatus } from "../../storage/lmgr/lock_status.ts";
import {
  ExclusiveLock,
  type LockMode,
  LockTag,
  setLocktagAdvisory,
  ShareLock,
  USER_LOCKMETHOD,
} from "../../storage/lmgr/locktypes.ts";
import { type Datum, RecordDatum } from "../fmgr/datum.ts";
import type { BuiltinTable } from "../fmgr/fmgr.ts";
import { registerBuiltins } from "../fmgr/fmgrtab.ts";
import { myDatabaseId } from "../init/globals.ts";
import { makeArray } from "./array_codec.ts";

const RECORDOID = 2249;
const INT4OID = 23;
/** Types of the columns of pg_locks. */
const LOCK_STATUS_TYPES = [25, 26, 26, 23, 21, 25, 28, 26, 26, 21, 25, 23, 25, 16, 16, 1184];

const text = (s: string | null): Datum => (s === null ? null : encodeText(s));

function* lockStatus(): Iterable<Datum> {
  for (const r of pgLockStatus()) {
    yield new RecordDatum(RECORDOID, -1, [
      text(r.locktype),
      r.database,
      r.relation,
      r.page,
      r.tuple,
      text(r.virtualxid),
      r.transactionid,
      r.classid,
      r.objid,
      r.objsubid,
      text(r.virtualtransaction),
      r.pid,
      text(r.mode),
      r.granted,
      r.fastpath,
      r.waitstart,
    ], LOCK_STATUS_TYPES);
  }
}

const tag = new LockTag();
function int8Tag(key: number | bigint): LockTag {
  const k = BigInt.asUintN(64, BigInt(key));
  return setLocktagAdvisory(tag, myDatabaseId(), Number(k >> 32n), Number(k & 0xffffffffn), 1);
}
function int4Tag(key1: number, key2: number): LockTag {
  return setLocktagAdvisory(tag, myDatabaseId(), key1, key2, 2);
}

/** A function returning void answers with an empty value that is not null. */
const VOID = 0;

/** The functions of one mode and lifetime, under `lock` and `try` names, for both kinds of key. */
function acquiring(infix: string, suffix: string, mode: LockMode, sessionLock: boolean): BuiltinTable {
  const wait = (t: LockTag): Datum => {
    lockAcquire(t, mode, { sessionLock });
    return VOID;
  };
  const attempt = (t: LockTag): Datum =>
    lockAcquire(t, mode, { sessionLock, dontWait: true }) !== LOCKACQUIRE_NOT_AVAIL;
  return {
    [`pg_advisory_${infix}lock${suffix}_int8`]: (key: number | bigint) => wait(int8Tag(key)),
    [`pg_advisory_${infix}lock${suffix}_int4`]: (a: number, b: number) => wait(int4Tag(a, b)),
    [`pg_try_advisory_${infix}lock${suffix}_int8`]: (key: number | bigint) => attempt(int8Tag(key)),
    [`pg_try_advisory_${infix}lock${suffix}_int4`]: (a: number, b: number) => attempt(int4Tag(a, b)),
  };
}

const lockBuiltins: BuiltinTable = {
  pg_lock_status: lockStatus,
  pg_blocking_pids: (pid: number) => makeArray(INT4OID, pgBlockingPids(pid)),
  ...acquiring("", "", ExclusiveLock, true),
  ...acquiring("", "_shared", ShareLock, true),
  ...acquiring("xact_", "", ExclusiveLock, false),
  ...acquiring("xact_", "_shared", ShareLock, false),
  pg_advisory_unlock_int8: (key: number | bigint) => lockRelease(int8Tag(key), ExclusiveLock, true),
  pg_advisory_unlock_int4: (a: number, b: number) => lockRelease(int4Tag(a, b), ExclusiveLock, true),
  pg_advisory_unlock_shared_int8: (key: number | bigint) => lockRelease(int8Tag(key), ShareLock, true),
  pg_advisory_unlock_shared_int4: (a: number, b: number) => lockRelease(int4Tag(a, b), ShareLock, true),
  pg_advisory_unlock_all: () => {
    lockReleaseSession(USER_LOCKMETHOD);
    return VOID;
  },
};

/** Adds these functions to the registry; once for each process. */
export function registerLockFunctions(): void {
  registerBuiltins(lockBuiltins);
}
