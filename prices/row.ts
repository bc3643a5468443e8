/**
 * Rows of prices: what a table of them may say, and how it is read.
 *
 * The first row that fits counts, kind by kind: a row of the owner's goes
 * before doppel's own, and that before the catalogue's.
 *
 * @module
 */

import type { UsageKind } from "../core/usage.ts";

/** For how many a rate is, by what is counted: dollars per million tokens, thousand searches, hour heard, second of video, million characters, picture. */
export const RATES = {
  input: 1_000_000,
  cacheRead: 1_000_000,
  cacheWrite5m: 1_000_000,
  cacheWrite1h: 1_000_000,
  inputAudio: 1_000_000,
  inputImage: 1_000_000,
  cacheReadAudio: 1_000_000,
  cacheReadImage: 1_000_000,
  output: 1_000_000,
  outputAudio: 1_000_000,
  outputImage: 1_000_000,
  webSearches: 1_000,
  seconds: 3_600,
  videoSeconds: 1,
  characters: 1_000_000,
  images: 1,
} as const satisfies { readonly [kind in UsageKind]?: number };

/** What can have a rate of its own. */
export type RateKind = keyof typeof RATES;

/** A row, understood. */
export interface Row {
  /** Whether a model's name, in lower case, is meant. */
  readonly covers: (model: string) => boolean;
  /** From when on, seconds since the epoch. */
  readonly since: number;
  /** Between which minutes of the day, UTC; the second may be the smaller. */
  readonly hours?: readonly [start: number, end: number];
  /** Only where a call reads more tokens than these. */
  readonly over: number;
  /** Only for these tiers; none: where no tier is asked for. */
  readonly tiers: readonly string[];
  /** Of the rates of the rows without a tier. */
  readonly percent?: number;
  /** Billionths of a dollar for as many as {@linkcode RATES} says. */
  readonly rates: { readonly [kind in RateKind]?: bigint };
  /** Tokens a call can read and write together. */
  readonly context?: number;
  /** Tokens an answer can have. */
  readonly maxOutput?: number;
  /** Tokens a picture can have. */
  readonly imageTokens?: number;
  /** Where it was read. */
  readonly source: string;
  /** When, as `2026-11-20`. */
  readonly dated: string;
}

/** Rows by provider id. */
export type Table = Readonly<Record<string, readonly Row[]>>;

/** A table that cannot be understood; the message names the field. */
export class PricesError extends Error {
  /** For the runtime's printout. */
  override readonly name = "PricesError";
}

/**
 * Reads a table: `{ dated, source, providers: { openai: [row, …] } }`.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { readTable } from "./row.ts";
 *
 * const row = { models: "house-* gpt-5-####-##-##", input: 0.5, output: 2 };
 * const table = readTable({ dated: "2026-11-20", source: "a contract", providers: { openai: [row] } });
 * assert.equal(table.openai![0]!.rates.input, 500_000_000n);
 * assert.equal(table.openai![0]!.covers("house-7b"), true);
 * ```
 */
export function readTable(value: unknown): Table {
  const { dated, source, providers } = object(value, "", FILE);
  date(dated, "dated");
  string(source, "source");
  const tables = object(providers, "providers");
  return Object.fromEntries(
    Object.entries(tables).map(([id, rows]) => {
      const at = `providers.${id}`;
      if (!Array.isArray(rows)) wrong(at, "must be a list of rows");
      const read = (row: unknown, i: number) =>
        readRow(row, `${at}[${i}]`, { dated, source });
      return [id, (rows as unknown[]).map(read)];
    }),
  );
}

const FILE = ["dated", "source", "providers"];
const CONDITIONS = ["models", "since", "hours", "over", "tiers"];
const FACTS = ["percent", "context", "maxOutput", "imageTokens"];
const ROW = [
  ...CONDITIONS,
  ...FACTS,
  ...Object.keys(RATES),
  "dated",
  "source",
  "note",
];

function readRow(value: unknown, at: string, file: Fields): Row {
  const row = object(value, at, ROW);
  const { dated = file.dated, source = file.source, hours, tiers = "" } = row;
  for (const name of [...FACTS, "over"]) number(row[name], `${at}.${name}`);
  for (const name of Object.keys(RATES)) number(row[name], `${at}.${name}`);
  return {
    covers: glob(string(row.models, `${at}.models`)),
    since: row.since === undefined ? -Infinity : date(row.since, `${at}.since`),
    ...(hours !== undefined && { hours: minutes(hours, `${at}.hours`) }),
    over: (row.over ?? -1) as number,
    tiers: words(string(tiers, `${at}.tiers`)),
    rates: Object.fromEntries(
      Object.keys(RATES).filter((kind) => row[kind] !== undefined)
        .map((kind) => [kind, BigInt(Math.round(row[kind] as number * 1e9))]),
    ),
    ...Object.fromEntries(
      FACTS.filter((name) => row[name] !== undefined)
        .map((name) => [name, row[name]]),
    ),
    source: string(source, `${at}.source`),
    dated: (date(dated, `${at}.dated`), dated as string),
  };
}

/** Globs split by spaces: `*` is any run of characters, `#` a digit, `!` before one takes out what it covers. */
function glob(text: string): (model: string) => boolean {
  const globs = words(text.toLowerCase());
  const yes = pattern(globs.filter((one) => !one.startsWith("!")));
  const no = pattern(
    globs.filter((one) => one.startsWith("!")).map((one) => one.slice(1)),
  );
  return (model) => yes.test(model) && !no.test(model);
}

function pattern(globs: readonly string[]): RegExp {
  const escaped = globs.map((one) =>
    one.replace(/[.+?^${}()|[\]\\]/g, "\\$&").replaceAll("*", ".*")
      .replaceAll("#", "\\d")
  );
  return new RegExp(`^(?:${escaped.join("|") || "(?!)"})$`);
}

type Fields = Readonly<Record<string, unknown>>;

function words(text: string): string[] {
  return text.split(" ").filter((word) => word !== "");
}

function object(value: unknown, at: string, known?: readonly string[]): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    wrong(at || "the file", "must be an object");
  }
  const unknown = known &&
    Object.keys(value as Fields).find((name) => !known.includes(name));
  if (unknown !== undefined) {
    wrong(at === "" ? unknown : `${at}.${unknown}`, "is not a known field");
  }
  return value as Fields;
}

function string(value: unknown, at: string): string {
  return typeof value === "string" ? value : wrong(at, "must be a text");
}

/** Up to a million, nine digits after the point. */
function number(value: unknown, at: string) {
  if (value === undefined) return;
  if (typeof value !== "number" || !(value >= 0 && value <= 10_000_000)) {
    wrong(at, "must be a number, zero or more");
  }
}

/** Seconds since the epoch. */
function date(value: unknown, at: string): number {
  const day = typeof value === "string" && /^\d{4}-\d\d-\d\d$/.test(value);
  const time = day ? Date.parse(`${value}T00:00:00Z`) : NaN;
  return Number.isNaN(time)
    ? wrong(at, "must be a day, as 2026-11-20")
    : time / 1000;
}

function minutes(value: unknown, at: string): readonly [number, number] {
  const found = /^(\d\d):(\d\d)-(\d\d):(\d\d)$/.exec(`${value}`);
  if (found === null) wrong(at, "must be hours of the day, as 01:00-04:00");
  const [a, b, c, d] = found!.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
  ];
  return [a * 60 + b, c * 60 + d];
}

function wrong(at: string, mend: string): never {
  throw new PricesError(`${at} ${mend}`);
}
