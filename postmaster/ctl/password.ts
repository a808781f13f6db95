/** Reads a new password: from the terminal twice and unseen, else as a line of standard input. Follows get_su_pwd() in initdb.c. */
import { InitdbError } from "../../backend/bootstrap/initdb_error.ts";

/** Reads up to the end of a line, byte by byte so that nothing behind it is lost. @returns null at the end of input */
function readLine(): string | null {
  const bytes: number[] = [];
  const one = new Uint8Array(1);
  for (;;) {
    const n = Deno.stdin.readSync(one);
    if (n === null || n === 0) {
      if (bytes.length === 0) return null;
      break;
    }
    if (one[0] === 10 || one[0] === 13) break;
    if (one[0] === 3) throw new InitdbError("interrupted");
    if (one[0] === 127 || one[0] === 8) bytes.pop();
    else bytes.push(one[0]);
  }
  return new TextDecoder().decode(new Uint8Array(bytes));
}

function ask(prompt: string): string {
  const terminal = Deno.stdin.isTerminal();
  Deno.stderr.writeSync(new TextEncoder().encode(prompt));
  if (terminal) Deno.stdin.setRaw(true);
  try {
    return readLine() ?? "";
  } finally {
    if (terminal) Deno.stdin.setRaw(false);
    Deno.stderr.writeSync(new TextEncoder().encode("\n"));
  }
}

/** Asks for the superuser's password twice. @throws {InitdbError} if the two differ or there is none */
export function promptPassword(): string {
  const password = ask("Enter new superuser password: ");
  if (ask("Enter it again: ") !== password) throw new InitdbError("Passwords didn't match.");
  if (password === "") throw new InitdbError("password is empty");
  return password;
}

/** The first line of a file. @throws {InitdbError} if it cannot be read or is empty */
export function passwordFromFile(path: string): string {
  let text: string;
  try {
    text = Deno.readTextFileSync(path);
  } catch (e) {
    const why = e instanceof Error ? e.message.replace(/ \(os error.*/s, "") : String(e);
    throw new InitdbError(`could not open file "${path}" for reading: ${why}`);
  }
  const line = text.split("\n")[0].replace(/\r$/, "");
  if (line === "") throw new InitdbError(`password file "${path}" is empty`);
  return line;
}
