/**
 * doppel, started: environment → dependencies → app. The only file that reads
 * the environment or names a runtime; `deno serve`, `bun run` and Deno Deploy
 * all run its default export.
 *
 * @module
 */

import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import process from "node:process";
import { type Bindings, doppel } from "./app.ts";
import { createFlights } from "./core/flight.ts";
import type { LogLine } from "./core/journal.ts";
import { clientAddress } from "./core/policy.ts";
import { readSettings, type Settings, SettingsError } from "./core/settings.ts";
import { createStamps } from "./core/stamp.ts";
import { type Store, StoreUnavailable } from "./core/store.ts";
import { directEgress } from "./egress.ts";
import manifest from "./package.json" with { type: "json" };
import { PROVIDERS, UNKNOWN_WIRE } from "./providers/mod.ts";

/** What the two runtimes hand to a default export's `fetch` beside the request. */
interface Info {
  /** Deno. */
  readonly remoteAddr?: { readonly hostname?: string };
  /** Bun. */
  requestIP?(request: Request): { readonly address: string } | null;
  /** Bun. */
  stop?(): Promise<void>;
}

interface DenoNamespace {
  createHttpClient?(options: Record<string, unknown>): unknown;
}

const deno = (globalThis as { Deno?: DenoNamespace }).Deno;
const bun = "Bun" in globalThis;

const settings = understood();
const { store, place, adminSecrets } = await openStore(settings);
const flights = createFlights(Date.now);
let server: Info | undefined;

const app = doppel({
  store,
  providers: PROVIDERS.map((row) => {
    const origin = settings.origins[row.id];
    return origin === undefined ? row : { ...row, origin, home: row.origin };
  }),
  unknownWire: UNKNOWN_WIRE,
  pools: settings.pools,
  configured: PROVIDERS.map(({ id, origin }) => ({
    id,
    origin: settings.origins[id] ?? origin,
    credentials: settings.pools[id]!.map((credential) => credential.id),
  })),
  egress: directEgress({
    flights,
    firstByteSeconds: settings.firstByteSeconds,
    client: deno?.createHttpClient?.({ http2: false, poolMaxIdlePerHost: 256 }),
    freshClient: deno?.createHttpClient?.({
      http2: false,
      poolMaxIdlePerHost: 0,
    }),
  }),
  now: Date.now,
  defer: (name, work) => void work.catch((error) => fault(name, error)),
  log,
  fault,
  maxBodyBytes: settings.maxBodyBytes,
  idleSeconds: settings.idleSeconds,
  pingSeconds: settings.pingSeconds,
  publicUrl: settings.publicUrl,
  stamps: createStamps(Date.now),
  adminSecrets,
  adminWindow: settings.adminWindow,
  version: manifest.version,
});

announce();
if (bun) drainOnSignal();

export default {
  port: settings.port,
  hostname: settings.host,
  // Bun closes what is silent for 10 s and refuses 128 MiB by default; ours are the limits above.
  idleTimeout: 0,
  development: false,
  maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  fetch(request: Request, info: Info): Response | Promise<Response> {
    if (bun) server = info;
    const bindings: Bindings = {
      address: (asked) =>
        clientAddress(
          info.remoteAddr?.hostname ?? info.requestIP?.(request)?.address,
          asked.headers.get("x-forwarded-for"),
          settings.trustedProxies,
        ),
    };
    return app.fetch(request, bindings);
  },
};

function understood(): Settings {
  try {
    return readSettings(process.env, PROVIDERS.map(({ id }) => id));
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    console.error(`doppel cannot start: ${error.message}`);
    process.exit(1);
  }
}

/** Upstash where it is configured; else SQLite, with a secret of its own on the first start. */
async function openStore(settings: Settings): Promise<{
  store: Store;
  place: string;
  adminSecrets: readonly string[];
}> {
  const { upstash, adminSecrets } = settings;
  if (upstash !== undefined) {
    const { upstashStore } = await import("./store/upstash.ts");
    return { store: upstashStore(upstash), place: "Upstash", adminSecrets };
  }
  const directory = resolve(settings.data);
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  chmodSync(directory, 0o700);
  process.umask(0o077);
  const { DatabaseSync } = await import("node:sqlite");
  const { sqliteStore } = await import("./store/sqlite.ts");
  return {
    store: sqliteStore(new DatabaseSync(join(directory, "doppel.sqlite"))),
    place: directory,
    adminSecrets: adminSecrets.length > 0
      ? adminSecrets
      : [localSecret(join(directory, "admin_secret"))],
  };
}

/** Made by whichever process is the first to start here. */
function localSecret(file: string): string {
  try {
    const secret = randomBytes(32).toString("base64url");
    writeFileSync(file, secret + "\n", { mode: 0o600, flag: "wx" });
    return secret;
  } catch (error) {
    if ((error as { code?: string }).code !== "EEXIST") throw error;
    return readFileSync(file, "utf8").trim();
  }
}

/** One line of JSON on stdout. */
function log(line: LogLine) {
  if (settings.log === "off") return;
  if (settings.log === "errors" && line.status < 500) return;
  console.log(JSON.stringify({ level: "info", event: "request", ...line }));
}

/** Names what went wrong and never what with: messages of fetch and of store clients carry URLs and arguments. */
function fault(name: string, error: unknown) {
  if (settings.log === "off") return;
  const reason = error instanceof StoreUnavailable
    ? error.reason
    : error instanceof Error
    ? error.name
    : typeof error;
  const time = new Date().toISOString();
  console.log(
    JSON.stringify({ level: "error", event: "fault", time, name, reason }),
  );
}

/** For the person at the terminal; on stderr, and no secret in it. */
function announce() {
  const say = (line: string) => console.error(line);
  const ids = PROVIDERS.map(({ id }) => id);
  const counts = ids.filter((id) => settings.pools[id]!.length > 0)
    .map((id) => `${id} (${settings.pools[id]!.length})`);
  const without = ids.filter((id) => settings.pools[id]!.length === 0);
  const first = ids.find((id) => settings.pools[id]!.length > 0) ?? "openai";
  say(`doppel ${manifest.version}, tokens in ${place}`);
  say(`  base URL       http://${settings.host}:${settings.port}`);
  if (settings.upstash === undefined && settings.adminSecrets.length === 0) {
    say(`  admin secret   ${join(place, "admin_secret")}`);
  }
  say(`  keys           ${counts.join(", ") || "none"}`);
  if (without.length > 0) {
    const names = without.map((id) => `${id.toUpperCase()}_API_KEY`);
    say(`  without a key  ${without.join(", ")} (set ${names.join(", ")})`);
  }
  say(
    `  mint a token   deno task doppel token create --label me --providers ${first}`,
  );
  if (bun && process.env.BUN_CONFIG_MAX_HTTP_REQUESTS === undefined) {
    say(
      "  warning        Bun sends 256 requests at a time: set BUN_CONFIG_MAX_HTTP_REQUESTS=65336",
    );
  }
}

/** `deno serve` drains by itself on SIGTERM; Bun would cut every stream. A second signal does not wait. */
function drainOnSignal() {
  let asked = false;
  const stop = async () => {
    if (asked) process.exit(1);
    asked = true;
    await server?.stop?.();
    store.close();
    process.exit(0);
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}
