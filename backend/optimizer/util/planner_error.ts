/** Internal errors of the planner: elog(ERROR) of PostgreSQL, SQLSTATE XX000. */
import { PgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";

export function elogError(message: string): never {
  throw new PgError({ code: ERRCODE.INTERNAL_ERROR, message });
}
