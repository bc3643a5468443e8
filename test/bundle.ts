/**
 * `deno task bundle`: the program as one file, `dist/doppel.js`, for either
 * runtime; its size has a ceiling, and it must pass the demo on both.
 */

import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { bunPath } from "./subject.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
/** Bytes. */
const LARGEST = { minified: 250_000, gzip: 75_000 };

run(process.execPath, ["install", "-q"]);
run(bunPath(), ["run", "test/bundler.ts"]);
const bundle = readFileSync(`${root}dist/doppel.js`);
const size = { minified: bundle.length, gzip: gzipSync(bundle).length };
console.log(`dist/doppel.js: ${size.minified} bytes, ${size.gzip} gzipped`);
if (size.minified > LARGEST.minified || size.gzip > LARGEST.gzip) {
  console.error(
    `larger than ${LARGEST.minified} bytes or ${LARGEST.gzip} gzipped`,
  );
  process.exit(1);
}
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
