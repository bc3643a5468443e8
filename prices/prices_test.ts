/** Prices, in and out: what calls cost, and what they can cost at most. */

import assert from "node:assert/strict";
import { calcPrice } from "@pydantic/genai-prices";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Usage } from "../core/usage.ts";
import { catalog, PROVIDERS } from "../test/catalog.ts";
import { ownersTable, pricesFrom } from "./book.ts";
import { type PriceBook, priceOf } from "./price.ts";
import { PricesError } from "./row.ts";

const shipped = await pricesFrom({ now: Date.now, defer: () => {} })();
const at = (moment: string) => Date.parse(moment) / 1000;
const NOW = at("2026-11-20T12:00:00Z");
const [K, M] = [1_000, 1_000_000];

/** Provider, model, tier, moment, usage and micro-dollars, worked out by hand from the list prices. */
const CALLS: [
  provider: string,
  model: string,
  occasion: string,
  usage: Usage,
  microDollars: number,
][] = [
  // 1000×2.5 + 500×10
  ["openai", "gpt-4o", "", { input: 1 * K, output: 500 }, 7_500],
  // 600×2.5 + 400×1.25 + 100×10
  [
    "openai",
    "gpt-4o",
    "",
    { input: 1 * K, cacheRead: 400, output: 100 },
    3_000,
  ],
  // (600×2.5 + 400×1.25 + 100×10) × 1.7
  [
    "openai",
    "gpt-4o-2024-08-06",
    "priority",
    { input: 1 * K, cacheRead: 400, output: 100 },
    5_100,
  ],
  // half of 7500
  ["openai", "gpt-4o", "batch", { input: 1 * K, output: 500 }, 3_750],
  // stated: 1000×0.25 + 500×1
  ["openai", "gpt-4o-mini", "priority", { input: 1 * K, output: 500 }, 750],
  // 1×0.15, rounded up
  ["openai", "gpt-4o-mini", "", { input: 1 }, 1],
  // 7×0.15 = 1.05, rounded up
  ["openai", "gpt-4o-mini", "default", { input: 7 }, 2],
  ["openai", "gpt-4o-mini", "", {}, 0],
  // reasoning is part of output: 100×1.25 + 1000×10
  [
    "openai",
    "gpt-5",
    "auto",
    { input: 100, output: 1 * K, reasoning: 900 },
    10_125,
  ],
  // half
  ["openai", "gpt-5", "flex", { input: 100, output: 1 * K }, 5_063],
  // before and after the cut of 2025-06-10
  [
    "openai",
    "o3",
    "@2025-06-09T23:59:59Z",
    { input: 1 * K, output: 1 * K },
    50_000,
  ],
  [
    "openai",
    "o3",
    "@2025-06-10T00:00:00Z",
    { input: 1 * K, output: 1 * K },
    10_000,
  ],
  // the threshold itself is not over it: 272000×2, 272001×4, and the answer goes with it
  ["openai", "gpt-6-sol", "", { input: 272_000, output: 10 }, 544_100],
  ["openai", "gpt-6-sol", "", { input: 272_001, output: 10 }, 1_088_154],
  // 100×2 + 500×0.1 + 300×2.5 + 100×5 + 10×10
  ["openai", "gpt-6.1-sol-2026-09-29", "", {
    input: 1 * K,
    cacheRead: 500,
    cacheWrite5m: 300,
    cacheWrite1h: 100,
    output: 10,
  }, 1_600],
  // twice 1000×8 + 1000×40
  ["openai", "gpt-6.2-astra", "fast", { input: 1 * K, output: 1 * K }, 96_000],
  // 200×4 + 700×32 + 100×0.4 + 100×16 + 400×64
  ["openai", "gpt-realtime", "", {
    input: 1 * K,
    inputAudio: 800,
    cacheRead: 100,
    cacheReadAudio: 100,
    output: 500,
    outputAudio: 400,
  }, 50_440],
  // 50×5 + 1000×10 + 4160×40
  ["openai", "gpt-image-1", "", {
    input: 1_050,
    inputImage: 1 * K,
    output: 4_160,
    outputImage: 4_160,
    images: 1,
  }, 176_650],
  // 0.36 an hour: 90 s × 0.0001
  ["openai", "whisper-1", "", { seconds: 90 }, 9_000],
  // 15 a million: 1001 characters
  ["openai", "tts-1", "", { characters: 1_001 }, 15_015],
  ["openai", "text-embedding-3-small", "", { input: 1 * M }, 20_000],
  // two searches at 10 a thousand, not halved: 20000 + (100×1.25 + 100×10)/2
  [
    "openai",
    "gpt-5",
    "flex",
    { input: 100, output: 100, webSearches: 2 },
    20_563,
  ],
  // 10×3 + 100×0.3 + 200×3.75 + 300×6 + 50×15
  ["anthropic", "claude-sonnet-4-20250514", "standard", {
    input: 610,
    cacheRead: 100,
    cacheWrite5m: 200,
    cacheWrite1h: 300,
    output: 50,
  }, 3_360],
  // 200001×6 + 10×22.5
  [
    "anthropic",
    "claude-sonnet-4-5",
    "",
    { input: 200_001, output: 10 },
    1_200_231,
  ],
  // 1000×5 + 1000×25, batch
  [
    "anthropic",
    "claude-opus-4-5",
    "batch",
    { input: 1 * K, output: 1 * K },
    15_000,
  ],
  // × 6 × 1.1
  [
    "anthropic",
    "claude-opus-4-6",
    "fast us",
    { input: 1 * K, output: 1 * K },
    198_000,
  ],
  // 1000×4 + 1000×20, × 2
  [
    "anthropic",
    "claude-opus-5-5",
    "fast",
    { input: 1 * K, output: 1 * K },
    48_000,
  ],
  // read from cache: 0.2 until, 0.1 from 2026-10-07
  [
    "anthropic",
    "claude-sonnet-5-5",
    "@2026-10-06T12:00:00Z",
    { input: 1 * K, cacheRead: 1 * K },
    200,
  ],
  [
    "anthropic",
    "claude-sonnet-5-5",
    "",
    { input: 1 * K, cacheRead: 1 * K },
    100,
  ],
  [
    "anthropic",
    "claude-haiku-5-5",
    "",
    { input: 100 * K, output: 1 * K },
    10_500,
  ],
  [
    "anthropic",
    "claude-haiku-5-5",
    "",
    { input: 100_001, output: 1 * K },
    52_501,
  ],
  // 3 searches
  [
    "anthropic",
    "claude-haiku-4-5-20251001",
    "",
    { input: 100, output: 100, webSearches: 3 },
    30_600,
  ],
  // 1000×0.3 + (200+800)×2.5
  [
    "gemini",
    "models/gemini-2.5-flash",
    "",
    { input: 1 * K, output: 1 * K, reasoning: 800 },
    2_800,
  ],
  // 500×0.3 + 400×1 + 100×0.1
  [
    "gemini",
    "gemini-2.5-flash",
    "",
    { input: 1 * K, inputAudio: 500, cacheRead: 100, cacheReadAudio: 100 },
    560,
  ],
  // pictures have no price of their own here: cached ones at 0.03, others at 0.3
  [
    "gemini",
    "gemini-2.5-flash",
    "",
    { input: 1 * K, inputImage: 500, cacheRead: 100, cacheReadImage: 100 },
    273,
  ],
  // over 200 K: 200001×2.5 + 10×15
  ["gemini", "gemini-2.5-pro", "", { input: 200_001, output: 10 }, 500_153],
  // 10×0.3 + 1290×30
  [
    "gemini",
    "gemini-2.5-flash-image",
    "",
    { input: 10, output: 1_290, outputImage: 1_290, images: 1 },
    38_703,
  ],
  ["gemini", "imagen-4.0-generate-001", "", { images: 3 }, 120_000],
  // from 2027 on
  ["gemini", "gemini-3.8-flash", "", { input: 1 * M }, 750_000],
  [
    "gemini",
    "gemini-3.8-flash",
    "@2027-01-01T00:00:00Z",
    { input: 1 * M },
    1_500_000,
  ],
  [
    "gemini",
    "gemini-3.8-flash",
    "SERVICE_TIER_PRIORITY",
    { input: 1 * M },
    1_350_000,
  ],
  ["gemini", "gemma-4-31b-it", "", { input: 1 * M, output: 1 * M }, 0],
  ["groq", "llama-3.3-70b-versatile", "on_demand", {
    input: 1 * M,
    output: 1 * M,
  }, 1_380_000],
  ["mistral", "mistral-large-2411", "batch", { input: 1 * M }, 1_000_000],
  // at night and by day (UTC)
  [
    "deepseek",
    "deepseek-v4-flash",
    "@2026-11-20T00:59:59Z",
    { input: 1 * M },
    220_000,
  ],
  [
    "deepseek",
    "deepseek-v4-flash",
    "@2026-11-20T01:00:00Z",
    { input: 1 * M },
    440_000,
  ],
];

function occasionOf(provider: string, model: string, text: string) {
  const [tier = "", moment] = text.split("@");
  return { provider, model, tier, time: moment ? at(moment) : NOW };
}

Deno.test("priceOf() is the list price, to the micro-dollar", () => {
  for (const [provider, model, text, usage, microDollars] of CALLS) {
    const occasion = occasionOf(provider, model, text);
    const price = priceOf(shipped, usage, occasion);
    const name = `${model} ${text} ${JSON.stringify(usage)}`;
    assert.equal(price?.microDollars, microDollars, name);
    const sum = price!.lines.reduce((sum, line) => sum + line.microDollars, 0);
    assert.ok(Math.abs(sum - microDollars) < 1.001, name);
  }
  assert.ok(CALLS.length >= 30);
});

Deno.test("priceOf() shows its lines, and where they were read", () => {
  const occasion = {
    provider: "openai",
    model: "gpt-6.1-sol",
    tier: "flex",
    time: NOW,
  };
  const usage = { input: 10, cacheRead: 4, output: 2, webSearches: 1 };
  assert.deepEqual(priceOf(shipped, usage, occasion), {
    microDollars: 10_017,
    lines: [
      { kind: "input", count: 6, perMillion: 1_000_000, microDollars: 6 },
      { kind: "cacheRead", count: 4, perMillion: 50_000, microDollars: 0.2 },
      { kind: "output", count: 2, perMillion: 5_000_000, microDollars: 10 },
      {
        kind: "webSearches",
        count: 1,
        perMillion: 10_000_000_000,
        microDollars: 10_000,
      },
    ],
    source: "https://developers.openai.com/api/docs/models/gpt-6.1-sol",
    dated: "2026-11-20",
  });
});

Deno.test("what nobody has a price for has none", () => {
  const price = (provider: string, model: string, usage: Usage, text = "") =>
    priceOf(shipped, usage, occasionOf(provider, model, text));
  assert.equal(price("openai", "gpt-9", { input: 1 }), undefined);
  assert.equal(price("openai", "claude-opus-5", { input: 1 }), undefined);
  assert.equal(price("nobody", "gpt-5", { input: 1 }), undefined);
  assert.equal(price("constructor", "gpt-5", { input: 1 }), undefined);
  assert.equal(
    price("openai", "gpt-5-pro", { input: 1 }, "priority"),
    undefined,
  );
  assert.equal(price("openai", "gpt-5", { input: 1 }, "warp"), undefined);
  assert.equal(price("openai", "gpt-5", { seconds: 1 }), undefined);
  assert.equal(
    price("openai", "text-embedding-3-small", { output: 1 }),
    undefined,
  );
  assert.equal(price("openai", "gpt-4o", { images: 1 }), undefined);
  // Long-lived writes cost more than short ones, nobody says how much.
  assert.equal(
    price("openai", "gpt-6-sol", { input: 1, cacheWrite1h: 1 }),
    undefined,
  );
  assert.equal(
    price("openai", "gpt-4o-search-preview", { input: 1 }),
    undefined,
  );
  // Not released yet.
  assert.equal(
    price("openai", "gpt-6.2-sol", { input: 1 }, "@2026-11-16T00:00:00Z"),
    undefined,
  );
});

Deno.test("priceOf() is exact at a trillion tokens, and rounds up once", () => {
  const time = NOW;
  const occasion = { provider: "openai", model: "o1-pro", time };
  assert.equal(
    priceOf(shipped, { input: 1e12 + 1, output: 1e12 + 1 }, occasion)
      ?.microDollars,
    150 * (1e12 + 1) + 600 * (1e12 + 1),
  );
  // 0.0028 each: a float would give …000.0000001 and one more.
  const cheap = {
    provider: "deepseek",
    model: "deepseek-v4-flash",
    time: at("2026-08-01T12:00:00Z"),
  };
  assert.equal(
    priceOf(shipped, { input: 1e12, cacheRead: 1e12 }, cheap)?.microDollars,
    2_800_000_000,
  );
  // Two halves of a micro-dollar are one, not two.
  assert.equal(
    priceOf(shipped, { input: 4, cacheRead: 2, output: 0 }, {
      provider: "openai",
      model: "o4-mini",
      time,
    })
      ?.microDollars,
    3,
  );
});

/** A deterministic stream of numbers. */
function dice(seed: number) {
  return (below: number) => {
    seed = (Math.imul(seed ^ (seed >>> 15), 0x2c1b3c6d) + 0x9e3779b9) | 0;
    const mixed = Math.imul(seed ^ (seed >>> 13), 0x297a2d39);
    return Math.floor(((mixed ^ (mixed >>> 16)) >>> 0) / 2 ** 32 * below);
  };
}

Deno.test("the catalogue gives the prices of the library it was taken from", () => {
  const roll = dice(1);
  let compared = 0;
  const bare: PriceBook = { overlays: [], catalog: shipped.catalog };
  const file = JSON.parse(
    readFileSync(new URL("catalog.json", import.meta.url), "utf8"),
  );
  for (const [provider, theirs] of Object.entries(PROVIDERS)) {
    for (const { models } of file.providers[provider]) {
      const model = models.split(" ")[0].replaceAll("*", "").replaceAll(
        "####-##-##",
        "2026-01-02",
      )
        .replaceAll("########", "20260102");
      const cacheRead = roll(1000);
      const usage = {
        input: cacheRead + roll(400_000),
        cacheRead,
        output: roll(5_000),
      };
      const day = `2026-0${1 + roll(9)}-1${roll(9)}T1${roll(9)}:00:00Z`;
      const timestamp = new Date(day);
      const ours = priceOf(bare, usage, { provider, model, time: at(day) });
      if (ours === undefined) continue; // no output, or seconds
      const expected = calcPrice(
        {
          input_tokens: usage.input,
          cache_read_tokens: usage.cacheRead,
          output_tokens: usage.output,
        },
        model,
        { providerId: theirs, timestamp },
      )!;
      const exact = expected.total_price * 1e6;
      const off = ours.microDollars - exact;
      assert.ok(
        off > -0.01 && off < 1.01,
        `${provider} ${model} ${day}: ${off}`,
      );
      compared++;
    }
  }
  assert.ok(compared > 200, `${compared}`);
});

Deno.test("deno task prices has been run", () => {
  const file = readFileSync(new URL("catalog.json", import.meta.url), "utf8");
  assert.equal(file, catalog());
});

Deno.test("every row of doppel's own says when and where it was read", () => {
  const own = JSON.parse(
    readFileSync(new URL("own.json", import.meta.url), "utf8"),
  );
  for (
    const row of Object.values<{ source?: string }[]>(own.providers).flat()
  ) {
    assert.match(
      row.source ?? "",
      /^https:\/\/[\w.-]+\.\w+\//,
      JSON.stringify(row),
    );
  }
  assert.match(own.dated, /^\d{4}-\d\d-\d\d$/);
});

/** Runs `body` with a file of prices, and a clock. */
async function withFile(
  rows: unknown,
  body: (file: {
    path: string;
    write: (text: string) => void;
    book: () => Promise<PriceBook>;
    pass: (milliseconds: number) => Promise<unknown[]>;
  }) => Promise<void>,
) {
  const folder = mkdtempSync(join(tmpdir(), "doppel-prices-"));
  const path = join(folder, "prices.json");
  const write = (text: string) => writeFileSync(path, text);
  write(tableOf(rows));
  let time = 0;
  const deferred: Promise<unknown>[] = [];
  const defer = (_: string, work: Promise<unknown>) => {
    deferred.push(work.catch((error) => error));
  };
  const book = pricesFrom({ file: path, now: () => time, defer });
  const pass = async (milliseconds: number) => {
    time += milliseconds;
    await book();
    return (await Promise.all(deferred.splice(0))).filter(Boolean);
  };
  await body({ path, write, book, pass });
  rmSync(folder, { recursive: true });
}

function tableOf(providers: unknown) {
  return JSON.stringify({
    dated: "2026-11-20",
    source: "a contract",
    providers,
  });
}

Deno.test("PRICES_FILE goes before everything, kind by kind, and brings models and providers of its own", () =>
  withFile({
    openai: [
      { models: "gpt-5", input: 1 },
      { models: "house-##", since: "2026-11-01", input: 2, output: 4 },
      { models: "house-##", input: 3, output: 4 },
      { models: "gpt-5*", tiers: "warp", percent: 33.33 },
    ],
    local: [{ models: "* !secret", input: 0, output: 0, context: 8192 }],
  }, async ({ book }) => {
    const prices = await book();
    const cost = (provider: string, model: string, text = "") => {
      const usage = {
        input: 3_000_000,
        cacheRead: 1_000_000,
        output: 1_000_000,
      };
      return priceOf(prices, usage, occasionOf(provider, model, text));
    };
    assert.equal(
      cost("openai", "gpt-5")?.microDollars,
      2_000_000 + 125_000 + 10_000_000,
    );
    assert.equal(cost("openai", "gpt-5")?.source, "a contract");
    assert.equal(cost("openai", "gpt-5", "warp")?.microDollars, 4_041_263);
    assert.equal(cost("openai", "house-01")?.microDollars, 10_000_000);
    assert.equal(
      cost("openai", "house-01", "@2026-10-31T23:59:59Z")?.microDollars,
      13_000_000,
    );
    assert.equal(cost("openai", "house-x"), undefined);
    assert.equal(
      cost("openai", "gpt-4o")?.microDollars,
      5_000_000 + 1_250_000 + 10_000_000,
    );
    assert.equal(cost("local", "anything")?.microDollars, 0);
    assert.equal(cost("local", "secret"), undefined);
  }));

Deno.test("PRICES_FILE is read again without a restart; a bad one changes nothing and is reported", () =>
  withFile(
    { openai: [{ models: "m", input: 1 }] },
    async ({ write, book, pass }) => {
      const cost = async () =>
        priceOf(
          await book(),
          { input: 1_000_000 },
          occasionOf("openai", "m", ""),
        )?.microDollars;
      assert.equal(await cost(), 1_000_000);
      write(tableOf({ openai: [{ models: "m", input: 2 }] }));
      assert.deepEqual(await pass(9_999), []);
      assert.equal(await cost(), 1_000_000);
      assert.deepEqual(await pass(1), []);
      assert.equal(await cost(), 2_000_000);
      write("{");
      const [fault] = await pass(10_000);
      assert.ok(fault instanceof PricesError);
      assert.equal(await cost(), 2_000_000);
      write(tableOf({ openai: [{ models: "m", input: 3 }] }));
      await pass(10_000);
      assert.equal(await cost(), 3_000_000);
    },
  ));

Deno.test("a table that is not understood is refused with the field's name", async () => {
  const wrong: [providers: unknown, says: string][] = [
    [[], "providers must be an object"],
    [{ openai: {} }, "providers.openai must be a list of rows"],
    [{ openai: [1] }, "providers.openai[0] must be an object"],
    [{ openai: [{}] }, "providers.openai[0].models must be a text"],
    [
      { openai: [{ models: "m", inputs: 1 }] },
      "providers.openai[0].inputs is not a known field",
    ],
    [
      { openai: [{ models: "m", input: "1" }] },
      "providers.openai[0].input must be a number, zero or more",
    ],
    [
      { openai: [{ models: "m", input: -1 }] },
      "providers.openai[0].input must be a number, zero or more",
    ],
    [
      { openai: [{ models: "m", since: "2026-13-01" }] },
      "providers.openai[0].since must be a day, as 2026-11-20",
    ],
    [
      { openai: [{ models: "m", hours: "1-2" }] },
      "providers.openai[0].hours must be hours of the day, as 01:00-04:00",
    ],
  ];
  for (const [providers, says] of wrong) {
    await withFile(providers, async ({ path, book }) => {
      await assert.rejects(book(), { name: "PricesError", message: says });
      await assert.rejects(ownersTable(path), {
        name: "PricesError",
        message: says,
      });
    });
  }
  await withFile({}, async ({ path, write }) => {
    write('{"dated":"2026-11-20","source":"x","providers":{},"rows":[]}');
    await assert.rejects(ownersTable(path), {
      message: "rows is not a known field",
    });
    write('{"source":"x","providers":{}}');
    await assert.rejects(ownersTable(path), {
      message: "dated must be a day, as 2026-11-20",
    });
    await assert.rejects(ownersTable(path + "x"), {
      message: "the table of prices cannot be read",
    });
  });
});
