/**
 * One list of all models a token may name, in the caller's own dialect, and of
 * the providers behind them. Loaded with the first that is asked for.
 *
 * @module
 */

import type { Credential } from "./credential.ts";
import { isUsed } from "./credential.ts";
import { type DiscoveryDeps, discoveryOf, type Source } from "./discovery.ts";
import type { ModelFacts } from "./facts.ts";
import type { View } from "./keyring.ts";
import { covers } from "./model.ts";
import { modelAt, routeAt } from "./named.ts";
import { objectHash } from "./object.ts";
import { authorize } from "./policy.ts";
import { endpointClass, type Provider, type Route } from "./provider.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import type { Cooling } from "./cooling.ts";
import type { Store, TokenRecord } from "./store.ts";
import { toRfc3339 } from "./time.ts";
import type { Wayfarer } from "./way.ts";

/** Whose catalogue it is. */
export interface Reader extends Wayfarer {
  /** Where the request would go by itself: the wire its client speaks. */
  readonly route: Route;
}

/** What catalogues need of the process. */
export interface CatalogueDeps extends DiscoveryDeps {
  /** Where objects and lists are remembered. */
  readonly store: Store;
  /** Which keys rest. */
  readonly cooling: Pick<Cooling, "until">;
}

/** A model under the name by which it can be asked for. */
export interface Entry {
  /** Unique in the catalogue. */
  readonly name: string;
  /** Id of the provider, or what aliases are owned by. */
  readonly provider: string;
  /** What its provider says of it. */
  readonly facts: Partial<ModelFacts>;
}

/** Who owns aliases. */
const OWNER = "doppel";

/** The providers a token may use, which have a key that is in use and does not rest, best first: the wire's own, then by the owner's priority. A refusal where the token opens no list. */
export function sourcesOf(
  { method }: Pick<Request, "method">,
  { holder, view, route, address }: Reader,
  { cooling, now }: Pick<CatalogueDeps, "cooling" | "now">,
): readonly Source[] | Refusal {
  const seconds = Math.floor(now() / 1000);
  const lives = (one: Credential) =>
    isUsed(one, seconds) && cooling.until(one.id, "") === 0;
  const rank = ({ id }: Provider) =>
    id === route.provider.id ? -1 : view.offers.get(id)?.priority ?? 0;
  const reached = view.providers
    .filter(({ id }) => holder.token.providers.includes(id));
  let denied: Refusal | undefined;
  const open = reached.filter((provider) => {
    const [path = ""] = provider.models.path.split("?");
    const target = { ...route.target, path };
    const to = { ...route, provider, target };
    const refusal = authorize(holder, to, { method, socket: false, address });
    denied ??= refusal;
    return refusal === undefined;
  });
  if (open.length === 0) return denied ?? { refused: "provider_denied" };
  return open.flatMap((provider) => {
    const credential = view.pools[provider.id]?.find(lives);
    return credential ? [{ provider, credential }] : [];
  }).sort((a, b) => rank(a.provider) - rank(b.provider));
}

/** All models that the token may name on the wire its client speaks. */
export async function entriesOf(
  sources: readonly Source[],
  reader: Reader,
  deps: CatalogueDeps,
): Promise<readonly Entry[]> {
  const { holder: { token }, view, route } = reader;
  const chats = sources.filter(({ provider }) => serves(provider, route));
  const { store } = deps;
  const lists = await discoveryOf(deps).models(chats);
  const all = chats.flatMap(({ provider }, n) =>
    (lists[n]?.models ?? []).map((facts) => entryOf(facts, provider, route))
      .filter(({ facts: { id } }) => offers(view, provider, id))
  );
  const aliases = [...view.aliases].flatMap(([name, to]): Entry[] => {
    const open = to.filter((target) =>
      chats.some(({ provider }) => {
        const model = modelAt(provider, target);
        return target.startsWith(`${provider.id}/`) &&
          offers(view, provider, model) && mayName(token, name, model);
      })
    );
    const known = all.find((entry) =>
      open.includes(nameOf(entry)) || open.includes(entry.name)
    );
    const { id: _, owner: __, ...facts } = known?.facts ?? {};
    return open.length > 0 ? [{ name, provider: OWNER, facts }] : [];
  });
  const own = all.flatMap((entry) => {
    // Behind an alias of its name, or by the token's globs, only with its provider's.
    const name = [entry.name, nameOf(entry)].find((name) =>
      !view.aliases.has(name) && mayName(token, name, entry.facts.id!)
    );
    return name === undefined ? [] : [{ ...entry, name }];
  });
  const seen = token.isolated
    ? await ofToken(own, { token, store, view })
    : own;
  const byName = new Map<string, Entry>();
  for (const entry of [...aliases, ...seen]) {
    if (!byName.has(entry.name)) byName.set(entry.name, entry);
  }
  return [...byName.values()];
}

/** Under its bare id where that leads to its provider, else behind the provider's. */
function entryOf(
  facts: ModelFacts,
  { id, ownNames }: Provider,
  { provider }: Route,
): Entry {
  const bare = id === provider.id || ownNames?.test(facts.id);
  return { name: bare ? facts.id : `${id}/${facts.id}`, provider: id, facts };
}

/** As aliases name it, and requests may. */
function nameOf({ provider, facts }: Entry): string {
  return `${provider}/${facts.id}`;
}

/** Whether what is named there can be asked for on this wire. */
function serves(provider: Provider, route: Route): boolean {
  const path = route.provider.wire === "anthropic"
    ? "/v1/messages"
    : "/v1/chat/completions";
  const asked = { ...route, target: { ...route.target, path } };
  const { target } = routeAt(asked, provider);
  return endpointClass(provider, "POST", target) !== "other";
}

function offers({ offers }: View, { id }: Provider, model = ""): boolean {
  const globs = offers.get(id)?.models ?? [];
  return globs.length === 0 || globs.some((glob) => covers(glob, model));
}

function mayName({ models }: TokenRecord, name: string, model: string) {
  return models.length === 0 ||
    models.some((glob) => covers(glob, name) || covers(glob, model));
}

/** Without those that others have made. */
async function ofToken(
  entries: readonly Entry[],
  { token, store, view }: {
    token: TokenRecord;
    store: CatalogueDeps["store"];
    view: View;
  },
): Promise<readonly Entry[]> {
  const { objectsMade } = await import("./isolation.ts");
  const made = new Map<Entry, string>();
  for (const entry of entries) {
    const provider = view.providers.find(({ id }) => id === entry.provider)!;
    const [object] = objectsMade(provider, { id: entry.facts.id });
    if (object) made.set(entry, objectHash(provider, object));
  }
  const claims = await store.findClaims([...made.values()]);
  const owned = new Set(
    [...made.values()].filter((_, n) => claims[n]?.token === token.id),
  );
  return entries.filter((entry) => {
    const hash = made.get(entry);
    return hash === undefined || owned.has(hash);
  });
}

/** One model, as OpenAI's and Anthropic's lists show it; limits by the names that clients of either look for. */
function shown({ name, provider, facts }: Entry, wire: Provider["wire"]) {
  const { owner = provider, created = 0, context, output, kind } = facts;
  if (wire === "anthropic") {
    return {
      type: "model",
      id: name,
      display_name: name,
      created_at: toRfc3339(created),
      ...context !== undefined && { max_input_tokens: context },
      ...output !== undefined && { max_tokens: output },
    };
  }
  return {
    id: name,
    object: "model",
    created,
    owned_by: owner,
    provider,
    ...kind && { kind },
    ...context !== undefined && { context_window: context },
    ...output !== undefined && { max_output_tokens: output },
  };
}

/** The whole list, or the part of it that an Anthropic client asks for. */
export function listShown(
  entries: readonly Entry[],
  { provider: { wire }, target: { query } }: Route,
): object {
  const data = entries.map((entry) => shown(entry, wire));
  return wire === "anthropic"
    ? paged(data, new URLSearchParams(query))
    : { object: "list", data };
}

/** https://docs.anthropic.com/en/api/models-list */
function paged(data: readonly { id: string }[], query: URLSearchParams) {
  const at = (parameter: string) =>
    data.findIndex(({ id }) => id === query.get(parameter));
  const limit = Math.max(1, Number(query.get("limit")) || data.length);
  const end = at("before_id");
  const start = end < 0 ? at("after_id") + 1 : Math.max(0, end - limit);
  const page = data.slice(start, end < 0 ? start + limit : end);
  return {
    data: page,
    has_more: end < 0 ? start + limit < data.length : start > 0,
    first_id: page[0]?.id ?? null,
    last_id: page.at(-1)?.id ?? null,
  };
}

/** The one of that name; a refusal where there is none. */
export function modelShown(
  entries: readonly Entry[],
  name: string,
  { provider: { wire } }: Route,
): object | Refusal {
  const entry = entries.find((one) => one.name === name) ??
    entries.find((one) => nameOf(one) === name);
  if (entry) return shown({ ...entry, name }, wire);
  return { refused: "object_unknown", detail: "There is no such model." };
}

/** The providers, as a list; `base` is doppel's own URL. */
export function providersShown(
  sources: readonly Source[],
  base: string,
): object {
  const data = sources.map(({ provider: { id, wire } }) => ({
    id,
    object: "provider",
    wire,
    base_url: `${base}/${id}${wire === "openai" ? "/v1" : ""}`,
  }));
  return { object: "list", data };
}

/** Whether a list of all is another than what the wire's own provider would answer. */
export function isMixed(
  sources: readonly Source[] | Refusal,
  { provider }: Route,
): boolean {
  return !isRefusal(sources) &&
    sources.some((source) => source.provider !== provider);
}
