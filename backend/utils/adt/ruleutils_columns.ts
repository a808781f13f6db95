/**
 * Names for deparsing: unique aliases for tables, and column aliases that parse back to the same columns even if tables
 * have changed since.
 *
 * JOIN USING is what makes it hard: the merged column must have one name on both sides, so names are pushed down from
 * joins to their inputs first, and all other columns avoid them. Follows set_deparse_for_query(), set_using_names(),
 * set_relation_column_names() and set_join_column_names() in src/backend/utils/adt/ruleutils.c.
 */
import { PgError } from "../../../base/error.ts";
import type { JoinExpr, Node, Query, RangeTblEntry } from "../../nodes/nodes.ts";
import { searchSysCache } from "../cache/syscache.ts";
import { getRelName } from "../cache/lsyscache.ts";
import { relationClose, tryRelationOpen } from "../../access/common/relation.ts";
import { getExprResultTupdesc } from "../fmgr/funcapi.ts";
import { encodeText } from "../../../base/text.ts";
import { NAMEDATALEN } from "../../../base/types.ts";
import {
  type DeparseColumns,
  type DeparseNamespace,
  newDeparseColumns,
  newDeparseNamespace,
} from "./ruleutils_context.ts";

/** set_rtable_names: a name for each entry, unlike those of outer levels; null where it needs none. */
export function setRtableNames(
  dpns: DeparseNamespace,
  parents: readonly DeparseNamespace[],
  relsUsed: ReadonlySet<number> | null,
): void {
  dpns.rtableNames = [];
  // Name → suffix that was used last.
  const names = new Map<string, number>();
  for (const p of parents) for (const n of p.rtableNames) if (n !== null) names.set(n, 0);
  dpns.rtable.forEach((rte, i) => {
    let refname: string | null;
    if (relsUsed !== null && !relsUsed.has(i + 1)) refname = null;
    else if (rte.alias !== null) refname = rte.alias.aliasname;
    else if (rte.rtekind === "RTE_RELATION") refname = getRelName(rte.relid);
    else if (rte.rtekind === "RTE_JOIN") refname = null;
    else refname = rte.eref!.aliasname;
    if (refname !== null) {
      const used = names.get(refname);
      if (used === undefined) names.set(refname, 0);
      else {
        let n = used;
        let modname: string;
        do {
          n++;
          modname = withSuffix(refname, n);
        } while (names.has(modname));
        names.set(refname, n);
        names.set(modname, 0);
        refname = modname;
      }
    }
    dpns.rtableNames.push(refname);
  });
}
function withSuffix(name: string, n: number): string {
  let base = name;
  while (encodeText(`${base}_${n}`).length >= NAMEDATALEN) base = [...base].slice(0, -1).join("");
  return `${base}_${n}`;
}

/** set_deparse_for_query: the namespace of one query level. */
export function setDeparseForQuery(query: Query, parents: readonly DeparseNamespace[]): DeparseNamespace {
  const dpns = newDeparseNamespace();
  dpns.rtable = query.rtable;
  dpns.ctes = query.cteList;
  dpns.retOldAlias = query.returningOldAlias;
  dpns.retNewAlias = query.returningNewAlias;
  setRtableNames(dpns, parents, null);
  dpns.rtableColumns = dpns.rtable.map(() => newDeparseColumns());
  if (query.jointree !== null) {
    dpns.uniqueUsing = hasDangerousJoinUsing(dpns, query.jointree);
    setUsingNames(dpns, query.jointree, []);
  }
  dpns.rtable.forEach((rte, i) => {
    const colinfo = dpns.rtableColumns[i];
    if (rte.rtekind === "RTE_JOIN") setJoinColumnNames(dpns, rte, colinfo);
    else setRelationColumnNames(dpns, rte, colinfo);
  });
  return dpns;
}

/** set_simple_column_names: for expressions over given relations. */
export function setSimpleColumnNames(dpns: DeparseNamespace): void {
  dpns.rtableColumns = dpns.rtable.map((rte) => {
    const colinfo = newDeparseColumns();
    // Unused entries and joins of a plan have no names; Vars never mention them.
    if (rte.rtekind !== "RTE_JOIN") setRelationColumnNames(dpns, rte, colinfo);
    return colinfo;
  });
}

function hasDangerousJoinUsing(dpns: DeparseNamespace, jtnode: Node): boolean {
  if (jtnode.type === "FromExpr") return jtnode.fromlist.some((n) => hasDangerousJoinUsing(dpns, n));
  if (jtnode.type !== "JoinExpr") return false;
  if (jtnode.alias === null && jtnode.usingClause.length > 0) {
    const jrte = dpns.rtable[jtnode.rtindex - 1];
    for (let i = 0; i < jrte.joinmergedcols; i++) if (jrte.joinaliasvars[i].type !== "Var") return true;
  }
  return hasDangerousJoinUsing(dpns, jtnode.larg!) || hasDangerousJoinUsing(dpns, jtnode.rarg!);
}

function rtindexOf(n: Node): number {
  if (n.type === "RangeTblRef" || n.type === "JoinExpr") return n.rtindex;
  throw new PgError({ message: `unrecognized node type in join tree: ${n.type}` });
}
function identifyJoinColumns(j: JoinExpr, jrte: RangeTblEntry, colinfo: DeparseColumns): void {
  colinfo.leftrti = rtindexOf(j.larg!);
  colinfo.rightrti = rtindexOf(j.rarg!);
  const n = jrte.joinaliasvars.length;
  colinfo.leftattnos = new Array(n).fill(0);
  colinfo.rightattnos = new Array(n).fill(0);
  let jcolno = 0;
  for (const a of jrte.joinleftcols) colinfo.leftattnos[jcolno++] = a;
  jrte.joinrightcols.forEach((a, rcolno) => {
    if (rcolno < jrte.joinmergedcols) colinfo.rightattnos[rcolno] = a;
    else colinfo.rightattnos[jcolno++] = a;
  });
}

function setUsingNames(dpns: DeparseNamespace, jtnode: Node, parentUsingIn: readonly string[]): void {
  if (jtnode.type === "FromExpr") {
    for (const n of jtnode.fromlist) setUsingNames(dpns, n, parentUsingIn);
    return;
  }
  if (jtnode.type !== "JoinExpr") return;
  const rte = dpns.rtable[jtnode.rtindex - 1];
  const colinfo = dpns.rtableColumns[jtnode.rtindex - 1];
  identifyJoinColumns(jtnode, rte, colinfo);
  const left = dpns.rtableColumns[colinfo.leftrti - 1];
  const right = dpns.rtableColumns[colinfo.rightrti - 1];
  const pushDown = (i: number, name: string) => {
    if (colinfo.leftattnos[i] > 0) setName(left, colinfo.leftattnos[i] - 1, name);
    if (colinfo.rightattnos[i] > 0) setName(right, colinfo.rightattnos[i] - 1, name);
  };
  // An unnamed join cannot rename: what was asked of it is asked of its inputs.
  if (rte.alias === null) {
    colinfo.colnames.forEach((name, i) => {
      if (name !== null && name !== undefined) pushDown(i, name);
    });
  }
  let parentUsing = [...parentUsingIn];
  if (jtnode.usingClause.length > 0) {
    parentUsing = [...parentUsing];
    jtnode.usingClause.forEach((u, i) => {
      let colname = u.type === "String" ? u.sval! : "";
      const given = colinfo.colnames[i];
      if (given !== null && given !== undefined) colname = given;
      else {
        if (rte.alias !== null && i < rte.alias.colnames.length) colname = rte.alias.colnames[i].sval!;
        colname = makeColnameUnique(colname, dpns, colinfo);
        if (dpns.uniqueUsing) dpns.usingNames.push(colname);
        setName(colinfo, i, colname);
      }
      colinfo.usingNames.push(colname);
      parentUsing.push(colname);
      pushDown(i, colname);
    });
  }
  left.parentUsing = parentUsing;
  right.parentUsing = parentUsing;
  setUsingNames(dpns, jtnode.larg!, parentUsing);
  setUsingNames(dpns, jtnode.rarg!, parentUsing);
}
function setName(c: DeparseColumns, i: number, name: string): void {
  while (c.colnames.length <= i) c.colnames.push(null);
  c.colnames[i] = name;
}

/** The columns an entry really has now; null for dropped ones. */
function realColnames(rte: RangeTblEntry): (string | null)[] {
  if (rte.rtekind === "RTE_RELATION") {
    const rel = tryRelationOpen(rte.relid, 1);
    if (rel === null) return rte.eref!.colnames.map((c) => c.sval);
    const out = rel.rd_att.attrs.map((a) => (a.attisdropped ? null : a.attname));
    relationClose(rel, 1);
    return out;
  }
  if (rte.rtekind === "RTE_FUNCTION" && rte.functions.length > 0) {
    // A row type may have changed; names beyond the known ones come from it.
    const out: (string | null)[] = [];
    const eref = rte.eref!.colnames;
    let at = 0;
    for (const f of rte.functions) {
      const desc = f.funccoltypes.length > 0 ? null : getExprResultTupdesc(f.funcexpr!, true);
      const composite = desc !== null && searchSysCache("TYPEOID", desc.tdtypeid)?.typrelid;
      if (desc !== null && composite) {
        desc.attrs.forEach((a, i) => {
          if (a.attisdropped) out.push(null);
          else out.push(i < f.funccolcount ? eref[at + i]?.sval ?? a.attname : a.attname);
        });
      } else for (let i = 0; i < f.funccolcount; i++) out.push(eref[at + i]?.sval ?? null);
      at += f.funccolcount;
    }
    if (rte.funcordinality) out.push(eref[at]?.sval ?? "ordinality");
    return out.map((n) => (n === "" ? null : n));
  }
  return rte.eref!.colnames.map((c) => (c.sval === "" ? null : c.sval));
}

function setRelationColumnNames(dpns: DeparseNamespace, rte: RangeTblEntry, colinfo: DeparseColumns): void {
  const real = realColnames(rte);
  while (colinfo.colnames.length < real.length) colinfo.colnames.push(null);
  const noldcolumns = rte.eref!.colnames.length;
  let changedAny = false;
  colinfo.newColnames = [];
  colinfo.isNewCol = [];
  real.forEach((realName, i) => {
    let colname = colinfo.colnames[i];
    if (realName === null) {
      colinfo.colnames[i] = null;
      return;
    }
    if (colname === null) {
      colname = rte.alias !== null && i < rte.alias.colnames.length ? rte.alias.colnames[i].sval! : realName;
      colname = makeColnameUnique(colname, dpns, colinfo);
      colinfo.colnames[i] = colname;
    }
    colinfo.newColnames.push(colname);
    colinfo.isNewCol.push(i >= noldcolumns);
    if (colname !== realName) changedAny = true;
  });
  if (rte.rtekind === "RTE_RELATION") colinfo.printaliases = changedAny;
  else if (rte.rtekind === "RTE_FUNCTION") colinfo.printaliases = true;
  else if (rte.rtekind === "RTE_TABLEFUNC") colinfo.printaliases = false;
  else if (rte.alias !== null && rte.alias.colnames.length > 0) colinfo.printaliases = true;
  else colinfo.printaliases = changedAny;
}

function setJoinColumnNames(dpns: DeparseNamespace, rte: RangeTblEntry, colinfo: DeparseColumns): void {
  const left = dpns.rtableColumns[colinfo.leftrti - 1];
  const right = dpns.rtableColumns[colinfo.rightrti - 1];
  const noldcolumns = rte.eref!.colnames.length;
  while (colinfo.colnames.length < noldcolumns) colinfo.colnames.push(null);
  let changedAny = false;
  for (let i = colinfo.usingNames.length; i < noldcolumns; i++) {
    let colname = colinfo.colnames[i];
    let realName: string | null;
    if (colinfo.leftattnos[i] > 0) realName = left.colnames[colinfo.leftattnos[i] - 1];
    else if (colinfo.rightattnos[i] > 0) realName = right.colnames[colinfo.rightattnos[i] - 1];
    else realName = rte.eref!.colnames[i].sval;
    if (realName === null) {
      colinfo.colnames[i] = null;
      continue;
    }
    if (rte.alias === null) {
      colinfo.colnames[i] = realName;
      continue;
    }
    if (colname === null) {
      colname = i < rte.alias.colnames.length ? rte.alias.colnames[i].sval! : realName;
      colname = makeColnameUnique(colname, dpns, colinfo);
      colinfo.colnames[i] = colname;
    }
    if (colname !== realName) changedAny = true;
  }
  // As a new parse would see it: merged columns, then what is left of each side.
  const fresh: { name: string; isNew: boolean }[] = [];
  colinfo.usingNames.forEach((_u, i) => fresh.push({ name: colinfo.colnames[i]!, isNew: false }));
  const side = (child: DeparseColumns, attnos: readonly number[]) => {
    // Old columns of the child in order, by the join's own names.
    const byChildCol = new Map<number, number>();
    attnos.forEach((a, i) => {
      if (a > 0 && !byChildCol.has(a)) byChildCol.set(a, i);
    });
    let childAtt = 0;
    child.newColnames.forEach((name, k) => {
      if (child.isNewCol[k]) {
        fresh.push({
          name: rte.alias !== null ? makeColnameUnique(name, dpns, colinfo) : name,
          isNew: true,
        });
        return;
      }
      // Skip dropped columns of the child.
      while (childAtt < child.colnames.length && child.colnames[childAtt] !== name) childAtt++;
      childAtt++;
      const joinCol = byChildCol.get(childAtt);
      if (joinCol === undefined || joinCol < colinfo.usingNames.length) return;
      fresh.push({ name: colinfo.colnames[joinCol] ?? name, isNew: false });
    });
  };
  side(left, colinfo.leftattnos);
  side(right, colinfo.rightattnos);
  colinfo.newColnames = fresh.map((f) => f.name);
  colinfo.isNewCol = fresh.map((f) => f.isNew);
  colinfo.printaliases = rte.alias !== null && changedAny;
}

function colnameIsUnique(colname: string, dpns: DeparseNamespace, colinfo: DeparseColumns): boolean {
  return !colinfo.colnames.includes(colname) && !colinfo.newColnames.includes(colname) &&
    !dpns.usingNames.includes(colname) && !colinfo.parentUsing.includes(colname);
}
function makeColnameUnique(colname: string, dpns: DeparseNamespace, colinfo: DeparseColumns): string {
  if (colnameIsUnique(colname, dpns, colinfo)) return colname;
  for (let i = 1;; i++) {
    const modname = withSuffix(colname, i);
    if (colnameIsUnique(modname, dpns, colinfo)) return modname;
  }
}
