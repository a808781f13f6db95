/** How many pages random index fetches read. Follows index_pages_fetched of costsize.c. */
import { guc } from "../../../conf/guc_values.ts";
import type { PlannerInfo } from "../pathnodes.ts";

/** Mackert and Lohman's estimate of distinct pages read by `tuples` random fetches. */
export function indexPagesFetched(tuples: number, pages: number, indexPages: number, root: PlannerInfo): number {
  const T = pages > 1 ? pages : 1;
  let total = root.total_table_pages + indexPages;
  if (total < 1) total = 1;
  let b = (guc.effective_cache_size * T) / total;
  b = b <= 1 ? 1 : Math.ceil(b);
  if (T <= b) {
    const f = (2 * T * tuples) / (2 * T + tuples);
    return f >= T ? T : Math.ceil(f);
  }
  const lim = (2 * T * b) / (2 * T - b);
  const f = tuples <= lim ? (2 * T * tuples) / (2 * T + tuples) : b + ((tuples - lim) * (T - b)) / T;
  return Math.ceil(f);
}
