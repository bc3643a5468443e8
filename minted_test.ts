/** What opens a session without a token in it: secrets that an origin mints, uploads that one request begins and another goes on with. */

import assert from "node:assert/strict";
import { childOf, isChild, seal, unseal } from "./core/child.ts";
import { isTokenShaped } from "./core/token.ts";
import { law } from "./test/gateway.ts";

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const json = (body: unknown) => Response.json(body);

Deno.test("a child looks to SDKs like what it stands for, and is no token", () => {
  for (const secret of ["ek_68af296e8e408191", "auth_tokens/0f1e2d"]) {
    const child = childOf(secret);
    assert.ok(isChild(child) && !isTokenShaped(child), child);
    assert.notEqual(childOf(secret), child);
    assert.ok(child.startsWith(secret.slice(0, 3)));
    const sealed = seal(secret, child);
    assert.equal(unseal(sealed, child), secret);
    assert.throws(() => unseal(sealed, childOf(secret)));
    assert.doesNotMatch(sealed, /ek_|auth/);
  }
  for (const value of ["ek_68af296e8e408191", "ek_dpl_short", "dpl_"]) {
    assert.equal(isChild(value), false);
  }
});

/** Each way to a minted secret, and to a session with it. */
const WAYS = [
  {
    provider: "openai",
    mint: "/v1/realtime/client_secrets",
    answer: (secret: string) => ({
      value: secret,
      expires_at: 1_795_200_000,
      session: { id: "sess_1", client_secret: { value: secret } },
    }),
    secret: "ek_68af296e8e408191b1120ab6383263c2",
    use: (child: string) =>
      ["/v1/realtime/calls", {
        authorization: `Bearer ${child}`,
      }] as const,
    field: ["authorization", "Bearer "],
  },
  {
    provider: "openai",
    mint: "/openai/v1/realtime/sessions",
    answer: (secret: string) => ({
      client_secret: { value: secret, expires_at: 1_795_200_000 },
    }),
    secret: "ek_0123456789abcdef",
    use: (child: string) =>
      ["/v1/realtime/calls", {
        "sec-websocket-protocol":
          `realtime, openai-insecure-api-key.${child}, x`,
      }] as const,
    field: ["authorization", "Bearer "],
  },
  {
    provider: "gemini",
    mint: "/v1alpha/auth_tokens",
    answer: (name: string) => ({ name }),
    secret: "auth_tokens/68af296e8e408191",
    use: (child: string) =>
      [
        `/ws/google.ai.generativelanguage.v1alpha.GenerativeService.X?access_token=${
          encodeURIComponent(child)
        }`,
        {},
      ] as const,
    field: ["authorization", "Token "],
  },
] as const;

for (const { provider, mint: path, answer, secret, use, field } of WAYS) {
  law(
    `${path}: the secret is exchanged, opens what it is for, and ends with its parent`,
    async (gateway) => {
      const { send, mint, admin, reached, respondWith } = gateway;
      const { id, token } = await mint();
      respondWith(() => json(answer(secret)));
      const minted = await send(path, {
        method: "POST",
        headers: bearer(token),
        body: "{}",
      });
      const text = await minted.text();
      assert.doesNotMatch(text, new RegExp(secret));
      const child = /"((?:ek_|auth_tokens\/)dpl_[^"]+)"/.exec(text)![1]!;
      assert.deepEqual(JSON.parse(text), answer(child));

      const [target, headers] = use(child);
      const open = async () => {
        const response = await send(target, { method: "POST", headers });
        return [response.status, (await response.json()).error?.code];
      };
      respondWith(() => json({ ok: true }));
      assert.deepEqual(await open(), [200, undefined]);
      const seen = reached.at(-1)!;
      assert.equal(seen.headers[field[0]], field[1] + secret);
      assert.doesNotMatch(JSON.stringify(seen), /dpl_/);
      assert.doesNotMatch(JSON.stringify(gateway.lines), /dpl_\w{9,}|ek_6/);

      await admin("PATCH", `/admin/tokens/${id}`, { status: "disabled" });
      const count = reached.length;
      assert.equal((await open())[0], 401);
      await admin("PATCH", `/admin/tokens/${id}`, { status: "active" });
      assert.equal((await open())[0], 200);
      await admin("DELETE", `/admin/tokens/${id}`);
      assert.equal((await open())[0], 401);
      assert.equal(reached.length, count + 1);
      assert.equal(provider, seen.url.includes("google") ? "gemini" : "openai");
    },
  );
}

law(
  "a child opens nothing but realtime, and only where it was minted",
  async ({ send, mint, reached, respondWith, tick }) => {
    const { token } = await mint();
    respondWith(() =>
      json({
        value: "ek_1",
        expires_at: Date.parse("2026-11-20T12:10:00Z") / 1e3,
      })
    );
    const answer = await send("/v1/realtime/client_secrets", {
      method: "POST",
      headers: bearer(token),
    });
    const { value } = await answer.json();
    const status = async (path: string, headers = bearer(value)) =>
      (await send(path, { method: "POST", headers })).status;
    const before = reached.length;
    assert.equal(await status("/v1/chat/completions"), 403);
    assert.equal(await status("/v1/models/m"), 403);
    assert.equal(await status("/gemini/ws/google.x"), 403);
    assert.equal(await status("/anthropic/v1/messages"), 403);
    assert.equal(await status("/v1/realtime/calls", bearer("ek_1")), 401);
    assert.equal(
      await status("/v1/realtime/calls", bearer(childOf("ek_"))),
      401,
    );
    const two = { ...bearer(value), "x-api-key": token };
    assert.equal(await status("/v1/realtime/calls", two), 400);
    assert.equal(reached.length, before);
    const beside = { ...bearer(value), "x-api-key": "sk-left-in-another-slot" };
    assert.equal(await status("/openai/v1/realtime/calls", beside), 200);
    tick(601);
    assert.equal(await status("/v1/realtime/calls"), 401);
  },
);

law(
  "a secret that cannot be kept is not given",
  async ({ send, mint, store, respondWith }) => {
    const { token } = await mint();
    const { StoreUnavailable } = await import("./core/store.ts");
    store.keepClaims = () => Promise.reject(new StoreUnavailable("ECONNRESET"));
    respondWith(() => json({ value: "ek_1" }));
    const answer = await send("/v1/realtime/client_secrets", {
      method: "POST",
      headers: bearer(token),
    });
    assert.equal(answer.status, 503);
    assert.doesNotMatch(await answer.text(), /ek_/);
  },
);

const START = { "x-goog-upload-command": "start" };

law(
  "an upload goes on without a token where its token began it, and ends with it",
  async ({ send, mint, admin, reached, respondWith, lines }) => {
    const { id, token } = await mint();
    const other = await mint();
    const origin = "https://generativelanguage.googleapis.com";
    const path =
      "/upload/v1beta/files?upload_id=AB%2Dcd&upload_protocol=resumable";
    respondWith(() =>
      new Response(null, { headers: { "x-goog-upload-url": origin + path } })
    );
    const begun = await send("/gemini/upload/v1beta/files", {
      method: "POST",
      headers: { ...START, "x-goog-api-key": token },
      body: "{}",
    });
    const url = begun.headers.get("x-goog-upload-url")!;
    assert.equal(url, `http://gw/gemini${path}`);
    respondWith(() => json({ file: {} }));
    const go = async (target: string, headers: Record<string, string> = {}) =>
      (await send(target, { method: "POST", headers, body: "bytes" })).status;
    assert.equal(await go(`/gemini${path}`), 200);
    assert.equal(await go(path), 200);
    assert.equal(reached.at(-1)!.url, origin + path);
    assert.equal(reached.at(-1)!.headers["x-goog-api-key"], "g-1");
    assert.equal(lines.at(-1)!.token, id);
    assert.equal(await go(path, { "x-goog-api-key": token }), 200);
    const count = reached.length;
    assert.equal(await go(path, { "x-goog-api-key": other.token }), 401);
    assert.equal(await go(path.replace("AB", "AC")), 401);
    assert.equal(await go(path.replace("/upload", "")), 401);
    assert.equal(await go("/v1/chat/completions?upload_id=AB-cd"), 401);
    await admin("DELETE", `/admin/tokens/${id}`);
    assert.equal(await go(path), 401);
    assert.equal(reached.length, count);
  },
);

law(
  "a secret is exchanged wherever it stands, and no holder says for how long",
  async ({ send, mint, store, respondWith }) => {
    const { token } = await mint();
    const kept: number[] = [];
    const keepClaims = store.keepClaims;
    store.keepClaims = (claims) => {
      kept.push(...claims.map(({ expires }) => expires));
      return keepClaims(claims);
    };
    // Longer than a regular expression can follow on either runtime.
    const instructions = "a\\n".repeat(4_000_000);
    respondWith(() =>
      new Response(
        `{"session":{"expires_at": 9999999999, "instructions":"${instructions}"},"value":"\\u0065k_hidden1","again":"ek_hidden1"}`,
        { headers: { "content-type": "application/json; charset=utf-8" } },
      )
    );
    const answer = await send("/v1/realtime/client_secrets", {
      method: "POST",
      headers: bearer(token),
    });
    const text = await answer.text();
    assert.equal(answer.status, 200);
    assert.equal(text.includes("k_hidden1"), false);
    const { value, again, session } = JSON.parse(text);
    assert.ok(isChild(value) && again === value);
    assert.equal(session.instructions.length, 8_000_000);
    assert.equal(kept.length, 1);
    assert.ok(kept[0]! <= Date.parse("2026-11-21T08:00:00Z") / 1000);
  },
);

law(
  "a secret in a form that cannot be exchanged is not given",
  async ({ send, mint, respondWith, faults }) => {
    const { token } = await mint();
    const forms: [string, string, string][] = [
      ["?callback=f", "text/javascript", 'f({"name":"auth_tokens/1a"})'],
      ["?alt=proto", "application/x-protobuf", "\n\x0eauth_tokens/1a"],
      ["?alt=sse", "text/event-stream", 'data: {"name":"auth_tokens/1a"}\n\n'],
      ["", "application/json", "{'name':'auth_tokens/1a'}"],
      ["", "application/json", '{"name":"auth_tokens/1a'],
    ];
    for (const [query, type, text] of forms) {
      respondWith(() =>
        new Response(text, { headers: { "content-type": type } })
      );
      const answer = await send(`/v1alpha/auth_tokens${query}`, {
        method: "POST",
        headers: { "x-goog-api-key": token },
      });
      assert.equal(answer.status, 502, type);
      assert.doesNotMatch(await answer.text(), /auth_tokens/);
    }
    assert.deepEqual(faults, []);
    const sdp = new Uint8Array([118, 61, 48, 13, 10, 255]);
    respondWith(() =>
      new Response(sdp, { headers: { "content-type": "application/sdp" } })
    );
    const call = await send("/v1/realtime/calls", {
      method: "POST",
      headers: bearer(token),
    });
    assert.deepEqual(await call.bytes(), sdp);
  },
);

law(
  "an upload is its token's under every spelling, and begins no other",
  async ({ send, mint, reached, respondWith }) => {
    const { token } = await mint();
    const other = (await mint()).token;
    const isolated = (await mint({ isolated: true })).token;
    const path = "/upload/v1beta/files";
    respondWith(() =>
      new Response(null, {
        headers: {
          "x-goog-upload-url":
            `https://generativelanguage.googleapis.com${path}?upload_id=AB-cd`,
        },
      })
    );
    await send(path, {
      method: "POST",
      headers: { ...START, "x-goog-api-key": token },
      body: "{}",
    });
    const count = reached.length;
    const status = async (query: string, headers: Record<string, string>) =>
      (await send(path + query, { method: "POST", headers, body: "x" })).status;
    const key = (value: string) => ({ "x-goog-api-key": value });
    assert.equal(await status("?upload%5Fid=AB-cd", key(other)), 401);
    assert.equal(await status("?upload_id=%41B-cd", key(other)), 401);
    assert.equal(await status("?upload_id=x&upload_id=AB-cd", key(other)), 400);
    assert.equal(await status("?upload_id=x", key(isolated)), 401);
    for (
      const [query, headers] of [
        ["", { "x-goog-upload-command": "Start" }],
        ["", { "x-goog-upload-protocol": "raw" }],
        ["&uploadType=media", {}],
        ["&upload_protocol=multipart&upload_protocol=resumable", {}],
      ] as const
    ) {
      assert.equal(await status(`?upload_id=AB-cd${query}`, headers), 400);
    }
    assert.equal(reached.length, count);
    assert.equal(await status("?upload_id=AB-cd", {}), 200);
    assert.equal(await status("?upload%5Fid=AB-cd", key(token)), 200);
  },
);

law(
  "what a token began ends where its value is exchanged for another",
  async ({ send, mint, admin, respondWith, tick }) => {
    const { id, token } = await mint();
    const upload = "/upload/v1beta/files?upload_id=AB-cd";
    respondWith(() =>
      Response.json({ value: "ek_1" }, {
        headers: {
          "x-goog-upload-url":
            `https://generativelanguage.googleapis.com${upload}`,
        },
      })
    );
    const post = (path: string, headers: Record<string, string> = {}) =>
      send(path, { method: "POST", headers, body: "{}" });
    const rotate = (graceSeconds: number) =>
      admin("POST", `/admin/tokens/${id}/rotate`, { graceSeconds });
    const begin = async (value: string) => {
      await post("/upload/v1beta/files", { ...START, "x-goog-api-key": value });
      const answer = await post("/v1/realtime/client_secrets", bearer(value));
      const { value: child } = await answer.json();
      return async () => [
        (await post("/v1/realtime/calls", bearer(child))).status,
        (await post(upload)).status,
      ];
    };
    const goesOn = await begin(token);
    assert.deepEqual(await goesOn(), [200, 200]);
    assert.equal((await rotate(60)).status, 200);
    assert.deepEqual(await goesOn(), [200, 200]);
    // Minted with the old value within its grace: no longer than that.
    const late = await begin(token);
    assert.equal((await late())[0], 200);
    tick(61);
    assert.deepEqual(await goesOn(), [401, 401]);
    assert.equal((await late())[0], 401);
  },
);
