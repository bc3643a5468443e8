/**
 * Where a request may go: where its path and its signs say; or, if it names a
 * model of another provider or an alias of the owner's, where that is.
 *
 * @module
 */

import type { Journal } from "./journal.ts";
import { heldForName, seemsNamed } from "./name.ts";
import { authorizeAddress } from "./policy.ts";
import type { Route } from "./provider.ts";
import { take } from "./reading.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import { isOffered, type Lead, type WayDeps, type Wayfarer } from "./way.ts";

/** Whose request it is, and what it came with. */
export interface Leading extends Wayfarer {
  /** Where it goes if it names nothing. */
  readonly route: Route;
  /** Where an alias is written down. */
  readonly journal: Journal;
}

/** Loaded once, with the first request that has a name in it. */
let named: Promise<typeof import("./named.ts")> | undefined;

/** All leads, the first first; content that may hold a name is read for it. */
export async function leadsOf(
  request: Request,
  leading: Leading,
  { maxBodyBytes, replayBytes }: WayDeps,
): Promise<readonly Lead[] | Refusal> {
  const { holder: { token }, route, view, journal, address } = leading;
  const held = heldForName(request, leading);
  if (held === undefined) return [{ route }];
  const denied = authorizeAddress(token, address);
  if (denied) return denied;
  const { id } = route.provider;
  const several = (view.pools[id]?.length ?? 0) > 1;
  const terms = {
    maxBodyBytes,
    hold: Math.max(held, several ? replayBytes : 0),
    whole: isOffered(view, route, request.method),
  };
  const content = await take(request, { token, route }, terms);
  if (isRefusal(content)) return content;
  const plain = [{ route, content }];
  if (!content.bytes || !seemsNamed(content.bytes, leading)) return plain;
  named ??= import("./named.ts");
  const found = (await named).readNamed(request, content, leading);
  if (found === undefined) return plain;
  if (isRefusal(found)) return found;
  if (found.alias !== undefined) journal.note({ alias: found.alias });
  return found.leads;
}
