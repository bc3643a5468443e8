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
import type { AuditEntry, Claim, Standing, Store } from "../core/store.ts";
import { type Left, type LimitName, periods } from "../core/limit.ts";
import { decode, fieldsOf, idOf, indexMember, scripted } from "./hash.ts";
import { LIMIT_SCRIPTS } from "./limit_scripts.ts";
import { SCRIPTS } from "./scripts.ts";
import { lookedOf, stateOf } from "./setup.ts";
import type { SetupVerbs } from "./setup_upstash.ts";
import {
  guarded,
  late,
  listed,
  LIVE,
  page,
  parsed,
  type Verbs,
} from "./verbs.ts";

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
  /** Milliseconds since the epoch; the clock if absent. */
  readonly now?: () => number;
}

/** A store at `url`; no connection is made before the first verb. */
export function upstashStore(
  { url, token, timeout = 2000, prefix = "doppel:", now = Date.now }:
    UpstashOptions,
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
  const { keys } = tools;
  const verbs: Verbs = {
    ...tokenVerbs(tools),
    ...listVerbs(tools),
    ...limitVerbs(tools),
    ...lateUsage(redis, prefix),
    ...lateVerbs(tools, now),
    async takeNonce(nonce, expires) {
      const once = { nx: true, exat: expires } as const;
      return await redis.set(keys.nonce(nonce), "1", once) === "OK";
    },
    async keepClaims(claims) {
      if (claims.length === 0) return;
      const pipeline = redis.pipeline();
      for (const claim of claims) {
        const once = { nx: true, exat: claim.expires } as const;
        pipeline.set(keys.claim(claim.hash), JSON.stringify(claim), once);
      }
      await pipeline.exec();
    },
    async findClaims(hashes) {
      if (hashes.length === 0) return [];
      const found = await redis.mget<unknown[]>(hashes.map(keys.claim));
      return found.map((text) => parsed<Claim>(text ?? ""));
    },
    ready: async () => void await redis.get(keys.state),
  };
  return { ...guarded(verbs, { codeOf }), close() {} };
}

/** See `toolsOf()`. */
export type Tools = ReturnType<typeof toolsOf>;
type Admitted = [
  state: string | null,
  short: string,
  wait: number,
  taken: number,
  left: Left,
  ...records: string[][],
];

type Reserved = [short: LimitName | "", wait: number, held: number, left: Left];
type Seen = [
  record: string[],
  unspent: number | null,
  holds: (string | null)[],
];

/** What the verbs are made of: names of keys, and scripts. */
function toolsOf(redis: Redis, prefix: string) {
  const keys = {
    token: (id: string) => `${prefix}token:${id}`,
    used: (id: string) => `${prefix}used:${id}`,
    claim: (hash: string) => `${prefix}claim:${hash}`,
    nonce: (nonce: string) => `${prefix}nonce:${nonce}`,
    /** All that the limits of a token touch, in the order its scripts want. */
    limited(id: string, now: number) {
      const { day, month } = periods(now);
      const spent = `${prefix}spent:${id}`;
      return [
        ...[keys.token(id), `${prefix}rate:${id}`, `${prefix}leases:${id}`],
        ...[`${prefix}holds:${id}`, `${spent}:${day}`, `${spent}:${month}`],
        spent,
      ];
    },
    index: `${prefix}tokens`,
    audit: `${prefix}audit`,
    /** The pause, and the turn beside it. */
    state: `${prefix}pause`,
    setup: `${prefix}setup`,
    cooling: `${prefix}cooling`,
    coolingEnds: `${prefix}cooling:ends`,
    models: `${prefix}models`,
    /** Instances that show something, what each shows, and what is to end. */
    instances: `${prefix}instances`,
    shown: (instance: string) => `${prefix}shown:${instance}`,
    ends: `${prefix}ends`,
  };
  const scripts = { ...SCRIPTS, ...LIMIT_SCRIPTS };
  return { redis, keys, ...scripted(scripts, { redis, audit: keys.audit }) };
}

/** What nobody needs before the owner has set something up, or looks at what runs. */
function lateVerbs(tools: Tools, now: () => number) {
  const setup = late<keyof SetupVerbs>({
    setPause: true,
    readSetup: true,
    putSetup: true,
    cool: true,
    warm: true,
    keepModels: true,
    readModels: true,
    importTable: true,
  }, async () => {
    const { setupVerbs } = await import("./setup_upstash.ts");
    return setupVerbs(tools, now);
  });
  return { ...setup, ...late(LIVE, () => liveVerbs(tools)) };
}

/** What is written and read behind requests' backs. */
function lateUsage(redis: Redis, prefix: string) {
  const names = {
    addUsage: true,
    listUsage: true,
    listRequests: true,
  } as const;
  return late(names, async () => {
    const { usageVerbs } = await import("./usage_upstash.ts");
    return usageVerbs(redis, prefix);
  });
}

async function liveVerbs(tools: Tools) {
  return (await import("./live_upstash.ts")).liveVerbs(tools);
}

function tokenVerbs({ run, change, keys }: Tools) {
  return {
    async stampToken(id, time) {
      await run("stamp", [keys.token(id), keys.used(id)], [`${time}`]);
    },
    async createToken(record, entry) {
      const touched = [keys.token(record.id), keys.index];
      const args = [indexMember(record), ...fieldsOf(record)];
      return await change("create", entry, touched, args) === 1;
    },
    async editToken(id, { expires, ...rest }, entry) {
      const set = fieldsOf({ ...rest, expires: expires ?? undefined });
      const args = [expires === null ? "expires" : "", ...set];
      return decode(await change("edit", entry, [keys.token(id)], args));
    },
    async rotateToken(id, { hash, last4, graceEnds }, entry) {
      const args = [hash, last4, graceEnds].map((arg) => JSON.stringify(arg));
      return decode(await change("rotate", entry, [keys.token(id)], args));
    },
    async deleteToken(id, entry) {
      // What was spent in other days and months goes by itself.
      const [token, ...counters] = keys.limited(id, Date.now());
      const touched = [token!, keys.used(id), keys.index, ...counters];
      return await change("remove", entry, touched, [id]) === 1;
    },
  } satisfies Partial<Verbs>;
}

function limitVerbs({ run, keys }: Tools) {
  return {
    async admit(asks, taking) {
      const now = taking?.now ?? 0;
      const touched = asks.flatMap(({ id }) => keys.limited(id, now));
      const only = (taking?.only ?? -1) + 1;
      const args = [taking?.lease ?? "", `${now}`, `${only}`];
      for (const { hash } of asks) args.push(hash ?? "");
      const answer = await run("admit", [keys.state, ...touched], args);
      const [state, short, wait, taken, left, ...records] = answer as Admitted;
      const shortage = { short: short as LimitName, retryAfter: wait, left };
      return {
        records: records.map(decode),
        ...stateOf(state),
        ...(short !== "" && { shortage }),
        ...(taken === 1 && { taken: true, left }),
      };
    },
    async reserve(id, { lease, now, counted = false }, estimate) {
      const { tokens, least, most } = estimate;
      const args = [lease, ...[now, tokens, least, most, +counted].map(String)];
      const answer = await run("reserve", keys.limited(id, now), args);
      const [short, wait, held, left] = answer as Reserved;
      if (short === "") return { held, left };
      return { short, ...(wait > 0 && { retryAfter: wait }), left };
    },
    async settle(id, { lease, now, counted }, bill) {
      const { held, tokens, cost, undone, now: over = now } = bill;
      const back = undone && counted ? 1 : 0;
      const sums = [now, held, tokens, cost, back, over].map(String);
      const args = [lease, ...sums];
      await run("settle", keys.limited(id, now), args);
    },
    async watch(tokens, now, looks = false) {
      const touched = tokens.flatMap(({ id }) => keys.limited(id, now));
      if (looks) touched.push(keys.state);
      const args = tokens.flatMap(({ leases }) => [
        `${leases.length}`,
        ...leases,
      ]);
      const answer = await run("watch", touched, [`${now}`, ...args]);
      const [state, ...seen] = answer as [string | null, ...Seen[]];
      return { standings: seen.map(standingOf), ...lookedOf(state) };
    },
  } satisfies Partial<Verbs>;
}

function standingOf([record, unspent, holds]: Seen): Standing {
  const numbers = holds.map((held) => held === null ? null : Number(held));
  return {
    record: decode(record),
    ...(unspent !== null && { unspent, holds: numbers }),
  };
}

function listVerbs({ redis, keys }: Tools) {
  /** Records and their uses, two commands each. */
  const read = async (ids: readonly string[]) => {
    if (ids.length === 0) return [];
    const pipeline = redis.pipeline();
    for (const id of ids) pipeline.hgetall(keys.token(id)).get(keys.used(id));
    const answers = await pipeline.exec<unknown[]>();
    return ids.map((_, i) =>
      listed(decode(answers[2 * i]), answers[2 * i + 1])
    );
  };
  return {
    getToken: async (id) => (await read([id]))[0],
    async listTokens({ cursor, limit }) {
      const from = cursor === undefined ? "-" : `(${cursor}` as const;
      const range = { byLex: true, offset: 0, count: limit + 1 } as const;
      const members = await redis
        .zrange<string[]>(keys.index, from as "-", "+", range);
      const place = (member: string) => member;
      return page(members, limit, place, (shown) => read(shown.map(idOf)));
    },
    async listAudit({ cursor, limit }) {
      const from = cursor === undefined ? "+" : `(${cursor}`;
      const rows = await redis.exec<StreamRow[]>(
        ["XREVRANGE", keys.audit, from, "-", "COUNT", limit + 1],
      );
      const place = ([id]: StreamRow) => id;
      const read = ([, [, entry]]: StreamRow) => parsed<AuditEntry>(entry);
      return page(rows, limit, place, (shown) => shown.map(read));
    },
  } satisfies Partial<Verbs>;
}

type StreamRow = [id: string, fields: [name: string, entry: string]];

/** The client's messages carry commands with their arguments: only a bare code is kept of them. */
function codeOf({ name, message }: Error): string {
  return /^(?:Command failed: )?([A-Z]{3,20})\b/.exec(message)?.[1] ?? name;
}
