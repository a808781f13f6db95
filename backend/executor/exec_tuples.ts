/** Row descriptors of plans. Follows ExecTypeFromTL() and ExecCleanTypeFromTL() in src/backend/executor/execTuples.c. */
import type { Attribute, TupleDesc } from "../access/common/tupdesc.ts";
import { makeTupleDesc } from "../access/common/tupdesc.ts";
import { exprCollation, exprType, exprTypmod } from "../nodes/node_funcs.ts";
import type { TargetEntry } from "../nodes/nodes.ts";
import { execCatalog } from "./exec_catalog.ts";

function attribute(tle: TargetEntry, attnum: number): Attribute {
  const type = exprType(tle.expr!);
  const s = execCatalog().typeStorage(type);
  return {
    attrelid: 0,
    attname: tle.resname ?? "",
    atttypid: type,
    attlen: s.typlen,
    attnum,
    atttypmod: exprTypmod(tle.expr!),
    attndims: 0,
    attbyval: s.typbyval,
    attalign: s.typalign,
    attstorage: s.typlen === -1 ? "x" : "p",
    attcompression: "",
    attnotnull: false,
    atthasdef: false,
    atthasmissing: false,
    attidentity: "",
    attgenerated: "",
    attisdropped: false,
    attislocal: true,
    attinhcount: 0,
    attcollation: exprCollation(tle.expr!),
  };
}

/** Descriptor of all entries. */
export function execTypeFromTL(targetlist: readonly TargetEntry[]): TupleDesc {
  return makeTupleDesc(targetlist.map((t, i) => attribute(t, i + 1)));
}
/** Descriptor of the entries that are not junk. */
export function execCleanTypeFromTL(targetlist: readonly TargetEntry[]): TupleDesc {
  return execTypeFromTL(targetlist.filter((t) => !t.resjunk));
}
