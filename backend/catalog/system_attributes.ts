/** The system columns that every table has. Follows SysAtt[] in src/backend/catalog/heap.c. */
import { CIDOID, OIDOID, TIDOID, XIDOID } from "./pg_type_d.ts";

export const SelfItemPointerAttributeNumber = -1;
export const MinTransactionIdAttributeNumber = -2;
export const MinCommandIdAttributeNumber = -3;
export const MaxTransactionIdAttributeNumber = -4;
export const MaxCommandIdAttributeNumber = -5;
export const TableOidAttributeNumber = -6;

export const SYSTEM_ATTRIBUTES = [
  { attname: "ctid", attnum: SelfItemPointerAttributeNumber, atttypid: TIDOID },
  { attname: "xmin", attnum: MinTransactionIdAttributeNumber, atttypid: XIDOID },
  { attname: "cmin", attnum: MinCommandIdAttributeNumber, atttypid: CIDOID },
  { attname: "xmax", attnum: MaxTransactionIdAttributeNumber, atttypid: XIDOID },
  { attname: "cmax", attnum: MaxCommandIdAttributeNumber, atttypid: CIDOID },
  { attname: "tableoid", attnum: TableOidAttributeNumber, atttypid: OIDOID },
] as const;
