/**
 * What Prometheus asks for (text format 0.0.4). Labels are bounded: providers,
 * classes of status, refusals, the store's verbs; no token, no model.
 *
 * @module
 */

import type { LogLine } from "./journal.ts";
import type { Entry } from "./ledger.ts";
import { type Store, StoreUnavailable } from "./store.ts";

/** Counters by name, in the order in which they are shown; dollars and seconds are whole units. */
const COUNTERS = {
  doppel_requests_total: "Requests, by what was answered.",
  doppel_request_duration_seconds_total: "Time that requests took.",
  doppel_tokens_total: "Input and output tokens of models.",
  doppel_cost_dollars_total: "What was used, priced.",
  doppel_unpriced_requests_total: "Requests whose cost nobody can tell.",
  doppel_store_errors_total: "Calls that the store did not answer.",
} as const;

type Counter = keyof typeof COUNTERS;
type Labels = Readonly<Record<string, string>>;

/** Counts what happens in this process. */
export interface Metrics {
  /** A request is over. */
  line(line: LogLine): void;
  /** A request of a token is priced. */
  entry(entry: Entry): void;
  /** The same store, its failures counted. */
  watch(store: Store): Store;
  /** All of it, with what is under way now. */
  text(inFlight: number): string;
}

/** Nothing has happened yet; `version` is of this program. */
export function createMetrics(version: string): Metrics {
  const counts: Record<Counter, Map<string, number>> = {
    doppel_requests_total: new Map(),
    doppel_request_duration_seconds_total: new Map(),
    doppel_tokens_total: new Map(),
    doppel_cost_dollars_total: new Map(),
    doppel_unpriced_requests_total: new Map(),
    doppel_store_errors_total: new Map(),
  };
  const add = (name: Counter, labels: Labels, by = 1) => {
    const series = labelled(name, labels);
    counts[name].set(series, (counts[name].get(series) ?? 0) + by);
  };
  return {
    line({ provider = "", status, refused = "", ms }) {
      const code = `${Math.floor(status / 100)}xx`;
      add("doppel_requests_total", { provider, code, refused });
      add("doppel_request_duration_seconds_total", { provider }, ms / 1000);
    },
    entry({ provider, usage, cost, state }) {
      for (const kind of ["input", "output"] as const) {
        const tokens = usage[kind];
        if (tokens) add("doppel_tokens_total", { provider, kind }, tokens);
      }
      if (cost === undefined) {
        add("doppel_unpriced_requests_total", { provider });
      } else if (cost > 0) {
        add("doppel_cost_dollars_total", { provider, state }, cost / 1e6);
      }
    },
    watch: (store) =>
      watched(store, (verb) => add("doppel_store_errors_total", { verb })),
    text: (inFlight) =>
      [
        ...Object.entries(COUNTERS).flatMap(([name, about]) =>
          family(name, "counter", about, counts[name as Counter])
        ),
        ...family(
          "doppel_requests_in_flight",
          "gauge",
          "Requests and sockets under way.",
          new Map([["doppel_requests_in_flight", inFlight]]),
        ),
        ...family(
          "doppel_build_info",
          "gauge",
          "Which doppel this is.",
          new Map([[labelled("doppel_build_info", { version }), 1]]),
        ),
      ].join("\n") + "\n",
  };
}

function family(
  name: string,
  type: string,
  about: string,
  series: ReadonlyMap<string, number>,
): string[] {
  return [
    `# HELP ${name} ${about}`,
    `# TYPE ${name} ${type}`,
    ...Array.from(series, ([labels, value]) => `${labels} ${value}`),
  ];
}

function labelled(name: string, labels: Labels): string {
  const parts = Object.entries(labels).map(([label, value]) =>
    `${label}="${value.replace(/[\\"\n]/g, "_")}"`
  );
  return `${name}{${parts.join(",")}}`;
}

function watched(store: Store, failed: (verb: string) => void): Store {
  const verbs = Object.entries(store).map(([verb, call]) => [
    verb,
    verb === "close" ? call : async (...args: unknown[]) => {
      try {
        return await (call as (...args: unknown[]) => unknown)(...args);
      } catch (error) {
        if (error instanceof StoreUnavailable) failed(verb);
        throw error;
      }
    },
  ]);
  return Object.fromEntries(verbs);
}
