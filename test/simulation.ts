/**
 * Several doppels on one store, in a world whose clock and chance a seed
 * decides: `deno run -A test/simulation.ts SEED` tells one seed's story. Laws
 * are looked at with every step, and once more when all has come to rest.
 */

import process from "node:process";
import { DatabaseSync } from "node:sqlite";
import type { Store } from "../core/store.ts";
import { sqliteStore } from "../store/sqlite.ts";
import { upstashStore } from "../store/upstash.ts";
import type { UpstashFixture } from "./redis.ts";
import { createCast, keyOf, KEYS, SPARES } from "./simulation_actors.ts";
import {
  createInstance,
  type Instance,
  type Parts,
} from "./simulation_instance.ts";
import { type Call, createLaws } from "./simulation_laws.ts";
import { createModel } from "./simulation_model.ts";
import { createOrigin } from "./simulation_origin.ts";
import { atRest } from "./simulation_rest.ts";
import { createWire } from "./simulation_wire.ts";
import { createWorld, NOBODY, type World } from "./simulation_world.ts";

/** A store for one seed after another. */
export interface Ground {
  /** By the world's clock. */
  readonly store: Store;
  /** Everything is forgotten. */
  clear(): Promise<void>;
  /** Told what time it is. */
  setClock(now: () => number): void;
  /** Whether it is behind a real socket. */
  readonly remote: boolean;
  readonly database?: DatabaseSync;
  close(): void;
}

/** What is wrong on purpose. */
export interface Mutant {
  readonly name: string;
  /** A store that does otherwise. */
  readonly store?: (store: Store, database: DatabaseSync) => Store;
  /** Parts of an instance that do. */
  readonly parts?: (parts: Parts) => Parts;
}

export interface Asked {
  readonly seed: number;
  /** Deeds of the cast. */
  readonly deeds?: number;
  readonly traced?: boolean;
  readonly mutant?: Mutant | undefined;
}

/** How a seed's story ended. */
export interface Story {
  readonly seed: number;
  readonly deeds: number;
  /** What does not hold. */
  readonly broken: Error | undefined;
  readonly trace: readonly string[];
  readonly steps: number;
  /** How requests ended, by a word for it. */
  readonly endings: readonly string[];
}

/** Deeds of a story. */
export const DEEDS = 60;

/** The embedded store, in memory. */
export function sqliteGround(): Ground {
  const database = new DatabaseSync(":memory:");
  let now = Date.now;
  const store = sqliteStore(database, () => now());
  const tables = database.prepare(
    "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'",
  ).all().map(({ name }) => `DELETE FROM ${name};`).join("");
  return {
    store,
    database,
    remote: false,
    clear: async () => await database.exec(tables),
    setClock: (clock) => void (now = clock),
    close: () => store.close(),
  };
}

/** A Redis behind Upstash's REST protocol. */
export function redisGround(upstash: UpstashFixture): Ground {
  let now = Date.now;
  const timeout = 10_000;
  return {
    store: upstashStore({ ...upstash, timeout, now: () => now() }),
    remote: true,
    clear: async () => void await upstash.command("FLUSHALL"),
    setClock: (clock) => void (now = clock),
    close() {},
  };
}

/** Tells the story of a seed. */
export async function simulate(
  { seed, deeds = DEEDS, traced = false, mutant }: Asked,
  ground: Ground,
): Promise<Story> {
  await ground.clear();
  const world = createWorld({ seed, start: startOf(seed), traced });
  ground.setClock(() => world.now());
  let endings: string[] = [];
  world.begin();
  try {
    const { random } = world;
    const stepped = random.chance(0.2);
    const weather = {
      delay: random.pick([0, 3, 50, 200]),
      losses: random.pick([0, 0, 0.02, 0.02, 0.12]),
      away: false,
    };
    const model = createModel(world);
    const laws = createLaws(world, { model, stepped });
    const origin = createOrigin(world, {
      laws,
      calls: laws.calls,
      keyOf: idOf,
    });
    origin.setAccidents(random.pick([0, 0.1, 0.4]));
    world.answerFetch(origin.answer);
    const real = ground.remote ? outside(ground.store, world) : ground.store;
    const store = mutant?.store?.(real, ground.database!) ?? real;
    const wire = createWire(world, { store, model, laws, weather });
    const instances: Instance[] = [];
    const start = () => {
      const who = instances.length;
      instances.push(createInstance(world, {
        who,
        store: wire.connect(who),
        laws,
        pool: KEYS.map((id) => ({ id, key: keyOf(id) })),
        open: ({ id }) => keyOf(id),
        mutate: mutant?.parts,
      }));
    };
    for (let count = 1 + random.below(3); count > 0; count--) start();
    const cast = createCast(world, {
      ...{ laws, origin, instances, weather, stepped, start },
      owner: wire.connect(NOBODY),
    });
    for (let count = 1 + random.below(3); count > 0; count--) cast.mint();
    let left = deeds;
    const act = () => {
      if (left-- <= 0) return;
      world.after(cast.act(), NOBODY, act);
    };
    world.after(700, NOBODY, act);

    await world.run();
    endings = laws.calls.map(endingOf);
    await atRest(world, {
      model,
      laws,
      instances,
      weather,
      store: real,
    });
  } catch (error) {
    world.crash(error);
  } finally {
    world.end();
  }
  return {
    ...{ seed, deeds, broken: world.broken, trace: world.trace },
    ...{ steps: world.steps, endings },
  };
}

/** The store with real timers and sockets, while the world stands still. */
function outside(store: Store, world: World): Store {
  const verbs = Object.entries(store).map(([name, verb]) => [
    name,
    (...args: never[]) => world.outside(() => verb(...args)),
  ]);
  return Object.fromEntries(verbs);
}

/** The shortest beginning of a story that breaks a law, told. */
export async function shrink(asked: Asked, ground: Ground): Promise<Story> {
  let low = 0;
  let high = asked.deeds ?? DEEDS;
  while (high - low > 1) {
    const deeds = Math.floor((low + high) / 2);
    const { broken } = await simulate({ ...asked, deeds }, ground);
    if (broken) high = deeds;
    else low = deeds;
  }
  return await simulate({ ...asked, deeds: high, traced: true }, ground);
}

/** A story that failed, for whoever mends it. */
export function told({ seed, deeds, broken, trace }: Story, last = 40): string {
  return [
    ...trace.slice(-last),
    `seed ${seed}, ${deeds} deeds: ${broken?.stack ?? "all laws hold"}`,
    `deno run -A test/simulation.ts ${seed} ${deeds}`,
  ].join("\n");
}

function endingOf({ line }: Call): string {
  const { ending = "killed", refused } = line ?? {};
  return refused === undefined ? ending : `${ending}: ${refused}`;
}

/** Some stories begin just before a day or a month ends. */
function startOf(seed: number): number {
  const dates = [
    "2026-11-20T12:00:00Z",
    "2026-11-20T23:59:30Z",
    "2026-11-30T23:59:00Z",
  ];
  return Date.parse(dates[seed % dates.length]!) + seed * 37 % 5_000;
}

function idOf(value: string): string {
  return [...KEYS, ...SPARES].find((id) => value === `Bearer ${keyOf(id)}`) ??
    "";
}

if (import.meta.main) {
  const [seed = "0", deeds = `${DEEDS}`] = process.argv.slice(2);
  const ground = sqliteGround();
  // What is loaded late would be late in the first story alone.
  await simulate({ seed: 0 }, ground);
  const story = await simulate(
    { seed: Number(seed), deeds: Number(deeds), traced: true },
    ground,
  );
  console.log(told(story, Infinity));
  ground.close();
}
