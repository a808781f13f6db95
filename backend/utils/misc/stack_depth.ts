/**
 * The bound on recursion over user-shaped trees.
 *
 * JavaScript has no cheap reading of its stack pointer, so V8's own RangeError is the guard for ordinary recursion:
 * stackOverflowToPgError() makes it 54001 where statements are run. checkStackDepth() marks the places where PostgreSQL
 * checks. Follows src/backend/utils/misc/stack_depth.c.
 */
import { PgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { guc } from "../../../conf/guc_values.ts";

/** The report for a stack that is too deep. */
export function stackDepthError(cause?: unknown): PgError {
  return new PgError({
    code: ERRCODE.STATEMENT_TOO_COMPLEX,
    message: "stack depth limit exceeded",
    hint:
      `Increase the configuration parameter "max_stack_depth" (currently ${guc.max_stack_depth}kB), after ensuring ` +
      "the platform's stack depth limit is adequate.",
    routine: "check_stack_depth",
  }, { cause });
}

/** A no-op: where V8's stack ends it throws RangeError, which asStackDepthError() recognizes. */
export function checkStackDepth(): void {}

/** True if `e` is V8's "Maximum call stack size exceeded". */
export function isStackOverflow(e: unknown): boolean {
  return e instanceof RangeError && e.message.startsWith("Maximum call stack");
}

/** `e` itself, or 54001 if it is V8's stack overflow. */
export function asStackDepthError(e: unknown): unknown {
  return isStackOverflow(e) ? stackDepthError(e) : e;
}
