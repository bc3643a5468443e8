/** The stores of a soak: how each is taken away, and what it says of a token. */

import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type Books, redisBooks, sqliteBooks } from "./bound.ts";
import { startUpstash } from "./redis.ts";
import type { Fault } from "./soak_judge.ts";
import { wait } from "./soak_origin.ts";

export type StoreName = "sqlite" | "redis";

/** Takes the store away for so many milliseconds. */
export interface Outage {
  readonly name: string;
  readonly fault: Fault;
  readonly milliseconds: number;
  happen(milliseconds: number): Promise<void>;
}

export interface SoakStore {
  readonly env: Readonly<Record<string, string>>;
  readonly outages: readonly Outage[];
  /** To be called when a doppel has opened it. */
  books(): Books;
  close(): Promise<void>;
}

export function openSoakStore(
  name: StoreName,
  directory: string,
): Promise<SoakStore> {
  return name === "redis" ? onRedis(directory) : onSqlite(directory);
}

async function onRedis(directory: string): Promise<SoakStore> {
  const kept = join(directory, "redis");
  mkdirSync(kept);
  const upstash = await startUpstash(kept);
  return {
    env: {
      UPSTASH_REDIS_REST_URL: upstash.url,
      UPSTASH_REDIS_REST_TOKEN: upstash.token,
    },
    outages: [
      {
        name: "killed",
        fault: "store",
        milliseconds: 1_500,
        async happen(milliseconds) {
          await upstash.kill();
          await wait(milliseconds);
          await upstash.revive();
        },
      },
      {
        // Longer than doppel waits for an answer.
        name: "hangs",
        fault: "store",
        milliseconds: 2_600,
        async happen(milliseconds) {
          upstash.freeze(true);
          await wait(milliseconds);
          upstash.freeze(false);
        },
      },
    ],
    books: () => redisBooks(upstash),
    close: () => upstash.close(),
  };
}

function onSqlite(directory: string): Promise<SoakStore> {
  const file = join(directory, "doppel.sqlite");
  const lock = async (milliseconds: number) => {
    const database = new DatabaseSync(file);
    database.exec("PRAGMA busy_timeout = 2000; BEGIN IMMEDIATE");
    await wait(milliseconds);
    database.exec("ROLLBACK");
    database.close();
  };
  return Promise.resolve({
    env: {},
    outages: [
      { name: "locked", fault: "lock", milliseconds: 1_200, happen: lock },
      // Longer than doppel waits for the lock.
      { name: "barred", fault: "lock", milliseconds: 5_600, happen: lock },
    ],
    books: () => sqliteBooks(directory),
    close: () => Promise.resolve(),
  });
}
