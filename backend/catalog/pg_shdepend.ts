/**
 * Rows of pg_shdepend: what in any database depends on roles and other shared objects.
 * Follows src/backend/catalog/pg_shdepend.c.
 */
import type { Oid } from "../../base/types.ts";
import * as O from "./catalog_oids.ts";
import { catalogScan } from "./catalog_scan.ts";
import { catalogDelete, catalogInsert } from "./indexing.ts";
import { isPinnedObject } from "./pg_depend.ts";
import { myDatabaseId } from "../utils/init/globals.ts";

/** pg_shdepend.deptype. */
export const SharedDependencyType = { OWNER: "o", ACL: "a", INITACL: "i", POLICY: "r", TABLESPACE: "t" } as const;

/** Catalogs that all databases share: their rows carry dbid 0. */
const SHARED_CATALOGS: ReadonlySet<Oid> = new Set([
  O.AuthIdRelationId,
  O.AuthMemRelationId,
  O.DatabaseRelationId,
  O.TableSpaceRelationId,
]);
function dbidFor(classId: Oid): Oid {
  return SHARED_CATALOGS.has(classId) ? 0 : myDatabaseId();
}

/** The object belongs to `owner`. Pinned roles need no row. */
export function recordDependencyOnOwner(classId: Oid, objectId: Oid, owner: Oid): void {
  recordSharedDependency(classId, objectId, owner, "o");
}
function recordSharedDependency(classId: Oid, objectId: Oid, role: Oid, deptype: string): void {
  if (isPinnedObject(O.AuthIdRelationId, role)) return;
  catalogInsert("pg_shdepend", {
    dbid: dbidFor(classId),
    classid: classId,
    objid: objectId,
    objsubid: 0,
    refclassid: O.AuthIdRelationId,
    refobjid: role,
    deptype,
  });
}

/** Makes `newOwner` the owner in the dependency rows. */
export function changeDependencyOnOwner(classId: Oid, objectId: Oid, newOwner: Oid): void {
  for (const r of rowsOf(classId, objectId)) {
    // An owner's privileges need no row of their own.
    if (r.deptype === "o" || (r.deptype === "a" && r.refobjid === newOwner)) catalogDelete("pg_shdepend", r.ctid!);
  }
  recordDependencyOnOwner(classId, objectId, newOwner);
}

/** Replaces the rows that say which roles stand in the object's ACL; its owner is not listed twice. */
export function updateAclDependencies(classId: Oid, objectId: Oid, owner: Oid, roles: readonly Oid[]): void {
  for (const r of rowsOf(classId, objectId)) if (r.deptype === "a") catalogDelete("pg_shdepend", r.ctid!);
  for (const role of new Set(roles)) {
    if (role !== 0 && role !== owner) recordSharedDependency(classId, objectId, role, "a");
  }
}

function rowsOf(classId: Oid, objectId: Oid) {
  return catalogScan("pg_shdepend", { dbid: dbidFor(classId), classid: classId, objid: objectId });
}

export function deleteSharedDependencyRecordsFor(classId: Oid, objectId: Oid, objectSubId: number): void {
  for (const r of rowsOf(classId, objectId)) {
    if (objectSubId === 0 || r.objsubid === objectSubId) catalogDelete("pg_shdepend", r.ctid!);
  }
}

/** Everything that refers to a role, in all databases. */
export function sharedDependenciesOnRole(role: Oid) {
  return catalogScan("pg_shdepend", { refclassid: O.AuthIdRelationId, refobjid: role });
}
/** Forgets the rows of a dropped database. */
export function dropDatabaseDependencies(databaseId: Oid): void {
  for (const r of catalogScan("pg_shdepend", { dbid: databaseId })) catalogDelete("pg_shdepend", r.ctid!);
}
