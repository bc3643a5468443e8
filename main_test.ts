/** The specification of the proxy: who is let through, where to, and with what. */

import assert from "node:assert/strict";
import { PROVIDERS } from "./providers/mod.ts";
import { law } from "./test/gateway.ts";

/** The doppel token in the tables below; each row's gateway has one. */
const T = "holder-token-0123456789";
const OPENAI = "https://api.openai.com";
const ANTHROPIC = "https://api.anthropic.com";
const GEMINI = "https://generativelanguage.googleapis.com";

interface Swap {
  name: string;
  path: string;
  sent?: Record<string, string>;
  scope?: string[];
  method?: string;
  reaches: string;
  /** Beside `accept-encoding` and `user-agent`, the whole of what reached the origin. */
  with: Record<string, string>;
}

const bearer = { authorization: `Bearer ${T}` };
const openaiKey = { authorization: "Bearer sk-o" };
const anthropicKey = { "x-api-key": "sk-a" };
const geminiKey = { "x-goog-api-key": "g-1" };

const swaps: Swap[] = [
  {
    name: "OpenAI: a bearer token becomes the bearer key",
    path: "/v1/models/m",
    sent: bearer,
    reaches: `${OPENAI}/v1/models/m`,
    with: openaiKey,
  },
  {
    name: "OpenAI: the scheme is read in any case",
    path: "/v1/models/m",
    sent: { authorization: `bEARER   ${T}` },
    reaches: `${OPENAI}/v1/models/m`,
    with: openaiKey,
  },
  {
    name: "OpenAI: api-key is a slot",
    path: "/v1/models/m",
    sent: { "api-key": T },
    reaches: `${OPENAI}/v1/models/m`,
    with: openaiKey,
  },
  {
    name: "OpenAI: the browsers' subprotocol is a slot",
    path: "/v1/models/m",
    sent: {
      "sec-websocket-protocol": `realtime, openai-insecure-api-key.${T}`,
    },
    reaches: `${OPENAI}/v1/models/m`,
    with: openaiKey,
  },
  {
    name: "OpenAI: a fine-tuned model's colons are no Gemini verb",
    path: "/v1/models/ft:gpt:org::1",
    sent: bearer,
    method: "DELETE",
    reaches: `${OPENAI}/v1/models/ft:gpt:org::1`,
    with: openaiKey,
  },
  {
    name: "Anthropic: x-api-key becomes the key",
    path: "/v1/messages",
    sent: { "x-api-key": T, "anthropic-version": "2023-06-01" },
    reaches: `${ANTHROPIC}/v1/messages`,
    with: { ...anthropicKey, "anthropic-version": "2023-06-01" },
  },
  {
    name: "Anthropic: SDK 1.x announces itself by version, not by slot",
    path: "/v1/models/m",
    sent: { ...bearer, "anthropic-version": "2026-10-21" },
    reaches: `${ANTHROPIC}/v1/models/m`,
    with: { ...anthropicKey, "anthropic-version": "2026-10-21" },
  },
  {
    name: "Anthropic: Claude Code's bearer is known by its path",
    path: "/v1/messages?beta=true",
    sent: bearer,
    reaches: `${ANTHROPIC}/v1/messages?beta=true`,
    with: anthropicKey,
  },
  {
    name: "Anthropic: two slots with one token are one token",
    path: "/v1/messages",
    sent: { "x-api-key": T, ...bearer },
    reaches: `${ANTHROPIC}/v1/messages`,
    with: anthropicKey,
  },
  {
    name: "a real key left in the other slot is ignored and not forwarded",
    path: "/v1/messages",
    sent: { "x-api-key": "sk-ant-api03-left-over-from-before", ...bearer },
    reaches: `${ANTHROPIC}/v1/messages`,
    with: anthropicKey,
  },
  {
    name: "a token among keys in every other slot: all are emptied",
    path: `/v1/messages?key=AIza-of-the-holder-0123456789&alt=sse`,
    sent: {
      authorization: "Bearer sk-proj-of-the-holder-012345",
      "x-api-key": T,
      "x-goog-api-key": "AIza-another-one-0123456789",
      "api-key": "azure-key-of-the-holder-01234",
    },
    scope: ["anthropic"],
    reaches: `${ANTHROPIC}/v1/messages?alt=sse`,
    with: anthropicKey,
  },
  {
    name: "Gemini: x-goog-api-key becomes the key, on /v1 too",
    path: "/v1/models/m",
    sent: { "x-goog-api-key": T },
    reaches: `${GEMINI}/v1/models/m`,
    with: geminiKey,
  },
  {
    name: "Gemini: ?key= is cut out of the query, whose other bytes stay",
    path:
      `/v1beta/models/g:streamGenerateContent?%6bey=${T}&alt=sse&flag&a&&b=%20,`,
    reaches:
      `${GEMINI}/v1beta/models/g:streamGenerateContent?alt=sse&flag&a&&b=%20,`,
    with: geminiKey,
  },
  {
    name: "Gemini: ?access_token= is a slot",
    path: `/v1/files?access_token=${T}`,
    reaches: `${GEMINI}/v1/files`,
    with: geminiKey,
  },
  {
    name: "Gemini: Authorization: Token is a slot",
    path: "/v1alpha/models",
    sent: { authorization: `Token ${T}` },
    reaches: `${GEMINI}/v1alpha/models`,
    with: geminiKey,
  },
  {
    name: "Gemini: a verb at the end is enough",
    path: "/v1/models/gemini-x:generateContent",
    sent: bearer,
    reaches: `${GEMINI}/v1/models/gemini-x:generateContent`,
    with: geminiKey,
  },
  {
    name: "Gemini: its OpenAI-compatible path wants the key as bearer",
    path: "/v1beta/openai/chat/completions",
    sent: bearer,
    reaches: `${GEMINI}/v1beta/openai/chat/completions`,
    with: { authorization: "Bearer g-1" },
  },
  {
    name: "an upload's second leg is known by its command",
    path: "/upload/v1/files?upload_id=1",
    sent: { ...bearer, "x-goog-upload-command": "upload, finalize" },
    reaches: `${GEMINI}/upload/v1/files?upload_id=1`,
    with: { ...geminiKey, "x-goog-upload-command": "upload, finalize" },
  },
  {
    name: "a prefix decides and is removed",
    path: "/anthropic/v1/models/m",
    sent: bearer,
    reaches: `${ANTHROPIC}/v1/models/m`,
    with: anthropicKey,
  },
  {
    name: "the older form of the prefix too",
    path: "/proxy/gemini/v1beta/models",
    sent: bearer,
    reaches: `${GEMINI}/v1beta/models`,
    with: geminiKey,
  },
  {
    name: "a prefix stands against signs and scope",
    path: "/openai/v1/chat/completions",
    sent: { ...bearer, "anthropic-version": "2026-10-21" },
    scope: ["openai"],
    reaches: `${OPENAI}/v1/chat/completions`,
    with: { ...openaiKey, "anthropic-version": "2026-10-21" },
  },
  {
    name: "Azure's client: a deployment is a model",
    path: "/openai/deployments/gpt-x/chat/completions?api-version=2024-10-21",
    sent: { "api-key": T },
    reaches: `${OPENAI}/v1/chat/completions`,
    with: openaiKey,
  },
  {
    name: "a token for one provider goes there whatever the signs say",
    path: "/v1/chat/completions",
    sent: bearer,
    scope: ["anthropic"],
    reaches: `${ANTHROPIC}/v1/chat/completions`,
    with: { authorization: "Bearer sk-a" },
  },
  {
    name: "leading slashes collapse to one, inner ones stay",
    path: "//v1/files//%2Fx;y",
    sent: bearer,
    reaches: `${OPENAI}/v1/files//%2Fx;y`,
    with: openaiKey,
  },
  {
    name: "what names the holder's account or way stays here",
    path: "/v1/models/m",
    sent: {
      ...bearer,
      cookie: "a=b",
      "openai-organization": "org-holder",
      "openai-project": "proj",
      "anthropic-workspace-id": "w",
      "x-goog-user-project": "p",
      "x-forwarded-for": "1.2.3.4",
      "x-real-ip": "1.2.3.4",
      forwarded: "for=1.2.3.4",
      "cf-connecting-ip": "1.2.3.4",
      "cdn-loop": "x",
      "proxy-authorization": "Basic x",
      connection: "keep-alive, x-hop",
      "x-hop": "1",
      te: "trailers",
      "accept-encoding": "gzip, br",
      "x-stainless-lang": "js",
    },
    scope: ["openai"],
    reaches: `${OPENAI}/v1/models/m`,
    with: { ...openaiKey, "x-stainless-lang": "js" },
  },
];

for (const swap of swaps) {
  law(`handle() ${swap.name}`, async ({ send, mint, reached }) => {
    await mint({ token: T, ...(swap.scope && { providers: swap.scope }) });
    const { path, method = "GET", sent = {} } = swap;
    const response = await send(path, { method, headers: sent });
    assert.equal(response.status, 200);
    assert.deepEqual(reached, [{
      method,
      url: swap.reaches,
      headers: {
        "user-agent": "doppel",
        "accept-encoding": "identity",
        ...swap.with,
      },
      body: "",
    }]);
  });
}

const OTHER = "another-token-0123456789";
const MISTYPED = "dpl_aaaaaaaa_" + "b".repeat(38);

interface Refused {
  name: string;
  path?: string;
  method?: string;
  sent?: Record<string, string>;
  body?: string;
  token?: Record<string, unknown>;
  status: number;
  code: string;
}

const refusals: Refused[] = [
  { name: "no token", sent: {}, status: 401, code: "token_missing" },
  {
    name: "an empty slot",
    sent: { authorization: "Bearer " },
    status: 401,
    code: "token_missing",
  },
  {
    name: "Basic, which is no credential",
    sent: { authorization: "Basic dXNlcg==" },
    status: 401,
    code: "token_missing",
  },
  {
    name: "an unknown token",
    sent: { authorization: `Bearer ${OTHER}` },
    status: 401,
    code: "invalid_api_key",
  },
  {
    name: "a mistyped token",
    sent: { authorization: `Bearer ${MISTYPED}` },
    status: 401,
    code: "invalid_api_key",
  },
  {
    name: "a real key and no token",
    sent: { authorization: "Bearer sk-proj-0123456789abcdef" },
    status: 401,
    code: "invalid_api_key",
  },
  {
    name: "two values in one field",
    sent: { authorization: `Bearer ${T}, Bearer ${T}` },
    status: 401,
    code: "token_missing",
  },
  {
    name: "a token beside a value that says it is one",
    sent: { ...bearer, "api-key": MISTYPED },
    status: 400,
    code: "token_ambiguous",
  },
  {
    name: "a disabled token like an unknown one",
    token: { status: "disabled" },
    status: 401,
    code: "invalid_api_key",
  },
  {
    name: "an expired token",
    token: { expires: "2026-11-20T12:00:00Z" },
    status: 401,
    code: "token_expired",
  },
  {
    name: "a provider the token is not for",
    path: "/openai/v1/models",
    token: { providers: ["anthropic", "gemini"] },
    status: 403,
    code: "provider_denied",
  },
  {
    name: "an address outside the token's ranges",
    token: { addresses: ["198.51.100.0/24", "2001:db8::/32"] },
    status: 403,
    code: "address_denied",
  },
  {
    name: "an administrative surface",
    path: "/v1/organization/users",
    status: 403,
    code: "endpoint_denied",
  },
  {
    name: "an administrative surface in disguise",
    path: "/v1//%6frganization/admin_api_keys",
    status: 403,
    code: "endpoint_denied",
  },
  {
    name: "an endpoint that mints secrets",
    path: "/v1/realtime/client_secrets",
    method: "POST",
    token: { endpoints: ["inference"] },
    status: 403,
    code: "endpoint_denied",
  },
  {
    name: "Gemini's ephemeral tokens",
    path: "/v1alpha/auth_tokens",
    method: "POST",
    token: { endpoints: ["inference"] },
    status: 403,
    code: "endpoint_denied",
  },
  {
    name: "Gemini's webhooks",
    path: "/v1beta/webhooks",
    method: "GET",
    status: 403,
    code: "endpoint_denied",
  },
  {
    name: "ChatKit's secrets",
    path: "/v1/chatkit/sessions",
    method: "POST",
    status: 403,
    code: "endpoint_denied",
  },
  {
    name: "realtime sessions in capitals",
    path: "/v1/Realtime/Sessions",
    method: "POST",
    token: { endpoints: ["inference"] },
    status: 403,
    code: "endpoint_denied",
  },
  {
    name: "transcription sessions",
    path: "/v1/realtime/transcription_sessions",
    method: "POST",
    token: { endpoints: ["inference"] },
    status: 403,
    code: "endpoint_denied",
  },
  {
    name: "OpenAI's vaults",
    path: "/openai/v1/vaults/x",
    method: "GET",
    status: 403,
    code: "endpoint_denied",
  },
  {
    name: "Anthropic's webhooks",
    path: "/anthropic/v1/webhook_endpoints",
    method: "GET",
    status: 403,
    code: "endpoint_denied",
  },
  {
    name: "Claude Code's way to a key",
    path: "/api/oauth/claude_cli/create_api_key",
    method: "POST",
    status: 403,
    code: "endpoint_denied",
  },
  {
    name: "a model the token is not for",
    path: "/v1/chat/completions",
    method: "POST",
    token: { models: ["gpt-4*"], providers: ["openai"] },
    body: '{"model":"gpt-5"}',
    status: 403,
    code: "model_denied",
  },
  {
    name: "two models of which one is not the token's",
    path: "/v1/chat/completions",
    method: "POST",
    token: { models: ["gpt-4*"] },
    body: '{"model":"gpt-4o","mod\\u0065l":"gpt-5"}',
    status: 403,
    code: "model_denied",
  },
  {
    name: "a body that names no model, with a token for some",
    path: "/v1/batches",
    method: "POST",
    token: { models: ["gpt-4*"] },
    body: '{"input_file_id":"f","nested":{"model":"gpt-4o"}}',
    status: 403,
    code: "model_denied",
  },
  {
    name: "a model in a query in place of one in the content",
    path: "/v1/batches?model=gpt-4o",
    method: "POST",
    token: { models: ["gpt-4*"] },
    body: '{"input_file_id":"f"}',
    status: 403,
    code: "model_denied",
  },
  {
    name: "a model of the query's that is not the token's",
    path: "/v1/models/m?model=gpt-5",
    token: { models: ["gpt-4*"] },
    status: 403,
    code: "model_denied",
  },
  {
    name: "compressed content, with a token for some models",
    path: "/v1/chat/completions",
    method: "POST",
    sent: { ...bearer, "content-encoding": "gzip" },
    token: { models: ["*"] },
    body: '{"model":"gpt-4o"}',
    status: 403,
    code: "model_denied",
  },
  { name: "the root", path: "/", status: 404, code: "no_route" },
  {
    name: "an unknown provider in the older form",
    path: "/proxy/nobody/v1/models",
    status: 404,
    code: "no_route",
  },
  {
    name: "a path the prefixed provider does not have",
    path: "/openai/v1beta/models",
    status: 404,
    code: "no_route",
  },
  {
    name: "an encoded dot segment",
    path: "/v1/files/..%2f..%2forganization",
    status: 400,
    code: "request_malformed",
  },
  {
    name: "a backslash",
    path: "/v1/%5cevil",
    status: 400,
    code: "request_malformed",
  },
  {
    name: "a method nobody forwards",
    method: "PROPFIND",
    status: 400,
    code: "request_malformed",
  },
  {
    name: "content that is too large",
    method: "POST",
    sent: { ...bearer, "content-length": "1000001" },
    body: "x",
    status: 413,
    code: "body_too_large",
  },
  {
    name: "a length that is no number",
    method: "POST",
    sent: { ...bearer, "content-length": "3, 3" },
    body: "x",
    status: 400,
    code: "request_malformed",
  },
  {
    name: "an upgrade on a route without sockets",
    sent: { ...bearer, upgrade: "WebSocket", connection: "upgrade" },
    path: "/v1/chat/completions",
    status: 426,
    code: "upgrade_refused",
  },
];

for (const row of refusals) {
  law(
    `handle() refuses ${row.name}, and reaches no origin`,
    async ({ send, mint, admin, reached, lines }) => {
      const { status, expires, ...fields } = row.token ?? {};
      const { id } = await mint({ token: T, ...fields });
      if (status !== undefined || expires !== undefined) {
        const patch = {
          ...(status !== undefined && { status }),
          ...(expires !== undefined && { expires }),
        };
        await admin("PATCH", `/admin/tokens/${id}`, patch);
      }
      const response = await send(row.path ?? "/v1/models/m", {
        method: row.method ?? "GET",
        headers: row.sent ?? bearer,
        ...(row.body && { body: row.body }),
      });
      const { error } = await response.json();
      // Where OpenAI, Anthropic and Google keep it.
      const code = error.details?.error_code ??
        error.details?.[0]?.reason.toLowerCase() ?? error.code;
      assert.deepEqual([response.status, code], [row.status, row.code]);
      assert.equal(response.headers.get("x-should-retry"), "false");
      assert.deepEqual(reached, []);
      assert.equal(lines.at(-1)?.status, row.status);
      assert.equal(lines.at(-1)?.ending, "refused");
    },
  );
}

const allowed: (Omit<Refused, "status" | "code">)[] = [
  {
    name: "an address within a range",
    token: { addresses: ["203.0.113.0/24"] },
  },
  {
    name: "an administrative surface to a token that asked for it",
    path: "/v1/organization/users",
    token: { endpoints: ["admin"] },
  },
  {
    name: "a covered model in JSON, wherever it stands",
    path: "/v1/chat/completions",
    method: "POST",
    token: { models: ["gpt-4*"] },
    body: '{"messages":[{"model":"other"}],"s":"a\\"b{","model":"gpt-4o"}',
  },
  {
    name: "a covered model in a path",
    path: "/v1beta/models/gemini-x:generateContent",
    method: "POST",
    token: { models: ["gemini-*"] },
    body: '{"contents":[]}',
  },
  {
    name: "reading with a token for some models",
    path: "/v1/models",
    token: { models: ["gpt-4*"] },
  },
  {
    name: "h2c, by staying with HTTP/1.1",
    sent: { ...bearer, upgrade: "h2c" },
  },
];

for (const row of allowed) {
  law(`handle() lets through ${row.name}`, async ({ send, mint, reached }) => {
    await mint({ token: T, ...row.token });
    const response = await send(row.path ?? "/v1/models/m", {
      method: row.method ?? "GET",
      headers: row.sent ?? bearer,
      ...(row.body && { body: row.body }),
    });
    assert.equal(response.status, 200);
    assert.equal(reached[0]?.body, row.body ?? "");
  });
}

law(
  "handle() writes an OAuth credential as Bearer, with the beta it needs",
  async ({ send, mint, reached }) => {
    await mint({ token: T });
    const headers = {
      "x-api-key": T,
      "anthropic-beta": "files-api-2025-04-14",
    };
    await send("/v1/messages", { headers });
    assert.deepEqual(reached[0]?.headers, {
      "user-agent": "doppel",
      "accept-encoding": "identity",
      authorization: "Bearer sk-ant-oat01-x",
      "anthropic-beta": "files-api-2025-04-14,oauth-2025-04-20",
    });
  },
  { pools: { anthropic: [{ id: "anthropic-1", key: "sk-ant-oat01-x" }] } },
);

law(
  "handle() writes an ephemeral key of Gemini as Token",
  async ({ send, mint, reached }) => {
    await mint({ token: T });
    await send("/v1beta/models", { headers: { "x-goog-api-key": T } });
    assert.deepEqual(reached[0]?.headers, {
      "user-agent": "doppel",
      "accept-encoding": "identity",
      authorization: "Token auth_tokens/x",
    });
  },
  { pools: { gemini: [{ id: "gemini-1", key: "auth_tokens/x" }] } },
);

law(
  "handle() answers what it did not expect in the caller's envelope, and logs it",
  async ({ send, mint, lines, faults }) => {
    await mint({ token: T });
    const response = await send("/v1/messages", {
      headers: { "x-api-key": T },
    });
    assert.equal(response.status, 500);
    const { error } = await response.json();
    assert.equal(error.details.error_code, "internal_error");
    assert.doesNotMatch(JSON.stringify(error), /secret/);
    assert.equal(lines.at(-1)?.status, 500);
    assert.deepEqual(faults, ["request"]);
  },
  { egress: () => Promise.reject(new Error("secret")) },
);

for (const host of ["x/v1", "x?", "x#", "[", "a, b", "user@x", "x:y", ""]) {
  law(`the door refuses the Host ${JSON.stringify(host)}`, async ({ send }) => {
    assert.equal((await send("/healthz", { headers: { host } })).status, 400);
  });
}

law("the door takes hosts, addresses and ports", async ({ send }) => {
  for (const host of ["doppel.example", "127.0.0.1:8787", "[::1]:8787"]) {
    assert.equal((await send("/healthz", { headers: { host } })).status, 200);
  }
});

law(
  "handle() passes no part of another host's URL",
  async ({ send, mint, respondWith }) => {
    await mint({ token: T });
    const location = `${OPENAI}.evil.example/v1`;
    respondWith(() =>
      new Response(null, { status: 302, headers: { location } })
    );
    const response = await send("/v1/models/m", { headers: bearer });
    assert.equal(response.headers.get("location"), location);
  },
);

law(
  "handle() logs no token of a path, however it is written",
  async ({ send, mint, lines }) => {
    const { token } = await mint();
    await send(`/v1/x/${token.replace("_", "%5f").replace("d", "%64")}`, {});
    assert.ok(
      !decodeURIComponent(lines.at(-1)!.path).includes(token.slice(13)),
    );
  },
);

law("handle() reads a form's model", async ({ send, mint, reached }) => {
  await mint({ token: T, models: ["whisper-*"] });
  const post = async (model: string) => {
    const form = new FormData();
    form.set("file", new Blob(["x"]), "a.wav");
    form.set("model", model);
    const encoded = new Response(form);
    const type = encoded.headers.get("content-type")!;
    return await send("/v1/audio/transcriptions", {
      method: "POST",
      headers: { ...bearer, "content-type": type },
      body: await encoded.text(),
    });
  };
  assert.equal((await post("whisper-1")).status, 200);
  assert.equal((await post("gpt-4o-transcribe")).status, 403);
  assert.equal(reached.length, 1);
});

law(
  "handle() refuses in the wire of the route, for unknown tokens too",
  async ({ send }) => {
    const bad = { "x-api-key": MISTYPED };
    const anthropic = await send("/v1/messages", { headers: bad });
    const body = await anthropic.json();
    assert.equal(body.type, "error");
    assert.equal(body.error.type, "authentication_error");
    assert.equal(body.request_id, anthropic.headers.get("request-id"));
    assert.equal(
      anthropic.headers.get("x-request-id"),
      anthropic.headers.get("request-id"),
    );
    const google = await send(`/v1beta/models?key=${MISTYPED}`);
    const { error } = await google.json();
    assert.equal(error.code, 401);
    assert.equal(error.status, "UNAUTHENTICATED");
    assert.equal(error.details[0].reason, "TOKEN_INVALID");
    const compatible = await send("/v1beta/openai/models", {
      headers: { authorization: `Bearer ${MISTYPED}` },
    });
    assert.equal((await compatible.json()).error.type, "authentication_error");
  },
);

law(
  "handle() answers 503 without a key, and asks nobody",
  async ({ send, mint, reached }) => {
    await mint({ token: T });
    const response = await send("/v1/models/m", { headers: bearer });
    assert.equal(response.status, 503);
    assert.equal((await response.json()).error.code, "no_credential");
    assert.deepEqual(reached, []);
  },
  { pools: {} },
);

law(
  "handle() answers 503 with retry-after while the store is away",
  async ({ send, mint, store, reached }) => {
    await mint({ token: T });
    store.close();
    const response = await send("/v1/models/m", { headers: bearer });
    assert.equal(response.status, 503);
    assert.equal(response.headers.get("retry-after"), "1");
    assert.equal((await response.json()).error.code, "store_unavailable");
    assert.deepEqual(reached, []);
    Object.assign(store, { close: () => {} });
  },
);

law(
  "handle() never asks the store about what cannot be a token",
  async ({ send, store, mint }) => {
    await mint({ token: T });
    let asked = 0;
    const { admit } = store;
    store.admit = (...args) => (asked++, admit(...args));
    await send("/v1/models/m", {
      headers: { authorization: `Bearer ${MISTYPED}` },
    });
    assert.equal(asked, 0);
    await send("/v1/models/m", { headers: bearer });
    assert.equal(asked, 1);
  },
);

law(
  "handle() notes a use at most once a minute, and never fails for it",
  async ({ send, mint, admin, store, tick, faults, settled }) => {
    const { id } = await mint({ token: T });
    const used = async () => {
      await settled();
      const shown = await admin("GET", `/admin/tokens/${id}`);
      return (await shown.json()).lastUsed;
    };
    await send("/v1/models/m", { headers: bearer });
    assert.equal(await used(), "2026-11-20T12:00:00Z");
    tick(59);
    await send("/v1/models/m", { headers: bearer });
    assert.equal(await used(), "2026-11-20T12:00:00Z");
    tick(2);
    await send("/v1/models/m", { headers: bearer });
    assert.equal(await used(), "2026-11-20T12:01:01Z");
    tick(61);
    const { stampToken } = store;
    Object.assign(store, { stampToken: () => Promise.reject(new Error("no")) });
    assert.equal((await send("/v1/models/m", { headers: bearer })).status, 200);
    await settled();
    assert.deepEqual(faults, ["stamp"]);
    Object.assign(store, { stampToken });
    await send("/v1/models/m", { headers: bearer });
    assert.equal(await used(), "2026-11-20T12:02:02Z");
  },
);

law(
  "handle() turns back URLs that would lead around doppel, and only those",
  async ({ send, mint, respondWith }) => {
    await mint({ token: T });
    respondWith(() =>
      new Response(null, {
        status: 302,
        headers: { location: `${GEMINI}/download/x?a=1` },
      })
    );
    const moved = await send("/gemini/v1beta/files/x:download", {
      headers: bearer,
    });
    assert.equal(
      moved.headers.get("location"),
      "http://gw/gemini/download/x?a=1",
    );
    respondWith(() =>
      new Response(null, {
        status: 302,
        headers: { location: "https://elsewhere.example/x" },
      })
    );
    const away = await send("/v1beta/files/x:download", {
      headers: { "x-goog-api-key": T },
    });
    assert.equal(away.headers.get("location"), "https://elsewhere.example/x");
    const batch =
      `{"id":"b", "results_url" : "${ANTHROPIC}/v1/messages/batches/b/results","note":"\\"results_url\\":\\"${ANTHROPIC}/x\\""}`;
    respondWith(() =>
      new Response(batch, {
        headers: {
          "content-type": "application/json",
          "content-length": `${batch.length}`,
        },
      })
    );
    const listed = await send("/v1/messages/batches/b", {
      headers: { "x-api-key": T },
    });
    assert.equal(
      await listed.text(),
      batch.replace(`"${ANTHROPIC}/v1`, '"http://gw/v1'),
    );
  },
);

const elsewhere = PROVIDERS.map((row) => ({
  ...row,
  origin: "https://gateway.example/base",
  home: row.origin,
}));

law(
  "handle() turns back the API's own URLs behind another origin, slashes escaped too",
  async ({ send, mint, reached, respondWith }) => {
    await mint({ token: T });
    const json = (url: string) => `{"results_url":"${url}","x":"\\/"}`;
    const path = "/v1/messages/batches/b";
    for (
      const url of [
        `${ANTHROPIC}${path}/results`,
        `https:\\/\\/api.anthropic.com${path}/results`,
        `https://gateway.example/base${path}/results`,
      ]
    ) {
      respondWith(() =>
        new Response(json(url), {
          headers: { "content-type": "application/json" },
        })
      );
      const answer = await send(path, { headers: { "x-api-key": T } });
      assert.equal(await answer.text(), json(`http://gw${path}/results`));
    }
    assert.equal(reached[0]?.url, `https://gateway.example/base${path}`);
  },
  { providers: elsewhere },
);

law(
  "handle() logs a request once, in public forms",
  async ({ send, mint, lines, respondWith }) => {
    const { id, token } = await mint();
    respondWith(() =>
      new Response("12345", { headers: { "request-id": "req_9" } })
    );
    const response = await send(`/v1/x/${token}?key=${token}`, {});
    await response.text();
    const [{ id: requestId, ...line }] = lines as [typeof lines[0]];
    assert.match(requestId, /^[0-9a-f-]{36}$/);
    assert.deepEqual(line, {
      time: "2026-11-20T12:00:00.000Z",
      method: "GET",
      path: `/v1/x/dpl_${id}_…`,
      token: id,
      provider: "gemini",
      credential: "gemini-1",
      status: 200,
      originId: "req_9",
      bytes: 5,
      firstByteMs: 0,
      ms: 0,
      ending: "complete",
    });
    assert.equal(lines.length, 1);
  },
);

law(
  "the door answers health, readiness, probes and preflights without a token",
  async ({ send, store }) => {
    assert.deepEqual(await (await send("/healthz")).json(), {
      ok: true,
      version: "test",
    });
    assert.equal((await send("/readyz")).status, 200);
    assert.equal((await send("/api/hello", { method: "HEAD" })).status, 200);
    const preflight = await send("/v1/chat/completions", {
      method: "OPTIONS",
      headers: {
        origin: "https://app.example",
        "access-control-request-headers": "authorization, x-a",
      },
    });
    assert.equal(preflight.status, 204);
    assert.equal(
      preflight.headers.get("access-control-allow-origin"),
      "https://app.example",
    );
    assert.equal(
      preflight.headers.get("access-control-allow-headers"),
      "authorization, x-a",
    );
    assert.match(
      preflight.headers.get("access-control-allow-methods")!,
      /PATCH/,
    );
    store.close();
    assert.equal((await send("/readyz")).status, 503);
    Object.assign(store, { close: () => {} });
  },
);

law(
  "the door lets pages read answers, refusals too, and none of admin's",
  async ({ send, mint, respondWith }) => {
    await mint({ token: T });
    respondWith(() =>
      new Response("x", {
        headers: { vary: "Accept", "access-control-allow-credentials": "true" },
      })
    );
    const origin = "https://app.example";
    const ok = await send("/v1/models/m", { headers: { ...bearer, origin } });
    assert.equal(ok.headers.get("access-control-allow-origin"), origin);
    assert.equal(ok.headers.get("access-control-allow-credentials"), null);
    assert.equal(ok.headers.get("vary"), "Accept, Origin");
    assert.match(
      ok.headers.get("access-control-expose-headers")!,
      /x-goog-upload-url/,
    );
    const refused = await send("/v1/models/m", { headers: { origin } });
    assert.equal(refused.headers.get("access-control-allow-origin"), origin);
    const plain = await send("/v1/models/m", { headers: bearer });
    assert.equal(plain.headers.get("access-control-allow-origin"), null);
    const admin = await send("/admin/tokens", { headers: { origin } });
    assert.equal(admin.headers.get("access-control-allow-origin"), null);
  },
);

law(
  "an answer is made safe for a browser where the origin did not say",
  async ({ send, mint, respondWith }) => {
    await mint({ token: T });
    respondWith(() =>
      new Response("<script>", {
        headers: {
          "content-type": "text/html",
          "cache-control": "max-age=60",
          "set-cookie": "__cf_bm=1",
          "alt-svc": "h3",
          "strict-transport-security": "max-age=1",
          connection: "x-hop",
          "x-hop": "1",
          "openai-processing-ms": "7",
        },
      })
    );
    const { headers } = await send("/v1/models/m", { headers: bearer });
    const { "x-request-id": id, ...rest } = Object.fromEntries(headers);
    assert.match(id!, /^[0-9a-f-]{36}$/);
    assert.deepEqual(rest, {
      "content-type": "text/html",
      "cache-control": "max-age=60",
      "openai-processing-ms": "7",
      "x-content-type-options": "nosniff",
      "content-security-policy": "sandbox",
    });
  },
);
