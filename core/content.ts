/**
 * A request's content, taken in so that it can be sent on unchanged.
 *
 * Small content is read whole and sent as a `Blob`: its length is known and
 * Deno, which re-sends strings and bytes when a pooled connection dies under a
 * POST, sends a `Blob` once. Large content is the request's own stream: any
 * wrapper would cost Deno the `content-length`.
 *
 * @module
 */

import { enqueueInPieces } from "./pieces.ts";
import type { Refusal } from "./refusal.ts";

/** What goes up as the body. */
export interface Content {
  /** `undefined`: no body at all. */
  readonly body: Blob | ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  /** Bytes; `undefined` for chunked content, whose end nobody knows. */
  readonly length: number | undefined;
  /** Present for chunked content. */
  readonly chunks?: Chunks;
}

/** Chunked content on its way. */
export interface Chunks {
  /** Whether it has passed the limit and was cut. */
  overflowed: boolean;
  /** Called for each chunk that goes by. */
  seen: () => void;
}

/** Read whole at once, since it costs less than a stream (`research/runtimes.md` §2). */
const SMALL = 65_536;
/** Most that is read into memory to find the model a request names. */
const WHOLE = 33_554_432;

const NONE: Content = { body: undefined, length: 0 };

/** `whole`: read it into memory whatever its size, because a step must look into it. */
export async function readContent(
  request: Request,
  { limit, whole }: { limit: number; whole: boolean },
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
  const length = coding === null ? Number(declared ?? 0) : undefined;
  if (length === 0) return NONE;
  if (method === "GET" || method === "HEAD") {
    return malformed(`${method} with content is not forwarded.`);
  }
  const most = whole ? Math.min(limit, WHOLE) : limit;
  if (length !== undefined && length > most) {
    return { refused: "body_too_large" };
  }
  // Not touched before here: Deno reads past a refused body only if nobody has
  // looked at it, and would else take the rest for the next request.
  const { body } = request;
  if (body === null) return NONE;
  if (length === undefined) return await readChunks(body, most, whole);
  if (!whole && length > SMALL) return { body, length };
  return { body: new Blob([await request.arrayBuffer()]), length };
}

function malformed(detail: string): Refusal {
  return { refused: "request_malformed", detail };
}

/** Chunked content, cut with an error at `limit` bytes. */
async function readChunks(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  limit: number,
  whole: boolean,
): Promise<Content | Refusal> {
  const chunks: Chunks = { overflowed: false, seen: () => {} };
  let left = limit;
  const reader = body.getReader();
  const counted = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) return controller.close();
      chunks.seen();
      left -= value.byteLength;
      chunks.overflowed = left < 0;
      if (left >= 0) enqueueInPieces(controller, value);
      else throw new Error("The body is too large");
    },
    cancel: (reason) => reader.cancel(reason),
  }, { highWaterMark: 0 });
  if (!whole) return { body: counted, length: undefined, chunks };
  try {
    const bytes = await new Response(counted).arrayBuffer();
    return { body: new Blob([bytes]), length: bytes.byteLength };
  } catch (error) {
    if (chunks.overflowed) return { refused: "body_too_large" };
    throw error;
  }
}
