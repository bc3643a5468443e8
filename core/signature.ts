/**
 * HTTP Message Signatures (RFC 9421) with `hmac-sha256` and Content-Digest
 * (RFC 9530): the narrow profile of design §7, both sides.
 *
 * Strict on purpose: exactly the components below, each once, and exactly one
 * signature with our tag. A verifier that tolerates more has an empty success.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import {
  createHash,
  createHmac,
  hkdfSync,
  randomBytes,
  timingSafeEqual,
} from "node:crypto";

/** The parts of a request that are signed. */
export interface SignedRequest {
  /** Upper case. */
  readonly method: string;
  /** Host and port as in `Host`, lower case, without a default port. */
  readonly authority: string;
  /** Percent-encoded as sent. */
  readonly path: string;
  /** Empty, or begins with `?`. */
  readonly query: string;
}

/** The secret and the terms of a signature. */
export interface Terms {
  /** 32 characters or more. */
  readonly secret: string;
  /** Who signs. */
  readonly keyid: string;
  /** What the signature is for; keeps one from being used for another purpose. */
  readonly tag: string;
  /** Seconds since the epoch. */
  readonly created: number;
}

/** Shorter secrets neither sign nor verify. */
export const SHORTEST_SECRET = 32;

/** Label of our signature in the two dictionaries. */
const LABEL = "doppel";

/** What the key of a hop's signatures is derived for. */
export const HOP_PURPOSE = "doppel-hop";

/** A secret for one purpose, made of one for many: whoever learns it learns no other (HKDF, RFC 5869). */
export function derivedSecret(secret: string, purpose: string): string {
  const derived = hkdfSync("sha256", secret, "", purpose, 32);
  return Buffer.from(derived).toString("base64url");
}

/** The fields that sign `request` and its content, which may be empty. */
export function sign(
  { content, ...request }: SignedRequest & { readonly content: Uint8Array },
  terms: Terms,
): Record<string, string> {
  const fields: Record<string, string> = content.length > 0
    ? { "content-digest": contentDigest(content) }
    : {};
  return signWith(request, fields, terms);
}

/** `fields`, and those that sign them and `request`. */
export function signWith(
  request: SignedRequest,
  fields: Readonly<Record<string, string>>,
  { secret, keyid, tag, created }: Terms,
): Record<string, string> {
  const covered = [...ALWAYS, ...Object.keys(fields)];
  const nonce = randomBytes(18).toString("base64url");
  const parameters =
    `(${covered.map((name) => `"${name}"`).join(" ")});created=${created}` +
    `;nonce="${nonce}";keyid="${keyid}";alg="hmac-sha256";tag="${tag}"`;
  const base = signatureBase(request, parameters, {
    covered,
    valueOf: (name) => fields[name] ?? "",
  });
  const signature = hmac(secret, base).toString("base64");
  return {
    ...fields,
    "signature-input": `${LABEL}=${parameters}`,
    "signature": `${LABEL}=:${signature}:`,
  };
}

/** Who signed, and the nonce that is still to be taken. */
export interface Signer {
  /** `keyid` of the signature. */
  readonly keyid: string;
  /** Must be taken once, in the store. */
  readonly nonce: string;
  /** Seconds since the epoch by which the signature is too old by itself, on whatever clock. */
  readonly expires: number;
}

/** What a verifier accepts. */
export interface Acceptance {
  /** Any of them verifies; those shorter than {@linkcode SHORTEST_SECRET} never. */
  readonly secrets: readonly string[];
  /** The one `keyid`. */
  readonly keyid: string;
  /** The one `tag`. */
  readonly tag: string;
  /** Fields that must be covered beside method, authority, path and query. */
  readonly fields: readonly string[];
  /** Seconds since the epoch. */
  readonly now: number;
  /** Seconds that `created` may differ from `now`, either way. */
  readonly window: number;
}

/**
 * The signer, or why there is none: a sentence for the client, with no secret
 * in it. Needs no content: a signature is over its digest or its length, so that
 * a stranger cannot make doppel read any. `digestFits()` then says whether the
 * content is the one that was signed.
 */
export function verify(
  request: SignedRequest,
  headers: Headers,
  { secrets, keyid, tag, fields, now, window }: Acceptance,
): Signer | string {
  const input = oneInput(headers.get("signature-input") ?? "", tag);
  if (typeof input === "string") return input;
  const { label, covered, parameters, raw } = input;
  const created = Number(parameters.get("created"));
  const nonce = parameters.get("nonce") ?? "";
  if (parameters.get("keyid") !== keyid) return `keyid must be "${keyid}".`;
  if (parameters.get("alg") !== "hmac-sha256") {
    return 'alg must be "hmac-sha256".';
  }
  if (!Number.isInteger(created) || Math.abs(now - created) > window) {
    return `created must be within ${window} seconds of ${now}.`;
  }
  if (!/^[\w\-+/=.~]{22,128}$/.test(nonce)) {
    return "nonce must be 22 to 128 characters of base64.";
  }
  const expected = [...ALWAYS, ...fields];
  if (!sameSet(covered, expected)) {
    return `The signature must cover ${expected.join(" ")}, each once.`;
  }
  const valueOf = (name: string) => headers.get(name) ?? "";
  const base = signatureBase(request, raw, { covered, valueOf });
  const given = signatureBytes(headers.get("signature") ?? "", label);
  const good = secrets.some((secret) =>
    secret.length >= SHORTEST_SECRET && given?.length === 32 &&
    timingSafeEqual(hmac(secret, base), given)
  );
  return good
    ? { keyid, nonce, expires: now + 2 * window + CLOCKS_APART }
    : UNVERIFIED;
}

/** What `verify()` says of a signature that was made with another secret, or of another request. */
export const UNVERIFIED = "The signature does not verify.";

/** Seconds that the store's clock may be ahead of ours before a nonce is forgotten too early. */
const CLOCKS_APART = 120;

/** Whether `content` is what the signed `Content-Digest` is of. */
export function digestFits(content: Uint8Array, headers: Headers): boolean {
  return headers.get("content-digest") === contentDigest(content);
}

const ALWAYS = ["@method", "@authority", "@path", "@query"] as const;

interface Input {
  readonly label: string;
  readonly covered: readonly string[];
  readonly parameters: ReadonlyMap<string, string>;
  /** As received: what `@signature-params` covers. */
  readonly raw: string;
}

const MEMBER =
  /([a-z*][\w\-.*]*)=(\(([^()]*)\)((?:;[a-z*][\w\-.*]*=(?:"[^"\\]*"|-?\d+))*))(?:,|$)/gy;

function oneInput(field: string, tag: string): Input | string {
  const found: Input[] = [];
  const compact = field.trim();
  MEMBER.lastIndex = 0;
  for (let at = 0; at < compact.length; at = MEMBER.lastIndex) {
    while (compact[at] === " ") at++;
    MEMBER.lastIndex = at;
    const [, label, raw, list, rest] = MEMBER.exec(compact) ?? [];
    if (label === undefined) return "signature-input cannot be read.";
    const pairs = rest!.split(";").slice(1).map((parameter) => {
      const [name = "", ...value] = parameter.split("=");
      return [name, value.join("=").replaceAll('"', "")] as const;
    });
    const parameters = new Map(pairs);
    if (parameters.get("tag") !== tag) continue;
    if (parameters.size !== pairs.length) return "A parameter occurs twice.";
    const covered = list!.split(" ").map((item) => item.replaceAll('"', ""));
    found.push({ label, covered, parameters, raw: raw! });
  }
  return found.length === 1
    ? found[0]!
    : `Exactly one signature must have tag="${tag}".`;
}

function signatureBytes(field: string, label: string): Uint8Array | undefined {
  for (const member of field.split(",")) {
    const [, name, value] =
      /^\s*([a-z*][\w\-.*]*)=:([A-Za-z0-9+/=]+):\s*$/.exec(member) ?? [];
    if (name === label) return Buffer.from(value!, "base64");
  }
  return undefined;
}

/** RFC 9421 §2.5. */
function signatureBase(
  { method, authority, path, query }: SignedRequest,
  parameters: string,
  { covered, valueOf }: {
    covered: readonly string[];
    valueOf: (field: string) => string;
  },
): string {
  const values: Record<string, string> = {
    "@method": method,
    "@authority": authority,
    "@path": path,
    "@query": query || "?",
  };
  const lines = covered.map((name) =>
    `"${name}": ${values[name] ?? valueOf(name)}`
  );
  return [...lines, `"@signature-params": ${parameters}`].join("\n");
}

function contentDigest(content: Uint8Array): string {
  return `sha-256=:${createHash("sha256").update(content).digest("base64")}:`;
}

function hmac(secret: string, base: string) {
  return createHmac("sha256", secret).update(base).digest();
}

function sameSet(given: readonly string[], expected: readonly string[]) {
  return given.length === expected.length &&
    expected.every((name) => given.includes(name));
}

/** Whether both are the same, in a time that tells nothing of either. */
export function sameSecret(one: string, other: string): boolean {
  return timingSafeEqual(hmac(other, one), hmac(other, other));
}
