/**
 * What was used, in the shared store: a hash of a period and a token, or a
 * credential, whose fields are `provider model` and whose values are sums as JSON; an index of
 * these hashes by period, for tokens and for credentials; and a list of each token's last requests.
 *
 * @module
 */

import type { Redis } from "@upstash/redis/cloudflare";
import {
  type Entry,
  MOST_MODELS,
  periodOf,
  type Retention,
  type Span,
  SPANS,
  type Sums,
  type UsageRow,
  type Whose,
} from "../core/ledger.ts";
import type { UsageRequest } from "../core/store.ts";
import { page, parsed, type Verbs } from "./verbs.ts";

/** Seconds for which a batch is known, should it come again. */
const BATCH_KNOWN = 86_400;

/**
 * KEYS: batch, indexes of hours and of days, of tokens and of credentials, then
 * a hash each row, then a list each token. ARGV: rows, the oldest in each index,
 * requests kept, seconds they are kept; per row: number of its index, member there, field, sums, its end;
 * per token: number of entries, entry, … oldest first.
 */
const ADD = `
  local call, rows, at = redis.call, tonumber(ARGV[1]), 8
  if not call('SET', KEYS[1], 1, 'NX', 'EX', ${BATCH_KNOWN}) then return 0 end
  for i = 6, 5 + rows do
    local index, field = tonumber(ARGV[at]), ARGV[at + 2]
    local old = call('HGET', KEYS[i], field)
    local new = not old
    if new and call('HLEN', KEYS[i]) >= ${MOST_MODELS} then
      field = string.match(field, '^%S+ ')
      old = call('HGET', KEYS[i], field)
    end
    local sums = cjson.decode(old or '{}')
    for name, count in pairs(cjson.decode(ARGV[at + 3])) do
      sums[name] = (sums[name] or 0) + count
    end
    call('HSET', KEYS[i], field, cjson.encode(sums))
    if new then
      call('EXPIREAT', KEYS[i], ARGV[at + 4])
      call('ZADD', KEYS[index], 0, ARGV[at + 1])
      call('ZREMRANGEBYLEX', KEYS[index], '-', '(' .. ARGV[index])
    end
    at = at + 5
  end
  for i = 6 + rows, #KEYS do
    call('LPUSH', KEYS[i], unpack(ARGV, at + 1, at + ARGV[at]))
    call('LTRIM', KEYS[i], 0, ARGV[6] - 1)
    call('EXPIRE', KEYS[i], ARGV[7])
    at = at + 1 + ARGV[at]
  end
  return 1`;

/** In the order of the script's keys. */
const INDEXES = [
  { whose: "token", span: "hour" },
  { whose: "token", span: "day" },
  { whose: "credential", span: "hour" },
  { whose: "credential", span: "day" },
] as const satisfies readonly { whose: Whose; span: Span }[];

const INFIX: Readonly<Record<Whose, string>> = {
  token: "",
  credential: "credential:",
};

function keysUnder(prefix: string) {
  const under = (whose: Whose) => `${prefix}usage:${INFIX[whose]}`;
  return {
    index: ({ whose, span }: { whose: Whose; span: Span }) =>
      under(whose) + span,
    hash: (whose: Whose, pair: string) => under(whose) + pair.replace(" ", ":"),
    list: (token: string) => `${prefix}requests:${token}`,
  };
}

/** The verbs of usage. */
export function usageVerbs(redis: Redis, prefix: string) {
  const add = redis.createScript<number>(ADD);
  const { index, hash, list } = keysUnder(prefix);

  /** Pairs of a period and a token, in their order, from one behind `cursor` on. */
  const pairsOf = async (asked: UsageRequest): Promise<string[]> => {
    const { span, from, to, token, cursor = "", limit } = asked;
    const { whose = "token" } = asked;
    if (token !== undefined) {
      return periods(span, from, to).map((period) => `${period} ${token}`)
        .filter((pair) => pair > cursor).slice(0, limit + 1);
    }
    const first = cursor >= from ? `(${cursor}` : `[${from}`;
    const range = { byLex: true, offset: 0, count: limit + 1 } as const;
    return await redis.zrange<string[]>(
      index({ whose, span }),
      first as `(${string}`,
      `(${to}!`,
      range,
    );
  };
  return {
    async addUsage({ id, now, rows, requests, keep }) {
      const keys = [`${prefix}batch:${id}`, ...INDEXES.map(index)];
      const args = [2 * rows.length, ...oldest(now, keep)];
      args.push(keep.requests, keep.days * 86_400);
      INDEXES.forEach(({ whose, span }, i) => {
        for (const row of rows.filter((row) => whoseIs(row) === whose)) {
          const period = row.period.slice(0, span === "hour" ? 13 : 10);
          const pair = `${period} ${row.credential ?? row.token}`;
          keys.push(hash(whose, pair));
          args.push(i + 2, pair, `${row.provider} ${row.model}`);
          args.push(JSON.stringify(row.sums), endOf(span, period, keep));
        }
      });
      for (const [token, entries] of requests) {
        keys.push(list(token));
        const texts = entries.map((entry) => JSON.stringify(entry));
        args.push(entries.length, ...texts.toReversed());
      }
      await add.exec(keys, args.map(String));
    },
    async listUsage(asked) {
      const pairs = await pairsOf(asked);
      const place = (pair: string) => pair;
      return page(pairs, asked.limit, place, async (shown) => {
        if (shown.length === 0) return [];
        const pipeline = redis.pipeline();
        const { whose = "token" } = asked;
        for (const pair of shown) pipeline.hgetall(hash(whose, pair));
        const answers = await pipeline.exec<unknown[]>();
        return shown.flatMap((pair, i) => rowsOf(whose, pair, answers[i]));
      });
    },
    async listRequests(token, limit) {
      const texts = await redis.lrange<string>(list(token), 0, limit - 1);
      return texts.flatMap((text) => parsed<Entry>(text) ?? []);
    },
  } satisfies Partial<Verbs>;
}

/** The periods from one to another, both included. */
function periods(span: Span, from: string, to: string): string[] {
  const found: string[] = [];
  for (let time = timeOf(from); time <= timeOf(to); time += SPANS[span]) {
    found.push(periodOf(span, time));
  }
  return found;
}

/** When a period begins, milliseconds since the epoch. */
function timeOf(period: string): number {
  return Date.parse(`${period.padEnd(13, "T00")}:00:00Z`);
}

/** The oldest hour, or day, of each index that is kept. */
function oldest(now: number, keep: Retention): (string | number)[] {
  return INDEXES.map(({ span }) => {
    const kept = span === "hour" ? keep.hours : keep.days;
    return periodOf(span, now - kept * SPANS[span]);
  });
}

function whoseIs({ credential }: UsageRow): Whose {
  return credential === undefined ? "token" : "credential";
}

/** When a period is forgotten, seconds since the epoch. */
function endOf(span: Span, period: string, keep: Retention): number {
  const kept = (span === "hour" ? keep.hours : keep.days) + 1;
  return (timeOf(period) + kept * SPANS[span]) / 1000;
}

/** The rows of a hash, as field, sums, field, sums, …, by provider and model. */
function rowsOf(whose: Whose, pair: string, answer: unknown): UsageRow[] {
  const [period, id] = pair.split(" ") as [string, string];
  const owner = whose === "token"
    ? { token: id }
    : { token: "", credential: id };
  const flat = (answer ?? []) as readonly string[];
  const fields = flat.filter((_, i) => i % 2 === 0);
  return fields.map((field, i) => {
    const [provider, model] = field.split(" ") as [string, string];
    const sums = parsed<Sums>(flat[2 * i + 1]) ?? {};
    return { period, ...owner, provider, model, sums };
  }).sort((a, b) => a.provider + a.model < b.provider + b.model ? -1 : 1);
}
