/**
 * A request's way through doppel, top to bottom.
 *
 * @module
 */

import { type Content, readContent } from "./core/content.ts";
import { chooseCredential, type Credential } from "./core/credential.ts";
import type { Egress } from "./core/egress.ts";
import { type Journal, type LogLine, openJournal } from "./core/journal.ts";
import {
  authenticate,
  authorize,
  authorizeModels,
  paused,
} from "./core/policy.ts";
import {
  chooseProvider,
  type Envelope,
  percentDecode,
  type Provider,
  type Route,
} from "./core/provider.ts";
import { isRefusal, type Refusal, REFUSALS } from "./core/refusal.ts";
import { refusalResponse } from "./core/refuse.ts";
import { respond } from "./core/respond.ts";
import { readSlots } from "./core/slot.ts";
import type { Stamps } from "./core/stamp.ts";
import {
  type Store,
  StoreUnavailable,
  type TokenRecord,
} from "./core/store.ts";
import { pathOf, readTarget, withoutCredentials } from "./core/target.ts";
import { isTokenShaped, redactTokens, tokenId } from "./core/token.ts";

/** All that `handle()` reaches outside itself; `main.ts` fills it in. */
export interface Deps {
  /** Tokens and what belongs to them. */
  readonly store: Store;
  /** The provider table, origins as configured. */
  readonly providers: readonly Provider[];
  /** The wire of a caller nobody has recognised. */
  readonly unknownWire: Envelope;
  /** The owner's own keys by provider id. */
  readonly pools: Readonly<Record<string, readonly Credential[]>>;
  /** Sends a request towards its origin. */
  readonly egress: Egress;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Lets work outlive the answer; logs under `name` what it throws. */
  readonly defer: (name: string, work: Promise<unknown>) => void;
  /** Logs a bug under its name; `error` may hold anything and is not to be written out. */
  readonly fault: (name: string, error: unknown) => void;
  /** Writes a request's line. */
  readonly log: (line: LogLine) => void;
  /** Largest request content, bytes. */
  readonly maxBodyBytes: number;
  /** Silence allowed within an answer, seconds. */
  readonly idleSeconds: number;
  /** Silence after which an event stream gets a comment, seconds; 0: never. */
  readonly pingSeconds: number;
  /** Base URL that clients use, where it is not what `Host` says. */
  readonly publicUrl?: string | undefined;
  /** Which uses are to be written. */
  readonly stamps: Stamps;
}

/** Answers one request: the origin's response, or a refusal in the caller's own envelope. `address` is the client's. */
export async function handle(
  request: Request,
  deps: Deps,
  address: () => string | undefined = () => undefined,
): Promise<Response> {
  const journal = openJournal(
    { method: request.method, path: loggable(pathOf(request.url)) },
    { now: deps.now, write: deps.log },
  );
  const asked = identify(request, deps.providers);
  const outcome = await forward(request, asked, { deps, journal, address })
    .catch((error): Refusal => {
      deps.fault("request", error);
      return { refused: "internal_error" };
    });
  return isRefusal(outcome)
    ? answer(outcome, asked, { deps, journal })
    : outcome;
}

/** A path as it may be written down: no token in it, however it is encoded. */
function loggable(path: string): string {
  const decoded = percentDecode(path);
  return decoded.includes("dpl_") ? redactTokens(decoded) : path;
}

/** What handle() hands down. */
interface Context {
  readonly deps: Deps;
  readonly journal: Journal;
  readonly address: () => string | undefined;
}

/** The straight line. */
async function forward(
  request: Request,
  asked: Asked | Refusal,
  { deps, journal, address }: Context,
): Promise<Response | Refusal> {
  if (isRefusal(asked)) return asked;

  const token = await admit(asked, deps);
  if (isRefusal(token)) return token;
  const route = routeFor(token, asked, deps.providers);
  journal.note({ token: token.id, provider: route.provider.id });

  const denied = authorize(token, route, address);
  if (denied) return denied;
  if (wantsSocket(request)) return { refused: "upgrade_refused" };

  const credential = chooseCredential(deps.pools[route.provider.id], token.id);
  if (isRefusal(credential)) return credential;
  journal.note({ credential: credential.id });

  const content = await take(request, token, deps);
  if (isRefusal(content)) return content;
  const deniedModel = authorizeModels(token, {
    method: request.method,
    target: route.target,
    pattern: route.provider.modelInPath,
    type: request.headers.get("content-type"),
    encoding: request.headers.get("content-encoding"),
    content: content.bytes,
  });
  if (deniedModel) return deniedModel;

  const begun = await deps.egress({
    method: request.method,
    provider: route.provider,
    target: route.target,
    credential,
    received: request.headers,
    content,
    signal: request.signal,
  });
  if (isRefusal(begun)) return begun;

  account(token, deps);
  return await respond(begun, {
    journal,
    route,
    base: () => publicBase(request, route, deps),
    method: request.method,
    idleSeconds: deps.idleSeconds,
    pingSeconds: deps.pingSeconds,
    signal: request.signal,
  });
}

/** A request whose caller and wish are known, not yet believed. */
interface Asked {
  /** Where it seems to go, by prefix or signs. */
  readonly route: Route;
  /** Every value that was in a slot. */
  readonly values: readonly string[];
}

const NO_ROUTE: Refusal = { refused: "no_route" };
const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]);

function identify(
  request: Request,
  providers: readonly Provider[],
): Asked | Refusal {
  const target = readTarget(request.url);
  if (isRefusal(target)) return target;
  if (!METHODS.has(request.method)) return { refused: "request_malformed" };
  const clean = withoutCredentials(target);
  const route = chooseProvider(clean, request.headers, providers);
  if (route === undefined) return NO_ROUTE;
  const known = providers.some((row) => row.surface.test(route.target.path));
  if (!known) return NO_ROUTE;
  const values = readSlots(request.headers, clean);
  if (values === undefined) return { refused: "token_ambiguous" };
  return { route, values: [...values] };
}

/** Authenticates in one round trip; a value that cannot be a token costs none. */
async function admit(
  { values }: Asked,
  { store, now }: Deps,
): Promise<TokenRecord | Refusal> {
  if (values.length === 0) return { refused: "token_missing" };
  const candidates = values.filter(isTokenShaped);
  const seconds = Math.floor(now() / 1000);
  if (candidates.length === 0) {
    return authenticate(values, [], { records: [] }, seconds);
  }
  try {
    const admission = await store.admit(candidates.map(tokenId));
    const token = authenticate(values, candidates, admission, seconds);
    return isRefusal(token) ? token : paused(admission.pause, seconds) ?? token;
  } catch (error) {
    if (error instanceof StoreUnavailable) return STORE_AWAY;
    throw error;
  }
}

const STORE_AWAY: Refusal = { refused: "store_unavailable", retryAfter: 1 };

/** A token for one provider only settles what signs leave open; a prefix stands. */
function routeFor(
  { providers: scope }: TokenRecord,
  { route }: Asked,
  providers: readonly Provider[],
): Route {
  if (route.prefix !== "" || scope.length !== 1) return route;
  const provider = providers.find((row) => row.id === scope[0]);
  return provider === undefined ? route : { ...route, provider };
}

/** RFC 6455 §4.1; a client that offers h2c is served over HTTP/1.1. */
function wantsSocket({ headers }: Request): boolean {
  return headers.get("upgrade")?.toLowerCase() === "websocket";
}

/** Reads the content; the client leaving meanwhile is no fault. */
async function take(
  request: Request,
  token: TokenRecord,
  { maxBodyBytes }: Deps,
): Promise<Content | Refusal> {
  const whole = token.models.length > 0;
  try {
    return await readContent(request, { limit: maxBodyBytes, whole });
  } catch {
    return { refused: "client_closed" };
  }
}

/** Notes the use, at most once a minute, behind the answer's back. */
function account({ id }: TokenRecord, { store, stamps, now, defer }: Deps) {
  if (!stamps.due(id)) return;
  const stamped = store.stampToken(id, Math.floor(now() / 1000));
  defer(
    "stamp",
    stamped.catch((error) => {
      stamps.missed(id);
      throw error;
    }),
  );
}

/** Where clients reach this route's paths. */
function publicBase(
  request: Request,
  { prefix }: Route,
  { publicUrl }: Deps,
): string {
  if (publicUrl !== undefined) return publicUrl + prefix;
  const { protocol, host } = new URL(request.url);
  return `${protocol}//${request.headers.get("host") ?? host}${prefix}`;
}

/** A refusal in the envelope of the wire the caller speaks. */
function answer(
  refusal: Refusal,
  asked: Asked | Refusal,
  { deps, journal }: Pick<Context, "deps" | "journal">,
): Response {
  const envelope = isRefusal(asked)
    ? deps.unknownWire
    : asked.route.provider.envelope(asked.route.target.path);
  const { refused } = refusal;
  journal.close(refused === "client_closed" ? "client_closed" : "refused", {
    status: REFUSALS[refused].status,
    refused,
  });
  return refusalResponse(refusal, envelope, journal.id);
}
