/** WebSocket frames by hand (RFC 6455 §5), and what a side hears of them. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { bytes, type Part, type Wire } from "../test/raw.ts";

export const OP = { more: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 };

/** What a handshake needs; the key is the RFC's own. */
export const HANDSHAKE = [
  "connection: Upgrade",
  "upgrade: websocket",
  "sec-websocket-version: 13",
  "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
];

export function acceptOf(key: string): string {
  const whole = `${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`;
  return createHash("sha1").update(whole).digest("base64");
}

export interface Frame {
  readonly op: number;
  readonly content?: Part;
  /** More frames of the message follow. */
  readonly more?: true;
}

/** The client's are masked, the origin's not. */
export function frame(
  { op, content = "", more }: Frame,
  masked: boolean,
): Buffer {
  const plain = bytes(content);
  const length = plain.length < 126
    ? Buffer.from([plain.length])
    : plain.length < 65_536
    ? Buffer.from([126, plain.length >> 8, plain.length & 255])
    : Buffer.concat([Buffer.from([127, 0, 0, 0, 0]), word(plain.length)]);
  if (masked) length[0]! |= 128;
  const mask = Buffer.from([1, 2, 3, 4]);
  return bytes(
    Buffer.from([(more ? 0 : 128) | op]),
    length,
    masked ? mask : "",
    masked ? plain.map((byte, i) => byte ^ mask[i % 4]!) : plain,
  );
}

export function close(code: number, reason = ""): Frame {
  return {
    op: OP.close,
    content: bytes(Buffer.from([code >> 8, code & 255]), reason),
  };
}

/** Hears a side out: whole messages as `text …`, `binary …`, `pong …`, `close …`; answers pings and closes. */
export function hear(wire: Wire, masked: boolean): { heard: string[] } {
  const heard: string[] = [];
  void listen(wire, masked, heard).catch(() => heard.push("nonsense"));
  return { heard };
}

async function listen(wire: Wire, masked: boolean, heard: string[]) {
  let kind = 0;
  let message: Buffer[] = [];
  for (let one = await next(wire); one !== undefined; one = await next(wire)) {
    const { op, last, content } = one;
    if (op === OP.ping) {
      await wire.write(frame({ op: OP.pong, content }, masked));
    }
    if (op === OP.pong) heard.push(`pong ${content.toString("latin1")}`);
    if (op === OP.close) {
      const code = content.length < 2 ? 1005 : content.readUInt16BE();
      heard.push(`close ${code} ${content.toString("latin1", 2)}`);
      await wire.write(frame({ op: OP.close, content }, masked));
      return;
    }
    if (op > 2) continue;
    if (op !== OP.more) [kind, message] = [op, []];
    message.push(content);
    if (last) heard.push(said(kind, Buffer.concat(message)));
  }
  heard.push("closed");
}

/** Short, but different where contents are. */
function said(kind: number, content: Buffer): string {
  const hash = createHash("sha256").update(content).digest("hex").slice(0, 12);
  const some = content.toString("latin1", 0, 40);
  return `${
    kind === OP.text ? "text" : "binary"
  } ${content.length} ${hash} ${some}`;
}

async function next(wire: Wire) {
  const head = await exactly(wire, 2);
  if (head === undefined) return undefined;
  const [first, second] = [head[0]!, head[1]!];
  let length = second & 127;
  if (length >= 126) {
    const more = await exactly(wire, length === 126 ? 2 : 8);
    if (more === undefined) return undefined;
    length = length === 126 ? more.readUInt16BE() : more.readUInt32BE(4);
  }
  const mask = second & 128 ? await exactly(wire, 4) : undefined;
  const content = await exactly(wire, length);
  if (content === undefined) return undefined;
  if (mask) content.forEach((byte, i) => content[i] = byte ^ mask[i % 4]!);
  return { op: first & 15, last: (first & 128) !== 0, content };
}

async function exactly(wire: Wire, length: number) {
  const parts: Buffer[] = [];
  for (let left = length; left > 0;) {
    const part = await wire.some(left);
    if (part.length === 0) return undefined;
    parts.push(part);
    left -= part.length;
  }
  return Buffer.concat(parts);
}

function word(value: number): Buffer {
  const four = Buffer.alloc(4);
  four.writeUInt32BE(value);
  return four;
}
