/** The soak's doppel: one after another on one port and one store, and how each of them lives. */

import {
  readdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { wait } from "./soak_origin.ts";
import {
  freePort,
  type Runtime,
  startDoppel,
  type Subject,
} from "./subject.ts";

/** How a process is. */
export interface Vitals {
  readonly at: number;
  /** MiB. */
  readonly rss: number;
  readonly anonymous: number;
  readonly files: number;
  readonly sockets: number;
  /** Seconds of processor time. */
  readonly busy: number;
}

export interface SoakSubject {
  readonly url: string;
  readonly current: () => Subject;
  /** Samples of the one that lives, oldest first. */
  readonly vitals: () => readonly Vitals[];
  readonly starts: () => number;
  /** Seconds of processor time of all of them. */
  readonly busy: () => number;
  admin(method: string, path: string, body?: unknown): Promise<unknown>;
  /** SIGTERM; how long it took, milliseconds, and its exit code. */
  stop(): Promise<{ took: number; code: number | null }>;
  kill(): Promise<void>;
  start(): Promise<void>;
  /** Puts its clock off. */
  setClock(offset: number): void;
  sample(): Vitals | undefined;
  /** Errors that any of them has logged, by name and reason. */
  faults(): Record<string, number>;
}

export async function openSubject(
  { runtime, origin, directory, env }: {
    runtime: Runtime;
    origin: string;
    directory: string;
    env: Readonly<Record<string, string>>;
  },
): Promise<SoakSubject> {
  const port = await freePort();
  const clock = join(directory, "clock");
  const setClock = (offset: number) => {
    writeFileSync(`${clock}.new`, `${offset}`);
    renameSync(`${clock}.new`, clock);
  };
  setClock(0);
  let subject: Subject;
  let vitals: Vitals[] = [];
  let starts = 0;
  let earlier = 0;
  const outputs: string[] = [];
  const start = async () => {
    starts++;
    vitals = [];
    subject = await startDoppel({
      runtime,
      origin,
      port,
      entry: "test/soak_entry.ts",
      env: { ...env, SOAK_CLOCK: clock, DOPPEL_DATA: directory },
    });
  };
  const over = async () => {
    const { child } = subject;
    earlier += vitals.at(-1)?.busy ?? 0;
    while (child.exitCode === null && child.signalCode === null) {
      await wait(10);
    }
    outputs.push(subject.output());
    rmSync(subject.data, { recursive: true, force: true });
  };
  await start();
  return {
    url: `http://127.0.0.1:${port}`,
    current: () => subject,
    vitals: () => vitals,
    starts: () => starts,
    busy: () => earlier + (vitals.at(-1)?.busy ?? 0),
    admin: (method, path, body) => subject.admin(method, path, body),
    async stop() {
      const begun = Date.now();
      const { pid } = subject;
      process.kill(pid, "SIGTERM");
      const late = setTimeout(() => process.kill(pid, "SIGKILL"), DRAINED);
      await over();
      clearTimeout(late);
      return { took: Date.now() - begun, code: subject.child.exitCode };
    },
    async kill() {
      process.kill(subject.pid, "SIGKILL");
      await over();
    },
    start,
    setClock,
    sample() {
      const sample = vitalsOf(subject.pid);
      if (sample) vitals.push(sample);
      return sample;
    },
    faults: () => faultsIn([...outputs, subject.output()]),
  };
}

/** Milliseconds after which one that was asked to stop is killed: more than any answer takes. */
const DRAINED = 60_000;
/** Ticks a second of `/proc`, on every Linux. */
const TICKS = 100;

function vitalsOf(pid: number): Vitals | undefined {
  const folder = `/proc/${pid}`;
  try {
    const status = readFileSync(`${folder}/status`, "utf8");
    const stat = readFileSync(`${folder}/stat`, "utf8");
    const mib = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)![1]) / 1024;
    const [user, system] = stat.slice(stat.lastIndexOf(")")).split(" ")
      .slice(12, 14).map(Number);
    const links = readdirSync(`${folder}/fd`).map((name) => {
      try {
        return readlinkSync(`${folder}/fd/${name}`);
      } catch {
        return "";
      }
    });
    return {
      at: Date.now(),
      rss: mib("VmRSS"),
      anonymous: mib("RssAnon"),
      files: links.length,
      sockets: links.filter((link) => link.startsWith("socket:")).length,
      busy: (user! + system!) / TICKS,
    };
  } catch {
    return undefined;
  }
}

function faultsIn(outputs: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const output of outputs) {
    for (const line of output.split("\n")) {
      if (!line.startsWith('{"level":"error"')) continue;
      const { name, reason } = JSON.parse(line);
      counts[`${name} ${reason}`] = (counts[`${name} ${reason}`] ?? 0) + 1;
    }
  }
  return counts;
}

/** How many floors are looked at. */
const FLOORS = 12;

/**
 * MiB an hour by which the floor rises: the least of each twelfth of the time,
 * since garbage comes and goes; and of these the median of all slopes, which no
 * single leap moves (Theil and Sen).
 */
export function slopeOf(samples: readonly Vitals[]): number {
  const part = Math.max(1, Math.floor(samples.length / FLOORS));
  const floors: Vitals[] = [];
  for (let i = 0; i + part <= samples.length; i += part) {
    const some = samples.slice(i, i + part);
    floors.push(some.reduce((a, b) => a.anonymous <= b.anonymous ? a : b));
  }
  const slopes = floors.flatMap((one, i) =>
    floors.slice(i + 1).map((other) =>
      (other.anonymous - one.anonymous) / (other.at - one.at) * 3_600_000
    )
  ).sort((a, b) => a - b);
  return slopes[slopes.length >> 1] ?? 0;
}
