/**
 * Connects the caches to the layers below them, which know them only through hooks. Every process that reads catalogs calls
 * installCaches() once, before its first transaction.
 */
import type { Oid } from "../../../base/types.ts";
import { setAcceptInvalidationMessagesHook } from "../../storage/lmgr/lmgr.ts";
import { setCacheInvalidateSmgr, smgrReleaseAll, smgrReleaseRelLocator } from "../../storage/smgr/smgr.ts";
import { installHeapHooks } from "../../access/heap/heapam_hooks.ts";
import { installByteOrderTest } from "../../access/nbtree/nbt_compare.ts";
import { installStoredTypeResolver } from "../../access/common/tupmacs.ts";
import { myTempNamespace } from "../../catalog/namespace.ts";
import { myProcNumber } from "../../../shmem/proc_slot.ts";
import { xactHooks } from "../../access/transam/xact_hooks.ts";
import { setArrayTypeProvider } from "../adt/type_provider.ts";
import { setCollationProvider } from "../adt/pg_locale.ts";
import { invalidateCatalogSnapshot, setCatalogSnapshotRelationTest } from "../time/snapmgr.ts";
import { relationHasSysCache, relationInvalidatesSnapshotsOnly } from "./catcache.ts";
import { localeOfCollation } from "./collation_cache.ts";
import {
  acceptInvalidationMessages,
  atEOSubXactInval,
  atEOXactInval,
  cacheInvalidateSmgr,
  commandEndInvalidationMessages,
  invalHandlers,
  invalidateSystemCaches,
  processCommittedInvalidationMessages,
  xactGetCommittedInvalidationMessages,
} from "./inval.ts";
import { relationGetIndexAttrSets } from "./relcache.ts";
import { installTempNamespaceInfo } from "./relcache_build.ts";
import { atEOSubXactRelationCache, atEOXactRelationCache, relationCacheReset } from "./relcache_core.ts";
import { collationIsByteOrder } from "./relcache_index.ts";
import { atCCIRelationMap, atEOXactRelationMap, relationMapForgetLocal } from "./relmapper.ts";
import { searchSysCache } from "./syscache.ts";
import { catalogTypeProvider, catalogTypeResolver } from "./type_info.ts";

let installed = false;

/** Process number in the name of a temporary (toast) schema, -1 if it is none. */
function tempNamespaceProcNumber(namespaceId: Oid): number {
  const name = searchSysCache("NAMESPACEOID", namespaceId)?.nspname ?? "";
  const m = /^pg_(?:toast_)?temp_(\d+)$/.exec(name);
  return m === null ? -1 : Number(m[1]);
}

export function installCaches(): void {
  if (installed) return;
  installed = true;
  Object.assign(invalHandlers, { smgrReleaseRelLocator, smgrReleaseAll, invalidateCatalogSnapshot });
  setAcceptInvalidationMessagesHook(acceptInvalidationMessages);
  setCacheInvalidateSmgr(cacheInvalidateSmgr);
  setCatalogSnapshotRelationTest((relid) => relationInvalidatesSnapshotsOnly(relid) || relationHasSysCache(relid));
  installHeapHooks({ indexAttrSets: relationGetIndexAttrSets });
  installByteOrderTest(collationIsByteOrder);
  installStoredTypeResolver(catalogTypeResolver);
  setArrayTypeProvider(catalogTypeProvider);
  setCollationProvider(localeOfCollation);
  installTempNamespaceInfo({
    getTempNamespaceProcNumber: tempNamespaceProcNumber,
    // A schema of our number that we have not taken over yet is a leftover of another session.
    isTempOrTempToastNamespace: (nsp) => myTempNamespace() !== 0 && tempNamespaceProcNumber(nsp) === myProcNumber(),
  });
  Object.assign(xactHooks, {
    atStartCache: acceptInvalidationMessages,
    acceptInvalidationMessages,
    atCCILocalCache: () => {
      atCCIRelationMap();
      commandEndInvalidationMessages();
    },
    atEOXactRelationMap,
    getCommittedInvalidationMessages: xactGetCommittedInvalidationMessages,
    atEOXactRelationCache,
    atEOXactInval,
    atEOSubXactRelationCache,
    atEOSubXactInval,
    processCommittedInvalidations: processCommittedInvalidationMessages,
  });
}

/** Empties what belongs to one database: for a process that goes on in another (a forked child of a warm one). */
export function forgetDatabaseCaches(): void {
  relationCacheReset();
  relationMapForgetLocal();
  invalidateSystemCaches();
}
