/**
 * The load, in a process of its own: `bun bench/load.ts KIND ORDER` (JSON) and
 * figures as JSON on stdout. 32 and 256 connections are wrk's work; this is
 * what wrk cannot do.
 */

import process from "node:process";
import { moveBodies } from "./load_bodies.ts";
import { openStreams } from "./load_slow.ts";
import { sendSteadily } from "./load_steady.ts";
import { timeEvents, writeAtOnce } from "./load_events.ts";

const KINDS = {
  steady: sendSteadily,
  events: timeEvents,
  slow: openStreams,
  bodies: moveBodies,
  capacity: writeAtOnce,
};

export type Kind = keyof typeof KINDS;
export type Order<Of extends Kind> = Parameters<typeof KINDS[Of]>[0];
export type Loaded<Of extends Kind> = Awaited<ReturnType<typeof KINDS[Of]>>;

if (import.meta.main) {
  const [kind, order] = process.argv.slice(2);
  const run = KINDS[kind as Kind] as (order: unknown) => Promise<unknown>;
  console.log(JSON.stringify(await run(JSON.parse(order!))));
  process.exit(0);
}
