/**
 * The content of an origin's answer, taken chunk by chunk and watched for
 * silence: passed on, or read whole where it has to be looked into.
 *
 * @module
 */

import type { Source } from "./chunks.ts";
import type { Begun } from "./egress.ts";
import type { EventFilter } from "./exact.ts";
import { letGo, openIntake, readOn } from "./intake.ts";
import type { Journal } from "./journal.ts";
import { enqueueInPieces } from "./pieces.ts";
import { betweenEvents, isEventStream, PING } from "./ping.ts";
import type { Refusal } from "./refusal.ts";
import { asEvent } from "./refuse.ts";
import type { Revocation } from "./revocation.ts";
import type { Signal } from "./signal.ts";

/** How an answer is watched. */
export interface Watch {
  /** Closed when the last byte has gone. */
  readonly journal: Journal;
  /** Silence allowed between two bytes, seconds. */
  readonly idleSeconds: number;
  /** Silence after which an event stream gets a comment, seconds; 0: never. */
  readonly pingSeconds: number;
  /** Aborts when nothing more is wanted of the origin. */
  readonly signal: Signal;
  /** Lets what is read on for its bill outlive its client. */
  readonly drain?: ((work: Promise<void>) => void) | undefined;
  /** Ends it before its end. */
  readonly revocation?: Revocation | undefined;
  /** What the client is told then, in its own envelope. */
  readonly lastWords?: ((why: Refusal) => object) | undefined;
  /** Looks at each chunk before it goes down. */
  readonly tap?: ((chunk: Uint8Array) => void) | undefined;
  /** Looks at each chunk when it has gone down, so that nobody waits for it. */
  readonly behind?: ((chunk: Uint8Array) => void) | undefined;
  /** What of each chunk goes down, once it has been looked at; all of it where absent. */
  readonly filter?: EventFilter | undefined;
}

/** Most of a followed answer that is read here, bytes: far more than a page of any list. */
const LARGEST = 16_777_216;

/** A refusal where the origin broke off, was silent, sent too much, or compressed although asked not to. */
export async function readWhole(
  { headers, body }: Response,
  { flight, abort }: Begun,
  { idleSeconds, signal }: Pick<Watch, "idleSeconds" | "signal">,
): Promise<Uint8Array<ArrayBuffer> | Refusal> {
  const reader = body!.getReader();
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let left = LARGEST;
  flight.follow({ cut: () => letGo(reader) });
  // Deno loses an abort, so the read is ended here, too.
  signal.addEventListener("abort", () => letGo(reader));
  try {
    if ((headers.get("content-encoding") ?? "identity") !== "identity") {
      left = 0;
    }
    while (left > 0) {
      flight.await(idleSeconds);
      const { done, value } = await reader.read();
      if (flight.silent || signal.aborted) break;
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
  source: Source,
  begun: Begun,
  journey: Watch,
): ReadableStream<Uint8Array<ArrayBuffer>> {
  const { flight, response } = begun;
  const { pingSeconds, revocation, drain } = journey;
  const stands = isEventStream(response) ? betweenEvents() : undefined;
  const intake = openIntake(source, begun, journey);
  let between = true;
  /** The client's leaving; whether that was the end of it. */
  const leave = () => {
    if (intake.over || intake.left) return false;
    intake.left = true;
    const wanted = revocation?.outlives && !journey.signal.aborted;
    if (drain && wanted) drain(readOn(intake, journey.signal));
    else intake.stop("client_closed");
    return intake.over;
  };
  return new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      // A ping that waits for a slow client is enough.
      const ping = () => {
        const idle = intake.bytes > 0 && controller.desiredSize === 0;
        if (between && idle && !intake.left) controller.enqueue(PING);
      };
      const cut = intake.letGo;
      const pings = stands && pingSeconds > 0;
      flight.follow(pings ? { cut, ping, pingSeconds } : { cut });
      revocation?.hear((why) => {
        if (intake.over) return;
        intake.stop("revoked", { refused: why.refused });
        if (intake.left) return;
        const words = stands && between && journey.lastWords?.(why);
        if (!words) return broken(controller);
        controller.enqueue(new TextEncoder().encode(asEvent(words)));
        controller.close();
      });
      // Whoever leaves before the first pull cancels nothing on Bun. No listener: one for each answer costs 5 % there.
      revocation?.hearLeaving(() => void (leave() && broken(controller)));
    },
    async pull(controller) {
      let chunk = await intake.next();
      while (chunk instanceof Uint8Array && chunk.length === 0) {
        if (intake.left) return;
        chunk = await intake.next();
      }
      if (chunk === undefined || intake.left) return;
      if (chunk === "complete") return controller.close();
      if (chunk === "broken") return broken(controller);
      intake.bytes += chunk.byteLength;
      if (stands) between = stands(chunk);
      enqueueInPieces(controller, chunk);
    },
    cancel: () => void leave(),
  }, { highWaterMark: 0 });
}

/** Content that breaks off before its first byte. */
export function brokenOff(): ReadableStream<Uint8Array<ArrayBuffer>> {
  return new ReadableStream({ start: broken });
}

/** Never a clean end, and never the runtime's own error, which names the URL. */
function broken(controller: ReadableStreamDefaultController) {
  controller.error(new Error("The answer broke off"));
}
