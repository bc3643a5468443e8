/** What every `Store` must do about what runs; `testStore()` calls this. */

import assert from "node:assert/strict";
import type { LiveRow, Shown } from "../core/live.ts";
import { entry, type Opened, record } from "./contract.ts";

const row = (id: string): LiveRow => ({
  ...{ id, token: "one", provider: "openai", method: "POST", path: "/v1/x" },
  ...{ began: "2026-11-20T12:00:00.000Z", bytes: 7, ms: 5, instance: "a" },
});

const shown = (instance: string, ...ids: string[]): Shown => (
  { instance, running: ids.map(row), more: 0, ended: [] }
);

const LONG = 60_000;

export function testLive(
  law: (text: string, body: (opened: Opened) => Promise<void>) => void,
) {
  law("who looks sees what each instance has shown last", async ({ store }) => {
    assert.deepEqual(await store.lookAtLive(1), []);
    await store.showLive(shown("a", "r1"), LONG);
    await store.showLive(shown("b"), LONG);
    await store.showLive(shown("a", "r1", "r2"), LONG);
    const seen = await store.lookAtLive(2);
    assert.deepEqual(
      seen.toSorted((one, other) => one.instance < other.instance ? -1 : 1),
      [shown("a", "r1", "r2"), shown("b")],
    );
  });

  law("what nobody shows any more is gone", async ({ store }) => {
    await store.showLive(shown("dead", "r1"), 300);
    await store.showLive(shown("alive", "r2"), LONG);
    assert.equal((await store.lookAtLive(1)).length, 2);
    await new Promise((resolve) => setTimeout(resolve, 400));
    for (const now of [2, 3]) {
      assert.deepEqual(await store.lookAtLive(now), [shown("alive", "r2")]);
    }
    await store.showLive(shown("dead", "r3"), LONG);
    assert.equal((await store.lookAtLive(4)).length, 2);
  });

  law(
    "a look is seen by admissions and by looks that ask, and changes nothing beside",
    async ({ store }) => {
      const made = record();
      const asked = [{ id: made.id, leases: [] }];
      await store.createToken(made, entry("a"));
      const standings = [{ record: made }];
      assert.deepEqual(await store.watch(asked, 1, true), { standings });
      assert.deepEqual(await store.watch([], 1, true), { standings: [] });
      await store.setPause({ from: 4e9 }, entry("a"));
      await store.putSetup(
        { kind: "alias", id: "a", was: undefined, next: { name: "a", to: [] } },
        entry("a"),
      );
      for (const looked of [1_763_640_000_123, 5]) {
        await store.lookAtLive(looked);
        await store.setPause({ from: 4e9 }, entry("a"));
        const seen = await store.admit([made]);
        assert.deepEqual(
          seen,
          { records: [made], pause: { from: 4e9 }, turn: 1, looked },
        );
        assert.deepEqual(
          await store.watch(asked, 1, true),
          { standings, looked },
        );
        assert.deepEqual(await store.watch(asked, 1), { standings });
        assert.equal((await store.readSetup()).turn, 1);
      }
    },
  );

  law("a state that cannot be read blinds no look", async (opened) => {
    const { store, setState } = opened;
    const made = record();
    await store.createToken(made, entry("a"));
    await setState("{");
    const asked = [{ id: made.id, leases: [] }];
    const standings = [{ record: made }];
    assert.deepEqual(await store.watch(asked, 1, true), { standings });
  });

  law(
    "a request that is marked is told to all who show, and noted",
    async ({ store }) => {
      assert.deepEqual(await store.showLive(shown("a", "r1"), LONG), []);
      const noted = { ...entry("live.end"), token: "one", subject: "r1" };
      await store.markEnd("r1", noted);
      await store.markEnd("r2", noted);
      for (const instance of ["a", "b"]) {
        const ends = await store.showLive(shown(instance), LONG);
        assert.deepEqual(ends.toSorted(), ["r1", "r2"]);
      }
      const { items } = await store.listAudit({ limit: 9 });
      assert.deepEqual(items, [noted, noted]);
    },
  );
}
