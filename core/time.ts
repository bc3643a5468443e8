/**
 * Times as people write them. Records keep seconds since the epoch, the API
 * speaks RFC 3339 in UTC.
 *
 * @module
 */

/** Seconds since the epoch as RFC 3339 in UTC, whole seconds. */
export function toRfc3339(seconds: number): string {
  return new Date(seconds * 1000).toISOString().replace(".000Z", "Z");
}

const RFC3339 =
  /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/** Seconds since the epoch; `undefined` for a text without an offset, or no date. */
export function fromRfc3339(text: string): number | undefined {
  if (!RFC3339.test(text)) return undefined;
  const milliseconds = Date.parse(text);
  if (Number.isNaN(milliseconds)) return undefined;
  // Date.parse rolls 31 February over into March.
  const day = Number(text.slice(8, 10));
  const month = Number(text.slice(5, 7));
  const last = new Date(Date.UTC(Number(text.slice(0, 4)), month, 0));
  return day > last.getUTCDate() ? undefined : Math.floor(milliseconds / 1000);
}

const UNITS: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86400 };

/** `45s`, `10m`, `12h`, `30d` in seconds. */
export function parseDuration(text: string): number | undefined {
  const [, amount, unit] = /^(\d{1,6})([smhd])$/.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * UNITS[unit!]!;
}

/**
 * A moment as typed on a command line: `now`, `+30m`, `22:00` (the next one on
 * this machine's clock; the present minute is now), `2026-11-20 22:00` (this
 * machine's clock), or RFC 3339. Seconds since the epoch.
 */
export function parseMoment(text: string, now: number): number | undefined {
  if (text === "now") return now;
  if (text.startsWith("+")) {
    const duration = parseDuration(text.slice(1));
    return duration === undefined ? undefined : now + duration;
  }
  const local = /^(?:(\d{4})-(\d\d)-(\d\d) )?([01]\d|2[0-3]):([0-5]\d)$/
    .exec(text);
  return local === null ? fromRfc3339(text) : localMoment(local, now);
}

function localMoment(
  [, year, month, day, hour, minute]: RegExpExecArray,
  now: number,
): number | undefined {
  const date = new Date(now * 1000);
  if (year !== undefined) {
    date.setFullYear(Number(year), Number(month) - 1, Number(day));
    if (date.getDate() !== Number(day)) return undefined;
  }
  const sameMinute = year === undefined &&
    date.getHours() === Number(hour) && date.getMinutes() === Number(minute);
  if (sameMinute) return now;
  date.setHours(Number(hour), Number(minute), 0, 0);
  if (year === undefined && date.getTime() / 1000 < now) {
    date.setDate(date.getDate() + 1);
  }
  return date.getTime() / 1000;
}
