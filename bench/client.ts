/** Connections that send one request at a time and tell when what came. */

import { Buffer } from "node:buffer";
import { connect, type Socket } from "node:net";
import { messageReader } from "./message.ts";

/** What all of a part's requests are. */
export interface Ask {
  readonly url: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly content: string;
}

/** One request's way, told as it goes. */
export interface Told {
  readonly head?: (status: number) => void;
  readonly data?: (piece: Buffer) => void;
  /** `true`: the answer is whole. */
  readonly done: (whole: boolean) => void;
}

export interface Connection {
  /** One at a time. */
  send(content: Buffer, told: Told): void;
  readonly socket: Socket;
  readonly open: () => boolean;
}

/** The request as bytes. */
export function bytesOf({ url, method, path, headers, content }: Ask): Buffer {
  const body = Buffer.from(content);
  const fields = { host: new URL(url).host, ...headers };
  return Buffer.concat([
    headOf(`${method} ${path} HTTP/1.1`, {
      ...fields,
      "content-length": body.length,
    }),
    body,
  ]);
}

/** A start line and fields, as bytes. */
export function headOf(
  start: string,
  fields: Readonly<Record<string, string | number>>,
): Buffer {
  const lines = Object.entries(fields).map(([name, value]) =>
    `${name}: ${value}\r\n`
  );
  return Buffer.from(`${start}\r\n${lines.join("")}\r\n`);
}

export function connection(url: string): Connection {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.setNoDelay(true);
  let told: Told | undefined;
  let open = true;
  const end = (whole: boolean) => {
    const ended = told;
    told = undefined;
    ended?.done(whole);
  };
  const reader = messageReader("answer", {
    head: (start) => told?.head?.(Number(start.split(" ")[1])),
    data: (piece) => told?.data?.(piece),
    end: () => end(true),
  });
  socket.on("data", (bytes: Buffer) => reader.push(bytes));
  socket.on("error", () => {});
  socket.on("close", () => {
    open = false;
    reader.close();
    end(false);
  });
  return {
    socket,
    open: () => open,
    send(content, next) {
      told = next;
      socket.write(content);
    },
  };
}

/** So many connections; who finds none free waits for one. */
export function createPool(url: string, size: number) {
  const free = Array.from({ length: size }, () => connection(url));
  const waiting: ((one: Connection) => void)[] = [];
  const give = (one: Connection) => {
    const usable = one.open() ? one : connection(url);
    const next = waiting.shift();
    if (next) next(usable);
    else free.push(usable);
  };
  return {
    send(content: Buffer, told: Told) {
      const begin = (one: Connection) =>
        one.send(content, {
          ...told,
          done(whole) {
            told.done(whole);
            give(one);
          },
        });
      // What its server has closed meanwhile is opened anew.
      const one = free.shift();
      if (one === undefined) waiting.push(begin);
      else begin(one.open() ? one : connection(url));
    },
    close() {
      for (const { socket } of free) socket.destroy();
    },
  };
}
