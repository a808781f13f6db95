/** The default of a domain or other type. Follows get_typdefault() in src/backend/utils/cache/lsyscache.c. */
import type { Oid } from "../../base/types.ts";
import type { Node } from "../nodes/nodes.ts";
import { makeConst } from "../nodes/makefuncs.ts";
import { stringToNode } from "../nodes/readfuncs.ts";
import { typeidType } from "../parser/parse_type.ts";
import { inputFunctionOfType } from "../parser/fmgr_calls.ts";

export function getTypdefault(typid: Oid): Node | null {
  const type = typeidType(typid);
  if (type.typdefaultbin !== null) return stringToNode(type.typdefaultbin) as Node;
  if (type.typdefault !== null) {
    return makeConst(
      typid,
      -1,
      type.typcollation,
      type.typlen,
      inputFunctionOfType(type, type.typdefault, -1),
      false,
      type.typbyval,
    );
  }
  return null;
}
