/** The entrance of a hop takes what its primary signed, once, and nothing else. */

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { aimedAtHop } from "../core/hop.ts";
import {
  derivedSecret,
  HOP_PURPOSE,
  sign,
  signWith,
} from "../core/signature.ts";
import { withoutCredentials } from "../core/target.ts";
import { PROVIDERS } from "../providers/mod.ts";
import { keepSecret, keepText } from "./evidence.ts";
import { HOP_SECRET } from "./hop.ts";
import { dial, message, readAnswer } from "./raw.ts";
import { KEYS, RUNTIMES, startDoppel, type Subject } from "./subject.ts";

const OPENAI = PROVIDERS.find(({ id }) => id === "openai")!;
const KEY = derivedSecret(HOP_SECRET, HOP_PURPOSE);
const ADMIN_SECRET = "admin-secret-of-the-hop-0123456789abcdef";
const LARGEST = 1000;

interface Sent {
  method: string;
  url: string;
  fields: Record<string, string>;
  body?: string;
}

interface Wish {
  method?: string;
  path?: string;
  body?: string;
  secret?: string;
  /** Seconds the primary's clock is ahead. */
  ahead?: number;
  provider?: string;
}

/** What a primary would send. */
function signed(
  url: string,
  { method = "POST", path = "/v1/x?a=1", body = "{}", ...rest }: Wish = {},
): Sent {
  const { secret = KEY, ahead = 0, provider = "openai" } = rest;
  const [plain = "", query] = path.split("?");
  const aim = aimedAtHop(
    {
      method,
      provider: { ...OPENAI, id: provider },
      target: withoutCredentials({
        path: plain,
        query: query === undefined ? "" : `?${query}`,
      }),
      credential: { id: "openai-1", key: "not sent" },
      received: new Headers({ "content-type": "application/json" }),
      content: { length: body.length },
    },
    { url, secret },
    Date.now() + ahead * 1000,
  );
  const fields = Object.fromEntries(aim.fields);
  return { method, url: aim.url, fields, ...(body !== "" && { body }) };
}

/** `sent`, changed on its way. */
const but = (sent: Sent, change: Partial<Sent>): Sent => ({
  ...sent,
  ...change,
  fields: { ...sent.fields, ...change.fields },
});

const bare = (sent: Sent, ...names: string[]): Sent => ({
  ...sent,
  fields: Object.fromEntries(
    Object.entries(sent.fields).filter(([name]) => !names.includes(name)),
  ),
});

/** A good signature, of another purpose or with other components. */
function otherwise(
  url: string,
  terms: { secret?: string; keyid?: string; tag?: string },
  covered: Record<string, string> = {
    "doppel-credential": "openai-1",
    "doppel-content-length": "0",
  },
): Sent {
  const { host } = new URL(url);
  const fields = signWith(
    { method: "GET", authority: host, path: "/hop/openai/v1/x", query: "" },
    covered,
    {
      secret: KEY,
      keyid: "hop",
      tag: "doppel-hop",
      created: Math.floor(Date.now() / 1000),
      ...terms,
    },
  );
  return { method: "GET", url: `${url}/hop/openai/v1/x`, fields };
}

type Attack = [name: string, status: number, sent: (url: string) => Sent];

const attacks: Attack[] = [
  ["unsigned", 401, (url) => bare(signed(url), "signature", "signature-input")],
  [
    "without the signature itself",
    401,
    (url) => bare(signed(url), "signature"),
  ],
  [
    "without its description",
    401,
    (url) => bare(signed(url), "signature-input"),
  ],
  [
    "with an empty signature",
    401,
    (url) => but(signed(url), { fields: { signature: "doppel=::" } }),
  ],
  [
    "with a wrong secret",
    401,
    (url) =>
      signed(url, { secret: derivedSecret("x".repeat(40), HOP_PURPOSE) }),
  ],
  [
    "with the secret itself for a key",
    401,
    (url) => signed(url, { secret: HOP_SECRET }),
  ],
  [
    "with the admin's secret",
    401,
    (url) => signed(url, { secret: ADMIN_SECRET }),
  ],
  [
    "with a key derived for another purpose",
    401,
    (url) => signed(url, { secret: derivedSecret(HOP_SECRET, "doppel-seal") }),
  ],
  ["stale", 401, (url) => signed(url, { ahead: -70 })],
  ["from the future", 401, (url) => signed(url, { ahead: 70 })],
  [
    "with another path",
    401,
    (url) => but(signed(url), { url: `${url}/hop/openai/v1/y?a=1` }),
  ],
  [
    "with another query",
    401,
    (url) => but(signed(url), { url: `${url}/hop/openai/v1/x?a=2` }),
  ],
  [
    "with a query more",
    401,
    (url) => but(signed(url), { url: `${url}/hop/openai/v1/x?a=1&b` }),
  ],
  ["with another method", 401, (url) => but(signed(url), { method: "PUT" })],
  [
    "for another provider",
    401,
    (url) => but(signed(url), { url: `${url}/hop/anthropic/v1/x?a=1` }),
  ],
  [
    "with another credential",
    401,
    (url) => but(signed(url), { fields: { "doppel-credential": "openai-2" } }),
  ],
  [
    "with another length signed",
    401,
    (url) => but(signed(url), { fields: { "doppel-content-length": "3" } }),
  ],
  ["with longer content", 401, (url) => but(signed(url), { body: "{   }" })],
  [
    "with content where none was signed",
    401,
    (url) => but(signed(url, { body: "" }), { body: "{}" }),
  ],
  [
    "signed for another host",
    401,
    (url) =>
      but(signed("https://other.example"), {
        url: `${url}/hop/openai/v1/x?a=1`,
      }),
  ],
  ["signed by the admin", 401, (url) => {
    const { host } = new URL(url);
    const fields = sign({
      method: "GET",
      authority: host,
      path: "/hop/openai/v1/x",
      query: "",
      content: new Uint8Array(),
    }, {
      secret: ADMIN_SECRET,
      keyid: "admin",
      tag: "doppel-admin",
      created: Math.floor(Date.now() / 1000),
    });
    return { method: "GET", url: `${url}/hop/openai/v1/x`, fields };
  }],
  [
    "with the admin's tag",
    401,
    (url) => otherwise(url, { tag: "doppel-admin" }),
  ],
  ["with the admin's keyid", 401, (url) => otherwise(url, { keyid: "admin" })],
  [
    "with the credential left uncovered",
    401,
    (url) => otherwise(url, {}, { "doppel-content-length": "0" }),
  ],
  ["with nothing but the path covered", 401, (url) => otherwise(url, {}, {})],
  ["to the admin API, with the hop's key", 401, (url) => {
    const { host } = new URL(url);
    const created = Math.floor(Date.now() / 1000);
    return {
      method: "GET",
      url: `${url}/admin/tokens`,
      fields: signWith(
        { method: "GET", authority: host, path: "/admin/tokens", query: "" },
        {},
        { secret: KEY, keyid: "admin", tag: "doppel-admin", created },
      ),
    };
  }],
  [
    "to a provider that is not in the table",
    404,
    (url) => signed(url, { provider: "example.com" }),
  ],
  [
    "to a host for a provider",
    404,
    (url) => signed(url, { provider: "https:%2F%2Fexample.com" }),
  ],
  [
    "to a path outside the API",
    404,
    (url) => signed(url, { path: "/admin/x" }),
  ],
  ["to no path", 404, (url) => signed(url, { path: "" })],
  [
    "through a second hop",
    404,
    (url) => signed(url, { path: "/hop/openai/v1/x" }),
  ],
  [
    "larger than the hop accepts",
    413,
    (url) => signed(url, { body: "x".repeat(LARGEST + 1) }),
  ],
  [
    "with a method nobody forwards",
    400,
    (url) => signed(url, { method: "OPTIONS", body: "" }),
  ],
];

async function startCounter() {
  const visits: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    visits.push(request.headers.authorization);
    request.resume();
    response.end("{}");
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    visits,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function send({ method, url, fields, body }: Sent) {
  const response = await fetch(url, {
    method,
    headers: fields,
    body: body ?? null,
  });
  const text = await response.text();
  keepText("answer of an entrance", text);
  return { response, text };
}

/** As long as the line takes to come out. */
async function lastLine({ lines }: Subject, seen: number) {
  while (lines().length <= seen) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  return lines().at(-1)!;
}

for (const runtime of RUNTIMES) {
  Deno.test(`the entrance of a hop on ${runtime}`, async (t) => {
    keepSecret(HOP_SECRET);
    keepSecret(ADMIN_SECRET);
    const origin = await startCounter();
    const hop = await startDoppel({
      runtime,
      origin: origin.url,
      env: {
        ADMIN_SECRET,
        EGRESS_HOP_SECRET: HOP_SECRET,
        MAX_BODY_BYTES: `${LARGEST}`,
      },
    });
    const { url } = hop;

    for (const [name, status, sent] of attacks) {
      await t.step(`refuses a request ${name}`, async () => {
        const seen = hop.lines().length;
        const { response, text } = await send(sent(url));
        assert.equal(response.status, status, text);
        assert.match(
          response.headers.get("content-type")!,
          /^application\/problem\+json/,
        );
        assert.notEqual(response.headers.get("doppel-answer"), "origin");
        assert.deepEqual(origin.visits, []);
        if (name.startsWith("to the admin")) return;
        const line = await lastLine(hop, seen);
        assert.equal(line.hop, true);
        assert.equal(line.status, status);
        assert.ok(line.reason ?? line.refused);
      });
    }

    await t.step("refuses an upgrade, as yet", async () => {
      const { fields } = signed(url, { method: "GET", body: "" });
      const client = await dial(url);
      const { host } = new URL(url);
      await client.write(message("GET /hop/openai/v1/x?a=1 HTTP/1.1", [
        `host: ${host}`,
        ...Object.entries(fields).map(([name, value]) => `${name}: ${value}`),
        "connection: upgrade",
        "upgrade: websocket",
        "sec-websocket-version: 13",
        "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==",
      ]));
      assert.equal((await readAnswer(client))!.status, 426);
      await client.close();
      assert.deepEqual(origin.visits, []);
    });

    await t.step(
      "takes a signed request once, however many come at once",
      async () => {
        const good = signed(url);
        const answers = await Promise.all(
          Array.from({ length: 10 }, () => send(good)),
        );
        answers.push(await send(good));
        const taken = answers.filter(({ response }) => response.status === 200);
        assert.equal(taken.length, 1);
        assert.equal(taken[0]!.response.headers.get("doppel-answer"), "origin");
        assert.deepEqual(origin.visits, [`Bearer ${KEYS.openai}`]);
      },
    );

    await t.step(
      "writes its own key, whatever slot came with the request",
      async () => {
        origin.visits.length = 0;
        const good = signed(url);
        const { response } = await send(
          but(good, { fields: { authorization: "Bearer sk-other" } }),
        );
        assert.equal(response.status, 200);
        assert.deepEqual(origin.visits, [`Bearer ${KEYS.openai}`]);
      },
    );

    await Promise.all([hop.stop(), origin.close()]);
  });

  Deno.test(`${runtime}: who is no hop, or has one, has no entrance`, async () => {
    keepSecret(HOP_SECRET);
    const origin = await startCounter();
    const plain = await startDoppel({ runtime, origin: origin.url });
    const second = await startDoppel({
      runtime,
      origin: origin.url,
      env: { EGRESS_HOP_URL: plain.url, EGRESS_HOP_SECRET: HOP_SECRET },
    });
    for (const { url } of [plain, second]) {
      const { response, text } = await send(signed(url));
      assert.equal(response.status, 404);
      assert.equal(JSON.parse(text).error.code, "no_route");
    }
    // Whose hop has a hop, and whose hop's hop is none, gets nowhere: no request is passed on twice.
    const first = await startDoppel({
      runtime,
      origin: origin.url,
      env: {
        EGRESS_HOP_URL: second.url,
        EGRESS_HOP_SECRET: HOP_SECRET,
        EGRESS_OPENAI: "hop",
      },
    });
    const token = await first.mint();
    const { response, text } = await send({
      method: "GET",
      url: `${first.url}/v1/models/m`,
      fields: { authorization: `Bearer ${token}` },
    });
    assert.equal(response.status, 502);
    assert.equal(JSON.parse(text).error.code, "hop_unreachable");
    assert.deepEqual(origin.visits, []);
    assert.match(`${first.lines().at(-1)!.reason}`, /404/);
    await Promise.all([
      first.stop(),
      second.stop(),
      plain.stop(),
      origin.close(),
    ]);
  });
}
