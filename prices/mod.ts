/**
 * Prices as accounts ask for them.
 *
 * @module
 */

import type { Prices } from "../core/price.ts";
import { isUnbounded, worstCase } from "./bound.ts";
import { clamp, leastOf } from "./clamp.ts";
import { type PriceBook, priceOf } from "./price.ts";

/** `book` is asked each time, and answers at once but for the first. */
export function pricesOf(book: () => Promise<PriceBook>): Prices {
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
    async cost(occasion, { usage, byModel, tier, model }) {
      const prices = await book();
      const parts = byModel ?? { [occasion.model || (model ?? "")]: usage };
      let sum = 0;
      for (const [name, part] of Object.entries(parts)) {
        const asked = { ...occasion, model: name || occasion.model, tier };
        const price = priceOf(prices, part, asked);
        if (price === undefined) return undefined;
        sum += price.microDollars;
      }
      return sum;
    },
  };
}
