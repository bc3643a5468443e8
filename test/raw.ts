/**
 * HTTP/1.1 by hand: connections that write the bytes they are told and keep
 * the bytes they get, so that no library hides anything.
 *
 * Text stands for bytes as latin1 does, one character each.
 */

import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";

export type Part = string | Uint8Array;

export function bytes(...parts: readonly Part[]): Buffer {
  return Buffer.concat(
    parts.map((part) =>
      typeof part === "string" ? Buffer.from(part, "latin1") : part
    ),
  );
}

/** Start line, fields, an empty line, content. */
export function message(
  line: string,
  fields: readonly string[] = [],
  ...content: readonly Part[]
): Buffer {
  return bytes([line, ...fields, "", ""].join("\r\n"), ...content);
}

/** Content in chunks of the sizes its parts have. */
export function chunked(...parts: readonly Part[]): Buffer {
  return bytes(...parts.map(chunk), "0\r\n\r\n");
}

export function chunk(part: Part): Buffer {
  return bytes(`${bytes(part).length.toString(16)}\r\n`, part, "\r\n");
}

/** One end of a connection. */
export interface Wire {
  /** Resolves when the kernel has taken all, or the connection is gone. */
  write(...parts: readonly Part[]): Promise<void>;
  /** Up to the next CRLF, without it; `undefined` where the connection ends before. */
  line(): Promise<string | undefined>;
  /** At least one byte and at most `most`; none at the end. */
  some(most?: number): Promise<Buffer>;
  /** To be taken again, first. */
  giveBack(taken: Buffer): void;
  /** What has come and was not taken yet, bytes. */
  readonly waiting: () => number;
  /** Whether the other side has closed or reset; not seen behind bytes that nobody takes. */
  readonly closed: () => boolean;
  /** Stops and starts to take bytes from the kernel. */
  pause(): void;
  resume(): void;
  /** FIN; the other direction stays open. */
  end(): void;
  /** RST. */
  reset(): void;
  close(): Promise<void>;
}

/** Bytes taken from the kernel before somebody asks for them. */
const AHEAD = 65_536;

export function wireOf(socket: Socket): Wire {
  const chunks: Buffer[] = [];
  let waiting = 0;
  let closed = false;
  let paused = false;
  let wake = () => {};
  const gone = new Promise<void>((resolve) => socket.once("close", resolve));
  const finish = () => {
    closed = true;
    wake();
  };
  socket.setNoDelay(true);
  socket.on("error", finish);
  socket.on("end", finish);
  socket.on("close", finish);
  socket.on("data", (data: Buffer) => {
    chunks.push(data);
    waiting += data.length;
    if (waiting > AHEAD) socket.pause();
    wake();
  });

  function take(most: number): Buffer {
    const first = chunks.shift() ?? Buffer.alloc(0);
    if (first.length > most) chunks.unshift(first.subarray(most));
    const taken = first.subarray(0, most);
    waiting -= taken.length;
    if (waiting <= AHEAD && !paused) socket.resume();
    return taken;
  }

  const wire: Wire = {
    waiting: () => waiting,
    closed: () => closed || socket.destroyed,
    write: (...parts) =>
      new Promise((resolve) => {
        if (socket.destroyed) return resolve();
        socket.once("close", resolve);
        socket.write(bytes(...parts), () => {
          socket.off("close", resolve);
          resolve();
        });
      }),
    giveBack(taken) {
      if (taken.length > 0) chunks.unshift(taken);
      waiting += taken.length;
    },
    async some(most = Infinity) {
      while (waiting === 0 && !closed) {
        await new Promise<void>((resolve) => wake = resolve);
      }
      return take(most);
    },
    async line() {
      const parts: Buffer[] = [];
      while (true) {
        const some = await wire.some();
        if (some.length === 0) return undefined;
        parts.push(some);
        const all = Buffer.concat(parts);
        const end = all.indexOf("\r\n");
        if (end === -1) continue;
        wire.giveBack(all.subarray(end + 2));
        return all.toString("latin1", 0, end);
      }
    },
    pause() {
      paused = true;
      socket.pause();
    },
    resume() {
      paused = false;
      socket.resume();
    },
    end: () => void socket.end(),
    reset: () => void socket.resetAndDestroy(),
    close() {
      socket.destroy();
      return gone;
    },
  };
  return wire;
}

export async function dial(url: string): Promise<Wire> {
  const { hostname, port } = new URL(url);
  const socket = connect({
    host: hostname,
    port: Number(port),
    allowHalfOpen: true,
  });
  await new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  return wireOf(socket);
}

/** Names in lower case, as `name: value`, in the order received. */
export interface Head {
  readonly line: string;
  readonly fields: readonly string[];
}

export type Framing = "none" | "length" | "chunked" | "close";

export interface Message extends Head {
  readonly framing: Framing;
  /** Without the framing. */
  readonly content: Buffer;
  /** Whether it ended as its framing says. */
  readonly whole: boolean;
}

/** `undefined` where the connection ends before the head is whole. */
export async function readHead(wire: Wire): Promise<Head | undefined> {
  const line = await wire.line();
  if (line === undefined) return undefined;
  const fields: string[] = [];
  for (
    let field = await wire.line();
    field !== "";
    field = await wire.line()
  ) {
    if (field === undefined) return undefined;
    const colon = field.indexOf(":");
    const name = field.slice(0, colon).toLowerCase();
    fields.push(`${name}: ${field.slice(colon + 1).replace(/^ /, "")}`);
  }
  return { line, fields };
}

export function field({ fields }: Head, name: string): string | undefined {
  const found = fields.find((field) => field.startsWith(`${name}: `));
  return found?.slice(name.length + 2);
}

export function framingOf(head: Head): Framing {
  if (field(head, "transfer-encoding") === "chunked") return "chunked";
  return field(head, "content-length") === undefined ? "none" : "length";
}

/** Hands the content on piece by piece; whether it ended as its framing says. */
export async function readContent(
  wire: Wire,
  { head, framing }: { head: Head; framing: Framing },
  sink: (piece: Buffer) => unknown,
): Promise<boolean> {
  if (framing === "none") return true;
  if (framing === "length") {
    return await pass(wire, Number(field(head, "content-length")), sink);
  }
  if (framing === "close") {
    await pass(wire, Infinity, sink);
    return true;
  }
  while (true) {
    const line = await wire.line();
    if (line === undefined) return false;
    if (!/^[0-9a-f]+$/i.test(line)) throw new Error(`no chunk: ${line}`);
    const size = parseInt(line, 16);
    if (!await pass(wire, size, sink)) return false;
    const end = await wire.line();
    if (end === undefined) return false;
    if (end !== "") throw new Error(`no end of a chunk: ${end}`);
    if (size === 0) return true;
  }
}

/** Hands so many bytes on, or all there are; whether they came. */
export async function pass(
  wire: Wire,
  length: number,
  sink: (piece: Buffer) => unknown,
): Promise<boolean> {
  let left = length;
  while (left > 0) {
    const piece = await wire.some(left);
    if (piece.length === 0) return false;
    left -= piece.length;
    await sink(piece);
  }
  return true;
}

export interface Answer extends Message {
  readonly status: number;
  /** Status lines of the answers before the final one. */
  readonly informed: readonly string[];
}

/** The next answer, `undefined` where the connection ends before its head is whole. */
export async function readAnswer(
  wire: Wire,
  method = "GET",
): Promise<Answer | undefined> {
  const informed: string[] = [];
  while (true) {
    const head = await readHead(wire);
    if (head === undefined) return undefined;
    const status = Number(head.line.split(" ")[1]);
    if (status >= 100 && status < 200 && status !== 101) {
      informed.push(head.line);
      continue;
    }
    const framed = framingOf(head);
    const bodiless = method === "HEAD" || status === 204 || status === 304 ||
      // RFC 9110 §15.3.6; Deno writes no length either.
      status === 205 && framed === "none";
    const framing = bodiless ? "none" : framed === "none" ? "close" : framed;
    const pieces: Buffer[] = [];
    const whole = await readContent(
      wire,
      { head, framing },
      (piece) => pieces.push(piece),
    );
    const content = Buffer.concat(pieces);
    return { ...head, framing, content, whole, status, informed };
  }
}

/** An answer while it comes. */
export interface Following {
  readonly head: () => Head | undefined;
  /** What has come of the content. */
  readonly text: () => string;
  /** Whether it ended as its framing says; a connection that ends before its head does not. */
  readonly ended: Promise<boolean>;
}

/** `before` is what was taken of it already. */
export function follow(wire: Wire, before?: Buffer): Following {
  if (before !== undefined) wire.giveBack(before);
  let head: Head | undefined;
  let text = "";
  const read = async () => {
    head = await readHead(wire);
    if (head === undefined) return false;
    const framing = framingOf(head);
    return await readContent(wire, { head, framing }, (piece) => {
      text += piece.toString("latin1");
    });
  };
  return { head: () => head, text: () => text, ended: read() };
}
