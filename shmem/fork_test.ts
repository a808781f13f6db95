import { spawnScript, waitForChildren } from "./testing/children.ts";

const PARENT = new URL("./testing/fork_parent.ts", import.meta.url);

Deno.test("forkProcess() makes children that allocate, collect and compile, when prepared and when not", () => {
  waitForChildren([spawnScript(PARENT, ["10", "prepared"]), spawnScript(PARENT, ["4"])], 60000);
});
