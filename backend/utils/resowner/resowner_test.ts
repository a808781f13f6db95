import assert from "node:assert/strict";
import { setMessageSink } from "../../../base/error.ts";
import { type ResourceKind, ResourceOwner, setBufferPinHooks } from "./resowner.ts";

function recorder() {
  const log: string[] = [];
  const kind = (name: string, phase: "before_locks" | "after_locks", priority: number): ResourceKind<string> => ({
    name,
    phase,
    priority,
    release: (v) => log.push(`${name} ${v}`),
    print: (v) => v,
  });
  return { log, kind };
}

Deno.test("release() gives back children first, by phase and priority, newest first", () => {
  const { log, kind } = recorder();
  const early = kind("early", "before_locks", 1);
  const late = kind("late", "before_locks", 2);
  const after = kind("after", "after_locks", 1);
  const top = new ResourceOwner(null, "top");
  const child = new ResourceOwner(top, "child");
  top.remember(late, "a");
  top.remember(early, "b");
  top.remember(early, "c");
  top.remember(after, "d");
  child.remember(late, "e");
  top.release("before_locks", false, true);
  assert.deepEqual(log, ["late e", "early c", "early b", "late a"]);
  top.release("locks", false, true);
  top.release("after_locks", false, true);
  assert.equal(log.at(-1), "after d");
  top.delete();
});

Deno.test("release() at commit warns about what was left, and forget() prevents it", () => {
  const { log, kind } = recorder();
  const files = kind("File", "after_locks", 1);
  const warnings: string[] = [];
  const old = setMessageSink((severity, f) => warnings.push(`${severity} ${f.message}`));
  try {
    const owner = new ResourceOwner(null, "top");
    owner.remember(files, "kept");
    owner.remember(files, "given back");
    owner.forget(files, "given back");
    assert.throws(() => owner.forget(files, "given back"), /File given back is not owned by resource owner top/);
    owner.release("after_locks", true, true);
    assert.deepEqual(log, ["File kept"]);
    assert.deepEqual(warnings, ["WARNING resource was not closed: File kept"]);
    owner.delete();
  } finally {
    setMessageSink(old);
  }
});

Deno.test("buffer pins: forgetBuffer() takes one pin of several, the rest are released", () => {
  const released: number[] = [];
  setBufferPinHooks((b) => released.push(b), (b) => `buffer ${b}`);
  const owner = new ResourceOwner(null, "top");
  for (let i = 1; i <= 40; i++) owner.rememberBuffer(i);
  owner.rememberBuffer(7);
  owner.forgetBuffer(7);
  owner.forgetBuffer(13);
  assert.equal(owner.bufferPinCount, 39);
  assert.throws(() => owner.forgetBuffer(13), /not owned/);
  owner.release("before_locks", false, true);
  assert.equal(released.length, 39);
  assert.ok(released.includes(7));
  owner.delete();
});
