/**
 * The origin of streams and large bodies, in a process of its own: raw sockets,
 * so that it writes several times the events that any part asks for.
 *
 * `bun bench/origin.ts PORT DELTAS MILLISECONDS`: a stream is its role chunk at
 * once, so many deltas so far apart, usage and `[DONE]`. Every delta says when
 * it was written.
 */

import { Buffer } from "node:buffer";
import { createServer, type Socket } from "node:net";
import process from "node:process";
import { headOf } from "./client.ts";
import { messageReader } from "./message.ts";
import { ANSWER, deltaOf, DOWNLOAD, END, LARGE, ROLE } from "./shapes.ts";

const [port, deltas, apart] = process.argv.slice(2).map(Number);
const PIECE = Buffer.alloc(64 * 1024, "x");
const JSON_HEAD = headOf("HTTP/1.1 200 OK", {
  "content-type": "application/json",
  "content-length": ANSWER.length,
});
const STREAM_HEAD = headOf("HTTP/1.1 200 OK", {
  "content-type": "text/event-stream",
  "transfer-encoding": "chunked",
});
const LARGE_HEAD = headOf("HTTP/1.1 200 OK", {
  "content-type": "application/octet-stream",
  "content-length": LARGE,
});
const LAST = Buffer.from("0\r\n\r\n");
const WHOLE = Buffer.concat([JSON_HEAD, Buffer.from(ANSWER)]);

createServer((socket) => {
  socket.setNoDelay(true);
  socket.on("error", () => {});
  let start = "";
  let streams = false;
  const reader = messageReader("request", {
    head(line) {
      start = line;
      streams = false;
    },
    // A question is one piece; of what is larger nothing is kept.
    data: (piece) => streams ||= piece.includes('"stream":true'),
    end: () => void answer(socket, { start, streams }),
  });
  socket.on("data", (bytes: Buffer) => reader.push(bytes));
}).listen({ port, host: "127.0.0.1", backlog: 4096 });

async function answer(
  socket: Socket,
  { start, streams }: { start: string; streams: boolean },
) {
  if (start.startsWith(`GET ${DOWNLOAD}`)) return await pour(socket);
  if (streams) return tell(socket);
  socket.write(WHOLE);
}

async function pour(socket: Socket) {
  socket.write(LARGE_HEAD);
  for (let sent = 0; sent < LARGE; sent += PIECE.length) {
    if (socket.destroyed) return;
    if (socket.write(PIECE)) continue;
    await new Promise((resolve) => {
      socket.once("drain", resolve);
      socket.once("close", resolve);
    });
  }
}

function tell(socket: Socket) {
  socket.write(Buffer.concat([STREAM_HEAD, chunk(ROLE)]));
  let told = 0;
  const next = () => {
    if (socket.destroyed) return;
    if (told === deltas) {
      return void socket.write(Buffer.concat([chunk(END), LAST]));
    }
    told++;
    socket.write(chunk(deltaOf(`${Math.round(performance.now() * 1000)}`)));
    later(next);
  };
  later(next);
}

function later(next: () => void) {
  if (apart === 0) setImmediate(next);
  else setTimeout(next, apart);
}

function chunk(text: string): Buffer {
  return Buffer.from(`${text.length.toString(16)}\r\n${text}\r\n`);
}
