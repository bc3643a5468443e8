/**
 * Numbers out of what an API wrote.
 *
 * @module
 */

import type { Counts } from "../core/meter.ts";

/** A count; what is none is zero. */
export function count(value: unknown): number {
  return typeof value === "number" && value > 0 ? value : 0;
}

/** The first of `names` that is an object. */
export function part(counts: Counts, ...names: string[]): Counts {
  const found = names.map((name) => counts[name])
    .find((value) => typeof value === "object" && value !== null);
  return (found ?? {}) as Counts;
}

/** The first of `names` that is a number. */
export function first(counts: Counts, ...names: string[]): number {
  return count(
    names.map((name) => counts[name]).find((value) =>
      typeof value === "number"
    ),
  );
}
