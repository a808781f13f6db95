/**
 * Replacing Vars of join entries by what they stand for, and Vars of the grouping entry by the grouped expressions.
 * Follows flatten_join_alias_vars() and flatten_group_exprs() in src/backend/optimizer/util/var.c.
 */
import { PgError } from "../../base/error.ts";
import type { Node, Query, RangeTblEntry, Var } from "../nodes/nodes.ts";
import { makeNode } from "../nodes/make_node.ts";
import { copyObject, expressionTreeMutator, QTW_IGNORE_JOINALIASES, queryTreeMutator } from "../nodes/node_funcs.ts";
import { bmsUnion } from "../nodes/bitmapset.ts";
import { addNullingRelids, checkExprHasSubLink, incrementVarSublevelsUp } from "../rewrite/rewrite_manip.ts";

/** A copy of `node` in which Vars of this level's joins are expanded, with outer nulling added. */
export function flattenJoinAliasVars<T extends Node | null>(
  _query: Query,
  rtable: readonly RangeTblEntry[],
  node: T,
): T {
  let sublevelsUp = 0;
  let insertedSublink = false;
  const expandVar = (n: Var): Node => {
    if (n.varlevelsup !== sublevelsUp) return n;
    const rte = rtable[n.varno - 1];
    if (rte.rtekind !== "RTE_JOIN") return n;
    if (n.varattno === 0) {
      const fields: Node[] = [];
      const colnames: { type: "String"; sval: string }[] = [];
      rte.joinaliasvars.forEach((nv, i) => {
        if (nv === null) return;
        let newvar = copyObject(nv);
        if (sublevelsUp !== 0) incrementVarSublevelsUp(newvar, sublevelsUp, 0);
        if (newvar.type === "Var") newvar.location = n.location;
        newvar = mutator(newvar)!;
        fields.push(newvar);
        colnames.push({ type: "String", sval: rte.eref!.colnames[i].sval! });
      });
      return addNulling(
        makeNode("RowExpr", {
          args: fields,
          row_typeid: n.vartype,
          row_format: "COERCE_IMPLICIT_CAST",
          colnames,
          location: n.location,
        }),
        n,
      );
    }
    let newvar = rte.joinaliasvars[n.varattno - 1];
    if (newvar === null || newvar === undefined) throw new PgError({ message: "join alias variable is missing" });
    newvar = copyObject(newvar);
    if (sublevelsUp !== 0) incrementVarSublevelsUp(newvar, sublevelsUp, 0);
    if (newvar.type === "Var") newvar.location = n.location;
    newvar = mutator(newvar)!;
    if (!insertedSublink) insertedSublink = checkExprHasSubLink(newvar);
    return addNulling(newvar, n);
  };
  const addNulling = (newnode: Node, old: Var): Node => old.varnullingrels === null ? newnode : adjust(newnode, old);
  const adjust = (newnode: Node, old: Var): Node => {
    if (newnode.type === "Var" && newnode.varlevelsup === old.varlevelsup) {
      newnode.varnullingrels = bmsUnion(newnode.varnullingrels, old.varnullingrels);
      return newnode;
    }
    return sublevelsUp === 0 ? addNullingRelids(newnode, null, old.varnullingrels) : newnode;
  };
  const mutator = (n: Node): Node | null => {
    if (n.type === "Var") return expandVar(n);
    if (n.type === "Query") {
      sublevelsUp++;
      const saved = insertedSublink;
      insertedSublink = n.hasSubLinks;
      const q = queryTreeMutator(n, mutator, QTW_IGNORE_JOINALIASES);
      q.hasSubLinks ||= insertedSublink;
      insertedSublink = saved;
      sublevelsUp--;
      return q;
    }
    return expressionTreeMutator(n, mutator);
  };
  return (node === null ? null : mutator(node)) as T;
}

/** A copy of `node` in which Vars of the grouping entry are the grouped expressions again. */
export function flattenGroupExprs<T extends Node | null>(rtable: readonly RangeTblEntry[], node: T): T {
  let sublevelsUp = 0;
  const mutator = (n: Node): Node | null => {
    if (n.type === "Var") {
      if (n.varlevelsup !== sublevelsUp) return n;
      const rte = rtable[n.varno - 1];
      if (rte === undefined || rte.rtekind !== "RTE_GROUP") return n;
      const newvar = copyObject(rte.groupexprs[n.varattno - 1]);
      if (sublevelsUp !== 0) incrementVarSublevelsUp(newvar, sublevelsUp, 0);
      if (newvar.type === "Var") {
        newvar.location = n.location;
        newvar.varnullingrels = bmsUnion(newvar.varnullingrels, n.varnullingrels);
        return newvar;
      }
      return n.varnullingrels !== null && sublevelsUp === 0 ? addNullingRelids(newvar, null, n.varnullingrels) : newvar;
    }
    if (n.type === "Query") {
      sublevelsUp++;
      const q = queryTreeMutator(n, mutator, 0);
      sublevelsUp--;
      return q;
    }
    return expressionTreeMutator(n, mutator);
  };
  return (node === null ? null : mutator(node)) as T;
}
