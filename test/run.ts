/**
 * `deno task test`: everything, on both runtimes.
 *
 * The program's own tests run under Deno and under Bun; the suites that drive
 * a doppel in a process of its own (`test/`) run under Deno and start their
 * subjects on both. What the suites saw is searched for secrets last.
 */

import { spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { chromiumInstalled } from "./browser.ts";
import { redisInstalled } from "./redis.ts";
import { bunPath } from "./subject.ts";

const root = fileURLToPath(new URL("../", import.meta.url));
const deno = process.execPath;
const OWN = [
  "core",
  "store",
  "prices",
  "providers",
  "page",
  "main_test.ts",
  "providers_test.ts",
  "objects_test.ts",
  "minted_test.ts",
  "limits_test.ts",
  "changed_test.ts",
  "answers_test.ts",
  "usage_test.ts",
  "pools_test.ts",
  "names_test.ts",
  "catalogue_test.ts",
  "cost_test.ts",
  "live_test.ts",
  "admin_test.ts",
  "setup_test.ts",
  "check_test.ts",
  "cli_test.ts",
  "vault_test.ts",
  "egress_test.ts",
];
const HOUSE = ["docs_test.ts", "layout_test.ts", "bench"];
const total = { passed: 0, failed: 0 };

await run("packages", deno, ["install", "-q"]);
if (!existsSync(bunPath())) {
  throw new Error("Bun did not come with the packages");
}
rmSync(`${root}.test`, { recursive: true, force: true });
await run("own tests on Deno", deno, [
  "test",
  "-A",
  "-q",
  "--doc",
  ...OWN,
  ...HOUSE,
]);
await run("own tests on Bun", bunPath(), [
  "test",
  ...OWN.map((path) => `./${path}`),
]);
// Hundreds of stories a test: more than the five seconds that Bun gives one.
await run("stories on Bun", bunPath(), [
  "test",
  "--timeout=60000",
  "./test/simulation_test.ts",
  "./test/simulation_found_test.ts",
]);
await run("processes and sockets", deno, [
  "test",
  "-A",
  "-q",
  "--ignore=test/sdk,test/canary_test.ts",
  "test",
]);
await run("real SDKs", deno, ["task", "-q", "--cwd", "test/sdk", "test"]);
await run("canaries", deno, ["test", "-A", "-q", "test/canary_test.ts"]);

if (!redisInstalled()) {
  console.log("\nSKIPPED: the Upstash store. Debian: apt install redis-server");
}
if (!chromiumInstalled()) {
  console.log("\nSKIPPED: the owner's page. Debian: apt install chromium");
}
console.log(`\n${total.passed} passed, ${total.failed} failed`);

/** Runs one suite, shows what it prints, adds up its counts; the first that fails ends the run. */
async function run(name: string, command: string, args: readonly string[]) {
  console.log(`\n=== ${name}`);
  const child = spawn(command, [...args], {
    cwd: root,
    stdio: ["ignore", "pipe", "pipe"],
  });
  let text = "";
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].on("data", (chunk) => {
      text += chunk;
      process[stream].write(chunk);
    });
  }
  const code = await new Promise((resolve) => child.on("close", resolve));
  // Deno says "12 passed | 0 failed", Bun "12 pass" and "0 fail" on lines of their own.
  for (const [, count, kind] of text.matchAll(/(\d+) (pass|fail)(?:ed)?\b/g)) {
    total[kind === "pass" ? "passed" : "failed"] += Number(count);
  }
  if (code === 0) return;
  console.log(`\n${total.passed} passed, ${total.failed || 1} failed`);
  process.exit(1);
}
