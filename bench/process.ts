/** Programs on one core each, timed from their start to their first answer. */

import { type ChildProcess, spawn } from "node:child_process";
import * as http from "node:http";
import process from "node:process";

/** The subject has one core to itself; load, origins and stores have another. */
export const SUBJECT_CORE = 0;
export const LOAD_CORE = 1;

export interface Program {
  readonly command: readonly string[];
  readonly core: number;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

export interface Running {
  readonly pid: number;
  /** When it was started, by `performance.now()`. */
  readonly begun: number;
  /** What it has written so far, its last 4,000 characters. */
  readonly output: () => string;
  readonly ended: () => boolean;
  readonly stop: () => Promise<void>;
}

export function run({ command, core, env, cwd }: Program): Running {
  const begun = performance.now();
  const child = spawn("taskset", ["-c", `${core}`, ...command], {
    ...cwd !== undefined && { cwd },
    env: {
      PATH: process.env.PATH!,
      HOME: process.env.HOME!,
      ...(process.env.DENO_DIR && { DENO_DIR: process.env.DENO_DIR }),
      NO_COLOR: "1",
      ...env,
    },
  });
  let output = "";
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on("data", (chunk) => output = (output + chunk).slice(-4000));
  }
  const exited = new Promise<void>((resolve) =>
    child.on("exit", () => resolve())
  );
  return {
    pid: child.pid!,
    begun,
    output: () => output,
    ended: () => ended(child),
    stop: () => stop(child, exited),
  };
}

/** What a program that ends by itself has written to stdout. */
export async function outputOf(program: Program): Promise<string> {
  const { command, core, env } = program;
  const child = spawn("taskset", ["-c", `${core}`, ...command], {
    env: { ...process.env, ...env },
  });
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    child[name].on("data", (chunk) => texts[name] += chunk);
  }
  const code = await new Promise((resolve) => child.on("close", resolve));
  if (code !== 0) {
    throw new Error(`${command[0]} ended with ${code}: ${texts.stderr}`);
  }
  return texts.stdout;
}

/** Sends until the answer is 200; milliseconds since it was called. */
export async function answering(
  url: string,
  { headers, content }: {
    readonly headers: Readonly<Record<string, string>>;
    readonly content?: string;
  },
  running?: Running,
): Promise<number> {
  const begun = performance.now();
  let status = 0;
  while (performance.now() - begun < 15_000 && !running?.ended()) {
    status = await statusOf(url, headers, content);
    if (status === 200) return performance.now() - begun;
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  throw new Error(`no 200 but ${status}: ${running?.output() ?? url}`);
}

function statusOf(
  url: string,
  headers: Readonly<Record<string, string>>,
  content?: string,
): Promise<number> {
  const method = content === undefined ? "GET" : "POST";
  return new Promise((resolve) => {
    const request = http.request(
      url,
      { method, headers, agent: false },
      (answer) => {
        answer.resume();
        answer.on("end", () => resolve(answer.statusCode!));
        answer.on("error", () => resolve(0));
      },
    );
    request.on("error", () => resolve(0));
    request.end(content);
  });
}

async function stop(child: ChildProcess, exited: Promise<void>) {
  if (ended(child)) return;
  process.kill(child.pid!, "SIGTERM");
  // One that does not stop holds up no other.
  const late = setTimeout(() => process.kill(child.pid!, "SIGKILL"), 5000);
  await exited;
  clearTimeout(late);
}

function ended({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null;
}
