/**
 * What a request takes of its token's limits and what it comes to: held before
 * it is sent, metered while it passes, settled when it is over.
 *
 * @module
 */

import type { Holder } from "./admit.ts";
import { costOf, entryOf, firstLook, pricedParts } from "./bill.ts";
import { estimateRequest } from "./estimate.ts";
import type { LogLine } from "./journal.ts";
import type { Ledger, Part } from "./ledger.ts";
import { type Bill, leased, type Limits } from "./limit.ts";
import {
  isUnmetered,
  type Meter,
  type Metered,
  meteringOf,
  openMeter,
} from "./meter.ts";
import { refusalOf } from "./policy.ts";
import { requestLine, type Route } from "./provider.ts";
import type { Refusal } from "./refusal.ts";
import { type Store, StoreUnavailable } from "./store.ts";
import type { Usage } from "./usage.ts";

/** A model's call to an API. */
export interface Occasion {
  /** Id of the provider. */
  readonly provider: string;
  /** As the request names it. */
  readonly model: string;
  /** Seconds since the epoch. */
  readonly time: number;
}

/** What things cost, in micro-dollars. */
export interface Prices {
  /** The most that a request can come to; why nobody can tell, and what mends it. */
  worst(
    occasion: Occasion & { readonly endpoint: string; readonly text: string },
  ): Promise<number | { readonly unbounded: string }>;
  /** What was used; `undefined` where there is no price for it. */
  cost(occasion: Occasion, metered: Metered): Promise<number | undefined>;
}

/** All that accounts reach outside themselves. */
export interface AccountDeps {
  /** Where limits are kept. */
  readonly store: Store;
  /** What things cost. */
  readonly prices: Prices;
  /** Where what was used is written down. */
  readonly ledger: Ledger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Lets work outlive the answer; logs under `name` what it throws. */
  readonly defer: (name: string, work: Promise<unknown>) => void;
  /** Whether answers are metered though no limit needs it. */
  readonly metering: boolean;
}

/** What an answer is metered with. */
export interface Metering {
  /** HTTP status code. */
  readonly status: number;
  /** Fields of the answer. */
  readonly headers: Headers;
}

/** One request's account. */
export interface Account {
  /** Holds the most it can come to; a refusal where that is not there, and then nothing is held. */
  hold(sources: Asked): Promise<Refusal | undefined>;
  /** From now on the origin may charge for it. */
  sent(): void;
  /** It has not gone out after all. */
  unsent(): void;
  /** Meters the answer; nothing where it need not be. */
  meter(answer: Metering): Meter | undefined;
  /** The request is over. */
  close(line: LogLine): void;
}

/** What of a request is priced. */
export interface Asked {
  /** The whole content, where it was read. */
  readonly bytes?: Uint8Array | undefined;
  /** Its length, where that is known. */
  readonly length: number | undefined;
  /** As path or content name it. */
  readonly model: string;
}

/** Opens an account. */
export function openAccount(
  holder: Holder,
  { route, method }: { route: Route; method: string },
  deps: AccountDeps,
): Account {
  const line = requestLine(method, route.target.path);
  const how = meteringOf(route.provider.usage, line);
  const { limits } = holder.token;
  const metered = !isUnmetered(how) && (deps.metering || leased(limits));
  return new OpenAccount(
    { ...holder, route, line, how, metered, limits },
    deps,
  );
}

const NOTHING: Metered = { state: "measured", usage: {} };
const UNKNOWN: Metered = { state: "estimated", usage: {} };

/** What does not change while an account is open. */
interface Facts extends Holder {
  readonly route: Route;
  readonly line: string;
  readonly how: ReturnType<typeof meteringOf>;
  readonly metered: boolean;
  readonly limits: Limits;
}

class OpenAccount implements Account {
  readonly #facts: Facts;
  readonly #deps: AccountDeps;
  #occasion: Occasion;
  #asked: Usage = {};
  #held = { tokens: 0, cost: 0 };
  #settled: boolean;
  #sent = false;
  #meter: Meter | undefined;

  constructor(facts: Facts, deps: AccountDeps) {
    this.#facts = facts;
    this.#deps = deps;
    this.#settled = facts.taken === undefined;
    const provider = facts.route.provider.id;
    this.#occasion = {
      provider,
      model: "",
      time: Math.floor(deps.now() / 1000),
    };
  }

  hold = async (sources: Asked): Promise<Refusal | undefined> => {
    const { token, taken, metered, limits } = this.#facts;
    this.#occasion = { ...this.#occasion, model: sources.model };
    if (metered) this.#asked = estimateRequest(sources.bytes, sources.length);
    if (!taken || !limits.tokens && !limits.budget) return undefined;
    const worst = await this.#worst(sources.bytes);
    if (typeof worst !== "number") return worst;
    const tokens = limits.tokens ? this.#asked.input ?? 0 : 0;
    const estimate = { tokens, least: worst, most: worst };
    const held = await this.#deps.store.reserve(token.id, taken, estimate);
    if (typeof held === "number") {
      this.#held = { tokens, cost: held };
      return undefined;
    }
    this.#settled = true;
    return refusalOf(held);
  };

  sent = (): void => void (this.#sent = true);
  unsent = (): void => void (this.#sent = false);

  meter = ({ status, headers }: Metering): Meter | undefined => {
    const { how, route, metered } = this.#facts;
    if (!metered) return undefined;
    this.#meter = openMeter(how, {
      status,
      path: route.target.path,
      type: headers.get("content-type"),
      encoding: headers.get("content-encoding"),
      asked: this.#asked,
    });
    return this.#meter;
  };

  close = (line: LogLine): void =>
    this.#deps.defer("settle", this.#settle(line));

  async #settle(line: LogLine): Promise<void> {
    const { store, prices, ledger } = this.#deps;
    let metered = await this.#seen(line.ending);
    let parts: readonly Part[] = [];
    let cost: number | undefined;
    try {
      metered = await firstLook(metered, this.#occasion, store);
      parts = await pricedParts(metered, this.#occasion, prices);
      cost = costOf(parts);
    } finally {
      const facts = { ...this.#facts, model: this.#occasion.model };
      ledger.enter(entryOf(line, facts, { metered, parts, cost }));
      await this.#pay(metered, cost);
    }
  }

  async #pay(metered: Metered, price: number | undefined): Promise<void> {
    if (this.#settled) return;
    this.#settled = true;
    const { token, taken, limits } = this.#facts;
    // A place in the minute is all that such a request took, and it keeps that.
    if (this.#sent && !leased(limits)) return;
    const { input = 0, output = 0 } = metered.usage;
    const { store, now } = this.#deps;
    const { tokens: held } = this.#held;
    const bill: Bill = this.#sent
      ? {
        held,
        tokens: limits.tokens === undefined ? 0 : input + output,
        cost: this.#spent(metered, price),
        now: now(),
      }
      : { held, tokens: 0, cost: 0, undone: true };
    const settle = () => store.settle(token.id, taken!, bill);
    await (leased(limits) ? insistently(settle) : settle());
  }

  /** What was sent and not metered, nobody knows. */
  async #seen(ending: LogLine["ending"]): Promise<Metered> {
    const whole = ending === "complete" || ending === "drained";
    if (this.#meter) return await this.#meter.end(whole ? "complete" : "cut");
    return this.#sent && !isUnmetered(this.#facts.how) ? UNKNOWN : NOTHING;
  }

  async #worst(bytes: Uint8Array | undefined): Promise<number | Refusal> {
    const { limits, how, line } = this.#facts;
    if (limits.budget === undefined || how === "free") return 0;
    const text = new TextDecoder().decode(bytes ?? new Uint8Array());
    const ask = { ...this.#occasion, endpoint: line, text };
    const worst = await this.#deps.prices.worst(ask);
    if (typeof worst === "number") return worst;
    return { refused: "price_unknown", detail: worst.unbounded };
  }

  /** All that was held, where the API has not said what was used or that has no price: a guess could be less than it charges. */
  #spent({ state }: Metered, price: number | undefined): number {
    const { cost: held } = this.#held;
    if (this.#facts.limits.budget === undefined) return price ?? 0;
    return state === "measured" ? price ?? held : held;
  }
}

/** Milliseconds between tries to settle: together less than a lease lasts. */
const PAUSES = [250, 1_000, 4_000];

/** Tries again where the store is away; for what does nothing a second time. */
async function insistently(work: () => Promise<void>): Promise<void> {
  for (const pause of PAUSES) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof StoreUnavailable)) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
  return await work();
}
