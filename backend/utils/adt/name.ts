/**
 * Type name: 64 bytes, NUL-padded, at most 63 bytes of text. Cross-type operators with text are in varlena.ts.
 *
 * Follows src/backend/utils/adt/name.c.
 */
import { pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import { decodeText, encodeText } from "../../../base/text.ts";
import { hashBytes, hashBytesExtended } from "../../common/hashfn.ts";
import type { BuiltinTable, TypeIoTable } from "../fmgr/fmgr.ts";
import { clipLength, verifyUtf8 } from "../mb/wchar.ts";
import type { Int8 } from "./int8.ts";
import { textToName } from "./varchar.ts";
import { concatBytes, nameBytes } from "./varlena.ts";

/** A name Datum; longer text is cut at a character boundary. */
export function makeName(s: string): Uint8Array {
  return textToName(encodeText(s));
}
/** Text of a name Datum. */
export function nameToString(n: Uint8Array): string {
  return decodeText(nameBytes(n));
}

/** Bytes compare as strings: padding NULs never decide before the text does. Hot. */
function nameCmp(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < 64; i++) {
    const d = a[i] - b[i];
    if (d !== 0) return d;
    if (a[i] === 0) return 0;
  }
  return 0;
}
function nameEq(a: Uint8Array, b: Uint8Array): boolean {
  return nameCmp(a, b) === 0;
}
function nameRecv(b: Uint8Array): Uint8Array {
  verifyUtf8(b);
  if (b.length >= 64) {
    throw pgError(ERRCODE.NAME_TOO_LONG, "identifier too long", {
      detail: "Identifier must be less than 64 characters.",
    });
  }
  return textToName(b);
}
function nameConcatOid(n: Uint8Array, oid: number): Uint8Array {
  const suffix = encodeText(`_${oid >>> 0}`);
  let base = nameBytes(n);
  if (base.length + suffix.length >= 64) base = base.subarray(0, clipLength(base, 63 - suffix.length));
  return textToName(concatBytes(base, suffix));
}

export const nameBuiltins: BuiltinTable = {
  nameeq: nameEq,
  namene: (a: Uint8Array, b: Uint8Array) => nameCmp(a, b) !== 0,
  namelt: (a: Uint8Array, b: Uint8Array) => nameCmp(a, b) < 0,
  namele: (a: Uint8Array, b: Uint8Array) => nameCmp(a, b) <= 0,
  namegt: (a: Uint8Array, b: Uint8Array) => nameCmp(a, b) > 0,
  namege: (a: Uint8Array, b: Uint8Array) => nameCmp(a, b) >= 0,
  btnamecmp: nameCmp,
  hashname: (a: Uint8Array) => hashBytes(a, 0, nameBytes(a).length),
  hashnameextended: (a: Uint8Array, seed: Int8) => hashBytesExtended(a, 0, nameBytes(a).length, seed),
  name_text: (a: Uint8Array) => nameBytes(a).slice(),
  text_name: textToName,
  nameconcatoid: nameConcatOid,
};

export const nameIo: TypeIoTable = {
  input: { namein: makeName },
  output: { nameout: nameToString },
  receive: { namerecv: nameRecv },
  send: { namesend: (v: Uint8Array) => nameBytes(v).slice() },
};
