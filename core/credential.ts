/**
 * Which of the owner's own keys a request goes out with.
 *
 * @module
 */

import type { Holder } from "./admit.ts";
import { covers } from "./model.ts";
import type { Refusal } from "./refusal.ts";

/** An API key a provider issued to the owner; a token is what doppel issues. */
export interface Credential {
  /** Public name, in logs and lists, unique over all providers: from the environment the provider's id and a number from 1, else as it is kept. */
  readonly id: string;
  /** What goes into the provider's slot; never logged, listed or returned. */
  readonly key: string;
  /** What it costs to use, which says nothing about its turn; absent: `paid`. */
  readonly kind?: "paid" | "free";
  /** Its share among those of the same priority, 1 to 1,000; absent: 1. */
  readonly weight?: number;
  /** 0 to 99, the lower is used first; absent: 0. */
  readonly priority?: number;
  /** When it stops working, seconds since the epoch; absent: never. */
  readonly expires?: number;
  /** Globs of the models it is for; absent or empty: any. */
  readonly models?: readonly string[];
  /** It is no key: the origin minted it for one session, and no other opens that. */
  readonly minted?: true;
}

/** What a request may go out with: the origin's own minted secret, where the client came with the one given for it; else the pool's keys that are in use. `now` is seconds. */
export function credentialsFor(
  { minted }: Holder,
  pool: readonly Credential[] | undefined,
  now: number,
): readonly Credential[] | Refusal {
  if (minted !== undefined) {
    const { provider, secret } = minted;
    return [{ id: `${provider}-minted`, key: secret, minted: true }];
  }
  const used = inUse(pool, now);
  return used.length === 0 ? { refused: "no_credential" } : used;
}

/** Whether there is nothing to choose and nothing to look at: the one key is for any model. */
export function isSingle([only, ...more]: readonly Credential[]): boolean {
  return more.length === 0 && !only?.models?.length;
}

/** A key of the pool, the same for the same name; what was one key's yesterday is the same key's today. */
export function credentialNamed(
  pool: readonly Credential[] | undefined,
  name: string,
  now: number,
): Credential | Refusal {
  const used = inUse(pool, now);
  if (used.length === 0) return { refused: "no_credential" };
  let sum = 0;
  for (const char of name) sum = (sum * 31 + char.charCodeAt(0)) >>> 0;
  return used[sum % used.length]!;
}

/** Whether it is for a model; what names none needs no leave. */
export function isFor({ models }: Credential, model: string): boolean {
  return !models?.length || model === "" ||
    models.some((glob) => covers(glob, model));
}

/** Whether it has not expired; `now` is seconds. */
export function isUsed({ expires }: Credential, now: number): boolean {
  return now < (expires ?? Infinity);
}

/** The pool itself where all of it is in use, as it mostly is. */
function inUse(
  pool: readonly Credential[] = [],
  now: number,
): readonly Credential[] {
  const used = (credential: Credential) => isUsed(credential, now);
  return pool.every(used) ? pool : pool.filter(used);
}
