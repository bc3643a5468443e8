/** The catalogue: what a token can name, on the wire its client speaks. */

import assert from "node:assert/strict";
import type { Forwarded } from "./core/egress.ts";
import { objectHash } from "./core/object.ts";
import { toRfc3339 } from "./core/time.ts";
import { PROVIDERS } from "./providers/mod.ts";
import { type Gateway, law, START } from "./test/gateway.ts";

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const claude = { "anthropic-version": "2023-06-01" };

/** What the APIs list, as each does. */
const LISTS: Record<string, unknown> = {
  openai: {
    object: "list",
    data: [{ id: "gpt-5", created: 7, owned_by: "o" }],
  },
  anthropic: {
    data: [{
      id: "claude-sonnet-4-5",
      created_at: "2025-09-29T00:00:00Z",
      max_input_tokens: 200_000,
      max_tokens: 64_000,
    }],
  },
  gemini: {
    models: [{
      name: "models/gemini-2.5-flash",
      inputTokenLimit: 1_000_000,
      outputTokenLimit: 65_536,
      supportedGenerationMethods: ["generateContent"],
    }],
  },
  groq: {
    data: [
      { id: "llama-3.3", context_window: 131_072, owned_by: "Meta" },
      { id: "groq/compound", context_window: 131_072 },
      { id: "llama-3.3", context_window: 1 },
    ],
  },
  openrouter: { data: [{ id: "openrouter/auto" }, { id: "anthropic/claude" }] },
};

/** Answers each API's list; `null`: a failure. */
function listing(
  { respondWith }: Gateway,
  lists: Record<string, unknown> = LISTS,
): void {
  respondWith(({ provider: { id } }: Forwarded) =>
    lists[id] ? Response.json(lists[id]) : new Response("{}", { status: 500 })
  );
}

const ids = (list: { data: { id: string }[] }) => list.data.map(({ id }) => id);

async function models(
  { send }: Gateway,
  token: string,
  { fields = {}, path = "/v1/models" }: {
    fields?: Record<string, string>;
    path?: string;
  } = {},
) {
  const answer = await send(path, { headers: { ...bearer(token), ...fields } });
  assert.equal(answer.status, 200);
  return await answer.json();
}

const EVERY = ["openai", "anthropic", "gemini", "groq", "openrouter"];

law(
  "one list of all models, in OpenAI's form, under names that can be asked for",
  async (gateway) => {
    listing(gateway);
    const { token } = await gateway.mint({ providers: EVERY });
    const list = await models(gateway, token);
    assert.deepEqual(list, {
      object: "list",
      data: [
        {
          id: "gpt-5",
          object: "model",
          created: 7,
          owned_by: "o",
          provider: "openai",
        },
        {
          id: "gemini/gemini-2.5-flash",
          object: "model",
          created: 0,
          owned_by: "gemini",
          provider: "gemini",
          kind: "chat",
          context_window: 1_000_000,
          max_output_tokens: 65_536,
        },
        {
          id: "anthropic/claude-sonnet-4-5",
          object: "model",
          created: Date.parse("2025-09-29T00:00:00Z") / 1000,
          owned_by: "anthropic",
          provider: "anthropic",
          kind: "chat",
          context_window: 200_000,
          max_output_tokens: 64_000,
        },
        {
          id: "groq/llama-3.3",
          object: "model",
          created: 0,
          owned_by: "Meta",
          provider: "groq",
          context_window: 131_072,
        },
        {
          id: "groq/compound",
          object: "model",
          created: 0,
          owned_by: "groq",
          provider: "groq",
          context_window: 131_072,
        },
        {
          id: "openrouter/auto",
          object: "model",
          created: 0,
          owned_by: "openrouter",
          provider: "openrouter",
        },
        {
          id: "openrouter/anthropic/claude",
          object: "model",
          created: 0,
          owned_by: "openrouter",
          provider: "openrouter",
        },
      ],
    });
    // Each name leads where the list says.
    for (const { id, provider } of list.data) {
      gateway.reached.length = 0;
      await gateway.send("/v1/chat/completions", {
        method: "POST",
        headers: bearer(token),
        body: JSON.stringify({ model: id }),
      });
      const { credential } = gateway.lines.at(-1)!;
      assert.equal(credential, `${provider}-1`, id);
    }
  },
);

law(
  "an Anthropic client gets its own form and pages, and only what /v1/messages can ask for",
  async (gateway) => {
    listing(gateway);
    const { token } = await gateway.mint({ providers: EVERY });
    await gateway.admin("PUT", "/admin/aliases/fast", {
      to: ["groq/llama-3.3", "anthropic/claude-sonnet-4-5"],
    });
    await gateway.admin("PUT", "/admin/aliases/cheap", {
      to: ["groq/llama-3.3"],
    });
    const list = await models(gateway, token, { fields: claude });
    assert.deepEqual(list.data[1], {
      type: "model",
      id: "claude-sonnet-4-5",
      display_name: "claude-sonnet-4-5",
      created_at: "2025-09-29T00:00:00Z",
      max_input_tokens: 200_000,
      max_tokens: 64_000,
    });
    const all = [
      "fast",
      "claude-sonnet-4-5",
      "openrouter/auto",
      "openrouter/anthropic/claude",
    ];
    assert.deepEqual(ids(list), all);
    assert.deepEqual([list.has_more, list.first_id, list.last_id], [
      false,
      "fast",
      "openrouter/anthropic/claude",
    ]);
    const page = async (query: string) => {
      const path = `/v1/models?${query}`;
      const part = await models(gateway, token, { fields: claude, path });
      return [ids(part), part.has_more];
    };
    assert.deepEqual(await page("limit=3"), [all.slice(0, 3), true]);
    assert.deepEqual(await page("limit=3&after_id=openrouter/auto"), [
      all.slice(3),
      false,
    ]);
    assert.deepEqual(await page("limit=2&before_id=openrouter/auto"), [
      all.slice(0, 2),
      false,
    ]);
    assert.deepEqual(await page("limit=1&before_id=openrouter/auto"), [
      all.slice(1, 2),
      true,
    ]);
  },
);

law(
  "one model by its name, encoded or not; what is no name is its own provider's",
  async (gateway) => {
    listing(gateway);
    const { token } = await gateway.mint({ providers: EVERY });
    await gateway.admin("PUT", "/admin/aliases/fast", {
      to: ["nobody/x", "groq/llama-3.3"].slice(1),
    });
    const one = async (path: string, fields = {}) => {
      const answer = await gateway.send(`/v1/models/${path}`, {
        headers: { ...bearer(token), ...fields },
      });
      return [answer.status, await answer.json()];
    };
    for (const path of ["groq/llama-3.3", "groq%2Fllama-3.3"]) {
      const [status, model] = await one(path);
      assert.deepEqual([status, model.id], [200, "groq/llama-3.3"]);
    }
    const [, alias] = await one("fast");
    assert.deepEqual(alias, {
      id: "fast",
      object: "model",
      created: 0,
      owned_by: "doppel",
      provider: "doppel",
      context_window: 131_072,
    });
    const [missing, refusal] = await one("groq/none");
    assert.deepEqual([missing, refusal.error.code], [404, "object_unknown"]);
    const [, own] = await one("openai/gpt-5");
    assert.deepEqual([own.id, own.provider], ["openai/gpt-5", "openai"]);
    const [gone, spoken] = await one("groq/llama-3.3", claude);
    assert.deepEqual([gone, spoken.type], [404, "error"]);
    gateway.reached.length = 0;
    await one("gpt-5");
    assert.equal(
      gateway.reached[0]!.url,
      "https://api.openai.com/v1/models/gpt-5",
    );
    const alike = await gateway.send("/v1/modelsXgroq/llama-3.3", {
      headers: bearer(token),
    });
    await alike.arrayBuffer();
    assert.match(gateway.reached[1]!.url, /\/v1\/modelsXgroq\/llama-3\.3$/);
    const alone = await gateway.mint({ providers: ["groq"] });
    const shown = await gateway.send("/v1/models/groq/llama-3.3", {
      headers: bearer(alone.token),
    });
    assert.equal((await shown.json()).id, "groq/llama-3.3");
  },
);

law("a token sees what it may use, and no more", async (gateway) => {
  listing(gateway);
  const seen = async (fields: Record<string, unknown>) => {
    const { token } = await gateway.mint({ providers: EVERY, ...fields });
    const all = ids(await models(gateway, token));
    for (const model of all) {
      const { status } = await gateway.send("/v1/chat/completions", {
        method: "POST",
        headers: bearer(token),
        body: JSON.stringify({ model }),
      });
      assert.equal(status, 200, model);
    }
    return all;
  };
  await gateway.admin("PUT", "/admin/aliases/fast", { to: ["groq/llama-3.3"] });
  await gateway.admin("PUT", "/admin/aliases/gpt-5", {
    to: ["groq/llama-3.3"],
  });
  assert.deepEqual(await seen({ providers: ["openai", "gemini"] }), [
    "openai/gpt-5",
    "gemini/gemini-2.5-flash",
  ]);
  assert.deepEqual(await seen({ providers: ["openai", "groq"] }), [
    "fast",
    "gpt-5",
    "openai/gpt-5",
    "groq/llama-3.3",
    "groq/compound",
  ]);
  assert.deepEqual(await seen({ models: ["openai/*", "groq/compound"] }), [
    "openai/gpt-5",
    "groq/compound",
  ]);
  assert.deepEqual(await seen({ models: ["gemini-*", "fast"] }), [
    "fast",
    "gemini/gemini-2.5-flash",
  ]);
  assert.deepEqual(await seen({ models: ["llama-*"] }), [
    "fast",
    "gpt-5",
    "groq/llama-3.3",
  ]);
  await gateway.admin("PUT", "/admin/providers/groq", { models: ["groq/*"] });
  await gateway.admin("PUT", "/admin/providers/gemini", { priority: 9 });
  assert.deepEqual(await seen({ providers: ["openai", "gemini", "groq"] }), [
    "openai/gpt-5",
    "groq/compound",
    "gemini/gemini-2.5-flash",
  ]);
  await gateway.admin("PUT", "/admin/aliases/both", { to: ["groq/compound"] });
  assert.deepEqual(await seen({ models: ["groq/compound"] }), [
    "both",
    "groq/compound",
  ]);
  const { token } = await gateway.mint({ endpoints: ["inference"] });
  const denied = await gateway.send("/v1/models", { headers: bearer(token) });
  assert.equal((await denied.json()).error.code, "endpoint_denied");
  assert.equal((await gateway.send("/v1/models")).status, 401);
});

law(
  "a list of one provider alone comes from it, byte for byte",
  async (gateway) => {
    gateway.respondWith(() => new Response(' {"data": []}'));
    const { token } = await gateway.mint({ providers: ["openai"] });
    const answer = await gateway.send("/v1/models", { headers: bearer(token) });
    assert.equal(await answer.text(), ' {"data": []}');
    const both = await gateway.mint({ providers: ["openai", "groq"] });
    const alone = await gateway.send("/v1/models", {
      headers: bearer(both.token),
    });
    assert.equal(await alone.text(), ' {"data": []}');
    const direct = await gateway.send("/groq/v1/models", {
      headers: bearer(both.token),
    });
    assert.equal(direct.status, 503);
  },
  { pools: { openai: [{ id: "openai-1", key: "sk-canary-o" }] } },
);

law(
  "lists are asked for once, kept for an hour, and fetched again behind an answer",
  async (gateway) => {
    listing(gateway);
    const { token } = await gateway.mint({ providers: ["openai", "groq"] });
    await Promise.all([1, 2, 3].map(() => models(gateway, token)));
    assert.equal(gateway.reached.length, 2);
    for (const { headers, url } of gateway.reached) {
      const key = url.includes("groq") ? "sk-canary-groq" : "sk-o";
      assert.equal(headers.authorization, `Bearer ${key}`);
    }
    await gateway.done();
    const [kept] = await gateway.store.readModels(["groq"]);
    assert.equal(kept!.time, START / 1000);
    gateway.tick(3599);
    await models(gateway, token);
    assert.equal(gateway.reached.length, 2);
    gateway.tick(1);
    listing(gateway, { ...LISTS, groq: { data: [{ id: "new" }] } });
    const old = await models(gateway, token);
    assert.deepEqual(ids(old), ["gpt-5", "groq/llama-3.3", "groq/compound"]);
    await gateway.done();
    assert.deepEqual(ids(await models(gateway, token)), ["gpt-5", "groq/new"]);
  },
);

law(
  "an API that gives no list is left out, and not asked again for a minute; an old list stands",
  async (gateway) => {
    listing(gateway, { openai: LISTS.openai });
    const { token } = await gateway.mint({ providers: ["openai", "groq"] });
    assert.deepEqual(ids(await models(gateway, token)), ["gpt-5"]);
    await models(gateway, token);
    assert.equal(gateway.reached.length, 2);
    gateway.tick(60);
    listing(gateway);
    const full = ["gpt-5", "groq/llama-3.3", "groq/compound"];
    assert.deepEqual(ids(await models(gateway, token)), full);
    gateway.tick(7200);
    listing(gateway, {});
    await models(gateway, token);
    await gateway.done();
    assert.deepEqual(ids(await models(gateway, token)), full);
    assert.deepEqual(gateway.faults, []);
  },
);

law(
  "one absurd model takes no other from any list",
  async (gateway) => {
    const odd = '{"data":[{"id":"odd","created":1e20},{"id":"a\\u001b[2J"}]}';
    gateway.respondWith(({ provider: { id } }) =>
      id === "openrouter" ? new Response(odd) : Response.json(LISTS[id])
    );
    const { token } = await gateway.mint({ providers: EVERY });
    const list = await models(gateway, token, { fields: claude });
    assert.deepEqual(ids(list), ["claude-sonnet-4-5", "openrouter/odd"]);
    assert.equal(list.data[1].created_at, "1970-01-01T00:00:00Z");
  },
);

law(
  "a list that does not end is given up, and one of too many models is cut",
  async (gateway) => {
    let pulled = 0;
    const endless = () =>
      new ReadableStream<Uint8Array>({
        pull(controller) {
          const text = pulled++ === 0 ? '{"data":[' : " ".repeat(1_048_576);
          controller.enqueue(new TextEncoder().encode(text));
          // Not endless after all, or this law would never fail.
          if (pulled === 64) {
            controller.enqueue(new TextEncoder().encode('{"id":"m"}]}'));
            controller.close();
          }
        },
      });
    const many = Array.from({ length: 200_000 }, (_, n) => ({ id: `m${n}` }));
    gateway.respondWith(({ provider: { id } }) =>
      id === "openai"
        ? new Response(endless())
        : Response.json({ data: id === "groq" ? many : [{ id: "g" }] })
    );
    const { token } = await gateway.mint({ providers: ["openai", "gemini"] });
    assert.deepEqual(ids(await models(gateway, token)), ["gemini/g"]);
    assert.ok(pulled < 20);
    const other = await gateway.mint({ providers: ["openai", "groq"] });
    const list = await models(gateway, other.token);
    assert.equal(list.data.length, 10_000);
  },
);

law(
  "GET /v1/providers tells those that the token can reach now",
  async (gateway) => {
    const { token } = await gateway.mint({ providers: EVERY });
    const providers = async () => {
      const { data } = await models(gateway, token, { path: "/v1/providers" });
      return data;
    };
    assert.deepEqual((await providers()).slice(0, 3), [
      {
        id: "openai",
        object: "provider",
        wire: "openai",
        base_url: "http://gw/openai/v1",
      },
      {
        id: "gemini",
        object: "provider",
        wire: "gemini",
        base_url: "http://gw/gemini",
      },
      {
        id: "anthropic",
        object: "provider",
        wire: "anthropic",
        base_url: "http://gw/anthropic",
      },
    ]);
    const now = Math.floor(START / 1000);
    const rest = {
      credential: "groq-1",
      model: "",
      until: now + 60,
      why: "key",
    };
    await gateway.store.cool([rest], now);
    assert.deepEqual((await providers()).map(({ id }: { id: string }) => id), [
      "openai",
      "gemini",
      "anthropic",
      "openrouter",
    ]);
    const head = await gateway.send("/v1/providers", {
      method: "HEAD",
      headers: bearer(token),
    });
    assert.deepEqual([head.status, await head.text()], [200, ""]);
    assert.equal(head.headers.get("x-request-id"), gateway.lines.at(-1)!.id);
    assert.deepEqual(gateway.reached, []);
  },
);

law(
  "doppel's own answers are requests like any other, and cost nothing else",
  async (gateway) => {
    listing(gateway);
    const asked = async (token: string, path: string) => {
      const { status } = await gateway.send(path, { headers: bearer(token) });
      await gateway.settled();
      return status;
    };
    for (const path of ["/v1/models", "/v1/providers", "/v1/models/groq/x"]) {
      for (const more of [{}, { concurrency: 1, budget: { total: 9 } }]) {
        const { id, token } = await gateway.mint({
          providers: EVERY,
          limits: { requests: 2, ...more },
        });
        const statuses = [
          await asked(token, path),
          await asked(token, path),
          await asked(token, path),
        ];
        // What is refused counts as never made.
        const wanted = path.endsWith("x") ? [404, 404, 404] : [200, 200, 429];
        assert.deepEqual(statuses, wanted, path);
        const { standings: [stands] } = await gateway.store.watch(
          [{ id, leases: [] }],
          START,
        );
        assert.equal(stands!.unspent, "budget" in more ? 9 : undefined);
      }
    }
  },
);

law(
  "an isolated token sees no model that others have made",
  async (gateway) => {
    const tuned = ["ft:gpt-4o:org::mine", "ft:gpt-4o:org::theirs"];
    const data = ["gpt-5", ...tuned].map((id) => ({ id }));
    listing(gateway, { ...LISTS, openai: { data } });
    const fields = { providers: ["openai", "groq"], isolated: true };
    const { id, token } = await gateway.mint(fields);
    const openai = PROVIDERS.find((row) => row.id === "openai")!;
    const hash = objectHash(openai, tuned[0]!);
    const expires = START / 1000 + 60;
    await gateway.store.keepClaims([{ hash, token: id, expires }]);
    const own = ["gpt-5", tuned[0], "groq/llama-3.3", "groq/compound"];
    assert.deepEqual(ids(await models(gateway, token)), own);
    const other = await gateway.mint({ ...fields, isolated: false });
    assert.equal((await models(gateway, other.token)).data.length, 5);
    const status = async (name: string) => {
      const path = `/v1/models/openai/${name}`;
      return (await gateway.send(path, { headers: bearer(token) })).status;
    };
    assert.deepEqual(await Promise.all(tuned.map(status)), [200, 404]);
  },
);

law("a list in pages is read to its end", async (gateway) => {
  const asked: string[] = [];
  gateway.respondWith(({ provider: { id }, target: { path, query } }) => {
    if (id !== "openai") asked.push(path + query);
    if (id === "anthropic") {
      return query.includes("after_id=a%2F1")
        ? Response.json({ data: [{ id: "a2" }], has_more: false })
        : Response.json({
          data: [{ id: "a/1" }],
          has_more: true,
          last_id: "a/1",
        });
    }
    if (id === "gemini") {
      return query.includes("pageToken=n%3D")
        ? Response.json({ models: [{ name: "models/g2" }] })
        : Response.json({
          models: [{ name: "models/g1" }],
          nextPageToken: "n=",
        });
    }
    return Response.json({ data: [] });
  });
  const { token } = await gateway.mint();
  assert.deepEqual(ids(await models(gateway, token)), [
    "gemini/g1",
    "gemini/g2",
    "anthropic/a/1",
    "anthropic/a2",
  ]);
  assert.deepEqual(asked.sort(), [
    "/v1/models?limit=1000",
    "/v1/models?limit=1000&after_id=a%2F1",
    "/v1beta/models?pageSize=1000",
    "/v1beta/models?pageSize=1000&pageToken=n%3D",
  ]);
});

law(
  "the owner sees what a provider lists, and has it looked at again at once",
  async (gateway) => {
    listing(gateway);
    const path = "/admin/providers/groq/models";
    const { token } = await gateway.mint({ providers: ["openai", "groq"] });
    await models(gateway, token);
    const kept = await (await gateway.admin("GET", path)).json();
    assert.deepEqual(kept, {
      provider: "groq",
      time: "2026-11-20T12:00:00Z",
      models: [
        { id: "llama-3.3", context: 131_072, owner: "Meta" },
        { id: "groq/compound", context: 131_072 },
        { id: "llama-3.3", context: 1 },
      ],
    });
    assert.equal(gateway.reached.length, 2);
    gateway.tick(60);
    listing(gateway, { groq: { data: [{ id: "new" }] } });
    const now = await (await gateway.admin("POST", path)).json();
    assert.deepEqual([now.time, now.models], ["2026-11-20T12:01:00Z", [{
      id: "new",
    }]]);
    assert.deepEqual(ids(await models(gateway, token)), ["gpt-5", "groq/new"]);
    listing(gateway, {});
    const status = async (method: string, id: string) =>
      (await gateway.admin(method, `/admin/providers/${id}/models`)).status;
    assert.equal(await status("POST", "groq"), 503);
    assert.equal(await status("GET", "groq"), 200);
    assert.equal(await status("GET", "nobody"), 404);
    const lab = { origin: "https://lab.example" };
    await gateway.admin("PUT", "/admin/providers/lab", lab);
    assert.equal(await status("GET", "lab"), 409);
    // One that has expired is not asked with.
    for (const [key, expires] of [["sk-canary-lab-old", 61], ["sk-new"]]) {
      const until = START / 1000 + Number(expires);
      const made = await gateway.admin("POST", "/admin/credentials", {
        provider: "lab",
        key: `${key}-0123456789`,
        ...expires && { expires: toRfc3339(until) },
      });
      assert.equal(made.status, 201);
    }
    gateway.tick(60);
    await status("POST", "lab");
    const { authorization } = gateway.reached.at(-1)!.headers;
    assert.equal(authorization, "Bearer sk-new-0123456789");
  },
);
