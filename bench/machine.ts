/** What was measured where: read from the artefacts, not remembered. */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import * as os from "node:os";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { bunPath } from "../test/subject.ts";
import { installRival } from "./rival.ts";

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  /** GB. */
  readonly memory: number;
  readonly kernel: string;
}

const root = fileURLToPath(new URL("../", import.meta.url));

export function machine(): Machine {
  const cpus = os.cpus();
  return {
    cpu: cpus[0]!.model,
    cores: cpus.length,
    memory: Math.round(os.totalmem() / 1e9),
    kernel: `${os.type()} ${os.release()}`,
  };
}

/** By what they are of. */
export function versions(against?: string): Record<string, string> {
  return {
    doppel: doppelVersion(root),
    ...against !== undefined && { against: doppelVersion(against) },
    Deno: said(process.execPath, "--version"),
    Bun: said(bunPath(), "--version"),
    Node: said("node", "--version"),
    nginx: said("nginx", "-v"),
    wrk: said("wrk", "-v"),
    Redis: said("redis-server", "--version"),
    "@portkey-ai/gateway": installRival(),
  };
}

/** Its own version and its commit; `+` where files differ from that. */
function doppelVersion(folder: string): string {
  const manifest = JSON.parse(readFileSync(`${folder}/package.json`, "utf8"));
  const git = (...args: string[]) =>
    spawnSync("git", ["-C", folder, ...args], { encoding: "utf8" })
      .stdout.trim();
  const commit = git("rev-parse", "--short", "HEAD");
  // What a run writes is no part of what it measures.
  const changed = git("status", "--porcelain", "--", ".", ":!bench");
  return `${manifest.version} (${commit}${changed === "" ? "" : "+"})`;
}

/** The first version that a program's first lines name. */
function said(command: string, flag: string): string {
  const { stdout, stderr } = spawnSync(command, [flag], { encoding: "utf8" });
  return `${stdout}${stderr}`.match(/\d+\.\d+\.\d+/)?.[0] ?? "unknown";
}
