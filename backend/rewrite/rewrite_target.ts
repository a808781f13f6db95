/**
 * Target lists of INSERT and UPDATE as the planner wants them: in column order, with defaults, within the rules for
 * identity and generated columns; and DEFAULT inside VALUES lists.
 *
 * Follows rewriteTargetListIU(), rewriteValuesRTE() and build_column_default() in
 * src/backend/rewrite/rewriteHandler.c.
 */
import { PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type { Node, OverridingKind, Query, RangeTblEntry, TargetEntry } from "../nodes/nodes.ts";
import { makeNode } from "../nodes/make_node.ts";
import { flatCopyTargetEntry, makeConst, makeTargetEntry } from "../nodes/makefuncs.ts";
import { equal, exprType } from "../nodes/node_funcs.ts";
import { stringToNode } from "../nodes/readfuncs.ts";
import type { Attribute } from "../access/common/tupdesc.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { getOwnedSequence } from "../catalog/pg_depend.ts";
import { getTyplenbyval } from "../utils/cache/lsyscache.ts";
import { formatTypeBe } from "../utils/adt/format_type.ts";
import {
  coerceNullToDomain,
  coerceToDomain,
  coerceToTargetType,
  COERCION_ASSIGNMENT,
  COERCION_IMPLICIT,
} from "../parser/parse_coerce.ts";
import { getTypdefault } from "./type_default.ts";

/** build_column_default: the expression of a column's default; null if it has none. */
export function buildColumnDefault(rel: Relation, attrno: number): Node | null {
  const att = rel.rd_att.attrs[attrno - 1];
  if (att.attidentity !== "") {
    return makeNode("NextValueExpr", { seqid: getOwnedSequence(rel.rd_id, attrno, "i"), typeId: att.atttypid });
  }
  let expr: Node | null = null;
  if (att.atthasdef) {
    const text = rel.rd_att.constr?.defaults.get(attrno);
    if (text === undefined) {
      throw new PgError({
        message: `default expression not found for attribute ${attrno} of relation "${rel.rd_rel.relname}"`,
        routine: "build_column_default",
      });
    }
    expr = stringToNode(text) as Node;
  }
  if (expr === null && att.attgenerated === "") expr = getTypdefault(att.atttypid);
  if (expr === null) return null;
  const exprtype = exprType(expr);
  const coerced = coerceToTargetType(
    null,
    expr,
    exprtype,
    att.atttypid,
    att.atttypmod,
    COERCION_ASSIGNMENT,
    "COERCE_IMPLICIT_CAST",
    -1,
  );
  if (coerced === null) {
    throw new PgError({
      code: ERRCODE.DATATYPE_MISMATCH,
      message: `column "${att.attname}" is of type ${formatTypeBe(att.atttypid)} but default expression is of type ${
        formatTypeBe(exprtype)
      }`,
      hint: "You will need to rewrite or cast the expression.",
      routine: "build_column_default",
    });
  }
  return coerced;
}

/** build_generation_expression: the expression of a generated column. */
export function buildGenerationExpression(rel: Relation, attrno: number): Node {
  const att = rel.rd_att.attrs[attrno - 1];
  if (att.attgenerated !== "v" && att.attgenerated !== "s") {
    throw new PgError({
      message: `column "${att.attname}" is no generated column`,
      routine: "build_generation_expression",
    });
  }
  const expr = buildColumnDefault(rel, attrno);
  if (expr === null) {
    throw new PgError({
      message: `no generation expression found for column number ${attrno} of table "${rel.rd_rel.relname}"`,
      routine: "build_generation_expression",
    });
  }
  return expr;
}

function nullFor(att: Attribute): Node {
  return coerceNullToDomain(att.atttypid, att.atttypmod, att.attcollation, att.attlen, att.attbyval);
}
function generatedAlways(message: string, detail: string, hint?: string): PgError {
  return new PgError({ code: ERRCODE.GENERATED_ALWAYS, message, detail, hint, routine: "rewriteTargetListIU" });
}

/** Are all values of a VALUES column DEFAULT? */
function onlyDefaults(rte: RangeTblEntry, attrno: number): boolean {
  return rte.values_lists.every((row) => row[attrno - 1].type === "SetToDefault");
}

/**
 * rewriteTargetListIU. For an INSERT from VALUES, columns of VALUES that a default replaces are added to
 * `unusedValuesAttrnos`.
 */
export function rewriteTargetListIU(
  targetList: readonly TargetEntry[],
  commandType: "CMD_INSERT" | "CMD_UPDATE",
  override: OverridingKind,
  rel: Relation,
  valuesRte: RangeTblEntry | null,
  valuesRteIndex: number,
  unusedValuesAttrnos: Set<number> | null,
): TargetEntry[] {
  const attrs = rel.rd_att.attrs;
  const numattrs = attrs.length;
  const newTles: (TargetEntry | null)[] = new Array(numattrs).fill(null);
  const junk: TargetEntry[] = [];
  let nextJunkAttrno = numattrs + 1;
  for (let tle of targetList) {
    if (!tle.resjunk) {
      const attrno = tle.resno;
      if (attrno < 1 || attrno > numattrs) throw new PgError({ message: `bogus resno ${attrno} in targetlist` });
      const att = attrs[attrno - 1];
      if (att.attisdropped) continue;
      newTles[attrno - 1] = processMatchedTle(tle, newTles[attrno - 1], att.attname);
    } else {
      if (tle.resno !== nextJunkAttrno) {
        tle = flatCopyTargetEntry(tle);
        tle.resno = nextJunkAttrno;
      }
      junk.push(tle);
      nextJunkAttrno++;
    }
  }
  const newTlist: TargetEntry[] = [];
  for (let attrno = 1; attrno <= numattrs; attrno++) {
    let newTle = newTles[attrno - 1];
    const att = attrs[attrno - 1];
    if (att.attisdropped) continue;
    let applyDefault = (newTle === null && commandType === "CMD_INSERT") ||
      (newTle !== null && newTle.expr !== null && newTle.expr.type === "SetToDefault");
    if (commandType === "CMD_INSERT") {
      let valuesAttrno = 0;
      if (
        valuesRte !== null && newTle !== null && newTle.expr!.type === "Var" && newTle.expr.varno === valuesRteIndex
      ) {
        valuesAttrno = newTle.expr.varattno;
      }
      const defaultOnly = () => valuesAttrno !== 0 && onlyDefaults(valuesRte!, valuesAttrno);
      if (att.attidentity === "a" && !applyDefault) {
        if (override === "OVERRIDING_USER_VALUE") applyDefault = true;
        else if (override !== "OVERRIDING_SYSTEM_VALUE" && !defaultOnly()) {
          throw generatedAlways(
            `cannot insert a non-DEFAULT value into column "${att.attname}"`,
            `Column "${att.attname}" is an identity column defined as GENERATED ALWAYS.`,
            "Use OVERRIDING SYSTEM VALUE to override.",
          );
        }
      }
      if (att.attidentity === "d" && override === "OVERRIDING_USER_VALUE") applyDefault = true;
      if (att.attgenerated !== "" && !applyDefault && !defaultOnly()) {
        throw generatedAlways(
          `cannot insert a non-DEFAULT value into column "${att.attname}"`,
          `Column "${att.attname}" is a generated column.`,
        );
      }
      // A generated column's VALUES column, all DEFAULT, is not used either.
      if (valuesAttrno !== 0 && (applyDefault || att.attgenerated !== "") && unusedValuesAttrnos !== null) {
        unusedValuesAttrnos.add(valuesAttrno);
      }
    }
    if (commandType === "CMD_UPDATE" && newTle !== null && !applyDefault) {
      if (att.attidentity === "a") {
        throw generatedAlways(
          `column "${att.attname}" can only be updated to DEFAULT`,
          `Column "${att.attname}" is an identity column defined as GENERATED ALWAYS.`,
        );
      }
      if (att.attgenerated !== "") {
        throw generatedAlways(
          `column "${att.attname}" can only be updated to DEFAULT`,
          `Column "${att.attname}" is a generated column.`,
        );
      }
    }
    if (att.attgenerated !== "") {
      // The executor computes it.
      newTle = null;
    } else if (applyDefault) {
      let newExpr = buildColumnDefault(rel, attrno);
      if (newExpr === null) {
        if (commandType === "CMD_INSERT") newTle = null;
        else newExpr = nullFor(att);
      }
      if (newExpr !== null) newTle = makeTargetEntry(newExpr, attrno, att.attname, false);
    }
    if (newTle !== null) newTlist.push(newTle);
  }
  return [...newTlist, ...junk];
}

/** get_assignment_input: what a FieldStore or SubscriptingRef assigns into, or null if the node is neither. */
function getAssignmentInput(node: Node | null): Node | null {
  if (node === null) return null;
  if (node.type === "FieldStore") return node.arg;
  if (node.type === "SubscriptingRef") return node.refassgnexpr === null ? null : node.refexpr;
  return null;
}

/** process_matched_tle: a column may be set twice only if parts of it are assigned, which then nest. */
function processMatchedTle(src: TargetEntry, prior: TargetEntry | null, attrName: string): TargetEntry {
  if (prior === null) return src;
  let srcExpr = src.expr!;
  let priorExpr = prior.expr!;
  let domain: (Node & { type: "CoerceToDomain" }) | null = null;
  if (
    srcExpr.type === "CoerceToDomain" && priorExpr.type === "CoerceToDomain" &&
    srcExpr.resulttype === priorExpr.resulttype
  ) {
    domain = srcExpr;
    srcExpr = srcExpr.arg!;
    priorExpr = priorExpr.arg!;
  }
  const srcInput = getAssignmentInput(srcExpr);
  const priorInput = getAssignmentInput(priorExpr);
  const twice = () =>
    new PgError({
      code: ERRCODE.SYNTAX_ERROR,
      message: `multiple assignments to same column "${attrName}"`,
      routine: "process_matched_tle",
    });
  if (srcInput === null || priorInput === null || exprType(srcExpr) !== exprType(priorExpr)) throw twice();
  // Both must start from the same base.
  let priorBottom: Node = priorInput;
  for (;;) {
    const next = getAssignmentInput(priorBottom);
    if (next === null) break;
    priorBottom = next;
  }
  if (!equal(priorBottom, srcInput)) throw twice();
  let newexpr: Node;
  if (srcExpr.type === "FieldStore") {
    newexpr = priorExpr.type === "FieldStore"
      ? {
        ...priorExpr,
        newvals: [...priorExpr.newvals, ...srcExpr.newvals],
        fieldnums: [...priorExpr.fieldnums, ...srcExpr.fieldnums],
      }
      : { ...srcExpr, arg: priorExpr };
  } else if (srcExpr.type === "SubscriptingRef") newexpr = { ...srcExpr, refexpr: priorExpr };
  else throw new PgError({ message: "cannot happen", routine: "process_matched_tle" });
  if (domain !== null) {
    newexpr = coerceToDomain(
      newexpr,
      exprType(newexpr),
      -1,
      domain.resulttype,
      COERCION_IMPLICIT,
      "COERCE_IMPLICIT_CAST",
      -1,
      false,
    );
  }
  const result = flatCopyTargetEntry(src);
  result.expr = newexpr;
  return result;
}

/** rewriteValuesRTE: DEFAULT items of a VALUES list become the columns' defaults. */
export function rewriteValuesRTE(
  parsetree: Query,
  rte: RangeTblEntry,
  rti: number,
  rel: Relation,
  unusedCols: ReadonlySet<number>,
): void {
  if (!rte.values_lists.some((row) => row.some((e) => e.type === "SetToDefault"))) return;
  const numattrs = rte.values_lists[0].length;
  const attrnos: number[] = new Array(numattrs).fill(0);
  for (const tle of parsetree.targetList) {
    if (tle.expr !== null && tle.expr.type === "Var" && tle.expr.varno === rti) {
      const attrno = tle.expr.varattno;
      if (attrno >= 1 && attrno <= numattrs) attrnos[attrno - 1] = tle.resno;
    }
  }
  rte.values_lists = rte.values_lists.map((row) =>
    row.map((col, i) => {
      if (col.type !== "SetToDefault") return col;
      if (unusedCols.has(i + 1)) {
        const t = getTyplenbyval(col.typeId);
        return makeConst(col.typeId, col.typeMod, col.collation, t.typlen, null, true, t.typbyval);
      }
      const attrno = attrnos[i];
      if (attrno === 0) throw new PgError({ message: `cannot set value in column ${i + 1} to DEFAULT` });
      const att = rel.rd_att.attrs[attrno - 1];
      const newExpr = att.attisdropped ? null : buildColumnDefault(rel, attrno);
      return newExpr ?? nullFor(att);
    })
  );
}
