/**
 * What a request takes of its token's limits and what it comes to: held before
 * it is sent, metered while it passes, settled when it is over.
 *
 * @module
 */

import type { Holder } from "./admit.ts";
import { costOf, entryOf, firstLook, pricedParts } from "./bill.ts";
import type { Content } from "./content.ts";
import { estimateRequest } from "./estimate.ts";
import { type Errand, errandOf } from "./errand.ts";
import { insistently } from "./insist.ts";
import type { LogLine } from "./journal.ts";
import type { Ledger, Part } from "./ledger.ts";
import { leftFields } from "./left.ts";
import { type Bill, leased, type Left, PERIODS } from "./limit.ts";
import { isUnmetered, type Meter, type Metered, openMeter } from "./meter.ts";
import { refusalOf } from "./policy.ts";
import type { Route } from "./provider.ts";
import type { Refusal } from "./refusal.ts";
import type { Fields } from "./rewrite.ts";
import type { Store } from "./store.ts";
import type { Occasion, Prices } from "./price.ts";
import type { Usage } from "./usage.ts";
import { type Asked, type Clamped, fitted, pricedWays } from "./worst.ts";

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
  /** Holds the most it can come to on any of its ways; a refusal where that is not there, and then nothing is held. It goes the first way until another is said. */
  hold(ways: readonly Asked[]): Promise<Refusal | undefined>;
  /** It goes this way now; `false` where what is held does not cover that. */
  toward(way: Asked): boolean;
  /** What is to be sent that way instead, where only that fits what the budget still allowed; until the answer has begun. */
  readonly clamped: Content | undefined;
  /** Fields of ours for the answer: what its token's limits still allow, and to what the request was lowered; none where there is nothing to tell. */
  fields(): Fields;
  /** It is on its way: the origin may charge for it. */
  sent(): void;
  /** It came to nothing: perhaps it has not gone out, or the origin has refused all that did. */
  refused(why: Refusal): void;
  /** It has its answer without an origin: it keeps its place, and costs nothing. */
  answered(): void;
  /** Meters the answer; nothing where it need not be. */
  meter(answer: Metering): Meter | undefined;
  /** Where it goes, the model where that was named, and micro-dollars until now. */
  soFar(): Promise<{ route: Route; model: string; cost: number | undefined }>;
  /** The request is over. */
  close(line: LogLine): void;
}

/** Opens an account. */
export function openAccount(
  holder: Holder,
  { route, method }: { route: Route; method: string },
  deps: AccountDeps,
): Account {
  return new OpenAccount(errandOf(holder, { route, method }, deps), deps);
}

const NONE: ReadonlyMap<Asked, null> = new Map();
const NOTHING: Metered = { state: "measured", usage: {} };

class OpenAccount implements Account {
  #errand: Errand;
  readonly #deps: AccountDeps;
  #occasion: Occasion;
  /** What the request asks for, guessed; until then, from what. */
  #asked: Usage | undefined;
  #sources: Asked | undefined;
  #held = { tokens: 0, cost: 0 };
  #left: Left;
  #lowered: Fields = [];
  #settled: boolean;
  #sent = false;
  #answered = false;
  #meter: Meter | undefined;
  /** Ways that were lowered to what is held, and `null` for those that cannot be. */
  #fitted: ReadonlyMap<Asked, Clamped | null> = NONE;
  clamped: Content | undefined;

  constructor(errand: Errand, deps: AccountDeps) {
    this.#errand = errand;
    this.#deps = deps;
    this.#settled = errand.taken === undefined;
    this.#left = errand.left ?? [];
    const { id: provider } = errand.route.provider;
    const time = Math.floor(deps.now() / 1000);
    this.#occasion = { provider, model: "", time };
  }

  async hold(ways: readonly Asked[]): Promise<Refusal | undefined> {
    const { token, taken, limits, method } = this.#errand;
    const [first] = ways;
    this.#go(first!);
    if (!taken || !limits.tokens && !limits.budget) return undefined;
    const { prices, store } = this.#deps;
    const terms = { token, prices, method, time: this.#occasion.time };
    const priced = await pricedWays(ways, terms);
    const known = priced.filter(({ refusal }) => refusal === undefined);
    if (known.length === 0) return priced[0]!.refusal;
    const most = Math.max(...known.map(({ worst }) => worst));
    const least = Math.min(...known.map(({ least }) => least));
    const tokens = limits.tokens ? this.#guess().input ?? 0 : 0;
    const estimate = { tokens, least, most };
    const held = await store.reserve(token.id, taken, estimate);
    if (!("held" in held)) {
      this.#settled = true;
      return refusalOf(held, limits);
    }
    // The owner may have changed the limits since the admission: what was not counted is not given back, and without a budget nothing has to fit one.
    const counts = (names: readonly string[]) =>
      held.left.some(([name]) => names.includes(name));
    const counted = counts(["tokens"]) ? tokens : 0;
    this.#held = { tokens: counted, cost: held.held };
    this.#left = [...this.#left, ...held.left];
    if (counts(PERIODS)) {
      this.#fitted = await fitted(priced, held.held, prices);
    }
    const open = ways.find((way) => this.#fitted.get(way) !== null);
    if (open === undefined) return refusalOf({ short: "total" }, limits);
    this.toward(open);
    return undefined;
  }

  toward(way: Asked): boolean {
    const fitted = this.#fitted.get(way);
    if (fitted === null) return false;
    this.#go(way);
    this.clamped = fitted?.content;
    this.#lowered = fitted ? [["x-doppel-clamped", `${fitted.limit}`]] : [];
    return true;
  }

  fields(): Fields {
    const left = leftFields(this.#errand.limits, this.#left);
    return this.#lowered.length > 0 ? [...left, ...this.#lowered] : left;
  }

  sent(): void {
    this.#sent = true;
  }

  refused({ unsent, denied }: Refusal): void {
    if (unsent || denied) this.#sent = false;
    if (denied) this.#answered = true;
  }

  answered(): void {
    this.#answered = true;
  }

  meter({ status, headers }: Metering): Meter | undefined {
    const { how, route, metered } = this.#errand;
    this.clamped = undefined;
    this.#fitted = NONE;
    if (!metered) return void (this.#sources = undefined);
    const meter = this.#meter = openMeter(how, {
      status,
      path: route.target.path,
      type: headers.get("content-type"),
      encoding: headers.get("content-encoding"),
      asked: () => this.#guess(),
    });
    if (meter.written) return meter;
    // Nobody waits for what is done behind the first bytes; from then on the content is not kept.
    const see = (chunk: Uint8Array) => {
      this.#guess();
      meter.see(chunk);
    };
    return { ...meter, see };
  }

  async soFar() {
    const metered = this.#meter?.soFar();
    const model = metered?.model ?? this.#occasion.model;
    const parts = metered &&
      await pricedParts(metered, this.#occasion, this.#deps.prices);
    const { route } = this.#errand;
    return { route, model, cost: parts && costOf(parts) };
  }

  close(line: LogLine): void {
    this.#deps.defer("settle", this.#settle(line));
  }

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
      const errand = { ...this.#errand, model: this.#occasion.model };
      ledger.enter(entryOf(line, errand, { metered, parts, cost }));
      if (!this.#settled) await this.#pay(metered, cost);
    }
  }

  async #pay(metered: Metered, price: number | undefined): Promise<void> {
    this.#settled = true;
    const { token, taken, limits } = this.#errand;
    // A place in the minute is all that such a request took, and it keeps that.
    if ((this.#sent || this.#answered) && !leased(limits)) return;
    const { input = 0, output = 0 } = metered.usage;
    const { store, now } = this.#deps;
    const nothing = { held: this.#held.tokens, tokens: 0, cost: 0 };
    const bill: Bill = this.#sent
      ? {
        ...nothing,
        tokens: limits.tokens === undefined ? 0 : input + output,
        cost: this.#spent(metered, price),
        now: now(),
      }
      : { ...nothing, ...!this.#answered && { undone: true } };
    const settle = () => store.settle(token.id, taken!, bill);
    await (leased(limits) ? insistently(settle) : settle());
  }

  /** What was sent and not answered, nobody knows: it may have been read. */
  async #seen(ending: LogLine["ending"]): Promise<Metered> {
    const whole = ending === "complete" || ending === "drained";
    if (this.#meter) return await this.#meter.end(whole ? "complete" : "cut");
    if (!this.#sent || isUnmetered(this.#errand.how)) return NOTHING;
    return { state: "estimated", usage: this.#guess() };
  }

  #guess(): Usage {
    const { bytes, length } = this.#sources ?? {};
    this.#sources = undefined;
    return this.#asked ??= this.#errand.metered
      ? estimateRequest(bytes, length)
      : {};
  }

  /** From now on it goes this way. */
  #go(way: Asked): void {
    const { route, model } = way;
    const { id } = route.provider;
    if (route !== this.#errand.route) {
      const { method } = this.#errand;
      this.#errand = errandOf(this.#errand, { route, method }, this.#deps);
      this.#asked = undefined;
    }
    this.#occasion = { ...this.#occasion, provider: id, model };
    this.#sources = way;
  }

  /** All that was held, where the API has not said what was used or that has no price: a guess could be less than it charges. */
  #spent({ state }: Metered, price: number | undefined): number {
    const { cost: held } = this.#held;
    if (this.#errand.limits.budget === undefined) return price ?? 0;
    return state === "measured" ? price ?? held : held;
  }
}
