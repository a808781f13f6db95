/**
 * Making and removing rows of pg_type.
 * Follows src/backend/catalog/pg_type.c.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { pgError } from "../../base/error.ts";
import { NAMEDATALEN, type Oid } from "../../base/types.ts";
import { encodeText } from "../../base/text.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getNewOidWithIndex } from "./catalog.ts";
import * as O from "./catalog_oids.ts";
import type { PgType } from "./catalog_rows.ts";
import { catalogDelete, catalogInsert } from "./indexing.ts";
import { objectAddress } from "./object_address.ts";
import { DependencyType, recordDependencyOn, recordMultipleDependencies } from "./pg_depend.ts";
import { enumValuesDelete } from "./pg_enum.ts";
import { recordDependencyOnOwner } from "./pg_shdepend.ts";

// pg_proc OIDs of the I/O functions that every row type and every array type share.
const F_RECORD_IN = 2290;
const F_RECORD_OUT = 2291;
const F_RECORD_RECV = 2402;
const F_RECORD_SEND = 2403;
const F_ARRAY_IN = 750;
const F_ARRAY_OUT = 751;
const F_ARRAY_RECV = 2400;
const F_ARRAY_SEND = 2401;
const F_ARRAY_TYPANALYZE = 3816;
const F_ARRAY_SUBSCRIPT_HANDLER = 6179;

/** Inserts a pg_type row and what it depends on. @throws 42710 if the name is taken. */
export function typeCreate(row: PgType, opts: { isDependentType: boolean; isImplicitArray: boolean }): Oid {
  if (searchSysCache("TYPENAMENSP", row.typname, row.typnamespace) !== null) {
    throw pgError(ERRCODE.DUPLICATE_OBJECT, `type "${row.typname}" already exists`, { routine: "TypeCreate" });
  }
  catalogInsert("pg_type", row);
  const self = objectAddress(O.TypeRelationId, row.oid);
  const proc = (oid: Oid) => objectAddress(O.ProcedureRelationId, oid);
  if (!opts.isDependentType) {
    recordDependencyOn(self, objectAddress(O.NamespaceRelationId, row.typnamespace), DependencyType.NORMAL);
    recordDependencyOnOwner(O.TypeRelationId, row.oid, row.typowner);
  }
  recordMultipleDependencies(
    self,
    [row.typinput, row.typoutput, row.typreceive, row.typsend, row.typmodin, row.typmodout, row.typanalyze].filter((
      o,
    ) => o !== 0)
      .map(proc),
    DependencyType.NORMAL,
  );
  if (row.typrelid !== 0) {
    const rel = objectAddress(O.RelationRelationId, row.typrelid);
    // A stand-alone composite type owns its relation; a table owns its row type.
    if (!opts.isDependentType) recordDependencyOn(rel, self, DependencyType.INTERNAL);
    else recordDependencyOn(self, rel, DependencyType.INTERNAL);
  }
  if (row.typelem !== 0) {
    const elem = objectAddress(O.TypeRelationId, row.typelem);
    recordDependencyOn(self, elem, opts.isImplicitArray ? DependencyType.INTERNAL : DependencyType.NORMAL);
  }
  if (row.typbasetype !== 0) {
    recordDependencyOn(self, objectAddress(O.TypeRelationId, row.typbasetype), DependencyType.NORMAL);
  }
  return row.oid;
}

const BASE_ROW: Omit<PgType, "oid" | "typname" | "typnamespace" | "typowner"> = {
  typlen: -1,
  typbyval: false,
  typtype: "b",
  typcategory: "U",
  typispreferred: false,
  typisdefined: true,
  typdelim: ",",
  typrelid: 0,
  typsubscript: 0,
  typelem: 0,
  typarray: 0,
  typinput: 0,
  typoutput: 0,
  typreceive: 0,
  typsend: 0,
  typmodin: 0,
  typmodout: 0,
  typanalyze: 0,
  typalign: "d",
  typstorage: "x",
  typnotnull: false,
  typbasetype: 0,
  typtypmod: -1,
  typndims: 0,
  typcollation: 0,
  typdefaultbin: null,
  typdefault: null,
  typacl: null,
};

/** Row of the row type of a relation. */
export function rowTypeRow(
  oid: Oid,
  name: string,
  namespace: Oid,
  owner: Oid,
  relid: Oid,
  arrayOid: Oid,
): PgType {
  return {
    ...BASE_ROW,
    oid,
    typname: name,
    typnamespace: namespace,
    typowner: owner,
    typtype: "c",
    typcategory: "C",
    typrelid: relid,
    typarray: arrayOid,
    typinput: F_RECORD_IN,
    typoutput: F_RECORD_OUT,
    typreceive: F_RECORD_RECV,
    typsend: F_RECORD_SEND,
  };
}

// pg_proc OIDs of the I/O functions that every enum type shares.
const F_ENUM_IN = 3506;
const F_ENUM_OUT = 3507;
const F_ENUM_RECV = 3532;
const F_ENUM_SEND = 3533;

/** Row of an enum type. */
export function enumTypeRow(oid: Oid, name: string, namespace: Oid, owner: Oid, arrayOid: Oid): PgType {
  return {
    ...BASE_ROW,
    oid,
    typname: name,
    typnamespace: namespace,
    typowner: owner,
    typlen: 4,
    typbyval: true,
    typtype: "e",
    typcategory: "E",
    typarray: arrayOid,
    typinput: F_ENUM_IN,
    typoutput: F_ENUM_OUT,
    typreceive: F_ENUM_RECV,
    typsend: F_ENUM_SEND,
    typalign: "i",
    typstorage: "p",
  };
}

/** Row of the array type over `elem`. */
export function arrayTypeRow(
  oid: Oid,
  name: string,
  namespace: Oid,
  owner: Oid,
  elem: Oid,
  elemAlign: string,
): PgType {
  return {
    ...BASE_ROW,
    oid,
    typname: name,
    typnamespace: namespace,
    typowner: owner,
    typcategory: "A",
    typelem: elem,
    typsubscript: F_ARRAY_SUBSCRIPT_HANDLER,
    typinput: F_ARRAY_IN,
    typoutput: F_ARRAY_OUT,
    typreceive: F_ARRAY_RECV,
    typsend: F_ARRAY_SEND,
    typanalyze: F_ARRAY_TYPANALYZE,
    typalign: elemAlign === "d" ? "d" : "i",
  };
}

/** A free name for the array type of `typeName`: underscores in front, cut to NAMEDATALEN. */
export function makeArrayTypeName(typeName: string, namespace: Oid): string {
  let prefix = "_";
  for (;;) {
    let name = prefix + typeName;
    while (encodeText(name).length > NAMEDATALEN - 1) name = name.slice(0, -1);
    if (searchSysCache("TYPENAMENSP", name, namespace) === null) return name;
    prefix += "_";
  }
}

export function assignTypeArrayOid(): Oid {
  return getNewOidWithIndex("pg_type");
}

/** Deletes the pg_type row. */
export function removeTypeById(oid: Oid): void {
  const row = searchSysCache("TYPEOID", oid);
  if (row === null) throw pgError(ERRCODE.INTERNAL_ERROR, `cache lookup failed for type ${oid}`);
  if (row.typtype === "e") enumValuesDelete(oid);
  catalogDelete("pg_type", row.ctid!);
}
