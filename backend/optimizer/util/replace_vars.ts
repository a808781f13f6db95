/** Vars of a subquery RTE replaced by what its target list computes. Follows ReplaceVarsFromTargetList of rewriteManip.c. */
import { makeNode } from "../../nodes/make_node.ts";
import { makeString } from "../../nodes/makefuncs.ts";
import type { Node, TargetEntry } from "../../nodes/nodes.ts";
import { elogError } from "./planner_error.ts";
import { addNullingRelids, incrementVarSublevelsUp } from "./var.ts";
import { mutateLevels } from "./walkers.ts";

export function replaceVarsFromTargetList<T extends Node>(
  node: T,
  rti: number,
  targetlist: readonly TargetEntry[],
  sublevelsUp = 0,
): T {
  return mutateLevels(node, (n, depth) => {
    if (n.type === "PlaceHolderVar") return undefined;
    if (n.type !== "Var") return undefined;
    if (n.varno !== rti || n.varlevelsup !== depth) return n;
    if (n.varattno < 0) return n;
    let out: Node;
    if (n.varattno === 0) {
      const cols = targetlist.filter((t) => !t.resjunk);
      out = makeNode("RowExpr", {
        args: cols.map((t) => t.expr!),
        row_typeid: n.vartype,
        row_format: "COERCE_IMPLICIT_CAST",
        colnames: cols.map((t) => makeString(t.resname ?? "")),
        location: n.location,
      });
    } else {
      const tle = targetlist.find((t) => t.resno === n.varattno && !t.resjunk) ??
        elogError(`could not find attribute ${n.varattno} in subquery targetlist`);
      out = tle.expr!;
    }
    if (depth > 0) out = incrementVarSublevelsUp(out, depth, 0);
    if (n.varnullingrels !== null) out = addNullingRelids(out, null, n.varnullingrels);
    return out;
  }, sublevelsUp) as T;
}
