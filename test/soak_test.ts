/**
 * The soak in short: each runtime on each store at once, with every fault; and
 * that its judges would see what is wrong. `deno task soak` takes an hour.
 */

import assert from "node:assert/strict";
import { redisInstalled } from "./redis.ts";
import { compare, openBook } from "./soak_books.ts";
import {
  type Asked,
  type Ending,
  type Fault,
  faultsOf,
  verdict,
} from "./soak_judge.ts";
import type { Order } from "./soak_origin.ts";
import { soak } from "./soak_run.ts";
import { slopeOf, type Vitals } from "./soak_subject.ts";
import { RUNTIMES } from "./subject.ts";

const HOLDER = { id: "AAAAAAAA", value: "T", use: "steady" } as const;
const ORDER: Order = {
  ...{ id: "1", fate: "json", takes: 0, events: 1, size: 1 },
  ...{ prompt: 3, completion: 4 },
};
const ARRIVAL = { at: 105, sent: "digest" };
const NOTHING = { status: 0, whole: false };

/** Served as it should be. */
const FINE: Asked = {
  runtime: "deno",
  order: ORDER,
  manners: {},
  holder: HOLDER,
  begun: 100,
  ended: 200,
  got: { status: 200, whole: true, digest: "digest" },
  arrivals: [ARRIVAL],
};

interface Case extends Partial<Omit<Asked, "order" | "holder">> {
  readonly order?: Partial<Asked["order"]>;
  readonly holder?: Partial<Asked["holder"]>;
  readonly during?: Fault;
  readonly is: Ending;
}

const refusal = (status: number, code: string) => ({
  status,
  whole: true,
  digest: "refusal",
  code,
});

const CASES: Readonly<Record<string, Case>> = {
  "served": { is: "served" },
  "doubled": { arrivals: [ARRIVAL, ARRIVAL], is: "wrong" },
  "doubled at a crash": {
    arrivals: [ARRIVAL, ARRIVAL],
    during: "kill",
    is: "wrong",
  },
  "lost": { got: NOTHING, is: "wrong" },
  "lost before it came": { got: NOTHING, arrivals: [], is: "wrong" },
  "lost at a crash": { got: NOTHING, during: "kill", is: "lost" },
  "not begun at a stop": {
    got: NOTHING,
    arrivals: [],
    during: "term",
    is: "away",
  },
  "begun, and lost at a stop": { got: NOTHING, during: "term", is: "wrong" },
  "cut off at a stop": {
    got: { ...FINE.got, whole: false },
    during: "term",
    is: "wrong",
  },
  "content that Deno takes away when it is stopped": {
    got: refusal(503, "stopping"),
    arrivals: [],
    during: "term",
    is: "away",
  },
  "content that Bun does not": {
    runtime: "bun",
    got: refusal(503, "stopping"),
    arrivals: [],
    during: "term",
    is: "wrong",
  },
  "content that was there when Deno was stopped": {
    got: refusal(503, "stopping"),
    arrivals: [{ at: 105, received: "all" }],
    during: "term",
    is: "wrong",
  },
  "other bytes": { got: { ...FINE.got, digest: "other" }, is: "wrong" },
  "an answer from nowhere": { arrivals: [], is: "wrong" },
  "left": { got: NOTHING, manners: { leaves: 1 }, is: "left" },
  "left, and told that doppel failed": {
    got: refusal(500, "internal_error"),
    manners: { leaves: 1 },
    is: "wrong",
  },
  "upload changed on its way": {
    order: { fate: "upload" },
    manners: { uploads: { bytes: 1, chunked: false } },
    got: { ...FINE.got, uploaded: "other" },
    is: "wrong",
  },
  "broken by the origin": {
    order: { fate: "broken" },
    got: { ...FINE.got, whole: false },
    is: "passed",
  },
  "broken by the origin, and whole": {
    order: { fate: "broken" },
    is: "wrong",
  },
  "a stream cut by its origin before its head, which Bun sends late": {
    runtime: "bun",
    order: { fate: "stream" },
    got: NOTHING,
    during: "origin",
    is: "passed",
  },
  "the same, and it never came": {
    runtime: "bun",
    order: { fate: "stream" },
    got: NOTHING,
    arrivals: [],
    during: "origin",
    is: "wrong",
  },
  "the same on Deno": {
    order: { fate: "stream" },
    got: NOTHING,
    during: "origin",
    is: "wrong",
  },
  "dropped by the origin": {
    order: { fate: "dropped" },
    got: refusal(502, "origin_unreachable"),
    is: "passed",
  },
  "the origin cannot be reached although it is there": {
    got: refusal(502, "origin_unreachable"),
    is: "wrong",
  },
  "no store": {
    got: refusal(503, "store_unavailable"),
    arrivals: [],
    during: "store",
    is: "refused",
  },
  "no store, and sent all the same": {
    got: refusal(503, "store_unavailable"),
    during: "store",
    is: "wrong",
  },
  "no store although it is there": {
    got: refusal(503, "store_unavailable"),
    arrivals: [],
    is: "wrong",
  },
  "refused although it is good": {
    got: refusal(401, "invalid_api_key"),
    arrivals: [],
    is: "wrong",
  },
  "dead": {
    holder: { dying: 50, dead: 60 },
    got: refusal(401, "invalid_api_key"),
    arrivals: [],
    is: "refused",
  },
  "served although it is dead": {
    holder: { dying: 50, dead: 60 },
    is: "wrong",
  },
  "ended when its token was taken back": {
    holder: { dying: 150, dead: 160 },
    got: { ...FINE.got, digest: "as far as it came" },
    is: "ended",
  },
  "over a rate that it does not have": {
    got: refusal(429, "rate_limited"),
    arrivals: [],
    is: "wrong",
  },
  "over its rate": {
    holder: { use: "paced" },
    got: refusal(429, "rate_limited"),
    arrivals: [],
    is: "refused",
  },
  "a socket that was closed at a stop": {
    order: { fate: "echo" },
    got: { status: 101, whole: false, closed: 1001 },
    during: "term",
    is: "lost",
  },
  "a socket that was closed without a reason": {
    order: { fate: "echo" },
    got: { status: 101, whole: false, closed: 1006 },
    is: "wrong",
  },
};

Deno.test("the soak's judge sees what is lost, doubled, changed, and refused without a reason", () => {
  for (
    const [name, { is, during, order, holder, ...rest }] of Object.entries(
      CASES,
    )
  ) {
    const asked: Asked = {
      ...FINE,
      ...rest,
      order: { ...ORDER, ...order },
      holder: { ...HOLDER, ...holder },
    };
    const faults = new Set(during ? [during] : []);
    assert.equal(verdict(asked, faults).ending, is, name);
  }
});

Deno.test("a fault excuses what was under way in its time, and nothing later", () => {
  const spell = { fault: "kill", from: 10_000, to: 11_000 } as const;
  const during = (begun: number, ended: number) =>
    faultsOf({ begun, ended }, [spell]).has("kill");
  assert.ok(during(5_000, 10_000));
  assert.ok(during(10_900, 20_000));
  assert.ok(!during(5_000, 9_000));
  assert.ok(!during(12_000, 13_000));
});

Deno.test("the soak's book sees what the ledger has too much, or too little", () => {
  const book = openBook();
  const spells = [{ fault: "kill", from: 50_000, to: 51_000 }] as const;
  const enter = (ended: number) =>
    book.enter({ ...FINE, begun: ended - 10, ended }, spells);
  enter(1_000);
  enter(49_500);
  const says = (requests: number, [input, output, cost]: readonly number[]) =>
    compare(book, [{
      token: HOLDER.id,
      requests,
      used: { input: input!, output: output! },
      cost: cost!,
    }]).length;
  const one = [3, 4, 38];
  assert.equal(says(1, one), 0);
  assert.equal(says(2, one.map((n) => n * 2)), 0);
  assert.equal(says(0, [0, 0, 0]), 4);
  assert.equal(says(3, one.map((n) => n * 3)), 4);
  assert.equal(says(1, [3, 3, 38]), 1);
  assert.equal(compare(book, []).length, 4);
});

Deno.test("a slope is that of what stays, not of garbage or one leap", () => {
  const sample = (at: number, anonymous: number): Vitals => ({
    ...{ at, anonymous, rss: 0, files: 0, sockets: 0, busy: 0 },
  });
  const rising = Array.from({ length: 60 }, (_, i) => sample(i * 60_000, i));
  assert.equal(Math.round(slopeOf(rising)), 60);
  const littered = rising.map(({ at }, i) => sample(at, 50 + i * 7 % 5 * i));
  assert.equal(slopeOf(littered), 0);
  const leap = Array.from(
    { length: 60 },
    (_, i) => sample(i * 60_000, i === 30 ? 500 : 1),
  );
  assert.equal(slopeOf(leap), 0);
});

const STORES = redisInstalled()
  ? ["sqlite", "redis"] as const
  : ["sqlite"] as const;

Deno.test("every fault once, on both runtimes and all stores: nothing lost, doubled or leaked", async () => {
  const subjects = RUNTIMES.flatMap((runtime) =>
    STORES.map((store) => ({ runtime, store }))
  );
  const reports = await Promise.all(subjects.map((subject, n) =>
    soak({
      ...subject,
      ...{ seconds: 10, rate: 12, streams: 8, pace: 0.05, seed: n + 1 },
    })
  ));
  for (const { runtime, store, wrong, endings, faults } of reports) {
    assert.deepEqual(wrong, [], `${runtime} on ${store}`);
    assert.equal(Object.keys(faults).length, 7, Object.keys(faults).join());
    assert.ok(endings.served > 20, JSON.stringify(endings));
  }
});
