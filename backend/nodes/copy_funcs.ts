/**
 * copyObject: a deep copy of a node tree. Datums and sets are immutable and shared.
 * Follows src/backend/nodes/copyfuncs.c.
 */
import type { Node } from "./nodes.ts";
import { NODE_FIELDS } from "./node_fields.ts";

const DEEP = new Map<string, { name: string; shallow: boolean }[]>();
for (const [type, fields] of Object.entries(NODE_FIELDS)) {
  DEEP.set(
    type,
    fields.filter((f) => f.kind === "node" || f.kind.endsWith("list") || f.kind.endsWith("array"))
      .map((f) => ({ name: f.name, shallow: f.kind !== "node" && f.kind !== "list" })),
  );
}

function copyAny(x: unknown): unknown {
  if (typeof x !== "object" || x === null) return x;
  if (Array.isArray(x)) {
    const out = new Array(x.length);
    for (let i = 0; i < x.length; i++) out[i] = copyAny(x[i]);
    return out;
  }
  const node = x as Record<string, unknown>;
  const fields = DEEP.get(node.type as string);
  const copy = { ...node };
  if (fields !== undefined) {
    for (const f of fields) {
      const v = node[f.name];
      if (f.shallow) copy[f.name] = Array.isArray(v) ? v.slice() : v;
      else if (v !== null) copy[f.name] = copyAny(v);
    }
  }
  return copy;
}

export function copyObject<T extends Node | readonly unknown[] | null>(node: T): T {
  return copyAny(node) as T;
}
