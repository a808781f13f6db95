/**
 * Where tests find programs: the server under test, and PostgreSQL 18's own programs.
 *
 *   PGTS_BIN   a compiled pgts; without it the server runs from source
 *   PG18_BIN   PostgreSQL 18's programs (default: where tools/setup-pg18 puts them)
 *   PSQL       the psql for tests of the command line (default: PostgreSQL 18's, else the one on PATH)
 */

/** The repository's root, without a trailing slash. */
export const ROOT = new URL("../../", import.meta.url).pathname.replace(/\/$/, "");

export function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (e) {
    if (e instanceof Deno.errors.NotFound) return false;
    throw e;
  }
}

/** Command line that starts the server under test with the words `args`. */
export function pgtsCommand(...args: string[]): string[] {
  const bin = Deno.env.get("PGTS_BIN");
  if (bin !== undefined && bin !== "") return [bin, ...args];
  return [Deno.execPath(), "run", "--allow-all", "--no-prompt", "--no-check", `${ROOT}/main.ts`, ...args];
}

const PG18 = Deno.env.get("PG18_BIN") ?? `${Deno.env.get("PG18_DIR") ?? "/var/tmp/pg18"}/bin`;

/** True if PostgreSQL 18's programs are here (tools/setup-pg18 brings them). */
export function haveReference(): boolean {
  return exists(`${PG18}/postgres`);
}

/** Path of one of PostgreSQL 18's programs. @throws if they are not installed */
export function pg18(program: string): string {
  const path = `${PG18}/${program}`;
  if (!exists(path)) throw new Error(`${path} is missing: run tools/setup-pg18`);
  return path;
}

/** Path of psql. */
export function psqlProgram(): string {
  const chosen = Deno.env.get("PSQL");
  if (chosen !== undefined && chosen !== "") return chosen;
  return haveReference() ? pg18("psql") : "psql";
}
