/**
 * What the executor's compiler asks of the catalogs: functions, operators, types, aggregates.
 *
 * An interface, so that compilation can be tested without catalogs; exec_catalog_pg.ts implements it over the caches.
 */
import type { Oid } from "../../base/types.ts";
import type { Expr } from "../nodes/nodes.ts";
import type { BoundFunction, CallInfo } from "../utils/fmgr/fmgr.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import type { TupleDesc } from "../access/common/tupdesc.ts";

/** A function as a call site gets it. */
export interface ProcInfo {
  /** Name of the built-in; "" for functions in other languages. */
  readonly prosrc: string;
  readonly strict: boolean;
  readonly retset: boolean;
  readonly volatile: boolean;
  readonly fn: BoundFunction;
}

/** Three-way comparison of two non-null values. */
export type Comparator = (a: Datum, b: Datum) => number;

/** How a sort operator orders. */
export interface SortOrder {
  readonly cmp: Comparator;
  readonly reverse: boolean;
  /** Type the comparison takes. */
  readonly type: Oid;
  /** prosrc of the comparison, "" if not built in. */
  readonly prosrc: string;
}

export interface AggInfo {
  readonly kind: string;
  readonly transfn: Oid;
  readonly finalfn: Oid;
  readonly finalextra: boolean;
  readonly transtype: Oid;
  readonly initval: Datum;
  readonly numDirectArgs: number;
  readonly mtransfn: Oid;
  readonly minvtransfn: Oid;
  readonly combinefn: Oid;
}

/** What errors say of a domain. */
export interface DomainName {
  /** As format_type() shows it. */
  readonly shown: string;
  readonly schema: string;
  readonly name: string;
}

export interface DomainConstraint {
  readonly name: string;
  /** null for NOT NULL. */
  readonly check: Expr | null;
}

export interface ExecCatalog {
  proc(call: CallInfo): ProcInfo;
  /** Function of an operator, its argument types and its result type. */
  operator(opno: Oid): { fn: Oid; name: string; left: Oid; right: Oid; result: Oid };
  /** Order of a btree `<` or `>` operator. */
  sortOrder(opno: Oid, collation: Oid): SortOrder;
  /** Equality operator that goes with an ordering operator. */
  equalityOf(sortop: Oid): Oid;
  /** Default btree comparison of a type. */
  typeCmp(type: Oid, collation: Oid): { cmp: Comparator; prosrc: string };
  /** btree comparison of an operator family for a pair of types. */
  familyCmp(opfamily: Oid, left: Oid, right: Oid, collation: Oid): { cmp: Comparator; prosrc: string };
  /** Hash functions (result int4) of an equality operator's left and right type; null if not hashable. */
  hashFunctions(eqop: Oid, collation: Oid): { left: (d: Datum) => number; right: (d: Datum) => number } | null;
  /** Strategy and right-hand type of an operator in an operator family; 0 if it is no member. */
  opStrategy(opno: Oid, opfamily: Oid): { strategy: number; righttype: Oid };
  aggregate(fnoid: Oid): AggInfo;
  /** Text conversion: (value) => string and back. */
  typeOutput(type: Oid): (d: Datum) => string;
  typeInput(type: Oid): (s: string, typmod: number) => Datum;
  typeStorage(type: Oid): { typlen: number; typbyval: boolean; typalign: string };
  typeName(type: Oid): string;
  namespaceName(oid: Oid): string;
  elementType(type: Oid): Oid;
  baseType(type: Oid): Oid;
  domainConstraints(type: Oid): { name: DomainName; constraints: readonly DomainConstraint[] };
  /** Columns of a composite type; null if it is none. */
  rowType(type: Oid, typmod: number): TupleDesc | null;
  /** True if strings compare by their bytes under the collation. */
  collationIsBytes(collation: Oid): boolean;
  /** True unless the collation is nondeterministic: equal strings have equal bytes. */
  collationIsDeterministic(collation: Oid): boolean;
}

let installed: ExecCatalog | null = null;
export function installExecCatalog(c: ExecCatalog): void {
  installed = c;
}
/** The installed implementation. */
export function execCatalog(): ExecCatalog {
  if (installed === null) throw new Error("executor: no catalog installed");
  return installed;
}
