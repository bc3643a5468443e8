/**
 * How Google says what an answer has used: where it stands, and what it means in
 * our terms (research/sdks.md §4.1; types of @google/genai 3.1).
 *
 * @module
 */

import type { Counts, Dialect } from "../core/meter.ts";
import type { Shape } from "../core/scan.ts";
import { type Usage, usageOf } from "../core/usage.ts";
import { first } from "./counts.ts";

/** Tokens of a modality in a list of `{ modality, tokenCount | tokens }`. */
function ofModality(list: unknown, pattern: RegExp): number {
  if (!Array.isArray(list)) return 0;
  return list
    .filter((entry) => pattern.test(String(entry?.modality)))
    .reduce(
      (sum: number, entry) => sum + first(entry, "tokenCount", "tokens"),
      0,
    );
}

const AUDIO = /^audio$/i;
/** Still or moving. */
const IMAGE = /^(?:image|video)$/i;

/** Thoughts are no part of the candidates; results of tools none of the prompt. */
function geminiUsage(counts: Counts): Usage {
  const input = first(counts, "promptTokenCount", "total_input_tokens") +
    first(counts, "toolUsePromptTokenCount", "total_tool_use_tokens");
  const reasoning = first(counts, "thoughtsTokenCount", "total_thought_tokens");
  const lists = (...names: string[]) =>
    names.flatMap((name) => counts[name] ?? []);
  const inputs = lists(
    "promptTokensDetails",
    "toolUsePromptTokensDetails",
    "input_tokens_by_modality",
    "tool_use_tokens_by_modality",
  );
  const cached = lists("cacheTokensDetails", "cached_tokens_by_modality");
  const outputs = lists(
    "candidatesTokensDetails",
    "responseTokensDetails",
    "output_tokens_by_modality",
  );
  return usageOf({
    input,
    cacheRead: first(counts, "cachedContentTokenCount", "total_cached_tokens"),
    inputAudio: ofModality(inputs, AUDIO),
    inputImage: ofModality(inputs, IMAGE),
    cacheReadAudio: ofModality(cached, AUDIO),
    cacheReadImage: ofModality(cached, IMAGE),
    output: geminiOutput(counts, input, reasoning),
    reasoning,
    outputAudio: ofModality(outputs, AUDIO),
    outputImage: ofModality(outputs, IMAGE),
    webSearches: searches(counts["grounding_tool_count"]),
  });
}

/** Of a list of `{ type, count }`. */
function searches(list: unknown): number {
  if (!Array.isArray(list)) return 0;
  return list.filter((tool) => tool?.type === "google_search")
    .reduce((sum, tool) => sum + first(tool, "count"), 0);
}

function geminiOutput(counts: Counts, input: number, reasoning: number) {
  const total = first(counts, "totalTokenCount", "total_tokens");
  const told = reasoning + first(
    counts,
    "candidatesTokenCount",
    "responseTokenCount",
    "total_output_tokens",
  );
  // Said only as a total by some models.
  return Math.max(told, total - input);
}

const PARTS: Shape = {
  parts: { "*": { text: "text", functionCall: { name: "text" } } },
};

const GEMINI_ANSWER: Shape = {
  modelVersion: "model",
  usageMetadata: "usage",
  candidates: { "*": { content: PARTS } },
};

/** `generateContent` and its siblings, files of their results, sockets, interactions. */
export const GEMINI: Dialect = {
  shape: {
    ...GEMINI_ANSWER,
    // Interactions: JSON, and the last event.
    model: "model",
    usage: "usage",
    id: "object",
    status: "status",
    event_type: "type",
    interaction: {
      model: "model",
      usage: "usage",
      id: "object",
      status: "status",
    },
    delta: { text: "text" },
    // Sockets; the model is named in the client's first message.
    setup: { model: "model" },
    serverContent: { modelTurn: PARTS, outputTranscription: { text: "text" } },
    // Pictures.
    predictions: { "*": { bytesBase64Encoded: "image" } },
  },
  read: (counts) => [{ usage: geminiUsage(counts) }],
  tier: ({ serviceTier, trafficType }) => serviceTier ?? trafficType,
};

/** The lines of a file of results, and a batch that holds them itself. */
export const GEMINI_RESULTS: Dialect = {
  ...GEMINI,
  shape: {
    response: {
      ...GEMINI_ANSWER,
      inlinedResponses: {
        inlinedResponses: { "*": { response: GEMINI_ANSWER } },
      },
    },
  },
};
