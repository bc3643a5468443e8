/**
 * A socket's way to an origin: it has no content, and goes where its path says.
 * Loaded with the first.
 *
 * @module
 */

import { type Credential, isSingle } from "./credential.ts";
import type { Journal } from "./journal.ts";
import { type JourneyDeps, journeyOf, type Traveller } from "./journey.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import type { PoolDeps } from "./rota.ts";
import { sendSome } from "./send.ts";
import { type Stamps, stampUse } from "./stamp.ts";
import { openSocket, type SocketDeps } from "./upgrade.ts";
import { openWay, type WayDeps, type Wayfarer } from "./way.ts";

/** Whose socket it is, and all that goes along with it. */
export interface Upgraded extends Traveller, Wayfarer {
  /** Of the request. */
  readonly journal: Journal;
}

/** What carrying one needs of the process. */
export interface CarryDeps extends SocketDeps, PoolDeps, JourneyDeps, WayDeps {
  /** Where what is made, and who has used what, is remembered. */
  readonly store: WayDeps["store"];
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Which uses are to be written. */
  readonly stamps: Stamps;
}

const NO_CONTENT = { body: undefined, length: 0 } as const;

/** To an origin, with a key of the pool; or why not. */
export async function carrySocket(
  request: Request,
  admitted: Upgraded,
  deps: CarryDeps,
): Promise<Response | Refusal> {
  const { holder: { token }, route, account, journal } = admitted;
  const lead = { route, content: NO_CONTENT };
  const way = await openWay(request, lead, { ...admitted, deps });
  if (isRefusal(way)) return way;
  const short = await account.hold([way.asked]);
  if (short) return short;
  account.sent();
  const { pool: credentials } = way;
  const journey = journeyOf(request, admitted, { deps, journal, credentials });
  const opened = await openSocket(request, journey, {
    ...deps,
    async dial(upgrading) {
      const dial = (credential: Credential) =>
        deps.dial({ ...upgrading, credential });
      const [only] = credentials;
      if (isSingle(credentials)) {
        journal.note({ credential: only!.id });
        return await dial(only!);
      }
      const asked = { ...admitted, ways: [way] };
      return (await sendSome(dial, asked, deps)).outcome;
    },
  });
  if (!isRefusal(opened)) stampUse(token.id, deps);
  else account.refused(opened);
  return opened;
}
