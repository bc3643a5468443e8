/**
 * URLs in an answer that would lead a client around doppel, turned back to it.
 *
 * @module
 */

import type { Provider, Route } from "./provider.ts";
import { pathAt } from "./target_uri.ts";

/** The JSON field of the route's answers that holds a URL to be turned back. */
export function followedField(
  { provider, target }: Route,
): string | undefined {
  return provider.followed.find((row) => row.path.test(target.path))?.field;
}

/** Replaces the values of one field in JSON text and leaves every other byte. */
export function turnField(
  text: string,
  field: string,
  turn: (url: string) => string,
): string {
  const value = new RegExp(
    `(?<!\\\\)("${field}"\\s*:\\s*)("(?:[^"\\\\]|\\\\.)*")`,
    "g",
  );
  return text.replace(value, (whole, name, json) => {
    const url = parsed(json);
    const turned = turn(url);
    return turned === url ? whole : name + JSON.stringify(turned);
  });
}

/** The string a JSON literal stands for; empty where it stands for none. */
function parsed(literal: string): string {
  try {
    return JSON.parse(literal);
  } catch {
    return "";
  }
}

/** `url` through doppel where it points at the origin, under whichever name; all others as they are. */
export function turnBack(
  url: string,
  provider: Provider,
  base: () => string,
): string {
  const path = pathAt(provider, url);
  return path === undefined ? url : base() + path;
}

/** Where clients reach this route's paths. */
export function publicBase(
  request: Request,
  { prefix }: Route,
  { publicUrl }: { readonly publicUrl?: string | undefined },
): string {
  if (publicUrl !== undefined) return publicUrl + prefix;
  const { protocol, host } = new URL(request.url);
  return `${protocol}//${request.headers.get("host") ?? host}${prefix}`;
}
