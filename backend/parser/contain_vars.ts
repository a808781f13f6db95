/** Searches for Vars in trees. Follows contain_vars_of_level() and locate_var_of_level() in src/backend/optimizer/util/var.c. */
import type { Node } from "../nodes/nodes.ts";
import {
  expressionTreeWalker,
  queryOrExpressionTreeWalker,
  queryTreeWalker,
  type TreeWalker,
} from "../nodes/node_funcs.ts";

export function containVarsOfLevel(node: Node | readonly Node[] | null, levelsup: number): boolean {
  let level = levelsup;
  const walker: TreeWalker = (n) => {
    if (n.type === "Var") return n.varlevelsup === level;
    if (n.type === "CurrentOfExpr") return level === 0;
    if (n.type === "Query") {
      level++;
      const r = queryTreeWalker(n, walker, 0);
      level--;
      return r;
    }
    return expressionTreeWalker(n, walker);
  };
  return queryOrExpressionTreeWalker(node, walker, 0);
}

/** Byte location of a Var of the level, -1 if there is none or it is unknown. */
export function locateVarOfLevel(node: Node | readonly Node[] | null, levelsup: number): number {
  let level = levelsup;
  let found = -1;
  const walker: TreeWalker = (n) => {
    if (n.type === "Var") {
      if (n.varlevelsup === level && n.location >= 0) {
        found = n.location;
        return true;
      }
      return false;
    }
    if (n.type === "Query") {
      level++;
      const r = queryTreeWalker(n, walker, 0);
      level--;
      return r;
    }
    return expressionTreeWalker(n, walker);
  };
  queryOrExpressionTreeWalker(node, walker, 0);
  return found;
}
