/**
 * What kind of process this is. Set once by the process's main before it touches shared structures; everyone reads.
 * Follows MyBackendType, IsUnderPostmaster and friends of src/backend/utils/init/globals.c (PostgreSQL 18).
 */
export type BackendType =
  | "standalone"
  | "backend"
  | "startup"
  | "checkpointer"
  | "bgwriter"
  | "walwriter"
  | "autovacuum launcher"
  | "autovacuum worker"
  | "archiver"
  | "stats"
  | "logical"
  | "walsender"
  | "bootstrap";

export const myProcess = {
  /** False in single-user mode, bootstrap and unit tests: the process does the auxiliary processes' work itself. */
  isUnderPostmaster: false,
  backendType: "standalone" as BackendType,
};

export function isUnderPostmaster(): boolean {
  return myProcess.isUnderPostmaster;
}
export function amStartupProcess(): boolean {
  return myProcess.backendType === "startup";
}
export function amCheckpointerProcess(): boolean {
  return myProcess.backendType === "checkpointer";
}
export function amBackgroundWriterProcess(): boolean {
  return myProcess.backendType === "bgwriter";
}
/** IsBootstrapProcessingMode(). */
export function isBootstrapProcessingMode(): boolean {
  return myProcess.backendType === "bootstrap";
}
