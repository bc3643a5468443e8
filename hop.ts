/**
 * The way around a region that an API refuses: through a second doppel, which
 * runs in one that it serves.
 *
 * @module
 */

import type { Begun, Egress } from "./core/egress.ts";
import { aimedAtHop, ANSWER, FROM_ORIGIN, type Hop } from "./core/hop.ts";
import { isRefusal, type Refusal } from "./core/refusal.ts";
import { judge } from "./core/region.ts";
import { replayable } from "./core/replay.ts";
import type { EgressMode } from "./core/settings.ts";
import type { Send } from "./egress.ts";

/** What a way through a hop is made of. */
export interface HopOptions {
  /** Where it is. */
  readonly hop: Hop;
  /** Sends. */
  readonly send: Send;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Seconds between two looks at a hop that keeps requests waiting, and for its answer. */
  readonly lookSeconds: number;
}

/** A hop's own refusals that say more than that it could not help. */
const PASSED_ON = ["origin_unreachable", "origin_timeout", "body_too_large"];

/** An egress through the hop; whatever is no origin's answer is `hop_unreachable`. */
export function hopEgress(
  { hop, send, now, lookSeconds }: HopOptions,
): Egress {
  const lookout = createLookout(hop, lookSeconds);
  return async (forwarded) => {
    const gone = new AbortController();
    const leave = () => gone.abort();
    forwarded.signal.addEventListener("abort", leave);
    if (forwarded.signal.aborted) leave();
    const awaited = lookout.await(leave);
    const aim = aimedAtHop(forwarded, hop, now());
    const begun = await send(aim, { ...forwarded, signal: gone.signal });
    awaited.over();
    if (awaited.dead) return unreachable("The hop does not answer.");
    if (!isRefusal(begun)) return opened(begun);
    return begun.refused === "origin_unreachable"
      ? unreachable("No connection to the hop.")
      : begun;
  };
}

/** The origin's answer that is in the hop's. */
function opened(begun: Begun): Begun | Refusal {
  const { headers, status, body } = begun.response;
  const answer = headers.get(ANSWER);
  if (answer === FROM_ORIGIN) return { ...begun, hop: true };
  begun.flight.land();
  begun.abort();
  body?.cancel().catch(() => {});
  const code = PASSED_ON.find((code) => code === answer);
  if (code !== undefined) return { refused: code as Refusal["refused"] };
  return unreachable(answer?.slice(0, 200) ?? `No doppel: status ${status}.`);
}

function unreachable(reason: string): Refusal {
  return { refused: "hop_unreachable", reason };
}

/**
 * Tells a dead hop from a slow API, which the first byte does not: while
 * requests wait for an answer, the hop is asked now and then whether it lives.
 */
function createLookout({ url }: Hop, seconds: number) {
  interface Awaited {
    dead: boolean;
    readonly leave: () => void;
  }
  const waiting = new Set<Awaited>();
  let timer: ReturnType<typeof setInterval> | undefined;

  async function look() {
    const asked = [...waiting];
    if (await lives(url, seconds)) return;
    for (const awaited of asked.filter((one) => waiting.has(one))) {
      awaited.dead = true;
      awaited.leave();
    }
  }

  return {
    await(leave: () => void) {
      const awaited: Awaited = { dead: false, leave };
      waiting.add(awaited);
      timer ??= setInterval(look, seconds * 1000);
      return {
        get dead() {
          return awaited.dead;
        },
        over() {
          waiting.delete(awaited);
          if (waiting.size > 0) return;
          clearInterval(timer);
          timer = undefined;
        },
      };
    },
  };
}

async function lives(url: string, seconds: number): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(seconds * 1000);
    const response = await fetch(`${url}/healthz`, {
      signal,
      redirect: "manual",
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** What an egress with a hop beside it goes by. */
export interface FallbackOptions {
  /** Straight to the origin. */
  readonly direct: Egress;
  /** Through the hop. */
  readonly through: Egress;
  /** By provider id. */
  readonly modes: Readonly<Record<string, EgressMode>>;
  /** Bytes of content kept for a second journey. */
  readonly replayBytes: number;
  /** How long a region counts as refused. */
  readonly refusedSeconds: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Says that the same request, sent again, goes through the hop. */
const TOO_LARGE = { "x-doppel-hop": "body-too-large" };

/** Straight to the origin; once it has refused this region, for a while through the hop. */
export function fallbackEgress(
  { direct, through, modes, replayBytes, refusedSeconds, now }: FallbackOptions,
): Egress {
  /** When a provider is tried directly again, milliseconds; a row per provider at most. */
  const refusedUntil = new Map<string, number>();
  return async (forwarded) => {
    const { id, region } = forwarded.provider;
    const mode = modes[id];
    if (mode === "direct") return await direct(forwarded);
    const known = (refusedUntil.get(id) ?? 0) > now();
    if (mode === "hop" || known) return await through(forwarded);

    const { first, again, settle } = replayable(forwarded.content, replayBytes);
    const begun = await direct({ ...forwarded, content: first });
    if (isRefusal(begun)) return settle(), begun;
    const { response, refused } = await judge(begun.response, region);
    if (!refused) return settle(), { ...begun, response };

    refusedUntil.set(id, now() + refusedSeconds * 1000);
    const content = again();
    if (content === undefined) return { ...begun, response: marked(response) };
    begun.flight.land();
    begun.abort();
    response.body?.cancel().catch(() => {});
    return await through({ ...forwarded, content });
  };
}

function marked({ body, status, headers }: Response): Response {
  return new Response(body, {
    status,
    headers: { ...Object.fromEntries(headers), ...TOO_LARGE },
  });
}
