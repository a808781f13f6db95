/**
 * Dropping objects with everything that depends on them.
 *
 * findDependentObjects() walks pg_depend from the objects to be dropped and lists what goes, dependents first;
 * reportDependentObjects() refuses under RESTRICT or tells what CASCADE takes along; then each object is deleted by its
 * catalog's routine. The routines are registered by their owners, which stand above this file.
 * Follows src/backend/catalog/dependency.c.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { ereport, notBuilt, pgError } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import { commandCounterIncrement } from "../access/transam/xact.ts";
import type { Node, RangeTblEntry } from "../nodes/nodes.ts";
import { lockDatabaseObject, lockRelationOid } from "../storage/lmgr/lmgr.ts";
import { AccessExclusiveLock } from "../storage/lmgr/locktypes.ts";
import * as O from "./catalog_oids.ts";
import { catalogScan } from "./catalog_scan.ts";
import { deleteComments } from "./pg_description.ts";
import { getObjectDescription, type ObjectAddress, objectAddress } from "./object_address.ts";
import {
  deleteDependencyRecordsFor,
  deleteDependencyRecordsForSubobject,
  type DependencyType,
  isPinnedObject,
  recordMultipleDependencies,
} from "./pg_depend.ts";
import { deleteSharedDependencyRecordsFor } from "./pg_shdepend.ts";

export type DropBehavior = "DROP_RESTRICT" | "DROP_CASCADE";

/** Flags of performDeletion(). */
export const PERFORM_DELETION_INTERNAL = 0x0001;
export const PERFORM_DELETION_QUIETLY = 0x0004;
export const PERFORM_DELETION_SKIP_ORIGINAL = 0x0008;

type DeleteRoutine = (object: ObjectAddress) => void;
const deleteRoutines = new Map<Oid, DeleteRoutine>();

/** Says how objects of a catalog are deleted. */
export function registerDeleteRoutine(classId: Oid, routine: DeleteRoutine): void {
  deleteRoutines.set(classId, routine);
}

interface Target {
  readonly object: ObjectAddress;
  /** How it came to be a target. */
  reason: "original" | "normal" | "auto" | "internal";
  dependee: ObjectAddress | null;
}

const key = (o: ObjectAddress): string => `${o.classId}/${o.objectId}/${o.objectSubId}`;

function lockObject(o: ObjectAddress): void {
  if (o.classId === O.RelationRelationId) lockRelationOid(o.objectId, AccessExclusiveLock);
  else lockDatabaseObject(o.classId, o.objectId, 0, AccessExclusiveLock);
}

function describe(o: ObjectAddress): string {
  return getObjectDescription(o) ?? `object ${o.objectId}`;
}

/** True if `targets` holds the object itself or, for a column, its whole table. */
function present(targets: ReadonlyMap<string, Target>, o: ObjectAddress): boolean {
  return targets.has(key(o)) || (o.objectSubId !== 0 && targets.has(key({ ...o, objectSubId: 0 })));
}

function findDependentObjects(
  object: ObjectAddress,
  reason: Target["reason"],
  dependee: ObjectAddress | null,
  stack: readonly ObjectAddress[],
  originals: readonly ObjectAddress[],
  targets: Map<string, Target>,
): void {
  if (stack.some((s) => key(s) === key(object))) return;
  const old = targets.get(key(object));
  if (old !== undefined) {
    // Reached by a weaker bond too: what may go silently stays silent.
    if (reason !== "normal" && old.reason === "normal") old.reason = reason;
    return;
  }
  if (object.objectSubId !== 0 && targets.has(key({ ...object, objectSubId: 0 }))) return;
  if (isPinnedObject(object.classId, object.objectId)) {
    throw pgError(
      ERRCODE.DEPENDENT_OBJECTS_STILL_EXIST,
      `cannot drop ${describe(object)} because it is required by the database system`,
      { routine: "findDependentObjects" },
    );
  }
  // What it depends on: an internal owner must be dropped in its stead.
  for (const d of catalogScan("pg_depend", { classid: object.classId, objid: object.objectId })) {
    if (object.objectSubId !== 0 && d.objsubid !== object.objectSubId) continue;
    if (d.deptype !== "i" && d.deptype !== "e") continue;
    const owner = objectAddress(d.refclassid, d.refobjid, d.refobjsubid);
    const reached = stack.some((s) => s.classId === owner.classId && s.objectId === owner.objectId);
    if (reached || present(targets, owner)) continue;
    if (owner.classId === object.classId && owner.objectId === object.objectId) continue;
    if (originals.some((x) => key(x) === key(owner) || key(x) === key({ ...owner, objectSubId: 0 }))) return;
    if (reason === "original") {
      const other = describe(owner);
      throw pgError(
        ERRCODE.DEPENDENT_OBJECTS_STILL_EXIST,
        `cannot drop ${describe(object)} because ${other} requires it`,
        { hint: `You can drop ${other} instead.`, routine: "findDependentObjects" },
      );
    }
    // Reached from elsewhere: the owner goes, and takes this object along.
    findDependentObjects(owner, reason, dependee, stack, originals, targets);
    return;
  }
  if (reason !== "original") lockObject(object);
  const below = [...stack, object];
  const seen = new Set<string>();
  // object_address_comparator(): newer objects first, so that what depends on others goes before them.
  const dependents = [...catalogScan("pg_depend", { refclassid: object.classId, refobjid: object.objectId })].sort(
    (a, b) => b.objid - a.objid || a.classid - b.classid || a.objsubid - b.objsubid,
  );
  for (const d of dependents) {
    if (object.objectSubId !== 0 && d.refobjsubid !== object.objectSubId) continue;
    const dependent = objectAddress(d.classid, d.objid, d.objsubid);
    if (dependent.classId === object.classId && dependent.objectId === object.objectId && object.objectSubId === 0) {
      continue;
    }
    const k = key(dependent);
    if (seen.has(k + d.deptype)) continue;
    seen.add(k + d.deptype);
    const why = d.deptype === "n" ? "normal" : d.deptype === "i" || d.deptype === "e" ? "internal" : "auto";
    findDependentObjects(dependent, why, object, below, originals, targets);
  }
  targets.set(key(object), { object, reason, dependee });
}

const MAX_REPORTED_DEPS = 100;

function reportDependentObjects(
  targets: readonly Target[],
  behavior: DropBehavior,
  quietly: boolean,
  original: ObjectAddress | null,
): void {
  const clientLines: string[] = [];
  const logLines: string[] = [];
  let ok = true;
  let numNotReported = 0;
  const reported = [...targets].reverse().filter((t) => t.reason === "normal");
  for (const t of reported) {
    let line: string;
    if (behavior === "DROP_RESTRICT") {
      ok = false;
      line = `${describe(t.object)} depends on ${describe(t.dependee!)}`;
    } else line = `drop cascades to ${describe(t.object)}`;
    if (clientLines.length < MAX_REPORTED_DEPS) clientLines.push(line);
    else numNotReported++;
    logLines.push(line);
  }
  if (numNotReported > 0) {
    clientLines.push(
      numNotReported === 1
        ? "and 1 other object (see server log for list)"
        : `and ${numNotReported} other objects (see server log for list)`,
    );
  }
  if (!ok) {
    throw pgError(
      ERRCODE.DEPENDENT_OBJECTS_STILL_EXIST,
      original !== null
        ? `cannot drop ${describe(original)} because other objects depend on it`
        : "cannot drop desired object(s) because other objects depend on them",
      {
        detail: clientLines.join("\n"),
        detailLog: logLines.join("\n"),
        hint: "Use DROP ... CASCADE to drop the dependent objects too.",
        routine: "reportDependentObjects",
      },
    );
  }
  if (quietly || reported.length === 0) return;
  if (reported.length === 1) ereport("NOTICE", { message: clientLines[0] });
  else {
    ereport("NOTICE", {
      message: `drop cascades to ${reported.length} other objects`,
      detail: clientLines.join("\n"),
      detailLog: logLines.join("\n"),
    });
  }
}

/**
 * Drops objects and, under CASCADE, what depends on them.
 * @throws 2BP01 if something depends on them under RESTRICT.
 */
export function performMultipleDeletions(objects: readonly ObjectAddress[], behavior: DropBehavior, flags = 0): void {
  if (objects.length === 0) return;
  const targets = new Map<string, Target>();
  for (const o of objects) {
    lockObject(o);
    findDependentObjects(o, "original", null, [], objects, targets);
  }
  const list = [...targets.values()];
  reportDependentObjects(
    list,
    behavior,
    (flags & PERFORM_DELETION_QUIETLY) !== 0,
    objects.length === 1 ? objects[0] : null,
  );
  for (const t of list) {
    if ((flags & PERFORM_DELETION_SKIP_ORIGINAL) !== 0 && t.reason === "original") continue;
    deleteOneObject(t.object);
  }
}

export function performDeletion(object: ObjectAddress, behavior: DropBehavior, flags = 0): void {
  performMultipleDeletions([object], behavior, flags);
}

function deleteOneObject(object: ObjectAddress): void {
  const routine = deleteRoutines.get(object.classId);
  if (routine === undefined) throw notBuilt(`dropping ${describe(object)}`);
  routine(object);
  if (object.objectSubId === 0) deleteDependencyRecordsFor(object.classId, object.objectId);
  else deleteDependencyRecordsForSubobject(object);
  deleteSharedDependencyRecordsFor(object.classId, object.objectId, object.objectSubId);
  deleteComments(object);
  commandCounterIncrement();
}

/** Objects that an expression or query refers to; `rtable` resolves the Vars of level 0. */
export function findExprReferences(tree: unknown, rtable: readonly RangeTblEntry[]): ObjectAddress[] {
  const found = new Map<string, ObjectAddress>();
  const add = (classId: Oid, objectId: Oid, sub = 0) => {
    if (objectId !== 0) found.set(`${classId}/${objectId}/${sub}`, objectAddress(classId, objectId, sub));
  };
  const visit = (x: unknown, tables: readonly (readonly RangeTblEntry[])[]): void => {
    if (x === null || typeof x !== "object" || x instanceof Uint8Array) return;
    if (Array.isArray(x)) {
      for (const e of x) visit(e, tables);
      return;
    }
    const n = x as Node;
    let inner = tables;
    switch (n.type) {
      case "Var": {
        const rte = tables[n.varlevelsup]?.[n.varno - 1];
        if (rte?.rtekind === "RTE_RELATION") add(O.RelationRelationId, rte.relid, n.varattno);
        break;
      }
      case "Const":
        add(O.TypeRelationId, n.consttype);
        if (!n.constisnull && typeof n.constvalue === "number") {
          if (n.consttype === 2205) add(O.RelationRelationId, n.constvalue);
          else if (n.consttype === 2206) add(O.TypeRelationId, n.constvalue);
          else if (n.consttype === 24) add(O.ProcedureRelationId, n.constvalue);
        }
        break;
      case "Param":
        add(O.TypeRelationId, n.paramtype);
        break;
      case "FuncExpr":
        add(O.ProcedureRelationId, n.funcid);
        break;
      case "OpExpr":
      case "DistinctExpr":
      case "NullIfExpr":
        add(O.OperatorRelationId, n.opno);
        break;
      case "ScalarArrayOpExpr":
        add(O.OperatorRelationId, n.opno);
        break;
      case "Aggref":
        add(O.ProcedureRelationId, n.aggfnoid);
        break;
      case "WindowFunc":
        add(O.ProcedureRelationId, n.winfnoid);
        break;
      case "RelabelType":
      case "CoerceViaIO":
      case "ArrayCoerceExpr":
      case "ConvertRowtypeExpr":
        add(O.TypeRelationId, n.resulttype);
        break;
      case "CollateExpr":
        add(O.CollationRelationId, n.collOid);
        break;
      case "SortGroupClause":
        add(O.OperatorRelationId, n.eqop);
        add(O.OperatorRelationId, n.sortop);
        return;
      case "Query":
        inner = [n.rtable, ...tables];
        for (const rte of n.rtable) if (rte.rtekind === "RTE_RELATION") add(O.RelationRelationId, rte.relid);
        for (const oid of n.constraintDeps) add(O.ConstraintRelationId, oid);
        break;
    }
    for (const k in n) {
      const v = (n as unknown as Record<string, unknown>)[k];
      if (v !== null && typeof v === "object") visit(v, inner);
    }
  };
  visit(tree, [rtable]);
  return [...found.values()];
}

/** Records that `depender` refers to what `expr` refers to. */
export function recordDependencyOnExpr(
  depender: ObjectAddress,
  expr: unknown,
  rtable: readonly RangeTblEntry[],
  behavior: DependencyType,
): void {
  recordMultipleDependencies(depender, findExprReferences(expr, rtable), behavior);
}

/**
 * The same for an expression over one relation (varno 1). Dependencies on that relation itself get `selfBehavior`, and
 * none on the whole of it is made.
 */
export function recordDependencyOnSingleRelExpr(
  depender: ObjectAddress,
  expr: unknown,
  relId: Oid,
  behavior: DependencyType,
  selfBehavior: DependencyType,
): void {
  const rte = { rtekind: "RTE_RELATION", relid: relId } as RangeTblEntry;
  const refs = findExprReferences(expr, [rte]);
  const isSelf = (o: ObjectAddress) => o.classId === O.RelationRelationId && o.objectId === relId;
  recordMultipleDependencies(depender, refs.filter((o) => !isSelf(o)), behavior);
  recordMultipleDependencies(depender, refs.filter((o) => isSelf(o) && o.objectSubId !== 0), selfBehavior);
}
