/**
 * What VACUUM and ANALYZE share about one table: permission, opening, and the last lines of a VERBOSE report.
 * Follows src/backend/commands/vacuum.c.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { ereport } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import { tryRelationOpen } from "../access/common/relation.ts";
import { objectAclcheck, objectOwnercheck } from "../catalog/aclchk.ts";
import { bufferUsage, walUsage } from "../storage/buffer/buffer_usage.ts";
import { conditionalLockRelationOid, unlockRelationOid } from "../storage/lmgr/lmgr.ts";
import { type LockMode, NoLock } from "../storage/lmgr/locktypes.ts";
import { ACL_MAINTAIN } from "../utils/adt/acl.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getUserId, myDatabaseId } from "../utils/init/globals.ts";
import type { VacuumParams } from "./vacuum_options.ts";

/** One table to process; the name is for messages. */
export interface VacuumTarget {
  relid: Oid;
  name: string;
  /** ANALYZE t (a, b). */
  columns: string[];
}

/** May the current user vacuum or analyze it? Warns if not. */
export function vacuumIsPermitted(relid: Oid, params: VacuumParams): boolean {
  const row = searchSysCache("RELOID", relid);
  if (row === null) return false;
  const user = getUserId();
  if (
    (objectOwnercheck("pg_database", myDatabaseId(), user) && !row.relisshared) ||
    objectAclcheck("pg_class", relid, user, ACL_MAINTAIN)
  ) return true;
  ereport("WARNING", {
    message: `permission denied to ${params.vacuum ? "vacuum" : "analyze"} "${row.relname}", skipping it`,
    routine: "vacuum_is_permitted_for_relation",
  });
  return false;
}

/** Opens and locks a table, or warns and returns null if it is gone or (SKIP_LOCKED) busy. */
export function vacuumOpenRelation(
  relid: Oid,
  name: string,
  verb: "vacuum" | "analyze",
  skipLocked: boolean,
  lockmode: LockMode,
): Relation | null {
  if (skipLocked && !conditionalLockRelationOid(relid, lockmode)) {
    ereport("WARNING", {
      code: ERRCODE.LOCK_NOT_AVAILABLE,
      message: `skipping ${verb} of "${name}" --- lock not available`,
      routine: "vacuum_open_relation",
    });
    return null;
  }
  const rel = tryRelationOpen(relid, skipLocked ? NoLock : lockmode);
  if (rel === null) {
    if (skipLocked) unlockRelationOid(relid, lockmode);
    ereport("WARNING", {
      code: ERRCODE.UNDEFINED_TABLE,
      message: `skipping ${verb} of "${name}" --- relation no longer exists`,
      routine: "vacuum_open_relation",
    });
  }
  return rel;
}

/** I/O rates and counts, as VACUUM VERBOSE and ANALYZE VERBOSE end. */
export function usageLines(start: number, usage0: typeof bufferUsage, wal0: typeof walUsage): string[] {
  const d = (k: keyof typeof bufferUsage): number => bufferUsage[k] - usage0[k];
  const hits = d("shared_blks_hit") + d("local_blks_hit");
  const reads = d("shared_blks_read") + d("local_blks_read");
  const dirtied = d("shared_blks_dirtied") + d("local_blks_dirtied");
  const secs = (performance.now() - start) / 1000;
  const rate = (n: number): string => (secs > 0 ? ((8192 * n) / 1048576 / secs).toFixed(3) : "0.000");
  return [
    `avg read rate: ${rate(reads)} MB/s, avg write rate: ${rate(dirtied)} MB/s`,
    `buffer usage: ${hits} hits, ${reads} reads, ${dirtied} dirtied`,
    `WAL usage: ${walUsage.wal_records - wal0.wal_records} records, ${
      walUsage.wal_fpi - wal0.wal_fpi
    } full page images, ${walUsage.wal_bytes - wal0.wal_bytes} bytes, ${
      walUsage.wal_buffers_full - wal0.wal_buffers_full
    } buffers full`,
    `system usage: CPU: user: 0.00 s, system: 0.00 s, elapsed: ${secs.toFixed(2)} s`,
  ];
}
