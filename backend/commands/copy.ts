/**
 * The statement COPY: checks, columns, where the bytes come from or go to.
 * Follows src/backend/commands/copy.c.
 */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { notBuilt, PgError, pgError } from "../../base/error.ts";
import { holdCancelInterrupts, resumeCancelInterrupts } from "../../shmem/interrupt.ts";
import { relationClose, tableOpen } from "../access/common/relation.ts";
import { aclcheckError, columnAclmask, objectAclmask, relkindNoun } from "../catalog/aclchk.ts";
import { rangeVarGetRelid } from "../catalog/namespace.ts";
import { createQueryDesc, executorEnd, executorFinish, executorRun, executorStart } from "../executor/exec_main.ts";
import { requireClientConnection } from "../libpq/pqcomm.ts";
import {
  PqMsg_CopyData,
  PqMsg_CopyDone,
  PqMsg_CopyFail,
  PqMsg_CopyInResponse,
  PqMsg_Flush,
  PqMsg_Sync,
} from "../libpq/protocol.ts";
import type { Node, Query } from "../nodes/nodes.ts";
import { assignExprCollations } from "../parser/parse_collate.ts";
import { coerceToBoolean } from "../parser/parse_coerce.ts";
import { parseAnalyzeFixedParams } from "../parser/analyze.ts";
import { transformExpr } from "../parser/parse_expr.ts";
import { makeParsestate } from "../parser/parse_node.ts";
import { addNSItemToQuery, addRangeTableEntryForRelation } from "../parser/parse_relation.ts";
import type { RawStmt } from "../parser/parser.ts";
import { planner } from "../optimizer/plan/planner.ts";
import { queryRewrite } from "../rewrite/rewrite_handler.ts";
import { AccessShareLock, NoLock, RowExclusiveLock } from "../storage/lmgr/locktypes.ts";
import { preventCommandIfReadOnly, xactReadOnly } from "../access/transam/xact.ts";
import type { UtilityCall } from "../tcop/utility.ts";
import { ACL_INSERT, ACL_SELECT, superuserArg } from "../utils/adt/acl.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { getUserId } from "../utils/init/globals.ts";
import {
  getActiveSnapshot,
  popActiveSnapshot,
  pushCopiedSnapshot,
  updateActiveSnapshotCommandId,
} from "../utils/time/snapmgr.ts";
import { type CopyOptions, processCopyOptions } from "./copy_options.ts";
import { copyFrom } from "./copyfrom.ts";
import type { CopySource } from "./copyfromparse.ts";
import { ClientCopySink, CopyDestReceiver } from "./copyto.ts";

/** COPY … TO and FROM. Files on the server are named by allowed_paths, which is empty: only STDIN and STDOUT are built. */
export function copyCommand(stmt: Raw.CopyStmt, call: UtilityCall): void {
  const isFrom = stmt.is_from ?? false;
  if (stmt.is_program || stmt.filename) {
    if (!superuserArg(getUserId())) {
      throw pgError(
        ERRCODE.INSUFFICIENT_PRIVILEGE,
        `permission denied to COPY ${
          stmt.is_program ? "to or from an external program" : `${isFrom ? "from" : "to"} a file`
        }`,
        {
          detail: `Only roles with privileges of the "${
            stmt.is_program ? "pg_execute_server_program" : isFrom ? "pg_read_server_files" : "pg_write_server_files"
          }" role may COPY ${stmt.is_program ? "to or from an external program" : `${isFrom ? "from" : "to"} a file`}.`,
          hint: "Anyone can COPY to stdout or from stdin. psql's \\copy command also works for anyone.",
        },
      );
    }
    throw notBuilt(stmt.is_program ? "COPY with PROGRAM" : "COPY with a file of the server");
  }
  const options = processCopyOptions(stmt.options, isFrom, call.queryString);
  const processed = isFrom ? copyIn(stmt, options, call) : copyOut(stmt, options, call);
  if (call.qc !== null) {
    call.qc.commandTag = "COPY";
    call.qc.nprocessed = processed;
  }
}

/** CopyGetAttnums(): the listed columns, or all that are not dropped and not generated. @throws 42703, 42701 */
export function copyGetAttnums(rel: Relation, attlist: readonly Raw.Node[] | undefined): number[] {
  const attrs = rel.rd_att.attrs;
  if (attlist === undefined || attlist.length === 0) {
    return attrs.filter((a) => !a.attisdropped && a.attgenerated === "").map((a) => a.attnum);
  }
  const out: number[] = [];
  for (const n of attlist) {
    const name = (n as { String: Raw.String }).String.sval!;
    const att = attrs.find((a) => !a.attisdropped && a.attname === name);
    if (att === undefined) {
      throw pgError(ERRCODE.UNDEFINED_COLUMN, `column "${name}" of relation "${rel.rd_rel.relname}" does not exist`, {
        routine: "CopyGetAttnums",
      });
    }
    if (att.attgenerated !== "") {
      throw pgError(ERRCODE.INVALID_COLUMN_REFERENCE, `column "${name}" is a generated column`, {
        detail: "Generated columns cannot be used in COPY.",
      });
    }
    if (out.includes(att.attnum)) {
      throw pgError(ERRCODE.DUPLICATE_COLUMN, `column "${name}" specified more than once`);
    }
    out.push(att.attnum);
  }
  return out;
}

function checkPrivileges(rel: Relation, attnums: readonly number[], mode: number): void {
  const me = getUserId();
  if (objectAclmask("pg_class", rel.rd_id, me, mode) === mode) return;
  if (attnums.every((n) => columnAclmask(rel.rd_id, n, me, mode) === mode)) return;
  throw aclcheckError(relkindNoun(rel.rd_rel.relkind), rel.rd_rel.relname);
}

function copyOut(stmt: Raw.CopyStmt, options: CopyOptions, call: UtilityCall): number {
  let query: Raw.Node;
  if (stmt.relation !== undefined) {
    const relid = rangeVarGetRelid(stmt.relation, AccessShareLock);
    const rel = tableOpen(relid, NoLock);
    const attnums = copyGetAttnums(rel, stmt.attlist);
    checkPrivileges(rel, attnums, ACL_SELECT);
    const kind = rel.rd_rel.relkind;
    const name = rel.rd_rel.relname;
    if (kind !== "r") {
      relationClose(rel, NoLock);
      const what =
        { v: "view", m: "materialized view", S: "sequence", f: "foreign table", p: "partitioned table" }[kind];
      throw pgError(
        ERRCODE.WRONG_OBJECT_TYPE,
        what === undefined ? `cannot copy from non-table relation "${name}"` : `cannot copy from ${what} "${name}"`,
        { hint: kind === "S" ? undefined : "Try the COPY (SELECT ...) TO variant.", routine: "BeginCopyTo" },
      );
    }
    checkColumnLists(rel, attnums, options);
    const columns = attnums.map((n) => ({
      ResTarget: {
        val: { ColumnRef: { fields: [{ String: { sval: rel.rd_att.attrs[n - 1].attname } }], location: -1 } },
        location: -1,
      },
    }));
    relationClose(rel, NoLock);
    query = {
      SelectStmt: {
        targetList: columns,
        fromClause: [{ RangeVar: { ...stmt.relation, inh: false } }],
        limitOption: "LIMIT_OPTION_DEFAULT",
        op: "SETOP_NONE",
      },
    } as unknown as Raw.Node;
  } else query = stmt.query!;
  const raw = {
    stmt: query,
    stmt_location: call.pstmt.stmt_location,
    stmt_len: call.pstmt.stmt_len,
  } as unknown as RawStmt;
  const analyzed = queryRewrite(parseAnalyzeFixedParams(raw, call.queryString, []));
  if (analyzed.length !== 1) {
    throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, "multi-statement rules are not supported for COPY");
  }
  const q: Query = analyzed[0];
  if (q.commandType === "CMD_UTILITY") {
    throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, "COPY query must not be a utility command");
  }
  if (q.commandType !== "CMD_SELECT" && q.returningList.length === 0) {
    throw pgError(ERRCODE.FEATURE_NOT_SUPPORTED, "COPY query must have a RETURNING clause");
  }
  const plan = planner(q, 0, null);
  pushCopiedSnapshot(getActiveSnapshot());
  updateActiveSnapshotCommandId();
  const receiver = new CopyDestReceiver(options, new ClientCopySink(requireClientConnection()));
  const qd = createQueryDesc(plan, call.queryString, getActiveSnapshot(), receiver, null, 0);
  executorStart(qd, 0);
  executorRun(qd, "ForwardScanDirection", 0);
  executorFinish(qd);
  executorEnd(qd);
  popActiveSnapshot();
  return receiver.processed;
}

function copyIn(stmt: Raw.CopyStmt, options: CopyOptions, call: UtilityCall): number {
  const relid = rangeVarGetRelid(stmt.relation!, RowExclusiveLock);
  const rel = tableOpen(relid, NoLock);
  try {
    const attnums = copyGetAttnums(rel, stmt.attlist);
    checkPrivileges(rel, attnums, ACL_INSERT);
    const kind = rel.rd_rel.relkind;
    if (kind !== "r") {
      const what = { v: "view", m: "materialized view", S: "sequence" }[kind];
      throw pgError(
        ERRCODE.WRONG_OBJECT_TYPE,
        what === undefined
          ? `cannot copy to non-table relation "${rel.rd_rel.relname}"`
          : `cannot copy to ${what} "${rel.rd_rel.relname}"`,
        {
          hint: kind === "v" ? "To enable copying to a view, provide an INSTEAD OF INSERT trigger." : undefined,
          routine: "CopyFrom",
        },
      );
    }
    if (options.freeze && rel.rd_createSubid === 0 && rel.rd_newRelfilelocatorSubid === 0) {
      throw pgError(
        ERRCODE.OBJECT_NOT_IN_PREREQUISITE_STATE,
        "cannot perform COPY FREEZE because the table was not created or truncated in the current subtransaction",
        { routine: "CopyFrom" },
      );
    }
    if (xactReadOnly() && !rel.rd_islocaltemp) preventCommandIfReadOnly("COPY FROM");
    checkColumnLists(rel, attnums, options);
    let where: Node | null = null;
    if (stmt.whereClause !== undefined) {
      const pstate = makeParsestate(null);
      pstate.p_sourcetext = call.queryString;
      const nsitem = addRangeTableEntryForRelation(pstate, rel, AccessShareLock, null, false, true);
      addNSItemToQuery(pstate, nsitem, true, true, true);
      where = coerceToBoolean(pstate, transformExpr(pstate, stmt.whereClause, "EXPR_KIND_COPY_WHERE")!, "WHERE");
      assignExprCollations(pstate, where);
    }
    return copyFrom({ rel, attnums, where }, options, clientSource(attnums.length, options.format === "binary"));
  } finally {
    relationClose(rel, NoLock);
  }
}

function checkColumnLists(rel: Relation, attnums: readonly number[], o: CopyOptions): void {
  for (
    const [word, list] of [
      ["FORCE_QUOTE", o.forceQuote],
      ["FORCE_NOT_NULL", o.forceNotNull],
      ["FORCE_NULL", o.forceNull],
    ] as const
  ) {
    if (list === null || list === "all") continue;
    for (const name of list) {
      const att = rel.rd_att.attrs.find((a) => !a.attisdropped && a.attname === name);
      if (att === undefined) {
        throw pgError(ERRCODE.UNDEFINED_COLUMN, `column "${name}" of relation "${rel.rd_rel.relname}" does not exist`);
      }
      if (!attnums.includes(att.attnum)) {
        throw pgError(ERRCODE.INVALID_COLUMN_REFERENCE, `${word} column "${name}" not referenced by COPY`);
      }
    }
  }
}

/** Asks the client for data, and gives its CopyData messages one by one. */
function clientSource(columns: number, binary: boolean): CopySource {
  const c = requireClientConnection();
  const format = binary ? 1 : 0;
  c.out.beginMessage(PqMsg_CopyInResponse);
  c.out.int8(format);
  c.out.int16(columns);
  for (let i = 0; i < columns; i++) c.out.int16(format);
  c.out.endMessage();
  c.flush();
  let done = false;
  return () => {
    while (!done) {
      // A cancel waits for the end of the message: the stream must not lose its place.
      holdCancelInterrupts();
      const type = c.readByte();
      const got = type >= 0 && c.readMessage();
      resumeCancelInterrupts();
      if (!got) {
        throw new PgError({
          severity: "FATAL",
          code: ERRCODE.CONNECTION_FAILURE,
          message: "unexpected EOF on client connection with an open transaction",
        });
      }
      switch (type) {
        case PqMsg_CopyData:
          if (c.reader.remaining === 0) continue;
          return c.reader.view(c.reader.remaining);
        case PqMsg_CopyDone:
          done = true;
          return null;
        case PqMsg_CopyFail:
          throw pgError(ERRCODE.QUERY_CANCELED, `COPY from stdin failed: ${c.reader.cstring()}`, {
            routine: "CopyGetData",
          });
        case PqMsg_Flush:
        case PqMsg_Sync:
          // Sent ahead by clients of the extended protocol; not meant yet.
          continue;
        default:
          throw pgError(
            ERRCODE.PROTOCOL_VIOLATION,
            `unexpected message type 0x${type.toString(16).toUpperCase()} during COPY from stdin`,
          );
      }
    }
    return null;
  };
}
