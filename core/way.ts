/**
 * The ways a request may go: to which provider, with which keys, and what goes
 * up. Nearly all have one; a name of the owner's may stand for several.
 *
 * @module
 */

import type { Content } from "./content.ts";
import { type Credential, credentialsFor, isSingle } from "./credential.ts";
import type { Traveller } from "./journey.ts";
import type { View } from "./keyring.ts";
import { covers } from "./model.ts";
import { authorize, authorizeSocket } from "./policy.ts";
import { endpointClass, type Route } from "./provider.ts";
import {
  authorizeContent,
  authorizeOffer,
  authorizeOfferedSocket,
  goingUp,
  modelOf,
  take,
} from "./reading.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import { wantsSocket } from "./socket.ts";
import type { Store, TokenRecord } from "./store.ts";
import type { Asked } from "./worst.ts";

/** Where a request may go, before anybody has asked whether it may. */
export interface Lead {
  /** To which provider. */
  readonly route: Route;
  /** What goes up, where that is known already. */
  readonly content?: Content;
  /** What the client calls the model, and what its provider does. */
  readonly called?: { readonly name: string; readonly model: string };
}

/** A way that is open. */
export interface Way {
  /** To which provider. */
  readonly route: Route;
  /** What is asked. */
  readonly request: Request;
  /** What goes up. */
  readonly content: Content;
  /** Keys that are in use; at least one. */
  readonly pool: readonly Credential[];
  /** Whether the content can go up again. */
  readonly again: boolean;
  /** What is priced. */
  readonly asked: Asked;
}

/** Whose way it is, and where that is looked up. */
export interface Wayfarer extends Pick<Traveller, "holder"> {
  /** The providers and keys it goes by. */
  readonly view: View;
  /** The client's address. */
  readonly address: () => string | undefined;
}

/** What opens ways. */
export interface WayDeps {
  /** Where objects are remembered. */
  readonly store: Store;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Largest request content, bytes. */
  readonly maxBodyBytes: number;
  /** Content that is held to go up again with another key, bytes. */
  readonly replayBytes: number;
}

/** Those of the leads that are open; of none the first one's refusal. */
export async function openWays(
  request: Request,
  leads: readonly Lead[],
  wayfarer: Wayfarer & { readonly deps: WayDeps },
): Promise<readonly Way[] | Refusal> {
  const ways: Way[] = [];
  let denied: Refusal | undefined;
  for (const lead of leads) {
    const way = await openWay(request, lead, wayfarer);
    if (isRefusal(way)) denied ??= way;
    else ways.push(way);
  }
  return ways.length > 0 ? ways : denied!;
}

/** Whether the holder may go there, and with which keys; the content is read last. */
export async function openWay(
  request: Request,
  { route, content: given, called }: Lead,
  { holder, view, address, deps }: Wayfarer & { readonly deps: WayDeps },
): Promise<Way | Refusal> {
  const { method } = request;
  const { token } = holder;
  const { id } = route.provider;
  const socket = wantsSocket(request);
  const offered = view.offers.get(id)?.models ?? [];
  const denied = authorize(holder, route, { method, socket, address }) ??
    (socket
      ? authorizeSocket(token, route, method) ??
        authorizeOfferedSocket(offered, route, method)
      : undefined);
  if (denied) return denied;
  const now = Math.floor(deps.now() / 1000);
  const pool = credentialsFor(holder, view.pools[id], now);
  if (isRefusal(pool)) return pool;

  const { store, maxBodyBytes } = deps;
  const hold = isSingle(pool) ? 0 : deps.replayBytes;
  const terms = { maxBodyBytes, hold, whole: isOffered(view, route, method) };
  const taken = given ?? await take(request, { token, route }, terms);
  if (isRefusal(taken)) return taken;
  const sources = { route, request, content: taken.bytes };
  const off = authorizeOffer(offered, sources) ??
    await authorizeContent(granted(token, called), store, sources);
  if (off) return off;
  const content = goingUp(taken, { token, route }, method);
  const again = !(content.body instanceof ReadableStream);
  const { bytes, length } = content;
  const asked = { route, bytes, length, model: modelOf(token, sources) };
  return { route, request, content, pool, again, asked };
}

/** Whether the owner says which of its provider's models may be asked for, and this may ask for one: a file asks for none, and may be large. */
export function isOffered(
  { offers }: View,
  { provider, target }: Route,
  method: string,
): boolean {
  return (offers.get(provider.id)?.models.length ?? 0) > 0 &&
    endpointClass(provider, method, target) !== "files";
}

/** A token that may use a name may use what that stands for. */
function granted(token: TokenRecord, called: Lead["called"]): TokenRecord {
  const { models } = token;
  const covered = called && !called.model.includes("*") &&
    models.some((glob) => covers(glob, called.name));
  return covered ? { ...token, models: [...models, called.model] } : token;
}
