/**
 * I/O of pseudo-types: void has an empty text, the others refuse.
 *
 * The I/O of cstring is in varlena.ts, of anyarray in array_io.ts, of record in rowtypes.ts.
 * Follows src/backend/utils/adt/pseudotypes.c.
 */
import { pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import type { TypeInput, TypeIoTable, TypeOutput } from "../fmgr/fmgr.ts";
import { textOut } from "./varlena.ts";

function refuse(verb: "accept" | "display", what: string): () => never {
  return () => {
    throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, `cannot ${verb} a value of ${what}`);
  };
}
/** Types of which no value can be given or shown. */
const OPAQUE =
  ("any trigger event_trigger language_handler fdw_handler table_am_handler index_am_handler tsm_handler " +
    "internal anyelement anynonarray anycompatible anycompatiblenonarray pg_ddl_command").split(" ");
/** Types of which values can be shown only. */
const OUTPUT_ONLY = ("anyarray anycompatiblearray anyenum anyrange anycompatiblerange anymultirange " +
  "anycompatiblemultirange pg_node_tree").split(" ");
const RECEIVE_REFUSED = ["anyarray", "anycompatiblearray", "pg_node_tree", "pg_ddl_command"];

const NOTHING = new Uint8Array(0);
const input: Record<string, TypeInput> = { void_in: () => 0, shell_in: refuse("accept", "a shell type") };
const output: Record<string, TypeOutput> = {
  void_out: () => "",
  shell_out: refuse("display", "a shell type"),
  pg_node_tree_out: textOut,
};
for (const t of [...OPAQUE, ...OUTPUT_ONLY]) input[`${t}_in`] = refuse("accept", `type ${t}`);
for (const t of OPAQUE) output[`${t}_out`] = refuse("display", `type ${t}`);

export const pseudotypesIo: TypeIoTable = {
  input,
  output,
  receive: {
    void_recv: () => 0,
    ...Object.fromEntries(RECEIVE_REFUSED.map((t) => [`${t}_recv`, refuse("accept", `type ${t}`)])),
  },
  send: {
    void_send: () => NOTHING,
    pg_ddl_command_send: refuse("display", "type pg_ddl_command"),
    pg_node_tree_send: (b: Uint8Array) => b,
  },
};
