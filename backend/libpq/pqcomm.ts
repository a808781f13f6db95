/**
 * The client connection: one input buffer that messages are cut from, one output buffer that is sent at flush.
 *
 * Owns both buffers. The socket stays outside, behind SocketIo, so that tests run this file over byte arrays.
 * Invariants:
 *   1. A message handed out by readMessage() stays valid until the next read.
 *   2. Output leaves in order; it is sent when FLUSH_BYTES have gathered, at flush(), and never in the middle of a message.
 *   3. Once sending has failed the connection is lost: later output is dropped, and the next read reports end of file.
 * Follows src/backend/libpq/pqcomm.c.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { PgError, pgError } from "../../base/error.ts";
import { MessageReader, MessageWriter } from "./pqformat.ts";
import { PQ_LARGE_MESSAGE_LIMIT } from "./protocol.ts";

/** What the connection needs of a socket. Both calls block until they can make progress. */
export interface SocketIo {
  /** Reads up to `len` bytes to buf[off…]; 0 at end of file or on a lost connection. May run interrupts while waiting. */
  recv(buf: Uint8Array<ArrayBuffer>, off: number, len: number): number;
  /** Writes up to `len` bytes; returns how many, or -1 when the connection is lost. */
  send(buf: Uint8Array<ArrayBuffer>, off: number, len: number): number;
  /** True if recv() would return at once. */
  readable(): boolean;
}

const FLUSH_BYTES = 32768;
const RECV_BYTES = 8192;

export class ClientConnection {
  readonly out = new MessageWriter(FLUSH_BYTES + 8192);
  readonly reader = new MessageReader();
  #in = new Uint8Array(new ArrayBuffer(RECV_BYTES * 2));
  #dv = new DataView(this.#in.buffer);
  #start = 0;
  #end = 0;
  #lost = false;
  #sending = false;

  constructor(readonly io: SocketIo) {}

  /** True once sending failed or the peer went away. */
  get lost(): boolean {
    return this.#lost;
  }

  /** True within flush(): what a signal handler would add now could end up in the middle of a message. */
  get sending(): boolean {
    return this.#sending;
  }

  /** Makes `n` contiguous bytes available at #start. Returns false at end of file. */
  #fill(n: number): boolean {
    if (this.#start + n > this.#in.length) {
      const have = this.#end - this.#start;
      let target = this.#in;
      if (n > this.#in.length || this.#in.length > 1 << 20) {
        let size = RECV_BYTES * 2;
        while (size < n) size *= 2;
        if (size !== this.#in.length) target = new Uint8Array(new ArrayBuffer(size));
      }
      target.set(this.#in.subarray(this.#start, this.#end), 0);
      if (target !== this.#in) {
        this.#in = target;
        this.#dv = new DataView(target.buffer);
      }
      this.#start = 0;
      this.#end = have;
    }
    while (this.#end - this.#start < n) {
      const got = this.#lost ? 0 : this.io.recv(this.#in, this.#end, this.#in.length - this.#end);
      if (got <= 0) return false;
      this.#end += got;
    }
    return true;
  }

  /** True if input is waiting, buffered here or in the socket. */
  inputPending(): boolean {
    return this.#end > this.#start || this.io.readable();
  }
  /** True if bytes of the client wait in the buffer (and so were not covered by an encryption handshake). */
  bufferedInput(): boolean {
    return this.#end > this.#start;
  }

  /** One raw byte, or -1 at end of file. */
  readByte(): number {
    if (this.#start === this.#end) {
      this.#start = this.#end = 0;
      if (!this.#fill(1)) return -1;
    }
    return this.#in[this.#start++];
  }

  /**
   * Reads the length-prefixed rest of a message and points `reader` at its body.
   * @returns false at end of file.
   * @throws {PgError} 08P01 FATAL when the length is nonsense: the stream has lost its place.
   */
  readMessage(maxLen: number = PQ_LARGE_MESSAGE_LIMIT): boolean {
    if (!this.#fill(4)) return false;
    const len = this.#dv.getInt32(this.#start);
    if (len < 4 || len > maxLen) {
      throw new PgError({
        severity: "FATAL",
        code: ERRCODE.PROTOCOL_VIOLATION,
        message: "invalid message length",
        routine: "pq_getmessage",
      });
    }
    if (!this.#fill(len)) return false;
    this.reader.reset(this.#in, this.#dv, this.#start + 4, this.#start + len);
    this.#start += len;
    if (this.#start === this.#end) this.#start = this.#end = 0;
    return true;
  }

  /** Sends what has gathered if it is much; call between messages. */
  flushIfFull(): void {
    if (this.out.end >= FLUSH_BYTES) this.flush();
  }

  /** Sends everything. A lost connection is remembered, not thrown: the main loop notices at its next read. */
  flush(): void {
    const out = this.out;
    let at = 0;
    this.#sending = true;
    while (at < out.end && !this.#lost) {
      const n = this.io.send(out.buf, at, out.end - at);
      if (n < 0) this.#lost = true;
      else at += n;
    }
    this.#sending = false;
    out.end = 0;
  }
}

let connection: ClientConnection | null = null;

/** This process's client connection. */
export function setClientConnection(c: ClientConnection | null): void {
  connection = c;
}
/** The connection, or null in a process without client. */
export function clientConnection(): ClientConnection | null {
  return connection;
}
/** The connection of a process that must have one. @throws XX000 */
export function requireClientConnection(): ClientConnection {
  if (connection === null) throw pgError(ERRCODE.INTERNAL_ERROR, "this process has no client connection");
  return connection;
}
