/** Calls of random size against a budget, and what the stores say of it. */

import { Agent, request } from "node:http";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LEASE_LASTS } from "../core/limit.ts";
import type { Store } from "../core/store.ts";
import { sqliteStore } from "../store/sqlite.ts";
import { upstashStore } from "../store/upstash.ts";
import { type Fate, FATES, type Order } from "./billing.ts";
import type { UpstashFixture } from "./redis.ts";

/** Micro-dollars that no call can come to: 2 for each byte of it and of what APIs add, 8 for each token it may write. */
export const DEAREST = 6_000;
const MOST_TOKENS = 400;

/** Numbers from 0 to 1 that are the same for the same seed (mulberry32). */
export function dice(seed: number): () => number {
  let state = seed * 0x9e3779b9;
  return () => {
    state = state + 0x6d2b79f5 | 0;
    let mixed = Math.imul(state ^ state >>> 15, 1 | state);
    mixed = mixed + Math.imul(mixed ^ mixed >>> 7, 61 | mixed) ^ mixed;
    return ((mixed ^ mixed >>> 14) >>> 0) / 2 ** 32;
  };
}

/** A call as a client makes it. */
export interface Call {
  readonly body: string;
  /** Milliseconds after which the client leaves. */
  readonly leaves?: number;
}

/** How often calls go another way than they should, 0 to 1. */
export interface Weather {
  /** They meet one of the worse fates. */
  readonly odd: number;
  /** They take up to 1.5 s. */
  readonly slow: number;
  /** Their clients leave, at any time. */
  readonly leave: number;
}

/** Every client gets all its answer. */
export const CALM: Weather = { odd: 0, slow: 0, leave: 0 };

/** A call of random size. */
export function callOf(
  id: string,
  roll: () => number,
  weather: Weather,
): Call {
  const upTo = (most: number) => Math.floor(roll() * (most + 1));
  const fate: Fate = roll() < weather.odd
    ? FATES[2 + upTo(FATES.length - 3)]!
    : FATES[upTo(1)]!;
  const most = 1 + upTo(MOST_TOKENS - 1);
  const prompt = 1 + upTo(250);
  const order: Order = {
    id,
    fate,
    prompt,
    cached: upTo(prompt),
    // A stream writes words, so it counts some.
    completion: Math.max(fate === "stream" ? 1 : 0, upTo(most)),
    takes: roll() < weather.slow ? upTo(1500) : upTo(60),
  };
  const streams = fate !== "json";
  const body = JSON.stringify({
    model: "bound-1",
    max_tokens: most,
    ...streams && { stream: true },
    ...fate === "stream" && { stream_options: { include_usage: true } },
    messages: [{ role: "user", content: "x".repeat(150 + upTo(200)) }],
    user: JSON.stringify(order),
  });
  const leaves = roll() < weather.leave;
  return { body, ...leaves && { leaves: upTo(order.takes + 20) } };
}

/** Every call on a connection of its own: a pool would serve them one after another. */
const agent = new Agent({ keepAlive: false, maxSockets: Infinity });

/** The status; 0 for what was cut, or left. */
export function send(url: string, token: string, call: Call): Promise<number> {
  return new Promise((resolve) => {
    const leave = call.leaves === undefined
      ? undefined
      : setTimeout(() => asked.destroy(), call.leaves);
    const done = (status: number) => {
      clearTimeout(leave);
      resolve(status);
    };
    const asked = request(`${url}/v1/chat/completions`, {
      method: "POST",
      agent,
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": "application/json",
        "content-length": call.body.length,
      },
    }, (answer) => {
      answer.resume();
      answer.on("end", () => done(answer.statusCode!));
      answer.on("error", () => done(0));
      answer.on("close", () => done(0));
    });
    asked.on("error", () => done(0));
    asked.on("close", () => done(0));
    asked.end(call.body);
  });
}

/** What a store says of a token; micro-dollars. */
export interface Said {
  readonly spent: number;
  readonly held: number;
  /** When each lease ends, milliseconds since the epoch. */
  readonly leases: readonly number[];
  /** Holds that are written down. */
  readonly holds: number;
}

/** A store, looked at from outside. */
export interface Books {
  look(id: string): Promise<Said>;
  /** The store as it is when everybody has been gone for a lease's lifetime: nobody waits for it, verbs are told the time. */
  later(id: string): Promise<void>;
  close(): void;
}

export function redisBooks(upstash: UpstashFixture): Books {
  const store = upstashStore({ ...upstash, timeout: 10_000 });
  const { command } = upstash;
  return {
    async look(id) {
      // Spent and held stand in one hash, so they are of one moment.
      const flat = await command("HGETALL", `doppel:spent:${id}`) as string[];
      const sums: Record<string, string> = {};
      for (let i = 0; i < flat.length; i += 2) sums[flat[i]!] = flat[i + 1]!;
      const leases = ["ZRANGE", `doppel:leases:${id}`, "0", "-1", "WITHSCORES"];
      const scores = await command(...leases) as string[];
      return {
        spent: Number(sums.spent ?? 0),
        held: Number(sums.held ?? 0),
        leases: scores.filter((_, i) => i % 2 === 1).map(Number),
        holds: Number(await command("HLEN", `doppel:holds:${id}`)),
      };
    },
    later: (id) => later(id, store),
    close: () => store.close(),
  };
}

export function sqliteBooks(directory: string): Books {
  const open = () => new DatabaseSync(join(directory, "doppel.sqlite"));
  const database = open();
  const store = sqliteStore(open());
  const sums = database.prepare(`SELECT
    (SELECT COALESCE(SUM(spent), 0) FROM spend
      WHERE token = ?1 AND period = 'total') AS spent,
    (SELECT COALESCE(SUM(held), 0) FROM leases WHERE token = ?1) AS held`);
  const leases = database.prepare(
    "SELECT ends, held FROM leases WHERE token = ?",
  );
  return {
    look(id) {
      const { spent, held } = sums.get(id) as Record<string, number>;
      const rows = leases.all(id) as Record<string, number | null>[];
      return Promise.resolve({
        spent: spent!,
        held: held!,
        leases: rows.map(({ ends }) => ends!),
        holds: rows.filter(({ held }) => held !== null).length,
      });
    },
    later: (id) => later(id, store),
    close() {
      database.close();
      store.close();
    },
  };
}

async function later(id: string, store: Store) {
  const taking = { lease: "later", now: Date.now() + LEASE_LASTS };
  const { taken } = await store.admit([{ id }], taking);
  if (!taken) throw new Error("nothing was taken");
  const bill = { held: 0, tokens: 0, cost: 0, undone: true } as const;
  await store.settle(id, taking, bill);
}

/** Rows of numbers, and under them the least, middle and largest of each column. */
export function table<Row extends object>(
  rows: readonly Row[],
): string {
  const names = Object.keys(rows[0]!);
  const text = (value: number | undefined) =>
    `${Math.round(Number(value) * 1000) / 1000}`;
  const columns = rows as readonly Record<string, number>[];
  const body = columns.map((row) => names.map((name) => text(row[name])));
  const summary = [0, 0.5, 1].map((part) =>
    names.map((name) => {
      const sorted = columns.map((row) => row[name]!).sort((a, b) => a - b);
      return text(sorted[Math.round(part * (sorted.length - 1))]!);
    })
  );
  return [names, ...body, ["min, median, max:"], ...summary]
    .map((cells) => cells.map((cell) => cell.padStart(11)).join(""))
    .join("\n");
}
