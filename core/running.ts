/**
 * What is under way with tokens: looked at about once a second, in one batch,
 * so that a token taken back ends what it has begun, on every instance.
 *
 * @module
 */

import type { Account } from "./account.ts";
import type { Journal, LogLine } from "./journal.ts";
import type { Entry } from "./ledger.ts";
import type { Shown } from "./live.ts";
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
  /** What is known of it, read when somebody looks. */
  readonly journal: Pick<Journal, "id" | "facts">;
  /** What it costs, read then, too. */
  readonly account: Pick<Account, "soFar">;
}

/** A request that is over. */
export interface Ended {
  /** As it was written down. */
  readonly line: LogLine;
  /** What it used, once that is known. */
  entry?: Entry;
}

/** All runs of a process. */
export interface Running {
  /** One more; to be called with its line when it is over. `looked` as in `Admission`. */
  begin(run: Run, looked?: number): (line: LogLine) => void;
  /** What one that is over has used. */
  entered(entry: Entry): void;
  /** All that runs, and what has just ended. */
  shown(): Promise<Shown>;
  /** The run of that id, if it is here. */
  find(id: string): Run | undefined;
  /** Ends it, for the owner wants that; if it is here. */
  end(id: string): void;
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
/** Of so many looks one asks whether somebody wants to see what runs. */
const ASK_EVERY = 2;
/** Milliseconds for which what runs is shown to who has looked. */
const LOOKED_FOR = 5_000;
/** Milliseconds for which what was shown stands: an instance that is gone shows nothing. */
const SHOWN_FOR = 3_000;
/** Requests that are remembered when they are over. */
const REMEMBERED = 50;

const AWAY: Refusal = { refused: "store_unavailable", retryAfter: 1 };
const ENDED: Refusal = { refused: "ended" };

/** No runs yet. */
export function createRunning(watching: Watching): Running {
  return new AllRunning(watching);
}

class AllRunning implements Running {
  readonly #watching: Watching;
  readonly #instance = crypto.randomUUID().slice(0, 8);
  readonly #live = new Map<Run, number>();
  readonly #ended: Ended[] = [];
  #timer: ReturnType<typeof setInterval> | undefined;
  /** When the store has answered last. */
  #seen = 0;
  #looking = false;
  #looks = 0;
  /** The last look of an owner that is known; and until when he is shown what runs. Nobody compares clocks: what counts is that it changes. */
  #looked: number | undefined;
  #showsUntil = 0;
  /** Whether anything has ended that was not shown since. */
  #stale = false;

  constructor(watching: Watching) {
    this.#watching = watching;
  }

  get size() {
    return this.#live.size;
  }

  begin(run: Run, looked?: number) {
    const time = this.#watching.now();
    this.#live.set(run, time);
    if (looked !== undefined) this.#learn(looked);
    if (this.#timer === undefined) {
      this.#seen = time;
      this.#timer = setInterval(() => this.#look(), LOOK_EVERY);
    }
    return (line: LogLine) => {
      this.#live.delete(run);
      this.#ended.push({ line });
      if (this.#ended.length > REMEMBERED) this.#ended.shift();
      this.#stale = true;
      this.#rest();
    };
  }

  entered = (entry: Entry) => {
    const ended = this.#ended.findLast(({ line }) => line.id === entry.id);
    if (ended) ended.entry = entry;
  };

  find(id: string) {
    return this.#live.keys().find(({ journal }) => journal.id === id);
  }

  end(id: string) {
    const run = this.find(id);
    if (run) this.#finish(run, ENDED);
  }

  async shown() {
    const { shownOf } = await import("./live.ts");
    const all = { runs: [...this.#live.keys()], ended: this.#ended };
    return await shownOf(this.#instance, all, this.#watching.now());
  }

  async #look() {
    const { store, now, fault } = this.#watching;
    const time = now();
    this.#seen = Math.min(this.#seen, time);
    const old = [...this.#live].filter(([, begun]) => isOld(begun, time));
    if (old.length === 0 && !this.#shows()) {
      this.#seen = time;
      return this.#rest();
    }
    if (this.#looking) return this.#blind(time);
    this.#looking = true;
    try {
      const asks = ++this.#looks % ASK_EVERY === 0 || this.#shows();
      const runs = old.map(([run]) => run);
      const { ended, looked } = await endedOf(runs, store, { time, asks });
      for (const [run, why] of ended) this.#finish(run, why);
      this.#seen = time;
      this.#learn(looked);
      if (this.#shows()) await this.#show();
    } catch (error) {
      fault("watch", error);
      this.#blind(now());
    } finally {
      this.#looking = false;
      this.#rest();
    }
  }

  /** All there is, to whoever asks any instance; and what he wants ended. */
  async #show() {
    this.#stale = false;
    const shown = await this.shown();
    const { ENDED_FOR } = await import("./live.ts");
    const lasts = shown.running.length > 0 ? SHOWN_FOR : ENDED_FOR;
    const ends = await this.#watching.store.showLive(shown, lasts);
    for (const id of ends) this.end(id);
  }

  #shows(): boolean {
    return this.#showsUntil > this.#watching.now();
  }

  #learn(looked: number | undefined) {
    if (looked === undefined || looked === this.#looked) return;
    this.#looked = looked;
    this.#showsUntil = this.#watching.now() + LOOKED_FOR;
  }

  #blind(time: number) {
    if (time - this.#seen < BLIND_FOR) return;
    for (const run of [...this.#live.keys()]) this.#finish(run, AWAY);
  }

  #finish(run: Run, why: Refusal) {
    if (this.#live.delete(run)) run.end(why);
    this.#rest();
  }

  /** Nothing is looked at while nothing runs, and nothing is to be shown. */
  #rest() {
    if (this.#live.size > 0 || this.#stale && this.#shows()) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}

/** A clock that was put back must not keep anything from being seen. */
function isOld(begun: number, time: number): boolean {
  return Math.abs(time - begun) >= LOOK_EVERY / 2;
}

/** Those of the runs that are not to go on, and why. */
async function endedOf(
  runs: readonly Run[],
  store: Store,
  { time, asks }: { time: number; asks: boolean },
): Promise<{ ended: [Run, Refusal][]; looked: number | undefined }> {
  const tokens = Map.groupBy(runs, ({ token }) => token);
  const asked = Array.from(tokens, ([id, runs]) => ({
    id,
    leases: runs.flatMap(({ lease }) => lease ?? []),
  }));
  const { standings, looked } = await store.watch(asked, time, asks);
  const ended = [...tokens.values()].flatMap((runs, i) => {
    const { record, unspent = Infinity, holds = [] } = standings[i]!;
    const held = new Map(asked[i]!.leases.map((lease, j) => [lease, holds[j]]));
    return runs.flatMap((run): [Run, Refusal][] => {
      const stands = standing(record, run.hash, Math.floor(time / 1000));
      if (isRefusal(stands)) return [[run, stands]];
      return unspent < needs(run, held) ? [[run, EXHAUSTED]] : [];
    });
  });
  return { ended, looked };
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
