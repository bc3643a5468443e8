/**
 * How Anthropic says what an answer has used: where it stands, and what it means in
 * our terms (research/sdks.md §4.1; types of @anthropic-ai/sdk 1.11).
 *
 * @module
 */

import type { Bill, Counts, Dialect } from "../core/meter.ts";
import { type Usage, usageOf } from "../core/usage.ts";
import { first, part } from "./counts.ts";

/** Tokens from a cache and to it are no part of `input_tokens`. */
function anthropicUsage(counts: Counts): Usage {
  const created = part(counts, "cache_creation");
  const cacheWrite1h = first(created, "ephemeral_1h_input_tokens");
  const written = Math.max(
    first(counts, "cache_creation_input_tokens"),
    cacheWrite1h + first(created, "ephemeral_5m_input_tokens"),
  );
  const cacheRead = first(counts, "cache_read_input_tokens");
  const tools = part(counts, "server_tool_use");
  return usageOf({
    input: first(counts, "input_tokens") + cacheRead + written,
    cacheRead,
    cacheWrite5m: written - cacheWrite1h,
    cacheWrite1h,
    output: first(counts, "output_tokens"),
    reasoning: first(part(counts, "output_tokens_details"), "thinking_tokens"),
    webSearches: first(tools, "web_search_requests"),
  });
}

const LEFT_OUT: ReadonlySet<unknown> = new Set([
  "compaction",
  "advisor_message",
]);

/** What the totals leave out: compactions, and what another model was asked. */
function readAnthropic(counts: Counts): Bill[] {
  const { iterations } = counts;
  const more = (Array.isArray(iterations) ? iterations : [])
    .filter((iteration) => LEFT_OUT.has(iteration?.type))
    .map((iteration): Bill => ({
      model: iteration.type === "compaction" ? undefined : `${iteration.model}`,
      usage: anthropicUsage(iteration),
    }));
  return [{ usage: anthropicUsage(counts) }, ...more];
}

/** Messages, as JSON and as events. */
export const ANTHROPIC: Dialect = {
  shape: {
    type: "type",
    model: "model",
    usage: "usage",
    message: { model: "model", usage: "begun" },
    delta: { text: "text", thinking: "text", partial_json: "text" },
    content: { "*": { text: "text", thinking: "text" } },
    completion: "text",
  },
  read: readAnthropic,
  tier: ({ speed, service_tier, inference_geo }) =>
    [speed, service_tier, inference_geo].filter((one) =>
      typeof one === "string" && one !== "standard"
    ).join(" ") || service_tier,
};

/** The lines of a file of results. */
export const ANTHROPIC_RESULTS: Dialect = {
  ...ANTHROPIC,
  shape: { result: { message: { model: "model", usage: "usage" } } },
};
