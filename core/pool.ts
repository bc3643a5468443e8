/**
 * Which key of a pool is next: one that is healthy, of the lowest priority, by
 * its weight; for the same conversation the same one, so that the origin's
 * caches stay warm.
 *
 * @module
 */

import type { Cooling } from "./cooling.ts";
import { type Credential, isFor, isUsed } from "./credential.ts";
import type { Refusal } from "./refusal.ts";
import type { Rota } from "./rota.ts";

/** What a key is wanted for. */
export interface Wanted {
  /** As the request names it; empty where it names none. */
  readonly model: string;
  /** What the choice sticks to: the same name, the same key. Without one, keys take turns. */
  readonly sticky: string | undefined;
  /** Which keys rest. */
  readonly cooling: Pick<Cooling, "until">;
  /** Whose turn it is. */
  readonly rota: Rota;
  /** Seconds since the epoch. */
  readonly now: number;
  /** Ids of the keys that were tried already. */
  readonly tried: ReadonlySet<string>;
}

/** The next key to try; `undefined` where no healthy one is left. */
export function choose(
  pool: readonly Credential[],
  { model, sticky, cooling, rota, now, tried }: Wanted,
): Credential | undefined {
  const healthy = pool.filter((credential) =>
    isUsed(credential, now) && isFor(credential, model) &&
    !tried.has(credential.id) && cooling.until(credential.id, model) === 0
  );
  const lowest = Math.min(...healthy.map(({ priority = 0 }) => priority));
  const tier = healthy.filter(({ priority = 0 }) => priority === lowest);
  if (tier.length < 2) return tier[0];
  return sticky === undefined ? rota.next(tier) : ownerOf(sticky, tier);
}

/** Longest wait that a client is asked to sit out, seconds: some SDKs would sleep for any. */
const PATIENCE = 60;

/** Why there is none to begin with. */
export function noneLeft(
  pool: readonly Credential[],
  { model, cooling, now }: Pick<Wanted, "model" | "cooling" | "now">,
): Refusal {
  const used = pool.filter((credential) => isUsed(credential, now));
  const ends = used.filter((credential) => isFor(credential, model))
    .map(({ id }) => cooling.until(id, model));
  if (ends.length === 0) {
    const detail = used.length > 0 && "This doppel has no key for this model.";
    return {
      refused: "no_credential",
      ...(detail && { detail }),
      unsent: true,
    };
  }
  const wait = Math.ceil(Math.min(...ends) - now);
  return {
    refused: "keys_cooling",
    retryAfter: wait,
    ...(wait > PATIENCE && { fields: [["x-should-retry", "false"]] }),
    unsent: true,
  };
}

/**
 * Weighted rendezvous hashing: each key draws a number for the name, and the
 * least wins. A key that is lost moves its own names only, one that comes takes
 * its share from all.
 */
function ownerOf(name: string, among: readonly Credential[]): Credential {
  let owner = among[0]!;
  let least = Infinity;
  for (const credential of among) {
    // Exponentially distributed: the least of several falls to each by its weight.
    const drawn = -Math.log(draw(`${name} ${credential.id}`)) /
      (credential.weight ?? 1);
    if (drawn < least) [owner, least] = [credential, drawn];
  }
  return owner;
}

/** A number between 0 and 1 that the text decides: FNV-1a, and MurmurHash3's last step so that the last character tells as much as the first. */
function draw(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) {
    hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  }
  hash = Math.imul(hash ^ hash >>> 16, 0x85ebca6b);
  hash = Math.imul(hash ^ hash >>> 13, 0xc2b2ae35);
  return (((hash ^ hash >>> 16) >>> 0) + 0.5) / 2 ** 32;
}
