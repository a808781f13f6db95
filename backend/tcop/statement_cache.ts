/**
 * Statements kept by their text: analyzed, rewritten and planned once, for simple Query and for Parse of the unnamed statement.
 *
 * A simple-protocol text is looked up by its shape (statement_shape.ts): its literals become parameters of a CachedPlanSource,
 * and from then on the plan cache decides between generic and custom plans as for a prepared statement. A statement enters
 * when its shape is seen for the second time. Invariants:
 *   1. What is reused is what a fresh analysis of the text would give. An environment (role, resolved search path, every
 *      parameter that parsing or planning may look at) has statements of its own; a change of a relation, type, function,
 *      operator or cast invalidates through the plan cache, and a relation that comes up under a name that the statement
 *      uses, through `nameHashes`.
 *   2. A literal is lifted only if each use of it in the Query is one Const that stands where the literal stands and has its
 *      value. If one literal of the text left no such trace (ORDER BY 1, varchar(10), GROUP BY a + 1), or where expressions are
 *      compared for equality (grouping, DISTINCT, windows, set operations, ON CONFLICT targets), nothing is lifted, and the
 *      statement is kept by its whole text. That is done only if its constants mean the same at any time ('now' does not).
 *   3. A value is converted by its type's input function at each execution. If that fails, the statement takes the ordinary
 *      way, which reports the error with its position.
 * EXPLAIN, cursors and all other utility statements never come here.
 */
import type { Oid } from "../../base/types.ts";
import { encodeText } from "../../base/text.ts";
import { PgError } from "../../base/error.ts";
import { gucEnvironment } from "../../conf/guc.ts";
import { activeSearchPath, getNamespaceOid } from "../catalog/namespace.ts";
import type { Const, Node, Param, Query } from "../nodes/nodes.ts";
import type { ParamListInfo } from "../nodes/params.ts";
import { makeNode } from "../nodes/make_node.ts";
import type { RawStmt } from "../parser/parser.ts";
import { type Literal, type StatementShape, statementShape } from "../parser/statement_shape.ts";
import { queryRewrite } from "../rewrite/rewrite_handler.ts";
import { registerSyscacheCallback } from "../utils/cache/inval.ts";
import {
  acquirePlanLocks,
  type CachedPlanSource,
  createCachedPlan,
  dropCachedPlan,
  retainCachedPlan,
} from "../utils/cache/plancache.ts";
import { getSysCacheHashValue } from "../utils/cache/syscache.ts";
import { getTypeTextInput } from "../utils/cache/type_io.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { getUserId } from "../utils/init/globals.ts";
import { CURSOR_OPT_PARALLEL_OK } from "../utils/mmgr/portalmem.ts";

/** One parameter that stands for a literal. */
interface LiftedLiteral {
  /** Index into the shape's literals. */
  readonly index: number;
  readonly negated: boolean;
  readonly type: Oid;
}

interface KeptStatement {
  readonly source: CachedPlanSource;
  readonly lifted: readonly LiftedLiteral[];
  /** RELNAMENSP hash values of every name that a new relation could take from another. */
  readonly nameHashes: ReadonlySet<number>;
}

/** seen: once. byText: its literals stay, look under the text. never: nothing of it can be kept. */
type Entry = KeptStatement | "seen" | "byText" | "never";

/** Of one environment. */
const ENTRIES_MAX = 600;

/** Of one environment, oldest first. */
class Environment {
  readonly entries = new Map<string, Entry>();
}
const ENVIRONMENTS_MAX = 8;
const environments = new Map<string, Environment>();
let current: Environment | null = null;
let currentGuc = "";
let currentUser: Oid = 0;
let currentPath: readonly Oid[] = [];
let callbacksRegistered = false;

function registerCallbacks(): void {
  callbacksRegistered = true;
  registerSyscacheCallback("RELNAMENSP", (hash) => {
    for (const env of environments.values()) {
      for (const [key, e] of env.entries) {
        if (typeof e === "object" && (hash === 0 || e.nameHashes.has(hash))) remove(env, key, e);
      }
    }
  });
  registerSyscacheCallback("CASTSOURCETARGET", forgetStatements);
  registerSyscacheCallback("AUTHOID", forgetStatements);
}

/** Drops every kept statement. */
export function forgetStatements(): void {
  for (const env of environments.values()) {
    for (const e of env.entries.values()) if (typeof e === "object") dropCachedPlan(e.source);
  }
  environments.clear();
  current = null;
}

function remove(env: Environment, key: string, e: KeptStatement): void {
  dropCachedPlan(e.source);
  env.entries.set(key, "seen");
}

function environment(): Environment {
  const settings = gucEnvironment();
  const user = getUserId();
  const path = activeSearchPath();
  if (current !== null && settings === currentGuc && user === currentUser && path === currentPath) return current;
  if (!callbacksRegistered) registerCallbacks();
  const name = `${user}\0${path.join(",")}\0${settings}`;
  let env = environments.get(name);
  if (env === undefined) {
    if (environments.size >= ENVIRONMENTS_MAX) forgetStatements();
    environments.set(name, env = new Environment());
  }
  current = env;
  currentGuc = settings;
  currentUser = user;
  currentPath = path;
  return env;
}

/** Takes the statement's locks. @returns false, and forgets it, if something that it was made of has changed. */
function stillValid(env: Environment, key: string, e: KeptStatement): boolean {
  if (acquirePlanLocks(e.source) && env.entries.get(key) === e) return true;
  if (env.entries.get(key) === e) remove(env, key, e);
  return false;
}

function setEntry(env: Environment, key: string, e: Entry): void {
  const { entries } = env;
  entries.delete(key);
  entries.set(key, e);
  if (entries.size > ENTRIES_MAX) {
    // The oldest goes; one that is in use comes back with its next two uses.
    for (const [k, old] of entries) {
      if (typeof old === "object") dropCachedPlan(old.source);
      entries.delete(k);
      break;
    }
  }
}

// ---- simple Query --------------------------------------------------------------------------------------------------

export interface FoundStatement {
  readonly source: CachedPlanSource;
  readonly params: ParamListInfo | null;
}

/** What lookupStatement() found out and admitStatement() goes on with, for the text looked up last. */
const last = { text: "", shape: null as StatementShape | null, env: null as Environment | null, key: "" };

/** Only these can be kept: the first letters decide before anything else is looked at. */
function mayBeKept(text: string): boolean {
  let i = 0;
  let c = text.charCodeAt(0);
  while (c === 32 || (c >= 9 && c <= 13)) c = text.charCodeAt(++i);
  switch (c | 32) {
    case 115: // select
    case 105: // insert
    case 117: // update
    case 100: // delete
      return true;
    default:
      return false;
  }
}

/**
 * The kept statement for a simple-protocol text with the values of its literals, its relations locked; null if there is none.
 * Call it within a transaction that has not failed. Hot.
 */
export function lookupStatement(text: string): FoundStatement | null {
  last.env = null;
  if (!mayBeKept(text)) return null;
  const shape = statementShape(text);
  if (shape === null) return null;
  const env = environment();
  let key = shape.key;
  let e = env.entries.get(key);
  if (e === "byText") {
    key = byTextKey(text);
    e = env.entries.get(key);
  }
  last.text = text;
  last.shape = shape;
  last.env = env;
  last.key = key;
  if (e === undefined || typeof e === "string") return null;
  if (!stillValid(env, key, e)) return null;
  if (e.lifted.length === 0) return { source: e.source, params: null };
  const params = literalValues(e.lifted, shape.literals);
  return params === null ? null : { source: e.source, params };
}

/** Keys of whole texts; a shape never holds this character. */
function byTextKey(text: string): string {
  return `\0${text}`;
}

/** The values; null if one is not fit for its type. */
function literalValues(lifted: readonly LiftedLiteral[], literals: readonly Literal[]): ParamListInfo | null {
  const values: { value: Datum; type: Oid }[] = [];
  try {
    for (const l of lifted) values.push({ value: literalValue(literals[l.index], l), type: l.type });
  } catch (e) {
    if (e instanceof PgError) return null;
    throw e;
  }
  return { values };
}
function literalValue(literal: Literal, l: LiftedLiteral): Datum {
  switch (literal.kind) {
    case "integer":
    case "bigint":
      return l.negated ? 0 - literal.value : literal.value;
    case "decimal":
      return getTypeTextInput(l.type)(l.negated ? `-${literal.value}` : literal.value, -1);
    case "string":
      return getTypeTextInput(l.type)(literal.value, -1);
  }
}

/**
 * Considers keeping the statement that lookupStatement() did not find. `query` is its analysis, before rewriting; it is
 * changed only if the statement is kept.
 * @returns the statement as lookupStatement() will find it next time, or null: go on with `query`.
 */
export function admitStatement(text: string, raw: RawStmt, query: Query, commandTag: string): FoundStatement | null {
  const { shape, env } = last;
  last.env = null;
  if (env === null || shape === null || last.text !== text || !isKeepable(query)) return null;
  const e = env.entries.get(last.key);
  if (e === "never" || typeof e === "object") return null;
  if (e === undefined) {
    setEntry(env, last.key, "seen");
    return null;
  }
  const isShape = last.key === shape.key;
  if (isShape && shape.literals.length > 0) {
    const uses = literalUses(text, query, shape.literals);
    if (uses === null) {
      setEntry(env, last.key, "byText");
      return null;
    }
    const lifted = liftedLiterals(uses);
    const params = literalValues(lifted, shape.literals);
    if (params === null) {
      setEntry(env, last.key, "never");
      return null;
    }
    putParameters(uses, lifted);
    return keep(env, last.key, text, raw, query, commandTag, lifted, params);
  }
  if (!constantsAreTimeless(query)) {
    setEntry(env, last.key, "never");
    return null;
  }
  return keep(env, last.key, text, raw, query, commandTag, [], null);
}

function isKeepable(query: Query): boolean {
  switch (query.commandType) {
    case "CMD_SELECT":
    case "CMD_INSERT":
    case "CMD_UPDATE":
    case "CMD_DELETE":
      return true;
    default:
      return false;
  }
}

function keep(
  env: Environment,
  key: string,
  text: string,
  raw: RawStmt,
  query: Query,
  commandTag: string,
  lifted: readonly LiftedLiteral[],
  params: ParamListInfo | null,
): FoundStatement {
  const source = createCachedPlan(raw, text, commandTag, queryRewrite(query), {
    paramTypes: lifted.map((l) => l.type),
    cursorOptions: CURSOR_OPT_PARALLEL_OK,
    fixedResult: false,
  });
  setEntry(env, key, { source, lifted, nameHashes: relationNameHashes(raw) });
  return { source, params };
}

// ---- the unnamed statement of the extended protocol ------------------------------------------------------------------

function parseKey(text: string, paramTypes: readonly Oid[]): string {
  return `\0\0${paramTypes.join(",")}\0${text}`;
}

/**
 * The kept statement for a Parse of these, its relations locked; null if there is none. `paramTypes` as the client gave them.
 * The caller holds a reference: dropCachedPlan() when done.
 */
export function lookupParsedStatement(text: string, paramTypes: readonly Oid[]): CachedPlanSource | null {
  if (!mayBeKept(text)) return null;
  const env = environment();
  const key = parseKey(text, paramTypes);
  const e = env.entries.get(key);
  return e !== undefined && typeof e === "object" && stillValid(env, key, e) ? retainCachedPlan(e.source) : null;
}

/**
 * Considers keeping a statement that was just parsed: at its second time it is, and belongs to the cache from then on.
 * @param query the analysis before rewriting
 */
export function mayKeepParsedStatement(text: string, givenTypes: readonly Oid[], query: Query): boolean {
  if (!mayBeKept(text) || text.length > PARSED_LENGTH_MAX || !isKeepable(query)) return false;
  const env = environment();
  const key = parseKey(text, givenTypes);
  const e = env.entries.get(key);
  if (e === undefined) setEntry(env, key, "seen");
  if (e !== "seen") return false;
  if (constantsAreTimeless(query)) return true;
  setEntry(env, key, "never");
  return false;
}
const PARSED_LENGTH_MAX = 16384;

/** Keeps a statement for which mayKeepParsedStatement() said true. */
export function keepParsedStatement(
  text: string,
  givenTypes: readonly Oid[],
  raw: RawStmt,
  source: CachedPlanSource,
): void {
  retainCachedPlan(source);
  setEntry(environment(), parseKey(text, givenTypes), { source, lifted: [], nameHashes: relationNameHashes(raw) });
}

// ---- what a statement depends on -------------------------------------------------------------------------------------

/** Hash values of the names of relations in a raw tree, each in every schema where it would be looked for. */
function relationNameHashes(raw: RawStmt): Set<number> {
  const hashes = new Set<number>();
  const visit = (x: unknown): void => {
    if (x === null || typeof x !== "object") return;
    if (Array.isArray(x)) {
      for (const e of x) visit(e);
      return;
    }
    const node = x as Record<string, unknown>;
    if (typeof node.relname === "string") {
      const schemas = typeof node.schemaname === "string"
        ? [getNamespaceOid(node.schemaname, true)]
        : activeSearchPath();
      for (const nsp of schemas) hashes.add(getSysCacheHashValue("RELNAMENSP", node.relname, nsp));
    }
    for (const k in node) visit(node[k]);
  };
  visit(raw.stmt);
  return hashes;
}

/** Types whose input gives the same value for the same text at any time, in one environment. */
const TIMELESS_TYPES: ReadonlySet<Oid> = new Set([
  ...[16, 17, 18, 19, 20, 21, 23, 25, 26], // bool bytea char name int8 int2 int4 text oid
  ...[114, 700, 701, 1042, 1043, 1186, 1560, 1562, 1700], // json float4 float8 bpchar varchar interval bit varbit numeric
  ...[2950, 3802], // uuid jsonb
]);

function constantsAreTimeless(query: Query): boolean {
  let timeless = true;
  eachChild(query, (child) => {
    if (child.type === "Const" && !child.constisnull && !TIMELESS_TYPES.has(child.consttype)) timeless = false;
  });
  return timeless;
}

type Replace = (replacement: Node) => void;
/** Calls `visit` for every node below `root`, sub-queries included. `visit` returning false leaves out what is below. */
function eachChild(root: object, visit: (node: Node, replace: Replace) => boolean | void): void {
  const holder = root as Record<string, unknown>;
  for (const k in holder) {
    const v = holder[k];
    if (v === null || typeof v !== "object" || v instanceof Uint8Array) continue;
    if (typeof (v as { type?: unknown }).type === "string") {
      if (visit(v as Node, (r) => (holder[k] = r)) === false) continue;
      if ((v as Node).type === "Const") continue;
    }
    eachChild(v, visit);
  }
}

// ---- literals --------------------------------------------------------------------------------------------------------

/** A Const that came of a literal. */
interface LiteralUse {
  readonly index: number;
  readonly negated: boolean;
  readonly con: Const;
  readonly replace: Replace;
}

const UNKNOWNOID = 705;
const CSTRINGOID = 2275;
const INT4OID = 23;
const INT8OID = 20;
const NUMERICOID = 1700;

/** Every use of every literal of `text`; null if not all are accounted for, or must not vary (invariant 2). */
function literalUses(text: string, query: Query, literals: readonly Literal[]): LiteralUse[] | null {
  // Location of the Const: that of the literal, or of the minus sign that the grammar folded into it.
  const byLocation = new Map<number, { index: number; negated: boolean }>();
  const byteAt = isAscii(text) ? (i: number) => i : (i: number) => encodeText(text.slice(0, i)).length;
  literals.forEach((l, index) => {
    byLocation.set(byteAt(l.start), { index, negated: false });
    if (l.kind === "string") return;
    const sign = text.slice(0, l.start).trimEnd();
    if (sign.endsWith("-")) byLocation.set(byteAt(sign.length - 1), { index, negated: true });
  });
  const uses: LiteralUse[] = [];
  let comparesExpressions = hasComparedExpressions(query);
  eachChild(query, (node, replace) => {
    switch (node.type) {
      case "Query":
        comparesExpressions ||= hasComparedExpressions(node);
        return true;
      case "Const": {
        const at = byLocation.get(node.location);
        if (at !== undefined && isLiteral(node, literals[at.index], at.negated)) {
          uses.push({ ...at, con: node, replace });
        }
        return true;
      }
      case "TableFunc":
      case "JsonExpr":
      case "TableSampleClause":
        return false; // what stands there must stay a Const
      default:
        return true;
    }
  });
  if (comparesExpressions) return null;
  const found = new Set(uses.map((u) => u.index));
  return found.size === literals.length ? uses : null;
}

function isAscii(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) >= 128) return false;
  return true;
}

function hasComparedExpressions(q: Query): boolean {
  const target = q.onConflict;
  return q.groupClause.length > 0 || q.groupingSets.length > 0 || q.distinctClause.length > 0 ||
    q.windowClause.length > 0 || q.setOperations !== null ||
    (target !== null && (target.arbiterWhere !== null || hasConstant(target.arbiterElems)));
}
function hasConstant(nodes: readonly Node[]): boolean {
  let found = false;
  eachChild(nodes, (node) => {
    if (node.type === "Const") found = true;
  });
  return found;
}

/** Is `con` what the literal means? */
function isLiteral(con: Const, literal: Literal, negated: boolean): boolean {
  if (con.constisnull || con.consttypmod !== -1) return false;
  switch (literal.kind) {
    case "integer":
      return con.consttype === INT4OID && con.constvalue === (negated ? -literal.value : literal.value);
    case "bigint":
      return con.consttype === INT8OID && con.constvalue === (negated ? -literal.value : literal.value);
    case "decimal":
      return con.consttype === NUMERICOID;
    case "string":
      return con.consttype !== UNKNOWNOID && con.consttype !== CSTRINGOID;
  }
}

/** One parameter for each literal, sign and type. */
function liftedLiterals(uses: readonly LiteralUse[]): LiftedLiteral[] {
  const lifted: LiftedLiteral[] = [];
  for (const u of uses) {
    if (parameterOf(u, lifted) < 0) lifted.push({ index: u.index, negated: u.negated, type: u.con.consttype });
  }
  return lifted;
}
function parameterOf(u: LiteralUse, lifted: readonly LiftedLiteral[]): number {
  return lifted.findIndex((l) => l.index === u.index && l.negated === u.negated && l.type === u.con.consttype);
}
/** Puts the parameters in place of the Consts. */
function putParameters(uses: readonly LiteralUse[], lifted: readonly LiftedLiteral[]): void {
  for (const u of uses) {
    const { con, replace } = u;
    const param: Param = makeNode("Param", {
      paramkind: "PARAM_EXTERN",
      paramid: parameterOf(u, lifted) + 1,
      paramtype: con.consttype,
      paramtypmod: -1,
      paramcollid: con.constcollid,
      location: con.location,
    });
    replace(param);
  }
}
