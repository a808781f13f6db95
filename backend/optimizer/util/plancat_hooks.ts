/** What plancat asks of an index access method, installed by it (the planner does not import access/nbtree). */
import type { Relation } from "../../utils/cache/relation.ts";

let treeHeight: ((index: Relation) => number) | null = null;
/** _bt_getrootheight: levels above the leaves. */
export function installIndexTreeHeight(fn: (index: Relation) => number): void {
  treeHeight = fn;
}
export function installedTreeHeight(index: Relation, pages: number): number {
  if (treeHeight !== null) return treeHeight(index);
  // Without the access method: what a packed tree of this size has.
  return pages <= 2 ? 0 : pages <= 300 ? 1 : 2;
}
