/**
 * A world in which nothing happens by itself: one clock, one list of what is to
 * happen, and one seed that decides what happens next. Timers, the clock and
 * all that is random are taken from the globals while it lasts, so that the
 * real code runs in it and a seed tells the same story every time.
 */

import { setImmediate } from "node:timers";

/** Numbers that a seed decides (mulberry32). */
export interface Random {
  /** From 0 up to, not including, 1. */
  next(): number;
  /** A whole number below `end`. */
  below(end: number): number;
  /** Whether something of this probability happens. */
  chance(probability: number): boolean;
  /** One of them. */
  pick<Item>(items: readonly Item[]): Item;
  /** One of the names, each as likely as its weight says. */
  weighed<Name extends string>(weights: Readonly<Record<Name, number>>): Name;
}

export function randomOf(seed: number): Random {
  let state = Math.imul(seed + 1, 0x9e3779b1);
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ state >>> 15, state | 1);
    mixed = (mixed + Math.imul(mixed ^ mixed >>> 7, mixed | 61)) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
  const below = (end: number) => Math.floor(next() * end);
  return {
    next,
    below,
    chance: (probability) => next() < probability,
    pick: (items) => items[below(items.length)]!,
    weighed(weights) {
      const rows = Object.entries<number>(weights);
      let left = next() * rows.reduce((sum, [, weight]) => sum + weight, 0);
      const [name] = rows.find(([, weight]) => (left -= weight) < 0) ??
        rows.at(-1)!;
      return name as keyof typeof weights;
    },
  };
}

/** Nobody's: what the store, the owner or the world itself does. */
export const NOBODY = -1;

/** Something that is to happen. */
interface Happening {
  readonly at: number;
  /** Of what is due at the same moment, the least is first. */
  readonly tie: number;
  /** The instance it happens in, and with which it is gone. */
  readonly who: number;
  readonly work: () => unknown;
  /** Milliseconds, where it comes again. */
  readonly every?: number;
  /** Whether it is a timer of the instance's own. */
  readonly timer?: boolean;
}

/** Why a law does not hold. */
export class Broken extends Error {}

export type World = ReturnType<typeof createWorld>;

/** Nothing has happened yet; `start` is when, milliseconds since the epoch. */
export function createWorld(
  { seed, start, traced }: { seed: number; start: number; traced: boolean },
) {
  const random = randomOf(seed);
  const due = new Map<number, Happening>();
  const offsets = new Map<number, number>();
  const trace: string[] = [];
  let numbers = 0;
  let steps = 0;
  let who = NOBODY;
  let time = 0;
  let broken: Error | undefined;
  let outside: Globals | undefined;
  let named = (_id: string) => {};

  function add(happening: Omit<Happening, "tie">): number {
    due.set(++numbers, { ...happening, tie: random.next() });
    return numbers;
  }

  function soonest(): [number, Happening] | undefined {
    let found: [number, Happening] | undefined;
    for (const entry of due) {
      const [, { at, tie }] = entry;
      const first = found?.[1];
      if (
        !first || at < first.at || at === first.at && tie < first.tie
      ) found = entry;
    }
    return found;
  }

  const hex = (length: number) =>
    random.below(16 ** length).toString(16).padStart(length, "0");
  const globals = {
    setTimeout: (work: () => void, ms = 0) =>
      add({ at: time + Math.max(0, ms), who, work, timer: true }),
    setInterval: (work: () => void, ms: number) =>
      add({ at: time + ms, who, work, every: ms, timer: true }),
    clearTimeout: (number: number) => void due.delete(number),
    clearInterval: (number: number) => void due.delete(number),
    now: () => world.now(who),
    random: random.next,
    randomUUID: () => {
      const id = `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`;
      named(id);
      named = () => {};
      return id;
    },
    getRandomValues: (bytes: Uint8Array) => {
      for (let i = 0; i < bytes.length; i++) bytes[i] = random.below(256);
      return bytes;
    },
    fetch: (..._: Parameters<typeof fetch>): Promise<Response> =>
      Promise.reject(new Error("There is no origin")),
  };

  const world = {
    random,
    trace,
    /** Milliseconds since it began. */
    get time() {
      return time;
    },
    get steps() {
      return steps;
    },
    get broken() {
      return broken;
    },
    /** In which instance the present step happens. */
    get who() {
      return who;
    },
    /** Milliseconds since the epoch by an instance's own clock. */
    now: (of: number = NOBODY) => start + time + (offsets.get(of) ?? 0),
    /** An instance's clock is set. */
    setClock(of: number, by: number) {
      offsets.set(of, (offsets.get(of) ?? 0) + by);
    },
    /** Does it after so many milliseconds. */
    after: (ms: number, of: number, work: () => unknown) =>
      add({ at: time + ms, who: of, work }),
    /** An instance is gone, with all it was about to do. */
    lose(of: number) {
      for (const [number, { who }] of due) {
        if (who === of) due.delete(number);
      }
    },
    /** Timers of an instance that are set. */
    timers: (of: number) =>
      [...due.values()].filter(({ who, timer }) => who === of && timer).length,
    /** Told the next id that is made. */
    nextId: (tell: typeof named) => void (named = tell),
    /** What `fetch` does here. */
    answerFetch: (answer: typeof globals.fetch) =>
      void (globals.fetch = answer),
    note(text: () => string) {
      if (!traced) return;
      trace.push(`${(time / 1000).toFixed(3).padStart(8)} ${text()}`);
    },
    /** A law does not hold: the first that breaks counts. */
    fail(law: string) {
      broken ??= new Broken(law);
      world.note(() => `BROKEN ${law}`);
    },
    check(holds: boolean, law: () => string) {
      if (!holds) world.fail(law());
    },
    /** Something went wrong in the code itself. */
    crash: (error: unknown) => void (broken ??= error as Error),
    /** Lets things happen until nothing is due, or `until` says so. */
    async run(until: () => boolean = () => false) {
      while (broken === undefined && !until()) {
        const next = soonest();
        if (next === undefined) return;
        const [number, { at, work, every }] = next;
        time = Math.max(time, at);
        who = next[1].who;
        steps++;
        if (every === undefined) due.delete(number);
        else {
          const again = { ...next[1], at: time + every, tie: random.next() };
          due.set(number, again);
        }
        const done = work();
        // What an instance does may wait for what is still to happen.
        if (who === NOBODY) await done;
        await quiet();
        who = NOBODY;
      }
    },
    /** The world begins: from now on the globals are its own. */
    begin() {
      const { now, random, randomUUID, getRandomValues, ...rest } = globals;
      const fetch: typeof globals.fetch = (...args) => globals.fetch(...args);
      outside = replaceGlobals([
        ...membersOf(globalThis, { ...rest, fetch }),
        ...membersOf(Date, { now }),
        ...membersOf(Math, { random }),
        ...membersOf(crypto, { randomUUID, getRandomValues }),
      ]);
    },
    /** Work with real timers and sockets; the world stands still meanwhile. */
    async outside<Result>(work: () => Promise<Result>): Promise<Result> {
      const inside = replaceGlobals(outside!);
      try {
        return await work();
      } finally {
        replaceGlobals(inside);
      }
    },
    /** The globals are everybody's again. */
    end: () => void (outside && replaceGlobals(outside)),
  };
  return world;
}

/** All that can be done without anything happening is done. */
function quiet(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Members of the globals by where they lie; without one where they are inherited. */
type Globals = readonly (readonly [
  place: object,
  name: string,
  member: PropertyDescriptor | undefined,
])[];

/** Puts others in their place, and answers what was there. */
function replaceGlobals(next: Globals): Globals {
  return next.map(([place, name, member]) => {
    const before = Object.getOwnPropertyDescriptor(place, name);
    if (member) Object.defineProperty(place, name, member);
    else Reflect.deleteProperty(place, name);
    return [place, name, before] as const;
  });
}

function membersOf(place: object, members: object): Globals {
  return Object.entries(members).map(([name, value]) =>
    [place, name, { value, configurable: true, writable: true }] as const
  );
}
