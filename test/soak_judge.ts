/**
 * What may become of a request of the soak: by what the origin did with it,
 * what its client did, how its token stood, and which faults there were
 * meanwhile. Everything else is wrong.
 */

import type { Call, Got } from "./soak_client.ts";
import { type Arrival, FATES } from "./soak_origin.ts";
import type { Runtime } from "./subject.ts";

export const FAULTS = [
  /** The store is killed and started again, or hangs. */
  "store",
  /** Somebody else holds the lock of the store's file. */
  "lock",
  "clock",
  /** doppel is asked to stop, and started again. */
  "term",
  /** doppel is killed, and started again. */
  "kill",
  /** Nobody is at the origin. */
  "origin",
] as const;
export type Fault = typeof FAULTS[number];

/** When there was a fault; milliseconds since the epoch. */
export interface Spell {
  readonly fault: Fault;
  readonly from: number;
  to: number;
}

/** What a token is for. */
export type Use =
  | "steady"
  | "rough"
  | "drains"
  | "paced"
  | "narrow"
  | "budget"
  | "fleeting"
  | "unknown";

export interface Holder {
  readonly id: string;
  readonly value: string;
  readonly use: Use;
  /** From when on it may be dead. */
  dying?: number;
  /** From when on it must be. */
  dead?: number;
}

/** A request that is over. */
export interface Asked extends Call {
  readonly runtime: Runtime;
  readonly holder: Holder;
  readonly begun: number;
  readonly ended: number;
  readonly got: Got;
  readonly arrivals: readonly Arrival[];
}

/** How it ended. */
export const ENDINGS = [
  "served",
  /** With what went wrong at the origin. */
  "passed",
  "refused",
  /** By its client. */
  "left",
  /** When its token was taken back. */
  "ended",
  /** Never begun: doppel was stopped, or not there. */
  "away",
  /** Under way when doppel was killed, or a socket when it was stopped. */
  "lost",
  "wrong",
] as const;
export type Ending = typeof ENDINGS[number];

export interface Verdict {
  readonly ending: Ending;
  /** What is wrong. */
  readonly why?: string;
}

/** Milliseconds that a fault is felt beside its time. */
const MARGIN = 500;

/** The faults that there were in its time. */
export function faultsOf(
  { begun, ended }: Pick<Asked, "begun" | "ended">,
  spells: readonly Spell[],
): ReadonlySet<Fault> {
  const during = spells.filter(({ from, to }) =>
    from - MARGIN <= ended && begun <= to + MARGIN
  );
  return new Set(during.map(({ fault }) => fault));
}

export function verdict(
  asked: Asked,
  during: ReadonlySet<Fault>,
): Verdict {
  const { arrivals, holder, begun, got, manners } = asked;
  if (arrivals.length > 1) return wrong(`came ${arrivals.length} times`);
  const gone = holder.use === "unknown" ||
    holder.dead !== undefined && begun > holder.dead;
  if (gone && arrivals.length > 0) return wrong("came with a dead token");
  const { code, status } = got;
  const refuses = code === undefined ? undefined : REFUSALS[code];
  if (refuses) return refused(asked, { during, allowed: refuses });
  if (fits(asked)) return { ending: got.whole ? "served" : "passed" };
  if (manners.leaves !== undefined && [0, 101, 200].includes(status)) {
    return { ending: "left" };
  }
  const restarts = during.has("kill") || during.has("term");
  if (restarts && status === 0 && arrivals.length === 0) {
    return { ending: "away" };
  }
  if (during.has("kill")) return { ending: "lost" };
  if (during.has("term") && got.closed === 1001) return { ending: "lost" };
  if (during.has("origin") && cutByOrigin(asked)) return { ending: "passed" };
  if (mayBeDead(asked) && (status === 200 || got.closed === 1008)) {
    return { ending: "ended" };
  }
  return wrong("no such end is allowed");
}

/** Whether it broke where the origin was left; a client that still uploads may find its connection closed before it has read the answer. */
function cutByOrigin(
  { runtime, got, order, manners, arrivals }: Asked,
): boolean {
  if (got.whole) return false;
  if (got.status === 200 || order.fate === "echo") return true;
  // Bun sends no head before the first byte of content (record 5).
  const headless = runtime === "bun" && order.fate === "stream";
  if (headless && got.status === 0 && arrivals.length > 0) return true;
  return manners.uploads !== undefined && got.status === 0 &&
    arrivals.every(({ received }) => received === undefined);
}

function mayBeDead({ holder, ended }: Asked): boolean {
  return holder.dying !== undefined && ended >= holder.dying;
}

type Allowed = (asked: Asked, during: ReadonlySet<Fault>) => boolean;

/** doppel's own refusals, as OpenAI's clients see them, and when each may be. */
const REFUSALS: Readonly<Record<string, Allowed>> = {
  invalid_api_key: (asked) =>
    asked.holder.use === "unknown" || mayBeDead(asked),
  rate_limited: ({ holder }) => holder.use === "paced",
  // Where the clock was put forward between two strokes, the lease is over.
  concurrency_limited: ({ holder }, during) =>
    holder.use === "narrow" || holder.use === "budget" && during.has("clock"),
  insufficient_quota: ({ holder }) => holder.use === "budget",
  store_unavailable: (_, during) => during.has("store") || during.has("lock"),
  origin_unreachable: ({ order }, during) =>
    FATES[order.fate] === 502 || during.has("origin"),
  // Deno 2.9 takes away content that is still coming in when it is stopped: https://github.com/denoland/deno/issues/36809
  stopping: ({ runtime, arrivals }, during) =>
    runtime === "deno" && during.has("term") &&
    arrivals.every(({ received }) => received === undefined),
  internal_error: () => false,
};

function refused(
  asked: Asked,
  { during, allowed }: { during: ReadonlySet<Fault>; allowed: Allowed },
): Verdict {
  const { got: { code, whole }, arrivals } = asked;
  if (!allowed(asked, during)) return wrong(`${code} is not allowed`);
  if (code === "origin_unreachable") return { ending: "passed" };
  if (code === "stopping") return { ending: "away" };
  const ended = code === "invalid_api_key" && mayBeDead(asked);
  if (arrivals.length > 0 && !ended) return wrong(`${code}, and it came`);
  if (!whole && !during.has("kill")) return wrong(`${code}, not whole`);
  return { ending: "refused" };
}

/** Whether the client got what the origin has sent. */
function fits({ order: { fate }, manners, got, arrivals }: Asked): boolean {
  const [arrival] = arrivals;
  if (arrival === undefined) return false;
  if (fate === "echo") return got.whole && got.closed === 1000;
  // It may break before its head has gone down.
  if (fate === "broken" || fate === "short") {
    return !got.whole && (got.status === 200 || got.status === 0);
  }
  if (got.status !== FATES[fate]) return false;
  const up = manners.uploads === undefined ||
    arrival.received === got.uploaded;
  return got.whole && up && arrival.sent === got.digest;
}

function wrong(why: string): Verdict {
  return { ending: "wrong", why };
}
