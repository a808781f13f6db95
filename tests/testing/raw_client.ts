/**
 * A PostgreSQL client that hides nothing: it sends and receives single protocol messages.
 *
 * It shares no code with the server, so that an error in the one is not hidden by the same error in the other. Only
 * trust authentication. Every wait for the server has a time limit, so that a test ends when the server hangs.
 */

export interface ConnectOptions {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly database: string;
  /** Protocol version asked for (default: 3.0). */
  readonly protocol?: number;
  /** More startup parameters. */
  readonly parameters?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

/** One message from the server. */
export interface Message {
  /** The type byte as a character. */
  readonly type: string;
  readonly body: Uint8Array;
}

/** Fields of an ErrorResponse or NoticeResponse by their letter: S severity, C code, M message, D, H, P … */
export type Fields = Readonly<Record<string, string>>;

export interface Column {
  readonly name: string;
  readonly tableOid: number;
  readonly attnum: number;
  readonly typeOid: number;
  readonly typeLength: number;
  readonly typeModifier: number;
  readonly format: number;
}

/** Everything between a Query message and its ReadyForQuery. */
export interface QueryOutcome {
  readonly results: readonly ResultSet[];
  readonly notices: readonly Fields[];
  readonly error: Fields | null;
  /** I, T or E; X if the connection was lost. */
  status: string;
}

export interface ResultSet {
  columns: Column[] | null;
  rows: (string | null)[][];
  tag: string;
  copyData: string[];
}

export class ConnectionLost extends Error {}
export class ServerError extends Error {
  constructor(readonly fields: Fields) {
    super(`${fields.S} ${fields.C}: ${fields.M}`);
  }
}

/** Longer messages than any test asks for. */
const MESSAGE_BYTES_MAX = 64 * 1024 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}
export function int32(n: number): Uint8Array {
  const b = new Uint8Array(4);
  new DataView(b.buffer).setInt32(0, n);
  return b;
}
export function int16(n: number): Uint8Array {
  const b = new Uint8Array(2);
  new DataView(b.buffer).setInt16(0, n);
  return b;
}
export function cstring(s: string): Uint8Array {
  return concat([encoder.encode(s), new Uint8Array(1)]);
}

/** Builds a message: type byte (none for startup messages), length, body. */
export function message(type: string, ...parts: Uint8Array[]): Uint8Array {
  const body = concat(parts);
  return concat([encoder.encode(type), int32(body.length + 4), body]);
}

/** Messages of the extended protocol. */
export const build = {
  query: (sql: string) => message("Q", cstring(sql)),
  parse: (name: string, sql: string, types: readonly number[] = []) =>
    message("P", cstring(name), cstring(sql), int16(types.length), ...types.map(int32)),
  bind: (portal: string, statement: string, values: readonly (string | Uint8Array | null)[] = [], o: {
    parameterFormats?: readonly number[];
    resultFormats?: readonly number[];
  } = {}) => {
    const parts = [cstring(portal), cstring(statement)];
    const pf = o.parameterFormats ?? [];
    parts.push(int16(pf.length), ...pf.map(int16), int16(values.length));
    for (const v of values) {
      if (v === null) parts.push(int32(-1));
      else {
        const bytes = typeof v === "string" ? encoder.encode(v) : v;
        parts.push(int32(bytes.length), bytes);
      }
    }
    const rf = o.resultFormats ?? [];
    parts.push(int16(rf.length), ...rf.map(int16));
    return message("B", ...parts);
  },
  describe: (kind: "S" | "P", name: string) => message("D", encoder.encode(kind), cstring(name)),
  execute: (portal: string, maxRows = 0) => message("E", cstring(portal), int32(maxRows)),
  close: (kind: "S" | "P", name: string) => message("C", encoder.encode(kind), cstring(name)),
  sync: () => message("S"),
  flush: () => message("H"),
  terminate: () => message("X"),
  copyData: (text: string | Uint8Array) => message("d", typeof text === "string" ? encoder.encode(text) : text),
  copyDone: () => message("c"),
  copyFail: (reason: string) => message("f", cstring(reason)),
};

export function decodeFields(body: Uint8Array): Fields {
  const fields: Record<string, string> = {};
  let at = 0;
  while (at < body.length && body[at] !== 0) {
    const end = body.indexOf(0, at + 1);
    fields[String.fromCharCode(body[at])] = decoder.decode(body.subarray(at + 1, end));
    at = end + 1;
  }
  return fields;
}

export function decodeColumns(body: Uint8Array): Column[] {
  const v = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const columns: Column[] = [];
  let at = 2;
  for (let i = v.getInt16(0); i > 0; i--) {
    const end = body.indexOf(0, at);
    const name = decoder.decode(body.subarray(at, end));
    at = end + 1;
    columns.push({
      name,
      tableOid: v.getUint32(at),
      attnum: v.getInt16(at + 4),
      typeOid: v.getUint32(at + 6),
      typeLength: v.getInt16(at + 10),
      typeModifier: v.getInt32(at + 12),
      format: v.getInt16(at + 16),
    });
    at += 18;
  }
  return columns;
}

/** Values of a DataRow as bytes. */
export function decodeRowBytes(body: Uint8Array): (Uint8Array | null)[] {
  const v = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const values: (Uint8Array | null)[] = [];
  let at = 2;
  for (let i = v.getInt16(0); i > 0; i--) {
    const length = v.getInt32(at);
    at += 4;
    if (length < 0) values.push(null);
    else {
      values.push(body.slice(at, at + length));
      at += length;
    }
  }
  return values;
}

export function decodeRow(body: Uint8Array): (string | null)[] {
  return decodeRowBytes(body).map((b) => (b === null ? null : decoder.decode(b)));
}

/** The text of a body that is one C string. */
export function decodeCString(body: Uint8Array): string {
  const end = body.indexOf(0);
  return decoder.decode(body.subarray(0, end < 0 ? body.length : end));
}

export class RawClient {
  readonly parameters: Record<string, string> = {};
  processId = 0;
  secret: Uint8Array = new Uint8Array();
  /** Protocol version that a NegotiateProtocolVersion message named, or null. */
  negotiated: { minor: number; unknown: string[] } | null = null;
  #buffer: Uint8Array = new Uint8Array(0);
  #closed = false;
  /** The read under way, if a time limit left one behind. */
  #pending: Promise<Uint8Array | null> | null = null;

  private constructor(readonly conn: Deno.Conn, readonly options: ConnectOptions) {}

  /** A TCP connection on which nothing has been sent. */
  static async open(o: ConnectOptions): Promise<RawClient> {
    const conn = await Deno.connect({ hostname: o.host, port: o.port });
    conn.setNoDelay(true);
    return new RawClient(conn, o);
  }

  /** Connects and waits for ReadyForQuery. @throws {ServerError} if the server refuses */
  static async connect(o: ConnectOptions): Promise<RawClient> {
    const c = await RawClient.open(o);
    try {
      await c.startup();
    } catch (e) {
      c.destroy();
      throw e;
    }
    return c;
  }

  async startup(): Promise<void> {
    const o = this.options;
    const words = Object.entries({ user: o.user, database: o.database, ...o.parameters }).flat();
    await this.send(message("", int32(o.protocol ?? 196608), ...words.map(cstring), new Uint8Array(1)));
    for (;;) {
      const m = await this.receive();
      const v = new DataView(m.body.buffer, m.body.byteOffset, m.body.byteLength);
      if (m.type === "R") {
        if (v.getInt32(0) !== 0) throw new Error(`authentication method ${v.getInt32(0)} is not supported here`);
      } else if (m.type === "S") {
        const [name, value] = decoder.decode(m.body).split("\0");
        this.parameters[name] = value;
      } else if (m.type === "K") {
        this.processId = v.getInt32(0);
        this.secret = m.body.slice(4);
      } else if (m.type === "v") {
        const unknown = decoder.decode(m.body.subarray(8)).split("\0").filter((w) => w !== "");
        this.negotiated = { minor: v.getInt32(0), unknown };
      } else if (m.type === "E") throw new ServerError(decodeFields(m.body));
      else if (m.type === "Z") return;
      else if (m.type !== "N") throw new Error(`message ${m.type} during startup`);
    }
  }

  async send(...messages: Uint8Array[]): Promise<void> {
    const bytes = concat(messages);
    let at = 0;
    try {
      while (at < bytes.length) at += await this.conn.write(bytes.subarray(at));
    } catch (e) {
      throw new ConnectionLost(String(e));
    }
  }

  /** Bytes as they come, null at the end of the connection. */
  async #read(): Promise<Uint8Array | null> {
    this.#pending ??= (async () => {
      const chunk = new Uint8Array(65536);
      try {
        const n = await this.conn.read(chunk);
        return n === null ? null : chunk.subarray(0, n);
      } catch {
        return null;
      }
    })();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const limit = this.options.timeoutMs ?? 60_000;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error(`server silent for ${limit} ms`)), limit);
    });
    try {
      const got = await Promise.race([this.#pending, timeout]);
      this.#pending = null;
      return got;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Exactly `n` raw bytes (the one-byte answers to SSLRequest). */
  async receiveBytes(n: number): Promise<Uint8Array> {
    while (this.#buffer.length < n) {
      const chunk = await this.#read();
      if (chunk === null) throw new ConnectionLost("connection closed by the server");
      this.#buffer = concat([this.#buffer, chunk]);
    }
    const out = this.#buffer.slice(0, n);
    this.#buffer = this.#buffer.subarray(n);
    return out;
  }

  /** The next message. @throws {ConnectionLost} at the end of the connection */
  async receive(): Promise<Message> {
    while (true) {
      if (this.#buffer.length >= 5) {
        const length = new DataView(this.#buffer.buffer, this.#buffer.byteOffset).getInt32(1);
        if (length > MESSAGE_BYTES_MAX) throw new Error(`the server sends a message of ${length} bytes`);
        if (this.#buffer.length >= length + 1) {
          const m = { type: String.fromCharCode(this.#buffer[0]), body: this.#buffer.slice(5, length + 1) };
          this.#buffer = this.#buffer.subarray(length + 1);
          return m;
        }
      }
      const chunk = await this.#read();
      if (chunk === null) throw new ConnectionLost("connection closed by the server");
      this.#buffer = this.#buffer.length === 0 ? chunk : concat([this.#buffer, chunk]);
    }
  }

  /** Messages up to and with ReadyForQuery. */
  async receiveUntilReady(): Promise<Message[]> {
    const all: Message[] = [];
    for (;;) {
      const m = await this.receive();
      all.push(m);
      if (m.type === "Z") return all;
    }
  }

  /**
   * A simple query. `copyIn` is sent when the server asks for data (and CopyFail if there is none).
   * Errors are returned, not thrown; a lost connection is status X.
   */
  async query(sql: string, copyIn?: string): Promise<QueryOutcome> {
    const results: ResultSet[] = [];
    const notices: Fields[] = [];
    let error: Fields | null = null;
    let open: ResultSet = { columns: null, rows: [], tag: "", copyData: [] };
    try {
      await this.send(build.query(sql));
      for (;;) {
        const m = await this.receive();
        switch (m.type) {
          case "T":
            open.columns = decodeColumns(m.body);
            break;
          case "D":
            open.rows.push(decodeRow(m.body));
            break;
          case "d":
            open.copyData.push(decoder.decode(m.body));
            break;
          case "C":
          case "I":
            open.tag = m.type === "C" ? decodeCString(m.body) : "(empty query)";
            results.push(open);
            open = { columns: null, rows: [], tag: "", copyData: [] };
            break;
          case "E":
            error = decodeFields(m.body);
            break;
          case "N":
            notices.push(decodeFields(m.body));
            break;
          case "S": {
            const [name, value] = decoder.decode(m.body).split("\0");
            this.parameters[name] = value;
            break;
          }
          case "G":
            if (copyIn === undefined) await this.send(build.copyFail("no data"));
            else await this.send(build.copyData(copyIn), build.copyDone());
            break;
          case "H":
          case "c":
          case "A":
            break;
          case "Z":
            return { results, notices, error, status: String.fromCharCode(m.body[0]) };
          default:
            throw new Error(`unexpected message ${m.type}`);
        }
      }
    } catch (e) {
      if (!(e instanceof ConnectionLost)) throw e;
      return { results, notices, error, status: "X" };
    }
  }

  /** Rows of a query that must succeed. */
  async rows(sql: string): Promise<(string | null)[][]> {
    const r = await this.query(sql);
    if (r.error !== null) throw new ServerError(r.error);
    if (r.status === "X") throw new ConnectionLost(sql);
    return r.results[r.results.length - 1]?.rows ?? [];
  }

  /** Sends a CancelRequest for this session over a connection of its own. */
  async cancel(): Promise<void> {
    const c = await RawClient.open(this.options);
    await c.send(message("", int32(80877102), int32(this.processId), this.secret));
    while (await c.#read() !== null);
    c.destroy();
  }

  /** Says goodbye and closes. */
  async end(): Promise<void> {
    if (this.#closed) return;
    try {
      await this.send(build.terminate());
    } catch (e) {
      if (!(e instanceof ConnectionLost)) throw e;
    }
    this.destroy();
  }

  /** Closes without a word. */
  destroy(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.conn.close();
  }
}
