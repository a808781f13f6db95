/** The path to take when only a part of the rows will be fetched. Follows get_cheapest_fractional_path of planner.c. */
import type { Path, RelOptInfo } from "../pathnodes.ts";
import { compareFractionalPathCosts } from "./pathkeys.ts";

export function getCheapestFractionalPath(rel: RelOptInfo, tupleFraction: number): Path {
  let best = rel.cheapest_total_path!;
  if (tupleFraction <= 0) return best;
  let fraction = tupleFraction;
  if (fraction >= 1 && best.rows > 0) fraction /= best.rows;
  for (const p of rel.pathlist) {
    if (p.param_info !== null) continue;
    if (p === rel.cheapest_total_path || compareFractionalPathCosts(best, p, fraction) <= 0) continue;
    best = p;
  }
  return best;
}
