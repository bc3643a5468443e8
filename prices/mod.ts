/**
 * Prices as accounts ask for them.
 *
 * @module
 */

import type { Prices } from "../core/price.ts";
import { microDollarsOf, type PriceBook } from "./price.ts";

/** `book` is asked each time, and answers at once but for the first. */
export function pricesOf(book: () => Promise<PriceBook>): Prices {
  const forecasts = async () =>
    (await import("./forecast.ts")).forecastsOf(book);
  return {
    worst: async (ask) => await (await forecasts()).worst(ask),
    least: async (ask) => await (await forecasts()).least(ask),
    clamp: async (ask, left) => await (await forecasts()).clamp(ask, left),
    async cost(occasion, { usage, byModel, tier, model }) {
      const prices = await book();
      const parts = byModel ?? { [occasion.model || (model ?? "")]: usage };
      let sum = 0;
      for (const [name, part] of Object.entries(parts)) {
        const asked = { ...occasion, model: name || occasion.model, tier };
        const price = microDollarsOf(prices, part, asked);
        if (price === undefined) return undefined;
        sum += price;
      }
      return sum;
    },
  };
}
