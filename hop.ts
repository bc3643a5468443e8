/**
 * The way around a region that an API refuses: through a second doppel, which
 * runs in one that it serves.
 *
 * @module
 */

import {
  type Begun,
  type Egress,
  type Forwarded,
  giveUp,
} from "./core/egress.ts";
import type { Provider } from "./core/provider.ts";
import type { Dial, SocketEgress } from "./core/socket.ts";
import { aimedAtHop, ANSWER, FROM_ORIGIN, type Hop } from "./core/hop.ts";
import { isRefusal, type Refusal } from "./core/refusal.ts";
import { type HopState, judge, type Regions } from "./core/region.ts";
import { replayable } from "./core/replay.ts";
import { type Fields, OURS } from "./core/rewrite.ts";
import type { Signal } from "./core/signal.ts";
import type { EgressMode } from "./core/settings.ts";
import type { Send } from "./egress.ts";

/** The ways to an origin, for requests and for sockets. */
export interface Ways {
  /** For requests. */
  readonly egress: Egress;
  /** For sockets. */
  readonly socket: SocketEgress;
  /** What is known of them, where there is a hop. */
  readonly regions?: Regions;
}

/** The ways through a hop, and whether it lives. */
export interface Through extends Ways {
  /** By now. */
  readonly state: () => HopState;
}

/** What a way through a hop is made of. */
export interface HopOptions {
  /** Where it is. */
  readonly hop: Hop;
  /** Sends. */
  readonly send: Send;
  /** Opens sockets. */
  readonly dial: Dial;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Seconds between two looks at a hop that keeps requests waiting, and for its answer. */
  readonly lookSeconds: number;
}

/** A hop's own refusals that say more than that it could not help. */
const PASSED_ON = ["origin_unreachable", "origin_timeout", "body_too_large"];
const NOTHING = { body: undefined, length: 0 };

/** The ways through the hop; whatever is no origin's answer is `hop_unreachable`. */
export function throughHop(
  { hop, send, dial, now, lookSeconds }: HopOptions,
): Through {
  const lookout = createLookout(hop, lookSeconds);
  return {
    state: lookout.state,
    egress: (forwarded) =>
      lookout.watch(forwarded.signal, async (signal) => {
        const aim = aimedAtHop(forwarded, hop, now());
        const begun = await send(aim, { ...forwarded, signal });
        return isRefusal(begun) ? unhelped(begun) : opened(begun);
      }),
    socket: (upgrading) =>
      lookout.watch(upgrading.signal, async (signal) => {
        const { protocols } = upgrading;
        const aim = aimedAtHop(
          { ...upgrading, method: "GET", content: NOTHING },
          hop,
          now(),
        );
        const dialled = await dial({ ...aim, protocols, signal });
        if (isRefusal(dialled)) return unhelped(dialled);
        if ("response" in dialled) return opened(dialled);
        const answer = dialled.received.get(ANSWER);
        if (answer === FROM_ORIGIN) return { ...dialled, hop: true };
        dialled.origin.resume();
        dialled.origin.close(1001, "");
        return unreachable("No doppel: a socket.");
      }),
  };
}

function unhelped(refusal: Refusal): Refusal {
  return refusal.refused === "origin_unreachable"
    ? { ...refusal, ...unreachable("No connection to the hop.") }
    : refusal;
}

/** The origin's answer that is in the hop's. */
function opened(begun: Begun): Begun | Refusal {
  const { headers, status } = begun.response;
  const answer = headers.get(ANSWER);
  if (answer === FROM_ORIGIN) return { ...begun, hop: true };
  giveUp(begun);
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
 * What the last request, or the last look, has found is its state.
 */
function createLookout({ url }: Hop, seconds: number) {
  interface Awaited {
    dead: boolean;
    readonly leave: () => void;
  }
  const waiting = new Set<Awaited>();
  let state: HopState = "unknown";
  let timer: ReturnType<typeof setInterval> | undefined;

  async function look() {
    const asked = [...waiting];
    const lively = await lives(url, seconds);
    state = lively ? "up" : "down";
    if (lively) return;
    for (const awaited of asked.filter((one) => waiting.has(one))) {
      awaited.dead = true;
      awaited.leave();
    }
  }

  return {
    state: () => state,
    /** `work`, given up where the hop is dead; its signal aborts then, and as `signal` does. */
    async watch<Result extends object>(
      signal: Signal,
      work: (signal: AbortSignal) => Promise<Result>,
    ): Promise<Result | Refusal> {
      const gone = new AbortController();
      const leave = () => gone.abort();
      signal.addEventListener("abort", leave);
      if (signal.aborted) leave();
      const awaited: Awaited = { dead: false, leave };
      waiting.add(awaited);
      timer ??= setInterval(look, seconds * 1000);
      const result = await work(gone.signal);
      waiting.delete(awaited);
      if (waiting.size === 0) {
        clearInterval(timer);
        timer = undefined;
      }
      if (awaited.dead) return unreachable("The hop does not answer.");
      if (!("refused" in result)) state = "up";
      else if (result.refused === "hop_unreachable") state = "down";
      return result;
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

/** What goes by when there is a hop beside the origin. */
export interface FallbackOptions {
  /** Straight to the origin. */
  readonly direct: Ways;
  /** Through the hop. */
  readonly through: Through;
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
const TOO_LARGE: Fields = [[`${OURS}hop`, "body-too-large"]];

/** Straight to the origin; once it has refused this region, for a while through the hop. */
export function besideHop(
  { direct, through, modes, replayBytes, refusedSeconds, now }: FallbackOptions,
): Ways {
  /** When a provider is tried directly again, milliseconds; a row per provider at most. */
  const refusedUntil = new Map<string, number>();
  const regions = regionsOf(refusedUntil, { modes, now, hop: through.state });
  /** The one way to go; `undefined`: straight, and then perhaps through the hop. */
  const only = ({ id }: Provider) => {
    if (modes[id] === "direct") return direct;
    const known = (refusedUntil.get(id) ?? 0) > now();
    return modes[id] === "hop" || known ? through : undefined;
  };
  /** The answer, and whether it refuses this region. */
  const judged = async (
    begun: Begun,
    { provider: { id, region }, signal }: Pick<
      Forwarded,
      "provider" | "signal"
    >,
  ) => {
    const { response, refused } = await judge(begun, region, signal);
    if (refused) refusedUntil.set(id, now() + refusedSeconds * 1000);
    return { begun: { ...begun, response }, refused };
  };
  return {
    regions,
    async egress(forwarded) {
      const way = only(forwarded.provider);
      if (way !== undefined) return await way.egress(forwarded);
      const { first, again, settle } = replayable(
        forwarded.content,
        replayBytes,
      );
      const answer = await direct.egress({ ...forwarded, content: first });
      if (isRefusal(answer)) return settle(), answer;
      const { begun, refused } = await judged(answer, forwarded);
      if (!refused) return settle(), begun;
      const content = again();
      if (content === undefined) {
        return { ...begun, own: TOO_LARGE };
      }
      giveUp(begun);
      return await through.egress({ ...forwarded, content });
    },
    async socket(upgrading) {
      const way = only(upgrading.provider);
      if (way !== undefined) return await way.socket(upgrading);
      const dialled = await direct.socket(upgrading);
      if (isRefusal(dialled) || !("response" in dialled)) return dialled;
      const { begun, refused } = await judged(dialled, upgrading);
      if (!refused) return begun;
      giveUp(begun);
      return await through.socket(upgrading);
    },
  };
}

/** A look at what is remembered. */
function regionsOf(
  refused: ReadonlyMap<string, number>,
  { modes, now, hop }:
    & Pick<FallbackOptions, "modes" | "now">
    & Pick<Regions, "hop">,
): Regions {
  return {
    of: (id) => {
      const refusedUntil = refused.get(id) ?? 0;
      const mode = modes[id] ?? "fallback";
      return { mode, ...(refusedUntil > now() && { refusedUntil }) };
    },
    hop,
  };
}
