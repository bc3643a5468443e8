/**
 * Whether a key works, asked of its API there and then. Nothing is kept of it:
 * what cools goes on cooling, what is disabled stays so.
 *
 * @module
 */

import type { Checked } from "../core/check.ts";
import { CHECK_FAILURES, type CheckFailure } from "../core/check_failures.ts";
import { ownOf } from "./credential_shown.ts";
import { recordOf } from "./edit.ts";
import { found, type Work } from "./work.ts";

/** Which key it was. */
interface Named {
  readonly id: string;
  readonly provider: string;
}

/** Asks with the one key. Rows are those of the very setup the key was read from: what was set up a moment ago is there. */
export async function check(
  work: Work<unknown, unknown>,
): Promise<Named & Checked> {
  const { id, store, seal, keyring, egress, clock: now } = work;
  const setup = await store.readSetup();
  const own = ownOf(work).find((one) => one.id === id);
  const record = own ??
    found(recordOf(setup, "credential", id), "credential");
  const known = { id, provider: record.provider };
  const key = "key" in record ? record.key : seal.open(record);
  if (key === undefined) return { ...known, ...unasked("unreadable") };
  const { providers } = await keyring.at(setup.turn);
  const provider = providers.find((row) => row.id === record.provider);
  if (!provider) return { ...known, ...unasked("unconfigured") };
  const { checkKey } = await import("../core/check.ts");
  const checked = await checkKey(provider, { id, key }, { egress, now });
  return { ...known, ...checked };
}

/** Nobody could be. */
function unasked(reason: CheckFailure): Checked {
  const detail = CHECK_FAILURES[reason];
  return { ok: false, status: null, ms: 0, reason, detail };
}
