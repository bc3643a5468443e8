/** The two cases in which a body is changed: what of it, and that all else stays. */

import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { createFlights } from "./core/flight.ts";
import type { Content } from "./core/content.ts";
import type { Store } from "./core/store.ts";
import { pricesOf } from "./prices/mod.ts";
import { readTable } from "./prices/row.ts";
import { upstashStore } from "./store/upstash.ts";
import { type Gateway, gateway, law, START } from "./test/gateway.ts";
import { redisInstalled, startUpstash } from "./test/redis.ts";

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const CHAT = "/openai/v1/chat/completions";

/** A micro-dollar for a token read, three for one written; 10,000 of them at most. */
const row = {
  models: "m-*",
  input: 1,
  output: 3,
  context: 1e6,
  maxOutput: 1e4,
};
const table = readTable({
  dated: "2026-11-20",
  source: "pinned by the test",
  providers: { openai: [row], anthropic: [row], gemini: [row] },
});
const PRICES = pricesOf(() =>
  Promise.resolve({ overlays: [], catalog: table })
);

async function post(
  gateway: Pick<Gateway, "send">,
  token: string,
  { path = CHAT, body, headers }: {
    path?: string;
    body: BodyInit;
    headers?: Record<string, string>;
  },
) {
  const fields = { ...bearer(token), ...headers };
  return await gateway.send(path, { method: "POST", headers: fields, body });
}

const encoded = (text: string) => new TextEncoder().encode(text);

/** What is kept of the token's last request. */
async function entry({ settled, store }: Gateway, id: string) {
  await settled();
  const [last] = await store.listRequests(id, 1);
  return last!;
}

/** What is spent of a budget. */
async function spent(
  { settled, store }: Pick<Gateway, "settled" | "store">,
  id: string,
  total: number,
) {
  await settled();
  const taking = { lease: crypto.randomUUID(), now: START };
  await store.admit([{ id }], taking);
  const none = { tokens: 0, least: 0, most: total };
  const left = await store.reserve(id, taking, none);
  await store.settle(id, taking, { held: 0, tokens: 0, cost: 0, undone: true });
  assert.ok("held" in left);
  return total - left.held;
}

const MILLION = { limits: { budget: { total: 1e6 } } };

const chunk = (text: string, usage: string) =>
  `data: {"model":"m-x","choices":[{"index":0,"delta":{"content":"${text}"}}]${usage}}\n\n`;
const LAST =
  'data: {"model":"m-x","choices":[],"usage":{"prompt_tokens":7,"completion_tokens":5}}\n\n';
const DONE = "data: [DONE]\n\n";
const words = (usage: string) =>
  chunk("é😀", usage) + ": hm\n\n" + chunk("b", usage);
/** As an origin writes it to who has not asked, and to who has. */
const PLAIN = words("") + DONE;
const TOLD = words(',"usage":null') + LAST + DONE;

const EVENTS = { "content-type": "text/event-stream; charset=utf-8" };

/** An answer in pieces of some bytes; `fails` breaks it off behind them. */
function events(
  text: string,
  { size = 7, headers = EVENTS, status = 200, fails = false }: {
    size?: number;
    headers?: Record<string, string>;
    status?: number;
    fails?: boolean;
  } = {},
) {
  const bytes = encoded(text);
  let at = 0;
  const body = new ReadableStream({
    pull(controller) {
      const piece = bytes.subarray(at, at += size);
      if (piece.length > 0) return controller.enqueue(piece);
      if (fails) controller.error(new Error("gone"));
      else controller.close();
    },
  }, { highWaterMark: 0 });
  return new Response(body, { status, headers });
}

/** An origin as it is: usage for who asks. */
function honest({ reached }: Gateway) {
  const { stream, stream_options } = JSON.parse(reached.at(-1)!.body);
  assert.equal(stream, true);
  return events(stream_options?.include_usage ? TOLD : PLAIN);
}

const STREAM = '{ "model":"m-x",\t"max_tokens": 100, "stream":true }';
const ASKING =
  '{"stream_options":{"include_usage":true}, "model":"m-x",\t"max_tokens": 100, "stream":true }';

for (
  const path of [
    CHAT,
    "/openai/v1/completions",
    "/openai/v1//chat/completions/",
    "/gemini/v1beta/openai/chat/completions",
    "/anthropic/v1/chat/completions",
  ]
) {
  law(
    `exactUsage asks at ${path}, and the client's stream is as before`,
    async (gateway) => {
      const { id, token } = await gateway.mint({ exactUsage: true });
      gateway.respondWith(() => honest(gateway));
      const answer = await post(gateway, token, { path, body: STREAM });
      assert.equal(await answer.text(), PLAIN);
      assert.equal(gateway.reached[0]!.body, ASKING);
      const { state, usage } = await entry(gateway, id);
      assert.deepEqual([state, usage], ["measured", { input: 7, output: 5 }]);
      const { bytes, ending } = gateway.lines.at(-1)!;
      const length = encoded(PLAIN).length;
      assert.deepEqual([bytes, ending], [length, "complete"]);
    },
  );
}

const USUAL = {
  path: CHAT,
  body: STREAM,
  answer: TOLD,
  token: { exactUsage: true },
};
for (
  const [name, differs] of Object.entries({
    "its client asks itself": { body: ASKING },
    "its token has not the option": { token: { exactUsage: false } },
    "it asks for no stream": { body: '{"model":"m-x","stream":false}' },
    "its content is read differently by some": {
      body: '{"stream":true,"stream":true}',
    },
    "its content is no JSON": { body: "stream=true" },
    "it is a response": { path: "/openai/v1/responses" },
    "it is a message": { path: "/anthropic/v1/messages" },
    "it is Gemini's own": {
      path: "/gemini/v1beta/models/m-x:streamGenerateContent",
    },
  } as Record<string, Partial<typeof USUAL>>)
) {
  law(
    `exactUsage leaves a request and its answer alone where ${name}`,
    async (gateway) => {
      const { path, body, answer, token: fields } = { ...USUAL, ...differs };
      const { token } = await gateway.mint(fields);
      gateway.respondWith(() => events(answer));
      const got = await post(gateway, token, { path, body });
      assert.equal(await got.text(), answer);
      assert.equal(gateway.reached[0]!.body, body);
    },
  );
}

law("exactUsage reads content whole only where it can ask", async () => {
  const contents: Content[] = [];
  const flights = createFlights(() => START);
  const built = gateway({
    egress: async ({ content }) => {
      contents.push(content);
      await new Response(content.body).arrayBuffer();
      const flight = flights.begin(() => {});
      return { response: Response.json({}), flight, abort: () => {} };
    },
  });
  try {
    const { token } = await built.mint({ exactUsage: true });
    const body = JSON.stringify({ input: "x".repeat(100_000), stream: true });
    for (const path of ["/openai/v1/responses", CHAT]) {
      await (await post(built, token, { path, body })).text();
    }
    const { token: plain } = await built.mint();
    await (await post(built, plain, { body })).text();
    const whole = contents.map(({ bytes }) => bytes !== undefined);
    assert.deepEqual(whole, [false, true, false]);
    const { length, bytes } = contents[1]!;
    assert.equal(length, bytes!.length);
    assert.equal(length! - body.length, ASKING.length - STREAM.length);
  } finally {
    await built.settled();
    built.close();
  }
});

const gzipped = new Uint8Array(gzipSync(TOLD));
for (
  const [name, answer, content] of [
    [
      "a compressed answer",
      () =>
        new Response(gzipped, {
          headers: { ...EVENTS, "content-encoding": "gzip" },
        }),
      gzipped,
    ],
    ["an error", () => events(TOLD, { status: 400 }), TOLD],
    [
      "what is no stream",
      () => events(TOLD, { headers: { "content-type": "text/plain" } }),
      TOLD,
    ],
  ] as const
) {
  law(`exactUsage passes ${name} as it comes`, async (gateway) => {
    const { token } = await gateway.mint({ exactUsage: true });
    gateway.respondWith(answer);
    const got = await post(gateway, token, { body: STREAM });
    const want = typeof content === "string" ? encoded(content) : content;
    assert.deepEqual(new Uint8Array(await got.arrayBuffer()), want);
    assert.equal(gateway.reached[0]!.body, ASKING);
  });
}

law(
  "exactUsage takes back the length of a stream that gets shorter",
  async (gateway) => {
    const { token } = await gateway.mint({ exactUsage: true });
    const length = `${encoded(TOLD).length}`;
    gateway.respondWith(() =>
      events(TOLD, { headers: { ...EVENTS, "content-length": length } })
    );
    const answer = await post(gateway, token, { body: STREAM });
    assert.equal(answer.headers.get("content-length"), null);
    assert.equal(await answer.text(), PLAIN);
  },
);

law(
  "exactUsage holds back no byte of a stream that ends within an event",
  async (gateway) => {
    const { token } = await gateway.mint({ exactUsage: true });
    const half = words(',"usage":null') + 'data: {"choices":[{"delta"';
    gateway.respondWith(() => events(half));
    const answer = await post(gateway, token, { body: STREAM });
    assert.equal(await answer.text(), words("") + 'data: {"choices":[{"delta"');
    const { bytes, ending } = gateway.lines.at(-1)!;
    assert.equal(ending, "complete");
    assert.equal(
      bytes,
      encoded(await events(words("")).text()).length + 26,
    );
  },
);

law(
  "exactUsage holds back no byte of a stream that breaks off, and no end either",
  async (gateway) => {
    const { token } = await gateway.mint({ exactUsage: true });
    const half = 'data: {"choices":[{"delta"';
    gateway.respondWith(() =>
      events(words(',"usage":null') + half, { fails: true })
    );
    const answer = await gateway.open(CHAT, {
      method: "POST",
      headers: bearer(token),
      body: STREAM,
    });
    let text = "";
    const decoder = new TextDecoder();
    await assert.rejects(async () => {
      for await (const piece of answer.body!) {
        text += decoder.decode(piece, { stream: true });
      }
    });
    assert.equal(text, words("") + half);
    assert.equal(gateway.lines.at(-1)!.ending, "origin_broken");
  },
);

law(
  "exactUsage: a token that is taken back ends its stream between two events",
  async (gateway) => {
    const { id, token } = await gateway.mint({ exactUsage: true });
    const first = words(',"usage":null') + 'data: {"choices":[{"delta"';
    let cancelled = false;
    gateway.respondWith(() => {
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(encoded(first)),
        cancel: () => void (cancelled = true),
      });
      return new Response(body, { headers: EVENTS });
    });
    const answer = await gateway.open(CHAT, {
      method: "POST",
      headers: bearer(token),
      body: STREAM,
    });
    const reader = answer.body!.pipeThrough(new TextDecoderStream())
      .getReader();
    assert.equal((await reader.read()).value, words(""));
    await gateway.admin("PATCH", `/admin/tokens/${id}`, { status: "disabled" });
    gateway.tick(2);
    const { value } = await reader.read();
    assert.match(
      value!,
      /^data: \{"error":\{.*"code":"invalid_api_key".*\}\}\n\n$/,
    );
    assert.equal((await reader.read()).done, true);
    assert.equal(gateway.lines.at(-1)!.ending, "revoked");
    assert.ok(cancelled);
  },
);

for (
  const [abort, state, cost] of [["drain", "measured", 22], [
    "cancel",
    "estimated",
    undefined,
  ]] as const
) {
  law(
    `exactUsage, a client that leaves early: ${abort} is ${state}`,
    async (gateway) => {
      const { id, token } = await gateway.mint({ exactUsage: true, abort });
      gateway.respondWith(() => honest(gateway));
      const leaves = new AbortController();
      const answer = await gateway.open(CHAT, {
        method: "POST",
        headers: bearer(token),
        body: STREAM,
        signal: leaves.signal,
      });
      const reader = answer.body!.getReader();
      const { value } = await reader.read();
      assert.equal(new TextDecoder().decode(value), chunk("é😀", ""));
      leaves.abort();
      await reader.cancel().catch(() => {});
      await gateway.done(); // draining, and then the settling
      const last = await entry(gateway, id);
      assert.equal(last.state, state);
      if (cost !== undefined) assert.equal(last.cost, cost);
    },
    { prices: PRICES },
  );
}

law(
  "exactUsage has a budget settled to what was used, where else all that was held is spent",
  async (gateway) => {
    gateway.respondWith(() => honest(gateway));
    const costs: number[] = [];
    for (const exactUsage of [true, false]) {
      const { id, token } = await gateway.mint({ ...MILLION, exactUsage });
      const answer = await post(gateway, token, { body: STREAM });
      assert.equal(await answer.text(), PLAIN);
      assert.equal(
        (await entry(gateway, id)).state,
        exactUsage ? "measured" : "estimated",
      );
      costs.push(await spent(gateway, id, 1e6));
    }
    // 7 + 3 × 5; the bytes and 512 more, and 3 × 100.
    assert.deepEqual(costs, [22, STREAM.length + 512 + 300]);
  },
  { prices: PRICES },
);

/** What a request to each wire may come to, as bytes + 512 + 3 × its limit. */
const WIRES: readonly (readonly [path: string, body: string])[] = [
  [CHAT, '{ "model" : "m-é",\n"max_tokens": LIMIT ,"messages":[] }'],
  [
    CHAT,
    '{"model":"m-x","max_completion_tokens":LIMIT,"max_tokens":LIMIT,"stream":true}',
  ],
  [
    "/openai/v1/completions",
    '{"model":"m-x","max_tokens":LIMIT,"prompt":"\\u00e9"}',
  ],
  [
    "/openai/v1/responses",
    '{"model":"m-x","max_output_tokens":LIMIT,"input":"a"}',
  ],
  [
    "/anthropic/v1/messages",
    '{"model":"m-x","messages":[],"max_tokens":LIMIT}',
  ],
  [
    "/gemini/v1beta/models/m-x:streamGenerateContent",
    '{"generationConfig":{"maxOutputTokens":LIMIT},"contents":[]}',
  ],
  [
    "/gemini/v1beta/openai/chat/completions",
    '{"model":"m-x","max_tokens":LIMIT}',
  ],
];

for (const [path, text] of WIRES) {
  law(
    `clamp lowers one number at ${path}: ${text.slice(0, 40)}`,
    async (gateway) => {
      const size = encoded(text.replaceAll("LIMIT", "9999")).length;
      const total = size + 512 + 3 * 1000;
      const { id, token } = await gateway.mint({
        clamp: true,
        limits: { budget: { total } },
      });
      gateway.respondWith(() => Response.json({}, { status: 500 }));
      const got = await post(gateway, token, {
        path,
        body: text.replaceAll("LIMIT", "9999"),
      });
      assert.equal(got.headers.get("x-doppel-clamped"), "1000");
      assert.equal(gateway.reached[0]!.body, text.replaceAll("LIMIT", "1000"));
      await gateway.settled();
      // What fits stays, and says nothing; an error has cost nothing.
      const small = await post(gateway, token, {
        path,
        body: text.replaceAll("LIMIT", "999"),
      });
      assert.equal(small.headers.get("x-doppel-clamped"), null);
      assert.equal(gateway.reached[1]!.body, text.replaceAll("LIMIT", "999"));
      await gateway.settled();
      // Without the option it is refused as ever.
      await gateway.admin("PATCH", `/admin/tokens/${id}`, { clamp: false });
      const refused = await post(gateway, token, {
        path,
        body: text.replaceAll("LIMIT", "9999"),
      });
      assert.equal(refused.status, 402);
      assert.equal(gateway.reached.length, 2);
    },
    { prices: PRICES },
  );
}

law("clamp adds the limit that a request left out", async (gateway) => {
  const body = '{"model":"m-x","messages":[]}';
  const member = '"max_completion_tokens":10000,';
  const total = body.length + member.length + 512 + 3 * 500;
  const { token } = await gateway.mint({
    clamp: true,
    limits: { budget: { total } },
  });
  const got = await post(gateway, token, { body });
  assert.equal(got.headers.get("x-doppel-clamped"), "500");
  assert.equal(
    gateway.reached[0]!.body,
    '{"max_completion_tokens":500,"model":"m-x","messages":[]}',
  );
}, { prices: PRICES });

const CALL = '{"model":"m-x","max_tokens":9999}';
const FLOOR = CALL.length + 512 + 3 * 16;
for (
  const [name, total, body, code] of [
    ["less is left than 16 tokens cost", FLOOR - 1, CALL, "insufficient_quota"],
    ["nothing is left", 0, CALL, "insufficient_quota"],
    [
      "the limit is lower already",
      100,
      '{"model":"m-x","max_tokens":10}',
      "insufficient_quota",
    ],
    [
      "no price is known",
      9_000,
      '{"model":"odd","max_tokens":9999}',
      "price_unknown",
    ],
    [
      "a member stands twice",
      9_000,
      '{"model":"m-x","max_tokens":9999,"max_tokens":1}',
      "price_unknown",
    ],
    [
      "the content is no UTF-8",
      9_000,
      new Uint8Array([
        ...encoded(
          '{"model":"m-x","max_tokens":9999,"user":"',
        ),
        0xff,
        0x22,
        0x7d,
      ]),
      "price_unknown",
    ],
  ] as const
) {
  law(
    `clamp refuses where ${name}, and holds nothing then`,
    async (gateway) => {
      const { token } = await gateway.mint({
        clamp: true,
        limits: { budget: { total } },
      });
      const headers: Record<string, string> = typeof body === "string" ? {} : {
        "content-type": "application/json",
        "content-length": `${body.length}`,
      };
      const got = await post(gateway, token, { body, headers });
      const { error } = await got.json();
      assert.deepEqual([got.status, error.code], [402, code]);
      assert.equal(got.headers.get("x-doppel-clamped"), null);
      assert.equal(gateway.reached.length, 0);
      await gateway.settled();
      if (total < FLOOR) return;
      assert.equal(
        (await post(gateway, token, { body: CALL.replace("9999", "16") }))
          .status,
        200,
      );
    },
    { prices: PRICES },
  );
}

law("clamp sends the last 16 tokens' worth", async (gateway) => {
  const { token } = await gateway.mint({
    clamp: true,
    limits: { budget: { total: FLOOR } },
  });
  const got = await post(gateway, token, { body: CALL });
  assert.deepEqual([got.status, got.headers.get("x-doppel-clamped")], [
    200,
    "16",
  ]);
}, { prices: PRICES });

law("clamp without a budget changes nothing", async (gateway) => {
  const { token } = await gateway.mint({
    clamp: true,
    limits: { tokens: 50_000 },
  });
  const got = await post(gateway, token, { body: CALL });
  assert.deepEqual([got.status, got.headers.get("x-doppel-clamped")], [
    200,
    null,
  ]);
  assert.equal(gateway.reached[0]!.body, CALL);
}, { prices: PRICES });

law("both together: asked for, lowered, hidden, settled", async (gateway) => {
  const total = ASKING.length + 512 + 3 * 20;
  const { id, token } = await gateway.mint({
    clamp: true,
    exactUsage: true,
    limits: { budget: { total } },
  });
  gateway.respondWith(() => honest(gateway));
  const answer = await post(gateway, token, { body: STREAM });
  assert.equal(answer.headers.get("x-doppel-clamped"), "20");
  assert.equal(await answer.text(), PLAIN);
  assert.equal(gateway.reached[0]!.body, ASKING.replace("100", "20"));
  const { state, cost } = await entry(gateway, id);
  assert.deepEqual([state, cost], ["measured", 22]);
}, { prices: PRICES });

/** 50 calls at once, of which none is over before all are admitted or refused; and again, until nobody is admitted. Each writes a share of what it may. */
async function crowd(
  built: Gateway,
  store: Store,
  { clamp, share }: { clamp: boolean; share: (call: number) => number },
) {
  const total = Math.floor(5.5 * (CALL.length + 512 + 3 * 9999));
  const { id, token } = await built.mint({
    clamp,
    limits: { budget: { total } },
  });
  const admitted: number[] = [];
  while (admitted.at(-1) !== 0) {
    const before = built.reached.length;
    let refused = 0;
    const all = Promise.withResolvers<void>();
    const decided = () => {
      const known = built.reached.length - before + refused;
      if (known === 50) all.resolve();
    };
    built.respondWith(async ({ content }) => {
      const text = new TextDecoder().decode(content.bytes);
      const wrote = share(built.reached.length) * JSON.parse(text).max_tokens;
      decided();
      await all.promise;
      const usage = {
        prompt_tokens: text.length + 512,
        completion_tokens: Math.ceil(wrote),
      };
      return Response.json({ model: "m-x", choices: [], usage });
    });
    await Promise.all(Array.from({ length: 50 }, async () => {
      const answer = await post(built, token, { body: CALL });
      if (answer.status === 200) return;
      assert.equal(answer.status, 402);
      refused++;
      decided();
    }));
    admitted.push(50 - refused);
    const paid = await spent({ ...built, store }, id, total);
    assert.ok(paid <= total, `${paid} of ${total}`);
  }
  const paid = await spent({ ...built, store }, id, total);
  return { admitted, unused: total - paid };
}

const count = (admitted: readonly number[]) =>
  admitted.reduce((sum, round) => sum + round, 0);

async function races(built: Gateway, store: Store) {
  const [all, thirds] = [() => 1, (call: number) => (call % 3 + 1) / 3];
  const run = (clamp: boolean, share: (call: number) => number) =>
    crowd(built, store, { clamp, share });
  const clamped = await run(true, all);
  const refused = await run(false, all);
  assert.deepEqual([clamped.admitted, refused.admitted], [[6, 0], [5, 0]]);
  assert.ok(clamped.unused < 3, `${clamped.unused}: a token costs three`);
  assert.ok(refused.unused > 15_000, `${refused.unused}`);
  const more = await run(true, thirds);
  const fewer = await run(false, thirds);
  assert.ok(count(more.admitted) > count(fewer.admitted));
  assert.ok(more.unused < FLOOR && fewer.unused > FLOOR);
}

const RACE = "clamp: 50 calls at once never overspend, and more are admitted";

law(`${RACE}, on SQLite`, (built) => races(built, built.store), {
  prices: PRICES,
});

if (redisInstalled()) {
  Deno.test(`${RACE}, on Redis`, async () => {
    const upstash = await startUpstash();
    const store = upstashStore({ ...upstash, timeout: 10_000 });
    const built = gateway({ store, prices: PRICES });
    try {
      await races(built, store);
    } finally {
      await built.settled();
      built.close();
      await upstash.close();
    }
  });
}
