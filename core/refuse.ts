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

/** A refusal as the last event of a stream: what SDKs raise in the middle of one. */
export function refusalEvent(
  { refused, detail }: Refusal,
  envelope: Envelope,
  requestId: string,
): string {
  const { status, detail: usual } = REFUSALS[refused];
  const facts = { status, code: refused, detail: detail ?? usual, requestId };
  const body = envelope(facts) as { type?: string };
  const event = body.type === "error" ? "event: error\n" : "";
  return `${event}data: ${JSON.stringify(body)}\n\n`;
}
