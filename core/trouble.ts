/**
 * What an origin's refusal says about the key it was asked with. Each API has
 * its own words for it: the rows are in `providers/trouble.ts`.
 *
 * @module
 */

import type { Begun } from "./egress.ts";
import { hintOf } from "./hint.ts";
import { valuesAt } from "./json.ts";
import { parsedError, peek } from "./peek.ts";
import { type EndpointClass, endpointClass, type Route } from "./provider.ts";
import type { Signal } from "./signal.ts";

/**
 * `key`: the key is refused. `quota`: what it may use or spend is used up.
 * `transient`: too fast, or too much for now; the client waits. `server`: the
 * origin failed.
 */
export type Trouble = "key" | "quota" | "transient" | "server";

/** One way to say so. All that a row names must fit. */
export interface TroubleRow {
  /** `none`: it says nothing about the key, whatever the rows below think. */
  readonly means: Trouble | "none";
  /** HTTP status codes it comes with. */
  readonly status: readonly number[];
  /** Any of the answer's codes: structured members such as `error.code`. */
  readonly code?: RegExp;
  /** What it says to people. May hold what the client has sent, so it is asked last, and from its beginning where it can be. */
  readonly says?: RegExp;
  /** What must not be used for a while; if absent, for `key` the whole key and for `quota` the key for this model. */
  readonly rests?: Rests;
  /** For how long where the origin does not say, seconds; if absent {@linkcode REST}'s. */
  readonly seconds?: number;
}

/** The key, the key for the model that was asked for, or neither: another key may do. */
export type Rests = "key" | "model" | "nothing";

/** How long a key rests where the origin does not say, seconds: the first time, and at most when it goes on failing, each time twice as long. */
export const REST = {
  /** Keys are seldom mended within a minute, and may be within an hour. */
  key: { first: 60, most: 3_600 },
  /** Money and quotas come back at some hour: asked twice an hour, the key is back soon after. */
  quota: { first: 1_800, most: 1_800 },
} as const;

/** Endpoints that want another kind of key: that they refuse this one says nothing about it. */
const OTHERS: ReadonlySet<EndpointClass> = new Set<EndpointClass>([
  "admin",
  "secrets",
  "other",
]);

/** The rows by which answers of a route are examined. */
export async function troubleRows(
  { provider, target }: Route,
  method: string,
): Promise<readonly TroubleRow[]> {
  const kind = endpointClass(provider, method, target);
  return OTHERS.has(kind) ? [] : await provider.trouble();
}

/** What was found. */
export interface Finding {
  /** What it means. */
  readonly trouble: Trouble;
  /** See {@linkcode TroubleRow.rests}. */
  readonly rests: Rests;
  /** Until when, seconds since the epoch; `undefined` where the origin does not say. */
  readonly until: number | undefined;
  /** See {@linkcode TroubleRow.seconds}. */
  readonly seconds: number | undefined;
}

/** An answer, and what it says about its key; nothing for most. */
export interface Examined {
  /** With the very bytes of the one that was looked at. */
  readonly response: Response;
  /** See {@linkcode Finding}. */
  readonly finding: Finding | undefined;
}

/** What an answer is examined by. */
export interface Examining {
  /** Rows, the first that fits counts. */
  readonly rows: readonly TroubleRow[];
  /** As the request names it, which origins like to repeat. */
  readonly model: string;
  /** Seconds since the epoch. */
  readonly now: number;
  /** Aborts when nobody waits any more. */
  readonly signal: Signal;
}

/** Examines an answer; reads of it only where some row asks for more than the status. */
export async function examine(
  begun: Pick<Begun, "response" | "flight">,
  { rows, model, now, signal }: Examining,
): Promise<Examined> {
  const { response } = begun;
  const { status } = response;
  const possible = rows.filter((row) => row.status.includes(status));
  const reads = possible.some(({ code, says }) => code ?? says);
  const peeked = reads ? await peek(begun, signal) : { response, text: "" };
  const { headers } = response;
  const answer = { status, headers, text: peeked.text ?? "" };
  return {
    response: peeked.response,
    finding: find(answer, possible, { model, now }),
  };
}

/** An answer as it is judged. */
export interface Answer {
  /** HTTP status code. */
  readonly status: number;
  /** Its fields. */
  readonly headers: Headers;
  /** Its content; empty where it was not read. */
  readonly text: string;
}

/** The first row that fits; a 5xx is `server` where none does. */
export function find(
  { status, headers, text }: Answer,
  rows: readonly TroubleRow[],
  { model, now }: Pick<Examining, "model" | "now">,
): Finding | undefined {
  const body = parsedError(text);
  const words = wordsOf(body, text);
  const codes = textsAt(body, CODES);
  // Nobody burns a key by calling a model "out of credits"; what is shorter is no word of trouble.
  const said = model.length < 4
    ? words
    : words.map((line) => line.replaceAll(model, ""));
  const row = rows.find((row) =>
    row.status.includes(status) &&
    (row.code === undefined || codes.some((code) => row.code!.test(code))) &&
    (row.says === undefined || said.some((line) => row.says!.test(line)))
  );
  const means = row?.means ?? (status >= 500 ? "server" : "none");
  if (means === "none") return undefined;
  const burns = means === "key" || means === "quota";
  return {
    trouble: means,
    rests: burns ? row?.rests ?? USUAL[means] : "nothing",
    until: burns ? hintOf({ headers, body, words }, now) : undefined,
    seconds: row?.seconds,
  };
}

const USUAL = { key: "key", quota: "model" } as const;

/** Where APIs put what is meant for machines. */
const CODES = [
  "error.code",
  "error.type",
  "error.status",
  "error.reason",
  "error.details.*.reason",
  "error.details.*.violations.*.quotaId",
  "error.details.*.metadata.quota_limit",
  "error.metadata.limit_source",
  "code",
  "type",
];

/** Where they put what is meant for people. */
const WORDS = ["error.message", "error", "message", "detail"];

/** What an error's parsed body says to people; where it is none, its text. */
export function wordsOf(body: unknown, text: string): readonly string[] {
  return body === undefined ? [text] : textsAt(body, WORDS);
}

function textsAt(body: unknown, paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => valuesAt(body, path))
    .filter((value) => typeof value === "string" || typeof value === "number")
    .map(String);
}
