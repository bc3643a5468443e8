/**
 * The embedded store: one SQLite file, through `node:sqlite`, which both
 * runtimes have built in. Several processes may share the file.
 *
 * @module
 */

import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Taking } from "../core/limit.ts";
import { admissible } from "../core/policy.ts";
import type {
  Admission,
  Ask,
  AuditEntry,
  Claim,
  Store,
  TokenRecord,
} from "../core/store.ts";
import { LIMIT_SCHEMA, limitsOf } from "./limit_sqlite.ts";
import { AT_ONCE, type Patience, patienceWith } from "./patience_sqlite.ts";
import { listVerbs, recordOf } from "./rows_sqlite.ts";
import { SETUP_SCHEMA, setupOf, setupVerbs } from "./setup_sqlite.ts";
import { USAGE_SCHEMA, usageOf } from "./usage_sqlite.ts";
import { lookedOf, stateOf } from "./setup.ts";
import { guarded, late, LIVE, mapped, parsed, type Verbs } from "./verbs.ts";

/** Records are JSON: the fields belong to the application, not to SQL. */
const SCHEMA = `
  PRAGMA busy_timeout = 5000;
  PRAGMA journal_mode = WAL;
  PRAGMA synchronous = NORMAL;
  CREATE TABLE IF NOT EXISTS tokens (
    id TEXT PRIMARY KEY, created INTEGER NOT NULL, record TEXT NOT NULL,
    used INTEGER                                       -- seconds since the epoch
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS tokens_by_age ON tokens (created, id);
  CREATE TABLE IF NOT EXISTS audit (
    number INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL
  );
  CREATE TRIGGER IF NOT EXISTS audit_kept AFTER INSERT ON audit BEGIN
    DELETE FROM audit WHERE number <= NEW.number - 10000;
  END;
  CREATE TABLE IF NOT EXISTS nonces (
    nonce TEXT PRIMARY KEY, expires INTEGER NOT NULL   -- seconds since the epoch
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS nonces_by_end ON nonces (expires);
  CREATE TABLE IF NOT EXISTS claims (
    hash TEXT PRIMARY KEY, claim TEXT NOT NULL,
    expires INTEGER NOT NULL                           -- seconds since the epoch
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS claims_by_end ON claims (expires);`;

/** Records change by merge patches (RFC 7396), in which `null` takes a field away. */
const SQL = {
  begin: "BEGIN IMMEDIATE",
  commit: "COMMIT",
  rollback: "ROLLBACK",
  get: "SELECT record, used FROM tokens WHERE id = ?",
  // One statement, so that it is one look at the file.
  look: `SELECT (SELECT record FROM tokens WHERE id = ?) AS record,
    (SELECT value FROM state WHERE name = 'pause') AS state`,
  list: `SELECT id, created, record, used FROM tokens
    WHERE (created, id) > (?, ?) ORDER BY created, id LIMIT ?`,
  insert: "INSERT OR IGNORE INTO tokens (id, created, record) VALUES (?, ?, ?)",
  edit: `UPDATE tokens SET record = json_patch(
      CASE WHEN ?1 ->> 'limits' IS NULL THEN record
      ELSE json_remove(record, '$.limits') END, ?1) -- limits are replaced whole
    WHERE id = ?2 AND json_valid(record) RETURNING record`,
  rotate: `UPDATE tokens SET record =
      json_patch(record, json_set(?, '$.previous.hash', record ->> 'hash'))
    WHERE id = ? AND json_valid(record) RETURNING record`,
  stamp: "UPDATE tokens SET used = ? WHERE id = ?",
  remove: "DELETE FROM tokens WHERE id = ?",
  note: "INSERT INTO audit (entry) VALUES (?)",
  audit: `SELECT number, entry FROM audit
    WHERE number < ? ORDER BY number DESC LIMIT ?`,
  take: "INSERT OR IGNORE INTO nonces (nonce, expires) VALUES (?, ?)",
  forget: "DELETE FROM nonces WHERE expires < ?",
  claim: "INSERT OR IGNORE INTO claims (hash, claim, expires) VALUES (?, ?, ?)",
  claimed: "SELECT claim FROM claims WHERE hash = ? AND expires > ?",
  lapse: "DELETE FROM claims WHERE expires <= ?",
} as const;

/** @param database open, and not used by anybody else in this process */
export function sqliteStore(
  database: DatabaseSync,
  now: () => number = Date.now,
): Store {
  database.exec(SCHEMA + LIMIT_SCHEMA + USAGE_SCHEMA + SETUP_SCHEMA);
  database.exec(AT_ONCE);
  const patience = patienceWith(database);
  const tools = toolsOf(database, patience);
  const { sql } = tools;
  const limits = limitsOf(database);
  const setup = setupOf(database);
  const verbs: Verbs = {
    ...tokenVerbs(tools, limits),
    ...listVerbs(tools),
    ...claimVerbs(tools, now),
    ...limitVerbs(tools, { limits, setup }),
    ...usageVerbs(tools, usageOf(database)),
    ...setupVerbs(tools, { setup, now }),
    ...late(LIVE, async () => {
      const { liveVerbs } = await import("./live_sqlite.ts");
      return liveVerbs(database, tools, { setup, now });
    }),
    // Two statements, each atomic: forgetting is no part of taking.
    takeNonce(nonce, expires) {
      sql.forget.run(Math.floor(now() / 1000));
      return sql.take.run(nonce, expires).changes === 1;
    },
    ready: () => void setup.state(),
  };
  return {
    ...guarded(verbs, {
      codeOf: ({ code }) => code ?? "SQLITE",
      again: patience.again,
    }),
    close: () => database.close(),
  };
}

/** See `toolsOf()`. */
export type Tools = ReturnType<typeof toolsOf>;
type Limiting = ReturnType<typeof limitsOf>;

/** What the verbs are made of. */
function toolsOf(database: DatabaseSync, { assertFree }: Patience) {
  const sql = mapped(SQL, (text) => database.prepare(text));
  const note = (entry: AuditEntry) => void sql.note.run(JSON.stringify(entry));
  return {
    sql,
    note,
    load: (id: string) => recordOf(sql.get.get(id)),
    insert: (record: TokenRecord) =>
      sql.insert.run(record.id, record.created, JSON.stringify(record))
        .changes === 1,
    stroke,
    /** One stroke: what `work` does, and its audit entry unless that was nothing. */
    change: <Result>(entry: AuditEntry, work: () => Result): Result =>
      stroke(() => {
        const result = work();
        if (result) note(entry);
        return result;
      }),
  };

  /** All that `work` does, or nothing of it. */
  function stroke<Result>(work: () => Result): Result {
    assertFree();
    sql.begin.run();
    try {
      const result = work();
      sql.commit.run();
      return result;
    } catch (error) {
      sql.rollback.run();
      throw error;
    }
  }
}

/** The record whose limits a request takes of, if it has any. */
function limited(
  asks: readonly Ask[],
  seen: Admission,
  { now, only }: Taking,
): TokenRecord | undefined {
  const terms = { now: Math.floor(now / 1000), only };
  const record = admissible(asks, seen, terms);
  return Object.keys(record?.limits ?? {}).length > 0 ? record : undefined;
}

function limitVerbs(
  { sql, load, stroke }: Tools,
  { limits, setup }: { limits: Limiting; setup: ReturnType<typeof setupOf> },
) {
  return {
    admit(asks, taking) {
      const look = () => {
        const rows = asks.map(({ id }) => sql.look.get(id)!);
        const records = rows.map(recordOf);
        const state = rows.length === 0
          ? setup.state()
          : stateOf(rows[0]!.state);
        return { records, ...state };
      };
      const seen = look();
      if (!taking || !limited(asks, seen, taking)) return seen;
      return stroke(() => {
        const now = look();
        const record = limited(asks, now, taking);
        if (record === undefined) return now;
        return { ...now, ...limits.take(record, taking) };
      });
    },
    reserve: (id, taking, estimate) =>
      stroke(() => {
        const record = load(id);
        return record === undefined
          ? { short: "total", left: [] }
          : limits.reserve(record, taking, estimate);
      }),
    settle: (id, taking, bill) => stroke(() => limits.settle(id, taking, bill)),
    watch(tokens, now, looks = false) {
      for (const { id, leases } of tokens) {
        for (const lease of leases) limits.renew(id, lease, now);
      }
      const standings = tokens.map(({ id, leases }) => {
        const record = load(id);
        return { record, ...(record && limits.stand(record, leases, now)) };
      });
      return {
        standings,
        ...(looks && lookedOf(setup.sql.state.get()?.value)),
      };
    },
  } satisfies Partial<Verbs>;
}

function claimVerbs({ sql }: Tools, now: () => number) {
  return {
    keepClaims(claims) {
      sql.lapse.run(Math.floor(now() / 1000));
      for (const claim of claims) {
        sql.claim.run(claim.hash, JSON.stringify(claim), claim.expires);
      }
    },
    findClaims(hashes) {
      const time = Math.floor(now() / 1000);
      return hashes.map((hash) =>
        parsed<Claim>(sql.claimed.get(hash, time)?.claim)
      );
    },
  } satisfies Partial<Verbs>;
}

function tokenVerbs(
  { sql, insert, change }: Tools,
  { forget }: Limiting,
) {
  const patched = (statement: StatementSync, id: string, patch: object) =>
    recordOf(statement.get(JSON.stringify(patch), id));
  return {
    stampToken: (id, time) => void sql.stamp.run(time, id),
    createToken: (record, entry) => change(entry, () => insert(record)),
    editToken: (id, patch, entry) =>
      change(entry, () => patched(sql.edit, id, patch)),
    rotateToken: (id, { graceEnds, ...next }, entry) =>
      change(entry, () => {
        const previous = { expires: graceEnds };
        return patched(sql.rotate, id, { ...next, previous });
      }),
    deleteToken: (id, entry) =>
      change(entry, () => {
        forget(id);
        return sql.remove.run(id).changes === 1;
      }),
  } satisfies Partial<Verbs>;
}

function usageVerbs(
  { sql, stroke }: Tools,
  usage: ReturnType<typeof usageOf>,
) {
  return {
    addUsage: (batch) =>
      stroke(() => {
        const known = Math.floor(batch.now / 1000) + 86_400;
        const added = sql.take.run(`batch ${batch.id}`, known).changes === 1;
        if (added) usage.add(batch);
      }),
    listUsage: usage.list,
    listRequests: usage.last,
  } satisfies Partial<Verbs>;
}
