/**
 * Splits a SQL script into the statements that are sent one by one, as psql would.
 *
 * A `copy … from stdin` takes the lines after it, up to `\.`, as its data. Quotes, dollar quotes, comments and parentheses
 * are respected.
 */
export interface Statement {
  readonly sql: string;
  /** 1-based line where it starts. */
  readonly line: number;
  /** Data for COPY FROM STDIN. */
  readonly copyData?: string;
}

export function splitScript(text: string): Statement[] {
  const out: Statement[] = [];
  let at = 0;
  let start = -1;
  let depth = 0;
  const lineOf = (pos: number) => text.slice(0, pos).split("\n").length;
  while (at < text.length) {
    const rest = text.slice(at, at + 100);
    if (rest.startsWith("--")) {
      const end = text.indexOf("\n", at);
      at = end < 0 ? text.length : end + 1;
      continue;
    }
    if (rest.startsWith("/*")) {
      at = text.indexOf("*/", at) + 2;
      continue;
    }
    const c = text[at];
    if (start < 0 && /\s/.test(c)) {
      at++;
      continue;
    }
    if (start < 0) start = at;
    const dollar = /^\$(?:[A-Za-z_]\w*)?\$/.exec(rest);
    if (c === "'" || c === '"') {
      const escapes = c === "'" && /(^|[^\w])[eE]$/.test(text.slice(Math.max(0, at - 2), at));
      at++;
      while (at < text.length && text[at] !== c) at += escapes && text[at] === "\\" ? 2 : 1;
      at++;
    } else if (dollar !== null && !/\w/.test(text[at - 1] ?? " ")) {
      at = text.indexOf(dollar[0], at + dollar[0].length) + dollar[0].length;
    } else if (c === ";" && depth === 0) {
      const sql = text.slice(start, at);
      const line = lineOf(start);
      at++;
      start = -1;
      if (/^copy\b[\s\S]*\bfrom\s+stdin\b/i.test(sql)) {
        const body = text.indexOf("\n", at) + 1;
        const end = text.indexOf("\\.\n", body);
        out.push({ sql, line, copyData: text.slice(body, end) });
        at = end + 3;
      } else out.push({ sql, line });
    } else {
      if (c === "(") depth++;
      if (c === ")") depth = Math.max(0, depth - 1);
      at++;
    }
  }
  if (start >= 0) out.push({ sql: text.slice(start).trimEnd(), line: lineOf(start) });
  return out;
}
