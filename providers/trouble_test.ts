import assert from "node:assert/strict";
import { find, type TroubleRow } from "../core/trouble.ts";
import {
  ANTHROPIC_TROUBLE,
  COMPATIBLE_TROUBLE,
  GEMINI_TROUBLE,
  OPENAI_TROUBLE,
} from "./trouble.ts";

/** 2026-11-20T12:00:00Z */
const NOW = 1_795_176_000;

/** An origin's answer, and what it means; all bodies were read in public reports (providers/trouble.ts names them) in November 2026. */
interface Case {
  readonly name: string;
  readonly status: number;
  readonly body: unknown;
  readonly fields?: Record<string, string>;
  /** Trouble and what rests; `none`: nothing. */
  readonly means: string;
  /** Seconds until the key may be used again, where the origin says. */
  readonly wait?: number;
}

const openai = (
  message: string,
  more: Record<string, unknown> = {},
) => ({ error: { message, type: null, param: null, code: null, ...more } });
const anthropic = (type: string, message: string) => ({
  type: "error",
  error: { type, message },
  request_id: "req_1",
});
const google = (
  code: number,
  status: string,
  message: string,
  details: readonly unknown[] = [],
) => ({ error: { code, message, status, details } });
const reason = (reason: string) => ({
  "@type": "type.googleapis.com/google.rpc.ErrorInfo",
  reason,
  domain: "googleapis.com",
});
const violations = (...quotaIds: string[]) => ({
  "@type": "type.googleapis.com/google.rpc.QuotaFailure",
  violations: quotaIds.map((quotaId) => ({ quotaId })),
});
const retryIn = (retryDelay: string) => ({
  "@type": "type.googleapis.com/google.rpc.RetryInfo",
  retryDelay,
});

const OPENAI: readonly Case[] = [
  {
    name: "no money (insufficient_quota)",
    status: 429,
    body: openai(
      "You exceeded your current quota, please check your plan and billing details. For more information on this error, read the docs: https://platform.openai.com/docs/guides/error-codes/api-errors.",
      { type: "insufficient_quota", code: "insufficient_quota" },
    ),
    // What is left of the minute says nothing about money.
    fields: {
      "x-ratelimit-remaining-requests": "499",
      "x-ratelimit-reset-requests": "120ms",
    },
    means: "quota key",
  },
  {
    name: "no money, by its type alone",
    status: 429,
    body: openai("You exceeded your current quota.", {
      type: "insufficient_quota",
    }),
    means: "quota key",
  },
  {
    name: "a billing limit",
    status: 400,
    body: openai("Billing hard limit has been reached", {
      type: "invalid_request_error",
      code: "billing_hard_limit_reached",
    }),
    means: "quota key",
  },
  {
    name: "an account that does not pay",
    status: 429,
    body: openai(
      "Your account is not active, please check your billing details on our website.",
      { type: "billing_not_active", code: "billing_not_active" },
    ),
    means: "quota key",
  },
  {
    name: "an account that is gone",
    status: 401,
    body: openai(
      "The OpenAI account associated with this API key has been deactivated.",
      { type: "invalid_request_error", code: "account_deactivated" },
    ),
    means: "quota key",
  },
  {
    name: "a wrong key",
    status: 401,
    body: openai("Incorrect API key provided: sk-12***90.", {
      type: "invalid_request_error",
      code: "invalid_api_key",
    }),
    means: "key key",
  },
  { name: "a bare 401", status: 401, body: undefined, means: "key key" },
  {
    name: "a key without this scope",
    status: 401,
    body: openai(
      "You have insufficient permissions for this operation. Missing scopes: api.responses.write. Check that you have the correct role",
      { type: "invalid_request_error" },
    ),
    means: "key nothing",
  },
  {
    name: "a project without this model",
    status: 403,
    body: openai("Project `proj_1` does not have access to model `o9`", {
      code: "model_not_found",
    }),
    means: "key nothing",
  },
  {
    name: "a limit by the minute",
    status: 429,
    body: openai(
      "Rate limit reached for gpt-4o in organization org-1 on tokens per min (TPM): Limit 30000, Used 29000, Requested 2000. Please try again in 2s.",
      { type: "tokens", code: "rate_limit_exceeded" },
    ),
    means: "transient nothing",
  },
  {
    name: "a limit by the day",
    status: 429,
    body: openai(
      "Rate limit reached for gpt-4o in organization org-1 on requests per day (RPD): Limit 200, Used 200, Requested 1. Please try again in 7m12s.",
      { type: "requests", code: "rate_limit_exceeded" },
    ),
    means: "quota model",
    wait: 432,
  },
  {
    name: "an overload",
    status: 429,
    body: openai("The engine is currently overloaded, please try again later"),
    means: "transient nothing",
  },
  {
    name: "a region",
    status: 403,
    body: openai("Country, region, or territory not supported", {
      type: "request_forbidden",
      code: "unsupported_country_region_territory",
    }),
    means: "none",
  },
  {
    name: "a bare 403",
    status: 403,
    body: openai("Your request was blocked."),
    means: "none",
  },
  {
    name: "a model that is called like trouble",
    status: 429,
    body: openai(
      "Rate limit reached for out of credits on requests per min (RPM)",
    ),
    means: "transient nothing",
  },
  {
    name: "content that is called like trouble",
    status: 400,
    body: openai("Invalid value: 'insufficient_quota: out of credits'.", {
      type: "invalid_request_error",
      code: "invalid_value",
    }),
    means: "none",
  },
  {
    name: "a model that is not there",
    status: 404,
    body: openai("The model `out of credits` does not exist", {
      code: "model_not_found",
    }),
    means: "none",
  },
  {
    name: "a failure",
    status: 500,
    body: openai("The server had an error", { type: "server_error" }),
    means: "server nothing",
  },
  { name: "a bare 502", status: 502, body: undefined, means: "server nothing" },
  {
    name: "an answer",
    status: 200,
    body: openai("insufficient_quota", { code: "insufficient_quota" }),
    means: "none",
  },
  // ChatGPT's backend (research/seed-others.md, appendix 1: subscription caps).
  {
    name: "a plan's limit",
    status: 429,
    body: openai("The usage limit has been reached", {
      type: "usage_limit_reached",
      resets_in_seconds: 1800,
    }),
    means: "quota model",
    wait: 1800,
  },
  {
    name: "a plan that has it not",
    status: 403,
    body: openai("To use this, upgrade", { type: "usage_not_included" }),
    means: "quota model",
  },
];

const ANTHROPIC: readonly Case[] = [
  {
    name: "no credit",
    status: 400,
    body: anthropic(
      "invalid_request_error",
      "Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.",
    ),
    means: "quota key",
  },
  {
    name: "a spending limit",
    status: 400,
    body: anthropic(
      "invalid_request_error",
      "You have reached your specified API usage limits. You will regain access on 2026-12-01 at 00:00 UTC.",
    ),
    means: "quota key",
    wait: 10.5 * 86_400,
  },
  {
    name: "billing",
    status: 402,
    body: anthropic("billing_error", "There is an issue with your billing."),
    means: "quota key",
  },
  ...[400, 403].map((status) => ({
    name: `an organisation that is disabled, by a ${status}`,
    status,
    body: anthropic(
      status === 400 ? "invalid_request_error" : "permission_error",
      "This organization has been disabled.",
    ),
    means: "quota key",
  })),
  {
    name: "a wrong key",
    status: 401,
    body: anthropic("authentication_error", "invalid x-api-key"),
    means: "key key",
  },
  {
    name: "a credential that was taken back",
    status: 403,
    body: anthropic(
      "permission_error",
      "OAuth token has been revoked. Please obtain a new token.",
    ),
    means: "key key",
  },
  {
    name: "a key without this permission",
    status: 403,
    body: anthropic(
      "permission_error",
      "Your API key does not have permission to use the specified resource.",
    ),
    means: "key nothing",
  },
  {
    name: "the account's rate",
    status: 429,
    body: anthropic(
      "rate_limit_error",
      "This request would exceed your account's rate limit. Please try again later.",
    ),
    fields: {
      "anthropic-ratelimit-unified-status": "rejected",
      "anthropic-ratelimit-unified-reset": `${NOW + 3600}`,
    },
    means: "quota model",
    wait: 3600,
  },
  {
    name: "the organisation's rate by the minute",
    status: 429,
    body: anthropic(
      "rate_limit_error",
      "This request would exceed your organization's rate limit of 40,000 input tokens per minute. For details, refer to: https://docs.anthropic.com",
    ),
    fields: { "retry-after": "20" },
    means: "transient nothing",
  },
  {
    name: "a daily limit",
    status: 429,
    body: anthropic(
      "rate_limit_error",
      "Number of request tokens has exceeded your daily rate limit (https://docs.anthropic.com)",
    ),
    means: "quota model",
  },
  {
    name: "a request that another plan has room for",
    status: 429,
    body: anthropic(
      "rate_limit_error",
      "Extra usage is required for long context requests.",
    ),
    means: "quota nothing",
  },
  {
    name: "an overload",
    status: 529,
    body: anthropic("overloaded_error", "Overloaded"),
    means: "transient nothing",
  },
  {
    name: "content that is called like trouble",
    status: 400,
    body: anthropic(
      "invalid_request_error",
      "messages.0.content: Your credit balance is too low",
    ),
    means: "none",
  },
  {
    name: "a region",
    status: 403,
    body: { error: { type: "forbidden", message: "Request not allowed" } },
    means: "none",
  },
];

const PER_DAY = "GenerateRequestsPerDayPerProjectPerModel-FreeTier";
const PER_MINUTE = "GenerateRequestsPerMinutePerProjectPerModel-FreeTier";
const EXCEEDED =
  "You exceeded your current quota, please check your plan and billing details.";

const GEMINI: readonly Case[] = [
  ...["API key not valid. Please pass a valid API key.", "API key expired."]
    .map((message) => ({
      name: message,
      status: 400,
      body: google(400, "INVALID_ARGUMENT", message, [
        reason("API_KEY_INVALID"),
      ]),
      means: "key key",
    })),
  {
    name: "a wrong key on its OpenAI-compatible path",
    status: 400,
    body: [google(400, "INVALID_ARGUMENT", "API key not valid. Please pass…")],
    means: "key key",
  },
  {
    name: "a suspended key",
    status: 403,
    body: google(
      403,
      "PERMISSION_DENIED",
      "Permission denied: Consumer 'api_key:AIza' has been suspended.",
      [reason("CONSUMER_SUSPENDED")],
    ),
    means: "key key",
  },
  {
    name: "a leaked key",
    status: 403,
    body: google(
      403,
      "PERMISSION_DENIED",
      "Your API key was reported as leaked. Please use another API key.",
    ),
    means: "key key",
  },
  {
    name: "a key for other APIs",
    status: 403,
    body: google(403, "PERMISSION_DENIED", "Requests … are blocked.", [
      reason("API_KEY_SERVICE_BLOCKED"),
    ]),
    means: "key key",
  },
  {
    name: "a quota by the day",
    status: 429,
    body: google(429, "RESOURCE_EXHAUSTED", EXCEEDED, [
      violations(PER_DAY),
      retryIn("3600s"),
    ]),
    means: "quota model",
    wait: 3600,
  },
  {
    name: "quotas by the minute and the day",
    status: 429,
    body: google(429, "RESOURCE_EXHAUSTED", EXCEEDED, [
      violations(PER_MINUTE, PER_DAY),
    ]),
    means: "quota model",
  },
  {
    name: "a quota by the minute",
    status: 429,
    body: google(429, "RESOURCE_EXHAUSTED", EXCEEDED, [
      violations(PER_MINUTE),
      retryIn("37s"),
    ]),
    means: "transient nothing",
  },
  {
    name: "a quota nobody names",
    status: 429,
    body: google(
      429,
      "RESOURCE_EXHAUSTED",
      `${EXCEEDED}\n* Quota exceeded for metric: x, limit: 0\nPlease retry in 45.5s.`,
    ),
    means: "quota model",
    wait: 46,
  },
  {
    name: "exhaustion",
    status: 429,
    body: google(
      429,
      "RESOURCE_EXHAUSTED",
      "Resource has been exhausted (e.g. check quota).",
    ),
    means: "quota model",
  },
  {
    name: "no capacity",
    status: 429,
    body: google(429, "RESOURCE_EXHAUSTED", "No capacity available", [
      reason("MODEL_CAPACITY_EXHAUSTED"),
    ]),
    means: "transient nothing",
  },
  {
    name: "no billing",
    status: 403,
    body: google(403, "PERMISSION_DENIED", "This API requires billing", [
      reason("BILLING_DISABLED"),
    ]),
    means: "quota key",
  },
  {
    name: "somebody else's file",
    status: 403,
    body: google(
      403,
      "PERMISSION_DENIED",
      "You do not have permission to access the File out-of-credits or it may not exist.",
    ),
    means: "none",
  },
  {
    name: "a region",
    status: 400,
    body: google(
      400,
      "FAILED_PRECONDITION",
      "User location is not supported for the API use.",
    ),
    means: "none",
  },
  // Seed C's traps: "rate" within a word, and a number that is no status.
  {
    name: "GenerateContentRequest",
    status: 400,
    body: google(
      400,
      "INVALID_ARGUMENT",
      "* GenerateContentRequest.contents: contents is not specified",
    ),
    means: "none",
  },
  {
    name: "GenerateContentRequest with a 403",
    status: 403,
    body: google(403, "PERMISSION_DENIED", "GenerateContentRequest took 429ms"),
    means: "none",
  },
  {
    name: "an overload",
    status: 503,
    body: google(503, "UNAVAILABLE", "The model is overloaded."),
    means: "server nothing",
  },
];

const COMPATIBLE: readonly Case[] = [
  {
    name: "OpenRouter, no credits",
    status: 402,
    body: {
      error: {
        message:
          "Insufficient credits. Add more using https://openrouter.ai/settings/credits",
        code: 402,
        metadata: { limit_source: "openrouter_credits" },
      },
    },
    means: "quota key",
  },
  {
    name: "OpenRouter, too few for this request",
    status: 402,
    body: openai(
      "This request requires more credits, or fewer max_tokens. You requested up to 225702 tokens, but can only afford 92985.",
      { code: 402 },
    ),
    means: "quota nothing",
  },
  {
    name: "OpenRouter's daily cap of free models",
    status: 429,
    body: {
      error: {
        message:
          "Rate limit exceeded: free-models-per-day. Add 10 credits to unlock 1000 free model requests per day",
        code: 429,
        metadata: {
          headers: {
            "X-RateLimit-Limit": "50",
            "X-RateLimit-Remaining": "0",
            "X-RateLimit-Reset": `${(NOW + 43_200) * 1000}`,
          },
        },
      },
    },
    means: "quota model",
    wait: 43_200,
  },
  {
    name: "OpenRouter's cap by the minute",
    status: 429,
    body: openai("Rate limit exceeded: free-models-per-min. ", { code: 429 }),
    means: "transient nothing",
  },
  {
    name: "OpenRouter, a provider that is busy",
    status: 429,
    body: openai("Provider returned error", {
      code: 429,
      metadata: { raw: "x is temporarily rate-limited upstream." },
    }),
    means: "transient nothing",
  },
  {
    name: "OpenRouter, a key's own limit",
    status: 403,
    body: openai("Key limit exceeded (monthly limit).", { code: 403 }),
    means: "quota key",
  },
  {
    name: "xAI, no credits",
    status: 429,
    body: {
      code: "Some resource has been exhausted",
      error:
        "Your team 16f2151a-40f4-4a80-8ad0-cae00c27e8dd has either used all available credits or reached its monthly spending limit.",
    },
    means: "quota key",
  },
  {
    name: "xAI, the same by a 403",
    status: 403,
    body: {
      code: "The caller does not have permission",
      error:
        "Your team 8c268de0-42ec-4474-b4b6-4c92c1f97827 has either used all available credits or reached its monthly spending limit.",
    },
    means: "quota key",
  },
  {
    name: "xAI, a new team",
    status: 403,
    body: {
      code: "The caller does not have permission",
      error:
        "Your newly created team doesn't have any credits or licenses yet. You can purchase those on https://console.x.ai/team/1.",
    },
    means: "quota key",
  },
  {
    name: "xAI, a blocked team",
    status: 403,
    body: {
      code: "personal-team-blocked:spending-limit",
      error: "You have run out of credits or need a Grok subscription.",
    },
    means: "quota key",
  },
  {
    name: "xAI, a wrong key",
    status: 400,
    body: {
      code: "Client specified an invalid argument",
      error: "Incorrect API key provided: xa***xx.",
    },
    means: "key key",
  },
  {
    name: "DeepSeek, no balance",
    status: 402,
    body: openai("Insufficient Balance", {
      type: "unknown_error",
      code: "invalid_request_error",
    }),
    means: "quota key",
  },
  {
    name: "Groq, tokens of a day",
    status: 429,
    body: openai(
      "Rate limit reached for model `llama-3.3-70b-versatile` in organization `org_1` service tier `on_demand` on tokens per day (TPD): Limit 100000, Used 97050, Requested 3619. Please try again in 9m38.016s. Need more tokens?",
      { type: "tokens", code: "rate_limit_exceeded" },
    ),
    fields: { "retry-after": "579" },
    means: "quota model",
    wait: 579,
  },
  {
    name: "Groq, tokens of a minute",
    status: 429,
    body: openai(
      "Rate limit reached for model `llama3-70b-8192` on tokens per minute (TPM): Limit 7000, Used 0, Requested ~12903. Please try again in 50.597142857s.",
      { type: "tokens", code: "rate_limit_exceeded" },
    ),
    means: "transient nothing",
  },
  {
    name: "Groq, a restricted organisation",
    status: 400,
    body: openai(
      "Organization has been restricted. Please reach out to support if you believe this was in error.",
    ),
    means: "key key",
  },
  {
    name: "Mistral, too fast",
    status: 429,
    body: {
      object: "error",
      message: "Rate limit exceeded",
      type: "rate_limited",
      code: "1300",
      raw_status_code: 429,
    },
    means: "transient nothing",
  },
  {
    name: "Mistral, capacity",
    status: 429,
    body: {
      object: "error",
      message: "Service tier capacity exceeded for this model.",
      type: "invalid_request_error",
      code: null,
    },
    means: "transient nothing",
  },
  {
    name: "Mistral, a wrong or spent key",
    status: 401,
    body: { detail: "Unauthorized" },
    means: "key key",
  },
  ...[429, 403].map((status) => ({
    name: `Moonshot, no balance, by a ${status}`,
    status,
    body: {
      error: {
        message:
          "Your account org-1 <ak-1> is suspended due to insufficient balance, please recharge your account or check your plan and billing details",
        type: "exceeded_current_quota_error",
      },
    },
    means: "quota key",
  })),
  {
    name: "Moonshot, too fast",
    status: 429,
    body: {
      error: {
        type: "rate_limit_reached_error",
        message:
          "Your account org-1 / proj-1 <ak-1> request reached project TPM rate limit, current: 1410, limit: 100",
      },
    },
    means: "transient nothing",
  },
  {
    name: "Fireworks, unpaid",
    status: 412,
    body: openai(
      "Account pollinations is suspended, possibly due to reaching the monthly spending limit or failure to pay past invoices.",
      { code: "PRECONDITION_FAILED", type: "error" },
    ),
    means: "quota key",
  },
  {
    name: "MiniMax, no balance",
    status: 500,
    body: anthropic("api_error", "insufficient balance (1008)"),
    means: "quota key",
  },
  {
    name: "MiniMax, the same by a 429",
    status: 429,
    body: {
      error: {
        http_code: "429",
        message: "insufficient balance (1008)",
        type: "insufficient_balance_error",
      },
    },
    means: "quota key",
  },
  {
    name: "Cohere, a month's calls",
    status: 429,
    body: {
      message:
        "You are using a Trial key, which is limited to 1000 API calls / month. You can continue to use the Trial key for free or upgrade",
    },
    means: "quota key",
  },
  {
    name: "Cohere, a minute's calls",
    status: 429,
    body: {
      message:
        "You are using a Trial key, which is limited to 10 API calls / minute.",
    },
    means: "transient nothing",
  },
  { name: "Cohere, billing", status: 402, body: {}, means: "quota key" },
  {
    name: "Cerebras, tokens of a day",
    status: 429,
    body: {
      message: "Tokens per day limit exceeded - too many tokens processed.",
      type: "too_many_tokens_error",
      param: "quota",
      code: "token_quota_exceeded",
    },
    fields: {
      "x-ratelimit-remaining-tokens-day": "0",
      "x-ratelimit-reset-tokens-day": "33011.38",
    },
    means: "quota model",
    wait: 33_012,
  },
  {
    name: "Cerebras, tokens of a minute",
    status: 429,
    body: {
      message: "Tokens per minute limit exceeded - too many tokens processed.",
      type: "too_many_tokens_error",
      param: "quota",
      code: "token_quota_exceeded",
    },
    means: "transient nothing",
  },
  {
    name: "Perplexity, no quota, by a 401",
    status: 401,
    body: openai("You exceeded your current quota", {
      type: "insufficient_quota",
      code: 401,
    }),
    means: "quota key",
  },
  {
    name: "Together, a credit limit",
    status: 402,
    body: openai("Credit limit exceeded, please add credits", {
      type: "credit_limit",
    }),
    means: "quota key",
  },
];

/** The vocabulary of research/seed-others.md, appendix 1, each by a 429 without any code. */
const WORDS: Readonly<Record<string, string>> = {
  "You have hit your usage limit": "quota model",
  "This is not included in your plan": "quota model",
  "Insufficient balance": "quota key",
  "Your balance is exhausted": "quota key",
  "You are out of credits": "quota key",
  "Spending limit reached": "quota key",
  "API key USD spend limit exceeded": "quota key",
  "Insufficient quota": "quota model",
  "Quota reached for this model": "quota model",
  "Quota exceeded": "quota model",
  "You have exhausted your capacity on this model. Your quota will reset after 1h2m3s.":
    "quota model",
  "Resource exhausted": "quota model",
  "Account rate limit reached": "quota model",
  "用户额度不足": "quota model",
  "额度耗尽": "quota model",
  // What is over in a moment.
  "Too many requests": "transient nothing",
  "Rate limit exceeded": "transient nothing",
  "Rate limited": "transient nothing",
  "Overloaded": "transient nothing",
  "Please slow down and retry in 5s": "transient nothing",
  "Limit of 60 requests per minute reached": "transient nothing",
};

/** The same for machines. */
const CODES: Readonly<Record<string, string>> = {
  usage_limit_reached: "quota model",
  usage_limit_exceeded: "quota model",
  usage_not_included: "quota model",
  limit_reached: "quota model",
  quota_exceeded: "quota model",
  insufficient_quota: "quota key",
  insufficient_credits: "quota key",
  credits_exhausted: "quota key",
  "personal-team-blocked:spending-limit": "quota key",
  rate_limit_reached: "transient nothing",
  rate_limit_exceeded: "transient nothing",
  rate_limit_error: "transient nothing",
  engine_overloaded_error: "transient nothing",
};

const TABLES = {
  OpenAI: [OPENAI_TROUBLE, OPENAI],
  Anthropic: [ANTHROPIC_TROUBLE, ANTHROPIC],
  Gemini: [GEMINI_TROUBLE, GEMINI],
  "a compatible API": [COMPATIBLE_TROUBLE, COMPATIBLE],
} satisfies Record<string, [readonly TroubleRow[], readonly Case[]]>;

function judged(
  rows: readonly TroubleRow[],
  { status, body, fields }: Pick<Case, "status" | "body" | "fields">,
  model = "out of credits",
) {
  const text = body === undefined ? "" : JSON.stringify(body);
  const headers = new Headers(fields);
  return find({ status, headers, text }, rows, { model, now: NOW });
}

function shown(found: ReturnType<typeof judged>) {
  return found === undefined ? "none" : `${found.trouble} ${found.rests}`;
}

for (const [api, [rows, cases]] of Object.entries(TABLES)) {
  for (const { name, means, wait, ...answer } of cases) {
    Deno.test(`of ${api} is understood: ${name}`, () => {
      const found = judged(rows, answer);
      assert.equal(shown(found), means);
      assert.equal(found?.until, wait && NOW + wait);
    });
  }
  Deno.test(`of ${api} is understood what all of them say`, () => {
    const said = Object.fromEntries(
      Object.keys(WORDS).map((message) => [
        message,
        shown(judged(rows, { status: 429, body: openai(message) }, "o1")),
      ]),
    );
    assert.deepEqual(said, WORDS);
    const coded = Object.fromEntries(
      Object.keys(CODES).map((code) => [
        code,
        shown(judged(rows, { status: 429, body: openai("No.", { code }) })),
      ]),
    );
    assert.deepEqual(coded, CODES);
  });
}

Deno.test("text that is no JSON is read as words, and none is no trouble", () => {
  const read = (status: number, text: string) =>
    shown(
      find({ status, headers: new Headers(), text }, COMPATIBLE_TROUBLE, {
        model: "",
        now: NOW,
      }),
    );
  assert.equal(read(429, "Quota exceeded"), "quota model");
  assert.equal(read(429, "Too Many Requests"), "transient nothing");
  assert.equal(read(429, ""), "transient nothing");
  assert.equal(read(403, ""), "none");
  assert.equal(read(400, "Quota exceeded"), "none");
});

Deno.test("words are anchored wherever an API may repeat its client's", () => {
  for (const [rows] of Object.values(TABLES)) {
    for (const { says, status } of rows) {
      const repeats = status.some((code) => ![402, 429].includes(code));
      if (says && repeats) assert.match(says.source, /^\^/, says.source);
    }
  }
});
