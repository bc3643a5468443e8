/** Ours come through the kit as they were sent, on both runtimes; every line of its allow list is needed for that. */

import assert from "node:assert/strict";
import { ALLOWED } from "../fidelity/allow.ts";
import { startOrigin } from "../fidelity/origin.ts";
import { said } from "../fidelity/report.ts";
import { chosen, look } from "../fidelity/run.ts";
import { startOurs } from "../fidelity/subjects.ts";
import { RUNTIMES } from "./subject.ts";

const PLAYED = chosen({ quick: true, seed: 7, cases: 200 });

Deno.test("fidelity: ours are at 100 %, by a list of at most ten reasoned lines, of which each is needed", async () => {
  assert.ok(ALLOWED.length <= 10);
  assert.equal(new Set(ALLOWED.map(({ id }) => id)).size, ALLOWED.length);
  for (const { id, what, why } of ALLOWED) {
    assert.ok(what.length > 20 && why.length > 40, id);
  }
  const results = await Promise.all(RUNTIMES.map(async (runtime) => {
    const origin = await startOrigin();
    const { name, gateway, stop } = await startOurs(runtime, origin);
    try {
      return await look(name, PLAYED, { origin, gateway });
    } finally {
      await stop();
      await origin.stop();
    }
  }));
  for (const { name, failures, passed, total, families } of results) {
    assert.deepEqual(
      failures.map(({ family, name, differences }) =>
        `${family}, ${name}: ${said(differences)}`
      ),
      [],
      name,
    );
    assert.equal(passed, total);
    for (const { family, total } of families) assert.ok(total > 0, family);
    assert.ok(total > 1000, `${total} cases`);
  }
  for (const { id } of ALLOWED) {
    assert.ok(results.some(({ allowed }) => allowed[id]! > 0), `${id} is idle`);
  }
});
