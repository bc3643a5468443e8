/**
 * Who a request is from and what its token allows. Pure: the facts come in,
 * a record or a refusal goes out.
 *
 * @module
 */

import { BlockList, isIP } from "node:net";
import type { Holder } from "./admit.ts";
import { leftFields } from "./left.ts";
import type { Limits, Shortage } from "./limit.ts";
import { covers, modelsNamed, type ModelSources } from "./model.ts";
import { endpointClass, type Route } from "./provider.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import { unlisted } from "./route.ts";
import type { Admission, Ask, Pause, TokenRecord } from "./store.ts";
import { bearsOurPrefix } from "./token.ts";

/** A value that could be a token. */
export interface Candidate extends Ask {
  /** As it was sent. */
  readonly value: string;
  /** Lower-case hex SHA-256. */
  readonly hash: string;
}

/**
 * Among the values a client sent, the one that is a token of ours.
 *
 * Real tools fill two slots and real keys are left in the other one, so values
 * that the store does not know are passed over; two different tokens, or a
 * token beside a value that says it is one, are refused.
 */
export function authenticate(
  values: readonly string[],
  candidates: readonly Candidate[],
  { records }: Admission,
  now: number,
): TokenRecord | Refusal {
  const known = candidates.flatMap(({ value, hash }, i) => {
    const record = records[i];
    return record && matches(record, hash, now) ? [{ value, record }] : [];
  });
  const claimed = new Set(values.filter(bearsOurPrefix));
  for (const { value } of known) claimed.add(value);
  if (claimed.size > 1) return { refused: "token_ambiguous" };
  return usable(known[0]?.record, now);
}

/** The record while its token may be used. */
export function usable(
  record: TokenRecord | undefined,
  now: number,
): TokenRecord | Refusal {
  if (record?.status !== "active") return { refused: "token_invalid" };
  // Not `expires <= now`, which lets an unreadable time through.
  if (record.expires !== undefined && !(record.expires > now)) {
    return { refused: "token_expired" };
  }
  return record;
}

/**
 * The one record that is asked for and may be used now, for a store that takes
 * of its limits; the same test as `authenticate()` and `paused()` make.
 */
export function admissible(
  asks: readonly Ask[],
  { records, pause }: Admission,
  { now, only }: { now: number; only: number | undefined },
): TokenRecord | undefined {
  const own = records.flatMap((record, i) => {
    const { hash } = asks[i]!;
    const known = record && (hash === undefined || matches(record, hash, now));
    return known ? [i] : [];
  });
  if (own.length !== 1 || (only ?? own[0]) !== own[0]) return undefined;
  const record = usable(records[own[0]!], now);
  if (isRefusal(record)) return undefined;
  return paused(pause, now) === undefined ? record : undefined;
}

/** The record while what was presented may go on being used. */
export function standing(
  record: TokenRecord | undefined,
  hash: string | undefined,
  now: number,
): TokenRecord | Refusal {
  const token = usable(record, now);
  if (isRefusal(token) || hash === undefined) return token;
  return matches(token, hash, now) ? token : { refused: "token_invalid" };
}

/** Looked up by a hash of 256 bits of which nobody can send a chosen one, so a plain comparison tells nothing. */
export function matches(
  { hash, previous }: TokenRecord,
  presented: string,
  now: number,
): boolean {
  return hash === presented ||
    previous?.hash === presented && previous.expires > now;
}

/** `paused` while the pause lasts; a retry is worth naming only when it ends within a minute. */
export function paused(
  pause: Pause | undefined,
  now: number,
): Refusal | undefined {
  if (pause === undefined || now < pause.from) return undefined;
  if (pause.until === undefined) return { refused: "paused" };
  const left = pause.until - now;
  if (left <= 0) return undefined;
  return left <= 60
    ? { refused: "paused", retryAfter: left }
    : { refused: "paused" };
}

/** What a limit that is short is called: 429 is for rates, which time mends, 402 for money, which it does not. */
export function refusalOf(
  { short, retryAfter = 1, left = [] }: Shortage,
  limits: Limits = {},
): Refusal {
  const fields = leftFields(limits, left);
  switch (short) {
    case "requests":
    case "tokens":
      return { refused: "rate_limited", retryAfter, fields };
    case "concurrency":
      return { refused: "concurrency_limited", retryAfter, fields };
    default:
      return { refused: "budget_exhausted", fields };
  }
}

/** What of a request its holder's scopes are asked about. */
export interface Asking {
  /** Its method. */
  readonly method: string;
  /** It asks for a WebSocket. */
  readonly socket: boolean;
  /** Where it comes from. */
  readonly address: () => string | undefined;
}

/** Whether the token's scopes cover a route; what costs least is asked first. */
export function authorize(
  { token, minted }: Holder,
  { provider, target }: Route,
  { method, socket, address }: Asking,
): Refusal | undefined {
  if (!token.providers.includes(provider.id)) {
    return { refused: "provider_denied" };
  }
  const off = unlisted(provider, method, target);
  // At a 426 clients go on in HTTP; at a 405 Codex asks six times more first.
  if (socket && off?.refused === "method_not_allowed") {
    return { refused: "upgrade_refused" };
  }
  if (off) return off;
  const elsewhere = authorizeAddress(token, address);
  if (elsewhere) return elsewhere;
  const endpoint = endpointClass(provider, method, target);
  if (minted && (minted.provider !== provider.id || endpoint !== "realtime")) {
    const detail = "This secret is not valid for this endpoint.";
    return { refused: "endpoint_denied", detail };
  }
  if (token.endpoints.some((open) => open === endpoint || open === "all")) {
    return undefined;
  }
  const detail = `This doppel token is not valid for "${endpoint}" endpoints.`;
  return { refused: "endpoint_denied", detail };
}

/** Whether the token may be used from where its client is. */
export function authorizeAddress(
  { addresses }: TokenRecord,
  address: () => string | undefined,
): Refusal | undefined {
  return addresses.length > 0 && !within(addresses, address())
    ? { refused: "address_denied" }
    : undefined;
}

/**
 * A token limited to some models may only send what names one of them: a batch
 * or a stored assistant names its models where no proxy looks. Reading is free.
 */
export function authorizeModels(
  { models: globs }: Pick<TokenRecord, "models">,
  sources: ModelSources & { method: string },
): Refusal | undefined {
  if (globs.length === 0) return undefined;
  const found = modelsNamed(sources);
  if (found === undefined) {
    const detail = "The model of this request cannot be read.";
    return { refused: "model_denied", detail };
  }
  const reads = sources.method === "GET" || sources.method === "HEAD";
  if (found.named.length === 0 && !reads) {
    const detail = "This request names no model.";
    return { refused: "model_denied", detail };
  }
  const covered = [...found.named, ...found.mentioned].every((model) =>
    globs.some((glob) => covers(glob, model))
  );
  return covered ? undefined : { refused: "model_denied" };
}

/**
 * Whether a socket may be opened. What goes through it is not read, so a token
 * limited to some models needs a route that names the one model in its query;
 * 426 elsewhere, since HTTP, to which clients then fall back, can be read.
 */
export function authorizeSocket(
  { models: globs, isolated }: Pick<TokenRecord, "isolated" | "models">,
  { provider, target }: Route,
  method: string,
): Refusal | undefined {
  const row = provider.sockets.find(({ path }) => path.test(target.path));
  if (row === undefined || method !== "GET") {
    return { refused: "upgrade_refused" };
  }
  if (row.model === "frames" && (isolated || globs.length > 0)) {
    const detail =
      "A doppel token limited to models or objects opens no WebSocket here: use HTTP.";
    return { refused: "upgrade_refused", detail };
  }
  if (globs.length === 0) return undefined;
  const models = new URLSearchParams(target.query).getAll("model");
  if (models.length === 0) {
    const detail = "This request names no model.";
    return { refused: "model_denied", detail };
  }
  const covered = models.every((model) =>
    globs.some((glob) => covers(glob, model))
  );
  return covered ? undefined : { refused: "model_denied" };
}

/** Whether `address` lies in one of the CIDR ranges; an unknown address lies in none. */
export function within(
  ranges: readonly string[],
  address: string | undefined,
): boolean {
  const plain = address?.replace(/^::ffff:(?=\d+\.)/i, "").replace(/%.*$/, "");
  const family = isIP(plain ?? "") === 6 ? "ipv6" : "ipv4";
  if (plain === undefined || isIP(plain) === 0) return false;
  const list = new BlockList();
  for (const range of ranges.map(parseRange)) {
    // Bun counts an IPv4 address into `::/0`; Deno does not.
    if (range?.family !== family) continue;
    list.addSubnet(range.address, range.bits, range.family);
  }
  return list.check(plain, family);
}

/** A CIDR range, or one address, taken apart; `undefined` where it is neither. */
export function parseRange(range: string):
  | { address: string; bits: number; family: "ipv4" | "ipv6" }
  | undefined {
  const [address = "", length, more] = range.split("/");
  const family = isIP(address);
  const most = family === 4 ? 32 : 128;
  const bits = length === undefined ? most : Number(length);
  if (family === 0 || more !== undefined || address.includes("%")) {
    return undefined;
  }
  if (length !== undefined && !/^\d{1,3}$/.test(length) || bits > most) {
    return undefined;
  }
  return { address, bits, family: family === 4 ? "ipv4" : "ipv6" };
}

/**
 * The client's address: the peer's, or what the nearest trusted proxies say of
 * theirs in `X-Forwarded-For`, read from the right; anybody may write the left.
 */
export function clientAddress(
  peer: string | undefined,
  forwardedFor: string | null,
  trusted: readonly string[],
): string | undefined {
  if (trusted.length === 0 || forwardedFor === null) return peer;
  let address = peer;
  for (const hop of forwardedFor.split(",").reverse()) {
    if (!within(trusted, address)) break;
    address = hop.trim();
  }
  return address;
}
