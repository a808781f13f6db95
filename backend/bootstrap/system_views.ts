/** The statements of backend/catalog/system_views.sql and information_schema.sql, for template1 once a backend can run SQL. */

/** Each statement without its semicolon, in order. */
export function systemViewStatements(): string[] {
  return ["system_views.sql", "information_schema.sql"].flatMap((name) =>
    splitStatements(Deno.readTextFileSync(new URL(`../catalog/${name}`, import.meta.url)))
  );
}

/** A statement ends with a semicolon at the end of a line; comment lines stand between statements. */
export function splitStatements(text: string): string[] {
  return text.split(/;[ \t]*\n/)
    .map((s) => s.replace(/^(\s*--[^\n]*\n|\s*\n)+/, "").trim())
    .filter((s) => s !== "");
}
