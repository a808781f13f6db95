/**
 * Scan keys: `column operator constant`, as scans and catalog look-ups state them.
 * Follows src/include/access/{skey.h,stratnum.h,sdir.h}.
 */
import type { AttrNumber, Oid } from "../../../base/types.ts";
import type { Datum } from "../../utils/fmgr/datum.ts";

export interface ScanKey {
  /** 1-based: of the table in a heap or systable scan, of the index in an index scan. */
  attno: AttrNumber;
  /** BT*StrategyNumber. */
  strategy: number;
  /** Type of `argument`, 0 if it is the operator class's own input type. */
  subtype: Oid;
  collation: Oid;
  /** The operator: (column value, argument) => boolean. Never called with nulls. */
  func: (a: Datum, b: Datum) => Datum;
  /** The constant; with SK_SEARCHARRAY a JavaScript array of them (`column = ANY (array)`). */
  argument: Datum;
  /** SK_*. */
  flags: number;
  /** Three-way comparison (column value, argument), needed where `subtype` compares differently from the column's type. */
  cmp?: (a: Datum, b: Datum) => number;
}

export const SK_ISNULL = 0x0001;
export const SK_SEARCHARRAY = 0x0020;
/** IS NULL; with SK_ISNULL. */
export const SK_SEARCHNULL = 0x0040;
/** IS NOT NULL; with SK_ISNULL. */
export const SK_SEARCHNOTNULL = 0x0080;
export const SK_ORDER_BY = 0x0100;

export const BTLessStrategyNumber = 1;
export const BTLessEqualStrategyNumber = 2;
export const BTEqualStrategyNumber = 3;
export const BTGreaterEqualStrategyNumber = 4;
export const BTGreaterStrategyNumber = 5;
export const BTMaxStrategyNumber = 5;

/** Direction of a scan. */
export type ScanDirection = -1 | 0 | 1;
export const BackwardScanDirection: ScanDirection = -1;
export const NoMovementScanDirection: ScanDirection = 0;
export const ForwardScanDirection: ScanDirection = 1;
