/**
 * BitmapHeapScan over BitmapIndexScan, BitmapAnd and BitmapOr: collects TIDs first, then visits the pages in order.
 * Follows src/backend/executor/{nodeBitmapHeapscan.c,nodeBitmapIndexscan.c,nodeBitmapAnd.c,nodeBitmapOr.c}.
 */
import { notBuilt } from "../../base/error.ts";
import { ForkNumber, InvalidBuffer } from "../../base/types.ts";
import { heapHotSearchBuffer, hotSearch } from "../access/heap/heapam_fetch.ts";
import { heapBeginscan, heapEndscan, heapPreparePagescan, type HeapScan } from "../access/heap/heapam_scan.ts";
import { heapPagePruneOpt } from "../access/heap/pruneheap.ts";
import { indexBeginscanBitmap, indexEndscan, indexGetbitmap, indexRescan } from "../access/index/indexam.ts";
import type { ScanKey } from "../access/index/scankey.ts";
import type { BitmapHeapScan, BitmapIndexScan, Plan } from "../nodes/nodes.ts";
import {
  BUFFER_LOCK_SHARE,
  BUFFER_LOCK_UNLOCK,
  lockBuffer,
  readBufferExtended,
  releaseBuffer,
} from "../storage/buffer/bufmgr.ts";
import type { PlanCompiler, Produce } from "./exec_compile.ts";
import type { EState } from "./exec_estate.ts";
import type { NodeInstrumentation } from "./exec_instrument.ts";
import { buildScanKeys, emitKeyValues } from "./exec_indexscan.ts";
import { epqScan, heapScanRow } from "./exec_scan.ts";
import { TIDBitmap } from "./tidbitmap.ts";

export const produceBitmapHeapScan: Produce<BitmapHeapScan> = (pc, plan, needed, consume) => {
  if (epqScan(pc, plan, needed, consume, [...plan.bitmapqualorig, ...plan.qual])) return;
  const { cg } = pc;
  const state = cg.decl("bs", "null");
  cg.onEnd(`if(${state}!==null){${state}.end();${state}=null;}`);
  cg.emit(`if(${state}===null)${state}=new ${cg.h("BitmapHeapState")}(X,${plan.scanrelid});`);
  if (cg.options.instrument) cg.emit(`${pc.instr(plan.plan_node_id)}.bitmapHeap=${state};`);
  const bitmap = emitBitmap(pc, plan.lefttree!);
  const [s, n, i, vo, vt, b, t, pass] = ["s", "n", "i", "vo", "vt", "b", "t", "pass"].map((x) => cg.name(x));
  cg.emit(`${state}.start(${bitmap});`);
  cg.block(`while(${state}.nextPage())`, () => {
    cg.emit(`${cg.h("checkForInterrupts")}();`);
    cg.emit(
      `const ${s}=${state}.scan,${b}=${s}.rsCblock*65536,${n}=${s}.rsNtuples,${vo}=${s}.rsVisOffsets,${vt}=${s}.rsVisTuples;`,
    );
    cg.block(`for(let ${i}=0;${i}<${n};${i}++)`, () => {
      cg.emit(`const ${t}=${vo}[${i}];`);
      const desc = pc.relations.tupleDesc(plan.scanrelid);
      const tid = `(${b}+${vt}[${i}])`;
      cg.emit(`let ${pass}=true;`);
      cg.block(`if(${state}.recheck)`, () => {
        cg.emit(`${pass}=false;`);
        const quals = { ...plan, targetlist: [], qual: plan.bitmapqualorig };
        heapScanRow(pc, quals, desc, t, tid, new Set(), () => cg.emit(`${pass}=true;`));
      });
      cg.block(`if(${pass})`, () => heapScanRow(pc, plan, desc, t, tid, needed, consume));
    });
  });
};

/** Emits the computation of a bitmap; returns its name. */
function emitBitmap(pc: PlanCompiler, plan: Plan): string {
  const { cg } = pc;
  const tbm = cg.name("tbm");
  if (cg.options.instrument) cg.emit(`${pc.instr(plan.plan_node_id)}.loops++;`);
  switch (plan.type) {
    case "BitmapIndexScan": {
      const specs = buildScanKeys(pc.relations.index(plan.indexid), (plan as BitmapIndexScan).indexqual);
      const { keys, possible } = emitKeyValues(pc, specs);
      cg.emit(
        `const ${tbm}=${cg.h("bitmapIndexScan")}(X,${cg.slot(plan.indexid)},${keys},${possible},${specs.recheck},${
          cg.options.instrument ? pc.instr(plan.plan_node_id) : "null"
        });`,
      );
      return tbm;
    }
    case "BitmapAnd":
    case "BitmapOr": {
      const parts = (plan.bitmapplans as Plan[]).map((p) => emitBitmap(pc, p));
      const method = plan.type === "BitmapAnd" ? "intersect" : "union";
      cg.emit(`const ${tbm}=${parts[0]};${parts.slice(1).map((p) => `${tbm}.${method}(${p});`).join("")}`);
      return tbm;
    }
    default:
      throw notBuilt(`bitmap source ${plan.type}`);
  }
}

/** TIDs of the index entries that match. */
export function bitmapIndexScan(
  X: EState,
  indexid: number,
  keys: readonly ScanKey[],
  possible: boolean,
  recheck: boolean,
  instr: NodeInstrumentation | null,
): TIDBitmap {
  const tbm = new TIDBitmap();
  if (!possible) return tbm;
  const scan = indexBeginscanBitmap(X.openIndex(indexid), X.snapshot, keys.length);
  indexRescan(scan, keys);
  if (instr === null) indexGetbitmap(scan, (tid, check) => tbm.add(tid, check || recheck));
  else {
    indexGetbitmap(scan, (tid, check) => {
      instr.tuples++;
      tbm.add(tid, check || recheck);
    });
    instr.indexScan ??= { nsearches: 0 };
    instr.indexScan.nsearches += scan.nsearches;
  }
  indexEndscan(scan);
  return tbm;
}

/** The heap side: a HeapScan whose pages and rows the bitmap chooses. */
export class BitmapHeapState {
  readonly scan: HeapScan;
  recheck = false;
  private bitmap: TIDBitmap | null = null;
  private blocks = new Float64Array(0);
  private at = 0;
  exactPages = 0;
  lossyPages = 0;

  constructor(X: EState, rti: number) {
    this.scan = heapBeginscan(X.relation(rti), X.snapshot!);
  }
  start(bitmap: TIDBitmap): void {
    this.bitmap = bitmap;
    this.blocks = bitmap.sortedBlocks() as Float64Array<ArrayBuffer>;
    this.at = 0;
  }
  nextPage(): boolean {
    const { scan } = this;
    while (this.at < this.blocks.length) {
      const block = this.blocks[this.at++];
      // Rows of blocks added since the scan began cannot be visible to it.
      if (block >= scan.nblocks) continue;
      const page = this.bitmap!.page(block);
      this.recheck = page.recheck;
      if (page.bits === null) {
        this.lossyPages++;
        heapPreparePagescan(scan, block);
      } else {
        this.exactPages++;
        this.prepare(block, page.bits);
      }
      if (scan.rsNtuples > 0) return true;
    }
    return false;
  }
  /** The visible members of the HOT chains that the bitmap's offsets start. */
  private prepare(block: number, bits: Uint32Array): void {
    const { scan } = this;
    if (scan.rsCbuf !== InvalidBuffer) releaseBuffer(scan.rsCbuf);
    scan.rsCbuf = InvalidBuffer;
    const buffer = readBufferExtended(scan.rel, ForkNumber.MAIN, block, "normal", scan.strategy);
    scan.rsCbuf = buffer;
    scan.rsCblock = block;
    heapPagePruneOpt(scan.rel, buffer);
    lockBuffer(buffer, BUFFER_LOCK_SHARE);
    let n = 0;
    for (let w = 0; w < bits.length; w++) {
      for (let word = bits[w]; word !== 0; word &= word - 1) {
        const offnum = w * 32 + (31 - Math.clz32(word & -word)) + 1;
        const tid = heapHotSearchBuffer(block * 65536 + offnum, scan.rel, buffer, scan.snapshot, false);
        if (tid < 0) continue;
        scan.rsVisTuples[n] = tid % 65536;
        scan.rsVisOffsets[n++] = hotSearch.off;
      }
    }
    scan.rsNtuples = n;
    lockBuffer(buffer, BUFFER_LOCK_UNLOCK);
  }
  end(): void {
    heapEndscan(this.scan);
  }
}
