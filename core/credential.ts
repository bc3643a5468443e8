/**
 * Which of the owner's own keys a request goes out with.
 *
 * @module
 */

import type { Holder } from "./admit.ts";
import type { Refusal } from "./refusal.ts";

/** An API key a provider issued to the owner; a token is what doppel issues. */
export interface Credential {
  /** Public name, in logs and lists: from the environment the provider's id and a number from 1, else as it is kept. */
  readonly id: string;
  /** What goes into the provider's slot; never logged, listed or returned. */
  readonly key: string;
  /** What it costs to use; absent: `paid`. */
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

/** What a request goes out with: the origin's own minted secret, where the client came with the one given for it; else a key of the pool. */
export function credentialOf(
  { token, minted }: Holder,
  pool: readonly Credential[] | undefined,
): Credential | Refusal {
  return minted === undefined
    ? chooseCredential(pool, token.id)
    : { id: `${minted.provider}-minted`, key: minted.secret, minted: true };
}

/** A key of the pool, the same for the same name, so that the origin's caches stay warm. */
export function chooseCredential(
  pool: readonly Credential[] | undefined,
  name: string,
): Credential | Refusal {
  if (!pool?.length) return { refused: "no_credential" };
  let sum = 0;
  for (const char of name) sum = (sum * 31 + char.charCodeAt(0)) >>> 0;
  return pool[sum % pool.length]!;
}
