/**
 * What a call costs, from what it used: whole micro-dollars, rounded up once
 * per call, reckoned in integers throughout.
 *
 * @module
 */

import { rememberingOf } from "../core/memo.ts";
import type { Usage } from "../core/usage.ts";
import { partsOf, sizeOf } from "./parts.ts";
import { type RateKind, RATES, type Row, type Table } from "./row.ts";

/** Tables of rows, asked in this order. */
export interface PriceBook {
  /** The owner's and doppel's own: each adds to or replaces what comes after. */
  readonly overlays: readonly Table[];
  /** The catalogue: of its rows only the first that fits counts. */
  readonly catalog: Table;
}

/** Which price is asked for. */
export interface Occasion {
  /** A row of the provider table. */
  readonly provider: string;
  /** As the request or the answer named it. */
  readonly model: string;
  /** Service tier, speed, place: as the answer says, else the request; several are split by spaces. */
  readonly tier?: string | undefined;
  /** When the request came, seconds since the epoch. */
  readonly time: number;
}

/** A part of a price. */
export interface Line {
  /** What was counted. */
  readonly kind: RateKind;
  /** How many. */
  readonly count: number;
  /** Micro-dollars for a million of them, the tier included; for people. */
  readonly perMillion: number;
  /** Micro-dollars, not rounded to whole ones; for people. */
  readonly microDollars: number;
}

/** What a call costs. */
export interface Price {
  /** Whole micro-dollars, rounded up. */
  readonly microDollars: number;
  /** Its parts; parts that cost nothing included. */
  readonly lines: readonly Line[];
  /** Where the first part's rate was read. */
  readonly source: string;
  /** When, as `2026-11-20`. */
  readonly dated: string;
}

/** `undefined` where a model, its tier or something that it used has no known price. */
export function priceOf(
  book: PriceBook,
  usage: Usage,
  occasion: Occasion,
): Price | undefined {
  const tariff = tariffOf(book, occasion, sizeOf(usage));
  const parts = rated(usage, tariff);
  if (parts === undefined) return undefined;
  const first = parts[0]?.row ?? tariff?.("input")?.row;
  return {
    microDollars: total(parts),
    lines: parts.map(line),
    source: first?.source ?? "",
    dated: first?.dated ?? "",
  };
}

/** The sum of that alone. */
export function microDollarsOf(
  book: PriceBook,
  usage: Usage,
  occasion: Occasion,
): number | undefined {
  const parts = rated(usage, tariffOf(book, occasion, sizeOf(usage)));
  return parts && total(parts);
}

function rated(
  usage: Usage,
  tariff: ((kind: RateKind) => Rate | undefined) | undefined,
): readonly Part[] | undefined {
  if (tariff === undefined) return undefined;
  const parts: Part[] = [];
  for (const [kind, count] of partsOf(usage)) {
    const found = tariff(kind);
    if (found === undefined) return undefined;
    parts.push({ kind, count, ...found });
  }
  return parts;
}

/** An exact rate: billionths of a dollar × `times` ÷ `by`, for as many as `RATES` says. */
export interface Rate {
  /** Billionths of a dollar. */
  readonly nano: bigint;
  /** The tier's factor, numerator. */
  readonly times: bigint;
  /** The tier's factor, denominator. */
  readonly by: bigint;
  /** Where it stands. */
  readonly row: Row;
}

interface Part extends Rate {
  readonly kind: RateKind;
  readonly count: number;
}

/** A multiple of all of `RATES`. */
const UNIT = 9_000_000n;

/** Whole micro-dollars, rounded up. */
export function total(parts: readonly Part[]): number {
  const by = parts.reduce((most, part) => part.by > most ? part.by : most, 1n);
  const sum = parts.reduce((sum, part) => sum + weight(part, by), 0n);
  const whole = UNIT * by * 1000n;
  return Number((sum + whole - 1n) / whole);
}

/** In parts of 1/(`UNIT` × `by`) of a billionth of a dollar; `by` is a multiple of the part's own. */
function weight({ kind, count, nano, times, by: own }: Part, by: bigint) {
  const each = nano * times * (by / own) * (UNIT / BigInt(RATES[kind]));
  return BigInt(count) * each;
}

function line(part: Part): Line {
  const { kind, count, by } = part;
  const exact = Number(weight(part, by)) / Number(UNIT * by * 1000n);
  const each = Number(part.nano * part.times) / Number(by * 1000n);
  const perMillion = each / RATES[kind] * 1_000_000;
  return { kind, count, perMillion, microDollars: exact };
}

/** Which rate stands for one that is missing; a rate that is not known at all is never made up. */
const INSTEAD: { readonly [kind in RateKind]?: readonly RateKind[] } = {
  cacheRead: ["input"],
  cacheWrite5m: ["input"],
  inputAudio: ["input"],
  inputImage: ["input"],
  cacheReadAudio: ["inputAudio", "cacheRead", "input"],
  cacheReadImage: ["inputImage", "cacheRead", "input"],
  outputAudio: ["output"],
  outputImage: ["output"],
};

/** What a tier leaves as it is. */
const FLAT: readonly RateKind[] = ["webSearches"];

/** How the APIs call having no tier. */
const PLAIN =
  /^(?:default|standard|standard_only|auto|on_demand|global|not_available|unspecified|)$/;

/** The tiers that change a price. */
function tiersOf(tier = ""): string[] {
  return tier.toLowerCase().split(" ")
    .map((one) => one.replace(/^(?:service_tier|on_demand)_/, ""))
    .filter((one) => !PLAIN.test(one));
}

/** The rate of each kind for a call that reads `size` tokens; `undefined` where nothing is known of the model or its tier. */
export function tariffOf(
  book: PriceBook,
  { provider, model, tier, time }: Occasion,
  size: number,
): ((kind: RateKind) => Rate | undefined) | undefined {
  const fitting = rowsFor(book, { provider, model }).filter((row) =>
    row.since <= time && row.over < size && within(row, time)
  );
  const plain = fitting.filter(({ tiers }) => tiers.length === 0);
  const rows = firstOfCatalog(plain, book.catalog[provider]);
  if (!rows.some((row) => Object.keys(row.rates).length > 0)) return undefined;
  let [times, by] = [1n, 1n];
  let stated: Row[] = [];
  for (const one of tiersOf(tier)) {
    const row = fitting.find(({ tiers }) => tiers.includes(one));
    if (row === undefined) return undefined;
    if (row.percent === undefined) stated = [row];
    else {[times, by] = [
        times * BigInt(Math.round(row.percent * 100)),
        by * 10_000n,
      ];}
  }
  return (kind) =>
    FLAT.includes(kind)
      ? found(rows, kind, [1n, 1n])
      : found(stated.length > 0 ? stated : rows, kind, [times, by]);
}

function found(
  rows: readonly Row[],
  kind: RateKind,
  [times, by]: readonly [bigint, bigint],
): Rate | undefined {
  const has = (kind: RateKind) =>
    rows.find(({ rates }) => rates[kind] !== undefined);
  // What is kept for long costs more than what is kept for minutes.
  const instead = kind === "cacheWrite1h" && !has("cacheWrite5m")
    ? ["input"] as const
    : INSTEAD[kind] ?? [];
  const named = [kind, ...instead].find(has);
  if (named === undefined) return undefined;
  const row = has(named)!;
  return { nano: row.rates[named]!, times, by, row };
}

/** Every row that covers the model, in the order that counts. */
export function rowsFor(
  book: PriceBook,
  { provider, model }: Pick<Occasion, "provider" | "model">,
): readonly Row[] {
  return covering(book, `${provider} ${model}`);
}

const covering = rememberingOf(
  ({ overlays, catalog }: PriceBook, asked): readonly Row[] => {
    const [provider, model] = split(asked);
    const name = model.toLowerCase().replace(/^models\//, "");
    return [...overlays, catalog]
      .flatMap((table) =>
        Object.hasOwn(table, provider) ? table[provider]! : []
      )
      .filter(({ covers }) => covers(name));
  },
);

/** An id, which has no space in it, and the rest. */
function split(asked: string): [id: string, rest: string] {
  const space = asked.indexOf(" ");
  return [asked.slice(0, space), asked.slice(space + 1)];
}

function firstOfCatalog(rows: readonly Row[], catalog: readonly Row[] = []) {
  const first = rows.findIndex((row) => catalog.includes(row));
  return first === -1 ? rows : rows.slice(0, first + 1);
}

function within({ hours }: Row, time: number): boolean {
  if (hours === undefined) return true;
  const minute = Math.floor(time / 60) % 1440;
  const [start, end] = hours;
  return start <= end
    ? minute >= start && minute < end
    : minute >= start || minute < end;
}
