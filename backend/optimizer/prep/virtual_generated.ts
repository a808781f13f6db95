/** Virtual generated columns replaced by their expressions. Follows expand_virtual_generated_columns of prepjointree.c. */
import { stringToNode } from "../../nodes/readfuncs.ts";
import type { Node, TargetEntry } from "../../nodes/nodes.ts";
import { relationClose, relationIdGetRelation } from "../../utils/cache/relcache_core.ts";
import type { PlannerInfo } from "../pathnodes.ts";
import { makeTargetEntry, makeVar } from "../../nodes/makefuncs.ts";
import { makeNullConst } from "../util/const_fold.ts";
import { replaceVarsFromTargetList } from "../util/replace_vars.ts";
import { offsetVarNodes } from "../util/var.ts";
import { applyToParse } from "./prepjointree.ts";
import { walkLevels } from "../util/walkers.ts";

export function expandVirtualGenerated(root: PlannerInfo): void {
  const parse = root.parse;
  for (let i = 0; i < parse.rtable.length; i++) {
    const rte = parse.rtable[i];
    if (rte.rtekind !== "RTE_RELATION") continue;
    const rel = relationIdGetRelation(rte.relid);
    if (rel === null) continue;
    if (rel.rd_att.constr === null || !rel.rd_att.attrs.some((a) => a.attgenerated === "v")) {
      relationClose(rel);
      continue;
    }
    const tlist: TargetEntry[] = rel.rd_att.attrs.map((a): TargetEntry => {
      let e: Node = makeVar(i + 1, a.attnum, a.atttypid, a.atttypmod, a.attcollation, 0);
      if (a.attisdropped) e = makeNullConst(23, -1, 0);
      else if (a.attgenerated === "v") {
        const text = rel.rd_att.constr?.defaults.get(a.attnum);
        if (text !== undefined) e = offsetVarNodes(stringToNode(text) as Node, i, 0);
      }
      return makeTargetEntry(e, a.attnum, a.attname, false);
    });
    relationClose(rel);
    const f = (n: Node, depth = 0): Node => replaceVarsFromTargetList(n, i + 1, tlist.concat(), depth);
    const guarded = (n: Node, depth?: number): Node => hasGeneratedVar(n, i + 1, tlist, depth ?? 0) ? f(n, depth) : n;
    applyToParse(parse, guarded);
  }
}
function hasGeneratedVar(n: Node, rti: number, tlist: TargetEntry[], depth0: number): boolean {
  return walkLevels(n, (x, d) =>
    x.type === "Var" && x.varno === rti && x.varlevelsup === d && x.varattno > 0 &&
    tlist[x.varattno - 1]?.expr?.type !== "Var", depth0);
}
