/**
 * The configuration files of a fresh data directory. Short: what the administrator is likely to want, with the defaults
 * that initdb has chosen. Every parameter is PostgreSQL's, so that the directory starts under either server.
 */

export interface ConfigChoices {
  maxConnections: number;
  sharedBuffers: string;
  walSegmentMegabytes: number;
  timezone: string;
  lcMessages: string;
  textSearchConfig: string;
  passwordEncryption: string;
  /** Settings given with -c name=value, added at the end. */
  extra: readonly (readonly [string, string])[];
}

function quote(value: string): string {
  return `'${value.replaceAll("'", "''").replaceAll("\\", "\\\\")}'`;
}

/** postgresql.conf */
export function postgresqlConf(c: ConfigChoices): string {
  const extra = c.extra.length === 0
    ? ""
    : "\n# Given at initialization.\n" + c.extra.map(([k, v]) => `${k} = ${quote(v)}\n`).join("");
  return `# Server configuration. One parameter a line: name = value. Reload with "pg_ctl reload" or
# "select pg_reload_conf()"; parameters marked (restart) need a restart. Values changed by ALTER SYSTEM are in
# postgresql.auto.conf, which is read after this file and wins.

# Connections
#listen_addresses = 'localhost'          # (restart) '*' for all interfaces
#port = 5432                             # (restart)
max_connections = ${c.maxConnections}                   # (restart)
#unix_socket_directories = '/tmp'        # (restart)
#password_encryption = '${c.passwordEncryption}'

# Memory
shared_buffers = ${c.sharedBuffers}                   # (restart)
#work_mem = 4MB
#maintenance_work_mem = 64MB
dynamic_shared_memory_type = posix      # (restart)

# Write-ahead log
#wal_level = replica                     # (restart)
#fsync = on
#synchronous_commit = on
#full_page_writes = on
#checkpoint_timeout = 5min
max_wal_size = ${c.walSegmentMegabytes * 64}MB
min_wal_size = ${c.walSegmentMegabytes * 5}MB

# Logging
#log_destination = 'stderr'
#logging_collector = off                 # (restart)
#log_min_duration_statement = -1
#log_line_prefix = '%m [%p] '
log_timezone = ${quote(c.timezone)}

# Autovacuum
#autovacuum = on

# Locale and formatting
datestyle = 'iso, mdy'
timezone = ${quote(c.timezone)}
lc_messages = ${quote(c.lcMessages)}
lc_monetary = ${quote(c.lcMessages)}
lc_numeric = ${quote(c.lcMessages)}
lc_time = ${quote(c.lcMessages)}
default_text_search_config = ${quote(c.textSearchConfig)}
${extra}`;
}

/** postgresql.auto.conf */
export function autoConf(): string {
  return `# Written by ALTER SYSTEM; do not edit: your changes would be overwritten.\n`;
}

/** pg_hba.conf with one method for local sockets and one for the loopback interface. */
export function pgHbaConf(authLocal: string, authHost: string): string {
  const line = (type: string, db: string, address: string, method: string) =>
    `${type.padEnd(7)} ${db.padEnd(15)} all             ${address.padEnd(23)} ${method}\n`;
  return `# Who may connect, and how they prove who they are. The first line that matches decides.
#
# type     local (Unix socket), host (TCP), hostssl, hostnossl
# database all, sameuser, replication, or names
# method   trust, reject, scram-sha-256, md5, password, peer, cert

# TYPE  DATABASE        USER            ADDRESS                 METHOD
${line("local", "all", "", authLocal)}${line("host", "all", "127.0.0.1/32", authHost)}${
    line("host", "all", "::1/128", authHost)
  }${line("local", "replication", "", authLocal)}${line("host", "replication", "127.0.0.1/32", authHost)}${
    line("host", "replication", "::1/128", authHost)
  }`;
}

/** pg_ident.conf */
export function pgIdentConf(): string {
  return `# Maps names that authentication gives (peer, cert) to roles.
#
# MAPNAME       SYSTEM-USERNAME         DATABASE-USERNAME
`;
}
