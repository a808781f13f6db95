/**
 * What a function returns: scalar, a named row type, or a record with columns given by OUT parameters.
 * Follows src/backend/utils/fmgr/funcapi.c.
 */
import type { Oid } from "../../../base/types.ts";
import { PgError } from "../../../base/error.ts";
import type { PgProc } from "../../catalog/catalog_rows.ts";
import type { Attribute, TupleDesc } from "../../access/common/tupdesc.ts";
import { makeTupleDesc, tupleDescInitEntry } from "../../access/common/tupdesc.ts";
import { searchSysCache } from "../cache/syscache.ts";
import { relationClose, relationOpen } from "../../access/common/relation.ts";
import type { Node } from "../../nodes/nodes.ts";
import { exprCollation, exprType, exprTypmod } from "../../nodes/node_funcs.ts";
import * as T from "../../catalog/pg_type_d.ts";
import { isPolymorphicType, resolvePolymorphicArguments } from "./polymorphic.ts";

export type TypeFuncClass = "scalar" | "composite" | "composite_domain" | "record" | "other";
export interface FuncResult {
  functypclass: TypeFuncClass;
  typeId: Oid;
  /** Columns of a row result; null for "record" means that they are not known. */
  tupdesc: TupleDesc | null;
}

function procRow(oid: Oid): Readonly<PgProc> {
  const row = searchSysCache("PROCOID", oid);
  if (row === null) throw new PgError({ message: `cache lookup failed for function ${oid}` });
  return row;
}

/** get_type_func_class: kind of a result type, looking through domains over composites. */
export function getTypeFuncClass(typid: Oid): { functypclass: TypeFuncClass; baseTypeId: Oid } {
  const row = searchSysCache("TYPEOID", typid);
  if (row === null) return { functypclass: "other", baseTypeId: typid };
  switch (row.typtype) {
    case "c":
      return { functypclass: "composite", baseTypeId: typid };
    case "b":
    case "e":
    case "r":
    case "m":
      return { functypclass: "scalar", baseTypeId: typid };
    case "d": {
      let base = row;
      while (base.typtype === "d") base = searchSysCache("TYPEOID", base.typbasetype)!;
      return base.typtype === "c"
        ? { functypclass: "composite_domain", baseTypeId: base.oid }
        : { functypclass: "scalar", baseTypeId: base.oid };
    }
    case "p":
      if (typid === T.RECORDOID) return { functypclass: "record", baseTypeId: typid };
      if (typid === T.VOIDOID || typid === T.CSTRINGOID) return { functypclass: "scalar", baseTypeId: typid };
      return { functypclass: "other", baseTypeId: typid };
    default:
      return { functypclass: "other", baseTypeId: typid };
  }
}

/** Columns of a composite type. */
export function tupdescOfType(typid: Oid): TupleDesc {
  const row = searchSysCache("TYPEOID", typid);
  if (row === null || row.typrelid === 0) {
    throw new PgError({ message: `type ${typid} is not composite`, routine: "lookup_rowtype_tupdesc" });
  }
  const rel = relationOpen(row.typrelid, 1);
  try {
    return { ...rel.rd_att, tdtypeid: typid, tdtypmod: -1 };
  } finally {
    relationClose(rel, 1);
  }
}

/** A column description for a type that is not in pg_attribute (TupleDescInitEntry). */
export function makeAttribute(attname: string, attnum: number, typid: Oid, typmod: number, collation?: Oid): Attribute {
  const t = searchSysCache("TYPEOID", typid);
  if (t === null) {
    throw new PgError({ message: `cache lookup failed for type ${typid}`, routine: "TupleDescInitEntry" });
  }
  return tupleDescInitEntry(attnum, attname, typid, typmod, { ...t, typcollation: collation ?? t.typcollation });
}

/** The name of the only OUT parameter, and whether there are several (get_func_result_name). */
export function getFuncResultInfo(funcid: Oid): { resultName: string | null } {
  const p = procRow(funcid);
  if (p.proargmodes === null || p.proargnames === null) return { resultName: null };
  let name: string | null = null;
  for (let i = 0; i < p.proargmodes.length; i++) {
    const m = p.proargmodes[i];
    if (m === "i" || m === "v") continue;
    if (name !== null) return { resultName: null };
    const n = p.proargnames[i];
    if (n === undefined || n === "") return { resultName: null };
    name = n;
  }
  return { resultName: name };
}

/** build_function_result_tupdesc_t: columns of a function with at least two OUT parameters; null otherwise. */
export function buildFunctionResultTupdesc(p: Readonly<PgProc>): TupleDesc | null {
  if (p.prorettype !== T.RECORDOID || p.proallargtypes === null || p.proargmodes === null) return null;
  const cols: { type: Oid; name: string }[] = [];
  p.proargmodes.forEach((m, i) => {
    if (m !== "o" && m !== "b" && m !== "t") return;
    const name = p.proargnames?.[i] ?? "";
    cols.push({ type: p.proallargtypes![i], name: name === "" ? `column${cols.length + 1}` : name });
  });
  if (cols.length < 2 && p.prokind !== "p") return null;
  if (cols.length === 0) return null;
  return makeTupleDesc(cols.map((c, i) => makeAttribute(c.name, i + 1, c.type, -1)));
}

/** get_func_result_type: result of a function apart from any call; polymorphic types stay as they are. */
export function getFuncResultType(funcid: Oid): FuncResult {
  return internalGetResultType(procRow(funcid), null);
}

function internalGetResultType(
  p: Readonly<PgProc>,
  call: { argTypes: readonly Oid[]; collation: Oid; type: Oid } | null,
): FuncResult {
  const desc = buildFunctionResultTupdesc(p);
  if (desc !== null) {
    if (call !== null && desc.attrs.some((a) => isPolymorphicType(a.atttypid))) {
      const resolve = resolvePolymorphicArguments(p.proargtypes, call.argTypes);
      const attrs = desc.attrs.map((a) => {
        if (!isPolymorphicType(a.atttypid)) return a;
        const t = resolve(a.atttypid);
        if (t === 0) return a;
        const made = makeAttribute(a.attname, a.attnum, t, -1);
        return made.attcollation !== 0 && call.collation !== 0 ? { ...made, attcollation: call.collation } : made;
      });
      return { functypclass: "record", typeId: p.prorettype, tupdesc: makeTupleDesc(attrs) };
    }
    return { functypclass: "record", typeId: p.prorettype, tupdesc: desc };
  }
  let rettype = p.prorettype;
  if (isPolymorphicType(rettype) && call !== null) rettype = call.type;
  const { functypclass, baseTypeId } = getTypeFuncClass(rettype);
  switch (functypclass) {
    case "composite":
    case "composite_domain":
      return { functypclass, typeId: rettype, tupdesc: tupdescOfType(baseTypeId) };
    default:
      return { functypclass, typeId: rettype, tupdesc: null };
  }
}

/** get_expr_result_type. */
export function getExprResultType(expr: Node): FuncResult {
  if (expr.type === "FuncExpr") {
    return internalGetResultType(procRow(expr.funcid), {
      argTypes: expr.args.map((a) => exprType(a)),
      collation: expr.inputcollid,
      type: expr.funcresulttype,
    });
  }
  if (expr.type === "OpExpr") {
    return internalGetResultType(procRow(expr.opfuncid), {
      argTypes: expr.args.map((a) => exprType(a)),
      collation: expr.inputcollid,
      type: expr.opresulttype,
    });
  }
  if (expr.type === "RowExpr" && expr.row_typeid === T.RECORDOID) {
    const attrs = expr.args.map((a, i) =>
      makeAttribute(expr.colnames[i]?.sval ?? `f${i + 1}`, i + 1, exprType(a), exprTypmod(a), exprCollation(a))
    );
    return { functypclass: "record", typeId: T.RECORDOID, tupdesc: makeTupleDesc(attrs) };
  }
  const typid = exprType(expr);
  const { functypclass, baseTypeId } = getTypeFuncClass(typid);
  const composite = functypclass === "composite" || functypclass === "composite_domain";
  return { functypclass, typeId: typid, tupdesc: composite ? tupdescOfType(baseTypeId) : null };
}

/** get_expr_result_tupdesc: null with `noError` where there is none. */
export function getExprResultTupdesc(expr: Node, noError: boolean): TupleDesc | null {
  const r = getExprResultType(expr);
  if (r.tupdesc !== null) return r.tupdesc;
  if (!noError) {
    const typid = exprType(expr);
    throw new PgError({
      code: "42809",
      message: typid !== T.RECORDOID ? `type ${typid} is not composite` : "record type has not been registered",
      routine: "get_expr_result_tupdesc",
    });
  }
  return null;
}

export interface FuncArgInfo {
  types: readonly Oid[];
  names: readonly string[] | null;
  modes: readonly string[] | null;
}
/** get_func_arg_info: all parameters, OUT ones included. */
export function getFuncArgInfo(p: Readonly<PgProc>): FuncArgInfo {
  return { types: p.proallargtypes ?? p.proargtypes, names: p.proargnames, modes: p.proargmodes };
}
