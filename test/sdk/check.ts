/**
 * How what an SDK sent, and what it made of the answer, is looked at.
 */

import assert from "node:assert/strict";
import type { Received } from "./shape.ts";
import type { Stage } from "./stage.ts";

/** A request as an SDK handed it to `fetch`. */
export interface Sent {
  readonly url: string;
  readonly headers: Headers;
  /** Where it is text. */
  readonly body: string | undefined;
}

/** What the SDKs of this process sent so far; every `fetch` is noted here. */
export const sent: Sent[] = [];
const plainFetch = globalThis.fetch;
globalThis.fetch = (input, init) => {
  const request = input instanceof Request ? input : undefined;
  const headers = new Headers(init?.headers ?? request?.headers);
  const url = request?.url ?? `${input}`;
  const note = { url, headers, body: textOf(init?.body) };
  if (/^https?:/.test(url)) sent.push(note);
  if (/json/.test(request?.headers.get("content-type") ?? "")) {
    request!.clone().text().then((text) => note.body = text);
  }
  return plainFetch(input, init);
};

function textOf(body: unknown): string | undefined {
  return typeof body === "string" ? body : undefined;
}

/** What `promise` rejects with. */
export async function rejection(
  what: string,
  promise: Promise<unknown>,
): Promise<unknown> {
  const outcome = await promise.then(() => undefined, (error) => ({ error }));
  assert.ok(outcome, `${what} should have been refused`);
  return outcome.error;
}

/** All that an async iterable yields. */
export async function collect<Item>(
  items: AsyncIterable<Item>,
): Promise<Item[]> {
  return await Array.fromAsync(items);
}

/** Reads a stream whose second word leaves the origin only when the first has come down. */
export async function wordByWord<Item>(
  { origin }: Stage,
  open: () => AsyncIterable<Item> | Promise<AsyncIterable<Item>>,
  wordOf: (item: Item) => string | undefined,
): Promise<string[]> {
  origin.hold();
  const words: string[] = [];
  for await (const item of await open()) {
    const word = wordOf(item);
    if (word) words.push(word);
    if (words.length === 1) origin.open();
  }
  return words;
}

/** Fails rather than waits for ever. */
export async function within<Value>(
  promise: Promise<Value>,
  milliseconds = 10_000,
): Promise<Value> {
  let timer: ReturnType<typeof setTimeout>;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`nothing within ${milliseconds} ms`)),
      milliseconds,
    );
  });
  return await Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** Fields that a connection or a runtime's fetch writes, not the SDK. */
const WRITTEN_BELOW = [
  "host",
  "connection",
  "content-length",
  "accept-language",
  "sec-fetch-mode",
];

/** Fields that stay at doppel: slots, the holder's own account, and what is said to doppel. */
const KEPT_BACK = [
  "authorization",
  "x-api-key",
  "x-goog-api-key",
  "api-key",
  "openai-organization",
  "openai-project",
  "anthropic-workspace-id",
  "x-goog-user-project",
  "cookie",
  "x-host-final",
];

/** Asserts that the last request came as it was sent, field by field and byte by byte, with the one slot filled. */
export function reachedUnchanged(
  { origin }: Stage,
  { api, url, slot }: {
    readonly api: string;
    /** Path and query it must have at the origin. */
    readonly url: string;
    readonly slot: Readonly<Record<string, string>>;
  },
) {
  const { headers, body } = sent.at(-1)!;
  const received = origin.received.at(-1)!;
  const expected = Object.fromEntries(headers);
  for (const field of KEPT_BACK) delete expected[field];
  assert.deepEqual(fieldsOf(received), {
    "accept": "*/*",
    "user-agent": navigator.userAgent,
    ...expected,
    "accept-encoding": "identity",
    ...slot,
  });
  assert.deepEqual([received.provider, received.url], [api, url]);
  assert.equal(new TextDecoder().decode(received.body), body ?? "");
}

function fieldsOf({ rawHeaders }: Received): Record<string, string> {
  const fields: Record<string, string> = {};
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i]!.toLowerCase();
    assert.ok(!(name in fields), `${name} came twice`);
    fields[name] = rawHeaders[i + 1]!;
  }
  for (const field of WRITTEN_BELOW) delete fields[field];
  return fields;
}
