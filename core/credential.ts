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
  /** Public name, in logs and lists, unique over all providers: for one of the environment the provider's id and a number from 1. */
  readonly id: string;
  /** What goes into the provider's slot; never logged, listed or returned. */
  readonly key: string;
  /** It is no key: the origin minted it for one session, and no other opens that. */
  readonly minted?: true;
  /** Whether it costs money; says nothing about its turn. */
  readonly kind?: "paid" | "free";
  /** Share of the requests among those of its priority, 1 to 1000; 1 if absent. */
  readonly weight?: number;
  /** Lower is used first; 0 if absent. */
  readonly priority?: number;
  /** Seconds since the epoch, from when it is not used. */
  readonly expires?: number;
  /** Globs of the models it is for; none or absent: any. */
  readonly models?: readonly string[];
  /** Switched off by its owner. */
  readonly status?: "active" | "disabled";
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

/** Whether its owner lets it be used; `now` is seconds. */
export function isUsed({ status, expires }: Credential, now: number): boolean {
  return status !== "disabled" && now < (expires ?? Infinity);
}

/** The pool itself where all of it is in use, as it mostly is. */
function inUse(
  pool: readonly Credential[] = [],
  now: number,
): readonly Credential[] {
  const used = (credential: Credential) => isUsed(credential, now);
  return pool.every(used) ? pool : pool.filter(used);
}
