/**
 * `deno task bundle`: the program as `dist/doppel.js`, for either runtime, and
 * beside it what is loaded when it is needed. Sizes have ceilings, and it must
 * pass the demo on both.
 */

import { spawnSync } from "node:child_process";
import { rmSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import {
  compactTables,
  named,
  sizeOf,
  TABLES,
  withImports,
} from "./bundle_size.ts";
import { bunPath } from "./subject.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
/**
 * Bytes: what every start loads with the embedded store, and what is loaded when
 * it is needed. Compressed together: file by file, what is split off for later
 * would cost the rest 5 kB, though less of it is loaded.
 */
const LARGEST = {
  start: { minified: 250_000, gzip: 71_000 },
  admin: { minified: 50_000, gzip: 18_000 },
  metrics_text: { minified: 2_000, gzip: 1_200 },
  openapi: { minified: 20_000, gzip: 7_000 },
  live_work: { minified: 20_000, gzip: 7_000 },
  forecast: { minified: 20_000, gzip: 8_000 },
  hop: { minified: 8_000, gzip: 4_000 },
  entrance: { minified: 10_000, gzip: 4_500 },
  check: { minified: 6_000, gzip: 3_000 },
  hush: { minified: 3_000, gzip: 1_500 },
  isolation: { minified: 5_000, gzip: 2_500 },
  named: { minified: 2_500, gzip: 1_500 },
  discovery: { minified: 4_000, gzip: 2_000 },
  own: { minified: 10_000, gzip: 5_000 },
  pooled: { minified: 16_000, gzip: 7_000 },
  trouble: { minified: 10_000, gzip: 4_000 },
  upstash: { minified: 100_000, gzip: 24_000 },
  usage_upstash: { minified: 8_000, gzip: 4_000 },
  setup_upstash: { minified: 8_000, gzip: 4_000 },
  carry_socket: { minified: 8_000, gzip: 4_000 },
  dial: { minified: 4_000, gzip: 2_000 },
  websocket: { minified: 40_000, gzip: 12_000 },
  prices: { minified: 60_000, gzip: 12_000 },
};

run(process.execPath, ["install", "-q"]);
rmSync(`${root}dist`, { recursive: true, force: true });
run(bunPath(), ["run", "test/bundler.ts"]);
compactTables();
const START = withImports(["doppel.js", named("sqlite")]);
measure("start", START);
const PARTS = Object.keys(LARGEST) as (keyof typeof LARGEST)[];
for (const part of PARTS) {
  if (part === "start" || part === "prices") continue;
  // What it shares with other parts is counted with each of them.
  const own = withImports([named(part)]);
  measure(part, own.filter((file) => !START.includes(file)));
}
measure("prices", TABLES);

for (const runtime of ["", "--bun"]) {
  run(process.execPath, [
    "run",
    "-q",
    "-A",
    "test/demo.ts",
    "--bundle",
    runtime,
  ], "ignore");
  console.log(`the demo passes with it on ${runtime ? "Bun" : "Deno"}`);
}

function run(
  command: string,
  args: string[],
  stdout: "inherit" | "ignore" = "inherit",
) {
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", stdout, "inherit"],
  });
  if (status !== 0) process.exit(status ?? 1);
}

function measure(part: keyof typeof LARGEST, files: readonly string[]) {
  const size = sizeOf(files);
  console.log(`${part}: ${size.minified} bytes, ${size.gzip} gzipped`);
  const { minified, gzip } = LARGEST[part];
  if (size.minified <= minified && size.gzip <= gzip) return;
  console.error(`larger than ${minified} bytes or ${gzip} gzipped`);
  process.exit(1);
}
