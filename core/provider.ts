/**
 * What doppel must know about an API; the rows are in `providers/`.
 *
 * @module
 */

import type { RefusalFacts } from "./refusal.ts";
import type { CleanTarget, Target } from "./target.ts";

/** Turns a refusal into the error body an API's SDKs raise as their own error. */
export type Envelope = (facts: RefusalFacts) => unknown;

/** Surfaces of an API that a token must ask for by name. */
export const ENDPOINT_CLASSES = ["admin", "secrets"] as const;

/** `admin`: the owner's organisation and vaults; `secrets`: mints credentials that outlive the token. */
export type EndpointClass = typeof ENDPOINT_CLASSES[number];

/** How a request without a prefix shows which API it means. */
export interface Signs {
  /** Header fields, lower case, any of which is enough. */
  readonly fields: readonly string[];
  /** Credential parameters of the query, any of which is enough. */
  readonly parameters: readonly string[];
  /** Paths that only this API has. */
  readonly path: RegExp;
}

/** One row of the provider table: data first, a small pure function where data cannot say it. */
export interface Provider {
  /** Name in token scopes, prefixes, settings and logs. */
  readonly id: string;
  /** Scheme and authority, and a base path if there is one; no trailing slash. */
  readonly origin: string;
  /** The origin its answers name, where `origin` was replaced by another. */
  readonly home?: string;
  /** Paths that belong to the API; all others are `no_route`. */
  readonly surface: RegExp;
  /** Absent: this row takes what no other row claims. */
  readonly signs?: Signs;
  /** Fields that carry `key` to the origin at `path`. */
  readonly credentialFields: (
    key: string,
    path: string,
  ) => readonly (readonly [field: string, value: string])[];
  /** The error body spoken at `path`. */
  readonly envelope: (path: string) => Envelope;
  /** What a client that writes paths its own way meant. */
  readonly canonical?: (target: CleanTarget) => CleanTarget;
  /** Surfaces closed to tokens that did not ask for them. */
  readonly guarded: readonly {
    readonly endpoint: EndpointClass;
    readonly path: RegExp;
  }[];
  /** JSON fields that hold an absolute URL which SDKs follow. */
  readonly followed: readonly {
    readonly path: RegExp;
    readonly field: string;
  }[];
  /** Paths that take a WebSocket, and where one names its model: frames are not read. */
  readonly sockets: readonly {
    readonly path: RegExp;
    readonly model: "query" | "frames";
  }[];
  /** The model a path names, still percent-encoded. */
  readonly modelInPath: RegExp;
}

/** Which provider a request goes to, and how that was found. */
export interface Route {
  /** The row. */
  readonly provider: Provider;
  /** What the path began with, to be put before URLs given back; empty without a prefix. */
  readonly prefix: string;
  /** The target without prefix and credentials. */
  readonly target: CleanTarget;
}

/**
 * Chooses by prefix, else by the signs of the request, in the table's order;
 * a token for one provider only overrides signs, never a prefix (design §4).
 * `undefined` where a prefix names no row.
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
    const prefix = `/${older ?? ""}${id}`;
    const inner = { ...target, path: (rest ?? "/").replace(/^\/+/, "/") };
    return {
      provider: named,
      prefix,
      target: named.canonical?.(inner) ?? inner,
    };
  }
  if (older !== undefined) return undefined;
  const provider = providers.find((row) => shows(row.signs, target, headers));
  return provider && { provider, prefix: "", target };
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
 * The class a target belongs to, `undefined` for what every token may call.
 * Looked up in the path as a lenient origin would read it: decoded once,
 * doubled slashes folded, in lower case.
 */
export function endpointClass(
  provider: Provider,
  { path }: Target,
): EndpointClass | undefined {
  const lenient = percentDecode(path).replace(/\/+/g, "/").toLowerCase();
  return provider.guarded.find((row) => row.path.test(lenient))?.endpoint;
}

/** Decodes every valid percent-encoding; what is none stays. */
export function percentDecode(text: string): string {
  return text.replace(/(?:%[0-9a-f]{2})+/gi, (encoded) => {
    try {
      return decodeURIComponent(encoded);
    } catch {
      return encoded;
    }
  });
}
