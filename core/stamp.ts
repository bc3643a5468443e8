/**
 * When a token was last used is written at most once a minute by a process.
 *
 * @module
 */

import type { Store } from "./store.ts";

/** Tokens remembered; past it the memory starts anew, at the price of some early stamps. */
const REMEMBERED = 10_000;

/** Which uses are to be written. */
export interface Stamps {
  /** Whether a use is to be written now; the next minute's are then not. */
  due(tokenId: string): boolean;
  /** The write failed: the next use is due again. */
  missed(tokenId: string): void;
}

/** An empty memory of stamps; `now` is milliseconds, as `Date.now`. */
export function createStamps(now: () => number): Stamps {
  const stamped = new Map<string, number>();
  return {
    due(tokenId) {
      const time = now();
      if ((stamped.get(tokenId) ?? -Infinity) > time - 60_000) return false;
      if (stamped.size >= REMEMBERED) stamped.clear();
      stamped.set(tokenId, time);
      return true;
    },
    missed: (tokenId) => void stamped.delete(tokenId),
  };
}

/** Notes the use, at most once a minute, behind the answer's back. */
export function stampUse(
  id: string,
  { store, stamps, now, defer }: {
    readonly store: Pick<Store, "stampToken">;
    readonly stamps: Stamps;
    readonly now: () => number;
    readonly defer: (name: string, work: Promise<unknown>) => void;
  },
): void {
  if (!stamps.due(id)) return;
  const stamped = store.stampToken(id, Math.floor(now() / 1000));
  defer(
    "stamp",
    stamped.catch((error) => {
      stamps.missed(id);
      throw error;
    }),
  );
}
