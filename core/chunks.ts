/**
 * Content read in portions that cost the runtime little memory.
 *
 * With each read that waits, Deno's server takes from the socket as much as
 * any read of the request has ever asked for, but hands out no more than the
 * rest of one of the client's chunks. What is left over stays in its memory
 * and is moved with every read; it never gets less while the client is fast.
 * Reads of 64 KiB so end with the whole upload in memory, reads of exactly one
 * chunk and its framing leave nothing over.
 *
 * @module
 */

/** What streams hand out. */
export type Bytes = Uint8Array<ArrayBuffer>;
/** What a read comes back with. */
export type Read = ReadableStreamReadResult<Bytes>;
const DONE: Read = { done: true, value: undefined as never };

/** Where content comes from. */
export interface Source {
  /** As of a stream's reader. */
  read(): Promise<Read>;
  /** As of a stream's reader. */
  cancel(reason?: unknown): Promise<void>;
}

/** Asked for while nobody knows the client's chunks, bytes: so much may be left over with each of them. */
const CAREFUL = 4_096;
/** Most that is asked for, bytes. */
const MOST = 131_072;
/** No framing of a chunk is longer, bytes, extensions aside. */
const FRAMING = 16;
/** As many chunks of the same size after one another foretell all others. */
const SURE = 4;
/** Asked for of a stream that says little, bytes. */
const LEAST = 1_024;

/** Reads by the client's chunks where the stream lets its reader say how much, else as it comes. */
export function readByChunks(body: ReadableStream<Bytes>): Source {
  return readAsking(body, createAsker());
}

/** Reads in small portions, and in larger ones while there is much: a reader that does not say how much keeps 64 KiB waiting for each silent stream on Deno. */
export function readSparingly(body: ReadableStream<Bytes>): Source {
  let asked = LEAST;
  return readAsking(body, {
    next: () => asked,
    got(bytes) {
      if (bytes === asked) asked = Math.min(2 * asked, MOST / 2);
      else if (bytes < asked / 2) asked = Math.max(asked / 2, LEAST);
    },
  });
}

/** Reads so many bytes at a time. */
export function readWith(body: ReadableStream<Bytes>, bytes: number): Source {
  return readAsking(body, { next: () => bytes, got() {} });
}

/** The same source, of which one read has come back already. */
export function startingWith(first: Read, source: Source): Source {
  let next: Read | undefined = first;
  return {
    read() {
      const read = next;
      next = undefined;
      return read ? Promise.resolve(read) : source.read();
    },
    cancel: (reason) => source.cancel(reason),
  };
}

/** How much to ask for, and what came of it. */
export interface Asker {
  /** Bytes. */
  next(): number;
  /** The read asked for last came back with so much. */
  got(bytes: number): void;
}

function readAsking(body: ReadableStream<Bytes>, ask: Asker): Source {
  let reader: ReadableStreamBYOBReader;
  try {
    reader = body.getReader({ mode: "byob" });
  } catch {
    return body.getReader(); // Not a stream of bytes.
  }
  let spare: ArrayBuffer | undefined;
  return {
    async read() {
      const asked = ask.next();
      const view = spare?.byteLength === asked
        ? new Uint8Array(spare)
        : new Uint8Array(asked);
      spare = undefined;
      const { done, value } = await reader.read(view) as Read;
      if (done) return DONE;
      ask.got(value.byteLength);
      if (value.byteLength > asked / 2) return { done, value };
      // Little came: it is copied out, and the room is used again.
      spare = value.buffer;
      return { done, value: value.slice() };
    },
    cancel: (reason) => reader.cancel(reason),
  };
}

/** How much to ask for, learned once from what came. */
export function createAsker(): Asker {
  let asked = CAREFUL;
  let size = 0;
  let before = 0;
  let alike = 0;
  return {
    next: () => asked,
    got(bytes) {
      if (alike === SURE) return;
      size += bytes;
      if (bytes >= asked - FRAMING) return; // The chunk may go on.
      alike = size === before ? alike + 1 : 1;
      before = size;
      size = 0;
      if (alike < SURE) return;
      // On the wire, with the CRLF of the one before (RFC 9112 §7.1).
      const framed = before + before.toString(16).length + 4;
      const parts = Math.ceil(framed / MOST);
      asked = Math.max(CAREFUL, Math.ceil(framed / parts));
    },
  };
}
