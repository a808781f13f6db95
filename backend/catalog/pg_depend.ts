/**
 * Rows of pg_depend: what depends on what inside a database.
 *
 * Pinned objects, those that initdb made below FirstUnpinnedObjectId, need no rows: they cannot be dropped.
 * Follows src/backend/catalog/pg_depend.c and src/include/catalog/dependency.h.
 */
import { FirstUnpinnedObjectId, type Oid } from "../../base/types.ts";
import * as O from "./catalog_oids.ts";
import { catalogScan } from "./catalog_scan.ts";
import { catalogDelete, catalogInsert, catalogUpdate } from "./indexing.ts";
import type { ObjectAddress } from "./object_address.ts";

/** pg_depend.deptype. */
export const DependencyType = {
  NORMAL: "n",
  AUTO: "a",
  INTERNAL: "i",
  PARTITION_PRI: "P",
  PARTITION_SEC: "S",
  EXTENSION: "e",
  AUTO_EXTENSION: "x",
} as const;
export type DependencyType = (typeof DependencyType)[keyof typeof DependencyType];

const PG_PUBLIC_NAMESPACE = 2200;

/** True for objects that initdb made and that nobody can drop. */
export function isPinnedObject(classId: Oid, objectId: Oid): boolean {
  if (objectId >= FirstUnpinnedObjectId) return false;
  if (classId === O.LargeObjectRelationId || classId === O.DatabaseRelationId) return false;
  if (classId === O.NamespaceRelationId && objectId === PG_PUBLIC_NAMESPACE) return false;
  return true;
}

export function recordDependencyOn(depender: ObjectAddress, referenced: ObjectAddress, deptype: DependencyType): void {
  recordMultipleDependencies(depender, [referenced], deptype);
}

/** One row for each referenced object that is not pinned. */
export function recordMultipleDependencies(
  depender: ObjectAddress,
  referenced: readonly ObjectAddress[],
  deptype: DependencyType,
): void {
  for (const r of referenced) {
    if (r.objectId === 0 || isPinnedObject(r.classId, r.objectId)) continue;
    catalogInsert("pg_depend", {
      classid: depender.classId,
      objid: depender.objectId,
      objsubid: depender.objectSubId,
      refclassid: r.classId,
      refobjid: r.objectId,
      refobjsubid: r.objectSubId,
      deptype,
    });
  }
}

/** Deletes the rows in which the object depends on others. Returns how many. */
export function deleteDependencyRecordsFor(classId: Oid, objectId: Oid): number {
  const rows = catalogScan("pg_depend", { classid: classId, objid: objectId });
  for (const r of rows) catalogDelete("pg_depend", r.ctid!);
  return rows.length;
}
export function deleteDependencyRecordsForSubobject(o: ObjectAddress): void {
  for (const r of catalogScan("pg_depend", { classid: o.classId, objid: o.objectId })) {
    if (o.objectSubId === 0 || r.objsubid === o.objectSubId) catalogDelete("pg_depend", r.ctid!);
  }
}

/** Repoints the dependency of an object on `oldRef` to `newRef`, as ALTER … SET SCHEMA does. */
export function changeDependencyFor(
  classId: Oid,
  objectId: Oid,
  refClassId: Oid,
  oldRef: Oid,
  newRef: Oid,
): void {
  for (const r of catalogScan("pg_depend", { classid: classId, objid: objectId })) {
    if (r.refclassid !== refClassId || r.refobjid !== oldRef) continue;
    if (isPinnedObject(refClassId, newRef)) catalogDelete("pg_depend", r.ctid!);
    else catalogUpdate("pg_depend", r.ctid!, { ...r, refobjid: newRef });
  }
}

/** The sequence that belongs to an identity (`'i'`) or serial (`'a'`) column; 0 if there is none. */
export function getOwnedSequence(relid: Oid, attnum: number, deptype: "i" | "a"): Oid {
  for (const r of catalogScan("pg_depend", { refclassid: O.RelationRelationId, refobjid: relid })) {
    if (r.refobjsubid === attnum && r.classid === O.RelationRelationId && r.objsubid === 0 && r.deptype === deptype) {
      const seq = catalogScan("pg_class", { oid: r.objid })[0];
      if (seq?.relkind === "S") return r.objid;
    }
  }
  return 0;
}

/** The constraint that an index implements, or 0. */
export function getIndexConstraint(indexId: Oid): Oid {
  for (const r of catalogScan("pg_depend", { classid: O.RelationRelationId, objid: indexId })) {
    if (r.refclassid === O.ConstraintRelationId && r.refobjsubid === 0 && r.deptype === "i") return r.refobjid;
  }
  return 0;
}
