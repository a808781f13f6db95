/**
 * Making, finding and removing rows of pg_constraint.
 * Follows src/backend/catalog/pg_constraint.c.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { pgError } from "../../base/error.ts";
import { NAMEDATALEN, type Oid } from "../../base/types.ts";
import { encodeText } from "../../base/text.ts";
import { searchSysCache } from "../utils/cache/syscache.ts";
import { getNewOidWithIndex } from "./catalog.ts";
import * as O from "./catalog_oids.ts";
import type { PgConstraint } from "./catalog_rows.ts";
import { catalogScan } from "./catalog_scan.ts";
import { catalogDelete, catalogInsert, catalogUpdate } from "./indexing.ts";
import { objectAddress } from "./object_address.ts";
import { DependencyType, recordDependencyOn, recordMultipleDependencies } from "./pg_depend.ts";

type NewConstraint =
  & Pick<PgConstraint, "conname" | "connamespace" | "contype" | "conrelid">
  & Partial<PgConstraint>;

/** Inserts a constraint and its dependencies on the columns (AUTO) and on the index (NORMAL, for foreign keys). */
export function createConstraintEntry(c: NewConstraint): Oid {
  const oid = getNewOidWithIndex("pg_constraint");
  const row: PgConstraint = {
    condeferrable: false,
    condeferred: false,
    conenforced: true,
    convalidated: true,
    contypid: 0,
    conindid: 0,
    conparentid: 0,
    confrelid: 0,
    confupdtype: " ",
    confdeltype: " ",
    confmatchtype: " ",
    conislocal: true,
    coninhcount: 0,
    connoinherit: false,
    conperiod: false,
    conkey: null,
    confkey: null,
    conpfeqop: null,
    conppeqop: null,
    conffeqop: null,
    confdelsetcols: null,
    conexclop: null,
    conbin: null,
    ...c,
    oid,
  };
  catalogInsert("pg_constraint", row);
  const self = objectAddress(O.ConstraintRelationId, oid);
  if (row.conrelid !== 0) {
    const columns = row.conkey ?? [];
    if (columns.length > 0) {
      recordMultipleDependencies(
        self,
        columns.map((n) => objectAddress(O.RelationRelationId, row.conrelid, n)),
        DependencyType.AUTO,
      );
    } else recordDependencyOn(self, objectAddress(O.RelationRelationId, row.conrelid), DependencyType.AUTO);
  }
  if (row.contypid !== 0) recordDependencyOn(self, objectAddress(O.TypeRelationId, row.contypid), DependencyType.AUTO);
  if (row.confrelid !== 0) {
    const columns = row.confkey ?? [];
    recordMultipleDependencies(
      self,
      columns.map((n) => objectAddress(O.RelationRelationId, row.confrelid, n)),
      DependencyType.NORMAL,
    );
  }
  if (row.conindid !== 0 && row.contype === "f") {
    recordDependencyOn(self, objectAddress(O.RelationRelationId, row.conindid), DependencyType.NORMAL);
  }
  return oid;
}

/** All constraints of a relation. */
export function relationConstraints(relid: Oid): PgConstraint[] {
  return catalogScan("pg_constraint", { conrelid: relid });
}

/** The constraint of a relation by name, or null. */
export function getRelationConstraint(relid: Oid, conname: string): PgConstraint | null {
  return relationConstraints(relid).find((c) => c.conname === conname) ?? null;
}

/** The NOT NULL constraint of a column, or null. */
export function findNotNullConstraintAttnum(relid: Oid, attnum: number): PgConstraint | null {
  return relationConstraints(relid).find((c) => c.contype === "n" && c.conkey?.[0] === attnum) ?? null;
}

export function constraintNameIsUsed(relid: Oid, conname: string): boolean {
  return getRelationConstraint(relid, conname) !== null;
}

/** `name1_name2_label`, each name cut so that the whole fits into an identifier. */
export function makeObjectName(name1: string, name2: string | null, label: string | null): string {
  const len = (s: string) => encodeText(s).length;
  const overhead = (label === null ? 0 : len(label) + 1) + (name2 === null ? 0 : 1);
  const available = NAMEDATALEN - 1 - overhead;
  let a = name1;
  let b = name2 ?? "";
  while (len(a) + len(b) > available) {
    if (len(a) > len(b)) a = a.slice(0, -1);
    else b = b.slice(0, -1);
  }
  return a + (name2 === null ? "" : `_${b}`) + (label === null ? "" : `_${label}`);
}

/** A constraint name that is free in the schema and not among `others`. */
export function chooseConstraintName(
  name1: string,
  name2: string | null,
  label: string,
  namespace: Oid,
  others: readonly string[],
): string {
  for (let pass = 0;; pass++) {
    const name = makeObjectName(name1, name2, pass === 0 ? label : `${label}${pass}`);
    if (others.includes(name)) continue;
    if (catalogScan("pg_constraint", { conname: name, connamespace: namespace }).length === 0) return name;
  }
}

/** Deletes a constraint's row; a CHECK constraint's table loses one from relchecks, a NOT NULL column its mark. */
export function removeConstraintById(oid: Oid): void {
  const con = searchSysCache("CONSTROID", oid);
  if (con === null) throw pgError(ERRCODE.INTERNAL_ERROR, `cache lookup failed for constraint ${oid}`);
  if (con.conrelid !== 0) {
    const rel = searchSysCache("RELOID", con.conrelid);
    if (rel !== null && con.contype === "c") {
      catalogUpdate("pg_class", rel.ctid!, { ...rel, relchecks: rel.relchecks - 1 });
    } else if (rel !== null && con.contype === "n") {
      const att = searchSysCache("ATTNUM", con.conrelid, con.conkey![0]);
      if (att !== null && !att.attisdropped) catalogUpdate("pg_attribute", att.ctid!, { ...att, attnotnull: false });
    }
  }
  catalogDelete("pg_constraint", con.ctid!);
}
