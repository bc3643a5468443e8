/**
 * Which header fields travel, up to the origin and down to the client.
 *
 * Pairs in an array, not `Headers`: copying is ten times cheaper on Deno.
 *
 * @module
 */

import { SLOT_FIELDS } from "./slot.ts";

/** By this field a client says which API it means: see `chooseProvider()`. */
export const HOST_FINAL = "x-host-final";

/** Header fields as name (lower case) and value. */
export type Fields = (readonly [name: string, value: string])[];

/** RFC 9110 §7.6.1, with the fields of older HTTP that still occur. */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
];

/** Fields that stop here. `content-length` is written anew with the body. */
const NOT_UP: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  ...SLOT_FIELDS,
  "host",
  "expect",
  "content-length",
  "accept-encoding",
  "cookie",
  "forwarded",
  "x-real-ip",
  "cdn-loop",
  HOST_FINAL,
  // The holder's own account: with the owner's key these would choose another
  // project of the owner's, or fail.
  "openai-organization",
  "openai-project",
  "anthropic-workspace-id",
  "x-goog-user-project",
]);

/** Two doppels talk in these; neither a client nor an origin has a say in it. */
const BETWEEN_DOPPELS = "doppel-";

/** What begins so is doppel's word to clients, and theirs to it: no origin says it, and none hears it. */
export const OURS = "x-doppel-";

const NOT_UP_PREFIXES = [
  "proxy-",
  "x-forwarded-",
  "cf-",
  "sec-websocket-",
  BETWEEN_DOPPELS,
  OURS,
];

const NOT_DOWN_PREFIXES = [BETWEEN_DOPPELS, OURS];

const NOT_DOWN: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  "proxy-authenticate",
  "sec-websocket-accept",
  "sec-websocket-extensions",
  "sec-websocket-protocol",
  "set-cookie",
  "alt-svc",
  "strict-transport-security",
]);

/**
 * The client's fields that go up, then `added`, to which the client's own of
 * the same name are joined, and `fixed`, which take their place.
 *
 * `accept-encoding: identity` always: with `decompress: false` it is the one
 * combination under which both runtimes hand over the origin's bytes as they
 * are and headers that fit them. A client without a user agent gets ours, since
 * both runtimes would else write their own.
 */
export function fieldsUp(
  received: Headers,
  added: Fields,
  fixed?: Fields,
): Fields {
  const named = connectionOptions(received);
  const fields: Fields = fixed === undefined ? [] : [...fixed];
  received.forEach((value, name) => {
    if (NOT_UP.has(name) || named?.includes(name)) return;
    if (fixed?.some(([field]) => field === name)) return;
    if (NOT_UP_PREFIXES.some((prefix) => name.startsWith(prefix))) return;
    const joined = added.findIndex(([field]) => field === name);
    if (joined === -1) fields.push([name, value]);
    else added = added.with(joined, [name, `${value},${added[joined]![1]}`]);
  });
  if (!fields.some(([name]) => name === "user-agent")) {
    fields.push(["user-agent", "doppel"]);
  }
  fields.push(["accept-encoding", "identity"], ...added);
  return fields;
}

/** What no owner may fix either: slots, what frames or describes the content, what only this connection is told. */
const NEVER_FIXED: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  ...SLOT_FIELDS,
  "host",
  "expect",
  "content-length",
  "content-type",
  "content-encoding",
  "accept-encoding",
]);
const NEVER_FIXED_PREFIXES = ["proxy-", "sec-", BETWEEN_DOPPELS, OURS];

/** Whether an owner may have this field, lower case, written on every request to an origin. */
export function mayBeFixed(name: string): boolean {
  return /^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(name) && !NEVER_FIXED.has(name) &&
    !NEVER_FIXED_PREFIXES.some((prefix) => name.startsWith(prefix));
}

/** Given to every answer where the origin did not say otherwise. */
const SAFE: Fields = [
  // The proxy shares its origin with /admin: nothing forwarded may run there.
  ["x-content-type-options", "nosniff"],
  ["content-security-policy", "sandbox"],
  ["cache-control", "private, no-store"],
];

/** The origin's fields that go down, the safe defaults it left out, and `added`. */
export function fieldsDown(received: Headers, added: Fields = []): Headers {
  const named = connectionOptions(received);
  const fields = new Headers(SAFE as [string, string][]);
  received.forEach((value, name) => {
    if (NOT_DOWN.has(name) || named?.includes(name)) return;
    if (NOT_DOWN_PREFIXES.some((prefix) => name.startsWith(prefix))) return;
    fields.set(name, value);
  });
  for (const [name, value] of added) fields.set(name, value);
  return fields;
}

/** Field names that `Connection` declares hop-by-hop, lower case. */
function connectionOptions(headers: Headers): string[] | undefined {
  const value = headers.get("connection");
  return value?.toLowerCase().split(",").map((option) => option.trim());
}
