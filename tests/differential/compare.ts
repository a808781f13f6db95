/**
 * What of an answer must be equal, and how a difference is shown.
 *
 * Rows count as a set unless the statement says `order by` (or explains, shows, fetches); OIDs that a server
 * gave out itself (16384 and up) are not compared; nor are source file and line of an error.
 */
import type { Fields, QueryOutcome } from "../testing/raw_client.ts";

const FIELDS = ["S", "C", "M", "D", "H", "P", "q", "p", "W", "s", "t", "c", "d", "n"] as const;
const FIRST_USER_OID = 16384;

function report(kind: string, f: Fields): string[] {
  return FIELDS.filter((k) => f[k] !== undefined).map((k) => `${kind} ${k}: ${f[k]}`);
}

/** The answer as lines of text, all that is compared. */
export function describe(sql: string, r: QueryOutcome): string[] {
  const lines: string[] = [];
  const ordered = /order\s+by|^\s*(explain|show|fetch|values)\b/i.test(sql);
  for (const n of r.notices) lines.push(...report("notice", n));
  for (const s of r.results) {
    if (s.columns !== null) {
      const type = (oid: number) => (oid >= FIRST_USER_OID ? "user type" : String(oid));
      lines.push("columns: " + s.columns.map((c) => `${c.name} ${type(c.typeOid)}/${c.typeModifier}`).join(", "));
    }
    const rows = s.rows.map((row) => "row: " + row.map((v) => (v === null ? "NULL" : v)).join(" | "));
    lines.push(...(ordered ? rows : rows.sort()));
    if (s.copyData.length > 0) lines.push(...s.copyData.join("").split("\n").map((l) => "copy: " + l));
    lines.push("tag: " + s.tag);
  }
  if (r.error !== null) lines.push(...report("error", r.error));
  lines.push("status: " + (r.status === "X" ? "connection lost" : r.status));
  return lines;
}

/** The lines that differ, `-` the reference's and `+` ours. Lines are matched in order. */
export function difference(theirs: readonly string[], ours: readonly string[]): string[] {
  // Longest common subsequence; answers in these scripts are short.
  const n = theirs.length;
  const m = ours.length;
  const best = Array.from({ length: n + 1 }, () => new Uint32Array(m + 1));
  for (let i = n - 1; i >= 0; i--) {
    for (let j = m - 1; j >= 0; j--) {
      best[i][j] = theirs[i] === ours[j] ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
    }
  }
  const out: string[] = [];
  let i = 0;
  let j = 0;
  while (i < n || j < m) {
    if (i < n && j < m && theirs[i] === ours[j]) {
      i++;
      j++;
    } else if (j >= m || (i < n && best[i + 1][j] >= best[i][j + 1])) out.push(`  - ${theirs[i++]}`);
    else out.push(`  + ${ours[j++]}`);
  }
  return out;
}
