/**
 * The embedded store: one SQLite file, through `node:sqlite`, which both
 * runtimes have built in. Several processes may share the file.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import {
  type AuditEntry,
  type Claim,
  type Page,
  type Store,
  StoreUnavailable,
  type TokenRecord,
} from "../core/store.ts";
import { applyPatch, rotated } from "../core/record.ts";

/** Records are JSON: the fields belong to the application, not to SQL. */
const SCHEMA = `
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
  CREATE TABLE IF NOT EXISTS nonces (
    nonce TEXT PRIMARY KEY, expires INTEGER NOT NULL   -- seconds since the epoch
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS claims (
    hash TEXT PRIMARY KEY, claim TEXT NOT NULL,
    expires INTEGER NOT NULL                           -- seconds since the epoch
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS claims_by_end ON claims (expires);
  CREATE TABLE IF NOT EXISTS state (
    name TEXT PRIMARY KEY, value TEXT NOT NULL         -- 'pause'
  ) WITHOUT ROWID;`;

/** Audit entries kept. */
const AUDIT_KEPT = 10_000;

/** @param database open, and not used by anybody else in this process */
export function sqliteStore(
  database: DatabaseSync,
  now: () => number = Date.now,
): Store {
  database.exec("PRAGMA busy_timeout = 5000");
  database.exec(SCHEMA);
  const tools = toolsOf(database);
  const { sql } = tools;
  return {
    ...tokenVerbs(tools),
    ...listVerbs(tools),
    ...claimVerbs(tools, now),
    admit: (ids) =>
      attempt(() => {
        const pause = sql.state.get("pause");
        return {
          records: ids.map(tools.load),
          ...(pause && { pause: JSON.parse(`${pause.value}`) }),
        };
      }),
    setPause: (pause, entry) =>
      tools.transact(() => {
        if (pause === undefined) sql.clear.run("pause");
        else sql.set.run("pause", JSON.stringify(pause));
        tools.note(entry);
      }),
    takeNonce: (nonce, expires) =>
      tools.transact(() => {
        sql.expire.run(Math.floor(now() / 1000));
        return sql.take.run(nonce, expires).changes === 1;
      }),
    ready: () => attempt(() => void sql.state.get("pause")),
    close: () => database.close(),
  };
}

type Tools = ReturnType<typeof toolsOf>;

/** What the verbs are made of. */
function toolsOf(database: DatabaseSync) {
  const sql = statements(database);
  return {
    sql,
    load(id: string) {
      const row = sql.get.get(id);
      return row && parse<TokenRecord>(row.record);
    },
    insert: (record: TokenRecord) =>
      sql.insert.run(record.id, record.created, JSON.stringify(record))
        .changes === 1,
    note(entry: AuditEntry) {
      const { lastInsertRowid } = sql.note.run(JSON.stringify(entry));
      sql.forget.run(Number(lastInsertRowid) - AUDIT_KEPT);
    },
    transact: <Result>(work: () => Result) => transact(database, work),
  };
}

function tokenVerbs({ sql, load, insert, note, transact }: Tools) {
  const edit = (
    id: string,
    entry: AuditEntry,
    change: (record: TokenRecord) => TokenRecord,
  ) =>
    transact(() => {
      const record = load(id);
      if (record === undefined) return undefined;
      const changed = change(record);
      sql.save.run(JSON.stringify(changed), id);
      note(entry);
      return changed;
    });
  return {
    stampToken: (id, time) => attempt(() => void sql.stamp.run(time, id)),
    createToken: (record, entry) =>
      transact(() => {
        const created = insert(record);
        if (created) note(entry);
        return created;
      }),
    editToken: (id, patch, entry) =>
      edit(id, entry, (record) => applyPatch(record, patch)),
    rotateToken: (id, next, entry) =>
      edit(id, entry, (record) => rotated(record, next)),
    deleteToken: (id, entry) =>
      transact(() => {
        const deleted = sql.remove.run(id).changes === 1;
        if (deleted) note(entry);
        return deleted;
      }),
    importTokens: (records, entry) =>
      transact(() => {
        const taken = records.filter(({ id, hash }) => {
          const present = load(id);
          return present !== undefined && present.hash !== hash;
        });
        if (taken.length > 0) return taken.map(({ id }) => id);
        records.forEach(insert);
        note(entry);
        return [];
      }),
  } satisfies Partial<Store>;
}

function listVerbs({ sql }: Tools) {
  return {
    getToken: (id) =>
      attempt(() => {
        const row = sql.get.get(id);
        return row && listed(row);
      }),
    listTokens: ({ cursor, limit }) =>
      attempt(() => {
        const [created, id] = (cursor ?? "-1.").split(".");
        const rows = sql.list.all(Number(created), id!, limit + 1);
        return page(rows, limit, listed, (row) => `${row.created}.${row.id}`);
      }),
    listAudit: ({ cursor, limit }) =>
      attempt(() => {
        const before = cursor === undefined ? 2 ** 53 : parseInt(cursor);
        const rows = sql.audit.all(before, limit + 1);
        const read = (row: Row) => parse<AuditEntry>(row.entry);
        return page(rows, limit, read, (row) => `${row.number}`);
      }),
  } satisfies Partial<Store>;
}

function claimVerbs({ sql, transact }: Tools, now: () => number) {
  return {
    keepClaims: (claims) =>
      transact(() => {
        sql.lapse.run(Math.floor(now() / 1000));
        for (const claim of claims) {
          sql.claim.run(claim.hash, JSON.stringify(claim), claim.expires);
        }
      }),
    findClaims: (hashes) =>
      attempt(() =>
        hashes.map((hash) => {
          const row = sql.claimed.get(hash, Math.floor(now() / 1000));
          return row && parse<Claim>(row.claim);
        })
      ),
  } satisfies Partial<Store>;
}

type Row = Record<string, unknown>;

function statements(database: DatabaseSync) {
  const prepare = (text: string) => database.prepare(text);
  return {
    get: prepare("SELECT record, used FROM tokens WHERE id = ?"),
    list: prepare(
      "SELECT id, created, record, used FROM tokens WHERE (created, id) > (?, ?) ORDER BY created, id LIMIT ?",
    ),
    insert: prepare(
      "INSERT OR IGNORE INTO tokens (id, created, record) VALUES (?, ?, ?)",
    ),
    save: prepare("UPDATE tokens SET record = ? WHERE id = ?"),
    stamp: prepare("UPDATE tokens SET used = ? WHERE id = ?"),
    remove: prepare("DELETE FROM tokens WHERE id = ?"),
    note: prepare("INSERT INTO audit (entry) VALUES (?)"),
    forget: prepare("DELETE FROM audit WHERE number <= ?"),
    audit: prepare(
      "SELECT number, entry FROM audit WHERE number < ? ORDER BY number DESC LIMIT ?",
    ),
    state: prepare("SELECT value FROM state WHERE name = ?"),
    set: prepare("INSERT OR REPLACE INTO state (name, value) VALUES (?, ?)"),
    clear: prepare("DELETE FROM state WHERE name = ?"),
    take: prepare(
      "INSERT OR IGNORE INTO nonces (nonce, expires) VALUES (?, ?)",
    ),
    claim: prepare(
      "INSERT OR IGNORE INTO claims (hash, claim, expires) VALUES (?, ?, ?)",
    ),
    claimed: prepare("SELECT claim FROM claims WHERE hash = ? AND expires > ?"),
    lapse: prepare("DELETE FROM claims WHERE expires <= ?"),
    expire: prepare("DELETE FROM nonces WHERE expires < ?"),
  };
}

/** A page of rows of which one more than asked for was read. A row that cannot be read is left out. */
function page<Item>(
  rows: readonly Row[],
  limit: number,
  read: (row: Row) => Item | undefined,
  cursorOf: (row: Row) => string,
): Page<Item> {
  const shown = rows.slice(0, limit);
  const items = shown.map(read).filter((item) => item !== undefined);
  return rows.length > limit
    ? { items, cursor: cursorOf(shown.at(-1)!) }
    : { items };
}

function listed({ record, used }: Row) {
  const parsed = parse<TokenRecord>(record);
  return parsed && {
    record: parsed,
    ...(typeof used === "number" && { lastUsed: used }),
  };
}

function parse<Value>(text: unknown): Value | undefined {
  try {
    return JSON.parse(`${text}`);
  } catch {
    return undefined;
  }
}

function transact<Result>(
  database: DatabaseSync,
  work: () => Result,
): Promise<Result> {
  return attempt(() => {
    database.exec("BEGIN IMMEDIATE");
    try {
      const result = work();
      database.exec("COMMIT");
      return result;
    } catch (error) {
      database.exec("ROLLBACK");
      throw error;
    }
  });
}

function attempt<Result>(work: () => Result): Promise<Result> {
  try {
    return Promise.resolve(work());
  } catch (error) {
    const { code } = error as { code?: string };
    return Promise.reject(new StoreUnavailable(code ?? "SQLITE"));
  }
}
