/**
 * ResourceOwner: what a transaction, subtransaction or portal holds and must give back: buffer pins, files, relation
 * references, snapshots, locks. Commit warns about what was left behind, abort releases it silently.
 *
 * Buffer pins, the hot kind, live in an Int32Array of their own; every other kind brings a descriptor. Locks are kept by
 * the lock manager, which installs its hooks here. Invariants:
 *   1. release() runs in three phases over the whole subtree, children first: before locks, locks, after locks.
 *   2. What is remembered is released exactly once: by forget() when the user gives it back, or by release().
 * Follows src/backend/utils/resowner/resowner.c (PostgreSQL 18).
 */
import { assert } from "../../../base/assert.ts";
import { ereport, PgError } from "../../../base/error.ts";
import type { Buffer } from "../../../base/types.ts";

export type ResourceReleasePhase = "before_locks" | "locks" | "after_locks";

/** Describes one kind of resource. */
export interface ResourceKind<T> {
  readonly name: string;
  readonly phase: "before_locks" | "after_locks";
  /** Lower goes first within the phase. */
  readonly priority: number;
  /** Gives one back; must not call forget(). */
  readonly release: (value: T) => void;
  /** For the leak warning. */
  readonly print?: (value: T) => string;
}

// Priorities as in resowner.h.
export const RELEASE_PRIO_BUFFER_IOS = 100;
export const RELEASE_PRIO_BUFFER_PINS = 200;
export const RELEASE_PRIO_RELCACHE_REFS = 300;
export const RELEASE_PRIO_DSMS = 400;
export const RELEASE_PRIO_CATCACHE_REFS = 100;
export const RELEASE_PRIO_PLANCACHE_REFS = 300;
export const RELEASE_PRIO_TUPDESC_REFS = 400;
export const RELEASE_PRIO_SNAPSHOT_REFS = 500;
export const RELEASE_PRIO_FILES = 600;

interface Item {
  kind: ResourceKind<unknown>;
  value: unknown;
}

/** What the lock manager does for the locks phase. */
export interface ResourceOwnerLockHooks {
  /** Top level: ProcReleaseLocks(). */
  releaseAll(isCommit: boolean): void;
  /** A subtransaction or portal aborts: LockReleaseCurrentOwner(). */
  releaseOwner(owner: ResourceOwner): void;
  /** It commits: LockReassignCurrentOwner() to its parent. */
  reassignOwner(owner: ResourceOwner, parent: ResourceOwner): void;
}
let lockHooks: ResourceOwnerLockHooks | null = null;
export function setResourceOwnerLockHooks(hooks: ResourceOwnerLockHooks): void {
  lockHooks = hooks;
}

/** What the buffer manager does with pins that were not released; installed by bufmgr.ts. */
let releasePinHook: (buffer: Buffer) => void = () => {
  throw new PgError({ message: "buffer pin left but no buffer manager installed", routine: "ResourceOwnerRelease" });
};
let describePinHook: (buffer: Buffer) => string = (b) => String(b);
export function setBufferPinHooks(release: (buffer: Buffer) => void, describe: (buffer: Buffer) => string): void {
  releasePinHook = release;
  describePinHook = describe;
}

const INITIAL_PINS = 16;
/** Pin arrays of owners that are gone: a transaction costs no allocation for its pins. */
const sparePins: Int32Array<ArrayBuffer>[] = [];
const NO_ITEMS: Item[] = [];
const NO_PINS: Int32Array<ArrayBuffer> = new Int32Array(0);

export class ResourceOwner {
  readonly name: string;
  parent: ResourceOwner | null;
  /** Null until there is one: most owners have none. */
  private children: Set<ResourceOwner> | null = null;
  private pins: Int32Array<ArrayBuffer> = sparePins.pop() ?? new Int32Array(INITIAL_PINS);
  private pinCount = 0;
  private items: Item[] = NO_ITEMS;
  private releasing = false;
  /** Owned by the lock manager: its LOCALLOCK entries for this owner. */
  lockState: unknown = null;

  constructor(parent: ResourceOwner | null, name: string) {
    this.name = name;
    this.parent = parent;
    parent?.addChild(this);
  }
  private addChild(child: ResourceOwner): void {
    this.children ??= new Set();
    this.children.add(child);
  }

  /** Remembers a buffer pin. Hot. */
  rememberBuffer(buffer: Buffer): void {
    if (this.pinCount === this.pins.length) this.growPins();
    this.pins[this.pinCount++] = buffer;
  }
  /** Forgets the newest pin of `buffer`. Hot: pins are usually given back in reverse. */
  forgetBuffer(buffer: Buffer): void {
    const pins = this.pins;
    const last = this.pinCount - 1;
    for (let i = last; i >= 0; i--) {
      if (pins[i] === buffer) {
        pins[i] = pins[last];
        this.pinCount = last;
        return;
      }
    }
    throw new PgError({
      message: `Buffer ${buffer} is not owned by resource owner ${this.name}`,
      routine: "ResourceOwnerForget",
    });
  }
  private growPins(): void {
    const grown = new Int32Array(Math.max(INITIAL_PINS, this.pins.length * 2));
    grown.set(this.pins);
    this.pins = grown;
  }
  /** Pins held by this owner itself. */
  get bufferPinCount(): number {
    return this.pinCount;
  }

  remember<T>(kind: ResourceKind<T>, value: T): void {
    assert(!this.releasing, "resource remembered while its owner is being released");
    if (this.items === NO_ITEMS) this.items = [];
    this.items.push({ kind: kind as unknown as ResourceKind<unknown>, value });
  }
  forget<T>(kind: ResourceKind<T>, value: T): void {
    const items = this.items;
    for (let i = items.length - 1; i >= 0; i--) {
      if (items[i].value === value && items[i].kind === (kind as unknown as ResourceKind<unknown>)) {
        items[i] = items[items.length - 1];
        items.pop();
        return;
      }
    }
    throw new PgError({
      message: `${kind.name} ${kind.print?.(value) ?? ""} is not owned by resource owner ${this.name}`,
      routine: "ResourceOwnerForget",
    });
  }
  /** All values of one kind that this owner itself holds. */
  valuesOf<T>(kind: ResourceKind<T>): T[] {
    return this.items.filter((i) => i.kind === (kind as unknown as ResourceKind<unknown>)).map((i) => i.value as T);
  }

  /**
   * ResourceOwnerRelease(): gives back what is held in this phase, children first.
   * @param isCommit warn about what is left (it is a bug); locks go to the parent instead of being released.
   * @param isTopLevel this is the top transaction's owner.
   */
  release(phase: ResourceReleasePhase, isCommit: boolean, isTopLevel: boolean): void {
    const savedOwner = currentResourceOwner;
    if (this.children !== null) { for (const child of this.children) child.release(phase, isCommit, isTopLevel); }
    currentResourceOwner = this;
    try {
      this.releasing = true;
      if (phase === "locks") this.releaseLocks(isCommit, isTopLevel);
      else this.releaseItems(phase, isCommit);
    } finally {
      this.releasing = false;
      currentResourceOwner = savedOwner;
    }
  }

  private releaseLocks(isCommit: boolean, isTopLevel: boolean): void {
    if (lockHooks === null) return;
    if (isTopLevel) {
      // Everything goes at once, when the top owner's turn comes.
      if (this === topTransactionResourceOwner) lockHooks.releaseAll(isCommit);
    } else {
      assert(this.parent !== null, "subtransaction's resource owner has no parent");
      if (isCommit) lockHooks.reassignOwner(this, this.parent);
      else lockHooks.releaseOwner(this);
    }
  }

  private releaseItems(phase: "before_locks" | "after_locks", isCommit: boolean): void {
    if (phase === "before_locks") {
      while (this.pinCount > 0) {
        const buffer = this.pins[--this.pinCount];
        if (isCommit) warnLeak(`buffer refcount leak: ${describePinHook(buffer)}`);
        releasePinHook(buffer);
      }
    }
    if (this.items.length === 0) return;
    const now = this.items.filter((i) => i.kind.phase === phase);
    if (now.length === 0) return;
    this.items = this.items.filter((i) => i.kind.phase !== phase);
    // Within a priority the newest goes first.
    now.reverse().sort((a, b) => a.kind.priority - b.kind.priority);
    while (now.length > 0) {
      const { kind, value } = now.shift()!;
      if (isCommit) warnLeak(`resource was not closed: ${kind.name} ${kind.print?.(value) ?? ""}`);
      kind.release(value);
    }
  }

  /** ResourceOwnerDelete(): forgets the subtree, which must hold nothing. */
  delete(): void {
    assert(this !== currentResourceOwner, "the current resource owner cannot be deleted");
    if (this.children !== null) { for (const child of [...this.children]) child.delete(); }
    assert(this.pinCount === 0, "resource owner still holds buffer pins", this.pinCount);
    assert(this.items.length === 0, "resource owner still holds resources", this.items.length);
    this.newParent(null);
    if (sparePins.length < 16) sparePins.push(this.pins);
    this.pins = NO_PINS;
  }

  newParent(parent: ResourceOwner | null): void {
    this.parent?.children?.delete(this);
    this.parent = parent;
    parent?.addChild(this);
  }
}

function warnLeak(message: string): void {
  ereport("WARNING", { message, routine: "ResourceOwnerReleaseAll" });
}

let currentResourceOwner: ResourceOwner | null = null;
let curTransactionResourceOwner: ResourceOwner | null = null;
let topTransactionResourceOwner: ResourceOwner | null = null;
let auxProcessResourceOwner: ResourceOwner | null = null;

/** CurrentResourceOwner, or null outside of transactions. */
export function getCurrentResourceOwner(): ResourceOwner | null {
  return currentResourceOwner;
}
/** The current owner where one must be. Hot. */
export function currentOwner(): ResourceOwner {
  if (currentResourceOwner === null) {
    throw new PgError({ message: "no current resource owner", routine: "ResourceOwnerEnlarge" });
  }
  return currentResourceOwner;
}
/** Makes `owner` current; returns the previous one. */
export function setCurrentResourceOwner(owner: ResourceOwner | null): ResourceOwner | null {
  const old = currentResourceOwner;
  currentResourceOwner = owner;
  return old;
}
export function getCurTransactionResourceOwner(): ResourceOwner | null {
  return curTransactionResourceOwner;
}
export function setCurTransactionResourceOwner(owner: ResourceOwner | null): void {
  curTransactionResourceOwner = owner;
}
export function getTopTransactionResourceOwner(): ResourceOwner | null {
  return topTransactionResourceOwner;
}
export function setTopTransactionResourceOwner(owner: ResourceOwner | null): void {
  topTransactionResourceOwner = owner;
}

/** CreateAuxProcessResourceOwner(): for processes that pin buffers outside of transactions. It becomes current. */
export function createAuxProcessResourceOwner(): ResourceOwner {
  auxProcessResourceOwner = new ResourceOwner(null, "AuxiliaryProcess");
  currentResourceOwner = auxProcessResourceOwner;
  return auxProcessResourceOwner;
}
export function getAuxProcessResourceOwner(): ResourceOwner | null {
  return auxProcessResourceOwner;
}
/** ReleaseAuxProcessResources(): after an error in, or at the end of, an auxiliary process. */
export function releaseAuxProcessResources(isCommit: boolean): void {
  const owner = auxProcessResourceOwner;
  if (owner === null) return;
  owner.release("before_locks", isCommit, true);
  owner.release("locks", isCommit, true);
  owner.release("after_locks", isCommit, true);
}
