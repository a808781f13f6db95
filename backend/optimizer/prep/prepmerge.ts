/** MERGE as a join of source and target. Follows transform_MERGE_to_join of prepjointree.c. */
import { makeAndQual, makeRangeTblRef } from "../../nodes/makefuncs.ts";
import { makeNode } from "../../nodes/make_node.ts";
import type { JoinExpr, JoinType, Node } from "../../nodes/nodes.ts";
import type { PlannerInfo } from "../pathnodes.ts";
import { addNullingRelids } from "../util/var.ts";
import { mutateChildren, mutateList } from "../util/walkers.ts";

export function preprocessMerge(root: PlannerInfo): void {
  const parse = root.parse;
  let notMatchedBySource = false;
  let notMatchedByTarget = false;
  for (const a of parse.mergeActionList) {
    if (a.commandType === "CMD_NOTHING") continue;
    if (a.matchKind === "MERGE_WHEN_NOT_MATCHED_BY_SOURCE") notMatchedBySource = true;
    else if (a.matchKind === "MERGE_WHEN_NOT_MATCHED_BY_TARGET") notMatchedByTarget = true;
  }
  const jointype: JoinType = notMatchedBySource && notMatchedByTarget
    ? "JOIN_FULL"
    : notMatchedBySource
    ? "JOIN_LEFT"
    : notMatchedByTarget
    ? "JOIN_RIGHT"
    : "JOIN_INNER";
  // Target on the left, source on the right.
  const rte = makeNode("RangeTblEntry", {
    rtekind: "RTE_JOIN",
    jointype,
    eref: { type: "Alias", aliasname: "*MERGE*", colnames: [] },
  });
  parse.rtable.push(rte);
  const joinrti = parse.rtable.length;
  const target = parse.mergeTargetRelation !== 0 ? parse.mergeTargetRelation : parse.resultRelation;
  const source = parse.jointree!.fromlist.filter((n) => !(n.type === "RangeTblRef" && n.rtindex === target));
  const sourceNode: Node = source.length === 1 ? source[0] : makeNode("FromExpr", { fromlist: source, quals: null });
  const join: JoinExpr = makeNode("JoinExpr", {
    jointype,
    larg: makeRangeTblRef(target),
    rarg: sourceNode,
    quals: makeAndQual(parse.jointree!.quals, parse.mergeJoinCondition),
    rtindex: joinrti,
  });
  parse.jointree = makeNode("FromExpr", { fromlist: [join], quals: null });
  const nulled = jointype === "JOIN_FULL" || jointype === "JOIN_RIGHT";
  // Target columns are null above the join where no target row matches (RIGHT/FULL); source columns for LEFT/FULL.
  const mark = (n: Node): Node => {
    let out = n;
    if (nulled) out = addNullingRelids(out, 1n << BigInt(target), [joinrti]);
    if (jointype === "JOIN_FULL" || jointype === "JOIN_LEFT") {
      let rels = 0n;
      const collect = (x: Node | null): void => {
        if (x === null) return;
        if (x.type === "RangeTblRef") rels |= 1n << BigInt(x.rtindex);
        else if (x.type === "FromExpr") x.fromlist.forEach(collect);
        else if (x.type === "JoinExpr") {
          collect(x.larg);
          collect(x.rarg);
        }
      };
      collect(sourceNode);
      out = addNullingRelids(out, rels, [joinrti]);
    }
    return out;
  };
  if (jointype !== "JOIN_INNER") {
    parse.targetList = mutateList(parse.targetList, (n) => mutateChildren(n, mark));
    parse.mergeActionList = mutateList(parse.mergeActionList, (n) => mutateChildren(n, mark));
    parse.returningList = mutateList(parse.returningList, (n) => mutateChildren(n, mark));
    if (parse.mergeJoinCondition !== null) parse.mergeJoinCondition = mark(parse.mergeJoinCondition);
  }
  // The executor rechecks the join condition only to tell the two kinds of unmatched rows apart.
  if (!notMatchedBySource) parse.mergeJoinCondition = null;
}
