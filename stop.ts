/**
 * How doppel stops: what goes on is let go on, and what was used is written
 * down.
 *
 * @module
 */

import process from "node:process";
import type { Flights } from "./core/flight.ts";
import type { Sockets } from "./core/sockets.ts";

/** What is to be stopped. */
export interface Stopping {
  /** Whether the runtime drains by itself, and waits for whatever is open. */
  readonly drains: boolean;
  /** A server that has to be told; `undefined` where there is none. */
  readonly server: () => { stop?(): Promise<void> } | undefined;
  /** Closed at once. */
  readonly sockets: Pick<Sockets, "size" | "stop">;
  /** Waited for. */
  readonly flights: Pick<Flights, "size">;
  /** Resolved when all that goes on behind answers' backs is done. */
  readonly finish: () => Promise<void>;
  /** Called last. */
  readonly close: () => void;
}

/** Seconds for the answer to a close, and for the last bills. */
const FAREWELL_SECONDS = 5;

/**
 * A stream ends by itself, a socket never does: it is closed at once, so that
 * its client goes elsewhere. `deno serve` drains by itself, other servers would
 * cut every stream. A second signal does not wait. The function it gives tells
 * whether there was one.
 */
export function drainOnSignal(stopping: Stopping): () => boolean {
  const { drains, server, sockets, finish, close } = stopping;
  let asked = false;
  const stop = async () => {
    if (asked) process.exit(1);
    asked = true;
    sockets.stop("doppel is stopping");
    if (drains) setTimeout(() => leave(stopping), FAREWELL).unref();
    if (drains && server() === undefined) return;
    await server()?.stop?.();
    setTimeout(() => process.exit(0), FAREWELL).unref();
    await finish();
    close();
    process.exit(0);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
  return () => asked;
}

const FAREWELL = FAREWELL_SECONDS * 1000;

/** Deno would wait as long as a socket's other end does not answer; requests may go on. */
function leave(stopping: Stopping): void {
  const { sockets, flights, finish } = stopping;
  const waited = sockets.size > 0 && flights.size === 0;
  if (!waited) return void setTimeout(() => leave(stopping), 500).unref();
  finish().then(() => process.exit(0));
}
