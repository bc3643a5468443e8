/**
 * The few answers that do not go down as they came: those that would lead
 * around doppel, hand out what outlives a token, or show what other tokens
 * made. Only JSON is looked into; of it, all other bytes stay.
 *
 * @module
 */

import type { Holder } from "./admit.ts";
import { childOf, seal } from "./child.ts";
import { eachString } from "./json.ts";
import {
  listsObjects,
  makesObjects,
  OBJECT_KEPT,
  objectHash,
  objectOf,
} from "./object.ts";
import { endpointClass, type Provider, type Route } from "./provider.ts";
import { isRefusal, type Refusal } from "./refusal.ts";
import type { Target } from "./target.ts";
import type { Claim, Store } from "./store.ts";
import { fromRfc3339 } from "./time.ts";
import { hashToken } from "./token.ts";
import { followedField, turnField } from "./turn.ts";

/** What an answer's text becomes; may ask and tell the store. Throws where the text cannot be read. */
export type Edit = (text: string) => string | Promise<string>;

/** What edits are made of. */
export interface Editing {
  /** Where the request went. */
  readonly route: Route;
  /** Method of the request. */
  readonly method: string;
  /** Whose request it was. */
  readonly holder: Holder;
  /** Where claims are kept. */
  readonly store: Store;
  /** Seconds since the epoch. */
  readonly now: number;
  /** Lets work outlive the answer. */
  readonly defer: (name: string, work: Promise<unknown>) => void;
}

/** What is to be done to a successful answer with these fields; none: it passes as it comes. `turn` makes a URL of the origin's one of doppel's. */
export function editsOf(
  editing: Editing,
  headers: Headers,
  turn: (url: string) => string,
): readonly Edit[] {
  const type = headers.get("content-type") ?? "";
  const json = /^application\/json\b/i.test(type);
  const { route, method, holder } = editing;
  const { provider, target } = route;
  const edits: Edit[] = [];
  const field = json ? followedField(route) : undefined;
  if (field !== undefined) edits.push((text) => turnField(text, field, turn));
  const { minted } = provider;
  if (minted && endpointClass(provider, method, target) === "realtime") {
    edits.push((text) =>
      json ? exchangeSecrets(text, editing) : withoutSecret(text, minted)
    );
  }
  if (!holder.token.isolated || provider.objects.unknown) return edits;
  if (listsObjects(route, method)) {
    edits.push((text) => json ? ownedOnly(text, editing) : onlyIfEmpty(text));
  } else if (json && makesObjects(route, method)) {
    edits.push((text) => claimMade(text, editing));
  }
  return edits;
}

/** A secret in a form that nobody can exchange: the client chooses it, where the origin lets it. */
function withoutSecret(text: string, minted: string): string {
  if (text.includes(minted)) throw new SyntaxError("a secret outside of JSON");
  return text;
}

/** A list that nobody can cut. */
function onlyIfEmpty(text: string): string {
  if (text !== "") throw new SyntaxError("a list outside of JSON");
  return text;
}

/** Longest that an origin's minted secret lives, seconds: Google's limit. */
const SECRET_KEPT = 20 * 3600;
/** More secrets than an answer holds, or a holder's own words that look like some. */
const MOST_SECRETS = 16;

/** Every secret the origin minted, exchanged for a child of the token that lives as long. */
async function exchangeSecrets(
  text: string,
  { route: { provider }, holder, store, now }: Editing,
): Promise<string> {
  const { minted } = provider;
  if (minted === undefined) return text;
  const children = new Map<string, string>();
  let exchanged = "";
  let copied = 0;
  const json = eachString(text, ({ start, end }) => {
    const secret = JSON.parse(text.slice(start, end)) as string;
    if (!secret.startsWith(minted)) return;
    const child = children.get(secret) ?? childOf(secret);
    children.set(secret, child);
    exchanged += `${text.slice(copied, start)}"${child}"`;
    copied = end;
  });
  exchanged += text.slice(copied);
  if (!json || children.size > MOST_SECRETS) {
    throw new SyntaxError("no answer that mints one secret");
  }
  const longest = now + SECRET_KEPT;
  const expires = Math.min(expiryIn(text) ?? longest, longest);
  await store.keepClaims(Array.from(children, ([secret, child]): Claim => ({
    hash: hashToken(child),
    token: holder.token.id,
    by: holder.by,
    sealed: { provider: provider.id, secret: seal(secret, child) },
    expires,
  })));
  return exchanged;
}

/** Seconds since the epoch: OpenAI's `expires_at`, Google's `expireTime`. */
function expiryIn(text: string): number | undefined {
  const [, seconds] = /"expires_at"\s*:\s*(\d{10})\b/.exec(text) ?? [];
  if (seconds !== undefined) return Number(seconds);
  const [, time = ""] = /"expireTime"\s*:\s*"([^"]+)"/.exec(text) ?? [];
  return fromRfc3339(time);
}

/** Remembers what was made as this token's. */
async function claimMade(
  text: string,
  { route: { provider }, holder, store, now }: Editing,
  places?: readonly string[],
): Promise<string> {
  const { objectsMade } = await import("./isolation.ts");
  const names = objectsMade(provider, JSON.parse(text), places);
  await store.keepClaims(names.map((name) => ({
    hash: objectHash(provider, name),
    token: holder.token.id,
    expires: now + OBJECT_KEPT,
  })));
  return text;
}

async function ownedOnly(
  text: string,
  { route: { provider, target }, method, holder, store }: Editing,
): Promise<string> {
  const models = endpointClass(provider, method, target) === "models";
  const owned = async (names: readonly string[]) => {
    const hashes = names.map((name) => objectHash(provider, name));
    const claims = await store.findClaims(hashes);
    return new Set(
      names.filter((_, i) => claims[i]?.token === holder.token.id),
    );
  };
  const { ownList } = await import("./isolation.ts");
  return await ownList(provider, text, { models, owned });
}

/** Characters that a line of a stream may have to be looked into. */
const LONGEST_LINE = 1_048_576;

/** Looks at the chunks of an isolated token's stream for what the first event says is being made, and the later ones besides, and remembers that; the stream does not wait. */
export function eventClaims(
  editing: Editing,
  headers: Headers,
): ((chunk: Uint8Array) => void) | undefined {
  const { provider: { objects } } = editing.route;
  const type = headers.get("content-type") ?? "";
  if (!editing.holder.token.isolated || objects.unknown) return undefined;
  if (!/^text\/event-stream\b/i.test(type)) return undefined;
  const decoder = new TextDecoder();
  let places = objects.made;
  const look = (line: string) => {
    const [, data] = /^data: ?(\{.*)$/.exec(line) ?? [];
    if (data === undefined || !mentions(data, places)) return;
    const claimed = claimMade(data, editing, places).catch((error) => {
      if (!(error instanceof SyntaxError)) throw error;
    });
    editing.defer("claim", claimed);
  };
  let rest = ""; // of a line that has not ended
  return (chunk) => {
    if (places.length === 0) return;
    const text = decoder.decode(chunk, { stream: true });
    const [end, ...lines] = text.split(/[\r\n]+/);
    if (rest.length <= LONGEST_LINE) rest += end;
    for (const line of lines) {
      if (rest.length <= LONGEST_LINE) look(rest);
      if (rest.startsWith("data:")) places = objects.later;
      rest = line;
    }
  };
}

/** Whether JSON text has the first member of one of the places at all. */
function mentions(text: string, places: readonly string[]): boolean {
  return places.some((place) => text.includes(`"${place.split(".")[0]}"`));
}

/** Seconds that an upload may take; Google's URLs live for a week. */
const UPLOAD_KEPT = 7 * 86_400;

/** Under which an upload is remembered that a request or a URL goes on with. */
function uploadHash(
  { id, upload }: Provider,
  { path, query }: Target,
): string | Refusal | undefined {
  if (!upload?.path.test(path)) return undefined;
  const ids = new URLSearchParams(query).getAll(upload.parameter);
  // Of several nobody knows which the origin takes.
  if (ids.length > 1) return BEGUN_TWICE;
  return ids[0] && hashToken(`${id} upload ${ids[0]}`);
}

const BEGUN_TWICE: Refusal = {
  refused: "request_malformed",
  detail: "What goes on with an upload begins no other.",
};

/** The upload that a request goes on with, by its hash: {@linkcode uploadHash}. */
export function uploadOf(
  { provider, target }: Route,
  headers: Headers,
): string | Refusal | undefined {
  const hash = uploadHash(provider, target);
  if (hash === undefined) return undefined;
  const query = new URLSearchParams(target.query);
  const protocols = [
    headers.get("x-goog-upload-protocol") ?? "resumable",
    ...query.getAll("upload_protocol"),
    ...query.getAll("uploadType"),
  ];
  const begins = /start/i.test(headers.get("x-goog-upload-command") ?? "") ||
    protocols.some((protocol) => protocol !== "resumable");
  return begins ? BEGUN_TWICE : hash;
}

/** Remembers whose object stands at the URL that a 201 names: a call, which has no JSON. */
export async function claimLocation(
  url: string,
  { route: { provider }, holder, store, now }: Editing,
): Promise<void> {
  const [path = ""] = url.replace(/^https?:\/\/[^/]*/, "").split(/[?#]/);
  const name = holder.token.isolated && objectOf(provider, path);
  if (!name) return;
  const hash = objectHash(provider, name);
  const token = holder.token.id;
  await store.keepClaims([{ hash, token, expires: now + OBJECT_KEPT }]);
}

/** Remembers whose upload an answer begins: its later requests may carry no token. */
export async function claimUpload(
  url: string,
  { route: { provider, target }, holder, store, now }: Editing,
): Promise<void> {
  const query = /\?[^#]*/.exec(url)?.[0] ?? "";
  const hash = uploadHash(provider, { path: target.path, query });
  if (hash === undefined || isRefusal(hash)) return;
  const { token: { id: token }, by } = holder;
  await store.keepClaims([{ hash, token, by, expires: now + UPLOAD_KEPT }]);
}
