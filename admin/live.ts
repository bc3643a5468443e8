/**
 * What runs on all instances, and how the owner ends one request of it.
 *
 * @module
 */

import * as v from "valibot";
import { gathered } from "../core/live.ts";
import { noted } from "./edit.ts";
import { Moment } from "./fields.ts";
import { row } from "./row.ts";
import { found, type Work } from "./work.ts";

const LiveRow = v.object({
  id: v.string(),
  token: v.pipe(v.string(), v.description("Public id")),
  provider: v.string(),
  model: v.optional(v.string()),
  credential: v.optional(v.string()),
  method: v.string(),
  path: v.string(),
  began: Moment,
  bytes: v.pipe(v.number(), v.description("Sent down so far")),
  cost: v.pipe(
    v.optional(v.number()),
    v.description("Micro-dollars so far; absent: nobody can tell yet"),
  ),
  ms: v.number(),
  instance: v.string(),
  status: v.optional(v.number()),
  ending: v.optional(v.string()),
  refused: v.optional(v.string()),
});

const Live = v.object({
  now: Moment,
  running: v.array(LiveRow),
  more: v.pipe(
    v.number(),
    v.description("Run besides: an instance shows its newest 200"),
  ),
  ended: v.pipe(
    v.array(LiveRow),
    v.description("In the last minute, the last 50"),
  ),
});

/** What is live, and its end. */
export const liveRows = [
  row("GET /admin/live", "Show what runs and what has just ended", {
    answer: Live,
    async run(work) {
      const { running, clock } = work;
      const others = await work.store.lookAtLive(clock());
      const all = gathered(await running.shown(), others, clock());
      return { now: new Date(clock()).toISOString(), ...all };
    },
  }),
  row("DELETE /admin/live/:id", "End a request that runs", {
    async run(work) {
      const { id, store, running } = work;
      const token = found(await tokenOf(work), "request under way");
      const entry = { ...noted(work, "live.end", { subject: id }), token };
      await store.markEnd(id, entry);
      running.end(id);
    },
  }),
];

/** Who has not been asked for a while hears within two looks that somebody looks. */
const TRIES = 13;
const TRY_EVERY = 200;

/** Whose request runs, here or elsewhere; what has ended is not waited for. */
async function tokenOf(
  { id, store, running, clock }: Work<unknown, unknown>,
): Promise<string | undefined> {
  for (let tries = 0; tries < TRIES; tries++) {
    const here = running.find(id);
    if (here) return here.token;
    const others = await store.lookAtLive(clock());
    const all = gathered(await running.shown(), others, clock());
    const there = all.running.find((row) => row.id === id);
    if (there) return there.token;
    if (all.ended.some((row) => row.id === id)) return undefined;
    await new Promise((resolve) => setTimeout(resolve, TRY_EVERY));
  }
  return undefined;
}
