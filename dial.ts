/**
 * The way of a socket to its origin: npm's `ws`, because the runtimes' own
 * clients write other fields than they are told to, do not say what an origin
 * refused with, and cannot be held back. Loaded with the first socket.
 *
 * @module
 */

import { Buffer } from "node:buffer";
import type { IncomingMessage } from "node:http";
import type { Flights } from "./core/flight.ts";
import {
  type Dial,
  type Dialled,
  type End,
  LARGEST_MESSAGE,
  type Message,
} from "./core/socket.ts";

/** What a dial needs of its process. */
export interface DialOptions {
  /** All flights of the process. */
  readonly flights: Flights;
  /** Silence allowed before the origin's answer, seconds, connecting included. */
  readonly firstByteSeconds: number;
}

/** Most of an origin's answer in place of a 101 that is passed on, bytes. */
const LARGEST_ANSWER = 65_536;
/** Fetch's null body statuses. */
const BODILESS = new Set([204, 205, 304]);

/** As much of `ws` as is used here: its own types would bring Node's, which are not quite Deno's. */
interface Socket {
  readonly protocol: string;
  readonly bufferedAmount: number;
  on<Name extends keyof Events>(name: Name, heard: Events[Name]): void;
  send(message: Message): void;
  pause(): void;
  resume(): void;
  close(code: number, reason: string): void;
  terminate(): void;
}

interface Events {
  upgrade(answer: IncomingMessage): void;
  open(): void;
  "unexpected-response"(request: unknown, answer: IncomingMessage): void;
  error(): void;
  message(data: Buffer<ArrayBuffer>, binary: boolean): void;
  close(code: number, reason: Buffer): void;
}

type Constructor = new (
  url: string,
  protocols: readonly string[],
  options: Record<string, unknown>,
) => Socket;

/** The one place that opens sockets. */
export function dialer({ flights, firstByteSeconds }: DialOptions): Dial {
  return async ({ url, fields, protocols, signal }) => {
    const { WebSocket } = await import("ws") as { WebSocket: Constructor };
    if (signal.aborted) return { refused: "client_closed", unsent: true };
    const socket = new WebSocket(url.replace(/^http/, "ws"), protocols, {
      headers: Object.fromEntries(fields),
      perMessageDeflate: false,
      followRedirects: false,
      maxPayload: LARGEST_MESSAGE,
    });
    const abort = () => socket.terminate();
    const flight = flights.begin(abort);
    flight.await(firstByteSeconds);
    signal.addEventListener("abort", abort);
    const outcome = await new Promise<Outcome>((resolve) => {
      let received = new Headers();
      socket.on("upgrade", (message) => void (received = fieldsOf(message)));
      socket.on("open", () => {
        socket.pause();
        const protocol = socket.protocol || undefined;
        resolve({ origin: endOf(socket), protocol, received });
      });
      socket.on("unexpected-response", (_, message) => {
        answerOf(message).then(resolve, () => resolve(undefined));
      });
      // Never passed on: messages may name the URL.
      socket.on("error", () => resolve(undefined));
    });
    signal.removeEventListener("abort", abort);
    flight.land();
    if (outcome !== undefined && "origin" in outcome) return outcome;
    abort();
    if (outcome !== undefined) return { response: outcome, flight, abort };
    if (signal.aborted) return { refused: "client_closed" };
    return { refused: flight.silent ? "origin_timeout" : "origin_unreachable" };
  };
}

/** What came of a dial; `undefined`: no answer, or none that can be passed on. */
type Outcome = Dialled | Response | undefined;

/** An origin's answer in place of a 101. */
async function answerOf(message: IncomingMessage): Promise<Response> {
  const headers = fieldsOf(message);
  const chunks: Uint8Array[] = [];
  let left = LARGEST_ANSWER;
  for await (const chunk of message as AsyncIterable<Uint8Array>) {
    chunks.push(chunk);
    left -= chunk.byteLength;
    if (left < 0) throw new Error("The origin's refusal is too large");
  }
  const status = message.statusCode!;
  const body = BODILESS.has(status) ? null : Buffer.concat(chunks);
  return new Response(body, { status, headers });
}

function fieldsOf({ rawHeaders }: IncomingMessage): Headers {
  const fields = new Headers();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    fields.append(rawHeaders[i]!, rawHeaders[i + 1]!);
  }
  return fields;
}

/** `ws` as an end; nobody can listen twice, and it is read only from `resume()` on. */
function endOf(socket: Socket): End {
  return {
    listen({ message, closed }) {
      socket.on(
        "message",
        (data, binary) => message(binary ? data : data.toString()),
      );
      socket.on(
        "close",
        (code, reason) => closed(code, reason.toString()),
      );
    },
    send: (message) => socket.send(message),
    waiting: () => socket.bufferedAmount,
    pause() {
      socket.pause();
      return true;
    },
    resume: () => socket.resume(),
    close: (code, reason) => socket.close(code, reason),
  };
}
