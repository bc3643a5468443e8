/** Messages of a socket: all of them, the same, in order, and no more of them in memory than is stated. */

import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createHash, randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { onScene, type Peer, type Scene, type Side } from "./socket.ts";
import { RUNTIMES, until } from "./subject.ts";

const MIB = 1_048_576;
const MESSAGES = 10_000;
const TOTAL = 64 * MIB;
const FLOOD = 300_000_000;
const PIECE = 65_536;
/** Less than a quarter of the flood beside the runtime itself. */
const MOST = 150 * MIB;
const LONG_ENOUGH = 60_000;
/** Bytes in flight: one process plays both ends, and would else write for ever before it reads. */
const AHEAD = 4 * MIB;
const PATH = "/v1/realtime?model=m";

/** Adds messages up, kinds and lengths included. */
function tally() {
  const hash = createHash("sha256");
  const sum = { messages: 0, bytes: 0 };
  return {
    sum,
    add(message: string | Uint8Array, binary: boolean) {
      const bytes = Buffer.from(message as string);
      sum.messages++;
      sum.bytes += bytes.length;
      hash.update(`${binary} ${bytes.length}\n`).update(bytes);
    },
    hear(peer: Peer) {
      peer.on("message", (data, binary) => this.add(data, binary));
    },
    digest: () => hash.digest("hex"),
  };
}

const noise = randomBytes(MIB);
const text = noise.toString("base64");

/** Sends `count` messages of `bytes` each, every other one text, as fast as the socket takes them, and never far ahead of `heard`. */
async function sendMany(
  peer: Peer,
  { count, bytes, sent, heard }: {
    count: number;
    bytes: number;
    sent: ReturnType<typeof tally>;
    heard?: ReturnType<typeof tally>;
  },
) {
  for (let i = 0; i < count; i++) {
    while (heard && sent.sum.bytes - heard.sum.bytes > AHEAD) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    const at = (i * 7919) % (MIB - bytes);
    const binary = i % 2 === 0;
    const message = binary
      ? noise.subarray(at, at + bytes)
      : text.slice(at, at + bytes);
    sent.add(message, binary);
    const late = await new Promise<unknown>((resolve) =>
      peer.send(message, { binary }, resolve)
    );
    if (late) return;
  }
}

/** The two ends of one socket; neither keeps what it hears. */
async function joined({ dial, origin }: Scene): Promise<[Side, Side]> {
  const before = origin.taken.length;
  origin.answer = () => {};
  const client = await dial(PATH, { deaf: true });
  return [client, await until(() => origin.taken[before])];
}

for (const runtime of RUNTIMES) {
  Deno.test(`${runtime}: 10,000 messages and 64 MiB are the same at the other end, both ways at once`, () =>
    onScene({ runtime }, async (scene) => {
      const [client, origin] = await joined(scene);
      const count = MESSAGES;
      const bytes = Math.ceil(TOTAL / count);
      const ways = [[client, origin], [origin, client]].map(([from, to]) => {
        const sent = tally();
        const heard = tally();
        heard.hear(to!.peer);
        return { from: from!.peer, sent, heard };
      });
      await Promise.all(
        ways.map(({ from, ...way }) =>
          sendMany(from, { count, bytes, ...way })
        ),
      );
      for (const { sent, heard } of ways) {
        await until(() => heard.sum.messages === count, LONG_ENOUGH);
        assert.deepEqual(heard.sum, sent.sum);
        assert.equal(heard.digest(), sent.digest());
      }
      client.peer.close(1000);
      await client.closed();
      const line = await until(() =>
        scene.doppel.lines().find(({ status }) => status === 101)
      );
      assert.equal(line.bytes, count * bytes);
      assert.deepEqual(line.socket, {
        up: count,
        down: count,
        upBytes: count * bytes,
        code: 1000,
      });
    }));

  Deno.test(`${runtime}: a client that does not read holds the origin back, and gets everything later`, () =>
    onScene({ runtime }, async (scene) => {
      const [client, origin] = await joined(scene);
      client.peer.pause();
      const sent = tally();
      const heard = tally();
      heard.hear(client.peer);
      const count = Math.ceil(FLOOD / PIECE);
      const sending = sendMany(origin.peer, { count, bytes: PIECE, sent });
      await stalls(() => sent.sum.bytes);
      assertSmall(scene);
      client.peer.resume();
      await sending;
      origin.peer.close(4001, "all sent");
      assert.deepEqual(await client.closed(), [4001, "all sent"]);
      assert.deepEqual(heard.sum, { messages: count, bytes: count * PIECE });
      assert.equal(heard.digest(), sent.digest());
      assertSmall(scene);
    }));

  // Deno's server hands over what comes, whether anybody can take it or not.
  if (runtime === "bun") {
    Deno.test("bun: an origin that does not read holds the client back, and gets everything later", () =>
      onScene({ runtime }, async (scene) => {
        const [client, origin] = await joined(scene);
        origin.peer.pause();
        const sent = tally();
        const heard = tally();
        heard.hear(origin.peer);
        const count = Math.ceil(FLOOD / PIECE);
        const sending = sendMany(client.peer, { count, bytes: PIECE, sent });
        await stalls(() => sent.sum.bytes);
        assertSmall(scene);
        origin.peer.resume();
        await sending;
        client.peer.close(4001, "all sent");
        assert.deepEqual(await origin.closed(), [4001, "all sent"]);
        assert.equal(heard.digest(), sent.digest());
        assertSmall(scene);
      }));
  } else {
    Deno.test("deno: a client that sends more than 16 MiB to an origin that does not read is cut off with 1013", () =>
      onScene({ runtime }, async (scene) => {
        const [client, origin] = await joined(scene);
        origin.peer.pause();
        const sent = tally();
        const count = Math.ceil(FLOOD / PIECE);
        await sendMany(client.peer, { count, bytes: PIECE, sent });
        // A close behind which a client still writes is lost in the reset.
        const [code] = await client.closed();
        assert.ok(code === 1013 || code === 1006, `${code}`);
        assertSmall(scene);
        origin.peer.resume();
        assert.deepEqual(await origin.closed(), [1013, "Too fast"]);
        const line = await until(() =>
          scene.doppel.lines().find(({ status }) => status === 101)
        );
        assert.equal(line.ending, "overflowed");
      }));
  }
}

/** Waits until a counter no longer moves. */
async function stalls(count: () => number) {
  let last = -1;
  while (last !== count()) {
    last = count();
    await new Promise((resolve) => setTimeout(resolve, 1000));
  }
  assert.ok(last > 0 && last < FLOOD / 4, `${last} bytes were taken`);
}

/** The peak of all that the subject has done so far. */
function assertSmall({ doppel }: Scene) {
  const file = `/proc/${doppel.pid}/status`;
  if (!existsSync(file)) return; // Linux tells, others do not.
  const kib = /VmHWM:\s+(\d+) kB/.exec(readFileSync(file, "utf8"))![1];
  const peak = Number(kib) * 1024;
  assert.ok(peak < MOST, `${Math.round(peak / MIB)} MiB at the peak`);
}
