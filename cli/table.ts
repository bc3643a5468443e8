/**
 * The table that carries everything from one doppel to another.
 *
 * @module
 */

import { readFileSync } from "node:fs";
import type { Call } from "./command.ts";
import type { Row } from "./print.ts";

/** What a table is made of, beside its version. */
const PARTS = ["tokens", "credentials", "providers", "aliases"] as const;

/** The whole table. */
export type Table = Readonly<
  Record<typeof PARTS[number], readonly Row[]> & { version: number }
>;

/** All pages of it, as one. */
export async function exported(call: Call): Promise<Table> {
  const first = await call("GET", "/admin/export?limit=1000");
  const tokens = [...first.tokens as Row[]];
  for (let { cursor } = first; cursor !== undefined;) {
    const from = encodeURIComponent(`${cursor}`);
    const page = await call("GET", `/admin/export?limit=1000&cursor=${from}`);
    tokens.push(...page.tokens as Row[]);
    ({ cursor } = page);
  }
  const { cursor: _, ...whole }: Row = { ...first, tokens };
  return whole as unknown as Table;
}

/** The table in a file; what else is in it is not repeated, as it may be a key. */
export function readTable(file: string): Table {
  const read = parsed(readFileSync(file, "utf8"));
  if (Array.isArray(read?.tokens)) return read;
  throw new Error(`${file} is no token table.`);
}

function parsed(text: string) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Imports it by pages of 1,000 tokens, each whole or not at all; everything else goes with the first. Answers what was counted. */
export async function imported(call: Call, table: Table): Promise<Row> {
  const { version, tokens, ...setup } = table;
  const total: Row = {};
  for (let at = 0; at === 0 || at < tokens.length; at += 1000) {
    const page = tokens.slice(at, at + 1000);
    const rest = at === 0 ? setup : {};
    const counts = await call("POST", "/admin/import", {
      version,
      ...rest,
      tokens: page,
    });
    for (const [name, count] of Object.entries(counts)) {
      total[name] = typeof count === "number"
        ? Number(total[name] ?? 0) + count
        : total[name] ?? count;
    }
  }
  return total;
}
