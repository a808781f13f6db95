/**
 * The TIDs of dead line pointers that VACUUM has found and not yet removed: by block, ascending, with a membership test
 * for the passes over the indexes. Hot: has(). Follows the use of TidStore in src/backend/access/heap/vacuumlazy.c.
 */
export class DeadItems {
  private readonly blocks = new Map<number, Uint16Array>();
  private lastBlock = -1;
  private lastOffsets: Uint16Array | null = null;
  count = 0;
  /** About what it takes. */
  memoryBytes = 0;

  constructor(readonly maxBytes: number) {}

  /** Adds the line pointers of one block, ascending. */
  add(block: number, offsets: ArrayLike<number>, n: number): void {
    const a = new Uint16Array(n);
    for (let i = 0; i < n; i++) a[i] = offsets[i];
    a.sort();
    this.blocks.set(block, a);
    this.count += n;
    this.memoryBytes += 96 + 2 * n;
  }
  get isFull(): boolean {
    return this.memoryBytes > this.maxBytes;
  }
  has(tid: number): boolean {
    const block = Math.floor(tid / 65536);
    if (block !== this.lastBlock) {
      this.lastBlock = block;
      this.lastOffsets = this.blocks.get(block) ?? null;
    }
    const a = this.lastOffsets;
    if (a === null) return false;
    const off = tid % 65536;
    let low = 0;
    let high = a.length - 1;
    while (low <= high) {
      const mid = (low + high) >> 1;
      const v = a[mid];
      if (v === off) return true;
      if (v < off) low = mid + 1;
      else high = mid - 1;
    }
    return false;
  }
  /** Blocks in order; they were added so. */
  entries(): IterableIterator<[number, Uint16Array]> {
    return this.blocks.entries();
  }
  clear(): void {
    this.blocks.clear();
    this.lastBlock = -1;
    this.lastOffsets = null;
    this.count = 0;
    this.memoryBytes = 0;
  }
}
