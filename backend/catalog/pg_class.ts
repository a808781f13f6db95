/** Texts about kinds of relations. Follows src/backend/catalog/pg_class.c. */

/** errdetail_relkind_not_supported(). */
export function errdetailRelkindNotSupported(relkind: string): string {
  const kinds: Readonly<Record<string, string>> = {
    r: "tables",
    i: "indexes",
    S: "sequences",
    t: "TOAST tables",
    v: "views",
    m: "materialized views",
    c: "composite types",
    f: "foreign tables",
    p: "partitioned tables",
    I: "partitioned indexes",
  };
  return `This operation is not supported for ${kinds[relkind]}.`;
}
