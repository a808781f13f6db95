/** Empty RelOptInfo. One literal, so that all relations share a shape. */
import type { RelOptInfo, RelOptKind } from "../pathnodes.ts";
import type { Relids } from "../relids.ts";
import { createEmptyPathtarget } from "./tlist.ts";

export function makeRelOptInfo(reloptkind: RelOptKind, relids: Relids): RelOptInfo {
  return {
    reloptkind,
    relids,
    rows: 0,
    consider_startup: false,
    consider_param_startup: false,
    reltarget: createEmptyPathtarget(),
    pathlist: [],
    ppilist: [],
    cheapest_startup_path: null,
    cheapest_total_path: null,
    cheapest_unique_path: null,
    cheapest_parameterized_paths: [],
    direct_lateral_relids: 0n,
    lateral_relids: 0n,
    relid: 0,
    rtekind: "RTE_JOIN",
    min_attr: 0,
    max_attr: 0,
    attr_needed: [],
    attr_widths: [],
    notnullattnums: null,
    lateral_vars: [],
    lateral_referencers: 0n,
    indexlist: [],
    statlist: [],
    pages: 0,
    tuples: 0,
    allvisfrac: 0,
    eclass_indexes: null,
    subroot: null,
    subplan_params: [],
    rel_parallel_workers: -1,
    baserestrictinfo: [],
    baserestrictcost: { startup: 0, per_tuple: 0 },
    baserestrict_min_security: Number.MAX_SAFE_INTEGER,
    joininfo: [],
    has_eclass_joins: false,
    unique_for_rels: [],
    non_unique_for_rels: [],
  };
}
