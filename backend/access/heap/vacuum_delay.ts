/**
 * Cost-based delay: VACUUM and ANALYZE sleep when the pages they touched have cost enough.
 * Follows vacuum_delay_point() in src/backend/commands/vacuum.c.
 */
import { guc } from "../../../conf/guc_values.ts";
import { checkForInterrupts } from "../../../shmem/interrupt.ts";
import { resetLatch, waitLatch } from "../../../shmem/latch.ts";
import { vacuumCost } from "../../storage/buffer/buffer_usage.ts";

/** Parameters of the running vacuum; autovacuum workers have their own. */
export const vacuumCostParams = { delayMs: 0, limit: 200 };

/** Takes the parameters of a manual VACUUM from the settings. */
export function vacuumUpdateCosts(): void {
  vacuumCostParams.delayMs = guc.vacuum_cost_delay;
  vacuumCostParams.limit = guc.vacuum_cost_limit;
  vacuumCost.active = vacuumCostParams.delayMs > 0;
  if (!vacuumCost.active) vacuumCost.balance = 0;
}

/** Call once for each page or so, without holding a buffer lock. */
export function vacuumDelayPoint(): void {
  checkForInterrupts();
  if (!vacuumCost.active || vacuumCost.balance < vacuumCostParams.limit) return;
  const ms = Math.min(
    (vacuumCostParams.delayMs * vacuumCost.balance) / vacuumCostParams.limit,
    vacuumCostParams.delayMs * 4,
  );
  vacuumCost.balance = 0;
  if (ms > 0) {
    waitLatch({ timeoutMs: ms });
    resetLatch();
    checkForInterrupts();
  }
}
