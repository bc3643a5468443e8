/** Sockets through a doppel of its own process: clients that dial it, and an origin that takes them or does not. */

import { Buffer } from "node:buffer";
import { createServer, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import {
  type Runtime,
  startDoppel,
  type Subject,
  type SubjectOptions,
  until,
} from "./subject.ts";

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

/** An answer in place of a 101. */
export interface Declined {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
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

function sideOf(peer: Peer, { headers }: IncomingMessage, keep = true): Side {
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

export async function startSocketOrigin(): Promise<Origin> {
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

export interface Scene {
  readonly runtime: Runtime;
  readonly doppel: Subject;
  readonly origin: Origin;
  /** Of all three APIs. */
  readonly token: string;
  /** Dials doppel; rejects with what it was declined with. */
  dial(path: string, options?: DialOptions): Promise<Side>;
  /** What a dial is declined with. */
  declined(path: string, options?: DialOptions): Promise<Declined>;
}

export interface DialOptions {
  readonly protocols?: readonly string[];
  /** The token in `Authorization` if absent. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Messages are not kept. */
  readonly deaf?: true;
}

class DeclinedError extends Error {
  constructor(readonly answer: Declined) {
    super(`declined: ${answer.status} ${answer.body}`);
  }
}

function dialWith(base: string, token: string) {
  return (
    path: string,
    { protocols = [], headers, deaf }: DialOptions = {},
  ): Promise<Side> => {
    const url = base.replace(/^http/, "ws") + path;
    const fields = headers ?? { authorization: `Bearer ${token}` };
    const peer: Peer = new WebSocket(url, protocols, { headers: fields });
    return new Promise((resolve, reject) => {
      let side: Side;
      peer.on("upgrade", (answer) => side = sideOf(peer, answer, !deaf));
      peer.on("open", () => resolve(side));
      peer.on("error", reject);
      peer.on("unexpected-response", async (_, answer: IncomingMessage) => {
        let body = "";
        for await (const chunk of answer) body += chunk;
        const headers = answer.headers as Record<string, string>;
        const status = answer.statusCode!;
        reject(new DeclinedError({ status, headers, body }));
      });
    });
  };
}

/** Runs `play` with a doppel before an origin of all three APIs. */
export async function onScene(
  options: SubjectOptions,
  play: (scene: Scene) => Promise<void>,
) {
  const origin = await startSocketOrigin();
  const doppel = await startDoppel({ origin: origin.url, ...options });
  const token = await doppel.mint();
  const dial = dialWith(doppel.url, token);
  const dialled: Side[] = [];
  try {
    await play({
      runtime: options.runtime,
      doppel,
      origin,
      token,
      async dial(path, options) {
        const side = await dial(path, options);
        dialled.push(side);
        return side;
      },
      declined: (path, options) =>
        dial(path, options).then(
          ({ fields }) => Promise.reject(new Error(JSON.stringify(fields))),
          (error) => {
            if (error instanceof DeclinedError) return error.answer;
            throw error;
          },
        ),
    });
  } finally {
    for (const { peer } of dialled) peer.terminate();
    if (doppel.child.exitCode === null) await doppel.stop();
    await origin.stop();
  }
}
