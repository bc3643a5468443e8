/**
 * The content of an origin's answer, taken chunk by chunk and watched for
 * silence: passed on, or read whole where it has to be looked into.
 *
 * @module
 */

import { readSparingly, type Source } from "./chunks.ts";
import type { Begun } from "./egress.ts";
import type { Flight } from "./flight.ts";
import type { Journal } from "./journal.ts";
import { enqueueInPieces } from "./pieces.ts";
import { betweenEvents, isEventStream, PING } from "./ping.ts";
import type { Refusal } from "./refusal.ts";

/** How an answer is watched. */
export interface Watch {
  /** Closed when the last byte has gone. */
  readonly journal: Journal;
  /** Silence allowed between two bytes, seconds. */
  readonly idleSeconds: number;
  /** Silence after which an event stream gets a comment, seconds; 0: never. */
  readonly pingSeconds: number;
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal;
  /** Looks at each chunk before it goes down. */
  readonly tap?: ((chunk: Uint8Array) => void) | undefined;
}

/** Most of a followed answer that is read here, bytes: far more than a page of any list. */
const LARGEST = 16_777_216;

/** A refusal where the origin broke off, was silent, sent too much, or compressed although asked not to. */
export async function readWhole(
  { headers, body }: Response,
  { flight, abort }: Begun,
  idleSeconds: number,
): Promise<Uint8Array<ArrayBuffer> | Refusal> {
  const reader = body!.getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let left = LARGEST;
  flight.follow({ cut: () => letGo(reader) });
  try {
    if ((headers.get("content-encoding") ?? "identity") !== "identity") {
      left = 0;
    }
    while (left > 0) {
      flight.await(idleSeconds);
      const { done, value } = await reader.read();
      if (flight.silent) break;
      if (done) return await new Response(new Blob(chunks)).bytes();
      chunks.push(value);
      left -= value.byteLength;
    }
  } catch {
    /* the flight knows whether it was silence */
  } finally {
    flight.land();
  }
  abort();
  letGo(reader);
  return { refused: flight.silent ? "origin_timeout" : "origin_unreachable" };
}

/**
 * Passes the body chunk by chunk. Not `tee()`, which never cancels the origin
 * and buffers without bound; one reader keeps backpressure and cancellation.
 * Pings are no sign of the origin's life, and not counted among its bytes.
 */
export function watch(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  { flight, abort, response }: Begun,
  { journal, idleSeconds, pingSeconds, signal, tap }: Watch,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const reader = readSparingly(body);
  const stands = pingSeconds > 0 && isEventStream(response)
    ? betweenEvents()
    : undefined;
  let between = false;
  let bytes = 0;
  const stop = () => {
    abort();
    letGo(reader);
  };
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      const cut = () => letGo(reader);
      // A ping that waits for a slow client is enough.
      const ping = () => {
        if (between && controller.desiredSize === 0) controller.enqueue(PING);
      };
      flight.follow(stands ? { cut, ping, pingSeconds } : { cut });
    },
    async pull(controller) {
      flight.await(idleSeconds);
      try {
        const { done, value } = await reader.read();
        flight.rest();
        if (flight.silent) throw new Error("The origin is silent");
        if (!done) {
          bytes += value.byteLength;
          tap?.(value);
          if (stands) between = stands(value);
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

/** Ends a pending read and closes the origin's connection: Deno loses an abort once its garbage collector has run. */
function letGo(reader: Pick<Source, "cancel">) {
  reader.cancel().catch(() => {});
}

function endingOf(flight: Flight, signal: AbortSignal) {
  if (flight.silent) return "origin_silent";
  return signal.aborted ? "client_closed" : "origin_broken";
}
