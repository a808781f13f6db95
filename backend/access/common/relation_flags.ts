/**
 * Questions about a relation that storage code asks often. Follows the macros of src/include/utils/rel.h and
 * src/backend/catalog/catalog.c.
 */
import { BLCKSZ, FirstUnpinnedObjectId } from "../../../base/types.ts";
import { guc } from "../../../conf/guc_values.ts";
import type { Relation } from "../../utils/cache/relation.ts";

export const RELPERSISTENCE_PERMANENT = "p";
export const RELPERSISTENCE_UNLOGGED = "u";
export const RELPERSISTENCE_TEMP = "t";
export const HEAP_DEFAULT_FILLFACTOR = 100;

/** RelationIsPermanent() */
export function relationIsPermanent(rel: Relation): boolean {
  return rel.rd_rel.relpersistence === "p";
}
/** RelationNeedsWAL(). Differs: wal_level = minimal does not skip WAL for relations made in the same transaction. */
export function relationNeedsWAL(rel: Relation): boolean {
  return rel.rd_rel.relpersistence === "p";
}
/** RelationUsesLocalBuffers() */
export function relationUsesLocalBuffers(rel: Relation): boolean {
  return rel.rd_rel.relpersistence === "t";
}
/** IsCatalogRelation(): a system catalog, or the TOAST table of one. */
export function isCatalogRelation(rel: Relation): boolean {
  return rel.rd_id < FirstUnpinnedObjectId;
}
/** IsToastRelation() */
export function isToastRelation(rel: Relation): boolean {
  return rel.rd_rel.relkind === "t";
}
/** RelationIsAccessibleInLogicalDecoding() */
export function relationIsAccessibleInLogicalDecoding(rel: Relation): boolean {
  return guc.wal_level === "logical" && relationNeedsWAL(rel) &&
    (isCatalogRelation(rel) || rel.rd_options.user_catalog_table === true);
}
/** RelationIsLogicallyLogged() */
export function relationIsLogicallyLogged(rel: Relation): boolean {
  return guc.wal_level === "logical" && relationNeedsWAL(rel) && rel.rd_rel.relkind !== "f" && !isCatalogRelation(rel);
}
/** RelationGetFillFactor() */
export function relationGetFillFactor(rel: Relation, defaultFillFactor: number): number {
  const ff = rel.rd_options.fillfactor;
  return typeof ff === "number" ? ff : defaultFillFactor;
}
/** RelationGetTargetPageFreeSpace(): bytes that inserts leave free. */
export function relationGetTargetPageFreeSpace(rel: Relation, defaultFillFactor: number): number {
  return Math.floor((BLCKSZ * (100 - relationGetFillFactor(rel, defaultFillFactor))) / 100);
}
