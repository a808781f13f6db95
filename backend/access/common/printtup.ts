/**
 * Rows to the client: RowDescription, and a DataRow for each row.
 *
 * The writer of each column is chosen once, at start-up: integers and text go straight into the output buffer, every
 * other type through its output or send function. Follows src/backend/access/common/printtup.c.
 */
import type { Oid } from "../../../base/types.ts";
import type { CmdType, TargetEntry } from "../../nodes/nodes.ts";
import type { Datum } from "../../utils/fmgr/datum.ts";
import type { DestReceiver } from "../../tcop/dest.ts";
import type { TupleDesc } from "./tupdesc.ts";
import type { ClientConnection } from "../../libpq/pqcomm.ts";
import type { MessageWriter } from "../../libpq/pqformat.ts";
import { PqMsg_DataRow, PqMsg_RowDescription } from "../../libpq/protocol.ts";
import { getTypeBinarySend, getTypeTextOutput } from "../../utils/cache/type_io.ts";
import { getBaseTypeAndTypmod } from "../../utils/cache/lsyscache.ts";

type ColumnWriter = (out: MessageWriter, value: NonNullable<Datum>) => void;

const INTEGER_TYPES: ReadonlySet<Oid> = new Set([20, 21, 23, 26]); // int8 int2 int4 oid
const TEXT_TYPES: ReadonlySet<Oid> = new Set([25, 1043, 1042, 114]); // text varchar bpchar json

const writeInteger: ColumnWriter = (out, v) => {
  if (typeof v === "number") out.countedInteger(v);
  else out.countedText(String(v));
};
const writeBytes: ColumnWriter = (out, v) => out.countedBytes(v as Uint8Array);
const TRUE_TEXT = 116;
const FALSE_TEXT = 102;
const writeBool: ColumnWriter = (out, v) => {
  out.int32(1);
  out.int8(v === true ? TRUE_TEXT : FALSE_TEXT);
};

/** Chooses how a column of `type` is written in `format` (0 text, 1 binary). @throws 42883 if there is no binary output. */
export function columnWriter(type: Oid, format: number): ColumnWriter {
  if (format === 1) {
    if (TEXT_TYPES.has(type)) return writeBytes;
    const send = getTypeBinarySend(type);
    return (out, v) => out.countedBytes(send(v));
  }
  if (INTEGER_TYPES.has(type)) return writeInteger;
  if (TEXT_TYPES.has(type)) return writeBytes;
  if (type === 16) return writeBool;
  const output = getTypeTextOutput(type);
  return (out, v) => out.countedText(output(v));
}

/**
 * Sends RowDescription. `targetlist` gives the table and column that each plain column comes from.
 */
export function sendRowDescription(
  c: ClientConnection,
  desc: TupleDesc,
  targetlist: readonly TargetEntry[],
  formats: readonly number[],
): void {
  const out = c.out;
  const live = desc.attrs.filter((a) => !a.attisdropped);
  const targets = targetlist.filter((t) => !t.resjunk);
  out.beginMessage(PqMsg_RowDescription);
  out.int16(live.length);
  live.forEach((att, i) => {
    const te = targets[i];
    const base = getBaseTypeAndTypmod(att.atttypid, att.atttypmod);
    out.cstring(att.attname);
    out.int32(te?.resorigtbl ?? 0);
    out.int16(te?.resorigcol ?? 0);
    out.int32(base.typeId);
    out.int16(att.attlen);
    out.int32(base.typmod);
    out.int16(formats.length === 0 ? 0 : formats.length === 1 ? formats[0] : formats[i]);
  });
  out.endMessage();
}

/** Receives rows for the client. `describe` sends RowDescription at start, as simple Query wants. */
export class PrinttupReceiver implements DestReceiver {
  #writers: ColumnWriter[] = [];
  constructor(
    readonly c: ClientConnection,
    readonly targetlist: readonly TargetEntry[],
    readonly formats: readonly number[],
    readonly describe: boolean,
  ) {}

  startup(_operation: CmdType, typeinfo: TupleDesc): void {
    if (this.describe) sendRowDescription(this.c, typeinfo, this.targetlist, this.formats);
    const f = this.formats;
    this.#writers = typeinfo.attrs.map((a, i) =>
      columnWriter(a.atttypid, f.length === 0 ? 0 : f.length === 1 ? f[0] : f[i])
    );
  }

  /** Hot. */
  receive(values: Datum[]): boolean {
    const out = this.c.out;
    const writers = this.#writers;
    const n = writers.length;
    out.beginMessage(PqMsg_DataRow);
    out.int16(n);
    for (let i = 0; i < n; i++) {
      const v = values[i];
      if (v === null) out.int32(-1);
      else writers[i](out, v);
    }
    out.endMessage();
    this.c.flushIfFull();
    return true;
  }

  shutdown(): void {}
}
