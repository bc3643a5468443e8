/**
 * What the admin API takes as a token's limits.
 *
 * @module
 */

import * as v from "valibot";

const Count = v.pipe(
  v.number(),
  v.integer("must be a whole number"),
  v.minValue(1, "must be 1 or more"),
  v.maxValue(1_000_000_000, "must be 1000000000 or less"),
);

const Money = v.pipe(
  v.number(),
  v.integer("must be whole micro-dollars"),
  v.minValue(0, "must not be negative"),
  v.maxValue(
    1_000_000_000_000_000,
    "must be a thousand million dollars or less",
  ),
  v.description("Micro-dollars"),
);

/** Replaced whole by an edit. */
export const Limits = v.pipe(
  v.strictObject({
    requests: v.exactOptional(Count),
    tokens: v.exactOptional(Count),
    concurrency: v.exactOptional(Count),
    budget: v.exactOptional(v.strictObject({
      day: v.exactOptional(Money),
      month: v.exactOptional(Money),
      total: v.exactOptional(Money),
    })),
  }),
  v.description(
    "requests and tokens per minute, requests at a time, money by UTC day, UTC month and in all; what is absent is not limited",
  ),
);

/** See `TokenRecord`. */
export const ExactUsage = v.pipe(
  v.boolean(),
  v.description(
    "Ask for usage where a stream tells it only then; the holder's stream stays as it was",
  ),
);

/** See `TokenRecord`. */
export const Clamp = v.pipe(
  v.boolean(),
  v.description(
    "Lower what a request may write to what the budget still allows, instead of refusing it",
  ),
);
