/** PARAM_SUBLINK parameters of a sublink's test replaced. */
import type { Node } from "../../nodes/nodes.ts";
import { mutateChildren } from "../util/walkers.ts";

export function convertTestexprSublink(testexpr: Node, subst: readonly Node[]): Node {
  const visit = (n: Node): Node => {
    if (n.type === "Param" && n.paramkind === "PARAM_SUBLINK") return subst[n.paramid - 1];
    if (n.type === "SubLink") return n;
    return mutateChildren(n, visit);
  };
  return visit(testexpr);
}
