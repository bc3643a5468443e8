/**
 * A request's way through doppel, top to bottom.
 *
 * @module
 */

import { admit, type Presented } from "./core/admit.ts";
import { type Content, readContent } from "./core/content.ts";
import { chooseCredential, type Credential } from "./core/credential.ts";
import { uploadOf } from "./core/edit.ts";
import type { Egress } from "./core/egress.ts";
import { type Journal, type LogLine, openJournal } from "./core/journal.ts";
import { authorizeObjects, type ObjectSources } from "./core/object.ts";
import { authorize, authorizeModels } from "./core/policy.ts";
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
import {
  overridden,
  pathOf,
  readTarget,
  withoutCredentials,
} from "./core/target.ts";
import { redactTokens } from "./core/token.ts";

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
      if (error instanceof StoreUnavailable) return STORE_AWAY;
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

const STORE_AWAY: Refusal = { refused: "store_unavailable", retryAfter: 1 };

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

  const now = Math.floor(deps.now() / 1000);
  const holder = await admit(asked, deps.store, now);
  if (isRefusal(holder)) return holder;
  const { token } = holder;
  const route = routeFor(token, asked, deps.providers);
  journal.note({ token: token.id, provider: route.provider.id });

  const denied = authorize(holder, route, request.method, address);
  if (denied) return denied;
  if (wantsSocket(request)) return { refused: "upgrade_refused" };

  const credential = chooseCredential(deps.pools[route.provider.id], holder);
  if (isRefusal(credential)) return credential;
  journal.note({ credential: credential.id });

  const content = await take(request, token, deps);
  if (isRefusal(content)) return content;
  const deniedContent = await authorizeContent(token, deps.store, {
    route,
    request,
    content: content.bytes,
  });
  if (deniedContent) return deniedContent;

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
    holder,
    now,
    store: deps.store,
    defer: deps.defer,
    base: () => publicBase(request, route, deps),
    method: request.method,
    idleSeconds: deps.idleSeconds,
    signal: request.signal,
  });
}

/** A request whose caller and wish are known, not yet believed. */
interface Asked extends Presented {
  /** Where it seems to go, by prefix or signs. */
  readonly route: Route;
}

const OVERRIDDEN: Refusal = {
  refused: "request_malformed",
  detail: "Nothing that overrides a request's method or type is forwarded.",
};
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
  if (overridden(request.headers, clean)) return OVERRIDDEN;
  const route = chooseProvider(clean, request.headers, providers);
  if (route === undefined) return NO_ROUTE;
  const known = providers.some((row) => row.surface.test(route.target.path));
  if (!known) return NO_ROUTE;
  const values = readSlots(request.headers, clean);
  if (values === undefined) return { refused: "token_ambiguous" };
  const upload = uploadOf(route, request.headers);
  if (isRefusal(upload)) return upload;
  return { route, values: [...values], upload };
}

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
  const whole = token.models.length > 0 || token.isolated;
  try {
    return await readContent(request, { limit: maxBodyBytes, whole });
  } catch {
    return { refused: "client_closed" };
  }
}

/** Whether the models and objects that the content names are the token's. */
function authorizeContent(
  token: TokenRecord,
  store: Store,
  sources: ObjectSources,
): Promise<Refusal | undefined> | Refusal | undefined {
  const { route, request, content } = sources;
  return authorizeModels(token, {
    method: request.method,
    target: route.target,
    pattern: route.provider.modelInPath,
    type: request.headers.get("content-type"),
    encoding: request.headers.get("content-encoding"),
    content,
  }) ?? authorizeObjects(token, store, sources);
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
