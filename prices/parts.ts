/**
 * The parts of what was used, each of which has a rate of its own.
 *
 * @module
 */

import type { Usage } from "../core/usage.ts";
import type { RateKind } from "./row.ts";

/** Tokens read, at least as many as their parts. */
export function sizeOf(usage: Usage): number {
  const { input = 0, cacheRead = 0, cacheWrite5m = 0, cacheWrite1h = 0 } =
    usage;
  return Math.max(input, cacheRead + cacheWrite5m + cacheWrite1h);
}

/** Counts that do not overlap: every token is in one of them, and none in two. */
export function partsOf(usage: Usage): readonly [RateKind, number][] {
  const { input = 0, output = 0, ...rest } = usage;
  if (Object.keys(rest).length === 0) return plainParts(input, output);
  const of = (kind: keyof Usage) => usage[kind] ?? 0;
  const audio = Math.min(of("cacheReadAudio"), of("inputAudio"));
  const image = Math.min(of("cacheReadImage"), of("inputImage"));
  const written = Math.max(
    of("output"),
    of("outputAudio") + of("outputImage"),
    of("reasoning"),
  );
  const tokens = written + sizeOf(usage);
  const parts: [RateKind, number][] = [
    ...shared(sizeOf(usage), "input", [
      ["cacheReadAudio", audio],
      ["cacheReadImage", image],
      ["cacheRead", of("cacheRead") - audio - image],
      ["cacheWrite1h", of("cacheWrite1h")],
      ["cacheWrite5m", of("cacheWrite5m")],
      ["inputAudio", of("inputAudio") - audio],
      ["inputImage", of("inputImage") - image],
    ]),
    ...shared(written, "output", [
      ["outputAudio", of("outputAudio")],
      ["outputImage", of("outputImage")],
    ]),
    ["webSearches", of("webSearches")],
    ["seconds", of("seconds")],
    ["videoSeconds", of("videoSeconds")],
    ["characters", of("characters")],
    ["images", tokens > 0 ? 0 : of("images")],
  ];
  return parts.filter(([, count]) => count > 0);
}

function plainParts(input: number, output: number) {
  const parts: [RateKind, number][] = [["input", input], ["output", output]];
  return parts.filter(([, count]) => count > 0);
}

/** Gives each part what it asks for while there is some; the rest is `rest`. */
function shared(
  all: number,
  rest: RateKind,
  parts: readonly [RateKind, number][],
): [RateKind, number][] {
  let left = all;
  const taken = parts.map(([kind, asked]): [RateKind, number] => {
    const count = Math.max(0, Math.min(asked, left));
    left -= count;
    return [kind, count];
  });
  return [[rest, left], ...taken];
}
