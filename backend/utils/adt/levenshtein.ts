/**
 * Bounded edit distance, for "Perhaps you meant" hints and the like. Follows src/backend/utils/adt/levenshtein.c.
 */

/** Distance by characters, or maxD + 1 as soon as it must exceed `maxD`. Costs are integers. */
export function varstrLevenshteinLessEqual(
  source: string,
  target: string,
  insC: number,
  delC: number,
  subC: number,
  maxD: number,
): number {
  const s = [...source];
  const t = [...target];
  if (s.length === 0) return t.length * insC;
  if (t.length === 0) return s.length * delC;
  let prev = new Array<number>(s.length + 1);
  let curr = new Array<number>(s.length + 1);
  for (let i = 0; i <= s.length; i++) prev[i] = i * delC;
  for (let j = 1; j <= t.length; j++) {
    curr[0] = j * insC;
    let best = curr[0];
    for (let i = 1; i <= s.length; i++) {
      const ins = prev[i] + insC;
      const del = curr[i - 1] + delC;
      const sub = prev[i - 1] + (s[i - 1] === t[j - 1] ? 0 : subC);
      curr[i] = Math.min(ins, del, sub);
      if (curr[i] < best) best = curr[i];
    }
    if (maxD >= 0 && best > maxD) return maxD + 1;
    [prev, curr] = [curr, prev];
  }
  return maxD >= 0 && prev[s.length] > maxD ? maxD + 1 : prev[s.length];
}
