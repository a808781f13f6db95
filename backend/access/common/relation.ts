/**
 * Opening relations: lock, then take a reference from the relation cache.
 *
 * A lock is taken before the entry is looked at, since taking it is what brings invalidation messages in. Closing with
 * NoLock keeps the lock until the end of the transaction.
 * Follows src/backend/access/common/relation.c, access/table/table.c and access/index/indexam.c (index_open).
 */
import { ERRCODE } from "../../../base/errcodes.ts";
import { pgError } from "../../../base/error.ts";
import type { Oid } from "../../../base/types.ts";
import { conditionalLockRelationOid, lockRelationOid, unlockRelationId } from "../../storage/lmgr/lmgr.ts";
import { type LockMode, NoLock } from "../../storage/lmgr/locktypes.ts";
import { relationClose as relcacheClose, relationIdGetRelation } from "../../utils/cache/relcache_core.ts";
import type { Relation } from "../../utils/cache/relation.ts";

/**
 * Opens any relation by OID.
 * @throws {PgError} XX000 if it does not exist: resolve names with rangeVarGetRelid() before.
 */
export function relationOpen(relationId: Oid, lockmode: LockMode): Relation {
  if (lockmode !== NoLock) lockRelationOid(relationId, lockmode);
  const rel = relationIdGetRelation(relationId);
  if (rel === null) {
    if (lockmode !== NoLock) unlockRelationId(relationId, lockmode);
    throw pgError(ERRCODE.INTERNAL_ERROR, `could not open relation with OID ${relationId}`, {
      routine: "relation_open",
    });
  }
  return rel;
}

/** As relationOpen(), but null if the relation has gone meanwhile. */
export function tryRelationOpen(relationId: Oid, lockmode: LockMode): Relation | null {
  if (lockmode !== NoLock) lockRelationOid(relationId, lockmode);
  const rel = relationIdGetRelation(relationId);
  if (rel === null && lockmode !== NoLock) unlockRelationId(relationId, lockmode);
  return rel;
}

/** As tryRelationOpen(), and null as well if the lock cannot be had at once. */
export function conditionalRelationOpen(relationId: Oid, lockmode: LockMode): Relation | null {
  if (!conditionalLockRelationOid(relationId, lockmode)) return null;
  const rel = relationIdGetRelation(relationId);
  if (rel === null) unlockRelationId(relationId, lockmode);
  return rel;
}

/** Gives the reference back; with `lockmode` other than NoLock the lock too. */
export function relationClose(rel: Relation, lockmode: LockMode = NoLock): void {
  const relationId = rel.rd_id;
  relcacheClose(rel);
  if (lockmode !== NoLock) unlockRelationId(relationId, lockmode);
}

/** "This operation is not supported for views." and the like. Follows errdetail_relkind_not_supported(). */
export function relkindNotSupportedDetail(relkind: string): string {
  const what: Readonly<Record<string, string>> = {
    r: "tables",
    i: "indexes",
    S: "sequences",
    t: "TOAST tables",
    v: "views",
    m: "materialized views",
    c: "composite types",
    f: "foreign tables",
    p: "partitioned tables",
    I: "partitioned indexes",
  };
  return `This operation is not supported for ${what[relkind] ?? `relkind '${relkind}'`}.`;
}

function checkTable(rel: Relation, lockmode: LockMode): Relation {
  const relkind = rel.rd_rel.relkind;
  if (relkind === "i" || relkind === "I" || relkind === "c") {
    const name = rel.rd_rel.relname;
    relationClose(rel, lockmode);
    throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `cannot open relation "${name}"`, {
      detail: relkindNotSupportedDetail(relkind),
      routine: "validate_relation_kind",
    });
  }
  return rel;
}

/** Opens a relation that has rows of its own kind: no index, no composite type. @throws {PgError} 42809 */
export function tableOpen(relationId: Oid, lockmode: LockMode): Relation {
  return checkTable(relationOpen(relationId, lockmode), lockmode);
}
export function tryTableOpen(relationId: Oid, lockmode: LockMode): Relation | null {
  const rel = tryRelationOpen(relationId, lockmode);
  return rel === null ? null : checkTable(rel, lockmode);
}
export function tableClose(rel: Relation, lockmode: LockMode): void {
  relationClose(rel, lockmode);
}

function checkIndex(rel: Relation, lockmode: LockMode): Relation {
  const relkind = rel.rd_rel.relkind;
  if (relkind !== "i" && relkind !== "I") {
    const name = rel.rd_rel.relname;
    relationClose(rel, lockmode);
    throw pgError(ERRCODE.WRONG_OBJECT_TYPE, `"${name}" is not an index`, {
      detail: relkindNotSupportedDetail(relkind),
      routine: "validate_relation_kind",
    });
  }
  return rel;
}

/** Opens an index. @throws {PgError} 42809 */
export function indexOpen(relationId: Oid, lockmode: LockMode): Relation {
  return checkIndex(relationOpen(relationId, lockmode), lockmode);
}
export function tryIndexOpen(relationId: Oid, lockmode: LockMode): Relation | null {
  const rel = tryRelationOpen(relationId, lockmode);
  return rel === null ? null : checkIndex(rel, lockmode);
}
export function indexClose(rel: Relation, lockmode: LockMode): void {
  relationClose(rel, lockmode);
}
