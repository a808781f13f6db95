/**
 * Who and where this session is: database, tablespace, role. One owner for what PostgreSQL keeps in global variables.
 * Follows src/backend/utils/init/{globals,miscinit}.c.
 */
import type { Oid } from "../../../base/types.ts";

const state = {
  databaseId: 0 as Oid,
  databaseTableSpace: 1663 as Oid,
  databaseName: "",
  databasePath: "",
  authenticatedUserId: 10 as Oid,
  authenticatedUserIsSuperuser: true,
  sessionUserId: 10 as Oid,
  sessionUserIsSuperuser: true,
  outerUserId: 10 as Oid,
  currentUserId: 10 as Oid,
  systemUser: null as string | null,
};

/** OID of the database this session is connected to; 0 in a process without one. */
export function myDatabaseId(): Oid {
  return state.databaseId;
}
export function myDatabaseTableSpace(): Oid {
  return state.databaseTableSpace;
}
export function myDatabaseName(): string {
  return state.databaseName;
}
/** Directory of the database below the data directory, such as base/5. */
export function databasePath(): string {
  return state.databasePath;
}
export function setMyDatabase(id: Oid, tablespace: Oid, name: string, path: string): void {
  state.databaseId = id;
  state.databaseTableSpace = tablespace;
  state.databaseName = name;
  state.databasePath = path;
}

/** The role whose privileges count now. */
export function getUserId(): Oid {
  return state.currentUserId;
}
export function getSessionUserId(): Oid {
  return state.sessionUserId;
}
export function getOuterUserId(): Oid {
  return state.outerUserId;
}
export function getAuthenticatedUserId(): Oid {
  return state.authenticatedUserId;
}
/** The role as authentication gave it, for SYSTEM_USER ("scram-sha-256:alice"); null under trust. */
export function getSystemUser(): string | null {
  return state.systemUser;
}
export function getSessionUserIsSuperuser(): boolean {
  return state.sessionUserIsSuperuser;
}

/** Fixes who connected. */
export function initializeSessionUserId(role: Oid, isSuperuser: boolean, systemUser: string | null): void {
  state.authenticatedUserId =
    state.sessionUserId =
    state.outerUserId =
    state.currentUserId =
      role;
  state.authenticatedUserIsSuperuser = state.sessionUserIsSuperuser = isSuperuser;
  state.systemUser = systemUser;
}
/** SET SESSION AUTHORIZATION. */
export function setSessionAuthorization(role: Oid, isSuperuser: boolean): void {
  state.sessionUserId = state.outerUserId = state.currentUserId = role;
  state.sessionUserIsSuperuser = isSuperuser;
}
/** SET ROLE; `role` 0 returns to the session user. */
export function setCurrentRoleId(role: Oid): void {
  state.outerUserId = state.currentUserId = role === 0 ? state.sessionUserId : role;
}
/** For code that runs as another role for a while; the caller restores. */
export function setUserId(role: Oid): void {
  state.currentUserId = role;
}
