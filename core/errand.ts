/**
 * An errand: what does not change while a request goes one way.
 *
 * @module
 */

import type { Holder } from "./admit.ts";
import { leased, type Limits } from "./limit.ts";
import { isUnmetered, meteringOf } from "./meter.ts";
import { requestLine, type Route } from "./provider.ts";

/** A holder's request, on the way to one provider. */
export interface Errand extends Holder {
  /** Where it goes. */
  readonly route: Route;
  /** Its method. */
  readonly method: string;
  /** See `requestLine()`. */
  readonly line: string;
  /** How its answer is metered. */
  readonly how: ReturnType<typeof meteringOf>;
  /** Whether it is metered at all. */
  readonly metered: boolean;
  /** The token's. */
  readonly limits: Limits;
}

/** `metering`: whether answers are metered though no limit needs it. */
export function errandOf(
  holder: Holder,
  { route, method }: { route: Route; method: string },
  { metering }: { readonly metering: boolean },
): Errand {
  const line = requestLine(method, route.target.path);
  const how = meteringOf(route.provider.usage, line);
  const { limits } = holder.token;
  const metered = !isUnmetered(how) && (metering || leased(limits));
  return { ...holder, route, method, line, how, metered, limits };
}
