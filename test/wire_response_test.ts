/** What an origin answers is what the client gets. */

import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import { bytes, chunked, message } from "./raw.ts";
import { SLOT } from "./expect.ts";
import { ask, DOPPEL, reply, type Row, send, table } from "./wire.ts";

const HELLO = "hello ".repeat(100);

/** doppel asks for identity; an origin that compresses all the same is passed on as it is. */
const codings: Row[] = [
  ["gzip", gzipSync(HELLO)] as const,
  ["x-gzip", gzipSync(HELLO)] as const,
  ["GZIP", gzipSync(HELLO)] as const,
  ["br", brotliCompressSync(HELLO)] as const,
  ["zstd", zstdCompressSync(bytes(HELLO))] as const,
  ["deflate", deflateSync(HELLO)] as const,
  ["deflate", deflateRawSync(HELLO)] as const,
  ["gzip, gzip", gzipSync(gzipSync(HELLO))] as const,
  ["unheard-of", HELLO] as const,
  ["identity", HELLO] as const,
  ["gzip", "this is no gzip"] as const,
  ["br", "this is no brotli"] as const,
  ["gzip", gzipSync(HELLO).subarray(0, 20)] as const,
].flatMap(([coding, content]) => {
  const fields = [`content-encoding: ${coding}`, "content-type: text/plain"];
  const what = `${coding}, ${content.length} bytes from ${content[0]}`;
  return [
    {
      name: `untouched: ${what}`,
      answers: reply("200 OK", fields, content),
      gets: { fields, content, framing: "length" },
    },
    {
      name: `untouched, in chunks: ${what}`,
      answers: message("HTTP/1.1 200 OK", [
        ...fields,
        "transfer-encoding: chunked",
      ], chunked(content)),
      gets: { fields, content },
    },
  ] satisfies Row[];
});

const NO_BODY = { content: "", framing: "none" } as const;

const statuses: Row[] = [
  {
    name: "204",
    answers: message("HTTP/1.1 204 No Content", ["x-a: b"]),
    gets: { ...NO_BODY, status: 204, fields: ["x-a: b"] },
  },
  {
    name: "205",
    answers: reply("205 Reset Content"),
    gets: { status: 205, content: "", framing: "length" },
    on: {
      deno: {
        why: "its server drops the length of a 205, even one that is set",
        gets: { ...NO_BODY, status: 205 },
      },
    },
  },
  {
    name: "304 with an entity tag and a length that is not its own",
    answers: message("HTTP/1.1 304 Not Modified", [
      "content-length: 1234",
      'etag: "x"',
    ]),
    gets: { content: "", framing: 1234, status: 304, fields: ['etag: "x"'] },
    on: {
      deno: {
        why: "its server drops the length of a 304",
        gets: { ...NO_BODY, status: 304, fields: ['etag: "x"'] },
      },
    },
  },
  ...[200, 404, 429, 529].map((status): Row => ({
    name: `HEAD ${status}`,
    sends: ask("HEAD /v1/x"),
    answers: message(`HTTP/1.1 ${status} X`, [
      "content-length: 1234",
      "content-type: a/b",
    ]),
    reaches: { target: "HEAD /v1/x" },
    gets: {
      status,
      fields: ["content-type: a/b"],
      content: "",
      framing: 1234,
    },
  })),
  {
    // Both servers write a length of 0 where an answer to HEAD has none.
    name: "HEAD of what has no length",
    sends: ask("HEAD /v1/x"),
    answers: message("HTTP/1.1 200 OK", ["transfer-encoding: chunked"]),
    reaches: { target: "HEAD /v1/x" },
    gets: { content: "", framing: 0 },
  },
  ...[201, 202, 206, 226, 299, 400, 402, 404, 413, 418, 429, 451, 499, 500]
    .concat([501, 503, 529, 530, 599]).map((status): Row => ({
      name: `${status} passes, an error too`,
      answers: reply(`${status} Whatever`, ["retry-after: 7"], "text"),
      gets: { status, fields: ["retry-after: 7"], content: "text" },
    })),
  ...[600, 799, 999].map((status): Row => ({
    name: `${status} is no status`,
    answers: reply(`${status} Whatever`, [], "text"),
    gets: { refused: "origin_unreachable", status: 502 },
  })),
  {
    name: "101, for which nobody asked",
    answers: message("HTTP/1.1 101 Switching Protocols", [
      "connection: upgrade",
      "upgrade: x",
    ]),
    gets: { refused: "origin_unreachable", status: 502 },
  },
  {
    name: "what precedes the answer stays here, the answer comes",
    answers: bytes(
      message("HTTP/1.1 100 Continue"),
      message("HTTP/1.1 102 Processing"),
      message("HTTP/1.1 103 Early Hints", ["link: </x>"]),
      reply("200 OK", ["link: </y>"], "final"),
    ),
    gets: { fields: ["link: </y>"], content: "final", informed: [] },
  },
  {
    name: "no content at all",
    answers: reply("200 OK"),
    gets: { content: "" },
  },
  {
    name: "no content, in chunks",
    answers: message(
      "HTTP/1.1 200 OK",
      ["transfer-encoding: chunked"],
      chunked(),
    ),
    gets: { content: "" },
  },
  {
    name: "content that ends with the connection",
    answers: message("HTTP/1.1 200 OK", ["connection: close"], "until the end"),
    closes: true,
    gets: { content: "until the end" },
  },
  {
    name: "HTTP/1.0",
    answers: message("HTTP/1.0 200 OK", [], "until the end"),
    closes: true,
    gets: { content: "until the end" },
  },
  {
    name: "a length stays a length",
    answers: reply("200 OK", [], "x".repeat(100_000)),
    gets: { content: "x".repeat(100_000), framing: "length" },
  },
  {
    name: "chunks with extensions and trailers",
    answers: message(
      "HTTP/1.1 200 OK",
      ["transfer-encoding: chunked", "trailer: x-sum"],
      "3;a=b\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n",
    ),
    gets: { content: "abc" },
  },
];

const fields: Row[] = [
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

const HERE = `http://${DOPPEL}`;

/** Redirects are never followed; those to the origin would lead around doppel. */
const redirects: Row[] = [
  ...[301, 302, 303, 307, 308].flatMap((status): Row[] => [
    {
      name: `${status} comes back to doppel`,
      answers: reply(
        `${status} Elsewhere`,
        ["location: {origin}/v1/y?a=%20b#c"],
        "see there",
      ),
      gets: {
        status,
        fields: [`location: ${HERE}/v1/y?a=%20b#c`],
        content: "see there",
      },
    },
    {
      name: `${status} to a POST is not obeyed either`,
      sends: send("POST /v1/x", "content"),
      answers: reply(`${status} Elsewhere`, ["location: {origin}/v1/y"]),
      reaches: { target: "POST /v1/x", content: "content" },
      gets: { status, fields: [`location: ${HERE}/v1/y`], content: "" },
    },
  ]),
  {
    name: "the prefix is put back",
    sends: ask("GET /openai/v1/x"),
    answers: reply("302 Found", ["location: {origin}/v1/y"]),
    gets: {
      status: 302,
      fields: [`location: ${HERE}/openai/v1/y`],
      content: "",
    },
  },
  {
    name: "the origin's base path is taken off",
    sends: ask("GET /gemini/v1beta/x"),
    answers: reply("302 Found", ["location: {origin}/base/v1beta/y"]),
    reaches: { target: "GET /base/v1beta/x", slot: SLOT.gemini },
    gets: {
      status: 302,
      fields: [`location: ${HERE}/gemini/v1beta/y`],
      content: "",
    },
  },
  ...[
    "/v1/y",
    "y?z",
    "https://elsewhere.test/v1/y",
    "{origin}.elsewhere.test/v1/y",
    "{origin}1/v1/y",
    "https://user@elsewhere.test/?u={origin}/",
  ].map((location): Row => ({
    name: `a location that is not the origin's stays: ${location}`,
    answers: reply("302 Found", [`location: ${location}`]),
    gets: { status: 302, fields: [`location: ${location}`], content: "" },
  })),
  {
    name: "the origin alone",
    answers: reply("302 Found", ["location: {origin}"]),
    gets: { status: 302, fields: [`location: ${HERE}`], content: "" },
  },
  {
    name: "a resumable upload goes on through doppel",
    sends: send("POST /upload/v1beta/files", "{}", [
      "x-goog-upload-command: start",
    ]),
    answers: reply("200 OK", [
      "x-goog-upload-url: {origin}/base/upload/v1beta/files?upload_id=1",
      "x-goog-upload-control-url: {origin}/base/upload/v1beta/files?upload_id=2",
      "content-location: {origin}/base/v1beta/files/1",
      "x-goog-upload-status: active",
    ]),
    reaches: {
      target: "POST /base/upload/v1beta/files",
      slot: SLOT.gemini,
      fields: ["x-goog-upload-command: start"],
      content: "{}",
    },
    gets: {
      fields: [
        `x-goog-upload-url: ${HERE}/upload/v1beta/files?upload_id=1`,
        `x-goog-upload-control-url: ${HERE}/upload/v1beta/files?upload_id=2`,
        `content-location: ${HERE}/v1beta/files/1`,
        "x-goog-upload-status: active",
      ],
      content: "",
    },
  },
];

table("codings", codings);
table("statuses and framing", statuses);
table("fields of an answer", fields);
table("redirects", redirects);
