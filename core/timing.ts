/**
 * Where a request's time went, told to a client that asks for it.
 *
 * @module
 */

import type { Egress } from "./egress.ts";
import { OURS } from "./rewrite.ts";
import type { SocketEgress } from "./socket.ts";
import type { Store } from "./store.ts";

/** What takes time that is not doppel's own. */
export interface Timed {
  /** The store. */
  readonly store: Store;
  /** The way to an origin's first byte, upload included. */
  readonly egress: Egress;
  /** The same for sockets. */
  readonly dial: SocketEgress;
}

/** A request that is timed. */
export interface Timing<Deps> {
  /** To be used in place of those that were given. */
  readonly deps: Deps;
  /** Writes `Server-Timing` (W3C), milliseconds, behind what an origin says there. */
  tell(headers: Headers): void;
}

/** The field that asks, with the value `1`; it stays here, like all that begin so. */
export const ASKS = `${OURS}timing`;

/** From now on; `clock` is milliseconds with fractions. Nothing where nobody asks. */
export function openTiming<Deps extends Timed>(
  asked: Headers,
  deps: Deps,
  clock: () => number,
): Timing<Deps> | undefined {
  if (asked.get(ASKS) !== "1") return undefined;
  const begun = clock();
  const spent = { store: 0, origin: 0 };
  const timed = <Args extends unknown[], Result>(
    part: keyof typeof spent,
    work: (...args: Args) => Promise<Result>,
  ) =>
  async (...args: Args): Promise<Result> => {
    const from = clock();
    try {
      return await work(...args);
    } finally {
      spent[part] += clock() - from;
    }
  };
  const verbs = Object.entries(deps.store).map(([verb, call]) =>
    [verb, timed("store", call)] as const
  );
  return {
    deps: {
      ...deps,
      store: Object.fromEntries(verbs) as unknown as Store,
      egress: timed("origin", deps.egress),
      dial: timed("origin", deps.dial),
    },
    tell(headers) {
      const { store, origin } = spent;
      const own = Math.max(0, clock() - begun - store - origin);
      const entries = [
        ["doppel", own],
        ["doppel-store", store],
        ["doppel-origin", origin],
      ] as const;
      const told = entries.map(([name, ms]) => `${name};dur=${ms.toFixed(3)}`);
      headers.append("server-timing", told.join(", "));
    },
  };
}
