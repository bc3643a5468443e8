/**
 * The content of an origin's answer, taken chunk by chunk and watched for
 * silence: passed on, or read whole where it has to be looked into.
 *
 * @module
 */

import { readSparingly, type Source } from "./chunks.ts";
import type { Begun } from "./egress.ts";
import type { Flight } from "./flight.ts";
import type { Ending, Journal, LogLine } from "./journal.ts";
import { enqueueInPieces } from "./pieces.ts";
import { betweenEvents, isEventStream, PING } from "./ping.ts";
import type { Refusal } from "./refusal.ts";
import { asEvent } from "./refuse.ts";
import type { Revocation } from "./running.ts";

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
  /** Ends it before its end. */
  readonly revocation?: Revocation | undefined;
  /** What the client is told then, in its own envelope. */
  readonly lastWords?: ((why: Refusal) => object) | undefined;
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
  journey: Watch,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { journal, idleSeconds, pingSeconds, signal, tap } = journey;
  const reader = readSparingly(body);
  const stands = isEventStream(response) ? betweenEvents() : undefined;
  let between = true;
  let bytes = 0;
  let over = false;
  const stop = () => {
    abort();
    letGo(reader);
  };
  const end = (ending: Ending, facts: Partial<LogLine> = {}) => {
    over = true;
    flight.land();
    journal.close(ending, { bytes, ...facts });
  };
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      const cut = () => letGo(reader);
      // A ping that waits for a slow client is enough.
      const ping = () => {
        const idle = bytes > 0 && controller.desiredSize === 0;
        if (between && idle) controller.enqueue(PING);
      };
      const pings = stands && pingSeconds > 0;
      flight.follow(pings ? { cut, ping, pingSeconds } : { cut });
      journey.revocation?.hear((why) => {
        if (over) return;
        end("revoked", { refused: why.refused });
        stop();
        if (!stands || !between || !journey.lastWords) {
          return broken(controller);
        }
        const event = asEvent(journey.lastWords(why));
        controller.enqueue(new TextEncoder().encode(event));
        controller.close();
      });
    },
    async pull(controller) {
      flight.await(idleSeconds);
      try {
        const { done, value } = await reader.read();
        if (over) return;
        flight.rest();
        if (flight.silent) throw new Error("The origin is silent");
        if (!done) {
          bytes += value.byteLength;
          tap?.(value);
          if (stands) between = stands(value);
          return enqueueInPieces(controller, value);
        }
        end("complete");
        controller.close();
      } catch {
        if (over) return;
        end(endingOf(flight, signal));
        stop();
        broken(controller);
      }
    },
    cancel() {
      end("client_closed");
      stop();
    },
  }, { highWaterMark: 0 });
}

/** Never a clean end, and never the runtime's own error, which names the URL. */
function broken(controller: ReadableStreamDefaultController) {
  controller.error(new Error("The answer broke off"));
}

/** Ends a pending read and closes the origin's connection: Deno loses an abort once its garbage collector has run. */
function letGo(reader: Pick<Source, "cancel">) {
  reader.cancel().catch(() => {});
}

function endingOf(flight: Flight, signal: AbortSignal) {
  if (flight.silent) return "origin_silent";
  return signal.aborted ? "client_closed" : "origin_broken";
}
