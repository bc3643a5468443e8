/**
 * How each API says that a key is refused or used up. In each table what is
 * structured goes before what is worded, and what is exact before what is
 * usual; the first row that fits counts.
 *
 * A row that looks at words anywhere in them stands only with statuses by which
 * no API repeats what a client has sent, but for the model's name, which is
 * taken out first. With 400 they are looked at from their beginning.
 *
 * @module
 */

import type { TroubleRow } from "../core/trouble.ts";

/** So many of something a day, a week or a month; a minute's limit is a rate. */
const LONG =
  /\bper (?:day|week|month)\b|\b(?:daily|weekly|monthly) (?:\w+ )?limit|\((?:RPD|TPD)\)/i;

/** Money that is not there. */
const POOR =
  /\b(?:insufficient|not enough|exhausted|low) (?:account |api )?(?:balance|credits?|funds)\b|\b(?:balance|credits?) (?:(?:is|are|has been|have been) )?(?:insufficient|exhausted|depleted|too low)|\b(?:out of|run out of|used (?:up )?all (?:of )?(?:your |the )?(?:available )?|doesn't have any) credits?\b|\bspend(?:ing)? (?:limit|cap)\b|\b(?:credit|billing|hard) limit (?:has been |was )?(?:reached|exceeded)/i;

/** A quota that is used up, however it is put. */
const SPENT =
  /\busage limits?\b|\bnot included in your (?:current )?plan\b|\bquota (?:\w+ ){0,3}(?:exceeded|reached|exhausted|insufficient)|\b(?:exceeded|reached|exhausted|insufficient) (?:\w+ ){0,3}quota\b|\bquota will reset\b|\bexhausted your capacity\b|\bresources? (?:has been |have been )?exhausted\b|额度不足|额度耗尽|余额不足/i;

/** The same, for machines. A rate's limit is none of these, whatever it is called. */
const SPENT_CODE =
  /^(?:(?:\w+_)?usage_?limit_?(?:reached|exceeded|error)|usage_not_included|(?!\w*rate)(?:\w+_)?limit_reached|(?:monthly_|daily_)?quota_(?:exceeded|exhausted|reached))$/i;

/** And without money, which is the whole key's. */
const POOR_CODE =
  /^(?:insufficient_(?:quota|balance|credits?|funds)(?:_error)?|billing_(?:error|hard_limit_reached|not_active)|exceeded_current_quota_error|(?:credits?|balance|spend(?:ing)?)_(?:limit(?:_reached|_exceeded)?|exhausted|depleted)|personal-team-blocked:spending-limit)$/i;

/** What all have in common, after what is each one's own. */
const USUAL: readonly TroubleRow[] = [
  {
    means: "quota",
    status: [400, 401, 402, 403, 412, 429],
    code: POOR_CODE,
    rests: "key",
  },
  { means: "quota", status: [400, 402, 403, 429], code: SPENT_CODE },
  { means: "quota", status: [402, 429], says: POOR, rests: "key" },
  {
    means: "quota",
    status: [403],
    says:
      /^(?:Insufficient (?:account )?(?:balance|credits?|funds|quota)\b|You have run out of credits)/i,
    rests: "key",
  },
  { means: "quota", status: [429], says: SPENT },
  { means: "quota", status: [429], says: LONG },
  {
    means: "quota",
    status: [429],
    says: /\baccount(?:'s|-level)? rate limit\b/i,
    seconds: 60,
  },
  { means: "key", status: [401] },
  // Whoever asks for money says so by the status alone.
  { means: "quota", status: [402], rests: "key" },
  { means: "transient", status: [429, 529] },
];

/**
 * https://platform.openai.com/docs/guides/error-codes; bodies as in
 * anomalyco/opencode#21928 (scopes), nat/openplayground#143 (deactivated),
 * lifan0127/ai-research-assistant#174 (billing), read 2026-11.
 */
const OPENAI_OWN: readonly TroubleRow[] = [
  // A restricted key: what it may not do another may, and it may do all else.
  {
    means: "key",
    status: [401, 403],
    says: /^You have insufficient permissions for this operation/,
    rests: "nothing",
  },
  {
    means: "key",
    status: [403],
    code: /^model_not_found$/,
    rests: "nothing",
  },
  {
    means: "quota",
    status: [400, 401, 403, 429],
    code: /^(?:account_deactivated|access_terminated)$/,
    rests: "key",
  },
  {
    means: "key",
    status: [401, 403],
    code: /^(?:invalid_api_key|ip_not_authorized)$/,
  },
];

/** What OpenAI's keys are told. */
export const OPENAI_TROUBLE: readonly TroubleRow[] = [...OPENAI_OWN, ...USUAL];

/**
 * https://docs.anthropic.com/en/api/errors; bodies as in
 * anthropics/claude-code#66314 (credit), #38035 (spend limit), #72457
 * (organisation), #71670 (account's rate), #29584 (long context), read 2026-11.
 */
export const ANTHROPIC_TROUBLE: readonly TroubleRow[] = [
  {
    means: "quota",
    status: [400, 403],
    says:
      /^(?:Your credit balance is too low|You have reached your specified (?:\w+ )?usage limits)/,
    rests: "key",
  },
  {
    means: "quota",
    status: [400, 401, 403],
    says: /^This organization has been disabled/,
    rests: "key",
  },
  {
    means: "key",
    status: [403],
    says:
      /^OAuth (?:token has been revoked|authentication is currently not allowed)/,
  },
  {
    means: "key",
    status: [403],
    says: /^Your API key does not have permission/,
    rests: "nothing",
  },
  // Of this one request; another account may have paid for it.
  {
    means: "quota",
    status: [429],
    says: /^Extra usage is required/,
    rests: "nothing",
  },
  ...USUAL,
];

/**
 * Reasons: https://cloud.google.com/apis/design/errors and google.api's
 * ErrorReason; bodies as in google-gemini/gemini-cli#8437 (quotas),
 * continuedev/continue#11336 (expired), #12781 (blocked),
 * google/generative-ai-docs#356 (suspended), read 2026-11.
 */
export const GEMINI_TROUBLE: readonly TroubleRow[] = [
  {
    means: "key",
    status: [400, 401, 403],
    code:
      /^(?:API_KEY_(?:INVALID|\w+_BLOCKED)|CONSUMER_(?:SUSPENDED|INVALID)|SERVICE_DISABLED|USER_PROJECT_DENIED)$/,
  },
  {
    means: "quota",
    status: [400, 403, 429],
    code: /^(?:BILLING_DISABLED|INSUFFICIENT_\w*CREDITS_BALANCE)$/,
    rests: "key",
  },
  // Of several limits the longest counts: they are all used up.
  {
    means: "quota",
    status: [429],
    code: /PerDay\w*PerModel|PerModel\w*PerDay/,
  },
  { means: "quota", status: [429], code: /PerDay/, rests: "key" },
  {
    means: "transient",
    status: [429],
    code:
      /Per(?:Minute|Second)|^(?:RATE_LIMIT_EXCEEDED|MODEL_CAPACITY_EXHAUSTED)$/,
  },
  // Its OpenAI-compatible paths give no reasons.
  {
    means: "key",
    status: [400],
    says: /^(?:API key (?:not valid|expired)|API Key not found)/,
  },
  {
    means: "key",
    status: [403],
    says:
      /^(?:Your API key was reported as leaked|Your project has been denied access|Permission denied: Consumer )/,
  },
  { means: "transient", status: [429], says: /\bper (?:minute|second)\b/i },
  { means: "quota", status: [429], says: /^You exceeded your current quota/ },
  // With no word about which: for paid keys it is soon over.
  {
    means: "quota",
    status: [429],
    code: /^RESOURCE_EXHAUSTED$/,
    seconds: 60,
  },
  ...USUAL,
];

/**
 * APIs that speak OpenAI's wire, each with words of its own. Bodies as in
 * QwenLM/qwen-code#73 and Avarok-Cybersecurity/atlas#543 (OpenRouter),
 * continuedev/continue#10373 and tetsuo-ai/agenc-core#2483 (xAI), #10920
 * (Groq), songquanpeng/one-api#271 (Groq), MoonshotAI/kimi-code#1857
 * (Moonshot), pollinations/pollinations#12136 (Fireworks),
 * MiniMax-AI/MiniMax-M2#62 (MiniMax), docs.x.ai/docs/key-information/debugging
 * (xAI), cohere-ai/cohere-developer-experience#189 (Cohere), read 2026-11.
 */
export const COMPATIBLE_TROUBLE: readonly TroubleRow[] = [
  // OpenRouter: a smaller answer could be paid for.
  {
    means: "quota",
    status: [402],
    says:
      /^(?:This request requires more credits, or fewer max_tokens|Prompt tokens limit exceeded|More credits are required to run this request)/,
    rests: "nothing",
  },
  {
    means: "quota",
    status: [429],
    code: /^openrouter_free_tier_daily$/,
  },
  {
    means: "quota",
    status: [429],
    says: /^Rate limit exceeded: free-models-per-day/,
  },
  {
    means: "quota",
    status: [403],
    says: /^Key limit exceeded/,
    rests: "key",
  },
  // Cohere.
  {
    means: "quota",
    status: [429],
    says:
      /^You are using a Trial key, which is limited to \d+ API calls \/ month/,
    rests: "key",
  },
  // Fireworks, and Groq.
  {
    means: "quota",
    status: [412],
    says: /^Account \S+ is suspended/,
    rests: "key",
  },
  {
    means: "key",
    status: [400, 403],
    says: /^Organization has been restricted/,
  },
  {
    means: "quota",
    status: [403],
    says:
      /^Your (?:newly created )?team (?:[\da-f-]{36} )?(?:doesn't have any credits|has either used all available credits)/,
    rests: "key",
  },
  // xAI knows its own keys by a 400.
  {
    means: "key",
    status: [400],
    says: /^Incorrect API key provided/,
  },
  {
    means: "key",
    status: [403],
    says: /^Your API key(?: or team)? is (?:currently )?(?:blocked|disabled)/,
  },
  // MiniMax fails at the cashier's.
  {
    means: "quota",
    status: [500],
    says: /^insufficient balance \(1008\)$/,
    rests: "key",
  },
  ...OPENAI_TROUBLE,
];
