/**
 * Running SQL without a client: for initdb's last step and for tools in one process.
 *
 * Each statement is a transaction of its own unless the text opens a block. Errors are thrown after the transaction was
 * aborted. Follows the path of exec_simple_query() in src/backend/tcop/postgres.c.
 */
import {
  abortCurrentTransaction,
  commandCounterIncrement,
  commitTransactionCommand,
  getCurrentStatementStartTimestamp,
  getCurrentSubTransactionId,
  getTopTransactionResourceOwner,
  setCurrentStatementStartTimestamp,
  startTransactionCommand,
} from "../access/transam/xact.ts";
import { analyzeRequiresSnapshot } from "../parser/analyze.ts";
import { rawParser } from "../parser/parser.ts";
import { planQueries } from "../utils/cache/plancache.ts";
import { createPortal, portalDefineQuery, portalDrop } from "../utils/mmgr/portalmem.ts";
import { getTransactionSnapshot, popActiveSnapshot, pushActiveSnapshot } from "../utils/time/snapmgr.ts";
import { createCommandTag, type QueryCompletion } from "./cmdtag.ts";
import type { DestReceiver } from "./dest.ts";
import { pgAnalyzeAndRewriteFixedParams } from "./postgres.ts";
import { FETCH_ALL, portalRun, portalStart } from "./pquery.ts";

/** Runs every statement of `text`; rows go to `dest`. @returns the completion of the last statement. */
export function execSql(text: string, dest: DestReceiver): QueryCompletion {
  let last: QueryCompletion = { commandTag: "", nprocessed: 0 };
  for (const raw of rawParser(text)) {
    setCurrentStatementStartTimestamp();
    try {
      startTransactionCommand();
      const snapshot = analyzeRequiresSnapshot(raw);
      if (snapshot) pushActiveSnapshot(getTransactionSnapshot());
      const plans = planQueries(pgAnalyzeAndRewriteFixedParams(raw, text, []), 0, null);
      if (snapshot) popActiveSnapshot();
      const commandTag = createCommandTag(raw.stmt as Readonly<Record<string, unknown>>);
      const portal = createPortal("", {
        allowDup: true,
        dupSilent: true,
        owner: getTopTransactionResourceOwner()!,
        subid: getCurrentSubTransactionId(),
        now: getCurrentStatementStartTimestamp(),
      });
      portalDefineQuery(portal, { prepStmtName: null, sourceText: text, commandTag, stmts: plans });
      portalStart(portal, null, null);
      last = { commandTag: "", nprocessed: 0 };
      portalRun(portal, FETCH_ALL, true, dest, dest, last);
      if (last.commandTag === "") last.commandTag = commandTag;
      portalDrop(portal, false);
      commandCounterIncrement();
      commitTransactionCommand();
    } catch (e) {
      abortCurrentTransaction();
      throw e;
    }
  }
  return last;
}
