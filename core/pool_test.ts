import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { createCooling } from "./cooling.ts";
import { type Credential, credentialsFor, isSingle } from "./credential.ts";
import { choose, noneLeft, type Wanted } from "./pool.ts";
import { createRota } from "./rota.ts";

const NOW = 1_795_000_000;
const key = (id: string, more: Partial<Credential> = {}): Credential => ({
  id,
  key: `sk-canary-pool-${id}`,
  ...more,
});
const COLD = { until: () => 0 };

function wanted(more: Partial<Wanted> = {}): Wanted {
  return {
    model: "m",
    sticky: undefined,
    cooling: COLD,
    rota: createRota(),
    tried: new Set(),
    now: NOW,
    ...more,
  };
}

/** A conversation's name, as they look. */
const named = (n: number) =>
  createHash("sha256").update(`conversation ${n}`).digest("base64url");

/** How often each key was chosen. */
function shares(
  pool: readonly Credential[],
  draws: number,
  pick: (n: number) => Partial<Wanted>,
) {
  const rota = createRota();
  const counts: Record<string, number> = {};
  for (let n = 0; n < draws; n++) {
    const { id } = choose(pool, wanted({ rota, ...pick(n) }))!;
    counts[id] = (counts[id] ?? 0) + 1;
  }
  return counts;
}

function near(actual: number | undefined, expected: number, name: string) {
  const off = Math.abs((actual ?? 0) / expected - 1);
  assert.ok(off <= 0.05, `${name}: ${actual} is not ${expected}`);
}

const WEIGHTED = [
  key("a"),
  key("b", { weight: 2 }),
  key("c", { weight: 3 }),
  key("d", { weight: 10 }),
  key("e", { weight: 4 }),
];

for (
  const [how, pick] of [
    ["in turn", () => ({})],
    ["by conversation", (n: number) => ({ sticky: named(n) })],
  ] as const
) {
  Deno.test(`choose() gives each key its share of 100,000, ${how}`, () => {
    const counts = shares(WEIGHTED, 100_000, pick);
    for (const { id, weight = 1 } of WEIGHTED) {
      near(counts[id], weight * 5_000, id);
    }
  });

  Deno.test(`choose() shares among those that are left, ${how}`, () => {
    const cooling = { until: (id: string) => id === "d" ? NOW + 60 : 0 };
    const tried = new Set(["e"]);
    const counts = shares(
      WEIGHTED,
      60_000,
      (n) => ({ cooling, tried, ...pick(n) }),
    );
    near(counts.a, 10_000, "a");
    near(counts.b, 20_000, "b");
    near(counts.c, 30_000, "c");
    assert.deepEqual(Object.keys(counts).sort(), ["a", "b", "c"]);
  });
}

Deno.test("choose() takes turns evenly whatever subset is healthy, and forgets nobody", () => {
  // Keys for other models: each request sees another set.
  const pool = [
    key("all", { weight: 3 }),
    key("g", { models: ["gpt-*"] }),
    key("o", { models: ["o*"], weight: 2 }),
  ];
  const models = ["gpt-4o", "o3", "gpt-4o", "x", "o3"];
  const rota = createRota();
  const counts: Record<string, number> = {};
  for (let n = 0; n < 50_000; n++) {
    const model = models[n % models.length]!;
    const { id } = choose(pool, wanted({ rota, model }))!;
    counts[`${model} ${id}`] = (counts[`${model} ${id}`] ?? 0) + 1;
  }
  assert.equal(counts["x all"], 10_000);
  near(counts["gpt-4o g"], 20_000 / 4, "gpt");
  near(counts["o3 o"], 20_000 * 2 / 5, "o3");
});

Deno.test("choose() gives each key its share of a model, whatever turns another takes of fewer keys between", () => {
  const pool = [key("a"), key("b"), key("rests", { weight: 2 })];
  const cooling = {
    until: (id: string, model: string) =>
      id === "rests" && model === "spent" ? NOW + 60 : 0,
  };
  const rota = createRota();
  const counts: Record<string, number> = {};
  for (let n = 0; n < 8_000; n++) {
    const model = ["spent", "well"][n % 2]!;
    const { id } = choose(pool, wanted({ rota, model, cooling }))!;
    counts[`${model} ${id}`] = (counts[`${model} ${id}`] ?? 0) + 1;
  }
  assert.deepEqual(counts, {
    "spent a": 2_000,
    "spent b": 2_000,
    "well rests": 2_000,
    "well a": 1_000,
    "well b": 1_000,
  });
});

Deno.test("choose() gives a conversation the same key, and moves no other's when one is lost or comes", () => {
  const names = Array.from({ length: 5_000 }, (_, n) => named(n));
  const owners = (pool: readonly Credential[], more: Partial<Wanted> = {}) =>
    names.map((sticky) => choose(pool, wanted({ sticky, ...more }))!.id);
  const before = owners(WEIGHTED);
  assert.deepEqual(owners([...WEIGHTED].reverse()), before);
  const without = owners(WEIGHTED, { tried: new Set(["d"]) });
  without.forEach((id, n) => {
    if (before[n] !== "d") assert.equal(id, before[n]);
  });
  const withOne = owners([...WEIGHTED, key("f")]);
  withOne.forEach((id, n) => assert.ok(id === "f" || id === before[n]));
  assert.ok(withOne.includes("f"));
});

const CASES: {
  name: string;
  pool: readonly Credential[];
  more?: Partial<Wanted>;
  chosen: string | undefined;
}[] = [
  { name: "nothing of an empty pool", pool: [], chosen: undefined },
  {
    name: "the lowest priority",
    pool: [key("a"), key("b", { priority: -1 }), key("c", { priority: 1 })],
    chosen: "b",
  },
  {
    name: "the next priority where the lowest has none left",
    pool: [key("a", { priority: 1 }), key("b")],
    more: { tried: new Set(["b"]) },
    chosen: "a",
  },
  {
    name: "no expired key, not even as the last",
    pool: [key("a", { expires: NOW })],
    chosen: undefined,
  },
  {
    name: "a key until the second it expires",
    pool: [key("a", { expires: NOW + 1 })],
    chosen: "a",
  },
  {
    name: "a key for the model",
    pool: [key("a", { models: ["o*"] }), key("b", { models: ["x", "m*"] })],
    chosen: "b",
  },
  {
    name: "any key for what names no model",
    pool: [key("a", { models: ["o*"] })],
    more: { model: "" },
    chosen: "a",
  },
  {
    name: "any key where its models are none",
    pool: [key("a", { models: [] })],
    chosen: "a",
  },
  {
    name: "no key that rests for this model",
    pool: [key("a"), key("b", { priority: 5 })],
    more: {
      cooling: { until: (id, model) => id === "a" && model === "m" ? 1 : 0 },
    },
    chosen: "b",
  },
  {
    name: "a key that rests for another model",
    pool: [key("a"), key("b", { priority: 5 })],
    more: {
      cooling: { until: (id, model) => id === "a" && model === "n" ? 1 : 0 },
    },
    chosen: "a",
  },
];

for (const { name, pool, more, chosen } of CASES) {
  for (const sticky of [undefined, "conversation"]) {
    Deno.test(`choose() chooses ${name}${sticky ? ", sticking" : ""}`, () => {
      assert.equal(choose(pool, wanted({ sticky, ...more }))?.id, chosen);
    });
  }
}

Deno.test("noneLeft() names the earliest end, and asks no SDK to sleep for long", () => {
  const pool = [key("a"), key("b"), key("c", { models: ["other"] })];
  const ending = (a: number, b: number) => ({
    model: "m",
    now: NOW,
    cooling: { until: (id: string) => NOW + (id === "a" ? a : b) },
  });
  const short = { refused: "keys_cooling", unsent: true };
  const long = { ...short, fields: [["x-should-retry", "false"]] };
  assert.deepEqual(noneLeft(pool, ending(60, 900)), {
    ...short,
    retryAfter: 60,
  });
  assert.deepEqual(noneLeft(pool, ending(0.2, 900)), {
    ...short,
    retryAfter: 1,
  });
  assert.deepEqual(noneLeft(pool, ending(900, 60.5)), {
    ...long,
    retryAfter: 61,
  });
});

Deno.test("noneLeft() says where there is no key at all", () => {
  const bare = { model: "m", now: NOW, cooling: COLD };
  assert.deepEqual(noneLeft([key("a", { expires: NOW })], bare), {
    refused: "no_credential",
    unsent: true,
  });
  assert.deepEqual(noneLeft([key("a", { models: ["x"] })], bare), {
    refused: "no_credential",
    detail: "This doppel has no key for this model.",
    unsent: true,
  });
});

Deno.test("credentialsFor() gives what is in use, or the minted secret alone", () => {
  const token = {} as never;
  const pool = [key("a"), key("b", { expires: NOW }), key("c")];
  const ids = (given: ReturnType<typeof credentialsFor>) =>
    "refused" in given ? given.refused : given.map(({ id }) => id);
  const holder = { token, by: "", turn: 0 };
  assert.deepEqual(ids(credentialsFor(holder, pool, NOW - 1)), ["a", "b", "c"]);
  assert.deepEqual(ids(credentialsFor(holder, pool, NOW)), ["a", "c"]);
  assert.equal(ids(credentialsFor(holder, [pool[1]!], NOW)), "no_credential");
  assert.equal(ids(credentialsFor(holder, undefined, NOW)), "no_credential");
  const minted = { provider: "openai", secret: "ek_1" };
  assert.deepEqual(credentialsFor({ ...holder, minted }, pool, NOW), [
    { id: "openai-minted", key: "ek_1", minted: true },
  ]);
});

Deno.test("isSingle() is one key for any model", () => {
  assert.ok(isSingle([key("a", { models: [] })]));
  assert.ok(!isSingle([key("a", { models: ["m"] })]));
  assert.ok(!isSingle([key("a"), key("b")]));
});

/** Cooling with a clock and a store that can be away. */
function cooled() {
  let time = NOW * 1000;
  const told: unknown[] = [];
  let away = false;
  const cooling = createCooling({
    now: () => time,
    tell(cooldowns) {
      told.push(...cooldowns);
      return away ? Promise.reject(new Error("away")) : Promise.resolve();
    },
  });
  return {
    cooling,
    told,
    tick: (seconds: number) => void (time += seconds * 1000),
    goAway: () => void (away = true),
  };
}

const rest = (credential: string, model: string, seconds: number) => ({
  credential,
  model,
  until: NOW + seconds,
  why: "quota",
});

Deno.test("a cooldown of one model leaves the others, one of all leaves none, and each ends", () => {
  const { cooling, told, tick } = cooled();
  cooling.cool(rest("a", "m", 30));
  cooling.cool(rest("b", "", 60));
  assert.equal(cooling.until("a", "m"), NOW + 30);
  assert.equal(cooling.until("a", "n"), 0);
  assert.equal(cooling.until("a", ""), 0);
  assert.equal(cooling.until("b", "m"), NOW + 60);
  tick(30);
  assert.equal(cooling.until("a", "m"), 0);
  assert.equal(cooling.until("b", ""), NOW + 60);
  assert.deepEqual(told, [rest("a", "m", 30), rest("b", "", 60)]);
});

Deno.test("of two ends the later one stands, and the store is not told of the sooner", () => {
  const { cooling, told } = cooled();
  cooling.cool(rest("a", "m", 30));
  cooling.cool(rest("a", "m", 20));
  assert.equal(cooling.until("a", "m"), NOW + 30);
  assert.equal(told.length, 1);
});

Deno.test("learn() takes over what the store knows, but for what the store could not be told", async () => {
  const { cooling, goAway } = cooled();
  cooling.cool(rest("told", "", 60));
  cooling.learn()([rest("other", "m", 30)]);
  assert.equal(cooling.until("told", ""), NOW + 60, "telling is under way");
  await Promise.resolve();
  goAway();
  cooling.cool(rest("untold", "", 60));
  await Promise.resolve();
  cooling.learn()([rest("other", "m", 90)]);
  assert.equal(cooling.until("told", ""), 0, "somebody has warmed it");
  assert.equal(cooling.until("untold", ""), NOW + 60);
  assert.equal(cooling.until("other", "m"), NOW + 90);
});

Deno.test("learn() forgets nothing that the store was told while it was read", async () => {
  const { cooling } = cooled();
  const learnt = cooling.learn();
  cooling.cool(rest("a", "", 60));
  await Promise.resolve();
  learnt([rest("other", "m", 30)]);
  assert.equal(cooling.until("a", ""), NOW + 60);
  cooling.learn()([]);
  assert.deepEqual([cooling.until("a", ""), cooling.until("other", "m")], [
    0,
    0,
  ]);
});

Deno.test("refused() counts what comes one after another", () => {
  const { cooling } = cooled();
  assert.deepEqual(
    [cooling.refused("a"), cooling.refused("a"), cooling.refused("b")],
    [1, 2, 1],
  );
  cooling.served("a");
  assert.equal(cooling.refused("a"), 1);
});

Deno.test("what is known stays bounded, and what ends last stays longest", () => {
  const { cooling } = cooled();
  for (let n = 0; n < 30_000; n++) cooling.cool(rest("a", `m${n}`, 60 + n));
  assert.equal(cooling.until("a", "m0"), 0);
  assert.equal(cooling.until("a", "m29999"), NOW + 60 + 29_999);
});
