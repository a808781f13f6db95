import assert from "node:assert/strict";
import { inTemporaryDirectory } from "./testing/temporary_directory.ts";
import { leadBytes, leadNum, leadPair, packedInt8, type PackedKey, PackedSort, packInt8 } from "./packed_sort.ts";

const fail = (): never => {
  throw new Error("cmp is for keys of kind other");
};
const key = (k: Partial<PackedKey>): PackedKey => ({
  kind: "i32",
  rep: "i32",
  slot: 8,
  nullBit: 1,
  reverse: false,
  nullsFirst: false,
  cmp: fail,
  cmpAt: null,
  ...k,
});
const putInt = (s: PackedSort, v: number | null, second = 0, bytes = 16): void => {
  const at = s.alloc(bytes);
  s.i32[at >>> 2] = v === null ? 1 : 0;
  s.i32[(at + 8) >>> 2] = v ?? 0;
  s.i32[(at + 12) >>> 2] = second;
  s.lead[s.count] = v ?? Infinity;
  s.add(at);
};
function drain(s: PackedSort): [number | null, number][] {
  const out: [number | null, number][] = [];
  for (let r = s.next(); r >= 0; r = s.next()) {
    const { i32 } = s.from;
    out.push([(i32[r >>> 2] & 1) === 1 ? null : i32[(r + 8) >>> 2], i32[(r + 12) >>> 2]]);
  }
  return out;
}

Deno.test("PackedSort orders by all keys, nulls last", () => {
  const s = new PackedSort([key({}), key({ slot: 12, nullBit: 2, reverse: true })]);
  for (const [a, b] of [[2, 1], [null, 5], [1, 1], [2, 2], [null, 6], [-7, 0]] as const) putInt(s, a, b);
  s.performSort();
  assert.deepEqual(drain(s), [[-7, 0], [1, 1], [2, 2], [2, 1], [null, 6], [null, 5]]);
  assert.equal(s.method, "quicksort");
});

Deno.test("PackedSort with a bound agrees with a full sort and forgets what it dropped", () => {
  const n = 50000;
  for (const bound of [1, 2, 10, 1000]) {
    const s = new PackedSort([key({}), key({ slot: 12, nullBit: 2 })]);
    s.setBound(bound);
    // Falling values: each row is better than all before it, so each is kept for a while.
    for (let i = n; i > 0; i--) if (i <= s.topLead) putInt(s, i % 2 === 0 ? i : i - 1, i, 64);
    s.performSort();
    assert.equal(s.method, "top-N heapsort");
    const first = drain(s).slice(0, bound);
    const all = Array.from({ length: n }, (_, k) => n - k).map((i): [number, number] => [i % 2 === 0 ? i : i - 1, i]);
    all.sort((x, y) => x[0] - y[0] || x[1] - y[1]);
    assert.deepEqual(first, all.slice(0, bound));
    assert.ok(s.u8.length < 1 << 20);
  }
});

Deno.test("PackedSort spills, merges in several passes, again after rescan()", () =>
  inTemporaryDirectory(() => {
    const s = new PackedSort([key({}), key({ slot: 12, nullBit: 2 })], { workMemKb: 64 });
    const n = 60000;
    for (let i = 0; i < n; i++) putInt(s, i % 101 === 0 ? null : i % 100, (i * 7919) % n, 16 + (i % 5) * 40);
    putInt(s, 50, -1, 400000); // longer than every buffer
    s.performSort();
    assert.equal(s.method, "external merge");
    assert.ok(s.spilledBytes > 0);
    for (let pass = 0; pass < 2; pass++) {
      const rows = drain(s);
      assert.equal(rows.length, n + 1);
      for (let i = 1; i < rows.length; i++) {
        const [x, y] = [rows[i - 1], rows[i]];
        const [p, q] = [x[0] ?? 1e9, y[0] ?? 1e9];
        assert.ok(p < q || (p === q && x[1] <= y[1]));
      }
      s.rescan();
    }
    s.end();
  }));

Deno.test("leads never contradict the order of values", () => {
  const strings = ["", "a", "a\0", "ab", "abcde", "abcdef", "abcdefg", "abcdeg", "b", "\xff"].map((t) =>
    Uint8Array.from(t, (c) => c.charCodeAt(0))
  );
  const leads = strings.map((b) => leadBytes(b, 0, b.length));
  for (let i = 1; i < leads.length; i++) assert.ok(leads[i - 1] <= leads[i]);
  assert.ok(leadNum(NaN) >= leadNum(Infinity) && leadNum(1) < leadNum(Infinity));
});

Deno.test("packInt8() keeps every int8", () => {
  const words = new Int32Array(2);
  const safe = 9007199254740991;
  for (const v of [0, 1, -1, 2 ** 32, -(2 ** 32), safe, -safe, 2n ** 63n - 1n, -(2n ** 63n), 2n ** 53n, -(2n ** 53n)]) {
    packInt8(words, 0, v);
    assert.equal(packedInt8(words, 0), v);
  }
});

Deno.test("leadPair() never contradicts the order of the pairs", () => {
  const edges = [-2147483648, -2147483647, -3000000, -1, 0, 1, 2097151, 3000000, 2147483646, 2147483647];
  let before = -Infinity;
  for (const a of edges) {
    for (const b of [-1, ...edges.map((x) => x + 2147483648), 4294967296]) {
      const lead = leadPair(a, b);
      assert.ok(lead >= before || b === -1);
      assert.ok(leadPair(a, -1) >= leadPair(a - 1, 4294967295));
      before = lead;
    }
  }
});

Deno.test("PackedSort finds a common prefix of strings, and what it says of ties holds", () => {
  const encode = (t: string | null): Uint8Array | null => t === null ? null : new TextEncoder().encode(t);
  const many = (f: (i: number) => string | null): (string | null)[] => Array.from({ length: 300 }, (_, i) => f(i));
  const inputs = [
    many((i) => `text ${(i * 7) % 40}`),
    many((i) => i % 9 === 0 ? null : `a long prefix ${(i * 31) % 90} and a long end ${i % 7}`),
    many((i) => `p${"\0".repeat(i % 4)}`),
    many((i) => i % 2 === 0 ? "same" : "same"),
    many((i) => i === 17 ? "" : `x${i % 5}`),
    many(() => null),
  ];
  for (const reverse of [false, true]) {
    for (const workMemKb of [4096, 0]) {
      for (const strings of inputs) {
        inTemporaryDirectory(() => {
          const keys = [
            key({ kind: "bytes", rep: "bytes", reverse, nullsFirst: reverse }),
            key({ slot: 16, nullBit: 2 }),
          ];
          const s = new PackedSort(keys, { workMemKb });
          const copies = workMemKb === 0 ? 20 : 1;
          const rows = Array.from({ length: copies }, () => strings).flat();
          rows.forEach((t, i) => {
            const b = encode(t) ?? new Uint8Array(0);
            const at = s.alloc(20 + b.length);
            s.i32[at >>> 2] = t === null ? 1 : 0;
            s.i32[(at + 8) >>> 2] = 20;
            s.i32[(at + 12) >>> 2] = b.length;
            s.i32[(at + 16) >>> 2] = (i * 7919) % 1000;
            s.u8.set(b, at + 20);
            const lead = leadBytes(b, 0, b.length);
            s.lead[s.count] = t === null ? (reverse ? -Infinity : Infinity) : reverse ? -lead : lead;
            s.add(at);
          });
          s.performSort();
          assert.equal(s.method, workMemKb === 0 ? "external merge" : "quicksort");
          const got: string[] = [];
          for (let r = s.next(); r >= 0; r = s.next()) {
            const { i32, u8 } = s.from;
            const text = new TextDecoder().decode(u8.subarray(r + 20, r + 20 + i32[(r + 12) >>> 2]));
            got.push(`${i32[r >>> 2] === 1 ? "null" : text}|${i32[(r + 16) >>> 2]}`);
          }
          s.end();
          const sign = reverse ? -1 : 1;
          const want = rows.map((t, i) => ({ t, i: (i * 7919) % 1000 })).sort((x, y) => {
            if (x.t !== y.t) {
              if (x.t === null || y.t === null) return (x.t === null ? 1 : -1) * sign;
              return (x.t < y.t ? -1 : 1) * sign;
            }
            return x.i - y.i;
          }).map((r) => `${r.t ?? "null"}|${r.i}`);
          assert.deepEqual(got, want);
        });
      }
    }
  }
});
