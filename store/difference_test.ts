/** The same verbs in the same order: both stores must answer alike. */

import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { type Limits, type Taking, timed } from "../core/limit.ts";
import type { StoredCredential } from "../core/setup.ts";
import type { Store, TokenRecord } from "../core/store.ts";
import { redisInstalled, startUpstash } from "../test/redis.ts";
import { entry, record, table } from "./contract.ts";
import { credential } from "./setup_contract.ts";
import { sqliteStore } from "./sqlite.ts";
import { upstashStore } from "./upstash.ts";

/** Numbers below, the same for the same seed. */
function dice(seed: number) {
  return (below: number) => {
    seed = (seed + 0x9e3779b9) | 0;
    let mixed = Math.imul(seed ^ (seed >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return Math.floor(((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32 * below);
  };
}

type Roll = (below: number) => number;
type Verb = (store: Store) => Promise<unknown>;

function limitsOf(roll: Roll): Limits {
  const some = <Value>(value: Value) => roll(2) === 0 ? value : undefined;
  const limits = {
    requests: some(1 + roll(8)),
    tokens: some(1 + roll(300)),
    concurrency: some(1 + roll(4)),
    budget: some({
      total: some(roll(1_500)),
      month: some(roll(900)),
      day: some(roll(600)),
    }),
  };
  return JSON.parse(JSON.stringify(limits));
}

/** Some time of some tokens: what is asked of a store, one verb after the other. */
function* life(roll: Roll): Generator<[name: string, verb: Verb]> {
  // A minute before midnight at a month's end.
  let now = Date.parse("2026-11-30T23:59:00Z");
  const tokens: TokenRecord[] = [];
  const limits = new Map<string, Limits>();
  const isTimed = (id: string) => timed(limits.get(id) ?? {});
  const takings: { id: string; taking: Taking; held: number }[] = [];
  for (let i = 0; i < 4; i++) {
    const made = record({ limits: limitsOf(roll) });
    tokens.push(made);
    limits.set(made.id, made.limits);
    yield ["create", (store) => store.createToken(made, entry("create"))];
  }
  for (let i = 0; i < 400; i++) {
    now += [0, 0, 1, 700, 4_000, 20_000, -1_500][roll(7)]!;
    if (roll(60) === 0) now += 70_000;
    const { id, hash } = tokens[roll(tokens.length)]!;
    Date.now = () => now;
    const one = takings.length > 0 && takings[roll(takings.length)]!;
    switch (one ? roll(12) : 0) {
      case 0:
      case 1:
      case 2: {
        const taking = { lease: `lease-${i}`, now, counted: isTimed(id) };
        takings.push({ id, taking, held: 0 });
        yield ["admit", (store) => store.admit([{ id, hash }], taking)];
        break;
      }
      case 3:
      case 4:
      case 5: {
        const { id, taking } = one as typeof takings[number];
        const least = roll(300);
        const estimate = { tokens: roll(90), least, most: least + roll(50) };
        (one as typeof takings[number]).held = estimate.tokens;
        yield ["reserve", (store) => store.reserve(id, taking, estimate)];
        break;
      }
      case 6:
      case 7:
      case 8: {
        const { id, taking, held } = one as typeof takings[number];
        const undone = roll(3) === 0 && { undone: true } as const;
        const used = undone ? { tokens: 0, cost: 0 } : {
          tokens: roll(90),
          cost: roll(300),
        };
        const bill = { held, ...used, now, ...undone };
        yield ["settle", (store) => store.settle(id, taking, bill)];
        break;
      }
      case 9: {
        const leases = takings.filter((taken) => taken.id === id)
          .map(({ taking }) => taking.lease);
        yield ["watch", (store) => store.watch([{ id, leases }], now)];
        break;
      }
      case 10: {
        const edit = { limits: limitsOf(roll) };
        if (roll(3) > 0) break;
        limits.set(id, edit.limits);
        yield ["edit", (store) => store.editToken(id, edit, entry("e"))];
        break;
      }
      default: {
        if (roll(6) > 0) break;
        const again = {
          ...tokens[roll(tokens.length)]!,
          limits: { tokens: 9 },
        };
        const gone = again.id;
        limits.set(gone, again.limits);
        yield ["delete", (store) => store.deleteToken(gone, entry("delete"))];
        yield [
          "import",
          (store) => store.importTable(table([again]), entry("i")),
        ];
      }
    }
  }
}

/** Some changes of a setup, each by somebody who saw what is there, or what was. */
function* arrangements(roll: Roll): Generator<[name: string, verb: Verb]> {
  let now = 1_900_000_000;
  const id = () => ["a", "b", "c-d"][roll(3)]!;
  const seen = new Map<string, (StoredCredential | undefined)[]>();
  const cooldown = () => ({
    credential: id(),
    model: ["", "m", "m n"][roll(3)]!,
    until: now + roll(90) - 10,
    why: `${roll(3)}`,
  });
  for (let i = 0; i < 300; i++) {
    now += [0, 0, 1, 40][roll(4)]!;
    const at = now;
    switch (roll(8)) {
      case 0:
      case 1:
      case 2: {
        const name = id();
        const past = seen.get(name) ?? [undefined];
        const was = roll(3) > 0 ? past.at(-1) : past[roll(past.length)];
        const next = roll(4) === 0
          ? undefined
          : credential({ id: name, weight: 1 + roll(4) });
        const change = { kind: "credential", id: name, was, next } as const;
        yield ["put", async (store) => {
          const done = await store.putSetup(change, entry("p"));
          if (done && past.at(-1) !== next) seen.set(name, [...past, next]);
          return done;
        }];
        break;
      }
      case 3:
      case 4: {
        const cooldowns = Array.from({ length: roll(4) }, cooldown);
        yield ["cool", (store) => store.cool(cooldowns, at)];
        break;
      }
      case 5: {
        const ids = [id(), id()];
        yield ["warm", (store) => store.warm(ids, entry("w"))];
        break;
      }
      case 6: {
        const credentials = [credential({ id: id(), weight: 1 + roll(2) })];
        const all = table([], { credentials });
        yield ["import", (store) => store.importTable(all, entry("i"))];
        break;
      }
      default: {
        const pause = roll(2) === 0 ? undefined : { from: at };
        yield ["pause", (store) => store.setPause(pause, entry("s"))];
      }
    }
    yield ["admit", (store) => store.admit([])];
    yield ["read", (store) => store.readSetup()];
  }
}

if (redisInstalled()) {
  Deno.test("both stores answer every verb of limits alike", async () => {
    const upstash = await startUpstash();
    const shared = upstashStore({ ...upstash, timeout: 10_000 });
    const counts = new Map<string, number>();
    const clock = Date.now;
    for (let seed = 1; seed <= 12; seed++) {
      const own = sqliteStore(new DatabaseSync(":memory:"));
      const told: string[] = [];
      for (const [name, verb] of life(dice(seed * 1_000_003))) {
        const [a, b] = await Promise.all([verb(own), verb(shared)]);
        told.push(`${name} ${JSON.stringify(a)}`);
        assert.deepEqual(b, a, `seed ${seed}\n${told.slice(-12).join("\n")}`);
        const { shortage = a } = Object(a);
        const what = `${name} ${Object(shortage).short ?? "done"}`;
        counts.set(what, (counts.get(what) ?? 0) + 1);
      }
      own.close();
    }
    Date.now = clock;
    for (const short of ["requests", "tokens", "concurrency"]) {
      assert.ok(counts.get(`admit ${short}`)! > 20, short);
    }
    for (const short of ["tokens", "concurrency", "day", "month", "total"]) {
      assert.ok(counts.get(`reserve ${short}`)! > 2, short);
    }
    await upstash.close();
  });

  Deno.test("both stores answer every verb of a setup alike", async () => {
    const upstash = await startUpstash();
    const counts = new Map<string, number>();
    for (let seed = 1; seed <= 8; seed++) {
      const own = sqliteStore(new DatabaseSync(":memory:"));
      const prefix = `${seed}:`;
      const shared = upstashStore({ ...upstash, prefix, timeout: 10_000 });
      const told: string[] = [];
      for (const [name, verb] of arrangements(dice(seed * 1_000_003))) {
        const [a, b] = [await verb(own), await verb(shared)];
        told.push(`${name} ${JSON.stringify(a)}`);
        assert.deepEqual(b, a, `seed ${seed}\n${told.slice(-12).join("\n")}`);
        const what = `${name} ${Array.isArray(a) ? a.length > 0 : a}`;
        counts.set(what, (counts.get(what) ?? 0) + 1);
      }
      const [a, b] = [own, shared].map((store) =>
        store.listAudit({ limit: 1000 })
      );
      assert.deepEqual((await b)!.items, (await a)!.items);
      own.close();
    }
    const rare = ["put true", "put false", "warm 0", "warm 2"];
    for (const what of [...rare, "import true", "import false"]) {
      assert.ok(counts.get(what)! > 10, what);
    }
    await upstash.close();
  });
}
