import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StoreUnavailable } from "../core/store.ts";
import { entry, record, testStore } from "./contract.ts";
import { sqliteStore } from "./sqlite.ts";

testStore("sqliteStore", () => {
  const database = new DatabaseSync(":memory:");
  const store = sqliteStore(database);
  return Promise.resolve({
    store,
    damage: (id: string) =>
      void database.prepare("UPDATE tokens SET record = '{' WHERE id = ?").run(
        id,
      ),
    damageSetup: (name, text) =>
      database.prepare("INSERT OR REPLACE INTO setup VALUES (?, ?)")
        .run(name, text),
    setState: (text) =>
      database.prepare("INSERT OR REPLACE INTO state VALUES ('pause', ?)")
        .run(text),
    close: () => store.close(),
  });
});

Deno.test("sqliteStore: two processes may share the file", async () => {
  const folder = mkdtempSync(join(tmpdir(), "doppel-sqlite-"));
  const open = () =>
    sqliteStore(new DatabaseSync(join(folder, "doppel.sqlite")));
  const [one, other] = [open(), open()];
  const token = record();
  await one.createToken(token, entry("token.create"));
  await other.editToken(token.id, { status: "disabled" }, entry("token.edit"));
  const { records: [seen] } = await one.admit([{ id: token.id }]);
  assert.equal(seen?.status, "disabled");
  one.close();
  other.close();
  rmSync(folder, { recursive: true });
});

Deno.test("sqliteStore: who writes waits for a lock, and nobody else does", async () => {
  const folder = mkdtempSync(join(tmpdir(), "doppel-sqlite-"));
  const file = join(folder, "doppel.sqlite");
  const store = sqliteStore(new DatabaseSync(file));
  const token = record();
  await store.createToken(token, entry("token.create"));
  const other = new DatabaseSync(file);
  other.exec("BEGIN IMMEDIATE");
  const done: string[] = [];
  const writers = ["one", "two", "three"].map((nonce) =>
    store.takeNonce(nonce, 2_000_000_000)
      .then((taken) => void done.push(`${nonce} ${taken}`))
  );
  const { records } = await store.admit([{ id: token.id }]);
  assert.equal(records[0]?.id, token.id);
  for (let ticks = 0; ticks < 10; ticks++) {
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  assert.deepEqual(done, []);
  other.exec("ROLLBACK");
  await Promise.all(writers);
  assert.deepEqual(done.toSorted(), ["one true", "three true", "two true"]);
  other.close();
  store.close();
  rmSync(folder, { recursive: true });
});

Deno.test("sqliteStore: what is loaded late is loaded again where a lock kept it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "doppel-sqlite-"));
  const file = join(folder, "doppel.sqlite");
  const store = sqliteStore(new DatabaseSync(file));
  const other = new DatabaseSync(file);
  other.exec("BEGIN IMMEDIATE");
  setTimeout(() => other.exec("COMMIT"), 100);
  await store.lookAtLive(1);
  await store.lookAtLive(2);
  store.close();
  other.close();
  rmSync(folder, { recursive: true });
});

Deno.test("sqliteStore: nonces are forgotten when they are past", async () => {
  let now = 1_000_000;
  const store = sqliteStore(new DatabaseSync(":memory:"), () => now);
  assert.equal(await store.takeNonce("n", 1_060), true);
  now = 1_061_000;
  assert.equal(await store.takeNonce("n", 1_120), true);
  store.close();
});

Deno.test("sqliteStore: a failure names a code and no value", async () => {
  const store = sqliteStore(new DatabaseSync(":memory:"));
  store.close();
  await assert.rejects(
    () => store.admit([{ id: "secret00" }]),
    (error) =>
      error instanceof StoreUnavailable &&
      !JSON.stringify(error).includes("secret00"),
  );
});

Deno.test("sqliteStore: the audit log keeps its last 10,000 entries", async () => {
  const database = new DatabaseSync(":memory:");
  const store = sqliteStore(database);
  for (let i = 0; i < 10_003; i++) {
    await store.setPause(undefined, entry(`number.${i}`));
  }
  const rows = database.prepare("SELECT entry FROM audit ORDER BY number")
    .all();
  assert.equal(rows.length, 10_000);
  assert.match(`${rows[0]!.entry}`, /"number\.3"/);
  store.close();
});

Deno.test("sqliteStore: days and months that are long past are forgotten, what was spent in all is not", async () => {
  const database = new DatabaseSync(":memory:");
  const store = sqliteStore(database);
  const made = record({ limits: { budget: { total: 1_000 } } });
  await store.createToken(made, entry("token.create"));
  const first = Date.parse("2026-01-01T12:00:00Z");
  for (let day = 0; day < 365; day++) {
    const taking = { lease: `${day}`, now: first + day * 86_400_000 };
    await store.admit([made], taking);
    await store.reserve(made.id, taking, { tokens: 0, least: 1, most: 1 });
    await store.settle(made.id, taking, { held: 0, tokens: 0, cost: 1 });
  }
  const rows = database.prepare("SELECT * FROM spend ORDER BY period").all();
  assert.ok(rows.length < 9, `${rows.length}`);
  assert.equal(rows.at(-1)!.spent, 365);
  store.close();
});
