/** Every API's list of models, with source and date, and what is read of it. */

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { ModelFacts } from "../core/facts.ts";
import { PROVIDERS } from "./mod.ts";

interface Case {
  readonly provider: string;
  readonly source: string;
  readonly date: string;
  readonly answer: unknown;
  readonly is: readonly ModelFacts[];
}

const CASES: readonly Case[] = JSON.parse(
  readFileSync(new URL("../test/models/lists.json", import.meta.url), "utf8"),
);

function readerOf(provider: string) {
  return PROVIDERS.find(({ id }) => id === provider)!.models;
}

Deno.test("every row has a list of models with its source and date", () => {
  const seen = new Set(CASES.map(({ provider }) => provider));
  assert.deepEqual([...seen].sort(), PROVIDERS.map(({ id }) => id).sort());
  for (const { source, date } of CASES) {
    assert.match(source, /^https:\/\//);
    assert.match(date, /^2026-\d\d-\d\d$/);
  }
});

for (const { provider, source, answer, is } of CASES) {
  Deno.test(`${provider}'s list is read as ${source} writes it`, () => {
    assert.deepEqual(readerOf(provider).read(answer), is);
  });
}

Deno.test("what is no list is none, and what is no model is left out", () => {
  for (const { id, models } of PROVIDERS) {
    for (
      const answer of [
        ...[undefined, null, "", 7, {}, { object: "list" }],
        ...[{ data: {}, models: {} }, { error: { message: "no" } }],
      ]
    ) assert.equal(models.read(answer), undefined, id);
    const odd = [
      null,
      7,
      "m",
      {},
      { id: 7, name: 7 },
      { id: "", name: "" },
      { id: "a\nb", name: "a\nb" },
      { id: "\x1b[2Jm", name: "\x1b[2Jm" },
      { id: "m".repeat(257), name: "m".repeat(257) },
      {
        id: "m",
        name: "m",
        created: "soon",
        created_at: -1,
        owned_by: "o".repeat(257),
        organization: "o\0",
        context_length: "131072",
        context_window: -1,
        max_context_length: 0,
        inputTokenLimit: 1.5,
        capabilities: "all",
        architecture: null,
        top_provider: [],
      },
    ];
    const answer = { data: odd, models: odd };
    const [only, ...more] = models.read(answer)!;
    assert.deepEqual([only!.id, more], ["m", []], id);
    const { kind: _, ...facts } = only!;
    assert.deepEqual(facts, { id: "m" }, id);
  }
});

Deno.test("a time of creation that no calendar has is none", () => {
  for (const created of [1e20, Infinity, 253_402_300_800]) {
    const data = [{ id: "m", created, created_at: created }];
    for (const { id, models } of PROVIDERS) {
      assert.equal(models.read({ data })![0]!.created, undefined, id);
    }
  }
});

Deno.test("each list is asked for on the row's own surface, and is one of its endpoints", () => {
  for (const { id, models, surface, endpoints } of PROVIDERS) {
    const [path = ""] = models.path.split("?");
    assert.ok(surface.test(path), id);
    assert.equal(
      endpoints.find(([, pattern]) => pattern.test(`GET ${path}`))?.[0],
      "models",
      id,
    );
  }
});
