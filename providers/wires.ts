/**
 * The APIs whose SDKs are known from each other without a prefix, one for each
 * wire.
 *
 * @module
 */

import type { Provider } from "../core/provider.ts";
import type { CleanTarget } from "../core/target.ts";
import { bearer } from "./compatible.ts";
import {
  ANTHROPIC_ENDPOINTS,
  GEMINI_ENDPOINTS,
  OPENAI_ENDPOINTS,
} from "./endpoints.ts";
import {
  anthropicEnvelope,
  googleEnvelope,
  openaiEnvelope,
} from "./envelope.ts";
import { LISTS } from "./models.ts";
import {
  ANTHROPIC_OBJECTS,
  GEMINI_OBJECTS,
  OPENAI_OBJECTS,
} from "./objects.ts";
import { troubleTable } from "./troubles.ts";
import { ANTHROPIC_USAGE, GEMINI_USAGE, OPENAI_USAGE } from "./usage.ts";

/** Google's OpenAI-compatible surface, which speaks OpenAI's wire. */
const GEMINI_AS_OPENAI = /^\/v1beta\/openai(?:\/|$)/;

// Anchored at the end: `/v1/models/ft:gpt:org::1` is OpenAI's.
const GEMINI_VERB =
  /:(?:generateContent|streamGenerateContent|countTokens|embedContent|batchEmbedContents|asyncBatchEmbedContent|batchGenerateContent|generateAnswer|predict|predictLongRunning|computeTokens)$/;

/** https://ai.google.dev/api */
export const gemini: Provider = {
  id: "gemini",
  wire: "gemini",
  origin: "https://generativelanguage.googleapis.com",
  surface: /^\/v1(?:alpha|beta1?)?(?:\/|$)|^\/(?:upload|download|ws)\//,
  signs: {
    fields: ["x-goog-api-key", "x-goog-api-client", "x-goog-upload-command"],
    parameters: ["key", "access_token"],
    path: new RegExp(
      `^/v1(?:alpha|beta1?)(?:/|$)|^/(?:upload|download)/|^/ws/google\\.|${GEMINI_VERB.source}`,
    ),
  },
  credentialFields(key, path) {
    if (GEMINI_AS_OPENAI.test(path)) return bearer(key);
    // An ephemeral token is no key: https://ai.google.dev/gemini-api/docs/ephemeral-tokens
    return key.startsWith("auth_tokens/")
      ? [["authorization", `Token ${key}`]]
      : [["x-goog-api-key", key]];
  },
  envelope: (path) =>
    GEMINI_AS_OPENAI.test(path) ? openaiEnvelope : googleEnvelope,
  // https://ai.google.dev/gemini-api/docs/openai
  namedPath: [/^\/v1\//, "/v1beta/openai/"],
  endpoints: GEMINI_ENDPOINTS,
  models: LISTS.gemini,
  gateway: { slug: "google-ai-studio", models: "google-ai-studio" },
  usage: GEMINI_USAGE,
  objects: GEMINI_OBJECTS,
  minted: "auth_tokens/",
  upload: { path: /^\/upload\//, parameter: "upload_id" },
  followed: [{ path: /\/operations\//, field: "uri" }],
  sockets: [
    { path: /^\/ws\/google\.ai\.generativelanguage\./, model: "frames" },
  ],
  modelInPath: /\/(?:models|tunedModels)\/([^/:]+)/,
  region: {
    status: 400,
    members: {
      "error.status": /^FAILED_PRECONDITION$/,
      "error.message": /^User location is not supported/,
    },
    probe: { path: "/v1beta/models", fields: [] },
  },
  // "Consumer 'api_key:…' has been suspended": google/generative-ai-docs#356.
  tells: [403],
  trouble: troubleTable("GEMINI_TROUBLE"),
};

/** https://docs.anthropic.com/en/api */
export const anthropic: Provider = {
  id: "anthropic",
  wire: "anthropic",
  origin: "https://api.anthropic.com",
  surface: /^\/(?:v1|api)(?:\/|$)/,
  signs: {
    fields: ["anthropic-version", "anthropic-beta", "x-api-key"],
    parameters: [],
    path: /^\/v1\/(?:messages|complete)(?:\/|$)|^\/api\//,
  },
  credentialFields(key, path) {
    // An OAuth token is no API key: https://docs.anthropic.com/en/api/beta-headers
    if (key.startsWith("sk-ant-oat")) {
      return [...bearer(key), ["anthropic-beta", "oauth-2025-04-20"]];
    }
    return ANTHROPIC_AS_OPENAI.test(path) ? bearer(key) : [["x-api-key", key]];
  },
  envelope: (path) =>
    ANTHROPIC_AS_OPENAI.test(path) ? openaiEnvelope : anthropicEnvelope,
  endpoints: ANTHROPIC_ENDPOINTS,
  models: LISTS.anthropic,
  gateway: { slug: "anthropic", models: "anthropic" },
  usage: ANTHROPIC_USAGE,
  objects: ANTHROPIC_OBJECTS,
  followed: [{ path: /^\/v1\/messages\/batches/, field: "results_url" }],
  sockets: [],
  modelInPath: /^\/v1\/models\/(.+)$/,
  // Its edge's answer; the API's own errors have a `type` beside `error`.
  region: {
    status: 403,
    members: {
      "type": /^$/,
      "error.type": /^forbidden$/,
      "error.message": /^Request not allowed$/,
    },
    probe: {
      path: "/v1/models",
      fields: [["anthropic-version", "2023-06-01"]],
    },
  },
  trouble: troubleTable("ANTHROPIC_TROUBLE"),
};

/** https://docs.anthropic.com/en/api/openai-sdk */
const ANTHROPIC_AS_OPENAI = /^\/v1\/chat\//;

/** https://platform.openai.com/docs/api-reference */
export const openai: Provider = {
  id: "openai",
  wire: "openai",
  origin: "https://api.openai.com",
  surface: /^\/v1(?:\/|$)/,
  credentialFields: bearer,
  envelope: () => openaiEnvelope,
  canonical: azureAsOpenai,
  endpoints: OPENAI_ENDPOINTS,
  models: LISTS.openai,
  gateway: { slug: "openai", drops: true, models: "openai" },
  usage: OPENAI_USAGE,
  objects: OPENAI_OBJECTS,
  minted: "ek_",
  followed: [],
  sockets: [
    { path: /^\/v1\/realtime(?:\/translations)?$/, model: "query" },
    { path: /^\/v1\/responses$/, model: "frames" },
    {
      path: /^\/v1\/live\/sessions(?:\/[^/]+\/(?:attach|fork))?$/,
      model: "frames",
    },
  ],
  modelInPath: /^\/v1\/models\/(.+)$/,
  region: {
    status: 403,
    members: {
      "error.code": /^unsupported_country_(?:region_territory|code)$/,
    },
    probe: { path: "/v1/models", fields: [] },
  },
  trouble: troubleTable("OPENAI_TROUBLE"),
};

/**
 * Azure's client writes `/openai/deployments/M/x?api-version=…` for what is
 * `/v1/x` here, and leaves `/v1` out of every other path.
 */
function azureAsOpenai(target: CleanTarget): CleanTarget {
  const path = target.path.replace(/^\/deployments\/[^/]+(?=\/)/, "");
  const pairs = target.query === "" ? [] : target.query.slice(1).split("&");
  const rest = pairs.filter((pair) => !pair.startsWith("api-version="));
  const azure = path !== target.path || rest.length < pairs.length;
  if (!azure) return target;
  return {
    ...target,
    path: /^\/v1\//.test(path) ? path : `/v1${path}`,
    query: rest.length === 0 ? "" : "?" + rest.join("&"),
  };
}
