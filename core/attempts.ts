/**
 * A request's way through a pool: with the next key where an origin refuses
 * one, and once more where it has failed and that does no harm. Only before
 * anything has gone to the client, and each key at most once.
 *
 * @module
 */

import { type Cooling, type CoolingOptions, createCooling } from "./cooling.ts";
import type { Credential } from "./credential.ts";
import { type Begun, giveUp, IDEMPOTENT } from "./egress.ts";
import type { Attempt, Journal } from "./journal.ts";
import { choose, createRota, noneLeft, type Rota } from "./pool.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import { examine, type Finding, REST, type TroubleRow } from "./trouble.ts";

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
  readonly signal: AbortSignal;
  /** Aborts when the client leaves. */
  readonly client: AbortSignal;
  /** Where the attempts are written down. */
  readonly journal: Pick<Journal, "note">;
}

/** What pools need of the process. */
export interface PoolDeps {
  /** The keys that rest. */
  readonly cooling: Cooling;
  /** Whose turn it is. */
  readonly rota: Rota;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Pools nobody has used yet; see {@linkcode CoolingOptions}. */
export function createPools(options: CoolingOptions): PoolDeps {
  const { now } = options;
  return { cooling: createCooling(options), rota: createRota(), now };
}

/** Keys that one request may try: where four are refused, a fifth hardly serves, and the client waits. */
const MOST = 4;
/** Milliseconds after which no key more is tried: SDKs that are refused try again by themselves. */
const LONGEST = 30_000;

/** What comes of a key: an answer that has begun, something else that was opened, or a refusal of ours. */
type Outcome<Opened> = Begun | Opened | Refusal;

/** Sends with one key after another. The last answer stands where no key serves; it is the origin's own, to the byte. */
export async function attempt<Opened extends object>(
  send: (credential: Credential) => Promise<Outcome<Opened>>,
  plan: Plan,
  deps: PoolDeps,
): Promise<Outcome<Opened>> {
  const attempts: Attempt[] = [];
  const tried = new Set<string>();
  const began = deps.now();
  let last: Begun | Refusal | undefined;
  let onceMore = true;
  for (;;) {
    const now = deps.now();
    const goesOn = tried.size === 0 ||
      tried.size < MOST && now - began < LONGEST && !plan.client.aborted;
    const wanted = { ...plan, ...deps, tried, now: now / 1000 };
    const credential = goesOn ? choose(plan.pool, wanted) : undefined;
    if (credential === undefined) return last ?? noneLeft(plan.pool, wanted);
    tried.add(credential.id);
    plan.journal.note({ credential: credential.id });
    const made = await look(await send(credential), credential, plan, deps);
    attempts.push({ credential: credential.id, ...made.told });
    if (attempts.length > 1) plan.journal.note({ attempts });
    const next = made.next === "once more" ? onceMore : made.next === "other";
    if (made.next === "once more") onceMore = false;
    const { outcome } = made;
    if (isRefusal(outcome) && outcome.refused !== "client_closed") {
      last = last && !isRefusal(last) ? last : both(last, outcome);
      if (!next) return last;
      continue;
    }
    if (last && !isRefusal(last)) giveUp(last);
    if (!next || isRefusal(outcome) || !("response" in outcome)) return outcome;
    outcome.flight.rest();
    last = outcome;
  }
}

/** An outcome, what is written down about it, and who may be tried next: nobody, another key, or one more at all. */
interface Look<Opened> {
  readonly outcome: Outcome<Opened>;
  readonly told: Omit<Attempt, "credential">;
  readonly next: "nobody" | "other" | "once more";
}

async function look<Opened extends object>(
  outcome: Outcome<Opened>,
  credential: Credential,
  plan: Plan,
  deps: PoolDeps,
): Promise<Look<Opened>> {
  const harmless = IDEMPOTENT.has(plan.method);
  if (isRefusal(outcome)) {
    const { refused, unsent } = outcome;
    const again = plan.again && UNREACHED.has(refused) && (unsent || harmless);
    const next = again ? "once more" : "nobody";
    return { outcome, told: { refused }, next };
  }
  if (!("response" in outcome)) {
    deps.cooling.served(credential.id);
    return { outcome, told: { status: 101 }, next: "nobody" };
  }
  const { status } = outcome.response;
  if (status < 400) {
    deps.cooling.served(credential.id);
    return { outcome, told: { status }, next: "nobody" };
  }
  const now = deps.now() / 1000;
  const { response, finding } = await examine(outcome, { ...plan, now });
  const begun = { ...outcome, response };
  if (finding === undefined) {
    return { outcome: begun, told: { status }, next: "nobody" };
  }
  const told = { status, why: finding.trouble };
  const { trouble } = finding;
  if (trouble === "key" || trouble === "quota") {
    rest(credential, { ...finding, status, trouble, now }, plan, deps);
  }
  const next = !plan.again || trouble === "transient"
    ? "nobody"
    : trouble !== "server"
    ? "other"
    : harmless
    ? "once more"
    : "nobody";
  return { outcome: begun, told, next };
}

/** Where nobody has answered. */
const UNREACHED: ReadonlySet<string> = new Set([
  "origin_unreachable",
  "hop_unreachable",
  "origin_timeout",
]);

/** Two requests that came to nothing: nothing has gone out only if neither has. */
function both(before: Refusal | undefined, after: Refusal): Refusal {
  if (before === undefined || before.unsent) return after;
  const { unsent: _, ...sent } = after;
  return sent;
}

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
