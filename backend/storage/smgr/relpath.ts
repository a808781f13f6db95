/**
 * Names of relation files below the data directory.
 *
 *   global/R                      shared relations
 *   base/D/R                      relations of database D in the default tablespace
 *   base/D/tN_R                   temporary relation of process number N
 *   pg_tblspc/S/PG_18_202506291/D/R   in tablespace S
 * followed by _fsm, _vm or _init for the other forks, and .1, .2 … for segments after the first.
 * Follows src/common/relpath.c (PostgreSQL 18).
 */
import {
  FORK_NAMES,
  ForkNumber,
  INVALID_PROC_NUMBER,
  type Oid,
  type ProcNumber,
  type RelFileLocator,
} from "../../../base/types.ts";

export const DEFAULTTABLESPACE_OID = 1663;
export const GLOBALTABLESPACE_OID = 1664;
export const PG_TBLSPC_DIR = "pg_tblspc";
/** Directory inside each tablespace location: PG_<major version>_<catalog version>. */
export const TABLESPACE_VERSION_DIRECTORY = "PG_18_202506291";

/** Directory of a database in a tablespace, relative to the data directory. */
export function getDatabasePath(dbOid: Oid, spcOid: Oid): string {
  if (spcOid === GLOBALTABLESPACE_OID) return "global";
  if (spcOid === DEFAULTTABLESPACE_OID) return `base/${dbOid}`;
  return `${PG_TBLSPC_DIR}/${spcOid}/${TABLESPACE_VERSION_DIRECTORY}/${dbOid}`;
}

/** relpath(): file of a relation's fork, first segment. `backend` is -1 except for temporary relations. */
export function relPathBackend(rlocator: RelFileLocator, backend: ProcNumber, fork: ForkNumber): string {
  const dir = getDatabasePath(rlocator.dbOid, rlocator.spcOid);
  const prefix = backend === INVALID_PROC_NUMBER ? "" : `t${backend}_`;
  const suffix = fork === ForkNumber.MAIN ? "" : `_${FORK_NAMES[fork]}`;
  return `${dir}/${prefix}${rlocator.relNumber}${suffix}`;
}
/** relpathperm(). */
export function relPathPerm(rlocator: RelFileLocator, fork: ForkNumber): string {
  return relPathBackend(rlocator, INVALID_PROC_NUMBER, fork);
}

export function relFileLocatorEquals(a: RelFileLocator, b: RelFileLocator): boolean {
  return a.relNumber === b.relNumber && a.dbOid === b.dbOid && a.spcOid === b.spcOid;
}
