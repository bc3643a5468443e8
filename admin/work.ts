/**
 * What the operations of the admin API work with.
 *
 * @module
 */

import type { Credential } from "../core/credential.ts";
import type { Egress } from "../core/egress.ts";
import type { Keyring } from "../core/keyring.ts";
import type { Retention } from "../core/ledger.ts";
import type { Regions } from "../core/region.ts";
import type { Running } from "../core/running.ts";
import type { Seal } from "../core/seal.ts";
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

/** Does what it is given when all it was given before is done. */
export type InTurn = <Result>(work: () => Promise<Result>) => Promise<Result>;

/** What an operation works with. */
export interface Work<Body, Query> {
  /** The store. */
  readonly store: Store;
  /** What is configured. */
  readonly providers: readonly ConfiguredProvider[];
  /** The environment's own credentials by provider id. */
  readonly pools: Readonly<Record<string, readonly Credential[]>>;
  /** Seals keys, and opens them. */
  readonly seal: Seal;
  /** The rows that requests go by. */
  readonly keyring: Pick<Keyring, "at">;
  /** The way that requests go. */
  readonly egress: Egress;
  /** What is known of the ways, where there is a hop. */
  readonly regions?: Regions | undefined;
  /** Milliseconds since the epoch, by now. */
  readonly clock: () => number;
  /** What is under way here. */
  readonly running: Pick<Running, "shown" | "find" | "end">;
  /** Lets work outlive the answer. */
  readonly defer: (name: string, work: Promise<unknown>) => void;
  /** So that changes of this process do not come between each other. */
  readonly inTurn: InTurn;
  /** What is kept of usage. */
  readonly keep: Retention;
  /** Seconds since the epoch. */
  readonly now: number;
  /** `keyid` of the signature. */
  readonly by: string;
  /** What the path is about: a token, a credential, a provider, an alias, a request. */
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
export function found<Value>(value: Value | undefined, noun = "token"): Value {
  if (value === undefined) throw new Problem(404, `There is no such ${noun}.`);
  return value;
}

/** Nothing is under way yet. */
export function createTurns(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work);
    last = done.catch(() => {});
    return done;
  };
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
    graceEnds: moment(previous?.expires || undefined),
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

/** RFC 3339, where there is a time. */
export function moment(seconds: number | undefined): string | null {
  return seconds === undefined ? null : toRfc3339(seconds);
}
