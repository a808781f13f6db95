import assert from "node:assert/strict";
import { createHash, createHmac, pbkdf2Sync } from "node:crypto";
import { encryptPassword, getPasswordType, parseScramVerifier, plainCryptVerify, ScramExchange } from "./crypt.ts";

Deno.test("plainCryptVerify() accepts the password a verifier was made of and no other", () => {
  for (const type of ["md5", "scram-sha-256"] as const) {
    const stored = encryptPassword(type, "alice", "s3cret");
    assert.equal(getPasswordType(stored), type);
    assert.equal(plainCryptVerify("alice", stored, "s3cret"), true);
    assert.equal(plainCryptVerify("alice", stored, "S3cret"), false);
  }
});

/** An independent client, from RFC 5802. */
function clientFinal(password: string, bare: string, serverFirst: string): string {
  const f = Object.fromEntries(serverFirst.split(",").map((p) => [p[0], p.slice(2)]));
  const salt = Uint8Array.from(atob(f.s), (c) => c.charCodeAt(0));
  const key = createHmac("sha256", pbkdf2Sync(password, salt, Number(f.i), 32, "sha256")).update("Client Key").digest();
  const without = `c=biws,r=${f.r}`;
  const sig = createHmac("sha256", createHash("sha256").update(key).digest()).update(
    `${bare},${serverFirst},${without}`,
  ).digest();
  return `${without},p=${btoa(String.fromCharCode(...key.map((b, i) => b ^ sig[i])))}`;
}

Deno.test("ScramExchange lets in who knows the password", () => {
  const verifier = parseScramVerifier(encryptPassword("scram-sha-256", "alice", "s3cret"))!;
  const bare = "n=,r=abcdef";
  const good = new ScramExchange(verifier, false);
  assert.match(good.final(clientFinal("s3cret", bare, good.first(`n,,${bare}`)!))!, /^v=/);
  const bad = new ScramExchange(verifier, false);
  assert.equal(bad.final(clientFinal("wrong", bare, bad.first(`n,,${bare}`)!)), null);
  const doomed = new ScramExchange(verifier, true);
  assert.equal(doomed.final(clientFinal("s3cret", bare, doomed.first(`n,,${bare}`)!)), null);
});

Deno.test("ScramExchange refuses malformed messages and foreign nonces", () => {
  const verifier = parseScramVerifier(encryptPassword("scram-sha-256", "a", "b"))!;
  assert.equal(new ScramExchange(verifier, false).first("rubbish"), null);
  const x = new ScramExchange(verifier, false);
  x.first("n,,n=,r=abc");
  assert.equal(x.final("c=biws,r=other,p=AAAA"), null);
});
