/**
 * The soak's origin: each request says in `x-order` what is to become of it,
 * and is remembered by its id: how often it came, and what was sent for it.
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import {
  createServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import { WebSocketServer } from "ws";
import type { Peer } from "./socket_origin.ts";

/** What becomes of a request here, and the status its client sees then; 0: a socket. */
export const FATES = {
  json: 200,
  stream: 200,
  upload: 200,
  echo: 0,
  limited: 429,
  failing: 500,
  overloaded: 503,
  /** Read, and hung up on before the answer. */
  dropped: 502,
  /** The same with a reset. */
  reset: 502,
  /** Hung up on amid a stream. */
  broken: 200,
  /** Amid a document whose length was told. */
  short: 200,
} as const;
export type Fate = keyof typeof FATES;

/** A request, as its `x-order` tells. */
export interface Order {
  readonly id: string;
  readonly fate: Fate;
  /** Milliseconds until the answer is whole. */
  readonly takes: number;
  /** Events of a stream, and bytes of each. */
  readonly events: number;
  readonly size: number;
  /** Tokens. */
  readonly prompt: number;
  readonly completion: number;
}

/** A request that came. */
export interface Arrival {
  readonly at: number;
  /** SHA-256 of all content that came, where it was read. */
  received?: string;
  /** SHA-256 of the whole answer, once all of it was handed on. */
  sent?: string;
}

export interface SoakOrigin {
  readonly url: string;
  /** All that came with the id. */
  arrivals(id: string): readonly Arrival[];
  /** Connections that are open, each by what came on it last. */
  readonly open: () => readonly string[];
  /** Connections on which nothing ever came: Deno's pool opens one, and takes another that has become free meanwhile. */
  readonly unused: () => number;
  /** Nobody is here: connections are cut, and new ones refused. */
  leave(): Promise<void>;
  comeBack(): Promise<void>;
  stop(): Promise<void>;
}

export async function startSoakOrigin(): Promise<SoakOrigin> {
  const came = new Map<string, Arrival[]>();
  const sockets = new Map<Socket, string>();
  const taker = new WebSocketServer({ noServer: true });
  const arrive = (request: IncomingMessage): [Order, Arrival] => {
    const order: Order = JSON.parse(`${request.headers["x-order"] ?? STRAY}`);
    const arrival: Arrival = { at: Date.now() };
    sockets.set(request.socket, `${order.id} ${order.fate}`);
    came.set(order.id, [...came.get(order.id) ?? [], arrival]);
    return [order, arrival];
  };
  let server: Server;
  let port = 0;
  const comeBack = async () => {
    server = createServer((request, response) => {
      answer(request, response, arrive(request)).catch(() =>
        response.destroy()
      );
    });
    server.on("upgrade", (request: IncomingMessage, socket, head) => {
      arrive(request);
      taker.handleUpgrade(request, socket, head, echo);
    });
    server.on("connection", (socket: Socket) => {
      sockets.set(socket, UNUSED);
      socket.on("close", () => sockets.delete(socket));
    });
    server.listen(port, "127.0.0.1", 1024);
    await new Promise((resolve) => server.once("listening", resolve));
    ({ port } = server.address() as { port: number });
  };
  const leave = async () => {
    const closed = new Promise((resolve) => server.close(resolve));
    for (const socket of sockets.keys()) socket.destroy();
    server.closeAllConnections();
    await closed;
  };
  await comeBack();
  return {
    url: `http://127.0.0.1:${port}`,
    arrivals: (id) => came.get(id) ?? [],
    open: () => [...sockets.values()].filter((last) => last !== UNUSED),
    unused: () =>
      [...sockets.values()].filter((last) => last === UNUSED).length,
    leave,
    comeBack,
    stop: leave,
  };
}

/** Of what no client of the soak has sent. */
const STRAY = '{"id":"stray","fate":"failing","takes":0}';

const UNUSED = "nothing";

function echo(peer: Peer) {
  peer.on("message", (data, binary) => peer.send(data, { binary }));
  peer.on("error", () => {});
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  [order, arrival]: [Order, Arrival],
) {
  const hash = createHash("sha256");
  for await (const chunk of request) hash.update(chunk);
  arrival.received = hash.digest("hex");
  const { fate, takes } = order;
  response.setHeader("x-request-id", order.id);
  if (fate === "stream" || fate === "broken") {
    return await stream(response, order, arrival);
  }
  await wait(takes);
  if (fate === "dropped") return void response.socket?.destroy();
  if (fate === "reset") return void reset(response.socket);
  const status = FATES[fate];
  const content = status === 200
    ? documentOf(order, arrival)
    : JSON.stringify({ error: { message: order.id, code: fate } });
  response.writeHead(status, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(content),
    ...status === 429 && { "retry-after": "1" },
  });
  if (fate === "short") {
    response.write(content.slice(0, content.length >> 1));
    await wait(20);
    return void response.socket?.destroy();
  }
  response.end(content);
  arrival.sent = digestOf(content);
}

function reset(socket: Socket | null) {
  if (socket?.resetAndDestroy) socket.resetAndDestroy();
  else socket?.destroy();
}

function documentOf(order: Order, { received }: Arrival): string {
  return JSON.stringify({
    id: order.id,
    model: MODEL,
    received,
    choices: [],
    padding: "x".repeat(order.size),
    usage: usageOf(order),
  });
}

/** What {@link PRICES} of `billing.ts` knows. */
export const MODEL = "bound-1";

function usageOf({ prompt, completion }: Order) {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
  };
}

/** Waits for a slow reader. */
async function stream(
  response: ServerResponse,
  order: Order,
  arrival: Arrival,
) {
  const { fate, events, size, takes } = order;
  const hash = createHash("sha256");
  const gone = new Promise((resolve) => response.once("close", resolve));
  const write = async (text: string) => {
    hash.update(text);
    if (response.write(text)) return;
    const taken = new Promise((resolve) => response.once("drain", resolve));
    await Promise.race([taken, gone]);
  };
  const event = (data: object) =>
    write(`data: ${JSON.stringify({ model: MODEL, ...data })}\n\n`);
  const delta = { content: "w".repeat(size) };
  response.writeHead(200, { "content-type": "text/event-stream" });
  for (let n = 0; n < events; n++) {
    await event({ choices: [{ index: 0, delta }] });
    await wait(takes / events);
    if (response.destroyed) return;
    if (fate === "broken" && n >= events / 2) {
      return void response.socket?.destroy();
    }
  }
  await event({ choices: [], usage: usageOf(order) });
  await write("data: [DONE]\n\n");
  if (response.destroyed) return;
  arrival.sent = hash.digest("hex");
  response.end();
}

export function digestOf(content: string | Uint8Array): string {
  return createHash("sha256").update(content).digest("hex");
}

export function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
