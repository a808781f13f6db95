/** UTF-8 conversion of text Datums. Short ASCII strings take a loop of their own, cheaper than a codec call. */
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Decodes `bytes[start, end)`; they are valid UTF-8 as everything that got into the database is. */
export function decodeText(bytes: Uint8Array, start = 0, end = bytes.length): string {
  if (end - start <= 24) {
    let s = "";
    let i = start;
    for (; i < end; i++) {
      const c = bytes[i];
      if (c >= 128) break;
      s += String.fromCharCode(c);
    }
    if (i === end) return s;
  }
  return decoder.decode(bytes.subarray(start, end));
}

/** UTF-8 bytes of `s`. */
export function encodeText(s: string): Uint8Array {
  return encoder.encode(s);
}
