/**
 * What the postmaster and the backend launcher say to each other: JSON texts over a SOCK_SEQPACKET pair, one a message.
 */
import { decodeText, encodeText } from "../../base/text.ts";
import { EAGAIN, EINTR } from "../../shmem/os/errno.ts";
import { MSG_DONTWAIT, pollFds, POLLIN, recvFd, sendFd, setPollFd } from "../../shmem/os/sockets.ts";

/** Processes that the launcher can make. */
export type ForkedKind = "backend" | "startup" | "checkpointer" | "bgwriter" | "walwriter";

/** Whether a backend may go on with its client, and if not why. */
export type CacState = "ok" | "startup" | "recovery" | "shutdown" | "toomany";

/** A client's socket and what the postmaster knows of it. */
export interface HandedClient {
  readonly fd: number;
  readonly cac: CacState;
  readonly unix: boolean;
}

export type PostmasterMessage =
  /** Shared memory is made: attach to it. The first message. */
  | { readonly op: "attach" }
  /** Make a process; with a backend comes its client's socket. */
  | {
    readonly op: "fork";
    readonly kind: ForkedKind;
    readonly slot: number;
    readonly cac: CacState;
    readonly unix: boolean;
  }
  /** The cluster is open: sessions may be run to warm the image. */
  | { readonly op: "warm" };

export type LauncherMessage =
  /** Ready to fork. */
  | { readonly op: "ready" }
  /** This platform cannot fork: go on without a launcher. */
  | { readonly op: "unable"; readonly reason: string }
  /** `slot` runs as `pid`, a child of the postmaster; 0: it could not be made, for `errno`. */
  | { readonly op: "forked"; readonly slot: number; readonly pid: number; readonly errno: number };

const MESSAGE_BYTES = 4096;

/** Waits for the first message, `attach`. @returns false if the postmaster is gone instead. */
export function waitForAttach(sock: number): boolean {
  for (;;) {
    setPollFd(0, sock, POLLIN);
    pollFds(1, -1);
    const got = receiveMessage<PostmasterMessage>(sock);
    if (got === null) return false;
    if (typeof got !== "number") return got.message.op === "attach";
    if (got !== -EAGAIN && got !== -EINTR) return false;
  }
}

/** @returns bytes sent or -errno. The caller still owns `fd` (-1: none). */
export function sendMessage(sock: number, m: PostmasterMessage | LauncherMessage, fd = -1): number {
  return sendFd(sock, fd, encodeText(JSON.stringify(m)));
}

/** The next message and the descriptor that came with it (or -1), or -errno (-EAGAIN: none now), or null: the other end is gone. */
export function receiveMessage<M extends PostmasterMessage | LauncherMessage>(
  sock: number,
): { readonly message: M; readonly fd: number } | number | null {
  const got = recvFd(sock, MESSAGE_BYTES, MSG_DONTWAIT);
  if (typeof got === "number") return got;
  if (got.bytes.length === 0) return null;
  return { message: JSON.parse(decodeText(got.bytes)) as M, fd: got.fd };
}
