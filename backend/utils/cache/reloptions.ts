/**
 * Storage parameters as the relation cache hands them out: pg_class.reloptions parsed into typed values. Whether they are
 * valid is checked where they are set; here every text is taken for what it looks like, by the option's name.
 */
import { PgError } from "../../../base/error.ts";

const BOOLEAN_OPTIONS: ReadonlySet<string> = new Set([
  "autovacuum_enabled",
  "user_catalog_table",
  "deduplicate_items",
  "fastupdate",
  "autosummarize",
  "security_barrier",
  "security_invoker",
  "vacuum_truncate",
]);

function parseBool(text: string): boolean | undefined {
  const s = text.toLowerCase();
  if (s === "") return undefined;
  if ("true".startsWith(s) || "yes".startsWith(s) || s === "on" || s === "1") return true;
  if ("false".startsWith(s) || "no".startsWith(s) || s === "off" || s === "of" || s === "0") return false;
  return undefined;
}

const none: Readonly<Record<string, string | number | boolean>> = Object.freeze({});

/** `["fillfactor=70", "autovacuum_enabled=off"]` → `{ fillfactor: 70, autovacuum_enabled: false }`. */
export function parseReloptions(
  reloptions: readonly string[] | null,
): Readonly<Record<string, string | number | boolean>> {
  if (reloptions === null || reloptions.length === 0) return none;
  const out: Record<string, string | number | boolean> = {};
  for (const option of reloptions) {
    const at = option.indexOf("=");
    const name = at < 0 ? option : option.slice(0, at);
    const text = at < 0 ? "true" : option.slice(at + 1);
    if (BOOLEAN_OPTIONS.has(name)) {
      const b = parseBool(text);
      if (b === undefined) throw new PgError({ message: `invalid value for boolean option "${name}": ${text}` });
      out[name] = b;
    } else {
      out[name] = text !== "" && Number.isFinite(Number(text)) ? Number(text) : text;
    }
  }
  return out;
}
