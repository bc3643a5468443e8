/**
 * What is counted for Prometheus. Labels are bounded: providers, classes of
 * status, refusals, the store's verbs; no token, no model.
 *
 * @module
 */

import type { LogLine } from "./journal.ts";
import type { Entry } from "./ledger.ts";
import type { COUNTERS } from "./metrics_text.ts";
import { type Store, StoreUnavailable } from "./store.ts";

type Counter = keyof typeof COUNTERS;

/** Counts what happens in this process. */
export interface Metrics {
  /** A request is over. */
  line(line: LogLine): void;
  /** A request of a token is priced. */
  entry(entry: Entry): void;
  /** The same store, its failures counted. */
  watch(store: Store): Store;
  /** All of it, with what is under way now: see `textOf()`. */
  text(inFlight: number): Promise<string>;
}

/** Nothing has happened yet; `version` is of this program. */
export function createMetrics(version: string): Metrics {
  /** By the labels' values, split by line feeds. */
  const counts = new Map<Counter, Map<string, number>>();
  const add = (name: Counter, values: string, by = 1) => {
    let series = counts.get(name);
    if (series === undefined) counts.set(name, series = new Map());
    series.set(values, (series.get(values) ?? 0) + by);
  };
  return {
    line({ provider = "", status, refused = "", ms }) {
      const code = `${Math.floor(status / 100)}xx`;
      add("doppel_requests_total", `${provider}\n${code}\n${refused}`);
      add("doppel_request_duration_seconds_total", provider, ms / 1000);
    },
    entry({ provider, usage, cost, state }) {
      for (const kind of ["input", "output"] as const) {
        const tokens = usage[kind];
        if (tokens) add("doppel_tokens_total", `${provider}\n${kind}`, tokens);
      }
      if (cost === undefined) add("doppel_unpriced_requests_total", provider);
      else if (cost > 0) {
        add("doppel_cost_dollars_total", `${provider}\n${state}`, cost / 1e6);
      }
    },
    watch: (store) =>
      watched(store, (verb) => add("doppel_store_errors_total", verb)),
    text: async (inFlight) =>
      (await import("./metrics_text.ts")).textOf(counts, version, inFlight),
  };
}

function watched(store: Store, failed: (verb: string) => void): Store {
  const verbs = Object.entries(store).map(([verb, call]) => [
    verb,
    verb === "close"
      ? call
      : (...args: unknown[]) =>
        (call as (...args: unknown[]) => Promise<unknown>)(...args)
          .catch((error) => {
            if (error instanceof StoreUnavailable) failed(verb);
            throw error;
          }),
  ]);
  return Object.fromEntries(verbs);
}
