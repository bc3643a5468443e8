/**
 * What the admin API says of usage.
 *
 * @module
 */

import * as v from "valibot";
import type { Entry, Sums } from "../core/ledger.ts";
import {
  csv,
  type Gathered,
  type Group,
  GROUPS,
  type Report,
  reportUsage,
  under,
} from "../core/report.ts";
import { fromRfc3339 } from "../core/time.ts";
import { USAGE_KINDS } from "../core/usage.ts";
import { Problem, type Work } from "./work.ts";

const NAMES = Object.keys(GROUPS) as Group[];
const DAY = 86_400;

const Moment = v.pipe(
  v.string(),
  v.check(
    (text) => fromRfc3339(text) !== undefined,
    "must be an RFC 3339 time with an offset, such as 2027-01-31T12:00:00Z",
  ),
);
const Count = v.pipe(v.number(), v.integer());
const Counts = v.record(v.string(), Count);
const Money = v.pipe(Count, v.description("Micro-dollars"));
const Limit = v.pipe(
  v.string(),
  v.regex(/^\d{1,4}$/, "must be a number"),
  v.transform(Number),
  v.minValue(1, "must be 1 or more"),
  v.maxValue(1000, "must be 1000 or less"),
);
const Id = v.pipe(
  v.string(),
  v.regex(/^[0-9A-Za-z]{8}$/, "must be a public id"),
);

/** Query of the sums. */
export const UsageQuery = v.strictObject({
  by: v.optional(
    v.pipe(
      v.string(),
      v.check(
        (text) => text.split(",").every((name) => name in GROUPS),
        `must be of ${NAMES.join(", ")}`,
      ),
      v.description(
        `Of ${NAMES.join(", ")}, split by commas; credential not with token`,
      ),
    ),
    "token",
  ),
  since: v.optional(v.pipe(Moment, v.description("A day ago if absent"))),
  until: v.optional(v.pipe(Moment, v.description("Now if absent"))),
  token: v.optional(Id),
  cursor: v.optional(v.pipe(v.string(), v.maxLength(400, "is no cursor"))),
  limit: v.optional(Limit, "100"),
});

/** Query of a token's last requests. */
export const RequestsQuery = v.strictObject({
  limit: v.optional(Limit, "100"),
});

/** The sums. */
export const UsagePage = v.object({
  span: v.picklist(["hour", "day"]),
  since: v.string(),
  until: v.string(),
  usage: v.array(v.object({
    hour: v.optional(v.string()),
    day: v.optional(v.string()),
    token: v.optional(v.string()),
    provider: v.optional(v.string()),
    model: v.optional(v.string()),
    credential: v.optional(v.string()),
    requests: Count,
    errors: v.pipe(Counts, v.description("Requests by code")),
    used: v.pipe(Counts, v.description("Tokens and the like by kind")),
    cost: Money,
    costGuessed: v.pipe(Money, v.description("Of it not measured")),
    guessed: v.pipe(Count, v.description("Requests not wholly measured")),
    unpriced: v.pipe(Count, v.description("Requests without a price")),
  })),
  cursor: v.optional(v.string()),
});

/** A token's last requests. */
export const RequestList = v.object({
  requests: v.array(v.object({
    time: v.string(),
    id: v.string(),
    token: v.string(),
    provider: v.string(),
    model: v.string(),
    credential: v.optional(v.string()),
    endpoint: v.string(),
    status: Count,
    ending: v.string(),
    refused: v.optional(v.string()),
    usage: Counts,
    cost: v.optional(Money),
    state: v.picklist(["measured", "partial", "estimated"]),
    ms: v.number(),
    parts: v.optional(v.array(v.object({
      model: v.string(),
      usage: Counts,
      cost: v.optional(Money),
    }))),
  })),
});

type Asked = Work<unknown, v.InferOutput<typeof UsageQuery>>;

/** A page of the sums. */
export async function usagePage(work: Asked) {
  const { groups, ...report } = await reported(work);
  const { cursor = "", limit } = work.query;
  const rest = groups.filter(({ key }) => cursor === "" || key > cursor);
  const shown = rest.slice(0, limit);
  return {
    ...report,
    usage: shown.map(({ group, sums }) => ({ ...group, ...countsOf(sums) })),
    ...(rest.length > limit && { cursor: shown.at(-1)!.key }),
  };
}

/** All of the sums. */
export async function usageCsv(work: Asked): Promise<string> {
  const { groups } = await reported(work);
  const names = by(work);
  const kinds = Object.keys(USAGE_KINDS);
  const sums = ["cost", "costGuessed", "guessed", "unpriced"];
  const head = [...names, "requests", "errors", ...kinds, ...sums];
  const line = ({ group, sums: all }: Gathered) => {
    const { errors, used, ...plain } = countsOf(all);
    const row: Record<string, unknown> = {
      ...group,
      ...Object.fromEntries(kinds.map((kind) => [kind, used[kind] ?? 0])),
      ...plain,
      errors: Object.values(errors).reduce((sum, count) => sum + count, 0),
    };
    return head.map((name) => row[name]);
  };
  return csv([head, ...groups.map(line)]);
}

/** A token's last requests, newest first. */
export async function lastRequests(
  { store, id, query }: Work<unknown, { limit: number }>,
): Promise<{ requests: readonly Entry[] }> {
  return { requests: await store.listRequests(id, query.limit) };
}

async function reported(work: Asked): Promise<Report> {
  const { query, store, now, keep } = work;
  const until = query.until === undefined ? now + 1 : fromRfc3339(query.until)!;
  const since = query.since === undefined
    ? now - DAY
    : fromRfc3339(query.since)!;
  if (since >= until) {
    throw new Problem(400, "until must be later than since.", "/query/until");
  }
  const names = by(work);
  const tokens = query.token !== undefined || names.includes("token");
  if (tokens && names.includes("credential")) {
    const title = "by credential is for all tokens together: name none.";
    throw new Problem(400, title, "/query/by");
  }
  const question = { by: names, since, until, token: query.token };
  const report = await reportUsage(store, question, { now, keep });
  if (report !== undefined) return report;
  const title = "This is too much at once: name a token, or a shorter time.";
  throw new Problem(400, title, "/query/since");
}

function by({ query }: Asked): Group[] {
  return [...new Set(query.by.split(",") as Group[])];
}

function countsOf(sums: Sums) {
  const { requests = 0, cost = 0, costGuessed = 0 } = sums;
  const { guessed = 0, unpriced = 0 } = sums;
  return {
    requests,
    errors: under("error", sums),
    used: under("use", sums),
    cost,
    costGuessed,
    guessed,
    unpriced,
  };
}
