/**
 * What was used, in the embedded store.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import {
  addSums,
  type Batch,
  type Entry,
  MOST_MODELS,
  periodOf,
  type Span,
  SPANS,
  type Sums,
  type UsageRow,
  type Whose,
} from "../core/ledger.ts";
import type { UsageRequest } from "../core/store.ts";
import { mapped, page, parsed } from "./verbs.ts";

/** Sums and entries are JSON: their names belong to the application. */
export const USAGE_SCHEMA = `
  CREATE TABLE IF NOT EXISTS usage (
    span TEXT NOT NULL, period TEXT NOT NULL,    -- 'hour', 2026-11-20T12 or 'day', 2026-11-20;
    token TEXT NOT NULL,                         -- or 'credential hour', 'credential day', and its id
    provider TEXT NOT NULL, model TEXT NOT NULL,
    sums TEXT NOT NULL,
    PRIMARY KEY (span, period, token, provider, model)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS requests (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    token TEXT NOT NULL, entry TEXT NOT NULL,
    expires INTEGER NOT NULL                     -- seconds since the epoch
  );
  CREATE INDEX IF NOT EXISTS requests_by_token ON requests (token, number);
  CREATE INDEX IF NOT EXISTS requests_by_end ON requests (expires);`;

const SQL = {
  read: `SELECT sums FROM usage WHERE span = ? AND period = ?
    AND token = ? AND provider = ? AND model = ?`,
  models: `SELECT COUNT(*) AS n FROM usage
    WHERE span = ? AND period = ? AND token = ?`,
  write: "INSERT OR REPLACE INTO usage VALUES (?, ?, ?, ?, ?, ?)",
  forget: "DELETE FROM usage WHERE span = ? AND period < ?",
  pairs: `SELECT DISTINCT period, token FROM usage
    WHERE span = ?1 AND period BETWEEN ?2 AND ?3 AND (period, token) > (?4, ?5)
      AND (?6 = '' OR token = ?6)
    ORDER BY period, token LIMIT ?7`,
  rows: `SELECT period, token, provider, model, sums FROM usage
    WHERE span = ? AND period = ? AND token = ? ORDER BY provider, model`,
  enter: "INSERT INTO requests (token, entry, expires) VALUES (?, ?, ?)",
  trim: `DELETE FROM requests WHERE token = ?1 AND number <= (
    SELECT number FROM requests WHERE token = ?1
    ORDER BY number DESC LIMIT 1 OFFSET ?2)`,
  lapse: "DELETE FROM requests WHERE expires <= ?",
  last:
    "SELECT entry FROM requests WHERE token = ? ORDER BY number DESC LIMIT ?",
} as const;

/** The verbs of usage; `add` is to be called within a transaction, for a batch that is new. */
export function usageOf(database: DatabaseSync) {
  const sql = mapped(SQL, (text) => database.prepare(text));
  const addRow = (span: Span, row: UsageRow) => {
    const { credential, token } = row;
    const period = row.period.slice(0, span === "hour" ? 13 : 10);
    const pair = credential === undefined
      ? [kindOf(span, "token"), period, token] as const
      : [kindOf(span, "credential"), period, credential] as const;
    const read = (model: string) => sql.read.get(...pair, row.provider, model);
    const known = read(row.model);
    const full = !known && Number(sql.models.get(...pair)?.n) >= MOST_MODELS;
    const model = full ? "" : row.model;
    const before = parsed<Sums>((full ? read("") : known)?.sums) ?? {};
    const sums = JSON.stringify(addSums(before, row.sums));
    sql.write.run(...pair, row.provider, model, sums);
  };
  return {
    add({ now, rows, requests, keep }: Batch) {
      for (const [span, kept] of [["hour", keep.hours], ["day", keep.days]]) {
        const oldest = now - Number(kept) * SPANS[span as Span];
        for (const row of rows) addRow(span as Span, row);
        for (const whose of ["token", "credential"] as const) {
          const kind = kindOf(span as Span, whose);
          sql.forget.run(kind, periodOf(span as Span, oldest));
        }
      }
      const seconds = Math.floor(now / 1000);
      const expires = seconds + keep.days * 86_400;
      for (const [token, entries] of requests) {
        for (const entry of entries.toReversed()) {
          sql.enter.run(token, JSON.stringify(entry), expires);
        }
        sql.trim.run(token, keep.requests);
      }
      sql.lapse.run(seconds);
    },
    list(asked: UsageRequest) {
      const { span, from, to, whose = "token", token = "", limit } = asked;
      const [period, after] = (asked.cursor ?? " ").split(" ");
      const kind = kindOf(span, whose);
      const pairs = sql.pairs
        .all(kind, from, to, period!, after!, token, limit + 1);
      const place = ({ period, token }: Row) => `${period} ${token}`;
      const read = ({ period, token }: Row) =>
        sql.rows.all(kind, `${period}`, `${token}`).map((row) =>
          ({
            ...row,
            ...(whose === "credential" && { token: "", credential: token }),
            sums: parsed<Sums>(row.sums) ?? {},
          }) as UsageRow
        );
      return page(pairs, limit, place, (shown) => shown.flatMap(read));
    },
    last: (token: string, limit: number) =>
      sql.last.all(token, limit)
        .flatMap(({ entry }) => parsed<Entry>(entry) ?? []),
  };
}

/** What stands in the column of the span: rows of tokens and of credentials lie apart. */
function kindOf(span: Span, whose: Whose): string {
  return whose === "token" ? span : `${whose} ${span}`;
}

type Row = Record<string, unknown>;
