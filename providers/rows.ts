/**
 * The APIs that speak OpenAI's wire, a row each, in the order of their names;
 * `local.ts` has those of the owner's own machines. To add one, add its row here
 * and its fixtures: CONTRIBUTING.md says which.
 *
 * Behind Cloudflare's AI Gateway, by its pages on each of them
 * (https://developers.cloudflare.com/ai-gateway/usage/providers/), and on the
 * compatible endpoint (…/usage/chat-completion/). All read 2026-11-27.
 *
 * @module
 */

import type { Provider } from "../core/provider.ts";
import { BALANCES } from "./balances.ts";
import { compatible, versioned } from "./compatible.ts";
import { LISTS } from "./models.ts";
import { compatibleUsage } from "./usage.ts";
import { COHERE } from "./usage_cohere.ts";
import { OPENROUTER, PERPLEXITY, XAI } from "./usage_openai.ts";

// https://inference-docs.cerebras.ai/api-reference/chat-completions
const cerebras = compatible({
  id: "cerebras",
  origin: "https://api.cerebras.ai",
  has: ["completions"],
  gateway: { slug: "cerebras", drops: true, models: "cerebras" },
});

// https://docs.cohere.com/docs/compatibility-api; its SDK speaks
// https://docs.cohere.com/reference/chat, at the same host.
const cohere = compatible({
  id: "cohere",
  origin: "https://api.cohere.ai/compatibility",
  elsewhere: {
    path: /^\/(?:v2\/|v1\/(?:de)?tokenize$)/,
    origin: "https://api.cohere.ai",
  },
  surface: /^\/v[12](?:\/|$)/,
  has: ["embeddings"],
  more: [
    ["inference", /^POST \/v2\/(?:chat|rerank)$/],
    ["inference", /^POST \/v1\/(?:de)?tokenize$/],
    ["embeddings", /^POST \/v2\/embed$/],
  ],
  models: LISTS.cohere,
  usage: [
    [{ dialect: COHERE }, /^POST \/v2\/(?:chat|embed)$/],
    ["free", /^POST \/v1\/(?:de)?tokenize$/],
    ...compatibleUsage(),
  ],
  olderLimit: true,
  // Its own pages name no path of the compatibility API there.
  gateway: { models: "cohere" },
});

// https://api-docs.deepseek.com/api/create-chat-completion, …/guides/anthropic_api
const deepseek = compatible({
  id: "deepseek",
  origin: "https://api.deepseek.com",
  surface: /^(?:\/anthropic)?\/v1(?:\/|$)/,
  has: ["anthropic"],
  balance: BALANCES.deepseek,
  usage: compatibleUsage({ asks: true }),
  olderLimit: true,
  gateway: { slug: "deepseek", drops: true, models: "deepseek" },
});

// https://docs.fireworks.ai/api-reference/post-chatcompletions
const fireworks = compatible({
  id: "fireworks",
  origin: "https://api.fireworks.ai/inference",
  has: [
    "completions",
    "responses",
    "stored",
    "messages",
    "embeddings",
    "rerank",
  ],
  models: LISTS.fireworks,
});

// https://console.groq.com/docs/api-reference; paths of groq-sdk 1.x
const groq = compatible({
  id: "groq",
  origin: "https://api.groq.com/openai",
  has: [
    "responses",
    "embeddings",
    "speech",
    "transcriptions",
    "translations",
    "files",
    "batches",
  ],
  ownNames: /^groq\/compound/,
  models: LISTS.groq,
  gateway: { slug: "groq", drops: true, models: "groq" },
});

// https://platform.minimax.io/docs/api-reference/text-openai-api, …/text-anthropic-api
const minimax = compatible({
  id: "minimax",
  origin: "https://api.minimax.io",
  surface: /^(?:\/anthropic)?\/v1(?:\/|$)/,
  has: ["anthropic"],
  olderLimit: true,
});

// https://docs.mistral.ai/api/; paths of @mistralai/mistralai 2.7, whose
// /v1/files/{id}/url hands out what works without a key
const mistral = compatible({
  id: "mistral",
  origin: "https://api.mistral.ai",
  has: ["embeddings", "speech", "transcriptions", "files"],
  more: [
    [
      "inference",
      /^POST \/v1\/(?:fim\/completions|(?:chat\/)?(?:moderations|classifications)|ocr)$/,
    ],
    [
      "batches",
      /^(?:(?:GET|POST) \/v1\/batch\/jobs|GET \/v1\/batch\/jobs\/[^/]+|POST \/v1\/batch\/jobs\/[^/]+\/cancel)$/,
    ],
  ],
  models: LISTS.mistral,
  olderLimit: true,
  gateway: { slug: "mistral", models: "mistral" },
});

// https://platform.moonshot.ai/docs/api/chat
const moonshot = compatible({
  id: "moonshot",
  origin: "https://api.moonshot.ai",
  surface: /^(?:\/anthropic)?\/v1(?:\/|$)/,
  has: ["anthropic", "files"],
  more: [["inference", /^POST \/v1\/tokenizers\/estimate-token-count$/]],
  models: LISTS.contextual,
  balance: BALANCES.moonshot,
  olderLimit: true,
});

// https://docs.morphllm.com/api-reference
const morph = compatible({
  id: "morph",
  origin: "https://api.morphllm.com",
  has: ["embeddings", "rerank"],
  olderLimit: true,
});

// https://openrouter.ai/docs/api-reference/overview; its /key, /credits, /byok
// and /vault, among others, are the owner's.
const openrouter = compatible({
  id: "openrouter",
  origin: "https://openrouter.ai/api",
  has: [
    "completions",
    "responses",
    "messages",
    "embeddings",
    "rerank",
    "speech",
    "transcriptions",
  ],
  ownNames: /^openrouter\/[^/]+$/,
  models: LISTS.openrouter,
  // Anybody is given its list (accomplish-ai/coworker#208, read 2026-11-28).
  check: { path: BALANCES.openrouter.path },
  balance: BALANCES.openrouter,
  usage: compatibleUsage({ dialect: OPENROUTER }),
  // Its page shows both forms, and writes the one without as the rule.
  gateway: { slug: "openrouter", drops: true },
});

const ROOT = /^\/(?:v1(?:\/|$)|(?:chat\/completions|search)$)/;
const VERSIONED = versioned("https://api.perplexity.ai", ROOT);

// https://docs.perplexity.ai/api-reference: chats at /chat/completions, and as /v1/sonar
const perplexity = compatible({
  id: "perplexity",
  origin: "https://api.perplexity.ai",
  surface: ROOT,
  canonical(target) {
    const { path } = VERSIONED(target);
    const root = path.replace(/^\/v1(?=\/(?:chat\/completions|search)$)/, "");
    return { ...target, path: root };
  },
  has: ["responses", "embeddings"],
  more: [["inference", /^POST \/(?:chat\/completions|search|v1\/sonar)$/]],
  // Its list wants no key (…/api-reference/models-get: `security: []`); the
  // list of what the key has begun does (…/async-sonar-get). Read 2026-11-28.
  check: { path: "/v1/async/sonar" },
  usage: [
    [{ dialect: PERPLEXITY }, /^POST \/(?:chat\/completions|v1\/sonar)$/],
    ...compatibleUsage({ dialect: PERPLEXITY }),
  ],
  olderLimit: true,
  gateway: { slug: "perplexity-ai", models: "perplexity" },
});

// https://docs.sambanova.ai/cloud/api-reference; paths of the `sambanova` SDK
const sambanova = compatible({
  id: "sambanova",
  origin: "https://api.sambanova.ai",
  has: ["embeddings", "transcriptions", "translations"],
  models: LISTS.sambanova,
  // Anybody is given its list (lidge-jun/opencodex#870). An unknown key is 401
  // (juspay/neurolink#1586), and a model that is not there costs nobody
  // anything: whole but for that, so that no form is refused before the key is.
  // Read 2026-11-28.
  check: {
    path: "/v1/chat/completions",
    content: JSON.stringify({
      model: "doppel-check",
      messages: [{ role: "user", content: "." }],
      max_tokens: 1,
    }),
    proves: [400, 404, 410, 422],
  },
  olderLimit: true,
});

// https://docs.together.ai/reference; paths of `together-ai`
const together = compatible({
  id: "together",
  origin: "https://api.together.xyz",
  has: [
    "completions",
    "embeddings",
    "rerank",
    "images",
    "speech",
    "transcriptions",
    "translations",
    "files",
    "batches",
  ],
  more: [["files", /^POST \/v1\/files\/upload$/]],
  models: LISTS.together,
  olderLimit: true,
});

// https://docs.x.ai/docs/api-reference; its /v1/messages ended in 2026
const xai = compatible({
  id: "xai",
  origin: "https://api.x.ai",
  has: ["responses", "stored", "images"],
  more: [[
    "models",
    /^GET \/v1\/(?:language|image-generation|video-generation)-models(?:\/[^/]+)?$/,
  ]],
  models: LISTS.contextual,
  usage: compatibleUsage({ dialect: XAI }),
  // Its page writes the rule without /v1 and two of its examples with it.
  gateway: { slug: "grok", models: "grok" },
});

/** The rows. */
export const COMPATIBLE: readonly Provider[] = [
  cerebras,
  cohere,
  deepseek,
  fireworks,
  groq,
  minimax,
  mistral,
  moonshot,
  morph,
  openrouter,
  perplexity,
  sambanova,
  together,
  xai,
];
