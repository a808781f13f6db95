/**
 * One plan node in EXPLAIN: its line, its conditions, its children. Follows ExplainNode() of src/backend/commands/explain.c.
 */
import type { QueryInstrumentation } from "../executor/exec_instrument.ts";
import { functionDisplayName, getRelationName, getSchemaName } from "./explain_names.ts";
import type { Node, Plan, RangeTblEntry, SubPlan } from "../nodes/nodes.ts";
import { showAggKeys, showGroupingSets, showGroupKeys, showSortKeys, showWindowKeys } from "./explain_keys.ts";
import { deparsePlanExpr } from "./explain_deparse.ts";
import {
  showFiltered,
  showHeapBlocks,
  showIndexSearches,
  showNodeInstrumentation,
  showSpecialInstrumentation,
} from "./explain_instrument.ts";
import {
  explainCloseGroup,
  explainIndentText,
  explainOpenGroup,
  explainPropertyBool,
  explainPropertyFloat,
  explainPropertyInteger,
  explainPropertyList,
  explainPropertyText,
  type ExplainState,
  fixed,
} from "./explain_format.ts";
import { quoteIdentifier } from "../utils/adt/ruleutils_names.ts";
import { walkChildren } from "../optimizer/util/walkers.ts";

export interface ExplainRun {
  es: ExplainState;
  rtable: readonly RangeTblEntry[];
  subplans: readonly (Plan | null)[];
  instrument: QueryInstrumentation | null;
  timing: boolean;
}

interface NodeName {
  pname: string;
  sname: string;
  strategy?: string;
  operation?: string;
}
function nodeName(plan: Plan): NodeName {
  switch (plan.type) {
    case "ModifyTable": {
      const op = {
        CMD_INSERT: "Insert",
        CMD_UPDATE: "Update",
        CMD_DELETE: "Delete",
        CMD_MERGE: "Merge",
      }[plan.operation as string] ?? "???";
      return { pname: op, sname: "ModifyTable", operation: op };
    }
    case "NestLoop":
      return { pname: "Nested Loop", sname: "Nested Loop" };
    case "MergeJoin":
      return { pname: "Merge", sname: "Merge Join" };
    case "HashJoin":
      return { pname: "Hash", sname: "Hash Join" };
    case "SeqScan":
      return same("Seq Scan");
    case "SampleScan":
      return same("Sample Scan");
    case "IndexScan":
      return same("Index Scan");
    case "IndexOnlyScan":
      return same("Index Only Scan");
    case "BitmapIndexScan":
      return same("Bitmap Index Scan");
    case "BitmapHeapScan":
      return same("Bitmap Heap Scan");
    case "TidScan":
      return same("Tid Scan");
    case "TidRangeScan":
      return same("Tid Range Scan");
    case "SubqueryScan":
      return same("Subquery Scan");
    case "FunctionScan":
      return same("Function Scan");
    case "TableFuncScan":
      return same("Table Function Scan");
    case "ValuesScan":
      return same("Values Scan");
    case "CteScan":
      return same("CTE Scan");
    case "NamedTuplestoreScan":
      return same("Named Tuplestore Scan");
    case "WorkTableScan":
      return same("WorkTable Scan");
    case "MergeAppend":
      return same("Merge Append");
    case "RecursiveUnion":
      return same("Recursive Union");
    case "IncrementalSort":
      return same("Incremental Sort");
    case "Material":
      return same("Materialize");
    case "Agg":
      switch (plan.aggstrategy) {
        case "AGG_PLAIN":
          return { pname: "Aggregate", sname: "Aggregate", strategy: "Plain" };
        case "AGG_SORTED":
          return { pname: "GroupAggregate", sname: "Aggregate", strategy: "Sorted" };
        case "AGG_HASHED":
          return { pname: "HashAggregate", sname: "Aggregate", strategy: "Hashed" };
        default:
          return { pname: "MixedAggregate", sname: "Aggregate", strategy: "Mixed" };
      }
    case "SetOp":
      return plan.strategy === "SETOP_SORTED"
        ? { pname: "SetOp", sname: "SetOp", strategy: "Sorted" }
        : { pname: "HashSetOp", sname: "SetOp", strategy: "Hashed" };
    default:
      return same(plan.type);
  }
}
function same(n: string): NodeName {
  return { pname: n, sname: n };
}
const JOIN_NAMES: Readonly<Record<string, string>> = {
  JOIN_INNER: "Inner",
  JOIN_LEFT: "Left",
  JOIN_FULL: "Full",
  JOIN_RIGHT: "Right",
  JOIN_SEMI: "Semi",
  JOIN_ANTI: "Anti",
  JOIN_RIGHT_SEMI: "Right Semi",
  JOIN_RIGHT_ANTI: "Right Anti",
};

export function explainNode(
  run: ExplainRun,
  plan: Plan,
  ancestors: readonly Node[],
  relationship: string | null,
  planName: string | null,
): void {
  const { es } = run;
  const saveIndent = es.indent;
  const n = nodeName(plan);
  explainOpenGroup("Plan", relationship !== null ? null : "Plan", true, es);
  const text = es.format === "text";
  if (text) {
    if (planName !== null) {
      explainIndentText(es);
      es.out += `${planName}\n`;
      es.indent++;
    }
    if (es.indent > 0) {
      explainIndentText(es);
      es.out += "->  ";
      es.indent += 2;
    }
    es.out += n.pname;
    es.indent++;
  } else {
    explainPropertyText("Node Type", n.sname, es);
    if (n.strategy !== undefined) explainPropertyText("Strategy", n.strategy, es);
    if (plan.type === "Agg") explainPropertyText("Partial Mode", "Simple", es);
    if (n.operation !== undefined) explainPropertyText("Operation", n.operation, es);
    if (relationship !== null) explainPropertyText("Parent Relationship", relationship, es);
    if (planName !== null) explainPropertyText("Subplan Name", planName, es);
    explainPropertyBool("Parallel Aware", plan.parallel_aware, es);
    explainPropertyBool("Async Capable", plan.async_capable, es);
  }
  switch (plan.type) {
    case "SeqScan":
    case "SampleScan":
    case "BitmapHeapScan":
    case "TidScan":
    case "TidRangeScan":
    case "SubqueryScan":
    case "FunctionScan":
    case "TableFuncScan":
    case "ValuesScan":
    case "CteScan":
    case "WorkTableScan":
    case "NamedTuplestoreScan":
      explainScanTarget(run, plan, plan.scanrelid);
      break;
    case "IndexScan":
    case "IndexOnlyScan": {
      const iname = getRelationName(plan.indexid);
      if (text) {
        if (plan.indexorderdir === "BackwardScanDirection") es.out += " Backward";
        es.out += ` using ${quoteIdentifier(iname)}`;
      } else {
        explainPropertyText(
          "Scan Direction",
          plan.indexorderdir === "BackwardScanDirection"
            ? "Backward"
            : plan.indexorderdir === "ForwardScanDirection"
            ? "Forward"
            : "NoMovement",
          es,
        );
        explainPropertyText("Index Name", iname, es);
      }
      explainScanTarget(run, plan, plan.scanrelid);
      break;
    }
    case "BitmapIndexScan": {
      const iname = getRelationName(plan.indexid);
      if (text) es.out += ` on ${quoteIdentifier(iname)}`;
      else explainPropertyText("Index Name", iname, es);
      break;
    }
    case "ModifyTable":
      explainScanTarget(run, plan, plan.nominalRelation);
      break;
    case "NestLoop":
    case "MergeJoin":
    case "HashJoin": {
      const j = JOIN_NAMES[plan.jointype] ?? "???";
      if (text) {
        if (plan.jointype !== "JOIN_INNER") es.out += ` ${j} Join`;
        else if (plan.type !== "NestLoop") es.out += " Join";
      } else explainPropertyText("Join Type", j, es);
      break;
    }
    case "SetOp": {
      const c = {
        SETOPCMD_INTERSECT: "Intersect",
        SETOPCMD_INTERSECT_ALL: "Intersect All",
        SETOPCMD_EXCEPT: "Except",
        SETOPCMD_EXCEPT_ALL: "Except All",
      }[plan.cmd];
      if (text) es.out += ` ${c}`;
      else explainPropertyText("Command", c, es);
      break;
    }
  }
  if (es.costs) {
    if (text) {
      es.out += `  (cost=${fixed(plan.startup_cost, 2)}..${fixed(plan.total_cost, 2)} rows=${
        plan.plan_rows.toFixed(0)
      } width=${Math.round(plan.plan_width)})`;
    } else {
      explainPropertyFloat("Startup Cost", null, plan.startup_cost, 2, es);
      explainPropertyFloat("Total Cost", null, plan.total_cost, 2, es);
      explainPropertyFloat("Plan Rows", null, plan.plan_rows, 0, es);
      explainPropertyInteger("Plan Width", null, plan.plan_width, es);
    }
  }
  if (es.analyze) showNodeInstrumentation(run, plan);
  if (text) es.out += "\n";
  const disabled = planIsDisabled(plan);
  if (!text || disabled) explainPropertyBool("Disabled", disabled, es);
  if (es.verbose) showPlanTlist(run, plan, ancestors);
  switch (plan.type) {
    case "NestLoop":
    case "MergeJoin":
    case "HashJoin":
      if (es.verbose && (!text || plan.inner_unique)) explainPropertyBool("Inner Unique", plan.inner_unique, es);
      break;
  }
  showDetails(run, plan, ancestors);
  if (es.analyze) showSpecialInstrumentation(run, plan, "after");

  const children = childrenOf(plan);
  const haveChildren = plan.initPlan.length > 0 || children.length > 0 || planSubplans(plan).length > 0;
  if (haveChildren) explainOpenGroup("Plans", "Plans", false, es);
  const inner = haveChildren ? [plan as Node, ...ancestors] : ancestors;
  if (plan.initPlan.length > 0) explainSubplans(run, plan.initPlan as SubPlan[], inner, "InitPlan");
  for (const c of children) explainNode(run, c.plan, inner, c.relationship, null);
  const subs = planSubplans(plan);
  if (subs.length > 0) explainSubplans(run, subs, inner, "SubPlan");
  if (haveChildren) explainCloseGroup("Plans", "Plans", false, es);
  if (text) es.indent = saveIndent;
  explainCloseGroup("Plan", relationship !== null ? null : "Plan", true, es);
}

function childrenOf(plan: Plan): { plan: Plan; relationship: string }[] {
  const out: { plan: Plan; relationship: string }[] = [];
  if (plan.lefttree !== null) out.push({ plan: plan.lefttree, relationship: "Outer" });
  if (plan.righttree !== null) out.push({ plan: plan.righttree, relationship: "Inner" });
  switch (plan.type) {
    case "Append":
      for (const p of plan.appendplans) out.push({ plan: p as Plan, relationship: "Member" });
      break;
    case "MergeAppend":
      for (const p of plan.mergeplans) out.push({ plan: p as Plan, relationship: "Member" });
      break;
    case "BitmapAnd":
    case "BitmapOr":
      for (const p of plan.bitmapplans) out.push({ plan: p as Plan, relationship: "Member" });
      break;
    case "SubqueryScan":
      out.push({ plan: plan.subplan!, relationship: "Subquery" });
      break;
  }
  return out;
}
/** SubPlans in a node's own expressions, in order of appearance. */
function planSubplans(plan: Plan): SubPlan[] {
  const out: SubPlan[] = [];
  const children = new Set<unknown>(childrenOf(plan).map((c) => c.plan));
  const visit = (n: Node): boolean => {
    if (n.type === "SubPlan") {
      out.push(n);
      if (n.testexpr !== null) visit(n.testexpr);
      n.args.forEach(visit);
      return false;
    }
    return walkChildren(n, visit);
  };
  const value = (v: unknown): void => {
    if (v === null || typeof v !== "object" || children.has(v)) return;
    if (Array.isArray(v)) v.forEach(value);
    else if (typeof (v as Node).type === "string") visit(v as Node);
  };
  const own = plan as unknown as Record<string, unknown>;
  // Conditions for display only would show their subplans twice.
  const SKIP = new Set([
    "initPlan",
    "indexqualorig",
    "indexorderbyorig",
    "appendplans",
    "mergeplans",
    "bitmapplans",
    "lefttree",
    "righttree",
    "subplan",
    "runConditionOrig",
    "hashkeys",
    "recheckqual",
    "exclRelTlist",
  ]);
  if (plan.type === "BitmapIndexScan" || plan.type === "IndexScan" || plan.type === "IndexOnlyScan") {
    SKIP.delete("hashkeys");
  }
  if (plan.type === "ModifyTable" && plan.returningLists.length > 0) SKIP.add("targetlist");
  // Projections come first in the executor's order of initialisation for scans with quals too.
  const keys = Object.keys(own).filter((k) => !SKIP.has(k));
  for (const k of keys) value(own[k]);
  const seen = new Set<SubPlan>();
  return out.filter((s) => !seen.has(s) && (seen.add(s), true));
}
function explainSubplans(
  run: ExplainRun,
  plans: readonly SubPlan[],
  ancestors: readonly Node[],
  relationship: string,
): void {
  for (const sp of plans) {
    if (run.es.printedSubplans.has(sp.plan_id)) continue;
    run.es.printedSubplans.add(sp.plan_id);
    const sub = run.subplans[sp.plan_id - 1];
    if (sub === null || sub === undefined) continue;
    explainNode(run, sub, [sp, ...ancestors], relationship, sp.plan_name);
  }
}
function planIsDisabled(plan: Plan): boolean {
  if (plan.disabled_nodes === 0) return false;
  let child = 0;
  for (const c of childrenOf(plan)) child += c.plan.disabled_nodes;
  return plan.disabled_nodes > child;
}

function explainScanTarget(run: ExplainRun, plan: Plan, rti: number): void {
  const { es } = run;
  const rte = run.rtable[rti - 1];
  const refname = es.context!.rtableNames[rti - 1] ?? rte.eref?.aliasname ?? null;
  let objectname: string | null = null;
  let namespace: string | null = null;
  let tag: string | null = null;
  switch (plan.type) {
    case "SeqScan":
    case "SampleScan":
    case "IndexScan":
    case "IndexOnlyScan":
    case "BitmapHeapScan":
    case "TidScan":
    case "TidRangeScan":
    case "ModifyTable":
      objectname = getRelationName(rte.relid);
      if (es.verbose) namespace = getSchemaName(rte.relid);
      tag = "Relation Name";
      break;
    case "FunctionScan": {
      if (plan.functions.length === 1) {
        const f = plan.functions[0].funcexpr;
        if (f !== null && f.type === "FuncExpr") {
          const d = functionDisplayName(f.funcid);
          objectname = d.name;
          if (es.verbose) namespace = d.schema;
        }
      }
      tag = "Function Name";
      break;
    }
    case "TableFuncScan":
      objectname = plan.tablefunc!.functype === "TFT_JSON_TABLE" ? "json_table" : "xmltable";
      tag = "Table Function Name";
      break;
    case "CteScan":
    case "WorkTableScan":
      objectname = rte.ctename;
      tag = "CTE Name";
      break;
    case "NamedTuplestoreScan":
      objectname = rte.enrname;
      tag = "Tuplestore Name";
      break;
  }
  if (es.format === "text") {
    es.out += " on";
    if (namespace !== null) es.out += ` ${quoteIdentifier(namespace)}.${quoteIdentifier(objectname!)}`;
    else if (objectname !== null) es.out += ` ${quoteIdentifier(objectname)}`;
    if (objectname === null || refname !== objectname) es.out += ` ${quoteIdentifier(refname ?? "")}`;
  } else {
    if (tag !== null && objectname !== null) explainPropertyText(tag, objectname, es);
    if (namespace !== null) explainPropertyText("Schema", namespace, es);
    explainPropertyText("Alias", refname ?? "", es);
  }
}

function showPlanTlist(run: ExplainRun, plan: Plan, ancestors: readonly Node[]): void {
  if (plan.targetlist.length === 0) return;
  if (plan.type === "Append" || plan.type === "MergeAppend" || plan.type === "RecursiveUnion") return;
  const useprefix = run.es.rtableSize > 1;
  explainPropertyList(
    "Output",
    plan.targetlist.map((t) => deparsePlanExpr(run.es.context!, plan, ancestors, t.expr!, useprefix, false)),
    run.es,
  );
}
function exprText(run: ExplainRun, plan: Plan, ancestors: readonly Node[], e: Node, useprefix: boolean): string {
  return deparsePlanExpr(run.es.context!, plan, ancestors, e, useprefix, false);
}
export function showQual(
  run: ExplainRun,
  plan: Plan,
  ancestors: readonly Node[],
  qual: readonly Node[],
  label: string,
  useprefix: boolean,
): boolean {
  if (qual.length === 0) return false;
  const node: Node = qual.length === 1
    ? qual[0]
    : { type: "BoolExpr", boolop: "AND_EXPR", args: qual as Node[], location: -1 };
  explainPropertyText(label, exprText(run, plan, ancestors, node, useprefix), run.es);
  return true;
}
function scanQual(run: ExplainRun, plan: Plan, anc: readonly Node[], qual: readonly Node[], label: string): boolean {
  return showQual(run, plan, anc, qual, label, plan.type === "SubqueryScan" || run.es.verbose);
}
function upperQual(run: ExplainRun, plan: Plan, anc: readonly Node[], qual: readonly Node[], label: string): boolean {
  return showQual(run, plan, anc, qual, label, run.es.rtableSize > 1 || run.es.verbose);
}

function showDetails(run: ExplainRun, plan: Plan, anc: readonly Node[]): void {
  const { es } = run;
  const filter = (): void => {
    if (scanQual(run, plan, anc, plan.qual, "Filter")) showFiltered(run, plan, "Rows Removed by Filter", 1);
  };
  switch (plan.type) {
    case "IndexScan":
      scanQual(run, plan, anc, plan.indexqualorig, "Index Cond");
      if (plan.indexqualorig.length > 0) showFiltered(run, plan, "Rows Removed by Index Recheck", 2);
      scanQual(run, plan, anc, plan.indexorderbyorig, "Order By");
      filter();
      showIndexSearches(run, plan);
      break;
    case "IndexOnlyScan":
      scanQual(run, plan, anc, plan.indexqual, "Index Cond");
      if (plan.recheckqual.length > 0) showFiltered(run, plan, "Rows Removed by Index Recheck", 2);
      scanQual(run, plan, anc, plan.indexorderby, "Order By");
      filter();
      if (es.analyze) showSpecialInstrumentation(run, plan, "heapFetches");
      showIndexSearches(run, plan);
      break;
    case "BitmapIndexScan":
      scanQual(run, plan, anc, plan.indexqualorig, "Index Cond");
      showIndexSearches(run, plan);
      break;
    case "BitmapHeapScan":
      scanQual(run, plan, anc, plan.bitmapqualorig, "Recheck Cond");
      if (plan.bitmapqualorig.length > 0) showFiltered(run, plan, "Rows Removed by Index Recheck", 2);
      filter();
      showHeapBlocks(run, plan);
      break;
    case "SeqScan":
    case "SampleScan":
    case "ValuesScan":
    case "NamedTuplestoreScan":
    case "SubqueryScan":
    case "CteScan":
    case "WorkTableScan":
      filter();
      break;
    case "FunctionScan":
      if (es.verbose) {
        const exprs = plan.functions.map((f) => f.funcexpr!).filter((f) => f !== null);
        explainPropertyText(
          "Function Call",
          exprs.map((e) => exprText(run, plan, anc, e, true)).join(", "),
          es,
        );
      }
      filter();
      break;
    case "TableFuncScan":
      if (es.verbose) explainPropertyText("Table Function Call", exprText(run, plan, anc, plan.tablefunc!, true), es);
      filter();
      break;
    case "TidScan": {
      const q = plan.tidquals.length > 1
        ? [{ type: "BoolExpr", boolop: "OR_EXPR", args: plan.tidquals, location: -1 } as Node]
        : plan.tidquals;
      scanQual(run, plan, anc, q, "TID Cond");
      filter();
      break;
    }
    case "TidRangeScan":
      scanQual(run, plan, anc, plan.tidrangequals, "TID Cond");
      filter();
      break;
    case "NestLoop":
      if (upperQual(run, plan, anc, plan.joinqual, "Join Filter")) {
        showFiltered(run, plan, "Rows Removed by Join Filter", 1);
      }
      if (upperQual(run, plan, anc, plan.qual, "Filter")) showFiltered(run, plan, "Rows Removed by Filter", 2);
      break;
    case "MergeJoin":
      upperQual(run, plan, anc, plan.mergeclauses, "Merge Cond");
      if (upperQual(run, plan, anc, plan.joinqual, "Join Filter")) {
        showFiltered(run, plan, "Rows Removed by Join Filter", 1);
      }
      if (upperQual(run, plan, anc, plan.qual, "Filter")) showFiltered(run, plan, "Rows Removed by Filter", 2);
      break;
    case "HashJoin":
      upperQual(run, plan, anc, plan.hashclauses, "Hash Cond");
      if (upperQual(run, plan, anc, plan.joinqual, "Join Filter")) {
        showFiltered(run, plan, "Rows Removed by Join Filter", 1);
      }
      if (upperQual(run, plan, anc, plan.qual, "Filter")) showFiltered(run, plan, "Rows Removed by Filter", 2);
      break;
    case "Agg":
      showAggKeys(run, plan, anc);
      showGroupingSets(run, plan, anc);
      if (upperQual(run, plan, anc, plan.qual, "Filter")) showFiltered(run, plan, "Rows Removed by Filter", 1);
      break;
    case "WindowAgg":
      showWindowKeys(run, plan, anc);
      if (upperQual(run, plan, anc, plan.runConditionOrig, "Run Condition")) {
        // The run condition's effect shows in the row counts.
      }
      if (upperQual(run, plan, anc, plan.qual, "Filter")) showFiltered(run, plan, "Rows Removed by Filter", 1);
      break;
    case "Group":
      showGroupKeys(run, plan, anc);
      if (upperQual(run, plan, anc, plan.qual, "Filter")) showFiltered(run, plan, "Rows Removed by Filter", 1);
      break;
    case "Sort":
    case "IncrementalSort":
    case "MergeAppend":
      showSortKeys(run, plan, anc);
      break;
    case "Result":
      upperQual(run, plan, anc, (plan.resconstantqual as unknown as Node[] | null) ?? [], "One-Time Filter");
      if (upperQual(run, plan, anc, plan.qual, "Filter")) showFiltered(run, plan, "Rows Removed by Filter", 1);
      break;
    case "Memoize": {
      const useprefix = es.rtableSize > 1 || es.verbose;
      explainPropertyText(
        "Cache Key",
        plan.param_exprs.map((e) => exprText(run, plan, anc, e, useprefix)).join(", "),
        es,
      );
      explainPropertyText("Cache Mode", plan.binary_mode ? "binary" : "logical", es);
      break;
    }
    case "ModifyTable":
      showModifytableInfo(run, plan, anc);
      break;
  }
}

function showModifytableInfo(run: ExplainRun, plan: Plan & { type: "ModifyTable" }, anc: readonly Node[]): void {
  const { es } = run;
  if (plan.onConflictAction !== "ONCONFLICT_NONE") {
    explainPropertyText(
      "Conflict Resolution",
      plan.onConflictAction === "ONCONFLICT_NOTHING" ? "NOTHING" : "UPDATE",
      es,
    );
    const names = (plan.arbiterIndexes as number[]).map(getRelationName);
    if (names.length > 0) explainPropertyList("Conflict Arbiter Indexes", names, es);
    const where = plan.onConflictWhere;
    if (where !== null) {
      const list = Array.isArray(where) ? where as Node[] : [where];
      if (upperQual(run, plan, anc, list, "Conflict Filter")) {
        showFiltered(run, plan, "Rows Removed by Conflict Filter", 2);
      }
    }
    if (es.analyze) showSpecialInstrumentation(run, plan, "conflict");
  } else if (plan.operation === "CMD_MERGE" && es.analyze) showSpecialInstrumentation(run, plan, "merge");
}
