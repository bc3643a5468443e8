/** What is made of a list of numbers. */

/** Of all rounds: the middle one, and the two ends. */
export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

/** The smallest value that this part of all (0 to 1) is not above; `NaN` of none. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = Math.ceil(sorted.length * part) - 1;
  return sorted[Math.max(0, at)] ?? NaN;
}

/** Of an even number of values the mean of the middle two; `undefined` of none. */
export function spread(values: readonly number[]): Spread | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  const [least, most] = [sorted[0], sorted.at(-1)];
  if (least === undefined || most === undefined) return undefined;
  const half = sorted.length / 2;
  const median = (sorted[Math.ceil(half) - 1]! + sorted[Math.floor(half)]!) / 2;
  return { median, least, most };
}

/** A number for people: thousands parted, as many digits as asked for. */
export function number(value: number, digits = 0): string {
  const text = value.toLocaleString("en-US", {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  return /^-0(?:\.0+)?$/.test(text) ? text.slice(1) : text;
}

/** `median (least–most)`; a dash of none, the value alone of one. */
export function spreadText(of: Spread | undefined, digits = 0): string {
  if (of === undefined) return "–";
  const { median, least, most } = of;
  if (least === most) return number(median, digits);
  return `${number(median, digits)} (${number(least, digits)}–${
    number(most, digits)
  })`;
}
