/**
 * A refusal as an answer, so that the caller's SDK raises its own typed error
 * and knows whether to try again.
 *
 * @module
 */

import type { Envelope } from "./provider.ts";
import { type Refusal, REFUSALS } from "./refusal.ts";

/** The answer; `requestId` is the request's id in doppel's log. */
export function refusalResponse(
  { refused, detail, retryAfter }: Refusal,
  envelope: Envelope,
  requestId: string,
): Response {
  const { status, retry, detail: usual } = REFUSALS[refused];
  const headers = new Headers({
    "x-request-id": requestId,
    "request-id": requestId,
    "cache-control": "private, no-store",
    "x-content-type-options": "nosniff",
  });
  if (retry || retryAfter !== undefined) {
    headers.set("retry-after", `${retryAfter ?? 1}`);
  } else headers.set("x-should-retry", "false");
  if (status === 401) headers.set("www-authenticate", 'Bearer realm="doppel"');
  const facts = { status, code: refused, detail: detail ?? usual, requestId };
  return Response.json(envelope(facts), { status, headers });
}
