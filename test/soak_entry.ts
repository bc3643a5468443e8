/**
 * doppel as it is, with a clock that can be put forward and back, and with
 * what is dead collected often: what its memory then grows by is alive.
 */

import process from "node:process";
import { setInterval } from "node:timers";
import "./soak_clock.ts";
import { createCollector } from "../collect.ts";

export { default } from "../main.ts";

const { Bun } = globalThis as { Bun?: { gc(now: boolean): void } };

if (process.env.SOAK_CLOCK !== undefined) {
  const collect = Bun ? () => Bun.gc(true) : createCollector();
  setInterval(collect, 2_000).unref();
}
