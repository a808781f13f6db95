/**
 * The SCRAM-SHA-256 secret that pg_authid keeps of a password:
 *   SCRAM-SHA-256$<iterations>:<salt>$<StoredKey>:<ServerKey>
 * Follows pg_be_scram_build_secret() in src/common/scram-common.c and RFC 5802.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from "node:crypto";

const SCRAM_SHA_256_DEFAULT_ITERATIONS = 4096;
const SALT_BYTES = 16;
const KEY_BYTES = 32;

/** `salt` is random unless given (tests). Passwords are normalized as SASLprep's NFKC step does. */
export function scramBuildSecret(
  password: string,
  salt: Uint8Array = randomBytes(SALT_BYTES),
  iterations: number = SCRAM_SHA_256_DEFAULT_ITERATIONS,
): string {
  const salted = pbkdf2Sync(password.normalize("NFKC"), salt, iterations, KEY_BYTES, "sha256");
  const clientKey = createHmac("sha256", salted).update("Client Key").digest();
  const storedKey = createHash("sha256").update(clientKey).digest("base64");
  const serverKey = createHmac("sha256", salted).update("Server Key").digest("base64");
  return `SCRAM-SHA-256$${iterations}:${btoa(String.fromCharCode(...salt))}$${storedKey}:${serverKey}`;
}
