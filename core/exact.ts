/**
 * `exactUsage`: OpenAI's chat streams tell their usage only to who asks for it.
 * doppel asks in the client's place, and takes out of the stream what the
 * client has not asked for; all other bytes stay as they are.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import { type Content, contentOf } from "./content.ts";
import { members, type Span, textOf } from "./json.ts";
import { meteringOf } from "./meter.ts";
import { requestLine, type Route } from "./provider.ts";
import type { TokenRecord } from "./store.ts";

/** Whether a token's usage is asked for on this route, as its provider's row says that it can be. */
export function asksForUsage(
  { exactUsage }: TokenRecord,
  { provider, target }: Route,
  method: string,
): boolean {
  if (!exactUsage) return false;
  const how = meteringOf(provider.usage, requestLine(method, target.path));
  return typeof how === "object" && how.asks === true;
}

/** The content, asking in the client's place unless it is to stay as it is. */
export function asking(content: Content): Content {
  const text = content.bytes && textOf(content.bytes);
  const asked = text && askForUsage(text);
  return asked ? { ...contentOf(asked), asked: true } : content;
}

/** Whether an answer is a stream of events that can be read as it passes. */
export function hidesUsage({ status, headers }: Response): boolean {
  const type = headers.get("content-type") ?? "";
  return status === 200 && /^text\/event-stream\s*(?:;|$)/i.test(type) &&
    (headers.get("content-encoding") ?? "identity") === "identity";
}

/** What is asked for. */
const ASKED = '{"include_usage":true}';

/**
 * A chat request's JSON, asking for usage; `undefined` where it is to stay as
 * it is: it does not stream, asks already, or cannot be read beyond doubt.
 *
 * ```ts
 * import assert from "node:assert/strict";
 * import { askForUsage } from "./exact.ts";
 *
 * assert.equal(
 *   askForUsage('{ "stream": true }'),
 *   '{"stream_options":{"include_usage":true}, "stream": true }',
 * );
 * assert.equal(askForUsage('{"stream":false}'), undefined);
 * ```
 */
export function askForUsage(text: string): string | undefined {
  const streams = members(text, "stream");
  const options = members(text, "stream_options");
  const last = streams?.length === 1 ? streams[0] : undefined;
  if (last === undefined || read(text, last) !== "true") return undefined;
  if (options === undefined || options.length > 1) return undefined;
  const [given] = options;
  if (given === undefined) {
    return insertMember(text, `"stream_options":${ASKED}`);
  }
  const inner = read(text, given);
  if (inner === "null") return replace(text, given, ASKED);
  const asked = members(inner, "include_usage");
  if (asked === undefined || asked.length > 1) return undefined;
  const changed = asked[0] === undefined
    ? insertMember(inner, '"include_usage":true')
    : replace(inner, asked[0], "true");
  return changed === inner ? undefined : replace(text, given, changed);
}

function read(text: string, { start, end }: Span): string {
  return text.slice(start, end);
}

function replace(text: string, { start, end }: Span, by: string): string {
  return text.slice(0, start) + by + text.slice(end);
}

/** The object with one member more at its front. */
function insertMember(text: string, member: string): string {
  const at = text.indexOf("{") + 1;
  const comma = /^\s*\}/.test(text.slice(at)) ? "" : ",";
  return text.slice(0, at) + member + comma + text.slice(at);
}

/** Longest event that is looked into, bytes; a longer one passes as it is. */
const LONGEST = 1_048_576;

/** Takes what comes, gives what may go on; holds an event until it is whole. */
export interface EventFilter {
  /** What may go on now; empty while an event is on its way. */
  push(chunk: Uint8Array): Uint8Array<ArrayBuffer>;
  /** What is left when the stream ends. */
  end(): Uint8Array<ArrayBuffer>;
}

/** The end of a line and the empty one after it, in any mixture; a CR at the very end may be half of a CRLF. */
const WHOLE = /(?:\r\n|\n|\r(?!\n))(?:\r\n|\n|\r(?!\n|$))/g;

/** Takes the usage out of a chat stream that {@linkcode askForUsage} put there: the chunk without choices, and the `null` in all others. */
export function hideUsage(): EventFilter {
  // Bytes as characters, so that none is changed on the way.
  let held = "";
  let searched = 0;
  return {
    push(chunk) {
      const text = held + latin1(chunk);
      let out = "";
      let start = 0;
      // A line's end may lie across two chunks.
      WHOLE.lastIndex = Math.max(0, searched - 3);
      while (WHOLE.test(text)) {
        out += withoutUsage(text.slice(start, WHOLE.lastIndex));
        start = WHOLE.lastIndex;
      }
      held = text.slice(start);
      if (held.length > LONGEST) {
        out += held;
        held = "";
      }
      searched = held.length;
      return bytes(out);
    },
    end() {
      const left = withoutUsage(held);
      held = "";
      return bytes(left);
    },
  };
}

const DATA = /^data: ?(\{.*\}) *(?=[\r\n]|$)/m;

/** The event as the client would have had it; empty where it would not have. */
function withoutUsage(event: string): string {
  const found = DATA.exec(event);
  if (found === null) return event;
  const json = found[1]!;
  const usage = members(json, "usage");
  if (usage?.length !== 1) return event;
  const value = read(json, usage[0]!);
  const [choices] = members(json, "choices") ?? [];
  if (value !== "null") {
    const extra = choices && /^\[\s*\]$/.test(read(json, choices));
    return extra ? "" : event;
  }
  const at = found.index + found[0].indexOf(json);
  return event.slice(0, at) + withoutMember(json, usage[0]!) +
    event.slice(at + json.length);
}

/** JSON without the member whose value stands at `span`. */
function withoutMember(json: string, { start, end }: Span): string {
  const before = json.slice(0, start).replace(/,?\s*"usage"\s*:\s*$/, "");
  const after = json.slice(end);
  return before.trimEnd() === "{"
    ? before + after.replace(/^\s*,/, "")
    : before + after;
}

function latin1(chunk: Uint8Array): string {
  return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    .toString("latin1");
}

function bytes(text: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(text, "latin1"));
}
