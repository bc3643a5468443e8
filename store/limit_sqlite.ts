/**
 * Limits in the embedded store.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import {
  type Bill,
  DAY_KEPT,
  type Estimate,
  type Hold,
  LEASE_LASTS,
  leased,
  type Left,
  type Limits,
  MONTH_KEPT,
  PERIODS,
  periods,
  type Shortage,
  SLOT,
  SLOTS,
  type Taking,
  timed,
} from "../core/limit.ts";
import type { Admission, TokenRecord } from "../core/store.ts";
import { mapped } from "./verbs.ts";

/** Slots count since the epoch, leases end in milliseconds since it, money is micro-dollars. */
export const LIMIT_SCHEMA = `
  CREATE TABLE IF NOT EXISTS rates (
    token TEXT NOT NULL, slot INTEGER NOT NULL,
    requests INTEGER NOT NULL, tokens INTEGER NOT NULL,
    PRIMARY KEY (token, slot)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS leases (
    token TEXT NOT NULL, lease TEXT NOT NULL, ends INTEGER NOT NULL,
    held INTEGER,                                 -- NULL: nothing was to be held
    PRIMARY KEY (token, lease)
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS spend (
    token TEXT NOT NULL, period TEXT NOT NULL,   -- 2026-11-20, 2026-11, 'total'
    spent INTEGER NOT NULL,
    PRIMARY KEY (token, period)
  ) WITHOUT ROWID;`;

const SQL = {
  forget: "DELETE FROM rates WHERE token = ? AND slot <= ?",
  used: `SELECT COALESCE(SUM(requests), 0) AS requests,
      COALESCE(SUM(tokens), 0) AS tokens,
      MIN(CASE WHEN requests > 0 THEN slot END) AS firstRequest,
      MIN(CASE WHEN tokens > 0 THEN slot END) AS firstToken
    FROM rates WHERE token = ?`,
  count: `INSERT INTO rates (token, slot, requests, tokens) VALUES (?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET requests = requests + excluded.requests,
      tokens = tokens + excluded.tokens`,
  recount: `UPDATE rates SET requests = requests + ?, tokens = tokens + ?
    WHERE token = ? AND slot = ?`,
  dead: "SELECT lease, held FROM leases WHERE token = ? AND ends <= ?",
  leases: `SELECT COUNT(*) AS open, COALESCE(SUM(held), 0) AS held
    FROM leases WHERE token = ?`,
  lease: "INSERT INTO leases (token, lease, ends, held) VALUES (?, ?, ?, NULL)",
  renew: "UPDATE leases SET ends = ? WHERE token = ? AND lease = ?",
  hold: `UPDATE leases SET held = ?
    WHERE token = ? AND lease = ? AND held IS NULL`,
  known: "SELECT held FROM leases WHERE token = ? AND lease = ?",
  release: "DELETE FROM leases WHERE token = ? AND lease = ? RETURNING held",
  spend: `INSERT INTO spend (token, period, spent) VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET spent = spent + excluded.spent`,
  lapse: `DELETE FROM spend WHERE token = ?1
    AND (length(period) = 10 AND period < ?2 OR length(period) = 7 AND period < ?3)`,
  noRates: "DELETE FROM rates WHERE token = ?",
  noLeases: "DELETE FROM leases WHERE token = ?",
  noSpend: "DELETE FROM spend WHERE token = ?",
  spent: "SELECT spent FROM spend WHERE token = ? AND period = ?",
} as const;

type Row = Record<string, number | null>;

/** What the verbs of limits are made of; each to be called within a transaction. */
export function limitsOf(database: DatabaseSync) {
  const tools = toolsOf(database);
  const { sql, used, count, bury, unspent } = tools;
  return {
    /** Takes what a request needs at its beginning, or says what is short. */
    take(
      { id, limits }: TokenRecord,
      { lease, now }: Taking,
    ): Omit<Admission, "records" | "pause" | "turn"> {
      const left = timed(limits) ? minute(limits, used(id, now), now) : [];
      const short = left.findLast(([, there]) => there <= 0);
      if (short) {
        return { shortage: { short: short[0], retryAfter: short[2], left } };
      }
      if (leased(limits)) {
        bury(id, now);
        const { open } = sql.leases.get(id) as { open: number };
        const free = (limits.concurrency ?? Infinity) - open;
        if (limits.concurrency) left.push(["concurrency", free, 0]);
        if (free <= 0) {
          return { shortage: { short: "concurrency", retryAfter: 1, left } };
        }
        sql.lease.run(id, lease, now + LEASE_LASTS);
      }
      if (timed(limits)) count(id, now, 1, 0);
      const taken = ([name, there, reset]: Left[number]) =>
        [name, name === "tokens" ? there : there - 1, reset] as const;
      return { taken: true, left: left.map(taken) };
    },
    reserve: reserving(tools),
    /** What is not spent yet of a budget, and what its leases hold. */
    stand(
      { id, limits: { budget } }: TokenRecord,
      leases: readonly string[],
      now: number,
    ) {
      const rooms = unspent(id, now, budget ?? {});
      if (rooms.length === 0) return {};
      const holds = leases.map((lease) =>
        (sql.known.get(id, lease)?.held ?? null) as number | null
      );
      return { unspent: Math.min(...rooms.map(([, there]) => there)), holds };
    },
    settle: settling(tools),
    /** The token is deleted. */
    forget(id: string) {
      for (const name of ["noRates", "noLeases", "noSpend"] as const) {
        sql[name].run(id);
      }
    },
    renew: (id: string, lease: string, now: number) =>
      void sql.renew.run(now + LEASE_LASTS, id, lease),
  };
}

function reserving({ sql, used, count, uncount, bury, unspent }: Tools) {
  return (
    { id, limits }: TokenRecord,
    { lease, now, counted }: Taking,
    { tokens, least, most }: Estimate,
  ): Hold | Shortage => {
    bury(id, now);
    // Without its lease nothing would be held.
    if (!sql.known.get(id, lease)) return { short: "concurrency", left: [] };
    const { requests: _, ...rate } = limits;
    const sum = used(id, now);
    const rates = minute(rate, sum, now);
    const over = sum.tokens! > 0 && rates.find(([, there]) => there < tokens);
    const rooms = unspent(id, now, limits.budget ?? {}, sql.leases.get(id));
    const short = over || rooms.find(([, there]) => there < least);
    if (short) {
      sql.release.get(id, lease);
      if (counted) uncount(id, now, 1, 0);
      const retry = short[2] > 0 && { retryAfter: short[2] };
      return { short: short[0], ...retry, left: [...rates, ...rooms] };
    }
    const held = limits.budget
      ? Math.min(most, ...rooms.map(([, there]) => there))
      : 0;
    const taken = !limits.budget || sql.hold.run(held, id, lease).changes;
    if (!taken) return { short: "concurrency", left: [] };
    if (rate.tokens !== undefined) count(id, now, 0, tokens);
    const left = [...less(rates, tokens), ...less(rooms, held)];
    return { held, left };
  };
}

function settling({ sql, spend, count, uncount }: Tools) {
  return (
    id: string,
    { lease, now, counted }: Taking,
    { held, tokens, cost, undone, now: over = now }: Bill,
  ) => {
    const row = sql.release.get(id, lease) as Row | undefined;
    // A lease that has died is paid for already, and one that is settled, too.
    if (row === undefined && lease !== "") return;
    if (typeof row?.held === "number") spend(id, now, cost);
    uncount(id, now, undone && counted ? 1 : 0, held);
    if (tokens > 0) count(id, over, 0, tokens);
  };
}

type Tools = ReturnType<typeof toolsOf>;

function toolsOf(database: DatabaseSync) {
  const sql = mapped(SQL, (text) => database.prepare(text));
  const spend = (id: string, now: number, amount: number) => {
    const { day, month } = periods(now);
    for (const period of [day, month, "total"]) {
      if (amount > 0) sql.spend.run(id, period, amount);
    }
    const oldest = (kept: number) => periods(now - kept * 1_000);
    sql.lapse.run(id, oldest(DAY_KEPT).day, oldest(MONTH_KEPT).month);
  };
  return {
    sql,
    spend,
    used(id: string, now: number): Row {
      sql.forget.run(id, Math.floor(now / SLOT) - SLOTS);
      return sql.used.get(id) as Row;
    },
    count(id: string, now: number, requests: number, tokens: number) {
      sql.count.run(id, Math.floor(now / SLOT), requests, tokens);
    },
    /** What was counted there, if it still is. */
    uncount(id: string, now: number, requests: number, tokens: number) {
      sql.recount.run(-requests, -tokens, id, Math.floor(now / SLOT));
    },
    /** Ends leases nobody has renewed; what they held is spent. */
    bury(id: string, now: number) {
      for (const { lease, held } of sql.dead.all(id, now)) {
        sql.release.get(id, `${lease}`);
        spend(id, now, Number(held ?? 0));
      }
    },
    /** Micro-dollars of each bound that are not spent, nor held. */
    unspent(
      id: string,
      now: number,
      budget: NonNullable<Limits["budget"]>,
      { held }: { held?: unknown } = {},
    ): Left[number][] {
      const places = { ...periods(now), total: "total" };
      return PERIODS.flatMap((name): Left[number][] => {
        const bound = budget[name];
        if (bound === undefined) return [];
        const spent = Number(sql.spent.get(id, places[name])?.spent ?? 0);
        return [[name, bound - spent - Number(held ?? 0), 0]];
      });
    },
  };
}

/** What the minute still has room for. */
function minute(limits: Limits, sum: Row, now: number): Left[number][] {
  const wait = (slot: number | null) =>
    Math.ceil((((slot ?? Math.floor(now / SLOT)) + SLOTS) * SLOT - now) / 1000);
  const first = { tokens: sum.firstToken!, requests: sum.firstRequest! };
  return (["tokens", "requests"] as const).flatMap((name): Left[number][] => {
    const limit = limits[name];
    return limit === undefined
      ? []
      : [[name, limit - sum[name]!, wait(first[name])]];
  });
}

/** The same with so much of each gone. */
function less(left: Left, amount: number): Left {
  return left.map(([name, there, reset]) => [name, there - amount, reset]);
}
