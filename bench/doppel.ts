/** Doppels as their users run them, with either store, with limits and without metering. */

import { randomBytes } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { callAdmin } from "../client.ts";
import { UNGUARDED } from "../test/classes.ts";
import { bunPath, freePort, type Runtime } from "../test/subject.ts";
import { answering, run, type Running, SUBJECT_CORE } from "./process.ts";
import {
  bearer,
  BUN_ENV,
  KEY,
  root,
  type Row,
  type Stage,
  TITLES,
} from "./row.ts";

/** A doppel that a row starts. */
export interface Kind {
  readonly runtime: Runtime;
  readonly store: "SQLite" | "Redis";
  readonly variant?: "limits" | "unmetered";
}

const LIMITS = {
  requests: 1_000_000_000,
  tokens: 1_000_000_000,
  concurrency: 1_000_000,
  budget: { total: 1_000_000_000_000_000 },
};

const VARIANTS = {
  limits:
    "metering on, and a token with limits of requests, tokens, requests at a time and money, none of which is reached",
  unmetered: "`METERING=limited`: usage of tokens without limits is not read",
} as const;

/** `against` is another checkout. */
export function doppelRow(kind: Kind, against?: string): Row {
  const { runtime, store, variant } = kind;
  const id = [
    ...against === undefined ? [] : ["against"],
    runtime,
    ...store === "Redis" ? ["redis"] : [],
    ...variant ? [variant] : [],
  ].join("-");
  const secret = randomBytes(32).toString("hex");
  let token: string | undefined;
  return {
    id,
    title: `doppel, ${TITLES[runtime]}, ${store}${
      variant ? `, ${variant}` : ""
    }${against === undefined ? "" : " (against)"}`,
    about: aboutOf(kind),
    ...store === "Redis" &&
      { needsRedis: true, without: ["streams", "bodies"] },
    ...variant && { without: ["streams", "bodies"] },
    async start(stage) {
      const begin = () =>
        startDoppel(kind, { ...stage, id, secret, root: against ?? root });
      // Its token outlives the process, in the store; only the first start is late for it.
      if (token === undefined) {
        const first = await begin();
        const limited = variant === "limits";
        token = await mint(first, { secret, limited })
          .finally(first.running.stop);
      }
      return { ...await begin(), headers: bearer(token) };
    },
  };
}

function aboutOf({ runtime, store, variant }: Kind): string {
  const how = runtime === "deno"
    ? "`deno serve -A main.ts`"
    : "`BUN_CONFIG_MAX_HTTP_REQUESTS=65336 bun run main.ts`";
  const place = store === "SQLite"
    ? "SQLite in a folder"
    : "a Redis behind a front that speaks Upstash's REST protocol, both on the load's core: its requests per second are a lower bound, its CPU per request is not";
  return `${how}, ${place}, \`LOG=errors\`; ${
    variant ? VARIANTS[variant] : "metering on, a token without limits"
  }.`;
}

async function startDoppel(
  { runtime, store, variant }: Kind,
  { folder, origin, redis, env, id, secret, root }: Stage & {
    readonly id: string;
    readonly secret: string;
    readonly root: string;
  },
) {
  const port = await freePort();
  const data = `${folder}/${id}`;
  mkdirSync(data, { recursive: true });
  const serve = ["serve", "-q", "-A", "--host=127.0.0.1", `--port=${port}`];
  const running = run({
    core: SUBJECT_CORE,
    cwd: root,
    command: runtime === "deno"
      ? [process.execPath, ...serve, join(root, "main.ts")]
      : [bunPath(), "run", join(root, "main.ts")],
    env: {
      PORT: `${port}`,
      DOPPEL_DATA: data,
      ADMIN_SECRET: secret,
      OPENAI_API_KEY: KEY,
      OPENAI_UPSTREAM: origin,
      LOG: "errors",
      ...BUN_ENV,
      ...variant === "unmetered" && { METERING: "limited" },
      ...store === "Redis" && redis,
      ...env,
    },
  });
  return { url: `http://127.0.0.1:${port}`, running };
}

async function mint(
  { url, running }: { readonly url: string; readonly running: Running },
  { secret, limited }: { readonly secret: string; readonly limited: boolean },
): Promise<string> {
  await answering(`${url}/healthz`, { headers: {} }, running);
  const body = {
    label: "bench",
    providers: ["openai"],
    endpoints: UNGUARDED,
    ...limited && { limits: LIMITS },
  };
  const call = { method: "POST", path: "/admin/tokens", body };
  const minted = await callAdmin({ url, secret }, call);
  return (minted as { token: string }).token;
}
