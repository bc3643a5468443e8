/**
 * What the usage page asks for, and how it is put together: sums over time,
 * and sums by what they are split by.
 *
 * @module
 */

import {
  type Drawn,
  largest,
  type Series,
  type Step,
  timesOf,
  type UsageSums,
  valuesOf,
} from "./series.ts";

/** What sums can be split by. */
export const SPLITS = {
  none: "nothing",
  token: "token",
  provider: "provider",
  model: "model",
  credential: "key",
} as const;

/** See {@linkcode SPLITS}. */
export type Split = keyof typeof SPLITS;

/** What is asked. */
export interface Asked {
  readonly hours: number;
  readonly step: Step;
  readonly split: Split;
  /** Public id of the one token; empty: all. */
  readonly token: string;
}

/** What came of it. */
export interface Loaded {
  readonly asked: Asked;
  readonly times: readonly number[];
  /** By step alone. */
  readonly over: readonly UsageSums[];
  /** By what it is split by alone; all in one where by nothing. */
  readonly groups: readonly UsageSums[];
  /** By both; `undefined`: there is too much of it to be drawn. */
  readonly both: readonly UsageSums[] | undefined;
  /** There are more groups than were read. */
  readonly more: boolean;
}

/** Reads a path; throws what the page shows. */
export type Get = <Answer>(path: string) => Promise<Answer>;

/** Pages that are read at most, a thousand sums each. */
const MOST_PAGES = 10;
/** Groups that are drawn by themselves. */
export const DRAWN = 5;

/** Asks for all of it. */
export async function loadUsage(
  get: Get,
  asked: Asked,
  now: number,
): Promise<Loaded> {
  const { step, split } = asked;
  const { since, until } = spanOf(asked, now);
  const times = timesOf(step, since, until);
  const over = await sums(get, pathOf(asked, { by: step, now }));
  const known = { asked, times, over: over.rows };
  if (split === "none") {
    return { ...known, groups: [], both: undefined, more: false };
  }
  const groups = await sums(get, pathOf(asked, { by: split, now }));
  const both = await bothOf(get, asked, { groups: groups.rows, now });
  return { ...known, groups: groups.rows, both, more: groups.more };
}

/** Both ends of what is asked, at a step's, milliseconds since the epoch. */
function spanOf({ hours, step }: Asked, now: number) {
  const length = step === "hour" ? 3_600_000 : 86_400_000;
  const until = Math.floor(now / length) * length + length;
  return { since: until - hours * 3_600_000, until };
}

/** The path of one question. */
export function pathOf(
  asked: Asked,
  { by, now, token = asked.token }: { by: string; now: number; token?: string },
): string {
  const { since } = spanOf(asked, now);
  const query = new URLSearchParams({
    by,
    since: `${new Date(since).toISOString().slice(0, 19)}Z`,
    limit: "1000",
    ...(token && { token }),
  });
  return `/admin/usage?${query}`;
}

async function sums(get: Get, path: string, most = MOST_PAGES) {
  const rows: UsageSums[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < most; page++) {
    const more: string = cursor === undefined
      ? ""
      : `&cursor=${encodeURIComponent(cursor)}`;
    const answer = await get<{ usage: UsageSums[]; cursor?: string }>(
      path + more,
    );
    rows.push(...answer.usage);
    cursor = answer.cursor;
    if (cursor === undefined) return { rows, more: false };
  }
  return { rows, more: true };
}

/** Where there are many tokens, only those that are drawn are asked for. */
async function bothOf(
  get: Get,
  asked: Asked,
  { groups, now }: { groups: readonly UsageSums[]; now: number },
): Promise<UsageSums[] | undefined> {
  const { step, split } = asked;
  if (split !== "token" || groups.length <= 3 * DRAWN) {
    const both = await sums(
      get,
      pathOf(asked, { by: `${step},${split}`, now }),
    );
    return both.more ? undefined : both.rows;
  }
  const each = await Promise.all(
    first(groups, split).map(async (token) => {
      const { rows } = await sums(get, pathOf(asked, { by: step, now, token }));
      return rows.map((row) => ({ ...row, token }));
    }),
  );
  return each.flat();
}

/** The name of a row's group. */
export function groupOf(row: UsageSums, split: Split): string {
  return split === "none" ? "" : row[split] ?? "";
}

/** The groups that are drawn by themselves: those that cost most, else those asked most. */
export function first(
  groups: readonly UsageSums[],
  split: Split,
): string[] {
  const priced = groups.some(({ cost }) => cost > 0);
  return largest(groups, {
    nameOf: (row) => groupOf(row, split),
    read: ({ cost, requests }) => priced ? cost : requests,
    most: DRAWN,
  });
}

/** A part of what is drawn where it is split by nothing. */
export interface Part {
  readonly name: string;
  readonly read: (row: UsageSums) => number;
  readonly guessed?: true;
}

/** What a chart is drawn of: its `parts` over time, else the groups. */
export function drawn(
  { asked: { split }, times, over, groups, both }: Loaded,
  { parts, nameOf }: {
    parts: readonly Part[];
    nameOf: (group: string) => string;
  },
): Drawn {
  const all = (row: UsageSums) =>
    parts.reduce((sum, { read }) => sum + read(row), 0);
  if (split === "none" || both === undefined) {
    return {
      times,
      series: parts.map(({ read, ...rest }) => ({
        ...rest,
        values: valuesOf(over, times, read),
      })),
    };
  }
  const names = first(groups, split);
  const series: Series[] = names.map((name) => ({
    name: nameOf(name),
    values: valuesOf(
      both.filter((row) => groupOf(row, split) === name),
      times,
      all,
    ),
  }));
  const rest = valuesOf(over, times, all).map((value, i) =>
    Math.max(0, value - series.reduce((sum, one) => sum + one.values[i]!, 0))
  );
  const others = rest.some((value) => value > 0);
  return {
    times,
    series: others ? [...series, { name: "others", values: rest }] : series,
  };
}

/** Everything in one. */
export function sumOf(rows: readonly UsageSums[]): UsageSums {
  const add = (
    a: Readonly<Record<string, number>>,
    b: Readonly<Record<string, number>>,
  ) => {
    const sum: Record<string, number> = { ...a };
    for (const [name, n] of Object.entries(b)) sum[name] = (sum[name] ?? 0) + n;
    return sum;
  };
  return rows.reduce<UsageSums>((sum, row) => ({
    requests: sum.requests + row.requests,
    errors: add(sum.errors, row.errors),
    used: add(sum.used, row.used),
    cost: sum.cost + row.cost,
    costGuessed: sum.costGuessed + row.costGuessed,
    guessed: sum.guessed + row.guessed,
    unpriced: sum.unpriced + row.unpriced,
  }), NOTHING);
}

const NOTHING: UsageSums = {
  requests: 0,
  errors: {},
  used: {},
  cost: 0,
  costGuessed: 0,
  guessed: 0,
  unpriced: 0,
};

/** All that went wrong, whatever it was. */
export function failed({ errors }: UsageSums): number {
  return Object.values(errors).reduce((sum, n) => sum + n, 0);
}

/** Tokens read and written. */
export function tokensOf({ used }: UsageSums): number {
  return (used.input ?? 0) + (used.output ?? 0);
}
