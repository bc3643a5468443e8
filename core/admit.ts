/**
 * Who sends a request: a token's holder, one who was given a secret in its
 * place, or one who goes on with an upload that a token began.
 *
 * @module
 */

import { isChild, unseal } from "./child.ts";
import { authenticate, matches, paused, usable } from "./policy.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import type { Claim, Store, TokenRecord } from "./store.ts";
import { hashToken, isTokenShaped, tokenId } from "./token.ts";

/** What a request presents. */
export interface Presented {
  /** Every value that was in a slot. */
  readonly values: readonly string[];
  /** Hash of the upload it goes on with, if it does. */
  readonly upload: string | undefined;
}

/** Whose request it is. */
export interface Holder {
  /** The token, or the one that stands behind the secret or the upload. */
  readonly token: TokenRecord;
  /** Hash of the token's value that was sent, or that the secret or the upload came from. */
  readonly by: string;
  /** The origin's own secret, where the request came with the one given for it. */
  readonly minted?: { readonly provider: string; readonly secret: string };
}

const OTHERS_UPLOAD: Refusal = {
  refused: "token_invalid",
  detail: "This upload was begun with another token.",
};

/**
 * The holder, or why there is none. One round trip for a token; two for a
 * minted secret or an upload, which lead to their token first. A value that
 * cannot be ours costs none. Rejects as the store does.
 */
export async function admit(
  { values, upload }: Presented,
  store: Store,
  now: number,
): Promise<Holder | Refusal> {
  const candidates = values.filter(isTokenShaped);
  const [child, ...more] = values.filter(isChild);
  if (more.length > 0) return { refused: "token_ambiguous" };
  if (candidates.length > 0) {
    const [admission, claim] = await Promise.all([
      store.admit(candidates.map(tokenId)),
      claimOf(upload, store),
    ]);
    const token = authenticate(values, candidates, admission, now);
    if (!isRefusal(token)) {
      const unknown = upload && !claim && token.isolated;
      if (unknown || claim && claim.token !== token.id) return OTHERS_UPLOAD;
      const by = candidates.map(hashToken)
        .find((hash) => matches(token, hash, now))!;
      return paused(admission.pause, now) ?? { token, by };
    }
    // Beside a secret of ours, an unknown value is a key left in another slot.
    if (token.refused !== "token_invalid" || !child) return token;
  }
  return await admitByClaim(child, child ? hashToken(child) : upload, {
    store,
    now,
  }) ?? { refused: values.length > 0 ? "token_invalid" : "token_missing" };
}

/** By what leads to a token; `undefined` where nothing does. */
async function admitByClaim(
  child: string | undefined,
  hash: string | undefined,
  { store, now }: { store: Store; now: number },
): Promise<Holder | Refusal | undefined> {
  const claim = await claimOf(hash, store);
  if (claim === undefined) return undefined;
  const { records: [record], pause } = await store.admit([claim.token]);
  const token = usable(record, now);
  if (isRefusal(token)) return token;
  const { by, sealed } = claim;
  if (by === undefined || !matches(token, by, now)) return undefined;
  const refused = paused(pause, now);
  if (refused) return refused;
  if (!child) return sealed ? undefined : { token, by };
  if (!sealed) return undefined;
  const { provider, secret } = sealed;
  return { token, by, minted: { provider, secret: unseal(secret, child) } };
}

async function claimOf(
  hash: string | undefined,
  store: Store,
): Promise<Claim | undefined> {
  return hash === undefined ? undefined : (await store.findClaims([hash]))[0];
}
