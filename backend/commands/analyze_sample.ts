/**
 * Taking a random sample of a table's rows in one pass: blocks by Knuth's algorithm S, rows of those blocks by Vitter's
 * reservoir algorithm Z, so that every live row has the same chance whatever its block holds.
 * Follows acquire_sample_rows() in src/backend/commands/analyze.c and src/backend/utils/misc/sampling.c.
 */
import { type BlockNumber, ForkNumber, makeTid } from "../../base/types.ts";
import { mem } from "../../shmem/memory.ts";
import { getrandom } from "../../shmem/os/process.ts";
import type { HeapTuple } from "../access/common/heap_tuple.ts";
import { heapCopyTuple } from "../access/common/heaptuple.ts";
import { heapTupleSatisfiesVacuum, HTSV_Result, tupUpdateXid } from "../access/heap/heapam_visibility.ts";
import { tupRawXmin } from "../access/heap/htup.ts";
import { vacuumDelayPoint } from "../access/heap/vacuum_delay.ts";
import { transactionIdIsCurrentTransactionId } from "../access/transam/xact.ts";
import {
  BUFFER_LOCK_SHARE,
  bufferGetPage,
  lockBuffer,
  readBufferExtended,
  relationGetNumberOfBlocks,
  unlockReleaseBuffer,
} from "../storage/buffer/bufmgr.ts";
import type { BufferAccessStrategy } from "../storage/buffer/freelist.ts";
import { getOldestNonRemovableTransactionId } from "../storage/ipc/procarray.ts";
import {
  LP_DEAD,
  LP_NORMAL,
  lpFlags,
  lpLen,
  lpOff,
  pageGetItemId,
  pageGetMaxOffsetNumber,
} from "../storage/page/page.ts";
import type { Relation } from "../utils/cache/relation.ts";

/** xoroshiro128**, seeded from the system: a forked process must not continue its parent's sequence. */
class Prng {
  private readonly s = new BigUint64Array(2);
  constructor() {
    const seed = new Uint8Array(new ArrayBuffer(16));
    getrandom(seed);
    this.s.set(new BigUint64Array(seed.buffer));
    if (this.s[0] === 0n && this.s[1] === 0n) this.s[0] = 1n;
  }
  private next(): bigint {
    const rotl = (x: bigint, k: bigint): bigint => BigInt.asUintN(64, (x << k) | (x >> (64n - k)));
    const s0 = this.s[0];
    const sx = this.s[1] ^ s0;
    const val = BigInt.asUintN(64, rotl(BigInt.asUintN(64, s0 * 5n), 7n) * 9n);
    this.s[0] = BigInt.asUintN(64, rotl(s0, 24n) ^ sx ^ (sx << 16n));
    this.s[1] = rotl(sx, 37n);
    return val;
  }
  /** Uniform in (0, 1). */
  fract(): number {
    for (;;) {
      const r = Number(this.next() >> 11n) / 9007199254740992;
      if (r !== 0) return r;
    }
  }
}

/** How many rows to skip before the next one that goes into the reservoir. Follows reservoir_get_next_S(). */
class Reservoir {
  private W: number;
  constructor(private readonly rng: Prng, n: number) {
    this.W = Math.exp(-Math.log(rng.fract()) / n);
  }
  nextSkip(t: number, n: number): number {
    const { rng } = this;
    if (t <= 22.0 * n) {
      // Algorithm X while t is small.
      const V = rng.fract();
      let S = 0;
      t += 1;
      let quot = (t - n) / t;
      while (quot > V) {
        S += 1;
        t += 1;
        quot *= (t - n) / t;
      }
      return S;
    }
    let W = this.W;
    const term = t - n + 1;
    let S: number;
    for (;;) {
      const U = rng.fract();
      const X = t * (W - 1.0);
      S = Math.floor(X);
      const tmp = (t + 1) / term;
      const lhs = Math.exp(Math.log(((U * tmp * tmp) * (term + S)) / (t + X)) / n);
      const rhs = (((t + X) / (term + S)) * term) / t;
      if (lhs <= rhs) {
        W = rhs / lhs;
        break;
      }
      let y = (((U * (t + 1)) / term) * (t + S + 1)) / (t + X);
      let denom: number;
      let numerLim: number;
      if (n < S) {
        denom = t;
        numerLim = term + S;
      } else {
        denom = t - n + S;
        numerLim = t + 1;
      }
      for (let numer = t + S; numer >= numerLim; numer -= 1) {
        y *= numer / denom;
        denom -= 1;
      }
      W = Math.exp(-Math.log(rng.fract()) / n);
      if (Math.exp(Math.log(y) / n) <= (t + X) / t) break;
    }
    this.W = W;
    return S;
  }
}

export interface Sample {
  /** In physical order, copied. */
  rows: HeapTuple[];
  totalPages: BlockNumber;
  scannedPages: number;
  liveRows: number;
  deadRows: number;
  /** Estimates for the whole table. */
  totalLiveRows: number;
  totalDeadRows: number;
}

/** At most `target` rows of `rel`. */
export function acquireSampleRows(rel: Relation, target: number, strategy: BufferAccessStrategy | null): Sample {
  const totalPages = relationGetNumberOfBlocks(rel);
  const oldestXmin = getOldestNonRemovableTransactionId(rel);
  const rng = new Prng();
  const reservoir = new Reservoir(rng, target);
  const rows: HeapTuple[] = [];
  let liveRows = 0;
  let deadRows = 0;
  let samplerows = 0;
  let rowstoskip = -1;
  let scannedPages = 0;
  let m = 0;
  const tuple: HeapTuple = { data: mem.u8, off: 0, len: 0, self: 0, tableOid: rel.rd_id };
  for (let block = 0; block < totalPages && m < target; block++) {
    // Algorithm S: this block with probability (blocks still wanted) / (blocks still to come).
    const K = totalPages - block;
    const k = target - m;
    if (k < K && rng.fract() >= k / K) continue;
    m++;
    scannedPages++;
    vacuumDelayPoint();
    const buf = readBufferExtended(rel, ForkNumber.MAIN, block, "normal", strategy);
    lockBuffer(buf, BUFFER_LOCK_SHARE);
    const page = bufferGetPage(buf);
    const maxoff = pageGetMaxOffsetNumber(page);
    for (let off = 1; off <= maxoff; off++) {
      const lp = pageGetItemId(page, off);
      if (lpFlags(lp) === LP_DEAD) {
        deadRows++;
        continue;
      }
      if (lpFlags(lp) !== LP_NORMAL) continue;
      const t = page + lpOff(lp);
      let sampleIt = false;
      switch (heapTupleSatisfiesVacuum(t, oldestXmin, buf)) {
        case HTSV_Result.LIVE:
          sampleIt = true;
          liveRows++;
          break;
        case HTSV_Result.DEAD:
        case HTSV_Result.RECENTLY_DEAD:
          deadRows++;
          break;
        case HTSV_Result.INSERT_IN_PROGRESS:
          // Our own rows count; others' do not exist yet.
          if (transactionIdIsCurrentTransactionId(tupRawXmin(t))) {
            sampleIt = true;
            liveRows++;
          }
          break;
        case HTSV_Result.DELETE_IN_PROGRESS:
          if (transactionIdIsCurrentTransactionId(tupUpdateXid(t))) {
            deadRows++;
          } else {
            sampleIt = true;
            liveRows++;
          }
          break;
      }
      if (!sampleIt) continue;
      tuple.data = mem.u8;
      tuple.off = t;
      tuple.len = lpLen(lp);
      tuple.self = makeTid(block, off);
      if (rows.length < target) {
        rows.push(heapCopyTuple(tuple));
      } else {
        if (rowstoskip < 0) rowstoskip = reservoir.nextSkip(samplerows, target);
        if (rowstoskip <= 0) rows[Math.floor(target * rng.fract())] = heapCopyTuple(tuple);
        rowstoskip -= 1;
      }
      samplerows++;
    }
    unlockReleaseBuffer(buf);
  }
  // Replacing has put rows out of order.
  if (samplerows > target) rows.sort((a, b) => a.self - b.self);
  const scale = scannedPages > 0 ? totalPages / scannedPages : 0;
  return {
    rows,
    totalPages,
    scannedPages,
    liveRows,
    deadRows,
    totalLiveRows: scannedPages > 0 ? Math.floor(liveRows * scale + 0.5) : 0,
    totalDeadRows: scannedPages > 0 ? Math.floor(deadRows * scale + 0.5) : 0,
  };
}
