/** One soak: a runtime on a store, under traffic and faults, and what was found. */

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PRICES } from "./billing.ts";
import { type Books, dice } from "./bound.ts";
import { type Call, type Got, openClients } from "./soak_client.ts";
import { openDiary } from "./soak_diary.ts";
import { conclude, METRICS_TOKEN } from "./soak_end.ts";
import { playFaults, scheduleOf } from "./soak_faults.ts";
import type { Ending, Holder, Use } from "./soak_judge.ts";
import { type SoakOrigin, startSoakOrigin, wait } from "./soak_origin.ts";
import { BUDGET_OF_EACH, openOwner, type Owner } from "./soak_owner.ts";
import { openSoakStore, type SoakStore, type StoreName } from "./soak_store.ts";
import { openSubject, type SoakSubject } from "./soak_subject.ts";
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
  /** By name. */
  readonly faults: Readonly<Record<string, number>>;
  readonly starts: number;
  /** Milliseconds that a stop amid traffic took at most, and one with nothing under way. */
  readonly drained: number;
  readonly exit: number;
  /** MiB of the last process: when it was warm, at the end, and an hour's growth over the second half of its life, which lasted so many seconds. */
  readonly warm: number;
  readonly end: number;
  readonly slope: number;
  readonly lived: number;
  readonly files: readonly [start: number, end: number];
  readonly sockets: readonly [start: number, end: number];
  readonly originSockets: number;
  readonly inFlight: number;
  /** Of requests that were under way at a fault. */
  readonly leases: number;
  /** Micro-dollars. */
  readonly budgets: { readonly spent: number; readonly charged: number };
  readonly tokens: number;
  readonly ownerFailed: number;
  /** Faults in its log, by name and reason. */
  readonly logged: Readonly<Record<string, number>>;
  /** Part of one core. */
  readonly busy: number;
  /** What is wrong; empty: nothing. */
  readonly wrong: readonly string[];
}

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
  const opening = { runtime, origin: origin.url, directory, env };
  const subject = await openSubject(opening);
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
  readonly #diary = openDiary();
  readonly #roll: () => number;
  readonly #open = new Set<Promise<void>>();
  #count = 0;
  #streams = 0;
  #over = false;

  constructor(options: SoakOptions, parts: Parts) {
    this.#options = options;
    this.#parts = parts;
    this.#roll = dice(options.seed);
  }

  async run(): Promise<Report> {
    const { subject, store } = this.#parts;
    const began = Date.now();
    const first = subject.sample()!;
    const books = store.books();
    const owner = await openOwner(subject.admin);
    await this.#play(owner, books);
    const seconds = (Date.now() - began) / 1000;
    const busy = subject.busy() / seconds;
    const ended = await conclude({
      ...this.#parts,
      diary: this.#diary,
      ...{ owner, books, first },
      nextId: this.#nextId,
      roll: this.#roll,
      ask: this.#askAs,
    });
    this.#clients.close();
    const { endings, faults, drained, wrong } = this.#diary;
    const { runtime, store: name } = this.#options;
    return {
      ...{ runtime, store: name, seconds, requests: this.#count },
      ...{ endings, faults, starts: subject.starts(), drained: drained() },
      ...ended,
      tokens: new Set(owner.holders.map(({ id }) => id)).size,
      ownerFailed: owner.failed(),
      logged: subject.faults(),
      busy,
      wrong: wrong(),
    };
  }

  /** Everything at once, until it is time; and until all of it is over. */
  async #play(owner: Owner, books: Books) {
    const { seconds } = this.#options;
    const over = wait(seconds * 1_000);
    const background = [
      this.#traffic(owner),
      this.#keepStreams(owner),
      this.#owning(owner),
      this.#watching(owner, books),
    ];
    const steps = scheduleOf(this.#options, this.#parts.store);
    await playFaults(steps, { ...this.#parts, ...this.#diary });
    await over;
    this.#over = true;
    await Promise.all(background);
    while (this.#open.size > 0) await Promise.all(this.#open);
    this.#clients.close();
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

  /** Looks at the process, and at the budget in use, which nothing may pass. */
  async #watching(owner: Owner, books: Books) {
    const every = Math.max(500, 5_000 * this.#options.pace);
    const { spells, settle, find } = this.#diary;
    while (!this.#over) {
      this.#parts.subject.sample();
      settle();
      const quiet = spells.every(({ to }) => to !== Infinity);
      const budget = owner.holders.findLast(({ use }) => use === "budget");
      const said = quiet && budget &&
        await books.look(budget.id).catch(() => undefined);
      if (said && said.spent + said.held > BUDGET_OF_EACH) {
        find(`budget of ${budget.id}: ${said.spent} and ${said.held}`);
      }
      await wait(every);
    }
  }

  #nextId = (): string => {
    const { runtime, store, seed } = this.#options;
    return `${runtime}-${store}-${seed}-${++this.#count}`;
  };

  #begin(owner: Owner, call: Call & { readonly use: Use }): Promise<void> {
    const work = this.#ask(owner, call).finally(() => this.#open.delete(work));
    this.#open.add(work);
    return work;
  }

  async #ask(owner: Owner, { use, ...call }: Call & { readonly use: Use }) {
    const holder = owner.holderFor(use, this.#roll);
    const { status } = await this.#askAs(holder, call);
    if (use === "budget" && status === 402) owner.renewBudget(holder);
  }

  /** Asks, and enters what came of it. */
  #askAs = async (holder: Holder, call: Call): Promise<Got> => {
    const { runtime } = this.#options;
    const { subject, origin } = this.#parts;
    const begun = Date.now();
    const got = await this.#clients.send(subject.url, holder.value, call);
    const ended = Date.now();
    // What the client has left may still be on its way.
    if (!got.whole) await wait(500);
    const arrivals = origin.arrivals(call.order.id);
    const facts = { runtime, holder, begun, ended, got, arrivals };
    this.#diary.enter({ ...call, ...facts });
    return got;
  };
}
