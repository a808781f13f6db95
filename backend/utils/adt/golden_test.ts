/** Every case in testdata/*.golden gives the reference's answer. */
import assert from "node:assert/strict";
import { installBuiltinTypeProvider } from "./builtin_type_provider.ts";
import { escapeLine, type GoldenCase, parseCase, runCase, setGuc } from "./testdata/case_runner.ts";

const dir = new URL("./testdata/", import.meta.url);

/** Runs a golden file; returns the lines that differ. */
function runFile(name: string): string[] {
  setGuc("@set TimeZone default");
  const bad: string[] = [];
  const reset = new Set<string>();
  for (const line of Deno.readTextFileSync(new URL(name, dir)).split("\n")) {
    if (line === "" || line.startsWith("#")) continue;
    if (line.startsWith("@set ")) {
      setGuc(line);
      reset.add(line.split(" ")[1]);
      continue;
    }
    const arrow = line.lastIndexOf(" => ");
    const brace = line.lastIndexOf(' {"a":');
    const c: GoldenCase = {
      ...parseCase(line.slice(0, arrow)),
      expected: line.slice(arrow + 4, brace),
      info: JSON.parse(line.slice(brace + 1)),
    };
    let got: string;
    try {
      got = escapeLine(runCase(c));
    } catch (e) {
      got = `CRASH ${(e as Error).stack?.split("\n").slice(0, 3).join(" ")}`;
    }
    if (got !== c.expected) bad.push(`${c.line}\n     expected ${c.expected}\n     got      ${got}`);
  }
  for (const g of reset) setGuc(`@set ${g} default`);
  return bad;
}

installBuiltinTypeProvider();
for (const e of Array.from(Deno.readDirSync(dir)).sort((a, b) => a.name < b.name ? -1 : 1)) {
  if (!e.name.endsWith(".golden")) continue;
  Deno.test(`builtins answer as the reference in ${e.name}`, () => {
    const bad = runFile(e.name);
    assert.equal(bad.length, 0, `${bad.length} differences:\n${bad.join("\n")}`);
  });
}
