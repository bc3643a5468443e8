/** The specification of the admin API: who may call it, what it takes, what it answers. */

import assert from "node:assert/strict";
import { toJsonSchema } from "@valibot/to-json-schema";
import { jsonSchema } from "./admin/json_schema.ts";
import { OPERATIONS } from "./admin/operations.ts";
import { USUAL_ENDPOINTS } from "./core/provider.ts";
import { sign } from "./core/signature.ts";
import { TOKEN_PATTERN } from "./core/token.ts";
import { type Gateway, law, SECRET, START } from "./test/gateway.ts";

const NOW = START / 1000;
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

/** What the owner would send, unless a row says otherwise. */
function signed(
  request: {
    path?: string;
    body?: string;
    authority?: string;
    method?: string;
  } = {},
  terms: { created?: number; secret?: string; tag?: string; keyid?: string } =
    {},
) {
  const [path = "", query] = (request.path ?? "/admin/tokens").split("?");
  return sign(
    {
      method: request.method ?? "GET",
      authority: request.authority ?? "gw",
      path,
      query: query === undefined ? "" : `?${query}`,
      content: new TextEncoder().encode(request.body ?? ""),
    },
    {
      secret: SECRET,
      keyid: "admin",
      tag: "doppel-admin",
      created: NOW,
      ...terms,
    },
  );
}

const good = signed();
const forged: {
  name: string;
  says?: RegExp;
  fields: Record<string, string>;
  path?: string;
  body?: string;
  method?: string;
}[] = [
  { name: "no signature", fields: {} },
  { name: "a bearer secret", fields: bearer(SECRET) },
  { name: "another secret", fields: signed({}, { secret: "x".repeat(32) }) },
  { name: "a clock 61 s behind", fields: signed({}, { created: NOW - 61 }) },
  { name: "a clock 61 s ahead", fields: signed({}, { created: NOW + 61 }) },
  { name: "another purpose", fields: signed({}, { tag: "doppel-hop" }) },
  { name: "another keyid", fields: signed({}, { keyid: "root" }) },
  { name: "another authority", fields: signed({ authority: "other" }) },
  { name: "another path", fields: signed({ path: "/admin/audit" }) },
  { name: "another query", fields: signed({ path: "/admin/tokens?limit=1" }) },
  { name: "another method", fields: signed({ method: "DELETE" }) },
  {
    name: "another body",
    method: "POST",
    fields: signed({ method: "POST", body: '{"label":"a"}' }),
    body: '{"label":"b"}',
  },
  {
    name: "a body that is not covered",
    method: "POST",
    fields: signed({ method: "POST" }),
    body: '{"label":"b"}',
  },
  {
    name: "an algorithm of another name",
    says: /^alg must be/,
    fields: {
      ...good,
      "signature-input": good["signature-input"]!.replace(
        "hmac-sha256",
        "rsa-v1_5-sha256",
      ),
    },
  },
  {
    name: "a component less",
    says: /must cover/,
    fields: {
      ...good,
      "signature-input": good["signature-input"]!.replace(' "@query"', ""),
    },
  },
  {
    name: "no components",
    says: /must cover/,
    fields: {
      ...good,
      "signature-input": good["signature-input"]!.replace(/\([^)]*\)/, "()"),
    },
  },
  {
    name: "a short nonce",
    says: /^nonce must be/,
    fields: {
      ...good,
      "signature-input": good["signature-input"]!.replace(
        /nonce="[^"]*"/,
        'nonce="abc"',
      ),
    },
  },
  {
    name: "two signatures with our tag",
    says: /^Exactly one signature/,
    fields: {
      ...good,
      "signature-input": `${good["signature-input"]}, x=${
        good["signature-input"]!.slice(7)
      }`,
    },
  },
  { name: "an empty signature", fields: { ...good, signature: "doppel=::" } },
  {
    name: "a signature of another label",
    fields: { ...good, signature: good.signature!.replace("doppel", "other") },
  },
  {
    name: "a truncated dictionary",
    fields: { ...good, "signature-input": "doppel=(" },
  },
  {
    name: "a signature and an unknown path",
    fields: {},
    path: "/admin/nothing",
  },
];

for (
  const {
    name,
    says = /./,
    fields,
    path = "/admin/tokens",
    body,
    method = "GET",
  } of forged
) {
  law(`admin refuses ${name}`, async ({ send }) => {
    const response = await send(path, {
      method,
      headers: fields,
      ...(body && { body }),
    });
    assert.equal(response.status, 401);
    assert.equal(
      response.headers.get("content-type"),
      "application/problem+json",
    );
    const { type, status, title } = await response.json();
    assert.deepEqual([type, status], ["about:blank", 401]);
    assert.match(title, says);
  });
}

law("admin reads no body before the signature verified", async ({ open }) => {
  let read = false;
  const body = new ReadableStream({
    pull(controller) {
      read = true;
      controller.close();
    },
  }, { highWaterMark: 0 });
  const headers = {
    ...signed({ method: "POST" }, { secret: "x".repeat(32) }),
    "content-length": "8000000",
  };
  const init = { method: "POST", headers, body, duplex: "half" };
  const response = await open("/admin/tokens", init as RequestInit);
  assert.equal(response.status, 401);
  await response.body?.cancel();
  assert.ok(!read);
  const huge = { ...headers, "content-length": "8388609" };
  assert.equal(
    (await open("/admin/tokens", { method: "POST", headers: huge })).status,
    413,
  );
});

const WRONG = { secret: "x".repeat(32) };

/** What is tried again and again, and whether it is counted. */
const TRIED: { name: string; counted: boolean; fields: () => HeadersInit }[] = [
  { name: "another secret", counted: true, fields: () => signed({}, WRONG) },
  {
    name: "another path's signature",
    counted: true,
    fields: () => signed({ path: "/admin/audit" }),
  },
  { name: "the right secret", counted: false, fields: () => signed() },
  { name: "no signature", counted: false, fields: () => ({}) },
  {
    name: "a wrong clock",
    counted: false,
    fields: () => signed({}, { created: NOW - 61 }),
  },
  { name: "a nonce that was used", counted: false, fields: () => good },
];

for (const { name, counted, fields } of TRIED) {
  law(
    `admin ${counted ? "counts" : "does not count"} ${name} as a wrong try`,
    async ({ send, tick }) => {
      const path = "/admin/tokens";
      for (let i = 0; i < 5; i++) {
        const { status } = await send(path, { headers: fields() });
        assert.ok(status !== 429);
      }
      const answer = await send(path, { headers: signed() });
      assert.equal(answer.status, counted ? 429 : 200);
      if (!counted) return;
      assert.equal(answer.headers.get("retry-after"), "60");
      const { title, status } = await answer.json();
      assert.deepEqual([title, status], [
        "Too many signatures from here did not verify: wait 60 seconds.",
        429,
      ]);
      tick(60);
      const created = NOW + 60;
      const headers = signed({}, { created });
      assert.equal((await send(path, { headers })).status, 200);
    },
  );
}

law(
  "admin throttles the address that is wrong and no other; those it does not know are one",
  async ({ send, from }) => {
    const path = "/admin/tokens";
    const status = async (ip: string | undefined, terms = {}) => {
      from(ip);
      return (await send(path, { headers: signed({}, terms) })).status;
    };
    for (const ip of ["203.0.113.9", undefined]) {
      for (let i = 0; i < 5; i++) assert.equal(await status(ip, WRONG), 401);
      assert.equal(await status(ip), 429);
      assert.equal(await status("203.0.113.10"), 200);
    }
  },
);

law("admin's OpenAPI document is for the owner alone", async ({ send }) => {
  assert.equal((await send("/admin/openapi.json")).status, 401);
});

law(
  "admin remembers a nonce for as long as any clock within bounds takes the signature",
  async ({ send, store }) => {
    let until = 0;
    const { takeNonce } = store;
    Object.assign(store, {
      takeNonce: (
        nonce: string,
        expires: number,
      ) => (until = expires, takeNonce(nonce, expires)),
    });
    await send("/admin/tokens", { headers: signed({}, { created: NOW + 60 }) });
    assert.ok(until >= NOW + 60 + 60 + 120);
  },
);

law("admin takes a signature once", async ({ send }) => {
  const fields = signed();
  assert.equal((await send("/admin/tokens", { headers: fields })).status, 200);
  assert.equal((await send("/admin/tokens", { headers: fields })).status, 401);
});

law("admin takes clocks up to 60 s off", async ({ send }) => {
  for (const created of [NOW - 60, NOW + 60]) {
    const headers = signed({}, { created });
    assert.equal((await send("/admin/tokens", { headers })).status, 200);
  }
});

law(
  "admin takes our signature beside others",
  async ({ send }) => {
    const { signature, "signature-input": input } = signed();
    const headers = {
      signature: `other=:AAAA:, ${signature}`,
      "signature-input": `other=("@method");created=1;tag="x", ${input}`,
    };
    assert.equal((await send("/admin/tokens", { headers })).status, 200);
  },
);

law("admin takes both secrets during a rotation", async ({ send }) => {
  const headers = signed({}, { secret: "previous-".repeat(4) });
  assert.equal((await send("/admin/tokens", { headers })).status, 200);
}, { adminSecrets: [SECRET, "previous-".repeat(4)] });

for (const secret of ["", "short"]) {
  law(`admin is closed to the secret "${secret}"`, async ({ send }) => {
    const headers = signed({}, { secret });
    assert.equal((await send("/admin/tokens", { headers })).status, 401);
  }, { adminSecrets: [secret] });
}

law(
  "admin wants the authority of PUBLIC_URL where there is one",
  async ({ send }) => {
    const outside = signed({ authority: "api.example" });
    assert.equal(
      (await send("/admin/tokens", { headers: outside })).status,
      200,
    );
    assert.equal(
      (await send("/admin/tokens", { headers: signed() })).status,
      401,
    );
  },
  { publicUrl: "https://api.example" },
);

law(
  "admin mints a token that works, and shows it once",
  async ({ admin, send, mint, reached }) => {
    const { id, token, ...shown } = await mint({
      label: " laptop ",
      providers: ["openai"],
      note: "n",
      endpoints: undefined,
    });
    assert.match(token, TOKEN_PATTERN);
    assert.equal(token.slice(4, 12), id);
    assert.deepEqual(shown, {
      last4: token.slice(-4),
      label: "laptop",
      note: "n",
      providers: ["openai"],
      models: [],
      endpoints: USUAL_ENDPOINTS,
      addresses: [],
      isolated: false,
      abort: "cancel",
      exactUsage: false,
      clamp: false,
      limits: {},
      status: "active",
      created: "2026-11-20T12:00:00Z",
      createdBy: "admin",
      expires: null,
      lastUsed: null,
      graceEnds: null,
    });
    const response = await send("/v1/models/m", { headers: bearer(token) });
    assert.equal(response.status, 200);
    assert.equal(reached.length, 1);
    for (
      const path of [
        "/admin/tokens",
        `/admin/tokens/${id}`,
        "/admin/audit",
        "/admin/export",
      ]
    ) {
      const text = await (await admin("GET", path)).text();
      assert.ok(!text.includes(token.slice(13)), path);
      if (path !== "/admin/export") {
        assert.doesNotMatch(
          text,
          /hash|[0-9a-f]{64}/,
          path,
        );
      }
    }
  },
);

law(
  "admin refuses a supplied token that exists, and leaves the first one alone",
  async ({ admin, mint, send }) => {
    const token = "supplied-token-0123456789";
    await mint({ token, label: "first" });
    const again = await admin("POST", "/admin/tokens", {
      label: "second",
      providers: ["gemini"],
      token,
    });
    assert.equal(again.status, 409);
    assert.equal((await again.json()).field, "/token");
    assert.equal(
      (await send("/v1/models/m", { headers: bearer(token) })).status,
      200,
    );
    const { tokens } = await (await admin("GET", "/admin/tokens")).json();
    assert.deepEqual(tokens.map(({ label }: { label: string }) => label), [
      "first",
    ]);
  },
);

const create = { label: "x", providers: ["openai"] };
const wrong: [method: string, path: string, body: unknown, field: string][] = [
  ["POST", "/admin/tokens", {}, "/label"],
  ["POST", "/admin/tokens", { ...create, label: "  " }, "/label"],
  ["POST", "/admin/tokens", { ...create, label: 1 }, "/label"],
  ["POST", "/admin/tokens", { ...create, providers: [] }, "/providers"],
  [
    "POST",
    "/admin/tokens",
    { ...create, providers: ["openai", "nobody"] },
    "/providers/1",
  ],
  [
    "POST",
    "/admin/tokens",
    { ...create, providers: ["openai", "openai"] },
    "/providers",
  ],
  [
    "POST",
    "/admin/tokens",
    { ...create, addresses: ["fe80::1%eth0"] },
    "/addresses/0",
  ],
  ["POST", "/admin/tokens", { ...create, token: "short" }, "/token"],
  [
    "POST",
    "/admin/tokens",
    { ...create, token: "sk-ant-oat" + "x".repeat(30) },
    "/token",
  ],
  [
    "POST",
    "/admin/tokens",
    { ...create, token: "spaces are not allowed" },
    "/token",
  ],
  ["POST", "/admin/tokens", {
    ...create,
    token: "dpl_aaaaaaaa_" + "b".repeat(38),
  }, "/token"],
  [
    "POST",
    "/admin/tokens",
    { ...create, expires: "2027-01-01T00:00:00" },
    "/expires",
  ],
  [
    "POST",
    "/admin/tokens",
    { ...create, expires: "2027-02-30T00:00:00Z" },
    "/expires",
  ],
  [
    "POST",
    "/admin/tokens",
    { ...create, addresses: ["10.0.0.0/33"] },
    "/addresses/0",
  ],
  ["POST", "/admin/tokens", { ...create, endpoints: ["root"] }, "/endpoints/0"],
  ["POST", "/admin/tokens", { ...create, models: [""] }, "/models/0"],
  ["POST", "/admin/tokens", { ...create, limits: { rpm: 1 } }, "/limits/rpm"],
  ["POST", "/admin/tokens", [], "/label"],
  ["PATCH", "/admin/tokens/ID", {}, "/"],
  ["PATCH", "/admin/tokens/ID", { status: "activ" }, "/status"],
  [
    "PATCH",
    "/admin/tokens/ID",
    { token: "supplied-token-0123456789" },
    "/token",
  ],
  ["PATCH", "/admin/tokens/ID", { label: null }, "/label"],
  ["POST", "/admin/tokens/ID/rotate", { graceSeconds: -1 }, "/graceSeconds"],
  ["POST", "/admin/tokens/ID/rotate", { graceSeconds: 1.5 }, "/graceSeconds"],
  ["PUT", "/admin/pause", { from: "22:00" }, "/from"],
  ["PUT", "/admin/pause", { until: "2026-11-20T11:00:00Z" }, "/until"],
  ["POST", "/admin/import", { version: 3, tokens: [] }, "/version"],
  [
    "POST",
    "/admin/import",
    { version: 1, tokens: [{ id: "x" }] },
    "/tokens/0/id",
  ],
  ["GET", "/admin/tokens?limit=0", undefined, "/query/limit"],
  ["GET", "/admin/tokens?limit=1&limit=2", undefined, "/query/limit"],
  ["GET", "/admin/tokens?page=2", undefined, "/query/page"],
  ["GET", "/admin/audit?cursor=a/b", undefined, "/query/cursor"],
  ["GET", "/admin/audit?cursor=abc", undefined, "/query/cursor"],
  ["GET", "/admin/tokens?cursor=5", undefined, "/query/cursor"],
];

law(
  "admin names the field of every bad input, repeats no value, and changes nothing",
  async ({ admin, mint }) => {
    const { id } = await mint({ label: "kept" });
    for (const [method, path, body, field] of wrong) {
      const where = `${method} ${path} ${JSON.stringify(body)}`;
      const response = await admin(method, path.replace("ID", id), body);
      assert.equal(response.status, 400, where);
      const problem = await response.json();
      assert.equal(problem.field, field, `${where}: ${problem.title}`);
      const { token } = (body ?? {}) as { token?: string };
      if (token) assert.ok(!problem.title.includes(token), where);
    }
    const { tokens } = await (await admin("GET", "/admin/tokens")).json();
    assert.deepEqual(tokens.map(({ label }: { label: string }) => label), [
      "kept",
    ]);
  },
);

law("admin answers 404 for tokens that are not there", async ({ admin }) => {
  const calls: [string, string, unknown?][] = [
    ["GET", "/admin/tokens/nobody00"],
    ["PATCH", "/admin/tokens/nobody00", { label: "x" }],
    ["DELETE", "/admin/tokens/nobody00"],
    ["POST", "/admin/tokens/nobody00/rotate"],
    ["GET", "/admin/nothing"],
  ];
  for (const [method, path, body] of calls) {
    assert.equal((await admin(method, path, body)).status, 404, path);
  }
});

law(
  "admin refuses what is not JSON, and bodies where none belongs",
  async ({ send, admin, sign }) => {
    const path = "/admin/tokens";
    const text = "label=x";
    const bad = await send(path, {
      method: "POST",
      headers: sign("POST", path, text),
      body: text,
    });
    assert.equal(bad.status, 400);
    assert.equal(
      (await admin("DELETE", "/admin/tokens/nobody00", {})).status,
      400,
    );
  },
);

/** Whether `token` is let through now. */
const works = async ({ send }: Gateway, token: string) =>
  (await send("/v1/models/m", { headers: bearer(token) })).status === 200;

law("admin disables, enables, edits and deletes at once", async (gateway) => {
  const { admin, mint } = gateway;
  const { id, token } = await mint({ expires: "2027-01-01T02:00:00+02:00" });
  const path = `/admin/tokens/${id}`;
  assert.ok(await works(gateway, token));
  const disabled = await (await admin("PATCH", path, { status: "disabled" }))
    .json();
  assert.equal(disabled.status, "disabled");
  assert.equal(disabled.expires, "2027-01-01T00:00:00Z");
  assert.equal(disabled.lastUsed, "2026-11-20T12:00:00Z");
  assert.ok(!await works(gateway, token));
  await admin("PATCH", path, { label: "renamed", expires: null });
  assert.ok(!await works(gateway, token));
  const enabled = await (await admin("PATCH", path, { status: "active" }))
    .json();
  assert.deepEqual([enabled.label, enabled.expires], ["renamed", null]);
  assert.ok(await works(gateway, token));
  const deleted = await admin("DELETE", path);
  assert.deepEqual([deleted.status, await deleted.text()], [204, ""]);
  assert.ok(!await works(gateway, token));
});

law("admin rotates with a grace in which both values work", async (gateway) => {
  const { admin, mint, tick } = gateway;
  const { id, token: old } = await mint({ token: "supplied-token-0123456789" });
  const rotate = async (body?: unknown) =>
    await (await admin("POST", `/admin/tokens/${id}/rotate`, body)).json();
  const { token: second, id: same, graceEnds } = await rotate({
    graceSeconds: 600,
  });
  assert.deepEqual([same, graceEnds], [id, "2026-11-20T12:10:00Z"]);
  assert.deepEqual([await works(gateway, old), await works(gateway, second)], [
    true,
    true,
  ]);
  tick(600);
  assert.deepEqual([await works(gateway, old), await works(gateway, second)], [
    false,
    true,
  ]);
  const { token: third } = await rotate();
  assert.deepEqual(
    [await works(gateway, second), await works(gateway, third)],
    [false, true],
  );
});

law(
  "a rotation without grace holds for an instance whose clock is behind",
  async (gateway) => {
    const { admin, mint, tick } = gateway;
    const { id, token: old } = await mint();
    const answer = await admin("POST", `/admin/tokens/${id}/rotate`, {});
    const { token: next, graceEnds } = await answer.json();
    assert.equal(graceEnds, null);
    tick(-90);
    assert.deepEqual(
      [await works(gateway, old), await works(gateway, next)],
      [false, true],
    );
  },
);

law(
  "a rotated token's two values in one request are two tokens",
  async ({ admin, mint, send }) => {
    const { id, token } = await mint();
    const answer = await admin("POST", `/admin/tokens/${id}/rotate`, {
      graceSeconds: 600,
    });
    const { token: next } = await answer.json();
    const response = await send("/v1/models/m", {
      headers: { ...bearer(token), "api-key": next },
    });
    assert.equal(response.status, 400);
  },
);

law("admin pauses now, later, and until", async (gateway) => {
  const { admin, mint, send, tick } = gateway;
  const { token } = await mint();
  const set = async (body: unknown) =>
    await (await admin("PUT", "/admin/pause", body)).json();
  assert.deepEqual(await set({}), {
    paused: true,
    from: "2026-11-20T12:00:00Z",
    until: null,
  });
  const refused = await send("/v1/models/m", { headers: bearer(token) });
  assert.equal(refused.status, 503);
  assert.equal((await refused.json()).error.code, "paused");
  assert.equal(refused.headers.get("x-should-retry"), "false");
  assert.equal(
    (await send("/v1/models/m", { headers: bearer("x".repeat(20)) })).status,
    401,
  );
  assert.equal((await admin("DELETE", "/admin/pause")).status, 204);
  assert.ok(await works(gateway, token));
  await set({ from: "2026-11-20T12:00:30Z", until: "2026-11-20T12:01:00Z" });
  assert.ok(await works(gateway, token));
  tick(31);
  const soon = await send("/v1/models/m", { headers: bearer(token) });
  assert.equal(soon.headers.get("retry-after"), "29");
  tick(29);
  assert.ok(await works(gateway, token));
  const state = await (await admin("GET", "/admin/pause")).json();
  assert.deepEqual(state, { paused: false, from: null, until: null });
});

law(
  "admin keeps an audit of every change, newest first, with no secret in it",
  async ({ admin, mint }) => {
    const { id, token } = await mint({ label: "a", endpoints: undefined });
    await admin("PATCH", `/admin/tokens/${id}`, { label: "b" });
    await admin("POST", `/admin/tokens/${id}/rotate`, { graceSeconds: 5 });
    await admin("PUT", "/admin/pause", {});
    await admin("DELETE", "/admin/pause");
    await admin("DELETE", `/admin/tokens/${id}`);
    await admin("POST", "/admin/import", { version: 1, tokens: [] });
    const answer = await admin("GET", "/admin/audit");
    const text = await answer.text();
    assert.ok(!text.includes(token));
    const time = "2026-11-20T12:00:00Z";
    const of = (
      action: string,
      changed?: unknown,
      about: string | undefined = id,
    ) => ({
      time,
      by: "admin",
      action,
      ...(about && { token: about }),
      ...(changed !== undefined && { changed }),
    });
    assert.deepEqual(JSON.parse(text).entries, [
      of("table.import", {
        tokens: 0,
        credentials: 0,
        providers: 0,
        aliases: 0,
      }, ""),
      of("token.delete"),
      of("pause.end", undefined, ""),
      of("pause.set", {}, ""),
      of("token.rotate", { graceSeconds: 5 }),
      of("token.edit", { label: "b" }),
      of("token.create", {
        label: "a",
        providers: ["openai", "anthropic", "gemini"],
        note: "",
        models: [],
        endpoints: USUAL_ENDPOINTS,
        addresses: [],
        isolated: false,
        abort: "cancel",
        exactUsage: false,
        clamp: false,
        limits: {},
        expires: null,
      }),
    ]);
  },
);

law(
  "admin exports what another doppel imports, tokens and graces working on",
  async (one) => {
    const { token } = await one.mint({
      label: "travels",
      models: ["*"],
      exactUsage: true,
      clamp: true,
      expires: "2027-01-01T00:00:00Z",
    });
    const { id, token: old } = await one.mint({ label: "rotated" });
    await one.admin("POST", `/admin/tokens/${id}/rotate`, {
      graceSeconds: 600,
    });
    const table = await (await one.admin("GET", "/admin/export")).json();
    await one.admin("DELETE", `/admin/tokens/${id}`);
    for (const { id } of table.tokens) {
      await one.admin(
        "DELETE",
        `/admin/tokens/${id}`,
      );
    }
    assert.ok(!await works(one, token));
    const imported = await one.admin("POST", "/admin/import", table);
    assert.deepEqual(await imported.json(), {
      imported: 2,
      credentials: 0,
      providers: 0,
      aliases: 0,
      unreadable: [],
    });
    const listed = await (await one.admin("GET", "/admin/tokens")).json();
    const options = (listed.tokens as Record<string, unknown>[])
      .map(({ label, exactUsage, clamp }) => [label, [exactUsage, clamp]]);
    assert.deepEqual(Object.fromEntries(options), {
      travels: [true, true],
      rotated: [false, false],
    });
    assert.ok(await works(one, token));
    assert.ok(await works(one, old));
    assert.deepEqual(
      await (await one.admin("GET", "/admin/export")).json(),
      table,
    );
    const foreign = {
      ...table,
      tokens: [{ ...table.tokens[0], hash: "0".repeat(64) }],
    };
    assert.equal(
      (await one.admin("POST", "/admin/import", foreign)).status,
      409,
    );
  },
);

law("admin pages its lists by cursor", async ({ admin, mint }) => {
  for (let i = 0; i < 5; i++) await mint({ label: `${i}` });
  const labels: string[] = [];
  let path = "/admin/tokens?limit=2";
  for (let more = true; more;) {
    const { tokens, cursor } = await (await admin("GET", path)).json();
    labels.push(...tokens.map(({ label }: { label: string }) => label));
    more = cursor !== undefined;
    path = `/admin/tokens?limit=2&cursor=${cursor}`;
  }
  assert.deepEqual(labels.toSorted(), ["0", "1", "2", "3", "4"]);
});

law(
  "admin lists providers with the public ids of their keys",
  async ({ admin }) => {
    const { providers } = await (await admin("GET", "/admin/providers")).json();
    assert.deepEqual(providers[2], {
      id: "openai",
      source: "table",
      origin: "https://api.openai.com",
      models: [],
      priority: 0,
      credentials: ["openai-1"],
      region: { mode: "direct" },
    });
  },
);

law(
  "admin tells which way a provider's requests go, and whether the hop lives",
  async ({ admin }) => {
    const list = await (await admin("GET", "/admin/providers")).json();
    const told = Object.fromEntries(
      list.providers.map((
        { id, region, hop }: { id: string; region: unknown; hop: string },
      ) => [id, { region, hop }]),
    );
    const region = { mode: "fallback", refusedUntil: "2026-11-20T12:10:01Z" };
    assert.deepEqual(told.openai, { region, hop: "up" });
    assert.deepEqual(told.gemini, { region: { mode: "hop" }, hop: "up" });
    const one = await (await admin("GET", "/admin/providers/openai")).json();
    assert.deepEqual(one.region, region);
  },
  {
    regions: {
      of: (id) =>
        id === "openai"
          ? { mode: "fallback", refusedUntil: START + 600_001 }
          : { mode: "hop" },
      hop: () => "up",
    },
  },
);

law(
  "admin describes every operation in OpenAPI, from what validates",
  async ({ admin }) => {
    const document = await (await admin("GET", "/admin/openapi.json")).json();
    assert.equal(document.openapi, "3.1.0");
    const operations = Object.entries(document.paths as Record<string, object>)
      .flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method} ${path}`)
      );
    assert.deepEqual(operations.toSorted(), [
      "delete /admin/aliases/{name}",
      "delete /admin/credentials/{id}",
      "delete /admin/live/{id}",
      "delete /admin/pause",
      "delete /admin/providers/{id}",
      "delete /admin/tokens/{id}",
      "get /admin/aliases",
      "get /admin/aliases/{name}",
      "get /admin/audit",
      "get /admin/credentials",
      "get /admin/credentials/{id}",
      "get /admin/credentials/{id}/check",
      "get /admin/export",
      "get /admin/live",
      "get /admin/pause",
      "get /admin/providers",
      "get /admin/providers/{id}",
      "get /admin/providers/{id}/models",
      "get /admin/tokens",
      "get /admin/tokens/{id}",
      "get /admin/tokens/{id}/requests",
      "get /admin/usage",
      "patch /admin/tokens/{id}",
      "post /admin/credentials",
      "post /admin/credentials/rotate",
      "post /admin/credentials/{id}/warm",
      "post /admin/import",
      "post /admin/providers/{id}/models",
      "post /admin/tokens",
      "post /admin/tokens/{id}/rotate",
      "put /admin/aliases/{name}",
      "put /admin/credentials/{id}",
      "put /admin/pause",
      "put /admin/providers/{id}",
    ]);
    const [name] = document.paths["/admin/aliases/{name}"].put.parameters;
    assert.deepEqual([name.name, name.in], ["name", "path"]);
    const { schema } = document.paths["/admin/tokens"].post.requestBody
      .content["application/json"];
    assert.deepEqual(schema.required, ["label", "providers"]);
    assert.equal(schema.additionalProperties, false);
    // Which providers there are changes as the owner adds some.
    assert.match("lab", new RegExp(schema.properties.providers.items.pattern));
  },
);

law("admin answers 503 while the store is away", async ({ send, store }) => {
  store.close();
  const response = await send("/admin/tokens", { headers: signed() });
  assert.equal(response.status, 503);
  assert.equal(response.headers.get("retry-after"), "1");
  Object.assign(store, { close: () => {} });
});

Deno.test("jsonSchema() says what Valibot's own converter says", () => {
  for (const row of OPERATIONS) {
    for (const schema of [row.query, row.body, row.answer]) {
      if (schema === undefined) continue;
      const { $schema: _, ...said } = toJsonSchema(schema, {
        typeMode: "input",
        errorMode: "ignore",
      });
      assert.deepEqual(jsonSchema(schema), said, row.route);
    }
  }
});
