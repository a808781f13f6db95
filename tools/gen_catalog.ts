/**
 * Generates what pgts knows of PostgreSQL 18's system catalogs, by asking a reference server. Facts only: names, OIDs,
 * types, flags, access method memberships. No descriptions, no SQL function bodies, no view definitions.
 *
 *   deno run -A tools/gen_catalog.ts --host /tmp --port 5432 --include /usr/include/postgresql/18/server
 *
 * The server must be fresh from `initdb --locale-provider=builtin --locale=C.UTF-8 -E UTF8`; `--include` is its header
 * directory, which alone names the system caches (MAKE_SYSCACHE) and the symbols of OIDs. Writes
 *   backend/catalog/catalog_rows.ts   row interfaces, one for each catalog
 *   backend/catalog/catalog_oids.ts   symbols of catalogs, their indexes, types and other fixed objects
 *   backend/catalog/data/schema.ts    columns and indexes of each catalog, the system caches
 *   backend/catalog/data/rows.ts      the rows of template1
 */
import { parseArgs } from "node:util";
import postgres from "postgres";

const { values: args } = parseArgs({
  options: {
    host: { type: "string", default: "/tmp" },
    port: { type: "string", default: "5432" },
    user: { type: "string", default: "postgres" },
    include: { type: "string", default: "/usr/include/postgresql/18/server" },
  },
});
const root = new URL("../", import.meta.url);
const sql = postgres({ host: args.host, port: Number(args.port), user: args.user, database: "template1", max: 1 });

type Json = null | boolean | number | string | Json[];

async function rowsOf<T>(query: string): Promise<T[]> {
  return await sql.unsafe(query) as unknown as T[];
}

// ---- Schema of the catalogs

interface ColumnFact {
  name: string;
  typid: number;
  typname: string;
  len: number;
  byval: boolean;
  align: string;
  storage: string;
  collation: number;
  notnull: boolean;
}
interface IndexFact {
  name: string;
  oid: number;
  unique: boolean;
  primary: boolean;
  columns: number[];
  opclasses: number[];
  opfamilies: number[];
  opcintypes: number[];
  collations: number[];
}
interface CatalogFact {
  oid: number;
  name: string;
  shared: boolean;
  mapped: boolean;
  rowtype: number;
  toast: number;
  toastIndex: number;
  columns: ColumnFact[];
  indexes: IndexFact[];
}

async function readSchema(): Promise<CatalogFact[]> {
  const catalogs = await rowsOf<CatalogFact>(`
    select c.oid::int4 as oid, c.relname as name, c.relisshared as shared, c.relfilenode = 0 as mapped,
           c.reltype::int4 as rowtype, c.reltoastrelid::int4 as toast,
           coalesce((select indexrelid::int4 from pg_index where indrelid = c.reltoastrelid), 0) as "toastIndex"
      from pg_class c where relkind = 'r' and relnamespace = 11 order by relname`);
  for (const catalog of catalogs) {
    catalog.columns = (await rowsOf<ColumnFact>(`
      select a.attname as name, a.atttypid::int4 as typid, t.typname, a.attlen as len, a.attbyval as byval,
             a.attalign::text as align, a.attstorage::text as storage, a.attcollation::int4 as collation,
             a.attnotnull as notnull
        from pg_attribute a join pg_type t on t.oid = a.atttypid
       where attrelid = ${catalog.oid} and attnum > 0 order by attnum`)).map((c) => ({ ...c }));
    catalog.indexes = (await rowsOf<IndexFact>(`
      select c.relname as name, c.oid::int4 as oid, i.indisunique as unique, i.indisprimary as primary,
             to_json(i.indkey::int2[]) as columns, to_json(i.indclass::oid[]::int4[]) as opclasses,
             (select json_agg(opcfamily::int4 order by n) from pg_opclass o, unnest(i.indclass::oid[]) with ordinality u(c, n)
               where o.oid = u.c) as opfamilies,
             (select json_agg(opcintype::int4 order by n) from pg_opclass o, unnest(i.indclass::oid[]) with ordinality u(c, n)
               where o.oid = u.c) as opcintypes,
             to_json(i.indcollation::oid[]::int4[]) as collations
        from pg_index i join pg_class c on c.oid = i.indexrelid
       where indrelid = ${catalog.oid} order by c.oid`)).map((i) => ({ ...i }));
  }
  return catalogs;
}

/** SysCacheIdentifier order and the index of each cache, from the headers. */
async function readSysCaches(): Promise<{ name: string; index: string; buckets: number }[]> {
  const dir = `${args.include}/catalog`;
  const byName = new Map<string, { name: string; index: string; buckets: number }>();
  for await (const entry of Deno.readDir(dir)) {
    const text = await Deno.readTextFile(`${dir}/${entry.name}`);
    for (const m of text.matchAll(/^MAKE_SYSCACHE\((\w+),\s*(\w+),\s*(\d+)\);/gm)) {
      byName.set(m[1], { name: m[1], index: m[2], buckets: Number(m[3]) });
    }
  }
  const ids = await Deno.readTextFile(`${dir}/syscache_ids.h`);
  const body = ids.slice(ids.indexOf("{") + 1, ids.indexOf("}"));
  return [...body.matchAll(/\b([A-Z]+),/g)].map((m) => {
    const cache = byName.get(m[1]);
    if (!cache) throw new Error(`no MAKE_SYSCACHE for ${m[1]}`);
    return cache;
  });
}

/** `#define <symbol> <number>` of the generated headers, where the symbol names an OID. */
async function readSymbols(): Promise<Map<string, [string, number][]>> {
  const dir = `${args.include}/catalog`;
  const files: string[] = [];
  for await (const entry of Deno.readDir(dir)) if (entry.name.endsWith("_d.h")) files.push(entry.name);
  const out = new Map<string, [string, number][]>();
  for (const file of files.sort()) {
    const text = await Deno.readTextFile(`${dir}/${file}`);
    const found: [string, number][] = [];
    for (const m of text.matchAll(/^#define[ \t]+(\w+)[ \t]+(\d+)[ \t]*$/gm)) {
      if (/^(A?num_|Natts_)/i.test(m[1])) continue;
      if (!/(Id|OID|_OID|_RowtypeId|Rowtype_Id|_ROLE_|ROLE|NAMESPACE|LanguageId|Operator|Oid)$/.test(m[1])) continue;
      found.push([m[1], Number(m[2])]);
    }
    if (found.length) out.set(file.replace(/_d\.h$/, ""), found);
  }
  return out;
}

// ---- Emission of TypeScript

/** How a column type appears in a typed row. */
// deno-fmt-ignore: reads as a table
const TS_TYPE: Record<string, string> = {
  oid: "Oid", regproc: "Oid", xid: "TransactionId", bool: "boolean", int2: "number", int4: "number", int8: "number | bigint",
  float4: "number", float8: "number", name: "string", text: "string", char: "string", pg_node_tree: "string",
  oidvector: "Oid[]", int2vector: "number[]", _oid: "Oid[]", _int2: "number[]", _float4: "number[]", _text: "string[]",
  _char: "string[]", _aclitem: "AclItem[]", bytea: "Uint8Array", timestamptz: "number | bigint", pg_lsn: "number | bigint",
  anyarray: "Uint8Array", pg_ndistinct: "Uint8Array", pg_dependencies: "Uint8Array", pg_mcv_list: "Uint8Array",
  _pg_statistic: "Uint8Array",
};

function pascal(name: string): string {
  return name.split("_").map((p) => p[0].toUpperCase() + p.slice(1)).join("");
}

function emitRowTypes(catalogs: CatalogFact[]): string {
  let out = `// Generated by tools/gen_catalog.ts; do not edit.
/**
 * Typed rows of the system catalogs, as searchSysCache() and catalogScan() return them and catalogInsert() takes them:
 * name and text are strings, "char" a string of at most one character, vectors and arrays JS arrays. Columns are in
 * attribute order under PostgreSQL's names.
 */
import type { ItemPointer, Oid, TransactionId } from "../../base/types.ts";

/** One entry of an access control list. */
export interface AclItem {
  /** 0 is PUBLIC. */
  ai_grantee: Oid;
  ai_grantor: Oid;
  /** Privilege bits (ACL_*), plus 2^32 times the bits held WITH GRANT OPTION. */
  ai_privs: number;
}

/** Where a row that was read from a catalog is stored; absent from rows on their way in. */
export interface StoredRow {
  ctid?: ItemPointer;
}
`;
  for (const c of catalogs) {
    out += `\nexport interface ${pascal(c.name)} extends StoredRow {\n`;
    for (const col of c.columns) {
      const t = TS_TYPE[col.typname];
      if (!t) throw new Error(`${c.name}.${col.name}: no TypeScript type for ${col.typname}`);
      out += `  ${col.name}: ${t}${col.notnull || t.includes("null") ? "" : " | null"};\n`;
    }
    out += "}\n";
  }
  out += `\n/** Catalog name → its row. */\nexport interface CatalogRows {\n`;
  for (const c of catalogs) out += `  ${c.name}: ${pascal(c.name)};\n`;
  out += `}\n\nexport type CatalogName = keyof CatalogRows;\n`;
  return out;
}

function emitSchema(
  catalogs: CatalogFact[],
  caches: { name: string; index: string; buckets: number }[],
  nailed: Set<number>,
): string {
  let out = `// Generated by tools/gen_catalog.ts; do not edit.
// Types: [name, typid, len, byval, align, storage, collation, notnull, typname].
import type { CatalogName } from "../catalog_rows.ts";

export type ColumnFact = readonly [
  name: string,
  typid: number,
  len: number,
  byval: boolean,
  align: string,
  storage: string,
  collation: number,
  notnull: boolean,
  typname: string,
];
export interface IndexFact {
  readonly name: string;
  readonly oid: number;
  readonly unique: boolean;
  readonly primary: boolean;
  readonly columns: readonly number[];
  readonly opclasses: readonly number[];
  readonly opfamilies: readonly number[];
  readonly opcintypes: readonly number[];
  readonly collations: readonly number[];
}
export interface CatalogFact {
  readonly oid: number;
  readonly name: CatalogName;
  readonly shared: boolean;
  /** File number comes from the relation map. */
  readonly mapped: boolean;
  /** Descriptor is built in: needed before the catalogs can be read. */
  readonly nailed: boolean;
  readonly rowtype: number;
  readonly toast: number;
  readonly toastIndex: number;
  readonly columns: readonly ColumnFact[];
  readonly indexes: readonly IndexFact[];
}

export const CATALOGS: readonly CatalogFact[] = [
`;
  for (const c of catalogs) {
    out += `  { oid: ${c.oid}, name: "${c.name}", shared: ${c.shared}, mapped: ${c.mapped}, nailed: ${
      nailed.has(c.oid)
    }, rowtype: ${c.rowtype}, toast: ${c.toast}, toastIndex: ${c.toastIndex}, columns: [\n`;
    for (const col of c.columns) {
      out += "    " + JSON.stringify([
        col.name,
        col.typid,
        col.len,
        col.byval,
        col.align,
        col.storage,
        col.collation,
        col.notnull,
        col.typname,
      ]) + ",\n";
    }
    out += "  ], indexes: [\n";
    for (const i of c.indexes) out += "    " + JSON.stringify(i) + ",\n";
    out += "  ] },\n";
  }
  out += `];\n\nexport interface SysCacheFact {\n  readonly name: string;\n  readonly catalog: CatalogName;\n` +
    `  readonly index: number;\n  readonly keys: readonly string[];\n}\n\n` +
    `/** In SysCacheIdentifier order: the position is the number in invalidation messages. */\n` +
    `export const SYSCACHES = [\n`;
  for (const cache of caches) {
    const catalog = catalogs.find((c) => c.indexes.some((i) => i.name === cache.index));
    const index = catalog?.indexes.find((i) => i.name === cache.index);
    if (!catalog || !index) throw new Error(`no index ${cache.index}`);
    const keys = index.columns.map((n) => catalog.columns[n - 1].name);
    out += `  { name: "${cache.name}", catalog: "${catalog.name}", index: ${index.oid}, keys: ${
      JSON.stringify(keys)
    } },\n`;
  }
  out += `] as const satisfies readonly SysCacheFact[];\n`;
  return out;
}

function emitSymbols(symbols: Map<string, [string, number][]>): string {
  let out = `// Generated by tools/gen_catalog.ts; do not edit.
/** OIDs that have a symbol: catalogs (…RelationId), their indexes (…IndexId), types (…OID) and other fixed objects. */
`;
  const seen = new Set<string>();
  for (const [catalog, list] of symbols) {
    out += `\n// ${catalog}\n`;
    for (const [name, oid] of list) {
      if (seen.has(name)) continue;
      seen.add(name);
      out += `export const ${name} = ${oid};\n`;
    }
  }
  return out;
}

// ---- Rows

const roleIds = new Map<string, number>();

/** `grantee=privs/grantor` with role names → [grantee, grantor, privilege letters]. */
function aclItem(text: string): Json {
  const m = /^(?:"?([^"=]*)"?)=([a-zA-Z*]*)\/"?([^"]*)"?$/.exec(text);
  if (!m) throw new Error(`aclitem ${text}`);
  const id = (name: string) => {
    if (name === "") return 0;
    const oid = roleIds.get(name);
    if (oid === undefined) throw new Error(`role ${name}`);
    return oid;
  };
  return [id(m[1]), id(m[3]), m[2]];
}

/** SQL text that makes JSON of a column. */
function jsonExpression(col: ColumnFact): string {
  const n = `t."${col.name}"`;
  switch (col.typname) {
    case "oid":
    case "regproc":
      return `${n}::oid::int8`;
    case "xid":
      return `${n}::text::int8`;
    case "oidvector":
    case "_oid":
      return `${n}::oid[]::int8[]`;
    case "int2vector":
      return `${n}::int2[]`;
    case "char":
    case "pg_node_tree":
      return `${n}::text`;
    case "_char":
    case "_aclitem":
      return `${n}::text[]`;
    case "bool":
    case "int2":
    case "int4":
    case "float4":
    case "name":
    case "text":
    case "_text":
    case "_int2":
      return n;
    default:
      return `length(${n}::text) / 0`; // not seen in a fresh template1: a value would fail here
  }
}

/** Relations that are ours to make otherwise: views, and the information schema. */
const OUR_RELATIONS = `select oid from pg_class where relkind = 'v' or relnamespace = 'information_schema'::regnamespace
  or oid in (select reltoastrelid from pg_class where relnamespace = 'information_schema'::regnamespace)
  or oid in (select indexrelid from pg_index where indrelid in (
     select reltoastrelid from pg_class where relnamespace = 'information_schema'::regnamespace))`;
const OUR_TYPES = `select oid from pg_type where typrelid in (select oid from ours)
  or typnamespace = 'information_schema'::regnamespace
  or typelem in (select oid from pg_type where typrelid in (select oid from ours)
                    or typnamespace = 'information_schema'::regnamespace)`;
const OUR_PROCS = `select oid from pg_proc where pronamespace = 'information_schema'::regnamespace`;

/** Catalogs that initdb leaves empty although a fresh PostgreSQL has rows in them, and conditions on the others. */
const ROW_FILTER: Record<string, string | false> = {
  pg_statistic: false,
  pg_description: false,
  pg_shdescription: false,
  pg_rewrite: false,
  pg_class: `t.oid not in (select oid from ours)`,
  pg_attribute: `t.attrelid not in (select oid from ours)`,
  pg_index: `t.indexrelid not in (select oid from ours)`,
  pg_type: `t.oid not in (select oid from ourtypes)`,
  pg_proc: `t.oid not in (select oid from ourprocs)`,
  pg_namespace: `t.nspname <> 'information_schema'`,
  pg_constraint: `t.contypid not in (select oid from ourtypes) and t.conrelid not in (select oid from ours)`,
  pg_collation: `t.oid < 12000`,
  pg_depend: `t.classid <> 'pg_rewrite'::regclass
     and not (t.classid = 1259 and t.objid in (select oid from ours))
     and not (t.classid = 1247 and t.objid in (select oid from ourtypes))
     and not (t.classid = 1255 and t.objid in (select oid from ourprocs))
     and not (t.classid = 2606 and t.objid in (select oid from pg_constraint where contypid in (select oid from ourtypes)))
     and not (t.classid = 3456)`,
  pg_init_privs: `not (t.classoid = 1259 and t.objoid in (select oid from ours))
     and not (t.classoid = 1247 and t.objoid in (select oid from ourtypes))
     and not (t.classoid = 1255 and t.objoid in (select oid from ourprocs))
     and not (t.classoid = 2615 and t.objoid = 'information_schema'::regnamespace)`,
};

async function readRows(catalog: CatalogFact): Promise<Json[][]> {
  const filter = ROW_FILTER[catalog.name];
  if (filter === false) return [];
  const order = catalog.columns[0].name === "oid"
    ? "t.oid"
    : (catalog.indexes.find((i) => i.primary) ?? catalog.indexes[0])?.columns.map((n) =>
      `t."${catalog.columns[n - 1].name}"`
    ).join(", ") ?? "1";
  const result = await rowsOf<{ row: Json[] }>(`
    with ours as materialized (${OUR_RELATIONS}), ourtypes as materialized (${OUR_TYPES}),
         ourprocs as materialized (${OUR_PROCS})
    select json_build_array(${catalog.columns.map(jsonExpression).join(", ")}) as row
      from ${catalog.name} t ${filter ? `where ${filter}` : ""} order by ${order}`);
  const rows = result.map((r) => r.row);
  catalog.columns.forEach((col, i) => {
    if (col.typname !== "_aclitem") return;
    for (const row of rows) if (Array.isArray(row[i])) row[i] = row[i].map((a) => aclItem(a as string));
  });
  return rows;
}

/** Values that initdb computes, or that belong to the one server that was asked. */
function neutralise(catalog: CatalogFact, rows: Json[][]): void {
  const at = (name: string) => catalog.columns.findIndex((c) => c.name === name);
  const set = (name: string, value: Json) => rows.forEach((row) => row[at(name)] = value);
  if (catalog.name === "pg_class") {
    set("relpages", 0);
    set("reltuples", -1);
    set("relallvisible", 0);
    set("relallfrozen", 0);
    for (const row of rows) if (row[at("relfrozenxid")] !== 0) row[at("relfrozenxid")] = 3;
  }
  if (catalog.name === "pg_database") set("datfrozenxid", 3);
  if (catalog.name === "pg_authid") set("rolpassword", null);
  if (catalog.name === "pg_collation") {
    for (const row of rows) if (row[at("collprovider")] === "i") row[at("collversion")] = null;
  }
  if (catalog.name === "pg_proc") {
    // Bodies of SQL functions are ours: backend/catalog/sql_functions.ts.
    for (const row of rows) {
      if (row[at("prolang")] !== 14) continue;
      row[at("prosrc")] = "";
      row[at("prosqlbody")] = null;
    }
  }
}

// ---- Main

const catalogs = await readSchema();
const caches = await readSysCaches();
const symbols = await readSymbols();
for (const r of await rowsOf<{ oid: number; rolname: string }>("select oid::int4 as oid, rolname from pg_authid")) {
  roleIds.set(r.rolname, r.oid);
}
/** What relcache.c builds in: formrdesc() for the local four and the shared five. */
const nailed = new Set(
  [
    "pg_class",
    "pg_attribute",
    "pg_proc",
    "pg_type",
    "pg_database",
    "pg_authid",
    "pg_auth_members",
    "pg_shseclabel",
    "pg_subscription",
  ]
    .map((name) => catalogs.find((c) => c.name === name)!.oid),
);

const out = new URL("backend/catalog/", root);
await Deno.mkdir(new URL("data/", out), { recursive: true });
await Deno.writeTextFile(new URL("catalog_rows.ts", out), emitRowTypes(catalogs));
await Deno.writeTextFile(new URL("catalog_oids.ts", out), emitSymbols(symbols));
await Deno.writeTextFile(new URL("data/schema.ts", out), emitSchema(catalogs, caches, nailed));

let json = "{\n";
let first = true;
for (const catalog of catalogs) {
  const rows = await readRows(catalog);
  neutralise(catalog, rows);
  if (!first) json += ",\n";
  first = false;
  json += `"${catalog.name}": [\n${rows.map((r) => JSON.stringify(r)).join(",\n")}\n]`;
}
json += "\n}\n";
// A raw template literal: one token for the compiler, however long. JSON's own escapes keep ` and ${ out of it.
const raw = json.replaceAll("`", "\\u0060").replaceAll("${", "\\u0024{");
await Deno.writeTextFile(
  new URL("data/rows.ts", out),
  "// Generated by tools/gen_catalog.ts; do not edit.\n" +
    "/** JSON text: catalog name → rows, each an array of column values in attribute order. */\n" +
    "export const ROWS = String.raw`" + raw + "`;\n",
);

const views = await rowsOf<{ row: Json[] }>(`
  select json_build_array(n.nspname, c.relname, c.oid::int8, c.reltype::int8, t.typarray::int8, r.oid::int8) as row
    from pg_class c join pg_namespace n on n.oid = relnamespace join pg_type t on t.oid = c.reltype
    join pg_rewrite r on r.ev_class = c.oid
   where relkind = 'v' order by c.oid`);
await Deno.writeTextFile(
  new URL("data/view_oids.ts", out),
  `// Generated by tools/gen_catalog.ts; do not edit.
/** OIDs of the reference's system views: schema, name, relation, row type, array type, rule. */
export const VIEW_OIDS: readonly (readonly [string, string, number, number, number, number])[] = [
${views.map((v) => "  " + JSON.stringify(v.row)).join(",\n")},
];
`,
);
await sql.end();
const bytes = (await Deno.stat(new URL("data/rows.ts", out))).size;
console.log(`${catalogs.length} catalogs, ${caches.length} system caches, rows.ts ${bytes} bytes`);
