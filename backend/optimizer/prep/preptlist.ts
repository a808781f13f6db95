/**
 * The target list of DML: all columns of an INSERT, row identities of UPDATE and DELETE, junk of row marks.
 *
 * Follows src/backend/optimizer/prep/preptlist.c and the row identity part of util/appendinfo.c.
 */
import { makeConst, makeTargetEntry, makeVar } from "../../nodes/makefuncs.ts";
import { makeNode } from "../../nodes/make_node.ts";
import type { Node, RangeTblEntry, TargetEntry } from "../../nodes/nodes.ts";
import { relationClose, relationIdGetRelation } from "../../utils/cache/relcache_core.ts";
import type { Relation } from "../../utils/cache/relation.ts";
import { PgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import type { PlannerInfo } from "../pathnodes.ts";
import { elogError } from "../util/planner_error.ts";
import { getBaseType, getTypbyval, getTyplen, typeRow } from "../util/catalog_facts.ts";
import { tlistMember } from "../util/tlist.ts";
import { pullVarClause } from "../util/var.ts";

export function preprocessTargetlist(root: PlannerInfo): void {
  const parse = root.parse;
  const resultRelation = parse.resultRelation;
  const commandType = parse.commandType;
  let targetRte: RangeTblEntry | null = null;
  let targetRelation: Relation | null = null;
  if (resultRelation !== 0) {
    targetRte = parse.rtable[resultRelation - 1];
    if (targetRte.rtekind !== "RTE_RELATION") elogError("result relation must be a regular relation");
    targetRelation = relationIdGetRelation(targetRte.relid);
  }
  let tlist = parse.targetList;
  if (commandType === "CMD_INSERT") tlist = expandInsertTargetlist(root, tlist, targetRelation!);
  else if (commandType === "CMD_UPDATE") {
    root.update_colnos = [];
    tlist = extractUpdateTargetlistColnos(tlist, root.update_colnos);
  }
  if (
    (commandType === "CMD_UPDATE" || commandType === "CMD_DELETE" || commandType === "CMD_MERGE") &&
    resultRelation !== 0
  ) {
    const out = tlist.slice();
    addRowIdentityColumns(root, out, resultRelation, targetRte!, targetRelation!);
    tlist = out;
  }
  if (commandType === "CMD_MERGE") {
    const out = tlist.slice();
    parse.mergeActionList = parse.mergeActionList.map((a) => {
      let action = a;
      if (a.commandType === "CMD_INSERT") {
        action = { ...a, targetList: expandInsertTargetlist(root, a.targetList, targetRelation!) };
      } else if (a.commandType === "CMD_UPDATE") {
        const colnos: number[] = [];
        action = {
          ...a,
          targetList: extractUpdateTargetlistColnos(a.targetList, colnos),
          updateColnos: colnos,
        };
      }
      // Source columns that the actions use must come up.
      const vars = pullVarClause(
        [
          ...action.targetList,
          ...(action.qual === null ? [] : Array.isArray(action.qual) ? action.qual : [action.qual]),
        ],
        { placeholders: "include", aggregates: "recurse", windowfuncs: "recurse" },
      );
      addJunkVars(out, vars, resultRelation);
      return action;
    });
    if (parse.mergeJoinCondition !== null) {
      const cond = Array.isArray(parse.mergeJoinCondition)
        ? (parse.mergeJoinCondition as Node[])
        : [parse.mergeJoinCondition];
      addJunkVars(out, pullVarClause(cond, { placeholders: "include", aggregates: "recurse" }), resultRelation);
    }
    tlist = out;
  }
  // Row marks need the identity of their rows.
  if (root.rowMarks.length > 0) {
    const out = tlist.slice();
    for (const rc of root.rowMarks) {
      if (rc.rti !== rc.prti) continue;
      const add = (v: Node, name: string): void => {
        out.push(makeTargetEntry(v, out.length + 1, name, true));
      };
      if ((rc.allMarkTypes & ~(1 << ROW_MARK_COPY)) !== 0) {
        add(makeVar(rc.rti, -1, 27, -1, 0, 0), `ctid${rc.rowmarkId}`);
      }
      if ((rc.allMarkTypes & (1 << ROW_MARK_COPY)) !== 0) {
        add(makeWholeRowVar(parse.rtable[rc.rti - 1], rc.rti), `wholerow${rc.rowmarkId}`);
      }
      if (rc.isParent) add(makeVar(rc.rti, -6, 26, -1, 0, 0), `tableoid${rc.rowmarkId}`);
    }
    tlist = out;
  }
  // RETURNING may use columns of other relations: they come as junk.
  if (parse.returningList.length > 0 && parse.rtable.length > 1) {
    const out = tlist.slice();
    const vars = pullVarClause(parse.returningList, {
      aggregates: "recurse",
      windowfuncs: "recurse",
      placeholders: "include",
    });
    addJunkVars(out, vars, resultRelation);
    tlist = out;
  }
  root.processed_tlist = tlist;
  if (targetRelation !== null) relationClose(targetRelation);
}
const ROW_MARK_COPY = 5;
function addJunkVars(out: TargetEntry[], vars: Node[], resultRelation: number): void {
  for (const v of vars) {
    if (v.type === "Var" && v.varno === resultRelation) continue;
    if (tlistMember(v, out) !== null) continue;
    out.push(makeTargetEntry(v, out.length + 1, null, true));
  }
}
export function makeWholeRowVar(rte: RangeTblEntry, varno: number): Node {
  let type = 2249;
  if (rte.rtekind === "RTE_RELATION") {
    const rel = relationIdGetRelation(rte.relid);
    if (rel !== null) {
      type = rel.rd_rel.reltype;
      relationClose(rel);
    }
  } else if (rte.rtekind === "RTE_FUNCTION" && rte.functions.length === 1 && !rte.funcordinality) {
    const f = rte.functions[0].funcexpr;
    if (f !== null && f.type === "FuncExpr" && typeRow(f.funcresulttype).typtype === "c") type = f.funcresulttype;
  }
  return makeVar(varno, 0, type, -1, 0, 0);
}

/** One entry for each column, in order; missing ones are null. */
function expandInsertTargetlist(_root: PlannerInfo, tlist: TargetEntry[], rel: Relation): TargetEntry[] {
  const natts = rel.rd_att.natts;
  // In order and complete already: the usual case.
  if (tlist.length === natts && tlist.every((t, i) => t.resno === i + 1 && !t.resjunk)) return tlist;
  const byResno = new Map<number, TargetEntry>();
  for (const t of tlist) if (!t.resjunk) byResno.set(t.resno, t);
  const out: TargetEntry[] = [];
  for (let attno = 1; attno <= natts; attno++) {
    const att = rel.rd_att.attrs[attno - 1];
    const have = byResno.get(attno);
    if (have !== undefined) {
      out.push(have);
      continue;
    }
    let expr: Node;
    if (att.attisdropped) expr = makeConst(23, -1, 0, 4, null, true, true);
    else if (att.attgenerated !== "") {
      // Computed at execution; the null must not meet a domain's check.
      const base = getBaseType(att.atttypid);
      expr = makeConst(base, att.atttypmod, att.attcollation, getTyplen(base), null, true, getTypbyval(base));
    } else {
      const t = typeRow(att.atttypid);
      expr = makeConst(att.atttypid, -1, att.attcollation, t.typlen, null, true, t.typbyval);
      if (t.typtype === "d") {
        const base = typeRow(getBaseType(att.atttypid));
        expr = makeNode("CoerceToDomain", {
          arg: makeConst(base.oid, -1, att.attcollation, base.typlen, null, true, base.typbyval),
          resulttype: att.atttypid,
          resulttypmod: -1,
          resultcollid: att.attcollation,
          coercionformat: "COERCE_IMPLICIT_CAST",
          location: -1,
        });
      }
    }
    out.push(makeTargetEntry(expr, attno, att.attname, false));
  }
  for (const t of tlist) {
    if (t.resjunk) out.push({ ...t, resno: out.length + 1 });
  }
  return out;
}
/** UPDATE's target list renumbered from 1, with the column numbers apart. */
export function extractUpdateTargetlistColnos(tlist: TargetEntry[], colnos: number[]): TargetEntry[] {
  return tlist.map((t, i) => {
    if (!t.resjunk) colnos.push(t.resno);
    return t.resno === i + 1 ? t : { ...t, resno: i + 1 };
  });
}
function addRowIdentityColumns(
  _root: PlannerInfo,
  out: TargetEntry[],
  rtindex: number,
  rte: RangeTblEntry,
  rel: Relation,
): void {
  const kind = rel.rd_rel.relkind;
  if (kind === "r" || kind === "m" || kind === "p") {
    out.push(makeTargetEntry(makeVar(rtindex, -1, 27, -1, 0, 0), out.length + 1, "ctid", true));
    return;
  }
  if (kind === "v") {
    out.push(makeTargetEntry(makeWholeRowVar(rte, rtindex), out.length + 1, "wholerow", true));
    return;
  }
  throw new PgError({ code: ERRCODE.WRONG_OBJECT_TYPE, message: `cannot modify relation "${rel.rd_rel.relname}"` });
}
export function getPlanRowmark(root: PlannerInfo, rtindex: number) {
  return root.rowMarks.find((m) => m.rti === rtindex) ?? null;
}
