/**
 * Statements known to answer differently, each with its reason: tests/differential/known_differences.txt.
 *
 * A line starting with `#` is a reason and holds for the lines that follow. Other lines are `area: statement`, the
 * statement's white space collapsed.
 */
const PATH = new URL("./known_differences.txt", import.meta.url);

export function keyOf(area: string, sql: string): string {
  return `${area}: ${sql.replace(/\s+/g, " ").trim()}`;
}

/** Key → reason. */
export function readKnown(): Map<string, string> {
  const known = new Map<string, string>();
  let reason = "";
  for (const line of Deno.readTextFileSync(PATH).split("\n")) {
    if (line.startsWith("#")) reason = line.slice(1).trim();
    else if (line !== "") known.set(line, reason);
  }
  return known;
}

/** Writes the list anew: what is known and still differs keeps its reason, the rest gets `newReason`. */
export function writeKnown(keys: readonly string[], old: ReadonlyMap<string, string>, newReason: string): void {
  const byReason = new Map<string, string[]>();
  for (const k of keys) {
    const reason = old.get(k) ?? newReason;
    byReason.set(reason, [...(byReason.get(reason) ?? []), k]);
  }
  const text = [...byReason].map(([reason, list]) => `# ${reason}\n${list.join("\n")}\n`).join("\n");
  Deno.writeTextFileSync(PATH, text);
}
