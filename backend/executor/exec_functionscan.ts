/**
 * FunctionScan: functions in FROM, alone or side by side (ROWS FROM), with or without WITH ORDINALITY.
 *
 * A single set-returning function that is read once streams; otherwise the rows are kept, so that a second pass sees the
 * same ones. Follows src/backend/executor/{nodeFunctionscan.c,execSRF.c}.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { PgError } from "../../base/error.ts";
import { exprType } from "../nodes/node_funcs.ts";
import type { FunctionScan, Node, RangeTblFunction, StringValue } from "../nodes/nodes.ts";
import { type Datum, RecordDatum } from "../utils/fmgr/datum.ts";
import { execCatalog } from "./exec_catalog.ts";
import { repOfType } from "./exec_codegen.ts";
import type { PlanCompiler, Produce } from "./exec_compile.ts";
import { openSet } from "./exec_projectset.ts";
import { arrayRow, epqScan, scanRow } from "./exec_scan.ts";

/** Types of the columns that one function gives. */
function columnTypes(f: RangeTblFunction): number[] {
  if (f.funccoltypes.length > 0) return f.funccoltypes;
  const type = exprType(f.funcexpr!);
  const row = execCatalog().rowType(execCatalog().baseType(type), -1);
  return row === null ? [type] : row.attrs.map((a) => a.attisdropped ? 0 : a.atttypid);
}

export const produceFunctionScan: Produce<FunctionScan> = (pc, plan, needed, consume) => {
  if (epqScan(pc, plan, needed, consume, plan.qual)) return;
  const { cg } = pc;
  const functions = plan.functions as RangeTblFunction[];
  const widths = functions.map((f) => f.funccolcount);
  const types = functions.flatMap((f) => {
    const t = columnTypes(f);
    return Array.from({ length: f.funccolcount }, (_, i) => t[i] ?? 25);
  });
  if (plan.funcordinality) types.push(20);
  pc.rowTypes.set(plan.scanrelid, types);
  const row = cg.name("row");
  const source = arrayRow(pc, row, (n) => repOfType(types[n - 1]));
  const emitRow = (): void => scanRow(pc, plan, source, plan.scanrelid, consume);

  /** Emits loops over the zipped rows; `body` uses `row`. */
  const loop = (body: () => void): void => {
    const its = functions.map((f) => openFunction(pc, f));
    const ord = cg.name("ord");
    cg.emit(`let ${ord}=0;`);
    cg.block("for(;;)", () => {
      cg.emit(`${cg.h("checkForInterrupts")}();`);
      const parts = its.map((it) => {
        const r = cg.name("r");
        cg.emit(`const ${r}=${it}.next();`);
        return r;
      });
      cg.emit(`if(${parts.map((r) => `${r}.done`).join("&&")})break;`);
      if (widths.length === 1 && !plan.funcordinality) {
        cg.emit(`const ${row}=${cg.h("functionRow")}(${parts[0]}.value,${widths[0]},${isRow(functions[0])});`);
      } else {
        const lists = parts.map((r, i) =>
          `...${cg.h("functionRow")}(${r}.done?undefined:${r}.value,${widths[i]},${isRow(functions[i])})`
        );
        if (plan.funcordinality) lists.push(`++${ord}`);
        cg.emit(`const ${row}=[${lists.join(",")}];`);
      }
      body();
    });
  };

  if (pc.rescans === 0) {
    cg.block("", () => loop(emitRow));
    return;
  }
  const store = cg.decl("fs", "null");
  cg.onEnd(`if(${store}!==null){${store}.clear();${store}=null;}`);
  const build = cg.name("b");
  pc.inFunction(build, () => {
    cg.emit(`if(${store}!==null)${store}.clear();`);
    cg.emit(`${store}=new ${cg.h("Tuplestore")}();`);
    loop(() => cg.emit(`${store}.put(${row});`));
  });
  pc.breaker(plan, () => cg.emit(`${build}();`));
  const i = cg.name("i");
  cg.block(`for(let ${i}=0;${i}<${store}.length;${i}++)`, () => {
    cg.emit(`const ${row}=${store}.get(${i});`);
    emitRow();
  });
};

function isRow(f: RangeTblFunction): boolean {
  const type = exprType(f.funcexpr!);
  return type === 2249 || execCatalog().rowType(execCatalog().baseType(type), -1) !== null;
}

function openFunction(pc: PlanCompiler, f: RangeTblFunction): string {
  const { cg } = pc;
  const e = f.funcexpr as Node;
  const names = f.funccolnames as StringValue[];
  pc.functionColumns = f.funccoltypes.length > 0
    ? f.funccoltypes.map((type, i) => ({ name: names[i]?.sval ?? "", type, typmod: f.funccoltypmods[i] ?? -1 }))
    : undefined;
  try {
    // A function that returns one record learns its columns there, too.
    if (e.type === "FuncExpr" && (e.funcretset || pc.functionColumns !== undefined)) return openSet(pc, e, {});
    const it = cg.name("it");
    cg.emit(`const ${it}=[${cg.datum(pc.exprs.compile(e, {}))}].values();`);
    return it;
  } finally {
    pc.functionColumns = undefined;
  }
}

/** The columns of one result of a function: `undefined` after its end. */
export function functionRow(value: Datum | undefined, width: number, isRowType: boolean): Datum[] {
  if (value === undefined || value === null) return new Array(width).fill(null);
  if (!isRowType) return [value];
  if (value instanceof RecordDatum) {
    if (value.values.length < width) {
      throw new PgError({
        code: ERRCODE.DATATYPE_MISMATCH,
        message: "function return row and query-specified return row do not match",
        detail: `Returned row contains ${value.values.length} attribute${
          value.values.length === 1 ? "" : "s"
        }, but query expects ${width}.`,
        routine: "tupledesc_match",
      });
    }
    return value.values;
  }
  return Array.isArray(value) ? value as Datum[] : [value];
}
