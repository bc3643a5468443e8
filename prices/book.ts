/**
 * Where prices come from: what was shipped, and over it what the owner says.
 * Nothing is read before a price is needed, and nobody waits for news.
 *
 * @module
 */

import { readFile } from "node:fs/promises";
import type { PriceBook } from "./price.ts";
import { PricesError, readTable, type Table } from "./row.ts";

/** How prices are found and kept fresh. */
export interface PriceSource {
  /** Path or http(s) URL of the owner's own table. */
  readonly file?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Lets a look for news outlive the call that caused it; logs under `name` what it throws. */
  readonly defer: (name: string, work: Promise<unknown>) => void;
}

/** How long a table is believed, milliseconds: a file's is cheap to read again. */
const FRESH = { file: 10_000, url: 300_000 };

/**
 * A function that gives the book, read at its first call: the owner's table is
 * looked at again by calls that come later, which take the old book; a table
 * that cannot be read or understood then is deferred work that failed, and the
 * old one stays. The first call throws a `PricesError` for it.
 */
export function pricesFrom(
  { file, now, defer }: PriceSource,
): () => Promise<PriceBook> {
  let book: Promise<PriceBook> | undefined;
  let text: string | undefined;
  let looked = 0;
  const fresh = isUrl(file) ? FRESH.url : FRESH.file;

  async function load(): Promise<PriceBook> {
    text = file === undefined ? undefined : await textAt(file);
    return await shipped(text === undefined ? [] : [tableIn(text)]);
  }

  async function look() {
    const news = await textAt(file!);
    if (news === text) return;
    const next = await shipped([tableIn(news)]);
    text = news;
    book = Promise.resolve(next);
  }

  return () => {
    if (book === undefined) {
      looked = now();
      const first = book = load();
      first.catch(() => book = undefined);
    } else if (file !== undefined && now() - looked >= fresh) {
      looked = now();
      defer("prices", look());
    }
    return book;
  };
}

/** The owner's table, as it stands now; throws a `PricesError` that names what is wrong with it. */
export async function ownersTable(file: string): Promise<Table> {
  return tableIn(await textAt(file));
}

async function shipped(owners: readonly Table[]): Promise<PriceBook> {
  const [own, catalog] = await Promise.all([
    import("./own.json", { with: { type: "json" } }),
    import("./catalog.json", { with: { type: "json" } }),
  ]);
  return {
    overlays: [...owners, readTable(own.default)],
    catalog: readTable(catalog.default),
  };
}

function isUrl(file: string | undefined): boolean {
  return /^https?:\/\//.test(file ?? "");
}

async function textAt(file: string): Promise<string> {
  try {
    if (!isUrl(file)) return await readFile(file, "utf8");
    const response = await fetch(file, { signal: AbortSignal.timeout(10_000) });
    const text = await response.text();
    if (response.ok) return text;
  } catch {
    // Said below, without what it was.
  }
  throw new PricesError("the table of prices cannot be read");
}

function tableIn(text: string): Table {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new PricesError("the table of prices is not JSON");
  }
  return readTable(value);
}
