/** What is measured: a part each. A subject sits for all parts of one origin in one fresh process. */

import process from "node:process";
import { writeFileSync } from "node:fs";
import { bunPath } from "../test/subject.ts";
import { type Ask } from "./client.ts";
import type { Kind, Loaded, Order } from "./load.ts";
import { LOAD_CORE, outputOf } from "./process.ts";
import { cpuOf, peakOf, residentOf } from "./proc.ts";
import { DOWNLOAD, PATH, QUESTION, STREAM, UPLOAD } from "./shapes.ts";
import type { Subject } from "./row.ts";

/** Figures by name, see `figures.ts`. */
export type Sample = Readonly<Record<string, number>>;

/** How long things last, seconds. */
export interface Times {
  readonly warm: number;
  readonly few: number;
  readonly many: number;
  readonly steady: number;
  readonly events: number;
}

export interface Sitting {
  readonly subject: Subject;
  readonly times: Times;
  /** Where files of this run are. */
  readonly folder: string;
  /** Resident before any load, KB. */
  readonly idle?: number;
}

export type OriginName = "json" | "events" | "slow";

export interface Part {
  readonly name: string;
  readonly origin: OriginName;
  /** In how many of the rounds, from the first on; in all if absent. */
  readonly rounds?: number;
  measure(sitting: Sitting): Promise<Sample>;
}

/** Streams per second: some 2,600 events. */
const STREAM_RATE = 40;

/** A crowd's size, and how long it may take. */
const STREAMS = 1000;
const PATIENCE = 15_000;

export const PARTS: readonly Part[] = [
  { name: "throughput", origin: "json", measure: throughput },
  { name: "latency", origin: "json", measure: latency },
  { name: "events", origin: "events", measure: events },
  { name: "streams", origin: "slow", rounds: 2, measure: streams },
  { name: "bodies", origin: "events", rounds: 2, measure: bodies },
];

/** What comes before anything counts, for the parts of an origin. */
export async function warmUp(origin: OriginName, sitting: Sitting) {
  const { subject, times } = sitting;
  if (origin === "json") return void await wrk(sitting, 32, times.warm);
  const pace = { rate: 100, seconds: 0.5, connections: 16 };
  await load("steady", { ask: chat(subject, QUESTION), pace });
  if (origin !== "events") return;
  await load("events", {
    ask: chat(subject, STREAM),
    pace: { rate: STREAM_RATE, seconds: 0.5, connections: 32 },
  });
}

async function throughput(sitting: Sitting): Promise<Sample> {
  const { subject: { running }, times } = sitting;
  const pid = running?.pid;
  const before = pid === undefined ? 0 : cpuOf(pid);
  const few = await wrk(sitting, 32, times.few);
  if (few.requests === 0) throw new Error("no request was answered");
  const cpu = pid === undefined ? 0 : cpuOf(pid) - before;
  const many = await wrk(sitting, 256, times.many);
  const sample = {
    rps32: few.rps,
    rps256: many.rps,
    failed: few.failed + many.failed,
  };
  if (pid === undefined) return sample;
  const peak = peakOf(pid);
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return {
    ...sample,
    cpu: cpu / few.requests,
    rssIdle: sitting.idle! / 1024,
    rssLoad: peak / 1024,
    rssAfter: residentOf(pid) / 1024,
  };
}

async function latency({ subject, times }: Sitting): Promise<Sample> {
  const pace = { rate: 200, seconds: times.steady, connections: 16 };
  return await load("steady", { ask: chat(subject, QUESTION), pace });
}

async function events({ subject, times }: Sitting): Promise<Sample> {
  const pace = { rate: STREAM_RATE, seconds: times.events, connections: 32 };
  return await load("events", { ask: chat(subject, STREAM), pace });
}

async function streams({ subject }: Sitting): Promise<Sample> {
  const pid = subject.running?.pid;
  return await load("slow", {
    ask: chat(subject, STREAM),
    streams: STREAMS,
    patience: PATIENCE,
    ...pid !== undefined && { pid, idle: residentOf(pid) },
  });
}

async function bodies({ subject }: Sitting): Promise<Sample> {
  const { url, headers, running } = subject;
  const ask = { url, headers, content: "" };
  return await load("bodies", {
    up: { ...ask, method: "POST", path: UPLOAD },
    down: { ...ask, method: "GET", path: DOWNLOAD },
    ...running && { pid: running.pid },
  });
}

function chat({ url, headers }: Subject, content: string): Ask {
  return { url, headers, method: "POST", path: PATH, content };
}

/** Our own load, by Bun on the load's core. */
export async function load<Of extends Kind>(
  kind: Of,
  order: Order<Of>,
): Promise<Loaded<Of>> {
  const file = new URL("load.ts", import.meta.url).pathname;
  const command = [bunPath(), "run", file, kind, JSON.stringify(order)];
  const text = await outputOf({ core: LOAD_CORE, command });
  return without(JSON.parse(text));
}

/** JSON knows no `NaN`: what nothing was measured of is `null` there, and absent here. */
function without<Value extends object>(value: Value): Value {
  const some = Object.entries(value).filter(([, one]) => one !== null);
  return Object.fromEntries(some) as Value;
}

interface Wrk {
  readonly rps: number;
  readonly requests: number;
  readonly failed: number;
}

async function wrk(
  { subject: { url, headers }, folder }: Sitting,
  connections: number,
  seconds: number,
): Promise<Wrk> {
  const script = `${folder}/post-${process.pid}.lua`;
  const fields = Object.entries(headers).map(([name, value]) =>
    `wrk.headers["${name}"] = "${value}"`
  );
  writeFileSync(
    script,
    `
    wrk.method = "POST"
    wrk.body = '${QUESTION}'
    ${fields.join("\n")}
    done = function(s, l)
      local e = s.errors
      print(string.format('{"rps":%f,"requests":%d,"failed":%d}',
        s.requests * 1e6 / s.duration, s.requests,
        e.connect + e.read + e.write + e.status + e.timeout))
    end`,
  );
  const flags = ["-t1", `-c${connections}`, `-d${seconds}s`, "-s", script];
  const command = ["wrk", ...flags, `${url}${PATH}`];
  const text = await outputOf({ core: LOAD_CORE, command });
  const line = text.split("\n").find((one) => one.startsWith("{"))!;
  const counted: Wrk = JSON.parse(line);
  // All that were asked had no answer when time was up.
  return counted.requests > 0
    ? counted
    : { ...counted, failed: counted.failed + connections };
}
