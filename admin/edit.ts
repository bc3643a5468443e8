/**
 * How the admin API changes what is set up: it reads, makes the next record of
 * the one that is there, and puts it in that one's place only. Who comes second
 * begins anew with what the first has left, so that no edit undoes another.
 *
 * @module
 */

import type {
  Setup,
  SetupKind,
  SetupRecords,
  SetupTable,
} from "../core/setup.ts";
import type { AuditEntry } from "../core/store.ts";
import { Problem, type Work } from "./work.ts";

/** What becomes of a record, and the entry that says so. */
export interface Step<Kind extends SetupKind> {
  /** `undefined`: it is deleted. */
  readonly next: SetupRecords[Kind] | undefined;
  /** Goes into the audit log. */
  readonly entry: AuditEntry;
}

/** How often it is begun anew; other processes alone can come between. */
const TRIES = 64;
/** Milliseconds waited before that, at most. */
const LONGEST_WAIT = 50;

/**
 * Changes one record by what `make()` makes of it, and answers what is there
 * then; what `make()` throws is the answer. Where it gives nothing, all stays.
 */
export function changeSetup<Kind extends SetupKind>(
  { store, inTurn }: Pick<Work<unknown, unknown>, "store" | "inTurn">,
  { kind, id }: { kind: Kind; id: string },
  make: (
    was: SetupRecords[Kind] | undefined,
    setup: Setup,
  ) => Step<Kind> | undefined,
): Promise<SetupRecords[Kind] | undefined> {
  return inTurn(async () => {
    for (let tries = 0; tries < TRIES; tries++) {
      if (tries > 0) await someTime(tries);
      const setup = await store.readSetup();
      const was = recordOf(setup, kind, id);
      const step = make(was, setup);
      if (step === undefined) return was;
      const { next, entry } = step;
      if (await store.putSetup({ kind, id, was, next }, entry)) return next;
    }
    throw new Problem(409, "Others keep changing this: try again.");
  });
}

/** Longer each time, and not the same for two who came at once. */
function someTime(tries: number): Promise<void> {
  const most = Math.min(2 ** tries, LONGEST_WAIT);
  return new Promise((resolve) => setTimeout(resolve, Math.random() * most));
}

/** The record of that name. */
export function recordOf<Kind extends SetupKind>(
  { credentials, providers, aliases }: SetupTable,
  kind: Kind,
  id: string,
): SetupRecords[Kind] | undefined {
  const found: { [K in SetupKind]: SetupRecords[K] | undefined } = {
    credential: credentials.find((record) => record.id === id),
    provider: providers.find((record) => record.id === id),
    alias: aliases.find((record) => record.name === id),
  };
  return found[kind];
}

/** The entry of a change of something set up; `changed` without secrets. */
export function noted(
  { now, by }: Pick<Work<unknown, unknown>, "now" | "by">,
  action: string,
  { subject, changed }: { subject?: string; changed?: unknown },
): AuditEntry {
  return {
    time: now,
    by,
    action,
    ...(subject !== undefined && { subject }),
    ...(changed !== undefined && { changed }),
  };
}

/** `record` with what `patch` says laid over it; `null` is what is usual. */
export function laidOver<Fields extends object>(
  record: Fields,
  patch: { readonly [Name in keyof Fields]?: Fields[Name] | null },
  usual: Partial<Fields>,
): Fields {
  const next = { ...record };
  for (const name of Object.keys(patch) as (keyof Fields)[]) {
    const value = patch[name] ?? usual[name];
    if (value === undefined) delete next[name];
    else next[name] = value;
  }
  return next;
}

/** Ids of all providers there are: rows of the table, and the owner's own. */
export function providerIds(
  { providers }: Pick<Work<unknown, unknown>, "providers">,
  setup: Pick<SetupTable, "providers">,
): string[] {
  const own = setup.providers.filter(({ origin }) => origin !== undefined);
  return [...new Set([...providers, ...own].map(({ id }) => id))];
}

/** A problem where one of the named providers is none; the store is asked only about those that are not in the table. */
export async function checkProviders(
  work: Pick<Work<unknown, unknown>, "store" | "providers">,
  named: readonly string[],
  { field, more = [] }: { field: string; more?: readonly string[] },
): Promise<void> {
  const table = new Set(work.providers.map(({ id }) => id).concat(more));
  if (named.every((id) => table.has(id))) return;
  const ids = providerIds(work, await work.store.readSetup()).concat(more);
  const wrong = named.findIndex((id) => !ids.includes(id));
  if (wrong === -1) return;
  const path = `${field}/${wrong}`;
  const name = path.slice(1).replaceAll("/", ".");
  throw new Problem(400, `${name} must be one of ${ids.join(", ")}.`, path);
}
