/**
 * Which conversation a request goes on with, so that it meets the same key and
 * the origin's warm cache: by the name its client has for it, else by how it
 * began. Nothing of it is kept.
 *
 * What an API keeps lives in one account: requests that make or name such
 * things go, all of a token's, to the same key.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import type { Holder } from "./admit.ts";
import {
  type EndpointClass,
  endpointClass,
  type Provider,
  requestLine,
  type Route,
} from "./provider.ts";
import {
  eachElement,
  eachMember,
  namesOf,
  passOver,
  type Place,
  skipSpace,
  stringPlace,
} from "./skim.ts";

/** What a request's content says of itself. */
export interface Gist {
  /** The model it names; empty where it names none. */
  readonly model: string;
  /** The conversation's name, where the client has one. */
  readonly name: string | undefined;
  /** How the conversation began: what the system is told, and the first message. */
  readonly opening: readonly string[];
  /** Whether it goes on with what the API has kept. */
  readonly kept: boolean;
  /** What may be names of things kept. */
  readonly named: readonly string[];
  /** Whether the answer is to be kept, where it says so. */
  readonly store: boolean | undefined;
}

const NOTHING: Gist = {
  model: "",
  name: undefined,
  opening: [],
  kept: false,
  named: [],
  store: undefined,
};

/** Members that tell the system what it is: OpenAI's Responses, Anthropic, Gemini. */
const SYSTEM = [
  "instructions",
  "system",
  "systemInstruction",
  "system_instruction",
];
/** Members that hold the conversation: chat and Anthropic, Responses, Gemini. */
const TURNS = ["messages", "input", "contents"];
/** Members that hold words. */
const SAYING = namesOf(["text", "content"]);
/** Names of conversations, in Responses beside the rest and in chat within `metadata`. */
const NAMES = ["prompt_cache_key", "session_id", "conversation_id"];
/** Members at the top that name something kept, in whatever form. */
const KEPT: ReadonlySet<string> = new Set([
  "previous_response_id",
  "previous_interaction_id",
  "conversation",
  "cachedContent",
  "cached_content",
  "container",
]);
/** Members anywhere that may, if their value looks like it. */
const NAMING = namesOf([
  "file_id",
  "file_uri",
  "fileUri",
  "container",
  "container_id",
  "vector_store_ids",
]);

/** Characters of a name; what is longer counts up to here. */
const LONGEST_NAME = 512;
/** Bytes of a part of the opening that are looked at, beside its length. */
const MOST = 65_536;
/** Names of things kept that are looked at: one tells as much as all. */
const MOST_NAMED = 64;
/** Of a list of messages, so many may be the system's. */
const MOST_SYSTEM = 8;

const QUOTE = 0x22, ARRAY = 0x5b, NULL = 0x6e;

/** Reads content by its bytes, in linear time; nothing is found in what is no JSON object. */
export function gistOf(bytes: Uint8Array | undefined): Gist {
  if (bytes === undefined) return NOTHING;
  const named: string[] = [];
  const system: string[] = [];
  const gist = { ...NOTHING, named, opening: [] as string[] };
  let own: string | undefined;
  const found = (value: number) => {
    if (named.length === MOST_NAMED) return;
    if (bytes[value] === ARRAY) value = skipSpace(bytes, value + 1);
    if (bytes[value] !== QUOTE) return;
    named.push(stringAt(bytes, stringPlace(bytes, value)) ?? "");
  };
  const watch = { names: NAMING, found };
  const end = eachMember({ bytes, watch }, 0, (name, value) => {
    if (KEPT.has(name)) gist.kept ||= bytes[value.start] !== NULL;
    else if (name === "model") gist.model = stringAt(bytes, value) ?? "";
    else if (name === "store") gist.store = truthAt(bytes, value);
    else if (name === "prompt_cache_key") own = stringAt(bytes, value);
    else if (name === "metadata") gist.name = nameWithin(bytes, value);
    else if (SYSTEM.includes(name)) system.push(partAt(bytes, value));
    else if (TURNS.includes(name)) gist.opening = openingAt(bytes, value);
  });
  if (end === -1) return NOTHING;
  gist.name = own || gist.name;
  gist.opening = gist.opening.length === 0 ? [] : [...system, ...gist.opening];
  return gist;
}

/** Fields in which clients name their conversation, the surest first (research/seed-others.md C5; Codex and Claude Code: research/sdks.md). */
const FIELDS = [
  "x-prompt-cache-key",
  "x-claude-code-session-id",
  "session-id",
  "session_id",
  "conversation-id",
  "conversation_id",
  "x-session-id",
  "x-conversation-id",
];

/** Classes whose requests leave nothing with the API. */
const PASSING: ReadonlySet<EndpointClass> = new Set<EndpointClass>([
  "inference",
  "embeddings",
  "images",
  "audio",
  "models",
]);

/** What a request's key is chosen by: its conversation; or its token, where the API keeps something; nothing for all else. Never the same for two tokens. */
export function stickyName(
  { token, by }: Pick<Holder, "token" | "by">,
  { provider, target }: Route,
  { method, headers, gist }: {
    readonly method: string;
    readonly headers: Headers;
    readonly gist: Gist;
  },
): string | undefined {
  const salted = (...parts: readonly string[]) =>
    digest([token.id, by, ...parts]);
  const kind = endpointClass(provider, method, target);
  if (
    !PASSING.has(kind) ||
    leaves(gist, provider, requestLine(method, target.path))
  ) {
    return salted("home");
  }
  if (kind !== "inference") return undefined;
  const name = gist.name ?? nameIn(headers);
  if (name) return salted("name", name.slice(0, LONGEST_NAME));
  if (gist.opening.length === 0) return undefined;
  return salted("opening", gist.model, ...gist.opening);
}

/** Whether a request leaves something in the key's account, or finds it there. */
function leaves(
  { kept, named, store }: Gist,
  { objects }: Provider,
  line: string,
): boolean {
  if (kept || (store ?? objects.keeps?.test(line))) return true;
  if (named.length === 0) return false;
  const whole = new RegExp(`^(?:${objects.name.source})`);
  return named.some((name) => whole.test(name));
}

function nameIn(headers: Headers): string | undefined {
  for (const field of FIELDS) {
    const value = headers.get(field);
    if (value) return value;
  }
  return undefined;
}

/** Each part by its length too, so that no two ways to divide the same text are one. */
function digest(parts: readonly string[]): string {
  const all = parts.map((part) => `${part.length} ${part}\n`).join("");
  return createHash("sha256").update(all).digest("base64url");
}

/** The system's messages at the front, and the first of anybody else; all of it where it is no list. */
function openingAt(bytes: Uint8Array, turns: Place): string[] {
  const parts: string[] = [];
  eachElement({ bytes }, turns.start, (message) => {
    parts.push(partAt(bytes, message));
    return isSystems(bytes, message) && parts.length <= MOST_SYSTEM;
  });
  const list = bytes[turns.start] === ARRAY;
  return parts.length > 0 || list ? parts : [partAt(bytes, turns)];
}

function isSystems(bytes: Uint8Array, message: Place): boolean {
  let role: string | undefined;
  eachMember({ bytes }, message.start, (name, value) => {
    if (name !== "role") return true;
    role = stringAt(bytes, value);
    return false;
  });
  return role === "system" || role === "developer";
}

/**
 * A part of the opening: what it says, and no more, since clients move marks
 * (`cache_control`) along from one request to the next, and write `"x"` with
 * them as `[{"type":"text","text":"x"}]`. All of it where it says nothing.
 */
function partAt(bytes: Uint8Array, part: Place): string {
  const said: Place[] = [];
  const found = (value: number) => {
    if (bytes[value] === QUOTE) said.push(stringPlace(bytes, value));
  };
  if (bytes[part.start] === QUOTE) said.push(part);
  else passOver({ bytes, watch: { names: SAYING, found } }, part.start);
  let text = "";
  let length = 0;
  for (const { start, end } of said.length > 0 ? said : [part]) {
    const room = MOST - text.length;
    if (room > 0) text += latin1(bytes, start, Math.min(end, start + room));
    length += end - start;
  }
  return `${length} ${text}`;
}

/** The string at a place, unescaped; `undefined` where there is none. */
function stringAt(bytes: Uint8Array, { start, end }: Place) {
  if (bytes[start] !== QUOTE || end - start > LONGEST_NAME) return undefined;
  const value = parsed(latin1(bytes, start, end));
  return typeof value === "string" ? value : undefined;
}

function truthAt(bytes: Uint8Array, { start, end }: Place) {
  const value = end - start > 5 ? undefined : parsed(latin1(bytes, start, end));
  return typeof value === "boolean" ? value : undefined;
}

function nameWithin(bytes: Uint8Array, object: Place): string | undefined {
  const found: Record<string, string | undefined> = {};
  eachMember({ bytes }, object.start, (name, value) => {
    if (NAMES.includes(name)) found[name] = stringAt(bytes, value);
  });
  return NAMES.map((name) => found[name]).find(Boolean);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function latin1(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset + start, end - start)
    .toString("latin1");
}
