/** makeNode: the one constructor of nodes, so that nodes of a type share one shape. */
import type { NodeMap, NodeType } from "./nodes.ts";
import { NODE_FIELDS } from "./node_fields.ts";
import { NODE_ENUMS } from "./node_fields.ts";
import type { NodeField } from "./node_fields.ts";

function defaultOf(f: NodeField): unknown {
  switch (f.kind) {
    case "list":
    case "oidlist":
    case "intlist":
    case "boolarray":
    case "oidarray":
    case "intarray":
      return [];
    case "bool":
      return false;
    case "int":
    case "oid":
    case "float":
      return 0;
    case "location":
      return -1;
    case "char":
      return "";
    case "enum":
      return Object.keys(NODE_ENUMS[f.enumType!])[0];
    default:
      return null;
  }
}

/**
 * A node of `type` with `fields` set and every other field at its default: 0, false, [] or null, an enum's first member,
 * -1 for a location.
 */
export function makeNode<K extends NodeType>(type: K, fields: Partial<NodeMap[K]> = {}): NodeMap[K] {
  const node: Record<string, unknown> = { type };
  for (const f of NODE_FIELDS[type] ?? []) {
    const v = (fields as Record<string, unknown>)[f.name];
    node[f.name] = v === undefined ? defaultOf(f) : v;
  }
  if (type === "UtilityStmt") node.stmt = (fields as { stmt?: unknown }).stmt;
  return node as unknown as NodeMap[K];
}
