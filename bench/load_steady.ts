/** Requests at a fixed rate, whether or not the last ones were answered. */

import { type Ask, bytesOf, createPool } from "./client.ts";
import { percentile } from "./statistics.ts";

/** Whatever is not answered by then has failed. */
const PATIENCE = 5000;

export interface Pace {
  /** Requests per second. */
  readonly rate: number;
  readonly seconds: number;
  readonly connections: number;
}

/**
 * Latencies, microseconds. A request's clock starts when its time has come, so
 * that waiting for a free connection counts (no coordinated omission); that
 * this process woke late (timers are good to a millisecond) does not.
 */
export async function sendSteadily(
  { ask, pace }: { readonly ask: Ask; readonly pace: Pace },
) {
  const pool = createPool(ask.url, pace.connections);
  const content = bytesOf(ask);
  const took: number[] = [];
  await atPace(pace, (done) => {
    const begun = performance.now();
    let status = 0;
    pool.send(content, {
      head: (of) => status = of,
      done(whole) {
        if (whole && status === 200) took.push(performance.now() - begun);
        done();
      },
    });
  });
  pool.close();
  const micro = took.map((milliseconds) => milliseconds * 1000);
  return {
    p50: percentile(micro, 0.5),
    p99: percentile(micro, 0.99),
    failed: Math.round(pace.rate * pace.seconds) - took.length,
  };
}

/** Begins work at the given rate; resolves when all is done, or patience is at an end. */
export async function atPace(
  { rate, seconds }: Pace,
  begin: (done: () => void) => void,
) {
  const all = Math.round(rate * seconds);
  let [begun, done] = [0, 0];
  const start = performance.now();
  const due = () => Math.floor((performance.now() - start) * rate / 1000);
  let late: ReturnType<typeof setTimeout> | undefined;
  await new Promise<void>((resolve) => {
    const tick = () => {
      while (begun < all && begun <= due()) {
        begun++;
        begin(() => {
          if (++done === all) resolve();
        });
      }
      if (begun < all) setTimeout(tick, 1);
      else if (done < all) late = setTimeout(resolve, PATIENCE);
    };
    tick();
  });
  clearTimeout(late);
}
