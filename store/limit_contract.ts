/** What every `Store` must do about limits; `testStore()` calls this. */

import assert from "node:assert/strict";
import {
  LEASE_LASTS,
  type Limits,
  type Shortage,
  SLOT,
  timed,
} from "../core/limit.ts";
import type { Store, TokenRecord } from "../core/store.ts";
import { entry, record, table } from "./contract.ts";

/** A Friday noon, at the beginning of a slot. */
const NOW = Math.floor(Date.parse("2026-11-20T12:00:00Z") / SLOT) * SLOT;

type Reserving = Parameters<Store["reserve"]>;

export function testLimits(
  law: (
    text: string,
    body: (opened: { store: Store }) => Promise<void>,
  ) => void,
) {
  let leases = 0;
  const lease = () => `lease-${++leases}`;

  async function token(store: Store, limits: Limits, more = {}) {
    const made = record({ limits, ...more });
    await store.createToken(made, entry("token.create"));
    return made;
  }

  /** Admits, and says what was short, or the lease. */
  async function take(store: Store, made: TokenRecord, now = NOW) {
    const { id, hash, limits } = made;
    const taking = { lease: lease(), now };
    const { shortage, taken } = await store.admit([{ id, hash }], taking);
    return {
      taking: { ...taking, counted: timed(limits) },
      short: shortage?.short,
      wait: shortage?.retryAfter,
      taken,
    };
  }

  /** What is held, or why nothing is. */
  async function reserve(store: Store, ...asked: Reserving) {
    const answer = await store.reserve(...asked);
    return "held" in answer ? answer.held : answer;
  }

  const bill = (cost: number, tokens = 0, held = 0) => ({ cost, tokens, held });

  law("a token without limits takes nothing", async ({ store }) => {
    const made = await token(store, {});
    const { taken, short } = await take(store, made);
    assert.deepEqual([taken, short], [undefined, undefined]);
  });

  law(
    "what was not counted is not given back, whatever the owner changes meanwhile",
    async ({ store }) => {
      const budget = { total: 100 };
      const made = await token(store, { budget });
      const hold = { tokens: 0, least: 200, most: 200 };
      const first = await take(store, made);
      const second = await take(store, made);
      const edit = { limits: { requests: 1, budget } };
      await store.editToken(made.id, edit, entry("token.edit"));
      const changed = { ...made, ...edit };
      assert.equal((await take(store, changed)).taken, true);
      await store.settle(made.id, first.taking, { ...bill(0), undone: true });
      const short = await reserve(store, made.id, second.taking, hold);
      assert.equal((short as Shortage).short, "total");
      assert.equal((await take(store, changed)).short, "requests");
    },
  );

  law("requests per minute hold in any 60 seconds", async ({ store }) => {
    const made = await token(store, { requests: 3 });
    const times = [0, 1, 30, 50, 59.9, 60, 65, 66, 95, 124, 125];
    const taken: number[] = [];
    for (const seconds of times) {
      const { short, wait } = await take(store, made, NOW + seconds * 1000);
      if (short === undefined) taken.push(seconds);
      else {
        assert.equal(short, "requests");
        assert.ok(wait! >= 1 && wait! <= 65, `${wait}`);
      }
    }
    assert.deepEqual(taken, [0, 1, 30, 65, 66, 95]);
  });

  law("a refused request counts as never made", async ({ store }) => {
    const made = await token(store, { requests: 1, concurrency: 1 });
    const { taking } = await take(store, made);
    await store.settle(made.id, taking, { ...bill(0), undone: true });
    const again = await take(store, made);
    assert.equal(again.short, undefined);
    await store.settle(made.id, again.taking, bill(0));
    assert.equal((await take(store, made)).short, "requests");
  });

  law(
    "a refusal for one limit takes nothing of the others",
    async ({ store }) => {
      const made = await token(store, { requests: 2, concurrency: 1 });
      const first = await take(store, made);
      assert.equal((await take(store, made)).short, "concurrency");
      await store.settle(made.id, first.taking, bill(0));
      assert.equal((await take(store, made)).short, undefined);
    },
  );

  law(
    "leases end when they are settled, and die when nobody renews them",
    async ({ store }) => {
      const made = await token(store, { concurrency: 2 });
      const [one, two] = [await take(store, made), await take(store, made)];
      assert.equal((await take(store, made)).short, "concurrency");
      await store.settle(made.id, one.taking, bill(0));
      await store.settle(made.id, one.taking, bill(0));
      assert.equal((await take(store, made)).short, undefined);
      assert.equal((await take(store, made)).short, "concurrency");
      const half = NOW + LEASE_LASTS / 2;
      const kept = [{ id: made.id, leases: [two.taking.lease, "unknown"] }];
      const standings = [{ record: made }];
      assert.deepEqual(await store.watch(kept, half), { standings });
      const later = NOW + LEASE_LASTS;
      assert.equal((await take(store, made, later)).short, undefined);
      assert.equal((await take(store, made, later)).short, "concurrency");
    },
  );

  law("who is not to be admitted takes nothing", async ({ store }) => {
    const limits = { requests: 1 };
    const rows: [TokenRecord, number?][] = [
      [await token(store, limits, { status: "disabled" })],
      [await token(store, limits, { expires: NOW / 1000 })],
      [await token(store, limits, { hash: "other" })],
    ];
    for (const [made] of rows) {
      const hash = made.hash === "other" ? "wrong" : made.hash;
      const asks = [{ id: made.id, hash }];
      const answer = await store.admit(asks, { lease: lease(), now: NOW });
      assert.equal(answer.taken, undefined, made.status);
    }
    const [one, two] = [await token(store, limits), await token(store, limits)];
    const both = { lease: lease(), now: NOW };
    assert.equal((await store.admit([one, two], both)).taken, undefined);
    const only = { ...both, only: 1 };
    assert.equal((await store.admit([one], { ...only })).taken, undefined);
    await store.setPause({ from: NOW / 1000 }, entry("pause.set"));
    assert.equal((await take(store, one)).taken, undefined);
    await store.setPause(undefined, entry("pause.end"));
    assert.equal((await take(store, one)).taken, true);
  });

  law("a hash in its grace takes, an older one does not", async ({ store }) => {
    const made = await token(store, { requests: 2 });
    const next = {
      hash: "f".repeat(64),
      last4: "wxyz",
      graceEnds: NOW / 1000 + 60,
    };
    await store.rotateToken(made.id, next, entry("token.rotate"));
    assert.equal((await take(store, made)).taken, true);
    assert.equal((await take(store, made, NOW + 60_000)).taken, undefined);
    assert.equal((await take(store, { ...made, hash: next.hash })).taken, true);
  });

  law(
    "tokens per minute count what is held, then what was used",
    async ({ store }) => {
      const made = await token(store, { tokens: 100 });
      const estimate = (tokens: number) => ({ tokens, least: 0, most: 0 });
      const one = await take(store, made);
      assert.equal(await reserve(store, made.id, one.taking, estimate(60)), 0);
      const two = await take(store, made);
      const short = await reserve(store, made.id, two.taking, estimate(60));
      assert.deepEqual(short, {
        short: "tokens",
        retryAfter: 65,
        left: [["tokens", 40, 65]],
      });
      await store.settle(made.id, one.taking, bill(0, 30, 60));
      const three = await take(store, made);
      assert.equal(
        await reserve(store, made.id, three.taking, estimate(60)),
        0,
      );
      await store.settle(made.id, three.taking, bill(0, 70, 60));
      const four = await take(store, made);
      assert.equal(four.short, "tokens");
      assert.equal((await take(store, made, NOW + 65_000)).short, undefined);
    },
  );

  law(
    "tokens count in the minute in which they were used",
    async ({ store }) => {
      const made = await token(store, { tokens: 100 });
      const { taking } = await take(store, made);
      const estimate = { tokens: 60, least: 0, most: 0 };
      await store.reserve(made.id, taking, estimate);
      const kept = [{ id: made.id, leases: [taking.lease] }];
      await store.watch(kept, NOW + 50_000);
      const over = NOW + 90_000;
      await store.settle(made.id, taking, { ...bill(0, 200, 60), now: over });
      assert.equal((await take(store, made, over)).short, "tokens");
      const next = await take(store, made, over + 65_000);
      assert.equal(next.short, undefined);
    },
  );

  law("what is settled twice is settled once", async ({ store }) => {
    const made = await token(store, {
      requests: 2,
      tokens: 100,
      budget: { total: 10 },
    });
    const hold = { tokens: 10, least: 4, most: 4 };
    const one = await take(store, made);
    await store.reserve(made.id, one.taking, hold);
    const once = { ...bill(3, 40, 10), now: NOW };
    await store.settle(made.id, one.taking, once);
    await store.settle(made.id, one.taking, once);
    const two = await take(store, made);
    const more = { ...hold, tokens: 61 };
    const held = await store.reserve(made.id, two.taking, more);
    assert.equal("short" in held && held.short, "tokens");
    // The answer was lost on the way, so whoever asked gives it back.
    await store.settle(made.id, two.taking, { ...bill(0), undone: true });
    assert.equal((await take(store, made)).short, undefined);
    assert.equal((await take(store, made)).short, "requests");
  });

  law("one request may be larger than the minute", async ({ store }) => {
    const made = await token(store, { tokens: 10 });
    const { taking } = await take(store, made);
    const estimate = { tokens: 500, least: 0, most: 0 };
    assert.equal(await reserve(store, made.id, taking, estimate), 0);
  });

  law("budgets hold by day, month and in all", async ({ store }) => {
    const made = await token(store, {
      budget: { day: 10, month: 15, total: 18 },
    });
    const hold = async (amount: number, time: string, cost = amount) => {
      const now = Date.parse(time);
      const { taking } = await take(store, made, now);
      const estimate = { tokens: 0, least: amount, most: amount };
      const held = await reserve(store, made.id, taking, estimate);
      if (typeof held !== "number") return held;
      await store.settle(made.id, taking, bill(cost));
      return held;
    };
    assert.equal(await hold(10, "2026-11-20T23:59:59Z", 9), 10);
    assert.deepEqual(await hold(2, "2026-11-20T23:59:59Z"), {
      short: "day",
      left: [["day", 1, 0], ["month", 6, 0], ["total", 9, 0]],
    });
    assert.equal(await hold(6, "2026-11-21T00:00:00Z"), 6);
    assert.deepEqual(await hold(1, "2026-11-22T00:00:00Z"), {
      short: "month",
      left: [["day", 10, 0], ["month", 0, 0], ["total", 3, 0]],
    });
    assert.equal(await hold(3, "2026-12-01T00:00:00Z"), 3);
    assert.deepEqual(await hold(1, "2026-12-02T00:00:00Z"), {
      short: "total",
      left: [["day", 10, 0], ["month", 12, 0], ["total", 0, 0]],
    });
    assert.equal(await hold(0, "2026-12-02T00:00:00Z"), 0);
  });

  law(
    "what is held is not there for others; a refusal gives everything back",
    async ({ store }) => {
      const made = await token(store, {
        requests: 3,
        concurrency: 2,
        budget: { total: 10 },
      });
      const one = await take(store, made);
      const all = { tokens: 0, least: 7, most: 7 };
      assert.equal(await reserve(store, made.id, one.taking, all), 7);
      for (let i = 0; i < 5; i++) {
        const two = await take(store, made);
        const short = await reserve(store, made.id, two.taking, all);
        assert.deepEqual(short, { short: "total", left: [["total", 3, 0]] });
      }
      const some = { tokens: 0, least: 1, most: 7 };
      const three = await take(store, made);
      assert.equal(await reserve(store, made.id, three.taking, some), 3);
      await store.settle(made.id, one.taking, bill(2));
      await store.settle(made.id, three.taking, bill(3));
      const four = await take(store, made);
      assert.equal(
        await reserve(store, made.id, four.taking, {
          ...all,
          least: 5,
          most: 5,
        }),
        5,
      );
    },
  );

  law("what died is spent, once", async ({ store }) => {
    const made = await token(store, { budget: { total: 10 } });
    const one = await take(store, made);
    await reserve(store, made.id, one.taking, { tokens: 0, least: 6, most: 6 });
    const later = NOW + LEASE_LASTS;
    const two = await take(store, made, later);
    await store.settle(made.id, one.taking, bill(1));
    const estimate = { tokens: 0, least: 5, most: 5 };
    assert.deepEqual(await reserve(store, made.id, two.taking, estimate), {
      short: "total",
      left: [["total", 4, 0]],
    });
  });

  law("without its lease nothing is held", async ({ store }) => {
    const made = await token(store, { budget: { total: 10 } });
    const all = { tokens: 0, least: 10, most: 10 };
    const lost = { short: "concurrency", left: [] };
    // Refused for want of an answer, which the store gives all the same.
    const late = await take(store, made);
    await store.settle(made.id, late.taking, { ...bill(0), undone: true });
    assert.deepEqual(await reserve(store, made.id, late.taking, all), lost);
    // Asleep for longer than a lease lasts.
    const slept = await take(store, made);
    const next = await take(store, made, NOW + LEASE_LASTS);
    assert.deepEqual(await reserve(store, made.id, slept.taking, all), lost);
    assert.equal(await reserve(store, made.id, next.taking, all), 10);
  });

  law("a deleted token has nothing to hold", async ({ store }) => {
    const made = await token(store, { budget: { total: 10 } });
    const { taking } = await take(store, made);
    await store.deleteToken(made.id, entry("token.delete"));
    const held = await reserve(store, made.id, taking, {
      tokens: 0,
      least: 1,
      most: 1,
    });
    assert.notEqual(held, 1);
    await store.settle(made.id, taking, bill(1));
    assert.deepEqual(
      await store.watch([{ id: made.id, leases: [taking.lease] }], NOW),
      { standings: [{ record: undefined }] },
    );
  });

  law("a deleted token leaves nothing behind", async ({ store }) => {
    const made = await token(store, { concurrency: 1, budget: { total: 10 } });
    const all = { tokens: 0, least: 10, most: 10 };
    const { taking } = await take(store, made);
    assert.equal(await reserve(store, made.id, taking, all), 10);
    await store.deleteToken(made.id, entry("token.delete"));
    await store.settle(made.id, taking, bill(10, 50));
    await store.importTable(table([made]), entry("token.import"));
    const next = await take(store, made);
    assert.equal(await reserve(store, made.id, next.taking, all), 10);
  });

  law(
    "a look tells what is unspent of the tightest bound, and what each lease holds",
    async ({ store }) => {
      const made = await token(store, { budget: { day: 10, total: 50 } });
      const other = await token(store, { concurrency: 1 });
      const [one, two, three] = [
        await take(store, made),
        await take(store, made),
        await take(store, made),
      ];
      const hold = (amount: number) =>
        ({ tokens: 0, least: amount, most: amount }) as const;
      assert.equal(await reserve(store, made.id, one.taking, hold(4)), 4);
      assert.equal(await reserve(store, made.id, two.taking, hold(0)), 0);
      const leases = [one, two, three].map(({ taking }) => taking.lease);
      const asked = [
        { id: other.id, leases: [] },
        { id: made.id, leases: [...leases, "unknown"] },
        { id: made.id, leases: [] },
        { id: "nobody00", leases: [] },
      ];
      const look = async (now = NOW) => {
        const { standings } = await store.watch(asked, now);
        const [first, seen, bare, nobody] = standings;
        assert.deepEqual(first, { record: other });
        assert.deepEqual(nobody, { record: undefined });
        assert.deepEqual(bare, { ...seen, holds: [] });
        return [seen!.unspent, seen!.holds];
      };
      assert.deepEqual(await look(), [10, [4, 0, null, null]]);
      // More than was held, and then a bound below what is spent.
      await store.settle(made.id, one.taking, bill(7));
      assert.deepEqual(await look(), [3, [null, 0, null, null]]);
      const limits = { budget: { day: 10, total: 5 } };
      await store.editToken(made.id, { limits }, entry("token.edit"));
      assert.deepEqual(await look(), [-2, [null, 0, null, null]]);
      const none = { limits: {} };
      await store.editToken(made.id, none, entry("token.edit"));
      const { standings: [, seen] } = await store.watch(asked, NOW);
      assert.deepEqual(seen, { record: { ...made, limits: {} } });
    },
  );

  law("a look takes any number of leases", async ({ store }) => {
    const made = await token(store, { budget: { total: 10 } });
    const { taking } = await take(store, made);
    const hold = { tokens: 0, least: 4, most: 4 };
    assert.equal(await reserve(store, made.id, taking, hold), 4);
    const unknown = Array.from({ length: 9_000 }, (_, i) => `unknown-${i}`);
    const leases = [...unknown, taking.lease];
    const asked = [{ id: made.id, leases }];
    const { standings: [seen] } = await store.watch(asked, NOW);
    assert.deepEqual(seen!.holds, [...unknown.map(() => null), 4]);
  });

  law(
    "an admission tells what there still is, its own share taken",
    async ({ store }) => {
      const made = await token(store, {
        requests: 3,
        tokens: 100,
        concurrency: 2,
        budget: { day: 50, month: 80, total: 90 },
      });
      const ask = async (now: number) => {
        const taking = { lease: lease(), now };
        return { taking, ...await store.admit([made], taking) };
      };
      const one = await ask(NOW);
      assert.deepEqual(one.left, [["tokens", 100, 65], ["requests", 2, 65], [
        "concurrency",
        1,
        0,
      ]]);
      const estimate = { tokens: 30, least: 5, most: 20 };
      assert.deepEqual(await store.reserve(made.id, one.taking, estimate), {
        held: 20,
        left: [
          ...[["tokens", 70, 65], ["day", 30, 0]],
          ...[["month", 60, 0], ["total", 70, 0]],
        ],
      });
      const two = await ask(NOW + 20_000);
      assert.deepEqual(two.left, [["tokens", 70, 45], ["requests", 1, 45], [
        "concurrency",
        0,
        0,
      ]]);
      const { shortage } = await ask(NOW + 21_500);
      assert.deepEqual(shortage, {
        short: "concurrency",
        retryAfter: 1,
        left: [["tokens", 70, 44], ["requests", 1, 44], ["concurrency", 0, 0]],
      });
      await store.settle(made.id, two.taking, bill(0));
      const three = await ask(NOW + 22_000);
      assert.equal(three.taken, true);
      await store.settle(made.id, three.taking, bill(0, 90));
      const last = await ask(NOW + 23_000);
      assert.deepEqual(last.shortage, {
        short: "requests",
        retryAfter: 42,
        left: [["tokens", -20, 42], ["requests", 0, 42]],
      });
    },
  );

  law("an edit replaces the limits whole", async ({ store }) => {
    const made = await token(store, {
      requests: 1,
      budget: { day: 1, total: 2 },
    });
    const limits = { budget: { month: 5 } };
    const edited = await store.editToken(
      made.id,
      { limits },
      entry("token.edit"),
    );
    assert.deepEqual(edited?.limits, limits);
    const same = await store.editToken(
      made.id,
      { label: "x" },
      entry("token.edit"),
    );
    assert.deepEqual(same?.limits, limits);
  });

  law(
    "500 at once never pass a bound, and use what is there",
    async ({ store }) => {
      const made = await token(store, {
        concurrency: 40,
        budget: { total: 1000 },
      });
      let open = 0;
      let most = 0;
      let spent = 0;
      await Promise.all(Array.from({ length: 500 }, async (_, i) => {
        const { taking, taken } = await take(store, made);
        if (!taken) return;
        most = Math.max(most, ++open);
        const worst = 5 + i % 16;
        const estimate = { tokens: 0, least: worst, most: worst };
        const held = await reserve(store, made.id, taking, estimate);
        if (typeof held !== "number") return void open--;
        const cost = worst - i % 3;
        open--;
        await store.settle(made.id, taking, bill(cost));
        spent += cost;
      }));
      assert.ok(most <= 40, `${most} at once`);
      assert.ok(spent <= 1000, `${spent} spent`);
      const { taking } = await take(store, made);
      const rest = await reserve(store, made.id, taking, {
        tokens: 0,
        least: 1e9,
        most: 1e9,
      });
      assert.deepEqual(rest, {
        short: "total",
        left: [["total", 1000 - spent, 0]],
      });
    },
  );
}
