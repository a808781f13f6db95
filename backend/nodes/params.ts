/** Values of external parameters ($1 …) given to a plan at execution. Follows src/include/nodes/params.h. */
import type { Oid } from "../../base/types.ts";
import type { Datum } from "../utils/fmgr/datum.ts";

export interface ParamListInfo {
  /** values[n - 1] belongs to $n. */
  readonly values: readonly { readonly value: Datum; readonly type: Oid }[];
}
