/** Models by the names of several providers, and the owner's aliases, seen by a holder. */

import assert from "node:assert/strict";
import type { Refusal } from "./core/refusal.ts";
import { type Gateway, START } from "./test/gateway.ts";
import { lawOnBoth as law } from "./test/on_redis.ts";

const CHAT = "/v1/chat/completions";
const ALL = ["openai", "anthropic", "gemini", "groq", "openrouter", "minimax"];

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

function post(
  { send }: Gateway,
  token: string,
  body: BodyInit,
  { path = CHAT, headers = {} }: { path?: string; headers?: HeadersInit } = {},
) {
  const fields = new Headers({
    ...bearer(token),
    ...Object.fromEntries(new Headers(headers)),
  });
  return send(path, { method: "POST", headers: fields, body });
}

/** What a name turns into: asked as, at which URL, with which model, with whose key. */
const NAMES: {
  asked: string;
  path?: string;
  fields?: Record<string, string>;
  at: string;
  model: string;
}[] = [
  {
    asked: "groq/llama-3.3-70b-versatile",
    at: "https://api.groq.com/openai/v1/chat/completions",
    model: "llama-3.3-70b-versatile",
  },
  {
    asked: "groq/openai/gpt-oss-120b",
    at: "https://api.groq.com/openai/v1/chat/completions",
    model: "openai/gpt-oss-120b",
  },
  {
    asked: "groq/compound-mini",
    at: "https://api.groq.com/openai/v1/chat/completions",
    model: "groq/compound-mini",
  },
  {
    asked: "openrouter/auto",
    at: "https://openrouter.ai/api/v1/chat/completions",
    model: "openrouter/auto",
  },
  {
    asked: "openrouter/anthropic/claude-sonnet-4.5",
    at: "https://openrouter.ai/api/v1/chat/completions",
    model: "anthropic/claude-sonnet-4.5",
  },
  {
    asked: "openai/gpt-5",
    at: "https://api.openai.com/v1/chat/completions",
    model: "gpt-5",
  },
  {
    asked: "gpt-5",
    at: "https://api.openai.com/v1/chat/completions",
    model: "gpt-5",
  },
  {
    asked: "meta-llama/nobodys",
    at: "https://api.openai.com/v1/chat/completions",
    model: "meta-llama/nobodys",
  },
  {
    asked: "gemini/gemini-2.5-flash",
    at:
      "https://generativelanguage.googleapis.com/v1beta/openai/chat/completions",
    model: "gemini-2.5-flash",
  },
  {
    asked: "anthropic/claude-sonnet-4-5",
    at: "https://api.anthropic.com/v1/chat/completions",
    model: "claude-sonnet-4-5",
  },
  {
    asked: "openrouter/anthropic/claude-sonnet-4.5",
    path: "/v1/messages?beta=true",
    fields: { "anthropic-version": "2023-06-01" },
    at: "https://openrouter.ai/api/v1/messages?beta=true",
    model: "anthropic/claude-sonnet-4.5",
  },
  {
    asked: "minimax/MiniMax-M2",
    path: "/v1/messages",
    fields: { "anthropic-version": "2023-06-01" },
    at: "https://api.minimax.io/anthropic/v1/messages",
    model: "MiniMax-M2",
  },
  {
    asked: "groq/whisper-large-v3",
    path: "/groq/v1/chat/completions",
    at: "https://api.groq.com/openai/v1/chat/completions",
    model: "groq/whisper-large-v3",
  },
];

law(
  "a model's name leads to its provider, and the one field is changed",
  async (gateway) => {
    const { token } = await gateway.mint({ providers: ALL });
    for (const { asked, path, fields, at, model } of NAMES) {
      const body = (name: string) =>
        ` { "messages":[{"content":"model: \\"groq/x\\" \\u00e4ä"}],\n\t"model" : "${name}" ,"temperature":1.0}`;
      const answer = await post(gateway, token, body(asked), {
        ...path && { path },
        ...fields && { headers: fields },
      });
      assert.equal(answer.status, 200, asked);
      const reached = gateway.reached.at(-1)!;
      assert.equal(reached.url, at, asked);
      assert.equal(reached.body, body(model), asked);
      assert.doesNotMatch(JSON.stringify(reached), /dop_/);
      const line = gateway.lines.at(-1)!;
      assert.equal(line.credential, `${line.provider}-1`);
    }
  },
);

law(
  "a slash may be escaped, as PHP's clients do",
  async (gateway) => {
    const { token } = await gateway.mint({ providers: ALL });
    await post(gateway, token, '{"model":"groq\\/openai\\/gpt-oss","n":1}');
    const { url, body } = gateway.reached[0]!;
    assert.equal(url, "https://api.groq.com/openai/v1/chat/completions");
    assert.equal(body, '{"model":"openai/gpt-oss","n":1}');
  },
);

law(
  "a name in a form leads to its provider, and no other byte of it is changed",
  async (gateway) => {
    const { token } = await gateway.mint({ providers: ALL });
    const body = (name: string) =>
      '--b\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n' +
      "Content-Type: audio/wav\r\n\r\nRIFF\0\r\n--b\r\n" +
      `Content-Disposition: form-data; name="model"\r\n\r\n${name}\r\n--b--\r\n`;
    const answer = await post(gateway, token, body("groq/whisper-large-v3"), {
      path: "/v1/audio/transcriptions",
      headers: { "content-type": "multipart/form-data; boundary=b" },
    });
    assert.equal(answer.status, 200);
    const { url, body: sent } = gateway.reached[0]!;
    assert.equal(url, "https://api.groq.com/openai/v1/audio/transcriptions");
    assert.equal(sent, body("whisper-large-v3"));
  },
);

law(
  "a name is read behind megabytes of messages, and in content of unknown length",
  async (gateway) => {
    const { token } = await gateway.mint({ providers: ALL });
    const body = (name: string) =>
      `{"messages":"${"x".repeat(5_000_000)}","model":"${name}"}`;
    const whole = body("groq/m");
    for (const sent of [whole, new Blob([whole]).stream()]) {
      const headers = { "content-type": "application/json" };
      assert.equal((await post(gateway, token, sent, { headers })).status, 200);
      const { url, body: reached } = gateway.reached.at(-1)!;
      assert.match(url, /groq/);
      assert.ok(reached === body("m"));
    }
  },
  { maxBodyBytes: 10_000_000 },
);

law(
  "what is no name beyond doubt goes where its path says, byte for byte",
  async (gateway) => {
    const { token } = await gateway.mint({ providers: ALL });
    const bodies = [
      '{"model":"groq/a","model":"b"}',
      '{"nested":{"model":"groq/a"}}',
      '{"tools":[{"model":"groq/a"}],"model":"gpt-5"}',
      '{"model":"groq/a"',
      '{"model":["groq/a"]}',
      '{"model":"groq/"}',
      '{"model":"/a"}',
      '{"model":"nobody/a"}',
      '[{"model":"groq/a"}]',
    ];
    for (const body of bodies) {
      assert.equal((await post(gateway, token, body)).status, 200);
      const reached = gateway.reached.at(-1)!;
      assert.match(reached.url, /^https:\/\/api\.openai\.com\//, body);
      assert.equal(reached.body, body);
    }
    const odd = { "content-encoding": "gzip" };
    const body = '{"model":"groq/a"}';
    await post(gateway, token, body, { headers: odd });
    assert.match(gateway.reached.at(-1)!.url, /^https:\/\/api\.openai\.com\//);
  },
);

law(
  "a token for one provider alone may name that one, and else calls models as it does",
  async (gateway) => {
    const { token } = await gateway.mint({ providers: ["groq"] });
    for (
      const [name, model] of [
        ["groq/llama", "llama"],
        ["openai/gpt-oss-120b", "openai/gpt-oss-120b"],
        ["groq/compound", "groq/compound"],
      ]
    ) {
      await post(gateway, token, JSON.stringify({ model: name }));
      const { url, body } = gateway.reached.at(-1)!;
      assert.equal(url, "https://api.groq.com/openai/v1/chat/completions");
      assert.equal(body, JSON.stringify({ model }));
    }
  },
);

/** Who may not: with which token, what is asked, and why not. */
const DENIED: {
  fields: Record<string, unknown>;
  model: string;
  path?: string;
  refused: string;
}[] = [
  {
    fields: { providers: ["openai", "gemini"] },
    model: "groq/llama",
    refused: "provider_denied",
  },
  {
    fields: { providers: ["openai", "groq"], models: ["gpt-*"] },
    model: "groq/llama",
    refused: "model_denied",
  },
  {
    fields: { providers: ["openai", "groq"], endpoints: ["models"] },
    model: "groq/llama",
    refused: "endpoint_denied",
  },
  {
    fields: { providers: ["openai", "groq"], addresses: ["198.51.100.0/24"] },
    model: "groq/llama",
    refused: "address_denied",
  },
  {
    fields: { providers: ["openai", "groq"] },
    model: "groq/llama",
    path: "/v1/images/generations",
    refused: "no_route",
  },
  {
    fields: { providers: ["openai", "anthropic"] },
    model: "anthropic/claude",
    path: "/v1/responses",
    refused: "no_route",
  },
];

law("a model's name is no glob", async (gateway) => {
  const models = ["groq/*"];
  const { token } = await gateway.mint({ providers: ALL, models });
  const path = `${CHAT}?model=other`;
  const answer = await post(gateway, token, '{"model":"groq/*"}', { path });
  assert.equal((await answer.json()).error.code, "model_denied");
});

law("a name opens nothing that a token may not reach", async (gateway) => {
  for (const { fields, model, path, refused } of DENIED) {
    const { token } = await gateway.mint(fields);
    const body = JSON.stringify({ model });
    const answer = await post(gateway, token, body, { ...path && { path } });
    assert.equal((await answer.json()).error.code, refused, model);
    assert.deepEqual(gateway.reached, []);
  }
});

law(
  "a token's globs cover a model by its name or by what it stands for",
  async (gateway) => {
    await alias(gateway, "fast", ["groq/llama", "openai/gpt-5"]);
    for (
      const [glob, name, host] of [
        ["groq/*", "groq/llama", "api.groq.com"],
        ["llama", "groq/llama", "api.groq.com"],
        ["fast", "fast", "api.groq.com"],
        ["gpt-*", "fast", "api.openai.com"],
      ]
    ) {
      const { token } = await gateway.mint({
        providers: ["openai", "groq"],
        models: [glob],
      });
      const answer = await post(
        gateway,
        token,
        JSON.stringify({ model: name }),
      );
      assert.equal(answer.status, 200, glob);
      assert.equal(new URL(gateway.reached.at(-1)!.url).host, host, glob);
    }
  },
);

const alias = async ({ admin }: Gateway, name: string, to: string[]) =>
  assert.equal(
    (await admin("PUT", `/admin/aliases/${name}`, { to })).status,
    200,
  );

const NO_MONEY = () =>
  Response.json({ error: { message: "x", code: "insufficient_quota" } }, {
    status: 429,
  });
const BUSY = () =>
  Response.json({ error: { message: "slow down" } }, {
    status: 429,
    headers: { "retry-after": "2" },
  });

law(
  "an alias is asked in its order, and moves on by the rules of pools",
  async (gateway) => {
    const { token } = await gateway.mint({ providers: ALL });
    await alias(gateway, "fast", [
      "groq/llama",
      "gemini/gemini-2.5-flash",
      "openai/gpt-5",
    ]);
    const ask = () => post(gateway, token, '{"model":"fast","n":1}');
    assert.equal((await ask()).status, 200);
    assert.deepEqual(
      gateway.reached.map(({ body }) => body),
      ['{"model":"llama","n":1}'],
    );
    assert.equal(gateway.lines.at(-1)!.alias, "fast");

    gateway.respondWith(({ provider }) =>
      provider.id === "groq" ? BUSY() : Response.json({ from: provider.id })
    );
    const busy = await ask();
    assert.deepEqual([busy.status, busy.headers.get("retry-after")], [
      429,
      "2",
    ]);

    gateway.respondWith(({ provider }) =>
      provider.id === "openai"
        ? Response.json({ from: "openai" })
        : provider.id === "groq"
        ? NO_MONEY()
        : Response.json({ error: { message: "API key not valid" } }, {
          status: 401,
        })
    );
    gateway.reached.length = 0;
    const answer = await ask();
    assert.deepEqual(await answer.json(), { from: "openai" });
    assert.deepEqual(gateway.reached.map(({ body }) => body), [
      '{"model":"llama","n":1}',
      '{"model":"gemini-2.5-flash","n":1}',
      '{"model":"gpt-5","n":1}',
    ]);
    const { provider, credential, attempts } = gateway.lines.at(-1)!;
    assert.deepEqual([provider, credential], ["openai", "openai-1"]);
    assert.deepEqual(attempts, [
      { credential: "groq-1", status: 429, why: "quota" },
      { credential: "gemini-1", status: 401, why: "key" },
      { credential: "openai-1", status: 200 },
    ]);
    // Both rest now, and are not asked again.
    gateway.reached.length = 0;
    assert.equal((await ask()).status, 200);
    assert.deepEqual(gateway.reached.map(({ body }) => body), [
      '{"model":"gpt-5","n":1}',
    ]);
  },
);

law(
  "a request's line tells whose answer went down, whoever was asked or looked at after",
  async (gateway) => {
    const { token } = await gateway.mint({ providers: ["groq", "openai"] });
    await alias(gateway, "fast", ["groq/llama", "openai/gpt-5"]);
    const ask = async () => {
      const { status } = await post(gateway, token, '{"model":"fast"}');
      const { provider, credential } = gateway.lines.at(-1)!;
      return [status, provider, credential];
    };
    gateway.respondWith(({ provider }) =>
      provider.id === "groq"
        ? NO_MONEY()
        : { refused: "origin_unreachable", unsent: true }
    );
    assert.deepEqual(await ask(), [429, "groq", "groq-1"]);
    assert.equal(gateway.lines.at(-1)!.attempts?.length, 2);
    gateway.tick(3600);
    const until = START / 1000 + 7200;
    const rest = { credential: "openai-1", model: "", until, why: "key" };
    await gateway.store.cool([rest], START / 1000);
    assert.deepEqual(await ask(), [429, "groq", "groq-1"]);
  },
);

law(
  "an alias whose keys all rest says when the first may be asked; a failed POST is not sent again",
  async (gateway) => {
    const { token } = await gateway.mint({ providers: ["groq", "openai"] });
    await alias(gateway, "fast", ["groq/llama", "openai/gpt-5"]);
    const ask = () => post(gateway, token, '{"model":"fast"}');
    gateway.respondWith(() => Response.json({ error: {} }, { status: 500 }));
    assert.equal((await ask()).status, 500);
    assert.equal(gateway.reached.length, 1);

    gateway.respondWith(NO_MONEY);
    const last = await ask();
    assert.deepEqual([last.status, gateway.reached.length], [429, 3]);
    gateway.tick(60);
    const none = await ask();
    assert.equal((await none.json()).error.code, "keys_cooling");
    assert.equal(none.headers.get("retry-after"), `${30 * 60 - 60}`);
    assert.equal(gateway.reached.length, 3);
  },
);

law(
  "of an alias's providers that rest, the one that is back first says when",
  async (gateway) => {
    const { token } = await gateway.mint({ providers: ["groq", "openai"] });
    const now = START / 1000;
    const rests = [["groq-1", 30], ["openai-1", 600]] as const;
    await gateway.store.cool(
      rests.map(([credential, seconds]) => (
        { credential, model: "", until: now + seconds, why: "key" as const }
      )),
      now,
    );
    for (const to of [["groq/a", "openai/b"], ["openai/b", "groq/a"]]) {
      await alias(gateway, "fast", to);
      const none = await post(gateway, token, '{"model":"fast"}');
      assert.equal(none.headers.get("retry-after"), "30");
    }
    assert.deepEqual(gateway.reached, []);
  },
);

law(
  "an alias that a token may not reach is refused, and changes at once",
  async (gateway) => {
    const { token } = await gateway.mint({ providers: ["gemini", "openai"] });
    const ask = async () => {
      const answer = await post(gateway, token, '{"model":"fast"}');
      const { error } = await answer.json();
      return error?.code ?? gateway.reached.at(-1)!.body;
    };
    assert.equal(await ask(), '{"model":"fast"}');
    await alias(gateway, "fast", ["groq/llama"]);
    assert.equal(await ask(), "provider_denied");
    const edit = { to: ["openai/gpt-5"] };
    assert.equal(
      (await gateway.admin("PUT", "/admin/aliases/fast", edit)).status,
      200,
    );
    assert.equal(await ask(), '{"model":"gpt-5"}');
    await gateway.admin("DELETE", "/admin/aliases/fast");
    assert.equal(await ask(), '{"model":"fast"}');
  },
);

law(
  "a provider that the owner adds is there with the next request, and gone when he deletes it",
  async (gateway) => {
    const lab = { origin: "https://lab.example" };
    const { admin, send, reached } = gateway;
    const first = await send("/lab/v1/models");
    assert.equal(first.status, 404);
    assert.equal((await admin("PUT", "/admin/providers/lab", lab)).status, 200);
    const key = { provider: "lab", key: "sk-canary-lab-0123456789" };
    assert.equal((await admin("POST", "/admin/credentials", key)).status, 201);
    const { token } = await gateway.mint({ providers: ["openai", "lab"] });
    gateway.tick(1);
    assert.equal((await post(gateway, token, '{"model":"lab/m"}')).status, 200);
    assert.equal(reached[0]!.url, "https://lab.example/v1/chat/completions");
    assert.equal(reached[0]!.headers.authorization, `Bearer ${key.key}`);
    const direct = await send("/lab/v1/models", { headers: bearer(token) });
    assert.equal(direct.status, 200);
    const moved = { origin: "https://other.example" };
    await admin("PUT", "/admin/providers/lab", moved);
    await send("/lab/v1/models", { headers: bearer(token) });
    assert.equal(reached.at(-1)!.url, "https://other.example/v1/models");
  },
);

law(
  "a provider is asked only for the models that the owner offers",
  async (gateway) => {
    const { token } = await gateway.mint({ providers: ["openai", "groq"] });
    const { admin } = gateway;
    await admin("PUT", "/admin/providers/groq", { models: ["llama-*"] });
    const ask = async (path: string, model: string) =>
      (await post(gateway, token, JSON.stringify({ model }), { path })).status;
    assert.equal(await ask(CHAT, "groq/llama-3"), 200);
    assert.equal(await ask(CHAT, "groq/whisper"), 403);
    assert.equal(await ask("/groq" + CHAT, "llama-3"), 200);
    assert.equal(await ask("/groq" + CHAT, "whisper"), 403);
    assert.equal(await ask(CHAT, "gpt-5"), 200);
    await admin("PUT", "/admin/aliases/any", {
      to: ["groq/whisper", "groq/llama-3"],
    });
    assert.equal(await ask(CHAT, "any"), 200);
    assert.equal(gateway.reached.at(-1)!.body, '{"model":"llama-3"}');
  },
);

law(
  "what is not offered is asked for at no endpoint, and through no socket",
  async (gateway) => {
    const { token } = await gateway.mint({ providers: ["openai"] });
    const offer = { models: ["gpt-5-mini", "gpt-realtime"] };
    await gateway.admin("PUT", "/admin/providers/openai", offer);
    const ask = async (path: string, model: string) =>
      (await post(gateway, token, JSON.stringify({ model }), { path })).status;
    for (
      const path of [
        CHAT,
        "/v1/realtime/sessions",
        "/v1/videos",
        "/v1/assistants",
        "/v1/fine_tuning/jobs",
      ]
    ) {
      assert.equal(await ask(path, "gpt-5"), 403, path);
      assert.equal(await ask(path, "gpt-5-mini"), 200, path);
    }
    const batch = '{"input_file_id":"file-abcdefgh","endpoint":"/v1/x"}';
    const made = await post(gateway, token, batch, { path: "/v1/batches" });
    assert.equal(made.status, 200);
    const shown = await gateway.send("/v1/models/gpt-5", {
      headers: bearer(token),
    });
    assert.equal(shown.status, 200);
    const file = await post(gateway, token, "x".repeat(34_000_000), {
      path: "/v1/files",
      headers: { "content-type": "multipart/form-data; boundary=b" },
    });
    assert.equal(file.status, 200);

    const open = async (path: string) => {
      const answer = await gateway.send(path, {
        headers: { ...bearer(token), ...HANDSHAKE },
      });
      return (await answer.json()).error.code;
    };
    // Nobody is behind sockets here.
    const opened = "internal_error";
    assert.equal(await open("/v1/realtime?model=gpt-realtime"), opened);
    assert.equal(await open("/v1/realtime?model=gpt-5"), "model_denied");
    assert.equal(await open("/v1/realtime"), "model_denied");
    assert.equal(await open("/v1/responses"), "upgrade_refused");
    await gateway.admin("PUT", "/admin/providers/openai", { models: [] });
    assert.equal(await open("/v1/responses"), opened);
  },
  { maxBodyBytes: 40_000_000 },
);

const HANDSHAKE = {
  upgrade: "websocket",
  connection: "Upgrade",
  "sec-websocket-version": "13",
  "sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==",
};

law(
  "behind a provider's prefix nothing is a name",
  async (gateway) => {
    const { token } = await gateway.mint({ providers: ALL });
    await alias(gateway, "fast", ["groq/llama"]);
    await post(gateway, token, '{"model":"fast"}', { path: "/openai" + CHAT });
    assert.equal(gateway.reached[0]!.body, '{"model":"fast"}');
    assert.match(gateway.reached[0]!.url, /^https:\/\/api\.openai\.com\//);
  },
);

/** Micro-dollars that a model's answer comes to; those of other models nobody knows. */
const MOST: Record<string, number> = { cheap: 30, dear: 80 };
const PRICES = {
  worst: ({ model }: { model: string }) =>
    Promise.resolve(
      MOST[model] ?? { unbounded: `Nobody knows what ${model} costs.` },
    ),
  cost: () => Promise.resolve(7),
  least: () => Promise.resolve(undefined),
  clamp: () => Promise.resolve(undefined),
};

law(
  "a budget holds the most of all that an alias may come to, and pays for the one that answered",
  async (gateway) => {
    await alias(gateway, "any", ["groq/cheap", "openai/dear", "gemini/odd"]);
    const spent = async (total: number, answers: (id: string) => Response) => {
      gateway.reached.length = 0;
      const { id, token } = await gateway.mint({
        providers: ALL,
        limits: { budget: { total } },
      });
      gateway.respondWith(({ provider }) => answers(provider.id));
      const answer = await post(gateway, token, '{"model":"any"}');
      await gateway.settled();
      const usage = await gateway.admin("GET", `/admin/tokens/${id}/requests`);
      const { requests } = await usage.json();
      const [{ provider, model, cost }] = requests;
      return [answer.status, provider, model, cost, gateway.reached.length];
    };
    const usage = { prompt_tokens: 1, completion_tokens: 1 };
    const fine = () => Response.json({ usage });
    assert.deepEqual(await spent(100, fine), [200, "groq", "cheap", 7, 1]);
    // What nobody can price is not asked, however it goes.
    const poor = (id: string) => id === "gemini" ? fine() : NO_MONEY();
    assert.deepEqual((await spent(100, poor)).slice(0, 3), [
      429,
      "openai",
      "dear",
    ]);
    assert.equal(gateway.reached.length, 2);
    gateway.tick(3600);
    // The dear one does not fit: it is not asked, whatever the cheap one says.
    assert.deepEqual(await spent(50, fine), [200, "groq", "cheap", 7, 1]);
    assert.deepEqual((await spent(50, poor)).slice(0, 2), [429, "groq"]);
    assert.equal(gateway.reached.length, 1);
    gateway.tick(3600);
    assert.equal((await spent(20, fine))[0], 402);
    assert.equal(gateway.reached.length, 0);
  },
  { prices: PRICES },
);

law(
  "each of an alias's models is lowered to what is left by itself, and told so",
  async (gateway) => {
    await alias(gateway, "any", ["groq/dear", "openai/cheap"]);
    const ask = async (answers: (id: string) => Response | Refusal) => {
      const { id, token } = await gateway.mint({
        providers: ALL,
        limits: { budget: { total: 50 } },
      });
      gateway.reached.length = 0;
      gateway.respondWith(({ provider }) => answers(provider.id));
      const answer = await post(gateway, token, '{"model":"any"}');
      await gateway.settled();
      gateway.tick(3600);
      const path = `/admin/tokens/${id}/requests`;
      const { requests } = await (await gateway.admin("GET", path)).json();
      const [{ provider, model }] = requests;
      const bodies = gateway.reached.map(({ body }) => body);
      return [
        ...[answer.status, answer.headers.get("x-doppel-clamped")],
        ...[provider, model, bodies],
      ];
    };
    const LOWERED = '{"model":"dear","max_tokens":50}';
    const usage = { prompt_tokens: 1, completion_tokens: 1 };
    const fine = () => Response.json({ usage });
    assert.deepEqual(
      await ask(fine),
      [200, "50", "groq", "dear", [LOWERED]],
    );
    const both = [LOWERED, '{"model":"cheap"}'];
    assert.deepEqual(
      await ask((id) => id === "groq" ? NO_MONEY() : fine()),
      [200, null, "openai", "cheap", both],
    );
    // Where nobody is reached the answer before stands, and all that is said of it.
    const unsent = { refused: "origin_unreachable", unsent: true } as const;
    assert.deepEqual(
      await ask((id) => id === "groq" ? NO_MONEY() : unsent),
      [429, "50", "groq", "dear", both],
    );
  },
  {
    prices: {
      ...PRICES,
      least: () => Promise.resolve(1),
      clamp: ({ model }, held) =>
        Promise.resolve({
          text: `{"model":"${model}","max_tokens":${held}}`,
          limit: held,
        }),
    },
  },
);

law(
  "what an answer leads to, makes and repeats is its own provider's, not that of the path",
  async (gateway) => {
    await gateway.admin("PUT", "/admin/providers/lab", {
      origin: "https://lab.example",
    });
    const key = "sk-canary-lab-0123456789";
    await gateway.admin("POST", "/admin/credentials", { provider: "lab", key });
    const { token } = await gateway.mint({
      providers: ["openai", "lab"],
      isolated: true,
    });
    await alias(gateway, "any", ["openai/gpt-5", "lab/m"]);
    gateway.respondWith(({ provider }) =>
      provider.id === "openai" ? NO_MONEY() : Response.json({
        id: "resp_0123456789abcdef",
      }, { headers: { location: "https://lab.example/v1/x" } })
    );
    const made = await post(gateway, token, '{"model":"any"}', {
      path: "/v1/responses",
      headers: { "content-type": "application/json" },
    });
    assert.equal(made.status, 200);
    assert.equal(made.headers.get("location"), "http://gw/lab/v1/x");
    const read = async (path: string) =>
      (await gateway.send(path, { headers: bearer(token) })).status;
    assert.equal(await read("/lab/v1/responses/resp_0123456789abcdef"), 200);
    assert.equal(await read("/v1/responses/resp_0123456789abcdef"), 404);
    gateway.respondWith(({ provider }) =>
      provider.id === "openai"
        ? NO_MONEY()
        : Response.json({ error: { message: `Bad key ${key}` } }, {
          status: 401,
        })
    );
    gateway.tick(3600);
    const told = await post(gateway, token, '{"model":"any"}');
    assert.equal(told.status, 401);
    assert.doesNotMatch(await told.text(), /canary/);
  },
);
