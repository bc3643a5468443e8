/** The specification of the provider table: where each row leads, what it has, and that nothing else can be reached. */

import assert from "node:assert/strict";

import { endpointClass } from "./core/provider.ts";
import { readSettings } from "./core/settings.ts";
import { configuredProviders } from "./providers/configured.ts";
import { pricesFrom } from "./prices/book.ts";
import { pricesOf } from "./prices/mod.ts";
import { PROVIDERS } from "./providers/mod.ts";
import { KEYS, law, type Overrides } from "./test/gateway.ts";
import { listedBy, ROW_FIXTURES } from "./test/providers.ts";

const T = "holder-token-0123456789";
const bearer = { authorization: `Bearer ${T}` };
const ALL = { endpoints: ["all"] };
const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
const closed = PROVIDERS.filter((row) => row.closed);
const ids = PROVIDERS.map(({ id }) => id);

/** All that only one row of many has, and what none has. */
const PATHS = [
  ...new Set([
    ...Object.values(ROW_FIXTURES).flatMap((fixture) =>
      [...listedBy(fixture).keys()].map((line) => line.split(" ")[1]!)
    ),
    ...["/v1", "/v1/", "/v1/x", "/v1/chat", "/v1/chat/completions/"],
    ...["/v1/chat/completions/chatcmpl-1", "/v1/chat%2Fcompletions"],
    ...["/v1//chat/completions", "/v1/Chat/Completions", "/v1/realtime"],
    ...["/v1/organization/admin_api_keys", "/v1/credits", "/v1/key"],
    ...["/v1/keys", "/v1/auth/keys", "/v1/byok", "/v1/vault/secrets"],
    ...["/v1/generation", "/v1/files/f-1/url", "/v1/fine_tuning/jobs"],
    ...["/v1/messages/batches", "/v2/models", "/v1beta/models", "/api/tags"],
  ]),
];

Deno.test("every closed row has a fixture, and no fixture is without a row", () => {
  assert.deepEqual(
    closed.map(({ id }) => id).sort(),
    Object.keys(ROW_FIXTURES).sort(),
  );
});

for (const { id } of closed) {
  const fixture = ROW_FIXTURES[id]!;
  const listed = listedBy(fixture);

  law(
    `${id}: what is listed reaches its own origin with its own key, other methods are 405, other paths 404`,
    async ({ send, mint, reached }) => {
      await mint({ token: T, providers: [id], ...ALL });
      const key = { authorization: `Bearer ${KEYS[id]![0]!.key}` };
      for (const path of PATHS) {
        const allow = METHODS.filter((method) =>
          listed.has(`${method === "HEAD" ? "GET" : method} ${path}`)
        );
        for (const method of METHODS) {
          const at = `${method} ${path}`;
          const answer = await send(`/${id}${path}`, {
            method,
            headers: bearer,
          });
          if (allow.includes(method)) {
            assert.equal(answer.status, 200, at);
            assert.deepEqual(reached.splice(0), [{
              method,
              url: fixture.paths?.[path] ?? fixture.at + path,
              headers: {
                "user-agent": "doppel",
                "accept-encoding": "identity",
                ...key,
              },
              body: "",
            }], at);
            continue;
          }
          assert.deepEqual(reached, [], at);
          assert.equal(answer.status, allow.length > 0 ? 405 : 404, at);
          assert.equal(
            answer.headers.get("allow"),
            allow.length > 0 ? allow.join(", ") : null,
            at,
          );
          if (method === "HEAD") continue;
          const { error, type } = await answer.json();
          const code = allow.length > 0 ? "method_not_allowed" : "no_route";
          assert.equal(
            /v1\/messages/.test(path) && type === "error"
              ? error.details.error_code
              : error.code,
            code,
            at,
          );
        }
      }
    },
  );

  Deno.test(`${id}: every endpoint has its class`, () => {
    const row = PROVIDERS.find((one) => one.id === id)!;
    for (const [line, name] of listed) {
      const [method = "", path = ""] = line.split(" ");
      const target = { path, query: "" };
      assert.equal(endpointClass(row, method, target), name, line);
    }
  });
}

const clients = Object.entries(ROW_FIXTURES).flatMap(([id, fixture]) => [
  ...Object.entries(fixture.clients ?? {}),
  ...["", "/proxy"].flatMap((older): [string, string][] => [
    [`${older}/${id}/v1/models?a=%20b`, `${fixture.at}/v1/models?a=%20b`],
    [`${older}/${id}/models`, `${fixture.at}/v1/models`],
    [`${older}/${id}//v1/models`, `${fixture.at}/v1/models`],
  ]),
]);

law(
  "clients reach a row by its name, with whatever their SDK adds to the base URL",
  async ({ send, mint, reached }) => {
    await mint({ token: T, providers: ids, ...ALL });
    for (const [path, url] of clients) {
      const post = /models/.test(path) ? {} : { method: "POST", body: "{}" };
      const answer = await send(path, { ...post, headers: bearer });
      assert.equal(answer.status, 200, path);
      assert.deepEqual(reached.splice(0).map((one) => one.url), [url], path);
    }
  },
);

law(
  "a token for one row only needs no name",
  async ({ send, mint, reached }) => {
    for (const [id, { at, paths }] of Object.entries(ROW_FIXTURES)) {
      const token = `${T}-${id}`;
      await mint({ token, providers: [id], ...ALL });
      for (const path of ["/v1/models", "/v1/chat/completions"]) {
        const method = path === "/v1/models" ? "GET" : "POST";
        const headers = { authorization: `Bearer ${token}` };
        await send(path, { method, headers });
        assert.deepEqual(
          reached.splice(0).map((one) => [one.url, one.headers.authorization]),
          [[paths?.[path] ?? at + path, `Bearer sk-canary-${id}`]],
        );
      }
    }
  },
);

law(
  "a socket where a closed row has other methods is 426, so that Codex goes on in HTTP at once; elsewhere it is 404",
  async ({ send, mint, reached }) => {
    await mint({ token: T, providers: ids, ...ALL });
    const upgrade = { connection: "upgrade", upgrade: "websocket" };
    const statuses = new Set<number>();
    for (const [id, fixture] of Object.entries(ROW_FIXTURES)) {
      if (!closed.some((row) => row.id === id)) continue;
      for (const path of ["/v1/responses", "/v1/chat/completions"]) {
        const listed = listedBy(fixture).has(`POST ${path}`);
        const ask = (headers: Record<string, string>) =>
          send(`/${id}${path}`, { headers: { ...bearer, ...headers } });
        const socket = await ask(upgrade);
        const { code } = (await socket.json()).error;
        assert.deepEqual(
          [socket.status, code],
          listed ? [426, "upgrade_refused"] : [404, "no_route"],
          `${id}${path}`,
        );
        assert.equal((await ask({})).status, listed ? 405 : 404);
        statuses.add(socket.status);
      }
    }
    assert.deepEqual([...statuses].sort(), [404, 426]);
    assert.deepEqual(reached, []);
  },
);

law(
  "X-Host-Final names a row by its host, and goes no further",
  async ({ send, mint, reached, respondWith }) => {
    await mint({ token: T, providers: ids, ...ALL });
    const hosts = [
      ...Object.entries(ROW_FIXTURES).map(([id, { host, at }]) =>
        [id, host, at] as const
      ),
      ["anthropic", "API.anthropic.com", "https://api.anthropic.com"],
    ] as const;
    for (const [id, host, at] of hosts) {
      respondWith(() =>
        new Response("{}", {
          headers: { location: `${at}/v1/models/m` },
        })
      );
      const answer = await send("/v1/models", {
        headers: { ...bearer, "x-host-final": host },
      });
      assert.equal(answer.status, 200, host);
      const [got] = reached.splice(0);
      assert.equal(got!.url, `${at}/v1/models`);
      assert.equal(got!.headers["x-host-final"], undefined);
      // The way back needs no field.
      assert.equal(
        answer.headers.get("location"),
        `http://gw/${id}/v1/models/m`,
      );
    }
    const before = await send("/groq/v1/models", {
      headers: { ...bearer, "x-host-final": "api.mistral.ai" },
    });
    assert.equal(before.status, 200);
    assert.equal(
      reached.splice(0)[0]!.url,
      "https://api.groq.com/openai/v1/models",
    );
  },
);

law(
  "X-Host-Final that is no row's host is 404, for tokens of one row too",
  async ({ send, mint, reached }) => {
    await mint({ token: T, providers: ["groq"], ...ALL });
    for (
      const host of [
        ...["elsewhere.test", "", "groq", "api.groq.com.evil.test"],
        ...["api.groq.com:443", "api.groq.com/openai", "x@api.groq.com"],
        ...["https://api.groq.com", "api.groq.com, api.x.ai", "*", "."],
        ...["evil.test#api.groq.com", "api.groq.com%00", "169.254.169.254"],
        ...["localhost", "127.0.0.1", "[::1]:11434", "0.0.0.0:11434"],
      ]
    ) {
      const answer = await send("/v1/models", {
        headers: { ...bearer, "x-host-final": host },
      });
      assert.equal(answer.status, 404, host);
      assert.equal((await answer.json()).error.code, "no_route");
      assert.deepEqual(reached, []);
    }
  },
);

/** As main.ts puts it together. */
function configured(env: Record<string, string>): Overrides {
  const settings = readSettings(env, PROVIDERS);
  const providers = configuredProviders(settings);
  return {
    providers,
    pools: settings.pools,
    configured: providers.map(({ id, origin }) => ({
      id,
      origin,
      credentials: settings.pools[id]!.map((one) => one.id),
    })),
  };
}

law(
  "the owner's own APIs of the table are there only where their origin is set, and are asked without a key",
  async ({ send, mint, reached, admin }) => {
    const listed = await (await admin("GET", "/admin/providers")).json();
    const there: string[] = listed.providers.map((one: { id: string }) =>
      one.id
    );
    assert.deepEqual(
      there.filter((id) => ["ollama", "vllm", "lmstudio"].includes(id)),
      ["ollama"],
    );
    await mint({ token: T, providers: ["ollama"] });
    const answer = await send("/ollama/v1/models", {
      headers: { ...bearer, "x-api-key": T },
    });
    assert.equal(answer.status, 200);
    assert.deepEqual(reached, [{
      method: "GET",
      url: "http://127.0.0.1:11434/v1/models",
      headers: { "user-agent": "doppel", "accept-encoding": "identity" },
      body: "",
    }]);
    const gone = await send("/vllm/v1/models", { headers: bearer });
    assert.equal(gone.status, 404);
  },
  configured({ OLLAMA_UPSTREAM: "http://127.0.0.1:11434/v1" }),
);

const CUSTOM = configured({
  CUSTOM_PROVIDERS: "lab,corp-2,ai",
  LAB_UPSTREAM: "https://lab.example/llm/v1/",
  CORP_2_UPSTREAM: "https://corp.example/base",
  CORP_2_API_KEY: "corp-canary-1",
  CORP_2_WIRE: "anthropic",
  AI_UPSTREAM: "https://ai.example",
  AI_API_KEY: "ai-canary-1",
  AI_WIRE: "gemini",
  AI_SLOT: "api-key",
  GROQ_API_KEY: "groq-canary-1",
});

law(
  "custom rows have their wire's endpoints, slot, errors and lists, at the origin the owner gave",
  async ({ send, mint, reached }) => {
    await mint({ token: T, providers: ["lab", "corp-2", "ai"] });
    const rows: [
      path: string,
      url: string,
      key: Record<string, string>,
      method?: string,
    ][] = [
      [
        "/lab/v1/models",
        "https://lab.example/llm/v1/models",
        {},
      ],
      [
        "/lab/chat/completions",
        "https://lab.example/llm/v1/chat/completions",
        {},
        "POST",
      ],
      [
        "/proxy/lab/llm/v1/responses",
        "https://lab.example/llm/v1/responses",
        {},
        "POST",
      ],
      [
        "/corp-2/v1/messages",
        "https://corp.example/base/v1/messages",
        { "x-api-key": "corp-canary-1" },
        "POST",
      ],
      [
        "/ai/v1beta/models/m:generateContent?alt=sse",
        "https://ai.example/v1beta/models/m:generateContent?alt=sse",
        { "api-key": "ai-canary-1" },
        "POST",
      ],
    ];
    for (const [path, url, key, method = "GET"] of rows) {
      const answer = await send(path, { method, headers: bearer });
      assert.equal(answer.status, 200, path);
      const [got] = reached.splice(0);
      const { "user-agent": _, "accept-encoding": __, ...slots } = got!.headers;
      assert.deepEqual([got!.url, slots], [url, key], path);
    }
    const refused = await send("/corp-2/v1/organizations", {
      headers: bearer,
    });
    assert.equal(refused.status, 403);
    assert.equal((await refused.json()).type, "error");
    assert.equal(
      (await send("/groq/v1/models", { headers: bearer })).status,
      403,
    );
    const hosted = await send("/v1/models", {
      headers: { ...bearer, "x-host-final": "lab.example" },
    });
    assert.equal(hosted.status, 200);
    // Nothing but its name leads to it.
    reached.length = 0;
    await send("/v1/messages", { method: "POST", headers: { "x-api-key": T } });
    await send("/v1/models/m", { headers: bearer });
    assert.deepEqual(reached, []);
  },
  CUSTOM,
);

const FIXED = configured({
  GROQ_API_KEY: "groq-canary-1",
  GROQ_HEADERS:
    "CF-Access-Client-Id: id-canary; cf-access-client-secret: secret-canary; x-team: ours",
  MISTRAL_API_KEY: "mistral-canary-1",
});

law(
  "fixed fields go to their origin with every request, in place of the client's own, and to no other",
  async ({ send, mint, reached }) => {
    await mint({ token: T, providers: ["groq", "mistral"] });
    const headers = {
      ...bearer,
      "x-team": "theirs",
      "cf-access-client-id": "theirs",
      "x-other": "1",
    };
    await send("/groq/v1/models", { headers });
    await send("/mistral/v1/models", { headers });
    assert.deepEqual(reached.map((one) => one.headers), [
      {
        "user-agent": "doppel",
        "accept-encoding": "identity",
        authorization: "Bearer groq-canary-1",
        "cf-access-client-id": "id-canary",
        "cf-access-client-secret": "secret-canary",
        "x-team": "ours",
        "x-other": "1",
      },
      {
        "user-agent": "doppel",
        "accept-encoding": "identity",
        authorization: "Bearer mistral-canary-1",
        "x-team": "theirs",
        "x-other": "1",
      },
    ]);
  },
  FIXED,
);

const GATEWAY = "https://gateway.ai.cloudflare.com/v1/acc/gw";

/** By https://developers.cloudflare.com/ai-gateway/usage/providers/ (read 2026-11-27). */
const gateways: [id: string, slug: string, path: string, lies: string][] = [
  ["openai", "openai", "/v1/chat/completions", "/chat/completions"],
  ["openai", "openai", "/v1/responses", "/responses"],
  ["anthropic", "anthropic", "/v1/messages", "/v1/messages"],
  [
    "gemini",
    "google-ai-studio",
    "/v1beta/models/m:generateContent",
    "/v1beta/models/m:generateContent",
  ],
  ["groq", "groq", "/v1/chat/completions", "/chat/completions"],
  ["mistral", "mistral", "/v1/chat/completions", "/v1/chat/completions"],
  ["deepseek", "deepseek", "/v1/chat/completions", "/chat/completions"],
  ["openrouter", "openrouter", "/v1/chat/completions", "/chat/completions"],
  ["cerebras", "cerebras", "/v1/chat/completions", "/chat/completions"],
  ["perplexity", "perplexity-ai", "/chat/completions", "/chat/completions"],
  ["xai", "grok", "/v1/chat/completions", "/v1/chat/completions"],
  ["morph", "custom-morph", "/v1/chat/completions", "/v1/chat/completions"],
  ["groq", "custom-groq", "/v1/chat/completions", "/v1/chat/completions"],
];

for (const [id, slug, path, lies] of gateways) {
  const name = id.toUpperCase();
  law(
    `${id} behind Cloudflare's ${slug}: ${path} lies at ${lies}, and comes back as ${path}`,
    async ({ send, mint, reached, respondWith }) => {
      await mint({ token: T, providers: [id], ...ALL });
      const home = PROVIDERS.find((row) => row.id === id)!.origin;
      for (const url of [`${GATEWAY}/${slug}${lies}`, `${home}${path}`]) {
        respondWith(() =>
          new Response(null, { status: 307, headers: { location: url } })
        );
        const answer = await send(`/${id}${path}`, {
          method: "POST",
          headers: { ...bearer, "cf-aig-authorization": "theirs" },
        });
        assert.equal(
          answer.headers.get("location"),
          `http://gw/${id}${path}`,
        );
        const [got] = reached.splice(0);
        assert.equal(got!.url, `${GATEWAY}/${slug}${lies}`);
        assert.equal(
          got!.headers["cf-aig-authorization"],
          "Bearer cf-canary",
        );
        assert.match(JSON.stringify(got!.headers), /key-canary/);
      }
    },
    configured({
      [`${name}_API_KEY`]: "key-canary",
      [`${name}_GATEWAY`]: `${GATEWAY}/${slug}`,
      [`${name}_GATEWAY_TOKEN`]: "cf-canary",
    }),
  );
}

/** Fields by which other gateways let a request choose where it goes (research/anchors.md §4.1). */
const LURES = {
  ...Object.fromEntries(
    [
      ...["x-forwarded-host", "x-original-url", "x-rewrite-url", "x-host"],
      ...["x-portkey-custom-host", "x-portkey-provider", "x-upstream-host"],
      ...["x-base-url", "x-api-base", "api-base", "x-target-url", "x-origin"],
      ...["x-openai-base-url", "x-litellm-api-base", "x-provider"],
      ...["openai-base-url", "x-custom-host", "x-real-host", "x-backend"],
    ].map((name) => [name, "https://169.254.169.254/latest"]),
  ),
  forwarded: "host=evil.test",
  host: "evil.test:81",
  origin: "https://evil.test",
  referer: "https://evil.test/v1",
};

const BAIT = JSON.stringify({
  model: "m",
  api_base: "http://evil.test",
  base_url: "http://evil.test",
  user_config: { api_base: "http://evil.test", model_list: [{}] },
  litellm_params: { api_base: "http://evil.test", api_key: "x" },
  extra_body: { api_base: "http://evil.test" },
  custom_host: "http://evil.test",
  callback_url: "http://evil.test",
});

law(
  "nothing in a request chooses an origin: fields and content go to the row's own, byte for byte",
  async ({ send, mint, reached }) => {
    await mint({ token: T, providers: ids, ...ALL });
    for (const row of PROVIDERS) {
      const chat = row.id === "gemini"
        ? "/v1beta/models/m:generateContent"
        : row.id === "anthropic"
        ? "/v1/messages"
        : row.id === "perplexity"
        ? "/chat/completions"
        : "/v1/chat/completions";
      const answer = await send(`/${row.id}${chat}?api_base=http://evil.test`, {
        method: "POST",
        headers: { ...bearer, ...LURES },
        body: BAIT,
      });
      assert.equal(answer.status, 200, row.id);
      const [got] = reached.splice(0);
      assert.equal(
        got!.url,
        `${row.origin}${chat}?api_base=http://evil.test`,
      );
      assert.equal(got!.body, BAIT);
      for (const name of ["host", "forwarded", "x-forwarded-host"]) {
        assert.equal(got!.headers[name], undefined);
      }
    }
  },
);

/** Paths that begin like another authority, or end like one. */
const ESCAPES = [
  ...["/@evil.test/v1/models", "/:80@evil.test/v1/models", "/evil.test/v1"],
  ...["//evil.test/v1/models", "///evil.test/v1/models", "/http://evil.test"],
  ...["/https:/evil.test/v1/models", "/.evil.test/v1/models", "/%2e.evil"],
  ...["/%2F%2Fevil.test/v1/models", "/%40evil.test/v1/models", "/%5cevil.test"],
  ...["/..%2f..%2fevil", "/v1/..%2f..%2fadmin", "/v1/%2e%2e/%2e%2e/x"],
  ...["/v1/models%0d%0ahost:evil.test", "/v1/%00", "/v1/..;/..;/x", "/v1/.."],
  ...["/v1@evil.test/models", "/v1.evil.test/models", "/v1:80/models"],
];

law(
  "no path leaves an origin, whichever row it is for",
  async ({ send, mint, reached }) => {
    await mint({ token: T, providers: ids, ...ALL });
    for (const row of PROVIDERS) {
      for (
        const path of ["", "/proxy"].flatMap((older) =>
          ESCAPES.map((escape) => `${older}/${row.id}${escape}`)
        )
      ) {
        await send(path, { headers: bearer });
        for (const { url } of reached.splice(0)) {
          assert.ok(!row.closed, `${path} reached ${url}`);
          const { origin, pathname } = new URL(url);
          assert.equal(origin, new URL(row.origin).origin, path);
          assert.ok(
            pathname.startsWith(new URL(row.origin).pathname),
            `${path} reached ${url}`,
          );
        }
      }
    }
  },
);

law(
  "an isolated token makes and names nothing where nobody knows how things are called",
  async ({ send, mint, reached, respondWith }) => {
    await mint({ token: T, providers: ["groq"], isolated: true, ...ALL });
    const chat = (content: unknown) =>
      send("/groq/v1/chat/completions", {
        method: "POST",
        headers: bearer,
        body: JSON.stringify(content),
      });
    assert.equal((await chat({ model: "m", messages: [] })).status, 200);
    assert.equal(
      (await chat({ model: "m", messages: [{ file: { file_id: "f-1" } }] }))
        .status,
      403,
    );
    for (const path of ["/v1/files", "/v1/files/f-1", "/v1/batches"]) {
      const answer = await send(`/groq${path}`, { headers: bearer });
      assert.equal(answer.status, 403, path);
    }
    const list = '[{"id":"a"},{"id":"b"}]';
    respondWith(() =>
      new Response(list, { headers: { "content-type": "application/json" } })
    );
    const models = await send("/groq/v1/models", { headers: bearer });
    assert.equal(await models.text(), list);
    assert.equal(reached.length, 2);
  },
);

Deno.test("no row's refusal of a region can be mistaken for an answer, unless it is known", () => {
  for (const { id, region, closed } of PROVIDERS) {
    if (closed) assert.equal(region.status, 0, id);
    assert.match(region.probe.path, /^\/v1/, id);
  }
});

const REAL = {
  prices: pricesOf(pricesFrom({ now: Date.now, defer: () => {} })),
};

/** A model of each that the catalogue knows, and the rates of a million tokens, dollars. */
const PRICED: Record<string, [model: string, input: number, output: number]> = {
  cerebras: ["gpt-oss-120b", 0.35, 0.75],
  // At noon.
  deepseek: ["deepseek-chat", 0.27, 1.1],
  cohere: ["command-a-03-2025", 2.5, 10],
  fireworks: ["accounts/fireworks/models/gpt-oss-120b", 0.15, 0.6],
  groq: ["llama-3.3-70b-versatile", 0.59, 0.79],
  minimax: ["MiniMax-M2", 0.3, 1.2],
  mistral: ["mistral-small-latest", 0.1, 0.3],
  moonshot: ["kimi-k2-0905-preview", 0.6, 2.5],
  together: ["Austism/chronos-hermes-13b", 0.3, 0.3],
  xai: ["grok-3", 3, 15],
};

law(
  "a budget lets through what the catalogue has a price for, and takes what it came to",
  async ({ send, mint, admin, settled, respondWith }) => {
    for (const [id, [model, input, output]] of Object.entries(PRICED)) {
      const token = `${T}-${id}`;
      const { id: tokenId } = await mint({
        token,
        providers: [id],
        limits: { budget: { total: 1_000_000 } },
      });
      respondWith(() =>
        Response.json({
          model,
          choices: [{ message: { content: "hi" } }],
          usage: {
            prompt_tokens: 1000,
            completion_tokens: 500,
            total_tokens: 1500,
          },
        })
      );
      const call = (model: string) =>
        send("/v1/chat/completions", {
          method: "POST",
          headers: { authorization: `Bearer ${token}` },
          body: JSON.stringify({ model, messages: [], max_tokens: 600 }),
        });
      const answer = await call(model);
      assert.equal(answer.status, 200, `${id}: ${await answer.text()}`);
      const unknown = await call("nobody-knows-this-model");
      assert.equal(unknown.status, 402, id);
      assert.equal((await unknown.json()).error.code, "price_unknown");
      await settled();
      const path = `/admin/tokens/${tokenId}/requests`;
      const { requests } = await (await admin("GET", path)).json();
      assert.equal(
        requests.at(-1).cost,
        Math.ceil(Number((1000 * input + 500 * output).toFixed(6))),
        id,
      );
    }
  },
  REAL,
);

law(
  "a limit that an API may not heed bounds no budget",
  async ({ send, mint, reached }) => {
    const call = async (id: string, model: string, limit: string) => {
      const token = `${T}-${id}`;
      const answer = await send("/v1/chat/completions", {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body: JSON.stringify({ model, messages: [], [limit]: 600 }),
      });
      return answer.status;
    };
    for (const id of ["together", "groq"]) {
      const limits = { budget: { total: 1_000_000 } };
      await mint({ token: `${T}-${id}`, providers: [id], limits });
    }
    const model = "Austism/chronos-hermes-13b";
    assert.equal(await call("together", model, "max_completion_tokens"), 402);
    assert.equal(await call("together", model, "max_tokens"), 200);
    assert.equal(
      await call("groq", "gemma2-9b-it", "max_completion_tokens"),
      200,
    );
    assert.equal(reached.length, 2);
  },
  REAL,
);

law(
  "what OpenRouter says a call cost is written down, and no budget goes there without the owner's prices",
  async ({ send, mint, admin, settled, respondWith, reached }) => {
    const { id } = await mint({ token: T, providers: ["openrouter"] });
    respondWith(() =>
      Response.json({
        model: "openai/gpt-4",
        choices: [{ message: { content: "hi" } }],
        usage: {
          prompt_tokens: 14,
          completion_tokens: 4,
          total_tokens: 18,
          cost: 0.00123456,
        },
      })
    );
    const body = JSON.stringify({ model: "openai/gpt-4", max_tokens: 9 });
    const chat = (token: string) =>
      send("/v1/chat/completions", {
        method: "POST",
        headers: { authorization: `Bearer ${token}` },
        body,
      });
    assert.equal((await chat(T)).status, 200);
    await settled();
    const path = `/admin/tokens/${id}/requests`;
    const { requests } = await (await admin("GET", path)).json();
    assert.equal(requests[0].cost, 1235);
    await mint({
      token: `${T}-b`,
      providers: ["openrouter"],
      limits: { budget: { total: 1_000_000 } },
    });
    assert.equal((await chat(`${T}-b`)).status, 402);
    assert.equal(reached.length, 1);
  },
  REAL,
);
