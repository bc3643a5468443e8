/** What a subject is to a run, and what all of them have. */

import { fileURLToPath } from "node:url";
import type { Running } from "./process.ts";

/** What the origins get from all subjects. */
export const KEY = "sk-bench-key";

/** Bun takes it from the environment alone; without it, 256 requests at a time go out and the rest wait. */
export const BUN_ENV = { BUN_CONFIG_MAX_HTTP_REQUESTS: "65336" };

/** What a start is given. */
export interface Stage {
  /** For files of this run. */
  readonly folder: string;
  /** The origin's URL. */
  readonly origin: string;
  /** Settings of a store beside, where there is one. */
  readonly redis?: Readonly<Record<string, string>>;
  /** For every doppel. */
  readonly env: Readonly<Record<string, string>>;
}

export interface Subject {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Absent: there is no process between. */
  readonly running?: Running;
}

export interface Row {
  readonly id: string;
  readonly title: string;
  /** Its configuration, for the reader of the results. */
  readonly about: string;
  /** Parts it does not sit for. */
  readonly without?: readonly string[];
  /** Seconds of load before anything counts; 2 if absent. */
  readonly warm?: number;
  readonly needsRedis?: true;
  start(stage: Stage): Promise<Subject>;
}

/** Runtimes by what they are called. */
export const TITLES = { deno: "Deno", bun: "Bun" } as const;

/** This checkout. */
export const root = fileURLToPath(new URL("../", import.meta.url));

/** Who asks, and with what kind of content. */
export function bearer(value: string): Record<string, string> {
  return {
    authorization: `Bearer ${value}`,
    "content-type": "application/json",
  };
}
