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

const NONE: Counts = {};

/** The first of `names` that is an object. */
export function part(counts: Counts, ...names: string[]): Counts {
  for (const name of names) {
    const value = counts[name];
    if (typeof value === "object" && value !== null) return value as Counts;
  }
  return NONE;
}

/** The first of `names` that is a number. */
export function first(counts: Counts, ...names: string[]): number {
  for (const name of names) {
    const value = counts[name];
    if (typeof value === "number") return count(value);
  }
  return 0;
}
