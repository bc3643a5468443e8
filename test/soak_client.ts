/** The soak's clients: each sends one request as its manners say, and tells what it got. */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import { Agent, type IncomingMessage, request } from "node:http";
import { WebSocket } from "ws";
import type { Peer } from "./socket_origin.ts";
import { MODEL, type Order, wait } from "./soak_origin.ts";

/** What a client does beside asking. */
export interface Manners {
  /** Milliseconds after which it leaves. */
  readonly leaves?: number;
  /** Milliseconds for which it stops reading, again and again. */
  readonly dawdles?: number;
  /** Bytes it uploads; in chunks, or with their length. */
  readonly uploads?: { readonly bytes: number; readonly chunked: boolean };
  /** Messages on a socket. */
  readonly messages?: number;
  /** Over a connection that is used again. */
  readonly keeps?: true;
}

export interface Call {
  readonly order: Order;
  readonly manners: Manners;
}

/** What a client got. */
export interface Got {
  /** 0: nothing came; 101: a socket. */
  readonly status: number;
  /** Whether the answer came to its end; of a socket, whether every message came back. */
  readonly whole: boolean;
  /** SHA-256 of what came of the answer. */
  readonly digest?: string;
  /** Code of an error that came. */
  readonly code?: string;
  /** SHA-256 of all that was uploaded. */
  readonly uploaded?: string;
  /** Close code of a socket. */
  readonly closed?: number;
  /** Name of what went wrong underneath. */
  readonly fault?: string;
}

export interface Clients {
  send(url: string, token: string, call: Call): Promise<Got>;
  close(): void;
}

export function openClients(): Clients {
  const keeping = new Agent({ keepAlive: true, maxSockets: Infinity });
  const alone = new Agent({ keepAlive: false, maxSockets: Infinity });
  return {
    send: (url, token, call) =>
      call.order.fate === "echo"
        ? converse(url, token, call)
        : ask(url, token, {
          ...call,
          agent: call.manners.keeps ? keeping : alone,
        }),
    close: () => keeping.destroy(),
  };
}

/** What every call is about, OpenAI's chat; uploads are files. */
function bodyOf({ fate, completion }: Order): string {
  const streams = fate === "stream" || fate === "broken";
  return JSON.stringify({
    model: MODEL,
    max_tokens: Math.max(1, completion),
    ...streams && { stream: true, stream_options: { include_usage: true } },
    messages: [{ role: "user", content: "x".repeat(200) }],
  });
}

function ask(
  url: string,
  token: string,
  { order, manners, agent }: Call & { agent: Agent },
): Promise<Got> {
  const { leaves, uploads } = manners;
  return new Promise((resolve) => {
    let leaving: ReturnType<typeof setTimeout> | undefined;
    let uploaded: string | undefined;
    let answered = false;
    const done = (got: Got) => {
      clearTimeout(leaving);
      resolve({ ...got, ...uploaded !== undefined && { uploaded } });
    };
    const body = bodyOf(order);
    const length = uploads ? uploads.bytes : Buffer.byteLength(body);
    const path = uploads ? "/v1/files" : "/v1/chat/completions";
    const asked = request(url + path, {
      method: "POST",
      agent,
      headers: {
        authorization: `Bearer ${token}`,
        "content-type": uploads ? "application/x-soak" : "application/json",
        "x-order": JSON.stringify(order),
        ...!uploads?.chunked && { "content-length": length },
      },
    }, (answer) => {
      answered = true;
      hear(answer, manners).then(done);
    });
    const nothing = (fault: string) => {
      if (!answered) done({ status: 0, whole: false, fault });
    };
    asked.on(
      "error",
      ({ code, message }: Error & { code?: string }) =>
        nothing(code ?? message),
    );
    asked.on("close", () => nothing("closed"));
    if (leaves !== undefined) {
      leaving = setTimeout(() => asked.destroy(), leaves);
    }
    if (!uploads) return void asked.end(body);
    upload(asked, uploads.bytes).then((digest) => uploaded = digest);
  });
}

async function hear(
  answer: IncomingMessage,
  { dawdles }: Manners,
): Promise<Got> {
  const status = answer.statusCode!;
  const hash = createHash("sha256");
  let text = "";
  const keeps = status >= 400;
  let whole = false;
  try {
    for await (const chunk of answer) {
      hash.update(chunk);
      if (keeps) text += chunk;
      if (dawdles) await wait(dawdles);
    }
    whole = answer.complete;
  } catch { /* it broke off */ }
  const code = keeps && codeIn(text);
  return { status, whole, digest: hash.digest("hex"), ...code && { code } };
}

function codeIn(text: string): string | undefined {
  try {
    return JSON.parse(text).error.code;
  } catch {
    return undefined;
  }
}

const PIECE = 65_536;

/** In pieces, as fast as they are taken; what its digest is. */
async function upload(
  sink: ReturnType<typeof request>,
  length: number,
): Promise<string> {
  const hash = createHash("sha256");
  const gone = new Promise((resolve) => sink.once("close", resolve));
  for (let sent = 0; sent < length && !sink.destroyed; sent += PIECE) {
    const piece = Buffer.alloc(Math.min(PIECE, length - sent), sent / PIECE);
    hash.update(piece);
    if (sink.write(piece)) continue;
    await Promise.race([
      new Promise((resolve) => sink.once("drain", resolve)),
      gone,
    ]);
  }
  if (!sink.destroyed) sink.end();
  return hash.digest("hex");
}

/** A socket whose messages all come back, one after another. */
function converse(
  url: string,
  token: string,
  { order, manners: { messages = 1, leaves } }: Call,
): Promise<Got> {
  const target = `${url.replace(/^http/, "ws")}/v1/realtime?model=${MODEL}`;
  const fields = {
    authorization: `Bearer ${token}`,
    "x-order": JSON.stringify(order),
  };
  const peer: Peer = new WebSocket(target, [], { headers: fields });
  const pause = order.takes / messages;
  return new Promise((resolve) => {
    let status = 0;
    let heard = 0;
    let code: string | undefined;
    let fault: string | undefined;
    const say = () => peer.send(`${order.id} ${heard}`);
    const leaving = leaves === undefined
      ? undefined
      : setTimeout(() => peer.terminate(), leaves);
    peer.on("open", () => {
      status = 101;
      say();
    });
    peer.on("message", (data) => {
      if (`${data}` !== `${order.id} ${heard}`) {
        fault ??= `${data}`.slice(0, 80);
        return;
      }
      if (++heard === messages) peer.close(1000, "done");
      else setTimeout(say, pause);
    });
    peer.on("unexpected-response", async (_, answer: IncomingMessage) => {
      status = answer.statusCode!;
      let text = "";
      try {
        for await (const chunk of answer) text += chunk;
      } catch { /* it broke off */ }
      code = codeIn(text);
      peer.terminate();
    });
    peer.on("error", ({ message }: Error) => fault ??= message);
    peer.on("close", (closed: number) => {
      clearTimeout(leaving);
      const whole = heard === messages || status > 101;
      resolve({
        status,
        whole,
        closed,
        ...code !== undefined && { code },
        ...fault !== undefined && { fault },
      });
    });
  });
}
