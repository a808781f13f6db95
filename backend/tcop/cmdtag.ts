/**
 * Command tags: what CommandComplete says of each statement kind, and which kinds need what.
 *
 * One line a statement, keyed by libpg-query's node name. Follows src/include/tcop/cmdtaglist.h and CreateCommandTag()
 * in src/backend/tcop/utility.c.
 */
import { assert } from "../../base/assert.ts";

/** The completion of a command: its tag and, where it counts rows, how many. */
export interface QueryCompletion {
  commandTag: string;
  nprocessed: number;
}

const ROW_COUNT_TAGS = new Set(["SELECT", "INSERT", "UPDATE", "DELETE", "MERGE", "FETCH", "MOVE", "COPY"]);

/** Text of CommandComplete. INSERT keeps the zero where an OID once stood. */
export function completionText(qc: QueryCompletion): string {
  if (qc.commandTag === "INSERT") return `INSERT 0 ${qc.nprocessed}`;
  return ROW_COUNT_TAGS.has(qc.commandTag) ? `${qc.commandTag} ${qc.nprocessed}` : qc.commandTag;
}

type Raw = Readonly<Record<string, unknown>>;
type Fields = Readonly<Record<string, unknown>>;

// deno-fmt-ignore: reads as a table
const TAGS: Readonly<Record<string, string | ((s: Fields) => string)>> = {
  SelectStmt: (s) => s.intoClause ? "SELECT INTO" : "SELECT",
  InsertStmt: "INSERT", UpdateStmt: "UPDATE", DeleteStmt: "DELETE", MergeStmt: "MERGE",
  PLAssignStmt: "SELECT",
  TransactionStmt: (s) => TRANSACTION_TAGS[s.kind as string],
  DeclareCursorStmt: "DECLARE CURSOR",
  ClosePortalStmt: (s) => s.portalname ? "CLOSE CURSOR" : "CLOSE CURSOR ALL",
  FetchStmt: (s) => s.ismove ? "MOVE" : "FETCH",
  CreateDomainStmt: "CREATE DOMAIN", CreateSchemaStmt: "CREATE SCHEMA", CreateStmt: "CREATE TABLE",
  CreateTableSpaceStmt: "CREATE TABLESPACE", DropTableSpaceStmt: "DROP TABLESPACE",
  AlterTableSpaceOptionsStmt: "ALTER TABLESPACE", CreateExtensionStmt: "CREATE EXTENSION",
  AlterExtensionStmt: "ALTER EXTENSION", AlterExtensionContentsStmt: "ALTER EXTENSION", CreateFdwStmt: "CREATE FOREIGN DATA WRAPPER",
  CreateForeignServerStmt: "CREATE SERVER", CreateForeignTableStmt: "CREATE FOREIGN TABLE",
  DropStmt: (s) => `DROP ${objectTypeTag(s.removeType as string)}`,
  TruncateStmt: "TRUNCATE TABLE",
  CommentStmt: "COMMENT", SecLabelStmt: "SECURITY LABEL", CopyStmt: "COPY",
  RenameStmt: (s) => `ALTER ${objectTypeTag((s.renameType === "OBJECT_COLUMN" ? s.relationType ?? "OBJECT_TABLE" : s.renameType === "OBJECT_TABCONSTRAINT" ? "OBJECT_TABLE" : s.renameType) as string)}`,
  AlterObjectDependsStmt: (s) => `ALTER ${objectTypeTag(s.objectType as string)}`,
  AlterObjectSchemaStmt: (s) => `ALTER ${objectTypeTag(s.objectType as string)}`,
  AlterOwnerStmt: (s) => `ALTER ${objectTypeTag(s.objectType as string)}`,
  AlterTableMoveAllStmt: (s) => `ALTER ${objectTypeTag(s.objtype as string)}`,
  AlterTableStmt: (s) => `ALTER ${objectTypeTag(s.objtype as string)}`,
  AlterDomainStmt: "ALTER DOMAIN", AlterFunctionStmt: (s) => `ALTER ${objectTypeTag(s.objtype as string)}`,
  GrantStmt: (s) => s.is_grant ? "GRANT" : "REVOKE", GrantRoleStmt: (s) => s.is_grant ? "GRANT ROLE" : "REVOKE ROLE",
  AlterDefaultPrivilegesStmt: "ALTER DEFAULT PRIVILEGES",
  DefineStmt: (s) => `CREATE ${objectTypeTag(s.kind as string)}`,
  CompositeTypeStmt: "CREATE TYPE", CreateEnumStmt: "CREATE TYPE", CreateRangeStmt: "CREATE TYPE", AlterEnumStmt: "ALTER TYPE",
  ViewStmt: "CREATE VIEW", CreateFunctionStmt: (s) => s.is_procedure ? "CREATE PROCEDURE" : "CREATE FUNCTION",
  IndexStmt: "CREATE INDEX", RuleStmt: "CREATE RULE", CreateSeqStmt: "CREATE SEQUENCE", AlterSeqStmt: "ALTER SEQUENCE",
  DoStmt: "DO", CreatedbStmt: "CREATE DATABASE", AlterDatabaseStmt: "ALTER DATABASE", AlterDatabaseRefreshCollStmt: "ALTER DATABASE",
  AlterDatabaseSetStmt: "ALTER DATABASE", DropdbStmt: "DROP DATABASE",
  NotifyStmt: "NOTIFY", ListenStmt: "LISTEN", UnlistenStmt: "UNLISTEN", LoadStmt: "LOAD", CallStmt: "CALL",
  ClusterStmt: "CLUSTER", VacuumStmt: (s) => s.is_vacuumcmd ? "VACUUM" : "ANALYZE", ExplainStmt: "EXPLAIN",
  CreateTableAsStmt: (s) => s.objtype === "OBJECT_MATVIEW" ? "CREATE MATERIALIZED VIEW" : s.is_select_into ? "SELECT INTO" : "CREATE TABLE AS",
  RefreshMatViewStmt: "REFRESH MATERIALIZED VIEW", AlterSystemStmt: "ALTER SYSTEM",
  VariableSetStmt: (s) => s.kind === "VAR_RESET" || s.kind === "VAR_RESET_ALL" ? "RESET" : "SET", VariableShowStmt: "SHOW",
  DiscardStmt: (s) => DISCARD_TAGS[s.target as string],
  CreateTransformStmt: "CREATE TRANSFORM", CreateTrigStmt: "CREATE TRIGGER", CreateEventTrigStmt: "CREATE EVENT TRIGGER", AlterEventTrigStmt: "ALTER EVENT TRIGGER",
  CreatePLangStmt: "CREATE LANGUAGE", CreateRoleStmt: "CREATE ROLE", AlterRoleStmt: "ALTER ROLE", AlterRoleSetStmt: "ALTER ROLE",
  DropRoleStmt: "DROP ROLE", DropOwnedStmt: "DROP OWNED", ReassignOwnedStmt: "REASSIGN OWNED",
  LockStmt: "LOCK TABLE", ConstraintsSetStmt: "SET CONSTRAINTS", CheckPointStmt: "CHECKPOINT", ReindexStmt: "REINDEX",
  CreateConversionStmt: "CREATE CONVERSION", CreateCastStmt: "CREATE CAST", CreateOpClassStmt: "CREATE OPERATOR CLASS",
  CreateOpFamilyStmt: "CREATE OPERATOR FAMILY", AlterOpFamilyStmt: "ALTER OPERATOR FAMILY", AlterOperatorStmt: "ALTER OPERATOR",
  AlterTypeStmt: "ALTER TYPE", AlterTSDictionaryStmt: "ALTER TEXT SEARCH DICTIONARY", AlterTSConfigurationStmt: "ALTER TEXT SEARCH CONFIGURATION",
  CreatePolicyStmt: "CREATE POLICY", AlterPolicyStmt: "ALTER POLICY", CreateAmStmt: "CREATE ACCESS METHOD",
  CreatePublicationStmt: "CREATE PUBLICATION", AlterPublicationStmt: "ALTER PUBLICATION", CreateSubscriptionStmt: "CREATE SUBSCRIPTION",
  AlterSubscriptionStmt: "ALTER SUBSCRIPTION", DropSubscriptionStmt: "DROP SUBSCRIPTION", AlterCollationStmt: "ALTER COLLATION",
  CreateUserMappingStmt: "CREATE USER MAPPING", AlterUserMappingStmt: "ALTER USER MAPPING", DropUserMappingStmt: "DROP USER MAPPING",
  AlterFdwStmt: "ALTER FOREIGN DATA WRAPPER", AlterForeignServerStmt: "ALTER SERVER", ImportForeignSchemaStmt: "IMPORT FOREIGN SCHEMA",
  CreateStatsStmt: "CREATE STATISTICS", AlterStatsStmt: "ALTER STATISTICS", ReturnStmt: "SELECT",
  PrepareStmt: "PREPARE", ExecuteStmt: "EXECUTE", DeallocateStmt: (s) => s.name ? "DEALLOCATE" : "DEALLOCATE ALL",
};

const TRANSACTION_TAGS: Readonly<Record<string, string>> = {
  TRANS_STMT_BEGIN: "BEGIN",
  TRANS_STMT_START: "START TRANSACTION",
  TRANS_STMT_COMMIT: "COMMIT",
  TRANS_STMT_ROLLBACK: "ROLLBACK",
  TRANS_STMT_ROLLBACK_TO: "ROLLBACK",
  TRANS_STMT_SAVEPOINT: "SAVEPOINT",
  TRANS_STMT_RELEASE: "RELEASE",
  TRANS_STMT_PREPARE: "PREPARE TRANSACTION",
  TRANS_STMT_COMMIT_PREPARED: "COMMIT PREPARED",
  TRANS_STMT_ROLLBACK_PREPARED: "ROLLBACK PREPARED",
};
const DISCARD_TAGS: Readonly<Record<string, string>> = {
  DISCARD_ALL: "DISCARD ALL",
  DISCARD_PLANS: "DISCARD PLANS",
  DISCARD_SEQUENCES: "DISCARD SEQUENCES",
  DISCARD_TEMP: "DISCARD TEMP",
};
const OBJECT_TAGS: Readonly<Record<string, string>> = {
  OBJECT_ATTRIBUTE: "TYPE",
  OBJECT_DOMCONSTRAINT: "DOMAIN",
  OBJECT_FDW: "FOREIGN DATA WRAPPER",
  OBJECT_FOREIGN_SERVER: "SERVER",
  OBJECT_MATVIEW: "MATERIALIZED VIEW",
  OBJECT_OPCLASS: "OPERATOR CLASS",
  OBJECT_OPFAMILY: "OPERATOR FAMILY",
  OBJECT_STATISTIC_EXT: "STATISTICS",
  OBJECT_TSCONFIGURATION: "TEXT SEARCH CONFIGURATION",
  OBJECT_TSDICTIONARY: "TEXT SEARCH DICTIONARY",
  OBJECT_TSPARSER: "TEXT SEARCH PARSER",
  OBJECT_TSTEMPLATE: "TEXT SEARCH TEMPLATE",
};

/** "OBJECT_TABLE" → "TABLE". */
function objectTypeTag(objectType: string): string {
  return OBJECT_TAGS[objectType] ?? objectType.replace(/^OBJECT_/, "").replaceAll("_", " ");
}

/** Name of the statement type: the one key of a raw statement. */
export function rawStatementType(stmt: Raw): string {
  for (const k in stmt) return k;
  assert(false, "empty raw statement");
}

/** CreateCommandTag() for a raw statement { SelectStmt: {…} }. */
export function createCommandTag(stmt: Raw): string {
  const type = rawStatementType(stmt);
  const t = TAGS[type];
  if (t === undefined) return "???";
  return typeof t === "string" ? t : t(stmt[type] as Fields);
}

/** True for COMMIT, ROLLBACK and their kin: what an aborted transaction block accepts. */
export function isTransactionExitStmt(stmt: Raw): boolean {
  const t = stmt.TransactionStmt as Fields | undefined;
  return t !== undefined &&
    ["TRANS_STMT_COMMIT", "TRANS_STMT_PREPARE", "TRANS_STMT_ROLLBACK", "TRANS_STMT_ROLLBACK_TO"].includes(
      t.kind as string,
    );
}
