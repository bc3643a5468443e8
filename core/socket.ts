/**
 * The contract of sockets: two ends of a WebSocket (RFC 6455), one to the
 * client and one to the origin, alike to whoever joins them.
 *
 * @module
 */

import { aimed, type Begun, type Forwarded } from "./egress.ts";
import type { Refusal } from "./refusal.ts";
import type { Fields } from "./rewrite.ts";
import type { Signal } from "./signal.ts";
import { readProtocols } from "./slot.ts";

/** A message: text, or binary. */
export type Message = string | Uint8Array<ArrayBuffer>;

/** What an end tells. */
export interface Listener {
  /** It can send from now on; the origin's end could from the start. */
  opened(): void;
  /** A whole message came in. */
  message(message: Message): void;
  /** It is gone; 1006, or 0 on Deno: without a close frame. Called once. */
  closed(code: number, reason: string): void;
}

/** One end of a socket. No method throws, none does anything after the end. */
export interface End {
  /** Sets the one listener, in the turn in which the end was made. */
  listen(listener: Listener): void;
  /** Queues a message. */
  send(message: Message): void;
  /** Bytes queued that the network has not taken yet. */
  waiting(): number;
  /** Stops reading; `false` where the runtime cannot. */
  pause(): boolean;
  /** Reads again. */
  resume(): void;
  /** Closes behind what is queued. `code` is one of {@linkcode sendable}'s. */
  close(code: number, reason: string): void;
}

/** A handshake on its way to an origin, or to a hop. */
export interface Handshake {
  /** Target URI, still `http:` or `https:`. */
  readonly url: string;
  /** Fields, the key among them. */
  readonly fields: Fields;
  /** Subprotocols to offer, the client's favourite first. */
  readonly protocols: readonly string[];
  /** Aborts when the client leaves. */
  readonly signal: Signal;
}

/** A socket on its way to an origin, not aimed yet. */
export interface Upgrading extends
  Pick<
    Forwarded,
    "provider" | "target" | "credential" | "received" | "signal"
  > {
  /** Subprotocols to offer, the client's favourite first. */
  readonly protocols: readonly string[];
}

/** An origin that accepted. Not read before its end is resumed. */
export interface Dialled {
  /** The origin's end, paused. */
  readonly origin: End;
  /** The subprotocol it chose. */
  readonly protocol: string | undefined;
  /** Whether it came through a hop. */
  readonly hop?: true;
  /** Fields of its 101, all of them. */
  readonly received: Headers;
}

/** What comes of a handshake; an origin that refuses the upgrade has begun an ordinary answer. */
export type Dialling = Promise<Dialled | Begun | Refusal>;

/** Opens a socket where the handshake is aimed. */
export type Dial = (handshake: Handshake) => Dialling;

/** Opens a socket to an origin, in whatever way. */
export type SocketEgress = (upgrading: Upgrading) => Dialling;

/** Straight to the origin. */
export function directSocket(dial: Dial): SocketEgress {
  return ({ protocols, signal, ...forwarded }) =>
    dial({ ...aimed(forwarded), protocols, signal });
}

/** Switches a request to WebSocket; `undefined` where the runtime finds fault with it. */
export type Accept = (
  request: Request,
  fields: Headers,
) => { readonly response: Response; readonly client: End } | undefined;

/** Largest message either way, bytes: Deno's own limit, so both runtimes'. */
export const LARGEST_MESSAGE = 67_108_864;

/** RFC 9110 §7.8; a client that offers h2c is served over HTTP/1.1. */
export function wantsSocket({ headers }: Request): boolean {
  return headers.get("upgrade")?.toLowerCase() === "websocket";
}

const TOKEN68_OF_16_BYTES = /^[A-Za-z0-9+/]{22}==$/;

/**
 * What of the client's handshake (RFC 6455 §4.2.1) goes on: the subprotocols
 * that hold neither a credential nor the holder's account. A refusal where the
 * handshake is none. Extensions are never offered, so frames stay as they are.
 */
export function readHandshake(
  headers: Headers,
): { protocols: readonly string[] } | Refusal {
  const protocols = readProtocols(headers);
  const named = headers.get("connection")?.toLowerCase().split(/[ \t]*,[ \t]*/);
  const content = headers.has("transfer-encoding") ||
    (headers.get("content-length") ?? "0") !== "0";
  return protocols === undefined || content || !named?.includes("upgrade") ||
      headers.get("sec-websocket-version") !== "13" ||
      !TOKEN68_OF_16_BYTES.test(headers.get("sec-websocket-key") ?? "")
    ? { refused: "request_malformed", detail: "Bad WebSocket handshake." }
    : { protocols };
}

/** Close codes an endpoint may send (RFC 6455 §7.4, IANA's registry up to 1013). */
export function sendable(code: number): boolean {
  return code >= 3000 && code <= 4999 ||
    code >= 1000 && code <= 1013 && ![1004, 1005, 1006].includes(code);
}

/** How the end of one side is told to the other: 1005 (no code) as 1000; a loss, which no frame may say, as 1011. */
export function passable(
  code: number,
  reason: string,
): { code: number; reason: string } {
  if (code === 1005) return { code: 1000, reason: "" };
  return sendable(code)
    ? { code, reason }
    : { code: 1011, reason: "The other side broke off" };
}
