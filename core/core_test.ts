/** Laws of the pure parts that the suites of proxy and admin do not reach. */

import assert from "node:assert/strict";
import { createCrowd } from "./crowd.ts";
import { createFlights } from "./flight.ts";
import { elements, keepElements, members } from "./json.ts";
import { covers, modelsNamed } from "./model.ts";
import { authenticate, clientAddress, parseRange, within } from "./policy.ts";
import { readSettings, SettingsError } from "./settings.ts";
import { readTarget } from "./target.ts";
import { fromRfc3339, parseDuration, parseMoment, toRfc3339 } from "./time.ts";
import {
  hashToken,
  isTokenShaped,
  mintToken,
  redactTokens,
  TOKEN_PATTERN,
  tokenId,
} from "./token.ts";

Deno.test("mintToken() has the documented shape and never the same value twice", () => {
  const minted = new Set(Array.from({ length: 1000 }, () => mintToken()));
  assert.equal(minted.size, 1000);
  for (const token of minted) {
    assert.match(token, TOKEN_PATTERN);
    assert.equal(token.length, 51);
    assert.ok(isTokenShaped(token));
    assert.equal(tokenId(token), token.slice(4, 12));
  }
});

Deno.test("isTokenShaped() finds every slip of one character in a minted token", () => {
  const token = mintToken();
  for (let i = 0; i < token.length; i++) {
    const slip = token.slice(0, i) + (token[i] === "a" ? "b" : "a") +
      token.slice(i + 1);
    // A slip in the prefix makes it a supplied token, which the store does not know.
    if (slip.startsWith("dpl_")) assert.ok(!isTokenShaped(slip), slip);
  }
});

Deno.test("tokenId() of a supplied token is 8 base62 characters and always the same", () => {
  const token = "supplied-token-0123456789";
  assert.match(tokenId(token), /^[0-9A-Za-z]{8}$/);
  assert.equal(tokenId(token), tokenId(token));
  assert.notEqual(tokenId(token), tokenId(token + "0"));
});

Deno.test("hashToken() is lower-case hex SHA-256", () => {
  assert.equal(
    hashToken("abc"),
    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
  );
});

Deno.test("authenticate() takes an expiry that cannot be read for one that is past", () => {
  const value = "supplied-token-0123456789";
  const record = { hash: hashToken(value), status: "active", expires: "soon" };
  const found = authenticate(
    [value],
    [{ value, id: tokenId(value), hash: hashToken(value) }],
    { records: [record as never], turn: 0 },
    0,
  );
  assert.deepEqual(found, { refused: "token_expired" });
});

Deno.test("redactTokens() leaves public ids", () => {
  const token = mintToken("aaaaaaaa");
  assert.equal(
    redactTokens(`/v1/${token}/x/${token.slice(0, 30)}`),
    "/v1/dpl_aaaaaaaa_…/x/dpl_aaaaaaaa_…",
  );
});

Deno.test("readTarget() refuses what the runtimes read differently, and keeps the rest raw", () => {
  const refused = [
    "/a/../b",
    "/a/./b",
    "/..",
    "/a/%2e%2E/b",
    "/a/.%2e",
    "/a/..;x/b",
    "/a/..%2fb",
    "/a%2f../b",
    "/a\\b",
    "/a%5cb",
    "/a%00b",
    "/a%0d%0ab",
    "/a\tb",
    "/a%7F",
  ];
  for (const path of refused) {
    assert.deepEqual(Object.keys(readTarget(`http://h${path}`)), [
      "refused",
      "detail",
    ], path);
  }
  const kept = [
    "/a/..b",
    "/a/b..",
    "/...",
    "/a%2Fb",
    "/a//b",
    "/@x",
    "/a;p",
    "/%zz",
    "/%252e%252e/x",
  ];
  for (const path of kept) {
    assert.deepEqual(readTarget(`http://h${path}?b?c=%3F+%20#x`), {
      path,
      query: "?b?c=%3F+%20",
    });
  }
  assert.deepEqual(readTarget("http://h"), { path: "/", query: "" });
  assert.deepEqual(readTarget("http://h?x"), { path: "/", query: "?x" });
  assert.deepEqual(readTarget("http://h///evil.example/x"), {
    path: "/evil.example/x",
    query: "",
  });
});

Deno.test("members() finds every member of a name at the top level, and none below it", () => {
  const values = (text: string) =>
    members(text, "m")?.map(({ start, end }) => text.slice(start, end));
  assert.deepEqual(
    values('{"m":1, "b" : {"m":[{"m":2}]},"\\u006d":"x,}\\"" ,"m":null}'),
    ["1", '"x,}\\""', "null"],
  );
  assert.deepEqual(values(' {"b":"m","c":["m",{}],"m" : {"m":1} } '), [
    '{"m":1}',
  ]);
  assert.deepEqual(values("{}"), []);
  for (
    const broken of [
      "",
      "[]",
      '"m"',
      '{"m":1',
      '{"m":"',
      '{"m":1}}',
      '{"m":1}{"m":2}',
      'x{"m":1}',
      '\ufeff{"m":1}',
    ]
  ) {
    assert.equal(values(broken), undefined, broken);
  }
});

Deno.test("elements() finds every value of an array, whatever is in it", () => {
  const text = '{"d": [ {"a":[1,"]"]} , [2,{}],"x,]" ,3.5e1, [] ] ,"e":[]}';
  const inside = (name: string) =>
    elements(text, members(text, name)![0]!)
      .map(({ start, end }) => text.slice(start, end));
  assert.deepEqual(inside("d"), [
    '{"a":[1,"]"]}',
    "[2,{}]",
    '"x,]"',
    "3.5e1",
    "[]",
  ]);
  assert.deepEqual(inside("e"), []);
});

Deno.test("keepElements() leaves all other bytes", () => {
  const text = '{"n": 1.0,"d":[ 1 , 22,3 ], "z":1e2}';
  const [array] = members(text, "d")!;
  const kept = (keep: (element: string) => boolean) =>
    keepElements(text, array!, keep);
  assert.equal(kept(() => true), text);
  assert.equal(kept((one) => one !== "22"), '{"n": 1.0,"d":[1,3], "z":1e2}');
  assert.equal(kept(() => false), '{"n": 1.0,"d":[], "z":1e2}');
});

Deno.test("members() does not tire of megabytes", () => {
  const long = "A".repeat(20_000_000);
  const text = `{"a":"${long}","m":"${"\\\\".repeat(1_000_000)}","m":2}`;
  assert.equal(members(text, "m")?.length, 2);
});

const form = (...parts: string[]) =>
  parts.map((part) => `--b\r\n${part}\r\n`).join("") + "--b--\r\n";
const field = (name: string, value: string) =>
  `Content-Disposition: form-data; name="${name}"\r\n\r\n${value}`;

const named: [
  type: string | null,
  content: string,
  models: string[] | undefined,
][] = [
  ["application/json", '{"model":"a"}', ["a"]],
  ["application/json; charset=utf-8", '{"model":"models/a"}', ["a"]],
  ["application/json", '{"model":"a","model":"b"}', ["a", "b"]],
  ["application/json", '{"x":1}', []],
  ["application/json", '{"model":1}', undefined],
  ["application/json", '\ufeff{"model":"a"}', undefined],
  ["application/json", `{"model":"${"a".repeat(300)}"}`, undefined],
  ["application/json; charset=utf-16", '{"model":"a"}', undefined],
  ["application/jsonl", '{"model":"a"}', undefined],
  ["text/plain", '{"model":"a"}', undefined],
  ["application/x-www-form-urlencoded", 'model=b&x={"model":"a"}', undefined],
  [null, '{"model":"a"}', undefined],
  [
    "multipart/form-data; boundary=b",
    form(field("model", "a"), field("x", "y")),
    ["a"],
  ],
  ['multipart/form-data; boundary="b"', form(field("model", "a")), ["a"]],
  ["multipart/form-data; boundary=b", form(field("x", "y")), []],
  [
    "multipart/form-data; boundary=b; boundary=c",
    form(field("model", "a")),
    undefined,
  ],
  [
    "multipart/form-data; charset=x; boundary=b",
    form(field("model", "a")),
    undefined,
  ],
  [
    "multipart/form-data; boundary=b",
    "preamble\r\n" + form(field("model", "a")),
    undefined,
  ],
  [
    "multipart/form-data; boundary=b",
    form(field("model", "a")) + "more",
    undefined,
  ],
  [
    "multipart/form-data; boundary=b",
    form(field("model", "a")).slice(0, -6),
    undefined,
  ],
  [
    "multipart/form-data; boundary=b",
    form('Content-Disposition: form-data; name = "model"\r\n\r\na'),
    undefined,
  ],
  [
    "multipart/form-data; boundary=b",
    form('Content-Disposition: attachment; name="model"\r\n\r\na'),
    undefined,
  ],
  [
    "multipart/form-data; boundary=b",
    form('Content-Disposition: form-data; name="model"; filename="f"\r\n\r\na'),
    undefined,
  ],
  [
    "multipart/form-data; boundary=b",
    form('Content-Disposition: form-data;\r\n name="model"\r\n\r\na'),
    undefined,
  ],
  [
    "multipart/form-data; boundary=b",
    form('X-Y: 1\r\nContent-Disposition: form-data; name="model"\r\n\r\na'),
    undefined,
  ],
];

for (const [type, content, models] of named) {
  Deno.test(`modelsNamed() finds ${models} in ${type}: ${JSON.stringify(content.slice(0, 90))}`, () => {
    const found = modelsNamed({
      target: { path: "/v1/x", query: "" },
      pattern: /^\/v1\/models\/(.+)$/,
      type,
      encoding: null,
      content: new TextEncoder().encode(content),
    });
    assert.deepEqual(found?.named, models);
  });
}

Deno.test("modelsNamed() reads path and query as a lenient origin would, and nothing compressed", () => {
  const pattern = /\/(?:models|tunedModels)\/([^/:]+)/;
  const find = (path: string, query = "", encoding: string | null = null) =>
    modelsNamed({
      target: { path, query },
      pattern,
      type: "application/json",
      encoding,
      content: encoding === null ? undefined : new Uint8Array(),
    });
  for (
    const path of [
      "/v1/models/m:go",
      "/v1/models%2Fm:go",
      "/v1/mod%65ls/m:go",
      "/v1/models//m:go",
    ]
  ) {
    assert.deepEqual(find(path), { named: ["m"], mentioned: [] }, path);
  }
  assert.deepEqual(find("/v1/x", "?model=a&model=b"), {
    named: [],
    mentioned: ["a", "b"],
  });
  assert.equal(find("/v1/models/m:go", "", "gzip"), undefined);
});

Deno.test("covers() takes a glob for the whole name and nothing else as special", () => {
  assert.ok(covers("gpt-4*", "gpt-4o-mini"));
  assert.ok(covers("*", ""));
  assert.ok(covers("a.b", "a.b"));
  assert.ok(!covers("a.b", "axb"));
  assert.ok(!covers("gpt-4", "gpt-4o"));
  assert.ok(!covers("gpt-4*", "my-gpt-4"));
  assert.ok(covers("a*b*c", "a-b-b-c"));
  assert.ok(!covers("a*a", "a"));
  assert.ok(!covers("*a*a*a*b", "a".repeat(100_000)));
});

Deno.test("within() knows IPv4, IPv6 and mapped addresses, and nothing else", () => {
  assert.ok(within(["10.0.0.0/8"], "10.255.1.2"));
  assert.ok(within(["10.0.0.0/8"], "::ffff:10.1.2.3"));
  assert.ok(within(["2001:db8::/32"], "2001:db8:1::1"));
  assert.ok(within(["192.0.2.7"], "192.0.2.7"));
  assert.ok(!within(["10.0.0.0/8"], "11.0.0.1"));
  assert.ok(!within(["::/0"], "10.0.0.1"));
  assert.ok(!within(["10.0.0.0/8"], undefined));
  assert.ok(!within(["0.0.0.0/0"], "localhost"));
  for (
    const range of [
      "10.0.0.0/33",
      "10.0.0/8",
      "::/129",
      "x",
      "10.0.0.0/8/8",
      "10.0.0.0/ 8",
      "fe80::1%eth0/64",
    ]
  ) {
    assert.equal(parseRange(range), undefined, range);
  }
});

Deno.test("clientAddress() believes only what trusted proxies wrote", () => {
  const trusted = ["10.0.0.0/8"];
  assert.equal(clientAddress("203.0.113.9", "1.2.3.4", trusted), "203.0.113.9");
  assert.equal(
    clientAddress("10.0.0.1", "6.6.6.6, 1.2.3.4", trusted),
    "1.2.3.4",
  );
  assert.equal(
    clientAddress("10.0.0.1", "6.6.6.6, 1.2.3.4, 10.0.0.2", trusted),
    "1.2.3.4",
  );
  assert.equal(clientAddress("10.0.0.1", "1.2.3.4", []), "10.0.0.1");
  assert.equal(clientAddress("10.0.0.1", null, trusted), "10.0.0.1");
});

Deno.test("times are read strictly and written in whole seconds UTC", () => {
  assert.equal(toRfc3339(1_800_000_000), "2027-01-15T08:00:00Z");
  assert.equal(fromRfc3339("2027-01-15T09:00:00+01:00"), 1_800_000_000);
  for (
    const text of [
      "2027-01-15T08:00:00",
      "2027-02-29T00:00:00Z",
      "2027-1-1T00:00:00Z",
      "now",
      "",
    ]
  ) {
    assert.equal(fromRfc3339(text), undefined, text);
  }
  assert.equal(parseDuration("30d"), 2_592_000);
  assert.equal(parseDuration("1w"), undefined);
});

Deno.test("parseMoment() reads what the schedule of a pause needs", () => {
  const noon = new Date(2026, 10, 20, 12, 0, 30).getTime() / 1000;
  const at = (day: number, hour: number, minute = 0) =>
    new Date(2026, 10, day, hour, minute).getTime() / 1000;
  assert.equal(parseMoment("now", noon), noon);
  assert.equal(parseMoment("+30m", noon), noon + 1800);
  assert.equal(parseMoment("22:00", noon), at(20, 22));
  assert.equal(parseMoment("11:59", noon), at(21, 11, 59));
  assert.equal(parseMoment("12:00", noon), noon);
  assert.equal(parseMoment("2026-11-22 08:15", noon), at(22, 8, 15));
  assert.equal(parseMoment("2027-01-15T08:00:00Z", noon), 1_800_000_000);
  for (const text of ["24:00", "8:00", "2026-11-31 08:00", "+1", "tomorrow"]) {
    assert.equal(parseMoment(text, noon), undefined, text);
  }
});

Deno.test("createFlights() ends the silent ones and keeps no timer when all have landed", async () => {
  let now = 0;
  const flights = createFlights(() => now);
  const ended: string[] = [];
  const silent = flights.begin(() => void ended.push("silent"));
  const resting = flights.begin(() => void ended.push("resting"));
  silent.await(5);
  resting.await(5);
  resting.rest();
  now = 6_000;
  while (ended.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  assert.deepEqual([ended, silent.silent, resting.silent, flights.size], [
    ["silent"],
    true,
    false,
    1,
  ]);
  resting.land();
  assert.equal(flights.size, 0);
});

const ROWS = [
  { id: "openai", gateway: { slug: "openai", drops: true } },
  { id: "anthropic", gateway: { slug: "anthropic" } },
  { id: "ollama", own: true },
  { id: "morph" },
] as const;
const read = (env: Record<string, string>) => readSettings(env, ROWS);

Deno.test("readSettings() has documented defaults", () => {
  const settings = read({
    OPENAI_API_KEY: "sk-1, sk-2",
    OPENAI_UPSTREAM: "http://127.0.0.1:1/base/",
  });
  assert.deepEqual(settings, {
    port: 8787,
    host: "127.0.0.1",
    adminSecrets: [],
    adminWindow: 60,
    seal: {},
    pools: {
      openai: [{ id: "openai-1", key: "sk-1" }, {
        id: "openai-2",
        key: "sk-2",
      }],
      anthropic: [],
      morph: [],
    },
    origins: { openai: "http://127.0.0.1:1/base" },
    bare: [],
    fixed: {},
    custom: [],
    egress: {
      modes: { openai: "direct", anthropic: "direct", morph: "direct" },
      refusedSeconds: 600,
      lookSeconds: 10,
      replayBytes: 4_194_304,
    },
    data: "./.doppel",
    trustedProxies: [],
    maxBodyBytes: 1_073_741_824,
    metering: "all",
    firstByteSeconds: 900,
    idleSeconds: 900,
    pingSeconds: 0,
    keep: { hours: 72, days: 400, requests: 100 },
    log: "requests",
  });
});

const HOP_SECRET = "hop-secret-canary-0123456789abcdef";

Deno.test("readSettings() makes a primary of a URL and a secret, a hop of the secret alone", () => {
  const primary = read({
    EGRESS_HOP_URL: "https://hop.example/",
    EGRESS_HOP_SECRET: HOP_SECRET,
    EGRESS_ANTHROPIC: "hop",
  }).egress;
  assert.deepEqual(primary.hop, {
    url: "https://hop.example",
    secret: HOP_SECRET,
  });
  assert.equal(primary.entranceSecret, undefined);
  assert.deepEqual(primary.modes, {
    openai: "fallback",
    anthropic: "hop",
    morph: "fallback",
  });
  const hop = read({ EGRESS_HOP_SECRET: HOP_SECRET }).egress;
  assert.equal(hop.hop, undefined);
  assert.equal(hop.entranceSecret, HOP_SECRET);
});

Deno.test("readSettings() takes the secrets that seal, and needs none", () => {
  const [present, previous] = ["p".repeat(32), "q".repeat(32)];
  const both = { SEAL_SECRET: present, SEAL_SECRET_PREVIOUS: previous };
  assert.deepEqual(read(both).seal, { present, previous });
  const upstash = {
    UPSTASH_REDIS_REST_URL: "https://x",
    UPSTASH_REDIS_REST_TOKEN: "t",
    ADMIN_SECRET: "a".repeat(32),
  };
  assert.deepEqual(read(upstash).seal, {});
});

Deno.test("readSettings() takes the owner's own APIs: those of the table where they are, custom ones with wire and slot", () => {
  const { pools, origins, custom } = read({
    OLLAMA_UPSTREAM: "http://127.0.0.1:11434/v1/",
    CUSTOM_PROVIDERS: "lab, corp-2",
    LAB_UPSTREAM: "https://lab.example",
    CORP_2_UPSTREAM: "https://corp.example/llm",
    CORP_2_API_KEY: "k-1,k-2",
    CORP_2_WIRE: "anthropic",
    CORP_2_SLOT: "bearer",
  });
  assert.deepEqual(pools.ollama, [{ id: "ollama-1", key: "" }]);
  assert.deepEqual(pools.lab, [{ id: "lab-1", key: "" }]);
  assert.deepEqual(pools["corp-2"], [
    { id: "corp-2-1", key: "k-1" },
    { id: "corp-2-2", key: "k-2" },
  ]);
  assert.equal(origins.ollama, "http://127.0.0.1:11434/v1");
  assert.deepEqual(custom, [
    { id: "lab", origin: "https://lab.example", wire: "openai" },
    {
      id: "corp-2",
      origin: "https://corp.example/llm",
      wire: "anthropic",
      slot: "bearer",
    },
  ]);
  const { modes } = read({
    CUSTOM_PROVIDERS: "lab",
    LAB_UPSTREAM: "https://lab.example",
    EGRESS_HOP_URL: "https://hop.example",
    EGRESS_HOP_SECRET: HOP_SECRET,
    EGRESS_LAB: "direct",
  }).egress;
  assert.equal(modes.lab, "direct");
});

Deno.test("readSettings() reads fixed fields, and a gateway as origin, path and field", () => {
  const { fixed, origins, bare } = read({
    OPENAI_GATEWAY: "https://gateway.ai.cloudflare.com/v1/acc/gw/openai/",
    OPENAI_GATEWAY_TOKEN: "cf-token",
    OPENAI_HEADERS: "CF-Access-Client-Id: a.b ; cf-access-client-secret:c=d;",
    ANTHROPIC_GATEWAY: "https://gateway.ai.cloudflare.com/v1/acc/gw/anthropic",
    MORPH_GATEWAY: "https://gateway.ai.cloudflare.com/v1/acc/gw/custom-morph",
  });
  const base = "https://gateway.ai.cloudflare.com/v1/acc/gw";
  assert.deepEqual(origins, {
    openai: `${base}/openai`,
    anthropic: `${base}/anthropic`,
    morph: `${base}/custom-morph`,
  });
  assert.deepEqual(bare, [`${base}/openai`]);
  assert.deepEqual(fixed, {
    openai: [
      ["cf-aig-authorization", "Bearer cf-token"],
      ["cf-access-client-id", "a.b"],
      ["cf-access-client-secret", "c=d"],
    ],
  });
});

const CUSTOM = { LAB_UPSTREAM: "https://x" };
const GATEWAY = "https://gateway.ai.cloudflare.com/v1/acc/gw";

const stops: [name: string, env: Record<string, string>][] = [
  ...[
    ...["Lab", "1ab", "lab_1", "lab.1", "a".repeat(32), "lab,lab", "openai"],
    ...["ollama", "admin", "proxy", "hop", "healthz", "v1", "v1beta", "api"],
    // `EGRESS_HOP_URL` would be two settings.
    ...["hop-url", "refused-seconds"],
  ].map((ids): [string, Record<string, string>] => [
    "CUSTOM_PROVIDERS",
    { ...CUSTOM, CUSTOM_PROVIDERS: ids },
  ]),
  ["CUSTOM_PROVIDER", { CUSTOM_PROVIDER: "lab" }],
  ["LAB_UPSTREAM", { CUSTOM_PROVIDERS: "lab" }],
  ["LAB_UPSTREAM", CUSTOM],
  ["LAB_UPSTREAM", { CUSTOM_PROVIDERS: "lab", LAB_UPSTREAM: "canary" }],
  ["LAB_WIRE", { ...CUSTOM, CUSTOM_PROVIDERS: "lab", LAB_WIRE: "canary" }],
  ["LAB_SLOT", { ...CUSTOM, CUSTOM_PROVIDERS: "lab", LAB_SLOT: "canary" }],
  ["LAB_API_KEY", { ...CUSTOM, CUSTOM_PROVIDERS: "lab", LAB_API_KEY: "a b" }],
  ["OPENAI_SLOT", { OPENAI_SLOT: "bearer" }],
  ["OPENAI_WIRE", { OPENAI_WIRE: "openai" }],
  ["OLLAMA_UPSTREAM", { OLLAMA_API_KEY: "canary" }],
  ...[
    ...["canary", "authorization: canary", "X-Api-Key: canary", ": canary"],
    ...["host: canary", "connection: canary", "content-length: 1"],
    ...["transfer-encoding: chunked", "content-type: a/b", "te: trailers"],
    ...["x-doppel-a: canary", "doppel-a: canary", "proxy-authorization: c"],
    ...["sec-websocket-key: canary", "a b: canary", "x-a: canary; x-a: b"],
    ...["x-a:", "x-a: caf\u00e9", "x-a: canary\r\nx-b: c"],
    ...["cf-access-client-id: canary", "cf-access-client-secret: canary"],
  ].map((text): [string, Record<string, string>] => [
    "OPENAI_HEADERS",
    { OPENAI_HEADERS: text },
  ]),
  ["OPENAI_GATEWAY", { OPENAI_GATEWAY: `${GATEWAY}/anthropic` }],
  ["OPENAI_GATEWAY", { OPENAI_GATEWAY: GATEWAY }],
  ["OPENAI_GATEWAY", { OPENAI_GATEWAY: "canary" }],
  ["OPENAI_GATEWAY", { OPENAI_GATEWAY_TOKEN: "canary" }],
  ["OPENAI_GATEWAY", {
    OPENAI_GATEWAY: `${GATEWAY}/openai`,
    OPENAI_UPSTREAM: "https://x",
  }],
  ["OPENAI_GATEWAY_TOKEN", {
    OPENAI_GATEWAY: `${GATEWAY}/openai`,
    OPENAI_GATEWAY_TOKEN: "can ary",
  }],
  ["MORPH_GATEWAY", { MORPH_GATEWAY: `${GATEWAY}/morph` }],
  ["PORT", { PORT: "http" }],
  ["PORT", { PORT: "70000" }],
  ["ADMIN_SECRET", { ADMIN_SECRET: "short-canary" }],
  ["ADMIN_SECRET_PREVIOUS", { ADMIN_SECRET_PREVIOUS: "short-canary" }],
  ["ADMIN_SECRET", {
    UPSTASH_REDIS_REST_URL: "https://x",
    UPSTASH_REDIS_REST_TOKEN: "canary",
  }],
  ["SEAL_SECRET", { SEAL_SECRET: "short-canary" }],
  ["SEAL_SECRET_PREVIOUS", { SEAL_SECRET_PREVIOUS: "short-canary" }],
  ["SEAL_SECRETS", { SEAL_SECRETS: "canary" }],
  ["ADMIN_WINDOW_SECONDS", { ADMIN_WINDOW_SECONDS: "301" }],
  ["OPENAI_API_KEY", { OPENAI_API_KEY: "sk canary" }],
  ["OPENAI_UPSTREAM", { OPENAI_UPSTREAM: "api.openai.com" }],
  ["OPENAI_UPSTREAM", { OPENAI_UPSTREAM: "https://user:canary@x" }],
  ["OPENAI_UPSTREAM", { OPENAI_UPSTREAM: "https://x?key=canary" }],
  ["OPENA_UPSTREAM", { OPENA_UPSTREAM: "https://x" }],
  ["UPSTASH_REDIS_REST_TOKEN", { UPSTASH_REDIS_REST_URL: "https://x" }],
  ["UPSTASH_REDIS_REST_URL", { UPSTASH_REDIS_REST_TOKEN: "canary" }],
  ["DOPPEL_DIR", { DOPPEL_DIR: "/x" }],
  ["ADMIN_SECRETS", { ADMIN_SECRETS: "canary" }],
  ["PUBLIC_URL", { PUBLIC_URL: "doppel.example" }],
  ["TRUSTED_PROXIES", { TRUSTED_PROXIES: "10.0.0.0/8, all" }],
  ["MAX_BODY_BYTES", { MAX_BODY_BYTES: "1GB" }],
  ["TLS_KEY", { TLS_CERT: "canary.pem" }],
  ["TLS_CERT", { TLS_KEY: "canary.pem" }],
  ["IDLE_SECONDS", { IDLE_SECONDS: "0" }],
  ["SSE_PING_SECONDS", { SSE_PING_SECONDS: "-1" }],
  ["LOG", { LOG: "debug" }],
  ["EGRESS_HOP_SECRET", { EGRESS_HOP_URL: "https://hop.example" }],
  ["EGRESS_HOP_SECRET", { EGRESS_HOP_SECRET: "short-canary" }],
  ["EGRESS_HOP_URL", {
    EGRESS_HOP_URL: "https://hop.example/path",
    EGRESS_HOP_SECRET: HOP_SECRET,
  }],
  ["EGRESS_HOP_URL", {
    EGRESS_HOP_URL: "hop.example",
    EGRESS_HOP_SECRET: HOP_SECRET,
  }],
  ["EGRESS_OPENAI", { EGRESS_OPENAI: "hop" }],
  ["EGRESS_OPENAI", { EGRESS_OPENAI: "sometimes" }],
  ["EGRESS_OPENA", { EGRESS_OPENA: "direct" }],
  ["EGRESS_REFUSED_SECONDS", { EGRESS_REFUSED_SECONDS: "0" }],
  ["EGRESS_HOP_SECONDS", { EGRESS_HOP_SECONDS: "soon" }],
  ["REPLAY_BODY_BYTES", { REPLAY_BODY_BYTES: "4MiB" }],
];

for (const [name, env] of stops) {
  Deno.test(`readSettings() stops at ${JSON.stringify(env)}, names it, and repeats no value`, () => {
    assert.throws(() => read(env), (error) => {
      assert.ok(error instanceof SettingsError);
      assert.ok(error.message.startsWith(`${name} `), error.message);
      assert.doesNotMatch(error.message, /canary/);
      return true;
    });
  });
}

Deno.test("createCrowd() has much cleared once, again while it stays, and seldom where it comes and goes", () => {
  let time = 0;
  let cleared = 0;
  let takes = 40;
  const crowd = createCrowd(() => time, () => {
    cleared++;
    time += takes;
  });
  const fill = (most: number) => {
    for (let size = 1; size <= most; size++) crowd.grows(size);
  };
  fill(63);
  assert.equal(cleared, 0);
  fill(128);
  assert.equal(cleared, 2);
  const before = cleared;
  for (let i = 0; i < 59; i++) {
    fill(128);
    time += 1_000;
    crowd.stays(0, 0);
  }
  assert.equal(cleared, before, "a load that comes and goes");
  time += 1_000;
  crowd.stays(0, 0);
  fill(128);
  assert.equal(cleared, before + 2, "a minute later");

  cleared = 0;
  takes = 300;
  const began = time;
  while (time - began < 60_000) {
    time += 500;
    crowd.stays(128, 128);
  }
  assert.ok(cleared > 10);
  assert.ok(cleared * takes <= 60_000 / 10, `${cleared} times`);
  const stayed = cleared;
  time += 5_000;
  crowd.stays(128, 63);
  assert.equal(cleared, stayed, "few that are long");
  fill(1_000);
  assert.equal(cleared, stayed + 11, "then many more, by an eighth each");
  crowd.grows(2_000);
  time += 60_000;
  crowd.stays(2_000, 2_000);
  assert.equal(cleared, stayed + 11, "so many that all would notice");
});
