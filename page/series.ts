/**
 * Sums over time as charts want them: every hour or day there is a place, the
 * largest groups a series each, all others one.
 *
 * @module
 */

/** What `GET /admin/usage` says of a group. */
export interface UsageSums {
  readonly hour?: string;
  readonly day?: string;
  readonly token?: string;
  readonly provider?: string;
  readonly model?: string;
  readonly credential?: string;
  readonly requests: number;
  readonly errors: Readonly<Record<string, number>>;
  readonly used: Readonly<Record<string, number>>;
  /** Micro-dollars. */
  readonly cost: number;
  /** Micro-dollars of it that were not measured. */
  readonly costGuessed: number;
  readonly guessed: number;
  readonly unpriced: number;
}

/** What time is cut into. */
export type Step = "hour" | "day";

/** One row of bars. */
export interface Series {
  readonly name: string;
  readonly values: readonly number[];
  /** Drawn as an estimate. */
  readonly guessed?: true;
}

/** What a chart is drawn of. */
export interface Drawn {
  /** Milliseconds since the epoch, each the beginning of a step. */
  readonly times: readonly number[];
  readonly series: readonly Series[];
}

const LENGTH: Readonly<Record<Step, number>> = {
  hour: 3_600_000,
  day: 86_400_000,
};

/** Most steps that are drawn. */
const MOST_STEPS = 1000;

/** The beginnings of all steps from `since` to `until`, milliseconds since the epoch. */
export function timesOf(step: Step, since: number, until: number): number[] {
  const length = LENGTH[step];
  const first = Math.floor(since / length) * length;
  const count = Math.ceil((until - first) / length);
  return Array.from(
    { length: Math.max(1, Math.min(count, MOST_STEPS)) },
    (_, i) => first + i * length,
  );
}

/** When a row's step begins, milliseconds since the epoch. */
export function timeOf({ hour, day }: UsageSums): number {
  return Date.parse(hour ?? `${day}T00:00:00Z`);
}

/** A row of `values`, one for each of `times`. */
export function valuesOf(
  rows: readonly UsageSums[],
  times: readonly number[],
  read: (row: UsageSums) => number,
): number[] {
  const at = new Map(times.map((time, i) => [time, i]));
  const values = times.map(() => 0);
  for (const row of rows) {
    const i = at.get(timeOf(row));
    if (i !== undefined) values[i]! += read(row);
  }
  return values;
}

/** The `most` largest of `rows` by what `read` says, a name once. */
export function largest(
  rows: readonly UsageSums[],
  { nameOf, read, most }: {
    nameOf: (row: UsageSums) => string;
    read: (row: UsageSums) => number;
    most: number;
  },
): string[] {
  const sums = new Map<string, number>();
  for (const row of rows) {
    sums.set(nameOf(row), (sums.get(nameOf(row)) ?? 0) + read(row));
  }
  return [...sums].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
    .slice(0, most).map(([name]) => name);
}

/** Round marks of an axis, from 0 to `largest` or above: three to six of them. */
export function ticksOf(largest: number, whole: boolean): number[] {
  if (!(largest > 0)) return [0, 1];
  const rough = largest / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const round = [1, 2, 5, 10].find((factor) => factor * power >= rough)!;
  const step = whole ? Math.max(1, round * power) : round * power;
  const count = Math.ceil(largest / step);
  return Array.from({ length: count + 1 }, (_, i) => i * step);
}

/** Places of `count` along an axis that has room for `room` labels: the last is always among them. */
export function labelled(count: number, room: number): number[] {
  const every = Math.max(1, Math.ceil(count / Math.max(1, room)));
  const places: number[] = [];
  for (let i = count - 1; i >= 0; i -= every) places.unshift(i);
  return places;
}

/** The sum of all. */
export function total(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
