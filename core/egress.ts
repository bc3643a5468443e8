/**
 * The contract of egress: what goes to an origin, what comes back.
 *
 * @module
 */

import type { Content } from "./content.ts";
import type { Credential } from "./credential.ts";
import type { Flight } from "./flight.ts";
import type { Provider } from "./provider.ts";
import type { Refusal } from "./refusal.ts";
import { type Fields, fieldsUp } from "./rewrite.ts";
import type { Signal } from "./signal.ts";
import { uriAt } from "./target_uri.ts";
import type { Target } from "./target.ts";
import type { Trouble } from "./trouble.ts";

/** Methods that are forwarded. */
export const METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
]);

/** RFC 9110 §9.2.2: to receive one of these twice does no harm. */
export const IDEMPOTENT: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "PUT",
  "DELETE",
]);

/** A request on its way to an origin. */
export interface Forwarded {
  /** Upper case. */
  readonly method: string;
  /** Whose API it is for. */
  readonly provider: Provider;
  /** Path and query, every credential cut out. */
  readonly target: Target;
  /** The one key that goes into the provider's slot. */
  readonly credential: Credential;
  /** The client's fields as they came, slots included. */
  readonly received: Headers;
  /** The body. */
  readonly content: Content;
  /** Aborts when the client leaves. */
  readonly signal: Signal;
}

/** An origin's answer that has begun. */
export interface Begun {
  /** Status and fields as received. */
  readonly response: Response;
  /** To be landed when the body has ended. */
  readonly flight: Flight;
  /** Stops the origin. */
  readonly abort: () => void;
  /** Fields of ours that go down with it. */
  readonly own?: Fields | undefined;
  /** Whether it came through a hop. */
  readonly hop?: true;
  /** What it says about the key it was asked with, where that was looked into. */
  readonly trouble?: Trouble | undefined;
}

/** Sends a request towards its origin. */
export type Egress = (forwarded: Forwarded) => Promise<Begun | Refusal>;

/** The answer is not wanted. */
export function giveUp({ flight, abort, response }: Begun): void {
  flight.land();
  abort();
  response.body?.cancel().catch(() => {});
}

/** Where a request is sent, and with which fields. */
export interface Aim {
  /** Absolute. */
  readonly url: string;
  /** All but those that frame the content. */
  readonly fields: Fields;
}

/** Target URI and fields: every slot emptied, the one key written, where there is one, and what is fixed. */
export function aimed(
  { provider, target, credential, received }: Pick<
    Forwarded,
    "provider" | "target" | "credential" | "received"
  >,
): Aim {
  const { key } = credential;
  const slot = key === "" ? [] : provider.credentialFields(key, target.path);
  return {
    url: uriAt(provider, target),
    fields: fieldsUp(received, [...slot], provider.fixed),
  };
}
