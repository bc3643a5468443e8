/**
 * A request's content, taken in as far as its token, its keys and its account
 * have to look into it.
 *
 * @module
 */

import { type Content, readContent } from "./content.ts";
import { asking, asksForUsage } from "./exact.ts";
import { modelsNamed, type ModelSources } from "./model.ts";
import type { ObjectSources } from "./object.ts";
import { authorizeModels, authorizeSocket } from "./policy.ts";
import {
  type EndpointClass,
  endpointClass,
  type Provider,
  type Route,
} from "./provider.ts";
import type { Refusal } from "./refusal.ts";
import type { Store, TokenRecord } from "./store.ts";

/** How much is taken in. */
export interface ReadingTerms {
  /** Most that is taken at all, bytes. */
  readonly maxBodyBytes: number;
  /** Held to be looked into, or to go up again with another key, bytes. */
  readonly hold: number;
  /** All of it, whoever asks: the route's provider is for some models only. */
  readonly whole?: boolean;
}

/** Reads the content; the client leaving meanwhile is no fault. */
export async function take(
  request: Request,
  { token, route }: { readonly token: TokenRecord; readonly route: Route },
  { maxBodyBytes, hold, whole = false }: ReadingTerms,
): Promise<Content | Refusal> {
  const looked = whole || token.models.length > 0 || token.isolated ||
    token.limits.budget !== undefined ||
    asksForUsage(token, route, request.method);
  try {
    return await readContent(request, {
      limit: maxBodyBytes,
      whole: looked,
      hold,
    });
  } catch {
    return { refused: "client_closed" };
  }
}

/** What goes up: the content as it came, or asking for usage in the client's place. */
export function goingUp(
  content: Content,
  { token, route }: { readonly token: TokenRecord; readonly route: Route },
  method: string,
): Content {
  return asksForUsage(token, route, method) ? asking(content) : content;
}

/** Whether the models and objects that the content names are the token's. */
export function authorizeContent(
  token: TokenRecord,
  store: Store,
  sources: ObjectSources,
): Promise<Refusal | undefined> | Refusal | undefined {
  return authorizeModels(token, modelSources(sources)) ??
    (token.isolated ? isolated(token, store, sources) : undefined);
}

async function isolated(
  ...asked: [token: TokenRecord, store: Store, sources: ObjectSources]
): Promise<Refusal | undefined> {
  const { authorizeObjects } = await import("./isolation.ts");
  return await authorizeObjects(...asked);
}

/** Classes whose requests say which model they want. */
const ASKING: ReadonlySet<EndpointClass> = new Set<EndpointClass>([
  "inference",
  "embeddings",
  "images",
  "audio",
]);

/** Whether the provider is asked for the models that the content names; no globs: for any. What is made to be run later may name its models where no proxy looks, and passes if it names none here. */
export function authorizeOffer(
  globs: readonly string[],
  sources: ObjectSources,
): Refusal | undefined {
  if (globs.length === 0) return undefined;
  const { route: { provider, target }, request: { method } } = sources;
  const asked = modelSources(sources);
  if (!ASKING.has(endpointClass(provider, method, target))) {
    const reads = method === "GET" || method === "HEAD";
    if (reads || !modelsNamed(asked)?.named.length) return undefined;
  }
  const denied = authorizeModels({ models: globs }, asked);
  return denied && unoffered(provider);
}

/** Whether a socket may be opened; what goes through one is not read. */
export function authorizeOfferedSocket(
  globs: readonly string[],
  route: Route,
  method: string,
): Refusal | undefined {
  const terms = { models: globs, isolated: false };
  const denied = authorizeSocket(terms, route, method);
  if (denied?.refused !== "upgrade_refused") {
    return denied && unoffered(route.provider);
  }
  const detail =
    "doppel opens no WebSocket here, where not every model is offered: use HTTP.";
  return { refused: "upgrade_refused", detail };
}

function unoffered({ id }: Provider): Refusal {
  const detail = `This doppel does not offer this model of ${id}.`;
  return { refused: "model_denied", detail };
}

/** The model by which a budget reckons; empty where none is named beyond doubt. */
export function modelOf(
  { limits }: TokenRecord,
  sources: ObjectSources,
): string {
  return limits.budget === undefined ? "" : onlyModel(sources);
}

/** The one model that is named beyond doubt; empty where there is none. */
export function onlyModel(sources: ObjectSources): string {
  const named = modelsNamed(modelSources(sources))?.named ?? [];
  return new Set(named).size === 1 ? named[0]! : "";
}

function modelSources(
  { route, request, content }: ObjectSources,
): ModelSources & { method: string } {
  return {
    method: request.method,
    target: route.target,
    pattern: route.provider.modelInPath,
    type: request.headers.get("content-type"),
    encoding: request.headers.get("content-encoding"),
    content,
  };
}
