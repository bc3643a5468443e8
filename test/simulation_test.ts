import assert from "node:assert/strict";
import process from "node:process";
import { redisInstalled, startUpstash } from "./redis.ts";
import {
  DEEDS,
  type Ground,
  redisGround,
  shrink,
  simulate,
  sqliteGround,
  told,
} from "./simulation.ts";
import { MUTANTS } from "./simulation_mutants.ts";
import { Broken } from "./simulation_world.ts";

/** `SEEDS=100000` for a long search, `SEED=7` for one story. */
const { SEEDS = "1500", SEED } = process.env;
const COUNT = SEED === undefined ? Number(SEEDS) : 1;
/** The two runtimes tell each other's stories nowhere but here. */
const FIRST = Number(SEED ?? ("Bun" in globalThis ? 1_000_001 : 1));
/** Stories of one test. */
const PART = 250;
/** Stories within which each mutant is seen. */
const SOON = 150;
/** Stories that are told on both stores. */
const ON_BOTH = 60;

/** What happens to requests in so many stories, at least. */
const ENDINGS = [
  "complete",
  "drained",
  "killed",
  "client_closed",
  "origin_broken",
  "revoked: token_invalid",
  "revoked: token_expired",
  "revoked: budget_exhausted",
  "revoked: store_unavailable",
  "refused: token_invalid",
  "refused: token_expired",
  "refused: paused",
  "refused: rate_limited",
  "refused: concurrency_limited",
  "refused: budget_exhausted",
  "refused: keys_cooling",
  "refused: origin_unreachable",
  "refused: origin_timeout",
  "refused: store_unavailable",
];

const seen = new Set<string>();

for (let first = FIRST; first < FIRST + COUNT; first += PART) {
  const end = Math.min(first + PART, FIRST + COUNT);
  Deno.test(`simulate() keeps every law in the stories from ${first} to ${end - 1}`, () =>
    onSqlite(async (ground) => {
      for (let seed = first; seed < end; seed++) {
        const { broken, endings } = await simulate({ seed }, ground);
        if (broken) assert.fail(told(await shrink({ seed }, ground)));
        for (const ending of endings) seen.add(ending);
      }
    }));
}

if (COUNT >= 500) {
  Deno.test("simulate() lets everything happen that can", () => {
    assert.deepEqual(ENDINGS.filter((ending) => !seen.has(ending)), []);
  });
}

Deno.test("simulate() tells the same story of a seed every time", () =>
  onSqlite(async (ground) => {
    for (const seed of [3, 14, 159]) {
      const first = await simulate({ seed, traced: true }, ground);
      const other = await simulate({ seed, traced: true }, ground);
      assert.deepEqual(first.trace, other.trace);
      assert.ok(first.trace.length > DEEDS);
    }
  }));

if (redisInstalled()) {
  Deno.test(`simulate() tells the same ${ON_BOTH} stories on a real Redis, to the number`, () =>
    onSqlite(async (ground) => {
      const upstash = await startUpstash();
      try {
        const other = redisGround(upstash);
        await simulate({ seed: 0 }, other);
        for (let seed = FIRST; seed < FIRST + ON_BOTH; seed++) {
          const asked = { seed, traced: true };
          const { broken, trace } = await simulate(asked, other);
          assert.equal(broken, undefined, `seed ${seed}`);
          const { trace: here } = await simulate(asked, ground);
          const at = trace.findIndex((line, i) => line !== here[i]);
          assert.deepEqual(trace[at], here[at], `seed ${seed}`);
        }
      } finally {
        await upstash.close();
      }
    }));
}

for (const mutant of MUTANTS) {
  Deno.test(`simulate() sees that ${mutant.name}`, () =>
    onSqlite(async (ground) => {
      let broken: Error | undefined;
      for (let seed = 1; seed <= SOON && !broken; seed++) {
        ({ broken } = await simulate({ seed, mutant }, ground));
      }
      assert.ok(broken instanceof Broken, broken?.stack ?? "It was not seen");
    }));
}

/** On a ground on which everything is loaded: what is loaded late would be late in the first story alone. */
async function onSqlite(work: (ground: Ground) => Promise<void>) {
  const ground = sqliteGround();
  try {
    await simulate({ seed: 0 }, ground);
    await work(ground);
  } finally {
    ground.close();
  }
}
