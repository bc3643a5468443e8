/**
 * What doppel must know about an API; the rows are in `providers/`.
 *
 * @module
 */

import type { BalanceCall, KeyCheck } from "./check.ts";
import type { Wire } from "./custom.ts";
import type { ModelList } from "./facts.ts";
import { remembering, rememberingOf } from "./memo.ts";
import type { MeteringRow } from "./meter.ts";
import type { RefusalFacts } from "./refusal.ts";
import type { Region } from "./region.ts";
import type { Fields } from "./rewrite.ts";
import type { CleanTarget, Target } from "./target.ts";
import type { TroubleRow } from "./trouble.ts";

/** Turns a refusal into the error body an API's SDKs raise as their own error. */
export type Envelope = (facts: RefusalFacts) => unknown;

/** What an endpoint is for, in the order of the README's table, which a test holds against this one. */
export const ENDPOINT_CLASSES = {
  inference: "answers, chats, messages, moderation, counting tokens",
  embeddings: "vectors",
  images: "images",
  audio: "speech and transcription",
  models: "the list of models",
  realtime: "sessions, sockets and the secrets that open them",
  files: "files and uploads",
  batches: "batches and their results",
  stored: "what the API keeps: responses, conversations, vector stores, caches",
  videos: "videos and the operations that make them",
  "fine-tuning": "jobs, checkpoints, evaluations, and deleting a model",
  agents: "agents, their environments, sessions and skills",
  admin: "the owner's organisation, vaults and webhooks",
  secrets: "what mints credentials that doppel cannot take back",
  other: "all that no row of the table knows",
} as const;

/** See {@linkcode ENDPOINT_CLASSES}. */
export type EndpointClass = keyof typeof ENDPOINT_CLASSES;

/** What a token may call unless its owner says otherwise: nothing that shows or spends what other holders of the key have made. */
export const USUAL_ENDPOINTS: readonly EndpointClass[] = [
  "inference",
  "embeddings",
  "images",
  "audio",
  "models",
  "realtime",
];

/** How a request without a prefix shows which API it means. */
export interface Signs {
  /** Header fields, lower case, any of which is enough. */
  readonly fields: readonly string[];
  /** Credential parameters of the query, any of which is enough. */
  readonly parameters: readonly string[];
  /** Paths that only this API has. */
  readonly path: RegExp;
}

/** Never: no request without a prefix means this API. */
export const NO_SIGNS: Signs = { fields: [], parameters: [], path: /(?!)/ };

/** One row of the provider table: data first, a small pure function where data cannot say it. */
export interface Provider {
  /** Name in token scopes, prefixes, settings and logs. */
  readonly id: string;
  /** Whose SDKs it serves without translation. */
  readonly wire: Wire;
  /** Scheme and authority, and a base path if there is one; no trailing slash. One that ends in `/v1` stands for the `/v1` that paths begin with. */
  readonly origin: string;
  /** The origin its answers name, where `origin` was replaced by another. */
  readonly home?: string;
  /** Other origins that stand for the leading `/v1`: `/v1/x` is `/x` there. */
  readonly bare?: readonly string[];
  /** Paths that lie at another origin of the same API; none where `origin` was replaced. */
  readonly elsewhere?: { readonly path: RegExp; readonly origin: string };
  /** The owner's own: of the table's, there only where its origin is set; without a key, nothing is written into a slot. */
  readonly own?: true;
  /** Written on every request to its origin and on no other; secrets, as a rule. */
  readonly fixed?: Fields;
  /** What Cloudflare's AI Gateway calls it. */
  readonly gateway?: Gateway;
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
  /** Where what names one of its models in the form of another wire goes: a pattern of paths, and what stands there instead. */
  readonly namedPath?: readonly [RegExp, string];
  /** Models of its own that begin with its id and a slash. */
  readonly ownNames?: RegExp;
  /** What `METHOD /path` is for, the path in lower case and without a slash at its end; the first that fits. */
  readonly endpoints: Endpoints;
  /** `endpoints` is all it has: see {@linkcode unlisted}. */
  readonly closed?: true;
  /** How it lists its models. */
  readonly models: ModelList;
  /** What proves a key where the list of models does not, since anybody is given it; called by the owner alone, whatever holders may call. */
  readonly check?: KeyCheck;
  /** Where an ordinary key is told what may be spent. */
  readonly balance?: BalanceCall;
  /** How the answers of `METHOD /path` are metered, as above; what fits none is unknown. */
  readonly usage: readonly MeteringRow[];
  /** Its chats heed `max_tokens`, and nobody knows that they heed `max_completion_tokens`. */
  readonly olderLimit?: true;
  /** What its holders make and can name again. */
  readonly objects: ObjectNames;
  /** How the secrets begin that its realtime endpoints mint. */
  readonly minted?: string;
  /** Uploads in several requests, of which the later ones may carry no credential: their paths, and the parameter that holds the upload's id. */
  readonly upload?: { readonly path: RegExp; readonly parameter: string };
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
  /** How it refuses the region a request comes from. */
  readonly region: Region;
  /** Statuses of refusals in which it repeats the key it was asked with. */
  readonly tells?: readonly number[];
  /** How it says that a key is refused or used up; the first row that fits. Loaded when it is needed: with one key it never is. */
  readonly trouble: () => Promise<readonly TroubleRow[]>;
}

/** Rows of {@linkcode Provider.endpoints}. */
export type Endpoints = readonly (readonly [EndpointClass, RegExp])[];

/** Facts about an API behind Cloudflare's AI Gateway. */
export interface Gateway {
  /** Last segment of its URL there; absent: it is there only as a provider that the owner made, `custom-…`. */
  readonly slug?: string;
  /** `/v1/x` is `/slug/x` there, not `/slug/v1/x`. */
  readonly drops?: true;
  /** What models begin with, and a slash, on the gateway's OpenAI-compatible endpoint; absent: they are not there. */
  readonly models?: string;
}

/** How an API names its objects. */
export interface ObjectNames {
  /** They have names that nobody could tell from other words: an isolated token may make none. */
  readonly unknown?: true;
  /** The object a path is about: group 1. What has none is a collection, or no object at all. */
  readonly path: RegExp;
  /** How a JSON string or form value begins that names an object, group 1; and how that must go on. */
  readonly name: RegExp;
  /** Where an answer, or the first event of a stream, names what was made: members, split by dots, `*` for each of an array. */
  readonly made: readonly string[];
  /** Where the other events of a stream name some more. */
  readonly later: readonly string[];
  /** `METHOD /path` of what makes nothing that has a name. */
  readonly computes: RegExp;
  /** `METHOD /path` of what keeps its answers unless `store` says no. */
  readonly keeps?: RegExp;
  /** Requests that point to content nobody has looked into: `METHOD /path` and what their text holds. */
  readonly hidden: readonly (readonly [RegExp, RegExp])[];
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
 * The class of a request. Looked up in the path as a lenient origin would read
 * it: decoded once, doubled slashes folded, in lower case.
 */
export function endpointClass(
  { endpoints }: Provider,
  method: string,
  { path }: Target,
): EndpointClass {
  return classIn(endpoints, requestLine(method, path));
}

const classIn = rememberingOf((endpoints: Endpoints, line): EndpointClass =>
  endpoints.find(([, pattern]) => pattern.test(line))?.[0] ?? "other"
);

/** `METHOD /path` as the table's patterns expect it; HEAD is as good as GET. */
export function requestLine(method: string, path: string): string {
  return `${method === "HEAD" ? "GET" : method} ${lenientPath(path)}`;
}

const lenientPath = remembering((path) =>
  percentDecode(path).replace(/\/+/g, "/").toLowerCase()
    .replace(/(?<=.)\/$/, "")
);

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
