/**
 * The query behind a view, from its _RETURN rule.
 *
 * The rule's text is parsed once for each relcache entry; every use gets a copy. Permissions inside a view are checked as
 * its owner, unless it is a security_invoker view. Follows RelationBuildRuleLock() and setRuleCheckAsUser().
 */
import type { Oid } from "../../base/types.ts";
import { PgError } from "../../base/error.ts";
import type { Query } from "../nodes/nodes.ts";
import { copyObject, expressionTreeWalker, queryTreeWalker, type TreeWalker } from "../nodes/node_funcs.ts";
import { stringToNode } from "../nodes/readfuncs.ts";
import type { Relation } from "../utils/cache/relation.ts";

interface ParsedView {
  actions: string;
  owner: Oid;
  invoker: boolean;
  query: Query;
}
/** By relation OID; valid while the rule's text, the owner and the option are the same. */
const parsedViews = new Map<Oid, ParsedView>();
const PARSED_VIEWS_MAX = 1000;

/** RelationIsSecurityView: WITH (security_barrier). */
export function isSecurityView(rel: Relation): boolean {
  return rel.rd_options.security_barrier === true;
}

/** A fresh copy of a view's query; null if the relation has no ON SELECT rule. */
export function viewQuery(rel: Relation): Query | null {
  const rule = (rel.rd_rules ?? []).find((r) => r.event === "1" && r.enabled !== "D");
  if (rule === undefined) return null;
  const invoker = rel.rd_options.security_invoker === true;
  let parsed = parsedViews.get(rel.rd_id);
  if (
    parsed === undefined || parsed.actions !== rule.actions || parsed.owner !== rel.rd_rel.relowner ||
    parsed.invoker !== invoker
  ) {
    const actions = stringToNode(rule.actions);
    const query = Array.isArray(actions) ? actions[0] : actions;
    if (query === null || query.type !== "Query") {
      throw new PgError({ message: `expected just one rule action for view "${rel.rd_rel.relname}"` });
    }
    setRuleCheckAsUser(query, invoker ? 0 : rel.rd_rel.relowner);
    parsed = { actions: rule.actions, owner: rel.rd_rel.relowner, invoker, query };
    if (parsedViews.size >= PARSED_VIEWS_MAX) parsedViews.clear();
    parsedViews.set(rel.rd_id, parsed);
  }
  return copyObject(parsed.query);
}

/** setRuleCheckAsUser: in all permission records of a query and its subqueries. */
export function setRuleCheckAsUser(query: Query, userid: Oid): void {
  const walker: TreeWalker = (node) => {
    if (node.type === "Query") {
      for (const p of node.rteperminfos) p.checkAsUser = userid;
      return queryTreeWalker(node, walker, 0);
    }
    return expressionTreeWalker(node, walker);
  };
  walker(query);
}
