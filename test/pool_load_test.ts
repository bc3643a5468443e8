/**
 * A pool of five keys under load, three processes on one Redis: one key is
 * refused, one has no money, one's quota is used up for a while, one expires,
 * one is good. `POOL_REQUESTS=100000` sends so many; a few thousand are usual.
 */

import assert from "node:assert/strict";
import process from "node:process";
import { REST } from "../core/trouble.ts";
import {
  type Ask,
  AT_ONCE,
  closeClients,
  deviation,
  keyOf,
  type LoadOrigin,
  NAMES,
  sendAll,
  startLoadOrigin,
  WEIGHTS,
} from "./pool_load.ts";
import { redisInstalled, startUpstash } from "./redis.ts";
import {
  type Runtime,
  RUNTIMES,
  startDoppel,
  type Subject,
} from "./subject.ts";

const REQUESTS = Number(process.env.POOL_REQUESTS ?? 6_000);
/** Turns of a conversation in each phase. */
const TURNS = 5;
/** Requests a second that the slowest machine answers. */
const SLOWEST = 250;
const HEALTHY = ["cools", "ends", "good"] as const;

interface Scene {
  readonly origin: LoadOrigin;
  readonly doppels: readonly Subject[];
  readonly token: string;
  /** Sends part of all requests, and returns what reached the origin of them. */
  phase(name: string, meanwhile?: () => unknown): Promise<Phase>;
}

interface Phase {
  readonly name: string;
  readonly asks: readonly Ask[];
  readonly visits: LoadOrigin["visits"];
  readonly wrong: readonly number[];
}

/** Half of them of no conversation, half turns of conversations. */
function asksOf(name: string, count: number): Ask[] {
  return Array.from({ length: count }, (_, n) => {
    const id = `${name}.${n}`;
    if (n % 2 === 0) return { id };
    // The same ones in each phase; a turn of each before the next turn of any.
    const conversation = `c${(n >> 1) % Math.ceil(count / 2 / TURNS)}`;
    return { id, conversation };
  });
}

const sleep = (milliseconds: number) =>
  new Promise((resolve) => setTimeout(resolve, milliseconds));

async function onLoad(runtime: Runtime, play: (scene: Scene) => Promise<void>) {
  const upstash = await startUpstash();
  const origin = await startLoadOrigin();
  const others = RUNTIMES.filter((one) => one !== runtime);
  const env = {
    ...upstash.env,
    SEAL_SECRET: "seal-secret-of-the-load-tests-0123456789",
    OPENAI_API_KEY: "",
  };
  const doppels = await Promise.all(
    [runtime, ...others, runtime].map((one) =>
      startDoppel({ runtime: one, origin: origin.url, env })
    ),
  );
  try {
    const [first] = doppels;
    for (const name of NAMES) {
      const weight = WEIGHTS[name];
      const record = { provider: "openai", key: keyOf(name), weight };
      await first!.admin("PUT", `/admin/credentials/load-${name}`, record);
    }
    const token = await first!.mint({ providers: ["openai"] });
    await play({
      origin,
      doppels,
      token,
      async phase(name, meanwhile) {
        const before = origin.visits.length;
        const asks = asksOf(name, Math.floor(REQUESTS / 6));
        const urls = doppels.map(({ url }) => url);
        const sending = sendAll(asks, urls, token);
        await meanwhile?.();
        const wrong = await sending;
        return { name, asks, wrong, visits: origin.visits.slice(before) };
      },
    });
  } finally {
    closeClients();
    await Promise.all(doppels.map((doppel) => doppel.stop()));
    await origin.close();
    await upstash.close();
  }
}

/** Which key served each turn of each conversation, in the order of arrival. */
function served({ asks, visits }: Phase): Map<string, string[]> {
  const conversations = new Map(asks.map((ask) => [ask.id, ask.conversation]));
  const keys = new Map<string, string[]>();
  for (const { id, key, served } of visits) {
    const conversation = conversations.get(id);
    if (!conversation || !served) continue;
    keys.set(conversation, [...keys.get(conversation) ?? [], key]);
  }
  return keys;
}

/** Turns that met the key of their conversation's first, of all. */
function stuck(phase: Phase): number {
  const keys = [...served(phase).values()];
  const turns = keys.flatMap(([first, ...more]) =>
    more.map((key) => key === first)
  );
  return turns.filter(Boolean).length / turns.length;
}

const turnsOf = ({ visits, asks }: Phase) => {
  const plain = new Set(asks.flatMap((ask) => ask.conversation ? [] : ask.id));
  return visits.filter(({ id, served }) => served && plain.has(id));
};

/** No request is lost, and each is served once. */
function nothingLost({ name, asks, visits, wrong }: Phase) {
  assert.deepEqual(wrong, [], name);
  const ids = visits.filter(({ served }) => served).map(({ id }) => id);
  assert.equal(ids.length, asks.length, name);
  assert.equal(new Set(ids).size, asks.length, name);
}

for (const runtime of RUNTIMES) {
  Deno.test({
    name:
      `${runtime}: ${REQUESTS} requests over five keys, two of them bad, one cooling, one expiring, by three processes`,
    ignore: !redisInstalled(),
    fn: () =>
      onLoad(runtime, async ({ origin, doppels, phase }) => {
        const began = Date.now();
        const tries = (name: string) =>
          origin.visits.filter(({ key, served }) => key === name && !served)
            .length;
        const report: Record<string, number> = {};
        const even = (
          one: Phase,
          healthy: readonly (typeof NAMES)[number][],
        ) => {
          const off = deviation(turnsOf(one), healthy);
          report[`deviation ${one.name}`] = off;
          assert.ok(off <= 0.05, `${one.name}: ${off}`);
          const same = stuck(one);
          report[`same key ${one.name}`] = same;
          assert.ok(same > 0.99, `${one.name}: ${same}`);
        };

        // The bad ones are found out under load.
        const finding = await phase("finding");
        nothingLost(finding);
        const first = await phase("first");
        nothingLost(first);
        even(first, HEALTHY);

        // Under load a quota is used up, and later there again.
        const rests = Math.ceil(REQUESTS / 3 / SLOWEST) + 2;
        const cooling = await phase("cooling", async () => {
          await sleep(100);
          origin.moods.cools = { rests };
        });
        const cool = Date.now();
        nothingLost(cooling);
        const without = await phase("without");
        nothingLost(without);
        even(without, ["ends", "good"]);
        origin.moods.cools = "serves";
        await sleep(Math.max(0, cool + rests * 1000 + 1000 - Date.now()));

        // Under load a key expires.
        const expires = Math.floor(Date.now() / 1000) + 1;
        const expiring = await phase("expiring", async () => {
          const time = new Date(expires * 1000).toISOString();
          const path = "/admin/credentials/load-ends";
          await doppels[1]!.admin("PUT", path, { expires: time });
          await sleep(expires * 1000 - Date.now());
        });
        nothingLost(expiring);
        const last = await phase("last");
        nothingLost(last);
        even(last, ["cools", "good"]);

        // Those whose key was never lost never went elsewhere.
        const before = served(first);
        const after = served(last);
        const stayed = [...before].filter(([, [key]]) => key !== "ends");
        const home = stayed.filter(([name, [key]]) =>
          after.get(name)?.every((one) => one === key)
        );
        report["home again"] = home.length / stayed.length;
        assert.ok(home.length / stayed.length > 0.99);

        // What was under way when a key was found out, each time it was.
        const all = AT_ONCE * doppels.length;
        const seconds = (Date.now() - began) / 1000;
        let found = 1;
        for (let end = REST.key.first; end < seconds; end = end * 2 + 60) {
          found++;
        }
        report["tries bad"] = tries("bad");
        report["tries poor"] = tries("poor");
        report["tries cools"] = tries("cools");
        report.seconds = seconds;
        console.log(JSON.stringify({ runtime, requests: REQUESTS, ...report }));
        assert.ok(tries("bad") <= all * found, `bad: ${tries("bad")}`);
        assert.ok(tries("poor") <= all, `poor: ${tries("poor")}`);
        assert.ok(tries("cools") <= all, `cools: ${tries("cools")}`);
        assert.equal(tries("ends") + tries("good"), 0);
      }),
  });
}
