/**
 * Comments: rows of pg_description, and of pg_shdescription for databases, roles and tablespaces.
 * Follows src/backend/commands/comment.c (CreateComments and its kin).
 */
import type { Oid } from "../../base/types.ts";
import { catalogScan } from "./catalog_scan.ts";
import { catalogDelete, catalogInsert, catalogUpdate } from "./indexing.ts";
import type { ObjectAddress } from "./object_address.ts";

/** Sets the comment of an object, or removes it (null, or empty text). */
export function createComments(o: ObjectAddress, comment: string | null): void {
  const key = { objoid: o.objectId, classoid: o.classId, objsubid: o.objectSubId };
  const old = catalogScan("pg_description", key)[0];
  if (comment === null || comment === "") {
    if (old !== undefined) catalogDelete("pg_description", old.ctid!);
  } else if (old !== undefined) catalogUpdate("pg_description", old.ctid!, { ...old, description: comment });
  else catalogInsert("pg_description", { ...key, description: comment });
}

/** As createComments() for an object that all databases share. */
export function createSharedComments(classId: Oid, objectId: Oid, comment: string | null): void {
  const key = { objoid: objectId, classoid: classId };
  const old = catalogScan("pg_shdescription", key)[0];
  if (comment === null || comment === "") {
    if (old !== undefined) catalogDelete("pg_shdescription", old.ctid!);
  } else if (old !== undefined) catalogUpdate("pg_shdescription", old.ctid!, { ...old, description: comment });
  else catalogInsert("pg_shdescription", { ...key, description: comment });
}

/** Removes the comments of a dropped object; sub-object 0 takes those of its parts along. */
export function deleteComments(o: ObjectAddress): void {
  for (const d of catalogScan("pg_description", { objoid: o.objectId, classoid: o.classId })) {
    if (o.objectSubId === 0 || d.objsubid === o.objectSubId) catalogDelete("pg_description", d.ctid!);
  }
}
