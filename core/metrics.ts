/**
 * What Prometheus asks for (text format 0.0.4). Labels are bounded: providers,
 * classes of status, refusals, the store's verbs; no token, no model.
 *
 * @module
 */

import type { LogLine } from "./journal.ts";
import type { Entry } from "./ledger.ts";
import { type Store, StoreUnavailable } from "./store.ts";

/** Counters by name, in the order in which they are shown, and their labels; dollars and seconds are whole units. */
const COUNTERS = {
  doppel_requests_total: {
    about: "Requests, by what was answered.",
    labels: ["provider", "code", "refused"],
  },
  doppel_request_duration_seconds_total: {
    about: "Time that requests took.",
    labels: ["provider"],
  },
  doppel_tokens_total: {
    about: "Input and output tokens of models.",
    labels: ["provider", "kind"],
  },
  doppel_cost_dollars_total: {
    about: "What was used, priced.",
    labels: ["provider", "state"],
  },
  doppel_unpriced_requests_total: {
    about: "Requests whose cost nobody can tell.",
    labels: ["provider"],
  },
  doppel_store_errors_total: {
    about: "Calls that the store did not answer.",
    labels: ["verb"],
  },
} as const;

type Counter = keyof typeof COUNTERS;

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
  /** By the labels' values, split by line feeds. */
  const counts = Object.fromEntries(
    Object.keys(COUNTERS).map((name) => [name, new Map<string, number>()]),
  ) as Record<Counter, Map<string, number>>;
  const add = (name: Counter, values: string, by = 1) => {
    const series = counts[name];
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
    text: (inFlight) =>
      [
        ...Object.entries(COUNTERS).flatMap(([name, { about, labels }]) => {
          const series = Array.from(counts[name as Counter], ([values, n]) =>
            [labelled(name, labels, values.split("\n")), n] as const);
          return family(name, "counter", about, series);
        }),
        ...family(
          "doppel_requests_in_flight",
          "gauge",
          "Requests and sockets under way.",
          [["doppel_requests_in_flight", inFlight]],
        ),
        ...family(
          "doppel_build_info",
          "gauge",
          "Which doppel this is.",
          [[labelled("doppel_build_info", ["version"], [version]), 1]],
        ),
      ].join("\n") + "\n",
  };
}

function family(
  name: string,
  type: string,
  about: string,
  series: readonly (readonly [string, number])[],
): string[] {
  return [
    `# HELP ${name} ${about}`,
    `# TYPE ${name} ${type}`,
    ...series.map(([labels, value]) => `${labels} ${value}`),
  ];
}

function labelled(
  name: string,
  labels: readonly string[],
  values: readonly string[],
): string {
  const parts = labels.map((label, i) =>
    `${label}="${values[i]!.replace(/[\\"\n]/g, "_")}"`
  );
  return `${name}{${parts.join(",")}}`;
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
