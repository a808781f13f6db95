/** A ParseState that knows the statement's text, for positions in errors. */
import { makeParsestate, type ParseState } from "../parser/parse_node.ts";

export function parseStateOf(sourceText: string | null): ParseState {
  const pstate = makeParsestate(null);
  pstate.p_sourcetext = sourceText;
  return pstate;
}
