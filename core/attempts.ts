/**
 * A request's way through a pool: with the next key where an origin refuses
 * one, and once more where it has failed and that does no harm. Only before
 * anything has gone to the client, and each key at most once.
 *
 * @module
 */

import type { Credential } from "./credential.ts";
import { type Begun, giveUp, IDEMPOTENT } from "./egress.ts";
import type { Attempt, Journal } from "./journal.ts";
import { choose } from "./pool.ts";
import type { PoolDeps } from "./rota.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import type { Signal } from "./signal.ts";
import {
  examine,
  type Finding,
  REST,
  type Trouble,
  type TroubleRow,
} from "./trouble.ts";

/** What is to be tried. */
export interface Plan {
  /** Keys that are in use. */
  readonly pool: readonly Credential[];
  /** As the request names it; empty where it names none. */
  readonly model: string;
  /** See `Wanted.sticky`. */
  readonly sticky: string | undefined;
  /** Upper case. */
  readonly method: string;
  /** Whether the content can go up again. */
  readonly again: boolean;
  /** How the API tells trouble. */
  readonly rows: readonly TroubleRow[];
  /** Aborts when the answer is no longer wanted. */
  readonly signal: Signal;
  /** Aborts when the client leaves. */
  readonly client: AbortSignal;
  /** Where the attempts are written down. */
  readonly journal: Pick<Journal, "note">;
}

/** Keys that one request may try: where four are refused, a fifth hardly serves, and the client waits. */
const MOST = 4;
/** Milliseconds after which no key more is tried: SDKs that are refused try again by themselves. */
const LONGEST = 30_000;

/** What comes of a key: an answer that has begun, something else that was opened, or a refusal of ours. */
export type Outcome<Opened> = Begun | Opened | Refusal;

/** How far the attempts of one request have come, on whatever way. */
export interface Course<Opened> {
  /** Ids of the keys that were tried. */
  readonly tried: Set<string>;
  /** What came of each. */
  readonly attempts: Attempt[];
  /** Milliseconds since the epoch. */
  readonly began: number;
  /** What stands by now; `undefined` before the first. */
  last: Outcome<Opened> | undefined;
  /** Id of the key that this is from. */
  from: string | undefined;
  /** Whether an attempt may have arrived, has no answer, and may cost something: nobody knows what. */
  lost: boolean;
  /** Whether the one more that a failure allows was had. */
  failed: boolean;
  /** Whether nothing more is to be tried. */
  over: boolean;
}

/** Nothing was tried yet; `now` is milliseconds. */
export function beginCourse<Opened>(now: number): Course<Opened> {
  const open = { last: undefined, from: undefined, over: false };
  const fine = { lost: false, failed: false };
  return { tried: new Set(), attempts: [], began: now, ...open, ...fine };
}

/** Sends with one key of the pool after another, until nothing more is to be tried or no key is left. Where none serves, the last answer of the origin stands, to the byte. */
export async function attempt<Opened extends object>(
  send: (credential: Credential) => Promise<Outcome<Opened>>,
  plan: Plan,
  { course, deps }: { course: Course<Opened>; deps: PoolDeps },
): Promise<void> {
  const { pool, client, journal } = plan;
  const { tried, attempts, began } = course;
  while (!course.over) {
    const now = deps.now();
    const wanted = { ...plan, ...deps, tried, now: now / 1000 };
    const long = tried.size >= MOST || now - began >= LONGEST;
    if (course.last && (long || client.aborted)) {
      return void (course.over = true);
    }
    const credential = choose(pool, wanted);
    if (credential === undefined) return;
    const { id } = credential;
    tried.add(id);
    journal.note({ credential: id });
    const made = await look(await send(credential), credential, plan, deps);
    attempts.push({ credential: id, ...made.facts });
    if (attempts.length > 1) journal.note({ attempts });
    const before = course.last;
    course.last = standing(before, made.outcome);
    if (course.last !== before) course.from = id;
    course.lost ||= isLost(made.outcome, plan);
    const { next } = made;
    course.over = next === "nobody" || next === "once more" && course.failed;
    course.failed ||= next === "once more";
  }
}

function isLost(outcome: object, { method }: Plan): boolean {
  return isRefusal(outcome) && UNREACHED.has(outcome.refused) &&
    !outcome.unsent && !IDEMPOTENT.has(method);
}

/** Of two outcomes the one that counts: an answer of the origin before a refusal of ours, and the later of two answers. */
function standing<Opened extends object>(
  before: Outcome<Opened> | undefined,
  after: Outcome<Opened>,
): Outcome<Opened> {
  if (before === undefined) return after;
  const refused = isRefusal(after) && after.refused !== "client_closed";
  if (isRefusal(before)) {
    if (before.unsent) return after;
  } else {
    if (refused) return before;
    if ("response" in before) giveUp(before);
  }
  if (!isRefusal(after) || !after.unsent) return after;
  // Nothing has gone out only if neither has.
  const { unsent: _, ...sent } = after;
  return (isRefusal(before) ? sent : { ...sent, denied: true }) as Refusal;
}

/** An outcome, what is written down about it, and who may be tried next: nobody, another key, or any key one single time. */
interface Look<Opened> {
  readonly outcome: Outcome<Opened>;
  readonly facts: Omit<Attempt, "credential">;
  readonly next: "nobody" | "other" | "once more";
}

async function look<Opened extends object>(
  outcome: Outcome<Opened>,
  credential: Credential,
  plan: Plan,
  deps: PoolDeps,
): Promise<Look<Opened>> {
  if (isRefusal(outcome)) {
    const { refused, unsent } = outcome;
    const harmless = UNREACHED.has(refused) &&
      (unsent || IDEMPOTENT.has(plan.method));
    const next = plan.again && harmless ? "once more" : "nobody";
    return { outcome, facts: { refused }, next };
  }
  const status = "response" in outcome ? outcome.response.status : 101;
  if (!("response" in outcome) || status < 400) {
    deps.cooling.served(credential.id);
    return { outcome, facts: { status }, next: "nobody" };
  }
  const now = deps.now() / 1000;
  const { response, finding } = await examine(outcome, { ...plan, now });
  const begun = { ...outcome, response, trouble: finding?.trouble };
  if (finding === undefined) {
    return { outcome: begun, facts: { status }, next: "nobody" };
  }
  const { trouble } = finding;
  if (trouble === "key" || trouble === "quota") {
    rest(credential, { ...finding, trouble, status, now }, plan, deps);
  }
  const next = plan.again ? nextAfter(trouble, plan.method) : "nobody";
  // Until it is known whether it goes down, nobody waits for the rest of it.
  if (next !== "nobody") begun.flight.rest();
  return { outcome: begun, facts: { status, why: trouble }, next };
}

/** Who may be tried after an answer. */
function nextAfter(trouble: Trouble, method: string) {
  if (trouble === "transient") return "nobody";
  if (trouble !== "server") return "other";
  return IDEMPOTENT.has(method) ? "once more" : "nobody";
}

/** Where nobody has answered. */
const UNREACHED: ReadonlySet<string> = new Set([
  "origin_unreachable",
  "hop_unreachable",
  "origin_timeout",
]);

/** Lets a key rest, for as long as the origin says or as is usual. */
function rest(
  { id }: Credential,
  { trouble, rests, until, seconds, status, now }:
    & Omit<Finding, "trouble">
    & { trouble: "key" | "quota"; status: number; now: number },
  { model }: Plan,
  { cooling }: PoolDeps,
): void {
  // Of many requests that meet the same refusal the first counts.
  const known = trouble === "key" && cooling.until(id, "") > 0;
  if (rests === "nothing" || known) return;
  const { first, most } = REST[trouble];
  const times = trouble === "key" ? cooling.refused(id) : 1;
  const usual = seconds ?? Math.min(first * 2 ** (times - 1), most);
  cooling.cool({
    credential: id,
    model: rests === "model" ? model : "",
    until: until ?? Math.ceil(now + usual),
    why: trouble,
    status,
  });
}
