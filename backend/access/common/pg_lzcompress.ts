/**
 * pglz, PostgreSQL's LZ-family compression for values. Output is byte for byte what PostgreSQL produces.
 *
 * Format: a control byte, then eight items, lowest bit first: bit 0 = one literal byte; bit 1 = a back reference of two
 * bytes (high nibble of offset | length - 3, low byte of offset), with a third byte (length - 18) when the nibble is 15.
 * Follows src/common/pg_lzcompress.c.
 */
const PGLZ_HISTORY_SIZE = 4096;
const PGLZ_MAX_MATCH = 273;

export interface PglzStrategy {
  minInputSize: number;
  maxInputSize: number;
  /** Percent that must be saved. */
  minCompRate: number;
  /** Give up if nothing matched in this many bytes of output. */
  firstSuccessBy: number;
  matchSizeGood: number;
  matchSizeDrop: number;
}
export const PGLZ_strategy_default: PglzStrategy = {
  minInputSize: 32,
  maxInputSize: 0x7fffffff,
  minCompRate: 25,
  firstSuccessBy: 1024,
  matchSizeGood: 128,
  matchSizeDrop: 10,
};
export const PGLZ_strategy_always: PglzStrategy = {
  minInputSize: 0,
  maxInputSize: 0x7fffffff,
  minCompRate: 0,
  firstSuccessBy: 0x7fffffff,
  matchSizeGood: 128,
  matchSizeDrop: 6,
};

// History: entry 0 means "none". prev === 0 stands for both "first of its list" and PostgreSQL's NULL.
const histStart = new Int16Array(8192);
const histNext = new Int16Array(PGLZ_HISTORY_SIZE + 1);
const histPrev = new Int16Array(PGLZ_HISTORY_SIZE + 1);
const histIndex = new Int16Array(PGLZ_HISTORY_SIZE + 1);
const histPos = new Int32Array(PGLZ_HISTORY_SIZE + 1);

/** Hash of the next four bytes; the bytes are signed chars as on x86, which decides the output. */
function histIdx(src: Uint8Array, p: number, end: number, mask: number): number {
  const c0 = (src[p] << 24) >> 24;
  if (end - p < 4) return c0 & mask;
  return ((c0 << 6) ^ (((src[p + 1] << 24) >> 24) << 4) ^ (((src[p + 2] << 24) >> 24) << 2) ^
    ((src[p + 3] << 24) >> 24)) & mask;
}

/**
 * Compresses src[off, off + slen) and returns the compressed bytes, or null where the strategy is not met.
 */
export function pglzCompress(
  src: Uint8Array,
  off: number,
  slen: number,
  strategy: PglzStrategy = PGLZ_strategy_default,
): Uint8Array | null {
  if (strategy.matchSizeGood <= 0 || slen < strategy.minInputSize || slen > strategy.maxInputSize) return null;
  const goodMatch0 = Math.min(Math.max(strategy.matchSizeGood, 17), PGLZ_MAX_MATCH);
  const goodDrop = Math.min(Math.max(strategy.matchSizeDrop, 0), 100);
  const needRate = Math.min(Math.max(strategy.minCompRate, 0), 99);
  const resultMax = slen > Math.floor(0x7fffffff / 100)
    ? Math.floor(slen / 100) * (100 - needRate)
    : Math.floor((slen * (100 - needRate)) / 100);
  const hashSize = slen < 128 ? 512 : slen < 256 ? 1024 : slen < 512 ? 2048 : slen < 1024 ? 4096 : 8192;
  const mask = hashSize - 1;
  histStart.fill(0, 0, hashSize);

  const out = new Uint8Array(slen + 4);
  const end = off + slen;
  let bp = 0;
  let dp = off;
  let nextEntry = 1;
  let recycle = false;
  let ctrlAt = -1;
  let ctrlBits = 0;
  let ctrl = 0;
  let foundMatch = false;

  while (dp < end) {
    if (bp >= resultMax) return null;
    if (!foundMatch && bp >= strategy.firstSuccessBy) return null;

    // Longest match in the history list of this hash.
    let matchLen = 0;
    let matchOff = 0;
    let goodMatch = goodMatch0;
    let ent = histStart[histIdx(src, dp, end, mask)];
    while (ent !== 0) {
      let hp = histPos[ent];
      const thisOff = dp - hp;
      if (thisOff >= 0x0fff) break;
      let ip = dp;
      let thisLen = 0;
      const limit = Math.min(end, dp + PGLZ_MAX_MATCH);
      while (ip < limit && src[ip] === src[hp]) {
        thisLen++;
        ip++;
        hp++;
      }
      if (thisLen > matchLen) {
        matchLen = thisLen;
        matchOff = thisOff;
      }
      ent = histNext[ent];
      if (ent !== 0) {
        if (matchLen >= goodMatch) break;
        goodMatch -= Math.trunc((goodMatch * goodDrop) / 100);
      }
    }

    if ((ctrl & 0xff) === 0) {
      if (ctrlAt >= 0) out[ctrlAt] = ctrlBits;
      ctrlAt = bp++;
      ctrlBits = 0;
      ctrl = 1;
    }
    let n = 1;
    if (matchLen > 2) {
      ctrlBits |= ctrl;
      if (matchLen > 17) {
        out[bp++] = ((matchOff & 0xf00) >> 4) | 0x0f;
        out[bp++] = matchOff & 0xff;
        out[bp++] = matchLen - 18;
      } else {
        out[bp++] = ((matchOff & 0xf00) >> 4) | (matchLen - 3);
        out[bp++] = matchOff & 0xff;
      }
      n = matchLen;
      foundMatch = true;
    } else {
      out[bp++] = src[dp];
    }
    ctrl <<= 1;

    for (; n > 0; n--, dp++) {
      const h = histIdx(src, dp, end, mask);
      const e = nextEntry;
      if (recycle) {
        const nx = histNext[e];
        const pv = histPrev[e];
        if (pv === 0) histStart[histIndex[e]] = nx;
        else histNext[pv] = nx;
        if (nx !== 0) histPrev[nx] = pv;
      }
      const head = histStart[h];
      histNext[e] = head;
      histPrev[e] = 0;
      histIndex[e] = h;
      histPos[e] = dp;
      if (head !== 0) histPrev[head] = e;
      histStart[h] = e;
      if (++nextEntry >= PGLZ_HISTORY_SIZE + 1) {
        nextEntry = 1;
        recycle = true;
      }
    }
  }
  if (ctrlAt >= 0) out[ctrlAt] = ctrlBits;
  if (bp >= resultMax) return null;
  return out.slice(0, bp);
}

/**
 * Decompresses src[off, off + slen) into a new array of `rawsize` bytes.
 * With `checkComplete` both ends must be met exactly; without, fewer bytes may come out (a prefix).
 * @returns null if the data are corrupt.
 */
export function pglzDecompress(
  src: Uint8Array,
  off: number,
  slen: number,
  rawsize: number,
  checkComplete = true,
): Uint8Array | null {
  const out = new Uint8Array(rawsize);
  const srcEnd = off + slen;
  let sp = off;
  let dp = 0;
  while (sp < srcEnd && dp < rawsize) {
    let ctrl = src[sp++];
    for (let i = 0; i < 8 && sp < srcEnd && dp < rawsize; i++) {
      if (ctrl & 1) {
        let len = (src[sp] & 0x0f) + 3;
        const back = ((src[sp] & 0xf0) << 4) | src[sp + 1];
        sp += 2;
        if (len === 18) len += src[sp++];
        if (sp > srcEnd || back === 0 || back > dp) return null;
        if (len > rawsize - dp) len = rawsize - dp;
        if (back >= len) {
          out.copyWithin(dp, dp - back, dp - back + len);
          dp += len;
        } else {
          for (; len > 0; len--, dp++) out[dp] = out[dp - back];
        }
      } else {
        out[dp++] = src[sp++];
      }
      ctrl >>= 1;
    }
  }
  if (checkComplete && (dp !== rawsize || sp !== srcEnd)) return null;
  return dp === rawsize ? out : out.subarray(0, dp);
}

/** Upper bound of the compressed bytes that hold the first `rawsize` raw bytes. */
export function pglzMaximumCompressedSize(rawsize: number, totalCompressedSize: number): number {
  return Math.min(Math.floor((rawsize * 9 + 7) / 8) + 2, totalCompressedSize);
}
