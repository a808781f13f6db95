/**
 * stringToNode: reads back what nodeToString wrote. Locations become -1.
 *
 * One pass over the string with a cursor; tokens are cut as pg_strtok() does (white space ends a token; parentheses and
 * braces stand alone; a backslash protects the next character). Follows src/backend/nodes/{read,readfuncs}.c.
 */
import type { Const, Node, RangeTblEntry } from "./nodes.ts";
import { NODE_ENUMS, NODE_FIELDS } from "./node_fields.ts";
import type { NodeField } from "./node_fields.ts";
import { makeNode } from "./make_node.ts";
import { PgError } from "../../base/error.ts";
import { assertNever } from "../../base/assert.ts";
import { bytesToDatum } from "./datum_bytes.ts";
import { RTE_FIELDS, RTE_HEAD, RTE_TAIL } from "./outfuncs.ts";

let src = "";
let pos = 0;

function broken(what: string): PgError {
  return new PgError({ message: `${what} in a stored node tree`, routine: "nodeRead" });
}

/** Next token with its escapes, or null at the end. */
function token(): string | null {
  const n = src.length;
  while (pos < n) {
    const c = src.charCodeAt(pos);
    if (c !== 32 && c !== 10 && c !== 9) break;
    pos++;
  }
  if (pos >= n) return null;
  const start = pos;
  const first = src.charCodeAt(pos);
  if (first === 40 || first === 41 || first === 123 || first === 125) {
    pos++;
    return src[start];
  }
  while (pos < n) {
    const c = src.charCodeAt(pos);
    if (c === 32 || c === 10 || c === 9 || c === 40 || c === 41 || c === 123 || c === 125) break;
    pos += c === 92 && pos + 1 < n ? 2 : 1;
  }
  return src.slice(start, pos);
}
function expectToken(): string {
  const t = token();
  if (t === null) throw broken("unexpected end");
  return t;
}
function debackslash(t: string): string {
  return t.includes("\\") ? t.replace(/\\([\s\S])/g, "$1") : t;
}

const LABEL_TO_TYPE = new Map<string, string>();
for (const name of Object.keys(NODE_FIELDS)) LABEL_TO_TYPE.set(name.toUpperCase(), name);
const ENUM_NAMES = new Map<string, ReadonlyMap<number, string>>();
for (const [name, members] of Object.entries(NODE_ENUMS)) {
  ENUM_NAMES.set(name, new Map(Object.entries(members).map(([k, v]) => [v, k])));
}

function readListItems(): { items: unknown[]; kind: "node" | "i" | "o" | "b" | "x" } {
  const items: unknown[] = [];
  let t = expectToken();
  if ((t === "i" || t === "o" || t === "b" || t === "x") && items.length === 0) {
    const kind = t;
    for (;;) {
      t = expectToken();
      if (t === ")") return { items, kind };
      items.push(Number(t));
    }
  }
  for (;;) {
    if (t === ")") return { items, kind: "node" };
    items.push(readValue(t));
    t = expectToken();
  }
}

/** A node, value node, list or null that starts with the token `t`. */
function readValue(t: string): unknown {
  const c = t.charCodeAt(0);
  if (t === "{") return readNode();
  if (t === "(") return readListItems().items;
  if (t === "<>") return null;
  if (c === 34) {
    return makeNode("String", { sval: t === '""' ? "" : debackslash(t.slice(1, -1)) });
  }
  if (t === "true" || t === "false") return makeNode("Boolean", { boolval: t === "true" });
  if (c === 98 || c === 120) return makeNode("BitString", { bsval: t });
  if (/^[+-]?\d+$/.test(t)) {
    const n = Number(t);
    if (n >= -2147483648 && n <= 2147483647) return makeNode("Integer", { ival: n });
  }
  if (/^[+-]?[\d.]/.test(t)) return makeNode("Float", { fval: t });
  throw broken(`unrecognized token "${t}"`);
}

function readNumbers(): number[] {
  const t = expectToken();
  if (t === "<>") return [];
  return readListItems().items as number[];
}

/** An array field: `(1 2 3 )` or <>. */
function readArray(): string[] {
  const t = expectToken();
  if (t === "<>") return [];
  const out: string[] = [];
  for (;;) {
    const x = expectToken();
    if (x === ")") return out;
    out.push(x);
  }
}

function readString(): string | null {
  const t = expectToken();
  if (t === "<>") return null;
  if (t === '""') return "";
  return debackslash(t);
}

function readField(f: NodeField): unknown {
  switch (f.kind) {
    case "location":
      expectToken();
      return -1;
    case "int":
    case "oid":
    case "float":
      return Number(expectToken());
    case "bool":
      return expectToken() === "true";
    case "node":
      return readValue(expectToken());
    case "list":
      return readValue(expectToken()) ?? [];
    case "oidlist":
    case "intlist":
      return readNumbers();
    case "bitmapset": {
      const set = readNumbers();
      return set.length === 0 ? null : set;
    }
    case "enum": {
      const n = Number(expectToken());
      const name = ENUM_NAMES.get(f.enumType!)!.get(n);
      if (name === undefined) throw broken(`unknown ${f.enumType} ${n}`);
      return name;
    }
    case "string":
      return readString();
    case "char":
      return readString() ?? "";
    case "intarray":
    case "oidarray":
      return readArray().map(Number);
    case "boolarray":
      return readArray().map((x) => x === "true");
    case "datum":
    case "unknown":
      throw broken(`field ${f.name}`);
    default:
      return assertNever(f.kind);
  }
}

const LABEL_OF_FIELD: Readonly<Record<string, string>> = { svftype: "type", fieldtype: "type" };

function readFields(type: string, into: Record<string, unknown>, names?: readonly string[]): void {
  const fields = NODE_FIELDS[type];
  if (names === undefined) {
    for (const f of fields) {
      skipLabel(f.name);
      into[f.name] = readField(f);
    }
  } else {
    for (const name of names) {
      skipLabel(name);
      into[name] = readField(fields.find((f) => f.name === name)!);
    }
  }
}
function skipLabel(name: string): void {
  const t = token();
  const label = LABEL_OF_FIELD[name] ?? name;
  if (t === null || t.length !== label.length + 1 || t.slice(1) !== label) {
    throw broken(`expected ":${label}" but found "${t}"`);
  }
}

const CONST_FIELDS = ["consttype", "consttypmod", "constcollid", "constlen", "constbyval", "constisnull", "location"];
const QUERY_FIELDS = NODE_FIELDS.Query.map((f) => f.name).filter((n) => n !== "queryId");
const BOOL_OPS: Readonly<Record<string, string>> = { and: "AND_EXPR", or: "OR_EXPR", not: "NOT_EXPR" };

function readConst(into: Record<string, unknown>): void {
  readFields("Const", into, CONST_FIELDS);
  skipLabel("constvalue");
  const c = into as unknown as Const;
  const first = expectToken();
  if (first === "<>") {
    c.constvalue = null;
    return;
  }
  const length = Number(first);
  expectToken(); // [
  const bytes = new Uint8Array(c.constbyval ? 8 : length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = Number(expectToken());
  expectToken(); // ]
  c.constvalue = bytesToDatum(bytes, c.constlen, c.constbyval, c.consttype);
}

function readNode(): Node {
  const label = expectToken();
  const type = LABEL_TO_TYPE.get(label);
  if (type === undefined) throw broken(`unrecognized node type "${label}"`);
  const node = makeNode(type as Node["type"]) as unknown as Record<string, unknown>;
  switch (type) {
    case "Const":
      readConst(node);
      break;
    case "BoolExpr":
      skipLabel("boolop");
      node.boolop = BOOL_OPS[expectToken()];
      readFields(type, node, ["args", "location"]);
      break;
    case "GroupingSet":
      readFields(type, node, ["kind"]);
      skipLabel("content");
      node.content = readValue(expectToken()) ?? [];
      readFields(type, node, ["location"]);
      break;
    case "Query":
      readFields(type, node, QUERY_FIELDS);
      break;
    case "RangeTblEntry":
      readFields(type, node, RTE_HEAD);
      readFields(type, node, RTE_FIELDS[node.rtekind as RangeTblEntry["rtekind"]]);
      readFields(type, node, RTE_TAIL);
      break;
    default:
      readFields(type, node);
  }
  if (token() !== "}") throw broken(`did not find "}" at the end of ${label}`);
  return node as unknown as Node;
}

/** The node, list of nodes (an array) or null that `text` holds. */
export function stringToNode(text: string): Node | Node[] | null {
  const savedSrc = src;
  const savedPos = pos;
  src = text;
  pos = 0;
  try {
    return readValue(expectToken()) as Node | Node[] | null;
  } finally {
    src = savedSrc;
    pos = savedPos;
  }
}
