/**
 * `deno task fidelity`: how near to the wire a gateway is. Any that speaks
 * OpenAI's wire over HTTP/1.1 can be looked at: it is told that the kit is its
 * provider, and where the kit finds it.
 */

import { spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { bunPath } from "../test/subject.ts";
import type { Case, Families } from "./case.ts";
import { families } from "./families/mod.ts";
import { type Flags, readFlags, USAGE } from "./flags.ts";
import { fuzz } from "./fuzz.ts";
import { startOrigin } from "./origin.ts";
import { asMarkdown, asText, type Result } from "./report.ts";
import { type Ground, type Score, score } from "./score.ts";
import { shrink } from "./shrink.ts";
import { type Started, startOurs, startTheirs } from "./subjects.ts";

/** Generated cases that are made small at most. */
const SHRUNK = 3;

/** What is played: the tables, and generated traffic. */
export function chosen(
  { only, quick, seed, cases }: Pick<
    Flags,
    "only" | "quick" | "seed" | "cases"
  >,
): Families {
  const all = { ...families({ quick }), fuzz: fuzz(seed, cases) };
  const some = Object.entries(all).filter(([name]) =>
    !only || only.includes(name)
  );
  return Object.fromEntries(some);
}

/** One gateway's score. */
export async function look(
  name: string,
  played: Families,
  ground: Ground,
): Promise<Result> {
  const result = await score(played, ground);
  const reproductions = await small(result, played.fuzz ?? [], ground);
  return { name, ...result, reproductions };
}

async function small(
  { failures }: Score,
  cases: readonly Case[],
  ground: Ground,
): Promise<string[]> {
  const found = failures.filter(({ family }) => family === "fuzz");
  const reproductions: string[] = [];
  for (const { name, differences } of found.slice(0, SHRUNK)) {
    const one = cases.find((one) => one.name === name)!;
    reproductions.push(JSON.stringify(await shrink(one, differences, ground)));
  }
  return reproductions;
}

/** The gateway that the flags name, in front of an origin of ours. */
async function lookAtTheirs(flags: Flags): Promise<Result[]> {
  const gateway = flags.gateway!;
  const origin = await startOrigin(flags.origin);
  console.error(
    `The provider is ${origin.url} (OpenAI's base URL: ${origin.url}/v1), its key ${gateway.key}`,
  );
  try {
    return [await look(gateway.url, chosen(flags), { origin, gateway })];
  } finally {
    await origin.stop();
  }
}

/** Ours, and the rival, each in front of an origin of its own. */
async function lookAtOurs(flags: Flags): Promise<Result[]> {
  const played = chosen(flags);
  const starts: ((origin: Ground["origin"]) => Promise<Started>)[] = [
    (origin) => startOurs("deno", origin),
    (origin) => startOurs("bun", origin),
    ...(flags.rival ? [startTheirs] : []),
  ];
  const results: Result[] = [];
  for (const start of starts) {
    const origin = await startOrigin();
    const { name, gateway, stop } = await start(origin);
    try {
      results.push(await look(name, played, { origin, gateway }));
    } finally {
      await stop();
      await origin.stop();
    }
  }
  return results;
}

function notes({ seed, cases, quick }: Flags): string[] {
  const version = (command: string) =>
    spawnSync(command, ["--version"], { encoding: "utf8" }).stdout?.trim();
  return [
    `Deno ${process.versions.deno}, Bun ${version(bunPath())}, Node ${
      version("node")
    }; Linux, loopback, one request at a time.`,
    `${cases} generated cases from seed ${seed}${
      quick ? "; nothing above 1 MiB" : ""
    }.`,
    "doppel: as it starts, with its SQLite store, metering on, an unlimited token.",
    "@portkey-ai/gateway translates between APIs and parses for it; that is what its score shows. It runs on Node with the dependencies under which it works best (`bench/rival.ts`); `x-portkey-provider: openai`, `x-portkey-custom-host` the origin, and in `x-portkey-forward-headers` every field that SDKs send. What it is told and what it adds in `x-portkey-*` is not looked at. Sockets to such a host, plain `http:`, it never answers (not tried with TLS): its score there is 0 and stays in the sum.",
    "An allowed line is needed by a case when a difference of its kind occurred there.",
  ];
}

async function main() {
  let flags: Flags;
  try {
    flags = readFlags(process.argv.slice(2));
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  const results = flags.gateway
    ? await lookAtTheirs(flags)
    : await lookAtOurs(flags);
  console.log(flags.json ? JSON.stringify(results, null, 2) : asText(results));
  if (flags.write) {
    const command = `deno task fidelity ${process.argv.slice(2).join(" ")}`;
    const text = asMarkdown(results, { command, notes: notes(flags) });
    const file = fileURLToPath(new URL("RESULTS.md", import.meta.url));
    writeFileSync(file, text);
    spawnSync(process.execPath, ["fmt", "-q", file]);
  }
  // The rival's score is shown, not demanded.
  const judged = flags.gateway ? results : results.slice(0, 2);
  return judged.every(({ passed, total }) => passed === total) ? 0 : 1;
}

if (import.meta.main) process.exit(await main());
