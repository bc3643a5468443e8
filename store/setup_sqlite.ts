/**
 * What the owner sets up, in the embedded store.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import {
  type Cooldown,
  type KeptModels,
  MOST_COOLDOWNS,
  type SetupKind,
} from "../core/setup.ts";
import {
  coolingName,
  liveCooldowns,
  recordsOf,
  recordText,
  rowsOf,
  setupName,
  stateOf,
} from "./setup.ts";
import type { Tools } from "./sqlite.ts";
import { mapped, parsed, type Verbs } from "./verbs.ts";

/** Records and cooldowns are JSON, times seconds since the epoch. */
export const SETUP_SCHEMA = `
  CREATE TABLE IF NOT EXISTS state (
    name TEXT PRIMARY KEY, value TEXT NOT NULL         -- 'pause': it, and the turn
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS setup (
    name TEXT PRIMARY KEY, record TEXT NOT NULL        -- 'credential openai-a'
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS cooling (
    name TEXT PRIMARY KEY, credential TEXT NOT NULL,   -- 'openai-a gpt-x'
    until INTEGER NOT NULL, cooldown TEXT NOT NULL
  ) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS cooling_by_end ON cooling (until, name);
  CREATE TABLE IF NOT EXISTS models (
    provider TEXT PRIMARY KEY, kept TEXT NOT NULL
  ) WITHOUT ROWID;`;

const SQL = {
  state: "SELECT value FROM state WHERE name = 'pause'",
  setState: "INSERT OR REPLACE INTO state (name, value) VALUES ('pause', ?)",
  // One statement, so that it is one moment.
  read: `SELECT 'state' AS part, name, value AS text FROM state
    WHERE name = 'pause'
    UNION ALL SELECT 'setup', name, record FROM setup
    UNION ALL SELECT 'cooling', name, cooldown FROM cooling`,
  record: "SELECT record FROM setup WHERE name = ?",
  put: "INSERT OR REPLACE INTO setup (name, record) VALUES (?, ?)",
  remove: "DELETE FROM setup WHERE name = ?",
  cool: `INSERT INTO cooling (name, credential, until, cooldown)
    VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE
      SET until = excluded.until, cooldown = excluded.cooldown
      WHERE excluded.until > until`,
  lapse: "DELETE FROM cooling WHERE until <= ?",
  bound: `DELETE FROM cooling WHERE name IN (
    SELECT name FROM cooling ORDER BY until, name
    LIMIT max(0, (SELECT COUNT(*) FROM cooling) - ${MOST_COOLDOWNS}))`,
  warm: "DELETE FROM cooling WHERE credential = ?",
  keep: "INSERT OR REPLACE INTO models (provider, kept) VALUES (?, ?)",
  models: "SELECT kept FROM models WHERE provider = ?",
} as const;

/** What the verbs of a setup are made of. */
export function setupOf(database: DatabaseSync) {
  const sql = mapped(SQL, (text) => database.prepare(text));
  const state = () => stateOf(sql.state.get()?.value);
  return {
    sql,
    /** The pause, and the turn. */
    state,
    /** To be called within a transaction, as the next two. */
    setPause(pause: unknown) {
      sql.setState.run(JSON.stringify({ ...state(), pause }));
    },
    raise() {
      const { turn, ...rest } = state();
      sql.setState.run(JSON.stringify({ ...rest, turn: turn + 1 }));
    },
    /** The text of a record that can be read; else it is not there. */
    textOf(kind: SetupKind, id: string): string {
      const text = sql.record.get(setupName(kind, id))?.record ?? "";
      return parsed(text) === undefined ? "" : `${text}`;
    },
  };
}

/** The verbs of a setup, and those that touch its state. */
export function setupVerbs(
  tools: Tools,
  parts: { setup: Parts; now: () => number },
) {
  return {
    ...recordVerbs(tools, parts),
    ...coolingVerbs(tools, parts.setup),
    importTable: importing(tools, parts.setup),
  } satisfies Partial<Verbs>;
}

type Parts = ReturnType<typeof setupOf>;

function recordVerbs(
  { change }: Tools,
  { setup, now }: { setup: Parts; now: () => number },
) {
  const { sql, setPause, raise, textOf } = setup;
  return {
    setPause(pause, entry) {
      change(entry, () => (setPause(pause), true));
    },
    readSetup() {
      const rows = sql.read.all() as unknown as Part[];
      const of = (part: Part["part"]) =>
        rows.flatMap((row) =>
          row.part === part ? [[row.name, row.text] as const] : []
        );
      return {
        turn: stateOf(of("state")[0]?.[1]).turn,
        ...recordsOf(of("setup")),
        cooldowns: liveCooldowns(of("cooling"), now()),
      };
    },
    putSetup: ({ kind, id, was, next }, entry) =>
      change(entry, () => {
        if (textOf(kind, id) !== recordText(was)) return false;
        const name = setupName(kind, id);
        if (next === undefined) sql.remove.run(name);
        else sql.put.run(name, recordText(next));
        raise();
        return true;
      }),
    keepModels: (provider, kept) =>
      void sql.keep.run(provider, JSON.stringify(kept)),
    readModels: (providers) =>
      providers.map((id) => parsed<KeptModels>(sql.models.get(id)?.kept)),
  } satisfies Partial<Verbs>;
}

function coolingVerbs({ stroke, note }: Tools, { sql, raise }: Parts) {
  const begin = (cooldown: Cooldown) => {
    const { credential, until } = cooldown;
    const text = JSON.stringify(cooldown);
    const name = coolingName(cooldown);
    return sql.cool.run(name, credential, until, text).changes === 1;
  };
  return {
    cool: (cooldowns, now) =>
      stroke(() => {
        sql.lapse.run(now);
        const begun = cooldowns.filter(({ until }) => until > now).filter(
          begin,
        );
        sql.bound.run();
        if (begun.length > 0) raise();
      }),
    warm: (credentials, entry) =>
      stroke(() => {
        const ended = credentials
          .map((id) => Number(sql.warm.run(id).changes))
          .reduce((sum, changes) => sum + changes, 0);
        if (ended > 0) raise();
        if (ended > 0 && entry) note(entry);
        return ended;
      }),
  } satisfies Partial<Verbs>;
}

function importing(
  { load, insert, change }: Tools,
  { sql, raise }: Parts,
): Verbs["importTable"] {
  const kept = (name: string) => sql.record.get(name)?.record;
  return ({ tokens, ...table }, entry) => {
    const rows = rowsOf(table).map(({ kind, id, record }) => (
      { name: setupName(kind, id), text: recordText(record) }
    ));
    let taken: string[] = [];
    change(entry, () => {
      const others = rows.filter(({ name, text }) =>
        (kept(name) ?? text) !== text
      );
      const clashing = tokens.filter(({ id, hash }) =>
        (load(id)?.hash ?? hash) !== hash
      );
      taken = others.map(({ name }) => name)
        .concat(clashing.map(({ id }) => id));
      if (taken.length > 0) return false;
      if (rows.some(({ name }) => kept(name) === undefined)) raise();
      for (const { name, text } of rows) sql.put.run(name, text);
      tokens.forEach(insert);
      return true;
    });
    return taken;
  };
}

/** A row of all that is read at once. */
interface Part {
  readonly part: "state" | "setup" | "cooling";
  readonly name: string;
  readonly text: string;
}
