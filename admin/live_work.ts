/**
 * A look at what runs on all instances, and the end of one request of it.
 * Loaded with the first.
 *
 * @module
 */

import { gathered } from "../core/live.ts";
import { noted } from "./edit.ts";
import { found, type Work } from "./work.ts";

type Looking = Work<unknown, unknown>;

/** What runs here and elsewhere, and what has just ended. */
export async function look({ store, running, clock }: Looking) {
  const others = await store.lookAtLive(clock());
  return gathered(await running.shown(), others, clock());
}

/** Ends it here at once, elsewhere with the next look of whoever has it. */
export async function end(work: Looking): Promise<void> {
  const { id, store, running } = work;
  const token = found(await tokenOf(work), "request under way");
  const entry = { ...noted(work, "live.end", { subject: id }), token };
  await store.markEnd(id, entry);
  running.end(id);
}

/** Who has not been asked for a while hears within two looks that somebody looks. */
const TRIES = 13;
const TRY_EVERY = 200;

/** Whose request runs, here or elsewhere; what has ended is not waited for. */
async function tokenOf(work: Looking): Promise<string | undefined> {
  const { id, running } = work;
  for (let tries = 0; tries < TRIES; tries++) {
    const here = running.find(id);
    if (here) return here.token;
    const all = await look(work);
    const there = all.running.find((row) => row.id === id);
    if (there) return there.token;
    if (all.ended.some((row) => row.id === id)) return undefined;
    await new Promise((resolve) => setTimeout(resolve, TRY_EVERY));
  }
  return undefined;
}
