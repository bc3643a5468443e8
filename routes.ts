/**
 * A request's way through doppel, top to bottom.
 *
 * @module
 */

import { type AccountDeps, openAccount } from "./core/account.ts";
import { admit, giveBack } from "./core/admit.ts";
import {
  type Credential,
  credentialsFor,
  isSingle,
} from "./core/credential.ts";
import type { Begun, Egress } from "./core/egress.ts";
import { type Asked, identify, routeFor } from "./core/identify.ts";
import { type Journal, type LogLine, openJournal } from "./core/journal.ts";
import { type JourneyDeps, journeyOf, type Traveller } from "./core/journey.ts";
import { authorizeObjects, type ObjectSources } from "./core/object.ts";
import { authorize, authorizeSocket } from "./core/policy.ts";
import type { Keyring, View } from "./core/keyring.ts";
import type { PoolDeps } from "./core/rota.ts";
import type { sendPooled } from "./core/pooled.ts";
import type { Envelope } from "./core/provider.ts";
import { authorizeContent, modelOf, take } from "./core/reading.ts";
import { isRefusal, type Refusal, REFUSALS } from "./core/refusal.ts";
import { refusalResponse } from "./core/refuse.ts";
import { type Journey, respond } from "./core/respond.ts";
import { openRevocation, type Running } from "./core/running.ts";
import { wantsSocket } from "./core/socket.ts";
import { type Stamps, stampUse } from "./core/stamp.ts";
import { type Store, StoreUnavailable } from "./core/store.ts";
import { pathOf } from "./core/target.ts";
import { openSocket, type SocketDeps } from "./core/upgrade.ts";

/** All that `handle()` reaches outside itself; `main.ts` fills it in. */
export interface Deps extends SocketDeps, AccountDeps, PoolDeps, JourneyDeps {
  /** Tokens and what belongs to them. */
  readonly store: Store;
  /** Providers and keys, as the owner has them by now. */
  readonly keyring: Keyring;
  /** The wire of a caller nobody has recognised. */
  readonly unknownWire: Envelope;
  /** Sends a request towards its origin. */
  readonly egress: Egress;
  /** Logs a bug under its name; `error` may hold anything and is not to be written out. */
  readonly fault: (name: string, error: unknown) => void;
  /** Writes a request's line. */
  readonly log: (line: LogLine) => void;
  /** Largest request content, bytes. */
  readonly maxBodyBytes: number;
  /** Content that is held to go up again with another key, bytes. */
  readonly replayBytes: number;
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
  const asked = await recognise(request, deps.keyring);
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

/** What it asks for; before an API is said to be unknown, whether there is one by now. */
function recognise(
  request: Request,
  keyring: Keyring,
): Asked | Refusal | Promise<Asked | Refusal> {
  const asked = identify(request, keyring.view.providers);
  if (!isRefusal(asked) || asked.refused !== "no_route") return asked;
  return Promise.resolve(keyring.recent()).then(
    ({ providers }) => identify(request, providers),
    () => asked,
  );
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
  const read = deps.keyring.at(holder.turn);
  const view = read instanceof Promise ? await read : read;
  const known = view.providers.includes(asked.route.provider);
  const present = known ? asked : identify(request, view.providers);
  if (isRefusal(present)) {
    await giveBack(holder, deps.store);
    return present;
  }
  const route = routeFor(holder.token, present, view.providers);
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
  const admitted = { holder, view, route, account, revocation, address };
  const outcome = await carry(request, admitted, { deps, journal });
  return isRefusal(outcome) ? revocation.why ?? outcome : outcome;
}

/** An admitted request, and all that belongs to it. */
interface Admitted extends Traveller {
  /** The providers and keys it goes by. */
  readonly view: View;
  readonly address: () => string | undefined;
}

/** The straight line's second half: to the origin and back, with a key of the pool. */
function carry(
  request: Request,
  admitted: Admitted,
  { deps, journal }: Pick<Context, "deps" | "journal">,
): Promise<Response | Refusal> | Refusal {
  const { holder, view, route, address } = admitted;
  const { token } = holder;
  const { method } = request;
  const socket = wantsSocket(request);
  const denied = authorize(holder, route, method, address) ??
    (socket ? authorizeSocket(token, route, method) : undefined);
  if (denied) return denied;

  const now = Math.floor(deps.now() / 1000);
  const pool = credentialsFor(holder, view.pools[route.provider.id], now);
  if (isRefusal(pool)) return pool;
  const single = isSingle(pool) ? pool[0] : undefined;
  if (single) journal.note({ credential: single.id });
  const journey = journeyOf(request, admitted, {
    deps,
    journal,
    credentials: pool,
  });
  const { revocation } = admitted;
  const send: Send = (way, sources, again) => {
    if (single) return way(single);
    const asked = { holder, revocation, pool, sources, again, journal };
    return sendWithSome(way, asked, deps);
  };
  const hold = single ? 0 : deps.replayBytes;
  const passage = { ...admitted, journey, send, hold };
  return socket
    ? carrySocket(request, passage, deps)
    : carryContent(request, passage, deps);
}

/** Sends with the one key there is, or with keys of a pool until one serves; `again`: the content can go up once more. */
type Send = <Opened extends object>(
  way: (credential: Credential) => Promise<Begun | Opened | Refusal>,
  sources: ObjectSources,
  again: boolean,
) => Promise<Begun | Opened | Refusal>;

/** Loaded once, with the first request that has a choice. */
let pooled: Promise<typeof import("./core/pooled.ts")> | undefined;

const sendWithSome: typeof sendPooled = async (way, asked, deps) => {
  pooled ??= import("./core/pooled.ts");
  return await (await pooled).sendPooled(way, asked, deps);
};

/** An admitted request that has found its keys. */
interface Passage extends Admitted {
  readonly journey: Journey;
  readonly send: Send;
  /** Bytes of content that are held to go up again. */
  readonly hold: number;
}

/** An upgrade, which has no content. */
async function carrySocket(
  request: Request,
  { holder: { token }, route, account, journey, send }: Passage,
  deps: Deps,
): Promise<Response | Refusal> {
  const sources = { route, request, content: undefined };
  const short = await authorizeObjects(token, deps.store, sources) ??
    await account.hold({ length: 0, model: "" });
  if (short) return short;
  account.sent();
  const opened = await openSocket(request, journey, {
    ...deps,
    dial: (upgrading) =>
      send(
        (credential) => deps.dial({ ...upgrading, credential }),
        sources,
        true,
      ),
  });
  if (!isRefusal(opened)) stampUse(token.id, deps);
  else if (opened.unsent) account.unsent();
  return opened;
}

/** Any other request. */
async function carryContent(
  request: Request,
  passage: Passage,
  deps: Deps,
): Promise<Response | Refusal> {
  const { holder: { token }, route, account, revocation, send } = passage;
  const { signal } = revocation;
  const { hold, journey } = passage;
  const { maxBodyBytes } = deps;
  const content = await take(request, { token, route }, { maxBodyBytes, hold });
  if (isRefusal(content)) return content;
  const sources = { route, request, content: content.bytes };
  const denied = await authorizeContent(token, deps.store, sources) ??
    await account.hold({ ...content, model: modelOf(token, sources) });
  if (denied) return denied;

  if (signal.aborted) return { refused: "client_closed" };
  if (token.abort === "drain") revocation.outlive();
  const { method, headers: received } = request;
  const sent = account.clamped ?? content;
  const forwarded = { ...route, method, received, content: sent, signal };
  const sending = send(
    (credential) => deps.egress({ ...forwarded, credential }),
    sources,
    !(sent.body instanceof ReadableStream),
  );
  account.sent();
  const begun = await sending;
  if (isRefusal(begun)) {
    if (begun.unsent) account.unsent();
    return begun;
  }
  if (begun.hop) journey.journal.note({ hop: true });

  stampUse(token.id, deps);
  return await respond(begun, { ...journey, asked: content.asked });
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
