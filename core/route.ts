/**
 * Which API a request means, and whether that API has what it asks for.
 *
 * @module
 */

import { METHODS } from "./egress.ts";
import { NO_SIGNS, type Provider, type Route, type Signs } from "./provider.ts";
import type { Refusal } from "./refusal.ts";
import { HOST_FINAL } from "./rewrite.ts";
import type { CleanTarget, Target } from "./target.ts";

/**
 * Chooses by prefix, else by the host that `X-Host-Final` names, else by the
 * signs of the request, in the table's order; a token for one provider only
 * overrides signs, never the others (design §4). `undefined` where a prefix or
 * a host names no row.
 */
export function chooseProvider(
  target: CleanTarget,
  headers: Headers,
  providers: readonly Provider[],
): Route | undefined {
  const [, older, id, rest] =
    /^\/(proxy\/)?([^/]+)(\/.*)?$/.exec(target.path) ?? [];
  const named = providers.find((row) => row.id === id);
  if (named !== undefined) {
    const path = (rest ?? "/").replace(/^\/+/, "/");
    return routeTo(named, `/${older ?? ""}${id}`, { ...target, path });
  }
  if (older !== undefined) return undefined;
  const host = headers.get(HOST_FINAL);
  if (host !== null) {
    const row = atHost(host.toLowerCase(), providers);
    // URLs that are given back have the prefix, and need no field to come back.
    return row && routeTo(row, `/${row.id}`, target);
  }
  const provider = showing(providers)
    .find((row) => shows(row.signs, target, headers));
  return provider && { provider, prefix: "", target };
}

const SHOWING = new WeakMap<readonly Provider[], readonly Provider[]>();

/** The rows that a request can show without a prefix: few. */
function showing(providers: readonly Provider[]): readonly Provider[] {
  let rows = SHOWING.get(providers);
  if (rows === undefined) {
    rows = providers.filter(({ signs }) => signs !== NO_SIGNS);
    SHOWING.set(providers, rows);
  }
  return rows;
}

function routeTo(
  provider: Provider,
  prefix: string,
  target: CleanTarget,
): Route {
  return { provider, prefix, target: provider.canonical?.(target) ?? target };
}

/** The one row whose API is at home there; else the one that was put there. */
function atHost(
  host: string,
  providers: readonly Provider[],
): Provider | undefined {
  const homes = providers.filter(({ origin, home = origin }) =>
    hostOf(home) === host
  );
  const found = homes.length > 0
    ? homes
    : providers.filter(({ origin }) => hostOf(origin) === host);
  return found.length === 1 ? found[0] : undefined;
}

function hostOf(origin: string): string {
  return new URL(origin).host;
}

/** Every sign is enough; a row without signs takes the rest. */
function shows(
  signs: Signs | undefined,
  { path, credentials }: CleanTarget,
  headers: Headers,
): boolean {
  return signs === undefined || signs.path.test(path) ||
    signs.fields.some((field) => headers.get(field)) ||
    credentials.some(({ name }) => signs.parameters.includes(name));
}

/**
 * The refusal of what a row does not have: a path off its surface, and for a
 * closed one whatever its endpoints do not list, byte for byte as it would be
 * forwarded.
 */
export function unlisted(
  { surface, closed, endpoints }: Provider,
  method: string,
  { path }: Target,
): Refusal | undefined {
  if (!surface.test(path)) return { refused: "no_route" };
  if (!closed) return undefined;
  const has = (verb: string) => {
    const line = `${verb === "HEAD" ? "GET" : verb} ${path}`;
    return endpoints.some(([, pattern]) => pattern.test(line));
  };
  if (has(method)) return undefined;
  const allow = [...METHODS].filter(has).join(", ");
  return allow === ""
    ? { refused: "no_route" }
    : { refused: "method_not_allowed", fields: [["allow", allow]] };
}
