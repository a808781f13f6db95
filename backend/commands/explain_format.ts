/**
 * Output of EXPLAIN in its four formats: an ExplainState collects properties and groups.
 *
 * Follows src/backend/commands/explain_format.c.
 */
import type { DeparsePlanContext } from "./explain_deparse.ts";

export type ExplainFormat = "text" | "xml" | "json" | "yaml";

export interface ExplainState {
  out: string;
  verbose: boolean;
  analyze: boolean;
  costs: boolean;
  buffers: boolean;
  wal: boolean;
  timing: boolean;
  summary: boolean;
  memory: boolean;
  settings: boolean;
  generic: boolean;
  serialize: "none" | "text" | "binary";
  /** Our own: print the generated JavaScript. */
  generated: boolean;
  format: ExplainFormat;
  indent: number;
  groupingStack: number[];
  /** Of the statement being explained. */
  context: DeparsePlanContext | null;
  rtableSize: number;
  printedSubplans: Set<number>;
  hideWorkers: boolean;
}
export function newExplainState(): ExplainState {
  return {
    out: "",
    verbose: false,
    analyze: false,
    costs: true,
    buffers: false,
    wal: false,
    timing: false,
    summary: false,
    memory: false,
    settings: false,
    generic: false,
    serialize: "none",
    generated: false,
    format: "text",
    indent: 0,
    groupingStack: [],
    context: null,
    rtableSize: 0,
    printedSubplans: new Set(),
    hideWorkers: false,
  };
}

function escapeXml(s: string): string {
  return s.replace(/[&<>\r]/g, (c) => c === "&" ? "&amp;" : c === "<" ? "&lt;" : c === ">" ? "&gt;" : "&#x0d;");
}
function escapeJson(s: string): string {
  let out = '"';
  for (const c of s) {
    switch (c) {
      case "\b":
        out += "\\b";
        break;
      case "\f":
        out += "\\f";
        break;
      case "\n":
        out += "\\n";
        break;
      case "\r":
        out += "\\r";
        break;
      case "\t":
        out += "\\t";
        break;
      case '"':
        out += '\\"';
        break;
      case "\\":
        out += "\\\\";
        break;
      default:
        out += c < " " ? "\\u" + c.charCodeAt(0).toString(16).padStart(4, "0") : c;
    }
  }
  return out + '"';
}
function xmlTag(name: string): string {
  let out = "";
  for (const c of name) out += /[A-Za-z0-9.\-]/.test(c) ? c : "-";
  return out;
}

export function explainIndentText(es: ExplainState): void {
  if (es.out === "" || es.out.endsWith("\n")) es.out += " ".repeat(es.indent * 2);
}
function jsonLineEnding(es: ExplainState): void {
  const top = es.groupingStack.length - 1;
  if (es.groupingStack[top] !== 0) es.out += ",";
  else es.groupingStack[top] = 1;
  es.out += "\n";
}
function yamlLineStarting(es: ExplainState): void {
  const top = es.groupingStack.length - 1;
  if (es.groupingStack[top] === 0) es.groupingStack[top] = 1;
  else es.out += "\n" + " ".repeat(es.indent * 2);
}

function property(label: string, unit: string | null, value: string, numeric: boolean, es: ExplainState): void {
  switch (es.format) {
    case "text":
      explainIndentText(es);
      es.out += unit !== null ? `${label}: ${value} ${unit}\n` : `${label}: ${value}\n`;
      break;
    case "xml":
      es.out += `${" ".repeat(2 * es.indent)}<${xmlTag(label)}>${escapeXml(value)}</${xmlTag(label)}>\n`;
      break;
    case "json":
      jsonLineEnding(es);
      es.out += `${" ".repeat(es.indent * 2)}${escapeJson(label)}: ${numeric ? value : escapeJson(value)}`;
      break;
    case "yaml":
      yamlLineStarting(es);
      es.out += `${label}: ${numeric ? value : escapeJson(value)}`;
  }
}
export function explainPropertyText(label: string, value: string, es: ExplainState): void {
  property(label, null, value, false, es);
}
export function explainPropertyInteger(label: string, unit: string | null, value: number, es: ExplainState): void {
  property(label, unit, String(Math.round(value)), true, es);
}
/** printf's %.*f: exact ties go to the even digit, where toFixed takes the larger. */
export function fixed(value: number, digits: number): string {
  const s = value.toFixed(digits);
  const scaled = value * 10 ** digits;
  // A tie is exact only for small binary fractions, where the product is exact too.
  if (Math.abs(scaled % 1) === 0.5 && scaled / 10 ** digits === value && Number.isInteger(value * 2 ** (digits + 1))) {
    const down = Math.floor(scaled);
    return ((down % 2 === 0 ? down : down + 1) / 10 ** digits).toFixed(digits);
  }
  return s;
}
export function explainPropertyFloat(
  label: string,
  unit: string | null,
  value: number,
  digits: number,
  es: ExplainState,
): void {
  property(label, unit, fixed(value, digits), true, es);
}
export function explainPropertyBool(label: string, value: boolean, es: ExplainState): void {
  property(label, null, value ? "true" : "false", true, es);
}
export function explainPropertyList(label: string, values: readonly string[], es: ExplainState): void {
  switch (es.format) {
    case "text":
      explainIndentText(es);
      es.out += `${label}: ${values.join(", ")}\n`;
      break;
    case "xml":
      explainXmlTag(label, es, "open");
      for (const v of values) es.out += `${" ".repeat(es.indent * 2 + 2)}<Item>${escapeXml(v)}</Item>\n`;
      explainXmlTag(label, es, "close");
      break;
    case "json":
      jsonLineEnding(es);
      es.out += `${" ".repeat(es.indent * 2)}${escapeJson(label)}: [${values.map(escapeJson).join(", ")}]`;
      break;
    case "yaml":
      yamlLineStarting(es);
      es.out += `${label}: `;
      for (const v of values) es.out += `\n${" ".repeat(es.indent * 2 + 2)}- ${escapeJson(v)}`;
  }
}
/** A list inside a list: one grouping set's columns. */
export function explainPropertyListNested(label: string, values: readonly string[], es: ExplainState): void {
  switch (es.format) {
    case "json":
      jsonLineEnding(es);
      es.out += `${" ".repeat(es.indent * 2)}[${values.map(escapeJson).join(", ")}]`;
      break;
    case "yaml":
      yamlLineStarting(es);
      es.out += `- [${values.map(escapeJson).join(", ")}]`;
      break;
    default:
      explainPropertyList(label, values, es);
  }
}
function explainXmlTag(name: string, es: ExplainState, kind: "open" | "close" | "empty"): void {
  es.out += " ".repeat(2 * es.indent) + (kind === "close" ? "</" : "<") + xmlTag(name) +
    (kind === "empty" ? " />" : ">") + "\n";
}

/** `labeled`: an object of properties; otherwise an array. */
export function explainOpenGroup(objtype: string, labelname: string | null, labeled: boolean, es: ExplainState): void {
  switch (es.format) {
    case "text":
      break;
    case "xml":
      explainXmlTag(objtype, es, "open");
      es.indent++;
      break;
    case "json":
      jsonLineEnding(es);
      es.out += " ".repeat(2 * es.indent);
      if (labelname !== null) es.out += `${escapeJson(labelname)}: `;
      es.out += labeled ? "{" : "[";
      es.groupingStack.push(0);
      es.indent++;
      break;
    case "yaml":
      yamlLineStarting(es);
      if (labelname !== null) {
        es.out += `${labelname}: `;
        es.groupingStack.push(1);
      } else {
        es.out += "- ";
        es.groupingStack.push(0);
      }
      es.indent++;
  }
}
export function explainCloseGroup(
  objtype: string,
  _labelname: string | null,
  labeled: boolean,
  es: ExplainState,
): void {
  switch (es.format) {
    case "text":
      break;
    case "xml":
      es.indent--;
      explainXmlTag(objtype, es, "close");
      break;
    case "json":
      es.indent--;
      es.out += "\n" + " ".repeat(2 * es.indent) + (labeled ? "}" : "]");
      es.groupingStack.pop();
      break;
    case "yaml":
      es.indent--;
      es.groupingStack.pop();
  }
}
export function explainDummyGroup(objtype: string, es: ExplainState): void {
  switch (es.format) {
    case "text":
      break;
    case "xml":
      explainXmlTag(objtype, es, "empty");
      break;
    case "json":
      jsonLineEnding(es);
      es.out += " ".repeat(2 * es.indent) + escapeJson(objtype);
      break;
    case "yaml":
      yamlLineStarting(es);
      es.out += `- ${escapeJson(objtype)}`;
  }
}
export function explainBeginOutput(es: ExplainState): void {
  switch (es.format) {
    case "text":
      break;
    case "xml":
      es.out += '<explain xmlns="http://www.postgresql.org/2009/explain">\n';
      es.indent++;
      break;
    case "json":
      es.out += "[";
      es.groupingStack.unshift(0);
      es.indent++;
      break;
    case "yaml":
      es.groupingStack.unshift(0);
  }
}
export function explainEndOutput(es: ExplainState): void {
  switch (es.format) {
    case "text":
      break;
    case "xml":
      es.indent--;
      es.out += "</explain>";
      break;
    case "json":
      es.indent--;
      es.out += "\n]";
      es.groupingStack.shift();
      break;
    case "yaml":
      es.groupingStack.shift();
  }
}
export function explainSeparatePlans(es: ExplainState): void {
  if (es.format === "text") es.out += "\n";
}
