/** Bounded recursion over subqueries: 54001 instead of a blown stack. */
import { PgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";

let depth = 0;
/** Counts one more level of nested planning; reset by resetStackDepth at each top-level planner call. */
export function guardedStackDepth(): void {
  if (++depth > 2000) {
    throw new PgError({
      code: ERRCODE.STATEMENT_TOO_COMPLEX,
      message: "stack depth limit exceeded",
    });
  }
}
export function resetStackDepth(): void {
  depth = 0;
}
