/**
 * Amounts as people read them.
 *
 * @module
 */

/** Micro-dollars: two digits, or as many as show that it is not nothing. */
export function money(micro: number): string {
  const dollars = micro / 1e6;
  if (dollars !== 0 && Math.abs(dollars) < 0.01) {
    return `$${Number(dollars.toPrecision(2)).toFixed(6).replace(/0+$/, "")}`;
  }
  return DOLLARS.format(dollars);
}

const DOLLARS = new Intl.NumberFormat("en-US", {
  style: "currency",
  currency: "USD",
});
const WHOLE = new Intl.NumberFormat("en-US");
const SHORT = new Intl.NumberFormat("en-US", {
  notation: "compact",
  maximumFractionDigits: 1,
});

/** 12,345. */
export function count(value: number): string {
  return WHOLE.format(value);
}

/** 12.3K, from ten thousand on. */
export function compact(value: number): string {
  return Math.abs(value) < 10_000 ? WHOLE.format(value) : SHORT.format(value);
}

/** `value` of `whole`: `12 %`; what is more than nothing is never shown as nothing, nor what is less than all as all. */
export function share(value: number, whole: number): string {
  if (!(whole > 0) || value <= 0) return "0 %";
  const percent = Math.round(100 * value / whole);
  if (percent === 0) return "< 1 %";
  return percent === 100 && value < whole ? "> 99 %" : `${percent} %`;
}

/** 1,234 B, 12.3 kB, 4.5 MB. */
export function bytes(value: number): string {
  if (value < 10_000) return `${WHOLE.format(value)} B`;
  const units = ["kB", "MB", "GB", "TB"];
  let amount = value / 1000;
  let at = 0;
  while (amount >= 999.95 && at < units.length - 1) {
    amount /= 1000;
    at++;
  }
  return `${amount.toFixed(1)} ${units[at]}`;
}

/** 850 ms, 12.3 s, 4 min 05 s, 2 h 03 min. */
export function duration(ms: number): string {
  const tenths = Math.round(ms / 100);
  if (ms < 1000) return `${Math.max(0, Math.round(ms))} ms`;
  if (tenths < 600) return `${(tenths / 10).toFixed(1)} s`;
  return clock(Math.floor(ms / 1000));
}

/** Seconds until something: 45 s, 4 min 05 s, 2 h 03 min. */
export function clock(seconds: number): string {
  const [s, min, h] = [
    seconds % 60,
    Math.floor(seconds / 60) % 60,
    Math.floor(seconds / 3600),
  ];
  if (h >= 48) return `${Math.floor(h / 24)} days`;
  if (h > 0) return `${h} h ${two(min)} min`;
  return min > 0 ? `${min} min ${two(s)} s` : `${s} s`;
}

function two(value: number): string {
  return `${value}`.padStart(2, "0");
}

/** Names that a person wrote one below the other, or with commas. */
export function listIn(text: string): string[] {
  return text.split(/[\n,]/).map((name) => name.trim()).filter((name) =>
    name !== ""
  );
}
