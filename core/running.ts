/**
 * What is under way with tokens: looked at about once a second, in one batch,
 * so that a token taken back ends what it has begun, on every instance.
 *
 * @module
 */

import { isRefusal, type Refusal } from "./refusal.ts";
import { standing } from "./policy.ts";
import type { Store } from "./store.ts";

/** A request with an admitted token. */
export interface Run {
  /** Public id of the token. */
  readonly token: string;
  /** Hash of what was presented, where that was the token itself. */
  readonly hash: string | undefined;
  /** Its lease, where it has one: kept alive as long as it runs. */
  readonly lease: string | undefined;
  /** Whether its token had a budget when it began. */
  readonly bounded: boolean;
  /** Called once, when the token is no longer to be used. */
  readonly end: (why: Refusal) => void;
}

/** All runs of a process. */
export interface Running {
  /** One more; to be called when it is over. */
  begin(run: Run): () => void;
  /** How many there are. */
  readonly size: number;
}

/** What runs are watched with. */
export interface Watching {
  /** Where tokens stand. */
  readonly store: Store;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Logs a failure under its name. */
  readonly fault: (name: string, error: unknown) => void;
}

/** Milliseconds between two looks. What is younger is not looked at: most requests are over before. */
export const LOOK_EVERY = 800;
/** Milliseconds without an answer of the store after which everything ends: closed, not open. */
export const BLIND_FOR = 15_000;

const AWAY: Refusal = { refused: "store_unavailable", retryAfter: 1 };

/** No runs yet. */
export function createRunning({ store, now, fault }: Watching): Running {
  const live = new Map<Run, number>();
  let timer: ReturnType<typeof setInterval> | undefined;
  let seen = 0;
  let looking = false;

  async function look() {
    const time = now();
    seen = Math.min(seen, time);
    const old = [...live].filter(([, begun]) => isOld(begun, time));
    if (old.length === 0) return void (seen = time);
    if (looking) return blind(time);
    looking = true;
    try {
      const ended = await endedOf(old.map(([run]) => run), store, time);
      for (const [run, why] of ended) finish(run, why);
      seen = time;
    } catch (error) {
      fault("watch", error);
      blind(now());
    } finally {
      looking = false;
    }
  }

  function blind(time: number) {
    if (time - seen < BLIND_FOR) return;
    for (const run of [...live.keys()]) finish(run, AWAY);
  }

  function finish(run: Run, why: Refusal) {
    if (live.delete(run)) run.end(why);
    stopIfEmpty();
  }

  function stopIfEmpty() {
    if (live.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  return {
    begin(run) {
      const time = now();
      live.set(run, time);
      if (timer === undefined) {
        seen = time;
        timer = setInterval(look, LOOK_EVERY);
      }
      return () => {
        live.delete(run);
        stopIfEmpty();
      };
    },
    get size() {
      return live.size;
    },
  };
}

/** A clock that was put back must not keep anything from being seen. */
function isOld(begun: number, time: number): boolean {
  return Math.abs(time - begun) >= LOOK_EVERY / 2;
}

/** Those of the runs that are not to go on, and why. */
async function endedOf(
  runs: readonly Run[],
  store: Store,
  time: number,
): Promise<[Run, Refusal][]> {
  const tokens = Map.groupBy(runs, ({ token }) => token);
  const asked = Array.from(tokens, ([id, runs]) => ({
    id,
    leases: runs.flatMap(({ lease }) => lease ?? []),
  }));
  const seen = await store.watch(asked, time);
  return [...tokens.values()].flatMap((runs, i) => {
    const { record, unspent = Infinity, holds = [] } = seen[i]!;
    const held = new Map(asked[i]!.leases.map((lease, j) => [lease, holds[j]]));
    return runs.flatMap((run): [Run, Refusal][] => {
      const stands = standing(record, run.hash, Math.floor(time / 1000));
      if (isRefusal(stands)) return [[run, stands]];
      return unspent < needs(run, held) ? [[run, EXHAUSTED]] : [];
    });
  });
}

const EXHAUSTED: Refusal = { refused: "budget_exhausted" };

/**
 * Micro-dollars that must be unspent for it to go on: what it holds, whatever
 * others hold. What began before there was a budget holds nothing and is
 * bounded by nothing: it goes on while something is left.
 */
function needs(
  { lease = "", bounded }: Run,
  held: ReadonlyMap<string, number | null | undefined>,
): number {
  return held.get(lease) ?? (bounded ? 0 : 1);
}

/** Whether what is under way may go on, told to whoever carries it at the moment. */
export interface Revocation {
  /** Why it may not; absent while it may. */
  readonly why: Refusal | undefined;
  /** Aborts when the client leaves and is not outlived, and when it is ended before anybody else hears of that. */
  readonly signal: AbortSignal;
  /** From now on `end` is told, and nothing aborted. */
  hear(end: (why: Refusal) => void): void;
  /** `leave` is told when the client leaves, be it outlived or not; at once where it has. */
  hearLeaving(leave: () => void): void;
  /** Ends it. */
  end(why: Refusal): void;
  /** Aborts when the client leaves. */
  readonly client: AbortSignal;
  /** From now on it goes on without the client, for {@linkcode DRAIN_FOR}. */
  outlive(): void;
  /** Whether it does. */
  readonly outlives: boolean;
}

/** Milliseconds that an answer is read on for its bill when the client has left. */
export const DRAIN_FOR = 60_000;

/** Nothing is ended yet; `left` aborts when the client leaves, `whenOver` takes what is to be done when nobody is left to be told. */
export function openRevocation(
  left: AbortSignal,
  whenOver: (work: () => void) => void,
): Revocation {
  const controller = new AbortController();
  const abort = () => controller.abort();
  let patience: number | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let leaves = () => {};
  const leave = () => {
    if (patience === undefined) abort();
    else timer = setTimeout(abort, patience);
    leaves();
  };
  left.addEventListener("abort", leave);
  whenOver(() => {
    left.removeEventListener("abort", leave);
    clearTimeout(timer);
  });
  if (left.aborted) abort();
  let hears: (why: Refusal) => void = abort;
  const revocation = {
    why: undefined as Refusal | undefined,
    signal: controller.signal,
    hear: (end: (why: Refusal) => void) => void (hears = end),
    hearLeaving(leave: () => void) {
      leaves = leave;
      if (left.aborted) leave();
    },
    end(why: Refusal) {
      revocation.why = why;
      hears(why);
    },
    client: left,
    outlive: () => void (patience = DRAIN_FOR),
    get outlives() {
      return patience !== undefined;
    },
  };
  return revocation;
}
