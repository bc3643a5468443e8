/** What every `Store` must do about usage; `testStore()` calls this. */

import assert from "node:assert/strict";
import {
  type Batch,
  type Entry,
  MOST_MODELS,
  type Sums,
  type UsageRow,
} from "../core/ledger.ts";
import type { Store, UsageRequest } from "../core/store.ts";

const NOW = Date.parse("2026-11-20T12:30:00Z");
/** A century: Redis looks at its own clock. */
const KEEP = { hours: 876_000, days: 36_500, requests: 3 };

let batches = 0;
const batch = (more: Partial<Batch> = {}): Batch => ({
  id: `batch-${++batches}`,
  now: NOW,
  rows: [],
  requests: new Map(),
  keep: KEEP,
  ...more,
});

const row = (fields: Partial<UsageRow> = {}, sums: Sums = { requests: 1 }) => ({
  period: "2026-11-20T12",
  token: "one",
  provider: "openai",
  model: "gpt-x",
  sums,
  ...fields,
});

const hours: UsageRequest = {
  span: "hour",
  from: "2026-11-01T00",
  to: "2026-11-30T23",
  limit: 100,
};
const days: UsageRequest = {
  span: "day",
  from: "2026-10-01",
  to: "2026-11-30",
  limit: 100,
};

async function all(store: Store, asked: UsageRequest) {
  const found: UsageRow[] = [];
  let cursor: string | undefined;
  do {
    const page = await store.listUsage({ ...asked, cursor });
    found.push(...page.items);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

export function testUsage(
  law: (
    text: string,
    body: (opened: { store: Store }) => Promise<void>,
  ) => void,
) {
  law("usage adds up by the hour and by the day", async ({ store }) => {
    const sums = { requests: 2, cost: 123_456_789_012, "error:http_500": 1 };
    await store.addUsage(batch({
      rows: [
        row({}, sums),
        row({ period: "2026-11-20T11" }),
        row({ model: "" }, { "use:input": 7 }),
        row({ token: "two", provider: "gemini", model: "gemini-x|y:z" }),
      ],
    }));
    await store.addUsage(batch({ rows: [row({}, sums)] }));
    const twice = { requests: 4, cost: 246_913_578_024, "error:http_500": 2 };
    const two = { token: "two", provider: "gemini", model: "gemini-x|y:z" };
    assert.deepEqual(await all(store, hours), [
      row({ period: "2026-11-20T11" }),
      row({ model: "" }, { "use:input": 7 }),
      row({}, twice),
      row(two),
    ]);
    const period = "2026-11-20";
    assert.deepEqual(await all(store, days), [
      row({ period, model: "" }, { "use:input": 7 }),
      row({ period }, { ...twice, requests: 5 }),
      row({ ...two, period }),
    ]);
  });

  law(
    "1,000 additions at the same time are 1,000; a batch that comes again is none",
    async ({ store }) => {
      const once = batch({
        rows: [row()],
        requests: new Map([["one", [{ id: "r" } as Entry]]]),
      });
      await Promise.all(
        Array.from(
          { length: 990 },
          () =>
            store.addUsage(
              batch({ rows: [row({}, { requests: 1, cost: 3 })] }),
            ),
        ),
      );
      for (let i = 0; i < 10; i++) await store.addUsage(once);
      await Promise.all(
        Array.from(
          { length: 9 },
          () => store.addUsage(batch({ rows: [row()] })),
        ),
      );
      const [sum] = await all(store, hours);
      assert.deepEqual(sum, row({}, { requests: 1_000, cost: 2_970 }));
      assert.equal((await store.listRequests("one", 10)).length, 1);
    },
  );

  law("usage is listed by period and by token, in pages", async ({ store }) => {
    const periods = ["2026-11-19T23", "2026-11-20T00", "2026-11-20T12"];
    const rows = periods.flatMap((period) =>
      ["one", "three", "two"].flatMap((token) =>
        ["a", "b"].map((model) => row({ period, token, model }))
      )
    );
    await store.addUsage(batch({ rows }));
    for (const limit of [1, 2, 4, 100]) {
      assert.deepEqual(await all(store, { ...hours, limit }), rows);
      const [from, to] = ["2026-11-20T00", "2026-11-20T11"];
      assert.deepEqual(
        await all(store, { ...hours, limit, from, to }),
        rows.filter(({ period }) => period === from),
      );
      assert.deepEqual(
        await all(store, { ...hours, limit, token: "three" }),
        rows.filter(({ token }) => token === "three"),
      );
    }
    assert.deepEqual(await all(store, { ...hours, token: "nobody" }), []);
    const page = await store.listUsage({ ...hours, limit: 1 });
    assert.deepEqual(page.items, rows.slice(0, 2));
    assert.equal((await all(store, days)).length, 12);
  });

  law(
    "usage of credentials adds up beside that of tokens",
    async ({ store }) => {
      const key = (credential: string, fields: Partial<UsageRow> = {}) =>
        row({ token: "", credential, ...fields });
      const rows = [row(), key("openai-1"), key("one", { model: "m" })];
      await store.addUsage(batch({ rows: [...rows, row({ token: "two" })] }));
      await store.addUsage(batch({ rows }));
      const twice = { sums: { requests: 2 } };
      const whose = "credential";
      const found = [
        key("one", { model: "m", ...twice }),
        key("openai-1", twice),
      ];
      for (const limit of [1, 100]) {
        const asked = { ...hours, whose, limit } as const;
        assert.deepEqual(await all(store, asked), found);
      }
      const period = "2026-11-20";
      assert.deepEqual(
        await all(store, { ...days, whose }),
        found.map((row) => ({ ...row, period })),
      );
      for (const asked of [hours, { ...hours, whose: "token" } as const]) {
        const tokens = [row(twice), row({ token: "two" })];
        assert.deepEqual(await all(store, asked), tokens);
      }
    },
  );

  law("hours and days that are too old are forgotten", async ({ store }) => {
    const now = Date.now();
    const keep = { ...KEEP, hours: 48, days: 60 };
    const period = (hoursAgo: number) =>
      new Date(now - hoursAgo * 3_600_000).toISOString().slice(0, 13);
    for (const hoursAgo of [61 * 24, 49, 47, 0]) {
      const token = row({ period: period(hoursAgo) });
      const rows = [token, { ...token, token: "", credential: "one" }];
      await store.addUsage(
        batch({ now: now - hoursAgo * 3_600_000, rows, keep }),
      );
    }
    const two = [row({ token: "two" }), row({ token: "", credential: "two" })];
    await store.addUsage(batch({ now, rows: two, keep }));
    const kept = async (asked: UsageRequest) => {
      const all_ = await all(store, { ...asked, from: "2026-01", to: "9" });
      return all_.filter(({ token, credential = token }) =>
        credential === "one"
      ).map((row) => row.period);
    };
    const day = (hoursAgo: number) => period(hoursAgo).slice(0, 10);
    const expected = new Set([day(49), day(47), day(0)]);
    for (const whose of ["token", "credential"] as const) {
      assert.deepEqual(await kept({ ...hours, whose }), [
        period(47),
        period(0),
      ]);
      assert.deepEqual(await kept({ ...days, whose }), [...expected]);
    }
  });

  law(
    "the models of a token and of a credential are counted, but not without end",
    async ({ store }) => {
      const models = Array.from(
        { length: MOST_MODELS + 20 },
        (_, i) => `m${i}`,
      );
      for (let i = 0; i < 2; i++) {
        await store.addUsage(
          batch({
            rows: models.flatMap((model) => [
              row({ model }),
              row({ model, token: "", credential: "one" }),
            ]),
          }),
        );
      }
      for (const whose of ["token", "credential"] as const) {
        const rows = await all(store, { ...hours, whose });
        const requests = (name: string) =>
          rows.find(({ model }) => model === name)!.sums.requests;
        assert.equal(rows.length, MOST_MODELS + 1);
        assert.deepEqual([requests(""), requests("m0")], [40, 2]);
      }
    },
  );

  law(
    "the last requests of a token are kept, newest first",
    async ({ store }) => {
      const entry = (id: string) => ({ id, model: "gpt-x" }) as Entry;
      const add = (token: string, ...ids: string[]) =>
        store.addUsage(batch({ requests: new Map([[token, ids.map(entry)]]) }));
      const ids = async (token: string, limit: number) =>
        (await store.listRequests(token, limit)).map(({ id }) => id);
      assert.deepEqual(await ids("one", 10), []);
      await add("one", "b", "a");
      await add("two", "x");
      assert.deepEqual(await ids("one", 10), ["b", "a"]);
      await add("one", "d", "c");
      assert.deepEqual(await ids("one", 10), ["d", "c", "b"]);
      assert.deepEqual(await ids("one", 2), ["d", "c"]);
      assert.deepEqual(await store.listRequests("two", 1), [entry("x")]);
    },
  );
}
