/**
 * How OpenAI, and all who speak its wire, says what an answer has used: where it stands, and what it means in
 * our terms (research/sdks.md §4.1; types of openai 7.55).
 *
 * @module
 */

import type { Beside, Bill, Counts, Dialect } from "../core/meter.ts";
import type { Shape } from "../core/scan.ts";
import { type Usage, usageOf } from "../core/usage.ts";
import { first, part } from "./counts.ts";

/** OpenAI's counts, and those of all who speak its wire. */
function openaiUsage(counts: Counts): Usage {
  const of = part(
    counts,
    "prompt_tokens_details",
    "input_tokens_details",
    "input_token_details",
  );
  const out = part(
    counts,
    "completion_tokens_details",
    "output_tokens_details",
    "output_token_details",
  );
  const cached = part(
    { ...counts, ...of },
    "cached_tokens_details",
  );
  const cacheRead = first(of, "cached_tokens") ||
    // DeepSeek; Moonshot; Mistral.
    first(
      counts,
      "prompt_cache_hit_tokens",
      "cached_tokens",
      "num_cached_tokens",
    );
  const input = Math.max(
    first(counts, "prompt_tokens", "input_tokens"),
    cacheRead,
  );
  const told = first(counts, "completion_tokens", "output_tokens");
  // xAI and Google's OpenAI wire leave reasoning out of the completion, but not out of the total.
  const output = Math.max(told, first(counts, "total_tokens") - input);
  const written = Math.min(
    first(of, "cache_write_tokens"),
    input - cacheRead,
  );
  const cacheWrite1h = Math.min(
    written,
    first(part(of, "cache_write_tokens_details"), "ttl_12h_tokens"),
  );
  return usageOf({
    input,
    cacheRead,
    cacheWrite5m: written - cacheWrite1h,
    cacheWrite1h,
    inputAudio: first(of, "audio_tokens"),
    inputImage: first(of, "image_tokens") + first(of, "video_tokens"),
    cacheReadAudio: first(cached, "audio_tokens"),
    cacheReadImage: first(cached, "image_tokens", "cached_image_tokens"),
    output,
    reasoning: first(out, "reasoning_tokens") ||
      first(counts, "reasoning_tokens") || output - told,
    outputAudio: first(out, "audio_tokens"),
    outputImage: first(out, "image_tokens"),
    // Whisper; Mistral.
    seconds: counts["type"] === "duration"
      ? first(counts, "seconds")
      : first(counts, "prompt_audio_seconds"),
  });
}

/** The model that draws has a price of its own; the answer only calls it a tool. */
const DRAWING = "image_gen";

function readOpenai(counts: Counts, { searches, tools }: Beside): Bill[] {
  const search = part(tools, "web_search");
  const told = first(search, "num_requests");
  const webSearches = "num_requests" in search ? told : searches;
  const bills: Bill[] = [{
    usage: { ...openaiUsage(counts), ...usageOf({ webSearches }) },
  }];
  const drawn = openaiUsage(part(tools, DRAWING));
  if (Object.keys(drawn).length > 0) {
    bills.push({ model: DRAWING, usage: drawn });
  }
  return bills;
}

const MESSAGE: Shape = {
  content: "text",
  reasoning_content: "text",
  reasoning: "text",
  refusal: "text",
  function_call: { arguments: "text" },
  tool_calls: { "*": { function: { name: "text", arguments: "text" } } },
  audio: { data: "audio" },
};

const ITEMS: Shape = {
  "*": {
    action: { type: "action" },
    content: { "*": { text: "text" } },
    arguments: "text",
  },
};

const HEARER: Shape = { model: "hearer" };

const OPENAI_SHAPE: Shape = {
  type: "type",
  model: "model",
  service_tier: "tier",
  usage: "usage",
  // Groq, in streams.
  x_groq: { usage: "usage" },
  choices: {
    // Moonshot counts here.
    "*": { delta: MESSAGE, message: MESSAGE, text: "text", usage: "usage" },
  },
  delta: "text",
  id: "object",
  status: "status",
  background: "background",
  tool_usage: "tools",
  output: ITEMS,
  response: {
    id: "object",
    status: "status",
    background: "background",
    model: "model",
    service_tier: "tier",
    usage: "usage",
    tool_usage: "tools",
    // What came in deltas is not counted again.
    output: { "*": { action: { type: "action" } } },
  },
};

/** Chat, completions, Responses, embeddings. */
export const OPENAI: Dialect = { shape: OPENAI_SHAPE, read: readOpenai };

/** OpenRouter bills its own share apart from what a key of the owner's is billed elsewhere: https://openrouter.ai/docs/use-cases/usage-accounting (read 2026-11-27). */
export const OPENROUTER: Dialect = {
  ...OPENAI,
  cost(counts) {
    const elsewhere = part(counts, "cost_details")["upstream_inference_cost"];
    return dollars(
      counts["cost"],
      counts["is_byok"] === true ? elsewhere : 0,
    );
  },
};

/** xAI counts ten-billionths of a dollar: https://docs.x.ai/docs/guides/chat (read 2026-11-27). */
export const XAI: Dialect = {
  ...OPENAI,
  cost: ({ cost_in_usd_ticks: ticks }) =>
    typeof ticks === "number" ? dollars(ticks / 1e10) : undefined,
};

/** Perplexity's thoughts are beside the completion and its total: https://docs.perplexity.ai/api-reference (read 2026-11-27). */
export const PERPLEXITY: Dialect = {
  ...OPENAI,
  read(counts, beside) {
    const [bill] = readOpenai(counts, beside);
    const { usage } = bill!;
    const { output = 0 } = usage;
    const thoughts = first(counts, "reasoning_tokens");
    const searches = first(counts, "num_search_queries");
    return [{
      usage: usageOf({
        ...usage,
        output: output + thoughts,
        webSearches: searches || usage.webSearches,
      }),
    }];
  },
  cost: (counts) => dollars(part(counts, "cost")["total_cost"]),
};

/** Micro-dollars; nothing where one of them is no amount. */
function dollars(...amounts: readonly unknown[]): number | undefined {
  let sum = 0;
  for (const amount of amounts) {
    if (typeof amount !== "number" || !(amount >= 0)) return undefined;
    sum += amount;
  }
  // Not 1e6 × 0.000158, which is a hair more than 158.
  return Number((sum * 1e6).toFixed(6));
}

/** Pictures: `data` of JSON, or the picture of an event. */
export const OPENAI_IMAGES: Dialect = {
  ...OPENAI,
  shape: {
    type: "type",
    model: "model",
    usage: "usage",
    b64_json: "image",
    data: { "*": { b64_json: "image", url: "image" } },
  },
};

/** Speech as events, and transcripts; `duration` is Whisper's, in its long form. */
export const OPENAI_AUDIO: Dialect = {
  ...OPENAI,
  shape: {
    type: "type",
    model: "model",
    usage: "usage",
    duration: "seconds",
    text: "text",
    delta: "text",
  },
};

/** Sockets of sessions: the transcript of what was heard is another model's. */
export const OPENAI_REALTIME: Dialect = {
  shape: {
    type: "type",
    usage: "usage",
    delta: "text",
    session: {
      model: "model",
      input_audio_transcription: HEARER,
      audio: { input: { transcription: HEARER } },
    },
    response: { usage: "usage", model: "model" },
  },
  read: (counts, { type = "", hearer = "transcription" }) => [{
    ...type.includes("transcription") && { model: hearer },
    usage: openaiUsage(counts),
  }],
};

/** The lines of a file of results. */
export const OPENAI_RESULTS: Dialect = {
  ...OPENAI,
  shape: {
    response: { body: { model: "model", usage: "usage", tool_usage: "tools" } },
  },
};

/** A batch, which names the file of its results when it has one. */
export const OPENAI_BATCH: Dialect = {
  ...OPENAI,
  shape: {
    model: "model",
    usage: "usage",
    status: "status",
    id: "object",
    output_file_id: "object",
  },
};
