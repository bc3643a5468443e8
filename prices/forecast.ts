/**
 * What a request may cost before it is sent: loaded when the first budget asks.
 *
 * @module
 */

import type { Prices } from "../core/price.ts";
import { isUnbounded, worstCase } from "./bound.ts";
import { clamp, leastOf } from "./clamp.ts";
import type { PriceBook } from "./price.ts";

/** As the contract wants them; `book` answers at once but for its first call. */
export function forecastsOf(
  book: () => Promise<PriceBook>,
): Pick<Prices, "worst" | "least" | "clamp"> {
  return {
    async worst(ask) {
      const bound = worstCase(await book(), ask);
      return isUnbounded(bound) ? bound : bound.microDollars;
    },
    least: async (ask) => leastOf(await book(), ask),
    async clamp(ask, left) {
      const clamped = clamp(await book(), ask, left);
      if (clamped === undefined || isUnbounded(clamped)) return undefined;
      return { text: clamped.text, limit: clamped.maxOutput };
    },
  };
}
