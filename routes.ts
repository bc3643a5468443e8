/**
 * A request's way through doppel, top to bottom.
 *
 * @module
 */

import { type AccountDeps, openAccount } from "./core/account.ts";
import { admit, giveBack, type Holder } from "./core/admit.ts";
import { type Own, ownAsked } from "./core/asked.ts";
import type { Egress } from "./core/egress.ts";
import { type Asked, identify, routeFor } from "./core/identify.ts";
import { type Journal, type LogLine, openJournal } from "./core/journal.ts";
import { type JourneyDeps, journeyOf, type Traveller } from "./core/journey.ts";
import type { Keyring, View } from "./core/keyring.ts";
import { leadsOf } from "./core/lead.ts";
import type { PoolDeps } from "./core/rota.ts";
import type { Envelope } from "./core/provider.ts";
import { isRefusal, type Refusal, REFUSALS } from "./core/refusal.ts";
import { refusalResponse } from "./core/refuse.ts";
import { respond } from "./core/respond.ts";
import { openRevocation } from "./core/revocation.ts";
import type { Running } from "./core/running.ts";
import { wantsSocket } from "./core/socket.ts";
import { type Stamps, stampUse } from "./core/stamp.ts";
import { type Store, StoreUnavailable } from "./core/store.ts";
import { pathOf } from "./core/target.ts";
import { send } from "./core/send.ts";
import type { SocketDeps } from "./core/upgrade.ts";
import { openWays, type Wayfarer } from "./core/way.ts";

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
  /** Whether the process is about to end: Deno then takes a client that is there for one that has left. */
  readonly stopping?: () => boolean;
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
  if (!isRefusal(outcome)) return outcome;
  const stopped = outcome.refused === "client_closed" && deps.stopping?.();
  return answer(stopped ? STOPPING : outcome, asked, { deps, journal });
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

const STOPPING: Refusal = { refused: "stopping", retryAfter: 1 };
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
  const view = read instanceof Promise
    ? await orGiveBack(read, holder, deps)
    : read;
  const known = view.providers.includes(asked.route.provider);
  const present = known ? asked : identify(request, view.providers);
  if (isRefusal(present)) {
    await giveBack(holder, deps.store);
    return present;
  }
  const route = routeFor(holder.token, present, view.providers);
  journal.note({ token: holder.token.id, provider: route.provider.id });

  const account = openAccount(holder, { route, method: request.method }, deps);
  journal.whenClosed((line) => account.close(line));
  const whenOver = (work: () => void) => journal.whenClosed(work);
  const revocation = openRevocation(request.signal, whenOver);
  const run = {
    token: holder.token.id,
    hash: holder.by,
    lease: holder.taken?.lease || undefined,
    bounded: holder.token.limits.budget !== undefined,
    end: revocation.end,
    journal,
    account,
  };
  journal.whenClosed(deps.running.begin(run, holder.looked));
  const traveller = { holder, route, account, revocation };
  const admitted = { ...traveller, view, address, journal };
  const carried = carry(request, admitted, deps);
  // Bun waits for no handler whose client has gone; who is billed to the end is waited for here.
  revocation.hearLeaving(() => {
    if (revocation.outlives) deps.defer("drain", carried);
  });
  const outcome = await carried;
  return isRefusal(outcome) ? revocation.why ?? outcome : outcome;
}

/** What was taken is given back where nobody can tell what there is. */
async function orGiveBack(
  read: Promise<View>,
  holder: Holder,
  { store, defer }: Deps,
): Promise<View> {
  try {
    return await read;
  } catch (error) {
    defer("settle", giveBack(holder, store));
    throw error;
  }
}

/** An admitted request, and all that belongs to it. */
interface Admitted extends Traveller, Wayfarer {
  readonly journal: Journal;
}

/** The straight line's second half: which ways are open, and to an origin and back on one of them. */
async function carry(
  request: Request,
  admitted: Admitted,
  deps: Deps,
): Promise<Response | Refusal> {
  const { holder, account, revocation, journal } = admitted;
  if (wantsSocket(request)) {
    sockets ??= import("./core/carry_socket.ts");
    return await (await sockets).carrySocket(request, admitted, deps);
  }
  const own = ownAsked(request, admitted);
  const told = own && await tell(own, { request, asking: admitted }, deps);
  if (told) return told;
  const leads = await leadsOf(request, admitted, deps);
  if (isRefusal(leads)) return leads;
  const ways = await openWays(request, leads, { ...admitted, deps });
  if (isRefusal(ways)) return ways;
  const denied = await account.hold(ways.map(({ asked }) => asked));
  if (denied) return denied;

  if (revocation.signal.aborted) return { refused: "client_closed" };
  if (holder.token.abort === "drain") revocation.outlive();
  const sending = send(ways, admitted, deps);
  account.sent();
  const { outcome: begun, way, lost } = await sending;
  if (isRefusal(begun)) {
    account.refused(begun);
    return begun;
  }
  if (begun.hop) journal.note({ hop: true });

  stampUse(holder.token.id, deps);
  const { route, pool: credentials, content: { asked } } = way;
  const known = { deps, journal, credentials };
  const journey = journeyOf(request, { ...admitted, route }, known);
  // What one answer says it used is not all of it where another was lost.
  const meter = lost ? undefined : journey.meter;
  return await respond(begun, { ...journey, asked, meter });
}

/** Loaded once, with the first socket. */
let sockets: Promise<typeof import("./core/carry_socket.ts")> | undefined;
/** Loaded once, with the first question to doppel itself. */
let answers: Promise<typeof import("./core/own.ts")> | undefined;

/** What doppel says itself; nothing where an origin is to. */
async function tell(
  own: Own,
  asked: { readonly request: Request; readonly asking: Admitted },
  deps: Deps,
): Promise<Response | Refusal | undefined> {
  answers ??= import("./core/own.ts");
  const told = await (await answers).answerOwn(own, asked, deps);
  if (told && !isRefusal(told)) stampUse(asked.asking.holder.token.id, deps);
  return told;
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
