/**
 * A token as its owner sees it.
 *
 * @module
 */

import type { ListedToken } from "./store.ts";
import { toRfc3339 } from "./time.ts";

/** What is listed and returned of a token: no hash, times as RFC 3339. */
export function publicToken(
  { record, lastUsed }: ListedToken,
): Record<string, unknown> {
  const { hash: _, previous, expires, created, ...open } = record;
  return {
    ...open,
    created: toRfc3339(created),
    expires: expires === undefined ? null : toRfc3339(expires),
    lastUsed: lastUsed === undefined ? null : toRfc3339(lastUsed),
    graceEnds: previous === undefined ? null : toRfc3339(previous.expires),
  };
}
