/** Streams at a fixed rate: when their first event comes, and what happens to the time between two. */

import { type Buffer } from "node:buffer";
import { type Ask, bytesOf, createPool } from "./client.ts";
import { atPace, type Pace } from "./load_steady.ts";
import { sentAt } from "./shapes.ts";
import { percentile } from "./statistics.ts";

/** One stream, timed; milliseconds. */
interface Timed {
  /** From the request to the first event. */
  readonly first: number;
  /** By how much more two events were apart here than when they were sent. */
  readonly stretched: readonly number[];
}

/**
 * Microseconds. Events say when their origin wrote them, so that its own timers
 * do not count: 50 µs of gap are two events that came 50 µs further apart than
 * they were sent.
 */
export async function timeEvents(
  { ask, pace }: { readonly ask: Ask; readonly pace: Pace },
) {
  const pool = createPool(ask.url, pace.connections);
  const content = bytesOf(ask);
  const all: Timed[] = [];
  await atPace(pace, (done) => {
    const stream = timeStream();
    let status = 0;
    pool.send(content, {
      head: (of) => status = of,
      data: stream.data,
      done(whole) {
        const timed = stream.timed();
        if (whole && status === 200 && timed) all.push(timed);
        done();
      },
    });
  });
  pool.close();
  const firsts = all.map(({ first }) => first * 1000);
  const gaps = all.flatMap(({ stretched }) => stretched.map((ms) => ms * 1000));
  return {
    first50: percentile(firsts, 0.5),
    first99: percentile(firsts, 0.99),
    gap50: percentile(gaps, 0.5),
    gap99: percentile(gaps, 0.99),
    failed: Math.round(pace.rate * pace.seconds) - all.length,
  };
}

/** Reads one stream from the request on. */
export function timeStream(now: () => number = () => performance.now()) {
  const begun = now();
  let text = "";
  let first: number | undefined;
  let ended = false;
  let last: { readonly came: number; readonly sent: number } | undefined;
  const stretched: number[] = [];
  return {
    data(piece: Buffer) {
      const came = now();
      const events = (text + piece.toString("latin1")).split("\n\n");
      text = events.pop()!;
      for (const event of events) {
        first ??= came - begun;
        ended ||= event === "data: [DONE]";
        const micro = sentAt(event);
        if (micro === undefined) continue;
        const sent = micro / 1000;
        if (last) stretched.push(came - last.came - (sent - last.sent));
        last = { came, sent };
      }
    },
    /** `undefined` where it did not come to its end. */
    timed: (): Timed | undefined =>
      ended && first !== undefined ? { first, stretched } : undefined,
  };
}

/** Events per second that an origin writes when nothing makes it wait: what it could carry. */
export async function writeAtOnce(
  { ask, seconds }: { readonly ask: Ask; readonly seconds: number },
) {
  const connections = 32;
  const pool = createPool(ask.url, connections);
  const content = bytesOf(ask);
  let events = 0;
  const end = performance.now() + seconds * 1000;
  const one = (): Promise<void> =>
    new Promise((resolve) =>
      pool.send(content, {
        data: (piece) =>
          events += piece.toString("latin1").split("\n\n").length - 1,
        done: () => resolve(performance.now() < end ? one() : undefined),
      })
    );
  await Promise.all(Array.from({ length: connections }, one));
  pool.close();
  return { events: events / seconds };
}
