/** Usage, seen by an owner: what becomes an entry, what is summed up, what is shown. */

import assert from "node:assert/strict";
import { createLedger, type Entry, GATHERED_FOR } from "./core/ledger.ts";
import { createMetrics } from "./core/metrics.ts";
import { StoreUnavailable } from "./core/store.ts";
import { type Gateway, law, UNCLAMPED } from "./test/gateway.ts";

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const CHAT = "/v1/chat/completions";

const chatOf = (input: number, output: number, model = "gpt-x") => ({
  model,
  choices: [],
  usage: { prompt_tokens: input, completion_tokens: output },
});

/** 10 micro-dollars a token; `odd` has no price. */
const PRICES = {
  worst: () => Promise.resolve(100),
  ...UNCLAMPED,
  cost: (
    { model: asked }: { model: string },
    { usage, model = asked, byModel }: {
      usage: { input?: number; output?: number };
      model?: string;
      byModel?: Readonly<Record<string, unknown>>;
    },
  ) => {
    const [name = model] = Object.keys(byModel ?? {});
    const tokens = (usage.input ?? 0) + (usage.output ?? 0);
    return Promise.resolve(name === "odd" ? undefined : 10 * tokens);
  },
};

async function post(
  gateway: Gateway,
  token: string,
  { path = CHAT, body = "{}" } = {},
) {
  const headers = bearer(token);
  const answer = await gateway.send(path, { method: "POST", headers, body });
  await gateway.settled();
  return answer.status;
}

async function get(gateway: Gateway, path: string) {
  const answer = await gateway.admin("GET", path);
  const text = await answer.text();
  assert.equal(answer.status, 200, text);
  return JSON.parse(text);
}

law(
  "every finished request of a token becomes an entry, ids and counts and nothing else",
  async (gateway) => {
    const { id, token } = await gateway.mint({ endpoints: ["inference"] });
    gateway.respondWith(() => Response.json(chatOf(7, 5)));
    const secret = "the-words-of-a-prompt";
    await post(gateway, token, { body: JSON.stringify({ input: secret }) });
    gateway.respondWith(() => Response.json({ error: {} }, { status: 500 }));
    await post(gateway, token);
    assert.equal(await post(gateway, token, { path: "/v1/files" }), 403);
    const { requests } = await get(gateway, `/admin/tokens/${id}/requests`);
    const plain = requests.map(({ id: _, ms: __, ...rest }: Entry) => rest);
    const common = {
      time: "2026-11-20T12:00:00.000Z",
      token: id,
      provider: "openai",
      state: "measured",
    };
    assert.deepEqual(plain, [
      {
        ...common,
        model: "",
        endpoint: "files",
        status: 403,
        ending: "refused",
        refused: "endpoint_denied",
        usage: {},
        cost: 0,
      },
      {
        ...common,
        model: "",
        credential: "openai-1",
        endpoint: "inference",
        status: 500,
        ending: "complete",
        usage: {},
        cost: 0,
      },
      {
        ...common,
        model: "gpt-x",
        credential: "openai-1",
        endpoint: "inference",
        status: 200,
        ending: "complete",
        usage: { input: 7, output: 5 },
        cost: 120,
      },
    ]);
    const ids = gateway.lines.filter(({ token }) => token).map(({ id }) => id);
    assert.deepEqual(requests.map(({ id }: Entry) => id), ids.toReversed());
    assert.doesNotMatch(JSON.stringify(requests), new RegExp(secret));
  },
  { prices: PRICES },
);

law(
  "GET /admin/usage sums up by what is asked for",
  async (gateway) => {
    const [one, two] = [await gateway.mint(), await gateway.mint()];
    const run = async (token: string, model: string, tokens: number) => {
      gateway.respondWith(() => Response.json(chatOf(tokens, 1, model)));
      await post(gateway, token);
    };
    await run(one.token, "gpt-x", 1);
    await run(one.token, "gpt-x", 2);
    await run(two.token, "odd", 4);
    gateway.tick(3600);
    await run(two.token, "gpt-x", 8);
    gateway.respondWith(() =>
      new Response('data: {"choices":[{"delta":{"content":"12345678"}}]}\n\n', {
        headers: { "content-type": "text/event-stream" },
      })
    );
    await post(gateway, one.token);
    gateway.respondWith(() => new Response("{}", { status: 429 }));
    await post(gateway, one.token);
    const since = "2026-11-20T12:00:00Z";
    const ask = (query: string) =>
      get(gateway, `/admin/usage?since=${since}&${query}`);
    const { usage: guess } =
      (await get(gateway, `/admin/tokens/${one.id}/requests`)).requests[1];
    const guessed = 10 * guess.output;
    const rows = {
      one: {
        requests: 4,
        errors: { http_429: 1 },
        used: { input: 3, output: 2 + guess.output },
        cost: 50 + guessed,
        costGuessed: guessed,
        guessed: 1,
        unpriced: 0,
      },
      two: {
        requests: 2,
        errors: {},
        used: { input: 12, output: 2 },
        cost: 90,
        costGuessed: 0,
        guessed: 0,
        unpriced: 1,
      },
    };
    const { usage, ...report } = await ask("by=token");
    const order = (list: { token: string }[]) =>
      list.toSorted((a, b) => a.token < b.token ? -1 : 1);
    assert.deepEqual(
      usage,
      order([{ token: one.id, ...rows.one }, { token: two.id, ...rows.two }]),
    );
    const until = "2026-11-20T14:00:00Z";
    assert.deepEqual(report, { span: "hour", since, until });
    const only = await ask(`by=provider&token=${two.id}`);
    assert.deepEqual(only.usage, [{ provider: "openai", ...rows.two }]);
    const pick = async (query: string, ...names: string[]) =>
      (await ask(query)).usage
        .map((row: Record<string, unknown>) => names.map((name) => row[name]));
    assert.deepEqual(await pick("by=hour", "hour", "requests"), [
      ["2026-11-20T12:00:00Z", 3],
      ["2026-11-20T13:00:00Z", 3],
    ]);
    assert.deepEqual(await pick("by=model,day", "model", "day", "cost"), [
      ["", "2026-11-20", guessed],
      ["gpt-x", "2026-11-20", 140],
      ["odd", "2026-11-20", 0],
    ]);
    const page = await ask("by=model&limit=2");
    assert.deepEqual(page.usage.length, 2);
    const rest = await ask(`by=model&limit=2&cursor=${page.cursor}`);
    assert.deepEqual([rest.usage[0].model, rest.cursor], ["odd", undefined]);
    gateway.tick(100 * 3600);
    const old = await ask("by=model");
    assert.deepEqual([old.span, old.usage.length], ["day", 3]);
  },
  { prices: PRICES },
);

law(
  "GET /admin/usage sums up by credential, whichever tokens have used it",
  async (gateway) => {
    const inference = { endpoints: ["inference"] };
    const one = await gateway.mint(inference);
    const two = await gateway.mint(inference);
    const run = async (token: string, path: string, answer: Response) => {
      gateway.respondWith(() => answer);
      await post(gateway, token, { path });
    };
    const told = (input: number, model?: string) =>
      Response.json(chatOf(input, 1, model));
    await run(one.token, CHAT, told(1));
    await run(two.token, CHAT, told(2, "odd"));
    await run(two.token, CHAT, new Response("{}", { status: 500 }));
    await run(one.token, "/v1/files", told(100)); // refused: no key is chosen
    await run(one.token, "/v1/messages", told(3));
    const pick = async (by: string, ...names: string[]) =>
      (await get(gateway, `/admin/usage?by=${by}`)).usage.map((
        row: Record<string, unknown>,
      ) => names.map((name) => row[name]));
    assert.deepEqual(
      await pick("credential", "credential", "requests", "errors", "cost"),
      [["anthropic-1", 1, {}, 0], ["openai-1", 3, { http_500: 1 }, 20]],
    );
    assert.deepEqual(
      await pick("credential,provider,model,day", "credential", "model", "day"),
      [
        ["anthropic-1", "gpt-x", "2026-11-20"],
        ["openai-1", "", "2026-11-20"],
        ["openai-1", "gpt-x", "2026-11-20"],
        ["openai-1", "odd", "2026-11-20"],
      ],
    );
    const total = await pick("provider", "provider", "requests");
    assert.deepEqual(total, [["anthropic", 1], ["openai", 4]]);
    const path = "/admin/usage?by=credential";
    const headers = { ...gateway.sign("GET", path), accept: "text/csv" };
    const csv = await (await gateway.send(path, { headers })).text();
    assert.match(csv, /^credential,requests,[^]*\r\nopenai-1,3,1,/);
  },
  { prices: PRICES },
);

law("GET /admin/usage gives CSV to whoever accepts it", async (gateway) => {
  const { token } = await gateway.mint();
  gateway.respondWith(() => Response.json(chatOf(3, 4, '=1+"x",y')));
  await post(gateway, token);
  const path = "/admin/usage?by=provider,model";
  const headers = { ...gateway.sign("GET", path), accept: "text/csv" };
  const answer = await gateway.send(path, { headers });
  assert.match(answer.headers.get("content-type")!, /^text\/csv/);
  const [head, line, end] = (await answer.text()).split("\r\n");
  assert.match(head!, /^provider,model,requests,errors,input,cacheRead,/);
  assert.match(line!, /^openai,"'=1\+""x"",y",1,0,3,0,/);
  assert.equal(end, "");
});

law("GET /admin/usage: what it does not take", async (gateway) => {
  const wrong: [query: string, says: RegExp][] = [
    [
      "by=colour",
      /by must be of hour, day, token, provider, model, credential/,
    ],
    ["by=credential,token", /^by credential is for all tokens together/],
    ["by=credential&token=12345678", /^by credential is for all tokens/],
    ["since=yesterday", /since must be an RFC 3339 time/],
    ["since=2026-11-20T12:00:00Z&until=2026-11-20T11:00:00Z", /later/],
    ["limit=0", /limit must be 1 or more/],
    ["token=x", /token must be a public id/],
  ];
  for (const [query, says] of wrong) {
    const answer = await gateway.admin("GET", `/admin/usage?${query}`);
    assert.equal(answer.status, 400);
    assert.match((await answer.json()).title, says);
  }
  const empty = await get(gateway, "/admin/usage");
  assert.deepEqual(empty.usage, []);
  const none = await get(gateway, "/admin/tokens/nobody00/requests");
  assert.deepEqual(none, { requests: [] });
});

law(
  "a batch that is looked at twice is counted once, and model by model",
  async (gateway) => {
    const { id, token } = await gateway.mint({
      endpoints: ["batches"],
      providers: ["anthropic"],
    });
    const line = (model: string, input: number) =>
      JSON.stringify({
        result: {
          type: "succeeded",
          message: {
            type: "message",
            model,
            content: [],
            usage: { input_tokens: input, output_tokens: 1 },
          },
        },
      });
    gateway.respondWith(() =>
      new Response(`${line("claude-a", 5)}\n${line("odd", 7)}\n`, {
        headers: { "content-type": "application/x-jsonl" },
      })
    );
    for (let i = 0; i < 2; i++) {
      await gateway.send("/v1/messages/batches/msgbatch_1/results", {
        headers: bearer(token),
      });
      await gateway.settled();
    }
    const { usage } = await get(gateway, "/admin/usage?by=model");
    const shown = usage.map((row: Record<string, unknown>) => [
      row.model,
      row.requests,
      row.used,
      row.cost,
    ]);
    assert.deepEqual(shown, [
      ["claude-a", 0, { input: 5, output: 1 }, 60],
      ["odd", 2, { input: 7, output: 1 }, 0],
    ]);
    const { requests } = await get(gateway, `/admin/tokens/${id}/requests`);
    assert.deepEqual(
      requests.map(({ cost, parts }: Entry) => [cost, parts?.length]),
      [[0, undefined], [undefined, 2]],
    );
  },
  { prices: PRICES },
);

const METRICS = "metrics-token-of-the-tests-0123456789";

law("/metrics is not there without a token of its own", async (gateway) => {
  const answer = await gateway.send("/metrics", { headers: bearer(METRICS) });
  assert.equal(answer.status, 404);
});

law(
  "/metrics counts by provider, class and refusal, and names no token and no model",
  async (gateway) => {
    const scrape = (token: string) =>
      gateway.send("/metrics", { headers: bearer(token) });
    assert.equal((await scrape("wrong")).status, 401);
    assert.equal((await gateway.send("/metrics")).status, 401);
    const { id, token } = await gateway.mint();
    gateway.respondWith(() => Response.json(chatOf(7, 5)));
    await post(gateway, token);
    gateway.respondWith(() => Response.json(chatOf(1, 1, "odd")));
    await post(gateway, token);
    assert.equal(await post(gateway, "nobody-s-token-0123456789"), 401);
    gateway.respondWith(() =>
      new Response(new ReadableStream({ pull() {} }), { status: 200 })
    );
    const headers = bearer(token);
    const open = await gateway.open(CHAT, { method: "POST", headers });
    const answer = await scrape(METRICS);
    assert.equal(
      answer.headers.get("content-type"),
      "text/plain; version=0.0.4; charset=utf-8",
    );
    const lines = (await answer.text()).split("\n");
    for (
      const line of [
        "# TYPE doppel_requests_total counter",
        'doppel_requests_total{provider="openai",code="2xx",refused=""} 2',
        'doppel_requests_total{provider="",code="4xx",refused="token_invalid"} 1',
        'doppel_tokens_total{provider="openai",kind="input"} 8',
        'doppel_cost_dollars_total{provider="openai",state="measured"} 0.00012',
        'doppel_unpriced_requests_total{provider="openai"} 1',
        "doppel_requests_in_flight 1",
        'doppel_build_info{version="test"} 1',
        "",
      ]
    ) assert.ok(lines.includes(line), `${line}\n${lines.join("\n")}`);
    const form =
      /^(?:|# (?:HELP|TYPE) \w+ .+|\w+(?:\{\w+="[^"]*"(?:,\w+="[^"]*")*\})? [\d.e+-]+)$/;
    for (const line of lines) assert.match(line, form);
    assert.ok(!lines.join().includes(id) && !lines.join().includes("gpt-x"));
    await open.body!.cancel();
  },
  { prices: PRICES, metricsToken: METRICS },
);

law("what the store does not answer is counted by verb", async ({ store }) => {
  const metrics = createMetrics("test");
  const watched = metrics.watch({
    ...store,
    ready: () => Promise.reject(new StoreUnavailable("TimeoutError")),
  });
  assert.deepEqual(await watched.admit([]), { records: [], turn: 0 });
  await assert.rejects(() => watched.ready(), StoreUnavailable);
  const text = await metrics.text(0);
  const said = /^doppel_store_errors_total\{.*/m.exec(text)?.[0];
  assert.equal(said, 'doppel_store_errors_total{verb="ready"} 1');
});

law("what could not be kept is kept later, once", async (gateway) => {
  const { store } = gateway;
  const entry = { time: "2026-11-20T12:00:00Z", token: "one" } as Entry;
  const whole: Entry = {
    ...entry,
    id: "a",
    provider: "openai",
    model: "gpt-x",
    endpoint: "inference",
    status: 200,
    ending: "complete",
    usage: { input: 1 },
    state: "measured",
    ms: 1,
  };
  const deferred: Promise<unknown>[] = [];
  const fails = [false, true]; // arrives or not, but never an answer
  const ledger = createLedger({
    store: {
      ...store,
      async addUsage(batch) {
        const lost = fails.shift();
        if (lost !== true) await store.addUsage(batch);
        if (lost !== undefined) throw new StoreUnavailable("TimeoutError");
      },
    },
    now: () => Date.parse(entry.time),
    defer: (_, work) => void deferred.push(work.catch(() => {})),
    keep: { hours: 72, days: 400, requests: 1 },
  });
  ledger.enter(whole);
  await assert.rejects(() => ledger.flush(), StoreUnavailable);
  ledger.enter({ ...whole, id: "b" });
  await assert.rejects(() => ledger.flush(), StoreUnavailable);
  while (deferred.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, GATHERED_FOR / 10));
  }
  await Promise.all(deferred);
  const { items } = await store.listUsage({
    span: "day",
    from: "2026-11-20",
    to: "2026-11-20",
    limit: 10,
  });
  const sums = { requests: 2, "use:input": 2, unpriced: 2 };
  assert.deepEqual(items.map((row) => ({ ...row.sums })), [sums]);
  const kept = await store.listRequests("one", 10);
  assert.deepEqual(kept.map(({ id }) => id), ["b"]);
});

law(
  "what has gathered while the store was away is kept in pieces",
  async (gateway) => {
    const { store } = gateway;
    const pieces: number[] = [];
    const ledger = createLedger({
      store: {
        ...store,
        addUsage(batch) {
          pieces.push(JSON.stringify([batch.rows, ...batch.requests]).length);
          return store.addUsage(batch);
        },
      },
      now: () => Date.parse("2026-11-20T12:00:00Z"),
      defer: () => {},
      keep: { hours: 72, days: 400, requests: 20 },
    });
    for (let i = 0; i < 4_000; i++) {
      ledger.enter({
        time: "2026-11-20T12:00:00Z",
        id: `${i}`,
        token: `token-${i % 1_000}`,
        provider: "openai",
        model: "gpt-x",
        endpoint: "inference",
        status: 200,
        ending: "complete",
        usage: { input: 1 },
        cost: 1,
        state: "measured",
        ms: 1,
      });
    }
    await ledger.flush();
    assert.ok(pieces.length >= 8 && Math.max(...pieces) < 500_000, `${pieces}`);
    const day = "2026-11-20";
    const range = { span: "day", from: day, to: day, limit: 1_000 } as const;
    const { items } = await store.listUsage(range);
    const requests = items.map(({ sums }) => sums.requests!);
    assert.equal(requests.reduce((a, b) => a + b), 4_000);
    assert.equal((await store.listRequests("token-999", 10)).length, 4);
  },
);
