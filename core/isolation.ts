/**
 * What keeps isolated tokens apart: which objects a request names, which an
 * answer says were made, and lists without those of others. Loaded with the
 * first of them.
 *
 * What is looked for in contents is any JSON string or form value that is such
 * a name as a whole, wherever it stands.
 *
 * @module
 */

import { eachString, keepElements, members, valuesAt } from "./json.ts";
import { FORM_TYPE, JSON_TYPE } from "./model.ts";
import { objectHash, objectOf, type ObjectSources } from "./object.ts";
import {
  type EndpointClass,
  endpointClass,
  type Provider,
  requestLine,
} from "./provider.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import type { Store, TokenRecord } from "./store.ts";

/** Classes whose calls make objects, or name some. */
const KEEPING: readonly EndpointClass[] = [
  "realtime",
  "files",
  "batches",
  "stored",
  "videos",
  "fine-tuning",
];
/** Classes whose objects doppel knows by name; an isolated token may call no others. */
const ISOLABLE: readonly EndpointClass[] = [
  "inference",
  "embeddings",
  "images",
  "audio",
  "models",
  ...KEEPING,
];

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
  const endpoint = endpointClass(provider, method, target);
  const { unknown } = provider.objects;
  if (
    !ISOLABLE.includes(endpoint) || unknown && KEEPING.includes(endpoint)
  ) {
    const detail = "An isolated token is not valid for this endpoint.";
    return { refused: "endpoint_denied", detail };
  }
  const own = objectOf(provider, target.path);
  const named = namesInQuery(provider, target.query)
    .concat(own === undefined ? [] : [own]);
  // Pieces of an upload name nothing, and are of any type.
  if (content === undefined || provider.upload?.path.test(target.path)) {
    return named;
  }
  const type = headers.get("content-type") ?? "";
  if (endpoint === "realtime" && /^application\/sdp$/i.test(type)) return named;
  const plain = (headers.get("content-encoding") ?? "identity") === "identity";
  const readable = plain ? readableText(type, content) : undefined;
  if (readable === undefined) return UNREADABLE;
  const text = unescaped(readable);
  const line = requestLine(method, target.path);
  const hidden = provider.objects.hidden.some(([request, sign]) =>
    request.test(line) && sign.test(text)
  );
  if (hidden) {
    const detail = "An isolated token may name nothing that cannot be checked.";
    return { refused: "endpoint_denied", detail };
  }
  const all = new Set([...named, ...namesIn(provider, text)]);
  return all.size > MOST_NAMES ? UNREADABLE : [...all];
}

const UNREADABLE: Refusal = {
  refused: "request_malformed",
  detail: "An isolated token's content must be plain JSON or a plain form.",
};

/** More than any request names, but as many as a batch may. */
const MOST_NAMES = 10_000;

/** Where a list goes on, and nothing is shown. */
const CURSORS = /^(?:after|before)(?:_id)?$/;

function namesInQuery({ objects }: Provider, query: string): string[] {
  const whole = new RegExp(`^(?:${objects.name.source})`);
  return [...new URLSearchParams(query)].flatMap(([parameter, value]) => {
    const name = CURSORS.test(parameter) ? null : whole.exec(value)?.[1];
    return name ? [name] : [];
  });
}

/** Fields of a form's part that servers may decode, or take for other than ASCII. */
const ODD_FIELD =
  /content-transfer-encoding[ \t]*:\s*(?:base64|quoted-printable)|charset[ \t]*=[ \t"]*(?!utf-?8|us-ascii|iso-8859-1|windows-1252)/i;
/** Characters of a part's head: many times those of any client's. */
const LONGEST_HEAD = 8_192;

function oddlyEncoded(text: string, boundary: string): boolean {
  const delimiter = `--${boundary}`;
  let at = text.indexOf(delimiter);
  for (; at !== -1; at = text.indexOf(delimiter, at + 1)) {
    const [head = "", ...body] = text.slice(at, at + LONGEST_HEAD)
      .split(/\r?\n\r?\n/, 2);
    const last = head.startsWith(`${delimiter}--`);
    if (ODD_FIELD.test(head) || body.length === 0 && !last) return true;
  }
  return false;
}

/** Content as text; `undefined` where an origin may read something else in it. */
function readableText(type: string, content: Uint8Array): string | undefined {
  if (!JSON_TYPE.test(type)) {
    const [, plain, quoted] = FORM_TYPE.exec(type) ?? [];
    const boundary = plain ?? quoted;
    if (boundary === undefined) return undefined;
    const text = new TextDecoder("latin1").decode(content);
    return oddlyEncoded(text, boundary) ? undefined : text;
  }
  try {
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    const text = decoder.decode(content);
    return eachString(text) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** A name between quotes, or alone on a form's line. */
function namesIn({ objects }: Provider, text: string): string[] {
  const whole = new RegExp(`(?<=["\\r\\n])(?:${objects.name.source})`, "g");
  return Array.from(text.matchAll(whole), ([, name]) => name!);
}

/** Escapes of ASCII undone, JSON's and those of URLs: `\u0066ile-…` is a name too. In short runs, which are quick and no regular expression gives up on. */
function unescaped(text: string): string {
  const json = text.includes("\\")
    ? text.replace(
      /(?:\\u00[0-7][\da-f]){1,64}/gi,
      (run) => JSON.parse(`"${run}"`),
    ).replaceAll("\\/", "/")
    : text;
  return json.includes("%")
    ? json.replace(/(?:%[2-7][\da-f]){1,64}/gi, decodeURIComponent)
    : json;
}

/** The objects that an answer, parsed, says were made. */
export function objectsMade(
  { objects }: Provider,
  answer: unknown,
  places: readonly string[] = objects.made,
): string[] {
  const whole = new RegExp(`^(?:${objects.name.source})`);
  return places.flatMap((path) => valuesAt(answer, path))
    .flatMap((value) => {
      const name = typeof value === "string" ? whole.exec(value)?.[1] : null;
      return name ? [name] : [];
    });
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
