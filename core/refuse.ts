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
  refusal: Refusal,
  envelope: Envelope,
  requestId: string,
): Response {
  const { refused, retryAfter, fields = [] } = refusal;
  const { status, retry } = REFUSALS[refused];
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
  for (const [name, value] of fields) headers.set(name, value);
  const body = refusalBody(refusal, envelope, requestId);
  return Response.json(body, { status, headers });
}

/** The body alone: what a socket sends, or {@linkcode asEvent} makes an event of. */
export function refusalBody(
  { refused, detail }: Refusal,
  envelope: Envelope,
  requestId: string,
): object {
  const { status, detail: usual } = REFUSALS[refused];
  const facts = { status, code: refused, detail: detail ?? usual, requestId };
  return envelope(facts) as object;
}

/** The last event of a stream: what SDKs raise in the middle of one. */
export function asEvent(body: object): string {
  const named = "type" in body && body.type === "error";
  return `${named ? "event: error\n" : ""}data: ${JSON.stringify(body)}\n\n`;
}
