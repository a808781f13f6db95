/**
 * Bodies of the built-in functions that are written in SQL, by pg_proc OID. Written for pgts; they go into pg_proc.prosrc
 * when a cluster is made. Everything in them is schema-qualified, since they run under any search_path.
 */

/** Period a and period b, each as its two ends. */
function overlaps(a: string, b: string): string {
  return `select (${a}) overlaps (${b})`;
}
const addReversed = "select $2 operator(pg_catalog.+) $1";

const catalogOid = "(select oid from pg_catalog.pg_class where relname = $2" +
  " and relnamespace = 'pg_catalog'::pg_catalog.regnamespace)";

const secondsUntil = (end: string) =>
  `select pg_catalog.pg_sleep((extract(epoch from ${end}) ` +
  `- extract(epoch from pg_catalog.clock_timestamp()))::pg_catalog.float8)`;

const tsDebug = `select t.alias, t.description, p.token, d.dicts, m.dict, m.lexemes
  from pg_catalog.pg_ts_config c
  cross join lateral pg_catalog.ts_parse(c.cfgparser, $2) p
  join lateral pg_catalog.ts_token_type(c.cfgparser) t on t.tokid = p.tokid
  cross join lateral (
    select array(select k.mapdict::pg_catalog.regdictionary from pg_catalog.pg_ts_config_map k
                  where k.mapcfg = c.oid and k.maptokentype = p.tokid order by k.mapseqno) as dicts) d
  left join lateral (
    select k.mapdict::pg_catalog.regdictionary as dict, pg_catalog.ts_lexize(k.mapdict, p.token) as lexemes
      from pg_catalog.pg_ts_config_map k
     where k.mapcfg = c.oid and k.maptokentype = p.tokid
     order by (pg_catalog.ts_lexize(k.mapdict, p.token) is null), k.mapseqno limit 1) m on true
 where c.oid = $1`;

export const SQL_FUNCTION_BODIES: ReadonlyMap<number, string> = new Map([
  [879, "select pg_catalog.lpad($1, $2, ' ')"],
  [880, "select pg_catalog.rpad($1, $2, ' ')"],
  [1176, "select ($1 operator(pg_catalog.+) $2)::pg_catalog.timestamptz"],
  [
    1215,
    `select description from pg_catalog.pg_description where objoid = $1 and classoid = ${catalogOid} and objsubid = 0`,
  ],
  [
    1216,
    "select description from pg_catalog.pg_description" +
    " where objoid = $1 and classoid = 'pg_catalog.pg_class'::pg_catalog.regclass and objsubid = $2",
  ],
  [1285, "select pg_catalog.quote_literal($1::pg_catalog.text)"],
  [1290, "select pg_catalog.quote_nullable($1::pg_catalog.text)"],
  [1296, addReversed],
  [1298, addReversed],
  [1305, overlaps("$1, $1 + $2", "$3, $3 + $4")],
  [1306, overlaps("$1, $2", "$3, $3 + $4")],
  [1307, overlaps("$1, $1 + $2", "$3, $4")],
  [1309, overlaps("$1, $1 + $2", "$3, $3 + $4")],
  [1310, overlaps("$1, $2", "$3, $3 + $4")],
  [1311, overlaps("$1, $1 + $2", "$3, $4")],
  [1348, "select description from pg_catalog.pg_description where objoid = $1 and objsubid = 0"],
  [1384, "select pg_catalog.date_part($1, $2::pg_catalog.timestamp)"],
  [1386, "select pg_catalog.age(current_date::pg_catalog.timestamptz, $1)"],
  [1426, "select pg_catalog.on_ppath($2, $1)"],
  [1481, "select pg_catalog.log(10, $1)"],
  [1544, "select pg_catalog.polygon(12, $1)"],
  [1708, "select pg_catalog.round($1, 0)"],
  [1710, "select pg_catalog.trunc($1, 0)"],
  [1741, "select pg_catalog.log(10, $1)"],
  [1810, "select pg_catalog.octet_length($1) operator(pg_catalog.*) 8"],
  [1811, "select pg_catalog.octet_length($1) operator(pg_catalog.*) 8"],
  [1812, "select pg_catalog.length($1)"],
  [1848, addReversed],
  [
    1993,
    `select description from pg_catalog.pg_shdescription where objoid = $1 and classoid = ${catalogOid}`,
  ],
  [2003, "select $1 operator(pg_catalog.||) $2::pg_catalog.text"],
  [2004, "select $1::pg_catalog.text operator(pg_catalog.||) $2"],
  [2042, overlaps("$1, $1 + $2", "$3, $3 + $4")],
  [2043, overlaps("$1, $2", "$3, $3 + $4")],
  [2044, overlaps("$1, $1 + $2", "$3, $4")],
  [2059, "select pg_catalog.age(current_date::pg_catalog.timestamp, $1)"],
  [2074, "select pg_catalog.substring($1, pg_catalog.similar_to_escape($2, $3))"],
  [2325, "select pg_catalog.pg_relation_size($1, 'main')"],
  [2546, addReversed],
  [2547, addReversed],
  [2548, addReversed],
  [2549, addReversed],
  [2550, addReversed],
  [2631, addReversed],
  [2932, "select pg_catalog.xpath($1, $2, '{}'::pg_catalog.text[])"],
  [3050, "select pg_catalog.xpath_exists($1, $2, '{}'::pg_catalog.text[])"],
  [3935, secondsUntil("pg_catalog.clock_timestamp() operator(pg_catalog.+) $1")],
  [3936, secondsUntil("$1")],
  [5023, addReversed],
  [6183, tsDebug],
  [6184, "select * from pg_catalog.ts_debug(pg_catalog.get_current_ts_config(), $1)"],
]);
