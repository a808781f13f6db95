/**
 * Which routine runs each utility statement. One line a statement; what stands nowhere here is refused with 0A000.
 */
import type * as Raw from "libpg-query";
import { notBuilt } from "../../base/error.ts";
import { executeGrantStmt } from "../catalog/aclchk.ts";
import * as O from "../catalog/catalog_oids.ts";
import { catalogDelete } from "../catalog/indexing.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import { registerDeleteRoutine } from "../catalog/dependency.ts";
import { heapDropWithCatalog, removeAttrDefaultById, removeAttributeById } from "../catalog/heap.ts";
import { indexDrop } from "../catalog/index.ts";
import { removeConstraintById } from "../catalog/pg_constraint.ts";
import { removeTypeById } from "../catalog/pg_type.ts";
import { installDomainIo } from "../executor/domains.ts";
import "../executor/functions.ts";
import { registerUtility, setUtilityRowTypes, type UtilityCall } from "../tcop/utility.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { resetPlanCache } from "../utils/cache/plancache.ts";
import { portalHashTableDeleteAll } from "../utils/mmgr/portalmem.ts";
import { resetAllOptions } from "../../conf/guc.ts";
import { preventInTransactionBlock } from "../access/transam/xact.ts";
import { commentCommand } from "./comment.ts";
import { alterEnum, defineCompositeType, defineEnum } from "./typecmds_create.ts";
import { installEnumFunctions } from "../utils/adt/enum.ts";
import { copyCommand } from "./copy.ts";
import { alterDatabaseSet, createDatabaseCommand, dropDatabaseCommand } from "./dbcommands.ts";
import { dropCommand } from "./dropcmds.ts";
import { explainQuery, explainResultDesc } from "./explain.ts";
import { createFunction, removeFunctionById } from "./functioncmds.ts";
import { indexStmtCommand, reindexCommand } from "./indexcmds.ts";
import { lockTableCommand } from "./lockcmds.ts";
import { performCursorOpen, performPortalClose, performPortalFetch } from "./portalcmds.ts";
import { deallocateQuery, executeQuery, prepareQuery } from "./prepare_cmds.ts";
import { dropAllPreparedStatements } from "./prepare.ts";
import { createSchemaCommand, removeSchemaById } from "./schemacmds.ts";
import { alterSequence, defineSequence, deleteSequenceTuple, resetSequenceCaches } from "./sequence.ts";
import { createTableCommand, executeTruncate } from "./tablecmds.ts";
import { alterObjectSchemaCommand, alterOwnerCommand, alterTableCommand, renameCommand } from "./tablecmds_alter.ts";
import { createTableAs } from "./createas.ts";
import { defineDomain } from "./typecmds.ts";
import { alterRole, alterRoleSet, createRole, dropRole, grantRole } from "./user.ts";
import { alterSystemSet, executeSetVariable, executeShow, showResultDesc } from "./variable.ts";
import { vacuumCommand } from "./vacuum.ts";
import { createViewCommand, removeRewriteRuleById } from "./view.ts";
import { requestCheckpoint } from "../access/transam/checkpoint_request.ts";
import { CHECKPOINT_FORCE, CHECKPOINT_IMMEDIATE, CHECKPOINT_WAIT } from "../access/transam/xlog_internal.ts";

const WRITES = { writes: true } as const;
const READS = { writes: false } as const;

/** Fills the registries of utilities and of object deletion. Called once in each backend. */
export function registerCommands(): void {
  installDomainIo();
  installEnumFunctions();
  registerUtility<Raw.CreateStmt>("CreateStmt", createTableCommand, WRITES);
  registerUtility<Raw.CreateTableAsStmt>("CreateTableAsStmt", createTableAs, WRITES);
  registerUtility<Raw.AlterTableStmt>("AlterTableStmt", alterTableCommand, WRITES);
  registerUtility<Raw.RenameStmt>("RenameStmt", renameCommand, WRITES);
  registerUtility<Raw.AlterOwnerStmt>("AlterOwnerStmt", alterOwnerCommand, WRITES);
  registerUtility<Raw.AlterObjectSchemaStmt>("AlterObjectSchemaStmt", alterObjectSchemaCommand, WRITES);
  registerUtility<Raw.DropStmt>("DropStmt", dropCommand, WRITES);
  registerUtility<Raw.TruncateStmt>("TruncateStmt", executeTruncate, WRITES);
  registerUtility<Raw.IndexStmt>("IndexStmt", indexStmtCommand, WRITES);
  registerUtility<Raw.ReindexStmt>("ReindexStmt", reindexCommand, WRITES);
  registerUtility<Raw.CreateSeqStmt>("CreateSeqStmt", (s, call) => void defineSequence(s, call), WRITES);
  registerUtility<Raw.AlterSeqStmt>("AlterSeqStmt", alterSequence, WRITES);
  registerUtility<Raw.CreateSchemaStmt>("CreateSchemaStmt", createSchemaCommand, WRITES);
  registerUtility<Raw.ViewStmt>("ViewStmt", createViewCommand, WRITES);
  registerUtility<Raw.CreateDomainStmt>("CreateDomainStmt", defineDomain, WRITES);
  registerUtility<Raw.CreateFunctionStmt>("CreateFunctionStmt", createFunction, WRITES);
  registerUtility<Raw.CreatedbStmt>("CreatedbStmt", createDatabaseCommand, WRITES);
  registerUtility<Raw.DropdbStmt>("DropdbStmt", dropDatabaseCommand, WRITES);
  registerUtility<Raw.AlterDatabaseSetStmt>("AlterDatabaseSetStmt", alterDatabaseSet, WRITES);
  registerUtility<Raw.CreateRoleStmt>("CreateRoleStmt", createRole, WRITES);
  registerUtility<Raw.AlterRoleStmt>("AlterRoleStmt", alterRole, WRITES);
  registerUtility<Raw.AlterRoleSetStmt>("AlterRoleSetStmt", alterRoleSet, WRITES);
  registerUtility<Raw.DropRoleStmt>("DropRoleStmt", dropRole, WRITES);
  registerUtility<Raw.GrantRoleStmt>("GrantRoleStmt", grantRole, WRITES);
  registerUtility<Raw.GrantStmt>("GrantStmt", executeGrantStmt, WRITES);
  registerUtility<Raw.CreateEnumStmt>("CreateEnumStmt", defineEnum, WRITES);
  registerUtility<Raw.AlterEnumStmt>("AlterEnumStmt", alterEnum, WRITES);
  registerUtility<Raw.CompositeTypeStmt>("CompositeTypeStmt", defineCompositeType, WRITES);
  registerUtility<Raw.CommentStmt>("CommentStmt", commentCommand, WRITES);
  registerUtility<Raw.CopyStmt>("CopyStmt", copyCommand, READS);
  registerUtility<Raw.DeclareCursorStmt>("DeclareCursorStmt", performCursorOpen, READS);
  registerUtility<Raw.FetchStmt>("FetchStmt", performPortalFetch, READS);
  registerUtility<Raw.ClosePortalStmt>("ClosePortalStmt", performPortalClose, READS);
  registerUtility<Raw.PrepareStmt>("PrepareStmt", prepareQuery, READS);
  registerUtility<Raw.ExecuteStmt>("ExecuteStmt", executeQuery, READS);
  registerUtility<Raw.DeallocateStmt>("DeallocateStmt", deallocateQuery, READS);
  registerUtility<Raw.ExplainStmt>("ExplainStmt", explainQuery, READS);
  registerUtility<Raw.VariableSetStmt>("VariableSetStmt", executeSetVariable, READS);
  registerUtility<Raw.VariableShowStmt>("VariableShowStmt", executeShow, READS);
  registerUtility<Raw.AlterSystemStmt>("AlterSystemStmt", alterSystemSet, { writes: false, snapshot: false });
  registerUtility<Raw.LockStmt>("LockStmt", lockTableCommand, READS);
  registerUtility<Raw.VacuumStmt>("VacuumStmt", vacuumCommand, { writes: false, snapshot: false });
  registerUtility<Raw.DiscardStmt>("DiscardStmt", discard, READS);
  registerUtility(
    "CheckPointStmt",
    () => requestCheckpoint(CHECKPOINT_IMMEDIATE | CHECKPOINT_WAIT | CHECKPOINT_FORCE),
    READS,
  );
  setUtilityRowTypes(explainResultDesc, showResultDesc);

  registerDeleteRoutine(O.RelationRelationId, (o) => {
    const kind = searchSysCache("RELOID", o.objectId)?.relkind;
    if (o.objectSubId !== 0) removeAttributeById(o.objectId, o.objectSubId);
    else if (kind === "i") indexDrop(o.objectId);
    else {
      if (kind === "S") deleteSequenceTuple(o.objectId);
      heapDropWithCatalog(o.objectId);
    }
  });
  registerDeleteRoutine(O.ProcedureRelationId, (o) => removeFunctionById(o.objectId));
  registerDeleteRoutine(O.TypeRelationId, (o) => removeTypeById(o.objectId));
  registerDeleteRoutine(O.ConstraintRelationId, (o) => removeConstraintById(o.objectId));
  registerDeleteRoutine(O.AttrDefaultRelationId, (o) => removeAttrDefaultById(o.objectId));
  registerDeleteRoutine(O.NamespaceRelationId, (o) => removeSchemaById(o.objectId));
  registerDeleteRoutine(O.RewriteRelationId, (o) => removeRewriteRuleById(o.objectId));
  registerDeleteRoutine(O.ProcedureRelationId, (o) => {
    const row = catalogScan("pg_proc", { oid: o.objectId })[0];
    if (row !== undefined) catalogDelete("pg_proc", row.ctid);
  });
}

function discard(stmt: Raw.DiscardStmt, call: UtilityCall): void {
  switch (stmt.target) {
    case "DISCARD_ALL":
      preventInTransactionBlock(call.isTopLevel, "DISCARD ALL");
      portalHashTableDeleteAll();
      resetAllOptions();
      dropAllPreparedStatements();
      resetPlanCache();
      resetSequenceCaches();
      break;
    case "DISCARD_PLANS":
      resetPlanCache();
      break;
    case "DISCARD_SEQUENCES":
      resetSequenceCaches();
      break;
    case "DISCARD_TEMP":
      throw notBuilt("DISCARD TEMP");
  }
}
