/** What the figures of a sample are called, and in which unit. */

export interface Figure {
  readonly id: string;
  readonly part: string;
  readonly title: string;
  readonly unit: string;
  readonly digits: number;
  /** Told as what it is above the same round's `direct`. */
  readonly added?: true;
}

const figure = (
  part: string,
  id: string,
  [title, unit, digits = 0]: readonly [string, string, number?],
): Figure => ({ part, id, title, unit, digits });

const added = (...of: Parameters<typeof figure>): Figure => ({
  ...figure(...of),
  added: true,
});

export const FIGURES: readonly Figure[] = [
  figure("throughput", "rps32", ["32 connections", "requests/s"]),
  figure("throughput", "rps256", ["256 connections", "requests/s"]),
  figure("throughput", "cpu", ["CPU", "µs/request"]),
  figure("throughput", "rssIdle", ["RSS idle", "MB"]),
  figure("throughput", "rssLoad", ["RSS under load", "MB"]),
  figure("throughput", "rssAfter", ["RSS 1 s after", "MB"]),
  added("latency", "p50", ["added p50", "µs"]),
  added("latency", "p99", ["added p99", "µs"]),
  added("events", "first50", ["added to first event, p50", "µs"]),
  added("events", "first99", ["added to first event, p99", "µs"]),
  added("events", "gap50", ["added gap, p50", "µs"]),
  added("events", "gap99", ["added gap, p99", "µs"]),
  figure("streams", "complete", ["complete", "of 1,000"]),
  figure("streams", "most", ["most at once", "streams"]),
  figure("streams", "memory", ["memory", "KB/stream", 1]),
  figure("streams", "headers", ["last headers", "ms"]),
  figure("bodies", "up", ["64 MiB up", "s", 2]),
  figure("bodies", "upPeak", ["above idle", "MB"]),
  figure("bodies", "down", ["64 MiB down", "s", 2]),
  figure("bodies", "downPeak", ["above idle", "MB"]),
  figure("start", "cold", ["start to first proxied 200", "ms"]),
];

/** The kinds of proof, in the order of their tables. */
export const TABLES: Readonly<Record<string, string>> = {
  throughput:
    "Requests per second, CPU and memory: 1 KB of JSON up and down, one core",
  latency: "Latency at 200 requests per second, 16 connections",
  events: "Streams at 40 per second: a role, 64 deltas 4 ms apart, `[DONE]`",
  streams: "1,000 slow streams at once",
  bodies: "Large bodies",
  start: "Cold start",
};
