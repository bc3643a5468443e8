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

/** Sets of keys whose turns are remembered. */
const MOST = 1_000;

/**
 * Smooth weighted round robin, as nginx does it: each key gains its weight, the
 * richest is next and pays for all. Every set of keys has turns of its own:
 * with one purse for all of a key's, two models of which one may use fewer keys
 * would each meet but one of them, for as long as they come in turn.
 */
export function createRota(): Rota {
  const sets = new Map<string, number[]>();

  function pursesOf(among: readonly Credential[]): number[] {
    const name = among.map(({ id }) => id).join(" ");
    const known = sets.get(name);
    if (known) return known;
    if (sets.size >= MOST) sets.clear();
    const purses = among.map(() => 0);
    sets.set(name, purses);
    return purses;
  }

  return {
    next(among) {
      const purses = pursesOf(among);
      let total = 0;
      let richest = 0;
      among.forEach(({ weight = 1 }, at) => {
        total += weight;
        purses[at]! += weight;
        if (purses[at]! > purses[richest]!) richest = at;
      });
      purses[richest]! -= total;
      return among[richest]!;
    },
  };
}
