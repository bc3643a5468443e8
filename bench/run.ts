/**
 * `deno task bench`: what doppel costs, beside a bare proxy, nginx and a rival.
 *
 * Rounds are interleaved, each subject in fresh processes, since these machines
 * are noisy: compare within one run, as ratios. A whole run takes some twelve
 * minutes and writes `bench/RESULTS.md`; `--help` says how to ask for less.
 */

import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { bunPath, freePort } from "../test/subject.ts";
import { startUpstash } from "../test/redis.ts";
import { measureBundle } from "./bundle.ts";
import { machine, versions } from "./machine.ts";
import { startNginxOrigin } from "./nginx.ts";
import { missingTools, type Options, readOptions, USAGE } from "./options.ts";
import { load, PARTS } from "./parts.ts";
import { answering, LOAD_CORE, run, type Running } from "./process.ts";
import { jsonOf, textOf, writeReport } from "./report.ts";
import type { Result } from "./result.ts";
import { runRounds } from "./rounds.ts";
import { PATH, STREAM } from "./shapes.ts";
import type { Row } from "./row.ts";
import { rowsOf } from "./subjects.ts";

const args = process.argv.slice(2);
const begun = performance.now();
const when = new Date().toISOString();
const options = understood();
const rows = chosen(options);
const parts = PARTS.filter(({ name }) => options.parts?.includes(name) ?? true);
const folder = mkdtempSync(join(tmpdir(), "doppel-bench-"));
const running = new Set<{ readonly stop: () => Promise<void> }>();
// Nothing but subjects on the subjects' core.
spawnSync("taskset", ["-a", "-c", "-p", `${LOAD_CORE}`, `${process.pid}`]);
// Whoever ends it by hand leaves nothing behind either.
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => void stopAll().then(() => process.exit(1)));
}
try {
  const result = await measured();
  if (options.out) writeReport(result, options.out);
  console.log(options.json ? jsonOf(result) : textOf(result));
  tell(`${Math.round(result.seconds)} s in all`);
} finally {
  await stopAll();
}

async function measured(): Promise<Result> {
  const stamped = {
    when,
    machine: machine(),
    versions: versions(options.against),
  };
  const bundle = measureBundle();
  const origins = {
    json: await nginxOrigin(),
    events: await streamOrigin(64, 4),
    slow: await streamOrigin(10, 500),
  };
  const redis = rows.some(({ needsRedis }) => needsRedis)
    ? await startUpstash()
    : undefined;
  if (redis) running.add({ stop: () => redis.close() });
  const stage = { folder, env: options.env, ...redis && { redis: redis.env } };
  const capacity = parts.some(({ name }) => name === "events")
    ? await capacityOf(await streamOrigin(64, 0))
    : undefined;
  const outcomes = await runRounds({
    rows,
    parts,
    options,
    origins,
    stage,
    running,
    tell,
  });
  return {
    ...stamped,
    seconds: (performance.now() - begun) / 1000,
    command: ["deno task bench", ...args].join(" "),
    rounds: options.rounds,
    times: options.times,
    ...capacity !== undefined && { capacity },
    bundle,
    subjects: rows.map(({ id, title, about }) => ({ id, title, about })),
    outcomes,
  };
}

async function nginxOrigin(): Promise<string> {
  const origin = await startNginxOrigin(folder, LOAD_CORE);
  running.add(origin);
  await answering(origin.url, { headers: {} }, origin);
  return origin.url;
}

async function streamOrigin(deltas: number, apart: number): Promise<string> {
  const port = await freePort();
  const file = new URL("origin.ts", import.meta.url).pathname;
  const command = [bunPath(), "run", file, `${port}`, `${deltas}`, `${apart}`];
  const origin: Running = run({ command, core: LOAD_CORE });
  running.add(origin);
  const url = `http://127.0.0.1:${port}`;
  await answering(url, { headers: {} }, origin);
  return url;
}

async function capacityOf(url: string): Promise<number> {
  const headers = { "content-type": "application/json" };
  const ask = { url, headers, method: "POST", path: PATH, content: STREAM };
  return (await load("capacity", { ask, seconds: 1 })).events;
}

function understood(): Options {
  if (args.includes("--help")) {
    console.log(USAGE);
    process.exit(0);
  }
  try {
    const options = readOptions(args);
    const missing = missingTools((tool) =>
      !spawnSync("which", [tool], { stdio: "ignore" }).status
    );
    if (missing === undefined) return options;
    console.error(missing);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
  }
  process.exit(1);
}

/** `direct` is always among them: what is added is added to it. */
function chosen({ only, against }: Options): Row[] {
  const rows = rowsOf({ ...against !== undefined && { against } });
  const unknown = only?.find((id) => rows.every((row) => row.id !== id));
  if (unknown !== undefined) {
    console.error(
      `--only: no subject is called ${unknown}; there are ${
        rows.map(({ id }) => id).join(", ")
      }`,
    );
    process.exit(1);
  }
  return rows.filter(({ id }) =>
    id === "direct" || (only?.includes(id) ?? true)
  );
}

async function stopAll() {
  await Promise.all([...running].map(({ stop }) => stop()));
  running.clear();
  rmSync(folder, { recursive: true, force: true });
}

/** Beside what is printed. */
function tell(text: string) {
  const seconds = Math.round((performance.now() - begun) / 1000);
  console.error(`${`${seconds}`.padStart(4)} s  ${text}`);
}
