/**
 * Which models APIs have, by their own lists: fetched with the owner's keys,
 * remembered in the store for all instances, and looked at again when old.
 *
 * @module
 */

import type { Credential } from "./credential.ts";
import { within } from "./deadline.ts";
import type { Egress } from "./egress.ts";
import type { ModelFacts } from "./facts.ts";
import type { Provider } from "./provider.ts";
import { isRefusal } from "./refusal.ts";
import type { KeptModels, SetupStore } from "./setup.ts";

/** A provider's models, and when they were asked for. */
export interface Listed {
  /** In the order of its list. */
  readonly models: readonly ModelFacts[];
  /** Seconds since the epoch. */
  readonly time: number;
}

/** A provider, and a key of its that is in use. */
export interface Source {
  /** Whose models. */
  readonly provider: Provider;
  /** Asks for them. */
  readonly credential: Credential;
}

/** Knows what models there are. */
export interface Discovery {
  /** The lists, in the order of the sources; `undefined` where none was ever had. An old one is given as it is, and fetched again behind it. */
  models(sources: readonly Source[]): Promise<readonly (Listed | undefined)[]>;
  /** A list as it is now; `undefined` where the API does not answer with one. */
  look(source: Source): Promise<Listed | undefined>;
}

/** What it is made of. */
export interface DiscoveryDeps {
  /** Where lists are remembered. */
  readonly store: Pick<SetupStore, "keepModels" | "readModels">;
  /** Asks the APIs. */
  readonly egress: Egress;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Lets work outlive the answer; logs under `name` what it throws. */
  readonly defer: (name: string, work: Promise<unknown>) => void;
}

/** Seconds after which a list is old. */
const OLD = 3_600;
/** Seconds for which an API that gave none is not asked again. */
const PAUSE = 60;
/** Milliseconds an API may take. */
const TAKES = 10_000;

/** By the store in which they remember: one for all parts of a doppel. */
const discoveries = new WeakMap<object, Discovery>();

/** That of a doppel; made with the first question. */
export function discoveryOf(deps: DiscoveryDeps): Discovery {
  const known = discoveries.get(deps.store) ?? createDiscovery(deps);
  discoveries.set(deps.store, known);
  return known;
}

/** Nothing is known yet. */
export function createDiscovery(deps: DiscoveryDeps): Discovery {
  const { store, now, defer } = deps;
  const lists = new Map<string, Listed>();
  const failed = new Map<string, number>();
  const fetching = new Map<string, Promise<Listed | undefined>>();
  const seconds = () => Math.floor(now() / 1000);
  const isOld = (list: Listed | undefined) =>
    list === undefined || list.time + OLD <= seconds();

  async function fetchOne(source: Source): Promise<Listed | undefined> {
    const { id } = source.provider;
    const models = await ask(source, deps.egress).catch(() => undefined);
    if (models === undefined) return void failed.set(id, seconds());
    const list = { models, time: seconds() };
    lists.set(id, list);
    failed.delete(id);
    const kept = store.keepModels(id, { facts: models, time: list.time });
    defer("models", kept);
    return list;
  }

  function fetchOnce(source: Source): Promise<Listed | undefined> {
    const { id } = source.provider;
    const begun = fetching.get(id) ??
      fetchOne(source).finally(() => fetching.delete(id));
    fetching.set(id, begun);
    return begun;
  }

  /** What other instances have found out. */
  async function learn(ids: readonly string[]): Promise<void> {
    if (ids.length === 0) return;
    const kept = await store.readModels(ids);
    for (const [n, one] of kept.entries()) {
      const list = listIn(one);
      if (list) lists.set(ids[n]!, list);
    }
  }

  return {
    async models(sources) {
      const ids = sources.map(({ provider }) => provider.id);
      await learn(ids.filter((id) => isOld(lists.get(id))));
      return await Promise.all(sources.map((source) => {
        const { id } = source.provider;
        const list = lists.get(id);
        const paused = (failed.get(id) ?? -Infinity) + PAUSE > seconds();
        if (!isOld(list) || paused) return list;
        const begun = fetchOnce(source);
        if (list === undefined) return begun;
        defer("models", begun);
        return list;
      }));
    },
    look: fetchOnce,
  };
}

/** As it was kept; by another version it may be something else. */
function listIn(kept: KeptModels | undefined): Listed | undefined {
  return kept && Array.isArray(kept.facts)
    ? { models: kept.facts, time: kept.time }
    : undefined;
}

/** All pages of a list; `undefined` where one of them is none. */
function ask(
  source: Source,
  egress: Egress,
): Promise<readonly ModelFacts[] | undefined> {
  return within(TAKES, (signal) => askAll(source, { egress, signal }));
}

async function askAll(
  source: Source,
  { egress, signal }: { egress: Egress; signal: AbortSignal },
): Promise<readonly ModelFacts[] | undefined> {
  const { read, next } = source.provider.models;
  const all: ModelFacts[] = [];
  let more: string | undefined = "";
  for (let page = 0; more !== undefined && page < MOST_PAGES; page++) {
    const answer = await askPage(source, { egress, more, signal });
    const models = read(answer);
    if (models === undefined) return undefined;
    all.push(...models);
    more = next?.(answer);
  }
  return all;
}

/** Of a thousand models each, where the API lets one say so. */
const MOST_PAGES = 20;

/** An answer, parsed; `undefined` where there is none. */
async function askPage(
  { provider, credential }: Source,
  { egress, more, signal }: {
    egress: Egress;
    more: string;
    signal: AbortSignal;
  },
): Promise<unknown> {
  const [path = "", query] = `${provider.models.path}${more}`.split("?");
  const { fields } = provider.region.probe;
  const begun = await egress({
    method: "GET",
    provider,
    target: { path, query: query === undefined ? "" : `?${query}` },
    credential,
    received: new Headers([
      ...fields as [string, string][],
      ["accept", "application/json"],
      ["accept-encoding", "identity"],
    ]),
    content: { body: undefined, length: 0 },
    signal,
  });
  if (isRefusal(begun)) return undefined;
  const { response, flight, abort } = begun;
  try {
    if (response.ok) return await response.json();
    await response.body?.cancel();
    return undefined;
  } catch (error) {
    abort();
    throw error;
  } finally {
    flight.land();
  }
}
