/**
 * What a request takes of its token's limits and what it comes to: held before
 * it is sent, metered while it passes, settled when it is over.
 *
 * @module
 */

import type { Holder } from "./admit.ts";
import { estimateRequest } from "./estimate.ts";
import type { LogLine } from "./journal.ts";
import { leased } from "./limit.ts";
import { type Meter, type Metered, meteringOf, openMeter } from "./meter.ts";
import { refusalOf } from "./policy.ts";
import { requestLine, type Route } from "./provider.ts";
import type { Refusal } from "./refusal.ts";
import type { Store } from "./store.ts";
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

const NOTHING: Metered = { state: "measured", usage: {} };

/** Opens an account. */
export function openAccount(
  { token, taken }: Holder,
  { route, method }: { route: Route; method: string },
  { store, prices, now, defer, metering }: AccountDeps,
): Account {
  const { provider, target } = route;
  const line = requestLine(method, target.path);
  const how = meteringOf(provider.usage, line);
  const { limits } = token;
  let occasion = { provider: provider.id, model: "", time: 0 };
  let asked: Usage = {};
  let held = { tokens: 0, cost: 0 };
  let settled = taken === undefined;
  let sent = false;
  let meter: Meter | undefined;

  async function worstOf({ bytes }: Asked): Promise<number | Refusal> {
    if (limits.budget === undefined || how === "free") return 0;
    const text = new TextDecoder().decode(bytes ?? new Uint8Array());
    const worst = await prices.worst({ ...occasion, endpoint: line, text });
    return typeof worst === "number"
      ? worst
      : { refused: "price_unknown", detail: worst.unbounded };
  }

  async function settle(ended: LogLine["ending"]) {
    const metered =
      await meter?.end(ended === "complete" ? "complete" : "cut") ??
        NOTHING;
    if (settled) return;
    settled = true;
    const tokens = (metered.usage.input ?? 0) + (metered.usage.output ?? 0);
    const cost = sent ? await costOf(metered) : 0;
    const bill = { held: held.tokens, tokens, cost };
    await store.settle(
      token.id,
      taken!,
      sent ? bill : { ...bill, undone: true },
    );
  }

  /** Without a price, and where it is a guess, not more than was held. */
  async function costOf(metered: Metered): Promise<number> {
    if (limits.budget === undefined || how === "free") return 0;
    if (meter === undefined) return held.cost;
    const cost = await prices.cost(occasion, metered) ?? held.cost;
    return metered.state === "measured" ? cost : Math.min(cost, held.cost);
  }

  return {
    async hold(sources) {
      occasion = {
        provider: provider.id,
        model: sources.model,
        time: Math.floor(now() / 1000),
      };
      const unmetered = how === "free" || !metering && !leased(limits);
      if (!unmetered) asked = estimateRequest(sources.bytes, sources.length);
      if (taken === undefined || !limits.tokens && !limits.budget) {
        return undefined;
      }
      const worst = await worstOf(sources);
      if (typeof worst !== "number") return worst;
      const tokens = limits.tokens ? asked.input ?? 0 : 0;
      const answer = await store.reserve(token.id, taken, {
        tokens,
        least: worst,
        most: worst,
      });
      if (typeof answer !== "number") {
        settled = true;
        return refusalOf(answer);
      }
      held = { tokens, cost: answer };
      return undefined;
    },
    sent: () => void (sent = true),
    meter({ status, headers }) {
      if (!metering && !leased(limits)) return undefined;
      meter = openMeter(how, {
        status,
        path: target.path,
        type: headers.get("content-type"),
        encoding: headers.get("content-encoding"),
        asked,
      });
      return meter;
    },
    close({ ending }) {
      if (!settled || meter) defer("settle", settle(ending));
    },
  };
}
