/**
 * pg_hba.conf and pg_ident.conf: who may connect from where, and how they prove it.
 *
 * parseHba() takes a file apart into records; the first record that fits a connection decides (checkHba). A file with an
 * error is refused whole, at start with FATAL, at reload by keeping the old records. Syntax complete; the methods that are
 * not built are accepted here and refused when a connection meets them. Follows src/backend/libpq/hba.c.
 */

export type HbaConnType = "local" | "host" | "hostssl" | "hostnossl" | "hostgssenc" | "hostnogssenc";

const METHODS = [
  "trust",
  "reject",
  "scram-sha-256",
  "md5",
  "password",
  "peer",
  "ident",
  "gss",
  "sspi",
  "ldap",
  "radius",
  "cert",
  "pam",
  "bsd",
  "oauth",
] as const;
export type HbaMethod = (typeof METHODS)[number];

/** A word of the file: quoted words lose their special meaning. */
export interface HbaToken {
  readonly text: string;
  readonly quoted: boolean;
}

export interface HbaLine {
  readonly file: string;
  readonly line: number;
  readonly rawLine: string;
  readonly connType: HbaConnType;
  readonly databases: readonly HbaToken[];
  readonly roles: readonly HbaToken[];
  readonly address: HbaAddress | null;
  readonly method: HbaMethod;
  readonly options: Readonly<Record<string, string>>;
}
export type HbaAddress =
  | { readonly kind: "all" | "samehost" | "samenet" }
  | { readonly kind: "ip"; readonly bytes: readonly number[]; readonly mask: readonly number[] }
  | { readonly kind: "hostname"; readonly name: string };

export interface HbaError {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

export interface IdentLine {
  readonly file: string;
  readonly line: number;
  readonly map: string;
  readonly systemUser: HbaToken;
  readonly pgUser: HbaToken;
}

type Field = HbaToken[];

/** Splits a line into fields, each a comma-separated list of words. `@file` words are expanded by `include`. */
export function tokenizeLine(line: string, include: (path: string) => HbaToken[]): Field[] {
  const fields: Field[] = [];
  let current: Field = [];
  let i = 0;
  let more = false;
  while (i < line.length) {
    while (i < line.length && /\s/.test(line[i])) i++;
    if (i >= line.length || line[i] === "#") break;
    let text = "";
    let quoted = false;
    let inQuote = false;
    let started = false;
    while (i < line.length && (inQuote || (!/[\s,]/.test(line[i]) && line[i] !== "#"))) {
      const c = line[i++];
      started = true;
      if (c === '"') {
        if (inQuote && line[i] === '"') {
          text += '"';
          i++;
        } else {
          inQuote = !inQuote;
          quoted = true;
        }
      } else text += c;
    }
    if (started) {
      if (!quoted && text.length > 1 && text.startsWith("@")) current.push(...include(text.slice(1)));
      else current.push({ text, quoted });
    }
    more = false;
    if (line[i] === ",") {
      i++;
      more = true;
    }
    if (!more) {
      fields.push(current);
      current = [];
    }
  }
  if (current.length > 0) fields.push(current);
  return fields;
}

export type ReadText = (path: string) => string | null;
const readText: ReadText = (path) => {
  try {
    return Deno.readTextFileSync(path);
  } catch {
    return null;
  }
};

function relativeTo(path: string, file: string): string {
  if (path.startsWith("/")) return path;
  const i = file.lastIndexOf("/");
  return i < 0 ? path : `${file.slice(0, i)}/${path}`;
}

/** Lines of a file with continuation (\ at the end) joined and include directives followed. */
function* logicalLines(
  text: string,
  file: string,
  errors: HbaError[],
  read: ReadText,
  depth = 0,
): Generator<{ file: string; line: number; raw: string; fields: Field[] }> {
  const lines = text.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const line = i + 1;
    let raw = lines[i].replace(/\r$/, "");
    while (raw.endsWith("\\") && i + 1 < lines.length) raw = raw.slice(0, -1) + lines[++i].replace(/\r$/, "");
    const fields = tokenizeLine(raw, (path) => {
      const full = relativeTo(path, file);
      const t = read(full);
      if (t === null) {
        errors.push({ file, line, message: `could not open file "${full}": No such file or directory` });
        return [];
      }
      return t.split("\n").flatMap((l) => tokenizeLine(l, () => []).flat());
    });
    if (fields.length === 0) continue;
    const directive = fields[0][0];
    if (!directive.quoted && /^include(_if_exists)?$/.test(directive.text) && fields.length === 2) {
      const full = relativeTo(fields[1][0].text, file);
      const t = depth > 10 ? null : read(full);
      if (t === null) {
        if (directive.text === "include") {
          errors.push({ file, line, message: `could not open file "${full}": No such file or directory` });
        }
        continue;
      }
      yield* logicalLines(t, full, errors, read, depth + 1);
      continue;
    }
    yield { file, line, raw, fields };
  }
}

/** Bytes of an IPv4 or IPv6 address, or null. */
export function parseAddress(s: string): number[] | null {
  const v4 = s.match(/^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/);
  if (v4 !== null) {
    const b = v4.slice(1).map(Number);
    return b.every((x) => x <= 255) ? b : null;
  }
  if (!/^[0-9a-fA-F:.]+$/.test(s) || !s.includes(":")) return null;
  let text = s;
  const tail = s.match(/^(.*:)(\d+\.\d+\.\d+\.\d+)$/);
  if (tail !== null) {
    const b = parseAddress(tail[2]);
    if (b === null) return null;
    text = `${tail[1]}${((b[0] << 8) | b[1]).toString(16)}:${((b[2] << 8) | b[3]).toString(16)}`;
  }
  const halves = text.split("::");
  if (halves.length > 2) return null;
  const words = (h: string) => h === "" ? [] : h.split(":");
  const left = words(halves[0]);
  const right = halves.length === 2 ? words(halves[1]) : [];
  const gap = 8 - left.length - right.length;
  if (halves.length === 2 ? gap < 0 : gap !== 0) return null;
  const all = [...left, ...new Array<string>(halves.length === 2 ? gap : 0).fill("0"), ...right];
  const out: number[] = [];
  for (const w of all) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(w)) return null;
    const n = parseInt(w, 16);
    out.push(n >> 8, n & 255);
  }
  return out;
}

function maskOf(bits: number, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, i) => {
    const n = Math.max(0, Math.min(8, bits - i * 8));
    return (0xff << (8 - n)) & 0xff;
  });
}

/** Takes pg_hba.conf apart. Errors are collected; with any, the file is not to be used. */
export function parseHba(
  text: string,
  file: string,
  read: ReadText = readText,
): { lines: HbaLine[]; errors: HbaError[] } {
  const lines: HbaLine[] = [];
  const errors: HbaError[] = [];
  for (const l of logicalLines(text, file, errors, read)) {
    const fail = (message: string) => errors.push({ file: l.file, line: l.line, message });
    const parsed = parseHbaLine(l.fields, fail);
    if (parsed !== null) lines.push({ ...parsed, file: l.file, line: l.line, rawLine: l.raw });
  }
  return { lines, errors };
}

function parseHbaLine(
  fields: readonly Field[],
  fail: (message: string) => void,
): Omit<HbaLine, "file" | "line" | "rawLine"> | null {
  const bad = (m: string): null => {
    fail(m);
    return null;
  };
  if (fields[0].length > 1) return bad("multiple values specified for connection type");
  const connType = fields[0][0].text;
  if (!["local", "host", "hostssl", "hostnossl", "hostgssenc", "hostnogssenc"].includes(connType)) {
    return bad(`invalid connection type "${connType}"`);
  }
  let at = 1;
  const databases = fields[at++];
  if (databases === undefined) return bad("end-of-line before database specification");
  const roles = fields[at++];
  if (roles === undefined) return bad("end-of-line before role specification");
  for (const r of roles) {
    if (!r.quoted && r.text.startsWith("/") && r.text.length > 1) {
      try {
        new RegExp(r.text.slice(1));
      } catch {
        return bad(`invalid regular expression "${r.text.slice(1)}"`);
      }
    }
  }
  let address: HbaAddress | null = null;
  if (connType !== "local") {
    const f = fields[at++];
    if (f === undefined) return bad("end-of-line before IP address specification");
    if (f.length > 1) return bad("multiple values specified for host address");
    const word = f[0];
    if (!word.quoted && (word.text === "all" || word.text === "samehost" || word.text === "samenet")) {
      address = { kind: word.text };
    } else {
      const [ip, cidr] = word.text.split("/");
      const bytes = parseAddress(ip);
      if (bytes === null) {
        if (cidr !== undefined) return bad(`specifying both host name and CIDR mask is invalid: "${word.text}"`);
        address = { kind: "hostname", name: word.text };
      } else if (cidr !== undefined) {
        const bits = /^\d+$/.test(cidr) ? Number(cidr) : -1;
        if (bits < 0 || bits > bytes.length * 8) return bad(`invalid CIDR mask in address "${word.text}"`);
        address = { kind: "ip", bytes, mask: maskOf(bits, bytes.length) };
      } else {
        const m = fields[at++];
        if (m === undefined) return bad("end-of-line before netmask specification");
        const mask = parseAddress(m[0].text);
        if (mask === null) return bad(`invalid IP mask "${m[0].text}": Name or service not known`);
        if (mask.length !== bytes.length) return bad("IP address and mask do not match");
        address = { kind: "ip", bytes, mask };
      }
    }
  }
  const m = fields[at++];
  if (m === undefined) return bad("end-of-line before authentication method");
  if (m.length > 1) return bad("multiple values specified for authentication type");
  let method = m[0].text as HbaMethod;
  if (!METHODS.includes(method)) return bad(`invalid authentication method "${method}"`);
  if (method === "ident" && connType === "local") method = "peer";
  if (method === "peer" && connType !== "local") return bad("peer authentication is only supported on local sockets");
  const options: Record<string, string> = {};
  for (; at < fields.length; at++) {
    for (const o of fields[at]) {
      const i = o.text.indexOf("=");
      if (i < 0) return bad(`authentication option not in name=value format: ${o.text}`);
      const name = o.text.slice(0, i);
      if (name === "map" && !["ident", "peer", "gss", "sspi", "cert", "oauth"].includes(method)) {
        return bad(
          'authentication option "map" is only valid for authentication methods ident, peer, gssapi, sspi, cert, and oauth',
        );
      }
      if (!KNOWN_OPTIONS.has(name)) return bad(`unrecognized authentication option name: "${name}"`);
      options[name] = o.text.slice(i + 1);
    }
  }
  return { connType: connType as HbaConnType, databases, roles, address, method, options };
}
const KNOWN_OPTIONS: ReadonlySet<string> = new Set([
  "map",
  "clientcert",
  "clientname",
  "pamservice",
  "pam_use_hostname",
  "ldapurl",
  "ldaptls",
  "ldapscheme",
  "ldapserver",
  "ldapport",
  "ldapbinddn",
  "ldapbindpasswd",
  "ldapsearchattribute",
  "ldapsearchfilter",
  "ldapbasedn",
  "ldapprefix",
  "ldapsuffix",
  "krb_realm",
  "include_realm",
  "compat_realm",
  "upn_username",
  "radiusservers",
  "radiusports",
  "radiussecrets",
  "radiusidentifiers",
  "issuer",
  "scope",
  "validator",
  "delegate_ident_mapping",
]);

/** A connection as the rules see it. */
export interface HbaConnection {
  /** Null for a Unix socket. */
  readonly address: readonly number[] | null;
  readonly database: string;
  readonly user: string;
  readonly replication: boolean;
  /** Own addresses of the host, for samehost and samenet. */
  readonly ownAddresses?: readonly (readonly number[])[];
  /** True if the user is a member of the group; asked for `+group` and `samegroup`. */
  readonly isMember: (role: string) => boolean;
}

/** IPv4 in IPv6 is compared as IPv4. */
function normalized(a: readonly number[]): readonly number[] {
  if (a.length === 16 && a.slice(0, 10).every((b) => b === 0) && a[10] === 255 && a[11] === 255) return a.slice(12);
  return a;
}

function matchesAddress(rule: HbaAddress | null, c: HbaConnection): boolean {
  if (rule === null) return true;
  const a = normalized(c.address!);
  switch (rule.kind) {
    case "all":
      return true;
    case "ip":
      return rule.bytes.length === a.length && rule.bytes.every((b, i) => (b & rule.mask[i]) === (a[i] & rule.mask[i]));
    case "samehost":
    case "samenet":
      return isLoopback(a) ||
        (c.ownAddresses ?? []).some((o) => o.length === a.length && o.every((b, i) => b === a[i]));
    case "hostname":
      return rule.name === "localhost" && isLoopback(a);
  }
}
export function isLoopback(a: readonly number[]): boolean {
  return a.length === 4 ? a[0] === 127 : a.slice(0, 15).every((b) => b === 0) && a[15] === 1;
}

function regexMatches(token: HbaToken, name: string): boolean {
  return new RegExp(token.text.slice(1)).test(name);
}

function matchesDatabase(tokens: readonly HbaToken[], c: HbaConnection): boolean {
  for (const t of tokens) {
    if (c.replication) {
      if (!t.quoted && t.text === "replication") return true;
      continue;
    }
    if (!t.quoted) {
      if (t.text === "all") return true;
      if (t.text === "sameuser") {
        if (c.database === c.user) return true;
        continue;
      }
      if (t.text === "samegroup" || t.text === "samerole") {
        if (c.isMember(c.database)) return true;
        continue;
      }
      if (t.text === "replication") continue;
      if (t.text.startsWith("/") && t.text.length > 1) {
        if (regexMatches(t, c.database)) return true;
        continue;
      }
    }
    if (t.text === c.database) return true;
  }
  return false;
}

function matchesRole(tokens: readonly HbaToken[], c: HbaConnection): boolean {
  for (const t of tokens) {
    if (!t.quoted) {
      if (t.text === "all") return true;
      if (t.text.startsWith("+") && t.text.length > 1) {
        if (c.isMember(t.text.slice(1))) return true;
        continue;
      }
      if (t.text.startsWith("/") && t.text.length > 1) {
        if (regexMatches(t, c.user)) return true;
        continue;
      }
    }
    if (t.text === c.user) return true;
  }
  return false;
}

/** The first record that fits, or null: the connection is refused. */
export function checkHba(lines: readonly HbaLine[], c: HbaConnection): HbaLine | null {
  for (const l of lines) {
    if (c.address === null) {
      if (l.connType !== "local") continue;
    } else {
      // There is no TLS and no GSS encryption: records that demand them never fit.
      if (l.connType === "local" || l.connType === "hostssl" || l.connType === "hostgssenc") continue;
      if (!matchesAddress(l.address, c)) continue;
    }
    if (matchesDatabase(l.databases, c) && matchesRole(l.roles, c)) return l;
  }
  return null;
}

/** Takes pg_ident.conf apart. */
export function parseIdent(
  text: string,
  file: string,
  read: ReadText = readText,
): { lines: IdentLine[]; errors: HbaError[] } {
  const lines: IdentLine[] = [];
  const errors: HbaError[] = [];
  for (const l of logicalLines(text, file, errors, read)) {
    if (l.fields.length < 3) {
      errors.push({ file: l.file, line: l.line, message: "missing entry at end of line" });
      continue;
    }
    lines.push({
      file: l.file,
      line: l.line,
      map: l.fields[0][0].text,
      systemUser: l.fields[1][0],
      pgUser: l.fields[2][0],
    });
  }
  return { lines, errors };
}

/** True if the system user may be the database user: by the map, or by the same name where there is none. */
export function checkUsermap(
  map: string | undefined,
  lines: readonly IdentLine[],
  systemUser: string,
  pgUser: string,
): boolean {
  if (map === undefined || map === "") return systemUser === pgUser;
  for (const l of lines) {
    if (l.map !== map) continue;
    let target = l.pgUser.text;
    if (!l.systemUser.quoted && l.systemUser.text.startsWith("/")) {
      const m = systemUser.match(new RegExp(l.systemUser.text.slice(1)));
      if (m === null) continue;
      target = target.replace("\\1", m[1] ?? "");
    } else if (l.systemUser.text !== systemUser) continue;
    if (!l.pgUser.quoted && l.pgUser.text === "all") return true;
    if (target === pgUser) return true;
  }
  return false;
}
