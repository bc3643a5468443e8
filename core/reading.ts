/**
 * A request's content, taken in as far as its token, its keys and its account
 * have to look into it.
 *
 * @module
 */

import { type Content, readContent } from "./content.ts";
import { type Gist, gistOf } from "./conversation.ts";
import { asking, asksForUsage } from "./exact.ts";
import { FORM_TYPE, modelsNamed, type ModelSources } from "./model.ts";
import { authorizeObjects, type ObjectSources } from "./object.ts";
import { authorizeModels } from "./policy.ts";
import { percentDecode, type Route } from "./provider.ts";
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

/** What keys are chosen by: the model, and what the content says of itself. Reads no more than was taken in. */
export function readGist(sources: ObjectSources): Gist {
  const { route, request, content } = sources;
  const { provider, target } = route;
  const type = request.headers.get("content-type") ?? "";
  const gist = gistOf(content);
  const path = percentDecode(target.path);
  const inPath = provider.modelInPath.exec(path)?.[1];
  const inForm = FORM_TYPE.test(type) ? onlyModel(sources) : "";
  const inQuery = new URLSearchParams(target.query).get("model") ?? "";
  const model = inPath || gist.model || inForm || inQuery;
  return { ...gist, model: model.replace(/^models\//, "").slice(0, LONGEST) };
}

/** Characters of a model's name. */
const LONGEST = 256;

function onlyModel(sources: ObjectSources): string {
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
