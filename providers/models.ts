/**
 * How each API lists its models: `data` of objects with an `id`, as OpenAI
 * writes it, or `models` with a `name`, as Google and Cohere do; beside that,
 * what each says in a way of its own. Shapes with source and date:
 * test/models/lists.json.
 *
 * @module
 */

import type { ModelFacts, ModelKind, ModelList } from "../core/facts.ts";

type Item = Readonly<Record<string, unknown>>;

/** Where a list differs from OpenAI's; members by path (`top_provider.context_length`), the first that says something counts. */
interface Dialect {
  readonly path?: string;
  readonly owner?: string;
  readonly created?: string;
  readonly context?: readonly string[];
  readonly output?: readonly string[];
  readonly kind?: (item: Item) => ModelKind | undefined;
  readonly next?: (answer: Item) => string | undefined;
}

/** A list of models at `/v1/models`, or where the dialect says. */
export function listOf(dialect: Dialect = {}): ModelList {
  return {
    path: dialect.path ?? "/v1/models",
    ...dialect.next && {
      next: (answer) => dialect.next?.(Object(answer)),
    },
    read(answer) {
      const { data, models } = Object(answer);
      const items = [answer, data, models].find(Array.isArray);
      return items?.flatMap((item) => factsOf(Object(item), dialect));
    },
  };
}

function factsOf(item: Item, dialect: Dialect): ModelFacts[] {
  const { context = [], output = [] } = dialect;
  const said = [item.id, item.name].find((name) => typeof name === "string");
  const name = `${said ?? ""}`.replace(/^models\//, "");
  if (!PLAIN.test(name)) return [];
  const owner = member(item, dialect.owner ?? "owned_by");
  const facts = {
    owner: typeof owner === "string" && PLAIN.test(owner) ? owner : undefined,
    created: timeOf(member(item, dialect.created ?? "created")),
    context: firstCount(item, context),
    output: firstCount(item, output),
    kind: dialect.kind?.(item) ?? kindOf(name),
  };
  const told = Object.entries(facts).filter(([, fact]) => fact !== undefined);
  return [{ id: name, ...Object.fromEntries(told) }];
}

/** What a request can name, and a client show. */
const PLAIN = /^[\x20-\x7e]{1,256}$/;

function member(item: Item, path: string): unknown {
  return path.split(".").reduce<unknown>(
    (inner, name) => Object(inner)[name],
    item,
  );
}

function firstCount(item: Item, paths: readonly string[]): number | undefined {
  return paths.map((path) => member(item, path))
    .find((value): value is number =>
      typeof value === "number" && Number.isInteger(value) && value > 0
    );
}

/** The last second of the year 9999: RFC 3339 knows none behind it. */
const LAST = 253_402_300_799;

/** Seconds, or RFC 3339. */
function timeOf(value: unknown): number | undefined {
  const seconds = typeof value === "string" ? Date.parse(value) / 1000 : value;
  return typeof seconds === "number" && seconds > 0 && seconds <= LAST
    ? Math.floor(seconds)
    : undefined;
}

const NAMES: readonly (readonly [RegExp, ModelKind])[] = [
  [/rerank/i, "rerank"],
  [/embed|(?:^|[\/-])(?:bge|e5|gte)-/i, "embedding"],
  [/moderation|guard/i, "moderation"],
  [/whisper|transcri|(?:^|[-_])(?:tts|asr|stt)\b|speech|orpheus/i, "audio"],
  [/dall-e|imagen?\b|image-\d|flux|diffusion/i, "image"],
  [/(?:^|[\/-])(?:sora|veo)\b|-video/i, "video"],
];

/** By a name that leaves no doubt. */
function kindOf(name: string): ModelKind | undefined {
  return NAMES.find(([pattern]) => pattern.test(name))?.[1];
}

/** The kind that the first of some words stands for. */
function byWord(
  words: Readonly<Record<string, ModelKind>>,
  said: unknown,
): ModelKind | undefined {
  const all: unknown[] = Array.isArray(said) ? said : [said];
  const found = Object.keys(words).find((word) => all.includes(word));
  return found === undefined ? undefined : words[found];
}

/** https://docs.together.ai/reference/models-1, https://lmstudio.ai/docs/app/api/endpoints/rest */
const TYPES = {
  chat: "chat",
  llm: "chat",
  vlm: "chat",
  embedding: "embedding",
  embeddings: "embedding",
  image: "image",
  audio: "audio",
  transcribe: "audio",
  video: "video",
  rerank: "rerank",
  moderation: "moderation",
} as const;

/** Mistral's flags, most telling first: https://docs.mistral.ai/api/endpoint/models */
const FLAGS = {
  completion_chat: "chat",
  moderation: "moderation",
  classification: "moderation",
  audio_transcription: "audio",
  audio_speech: "audio",
} as const;

/** The lists, by API. */
export const LISTS = {
  openai: listOf(),
  groq: listOf({
    context: ["context_window"],
    output: ["max_completion_tokens"],
  }),
  sambanova: listOf({
    context: ["context_length"],
    output: ["max_completion_tokens"],
  }),
  /** Moonshot, xAI. */
  contextual: listOf({ context: ["context_length"] }),
  mistral: listOf({
    context: ["max_context_length"],
    kind: ({ capabilities }) =>
      byWord(
        FLAGS,
        Object.keys(Object(capabilities)).filter((flag) =>
          Object(capabilities)[flag] === true
        ),
      ),
  }),
  openrouter: listOf({
    context: ["top_provider.context_length", "context_length"],
    output: ["top_provider.max_completion_tokens"],
    kind: (item) =>
      byWord(
        { embeddings: "embedding", image: "image", audio: "audio" },
        member(item, "architecture.output_modalities"),
      ) ?? byWord(
        { text: "chat" },
        member(item, "architecture.output_modalities"),
      ),
  }),
  together: listOf({
    owner: "organization",
    context: ["context_length"],
    kind: ({ type }) => byWord(TYPES, type),
  }),
  fireworks: listOf({
    context: ["context_length"],
    kind: ({ supports_chat: chat }) => chat === true ? "chat" : undefined,
  }),
  cohere: listOf({
    context: ["context_length"],
    kind: ({ endpoints }) =>
      byWord({ chat: "chat", embed: "embedding", rerank: "rerank" }, endpoints),
  }),
  vllm: listOf({ context: ["max_model_len"] }),
  lmstudio: listOf({
    context: ["loaded_context_length", "max_context_length"],
    kind: ({ type }) => byWord(TYPES, type),
  }),
  anthropic: listOf({
    path: "/v1/models?limit=1000",
    next: ({ has_more, last_id }) =>
      has_more === true && typeof last_id === "string"
        ? `&after_id=${encodeURIComponent(last_id)}`
        : undefined,
    created: "created_at",
    context: ["max_input_tokens"],
    output: ["max_tokens"],
    kind: () => "chat",
  }),
  gemini: listOf({
    path: "/v1beta/models?pageSize=1000",
    next: ({ nextPageToken: token }) =>
      typeof token === "string" && token !== ""
        ? `&pageToken=${encodeURIComponent(token)}`
        : undefined,
    context: ["inputTokenLimit"],
    output: ["outputTokenLimit"],
    kind: ({ supportedGenerationMethods }) =>
      byWord({
        embedContent: "embedding",
        predictLongRunning: "video",
        predict: "image",
        generateContent: "chat",
      }, supportedGenerationMethods),
  }),
};
