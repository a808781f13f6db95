import assert from "node:assert/strict";
import {
  explainBeginOutput,
  explainCloseGroup,
  explainEndOutput,
  type ExplainFormat,
  explainOpenGroup,
  explainPropertyFloat,
  explainPropertyList,
  explainPropertyText,
  fixed,
  newExplainState,
} from "./explain_format.ts";

function sample(format: ExplainFormat): string {
  const es = newExplainState();
  es.format = format;
  explainBeginOutput(es);
  explainOpenGroup("Query", null, true, es);
  explainOpenGroup("Plan", "Plan", true, es);
  explainPropertyText("Node Type", "Seq Scan", es);
  explainPropertyFloat("Total Cost", null, 1.5, 2, es);
  explainPropertyList("Output", ["a", 'b "c"'], es);
  explainCloseGroup("Plan", "Plan", true, es);
  explainCloseGroup("Query", null, true, es);
  explainEndOutput(es);
  return es.out;
}

Deno.test("the JSON writer gives JSON in PostgreSQL's layout", () => {
  const out = sample("json");
  assert.deepEqual(JSON.parse(out), [{ Plan: { "Node Type": "Seq Scan", "Total Cost": 1.5, Output: ["a", 'b "c"'] } }]);
  assert.ok(out.startsWith('[\n  {\n    "Plan": {\n      "Node Type": "Seq Scan",\n      "Total Cost": 1.50,'));
});
Deno.test("the YAML writer nests groups by indentation", () => {
  assert.equal(
    sample("yaml"),
    '- Plan: \n    Node Type: "Seq Scan"\n    Total Cost: 1.50\n    Output: \n      - "a"\n      - "b \\"c\\""',
  );
});
Deno.test("the XML writer makes element names of labels", () => {
  const out = sample("xml");
  assert.ok(out.includes("      <Node-Type>Seq Scan</Node-Type>\n"));
  assert.ok(out.endsWith("</explain>"));
});
Deno.test("fixed() rounds exact ties to even, as printf does", () => {
  assert.equal(fixed(226.125, 2), "226.12");
  assert.equal(fixed(0.375, 2), "0.38");
  assert.equal(fixed(0.626, 2), "0.63");
  assert.equal(fixed(2.5, 0), "2");
  assert.equal(fixed(349.285, 2), (349.285).toFixed(2));
});
