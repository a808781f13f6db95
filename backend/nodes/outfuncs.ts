/**
 * nodeToString: a node tree as PostgreSQL's text, which is what pg_node_tree columns hold.
 *
 * Driven by NODE_FIELDS; nodes whose text is not simply their fields in order are written by the functions of CUSTOM.
 * Locations are written as -1, as in catalogs. Datums are written as the bytes that PostgreSQL has in memory.
 * Follows src/backend/nodes/outfuncs.c (PostgreSQL 18).
 */
import type { Const, Node, NodeType, RangeTblEntry } from "./nodes.ts";
import { NODE_ENUMS, NODE_FIELDS } from "./node_fields.ts";
import type { NodeField } from "./node_fields.ts";
import { assertNever } from "../../base/assert.ts";
import { notBuilt } from "../../base/error.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { datumToBytes } from "./datum_bytes.ts";

const SPECIAL = /[\s(){}\\]/;

/** A string in a form that the reader takes back as one token; null is <>, the empty string "". */
export function outToken(s: string | null): string {
  if (s === null) return "<>";
  if (s === "") return '""';
  let out = "";
  if (/^[<"\d]/.test(s) || /^[+-][\d.]/.test(s)) out = "\\";
  if (!SPECIAL.test(s)) return out + s;
  for (const c of s) {
    if (c === " " || c === "\n" || c === "\t" || c === "(" || c === ")" || c === "{" || c === "}" || c === "\\") {
      out += "\\";
    }
    out += c;
  }
  return out;
}

/** A Datum as `length [ bytes ]`; pass-by-value ones always show the eight bytes of a Datum. */
export function outDatum(value: Datum, typlen: number, typbyval: boolean, typeOid: number): string {
  const { length, bytes } = datumToBytes(value, typlen, typbyval, typeOid);
  let out = `${length} [ `;
  for (let i = 0; i < bytes.length; i++) out += `${(bytes[i] << 24) >> 24} `;
  return out + "]";
}

function outList(list: readonly unknown[]): string {
  if (list.length === 0) return "<>";
  let out = "(";
  for (let i = 0; i < list.length; i++) {
    if (i > 0) out += " ";
    const item = list[i];
    out += Array.isArray(item) ? outList(item) : nodeText(item as Node | null);
  }
  return out + ")";
}

function outNumbers(tag: string, list: readonly number[]): string {
  if (list.length === 0) return "<>";
  return `(${tag} ${list.join(" ")})`;
}

function outBitmapset(set: readonly number[] | null): string {
  return set === null || set.length === 0 ? "(b)" : `(b ${set.join(" ")})`;
}

/** %.17g shortened to the shortest text that reads back the same, as double_to_shortest_decimal_buf writes it. */
function outFloat(x: number): string {
  if (Number.isNaN(x)) return "NaN";
  if (!Number.isFinite(x)) return x > 0 ? "Infinity" : "-Infinity";
  if (Object.is(x, -0)) return "-0";
  const e = x === 0 ? 0 : Math.floor(Math.log10(Math.abs(x)));
  if (e >= -5 && e < 15) {
    const s = String(x);
    return s.includes("e") ? x.toFixed(20).replace(/0+$/, "") : s;
  }
  return x.toExponential().replace(/e([+-])(\d)$/, "e$10$2");
}

function fieldText(node: Record<string, unknown>, f: NodeField): string {
  const v = node[f.name];
  switch (f.kind) {
    case "location":
      return "-1";
    case "int":
    case "oid":
      return String(v);
    case "bool":
      return v ? "true" : "false";
    case "node":
      return nodeText(v as Node | null);
    case "list":
      return outList(v as unknown[]);
    case "oidlist":
      return outNumbers("o", v as number[]);
    case "intlist":
      return outNumbers("i", v as number[]);
    case "bitmapset":
      return outBitmapset(v as number[] | null);
    case "enum":
      return String(NODE_ENUMS[f.enumType!][v as string]);
    case "string":
      return outToken(v as string | null);
    case "char":
      return v === "" || v === "\0" ? "<>" : outToken(v as string);
    case "float":
      return outFloat(v as number);
    case "intarray":
    case "oidarray":
      return (v as number[]).length === 0 ? "<>" : `(${(v as number[]).join(" ")} )`;
    case "boolarray":
      return (v as boolean[]).length === 0
        ? "<>"
        : `(${(v as boolean[]).map((b) => (b ? "true" : "false")).join(" ")} )`;
    case "datum":
    case "unknown":
      throw notBuilt(`writing field ${f.name} of a ${String(node.type)} node`);
    default:
      return assertNever(f.kind);
  }
}

function outFields(label: string, node: Record<string, unknown>, names?: readonly string[]): string {
  let out = "{" + label;
  const fields = NODE_FIELDS[node.type as string];
  if (names === undefined) {
    for (const f of fields) out += ` :${FIELD_LABEL[f.name] ?? f.name} ${fieldText(node, f)}`;
  } else {
    for (const name of names) {
      out += ` :${FIELD_LABEL[name] ?? name} ${fieldText(node, fields.find((f) => f.name === name)!)}`;
    }
  }
  return out + "}";
}
/** Fields that nodes.ts had to rename because a tag is called `type`. */
const FIELD_LABEL: Readonly<Record<string, string>> = { svftype: "type", fieldtype: "type" };

const RTE_COMMON = ["lateral", "inFromCl", "securityQuals"] as const;
/** Fields written for each kind of range table entry, in PostgreSQL's order; the reader uses the same table. */
export const RTE_FIELDS: Readonly<Record<RangeTblEntry["rtekind"], readonly string[]>> = {
  RTE_RELATION: ["relid", "inh", "relkind", "rellockmode", "perminfoindex", "tablesample"],
  RTE_SUBQUERY: ["subquery", "security_barrier", "relid", "inh", "relkind", "rellockmode", "perminfoindex"],
  RTE_JOIN: ["jointype", "joinmergedcols", "joinaliasvars", "joinleftcols", "joinrightcols", "join_using_alias"],
  RTE_FUNCTION: ["functions", "funcordinality"],
  RTE_TABLEFUNC: ["tablefunc"],
  RTE_VALUES: ["values_lists", "coltypes", "coltypmods", "colcollations"],
  RTE_CTE: ["ctename", "ctelevelsup", "self_reference", "coltypes", "coltypmods", "colcollations"],
  RTE_NAMEDTUPLESTORE: ["enrname", "enrtuples", "coltypes", "coltypmods", "colcollations", "relid"],
  RTE_RESULT: [],
  RTE_GROUP: ["groupexprs"],
};
export const RTE_HEAD = ["alias", "eref", "rtekind"] as const;
export const RTE_TAIL = RTE_COMMON;

const QUERY_FIELDS = NODE_FIELDS.Query.map((f) => f.name).filter((n) => n !== "queryId");
const CONST_FIELDS = ["consttype", "consttypmod", "constcollid", "constlen", "constbyval", "constisnull", "location"];

function outConst(node: Const): string {
  const head = outFields("CONST", node as unknown as Record<string, unknown>, CONST_FIELDS).slice(0, -1);
  const value = node.constisnull ? "<>" : outDatum(node.constvalue, node.constlen, node.constbyval, node.consttype);
  return `${head} :constvalue ${value}}`;
}

const BOOL_OPS = { AND_EXPR: "and", OR_EXPR: "or", NOT_EXPR: "not" } as const;

type Plain = Record<string, unknown>;
const CUSTOM: { readonly [K in NodeType]?: (node: Plain) => string } = {
  Const: (n) => outConst(n as unknown as Const),
  GroupingSet: (n) => {
    // The content is a list of sort group references for a simple set, of sets otherwise.
    const content = n.content as unknown[];
    const text = typeof content[0] === "number" ? outNumbers("i", content as number[]) : outList(content);
    return `{GROUPINGSET :kind ${NODE_ENUMS.GroupingSetKind[n.kind as string]} :content ${text} :location -1}`;
  },
  BoolExpr: (n) =>
    `{BOOLEXPR :boolop ${BOOL_OPS[n.boolop as keyof typeof BOOL_OPS]} :args ${outList(n.args as Node[])} :location -1}`,
  Query: (n) => outFields("QUERY", n, QUERY_FIELDS),
  RangeTblEntry: (n) =>
    outFields("RANGETBLENTRY", n, [...RTE_HEAD, ...RTE_FIELDS[n.rtekind as RangeTblEntry["rtekind"]], ...RTE_TAIL]),
  Integer: (n) => String(n.ival),
  Float: (n) => String(n.fval),
  Boolean: (n) => (n.boolval ? "true" : "false"),
  String: (n) => (n.sval === "" ? '""' : `"${outToken(n.sval as string)}"`),
  BitString: (n) => String(n.bsval),
};

const LABELS = new Map<string, string>();
for (const name of Object.keys(NODE_FIELDS)) LABELS.set(name, name.toUpperCase());

function nodeText(node: Node | null): string {
  if (node === null || node === undefined) return "<>";
  const custom = CUSTOM[node.type];
  if (custom !== undefined) return custom(node as unknown as Plain);
  const label = LABELS.get(node.type);
  if (label === undefined || node.type === "UtilityStmt") throw notBuilt(`storing a ${node.type} node`);
  return outFields(label, node as unknown as Plain);
}

/** PostgreSQL's text of a node, a list of nodes, or nothing (<>). */
export function nodeToString(node: Node | readonly Node[] | null): string {
  return Array.isArray(node) ? outList(node) : nodeText(node as Node | null);
}
