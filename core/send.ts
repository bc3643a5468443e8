/**
 * How a request gets its answer: with the one key there is, or with one after
 * another until one serves.
 *
 * @module
 */

import { type Credential, isSingle } from "./credential.ts";
import type { Begun, Egress } from "./egress.ts";
import type { Journal } from "./journal.ts";
import type { Traveller } from "./journey.ts";
import type { sendPooled, Sent } from "./pooled.ts";
import type { PoolDeps } from "./rota.ts";
import type { Way } from "./way.ts";

/** What sending needs of the process. */
export interface SendDeps extends PoolDeps {
  /** Sends a request towards its origin. */
  readonly egress: Egress;
}

/** Whose request it is, and where attempts are written down. */
export interface Sending
  extends Pick<Traveller, "holder" | "account" | "revocation"> {
  /** Of the request. */
  readonly journal: Journal;
}

/** Sends it on the ways it has, the first first; the account is that of the way whose answer it is. */
export async function send(
  ways: readonly Way[],
  sending: Sending,
  deps: SendDeps,
): Promise<Sent<Begun>> {
  const { account, journal, revocation: { signal } } = sending;
  const sendWith = (credential: Credential, way: Way) => {
    const { route, request: { method, headers: received } } = way;
    const content = account.clamped ?? way.content;
    const sent = { method, received, content, signal };
    return deps.egress({ ...route, ...sent, credential });
  };
  const [way] = ways;
  const { route, pool } = way!;
  journal.note({ provider: route.provider.id });
  if (ways.length === 1 && isSingle(pool)) {
    journal.note({ credential: pool[0]!.id });
    return { outcome: await sendWith(pool[0]!, way!), way: way! };
  }
  const open = ways.filter(({ asked }) => account.toward(asked));
  const toward = (credential: Credential, way: Way) => {
    account.toward(way.asked);
    return sendWith(credential, way);
  };
  const sent = await sendSome<Begun>(toward, { ...sending, ways: open }, deps);
  account.toward(sent.way.asked);
  return sent;
}

/** Loaded once, with the first request that has a choice. */
let pooled: Promise<typeof import("./pooled.ts")> | undefined;

/** See {@linkcode sendPooled}. */
export async function sendSome<Opened extends object>(
  ...[send, asked, deps]: Parameters<typeof sendPooled<Opened>>
): Promise<Sent<Opened>> {
  pooled ??= import("./pooled.ts");
  return await (await pooled).sendPooled(send, asked, deps);
}
