/** Limits, seen by a holder: what is refused, how, and what a refused request costs. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type Store, StoreUnavailable } from "./core/store.ts";
import { sqliteStore } from "./store/sqlite.ts";
import { type Gateway, law, UNCLAMPED } from "./test/gateway.ts";

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const CHAT = "/v1/chat/completions";
const usage = (prompt: number, completion: number) => ({
  model: "gpt-x",
  choices: [],
  usage: { prompt_tokens: prompt, completion_tokens: completion },
});

/** A micro-dollar a token; the worst case is what `max_tokens` says, and 10 for the rest. */
const PRICES = {
  worst: ({ text }: { text: string }) => {
    const most = /"max_tokens":(\d+)/.exec(text)?.[1];
    return Promise.resolve(
      most === undefined
        ? { unbounded: "Send max_tokens." }
        : Number(most) + 10,
    );
  },
  cost: (
    _: unknown,
    { usage }: { usage: { input?: number; output?: number } },
  ) => Promise.resolve((usage.input ?? 0) + (usage.output ?? 0)),
  ...UNCLAMPED,
};

async function chat(
  { send, settled }: Gateway,
  token: string,
  body: unknown = {},
) {
  const answer = await send(CHAT, {
    method: "POST",
    headers: bearer(token),
    body: JSON.stringify({ model: "gpt-x", ...Object(body) }),
  });
  await settled();
  const { error } = await answer.json();
  return [answer.status, error?.code, answer.headers.get("retry-after")];
}

law(
  "requests per minute: 429 with a retry-after, and the minute comes back",
  async (gateway) => {
    const { token } = await gateway.mint({ limits: { requests: 2 } });
    assert.deepEqual(await chat(gateway, token), [200, undefined, null]);
    assert.deepEqual(await chat(gateway, token), [200, undefined, null]);
    const [status, code, retry] = await chat(gateway, token);
    assert.deepEqual([status, code], [429, "rate_limited"]);
    assert.ok(Number(retry) >= 60 && Number(retry) <= 65, `${retry}`);
    assert.equal(gateway.reached.length, 2);
    gateway.tick(66);
    assert.equal((await chat(gateway, token))[0], 200);
  },
);

law("a refused request gives its place back", async (gateway) => {
  const { token } = await gateway.mint({
    limits: { requests: 1, concurrency: 1 },
    models: ["gpt-x"],
    endpoints: ["inference"],
  });
  assert.equal((await chat(gateway, token, { model: "other" }))[0], 403);
  const files = await gateway.send("/v1/files", { headers: bearer(token) });
  assert.equal(files.status, 403);
  await gateway.settled();
  assert.equal((await chat(gateway, token))[0], 200);
  assert.equal((await chat(gateway, token))[0], 429);
});

law(
  "who asks for a provider that has just gone gets its place back",
  async (gateway) => {
    const lab = "/admin/providers/lab";
    await gateway.admin("PUT", lab, { origin: "https://lab.example" });
    const { token } = await gateway.mint({
      providers: ["openai", "lab"],
      limits: { requests: 1, concurrency: 1 },
    });
    const ask = async () =>
      (await gateway.send("/lab/v1/models", { headers: bearer(token) })).status;
    assert.equal(await ask(), 503, "it has no key");
    await gateway.settled();
    await gateway.admin("DELETE", lab);
    assert.equal(await ask(), 404);
    assert.equal((await chat(gateway, token))[0], 200);
  },
);

const setups = sqliteStore(new DatabaseSync(":memory:"));
let readable = true;
const sometimes: Store = {
  ...setups,
  readSetup: () =>
    readable
      ? setups.readSetup()
      : Promise.reject(new StoreUnavailable("TimeoutError")),
};

law(
  "who cannot be told what there is gets its place back",
  async (gateway) => {
    const { token } = await gateway.mint({
      limits: { requests: 1, concurrency: 1 },
    });
    const to = ["openai/gpt-x"];
    await gateway.admin("PUT", "/admin/aliases/fast", { to });
    readable = false;
    assert.equal((await chat(gateway, token))[0], 503);
    readable = true;
    await gateway.settled();
    assert.equal((await chat(gateway, token))[0], 200);
  },
  { store: sometimes },
);

law("a handshake that is none gives its place back", async (gateway) => {
  const { token } = await gateway.mint({ limits: { requests: 1 } });
  const bad = await gateway.send("/v1/realtime?model=gpt-realtime", {
    headers: { ...bearer(token), upgrade: "websocket" },
  });
  assert.equal(bad.status, 400);
  await gateway.settled();
  assert.equal((await chat(gateway, token))[0], 200);
});

law(
  "requests at a time: the next comes in when one is over, whole or not",
  async (gateway) => {
    const { token } = await gateway.mint({ limits: { concurrency: 1 } });
    const open = () =>
      gateway.open(CHAT, {
        method: "POST",
        headers: bearer(token),
        body: "{}",
      });
    const first = await open();
    assert.deepEqual(await chat(gateway, token), [
      429,
      "concurrency_limited",
      "1",
    ]);
    await first.body!.cancel();
    await gateway.settled();
    const second = await open();
    await second.text();
    await gateway.settled();
    assert.equal((await chat(gateway, token))[0], 200);
  },
);

law("tokens per minute count what the API says was used", async (gateway) => {
  const { token } = await gateway.mint({ limits: { tokens: 100 } });
  gateway.respondWith(() => Response.json(usage(60, 30)));
  assert.equal((await chat(gateway, token))[0], 200);
  gateway.respondWith(() => Response.json(usage(5, 15)));
  assert.equal((await chat(gateway, token))[0], 200);
  assert.deepEqual((await chat(gateway, token)).slice(0, 2), [
    429,
    "rate_limited",
  ]);
});

law(
  "budgets: what may cost more than is left is not sent; what was used is spent",
  async (gateway) => {
    const { token } = await gateway.mint({ limits: { budget: { day: 100 } } });
    gateway.respondWith(() => Response.json(usage(5, 20)));
    assert.equal((await chat(gateway, token, { max_tokens: 90 }))[0], 200);
    const short = await chat(gateway, token, { max_tokens: 90 });
    assert.deepEqual(short, [402, "insufficient_quota", null]);
    assert.equal((await chat(gateway, token, { max_tokens: 65 }))[0], 200);
    assert.equal((await chat(gateway, token, { max_tokens: 45 }))[0], 402);
    assert.equal(gateway.reached.length, 2);
    gateway.tick(12 * 3600);
    assert.equal((await chat(gateway, token, { max_tokens: 90 }))[0], 200);
  },
  { prices: PRICES },
);

law(
  "budgets: what cannot be bounded is refused, and says what to do",
  async (gateway) => {
    const { token } = await gateway.mint({
      limits: { budget: { total: 100 } },
    });
    const answer = await gateway.send(CHAT, {
      method: "POST",
      headers: bearer(token),
      body: '{"model":"gpt-x"}',
    });
    assert.equal(answer.status, 402);
    assert.match(await answer.text(), /Send max_tokens/);
    const models = await gateway.send("/v1/models/m", {
      headers: bearer(token),
    });
    assert.equal(models.status, 200);
  },
  { prices: PRICES },
);

law(
  "budgets: an answer without a count costs no more than was held",
  async (gateway) => {
    const { token } = await gateway.mint({
      limits: { budget: { total: 100 } },
    });
    gateway.respondWith(() =>
      new Response(
        'data: {"choices":[{"delta":{"content":"' + "x".repeat(4000) +
          '"}}]}\n\n',
        {
          headers: { "content-type": "text/event-stream" },
        },
      )
    );
    const answer = await gateway.send(CHAT, {
      method: "POST",
      headers: bearer(token),
      body: '{"model":"gpt-x","max_tokens":40,"stream":true}',
    });
    await answer.text();
    await gateway.settled();
    gateway.respondWith(() => Response.json(usage(1, 1)));
    assert.equal((await chat(gateway, token, { max_tokens: 41 }))[0], 402);
    assert.equal((await chat(gateway, token, { max_tokens: 40 }))[0], 200);
  },
  { prices: PRICES },
);

const HUNDRED = { limits: { budget: { total: 100 } } };

/** Whether so much is left of a hundred, and no more. */
async function leaves(gateway: Gateway, token: string, left: number) {
  gateway.respondWith(() => Response.json(usage(1, left - 1)));
  const more = { max_tokens: left - 9 };
  assert.equal((await chat(gateway, token, more))[0], 402);
  const all = { max_tokens: left - 10 };
  assert.equal((await chat(gateway, token, all))[0], 200);
}

const EVENTS = { headers: { "content-type": "text/event-stream" } };

for (
  const [name, answer, left] of [
    ["an error", () => Response.json({}, { status: 500 }), 100],
    ["an error without content", () => bare(500), 100],
    ["success without content", () => bare(200), 50],
    ["a stream that tells no usage", () => new Response(WORD, EVENTS), 50],
    ["an answer in no JSON", () => new Response("<html>"), 50],
    [
      "a stream that counts nothing and writes",
      () => new Response(WORD + NOUGHT, EVENTS),
      50,
    ],
  ] as const
) {
  law(
    `budgets: ${name} leaves ${left} of 100`,
    async (gateway) => {
      const { token } = await gateway.mint(HUNDRED);
      gateway.respondWith(answer);
      await gateway.send(CHAT, {
        method: "POST",
        headers: bearer(token),
        body: '{"model":"gpt-x","max_tokens":40,"stream":true}',
      });
      await gateway.settled();
      await leaves(gateway, token, left);
    },
    { prices: PRICES },
  );
}

const WORD = 'data: {"choices":[{"delta":{"content":"x"}}]}\n\n';

const NOUGHT =
  'data: {"choices":[],"usage":{"prompt_tokens":9,"completion_tokens":0}}\n\n';

function bare(status: number) {
  return new Response(null, { status });
}

law(
  "budgets: a client that left before its request went costs nothing",
  async (gateway) => {
    const { token } = await gateway.mint(HUNDRED);
    const answer = await gateway.send(CHAT, {
      method: "POST",
      headers: bearer(token),
      body: '{"model":"gpt-x","max_tokens":40}',
      signal: AbortSignal.abort(),
    });
    assert.equal(answer.status, 499);
    await gateway.settled();
    assert.equal(gateway.reached.length, 0);
    await leaves(gateway, token, 100);
  },
  { prices: PRICES },
);

law(
  "budgets: a socket, of which nobody knows the price, is not opened",
  async (gateway) => {
    const { token } = await gateway.mint(HUNDRED);
    const answer = await gateway.send("/v1/realtime?model=gpt-x", {
      headers: {
        ...bearer(token),
        connection: "upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
        "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
      },
    });
    assert.equal(answer.status, 402);
    assert.match(await answer.text(), /Send max_tokens/);
    await gateway.settled();
    await leaves(gateway, token, 100);
  },
  { prices: PRICES },
);

for (
  const [path, provider] of [
    ["/v1/messages/batches", "anthropic"],
    ["/v1beta/models/gemini-2.5-flash:batchGenerateContent", "gemini"],
    ["/v1beta/models/gemini-embedding-001:asyncBatchEmbedContent", "gemini"],
    ["/v1beta/openai/batches", "gemini"],
    ["/v1/batches", "openai"],
    ["/v1/fine_tuning/jobs", "openai"],
    ["/v1/threads/runs", "openai"],
    ["/v1/vector_stores/vs_1/search", "openai"],
    ["/v1/realtime/calls", "openai"],
    ["/v1/videos", "openai"],
  ] as const
) {
  law(
    `budgets: what is charged later is not begun: ${provider} ${path}`,
    async (gateway) => {
      const { token } = await gateway.mint({ ...HUNDRED, endpoints: ["all"] });
      const answer = await gateway.send(`/${provider}${path}`, {
        method: "POST",
        headers: bearer(token),
        body: '{"model":"gpt-x"}',
      });
      assert.equal(answer.status, 402);
      assert.equal(gateway.reached.length, 0);
    },
    { prices: PRICES },
  );
}

/** A store whose verb is not answered so many times; `done`: it is carried out all the same. */
function faulty(
  verb: "settle" | "reserve" | "takeNonce",
  times: number,
  done: boolean,
): Store {
  const store = sqliteStore(new DatabaseSync(":memory:"));
  const work = store[verb] as (...args: unknown[]) => Promise<unknown>;
  const failing = async (...args: unknown[]) => {
    // Signatures take theirs, too.
    const other = verb === "takeNonce" && !`${args[0]}`.startsWith("look ");
    if (other) return await work(...args);
    const result = times > 0 && !done ? undefined : await work(...args);
    if (times-- > 0) throw new StoreUnavailable("TimeoutError");
    return result;
  };
  return { ...store, [verb]: failing };
}

for (const done of [false, true]) {
  law(
    `budgets: a bill that the store did not answer goes again, ${
      done ? "and is paid once" : "and is paid"
    }`,
    async (gateway) => {
      const { token } = await gateway.mint({
        limits: { ...HUNDRED.limits, concurrency: 1, requests: 2 },
      });
      gateway.respondWith(() => Response.json(usage(5, 20)));
      assert.equal((await chat(gateway, token, { max_tokens: 90 }))[0], 200);
      assert.deepEqual(gateway.faults, []);
      await leaves(gateway, token, 75);
      assert.equal((await chat(gateway, token, { max_tokens: 1 }))[0], 429);
    },
    { prices: PRICES, store: faulty("settle", 1, done) },
  );

  law(
    `budgets: a hold that the store did not answer leaves nothing behind, ${
      done ? "though it was held" : "as it was not held"
    }`,
    async (gateway) => {
      const { token } = await gateway.mint({
        limits: { ...HUNDRED.limits, concurrency: 1, requests: 1, tokens: 500 },
      });
      assert.equal((await chat(gateway, token, { max_tokens: 90 }))[0], 503);
      assert.equal(gateway.reached.length, 0);
      gateway.respondWith(() => Response.json(usage(5, 20)));
      assert.equal((await chat(gateway, token, { max_tokens: 90 }))[0], 200);
      assert.equal((await chat(gateway, token, { max_tokens: 1 }))[0], 429);
    },
    { prices: PRICES, store: faulty("reserve", 1, done) },
  );
}

law(
  "budgets: where nobody can tell whether a thing was counted before, what was held is spent",
  async (gateway) => {
    const { token } = await gateway.mint({ ...HUNDRED, endpoints: ["all"] });
    gateway.respondWith(() =>
      Response.json({ id: "i", usage: { total_input_tokens: 9 } })
    );
    const answer = await gateway.send("/gemini/v1beta/interactions", {
      method: "POST",
      headers: bearer(token),
      body: '{"model":"gpt-x","max_tokens":40}',
    });
    assert.equal(answer.status, 200);
    await gateway.settled();
    assert.deepEqual(gateway.faults, ["settle"]);
    await leaves(gateway, token, 50);
  },
  { prices: PRICES, store: faulty("takeNonce", 1, false) },
);

law("two values that both may be tokens take nothing", async (gateway) => {
  const value = "my-own-token-of-twenty-characters";
  const limits = { concurrency: 1, requests: 1 };
  await gateway.mint({ token: value, limits });
  const confused = { ...bearer(value), "x-api-key": "dpl_mistyped" };
  const answer = await gateway.send("/v1/models/m", { headers: confused });
  assert.equal(answer.status, 400);
  assert.equal((await chat(gateway, value))[0], 200);
});
