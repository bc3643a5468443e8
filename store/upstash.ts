/**
 * The shared store: Upstash Redis over its REST protocol.
 *
 * A token is one Redis hash whose fields are the record's, each as JSON, so
 * that edits of different fields never undo one another. Scripts make every
 * verb one stroke; all their keys are declared. They go without Upstash's
 * `allow-key-locking` flag, which a plain Redis behind another REST front
 * refuses (`docs/decisions/0004-store.md`).
 *
 * @module
 */

import { Redis } from "@upstash/redis/cloudflare";
import { createHash } from "node:crypto";
import {
  type AuditEntry,
  type ListedToken,
  type Pause,
  type Store,
  StoreUnavailable,
  type TokenRecord,
} from "../core/store.ts";

/** Where the database is. */
export interface UpstashOptions {
  /** REST URL. */
  readonly url: string;
  /** REST token. */
  readonly token: string;
  /** Milliseconds after which the store counts as away. */
  readonly timeout?: number;
  /** Put before every key, so that a database can be shared. */
  readonly prefix?: string;
}

// The price of each in commands is in core/store.ts and held by the contract suite.
const SCRIPTS = {
  /** KEYS: pause, then a token each. */
  admit: `local out = {redis.call('GET', KEYS[1])}
    for i = 2, #KEYS do out[i] = redis.call('HGETALL', KEYS[i]) end
    return out`,
  /** KEYS: token, used. ARGV: time. */
  stamp: `if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
    redis.call('SET', KEYS[2], ARGV[1])
    return 1`,
  /** KEYS: token, index, audit. ARGV: member, entry, field, value, … */
  create: `if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
    redis.call('HSET', KEYS[1], unpack(ARGV, 3))
    redis.call('ZADD', KEYS[2], 0, ARGV[1])
    redis.call('XADD', KEYS[3], 'MAXLEN', '~', 10000, '*', 'e', ARGV[2])
    return 1`,
  /** KEYS: token, audit. ARGV: entry, field to remove or '', field, value, … */
  edit: `if redis.call('EXISTS', KEYS[1]) == 0 then return false end
    if ARGV[2] ~= '' then redis.call('HDEL', KEYS[1], ARGV[2]) end
    if #ARGV > 2 then redis.call('HSET', KEYS[1], unpack(ARGV, 3)) end
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', 10000, '*', 'e', ARGV[1])
    return redis.call('HGETALL', KEYS[1])`,
  /** KEYS: token, audit. ARGV: entry, hash as JSON, last4 as JSON, grace's end. */
  rotate: `local old = redis.call('HGET', KEYS[1], 'hash')
    if not old then return false end
    redis.call('HSET', KEYS[1], 'hash', ARGV[2], 'last4', ARGV[3],
      'previous', '{"hash":' .. old .. ',"expires":' .. ARGV[4] .. '}')
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', 10000, '*', 'e', ARGV[1])
    return redis.call('HGETALL', KEYS[1])`,
  /** KEYS: token, used, index, audit. ARGV: id, entry. */
  remove: `local created = redis.call('HGET', KEYS[1], 'created')
    if not created then return 0 end
    redis.call('DEL', KEYS[1], KEYS[2])
    redis.call('ZREM', KEYS[3], string.format('%012d.%s', created, ARGV[1]))
    redis.call('XADD', KEYS[4], 'MAXLEN', '~', 10000, '*', 'e', ARGV[2])
    return 1`,
  /** KEYS: audit, index, then a token each. ARGV: entry, then per token: id, member, hash as JSON, number of values, field, value, … */
  import: `local taken, at = {}, 2
    for i = 3, #KEYS do
      local hash = redis.call('HGET', KEYS[i], 'hash')
      if hash and hash ~= ARGV[at + 2] then taken[#taken + 1] = ARGV[at] end
      at = at + 4 + ARGV[at + 3]
    end
    if #taken > 0 then return taken end
    at = 2
    for i = 3, #KEYS do
      if redis.call('EXISTS', KEYS[i]) == 0 then
        redis.call('HSET', KEYS[i], unpack(ARGV, at + 4, at + 3 + ARGV[at + 3]))
        redis.call('ZADD', KEYS[2], 0, ARGV[at + 1])
      end
      at = at + 4 + ARGV[at + 3]
    end
    redis.call('XADD', KEYS[1], 'MAXLEN', '~', 10000, '*', 'e', ARGV[1])
    return taken`,
  /** KEYS: pause, audit. ARGV: entry, pause or ''. */
  pause: `if ARGV[2] == '' then redis.call('DEL', KEYS[1])
    else redis.call('SET', KEYS[1], ARGV[2]) end
    redis.call('XADD', KEYS[2], 'MAXLEN', '~', 10000, '*', 'e', ARGV[1])
    return 1`,
} as const;

const SHA1 = Object.fromEntries(
  Object.entries(SCRIPTS).map(([name, text]) => [
    name,
    createHash("sha1").update(text).digest("hex"),
  ]),
) as Record<keyof typeof SCRIPTS, string>;

/** A store at `url`; no connection is made before the first verb. */
export function upstashStore(
  { url, token, timeout = 2000, prefix = "doppel:" }: UpstashOptions,
): Store {
  // Each option avoids a fault measured in research/upstash.md §1.
  const redis = new Redis({
    url,
    token,
    enableAutoPipelining: false,
    automaticDeserialization: false,
    enableTelemetry: false,
    retry: { retries: 0 },
    signal: () => AbortSignal.timeout(timeout),
  });
  const key = (name: string) => prefix + name;
  const tokenKey = (id: string) => key(`token:${id}`);
  const usedKey = (id: string) => key(`used:${id}`);
  const [audit, index, pause] = [key("audit"), key("tokens"), key("pause")];

  async function run(
    name: keyof typeof SCRIPTS,
    keys: string[],
    args: readonly string[] = [],
  ): Promise<unknown> {
    return await attempt(async () => {
      try {
        return await redis.evalsha(SHA1[name], keys, [...args]);
      } catch (error) {
        if (!`${(error as Error).message}`.includes("NOSCRIPT")) throw error;
        return await redis.eval(SCRIPTS[name], keys, [...args]);
      }
    });
  }
  const edited = async (answer: Promise<unknown>) =>
    decode((await answer) as string[] | null);

  return {
    async admit(ids) {
      const [paused, ...tokens] = await run("admit", [
        pause,
        ...ids.map(tokenKey),
      ]) as [string | null, ...string[][]];
      return {
        records: tokens.map(decode),
        ...(paused !== null && { pause: JSON.parse(paused) as Pause }),
      };
    },
    async stampToken(id, time) {
      await run("stamp", [tokenKey(id), usedKey(id)], [`${time}`]);
    },
    async createToken(record, entry) {
      const args = [
        member(record),
        JSON.stringify(entry),
        ...fieldsOf(record),
      ];
      return await run("create", [tokenKey(record.id), index, audit], args) ===
        1;
    },
    async getToken(id) {
      const answers = await attempt(() =>
        redis.pipeline().hgetall(tokenKey(id)).get(usedKey(id)).exec()
      );
      return listed(...answers as unknown as [string[], string | null]);
    },
    async listTokens({ cursor, limit }) {
      const from = cursor === undefined ? "-" : `(${cursor}`;
      const members = await attempt(() =>
        redis.zrange<string[]>(index, from as "-", "+", {
          byLex: true,
          offset: 0,
          count: limit + 1,
        })
      );
      const shown = members.slice(0, limit);
      if (shown.length === 0) return { items: [] };
      const pipeline = redis.pipeline();
      for (const id of shown.map(idOf)) {
        pipeline.hgetall(tokenKey(id)).get(usedKey(id));
      }
      const answers = await attempt(() => pipeline.exec<unknown[]>());
      const items = shown.map((_, i) =>
        listed(answers[2 * i] as string[], answers[2 * i + 1] as string | null)
      ).filter((item) => item !== undefined);
      return members.length > limit
        ? { items, cursor: shown.at(-1)! }
        : { items };
    },
    editToken(id, patch, entry) {
      const { expires, ...rest } = patch;
      const set = { ...rest, ...(typeof expires === "number" && { expires }) };
      const removed = expires === null ? "expires" : "";
      return edited(run("edit", [tokenKey(id), audit], [
        JSON.stringify(entry),
        removed,
        ...fieldsOf(set),
      ]));
    },
    rotateToken(id, { hash, last4, graceEnds }, entry) {
      return edited(run("rotate", [tokenKey(id), audit], [
        JSON.stringify(entry),
        JSON.stringify(hash),
        JSON.stringify(last4),
        `${graceEnds}`,
      ]));
    },
    async deleteToken(id, entry) {
      const keys = [tokenKey(id), usedKey(id), index, audit];
      return await run("remove", keys, [id, JSON.stringify(entry)]) === 1;
    },
    async importTokens(records, entry) {
      const keys = [audit, index, ...records.map(({ id }) => tokenKey(id))];
      const args = records.flatMap((record) => {
        const fields = fieldsOf(record);
        const hash = JSON.stringify(record.hash);
        return [record.id, member(record), hash, `${fields.length}`, ...fields];
      });
      return await run("import", keys, [
        JSON.stringify(entry),
        ...args,
      ]) as string[];
    },
    async setPause(value, entry) {
      const text = value === undefined ? "" : JSON.stringify(value);
      await run("pause", [pause, audit], [JSON.stringify(entry), text]);
    },
    async listAudit({ cursor, limit }) {
      const from = cursor === undefined ? "+" : `(${cursor}`;
      const rows = await attempt(() =>
        redis.exec<[string, string[]][]>(
          ["XREVRANGE", audit, from, "-", "COUNT", limit + 1],
        )
      );
      const shown = rows.slice(0, limit);
      const items = shown.map(([, [, entry]]) =>
        JSON.parse(entry!) as AuditEntry
      );
      return rows.length > limit
        ? { items, cursor: shown.at(-1)![0] }
        : { items };
    },
    async takeNonce(nonce, expires) {
      const taken = await attempt(() =>
        redis.set(key(`nonce:${nonce}`), "1", { nx: true, exat: expires })
      );
      return taken === "OK";
    },
    async ready() {
      await attempt(() => redis.get(pause));
    },
    close() {},
  };
}

/** Sorts by age, then id; every member of the index has the score 0. */
function member({ id, created }: TokenRecord): string {
  return `${`${created}`.padStart(12, "0")}.${id}`;
}

function idOf(indexed: string): string {
  return indexed.slice(indexed.indexOf(".") + 1);
}

/** Field, JSON, field, JSON, … */
function fieldsOf(values: object): string[] {
  return Object.entries(values).flatMap(([field, value]) =>
    value === undefined ? [] : [field, JSON.stringify(value)]
  );
}

/** `undefined` for no record, and for one that cannot be read: unknown means refuse. */
function decode(flat: readonly string[] | null): TokenRecord | undefined {
  if (!flat?.length) return undefined;
  try {
    const record: Record<string, unknown> = {};
    for (let i = 0; i < flat.length; i += 2) {
      record[flat[i]!] = JSON.parse(flat[i + 1]!);
    }
    return record as unknown as TokenRecord;
  } catch {
    return undefined;
  }
}

function listed(
  flat: readonly string[] | null,
  used: string | null,
): ListedToken | undefined {
  const record = decode(flat);
  return record && {
    record,
    ...(used !== null && { lastUsed: Number(used) }),
  };
}

/** The client's messages carry commands with their arguments: only a bare code is kept of them. */
async function attempt<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    const { name, message } = error as Error;
    const code = /^(?:Command failed: )?([A-Z]{3,20})\b/.exec(message)?.[1];
    throw new StoreUnavailable(code ?? name);
  }
}
