/**
 * Where a request is aimed: path and query as received, byte for byte.
 *
 * One parse serves routing and forwarding, because two readers of one path are
 * how gateways get bypassed. What the runtimes normalise differently (Deno
 * hands over `/a/../b` raw, Bun resolves it, `fetch` resolves it later) is
 * refused.
 *
 * @module
 */

import type { Refusal } from "./refusal.ts";

/** A request target in origin-form (RFC 9112 §3.2.1), still percent-encoded. */
export interface Target {
  /** Begins with exactly one slash. */
  readonly path: string;
  /** Empty, or begins with `?`. */
  readonly query: string;
}

/** Where the entrance of a hop is; no API has such a path. */
export const ENTRANCE = "/hop/";

/** Query parameters that carry a credential; cut out of what is forwarded. */
const CREDENTIAL_PARAMETERS: ReadonlySet<string> = new Set([
  "key",
  "access_token",
  "oauth_token",
  "api-key",
]);

/** A target without its credential parameters, and what those held. */
export interface CleanTarget extends Target {
  /** Non-empty values by lower-case parameter name, decoded, in the order received. */
  readonly credentials: readonly { name: string; value: string }[];
}

/** The path part of an absolute URL, untouched but for slashes that lead it. */
export function pathOf(url: string): string {
  let start = url.indexOf("/", url.indexOf("://") + 3);
  if (start === -1) return "/";
  while (url[start + 1] === "/") start++;
  return /[^?#]*/.exec(url.slice(start))![0];
}

/** Host and port a client reached, as `SignedRequest` wants them; `publicUrl` where a proxy in front rewrites `Host`. */
export function authorityOf(
  request: Request,
  publicUrl: string | undefined,
): string {
  const { protocol, host } = new URL(publicUrl ?? request.url);
  if (publicUrl !== undefined) return host;
  const sent = request.headers.get("host")?.toLowerCase() ?? host;
  return sent.replace(protocol === "https:" ? /:443$/ : /:80$/, "");
}

const DOT_SEGMENT = /(?:\/|%2f)(?:\.|%2e){1,2}(?=[/;]|%3b|%2f|$)/i;
// deno-lint-ignore no-control-regex
const FORBIDDEN = /[\\\x00-\x20\x7f]|%5c|%[01][0-9a-f]|%7f/i;

/**
 * Reads the target out of `request.url`, whose host is never used.
 *
 * Dot segments, backslashes and control characters, raw or percent-encoded,
 * are `request_malformed`; `%2F` stays, since model ids carry it.
 */
export function readTarget(url: string): Target | Refusal {
  const path = pathOf(url);
  if (DOT_SEGMENT.test(path) || FORBIDDEN.test(path)) {
    return {
      refused: "request_malformed",
      detail:
        "Dot segments, backslashes and control characters are not forwarded.",
    };
  }
  const hash = url.indexOf("#");
  const whole = hash === -1 ? url : url.slice(0, hash);
  const mark = whole.indexOf("?");
  return { path, query: mark === -1 ? "" : whole.slice(mark) };
}

/**
 * Cuts the credential parameters out; every other byte of the query stays.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { withoutCredentials } from "./target.ts";
 *
 * const { query, credentials } = withoutCredentials({ path: "/", query: "?flag&key=T&a&&b=%20," });
 * assert.equal(query, "?flag&a&&b=%20,");
 * assert.deepEqual(credentials, [{ name: "key", value: "T" }]);
 * ```
 */
export function withoutCredentials({ path, query }: Target): CleanTarget {
  if (query === "") return { path, query, credentials: [] };
  const credentials: { name: string; value: string }[] = [];
  const kept: string[] = [];
  for (const pair of query.slice(1).split("&")) {
    const equals = pair.indexOf("=");
    const name = decode(equals === -1 ? pair : pair.slice(0, equals))
      .toLowerCase();
    if (!CREDENTIAL_PARAMETERS.has(name)) kept.push(pair);
    else if (equals !== -1 && equals + 1 < pair.length) {
      credentials.push({ name, value: decode(pair.slice(equals + 1)) });
    }
  }
  const rest = kept.length === query.slice(1).split("&").length
    ? query
    : kept.length === 0
    ? ""
    : "?" + kept.join("&");
  return { path, query: rest, credentials };
}

/** Fields and parameters by which servers take a request for another (https://cloud.google.com/apis/docs/system-parameters). */
const OVERRIDING_FIELDS = [
  "x-http-method-override",
  "x-http-method",
  "x-method-override",
];
const OVERRIDING_PARAMETERS = /^\$(?:httpmethod|ct)$/;

/** Whether a request says that its method or type is not what it says. */
export function overridden(headers: Headers, { query }: Target): boolean {
  return OVERRIDING_FIELDS.some((field) => headers.has(field)) ||
    query.slice(1).split("&").some((pair) =>
      OVERRIDING_PARAMETERS.test(decode(pair.split("=", 1)[0]!).toLowerCase())
    );
}

/** As a form decodes it; text that is no valid encoding stays as it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}
