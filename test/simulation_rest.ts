/** What must hold when all has come to rest: nothing is lost, doubled or left behind. */

import type { Store } from "../core/store.ts";
import type { Instance } from "./simulation_instance.ts";
import { type Call, type Laws, nameOf } from "./simulation_laws.ts";
import type { Model } from "./simulation_model.ts";
import type { Weather } from "./simulation_wire.ts";
import { NOBODY, type World } from "./simulation_world.ts";

interface Resting {
  readonly model: Model;
  readonly laws: Laws;
  readonly instances: readonly Instance[];
  readonly weather: Weather;
  /** Asked without a detour. */
  readonly store: Store;
}

export async function atRest(world: World, resting: Resting): Promise<void> {
  const { laws, instances, weather } = resting;
  weather.losses = 0;
  weather.away = false;
  const alive = instances.filter(({ who }) => !laws.isDead(who));
  for (const { who, flush } of alive) world.after(0, who, flush);
  await world.run();
  if (world.broken) return;
  for (const { who, busy } of alive) {
    const rest = busy();
    world.check(rest.length === 0, () => `${who} is not at rest: ${rest}`);
  }
  for (const call of laws.calls) over(call, world, resting);
  await kept(world, resting);
}

function over(call: Call, { check }: World, { laws, model }: Resting) {
  if (laws.isDead(call.who)) return;
  check(!!call.end && !!call.line, () => `${nameOf(call)} is not over`);
  const lease = model.tokens.get(call.token)?.leases.get(call.lease!);
  if (lease === undefined) return;
  const fine = lease.state !== "open" || call.failed;
  check(fine, () => `${nameOf(call)} leaves its lease behind`);
}

/** What the store has at last. */
async function kept(world: World, { model, laws, store }: Resting) {
  const { check } = world;
  // All leases that were left behind have died, and somebody has come by.
  world.after(61_000, NOBODY, () => {});
  await world.run();
  const now = world.now() + 200_000;
  for (const token of model.tokens.values()) {
    const { id, record } = token;
    const mine = laws.calls.filter((call) => call.token === id);
    await entries(world, { id, mine, store, laws });
    if (record === undefined) continue;
    const entry = { time: 0, by: "admin", action: "token.edit" };
    const budget = { day: 1e9, month: 1e9, total: 1e9 };
    const limits = { concurrency: 1, budget };
    const fresh = { limits, status: "active", expires: null } as const;
    await store.setPause(undefined, entry);
    await store.editToken(id, fresh, entry);
    const taking = { lease: "last", now };
    const { taken } = await store.admit([{ id }], taking);
    check(taken === true, () => `${id}: a lease outlives its life`);
    model.bury(token, now);
    const bounds = [["total", now], ["day", now], ["month", now]] as const;
    for (const [name, at] of bounds) {
      const one = { concurrency: 1, budget: { [name]: 1e9 } };
      await store.editToken(id, { limits: one }, entry);
      const { standings } = await store.watch([{ id, leases: [] }], at);
      const [[, there] = []] = model.unspentOf(token, { [name]: 1e9 }, at);
      const { unspent } = standings[0]!;
      check(
        unspent === there,
        () =>
          `${id}: ${1e9 - unspent!} is spent (${name}), not ${1e9 - there!}`,
      );
    }
    spentRight(world, { id, mine, model, laws });
  }
}

/** Each request was paid for once: by what it came to, or where nobody could tell, by what it held. */
function spentRight(
  { check }: World,
  { id, mine, model, laws }: {
    id: string;
    mine: Call[];
    model: Model;
    laws: Laws;
  },
) {
  const { leases } = model.tokens.get(id)!;
  for (const call of mine) {
    const lease = leases.get(call.lease!);
    if (lease?.held === undefined || !lease.bounded) continue;
    const { state, held, spent = 0 } = lease;
    const costs = state === "dead" ? [held] : laws.costsOf(call, lease);
    check(
      costs.includes(spent),
      () => `${nameOf(call)} has spent ${spent}, not ${costs}`,
    );
    const left = laws.isDead(call.who) || call.failed;
    check(
      state !== "dead" || left || laws.stepped,
      () => `${nameOf(call)} is paid by its death`,
    );
  }
}

/** Every request of a doppel that lives is written down once. */
async function entries(
  { check }: World,
  { id, mine, store, laws }: {
    id: string;
    mine: Call[];
    store: Store;
    laws: Laws;
  },
) {
  const written = await store.listRequests(id, 1_000);
  const ids = new Set(written.map((entry) => entry.id));
  check(ids.size === written.length, () => `${id}: written down twice`);
  const due = mine.filter(({ line }) => line?.token !== undefined);
  for (const call of due) {
    const fine = ids.has(call.lease!) || laws.isDead(call.who);
    check(fine, () => `${nameOf(call)} is not written down`);
  }
  check(
    written.every((entry) => due.some(({ lease }) => lease === entry.id)),
    () => `${id}: what is written down never was`,
  );
  const { items } = await store.listUsage({
    ...{
      span: "day",
      from: "2026-01-01",
      to: "2027-12-31",
      token: id,
      limit: 1_000,
    },
  });
  const counted = items.reduce(
    (sum, { sums }) => sum + (sums["requests"] ?? 0),
    0,
  );
  check(
    counted === written.length,
    () => `${id}: ${counted} requests are counted, ${written.length} written`,
  );
}
