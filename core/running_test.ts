/** What is under way, looked at. */

import assert from "node:assert/strict";
import { setTimeout as wait } from "node:timers/promises";
import { createRunning, type Run } from "./running.ts";
import type { Store } from "./store.ts";

/** Nobody looks. */
const NOTHING = {} as Pick<Run, "journal" | "account">;

Deno.test("what runs is looked at though the clock is put back, and ended where nobody answers", async () => {
  let time = Date.parse("2026-11-20T12:00:00Z");
  let away = false;
  let looks = 0;
  const store = {
    watch(tokens: readonly unknown[]) {
      looks++;
      return away ? Promise.reject(new Error("away")) : Promise.resolve({
        standings: tokens.map(() => ({ record: { status: "active" } })),
      });
    },
  } as unknown as Store;
  const running = createRunning({ store, now: () => time, fault: () => {} });
  const ended = Promise.withResolvers<string>();
  running.begin({
    token: "one",
    hash: undefined,
    bounded: false,
    lease: "lease",
    end: ({ refused }) => ended.resolve(refused),
    ...NOTHING,
  });
  time -= 3_600_000;
  while (looks < 2) await wait(10);
  away = true;
  while (looks < 4) await wait(10);
  time += 16_000;
  assert.equal(await ended.promise, "store_unavailable");
  assert.equal(running.size, 0);
});
