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

/** Resolves when what was locked is free, to `true`; `false` where it stays locked, or the error says something else. All wait for the same looks. */
export function patience(
  database: DatabaseSync,
): (error: Error) => Promise<boolean> {
  let looking: Promise<boolean> | undefined;

  async function look() {
    for (let i = 0; i < LOOKS; i++) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
      if (isFree(database)) return true;
    }
    return false;
  }

  return (error) => {
    if (!isLocked(error)) return Promise.resolve(false);
    return looking ??= look().finally(() => looking = undefined);
  };
}

/** Deno gives some of these errors no code. */
function isLocked({ message }: Error): boolean {
  return /^database (?:table )?is locked/.test(message);
}

function isFree(database: DatabaseSync): boolean {
  try {
    database.exec("BEGIN IMMEDIATE; ROLLBACK");
    return true;
  } catch (error) {
    return !isLocked(error as Error);
  }
}
