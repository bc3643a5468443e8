/**
 * Every reason doppel answers in place of the origin server.
 *
 * A refusal is a value, not an exception: each step of `handle()` returns
 * what it was asked for or a `Refusal`. Exceptions are bugs.
 *
 * @module
 */

/**
 * One row per refusal. `detail` is shown to the holder, so it names no secret;
 * `retry` says whether the same request may succeed later without anybody's help.
 */
export const REFUSALS = {
  token_ambiguous: {
    status: 400,
    retry: false,
    detail: "Two different doppel tokens in one request: send one.",
  },
  request_malformed: {
    status: 400,
    retry: false,
    detail: "This request cannot be forwarded as it is written.",
  },
  token_missing: {
    status: 401,
    retry: false,
    detail:
      "No doppel token in this request: put it where the SDK expects the API key.",
  },
  token_invalid: {
    status: 401,
    retry: false,
    detail: "Unknown or revoked doppel token.",
  },
  token_expired: {
    status: 401,
    retry: false,
    detail: "This doppel token has expired.",
  },
  budget_exhausted: {
    status: 402,
    retry: false,
    detail: "The budget of this doppel token is used up.",
  },
  provider_denied: {
    status: 403,
    retry: false,
    detail: "This doppel token is not valid for this API.",
  },
  model_denied: {
    status: 403,
    retry: false,
    detail: "This doppel token is not valid for this model.",
  },
  endpoint_denied: {
    status: 403,
    retry: false,
    detail: "This doppel token is not valid for this endpoint.",
  },
  address_denied: {
    status: 403,
    retry: false,
    detail: "This doppel token is not valid from this address.",
  },
  no_route: {
    status: 404,
    retry: false,
    detail: "No API behind this doppel has such a path.",
  },
  body_too_large: {
    status: 413,
    retry: false,
    detail: "The body is larger than this doppel accepts.",
  },
  upgrade_refused: {
    status: 426,
    retry: false,
    detail: "No WebSocket on this route: use HTTP.",
  },
  rate_limited: {
    status: 429,
    retry: true,
    detail: "This doppel token is over its rate.",
  },
  concurrency_limited: {
    status: 429,
    retry: true,
    detail: "This doppel token has too many requests in flight.",
  },
  keys_cooling: {
    status: 429,
    retry: true,
    detail: "Every key for this API is cooling down.",
  },
  client_closed: {
    status: 499,
    retry: false,
    detail: "The client left before the answer.",
  },
  origin_unreachable: {
    status: 502,
    retry: true,
    detail: "The API could not be reached.",
  },
  hop_unreachable: {
    status: 502,
    retry: true,
    detail: "The hop to the API could not be reached.",
  },
  store_unavailable: {
    status: 503,
    retry: true,
    detail: "doppel cannot check tokens right now.",
  },
  paused: { status: 503, retry: false, detail: "doppel is paused." },
  no_credential: {
    status: 503,
    retry: false,
    detail: "This doppel has no key for this API.",
  },
  origin_timeout: {
    status: 504,
    retry: true,
    detail: "The API did not answer in time.",
  },
} as const satisfies Record<
  string,
  { status: number; retry: boolean; detail: string }
>;

/** Stable, machine-readable name of a refusal; part of the public contract. */
export type RefusalCode = keyof typeof REFUSALS;

/** A step's answer where it cannot go on. */
export interface Refusal {
  /** Which row of {@linkcode REFUSALS}. */
  readonly refused: RefusalCode;
  /** Said in place of the row's own `detail`; shown to the holder, so no secret in it. */
  readonly detail?: string;
  /** Seconds until a retry may succeed (`Retry-After`, RFC 9110 §10.2.3). */
  readonly retryAfter?: number;
}

/** What an error body is made of. */
export interface RefusalFacts {
  /** HTTP status code. */
  readonly status: number;
  /** Machine-readable reason. */
  readonly code: RefusalCode;
  /** Human-readable reason. */
  readonly detail: string;
  /** The id this request has in doppel's log. */
  readonly requestId: string;
}

/**
 * Tells a refusal from a step's ordinary result.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { isRefusal } from "./refusal.ts";
 *
 * assert.equal(isRefusal({ refused: "token_missing" }), true);
 * assert.equal(isRefusal("sk-1"), false);
 * ```
 */
export function isRefusal(value: unknown): value is Refusal {
  return typeof value === "object" && value !== null && "refused" in value;
}
