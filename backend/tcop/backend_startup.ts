/**
 * The first packet of a connection: start-up, a request for encryption (answered 'N'), or a cancel request.
 * Follows src/backend/tcop/backend_startup.c.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { PgError } from "../../base/error.ts";
import type { ClientConnection } from "../libpq/pqcomm.ts";
import {
  CANCEL_REQUEST_CODE,
  MAX_STARTUP_PACKET_LENGTH,
  NEGOTIATE_GSS_CODE,
  NEGOTIATE_SSL_CODE,
  PG_PROTOCOL_EARLIEST,
  PG_PROTOCOL_LATEST,
  PqMsg_NegotiateProtocolVersion,
} from "../libpq/protocol.ts";

export type StartupPacket =
  | {
    readonly kind: "startup";
    /** Protocol version in use: major << 16 | minor. */
    readonly proto: number;
    readonly user: string;
    readonly database: string;
    readonly replication: boolean;
    /** -c style options from `options`, then every other parameter, in order. */
    readonly settings: readonly { readonly name: string; readonly value: string }[];
    readonly applicationName: string;
  }
  | { readonly kind: "cancel"; readonly pid: number; readonly key: Uint8Array }
  /** The client went away, or sent something that deserves no answer. */
  | { readonly kind: "gone" };

const fatal = (code: string, message: string, routine = "ProcessStartupPacket") =>
  new PgError({ severity: "FATAL", code, message, routine });

/** Splits `options` at unescaped blanks. */
export function splitOptions(text: string): string[] {
  const out: string[] = [];
  let word = "";
  let any = false;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === "\\" && i + 1 < text.length) {
      word += text[++i];
      any = true;
    } else if (/\s/.test(c)) {
      if (any) out.push(word);
      word = "";
      any = false;
    } else {
      word += c;
      any = true;
    }
  }
  if (any) out.push(word);
  return out;
}

/** `-c name=value` and `--name=value` words as settings. @throws 42601 FATAL */
function optionSettings(text: string): { name: string; value: string }[] {
  const words = splitOptions(text);
  const out: { name: string; value: string }[] = [];
  for (let i = 0; i < words.length; i++) {
    const w = words[i];
    let setting: string;
    if (w === "-c") setting = words[++i] ?? "";
    else if (w.startsWith("-c")) setting = w.slice(2);
    else if (w.startsWith("--")) setting = w.slice(2);
    else {throw fatal(
        ERRCODE.SYNTAX_ERROR,
        `invalid command-line argument for server process: ${w}`,
        "process_postgres_switches",
      );}
    const eq = setting.indexOf("=");
    if (eq < 0) throw fatal(ERRCODE.SYNTAX_ERROR, `-c ${setting} requires a value`, "process_postgres_switches");
    out.push({ name: setting.slice(0, eq).replaceAll("-", "_"), value: setting.slice(eq + 1) });
  }
  return out;
}

/** Reads packets until one decides what this connection is. */
export function processStartupPacket(c: ClientConnection): StartupPacket {
  let sslDone = false;
  let gssDone = false;
  for (;;) {
    const first = c.readByte();
    if (first < 0) return { kind: "gone" };
    const rest = [c.readByte(), c.readByte(), c.readByte()];
    if (rest[2] < 0) return { kind: "gone" };
    const len = ((first << 24) | (rest[0] << 16) | (rest[1] << 8) | rest[2]) - 4;
    if (len < 4 || len > MAX_STARTUP_PACKET_LENGTH) {
      throw fatal(ERRCODE.PROTOCOL_VIOLATION, "invalid length of startup packet");
    }
    const body = new Uint8Array(len);
    for (let i = 0; i < len; i++) {
      const b = c.readByte();
      if (b < 0) return { kind: "gone" };
      body[i] = b;
    }
    const dv = new DataView(body.buffer);
    const proto = dv.getInt32(0);
    if (proto === CANCEL_REQUEST_CODE) {
      if (len < 8 || len > 8 + 256) return { kind: "gone" };
      return { kind: "cancel", pid: dv.getInt32(4), key: body.slice(8) };
    }
    if (proto === NEGOTIATE_SSL_CODE && !sslDone || proto === NEGOTIATE_GSS_CODE && !gssDone) {
      if (proto === NEGOTIATE_SSL_CODE) sslDone = true;
      else gssDone = true;
      c.out.int8("N".charCodeAt(0));
      c.flush();
      continue;
    }
    return startup(c, proto, body);
  }
}

function startup(c: ClientConnection, proto: number, body: Uint8Array): StartupPacket {
  const major = proto >>> 16;
  if (major !== PG_PROTOCOL_EARLIEST >>> 16) {
    throw fatal(
      ERRCODE.FEATURE_NOT_SUPPORTED,
      `unsupported frontend protocol ${major}.${proto & 0xffff}: server supports ${PG_PROTOCOL_EARLIEST >>> 16}.0 to ${
        PG_PROTOCOL_LATEST >>> 16
      }.${PG_PROTOCOL_LATEST & 0xffff}`,
    );
  }
  let user = "";
  let database = "";
  let applicationName = "";
  let replication = false;
  const options: { name: string; value: string }[] = [];
  const params: { name: string; value: string }[] = [];
  const unrecognized: string[] = [];
  const decoder = new TextDecoder("utf-8");
  let at = 4;
  const str = (): string | null => {
    const nul = body.indexOf(0, at);
    if (nul < 0) return null;
    const s = decoder.decode(body.subarray(at, nul));
    at = nul + 1;
    return s;
  };
  for (;;) {
    const name = str();
    if (name === null) throw layoutError();
    if (name === "") break;
    const value = str();
    if (value === null) throw layoutError();
    switch (name) {
      case "database":
        database = value;
        break;
      case "user":
        user = value;
        break;
      case "options":
        options.push(...optionSettings(value));
        break;
      case "replication":
        if (/^(true|on|yes|1|database)$/i.test(value)) replication = true;
        else if (!/^(false|off|no|0)$/i.test(value)) {
          throw fatal(ERRCODE.INVALID_PARAMETER_VALUE, `invalid value for parameter "replication": "${value}"`);
        }
        break;
      default:
        if (name.startsWith("_pq_.")) unrecognized.push(name);
        else {
          if (name === "application_name") applicationName = value;
          params.push({ name, value });
        }
    }
  }
  if (at !== body.length) throw layoutError();
  const use = Math.min(proto, PG_PROTOCOL_LATEST);
  // 3.1 was never released: it is served as 3.0.
  const served = use === ((3 << 16) | 1) ? PG_PROTOCOL_EARLIEST : use;
  if (proto > PG_PROTOCOL_LATEST || unrecognized.length > 0) {
    c.out.beginMessage(PqMsg_NegotiateProtocolVersion);
    c.out.int32(served);
    c.out.int32(unrecognized.length);
    for (const u of unrecognized) c.out.cstring(u);
    c.out.endMessage();
  }
  if (user === "") {
    throw fatal(ERRCODE.INVALID_AUTHORIZATION_SPECIFICATION, "no PostgreSQL user name specified in startup packet");
  }
  if (replication) {
    throw fatal(ERRCODE.FEATURE_NOT_SUPPORTED, "replication connections are not implemented yet in pgts");
  }
  return {
    kind: "startup",
    proto: served,
    user,
    database: database === "" ? user : database,
    replication,
    settings: [...options, ...params],
    applicationName,
  };
}

function layoutError(): PgError {
  return fatal(ERRCODE.PROTOCOL_VIOLATION, "invalid startup packet layout: expected terminator as last byte");
}
