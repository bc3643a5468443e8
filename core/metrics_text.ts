/**
 * What Prometheus is told (text format 0.0.4). Loaded when it asks.
 *
 * @module
 */

/** Counters by name, in the order in which they are shown, and their labels; dollars and seconds are whole units. */
export const COUNTERS = {
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

/** Counts by name, and by the values of their labels, split by line feeds. */
export type Counts = ReadonlyMap<string, ReadonlyMap<string, number>>;

/** All of them; `version` is of this program, `inFlight` what is under way. */
export function textOf(
  counts: Counts,
  version: string,
  inFlight: number,
): string {
  const lines = [
    ...Object.entries(COUNTERS).flatMap(([name, { about, labels }]) => {
      const series = Array.from(
        counts.get(name) ?? [],
        ([values, n]) =>
          [labelled(name, labels, values.split("\n")), n] as const,
      );
      return family(name, "counter", about, series);
    }),
    ...family(
      "doppel_requests_in_flight",
      "gauge",
      "Requests and sockets under way.",
      [["doppel_requests_in_flight", inFlight]],
    ),
    ...family("doppel_build_info", "gauge", "Which doppel this is.", [
      [labelled("doppel_build_info", ["version"], [version]), 1],
    ]),
  ];
  return lines.join("\n") + "\n";
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
