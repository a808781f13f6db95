/**
 * Generates backend/nodes/{nodes,node_fields}.ts from the facts in PostgreSQL's node headers: names, order and types
 * of fields, enum members. Usage: deno run -A tools/gen_nodes.ts <include/server directory of PostgreSQL 18>
 */
const dir = Deno.args[0] + "/nodes/";
const PARSENODES = new Set(
  ("Query RangeTblEntry RTEPermissionInfo RangeTblFunction TableSampleClause WithCheckOption SortGroupClause GroupingSet " +
    "WindowClause RowMarkClause CTESearchClause CTECycleClause CommonTableExpr MergeAction SetOperationStmt " +
    "PartitionBoundSpec PartitionRangeDatum").split(" "),
);
const SKIP = new Set(["Expr", "Node", "Plan", "Scan", "Join"]);
const OID_LISTS = new Set(
  ("coltypes colcollations funccoltypes funccolcollations ctecoltypes ctecolcollations colTypes colCollations constraintDeps aggargtypes " +
    "opnos opfamilies inputcollids relationOids indexorderbyops paramExecTypes hashoperators hashcollations mergeFamilies mergeCollations indexorderbyops arbiterIndexes")
    .split(" "),
);
const INT_LISTS = new Set(
  ("coltypmods funccoltypmods ctecoltypmods colTypmods joinleftcols joinrightcols content refs cols setParam parParam paramIds " +
    "resultRelations unprunableRelids mergeTargetRelations epqParam rowMarkIds distinctColIdx allAttrs " +
    "updateColnosInts fieldnums updateColnos onConflictCols").split(" "),
);
/** Element types of node lists, by field name. */
const LIST_OF: Record<string, string> = {
  cteList: "CommonTableExpr",
  rtable: "RangeTblEntry",
  rteperminfos: "RTEPermissionInfo",
  permInfos: "RTEPermissionInfo",
  targetList: "TargetEntry",
  targetlist: "TargetEntry",
  returningList: "TargetEntry",
  groupClause: "SortGroupClause",
  windowClause: "WindowClause",
  distinctClause: "SortGroupClause",
  sortClause: "SortGroupClause",
  rowMarks: "Node",
  groupingSets: "GroupingSet",
  withCheckOptions: "WithCheckOption",
  mergeActionList: "MergeAction",
  colnames: "StringValue",
  functions: "RangeTblFunction",
  partitionClause: "SortGroupClause",
  orderClause: "SortGroupClause",
  aggorder: "SortGroupClause",
  aggdistinct: "SortGroupClause",
  groupClauses: "SortGroupClause",
  ctecolnames: "StringValue",
  aliascolnames: "StringValue",
  fromlist: "Node",
  subplans: "Node",
  plans: "Node",
  bitmapplans: "Node",
  appendplans: "Node",
  mergeplans: "Node",
  onConflictSet: "TargetEntry",
  exclRelTlist: "TargetEntry",
  indextlist: "TargetEntry",
  values_lists: "Node[]",
  distinctClauseX: "SortGroupClause",
  updateColnosLists: "number[]",
  withCheckOptionLists: "WithCheckOption[]",
  returningLists: "TargetEntry[]",
};
type Field = { name: string; kind: string; ts: string; enumType?: string; ctype: string; equalIgnore?: boolean };
const structs = new Map<string, Field[]>();
const supers = new Map<string, string>();
const enums = new Map<string, string[]>();
const order: string[] = [];

for (
  const file of [
    "../access/sdir.h",
    "../access/cmptype.h",
    "nodes.h",
    "lockoptions.h",
    "primnodes.h",
    "parsenodes.h",
    "plannodes.h",
    "value.h",
  ]
) {
  let text = Deno.readTextFileSync(dir + file);
  text = text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^#.*$/gm, "");
  for (const m of text.matchAll(/typedef enum (\w+)?\s*\{([\s\S]*?)\}\s*(\w+);/g)) {
    let n = 0;
    const members: string[] = [];
    for (const part of m[2].split(",")) {
      const e = part.trim().match(/^(\w+)(?:\s*=\s*([\s\S]+))?$/);
      if (!e) continue;
      if (e[2] !== undefined) {
        const v = e[2].trim();
        const sh = v.match(/^\(?(\d+)\s*<<\s*(\d+)\)?$/);
        n = sh ? Number(sh[1]) << Number(sh[2]) : Number.isNaN(Number(v)) ? evalOr(v) : Number(v);
      }
      members.push(`${e[1]}=${n}`);
      n++;
    }
    enums.set(m[3], members);
  }
  for (const m of text.matchAll(/typedef struct (\w+)\s*\{([\s\S]*?)\n\}\s*(\w+);/g)) {
    const name = m[3];
    const fields: Field[] = [];
    let body = m[2].replace(/pg_node_attr\(abstract\)/g, "");
    body = body.replace(/^\s*pg_node_attr\([^;]*?\)\s*\n(?=\s*\n|\s*\w+\s)/, "");
    if (file === "value.h") body = body.replace(/union ValUnion[\s\S]*/, "");
    let first = true;
    for (const raw of body.split(";")) {
      const attr = raw.match(/pg_node_attr\(([\s\S]*)\)\s*$/)?.[1] ?? "";
      const d = raw.replace(/pg_node_attr\([\s\S]*$/, "").trim().replace(/\s+/g, " ");
      if (!d) continue;
      const f = d.match(/^(?:const )?(?:struct )?((?:unsigned )?\w+) (\**)(\w+)(\[\w+\])?$/);
      if (!f) {
        console.error("skip", name, d);
        continue;
      }
      const [, ctype, star, fname] = f;
      if (first && (fname === "type" || ctype === "NodeTag")) {
        first = false;
        continue;
      }
      if (first && !star && /^(Expr|Plan|Scan|Join|Node)$/.test(ctype)) {
        supers.set(name, ctype);
        first = false;
        continue;
      }
      if (first && !star && structs.has(ctype)) {
        supers.set(name, ctype);
        first = false;
        continue;
      }
      first = false;
      fields.push(makeField(fname, ctype, star ?? "", attr));
    }
    structs.set(name, fields);
    order.push(name);
    if (file === "parsenodes.h" && !PARSENODES.has(name)) SKIP.add(name);
    if (["ValUnion"].includes(name)) SKIP.add(name);
  }
}
/** Nodes that are another one under a tag of their own (typedef OpExpr DistinctExpr). */
for (const [copy, of] of [["DistinctExpr", "OpExpr"], ["NullIfExpr", "OpExpr"]]) {
  structs.set(copy, structs.get(of)!);
  supers.set(copy, supers.get(of)!);
  order.splice(order.indexOf(of) + 1, 0, copy);
}
function evalOr(v: string): number {
  let r = 0;
  for (const p of v.split("|")) {
    const t = p.trim();
    for (const ms of enums.values()) for (const x of ms) if (x.startsWith(t + "=")) r |= Number(x.split("=")[1]);
    const known: Record<string, number> = {
      AGGSPLITOP_COMBINE: 1,
      AGGSPLITOP_SKIPFINAL: 2,
      AGGSPLITOP_SERIALIZE: 4,
      AGGSPLITOP_DESERIALIZE: 8,
    };
    if (known[t]) r |= known[t];
  }
  return r;
}
function makeField(name: string, ctype: string, star: string, attr: string): Field {
  const equalIgnore = attr.includes("equal_ignore") || ctype === "ParseLoc";
  const base = { name, ctype, equalIgnore };
  if (ctype === "List" && star === "*") {
    if (OID_LISTS.has(name)) return { ...base, kind: "oidlist", ts: "Oid[]" };
    if (INT_LISTS.has(name)) return { ...base, kind: "intlist", ts: "number[]" };
    return { ...base, kind: "list", ts: `${LIST_OF[name] ?? "Node"}[]` };
  }
  if (ctype === "Bitmapset" || ctype === "Relids") return { ...base, kind: "bitmapset", ts: "Bitmapset" };
  if (ctype === "char" && star === "*") return { ...base, kind: "string", ts: "string | null" };
  if (ctype === "char") return { ...base, kind: "char", ts: "string" };
  if (ctype === "bool" && !star) return { ...base, kind: "bool", ts: "boolean" };
  if (ctype === "Datum") return { ...base, kind: "datum", ts: "Datum" };
  if (star === "*" && /^(AttrNumber|Oid|int|bool|double|Cardinality)$/.test(ctype)) {
    return {
      ...base,
      kind: ctype === "bool" ? "boolarray" : ctype === "Oid" ? "oidarray" : "intarray",
      ts: ctype === "bool" ? "boolean[]" : "number[]",
    };
  }
  if (
    !star &&
    /^(int|int16|int32|int64|uint32|uint64|Index|AttrNumber|long|SubTransactionId|StrategyNumber|ParseLoc|bits32|AclMode|unsigned int)$/
      .test(ctype)
  ) {
    return { ...base, kind: ctype === "ParseLoc" ? "location" : "int", ts: "number" };
  }
  if (!star && ctype === "Oid") return { ...base, kind: "oid", ts: "Oid" };
  if (!star && /^(double|Cost|Cardinality|Selectivity|float8)$/.test(ctype)) {
    return { ...base, kind: "float", ts: "number" };
  }
  if (!star && enums.has(ctype)) return { ...base, kind: "enum", ts: ctype, enumType: ctype };
  if (star) return { ...base, kind: "node", ts: `${/^(Node|Expr)$/.test(ctype) ? "Node" : ctype} | null` };
  return { ...base, kind: "unknown", ts: "unknown" };
}
function allFields(name: string): Field[] {
  const s = supers.get(name);
  const own = structs.get(name) ?? [];
  return s && s !== "Expr" && s !== "Node" ? [...allFields(s), ...own] : own;
}
/** Value nodes get a suffix, so as not to hide the globals; a field called `type` would hide the tag. */
function tsName(n: string): string {
  return ["Integer", "Float", "Boolean", "String", "BitString"].includes(n) ? n + "Value" : n;
}
function tsField(n: string, f: string): string {
  return f === "type" ? (n === "SQLValueFunction" ? "svftype" : "fieldtype") : f;
}
const kept = order.filter((n) => !SKIP.has(n));
const keptSet = new Set(kept);
const usedEnums = new Set<string>();
for (const n of kept) for (const f of allFields(n)) if (f.enumType) usedEnums.add(f.enumType);
for (const e of ["ScanDirection", "AggStrategy"]) if (enums.has(e)) usedEnums.add(e);

let out = `/**
 * Node types of analyzed queries, expressions and plans, under PostgreSQL's names and with its fields in its order.
 *
 * GENERATED by tools/gen_nodes.ts from src/include/nodes/{primnodes,parsenodes,plannodes,value}.h (PostgreSQL 18).
 * A node is { type: "Var", … }. Abstract parents are flattened (Plan, Scan and Join fields stand in each plan node).
 * Make nodes with makeNode() of make_node.ts, which fills in the defaults. Utility statements keep libpg-query's shape
 * and are carried as UtilityStmt.
 */
import type { Oid } from "../../base/types.ts";
import type { Datum } from "../utils/fmgr/datum.ts";

/** Ascending members; null is the empty set. */
export type Bitmapset = readonly number[] | null;

/** A raw utility statement of the parser: { CreateStmt: {…} }. */
export interface UtilityStmt {
  type: "UtilityStmt";
  /** libpg-query node, one key: its statement type. */
  stmt: Readonly<Record<string, unknown>>;
}
`;
for (const e of [...usedEnums].sort()) {
  out += `export type ${e} = ${enums.get(e)!.map((m) => `"${m.split("=")[0]}"`).join(" | ")};\n`;
}
out += "\n";
for (const n of kept) {
  out += `export interface ${tsName(n)} {\n  type: "${n}";\n`;
  for (const f of allFields(n)) {
    let ts = f.ts;
    for (const ref of ts.matchAll(/[A-Z]\w+/g)) {
      const r = ref[0].replace(/Value$/, "");
      if (!keptSet.has(r) && !usedEnums.has(r) && !["Node", "Plan", "Oid", "Bitmapset", "Datum"].includes(r)) {
        ts = ts.replace(r, "Node");
      }
    }
    out += `  ${tsField(n, f.name)}: ${ts};\n`;
  }
  out += "}\n";
}
// The one planner node that stands in expressions.
out += `/** Planner only: an expression evaluated below an outer join. From src/include/nodes/pathnodes.h. */
export interface PlaceHolderVar {
  type: "PlaceHolderVar";
  phexpr: Node | null;
  phrels: Bitmapset;
  phnullingrels: Bitmapset;
  phid: number;
  phlevelsup: number;
}\n`;
out += `\nexport interface NodeMap {\n  PlaceHolderVar: PlaceHolderVar;\n${
  kept.map((n) => `  ${n}: ${tsName(n)};`).join("\n")
}\n  UtilityStmt: UtilityStmt;\n}\nexport type NodeType = keyof NodeMap;\nexport type Node = NodeMap[NodeType];\n`;
const exprs = kept.filter((n) => supers.get(n) === "Expr" || n === "Aggref");
out += `/** Every node that can stand in an expression. */\nexport type Expr = ${exprs.join(" | ")};\n`;
const planOf = (n: string): boolean => n === "Plan" || (supers.has(n) && planOf(supers.get(n)!));
out += `/** Every plan node. */\nexport type Plan = ${kept.filter(planOf).join(" | ")};\n`;
Deno.writeTextFileSync("backend/nodes/nodes.ts", out);

let meta = `/**
 * Field tables of all node types: drive nodeToString, stringToNode, equal, copy, walkers and makeNode.
 *
 * GENERATED by tools/gen_nodes.ts. One line a field: [name, kind, equalIgnore?, enum type]. Order is PostgreSQL's.
 */
export type FieldKind = "list" | "oidlist" | "intlist" | "bitmapset" | "string" | "char" | "bool" | "datum" | "boolarray" | "oidarray"
  | "intarray" | "location" | "int" | "oid" | "float" | "enum" | "node" | "unknown";
export interface NodeField {
  readonly name: string;
  readonly kind: FieldKind;
  readonly equalIgnore?: true;
  readonly enumType?: string;
}
/** Enum members with their numbers, which is what node texts hold. */
export const NODE_ENUMS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
`;
for (const e of [...usedEnums].sort()) {
  meta += `  ${e}: { ${enums.get(e)!.map((m) => m.replace("=", ": ")).join(", ")} },\n`;
}
meta += "};\n\nexport const NODE_FIELDS: Readonly<Record<string, readonly NodeField[]>> = {\n";
meta += `  PlaceHolderVar: [
    { name: "phexpr", kind: "node", equalIgnore: true },
    { name: "phrels", kind: "bitmapset", equalIgnore: true },
    { name: "phnullingrels", kind: "bitmapset" },
    { name: "phid", kind: "int" },
    { name: "phlevelsup", kind: "int" },
  ],\n`;
for (const n of kept) {
  meta += `  ${n}: [\n`;
  for (const f of allFields(n)) {
    meta += `    { name: "${tsField(n, f.name)}", kind: "${f.kind}"${f.equalIgnore ? ", equalIgnore: true" : ""}${
      f.enumType ? `, enumType: "${f.enumType}"` : ""
    } },\n`;
  }
  meta += "  ],\n";
}
meta += "};\n";
Deno.writeTextFileSync("backend/nodes/node_fields.ts", meta);
