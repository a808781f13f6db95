import assert from "node:assert/strict";
import {
  invalId,
  invalMessagesFromBytes,
  invalMessagesToBytes,
  pushInvalMessage,
  pushSmgrInvalMessage,
  SHAREDINVALRELCACHE_ID,
  SHAREDINVALSMGR_ID,
  smgrInvalBackend,
} from "./inval_messages.ts";

Deno.test("pushInvalMessage() lays a message out as PostgreSQL does", () => {
  const words: number[] = [];
  pushInvalMessage(words, 56, 5, 0xdeadbeef);
  pushInvalMessage(words, SHAREDINVALRELCACHE_ID, 5, 1259);
  const bytes = invalMessagesToBytes(words);
  assert.equal(bytes.length, 32);
  assert.deepEqual([...bytes.subarray(0, 12)], [56, 0, 0, 0, 5, 0, 0, 0, 0xef, 0xbe, 0xad, 0xde]);
  assert.equal(new Int8Array(bytes.buffer)[16], -2);
  assert.deepEqual(invalMessagesFromBytes(bytes), words);
  assert.equal(invalId(words, 0), 56);
  assert.equal(invalId(words, 4), SHAREDINVALRELCACHE_ID);
});

Deno.test("pushSmgrInvalMessage() keeps the process number of a temporary relation", () => {
  for (const backend of [-1, 0, 7, 70000]) {
    const words: number[] = [];
    pushSmgrInvalMessage(words, backend, 1663, 5, 16384);
    assert.equal(invalId(words, 0), SHAREDINVALSMGR_ID);
    assert.equal(smgrInvalBackend(words, 0), backend);
    assert.deepEqual(words.slice(1), [1663, 5, 16384]);
  }
});
