/**
 * What a name in a request stands for: the providers to be asked, each with the
 * content in which the one field is its own, and every other byte as it came.
 * Loaded with the first name.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type Content, inMemory } from "./content.ts";
import { isName, type Naming, providerIn } from "./name.ts";
import { type ModelPlace, modelPlaces } from "./model.ts";
import { endpointClass, type Provider, type Route } from "./provider.ts";
import type { Refusal } from "./refusal.ts";
import type { Lead } from "./way.ts";

/** What a request names. */
export interface Named {
  /** The alias, where it is one. */
  readonly alias?: string;
  /** Where it may go, the first first. */
  readonly leads: readonly Lead[];
}

/** What the content names; `undefined` where it names nothing, or not beyond doubt. */
export function readNamed(
  { method, headers }: Request,
  content: Content,
  naming: Naming,
): Named | Refusal | undefined {
  const { bytes } = content;
  const type = headers.get("content-type") ?? "";
  const [place, ...more] = bytes ? modelPlaces(type, bytes) ?? [] : [];
  if (!bytes || !place || more.length > 0) return undefined;
  const { model: name } = place;
  if (!isName(name, naming)) return undefined;
  const { route, view, holder } = naming;
  const alias = view.aliases.get(name);
  const leads = (alias ?? [name]).flatMap((target): Lead[] => {
    const scope = { view, holder: alias ? ANY : holder };
    const provider = providerIn(target, scope);
    if (provider === undefined) return [];
    const to = routeAt(route, provider);
    if (endpointClass(provider, method, to.target) === "other") return [];
    const model = modelAt(provider, target);
    const sent = inMemory(written(bytes, place, model));
    return [{ route: to, content: sent, called: { name, model } }];
  });
  if (leads.length === 0) return unserved(name, alias !== undefined);
  return { leads, ...alias && { alias: name } };
}

/** An alias is the owner's word: it may lead anywhere, and the token's scope is asked behind it. */
const ANY = { token: { providers: [] } } as never;

function unserved(name: string, alias: boolean): Refusal {
  const whom = alias ? "What this alias stands for" : name.split("/")[0];
  return {
    refused: "no_route",
    detail: `${whom} has no such endpoint.`,
  };
}

/** Under the provider's name, so that URLs that are given back lead there again. */
export function routeAt({ target }: Route, provider: Provider): Route {
  const [from, to] = provider.namedPath ?? [/^/, ""];
  const moved = { ...target, path: target.path.replace(from, to) };
  const clean = provider.canonical?.(moved) ?? moved;
  return { provider, prefix: `/${provider.id}`, target: clean };
}

/** What the provider calls it: some have models that begin like their own names. */
export function modelAt({ id, ownNames }: Provider, name: string): string {
  return ownNames?.test(name) ? name : name.slice(id.length + 1);
}

/** The content with another model in the place of its own. */
function written(
  bytes: Uint8Array,
  { start, end, quoted }: ModelPlace,
  model: string,
): ArrayBuffer {
  const text = quoted ? JSON.stringify(model) : model;
  const whole = Buffer.concat([
    bytes.subarray(0, start),
    Buffer.from(text),
    bytes.subarray(end),
  ]);
  // A pool's slice shares its buffer with others.
  return whole.buffer.slice(
    whole.byteOffset,
    whole.byteOffset + whole.byteLength,
  ) as ArrayBuffer;
}
