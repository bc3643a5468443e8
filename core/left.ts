/**
 * What a token's limits still allow, told in fields of our own: an API's own
 * (`x-ratelimit-*`, `anthropic-ratelimit-*`) are about the owner's key, and
 * pass as they come.
 *
 * @module
 */

import type { Left, LimitName, Limits } from "./limit.ts";
import { type Fields, OURS } from "./rewrite.ts";

/** As fields call them. */
const NAMES: Record<LimitName, string> = {
  requests: "requests",
  tokens: "tokens",
  concurrency: "concurrency",
  day: "budget-day",
  month: "budget-month",
  total: "budget-total",
};

/**
 * Three fields a limit, `reset` only where time mends it; of two rows of one
 * limit the later counts. Dollars with up to 6 decimals, seconds, else numbers.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { leftFields } from "./left.ts";
 *
 * const limits = { budget: { day: 5_000_000 } };
 * assert.deepEqual(leftFields(limits, [["day", 4_200_001, 0]]), [
 *   ["x-doppel-ratelimit-limit-budget-day", "5"],
 *   ["x-doppel-ratelimit-remaining-budget-day", "4.200001"],
 * ]);
 * ```
 */
export function leftFields(limits: Limits, left: Left): Fields {
  if (left.length === 0) return [];
  const bounds = { ...limits, ...limits.budget };
  const rows = new Map(left.map((row) => [row[0], row]));
  return [...rows.values()].flatMap(([name, there, reset]) => {
    const unit = NAMES[name].startsWith("budget") ? 1e6 : 1;
    const facts = [
      ["limit", bounds[name]! / unit],
      ["remaining", Math.max(there, 0) / unit],
      ...(reset > 0 ? [["reset", reset] as const] : []),
    ] as const;
    return facts.map(([what, value]) =>
      [`${OURS}ratelimit-${what}-${NAMES[name]}`, `${value}`] as const
    );
  });
}
