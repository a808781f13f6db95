/**
 * domain_in() and domain_recv(): input of the base type, then the domain's constraints.
 * Follows src/backend/utils/adt/domains.c.
 */
import type { Oid } from "../../base/types.ts";
import { makeNode } from "../nodes/make_node.ts";
import { registerSyscacheCallback } from "../utils/cache/inval.ts";
import { getBaseTypeAndTypmod } from "../utils/cache/lsyscache.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getTypeBinaryReceive, getTypeTextInput } from "../utils/cache/type_io.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { registerTypeIo } from "../utils/fmgr/fmgrtab.ts";
import { compileExprOnRow } from "./exec_expr.ts";

interface DomainIo {
  readonly baseType: Oid;
  readonly typmod: number;
  /** Throws 23502 or 23514; returns its argument. */
  readonly check: (values: readonly Datum[]) => Datum;
}
const domains = new Map<Oid, DomainIo>();
let callbackRegistered = false;

function domainIo(type: Oid): DomainIo {
  const known = domains.get(type);
  if (known !== undefined) return known;
  if (!callbackRegistered) {
    callbackRegistered = true;
    registerSyscacheCallback("TYPEOID", () => domains.clear());
    registerSyscacheCallback("CONSTROID", () => domains.clear());
  }
  const { typeId: baseType, typmod } = getBaseTypeAndTypmod(type, -1);
  const arg = makeNode("Var", {
    varno: 1,
    varattno: 1,
    vartype: baseType,
    vartypmod: typmod,
    varcollid: searchSysCache("TYPEOID", baseType)!.typcollation,
    location: -1,
  });
  const check = compileExprOnRow(makeNode("CoerceToDomain", {
    arg,
    resulttype: type,
    resulttypmod: -1,
    resultcollid: searchSysCache("TYPEOID", type)!.typcollation,
    coercionformat: "COERCE_IMPLICIT_CAST",
    location: -1,
  }));
  const io = { baseType, typmod, check };
  domains.set(type, io);
  return io;
}

/** domain_check_input() of a value that is of the base type, or null. @throws 23502, 23514 */
export function domainCheck(type: Oid, value: Datum): Datum {
  return domainIo(type).check([value]);
}

/** Installs the I/O functions; they need compiled expressions, so the table of built-ins cannot hold them. */
export function installDomainIo(): void {
  registerTypeIo({
    input: {
      domain_in: (str, type) => {
        const d = domainIo(type);
        return d.check([getTypeTextInput(d.baseType)(str, d.typmod)]);
      },
    },
    receive: {
      domain_recv: (bytes, type) => {
        const d = domainIo(type);
        return d.check([getTypeBinaryReceive(d.baseType)(bytes, d.typmod)]);
      },
    },
  });
}
