/**
 * The command line of this process as `ps` shows it: overwritten in place, in the memory where the kernel put the arguments.
 *
 * A process that shall have a title is started with a long last argument, which makes room. A forked child inherits the
 * place. Follows src/backend/utils/misc/ps_status.c (PS_USE_CLOBBER_ARGV).
 */
import { libc, SCRATCH_GENERAL, scratchAddr, scratchU8 } from "./libc.ts";
import { readProcFile } from "./procfs.ts";

// Fields of /proc/self/stat, counted from 1.
const ARG_START = 48;
const ARG_END = 49;
const MOST_BYTES = 1024;

const encoder = new TextEncoder();
let start = 0;
let room = 0;
/** Bytes that the last title left there. */
let shown = 0;
let prefix = "";
let activity = "";

/** Finds the arguments and clears them. Where /proc is missing, titles are not shown. */
export function initPsDisplay(): void {
  const stat = readProcFile("/proc/self/stat");
  if (stat === null) return;
  const fields = stat.slice(stat.lastIndexOf(")") + 2).trim().split(" ");
  start = Number(fields[ARG_START - 3]);
  const bytes = Number(fields[ARG_END - 3]) - start;
  if (!(start > 0 && bytes > 0)) return;
  // The kernel goes on behind the arguments if their last byte is not a NUL.
  scratchU8.fill(0, SCRATCH_GENERAL, SCRATCH_GENERAL + bytes);
  libc.memcpy(start, scratchAddr + SCRATCH_GENERAL, bytes);
  room = Math.min(bytes, MOST_BYTES) - 1;
}

function show(title: string): void {
  if (room <= 0) return;
  const { written } = encoder.encodeInto(title, scratchU8.subarray(SCRATCH_GENERAL, SCRATCH_GENERAL + room));
  if (written < shown) scratchU8.fill(0, SCRATCH_GENERAL + written, SCRATCH_GENERAL + shown);
  libc.memcpy(start, scratchAddr + SCRATCH_GENERAL, Math.max(written, shown));
  shown = written;
}

/** init_ps_display(): who the process is. Cut to the room there is. */
export function setPsDisplay(title: string): void {
  prefix = `${title} `;
  activity = "";
  show(prefix);
}
/** set_ps_display(): what it does now. */
export function setPsActivity(text: string): void {
  if (text === activity) return;
  activity = text;
  show(prefix + text);
}
