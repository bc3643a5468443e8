import assert from "node:assert/strict";
import { levelsOf, moved, type Place, type Ranked, step } from "./levels.ts";

const row = (id: string, priority: number, fixed = false): Ranked => ({
  id,
  priority,
  fixed,
});
const TWO = [row("a", 0), row("b", 5)];
const SHARED = [row("a", 0), row("b", 0), row("c", 1)];
const OWN = [row("env", 0, true), row("a", 0), row("b", 1)];

Deno.test("moved() changes no more priorities than the order needs", () => {
  const cases: [readonly Ranked[], string, Place, Record<string, number>][] = [
    [TWO, "b", { join: 0 }, { b: 0 }],
    [TWO, "a", { join: 1 }, { a: 5 }],
    [TWO, "b", { before: 0 }, { b: 0, a: 1 }],
    [TWO, "a", { before: 2 }, { a: 6 }],
    [TWO, "a", { before: 0 }, {}],
    [SHARED, "b", { before: 0 }, { a: 1, c: 2 }],
    [SHARED, "b", { before: 1 }, { b: 1, c: 2 }],
    [SHARED, "c", { join: 0 }, { c: 0 }],
    [OWN, "b", { join: 0 }, { b: 0 }],
    [OWN, "a", { before: 1 }, { a: 1, b: 2 }],
  ];
  for (const [rows, id, place, changed] of cases) {
    const result = moved(rows, id, place);
    assert.ok(typeof result !== "string", `${id} ${JSON.stringify(place)}`);
    assert.deepEqual(
      Object.fromEntries(result),
      changed,
      `${id} ${JSON.stringify(place)}`,
    );
  }
});

Deno.test("moved() says why a key cannot go somewhere", () => {
  assert.match(`${moved(OWN, "env", { before: 1 })}`, /environment/);
  assert.match(`${moved(OWN, "b", { before: 0 })}`, /environment/);
  const full = Array.from({ length: 100 }, (_, i) => row(`k${i}`, i));
  const shared = [...full, row("more", 99)];
  assert.match(`${moved(shared, "more", { before: 100 })}`, /last is taken/);
});

Deno.test("step() leaves a shared level before it joins the next, and stops at both ends", () => {
  const shared = levelsOf(SHARED);
  assert.deepEqual(step(shared, "b", -1), { before: 0 });
  assert.deepEqual(step(shared, "b", 1), { before: 1 });
  assert.deepEqual(step(shared, "c", -1), { join: 0 });
  assert.equal(step(shared, "c", 1), undefined);
  assert.equal(step(levelsOf(TWO), "a", -1), undefined);
  assert.equal(step(shared, "nobody", 1), undefined);
});
