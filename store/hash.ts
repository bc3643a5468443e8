/**
 * A token as a Redis hash, whose fields are the record's, each as JSON; and how
 * scripts are run, and changes noted.
 *
 * @module
 */

import type { Redis } from "@upstash/redis/cloudflare";
import type { AuditEntry, TokenRecord } from "../core/store.ts";
import { mapped, parsed } from "./verbs.ts";

/** How every change ends. Its first key is the audit log, its first argument the entry. */
export const NOTE =
  "redis.call('XADD', KEYS[1], 'MAXLEN', '~', 10000, '*', 'e', ARGV[1])";

/** Scripts by name, which go by their SHA-1 once Redis knows them. */
export function scripted<Name extends string>(
  texts: Readonly<Record<Name, string>>,
  { redis, audit }: { redis: Redis; audit: string },
) {
  const scripts = mapped(texts, (text) => redis.createScript<unknown>(text));
  const run = (name: Name, touched: string[], args: string[] = []) =>
    scripts[name].exec(touched, args);
  /** A script that changes something, and notes it. */
  const change = (
    name: Name,
    entry: AuditEntry,
    touched: string[],
    args: string[] = [],
  ) => run(name, [audit, ...touched], [JSON.stringify(entry), ...args]);
  return { run, change };
}

/** Sorts by age, then id; every member of the index has the score 0. */
export function indexMember({ id, created }: TokenRecord): string {
  return `${`${created}`.padStart(12, "0")}.${id}`;
}

/** Of a member of the index. */
export function idOf(indexed: string): string {
  return indexed.slice(indexed.indexOf(".") + 1);
}

/** Field, JSON, field, JSON, … */
export function fieldsOf(values: object): string[] {
  return Object.entries(values).flatMap(([field, value]) =>
    value === undefined ? [] : [field, JSON.stringify(value)]
  );
}

/** `undefined` for no record, and for one that cannot be read: unknown means refuse. */
export function decode(answer: unknown): TokenRecord | undefined {
  const flat = answer as readonly string[] | null;
  if (!flat?.length) return undefined;
  const record: Record<string, unknown> = {};
  for (let i = 0; i < flat.length; i += 2) {
    record[flat[i]!] = parsed(flat[i + 1]);
  }
  const whole = !Object.values(record).includes(undefined);
  return whole ? record as unknown as TokenRecord : undefined;
}
