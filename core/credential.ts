/**
 * Which of the owner's own keys a request goes out with.
 *
 * @module
 */

import type { Holder } from "./admit.ts";
import type { Refusal } from "./refusal.ts";

/** An API key a provider issued to the owner; a token is what doppel issues. */
export interface Credential {
  /** Public name, in logs and lists: the provider's id and a number from 1. */
  readonly id: string;
  /** What goes into the provider's slot; never logged, listed or returned. */
  readonly key: string;
}

/** The origin's own minted secret where there is one; else a key of the pool, the same for the same token, so that the origin's caches stay warm. */
export function chooseCredential(
  pool: readonly Credential[] | undefined,
  { token, minted }: Holder,
): Credential | Refusal {
  if (minted) return { id: `${minted.provider}-minted`, key: minted.secret };
  if (!pool?.length) return { refused: "no_credential" };
  let sum = 0;
  for (const char of token.id) sum = (sum * 31 + char.charCodeAt(0)) >>> 0;
  return pool[sum % pool.length]!;
}
