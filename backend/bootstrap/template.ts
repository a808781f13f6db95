/**
 * The files of a fresh cluster's catalogs, made in memory from the generated rows (backend/catalog/data/rows.ts).
 *
 * Owns what differs from cluster to cluster: superuser name and password, encoding and locale of the databases, page
 * checksums; and what follows from the files themselves: relpages, reltuples, relallvisible.
 */
import { assert } from "../../base/assert.ts";
import type { Oid } from "../../base/types.ts";
import { type CatalogInfo, catalogInfo, columnToDatum, indexAttributes } from "../catalog/catalog_codec.ts";
import type { AclItem, CatalogName } from "../catalog/catalog_rows.ts";
import { CATALOGS } from "../catalog/data/schema.ts";
import { ROWS } from "../catalog/data/rows.ts";
import { SQL_FUNCTION_BODIES } from "../catalog/sql_functions.ts";
import { makeTupleDesc } from "../access/common/tupdesc.ts";
import { encodeRelMap } from "../utils/cache/relmapper_file.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { builtinIndexColumns } from "../utils/cache/relcache_compare.ts";
import { type BtreeEntry, buildBtreeFile } from "./btree_file.ts";
import { buildHeapFile, buildVisibilityMap } from "./heap_file.ts";

export interface LocaleOptions {
  /** pg_encoding number; 6 is UTF8. */
  readonly encoding: number;
  /** 'b' builtin, 'c' libc, 'i' ICU. */
  readonly provider: "b" | "c" | "i";
  /** Locale of the builtin or ICU provider. */
  readonly locale: string | null;
  readonly icuRules: string | null;
  readonly collate: string;
  readonly ctype: string;
}

export interface TemplateOptions {
  readonly superuser: string;
  /** What goes into pg_authid.rolpassword: a SCRAM secret, or null. */
  readonly passwordSecret: string | null;
  readonly locale: LocaleOptions;
  readonly checksums: boolean;
}

/** Files by their path below the data directory; database 1 stands for all three. */
export type Files = Map<string, Uint8Array[]>;

export interface Template {
  readonly files: Files;
  /** Files of base/1, to be copied to the other databases. */
  readonly databaseFiles: readonly string[];
  /** The first OID that no row uses. */
  readonly nextOid: Oid;
}

type JsonRow = unknown[];

const ACL_LETTERS = "arwdDxtXUCTcsAm";

/** [grantee, grantor, "arw*"] → AclItem */
function aclItem([grantee, grantor, letters]: [number, number, string]): AclItem {
  let privs = 0;
  let options = 0;
  for (let i = 0; i < letters.length; i++) {
    const bit = ACL_LETTERS.indexOf(letters[i]);
    assert(bit >= 0, "unknown privilege letter");
    privs |= 1 << bit;
    if (letters[i + 1] === "*") {
      options |= 1 << bit;
      i++;
    }
  }
  return { ai_grantee: grantee, ai_grantor: grantor, ai_privs: privs + options * 4294967296 };
}

/** Datums of a row in attribute order. */
function datumsOf(info: CatalogInfo, row: JsonRow): Datum[] {
  const columns = info.fact.columns;
  const out: Datum[] = new Array(columns.length);
  for (let i = 0; i < columns.length; i++) {
    let v = row[i];
    if (v !== null && columns[i][8] === "_aclitem") v = (v as [number, number, string][]).map(aclItem);
    out[i] = columnToDatum(info, i + 1, v);
  }
  return out;
}

const BOOTSTRAP_SUPERUSERID = 10;

/** Puts the choices of the administrator, and the SQL that is ours, into the rows. */
function personalise(info: CatalogInfo, rows: JsonRow[], o: TemplateOptions): void {
  const at = (column: string) => (info.attnum.get(column) as number) - 1;
  const set = (row: JsonRow, values: Record<string, unknown>) => {
    for (const column in values) row[at(column)] = values[column];
  };
  switch (info.fact.name) {
    case "pg_authid": {
      const su = rows.find((r) => r[0] === BOOTSTRAP_SUPERUSERID);
      assert(su !== undefined, "no bootstrap superuser");
      set(su, { rolname: o.superuser, rolpassword: o.passwordSecret });
      break;
    }
    case "pg_database":
      for (const r of rows) {
        set(r, {
          encoding: o.locale.encoding,
          datlocprovider: o.locale.provider,
          datcollate: o.locale.collate,
          datctype: o.locale.ctype,
          datlocale: o.locale.locale,
          daticurules: o.locale.icuRules,
          datcollversion: r[0] !== TEMPLATE0_DB_OID && o.locale.provider === "b" ? "1" : null,
        });
      }
      break;
    case "pg_proc": {
      const prosrc = at("prosrc");
      for (const r of rows) r[prosrc] = SQL_FUNCTION_BODIES.get(r[0] as number) ?? r[prosrc];
      break;
    }
  }
}
const TEMPLATE0_DB_OID: Oid = 4;

interface Sizes {
  pages: number;
  tuples: number;
}

/** A catalog's heap and indexes. */
class CatalogFiles {
  readonly heap: Uint8Array[];
  readonly indexes: { oid: Oid; pages: Uint8Array[] }[];

  constructor(info: CatalogInfo, rows: readonly JsonRow[], checksums: boolean) {
    const datums = rows.map((r) => datumsOf(info, r));
    const heap = buildHeapFile(info.desc, datums, checksums);
    this.heap = heap.pages;
    this.indexes = info.fact.indexes.map((index) => {
      const desc = makeTupleDesc(indexAttributes(index, info.fact), 0);
      const cmps = builtinIndexColumns(index, info.fact).map((c) => c.cmp);
      const entries: BtreeEntry[] = datums.map((d, i) => ({
        values: index.columns.map((attnum): Datum => d[attnum - 1]),
        tid: heap.tids[i],
      }));
      return { oid: index.oid, pages: buildBtreeFile(desc, cmps, entries, checksums) };
    });
  }
}

/** Makes all files of database 1 and of the shared catalogs. */
export function buildTemplate(o: TemplateOptions): Template {
  const json = JSON.parse(ROWS) as Record<CatalogName, JsonRow[]>;
  const sizes = new Map<Oid, Sizes>();
  const files: Files = new Map();
  const databaseFiles: string[] = [];
  let nextOid = 0;

  const put = (shared: boolean, name: string, pages: Uint8Array[]) => {
    const path = shared ? `global/${name}` : `base/1/${name}`;
    files.set(path, pages);
    if (!shared) databaseFiles.push(path);
  };
  const putCatalog = (info: CatalogInfo, built: CatalogFiles, count: number) => {
    const { oid, shared } = info.fact;
    put(shared, String(oid), built.heap);
    if (built.heap.length > 0) put(shared, `${oid}_vm`, buildVisibilityMap(built.heap.length, o.checksums));
    sizes.set(oid, { pages: built.heap.length, tuples: count });
    for (const index of built.indexes) {
      put(shared, String(index.oid), index.pages);
      sizes.set(index.oid, { pages: index.pages.length, tuples: count });
    }
  };

  let classRows: JsonRow[] = [];
  for (const fact of CATALOGS) {
    const info = catalogInfo(fact.name);
    const rows = json[fact.name];
    personalise(info, rows, o);
    if (info.columnNames[0] === "oid") {
      for (const r of rows) nextOid = Math.max(nextOid, (r[0] as number) + 1);
    }
    if (fact.name === "pg_class") classRows = rows;
    // For pg_class only to learn its size, which does not depend on the counts in it.
    putCatalog(info, new CatalogFiles(info, rows, o.checksums), rows.length);
  }

  const emptyIndex = buildBtreeFile(makeTupleDesc([]), [], [], o.checksums);
  const maps = { shared: new Map<Oid, Oid>(), local: new Map<Oid, Oid>() };
  const classInfo = catalogInfo("pg_class");
  const at = (column: string) => (classInfo.attnum.get(column) as number) - 1;
  const [relpages, reltuples] = [at("relpages"), at("reltuples")];
  const [relallvisible, relallfrozen] = [at("relallvisible"), at("relallfrozen")];
  for (const row of classRows) {
    const oid = row[0] as number;
    const shared = row[at("relisshared")] as boolean;
    const relkind = row[at("relkind")];
    if (row[at("relfilenode")] === 0) maps[shared ? "shared" : "local"].set(oid, oid);
    if (!sizes.has(oid)) {
      // A toast table or its index: nothing is stored out of line.
      const isIndex = relkind === "i";
      assert(isIndex || relkind === "t", "unexpected relation without rows", oid);
      put(shared, String(oid), isIndex ? emptyIndex : []);
      sizes.set(oid, { pages: isIndex ? 1 : 0, tuples: 0 });
    }
    const size = sizes.get(oid) as Sizes;
    row[relpages] = size.pages;
    row[reltuples] = size.tuples;
    if (relkind !== "i") row[relallvisible] = row[relallfrozen] = size.pages;
  }
  const again = new CatalogFiles(classInfo, classRows, o.checksums);
  put(false, String(classInfo.fact.oid), again.heap);
  databaseFiles.pop();

  files.set("base/1/pg_filenode.map", [encodeRelMap(maps.local)]);
  databaseFiles.push("base/1/pg_filenode.map");
  files.set("global/pg_filenode.map", [encodeRelMap(maps.shared)]);
  return { files, databaseFiles, nextOid };
}
