/**
 * What was used, written down: an entry for every finished request with an
 * admitted token, gathered for about a second and then kept in one call, as
 * sums by hour and by day and as the last requests of each token. Ids and
 * counts, never content.
 *
 * @module
 */

import type { LogLine } from "./journal.ts";
import type { Metered } from "./meter.ts";
import type { EndpointClass } from "./provider.ts";
import type { RefusalCode } from "./refusal.ts";
import type { Store } from "./store.ts";
import type { Usage, UsageKind } from "./usage.ts";

/** One finished request. */
export interface Entry {
  /** RFC 3339, when it came in. */
  readonly time: string;
  /** The request's id. */
  readonly id: string;
  /** Public id of the token. */
  readonly token: string;
  /** Id of the provider. */
  readonly provider: string;
  /** As the answer names it, else as the request does; empty where neither did beyond doubt. */
  readonly model: string;
  /** Id of the credential, where one was chosen. */
  readonly credential?: string;
  /** What it asked for. */
  readonly endpoint: EndpointClass;
  /** HTTP status sent. */
  readonly status: number;
  /** How it ended. */
  readonly ending: LogLine["ending"];
  /** Why it was refused. */
  readonly refused?: RefusalCode;
  /** What it used. */
  readonly usage: Usage;
  /** Micro-dollars; absent: nobody can tell. */
  readonly cost?: number;
  /** How `usage` is known. */
  readonly state: Metered["state"];
  /** Milliseconds to its end. */
  readonly ms: number;
  /** Where several models were used: the part of each. */
  readonly parts?: readonly Part[];
}

/** What one model has used. */
export type Part = Pick<Entry, "model" | "usage" | "cost">;

/** Sums by name; see {@linkcode countsOf}. */
export type Sums = Readonly<Record<string, number>>;

/** How long a span of time is. */
export type Span = "hour" | "day";

/** Whose sums: each request's go to its token, and once more to the credential that it was sent with. */
export type Whose = "token" | "credential";

/** The sums of a span, a token or a credential, a provider and a model. */
export interface UsageRow {
  /** UTC: `2026-11-20T12` or `2026-11-20`. */
  readonly period: string;
  /** Public id of the token; empty in a credential's row. */
  readonly token: string;
  /** Id of the credential whose row it is, whichever tokens have used it. */
  readonly credential?: string;
  /** Id of the provider. */
  readonly provider: string;
  /** Empty: nobody named one. */
  readonly model: string;
  /** What was counted. */
  readonly sums: Sums;
}

/** What is kept, and how long. */
export interface Retention {
  /** Sums of an hour, hours. */
  readonly hours: number;
  /** Sums of a day, days. */
  readonly days: number;
  /** Requests of a token. */
  readonly requests: number;
}

/** What is kept in one call. */
export interface Batch {
  /** Unique: a batch that comes again is not counted again. */
  readonly id: string;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** By hour, of tokens and of credentials; the store adds them to the days as well. */
  readonly rows: readonly UsageRow[];
  /** By token, newest first. */
  readonly requests: ReadonlyMap<string, readonly Entry[]>;
  /** How long. */
  readonly keep: Retention;
}

/** The span that a moment, milliseconds since the epoch, lies in. */
export function periodOf(span: Span, time: number): string {
  return new Date(time).toISOString().slice(0, span === "hour" ? 13 : 10);
}

/** Milliseconds in a span. */
export const SPANS: Readonly<Record<Span, number>> = {
  hour: 3_600_000,
  day: 86_400_000,
};

/**
 * What an entry adds to its rows: `requests`; `error:CODE` for a refusal, an
 * unclean end or an origin's error; `use:KIND`; `cost`, and of it `costGuessed`
 * that is no measured one's; `guessed` and `unpriced`, requests.
 */
export function countsOf(entry: Entry): Sums {
  const code = errorOf(entry);
  return {
    requests: 1,
    ...(code && { [`error:${code}`]: 1 }),
    ...(entry.state !== "measured" && { guessed: 1 }),
    ...(entry.cost === undefined && { unpriced: 1 }),
  };
}

/** What is wrong with it, in a word. */
function errorOf({ refused, ending, status }: Entry): string | undefined {
  if (refused !== undefined) return refused;
  if (status >= 400) return `http_${status}`;
  return ending === "complete" ? undefined : ending;
}

function usedBy({ usage, cost = 0 }: Part, state: Entry["state"]): Sums {
  const sums: Record<string, number> = {};
  for (const kind in usage) sums[`use:${kind}`] = usage[kind as UsageKind]!;
  if (cost > 0) sums.cost = cost;
  if (cost > 0 && state !== "measured") sums.costGuessed = cost;
  return sums;
}

/** Both together. */
export function addSums(a: Sums, b: Sums): Sums {
  const sums = { ...a };
  add(sums, b);
  return sums;
}

function add(sums: Record<string, number>, more: Sums): void {
  for (const name in more) sums[name] = (sums[name] ?? 0) + more[name]!;
}

/** Milliseconds that entries are gathered. */
export const GATHERED_FOR = 1_000;
/** Rows that a period of a token, or of a credential, has at most; what comes more is counted without its model. */
export const MOST_MODELS = 100;
/** Rows that wait at most where the store is away; what comes more is given up, and said so. */
const MOST_ROWS = 20_000;
/** Rows, and requests, that go in one call: some hundred kilobytes, which every front of a store takes. */
const AT_ONCE = 500;

/** Writes down what was used. */
export interface Ledger {
  /** A request is over. */
  enter(entry: Entry): void;
  /** Keeps all that was entered; rejects where the store is away, and then nothing is lost. */
  flush(): Promise<void>;
}

/** What a ledger works with. */
export interface LedgerDeps {
  /** Where it is kept. */
  readonly store: Store;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Lets work outlive the answer; logs under `name` what it throws. */
  readonly defer: (name: string, work: Promise<unknown>) => void;
  /** How long. */
  readonly keep: Retention;
  /** Who looks at each entry as well. */
  readonly seen?: readonly ((entry: Entry) => void)[];
}

/** An empty ledger. */
export function createLedger(deps: LedgerDeps): Ledger {
  const { store, now, defer, keep } = deps;
  const open = gatherer(keep);
  /** One that may have arrived, or not: it goes again as it is. */
  let sent: Batch | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let flushing: Promise<void> | undefined;

  async function flush() {
    clearTimeout(timer);
    timer = undefined;
    while (sent !== undefined || open.size > 0) {
      if (sent === undefined) {
        sent = { id: crypto.randomUUID(), now: now(), keep, ...open.take() };
      }
      await store.addUsage(sent);
      sent = undefined;
    }
  }

  function flushOnce(): Promise<void> {
    return flushing ??= flush().finally(() => {
      flushing = undefined;
      if (sent !== undefined) wait();
    });
  }

  function wait() {
    timer ??= setTimeout(() => defer("usage", flushOnce()), GATHERED_FOR);
  }

  return {
    enter(entry) {
      for (const look of deps.seen ?? []) look(entry);
      if (!open.put(entry)) defer("usage", Promise.reject(new RangeError()));
      if (flushing === undefined) wait();
    },
    flush: flushOnce,
  };
}

/** What no API has taken is no model: a holder may name what he likes. */
const NAME = /^[\x21-\x7e]{1,100}$/;

/** A row that is being added to. */
interface Open extends UsageRow {
  readonly sums: Record<string, number>;
}

function gatherer({ requests: kept }: Retention) {
  const rows = new Map<string, Open>();
  /** Oldest first, and up to twice as many as are kept. */
  const requests = new Map<string, Entry[]>();

  function count(entry: Entry, named: string, sums: Sums) {
    const { token, credential, provider } = entry;
    const period = entry.time.slice(0, 13);
    const model = entry.status < 400 && NAME.test(named) ? named : "";
    const where = { period, provider, model };
    add(sumsOf({ ...where, token }), sums);
    if (credential === undefined) return;
    add(sumsOf({ ...where, token: "", credential }), sums);
  }

  function sumsOf(row: Omit<UsageRow, "sums">): Open["sums"] {
    const { period, token, credential = "", provider, model } = row;
    const key = `${period} ${token} ${credential} ${provider} ${model}`;
    let open = rows.get(key);
    if (open === undefined) rows.set(key, open = { ...row, sums: {} });
    return open.sums;
  }

  return {
    get size() {
      return rows.size + requests.size;
    },
    /** `false`: there is no room. */
    put(entry: Entry): boolean {
      if (rows.size >= MOST_ROWS) return false;
      count(entry, entry.model, countsOf(entry));
      for (const part of entry.parts ?? [entry]) {
        count(entry, part.model, usedBy(part, entry.state));
      }
      if (kept === 0) return true;
      const last = requests.get(entry.token);
      if (last === undefined) requests.set(entry.token, [entry]);
      else if (last.push(entry) >= 2 * kept) last.splice(0, kept);
      return true;
    },
    take() {
      const first = [...rows].slice(0, AT_ONCE);
      for (const [key] of first) rows.delete(key);
      const last = new Map<string, Entry[]>();
      let size = 0;
      for (const [token, all] of requests) {
        if (size >= AT_ONCE) break;
        const entries = all.slice(-kept).reverse();
        size += entries.length;
        last.set(token, entries);
        requests.delete(token);
      }
      return { rows: first.map(([, row]) => row), requests: last };
    },
  };
}
