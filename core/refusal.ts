/**
 * Every reason doppel answers in place of the origin server.
 *
 * A refusal is a value, not an exception: each step of `handle()` returns
 * what it was asked for or a `Refusal`. Exceptions are bugs.
 *
 * @module
 */

import type { Fields } from "./rewrite.ts";

/** What every refusal of a kind has in common. */
export interface RefusalRow {
  /** HTTP status code. */
  readonly status: number;
  /** Whether the same request may succeed later without anybody's help. */
  readonly retry: boolean;
  /** Shown to the holder, so it names no secret. */
  readonly detail: string;
}

const no = (status: number, detail: string): RefusalRow => ({
  status,
  retry: false,
  detail,
});
const again = (status: number, detail: string): RefusalRow => ({
  status,
  retry: true,
  detail,
});

/** One row per refusal. */
export const REFUSALS = {
  token_ambiguous: no(
    400,
    "Two different doppel tokens in one request: send one.",
  ),
  request_malformed: no(
    400,
    "This request cannot be forwarded as it is written.",
  ),
  token_missing: no(
    401,
    "No doppel token in this request: put it where the SDK expects the API key.",
  ),
  token_invalid: no(401, "Unknown or revoked doppel token."),
  token_expired: no(401, "This doppel token has expired."),
  budget_exhausted: no(402, "The budget of this doppel token is used up."),
  price_unknown: no(402, "What this request may cost cannot be bounded."),
  provider_denied: no(403, "This doppel token is not valid for this API."),
  model_denied: no(403, "This doppel token is not valid for this model."),
  endpoint_denied: no(403, "This doppel token is not valid for this endpoint."),
  address_denied: no(403, "This doppel token is not valid from this address."),
  ended: no(403, "The owner of this doppel has ended this request."),
  no_route: no(404, "No API behind this doppel has such a path."),
  object_unknown: no(404, "There is no such object."),
  method_not_allowed: no(405, "This API has no such method on this path."),
  body_too_large: no(413, "The body is larger than this doppel accepts."),
  upgrade_refused: no(426, "No WebSocket on this route: use HTTP."),
  rate_limited: again(429, "This doppel token is over its rate."),
  concurrency_limited: again(
    429,
    "This doppel token has too many requests in flight.",
  ),
  keys_cooling: again(429, "Every key for this API is cooling down."),
  client_closed: no(499, "The client left before the answer."),
  internal_error: no(500, "doppel failed; its log says where."),
  origin_unreachable: again(502, "The API could not be reached."),
  hop_unreachable: again(502, "The hop to the API could not be reached."),
  store_unavailable: again(503, "doppel cannot check tokens right now."),
  stopping: again(503, "This doppel is stopping: try again."),
  paused: no(503, "doppel is paused."),
  no_credential: no(503, "This doppel has no key for this API."),
  origin_timeout: again(504, "The API did not answer in time."),
} as const satisfies Record<string, RefusalRow>;

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
  /** For the log only. */
  readonly reason?: string;
  /** Header fields of its answer. */
  readonly fields?: Fields;
  /** Nothing of the request has gone out, so nobody charges for it. */
  readonly unsent?: true;
  /** All that has gone out was refused by the origin, so nobody charges for it either. */
  readonly denied?: true;
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
