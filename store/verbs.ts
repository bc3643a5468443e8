/**
 * What both stores do alike.
 *
 * @module
 */

import type { LiveStore } from "../core/live.ts";
import {
  type ListedToken,
  type Page,
  type Store,
  StoreUnavailable,
  type TokenRecord,
} from "../core/store.ts";

type Verb = Exclude<keyof Store, "close">;
type Awaitable<Value> = Value | Promise<Value>;

/** The verbs as a store writes them: at once or promised, and free to throw. */
export type Verbs = {
  [Name in Verb]: (
    ...args: Parameters<Store[Name]>
  ) => Awaitable<Awaited<ReturnType<Store[Name]>>>;
};

/** What a store knows of its own errors. */
export interface Guard {
  /** What is said of it, and nothing else is. */
  readonly codeOf: (error: Error & { code?: string }) => string;
  /** Whether the verb is to be tried again; it has done nothing, or may do it twice. */
  readonly again?: (error: Error) => Promise<boolean>;
}

/** Tries of a verb, each of which may wait: then there are too many others. */
const MOST_TRIES = 20;

/** The verbs, each of which rejects with what `codeOf()` says of whatever it threw, and with nothing else. */
export function guarded(verbs: Verbs, guard: Guard): Pick<Store, Verb> {
  const { codeOf, again = () => Promise.resolve(false) } = guard;
  const patient =
    (verb: (...args: never[]) => unknown) => async (...args: never[]) => {
      for (let tries = 1;; tries++) {
        try {
          return await verb(...args);
        } catch (error) {
          if (tries < MOST_TRIES && await again(error as Error)) continue;
          throw new StoreUnavailable(codeOf(error as Error));
        }
      }
    };
  return mapped(verbs, patient) as unknown as Pick<Store, Verb>;
}

/** The verbs of what runs. */
export const LIVE: Readonly<Record<keyof LiveStore, true>> = {
  lookAtLive: true,
  showLive: true,
  markEnd: true,
};

/** Verbs that nobody needs before the first of them is called: `load()` is called then. */
export function late<Name extends Verb>(
  names: Readonly<Record<Name, true>>,
  load: () => Promise<Pick<Verbs, Name>>,
): Pick<Verbs, Name> {
  let loaded: ReturnType<typeof load> | undefined;
  const verb = (name: Name) => async (...args: never[]) => {
    loaded ??= load().catch((error) => {
      loaded = undefined;
      throw error;
    });
    const verb = (await loaded)[name] as (...args: never[]) => unknown;
    return await verb(...args);
  };
  const all = (Object.keys(names) as Name[]).map((name) => [name, verb(name)]);
  return Object.fromEntries(all) as Pick<Verbs, Name>;
}

/** The table with every value replaced by what `make()` makes of it. */
export function mapped<Name extends string, Value, Made>(
  table: Readonly<Record<Name, Value>>,
  make: (value: Value) => Made,
): Record<Name, Made> {
  const made = Object.entries<Value>(table)
    .map(([name, value]) => [name, make(value)]);
  return Object.fromEntries(made);
}

/** The page of `rows`, of which one more than `limit` was read; what cannot be read is left out. */
export async function page<Row, Item>(
  rows: readonly Row[],
  limit: number,
  cursorOf: (row: Row) => string,
  read: (shown: readonly Row[]) => Awaitable<readonly (Item | undefined)[]>,
): Promise<Page<Item>> {
  const shown = rows.slice(0, limit);
  const items = (await read(shown)).filter((item) => item !== undefined);
  return rows.length > limit
    ? { items, cursor: cursorOf(shown.at(-1)!) }
    : { items };
}

/** The value of a JSON text; `undefined` where it is none. */
export function parsed<Value>(text: unknown): Value | undefined {
  try {
    return JSON.parse(`${text}`);
  } catch {
    return undefined;
  }
}

/** A record with its last use, `null` where there was none; no item for no record. */
export function listed(
  record: TokenRecord | undefined,
  used: unknown,
): ListedToken | undefined {
  if (record === undefined) return undefined;
  return used === null ? { record } : { record, lastUsed: Number(used) };
}
