/**
 * equal: do two trees mean the same? Locations, display-only fields and coercion forms do not count.
 * Driven by NODE_FIELDS. Follows src/backend/nodes/equalfuncs.c.
 */
import type { Const, Node } from "./nodes.ts";
import { NODE_FIELDS } from "./node_fields.ts";
import type { NodeField } from "./node_fields.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { RecordDatum } from "../utils/fmgr/datum.ts";

const COMPARED = new Map<string, readonly NodeField[]>();
for (const [type, fields] of Object.entries(NODE_FIELDS)) {
  COMPARED.set(type, fields.filter((f) => f.kind !== "location" && !f.equalIgnore && f.enumType !== "CoercionForm"));
}

function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
/** datumIsEqual: same representation, not same value. */
export function datumIsEqual(a: Datum, b: Datum): boolean {
  if (a === b) return true;
  if (a instanceof Uint8Array && b instanceof Uint8Array) return equalBytes(a, b);
  if (typeof a === "number" && typeof b === "number") return Object.is(a, b);
  if (a instanceof RecordDatum && b instanceof RecordDatum) {
    return a.typeId === b.typeId && a.typmod === b.typmod && a.values.length === b.values.length &&
      a.values.every((v, i) => datumIsEqual(v, b.values[i]));
  }
  return false;
}
function equalNumbers(a: readonly number[] | null, b: readonly number[] | null): boolean {
  const n = a === null ? 0 : a.length;
  if (n !== (b === null ? 0 : b.length)) return false;
  for (let i = 0; i < n; i++) if (a![i] !== b![i]) return false;
  return true;
}
function equalLists(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) {
    const x = a[i];
    const y = b[i];
    if (typeof x === "object" && x !== null) {
      if (!equal(x as Node, y as Node)) return false;
    } else if (x !== y) return false;
  }
  return true;
}

export function equal(
  a: Node | readonly unknown[] | null | undefined,
  b: Node | readonly unknown[] | null | undefined,
): boolean {
  if (a === b) return true;
  if (!a || !b) return false;
  if (Array.isArray(a)) return Array.isArray(b) && equalLists(a, b);
  const x = a as Node;
  const y = b as Node;
  if (x.type !== y.type) return false;
  if (x.type === "Const") {
    const c = x as Const;
    const d = y as Const;
    return c.consttype === d.consttype && c.consttypmod === d.consttypmod && c.constcollid === d.constcollid &&
      c.constisnull === d.constisnull && (c.constisnull || datumIsEqual(c.constvalue, d.constvalue));
  }
  if (x.type === "UtilityStmt") {
    return JSON.stringify(x.stmt) === JSON.stringify((y as typeof x).stmt);
  }
  const p = x as unknown as Record<string, unknown>;
  const q = y as unknown as Record<string, unknown>;
  const fields = COMPARED.get(x.type);
  if (fields === undefined) return false;
  for (const f of fields) {
    const v = p[f.name];
    const w = q[f.name];
    if (v === w) continue;
    switch (f.kind) {
      case "node":
        if (!equal(v as Node, w as Node)) return false;
        break;
      case "list":
        if (!equalLists(v as unknown[], w as unknown[])) return false;
        break;
      case "oidlist":
      case "intlist":
      case "bitmapset":
      case "intarray":
      case "oidarray":
        if (!equalNumbers(v as number[], w as number[])) return false;
        break;
      case "boolarray":
        if (!equalLists(v as unknown[], w as unknown[])) return false;
        break;
      case "datum":
        if (!datumIsEqual(v as Datum, w as Datum)) return false;
        break;
      default:
        return false;
    }
  }
  return true;
}

/** list_member: is a node equal to `node` in the list? */
export function listMember(list: readonly Node[], node: Node | null): boolean {
  return list.some((x) => equal(x, node));
}
