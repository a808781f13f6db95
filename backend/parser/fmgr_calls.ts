/** Calls of type input and modifier functions that analysis makes. */
import type { Oid } from "../../base/types.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { notBuilt } from "../../base/error.ts";
import type { PgType } from "../catalog/catalog_rows.ts";
import { inputFunction, procRow } from "../utils/fmgr/fmgr_info.ts";
import { lookupTypmodIn, lookupTypmodOut } from "../utils/fmgr/fmgrtab.ts";
import { getTypeIOParam } from "../utils/cache/type_io.ts";
import { formatTypeHooks } from "../utils/adt/format_type.ts";

export function oidInputFunctionCall(fn: Oid, str: string, typioparam: Oid, typmod: number): Datum {
  return inputFunction(fn)(str, typioparam, typmod);
}
export function inputFunctionOfType(typ: Readonly<PgType>, str: string, typmod: number): Datum {
  return inputFunction(typ.typinput)(str, getTypeIOParam(typ), typmod);
}
/** Runs a typmodin function on the modifiers' texts. */
export function typmodInputCall(fn: Oid, mods: readonly string[]): number {
  const prosrc = procRow(fn).prosrc;
  const f = lookupTypmodIn(prosrc);
  if (f === undefined) throw notBuilt(`function ${prosrc}`);
  return f(mods);
}
formatTypeHooks.typmodOut = (fn, typmod) => {
  const prosrc = procRow(fn).prosrc;
  const f = lookupTypmodOut(prosrc);
  if (f === undefined) throw notBuilt(`function ${prosrc}`);
  return f(typmod);
};
