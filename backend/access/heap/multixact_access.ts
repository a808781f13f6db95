/**
 * What the heap needs of multixacts (several lockers, or a locker and an updater, in one xmax).
 *
 * The multixact manager installs itself here. Until there is one, meeting or needing a multixact is 0A000: ordinary
 * updates, deletes and locks by one transaction at a time never do.
 */
import { notBuilt } from "../../../base/error.ts";
import type { TransactionId } from "../../../base/types.ts";

/** Status of one member; order and values as in src/include/access/multixact.h. */
export const MultiXactStatus = {
  ForKeyShare: 0,
  ForShare: 1,
  ForNoKeyUpdate: 2,
  ForUpdate: 3,
  NoKeyUpdate: 4,
  Update: 5,
} as const;
export type MultiXactStatus = (typeof MultiXactStatus)[keyof typeof MultiXactStatus];
export type MultiXactId = number;
export const InvalidMultiXactId: MultiXactId = 0;
export const FirstMultiXactId: MultiXactId = 1;

export interface MultiXactMember {
  xid: TransactionId;
  status: MultiXactStatus;
}

/** True if the member changes the row rather than lock it. */
export function isUpdateMemberStatus(status: MultiXactStatus): boolean {
  return status > MultiXactStatus.ForUpdate;
}

/** Order of multixact ids, which wrap around. */
export function multiXactIdPrecedes(a: MultiXactId, b: MultiXactId): boolean {
  return ((a - b) | 0) < 0;
}
export function multiXactIdPrecedesOrEquals(a: MultiXactId, b: MultiXactId): boolean {
  return ((a - b) | 0) <= 0;
}

export interface MultiXactManager {
  /** Must precede any use of multixacts by a transaction. */
  setOldestMember(): void;
  create(xid1: TransactionId, status1: MultiXactStatus, xid2: TransactionId, status2: MultiXactStatus): MultiXactId;
  createFromMembers(members: readonly MultiXactMember[]): MultiXactId;
  expand(multi: MultiXactId, xid: TransactionId, status: MultiXactStatus): MultiXactId;
  isRunning(multi: MultiXactId, isLockOnly: boolean): boolean;
  /** Members, or an empty array when the multixact is from before an upgrade. */
  getMembers(multi: MultiXactId, fromPgUpgrade: boolean, isLockOnly: boolean): readonly MultiXactMember[];
  readNextId(): MultiXactId;
  getOldestMultiXactId(): MultiXactId;
}

const needsManager = (): never => {
  throw notBuilt("row locks shared by several transactions");
};
const none: MultiXactManager = {
  setOldestMember: () => {},
  create: needsManager,
  createFromMembers: needsManager,
  expand: needsManager,
  isRunning: needsManager,
  getMembers: needsManager,
  readNextId: () => FirstMultiXactId,
  getOldestMultiXactId: () => FirstMultiXactId,
};

/** The manager in use. */
export let multixact: MultiXactManager = none;
export function installMultiXactManager(m: MultiXactManager): void {
  multixact = m;
}
