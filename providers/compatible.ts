/**
 * APIs that speak OpenAI's wire: what they have in common, so that each is one
 * row of data in `rows.ts`. All of them are closed: what a row does not list is
 * not forwarded.
 *
 * @module
 */

import type { Envelope, Provider } from "../core/provider.ts";
import { NO_SIGNS } from "../core/provider.ts";
import type { Region } from "../core/region.ts";
import type { CleanTarget } from "../core/target.ts";
import { anthropicEnvelope, openaiEnvelope } from "./envelope.ts";
import { LISTS } from "./models.ts";
import { UNKNOWN_OBJECTS } from "./objects.ts";
import { troubleTable } from "./troubles.ts";
import { compatibleUsage } from "./usage.ts";

/** What such an API may have beside chats and its list of models. */
const ENDPOINTS = {
  chat: ["inference", /^POST \/v1\/chat\/completions$/],
  models: ["models", /^GET \/v1\/models(?:\/.+)?$/],
  completions: ["inference", /^POST \/v1\/completions$/],
  responses: ["inference", /^POST \/v1\/responses$/],
  stored: ["stored", /^(?:GET|DELETE) \/v1\/responses\/[^/]+$/],
  messages: ["inference", /^POST \/v1\/messages(?:\/count_tokens)?$/],
  /** Anthropic's wire under a path of its own. */
  anthropic: ["inference", /^POST \/anthropic\/v1\/messages$/],
  embeddings: ["embeddings", /^POST \/v1\/embeddings$/],
  rerank: ["inference", /^POST \/v1\/rerank$/],
  images: ["images", /^POST \/v1\/images\/(?:generations|edits)$/],
  speech: ["audio", /^POST \/v1\/audio\/speech$/],
  transcriptions: ["audio", /^POST \/v1\/audio\/transcriptions$/],
  translations: ["audio", /^POST \/v1\/audio\/translations$/],
  files: [
    "files",
    /^(?:(?:GET|POST) \/v1\/files|(?:GET|DELETE) \/v1\/files\/[^/]+|GET \/v1\/files\/[^/]+\/content)$/,
  ],
  batches: [
    "batches",
    /^(?:(?:GET|POST) \/v1\/batches|GET \/v1\/batches\/[^/]+|POST \/v1\/batches\/[^/]+\/cancel)$/,
  ],
} as const satisfies Record<string, Provider["endpoints"][number]>;

/** What a row says; columns of a provider's may stand for the usual ones. */
export interface Compatible extends Partial<Omit<Provider, "endpoints">> {
  readonly id: string;
  readonly origin: string;
  /** Beside chats and the list of models. */
  readonly has?: readonly (keyof typeof ENDPOINTS)[];
  /** Endpoints that only this API has. */
  readonly more?: Provider["endpoints"];
}

/** Its region is not known to be refused anywhere. */
export const NOWHERE: Region = {
  status: 0,
  members: {},
  probe: { path: "/v1/models", fields: [] },
};

/** OpenAI's slot. */
export function bearer(key: string): (readonly [string, string])[] {
  return [["authorization", `Bearer ${key}`]];
}

/** A whole row. */
export function compatible(
  { has = [], more = [], ...row }: Compatible,
): Provider {
  const names = ["chat", "models", ...has] as const;
  const surface = row.surface ?? /^\/v1(?:\/|$)/;
  return {
    wire: "openai",
    surface,
    signs: NO_SIGNS,
    credentialFields: bearer,
    envelope,
    canonical: versioned(row.origin, surface),
    endpoints: [...more, ...names.map((name) => ENDPOINTS[name])],
    closed: true,
    models: LISTS.openai,
    usage: compatibleUsage(),
    objects: UNKNOWN_OBJECTS,
    followed: [],
    sockets: [],
    modelInPath: /^\/v1\/models\/(.+)$/,
    region: NOWHERE,
    trouble: troubleTable("COMPATIBLE_TROUBLE"),
    ...has.includes("anthropic") && { namedPath: AS_ANTHROPIC },
    ...row,
  };
}

const AS_ANTHROPIC = [/^\/v1\/messages/, "/anthropic/v1/messages"] as const;

function envelope(path: string): Envelope {
  return /\/v1\/messages/.test(path) ? anthropicEnvelope : openaiEnvelope;
}

/**
 * What clients mean whose SDK adds the origin's base path by itself (groq-sdk:
 * `/openai/v1/x`), adds `/v1` to a base URL that has it, or leaves it out.
 */
export function versioned(
  origin: string,
  surface: RegExp,
): (target: CleanTarget) => CleanTarget {
  const base = new URL(origin).pathname.replace(/(?:\/v1)?\/?$/, "")
    .replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  const repeated = new RegExp(`^(?:/v1)?(?:${base})?(?=/v1(?:/|$))`);
  return (target) => {
    const path = target.path.replace(repeated, "");
    return { ...target, path: surface.test(path) ? path : `/v1${path}` };
  };
}
