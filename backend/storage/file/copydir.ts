/**
 * Copying files and directories, for CREATE DATABASE with STRATEGY FILE_COPY and for init forks.
 * Follows src/backend/storage/file/copydir.c (PostgreSQL 18).
 */
import { mem } from "../../../shmem/memory.ts";
import { checkForInterrupts } from "../../../shmem/interrupt.ts";
import { EEXIST, EINTR, ENOSPC } from "../../../shmem/os/errno.ts";
import * as os from "../../../shmem/os/files.ts";
import { lazyPrivate } from "../page/scratch.ts";
import { basicOpenFile, fileError, fsyncFname, makePGDirectory, readDirectory } from "./fd.ts";
import { guc } from "../../../conf/guc_values.ts";

const COPY_BYTES = 8 * 8192;
const buffer = lazyPrivate(COPY_BYTES, 4096);

/** copy_file(): the target must not exist. Not fsynced. */
export function copyFile(from: string, to: string): void {
  const src = basicOpenFile(from, os.O_RDONLY);
  if (src < 0) throw fileError(src, `could not open file "${from}"`, "copy_file");
  const dst = basicOpenFile(to, os.O_RDWR | os.O_CREAT | os.O_EXCL);
  if (dst < 0) {
    os.close(src);
    throw fileError(dst, `could not create file "${to}"`, "copy_file");
  }
  try {
    const addr = mem.addr + buffer();
    for (;;) {
      checkForInterrupts();
      const n = os.read(src, addr, COPY_BYTES);
      if (n === -EINTR) continue;
      if (n < 0) throw fileError(n, `could not read file "${from}"`, "copy_file");
      if (n === 0) break;
      for (let at = 0; at < n;) {
        const w = os.write(dst, addr + at, n - at);
        if (w === -EINTR) continue;
        if (w <= 0) throw fileError(w < 0 ? w : -ENOSPC, `could not write to file "${to}"`, "copy_file");
        at += w;
      }
    }
  } finally {
    os.close(src);
    os.close(dst);
  }
}

/** copydir(): copies all files (and, with `recurse`, directories), then fsyncs everything. */
export function copydir(from: string, to: string, recurse: boolean): void {
  const rc = makePGDirectory(to);
  if (rc < 0 && rc !== -EEXIST) throw fileError(rc, `could not create directory "${to}"`, "copydir");
  const entries = readDirectory(from);
  for (const e of entries) {
    checkForInterrupts();
    if (e.kind === "directory") {
      if (recurse) copydir(`${from}/${e.name}`, `${to}/${e.name}`, true);
    } else if (e.kind === "file") {
      copyFile(`${from}/${e.name}`, `${to}/${e.name}`);
    }
  }
  if (!guc.fsync) return;
  for (const e of entries) if (e.kind === "file") fsyncFname(`${to}/${e.name}`, false);
  fsyncFname(to, true);
}
