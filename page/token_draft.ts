/**
 * What is typed of a token, and the body it comes to.
 *
 * @module
 */

import { listIn } from "./amounts.ts";
import type { Limits, Token } from "./tokens.ts";

/** Classes of endpoints, the usual ones first. */
export const CLASSES: readonly string[] = [
  ...["inference", "embeddings", "images", "audio", "models", "realtime"],
  ...["files", "batches", "stored", "videos", "fine-tuning", "agents"],
  ...["admin", "secrets", "other", "all"],
];

/** As typed: texts, so that nothing of it is lost. */
export interface Draft {
  readonly label: string;
  readonly note: string;
  readonly token: string;
  readonly expires: string;
  readonly providers: readonly string[];
  readonly endpoints: readonly string[];
  readonly models: string;
  readonly addresses: string;
  readonly requests: string;
  readonly tokens: string;
  readonly concurrency: string;
  readonly day: string;
  readonly month: string;
  readonly total: string;
  readonly isolated: boolean;
  readonly clamp: boolean;
  readonly exactUsage: boolean;
  readonly drain: boolean;
}

/** The limits, by their fields; money in dollars. */
export const LIMITS = [
  { name: "requests", label: "Requests a minute", path: "requests" },
  { name: "tokens", label: "Tokens a minute", path: "tokens" },
  { name: "concurrency", label: "Requests at a time", path: "concurrency" },
  { name: "day", label: "Dollars a day", path: "budget/day" },
  { name: "month", label: "Dollars a month", path: "budget/month" },
  { name: "total", label: "Dollars in all", path: "budget/total" },
] as const;

/** A token as it would be typed; a new one is for the usual endpoints. */
export function draftOf(token: Token | undefined): Draft {
  const { limits = {} as Limits } = token ?? {};
  const text = (value: number | undefined) =>
    value === undefined ? "" : `${value}`;
  const dollars = (micro: number | undefined) =>
    micro === undefined ? "" : `${micro / 1e6}`;
  return {
    label: token?.label ?? "",
    note: token?.note ?? "",
    token: "",
    expires: token?.expires ? localTime(token.expires) : "",
    providers: token?.providers ?? [],
    endpoints: token?.endpoints ?? CLASSES.slice(0, 6),
    models: token?.models.join(", ") ?? "",
    addresses: token?.addresses.join(", ") ?? "",
    requests: text(limits.requests),
    tokens: text(limits.tokens),
    concurrency: text(limits.concurrency),
    day: dollars(limits.budget?.day),
    month: dollars(limits.budget?.month),
    total: dollars(limits.budget?.total),
    isolated: token?.isolated ?? false,
    clamp: token?.clamp ?? false,
    exactUsage: token?.exactUsage ?? false,
    drain: token?.abort === "drain",
  };
}

/** What is sent; for a new token without what is empty. Numbers that are none go as they were typed, so that doppel says so. */
export function bodyOf(draft: Draft, token: Token | undefined): unknown {
  const { label, note, providers, endpoints, isolated } = draft;
  const { clamp, exactUsage, drain } = draft;
  return {
    ...{ label, note, providers, endpoints, isolated, clamp, exactUsage },
    models: listIn(draft.models),
    addresses: listIn(draft.addresses),
    abort: drain ? "drain" : "cancel",
    limits: limitsOf(draft),
    expires: draft.expires === ""
      ? null
      : new Date(draft.expires).toISOString().replace(".000Z", "Z"),
    ...!token && draft.token !== "" && { token: draft.token },
  };
}

function limitsOf(draft: Draft): unknown {
  const number = (text: string, times = 1) => {
    const value = Number(text.trim()) * times;
    return Number.isFinite(value) ? Math.round(value) : text;
  };
  const given = (names: readonly (keyof Draft)[], times = 1) =>
    Object.fromEntries(
      names.filter((name) => `${draft[name]}`.trim() !== "")
        .map((name) => [name, number(`${draft[name]}`, times)]),
    );
  const budget = given(["day", "month", "total"], 1e6);
  return {
    ...given(["requests", "tokens", "concurrency"]),
    ...Object.keys(budget).length > 0 && { budget },
  };
}

/** As an input of the browser wants it: this machine's clock, to the minute. */
function localTime(time: string): string {
  const date = new Date(time);
  const local = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}
