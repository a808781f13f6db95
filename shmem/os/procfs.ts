/**
 * Files of /proc, read through libc: the runtime's own file functions ask for every permission there is before they
 * read in /proc, and the compiled program does not have them.
 */
import { close, O_RDONLY, open, readBuf } from "./files.ts";

const CHUNK_BYTES = 65536;

/** A file such as `/proc/17/stat` as text, or null if it cannot be read (the process is gone, or another user's). */
export function readProcFile(path: string): string | null {
  const fd = open(path, O_RDONLY);
  if (fd < 0) return null;
  try {
    const decoder = new TextDecoder();
    const chunk = new Uint8Array(new ArrayBuffer(CHUNK_BYTES));
    let text = "";
    for (;;) {
      const n = readBuf(fd, chunk);
      if (n < 0) return null;
      if (n === 0) return text;
      text += decoder.decode(chunk.subarray(0, n), { stream: true });
    }
  } finally {
    close(fd);
  }
}

/** The state letter of a process (`Z` is a zombie), or null if there is none or it cannot be seen. */
export function processState(pid: number): string | null {
  const stat = readProcFile(`/proc/${pid}/stat`);
  return stat === null || stat === "" ? null : stat.slice(stat.lastIndexOf(")") + 2)[0];
}
