/**
 * Rows of pg_enum: the values of an enum type.
 *
 * Values given with the type get even OIDs in ascending order, so that they compare without a look-up; one added later
 * gets an even OID only if that sorts right among the even ones. Follows src/backend/catalog/pg_enum.c.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { ereport, pgError } from "../../base/error.ts";
import { encodeText } from "../../base/text.ts";
import { NAMEDATALEN, type Oid } from "../../base/types.ts";
import { commandCounterIncrement } from "../access/transam/xact.ts";
import { ExclusiveLock } from "../storage/lmgr/locktypes.ts";
import { lockDatabaseObject } from "../storage/lmgr/lmgr.ts";
import { getNewOidWithIndex } from "./catalog.ts";
import * as O from "./catalog_oids.ts";
import type { PgEnum } from "./catalog_rows.ts";
import { catalogScan } from "./catalog_scan.ts";
import { catalogDelete, catalogInsert, catalogUpdate } from "./indexing.ts";

function checkLabel(label: string): void {
  if (encodeText(label).length < NAMEDATALEN) return;
  throw pgError(ERRCODE.INVALID_NAME, `invalid enum label "${label}"`, {
    detail: `Labels must be ${NAMEDATALEN - 1} bytes or less.`,
    routine: "EnumValuesCreate",
  });
}

/** Stores the values of a new type. @throws 42602; 23505 if a label comes twice */
export function enumValuesCreate(enumtypid: Oid, labels: readonly string[]): void {
  const oids: Oid[] = [];
  for (let i = 0; i < labels.length; i++) {
    let oid = getNewOidWithIndex("pg_enum");
    while ((oid & 1) !== 0) oid = getNewOidWithIndex("pg_enum");
    oids.push(oid);
  }
  oids.sort((a, b) => a - b);
  labels.forEach((enumlabel, i) => {
    checkLabel(enumlabel);
    catalogInsert("pg_enum", { oid: oids[i], enumtypid, enumsortorder: i + 1, enumlabel });
  });
}

/** Removes the values of a dropped type. */
export function enumValuesDelete(enumtypid: Oid): void {
  for (const row of valuesOf(enumtypid)) catalogDelete("pg_enum", row.ctid!);
}

function valuesOf(enumtypid: Oid): PgEnum[] {
  return [...catalogScan("pg_enum", { enumtypid })].sort((a, b) => a.enumsortorder - b.enumsortorder);
}

/**
 * ALTER TYPE … ADD VALUE. `neighbor` null adds at the end.
 * @returns the new row's OID; 0 if the label was there already and `skipIfExists`
 * @throws 42602, 42710, 22023
 */
export function addEnumLabel(
  enumtypid: Oid,
  label: string,
  where: { readonly neighbor: string | null; readonly after: boolean },
  skipIfExists: boolean,
): Oid {
  checkLabel(label);
  // One at a time: two additions at one place must not get the same position.
  lockDatabaseObject(O.TypeRelationId, enumtypid, 0, ExclusiveLock);
  for (;;) {
    const rows = valuesOf(enumtypid);
    if (rows.some((r) => r.enumlabel === label)) {
      if (!skipIfExists) {
        throw pgError(ERRCODE.DUPLICATE_OBJECT, `enum label "${label}" already exists`, { routine: "AddEnumLabel" });
      }
      ereport("NOTICE", {
        code: ERRCODE.DUPLICATE_OBJECT,
        message: `enum label "${label}" already exists, skipping`,
      });
      return 0;
    }
    const order = orderFor(rows, where);
    if (order === null) {
      renumber(rows);
      continue;
    }
    const oid = suitableOid(rows, order);
    catalogInsert("pg_enum", { oid, enumtypid, enumsortorder: order, enumlabel: label });
    return oid;
  }
}

/** Position of the new value among `rows`; null if a float4 has none left between two of them. */
function orderFor(
  rows: readonly PgEnum[],
  where: { readonly neighbor: string | null; readonly after: boolean },
): number | null {
  if (where.neighbor === null) return rows.length > 0 ? rows[rows.length - 1].enumsortorder + 1 : 1;
  const at = rows.findIndex((r) => r.enumlabel === where.neighbor);
  if (at < 0) {
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `"${where.neighbor}" is not an existing enum label`, {
      routine: "AddEnumLabel",
    });
  }
  const near = rows[at].enumsortorder;
  const other = rows[where.after ? at + 1 : at - 1];
  if (other === undefined) return near + (where.after ? 1 : -1);
  const middle = Math.fround((near + other.enumsortorder) / 2);
  return middle === near || middle === other.enumsortorder ? null : middle;
}

/** Makes room: positions 1, 2, 3 … */
function renumber(rows: readonly PgEnum[]): void {
  rows.forEach((r, i) => {
    if (r.enumsortorder !== i + 1) catalogUpdate("pg_enum", r.ctid!, { ...r, enumsortorder: i + 1 });
  });
  commandCounterIncrement();
}

function suitableOid(rows: readonly PgEnum[], order: number): Oid {
  for (;;) {
    const oid = getNewOidWithIndex("pg_enum");
    const sortsRight = rows.every((r) => (r.oid & 1) !== 0 || (r.oid < oid) === (r.enumsortorder < order));
    const even = (oid & 1) === 0;
    if (sortsRight === even) return oid;
  }
}

/** ALTER TYPE … RENAME VALUE. @throws 22023, 42710, 42602 */
export function renameEnumLabel(enumtypid: Oid, oldLabel: string, newLabel: string): void {
  checkLabel(newLabel);
  lockDatabaseObject(O.TypeRelationId, enumtypid, 0, ExclusiveLock);
  const rows = valuesOf(enumtypid);
  const row = rows.find((r) => r.enumlabel === oldLabel);
  if (row === undefined) {
    throw pgError(ERRCODE.INVALID_PARAMETER_VALUE, `"${oldLabel}" is not an existing enum label`, {
      routine: "RenameEnumLabel",
    });
  }
  if (rows.some((r) => r.enumlabel === newLabel)) {
    throw pgError(ERRCODE.DUPLICATE_OBJECT, `enum label "${newLabel}" already exists`, { routine: "RenameEnumLabel" });
  }
  catalogUpdate("pg_enum", row.ctid!, { ...row, enumlabel: newLabel });
}
