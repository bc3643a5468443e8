/**
 * Slots: every place in a request where a credential can ride. All are read,
 * all are emptied, one is written.
 *
 * @module
 */

import type { CleanTarget } from "./target.ts";

/** Header fields that are slots; none of them is ever forwarded as received. */
export const SLOT_FIELDS = [
  "authorization",
  "x-api-key",
  "x-goog-api-key",
  "api-key",
] as const;

const SUBPROTOCOL = "openai-insecure-api-key.";
/** More distinct values than there are slots is no client's mistake. */
const MOST_VALUES = 8;

// RFC 9110 §11.6.2 with the schemes Bearer (RFC 6750) and Token (google-genai's
// Live client); `[ \t]`, not `\s`, which would let a no-break space through.
const BEARER = /^(?:bearer|token)[ \t]+([^ \t,]+)$/i;

/**
 * The distinct non-empty values of all slots, never logged. `undefined` where
 * there are more than any client sends.
 */
export function readSlots(
  headers: Headers,
  { credentials }: CleanTarget,
): ReadonlySet<string> | undefined {
  const values = new Set<string>();
  const bearer = BEARER.exec(headers.get("authorization") ?? "")?.[1];
  if (bearer) values.add(bearer);
  for (const field of SLOT_FIELDS) {
    const value = field === "authorization" ? null : headers.get(field);
    if (value) values.add(value);
  }
  for (const { value } of credentials) values.add(value);
  for (const protocol of subprotocols(headers)) {
    if (protocol.startsWith(SUBPROTOCOL)) {
      values.add(protocol.slice(SUBPROTOCOL.length));
    }
  }
  return values.size > MOST_VALUES ? undefined : values;
}

/** Items of this subprotocol list that stop here: the token, and the names of the holder's own account. */
const NOT_UP = [SUBPROTOCOL, "openai-organization.", "openai-project."];
/** RFC 9110 §5.6.2. */
const PROTOCOL = /^[\w!#$%&'*+.^`|~-]+$/;

/** The subprotocols that go up, in the client's order; `undefined` where one is none, or comes twice. */
export function readProtocols(headers: Headers): string[] | undefined {
  const offered = subprotocols(headers);
  if (!offered.every((item) => PROTOCOL.test(item))) return undefined;
  if (new Set(offered).size < offered.length) return undefined;
  return offered.filter((item) =>
    !NOT_UP.some((start) => item.startsWith(start))
  );
}

/** What the client offers in `Sec-WebSocket-Protocol` (RFC 6455 §11.3.4). */
function subprotocols(headers: Headers): string[] {
  const offered = headers.get("sec-websocket-protocol");
  return offered === null ? [] : offered.split(",").map((part) => part.trim());
}
