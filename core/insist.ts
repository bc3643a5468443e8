/**
 * What must reach the store, though it may be away for a moment.
 *
 * @module
 */

import { StoreUnavailable } from "./store.ts";

/** Milliseconds between tries to settle: together less than a lease lasts. */
const PAUSES = [250, 1_000, 4_000];

/** Tries again where the store is away; for what does nothing a second time. */
export async function insistently(work: () => Promise<void>): Promise<void> {
  for (const pause of PAUSES) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return await work();
}
