import assert from "node:assert/strict";
import { hintOf } from "./hint.ts";

/** 2026-11-20T12:00:00Z */
const NOW = 1_795_176_000;
const DAY = 86_400;

interface Case {
  readonly name: string;
  readonly fields?: Record<string, string>;
  readonly body?: unknown;
  readonly words?: string;
  /** Seconds from now; `undefined`: nothing was said. */
  readonly wait: number | undefined;
}

const error = (inner: unknown) => ({ error: inner });
const retryInfo = (retryDelay: string) =>
  error({
    details: [
      { "@type": "type.googleapis.com/google.rpc.Help" },
      { "@type": "type.googleapis.com/google.rpc.RetryInfo", retryDelay },
    ],
  });

const CASES: readonly Case[] = [
  // Fields.
  { name: "retry-after in seconds", fields: { "retry-after": "20" }, wait: 20 },
  { name: "a part of one", fields: { "retry-after": "0.4" }, wait: 1 },
  {
    name: "retry-after as a date",
    fields: { "retry-after": "Fri, 20 Nov 2026 12:10:00 GMT" },
    wait: 600,
  },
  {
    name: "retry-after-ms before retry-after",
    fields: { "retry-after-ms": "2500", "retry-after": "90" },
    wait: 3,
  },
  { name: "no time at all", fields: { "retry-after": "0" }, wait: undefined },
  { name: "a time gone by", fields: { "retry-after": "-5" }, wait: undefined },
  {
    name: "a date gone by",
    fields: { "retry-after": "Fri, 20 Nov 2026 11:59:59 GMT" },
    wait: undefined,
  },
  { name: "no date", fields: { "retry-after": "soon" }, wait: undefined },
  {
    name: "more than a month",
    fields: { "retry-after": "99999999" },
    wait: 31 * DAY,
  },
  {
    name: "more than any number",
    fields: { "retry-after": "9".repeat(400) },
    wait: undefined,
  },
  {
    name: "x-ratelimit-reset in seconds since the epoch",
    fields: { "x-ratelimit-reset": `${NOW + 70}` },
    wait: 70,
  },
  {
    name: "in milliseconds since the epoch (OpenRouter)",
    fields: { "x-ratelimit-reset": `${(NOW + 70) * 1000}` },
    wait: 70,
  },
  {
    name: "in seconds from now",
    fields: { "x-ratelimit-reset": "33011.38" },
    wait: 33_012,
  },
  {
    name: "x-ratelimit-reset-after",
    fields: { "x-ratelimit-reset-after": "12" },
    wait: 12,
  },
  {
    name: "x-ratelimit-reset-ms from now",
    fields: { "x-ratelimit-reset-ms": "12000" },
    wait: 12,
  },
  {
    name: "x-ratelimit-reset-ms since the epoch",
    fields: { "x-ratelimit-reset-ms": `${(NOW + 5) * 1000}` },
    wait: 5,
  },
  {
    name: "a duration as Go writes it (OpenAI, Groq)",
    fields: {
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-requests": "1h2m3.5s",
    },
    wait: 3724,
  },
  {
    name: "a part of a second",
    fields: {
      "x-ratelimit-remaining-tokens": "0",
      "x-ratelimit-reset-tokens": "120ms",
    },
    wait: 1,
  },
  {
    name: "the limit that is used up, not the one that is not",
    fields: {
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-requests": "2m",
      "x-ratelimit-remaining-tokens": "17997",
      "x-ratelimit-reset-tokens": "9h",
    },
    wait: 120,
  },
  {
    name: "no limit that is used up",
    fields: {
      "x-ratelimit-remaining-tokens": "1",
      "x-ratelimit-reset-tokens": "9h",
    },
    wait: undefined,
  },
  {
    name: "the latest of those that are used up (Anthropic)",
    fields: {
      "anthropic-ratelimit-requests-remaining": "0",
      "anthropic-ratelimit-requests-reset": "2026-11-20T12:00:30Z",
      "anthropic-ratelimit-input-tokens-remaining": "0",
      "anthropic-ratelimit-input-tokens-reset": "2026-11-20T12:01:00Z",
      "anthropic-ratelimit-tokens-remaining": "5",
      "anthropic-ratelimit-tokens-reset": "2026-11-20T13:00:00Z",
    },
    wait: 60,
  },
  {
    name: "the rejected window of a subscription",
    fields: {
      "anthropic-ratelimit-unified-5h-status": "rejected",
      "anthropic-ratelimit-unified-5h-reset": `${NOW + 3600}`,
      "anthropic-ratelimit-unified-7d-status": "allowed",
      "anthropic-ratelimit-unified-7d-reset": `${NOW + 5 * DAY}`,
    },
    wait: 3600,
  },
  {
    name: "a field of another kind",
    fields: { "x-reset-password": "60", "x-ratelimit-resets": "60" },
    wait: undefined,
  },
  // Members.
  { name: "Google's RetryInfo", body: retryInfo("37.5s"), wait: 38 },
  { name: "RetryInfo in whole hours", body: retryInfo("3600s"), wait: 3600 },
  {
    name: "fields before members",
    fields: { "retry-after": "5" },
    body: retryInfo("37s"),
    wait: 5,
  },
  {
    name: "OpenRouter's fields within its body",
    body: error({
      metadata: { headers: { "X-RateLimit-Reset": `${(NOW + 9) * 1000}` } },
    }),
    wait: 9,
  },
  {
    name: "resets_at",
    body: error({ type: "usage_limit_reached", resets_at: NOW + 1234 }),
    wait: 1234,
  },
  {
    name: "resets_in_seconds",
    body: error({ type: "usage_limit_reached", resets_in_seconds: 42 }),
    wait: 42,
  },
  {
    name: "members of another kind",
    body: error({ details: "retryDelay", resets_at: { at: 1 } }),
    wait: undefined,
  },
  { name: "a body that is none", body: undefined, wait: undefined },
  // Words.
  {
    name: "hours, minutes and seconds",
    words: "Your quota will reset after 1h2m3s.",
    wait: 3723,
  },
  {
    name: "seconds and minutes (Groq)",
    words:
      "Rate limit reached on tokens per day (TPD): Limit 100000, Used 97050, Requested 3619. Please try again in 9m38.016s. Need more tokens?",
    wait: 579,
  },
  { name: "seconds", words: "Please try again in 12s.", wait: 12 },
  { name: "milliseconds", words: "try again in 250ms", wait: 1 },
  {
    name: "seconds to nine places (Gemini)",
    words: "limit: 0, model: gemini-3-pro\nPlease retry in 45.578569677s.",
    wait: 46,
  },
  {
    name: "about so many minutes (ChatGPT)",
    words: "You have hit your usage limit. Try again in ~158 min.",
    wait: 9480,
  },
  {
    name: "words for units",
    words: "It resets in 2 hours, 5 minutes",
    wait: 7500,
  },
  { name: "days", words: "try again in 3 days 1 hour", wait: 3 * DAY + 3600 },
  {
    name: "a day",
    words: "No more until 2026-12-01",
    wait: 10.5 * DAY,
  },
  {
    name: "a day and an hour (Anthropic)",
    words:
      "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 06:00 UTC.",
    wait: 10.75 * DAY,
  },
  {
    name: "members before words",
    body: retryInfo("37s"),
    words: "try again in 5 hours",
    wait: 37,
  },
  { name: "a day that is none", words: "until 2026-13-45", wait: undefined },
  { name: "a day gone by", words: "until 2026-11-01", wait: undefined },
  { name: "how long it took", words: "request took 200ms", wait: undefined },
  {
    name: "an amount without a unit",
    words: "try again in 5",
    wait: undefined,
  },
  {
    name: "what is no time",
    words: "GenerateContentRequest failed, reset in production",
    wait: undefined,
  },
];

for (const { name, fields, body, words, wait } of CASES) {
  Deno.test(`hintOf() understands ${name}`, () => {
    const until = hintOf({
      headers: new Headers(fields),
      body,
      words: words === undefined ? [] : [words],
    }, NOW);
    assert.equal(until === undefined ? undefined : until - NOW, wait);
  });
}

Deno.test("hintOf() gets through the longest words that nearly say something", () => {
  const words = [
    "try again in ".repeat(5_000),
    "1h".repeat(30_000),
    "retry in " + "1 ".repeat(30_000),
    "until 2026-12-".repeat(4_000),
  ];
  const telling = { headers: new Headers(), body: undefined, words };
  assert.equal(hintOf(telling, NOW), undefined);
});
