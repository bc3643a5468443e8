/** What calls can cost at most, and how they are made to fit. */

import assert from "node:assert/strict";
import type { Usage } from "../core/usage.ts";
import { pricesFrom } from "./book.ts";
import { type Ask, type Bound, isUnbounded, worstCase } from "./bound.ts";
import { clamp, type Clamped, leastOf } from "./clamp.ts";
import { priceOf } from "./price.ts";

const book = await pricesFrom({ now: Date.now, defer: () => {} })();
const time = Date.parse("2026-11-20T12:00:00Z") / 1000;

const CHAT = "POST /v1/chat/completions";
const RESPONSES = "POST /v1/responses";
const MESSAGES = "POST /v1/messages";
const GENERATE = "POST /v1beta/models/x:generateContent";
const PROVIDER: Record<string, string> = {
  [CHAT]: "openai",
  [RESPONSES]: "openai",
  [MESSAGES]: "anthropic",
  [GENERATE]: "gemini",
};

function ask(endpoint: string, model: string, body: unknown): Ask {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const provider = PROVIDER[endpoint] ?? "openai";
  return { endpoint, provider, model, text, time };
}

function bound(endpoint: string, model: string, body: unknown): Bound {
  const worst = worstCase(book, ask(endpoint, model, body));
  assert.ok(!isUnbounded(worst), (worst as { unbounded?: string }).unbounded);
  return worst;
}

function reason(endpoint: string, model: string, body: unknown): string {
  const worst = worstCase(book, ask(endpoint, model, body));
  return isUnbounded(worst) ? worst.unbounded : JSON.stringify(worst);
}

const hi = [{ role: "user", content: "hi" }];
const part = (part: unknown) => [{ role: "user", content: [part] }];
const png = "data:image/png;base64," + "A".repeat(100_000);

/** What a request may cause, by hand: tokens read and written, and micro-dollars. */
const BOUNDS: [
  name: string,
  endpoint: string,
  model: string,
  body: Record<string, unknown>,
  input: (bytes: number) => number,
  output: number,
  rates: [input: number, output: number],
][] = [
  [
    "bytes and what is added",
    CHAT,
    "gpt-4o",
    { messages: hi, max_tokens: 100 },
    (b) => b + 512,
    100,
    [2.5, 10],
  ],
  [
    "n answers",
    CHAT,
    "gpt-4o",
    { messages: hi, max_completion_tokens: 100, n: 3 },
    (b) => b + 512,
    300,
    [2.5, 10],
  ],
  [
    "the larger of two limits",
    CHAT,
    "gpt-4o",
    { messages: hi, max_tokens: 5, max_completion_tokens: 9 },
    (b) => b + 512,
    9,
    [2.5, 10],
  ],
  [
    "no limit: the model's",
    CHAT,
    "gpt-4o",
    { messages: hi },
    (b) => b + 512,
    16_384,
    [2.5, 10],
  ],
  [
    "null is no limit",
    CHAT,
    "gpt-4o",
    { messages: hi, max_tokens: null },
    (b) => b + 512,
    16_384,
    [2.5, 10],
  ],
  [
    "priority asked for",
    CHAT,
    "gpt-4o",
    { messages: hi, max_tokens: 1, service_tier: "priority" },
    (b) => b + 512,
    1,
    [4.25, 17],
  ],
  [
    "flex may be answered at the standard tier",
    CHAT,
    "gpt-5",
    { messages: hi, max_tokens: 1, service_tier: "flex" },
    (b) => b + 512,
    1,
    [1.25, 10],
  ],
  [
    "tools of the client's",
    CHAT,
    "gpt-4o",
    {
      messages: hi,
      max_tokens: 1,
      tools: [{ type: "function", function: { name: "f" } }],
    },
    (b) => b + 1536,
    1,
    [2.5, 10],
  ],
  [
    "a predicted answer may be billed beside the answer",
    CHAT,
    "gpt-4o",
    {
      messages: hi,
      max_tokens: 1,
      prediction: { type: "content", content: "x" },
    },
    (b) => b + 512,
    -1,
    [2.5, 10],
  ],
  [
    "a picture counts as a picture, not as bytes",
    CHAT,
    "gpt-4o",
    {
      messages: part({ type: "image_url", image_url: { url: png } }),
      max_tokens: 1,
    },
    (b) => b - png.length + 512 + 25_000,
    1,
    [2.5, 10],
  ],
  [
    "a picture behind a URL",
    CHAT,
    "gpt-4o",
    {
      messages: part({ type: "image_url", image_url: { url: "https://x/y" } }),
      max_tokens: 1,
    },
    (b) => b + 512 + 25_000,
    1,
    [2.5, 10],
  ],
  [
    "a document: the context, and a twentieth",
    CHAT,
    "gpt-4o",
    { messages: part({ type: "file", file: { file_id: "f" } }), max_tokens: 1 },
    () => 134_400,
    1,
    [2.5, 10],
  ],
  [
    "an earlier response",
    RESPONSES,
    "gpt-5",
    { input: "hi", previous_response_id: "r", max_output_tokens: 16 },
    () => 420_000,
    16,
    [1.25, 10],
  ],
  [
    "the cache is written unasked",
    RESPONSES,
    "gpt-6.1-sol",
    { input: "hi", max_output_tokens: 16 },
    (b) => b + 512,
    16,
    [2.5, 10],
  ],
  [
    "or for hours",
    RESPONSES,
    "gpt-6.1-sol",
    { input: "hi", max_output_tokens: 16, prompt_cache_options: {} },
    (b) => b + 512,
    16,
    [5, 10],
  ],
  [
    "over the threshold",
    RESPONSES,
    "gpt-6.1-sol",
    { input: "x".repeat(300_000), max_output_tokens: 16 },
    (b) => b + 512,
    16,
    [5, 15],
  ],
  [
    "no cache asked for",
    MESSAGES,
    "claude-opus-5",
    { messages: hi, max_tokens: 10 },
    (b) => b + 512,
    10,
    [5, 25],
  ],
  [
    "a cache for minutes",
    MESSAGES,
    "claude-opus-5",
    {
      messages: part({
        type: "text",
        text: "x",
        cache_control: { type: "ephemeral" },
      }),
      max_tokens: 10,
    },
    (b) => b + 512,
    10,
    [6.25, 25],
  ],
  [
    "a cache for an hour",
    MESSAGES,
    "claude-opus-5",
    {
      messages: part({
        type: "text",
        text: "x",
        cache_control: { type: "ephemeral", ttl: "1h" },
      }),
      max_tokens: 10,
    },
    (b) => b + 512,
    10,
    [10, 25],
  ],
  [
    "fast",
    MESSAGES,
    "claude-opus-5",
    { messages: hi, max_tokens: 10, speed: "fast" },
    (b) => b + 512,
    10,
    [10, 50],
  ],
  [
    "Anthropic's tools, run by the client",
    MESSAGES,
    "claude-opus-5",
    {
      messages: hi,
      max_tokens: 10,
      tools: [{ type: "bash_20250124", name: "bash" }, {
        name: "f",
        input_schema: {},
      }],
    },
    (b) => b + 512 + 2_048,
    10,
    [5, 25],
  ],
  [
    "what a tool was called with is text",
    MESSAGES,
    "claude-opus-5",
    {
      messages: part({
        type: "tool_use",
        id: "1",
        name: "f",
        input: { type: "document", file_id: "x" },
      }),
      max_tokens: 10,
    },
    (b) => b + 512,
    10,
    [5, 25],
  ],
  [
    "candidates",
    GENERATE,
    "gemini-2.5-flash",
    {
      contents: [{ parts: [{ text: "hi" }] }],
      generationConfig: { maxOutputTokens: 7, candidateCount: 2 },
    },
    (b) => b + 512,
    14,
    [0.3, 2.5],
  ],
  [
    "in snake case",
    GENERATE,
    "gemini-2.5-flash",
    {
      contents: [{ parts: [{ text: "hi" }] }],
      generation_config: { max_output_tokens: 7 },
    },
    (b) => b + 512,
    7,
    [0.3, 2.5],
  ],
  [
    "sound: the context at the price of sound",
    GENERATE,
    "gemini-2.5-flash",
    {
      contents: [{
        parts: [{ inlineData: { mimeType: "audio/mp3", data: "AA" } }],
      }],
      generationConfig: { maxOutputTokens: 7 },
    },
    () => 1_101_005,
    7,
    [1, 2.5],
  ],
  [
    "a cache of Gemini's",
    GENERATE,
    "gemini-2.5-flash",
    {
      contents: [],
      cachedContent: "cachedContents/x",
      generationConfig: { maxOutputTokens: 7 },
    },
    () => 1_101_005,
    7,
    [1, 2.5],
  ],
  [
    "embeddings write nothing",
    "POST /v1/embeddings",
    "text-embedding-3-small",
    { input: ["a", "b"] },
    (b) => b + 512,
    0,
    [0.02, 0],
  ],
  [
    "each of several prompts is answered",
    "POST /v1/completions",
    "gpt-3.5-turbo-instruct",
    { prompt: ["a", "b"], max_tokens: 5, n: 2 },
    (b) => b + 512,
    20,
    [1.5, 2],
  ],
];

Deno.test("worstCase() is what the request can cause, at the dearest rates that apply", () => {
  for (const [name, endpoint, model, body, input, output, rates] of BOUNDS) {
    const bytes = JSON.stringify(body).length;
    const tokens = [
      input(bytes),
      output < 0 ? 1 + bytes + 512 : output,
    ] as const;
    const cost = Math.round(
      (tokens[0] * rates[0] + tokens[1] * rates[1]) * 1e6,
    );
    assert.deepEqual(bound(endpoint, model, body), {
      microDollars: Math.ceil(cost / 1e6),
      inputTokens: tokens[0],
      outputTokens: tokens[1],
    }, name);
  }
  assert.equal(
    bound("POST /v1/audio/speech", "tts-1", { input: "x".repeat(1_000) })
      .microDollars,
    Math.ceil((1_000 + 512 + JSON.stringify({ input: "" }).length) * 15),
  );
  for (
    const [instances, parameters, images] of [
      [1, { sampleCount: 3 }, 3],
      [1, {}, 4],
      [2, undefined, 8],
    ] as const
  ) {
    const imagen = ask(
      "POST /v1beta/models/imagen-4.0-generate-001:predict",
      "imagen-4.0-generate-001",
      { instances: Array(instances).fill({ prompt: "x" }), parameters },
    );
    const most = worstCase(book, { ...imagen, provider: "gemini" }) as Bound;
    assert.equal(most.microDollars, images * 40_000);
  }
});

Deno.test("a letter that becomes many tokens after normalisation counts as many", () => {
  const plain = bound(CHAT, "gpt-4o", {
    messages: [{ role: "user", content: "\ufdfa".repeat(1_000) }],
    max_tokens: 1,
  });
  assert.ok(plain.inputTokens >= 33_000, `${plain.inputTokens}`);
  const escaped = '{"messages":[{"role":"user","content":"' +
    "\\ufdfa".repeat(1_000) + '"}],"max_tokens":1}';
  assert.ok(bound(CHAT, "gpt-4o", escaped).inputTokens >= 33_000);
  const long = bound("POST /v1/embeddings", "text-embedding-3-small", {
    input: "\ufdfa".repeat(5_000_000),
  });
  assert.ok(long.inputTokens >= 33 * 5_000_000, `${long.inputTokens}`);
});

Deno.test("a prompt may be as long as the API takes with a beta", () => {
  const words = "x".repeat(900_000);
  const long = { messages: [{ role: "user", content: words }], max_tokens: 1 };
  for (const model of ["claude-sonnet-4-5", "claude-sonnet-4-20250514"]) {
    assert.ok(bound(MESSAGES, model, long).microDollars >= 900_000 * 6);
  }
});

Deno.test("members are found however they are escaped", () => {
  const body = (name: string) =>
    `{"messages":[],"max_tokens":10,"${name}":{"t\\u0074l":"1h"}}`;
  const plain = bound(MESSAGES, "claude-opus-5", body("cache_controls"));
  const cached = bound(MESSAGES, "claude-opus-5", body("c\\u0061che_control"));
  const { inputTokens } = cached;
  assert.equal(plain.microDollars, plain.inputTokens * 5 + 250);
  assert.equal(cached.microDollars, inputTokens * 10 + 250);
  const tool = '{"tools":[{"type":"web\\u005fsearch"}]}';
  assert.match(reason(RESPONSES, "gpt-5", tool), /the tool "web_search"/);
});

Deno.test("what has no bound is refused, with the mend", () => {
  const chat = { messages: hi, max_tokens: 1 };
  const cases: [
    endpoint: string,
    model: string,
    body: unknown,
    says: RegExp,
  ][] = [
    [CHAT, "gpt-9", chat, /No price is known for "gpt-9"; .*PRICES_FILE/],
    [CHAT, "gpt-5-pro", { ...chat, service_tier: "priority" }, /No price/],
    [CHAT, 'gpt"\n', chat, /known for this model;/],
    [CHAT, "codex-mini", {
      ...chat,
      messages: part({ type: "file" }),
      max_tokens: undefined,
    }, /^\{/],
    [CHAT, "chatgpt-4o-latest", "[]", /no plain JSON/],
    [CHAT, "gpt-4o", "", /no plain JSON/],
    [CHAT, "gpt-4o", '{"max_tokens":1,"max_tokens":9}', /no plain JSON/],
    [
      CHAT,
      "gpt-4o",
      '{"messages":[{"content":"a","content":"b"}]}',
      /no plain JSON/,
    ],
    [CHAT, "gpt-4o", { ...chat, max_tokens: "9" }, /one whole number/],
    [CHAT, "gpt-4o", { ...chat, max_tokens: 0 }, /one whole number/],
    [CHAT, "gpt-4o", { ...chat, max_tokens: -1 }, /one whole number/],
    [CHAT, "gpt-4o", { ...chat, n: 1.5 }, /one whole number/],
    [
      CHAT,
      "gpt-4o",
      { ...chat, web_search_options: {} },
      /"web_search_options".*leave it out/,
    ],
    [
      RESPONSES,
      "gpt-5",
      { input: "x", tools: [{ type: "web_search" }] },
      /the tool "web_search".*leave it out/,
    ],
    [RESPONSES, "gpt-5", { input: "x", tools: [{ type: "mcp" }] }, /"mcp"/],
    [RESPONSES, "gpt-5", { prompt: { id: "p" } }, /stored "prompt"/],
    [RESPONSES, "gpt-5", { input: "x", background: true }, /"background"/],
    [
      CHAT,
      "gpt-4o",
      `{"messages":${"[".repeat(5_000)}${"]".repeat(5_000)}}`,
      /no plain JSON/,
    ],
    ...["{}", "[]", "1"].map((value) =>
      [
        RESPONSES,
        "gpt-5",
        `{"input":[${`${value},`.repeat(500_001)}1]}`,
        /no plain JSON/,
      ] as [string, string, unknown, RegExp]
    ),
    [RESPONSES, "gpt-5", '{"input":"', /no plain JSON/],
    ["GET /v1/batches/b", "gpt-5", {}, /endpoint has no price/],
    [MESSAGES, "claude-opus-5", {
      ...chat,
      tools: [{ type: "web_search_20250305", name: "web_search" }],
    }, /web_search_20250305/],
    [MESSAGES, "claude-opus-5", { ...chat, mcp_servers: [] }, /mcp_servers/],
    [GENERATE, "gemini-2.5-flash", {
      contents: [],
      tools: [{ functionDeclarations: [], googleSearch: {} }],
    }, /"googleSearch"/],
    [
      MESSAGES + "/batches",
      "claude-opus-5",
      chat,
      /endpoint has no price.*without a budget/,
    ],
    [
      "POST /v1/audio/transcriptions",
      "whisper-1",
      chat,
      /endpoint has no price/,
    ],
    ["POST /v1/audio/speech", "gpt-4o-mini-tts", { input: "x" }, /No price/],
    [RESPONSES, "gpt-5", {
      input: "x",
      tools: [{ type: "namespace", tools: [{ type: "web_search" }] }],
    }, /the tool "web_search"/],
    [CHAT, "gpt-4o", { ...chat, models: ["o1-pro"] }, /"models"/],
    ...["Max_Tokens", "max_to\u212aens", "N", "\u017fervice_tier", "Model"].map(
      (name) => [CHAT, "gpt-4o", { ...chat, [name]: 9 }, /another member/],
    ) as [string, string, unknown, RegExp][],
    [GENERATE, "gemini-2.5-pro", {
      contents: [],
      service_tier: "flex",
      serviceTier: "priority",
    }, /"servicetier" could be read as another member/],
    [GENERATE, "gemini-2.5-pro", {
      contents: [],
      generationConfig: { maxOutputTokens: 9, max_output_tokens: 10 },
    }, /"maxoutputtokens" could/],
    [GENERATE, "gemini-2.5-pro", {
      contents: [],
      generationConfig: { CandidateCount: 8 },
    }, /"candidatecount" could/],
    [
      "POST /v1/images/generations",
      "gpt-image-2",
      { prompt: "x" },
      /A limit such as max_tokens/,
    ],
  ];
  for (const [endpoint, model, body, says] of cases) {
    assert.match(
      reason(endpoint, model, body),
      says,
      `${model} ${JSON.stringify(body).slice(0, 1_000)}`,
    );
  }
});

/** A deterministic stream of numbers. */
function dice(seed: number) {
  return (below: number) => {
    seed = (seed + 0x9e3779b9) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return Math.floor(((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32 * below);
  };
}

type Roll = (below: number) => number;

const MODELS: Record<string, readonly string[]> = {
  [CHAT]: [
    "gpt-4o",
    "gpt-4o-mini",
    "o4-mini",
    "gpt-5",
    "gpt-6.1-sol",
    "gpt-audio",
  ],
  [RESPONSES]: [
    "gpt-5",
    "gpt-6.1-terra",
    "gpt-6.2-astra",
    "gpt-5.5",
    "gpt-5-mini",
  ],
  [MESSAGES]: [
    "claude-opus-5",
    "claude-haiku-5-5",
    "claude-opus-4-6",
    "claude-sonnet-4-5",
  ],
  [GENERATE]: [
    "gemini-2.5-flash",
    "gemini-2.5-pro",
    "gemini-3.8-flash",
    "gemini-2.5-flash-image",
  ],
};
/** More is refused by the API. */
const CONTEXT: Record<string, number> = {
  "gpt-4o": 128_000,
  "gpt-4o-mini": 128_000,
  "gpt-audio": 128_000,
  "gpt-5": 400_000,
  "gpt-5-mini": 400_000,
  "o4-mini": 200_000,
};
const TIERS: Record<string, readonly string[]> = {
  openai: ["auto", "default", "flex", "priority"],
  anthropic: ["auto", "standard_only"],
  gemini: ["standard", "flex", "priority"],
};

/** A request, and a usage that an API could answer it with: a tokenizer that makes a token of every byte, and fills every limit. */
function call(roll: Roll): { ask: Ask; usage: Usage; tier: string } {
  const endpoint = Object.keys(MODELS)[roll(4)]!;
  const model = MODELS[endpoint]![roll(MODELS[endpoint]!.length)]!;
  const provider = PROVIDER[endpoint]!;
  const tier = TIERS[provider]![roll(TIERS[provider]!.length)]!;
  const words = ["x", "héllo ", "\n", "漢字", '"', "🙂"][roll(6)]!
    .repeat(1 + roll(roll(25) === 0 ? 60_000 : [20, 2_000][roll(2)]!));
  const pictures = roll(4) === 0 ? 1 + roll(3) : 0;
  const kept = roll(2) === 0;
  const limit = roll(3) === 0 ? undefined : 1 + roll(20_000);
  const answers = endpoint === CHAT || endpoint === GENERATE ? 1 + roll(3) : 1;
  const body = bodyOf({
    endpoint,
    words,
    pictures,
    kept,
    limit,
    answers,
    tier,
  });
  const most = provider === "openai" ? 20_000 : 4_784;
  const text = new TextEncoder().encode(words).length;
  const context = CONTEXT[model] ?? 1_000_000;
  const input = Math.min(context, text + 8 + pictures * roll(most) + roll(100));
  const cacheRead = roll(2) * roll(input);
  const writes = provider !== "anthropic" || kept;
  const cacheWrite5m = writes ? roll(input - cacheRead) : 0;
  const cacheWrite1h = provider === "anthropic" && kept
    ? roll(input - cacheRead - cacheWrite5m)
    : 0;
  const own = worstCase(book, {
    endpoint,
    provider,
    model,
    text: JSON.stringify(body),
    time,
  }) as Bound;
  const output = answers * (limit ?? (own.outputTokens ?? 0) / answers);
  const usage: Usage = {
    input,
    cacheRead,
    cacheWrite5m,
    cacheWrite1h,
    ...pictures > 0 && { inputImage: roll(input) },
    output,
    reasoning: roll(output),
    ...[
      { outputAudio: roll(output) },
      { outputImage: roll(output) },
      {},
    ][roll(3)],
  };
  const served = roll(2) === 0
    ? "default"
    : provider === "anthropic"
    ? "standard"
    : tier;
  return {
    ask: { endpoint, provider, model, text: JSON.stringify(body), time },
    usage,
    tier: served,
  };
}

function bodyOf({ endpoint, words, pictures, kept, limit, answers, tier }: {
  endpoint: string;
  words: string;
  pictures: number;
  kept: boolean;
  limit: number | undefined;
  answers: number;
  tier: string;
}) {
  const seen = Array.from({ length: pictures });
  if (endpoint === GENERATE) {
    const image = {
      inlineData: { mimeType: "image/png", data: "iVBORw0KGgo=" },
    };
    return {
      contents: [{
        role: "user",
        parts: [{ text: words }, ...seen.map(() => image)],
      }],
      generationConfig: { maxOutputTokens: limit, candidateCount: answers },
      serviceTier: tier,
    };
  }
  const cached = kept && { cache_control: { type: "ephemeral", ttl: "1h" } };
  if (endpoint === MESSAGES) {
    const source = {
      type: "base64",
      media_type: "image/png",
      data: "iVBORw0KGgo=",
    };
    const content = [
      { type: "text", text: words, ...cached },
      ...seen.map(() => ({ type: "image", source })),
    ];
    return {
      messages: [{ role: "user", content }],
      max_tokens: limit,
      service_tier: tier,
    };
  }
  const url = "https://example.com/a.png";
  if (endpoint === RESPONSES) {
    const content = [
      { type: "input_text", text: words },
      ...seen.map(() => ({ type: "input_image", image_url: url })),
    ];
    return {
      input: [{ role: "user", content }],
      max_output_tokens: limit,
      service_tier: tier,
    };
  }
  const content = [
    { type: "text", text: words },
    ...seen.map(() => ({ type: "image_url", image_url: { url } })),
  ];
  return {
    messages: [{ role: "user", content }],
    max_tokens: limit,
    n: answers,
    service_tier: tier,
  };
}

/** Ten thousand calls in all, in tests short enough for Bun. */
for (let seed = 0; seed < 20; seed++) {
  Deno.test(`for 500 calls of seed ${seed}: no price is above the bound, and no clamped one above what is left`, () => {
    const roll = dice(seed * 1_000_003);
    let [priced, clamped, refused] = [0, 0, 0];
    for (let i = 0; i < 500; i++) {
      const { ask, usage, tier } = call(roll);
      const worst = worstCase(book, ask) as Bound;
      if (isUnbounded(worst)) {
        assert.match(worst.unbounded, /No price is known for .* at "priority"/);
        continue;
      }
      const price = priceOf(book, usage, { ...ask, tier });
      if (price === undefined) continue; // long writes of models without a price for them
      priced++;
      assert.ok(
        price.microDollars <= worst.microDollars,
        `${i}: ${price.microDollars} > ${worst.microDollars} ${ask.model} ${tier} ${
          JSON.stringify(usage)
        }`,
      );
      const least = leastOf(book, ask);
      if (least !== undefined) {
        assert.ok(least < worst.microDollars, `${i}`);
        assert.ok(clamp(book, ask, least), `${i}: ${least} is enough`);
        assert.equal(clamp(book, ask, least - 1), undefined, `${i}`);
      }
      const left = roll(worst.microDollars + 1_000);
      const fit = clamp(book, ask, left) as Clamped | undefined;
      if (fit === undefined) refused++;
      else {
        clamped++;
        const again = worstCase(book, { ...ask, text: fit.text }) as Bound;
        assert.deepEqual(again, fit.bound, `${i}`);
        assert.ok(
          again.microDollars <= left,
          `${i}: ${again.microDollars} > ${left}`,
        );
      }
    }
    assert.ok(
      priced > 440 && clamped > 150 && refused > 4,
      `${priced} ${clamped} ${refused}`,
    );
  });
}

Deno.test("clamp() changes one number or adds one member, and nothing else", () => {
  const cases: [
    endpoint: string,
    provider: string,
    model: string,
    text: string,
    becomes: string,
  ][] = [
    [
      CHAT,
      "openai",
      "gpt-4o",
      '{ "messages" : [],"max_tokens" :  9000 , "n":2}',
      '{ "messages" : [],"max_tokens" :  LIMIT , "n":2}',
    ],
    [
      CHAT,
      "openai",
      "gpt-4o",
      '{"max_tokens":9000,"max_completion_tokens":8000}',
      '{"max_tokens":LIMIT,"max_completion_tokens":LIMIT}',
    ],
    [CHAT, "openai", "gpt-4o", '{"max_tokens":null}', '{"max_tokens":LIMIT}'],
    [
      CHAT,
      "openai",
      "gpt-4o",
      ' {"messages":[]}',
      ' {"max_completion_tokens":LIMIT,"messages":[]}',
    ],
    [
      CHAT,
      "mistral",
      "mistral-large-2512",
      '{"messages":[]}',
      '{"max_tokens":LIMIT,"messages":[]}',
    ],
    [CHAT, "openai", "gpt-4o", "{ }", '{"max_completion_tokens":LIMIT }'],
    [
      RESPONSES,
      "openai",
      "gpt-5",
      '{"input":"max_output_tokens"}',
      '{"max_output_tokens":LIMIT,"input":"max_output_tokens"}',
    ],
    [
      MESSAGES,
      "anthropic",
      "claude-opus-5",
      '{"m\\u0061x_tokens":9000}',
      '{"m\\u0061x_tokens":LIMIT}',
    ],
    [
      GENERATE,
      "gemini",
      "gemini-2.5-flash",
      '{"contents":[]}',
      '{"generationConfig":{"maxOutputTokens":LIMIT},"contents":[]}',
    ],
    [
      GENERATE,
      "gemini",
      "gemini-2.5-flash",
      '{"generationConfig":{}}',
      '{"generationConfig":{"maxOutputTokens":LIMIT}}',
    ],
    [
      GENERATE,
      "gemini",
      "gemini-2.5-flash",
      '{"generationConfig":null}',
      '{"generationConfig":{"maxOutputTokens":LIMIT}}',
    ],
    [
      GENERATE,
      "gemini",
      "gemini-2.5-flash",
      '{"generation_config":{"temperature":1}}',
      '{"generation_config":{"maxOutputTokens":LIMIT,"temperature":1}}',
    ],
    [
      GENERATE,
      "gemini",
      "gemini-2.5-flash",
      '{"generation_config":{"max_output_tokens":9000}}',
      '{"generation_config":{"max_output_tokens":LIMIT}}',
    ],
  ];
  for (const [endpoint, provider, model, text, becomes] of cases) {
    const request: Ask = { endpoint, provider, model, text, time };
    const { microDollars } = worstCase(book, {
      ...request,
      text: becomes.replaceAll("LIMIT", "100"),
    }) as Bound;
    const fit = clamp(book, request, microDollars) as Clamped;
    assert.ok(fit.maxOutput > 90, `${text} ${fit.maxOutput}`);
    assert.equal(
      fit.text,
      becomes.replaceAll("LIMIT", `${fit.maxOutput}`),
      text,
    );
    const more = becomes.replaceAll("LIMIT", `${fit.maxOutput + 20}`);
    const above = worstCase(book, { ...request, text: more }) as Bound;
    assert.ok(above.microDollars > microDollars, "a few more would not fit");
  }
});

Deno.test("clamp() raises no limit, leaves what fits, and refuses what cannot fit", () => {
  const request = ask(CHAT, "gpt-4o", '{"max_tokens":100}');
  assert.equal(
    (clamp(book, request, 1_000_000_000) as Clamped).text,
    request.text,
  );
  const unlimited = ask(CHAT, "gpt-4o", "{}");
  assert.equal((clamp(book, unlimited, 1_000_000_000) as Clamped).text, "{}");
  assert.equal(clamp(book, request, 100), undefined);
  assert.equal(
    clamp(
      book,
      ask("POST /v1/embeddings", "text-embedding-3-small", "{}"),
      1e9,
    ),
    undefined,
  );
  const thinking =
    '{"max_tokens":30000,"thinking":{"type":"enabled","budget_tokens":20000}}';
  assert.equal(
    clamp(book, ask(MESSAGES, "claude-sonnet-4-5", thinking), 200_000),
    undefined,
  );
  assert.ok(isUnbounded(clamp(book, ask(CHAT, "gpt-9", "{}"), 1e9)));
});
