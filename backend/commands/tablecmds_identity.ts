/**
 * ALTER TABLE … ALTER COLUMN … ADD GENERATED AS IDENTITY, SET GENERATED, RESTART and DROP IDENTITY.
 * Follows ATExecAddIdentity(), ATExecSetIdentity() and ATExecDropIdentity() in src/backend/commands/tablecmds.c.
 */
import type * as Raw from "libpg-query";
import { ERRCODE } from "../../base/errcodes.ts";
import { ereport, pgError } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import { commandCounterIncrement } from "../access/transam/xact.ts";
import * as O from "../catalog/catalog_oids.ts";
import type { PgAttribute } from "../catalog/catalog_rows.ts";
import { performDeletion } from "../catalog/dependency.ts";
import { catalogUpdate } from "../catalog/indexing.ts";
import { objectAddress } from "../catalog/object_address.ts";
import { deleteDependencyRecordsFor, getOwnedSequence } from "../catalog/pg_depend.ts";
import { transformAlterPart } from "../parser/parse_utilcmd.ts";
import { processSubcommand, type UtilityCall } from "../tcop/utility.ts";
import { cacheInvalidateRelcacheByRelid } from "../utils/cache/inval.ts";
import { getNamespaceName } from "../utils/cache/lsyscache.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";

function state(relid: Oid, att: PgAttribute, what: string) {
  const relname = searchSysCache("RELOID", relid)!.relname;
  return pgError(
    ERRCODE.OBJECT_NOT_IN_PREREQUISITE_STATE,
    `column "${att.attname}" of relation "${relname}" ${what}`,
    { routine: "ATExecAddIdentity" },
  );
}

/** Makes the sequence and marks the column. @throws 55000 */
export function addIdentity(relid: Oid, att: PgAttribute, cmd: Raw.AlterTableCmd, call: UtilityCall): void {
  if (!att.attnotnull) throw state(relid, att, "must be declared NOT NULL before identity can be added");
  if (att.attidentity !== "") throw state(relid, att, "is already an identity column");
  if (att.atthasdef) throw state(relid, att, "already has a default value");
  const column = {
    colname: att.attname,
    typeName: { typeOid: att.atttypid, typemod: -1, names: [] },
    constraints: [{ Constraint: (cmd.def as { Constraint: Raw.Constraint }).Constraint }],
  } as unknown as Raw.ColumnDef;
  const def = transformAlterPart(relid, { column }, call.queryString);
  for (const s of def.before) processSubcommand(s, call);
  commandCounterIncrement();
  const now = searchSysCache("ATTNUM", relid, att.attnum)!;
  catalogUpdate("pg_attribute", now.ctid, { ...now, attidentity: def.columns[0].identity ?? "" });
  commandCounterIncrement();
  for (const s of def.after) processSubcommand(s, call);
  cacheInvalidateRelcacheByRelid(relid);
}

/** SET GENERATED changes the column, all other options its sequence. @throws 55000 */
export function setIdentity(relid: Oid, att: PgAttribute, cmd: Raw.AlterTableCmd, call: UtilityCall): void {
  if (att.attidentity === "") throw state(relid, att, "is not an identity column");
  const options = ((cmd.def as { List?: { items?: Raw.Node[] } } | undefined)?.List?.items ?? []) as {
    DefElem: Raw.DefElem;
  }[];
  const sequenceOptions = options.filter((o) => o.DefElem.defname !== "generated");
  for (const { DefElem } of options) {
    if (DefElem.defname !== "generated") continue;
    const code = (DefElem.arg as { Integer?: { ival?: number } } | undefined)?.Integer?.ival ?? 0;
    const now = searchSysCache("ATTNUM", relid, att.attnum)!;
    catalogUpdate("pg_attribute", now.ctid, { ...now, attidentity: String.fromCharCode(code) });
    commandCounterIncrement();
  }
  if (sequenceOptions.length > 0) {
    const sequence = searchSysCache("RELOID", getOwnedSequence(relid, att.attnum, "i"))!;
    processSubcommand({
      AlterSeqStmt: {
        sequence: {
          schemaname: getNamespaceName(sequence.relnamespace) ?? undefined,
          relname: sequence.relname,
          inh: true,
          relpersistence: "p",
        },
        options: sequenceOptions,
        for_identity: true,
      },
    }, call);
  }
  cacheInvalidateRelcacheByRelid(relid);
}

/** Unmarks the column and drops its sequence. @throws 55000 */
export function dropIdentity(relid: Oid, att: PgAttribute, missingOk: boolean): void {
  if (att.attidentity === "") {
    if (!missingOk) throw state(relid, att, "is not an identity column");
    const relname = searchSysCache("RELOID", relid)!.relname;
    ereport("NOTICE", {
      message: `column "${att.attname}" of relation "${relname}" is not an identity column, skipping`,
    });
    return;
  }
  const seqid = getOwnedSequence(relid, att.attnum, "i");
  const now = searchSysCache("ATTNUM", relid, att.attnum)!;
  catalogUpdate("pg_attribute", now.ctid, { ...now, attidentity: "" });
  // Its dependency on the column is internal: it must go before the sequence can.
  deleteDependencyRecordsFor(O.RelationRelationId, seqid);
  commandCounterIncrement();
  performDeletion(objectAddress(O.RelationRelationId, seqid), "DROP_RESTRICT");
  cacheInvalidateRelcacheByRelid(relid);
}
