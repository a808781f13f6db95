/**
 * Expressions outside plans: constant folding, defaults, check constraints, index expressions, utility arguments.
 *
 * Each distinct expression is compiled once for each node object. Subplans and aggregates are not allowed here.
 * Follows ExecPrepareExpr() and ExecEvalExpr() in src/backend/executor/execExpr.c.
 */
import { notBuilt, pgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import type { Oid } from "../../base/types.ts";
import type { Node } from "../nodes/nodes.ts";
import type { ParamListInfo } from "../nodes/params.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import "./exec_catalog_pg.ts";
import {
  CodeGen,
  type Col,
  compileSource,
  Memo,
  type PlanInstance,
  repOfType,
  type RowSource,
} from "./exec_codegen.ts";
import { ExprCompiler, type ExprHost } from "./exec_expr_compile.ts";
import { EXPR_LIBRARY } from "./exec_expr_library.ts";
import { walkNodes } from "./exec_walk.ts";

interface ExprInstance extends PlanInstance {
  evaluate(row: readonly Datum[]): Datum;
}
/** What generated expressions see as `X`. */
class ExprContext {
  constructor(private readonly params: ParamListInfo | null) {}
  externParam(n: number): Datum {
    const p = this.params?.values[n - 1];
    if (p === undefined) throw pgError(ERRCODE.UNDEFINED_OBJECT, `no value found for parameter ${n}`);
    return p.value;
  }
}

class ExpressionHost implements ExprHost {
  private readonly vars = new Map<number, string>();
  constructor(private readonly cg: CodeGen) {}
  execParam(): Col {
    throw new Error("executor parameter outside a plan");
  }
  externParam(id: number, type: Oid): Col {
    let v = this.vars.get(id);
    if (v === undefined) {
      v = this.cg.decl("px", "null");
      this.vars.set(id, v);
      this.cg.onStart(`${v}=X.externParam(${id});`);
    }
    return { v, n: `${v}===null`, rep: repOfType(type), inband: true };
  }
  subPlan(): Col {
    throw notBuilt("a subquery in this place");
  }
}

function compile(expr: Node, params: ParamListInfo | null): ExprInstance {
  const cg = new CodeGen({ instrument: false, timing: false, epq: false });
  const types = new Map<number, Oid>();
  walkNodes(expr, (n) => {
    if (n.type === "Var") types.set(n.varattno, n.vartype);
  });
  const memo = new Memo();
  const row: RowSource = {
    get: (attno) =>
      cg.memo(memo, attno, () => {
        if (attno <= 0) throw notBuilt("system columns and whole rows in this place");
        const v = cg.name("c");
        cg.emit(`const ${v}=row[${attno - 1}]??null;`);
        return { v, n: `${v}===null`, rep: repOfType(types.get(attno) ?? 0), inband: true };
      }),
  };
  const c = new ExprCompiler(cg, new ExpressionHost(cg));
  cg.func("function", "evaluate", "row", () => {
    const col = c.compile(expr, { scan: row });
    cg.emit(`return ${cg.datum(col)};`);
  });
  const instance = compileSource<ExprInstance>(cg.source(["evaluate"]))(cg.slots, EXPR_LIBRARY);
  instance.start(new ExprContext(params));
  return instance;
}

const NO_ROW: readonly Datum[] = [];

/** Compiles an expression without Vars. The result may be called any number of times. */
export function compileExpr(expr: Node, params: ParamListInfo | null = null): () => Datum {
  const e = compile(expr, params);
  return () => e.evaluate(NO_ROW);
}

/** Compiles an expression over a row: attribute n stands at values[n - 1]. */
export function compileExprOnRow(expr: Node, params: ParamListInfo | null = null): (values: readonly Datum[]) => Datum {
  const e = compile(expr, params);
  return (values) => e.evaluate(values);
}
