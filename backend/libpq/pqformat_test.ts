import assert from "node:assert/strict";
import { PgError } from "../../base/error.ts";
import { decodeClientText, MessageReader, MessageWriter } from "./pqformat.ts";

function readerOver(bytes: Uint8Array<ArrayBuffer>): MessageReader {
  const r = new MessageReader();
  r.reset(bytes, new DataView(bytes.buffer), 0, bytes.length);
  return r;
}

Deno.test("MessageWriter.countedInteger() writes what String() would", () => {
  const values = [
    0,
    1,
    9,
    10,
    99,
    100,
    -1,
    -10,
    2147483647,
    -2147483648,
    1073741824,
    9007199254740991,
    -9007199254740991,
  ];
  for (const v of values) {
    const w = new MessageWriter(16);
    w.countedInteger(v);
    const r = readerOver(w.buf);
    const n = r.int32();
    assert.equal(new TextDecoder().decode(r.view(n)), String(v));
    assert.equal(r.pos, w.end);
  }
});

Deno.test("MessageWriter.utf8() counts bytes of text beyond ASCII", () => {
  const w = new MessageWriter(4);
  w.countedText("naïve 🐘");
  const r = readerOver(w.buf);
  const n = r.int32();
  assert.equal(n, new TextEncoder().encode("naïve 🐘").length);
  assert.equal(new TextDecoder().decode(r.view(n)), "naïve 🐘");
});

Deno.test("MessageWriter.endMessage() fills in the length that includes itself", () => {
  const w = new MessageWriter();
  w.beginMessage(90);
  w.int8(73);
  w.endMessage();
  assert.deepEqual([...w.buf.subarray(0, w.end)], [90, 0, 0, 0, 5, 73]);
});

Deno.test("MessageReader refuses to read past the message", () => {
  const r = readerOver(new Uint8Array([0, 1, 2]));
  r.int16();
  assert.throws(() => r.int32(), (e: unknown) => e instanceof PgError && e.code === "08P01");
  assert.throws(() => r.cstring(), (e: unknown) => e instanceof PgError && e.code === "08P01");
});

Deno.test("decodeClientText() names the first bad sequence", () => {
  const bad = new Uint8Array([0x61, 0xff, 0x62]);
  assert.throws(() => decodeClientText(bad), /invalid byte sequence for encoding "UTF8": 0xff$/);
  assert.throws(() => decodeClientText(new Uint8Array([0xe2, 0x28, 0xa1])), /0xe2 0x28 0xa1$/);
  assert.throws(() => decodeClientText(new Uint8Array([0x61, 0])), /0x00$/);
});
