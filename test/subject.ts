/**
 * A doppel in a process of its own, as its users run it, on either runtime.
 *
 * Whatever it writes is kept under `.test/`, beside the secrets it was given,
 * so that the last test of all can look for the one in the other.
 */

import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import * as http from "node:http";
import * as https from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { callAdmin } from "../client.ts";
import { settingOf } from "../core/settings_providers.ts";
import { PROVIDERS } from "../providers/mod.ts";
import { UNGUARDED } from "./classes.ts";
import { keepSecret, keepText } from "./evidence.ts";

export type Runtime = "deno" | "bun";
export const RUNTIMES: readonly Runtime[] = ["deno", "bun"];

const root = fileURLToPath(new URL("../", import.meta.url));

/** Keys that appear nowhere but here and at the origin. */
export const KEYS = {
  openai: "sk-canary-openai-3f9a1c",
  anthropic: "sk-ant-api-canary-anthropic-77be02",
  gemini: "AIza-canary-gemini-5d10e8",
} as const;

/** One for every row of the table. */
export const ALL_KEYS: Readonly<Record<string, string>> = Object.fromEntries(
  PROVIDERS.map(({ id }) => [id, `sk-canary-${id}-2c41d9`]),
);
Object.assign(ALL_KEYS, KEYS);

export interface Subject {
  readonly url: string;
  readonly runtime: Runtime;
  readonly pid: number;
  readonly data: string;
  /** Everything written to stdout and stderr so far. */
  readonly output: () => string;
  /** The finished requests' log lines. */
  readonly lines: () => Record<string, unknown>[];
  admin(method: string, path: string, body?: unknown): Promise<unknown>;
  /** A new token's value. */
  mint(fields?: Record<string, unknown>): Promise<string>;
  /** SIGTERM, and the exit code. */
  stop(): Promise<number | null>;
  readonly child: ChildProcess;
}

export interface SubjectOptions {
  readonly runtime: Runtime;
  /** All providers' origin. */
  readonly origin?: string;
  readonly env?: Record<string, string>;
  /** The program; `main.ts` if absent. */
  readonly entry?: string;
  /** The one core it may use. */
  readonly core?: number;
  /** A free one if absent. */
  readonly port?: number;
}

export function bunPath(): string {
  return join(root, "node_modules/.bin/bun");
}

export async function startDoppel(
  options: SubjectOptions,
): Promise<Subject> {
  const { runtime, origin, env = {}, entry = "main.ts", core } = options;
  const port = options.port ?? await freePort();
  const data = mkdtempSync(join(tmpdir(), "doppel-test-"));
  const secret = randomBytes(32).toString("hex");
  keepSecret(secret);
  for (const key of Object.values(ALL_KEYS)) keepSecret(key);
  const file = join(root, entry);
  const secure = env.TLS_CERT !== undefined;
  const [command, args] = runtime === "bun"
    ? [bunPath(), ["run", file]] as const
    : secure
    ? [process.execPath, ["run", "-q", "-A", file]] as const
    : [
      process.execPath,
      [
        ...["serve", "-q", "-A"],
        ...["--host=127.0.0.1", `--port=${port}`, file],
      ],
    ] as const;
  const pinned = core === undefined
    ? [command, ...args]
    : ["taskset", "-c", `${core}`, command, ...args];
  const child = spawn(pinned[0]!, pinned.slice(1), {
    cwd: root,
    env: {
      PATH: process.env.PATH!,
      HOME: process.env.HOME!,
      NO_COLOR: "1",
      PORT: `${port}`,
      DOPPEL_DATA: data,
      ADMIN_SECRET: secret,
      BUN_CONFIG_MAX_HTTP_REQUESTS: "65336",
      ...(process.env.DENO_DIR && { DENO_DIR: process.env.DENO_DIR }),
      ...Object.fromEntries(PROVIDERS.flatMap(({ id, own }) => {
        const name = settingOf(id);
        return [
          ...own && !origin ? [] : [[`${name}_API_KEY`, ALL_KEYS[id]!]],
          ...origin ? [[`${name}_UPSTREAM`, origin]] : [],
        ];
      })),
      ...env,
    },
  });
  let output = "";
  for (const stream of [child.stdout!, child.stderr!]) {
    stream.on("data", (chunk) => {
      output += chunk;
      keepText(`output of ${runtime}`, `${chunk}`);
    });
  }
  const exited = new Promise<number | null>((resolve) =>
    child.on("exit", (code) => resolve(code))
  );
  const url = `http${secure ? "s" : ""}://127.0.0.1:${port}`;
  const owner = {
    url,
    get secret() {
      return env.ADMIN_SECRET === ""
        ? readFileSync(join(data, "admin_secret"), "utf8").trim()
        : env.ADMIN_SECRET ?? secret;
    },
  };
  const subject: Subject = {
    url,
    runtime,
    pid: child.pid!,
    data,
    child,
    output: () => output,
    lines: () =>
      output.split("\n").filter((line) => line.startsWith('{"level"'))
        .map((line) => JSON.parse(line)),
    async admin(method, path, body) {
      const answer = await callAdmin(owner, { method, path, body });
      const { token, ...rest } = (answer ?? {}) as Record<string, unknown>;
      if (typeof token === "string") keepSecret(token);
      keepText("admin answer", JSON.stringify(rest));
      return answer;
    },
    async mint(fields = {}) {
      const minted = await subject.admin("POST", "/admin/tokens", {
        label: "test",
        providers: ["openai", "anthropic", "gemini"],
        endpoints: UNGUARDED,
        ...fields,
      });
      return (minted as { token: string }).token;
    },
    async stop() {
      // Not child.kill(): Deno then reports the child gone while it still drains.
      process.kill(child.pid!, "SIGTERM");
      // One that does not stop fails its test and holds up no other.
      const late = setTimeout(
        () => process.kill(child.pid!, "SIGKILL"),
        10_000,
      );
      const code = await exited;
      clearTimeout(late);
      if (child.signalCode === "SIGKILL") {
        throw new Error("doppel did not stop");
      }
      try {
        const file = join(data, "doppel.sqlite");
        for (const part of ["", "-wal"]) {
          keepText("sqlite file", readFileSync(file + part, "latin1"));
        }
      } catch { /* a store elsewhere, or no write-ahead log left */ }
      rmSync(data, { recursive: true, force: true });
      return code;
    },
  };
  await listening(url, () => output, exited);
  return subject;
}

async function listening(
  url: string,
  output: () => string,
  exited: Promise<unknown>,
) {
  let gone = false;
  exited.then(() => gone = true);
  for (let i = 0; i < 400; i++) {
    if (gone) throw new Error(`doppel did not start:\n${output()}`);
    if (await healthy(url)) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`doppel does not answer:\n${output()}`);
}

/** Not `fetch()`, which believes no certificate that a test has made. */
export function healthy(url: string): Promise<boolean> {
  const get = url.startsWith("https:") ? https.get : http.get;
  const options = { rejectUnauthorized: false, agent: false } as const;
  return new Promise((resolve) => {
    const request = get(`${url}/healthz`, options, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode === 200));
    });
    request.on("error", () => resolve(false));
  });
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Waits until `check` gives something. */
export async function until<Value>(
  check: () => Value | undefined | false,
  milliseconds = 5000,
): Promise<Value> {
  for (let waited = 0; waited < milliseconds; waited += 10) {
    const value = check();
    if (value) return value;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  throw new Error(`nothing within ${milliseconds} ms: ${check}`);
}
