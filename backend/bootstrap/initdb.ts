/**
 * initdb: makes a data directory.
 *
 * Everything is written into a directory beside the final one, which takes its place by renaming when all is durable:
 * an interrupted run leaves nothing that looks like a cluster. Where the data directory exists and cannot be replaced (a
 * mount point), its content is moved in one by one, PG_VERSION last, since that file is what makes it a cluster.
 * Follows src/bin/initdb/initdb.c in what it makes, not in how.
 */
import { assert } from "../../base/assert.ts";
import { setMemory } from "../../shmem/memory.ts";
import { autoConf, type ConfigChoices, pgHbaConf, pgIdentConf, postgresqlConf } from "./config_samples.ts";
import { FirstNormalTransactionId } from "../../base/types.ts";
import { type ClusterImage, embeddedClusterImage } from "./cluster_image.ts";
import { initdbDefaults } from "./initdb_defaults.ts";
import {
  clearWalDirectory,
  examineTarget,
  examineWalDirectory,
  INCOMPLETE_MARKER,
  removeLeftoversBeside,
  workBeside,
  workInside,
} from "./interrupted.ts";
import { scramBuildSecret } from "./scram_secret.ts";
import { buildTemplate, type LocaleOptions } from "./template.ts";

export interface InitdbOptions {
  dataDir: string;
  username: string;
  /** Superuser's password; null for none. */
  password: string | null;
  locale: LocaleOptions;
  /** Locale for messages, money, numbers and times. */
  lcMessages: string;
  textSearchConfig: string;
  timezone: string;
  authLocal: string;
  authHost: string;
  checksums: boolean;
  /** Wait until everything is on disk. */
  sync: boolean;
  walSegmentMegabytes: number;
  /** Put pg_wal elsewhere and link to it. */
  walDir: string | null;
  /** Group may read (directory mode 0750). */
  groupAccess: boolean;
  settings: readonly (readonly [string, string])[];
  /** Leave what was made when something fails, for whoever wants to look at it. */
  keepOnFailure: boolean;
}

/** Makes pg_control, the first WAL segment, and the first pages of pg_xact and the like, in `dir`. */
export type BootstrapXlog = (
  dir: string,
  o: {
    walSegmentBytes: number;
    checksums: boolean;
    firstSegment: number;
    nextXid: number;
    nextOid: number;
    settings: ReadonlyMap<string, string>;
  },
) => void;

const SUBDIRECTORIES = [
  "global",
  "pg_wal/archive_status",
  "pg_wal/summaries",
  "pg_commit_ts",
  "pg_dynshmem",
  "pg_notify",
  "pg_serial",
  "pg_snapshots",
  "pg_subtrans",
  "pg_twophase",
  "pg_multixact",
  "pg_multixact/members",
  "pg_multixact/offsets",
  "base",
  "base/1",
  "pg_replslot",
  "pg_tblspc",
  "pg_stat",
  "pg_stat_tmp",
  "pg_xact",
  "pg_logical",
  "pg_logical/snapshots",
  "pg_logical/mappings",
];
/** What stands in a data directory's top level, where it cannot be moved in at once. */
const TOP_LEVEL_NAMES: ReadonlySet<string> = new Set([
  ...SUBDIRECTORIES.map((d) => d.split("/")[0]),
  ...["postgresql.conf", "postgresql.auto.conf", "pg_hba.conf", "pg_ident.conf", "pg_wal", "pgts.shmem"],
]);
const PG_MAJORVERSION = "18\n";
/** template0 and postgres are copies of template1. */
const COPIES = [4, 5];
/** OIDs from here to 16383 are for what later initialization creates through SQL: views, the information schema. */
const FIRST_OID_AFTER_ROWS = 14000;
/** Memory to build pages in; holds one page and little else. */
const BUILD_MEMORY_BYTES = 1 << 20;

function concat(pages: readonly Uint8Array[]): Uint8Array {
  if (pages.length === 1) return pages[0];
  const out = new Uint8Array(pages.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of pages) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch (e) {
    if (e instanceof Deno.errors.NotFound) return false;
    throw e;
  }
}

function parentOf(path: string): string {
  const at = path.lastIndexOf("/");
  return at < 0 ? "." : at === 0 ? "/" : path.slice(0, at);
}

function syncPath(path: string): void {
  const file = Deno.openSync(path, { read: true });
  try {
    file.syncSync();
  } finally {
    file.close();
  }
}
/** fsyncs a tree, files before the directories that name them. */
export function syncTree(dir: string): void {
  for (const entry of Deno.readDirSync(dir)) {
    const path = `${dir}/${entry.name}`;
    if (entry.isDirectory) syncTree(path);
    else if (entry.isFile) syncPath(path);
  }
  syncPath(dir);
}

/** Whether the rows in an image are those that these options ask for. */
function imageFits(o: InitdbOptions): boolean {
  const { username, password, locale } = initdbDefaults("");
  return o.username === username && o.password === password && JSON.stringify(o.locale) === JSON.stringify(locale);
}

/**
 * Fills `dir`, which exists and is empty; the databases in `copies` become copies of template1 as it is then.
 * @param image the whole of the databases, or null to make their rows.
 */
function populate(
  dir: string,
  o: InitdbOptions,
  bootstrapXlog: BootstrapXlog,
  copies: readonly number[],
  image: ClusterImage | null,
): void {
  const fileMode = o.groupAccess ? 0o640 : 0o600;
  const dirMode = o.groupAccess ? 0o750 : 0o700;
  const write = (name: string, data: Uint8Array | string) => {
    const bytes = typeof data === "string" ? new TextEncoder().encode(data) : data;
    Deno.writeFileSync(`${dir}/${name}`, bytes, { mode: fileMode, createNew: true });
  };
  if (o.walDir !== null) {
    Deno.mkdirSync(o.walDir, { recursive: true, mode: dirMode });
    Deno.chmodSync(o.walDir, dirMode);
    Deno.writeFileSync(`${o.walDir}/${INCOMPLETE_MARKER}`, new Uint8Array(), { mode: fileMode });
    Deno.symlinkSync(o.walDir, `${dir}/pg_wal`);
  }
  for (const name of [...SUBDIRECTORIES, ...COPIES.map((db) => `base/${db}`)]) {
    Deno.mkdirSync(`${dir}/${name}`, { recursive: true, mode: dirMode });
  }

  for (const [path, bytes] of image?.files ?? templateFiles(o)) {
    if (path.startsWith("pg_xact/")) continue; // bootstrapXlog() makes one first
    write(path, bytes);
    if (!path.startsWith("base/1/")) continue;
    for (const db of copies) write(path.replace("base/1/", `base/${db}/`), bytes);
  }
  for (const db of [1, ...copies]) write(`base/${db}/PG_VERSION`, PG_MAJORVERSION);

  const config: ConfigChoices = {
    maxConnections: 100,
    sharedBuffers: "128MB",
    walSegmentMegabytes: o.walSegmentMegabytes,
    timezone: o.timezone,
    lcMessages: o.lcMessages,
    textSearchConfig: o.textSearchConfig,
    passwordEncryption: "scram-sha-256",
    extra: o.settings,
  };
  write("postgresql.conf", postgresqlConf(config));
  write("postgresql.auto.conf", autoConf());
  write("pg_hba.conf", pgHbaConf(o.authLocal, o.authHost));
  write("pg_ident.conf", pgIdentConf());
  bootstrapXlog(dir, {
    walSegmentBytes: o.walSegmentMegabytes << 20,
    checksums: o.checksums,
    // Behind every LSN that pages of the image may have.
    firstSegment: image === null ? 1 : Math.floor(image.endLsn / (o.walSegmentMegabytes << 20)) + 1,
    nextXid: image?.nextXid ?? FirstNormalTransactionId,
    nextOid: image?.nextOid ?? FIRST_OID_AFTER_ROWS,
    settings: new Map(o.settings),
  });
  for (const [path, bytes] of image?.files ?? []) {
    if (path.startsWith("pg_xact/")) Deno.writeFileSync(`${dir}/${path}`, bytes, { mode: fileMode });
  }
  write("PG_VERSION", PG_MAJORVERSION);
}

/** Catalog files of template1 and the shared catalogs, made from the generated rows. */
function* templateFiles(o: InitdbOptions): Generator<[path: string, bytes: Uint8Array]> {
  setMemory(new ArrayBuffer(BUILD_MEMORY_BYTES), 0, 0);
  const template = buildTemplate({
    superuser: o.username,
    passwordSecret: o.password === null ? null : scramBuildSecret(o.password),
    locale: o.locale,
    checksums: o.checksums,
  });
  assert(template.nextOid <= FIRST_OID_AFTER_ROWS, "template rows reach beyond their OID range", template.nextOid);
  for (const [path, pages] of template.files) yield [path, concat(pages)];
}

/** Moves the content of `from` into the existing directory `to`, what makes it a cluster last. */
function moveInto(from: string, to: string): void {
  const names = [...Deno.readDirSync(from)].map((e) => e.name).filter((n) => n !== "PG_VERSION");
  for (const name of [...names, "PG_VERSION"]) Deno.renameSync(`${from}/${name}`, `${to}/${name}`);
  Deno.removeSync(from);
}

/** Makes template0 and postgres copies of template1 as it is now. */
function copyTemplate(dir: string): void {
  for (const db of COPIES) {
    for (const entry of Deno.readDirSync(`${dir}/base/1`)) {
      Deno.copyFileSync(`${dir}/base/1/${entry.name}`, `${dir}/base/${db}/${entry.name}`);
    }
  }
}

/**
 * Where the cluster is built: beside the target, to take its place; inside it if it is a mount point, or if nothing can
 * be made beside it.
 */
function makeWorkDirectory(
  dataDir: string,
  parent: string,
  name: string,
  exists: boolean,
  mode: number,
): { work: string; inside: boolean } {
  const inside = workInside(dataDir);
  if (exists && Deno.statSync(dataDir).dev !== Deno.statSync(parent).dev) {
    Deno.mkdirSync(inside, { mode });
    return { work: inside, inside: true };
  }
  const beside = workBeside(parent, name);
  try {
    Deno.mkdirSync(beside, { mode });
    return { work: beside, inside: false };
  } catch (e) {
    if (!exists) throw e;
  }
  Deno.mkdirSync(inside, { mode });
  return { work: inside, inside: true };
}

/**
 * Creates a data directory.
 * @throws {InitdbError} if the target is in use.
 */
export function initdb(
  options: InitdbOptions,
  bootstrapXlog: BootstrapXlog,
  postBootstrap: ((dir: string, username: string) => void) | null = null,
): void {
  const dataDir = options.dataDir.replace(/\/+$/, "") || "/";
  const state = examineTarget(dataDir, TOP_LEVEL_NAMES);
  if (options.walDir !== null) examineWalDirectory(options.walDir);
  const parent = parentOf(dataDir);
  const name = dataDir.slice(dataDir.lastIndexOf("/") + 1);
  const dirMode = options.groupAccess ? 0o750 : 0o700;
  Deno.mkdirSync(parent, { recursive: true });
  removeLeftoversBeside(parent, name);
  const { work, inside } = makeWorkDirectory(dataDir, parent, name, state === "empty", dirMode);
  try {
    Deno.chmodSync(work, dirMode);
    const image = imageFits(options) ? embeddedClusterImage() : null;
    const finish = image === null ? postBootstrap : null;
    populate(work, options, bootstrapXlog, finish === null ? COPIES : [], image);
    if (finish !== null) {
      finish(work, options.username);
      copyTemplate(work);
    }
    if (options.walDir !== null) {
      Deno.removeSync(`${options.walDir}/${INCOMPLETE_MARKER}`);
      if (options.sync) syncTree(options.walDir);
    }
    if (options.sync) syncTree(work);
    if (inside) {
      moveInto(work, dataDir);
      Deno.chmodSync(dataDir, dirMode);
    } else {
      Deno.renameSync(work, dataDir);
    }
    if (options.sync) {
      syncPath(dataDir);
      syncPath(parent);
    }
  } catch (e) {
    if (!options.keepOnFailure) {
      if (isDirectory(work)) Deno.removeSync(work, { recursive: true });
      if (options.walDir !== null) clearWalDirectory(options.walDir);
    }
    throw e;
  }
}
