/**
 * What instances show each other, in the embedded store: several processes may
 * share its file. Loaded when somebody looks.
 *
 * @module
 */

import type { DatabaseSync } from "node:sqlite";
import type { Shown } from "../core/live.ts";
import type { setupOf } from "./setup_sqlite.ts";
import type { Tools } from "./sqlite.ts";
import { LIVE, mapped, parsed, type Verbs } from "./verbs.ts";

/** Times are milliseconds since the epoch. */
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS shown (
    instance TEXT PRIMARY KEY, text TEXT NOT NULL, until INTEGER NOT NULL
  ) WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS ends (
    id TEXT PRIMARY KEY, until INTEGER NOT NULL
  ) WITHOUT ROWID;`;

const SQL = {
  shown: "SELECT text FROM shown WHERE until > ?",
  show: "INSERT OR REPLACE INTO shown (instance, text, until) VALUES (?, ?, ?)",
  lapse: "DELETE FROM shown WHERE until <= ?",
  mark: "INSERT OR REPLACE INTO ends (id, until) VALUES (?, ?)",
  ends: "SELECT id FROM ends WHERE until > ?",
  forget: "DELETE FROM ends WHERE until <= ?",
} as const;

/** Milliseconds for which a request is marked: whoever has it looks every second. */
const MARKED_FOR = 10_000;

/** See `LiveStore`. */
export function liveVerbs(
  database: DatabaseSync,
  { stroke, change }: Tools,
  { setup, now }: { setup: ReturnType<typeof setupOf>; now: () => number },
): Pick<Verbs, keyof typeof LIVE> {
  database.exec(SCHEMA);
  const sql = mapped(SQL, (text) => database.prepare(text));
  return {
    lookAtLive: (looked) =>
      stroke(() => {
        const state = { ...setup.state(), looked };
        setup.sql.setState.run(JSON.stringify(state));
        sql.lapse.run(now());
        const rows = sql.shown.all(now());
        return rows.flatMap(({ text }) => parsed<Shown>(text) ?? []);
      }),
    showLive: (shown, lasts) =>
      stroke(() => {
        sql.show.run(shown.instance, JSON.stringify(shown), now() + lasts);
        return sql.ends.all(now()).map(({ id }) => `${id}`);
      }),
    markEnd: (id, entry) =>
      void change(entry, () => {
        sql.forget.run(now());
        return sql.mark.run(id, now() + MARKED_FOR).changes === 1;
      }),
  };
}
