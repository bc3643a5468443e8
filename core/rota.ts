/**
 * What pools keep of the requests before: whose turn it is, and which keys rest.
 *
 * @module
 */

import { type Cooling, type CoolingOptions, createCooling } from "./cooling.ts";
import type { Credential } from "./credential.ts";

/** The turns of keys in one process, of all pools. */
export interface Rota {
  /** The one of several whose turn it is. */
  next(among: readonly Credential[]): Credential;
}

/** What pools need of the process. */
export interface PoolDeps {
  /** The keys that rest. */
  readonly cooling: Cooling;
  /** Whose turn it is. */
  readonly rota: Rota;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Pools nobody has used yet; see {@linkcode CoolingOptions}. */
export function createPools(options: CoolingOptions): PoolDeps {
  const { now } = options;
  return { cooling: createCooling(options), rota: createRota(), now };
}

/** Credentials whose turns are remembered. */
const MOST = 10_000;

/**
 * Smooth weighted round robin, as nginx does it: each key gains its weight, the
 * richest is next and pays for all. What is not among those asked about neither
 * gains nor pays, so that a key that comes back has nothing to catch up with.
 */
export function createRota(): Rota {
  const purses = new Map<string, number>();
  return {
    next(among) {
      let total = 0;
      let richest = among[0]!;
      let most = -Infinity;
      for (const credential of among) {
        const { id, weight = 1 } = credential;
        const purse = (purses.get(id) ?? 0) + weight;
        total += weight;
        if (purse > most) [richest, most] = [credential, purse];
        purses.set(id, purse);
      }
      if (purses.size > MOST) purses.clear();
      purses.set(richest.id, most - total);
      return richest;
    },
  };
}
