/**
 * The entrance of a hop: carries what a primary has signed to the origin, with
 * a key of its own, and the answer back. It takes nothing from anybody else,
 * and never goes through a hop itself: it opens only where there is none.
 *
 * @module
 */

import { readContent } from "./core/content.ts";
import { type Credential, credentialNamed, isUsed } from "./core/credential.ts";
import type { Egress } from "./core/egress.ts";
import {
  ANSWER,
  FROM_ORIGIN,
  type HopRequest,
  isShut,
  readHopRequest,
  type Shut,
} from "./core/hop.ts";
import { type Journal, type LogLine, openJournal } from "./core/journal.ts";
import type { Keyring, View } from "./core/keyring.ts";
import { problemResponse } from "./core/problem.ts";
import type { Provider } from "./core/provider.ts";
import { isRefusal, type Refusal, REFUSALS } from "./core/refusal.ts";
import { judge } from "./core/region.ts";
import { type Journey, respond } from "./core/respond.ts";
import { type SocketEgress, wantsSocket } from "./core/socket.ts";
import { type Store, StoreUnavailable } from "./core/store.ts";
import { pathOf } from "./core/target.ts";
import { openSocket, type SocketDeps } from "./core/upgrade.ts";

/** All that the entrance reaches outside itself. */
export interface EntranceDeps extends SocketDeps {
  /** Where nonces are taken. */
  readonly store: Store;
  /** Providers and keys, as the owner has them by now. */
  readonly keyring: Pick<Keyring, "recent">;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Logs a bug under its name. */
  readonly fault: (name: string, error: unknown) => void;
  /** Writes a request's line. */
  readonly log: (line: LogLine) => void;
  /** Largest request content, bytes. */
  readonly maxBodyBytes: number;
  /** Silence allowed within an answer, seconds. */
  readonly idleSeconds: number;
  /** Base URL the primary uses, where it is not what `Host` says. */
  readonly publicUrl?: string | undefined;
}

/** What opens the entrance. */
export interface Entrance {
  /** As `Hop.secret`. */
  readonly secret: string;
  /** Seconds a signature's clock may be off. */
  readonly window: number;
  /** The ways straight to the origin. */
  readonly direct: { readonly egress: Egress; readonly socket: SocketEgress };
}

/** Answers a request whose path begins with `/hop/`. */
export async function enter(
  request: Request,
  entrance: Entrance,
  deps: EntranceDeps,
): Promise<Response> {
  const journal = openJournal(
    { method: request.method, path: pathOf(request.url) },
    { now: deps.now, write: deps.log },
  );
  journal.note({ hop: true });
  const outcome = await carry(request, journal, { ...deps, ...entrance })
    .catch((error): Refusal => {
      if (error instanceof StoreUnavailable) return STORE_AWAY;
      deps.fault("hop", error);
      return { refused: "internal_error" };
    });
  if (!(outcome instanceof Response)) return turnAway(outcome, journal);
  if (outcome.status !== 101) outcome.headers.set(ANSWER, FROM_ORIGIN);
  return outcome;
}

const STORE_AWAY: Refusal = { refused: "store_unavailable" };

async function carry(
  request: Request,
  journal: Journal,
  deps: EntranceDeps & Entrance,
): Promise<Response | Refusal | Shut> {
  const view = await deps.keyring.recent();
  const signed = await admitPrimary(request, view, deps);
  if (isRefusal(signed) || isShut(signed)) return signed;
  const { provider, target, received } = signed;
  journal.note({ provider: provider.id });

  const now = Math.floor(deps.now() / 1000);
  const credential = ownCredential(signed, view.pools[provider.id], now);
  if (isRefusal(credential)) return credential;
  journal.note({ credential: credential.id });

  const { method, signal } = request;
  const journey: Journey = {
    journal,
    route: { provider, prefix: "", target },
    // URLs are turned back by the primary, which knows the origin by the API's own name.
    base: () => provider.home ?? provider.origin,
    method,
    credentials: [credential],
    idleSeconds: deps.idleSeconds,
    // The primary's own comments reach the client.
    pingSeconds: 0,
    signal,
  };
  if (wantsSocket(request)) {
    return await carrySocket(request, credential, { received, journey, deps });
  }

  const content = await readContent(request, {
    limit: deps.maxBodyBytes,
    whole: false,
  }).catch((): Refusal => ({ refused: "client_closed" }));
  if (isRefusal(content)) return content;

  const begun = await deps.direct.egress(
    { method, provider, target, credential, received, content, signal },
  );
  return isRefusal(begun) ? begun : await respond(begun, journey);
}

/** On a route that has sockets; the 101, too, says that it is the origin's. */
function carrySocket(
  request: Request,
  credential: Credential,
  { received, journey, deps }: {
    received: Headers;
    journey: Journey;
    deps: EntranceDeps & Entrance;
  },
): Promise<Response | Refusal> | Refusal {
  const { provider, target } = journey.route;
  if (!provider.sockets.some(({ path }) => path.test(target.path))) {
    return { refused: "upgrade_refused" };
  }
  return openSocket(request, journey, {
    ...deps,
    dial: (upgrading) =>
      deps.direct.socket({ ...upgrading, credential, received }),
    accept(asked, fields) {
      fields.set(ANSWER, FROM_ORIGIN);
      return deps.accept(asked, fields);
    },
  });
}

/** The request a primary signed, once. Nothing else of it is looked at before; its content is still unread. */
async function admitPrimary(
  request: Request,
  { providers }: View,
  deps: EntranceDeps & Pick<Entrance, "secret" | "window">,
): Promise<HopRequest | Refusal | Shut> {
  const signed = readHopRequest(request, {
    ...deps,
    providers,
    publicUrl: deps.publicUrl,
    now: deps.now(),
  });
  if (isShut(signed)) return signed;
  return await deps.store.takeNonce(signed.nonce, signed.expires)
    ? signed
    : { status: 401, title: "This nonce was used before." };
}

/** The minted secret that came along; else the credential the primary named, where there is one of that id; else the one our own pool gives to that name. */
function ownCredential(
  { credentialId, minted }: Pick<HopRequest, "credentialId" | "minted">,
  pool: readonly Credential[] | undefined,
  now: number,
): Credential | Refusal {
  if (minted) return { id: credentialId, key: minted, minted: true };
  const named = pool?.find(({ id }) => id === credentialId);
  return named && isUsed(named, now)
    ? named
    : credentialNamed(pool, credentialId, now);
}

/** For the primary, which puts it in its caller's envelope. */
function turnAway(outcome: Refusal | Shut, journal: Journal): Response {
  if (isShut(outcome)) {
    const { status, title } = outcome;
    journal.close("refused", { status, reason: title });
    return problemResponse(outcome, { [ANSWER]: title });
  }
  const { refused, detail } = outcome;
  const { status, detail: usual } = REFUSALS[refused];
  journal.close(refused === "client_closed" ? "client_closed" : "refused", {
    status,
    refused,
  });
  const title = detail ?? usual;
  return problemResponse({ status, title }, { [ANSWER]: refused });
}

/** Whether an API serves this region. */
export type Verdict = "served" | "refused" | "unknown";

/** Asks an API of the table; `undefined` for one that is not in it. */
export type Probe = (providerId: string) => Promise<Verdict | undefined>;

/** Seconds an answer stands, so that nobody can make doppel ask often. */
const PROBE_STANDS = 60;
/** Milliseconds an API may take. */
const PROBE_TAKES = 10_000;

/** A probe with its memory: a row per provider, for a minute. */
export function createProbe(
  { direct }: Pick<Entrance, "direct">,
  { keyring, now }: Pick<EntranceDeps, "keyring" | "now">,
): Probe {
  const asked = new Map<string, { until: number; verdict: Promise<Verdict> }>();
  return async (providerId) => {
    const { providers, pools } = await keyring.recent();
    const provider = providers.find(({ id }) => id === providerId);
    if (provider === undefined) return undefined;
    const before = asked.get(providerId);
    if (before !== undefined && before.until > now()) {
      return await before.verdict;
    }
    const seconds = Math.floor(now() / 1000);
    const credential = credentialNamed(pools[providerId], "", seconds);
    const verdict = ask(provider, credential, direct.egress)
      .catch((): Verdict => "unknown");
    asked.set(providerId, { until: now() + PROBE_STANDS * 1000, verdict });
    return await verdict;
  };
}

async function ask(
  provider: Provider,
  credential: Credential | Refusal,
  egress: Egress,
): Promise<Verdict> {
  if (isRefusal(credential)) return "unknown";
  const { path, fields } = provider.region.probe;
  const signal = AbortSignal.timeout(PROBE_TAKES);
  const begun = await egress({
    method: "GET",
    provider,
    target: { path, query: "" },
    credential,
    received: new Headers(fields as [string, string][]),
    content: { body: undefined, length: 0 },
    signal,
  });
  if (isRefusal(begun)) return "unknown";
  const { response, refused } = await judge(begun, provider.region, signal);
  begun.flight.land();
  begun.abort();
  response.body?.cancel().catch(() => {});
  if (refused) return "refused";
  return response.ok ? "served" : "unknown";
}
