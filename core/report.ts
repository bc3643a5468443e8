/**
 * Usage as its owner asks for it: rows gathered by what he names.
 *
 * @module
 */

import {
  addSums,
  periodOf,
  type Retention,
  type Span,
  SPANS,
  type Sums,
  type UsageRow,
} from "./ledger.ts";
import type { Store } from "./store.ts";
import { toRfc3339 } from "./time.ts";

/** What rows can be gathered by, and what of a row that is. */
export const GROUPS = {
  hour: ({ period }: UsageRow) => `${period}:00:00Z`,
  day: ({ period }: UsageRow) => period.slice(0, 10),
  token: ({ token }: UsageRow) => token,
  provider: ({ provider }: UsageRow) => provider,
  model: ({ model }: UsageRow) => model,
  credential: ({ credential = "" }: UsageRow) => credential,
} as const;

/** See {@linkcode GROUPS}. */
export type Group = keyof typeof GROUPS;

/** What is asked; times are seconds since the epoch. */
export interface Question {
  /** By what; a credential's sums know no tokens. */
  readonly by: readonly Group[];
  /** From here on, as exactly as it is kept. */
  readonly since: number;
  /** Up to here. */
  readonly until: number;
  /** Public id of the one token; absent: all. */
  readonly token?: string | undefined;
}

/** Sums of a group. */
export interface Gathered {
  /** Sorts, and tells where to go on. */
  readonly key: string;
  /** What the group is. */
  readonly group: { readonly [name in Group]?: string };
  /** What was counted. */
  readonly sums: Sums;
}

/** An answer. */
export interface Report {
  /** What was added up. */
  readonly span: Span;
  /** What it covers, RFC 3339, both ends at a span's. */
  readonly since: string;
  /** See `since`. */
  readonly until: string;
  /** In the order of their keys. */
  readonly groups: readonly Gathered[];
}

/** Pairs of a period and a token that are read at a time, and at most. */
const READ_AT_ONCE = 500;
const READ_AT_MOST = 100_000;

/**
 * Adds up hours as far as they are kept, else days. `undefined`: that is too
 * much to add up at once.
 */
export async function reportUsage(
  store: Store,
  { by, since, until, token }: Question,
  { now, keep }: { now: number; keep: Retention },
): Promise<Report | undefined> {
  const recent = since * 1000 >= now * 1000 - keep.hours * SPANS.hour;
  const span = recent || by.includes("hour") ? "hour" : "day";
  const kept = span === "hour" ? keep.hours : keep.days;
  const oldest = now * 1000 - kept * SPANS[span];
  const from = periodOf(span, Math.max(since * 1000, oldest));
  const to = periodOf(
    span,
    Math.max(until * 1000 - 1, Date.parse(begin(from))),
  );
  const whose = by.includes("credential") ? "credential" : "token";
  const limit = READ_AT_ONCE;
  const asked = { span, from, to, whose, token, limit } as const;
  const groups = new Map<string, Gathered>();
  let cursor: string | undefined;
  let read = 0;
  do {
    const page = await store.listUsage({ ...asked, cursor });
    for (const row of page.items) gather(groups, row, by);
    cursor = page.cursor;
    read += READ_AT_ONCE;
    if (cursor !== undefined && read >= READ_AT_MOST) return undefined;
  } while (cursor !== undefined);
  const end = Date.parse(begin(to)) + SPANS[span];
  return {
    span,
    since: begin(from),
    until: toRfc3339(end / 1000),
    groups: [...groups.values()].sort((a, b) => a.key < b.key ? -1 : 1),
  };
}

function begin(period: string): string {
  return `${period.padEnd(13, "T00")}:00:00Z`;
}

function gather(
  groups: Map<string, Gathered>,
  row: UsageRow,
  by: readonly Group[],
) {
  const names = by.map((name) => [name, GROUPS[name](row)] as const);
  const key = names.map(([, value]) => value).join(" ");
  const { sums = {} } = groups.get(key) ?? {};
  const group = Object.fromEntries(names);
  groups.set(key, { key, group, sums: addSums(sums, row.sums) });
}

/** The sums under `prefix:`, by what follows it. */
export function under(prefix: string, sums: Sums): Record<string, number> {
  const found = Object.entries(sums)
    .filter(([name]) => name.startsWith(`${prefix}:`))
    .map(([name, count]) => [name.slice(prefix.length + 1), count] as const)
    .sort(([a], [b]) => a < b ? -1 : 1);
  return Object.fromEntries(found);
}

/** Comma-separated values (RFC 4180), with a line of names. Nothing in them begins a formula. */
export function csv(rows: readonly (readonly unknown[])[]): string {
  const cell = (value: unknown) => {
    const text = `${value ?? ""}`;
    const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
    return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
  };
  return rows.map((row) => row.map(cell).join(",") + "\r\n").join("");
}
