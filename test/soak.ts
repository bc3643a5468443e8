/**
 * `deno task soak`: mixed traffic on both runtimes and both stores at once,
 * with faults. `MINUTES=60`, `RUNTIMES=deno,bun`, `STORES=sqlite,redis`, `RATE`
 * (requests a second of each), `STREAMS` (open beside them), `SEED`;
 * `SOAK_OUT` names a file for the report as JSON. Exits with 1 where anything
 * was wrong.
 */

import { writeFileSync } from "node:fs";
import process from "node:process";
import { ENDINGS } from "./soak_judge.ts";
import { type Report, soak } from "./soak_run.ts";
import type { StoreName } from "./soak_store.ts";
import type { Runtime } from "./subject.ts";

const env = process.env;
const number = (name: string, usual: number) => Number(env[name] ?? usual);
const list = (name: string, usual: string) => (env[name] ?? usual).split(",");

const seconds = number("MINUTES", 60) * 60;
const subjects = list("RUNTIMES", "deno,bun").flatMap((runtime) =>
  list("STORES", "sqlite,redis").map((store) => ({
    runtime: runtime as Runtime,
    store: store as StoreName,
  }))
);

const reports = await Promise.all(subjects.map((subject, n) =>
  soak({
    ...subject,
    seconds,
    rate: number("RATE", 8),
    streams: number("STREAMS", 20),
    pace: Math.min(1, seconds / 300),
    seed: number("SEED", 1) + n,
  })
));

console.log(tableOf(reports));
const wrong = reports.flatMap(({ runtime, store, wrong }) =>
  wrong.map((what) => `${runtime} on ${store}: ${what}`)
);
if (env.SOAK_OUT) writeFileSync(env.SOAK_OUT, JSON.stringify(reports, null, 2));
for (const what of wrong) console.log(what);
console.log(wrong.length === 0 ? "nothing wrong" : "NOT CLEAN");
process.exit(wrong.length === 0 ? 0 : 1);

type Row = [name: string, cell: (report: Report) => unknown];

/** A column for each soak. */
function tableOf(reports: readonly Report[]): string {
  const rows: Row[] = [
    ["", ({ runtime, store }) => `${runtime} ${store}`],
    ["seconds", ({ seconds }) => Math.round(seconds)],
    ["requests", ({ requests }) => requests],
    ...ENDINGS.map((name): Row => [name, ({ endings }) => endings[name]]),
    [
      "faults",
      ({ faults }) => Object.values(faults).reduce((sum, n) => sum + n, 0),
    ],
    ["starts", ({ starts }) => starts],
    ["slowest drain, ms", ({ drained }) => drained],
    ["idle stop, ms", ({ exit }) => exit],
    ["last process, s", ({ lived }) => Math.round(lived)],
    ["MiB warm", ({ warm }) => warm.toFixed(1)],
    ["MiB at the end", ({ end }) => end.toFixed(1)],
    ["MiB an hour", ({ slope }) => slope.toFixed(1)],
    ["files", ({ files }) => files.join(" → ")],
    ["sockets", ({ sockets }) => sockets.join(" → ")],
    ["at the origin", ({ originSockets }) => originSockets],
    ["in flight", ({ inFlight }) => inFlight],
    ["leases of the dead", ({ leases }) => leases],
    ["budgets spent", ({ budgets }) => budgets.spent],
    ["of it charged", ({ budgets }) => budgets.charged],
    ["tokens minted", ({ tokens }) => tokens],
    ["admin calls failed", ({ ownerFailed }) => ownerFailed],
    ["of a core", ({ busy }) => busy.toFixed(3)],
    ["found wrong", ({ wrong }) => wrong.length],
  ];
  return rows.map(([name, cell]) =>
    name.padEnd(20) +
    reports.map((report) => `${cell(report)}`.padStart(15)).join("")
  ).join("\n");
}
