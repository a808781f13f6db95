/** The object `H` of generated code: every library routine by the name that CodeGen.h() uses. */
import { EXPR_LIBRARY } from "./exec_expr_library.ts";
import * as nodes from "./exec_node_runtime.ts";

export const LIBRARY: object = Object.freeze({ ...EXPR_LIBRARY, ...nodes });
