/** What Linux says of a process. */

import { readFileSync, writeFileSync } from "node:fs";

/** `sysconf(_SC_CLK_TCK)` of every Linux that Deno and Bun run on. */
const TICKS = 100;

/** Resident now, KB. */
export function residentOf(pid: number): number {
  return status(pid, "VmRSS");
}

/** The most that was resident since the start or `forgetPeak()`, KB. */
export function peakOf(pid: number): number {
  return status(pid, "VmHWM");
}

export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** User and system time of all its threads, microseconds. */
export function cpuOf(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name may have blanks; fields are counted after it.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * (1e6 / TICKS);
}

function status(pid: number, name: string): number {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  return Number(text.match(new RegExp(`^${name}:\\s+(\\d+)`, "m"))?.[1]);
}
