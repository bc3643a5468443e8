/**
 * The models of a provider, by its own list: the one that is kept, or as it is
 * now.
 *
 * @module
 */

import * as v from "valibot";
import { isUsed } from "../core/credential.ts";
import type { Discovery, Source } from "../core/discovery.ts";
import { row } from "./row.ts";
import { found, moment, Problem, type Work } from "./work.ts";

/** What an API lists, and when that was asked for. */
const ModelsShown = v.object({
  provider: v.string(),
  time: v.string(),
  models: v.array(v.object({
    id: v.string(),
    owner: v.optional(v.string()),
    created: v.pipe(
      v.optional(v.number()),
      v.description("Seconds since the epoch"),
    ),
    context: v.pipe(v.optional(v.number()), v.description("Tokens")),
    output: v.pipe(v.optional(v.number()), v.description("Tokens")),
    kind: v.optional(v.string()),
  })),
});

/** Operations on models. */
export const modelRows = [
  row("GET /admin/providers/:id/models", "List a provider's models", {
    answer: ModelsShown,
    run: (work) =>
      listed(work, async ({ models }, source) => (await models([source]))[0]),
  }),
  row("POST /admin/providers/:id/models", "Ask a provider for its models now", {
    answer: ModelsShown,
    run: (work) => listed(work, ({ look }, source) => look(source)),
  }),
];

async function listed(
  work: Work<unknown, unknown>,
  ask: (
    discovery: Discovery,
    source: Source,
  ) => ReturnType<Discovery["look"]>,
) {
  const { id, store, keyring, egress, clock: now, defer } = work;
  const setup = await store.readSetup();
  const { providers, pools } = await keyring.at(setup.turn);
  const provider = found(providers.find((row) => row.id === id), "provider");
  const seconds = Math.floor(now() / 1000);
  const credential = pools[id]?.find((one) => isUsed(one, seconds));
  if (credential === undefined) throw new Problem(409, `${id} has no key.`);
  const { discoveryOf } = await import("../core/discovery.ts");
  const discovery = discoveryOf({ store, egress, now, defer });
  const list = await ask(discovery, { provider, credential });
  if (list === undefined) {
    throw new Problem(503, `${id} did not answer with a list of models.`);
  }
  return { provider: id, time: moment(list.time), models: list.models };
}
