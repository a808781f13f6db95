/** make_placeholder_expr apart from the rest of placeholder.ts, which needs costs. */
import type { Node, PlaceHolderVar } from "../../nodes/nodes.ts";
import type { PlannerInfo } from "../pathnodes.ts";
import { type Relids, relidsToBms } from "../relids.ts";

export function makePlaceholderExpr(root: PlannerInfo, expr: Node, phrels: Relids): PlaceHolderVar {
  return {
    type: "PlaceHolderVar",
    phexpr: expr,
    phrels: relidsToBms(phrels),
    phnullingrels: null,
    phid: ++root.glob.lastPHId,
    phlevelsup: 0,
  };
}
