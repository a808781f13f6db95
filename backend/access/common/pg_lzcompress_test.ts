/** What PostgreSQL 18 compressed these values to was read with pageinspect. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { PGLZ_strategy_always, pglzCompress, pglzDecompress } from "./pg_lzcompress.ts";

const utf8 = (s: string): Uint8Array => new TextEncoder().encode(s);
const hex = (u8: Uint8Array): string => Array.from(u8, (b) => b.toString(16).padStart(2, "0")).join("");
const REPETITIVE = utf8("abcdefghij".repeat(40) + "xyz".repeat(700));
const SQUARES = utf8(Array.from({ length: 600 }, (_, i) => (i + 1) ** 2).join(","));

Deno.test("pglzCompress() finds the same matches as PostgreSQL", () => {
  assert.equal(
    hex(pglzCompress(REPETITIVE, 0, REPETITIVE.length)!),
    "0061626364656667688c696a0f0aff0f0a6378797a0f03ff7f0f03ff0f03ff0f03ff0f03ff0f03ff0f03ff0f03a8",
  );
  const squares = pglzCompress(SQUARES, 0, SQUARES.length)!;
  assert.equal(squares.length, 2620);
  assert.equal(
    createHash("sha256").update(squares).digest("hex"),
    "a8916c39b340350a5b0940c7b4314f6672c77697c65737cd74602503c2fa50c9",
  );
});

Deno.test("pglzDecompress() gives back what was compressed, or a prefix of it", () => {
  let seed = 5;
  const noise = (n: number): Uint8Array =>
    Uint8Array.from({ length: n }, () => (seed = (Math.imul(seed, 1103515245) + 12345) & 0x7fffffff) >> 20);
  const mixed = new Uint8Array(20_000);
  for (let i = 0; i < mixed.length; i += 500) mixed.set(i % 1000 === 0 ? noise(500) : mixed.subarray(0, 500), i);
  for (const raw of [REPETITIVE, SQUARES, mixed, new Uint8Array(100_000), utf8("tiny")]) {
    const c = pglzCompress(raw, 0, raw.length, PGLZ_strategy_always);
    if (c === null) {
      assert.equal(raw.length, 4);
      continue;
    }
    assert.deepEqual(pglzDecompress(c, 0, c.length, raw.length), raw);
    const prefix = pglzDecompress(c, 0, c.length, 100, false);
    assert.deepEqual(prefix, raw.subarray(0, 100));
  }
});

Deno.test("pglzCompress() returns null where it gains nothing", () => {
  let seed = 9;
  const noise = Uint8Array.from({ length: 5000 }, () => (seed = (Math.imul(seed, 69069) + 1) >>> 0) >>> 24);
  assert.equal(pglzCompress(noise, 0, noise.length), null);
  assert.equal(pglzCompress(utf8("short"), 0, 5), null);
});

Deno.test("pglzDecompress() returns null for damaged data", () => {
  const c = pglzCompress(SQUARES, 0, SQUARES.length)!;
  assert.equal(pglzDecompress(c, 0, c.length - 5, SQUARES.length), null);
  assert.equal(pglzDecompress(c, 0, c.length, SQUARES.length + 1), null);
  assert.equal(pglzDecompress(new Uint8Array([1, 0xf0, 0xff]), 0, 3, 100), null);
});
