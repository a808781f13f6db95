/**
 * makeNode: the one constructor of nodes, so that nodes of a type share one shape.
 *
 * A constructor is compiled for each type at its first use: an object literal with all fields. Nodes built property by
 * property would be dictionaries to V8 (it gives up on shapes past a dozen computed keys), several times slower to read
 * and to copy. The source holds nothing but names and defaults from node_fields.ts.
 */
import type { NodeMap, NodeType } from "./nodes.ts";
import { NODE_ENUMS, NODE_FIELDS, type NodeField } from "./node_fields.ts";

function defaultSource(f: NodeField): string {
  switch (f.kind) {
    case "list":
    case "oidlist":
    case "intlist":
    case "boolarray":
    case "oidarray":
    case "intarray":
      return "[]";
    case "bool":
      return "false";
    case "int":
    case "oid":
    case "float":
      return "0";
    case "location":
      return "-1";
    case "char":
      return '""';
    case "enum":
      return JSON.stringify(Object.keys(NODE_ENUMS[f.enumType!])[0]);
    default:
      return "null";
  }
}

type Constructor = (fields: object) => unknown;
const constructors = new Map<string, Constructor>();
function compileConstructor(type: string): Constructor {
  const props = (NODE_FIELDS[type] ?? []).map((f) =>
    `${f.name}: f.${f.name} === undefined ? ${defaultSource(f)} : f.${f.name}`
  );
  if (type === "UtilityStmt") props.push("stmt: f.stmt");
  const make = new Function("f", `return { type: ${JSON.stringify(type)}, ${props.join(", ")} };`) as Constructor;
  constructors.set(type, make);
  return make;
}
const NO_FIELDS = {};

/**
 * A node of `type` with `fields` set and every other field at its default: 0, false, [] or null, an enum's first member,
 * -1 for a location.
 */
export function makeNode<K extends NodeType>(type: K, fields: Partial<NodeMap[K]> = NO_FIELDS): NodeMap[K] {
  const make = constructors.get(type) ?? compileConstructor(type);
  return make(fields) as NodeMap[K];
}
