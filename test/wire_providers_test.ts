/** Rows of the table and the owner's own APIs over real connections: nothing a client writes chooses where its request goes. */

import { keepSecret } from "./evidence.ts";
import { message } from "./raw.ts";
import { ALL_KEYS } from "./subject.ts";
import { ask, BEARER, DOPPEL, type Row, send, T, table } from "./wire.ts";

const GROQ = `authorization: Bearer ${ALL_KEYS.groq}`;
const ACCESS_SECRET = "access-canary-of-the-wire-81d2";
keepSecret(ACCESS_SECRET);

const env = (url: string) => ({
  GROQ_UPSTREAM: `${url}/openai`,
  MISTRAL_UPSTREAM: `${url}/v1`,
  MISTRAL_HEADERS:
    `cf-access-client-id: id; cf-access-client-secret: ${ACCESS_SECRET}; x-team: ours`,
  CUSTOM_PROVIDERS: "lab",
  LAB_UPSTREAM: `${url}/llm/v1`,
});

const groq = { target: "GET /openai/v1/models", slot: GROQ } as const;
const NO_ROUTE = { refused: "no_route", status: 404 } as const;
const MALFORMED = { refused: "request_malformed", status: 400 } as const;

const reached: Row[] = [
  ...[
    ...["/groq/v1/models", "/groq/openai/v1/models", "/groq/models"],
    ...["/proxy/groq/v1/models", "//groq/v1/models", "/groq//v1/models"],
  ].map((path): Row => ({
    name: `${path} is Groq's`,
    sends: ask(`GET ${path}`),
    reaches: groq,
  })),
  {
    name: "an absolute target names no host, but a row",
    sends: ask("GET http://elsewhere.test/groq/v1/models"),
    reaches: groq,
  },
  {
    name: "X-Host-Final names a row, and stays here",
    sends: ask("GET /v1/models", ["X-Host-Final: api.groq.com"]),
    reaches: groq,
  },
  {
    name: "a name before the path wins over X-Host-Final",
    sends: ask("GET /groq/v1/models", ["x-host-final: elsewhere.test"]),
    reaches: groq,
  },
  {
    name: "an origin that ends in /v1 takes the place of the path's",
    sends: ask("GET /mistral/v1/models?a=%20b", ["x-team: theirs"]),
    reaches: {
      target: "GET /v1/models?a=%20b",
      slot: `authorization: Bearer ${ALL_KEYS.mistral}`,
      fields: [
        "cf-access-client-id: id",
        `cf-access-client-secret: ${ACCESS_SECRET}`,
        "x-team: ours",
      ],
    },
  },
  {
    name: "an API of the owner's own has no key: no slot is written",
    sends: ask("GET /lab/v1/models", [`x-api-key: ${T}`]),
    reaches: { target: "GET /llm/v1/models", slot: null },
  },
  {
    name: "fields that other gateways obey are fields",
    sends: message("GET /groq/v1/models HTTP/1.1", [
      "host: elsewhere.test:81",
      BEARER,
      "x-forwarded-host: elsewhere.test",
      "forwarded: host=elsewhere.test",
      "x-portkey-custom-host: http://elsewhere.test",
      "x-base-url: http://elsewhere.test",
      "x-original-url: http://elsewhere.test/admin",
    ]),
    reaches: {
      ...groq,
      fields: [
        "x-portkey-custom-host: http://elsewhere.test",
        "x-base-url: http://elsewhere.test",
        "x-original-url: http://elsewhere.test/admin",
      ],
    },
  },
  {
    name: "members that other gateways obey are content",
    sends: send(
      "POST /groq/v1/chat/completions",
      '{"model":"m","api_base":"http://elsewhere.test","user_config":{"api_base":"http://elsewhere.test"}}',
    ),
    reaches: {
      target: "POST /openai/v1/chat/completions",
      slot: GROQ,
      content:
        '{"model":"m","api_base":"http://elsewhere.test","user_config":{"api_base":"http://elsewhere.test"}}',
    },
  },
];

const hosts: Row[] = [
  ...["elsewhere.test", "api.groq.com.elsewhere.test", "x@api.groq.com", "*"],
  ...["https://api.groq.com", "api.groq.com/x", "groq", "api.groq.com:443", ""],
].map((host) => ({
  name: `X-Host-Final: ${JSON.stringify(host)} is nobody's`,
  sends: ask("GET /v1/models", [`X-Host-Final: ${host}`]),
  reaches: null,
  gets: NO_ROUTE,
}));

const twice: Row = {
  name: "two of X-Host-Final are nobody's",
  sends: ask("GET /v1/models", [
    "x-host-final: api.groq.com",
    "x-host-final: api.x.ai",
  ]),
  reaches: null,
  gets: NO_ROUTE,
};

const refused: Row[] = [
  ...[
    ...[
      "/groq",
      "/groq/",
      "/groq/v1",
      "/groq/v1/x",
      "/groq/@elsewhere.test/v1",
    ],
    ...["/groq//elsewhere.test/v1/models", "/groq/:80@elsewhere.test/models"],
    ...["/groq/v1beta/models", "/groq/%2F%2Felsewhere.test/v1/models"],
    ...["/groq/v1//models", "/groq/v1/MODELS", "/groq/v1/chat%2Fcompletions"],
    ...["/GROQ/v1/models", "/%67roq/v1/models", "/proxy/nobody/v1/models"],
    ...["/groq/http://elsewhere.test/v1/models", "/lab@elsewhere.test/v1/x"],
  ].map((path): Row => ({
    name: `${path} is nobody's`,
    sends: ask(`GET ${path}`),
    reaches: null,
    gets: NO_ROUTE,
  })),
  ...[
    ...["/groq/..%2f..%2fadmin", "/groq/v1/%2e%2e%2fx", "/groq/%5celsewhere"],
    ...["/groq/v1/models%0d%0ahost:%20x", "/groq/v1/%00", "/groq/..;/v1"],
  ].map((path): Row => ({
    name: `${path} is refused`,
    sends: ask(`GET ${path}`),
    reaches: null,
    gets: MALFORMED,
  })),
  {
    name: "another method than a path has",
    sends: ask("DELETE /groq/v1/chat/completions"),
    reaches: null,
    gets: { refused: "method_not_allowed", status: 405, allow: "POST" },
  },
  {
    name: "another method than a list has",
    sends: send("PUT /groq/v1/models", "{}"),
    reaches: null,
    gets: { refused: "method_not_allowed", status: 405, allow: "GET, HEAD" },
  },
  {
    name: "a path that goes up from a row",
    sends: ask("GET /groq/v1/../../admin/tokens"),
    reaches: null,
    gets: MALFORMED,
    on: {
      bun: {
        why: "its server resolves dots and backslashes",
        reaches: null,
        gets: { bare: 401 },
      },
    },
  },
  {
    name: "a path that goes from one row to another",
    sends: ask("GET /groq/..\\lab\\v1\\models"),
    reaches: null,
    gets: MALFORMED,
    on: {
      bun: {
        why: "its server resolves dots and backslashes",
        reaches: { target: "GET /llm/v1/models", slot: null },
      },
    },
  },
  {
    name: "Host alone chooses no row",
    sends: message("GET /v1/none HTTP/1.1", [`host: api.groq.com`, BEARER]),
    reaches: { target: "GET /v1/none" },
  },
  {
    name: "an absolute target chooses no row",
    sends: message("GET http://api.groq.com/v1/none HTTP/1.1", [
      `host: ${DOPPEL}`,
      BEARER,
    ]),
    reaches: { target: "GET /v1/none" },
  },
];

table("providers, reached", reached, env);
table("providers, by host", [...hosts, twice], env);
table("providers, refused", refused, env);
