/** Header fields go up and come down as they are, but for credentials and what is for one hop. */

import { SLOT } from "./expect.ts";
import { message } from "./raw.ts";
import {
  ask,
  BEARER,
  DOPPEL,
  reply,
  type Row,
  send,
  T,
  table,
} from "./wire.ts";

const HOST = `host: ${DOPPEL}`;

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

const up: Row[] = [
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

const down: Row[] = [
  {
    name: "fields keep their bytes: UTF-8, latin1, inner spaces, empty",
    answers: reply("200 OK", [
      "x-utf8: \xc3\xa9\xe2\x82\xac",
      "x-latin1: \xe9",
      "x-inner: a  b\tc",
      "x-empty: ",
    ], "ok"),
    gets: {
      fields: [
        "x-utf8: \xc3\xa9\xe2\x82\xac",
        "x-latin1: \xe9",
        "x-inner: a  b\tc",
        "x-empty: ",
      ],
    },
  },
  {
    name: "fields sent twice are joined (RFC 9110 §5.3)",
    answers: reply("200 OK", ["x-twice: 1", "x-twice: 2", "link: a, b"], "ok"),
    gets: { fields: ["x-twice: 1, 2", "link: a, b"] },
  },
  {
    name: "a type with its parameters",
    answers: reply(
      "200 OK",
      ["content-type: Application/JSON; Charset=UTF-8"],
      '{ "a" : 1 }',
    ),
    gets: {
      fields: ["content-type: Application/JSON; Charset=UTF-8"],
      content: '{ "a" : 1 }',
    },
  },
  {
    name: "no type where the origin gave none",
    answers: reply("200 OK", [], '{"a":1}'),
    gets: { content: '{"a":1}' },
  },
  {
    name:
      "what is for this hop, or would bind the client's browser to the origin",
    answers: reply("200 OK", [
      "connection: keep-alive, X-Named",
      "keep-alive: timeout=5",
      "x-named: 1",
      "proxy-authenticate: Basic",
      "proxy-connection: keep-alive",
      "te: trailers",
      "trailer: x-sum",
      "upgrade: h2c",
      "set-cookie: a=b",
      "set-cookie: c=d",
      'alt-svc: h3=":443"',
      "strict-transport-security: max-age=1",
      "x-kept: 1",
    ], "ok"),
    gets: { fields: ["x-kept: 1"] },
  },
  {
    name: "what SDKs read",
    answers: reply("200 OK", [
      "x-request-id: req_1",
      "request-id: req_2",
      "openai-processing-ms: 5",
      "x-ratelimit-remaining-requests: 9",
      "retry-after-ms: 20",
      "x-should-retry: true",
      "server-timing: a;dur=1",
      "date: Thu, 01 Jan 2026 00:00:00 GMT",
      "server: nginx",
    ], "ok"),
    gets: {
      fields: [
        "x-request-id: req_1",
        "request-id: req_2",
        "openai-processing-ms: 5",
        "x-ratelimit-remaining-requests: 9",
        "retry-after-ms: 20",
        "x-should-retry: true",
        "server-timing: a;dur=1",
        "date: Thu, 01 Jan 2026 00:00:00 GMT",
        "server: nginx",
      ],
    },
  },
  {
    name: "the origin's own safeguards stand",
    answers: reply("200 OK", [
      "cache-control: public",
      "content-security-policy: default-src 'none'",
      "x-content-type-options: nosniff",
    ], "ok"),
    gets: {
      fields: [
        "cache-control: public",
        "content-security-policy: default-src 'none'",
        "x-content-type-options: nosniff",
      ],
    },
  },
  {
    name: "Connection cannot take the safeguards away",
    answers: reply("200 OK", [
      "connection: content-security-policy, x-request-id, content-length",
      "content-security-policy: default-src 'none'",
    ], "ok"),
    gets: {},
  },
];

table("fields of a request", up);
table("fields of an answer", down);
