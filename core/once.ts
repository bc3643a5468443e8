/**
 * Content as `fetch` sends it once, whatever happens to the connection.
 *
 * Deno re-sends strings, bytes and small streams when a pooled connection dies
 * under a POST, and a `Blob` never: it asks that for its `size` and `stream()`.
 * Bun re-sends nothing, and bytes cost it less. Which of the two this is, is
 * tried once.
 *
 * @module
 */

import type { Bytes } from "./chunks.ts";

/** Bytes to be sent. */
export function sentOnce(bytes: Bytes): Blob | Bytes {
  return BLOBS_ARE_ASKED ? new Blob([bytes]) : bytes;
}

/** A stream to be sent with its length, where that is known: Bun keeps the one that the fields say, Deno sends a stream of ours in chunks, unless it is a `Blob`'s. */
export function withLength(
  stream: ReadableStream<Bytes>,
  length: number | undefined,
): Blob | ReadableStream<Bytes> {
  return length !== undefined && BLOBS_ARE_ASKED
    ? blobOf(stream, length)
    : stream;
}

function blobOf(stream: ReadableStream<Bytes>, size: number): Blob {
  return Object.defineProperties(new Blob(), {
    size: { value: size },
    stream: { value: () => stream },
  });
}

const BLOBS_ARE_ASKED = (() => {
  const stream = new ReadableStream<Bytes>();
  return new Response(blobOf(stream, 1)).body === stream;
})();
