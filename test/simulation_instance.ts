/** One doppel of several on one store: the real code, as `main.ts` puts it together, but for the way to the store and to the origin. */

import { type AppDeps, doppel } from "../app.ts";
import type { Credential } from "../core/credential.ts";
import { createFlights } from "../core/flight.ts";
import { createKeyring } from "../core/keyring.ts";
import { createLedger } from "../core/ledger.ts";
import { createMetrics } from "../core/metrics.ts";
import type { Prices } from "../core/price.ts";
import { createPools } from "../core/rota.ts";
import { createRunning } from "../core/running.ts";
import { createSeal } from "../core/seal.ts";
import type { StoredCredential } from "../core/setup.ts";
import { createSockets } from "../core/sockets.ts";
import { createStamps } from "../core/stamp.ts";
import { type Store, StoreUnavailable } from "../core/store.ts";
import { directEgress, sender } from "../egress.ts";
import { customProvider } from "../providers/custom.ts";
import { PROVIDERS, UNKNOWN_WIRE } from "../providers/mod.ts";
import type { Laws } from "./simulation_laws.ts";
import { costOf, worstOf } from "./simulation_origin.ts";
import type { World } from "./simulation_world.ts";

/** Of the app's parts, what a mutant may replace. */
export type Parts = Pick<
  AppDeps,
  "keyring" | "running" | "ledger" | "cooling" | "egress"
>;

export type Instance = ReturnType<typeof createInstance>;

const KEEP = { hours: 72, days: 400, requests: 100 };

/** What a request comes to is what its limit says. */
const PRICES: Prices = {
  worst: ({ text }) => Promise.resolve(worstOf(limitOf(text))),
  least: () => Promise.resolve(worstOf(1)),
  clamp({ text }, left) {
    const limit = Math.floor((left - worstOf(0)) / (worstOf(1) - worstOf(0)));
    if (limit < 1) return Promise.resolve(undefined);
    const max_tokens = Math.min(limit, limitOf(text));
    const clamped = JSON.stringify({ ...JSON.parse(text), max_tokens });
    return Promise.resolve({ text: clamped, limit: max_tokens });
  },
  cost: (_, { usage: { input = 0, output = 0 } }) =>
    Promise.resolve(costOf(input, output)),
};

const limitOf = (text: string): number => JSON.parse(text).max_tokens;

export function createInstance(
  world: World,
  { who, store, laws, pool, open, mutate = (parts) => parts }: {
    who: number;
    store: Store;
    laws: Laws;
    /** The environment's own keys. */
    pool: readonly Credential[];
    open: (credential: StoredCredential) => string;
    mutate?: ((parts: Parts) => Parts) | undefined;
  },
) {
  const now = () => world.now(who);
  const deferred = new Set<Promise<void>>();
  const fault = (name: string, error: unknown) => {
    world.note(() => `${who} fault: ${name}`);
    if (!(error instanceof StoreUnavailable)) world.crash(error);
  };
  const defer = (name: string, work: Promise<unknown>) => {
    const done = work.then(() => {}, (error) => fault(name, error))
      .finally(() => deferred.delete(done));
    deferred.add(done);
  };
  const flights = createFlights(now);
  const running = createRunning({ store, now, fault });
  const metrics = createMetrics("test");
  const { cooling, rota } = createPools({
    now,
    tell: (cooldowns) => store.cool(cooldowns, Math.floor(now() / 1000)),
  });
  const pools = { openai: pool };
  const seal = createSeal({ present: "seal-secret-of-the-tests-01234567890" });
  const keyring = createKeyring({
    store,
    pools,
    table: PROVIDERS,
    customProvider,
    open,
    learn: () => parts.cooling.learn(),
    now,
    fault,
  });
  const entered = running.entered;
  const ledger = createLedger({
    store,
    now,
    defer,
    keep: KEEP,
    seen: [entered],
  });
  const egress = directEgress(sender({ flights, firstByteSeconds: 20 }));
  const parts = mutate({ keyring, running, ledger, cooling, egress });
  const app = doppel({
    store,
    unknownWire: UNKNOWN_WIRE,
    pools,
    configured: [],
    flights,
    sockets: createSockets(),
    dial: () => Promise.reject(new Error("no sockets here")),
    accept: () => undefined,
    rota,
    now,
    replayBytes: 4_194_304,
    defer,
    log: laws.closed,
    fault,
    maxBodyBytes: 1_000_000,
    idleSeconds: 30,
    pingSeconds: 0,
    publicUrl: undefined,
    stamps: createStamps(now),
    prices: PRICES,
    keep: KEEP,
    metrics,
    metering: true,
    adminSecrets: [],
    adminWindow: 60,
    seal,
    version: "test",
    ...parts,
  });
  return {
    who,
    fetch: (request: Request) =>
      Promise.resolve(app.fetch(request, { address: () => "203.0.113.7" })),
    /** What it still does, in words. */
    busy: () =>
      Object.entries({
        runs: running.size,
        flights: flights.size,
        deferred: deferred.size,
        timers: world.timers(who),
      }).flatMap(([name, count]) => count > 0 ? [`${count} ${name}`] : []),
    flush: () => defer("usage", ledger.flush()),
  };
}
