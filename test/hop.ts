/**
 * A primary in a region that its origin refuses, a hop in one that it serves,
 * and between the two a tap that keeps what they say to each other. The origin
 * tells them apart by the key: each has its own.
 */

import { Buffer } from "node:buffer";
import { createHash } from "node:crypto";
import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";
import {
  connect,
  createServer as createTcpServer,
  type Socket,
} from "node:net";
import { keepSecret, keepText } from "./evidence.ts";
import { type Runtime, startDoppel, type Subject } from "./subject.ts";

export const HOP_SECRET = "hop-secret-of-the-tests-0123456789abcdef";
export const T = "hop-holder-token-0123456789";

/** What a region is refused with, to the byte (research/upstash.md §5), and where. */
export const REFUSED = {
  openai: {
    status: 403,
    body:
      '{"error":{"code":"unsupported_country_region_territory","message":"Country, region, or territory not supported","param":null,"type":"request_forbidden"}}',
  },
  anthropic: {
    status: 403,
    body: '{"error":{"type":"forbidden","message":"Request not allowed"}}',
  },
  gemini: {
    status: 400,
    body:
      '{"error":{"code":400,"message":"User location is not supported for the API use.","status":"FAILED_PRECONDITION"}}',
  },
} as const;
export type Api = keyof typeof REFUSED;

const keysOf = (who: string) => ({
  openai: `sk-canary-${who}-openai-41c7`,
  anthropic: `sk-ant-api-canary-${who}-9b3e`,
  gemini: `AIza-canary-${who}-02fd`,
});
/** Of the doppel whose region is refused, and of the other. */
export const OWN = { primary: keysOf("primary"), hop: keysOf("hop") } as const;

const envOf = (keys: typeof OWN.primary) => ({
  OPENAI_API_KEY: keys.openai,
  ANTHROPIC_API_KEY: keys.anthropic,
  GEMINI_API_KEY: keys.gemini,
  EGRESS_HOP_SECRET: HOP_SECRET,
});

/** A request at the origin. */
export interface Visit {
  readonly from: keyof typeof OWN | "nobody";
  readonly api: Api | undefined;
  readonly line: string;
  readonly headers: IncomingMessage["headers"];
  /** Bytes of content so far. */
  bytes: number;
  readonly response: ServerResponse;
}

/** Answers a visit whose content has come. */
export type Answer = (visit: Visit, hash: string) => unknown;

/** Says what arrived. */
export const echo: Answer = ({ response, bytes }, hash) =>
  response.writeHead(200, { "content-type": "application/json" })
    .end(JSON.stringify({ bytes, hash }));

async function startOrigin() {
  const visits: Visit[] = [];
  let answer = echo;
  let refusing = true;
  let early = Infinity;
  const server = createServer(async (request, response) => {
    const { from, api } = whose(request);
    const line = `${request.method} ${request.url}`;
    const { headers } = request;
    const visit: Visit = { from, api, line, headers, bytes: 0, response };
    visits.push(visit);
    const hash = createHash("sha256");
    const refuses = from === "primary" && refusing;
    const refuse = () => {
      const { status, body } = REFUSED[api!];
      response.writeHead(status, { "content-type": "application/json" })
        .end(body);
    };
    try {
      for await (const chunk of request) {
        visit.bytes += chunk.length;
        hash.update(chunk);
        if (refuses && visit.bytes >= early && !response.headersSent) refuse();
      }
    } catch {
      return;
    }
    if (!refuses) await answer(visit, hash.digest("hex"));
    else if (!response.headersSent) refuse();
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    visits,
    /** From now on; a region is refused when `after` bytes have come. */
    play(
      next: Answer,
      { refuses = true, after = Infinity }: {
        refuses?: boolean;
        after?: number;
      } = {},
    ) {
      answer = next;
      refusing = refuses;
      early = after;
      visits.length = 0;
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Whose key it came with. */
function whose({ headers }: IncomingMessage) {
  const text = JSON.stringify(headers);
  for (const from of ["primary", "hop"] as const) {
    for (const [api, key] of Object.entries(OWN[from])) {
      if (text.includes(key)) return { from, api: api as Api };
    }
  }
  return { from: "nobody" as const, api: undefined };
}

/** Most that is kept of a connection, bytes. */
const KEPT = 65_536;

/** Passes bytes on to `target`, and keeps the beginning of each conversation. */
async function startTap(target: string) {
  const { hostname, port } = new URL(target);
  const kept: Buffer[] = [];
  const sockets = new Set<Socket>();
  const server = createTcpServer((near) => {
    const far = connect(Number(port), hostname);
    for (const [from, to] of [[near, far], [far, near]] as const) {
      let left = KEPT;
      sockets.add(from);
      from.on("data", (chunk: Buffer) => {
        if (left > 0) kept.push(chunk.subarray(0, left));
        left -= chunk.length;
      });
      from.on("error", () => to.destroy());
      from.on("close", () => {
        sockets.delete(from);
        to.destroy();
      });
      from.pipe(to);
    }
  }).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${address.port}`,
    text: () => Buffer.concat(kept).toString("latin1"),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export interface Pair {
  readonly primary: Subject;
  readonly hop: Subject;
  readonly origin: Awaited<ReturnType<typeof startOrigin>>;
  readonly tap: Awaited<ReturnType<typeof startTap>>;
  /** As the holder, to the primary. */
  send(path: string, init?: RequestInit): Promise<Response>;
}

/** Runs `play` with a primary and a hop, and sees that no secret went between them. */
export async function withPair(
  runtimes: { primary: Runtime; hop: Runtime },
  play: (pair: Pair) => Promise<void>,
  env: Record<string, string> = {},
) {
  for (const keys of Object.values(OWN)) Object.values(keys).map(keepSecret);
  keepSecret(HOP_SECRET);
  const origin = await startOrigin();
  const hop = await startDoppel({
    runtime: runtimes.hop,
    origin: origin.url,
    env: envOf(OWN.hop),
  });
  const tap = await startTap(hop.url);
  const primary = await startDoppel({
    runtime: runtimes.primary,
    origin: origin.url,
    env: { ...envOf(OWN.primary), EGRESS_HOP_URL: tap.url, ...env },
  });
  try {
    await primary.mint({ token: T });
    await play({
      primary,
      hop,
      origin,
      tap,
      send: (path, init = {}) =>
        fetch(primary.url + path, {
          ...init,
          headers: { authorization: `Bearer ${T}`, ...init.headers },
        }),
    });
    keepText("between primary and hop", tap.text());
  } finally {
    for (const subject of [primary, hop]) {
      const { exitCode, signalCode } = subject.child;
      if (exitCode === null && signalCode === null) await subject.stop();
    }
    await tap.close();
    await origin.close();
  }
}
