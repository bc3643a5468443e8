/**
 * `deno task test`: everything, on both runtimes.
 *
 * The program's own tests run under Deno and under Bun; the suites that drive
 * a doppel in a process of its own (`test/`) run under Deno and start their
 * subjects on both. What the suites saw is searched for secrets last.
 */

import { spawnSync } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { bunPath } from "./subject.ts";
import { redisInstalled } from "./redis.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const skipped: string[] = [];
if (!redisInstalled()) {
  skipped.push(
    "the Upstash store: install redis-server (Debian: apt install redis-server)",
  );
}

const deno = process.execPath;
const OWN = [
  "core",
  "store",
  "main_test.ts",
  "admin_test.ts",
  "cli_test.ts",
  "docs_test.ts",
  "layout_test.ts",
];
run("packages", deno, ["install", "-q"]);
if (!existsSync(bunPath())) {
  throw new Error("Bun was not installed with the packages");
}
rmSync(`${root}.test`, { recursive: true, force: true });
run("own tests on Deno", deno, ["test", "-A", "-q", "--doc", ...OWN]);
run("own tests on Bun", bunPath(), ["test", ...OWN.map((path) => `./${path}`)]);
run("processes and sockets", deno, [
  "test",
  "-A",
  "-q",
  "test",
  "--ignore=test/sdk,test/canary_test.ts",
]);
run("real SDKs", deno, ["task", "-q", "--cwd", "test/sdk", "test"]);
run("canaries", deno, ["test", "-A", "-q", "test/canary_test.ts"]);
for (const what of skipped) console.log(`\nSKIPPED ${what}`);

function run(name: string, command: string, args: readonly string[]) {
  console.log(`\n=== ${name}`);
  const { status } = spawnSync(command, [...args], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, BUN_CONFIG_MAX_HTTP_REQUESTS: "65336" },
  });
  if (status !== 0) process.exit(status ?? 1);
}
