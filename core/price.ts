/**
 * What is asked of whoever knows prices.
 *
 * @module
 */

import type { Metered } from "./meter.ts";

/** A model's call to an API. */
export interface Occasion {
  /** Id of the provider. */
  readonly provider: string;
  /** As the request names it. */
  readonly model: string;
  /** Seconds since the epoch. */
  readonly time: number;
}

/** A call whose content is known. */
export interface Call extends Occasion {
  /** `METHOD /path`: see `requestLine()`. */
  readonly endpoint: string;
  /** The content. */
  readonly text: string;
  /** As of the provider: see `Provider.olderLimit`. */
  readonly olderLimit?: true | undefined;
}

/** A request whose limit was lowered. */
export interface Clamped {
  /** Its content; all else in it is as it was. */
  readonly text: string;
  /** Tokens that it may write, by answer. */
  readonly limit: number;
}

/** What things cost, in micro-dollars. */
export interface Prices {
  /** The most that a request can come to; why nobody can tell, and what mends it. */
  worst(call: Call): Promise<number | { readonly unbounded: string }>;
  /** The least it can come to when its limit is lowered; `undefined` where there is none to lower. */
  least(call: Call): Promise<number | undefined>;
  /** The request that comes to `left` at most, for its limit is lowered; `undefined` where none does. */
  clamp(call: Call, left: number): Promise<Clamped | undefined>;
  /** What was used; `undefined` where there is no price for it. */
  cost(occasion: Occasion, metered: Metered): Promise<number | undefined>;
}
