/**
 * Assertions that stay on. A failed assertion means that our own code is wrong: outside a critical section it
 * becomes SQLSTATE XX000 and the server lives on, inside one it is a PANIC.
 */
export class AssertionFailure extends Error {
  override name = "AssertionFailure";
}

/** `what` is a constant; the numbers that explain the failure ride along, so that nothing is built when `ok` holds. */
export function assert(ok: boolean, what: string, x?: number, y?: number): asserts ok {
  if (!ok) throw new AssertionFailure(x === undefined ? what : `${what} (${x}, ${y})`);
}

/** Ends a `switch` over a discriminated union: a new variant fails to compile here. */
export function assertNever(x: never): never {
  throw new AssertionFailure(`unexpected variant ${JSON.stringify(x)}`);
}
