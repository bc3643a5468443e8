/**
 * Who sends a request: a token's holder, one who was given a secret in its
 * place, or one who goes on with an upload that a token began.
 *
 * @module
 */

import { isChild, unseal } from "./child.ts";
import { leased, type Left, type Taking, timed } from "./limit.ts";
import { authenticate, matches, paused, refusalOf, usable } from "./policy.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import type { Admission, Claim, Store, TokenRecord } from "./store.ts";
import { bearsOurPrefix, hashToken, isTokenShaped, tokenId } from "./token.ts";

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
  /** What was taken of the token's limits, to be settled. */
  readonly taken?: Taking;
  /** What they still allow then. */
  readonly left?: Left;
  /** Which state of the setup the request goes by; see `Admission`. */
  readonly turn: number;
  /** See `Admission`. */
  readonly looked?: number | undefined;
}

const OTHERS_UPLOAD: Refusal = {
  refused: "token_invalid",
  detail: "This upload was begun with another token.",
};

/**
 * The holder, who has taken of the limits what a request takes at its
 * beginning; or why there is none, and then nothing is taken. One round trip
 * for a token; two for a minted secret or an upload, which lead to their token
 * first. A value that cannot be ours costs none. Rejects as the store does.
 */
export async function admit(
  { values, upload }: Presented,
  store: Store,
  taking: Taking,
): Promise<Holder | Refusal> {
  const claimed = new Set(values.filter(bearsOurPrefix));
  const [child, ...more] = values.filter(isChild);
  if (claimed.size > 1 || more.length > 0) {
    return { refused: "token_ambiguous" };
  }
  const candidates = values.filter(isTokenShaped).map((value) => (
    { value, id: tokenId(value), hash: hashToken(value) }
  ));
  const begun = upload && await claimOf(upload, store);
  if (candidates.length > 0) {
    const only = candidates.findIndex(({ value }) => claimed.has(value));
    // Where the one that claims to be ours cannot be, no other may take.
    const terms = claimed.size === 0
      ? taking
      : only === -1
      ? undefined
      : { ...taking, only };
    const admission = await store.admit(candidates, terms);
    const now = Math.floor(taking.now / 1000);
    const token = authenticate(values, candidates, admission, now);
    if (!isRefusal(token)) {
      const by = candidates.map(({ hash }) => hash)
        .find((hash) => matches(token, hash, now))!;
      const { turn, looked } = admission;
      const holder = held({ token, by, turn, looked }, admission, taking);
      const unknown = upload && !begun && token.isolated;
      const others = unknown || begun && begun.token !== token.id;
      if (!others || isRefusal(holder)) return holder;
      await giveBack(holder, store);
      return OTHERS_UPLOAD;
    }
    // Beside a secret of ours, an unknown value is a key left in another slot.
    if (token.refused !== "token_invalid" || !child) return token;
  }
  const claim = child ? await claimOf(hashToken(child), store) : begun;
  if (claim) return await admitByClaim(claim, child, { store, taking });
  return { refused: values.length > 0 ? "token_invalid" : "token_missing" };
}

/** By what leads to a token. */
async function admitByClaim(
  claim: Claim,
  child: string | undefined,
  { store, taking }: { store: Store; taking: Taking },
): Promise<Holder | Refusal> {
  const { by, sealed } = claim;
  if (by === undefined || (child === undefined) !== (sealed === undefined)) {
    return UNKNOWN;
  }
  const asks = [{ id: claim.token, hash: by }];
  const admission = await store.admit(asks, taking);
  const now = Math.floor(taking.now / 1000);
  const token = usable(admission.records[0], now);
  if (isRefusal(token)) return token;
  if (!matches(token, by, now)) return UNKNOWN;
  const { turn, looked } = admission;
  const holder = held({ token, by, turn, looked }, admission, taking);
  if (isRefusal(holder) || !child || !sealed) return holder;
  const { provider, secret } = sealed;
  return { ...holder, minted: { provider, secret: unseal(secret, child) } };
}

const UNKNOWN: Refusal = { refused: "token_invalid" };

function held(
  holder: Holder,
  { pause, shortage, taken, left = [] }: Admission,
  taking: Taking,
): Holder | Refusal {
  return paused(pause, Math.floor(taking.now / 1000)) ??
    (shortage
      ? refusalOf(shortage, holder.token.limits)
      : taken
      ? { ...holder, taken: takenBy(holder.token, taking), left }
      : holder);
}

/** A request that takes no more than its place in the minute has no lease. */
function takenBy({ limits }: TokenRecord, taking: Taking): Taking {
  const counted = timed(limits);
  return leased(limits)
    ? { ...taking, counted }
    : { ...taking, counted, lease: "" };
}

/** The request was refused after all: what it took was never taken. */
export async function giveBack(
  { token, taken }: Holder,
  store: Store,
): Promise<void> {
  if (taken === undefined) return;
  const bill = { held: 0, tokens: 0, cost: 0, undone: true } as const;
  await store.settle(token.id, taken, bill);
}

async function claimOf(
  hash: string,
  store: Store,
): Promise<Claim | undefined> {
  return (await store.findClaims([hash]))[0];
}
