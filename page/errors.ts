/**
 * Why requests failed, in plain words, and what to do.
 *
 * @module
 */

/** By code, as `GET /admin/usage` counts them. */
const WHY: Readonly<Record<string, string>> = {
  token_ambiguous: "Two tokens in one request: the client should send one.",
  request_malformed: "The request could not be forwarded as it was written.",
  token_missing: "No token was sent: set it where the SDK expects the API key.",
  token_invalid: "The token is unknown, disabled or deleted.",
  token_expired: "The token has expired: give it a later expiry.",
  budget_exhausted:
    "A budget was used up: raise it, or wait for its next period.",
  price_unknown:
    "The cost could not be bounded: allow the model or lift the budget.",
  provider_denied: "The token is not for this provider: widen its scope.",
  model_denied: "The token is not for this model: widen its models.",
  endpoint_denied: "The token is not for this endpoint: widen its endpoints.",
  address_denied: "The token is not for this address: widen its addresses.",
  no_route: "No provider has this path: check the client's base URL.",
  object_unknown: "The object does not exist, or belongs to another token.",
  method_not_allowed: "The API does not have this method on this path.",
  body_too_large: "The body was larger than MAX_BODY_BYTES.",
  upgrade_refused:
    "A WebSocket where there is none: the client should use HTTP.",
  rate_limited: "A token was over its rate: raise it, or slow the client down.",
  concurrency_limited: "Too many at once for a token: raise its concurrency.",
  keys_cooling: "Every key was cooling: add one, or see why under Keys.",
  client_closed: "The client left before the answer.",
  internal_error: "doppel failed: its log says where.",
  origin_unreachable: "The API could not be reached.",
  hop_unreachable: "The hop could not be reached.",
  store_unavailable: "The store did not answer.",
  paused: "doppel was paused.",
  no_credential: "There was no key for this provider: add one under Keys.",
  origin_timeout: "The API did not answer in time.",
  ended: "You ended the request under Live.",
  drained: "The client left; the answer was read to its end for the true bill.",
  origin_broken: "The API broke its answer off.",
  origin_silent: "The API fell silent in the middle of its answer.",
  revoked: "The token was taken back while the request ran.",
  idle: "A socket on which nobody spoke was closed.",
  overflowed: "One side of a socket did not read what came.",
  stopped: "doppel was stopped or started anew.",
  http_400: "The API found the request wrong.",
  http_401: "The API refused the key: check it under Keys.",
  http_402: "The account behind the key has no money left.",
  http_403: "The API forbids this to the key.",
  http_404: "The API does not know the model or object.",
  http_429: "The API's own limit was reached: add a key, or slow down.",
  http_529: "The API was overloaded.",
};

/** Of one code; empty where nothing more can be said. */
export function whyOf(code: string): string {
  const known = WHY[code];
  if (known !== undefined) return known;
  if (/^http_5/.test(code)) return "The API itself failed.";
  return /^http_4/.test(code) ? "The API refused the request." : "";
}
