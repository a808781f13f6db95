import assert from "node:assert/strict";
import { PgError } from "../../../base/error.ts";
import { decodeRelMap, encodeRelMap, RELMAP_FILE_BYTES } from "./relmapper_file.ts";

Deno.test("decodeRelMap() reads what encodeRelMap() wrote, and refuses damage", () => {
  const map = new Map([[1259, 1259], [1249, 16400]]);
  const bytes = encodeRelMap(map);
  assert.equal(bytes.length, RELMAP_FILE_BYTES);
  assert.deepEqual(decodeRelMap(bytes, "x"), map);
  bytes[12] ^= 1;
  assert.throws(() => decodeRelMap(bytes, "x"), (e) => e instanceof PgError && /incorrect checksum/.test(e.message));
  assert.throws(() => decodeRelMap(bytes.subarray(1), "x"), (e) => e instanceof PgError && e.severity === "FATAL");
});
