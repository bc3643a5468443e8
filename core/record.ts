/**
 * Changes to a token's record, the same for every store.
 *
 * @module
 */

import type { ListedToken, TokenPatch, TokenRecord } from "./store.ts";
import { toRfc3339 } from "./time.ts";

/** The record with `patch` laid over it; `expires: null` removes the expiry. */
export function applyPatch(
  record: TokenRecord,
  { expires, ...fields }: TokenPatch,
): TokenRecord {
  if (expires === undefined) return { ...record, ...fields };
  const { expires: _, ...rest } = record;
  return { ...rest, ...fields, ...(expires !== null && { expires }) };
}

/** The record with its hash replaced; the old one stays good until `graceEnds`, seconds. */
export function rotated(
  record: TokenRecord,
  { hash, last4, graceEnds }: {
    hash: string;
    last4: string;
    graceEnds: number;
  },
): TokenRecord {
  const previous = { hash: record.hash, expires: graceEnds };
  return { ...record, hash, last4, previous };
}

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
