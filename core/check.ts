/**
 * Whether a key works: the cheapest call that tells, and what its API says may
 * still be spent. Nothing changes by it: no key cools for it, and none warms.
 *
 * @module
 */

import type { CheckFailure } from "./check_failures.ts";
import type { Credential } from "./credential.ts";
import { within } from "./deadline.ts";
import type { Egress } from "./egress.ts";
import { hidden } from "./hush.ts";
import { parsedError } from "./peek.ts";
import type { Provider } from "./provider.ts";
import { isRefusal, type Refusal, REFUSALS } from "./refusal.ts";
import { refusesRegion } from "./region.ts";
import type { Trouble, TroubleRow } from "./trouble.ts";
import { readWhole } from "./watch.ts";

/** A call that proves a key. */
export interface KeyCheck {
  /** POST where there is `content`, else GET. */
  readonly path: string;
  /** JSON. */
  readonly content?: string;
  /** Statuses, beside those of success, that an API answers only to a key it knows. */
  readonly proves?: readonly number[];
}

/** What a key, or the account behind it, may spend; in units of the currency. */
export interface Balance {
  /** What is left; absent: there is no bound, or nobody says. */
  readonly remaining?: number;
  /** What may be spent in all. */
  readonly limit?: number;
  /** What was spent. */
  readonly used?: number;
  /** ISO 4217; absent where nobody says. */
  readonly currency?: string;
}

/** Where an API tells what may be spent. */
export interface BalanceCall {
  /** Path of the GET. */
  readonly path: string;
  /** Of its answer, parsed: one for each currency. */
  readonly read: (answer: unknown) => readonly Balance[];
  /** Where the answer names none: that of the table's own origin. */
  readonly currency?: string;
}

/** What a check has found. */
export interface Checked {
  /** Whether the key works. */
  readonly ok: boolean;
  /** Of the answer; `null` where there was none. */
  readonly status: number | null;
  /** Milliseconds until the answer was read. */
  readonly ms: number;
  /** Why not. */
  readonly reason?: CheckFailure;
  /** In the API's own words, what was sent masked. */
  readonly detail?: string;
  /** How many models it lists, where it was asked for these. */
  readonly models?: number;
  /** What may be spent, where the API tells. */
  readonly balance?: readonly Balance[];
  /** It came through a hop: it is the key there that was asked with. */
  readonly hop?: true;
}

/** What a check needs. */
export interface Checking {
  /** The way that requests go. */
  readonly egress: Egress;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Milliseconds that all of it may take; ten seconds where absent. */
  readonly takes?: number;
}

/** Milliseconds that all of a check may take. */
const TAKES = 10_000;
/** Most of what an API says that is told. */
const MOST_SAID = 300;

/** Asks the API. */
export function checkKey(
  provider: Provider,
  credential: Credential,
  { egress, now, takes = TAKES }: Checking,
): Promise<Checked> {
  return within(
    takes,
    (signal) => check({ provider, credential, egress, signal }, now),
  );
}

async function check(asking: Asking, now: () => number): Promise<Checked> {
  const { provider, credential, signal } = asking;
  const call = provider.check ?? { path: provider.models.path };
  const began = now();
  const heard = await ask(call, asking);
  const ms = now() - began;
  if (isRefusal(heard)) return { ...unheard(heard, signal), ms };
  const rows = await provider.trouble();
  const reading = await import("./pooled.ts");
  const found = judged(heard, {
    ...{ provider, credential, rows, reading },
    seconds: Math.floor(began / 1000),
  });
  const able = found.ok || found.reason === "quota";
  const balance = able ? await balanceOf(call, heard, asking) : [];
  return {
    ...found,
    status: heard.status,
    ms,
    ...balance.length > 0 && { balance },
    ...heard.hop && { hop: true },
  };
}

interface Asking extends Pick<Checking, "egress"> {
  readonly provider: Provider;
  readonly credential: Credential;
  readonly signal: AbortSignal;
}

/** An answer, read to its end; its text is empty where it had none, or too much. */
interface Heard {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly hop?: true | undefined;
}

async function ask(
  { path, content }: Pick<KeyCheck, "path" | "content">,
  { provider, credential, egress, signal }: Asking,
): Promise<Heard | Refusal> {
  const [plain = ""] = path.split("?");
  // What a GET of the probe needs, every call needs.
  const received = new Headers(
    provider.region.probe.fields as [string, string][],
  );
  if (content !== undefined) received.set("content-type", "application/json");
  const body = content === undefined ? undefined : new Blob([content]);
  const begun = await egress({
    method: body ? "POST" : "GET",
    provider,
    target: { path: plain, query: path.slice(plain.length) },
    credential,
    received,
    content: { body, length: body?.size ?? 0 },
    signal,
  });
  if (isRefusal(begun)) return begun;
  const { response, flight, hop } = begun;
  const { status, headers } = response;
  if (response.body === null) {
    flight.land();
    return { status, headers, text: "", hop };
  }
  const idleSeconds = TAKES / 1000;
  const whole = await readWhole(response, begun, { idleSeconds, signal });
  if (isRefusal(whole) && signal.aborted) return whole;
  const text = isRefusal(whole) ? "" : new TextDecoder().decode(whole);
  return { status, headers, text, hop };
}

/** How answers are read; loaded with the first, as for a pool. */
type Reading = Pick<typeof import("./pooled.ts"), "find" | "wordsOf">;

/** No answer came. */
function unheard(
  { refused, detail = REFUSALS[refused].detail }: Refusal,
  { aborted }: AbortSignal,
): Omit<Checked, "ms"> {
  const late = aborted || refused === "origin_timeout";
  return late
    ? { ok: false, status: null, reason: "timeout" }
    : { ok: false, status: null, reason: "unreachable", detail };
}

/** What an answer says about the key. */
function judged(
  heard: Heard,
  { provider, credential: { key }, rows, reading, seconds }: {
    readonly provider: Provider;
    readonly credential: Credential;
    readonly rows: readonly TroubleRow[];
    readonly reading: Reading;
    readonly seconds: number;
  },
): Pick<Checked, "ok" | "reason" | "detail" | "models"> {
  const { status, text, hop } = heard;
  const { region, fixed = [], check, models } = provider;
  const body = parsedError(text);
  // A hop's key, which is not known here, could stand in it.
  const said = hop ? undefined : sayingOf(reading.wordsOf(body, text), body);
  const detail = said && hidden(said, [key, ...secretsIn(fixed)])
    .slice(0, MOST_SAID);
  const fails = (reason: CheckFailure) => ({
    ok: false,
    reason,
    ...detail && { detail },
  });
  if (status === region.status && refusesRegion(text, region)) {
    return fails("region");
  }
  const finding = reading.find(heard, rows, { model: "", now: seconds });
  // It is known, and may do other things.
  if (finding?.trouble === "key" && finding.rests === "nothing") {
    return { ok: true, ...detail && { detail } };
  }
  if (finding) return fails(finding.trouble satisfies Trouble);
  const success = status >= 200 && status <= 299;
  const count = success && !check ? models.read(body)?.length : undefined;
  if (count !== undefined) return { ok: true, models: count };
  // Where there is no key, whatever is no trouble is an answer.
  if (key === "") return { ok: true };
  const proves = check && (success || check.proves?.includes(status));
  return proves && body !== undefined ? { ok: true } : fails("unknown");
}

/** What an error says to people; pages are for nobody. */
function sayingOf(
  words: readonly string[],
  body: unknown,
): string | undefined {
  const said = words.map((line) => line.trim()).find(Boolean);
  return body === undefined && said?.startsWith("<") ? undefined : said;
}

/** Of what an owner has written on every request, what is long enough to be a secret. */
function secretsIn(fixed: NonNullable<Provider["fixed"]>): string[] {
  return fixed.flatMap(([, value]) => value.split(/\s+/))
    .filter(({ length }) => length >= 8);
}

/** What may be spent; nothing where the API does not tell, or not now. */
async function balanceOf(
  { path }: KeyCheck,
  heard: Heard,
  asking: Asking,
): Promise<readonly Balance[]> {
  const { balance, home } = asking.provider;
  if (balance === undefined) return [];
  const answer = path === balance.path ? heard : await ask(balance, asking);
  if (isRefusal(answer) || answer.status !== 200) return [];
  // Another origin may reckon in another currency.
  const usual = home === undefined && balance.currency !== undefined &&
    { currency: balance.currency };
  return balance.read(parsedError(answer.text))
    .map((one) => ({ ...usual, ...one }));
}
