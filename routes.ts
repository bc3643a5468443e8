/**
 * A request's way through doppel, top to bottom.
 *
 * @module
 */

import { type Account, type AccountDeps, openAccount } from "./core/account.ts";
import { admit, type Holder } from "./core/admit.ts";
import { type Content, readContent } from "./core/content.ts";
import { type Credential, credentialOf } from "./core/credential.ts";
import type { Egress } from "./core/egress.ts";
import { asking, asksForUsage } from "./core/exact.ts";
import { type Asked, identify, routeFor } from "./core/identify.ts";
import { type Journal, type LogLine, openJournal } from "./core/journal.ts";
import { modelsNamed } from "./core/model.ts";
import { authorizeObjects, type ObjectSources } from "./core/object.ts";
import { authorize, authorizeModels, authorizeSocket } from "./core/policy.ts";
import type { Envelope, Provider, Route } from "./core/provider.ts";
import { isRefusal, type Refusal, REFUSALS } from "./core/refusal.ts";
import { refusalBody, refusalResponse } from "./core/refuse.ts";
import { type Journey, respond } from "./core/respond.ts";
import {
  openRevocation,
  type Revocation,
  type Running,
} from "./core/running.ts";
import { wantsSocket } from "./core/socket.ts";
import { type Stamps, stampUse } from "./core/stamp.ts";
import {
  type Store,
  StoreUnavailable,
  type TokenRecord,
} from "./core/store.ts";
import { pathOf } from "./core/target.ts";
import { publicBase } from "./core/turn.ts";
import { openSocket, type SocketDeps } from "./core/upgrade.ts";

/** All that `handle()` reaches outside itself; `main.ts` fills it in. */
export interface Deps extends SocketDeps, AccountDeps {
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
  /** What is under way. */
  readonly running: Running;
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

/** The straight line: who asks is admitted here, what is asked goes its way in `carry()`. */
async function forward(
  request: Request,
  asked: Asked | Refusal,
  { deps, journal, address }: Context,
): Promise<Response | Refusal> {
  if (isRefusal(asked)) return asked;

  const taking = { lease: journal.id, now: deps.now() };
  const holder = await admit(asked, deps.store, taking);
  if (isRefusal(holder)) return holder;
  const route = routeFor(holder.token, asked, deps.providers);
  journal.note({ token: holder.token.id, provider: route.provider.id });

  const account = openAccount(holder, { route, method: request.method }, deps);
  journal.whenClosed(account.close);
  const revocation = openRevocation(request.signal, journal.whenClosed);
  journal.whenClosed(deps.running.begin({
    token: holder.token.id,
    hash: holder.by,
    lease: holder.taken?.lease || undefined,
    bounded: holder.token.limits.budget !== undefined,
    end: revocation.end,
  }));
  const admitted = { holder, route, account, revocation, address };
  const outcome = await carry(request, admitted, { deps, journal });
  return isRefusal(outcome) ? revocation.why ?? outcome : outcome;
}

/** An admitted request, and all that belongs to it. */
interface Admitted {
  readonly holder: Holder;
  readonly route: Route;
  readonly account: Account;
  readonly revocation: Revocation;
  readonly address: () => string | undefined;
}

/** The straight line's second half: to the origin and back. */
async function carry(
  request: Request,
  { holder, route, account, revocation, address }: Admitted,
  { deps, journal }: Pick<Context, "deps" | "journal">,
): Promise<Response | Refusal> {
  const { token } = holder;
  const { method } = request;
  const { signal } = revocation;
  const socket = wantsSocket(request);
  const denied = authorize(holder, route, { method, socket, address }) ??
    (socket ? authorizeSocket(token, route, method) : undefined);
  if (denied) return denied;

  const credential = credentialOf(holder, deps.pools[route.provider.id]);
  if (isRefusal(credential)) return credential;
  journal.note({ credential: credential.id });
  const journey = journeyOf(request, { holder, route, account, revocation }, {
    deps,
    journal,
  });
  if (socket) {
    const named = { route, request, content: undefined };
    const short = await authorizeObjects(token, deps.store, named) ??
      await account.hold({ length: 0, model: "" });
    if (short) return short;
    account.sent();
    const opened = await openSocket(request, credential, journey, deps);
    if (!isRefusal(opened)) stampUse(token.id, deps);
    else if (opened.unsent) account.unsent();
    return opened;
  }

  const content = await take(request, { token, route }, deps);
  if (isRefusal(content)) return content;
  const sources = { route, request, content: content.bytes };
  const deniedContent = await authorizeContent(token, deps.store, sources) ??
    await account.hold({ ...content, model: modelOf(token, sources) });
  if (deniedContent) return deniedContent;

  if (signal.aborted) return { refused: "client_closed" };
  if (token.abort === "drain") revocation.outlive();
  const received = request.headers;
  const sent = account.clamped ?? content;
  const sending = deps.egress(
    { ...route, method, credential, received, content: sent, signal },
  );
  account.sent();
  const begun = await sending;
  if (isRefusal(begun)) {
    if (begun.unsent) account.unsent();
    return begun;
  }
  if (begun.hop) journal.note({ hop: true });

  stampUse(token.id, deps);
  return await respond(begun, { ...journey, asked: content.asked });
}

/** What the answer is sent down with. */
function journeyOf(
  request: Request,
  { holder, route, account, revocation }: Omit<Admitted, "address">,
  { deps, journal }: Pick<Context, "deps" | "journal">,
): Journey {
  const { method } = request;
  const now = Math.floor(deps.now() / 1000);
  const envelope = route.provider.envelope(route.target.path);
  return {
    journal,
    route,
    method,
    base: () => publicBase(request, route, deps),
    editing: {
      route,
      method,
      holder,
      now,
      store: deps.store,
      defer: deps.defer,
    },
    meter: account.meter,
    own: account.fields,
    revocation,
    lastWords: (why) => refusalBody(why, envelope, journal.id),
    idleSeconds: deps.idleSeconds,
    pingSeconds: deps.pingSeconds,
    signal: revocation.signal,
    drain: (work) => deps.defer("drain", work),
  };
}

/** Reads the content; the client leaving meanwhile is no fault. */
async function take(
  request: Request,
  { token, route }: { token: TokenRecord; route: Route },
  { maxBodyBytes }: Deps,
): Promise<Content | Refusal> {
  const asks = asksForUsage(token, route, request.method);
  const whole = token.models.length > 0 || token.isolated ||
    token.limits.budget !== undefined || asks;
  try {
    const content = await readContent(request, { limit: maxBodyBytes, whole });
    return asks && !isRefusal(content) ? asking(content) : content;
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
  return authorizeModels(token, modelSources(sources)) ??
    authorizeObjects(token, store, sources);
}

/** The model by which a budget reckons; empty where none is named beyond doubt. */
function modelOf({ limits }: TokenRecord, sources: ObjectSources): string {
  if (limits.budget === undefined) return "";
  const named = modelsNamed(modelSources(sources))?.named ?? [];
  return new Set(named).size === 1 ? named[0]! : "";
}

function modelSources({ route, request, content }: ObjectSources) {
  return {
    method: request.method,
    target: route.target,
    pattern: route.provider.modelInPath,
    type: request.headers.get("content-type"),
    encoding: request.headers.get("content-encoding"),
    content,
  };
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
