/**
 * rawParser: SQL text to raw parse trees, by PostgreSQL's own grammar as WebAssembly (libpg-query).
 *
 * Owns the only instance of the module. Invariants:
 *   1. loadParser() has been awaited before the first rawParser(); from then on all is synchronous.
 *   2. A trap inside the module (its C code ran out of V8's stack) leaves no trace: memory and stack pointer are put back
 *      to what they were after loading, and the statement fails with 54001.
 * libpg-query gives message and position (already in characters) but no SQLSTATE: RAW_ERRORS finds it from the message.
 * Follows the interface of src/backend/parser/parser.c.
 */
import { isAllZero } from "../../shmem/os/libc.ts";
import type { ParseResult } from "libpg-query";
import { PgError } from "../../base/error.ts";
import { ERRCODE } from "../../base/errcodes.ts";
import { assert } from "../../base/assert.ts";
import { stackDepthError } from "../utils/misc/stack_depth.ts";
import type { RawNode } from "./raw.ts";

/** One statement of a query string; offsets are bytes of the UTF-8 text. */
export interface RawStmt {
  stmt: RawNode;
  stmt_location: number;
  /** 0 means up to the end of the string. */
  stmt_len: number;
}

/** Longest text that is handed to the grammar; its JSON must fit into a JavaScript string and 2 GB of module memory. */
const MAX_SOURCE_BYTES = 32 * 1024 * 1024;

interface PgQueryModule {
  HEAPU8: Uint8Array;
  HEAPU32: Uint32Array;
  _malloc(bytes: number): number;
  _free(ptr: number): void;
  _wasm_parse_query_raw(ptr: number): number;
  _wasm_free_parse_result(ptr: number): void;
  _wasm_parse_plpgsql(ptr: number): number;
  _wasm_free_string(ptr: number): void;
}
let lib: PgQueryModule | null = null;
let restoreStack: () => void = () => {};
const snapshot: { offset: number; bytes: Uint8Array }[] = [];
const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

/** Loads the grammar. Once for each process, before it serves; a forked child inherits it. */
export async function loadParser(): Promise<void> {
  if (lib !== null) return;
  let exports: WebAssembly.Exports | null = null;
  // The loader keeps its instance to itself; its stack pointer is needed for invariant 2.
  const instantiate = WebAssembly.instantiate;
  WebAssembly.instantiate = async function (source: unknown, imports?: WebAssembly.Imports) {
    const result = await (instantiate as (s: unknown, i?: WebAssembly.Imports) => Promise<unknown>)(source, imports);
    exports = (result as WebAssembly.WebAssemblyInstantiatedSource).instance.exports;
    return result;
  } as typeof WebAssembly.instantiate;
  try {
    const { default: factory } = await import("libpg-query/wasm/libpg-query.js");
    lib = await (factory as () => Promise<PgQueryModule>)();
  } finally {
    WebAssembly.instantiate = instantiate;
  }
  const getSp = exports!["R"] as () => number;
  const setSp = exports!["Q"] as (sp: number) => void;
  const sp = getSp();
  assert(typeof sp === "number" && sp > 0, "stack pointer of the parser module");
  restoreStack = () => setSp(sp);
  rawParser("select 1");
  takeSnapshot();
}

const SNAPSHOT_PAGE = 4096;
function takeSnapshot(): void {
  const heap = lib!.HEAPU8;
  let run = -1;
  for (let page = 0; page <= heap.length; page += SNAPSHOT_PAGE) {
    const used = page < heap.length && !isAllZero(heap.subarray(page, page + SNAPSHOT_PAGE));
    if (used && run < 0) run = page;
    if (!used && run >= 0) {
      snapshot.push({ offset: run, bytes: heap.slice(run, page) });
      run = -1;
    }
  }
}
function resetModule(): void {
  const heap = lib!.HEAPU8;
  heap.fill(0);
  for (const s of snapshot) heap.set(s.bytes, s.offset);
  restoreStack();
}

function cString(ptr: number): string {
  const heap = lib!.HEAPU8;
  return decoder.decode(heap.subarray(ptr, heap.indexOf(0, ptr)));
}

/** Copies `sql` in, calls `entry`, lets `read` take the result; frees both. */
function callModule<T>(
  sql: string,
  entry: (ptr: number) => number,
  free: (ptr: number) => void,
  read: (p: number) => T,
): T {
  const m = lib!;
  const bytes = encoder.encode(sql);
  if (bytes.length > MAX_SOURCE_BYTES) {
    throw new PgError({
      code: ERRCODE.PROGRAM_LIMIT_EXCEEDED,
      message: `statement of ${bytes.length} bytes exceeds the parser's limit of ${MAX_SOURCE_BYTES}`,
      routine: "raw_parser",
    });
  }
  const ptr = m._malloc(bytes.length + 1);
  if (ptr === 0) throw outOfMemory();
  m.HEAPU8.set(bytes, ptr);
  m.HEAPU8[ptr + bytes.length] = 0;
  let result = 0;
  try {
    result = entry(ptr);
    if (result === 0) throw outOfMemory();
  } catch (e) {
    resetModule();
    if (e instanceof PgError) throw e;
    if (e instanceof RangeError || e instanceof WebAssembly.RuntimeError) throw stackDepthError(e);
    throw e;
  }
  try {
    return read(result);
  } finally {
    m._free(ptr);
    free(result);
  }
}
function outOfMemory(): PgError {
  return new PgError({ code: ERRCODE.OUT_OF_MEMORY, message: "out of memory", routine: "raw_parser" });
}

/**
 * Parses a query string of any number of statements.
 * @throws {PgError} 42601 and the other codes of the grammar, with a character position; 54001 on too deep nesting.
 */
export function rawParser(sql: string): RawStmt[] {
  assert(lib !== null, "loadParser() was not awaited");
  const nul = sql.indexOf("\0");
  if (nul >= 0) sql = sql.slice(0, nul);
  const m = lib;
  const text = callModule(sql, m._wasm_parse_query_raw, m._wasm_free_parse_result, (p) => {
    const u32 = m.HEAPU32;
    const error = u32[(p + 8) >>> 2];
    if (error !== 0) {
      throw rawError(
        sql,
        cString(u32[error >>> 2]),
        u32[(error + 16) >>> 2] | 0,
        u32[(error + 4) >>> 2] === 0 ? "" : cString(u32[(error + 4) >>> 2]),
      );
    }
    return cString(u32[p >>> 2]);
  });
  const result = JSON.parse(text) as ParseResult;
  const out: RawStmt[] = [];
  for (const s of result.stmts ?? []) {
    if (s.stmt === undefined) continue;
    out.push({ stmt: s.stmt, stmt_location: s.stmt_location ?? 0, stmt_len: s.stmt_len ?? 0 });
  }
  return out;
}

/** The PL/pgSQL function of a CREATE FUNCTION or DO statement's text, as libpg-query's JSON. */
export function rawParsePlpgsql(sql: string): unknown {
  assert(lib !== null, "loadParser() was not awaited");
  const m = lib;
  const text = callModule(sql, m._wasm_parse_plpgsql, m._wasm_free_string, cString);
  if (!text.startsWith("{") && !text.startsWith("[")) throw rawError("", text, 0, "plpgsql_yyerror");
  return JSON.parse(text);
}

interface RawErrorRule {
  readonly match: RegExp;
  readonly code: string;
  readonly hint?: string;
  readonly detail?: string;
}
const BAD = ERRCODE.FEATURE_NOT_SUPPORTED;
/** Messages of scan.l and gram.y whose SQLSTATE is not 42601, or that have a hint. First match decides. */
const RAW_ERRORS: readonly RawErrorRule[] = [
  {
    match: /^invalid Unicode escape$/,
    code: ERRCODE.INVALID_ESCAPE_SEQUENCE,
    hint: "Unicode escapes must be \\uXXXX or \\UXXXXXXXX.",
  },
  {
    match: /^unsafe use of \\' in a string literal/,
    code: ERRCODE.NONSTANDARD_USE_OF_ESCAPE_CHARACTER,
    hint: "Use '' to write quotes in strings. \\' is insecure in client-only encodings.",
  },
  {
    match: /^unsafe use of string constant with Unicode escapes/,
    code: BAD,
    detail: 'String constants with Unicode escapes cannot be used when "standard_conforming_strings" is off.',
  },
  { match: /^invalid byte sequence for encoding/, code: ERRCODE.CHARACTER_NOT_IN_REPERTOIRE },
  { match: /^precision for type float must be/, code: ERRCODE.INVALID_PARAMETER_VALUE },
  { match: /^frame (start|end|starting|ending) /, code: ERRCODE.WINDOWING_ERROR },
  { match: /^frame starting from /, code: ERRCODE.WINDOWING_ERROR },
  { match: /is not yet implemented$|are not yet implemented$/, code: BAD },
  { match: /cannot be marked (DEFERRABLE|NOT VALID|NO INHERIT|NOT ENFORCED|ENFORCED)/, code: BAD },
  { match: /^aggregates cannot have output arguments/, code: BAD },
  { match: /^WITH CHECK OPTION not supported on/, code: BAD },
  { match: /^current database cannot be changed/, code: BAD },
  { match: /^cross-database references are not implemented/, code: BAD },
  { match: /^only string constants are supported in JSON_TABLE path/, code: BAD },
  { match: /^CREATE EXTENSION ... FROM is no longer supported/, code: BAD },
  { match: /^operator precedence/, code: BAD },
  { match: /^(role name ".*"|".*") (is reserved|cannot be used as a role name here)/, code: ERRCODE.RESERVED_NAME },
  { match: /^CURRENT_(ROLE|USER) cannot be used|^SESSION_USER cannot be used/, code: ERRCODE.RESERVED_NAME },
  { match: /^CURRENT_(ROLE|USER) .* as a role name here|as a role name here$/, code: ERRCODE.RESERVED_NAME },
  { match: /^unrecognized partitioning strategy/, code: ERRCODE.INVALID_PARAMETER_VALUE },
  { match: /for hash partition provided more than once/, code: ERRCODE.DUPLICATE_OBJECT },
  {
    match: /^LIMIT #,# syntax is not supported/,
    code: ERRCODE.SYNTAX_ERROR,
    hint: "Use separate LIMIT and OFFSET clauses.",
  },
  {
    match: /^missing argument/,
    code: ERRCODE.SYNTAX_ERROR,
    hint: "Use NONE to denote the missing argument of a unary operator.",
  },
  { match: /^stack depth limit exceeded/, code: ERRCODE.STATEMENT_TOO_COMPLEX },
  { match: /^out of memory/, code: ERRCODE.OUT_OF_MEMORY },
];

/** A bad escape in U&'…', which the scanner's caller reports; in E'…' the scanner does, under another code. */
const UESCAPE_ERROR: RawErrorRule = {
  match: /^invalid Unicode escape$/,
  code: ERRCODE.SYNTAX_ERROR,
  hint: "Unicode escapes must be \\XXXX or \\+XXXXXX.",
};

function rawError(sql: string, message: string, cursor: number, routine: string): PgError {
  const inUescape = /[uU]&(['"])(?:(?!\1)[^])*$/.test(sql.slice(0, Math.max(cursor - 1, 0)));
  const rule = inUescape && UESCAPE_ERROR.match.test(message)
    ? UESCAPE_ERROR
    : RAW_ERRORS.find((r) => r.match.test(message));
  return new PgError({
    code: rule?.code ?? ERRCODE.SYNTAX_ERROR,
    message,
    hint: rule?.hint,
    detail: rule?.detail,
    position: cursor > 0 ? cursor : undefined,
    routine: routine || undefined,
  });
}

/** 1-based character position of a byte offset in `sql`. */
export function charPosition(sql: string, byteOffset: number): number {
  let bytes = 0;
  let chars = 0;
  for (let i = 0; i < sql.length && bytes < byteOffset; i++) {
    const c = sql.charCodeAt(i);
    if (c < 0x80) bytes++;
    else if (c < 0x800) bytes += 2;
    else if (c >= 0xd800 && c < 0xdc00) {
      bytes += 4;
      i++;
    } else bytes += 3;
    chars++;
  }
  return chars + 1;
}
