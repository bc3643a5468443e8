/**
 * Objects that holders make at an origin (files, batches, stored responses, …)
 * and that everybody with the same key could read: an isolated token reaches
 * those only which were made with it.
 *
 * Names are remembered as hashes. What is looked for in contents is any JSON
 * string or form value that is such a name as a whole, wherever it stands.
 *
 * @module
 */

import { keepElements, members } from "./json.ts";
import {
  type EndpointClass,
  endpointClass,
  percentDecode,
  type Provider,
  requestLine,
  type Route,
} from "./provider.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import type { Store, TokenRecord } from "./store.ts";
import { hashToken } from "./token.ts";

/** Classes whose objects doppel knows by name; an isolated token may call no others. */
const ISOLABLE: ReadonlySet<EndpointClass> = new Set<EndpointClass>([
  "inference",
  "embeddings",
  "images",
  "audio",
  "models",
  "realtime",
  "files",
  "batches",
  "stored",
  "videos",
  "fine-tuning",
]);

/** Seconds for which an object is remembered: more than a year. */
export const OBJECT_KEPT = 400 * 86_400;

/** Lower-case hex SHA-256 under which an object is remembered. */
export function objectHash({ id }: Provider, name: string): string {
  return hashToken(`${id} object ${name.toLowerCase()}`);
}

/** The object a path is about. */
function objectOf({ objects }: Provider, path: string): string | undefined {
  return objects.path.exec(percentDecode(path).replace(/\/+/g, "/"))?.[1];
}

/** What of a request may name objects. */
export interface ObjectSources {
  /** Where it goes. */
  readonly route: Route;
  /** Its method and fields. */
  readonly request: Pick<Request, "method" | "headers">;
  /** The whole content; `undefined` where there is none. */
  readonly content: Uint8Array | undefined;
}

/** Whether an isolated token names only objects that were made with it; for those tokens one more round trip. */
export async function authorizeObjects(
  token: TokenRecord,
  store: Store,
  sources: ObjectSources,
): Promise<Refusal | undefined> {
  if (!token.isolated) return undefined;
  const named = objectsNamed(sources);
  if (isRefusal(named)) return named;
  const { provider } = sources.route;
  const hashes = named.map((name) => objectHash(provider, name));
  const claims = await store.findClaims(hashes);
  const own = claims.every((claim) => claim?.token === token.id);
  return own ? undefined : { refused: "object_unknown" };
}

/** Every object that a request names; a refusal where that cannot be told. */
function objectsNamed(
  { route: { provider, target }, request, content }: ObjectSources,
): readonly string[] | Refusal {
  const { method, headers } = request;
  if (!ISOLABLE.has(endpointClass(provider, method, target))) {
    const detail = "An isolated token is not valid for this endpoint.";
    return { refused: "endpoint_denied", detail };
  }
  const own = objectOf(provider, target.path);
  const named = own === undefined ? [] : [own];
  if (content === undefined) return named;
  if ((headers.get("content-encoding") ?? "identity") !== "identity") {
    const detail = "An isolated token's content must not be compressed.";
    return { refused: "request_malformed", detail };
  }
  const text = unescaped(new TextDecoder("latin1").decode(content));
  const line = requestLine(method, target.path);
  const hidden = provider.objects.hidden.some(([request, sign]) =>
    request.test(line) && sign.test(text)
  );
  if (hidden) {
    const detail = "An isolated token's batches must be of what it sent whole.";
    return { refused: "endpoint_denied", detail };
  }
  return [...new Set([...named, ...namesIn(provider, text)])];
}

/** A name between quotes, or alone on a form's line. */
function namesIn({ objects }: Provider, text: string): string[] {
  const whole = new RegExp(`(?<=["\\n])${objects.name.source}(?=["\\r])`, "g");
  return Array.from(text.matchAll(whole), ([, name]) => name!);
}

/** JSON's escapes of ASCII undone: `\u0066ile-…` is a name too. */
function unescaped(text: string): string {
  return text.includes("\\")
    ? text.replace(
      /\\u00([0-7][\da-f])/gi,
      (_, hex) => String.fromCharCode(parseInt(hex, 16)),
    ).replaceAll("\\/", "/")
    : text;
}

/** The objects that an answer, parsed, says were made. */
export function objectsMade({ objects }: Provider, answer: unknown): string[] {
  const whole = new RegExp(`^${objects.name.source}$`);
  return objects.made.flatMap((path) => at(answer, path.split(".")))
    .flatMap((value) => {
      const name = typeof value === "string" ? whole.exec(value)?.[1] : null;
      return name ? [name] : [];
    });
}

/** The values at a path of members; `*` is each of an array. */
function at(value: unknown, [first, ...rest]: readonly string[]): unknown[] {
  if (first === undefined) return [value];
  if (typeof value !== "object" || value === null) return [];
  if (first === "*") {
    return Object.values(value).flatMap((one) => at(one, rest));
  }
  return at((value as Record<string, unknown>)[first], rest);
}

/** Whether the answer lists objects of everybody who has the key. */
export function listsObjects(
  { provider, target }: Route,
  method: string,
): boolean {
  return method === "GET" && objectOf(provider, target.path) === undefined;
}

/** What a file holds is the holder's own words, JSON or not. */
const CONTENT = /\/content|:download|\/results|alt=media/i;

/** Whether the answer may say what was made: not what only computes, however large. */
export function makesObjects(
  { provider, target }: Route,
  method: string,
): boolean {
  const { path, query } = target;
  return !provider.objects.computes.test(requestLine(method, path)) &&
    !CONTENT.test(percentDecode(path + query));
}

/** The list without what is not `owned`; `owned` is asked once, for all of them. What has no name stays among `models`, most of which nobody made. */
export async function ownList(
  provider: Provider,
  text: string,
  { models, owned }: {
    models: boolean;
    owned: (names: readonly string[]) => Promise<ReadonlySet<string>>;
  },
): Promise<string> {
  const parsed: unknown = JSON.parse(text);
  if (Array.isArray(parsed)) throw new SyntaxError("a list of no known form");
  const lists = Object.entries(parsed ?? {})
    .filter(([, value]) => Array.isArray(value)) as [string, unknown[]][];
  const nameOf = (item: unknown) => objectsMade(provider, item)[0] ?? "";
  const names = lists.flatMap(([, items]) => items.map(nameOf));
  const own = await owned(names.filter((name) => name !== ""));
  const kept = (name: string) => name === "" ? models : own.has(name);
  for (const [member] of lists) {
    // From the end, so that cutting moves none of those still to be cut.
    for (const array of members(text, member)?.reverse() ?? []) {
      const keep = (one: string) => kept(nameOf(JSON.parse(one)));
      text = keepElements(text, array, keep);
    }
  }
  return text;
}
