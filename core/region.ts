/**
 * How an API says that it does not serve the region a request came from. It
 * judges by the address it sees: this doppel's, not the client's.
 *
 * @module
 */

import type { Begun } from "./egress.ts";
import { valuesAt } from "./json.ts";
import { parsedError, peek } from "./peek.ts";
import type { Fields } from "./rewrite.ts";
import type { EgressMode } from "./settings.ts";
import type { Signal } from "./signal.ts";

/** What a provider's row knows about it. */
export interface Region {
  /** Of the answer that refuses a region. */
  readonly status: number;
  /** Members of its JSON by path (`error.code`), and what each must be; one that is absent counts as empty. */
  readonly members: Readonly<Record<string, RegExp>>;
  /** A cheap GET that answers whether this region is served. */
  readonly probe: { readonly path: string; readonly fields: Fields };
}

/** Whether a hop lives, as requests have found it: none has gone there yet, the last one came back, or it did not. */
export type HopState = "unknown" | "up" | "down";

/** What is known of the ways to the APIs, to look at. */
export interface Regions {
  /** Which way a provider's requests go, and, where they go the other for a while, until when, milliseconds since the epoch. */
  of(
    provider: string,
  ): { readonly mode: EgressMode; readonly refusedUntil?: number };
  /** See {@linkcode HopState}. */
  hop(): HopState;
}

/** An answer, and whether it refuses the region. */
export interface Judged {
  /** With the very bytes of the one that was looked at. */
  readonly response: Response;
  /** Whether another region may be served. */
  readonly refused: boolean;
}

/** Looks into an answer only where its status is that of a refusal. */
export async function judge(
  begun: Pick<Begun, "response" | "flight">,
  region: Region,
  signal: Signal,
): Promise<Judged> {
  const { response } = begun;
  if (response.status !== region.status) return { response, refused: false };
  const peeked = await peek(begun, signal);
  return {
    response: peeked.response,
    refused: peeked.text !== undefined && refusesRegion(peeked.text, region),
  };
}

/**
 * Whether JSON text is the body of such a refusal.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { refusesRegion } from "./region.ts";
 *
 * const members = { "error.code": /^unsupported_country$/ };
 * assert.ok(refusesRegion('[{"error":{"code":"unsupported_country"}}]', { members }));
 * assert.ok(!refusesRegion('{"error":{"code":"invalid_api_key"}}', { members }));
 * ```
 */
export function refusesRegion(
  text: string,
  { members }: Pick<Region, "members">,
): boolean {
  const body = parsedError(text);
  return Object.entries(members).every(([path, pattern]) => {
    const value = valuesAt(body, path)[0] ?? "";
    return typeof value === "string" && pattern.test(value);
  });
}
