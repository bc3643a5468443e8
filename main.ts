/**
 * doppel, started: environment → dependencies → app. The only file that reads
 * the environment or names a runtime; `deno serve`, `bun run` and Deno Deploy
 * all run its default export.
 *
 * @module
 */

import process from "node:process";
import {
  acceptByResponse,
  acceptByServer,
  SERVER_SOCKETS,
  type UpgradeWebSocket,
  type UpgradingServer,
} from "./accept.ts";
import { type Bindings, doppel } from "./app.ts";
import { openStore, readTls } from "./boot.ts";
import { createCollector } from "./collect.ts";
import { createPools } from "./core/rota.ts";
import { createKeyring } from "./core/keyring.ts";
import { createFlights } from "./core/flight.ts";
import { greeting } from "./core/greeting.ts";
import type { LogLine } from "./core/journal.ts";
import { clientAddress } from "./core/policy.ts";
import { createLedger } from "./core/ledger.ts";
import { createMetrics } from "./core/metrics.ts";
import { createSockets } from "./core/sockets.ts";
import { readSettings, type Settings, SettingsError } from "./core/settings.ts";
import { type Dial, directSocket } from "./core/socket.ts";
import { createRunning } from "./core/running.ts";
import { createStamps } from "./core/stamp.ts";
import { StoreUnavailable } from "./core/store.ts";
import { derivedSecret, HOP_PURPOSE } from "./core/signature.ts";
import { directEgress, sender } from "./egress.ts";
import type { Entrance } from "./entrance.ts";
import type { Ways } from "./hop.ts";
import { drainOnSignal } from "./stop.ts";
import manifest from "./package.json" with { type: "json" };
import type { Prices } from "./core/price.ts";
import { pricesFrom } from "./prices/book.ts";
import { pricesOf } from "./prices/mod.ts";
import { configuredProviders } from "./providers/configured.ts";
import { customProvider } from "./providers/custom.ts";
import { PROVIDERS, UNKNOWN_WIRE } from "./providers/mod.ts";

/** What the two runtimes hand to a default export's `fetch` beside the request. */
interface Info {
  /** Deno. */
  readonly remoteAddr?: { readonly hostname?: string };
  /** Bun. */
  requestIP?(request: Request): { readonly address: string } | null;
  /** Bun. */
  stop?(): Promise<void>;
  /** Bun. */
  upgrade?: UpgradingServer["upgrade"];
}

interface DenoNamespace {
  serve(
    options: Record<string, unknown>,
    fetch: (request: Request, info: Info) => Response | Promise<Response>,
  ): { shutdown(): Promise<void> };
  upgradeWebSocket: UpgradeWebSocket;
  createHttpClient?(options: Record<string, unknown>): unknown;
}

const deno = (globalThis as { Deno?: DenoNamespace }).Deno;
const bun = (globalThis as { Bun?: { gc(now: boolean): void } }).Bun;

const settings = understood();
const providers = configuredProviders(settings);
const tls = readTls(settings);
const opened = await openStore(settings);
const { adminSecrets, seal } = opened;
const metrics = createMetrics(manifest.version);
const store = metrics.watch(opened.store);
const flights = createFlights(Date.now, deno && createCollector());
const sockets = createSockets();
/** Deno's: over HTTP/2 one connection's stream limit would cap all. */
const pool = (poolMaxIdlePerHost: number) =>
  deno?.createHttpClient?.({ http2: false, poolMaxIdlePerHost });
const { firstByteSeconds, port, host: hostname } = settings;
const send = sender({
  flights,
  firstByteSeconds,
  client: pool(256),
  freshClient: pool(0),
  collect: bun ? () => bun.gc(true) : undefined,
});
/** Loaded with the first socket. */
let dialled: Promise<Dial> | undefined;
const dial: Dial = async (upgrading) => {
  dialled ??= import("./dial.ts")
    .then(({ dialer }) => dialer({ flights, firstByteSeconds }));
  return await (await dialled)(upgrading);
};
const direct: Ways = {
  egress: directEgress(send),
  socket: directSocket(dial),
};
const ways = await waysBeside(settings);
let server: Info | undefined;
/** Where the runtime has put OpenTelemetry. */
const otel = Reflect.get(globalThis, Symbol.for("opentelemetry.js.api.1"));
const telemetry = otel &&
  (await import("./core/telemetry.ts")).createTelemetry(otel);
const running = createRunning({ store, now: Date.now, fault });
const deferred = new Set<Promise<void>>();
const ledger = createLedger({
  store,
  now: Date.now,
  defer,
  keep: settings.keep,
  seen: [metrics.entry, telemetry ?? [], running.entered].flat(),
});

const pools = createPools({
  now: Date.now,
  tell: (cooldowns) => store.cool(cooldowns, Math.floor(Date.now() / 1000)),
});
const keyring = createKeyring({
  store,
  pools: settings.pools,
  table: providers,
  customProvider,
  open: seal.open,
  learn: pools.cooling.learn,
  now: Date.now,
  fault,
});

const app = doppel({
  store,
  keyring,
  unknownWire: UNKNOWN_WIRE,
  pools: settings.pools,
  configured: providers.map(({ id, origin }) => ({
    id,
    origin,
    credentials: settings.pools[id]!.map((credential) => credential.id),
  })),
  egress: ways.egress,
  regions: ways.regions,
  entrance: entranceOf(settings),
  flights,
  sockets,
  dial: ways.socket,
  accept: deno
    ? acceptByResponse(deno.upgradeWebSocket)
    : acceptByServer(() => server as UpgradingServer),
  ...pools,
  replayBytes: settings.egress.replayBytes,
  defer,
  log,
  fault,
  maxBodyBytes: settings.maxBodyBytes,
  idleSeconds: settings.idleSeconds,
  pingSeconds: settings.pingSeconds,
  publicUrl: settings.publicUrl,
  stamps: createStamps(Date.now),
  running,
  stopping: () => stopping(),
  prices: pricing(),
  ledger,
  keep: settings.keep,
  metering: settings.metering === "all",
  metrics,
  metricsToken: settings.metricsToken,
  adminSecrets,
  adminWindow: settings.adminWindow,
  seal,
  version: manifest.version,
});

announce();
const stopping = drainOnSignal({
  drains: deno !== undefined,
  server: () => server,
  sockets,
  flights,
  finish,
  close: () => store.close(),
});

// `deno serve` knows no TLS; whoever runs it all the same finds the port taken.
if (deno && tls) {
  const own = deno.serve({ port, hostname, ...tls, onListen() {} }, fetch);
  server = { stop: () => own.shutdown() };
}

export default {
  port,
  hostname,
  ...(tls && { tls }),
  // Bun closes what is silent for 10 s and refuses 128 MiB by default; ours are the limits above.
  idleTimeout: 0,
  development: false,
  maxRequestBodySize: Number.MAX_SAFE_INTEGER,
  websocket: SERVER_SOCKETS,
  fetch,
};

function fetch(request: Request, info: Info): Response | Promise<Response> {
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
}

function understood(): Settings {
  try {
    return readSettings(process.env, PROVIDERS);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    console.error(`doppel cannot start: ${error.message}`);
    process.exit(1);
  }
}

/** What a hop needs is loaded where there is one. */
async function waysBeside({ egress }: Settings): Promise<Ways> {
  if (egress.hop === undefined) return direct;
  const { besideHop, throughHop } = await import("./hop.ts");
  const { url, secret } = egress.hop;
  const hop = { url, secret: derivedSecret(secret, HOP_PURPOSE) };
  const { lookSeconds } = egress;
  const through = throughHop({ hop, send, dial, now: Date.now, lookSeconds });
  return besideHop({ ...egress, direct, through, now: Date.now });
}

function entranceOf({ egress, adminWindow }: Settings): Entrance | undefined {
  if (egress.entranceSecret === undefined) return undefined;
  const secret = derivedSecret(egress.entranceSecret, HOP_PURPOSE);
  return { secret, window: adminWindow, direct };
}

/** Prices are loaded when the first is needed. */
function pricing(): Prices {
  const book = pricesFrom({
    file: settings.pricesFile,
    now: Date.now,
    defer,
  });
  return pricesOf(book);
}

/** Work that outlives its answer, and is awaited when doppel stops. */
function defer(name: string, work: Promise<unknown>) {
  const over = () => void deferred.delete(done);
  const done = work.then(over, (error) => (over(), fault(name, error)));
  deferred.add(done);
}

/** All that goes on is done, and what was used is kept. */
async function finish() {
  while (deferred.size > 0) await Promise.all(deferred);
  await ledger.flush().catch((error) => fault("usage", error));
}

/** One line of JSON on stdout. */
function log(line: LogLine) {
  metrics.line(line);
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

/** For the person at the terminal. */
function announce() {
  const lines = greeting(settings, {
    version: manifest.version,
    place: opened.place,
    secretFile: opened.secretFile,
    throttled: bun !== undefined &&
      process.env.BUN_CONFIG_MAX_HTTP_REQUESTS === undefined,
  });
  console.error(lines.join("\n"));
}
