/**
 * A model's price, line by line, for people.
 *
 * @module
 */

import { type Occasion, type PriceBook, rowsFor, tariffOf } from "./price.ts";
import { type RateKind, RATES } from "./row.ts";

/** A line of a model's price. */
export interface PriceLine {
  /** A row of the provider table. */
  readonly provider: string;
  /** What is counted, or a fact about the model. */
  readonly kind: string;
  /** Where a tier is asked for. */
  readonly tier?: string;
  /** Where a call reads more tokens than these. */
  readonly over?: number;
  /** Dollars, or percent of all rates without a tier, or tokens. */
  readonly amount: number;
  /** For how much: `1,000,000`, `percent`, `tokens`. */
  readonly per: string;
  /** When it was read. */
  readonly dated: string;
  /** Where. */
  readonly source: string;
}

/** Every line that holds at a moment, of one provider or of all that have such a model. */
export function priceLines(
  book: PriceBook,
  { provider, model, time }: Omit<Occasion, "provider"> & {
    readonly provider?: string | undefined;
  },
): PriceLine[] {
  const all = [...book.overlays, book.catalog].flatMap(Object.keys);
  const providers = provider === undefined ? [...new Set(all)] : [provider];
  return providers.flatMap((provider) => {
    const occasion = { provider, model, time };
    const lines = ratesOf(book, occasion);
    return lines.length === 0 ? [] : [...lines, ...restOf(book, occasion)];
  });
}

function ratesOf(book: PriceBook, occasion: Occasion): PriceLine[] {
  const overs = rowsFor(book, occasion).map(({ over }) => over)
    .filter((over) => over >= 0);
  const { provider } = occasion;
  const lines = [-1, ...new Set(overs)].flatMap((over) => {
    const tariff = tariffOf(book, occasion, over + 1);
    return (Object.keys(RATES) as RateKind[]).flatMap((kind): PriceLine[] => {
      const rate = tariff?.(kind);
      if (rate?.row.rates[kind] === undefined) return [];
      const { row: { over, dated, source } } = rate;
      const amount = Number(rate.nano) / 1e9;
      const per = RATES[kind].toLocaleString("en");
      const line = { provider, kind, amount, per, dated, source };
      return [over < 0 ? line : { ...line, over }];
    });
  });
  const known = new Set<string>();
  return lines.filter((line) => {
    const key = `${line.kind} ${line.over}`;
    return !known.has(key) && known.add(key);
  });
}

/** What tiers change, and how much fits into the model. */
function restOf(book: PriceBook, occasion: Occasion): PriceLine[] {
  const rows = rowsFor(book, occasion);
  const { provider } = occasion;
  const tiers = new Map(
    rows.toReversed().flatMap((row) => row.tiers.map((tier) => [tier, row])),
  );
  const tiered = Array.from(tiers, ([tier, row]): PriceLine[] => {
    const { dated, source, percent, rates } = row;
    const shared = { provider, tier, dated, source };
    return percent !== undefined
      ? [{ ...shared, kind: "all tokens", amount: percent, per: "percent" }]
      : (Object.keys(rates) as RateKind[]).map((kind) => ({
        ...shared,
        kind,
        amount: Number(rates[kind]) / 1e9,
        per: RATES[kind].toLocaleString("en"),
      }));
  });
  const facts = (["context", "maxOutput"] as const).flatMap((kind) => {
    const row = rows.find((row) => row[kind] !== undefined);
    if (row === undefined) return [];
    const { dated, source } = row;
    return [{
      provider,
      kind,
      amount: row[kind]!,
      per: "tokens",
      dated,
      source,
    }];
  });
  return [...tiered.flat(), ...facts];
}
