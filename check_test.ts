/** The specification of checks: which call proves a key of each API, what is said of one that does not work, and that nothing changes by it. */

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createServer, type ServerResponse } from "node:http";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { checkKey } from "./core/check.ts";
import type { CheckFailure } from "./core/check_failures.ts";
import type { Begun, Forwarded } from "./core/egress.ts";
import { createFlights } from "./core/flight.ts";
import { hush } from "./core/hush.ts";
import { createSeal } from "./core/seal.ts";
import { directEgress, sender } from "./egress.ts";
import { customProvider } from "./providers/custom.ts";
import { PROVIDERS } from "./providers/mod.ts";
import { withDoppel } from "./test/cli.ts";
import { keepSecret, keepText } from "./test/evidence.ts";
import { type Gateway, gateway, KEYS, law, SECRET } from "./test/gateway.ts";

const KEY = "sk-canary-check-7d1e9b40/c2+f8=wxyz";
const FIXED = "canary-fixed-5b0d72e19c";
for (const secret of [KEY, FIXED]) keepSecret(secret);

type Row = Record<string, unknown>;

/** Whatever an API lists. */
const LIST = { data: [{ id: "m-1" }, { id: "m-2" }] };

/** A check, and all that the owner was given with it. */
async function check({ admin }: Pick<Gateway, "admin">, id: string) {
  const answer = await admin("GET", `/admin/credentials/${id}/check`);
  const text = await answer.text();
  keepText("check", text);
  return { status: answer.status, body: JSON.parse(text) as Row, text };
}

const BEARER = (id: string) => ({
  authorization: `Bearer ${KEYS[id]![0]!.key}`,
});
const own = (id: string, origin: string) => ({
  url: `${origin}/v1/models`,
  fields: BEARER(id),
});

/** By row: what is called, written down apart from the table. */
const CALLS: Record<
  string,
  { url: string; fields: Record<string, string>; body?: Row }
> = {
  gemini: {
    url:
      "https://generativelanguage.googleapis.com/v1beta/models?pageSize=1000",
    fields: { "x-goog-api-key": "g-1" },
  },
  anthropic: {
    url: "https://api.anthropic.com/v1/models?limit=1000",
    fields: { "x-api-key": "sk-a", "anthropic-version": "2023-06-01" },
  },
  openai: own("openai", "https://api.openai.com"),
  cerebras: own("cerebras", "https://api.cerebras.ai"),
  cohere: own("cohere", "https://api.cohere.ai/compatibility"),
  deepseek: own("deepseek", "https://api.deepseek.com"),
  fireworks: own("fireworks", "https://api.fireworks.ai/inference"),
  groq: own("groq", "https://api.groq.com/openai"),
  minimax: own("minimax", "https://api.minimax.io"),
  mistral: own("mistral", "https://api.mistral.ai"),
  moonshot: own("moonshot", "https://api.moonshot.ai"),
  morph: own("morph", "https://api.morphllm.com"),
  openrouter: {
    url: "https://openrouter.ai/api/v1/key",
    fields: BEARER("openrouter"),
  },
  perplexity: {
    url: "https://api.perplexity.ai/v1/async/sonar",
    fields: BEARER("perplexity"),
  },
  sambanova: {
    url: "https://api.sambanova.ai/v1/chat/completions",
    fields: {
      ...BEARER("sambanova"),
      "content-type": "application/json",
    },
    body: {
      model: "doppel-check",
      messages: [{ role: "user", content: "." }],
      max_tokens: 1,
    },
  },
  together: own("together", "https://api.together.xyz"),
  xai: own("xai", "https://api.x.ai"),
  ollama: own("ollama", "http://127.0.0.1:11434"),
  vllm: own("vllm", "http://127.0.0.1:8000"),
  lmstudio: own("lmstudio", "http://127.0.0.1:1234"),
};

Deno.test("every row has a check, and no call is without a row", () => {
  const ids = PROVIDERS.map(({ id }) => id);
  assert.deepEqual(Object.keys(CALLS).sort(), ids.toSorted());
});

for (const { id, balance } of PROVIDERS) {
  law(
    `${id}: a key is proved by one call to its own origin, with it in its slot`,
    async (behind) => {
      const { url, fields, body } = CALLS[id]!;
      behind.respondWith(() => {
        behind.tick(1);
        return Response.json(LIST);
      });
      const { status, body: found } = await check(behind, `${id}-1`);
      assert.equal(status, 200);
      const lists = /\/models(?:\?|$)/.test(url);
      assert.deepEqual(found, {
        id: `${id}-1`,
        provider: id,
        ok: true,
        status: 200,
        ms: 1000,
        ...lists && { models: 2 },
      });
      assert.deepEqual(behind.reached[0], {
        method: body ? "POST" : "GET",
        url,
        headers: {
          "user-agent": "doppel",
          "accept-encoding": "identity",
          ...fields,
        },
        body: body ? JSON.stringify(body) : "",
      });
      const asks = balance !== undefined && lists;
      assert.equal(behind.reached.length, asks ? 2 : 1);
      assert.equal(behind.flights.size, 0);
    },
  );

  law(`${id}: a key that is refused does not pass`, async (behind) => {
    behind.respondWith(() =>
      Response.json({ error: { message: "no" } }, { status: 401 })
    );
    const { body } = await check(behind, `${id}-1`);
    assert.deepEqual({ ...body, ms: 0 }, {
      id: `${id}-1`,
      provider: id,
      ok: false,
      status: 401,
      ms: 0,
      reason: "key",
      detail: "no",
    });
    assert.equal(behind.reached.length, 1);
  });
}

interface Fixture {
  readonly provider: string;
  readonly source: string;
  readonly date: string;
  readonly url: string;
  readonly answer: unknown;
  readonly is: readonly Row[];
}

const BALANCES: readonly Fixture[] = JSON.parse(
  readFileSync(new URL("test/models/balances.json", import.meta.url), "utf8"),
);

Deno.test("every balance has a source and a date, and every row that has one a balance", () => {
  const telling = PROVIDERS.filter(({ balance }) => balance);
  const seen = new Set(BALANCES.map(({ provider }) => provider));
  assert.deepEqual([...seen].sort(), telling.map(({ id }) => id).sort());
  for (const { source, date } of BALANCES) {
    assert.match(source, /^https:\/\//);
    assert.match(date, /^2026-\d\d-\d\d$/);
  }
});

for (const { provider, source, url, answer, is } of BALANCES) {
  law(
    `${provider}'s balance is read as ${source} writes it`,
    async (behind) => {
      behind.respondWith(({ target: { path } }) =>
        Response.json(path.endsWith("/models") ? LIST : answer)
      );
      const { body } = await check(behind, `${provider}-1`);
      assert.deepEqual([body.ok, body.balance], [true, is]);
      const { url: asked, headers } = behind.reached.at(-1)!;
      assert.deepEqual([asked, headers.authorization], [
        url,
        BEARER(provider).authorization,
      ]);
    },
  );
}

Deno.test("what tells no amount is no balance", () => {
  for (const { id, balance } of PROVIDERS) {
    for (
      const answer of [
        ...[undefined, null, "", 7, [], {}, { data: null }],
        { data: { available_balance: "soon", limit: {}, usage: true } },
        { balance_infos: [null, { total_balance: "", currency: "USD" }] },
        { balance_infos: { total_balance: "1" } },
      ]
    ) assert.deepEqual(balance?.read(answer) ?? [], [], id);
  }
  const { read } = PROVIDERS.find(({ id }) => id === "deepseek")!.balance!;
  const odd = [{ total_balance: "1.5", currency: "<b>" }];
  assert.deepEqual(read({ balance_infos: odd }), [{ remaining: 1.5 }]);
});

law(
  "a balance that is not told spoils no check, and another origin's has no currency of ours",
  async (behind) => {
    behind.respondWith(({ target: { path } }) =>
      path.endsWith("/models")
        ? Response.json(LIST)
        : new Response("gone", { status: 500 })
    );
    const { body } = await check(behind, "moonshot-1");
    assert.deepEqual([body.ok, body.balance], [true, undefined]);
  },
);

law(
  "a key without money is asked what is left, one that is refused is not",
  async (behind) => {
    const balance = BALANCES.find(({ provider }) => provider === "deepseek")!;
    behind.respondWith(({ target: { path } }) =>
      path.endsWith("/models")
        ? Response.json({ error: { message: "Insufficient Balance" } }, {
          status: 402,
        })
        : Response.json(balance.answer)
    );
    const { body } = await check(behind, "deepseek-1");
    assert.deepEqual([body.ok, body.reason], [false, "quota"]);
    assert.deepEqual(body.balance, balance.is);
  },
);

law(
  "another origin's balance is told without the currency of ours",
  async (behind) => {
    behind.respondWith(({ target: { path } }) =>
      Response.json(
        path.endsWith("/models") ? LIST : { data: { available_balance: 8 } },
      )
    );
    const { body } = await check(behind, "moonshot-1");
    assert.deepEqual(body.balance, [{ remaining: 8 }]);
  },
  {
    providers: PROVIDERS.map((row) => ({
      ...row,
      origin: "https://other.example",
      home: row.origin,
    })),
  },
);

const said = (status: number, body: unknown) => () =>
  Response.json(body, { status });
const error = (status: number, error: unknown) => said(status, { error });
const page = (status: number) => () =>
  new Response("<html>sk-o</html>", {
    status,
    headers: { "content-type": "text/html" },
  });

/** Answers, and what they mean; `reason` absent: it works. */
const ANSWERS: readonly {
  readonly name: string;
  readonly id?: string;
  readonly answer: Parameters<Gateway["respondWith"]>[0];
  readonly reason?: CheckFailure;
  readonly status: number | null;
  readonly detail?: string;
}[] = [
  {
    name: "money that is spent",
    answer: error(429, {
      message: "You exceeded your current quota",
      code: "insufficient_quota",
    }),
    reason: "quota",
    status: 429,
    detail: "You exceeded your current quota",
  },
  {
    name: "haste",
    answer: error(429, { message: "Rate limit reached" }),
    reason: "transient",
    status: 429,
    detail: "Rate limit reached",
  },
  {
    name: "an API that fails",
    answer: error(503, { message: "Overloaded" }),
    reason: "server",
    status: 503,
    detail: "Overloaded",
  },
  {
    name: "a region that is not served",
    answer: error(403, {
      code: "unsupported_country_region_territory",
      message: "Country, region, or territory not supported",
    }),
    reason: "region",
    status: 403,
    detail: "Country, region, or territory not supported",
  },
  {
    name: "a region that Gemini does not serve",
    id: "gemini-1",
    answer: error(400, {
      status: "FAILED_PRECONDITION",
      message: "User location is not supported for the API use.",
    }),
    reason: "region",
    status: 400,
    detail: "User location is not supported for the API use.",
  },
  {
    name: "Gemini's bad key, which is no 401",
    id: "gemini-1",
    answer: error(400, {
      message: "API key not valid. Please pass a valid API key.",
      details: [{ reason: "API_KEY_INVALID" }],
    }),
    reason: "key",
    status: 400,
    detail: "API key not valid. Please pass a valid API key.",
  },
  {
    name: "a key that may not list models, but is one",
    answer: error(403, {
      message:
        "You have insufficient permissions for this operation. Missing scopes: api.model.read.",
    }),
    status: 403,
    detail:
      "You have insufficient permissions for this operation. Missing scopes: api.model.read.",
  },
  {
    name: "a model that is not there, which a known key is told",
    id: "sambanova-1",
    answer: error(404, { message: "Model not found" }),
    status: 404,
  },
  {
    name: "a page of the edge, which anybody is shown",
    id: "sambanova-1",
    answer: page(404),
    reason: "unknown",
    status: 404,
  },
  {
    name: "a forbidden page",
    answer: page(403),
    reason: "unknown",
    status: 403,
  },
  {
    name: "a success that is no list",
    answer: page(200),
    reason: "unknown",
    status: 200,
  },
  {
    name: "a success that holds nothing",
    answer: () => new Response(null, { status: 204 }),
    reason: "unknown",
    status: 204,
  },
  {
    name: "a success of another call that is no JSON",
    id: "openrouter-1",
    answer: page(200),
    reason: "unknown",
    status: 200,
  },
  {
    name: "a redirection, which is not followed",
    answer: () =>
      new Response(null, {
        status: 302,
        headers: { location: "https://elsewhere.example/" },
      }),
    reason: "unknown",
    status: 302,
  },
  {
    name: "no answer",
    answer: () => ({ refused: "origin_unreachable" }),
    reason: "unreachable",
    status: null,
    detail: "The API could not be reached.",
  },
  {
    name: "a hop that is away",
    answer: () => ({ refused: "hop_unreachable" }),
    reason: "unreachable",
    status: null,
    detail: "The hop to the API could not be reached.",
  },
  {
    name: "no answer in time",
    answer: () => ({ refused: "origin_timeout" }),
    reason: "timeout",
    status: null,
  },
  {
    name: "a long story, which is cut",
    answer: error(400, { message: "a".repeat(1000) }),
    reason: "unknown",
    status: 400,
    detail: "a".repeat(300),
  },
  {
    name: "a word in plain text",
    answer: () => new Response("Not here.\n", { status: 404 }),
    reason: "unknown",
    status: 404,
    detail: "Not here.",
  },
];

for (const { name, id = "openai-1", answer, ...is } of ANSWERS) {
  law(`a check tells ${name}`, async (behind) => {
    behind.respondWith(answer);
    const { body } = await check(behind, id);
    const { provider: _, ms: __, ...rest } = body;
    assert.deepEqual(rest, { id, ok: is.reason === undefined, ...is });
    assert.equal(behind.flights.size, 0);
  });
}

/** Keeps a key of OpenAI's, with more said of it. */
async function keep({ admin }: Gateway, more: Row = {}) {
  const answer = await admin("POST", "/admin/credentials", {
    provider: "openai",
    id: "mine",
    key: KEY,
    ...more,
  });
  assert.equal(answer.status, 201, await answer.text());
}

const STATES: readonly {
  readonly name: string;
  readonly more: Row;
  readonly then?: (behind: Gateway) => Promise<unknown>;
}[] = [
  { name: "in use", more: {} },
  { name: "disabled", more: { status: "disabled" } },
  {
    name: "expired",
    more: { expires: "2026-11-20T12:00:10Z" },
    then: (behind) => Promise.resolve(behind.tick(60)),
  },
  {
    name: "cooling",
    more: {},
    then: ({ store }) =>
      store.cool([{
        credential: "mine",
        model: "",
        until: Date.parse("2026-11-20T13:00:00Z") / 1000,
        why: "quota",
      }], Date.parse("2026-11-20T12:00:00Z") / 1000),
  },
];

for (const { name, more, then } of STATES) {
  for (const answer of [said(200, LIST), error(401, { message: "no" })]) {
    const { status } = answer();
    law(
      `a key that is ${name} is asked with, and stays as it was after a ${status}`,
      async (behind) => {
        const { admin, store, reached, respondWith } = behind;
        await keep(behind, more);
        await then?.(behind);
        const before = JSON.stringify(await store.readSetup());
        const entries = await (await admin("GET", "/admin/audit")).text();
        respondWith(answer);
        const { body } = await check(behind, "mine");
        assert.equal(body.ok, status === 200);
        assert.equal(reached.at(-1)!.headers.authorization, `Bearer ${KEY}`);
        assert.equal(JSON.stringify(await store.readSetup()), before);
        assert.equal(
          await (await admin("GET", "/admin/audit")).text(),
          entries,
        );
      },
    );
  }
}

law(
  "one of two keys in the environment is asked with, and no other",
  async (behind) => {
    behind.respondWith(said(200, LIST));
    const { body } = await check(behind, "openai-2");
    assert.deepEqual([body.id, body.ok], ["openai-2", true]);
    assert.equal(behind.reached[0]!.headers.authorization, "Bearer sk-second");
  },
  {
    pools: {
      ...KEYS,
      openai: [...KEYS.openai!, { id: "openai-2", key: "sk-second" }],
    },
  },
);

law(
  "a key of a provider that was set up this very moment is asked with",
  async (behind) => {
    const { admin, reached, respondWith, send } = behind;
    respondWith(said(200, LIST));
    // So that there is a view, and it is of just now.
    await send("/lab/v1/models");
    await admin("PUT", "/admin/providers/lab", {
      origin: "https://lab.example/v1",
      slot: "api-key",
    });
    await keep(behind, { provider: "lab" });
    assert.equal((await check(behind, "mine")).body.models, 2);
    const { url, headers } = reached.at(-1)!;
    assert.deepEqual([url, headers["api-key"]], [
      "https://lab.example/v1/models",
      KEY,
    ]);
  },
);

Deno.test("a key sealed under another secret is unreadable, a provider that is away unconfigured, and nobody is asked", async () => {
  const first = gateway();
  await keep(first);
  const present = "another-secret-0123456789-0123456789";
  const second = gateway({
    store: first.store,
    seal: createSeal({ present }),
  });
  const third = gateway({
    store: first.store,
    providers: PROVIDERS.filter(({ id }) => id !== "openai"),
  });
  const nothing = { id: "mine", provider: "openai", ok: false, ms: 0 };
  assert.deepEqual((await check(second, "mine")).body, {
    ...nothing,
    status: null,
    reason: "unreadable",
    detail: "it cannot be opened: it is sealed under another secret",
  });
  assert.deepEqual((await check(third, "mine")).body, {
    ...nothing,
    status: null,
    reason: "unconfigured",
    detail: "its provider is not configured",
  });
  assert.deepEqual([...second.reached, ...third.reached], []);
  for (const { close } of [first, second, third]) close();
});

law(
  "a credential that is not there is 404, and without a signature nobody is asked",
  async (behind) => {
    assert.equal((await check(behind, "nobody")).status, 404);
    const path = "/admin/credentials/openai-1/check";
    assert.equal((await behind.send(path)).status, 401);
    assert.deepEqual(behind.reached, []);
  },
);

const keyless = customProvider({
  id: "lab",
  origin: "http://lab.example",
  wire: "openai",
});

for (
  const [name, answer, ok] of [
    ["lists models", said(200, LIST), true],
    ["knows no list", error(404, { message: "no such path" }), true],
    ["wants a key", error(401, { message: "who?" }), false],
    ["fails", error(500, { message: "no" }), false],
    ["is away", () => ({ refused: "origin_unreachable" as const }), false],
  ] as const
) {
  law(
    `without a key, an API that ${name} is ${ok ? "" : "not "}well`,
    async (behind) => {
      behind.respondWith(answer);
      const { body } = await check(behind, "lab-1");
      assert.equal(body.ok, ok);
      const { headers } = behind.reached[0]!;
      assert.deepEqual(Object.keys(headers), ["user-agent", "accept-encoding"]);
    },
    {
      providers: [...PROVIDERS, keyless],
      pools: { ...KEYS, lab: [{ id: "lab-1", key: "" }] },
    },
  );
}

law(
  "a hop's answer is told as one, without words in which its key could stand",
  async (behind) => {
    const { body } = await check(behind, "openai-1");
    assert.deepEqual({ ...body, ms: 0 }, {
      id: "openai-1",
      provider: "openai",
      ok: false,
      status: 401,
      ms: 0,
      reason: "key",
      hop: true,
    });
  },
  {
    egress: () =>
      Promise.resolve({
        response: Response.json({ error: { message: "hop's key" } }, {
          status: 401,
        }),
        flight: {
          await() {},
          rest() {},
          follow() {},
          land() {},
          silent: false,
        },
        abort() {},
        hop: true,
      }),
  },
);

/** An origin that repeats all it was sent, wherever it can. */
function echo({ credential: { key } }: Forwarded): Response {
  const forms = [key, encodeURIComponent(key), `Bearer ${key}`, FIXED];
  const message = `${"x".repeat(270)} ${forms.join(" ")}`;
  return Response.json({
    error: { message, type: key, code: key, param: FIXED },
    data: forms.map((id) => ({ id, label: id })),
  }, {
    status: 401,
    headers: {
      "www-authenticate": `Bearer realm="${encodeURIComponent(key)}"`,
      "retry-after": "5",
      "x-echo": FIXED,
      location: `https://x.example/?key=${encodeURIComponent(key)}`,
    },
  });
}

law(
  "an origin that repeats a key, and whatever is fixed for it, tells nobody",
  async (behind) => {
    await keep(behind);
    for (const status of [200, 302, 400, 401, 403, 429, 500]) {
      behind.respondWith((forwarded) => {
        const { body, headers } = echo(forwarded);
        return new Response(body, { status, headers });
      });
      const { body, text } = await check(behind, "mine");
      assert.ok(`${body.detail ?? ""}`.length <= 300, `${status}`);
      for (const secret of [KEY, encodeURIComponent(KEY), FIXED, "canary"]) {
        assert.ok(!text.includes(secret), `${status}: ${text}`);
      }
      if (status === 401) assert.match(`${body.detail}`, /^x+ \*\*\* \*\*\* B/);
    }
    keepText("check log", JSON.stringify([behind.lines, behind.faults]));
    assert.deepEqual([behind.lines, behind.faults], [[], []]);
  },
  {
    providers: PROVIDERS.map((row) => ({
      ...row,
      fixed: [["x-gateway", `Bearer ${FIXED}`]],
    })),
  },
);

law("an answer without an end is given up", async (behind) => {
  const piece = new Uint8Array(1_048_576).fill(0x20);
  let sent = 0;
  behind.respondWith(() =>
    new Response(
      new ReadableStream({
        pull(controller) {
          sent++;
          controller.enqueue(piece);
        },
      }, { highWaterMark: 0 }),
      { headers: { "content-type": "application/json" } },
    )
  );
  const { body } = await check(behind, "openai-1");
  assert.deepEqual([body.ok, body.reason], [false, "unknown"]);
  assert.ok(sent < 32, `${sent}`);
  assert.equal(behind.flights.size, 0);
});

for (
  const [name, answer] of [
    ["says nothing", () => {}],
    ["begins and does not end", (response: ServerResponse) => {
      response.writeHead(200, { "content-type": "application/json" });
      response.write('{"data":');
    }],
  ] as const
) {
  Deno.test(`an origin that ${name} is given up in time, and let go`, async () => {
    let left = 0;
    const server = createServer((_, response) => {
      response.on("close", () => left++);
      answer(response);
    }).listen(0, "127.0.0.1");
    await new Promise((resolve) => server.once("listening", resolve));
    const { port } = server.address() as { port: number };
    const flights = createFlights(Date.now);
    const provider = customProvider({
      id: "lab",
      origin: `http://127.0.0.1:${port}`,
      wire: "openai",
    });
    const egress = directEgress(sender({ flights, firstByteSeconds: 60 }));
    const asking = { egress, now: Date.now, takes: 300 };
    const { ms: _, ...found } = await checkKey(
      provider,
      { id: "lab-1", key: KEY },
      asking,
    );
    assert.deepEqual(found, { ok: false, status: null, reason: "timeout" });
    while (left === 0) await wait(10);
    assert.equal(flights.size, 0);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
}

Deno.test("where there is no key, a refusal holds none, and stays as it is", async () => {
  const text = '{"error":"who are you?"}';
  const headers = {
    "content-type": "application/json",
    "content-length": `${text.length}`,
  };
  const response = new Response(text, { status: 403, headers });
  const flight = createFlights(() => 0).begin(() => {});
  const begun: Begun = { response, flight, abort() {} };
  const { signal } = new AbortController();
  const told = await hush(begun, [{ id: "lab-1", key: "" }], signal);
  flight.land();
  assert.equal(await told.response.text(), text);
  assert.equal(told.response.headers.get("content-length"), `${text.length}`);
});

Deno.test("doppel credential check prints a key's line before it asks with the next", () =>
  withDoppel(async (doppel, behind) => {
    const [command = "", ...words] = doppel.line;
    const { PATH, HOME } = process.env;
    const child = spawn(command, [
      ...words,
      ...["credential", "check", "openai-1", "groq-1"],
    ], { env: { PATH: PATH!, HOME: HOME!, ...doppel.env } });
    let out = "";
    const seen = new Promise<string>((resolve) =>
      child.stdout.on("data", (chunk) => resolve(out += chunk))
    );
    const closed = new Promise((resolve) => child.once("close", resolve));
    const done = new AbortController();
    const late = wait(20_000, "", { signal: done.signal }).catch(() => "");
    let before = "";
    behind.respondWith(async ({ provider: { id } }) => {
      if (id === "groq") before = await Promise.race([seen, late]);
      return Response.json(LIST);
    });
    await closed;
    done.abort();
    assert.match(before, /^openai-1 {2}ok .*\n$/);
    assert.match(out, /\ngroq-1 {4}ok .*\n$/);
  }));

Deno.test("doppel credential check: a line for each as it comes, and 1 where one does not work", () =>
  withDoppel(async (doppel, behind) => {
    behind.respondWith(({ provider, target: { path } }) => {
      if (provider.id === "anthropic") {
        return Response.json({
          error: { message: "invalid \x1b[31mx-api-key" },
        }, { status: 401 });
      }
      return Response.json(
        path === "/user/balance"
          ? { balance_infos: [{ currency: "CNY", total_balance: "9.5" }] }
          : LIST,
      );
    });
    const check = ["credential", "check"];
    const named = await doppel(...check, "deepseek-1", "openai-1");
    assert.deepEqual([named.code, named.error], [0, ""]);
    assert.match(
      named.out,
      /^deepseek-1 {2}ok {11}status 200, 2 models, 9.5 CNY left, \d+ ms\nopenai-1 {4}ok {11}status 200, 2 models, \d+ ms\n$/,
    );
    assert.equal(behind.reached.length, 3);

    const all = await doppel(...check);
    assert.deepEqual([all.code, all.error], [1, ""]);
    const lines = all.out.trim().split("\n");
    assert.deepEqual(
      lines.map((line) => line.split(" ")[0]),
      PROVIDERS.map(({ id }) => `${id}-1`),
    );
    assert.match(
      lines.find((line) => line.startsWith("anthropic"))!,
      /^anthropic-1 +key +status 401, \d+ ms, invalid �\[31mx-api-key$/,
    );

    const json = await doppel(...check, "anthropic-1", "openai-1", "--json");
    assert.equal(json.code, 1);
    const rows: Row[] = JSON.parse(json.out);
    assert.deepEqual(rows.map(({ id, ok }) => [id, ok]), [
      ["anthropic-1", false],
      ["openai-1", true],
    ]);
    const nobody = await doppel(...check, "nobody");
    assert.deepEqual([nobody.code, nobody.out], [1, ""]);
    assert.match(nobody.error, /There is no such credential/);
    assert.equal((await doppel(...check, "--weight", "1")).code, 2);
    for (const { out, error } of [named, all, json, nobody]) {
      keepText("cli check", out + error);
      assert.ok(!(out + error).includes(SECRET));
    }
  }));
