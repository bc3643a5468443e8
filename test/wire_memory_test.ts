/** Content of any size passes through, whole and the same, without being held. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { checkAnswer } from "./expect.ts";
import {
  chunk,
  framingOf,
  message,
  readAnswer,
  readContent,
  readHead,
  type Wire,
} from "./raw.ts";
import { OK } from "./raw_origin.ts";
import { ask, call, type Laws, laws, type Stage, within } from "./wire.ts";

const MIB = 1_048_576;
const SIZE = 64 * MIB;
/** Less than a second copy of the content beside the runtime itself. */
const MOST = 150 * MIB;
const PIECE = 65_536;
const LONG_ENOUGH = 30_000;

const LENGTH = `content-length: ${SIZE}`;
const CHUNKS = "transfer-encoding: chunked";

const large: Laws = {
  "up, with a length": (stage) => goesUp(stage, LENGTH),
  "up, in chunks": (stage) => goesUp(stage, CHUNKS),
  "down, with a length": (stage) => comesDown(stage, LENGTH),
  "down, in chunks": (stage) => comesDown(stage, CHUNKS),
  "up, to an origin that does not read for a while": (stage) =>
    goesUp(stage, CHUNKS, 2),
  "down, to a client that does not read for a while": (stage) =>
    comesDown(stage, CHUNKS, 2),
};

async function goesUp(stage: Stage, framing: string, pause = 0) {
  const hash = createHash("sha256");
  let whole: boolean | undefined;
  const progress = { sent: 0 };
  const { client } = await call(stage, {
    async script({ content, wire }) {
      await stalls(progress, pause);
      whole = await content((piece) => hash.update(piece));
      await wire.write(OK);
    },
    sends: (path) => ask(`POST ${path}`, [framing]),
  });
  const sent = await sendAll(client, framing, progress);
  const answer = await within(readAnswer(client), LONG_ENOUGH);
  checkAnswer(answer, {}, stage.runtime);
  assert.equal(whole, true);
  assert.equal(hash.digest("hex"), sent);
  assertSmall(stage);
}

async function comesDown(stage: Stage, framing: string, pause = 0) {
  const hash = createHash("sha256");
  let sent: string | undefined;
  const progress = { sent: 0 };
  const { client } = await call(stage, {
    async script({ wire }) {
      await wire.write(message("HTTP/1.1 200 OK", [framing]));
      sent = await sendAll(wire, framing, progress);
    },
  });
  const head = await within(readHead(client));
  assert.ok(head);
  await stalls(progress, pause);
  const reading = readContent(
    client,
    { head, framing: framingOf(head) },
    (piece) => hash.update(piece),
  );
  assert.equal(await within(reading, LONG_ENOUGH), true);
  assert.equal(hash.digest("hex"), sent);
  assertSmall(stage);
}

/** Writes all of it, no faster than it is taken; its hash. */
async function sendAll(
  wire: Wire,
  framing: string,
  progress: { sent: number },
): Promise<string> {
  const block = randomBytes(MIB);
  const hash = createHash("sha256");
  for (; progress.sent < SIZE; progress.sent += PIECE) {
    const at = progress.sent % MIB;
    const piece = Buffer.from(block.subarray(at, at + PIECE));
    piece.writeUInt32BE(progress.sent);
    hash.update(piece);
    await wire.write(framing === CHUNKS ? chunk(piece) : piece);
  }
  if (framing === CHUNKS) await wire.write("0\r\n\r\n");
  return hash.digest("hex");
}

/** Reads nothing for `seconds`: the writer must come to a halt, with most of it unsent. */
async function stalls(progress: { readonly sent: number }, seconds: number) {
  if (seconds === 0) return;
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  const { sent } = progress;
  await new Promise((resolve) => setTimeout(resolve, 300));
  assert.equal(progress.sent, sent, "the writer was not held up");
  assert.ok(sent < SIZE / 2, `${sent} bytes were taken from the writer`);
}

/** The peak of all that the subject has done so far. */
function assertSmall({ doppel }: Stage) {
  const file = `/proc/${doppel.pid}/status`;
  if (!existsSync(file)) return; // Linux tells, others do not.
  const kib = /VmHWM:\s+(\d+) kB/.exec(readFileSync(file, "utf8"))![1];
  const peak = Number(kib) * 1024;
  assert.ok(peak < MOST, `${Math.round(peak / MIB)} MiB at the peak`);
}

laws("64 MiB", large);
