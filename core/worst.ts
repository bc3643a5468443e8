/**
 * The most that a request can come to, on each way it may go, and how it is
 * lowered to what its budget still allows.
 *
 * @module
 */

import { type Content, contentOf } from "./content.ts";
import { textOf } from "./json.ts";
import { meteringOf } from "./meter.ts";
import type { Call, Prices } from "./price.ts";
import { requestLine, type Route } from "./provider.ts";
import type { Refusal } from "./refusal.ts";
import type { TokenRecord } from "./store.ts";

/** What of a request is priced, on one of its ways. */
export interface Asked {
  /** Where that goes. */
  readonly route: Route;
  /** The whole content, where it was read. */
  readonly bytes?: Uint8Array | undefined;
  /** Its length, where that is known. */
  readonly length: number | undefined;
  /** As path or content name it. */
  readonly model: string;
}

/** A way, and what it can come to, micro-dollars. */
export interface Priced {
  /** The way. */
  readonly way: Asked;
  /** As prices see it. */
  readonly call: Call;
  /** The most; 0 where no budget reckons with it. */
  readonly worst: number;
  /** The most if it is lowered as far as that goes. */
  readonly least: number;
  /** Why nobody can tell. */
  readonly refusal?: Refusal;
}

/** A way's content, lowered. */
export interface Clamped {
  /** What is to be sent. */
  readonly content: Content;
  /** Tokens that its answer may have. */
  readonly limit: number;
}

/** What ways are priced by. */
export interface PricingTerms {
  /** Whose budget it is. */
  readonly token: TokenRecord;
  /** What things cost. */
  readonly prices: Prices;
  /** Of the request. */
  readonly method: string;
  /** When it came, seconds since the epoch. */
  readonly time: number;
}

/** What each way can come to. */
export function pricedWays(
  ways: readonly Asked[],
  terms: PricingTerms,
): Promise<readonly Priced[]> {
  return Promise.all(ways.map((way) => pricedWay(way, terms)));
}

async function pricedWay(
  way: Asked,
  { token, prices, method, time }: PricingTerms,
): Promise<Priced> {
  const { route, model, bytes } = way;
  const { id, usage, olderLimit } = route.provider;
  const endpoint = requestLine(method, route.target.path);
  const { budget } = token.limits;
  const text = (budget && bytes && textOf(bytes)) ?? "";
  const call = { provider: id, model, time, endpoint, text, olderLimit };
  if (budget === undefined || meteringOf(usage, endpoint) === "free") {
    return { way, call, worst: 0, least: 0 };
  }
  const worst = await prices.worst(call);
  if (typeof worst !== "number") {
    const detail = worst.unbounded;
    const refusal: Refusal = { refused: "price_unknown", detail };
    return { way, call, worst: 0, least: 0, refusal };
  }
  const lowest = token.clamp && worst > 0
    ? await prices.least(call)
    : undefined;
  return { way, call, worst, least: lowest ?? worst };
}

/** Of the ways that come to more than what is held: each lowered to it; `null` where it cannot be, or nobody knows what it comes to. */
export async function fitted(
  ways: readonly Priced[],
  held: number,
  prices: Prices,
): Promise<ReadonlyMap<Asked, Clamped | null>> {
  const all = new Map<Asked, Clamped | null>();
  for (const { way, call, worst, refusal } of ways) {
    if (!refusal && worst <= held) continue;
    const lowered = refusal ? undefined : await prices.clamp(call, held);
    const content = lowered && contentOf(lowered.text);
    all.set(way, content ? { content, limit: lowered.limit } : null);
  }
  return all;
}
