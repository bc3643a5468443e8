/**
 * Keys that rest: an origin has refused them, and asking again would only cost
 * time. What this process has seen holds here at once; what all have seen is
 * told by whoever keeps it for them.
 *
 * @module
 */

import type { Cooldown } from "./setup.ts";

/** The keys that rest, as this process knows them. */
export interface Cooling {
  /** When a key may be used again for a model, seconds since the epoch; 0 where it does not rest. */
  until(credential: string, model: string): number;
  /** One more, from now on. A later end stands. */
  cool(cooldown: Cooldown): void;
  /** To be called when somebody begins to read what the store knows, and then with what was read: what the store had not been told by the beginning stays. */
  learn(): (cooldowns: Iterable<Cooldown>) => void;
  /** Counts a refusal of the key itself: how many there were one after another. */
  refused(credential: string): number;
  /** The key has served: its refusals are forgotten. */
  served(credential: string): void;
}

/** What a set of them needs. */
export interface CoolingOptions {
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Keeps cooldowns for all processes; resolved when the store has them. */
  readonly tell: (cooldowns: readonly Cooldown[]) => Promise<unknown>;
}

/** Most that are known at once: keys times models, many times over. */
const MOST = 10_000;

/** A cooldown, and since which event the store knows it; `Infinity`: it still has to be told. */
interface Known extends Cooldown {
  told: number;
}

/** No key rests yet. */
export function createCooling({ now, tell }: CoolingOptions): Cooling {
  const known = new Map<string, Known>();
  const refusals = new Map<string, number>();
  /** Of what was told, and of readings that began: which was before which. */
  let events = 0;

  function keep(cooldown: Known): boolean {
    const name = nameOf(cooldown.credential, cooldown.model);
    if ((known.get(name)?.until ?? 0) >= cooldown.until) return false;
    known.set(name, cooldown);
    if (known.size > MOST) thin(known, now() / 1000);
    return true;
  }

  return {
    until(credential, model) {
      if (known.size === 0) return 0;
      const whole = known.get(nameOf(credential, ""))?.until ?? 0;
      const own = known.get(nameOf(credential, model))?.until ?? 0;
      const until = Math.max(whole, own);
      return until > now() / 1000 ? until : 0;
    },
    cool(cooldown) {
      const own = { ...cooldown, told: Infinity };
      if (!keep(own)) return;
      // What the store could not be told stays until it ends.
      tell([cooldown]).then(() => void (own.told = ++events), () => {});
    },
    learn() {
      const began = ++events;
      return (cooldowns) => {
        for (const [name, { told }] of known) {
          if (told < began) known.delete(name);
        }
        for (const cooldown of cooldowns) keep({ ...cooldown, told: began });
      };
    },
    refused(credential) {
      const times = (refusals.get(credential) ?? 0) + 1;
      if (refusals.size >= MOST) refusals.clear();
      refusals.set(credential, times);
      return times;
    },
    served(credential) {
      if (refusals.size > 0) refusals.delete(credential);
    },
  };
}

function nameOf(credential: string, model: string): string {
  return `${credential}\n${model}`;
}

/** Makes room: what has ended goes, and if that is not enough, half of the rest, the soonest first. */
function thin(known: Map<string, Known>, now: number): void {
  for (const [name, { until }] of known) {
    if (until <= now) known.delete(name);
  }
  if (known.size <= MOST) return;
  const byEnd = [...known].sort(([, a], [, b]) => a.until - b.until);
  for (const [name] of byEnd.slice(0, MOST / 2)) known.delete(name);
}
