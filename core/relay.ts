/**
 * Two ends of a socket joined: every message goes to the other side as it is,
 * and so does the end.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { Flights } from "./flight.ts";
import type { Ending, Journal, SocketFacts } from "./journal.ts";
import type { Refusal } from "./refusal.ts";
import type { Revocation } from "./revocation.ts";
import { type End, type Message, passable } from "./socket.ts";
import type { Sockets, Stop } from "./sockets.ts";

/** Bytes waiting for one side above which the other is not read. */
const ENOUGH = 1_048_576;
/** Bytes waiting above which a side that cannot be held back is cut off (1013). */
const MOST = 16_777_216;
/** How often a side that is held back is looked after, milliseconds: no runtime tells of a drain in both directions. */
const LOOK_EVERY = 10;

/** What a joined pair needs. */
export interface Relay {
  /** The client's end. */
  readonly client: End;
  /** The origin's end, paused until the client's has opened. */
  readonly origin: End;
  /** All flights of the process. */
  readonly flights: Flights;
  /** Silence allowed, seconds; pings do not count. */
  readonly idleSeconds: number;
  /** Closed when the socket has ended. */
  readonly journal: Journal;
  /** Looks at each message of the origin's. */
  readonly tap?: ((message: Message) => void) | undefined;
  /** Ends it before its end. */
  readonly revocation?: Revocation | undefined;
  /** What the client is sent then, before the close. */
  readonly lastWords?: ((why: Refusal) => object) | undefined;
}

/** Joins the ends; must be called in the turn in which they were made. */
export function relay(
  relayed: Relay,
  sockets: Sockets,
): void {
  const { client, origin, flights, idleSeconds, journal } = relayed;
  const flight = flights.begin(() => end("idle", 1001, "Idle"));
  const awake = () => flight.await(idleSeconds);
  const flooded = () => end("overflowed", 1013, "Too fast");
  const up = oneWay(client, origin, { awake, flooded });
  const down = oneWay(origin, client, { awake, flooded });
  const stop: Stop = (reason) => end("stopped", 1001, reason);
  let over = false;
  let ends = 2;

  /** Both sides are told; what is queued for them goes first. */
  function end(ending: Ending, code: number, reason: string) {
    if (over) return;
    over = true;
    flight.land();
    const said = passable(code, reason);
    for (const way of [up, down]) way.end();
    for (const side of [client, origin]) side.close(said.code, said.reason);
    const { bytes } = down;
    journal.close(ending, { bytes, socket: factsOf(up, down, code) });
  }

  const closed = (broken: Ending) => (code: number, reason: string) => {
    end(lost(code) ? broken : "complete", code, reason);
    if (--ends === 0) sockets.delete(stop);
  };
  client.listen({
    opened: () => origin.resume(),
    message: up.pass,
    closed: closed("client_closed"),
  });
  origin.listen({
    opened: () => {},
    message(message) {
      relayed.tap?.(message);
      down.pass(message);
    },
    closed: closed("origin_broken"),
  });
  relayed.revocation?.hear((why) => {
    if (over) return;
    const words = relayed.lastWords?.(why);
    // OpenAI's clients go by the type; Google's know no such message, and read on to the close.
    if (words) client.send(JSON.stringify({ type: "error", ...words }));
    journal.note({ refused: why.refused });
    end("revoked", 1008, "No longer allowed");
  });
  journal.count(down);
  awake();
  sockets.add(stop);
}

type Way = ReturnType<typeof oneWay>;

function factsOf(up: Way, down: Way, code: number): SocketFacts {
  return {
    up: up.messages(),
    down: down.messages(),
    upBytes: up.bytes,
    code: code || 1006, // Deno says 0
  };
}

/** No close frame came. */
function lost(code: number): boolean {
  return code === 0 || code === 1006 || code === 1015;
}

/** Messages from one end to the other, no more of them read than the other takes. */
function oneWay(
  from: End,
  to: End,
  { awake, flooded }: { awake: () => void; flooded: () => void },
) {
  let messages = 0;
  let bytes = 0;
  let over = false;
  let held: ReturnType<typeof setInterval> | undefined;

  function release() {
    clearInterval(held);
    held = undefined;
    from.resume();
  }

  return {
    messages: () => messages,
    get bytes() {
      return bytes;
    },
    pass(message: Message) {
      if (over) return;
      // Before the message is sent: however large, one alone is no flood.
      if (to.waiting() > MOST) return flooded();
      awake();
      messages++;
      bytes += Buffer.byteLength(message);
      to.send(message);
      if (to.waiting() <= ENOUGH || held !== undefined || !from.pause()) return;
      held = setInterval(() => {
        if (to.waiting() <= ENOUGH) release();
      }, LOOK_EVERY);
    },
    /** Nothing passes any more; reading goes on, to see the answer to a close. */
    end() {
      over = true;
      release();
    },
  };
}
