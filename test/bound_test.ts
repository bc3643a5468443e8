/**
 * A budget is a bound: a thousand calls at once, in several processes of which
 * one is killed, spend no micro-dollar more than there is, nor does the origin
 * charge more; and they spend nearly all of it. `SEEDS=50` runs fifty.
 */

import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { LEASE_LASTS } from "../core/limit.ts";
import { type Billing, PRICES, startBilling } from "./billing.ts";
import {
  type Books,
  callOf,
  CALM,
  DEAREST,
  dice,
  redisBooks,
  send,
  sqliteBooks,
  table,
  type Weather,
} from "./bound.ts";
import { redisInstalled, startUpstash } from "./redis.ts";
import {
  freePort,
  type Runtime,
  RUNTIMES,
  startDoppel,
  type Subject,
} from "./subject.ts";

const SEEDS = Number(process.env.SEEDS ?? 2);
const CALLS = 1_000;
/** Calls at a time while what is left is used up. */
const WAVE = 20;

interface Scene {
  readonly seed: number;
  readonly billing: Billing;
  readonly books: Books;
  /** The first is to be killed. */
  readonly doppels: readonly Subject[];
  /** One in its place, where there must be one. */
  readonly again?: () => Promise<Subject>;
}

interface Row {
  readonly seed: number;
  readonly calls: number;
  readonly refused: number;
  readonly cut: number;
  readonly budget: number;
  readonly spent: number;
  readonly charged: number;
  readonly utilisation: number;
  /** Leases that the killed process left, and how many of them a lease's lifetime later. */
  readonly orphans: number;
  readonly left: number;
}

/** A token with a budget, and all calls made with it. */
function runOf({ seed, billing, books, doppels }: Scene, roll: () => number) {
  const run = `${seed}-${doppels[0]!.pid}`;
  const budget = DEAREST * 50 + Math.floor(roll() * DEAREST * 300);
  const statuses: number[] = [];
  return {
    budget,
    statuses,
    charged: () => billing.charged(run),
    mint: async () => {
      const period = ["day", "month", "total"][seed % 3]!;
      const limits = { budget: { [period]: budget } };
      return await doppels[0]!.mint({ limits, providers: ["openai"] });
    },
    /** As many calls at once, spread over `to`. */
    wave: (
      count: number,
      { token, to, weather }: {
        token: string;
        to: readonly Subject[];
        weather: Weather;
      },
    ) =>
      Promise.all(Array.from({ length: count }, async (_, i) => {
        const id = `${run}.${statuses.length}.${i}`;
        const { url } = to[i % to.length]!;
        const status = await send(url, token, callOf(id, roll, weather));
        statuses.push(status);
        return status;
      })),
    /** What the store says now, which is never more than the budget. */
    async within(id: string) {
      await soon();
      const said = await books.look(id);
      const most = said.spent + said.held;
      assert.ok(most <= budget, `seed ${seed}: ${most} of ${budget}`);
      return said;
    },
  };
}

async function play(scene: Scene): Promise<Row> {
  const { seed, books, doppels, again } = scene;
  const [victim, ...others] = doppels;
  const roll = dice(seed);
  const weather = {
    odd: roll() * 0.6,
    slow: roll() * 0.5,
    leave: roll() * 0.4,
  };
  const run = runOf(scene, roll);
  const { budget, charged, statuses } = run;
  const token = await run.mint();
  const id = token.slice(4, 12);

  let over = false;
  const storm = run.wave(CALLS, { token, to: doppels, weather })
    .then(() => over = true);
  const midway = () =>
    charged() >= budget * 0.25 || statuses.length >= CALLS * 0.7;
  while (!midway()) await run.within(id);
  const killed = Date.now();
  process.kill(victim!.pid, "SIGKILL");
  while (!over) await run.within(id);
  await storm;

  const to = again ? [await again()] : others;
  const stormed = await quiet(books, id, killed);
  const before = charged();
  for (let more = true; more;) {
    const answers = await run.wave(WAVE, { token, to, weather: CALM });
    await run.within(id);
    more = answers.some((status) => status !== 402);
  }
  const filled = await quiet(books, id, killed);
  assert.equal(filled.spent - stormed.spent, charged() - before);

  await books.later(id);
  const { spent, held, holds, leases } = await run.within(id);
  assert.ok(charged() <= spent, `seed ${seed}: ${charged()} > ${spent}`);
  assert.deepEqual([held, holds], [0, 0]);
  const count = (status: number) => statuses.filter((s) => s === status).length;
  return {
    ...{ seed, calls: statuses.length, refused: count(402), cut: count(0) },
    ...{ budget, spent, charged: charged(), utilisation: spent / budget },
    ...{ orphans: stormed.leases.length, left: leases.length },
  };
}

/** Waits until the only leases are those that nobody has renewed since the kill: what lives renews its own about once a second. */
async function quiet(books: Books, id: string, killed: number) {
  for (let waited = 0; waited < 20_000; waited += 10) {
    const said = await books.look(id);
    const dead = said.leases.every((ends) => ends <= killed + LEASE_LASTS);
    if (dead && Date.now() > killed + 2_000) return said;
    await soon();
  }
  throw new Error("leases that nobody ends");
}

function judge(rows: readonly Row[]) {
  if (process.env.SEEDS) console.log(table(rows));
  for (const { seed, utilisation, left, cut } of rows) {
    assert.ok(utilisation >= 0.9, `seed ${seed} used ${utilisation}`);
    assert.equal(left, 0, `seed ${seed}`);
    assert.ok(cut > 0);
  }
  assert.ok(rows.some(({ orphans }) => orphans > 0), "nobody was cut short");
}

interface Stage {
  readonly billing: Billing;
  readonly directory: string;
  readonly start: (
    runtime: Runtime,
    env?: Record<string, string>,
  ) => Promise<Subject>;
}

/** Runs `body` with an origin, and doppels that know its prices. */
function law(name: string, body: (stage: Stage) => Promise<void>) {
  Deno.test(name, async () => {
    const billing = await startBilling();
    const directory = mkdtempSync(join(tmpdir(), "doppel-bound-"));
    const file = join(directory, "prices.json");
    writeFileSync(file, PRICES);
    const dead = (subject: Subject) =>
      subject.child.signalCode !== null || subject.child.exitCode !== null;
    const started: Subject[] = [];
    const start: Stage["start"] = async (runtime, env = {}) => {
      const subject = await startDoppel({
        runtime,
        origin: billing.url,
        env: { PRICES_FILE: file, LOG: "errors", ...env },
      });
      started.push(subject);
      return subject;
    };
    try {
      await body({ billing, directory, start });
      assert.deepEqual(billing.repeated, [], "charged twice");
    } finally {
      for (const subject of started) {
        if (dead(subject)) {
          rmSync(subject.data, { recursive: true, force: true });
        } else await subject.stop();
      }
      await billing.close();
      rmSync(directory, { recursive: true });
    }
  });
}

if (redisInstalled()) {
  law(
    "three processes on one Redis, one of them killed, pass no budget",
    async ({ billing, start }) => {
      const upstash = await startUpstash();
      const books = redisBooks(upstash);
      const env = {
        UPSTASH_REDIS_REST_URL: upstash.url,
        UPSTASH_REDIS_REST_TOKEN: upstash.token,
      };
      const others = await Promise.all(
        RUNTIMES.map((runtime) => start(runtime, env)),
      );
      const rows: Row[] = [];
      for (let seed = 1; seed <= SEEDS; seed++) {
        const victim = await start(RUNTIMES[seed % 2]!, upstash.env);
        const doppels = [victim, ...others];
        rows.push(await play({ seed, billing, books, doppels }));
      }
      for (const other of others) await other.stop();
      await upstash.close();
      judge(rows);
    },
  );
}

for (const runtime of RUNTIMES) {
  law(
    `${runtime}: a process on SQLite, killed and started again, passes no budget`,
    async ({ billing, directory, start }) => {
      const env = { DOPPEL_DATA: directory };
      let subject = await start(runtime, env);
      const books = sqliteBooks(directory);
      const rows: Row[] = [];
      for (let seed = 1; seed <= SEEDS; seed++) {
        const again = async () => subject = await start(runtime, env);
        const doppels = [subject];
        rows.push(await play({ seed, billing, books, doppels, again }));
      }
      books.close();
      judge(rows);
    },
  );
}

for (const runtime of RUNTIMES) {
  law(
    `${runtime}: a doppel that is stopped settles what it has begun`,
    async ({ billing, directory, start }) => {
      const upstash = redisInstalled() ? await startUpstash() : undefined;
      const stages: [Record<string, string>, () => Books][] = [
        [{ DOPPEL_DATA: directory }, () => sqliteBooks(directory)],
      ];
      if (upstash) stages.push([upstash.env, () => redisBooks(upstash)]);
      for (const [env, open] of stages) {
        const subject = await start(runtime, env);
        const books = open();
        const limits = { budget: { total: DEAREST * 50 } };
        const token = await subject.mint({ limits, providers: ["openai"] });
        const run = `stopped-${subject.pid}`;
        const call = callOf(`${run}.1`, () => 0.9, CALM);
        const sent = send(subject.url, token, call);
        while (billing.charged(run) === 0) await soon();
        // The store answers only when nobody has anything else to wait for.
        upstash?.freeze(true);
        const stopped = subject.stop();
        assert.equal(await sent, 200);
        if (upstash) setTimeout(() => upstash.freeze(false), 500);
        assert.equal(await stopped, 0);
        const { spent, held, leases } = await books.look(token.slice(4, 12));
        assert.equal(spent, billing.charged(run));
        assert.deepEqual([held, leases], [0, []]);
        books.close();
      }
      await upstash?.close();
    },
  );
}

for (const runtime of RUNTIMES) {
  law(
    `${runtime}: an origin that is not there charges nothing`,
    async ({ directory, start }) => {
      const hosts = [`127.0.0.1:${await freePort()}`, "nowhere.invalid"];
      for (const host of hosts) {
        const subject = await start(runtime, {
          DOPPEL_DATA: directory,
          OPENAI_UPSTREAM: `http://${host}`,
        });
        const limits = { requests: 1, budget: { total: DEAREST } };
        const token = await subject.mint({ limits, providers: ["openai"] });
        const books = sqliteBooks(directory);
        for (let i = 0; i < 3; i++) {
          const call = callOf(`${i}`, dice(i), CALM);
          assert.equal(await send(subject.url, token, call), 502, host);
          let said = await books.look(token.slice(4, 12));
          while (said.holds > 0) {
            await soon();
            said = await books.look(token.slice(4, 12));
          }
          assert.equal(said.spent, 0, host);
        }
        books.close();
      }
    },
  );
}

function soon() {
  return new Promise((resolve) => setTimeout(resolve, 10));
}
