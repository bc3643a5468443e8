/**
 * What two doppels say to each other: the one in front of the clients (the
 * primary) and the one in a region the API serves (its hop).
 *
 * A request goes to `/hop/{provider}` + its path, signed like an admin call
 * (RFC 9421) with a key derived from `EGRESS_HOP_SECRET`. Neither the client's
 * token nor the primary's API key travels: the hop writes a key of its own. (A
 * secret the origin minted for one session does, since no key stands for it.)
 * Content is covered by its length only, since it streams.
 *
 * @module
 */

import type { Content } from "./content.ts";
import type { Credential } from "./credential.ts";
import { type Aim, type Forwarded, METHODS } from "./egress.ts";
import type { Provider } from "./provider.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import { fieldsUp } from "./rewrite.ts";
import { unlisted } from "./route.ts";
import { type Signer, signWith, verify } from "./signature.ts";
import {
  authorityOf,
  type CleanTarget,
  ENTRANCE,
  readTarget,
  withoutCredentials,
} from "./target.ts";

/** On every answer of an entrance: {@linkcode FROM_ORIGIN}, a refusal's code, or what was wrong with the request. */
export const ANSWER = "doppel-answer";
/** The answer is the origin's. */
export const FROM_ORIGIN = "origin";

const CREDENTIAL = "doppel-credential";
const LENGTH = "doppel-content-length";
const MINTED = "doppel-minted";
const TERMS = { keyid: "hop", tag: "doppel-hop" } as const;
const SIGNATURE = ["signature", "signature-input"];

/** A hop, seen from its primary. */
export interface Hop {
  /** Scheme and authority. */
  readonly url: string;
  /** Derived from `EGRESS_HOP_SECRET` for `HOP_PURPOSE`. */
  readonly secret: string;
}

/** What of a request is aimed at a hop; an upgrade has no content. */
export type Aimable =
  & Pick<Forwarded, "method" | "provider" | "target" | "received">
  & {
    readonly credential: Credential;
    readonly content: Pick<Content, "length">;
  };

/** Where a request goes and with which fields, to be sent once; `now` is milliseconds. */
export function aimedAtHop(
  { method, provider, target, credential, received, content }: Aimable,
  { url, secret }: Hop,
  now: number,
): Aim {
  // As fetch writes it: it percent-encodes what no URL may hold.
  const { host, pathname, search, href } = new URL(
    url + ENTRANCE + provider.id + target.path + target.query,
  );
  const signed = signWith(
    { method, authority: host, path: pathname, query: search },
    {
      [CREDENTIAL]: credential.id,
      [LENGTH]: `${content.length ?? "chunked"}`,
      ...(credential.minted && { [MINTED]: credential.key }),
    },
    { ...TERMS, secret, created: Math.floor(now / 1000) },
  );
  const fields = fieldsUp(received, []).filter(([name]) =>
    !SIGNATURE.includes(name)
  );
  return { url: href, fields: [...fields, ...Object.entries(signed)] };
}

/** A request that a primary has signed. */
export interface HopRequest extends Signer {
  /** Whose API it is for. */
  readonly provider: Provider;
  /** Path and query for the origin, as received. */
  readonly target: CleanTarget;
  /** The primary's choice, which need not be one of ours. */
  readonly credentialId: string;
  /** A secret of the origin's for one session, in place of a key. */
  readonly minted: string | undefined;
  /** The client's fields, without the signature's. */
  readonly received: Headers;
}

/** Why an entrance stays shut. */
export interface Shut {
  /** HTTP status code. */
  readonly status: 400 | 401 | 404;
  /** For the primary's log. */
  readonly title: string;
}

/** Terms of an entrance. */
export interface EntranceTerms {
  /** As {@linkcode Hop.secret}. */
  readonly secret: string;
  /** Seconds a signature's clock may be off. */
  readonly window: number;
  /** Milliseconds since the epoch. */
  readonly now: number;
  /** Rows a request may be for. */
  readonly providers: readonly Provider[];
  /** Base URL the primary uses, where it is not what `Host` says. */
  readonly publicUrl: string | undefined;
}

/** The signed request, whose nonce is still to be taken, or why there is none. Reads no content. */
export function readHopRequest(
  request: Request,
  { secret, window, now, providers, publicUrl }: EntranceTerms,
): HopRequest | Shut {
  const { method, headers } = request;
  const target = readTarget(request.url);
  if (isRefusal(target)) return shut(400, "The path is malformed.");
  const authority = authorityOf(request, publicUrl);
  const signer = verify({ method, authority, ...target }, headers, {
    ...TERMS,
    secrets: [secret],
    fields: [CREDENTIAL, LENGTH, ...(headers.has(MINTED) ? [MINTED] : [])],
    now: Math.floor(now / 1000),
    window,
  });
  if (typeof signer === "string") return shut(401, signer);
  if (!METHODS.has(method)) return shut(400, "No such method is forwarded.");
  if (!lengthFits(headers)) {
    return shut(401, "The content has not the length that was signed.");
  }
  const [, id, path = "/"] = /^\/hop\/([^/]+)(\/.*)?$/.exec(target.path) ?? [];
  const provider = providers.find((row) => row.id === id);
  const inner = withoutCredentials({ path, query: target.query });
  if (provider === undefined || unlisted(provider, method, inner)) {
    return shut(404, "No API behind this hop has such a path.");
  }
  const received = new Headers(headers);
  for (const name of SIGNATURE) received.delete(name);
  return {
    ...signer,
    provider,
    target: inner,
    credentialId: headers.get(CREDENTIAL)!,
    minted: headers.get(MINTED) ?? undefined,
    received,
  };
}

/** Tells {@linkcode Shut} from a request or a refusal. */
export function isShut(value: HopRequest | Refusal | Shut): value is Shut {
  return "title" in value;
}

function shut(status: Shut["status"], title: string): Shut {
  return { status, title };
}

/** Chunked content may have been given a length on its way; a length may not have changed. */
function lengthFits(headers: Headers): boolean {
  const signed = headers.get(LENGTH);
  if (signed === "chunked") return true;
  return !headers.has("transfer-encoding") &&
    (headers.get("content-length") ?? "0") === signed;
}
