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
import type { Commands, Output, Slowly } from "./cli/command.ts";
import { credentialCommands } from "./cli/credentials.ts";
import { type Asked, understood, UsageError } from "./cli/options.ts";
import {
  details,
  mintedText,
  pauseText,
  quote,
  type Row,
  table,
  usageText,
} from "./cli/print.ts";
import { liveCommands } from "./cli/live.ts";
import { aliasCommands, providerCommands } from "./cli/providers.ts";
import { exported, imported, readTable } from "./cli/table.ts";
import { callAdmin, signedFields } from "./client.ts";
import { SETTINGS } from "./core/environment.ts";
import { pricesFrom } from "./prices/book.ts";
import { priceLines } from "./prices/explain.ts";

const FIELDS = `
             [--expires 30d|TIME|never] [--models 'GLOB,GLOB']
             [--endpoints CLASS,CLASS|all] [--isolated on|off]
             [--abort cancel|drain] [--exact-usage on|off] [--clamp on|off]
             [--addresses CIDR,CIDR] [--note N]
             [--rpm N] [--tpm N] [--concurrency N] [--budget 5/day,50/month]`;

const COMMANDS: Commands = {
  [`token create --label L --providers P,P [--token T]${FIELDS}`]: async (
    fields,
  ) => minted(await call("POST", "/admin/tokens", limited(fields))),
  "token list": async () => {
    const tokens = await all("/admin/tokens", "tokens");
    const shown = ["id", "label", "status", "providers", "expires", "lastUsed"];
    return { json: tokens, text: table(shown, tokens) };
  },
  "token show ID": (_, id) => one("GET", id),
  [`token set ID [--label L] [--providers P,P]${FIELDS}`]: async (
    fields,
    id,
  ) => {
    const touched = LIMITS.some(([option]) => fields[option] !== undefined);
    const { limits } = touched ? await call("GET", tokenPath(id)) : {} as Row;
    return one("PATCH", id, limited(fields, limits as Row));
  },
  "token disable ID": (_, id) => one("PATCH", id, { status: "disabled" }),
  "token enable ID": (_, id) => one("PATCH", id, { status: "active" }),
  "token delete ID": async (_, id) => {
    await call("DELETE", tokenPath(id));
    return { json: { id, deleted: true }, text: `${id} is deleted.` };
  },
  "token rotate ID [--grace 10m]": async ({ grace: graceSeconds }, id) =>
    minted(await call("POST", `${tokenPath(id)}/rotate`, { graceSeconds })),
  "pause [--at TIME] [--until TIME]": ({ at: from, until }) =>
    pause("PUT", { from, until }),
  "resume [--at TIME]": async ({ at: until }) => {
    if (until !== undefined) {
      const { from } = await call("GET", "/admin/pause");
      return pause("PUT", { from: from ?? undefined, until });
    }
    await call("DELETE", "/admin/pause");
    return { json: { paused: false }, text: pauseText({ paused: false }) };
  },
  "status": () => pause("GET"),
  ...credentialCommands(call),
  ...providerCommands(call),
  ...aliasCommands(call),
  "usage [--token ID] [--by model,day|credential] [--since 7d|TIME] [--until TIME] [--csv]":
    usage,
  ...liveCommands(call),
  "requests ID": async (_, id) => {
    const { requests } = await call("GET", `${tokenPath(id)}/requests`);
    return { json: requests, text: table(REQUEST, requests as Row[]) };
  },
  "prices MODEL [--provider P]": ({ provider }, model) =>
    prices(model, provider as string | undefined),
  "audit": async () => {
    const entries = await all("/admin/audit", "entries");
    const shown = ["time", "action", "token", "subject", "changed"];
    return { json: entries, text: table(shown, entries) };
  },
  "export": async () => {
    const json = await exported(call);
    return { json, text: JSON.stringify(json, null, 2) };
  },
  "import FILE": async (_, file) => {
    const json = await imported(call, readTable(file));
    return { json, text: details(json) };
  },
  "sign METHOD PATH [--data JSON|@FILE]": ({ data }, method, path) =>
    curl(method.toUpperCase(), path, `${data ?? ""}`),
};

/** What is shown of a request. */
const REQUEST = [
  ...["time", "provider", "model", "endpoint", "status", "ending"],
  ...["refused", "usage", "cost", "state", "ms"],
];

/** Options that are limits, and their names there. */
const LIMITS = [
  ["rpm", "requests"],
  ["tpm", "tokens"],
  ["concurrency", "concurrency"],
  ["budget", "budget"],
] as const;

/** The fields of a token, with what of the options limits it laid over what limits it now. */
function limited(fields: Row, now: Row = {}): Row {
  const limits = { ...now };
  const rest = { ...fields };
  for (const [option, name] of LIMITS) {
    delete rest[option];
    if (fields[option] === undefined) continue;
    if (fields[option] === null) delete limits[name];
    else limits[name] = fields[option];
  }
  const touched = LIMITS.some(([option]) => fields[option] !== undefined);
  return touched ? { ...rest, limits } : rest;
}

const url = (process.env.DOPPEL_URL || "http://127.0.0.1:8787")
  .replace(/\/+$/, "");

const USAGE = `${
  Object.keys(COMMANDS).map((usage) => `doppel ${usage}`).join("\n")
}

TIME is now, +30m, 22:00, '2027-01-31 22:00' or RFC 3339; none takes a number
back to what is usual. A key comes out of a file or through a pipe, or is asked
for. MODELS are provider/model, split by commas. What credential import takes is
a vault made by openssl, or an export. sign prints a curl command. Every command
takes --json. DOPPEL_URL (${url})
says where doppel is; ADMIN_SECRET, or else the local data directory, holds the
secret. prices asks nobody: it reads doppel's own tables, and PRICES_FILE.`;

try {
  const asked = understood(Object.keys(COMMANDS), process.argv.slice(2));
  if (asked === undefined) console.log(USAGE);
  else if ((await answer(asked)).failed) process.exitCode = 1;
} catch (error) {
  console.error(`doppel: ${explain(error)}`);
  if (!(error instanceof UsageError)) process.exit(1);
  console.error("\n" + USAGE);
  process.exit(2);
}

async function answer(
  { usage, words, values, json }: Asked,
): Promise<Output> {
  const given = await COMMANDS[usage]!(values, ...words);
  const output = "next" in given ? await lineByLine(given, json) : given;
  const text = json ? JSON.stringify(output.json) : output.text;
  if (text !== "" || !("next" in given)) console.log(text);
  return output;
}

/** Prints what there is to read as it comes. */
async function lineByLine(lines: Slowly, json: boolean): Promise<Output> {
  for (;;) {
    const { done, value } = await lines.next();
    if (done) return value;
    if (!json) console.log(value);
  }
}

function explain(error: unknown): string {
  // A failed fetch says nothing that helps, and may say what it sent.
  if (error instanceof TypeError) {
    return `no doppel answers at ${url}: is it running?`;
  }
  return error instanceof Error ? error.message : "failed.";
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

async function call(method: string, path: string, body?: Row): Promise<Row> {
  const options = { url, secret: secret() };
  return await callAdmin(options, { method, path, body }) as Row;
}

/** Sums of the last day, unless told otherwise. */
async function usage({ csv, by = ["token"], ...rest }: Row): Promise<Output> {
  const asked = Object.entries({ ...rest, by: `${by}` });
  const query = asked.map(([name, value]) =>
    `${name}=${encodeURIComponent(`${value}`)}`
  );
  const path = `/admin/usage?${query.join("&")}`;
  if (csv) {
    const options = { url, secret: secret() };
    const accept = "text/csv";
    const text = `${await callAdmin(options, { method: "GET", path, accept })}`;
    return { json: text, text: text.trimEnd() };
  }
  const rows = await all(path, "usage");
  return { json: rows, text: usageText(by as string[], rows) };
}

/** Every page of a list. */
async function all(path: string, items: string): Promise<Row[]> {
  const found: Row[] = [];
  let cursor: unknown;
  do {
    const next = encodeURIComponent(`${cursor ?? ""}`);
    const from = cursor === undefined ? "" : `&cursor=${next}`;
    const sign = path.includes("?") ? "&" : "?";
    const page = await call("GET", `${path}${sign}limit=1000${from}`);
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

function minted(token: Row): Output {
  return { json: token, text: mintedText(token) };
}

async function pause(method: string, body?: Row): Promise<Output> {
  const state = await call(method, "/admin/pause", body);
  return { json: state, text: pauseText(state) };
}

/** Asks no doppel: the tables are its own, and the owner's file. */
async function prices(model: string, provider?: string): Promise<Output> {
  const file = process.env.PRICES_FILE;
  const book = pricesFrom({ file, now: Date.now, defer: () => {} });
  const time = Math.floor(Date.now() / 1000);
  const lines = priceLines(await book(), { model, provider, time });
  if (lines.length === 0) throw new Error(`no price is known for ${model}.`);
  const shown = ["provider", "kind", "tier", "over", "amount", "per"];
  const rows = lines.map((line): Row => ({ ...line }));
  return { json: lines, text: table([...shown, "dated", "source"], rows) };
}

function curl(method: string, path: string, data: string): Output {
  const content = data.startsWith("@")
    ? readFileSync(data.slice(1), "utf8")
    : data;
  const call = { method, path, content };
  const fields = signedFields({ url, secret: secret() }, call);
  const command = [
    `curl -X ${method} ${quote(url + path)}`,
    ...Object.entries(fields).map((field) => `-H ${quote(field.join(": "))}`),
    ...(content === "" ? [] : [`--data-binary ${quote(content)}`]),
  ].join(" \\\n  ");
  return { json: { command, fields }, text: command };
}
