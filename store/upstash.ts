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
import {
  type AuditEntry,
  type Claim,
  type ListedToken,
  type Pause,
  type Store,
  StoreUnavailable,
  type TokenRecord,
} from "../core/store.ts";
import { SCRIPTS, SHA1 } from "./scripts.ts";

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
  const tools = toolsOf(redis, prefix);
  const { run, keys } = tools;
  return {
    ...tokenVerbs(tools),
    ...listVerbs(tools),
    ...claimVerbs(tools),
    async admit(ids) {
      const tokens = ids.map(keys.token);
      const [paused, ...records] = await run("admit", [
        keys.pause,
        ...tokens,
      ]) as [string | null, ...string[][]];
      return {
        records: records.map(decode),
        ...(paused !== null && { pause: JSON.parse(paused) as Pause }),
      };
    },
    async setPause(value, entry) {
      const text = value === undefined ? "" : JSON.stringify(value);
      const args = [JSON.stringify(entry), text];
      await run("pause", [keys.pause, keys.audit], args);
    },
    async takeNonce(nonce, expires) {
      const taken = await attempt(() =>
        redis.set(keys.nonce(nonce), "1", { nx: true, exat: expires })
      );
      return taken === "OK";
    },
    ready: async () => void await attempt(() => redis.get(keys.pause)),
    close() {},
  };
}

type Tools = ReturnType<typeof toolsOf>;

/** What the verbs are made of: names of keys, and scripts by their SHA-1. */
function toolsOf(redis: Redis, prefix: string) {
  return {
    redis,
    keys: {
      token: (id: string) => `${prefix}token:${id}`,
      used: (id: string) => `${prefix}used:${id}`,
      claim: (hash: string) => `${prefix}claim:${hash}`,
      nonce: (nonce: string) => `${prefix}nonce:${nonce}`,
      index: `${prefix}tokens`,
      audit: `${prefix}audit`,
      pause: `${prefix}pause`,
    },
    run: (
      name: keyof typeof SCRIPTS,
      keys: string[],
      args: string[] = [],
    ): Promise<unknown> =>
      attempt(async () => {
        try {
          return await redis.evalsha(SHA1[name], keys, args);
        } catch (error) {
          if (!`${(error as Error).message}`.includes("NOSCRIPT")) throw error;
          return await redis.eval(SCRIPTS[name], keys, args);
        }
      }),
  };
}

function tokenVerbs({ run, keys }: Tools) {
  const edited = async (answer: Promise<unknown>) =>
    decode(await answer as string[] | null);
  return {
    async stampToken(id, time) {
      await run("stamp", [keys.token(id), keys.used(id)], [`${time}`]);
    },
    async createToken(record, entry) {
      const touched = [keys.token(record.id), keys.index, keys.audit];
      const args = [member(record), JSON.stringify(entry), ...fieldsOf(record)];
      return await run("create", touched, args) === 1;
    },
    editToken(id, { expires, ...rest }, entry) {
      const set = { ...rest, ...(typeof expires === "number" && { expires }) };
      const removed = expires === null ? "expires" : "";
      const args = [JSON.stringify(entry), removed, ...fieldsOf(set)];
      return edited(run("edit", [keys.token(id), keys.audit], args));
    },
    rotateToken(id, { hash, last4, graceEnds }, entry) {
      const args = [entry, hash, last4, graceEnds];
      return edited(
        run(
          "rotate",
          [keys.token(id), keys.audit],
          args.map((arg) => JSON.stringify(arg)),
        ),
      );
    },
    async deleteToken(id, entry) {
      const touched = [keys.token(id), keys.used(id), keys.index, keys.audit];
      return await run("remove", touched, [id, JSON.stringify(entry)]) === 1;
    },
    async importTokens(records, entry) {
      const tokens = records.map(({ id }) => keys.token(id));
      const args = records.flatMap((record) => {
        const fields = fieldsOf(record);
        const hash = JSON.stringify(record.hash);
        return [record.id, member(record), hash, `${fields.length}`, ...fields];
      });
      return await run("import", [keys.audit, keys.index, ...tokens], [
        JSON.stringify(entry),
        ...args,
      ]) as string[];
    },
  } satisfies Partial<Store>;
}

function listVerbs({ redis, keys }: Tools) {
  /** Records and their uses, two commands each. */
  const read = async (ids: readonly string[]) => {
    const pipeline = redis.pipeline();
    for (const id of ids) pipeline.hgetall(keys.token(id)).get(keys.used(id));
    const answers = await attempt(() => pipeline.exec<unknown[]>());
    return ids.map((_, i) =>
      listed(answers[2 * i] as string[], answers[2 * i + 1] as string | null)
    );
  };
  return {
    getToken: async (id) => (await read([id]))[0],
    async listTokens({ cursor, limit }) {
      const from = cursor === undefined ? "-" : `(${cursor}` as const;
      const range = { byLex: true, offset: 0, count: limit + 1 } as const;
      const members = await attempt(() =>
        redis.zrange<string[]>(keys.index, from as "-", "+", range)
      );
      const shown = members.slice(0, limit);
      if (shown.length === 0) return { items: [] };
      const items = (await read(shown.map(idOf)))
        .filter((item) => item !== undefined);
      return members.length > limit
        ? { items, cursor: shown.at(-1)! }
        : { items };
    },
    async listAudit({ cursor, limit }) {
      const from = cursor === undefined ? "+" : `(${cursor}`;
      const rows = await attempt(() =>
        redis.exec<[string, string[]][]>(
          ["XREVRANGE", keys.audit, from, "-", "COUNT", limit + 1],
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
  } satisfies Partial<Store>;
}

function claimVerbs({ redis, keys }: Tools) {
  return {
    async keepClaims(claims) {
      if (claims.length === 0) return;
      const pipeline = redis.pipeline();
      for (const claim of claims) {
        const options = { nx: true, exat: claim.expires } as const;
        pipeline.set(keys.claim(claim.hash), JSON.stringify(claim), options);
      }
      await attempt(() => pipeline.exec());
    },
    async findClaims(hashes) {
      if (hashes.length === 0) return [];
      const found = await attempt(() =>
        redis.mget<(string | null)[]>(...hashes.map(keys.claim))
      );
      return found.map((text) =>
        text === null ? undefined : JSON.parse(text) as Claim
      );
    },
  } satisfies Partial<Store>;
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
