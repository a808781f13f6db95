/**
 * Where triggers will fire. Until they are built, changing a table that has triggers for the operation is refused, foreign
 * keys included: their checks are triggers. The trigger module installs itself with installTriggerHooks().
 */
import { notBuilt } from "../../base/error.ts";
import type { CmdType } from "../nodes/nodes.ts";
import type { Relation } from "../utils/cache/relation.ts";

/** What the executor asks of triggers. */
export interface TriggerHooks {
  /** True if the operation on `rel` fires nothing. */
  nothingFires(rel: Relation, operation: CmdType): boolean;
}
let hooks: TriggerHooks | null = null;
export function installTriggerHooks(h: TriggerHooks): void {
  hooks = h;
}

/** @throws 0A000 if the operation would fire a trigger. */
export function refuseTriggers(rel: Relation, operation: CmdType): void {
  if (!rel.rd_rel.relhastriggers) return;
  if (hooks !== null && hooks.nothingFires(rel, operation)) return;
  throw notBuilt("changing a table with triggers or foreign keys");
}
