/**
 * CREATE FUNCTION in LANGUAGE sql with a body given as text, and what DROP FUNCTION deletes.
 *
 * Procedures, other languages, SECURITY DEFINER, SET and bodies written as SQL statements are refused with 0A000.
 * Follows src/backend/commands/functioncmds.c and ProcedureCreate() in src/backend/catalog/pg_proc.c.
 */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { notBuilt, PgError, pgError } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import { commandCounterIncrement } from "../access/transam/xact.ts";
import { aclcheckError, objectAclcheck, objectOwnercheck, ownercheckError } from "../catalog/aclchk.ts";
import { getNewOidWithIndex } from "../catalog/catalog.ts";
import * as O from "../catalog/catalog_oids.ts";
import type { PgProc } from "../catalog/catalog_rows.ts";
import { recordDependencyOnExpr } from "../catalog/dependency.ts";
import { catalogDelete, catalogInsert, catalogUpdate } from "../catalog/indexing.ts";
import { rangeVarGetCreationNamespace } from "../catalog/namespace.ts";
import { objectAddress } from "../catalog/object_address.ts";
import { deleteDependencyRecordsFor, DependencyType, recordMultipleDependencies } from "../catalog/pg_depend.ts";
import { recordDependencyOnOwner } from "../catalog/pg_shdepend.ts";
import { RECORDOID, VOIDOID } from "../catalog/pg_type_d.ts";
import { exprType } from "../nodes/node_funcs.ts";
import { nodeToString } from "../nodes/outfuncs.ts";
import type { Node } from "../nodes/nodes.ts";
import { coerceToTargetType } from "../parser/parse_coerce.ts";
import { assignExprCollations } from "../parser/parse_collate.ts";
import { transformExpr } from "../parser/parse_expr.ts";
import { parserErrposition, type ParseState } from "../parser/parse_node.ts";
import { analyzeSqlFunction } from "../parser/parse_sql_function.ts";
import { typenameTypeId } from "../parser/parse_type.ts";
import { rawParser } from "../parser/parser.ts";
import type { UtilityCall } from "../tcop/utility.ts";
import { ACL_CREATE, ACL_USAGE } from "../utils/adt/acl.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { getTyptype } from "../utils/cache/lsyscache.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getUserId } from "../utils/init/globals.ts";
import { guc } from "../../conf/guc_values.ts";
import { parseStateOf } from "./parse_state.ts";
import { rangeVarOfNames } from "./tablecmds.ts";

const SQL_LANGUAGE = 14;

const invalid = (message: string, position?: number): PgError =>
  pgError(ERRCODE.INVALID_FUNCTION_DEFINITION, message, { position, routine: "CreateFunction" });
const str = (n: Raw.Node): string => (n as { String: Raw.String }).String.sval!;

interface Parameters {
  inTypes: Oid[];
  allTypes: Oid[];
  modes: string[];
  names: string[];
  defaults: Node[];
  /** Element type of a VARIADIC parameter. */
  variadic: Oid;
  /** What OUT parameters make of the result: 0 none, a type, or record. */
  outResult: Oid;
}

const MODES: Readonly<Record<string, string>> = {
  FUNC_PARAM_DEFAULT: "i",
  FUNC_PARAM_IN: "i",
  FUNC_PARAM_OUT: "o",
  FUNC_PARAM_INOUT: "b",
  FUNC_PARAM_VARIADIC: "v",
  FUNC_PARAM_TABLE: "t",
};

/** interpret_function_parameter_list() */
function interpretParameters(pstate: ParseState, list: readonly Raw.Node[]): Parameters {
  const p: Parameters = { inTypes: [], allTypes: [], modes: [], names: [], defaults: [], variadic: 0, outResult: 0 };
  let outCount = 0;
  for (const node of list) {
    const fp = (node as { FunctionParameter: Raw.FunctionParameter }).FunctionParameter;
    const mode = MODES[fp.mode ?? "FUNC_PARAM_DEFAULT"];
    const type = typenameTypeId(pstate, fp.argType!);
    if (fp.argType!.setof) {
      throw invalid("functions cannot accept set arguments", parserErrposition(pstate, fp.location ?? -1));
    }
    if (!objectAclcheck("pg_type", type, getUserId(), ACL_USAGE)) throw aclcheckError("type", formatTypeBe(type));
    const position = parserErrposition(pstate, fp.location ?? -1);
    const isInput = mode === "i" || mode === "b" || mode === "v";
    if (isInput) {
      if (p.variadic !== 0) throw invalid("VARIADIC parameter must be the last input parameter", position);
      p.inTypes.push(type);
    }
    if (mode === "o" || mode === "b" || mode === "t") {
      p.outResult = outCount++ === 0 ? type : RECORDOID;
    }
    if (mode === "v") {
      p.variadic = type === 2277 ? 2283 : searchSysCache("TYPEOID", type)!.typelem;
      if (p.variadic === 0) throw invalid("VARIADIC parameter must be an array");
    }
    const name = fp.name ?? "";
    if (name !== "") {
      p.names.forEach((other, i) => {
        const bothIn = isInput && mode !== "b" && "iv".includes(p.modes[i]) === false && p.modes[i] !== "b";
        const bothOut = !isInput && "iv".includes(p.modes[i]);
        if (other === name && !bothIn && !bothOut) {
          throw invalid(`parameter name "${name}" used more than once`, position);
        }
      });
    }
    p.allTypes.push(type);
    p.modes.push(mode);
    p.names.push(name);
    if (fp.defexpr !== undefined) {
      if (!isInput) throw invalid("only input parameters can have default values", position);
      const raw = transformExpr(pstate, fp.defexpr, "EXPR_KIND_FUNCTION_DEFAULT")!;
      const expr = coerceToTargetType(pstate, raw, exprType(raw), type, -1, 1, "COERCE_IMPLICIT_CAST", -1);
      if (expr === null) {
        throw pgError(
          ERRCODE.DATATYPE_MISMATCH,
          `argument of DEFAULT must be type ${formatTypeBe(type)}, not type ${formatTypeBe(exprType(raw))}`,
        );
      }
      assignExprCollations(pstate, expr);
      p.defaults.push(expr);
    } else if (isInput && p.defaults.length > 0) {
      throw invalid("input parameters after one with a default value must also have defaults", position);
    }
  }
  return p;
}

interface Attributes {
  language: string;
  body: string;
  volatility: string;
  strict: boolean;
  leakproof: boolean;
  cost: number;
  rows: number;
  parallel: string;
}

function interpretAttributes(pstate: ParseState, stmt: Raw.CreateFunctionStmt): Attributes {
  const given = new Map<string, Raw.Node | undefined>();
  for (const o of stmt.options ?? []) {
    const def = (o as { DefElem: Raw.DefElem }).DefElem;
    if (given.has(def.defname!)) {
      throw pgError(ERRCODE.SYNTAX_ERROR, "conflicting or redundant options", {
        position: parserErrposition(pstate, def.location ?? -1),
        routine: "errorConflictingDefElem",
      });
    }
    given.set(def.defname!, def.arg);
  }
  const text = (name: string, otherwise: string): string => given.has(name) ? str(given.get(name)!) : otherwise;
  const flag = (name: string): boolean =>
    (given.get(name) as { Boolean?: { boolval?: boolean } } | undefined)?.Boolean?.boolval ?? false;
  const number = (name: string): number => {
    const arg = given.get(name) as { Integer?: { ival?: number }; Float?: { fval: string } } | undefined;
    if (arg === undefined) return -1;
    const n = arg.Float !== undefined ? Number(arg.Float.fval) : arg.Integer?.ival ?? 0;
    if (n <= 0) throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `${name.toUpperCase()} must be positive`);
    return n;
  };
  if (stmt.is_procedure) throw notBuilt("CREATE PROCEDURE");
  const language = text("language", stmt.sql_body === undefined ? "" : "sql");
  if (language === "") throw invalid("no language specified");
  if (language !== "sql") {
    const known = searchSysCache("LANGNAME", language);
    if (known === null) {
      throw pgError(ERRCODE.UNDEFINED_OBJECT, `language "${language}" does not exist`, {
        routine: "CreateFunction",
      });
    }
    throw notBuilt(`CREATE FUNCTION in language ${language}`);
  }
  if (stmt.sql_body !== undefined) throw notBuilt("a function body of SQL statements");
  for (const [name, what] of [["window", "a window function"], ["transform", "TRANSFORM"], ["support", "SUPPORT"]]) {
    if (given.has(name)) throw notBuilt(`CREATE FUNCTION with ${what}`);
  }
  if (flag("security")) throw notBuilt("SECURITY DEFINER");
  if (given.has("set")) throw notBuilt("CREATE FUNCTION with SET");
  if (!given.has("as")) throw invalid("no function body specified");
  const as = (given.get("as") as { List: { items: Raw.Node[] } }).List.items.map(str);
  if (as.length !== 1) throw invalid('only one AS item needed for language "sql"');
  const volatility = { immutable: "i", stable: "s", volatile: "v" }[text("volatility", "volatile")]!;
  const parallel = { safe: "s", restricted: "r", unsafe: "u" }[text("parallel", "unsafe")];
  if (parallel === undefined) {
    throw pgError(ERRCODE.SYNTAX_ERROR, 'parameter "parallel" must be SAFE, RESTRICTED, or UNSAFE');
  }
  return {
    language,
    body: as[0],
    volatility,
    strict: flag("strict"),
    leakproof: flag("leakproof"),
    cost: number("cost"),
    rows: number("rows"),
    parallel,
  };
}

/** check_valid_polymorphic_signature(): what inputs would tell the result type. */
function polymorphicDetail(result: Oid): string {
  const name = formatTypeBe(result);
  const family = name.startsWith("anycompatible")
    ? ["anycompatible", "anycompatiblearray", "anycompatiblenonarray", "anycompatiblerange", "anycompatiblemultirange"]
    : ["anyelement", "anyarray", "anynonarray", "anyenum", "anyrange", "anymultirange"];
  const inputs = name.endsWith("multirange") || name.endsWith("range") ? family.slice(-2) : family;
  const list = inputs.length === 2
    ? inputs.join(" or ")
    : `${inputs.slice(0, -1).join(", ")}, or ${inputs[inputs.length - 1]}`;
  return `A result of type ${name} requires at least one input of type ${list}.`;
}

const isPolymorphic = (type: Oid): boolean =>
  [2276, 2277, 2283, 2776, 3500, 3831, 4537, 5077, 5078, 5079, 5080, 4538].includes(type);

/** CREATE [OR REPLACE] FUNCTION. @throws 42723, 42P13, 42809, 0A000 */
export function createFunction(stmt: Raw.CreateFunctionStmt, call: UtilityCall): void {
  const pstate = parseStateOf(call.queryString);
  const me = getUserId();
  const rv = rangeVarOfNames((stmt.funcname ?? []).map(str));
  const namespace = rangeVarGetCreationNamespace(rv);
  if (!objectAclcheck("pg_namespace", namespace, me, ACL_CREATE)) {
    throw aclcheckError("schema", searchSysCache("NAMESPACEOID", namespace)!.nspname);
  }
  const attributes = interpretAttributes(pstate, stmt);
  const p = interpretParameters(pstate, stmt.parameters ?? []);
  let result: Oid;
  let retset = false;
  if (stmt.returnType !== undefined) {
    result = typenameTypeId(null, stmt.returnType);
    retset = stmt.returnType.setof ?? false;
    if (p.outResult !== 0 && p.outResult !== result && !p.modes.includes("t")) {
      throw invalid(`function result type must be ${formatTypeBe(p.outResult)} because of OUT parameters`);
    }
    if (p.modes.includes("t")) result = p.outResult;
  } else if (p.outResult !== 0) result = p.outResult;
  else throw invalid("function result type must be specified");
  if (getTyptype(result) === "p" && result !== VOIDOID && result !== RECORDOID && !isPolymorphic(result)) {
    throw invalid(`SQL functions cannot return type ${formatTypeBe(result)}`);
  }
  if (isPolymorphic(result) && !p.inTypes.some(isPolymorphic)) {
    throw pgError(ERRCODE.INVALID_FUNCTION_DEFINITION, "cannot determine result data type", {
      detail: polymorphicDetail(result),
      routine: "ProcedureCreate",
    });
  }
  if (attributes.rows >= 0 && !retset) {
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, "ROWS is not applicable when function does not return a set");
  }
  const hasOut = p.modes.some((m) => m !== "i");
  const row: Omit<PgProc, "oid" | "proacl"> = {
    proname: rv.relname!,
    pronamespace: namespace,
    proowner: me,
    prolang: SQL_LANGUAGE,
    procost: attributes.cost >= 0 ? attributes.cost : 100,
    prorows: retset ? (attributes.rows >= 0 ? attributes.rows : 1000) : 0,
    provariadic: p.variadic,
    prosupport: 0,
    prokind: "f",
    prosecdef: false,
    proleakproof: attributes.leakproof,
    proisstrict: attributes.strict,
    proretset: retset,
    provolatile: attributes.volatility,
    proparallel: attributes.parallel,
    pronargs: p.inTypes.length,
    pronargdefaults: p.defaults.length,
    prorettype: result,
    proargtypes: p.inTypes,
    proallargtypes: hasOut ? p.allTypes : null,
    proargmodes: hasOut ? p.modes : null,
    proargnames: p.names.some((n) => n !== "") ? p.names : null,
    proargdefaults: p.defaults.length > 0 ? nodeToString(p.defaults) : null,
    protrftypes: null,
    prosrc: attributes.body,
    probin: null,
    prosqlbody: null,
    proconfig: null,
  };
  const oid = storeFunction(row, stmt.replace ?? false);
  recordDependencies(oid, row, p.defaults);
  commandCounterIncrement();
  if (guc.check_function_bodies) validateSqlFunction(oid, call.queryString);
}

function signature(row: { proname: string; proargtypes: readonly Oid[] }): string {
  return `${row.proname}(${row.proargtypes.map(formatTypeBe).join(", ")})`;
}

function storeFunction(row: Omit<PgProc, "oid" | "proacl">, replace: boolean): Oid {
  const old = searchSysCache("PROCNAMEARGSNSP", row.proname, row.proargtypes, row.pronamespace);
  if (old === null) {
    const oid = getNewOidWithIndex("pg_proc");
    catalogInsert("pg_proc", { ...row, oid, proacl: null });
    return oid;
  }
  if (!replace) {
    throw pgError(
      ERRCODE.DUPLICATE_FUNCTION,
      `function "${row.proname}" already exists with same argument types`,
      { routine: "ProcedureCreate" },
    );
  }
  if (!objectOwnercheck("pg_proc", old.oid, getUserId())) throw ownercheckError("function", row.proname);
  if (old.prokind !== "f") {
    throw pgError(ERRCODE.WRONG_OBJECT_TYPE, "cannot change routine kind", { routine: "ProcedureCreate" });
  }
  const outNames = (r: { proargnames: string[] | null; proargmodes: string[] | null; proallargtypes: Oid[] | null }) =>
    r.proargmodes === null
      ? ""
      : r.proargmodes.map((m, i) => m === "i" || m === "v" ? "" : `${r.proargnames?.[i]} ${r.proallargtypes![i]}`)
        .join();
  const hint = `Use DROP FUNCTION ${signature(row)} first.`;
  if (old.prorettype !== row.prorettype || old.proretset !== row.proretset || outNames(old) !== outNames(row)) {
    const sameType = old.prorettype === row.prorettype && old.proretset === row.proretset;
    throw pgError(ERRCODE.INVALID_FUNCTION_DEFINITION, "cannot change return type of existing function", {
      detail: sameType ? "Row type defined by OUT parameters is different." : undefined,
      hint,
      routine: "ProcedureCreate",
    });
  }
  (old.proargnames ?? []).forEach((name, i) => {
    if (name !== "" && name !== (row.proargnames?.[i] ?? "")) {
      throw pgError(ERRCODE.INVALID_FUNCTION_DEFINITION, `cannot change name of input parameter "${name}"`, {
        hint,
        routine: "ProcedureCreate",
      });
    }
  });
  if (row.pronargdefaults < old.pronargdefaults) {
    throw pgError(ERRCODE.INVALID_FUNCTION_DEFINITION, "cannot remove parameter defaults from existing function", {
      hint,
      routine: "ProcedureCreate",
    });
  }
  catalogUpdate("pg_proc", old.ctid, { ...row, oid: old.oid, proowner: old.proowner, proacl: old.proacl });
  deleteDependencyRecordsFor(O.ProcedureRelationId, old.oid);
  return old.oid;
}

function recordDependencies(oid: Oid, row: Omit<PgProc, "oid" | "proacl">, defaults: readonly Node[]): void {
  const self = objectAddress(O.ProcedureRelationId, oid);
  const types = new Set([row.prorettype, ...(row.proallargtypes ?? row.proargtypes)]);
  recordMultipleDependencies(self, [
    objectAddress(O.NamespaceRelationId, row.pronamespace),
    objectAddress(O.LanguageRelationId, row.prolang),
    ...[...types].map((t) => objectAddress(O.TypeRelationId, t)),
  ], DependencyType.NORMAL);
  for (const d of defaults) recordDependencyOnExpr(self, d, [], DependencyType.NORMAL);
  recordDependencyOnOwner(O.ProcedureRelationId, oid, row.proowner);
}

/** fmgr_sql_validator(): the body must parse; where no type is polymorphic, it must fit the result, too. */
function validateSqlFunction(oid: Oid, queryString: string | null): void {
  const proc = searchSysCache("PROCOID", oid)!;
  const all = [proc.prorettype, ...(proc.proallargtypes ?? proc.proargtypes)];
  try {
    if (all.some(isPolymorphic)) rawParser(proc.prosrc);
    else analyzeSqlFunction({ proc, argTypes: proc.proargtypes, resultType: proc.prorettype, collation: 0 });
  } catch (e) {
    throw inFunctionBody(e, proc.prosrc, proc.proname, queryString);
  }
}

/** function_parse_error_transpose(): a position within the body becomes one of the statement, if the body is found in it. */
function inFunctionBody(e: unknown, source: string, name: string, queryString: string | null): unknown {
  if (!(e instanceof PgError)) return e;
  const { position, context, ...fields } = e.fields;
  if (position === undefined) {
    const own = `SQL function "${name}"`;
    return pgError(e.code, e.message, { ...fields, context: context === undefined ? own : `${context}\n${own}` });
  }
  const start = queryString === null ? -1 : bodyStart(queryString, source);
  if (start < 0) return pgError(e.code, e.message, { ...fields, internalPosition: position, internalQuery: source });
  // Characters of the body before the position; quotes in it stand doubled in the statement.
  const before = [...source].slice(0, position - 1).join("");
  const quotes = queryString![start - 1] === "'" ? before.split("'").length - 1 : 0;
  return pgError(e.code, e.message, {
    ...fields,
    position: [...queryString!.slice(0, start)].length + position + quotes,
  });
}

/** Where the body begins in the statement: after a quote or a dollar tag; -1 if it is not found, or more than once. */
function bodyStart(query: string, source: string): number {
  const found: number[] = [];
  const quoted = `'${source.replaceAll("'", "''")}'`;
  for (let at = query.indexOf(quoted); at >= 0; at = query.indexOf(quoted, at + 1)) found.push(at + 1);
  for (const m of query.matchAll(/\$\w*\$/g)) {
    const from = m.index + m[0].length;
    if (query.startsWith(source + m[0], from)) found.push(from);
  }
  return found.length === 1 ? found[0] : -1;
}

/** Deletes the pg_proc row of a dropped function. */
export function removeFunctionById(oid: Oid): void {
  catalogDelete("pg_proc", searchSysCache("PROCOID", oid)!.ctid);
}
