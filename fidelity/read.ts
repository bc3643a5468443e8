/**
 * Reads whatever a gateway writes, as leniently as RFC 9112 lets a recipient
 * read: chunk extensions, trailers, interim answers. What cannot be read is a
 * message that broke off, never an exception, since it is the gateway's.
 */

import { Buffer } from "node:buffer";
import {
  field,
  type Framing,
  type Head,
  pass,
  readHead,
  type Wire,
} from "../test/raw.ts";

/** How it came to an end: as its framing says, not so, or not at all while the kit was patient. */
export type Ending = "whole" | "cut" | "hung";

export interface Taken extends Head {
  readonly framing: Framing;
  readonly content: Buffer;
  readonly trailers: readonly string[];
  readonly ending: Ending;
}

export interface Answered extends Taken {
  readonly status: number;
  /** Heads of the answers before the final one. */
  readonly interim: readonly Head[];
}

/** Content as it comes. */
export interface Reading {
  /** What has come so far. */
  readonly content: () => Buffer;
  /** How it ends, `patience` milliseconds from now at the latest. */
  readonly taken: Promise<Taken>;
}

export function framingOf(head: Head): Framing {
  const coding = field(head, "transfer-encoding")?.toLowerCase();
  if (coding?.endsWith("chunked")) return "chunked";
  return field(head, "content-length") === undefined ? "none" : "length";
}

/** The content behind a head that was read. */
export function readContent(
  wire: Wire,
  { head, framing, patience }: {
    head: Head;
    framing: Framing;
    patience: number;
  },
): Reading {
  const pieces: Buffer[] = [];
  const trailers: string[] = [];
  const read = passContent(wire, { head, framing, trailers }, (piece) => {
    pieces.push(piece);
  });
  const taken = bounded(read, patience).then((whole): Taken => ({
    ...head,
    framing,
    content: Buffer.concat(pieces),
    trailers,
    ending: whole === undefined ? "hung" : whole ? "whole" : "cut",
  }));
  return { content: () => Buffer.concat(pieces), taken };
}

/** An answer's head, and its content as it comes; `undefined` where the connection ends before. */
export async function beginAnswer(
  wire: Wire,
  { method = "GET", patience }: { method?: string; patience: number },
): Promise<{ interim: Head[]; head: Head; reading: Reading } | undefined> {
  const interim: Head[] = [];
  while (true) {
    const head = await bounded(readHead(wire), patience);
    if (head === undefined) return undefined;
    const status = statusOf(head);
    if (status >= 100 && status < 200 && status !== 101) {
      interim.push(head);
      continue;
    }
    const framing = answerFraming(head, { method, status });
    return {
      interim,
      head,
      reading: readContent(wire, { head, framing, patience }),
    };
  }
}

export async function readAnswer(
  wire: Wire,
  options: { method?: string; patience: number },
): Promise<Answered | undefined> {
  const begun = await beginAnswer(wire, options);
  if (begun === undefined) return undefined;
  const { interim, head, reading } = begun;
  return { ...await reading.taken, status: statusOf(head), interim };
}

export function statusOf({ line }: Head): number {
  return Number(line.split(" ")[1]);
}

/** `undefined` where it takes longer. */
export async function bounded<Value>(
  work: Promise<Value>,
  milliseconds: number,
): Promise<Value | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), milliseconds);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

export function answerFraming(
  head: Head,
  { method, status }: { method: string; status: number },
): Framing {
  if (method === "HEAD" || status < 200 || status === 204 || status === 304) {
    return "none";
  }
  const framing = framingOf(head);
  if (framing !== "none") return framing;
  // RFC 9110 §15.3.6: a 205 has no content.
  return status === 205 ? "none" : "close";
}

/** Hands the content on piece by piece; whether it ended as its framing says. */
export async function passContent(
  wire: Wire,
  { head, framing, trailers = [] }: {
    head: Head;
    framing: Framing;
    trailers?: string[];
  },
  sink: (piece: Buffer) => unknown,
): Promise<boolean> {
  if (framing === "none") return true;
  if (framing === "close") {
    await pass(wire, Infinity, sink);
    return true;
  }
  if (framing === "length") {
    return await pass(wire, Number(field(head, "content-length")), sink);
  }
  while (true) {
    const size = sizeOf(await wire.line());
    if (Number.isNaN(size)) return false;
    if (size === 0) break;
    if (!await pass(wire, size, sink) || await wire.line() !== "") return false;
  }
  for (let line = await wire.line(); line !== ""; line = await wire.line()) {
    if (line === undefined) return false;
    trailers.push(line);
  }
  return true;
}

/** Of a chunk, whose extensions may be passed over (RFC 9112 §7.1.1). */
function sizeOf(line = ""): number {
  const [digits = ""] = /^[0-9a-f]+(?=[ \t]*(?:;|$))/i.exec(line) ?? [];
  return parseInt(digits, 16);
}
