/** What a client sends is what the origin gets, but for the credential. */

import { SLOT } from "./expect.ts";
import { chunked, message, type Part } from "./raw.ts";
import { ask, BEARER, DOPPEL, type Row, send, T, table } from "./wire.ts";

const HOST = `host: ${DOPPEL}`;
const REST = "\x00\xff\r\n\r\n0\r\n\r\nPOST / HTTP/1.1\r\n\r\n";
const MALFORMED = { refused: "request_malformed", status: 400 } as const;

const chunkedContent = (...parts: Part[]) =>
  ask("POST /v1/x", ["transfer-encoding: chunked"], chunked(...parts));

const framing: Row[] = [
  ...["POST", "PUT", "PATCH", "DELETE"].flatMap((method): Row[] => [
    {
      name: `${method} with a length`,
      sends: send(`${method} /v1/x`, REST, ["content-type: a/b"]),
      reaches: {
        target: `${method} /v1/x`,
        fields: ["content-type: a/b"],
        content: REST,
      },
    },
    {
      name: `${method} in chunks`,
      sends: ask(`${method} /v1/x`, [
        "transfer-encoding: Chunked",
      ], chunked("one,", "two,", REST)),
      reaches: {
        target: `${method} /v1/x`,
        content: `one,two,${REST}`,
        framing: "chunked",
      },
    },
    {
      name: `${method} with a length of 0`,
      sends: send(`${method} /v1/x`, ""),
      reaches: { target: `${method} /v1/x`, framing: "length" },
      ...(method !== "POST" && method !== "PUT" && {
        on: {
          deno: {
            why: "its fetch writes a length of 0 for POST and PUT only",
            reaches: { target: `${method} /v1/x`, framing: "none" },
          },
        },
      }),
    },
    {
      name: `${method} without content`,
      sends: ask(`${method} /v1/x`),
      reaches: { target: `${method} /v1/x`, framing: "length" },
      ...(method !== "POST" && method !== "PUT" && {
        on: {
          deno: {
            why: "its fetch writes a length of 0 for POST and PUT only",
            reaches: { target: `${method} /v1/x`, framing: "none" },
          },
        },
      }),
    },
    {
      name: `${method} with no content in chunks`,
      sends: ask(
        `${method} /v1/x`,
        ["transfer-encoding: chunked"],
        chunked(),
      ),
      reaches: { target: `${method} /v1/x`, framing: "chunked" },
    },
  ]),
  ...[65_535, 65_536, 65_537, 200_000].flatMap((size): Row[] => [
    {
      name: `${size} bytes with a length`,
      sends: send("POST /v1/x", "x".repeat(size)),
      reaches: { target: "POST /v1/x", content: "x".repeat(size) },
    },
    {
      name: `${size} bytes in chunks`,
      sends: chunkedContent("x".repeat(size - 1), "y"),
      reaches: {
        target: "POST /v1/x",
        content: "x".repeat(size - 1) + "y",
        framing: "chunked",
      },
    },
  ]),
  {
    name: "content-encoding is the client's affair",
    sends: send("POST /v1/x", "\x1f\x8b\x08no gzip", [
      "content-encoding: gzip",
    ]),
    reaches: {
      target: "POST /v1/x",
      fields: ["content-encoding: gzip"],
      content: "\x1f\x8b\x08no gzip",
    },
  },
  {
    name: "expect: 100-continue is answered here and stays here",
    sends: send("POST /v1/x", "abc", ["expect: 100-continue"]),
    reaches: { target: "POST /v1/x", content: "abc" },
    gets: { informed: ["HTTP/1.1 100 Continue"] },
  },
  {
    name: "chunks with extensions",
    sends: ask("POST /v1/x", [
      "transfer-encoding: chunked",
    ], "3;a=b\r\nabc\r\n0;c\r\n\r\n"),
    reaches: { target: "POST /v1/x", content: "abc", framing: "chunked" },
  },
  {
    name: "trailers do not become fields",
    sends: ask("POST /v1/x", [
      "transfer-encoding: chunked",
      "trailer: x-api-key",
    ], `3\r\nabc\r\n0\r\nx-api-key: ${T}\r\n\r\n`),
    reaches: { target: "POST /v1/x", content: "abc", framing: "chunked" },
    on: {
      bun: {
        why: "its server refuses trailers, after the content has gone up",
        reaches: "broken",
        gets: { bare: 400 },
      },
    },
  },
];

const badLengths = [
  "content-length: 3, 3",
  "content-length: 3, 4",
  "content-length: +3",
  "content-length: -3",
  "content-length: 0x3",
  "content-length: 3 ;",
  "content-length: ",
  "content-length: abc",
  "content-length: 99999999999999999999",
];

const twoFramings: [string, readonly string[]][] = [
  ["two lengths", ["content-length: 15", "content-length: 4"]],
  ["two equal lengths", ["content-length: 15", "content-length: 15"]],
  ["length and chunks", ["content-length: 15", "transfer-encoding: chunked"]],
  ["chunks and length", ["transfer-encoding: chunked", "content-length: 15"]],
  ["chunks twice", ["transfer-encoding: chunked, chunked"]],
  ["chunks not last", ["transfer-encoding: chunked, gzip"]],
  ["chunks of another coding", ["transfer-encoding: gzip, chunked"]],
  ["no chunks", ["transfer-encoding: identity"]],
  ["almost chunks", ["transfer-encoding: xchunked"]],
  ["a vertical tab before chunks", ["transfer-encoding: \x0bchunked"]],
  ["a space before the colon", ["transfer-encoding : chunked"]],
];

/** What two readers could read differently is refused, never repaired. */
const malformed: Row[] = [
  ...badLengths.map((field): Row => ({
    name: `refused: ${field}`,
    sends: ask("POST /v1/x", [field], "abc"),
    reaches: null,
    gets: { bare: 400 },
  })),
  ...twoFramings.map(([name, fields]): Row => ({
    name: `refused: ${name}`,
    sends: ask("POST /v1/x", fields, "3\r\nabc\r\n0\r\n\r\n"),
    reaches: null,
    gets: { bare: 400 },
  })),
  {
    name: "GET with content",
    sends: send("GET /v1/x", "abc"),
    reaches: null,
    gets: MALFORMED,
  },
  {
    name: "GET with content in chunks",
    sends: ask("GET /v1/x", ["transfer-encoding: chunked"], chunked("abc")),
    reaches: null,
    gets: MALFORMED,
  },
  {
    name: "GET with a length of 0 has no content",
    sends: send("GET /v1/x", ""),
  },
  {
    name: "HEAD with content",
    sends: send("HEAD /v1/x", "abc"),
    reaches: null,
    gets: { bare: 400 },
  },
  ...["TRACE", "PROPFIND"].map((method): Row => ({
    name: `${method} is never forwarded`,
    sends: ask(`${method} /v1/x`),
    reaches: null,
    gets: MALFORMED,
  })),
  ...["BREW", "get"].map((method): Row => ({
    name: `${method} is never forwarded`,
    sends: ask(`${method} /v1/x`),
    reaches: null,
    gets: MALFORMED,
    on: {
      bun: {
        why: "its server closes on methods it does not know",
        reaches: null,
        gets: "closed",
      },
    },
  })),
  ...["CONNECT /v1/x", "CONNECT elsewhere.test:443"].map((target): Row => ({
    name: `${target} is never forwarded`,
    sends: ask(target),
    reaches: null,
    gets: { bare: 400 },
    last: true,
  })),
  {
    name: "OPTIONS is a preflight and never forwarded",
    sends: ask("OPTIONS /v1/x"),
    reaches: null,
    gets: { bare: 204 },
  },
  {
    name: "OPTIONS *",
    sends: ask("OPTIONS *"),
    reaches: null,
    gets: { bare: 204 },
    on: {
      bun: { why: "its server refuses it", reaches: null, gets: { bare: 400 } },
    },
  },
  ...[
    ["a space in a name", "x y: 1"],
    ["no name", ": 1"],
    ["a NUL in a value", "x-a: \x00"],
    ["a bare carriage return in a value", "x-a: a\rb"],
    ["a folded value", "x-a: a\r\n b"],
  ].map(([name, field]): Row => ({
    name: `refused: ${name}`,
    sends: ask("GET /v1/x", [field!]),
    reaches: null,
    gets: { bare: 400 },
  })),
  {
    name: "a line that ends without a carriage return",
    sends: `GET /v1/x HTTP/1.1\n${HOST}\n${BEARER}\n\n`,
    on: {
      bun: {
        why: "its server refuses what RFC 9112 §2.2 allows to accept",
        reaches: null,
        gets: { bare: 505 },
      },
    },
  },
  {
    name: "no Host",
    sends: message("GET /v1/x HTTP/1.1", [BEARER]),
    reaches: null,
    gets: { bare: 400 },
    on: { deno: { why: "its server does without, and so does doppel" } },
  },
  {
    name: "two Hosts",
    sends: ask("GET /v1/x", ["host: elsewhere.test"]),
    reaches: null,
    gets: { bare: 400 },
    on: { bun: { why: "its server joins them; no origin is chosen by them" } },
  },
  {
    name: "HTTP/1.0",
    sends: message("GET /v1/x HTTP/1.0", [HOST, BEARER]),
  },
];

const KEPT = [
  "x-utf8: \xc3\xa9\xe2\x82\xac",
  "x-latin1: \xe9",
  "x-inner: a  b\tc",
  "x-empty: ",
  "accept: text/event-stream",
  "accept-language: de",
  "user-agent: OpenAI/JS 7.55.0",
  "range: bytes=0-1",
  'if-none-match: "x"',
  "referer: http://doppel.test/",
  "origin: null",
  "anthropic-beta: a,b",
  "x-stainless-retry-count: 0",
  "idempotency-key: 1",
  "priority: u=1",
  "traceparent: 00-1-2-01",
  "via: 1.1 somebody",
  "cache-control: no-cache",
  "pragma: no-cache",
  "sec-fetch-mode: cors",
  "x-cf-not-theirs: 1",
  "xauthorization: 1",
];

const DROPPED = [
  "connection: keep-alive, X-Named, x-Other",
  "x-named: 1",
  "x-other: 1",
  "keep-alive: timeout=5",
  "proxy-connection: keep-alive",
  "proxy-authorization: Basic eDp5",
  "proxy-authenticate: Basic",
  "te: trailers",
  "trailer: x-sum",
  "upgrade: h2c",
  "http2-settings: AAMAAABkAARAAAAAAAIAAAAA",
  "accept-encoding: gzip, br",
  "cookie: a=b",
  "forwarded: for=192.0.2.1",
  "x-forwarded-for: 192.0.2.1",
  "x-forwarded-host: elsewhere.test",
  "x-forwarded-proto: https",
  "x-forwarded-anything: 1",
  "x-real-ip: 192.0.2.1",
  "cdn-loop: cloudflare",
  "cf-connecting-ip: 192.0.2.1",
  "cf-ray: 1",
  "cf-anything: 1",
  "openai-organization: org-holder",
  "openai-project: proj-holder",
  "anthropic-workspace-id: wrkspc-holder",
  "x-goog-user-project: holder",
];

const OTHER = "sk-a-real-key-left-here-0123456789";
const EVERY_SLOT = [
  `x-api-key: ${T}`,
  `x-goog-api-key: ${T}`,
  `api-key: ${T}`,
  `sec-websocket-protocol: realtime, openai-insecure-api-key.${T}`,
];

const fields: Row[] = [
  {
    name: "everything goes up as it is",
    sends: ask("GET /openai/v1/x", KEPT),
    reaches: { fields: KEPT },
    // CORS: an Origin is answered.
    gets: {
      fields: [
        "access-control-allow-origin: null",
        "access-control-expose-headers: x-goog-upload-url, x-goog-upload-status, x-goog-upload-chunk-granularity, x-request-id, request-id, retry-after",
        "vary: Origin",
      ],
    },
  },
  ...DROPPED.slice(3).map((field): Row => ({
    name: `stays here: ${field}`,
    sends: ask("GET /v1/x", [field]),
  })),
  { name: "all that stays here", sends: ask("GET /v1/x", DROPPED) },
  {
    name: "fields sent twice are joined (RFC 9110 §5.3)",
    sends: ask("GET /v1/x", [
      "x-twice: 1",
      "X-Twice: 2",
      "openai-beta: a",
      "openai-beta: b",
    ]),
    reaches: { fields: ["x-twice: 1, 2", "openai-beta: a, b"] },
  },
  ...(["openai", "anthropic", "gemini"] as const).map((api): Row => {
    const path = api === "gemini" ? "/v1beta/x" : "/v1/x";
    return {
      name: `every slot is emptied and ${api}'s is filled`,
      sends: ask(
        `GET /${api}${path}?key=${T}&access_token=${T}&api-key=${T}`,
        EVERY_SLOT,
      ),
      reaches: {
        target: `GET ${api === "gemini" ? "/base" : ""}${path}`,
        slot: SLOT[api],
      },
    };
  }),
  {
    name: "a real key in another slot stays here",
    sends: ask("GET /openai/v1/x", [
      `x-api-key: ${OTHER}`,
      `x-goog-api-key: ${OTHER}`,
      `api-key: ${OTHER}`,
    ]),
  },
  ...EVERY_SLOT.slice(0, 3).map((slot): Row => ({
    name: `a token in no other slot than ${slot.split(":")[0]}`,
    sends: message("GET /openai/v1/x HTTP/1.1", [HOST, slot]),
  })),
  {
    name: "Connection cannot name the key away",
    sends: ask("GET /openai/v1/x", [
      "connection: authorization, x-api-key, x-goog-api-key, api-key, host, accept-encoding",
      ...EVERY_SLOT,
    ]),
  },
  {
    name: "Connection cannot name the framing away",
    sends: send("POST /v1/x", "abc", [
      "connection: content-length, content-type",
      "content-type: a/b",
    ]),
    reaches: { target: "POST /v1/x", content: "abc" },
  },
  {
    name: "Connection cannot put the runtime's name in place of ours",
    sends: ask("GET /v1/x", [
      "connection: user-agent, accept",
      "user-agent: x",
      "accept: y",
    ]),
  },
  {
    name: "Connection twice",
    sends: ask("GET /v1/x", [
      "connection: x-a",
      "connection: x-b",
      "x-a: 1",
      "x-b: 1",
      "x-c: 1",
    ]),
    reaches: { fields: ["x-c: 1"] },
  },
  {
    name: "two authorization fields are no credential",
    sends: ask("GET /v1/x", [`authorization: Bearer ${OTHER}`]),
    reaches: null,
    gets: { refused: "token_missing", status: 401 },
  },
  {
    name: "the same authorization twice is none either",
    sends: ask("GET /v1/x", [BEARER]),
    reaches: null,
    gets: { refused: "token_missing", status: 401 },
  },
  {
    name: "two authorization fields beside a slot with the token",
    sends: ask("GET /openai/v1/x", [
      `authorization: Bearer ${OTHER}`,
      `x-api-key: ${T}`,
    ]),
  },
  {
    name: "Basic is no credential",
    sends: message("GET /v1/x HTTP/1.1", [HOST, "authorization: Basic eDp5"]),
    reaches: null,
    gets: { refused: "token_missing", status: 401 },
  },
];

table("framing of a request", framing);
table("malformed requests", malformed);
table("fields of a request", fields);
