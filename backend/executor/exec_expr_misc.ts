/**
 * Expressions to JavaScript: arrays, rows, domains, conversions through text, and the other rarer node types.
 *
 * Each function compiles one node type; what they call at run time is in exec_expr_runtime.ts and exec_arrays.ts.
 * Follows the corresponding cases of src/backend/executor/execExpr.c and execExprInterp.c.
 */
import { notBuilt } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import type {
  ArrayCoerceExpr,
  ArrayExpr,
  CoerceToDomain,
  CoerceViaIO,
  ConvertRowtypeExpr,
  FieldSelect,
  FieldStore,
  MinMaxExpr,
  NextValueExpr,
  Node,
  RowCompareExpr,
  RowExpr,
  SQLValueFunction,
  SubscriptingRef,
} from "../nodes/nodes.ts";
import { exprType } from "../nodes/node_funcs.ts";
import { execCatalog } from "./exec_catalog.ts";
import { type Col, orNulls, repOfType } from "./exec_codegen.ts";
import type { ExprCompiler, ExprEnv } from "./exec_expr_compile.ts";

/** Compiles the node types that compile() has no case for. @throws 0A000 for those that are not built. */
export function compileMisc(c: ExprCompiler, node: Node, env: ExprEnv): Col {
  switch (node.type) {
    case "CoerceViaIO":
      return coerceViaIO(c, node, env);
    case "ArrayExpr":
      return arrayExpr(c, node, env);
    case "ArrayCoerceExpr":
      return arrayCoerce(c, node, env);
    case "SubscriptingRef":
      return subscriptingRef(c, node, env);
    case "RowExpr":
      return rowExpr(c, node, env);
    case "RowCompareExpr":
      return rowCompare(c, node, env);
    case "FieldSelect":
      return compileFieldSelect(c, node, env);
    case "FieldStore":
      return compileFieldStore(c, node, env);
    case "ConvertRowtypeExpr":
      return convertRowtype(c, node, env);
    case "MinMaxExpr":
      return compileMinMax(c, node, env);
    case "CoerceToDomain":
      return coerceToDomain(c, node, env);
    case "SQLValueFunction":
      return sqlValueFunction(c, node);
    case "NextValueExpr":
      return nextValue(c, node);
    case "ReturningExpr": {
      const row = node.retold ? env.oldRow : env.newRow;
      const inner = c.rec(node.retexpr!, env);
      if (row === undefined) return inner;
      const exists = row.get(ROW_EXISTS);
      const v = c.cg.tmp(`${exists.v}?${c.cg.datum(inner)}:null`);
      return { v, n: `${v}===null`, rep: inner.rep, inband: true };
    }
    case "JsonValueExpr":
      return c.rec(node.formatted_expr!, env);
    case "JsonConstructorExpr": {
      if (node.func === null) throw notBuilt("this SQL/JSON constructor");
      const value = c.rec(node.func, env);
      return node.coercion === null ? value : c.rec(node.coercion, { ...env, caseTest: c.cg.stable(value) });
    }
    default:
      throw notBuilt(`expression ${node.type}`);
  }
}

const JSONBOID = 3802;
const NAMEOID = 19;

/** Pseudo attribute of OLD and NEW rows: whether there is such a row. */
export const ROW_EXISTS = -100;

function inband(v: string, type: Oid): Col {
  return { v, n: `${v}===null`, rep: repOfType(type), inband: true };
}

function coerceViaIO(c: ExprCompiler, node: CoerceViaIO, env: ExprEnv): Col {
  const { cg } = c;
  const cat = execCatalog();
  const from = exprType(node.arg!);
  const a = cg.val(c.rec(node.arg!, env));
  const out = cg.slot(cat.typeOutput(from));
  const input = cg.slot(cat.typeInput(node.resulttype));
  const r = cg.name("r");
  cg.emit(`const ${r}=${a.n === "false" ? "" : `${a.n}?null:`}${input}(${out}(${a.v}),-1);`);
  return inband(r, node.resulttype);
}

function arrayExpr(c: ExprCompiler, node: ArrayExpr, env: ExprEnv): Col {
  const { cg } = c;
  const elems = node.elements.map((e) => cg.datum(c.rec(e, env))).join(",");
  const r = cg.name("r");
  cg.emit(
    `const ${r}=${cg.h(node.multidims ? "constructNested" : "constructArray")}(${node.element_typeid},[${elems}]);`,
  );
  return { v: r, n: "false", rep: "ref", inband: true };
}

function arrayCoerce(c: ExprCompiler, node: ArrayCoerceExpr, env: ExprEnv): Col {
  const { cg } = c;
  const cat = execCatalog();
  const a = cg.val(c.rec(node.arg!, env));
  const elemType = cat.elementType(node.resulttype);
  const x = cg.name("x");
  const caseTest: Col = inband(x, cat.elementType(exprType(node.arg!)));
  // The conversion of one element becomes a function of its own; it sees no columns, only the element.
  const fn = cg.name("elem");
  cg.func("function", fn, x, () => {
    const e = c.rec(node.elemexpr!, { caseTest });
    cg.emit(`return ${cg.datum(e)};`);
  });
  const r = cg.name("r");
  cg.emit(`const ${r}=${a.n === "false" ? "" : `${a.n}?null:`}${cg.h("mapArray")}(${a.v},${elemType},${fn});`);
  return inband(r, node.resulttype);
}

function subscriptingRef(c: ExprCompiler, node: SubscriptingRef, env: ExprEnv): Col {
  const { cg } = c;
  const cat = execCatalog();
  const json = cat.baseType(node.refcontainertype) === JSONBOID;
  // The bytes of a name are a fixed-length array of "char", counted from 0.
  const isName = cat.baseType(node.refcontainertype) === NAMEOID && node.refassgnexpr === null &&
    node.reflowerindexpr.length === 0;
  if (!json && !isName && cat.elementType(node.refcontainertype) === 0) throw notBuilt("subscripting of this type");
  const container = cg.val(c.rec(node.refexpr!, env));
  const assigns = node.refassgnexpr !== null;
  const bound = (e: Node | null): string => e === null ? (assigns ? "undefined" : "null") : cg.datum(c.rec(e, env));
  const upper = (node.refupperindexpr as (Node | null)[]).map(bound);
  const lower = (node.reflowerindexpr as (Node | null)[]).map(bound);
  const r = cg.name("r");
  if (node.refassgnexpr !== null) {
    const old: Col = { v: "null", n: "true", rep: "ref", inband: true };
    const value = cg.datum(c.rec(node.refassgnexpr, { ...env, caseTest: old }));
    const from = cg.datum(container);
    cg.emit(
      json
        ? `const ${r}=${cg.h("assignJsonb")}(${from},[${upper.join(",")}],${value});`
        : lower.length > 0
        ? `const ${r}=${cg.h("assignSlice")}(${from},${node.refelemtype},[${lower.join(",")}],[${
          upper.join(",")
        }],${value});`
        : `const ${r}=${cg.h("assignElement")}(${from},${node.refelemtype},[${upper.join(",")}],${value});`,
    );
    return inband(r, node.refcontainertype);
  }
  if (lower.length > 0) {
    // A bound that is given but null makes the result null; one that is left out does not.
    const given = [...node.refupperindexpr, ...node.reflowerindexpr].map((e) => (e as Node | null) !== null);
    const nulls = [...upper, ...lower].filter((_, i) => given[i]).map((b) => `${b}===null`);
    const n = orNulls([container.n, ...nulls]);
    cg.emit(
      `const ${r}=${n === "false" ? "" : `${n}?null:`}${cg.h("arrayGetSlice")}(${container.v},[${lower.join(",")}],[${
        upper.join(",")
      }]);`,
    );
    return inband(r, node.refrestype);
  }
  const n = orNulls([container.n, ...upper.map((u) => `${u}===null`)]);
  cg.emit(
    `const ${r}=${n === "false" ? "" : `${n}?null:`}${
      cg.h(isName ? "nameSubscript" : json ? "jsonbSubscript" : "arrayGetElement")
    }(${container.v},[${upper.join(",")}]);`,
  );
  return inband(r, node.refrestype);
}

function rowExpr(c: ExprCompiler, node: RowExpr, env: ExprEnv): Col {
  const { cg } = c;
  const cat = execCatalog();
  const values = node.args.map((a) => cg.keep(c.rec(a, env)));
  let types = node.args.map((a) => exprType(a));
  let names = node.colnames.map((n) => n.sval ?? "");
  if (node.row_typeid !== 2249) {
    const desc = cat.rowType(node.row_typeid, -1);
    if (desc !== null) {
      types = desc.attrs.map((a) => a.atttypid);
      names = desc.attrs.map((a) => a.attname);
      while (values.length < types.length) values.push("null");
    }
  } else if (names.length < types.length) names = types.map((_, i) => `f${i + 1}`);
  const r = cg.name("r");
  const shape = cg.slot({ typeId: node.row_typeid, types, names });
  cg.emit(`const ${r}=${cg.h("makeRecord")}(${shape},[${values.join(",")}]);`);
  return { v: r, n: "false", rep: "ref", inband: true };
}

function rowCompare(c: ExprCompiler, node: RowCompareExpr, env: ExprEnv): Col {
  const { cg } = c;
  const cat = execCatalog();
  const left = node.largs.map((a) => cg.stable(c.rec(a, env)));
  const right = node.rargs.map((a) => cg.stable(c.rec(a, env)));
  const r = cg.name("r");
  const n = cg.name("rn");
  cg.emit(`let ${r}=0,${n}=false;`);
  const next = (i: number): void => {
    if (i === left.length) return;
    const op = cat.operator(node.opnos[i]);
    const order = cat.familyCmp(node.opfamilies[i], op.left, op.right, node.inputcollids[i]);
    const nulls = orNulls([left[i].n, right[i].n]);
    const cmp = `${r}=${cg.slot(order.cmp)}(${left[i].v},${right[i].v});`;
    cg.emit(nulls === "false" ? cmp : `if(${nulls})${n}=true;else ${cmp}`);
    cg.block(`if(!${n}&&${r}===0)`, () => next(i + 1));
  };
  next(0);
  const op = { COMPARE_LT: "<", COMPARE_LE: "<=", COMPARE_GE: ">=", COMPARE_GT: ">" }[node.cmptype as string];
  if (op === undefined) throw notBuilt("this row comparison");
  return c.bool(`${r}${op}0`, n);
}

function compileFieldSelect(c: ExprCompiler, node: FieldSelect, env: ExprEnv): Col {
  const { cg } = c;
  const a = c.rec(node.arg!, env);
  const r = cg.name("r");
  cg.emit(`const ${r}=${cg.h("fieldSelect")}(${cg.datum(a)},${node.fieldnum});`);
  return inband(r, node.resulttype);
}

function compileFieldStore(c: ExprCompiler, node: FieldStore, env: ExprEnv): Col {
  const { cg } = c;
  const cat = execCatalog();
  const desc = cat.rowType(cat.baseType(node.resulttype), -1);
  if (desc === null) throw new Error("FieldStore of a type that is not composite");
  const a = cg.stable(c.rec(node.arg!, env));
  const nums = node.fieldnums as unknown as number[];
  const sets = node.newvals.map((e, i) => {
    const old = cg.name("r");
    cg.emit(`const ${old}=${cg.h("fieldSelect")}(${cg.datum(a)},${nums[i]});`);
    const caseTest = inband(old, desc.attrs[nums[i] - 1].atttypid);
    return `[${nums[i]},${cg.keep(c.rec(e, { ...env, caseTest }))}]`;
  });
  const r = cg.name("r");
  const shape = cg.slot({
    typeId: cat.baseType(node.resulttype),
    types: desc.attrs.map((x) => x.atttypid),
    names: desc.attrs.map((x) => x.attname),
  });
  cg.emit(`const ${r}=${cg.h("fieldStore")}(${shape},${cg.datum(a)},[${sets.join(",")}]);`);
  return { v: r, n: "false", rep: "ref", inband: true };
}

function convertRowtype(c: ExprCompiler, node: ConvertRowtypeExpr, env: ExprEnv): Col {
  const { cg } = c;
  const cat = execCatalog();
  const from = cat.rowType(exprType(node.arg!), -1);
  const to = cat.rowType(node.resulttype, -1);
  if (from === null || to === null) throw notBuilt("this row type conversion");
  const map = to.attrs.map((t) =>
    t.attisdropped ? -1 : from.attrs.findIndex((f) => !f.attisdropped && f.attname === t.attname)
  );
  const shape = cg.slot({
    typeId: node.resulttype,
    types: to.attrs.map((x) => x.atttypid),
    names: to.attrs.map((x) => x.attname),
  });
  const a = cg.stable(c.rec(node.arg!, env));
  const r = cg.name("r");
  cg.emit(`const ${r}=${cg.h("convertRow")}(${shape},${cg.slot(map)},${cg.datum(a)});`);
  return inband(r, node.resulttype);
}

function compileMinMax(c: ExprCompiler, node: MinMaxExpr, env: ExprEnv): Col {
  const { cg } = c;
  const { cmp } = execCatalog().typeCmp(node.minmaxtype, node.inputcollid);
  const args = node.args.map((a) => cg.datum(c.rec(a, env)));
  const r = cg.name("r");
  cg.emit(`const ${r}=${cg.h("minMax")}(${cg.slot(cmp)},[${args.join(",")}],${node.op === "IS_GREATEST"});`);
  return inband(r, node.minmaxtype);
}

function coerceToDomain(c: ExprCompiler, node: CoerceToDomain, env: ExprEnv): Col {
  const { cg } = c;
  const value = cg.stable(c.rec(node.arg!, env));
  const domain = execCatalog().domainConstraints(node.resulttype);
  const name = cg.slot(domain.name);
  for (const k of domain.constraints) {
    if (k.check === null) {
      if (value.n !== "false") cg.emit(`if(${value.n})${cg.h("domainNull")}(${name});`);
      continue;
    }
    const ok = c.rec(k.check, { domainValue: value });
    const fails = ok.n === "false" ? `!${ok.v}` : `!(${ok.n})&&!${ok.v}`;
    cg.emit(`if(${fails})${cg.h("domainCheckFailed")}(${name},${cg.slot(k.name)});`);
  }
  return value;
}

/** pg_proc OIDs of the functions that stand for SQL's parenthesis-less ones. */
const SVF = {
  now: 1299,
  timestamptzDate: 1178,
  timestamptzTimetz: 1388,
  timestamptzTime: 2019,
  timestamptzTimestamp: 2027,
  timestamptzScale: 1967,
  timestampScale: 1961,
  timeScale: 1968,
  timetzScale: 1969,
  currentUser: 745,
  sessionUser: 746,
  currentDatabase: 861,
  currentSchema: 1402,
} as const;

function sqlValueFunction(c: ExprCompiler, node: SQLValueFunction): Col {
  const fn = (fnOid: Oid, argTypes: Oid[], resultType: Oid, args: Col[]): Col =>
    c.call({ fnOid, argTypes, resultType, collation: 0 }, args);
  const now = (): Col => fn(SVF.now, [], 1184, []);
  const scaled = (col: Col, type: Oid, scale: Oid): Col => {
    if (node.typmod < 0) return col;
    const typmod: Col = { v: c.cg.slot(node.typmod), n: "false", rep: "i32", inband: false };
    return fn(scale, [type, 23], type, [col, typmod]);
  };
  switch (node.op) {
    case "SVFOP_CURRENT_DATE":
      return fn(SVF.timestamptzDate, [1184], 1082, [now()]);
    case "SVFOP_CURRENT_TIME":
    case "SVFOP_CURRENT_TIME_N":
      return scaled(fn(SVF.timestamptzTimetz, [1184], 1266, [now()]), 1266, SVF.timetzScale);
    case "SVFOP_CURRENT_TIMESTAMP":
    case "SVFOP_CURRENT_TIMESTAMP_N":
      return scaled(now(), 1184, SVF.timestamptzScale);
    case "SVFOP_LOCALTIME":
    case "SVFOP_LOCALTIME_N":
      return scaled(fn(SVF.timestamptzTime, [1184], 1083, [now()]), 1083, SVF.timeScale);
    case "SVFOP_LOCALTIMESTAMP":
    case "SVFOP_LOCALTIMESTAMP_N":
      return scaled(fn(SVF.timestamptzTimestamp, [1184], 1114, [now()]), 1114, SVF.timestampScale);
    case "SVFOP_CURRENT_ROLE":
    case "SVFOP_CURRENT_USER":
    case "SVFOP_USER":
      return fn(SVF.currentUser, [], 19, []);
    case "SVFOP_SESSION_USER":
      return fn(SVF.sessionUser, [], 19, []);
    case "SVFOP_CURRENT_CATALOG":
      return fn(SVF.currentDatabase, [], 19, []);
    case "SVFOP_CURRENT_SCHEMA":
      return fn(SVF.currentSchema, [], 19, []);
  }
}

function nextValue(c: ExprCompiler, node: NextValueExpr): Col {
  const seq: Col = { v: c.cg.slot(node.seqid), n: "false", rep: "num", inband: false };
  const value = c.call({ fnOid: 1574, argTypes: [2205], resultType: 20, collation: 0 }, [seq]);
  if (node.typeId === 20) return value;
  const narrow = node.typeId === 23 ? 480 : 714; // int4(int8), int2(int8)
  return c.call({ fnOid: narrow, argTypes: [20], resultType: node.typeId, collation: 0 }, [value]);
}
