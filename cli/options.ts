/**
 * Options as people type them.
 *
 * @module
 */

import { parseDuration, parseMoment, toRfc3339 } from "../core/time.ts";
import type { Row } from "./print.ts";

/** Every command; `url` is where doppel is taken to be. */
export const usage = (url: string) =>
  `doppel token create --label L --providers P,P
             [--token T] [--expires 30d|TIME] [--models 'GLOB,GLOB']
             [--endpoints CLASS,CLASS] [--addresses CIDR,CIDR] [--note N]
doppel token list | show ID | disable ID | enable ID | delete ID
doppel token rotate ID [--grace 10m]
doppel token set ID [--label L] [--providers P,P] [--expires 30d|TIME|never]
             [--models …] [--endpoints …] [--addresses …] [--note N]
doppel pause [--at TIME] [--until TIME] | resume [--at TIME] | status
doppel providers
doppel audit
doppel export | import FILE
doppel sign METHOD PATH [--data JSON|@FILE]     prints a curl command

TIME is now, +30m, 22:00, '2027-01-31 22:00' or RFC 3339. Every command takes
--json. DOPPEL_URL (${url}) says where doppel is; ADMIN_SECRET, or
else the local data directory, holds the secret.`;

/** The command line was not understood: exit 2. */
export class UsageError extends Error {}

/** Every option of every command. */
export const OPTIONS = {
  json: { type: "boolean" },
  help: { type: "boolean", short: "h" },
  label: { type: "string" },
  note: { type: "string" },
  providers: { type: "string" },
  token: { type: "string" },
  expires: { type: "string" },
  models: { type: "string" },
  endpoints: { type: "string" },
  addresses: { type: "string" },
  grace: { type: "string" },
  at: { type: "string" },
  until: { type: "string" },
  data: { type: "string" },
} as const;

/** Options as given. */
export type Values = { [Name in keyof typeof OPTIONS]?: string | boolean };

/** Options that are fields of a token. */
export const FIELDS = [
  "label",
  "note",
  "providers",
  "expires",
  "models",
  "endpoints",
  "addresses",
] as const;

/** The body fields the options stand for. */
export function tokenFields(values: Values): Row {
  const fields: Row = {};
  for (const name of ["label", "note"] as const) {
    if (values[name] !== undefined) fields[name] = values[name];
  }
  for (
    const name of ["providers", "models", "endpoints", "addresses"] as const
  ) {
    if (values[name] === undefined) continue;
    fields[name] = `${values[name]}`.split(",").map((item) => item.trim())
      .filter((item) => item !== "");
  }
  if (values.expires === "never") fields.expires = null;
  else if (values.expires !== undefined) fields.expires = expiry(values);
  return fields;
}

function expiry({ expires }: Values): string {
  return toRfc3339(understood("--expires", `${expires}`, (text) => {
    const duration = parseDuration(text);
    return duration === undefined ? parseMoment(text, now()) : now() + duration;
  }));
}

/** RFC 3339, `undefined` where the option is absent. */
export function moment(
  values: Values,
  name: "at" | "until",
): string | undefined {
  const text = values[name];
  if (text === undefined) return undefined;
  return toRfc3339(
    understood(`--${name}`, `${text}`, (typed) => parseMoment(typed, now())),
  );
}

/** Seconds; what cannot be parsed is a usage error. */
export function understood(
  name: string,
  text: string,
  parse: (text: string) => number | undefined,
): number {
  const value = parse(text);
  if (value === undefined) {
    throw new UsageError(`${name} does not understand "${text}".`);
  }
  return value;
}

/** Seconds since the epoch. */
export function now(): number {
  return Math.floor(Date.now() / 1000);
}
