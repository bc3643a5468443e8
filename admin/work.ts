/**
 * What the operations of the admin API work with.
 *
 * @module
 */

import type { Retention } from "../core/ledger.ts";
import type { AuditEntry, ListedToken, Pause, Store } from "../core/store.ts";
import { toRfc3339 } from "../core/time.ts";
import { hashToken } from "../core/token.ts";

/** A provider as the owner sees it: no key in it. */
export interface ConfiguredProvider {
  /** Row of the table. */
  readonly id: string;
  /** Where requests go. */
  readonly origin: string;
  /** Public ids of its credentials. */
  readonly credentials: readonly string[];
}

/** What an operation works with. */
export interface Work<Body, Query> {
  /** The store. */
  readonly store: Store;
  /** What is configured. */
  readonly providers: readonly ConfiguredProvider[];
  /** What is kept of usage. */
  readonly keep: Retention;
  /** Seconds since the epoch. */
  readonly now: number;
  /** `keyid` of the signature. */
  readonly by: string;
  /** The token in the path. */
  readonly id: string;
  /** Validated. */
  readonly body: Body;
  /** Validated. */
  readonly query: Query;
}

/** A problem to be answered (RFC 9457); the message is its title, `field` a JSON Pointer. */
export class Problem extends Error {
  /** @param title shown to the owner */
  constructor(
    readonly status: 400 | 401 | 404 | 409 | 413 | 503,
    title: string,
    readonly field?: string,
  ) {
    super(title);
  }
}

/** The entry of a change; `changed` as the owner sent it, without secrets. */
export function audit(
  { now, by, id }: Pick<Work<unknown, unknown>, "now" | "by" | "id">,
  action: string,
  changed?: unknown,
): AuditEntry {
  return { time: now, by, action, ...(id && { token: id }), changed };
}

/** What is there, or a problem. */
export function found<Value>(value: Value | undefined): Value {
  if (value === undefined) throw new Problem(404, "There is no such token.");
  return value;
}

/** What a record keeps of a token's value. */
export function kept(token: string): { hash: string; last4: string } {
  return { hash: hashToken(token), last4: token.slice(-4) };
}

/** What is listed and returned of a token: no hash, times as RFC 3339. */
export function shown({ record, lastUsed }: ListedToken) {
  const { hash: _, previous, expires, created, ...open } = record;
  return {
    ...open,
    created: toRfc3339(created),
    expires: moment(expires),
    lastUsed: moment(lastUsed),
    graceEnds: moment(previous?.expires),
  };
}

/** What is said of a pause; one that is over is none. */
export function pauseState(pause: Pause | undefined, now: number) {
  const over = pause?.until !== undefined && pause.until <= now;
  const live = over ? undefined : pause;
  return {
    paused: live !== undefined && live.from <= now,
    from: moment(live?.from),
    until: moment(live?.until),
  };
}

function moment(seconds: number | undefined): string | null {
  return seconds === undefined ? null : toRfc3339(seconds);
}
