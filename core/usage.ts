/**
 * What a call has used, in doppel's own terms: every API's counts are brought
 * to these, and prices are reckoned from these.
 *
 * `input` and `output` are totals, as OpenAI and Google count; Anthropic leaves
 * cached tokens out of its `input_tokens` and is brought in line.
 *
 * @module
 */

/** What is counted; the text says of what it is a part. */
export const USAGE_KINDS = {
  /** Tokens read, all of them: cached ones, cache writes, media and what tools gave back included. */
  input: "input tokens",
  /** Of `input`: read from a cache. */
  cacheRead: "of it read from a cache",
  /** Of `input`, not of `cacheRead`: written to a cache of the usual life (Anthropic 5 minutes, OpenAI 30). */
  cacheWrite5m: "of it written to a cache for minutes",
  /** Of `input`, not of the two above: written to a cache of the long life (Anthropic 1 hour, OpenAI 12). */
  cacheWrite1h: "of it written to a cache for hours",
  /** Of `input`, cached or not: audio. */
  inputAudio: "of it audio",
  /** Of `input`, cached or not: pictures, still or moving. */
  inputImage: "of it pictures",
  /** Of `cacheRead` and of `inputAudio`. */
  cacheReadAudio: "of it audio read from a cache",
  /** Of `cacheRead` and of `inputImage`. */
  cacheReadImage: "of it pictures read from a cache",
  /** Tokens written, all of them: reasoning and media included. */
  output: "output tokens",
  /** Of `output`: thoughts, whether shown or not. */
  reasoning: "of it reasoning",
  /** Of `output`: audio. */
  outputAudio: "of it audio",
  /** Of `output`: pictures. */
  outputImage: "of it pictures",
  /** Searches of the web that the API bills one by one. */
  webSearches: "web searches",
  /** Of audio heard, begun ones whole; only where the API counts no tokens for it. */
  seconds: "seconds of audio",
  /** Of video made. */
  videoSeconds: "seconds of video",
  /** Unicode code points to be spoken; only where the API counts no tokens for them. */
  characters: "characters spoken",
  /** Pictures made; also where `outputImage` counts their tokens. */
  images: "pictures made",
} as const;

/** See {@linkcode USAGE_KINDS}. */
export type UsageKind = keyof typeof USAGE_KINDS;

/** Counts by kind, integers above zero; a kind that is absent is zero. */
export type Usage = { readonly [kind in UsageKind]?: number };

const KINDS = Object.keys(USAGE_KINDS) as UsageKind[];

/**
 * Brings counts to the form of {@linkcode Usage}: what is no number or not
 * above zero is left out, fractions are rounded up.
 */
export function usageOf(
  counts: { readonly [kind in UsageKind]?: unknown },
): Usage {
  const usage: { [kind in UsageKind]?: number } = {};
  for (const kind of KINDS) {
    const count = counts[kind];
    if (typeof count !== "number" || !(count > 0)) continue;
    usage[kind] = Math.min(Math.ceil(count), Number.MAX_SAFE_INTEGER);
  }
  return usage;
}

/**
 * Both together.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { addUsage } from "./usage.ts";
 *
 * const sum = addUsage({ input: 3, cacheRead: 1 }, { input: 4, output: 2 });
 * assert.deepEqual(sum, { input: 7, cacheRead: 1, output: 2 });
 * ```
 */
export function addUsage(a: Usage, b: Usage): Usage {
  return combine(a, b, (x, y) => x + y);
}

/** The larger count of each kind. */
export function largerUsage(a: Usage, b: Usage): Usage {
  return combine(a, b, Math.max);
}

function isEmpty(usage: Usage): boolean {
  for (const _ in usage) return false;
  return true;
}

function combine(
  a: Usage,
  b: Usage,
  operation: (x: number, y: number) => number,
): Usage {
  if (isEmpty(a)) return b;
  const both: { [kind in UsageKind]?: number } = {};
  for (const kind of KINDS) {
    const [x, y] = [a[kind], b[kind]];
    if (x || y) both[kind] = operation(x ?? 0, y ?? 0);
  }
  return usageOf(both);
}
