/**
 * ModifyTable: code generation for INSERT, UPDATE, DELETE, with RETURNING and ON CONFLICT.
 *
 * The row to store is built in an array by generated code, which also computes stored generated columns and checks NOT NULL,
 * CHECK and WITH CHECK OPTION constraints in line; ModifyTableState (modify_table_state.ts) does what touches storage.
 * An UPDATE or DELETE may find the row changed by another transaction: the state re-evaluates the subplan over the newest
 * version (EvalPlanQual) and the code here goes round with the new values.
 * Follows src/backend/executor/nodeModifyTable.c and ExecConstraints() in execMain.c.
 */
import { notBuilt } from "../../base/error.ts";
import type { ModifyTable, Node, OnConflictAction, PlanRowMark, TargetEntry, WithCheckOption } from "../nodes/nodes.ts";
import { stringToNode } from "../nodes/readfuncs.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { type Col, Memo, repOfType, type RowSource } from "./exec_codegen.ts";
import { allColumns, type ColSet, type Consume, type PlanCompiler, type Produce } from "./exec_compile.ts";
import { INNER_VAR, OUTER_VAR } from "./exec_expr_compile.ts";
import { ROW_EXISTS } from "./exec_expr_misc.ts";
import { varAttnos } from "./exec_walk.ts";

/** What the state needs to know of the plan node. */
export interface ModifyTableSpec {
  readonly plan: ModifyTable;
  readonly rti: number;
  readonly onConflict: OnConflictAction;
  readonly arbiters: readonly number[];
  /** Range table indexes and kinds of the row marks, in the order of the mark values. */
  readonly marks: readonly PlanRowMark[];
}

export const produceModifyTable: Produce<ModifyTable> = (pc, plan, needed, consume) => {
  if (plan.operation === "CMD_MERGE") throw notBuilt("MERGE");
  if (plan.resultRelations.length !== 1) throw notBuilt("UPDATE or DELETE of several tables (inheritance)");
  new ModifyTableCode(pc, plan, needed, consume).emit();
};

class ModifyTableCode {
  private readonly rti: number;
  private readonly rel: Relation;
  private readonly mt: string;
  private readonly returning: readonly TargetEntry[];
  private readonly marks: PlanRowMark[];
  constructor(
    private readonly pc: PlanCompiler,
    private readonly plan: ModifyTable,
    private readonly needed: ColSet,
    private readonly consume: Consume,
  ) {
    this.rti = plan.resultRelations[0];
    this.rel = pc.relations.relation(this.rti);
    const kind = this.rel.rd_rel.relkind;
    if (kind === "p") throw notBuilt("changing partitioned tables");
    if (kind === "v") throw notBuilt("INSTEAD OF triggers");
    if (kind === "f") throw notBuilt("foreign tables");
    this.returning = plan.returningLists.length > 0 ? plan.returningLists[0] : [];
    this.marks = (plan.rowMarks as PlanRowMark[]).filter((m) => m.rti === m.prti);
    const { cg } = pc;
    const spec: ModifyTableSpec = {
      plan,
      rti: this.rti,
      onConflict: plan.onConflictAction,
      arbiters: plan.arbiterIndexes as unknown as number[],
      marks: this.marks,
    };
    this.mt = cg.decl("mt", "null");
    cg.onStart(`${this.mt}=null;`);
    cg.onEnd(`if(${this.mt}!==null){${this.mt}.end();${this.mt}=null;}`);
    cg.emit(`if(${this.mt}===null)${this.mt}=new ${cg.h("ModifyTableState")}(X,${cg.slot(spec)});`);
  }

  emit(): void {
    const { pc, plan } = this;
    const child = plan.lefttree!;
    // Everything the subplan computes is either stored or identifies the row.
    pc.produce(child, allColumns(child), (row) => {
      switch (plan.operation) {
        case "CMD_INSERT":
          this.insert(child.targetlist, row);
          break;
        case "CMD_UPDATE":
          this.update(child.targetlist, row);
          break;
        case "CMD_DELETE":
          this.delete(child.targetlist, row);
          break;
        default:
          throw new Error(`unknown operation ${plan.operation}`);
      }
    });
  }

  /** The columns of a stored row in array `v`; system columns from the state. */
  private tableRow(v: string, tid: string): RowSource {
    const { pc, rel, mt } = this;
    const { cg } = pc;
    const memo = new Memo();
    const num = (e: string): Col => ({ v: e, n: "false", rep: "num", inband: false });
    return {
      get: (attno) => {
        if (attno === ROW_EXISTS) return { v: `(${v}!==null)`, n: "false", rep: "bool", inband: false };
        if (attno === -1) return num(tid);
        if (attno === -6) return num(cg.slot(rel.rd_id));
        if (attno < 0) return num(`${mt}.systemColumn(${attno},${tid})`);
        return cg.memo(memo, attno, () => {
          const c = cg.name("c");
          if (attno === 0) {
            cg.emit(`const ${c}=${cg.h("wholeRow")}(${cg.slot(rel.rd_att)},[...${v}]);`);
            return { v: c, n: "false", rep: "ref", inband: true };
          }
          cg.emit(`const ${c}=${cg.h("plain")}(${v}[${attno - 1}]);`);
          return { v: c, n: `${c}===null`, rep: repOfType(rel.rd_att.attrs[attno - 1].atttypid), inband: true };
        });
      },
    };
  }

  /** Emits stored generated columns and constraint checks of the row in `v`. `changed`: assigned columns of an update. */
  private finishRow(v: string, kinds: readonly WithCheckOption["kind"][], changed: ReadonlySet<number> | null): void {
    const { pc, rel, mt } = this;
    const { cg } = pc;
    const desc = rel.rd_att;
    for (const a of desc.attrs) {
      if (a.attgenerated !== "s" || a.attisdropped) continue;
      const text = desc.constr?.defaults.get(a.attnum);
      if (text === undefined) throw new Error(`no generation expression found for column number ${a.attnum}`);
      const expr = stringToNode(text) as Node;
      if (changed !== null && ![...varAttnos(expr, 1)].some((n) => n === 0 || changed.has(n))) continue;
      cg.block("", () => {
        const col = pc.exprs.compile(expr, { scan: this.tableRow(v, "0"), scanrelid: 1 });
        cg.emit(`${v}[${a.attnum - 1}]=${cg.keep(col)};`);
      });
    }
    // Row-level security comes before constraints, check options of views after.
    const wcos = this.plan.withCheckOptionLists[0] ?? [];
    for (const w of wcos) if (kinds.includes(w.kind) && w.kind !== "WCO_VIEW_CHECK") this.checkOption(v, w);
    for (const a of desc.attrs) {
      if (a.attnotnull && !a.attisdropped && a.attgenerated !== "v") {
        cg.emit(`if(${v}[${a.attnum - 1}]===null)${mt}.notNullViolation(${a.attnum},${v});`);
      }
    }
    for (const check of desc.constr?.checks ?? []) {
      if (!check.enforced) continue;
      cg.block("", () => {
        const ok = pc.exprs.compile(stringToNode(check.expr) as Node, { scan: this.tableRow(v, "0"), scanrelid: 1 });
        const fails = ok.n === "false" ? `!${ok.v}` : ok.inband ? `${ok.v}===false` : `!(${ok.n})&&!${ok.v}`;
        cg.emit(`if(${fails})${mt}.checkViolation(${cg.slot(check.name)},${v});`);
      });
    }
  }
  private viewChecks(v: string): void {
    for (const w of this.plan.withCheckOptionLists[0] ?? []) if (w.kind === "WCO_VIEW_CHECK") this.checkOption(v, w);
  }
  private checkOption(v: string, w: WithCheckOption): void {
    const { pc, mt } = this;
    const { cg } = pc;
    cg.block("", () => {
      const quals = (Array.isArray(w.qual) ? w.qual : w.qual === null ? [] : [w.qual]) as Node[];
      const ok = cg.name("ok");
      cg.emit(`let ${ok}=false;`);
      pc.exprs.qual(quals, { scan: this.tableRow(v, `${mt}.tid`), scanrelid: this.rti }, () => cg.emit(`${ok}=true;`));
      cg.emit(`if(!${ok})${mt}.checkOptionViolation(${cg.slot(w)},${v});`);
    });
  }

  private insert(tlist: readonly TargetEntry[], row: RowSource): void {
    const { pc, mt, plan, rel } = this;
    const { cg } = pc;
    const v = cg.name("V");
    cg.emit(`const ${v}=${mt}.row;`);
    const columns = tlist.filter((t) => !t.resjunk);
    columns.forEach((t, i) => {
      cg.emit(`${v}[${i}]=${rel.rd_att.attrs[i].attisdropped ? "null" : cg.datum(row.get(t.resno))};`);
    });
    for (let i = columns.length; i < rel.rd_att.natts; i++) cg.emit(`${v}[${i}]=null;`);
    this.finishRow(v, ["WCO_RLS_INSERT_CHECK"], null);
    const emitDone = (): void => {
      this.viewChecks(v);
      this.count();
      this.emitReturning(v, "null", row, null);
    };
    if (plan.onConflictAction === "ONCONFLICT_NONE") {
      cg.emit(`${mt}.insert(${v});`);
      emitDone();
      return;
    }
    const r = cg.name("r");
    // 0: inserted. 1: conflict, nothing to do. 2: conflict, the existing row is locked and stands in mt.old.
    if (plan.onConflictAction === "ONCONFLICT_NOTHING") {
      cg.emit(`const ${r}=${mt}.insertOnConflict(${v});`);
      cg.block(`if(${r}===0)`, emitDone);
      return;
    }
    const stored = cg.name("S");
    cg.emit(`const ${r}=${mt}.insertOnConflict(${v});let ${stored}=${r}===0?${v}:null;let ${stored}old=null;`);
    cg.block(`if(${r}===2)`, () => {
      const old = cg.name("O");
      cg.emit(`const ${old}=${mt}.old;`);
      const env = { scan: this.tableRow(old, `${mt}.oldTid`), scanrelid: this.rti, inner: this.tableRow(v, "0") };
      const where = plan.onConflictWhere;
      const quals = (where === null ? [] : Array.isArray(where) ? where : [where]) as Node[];
      void INNER_VAR;
      pc.exprs.qual(quals, env, () => {
        const n = cg.name("N");
        const cols = plan.onConflictCols as unknown as number[];
        cg.emit(`const ${n}=${mt}.copyOld();`);
        const sets = plan.onConflictSet.filter((t) => !t.resjunk).map((t) => cg.keep(pc.exprs.compile(t.expr!, env)));
        sets.forEach((s, i) => cg.emit(`${n}[${cols[i] - 1}]=${s};`));
        this.finishRow(n, ["WCO_RLS_UPDATE_CHECK"], new Set(cols));
        cg.emit(`if(${mt}.updateConflicting(${n})){${stored}=${n};${stored}old=${old};}`);
      });
      cg.emit(`${mt}.releaseOld();`);
    });
    cg.block(`if(${stored}!==null)`, () => {
      this.viewChecks(stored);
      this.count();
      this.emitReturning(stored, `${stored}old`, row, null);
    });
  }

  private junk(tlist: readonly TargetEntry[], name: string): number {
    const t = tlist.find((e) => e.resjunk && e.resname === name);
    if (t === undefined) throw new Error(`could not find junk ${name} column`);
    return t.resno;
  }
  /** Emits the values that identify the other relations' rows, for EvalPlanQual. */
  private emitMarks(tlist: readonly TargetEntry[], row: RowSource): void {
    if (this.marks.length === 0) return;
    const { cg } = this.pc;
    const values = this.marks.map((m) => {
      const name = m.markType === "ROW_MARK_COPY" ? `wholerow${m.rowmarkId}` : `ctid${m.rowmarkId}`;
      return cg.keep(row.get(this.junk(tlist, name)));
    });
    cg.emit(`${this.mt}.marks=[${values.join(",")}];`);
  }
  /** After an EvalPlanQual check the subplan's row is another one: `p` is null or that row as an array. */
  private planRow(p: string, row: RowSource, tlist: readonly TargetEntry[]): RowSource {
    const memo = new Memo();
    const { cg } = this.pc;
    return {
      get: (n) =>
        cg.memo(memo, n, () => {
          const c = cg.datum(row.get(n));
          const v = cg.name("c");
          cg.emit(`const ${v}=${p}===null?${c}:${p}[${tlist.findIndex((t) => t.resno === n)}];`);
          return { v, n: `${v}===null`, rep: row.get(n).rep, inband: true };
        }),
    };
  }

  private update(tlist: readonly TargetEntry[], row: RowSource): void {
    const { pc, mt, plan } = this;
    const { cg } = pc;
    const colnos = plan.updateColnosLists[0];
    const columns = tlist.filter((t) => !t.resjunk);
    const [v, p, done] = ["N", "P", "ok"].map((x) => cg.name(x));
    const tid = cg.datum(row.get(this.junk(tlist, "ctid")));
    const values = columns.map((t) => cg.datum(row.get(t.resno)));
    if (this.usesPlanRow()) { for (const n of varAttnos(this.returning, OUTER_VAR)) row.get(n); }
    cg.emit(`let ${p}=null,${v}=null,${done}=false;`);
    this.emitMarks(tlist, row);
    cg.block(`if(${mt}.fetchOld(${tid}))`, () =>
      cg.block("for(;;)", () => {
        cg.emit(`${v}=${mt}.copyOld();`);
        cg.ifElse(
          `${p}===null`,
          () => columns.forEach((_, i) => cg.emit(`${v}[${colnos[i] - 1}]=${values[i]};`)),
          () => columns.forEach((t, i) => cg.emit(`${v}[${colnos[i] - 1}]=${p}[${tlist.indexOf(t)}];`)),
        );
        this.finishRow(v, ["WCO_RLS_UPDATE_CHECK"], new Set(colnos));
        // null: done. false: skip the row. An array: the subplan's row over the newest version, try again.
        const r = cg.name("r");
        cg.emit(`const ${r}=${mt}.update(${v});`);
        cg.emit(`if(${r}===null){${done}=true;break;}if(${r}===false)break;${p}=${r};`);
      }));
    cg.block(`if(${done})`, () => {
      this.viewChecks(v);
      this.count();
      this.emitReturning(v, `${mt}.old`, row, { p, tlist });
    });
    cg.emit(`${mt}.releaseOld();`);
  }

  private delete(tlist: readonly TargetEntry[], row: RowSource): void {
    const { pc, mt } = this;
    const { cg } = pc;
    const r = cg.name("r");
    const tid = cg.datum(row.get(this.junk(tlist, "ctid")));
    if (this.usesPlanRow()) { for (const n of varAttnos(this.returning, OUTER_VAR)) row.get(n); }
    this.emitMarks(tlist, row);
    cg.emit(`const ${r}=${mt}.delete(${tid},${this.returning.length > 0});`);
    cg.block(`if(${r}!==false)`, () => {
      this.count();
      this.emitReturning("null", `${mt}.old`, row, { p: r, tlist });
    });
    if (this.returning.length > 0) cg.emit(`${mt}.releaseOld();`);
  }

  private count(): void {
    if (this.plan.canSetTag) this.pc.cg.emit("X.es_processed++;");
  }
  private usesPlanRow(): boolean {
    return varAttnos(this.returning, OUTER_VAR).size > 0;
  }

  private emitReturning(
    newRow: string,
    oldRow: string,
    row: RowSource,
    replan: { p: string; tlist: readonly TargetEntry[] } | null,
  ): void {
    if (this.returning.length === 0) return;
    const { pc, mt, plan } = this;
    const outer = replan === null || !this.usesPlanRow() ? row : this.planRow(replan.p, row, replan.tlist);
    const isDelete = plan.operation === "CMD_DELETE";
    const newSource = newRow === "null" ? absentRow() : this.tableRow(newRow, `${mt}.tid`);
    const oldSource = oldRow === "null" ? absentRow() : this.maybeRow(oldRow);
    const env = {
      scan: isDelete ? oldSource : newSource,
      scanrelid: this.rti,
      outer,
      oldRow: oldSource,
      newRow: newSource,
    };
    void this.needed;
    pc.cg.block("", () => this.consume(pc.project(this.returning, env)));
  }
  /** The old row, which an inserted row does not have. */
  private maybeRow(v: string): RowSource {
    const source = this.tableRow(v, `${this.mt}.oldTid`);
    if (this.plan.operation !== "CMD_INSERT") return source;
    const memo = new Memo();
    const { cg } = this.pc;
    return {
      get: (n) => {
        if (n === ROW_EXISTS) return source.get(n);
        return cg.memo(memo, n, () => {
          const c = cg.name("c");
          const read = n > 0 ? `${cg.h("plain")}(${v}[${n - 1}])` : n === -1 ? `${this.mt}.oldTid` : "null";
          cg.emit(`const ${c}=${v}===null?null:${read};`);
          const rep = n > 0 ? repOfType(this.rel.rd_att.attrs[n - 1].atttypid) : "num";
          return { v: c, n: `${c}===null`, rep, inband: true };
        });
      },
    };
  }
}

/** OLD of an insert, NEW of a delete. */
function absentRow(): RowSource {
  return {
    get: (n) =>
      n === ROW_EXISTS
        ? { v: "false", n: "false", rep: "bool", inband: false }
        : { v: "null", n: "true", rep: "ref", inband: true },
  };
}
