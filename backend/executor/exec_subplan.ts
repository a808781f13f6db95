/**
 * Subplans in expressions and init plans: the subquery's pipeline stands in line where its value is needed.
 *
 * EXISTS, scalar, ARRAY and un-hashed ANY/ALL run the subquery each time, with its correlation parameters set just before;
 * hashed ANY keeps the subquery's rows in a table as long as nothing it depends on changes.
 * Follows src/backend/executor/nodeSubplan.c.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { PgError } from "../../base/error.ts";
import type { Node, OpExpr, SubPlan } from "../nodes/nodes.ts";
import { exprType } from "../nodes/node_funcs.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { execCatalog } from "./exec_catalog.ts";
import { type Col, NULL_COL, repOfType } from "./exec_codegen.ts";
import type { PlanCompiler } from "./exec_compile.ts";
import type { ExprEnv } from "./exec_expr_compile.ts";
import { bytesEqual, hashCombine, hashNum } from "./exec_runtime.ts";

/** Compiles a SubPlan node; for init plans with several outputs it assigns them itself. */
export function compileSubPlan(pc: PlanCompiler, node: SubPlan, env: ExprEnv): Col {
  const { cg } = pc;
  if (node.useHashTable) return hashed(pc, node, env);
  setArguments(pc, node, env);
  const plan = pc.subplan(node.plan_id);
  const inline = (needed: readonly number[], body: (row: { get(n: number): Col }, leave: string) => void): void => {
    const label = cg.name("L");
    pc.rescans++;
    pc.outsidePlan(() =>
      cg.block(`${label}:`, () => pc.produce(plan, new Set(needed), (row) => body(row, `break ${label};`)))
    );
    pc.rescans--;
  };
  const r = cg.name("sp");
  switch (node.subLinkType) {
    case "EXISTS_SUBLINK":
      cg.emit(`let ${r}=false;`);
      inline([], (_row, leave) => cg.emit(`${r}=true;${leave}`));
      return { v: r, n: "false", rep: "bool", inband: false };
    case "EXPR_SUBLINK": {
      const seen = cg.name("c");
      cg.emit(`let ${r}=null,${seen}=0;`);
      inline([1], (row) => {
        cg.emit(`if(${seen}++!==0)${cg.h("moreThanOneRow")}();`);
        cg.emit(`${r}=${cg.keep(row.get(1))};`);
      });
      return { v: r, n: `${r}===null`, rep: repOfType(node.firstColType), inband: true };
    }
    case "ARRAY_SUBLINK": {
      cg.emit(`const ${r}=[];`);
      inline([1], (row) => cg.emit(`${r}.push(${cg.keep(row.get(1))});`));
      const a = cg.name("a");
      // An array subquery over arrays makes an array with a dimension more.
      const elem = execCatalog().elementType(node.firstColType);
      cg.emit(
        elem !== 0 && node.firstColType !== 19
          ? `const ${a}=${cg.h("constructNested")}(${elem},${r});`
          : `const ${a}=${cg.h("constructArray")}(${node.firstColType},${r});`,
      );
      return { v: a, n: "false", rep: "ref", inband: true };
    }
    case "MULTIEXPR_SUBLINK":
    case "ROWCOMPARE_SUBLINK": {
      if (node.testexpr === null || node.subLinkType === "MULTIEXPR_SUBLINK") {
        const columns = node.setParam.map((_, i) => i + 1);
        cg.emit(`let ${r}=0;`);
        for (const id of node.setParam) cg.emit(`${pc.paramVar(id)}=null;`);
        inline(columns, (row) => {
          cg.emit(`if(${r}++!==0)${cg.h("moreThanOneRow")}();`);
          node.setParam.forEach((id, i) => cg.emit(`${pc.paramVar(id)}=${cg.keep(row.get(i + 1))};`));
        });
        if (node.subLinkType === "MULTIEXPR_SUBLINK") { for (const id of node.setParam) pc.paramChanged(id); }
        return NULL_COL;
      }
      const seen = cg.name("c");
      cg.emit(`let ${r}=null,${seen}=0;`);
      pc.exprs.readVars(node.testexpr, env);
      inline(node.paramIds.map((_, i) => i + 1), (row) => {
        cg.emit(`if(${seen}++!==0)${cg.h("moreThanOneRow")}();`);
        cg.emit(`${r}=${cg.datum(testExpr(pc, node, env, row))};`);
      });
      return { v: r, n: `${r}===null`, rep: "bool", inband: true };
    }
    case "ANY_SUBLINK":
    case "ALL_SUBLINK": {
      const any = node.subLinkType === "ANY_SUBLINK";
      const rn = cg.name("sn");
      cg.emit(`let ${r}=${!any},${rn}=false;`);
      pc.exprs.readVars(node.testexpr, env);
      inline(node.paramIds.map((_, i) => i + 1), (row, leave) => {
        const t = cg.stable(testExpr(pc, node, env, row));
        if (t.n !== "false") cg.emit(`if(${t.n})${rn}=true;else`);
        cg.emit(`if(${any ? t.v : `!${t.v}`}){${r}=${any};${rn}=false;${leave}}`);
      });
      return { v: r, n: rn, rep: "bool", inband: false };
    }
    default:
      throw new Error(`unexpected subplan type ${node.subLinkType}`);
  }
}

function setArguments(pc: PlanCompiler, node: SubPlan, env: ExprEnv): void {
  node.parParam.forEach((id, i) => pc.setParam(id, pc.cg.datum(pc.exprs.compile(node.args[i], env))));
}

/** The comparison of ANY, ALL and row subqueries, with the subquery's columns in place of its parameters. */
function testExpr(pc: PlanCompiler, node: SubPlan, env: ExprEnv, row: { get(n: number): Col }): Col {
  node.paramIds.forEach((id, i) => pc.paramOverrides.set(id, row.get(i + 1)));
  const col = pc.exprs.rec(node.testexpr!, env);
  for (const id of node.paramIds) pc.paramOverrides.delete(id);
  return col;
}

function hashed(pc: PlanCompiler, node: SubPlan, env: ExprEnv): Col {
  const { cg } = pc;
  const cat = execCatalog();
  const plan = pc.subplan(node.plan_id);
  const test = node.testexpr!;
  const clauses = (test.type === "BoolExpr" ? test.args : [test]) as OpExpr[];
  const columns = clauses.map((op) => {
    const fnOid = op.opfuncid !== 0 ? op.opfuncid : cat.operator(op.opno).fn;
    const [l, r] = op.args.map(exprType);
    const eq = cat.proc({ fnOid, argTypes: [l, r], resultType: 16, collation: op.inputcollid }).fn;
    const plain = repOfType(l) !== "ref" && repOfType(r) !== "ref";
    const hash = plain ? { left: hashNumOrBool, right: hashNumOrBool } : cat.hashFunctions(op.opno, op.inputcollid);
    if (hash === null) throw new Error("hashed subplan with an operator that does not hash");
    return { eq, hashLeft: hash.left, hashRight: hash.right } as SubplanHashColumn;
  });
  setArguments(pc, node, env);
  const table = cg.decl("sh", "null");
  cg.onEnd(`${table}=null;`);
  const build = cg.name("b");
  const needed = clauses.map((_, i) => i + 1);
  pc.outsidePlan(() =>
    cg.func("function", build, "", () => {
      const t = cg.name("t");
      cg.emit(`const ${t}=new ${cg.h("SubplanHash")}(${cg.slot(columns)});`);
      pc.produce(plan, new Set(needed), (row) => {
        cg.emit(`${t}.add([${needed.map((n) => cg.keep(row.get(n))).join(",")}]);`);
      });
      cg.emit(`${table}=${t};`);
    })
  );
  const left = clauses.map((op) => cg.datum(pc.exprs.compile(op.args[0] as Node, env)));
  pc.breaker(plan, () => cg.emit(`${build}();`));
  const r = cg.name("r");
  cg.emit(`const ${r}=${table}.probe([${left.join(",")}]);`);
  return { v: r, n: `${r}===null`, rep: "bool", inband: true };
}

// ---- run time ----

export function moreThanOneRow(): never {
  throw new PgError({
    code: ERRCODE.CARDINALITY_VIOLATION,
    message: "more than one row returned by a subquery used as an expression",
    routine: "ExecScanSubPlan",
  });
}

function hashNumOrBool(d: Datum): number {
  return typeof d === "boolean" ? Number(d) : hashNum(d as number | bigint);
}

interface SubplanHashColumn {
  readonly eq: (l: Datum, r: Datum) => Datum;
  readonly hashLeft: (d: Datum) => number;
  readonly hashRight: (d: Datum) => number;
}

/** Rows of a hashed ANY subquery. Rows with nulls are kept aside: they may make a miss unknown. */
export class SubplanHash {
  private readonly buckets = new Map<number, Datum[][]>();
  private readonly nullRows: Datum[][] = [];
  private count = 0;
  constructor(private readonly columns: readonly SubplanHashColumn[]) {}

  add(row: Datum[]): void {
    if (row.includes(null)) {
      this.nullRows.push(row);
      return;
    }
    this.count++;
    let h = 0;
    row.forEach((d, i) => h = hashCombine(h, this.columns[i].hashRight(d)));
    const b = this.buckets.get(h);
    if (b === undefined) this.buckets.set(h, [row]);
    else if (!b.some((r) => r.every((d, i) => sameImage(d, row[i])))) b.push(row);
  }

  /** Value of `left = ANY (rows)`. */
  probe(left: Datum[]): boolean | null {
    if (this.count === 0 && this.nullRows.length === 0) return false;
    if (!left.includes(null)) {
      let h = 0;
      left.forEach((d, i) => h = hashCombine(h, this.columns[i].hashLeft(d)));
      const b = this.buckets.get(h);
      if (b !== undefined && b.some((r) => this.matches(left, r))) return true;
      return this.nullRows.some((r) => this.matches(left, r)) ? null : false;
    }
    if (left.every((d) => d === null)) return null;
    if (this.nullRows.some((r) => this.matches(left, r))) return null;
    for (const b of this.buckets.values()) if (b.some((r) => this.matches(left, r))) return null;
    return false;
  }
  /** No column is known to differ. */
  private matches(left: Datum[], row: Datum[]): boolean {
    return row.every((d, i) => d === null || left[i] === null || this.columns[i].eq(left[i], d) === true);
  }
}
function sameImage(a: Datum, b: Datum): boolean {
  return a === b || (a instanceof Uint8Array && b instanceof Uint8Array && bytesEqual(a, b));
}
