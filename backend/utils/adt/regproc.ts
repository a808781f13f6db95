/**
 * The reg* types: OIDs of catalog objects that read and print as names.
 * Follows src/backend/utils/adt/regproc.c.
 */
import { getInt32, requireLength } from "./binary_io.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { PgError, pgError } from "../../../base/error.ts";
import type { Oid } from "../../../base/types.ts";
import { decodeText } from "../../../base/text.ts";
import {
  collationIsVisible,
  functionIsVisible,
  getCollationOid,
  operatorIsVisible,
  rangeVarGetRelid,
  relationIsVisible,
  splitIdentifierString,
} from "../../catalog/namespace.ts";
import { rangeVarOfNames } from "../../commands/tablecmds.ts";
import { parseTypeString } from "../../parser/parse_type.ts";
import { getNamespaceName } from "../cache/lsyscache.ts";
import { searchSysCache, searchSysCacheList } from "../cache/syscache.ts";
import type { BuiltinTable, TypeIoTable } from "../fmgr/fmgr.ts";
import { registerBuiltins, registerTypeIo } from "../fmgr/fmgrtab.ts";
import { formatTypeBe } from "./format_type.ts";
import { quoteIdentifier, quoteQualifiedIdentifier } from "./ruleutils_names.ts";

/** Names parts of a possibly qualified identifier. @throws 42602 */
function nameParts(s: string): string[] {
  const parts = splitIdentifierString(s, ".");
  if (parts === null || parts.length === 0) throw pgError(ERRCODE.INVALID_NAME, "invalid name syntax");
  return parts;
}

/** "-" and digits stand for OIDs in every reg* type; null for anything else. */
function numericOid(s: string): Oid | null {
  if (s === "-") return 0;
  if (!/^\d+$/.test(s)) return null;
  const n = Number(s);
  if (n > 0xffffffff) throw pgError(ERRCODE.NUMERIC_VALUE_OUT_OF_RANGE, `value "${s}" is out of range for type oid`);
  return n;
}

const missing = (code: string, what: string, name: string): PgError =>
  pgError(code, `${what} "${name}" does not exist`);

function procCandidates(parts: readonly string[]) {
  const name = parts[parts.length - 1];
  const rows = searchSysCacheList("PROCNAMEARGSNSP", name);
  if (parts.length > 1) return rows.filter((p) => getNamespaceName(p.pronamespace) === parts[parts.length - 2]);
  return rows.filter((p) => functionIsVisible(p.oid));
}
function regprocOf(s: string): Oid {
  const found = procCandidates(nameParts(s));
  if (found.length === 0) throw missing(ERRCODE.UNDEFINED_FUNCTION, "function", s);
  if (found.length > 1) throw pgError(ERRCODE.AMBIGUOUS_FUNCTION, `more than one function named "${s}"`);
  return found[0].oid;
}
/** "name(type, …)" → name and argument types. */
function signature(s: string): { names: string[]; types: Oid[] } {
  const open = s.indexOf("(");
  if (open < 0) throw pgError(ERRCODE.INVALID_TEXT_REPRESENTATION, "expected a left parenthesis");
  if (!s.trimEnd().endsWith(")")) throw pgError(ERRCODE.INVALID_TEXT_REPRESENTATION, "expected a right parenthesis");
  const inner = s.slice(open + 1, s.lastIndexOf(")")).trim();
  const types: Oid[] = [];
  if (inner !== "") {
    let depth = 0;
    let word = "";
    for (const c of inner + ",") {
      if (c === "(") depth++;
      if (c === ")") depth--;
      if (c === "," && depth === 0) {
        types.push(/^none$/i.test(word.trim()) ? 0 : parseTypeString(word.trim())!.typeId);
        word = "";
      } else word += c;
    }
  }
  return { names: nameParts(s.slice(0, open).trim()), types };
}
export function regprocedureOf(s: string): Oid {
  const { names, types } = signature(s);
  const found = procCandidates(names).find((p) =>
    p.proargtypes.length === types.length && p.proargtypes.every((t, i) => t === types[i])
  );
  if (found === undefined) throw missing(ERRCODE.UNDEFINED_FUNCTION, "function", s);
  return found.oid;
}
function operCandidates(s: string) {
  const dot = s.lastIndexOf(".");
  const name = s.slice(dot + 1);
  const rows = searchSysCacheList("OPERNAMENSP", name);
  if (dot >= 0) return rows.filter((o) => getNamespaceName(o.oprnamespace) === s.slice(0, dot));
  return rows.filter((o) => operatorIsVisible(o.oid));
}
function regoperOf(s: string): Oid {
  const found = operCandidates(s);
  if (found.length === 0) throw pgError(ERRCODE.UNDEFINED_FUNCTION, `operator does not exist: ${s}`);
  if (found.length > 1) throw pgError(ERRCODE.AMBIGUOUS_FUNCTION, `more than one operator named ${s}`);
  return found[0].oid;
}
function regoperatorOf(s: string): Oid {
  const open = s.indexOf("(");
  if (open < 0) throw pgError(ERRCODE.INVALID_TEXT_REPRESENTATION, "expected a left parenthesis");
  const { types } = signature("x" + s.slice(open));
  const found = operCandidates(s.slice(0, open)).find((o) => o.oprleft === types[0] && o.oprright === types[1]);
  if (found === undefined) throw pgError(ERRCODE.UNDEFINED_FUNCTION, `operator does not exist: ${s}`);
  return found.oid;
}
function regclassOf(s: string): Oid {
  const names = nameParts(s);
  // A schema that does not exist is no reason for another message.
  const relid = rangeVarGetRelid(rangeVarOfNames(names), 0, { missingOk: true });
  if (relid === 0) throw missing(ERRCODE.UNDEFINED_TABLE, "relation", names.join("."));
  return relid;
}
function regnamespaceOf(s: string): Oid {
  const row = searchSysCache("NAMESPACENAME", nameParts(s)[0]);
  if (row === null) throw missing(ERRCODE.UNDEFINED_SCHEMA, "schema", nameParts(s)[0]);
  return row.oid;
}
function regroleOf(s: string): Oid {
  const row = searchSysCache("AUTHNAME", nameParts(s)[0]);
  if (row === null) throw missing(ERRCODE.UNDEFINED_OBJECT, "role", nameParts(s)[0]);
  return row.oid;
}

const input = (f: (s: string) => Oid) => (s: string) => numericOid(s) ?? f(s);
const orDash = (f: (oid: Oid) => string) => (oid: Oid) => oid === 0 ? "-" : f(oid);

function qualified(nsp: Oid, visible: boolean, name: string): string {
  return visible ? quoteIdentifier(name) : quoteQualifiedIdentifier(getNamespaceName(nsp), name);
}
function regprocOut(oid: Oid): string {
  const p = searchSysCache("PROCOID", oid);
  if (p === null) return String(oid);
  const clash = procCandidates([p.proname]);
  return qualified(p.pronamespace, clash.length === 1 && clash[0].oid === oid, p.proname);
}
function regprocedureOut(oid: Oid): string {
  const p = searchSysCache("PROCOID", oid);
  if (p === null) return String(oid);
  return `${qualified(p.pronamespace, functionIsVisible(oid), p.proname)}(${
    p.proargtypes.map(formatTypeBe).join(",")
  })`;
}
function operName(oid: Oid): { name: string; row: NonNullable<ReturnType<typeof searchOper>> } | null {
  const row = searchOper(oid);
  if (row === null) return null;
  return {
    name: operatorIsVisible(oid)
      ? row.oprname
      : `${quoteIdentifier(getNamespaceName(row.oprnamespace)!)}.${row.oprname}`,
    row,
  };
}
function searchOper(oid: Oid) {
  return searchSysCache("OPEROID", oid);
}
function regoperatorOut(oid: Oid): string {
  const o = operName(oid);
  if (o === null) return String(oid);
  const type = (t: Oid) => t === 0 ? "NONE" : formatTypeBe(t);
  return `${o.name}(${type(o.row.oprleft)},${type(o.row.oprright)})`;
}
/** Name of a relation as regclass prints it. */
export function regclassOut(oid: Oid): string {
  const r = searchSysCache("RELOID", oid);
  return r === null ? String(oid) : qualified(r.relnamespace, relationIsVisible(oid), r.relname);
}

const receiveOid = (bytes: Uint8Array): Oid => {
  requireLength(bytes, 4);
  return getInt32(bytes) >>> 0;
};
const sendOid = (oid: Oid): Uint8Array => {
  const b = new Uint8Array(4);
  new DataView(b.buffer).setUint32(0, oid);
  return b;
};

const TYPES = [
  "proc",
  "procedure",
  "oper",
  "operator",
  "class",
  "collation",
  "type",
  "role",
  "namespace",
  "config",
  "dictionary",
  "database",
];

const regIo: TypeIoTable = {
  input: {
    regprocin: input(regprocOf),
    regprocedurein: input(regprocedureOf),
    regoperin: (s) => s === "0" ? 0 : numericOid(s) ?? regoperOf(s),
    regoperatorin: (s) => s === "0" ? 0 : numericOid(s) ?? regoperatorOf(s),
    regclassin: input(regclassOf),
    regcollationin: input((s) => getCollationOid(nameParts(s), false)),
    regtypein: input((s) => parseTypeString(s)!.typeId),
    regrolein: input(regroleOf),
    regnamespacein: input(regnamespaceOf),
    regdatabasein: input((s) => {
      const row = databaseByName(nameParts(s)[0]);
      if (row === 0) throw missing(ERRCODE.UNDEFINED_OBJECT, "database", nameParts(s)[0]);
      return row;
    }),
  },
  output: {
    regprocout: orDash(regprocOut),
    regprocedureout: orDash(regprocedureOut),
    regoperout: (oid: Oid) => oid === 0 ? "0" : operName(oid)?.name ?? String(oid),
    regoperatorout: (oid: Oid) => oid === 0 ? "0" : regoperatorOut(oid),
    regclassout: orDash(regclassOut),
    regcollationout: orDash((oid) => {
      const c = searchSysCache("COLLOID", oid);
      return c === null ? String(oid) : qualified(c.collnamespace, collationIsVisible(oid), c.collname);
    }),
    regtypeout: orDash((oid) => searchSysCache("TYPEOID", oid) === null ? String(oid) : formatTypeBe(oid)),
    regroleout: orDash((oid) => {
      const r = searchSysCache("AUTHOID", oid);
      return r === null ? String(oid) : quoteIdentifier(r.rolname);
    }),
    regnamespaceout: orDash((oid) => {
      const n = getNamespaceName(oid);
      return n === null ? String(oid) : quoteIdentifier(n);
    }),
    regconfigout: orDash((oid) => {
      const c = searchSysCache("TSCONFIGOID", oid);
      return c === null ? String(oid) : quoteIdentifier(c.cfgname);
    }),
    regdictionaryout: orDash((oid) => {
      const d = searchSysCache("TSDICTOID", oid);
      return d === null ? String(oid) : quoteIdentifier(d.dictname);
    }),
    regdatabaseout: orDash((oid) => {
      const d = searchSysCache("DATABASEOID", oid);
      return d === null ? String(oid) : quoteIdentifier(d.datname);
    }),
  },
  receive: Object.fromEntries(TYPES.map((t) => [`reg${t}recv`, receiveOid])),
  send: Object.fromEntries(TYPES.map((t) => [`reg${t}send`, sendOid])),
};

let databaseByName: (name: string) => Oid = () => 0;
/** pg_database has no name cache: the lookup is installed by the session. */
export function installDatabaseLookup(f: (name: string) => Oid): void {
  databaseByName = f;
}

/** to_regX(): null where the input function would say that there is no such object. */
function soft(f: (s: string) => Oid) {
  return (b: Uint8Array): Oid | null => {
    const s = decodeText(b);
    try {
      return numericOid(s) ?? f(s);
    } catch (e) {
      const code = (e as PgError).code;
      const expected: string[] = [
        ERRCODE.UNDEFINED_TABLE,
        ERRCODE.UNDEFINED_SCHEMA,
        ERRCODE.UNDEFINED_OBJECT,
        ERRCODE.UNDEFINED_FUNCTION,
        ERRCODE.AMBIGUOUS_FUNCTION,
        ERRCODE.INVALID_NAME,
        ERRCODE.SYNTAX_ERROR,
      ];
      if (expected.includes(code)) return null;
      throw e;
    }
  };
}

const regBuiltins: BuiltinTable = {
  text_regclass: (b: Uint8Array) => regclassOf(decodeText(b)),
  to_regproc: soft(regprocOf),
  to_regprocedure: soft(regprocedureOf),
  to_regoper: soft(regoperOf),
  to_regoperator: soft(regoperatorOf),
  to_regclass: soft(regclassOf),
  to_regtype: soft((s) => parseTypeString(s)!.typeId),
  to_regtypemod: (b: Uint8Array): number | null => {
    try {
      return parseTypeString(decodeText(b))!.typmod;
    } catch (e) {
      if (e instanceof PgError && /^(42|3F|22)/.test(e.code)) return null;
      throw e;
    }
  },
  to_regnamespace: soft(regnamespaceOf),
  to_regrole: soft(regroleOf),
  to_regcollation: soft((s) => getCollationOid(nameParts(s), false)),
};

/** Adds the reg* types to the registries; called once. */
export function registerRegTypes(): void {
  registerBuiltins(regBuiltins);
  registerTypeIo(regIo);
}
