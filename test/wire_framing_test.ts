/** A request's content arrives as it was framed; what could be read in two ways is refused. */

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
  },
  {
    name: "HTTP/1.0",
    sends: message("GET /v1/x HTTP/1.0", [HOST, BEARER]),
  },
];

table("framing of a request", framing);
table("malformed requests", malformed);
