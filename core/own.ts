/**
 * doppel's own answers: the catalogue of models, and the providers behind it.
 *
 * @module
 */

import {
  type CatalogueDeps,
  entriesOf,
  isMixed,
  listShown,
  modelShown,
  providersShown,
  type Reader,
  sourcesOf,
} from "./catalogue.ts";
import type { Account } from "./account.ts";
import type { Own } from "./asked.ts";
import type { Journal } from "./journal.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import { publicBase } from "./turn.ts";

/** Whose question it is, and where its answer is written down. */
export interface Asking extends Reader {
  /** Of the request. */
  readonly journal: Journal;
  /** Tells what its token's limits still allow, and that this was a request. */
  readonly account: Pick<Account, "answered" | "fields">;
}

/** What answers need of the process. */
export interface OwnDeps extends CatalogueDeps {
  /** Base URL that clients use, where it is not what `Host` says. */
  readonly publicUrl?: string | undefined;
}

/** The answer; `undefined` where all that there is to tell is the wire's own provider's to say. */
export async function answerOwn(
  own: Own,
  { request, asking }: { request: Request; asking: Asking },
  deps: OwnDeps,
): Promise<Response | Refusal | undefined> {
  const content = await contentOf(own, { request, asking }, deps);
  if (content === undefined || isRefusal(content)) return content;
  const { journal, account } = asking;
  const body = request.method === "HEAD"
    ? null
    : new TextEncoder().encode(JSON.stringify(content));
  account.answered();
  journal.note({ provider: "doppel" });
  journal.close("complete", { status: 200, bytes: body?.byteLength ?? 0 });
  const headers = new Headers({
    "content-type": "application/json; charset=utf-8",
    "cache-control": "private, no-store",
    "x-request-id": journal.id,
  });
  for (const [name, value] of account.fields()) headers.set(name, value);
  return new Response(body, { headers });
}

async function contentOf(
  own: Own,
  { request, asking }: { request: Request; asking: Asking },
  deps: OwnDeps,
): Promise<object | Refusal | undefined> {
  const { route } = asking;
  const sources = sourcesOf(request, asking, deps);
  if (own === "providers") {
    if (isRefusal(sources)) return sources;
    return providersShown(
      sources,
      publicBase(request, { ...route, prefix: "" }, deps),
    );
  }
  if (own === "models" && !isMixed(sources, route)) return undefined;
  if (isRefusal(sources)) return sources;
  const entries = await entriesOf(sources, asking, deps);
  return own === "models"
    ? listShown(entries, route)
    : modelShown(entries, own.model, route);
}
