/**
 * Types of raw parse trees: libpg-query's JSON, one-key objects { SelectStmt: {…} } that leave out zero and empty fields.
 *
 * Analysis also meets nodes it has already transformed inside raw trees (as PostgreSQL does); those have a `type` field.
 * A null list element is {}.
 */
import type { Node as LibpgNode } from "libpg-query";
import type { Node } from "../nodes/nodes.ts";

export type RawNode = LibpgNode;
type KeysOfUnion<T> = T extends unknown ? keyof T : never;
export type RawTag = KeysOfUnion<RawNode>;
/** Tag → contents. */
export type RawMap = { [K in RawTag]: Extract<RawNode, Record<K, unknown>>[K] };
export type RawOrNode = RawNode | Node;

/** The tag of a raw node; "" of {} (a null). */
export function rawTag(node: RawNode): RawTag | "" {
  for (const k in node) return k as RawTag;
  return "";
}
/** Access by tag: raw(n).ColumnRef is the contents if `n` is a ColumnRef, else undefined. */
export function raw(node: RawNode | null | undefined): Partial<RawMap> {
  return (node ?? {}) as Partial<RawMap>;
}
/** True if `node` is an analyzed node rather than a raw one. */
export function isAnalyzed(node: RawOrNode): node is Node {
  return typeof (node as { type?: unknown }).type === "string";
}
/** The string of a String node; undefined if it is none. */
export function strVal(node: RawNode | undefined): string {
  return raw(node).String?.sval ?? "";
}
/** Strings of a list of String nodes. */
export function strVals(list: readonly RawNode[] | undefined): string[] {
  return (list ?? []).map(strVal);
}
/** { String: … } nodes for building raw trees. */
export function rawString(sval: string): RawNode {
  return { String: { sval } } as RawNode;
}
/** NameListToString: joined by dots; A_Star is `*`. */
export function nameListToString(names: readonly RawNode[]): string {
  return names.map((n) => (raw(n).A_Star !== undefined ? "*" : strVal(n))).join(".");
}
/** Byte offset of a raw expression's start, or -1. Follows exprLocation()'s rules for raw nodes. */
export function rawLocation(node: RawNode | readonly RawNode[] | null | undefined): number {
  if (node === null || node === undefined) return -1;
  if (Array.isArray(node)) {
    for (const n of node) {
      const l = rawLocation(n as RawNode);
      if (l >= 0) return l;
    }
    return -1;
  }
  const n = node as RawNode;
  const m = raw(n);
  if (m.A_Expr) return leftmost(m.A_Expr.location ?? -1, rawLocation(m.A_Expr.lexpr));
  if (m.FuncCall) return leftmost(m.FuncCall.location ?? -1, rawLocation(m.FuncCall.args));
  if (m.TypeCast) {
    let loc = rawLocation(m.TypeCast.arg);
    loc = leftmost(loc, m.TypeCast.typeName?.location ?? -1);
    return leftmost(loc, m.TypeCast.location ?? -1);
  }
  if (m.CollateClause) return rawLocation(m.CollateClause.arg);
  if (m.A_Indirection) return rawLocation(m.A_Indirection.arg);
  if (m.NamedArgExpr) return leftmost(m.NamedArgExpr.location ?? -1, rawLocation(m.NamedArgExpr.arg));
  if (m.BoolExpr) return leftmost(m.BoolExpr.location ?? -1, rawLocation(m.BoolExpr.args));
  if (m.SubLink) return leftmost(rawLocation(m.SubLink.testexpr), m.SubLink.location ?? -1);
  if (m.NullTest) return leftmost(m.NullTest.location ?? -1, rawLocation(m.NullTest.arg));
  if (m.BooleanTest) return leftmost(m.BooleanTest.location ?? -1, rawLocation(m.BooleanTest.arg));
  if (m.SortBy) return rawLocation(m.SortBy.node);
  if (m.List) return rawLocation(m.List.items);
  if (m.ResTarget) return m.ResTarget.location ?? 0;
  for (const k in n) {
    const c = (n as unknown as Record<string, { location?: number }>)[k];
    // A location of 0 is left out of the JSON; only nodes that carry one can be at 0.
    return c.location ?? (LOCATED.has(k) ? 0 : -1);
  }
  return -1;
}
function leftmost(a: number, b: number): number {
  return a < 0 ? b : b < 0 ? a : Math.min(a, b);
}
const LOCATED: ReadonlySet<string> = new Set([
  "ColumnRef",
  "ParamRef",
  "A_Const",
  "RangeVar",
  "A_ArrayExpr",
  "CaseExpr",
  "RowExpr",
  "CoalesceExpr",
  "MinMaxExpr",
  "SetToDefault",
  "SQLValueFunction",
  "TypeName",
]);
