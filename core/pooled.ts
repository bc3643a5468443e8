/**
 * A request that several keys could serve, sent until one does. Loaded with the
 * first: most doppels have one key for an API and never need it.
 *
 * @module
 */

import { attempt, beginCourse, type Outcome, type Plan } from "./attempts.ts";
import { type Gist, gistOf, stickyName } from "./conversation.ts";
import type { Credential } from "./credential.ts";
import type { Journal } from "./journal.ts";
import type { Traveller } from "./journey.ts";
import { FORM_TYPE } from "./model.ts";
import type { ObjectSources } from "./object.ts";
import { noneLeft } from "./pool.ts";
import type { PoolDeps } from "./rota.ts";
import { percentDecode } from "./provider.ts";
import { onlyModel } from "./reading.ts";
import type { Refusal } from "./refusal.ts";
import { troubleRows } from "./trouble.ts";
import type { Way } from "./way.ts";

// Checks read answers too; from anywhere else, every start would load this.
export { find, wordsOf } from "./trouble.ts";

/** A request, and what is done about its attempts. */
export interface Pooled extends Pick<Traveller, "holder" | "revocation"> {
  /** The ways it may go, in the order of asking. */
  readonly ways: readonly Way[];
  /** Where attempts are written down. */
  readonly journal: Journal;
}

/** What came of it, and which way. */
export interface Sent<Opened> {
  /** An answer, something else that was opened, or a refusal. */
  readonly outcome: Outcome<Opened>;
  /** Where that is from. */
  readonly way: Way;
  /** See `Course.lost`. */
  readonly lost?: boolean;
}

/** Sends it one way after another, each with one key after another, that of its conversation first. */
export async function sendPooled<Opened extends object>(
  send: (credential: Credential, way: Way) => Promise<Outcome<Opened>>,
  { holder, revocation, ways, journal }: Pooled,
  deps: PoolDeps,
): Promise<Sent<Opened>> {
  const course = beginCourse<Opened>(deps.now());
  let used = ways[0]!;
  let none: Refusal | undefined;
  for (const way of ways) {
    const plan = await planOf(way, { holder, revocation, journal });
    const before = course.last;
    await attempt((credential) => send(credential, way), plan, {
      course,
      deps,
    });
    if (course.last !== before) used = way;
    if (course.over) break;
    none = sooner(none, noneLeft(way.pool, wantedOf(plan, deps)));
  }
  // Who was asked last need not be whose answer goes down.
  const { last, from, lost } = course;
  journal.note({
    provider: used.route.provider.id,
    ...from !== undefined && { credential: from },
  });
  return { outcome: last ?? none!, way: used, lost };
}

function wantedOf({ model }: Plan, { cooling, now }: PoolDeps) {
  return { model, cooling, now: now() / 1000 };
}

/** Of two reasons why there is no key, the one that time mends first. */
function sooner(one: Refusal | undefined, other: Refusal): Refusal {
  const { retryAfter = Infinity } = other;
  return one === undefined || retryAfter < (one.retryAfter ?? Infinity)
    ? other
    : one;
}

async function planOf(
  { route, request, content, pool, again }: Way,
  { holder, revocation, journal }: Omit<Pooled, "ways">,
): Promise<Plan> {
  const { method, headers } = request;
  const { signal, client } = revocation;
  const gist = readGist({ route, request, content: content.bytes });
  const sticky = stickyName(holder, route, { method, headers, gist });
  const { model } = gist;
  const rows = await troubleRows(route, method);
  return { pool, model, sticky, method, again, rows, signal, client, journal };
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
