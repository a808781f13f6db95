/**
 * Connects the layers of a backend: what lower layers know only as hooks, and the registries of commands and functions.
 * Every process that runs SQL calls installBackendHooks() once, before its first transaction.
 */
import "../executor/exec_catalog_pg.ts";
import "../executor/exec_index_expr.ts";
import { installIndexKeyColumnNames } from "../access/heap/heapam_handler.ts";
import { notBuilt } from "../../base/error.ts";
import type { Oid } from "../../base/types.ts";
import { atEOXactGuc, atStartGuc, newGucNestLevel, registerAssignHook } from "../../conf/guc.ts";
import { xactHooks } from "../access/transam/xact_hooks.ts";
import {
  getCurrentStatementStartTimestamp,
  getCurrentTransactionIdIfAny,
  getCurrentTransactionStartTimestamp,
} from "../access/transam/xact.ts";
import { objectAclcheck } from "../catalog/aclchk.ts";
import { catalogScan } from "../catalog/catalog_scan.ts";
import { namespaceHooks } from "../catalog/namespace.ts";
import { registerConfigFunctions } from "../commands/config_functions.ts";
import { registerCatalogFunctions } from "../commands/catalog_functions.ts";
import { registerCommands } from "../commands/registry.ts";
import { installVariableHooks, setSessionUserName } from "../commands/variable.ts";
import { persistHoldablePortal } from "../tcop/pquery.ts";
import { ACL_CREATE, ACL_USAGE } from "../utils/adt/acl.ts";
import { makeArray } from "../utils/adt/array_codec.ts";
import { registerLockFunctions } from "../utils/adt/lockfuncs.ts";
import { registerPrivilegeFunctions } from "../utils/adt/privilege_funcs.ts";
import { pgGetIndexdefColumns, registerRuleutils } from "../utils/adt/ruleutils.ts";
import { setStrongRandomSource } from "../utils/adt/pseudorandomfuncs.ts";
import { installDatabaseLookup, registerRegTypes } from "../utils/adt/regproc.ts";
import {
  installArrayConstructors,
  installTextArray,
  nameDatum,
  registerSystemFunctions,
} from "../utils/adt/sysfuncs.ts";
import { setTransactionClock } from "../utils/adt/transaction_clock.ts";
import { acceptInvalidationMessages } from "../utils/cache/inval.ts";
import { installCaches } from "../utils/cache/caches.ts";
import { session } from "../utils/error/elog.ts";
import { builtinExists } from "../utils/fmgr/fmgr_info.ts";
import { encodeText } from "../../base/text.ts";
import {
  atAbortPortals,
  atCleanupPortals,
  atSubAbortPortals,
  atSubCommitPortals,
  preCommitPortals,
} from "../utils/mmgr/portalmem.ts";
import { pgstatReportAppname, pgstatReportXactTimestamp } from "../utils/activity/backend_status.ts";
import { getrandom } from "../../shmem/os/process.ts";
import { registerResourceManagers } from "./resource_managers.ts";

const TEXTOID = 25;
const NAMEOID = 19;
let installed = false;

export function installBackendHooks(): void {
  if (installed) return;
  installed = true;
  installCaches();
  registerResourceManagers();
  registerCommands();
  registerRuleutils();
  registerLockFunctions();
  installIndexKeyColumnNames(pgGetIndexdefColumns);
  registerSystemFunctions(builtinExists);
  registerPrivilegeFunctions();
  registerCatalogFunctions(builtinExists);
  registerConfigFunctions();
  registerRegTypes();
  installVariableHooks();
  installTextArray((items) => makeArray(TEXTOID, items.map((s) => encodeText(s))));
  installArrayConstructors(
    (elemType, items) => makeArray(elemType, [...items]),
    (items) => makeArray(NAMEOID, items.map((s) => nameDatum(s))),
  );
  installDatabaseLookup((name) => catalogScan("pg_database", { datname: name })[0]?.oid ?? 0);
  setStrongRandomSource((into) => {
    const b = new Uint8Array(new ArrayBuffer(into.length));
    getrandom(b);
    into.set(b);
  });
  setTransactionClock({
    transactionStart: getCurrentTransactionStartTimestamp,
    statementStart: getCurrentStatementStartTimestamp,
  });
  namespaceHooks.schemaAccess = (nsp: Oid, role: Oid, privilege) =>
    objectAclcheck("pg_namespace", nsp, role, privilege === "CREATE" ? ACL_CREATE : ACL_USAGE);
  namespaceHooks.createTempNamespace = () => {
    throw notBuilt("a temporary table");
  };
  session.xid = getCurrentTransactionIdIfAny;
  registerAssignHook("application_name", (v) => pgstatReportAppname(String(v)));
  Object.assign(xactHooks, {
    atStartCache: () => {
      atStartGuc();
      acceptInvalidationMessages();
    },
    newGUCNestLevel: newGucNestLevel,
    atEOXactGUC: atEOXactGuc,
    reportXactTimestamp: (t: number) => pgstatReportXactTimestamp(t),
    preCommitPortals: (isPrepare: boolean) => preCommitPortals(isPrepare, persistHoldablePortal),
    atAbortPortals,
    atCleanupPortals,
    atSubCommitPortals: (mySubid: number, parentSubid: number, _level: number, owner: never) =>
      atSubCommitPortals(mySubid, parentSubid, owner),
    atSubAbortPortals: (mySubid: number, parentSubid: number) => atSubAbortPortals(mySubid, parentSubid),
  });
}

/** The session begins: what start-up transactions left behind must not count. */
export function resetBackendState(): void {
  setSessionUserName(session.userName);
}
