/**
 * When an origin says that a refused key may be used again: in fields, in the
 * members of its JSON, or in so many words.
 *
 * What cannot be understood says nothing; nothing says more than 31 days.
 *
 * @module
 */

import { valuesAt } from "./json.ts";

/** What an origin's refusal tells. */
export interface Telling {
  /** Its fields. */
  readonly headers: Headers;
  /** Its JSON, parsed; `undefined` where it is none. */
  readonly body: unknown;
  /** What it says to people. */
  readonly words: readonly string[];
}

/** Longest rest, seconds: nobody's quota is for more than a month. */
const LONGEST = 31 * 86_400;

/** Seconds since the epoch, always after `now`, which is seconds too; `undefined` where nothing is said. What is meant for machines goes first. */
export function hintOf(telling: Telling, now: number): number | undefined {
  const { headers, body, words } = telling;
  for (const read of [fromRetryAfter, fromMembers, fromResets]) {
    const until = bounded(read(headers, body, now), now);
    if (until !== undefined) return until;
  }
  return bounded(latest(words.map((text) => fromWords(text, now))), now);
}

function bounded(
  until: number | undefined,
  now: number,
): number | undefined {
  if (until === undefined || !(until > now)) return undefined;
  return Math.min(Math.max(Math.ceil(until), now + 1), now + LONGEST);
}

function latest(all: readonly (number | undefined)[]): number | undefined {
  const known = all.filter((until) => until !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

/** `retry-after-ms` (OpenAI's), and RFC 9110 §10.2.3: seconds or a date. */
function fromRetryAfter(headers: Headers, _: unknown, now: number) {
  const milliseconds = numberOf(headers.get("retry-after-ms"));
  if (milliseconds !== undefined) return now + milliseconds / 1000;
  const text = headers.get("retry-after");
  const seconds = numberOf(text);
  return seconds === undefined ? httpDate(text ?? "") : now + seconds;
}

/** An IMF-fixdate; the older forms are none that servers write. */
function httpDate(text: string): number | undefined {
  const date = /^\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT$/.test(text)
    ? Date.parse(text) / 1000
    : NaN;
  return Number.isNaN(date) ? undefined : date;
}

/** Members that say when; the first by Google's RetryInfo, the next by ChatGPT's backend, the last by OpenRouter. */
const MEMBERS: readonly (readonly [string, "delay" | "moment"])[] = [
  ["error.details.*.retryDelay", "delay"],
  ["error.resets_at", "moment"],
  ["error.resets_in_seconds", "delay"],
  ["error.metadata.headers.X-RateLimit-Reset", "moment"],
];

function fromMembers(_: Headers, body: unknown, now: number) {
  return latest(
    MEMBERS.flatMap(([path, how]) =>
      valuesAt(body, path).map((value) => {
        const text = typeof value === "number" ? `${value}` : value;
        if (typeof text !== "string") return undefined;
        const seconds = how === "delay" ? numberOf(text) : undefined;
        return seconds === undefined ? momentOf(text, now) : now + seconds;
      })
    ),
  );
}

/** Limits and when each is whole again: `x-ratelimit-reset-requests`, `anthropic-ratelimit-tokens-reset`, `ratelimit-reset`. */
const RESET = /^(?:x-|anthropic-)?ratelimit-(?:[\w-]+-)?reset(?:-[\w-]+)?$/;

/** The latest of the limits that are used up; a limit of which something remains is not why the key was refused. */
function fromResets(headers: Headers, _: unknown, now: number) {
  const ends: (number | undefined)[] = [];
  for (const [name, value] of headers) {
    if (!RESET.test(name)) continue;
    if (!isUsedUp(headers, name)) continue;
    const milliseconds = name.endsWith("-ms") ? numberOf(value) : undefined;
    const delay = milliseconds !== undefined && milliseconds < EPOCH_MS;
    ends.push(delay ? now + milliseconds / 1000 : momentOf(value, now));
  }
  return latest(ends);
}

/** As far as fields of the same name say: what remains, or how it stands. */
function isUsedUp(headers: Headers, name: string): boolean {
  const beside = (word: string) =>
    headers.get(name.replace(/reset(?:-after|-ms)?/, word));
  const remaining = beside("remaining");
  if (remaining !== null) return numberOf(remaining) === 0;
  return (beside("status") ?? "rejected") === "rejected";
}

/** From here on a number is seconds since the epoch (2001), and from there on milliseconds. */
const EPOCH_S = 1e9, EPOCH_MS = 1e12;

/** RFC 3339, seconds or milliseconds since the epoch, seconds from now, or a duration as Go writes it. */
function momentOf(text: string, now: number): number | undefined {
  const number = numberOf(text);
  if (number === undefined) {
    const delay = durationOf(text);
    return delay === undefined ? dateOf(text) : now + delay;
  }
  if (number >= EPOCH_MS) return number / 1000;
  return number >= EPOCH_S ? number : now + number;
}

function dateOf(text: string): number | undefined {
  const date = /^\d{4}-\d\d-\d\dT[\d:.]{5,18}(?:Z|[+-]\d\d:\d\d)$/i.test(text)
    ? Date.parse(text) / 1000
    : NaN;
  return Number.isNaN(date) ? undefined : date;
}

function numberOf(text: string | null): number | undefined {
  return text !== null && /^\d{1,16}(?:\.\d{1,9})?$/.test(text)
    ? Number(text)
    : undefined;
}

const UNITS: Readonly<Record<string, number>> = {
  ms: 0.001,
  milliseconds: 0.001,
  s: 1,
  sec: 1,
  second: 1,
  m: 60,
  min: 60,
  minute: 60,
  h: 3_600,
  hr: 3_600,
  hour: 3_600,
  d: 86_400,
  day: 86_400,
};
const AMOUNT = "\\d{1,9}(?:\\.\\d{1,9})?";
const UNIT =
  "(?:milliseconds|ms|sec(?:ond)?s?|s|min(?:ute)?s?|m|h(?:(?:ou)?r)?s?|d(?:ay)?s?)";
const PARTS = `(?:${AMOUNT} ?${UNIT}[ ,]{0,2}){1,5}`;
const ONE_PART = new RegExp(`(${AMOUNT}) ?(${UNIT})`, "gi");
const ALL_PARTS = new RegExp(`^${PARTS}$`, "i");

/** `1h2m3.5s`, `120ms`, `2 hours 5 minutes`. */
function durationOf(text: string): number | undefined {
  if (!ALL_PARTS.test(text)) return undefined;
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(ONE_PART)) {
    const name = unit!.toLowerCase();
    const one = UNITS[name] ?? UNITS[name.replace(/s$/, "")]!;
    seconds += Number(amount) * one;
  }
  return seconds;
}

/** "try again in ~158 min", "quota will reset after 1h2m3s", "Please retry in 37.1s". */
const DELAY = new RegExp(
  `\\b(?:reset|resets|again|retry) (?:in|after) (?:about |~ ?)?(${PARTS})`,
  "i",
);
/** "until 2026-12-01", "You will regain access on 2026-12-01 at 00:00 UTC"; without a zone it is UTC. */
const DATE =
  /\b(?:until|after|on|at) (\d{4}-\d\d-\d\d)(?:(?: at |[ T])(\d\d:\d\d(?::\d\d)?))?/;

function fromWords(text: string, now: number): number | undefined {
  const delay = DELAY.exec(text)?.[1];
  if (delay !== undefined) {
    const seconds = durationOf(delay.replace(/[ ,]+$/, ""));
    if (seconds !== undefined) return now + seconds;
  }
  const [, day, time = "00:00"] = DATE.exec(text) ?? [];
  const date = day === undefined ? NaN : Date.parse(`${day}T${time}Z`) / 1000;
  return Number.isNaN(date) ? undefined : date;
}
