/** One soak: a runtime on a store, under traffic and faults, and what was found. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LEASE_LASTS } from "../core/limit.ts";
import { PRICES } from "./billing.ts";
import { type Books, dice } from "./bound.ts";
import { compare, costOf, openBook, type UsageRow } from "./soak_books.ts";
import { type Call, openClients } from "./soak_client.ts";
import { type Act, playFaults, scheduleOf } from "./soak_faults.ts";
import {
  type Asked,
  type Ending,
  ENDINGS,
  faultsOf,
  type Spell,
  type Use,
  verdict,
} from "./soak_judge.ts";
import { type SoakOrigin, startSoakOrigin, wait } from "./soak_origin.ts";
import { BUDGET_OF_EACH, openOwner, type Owner } from "./soak_owner.ts";
import { openSoakStore, type SoakStore, type StoreName } from "./soak_store.ts";
import {
  openSubject,
  slopeOf,
  type SoakSubject,
  type Vitals,
} from "./soak_subject.ts";
import { longStream, nextCall } from "./soak_traffic.ts";
import type { Runtime } from "./subject.ts";

export interface SoakOptions {
  readonly runtime: Runtime;
  readonly store: StoreName;
  readonly seconds: number;
  /** Requests a second, and streams that are open beside them. */
  readonly rate: number;
  readonly streams: number;
  /** 1 in a long run. */
  readonly pace: number;
  readonly seed: number;
}

export interface Report {
  readonly runtime: Runtime;
  readonly store: StoreName;
  readonly seconds: number;
  readonly requests: number;
  readonly endings: Readonly<Record<Ending, number>>;
  /** By the name of the fault. */
  readonly faults: Readonly<Record<string, number>>;
  readonly starts: number;
  /** Milliseconds that a stop amid traffic took at most, and one with nothing under way. */
  readonly drained: number;
  readonly exit: number;
  /** MiB of the last process: when it was warm, at the end, and an hour's growth over the second half of its life. */
  readonly warm: number;
  readonly end: number;
  readonly slope: number;
  readonly lived: number;
  readonly files: readonly [start: number, end: number];
  readonly sockets: readonly [start: number, end: number];
  readonly originSockets: number;
  readonly inFlight: number;
  readonly leases: number;
  readonly budgets: { readonly spent: number; readonly charged: number };
  readonly tokens: number;
  readonly ownerFailed: number;
  readonly logged: Readonly<Record<string, number>>;
  /** Part of one core. */
  readonly busy: number;
  /** What is wrong; empty: nothing. */
  readonly wrong: readonly string[];
}

/** MiB an hour that are no growth: 1 MiB in ten minutes. */
const FLAT = 6;
/** Seconds that a process must have lived for its memory to tell anything. */
const TELLING = 600;
/** MiB that a process may grow in the second half of a shorter life. */
const LEAP = 24;
/** Files and sockets that may be there at the end and were not at the start: what is loaded or connected with the first use. */
const SPARE = { files: 8, sockets: 3 };
/** Idle connections to the origin that a pool keeps at most. */
const MOST_UNUSED = 8;
/** Milliseconds after its end in which a crash may concern a request. */
const CONCERNED = 15_000;
/** Wrong things that are told one by one. */
const MOST_TOLD = 40;

const METRICS_TOKEN = "soak-metrics-token-0123456789abcdef";

export async function soak(options: SoakOptions): Promise<Report> {
  const { runtime, store: name } = options;
  const directory = mkdtempSync(join(tmpdir(), "doppel-soak-"));
  const prices = join(directory, "prices.json");
  writeFileSync(prices, PRICES);
  const origin = await startSoakOrigin();
  const store = await openSoakStore(name, directory);
  const env = {
    ...store.env,
    PRICES_FILE: prices,
    METRICS_TOKEN,
    LOG: "errors",
    // A clock that is off must not keep the owner out.
    ADMIN_WINDOW_SECONDS: "300",
  };
  const subject = await openSubject({
    runtime,
    origin: origin.url,
    directory,
    env,
  });
  try {
    return await new Soak(options, { origin, store, subject }).run();
  } finally {
    await subject.stop().catch(() => {});
    await origin.stop();
    await store.close();
    rmSync(directory, { recursive: true, force: true });
  }
}

interface Parts {
  readonly origin: SoakOrigin;
  readonly store: SoakStore;
  readonly subject: SoakSubject;
}

/** One run's state. */
class Soak {
  readonly #options: SoakOptions;
  readonly #parts: Parts;
  readonly #clients = openClients();
  readonly #book = openBook();
  readonly #roll: () => number;
  readonly #spells: Spell[] = [];
  readonly #faults: Record<string, number> = {};
  readonly #wrong: string[] = [];
  #wrongs = 0;
  readonly #endings = Object.fromEntries(
    ENDINGS.map((ending) => [ending, 0]),
  ) as Record<Ending, number>;
  readonly #open = new Set<Promise<void>>();
  readonly #charged = new Map<string, number>();
  /** Over, and not yet in the book: a crash that comes now may concern them. */
  readonly #recent: Asked[] = [];
  /** Of the first process, before it was asked anything. */
  #first!: Vitals;
  #count = 0;
  #streams = 0;
  #drained = 0;
  #over = false;

  constructor(options: SoakOptions, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
    this.#roll = dice(options.seed);
  }

  async run(): Promise<Report> {
    const { subject, store } = this.#parts;
    const { seconds } = this.#options;
    const began = Date.now();
    this.#first = subject.sample()!;
    const books = store.books();
    const owner = await openOwner(subject.admin);
    const act: Act = {
      ...this.#parts,
      spells: this.#spells,
      happened: (name) => this.#faults[name] = (this.#faults[name] ?? 0) + 1,
      stopped: ({ took, code }) => {
        this.#drained = Math.max(this.#drained, took);
        if (code !== 0) this.#find(`a stop with ${code} after ${took} ms`);
      },
    };
    const background = [
      this.#traffic(owner),
      this.#keepStreams(owner),
      this.#owning(owner),
      this.#watching(owner, books),
    ];
    await playFaults(scheduleOf(this.#options, store), act);
    const left = began + seconds * 1000 - Date.now();
    await wait(Math.max(0, left));
    this.#over = true;
    await Promise.all(background);
    while (this.#open.size > 0) await Promise.all(this.#open);
    this.#clients.close();
    return await this.#conclude(owner, books, (Date.now() - began) / 1000);
  }

  get #spare() {
    const unused = Math.min(this.#parts.origin.unused(), MOST_UNUSED);
    const { files, sockets } = SPARE;
    return { files: files + unused, sockets: sockets + unused };
  }

  #find(what: string) {
    if (++this.#wrongs <= MOST_TOLD) this.#wrong.push(what);
  }

  async #traffic(owner: Owner) {
    const { rate, pace } = this.#options;
    while (!this.#over) {
      this.#begin(owner, nextCall(this.#nextId(), this.#roll, pace));
      await wait(this.#roll() * 2_000 / rate);
    }
  }

  async #keepStreams(owner: Owner) {
    const { streams, pace } = this.#options;
    while (!this.#over) {
      if (this.#streams < streams) {
        this.#streams++;
        this.#begin(owner, longStream(this.#nextId(), this.#roll, pace))
          .finally(() => this.#streams--);
      }
      await wait(Math.max(150, 500 * pace));
    }
  }

  async #owning(owner: Owner) {
    while (!this.#over) {
      await wait(4_000 * this.#options.pace);
      await owner.act(this.#roll);
    }
  }

  /** Looks at the process, and at budgets, which nothing may pass. */
  async #watching(owner: Owner, books: Books) {
    const every = Math.max(500, 5_000 * this.#options.pace);
    while (!this.#over) {
      this.#parts.subject.sample();
      this.#enter(Date.now() - CONCERNED);
      const quiet = this.#spells.every(({ to }) => to !== Infinity);
      const budget = owner.holders.findLast(({ use }) => use === "budget");
      if (quiet && budget) await this.#within(budget.id, books);
      await wait(every);
    }
  }

  #enter(before: number) {
    const some = this.#recent.splice(0);
    for (const asked of some) {
      if (asked.ended > before) this.#recent.push(asked);
      else this.#book.enter(asked, this.#spells);
    }
  }

  async #within(id: string, books: Books) {
    const said = await books.look(id).catch(() => undefined);
    if (!said) return;
    const sum = said.spent + said.held;
    if (sum > BUDGET_OF_EACH) this.#find(`budget of ${id}: ${sum}`);
  }

  #nextId(): string {
    const { runtime, store, seed } = this.#options;
    return `${runtime}-${store}-${seed}-${++this.#count}`;
  }

  #begin(owner: Owner, call: Call & { readonly use: Use }): Promise<void> {
    const work = this.#ask(owner, call).finally(() => this.#open.delete(work));
    this.#open.add(work);
    return work;
  }

  async #ask(owner: Owner, { use, ...call }: Call & { readonly use: Use }) {
    const { runtime } = this.#options;
    const { subject, origin } = this.#parts;
    const holder = owner.holderFor(use, this.#roll);
    const begun = Date.now();
    const got = await this.#clients.send(subject.url, holder.value, call);
    const ended = Date.now();
    const { id } = call.order;
    // What the client has left may still be on its way.
    if (!got.whole) await wait(500);
    const asked: Asked = {
      ...call,
      ...{ runtime, holder, begun, ended, got },
      arrivals: origin.arrivals(id),
    };
    const during = faultsOf(asked, this.#spells);
    const { ending, why } = verdict(asked, during);
    this.#endings[ending]++;
    if (why) {
      const { order: { fate }, manners } = call;
      const came = asked.arrivals.map(({ at }) => at - begun);
      const facts = { id, use, fate, manners, got, ms: ended - begun, came };
      const faults = [...during].join();
      this.#find(`${why}: ${JSON.stringify(facts)} during ${faults || "none"}`);
    }
    if (use === "unknown") return;
    this.#recent.push(asked);
    if (use !== "budget") return;
    if (got.status === 402) owner.renewBudget(holder);
    const cost = asked.arrivals.length * costOf(call.order);
    this.#charged.set(holder.id, (this.#charged.get(holder.id) ?? 0) + cost);
  }

  /** When nothing goes on any more: what is left, what was written down, how it stops. */
  async #conclude(
    owner: Owner,
    books: Books,
    seconds: number,
  ): Promise<Report> {
    const { subject, origin } = this.#parts;
    const { runtime, store } = this.#options;
    await this.#settled();
    const inFlight = await this.#inFlight();
    if (inFlight !== 0) this.#find(`${inFlight} in flight at the end`);
    this.#enter(Infinity);
    await this.#compare(owner);
    const leases = await this.#leases(owner, books);
    const spent = await this.#budgets(books);
    books.close();
    const first = this.#first;
    const last = subject.sample()!;
    const memory = this.#memory();
    for (const kind of ["files", "sockets"] as const) {
      const more = last[kind] - first[kind];
      if (more > this.#spare[kind]) {
        this.#find(`${more} ${kind} more than at first`);
      }
    }
    for (const socket of origin.open()) this.#find(`at the origin: ${socket}`);
    const busy = subject.busy() / seconds;
    const { took, code } = await subject.stop();
    if (code !== 0 || took > 8_000) this.#find(`${took} ms to stop: ${code}`);
    if (this.#wrongs > MOST_TOLD) {
      this.#wrong.push(`and ${this.#wrongs - MOST_TOLD} more`);
    }
    return {
      ...{ runtime, store, seconds, requests: this.#count },
      ...{ endings: this.#endings, faults: this.#faults },
      ...{ starts: subject.starts(), drained: this.#drained, exit: took },
      ...memory,
      files: [first.files, last.files],
      sockets: [first.sockets, last.sockets],
      originSockets: origin.open().length,
      ...{ inFlight, leases, busy },
      budgets: { spent, charged: sum(this.#charged.values()) },
      tokens: new Set(owner.holders.map(({ id }) => id)).size,
      ownerFailed: owner.failed(),
      logged: subject.faults(),
      wrong: this.#wrong,
    };
  }

  /** Idle connections are closed, and deferred work is done. */
  async #settled() {
    const { subject, origin } = this.#parts;
    for (let tries = 0; tries < 40; tries++) {
      await wait(500);
      const now = subject.sample()!;
      const idle = now.sockets <= this.#first.sockets + this.#spare.sockets;
      if (tries > 4 && idle && origin.open().length === 0) return;
    }
  }

  async #inFlight(): Promise<number> {
    const headers = { authorization: `Bearer ${METRICS_TOKEN}` };
    const url = `${this.#parts.subject.url}/metrics`;
    const text = await (await fetch(url, { headers })).text();
    return Number(/^doppel_requests_in_flight (\d+)/m.exec(text)![1]);
  }

  async #compare(owner: Owner) {
    const rows: UsageRow[] = [];
    const since = new Date(Date.now() - 6 * 3_600_000).toISOString();
    const until = new Date(Date.now() + 3_600_000).toISOString();
    const query = `by=token&since=${since}&until=${until}&limit=1000`;
    let cursor: string | undefined;
    do {
      const next = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
      const page = await this.#parts.subject.admin(
        "GET",
        `/admin/usage?${query}${next}`,
      ) as { usage: UsageRow[]; cursor?: string };
      rows.push(...page.usage);
      ({ cursor } = page);
    } while (cursor);
    const uses = new Map(owner.holders.map(({ id, use }) => [id, use]));
    for (const what of compare(this.#book, rows)) {
      const [, id] = /^ledger of (\w+)/.exec(what)!;
      this.#find(`${what} (${uses.get(id!)})`);
    }
  }

  /** Leases that nobody can be excused for; those of crashed requests end by themselves. */
  async #leases(owner: Owner, books: Books): Promise<number> {
    const excused = Math.max(0, ...this.#spells.map(({ to }) => to)) +
      LEASE_LASTS + CLOCK_OFF;
    let left = 0;
    const seen = new Map<string, string>();
    for (const { id, use } of owner.holders) {
      if (use !== "narrow" && use !== "budget") continue;
      const { leases } = await books.look(id);
      left += leases.length;
      seen.set(id, leases.join());
      const late = leases.filter((ends) => ends > excused);
      if (late.length > 0) this.#find(`${late.length} leases of ${id} leaked`);
    }
    // What lives renews its leases about once a second.
    await wait(1_800);
    for (const [id, before] of seen) {
      const { leases } = await books.look(id);
      if (leases.join() !== before) this.#find(`leases of ${id} still live`);
    }
    return left;
  }

  /** Micro-dollars that were spent: never more than there were, never less than was charged. */
  async #budgets(books: Books): Promise<number> {
    let all = 0;
    for (const [id, charged] of this.#charged) {
      await books.later(id);
      const { spent, held } = await books.look(id);
      all += spent;
      if (held !== 0) this.#find(`budget of ${id}: ${held} held at the end`);
      if (spent < charged || spent > BUDGET_OF_EACH) {
        this.#find(`budget of ${id}: spent ${spent}, charged ${charged}`);
      }
    }
    return all;
  }

  #memory() {
    const all = this.#parts.subject.vitals();
    const half = all.slice(all.length >> 1);
    const lived = (all.at(-1)!.at - all[0]!.at) / 1000;
    const warm = half[0]!.anonymous;
    const end = all.at(-1)!.anonymous;
    const slope = slopeOf(half);
    if (lived >= TELLING ? slope > FLAT : end - warm > LEAP) {
      this.#find(`memory: ${warm} to ${end} MiB, ${slope} MiB an hour`);
    }
    return { warm, end, slope, lived };
  }
}

/** Milliseconds that the clock is put off at most. */
export const CLOCK_OFF = 90_000;

function sum(numbers: Iterable<number>): number {
  let all = 0;
  for (const number of numbers) all += number;
  return all;
}
