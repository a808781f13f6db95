/** Sort, group and window keys in EXPLAIN. Follows show_sort_keys and kin of src/backend/commands/explain.c. */
import type { Node, Plan } from "../nodes/nodes.ts";
import { exprType } from "../nodes/node_funcs.ts";
import { generateCollationName, generateOperatorName } from "../utils/adt/ruleutils_expr.ts";
import { getSortGroupOperators } from "../optimizer/util/hash_ops.ts";
import { operRow, typeRow } from "../optimizer/util/catalog_facts.ts";
import { deparsePlanExpr } from "./explain_deparse.ts";
import {
  explainCloseGroup,
  explainOpenGroup,
  explainPropertyList,
  explainPropertyListNested,
  explainPropertyText,
} from "./explain_format.ts";
import type { ExplainRun } from "./explain_node.ts";
import { quoteIdentifier } from "../utils/adt/ruleutils_names.ts";

interface KeyColumns {
  colIdx: readonly number[];
  operators?: readonly number[];
  collations?: readonly number[];
  nullsFirst?: readonly boolean[];
}
/** Texts of key columns of `source`'s target list, deparsed as in `plan`. */
function keyTexts(
  run: ExplainRun,
  plan: Plan,
  ancestors: readonly Node[],
  k: KeyColumns,
  n: number,
): string[] {
  const useprefix = run.es.rtableSize > 1 || run.es.verbose;
  const out: string[] = [];
  for (let i = 0; i < n; i++) {
    const tle = plan.targetlist.find((t) => t.resno === k.colIdx[i])!;
    let s = deparsePlanExpr(run.es.context!, plan, ancestors, tle.expr!, useprefix, true);
    if (k.operators !== undefined) {
      s += sortorderOptions(tle.expr!, k.operators[i], k.collations?.[i] ?? 0, k.nullsFirst?.[i] ?? false);
    }
    out.push(s);
  }
  return out;
}
function sortorderOptions(expr: Node, op: number, collation: number, nullsFirst: boolean): string {
  let out = "";
  const type = exprType(expr);
  if (collation !== 0 && collation !== typeRow(type).typcollation) {
    out += ` COLLATE ${generateCollationName(collation)}`;
  }
  let reverse = false;
  const ops = getSortGroupOperators(type);
  if (op === ops.gt && op !== 0) {
    out += " DESC";
    reverse = true;
  } else if (op !== ops.lt) {
    const o = operRow(op);
    out += ` USING ${generateOperatorName(op, o.oprleft, o.oprright)}`;
    reverse = o.oprname.startsWith(">");
  }
  if (nullsFirst && !reverse) out += " NULLS FIRST";
  else if (!nullsFirst && reverse) out += " NULLS LAST";
  return out;
}

export function showSortKeys(
  run: ExplainRun,
  plan: Plan & { type: "Sort" | "IncrementalSort" | "MergeAppend" },
  ancestors: readonly Node[],
): void {
  const keys = keyTexts(
    run,
    plan,
    ancestors,
    {
      colIdx: plan.sortColIdx,
      operators: plan.sortOperators,
      collations: plan.collations,
      nullsFirst: plan.nullsFirst,
    },
    plan.numCols,
  );
  explainPropertyList("Sort Key", keys, run.es);
  if (plan.type === "IncrementalSort") explainPropertyList("Presorted Key", keys.slice(0, plan.nPresortedCols), run.es);
}
export function showGroupKeys(run: ExplainRun, plan: Plan & { type: "Group" }, ancestors: readonly Node[]): void {
  const child = plan.lefttree!;
  explainPropertyList(
    "Group Key",
    keyTexts(run, child, [plan, ...ancestors], { colIdx: plan.grpColIdx }, plan.numCols),
    run.es,
  );
}
export function showAggKeys(run: ExplainRun, plan: Plan & { type: "Agg" }, ancestors: readonly Node[]): void {
  if (plan.numCols === 0 || plan.groupingSets.length > 0) return;
  explainPropertyList(
    "Group Key",
    keyTexts(run, plan.lefttree!, [plan, ...ancestors], { colIdx: plan.grpColIdx }, plan.numCols),
    run.es,
  );
}
export function showGroupingSets(run: ExplainRun, plan: Plan & { type: "Agg" }, ancestors: readonly Node[]): void {
  if (plan.groupingSets.length === 0) return;
  const { es } = run;
  const child = plan.lefttree!;
  const anc = [plan as Node, ...ancestors];
  const useprefix = es.rtableSize > 1 || es.verbose;
  explainOpenGroup("Grouping Sets", "Grouping Sets", false, es);
  const one = (agg: Plan & { type: "Agg" }, sort: (Plan & { type: "Sort" }) | null): void => {
    const hashed = agg.aggstrategy === "AGG_HASHED" || agg.aggstrategy === "AGG_MIXED";
    const keyname = hashed ? "Hash Key" : "Group Key";
    const keysetname = hashed ? "Hash Keys" : "Group Keys";
    explainOpenGroup("Grouping Set", null, true, es);
    if (sort !== null) {
      explainPropertyList(
        "Sort Key",
        keyTexts(
          run,
          child,
          anc,
          {
            colIdx: sort.sortColIdx,
            operators: sort.sortOperators,
            collations: sort.collations,
            nullsFirst: sort.nullsFirst,
          },
          sort.numCols,
        ),
        es,
      );
      if (es.format === "text") es.indent++;
    }
    explainOpenGroup(keysetname, keysetname, false, es);
    for (const set of agg.groupingSets as unknown as number[][]) {
      const texts = set.map((i) => {
        const tle = child.targetlist.find((t) => t.resno === agg.grpColIdx[i])!;
        return deparsePlanExpr(es.context!, child, anc, tle.expr!, useprefix, true);
      });
      if (texts.length === 0 && es.format === "text") explainPropertyText(keyname, "()", es);
      else explainPropertyListNested(keyname, texts, es);
    }
    explainCloseGroup(keysetname, keysetname, false, es);
    if (sort !== null && es.format === "text") es.indent--;
    explainCloseGroup("Grouping Set", null, true, es);
  };
  one(plan, null);
  for (const c of plan.chain) {
    const agg = c as Plan & { type: "Agg" };
    one(agg, agg.lefttree as (Plan & { type: "Sort" }) | null);
  }
  explainCloseGroup("Grouping Sets", "Grouping Sets", false, es);
}

const FRAMEOPTION_NONDEFAULT = 0x00001;
/** PostgreSQL 18: one "Window" line: name AS (PARTITION BY … ORDER BY … frame). */
export function showWindowKeys(run: ExplainRun, plan: Plan & { type: "WindowAgg" }, ancestors: readonly Node[]): void {
  const { es } = run;
  const child = plan.lefttree!;
  const anc = [plan as Node, ...ancestors];
  let def = `${quoteIdentifier(plan.winname ?? "")} AS (`;
  let needspace = false;
  if (plan.partNumCols > 0) {
    def += "PARTITION BY " + keyTexts(run, child, anc, { colIdx: plan.partColIdx }, plan.partNumCols).join(", ");
    needspace = true;
  }
  if (plan.ordNumCols > 0) {
    if (needspace) def += " ";
    def += "ORDER BY " + keyTexts(run, child, anc, { colIdx: plan.ordColIdx }, plan.ordNumCols).join(", ");
    needspace = true;
  }
  if ((plan.frameOptions & FRAMEOPTION_NONDEFAULT) !== 0) {
    if (needspace) def += " ";
    def += frameText(run, plan, ancestors);
  }
  explainPropertyText("Window", def + ")", es);
}
/** get_window_frame_options_for_explain. */
function frameText(run: ExplainRun, plan: Plan & { type: "WindowAgg" }, ancestors: readonly Node[]): string {
  const o = plan.frameOptions;
  const useprefix = run.es.rtableSize > 1 || run.es.verbose;
  const expr = (e: Node | null): string => deparsePlanExpr(run.es.context!, plan, ancestors, e!, useprefix, false);
  let s = (o & 0x2) !== 0 ? "RANGE " : (o & 0x4) !== 0 ? "ROWS " : "GROUPS ";
  const between = (o & 0x10) !== 0;
  if (between) s += "BETWEEN ";
  if ((o & 0x20) !== 0) s += "UNBOUNDED PRECEDING ";
  else if ((o & 0x200) !== 0) s += "CURRENT ROW ";
  else if ((o & 0x800) !== 0) s += `${expr(plan.startOffset)} PRECEDING `;
  else if ((o & 0x2000) !== 0) s += `${expr(plan.startOffset)} FOLLOWING `;
  if (between) {
    s += "AND ";
    if ((o & 0x100) !== 0) s += "UNBOUNDED FOLLOWING ";
    else if ((o & 0x400) !== 0) s += "CURRENT ROW ";
    else if ((o & 0x1000) !== 0) s += `${expr(plan.endOffset)} PRECEDING `;
    else if ((o & 0x4000) !== 0) s += `${expr(plan.endOffset)} FOLLOWING `;
  }
  if ((o & 0x8000) !== 0) s += "EXCLUDE CURRENT ROW ";
  else if ((o & 0x10000) !== 0) s += "EXCLUDE GROUP ";
  else if ((o & 0x20000) !== 0) s += "EXCLUDE TIES ";
  return s.trimEnd();
}
