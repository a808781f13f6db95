/**
 * UTF-8 as bytes: character lengths, validation, clipping. The server encoding is always UTF8.
 *
 * Inside the database every text is valid UTF-8, so the walkers trust lead bytes; only verify() looks at what comes
 * from outside.
 * Follows src/common/wchar.c and src/backend/utils/mb/mbutils.c.
 */
import { type PgError, pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";

/** pg_utf_mblen(): bytes of the character that starts with `lead`. */
export function utf8Length(lead: number): number {
  return lead < 0xc0 || lead >= 0xf8 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
}

/** Characters in `b[start, end)`. Hot. */
export function countChars(b: Uint8Array, start = 0, end: number = b.length): number {
  let n = end - start;
  for (let i = start; i < end; i++) if ((b[i] & 0xc0) === 0x80) n--;
  return n;
}

/** Byte offset of character `chars` (0-based) after `start`, or `end` if there are fewer. */
export function byteOffset(b: Uint8Array, chars: number, start = 0, end: number = b.length): number {
  let p = start;
  while (chars > 0 && p < end) {
    const c = b[p];
    p += c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    chars--;
  }
  return p > end ? end : p;
}

/** pg_mbcliplen(): the longest prefix of at most `limit` bytes that cuts no character. */
export function clipLength(b: Uint8Array, limit: number): number {
  if (b.length <= limit) return b.length;
  let p = limit;
  while (p > 0 && (b[p] & 0xc0) === 0x80) p--;
  return p;
}

/** Length of the valid character at `p`, or 0 (overlong, surrogate, out of range or truncated). */
export function validCharLength(b: Uint8Array, p: number, end: number = b.length): number {
  const c = b[p];
  if (c < 0x80) return c === 0 ? 0 : 1;
  if (c < 0xc2 || c > 0xf4) return 0;
  const len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
  if (p + len > end) return 0;
  const c1 = b[p + 1];
  if ((c1 & 0xc0) !== 0x80) return 0;
  if (c === 0xe0 && c1 < 0xa0) return 0;
  if (c === 0xed && c1 > 0x9f) return 0;
  if (c === 0xf0 && c1 < 0x90) return 0;
  if (c === 0xf4 && c1 > 0x8f) return 0;
  for (let i = 2; i < len; i++) if ((b[p + i] & 0xc0) !== 0x80) return 0;
  return len;
}

/** 22021 for the bytes at `p`. */
export function invalidByteSequence(b: Uint8Array, p: number, encoding = "UTF8"): PgError {
  const n = Math.min(Math.min(encoding === "UTF8" ? utf8Length(b[p]) : 1, b.length - p), 8);
  const hex = Array.from(b.subarray(p, p + n), (x) => "0x" + x.toString(16).padStart(2, "0")).join(" ");
  return pgError(
    ERRCODE.CHARACTER_NOT_IN_REPERTOIRE,
    `invalid byte sequence for encoding "${encoding}": ${hex}`,
    { routine: "report_invalid_encoding" },
  );
}

/** pg_verifymbstr(): valid UTF-8 without NUL. @throws 22021. */
export function verifyUtf8(b: Uint8Array, start = 0, end: number = b.length): void {
  let p = start;
  while (p < end) {
    const c = b[p];
    if (c > 0 && c < 0x80) {
      p++;
      continue;
    }
    const len = validCharLength(b, p, end);
    if (len === 0) throw invalidByteSequence(b.subarray(0, end), p);
    p += len;
  }
}
