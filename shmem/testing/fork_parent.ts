/** A process of fork_test.ts: forks children that allocate, collect garbage and compile, and checks how they end. */
import { forkProcess, prepareFork } from "../os/fork.ts";
import { exitNow, waitpid } from "../os/process.ts";

if (Deno.args[1] === "prepared" && !prepareFork()) exitNow(2);
const wasm = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
for (let round = 0; round < Number(Deno.args[0]); round++) {
  const pid = forkProcess();
  if (pid === 0) {
    let sum = 0;
    for (let i = 0; i < 50; i++) {
      const garbage = Array.from({ length: 20000 }, (_, k) => ({ k, text: `x${k}` }));
      sum += garbage.length +
        (new Function("a", `let s = 0; for (let j = 0; j < 1000; j++) s += a + ${i}; return s;`)(i) as number);
    }
    new WebAssembly.Module(wasm);
    exitNow(sum > 0 ? 7 : 1);
  }
  const status = pid < 0 ? null : waitpid(pid, 0);
  if (status?.code !== 7) {
    console.error(`round ${round}:`, pid, status);
    exitNow(1);
  }
}
exitNow(0);
