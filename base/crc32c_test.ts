import assert from "node:assert/strict";
import { crc32c, CRC32C_INIT, crc32cFinish, crc32cUpdate } from "./crc32c.ts";

const bytes = (n: number, f: (i: number) => number) => Uint8Array.from({ length: n }, (_, i) => f(i));

Deno.test("crc32c() gives the values of RFC 3720", () => {
  assert.equal(crc32c(new Uint8Array(32)), 0x8a9136aa);
  assert.equal(crc32c(bytes(32, () => 0xff)), 0x62a8ab43);
  assert.equal(crc32c(bytes(32, (i) => i)), 0x46dd794e);
  assert.equal(crc32c(bytes(32, (i) => 31 - i)), 0x113fdb5c);
  assert.equal(crc32c(new Uint8Array(0)), 0);
});

Deno.test("crc32cUpdate() does not depend on how the bytes are cut", () => {
  const data = bytes(1000, (i) => (i * 131 + 7) & 255);
  const whole = crc32c(data);
  for (let cut = 0; cut <= 1000; cut += 13) {
    let crc = crc32cUpdate(CRC32C_INIT, data, 0, cut);
    crc = crc32cUpdate(crc, data, cut, 1000 - cut);
    assert.equal(crc32cFinish(crc), whole);
  }
});
