/**
 * COPY FROM: rows of text, CSV or binary into a table.
 *
 * A field goes from the line's bytes to a Datum by its column's reader (integers and text without a string in between),
 * columns that are not listed get their defaults, constraints are checked, and rows are stored in batches: one heap
 * insertion for many rows, then their index entries. Follows src/backend/commands/copyfrom.c.
 */
import { getNamespaceName, getTyptype } from "../utils/cache/lsyscache.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import { ereport, PgError, pgError } from "../../base/error.ts";
import { decodeText } from "../../base/text.ts";
import { checkForInterrupts } from "../../shmem/interrupt.ts";
import type { Attribute } from "../access/common/tupdesc.ts";
import { heapMultiInsert } from "../access/heap/heapam.ts";
import { freeBulkInsertState, getBulkInsertState } from "../access/heap/hio.ts";
import { getCurrentCommandId } from "../access/transam/xact.ts";
import { compileExpr, compileExprOnRow } from "../executor/exec_expr.ts";
import { domainCheck } from "../executor/domains.ts";
import { ExecIndexes } from "../executor/exec_indexing.ts";
import { refuseTriggers } from "../executor/exec_triggers.ts";
import { makeNode } from "../nodes/make_node.ts";
import type { Node } from "../nodes/nodes.ts";
import { stringToNode } from "../nodes/readfuncs.ts";
import { expressionPlanner } from "../optimizer/plan/expression_planner.ts";
import { getOwnedSequence } from "../catalog/pg_depend.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import type { Relation } from "../utils/cache/relation.ts";
import { getTypeBinaryReceive } from "../utils/cache/type_io.ts";
import { rowDescription } from "../executor/modify_table_state.ts";
import { TupleBatch } from "./copyfrom_batch.ts";
import { fieldReader } from "./copyfrom_fields.ts";
import type { CopyOptions } from "./copy_options.ts";
import { CopyFromParser, type CopySource, displayText } from "./copyfromparse.ts";

export interface CopyFromTarget {
  readonly rel: Relation;
  /** Attribute numbers of the columns that the input gives, in its order. */
  readonly attnums: readonly number[];
  readonly where: Node | null;
}

/** Reads all input into the table. @returns number of rows stored. */
export function copyFrom(target: CopyFromTarget, options: CopyOptions, source: CopySource): number {
  const { rel, attnums } = target;
  refuseTriggers(rel, "CMD_INSERT");
  const attrs = rel.rd_att.attrs;
  const binary = options.format === "binary";
  const parser = new CopyFromParser(options, source, Math.max(attnums.length, 1));
  const readers = attnums.map((n) => fieldReader(attrs[n - 1]));
  const receivers = binary ? attnums.map((n) => getTypeBinaryReceive(attrs[n - 1].atttypid)) : [];
  const domains = attnums.map((n) => getTyptype(attrs[n - 1].atttypid) === "d");
  const forceNotNull = attnums.map((n) => listed(options.forceNotNull, attrs[n - 1].attname));
  const forceNull = attnums.map((n) => listed(options.forceNull, attrs[n - 1].attname));
  const nullBytes = new TextEncoder().encode(options.nullPrint);
  const given = new Set(attnums);
  const defaults: { index: number; value: () => Datum }[] = [];
  const allDefaults = new Map<number, () => Datum>();
  for (const a of attrs) {
    if (a.attisdropped || a.attgenerated !== "") continue;
    const value = defaultOf(rel, a);
    if (value === null) continue;
    allDefaults.set(a.attnum, value);
    if (!given.has(a.attnum)) defaults.push({ index: a.attnum - 1, value });
  }
  const generated = attrs.filter((a) => a.attgenerated === "s").map((a) => {
    const text = rel.rd_att.constr!.defaults.get(a.attnum)!;
    return { index: a.attnum - 1, value: compileExprOnRow(expressionPlanner(stringToNode(text) as Node)) };
  });
  const checks = (rel.rd_att.constr?.checks ?? []).filter((c) => c.enforced).map((c) => ({
    name: c.name,
    ok: compileExprOnRow(expressionPlanner(stringToNode(c.expr) as Node)),
  }));
  const ignoreErrors = options.onError === "ignore";
  const notNull = attrs.filter((a) => a.attnotnull && !a.attisdropped);
  const where = target.where === null ? null : compileExprOnRow(target.where);
  const indexes = new ExecIndexes(null as never, rel);
  const cid = getCurrentCommandId(true);
  const bistate = getBulkInsertState();
  const values: Datum[] = new Array(attrs.length).fill(null);
  const batch = new TupleBatch(rel.rd_att, attnums, readers);
  // Rows that need nothing but their fields are formed from the line.
  const direct = !binary && !ignoreErrors && options.defaultPrint === null && defaults.length === 0 &&
    generated.length === 0 && where === null && checks.length === 0 && !forceNotNull.includes(true) &&
    !forceNull.includes(true) && attnums.every((n, i) => i === 0 || n > attnums[i - 1]) &&
    notNull.every((a) => given.has(a.attnum)) &&
    attrs.every((a) => given.has(a.attnum) || getTyptype(a.atttypid) !== "d");
  /** Fields whose NULL must be looked at: NOT NULL columns and domains. */
  const nullMatters = attnums.map((n, i) => attrs[n - 1].attnotnull || domains[i]);
  const isDirect = (): boolean => {
    for (let i = 0; i < attnums.length; i++) if (parser.start[i] < 0 && nullMatters[i]) return false;
    return true;
  };
  let processed = 0;
  let skipped = 0;
  let column: Attribute | null = null;
  let field = -1;
  /** While stored rows are at work: the line of the one that got its index entries, else 0. */
  let storedLine = 0;

  const flush = () => {
    const { tuples, lines } = batch;
    if (tuples.length === 0) return;
    batch.seal();
    storedLine = parser.lineNumber;
    heapMultiInsert(rel, tuples, cid, 0, bistate);
    if (rel.rd_rel.relhasindex) {
      for (let i = 0; i < tuples.length; i++) {
        storedLine = lines[i];
        indexes.insert(tuples[i], false);
      }
    }
    storedLine = 0;
    batch.clear();
  };
  const checkDefaultMarkers = (): void => {
    for (let i = 0; i < attnums.length; i++) {
      if (parser.isDefault[i] === 0 || allDefaults.has(attnums[i])) continue;
      throw pgError(ERRCODE.BAD_COPY_FILE_FORMAT, "unexpected default marker in COPY data", {
        detail: `Column "${attrs[attnums[i] - 1].attname}" has no default value.`,
        routine: "CopyReadAttributes",
      });
    }
  };
  /** Reads the row's fields into `values`. @returns false if the row is to be skipped (ON_ERROR ignore). */
  const readFields = (): boolean => {
    if (options.defaultPrint !== null) checkDefaultMarkers();
    for (let i = 0; i < attnums.length; i++) {
      const index = attnums[i] - 1;
      column = attrs[index];
      field = i;
      let start = parser.start[i];
      let end = parser.end[i];
      if (!binary && parser.isDefault[i] === 1 && start >= 0) {
        const d = allDefaults.get(attnums[i]);
        values[index] = d === undefined ? null : d();
        continue;
      }
      if (start < 0 && forceNotNull[i]) {
        parser.line.set(nullBytes, 0);
        start = 0;
        end = nullBytes.length;
      } else if (
        start >= 0 && forceNull[i] && parser.quoted[i] === 1 && isNullText(parser.line, start, end, nullBytes)
      ) {
        start = -1;
      }
      if (start < 0) {
        if (domains[i]) domainCheck(column.atttypid, null);
        continue;
      }
      if (binary) values[index] = receivers[i](parser.line.slice(start, end), column.atttypmod);
      else if (!ignoreErrors) values[index] = readers[i](parser.line, start, end);
      else {
        try {
          values[index] = readers[i](parser.line, start, end);
        } catch (e) {
          if (!(e instanceof PgError) || !isDataException(e)) throw e;
          skipped++;
          reportSkipped(rel, parser, column, i, options);
          return false;
        }
      }
    }
    return true;
  };

  try {
    if (binary) parser.readBinaryHeader();
    else if (options.header !== "false") readHeader(parser, options, rel, attnums);
    while (binary ? parser.nextBinaryRow(attnums.length) : parser.nextRow()) {
      if ((parser.lineNumber & 1023) === 0) checkForInterrupts();
      column = null;
      field = -1;
      if (!binary && !(attnums.length === 0 && parser.fieldCount === 1 && parser.end[0] === 0)) {
        if (parser.fieldCount > attnums.length) {
          throw pgError(ERRCODE.BAD_COPY_FILE_FORMAT, "extra data after last expected column", {
            routine: "NextCopyFrom",
          });
        }
        if (parser.fieldCount < attnums.length) {
          const missing = attrs[attnums[parser.fieldCount] - 1].attname;
          throw pgError(ERRCODE.BAD_COPY_FILE_FORMAT, `missing data for column "${missing}"`, {
            routine: "NextCopyFrom",
          });
        }
      }
      if (direct && isDirect()) {
        batch.addFields(parser);
        processed++;
        if (batch.full) flush();
        continue;
      }
      values.fill(null);
      if (!readFields()) {
        if (options.rejectLimit > 0 && skipped > options.rejectLimit) {
          throw pgError(
            ERRCODE.INVALID_TEXT_REPRESENTATION,
            `skipped more than REJECT_LIMIT (${options.rejectLimit}) rows due to data type incompatibility`,
            { routine: "CopyFrom" },
          );
        }
        continue;
      }
      column = null;
      field = -1;
      for (const d of defaults) values[d.index] = d.value();
      for (const g of generated) values[g.index] = g.value(values);
      if (where !== null && where(values) !== true) continue;
      for (const a of notNull) if (values[a.attnum - 1] === null) throw notNullViolation(rel, a, values);
      for (const c of checks) if (c.ok(values) === false) throw checkViolation(rel, c.name, values);
      batch.addValues(values, parser.lineNumber);
      processed++;
      if (batch.full) flush();
    }
    flush();
    if (skipped > 0 && options.logVerbosity !== "silent") {
      ereport("NOTICE", {
        message: skipped === 1
          ? "1 row was skipped due to data type incompatibility"
          : `${skipped} rows were skipped due to data type incompatibility`,
        routine: "CopyFrom",
      });
    }
  } catch (e) {
    if (e instanceof PgError && e.fields.context === undefined) {
      if (batch.field >= 0) {
        field = batch.field;
        column = attrs[attnums[field] - 1];
      }
      throw new PgError({
        ...e.fields,
        code: e.code,
        severity: e.severity,
        context: storedLine > 0
          ? `COPY ${rel.rd_rel.relname}, line ${storedLine}`
          : copyContext(rel, parser, column, field, binary),
      }, {
        cause: e,
      });
    }
    throw e;
  } finally {
    freeBulkInsertState(bistate);
    indexes.close();
  }
  return processed;
}

/** What an input function reports about the text it was given, which ON_ERROR ignore passes over. */
function isDataException(e: PgError): boolean {
  return e.code.startsWith("22") || e.code === ERRCODE.CHECK_VIOLATION || e.code === ERRCODE.NOT_NULL_VIOLATION;
}
function reportSkipped(
  rel: Relation,
  parser: CopyFromParser,
  column: Attribute,
  field: number,
  options: CopyOptions,
): void {
  if (options.logVerbosity !== "verbose") return;
  const what = parser.start[field] < 0
    ? "null input"
    : `"${displayText(parser.line.subarray(parser.start[field], parser.end[field]))}"`;
  ereport("NOTICE", {
    message:
      `skipping row due to data type incompatibility at line ${parser.lineNumber} for column "${column.attname}": ${what}`,
    context: `COPY ${rel.rd_rel.relname}`,
    routine: "CopyFromTextLikeOneRow",
  });
}

function listed(list: readonly string[] | "all" | null, name: string): boolean {
  return list === "all" || (list !== null && list.includes(name));
}
function isNullText(line: Uint8Array, start: number, end: number, nullBytes: Uint8Array): boolean {
  return end - start === nullBytes.length && nullBytes.every((b, i) => line[start + i] === b);
}

function copyContext(
  rel: Relation,
  parser: CopyFromParser,
  column: Attribute | null,
  field: number,
  binary: boolean,
): string {
  const base = `COPY ${rel.rd_rel.relname}, line ${parser.lineNumber}`;
  if (column !== null) {
    if (binary || field < 0) return `${base}, column ${column.attname}`;
    const start = parser.start[field];
    if (start < 0) return `${base}, column ${column.attname}: null input`;
    return `${base}, column ${column.attname}: "${displayText(parser.line.subarray(start, parser.end[field]))}"`;
  }
  return binary || !parser.lineValid ? base : `${base}: "${parser.currentLineText()}"`;
}

/** How a column is filled that the input does not give; null for NULL. */
function defaultOf(rel: Relation, a: Attribute): (() => Datum) | null {
  if (a.attidentity !== "") {
    const seqid = getOwnedSequence(rel.rd_id, a.attnum, "i");
    return compileExpr(makeNode("NextValueExpr", { seqid, typeId: a.atttypid }));
  }
  const text = rel.rd_att.constr?.defaults.get(a.attnum);
  if (text === undefined) return null;
  return compileExpr(expressionPlanner(stringToNode(text) as Node));
}

function readHeader(parser: CopyFromParser, options: CopyOptions, rel: Relation, attnums: readonly number[]): void {
  if (!parser.nextRow() || options.header !== "match") return;
  if (parser.fieldCount !== attnums.length) {
    throw pgError(
      ERRCODE.BAD_COPY_FILE_FORMAT,
      `wrong number of fields in header line: got ${parser.fieldCount}, expected ${attnums.length}`,
    );
  }
  attnums.forEach((n, i) => {
    const name = rel.rd_att.attrs[n - 1].attname;
    const got = parser.start[i] < 0 ? null : decodeText(parser.line, parser.start[i], parser.end[i]);
    if (got !== name) {
      throw pgError(
        ERRCODE.BAD_COPY_FILE_FORMAT,
        got === null
          ? `column name mismatch in header line field ${
            i + 1
          }: got null value ("${options.nullPrint}"), expected "${name}"`
          : `column name mismatch in header line field ${i + 1}: got "${got}", expected "${name}"`,
      );
    }
  });
}

function notNullViolation(rel: Relation, a: Attribute, values: readonly Datum[]): PgError {
  return pgError(
    ERRCODE.NOT_NULL_VIOLATION,
    `null value in column "${a.attname}" of relation "${rel.rd_rel.relname}" violates not-null constraint`,
    {
      detail: `Failing row contains ${rowDescription(rel, values)}.`,
      schema: getNamespaceName(rel.rd_rel.relnamespace) ?? undefined,
      table: rel.rd_rel.relname,
      column: a.attname,
      routine: "ExecConstraints",
    },
  );
}
function checkViolation(rel: Relation, name: string, values: readonly Datum[]): PgError {
  return pgError(
    ERRCODE.CHECK_VIOLATION,
    `new row for relation "${rel.rd_rel.relname}" violates check constraint "${name}"`,
    {
      detail: `Failing row contains ${rowDescription(rel, values)}.`,
      schema: getNamespaceName(rel.rd_rel.relnamespace) ?? undefined,
      table: rel.rd_rel.relname,
      constraint: name,
      routine: "ExecConstraints",
    },
  );
}
