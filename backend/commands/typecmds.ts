/**
 * CREATE DOMAIN.
 *
 * A domain is a row of pg_type over its base type, with CHECK and NOT NULL constraints in pg_constraint and a default in
 * typdefaultbin. Follows DefineDomain() in src/backend/commands/typecmds.c. ALTER DOMAIN is not built.
 */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { type PgError, pgError } from "../../base/error.ts";
import { commandCounterIncrement } from "../access/transam/xact.ts";
import { aclcheckError, objectAclcheck } from "../catalog/aclchk.ts";
import { getNewOidWithIndex } from "../catalog/catalog.ts";
import * as O from "../catalog/catalog_oids.ts";
import type { PgType } from "../catalog/catalog_rows.ts";
import { recordDependencyOnExpr } from "../catalog/dependency.ts";
import { rangeVarGetCreationNamespace } from "../catalog/namespace.ts";
import { objectAddress } from "../catalog/object_address.ts";
import { chooseConstraintName, createConstraintEntry } from "../catalog/pg_constraint.ts";
import { DependencyType, recordDependencyOn } from "../catalog/pg_depend.ts";
import { arrayTypeRow, makeArrayTypeName, typeCreate } from "../catalog/pg_type.ts";
import { exprType } from "../nodes/node_funcs.ts";
import { makeNode } from "../nodes/make_node.ts";
import { nodeToString } from "../nodes/outfuncs.ts";
import type { Node } from "../nodes/nodes.ts";
import { coerceToBoolean, coerceToTargetType } from "../parser/parse_coerce.ts";
import { assignExprCollations } from "../parser/parse_collate.ts";
import { transformExpr } from "../parser/parse_expr.ts";
import { parserErrposition, type ParseState } from "../parser/parse_node.ts";
import { lookupCollation, typeNameToString, typenameType } from "../parser/parse_type.ts";
import { deparseExpression } from "../utils/adt/ruleutils.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import { ACL_CREATE, ACL_USAGE } from "../utils/adt/acl.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getUserId } from "../utils/init/globals.ts";
import type { UtilityCall } from "../tcop/utility.ts";
import { parseStateOf } from "./parse_state.ts";
import { rangeVarOfNames } from "./tablecmds.ts";

const F_DOMAIN_IN = 2597;
const F_DOMAIN_RECV = 2598;
const DEFAULT_COLLATION_OID = 100;
/** What a domain may stand on: base, composite, domain, enum, range, multirange. */
const BASE_TYPTYPES = "bcderm";

/** What CREATE DOMAIN's constraint clauses amount to. */
interface DomainClauses {
  default: Raw.Node | null;
  notNull: Raw.Constraint | null;
  /** CHECK and NOT NULL, as they were given. */
  stored: Raw.Constraint[];
}

function refusal(pstate: ParseState, code: string, message: string, con: Raw.Constraint): PgError {
  return pgError(code, message, { position: parserErrposition(pstate, con.location ?? -1), routine: "DefineDomain" });
}

function collectClauses(pstate: ParseState, stmt: Raw.CreateDomainStmt): DomainClauses {
  const out: DomainClauses = { default: null, notNull: null, stored: [] };
  let sawDefault = false;
  let sawNull = false;
  for (const node of stmt.constraints ?? []) {
    const con = (node as { Constraint: Raw.Constraint }).Constraint;
    const syntax = (message: string) => refusal(pstate, ERRCODE.SYNTAX_ERROR, message, con);
    const impossible = (what: string) => syntax(`${what} constraints not possible for domains`);
    switch (con.contype) {
      case "CONSTR_DEFAULT":
        if (sawDefault) throw syntax("multiple default expressions");
        sawDefault = true;
        out.default = con.raw_expr ?? null;
        break;
      case "CONSTR_NOTNULL":
        if (sawNull) throw syntax("conflicting NULL/NOT NULL constraints");
        if (out.notNull !== null) throw syntax("redundant NOT NULL constraint definition");
        if (con.is_no_inherit) {
          throw refusal(
            pstate,
            ERRCODE.INVALID_OBJECT_DEFINITION,
            "not-null constraints for domains cannot be marked NO INHERIT",
            con,
          );
        }
        out.notNull = con;
        out.stored.push(con);
        break;
      case "CONSTR_NULL":
        if (out.notNull !== null) throw syntax("conflicting NULL/NOT NULL constraints");
        sawNull = true;
        break;
      case "CONSTR_CHECK":
        if (con.is_no_inherit) {
          throw refusal(
            pstate,
            ERRCODE.INVALID_OBJECT_DEFINITION,
            "check constraints for domains cannot be marked NO INHERIT",
            con,
          );
        }
        out.stored.push(con);
        break;
      case "CONSTR_UNIQUE":
        throw impossible("unique");
      case "CONSTR_PRIMARY":
        throw impossible("primary key");
      case "CONSTR_EXCLUSION":
        throw impossible("exclusion");
      case "CONSTR_FOREIGN":
        throw impossible("foreign key");
      case "CONSTR_GENERATED":
      case "CONSTR_IDENTITY":
        throw refusal(pstate, ERRCODE.FEATURE_NOT_SUPPORTED, "specifying GENERATED not supported for domains", con);
      case "CONSTR_ATTR_ENFORCED":
      case "CONSTR_ATTR_NOT_ENFORCED":
        throw refusal(
          pstate,
          ERRCODE.FEATURE_NOT_SUPPORTED,
          "specifying constraint enforceability not supported for domains",
          con,
        );
      default:
        throw refusal(
          pstate,
          ERRCODE.FEATURE_NOT_SUPPORTED,
          "specifying constraint deferrability not supported for domains",
          con,
        );
    }
  }
  return out;
}

/** The analyzed default, of the domain's base type; null for DEFAULT NULL. @throws 42804 */
function cookDomainDefault(
  pstate: ParseState,
  raw: Raw.Node,
  name: string,
  base: { type: number; typmod: number },
): Node | null {
  const expr = transformExpr(pstate, raw, "EXPR_KIND_COLUMN_DEFAULT")!;
  const given = exprType(expr);
  const coerced = coerceToTargetType(pstate, expr, given, base.type, base.typmod, 1, "COERCE_IMPLICIT_CAST", -1);
  if (coerced === null) {
    throw pgError(
      ERRCODE.DATATYPE_MISMATCH,
      `column "${name}" is of type ${formatTypeBe(base.type)} but default expression is of type ${formatTypeBe(given)}`,
      { hint: "You will need to rewrite or cast the expression.", routine: "cookDefault" },
    );
  }
  assignExprCollations(pstate, coerced);
  return coerced.type === "Const" && coerced.constisnull ? null : coerced;
}

/** The analyzed CHECK expression, in which VALUE stands for the value. */
function cookDomainCheck(raw: Raw.Node, row: Readonly<PgType>): Node {
  const pstate = parseStateOf(null);
  pstate.p_pre_columnref_hook = (_p, fields, location) => {
    const name = (fields[0] as { String?: { sval?: string } }).String?.sval;
    if (fields.length !== 1 || name !== "value") return null;
    return makeNode("CoerceToDomainValue", {
      typeId: row.typbasetype,
      typeMod: row.typtypmod,
      collation: row.typcollation,
      location,
    });
  };
  const expr = coerceToBoolean(pstate, transformExpr(pstate, raw, "EXPR_KIND_DOMAIN_CHECK")!, "CHECK");
  assignExprCollations(pstate, expr);
  return expr;
}

/** CREATE DOMAIN. @throws 42710, 42804, 42601, 42P17, 0A000 */
export function defineDomain(stmt: Raw.CreateDomainStmt, call: UtilityCall): void {
  const pstate = parseStateOf(call.queryString);
  const me = getUserId();
  const rv = rangeVarOfNames((stmt.domainname ?? []).map((n) => (n as { String: Raw.String }).String.sval!));
  const name = rv.relname!;
  const namespace = rangeVarGetCreationNamespace(rv);
  if (!objectAclcheck("pg_namespace", namespace, me, ACL_CREATE)) {
    throw aclcheckError("schema", searchSysCache("NAMESPACEOID", namespace)!.nspname);
  }
  const old = searchSysCache("TYPENAMENSP", name, namespace);
  if (old !== null) {
    throw pgError(ERRCODE.DUPLICATE_OBJECT, `type "${name}" already exists`, { routine: "DefineDomain" });
  }

  const { typ, typmod } = typenameType(pstate, stmt.typeName!);
  const base = searchSysCache("TYPEOID", typ.oid)!;
  if (!BASE_TYPTYPES.includes(base.typtype)) {
    throw pgError(
      ERRCODE.DATATYPE_MISMATCH,
      `"${typeNameToString(stmt.typeName!)}" is not a valid base type for a domain`,
      { position: parserErrposition(pstate, stmt.typeName!.location ?? -1), routine: "DefineDomain" },
    );
  }
  if (!objectAclcheck("pg_type", base.oid, me, ACL_USAGE)) throw aclcheckError("type", formatTypeBe(base.oid));
  let collation = base.typcollation;
  if (stmt.collClause !== undefined) {
    const names = (stmt.collClause.collname ?? []).map((n) => (n as { String: Raw.String }).String.sval!);
    collation = lookupCollation(pstate, names, stmt.collClause.location ?? -1);
    if (base.typcollation === 0) {
      throw pgError(ERRCODE.DATATYPE_MISMATCH, `collations are not supported by type ${formatTypeBe(base.oid)}`, {
        position: parserErrposition(pstate, stmt.typeName!.location ?? -1),
        routine: "DefineDomain",
      });
    }
  }
  const clauses = collectClauses(pstate, stmt);
  const defaultExpr = clauses.default === null
    ? null
    : cookDomainDefault(pstate, clauses.default, name, { type: base.oid, typmod });
  // A default of the base type is not inherited through the row: getTypdefault() looks at the domain alone.
  const row: PgType = {
    oid: getNewOidWithIndex("pg_type"),
    typname: name,
    typnamespace: namespace,
    typowner: me,
    typlen: base.typlen,
    typbyval: base.typbyval,
    typtype: "d",
    typcategory: base.typcategory,
    typispreferred: false,
    typisdefined: true,
    typdelim: base.typdelim,
    typrelid: 0,
    typsubscript: 0,
    typelem: 0,
    typarray: 0,
    typinput: F_DOMAIN_IN,
    typoutput: base.typoutput,
    typreceive: F_DOMAIN_RECV,
    typsend: base.typsend,
    typmodin: 0,
    typmodout: 0,
    typanalyze: base.typanalyze,
    typalign: base.typalign,
    typstorage: base.typstorage,
    typnotnull: clauses.notNull !== null,
    typbasetype: base.oid,
    typtypmod: typmod,
    typndims: (stmt.typeName!.arrayBounds ?? []).length,
    typcollation: collation,
    typdefaultbin: defaultExpr === null ? base.typdefaultbin : nodeToString(defaultExpr),
    typdefault: defaultExpr === null ? base.typdefault : deparseExpression(defaultExpr, [], false, false),
    typacl: null,
  };
  const arrayOid = getNewOidWithIndex("pg_type");
  typeCreate({ ...row, typarray: arrayOid }, { isDependentType: false, isImplicitArray: false });
  const self = objectAddress(O.TypeRelationId, row.oid);
  if (collation !== 0 && collation !== DEFAULT_COLLATION_OID) {
    recordDependencyOn(self, objectAddress(O.CollationRelationId, collation), DependencyType.NORMAL);
  }
  if (defaultExpr !== null) recordDependencyOnExpr(self, defaultExpr, [], DependencyType.NORMAL);
  typeCreate({
    ...arrayTypeRow(arrayOid, makeArrayTypeName(name, namespace), namespace, me, row.oid, base.typalign),
    typcollation: collation,
  }, { isDependentType: true, isImplicitArray: true });
  commandCounterIncrement();
  storeConstraints(row, clauses);
}

function storeConstraints(row: Readonly<PgType>, clauses: DomainClauses): void {
  const taken: string[] = [];
  const nameOf = (con: Raw.Constraint, label: string): string => {
    const name = con.conname ?? chooseConstraintName(row.typname, null, label, row.typnamespace, taken);
    if (taken.includes(name)) {
      throw pgError(ERRCODE.DUPLICATE_OBJECT, `constraint "${name}" for domain "${row.typname}" already exists`, {
        routine: "domainAddCheckConstraint",
      });
    }
    taken.push(name);
    return name;
  };
  const own = { connamespace: row.typnamespace, conrelid: 0, contypid: row.oid };
  for (const con of clauses.stored) {
    if (con.contype === "CONSTR_NOTNULL") {
      createConstraintEntry({ ...own, conname: nameOf(con, "not_null"), contype: "n" });
    } else {
      const expr = cookDomainCheck(con.raw_expr!, row);
      const conbin = nodeToString(expr);
      const oid = createConstraintEntry({ ...own, conname: nameOf(con, "check"), contype: "c", conbin });
      recordDependencyOnExpr(objectAddress(O.ConstraintRelationId, oid), expr, [], DependencyType.NORMAL);
    }
    commandCounterIncrement();
  }
}
