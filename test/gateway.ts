/** A doppel in this process, on an empty store, in front of an origin that records what reaches it. */

import { DatabaseSync } from "node:sqlite";
import { type AppDeps, doppel } from "../app.ts";
import { signedFields } from "../client.ts";
import { createPools } from "../core/rota.ts";
import type { Credential } from "../core/credential.ts";
import { createKeyring } from "../core/keyring.ts";
import { createFlights } from "../core/flight.ts";
import { aimed, type Forwarded } from "../core/egress.ts";
import type { LogLine } from "../core/journal.ts";
import { createLedger } from "../core/ledger.ts";
import { createMetrics } from "../core/metrics.ts";
import type { Provider } from "../core/provider.ts";
import { isRefusal, type Refusal } from "../core/refusal.ts";
import { createSockets } from "../core/sockets.ts";
import { createRunning } from "../core/running.ts";
import { createSeal } from "../core/seal.ts";
import { createStamps } from "../core/stamp.ts";
import { customProvider } from "../providers/custom.ts";
import { PROVIDERS, UNKNOWN_WIRE } from "../providers/mod.ts";
import { sqliteStore } from "../store/sqlite.ts";
import { UNGUARDED } from "./classes.ts";

/** What reached the origin, whole. */
export interface Reached {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

export const SECRET = "admin-secret-of-the-tests-0123456789";
export const SEAL_SECRET = "seal-secret-of-the-tests-01234567890";
export const START = Date.parse("2026-11-20T12:00:00Z");

const SHORT: Record<string, string> = {
  openai: "sk-o",
  anthropic: "sk-a",
  gemini: "g-1",
};

/** The owner's keys, one for each row of the table. */
export const KEYS: Record<string, readonly Credential[]> = Object.fromEntries(
  PROVIDERS.map(({ id }) => [
    id,
    [{ id: `${id}-1`, key: SHORT[id] ?? `sk-canary-${id}` }],
  ]),
);

/** Prices that know no limit to lower. */
export const UNCLAMPED = {
  least: () => Promise.resolve(undefined),
  clamp: () => Promise.resolve(undefined),
};

export type Gateway = ReturnType<typeof gateway>;

/** What may be given in the place of the usual. */
export interface Overrides extends Partial<AppDeps> {
  /** The provider table. */
  readonly providers?: readonly Provider[];
}

export function gateway(
  { providers = PROVIDERS, ...overrides }: Overrides = {},
) {
  let time = START;
  const now = () => time;
  const reached: Reached[] = [];
  const lines: LogLine[] = [];
  const faults: string[] = [];
  const deferred: Promise<unknown>[] = [];
  const flights = createFlights(now);
  const store = sqliteStore(new DatabaseSync(":memory:"), now);
  const defer = (name: string, work: Promise<unknown>) =>
    void deferred.push(work.catch(() => void faults.push(name)));
  const keep = { hours: 72, days: 400, requests: 100 };
  const metrics = createMetrics("test");
  const fault = (name: string) => void faults.push(name);
  const kept = overrides.store ?? store;
  const { running = createRunning({ store: kept, now, fault }) } = overrides;
  const ledger = createLedger({
    store: kept,
    now,
    defer,
    keep,
    seen: [metrics.entry, running.entered],
  });
  type Answer = Response | Refusal;
  let respond: (forwarded: Forwarded) => Answer | Promise<Answer> = () =>
    Response.json({ ok: true });
  const seal = createSeal({ present: SEAL_SECRET });
  const turns = createPools({
    now,
    tell: (cooldowns) => kept.cool(cooldowns, Math.floor(now() / 1000)),
  });
  const { cooling = turns.cooling, pools = KEYS } = overrides;
  const keyring = createKeyring({
    store: kept,
    pools,
    table: providers,
    customProvider,
    open: seal.open,
    learn: cooling.learn,
    now,
    fault,
  });
  const deps: AppDeps = {
    store,
    keyring,
    unknownWire: UNKNOWN_WIRE,
    pools,
    configured: PROVIDERS.map(({ id, origin }) => ({
      id,
      origin,
      credentials: KEYS[id]!.map((credential) => credential.id),
    })),
    egress: async (forwarded) => {
      reached.push(await recorded(forwarded));
      const answer = await respond(forwarded);
      if (isRefusal(answer)) return answer;
      const flight = flights.begin(() => {});
      return { response: answer, flight, abort: () => {} };
    },
    flights,
    sockets: createSockets(),
    dial: () => Promise.reject(new Error("no sockets here")),
    accept: () => undefined,
    ...turns,
    replayBytes: 4_194_304,
    defer,
    log(line) {
      metrics.line(line);
      lines.push(line);
    },
    fault,
    maxBodyBytes: 1_000_000,
    idleSeconds: 900,
    pingSeconds: 0,
    publicUrl: undefined,
    stamps: createStamps(now),
    running,
    prices: {
      worst: () => Promise.resolve({ unbounded: "No prices here." }),
      cost: () => Promise.resolve(undefined),
      ...UNCLAMPED,
    },
    ledger,
    keep,
    metrics,
    metering: true,
    adminSecrets: [SECRET],
    adminWindow: 60,
    seal,
    version: "test",
    ...overrides,
  };
  const app = doppel(deps);
  const bindings = { address: () => address };
  let address: string | undefined = "203.0.113.7";

  /** The answer as it begins; its body must be read or cancelled. */
  const open = (path: string, init: RequestInit = {}) =>
    Promise.resolve(app.request(`http://gw${path}`, framed(init), bindings));
  /** The answer, read to its end. */
  const send = async (path: string, init: RequestInit = {}) => {
    const response = await open(path, init);
    return response.body === null
      ? response
      : new Response(await response.arrayBuffer(), response);
  };
  /** Signs a call as the owner; `undefined` content means none. */
  const admin = (method: string, path: string, body?: unknown) => {
    const content = body === undefined ? "" : JSON.stringify(body);
    const fields = sign(method, path, content);
    return send(path, {
      method,
      headers: fields,
      ...(content && { body: content }),
    });
  };
  const sign = (method: string, path: string, content = "") => {
    const real = Date.now;
    Date.now = now;
    try {
      return signedFields({ url: "http://gw", secret: SECRET }, {
        method,
        path,
        content,
      });
    } finally {
      Date.now = real;
    }
  };
  const mint = async (fields: Record<string, unknown> = {}) => {
    const answer = await admin("POST", "/admin/tokens", {
      label: "test",
      providers: ["openai", "anthropic", "gemini"],
      endpoints: UNGUARDED,
      ...fields,
    });
    if (answer.status !== 201) throw new Error(await answer.text());
    return await answer.json() as { id: string; token: string };
  };
  return {
    app,
    store,
    open,
    send,
    admin,
    sign,
    mint,
    reached,
    lines,
    faults,
    flights,
    respondWith: (answer: typeof respond) => void (respond = answer),
    tick: (seconds: number) => void (time += seconds * 1000),
    from: (ip: string | undefined) => void (address = ip),
    /** All that goes on behind answers' backs is done. */
    done: () => Promise.all(deferred),
    /** And what was used is kept. */
    settled: async () => {
      await Promise.all(deferred);
      await ledger.flush().catch(() => void faults.push("usage"));
    },
    close: () => store.close(),
  };
}

/** Runs `body` with a gateway of its own. */
export function law(
  name: string,
  body: (gateway: Gateway) => Promise<void>,
  overrides: Overrides = {},
) {
  Deno.test(name, async () => {
    const built = gateway(overrides);
    try {
      await body(built);
    } finally {
      await built.settled();
      built.close();
    }
  });
}

/** A server writes the length of what it received; `Request` does not. */
function framed(init: RequestInit): RequestInit {
  const headers = new Headers(init.headers);
  if (typeof init.body === "string") {
    const bytes = new TextEncoder().encode(init.body).byteLength;
    if (!headers.has("content-length")) {
      headers.set("content-length", `${bytes}`);
    }
    if (!headers.has("content-type")) {
      headers.set("content-type", "application/json");
    }
  } else if (init.body && !(headers.has("content-length"))) {
    headers.set("transfer-encoding", "chunked");
  }
  return { ...init, headers };
}

async function recorded(forwarded: Forwarded): Promise<Reached> {
  const { method, content } = forwarded;
  const { url, fields } = aimed(forwarded);
  const body = content.body === undefined
    ? ""
    : await new Response(content.body).text();
  return { method, url, headers: Object.fromEntries(fields), body };
}
