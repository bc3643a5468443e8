/**
 * `doppel …`: the admin API on a command line.
 *
 * `--json` prints one JSON value on stdout and nothing else; errors go to
 * stderr and exit 1, usage errors exit 2.
 *
 * @module
 */

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { parseArgs } from "node:util";
import {
  FIELDS,
  moment,
  OPTIONS,
  tokenFields,
  understood,
  usage,
  UsageError,
  type Values,
} from "./cli/options.ts";
import {
  details,
  mintedText,
  pauseText,
  quote,
  type Row,
  summary,
  table,
} from "./cli/print.ts";
import { AdminError, callAdmin, signedFields } from "./client.ts";
import { SETTINGS } from "./core/settings.ts";
import { parseDuration } from "./core/time.ts";

/** What a command gives: `json` for programs, `text` for people. */
interface Output {
  readonly json: unknown;
  readonly text: string;
}

/** A command: how many words follow its name, which options it takes, what it does. */
interface Command {
  readonly words: number;
  readonly options: readonly (keyof typeof OPTIONS)[];
  readonly run: (words: readonly string[], values: Values) => Promise<Output>;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  "token create": {
    words: 0,
    options: [...FIELDS, "token"],
    async run(_, values) {
      const { token } = values;
      const body = { ...tokenFields(values), ...(token && { token }) };
      const minted = await call("POST", "/admin/tokens", body);
      return { json: minted, text: mintedText(minted) };
    },
  },
  "token list": {
    words: 0,
    options: [],
    async run() {
      const tokens = await all("/admin/tokens", "tokens");
      return { json: tokens, text: table(tokens.map(summary)) };
    },
  },
  "token show": { words: 1, options: [], run: ([id]) => one("GET", id!) },
  "token set": {
    words: 1,
    options: FIELDS,
    run: ([id], values) => one("PATCH", id!, tokenFields(values)),
  },
  "token disable": {
    words: 1,
    options: [],
    run: ([id]) => one("PATCH", id!, { status: "disabled" }),
  },
  "token enable": {
    words: 1,
    options: [],
    run: ([id]) => one("PATCH", id!, { status: "active" }),
  },
  "token delete": {
    words: 1,
    options: [],
    async run([id]) {
      await call("DELETE", tokenPath(id!));
      return { json: { id, deleted: true }, text: `${id} is deleted.` };
    },
  },
  "token rotate": {
    words: 1,
    options: ["grace"],
    async run([id], { grace }) {
      const graceSeconds = grace === undefined
        ? 0
        : understood("--grace", `${grace}`, parseDuration);
      const body = { graceSeconds };
      const minted = await call("POST", `${tokenPath(id!)}/rotate`, body);
      return { json: minted, text: mintedText(minted) };
    },
  },
  "pause": {
    words: 0,
    options: ["at", "until"],
    run: (_, values) => pause(moment(values, "at"), moment(values, "until")),
  },
  "resume": {
    words: 0,
    options: ["at"],
    async run(_, values) {
      const until = moment(values, "at");
      if (until !== undefined) {
        const { from } = await call("GET", "/admin/pause");
        return await pause(from === null ? undefined : `${from}`, until);
      }
      await call("DELETE", "/admin/pause");
      return { json: { paused: false }, text: "doppel is not paused." };
    },
  },
  "status": {
    words: 0,
    options: [],
    run: async () => pauseOutput(await call("GET", "/admin/pause")),
  },
  "providers": {
    words: 0,
    options: [],
    async run() {
      const { providers } = await call("GET", "/admin/providers");
      return { json: providers, text: table(providers as Row[]) };
    },
  },
  "audit": {
    words: 0,
    options: [],
    async run() {
      const entries = await all("/admin/audit", "entries");
      const rows = entries.map(({ time, action, token, changed }) => ({
        time,
        action,
        token: token ?? "",
        changed: changed === undefined ? "" : JSON.stringify(changed),
      }));
      return { json: entries, text: table(rows) };
    },
  },
  "export": {
    words: 0,
    options: [],
    async run() {
      const tokens = await all("/admin/export", "tokens");
      const json = { version: 1, tokens };
      return { json, text: JSON.stringify(json, null, 2) };
    },
  },
  "import": { words: 1, options: [], run: ([file]) => importFile(file!) },
  "sign": {
    words: 2,
    options: ["data"],
    run: ([method, path], { data }) =>
      Promise.resolve(curl(method!.toUpperCase(), path!, `${data ?? ""}`)),
  },
};

try {
  await main(process.argv.slice(2));
} catch (error) {
  console.error(`doppel: ${explain(error)}`);
  if (!(error instanceof UsageError)) process.exit(1);
  console.error("\n" + usage(defaultUrl()));
  process.exit(2);
}

async function main(args: string[]) {
  const { values, positionals } = parsed(args);
  if (values.help) return console.log(usage(defaultUrl()));
  const name = Object.keys(COMMANDS).find((known) =>
    known === positionals.slice(0, known.split(" ").length).join(" ")
  );
  const command = COMMANDS[name ?? ""];
  if (name === undefined || command === undefined) {
    throw new UsageError(`there is no command "${positionals.join(" ")}".`);
  }
  const words = positionals.slice(name.split(" ").length);
  if (words.length !== command.words) {
    throw new UsageError(`"${name}" takes ${command.words} more words.`);
  }
  const allowed: string[] = ["json", ...command.options];
  const stray = Object.keys(values).find((option) => !allowed.includes(option));
  if (stray) throw new UsageError(`"${name}" does not take --${stray}.`);
  const { json, text } = await command.run(words, values);
  console.log(values.json ? JSON.stringify(json) : text);
}

function parsed(args: string[]) {
  try {
    return parseArgs({ args, options: OPTIONS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message.split(". ")[0] + ".");
  }
}

function explain(error: unknown): string {
  if (error instanceof UsageError || error instanceof AdminError) {
    return error.message;
  }
  // A failed fetch says nothing that helps, and may say what it sent.
  if (error instanceof TypeError) {
    return `no doppel answers at ${defaultUrl()}: is it running?`;
  }
  return error instanceof Error ? error.message : "failed.";
}

function defaultUrl(): string {
  return (process.env.DOPPEL_URL || "http://127.0.0.1:8787")
    .replace(/\/+$/, "");
}

function options() {
  return { url: defaultUrl(), secret: secret() };
}

function secret(): string {
  if (process.env.ADMIN_SECRET) return process.env.ADMIN_SECRET;
  const data = process.env.DOPPEL_DATA || SETTINGS.DOPPEL_DATA.default;
  const file = join(data, "admin_secret");
  if (existsSync(file)) return readFileSync(file, "utf8").trim();
  throw new Error(
    `no admin secret: set ADMIN_SECRET, or start doppel once here (${file}).`,
  );
}

async function call(method: string, path: string, body?: unknown) {
  return await callAdmin(options(), { method, path, body }) as Row;
}

/** Every page of a list. */
async function all(path: string, items: string): Promise<Row[]> {
  const found: Row[] = [];
  let cursor: unknown;
  do {
    const from = cursor === undefined ? "" : `&cursor=${cursor}`;
    const page = await call("GET", `${path}?limit=1000${from}`);
    found.push(...page[items] as Row[]);
    cursor = page.cursor;
  } while (cursor !== undefined);
  return found;
}

function tokenPath(id: string): string {
  return `/admin/tokens/${encodeURIComponent(id)}`;
}

async function one(method: string, id: string, body?: Row): Promise<Output> {
  const token = await call(method, tokenPath(id), body);
  return { json: token, text: details(token) };
}

async function pause(from?: string, until?: string): Promise<Output> {
  const body = { ...(from && { from }), ...(until && { until }) };
  return pauseOutput(await call("PUT", "/admin/pause", body));
}

function pauseOutput(state: Row): Output {
  return { json: state, text: pauseText(state) };
}

/** Pages of 1,000, each of which is imported whole or not at all. */
async function importFile(file: string): Promise<Output> {
  const { version, tokens } = JSON.parse(readFileSync(file, "utf8"));
  if (!Array.isArray(tokens)) throw new Error(`${file} is no token table.`);
  for (let at = 0; at === 0 || at < tokens.length; at += 1000) {
    const page = tokens.slice(at, at + 1000);
    await call("POST", "/admin/import", { version, tokens: page });
  }
  const imported = tokens.length;
  return { json: { imported }, text: `${imported} tokens are imported.` };
}

function curl(method: string, path: string, data: string): Output {
  const content = data.startsWith("@")
    ? readFileSync(data.slice(1), "utf8")
    : data;
  const settings = options();
  const fields = signedFields(settings, { method, path, content });
  const parts = [
    `curl -X ${method} ${quote(settings.url + path)}`,
    ...Object.entries(fields).map(([name, value]) =>
      `-H ${quote(`${name}: ${value}`)}`
    ),
    ...(content === "" ? [] : [`--data-binary ${quote(content)}`]),
  ];
  const command = parts.join(" \\\n  ");
  return { json: { command, fields }, text: command };
}
