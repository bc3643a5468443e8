/**
 * An origin that bills: it answers OpenAI's chat with the sizes that the
 * request's `user` tells it, and remembers what it charged for each. Whoever
 * leaves, is cut off or never hears the answer has to pay all the same.
 */

import { Buffer } from "node:buffer";
import {
  createServer,
  type IncomingMessage,
  type ServerResponse,
} from "node:http";

/** Micro-dollars per token, as {@linkcode PRICES} says. */
const RATE = { input: 2, cached: 1, output: 8 };

/** Content of a PRICES_FILE: micro-dollars per token are dollars per million. */
export const PRICES = JSON.stringify({
  dated: "2026-11-20",
  source: "test/billing.ts",
  providers: {
    openai: [{
      models: "bound-1",
      input: RATE.input,
      cacheRead: RATE.cached,
      output: RATE.output,
      context: 100_000,
      maxOutput: 10_000,
    }],
  },
});

/** What becomes of a call at the origin. */
export const FATES = [
  "json",
  "stream",
  /** A stream that reports no usage. */
  "silent",
  /** 500, nothing charged. */
  "error",
  /** 500 without content, nothing charged. */
  "empty",
  /** Charged, then hung up on before the answer. */
  "dropped",
  /** Charged, then hung up on amid the answer. */
  "broken",
] as const;
export type Fate = typeof FATES[number];

/** A call, as its `user` tells. */
export interface Order {
  readonly id: string;
  readonly fate: Fate;
  /** Tokens. */
  readonly prompt: number;
  /** Tokens of the prompt. */
  readonly cached: number;
  /** Tokens. */
  readonly completion: number;
  /** Milliseconds the answer takes. */
  readonly takes: number;
}

export interface Billing {
  readonly url: string;
  /** Micro-dollars charged for the token's calls; ids begin with `run`. */
  charged(run: string): number;
  /** Ids that came more than once. */
  readonly repeated: string[];
  close(): Promise<void>;
}

export async function startBilling(): Promise<Billing> {
  const runs = new Map<string, number>();
  const seen = new Set<string>();
  const repeated: string[] = [];
  const server = createServer(async (request, response) => {
    const order = await read(request).catch(() => undefined);
    if (order === undefined) return void response.destroy();
    if (seen.has(order.id)) repeated.push(order.id);
    seen.add(order.id);
    const run = order.id.split(".")[0]!;
    runs.set(run, (runs.get(run) ?? 0) + priceOf(order));
    await answer(order, response);
  }).listen(0, "127.0.0.1", 4096);
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    charged: (run) => runs.get(run) ?? 0,
    repeated,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function priceOf({ fate, prompt, cached, completion }: Order): number {
  if (fate === "error" || fate === "empty") return 0;
  return (prompt - cached) * RATE.input + cached * RATE.cached +
    completion * RATE.output;
}

async function read(request: IncomingMessage): Promise<Order> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const content = Buffer.concat(chunks);
  const body = JSON.parse(`${content}`);
  const order: Order = JSON.parse(body.user);
  if (order.completion > body.max_tokens || order.prompt > content.length) {
    throw new Error("more than the request allows");
  }
  return order;
}

const PARTS = 5;

async function answer(order: Order, response: ServerResponse) {
  const { fate, takes } = order;
  const pause = (part: number) =>
    new Promise((resolve) => setTimeout(resolve, takes * part));
  const streams = fate === "stream" || fate === "silent" || fate === "broken";
  if (!streams) await pause(1);
  switch (fate) {
    case "json":
      return response.writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify({ model: "bound-1", usage: usageOf(order) }));
    case "error":
      return response.writeHead(500, { "content-type": "application/json" })
        .end('{"error":{"message":"overloaded"}}');
    case "empty":
      return response.writeHead(500, { "content-length": "0" }).end();
    case "dropped":
      return response.socket?.destroy();
  }
  response.writeHead(200, { "content-type": "text/event-stream" });
  const event = (data: object) =>
    response.write(
      `data: ${JSON.stringify({ model: "bound-1", ...data })}\n\n`,
    );
  for (let part = 0; part < PARTS; part++) {
    event({ choices: [{ index: 0, delta: { content: "word " } }] });
    await pause(1 / PARTS);
    if (fate === "broken" && part === 2) return response.socket?.destroy();
  }
  if (fate === "stream") event({ choices: [], usage: usageOf(order) });
  response.end("data: [DONE]\n\n");
}

function usageOf({ prompt, cached, completion }: Order) {
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: cached },
  };
}
