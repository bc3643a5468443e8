/**
 * A request's content, taken in as far as its token, its keys and its account
 * have to look into it.
 *
 * @module
 */

import { type Content, readContent } from "./content.ts";
import { asking, asksForUsage } from "./exact.ts";
import { modelsNamed, type ModelSources } from "./model.ts";
import { authorizeObjects, type ObjectSources } from "./object.ts";
import { authorizeModels } from "./policy.ts";
import type { Route } from "./provider.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import type { Store, TokenRecord } from "./store.ts";

/** How much is taken in. */
export interface ReadingTerms {
  /** Most that is taken at all, bytes. */
  readonly maxBodyBytes: number;
  /** Held to go up again with another key, bytes. */
  readonly hold: number;
}

/** Reads the content; the client leaving meanwhile is no fault. */
export async function take(
  request: Request,
  { token, route }: { readonly token: TokenRecord; readonly route: Route },
  { maxBodyBytes, hold }: ReadingTerms,
): Promise<Content | Refusal> {
  const asks = asksForUsage(token, route, request.method);
  const whole = token.models.length > 0 || token.isolated ||
    token.limits.budget !== undefined || asks;
  const terms = { limit: maxBodyBytes, whole, hold };
  try {
    const content = await readContent(request, terms);
    return asks && !isRefusal(content) ? asking(content) : content;
  } catch {
    return { refused: "client_closed" };
  }
}

/** Whether the models and objects that the content names are the token's. */
export function authorizeContent(
  token: TokenRecord,
  store: Store,
  sources: ObjectSources,
): Promise<Refusal | undefined> | Refusal | undefined {
  return authorizeModels(token, modelSources(sources)) ??
    authorizeObjects(token, store, sources);
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
