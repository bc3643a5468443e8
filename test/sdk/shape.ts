/** What the stand-ins are made of. */

import { createHash } from "node:crypto";

/** What every stand-in says, word by word where it streams. */
export const WORDS = ["Echo", " of", " the", " origin"];
export const TEXT = WORDS.join("");
/** The tool that every stand-in calls where it is offered one. */
export const CALL = {
  id: "call_0001",
  name: "weather",
  input: { city: "Zürich" },
};
/** What every stand-in gives to download. */
export const BINARY: Uint8Array<ArrayBuffer> = noise(2_000_000);
/** Its hash. */
export const HASH: string = sha256(BINARY);

/** A request as an origin got it. */
export interface Received {
  /** Whose stand-in got it. */
  readonly provider: string;
  readonly method: string;
  /** Path and query, byte for byte. */
  readonly url: string;
  /** Name and value in turn, as on the wire. */
  readonly rawHeaders: readonly string[];
  readonly body: Uint8Array<ArrayBuffer>;
}

/** A received request, read. */
export interface Ask extends Received {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: Headers;
  // deno-lint-ignore no-explicit-any -- whatever JSON the SDK sent
  readonly json: any;
  /** The origin's own base URL. */
  readonly base: string;
  /** Calls of tools are streamed in one piece each. */
  readonly wholeCalls?: true;
}

export interface Answer {
  readonly status?: number;
  readonly headers?: Record<string, string>;
  /** JSON where it is no bytes and no text. */
  readonly body?: unknown;
  /** Sent one by one instead of a body. */
  readonly events?: readonly string[];
}

/** What differs from API to API. */
export interface StandIn {
  /** Before every path. */
  readonly base?: string;
  slot(path: string): readonly [field: string, value: string];
  answer(ask: Ask): Answer | undefined | Promise<Answer | undefined>;
  error(status: number, message: string): unknown;
  /** What it says to a message on the socket at a path, if it takes one there. */
  socket?(
    path: string,
  ): ((json: Ask["json"]) => readonly unknown[]) | undefined;
  /** The field that names a request. */
  readonly requestId?: string;
}

/** Method, path, and what is answered. */
export type Row = readonly [
  method: string,
  path: RegExp,
  answer: (ask: Ask, match: RegExpExecArray) => Answer | Promise<Answer>,
];

/** The answer of the first row that fits. */
export function firstFit(
  rows: readonly Row[],
  ask: Ask,
): Answer | Promise<Answer> | undefined {
  for (const [method, path, answer] of rows) {
    const match = method === ask.method ? path.exec(ask.path) : null;
    if (match !== null) return answer(ask, match);
  }
}

interface Named {
  readonly type: string;
  readonly [more: string]: unknown;
}

export function isNamed(event: unknown): event is Named {
  return typeof event === "object" && event !== null && "type" in event;
}

/** Server-sent events that are JSON, named after their `type`. */
export function named(events: readonly Named[]): string[] {
  return events.map((event) =>
    `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`
  );
}

/** Server-sent events that are JSON and have no name. */
export function unnamed(events: readonly unknown[]): string[] {
  return events.map((event) => `data: ${JSON.stringify(event)}\n\n`);
}

/** Bytes without a pattern, the same in every run (Numerical Recipes' generator). */
export function noise(length: number): Uint8Array<ArrayBuffer> {
  let state = 1;
  return new Uint8Array(length).map(() => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return state >>> 24;
  });
}

/** Lower-case hex SHA-256. */
export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** The file of a multipart form, and its hash. */
export async function fileOf({ body, headers }: Ask) {
  const form = await new Response(body, {
    headers: { "content-type": headers.get("content-type") ?? "" },
  }).formData();
  const file = form.get("file") as File;
  const bytes = new Uint8Array(await file.arrayBuffer());
  return { name: file.name, size: bytes.length, hash: sha256(bytes), form };
}
