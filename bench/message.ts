/**
 * HTTP/1.1 messages read from bytes as they come, for a load and an origin
 * that must cost little beside what they measure.
 */

import { Buffer } from "node:buffer";

export interface Listener {
  /** Start line, and fields by lower-case name. */
  readonly head: (start: string, fields: ReadonlyMap<string, string>) => void;
  /** A piece of the content, without its framing. */
  readonly data: (piece: Buffer) => void;
  /** The message is whole; another may follow. */
  readonly end: () => void;
}

export interface Reader {
  push(bytes: Buffer): void;
  /** The connection has ended; `false` where a message is broken off by it. */
  close(): boolean;
}

/** Where in a message the next byte is. */
type Place = "head" | "length" | "size" | "chunk" | "trailer" | "to the end";

/** Reads requests, or answers: those may have content that only the connection's end bounds. */
export function messageReader(
  kind: "request" | "answer",
  listener: Listener,
): Reader {
  let place: Place = "head";
  let left = 0;
  let rest: Buffer = Buffer.alloc(0);

  /** The bytes before the mark, which is taken too; `undefined` until they are there. */
  function upTo(mark: string): string | undefined {
    const at = rest.indexOf(mark);
    if (at < 0) return undefined;
    const text = rest.toString("latin1", 0, at);
    rest = rest.subarray(at + mark.length);
    return text;
  }

  function take(most: number) {
    const piece = rest.subarray(0, most);
    rest = rest.subarray(piece.length);
    left -= piece.length;
    if (piece.length > 0) listener.data(piece);
  }

  function whole(): true {
    place = "head";
    listener.end();
    return true;
  }

  /** Steps by place; `false` where more bytes are needed. */
  const steps: Record<Place, () => boolean> = {
    head() {
      const text = upTo("\r\n\r\n");
      if (text === undefined) return false;
      const { start, fields } = parseHead(text);
      listener.head(start, fields);
      const length = fields.get("content-length");
      left = Number(length ?? 0);
      place = fields.get("transfer-encoding") !== undefined
        ? "size"
        : length !== undefined || kind === "request"
        ? "length"
        : "to the end";
      return true;
    },
    length() {
      take(left);
      return left === 0 && whole();
    },
    size() {
      const text = upTo("\r\n");
      if (text === undefined) return false;
      left = parseInt(text, 16);
      place = left === 0 ? "trailer" : "chunk";
      return true;
    },
    chunk() {
      take(left);
      if (left > 0 || rest.length < 2) return false;
      rest = rest.subarray(2);
      place = "size";
      return true;
    },
    trailer() {
      const text = upTo("\r\n");
      return text === "" ? whole() : text !== undefined;
    },
    "to the end"() {
      take(rest.length);
      return false;
    },
  };

  return {
    push(bytes) {
      rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
      while (rest.length > 0 || place === "length") if (!steps[place]()) return;
    },
    close() {
      if (place === "to the end") whole();
      return place === "head" && rest.length === 0;
    },
  };
}

function parseHead(text: string) {
  const [start = "", ...lines] = text.split("\r\n");
  const fields = new Map(lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
  }));
  return { start, fields };
}
