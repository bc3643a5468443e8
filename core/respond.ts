/**
 * An origin's answer on its way down: fields filtered, URLs that would lead
 * around doppel turned back, bytes passed as they come and watched for silence.
 *
 * @module
 */

import type { Begun } from "./egress.ts";
import type { Route } from "./provider.ts";
import type { Refusal } from "./refusal.ts";
import { fieldsDown } from "./rewrite.ts";
import { followedField, turnBack, turnField } from "./turn.ts";
import { readText, type Watch, watch } from "./watch.ts";

/** What an answer is sent down with. */
export interface Journey extends Watch {
  /** Where the request went. */
  readonly route: Route;
  /** Method of the request. */
  readonly method: string;
  /** URL of doppel that stands for the origin's, without a trailing slash. */
  readonly base: () => string;
}

/** Fields whose value is a URL that clients follow. */
const FOLLOWED_FIELDS = [
  "location",
  "content-location",
  "x-goog-upload-url",
  "x-goog-upload-control-url",
];

/** Fetch's null body statuses: an answer with one of these must not have a body. */
const BODILESS = new Set([204, 205, 304]);

/** The answer to the client; a refusal where it had to be read here and could not be. */
export async function respond(
  begun: Begun,
  journey: Journey,
): Promise<Response | Refusal> {
  const { response } = begun;
  const { journal, route, base, method } = journey;
  const { status } = response;
  const headers = fieldsDown(response.headers);
  const turn = (url: string) => turnBack(url, route.provider, base);
  for (const field of FOLLOWED_FIELDS) {
    const value = headers.get(field);
    if (value === null) continue;
    const relative = /^\/(?!\/)/.test(value);
    headers.set(field, relative ? route.prefix + value : turn(value));
  }
  const originId = headers.get("x-request-id") ?? headers.get("request-id");
  if (!headers.has("x-request-id")) headers.set("x-request-id", journal.id);
  journal.note({
    status,
    firstByteMs: journal.elapsed(),
    ...(originId !== null && { originId }),
  });
  if (response.body === null || method === "HEAD" || BODILESS.has(status)) {
    await response.body?.cancel();
    begun.flight.land();
    journal.close("complete");
    return new Response(null, { status, headers });
  }
  const field = followedField(route, headers);
  if (field === undefined) {
    const watched = watch(response.body, begun, journey);
    return new Response(watched, { status, headers });
  }
  const text = await readText(response, begun, journey.idleSeconds);
  if (typeof text !== "string") return text;
  const turned = new TextEncoder().encode(turnField(text, field, turn));
  headers.delete("content-length");
  journal.close("complete", { bytes: turned.byteLength });
  return new Response(turned, { status, headers });
}
