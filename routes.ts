/**
 * A request's way through doppel, top to bottom.
 *
 * @module
 */

import { admit, type Presented } from "./core/admit.ts";
import { type Content, readContent } from "./core/content.ts";
import { type Credential, credentialOf } from "./core/credential.ts";
import { uploadOf } from "./core/edit.ts";
import { type Egress, METHODS } from "./core/egress.ts";
import { type Journal, type LogLine, openJournal } from "./core/journal.ts";
import { authorizeObjects, type ObjectSources } from "./core/object.ts";
import { authorize, authorizeModels, authorizeSocket } from "./core/policy.ts";
import {
  chooseProvider,
  type Envelope,
  type Provider,
  type Route,
} from "./core/provider.ts";
import { isRefusal, type Refusal, REFUSALS } from "./core/refusal.ts";
import { refusalResponse } from "./core/refuse.ts";
import { type Journey, respond } from "./core/respond.ts";
import { readSlots } from "./core/slot.ts";
import { wantsSocket } from "./core/socket.ts";
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
import { openSocket, type SocketDeps } from "./core/upgrade.ts";

/** All that `handle()` reaches outside itself; `main.ts` fills it in. */
export interface Deps extends SocketDeps {
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
    { method: request.method, path: pathOf(request.url) },
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

  const { method, signal, headers: received } = request;
  const { store, defer } = deps;
  const socket = wantsSocket(request);
  const denied = authorize(holder, route, method, address) ??
    (socket ? authorizeSocket(token, route, method) : undefined);
  if (denied) return denied;

  const credential = credentialOf(holder, deps.pools[route.provider.id]);
  if (isRefusal(credential)) return credential;
  journal.note({ credential: credential.id });
  const journey: Journey = {
    journal,
    route,
    method,
    base: () => publicBase(request, route, deps),
    editing: { route, method, holder, now, store, defer },
    idleSeconds: deps.idleSeconds,
    pingSeconds: deps.pingSeconds,
    signal,
  };
  if (socket) {
    const named = { route, request, content: undefined };
    const opened = await authorizeObjects(token, store, named) ??
      await openSocket(request, credential, journey, deps);
    if (!isRefusal(opened)) account(token, deps);
    return opened;
  }

  const content = await take(request, token, deps);
  if (isRefusal(content)) return content;
  const deniedContent = await authorizeContent(token, deps.store, {
    route,
    request,
    content: content.bytes,
  });
  if (deniedContent) return deniedContent;

  const begun = await deps.egress(
    { ...route, method, credential, received, content, signal },
  );
  if (isRefusal(begun)) return begun;
  if (begun.hop) journal.note({ hop: true });

  account(token, deps);
  return await respond(begun, journey);
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
  const { refused, reason } = refusal;
  journal.close(refused === "client_closed" ? "client_closed" : "refused", {
    status: REFUSALS[refused].status,
    refused,
    ...(reason !== undefined && { reason }),
  });
  return refusalResponse(refusal, envelope, journal.id);
}
