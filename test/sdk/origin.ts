/**
 * Stand-ins for the three origins: real shapes, real strictness about keys.
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
import { KEYS } from "../subject.ts";
import { anthropic } from "./origin_anthropic.ts";
import { gemini } from "./origin_gemini.ts";
import { openai } from "./origin_openai.ts";
import {
  type Answer,
  type Ask,
  isNamed,
  named,
  type ProviderId,
  type Received,
  type StandIn,
  unnamed,
  WORDS,
} from "./shape.ts";

export interface Origin {
  readonly urls: Readonly<Record<ProviderId, string>>;
  readonly received: Received[];
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

const STAND_INS: Record<ProviderId, StandIn> = { openai, anthropic, gemini };

export async function startOrigin(): Promise<Origin> {
  const received: Received[] = [];
  const faults: string[] = [];
  let abandoned = 0;
  let gate = Promise.withResolvers<void>();
  gate.resolve();

  async function serve(
    provider: ProviderId,
    request: IncomingMessage,
    response: ServerResponse,
  ) {
    const chunks: Uint8Array[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const ask = read(provider, request, Buffer.concat(chunks));
    received.push(ask.body.length > LARGE ? { ...ask, body: EMPTY } : ask);
    const fault = faultOf(ask);
    if (fault !== undefined) faults.push(fault);
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
    const { requestId } = STAND_INS[provider];
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

  const started = await Promise.all(
    (Object.keys(KEYS) as ProviderId[]).map(async (provider) => {
      const server = createServer((request, response) => {
        serve(provider, request, response).catch((error) => {
          faults.push(`${request.method} ${request.url}: ${error}`);
          response.destroy();
        });
      }).listen(0, "127.0.0.1");
      await new Promise((resolve) => server.once("listening", resolve));
      const { port } = server.address() as { port: number };
      return { provider, server, url: `http://127.0.0.1:${port}` };
    }),
  );
  return {
    urls: Object.fromEntries(
      started.map(({ provider, url }) => [provider, url]),
    ) as Record<ProviderId, string>,
    received,
    faults,
    abandoned: () => abandoned,
    hold: () => void (gate = Promise.withResolvers<void>()),
    open: () => gate.resolve(),
    async stop() {
      await Promise.all(started.map(({ server }) => {
        server.closeAllConnections();
        return new Promise((resolve) => server.close(resolve));
      }));
    },
  };
}

function read(
  provider: ProviderId,
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
  const [field, value] = STAND_INS[provider].slot(path);
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
  return await STAND_INS[provider].answer(ask) ??
    errorOf(provider, 404, `The stand-in has no ${method} ${path}`);
}

function errorOf(
  provider: ProviderId,
  status: number,
  message: string,
): Answer {
  return { status, body: STAND_INS[provider].error(status, message) };
}

/** How an API says in mid-stream that it cannot go on. */
function errorEvent(provider: ProviderId): string {
  const error = STAND_INS[provider].error(500, "The origin fails midway");
  const [event] = isNamed(error) ? named([error]) : unnamed([error]);
  return event!;
}

function serialize(body: unknown): string | Uint8Array {
  if (typeof body === "string" || body instanceof Uint8Array) return body;
  return body === undefined ? "" : JSON.stringify(body);
}
