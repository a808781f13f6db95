/** Which columns an expression reads. */
import type { Node } from "../nodes/nodes.ts";

function visit(x: unknown, f: (varno: number, varattno: number) => void): void {
  if (x === null || typeof x !== "object" || x instanceof Uint8Array) return;
  if (Array.isArray(x)) {
    for (const e of x) visit(e, f);
    return;
  }
  const n = x as Node;
  if (n.type === "Var" && n.varlevelsup === 0) f(n.varno, n.varattno);
  for (const k in n) {
    const v = (n as unknown as Record<string, unknown>)[k];
    if (v !== null && typeof v === "object") visit(v, f);
  }
}

/** Range-table indexes that Vars of level 0 refer to, ascending. */
export function pullVarnos(expr: Node): number[] {
  const found = new Set<number>();
  visit(expr, (no) => found.add(no));
  return [...found].sort((a, b) => a - b);
}
/** Attribute numbers of relation `varno` that the expression reads, in order of first appearance. */
export function pullVarattnosOfRel(expr: Node, varno: number): number[] {
  const found = new Set<number>();
  visit(expr, (no, att) => no === varno && found.add(att));
  return [...found];
}
