/** What answers tell a holder beside the API's own: what limits still allow, where time went, and why it was broken off. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { createRunning } from "./core/running.ts";
import type { Store } from "./core/store.ts";
import { sqliteStore } from "./store/sqlite.ts";
import { upstashStore } from "./store/upstash.ts";
import { type Gateway, gateway, law, START } from "./test/gateway.ts";
import { redisInstalled, startUpstash } from "./test/redis.ts";

const CHAT = "/v1/chat/completions";
const OURS = /^(?:x-doppel-|server-timing$)/;

const chat = (token: string, body: unknown = {}) => ({
  method: "POST",
  headers: { authorization: `Bearer ${token}` },
  body: JSON.stringify({ model: "gpt-x", ...Object(body) }),
});

/** A micro-dollar a token; the worst case is what `max_tokens` says. */
const PRICES = {
  worst: ({ text }: { text: string }) =>
    Promise.resolve(Number(/"max_tokens":(\d+)/.exec(text)?.[1] ?? 0)),
  cost: (
    _: unknown,
    { usage }: { usage: { input?: number; output?: number } },
  ) => Promise.resolve((usage.input ?? 0) + (usage.output ?? 0)),
  least: () => Promise.resolve(undefined),
  clamp: () => Promise.resolve(undefined),
};

/** Our fields, without what they begin with. */
function told({ headers }: Response): Record<string, string> {
  return Object.fromEntries(
    [...headers].filter(([name]) => OURS.test(name)).map(([name, value]) => [
      name.replace("x-doppel-ratelimit-", ""),
      value,
    ]),
  );
}

const used = (prompt: number, completion: number) => () =>
  Response.json({
    model: "gpt-x",
    usage: { prompt_tokens: prompt, completion_tokens: completion },
  });

law("answers tell what each limit of the token still allows", async (g) => {
  const { token } = await g.mint({
    limits: {
      requests: 3,
      tokens: 1000,
      concurrency: 2,
      budget: { day: 2_500_000, month: 50_000_000, total: 1_000_001 },
    },
  });
  g.respondWith(used(10, 20));
  const messages = [{ role: "user", content: "x".repeat(200) }];
  const ask = { max_tokens: 500_000, messages };
  const first = await g.send(CHAT, chat(token, ask));
  await g.settled();
  const { "remaining-tokens": tokens, ...rest } = told(first);
  assert.ok(Number(tokens) > 900 && Number(tokens) < 1000, tokens);
  assert.deepEqual(rest, {
    "limit-requests": "3",
    "remaining-requests": "2",
    "reset-requests": "65",
    "limit-tokens": "1000",
    "reset-tokens": "65",
    "limit-concurrency": "2",
    "remaining-concurrency": "1",
    "limit-budget-day": "2.5",
    "remaining-budget-day": "2",
    "limit-budget-month": "50",
    "remaining-budget-month": "49.5",
    "limit-budget-total": "1.000001",
    "remaining-budget-total": "0.500001",
  });
  g.tick(5);
  const second = told(await g.send(CHAT, chat(token, { max_tokens: 1 })));
  await g.settled();
  assert.equal(second["remaining-budget-total"], "0.99997");
  assert.equal(second["remaining-requests"], "1");
  assert.equal(second["reset-requests"], "60");
}, { prices: PRICES });

law("pages of other origins may read what they are told", async (g) => {
  const { token } = await g.mint({ limits: { requests: 3 } });
  const asked = chat(token);
  const headers = { ...asked.headers, origin: "https://app.example" };
  const answer = await g.send(CHAT, { ...asked, headers });
  const exposed = answer.headers.get("access-control-expose-headers")!;
  for (const name of ["limit", "remaining", "reset"]) {
    const field = `x-doppel-ratelimit-${name}-requests`;
    assert.ok(answer.headers.has(field));
    assert.ok(exposed.split(", ").includes(field), exposed);
  }
});

law("a token without limits is told nothing", async (g) => {
  const { token } = await g.mint();
  assert.deepEqual(told(await g.send(CHAT, chat(token))), {});
  const unknown = await g.send(CHAT, chat(token + "x"));
  assert.equal(unknown.status, 401);
  assert.deepEqual(told(unknown), {});
});

/** Refusals for limits: what comes before, and what is told. */
const REFUSED: [
  name: string,
  limits: Record<string, unknown>,
  before: (g: Gateway, token: string) => Promise<unknown>,
  expected: { status: number; retry: string | null } & Record<string, unknown>,
][] = [
  [
    "requests",
    { requests: 1 },
    (g, token) => g.send(CHAT, chat(token)),
    {
      status: 429,
      retry: "62",
      "limit-requests": "1",
      "remaining-requests": "0",
      "reset-requests": "62",
    },
  ],
  [
    "tokens, used up",
    { tokens: 50 },
    (g, token) => g.send(CHAT, chat(token)),
    {
      status: 429,
      retry: "62",
      "limit-tokens": "50",
      "remaining-tokens": "0",
      "reset-tokens": "62",
    },
  ],
  [
    "tokens, fewer than this request has",
    { tokens: 70 },
    (g, token) => g.send(CHAT, chat(token)),
    {
      status: 429,
      retry: "62",
      "limit-tokens": "70",
      "remaining-tokens": "10",
      "reset-tokens": "62",
    },
  ],
  [
    "concurrency",
    { concurrency: 1 },
    (g, token) => g.open(CHAT, chat(token)),
    {
      status: 429,
      retry: "1",
      "limit-concurrency": "1",
      "remaining-concurrency": "0",
    },
  ],
  [
    "budget",
    { budget: { day: 70, total: 1_000_000 } },
    (g, token) => g.send(CHAT, chat(token, { max_tokens: 60 })),
    {
      status: 402,
      retry: null,
      "limit-budget-day": "0.00007",
      "remaining-budget-day": "0.00001",
      "limit-budget-total": "1",
      "remaining-budget-total": "0.99994",
    },
  ],
];

for (const [name, limits, before, expected] of REFUSED) {
  law(`a refusal tells why: ${name}`, async (g) => {
    const { token } = await g.mint({ limits });
    g.respondWith(used(40, 20));
    const first = await before(g, token) as Response;
    if (name !== "concurrency") await g.settled();
    g.tick(3);
    const body = { max_tokens: 60, messages: [{ content: "x".repeat(400) }] };
    const answer = await g.send(CHAT, chat(token, body));
    const retry = answer.headers.get("retry-after");
    assert.deepEqual(
      { status: answer.status, retry, ...told(answer) },
      expected,
    );
    assert.equal(g.reached.length, 1);
    if (!first.bodyUsed) await first.body?.cancel();
  }, { prices: PRICES });
}

law(
  "an API's own fields pass as they come, ours it cannot write",
  async (g) => {
    const { token } = await g.mint({ limits: { requests: 5 } });
    const theirs = {
      "x-ratelimit-remaining-requests": "4711",
      "anthropic-ratelimit-tokens-remaining": "12",
      "server-timing": "db;dur=53",
    };
    const forged = {
      "x-doppel-ratelimit-remaining-requests": "999",
      "x-doppel-ratelimit-remaining-budget-day": "999",
      "x-doppel-hop": "body-too-large",
    };
    g.respondWith(() =>
      Response.json({}, { headers: { ...theirs, ...forged } })
    );
    for (const presented of [token, (await g.mint()).token]) {
      const { headers } = await g.send(CHAT, chat(presented));
      for (const [name, value] of Object.entries(theirs)) {
        assert.equal(headers.get(name), value);
      }
      const remaining = presented === token ? "4" : null;
      assert.equal(
        headers.get("x-doppel-ratelimit-remaining-requests"),
        remaining,
      );
      assert.equal(
        headers.get("x-doppel-ratelimit-remaining-budget-day"),
        null,
      );
      assert.equal(headers.get("x-doppel-hop"), null);
    }
  },
);

const SHARE =
  /^doppel;dur=(\d+\.\d{3}), doppel-store;dur=(\d+\.\d{3}), doppel-origin;dur=(\d+\.\d{3})$/;

law(
  "who asks is told where the time went; the API does not hear of it",
  async (g) => {
    const { token } = await g.mint({ limits: { concurrency: 2 } });
    const asking = (more: RequestInit, value = "1") => ({
      ...more,
      headers: { ...more.headers as object, "x-doppel-timing": value },
    });
    const before = performance.now();
    g.respondWith(async () => {
      await new Promise((resolve) => setTimeout(resolve, 30));
      return Response.json({}, { headers: { "server-timing": "db;dur=53" } });
    });
    const answer = await g.send(CHAT, asking(chat(token)));
    const all = performance.now() - before;
    const [theirs, ...ours] = answer.headers.get("server-timing")!.split(", ");
    assert.equal(theirs, "db;dur=53");
    const [own, store, origin] = SHARE.exec(ours.join(", "))!.slice(1).map(
      Number,
    ) as [number, number, number];
    assert.ok(store > 0 && own > 0, `${ours}`);
    assert.ok(origin >= 25 && own + store + origin <= all, `${ours} of ${all}`);
    assert.equal(g.reached[0]!.headers["x-doppel-timing"], undefined);

    const refused = await g.send(CHAT, asking(chat(`${token}x`)));
    assert.match(refused.headers.get("server-timing")!, SHARE);
    const unasked = await g.send(CHAT, asking(chat(token), "0"));
    assert.equal(unasked.headers.get("server-timing"), "db;dur=53");
    await g.settled();
  },
);

/** A path of each row of sockets. */
const SOCKETS = [
  "/v1/realtime?model=m",
  "/v1/realtime/translations?model=m",
  "/v1/responses",
  "/v1/live/sessions",
  "/v1/live/sessions/s/attach",
  "/gemini/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
];

for (const path of SOCKETS) {
  law(
    `a token with a budget opens no socket, even where a GET is free: ${path}`,
    async (g) => {
      const limits = { budget: { total: 1e9 } };
      const { token } = await g.mint({ limits, endpoints: ["all"] });
      const answer = await g.send(path, {
        headers: {
          ...chat(token).headers,
          connection: "upgrade",
          upgrade: "websocket",
          "sec-websocket-version": "13",
          "sec-websocket-key": "dGhlIHNhbXBsZSBub25jZQ==",
        },
      });
      assert.equal(answer.status, 402);
      assert.match(await answer.text(), /No prices here/);
    },
  );
}

/** An event stream that ends when it is broken off. */
function endless() {
  return new Response(
    new ReadableStream({
      start: (to) => to.enqueue(new TextEncoder().encode("data: {}\n\n")),
    }),
    { headers: { "content-type": "text/event-stream" } },
  );
}

const EVENT = "data: {}\n\n";

/** A stream that is under way. */
async function running(g: Gateway, token: string, body: unknown = {}) {
  g.respondWith(endless);
  const answer = await g.open(CHAT, chat(token, body));
  assert.equal(answer.status, 200);
  const reader = answer.body!.pipeThrough(new TextDecoderStream()).getReader();
  const id = answer.headers.get("x-request-id");
  const run = { id, text: "", leave: () => reader.cancel() };
  (async () => {
    for (let read = await reader.read(); !read.done;) {
      run.text += read.value;
      read = await reader.read();
    }
  })().catch(() => {});
  return run;
}

async function until(holds: () => boolean) {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 10));
}

const overBudget = ({ text }: { text: string }) =>
  text.startsWith(EVENT) && /"insufficient_quota"/.test(text);

interface Scene {
  readonly g: Gateway;
  /** So many looks are over, the first of which began after this. */
  readonly looks: (count: number) => Promise<void>;
  readonly lower: (id: string, total: number) => Promise<unknown>;
}

const OVER: [name: string, holds: (scene: Scene) => Promise<void>][] = [
  ["what holds its part goes on, however full the budget", async (scene) => {
    const { g, looks } = scene;
    const { token } = await g.mint({ limits: { budget: { total: 100 } } });
    const [one, two] = [
      await running(g, token, { max_tokens: 60 }),
      await running(g, token, { max_tokens: 40 }),
    ];
    await looks(3);
    assert.deepEqual([one.text, two.text], [EVENT, EVENT]);
    for (const { leave } of [one, two]) await leave();
  }],
  ["what holds more than is unspent ends first", async (scene) => {
    const { g, lower } = scene;
    const { id, token } = await g.mint({ limits: { budget: { total: 100 } } });
    const [small, large] = [
      await running(g, token, { max_tokens: 40 }),
      await running(g, token, { max_tokens: 41 }),
    ];
    await lower(id, 40);
    // What is broken off is spent whole, and that is all there was.
    await until(() => overBudget(large) && overBudget(small));
    const ended = g.lines.filter(({ ending }) => ending === "revoked");
    assert.deepEqual(ended.map(({ id }) => id), [large.id, small.id]);
    assert.equal((await g.send(CHAT, chat(token))).status, 402);
  }],
  ["what began without one ends when nothing is left", async (scene) => {
    const { g, looks, lower } = scene;
    const other = await running(g, (await g.mint()).token);
    const runs: { id: string; run: { text: string } }[] = [];
    for (const limits of [{}, { requests: 9 }, { concurrency: 9 }]) {
      const { id, token } = await g.mint({ limits });
      runs.push({ id, run: await running(g, token) });
    }
    for (const { id } of runs) await lower(id, 1);
    await looks(2);
    assert.ok(runs.every(({ run }) => run.text === EVENT));
    for (const { id } of runs) await lower(id, 0);
    await until(() => runs.every(({ run }) => overBudget(run)));
    await looks(1);
    assert.equal(other.text, EVENT);
    await other.leave();
  }],
];

async function onStage(
  kind: string,
  play: (scene: Scene) => Promise<void>,
) {
  const upstash = kind === "Redis" ? await startUpstash() : undefined;
  let time = START;
  let looked = 0;
  const now = () => time;
  const store = upstash
    ? upstashStore({ ...upstash, timeout: 10_000 })
    : sqliteStore(new DatabaseSync(":memory:"), now);
  const watch: Store["watch"] = async (...asked) => {
    const seen = await store.watch(...asked);
    looked++;
    return seen;
  };
  const fault = (name: string) => assert.fail(name);
  const running = createRunning({ store: { ...store, watch }, now, fault });
  const g = gateway({ prices: PRICES, store, running });
  const tick = (seconds: number) => {
    g.tick(seconds);
    time += seconds * 1000;
  };
  if (upstash) tick((Date.now() - START) / 1000); // Redis looks at its own clock
  const looks = async (count: number) => {
    tick(1);
    const from = looked;
    await until(() => looked > from + count);
  };
  const lower = async (id: string, total: number) => {
    tick(1);
    const limits = { budget: { total } };
    const path = `/admin/tokens/${id}`;
    assert.equal((await g.admin("PATCH", path, { limits })).status, 200);
  };
  try {
    await play({ g, looks, lower });
  } finally {
    await g.settled();
    store.close();
    g.close();
    await upstash?.close();
  }
}

for (const kind of redisInstalled() ? ["SQLite", "Redis"] : ["SQLite"]) {
  for (const [name, holds] of OVER) {
    Deno.test(`over budget, ${kind}: ${name}`, () => onStage(kind, holds));
  }
}
