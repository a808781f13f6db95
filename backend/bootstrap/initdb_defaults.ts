/** initdb's options as they are when none is given: UTF8, the builtin C.UTF-8 locale, checksums, trust on this machine. */
import type { InitdbOptions } from "./initdb.ts";

export function initdbDefaults(dataDir: string, over: Partial<InitdbOptions> = {}): InitdbOptions {
  return {
    dataDir,
    username: "postgres",
    password: null,
    locale: { encoding: 6, provider: "b", locale: "C.UTF-8", icuRules: null, collate: "C.UTF-8", ctype: "C.UTF-8" },
    lcMessages: "C",
    textSearchConfig: "pg_catalog.english",
    timezone: Intl.DateTimeFormat().resolvedOptions().timeZone || "UTC",
    authLocal: "trust",
    authHost: "trust",
    checksums: true,
    sync: true,
    walSegmentMegabytes: 16,
    walDir: null,
    groupAccess: false,
    settings: [],
    keepOnFailure: false,
    ...over,
  };
}
