/**
 * ON COMMIT actions of temporary tables, kept until their transaction ends.
 * Follows the on_commits list of src/backend/commands/tablecmds.c.
 */
import type { Oid } from "../../base/types.ts";

export type OnCommitAction = "ONCOMMIT_NOOP" | "ONCOMMIT_PRESERVE_ROWS" | "ONCOMMIT_DELETE_ROWS" | "ONCOMMIT_DROP";

const actions = new Map<Oid, OnCommitAction>();

export function registerOnCommitAction(relid: Oid, action: OnCommitAction): void {
  if (action === "ONCOMMIT_DELETE_ROWS" || action === "ONCOMMIT_DROP") actions.set(relid, action);
}
/** The relation is being dropped. */
export function preCommitOnCommitRemove(relid: Oid): void {
  actions.delete(relid);
}
/** What is to be done before commit, by relation. */
export function onCommitActions(): ReadonlyMap<Oid, OnCommitAction> {
  return actions;
}
