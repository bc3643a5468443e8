/**
 * What instances show each other, in the shared store: a text for each, which
 * lapses by itself, beside a set of their names. Loaded when somebody looks.
 *
 * @module
 */

import type { Shown } from "../core/live.ts";
import { NOTE, scripted } from "./hash.ts";
import { STATE } from "./setup_scripts.ts";
import type { Tools } from "./upstash.ts";
import { LIVE, parsed, type Verbs } from "./verbs.ts";

/** Milliseconds for which a request is marked: whoever has it looks every second. */
const MARKED_FOR = 10_000;

const SCRIPTS = {
  /** KEYS: state, instances. ARGV: now. Answers the instances. */
  look: `${STATE}
    local now = state(KEYS[1])
    now.looked = tonumber(ARGV[1])
    call('SET', KEYS[1], cjson.encode(now))
    return call('SMEMBERS', KEYS[2])`,
  /** KEYS: what it shows, instances, what is to end. ARGV: instance, text, milliseconds. */
  show: `redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
    redis.call('SADD', KEYS[2], ARGV[1])
    return redis.call('SMEMBERS', KEYS[3])`,
  /** KEYS: audit, what is to end. ARGV: entry, id. */
  mark: `redis.call('SADD', KEYS[2], ARGV[2])
    redis.call('PEXPIRE', KEYS[2], ${MARKED_FOR})
    ${NOTE}
    return 1`,
} as const;

/** See `LiveStore`. */
export function liveVerbs(
  { redis, keys }: Tools,
): Pick<Verbs, keyof typeof LIVE> {
  const { run, change } = scripted(SCRIPTS, { redis, audit: keys.audit });
  return {
    async lookAtLive(now) {
      const touched = [keys.state, keys.instances];
      const instances = await run("look", touched, [`${now}`]) as string[];
      if (instances.length === 0) return [];
      const texts = await redis.mget<unknown[]>(instances.map(keys.shown));
      const gone = instances.filter((_, i) => texts[i] === null);
      if (gone.length > 0) await redis.srem(keys.instances, ...gone);
      return texts.flatMap((text) => parsed<Shown>(text ?? "") ?? []);
    },
    async showLive(shown, lasts) {
      const { instance } = shown;
      const touched = [keys.shown(instance), keys.instances, keys.ends];
      const args = [instance, JSON.stringify(shown), `${lasts}`];
      return await run("show", touched, args) as string[];
    },
    async markEnd(id, entry) {
      await change("mark", entry, [keys.ends], [id]);
    },
  };
}
