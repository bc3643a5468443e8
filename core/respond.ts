/**
 * An origin's answer on its way down: fields filtered, URLs that would lead
 * around doppel turned back, bytes passed as they come and watched for silence.
 *
 * @module
 */

import type { Begun } from "./egress.ts";
import type { Flight } from "./flight.ts";
import type { Journal } from "./journal.ts";
import { enqueueInPieces } from "./pieces.ts";
import type { Provider, Route } from "./provider.ts";
import type { Refusal } from "./refusal.ts";
import { fieldsDown } from "./rewrite.ts";

/** What an answer is sent down with. */
export interface Journey {
  /** Closed when the last byte has gone. */
  readonly journal: Journal;
  /** Where the request went. */
  readonly route: Route;
  /** Method of the request. */
  readonly method: string;
  /** URL of doppel that stands for the origin's, without a trailing slash. */
  readonly base: () => string;
  /** Silence allowed between two bytes, seconds. */
  readonly idleSeconds: number;
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal;
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

/** Most of a followed answer that is read here, bytes: far more than a page of any list. */
const LARGEST = 16_777_216;

/** A refusal where the origin broke off, was silent, sent too much, or compressed although asked not to. */
async function readText(
  { headers, body }: Response,
  { flight, abort }: Begun,
  idleSeconds: number,
): Promise<string | Refusal> {
  const reader = body!.getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let left = LARGEST;
  try {
    if ((headers.get("content-encoding") ?? "identity") !== "identity") {
      left = 0;
    }
    while (left > 0) {
      flight.await(idleSeconds);
      const { done, value } = await reader.read();
      if (done) return await new Blob(chunks).text();
      chunks.push(value);
      left -= value.byteLength;
    }
  } catch {
    /* the flight knows whether it was silence */
  } finally {
    flight.land();
  }
  abort();
  reader.cancel().catch(() => {});
  return { refused: flight.silent ? "origin_timeout" : "origin_unreachable" };
}

/** The JSON field in this answer that holds a URL to be turned back. */
function followedField(
  { provider, target }: Route,
  headers: Headers,
): string | undefined {
  const type = headers.get("content-type") ?? "";
  if (!/^application\/json\b/i.test(type)) return undefined;
  return provider.followed.find((row) => row.path.test(target.path))?.field;
}

/** Replaces the values of one field in JSON text and leaves every other byte. */
function turnField(
  text: string,
  field: string,
  turn: (url: string) => string,
): string {
  const value = new RegExp(
    `(?<!\\\\)("${field}"\\s*:\\s*)("(?:[^"\\\\]|\\\\.)*")`,
    "g",
  );
  return text.replace(value, (whole, name, json) => {
    const url = parsed(json);
    const turned = turn(url);
    return turned === url ? whole : name + JSON.stringify(turned);
  });
}

/** The string a JSON literal stands for; empty where it stands for none. */
function parsed(literal: string): string {
  try {
    return JSON.parse(literal);
  } catch {
    return "";
  }
}

/** `url` through doppel where it points at the origin, under whichever name; all others as they are. */
function turnBack(
  url: string,
  { origin, home = origin }: Provider,
  base: () => string,
): string {
  for (const name of [origin, home]) {
    const rest = url.slice(name.length);
    if (url.startsWith(name) && /^(?:$|[/?#])/.test(rest)) return base() + rest;
  }
  return url;
}

/**
 * Passes the body chunk by chunk. Not `tee()`, which never cancels the origin
 * and buffers without bound; one reader keeps backpressure and cancellation.
 */
function watch(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  { flight, abort }: Begun,
  { journal, idleSeconds, signal }: Journey,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = body.getReader();
  let bytes = 0;
  const stop = () => {
    abort();
    // After one abort in a hundred Deno else keeps the origin's connection open.
    reader.cancel().catch(() => {});
  };
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      flight.await(idleSeconds);
      try {
        const { done, value } = await reader.read();
        flight.rest();
        if (!done) {
          bytes += value.byteLength;
          return enqueueInPieces(controller, value);
        }
        flight.land();
        journal.close("complete", { bytes });
        controller.close();
      } catch {
        flight.land();
        journal.close(endingOf(flight, signal), { bytes });
        stop();
        // Never a clean end, and never the runtime's own error, which names the URL.
        controller.error(new Error("The origin's answer broke off"));
      }
    },
    cancel() {
      flight.land();
      journal.close("client_closed", { bytes });
      stop();
    },
  }, { highWaterMark: 0 });
}

function endingOf(flight: Flight, signal: AbortSignal) {
  if (flight.silent) return "origin_silent";
  return signal.aborted ? "client_closed" : "origin_broken";
}
