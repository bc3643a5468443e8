/**
 * Limits of a token, and what a request takes of them.
 *
 * A request is admitted when all it would take is there, and then takes all of
 * it in one stroke: a place in the rate, a lease, a hold on the budget. What it
 * took it gives back, or pays with, when it is settled. A lease that nobody
 * renews ends by itself, and its hold counts as spent: nobody can tell any more
 * what the origin charged.
 *
 * @module
 */

/** Without a member: without that bound. */
export interface Limits {
  /** Requests in any minute. */
  readonly requests?: number;
  /** Tokens in any minute, input and output. */
  readonly tokens?: number;
  /** Requests at a time. */
  readonly concurrency?: number;
  /** Micro-dollars by UTC day, UTC month, and in all. */
  readonly budget?: {
    readonly day?: number;
    readonly month?: number;
    readonly total?: number;
  };
}

/** The names under which a limit can be short. */
export type LimitName =
  | "requests"
  | "tokens"
  | "concurrency"
  | "day"
  | "month"
  | "total";

/** Why nothing was taken. */
export interface Shortage {
  /** The limit that would have been passed. */
  readonly short: LimitName;
  /** Seconds until it may be there again, where time brings it back. */
  readonly retryAfter?: number;
  /** What there still is of what was looked at. */
  readonly left?: Left;
}

/**
 * How much there still is of each limit a token has, in its own unit; less than
 * nothing where it was lowered. `reset`: seconds until time brings some of it
 * back, 0 where it does not.
 */
export type Left = readonly (readonly [
  name: LimitName,
  left: number,
  reset: number,
])[];

/** What a request holds. */
export interface Hold {
  /** Micro-dollars. */
  readonly held: number;
  /** What there still is beside it. */
  readonly left: Left;
}

/** A request that takes. */
export interface Taking {
  /** Unique to the request; empty once it is known to have taken none (see {@linkcode leased}). */
  readonly lease: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Place of the one token among those asked for that may take, where another must not. */
  readonly only?: number;
  /** Whether it has taken a place in the minute, once that is known: only then is there one to give back, whatever the owner has changed since (see {@linkcode timed}). */
  readonly counted?: boolean;
}

/** What the bill may come to. */
export interface Estimate {
  /** Tokens counted against the minute until they are known. */
  readonly tokens: number;
  /** Micro-dollars: held if there are as many, else nothing. */
  readonly least: number;
  /** Micro-dollars: as many as there are, up to this. */
  readonly most: number;
}

/** What it came to. */
export interface Bill {
  /** Tokens that were counted before. */
  readonly held: number;
  /** Tokens used. */
  readonly tokens: number;
  /** Micro-dollars. */
  readonly cost: number;
  /** When it was over, and its tokens count, milliseconds since the epoch; if absent, when it was admitted. */
  readonly now?: number;
  /** The request was refused after all: it counts as never made. */
  readonly undone?: true;
}

/** How long a lease lasts that is not renewed, milliseconds. */
export const LEASE_LASTS = 60_000;
/** A minute is counted in slots of 5 s, the one it begins in included: never more than the limit in any 60 s. */
export const SLOT = 5_000;
/** Slots that count. */
export const SLOTS = 13;

/** Seconds for which what was spent in a day is known. */
export const DAY_KEPT = 3 * 86_400;
/** And in a month. */
export const MONTH_KEPT = 70 * 86_400;

/** Whether anything of a request outlives its admission. */
export function leased({ tokens, concurrency, budget }: Limits): boolean {
  return tokens !== undefined || concurrency !== undefined ||
    budget !== undefined;
}

/** Whether a request takes a place in the minute. */
export function timed({ requests, tokens }: Limits): boolean {
  return requests !== undefined || tokens !== undefined;
}

/** The periods of budgets. */
export const PERIODS = ["day", "month", "total"] as const;

/** The UTC day and month, RFC 3339: `2026-11-20`, `2026-11`. */
export function periods(now: number): { day: string; month: string } {
  const day = new Date(now).toISOString().slice(0, 10);
  return { day, month: day.slice(0, 7) };
}
