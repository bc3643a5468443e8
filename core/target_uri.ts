/**
 * Where paths lie at an origin, and which paths an origin's URLs mean.
 *
 * @module
 */

import type { Provider } from "./provider.ts";
import type { Target } from "./target.ts";

/** Where an API's paths may lie. */
export type Bases = Pick<Provider, "origin" | "home" | "bare" | "elsewhere">;

/**
 * The target URI. By concatenation to what the table says, so that no path can
 * name a host.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { uriAt } from "./target_uri.ts";
 *
 * const target = { path: "/v1/models", query: "?a" };
 * assert.equal(uriAt({ origin: "https://x/base" }, target), "https://x/base/v1/models?a");
 * assert.equal(uriAt({ origin: "http://x/v1" }, target), "http://x/v1/models?a");
 * ```
 */
export function uriAt(
  { origin, bare, elsewhere }: Bases,
  { path, query }: Target,
): string {
  const base = elsewhere?.path.test(path) ? elsewhere.origin : origin;
  const rest = standsForVersion(base, bare) && VERSION.test(path)
    ? path.slice(VERSIONED.length)
    : path;
  return base + rest + query;
}

/** The path that a URL has below one of the API's origins; `undefined` for all other URLs. */
export function pathAt(
  { origin, home = origin, bare, elsewhere }: Bases,
  url: string,
): string | undefined {
  for (const base of [origin, home, elsewhere?.origin ?? origin]) {
    const rest = url.slice(base.length);
    if (!url.startsWith(base) || !/^(?:$|[/?#])/.test(rest)) continue;
    return standsForVersion(base, bare) ? VERSIONED + rest : rest;
  }
  return undefined;
}

const VERSIONED = "/v1";
const VERSION = /^\/v1(?:\/|$)/;

function standsForVersion(base: string, bare: Bases["bare"]): boolean {
  return base.endsWith(VERSIONED) || bare?.includes(base) === true;
}
