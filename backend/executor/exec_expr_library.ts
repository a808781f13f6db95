/** The object `H` for expressions outside plans: what exec_library.ts has, without plan nodes and storage. */
import * as arrays from "./exec_arrays.ts";
import * as expressions from "./exec_expr_runtime.ts";
import * as runtime from "./exec_runtime.ts";

export const EXPR_LIBRARY: object = Object.freeze({ ...arrays, ...expressions, ...runtime });
