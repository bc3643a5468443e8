/** `RESULTS.md`, its charts and its raw figures. No number in it is written by hand. */

import { spawnSync } from "node:child_process";
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import process from "node:process";
import { measureBars } from "./bars.ts";
import { type Chart, chartOf } from "./chart.ts";
import { FIGURES, TABLES } from "./figures.ts";
import { failuresOf, type Result, spreadOf } from "./result.ts";
import { number } from "./statistics.ts";
import {
  asMarkdown,
  asText,
  barsTable,
  bundleTable,
  tableOf,
} from "./tables.ts";

/** File → the figure it shows, and what it is called. */
const CHARTS: Readonly<Record<string, readonly [string, string]>> = {
  throughput: ["rps32", "Requests per second, 32 connections, one core"],
  cpu: ["cpu", "CPU per request"],
  latency: ["p50", "Added latency at 200 requests per second, p50"],
  first_event: ["first50", "Added time to a stream's first event, p50"],
  memory: ["memory", "Memory per slow stream, 1,000 at once"],
};

/** What it writes, by path within its folder. */
export function reportOf(result: Result): Readonly<Record<string, string>> {
  const charts = Object.entries(CHARTS).flatMap(([file, [id, title]]) => {
    const chart = { title, ...chartFor(result, id) };
    return chart.bars.length === 0
      ? []
      : [[`charts/${file}.svg`, chartOf(chart)] as const];
  });
  const raw = `raw/${result.when.slice(0, 10)}.json`;
  return {
    "RESULTS.md": markdown(result, {
      raw,
      charts: charts.map(([path]) => path),
    }),
    ...Object.fromEntries(charts),
    [raw]: rawOf(result),
  };
}

/** Replaces what an earlier run has left there. */
export function writeReport(result: Result, folder: string): void {
  for (const old of ["raw", "charts"]) {
    rmSync(`${folder}/${old}`, { recursive: true, force: true });
  }
  const files = Object.entries(reportOf(result));
  for (const [path, text] of files) {
    mkdirSync(dirname(`${folder}/${path}`), { recursive: true });
    writeFileSync(`${folder}/${path}`, text);
  }
  spawnSync(process.execPath, ["fmt", "-q", `${folder}/RESULTS.md`]);
}

/** For another program: all that was found, with the spread of each figure and the bars. */
export function jsonOf(result: Result): string {
  const figures = result.subjects.map(({ id }) => [
    id,
    Object.fromEntries(
      FIGURES.map((figure) => [figure.id, spreadOf(result, id, figure.id)]),
    ),
  ]);
  const bars = measureBars(result).filter(({ met }) => met !== undefined);
  return JSON.stringify(
    { figures: Object.fromEntries(figures), bars, ...result },
    rounded,
  );
}

/** For a terminal. */
export function textOf(result: Result): string {
  const tables = Object.entries(TABLES).map(([part, title]) =>
    [title, tableOf(result, part)] as const
  ).filter(([, { rows }]) => rows.length > 0);
  const bars = barsTable(result);
  const measured = bars.rows.filter((cells) => cells[3] !== "not measured");
  return [
    ...tables.map(([title, table]) => `${title}\n${asText(table)}`),
    ...measured.length > 0 ? [asText({ ...bars, rows: measured })] : [],
    ...failuresOf(result).map((failure) => `FAILED: ${failure}`),
  ].join("\n\n");
}

function chartFor(result: Result, id: string): Omit<Chart, "title"> {
  const figure = FIGURES.find((one) => one.id === id)!;
  const bars = result.subjects.flatMap((subject) => {
    // Added to itself it is nothing, and it has no memory; what it can do dwarfs the rest.
    if (subject.id === "direct") return [];
    const value = spreadOf(result, subject.id, id);
    const strong = subject.title.startsWith("doppel");
    return value ? [{ name: subject.title, value, strong }] : [];
  });
  return { unit: figure.unit, digits: figure.digits, bars };
}

function markdown(
  result: Result,
  { raw, charts }: { readonly raw: string; readonly charts: readonly string[] },
): string {
  const failures = failuresOf(result);
  return [
    "# What doppel costs, beside what one would run instead",
    introduction(result, raw),
    "## What issue 7 asks for",
    "Ratios and differences are of the same round; a bar is met by the median. `by CPU` is the ratio that the subjects' CPU time per request would give: it hardly feels what else the machine does.",
    asMarkdown(barsTable(result)),
    ...Object.entries(TABLES).flatMap(([part, title]) =>
      section(result, part, title)
    ),
    "## Bundle",
    asMarkdown(bundleTable(result)),
    "## Charts",
    ...charts.map((path) =>
      `![${path.slice(7, -4).replace("_", " ")}](${path})`
    ),
    "## What failed",
    failures.length === 0
      ? "Nothing: every request of every round was answered with 200 and was whole."
      : failures.map((failure) => `- ${failure}`).join("\n"),
    "## How it is measured",
    method(result),
    "## Subjects",
    result.subjects.map(({ title, about }) => `- **${title}**: ${about}`).join(
      "\n",
    ),
  ].join("\n\n") + "\n";
}

function section(result: Result, part: string, title: string): string[] {
  const table = tableOf(result, part);
  return table.rows.length === 0 ? [] : [`## ${title}`, asMarkdown(table)];
}

function introduction(result: Result, raw: string): string {
  const { cpu, cores, memory, kernel } = result.machine;
  const minutes = number(result.seconds / 60, 1);
  const names = Object.entries(result.versions)
    .map(([name, version]) => `${name} ${version}`).join(", ");
  return [
    `\`${result.command}\` wrote this file on ${result.when} in ${minutes} minutes; every run differs, so compare within one. Figures are the middle of ${result.rounds} rounds, with the least and the most; all of them are in [${raw}](${raw}).`,
    `${cpu}, ${cores} cores, ${memory} GB, ${kernel}. ${names}.`,
    "It needs Debian's `wrk`, `nginx-light`, `redis-server`, `nodejs` and `npm`.",
  ].join("\n\n");
}

function method({ times, capacity }: Result): string {
  return [
    "- One subject at a time, alone on core 0; load, origins, Redis and the bench on core 1. Each subject begins each round in fresh processes, one for each origin, and every other round goes backwards.",
    `- Throughput: wrk, ${times.warm} s that do not count, ${times.few} s with 32 connections, ${times.many} s with 256; the origin is nginx, which answers 1 KB. CPU is the subject's user and system time while 32 connections ask, by request.`,
    `- Latency: an open loop, ${times.steady} s a round. A request's clock starts when its time has come, so waiting for a connection counts.`,
    `- Streams: an open loop, ${times.events} s a round. Each delta says when its origin wrote it; an added gap is by how much further apart two of them came than they were written, so the origin's timers do not count.`,
    "- What is *added* is a subject's figure less `direct`'s of the same round.",
    ...capacity === undefined ? [] : [
      `- The origin of streams is not what holds them up: asked for no pause, it writes ${
        number(capacity)
      } events per second to the same load on the same core, and no part asks for more than some 2,600.`,
    ],
    "- 1,000 slow streams begin at once, each with 10 deltas 500 ms apart. Memory is what is resident while most of them are open at once, less what was after a short warm-up, by stream.",
    "- 64 MiB: up as `multipart/form-data`, down as bytes; the peak is `VmHWM`, set back before each.",
    "- Cold start: from the start of the process to the first proxied 200, with its files in the page cache and its token in its store.",
  ].join("\n");
}

/** A line for each outcome: few enough to read, and to compare with another run's. */
function rawOf({ outcomes, ...rest }: Result): string {
  const lines = outcomes.map((one) => JSON.stringify(one, rounded));
  const head = JSON.stringify(rest, rounded).slice(0, -1);
  return `${head},\n"outcomes":[\n${lines.join(",\n")}\n]}\n`;
}

/** Five digits are more than these machines repeat. */
function rounded(_: string, value: unknown): unknown {
  return typeof value === "number" ? Number(value.toPrecision(5)) : value;
}
