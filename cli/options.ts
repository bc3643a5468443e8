/**
 * The command line: what usage lines promise, and options as people type them.
 *
 * @module
 */

import { parseArgs } from "node:util";
import { parseDuration, parseMoment, toRfc3339 } from "../core/time.ts";
import type { Row } from "./print.ts";

/** The command line was not understood: exit 2. */
export class UsageError extends Error {}

/** A command line that was understood. */
export interface Asked {
  /** The usage line that it fits. */
  readonly usage: string;
  /** What follows the command's name. */
  readonly words: readonly string[];
  /** Its options, read. */
  readonly values: Row;
  /** Whether one JSON value is asked for. */
  readonly json: boolean;
}

/**
 * Reads `args` as one of the commands: `token rotate ID [--grace 10m]` is a
 * name, a word to follow it, and an option; `[ID…]` is as many words as there
 * are. `undefined`: help is asked for.
 */
export function understood(
  usages: readonly string[],
  args: string[],
): Asked | undefined {
  const commands = usages.map(syntax);
  const { values: { json, help, ...given }, positionals } = parsed(
    args,
    commands.flatMap(({ options }) => options),
    commands.flatMap(({ flags }) => flags),
  );
  if (help) return undefined;
  const typed = positionals.join(" ");
  const command = commands.find(({ name }) =>
    `${typed} `.startsWith(`${name} `)
  );
  if (!command) throw new UsageError(`there is no command "${typed}".`);
  const { usage, name, takes, options } = command;
  const words = positionals.slice(name.split(" ").length);
  if (words.length !== takes.length && !command.many) {
    const wanted = takes.join(" ") || "no more words";
    throw new UsageError(`"${name}" takes ${wanted}.`);
  }
  const values: Row = {};
  for (const [option, text] of Object.entries(given)) {
    if (!options.includes(option)) {
      throw new UsageError(`"${name}" does not take --${option}.`);
    }
    const value = (READ[option] ?? String)(`${text}`);
    if (value === undefined) {
      throw new UsageError(`--${option} does not understand "${text}".`);
    }
    values[camel(option)] = value;
  }
  return { usage, words, values, json: json === true };
}

function syntax(usage: string) {
  const [head = ""] = usage.split(/\s*(?:\[|--)/);
  return {
    usage,
    name: head.replace(/ [A-Z ]+$/, ""),
    takes: head.match(/[A-Z]+/g) ?? [],
    many: /\[[A-Z]+…\]/.test(usage),
    /** Options that take no value. */
    flags: Array.from(usage.matchAll(/\[--(\w+)\]/g), ([, name]) => name!),
    options: Array.from(usage.matchAll(/--([\w-]+)/g), ([, name]) => name!),
  };
}

function parsed(
  args: string[],
  known: readonly string[],
  flags: readonly string[],
) {
  const options: Record<
    string,
    { type: "string" | "boolean"; short?: string }
  > = {
    ...Object.fromEntries(known.map((name) => [name, { type: "string" }])),
    ...Object.fromEntries(flags.map((name) => [name, { type: "boolean" }])),
    json: { type: "boolean" },
    help: { type: "boolean", short: "h" },
  };
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message.split(". ")[0] + ".");
  }
}

/** How an option's text is read where it is not taken as it is; `undefined` where it cannot be. */
const READ: Readonly<Record<string, (text: string) => unknown>> = {
  providers: list,
  models: list,
  endpoints: list,
  addresses: list,
  expires: (text) =>
    text === "never" ? null : moment(`+${text}`) ?? moment(text),
  isolated: onOrOff,
  "exact-usage": onOrOff,
  clamp: onOrOff,
  rpm: count,
  tpm: count,
  concurrency: count,
  budget,
  weight: count,
  priority: (text) =>
    text === "none" ? null : /^\d{1,2}$/.test(text) ? Number(text) : undefined,
  grace: parseDuration,
  at: moment,
  until: moment,
  since: (text) => ago(text) ?? moment(text),
  by: list,
  csv: (text) => text === "true",
};

function onOrOff(text: string): boolean | undefined {
  return text === "on" || (text === "off" ? false : undefined);
}

/** `exact-usage`: the admin API's `exactUsage`. */
function camel(option: string): string {
  return option.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
}

/** `7d`: that long before now. */
function ago(text: string): string | undefined {
  const seconds = parseDuration(text);
  if (seconds === undefined) return undefined;
  return toRfc3339(Math.floor(Date.now() / 1000) - seconds);
}

function list(text: string): string[] {
  return text.split(",").map((item) => item.trim()).filter(Boolean);
}

/** `none` takes the bound away. */
function count(text: string): number | null | undefined {
  if (text === "none") return null;
  return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined;
}

/** Dollars by period, as micro-dollars: `5/day,12.50/month`. */
function budget(text: string): Row | null | undefined {
  if (text === "none") return null;
  const bounds: Row = {};
  for (const part of list(text)) {
    const [, whole, cents = "", period] =
      /^(\d{1,9})(?:\.(\d{1,6}))?\/(day|month|total)$/.exec(part) ?? [];
    if (period === undefined) return undefined;
    bounds[period] = Number(whole) * 1_000_000 + Number(cents.padEnd(6, "0"));
  }
  return bounds;
}

function moment(text: string): string | undefined {
  const seconds = parseMoment(text, Math.floor(Date.now() / 1000));
  return seconds === undefined ? undefined : toRfc3339(seconds);
}
