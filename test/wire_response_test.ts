/** What an origin answers is what the client gets. */

import {
  brotliCompressSync,
  deflateRawSync,
  deflateSync,
  gzipSync,
  zstdCompressSync,
} from "node:zlib";
import { bytes, chunked, message } from "./raw.ts";
import { type Reaches, SLOT, type WireName } from "./expect.ts";
import { ask, reply, type Row, table } from "./wire.ts";

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

const WIRES: readonly [WireName, prefix: string, Reaches][] = [
  ["openai", "/openai", {}],
  ["anthropic", "/anthropic", { slot: SLOT.anthropic }],
  ["google", "/gemini", { target: "GET /base/v1/x", slot: SLOT.gemini }],
];

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
  ...WIRES.flatMap(([wire, prefix, reaches]): Row[] => [
    ...[600, 799, 999].map((status): Row => ({
      name: `${status} is no status, said on the wire of ${wire}`,
      sends: ask(`GET ${prefix}/v1/x`),
      answers: reply(`${status} Whatever`, [], "text"),
      reaches,
      gets: { refused: "origin_unreachable", status: 502, wire },
    })),
    {
      name: `101, for which nobody asked, said on the wire of ${wire}`,
      sends: ask(`GET ${prefix}/v1/x`),
      answers: message("HTTP/1.1 101 Switching Protocols", [
        "connection: upgrade",
        "upgrade: x",
      ]),
      reaches,
      gets: { refused: "origin_unreachable", status: 502, wire },
    },
  ]),
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

table("codings", codings);
table("statuses", statuses);
