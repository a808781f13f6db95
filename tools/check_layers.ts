/**
 * Checks that imports go one way: no cycles between files, and no folder imports from a layer above its own.
 *
 *   deno run --allow-read tools/check_layers.ts            check; exit 1 on a new offender, or on one listed in vain
 *   deno run --allow-read --allow-write … --rewrite         write the list of offenders anew
 *
 * Imports of types alone do not count: they are gone at run time. A dynamic import counts for layers, not for cycles.
 * Tests (`*_test.ts`, `testing/`, `testdata/`, `tests/`, `bench/`, `tools/`) may import whatever they test.
 * What offends today stands in tools/layer_offenders.txt, a list that may only shrink.
 */
const ROOT = new URL("../", import.meta.url).pathname;
const OFFENDERS = `${ROOT}tools/layer_offenders.txt`;

/** Layers from the bottom up. A folder belongs to the longest prefix that matches; a layer may import itself and all below. */
const LAYERS: readonly (readonly string[])[] = [
  ["base"],
  ["conf", "shmem/os"],
  ["shmem"],
  // Storage and transactions know nothing of SQL.
  [
    "backend/storage",
    "backend/access",
    "backend/utils/resowner",
    "backend/utils/time",
    "backend/utils/init",
    "backend/utils/error",
    "backend/utils/misc",
    "backend/utils/mmgr",
    "backend/utils/sort",
    "backend/utils/activity",
    "backend/utils/cache/relation.ts",
    "backend/utils/fmgr/datum.ts",
    "backend/libpq",
  ],
  // Types, functions, catalogs and caches: what a query is made of.
  [
    "backend/nodes",
    "backend/utils",
    "backend/catalog",
    "backend/common",
    "backend/regex",
    "backend/tcop/dest.ts",
    // Files of access/ and libpq/ that need the catalogs.
    "backend/access/common/relation.ts",
    "backend/access/common/printtup.ts",
    "backend/access/heap/heapam_handler.ts",
    "backend/libpq/role_membership.ts",
    "backend/libpq/auth.ts",
  ],
  [
    "backend/parser",
    "backend/rewrite",
    "backend/utils/adt/ruleutils.ts",
    "backend/utils/adt/ruleutils_from.ts",
    "backend/utils/adt/ruleutils_query.ts",
    "backend/utils/adt/ruleutils_expr.ts",
    "backend/utils/adt/regproc.ts",
  ],
  // Selectivity functions are called through pg_proc but belong to the planner.
  [
    "backend/optimizer",
    "backend/utils/adt/selfuncs.ts",
    "backend/utils/adt/selfuncs_groups.ts",
    "backend/utils/adt/index_selfuncs.ts",
  ],
  ["backend/executor"],
  ["backend/commands", "backend/tcop", "backend/utils/cache/plancache.ts"],
  ["backend/bootstrap", "backend/main", "backend/replication", "backend/utils/init/postinit.ts"],
  ["workers"],
  ["postmaster"],
  ["main.ts"],
];

const UNCHECKED = /(_test|_bench)\.ts$|(^|\/)(testing|testdata)\/|^(tests|bench|tools|docs)\//;

interface Import {
  readonly from: string;
  readonly to: string;
  readonly dynamic: boolean;
}

function* sources(dir: string): Generator<string> {
  for (const e of Deno.readDirSync(ROOT + dir)) {
    const path = dir + e.name;
    if (e.isDirectory) {
      if (!e.name.startsWith(".") && e.name !== "node_modules" && e.name !== "pgdata") yield* sources(path + "/");
    } else if (path.endsWith(".ts") && !UNCHECKED.test(path)) yield path;
  }
}

function resolve(from: string, specifier: string): string {
  return new URL(specifier, `file:///${from}`).pathname.slice(1);
}

/** Imports of a file that exist at run time. */
function importsOf(path: string): Import[] {
  const text = Deno.readTextFileSync(ROOT + path);
  const found: Import[] = [];
  const statics = /^(?:import|export)\s+(?:(type)\s+)?([^;"']*?)\s*from\s*"(\.[^"]+)"|^import\s+"(\.[^"]+)"/gm;
  for (const m of text.matchAll(statics)) {
    const names = m[2] ?? "";
    const inner = /\{([^}]*)\}/.exec(names);
    const onlyTypes = m[1] !== undefined ||
      (inner !== null && names.trim().startsWith("{") &&
        inner[1].split(",").every((n) => n.trim() === "" || n.trim().startsWith("type ")));
    if (!onlyTypes) found.push({ from: path, to: resolve(path, m[3] ?? m[4]), dynamic: false });
  }
  for (const m of text.matchAll(/\bimport\(\s*"(\.[^"]+)"\s*\)(?!\.)/g)) {
    found.push({ from: path, to: resolve(path, m[1]), dynamic: true });
  }
  return found;
}

function layerOf(path: string): number {
  let best = -1;
  let length = -1;
  LAYERS.forEach((prefixes, i) => {
    for (const p of prefixes) {
      if ((path === p || path.startsWith(p + "/")) && p.length > length) {
        best = i;
        length = p.length;
      }
    }
  });
  return best;
}

/** Strongly connected components of more than one file (Tarjan), each sorted. */
function cycles(graph: ReadonlyMap<string, readonly string[]>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const found: string[][] = [];
  const visit = (v: string) => {
    index.set(v, index.size);
    low.set(v, index.get(v)!);
    stack.push(v);
    onStack.add(v);
    for (const w of graph.get(v) ?? []) {
      if (!graph.has(w)) continue;
      if (!index.has(w)) {
        visit(w);
        low.set(v, Math.min(low.get(v)!, low.get(w)!));
      } else if (onStack.has(w)) low.set(v, Math.min(low.get(v)!, index.get(w)!));
    }
    if (low.get(v) !== index.get(v)) return;
    const component: string[] = [];
    let w: string;
    do {
      w = stack.pop()!;
      onStack.delete(w);
      component.push(w);
    } while (w !== v);
    if (component.length > 1) found.push(component.sort());
  };
  for (const v of graph.keys()) if (!index.has(v)) visit(v);
  return found;
}

function offences(): { found: Set<string>; edges: number; files: number } {
  const files = [...sources("")].sort();
  const imports = files.flatMap(importsOf);
  const found = new Set<string>();
  for (const f of files) if (layerOf(f) < 0) found.add(`no layer: ${f}`);
  for (const { from, to } of imports) {
    const a = layerOf(from);
    const b = layerOf(to);
    if (a >= 0 && b > a) found.add(`upward: ${from} -> ${to}`);
  }
  const graph = new Map(files.map((f): [string, string[]] => [f, []]));
  for (const i of imports) if (!i.dynamic) graph.get(i.from)!.push(i.to);
  // One line per edge inside a cycle, so that breaking a part of it is progress that shows.
  for (const component of cycles(graph)) {
    const inside = new Set(component);
    for (const f of component) for (const t of graph.get(f)!) if (inside.has(t)) found.add(`cycle: ${f} -> ${t}`);
  }
  return { found, edges: imports.length, files: files.length };
}

function listed(): Set<string> {
  try {
    return new Set(Deno.readTextFileSync(OFFENDERS).split("\n").filter((l) => l !== "" && !l.startsWith("#")));
  } catch (e) {
    if (e instanceof Deno.errors.NotFound) return new Set();
    throw e;
  }
}

if (import.meta.main) {
  const { found, edges, files } = offences();
  if (Deno.args.includes("--rewrite")) {
    const head = "# Imports that break the rules of tools/check_layers.ts today. This list may only shrink.\n";
    Deno.writeTextFileSync(OFFENDERS, head + [...found].sort().map((l) => l + "\n").join(""));
  }
  const known = listed();
  const fresh = [...found].filter((o) => !known.has(o)).sort();
  const mended = [...known].filter((o) => !found.has(o)).sort();
  for (const o of fresh) console.error(`new offender: ${o}`);
  for (const o of mended) console.error(`no longer offends, take it off tools/layer_offenders.txt: ${o}`);
  console.log(`layers: ${files} files, ${edges} imports, ${known.size} known offenders`);
  if (fresh.length + mended.length > 0) Deno.exit(1);
}
