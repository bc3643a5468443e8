/**
 * Waiting for a file that another process has locked, and for no longer than
 * that: SQLite's own waiting holds up everything, streams and other tokens
 * included.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";

/** From now on SQLite itself waits no longer than short transactions of another process last. */
export const AT_ONCE = "PRAGMA busy_timeout = 10;";

/** Milliseconds between two looks whether the lock is gone. */
const LOOK_EVERY = 25;
/** Looks, of which each may last as long as {@linkcode AT_ONCE} says. */
const LOOKS = 150;

/** Those who wait for a file, all for the same looks. */
export interface Patience {
  /** Throws while there are some: nobody holds up all others just to find it locked again. */
  assertFree(): void;
  /** Resolves when what was locked is free, to `true`; `false` where it stays locked, or the error says something else. */
  again(error: Error): Promise<boolean>;
}

/** Nobody waits yet. */
export function patienceWith(database: DatabaseSync): Patience {
  let looking: Promise<boolean> | undefined;

  async function look() {
    for (let i = 0; i < LOOKS; i++) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
      if (isFree(database)) return true;
    }
    return false;
  }

  return {
    assertFree() {
      if (looking) throw new Error(LOCKED);
    },
    again(error) {
      if (!isLocked(error)) return Promise.resolve(false);
      return looking ??= look().finally(() => looking = undefined);
    },
  };
}

const LOCKED = "database is locked";

/** Deno gives some of these errors no code. */
function isLocked({ message }: Error): boolean {
  return message.startsWith(LOCKED) || message === "database table is locked";
}

function isFree(database: DatabaseSync): boolean {
  try {
    database.exec("BEGIN IMMEDIATE; ROLLBACK");
    return true;
  } catch (error) {
    return !isLocked(error as Error);
  }
}
