/**
 * A request that several keys could serve, sent until one does. Loaded with the
 * first: most doppels have one key for an API and never need it.
 *
 * @module
 */

import { attempt, type Outcome } from "./attempts.ts";
import { type Gist, gistOf, stickyName } from "./conversation.ts";
import type { Credential } from "./credential.ts";
import type { Journal } from "./journal.ts";
import type { Traveller } from "./journey.ts";
import { FORM_TYPE } from "./model.ts";
import type { ObjectSources } from "./object.ts";
import type { PoolDeps } from "./rota.ts";
import { percentDecode } from "./provider.ts";
import { onlyModel } from "./reading.ts";
import { troubleRows } from "./trouble.ts";

/** A request and the keys it may go with. */
export interface Pooled extends Pick<Traveller, "holder" | "revocation"> {
  /** Keys that are in use. */
  readonly pool: readonly Credential[];
  /** What it says, as far as it was taken in. */
  readonly sources: ObjectSources;
  /** Whether its content can go up again. */
  readonly again: boolean;
  /** Where attempts are written down. */
  readonly journal: Journal;
}

/** Sends it with one key after another, the one of its conversation first. */
export async function sendPooled<Opened extends object>(
  send: (credential: Credential) => Promise<Outcome<Opened>>,
  { holder, revocation, pool, sources, again, journal }: Pooled,
  deps: PoolDeps,
): Promise<Outcome<Opened>> {
  const { route } = sources;
  const { method, headers } = sources.request;
  const { signal, client } = revocation;
  const gist = readGist(sources);
  const sticky = stickyName(holder, route, { method, headers, gist });
  const { model } = gist;
  const rows = await troubleRows(route, method);
  const plan = { pool, model, sticky, method, again, rows, signal, client };
  return await attempt(send, { ...plan, journal }, deps);
}

/** What keys are chosen by: the model, and what the content says of itself. Reads no more than was taken in. */
function readGist(sources: ObjectSources): Gist {
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
