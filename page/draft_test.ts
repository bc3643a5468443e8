import assert from "node:assert/strict";
import { changedBy, cleaned, type Draft, withDraft } from "./draft.ts";

const ROWS = [
  { id: "a", priority: 0, weight: 1 },
  { id: "b", priority: 1, weight: 2 },
];
const NONE: Draft = new Map();

Deno.test("a draft holds what differs from what is saved, and no more", () => {
  const one = changedBy(NONE, ROWS, new Map([["a", { priority: 3 }]]));
  assert.deepEqual([...one], [["a", { priority: 3 }]]);
  assert.deepEqual(ROWS.map((row) => withDraft(row, one).priority), [3, 1]);
  const two = changedBy(one, ROWS, new Map([["a", { weight: 5 }]]));
  assert.deepEqual([...two], [["a", { priority: 3, weight: 5 }]]);
  const back = changedBy(
    two,
    ROWS,
    new Map([["a", { priority: 0, weight: 1 }]]),
  );
  assert.deepEqual([...back], []);
});

Deno.test("a draft forgets keys that are gone, and what others have saved alike", () => {
  const draft: Draft = new Map([["a", { priority: 1 }], ["gone", {
    weight: 9,
  }]]);
  assert.deepEqual([...cleaned(draft, ROWS)], [["a", { priority: 1 }]]);
  assert.deepEqual(
    [...cleaned(draft, [{ id: "a", priority: 1, weight: 1 }])],
    [],
  );
});
