/**
 * Questions about catalogs as a whole: which relations are catalogs, and new OIDs and file numbers.
 * Follows src/backend/catalog/catalog.c.
 */
import { assert } from "../../base/assert.ts";
import { ereport } from "../../base/error.ts";
import { FirstUnpinnedObjectId, type Oid, type RelFileNumber } from "../../base/types.ts";
import { checkForInterrupts } from "../../shmem/interrupt.ts";
import * as os from "../../shmem/os/files.ts";
import { getNewObjectId } from "../access/transam/varsup.ts";
import { GLOBALTABLESPACE_OID, relPathPerm } from "../storage/smgr/relpath.ts";
import { SnapshotAny } from "../utils/time/snapmgr.ts";
import { myDatabaseId, myDatabaseTableSpace } from "../utils/init/globals.ts";
import { catalogFactByOid, catalogInfo, indexFactByOid } from "./catalog_codec.ts";
import { PG_CATALOG_NAMESPACE, PG_TOAST_NAMESPACE } from "./catalog_oids.ts";
import type { CatalogName, CatalogRows } from "./catalog_rows.ts";
import { catalogScan } from "./catalog_scan.ts";
import { CATALOGS } from "./data/schema.ts";

/** Pinned by OID: made when the cluster was, and not to be dropped. Includes catalogs' toast tables and indexes. */
export function isCatalogRelationOid(relid: Oid): boolean {
  return relid < FirstUnpinnedObjectId;
}
export function isCatalogNamespace(namespaceId: Oid): boolean {
  return namespaceId === PG_CATALOG_NAMESPACE;
}
export function isToastNamespace(namespaceId: Oid): boolean {
  return namespaceId === PG_TOAST_NAMESPACE;
}
export function isSystemClass(relid: Oid, relnamespace: Oid): boolean {
  return relnamespace === PG_TOAST_NAMESPACE || isCatalogRelationOid(relid);
}

/** Catalogs whose rows are updated in place. */
export function isInplaceUpdateOid(relid: Oid): boolean {
  return relid === 1259 || relid === 1262;
}

const sharedRelations = new Set<Oid>();
for (const c of CATALOGS) {
  if (!c.shared) continue;
  sharedRelations.add(c.oid);
  for (const i of c.indexes) sharedRelations.add(i.oid);
  if (c.toast) sharedRelations.add(c.toast).add(c.toastIndex);
}
/** Is this OID one of the shared catalogs, their indexes or toast tables? */
export function isSharedRelation(relationId: Oid): boolean {
  return sharedRelations.has(relationId);
}

/** Say so in the log when a free OID takes long to find. */
const GETNEWOID_LOG_THRESHOLD = 1000000;

/**
 * A new OID that no row of the catalog has, rows of running transactions included.
 * @param oidColumn defaults to `oid`.
 */
export function getNewOidWithIndex(name: CatalogName, oidColumn = "oid"): Oid {
  const info = catalogInfo(name);
  const attnum = info.attnum.get(oidColumn);
  assert(attnum !== undefined, "catalog has no such OID column");
  const index = info.fact.indexes.find((i) => i.unique && i.columns[0] === attnum);
  assert(index !== undefined, "catalog has no unique index on its OID column", info.fact.oid);
  for (let tries = 1;; tries++) {
    checkForInterrupts();
    const oid = getNewObjectId();
    const where = { [oidColumn]: oid } as Partial<CatalogRows[CatalogName]>;
    if (catalogScan(name, where, { index: index.oid, snapshot: SnapshotAny, limit: 1 }).length === 0) return oid;
    if (tries === GETNEWOID_LOG_THRESHOLD) {
      ereport("LOG", {
        message: `still searching for an unused OID in relation "${name}"`,
        detail: `OID candidates have been checked ${tries} times, but no unused OID has been found yet.`,
      });
    }
  }
}

/**
 * A new file number, which serves as OID of a new relation too: unused in pg_class and on disk.
 * @param reltablespace 0 is the database's own.
 * @param isForClass false if it only names a file (REINDEX, TRUNCATE).
 */
export function getNewRelFileNumber(reltablespace: Oid, relpersistence: string, isForClass = true): RelFileNumber {
  const spcOid = reltablespace !== 0 ? reltablespace : myDatabaseTableSpace();
  const dbOid = spcOid === GLOBALTABLESPACE_OID ? 0 : myDatabaseId();
  for (;;) {
    checkForInterrupts();
    const relNumber = isForClass ? getNewOidWithIndex("pg_class") : getNewObjectId();
    // A temporary relation's file has the process in its name; its number cannot clash with another session's.
    if (relpersistence === "t") return relNumber;
    if (!os.fileExists(relPathPerm({ spcOid, dbOid, relNumber }, 0))) return relNumber;
  }
}

/** Name of the catalog with this OID, if it is one. */
export function catalogNameByOid(oid: Oid): CatalogName | undefined {
  return catalogFactByOid(oid)?.name;
}
/** True for indexes of catalogs. */
export function isCatalogIndex(oid: Oid): boolean {
  return indexFactByOid(oid) !== undefined;
}
