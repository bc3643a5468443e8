/** What `deno task bench` may be told. */

import { parseArgs } from "node:util";
import { PARTS, type Times } from "./parts.ts";

export interface Options {
  readonly rounds: number;
  readonly times: Times;
  /** Ids of subjects; absent: all. */
  readonly only?: readonly string[];
  /** Names of parts; absent: all. */
  readonly parts?: readonly string[];
  /** Another checkout, whose doppels are measured too. */
  readonly against?: string;
  /** JSON on stdout, and nothing else there. */
  readonly json: boolean;
  /** A whole run writes its results into this folder. */
  readonly out?: string;
  /** For every doppel. */
  readonly env: Readonly<Record<string, string>>;
}

export const USAGE = `deno task bench [options]
  --quick             the main subjects and parts, once: less than 90 seconds
  --json              JSON on stdout
  --only ID,ID        these subjects
  --parts NAME,NAME   these parts: ${PARTS.map(({ name }) => name).join(", ")}
  --rounds N          instead of 3
  --seconds N         of load with 32 connections, instead of 3
  --against FOLDER    another checkout's doppels too, as against-ID
  --env NAME=VALUE    a setting for every doppel; may be repeated
  --out FOLDER        where results go, instead of bench/ after a whole run`;

const WHOLE: Times = { warm: 2, few: 3, many: 2, steady: 2.5, events: 2.5 };
const QUICK: Times = { warm: 1, few: 2, many: 1, steady: 1.5, events: 1.5 };

/** Who and what is measured by a quick run that says nothing else. */
const QUICK_SUBJECTS = [
  ...["direct", "nginx", "bare-bun", "bare-deno", "bun", "deno", "rival"],
];
const QUICK_PARTS = ["throughput", "latency", "events"];

/** Throws what is wrong with them. */
export function readOptions(
  args: readonly string[],
  bench = new URL(".", import.meta.url).pathname,
): Options {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      only: { type: "string" },
      parts: { type: "string" },
      rounds: { type: "string" },
      seconds: { type: "string" },
      against: { type: "string" },
      env: { type: "string", multiple: true, default: [] },
      out: { type: "string" },
    },
  });
  const { quick, json, against } = values;
  const times = quick ? QUICK : WHOLE;
  const only = values.only?.split(",") ??
    (quick ? QUICK_SUBJECTS : undefined);
  const parts = values.parts?.split(",") ?? (quick ? QUICK_PARTS : undefined);
  const wrong = parts?.find((name) =>
    PARTS.every((part) => part.name !== name)
  );
  if (wrong !== undefined) {
    throw new Error(`--parts: no part is called ${wrong}`);
  }
  const { rounds, seconds, env } = values;
  const narrowed = Boolean(
    only ?? parts ?? against ?? rounds ?? seconds ?? env[0],
  );
  const out = values.out ?? (narrowed ? undefined : bench);
  return {
    json,
    rounds: count("rounds", rounds) ?? (quick ? 1 : 3),
    times: { ...times, few: count("seconds", seconds) ?? times.few },
    ...only && { only },
    ...parts && { parts },
    ...against !== undefined && { against },
    ...out !== undefined && { out },
    env: Object.fromEntries(env.map(pair)),
  };
}

function count(name: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^[1-9]\d*$/.test(text)) return Number(text);
  throw new Error(`--${name} must be a whole number, 1 or more`);
}

function pair(text: string): readonly [string, string] {
  const at = text.indexOf("=");
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new Error("--env must be NAME=VALUE");
}

/** Whether what it needs is here; says what to install where it is not. */
export function missingTools(
  has: (tool: string) => boolean,
): string | undefined {
  const tools = {
    "wrk": "wrk",
    "nginx": "nginx-light",
    "taskset": "util-linux",
    "redis-server": "redis-server",
    "node": "nodejs",
    "npm": "npm",
  };
  const missing = Object.entries(tools).filter(([tool]) => !has(tool));
  if (missing.length === 0) return undefined;
  const [names, packages] = [0, 1].map((i) => missing.map((one) => one[i]));
  return `the bench needs ${names!.join(", ")} (Debian: apt install ${
    packages!.join(" ")
  })`;
}
