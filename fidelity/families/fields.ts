/** Header fields, both ways. */

import type { Case } from "../case.ts";
import { utf8 } from "../message.ts";

const UP: Readonly<Record<string, readonly string[]>> = {
  "an unknown field": ["x-unheard-of: 1"],
  "names in any case": ["X-ODD-Case: 1", "accept: Text/Event-Stream"],
  "empty": ["x-empty:"],
  "space within and around": ["x-inner: a  b\tc  "],
  "UTF-8": [utf8("x-utf8: é€😀")],
  "latin1": ["x-latin1: \xe9"],
  "8 KiB": [`x-long: ${"v".repeat(8000)}`],
  "60 fields": Array.from({ length: 60 }, (_, i) => `x-many-${i}: ${i}`),
  "one name twice, in order": ["x-twice: 2", "x-other: a", "X-Twice: 1"],
  "one name twice, with commas in it": [
    'x-list: a, "b,c"',
    "x-list: d;q=0.5",
  ],
  "openai-beta": ["openai-beta: assistants=v2", "openai-beta: realtime=v1"],
  "anthropic-beta": [
    "anthropic-version: 2023-06-01",
    "anthropic-beta: prompt-caching-2024-07-31,computer-use-2025-01-24",
  ],
  "anthropic-beta twice": ["anthropic-beta: b-2", "anthropic-beta: a-1"],
  "x-goog": ["x-goog-api-client: genai-js/1.0 gl-node/20"],
  "what SDKs send": [
    "accept: application/json",
    "user-agent: OpenAI/JS 7.55.0",
    "x-stainless-arch: x64",
    "x-stainless-lang: js",
    "x-stainless-os: Linux",
    "x-stainless-package-version: 7.55.0",
    "x-stainless-retry-count: 0",
    "x-stainless-runtime: node",
    "x-stainless-runtime-version: v20.20.2",
    "x-stainless-timeout: 600",
  ],
  "idempotency-key": ["idempotency-key: stainless-node-retry-1"],
  "tracing": ["traceparent: 00-1-2-01", "tracestate: a=1", "x-request-id: c"],
  "conditions": ['if-none-match: "x", W/"y"', "range: bytes=0-1"],
  "caching": ["cache-control: no-cache", "pragma: no-cache"],
  "a browser's": [
    "accept-language: de, en;q=0.5",
    "referer: http://elsewhere.test/",
    "sec-fetch-mode: cors",
    "priority: u=1, i",
  ],
  "a browser's origin": ["origin: https://page.test"],
  "the account": ["openai-organization: org-1", "openai-project: proj-1"],
  "a cookie": ["cookie: a=b; c=d"],
  "of other intermediaries": [
    "x-forwarded-for: 192.0.2.1",
    "x-real-ip: 192.0.2.1",
    "via: 1.1 somebody",
  ],
  "accept-encoding": ["accept-encoding: gzip, br;q=0.5"],
  "for this connection only": [
    "connection: keep-alive, X-Named",
    "x-named: 1",
    "keep-alive: timeout=5",
    "proxy-connection: close",
    "te: trailers",
    "x-not-named: 1",
  ],
  "an upgrade that nobody takes": [
    "connection: upgrade",
    "upgrade: h2c-unheard-of",
  ],
};

const DOWN: Readonly<Record<string, readonly string[]>> = {
  "an unknown field": ["x-unheard-of: 1"],
  "bytes": [
    utf8("x-utf8: é€"),
    "x-latin1: \xe9",
    "x-inner: a  b\tc",
    "x-empty:",
  ],
  "one name twice, in order": ["x-twice: 2", "x-other: a", "x-twice: 1"],
  "a type and its parameters": [
    'content-type: Application/JSON; Charset=UTF-8; x="y"',
  ],
  "8 KiB": [`x-long: ${"v".repeat(8000)}`],
  "60 fields": Array.from({ length: 60 }, (_, i) => `x-many-${i}: ${i}`),
  "server and date": [
    "server: uvicorn",
    "date: Thu, 01 Jan 2026 00:00:00 GMT",
  ],
  "the origin's safeguards": [
    "cache-control: public, max-age=1",
    "content-security-policy: default-src 'none'",
    "x-content-type-options: nosniff",
  ],
  "links": ["link: </a>; rel=next", "link: </b>; rel=last"],
  "entity tag and age": ['etag: W/"1"', "age: 5", "last-modified: never"],
  "disposition": [
    "content-type: audio/mpeg",
    'content-disposition: attachment; filename="a b.mp3"',
  ],
  "a CDN's": ["cf-ray: 1-FRA", "cf-cache-status: DYNAMIC", "x-served-by: a"],
  "state for browsers": [
    "set-cookie: __cf_bm=1; path=/",
    "set-cookie: b=2",
    'alt-svc: h3=":443"',
    "strict-transport-security: max-age=1",
  ],
  "for this connection only": [
    "connection: keep-alive, X-Named",
    "x-named: 1",
    "keep-alive: timeout=5",
    "x-not-named: 1",
  ],
};

export const fields: readonly Case[] = [
  ...Object.entries(UP).map(([name, fields]) => ({
    name: `up: ${name}`,
    sends: { fields },
  })),
  ...Object.entries(UP).map(([name, fields]) => ({
    name: `up to a chat: ${name}`,
    sends: {
      method: "POST",
      target: "/v1/chat/completions",
      fields: ["content-type: application/json", ...fields],
      content: '{"model":"gpt-4o","messages":[]}',
    },
  })),
  ...Object.entries(DOWN).map(([name, fields]) => ({
    name: `down: ${name}`,
    answers: { fields },
  })),
  {
    name: "up: no type",
    sends: { method: "POST", content: "{}", untyped: true },
  },
  { name: "down: no type", answers: { untyped: true } },
];
