/**
 * What a request may cause at most, read from its content before it is sent.
 *
 * Text: a token is at least a byte of it, so a request has no more tokens than
 * bytes, counted after NFKC where that is longer (some tokenizers normalise).
 * On top of it come what APIs add by themselves (`ADDED`) and, in place of the
 * bytes of a picture, the most tokens a picture can have. Whatever stands for
 * content that is not in the request (files, earlier answers, caches) or is
 * sound, film or document is bounded by the model's context alone.
 *
 * Strict on purpose: what doppel and an origin could read differently, a
 * repeated member above all, is not read at all.
 *
 * @module
 */

import { contentOf, ROOTS } from "./content.ts";
import {
  isGiven,
  isObject,
  leniently,
  type Members,
  misread,
  sizeOf,
  strictly,
} from "./strict.ts";
import { toolsOf } from "./tools.ts";

/** The most a request can cause. */
export interface Demand {
  /** Tokens of text to be read; nothing: as many as the model's context holds. */
  readonly inputTokens: number | undefined;
  /** Pictures to be seen. */
  readonly pictures: number;
  /** Whether all of that has to fit into the model's context at once. */
  readonly oneContext: boolean;
  /** How long what is read may be kept in a cache that is written to. */
  readonly cache: "none" | "minutes" | "hours";
  /** Tokens to be written per answer, as asked for; nothing: as many as the model can. */
  readonly maxOutput: number | undefined;
  /** Tokens written beyond that limit, in all. */
  readonly moreOutput: number;
  /** Answers; none for what writes no tokens. */
  readonly answers: number;
  /** Characters to be spoken. */
  readonly characters: number;
  /** Pictures to be made. */
  readonly images: number;
  /** As asked for. */
  readonly tier: string;
}

/** Why no bound is known, and what mends it; shown to the holder. */
export interface Unbounded {
  /** A sentence. */
  readonly unbounded: string;
}

/** Tokens that APIs add to what was sent, frames of messages above all. */
const ADDED = 512;

/** How requests to an endpoint say what they want. */
export interface Shape {
  /** Where the limit of what is written may stand, the outer object first. */
  readonly limit?: readonly (readonly string[])[];
  /** What multiplies the answers. */
  readonly times?: readonly (readonly string[])[];
  /** How many there are where nothing is said; 1 if absent. */
  readonly usually?: number;
  /** What is asked for in place of an answer in tokens. */
  readonly makes?: "nothing" | "speech" | "images";
  /** What asks for a cache, where caches are not written to unasked. */
  readonly cacheAsked?: RegExp;
}

const CONFIG = ["generationConfig", "generation_config"];

/** Who does not know it lets a model write as much as it likes. */
const NEWER_LIMIT = "max_completion_tokens";

/** By endpoint, as `METHOD /path`. */
const SHAPES: readonly (readonly [RegExp, Shape])[] = [
  [/\/chat\/completions$/, {
    limit: [[NEWER_LIMIT], ["max_tokens"]],
    times: [["n"]],
  }],
  [/\/responses$/, { limit: [["max_output_tokens"]] }],
  [/\/v1\/messages$/, {
    limit: [["max_tokens"]],
    cacheAsked: /"cache_control"/,
  }],
  [/\/v1\/(?:fim\/)?completions$/, {
    limit: [["max_tokens"]],
    times: [["n"], ["best_of"]],
  }],
  [/:(?:stream)?generatecontent$/i, {
    limit: CONFIG.flatMap((config) => [
      [config, "maxOutputTokens"],
      [config, "max_output_tokens"],
    ]),
    times: CONFIG.flatMap((config) => [
      [config, "candidateCount"],
      [config, "candidate_count"],
    ]),
  }],
  [/\/interactions$/, {
    limit: CONFIG.map((config) => [config, "max_output_tokens"]),
  }],
  [/\/v1\/complete$/, { limit: [["max_tokens_to_sample"]] }],
  [/\/embeddings$|:(?:batch)?embedcontents?$/i, { makes: "nothing" }],
  [/\/audio\/speech$/, { makes: "speech" }],
  [/\/images\/generations$/, { makes: "images", times: [["n"]] }],
  [/:predict$/, {
    makes: "images",
    times: [["parameters", "sampleCount"]],
    usually: 4, // https://ai.google.dev/gemini-api/docs/imagen
  }],
];

/** Members that make an API look up or do what nobody can count beforehand. */
const UNCOUNTED = [
  "web_search_options",
  "search_parameters",
  "mcp_servers",
  "container",
  "context_management",
  "plugins",
  "agent",
  // Who answers then has another price.
  "models",
  "fallback",
  "fallbacks",
  // Together's: a second model that reads along.
  "safety_model",
  // Billed when nobody watches any more.
  "background",
];
/** Members that bring what is not in the request, but in the model's context. */
const ELSEWHERE = [
  "previous_response_id",
  "previous_interaction_id",
  "conversation",
  "cachedContent",
  "cached_content",
  "extra_body",
];

/** Reads `text`, the JSON of a request to `endpoint` (`METHOD /path`). */
export function demandOf(
  endpoint: string,
  text: string,
  { olderLimit }: { readonly olderLimit?: true | undefined } = {},
): Demand | Unbounded {
  const shape = shapeOf(endpoint, olderLimit);
  if (shape === undefined) {
    return unbounded(`This endpoint has no price that could be reserved`);
  }
  const body = strictly(text);
  if (body === undefined) {
    return unbounded("The content is no plain JSON object");
  }
  const odd = oddName(body, shape);
  if (odd !== undefined) {
    return unbounded(`"${odd}" could be read as another member`);
  }
  const given = UNCOUNTED.find((name) => isGiven(body[name]));
  if (given !== undefined) {
    return unbounded(
      `What "${given}" costs is not known beforehand: leave it out`,
    );
  }
  if (isObject(body.prompt)) {
    return unbounded(`What a stored "prompt" holds is not known: write it out`);
  }
  const tools = toolsOf(body);
  if (typeof tools === "string") {
    return unbounded(
      `What the tool "${tools}" costs is not known beforehand: leave it out`,
    );
  }
  const limit = largest(body, shape.limit ?? []);
  const times = largest(body, shape.times ?? []);
  if (limit === "unclear" || times === "unclear") {
    return unbounded(
      "The limit of the answer must be one whole number above zero",
    );
  }
  const found = contentOf(body);
  const bytes = sizeOf(text) - found.dataBytes + ADDED + tools;
  const elsewhere = found.elsewhere ||
    ELSEWHERE.some((name) => isGiven(body[name]));
  const prompts = promptsIn(body);
  const count = (times ?? shape.usually ?? 1) * prompts;
  return {
    inputTokens: shape.makes === "speech" ? 0 : elsewhere ? undefined : bytes,
    pictures: found.pictures,
    oneContext: prompts === 1 && shape.makes === undefined,
    cache: cacheOf(/\\u/.test(text) ? JSON.stringify(body) : text, shape),
    maxOutput: limit,
    moreOutput: isGiven(body.prediction) ? bytes * count : 0,
    answers: shape.makes === undefined || shape.makes === "images" ? count : 0,
    characters: shape.makes === "speech" ? bytes : 0,
    images: shape.makes === "images" ? count : 0,
    tier: tierIn(body),
  };
}

function unbounded(reason: string): Unbounded {
  return { unbounded: `${reason}; or use a token without a budget.` };
}

/** `undefined` where nobody knows what a request may cause. */
export function shapeOf(
  endpoint: string,
  olderLimit?: true,
): Shape | undefined {
  if (!endpoint.startsWith("POST ")) return undefined;
  const shape = SHAPES.find(([pattern]) => pattern.test(endpoint))?.[1];
  const limit = shape?.limit?.filter(([name]) => name !== NEWER_LIMIT);
  return olderLimit && limit ? { ...shape, limit } : shape;
}

/** The largest of the numbers that stand at `paths`. */
function largest(
  body: Members,
  paths: readonly (readonly string[])[],
): number | undefined | "unclear" {
  let most: number | undefined;
  for (const path of paths) {
    const value = path.reduce<unknown>(
      (inner, name) => isObject(inner) ? inner[name] : undefined,
      body,
    );
    if (value === undefined || value === null) continue;
    if (!Number.isSafeInteger(value) || (value as number) < 1) return "unclear";
    most = Math.max(most ?? 0, value as number);
  }
  return most;
}

/** Old completions answer each prompt of a list, and pictures are made of each instance. */
function promptsIn({ prompt, instances }: Members): number {
  const list = Array.isArray(prompt) && typeof prompt[0] !== "number"
    ? prompt
    : instances;
  return Array.isArray(list) ? Math.max(1, list.length) : 1;
}

/** Members that are read here, by how a lenient reader may take them (Go's ignores case, Google's knows two spellings). */
const READ = Map.groupBy(
  new Set([
    ...UNCOUNTED,
    ...ELSEWHERE,
    ...ROOTS,
    ...SHAPES.flatMap(([, { limit = [], times = [] }]) =>
      [...limit, ...times].flat()
    ),
    ...["model", "prompt", "instances", "tools", "functions", "prediction"],
    ...["service_tier", "serviceTier", "speed", "inference_geo"],
  ]),
  leniently,
);

/** A member that could be taken for one of those, in the request or in what holds its limits. */
function oddName(body: Members, { limit = [], times = [] }: Shape) {
  const inner = [...limit, ...times].map(([outer = ""]) => body[outer]);
  return [body, ...inner.filter(isObject)]
    .map((object) => misread(object, READ)).find((name) => name !== undefined);
}

function cacheOf(text: string, { cacheAsked }: Shape): Demand["cache"] {
  if (cacheAsked !== undefined && !cacheAsked.test(text)) return "none";
  return /"(?:ttl|prompt_cache_retention|[a-z_]*cache_options)"/.test(text)
    ? "hours"
    : "minutes";
}

function tierIn(body: Members): string {
  return [
    body.service_tier ?? body.serviceTier,
    body.speed,
    body.inference_geo,
  ].filter((one) => typeof one === "string").join(" ");
}
