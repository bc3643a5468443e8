/**
 * `deno task bench`: what doppel adds to a call.
 *
 * 1 KB of JSON up and down; the subject alone on one core, load (wrk) and
 * origin (nginx) on another. Rounds are interleaved and every other one is
 * reversed, each subject in a fresh process each round, since these machines
 * are noisy: compare within one run, as ratios. `deno task bench streams` runs
 * the last part only. Needs Debian's wrk and nginx.
 */

import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { freePort, startDoppel } from "../test/subject.ts";
import { firstEvents, startStreams, type Streamed } from "./stream.ts";

const ROUNDS = Number(process.env.ROUNDS ?? 5);
const SECONDS = Number(process.env.SECONDS ?? 4);
const [SUBJECT_CORE, LOAD_CORE] = [0, 1];

/** One measurement: requests per second, latencies in microseconds. */
interface Figures {
  readonly rps: number;
  readonly p50: number;
  readonly p99: number;
  readonly failed: number;
}

interface Subject {
  readonly url: string;
  readonly token: string;
  readonly stop: () => Promise<unknown>;
}

for (const tool of ["wrk", "nginx", "taskset"]) {
  if (spawnSync(tool, ["-v"]).error) {
    console.error(
      `the bench needs ${tool} (Debian: apt install wrk nginx-light)`,
    );
    process.exit(1);
  }
}

const folder = mkdtempSync(join(tmpdir(), "doppel-bench-"));
const origin = await startOrigin();
const subjects: Record<string, () => Promise<Subject>> = {
  "direct": () =>
    Promise.resolve({
      url: origin.url,
      token: "x",
      stop: () => Promise.resolve(),
    }),
  "doppel on Deno": () => doppel("deno"),
  "doppel on Bun": () => doppel("bun"),
  "Deno, unmetered": () => doppel("deno", origin.url, { METERING: "limited" }),
  "Bun, unmetered": () => doppel("bun", origin.url, { METERING: "limited" }),
};
const kinds = { "32 connections": 32, "1 connection": 1 };
const figures: Record<string, Record<string, Figures[]>> = {};
const streamsOnly = process.argv[2] === "streams";
for (let round = 0; round < (streamsOnly ? 0 : ROUNDS); round++) {
  const names = Object.keys(subjects);
  for (const name of round % 2 === 0 ? names : names.reverse()) {
    const subject = await subjects[name]!();
    load(subject, 32, 1); // the first second warms up and does not count
    for (const [kind, connections] of Object.entries(kinds)) {
      ((figures[kind] ??= {})[name] ??= []).push(
        load(subject, connections, SECONDS),
      );
    }
    await subject.stop();
  }
}
await benchStreams();
origin.stop();
rmSync(folder, { recursive: true });
for (const [kind, rows] of Object.entries(figures)) report(kind, rows);

/** What metering adds to the time to a stream's first event, and to all of it: ratios of one run, its subjects asked in turn. */
async function benchStreams() {
  const streams = await startStreams();
  const ratios: Record<string, Record<keyof Streamed, number>[]> = {};
  for (let round = 0; round < ROUNDS; round++) {
    for (const runtime of ["deno", "bun"] as const) {
      const subjects = [];
      for (const mode of ["all", "limited"]) {
        subjects.push(await doppel(runtime, streams.url, { METERING: mode }));
      }
      const [all, limited] = await firstEvents(subjects);
      const ratio = (of: keyof Streamed) => all![of] / limited![of];
      (ratios[runtime] ??= []).push({
        first50: ratio("first50"),
        first99: ratio("first99"),
        whole50: ratio("whole50"),
      });
      for (const subject of subjects) await subject.stop();
    }
  }
  await streams.stop();
  console.log(
    "\nstreams, metered to unmetered: median (least to most) of the rounds' ratios",
  );
  for (const [runtime, rounds] of Object.entries(ratios)) {
    const of = (name: keyof Streamed) => spread(rounds.map((r) => r[name]), 2);
    console.log(
      `${runtime.padEnd(5)} first event p50 ${of("first50")}   p99 ${
        of("first99")
      }   whole stream p50 ${of("whole50")}`,
    );
  }
}

async function doppel(
  runtime: "deno" | "bun",
  to = origin.url,
  env: Record<string, string> = {},
): Promise<Subject> {
  const subject = await startDoppel({
    runtime,
    origin: to,
    core: SUBJECT_CORE,
    env: { LOG: "errors", ...env },
  });
  const token = await subject.mint({ providers: ["openai"] });
  return { url: subject.url, token, stop: () => subject.stop() };
}

/** nginx that answers 1 KB of JSON to everything. */
async function startOrigin() {
  const port = await freePort();
  const conf = join(folder, "nginx.conf");
  writeFileSync(
    conf,
    `
    daemon off; worker_processes 1; pid ${folder}/pid; error_log ${folder}/error;
    events { worker_connections 2048; }
    http {
      access_log off; keepalive_requests 100000000; keepalive_timeout 1h;
      client_body_temp_path ${folder}; proxy_temp_path ${folder};
      fastcgi_temp_path ${folder}; uwsgi_temp_path ${folder}; scgi_temp_path ${folder};
      server {
        listen 127.0.0.1:${port} backlog=4096;
        location / { default_type application/json; return 200 '{"x":"${
      "a".repeat(1000)
    }"}'; }
      }
    }`,
  );
  const child = spawn("taskset", ["-c", `${LOAD_CORE}`, "nginx", "-c", conf]);
  const url = `http://127.0.0.1:${port}`;
  let up = false;
  while (!up) {
    up = await fetch(url).then((r) => r.text()).then(() => true, () => false);
  }
  return { url, stop: () => void process.kill(child.pid!, "SIGTERM") };
}

function load(
  { url, token }: Subject,
  connections: number,
  seconds: number,
): Figures {
  const script = join(folder, "post.lua");
  writeFileSync(
    script,
    `
    wrk.method = "POST"
    wrk.body = '{"model":"gpt-x","x":"${"b".repeat(980)}"}'
    wrk.headers["content-type"] = "application/json"
    wrk.headers["authorization"] = "Bearer ${token}"
    done = function(s, l)
      local e = s.errors
      print(string.format('{"rps":%f,"p50":%f,"p99":%f,"failed":%d}', s.requests * 1e6 / s.duration,
        l:percentile(50), l:percentile(99), e.connect + e.read + e.write + e.status + e.timeout))
    end`,
  );
  const { stdout } = spawnSync("taskset", [
    ...[
      "-c",
      `${LOAD_CORE}`,
      "wrk",
      "-t1",
      `-c${connections}`,
      `-d${seconds}s`,
    ],
    ...["-s", script, `${url}/v1/chat/completions`],
  ], { encoding: "utf8" });
  return JSON.parse(stdout.split("\n").find((line) => line.startsWith("{"))!);
}

function report(kind: string, rows: Record<string, Figures[]>) {
  const direct = rows["direct"]!;
  console.log(
    `\n${kind}: median (least to most) of ${ROUNDS} rounds of ${SECONDS} s`,
  );
  for (const [name, list] of Object.entries(rows)) {
    const added = (of: "p50" | "p99") =>
      name === "direct"
        ? `${spread(list.map((one) => one[of]))} µs`
        : `+${spread(list.map((one, i) => one[of] - direct[i]![of]))} µs`;
    const failed = list.reduce((sum, one) => sum + one.failed, 0);
    console.log(
      `${name.padEnd(15)} ${spread(list.map(({ rps }) => rps))} rps   p50 ${
        added("p50")
      }   p99 ${added("p99")}` +
        (failed > 0 ? `   ${failed} FAILED` : ""),
    );
  }
}

function spread(values: number[], digits = 0): string {
  const sorted = values.toSorted((a, b) => a - b);
  const [least, middle, most] = [
    0,
    Math.floor(sorted.length / 2),
    sorted.length - 1,
  ]
    .map((i) => sorted[i]!.toFixed(digits));
  return `${middle} (${least} to ${most})`;
}
