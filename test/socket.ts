/** Sockets through a doppel of its own process: clients that dial it, and the origin they get to. */

import type { IncomingMessage } from "node:http";
import { WebSocket, WebSocketServer } from "ws";
import {
  type Origin,
  type Peer,
  type Side,
  sideOf,
  startSocketOrigin,
} from "./socket_origin.ts";
import {
  type Runtime,
  startDoppel,
  type Subject,
  type SubjectOptions,
} from "./subject.ts";

export type { Peer, Side } from "./socket_origin.ts";

/** An answer in place of a 101. */
export interface Declined {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
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
  const origin = await startSocketOrigin(WebSocketServer);
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
