/**
 * What an answer to a holder is sent down with.
 *
 * @module
 */

import type { Account } from "./account.ts";
import type { Holder } from "./admit.ts";
import type { Credential } from "./credential.ts";
import type { Journal } from "./journal.ts";
import type { Route } from "./provider.ts";
import { refusalBody } from "./refuse.ts";
import type { Journey } from "./respond.ts";
import type { Revocation } from "./revocation.ts";
import type { Store } from "./store.ts";
import { publicBase } from "./turn.ts";

/** Whose request it is, and all that goes along with it. */
export interface Traveller {
  /** Who asks. */
  readonly holder: Holder;
  /** Where it goes. */
  readonly route: Route;
  /** What it costs. */
  readonly account: Account;
  /** When its token is taken back. */
  readonly revocation: Revocation;
}

/** All that journeys reach outside themselves. */
export interface JourneyDeps {
  /** Where what is made is remembered. */
  readonly store: Store;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Lets work outlive the answer. */
  readonly defer: (name: string, work: Promise<unknown>) => void;
  /** Silence allowed within an answer, seconds. */
  readonly idleSeconds: number;
  /** Silence after which an event stream gets a comment, seconds; 0: never. */
  readonly pingSeconds: number;
  /** Base URL that clients use, where it is not what `Host` says. */
  readonly publicUrl?: string | undefined;
}

/** The journey of its answer. */
export function journeyOf(
  request: Request,
  { holder, route, account, revocation }: Traveller,
  { deps, journal, credentials }: {
    readonly deps: JourneyDeps;
    readonly journal: Journal;
    readonly credentials: readonly Credential[];
  },
): Journey {
  const { method } = request;
  const now = Math.floor(deps.now() / 1000);
  const envelope = route.provider.envelope(route.target.path);
  return {
    journal,
    route,
    method,
    credentials,
    base: () => publicBase(request, route, deps),
    editing: {
      route,
      method,
      holder,
      now,
      store: deps.store,
      defer: deps.defer,
    },
    meter: (answer) => account.meter(answer),
    own: () => account.fields(),
    revocation,
    lastWords: (why) => refusalBody(why, envelope, journal.id),
    idleSeconds: deps.idleSeconds,
    pingSeconds: deps.pingSeconds,
    signal: revocation.signal,
    drain: (work) => deps.defer("drain", work),
  };
}
