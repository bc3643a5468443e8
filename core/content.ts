/**
 * A request's content, taken in so that it can be sent on unchanged.
 *
 * Small content is read whole, so that its length is known. Large content is
 * the request's own stream: any wrapper would cost Deno the `content-length`.
 *
 * @module
 */

import { readByChunks, type Source } from "./chunks.ts";
import { sentOnce } from "./once.ts";
import { enqueueInPieces } from "./pieces.ts";
import type { Refusal } from "./refusal.ts";

/** What goes up as the body. */
export interface Content {
  /** `undefined`: no body at all. */
  readonly body:
    | Blob
    | Uint8Array<ArrayBuffer>
    | ReadableStream<Uint8Array<ArrayBuffer>>
    | undefined;
  /** Bytes; `undefined` for chunked content, whose end nobody knows. */
  readonly length: number | undefined;
  /** The whole of it, where a step must look into it. */
  readonly bytes?: Uint8Array<ArrayBuffer>;
  /** Usage is asked for in it, in the client's place. */
  readonly asked?: true;
  /** Present for chunked content. */
  readonly chunks?: Chunks;
}

/** Chunked content on its way. */
export interface Chunks {
  /** Whether it has passed the limit and was cut. */
  overflowed: boolean;
  /** Called for each chunk that goes by, with its bytes. */
  seen: (bytes: number) => void;
}

/** Read whole at once, since it costs less than a stream (`research/runtimes.md` §2). */
const SMALL = 65_536;
/** Most that is read into memory to find the model a request names. */
const WHOLE = 33_554_432;

const NONE: Content = { body: undefined, length: 0 };

/** How content is taken in. */
export interface Reading {
  /** Most that is taken at all, bytes. */
  readonly limit: number;
  /** Into memory whatever its size, because a step must look into it. */
  readonly whole: boolean;
  /** Into memory up to so many bytes, because it may have to go up again. */
  readonly hold?: number;
}

/** Takes in a request's content. */
export async function readContent(
  request: Request,
  { limit, whole, hold = 0 }: Reading,
): Promise<Content | Refusal> {
  const { method, headers } = request;
  const declared = headers.get("content-length");
  const coding = headers.get("transfer-encoding");
  if (declared !== null && !/^\d{1,15}$/.test(declared)) {
    return malformed("Bad Content-Length.");
  }
  if (coding !== null && coding.toLowerCase() !== "chunked") {
    return malformed("Bad Transfer-Encoding.");
  }
  const length = declared === null ? undefined : Number(declared);
  const unframed = length === undefined && coding === null;
  if (length === 0) return NONE;
  if (method === "GET" || method === "HEAD") {
    if (unframed) return NONE;
    return malformed(`${method} with content is not forwarded.`);
  }
  const most = whole ? Math.min(limit, WHOLE) : limit;
  if (length !== undefined && length > most) {
    return { refused: "body_too_large" };
  }
  // Not touched before here: Deno reads past a refused body only if nobody has
  // looked at it, and would else take the rest for the next request. And not as
  // a stream where it is read at once: one costs Bun more than all the rest.
  if (length !== undefined && (whole || length <= Math.max(SMALL, hold))) {
    return inMemory(await request.arrayBuffer());
  }
  if (request.body === null) return NONE;
  if (length !== undefined) return { body: request.body, length };
  const reader = readByChunks(request.body);
  // HTTP/2 frames content by itself: only its first bytes tell that there is some.
  const first = unframed ? await someBytes(reader) : undefined;
  if (first?.done) return NONE;
  const ahead = first === undefined ? [] : [first];
  if (!whole && hold > 0) {
    const all = await readAhead(reader, ahead, Math.min(hold, most));
    if (all !== undefined) return inMemory(all);
  }
  return await readChunks(reader, { ahead, limit: most, whole });
}

/** Reads into `ahead` until there is more than `most` or an end; all of it where there is. */
async function readAhead(
  reader: Source,
  ahead: Read[],
  most: number,
): Promise<ArrayBuffer | undefined> {
  let size = ahead[0]?.value?.byteLength ?? 0;
  while (size <= most) {
    const read = await reader.read();
    if (read.done) {
      return await new Blob(ahead.map(({ value }) => value!)).arrayBuffer();
    }
    ahead.push(read);
    size += read.value.byteLength;
  }
  return undefined;
}

type Read = ReadableStreamReadResult<Uint8Array<ArrayBuffer>>;

async function someBytes(reader: Source): Promise<Read> {
  let read = await reader.read();
  while (!read.done && read.value.byteLength === 0) read = await reader.read();
  return read;
}

/** Other content in its place. */
export function contentOf(text: string): Content {
  return inMemory(new TextEncoder().encode(text).buffer);
}

/** Content that is all there. */
export function inMemory(buffer: ArrayBuffer): Content {
  if (buffer.byteLength === 0) return NONE;
  const bytes = new Uint8Array(buffer);
  return { body: sentOnce(bytes), length: bytes.byteLength, bytes };
}

function malformed(detail: string): Refusal {
  return { refused: "request_malformed", detail };
}

/** Content whose length nobody said, cut with an error at `limit` bytes; what is `ahead` has been read already. */
async function readChunks(
  reader: Source,
  { ahead, limit, whole }: {
    ahead: Read[];
    limit: number;
    whole: boolean;
  },
): Promise<Content | Refusal> {
  const chunks: Chunks = { overflowed: false, seen: () => {} };
  let left = limit;
  const counted = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { done, value } = ahead.shift() ?? await reader.read();
      if (done) return controller.close();
      chunks.seen(value.byteLength);
      left -= value.byteLength;
      if (left >= 0) return enqueueInPieces(controller, value);
      chunks.overflowed = true;
      reader.cancel().catch(() => {});
      throw new Error("The body is too large");
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  if (!whole) return { body: counted, length: undefined, chunks };
  try {
    return inMemory(await new Response(counted).arrayBuffer());
  } catch (error) {
    if (chunks.overflowed) return { refused: "body_too_large" };
    throw error;
  }
}
