/**
 * TypeInfoProvider over the static table of built-in types: serves until the catalog layer installs its own, and in
 * tests.
 */
import { pgError } from "../../../base/error.ts";
import { ERRCODE } from "../../../base/errcodes.ts";
import type { Oid } from "../../../base/types.ts";
import type { Datum } from "../fmgr/datum.ts";
import {
  lookupBuiltin,
  lookupTypeInput,
  lookupTypeOutput,
  lookupTypeReceive,
  lookupTypeSend,
} from "../fmgr/fmgrtab.ts";
import { BUILTIN_TYPES, type BuiltinType } from "./builtin_types.ts";
import { setArrayTypeProvider, type TypeInfo, type TypeInfoProvider } from "./type_provider.ts";

const cache = new Map<Oid, TypeInfo>();

function makeTypeInfo(t: BuiltinType): TypeInfo {
  const ioparam = t.typelem !== 0 ? t.typelem : t.oid;
  const missing = (what: string): never => {
    throw pgError(ERRCODE.UNDEFINED_FUNCTION, `no ${what} function available for type ${t.name}`);
  };
  const plain = <F>(prosrc: string): F | undefined => {
    const f = prosrc === "" ? undefined : lookupBuiltin(prosrc);
    return typeof f === "function" ? f as unknown as F : undefined;
  };
  const cmp = plain<(a: Datum, b: Datum) => number>(t.cmp);
  return {
    oid: t.oid,
    name: t.name,
    typlen: t.typlen,
    typbyval: t.typbyval,
    typalign: t.typalign,
    typdelim: t.typdelim,
    elementType: t.typelem,
    arrayType: t.typarray,
    typtype: t.typtype,
    typcategory: t.typcategory,
    baseType: t.oid,
    input: (str, typmod) => (lookupTypeInput(t.typinput) ?? missing("input"))(str, ioparam, typmod),
    output: (v) => (lookupTypeOutput(t.typoutput) ?? missing("output"))(v as never, t.oid),
    receive: (b, typmod) => (lookupTypeReceive(t.typreceive) ?? missing("binary input"))(b, ioparam, typmod),
    send: (v) => (lookupTypeSend(t.typsend) ?? missing("binary output"))(v as never, t.oid),
    cmp,
    eq: cmp && ((a, b) => cmp(a, b) === 0),
    hash: plain(t.hash),
    hashExtended: plain(t.hashExtended),
  };
}

export const builtinTypeProvider: TypeInfoProvider = {
  get(oid) {
    let info = cache.get(oid);
    if (info === undefined) {
      const t = BUILTIN_TYPES.get(oid);
      if (t === undefined) throw pgError(ERRCODE.INTERNAL_ERROR, `cache lookup failed for type ${oid}`);
      info = makeTypeInfo(t);
      cache.set(oid, info);
    }
    return info;
  },
};

/** Makes the static table the source of type information. */
export function installBuiltinTypeProvider(): void {
  setArrayTypeProvider(builtinTypeProvider);
}
