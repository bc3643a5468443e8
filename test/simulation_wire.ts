/**
 * The way to the store. Every verb waits twice, on its way there and on its way
 * back, as long as the world likes; it may be lost on either, and be done all
 * the same. The model sees each verb in the order in which the store does them.
 */

import type { Taking } from "../core/limit.ts";
import { type Store, StoreUnavailable } from "../core/store.ts";
import type { Cooldown } from "../core/setup.ts";
import type { Laws } from "./simulation_laws.ts";
import type { Model } from "./simulation_model.ts";
import { NOBODY, type World } from "./simulation_world.ts";

/** How bad the way is. */
export interface Weather {
  /** Longest that a verb takes each way, milliseconds. */
  delay: number;
  /** Of all verbs so many are lost. */
  losses: number;
  /** Whether the store is away. */
  away: boolean;
}

/** Milliseconds after which an instance gives up. */
const TIMEOUT = 2_000;

export type Wire = ReturnType<typeof createWire>;
type Verb = (...args: never[]) => Promise<unknown>;
type Named = Exclude<keyof Store, "close">;
type See = (
  seeing: Seeing,
  args: readonly unknown[],
  answer: unknown,
) => void;

export function createWire(
  world: World,
  { store, model, laws, weather }: {
    store: Store;
    model: Model;
    laws: Laws;
    weather: Weather;
  },
) {
  const { random } = world;
  const verbs = Object.entries(store) as unknown as [Named | "close", Verb][];
  const pause = () => random.chance(0.4) ? 0 : random.below(weather.delay + 1);

  function saw(
    verb: Named,
    args: readonly unknown[],
    answer: unknown,
    { who, lost }: { who: number; lost: boolean },
  ) {
    laws.deed();
    const see = SEEN[verb] as unknown as See | undefined;
    see?.({ model, laws, who, lost }, args, answer);
  }

  /** Sends a verb on its way. */
  function ask(
    who: number,
    verb: Named,
    args: never[],
  ): Promise<unknown> {
    const lease = leaseOf(args);
    if (verb === "cool") laws.learnt(who, (args as unknown as [Cooldown[]])[0]);
    return new Promise((resolve, reject) => {
      const give = (name: string) => {
        world.note(() => `${who} ${verb} has no answer: ${name}`);
        laws.failed(lease);
        reject(new StoreUnavailable(name));
      };
      const lost = weather.away || random.chance(weather.losses);
      const done = !lost || !weather.away && random.chance(0.5);
      const away = weather.away && random.chance(0.5);
      if (lost) {
        if (verb === "watch") laws.troubled(who);
        world.after(
          away ? pause() : TIMEOUT,
          who,
          () => give(away ? "ECONNREFUSED" : "TimeoutError"),
        );
      }
      if (!done) return;
      world.after(pause(), NOBODY, async () => {
        if (laws.isDead(who) && random.chance(0.5)) return;
        const work = () => (store[verb] as Verb)(...args);
        let answer: unknown;
        try {
          answer = await work();
        } catch (error) {
          return world.crash(error);
        }
        world.note(() =>
          `${who} ${verb} ${brief(args)} → ${brief(answer)}${
            lost ? ", lost" : ""
          }`
        );
        saw(verb, args, answer, { who, lost });
        if (lost || laws.isDead(who)) return;
        world.after(pause(), who, () => resolve(answer));
      });
    });
  }

  return {
    weather,
    /** The store, as an instance sees it. */
    connect(who: number): Store {
      const all = verbs.map(([verb]) => [
        verb,
        verb === "close"
          ? () => {}
          : (...args: never[]) => ask(who, verb, args),
      ]);
      return Object.fromEntries(all);
    },
  };
}

interface Seeing {
  readonly model: Model;
  readonly laws: Laws;
  readonly who: number;
  readonly lost: boolean;
}

type Seer<Name extends Named> = (
  seeing: Seeing,
  args: Parameters<Store[Name]>,
  answer: Awaited<ReturnType<Store[Name]>>,
) => void;

/** What the model and the laws see of a verb that was done. */
const SEEN: { readonly [Name in Named]?: Seer<Name> } = {
  admit({ model, laws }, [[ask], taking], answer) {
    const { may, leased } = model.admitted(ask!, taking!, answer);
    laws.admitted(taking!.lease, may, leased);
  },
  reserve({ model, lost }, [id, taking, estimate], answer) {
    model.reserved(id, taking, { estimate, answer, lost });
  },
  settle({ model, laws }, [id, taking, bill]) {
    if (taking.lease === "") return model.undone(id, taking.now);
    const lease = model.tokens.get(id)?.leases.get(taking.lease);
    const call = laws.byLease(taking.lease);
    if (lease?.state === "open" && call) laws.billed(call, lease, bill);
    model.settled(id, taking, bill);
  },
  watch: ({ model }, [asked, now], { standings }) =>
    model.watched(asked, now, standings),
  createToken({ model, laws }, [record]) {
    model.created(record);
    laws.ends(record.id);
  },
  editToken({ model, laws }, [id, patch]) {
    model.edited(id, patch);
    laws.ends(id);
  },
  deleteToken({ model, laws }, [id]) {
    model.deleted(id);
    laws.ends(id);
  },
  rotateToken({ model, laws }, [id, next]) {
    model.rotated(id, next);
    laws.ends(id);
  },
  setPause: ({ model }, [pause]) => model.paused(pause),
  cool: ({ laws }, [cooldowns]) => laws.cooled(cooldowns),
  warm: ({ laws }, [credentials]) => laws.warmed(credentials),
  putSetup: ({ laws }, [change], done) => {
    if (done) laws.put(change);
  },
};

function leaseOf(args: readonly unknown[]): string | undefined {
  const taking = args.find((arg) =>
    typeof arg === "object" && arg !== null && "lease" in arg
  ) as Taking | undefined;
  return taking?.lease;
}

/** For the trace: without what every line would repeat, and the same whatever the order of members. */
function brief(value: unknown): string {
  return JSON.stringify(value, (name, part) => {
    if (part instanceof Map) return [...part.keys()];
    if (HUSHED.has(name)) return undefined;
    if (typeof part !== "object" || part === null || Array.isArray(part)) {
      return part;
    }
    return Object.fromEntries(
      Object.entries(part).toSorted(([one], [other]) => one < other ? -1 : 1),
    );
  }) ?? "";
}

const HUSHED: ReadonlySet<string> = new Set([
  ...["value", "last4", "label", "note", "providers", "models", "endpoints"],
  ...["addresses", "isolated", "created", "createdBy", "only", "by", "keep"],
]);
