/** The provider's origin, which the kit itself is: every byte it gets is kept, every byte it answers is chosen. */

import { createServer } from "node:net";
import { type Head, readHead, type Wire, wireOf } from "../test/raw.ts";
import { framingOf, readContent, type Reading } from "./read.ts";

/** A request that has begun to come in, and the way back. */
export interface Arrival {
  readonly head: Head;
  readonly wire: Wire;
  readonly reading: Reading;
}

export type Script = (arrival: Arrival) => unknown;

export interface Origin {
  readonly url: string;
  /** Forgets what came, and does this with what comes; gives up a request that has not come to an end after `patience` milliseconds. */
  begin(script: Script, patience: number): void;
  /** What has come since. */
  readonly arrivals: () => readonly Arrival[];
  /** Closes every connection that gateways hold open. */
  hangUp(): Promise<void>;
  stop(): Promise<void>;
}

export interface OriginOptions {
  /** Any free one if absent. */
  readonly port?: number;
  readonly host?: string;
}

export async function startOrigin(
  { port = 0, host = "127.0.0.1" }: OriginOptions = {},
): Promise<Origin> {
  const wires = new Set<Wire>();
  let script: Script = () => {};
  let arrivals: Arrival[] = [];
  let patience = 0;
  const server = createServer({ allowHalfOpen: true }, async (socket) => {
    const wire = wireOf(socket);
    wires.add(wire);
    try {
      let head;
      while ((head = await readHead(wire)) !== undefined) {
        const framing = framingOf(head);
        const reading = readContent(wire, { head, framing, patience });
        const arrival = { head, wire, reading };
        arrivals.push(arrival);
        await script(arrival);
        if ((await reading.taken).ending !== "whole") break;
      }
    } finally {
      await wire.close();
      wires.delete(wire);
    }
  });
  server.listen(port, host);
  await new Promise((resolve, reject) => {
    server.once("listening", resolve);
    server.once("error", reject);
  });
  const bound = (server.address() as { port: number }).port;
  const hangUp = async () => {
    await Promise.all([...wires].map((wire) => wire.close()));
  };
  return {
    url: `http://${host}:${bound}`,
    begin(next, milliseconds) {
      script = next;
      patience = milliseconds;
      arrivals = [];
    },
    arrivals: () => arrivals,
    hangUp,
    async stop() {
      const stopped = new Promise((resolve) => server.close(resolve));
      await hangUp();
      await stopped;
    },
  };
}
