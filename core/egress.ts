/**
 * The contract of egress: what goes to an origin, what comes back.
 *
 * @module
 */

import type { Content } from "./content.ts";
import type { Flight } from "./flight.ts";
import type { Refusal } from "./refusal.ts";
import type { Fields } from "./rewrite.ts";

/** A request on its way to an origin. */
export interface Forwarded {
  /** Upper case. */
  readonly method: string;
  /** Absolute, the real key not in it. */
  readonly url: string;
  /** All fields but the framing of the content. */
  readonly fields: Fields;
  /** The body. */
  readonly content: Content;
  /** Aborts when the client leaves. */
  readonly signal: AbortSignal;
}

/** An origin's answer that has begun. */
export interface Begun {
  /** Status and fields as received. */
  readonly response: Response;
  /** To be landed when the body has ended. */
  readonly flight: Flight;
  /** Stops the origin. */
  readonly abort: () => void;
}

/** Sends a request towards its origin. */
export type Egress = (forwarded: Forwarded) => Promise<Begun | Refusal>;
