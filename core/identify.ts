/**
 * What a request wants and from whom it says it comes, before any of it is
 * believed.
 *
 * @module
 */

import type { Presented } from "./admit.ts";
import { uploadOf } from "./edit.ts";
import { METHODS } from "./egress.ts";
import type { Provider, Route } from "./provider.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import { chooseProvider } from "./route.ts";
import { readSlots } from "./slot.ts";
import type { TokenRecord } from "./store.ts";
import { overridden, readTarget, withoutCredentials } from "./target.ts";

/** A request whose caller and wish are known, not yet believed. */
export interface Asked extends Presented {
  /** Where it seems to go, by prefix or signs. */
  readonly route: Route;
}

const OVERRIDDEN: Refusal = {
  refused: "request_malformed",
  detail: "Nothing that overrides a request's method or type is forwarded.",
};
const NO_ROUTE: Refusal = { refused: "no_route" };

/** The route it seems to mean and the values in its slots. */
export function identify(
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
export function routeFor(
  { providers: scope }: TokenRecord,
  { route }: Asked,
  providers: readonly Provider[],
): Route {
  if (route.prefix !== "" || scope.length !== 1) return route;
  const provider = providers.find((row) => row.id === scope[0]);
  if (provider === undefined || provider === route.provider) return route;
  const target = provider.canonical?.(route.target) ?? route.target;
  return { ...route, provider, target };
}
