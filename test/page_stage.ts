/**
 * A doppel with nothing in it, its owner's page in a browser, an API behind it
 * and the real `openai` client in front.
 */

import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import process from "node:process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import type { Browser } from "playwright-core";
import { callAdmin } from "../client.ts";
import { openBrowser, type Watched, watched } from "./browser.ts";
import { keepSecret } from "./evidence.ts";
import { type PageOrigin, startPageOrigin } from "./page_origin.ts";
import { startUpstash } from "./redis.ts";
import { type Runtime, startDoppel, type Subject } from "./subject.ts";

/** What the SDK's user got. */
export interface Told {
  readonly said: string;
  readonly error?: {
    readonly name: string;
    readonly message: string;
    readonly status?: number;
    readonly code?: string;
  };
}

/** What he asks. */
export interface Asking {
  readonly token: string;
  readonly model?: string;
  readonly stream?: boolean;
}

export interface PageStage extends Watched {
  readonly doppel: Subject;
  readonly origin: PageOrigin;
  readonly browser: Browser;
  /** The admin secret. */
  readonly secret: string;
  admin(method: string, path: string, body?: unknown): Promise<unknown>;
  /** A call with the real SDK. */
  ask(asking: Asking): Promise<Told>;
}

export interface StageOptions {
  readonly runtime?: Runtime;
  /** Redis in the place of SQLite. */
  readonly redis?: boolean;
  readonly env?: Record<string, string>;
}

/** Opens the page, does `body`, and puts all away. */
export async function onPage(
  { runtime = "deno", redis = false, env = {} }: StageOptions,
  body: (stage: PageStage) => Promise<void>,
) {
  const [secret, seal] = ["admin", "seal"].map((what) =>
    `${what}-${randomBytes(24).toString("base64url")}`
  ) as [string, string];
  for (const one of [secret, seal]) keepSecret(one);
  await using closing = new AsyncDisposableStack();
  const later = <Value>(value: Value, close: (value: Value) => unknown) => {
    closing.defer(async () => void await close(value));
    return value;
  };
  const origin = later(await startPageOrigin(), (one) => one.close());
  const upstash = redis
    ? later(await startUpstash(), (one) => one.close())
    : undefined;
  const doppel = later(
    await startDoppel({
      runtime,
      origin: origin.url,
      env: {
        ...upstash?.env,
        ADMIN_SECRET: secret,
        SEAL_SECRET: seal,
        ...env,
      },
    }),
    (one) => one.stop(),
  );
  const sdk = later(openSdk(doppel.url), (one) => one.close());
  const browser = later(await openBrowser(), (one) => one.close());
  const context = await browser.newContext({ acceptDownloads: true });
  context.setDefaultTimeout(10_000);
  const page = await context.newPage();
  await body({
    ...await watched(page, doppel.url),
    doppel,
    origin,
    browser,
    secret,
    admin: (method, path, body) =>
      callAdmin({ url: doppel.url, secret }, { method, path, body }),
    ask: sdk.ask,
  });
}

/** `test/sdk/ask.ts`, and what it answers. */
function openSdk(url: string) {
  const file = (name: string) =>
    fileURLToPath(new URL(`sdk/${name}`, import.meta.url));
  const child = spawn(
    process.execPath,
    ["run", "-q", "-A", "--config", file("deno.json"), file("ask.ts")],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  const exited = new Promise((resolve) => child.on("exit", resolve));
  const waiting = new Map<number, (told: Told) => void>();
  createInterface({ input: child.stdout! }).on("line", (line) => {
    const { id, told } = JSON.parse(line);
    waiting.get(id)?.(told);
  });
  let asked = 0;
  return {
    ask({ token, model = "gpt-4o-mini", stream }: Asking): Promise<Told> {
      const id = asked++;
      const call = { url, token, model, stream };
      child.stdin!.write(JSON.stringify({ id, call }) + "\n");
      return new Promise((resolve) => waiting.set(id, resolve));
    },
    async close() {
      child.stdin!.end();
      await exited;
    },
  };
}
