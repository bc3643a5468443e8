/** Errors of an origin, verbatim, and what clients wait and report by. */

import type { Case } from "../case.ts";

const JSON_TYPE = "content-type: application/json";
const chat = {
  method: "POST",
  target: "/v1/chat/completions",
  fields: [JSON_TYPE],
  content: '{"model":"gpt-4o","messages":[{"role":"user","content":"hi"}]}',
};
const STATUSES = [400, 401, 403, 404, 409, 413, 422, 429, 500, 502, 503, 529];

/** Whose, and how it says what went wrong. */
const ENVELOPES: Readonly<Record<string, (status: number) => string>> = {
  "OpenAI": (status) =>
    `{\n    "error": {\n        "message": "Said by the origin: ${status}.",\n        "type": "invalid_request_error",\n        "param": null,\n        "code": "x_new"\n    }\n}\n`,
  "Anthropic": (status) =>
    `{"type":"error","error":{"type":"x_error","message":"${status}"},"request_id":"req_1"}`,
  "Google": (status) =>
    `[{\n  "error": {\n    "code": ${status},\n    "message": "no",\n    "status": "X"\n  }\n}\n]`,
};

const envelopes: Case[] = STATUSES.flatMap((status) => [
  ...Object.entries(ENVELOPES).map(([whose, envelope]) => ({
    name: `${status} as ${whose} says it`,
    sends: chat,
    answers: {
      status: `${status} Error`,
      fields: [JSON_TYPE],
      content: envelope(status),
    },
  })),
  {
    name: `${status} as a CDN says it`,
    sends: chat,
    answers: {
      status: `${status} Error`,
      fields: ["content-type: text/html"],
      content: `<html><h1>${status}</h1></html>\r\n`,
    },
  },
  {
    name: `${status} without a word`,
    sends: chat,
    answers: { status: `${status} Error`, content: "" },
  },
  {
    name: `${status} to a GET`,
    answers: {
      status: `${status} Error`,
      fields: [JSON_TYPE],
      content: ENVELOPES["OpenAI"]!(status),
    },
  },
]);

/** On errors and on answers. */
const FIELDS: Readonly<Record<string, readonly string[]>> = {
  "retry-after in seconds": ["retry-after: 7"],
  "retry-after as a date": ["retry-after: Thu, 01 Jan 2099 00:00:00 GMT"],
  "retry-after-ms": ["retry-after-ms: 20", "retry-after: 1"],
  "x-should-retry": ["x-should-retry: false"],
  "x-ratelimit": [
    "x-ratelimit-limit-requests: 60",
    "x-ratelimit-remaining-requests: 0",
    "x-ratelimit-reset-requests: 1s",
    "x-ratelimit-reset-tokens: 6m0s",
  ],
  "anthropic-ratelimit": [
    "anthropic-ratelimit-requests-remaining: 0",
    "anthropic-ratelimit-requests-reset: 2026-01-01T00:00:00Z",
  ],
  "request ids": ["x-request-id: req_1", "request-id: req_2"],
  "who answered": [
    "openai-organization: org-theirs",
    "openai-processing-ms: 5",
    "openai-version: 2020-10-01",
    "openai-model: gpt-4o-2024",
  ],
  "www-authenticate": ['www-authenticate: Bearer error="invalid_token"'],
  "timing": ["server-timing: a;dur=1", "x-envoy-upstream-service-time: 9"],
};

const fields: Case[] = [200, 401, 429, 503].flatMap((status) =>
  Object.entries(FIELDS).map(([name, fields]) => ({
    name: `${name} on ${status}`,
    sends: chat,
    answers: {
      status: `${status} X`,
      fields: [JSON_TYPE, ...fields],
      content: '{"error":{"message":"m"}}',
    },
  }))
);

export const errors: readonly Case[] = [...envelopes, ...fields];
