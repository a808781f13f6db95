/**
 * What deparsing carries along: namespaces (range tables with the names that were chosen for them) and the output with
 * its layout. Column names are chosen in ruleutils_columns.ts. Follows src/backend/utils/adt/ruleutils.c.
 */
import type { CommonTableExpr, Node, Plan, RangeTblEntry, TargetEntry, WindowClause } from "../../nodes/nodes.ts";

export const PRETTYFLAG_PAREN = 0x0001;
export const PRETTYFLAG_INDENT = 0x0002;
export const PRETTYFLAG_SCHEMA = 0x0004;
export const PRETTYINDENT_STD = 8;
const PRETTYINDENT_LIMIT = 40;
export const PRETTYINDENT_VAR = 4;
export const PRETTYINDENT_JOIN = 4;

/** Column names chosen for one range table entry. */
export interface DeparseColumns {
  /** By attribute number - 1; null: dropped, or not chosen yet. */
  colnames: (string | null)[];
  /** What the entry would have if it were parsed again now. */
  newColnames: string[];
  isNewCol: boolean[];
  printaliases: boolean;
  parentUsing: string[];
  leftrti: number;
  rightrti: number;
  leftattnos: number[];
  rightattnos: number[];
  usingNames: string[];
}
export function newDeparseColumns(): DeparseColumns {
  return {
    colnames: [],
    newColnames: [],
    isNewCol: [],
    printaliases: false,
    parentUsing: [],
    leftrti: 0,
    rightrti: 0,
    leftattnos: [],
    rightattnos: [],
    usingNames: [],
  };
}

/** One query level, or one plan with the node that is being deparsed. */
export interface DeparseNamespace {
  rtable: readonly RangeTblEntry[];
  rtableNames: (string | null)[];
  rtableColumns: DeparseColumns[];
  ctes: readonly CommonTableExpr[];
  subplans: readonly (Plan | null)[];
  retOldAlias: string | null;
  retNewAlias: string | null;
  uniqueUsing: boolean;
  usingNames: string[];
  // For plans
  plan: Plan | null;
  ancestors: readonly Node[];
  outerPlan: Plan | null;
  innerPlan: Plan | null;
  outerTlist: readonly TargetEntry[];
  innerTlist: readonly TargetEntry[];
  indexTlist: readonly TargetEntry[];
  /** For a SQL function's body. */
  funcname: string | null;
  argnames: readonly string[] | null;
}
export function newDeparseNamespace(): DeparseNamespace {
  return {
    rtable: [],
    rtableNames: [],
    rtableColumns: [],
    ctes: [],
    subplans: [],
    retOldAlias: null,
    retNewAlias: null,
    uniqueUsing: false,
    usingNames: [],
    plan: null,
    ancestors: [],
    outerPlan: null,
    innerPlan: null,
    outerTlist: [],
    innerTlist: [],
    indexTlist: [],
    funcname: null,
    argnames: null,
  };
}

export interface DeparseContext {
  buf: string;
  /** Innermost first. */
  namespaces: DeparseNamespace[];
  /** Names of the result columns of the view, at its top level. */
  resultNames: readonly string[] | null;
  targetList: readonly TargetEntry[];
  windowClause: readonly WindowClause[];
  prettyFlags: number;
  wrapColumn: number;
  indentLevel: number;
  varprefix: boolean;
  colNamesVisible: boolean;
  inGroupBy: boolean;
  varInOrderBy: boolean;
}
export function newDeparseContext(
  namespaces: DeparseNamespace[],
  varprefix: boolean,
  prettyFlags: number,
): DeparseContext {
  return {
    buf: "",
    namespaces,
    resultNames: null,
    targetList: [],
    windowClause: [],
    prettyFlags,
    wrapColumn: -1,
    indentLevel: 0,
    varprefix,
    colNamesVisible: true,
    inGroupBy: false,
    varInOrderBy: false,
  };
}
export function prettyParen(c: DeparseContext): boolean {
  return (c.prettyFlags & PRETTYFLAG_PAREN) !== 0;
}
export function prettyIndent(c: DeparseContext): boolean {
  return (c.prettyFlags & PRETTYFLAG_INDENT) !== 0;
}

/** appendContextKeyword: a keyword on a line of its own if the output is indented. */
export function appendContextKeyword(
  c: DeparseContext,
  str: string,
  indentBefore: number,
  indentAfter: number,
  indentPlus: number,
): void {
  if (!prettyIndent(c)) {
    c.buf += str;
    return;
  }
  c.indentLevel += indentBefore;
  c.buf = c.buf.replace(/ +$/, "") + "\n";
  let amount: number;
  if (c.indentLevel < PRETTYINDENT_LIMIT) amount = Math.max(c.indentLevel, 0) + indentPlus;
  else {
    amount = PRETTYINDENT_LIMIT + Math.trunc((c.indentLevel - PRETTYINDENT_LIMIT) / (PRETTYINDENT_STD / 2));
    amount %= PRETTYINDENT_LIMIT;
    amount += indentPlus;
  }
  c.buf += " ".repeat(amount) + str;
  c.indentLevel += indentAfter;
  if (c.indentLevel < 0) c.indentLevel = 0;
}

/** Runs `f` with an empty buffer and returns what it wrote. */
export function captured(c: DeparseContext, f: () => void): string {
  const saved = c.buf;
  c.buf = "";
  f();
  const out = c.buf;
  c.buf = saved;
  return out;
}
