/**
 * Expressions to JavaScript: variables, constants, function calls and the Boolean and conditional forms.
 *
 * compile() emits statements into the current block and returns the column that holds the result. Nulls are flags beside
 * typed values (see Col), so strict in-line operators cost nothing where columns are NOT NULL. Every Var of an expression is
 * read at its root, before any conditional part (rule 2 of exec_codegen.ts). The rarer node types are in exec_expr_misc.ts.
 * Follows ExecInitExprRec() in src/backend/executor/execExpr.c.
 */
import { notBuilt } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import type {
  BooleanTest,
  BoolExpr,
  CaseExpr,
  CaseWhen,
  CoalesceExpr,
  Const,
  Node,
  NullTest,
  Param,
  ScalarArrayOpExpr,
  SubPlan,
  Var,
  WindowFunc,
} from "../nodes/nodes.ts";
import type { CallInfo } from "../utils/fmgr/fmgr.ts";
import { execCatalog, type ProcInfo } from "./exec_catalog.ts";
import {
  type CodeGen,
  type Col,
  NULL_COL,
  orNulls,
  type Rep,
  repOfType,
  type RowSource,
  zeroOf,
} from "./exec_codegen.ts";
import { compileMisc } from "./exec_expr_misc.ts";
import { exprType } from "../nodes/node_funcs.ts";
import { BYTES_EQUALITY, BYTES_ORDER, INLINE_OPS } from "./exec_inline_ops.ts";
import { deconstructDatumArray } from "./exec_arrays.ts";
import { walkNodes } from "./exec_walk.ts";

/** Where the Vars and placeholders of an expression find their values. */
export interface ExprEnv {
  /** Vars of a range table entry: base relations, in scans and DML. */
  readonly scan?: RowSource;
  readonly scanrelid?: number;
  readonly outer?: RowSource;
  readonly inner?: RowSource;
  readonly index?: RowSource;
  /** Rows of RETURNING: OLD and NEW. */
  readonly oldRow?: RowSource;
  readonly newRow?: RowSource;
  /** Results of aggregates by aggno. */
  readonly aggs?: readonly Col[];
  readonly grouping?: (node: Node & { type: "GroupingFunc" }) => Col;
  readonly windowFunc?: (node: WindowFunc) => Col;
  readonly caseTest?: Col;
  readonly domainValue?: Col;
  /** A plan without input (its quals are false): Vars have no row, and are never read. */
  readonly noInput?: boolean;
}

/** What an expression needs of the plan around it. */
export interface ExprHost {
  execParam(id: number, type: Oid): Col;
  externParam(id: number, type: Oid): Col;
  subPlan(node: SubPlan, env: ExprEnv, c: ExprCompiler): Col;
}

export const INNER_VAR = -1;
export const OUTER_VAR = -2;
export const INDEX_VAR = -3;

export class ExprCompiler {
  constructor(readonly cg: CodeGen, readonly host: ExprHost) {}

  /** Compiles a whole expression: its Vars are read first, at this place. */
  compile(node: Node, env: ExprEnv): Col {
    this.readVars(node, env);
    return this.rec(node, env);
  }
  /** Reads the Vars of `x` here, so that conditional code after it finds them. */
  readVars(x: unknown, env: ExprEnv): void {
    walkNodes(x, (n) => {
      if (n.type === "Var") this.compileVar(n, env);
      // Arguments of aggregates and window functions belong to rows that are gone.
      return n.type === "Aggref" || n.type === "GroupingFunc" || n.type === "WindowFunc";
    });
  }

  /** JavaScript condition that is true when the value is true (not false, not null). */
  isTrue(col: Col): string {
    if (col.n === "true") return "false";
    if (col.inband && col.n !== "false") return `${col.v}===true`;
    return col.n === "false" ? col.v : `(!(${col.n})&&${col.v})`;
  }
  /** Emits `if(qual){ body }` for an implicitly ANDed list; `onFail` emits what happens to rows that fail. */
  qual(quals: readonly Node[], env: ExprEnv, body: () => void, onFail: (() => void) | null = null): void {
    const next = (i: number): void => {
      if (i === quals.length) {
        body();
        return;
      }
      const cond = this.isTrue(this.compile(quals[i], env));
      if (onFail === null) this.cg.block(`if(${cond})`, () => next(i + 1));
      else this.cg.ifElse(cond, () => next(i + 1), onFail);
    };
    next(0);
  }

  /** Compiles a part of an expression whose Vars have been read. */
  rec(node: Node, env: ExprEnv): Col {
    switch (node.type) {
      case "Var":
        return this.compileVar(node, env);
      case "Const":
        return this.compileConst(node);
      case "Param":
        return this.compileParam(node);
      case "FuncExpr":
        if (node.funcretset) throw notBuilt("a set-returning function in this place");
        return this.call({
          fnOid: node.funcid,
          argTypes: node.args.map(exprType),
          resultType: node.funcresulttype,
          collation: node.inputcollid,
          variadic: node.funcvariadic,
        }, node.args.map((a) => this.rec(a, env)));
      case "OpExpr":
        return this.op(node.opno, node.opfuncid, node.opresulttype, node.inputcollid, node.args, env);
      case "DistinctExpr": {
        const [a, b] = node.args.map((x) => this.cg.stable(this.rec(x, env)));
        const eq = this.callOp(node.opno, node.opfuncid, node.inputcollid, node.args.map(exprType), [a, b]);
        if (a.n === "false" && b.n === "false") return this.bool(`!(${this.isTrue(eq)})`);
        return this.bool(`(${a.n}||${b.n}?${a.n}!==${b.n}:!(${this.isTrue(eq)}))`);
      }
      case "NullIfExpr": {
        const [a, b] = node.args.map((x) => this.cg.stable(this.rec(x, env)));
        const eq = this.callOp(node.opno, node.opfuncid, node.inputcollid, node.args.map(exprType), [a, b]);
        const n = this.cg.tmp(orNulls([a.n, `(${this.isTrue(eq)})`]));
        return { v: a.inband ? `(${n}?null:${a.v})` : a.v, n, rep: a.rep, inband: a.inband };
      }
      case "BoolExpr":
        return this.boolExpr(node, env);
      case "CaseExpr":
        return this.caseExpr(node, env);
      case "CoalesceExpr":
        return this.coalesce(node, env);
      case "NullTest":
        return this.nullTest(node, env);
      case "BooleanTest":
        return this.booleanTest(node, env);
      case "ScalarArrayOpExpr":
        return this.scalarArrayOp(node, env);
      case "RelabelType":
        return this.relabel(this.rec(node.arg!, env), exprType(node.arg), node.resulttype);
      case "CollateExpr":
        return this.rec(node.arg!, env);
      case "NamedArgExpr":
        return this.rec(node.arg!, env);
      case "TargetEntry":
        return this.rec(node.expr!, env);
      case "Aggref": {
        const col = env.aggs?.[node.aggno];
        if (col === undefined) throw new Error("Aggref found in non-Agg plan node");
        return col;
      }
      case "GroupingFunc":
        if (env.grouping === undefined) throw new Error("GroupingFunc found in non-Agg plan node");
        return env.grouping(node);
      case "WindowFunc":
        if (env.windowFunc === undefined) throw new Error("WindowFunc found in non-WindowAgg plan node");
        return env.windowFunc(node);
      case "SubPlan":
        return this.host.subPlan(node, env, this);
      case "AlternativeSubPlan":
        return this.rec(node.subplans[0], env);
      case "CaseTestExpr":
        if (env.caseTest === undefined) throw new Error("CaseTestExpr without a value");
        return env.caseTest;
      case "CoerceToDomainValue":
        if (env.domainValue === undefined) throw new Error("CoerceToDomainValue without a value");
        return env.domainValue;
      default:
        return compileMisc(this, node, env);
    }
  }

  /** A pure boolean expression bound to a name. */
  bool(expr: string, n = "false"): Col {
    return { v: this.cg.tmp(expr), n, rep: "bool", inband: false };
  }

  private compileVar(v: Var, env: ExprEnv): Col {
    let row: RowSource | undefined;
    if (v.varreturningtype === "VAR_RETURNING_OLD" && env.oldRow !== undefined) row = env.oldRow;
    else if (v.varreturningtype === "VAR_RETURNING_NEW" && env.newRow !== undefined) row = env.newRow;
    else if (v.varno === OUTER_VAR) row = env.outer;
    else if (v.varno === INNER_VAR) row = env.inner;
    else if (v.varno === INDEX_VAR) row = env.index;
    else if (env.scanrelid === undefined || env.scanrelid === v.varno) row = env.scan;
    if (row === undefined && env.noInput) return { ...NULL_COL, rep: repOfType(v.vartype) };
    if (row === undefined) throw new Error(`variable ${v.varno}.${v.varattno} is not available here`);
    return row.get(v.varattno);
  }

  private compileConst(c: Const): Col {
    if (c.constisnull || c.constvalue === null) return { ...NULL_COL, rep: repOfType(c.consttype) };
    const rep = repOfType(c.consttype);
    if (typeof c.constvalue === "boolean") return { v: String(c.constvalue), n: "false", rep, inband: false };
    return { v: this.cg.slot(c.constvalue), n: "false", rep, inband: false };
  }

  private compileParam(p: Param): Col {
    switch (p.paramkind) {
      case "PARAM_EXEC":
        return this.host.execParam(p.paramid, p.paramtype);
      case "PARAM_EXTERN":
        return this.host.externParam(p.paramid, p.paramtype);
      default:
        throw new Error(`unexpected parameter kind ${p.paramkind}`);
    }
  }

  private op(opno: Oid, opfuncid: Oid, result: Oid, collation: Oid, args: readonly Node[], env: ExprEnv): Col {
    const cols = args.map((a) => this.rec(a, env));
    return this.callOp(opno, opfuncid, collation, args.map(exprType), cols, result);
  }
  /** Calls an operator; `opfuncid` may be 0 where the planner did not fill it in. */
  callOp(opno: Oid, opfuncid: Oid, collation: Oid, argTypes: Oid[], cols: readonly Col[], result: Oid = 16): Col {
    const fnOid = opfuncid !== 0 ? opfuncid : execCatalog().operator(opno).fn;
    return this.call({ fnOid, argTypes, resultType: result, collation }, cols);
  }

  /** Calls a function with compiled arguments. */
  call(call: CallInfo, args: readonly Col[]): Col {
    const proc = execCatalog().proc(call);
    if (proc.strict && args.some((a) => a.n === "true")) return { ...NULL_COL, rep: repOfType(call.resultType) };
    return this.inlineOp(proc, args) ?? this.bytesOp(proc, call, args) ?? this.plainCall(proc, call, args);
  }

  private inlineOp(proc: ProcInfo, args: readonly Col[]): Col | null {
    const op = INLINE_OPS.get(proc.prosrc);
    if (op === undefined || args.some((a) => a.rep === "ref")) return null;
    const { cg } = this;
    const n = orNulls(args.map((a) => a.n));
    if (!op.throws) {
      return { v: cg.tmp(op.emit(cg, args.map((a) => a.v))), n, rep: op.rep, inband: false };
    }
    const names = args.map((a) => cg.tmp(a.v));
    if (n === "false") return { v: cg.tmp(op.emit(cg, names)), n, rep: op.rep, inband: false };
    const nn = cg.tmp(n);
    const r = cg.name("r");
    cg.emit(`let ${r}=${zeroOf(op.rep)};`);
    cg.block(`if(!${nn})`, () => cg.emit(`${r}=${op.emit(cg, names)};`));
    return { v: r, n: nn, rep: op.rep, inband: false };
  }

  /** Equality and order of strings on their bytes, a column against anything, without materialising the column. */
  private bytesOp(proc: ProcInfo, call: CallInfo, args: readonly Col[]): Col | null {
    if (args.length !== 2 || args.some((a) => a.rep !== "ref")) return null;
    const cat = execCatalog();
    const { cg } = this;
    const negate = BYTES_EQUALITY.get(proc.prosrc);
    if (negate !== undefined) {
      if (call.collation !== 0 && !cat.collationIsDeterministic(call.collation)) return null;
      const lazy = args.find((a) => a.lazy !== undefined);
      const n = orNulls(args.map((a) => a.n));
      const nn = n === "false" ? n : cg.tmp(n);
      let eq: string;
      if (lazy !== undefined) {
        const other = cg.val(args[0] === lazy ? args[1] : args[0]);
        eq = `${cg.h("vlEquals")}(u8,${lazy.lazy},${other.v})`;
      } else eq = `${cg.h("bytesEqual")}(${args[0].v},${args[1].v})`;
      const test = negate ? `!${eq}` : eq;
      return this.bool(nn === "false" ? test : `!${nn}&&${test}`, nn);
    }
    const [text, pattern] = args;
    if ((proc.prosrc === "textlike" || proc.prosrc === "textnlike") && text.lazy !== undefined) {
      const p = cg.val(pattern);
      const n = orNulls([text.n, p.n]);
      const nn = n === "false" ? n : cg.tmp(n);
      const like = `${proc.prosrc === "textlike" ? "" : "!"}${cg.h("vlLike")}(u8,${text.lazy},${p.v})`;
      return this.bool(nn === "false" ? like : `!${nn}&&${like}`, nn);
    }
    const order = BYTES_ORDER.get(proc.prosrc);
    if (order === undefined || (order.collated && !cat.collationIsBytes(call.collation))) return null;
    const [a, b] = args.map((x) => cg.val(x));
    const n = orNulls([a.n, b.n]);
    const nn = n === "false" ? n : cg.tmp(n);
    const test = `${cg.h("bytesCompare")}(${a.v},${b.v})${order.op}0`;
    return this.bool(nn === "false" ? test : `!${nn}&&${test}`, nn);
  }

  private plainCall(proc: ProcInfo, call: CallInfo, args: readonly Col[]): Col {
    const { cg } = this;
    const fn = cg.slot(proc.fn);
    const rep = repOfType(call.resultType);
    const vals = args.map((a) => cg.val(a));
    const r = cg.name("r");
    if (!proc.strict) {
      cg.emit(`const ${r}=${fn}(${vals.map((a) => cg.datum(a)).join(",")});`);
    } else {
      const n = orNulls(vals.map((a) => a.n));
      const list = vals.map((a) => a.v).join(",");
      cg.emit(`const ${r}=${n === "false" ? "" : `${n}?null:`}${fn}(${list});`);
    }
    return { v: r, n: `${r}===null`, rep, inband: true };
  }

  /** The same bits as another type: only int4 and the unsigned 4-byte types differ as JavaScript numbers. */
  private relabel(col: Col, from: Oid, to: Oid): Col {
    const [a, b] = [repOfType(from), repOfType(to)];
    if (a === b || a === "ref" || b === "ref") return col;
    const c = this.cg.stable(col);
    const v = this.cg.tmp(b === "i32" ? `(${c.v}|0)` : `(${c.v}>>>0)`);
    return { v, n: c.n, rep: b, inband: false };
  }

  private boolExpr(node: BoolExpr, env: ExprEnv): Col {
    const { cg } = this;
    if (node.boolop === "NOT_EXPR") {
      const a = cg.stable(this.rec(node.args[0], env));
      return this.bool(`!${a.v}`, a.n);
    }
    // r holds the value while no argument decided; rn says that one of them was null.
    const decided = node.boolop === "AND_EXPR" ? "false" : "true";
    const r = cg.name("b");
    const rn = cg.name("bn");
    cg.emit(`let ${r}=${node.boolop === "AND_EXPR"},${rn}=false;`);
    let nullable = false;
    const next = (i: number): void => {
      const a = this.rec(node.args[i], env);
      const goesOn = i + 1 < node.args.length;
      const test = decided === "true" ? this.isTrue(a) : null;
      if (a.n === "false") {
        cg.emit(`if(${decided === "true" ? a.v : `!${a.v}`})${r}=${decided};`);
      } else {
        nullable = true;
        const s = cg.stable(a);
        cg.emit(`if(${s.n})${rn}=true;else if(${test === null ? `!${s.v}` : s.v})${r}=${decided};`);
      }
      if (goesOn) cg.block(`if(${r}!==${decided})`, () => next(i + 1));
    };
    next(0);
    if (!nullable) return { v: r, n: "false", rep: "bool", inband: false };
    return { v: r, n: cg.tmp(`${rn}&&${r}!==${decided}`), rep: "bool", inband: false };
  }

  /** A variable that branches assign to. */
  branchTarget(rep: Rep): { col: Col; assign: (c: Col) => void } {
    const { cg } = this;
    const r = cg.name("r");
    if (rep === "ref") {
      cg.emit(`let ${r}=null;`);
      return {
        col: { v: r, n: `${r}===null`, rep, inband: true },
        assign: (c) => cg.emit(`${r}=${cg.datum(c)};`),
      };
    }
    const rn = cg.name("rn");
    cg.emit(`let ${r}=${zeroOf(rep)},${rn}=true;`);
    return {
      col: { v: r, n: rn, rep, inband: false },
      assign: (c) => {
        if (c.n === "true") cg.emit(`${rn}=true;`);
        else if (c.n === "false") cg.emit(`${r}=${c.v};${rn}=false;`);
        else cg.emit(`if(!(${rn}=${c.n}))${r}=${c.v};`);
      },
    };
  }

  private caseExpr(node: CaseExpr, env: ExprEnv): Col {
    const { cg } = this;
    let inner = env;
    if (node.arg !== null) inner = { ...env, caseTest: cg.stable(this.rec(node.arg, env)) };
    const target = this.branchTarget(repOfType(node.casetype));
    const next = (i: number): void => {
      if (i === node.args.length) {
        if (node.defresult !== null) target.assign(this.rec(node.defresult, env));
        return;
      }
      const when = node.args[i] as CaseWhen;
      cg.ifElse(
        this.isTrue(this.rec(when.expr!, inner)),
        () => target.assign(this.rec(when.result!, env)),
        () => next(i + 1),
      );
    };
    next(0);
    return target.col;
  }

  private coalesce(node: CoalesceExpr, env: ExprEnv): Col {
    const { cg } = this;
    const target = this.branchTarget(repOfType(node.coalescetype));
    const next = (i: number): void => {
      target.assign(this.rec(node.args[i], env));
      if (i + 1 < node.args.length) cg.block(`if(${target.col.n})`, () => next(i + 1));
    };
    next(0);
    return target.col;
  }

  private nullTest(node: NullTest, env: ExprEnv): Col {
    const { cg } = this;
    const a = this.rec(node.arg!, env);
    const isNull = node.nulltesttype === "IS_NULL";
    if (node.argisrow) return this.bool(`${cg.h(isNull ? "rowIsNull" : "rowIsNotNull")}(${cg.datum(a)})`);
    if (a.n === "false" || a.n === "true") return this.bool(String((a.n === "true") === isNull));
    return this.bool(isNull ? a.n : `!(${a.n})`);
  }

  private booleanTest(node: BooleanTest, env: ExprEnv): Col {
    const a = this.cg.stable(this.rec(node.arg!, env));
    switch (node.booltesttype) {
      case "IS_TRUE":
        return this.bool(this.isTrue(a));
      case "IS_NOT_TRUE":
        return this.bool(`!(${this.isTrue(a)})`);
      case "IS_FALSE":
        return this.bool(a.n === "false" ? `!${a.v}` : `(!(${a.n})&&!${a.v})`);
      case "IS_NOT_FALSE":
        return this.bool(a.n === "false" ? a.v : `(${a.n}||${a.v})`);
      case "IS_UNKNOWN":
        return this.bool(a.n);
      case "IS_NOT_UNKNOWN":
        return this.bool(`!(${a.n})`);
    }
  }

  private scalarArrayOp(node: ScalarArrayOpExpr, env: ExprEnv): Col {
    const { cg } = this;
    const cat = execCatalog();
    const [lhs, rhs] = node.args;
    const fnOid = node.opfuncid !== 0 ? node.opfuncid : cat.operator(node.opno).fn;
    const elemType = cat.elementType(exprType(rhs));
    const argTypes = [exprType(lhs), elemType];
    const proc = cat.proc({ fnOid, argTypes, resultType: 16, collation: node.inputcollid });
    const a = cg.stable(this.rec(lhs, env));
    if (rhs.type === "Const") {
      if (rhs.constisnull) return { ...NULL_COL, rep: "bool" };
      const elems = deconstructDatumArray(rhs.constvalue as Uint8Array);
      // x = ANY (constants) and x <> ALL (constants) of plain numbers: one look into a set.
      const inline = INLINE_OPS.get(proc.prosrc);
      const isEq = /eq$/.test(proc.prosrc) && node.useOr;
      const isNe = /ne$/.test(proc.prosrc) && !node.useOr;
      if (inline !== undefined && (isEq || isNe) && a.rep !== "ref" && !proc.prosrc.startsWith("float")) {
        const hasNull = elems.includes(null);
        const set = cg.slot(new Set(elems.filter((e) => e !== null)));
        const found = cg.tmp(`${set}.has(${a.v})`);
        const v = isEq ? found : `!${found}`;
        if (elems.length === 0) return this.bool(String(isNe));
        const n = hasNull ? orNulls([a.n, `!${found}`]) : a.n;
        return this.bool(v, n);
      }
      const r = cg.name("r");
      const fn = cg.h(proc.strict ? "scalarArrayOp" : "scalarArrayOpNonStrict");
      cg.emit(`const ${r}=${fn}(${cg.slot(proc.fn)},${cg.datum(a)},${cg.slot(elems)},${node.useOr});`);
      return { v: r, n: `${r}===null`, rep: "bool", inband: true };
    }
    const arr = cg.val(this.rec(rhs, env));
    const r = cg.name("r");
    const fn = cg.h(proc.strict ? "scalarArrayOp" : "scalarArrayOpNonStrict");
    const elems = `${cg.h("deconstructDatumArray")}(${arr.v})`;
    const nullArr = arr.n === "false" ? "" : `${arr.n}?null:`;
    cg.emit(`const ${r}=${nullArr}${fn}(${cg.slot(proc.fn)},${cg.datum(a)},${elems},${node.useOr});`);
    return { v: r, n: `${r}===null`, rep: "bool", inband: true };
  }
}
