/** 40001: what a statement meets when a row it wants to change was changed after its transaction's snapshot. */
import { ERRCODE } from "../../base/errcodes.ts";
import { PgError } from "../../base/error.ts";

export function serializationFailure(change: "update" | "delete"): PgError {
  return new PgError({
    code: ERRCODE.T_R_SERIALIZATION_FAILURE,
    message: `could not serialize access due to concurrent ${change}`,
    routine: change === "update" ? "ExecUpdate" : "ExecDelete",
  });
}
