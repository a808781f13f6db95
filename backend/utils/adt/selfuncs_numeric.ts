/** The double nearest to an on-disk numeric, for estimates. */
export function numericToNumber(b: Uint8Array): number | null {
  if (b.length < 2) return null;
  const dv = new DataView(b.buffer, b.byteOffset, b.byteLength);
  const h = dv.getUint16(0, true);
  if ((h & 0xc000) === 0xc000) return (h & 0xf000) === 0xf000 ? -Infinity : (h & 0xf000) === 0xd000 ? Infinity : null;
  let off: number;
  let weight: number;
  let neg: boolean;
  if ((h & 0x8000) !== 0) {
    neg = (h & 0x2000) !== 0;
    weight = (h & 0x40) !== 0 ? (h & 0x3f) - 64 : h & 0x3f;
    off = 2;
  } else {
    neg = (h & 0xc000) === 0x4000;
    weight = dv.getInt16(2, true);
    off = 4;
  }
  let v = 0;
  let w = weight;
  for (; off + 1 < b.length; off += 2) v += dv.getUint16(off, true) * 10000 ** w--;
  return neg ? -v : v;
}
