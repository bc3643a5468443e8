/**
 * `@portkey-ai/gateway`, which a user would run instead, as it works best.
 *
 * Its published package names no exact versions of what it needs, and with
 * those of today every stream ends in a 500 (`TypeError: immutable`; its issue
 * 1389: `@hono/node-server` after 1.14.1 hands it Node's own answers, whose
 * headers it cannot write). So `bench/rival/package-lock.json` has the
 * `@hono/node-server` that its authors patch (1.13.5) and the oldest `hono` and
 * `@hono/node-ws` that it allows, which was no slower than the newest. It runs without its
 * console of logs (`--headless`) and as in production.
 */

import { spawn, spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { freePort } from "../test/subject.ts";

const folder = fileURLToPath(new URL("rival/", import.meta.url));
const packages = `${folder}node_modules`;
const rival = `${packages}/@portkey-ai/gateway`;

export interface Rival {
  readonly url: string;
  readonly version: string;
  readonly pid: number;
  /** What sends a request of OpenAI's wire to this origin; the real key rides in `authorization`. */
  readonly headers: (originUrl: string) => Record<string, string>;
  /** SIGTERM, and waits until it is gone. */
  readonly stop: () => Promise<void>;
}

/** The rival on Node, listening; `core` is the one core it may use. */
export async function startRival(
  { core }: { readonly core?: number } = {},
): Promise<Rival> {
  const version = installRival();
  const port = await freePort();
  const program = `${rival}/build/start-server.js`;
  const command = ["node", program, `--port=${port}`, "--headless"];
  const pinned = core === undefined
    ? command
    : ["taskset", "-c", `${core}`, ...command];
  const child = spawn(pinned[0]!, pinned.slice(1), {
    cwd: folder,
    // What it logs goes nowhere; it is read by nobody.
    stdio: "ignore",
    env: {
      PATH: process.env.PATH!,
      HOME: process.env.HOME!,
      NODE_ENV: "production",
    },
  });
  const exited = new Promise<void>((resolve) => child.on("exit", resolve));
  await listening(port, exited);
  return {
    url: `http://127.0.0.1:${port}`,
    version,
    pid: child.pid!,
    headers: rivalHeaders,
    async stop() {
      process.kill(child.pid!, "SIGTERM");
      await exited;
    },
  };
}

/** Installs it where that was not done, and reads its version from the package. */
export function installRival(): string {
  // npm writes this file last.
  if (!existsSync(`${packages}/.package-lock.json`)) {
    rmSync(packages, { recursive: true, force: true });
    // No scripts: its `postinstall` patches what the published package does not have.
    const { status, stderr } = spawnSync(
      "npm",
      ["ci", "--ignore-scripts", "--no-audit", "--no-fund"],
      { cwd: folder, encoding: "utf8" },
    );
    if (status !== 0) throw new Error(`the rival's packages: ${stderr}`);
  }
  return JSON.parse(readFileSync(`${rival}/package.json`, "utf8")).version;
}

/** See `Rival.headers`. Loopback is among the hosts it trusts, if no setting names others. */
export function rivalHeaders(originUrl: string): Record<string, string> {
  return {
    "x-portkey-provider": "openai",
    "x-portkey-custom-host": `${originUrl}/v1`,
  };
}

async function listening(port: number, exited: Promise<void>) {
  let gone = false;
  exited.then(() => gone = true);
  for (let i = 0; i < 1000; i++) {
    if (gone) throw new Error("the rival did not start");
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, "127.0.0.1");
      socket.on("connect", () => resolve(true)).on(
        "error",
        () => resolve(false),
      );
      socket.on("connect", () => socket.destroy());
    });
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error("the rival does not listen");
}
