/**
 * Writes the golden files: asks a reference PostgreSQL 18 for the answer to each case.
 *
 *   deno run -A backend/utils/adt/testdata/make_golden.ts postgresql://user@host:port/db [name…]
 *
 * Reads testdata/<name>.cases, writes testdata/<name>.golden.
 */
import pg from "pg";
import { type CaseInfo, escapeLine, parseCase } from "./case_runner.ts";

const dir = new URL(".", import.meta.url).pathname;
const url = Deno.args[0];
const names = Deno.args.slice(1);
if (names.length === 0) {
  for (const e of Deno.readDirSync(dir)) if (e.name.endsWith(".cases")) names.push(e.name.slice(0, -6));
}
const m = /^postgresql:\/\/(.*?)@([^:]*):(\d+)\/(.*)$/.exec(url);
if (!m) throw new Error("usage: make_golden.ts postgresql://user@host:port/db [name…]");
const client = new pg.Client({ user: m[1], host: m[2], port: Number(m[3]), database: m[4], password: "x" });
await client.connect();
client.on("notice", () => {});

const lit = (s: string | null): string =>
  s === null ? "NULL" : "E'" + s.replaceAll("\\", "\\\\").replaceAll("'", "''") + "'";
const rawTypes = { getTypeParser: () => (v: unknown) => v };
async function query(text: string): Promise<(string | null)[][]> {
  const r = await client.query({ text, rowMode: "array", types: rawTypes as never });
  return r.rows as unknown as (string | null)[][];
}
interface ProcRow {
  oid: number;
  name: string;
  args: number[];
  argNames: string[];
  ret: number;
  strict: boolean;
  retset: boolean;
  variadic: number;
}
async function findProc(prosrc: string, nargs: number): Promise<ProcRow> {
  const rows = await query(
    `select oid, quote_ident(proname), proargtypes::text, prorettype::oid, proisstrict, proretset, provariadic,
            array_to_string(array(select format_type(t, null) from unnest(proargtypes) t), ';')
       from pg_proc where prosrc = ${lit(prosrc)} and prolang = 12 and prokind <> 'a'
       order by (pronargs = ${nargs}) desc, oid`,
  );
  if (rows.length === 0) throw new Error(`reference has no function ${prosrc}`);
  const r = rows[0];
  return {
    oid: Number(r[0]),
    name: r[1]!,
    args: r[2] === "" ? [] : r[2]!.split(" ").map(Number),
    argNames: r[7] === "" ? [] : r[7]!.split(";"),
    ret: Number(r[3]),
    strict: r[4] === "t",
    retset: r[5] === "t",
    variadic: Number(r[6]),
  };
}
const typeOids = new Map<string, number>();
async function typeOid(name: string): Promise<number> {
  let oid = typeOids.get(name);
  if (oid === undefined) {
    oid = Number((await query(`select ${lit(name)}::regtype::oid`))[0][0]);
    typeOids.set(name, oid);
  }
  return oid;
}
const POLY = /^(any|anyelement|anyarray|anynonarray|anycompatible.*|"any"|anyenum|anyrange|anymultirange)$/;

async function one(line: string): Promise<string> {
  const c = parseCase(line);
  if (c.fn.startsWith("agg ")) return await aggregate(line);
  const proc = await findProc(c.fn, c.args.length);
  const info: CaseInfo = { a: [], r: proc.ret };
  if (proc.strict) info.s = 1;
  if (proc.retset) info.set = 1;
  const sqlArgs: string[] = [];
  for (let i = 0; i < c.args.length; i++) {
    let s = c.args[i];
    let type = proc.argNames[Math.min(i, proc.argNames.length - 1)];
    let oid = proc.args[Math.min(i, proc.args.length - 1)];
    const typed = s === null ? null : /^%([^:]+):([^]*)$/.exec(s);
    if (typed) {
      type = typed[1];
      oid = await typeOid(type);
      s = typed[2] === "\\N" ? null : typed[2];
    } else if (POLY.test(type)) {
      type = "text";
      oid = 25;
    }
    info.a.push(oid);
    // The bare names mean a length of 1.
    if (type === "character" || type === "bit") type = type === "bit" ? '"bit"' : "bpchar";
    const variadic = proc.variadic !== 0 && proc.variadic !== 2276 && i === proc.args.length - 1;
    sqlArgs.push(`${variadic ? "variadic " : ""}${lit(s)}::${type}`);
  }
  let text: string;
  try {
    const sql = `select pg_typeof(x)::oid, x from pg_catalog.${proc.name}(${sqlArgs.join(", ")}) x`;
    const rows = await query(sql);
    if (rows.length > 0 && rows[0][0] !== null) info.r = Number(rows[0][0]);
    text = rows.map((r) => r[1] === null ? "\\N" : r[1]).join(" ; ");
  } catch (e) {
    const err = e as { code?: string; message: string; detail?: string };
    if (err.code === undefined) throw e;
    text = `!${err.code} ${err.message}` + (err.detail ? ` (${err.detail})` : "");
  }
  return `${line} => ${escapeLine(text)} ${JSON.stringify(info)}`;
}

async function aggregate(line: string): Promise<string> {
  const c = parseCase(line);
  const a = /^agg (\w+)\((.*)\)$/.exec(c.fn);
  if (!a) throw new Error(`bad aggregate: ${line}`);
  const types = a[2].split(",").map((s) => s.trim());
  const oids: number[] = [];
  for (const t of types) oids.push(await typeOid(t));
  const rows = c.args.map((r) =>
    "(" + (r === null ? ["\\N"] : r.split(" ; ")).map((v, i) =>
      `${lit(v === "\\N" ? null : v)}::${types[i]}`
    ).join(",") +
    ")"
  );
  const cols = types.map((_, i) => `c${i}`);
  const found = await query(
    `select t.prosrc, t.proisstrict, f.prosrc, f.proisstrict, agginitval, aggtranstype::oid, p.prorettype::oid
       from pg_aggregate a join pg_proc p on p.oid = aggfnoid join pg_proc t on t.oid = aggtransfn
       left join pg_proc f on f.oid = aggfinalfn
      where p.proname = ${lit(a[1])} and p.pronargs = ${types.length} and
        (select bool_and(x.t = x.o or x.t in (2276, 2283, 5077, 5078) or
           (x.t = 2776 and (select typcategory from pg_type where oid = x.o) <> 'A') or
           (x.t = 2277 and (select typcategory from pg_type where oid = x.o) = 'A'))
           from unnest(p.proargtypes::oid[], array[${oids}]::oid[]) x(t, o))
      order by (p.proargtypes::oid[] = array[${oids}]::oid[]) desc limit 1`,
  );
  if (found.length === 0) throw new Error(`no aggregate ${c.fn}`);
  const r = found[0];
  const info: CaseInfo = { a: oids, r: Number(r[6]), agg: { t: r[0]!, tt: Number(r[5]) } };
  if (r[1] === "t") info.agg!.ts = 1;
  if (r[2] !== null) info.agg!.f = r[2];
  if (r[3] === "t") info.agg!.fs = 1;
  if (r[4] !== null) info.agg!.i = r[4];
  let text: string;
  try {
    const from = rows.length === 0
      ? `(select ${types.map((t, i) => `null::${t} c${i}`).join(",")} where false) v`
      : `(values ${rows.join(",")}) v(${cols.join(",")})`;
    const res = await query(`select pg_typeof(x)::oid, x from (select ${a[1]}(${cols.join(",")}) x from ${from}) s`);
    info.r = Number(res[0][0]);
    text = res[0][1] ?? "\\N";
  } catch (e) {
    const err = e as { code?: string; message: string; detail?: string };
    if (err.code === undefined) throw e;
    text = `!${err.code} ${err.message}` + (err.detail ? ` (${err.detail})` : "");
  }
  return `${line} => ${escapeLine(text)} ${JSON.stringify(info)}`;
}

for (const name of names) {
  await query("reset all");
  await query("set timezone to 'UTC'");
  const out: string[] = [];
  for (const line of Deno.readTextFileSync(`${dir}${name}.cases`).split("\n")) {
    if (line === "" || line.startsWith("#")) {
      out.push(line);
      continue;
    }
    const set = /^@set (\w+) (.*)$/.exec(line);
    if (set) {
      if (set[2] === "default") await query(set[1] === "TimeZone" ? "set timezone to 'UTC'" : `reset ${set[1]}`);
      else await query(`set ${set[1]} to ${lit(set[2])}`);
      out.push(line);
      continue;
    }
    try {
      out.push(await one(line));
    } catch (e) {
      console.error(`${name}: ${line}: ${(e as Error).message}`);
    }
  }
  Deno.writeTextFileSync(`${dir}${name}.golden`, out.join("\n"));
}
await client.end();
