/**
 * Stand-ins for the origins: real shapes, real strictness about keys.
 *
 * Each listens on a port of its own, as the real ones have hosts of their own,
 * so that each can insist on its key, in its slot, once, and on nothing of
 * doppel's anywhere. What comes otherwise is answered 401 and kept in `faults`:
 * a request that went around doppel carries the token, and so is caught.
 */

import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import type { Socket } from "node:net";
import { WebSocketServer } from "ws";
import { settingOf } from "../../core/settings_providers.ts";
import type { Peer } from "../socket_origin.ts";
import { anthropic } from "./origin_anthropic.ts";
import { COMPATIBLE } from "./origin_compatible.ts";
import { gemini } from "./origin_gemini.ts";
import { openai } from "./origin_openai.ts";
import {
  type Answer,
  type Ask,
  isNamed,
  named,
  type Received,
  type StandIn,
  unnamed,
  WORDS,
} from "./shape.ts";

export interface Origin {
  /** By API. */
  readonly urls: Readonly<Record<string, string>>;
  /** The settings that put doppel before all of them. */
  readonly upstreams: Readonly<Record<string, string>>;
  readonly received: Received[];
  /** Messages that came on sockets. */
  readonly heard: string[];
  /** What came with anything but the one right key in the one right slot. */
  readonly faults: string[];
  /** Streams whose client left before their end. */
  readonly abandoned: () => number;
  /** From now on streams stop after their first word. */
  hold(): void;
  /** Streams go on. */
  open(): void;
  stop(): Promise<void>;
}

/** Bodies of more bytes are answered and not kept. */
const LARGE = 100_000;
const EMPTY = new Uint8Array();

const STAND_INS: Readonly<Record<string, StandIn>> = {
  openai,
  anthropic,
  gemini,
  ...COMPATIBLE,
};

/** Which APIs have one. */
export const APIS: readonly string[] = Object.keys(STAND_INS);

export async function startOrigin(): Promise<Origin> {
  const received: Received[] = [];
  const heard: string[] = [];
  const faults: string[] = [];
  let abandoned = 0;
  let gate = Promise.withResolvers<void>();
  gate.resolve();

  /** Writes down what came, and what is wrong with it. */
  function noted(ask: Ask): string | undefined {
    received.push(ask.body.length > LARGE ? { ...ask, body: EMPTY } : ask);
    const fault = faultOf(ask);
    if (fault !== undefined) faults.push(fault);
    return fault;
  }

  async function serve(
    provider: string,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const ask = read(provider, request, Buffer.concat(chunks));
    const fault = noted(ask);
    const { status = 200, headers = {}, body, events } = fault === undefined
      ? await answerTo(ask)
      : errorOf(provider, 401, fault);
    const type = events
      ? "text/event-stream"
      : body instanceof Uint8Array
      ? "application/octet-stream"
      : typeof body === "string"
      ? "text/plain"
      : "application/json";
    const { requestId } = STAND_INS[provider]!;
    response.writeHead(status, {
      "content-type": type,
      ...(requestId && { [requestId]: "req_origin_1" }),
      ...headers,
    });
    if (events === undefined) return response.end(serialize(body));
    response.on("close", () => response.writableEnded || abandoned++);
    const pause = 1 + events.findIndex((event) => event.includes(WORDS[0]!));
    for (const [i, event] of events.entries()) {
      if (i === pause) {
        await gate.promise;
        if (/breaks-off/.test(textOf(ask))) return response.destroy();
        if (/fails-midway/.test(textOf(ask))) {
          return response.end(errorEvent(provider));
        }
      }
      response.write(event);
    }
    response.end();
  }

  /** Takes the sockets that an API takes, and tells all others so. */
  function converse(ask: Ask, socket: Socket, taken: () => Promise<Peer>) {
    const say = STAND_INS[ask.provider]!.socket?.(ask.path);
    if (noted(ask) !== undefined || say === undefined) {
      return socket.end("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n");
    }
    taken().then((peer) =>
      peer.on("message", (data: unknown) => {
        heard.push(`${data}`);
        for (const event of say(JSON.parse(`${data}`))) {
          peer.send(JSON.stringify(event));
        }
      })
    );
  }

  const started = await Promise.all(
    APIS.map(async (provider) => {
      const sockets = new WebSocketServer({ noServer: true });
      const server = createServer((request, response) => {
        serve(provider, request, response).catch((error) => {
          faults.push(`${request.method} ${request.url}: ${error}`);
          response.destroy();
        });
      }).listen(0, "127.0.0.1");
      server.on(
        "upgrade",
        (request, socket: Socket, head) =>
          converse(
            read(provider, request, EMPTY),
            socket,
            () =>
              new Promise((resolve) =>
                sockets.handleUpgrade(request, socket, head, resolve)
              ),
          ),
      );
      await new Promise((resolve) => server.once("listening", resolve));
      const { port } = server.address() as { port: number };
      const url = `http://127.0.0.1:${port}`;
      return { provider, server, sockets, url };
    }),
  );
  return {
    urls: Object.fromEntries(
      started.map(({ provider, url }) => [provider, url]),
    ),
    upstreams: Object.fromEntries(
      started.map(({ provider, url }) => [
        `${settingOf(provider)}_UPSTREAM`,
        url + (STAND_INS[provider]!.base ?? ""),
      ]),
    ),
    received,
    heard,
    faults,
    abandoned: () => abandoned,
    hold: () => void (gate = Promise.withResolvers<void>()),
    open: () => gate.resolve(),
    async stop() {
      await Promise.all(started.map(({ server, sockets }) => {
        for (const peer of sockets.clients) peer.terminate();
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      }));
    },
  };
}

function read(
  provider: string,
  { method = "", url = "", rawHeaders, socket }: IncomingMessage,
  body: Uint8Array<ArrayBuffer>,
): Ask {
  const [path = "", query = ""] = url.split(/\?(.*)/s);
  const headers = new Headers();
  for (let i = 0; i < rawHeaders.length; i += 2) {
    headers.append(rawHeaders[i]!, rawHeaders[i + 1]!);
  }
  return {
    provider,
    method,
    url,
    rawHeaders,
    body,
    path,
    query: new URLSearchParams(query),
    headers,
    json: parse(body),
    base: `http://127.0.0.1:${socket.localPort}`,
  };
}

function parse(body: Uint8Array): unknown {
  if (body[0] !== "{".charCodeAt(0)) return undefined;
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}

const SLOTS = ["authorization", "x-api-key", "x-goog-api-key", "api-key"];

/** What is wrong with the credentials of a request, in words. */
function faultOf(
  { provider, method, path, url, rawHeaders, query, body }: Ask,
): string | undefined {
  const [field, value] = STAND_INS[provider]!.slot(path);
  const filled = rawHeaders.flatMap((name, i) =>
    i % 2 === 0 && SLOTS.includes(name.toLowerCase())
      ? [`${name.toLowerCase()}: ${rawHeaders[i + 1]}`]
      : []
  );
  const where = `${method} ${path} of ${provider}`;
  if (filled.length !== 1 || filled[0] !== `${field}: ${value}`) {
    const names = filled.map((slot) => slot.split(":")[0]);
    return `${where}: wrong credential in [${names}], expected in ${field}`;
  }
  if (["key", "access_token", "api-key"].some((name) => query.has(name))) {
    return `${where}: a credential in the query`;
  }
  const all = [url, ...rawHeaders, Buffer.from(body).toString("latin1")];
  if (all.some((text) => text.includes("dpl_"))) {
    return `${where}: a doppel token`;
  }
}

/** Small content as text, with the URL: where a test may name what it wants done. */
function textOf({ url, body }: Received): string {
  return url + new TextDecoder().decode(body.subarray(0, 10_000));
}

/** A model named `fail-429` fails with 429; `flaky` fails once and asks for another try. */
async function answerTo(ask: Ask): Promise<Answer> {
  const { provider, method, path, headers } = ask;
  const failing = /fail-(\d{3})/.exec(textOf(ask))?.[1];
  if (failing) {
    return errorOf(provider, Number(failing), `The origin says ${failing}`);
  }
  if (
    /flaky/.test(textOf(ask)) && headers.get("x-stainless-retry-count") === "0"
  ) {
    const answer = errorOf(provider, 429, "The origin says later");
    return { ...answer, headers: { "retry-after-ms": "1" } };
  }
  return await STAND_INS[provider]!.answer(ask) ??
    errorOf(provider, 404, `The stand-in has no ${method} ${path}`);
}

function errorOf(
  provider: string,
  status: number,
  message: string,
): Answer {
  return { status, body: STAND_INS[provider]!.error(status, message) };
}

/** How an API says in mid-stream that it cannot go on. */
function errorEvent(provider: string): string {
  const error = STAND_INS[provider]!.error(500, "The origin fails midway");
  const [event] = isNamed(error) ? named([error]) : unnamed([error]);
  return event!;
}

function serialize(body: unknown): string | Uint8Array {
  if (typeof body === "string" || body instanceof Uint8Array) return body;
  return body === undefined ? "" : JSON.stringify(body);
}
