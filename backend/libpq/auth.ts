/**
 * Client authentication: finds the record of pg_hba.conf that fits, and carries its method out.
 * Follows src/backend/libpq/auth.c and auth-scram.c.
 */
import { ERRCODE } from "../../base/errcodes.ts";
import { PgError } from "../../base/error.ts";
import { decodeText, encodeText } from "../../base/text.ts";
import { checkHba, checkUsermap, type HbaLine, type HbaMethod, type IdentLine } from "../../conf/hba.ts";
import type { ClientConnection } from "./pqcomm.ts";
import {
  AUTH_REQ_MD5,
  AUTH_REQ_OK,
  AUTH_REQ_PASSWORD,
  AUTH_REQ_SASL,
  AUTH_REQ_SASL_CONT,
  AUTH_REQ_SASL_FIN,
  PqMsg_AuthenticationRequest,
  PqMsg_PasswordMessage,
} from "./protocol.ts";
import {
  getPasswordType,
  md5CryptVerify,
  mockScramVerifier,
  parseScramVerifier,
  plainCryptVerify,
  randomBytes,
  ScramExchange,
} from "./crypt.ts";

export interface AuthRequest {
  readonly c: ClientConnection;
  readonly user: string;
  readonly database: string;
  readonly replication: boolean;
  /** Bytes of the client's address; null for a Unix socket. */
  readonly address: readonly number[] | null;
  /** As text, for messages. */
  readonly remoteHost: string;
  readonly hba: readonly HbaLine[];
  readonly ident: readonly IdentLine[];
  /** Stored password and its expiry of a role; null if there is no such role. */
  readonly lookup: (user: string) => { password: string | null; expired: boolean } | null;
  readonly isMember: (role: string) => boolean;
  /** Name of the operating-system user at the other end of a Unix socket; null if unknown. */
  readonly peerUser: () => string | null;
  /** Secret of the cluster, for exchanges with roles that do not exist. */
  readonly mockSecret: () => Uint8Array;
}

function sendAuthRequest(c: ClientConnection, code: number, data: Uint8Array = new Uint8Array(0), flush = true): void {
  c.out.beginMessage(PqMsg_AuthenticationRequest);
  c.out.int32(code);
  c.out.bytes(data);
  c.out.endMessage();
  if (flush) c.flush();
}

const fatal = (code: string, message: string, detailLog?: string) =>
  new PgError({ severity: "FATAL", code, message, detailLog, routine: "auth_failed" });

function authFailed(r: AuthRequest, method: HbaMethod, why: string, line: HbaLine): PgError {
  const word = method === "md5" || method === "scram-sha-256" || method === "password" ? "password" : method;
  const messages: Record<string, string> = {
    reject: `authentication failed for user "${r.user}": host rejected`,
    trust: `"trust" authentication failed for user "${r.user}"`,
    peer: `Peer authentication failed for user "${r.user}"`,
    password: `password authentication failed for user "${r.user}"`,
  };
  const detail = `${
    why === "" ? "" : `${why}\n`
  }Connection matched file "${line.file}" line ${line.line}: "${line.rawLine.trim()}"`;
  return fatal(
    word === "password" ? ERRCODE.INVALID_PASSWORD : ERRCODE.INVALID_AUTHORIZATION_SPECIFICATION,
    messages[word] ?? `authentication failed for user "${r.user}"`,
    detail,
  );
}

/** Reads a password message. Returns null when the client leaves instead. @throws 08P01 FATAL */
function recvPassword(c: ClientConnection): Uint8Array {
  const type = c.readByte();
  if (type < 0) throw fatal(ERRCODE.CONNECTION_FAILURE, "expected password response, got end of file");
  if (type !== PqMsg_PasswordMessage) {
    throw fatal(ERRCODE.PROTOCOL_VIOLATION, `expected password response, got message type ${type}`);
  }
  if (!c.readMessage(65535)) throw fatal(ERRCODE.CONNECTION_FAILURE, "unexpected EOF on client connection");
  return c.reader.view(c.reader.remaining).slice();
}

function passwordText(c: ClientConnection): string {
  const bytes = recvPassword(c);
  if (bytes.length === 0 || bytes[bytes.length - 1] !== 0 || bytes.indexOf(0) !== bytes.length - 1) {
    throw fatal(ERRCODE.PROTOCOL_VIOLATION, "invalid password packet size");
  }
  if (bytes.length === 1) throw fatal(ERRCODE.INVALID_PASSWORD, "empty password returned by client");
  return decodeText(bytes.subarray(0, bytes.length - 1));
}

/**
 * Lets the client in or throws FATAL. AuthenticationOk is in the output buffer afterwards.
 * @returns what SYSTEM_USER shows: "method:name", or null under trust.
 */
export function clientAuthentication(r: AuthRequest): string | null {
  const line = checkHba(r.hba, {
    address: r.address,
    database: r.database,
    user: r.user,
    replication: r.replication,
    isMember: r.isMember,
  });
  const where = r.address === null ? "[local]" : r.remoteHost;
  if (line === null || line.method === "reject") {
    const what = line === null ? "no pg_hba.conf entry for" : "pg_hba.conf rejects";
    const conn = r.replication ? "replication connection from host" : "host";
    const message = line === null
      ? `${what} ${conn} "${where}", user "${r.user}"${
        r.replication ? "" : `, database "${r.database}"`
      }, no encryption`
      : `pg_hba.conf rejects ${
        r.replication ? "replication connection for" : "connection for"
      } host "${where}", user "${r.user}"${r.replication ? "" : `, database "${r.database}"`}, no encryption`;
    throw new PgError({
      severity: "FATAL",
      code: ERRCODE.INVALID_AUTHORIZATION_SPECIFICATION,
      message,
      routine: "ClientAuthentication",
    });
  }
  let systemUser: string | null = null;
  switch (line.method) {
    case "trust":
      break;
    case "password": {
      sendAuthRequest(r.c, AUTH_REQ_PASSWORD);
      const password = passwordText(r.c);
      const role = r.lookup(r.user);
      const why = passwordProblem(r, role);
      if (why !== null) throw authFailed(r, line.method, why, line);
      if (!plainCryptVerify(r.user, role!.password!, password)) {
        throw authFailed(r, line.method, `Password does not match for user "${r.user}".`, line);
      }
      systemUser = `password:${r.user}`;
      break;
    }
    case "md5":
    case "scram-sha-256":
      passwordChallenge(r, line);
      systemUser = `${line.method}:${r.user}`;
      break;
    case "peer": {
      const peer = r.peerUser();
      if (peer === null || !checkUsermap(line.options.map, r.ident, peer, r.user)) {
        throw authFailed(
          r,
          "peer",
          peer === null ? "" : `provided user name (${r.user}) and authenticated user name (${peer}) do not match`,
          line,
        );
      }
      systemUser = `peer:${peer}`;
      break;
    }
    default:
      throw fatal(
        ERRCODE.FEATURE_NOT_SUPPORTED,
        `authentication method "${line.method}" is not implemented yet in pgts`,
      );
  }
  sendAuthRequest(r.c, AUTH_REQ_OK, undefined, false);
  return systemUser;
}

function passwordProblem(r: AuthRequest, role: ReturnType<AuthRequest["lookup"]>): string | null {
  if (role === null) return `Role "${r.user}" does not exist.`;
  if (role.password === null) return `User "${r.user}" has no password assigned.`;
  if (role.expired) return `User "${r.user}" has an expired password.`;
  return null;
}

/** Challenges by what is stored: an MD5 hash by MD5 (if the method allows), everything else by SCRAM. */
function passwordChallenge(r: AuthRequest, line: HbaLine): void {
  const role = r.lookup(r.user);
  const problem = passwordProblem(r, role);
  const stored = problem === null ? role!.password! : null;
  if (line.method === "md5" && stored !== null && getPasswordType(stored) === "md5") {
    const salt = randomBytes(4);
    sendAuthRequest(r.c, AUTH_REQ_MD5, salt);
    if (!md5CryptVerify(stored, passwordText(r.c), salt)) {
      throw authFailed(r, line.method, `Password does not match for user "${r.user}".`, line);
    }
    return;
  }
  const verifier = stored === null ? null : parseScramVerifier(stored);
  const why = problem ?? (verifier === null ? `User "${r.user}" does not have a valid SCRAM secret.` : "");
  sendAuthRequest(r.c, AUTH_REQ_SASL, encodeText("SCRAM-SHA-256\0\0"));
  const x = new ScramExchange(verifier ?? mockScramVerifier(r.user, r.mockSecret()), verifier === null);
  const malformed = () => fatal(ERRCODE.PROTOCOL_VIOLATION, "malformed SCRAM message");
  const initial = recvPassword(r.c);
  const nul = initial.indexOf(0);
  if (nul < 0) throw fatal(ERRCODE.PROTOCOL_VIOLATION, "malformed SCRAM message");
  if (decodeText(initial.subarray(0, nul)) !== "SCRAM-SHA-256") {
    throw fatal(ERRCODE.PROTOCOL_VIOLATION, "client selected an invalid SASL authentication mechanism");
  }
  const first = x.first(decodeText(initial.subarray(nul + 5)));
  if (first === null) throw malformed();
  sendAuthRequest(r.c, AUTH_REQ_SASL_CONT, encodeText(first));
  const final = x.final(decodeText(recvPassword(r.c)));
  if (final === null) throw authFailed(r, line.method, why, line);
  sendAuthRequest(r.c, AUTH_REQ_SASL_FIN, encodeText(final), false);
}
