/** An origin server by hand: it keeps what reaches it and answers with the bytes it is told. */

import { Buffer } from "node:buffer";
import { createServer } from "node:net";
import {
  type Framing,
  framingOf,
  type Head,
  type Message,
  message,
  type Part,
  readContent,
  readHead,
  type Wire,
  wireOf,
} from "./raw.ts";

/** A request as it came in at the origin, and the way back. */
export interface Exchange extends Head {
  readonly wire: Wire;
  readonly framing: Framing;
  /** The whole request. */
  whole(): Promise<Message>;
  /** In place of `whole()`: hands the content on as it comes; whether it came whole. */
  content(sink: (piece: Buffer) => unknown): Promise<boolean>;
  /** Whether the connection stands where the next request begins. */
  readonly read: () => boolean;
}

export type Script = (exchange: Exchange) => unknown;

export interface Origin {
  readonly url: string;
  /** Requests whose head has come in. */
  readonly reached: Exchange[];
  /** What is done with requests from now on, for one path or for all that have no script of their own. */
  play(script: Script, path?: string): void;
  stop(): Promise<void>;
}

export const OK = message("HTTP/1.1 200 OK", ["content-length: 2"], "ok");

/** Reads the whole request, then writes `answer` as it is. */
export function always(answer: Part): Script {
  return async ({ whole, wire }) => {
    await whole();
    await wire.write(answer);
  };
}

export async function startOrigin(): Promise<Origin> {
  const wires = new Set<Wire>();
  const reached: Exchange[] = [];
  const scripts = new Map<string | undefined, Script>();
  const server = createServer({ allowHalfOpen: true }, async (socket) => {
    const wire = wireOf(socket);
    wires.add(wire);
    try {
      for (
        let head = await readHead(wire);
        head !== undefined;
        head = await readHead(wire)
      ) {
        const exchange = exchangeOf(wire, head);
        reached.push(exchange);
        const [path] = head.line.split(" ")[1]!.split("?");
        await (scripts.get(path) ?? scripts.get(undefined))?.(exchange);
        if (exchange.read()) continue;
        while ((await wire.some()).length > 0);
      }
    } finally {
      await wire.close();
      wires.delete(wire);
    }
  });
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${port}`,
    reached,
    play: (script, path) => void scripts.set(path, script),
    async stop() {
      const stopped = new Promise((resolve) => server.close(resolve));
      for (const wire of wires) await wire.close();
      await stopped;
    },
  };
}

function exchangeOf(wire: Wire, head: Head): Exchange {
  const framing = framingOf(head);
  let read = framing === "none";
  let whole: Promise<Message> | undefined;
  const content = async (sink: (piece: Buffer) => unknown) =>
    read = await readContent(wire, { head, framing }, sink);
  const collect = async () => {
    const pieces: Buffer[] = [];
    const whole = await content((piece) => pieces.push(piece));
    return { ...head, framing, whole, content: Buffer.concat(pieces) };
  };
  return {
    ...head,
    wire,
    framing,
    read: () => read,
    content,
    whole: () => whole ??= collect(),
  };
}
