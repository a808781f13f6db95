import { strict as assert } from "node:assert";
import { EACCES, EAGAIN, EEXIST, ENOENT, errnoCode, osCheck, OsError, strerror } from "./errno.ts";
import { isAllZero } from "./libc.ts";
import * as files from "./files.ts";
import * as process from "./process.ts";
import * as sockets from "./sockets.ts";

function withTempDir(action: (dir: string) => void): void {
  const dir = Deno.makeTempDirSync({ prefix: "pgts_os_" });
  try {
    action(dir);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

Deno.test("open() returns -errno when the file is missing", () => {
  assert.equal(files.open("/nonexistent/file", files.O_RDONLY), -ENOENT);
  assert.equal(errnoCode(ENOENT), "ENOENT");
  assert.equal(strerror(EACCES), "Permission denied");
  assert.throws(() => osCheck("open", -ENOENT, "/x"), (e: unknown) => e instanceof OsError && e.code === "ENOENT");
});

Deno.test("pwriteBuf() and preadBuf() move bytes at offsets beyond 4 GiB", () => {
  withTempDir((dir) => {
    const fd = osCheck("open", files.open(`${dir}/f`, files.O_RDWR | files.O_CREAT | files.O_EXCL));
    const u8 = new Uint8Array(new ArrayBuffer(16)).fill(7);
    const far = 5 * 2 ** 30;
    assert.equal(files.pwriteBuf(fd, u8, 16, far), 16);
    assert.equal(files.fileSize(fd), far + 16);
    const back = new Uint8Array(new ArrayBuffer(16));
    assert.equal(files.preadBuf(fd, back, 16, far), 16);
    assert.deepEqual(back, u8);
    assert.equal(files.ftruncate(fd, 8192), 0);
    assert.equal(files.fsync(fd), 0);
    const st = files.fstat(fd);
    assert.ok(typeof st !== "number" && st.size === 8192 && st.isFile && st.mode === 0o600);
    assert.equal(files.flock(fd, files.LOCK_EX | files.LOCK_NB), 0);
    files.close(fd);
  });
});

Deno.test("readDir(), mkdir(), rename(), symlink() and unlink() do what their names say", () => {
  withTempDir((dir) => {
    assert.equal(files.mkdir(`${dir}/sub`), 0);
    assert.equal(files.mkdir(`${dir}/sub`), -EEXIST);
    assert.equal(files.writeFile(`${dir}/a`, new TextEncoder().encode("hällo")), 0);
    assert.equal(files.rename(`${dir}/a`, `${dir}/sub/b`), 0);
    assert.equal(files.symlink("sub", `${dir}/link`), 0);
    assert.equal(files.readlink(`${dir}/link`), "sub");
    const entries = files.readDir(dir);
    assert.ok(typeof entries !== "number");
    assert.deepEqual(
      entries.sort((x, y) => x.name < y.name ? -1 : 1),
      [{ name: "link", kind: "symlink" }, { name: "sub", kind: "directory" }],
    );
    const data = files.readFile(`${dir}/sub/b`);
    assert.ok(typeof data !== "number");
    assert.equal(new TextDecoder().decode(data), "hällo");
    const st = files.lstat(`${dir}/link`);
    assert.ok(typeof st !== "number" && st.isSymlink);
    assert.equal(files.fileExists(`${dir}/sub/b`), true);
    assert.equal(files.unlink(`${dir}/sub/b`), 0);
    assert.equal(files.fileExists(`${dir}/sub/b`), false);
  });
});

Deno.test("sendFd() and recvFd() carry a descriptor with its payload", () => {
  const [a, b] = sockets.socketpair();
  const [readEnd, writeEnd] = files.pipe2();
  assert.equal(sockets.sendFd(a, writeEnd, new Uint8Array([1, 2, 3])), 3);
  const got = sockets.recvFd(b, 100);
  assert.ok(typeof got !== "number" && got.fd >= 0);
  assert.deepEqual([...got.bytes], [1, 2, 3]);
  files.writeBuf(got.fd, new Uint8Array(new ArrayBuffer(1)).fill(42));
  const one = new Uint8Array(new ArrayBuffer(1));
  assert.equal(files.readBuf(readEnd, one), 1);
  assert.equal(one[0], 42);
  assert.equal(sockets.sendFd(a, -1, new Uint8Array([9])), 1);
  const plain = sockets.recvFd(b, 100);
  assert.ok(typeof plain !== "number" && plain.fd === -1 && plain.bytes[0] === 9);
  for (const fd of [a, b, readEnd, writeEnd, got.fd]) files.close(fd);
});

Deno.test("bind(), accept4(), getpeername() and peerCredentials() serve TCP and Unix sockets", () => {
  withTempDir((dir) => {
    for (
      const [family, addr] of [
        [sockets.AF_INET, { family: "inet", host: "127.0.0.1", port: 0 }],
        [sockets.AF_UNIX, { family: "unix", path: `${dir}/.s.PGSQL.5432` }],
      ] as const
    ) {
      const server = osCheck("socket", sockets.socket(family, sockets.SOCK_STREAM));
      osCheck("bind", sockets.bind(server, addr));
      osCheck("listen", sockets.listen(server, 4));
      const name = sockets.getsockname(server);
      assert.ok(typeof name !== "number");
      const client = sockets.socket(family, sockets.SOCK_STREAM);
      osCheck("connect", sockets.connect(client, name));
      const conn = osCheck("accept", sockets.accept4(server));
      const buffer = new Uint8Array(new ArrayBuffer(8));
      assert.equal(sockets.recvBuf(conn, buffer, 8, sockets.MSG_DONTWAIT), -EAGAIN);
      sockets.sendBuf(client, new Uint8Array(new ArrayBuffer(5)).fill(3));
      sockets.setPollFd(0, conn, sockets.POLLIN);
      assert.equal(sockets.pollFds(1, 1000), 1);
      assert.equal(sockets.pollRevents(0), sockets.POLLIN);
      assert.equal(sockets.recvBuf(conn, buffer), 5);
      const peer = sockets.getpeername(conn);
      assert.ok(typeof peer !== "number" && peer.family === addr.family);
      if (addr.family === "unix") assert.equal(sockets.peerCredentials(conn).pid, process.getpid());
      else {
        assert.equal(sockets.setsockoptInt(conn, sockets.IPPROTO_TCP, sockets.TCP_NODELAY, 1), 0);
        assert.equal(sockets.getsockoptInt(conn, sockets.IPPROTO_TCP, sockets.TCP_NODELAY), 1);
      }
      for (const fd of [server, client, conn]) files.close(fd);
    }
  });
});

Deno.test("parseIpv6() and formatIpv6() agree with RFC 5952", () => {
  for (const text of ["::", "::1", "2001:db8::1:0:0:1", "fe80::1", "1:2:3:4:5:6:7:8", "::ffff:1.2.3.4", "1::"]) {
    const bytes = sockets.parseIpv6(text);
    assert.ok(bytes !== null && bytes.length === 16, text);
    assert.equal(sockets.formatIpv6(bytes), text);
  }
  for (const bad of ["1:2", "::1::", "12345::", "g::", "1:2:3:4:5:6:7:8:9"]) assert.equal(sockets.parseIpv6(bad), null);
});

Deno.test("spawn() passes arguments, environment and descriptors, and waitpid() tells how it ended", () => {
  const [readEnd, writeEnd] = files.pipe2();
  const pid = process.spawn({
    path: "/bin/sh",
    args: ["sh", "-c", 'echo "$1 $PGTS_TEST" >&7; exit 3', "sh", "hello"],
    env: { PGTS_TEST: "wörld" },
    fds: [[7, writeEnd]],
  });
  files.close(writeEnd);
  const status = process.waitpid(pid, 0);
  assert.deepEqual(status, { pid, code: 3, signal: 0 });
  const buffer = new Uint8Array(new ArrayBuffer(64));
  const n = files.readBuf(readEnd, buffer);
  assert.equal(new TextDecoder().decode(buffer.slice(0, n)), "hello wörld\n");
  files.close(readEnd);
  assert.equal(process.waitpid(pid), null);
});

Deno.test("getrandom() fills the whole array", () => {
  const u8 = new Uint8Array(new ArrayBuffer(1000));
  process.getrandom(u8);
  assert.ok(new Set(u8).size > 200);
});

Deno.test("isAllZero() sees any byte that is not zero", () => {
  const u8 = new Uint8Array(new ArrayBuffer(4096));
  assert.equal(isAllZero(u8), true);
  for (const at of [0, 7, 8, 9, 2048, 4095]) {
    u8[at] = 1;
    assert.equal(isAllZero(u8), false, String(at));
    u8[at] = 0;
  }
  assert.equal(isAllZero(u8.subarray(100, 108)), true);
});
