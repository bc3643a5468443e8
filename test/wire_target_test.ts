/** Path and query reach the origin byte for byte, and never another host or an unauthorised path. */

import { SLOT } from "./expect.ts";
import { message } from "./raw.ts";
import { REWRITTEN, UNTOUCHED } from "./targets.ts";
import { ask, BEARER, DOPPEL, type Row, T, table } from "./wire.ts";

const MALFORMED = { refused: "request_malformed", status: 400 } as const;
const NO_ROUTE = { refused: "no_route", status: 404 } as const;

const untouched: Row[] = UNTOUCHED.map((target) => ({
  name: target.slice(0, 60),
  sends: ask(`GET ${target}`),
  reaches: { target: `GET ${target}` },
}));

const rewritten: Row[] = REWRITTEN.map(([target, reaches]) => ({
  name: `${target} is percent-encoded`,
  sends: ask(`GET ${target}`),
  reaches: { target: `GET ${reaches}` },
}));

const collapsed: Row[] = [
  ["//v1/x", "/v1/x"],
  ["///v1//x", "/v1//x"],
  ["/openai/v1/x?a", "/v1/x?a"],
  ["/openai//v1/x", "/v1/x"],
  ["//openai/v1/x", "/v1/x"],
  ["/proxy/openai/v1/x", "/v1/x"],
].map(([target, reaches]) => ({
  name: `${target} is ${reaches}`,
  sends: ask(`GET ${target}`),
  reaches: { target: `GET ${reaches}` },
}));

const refused: Row[] = [
  "/v1/..%2fx",
  "/v1/%2e%2e%2fx",
  "/v1/a%2f..%2fx",
  "/v1/..;/x",
  "/v1/..;a=b/x",
  "/v1/..%3bx/y",
  "/v1/a%5cb",
  "/v1/..%5cx",
  "/v1/%00",
  "/v1/%0a",
  "/v1/%0d%0ax-injected:%201",
  "/v1/%1f",
  "/v1/%7f",
].map((target) => ({
  name: `${target} is refused`,
  sends: ask(`GET ${target}`),
  reaches: null,
  gets: MALFORMED,
}));

/**
 * Bun resolves these before any code of doppel's sees them. What comes of it
 * is authorised and forwarded as one and the same path.
 */
const resolved: Row[] = [
  { target: "/v1/a/../b", bun: { reaches: { target: "GET /v1/b" } } },
  { target: "/v1/a/%2e%2e/b", bun: { reaches: { target: "GET /v1/b" } } },
  { target: "/v1/a/.%2E/b", bun: { reaches: { target: "GET /v1/b" } } },
  { target: "/v1/x/%2e%2e", bun: { reaches: { target: "GET /v1/" } } },
  { target: "/v1/%2e", bun: { reaches: { target: "GET /v1/" } } },
  { target: "/v1/%2e%2e/x", bun: { reaches: null, gets: NO_ROUTE } },
  {
    target: "/openai/%2e%2e/admin/tokens",
    bun: { reaches: null, gets: { bare: 401 } },
  },
  { target: "/v1/./b", bun: { reaches: { target: "GET /v1/b" } } },
  { target: "/v1/b/..", bun: { reaches: { target: "GET /v1/" } } },
  { target: "/v1/b/.", bun: { reaches: { target: "GET /v1/b/" } } },
  { target: "/v1/a\\..\\b", bun: { reaches: { target: "GET /v1/b" } } },
  { target: "/v1/a\\b", bun: { reaches: { target: "GET /v1/a/b" } } },
  {
    target: "/v1/x/../organization/y",
    bun: {
      reaches: null,
      gets: { refused: "endpoint_denied", status: 403 } as const,
    },
  },
  {
    target: "/v1/x/..\\organization/y",
    bun: {
      reaches: null,
      gets: { refused: "endpoint_denied", status: 403 } as const,
    },
  },
  {
    target: "/openai/../admin/tokens",
    bun: { reaches: null, gets: { bare: 401 } },
  },
  { target: "/../../../v1/b", bun: { reaches: { target: "GET /v1/b" } } },
  {
    target: "/v1/../../elsewhere",
    bun: { reaches: null, gets: NO_ROUTE },
  },
  { target: "/\\elsewhere.test/v1/x", bun: { reaches: null, gets: NO_ROUTE } },
].map(({ target, bun }) => ({
  name: `${target} reaches nothing unauthorised`,
  sends: ask(`GET ${target}`),
  reaches: null,
  gets: MALFORMED,
  on: { bun: { why: "its server resolves dots and backslashes", ...bun } },
}));

/** Bytes that no target may hold; the servers see to them. */
const raw: Row[] = [
  { target: "/v1/a\x7fb" },
  { target: "v1/x" },
  { target: "?x" },
  { target: "/v1/a\tb", bun: { bare: 505 } },
  { target: "/v1/a\x01b", bun: { bare: 505 } },
  { target: "/v1/x?a=\tb", bun: { bare: 505 } },
  { target: "/v1/x?a=\x01", bun: { bare: 505 } },
].map(({ target, bun }) => ({
  name: `${JSON.stringify(target)} is refused`,
  sends: ask(`GET ${target}`),
  reaches: null,
  gets: { bare: 400 },
  ...(bun && {
    on: { bun: { why: "its server's own status", reaches: null, gets: bun } },
  }),
}));

const rawDelete: Row = {
  name: "a raw DEL in the query",
  sends: ask("GET /v1/x?a=\x7f"),
  reaches: null,
  gets: { bare: 400 },
  on: {
    bun: {
      why: "its server lets it in; the URL parser encodes it",
      reaches: { target: "GET /v1/x?a=%7F" },
    },
  },
};

const hosts: Row[] = [
  {
    name: "an absolute target names no host",
    sends: ask("GET http://elsewhere.test/v1/x?a"),
    reaches: { target: "GET /v1/x?a" },
  },
  {
    name: "an absolute target with a user",
    sends: ask("GET http://user@elsewhere.test/v1/x"),
  },
  {
    name: "an absolute target with another scheme and port",
    sends: ask("GET https://elsewhere.test:1/v1/x"),
  },
  {
    name: "an absolute target without a path",
    sends: ask("GET http://elsewhere.test"),
    reaches: null,
    gets: NO_ROUTE,
  },
  {
    name: "a lying Host",
    sends: message("GET /v1/x HTTP/1.1", ["host: elsewhere.test:1", BEARER]),
  },
  {
    name: "a path that begins like an authority",
    sends: ask("GET //elsewhere.test/v1/x"),
    reaches: null,
    gets: NO_ROUTE,
  },
  {
    name: "a path that looks like the end of an authority",
    sends: ask("GET /@elsewhere.test/v1/x"),
    reaches: null,
    gets: NO_ROUTE,
  },
  {
    name: "a port in the path",
    sends: ask("GET /:80@elsewhere.test/v1/x"),
    reaches: null,
    gets: NO_ROUTE,
  },
  {
    name: "an origin's base path is kept before the path",
    sends: ask("GET /gemini/v1beta/x?a"),
    reaches: { target: "GET /base/v1beta/x?a", slot: SLOT.gemini },
  },
  {
    name: "a fragment goes no further",
    sends: ask("GET /v1/x?a#b"),
    reaches: { target: "GET /v1/x?a" },
  },
];

const HOST = `host: ${DOPPEL}`;
const gemini = (query: string) => `GET /base/v1beta/x${query}`;

/** Credential parameters are cut out; every other byte stays. */
const cut: Row[] = [
  [`?key=${T}`, ""],
  [`?key=${T}&alt=sse`, "?alt=sse"],
  [`?alt=sse&key=${T}`, "?alt=sse"],
  [`?a&key=${T}&&b=%20,&`, "?a&&b=%20,&"],
  [`?%6bey=${T}`, ""],
  [`?%6B%65%79=${T}&x`, "?x"],
  [`?KEY=${T}&x`, "?x"],
  [`?access_token=${T}&x`, "?x"],
  [`?access%5ftoken=${T}&x`, "?x"],
  [`?api-key=${T}&x`, "?x"],
  [`?key=${T}&key=${T}&x`, "?x"],
  [`?key=${T}&key=&key&x`, "?x"],
  [`?key=${T}&monkey=1&keys=2&key.a=3`, "?monkey=1&keys=2&key.a=3"],
  [`?key=${T}&key=another-real-key-of-20-characters&x`, "?x"],
].map(([query, rest]) => ({
  name: `${query!.replaceAll(T, "T")} goes up as ${rest || "nothing"}`,
  sends: message(`GET /gemini/v1beta/x${query} HTTP/1.1`, [HOST]),
  reaches: { target: gemini(rest!), slot: SLOT.gemini },
}));

table("targets, untouched", [...untouched, ...rewritten, ...collapsed]);
table("targets, refused", [...refused, ...resolved, ...raw, rawDelete]);
table("targets, hosts", hosts);
table("targets, credentials", cut);
