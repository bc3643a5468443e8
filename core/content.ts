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

import type { Refusal } from "./refusal.ts";

/** What goes up as the body. */
export interface Content {
  /** `undefined`: no body at all. */
  readonly body: Blob | ReadableStream<Uint8Array<ArrayBuffer>> | undefined;
  /** Bytes; `undefined` for chunked content, whose end nobody knows. */
  readonly length: number | undefined;
  /** Whether chunked content has passed the limit and was cut. */
  readonly overflowed: () => boolean;
}

/** Read whole at once, since it costs less than a stream (`research/runtimes.md` §2). */
const SMALL = 65_536;
/** Most that is read into memory to find the model a request names. */
const WHOLE = 33_554_432;

const never = () => false;
const NONE: Content = { body: undefined, length: 0, overflowed: never };

/** `whole`: read it into memory whatever its size, because a step must look into it. */
export async function readContent(
  request: Request,
  { limit, whole }: { limit: number; whole: boolean },
): Promise<Content | Refusal> {
  const declared = request.headers.get("content-length");
  if (declared !== null && !/^\d{1,15}$/.test(declared)) {
    return { refused: "request_malformed", detail: "Bad Content-Length." };
  }
  const length = declared === null ? undefined : Number(declared);
  const chunked = length === undefined &&
    request.headers.has("transfer-encoding");
  if (request.body === null || !chunked && !length) return NONE;
  if (request.method === "GET" || request.method === "HEAD") {
    return {
      refused: "request_malformed",
      detail: `${request.method} with content is not forwarded.`,
    };
  }
  const most = whole ? Math.min(limit, WHOLE) : limit;
  if (length !== undefined && length > most) {
    return { refused: "body_too_large" };
  }
  if (length !== undefined && (whole || length <= SMALL)) {
    const bytes = await request.arrayBuffer();
    return { body: new Blob([bytes]), length, overflowed: never };
  }
  if (length !== undefined) {
    return { body: request.body, length, overflowed: never };
  }
  const counted = countedBody(request.body, most);
  if (!whole) return counted;
  try {
    const bytes = await new Response(counted.body).arrayBuffer();
    const body = new Blob([bytes]);
    return { body, length: bytes.byteLength, overflowed: never };
  } catch (error) {
    if (counted.overflowed()) return { refused: "body_too_large" };
    throw error;
  }
}

/** Chunked content, cut with an error at `limit` bytes. */
function countedBody(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  limit: number,
): Content & { body: ReadableStream<Uint8Array<ArrayBuffer>> } {
  let left = limit;
  const counter = new TransformStream<
    Uint8Array<ArrayBuffer>,
    Uint8Array<ArrayBuffer>
  >({
    transform(chunk, controller) {
      left -= chunk.byteLength;
      if (left < 0) controller.error(new Error("The body is too large"));
      else controller.enqueue(chunk);
    },
  });
  return {
    body: body.pipeThrough(counter),
    length: undefined,
    overflowed: () => left < 0,
  };
}
