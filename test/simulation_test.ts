import assert from "node:assert/strict";
import process from "node:process";
import { DEEDS, shrink, simulate, sqliteGround, told } from "./simulation.ts";
import { MUTANTS } from "./simulation_mutants.ts";
import { Broken } from "./simulation_world.ts";

/** `SEEDS=100000` for a long search, `SEED=7` for one story. */
const { SEEDS = "2000", SEED } = process.env;
const FIRST = Number(SEED ?? 1);
const COUNT = SEED === undefined ? Number(SEEDS) : 1;
/** Stories within which each mutant is seen. */
const SOON = 150;

/** What happens to requests in so many stories, at least. */
const ENDINGS = [
  "complete",
  "drained",
  "killed",
  "client_closed",
  "origin_broken",
  "revoked: token_invalid",
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

Deno.test(`simulate() keeps every law in ${COUNT} stories, and all happens in them that can`, async () => {
  const ground = sqliteGround();
  const seen = new Set<string>();
  // What is loaded late would be late in the first story alone.
  await simulate({ seed: 0 }, ground);
  for (let seed = FIRST; seed < FIRST + COUNT; seed++) {
    const { broken, endings } = await simulate({ seed }, ground);
    if (broken) assert.fail(told(await shrink({ seed }, ground)));
    for (const ending of endings) seen.add(ending);
  }
  ground.close();
  if (COUNT < 500) return;
  assert.deepEqual(ENDINGS.filter((ending) => !seen.has(ending)), []);
});

Deno.test("simulate() tells the same story of a seed every time", async () => {
  const ground = sqliteGround();
  await simulate({ seed: 0 }, ground);
  for (const seed of [3, 14, 159]) {
    const first = await simulate({ seed, traced: true }, ground);
    const other = await simulate({ seed, traced: true }, ground);
    assert.deepEqual(first.trace, other.trace);
    assert.ok(first.trace.length > DEEDS);
  }
  ground.close();
});

for (const mutant of MUTANTS) {
  Deno.test(`simulate() sees that ${mutant.name}`, async () => {
    const ground = sqliteGround();
    await simulate({ seed: 0 }, ground);
    let seed = 1;
    while (seed <= SOON) {
      const { broken } = await simulate({ seed, mutant }, ground);
      if (broken) {
        assert.ok(broken instanceof Broken, broken.stack ?? broken.message);
        break;
      }
      seed++;
    }
    ground.close();
    assert.ok(seed <= SOON, `not in ${SOON} stories`);
  });
}
