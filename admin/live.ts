/**
 * What runs on all instances, and how the owner ends one request of it.
 *
 * @module
 */

import * as v from "valibot";
import { Moment } from "./fields.ts";
import { row } from "./row.ts";

const text = v.string();
const number = v.number();
const perhaps = v.optional(text);

const rows = v.array(v.object({
  id: text,
  token: text,
  provider: text,
  model: perhaps,
  credential: perhaps,
  method: text,
  path: text,
  began: Moment,
  bytes: number,
  cost: v.optional(v.pipe(number, v.description("Micro-dollars so far"))),
  ms: number,
  instance: text,
  status: v.optional(number),
  ending: perhaps,
  refused: perhaps,
}));

const Live = v.object({
  now: Moment,
  running: rows,
  more: v.pipe(number, v.description("Run besides")),
  ended: rows,
});

/** What is live, and its end. */
export const liveRows = [
  row("GET /admin/live", "Show what runs and what has just ended", {
    answer: Live,
    run: async (work) => (await import("./live_work.ts")).look(work),
  }),
  row("DELETE /admin/live/:id", "End a request that runs", {
    run: async (work) => (await import("./live_work.ts")).end(work),
  }),
];
