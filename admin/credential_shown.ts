/**
 * Credentials as the owner sees them.
 *
 * @module
 */

import type { Credential } from "../core/credential.ts";
import { tailOf } from "../core/seal.ts";
import type { Cooldown, Setup, StoredCredential } from "../core/setup.ts";
import { toRfc3339 } from "../core/time.ts";
import { moment, type Work } from "./work.ts";

/** What a credential is where nobody says anything. */
export const USUAL = {
  note: "",
  kind: "paid",
  weight: 1,
  priority: 0,
  models: [],
  status: "active",
} as const;

/** A credential of the environment. */
type Own = Credential & { readonly provider: string };

/** The environment's credentials. */
export function ownOf(
  { pools }: Pick<Work<unknown, unknown>, "pools">,
): Own[] {
  return Object.entries(pools).flatMap(([provider, pool]) =>
    pool.map((credential) => ({ ...credential, provider }))
  );
}

/** One of the environment, which nothing but the environment changes. */
export function shownOwn({ id, provider, key }: Own, { cooldowns }: Setup) {
  return {
    id,
    provider,
    source: "environment",
    tail: tailOf(key),
    ...USUAL,
    expires: null,
    created: null,
    createdBy: null,
    sealedBy: null,
    cooling: coolingOf(id, cooldowns),
  };
}

/** One that is kept. */
export function shown(
  { sealed, created, expires, status, ...open }: StoredCredential,
  { setup, work: { seal } }: { setup: Setup; work: Work<unknown, unknown> },
) {
  const key = seal.open({ ...open, sealed });
  return {
    ...open,
    source: "stored",
    status: key === undefined ? "unreadable" : status,
    expires: moment(expires),
    created: toRfc3339(created),
    cooling: coolingOf(open.id, setup.cooldowns),
  };
}

function coolingOf(id: string, cooldowns: readonly Cooldown[]) {
  return cooldowns.filter(({ credential }) => credential === id)
    .map(({ credential: _, model, until, ...rest }) => ({
      model: model === "" ? null : model,
      until: toRfc3339(until),
      ...rest,
    }));
}
