/**
 * The bytes of pg_filenode.map, 524 of them:
 *   0 magic u32 | 4 num_mappings i32 | 8 mappings[64]: oid u32, file number u32 | 520 crc32c u32
 * Follows src/backend/utils/cache/relmapper.c.
 */
import { assert } from "../../../base/assert.ts";
import { crc32c } from "../../../base/crc32c.ts";
import { PgError } from "../../../base/error.ts";
import type { Oid, RelFileNumber } from "../../../base/types.ts";
import { getI32, getU32, setU32 } from "../../access/common/byte_access.ts";

export const RELMAPPER_FILENAME = "pg_filenode.map";
const RELMAPPER_FILEMAGIC = 0x592717;
const MAX_MAPPINGS = 64;
const MAPPINGS_OFFSET = 8;
const CRC_OFFSET = MAPPINGS_OFFSET + MAX_MAPPINGS * 8;
export const RELMAP_FILE_BYTES = CRC_OFFSET + 4;

/** Relation OID → file number. */
export type RelMap = Map<Oid, RelFileNumber>;

/** The 524 bytes of a map file. */
export function encodeRelMap(map: ReadonlyMap<Oid, RelFileNumber>): Uint8Array {
  assert(map.size <= MAX_MAPPINGS, "ran out of space in relation map", map.size);
  const out = new Uint8Array(RELMAP_FILE_BYTES);
  setU32(out, 0, RELMAPPER_FILEMAGIC);
  setU32(out, 4, map.size);
  let o = MAPPINGS_OFFSET;
  for (const [oid, fileNumber] of map) {
    setU32(out, o, oid);
    setU32(out, o + 4, fileNumber);
    o += 8;
  }
  setU32(out, CRC_OFFSET, crc32c(out, 0, CRC_OFFSET));
  return out;
}

/** Reads a map file's bytes. @throws {PgError} FATAL if they are damaged. */
export function decodeRelMap(bytes: Uint8Array, path: string): RelMap {
  const n = bytes.length === RELMAP_FILE_BYTES ? getI32(bytes, 4) : -1;
  if (n < 0 || n > MAX_MAPPINGS || getU32(bytes, 0) !== RELMAPPER_FILEMAGIC) {
    throw new PgError({
      severity: "FATAL",
      message: `relation mapping file "${path}" contains invalid data`,
      routine: "read_relmap_file",
    });
  }
  if (crc32c(bytes, 0, CRC_OFFSET) !== getU32(bytes, CRC_OFFSET)) {
    throw new PgError({
      severity: "FATAL",
      message: `relation mapping file "${path}" contains incorrect checksum`,
      routine: "read_relmap_file",
    });
  }
  const map: RelMap = new Map();
  for (let i = 0; i < n; i++) {
    map.set(getU32(bytes, MAPPINGS_OFFSET + i * 8), getU32(bytes, MAPPINGS_OFFSET + i * 8 + 4));
  }
  return map;
}
