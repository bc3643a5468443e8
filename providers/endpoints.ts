/**
 * What the endpoints of each API are for, as `METHOD /path` (lower case, no
 * slash at the end). The first row that fits counts, and what fits none is
 * `other`; so whatever reads, lists or ends something a holder has made stands
 * under a class that tokens do not have unless they are given it.
 *
 * Endpoints: research/sdks.md §1.2, read from the SDKs' sources.
 *
 * @module
 */

import type { Endpoints } from "../core/provider.ts";

/** The organisation, its keys, its vaults and where it is told of events. */
const ADMIN =
  /^\w+ \/v1\/(?:organizations?|projects|vaults|webhook_endpoints)\b/;

/** https://platform.openai.com/docs/api-reference (read 2026-11). */
export const OPENAI_ENDPOINTS: Endpoints = [
  ["admin", ADMIN],
  // Their secrets go to a page of OpenAI's, or come out in clear.
  ["secrets", /^\w+ \/v1\/(?:chatkit|tunnels)\b/],
  ["realtime", /^\w+ \/v1\/(?:realtime\b|live\/sessions$)/],
  // A socket asks for responses with GET and an upgrade.
  [
    "inference",
    /^(?:POST \/v1\/(?:(?:chat\/)?completions|responses(?:\/(?:compact|input_tokens))?|moderations)|GET \/v1\/responses)$/,
  ],
  ["embeddings", /^POST \/v1\/embeddings$/],
  ["images", /^POST \/v1\/images\/(?:generations|edits|variations)$/],
  ["audio", /^POST \/v1\/audio\/(?:speech|transcriptions|translations)$/],
  ["models", /^GET \/v1\/models(?:\/.*)?$/],
  ["files", /^\w+ \/v1\/(?:files|uploads)\b/],
  ["batches", /^\w+ \/v1\/batches\b/],
  [
    "stored",
    /^\w+ \/v1\/(?:responses|chat\/completions|conversations|vector_stores|containers|assistants|threads|chatkit|live\/sessions)\b/,
  ],
  ["videos", /^\w+ \/v1\/videos\b/],
  ["fine-tuning", /^\w+ \/v1\/(?:fine_tuning|fine-tunes|evals)\b/],
  ["fine-tuning", /^DELETE \/v1\/models\//],
  ["agents", /^\w+ \/v1\/(?:agents|environments|sessions|skills)\b/],
];

/** https://docs.anthropic.com/en/api (read 2026-11). */
export const ANTHROPIC_ENDPOINTS: Endpoints = [
  ["admin", ADMIN],
  // Where Claude Code turns an OAuth credential into a key.
  ["secrets", /^\w+ \/api\b/],
  ["batches", /^\w+ \/v1\/messages\/batches\b/],
  [
    "inference",
    /^POST \/v1\/(?:messages(?:\/count_tokens)?|complete|chat\/completions)$/,
  ],
  ["models", /^GET \/v1\/models(?:\/.*)?$/],
  ["files", /^\w+ \/v1\/files\b/],
  [
    "agents",
    /^\w+ \/v1\/(?:agents|environments|sessions|skills|memory_stores)\b/,
  ],
];

const V = "/v1(?:alpha|beta\\d?)?";
/** A model, with what comes before its verb. */
const MODEL = `${V}/(?:[^?]+/)?(?:tuned)?models/[^/?:]+`;

/** https://ai.google.dev/api (read 2026-11). */
export const GEMINI_ENDPOINTS: Endpoints = [
  ["admin", new RegExp(`^\\w+ ${V}/(?:webhooks|credentials)\\b`)],
  [
    "realtime",
    new RegExp(
      `^\\w+ (?:/ws/google\\.ai\\.generativelanguage\\.\\w+\\.generativeservice\\.\\w+|${V}/auth_?tokens)$`,
    ),
  ],
  [
    "embeddings",
    new RegExp(`^POST ${MODEL}:(?:embedcontent|batchembedcontents)$`),
  ],
  [
    "inference",
    new RegExp(
      `^POST ${MODEL}:(?:generatecontent|streamgeneratecontent|counttokens|computetokens|generateanswer)$`,
    ),
  ],
  ["inference", new RegExp(`^POST ${V}/interactions$`)],
  ["images", new RegExp(`^POST ${MODEL}:predict$`)],
  ["videos", new RegExp(`^POST ${MODEL}:predictlongrunning$`)],
  [
    "batches",
    new RegExp(
      `^POST ${MODEL}:(?:batchgeneratecontent|asyncbatchembedcontent)$`,
    ),
  ],
  ["batches", new RegExp(`^\\w+ ${V}/batches\\b`)],
  ["videos", new RegExp(`^\\w+ ${V}/(?:models/[^/]+/)?operations\\b`)],
  ["models", new RegExp(`^GET ${V}/(?:openai/)?models(?:/[^/]+)?$`)],
  ["files", new RegExp(`^\\w+ (?:/(?:upload|download))?${V}/files\\b`)],
  [
    "stored",
    new RegExp(
      `^\\w+ (?:/upload)?${V}/(?:cachedcontents|filesearchstores|corpora|interactions)\\b`,
    ),
  ],
  ["fine-tuning", new RegExp(`^\\w+ ${V}/tunedmodels\\b`)],
  [
    "agents",
    new RegExp(`^\\w+ ${V}/(?:agents|triggers|environments|voices)\\b`),
  ],
  ["inference", new RegExp(`^POST ${V}/openai/chat/completions$`)],
  ["embeddings", new RegExp(`^POST ${V}/openai/embeddings$`)],
  ["images", new RegExp(`^POST ${V}/openai/images/generations$`)],
  ["files", new RegExp(`^\\w+ ${V}/openai/files\\b`)],
  ["batches", new RegExp(`^\\w+ ${V}/openai/batches\\b`)],
];
