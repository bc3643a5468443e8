/**
 * What the owner sets up, in the shared store: one hash of all records, one of
 * what cools, and the order in which that ends.
 *
 * It is read by a script like everything else that must be seen at once:
 * Upstash routes those to the primary.
 *
 * @module
 */

import type { KeptModels, SetupStore } from "../core/setup.ts";
import { fieldsOf, indexMember, scripted } from "./hash.ts";
import {
  coolingName,
  liveCooldowns,
  recordsOf,
  recordText,
  rowsOf,
  setupName,
  stateOf,
} from "./setup.ts";
import { SETUP_SCRIPTS } from "./setup_scripts.ts";
import type { Tools } from "./upstash.ts";
import { parsed, type Verbs } from "./verbs.ts";

/** The verbs of a setup, and those that touch its state. */
export type SetupVerbs = Pick<
  Verbs,
  keyof SetupStore | "setPause" | "importTable"
>;

/** See {@linkcode SetupVerbs}. */
export function setupVerbs(
  { redis, keys }: Tools,
  now: () => number,
): SetupVerbs {
  const scripts = scripted(SETUP_SCRIPTS, { redis, audit: keys.audit });
  const tools = { redis, keys, ...scripts };
  return {
    ...recordVerbs(tools, now),
    ...coolingVerbs(tools),
    ...modelVerbs(tools),
  };
}

type SetupTools =
  & Pick<Tools, "redis" | "keys">
  & ReturnType<typeof scripted<keyof typeof SETUP_SCRIPTS>>;

function recordVerbs(
  { run, change, keys }: SetupTools,
  now: () => number,
) {
  return {
    async setPause(pause, entry) {
      const value = JSON.stringify(pause ?? null);
      await change("pause", entry, [keys.state], [value]);
    },
    async readSetup() {
      const touched = [keys.state, keys.setup, keys.cooling];
      const answer = await run("read", touched);
      const [state, records, cooldowns] = answer as [string, Flat, Flat];
      return {
        turn: stateOf(state).turn,
        ...recordsOf(pairsOf(records)),
        cooldowns: liveCooldowns(pairsOf(cooldowns), now()),
      };
    },
    async putSetup({ kind, id, was, next }, entry) {
      const touched = [keys.state, keys.setup];
      const put = (there: string) => {
        const args = [setupName(kind, id), there, recordText(next)];
        return change("put", entry, touched, args);
      };
      const answer = await put(recordText(was));
      if (answer === 1) return true;
      // What cannot be read is not there. Redis' own JSON reads less than ours.
      const damaged = answer !== "" && parsed(answer) === undefined;
      return damaged && was === undefined && await put(`${answer}`) === 1;
    },
    async importTable({ tokens, ...setup }, entry) {
      const rows = rowsOf(setup);
      const touched = [keys.state, keys.setup, keys.index];
      touched.push(...tokens.map(({ id }) => keys.token(id)));
      const args = [`${rows.length}`];
      for (const { kind, id, record } of rows) {
        args.push(setupName(kind, id), recordText(record));
      }
      for (const token of tokens) {
        const fields = fieldsOf(token);
        const hash = JSON.stringify(token.hash);
        args.push(token.id, indexMember(token), hash);
        args.push(`${fields.length}`, ...fields);
      }
      return await change("import", entry, touched, args) as string[];
    },
  } satisfies Partial<Verbs>;
}

function coolingVerbs({ run, keys }: SetupTools) {
  const cooling = [keys.cooling, keys.coolingEnds];
  return {
    async cool(cooldowns, now) {
      const args = cooldowns.flatMap((cooldown) => [
        coolingName(cooldown),
        `${cooldown.until}`,
        JSON.stringify(cooldown),
      ]);
      await run("cool", [keys.state, ...cooling], [`${now}`, ...args]);
    },
    async warm(credentials, entry) {
      const touched = [keys.audit, keys.state, ...cooling];
      const noted = entry === undefined ? "" : JSON.stringify(entry);
      return await run("warm", touched, [noted, ...credentials]) as number;
    },
  } satisfies Partial<Verbs>;
}

function modelVerbs({ redis, keys }: SetupTools) {
  return {
    async keepModels(provider, kept) {
      await redis.hset(keys.models, { [provider]: JSON.stringify(kept) });
    },
    async readModels(providers) {
      if (providers.length === 0) return [];
      const found = await redis
        .exec<(string | null)[]>(["HMGET", keys.models, ...providers]);
      return found.map((text) => parsed<KeptModels>(text ?? ""));
    },
  } satisfies Partial<Verbs>;
}

/** Field, value, field, value, … */
type Flat = readonly string[];

function pairsOf(flat: Flat): (readonly [string, string])[] {
  return flat.flatMap((name, i) =>
    i % 2 === 0 ? [[name, flat[i + 1]!] as const] : []
  );
}
