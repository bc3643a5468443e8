/**
 * Streams of ours hand out small pieces.
 *
 * Deno queues up to 1,024 chunks of a stream made in JavaScript on their way
 * to a socket, whatever their size: with the 64 KiB chunks that sockets give,
 * 64 MiB for each slow reader.
 *
 * @module
 */

/** Bytes: 4 MiB for a slow reader. Smaller ones cost Deno more speed than they save memory. */
const PIECE = 4_096;

/** Enqueues `chunk`, large ones as views of at most 4 KiB. */
export function enqueueInPieces(
  controller: ReadableStreamDefaultController<Uint8Array<ArrayBuffer>>,
  chunk: Uint8Array<ArrayBuffer>,
): void {
  if (chunk.byteLength <= PIECE) return controller.enqueue(chunk);
  for (let at = 0; at < chunk.byteLength; at += PIECE) {
    controller.enqueue(chunk.subarray(at, at + PIECE));
  }
}
