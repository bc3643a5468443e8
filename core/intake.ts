/**
 * An origin's answer as it is taken in: chunk by chunk, watched for silence,
 * and to its end where its client has left and its bill is wanted.
 *
 * @module
 */

import type { Source } from "./chunks.ts";
import type { Begun } from "./egress.ts";
import type { Flight } from "./flight.ts";
import type { Ending, LogLine } from "./journal.ts";
import type { Signal } from "./signal.ts";
import type { Watch } from "./watch.ts";

/** One answer's. */
export interface Intake {
  /** Bytes that went down. */
  bytes: number;
  /** Whether the client has left. */
  left: boolean;
  /** Whether it has ended, one way or another. */
  readonly over: boolean;
  /** The next chunk, empty where all of it is held back, or how it ended; nothing where it had been stopped. */
  next(): Promise<Uint8Array<ArrayBuffer> | "complete" | "broken" | undefined>;
  /** Writes down why and lets the origin go. */
  stop(ending: Ending, facts?: Partial<LogLine>): void;
  /** Ends a pending read. */
  letGo(): void;
}

/** Most that is read on for a bill, bytes: more than the longest answer of any model in events. */
const MOST = 67_108_864;

const NOTHING = new Uint8Array();

/** Nothing is read yet. */
export function openIntake(
  reader: Source,
  { flight, abort }: Begun,
  { journal, idleSeconds, signal, tap, behind, filter }: Watch,
): Intake {
  let over = false;
  const pass = oneBehind(behind);
  const end = (ending: Ending, facts: Partial<LogLine> = {}) => {
    over = true;
    pass(undefined);
    flight.land();
    journal.close(ending, { bytes: intake.bytes, ...facts });
  };
  /** What a filter still holds goes down before the end; read again, the body ends again. */
  const heldBack = () => filter?.end() ?? NOTHING;
  const intake = {
    bytes: 0,
    left: false,
    get over() {
      return over;
    },
    async next() {
      flight.await(idleSeconds);
      try {
        const { done, value } = await reader.read();
        if (over) return undefined;
        flight.rest();
        if (flight.silent) throw new Error("The origin is silent");
        if (done) {
          const rest = heldBack();
          if (rest.length > 0) return rest;
          end(intake.left ? "drained" : "complete");
          return "complete";
        }
        tap?.(value);
        pass(value);
        return filter ? filter.push(value) : value;
      } catch {
        if (over) return undefined;
        const rest = heldBack();
        if (rest.length > 0) return rest;
        // Bun forgets what it has not sent yet when a stream breaks.
        if (filter) await new Promise((resolve) => setTimeout(resolve, 0));
        if (over) return undefined;
        intake.stop(brokenBy(flight, signal));
        return "broken";
      }
    },
    stop(ending, facts) {
      end(ending, facts);
      abort();
      intake.letGo();
    },
    letGo: () => letGo(reader),
  } as Intake;
  journal.count(intake);
  return intake;
}

/** How an answer ended that broke off. */
export function brokenBy(
  { silent }: Flight,
  { aborted }: Signal,
): Ending {
  if (silent) return "origin_silent";
  return aborted ? "client_closed" : "origin_broken";
}

/** Looks at each chunk when the next one is there: runtimes write to their sockets once JavaScript has come to rest, and nobody is to wait for `look`. */
function oneBehind(look: (chunk: Uint8Array) => void = () => {}) {
  let last: Uint8Array | undefined;
  return (next: Uint8Array | undefined) => {
    if (last !== undefined) look(last);
    last = next;
  };
}

/** Reads to the end, for nobody but the meter. */
export async function readOn(
  intake: Intake,
  signal: Signal,
): Promise<void> {
  const giveUp = () => {
    if (!intake.over) intake.stop("client_closed");
  };
  // Deno loses an abort, so the read is ended here, too.
  signal.addEventListener("abort", giveUp);
  for (let left = MOST; !intake.over && left > 0;) {
    const chunk = await intake.next();
    if (chunk instanceof Uint8Array) left -= chunk.byteLength;
  }
  giveUp();
}

/** Ends a pending read and closes the origin's connection: Deno loses an abort once its garbage collector has run. */
export function letGo(reader: Pick<Source, "cancel">) {
  reader.cancel().catch(() => {});
}
