/**
 * Stored passwords: SCRAM-SHA-256 verifiers and MD5 hashes, made and checked.
 *
 *   SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>     base64; RFC 5802, RFC 7677
 *   md5<32 hex digits of md5(password || user)>
 * Follows src/backend/libpq/crypt.c and src/common/scram-common.c.
 */
import { createHash, createHmac, pbkdf2Sync, timingSafeEqual } from "node:crypto";
import { encodeText } from "../../base/text.ts";
import { guc } from "../../conf/guc_values.ts";
import { getrandom } from "../../shmem/os/process.ts";

export type PasswordType = "plaintext" | "md5" | "scram-sha-256";

const SCRAM = /^SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]{44}):([A-Za-z0-9+/=]{44})$/;

/** What a rolpassword holds. */
export function getPasswordType(stored: string): PasswordType {
  if (/^md5[0-9a-f]{32}$/.test(stored)) return "md5";
  if (SCRAM.test(stored)) return "scram-sha-256";
  return "plaintext";
}

export interface ScramVerifier {
  readonly iterations: number;
  readonly salt: Uint8Array;
  readonly storedKey: Uint8Array;
  readonly serverKey: Uint8Array;
}

const base64 = (b: Uint8Array): string => btoa(String.fromCharCode(...b));
export const fromBase64 = (s: string): Uint8Array => Uint8Array.from(atob(s), (c) => c.charCodeAt(0));
const hmac = (key: Uint8Array, data: Uint8Array | string): Uint8Array =>
  createHmac("sha256", key).update(data).digest();
const sha256 = (data: Uint8Array): Uint8Array => createHash("sha256").update(data).digest();
const md5 = (...parts: (Uint8Array | string)[]): string => {
  const h = createHash("md5");
  for (const p of parts) h.update(p);
  return h.digest("hex");
};

/** `n` unpredictable bytes from the kernel. */
export function randomBytes(n: number): Uint8Array<ArrayBuffer> {
  const b = new Uint8Array(new ArrayBuffer(n));
  getrandom(b);
  return b;
}

/** NFKC stands for SASLprep: they differ only in what they forbid. */
function saslPrep(password: string): Uint8Array {
  return encodeText(password.normalize("NFKC"));
}

function verifierOf(password: string, salt: Uint8Array, iterations: number): ScramVerifier {
  const salted = pbkdf2Sync(saslPrep(password), salt, iterations, 32, "sha256");
  return {
    iterations,
    salt,
    storedKey: sha256(hmac(salted, "Client Key")),
    serverKey: hmac(salted, "Server Key"),
  };
}

/** Text to store for `password`. */
export function encryptPassword(type: "md5" | "scram-sha-256", role: string, password: string): string {
  if (type === "md5") return `md5${md5(password, role)}`;
  const v = verifierOf(password, randomBytes(16), guc.scram_iterations);
  return `SCRAM-SHA-256$${v.iterations}:${base64(v.salt)}$${base64(v.storedKey)}:${base64(v.serverKey)}`;
}

export function parseScramVerifier(stored: string): ScramVerifier | null {
  const m = stored.match(SCRAM);
  if (m === null) return null;
  return { iterations: Number(m[1]), salt: fromBase64(m[2]), storedKey: fromBase64(m[3]), serverKey: fromBase64(m[4]) };
}

/** A verifier that no password fits, for roles that do not exist: the exchange must look the same. */
export function mockScramVerifier(role: string, secret: Uint8Array): ScramVerifier {
  const salt = sha256(new Uint8Array([...secret, ...encodeText(role)])).subarray(0, 16);
  return { iterations: guc.scram_iterations, salt, storedKey: randomBytes(32), serverKey: randomBytes(32) };
}

/** True if a clear password fits what is stored. */
export function plainCryptVerify(role: string, stored: string, password: string): boolean {
  switch (getPasswordType(stored)) {
    case "md5":
      return stored === `md5${md5(password, role)}`;
    case "scram-sha-256": {
      const v = parseScramVerifier(stored)!;
      return timingSafeEqual(verifierOf(password, v.salt, v.iterations).serverKey, v.serverKey);
    }
    case "plaintext":
      return false;
  }
}

/** True if an MD5 response to `salt` (4 bytes) fits. */
export function md5CryptVerify(stored: string, response: string, salt: Uint8Array): boolean {
  return response === `md5${md5(stored.slice(3), salt)}`;
}

/** The server's side of one SCRAM exchange: two messages in, two out. */
export class ScramExchange {
  #firstBare = "";
  #serverFirst = "";
  #nonce = "";
  #gs2 = "";
  constructor(readonly verifier: ScramVerifier, readonly doomed: boolean) {}

  /** Takes client-first-message, returns server-first-message; null if it is malformed. */
  first(message: string): string | null {
    const m = message.match(/^([ny]|p=[^,]*),(a=[^,]*)?,(n=([^,]*),r=([^,]+)(?:,.*)?)$/);
    if (m === null || m[1].startsWith("p=")) return null;
    this.#gs2 = `${m[1]},${m[2] ?? ""},`;
    this.#firstBare = m[3];
    this.#nonce = m[5] + base64(randomBytes(18));
    this.#serverFirst = `r=${this.#nonce},s=${base64(this.verifier.salt)},i=${this.verifier.iterations}`;
    return this.#serverFirst;
  }

  /** Takes client-final-message, returns server-final-message, or null if the proof is wrong. */
  final(message: string): string | null {
    const m = message.match(/^(c=([^,]*),r=([^,]*)(?:,.*)?),p=([A-Za-z0-9+/=]+)$/);
    if (m === null || m[3] !== this.#nonce || m[2] !== btoa(this.#gs2)) return null;
    const auth = `${this.#firstBare},${this.#serverFirst},${m[1]}`;
    const proof = fromBase64(m[4]);
    if (proof.length !== 32) return null;
    const signature = hmac(this.verifier.storedKey, auth);
    const clientKey = proof.map((b, i) => b ^ signature[i]);
    if (!timingSafeEqual(sha256(clientKey), this.verifier.storedKey) || this.doomed) return null;
    return `v=${base64(hmac(this.verifier.serverKey, auth))}`;
  }
}
