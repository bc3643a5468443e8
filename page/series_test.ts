import assert from "node:assert/strict";
import {
  labelled,
  largest,
  ticksOf,
  timesOf,
  type UsageSums,
  valuesOf,
} from "./series.ts";

const row = (said: Partial<UsageSums>): UsageSums => ({
  requests: 0,
  errors: {},
  used: {},
  cost: 0,
  costGuessed: 0,
  guessed: 0,
  unpriced: 0,
  ...said,
});

Deno.test("timesOf() has every step once, begun ones too", () => {
  const since = Date.parse("2026-11-20T10:30:00Z");
  const until = Date.parse("2026-11-20T13:00:00Z");
  assert.deepEqual(
    timesOf("hour", since, until).map((time) => new Date(time).toISOString()),
    ["10", "11", "12"].map((hour) => `2026-11-20T${hour}:00:00.000Z`),
  );
  assert.equal(timesOf("day", since, until).length, 1);
  assert.equal(timesOf("hour", 0, until).length, 1000);
});

Deno.test("valuesOf() puts sums at their time, and nothing elsewhere", () => {
  const times = timesOf("day", 0, 3 * 86_400_000);
  const rows = [
    row({ day: "1970-01-01", provider: "a", requests: 1 }),
    row({ day: "1970-01-03", provider: "a", requests: 2 }),
    row({ day: "1970-01-03", provider: "b", requests: 4 }),
    row({ day: "1971-01-01", requests: 8 }),
  ];
  const read = ({ requests }: UsageSums) => requests;
  assert.deepEqual(valuesOf(rows, times, read), [1, 0, 6]);
  const nameOf = ({ provider = "" }: UsageSums) => provider;
  assert.deepEqual(largest(rows, { nameOf, read, most: 2 }), ["", "b"]);
});

Deno.test("ticksOf() ends at the largest value or above it, in round steps", () => {
  for (const value of [0.0003, 0.7, 1, 3, 9, 10, 99, 101, 12_345, 9e9]) {
    const ticks = ticksOf(value, false);
    assert.ok(ticks.at(-1)! >= value * (1 - 1e-9), `${value}`);
    assert.ok(ticks.length >= 3 && ticks.length <= 6, `${value}: ${ticks}`);
  }
  assert.deepEqual(ticksOf(2, true), [0, 1, 2]);
  assert.deepEqual(ticksOf(0, true), [0, 1]);
});

Deno.test("labelled() names the last place, and no more than there is room for", () => {
  assert.deepEqual(labelled(5, 9), [0, 1, 2, 3, 4]);
  assert.deepEqual(labelled(24, 6), [3, 7, 11, 15, 19, 23]);
  assert.deepEqual(labelled(3, 0), [2]);
});
