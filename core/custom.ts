/**
 * What an owner may say of an API that the table does not know.
 *
 * @module
 */

/** Whose SDKs an API serves without translation. */
export const WIRES = ["openai", "anthropic", "gemini"] as const;

/** See {@linkcode WIRES}. */
export type Wire = (typeof WIRES)[number];

/** Where a key can be written. */
export const KEY_SLOTS = [
  "bearer",
  "x-api-key",
  "api-key",
  "x-goog-api-key",
] as const;

/** See {@linkcode KEY_SLOTS}. */
export type KeySlot = (typeof KEY_SLOTS)[number];

/** An API of the owner's own. */
export interface CustomProvider {
  /** As {@linkcode isProviderId} wants it. */
  readonly id: string;
  /** Scheme, authority and base path, no trailing slash. */
  readonly origin: string;
  /** Where its key is written; its wire's usual slot where absent. */
  readonly slot?: KeySlot | undefined;
  /** Whose endpoints, usage, objects and errors it shares. */
  readonly wire: Wire;
}

/** First segments of paths that are doppel's own, or an API's without a prefix; and what every object has. */
const RESERVED =
  /^(?:constructor|admin|proxy|hop|healthz|readyz|metrics|api|upload|download|ws|v\d.*)$/;

/**
 * Whether a name can be a provider's that is not in the table: it begins
 * paths, stands in scopes and makes names of settings.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { isProviderId } from "./custom.ts";
 *
 * assert.ok(isProviderId("lab-2", ["openai"]));
 * assert.ok(!isProviderId("openai", ["openai"]));
 * assert.ok(!isProviderId("v1", []));
 * assert.ok(!isProviderId("Lab", []));
 * ```
 */
export function isProviderId(id: string, taken: readonly string[]): boolean {
  return /^[a-z][a-z0-9-]{0,30}$/.test(id) && !RESERVED.test(id) &&
    !taken.includes(id);
}
