/** An account keeps nothing that it does not need. */

import assert from "node:assert/strict";
import v8 from "node:v8";
import vm from "node:vm";
import { type AccountDeps, openAccount } from "./account.ts";
import type { Holder } from "./admit.ts";
import type { Route } from "./provider.ts";

/** Deno hides its collector; Bun has one of its own. */
const collect = bun()?.gc ?? collector();

function bun() {
  const { Bun } = globalThis as { Bun?: { gc(full: boolean): void } };
  return Bun;
}

function collector(): (full: boolean) => void {
  v8.setFlagsFromString("--expose-gc");
  return vm.runInNewContext("gc");
}

const ROUTE = {
  provider: { id: "p", usage: [] },
  target: { path: "/v1/x" },
} as unknown as Route;
const HOLDER = { token: { id: "t", limits: {} }, turn: 0 } as unknown as Holder;

for (const metering of [true, false]) {
  Deno.test(`an answer on its way keeps no content of its request, metering ${metering}`, async () => {
    const deps = { now: () => 0, metering } as unknown as AccountDeps;
    const account = openAccount(HOLDER, { route: ROUTE, method: "POST" }, deps);
    const weak = await held();
    const meter = account.meter({ status: 200, headers: new Headers() });
    meter?.see(new Uint8Array(1));
    await new Promise((resolve) => setTimeout(resolve, 0));
    collect(true);
    assert.ok(weak.deref() === undefined);
    assert.equal(typeof account.close, "function");

    async function held() {
      const bytes = new Uint8Array(1_000_000);
      const way = { route: ROUTE, bytes, length: bytes.length, model: "" };
      await account.hold([way]);
      return new WeakRef(bytes);
    }
  });
}
