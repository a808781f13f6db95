/**
 * query_planner: a query's FROM and WHERE to a relation with all its paths.
 *
 * The one-relation cases (no FROM; a single RTE_RESULT) return early. Follows src/backend/optimizer/plan/planmain.c.
 */
import type { PlannerInfo, RelOptInfo } from "../pathnodes.ts";
import { generateBaseImpliedEqualities, reconsiderOuterJoinClauses } from "../path/equivclass.ts";
import { makeOneRel } from "../path/allpaths.ts";
import { makeRelOptInfo, setupSimpleRelArrays } from "../util/relnode.ts";
import { addPath, createGroupResultPath, setCheapest } from "../util/pathnode.ts";
import {
  addPlaceholdersToBaseRels,
  findPlaceholdersInJointree,
  fixPlaceholderInputNeededLevels,
} from "../util/placeholder.ts";
import { extractRestrictionOrClauses } from "../util/orclauses.ts";
import { elogError } from "../util/planner_error.ts";
import { reduceUniqueSemijoins, removeUselessJoins } from "./analyzejoins.ts";
import {
  addBaseRelsToQuery,
  addVarsToTargetlist,
  buildBaseRelTlists,
  createLateralJoinInfo,
  deconstructJointree,
  distributeRestrictinfoToRels,
  findLateralReferences,
  matchForeignKeysToQuals,
  processImpliedEquality,
} from "./initsplan.ts";
import { makeAndsImplicit } from "../../nodes/makefuncs.ts";
import type { Node } from "../../nodes/nodes.ts";

export function queryPlanner(root: PlannerInfo, qpCallback: (root: PlannerInfo) => void): RelOptInfo {
  const parse = root.parse;
  root.join_rel_list = [];
  root.join_rel_hash.clear();
  root.join_rel_level = null;
  root.join_cur_level = 0;
  root.canon_pathkeys = [];
  root.left_join_clauses = [];
  root.right_join_clauses = [];
  root.full_join_clauses = [];
  root.join_info_list = [];
  root.placeholder_list = [];
  root.placeholder_array = [];
  root.fkey_list = [];
  root.initial_rels = [];
  setupSimpleRelArrays(root);
  // SELECT without FROM, or INSERT … VALUES of one row.
  if (parse.jointree!.fromlist.length === 1) {
    const jtnode = parse.jointree!.fromlist[0];
    if (jtnode.type === "RangeTblRef") {
      const rte = root.simple_rte_array[jtnode.rtindex]!;
      if (rte.rtekind === "RTE_RESULT") {
        const final = makeRelOptInfo("RELOPT_BASEREL", 1n << BigInt(jtnode.rtindex));
        final.rtekind = "RTE_RESULT";
        final.relid = 0;
        final.relids = 1n << BigInt(jtnode.rtindex);
        root.all_baserels = final.relids;
        root.all_query_rels = final.relids;
        root.join_domains = [{ jd_relids: final.relids }];
        const q = parse.jointree!.quals;
        const quals: Node[] = q === null ? [] : Array.isArray(q) ? (q as Node[]) : makeAndsImplicit(q);
        addPath(final, createGroupResultPath(root, final, final.reltarget, quals));
        setCheapest(final);
        root.ec_merging_done = true;
        qpCallback(root);
        return final;
      }
    }
  }
  addBaseRelsToQuery(root, parse.jointree);
  buildBaseRelTlists(root, root.processed_tlist);
  findPlaceholdersInJointree(root);
  findLateralReferences(root);
  let joinlist = deconstructJointree(root);
  reconsiderOuterJoinClauses(root, distributeRestrictinfoToRels);
  generateBaseImpliedEqualities(root, processImpliedEquality, distributeRestrictinfoToRels, addVarsToTargetlist);
  qpCallback(root);
  fixPlaceholderInputNeededLevels(root, addVarsToTargetlist);
  if (root.join_info_list.length > 0) {
    joinlist = removeUselessJoins(root, joinlist);
    reduceUniqueSemijoins(root);
  }
  addPlaceholdersToBaseRels(root);
  createLateralJoinInfo(root);
  matchForeignKeysToQuals(root);
  extractRestrictionOrClauses(root);
  const final = makeOneRel(root, joinlist);
  if (final.cheapest_total_path === null || final.cheapest_total_path.param_info !== null) {
    elogError("failed to construct the join relation");
  }
  return final;
}
