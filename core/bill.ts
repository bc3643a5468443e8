/**
 * From what a meter saw to what a ledger says: whose usage was counted before,
 * what the rest costs, and the entry of the request.
 *
 * @module
 */

import type { Occasion, Prices } from "./price.ts";
import type { LogLine } from "./journal.ts";
import type { Entry, Part } from "./ledger.ts";
import type { Metered } from "./meter.ts";
import { endpointClass, type Route } from "./provider.ts";
import type { Store } from "./store.ts";
import { hashToken } from "./token.ts";

/** Seconds for which a thing that can be looked at again is known. */
const KNOWN_FOR = 400 * 86_400;

/** What is to be counted now: usage that was shown before is none. */
export function firstLook(
  metered: Metered,
  occasion: Occasion,
  store: Store,
): Metered | Promise<Metered> {
  return metered.once === undefined
    ? metered
    : lookedAt(metered, metered.once, { occasion, store });
}

async function lookedAt(
  metered: Metered,
  once: string,
  { occasion: { provider, time }, store }: {
    readonly occasion: Occasion;
    readonly store: Store;
  },
): Promise<Metered> {
  const { once: _1, state, usage, byModel: _2, cost: _3, ...rest } = metered;
  if (Object.keys(usage).length === 0) return metered;
  // Too little to count, too much to call nothing.
  if (state === "estimated") return { state, usage: {}, ...rest };
  const look = `look ${hashToken(`${provider} ${once} ${state}`)}`;
  const first = await store.takeNonce(look, time + KNOWN_FOR);
  return first ? metered : { state: "measured", usage: {}, ...rest };
}

/** What each model has used and what that costs; no cost where nobody can tell. */
export async function pricedParts(
  metered: Metered,
  occasion: Occasion,
  prices: Prices,
): Promise<Part[]> {
  const { usage, byModel, state, model, later, cost: told } = metered;
  const own = model ?? occasion.model;
  // Nobody knows better than who charges for it.
  if (told !== undefined) return [{ model: own, usage, cost: told }];
  const parts: Part[] = [];
  const used = byModel ?? { "": usage };
  for (const [name, usage] of Object.entries(used)) {
    const any = Object.keys(usage).length > 0;
    const alone = byModel && { byModel: { [name]: usage } };
    const cost = any
      ? await prices.cost(occasion, { ...metered, usage, ...alone })
      : state === "measured" || later
      ? 0
      : undefined;
    const part = { model: name || own, usage };
    parts.push(cost === undefined ? part : { ...part, cost });
  }
  return parts;
}

/** The sum; `undefined` where a part has no price. */
export function costOf(parts: readonly Part[]): number | undefined {
  let sum = 0;
  for (const { cost } of parts) {
    if (cost === undefined) return undefined;
    sum += cost;
  }
  return sum;
}

/** A request's entry. */
export function entryOf(
  line: LogLine,
  { token, route, model }: {
    token: { readonly id: string };
    route: Route;
    model: string;
  },
  { metered, parts, cost }: {
    metered: Metered;
    parts: readonly Part[];
    cost: number | undefined;
  },
): Entry {
  const { time, id, credential, status, ending, refused, ms, method } = line;
  return {
    time,
    id,
    token: token.id,
    provider: route.provider.id,
    model: metered.model ?? model,
    ...(credential !== undefined && { credential }),
    endpoint: endpointClass(route.provider, method, route.target),
    status,
    ending,
    ...(refused !== undefined && { refused }),
    usage: metered.usage,
    ...(cost !== undefined && { cost }),
    state: metered.state,
    ms,
    ...(parts.length > 1 && { parts }),
  };
}
