/**
 * The most a call can cost, known before it is sent.
 *
 * @module
 */

import {
  type Occasion,
  type PriceBook,
  type Rate,
  rowsFor,
  tariffOf,
  total,
} from "./price.ts";
import { type Demand, demandOf, type Unbounded } from "./request.ts";
import type { RateKind, Row } from "./row.ts";

/** A request to be bounded; its `tier` only where it is not in its content. */
export interface Ask extends Occasion {
  /** `METHOD /path`, the path in any case. */
  readonly endpoint: string;
  /** Its content; nothing where it has none or is not JSON. */
  readonly text?: string | undefined;
  /** Chats of this API heed `max_tokens` alone. */
  readonly olderLimit?: true | undefined;
}

/** The most that a call costs. */
export interface Bound {
  /** Whole micro-dollars; never below what `priceOf()` makes of the call's usage at the same time. */
  readonly microDollars: number;
  /** Tokens it reads at most. */
  readonly inputTokens: number;
  /** Tokens it writes at most, all answers together. */
  readonly outputTokens: number;
}

/** The bound of a call to an endpoint that costs something; where there is none, why, and what mends it. */
export function worstCase(book: PriceBook, ask: Ask): Bound | Unbounded {
  const worst = worstOf(book, ask);
  return "unbounded" in worst ? worst : worst.at(worst.limit);
}

/** Tells that there is no bound. */
export function isUnbounded(value: object | undefined): value is Unbounded {
  return value !== undefined && "unbounded" in value;
}

/** A bound, and how it moves with the limit. */
export interface Worst {
  /** Tokens per answer. */
  readonly limit: number;
  /** The bound with another limit. */
  at(limit: number): Bound;
}

/** What `worstCase()` and `clamp()` share. */
export function worstOf(book: PriceBook, ask: Ask): Worst | Unbounded {
  const demand = demandOf(ask.endpoint, ask.text ?? "", ask);
  if ("unbounded" in demand) return demand;
  const facts = factsOf(book, ask);
  const inputTokens = inputOf(demand, facts);
  if (inputTokens === undefined) return mend(ask, "context");
  const rates = dearest(book, ask, { demand, inputTokens });
  if (rates === undefined) {
    return mend({ ...ask, tier: ask.tier ?? demand.tier }, "price");
  }
  const { input, output, character, image } = rates;
  const limit = demand.answers === 0 || image !== undefined
    ? 0
    : demand.maxOutput ?? facts.maxOutput ?? facts.context;
  if (limit === undefined) return mend(ask, "maxOutput");
  const at = (limit: number): Bound => {
    const outputTokens = demand.answers * limit + demand.moreOutput;
    const parts = [
      ...image === undefined
        ? [
          { kind: "input" as const, count: inputTokens, ...input! },
          { kind: "output" as const, count: outputTokens, ...output! },
        ]
        : [{ kind: "images" as const, count: demand.images, ...image }],
      { kind: "characters" as const, count: demand.characters, ...character! },
    ].filter(({ count }) => count > 0);
    return { microDollars: total(parts), inputTokens, outputTokens };
  };
  return { limit, at };
}

const MENDS = {
  price: "No price is known for",
  context: "The context is not known of",
  maxOutput: "A limit such as max_tokens is needed, since none is known of",
};

function mend({ model, tier }: Ask, what: keyof typeof MENDS): Unbounded {
  const name = /^[\w.:/@-]{1,128}$/.test(model) ? `"${model}"` : "this model";
  const at = /^[\w -]{1,64}$/.test(tier ?? "") ? ` at "${tier}"` : "";
  return {
    unbounded: `${
      MENDS[what]
    } ${name}${at}; the owner can add a row to PRICES_FILE.`,
  };
}

interface Facts {
  readonly context: number | undefined;
  readonly maxOutput: number | undefined;
  readonly imageTokens: number | undefined;
}

function factsOf(book: PriceBook, ask: Occasion): Facts {
  const rows = rowsFor(book, ask);
  const first = (name: keyof Facts & keyof Row) =>
    rows.find((row) => row[name] !== undefined)?.[name];
  const context = first("context");
  return {
    // Tables say a million where 2^20 is meant.
    context: context && Math.ceil(context * 1.05),
    maxOutput: first("maxOutput"),
    imageTokens: first("imageTokens"),
  };
}

/** Tokens read at most. */
function inputOf(demand: Demand, { context, imageTokens }: Facts) {
  const { inputTokens, pictures, oneContext } = demand;
  const most = oneContext ? context : undefined;
  const seen = pictures === 0 ? 0 : imageTokens;
  if (inputTokens === undefined || seen === undefined) return most;
  return Math.min(inputTokens + pictures * seen, most ?? Infinity);
}

interface Rates {
  readonly input: Rate | undefined;
  readonly output: Rate | undefined;
  readonly character: Rate | undefined;
  readonly image: Rate | undefined;
}

/** The dearest rates that can come to pass: of the tier asked for and of none, of long prompts and of short ones. */
function dearest(
  book: PriceBook,
  ask: Ask,
  { demand, inputTokens }: { demand: Demand; inputTokens: number },
): Rates | undefined {
  const tiers = new Set([ask.tier ?? demand.tier, demand.tier, ""]);
  const sizes = rowsFor(book, ask).map(({ over }) => over)
    .filter((over) => over >= 0 && over < inputTokens);
  const found: Record<string, Rate | undefined> = {};
  for (const tier of tiers) {
    for (const size of new Set([...sizes, inputTokens])) {
      const tariff = tariffOf(book, { ...ask, tier }, size);
      if (tariff === undefined) return undefined;
      for (const [name, kinds] of Object.entries(kindsOf(demand))) {
        const rates = kinds.map(tariff);
        for (const rate of rates) found[name] = dearer(found[name], rate);
      }
    }
  }
  const rates = found as unknown as Rates;
  const needs = [
    [inputTokens, rates.image ?? rates.input],
    [demand.answers, rates.image ?? rates.output],
    [demand.characters, rates.character],
  ] as const;
  return needs.every(([count, rate]) => count === 0 || rate !== undefined)
    ? rates
    : undefined;
}

/** Under which rates what is read and written may fall. */
function kindsOf(demand: Demand): { [name in keyof Rates]: RateKind[] } {
  const all = demand.inputTokens === undefined;
  const seen = all || demand.pictures > 0;
  return {
    input: [
      "input",
      "cacheRead",
      ...demand.cache === "none" ? [] : ["cacheWrite5m" as const],
      ...demand.cache === "hours" ? ["cacheWrite1h" as const] : [],
      ...all ? ["inputAudio" as const, "cacheReadAudio" as const] : [],
      ...seen ? ["inputImage" as const, "cacheReadImage" as const] : [],
    ],
    output: ["output", "outputAudio", "outputImage"],
    character: demand.characters > 0 ? ["characters"] : [],
    image: demand.images > 0 ? ["images"] : [],
  };
}

function dearer(a: Rate | undefined, b: Rate | undefined): Rate | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return a.nano * a.times * b.by >= b.nano * b.times * a.by ? a : b;
}
