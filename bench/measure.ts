/**
 * Measuring two servers alternately, so that whatever else the machine does falls on both.
 */
export interface Measurement {
  readonly name: string;
  /** What the numbers are. Of "ms" and "MB" less is better, of "/s" more. */
  readonly unit: "/s" | "ms" | "MB";
  readonly pgts: number;
  readonly reference: number;
}

/** The middle one of an odd number of values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1];
}

/** Runs both alternately, `rounds` times each, and takes the medians. */
export async function alternate(
  name: string,
  unit: Measurement["unit"],
  rounds: number,
  pgts: () => Promise<number>,
  reference: () => Promise<number>,
): Promise<Measurement> {
  const a: number[] = [];
  const b: number[] = [];
  for (let i = 0; i < rounds; i++) {
    a.push(await pgts());
    b.push(await reference());
  }
  const m = { name, unit, pgts: median(a), reference: median(b) };
  console.log(`${name.padEnd(48)} ${show(m.pgts)} : ${show(m.reference)} ${unit}   ${ratio(m).toFixed(2)}`);
  return m;
}

/** How many times as good as the reference: above 1 is better, whatever the unit. */
export function ratio(m: Measurement): number {
  return m.unit === "/s" ? m.pgts / m.reference : m.reference / m.pgts;
}

export function show(n: number): string {
  return n >= 100 ? n.toFixed(0) : n.toFixed(1);
}

export async function timed(body: () => Promise<unknown>): Promise<number> {
  const t0 = performance.now();
  await body();
  return performance.now() - t0;
}

/** Memory of a process that no other shares, in MB. */
export function privateMegabytes(pid: number): number {
  const text = Deno.readTextFileSync(`/proc/${pid}/smaps_rollup`);
  const kb = (field: string) => Number(new RegExp(`^${field}: +(\\d+) kB`, "m").exec(text)?.[1] ?? 0);
  return (kb("Private_Clean") + kb("Private_Dirty")) / 1024;
}
