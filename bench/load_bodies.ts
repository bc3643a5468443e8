/** 64 MiB up, then 64 MiB down. */

import { Buffer } from "node:buffer";
import { type Ask, bytesOf, connection, headOf } from "./client.ts";
import { forgetPeak, peakOf, residentOf } from "./proc.ts";
import { LARGE } from "./shapes.ts";

const PIECE = Buffer.alloc(64 * 1024, "x");
const BOUNDARY = "bench-0123456789abcdef";
const BEFORE = Buffer.from(
  `--${BOUNDARY}\r\ncontent-disposition: form-data; name="purpose"\r\n\r\n` +
    `user_data\r\n--${BOUNDARY}\r\ncontent-disposition: form-data; name="file";` +
    ` filename="large.bin"\r\ncontent-type: application/octet-stream\r\n\r\n`,
);
const AFTER = Buffer.from(`\r\n--${BOUNDARY}--\r\n`);

export interface Bodies {
  readonly up: Ask;
  readonly down: Ask;
  readonly pid?: number;
}

/** Seconds, and MB at the peak above what was resident before. */
export async function moveBodies({ up, down, pid }: Bodies) {
  const sent = await watched(pid, () => upload(up));
  const got = await watched(pid, () => download(down));
  return {
    ...sent.ok && named("up", sent),
    ...got.ok && named("down", got),
    failed: Number(!sent.ok) + Number(!got.ok),
  };
}

function named(
  name: string,
  { seconds, peak }: { readonly seconds: number; readonly peak?: number },
): Record<string, number> {
  return {
    [name]: seconds,
    ...peak !== undefined && { [`${name}Peak`]: peak },
  };
}

async function watched(
  pid: number | undefined,
  work: () => Promise<boolean>,
) {
  if (pid !== undefined) forgetPeak(pid);
  const before = pid === undefined ? 0 : residentOf(pid);
  const begun = performance.now();
  const ok = await work();
  const seconds = (performance.now() - begun) / 1000;
  if (pid === undefined) return { ok, seconds };
  return { ok, seconds, peak: (peakOf(pid) - before) / 1024 };
}

async function upload({ url, method, path, headers }: Ask): Promise<boolean> {
  const { socket, send, open } = connection(url);
  let status = 0;
  const answered = new Promise<boolean>((resolve) =>
    send(
      headOf(`${method} ${path} HTTP/1.1`, {
        host: new URL(url).host,
        ...headers,
        "content-type": `multipart/form-data; boundary=${BOUNDARY}`,
        "content-length": BEFORE.length + LARGE + AFTER.length,
      }),
      {
        head: (of) => status = of,
        done: (whole) => resolve(whole && status === 200),
      },
    )
  );
  const write = async (bytes: Buffer) => {
    if (!open() || socket.write(bytes)) return;
    await Promise.race([
      new Promise((resolve) => socket.once("drain", resolve)),
      answered,
    ]);
  };
  await write(BEFORE);
  for (let sent = 0; sent < LARGE; sent += PIECE.length) await write(PIECE);
  await write(AFTER);
  const ok = await answered;
  socket.destroy();
  return ok;
}

function download(ask: Ask): Promise<boolean> {
  const { socket, send } = connection(ask.url);
  let [status, received] = [0, 0];
  return new Promise((resolve) =>
    send(bytesOf(ask), {
      head: (of) => status = of,
      data: (piece) => received += piece.length,
      done(whole) {
        socket.destroy();
        resolve(whole && status === 200 && received === LARGE);
      },
    })
  );
}
