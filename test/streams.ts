/** An origin of all three APIs whose answers go on until somebody ends them, and clients that note when they end. */

import * as http from "node:http";
import type { Socket } from "node:net";
import { WebSocket, WebSocketServer } from "ws";
import { until } from "./subject.ts";

/** What a client asks for, by the wire it speaks. */
export const WIRES = {
  openai: "/openai/v1/chat/completions",
  anthropic: "/anthropic/v1/messages",
  gemini: "/gemini/v1beta/models/m:streamGenerateContent?alt=sse",
} as const;
export type WireName = keyof typeof WIRES;
export const SOCKET = "/v1/realtime?model=m";

/** How the origin answers: events without end, half an event, half a document, or nothing. */
export type Play = "events" | "half" | "json" | "silent";

/** Milliseconds between two events. */
const BEAT = 250;
const EVENT = 'data: {"beat":1}\n\n';
const BEGUN: Record<Play, string | undefined> = {
  events: EVENT,
  half: EVENT + 'data: {"be',
  json: '{"half":',
  silent: undefined,
};

export interface Streams {
  readonly url: string;
  /** When the connections of those runs have closed, by the number each bears. */
  readonly closed: ReadonlyMap<string, number>;
  readonly reached: ReadonlySet<string>;
  stop(): Promise<void>;
}

export async function startStreams(): Promise<Streams> {
  const closed = new Map<string, number>();
  const reached = new Set<string>();
  const sockets = new Set<Socket>();
  const begin = (request: http.IncomingMessage, socket: Socket) => {
    const run = `${request.headers["x-run"]}`;
    reached.add(run);
    socket.once("close", () => closed.set(run, Date.now()));
  };
  const server = http.createServer((request, response) => {
    request.resume();
    begin(request, request.socket);
    const play = `${request.headers["x-play"]}` as Play;
    if (play === "silent") return;
    const type = play === "json" ? "application/json" : "text/event-stream";
    response.writeHead(200, { "content-type": type });
    response.write(BEGUN[play]);
    if (play !== "events") return;
    const timer = setInterval(() => response.write(EVENT), BEAT);
    response.once("close", () => clearInterval(timer));
  });
  const taker = new WebSocketServer({ noServer: true });
  server.on("upgrade", (request: http.IncomingMessage, socket, head) => {
    begin(request, socket as Socket);
    taker.handleUpgrade(request, socket, head, (peer: WebSocket) => {
      const timer = setInterval(() => peer.send('{"type":"beat"}'), BEAT);
      peer.on("close", () => clearInterval(timer));
      peer.on("error", () => {});
    });
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    closed,
    reached,
    async stop() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A client's side of one run. */
export interface Run {
  readonly id: string;
  readonly wire: WireName | "socket";
  status: number;
  text: string;
  /** When the last byte came, milliseconds since the epoch. */
  last: number;
  /** How it ended, once it has: a whole answer, a broken one, or a socket's close code. */
  ended?: "whole" | "broken" | number;
  leave(): void;
}

let runs = 0;

const BODY = '{"model":"m","stream":true}';

export interface Opening {
  readonly wire: WireName;
  readonly token: string;
  readonly play?: Play;
  /** The wire's usual if absent. */
  readonly path?: string;
  /** A stream of a model without a price if absent. */
  readonly body?: string;
}

/** Asks a doppel; does not wait. */
export function openStream(
  url: string,
  { wire, token, play = "events", path = WIRES[wire], body = BODY }: Opening,
): Run {
  const id = `${++runs}`;
  const request = http.request(url + path, {
    method: "POST",
    agent: false,
    headers: {
      authorization: `Bearer ${token}`,
      "content-type": "application/json",
      "x-run": id,
      "x-play": play,
    },
  });
  const run: Run = {
    id,
    wire,
    status: 0,
    text: "",
    last: 0,
    leave: () => void request.destroy(),
  };
  request.on("response", (answer) => {
    run.status = answer.statusCode!;
    answer.setEncoding("latin1");
    answer.on("data", (text) => {
      run.text += text;
      run.last = Date.now();
    });
    answer.on("error", () => run.ended = "broken");
    answer.on("end", () => {
      run.ended = "whole";
      run.last = Date.now();
    });
  });
  request.on("error", () => run.ended ??= "broken");
  request.end(body);
  return run;
}

/** Opens a socket through a doppel; does not wait. */
export function openSocket(url: string, token: string): Run {
  const id = `${++runs}`;
  const peer = new WebSocket(url.replace(/^http/, "ws") + SOCKET, [], {
    headers: { authorization: `Bearer ${token}`, "x-run": id },
  });
  const run: Run = {
    id,
    wire: "socket",
    status: 0,
    text: "",
    last: 0,
    leave: () => peer.terminate(),
  };
  peer.on("open", () => run.status = 101);
  peer.on("message", (data: unknown) => {
    run.text += `${data}\n`;
    run.last = Date.now();
  });
  peer.on("close", (code: number) => {
    run.ended = code;
    run.last = Date.now();
  });
  peer.on("error", () => {});
  return run;
}

/** Until each has heard something. */
export async function flowing(runs: readonly Run[]): Promise<void> {
  await until(() => runs.every(({ text }) => text !== ""), 60_000);
}
