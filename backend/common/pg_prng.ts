/**
 * The pseudo-random generator behind random(), setseed() and TABLESAMPLE: xoroshiro128** seeded through splitmix64.
 *
 * setseed() promises a reproducible sequence, hence bit for bit PostgreSQL's. The 64-bit state lives in four int32
 * halves, so that drawing a double allocates nothing.
 * Follows src/common/pg_prng.c.
 */
const MASK64 = 0xffffffffffffffffn;

export class PgPrngState {
  private s0h = 0;
  private s0l = 0;
  private s1h = 0;
  private s1l = 0;
  /** Result of next(), as two uint32. */
  hi = 0;
  lo = 0;

  /** pg_prng_seed(). */
  seed(seed: bigint): void {
    let s = seed & MASK64;
    const splitmix = (): bigint => {
      s = (s + 0x9e3779b97f4a7c15n) & MASK64;
      let v = s;
      v = ((v ^ (v >> 30n)) * 0xbf58476d1ce4e5b9n) & MASK64;
      v = ((v ^ (v >> 27n)) * 0x94d049bb133111ebn) & MASK64;
      return v ^ (v >> 31n);
    };
    this.setState(splitmix(), splitmix());
  }
  setState(s0: bigint, s1: bigint): void {
    if (s0 === 0n && s1 === 0n) {
      s0 = 0x5851f42d4c957f2dn;
      s1 = 0x14057b7ef767814fn;
    }
    this.s0h = Number(s0 >> 32n) | 0;
    this.s0l = Number(s0 & 0xffffffffn) | 0;
    this.s1h = Number(s1 >> 32n) | 0;
    this.s1l = Number(s1 & 0xffffffffn) | 0;
  }
  /** pg_prng_fseed(): from a number in [-1, 1]. */
  fseed(f: number): void {
    this.seed(BigInt.asUintN(64, BigInt(Math.trunc(4503599627370495 * f))));
  }

  /** xoroshiro128ss(): leaves 64 bits in hi and lo. */
  next(): void {
    const ah = this.s0h;
    const al = this.s0l;
    const sxh = this.s1h ^ ah;
    const sxl = this.s1l ^ al;
    // val = rotl(s0 * 5, 7) * 9
    let l = (al >>> 0) * 5;
    let h = (Math.imul(ah, 5) + Math.floor(l / 4294967296)) | 0;
    const m = l | 0;
    const rh = (h << 7) | (m >>> 25);
    const rl = (m << 7) | (h >>> 25);
    l = (rl >>> 0) * 9;
    h = (Math.imul(rh, 9) + Math.floor(l / 4294967296)) | 0;
    this.hi = h >>> 0;
    this.lo = l >>> 0;
    // s0 = rotl(s0, 24) ^ sx ^ (sx << 16); s1 = rotl(sx, 37)
    this.s0h = ((ah << 24) | (al >>> 8)) ^ sxh ^ ((sxh << 16) | (sxl >>> 16));
    this.s0l = ((al << 24) | (ah >>> 8)) ^ sxl ^ (sxl << 16);
    this.s1h = (sxl << 5) | (sxh >>> 27);
    this.s1l = (sxh << 5) | (sxl >>> 27);
  }
  uint64(): bigint {
    this.next();
    return (BigInt(this.hi) << 32n) | BigInt(this.lo);
  }
  /** pg_prng_double(): uniform in [0, 1). */
  double(): number {
    this.next();
    return (this.hi * 1048576 + (this.lo >>> 12)) / 4503599627370496;
  }
  /** pg_prng_uint64_range(): uniform in [rmin, rmax]. */
  uint64Range(rmin: bigint, rmax: bigint): bigint {
    if (rmax <= rmin) return rmin;
    const range = rmax - rmin;
    const rshift = BigInt(64 - range.toString(2).length);
    let v: bigint;
    do v = this.uint64() >> rshift; while (v > range);
    return rmin + v;
  }
  /** pg_prng_int64_range(). */
  int64Range(rmin: bigint, rmax: bigint): bigint {
    return rmax > rmin ? BigInt.asIntN(64, rmin + this.uint64Range(0n, rmax - rmin)) : rmin;
  }
  /** pg_prng_double_normal(): Box-Muller. */
  doubleNormal(): number {
    const u1 = 1 - this.double();
    const u2 = 1 - this.double();
    return Math.sqrt(-2 * Math.log(u1)) * Math.sin(2 * Math.PI * u2);
  }
}
