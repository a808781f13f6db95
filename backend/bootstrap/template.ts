/**
 * The files of a fresh cluster's catalogs, made in memory from the generated rows (backend/catalog/data/rows.ts).
 *
 * Owns what differs from cluster to cluster: superuser name and password, encoding and locale of the databases, page
 * checksums; and what follows from the files themselves: relpages, reltuples, relallvisible.
 */
import { assert } from "../../base/assert.ts";
import type { Oid } from "../../base/types.ts";
import {
  type CatalogInfo,
  catalogInfo,
  indexAttributes,
  rowToDatums,
  type TypedRow,
} from "../catalog/catalog_codec.ts";
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

function typedRow(info: CatalogInfo, values: JsonRow): TypedRow {
  const row: TypedRow = {};
  info.fact.columns.forEach((c, i) => {
    const v = values[i];
    row[c[0]] = c[8] === "_aclitem" && Array.isArray(v) ? v.map((a) => aclItem(a)) : v;
  });
  return row;
}

const BOOTSTRAP_SUPERUSERID = 10;

/** Puts the choices of the administrator into the rows. */
function personalise(name: CatalogName, rows: TypedRow[], o: TemplateOptions): void {
  if (name === "pg_authid") {
    const su = rows.find((r) => r.oid === BOOTSTRAP_SUPERUSERID);
    assert(su !== undefined, "no bootstrap superuser");
    su.rolname = o.superuser;
    su.rolpassword = o.passwordSecret;
  } else if (name === "pg_database") {
    for (const r of rows) {
      r.encoding = o.locale.encoding;
      r.datlocprovider = o.locale.provider;
      r.datcollate = o.locale.collate;
      r.datctype = o.locale.ctype;
      r.datlocale = o.locale.locale;
      r.daticurules = o.locale.icuRules;
      r.datcollversion = r.oid !== 4 && o.locale.provider === "b" ? "1" : null;
    }
  } else if (name === "pg_proc") {
    for (const r of rows) {
      const body = SQL_FUNCTION_BODIES.get(r.oid as number);
      if (body !== undefined) r.prosrc = body;
    }
  }
}

interface Sizes {
  pages: number;
  tuples: number;
}

/** A catalog's heap and indexes. */
class CatalogFiles {
  readonly heap: Uint8Array[];
  readonly indexes: { oid: Oid; pages: Uint8Array[] }[];

  constructor(info: CatalogInfo, rows: readonly TypedRow[], checksums: boolean) {
    const datums = rows.map((r) => rowToDatums(info, r));
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

  let classRows: TypedRow[] = [];
  for (const fact of CATALOGS) {
    const info = catalogInfo(fact.name);
    const rows = json[fact.name].map((r) => typedRow(info, r));
    personalise(fact.name, rows, o);
    if (info.columnNames[0] === "oid") { for (const r of rows) nextOid = Math.max(nextOid, (r.oid as number) + 1); }
    if (fact.name === "pg_class") classRows = rows;
    // For pg_class only to learn its size, which does not depend on the counts in it.
    putCatalog(info, new CatalogFiles(info, rows, o.checksums), rows.length);
  }

  const emptyIndex = buildBtreeFile(makeTupleDesc([]), [], [], o.checksums);
  const maps = { shared: new Map<Oid, Oid>(), local: new Map<Oid, Oid>() };
  for (const row of classRows) {
    const oid = row.oid as number;
    const shared = row.relisshared as boolean;
    if (row.relfilenode === 0) maps[shared ? "shared" : "local"].set(oid, oid);
    if (!sizes.has(oid)) {
      // A toast table or its index: nothing is stored out of line.
      const isIndex = row.relkind === "i";
      assert(isIndex || row.relkind === "t", "unexpected relation without rows", oid);
      put(shared, String(oid), isIndex ? emptyIndex : []);
      sizes.set(oid, { pages: isIndex ? 1 : 0, tuples: 0 });
    }
    const size = sizes.get(oid) as Sizes;
    row.relpages = size.pages;
    row.reltuples = size.tuples;
    if (row.relkind !== "i") row.relallvisible = row.relallfrozen = size.pages;
  }
  const classInfo = catalogInfo("pg_class");
  const again = new CatalogFiles(classInfo, classRows, o.checksums);
  put(false, String(classInfo.fact.oid), again.heap);
  databaseFiles.pop();

  files.set("base/1/pg_filenode.map", [encodeRelMap(maps.local)]);
  databaseFiles.push("base/1/pg_filenode.map");
  files.set("global/pg_filenode.map", [encodeRelMap(maps.shared)]);
  return { files, databaseFiles, nextOid };
}
