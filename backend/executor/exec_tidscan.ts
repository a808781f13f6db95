/**
 * TidScan and TidRangeScan: rows by their place. Follows src/backend/executor/{nodeTidscan.c,nodeTidrangescan.c}.
 */
import { notBuilt } from "../../base/error.ts";
import { type ItemPointer, tidBlock } from "../../base/types.ts";
import { type BufferHeapTuple, heapFetch, makeBufferHeapTuple } from "../access/heap/heapam_fetch.ts";
import { heapBeginscan, type HeapScan, heapSetTidrange } from "../access/heap/heapam_scan.ts";
import type { Node, TidRangeScan, TidScan } from "../nodes/nodes.ts";
import { relationGetNumberOfBlocks } from "../storage/buffer/bufmgr.ts";
import type { Datum } from "../utils/fmgr/datum.ts";
import { execCatalog } from "./exec_catalog.ts";
import type { Produce } from "./exec_compile.ts";
import type { EState } from "./exec_estate.ts";
import { epqScan, heapScanRow } from "./exec_scan.ts";

function isCtid(n: Node): boolean {
  return n.type === "Var" && n.varattno === -1;
}

export const produceTidScan: Produce<TidScan> = (pc, plan, needed, consume) => {
  if (epqScan(pc, plan, needed, consume, [...plan.tidquals, ...plan.qual])) return;
  const { cg } = pc;
  const [list, i, t, tup] = ["tids", "i", "t", "tup"].map((x) => cg.name(x));
  const parts = plan.tidquals.map((q) => {
    if (q.type === "OpExpr") {
      return `[${cg.datum(pc.exprs.compile(isCtid(q.args[0]) ? q.args[1] : q.args[0], {}))}]`;
    }
    if (q.type === "ScalarArrayOpExpr") {
      const a = cg.stable(pc.exprs.compile(q.args[1], {}));
      return `(${a.n}?[]:${cg.h("deconstructDatumArray")}(${a.v}))`;
    }
    throw notBuilt("WHERE CURRENT OF");
  });
  const holder = cg.decl("tt", "null");
  cg.onEnd(`if(${holder}!==null){${holder}.release();${holder}=null;}`);
  cg.emit(`const ${list}=${cg.h("tidList")}(X,${plan.scanrelid},[${parts.join(",")}]);`);
  cg.emit(`if(${holder}===null)${holder}=${cg.h("makeBufferHeapTuple")}();const ${tup}=${holder};`);
  cg.block(`for(let ${i}=0;${i}<${list}.length;${i}++)`, () => {
    cg.emit(`if(!${cg.h("fetchTid")}(X,${plan.scanrelid},${tup},${list}[${i}]))continue;const ${t}=${tup}.off;`);
    heapScanRow(pc, plan, pc.relations.tupleDesc(plan.scanrelid), t, `${tup}.self`, needed, consume);
  });
};

export const produceTidRangeScan: Produce<TidRangeScan> = (pc, plan, needed, consume) => {
  if (epqScan(pc, plan, needed, consume, [...plan.tidrangequals, ...plan.qual])) return;
  const { cg } = pc;
  const bounds = plan.tidrangequals.map((q) => {
    if (q.type !== "OpExpr") throw new Error("unexpected TID range qual");
    const left = isCtid(q.args[0]);
    let name = execCatalog().operator(q.opno).name;
    if (!left) name = { "<": ">", "<=": ">=", ">": "<", ">=": "<=" }[name] ?? name;
    return `["${{ "<": "lt", "<=": "le", ">": "gt", ">=": "ge" }[name]}",${
      cg.datum(pc.exprs.compile(q.args[left ? 1 : 0], {}))
    }]`;
  });
  const scan = cg.decl("sc", "null");
  cg.onEnd(`if(${scan}!==null){${cg.h("heapEndscan")}(${scan});${scan}=null;}`);
  const [r, s, b, n, i, vo, vt, t] = ["r", "s", "b", "n", "i", "vo", "vt", "t"].map((x) => cg.name(x));
  cg.emit(`const ${r}=${cg.h("tidRange")}([${bounds.join(",")}]);`);
  cg.emit(`if(${scan}!==null)${cg.h("heapEndscan")}(${scan});`);
  cg.emit(`const ${s}=${scan}=${cg.h("beginTidRange")}(X,${plan.scanrelid},${r});`);
  cg.block(`while(${cg.h("heapNextPage")}(${s},1))`, () => {
    cg.emit(`const ${b}=${s}.rsCblock*65536,${n}=${s}.rsNtuples,${vo}=${s}.rsVisOffsets,${vt}=${s}.rsVisTuples;`);
    cg.block(`for(let ${i}=0;${i}<${n};${i}++)`, () => {
      const tid = `(${b}+${vt}[${i}])`;
      cg.emit(`if(${tid}<${r}.min||${tid}>${r}.max)continue;const ${t}=${vo}[${i}];`);
      heapScanRow(pc, plan, pc.relations.tupleDesc(plan.scanrelid), t, tid, needed, consume);
    });
  });
};

// ---- run time ----

/** The TIDs to visit: in order, each once, none beyond the end of the table. */
export function tidList(X: EState, rti: number, lists: readonly (readonly Datum[])[]): ItemPointer[] {
  const blocks = relationGetNumberOfBlocks(X.relation(rti));
  const all = new Set<number>();
  for (const l of lists) {
    for (const d of l) if (typeof d === "number" && d % 65536 !== 0 && tidBlock(d) < blocks) all.add(d);
  }
  return [...all].sort((a, b) => a - b);
}
export function fetchTid(X: EState, rti: number, tup: BufferHeapTuple, tid: ItemPointer): boolean {
  tup.release();
  tup.self = tid;
  return heapFetch(X.relation(rti), X.snapshot!, tup, false);
}
export interface TidRange {
  min: ItemPointer;
  max: ItemPointer;
}
const MAX_TID = 0xffffffff * 65536 + 0xffff;
/** Intersection of the bounds; empty if one is null. */
export function tidRange(bounds: readonly [string, Datum][]): TidRange {
  const r = { min: 0, max: MAX_TID };
  for (const [op, d] of bounds) {
    if (d === null) return { min: 1, max: 0 };
    const tid = d as number;
    if (op === "lt") r.max = Math.min(r.max, tid - 1);
    else if (op === "le") r.max = Math.min(r.max, tid);
    else if (op === "gt") r.min = Math.max(r.min, tid + 1);
    else r.min = Math.max(r.min, tid);
  }
  return r;
}
export function beginTidRange(X: EState, rti: number, r: TidRange): HeapScan {
  const scan = heapBeginscan(X.relation(rti), X.snapshot!);
  heapSetTidrange(scan, r.min, r.max);
  return scan;
}
export { makeBufferHeapTuple };
