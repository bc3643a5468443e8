/**
 * A copy of compressed bytes, read behind the back of those that pass.
 *
 * doppel asks for `identity`; an origin that compresses all the same is still
 * metered, and whatever goes wrong here only makes that impossible.
 *
 * @module
 */

import * as zlib from "node:zlib";

/** Takes compressed bytes, gives plain ones. */
export interface Unpacker {
  /** Copies the bytes and returns at once. */
  push(chunk: Uint8Array): void;
  /** Resolves when all has been given that could be read: whether that was everything. */
  end(): Promise<boolean>;
}

/** Most that may wait to be unpacked, bytes; an origin faster than that is not metered. */
const MOST_WAITING = 8_388_608;

const PLAIN = { finishFlush: zlib.constants.Z_SYNC_FLUSH };
const BROTLI = { finishFlush: zlib.constants.BROTLI_OPERATION_FLUSH };

/** Streams by content coding (RFC 9110 §8.4.1); told to give what they have where the end is missing. */
const CODINGS: Record<string, (first: number) => zlib.Gunzip> = {
  "gzip": () => zlib.createGunzip(PLAIN),
  "x-gzip": () => zlib.createGunzip(PLAIN),
  // Some leave out the header that RFC 9110 asks for.
  "deflate": (first) =>
    (first & 0x0f) === 8
      ? zlib.createInflate(PLAIN)
      : zlib.createInflateRaw(PLAIN),
  "br": () => zlib.createBrotliDecompress(BROTLI),
  ...zlib.createZstdDecompress &&
    { "zstd": () => zlib.createZstdDecompress() },
};

/** `undefined` for a coding that cannot be read. */
export function openUnpacker(
  coding: string,
  see: (chunk: Uint8Array) => void,
): Unpacker | undefined {
  const open = Object.hasOwn(CODINGS, coding) ? CODINGS[coding] : undefined;
  if (open === undefined) return undefined;
  let stream: zlib.Gunzip | undefined;
  let failed = false;
  const done = Promise.withResolvers<void>();
  const stop = () => {
    failed = true;
    done.resolve();
  };
  const start = (first: number) => {
    const opened = open(first);
    opened.on("data", see).on("end", done.resolve).on("error", stop);
    return opened;
  };
  return {
    push(chunk) {
      if (failed || chunk.byteLength === 0) return;
      stream ??= start(chunk[0]!);
      stream.write(chunk.slice());
      if (stream.writableLength <= MOST_WAITING) return;
      stop();
      stream.destroy();
    },
    async end() {
      if (stream === undefined) return true;
      if (!failed) stream.end();
      await done.promise;
      return !failed;
    },
  };
}
