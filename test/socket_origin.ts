/** An origin that takes sockets, or does not. */

import type { Buffer } from "node:buffer";
import { createServer, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { until } from "./subject.ts";

/** As much of npm's `ws` as the tests use. */
export interface Peer {
  readonly protocol: string;
  readonly extensions: string;
  readonly bufferedAmount: number;
  readonly readyState: number;
  readonly _socket: Socket;
  // deno-lint-ignore no-explicit-any
  on(event: string, heard: (...facts: any[]) => void): void;
  send(
    message: string | Uint8Array,
    options?: { binary?: boolean } | (() => void),
    sent?: (error?: Error) => void,
  ): void;
  ping(content?: string): void;
  close(code?: number, reason?: string): void;
  terminate(): void;
  pause(): void;
  resume(): void;
}

/** One side of a socket, and what it has heard. */
export interface Side {
  readonly peer: Peer;
  /** Of the handshake: the request's at the origin, the answer's at the client. */
  readonly fields: Readonly<Record<string, string>>;
  /** Text as strings, binary as bytes. */
  readonly heard: (string | Buffer)[];
  /** How it ended, once it has. */
  ending(): [code: number, reason: string] | undefined;
  closed(): Promise<[code: number, reason: string]>;
}

export interface Origin {
  readonly url: string;
  /** The handshakes that came, oldest first. */
  readonly asked: IncomingMessage[];
  /** The sockets it has taken. */
  readonly taken: Side[];
  /** What the next handshakes get: bytes written in place of a 101 (`""`: nothing, for ever), or a socket. */
  answer: string | ((side: Side) => void);
  stop(): Promise<void>;
}

/** Sends back what it hears. */
export function echo({ peer }: Side) {
  peer.on("message", (data, binary) => peer.send(data, { binary }));
}

export function sideOf(
  peer: Peer,
  { headers }: IncomingMessage,
  keep = true,
): Side {
  const heard: (string | Buffer)[] = [];
  let ending: [number, string] | undefined;
  if (keep) {
    peer.on("message", (data: Buffer, binary) => {
      heard.push(binary ? data : data.toString());
    });
  }
  peer.on("close", (code, reason) => ending = [code, `${reason}`]);
  peer.on("error", () => {});
  return {
    peer,
    fields: headers as Record<string, string>,
    heard,
    ending: () => ending,
    closed: () => until(() => ending, 20_000),
  };
}

/** What `ws` takes handshakes with. */
export type Taker = new (options: Record<string, unknown>) => {
  handleUpgrade(
    request: IncomingMessage,
    socket: Socket,
    head: unknown,
    taken: (peer: Peer) => void,
  ): void;
};

/** `WebSocketServer` is handed in: each project of tests has a `ws` of its own. */
export async function startSocketOrigin(
  WebSocketServer: Taker,
): Promise<Origin> {
  const asked: IncomingMessage[] = [];
  const taken: Side[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((_, response) => response.end("{}"));
  const taker = new WebSocketServer({
    noServer: true,
    handleProtocols: ([first]: Set<string>) => first,
  });
  const origin: Origin = {
    url: "",
    asked,
    taken,
    answer: echo,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  server.on("upgrade", (request: IncomingMessage, socket: Socket, head) => {
    asked.push(request);
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
    const { answer } = origin;
    if (typeof answer === "string") return void socket.write(answer);
    taker.handleUpgrade(request, socket, head, (peer: Peer) => {
      const side = sideOf(peer, request, answer === echo);
      taken.push(side);
      answer(side);
    });
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  return Object.assign(origin, { url: `http://127.0.0.1:${port}` });
}
