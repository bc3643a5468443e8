/** How sockets end: each side hears what the other said, and nobody is left behind. */

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { connect } from "node:net";
import { onScene, type Scene, type Side } from "./socket.ts";
import { RUNTIMES, until } from "./subject.ts";

const PATH = "/v1/realtime?model=m";

/** What one side says, and what the other hears. */
const SAID: [said: [number?, string?], heard: [number, string]][] = [
  [[1000, ""], [1000, ""]],
  [[1000, "done"], [1000, "done"]],
  [[1001, "going"], [1001, "going"]],
  [[1003, "kind"], [1003, "kind"]],
  [[1007, "text"], [1007, "text"]],
  [[1008, "policy"], [1008, "policy"]],
  [[1009, "size"], [1009, "size"]],
  [[1010, "extension"], [1010, "extension"]],
  [[1011, "é".repeat(61)], [1011, "é".repeat(61)]],
  [[1012, "again"], [1012, "again"]],
  [[1013, "later"], [1013, "later"]],
  [[3000, "ours"], [3000, "ours"]],
  [[4999, "theirs"], [4999, "theirs"]],
  [[], [1000, ""]],
  [[1014, "no row"], [1011, "The other side broke off"]],
];

const BROKEN: [number, string] = [1011, "The other side broke off"];

async function joined({ dial, origin }: Scene): Promise<[Side, Side]> {
  const before = origin.taken.length;
  const client = await dial(PATH);
  return [client, await until(() => origin.taken[before])];
}

/** A handshake by hand, of a client that never says anything else. */
function dialDeaf({ doppel, token }: Scene) {
  const { hostname, port } = new URL(doppel.url);
  const socket = connect(Number(port), hostname);
  socket.write([
    `GET ${PATH} HTTP/1.1`,
    "host: a",
    "connection: upgrade",
    "upgrade: websocket",
    "sec-websocket-version: 13",
    "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
    `authorization: Bearer ${token}\r\n\r\n`,
  ].join("\r\n"));
  return socket;
}

/** Takes a handshake by hand. */
function take({ socket, headers }: IncomingMessage) {
  const accept = createHash("sha1")
    .update(headers["sec-websocket-key"]!)
    .update("258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest("base64");
  socket.write(
    "HTTP/1.1 101 Yes\r\nconnection: upgrade\r\nupgrade: websocket\r\n" +
      `sec-websocket-accept: ${accept}\r\n\r\n`,
  );
}

async function lastLine({ doppel }: Scene, count: number) {
  const lines = await until(() => {
    const lines = doppel.lines().filter(({ status }) => status === 101);
    return lines.length === count && lines;
  });
  return lines.at(-1)!;
}

for (const runtime of RUNTIMES) {
  Deno.test(`${runtime}: close codes and reasons pass both ways, and what must not be sent is mapped`, () =>
    onScene({ runtime }, async (scene) => {
      let count = 0;
      for (const [said, heard] of SAID) {
        for (const way of ["up", "down"] as const) {
          const ends = await joined(scene);
          const [from, to] = way === "up" ? ends : ends.toReversed();
          from!.peer.close(...said);
          // What a runtime makes of codes it does not know itself is not at issue.
          const ended = await to!.closed();
          assert.deepEqual(ended, heard, `${way} ${said}`);
          await from!.closed();
          const { ending } = await lastLine(scene, ++count);
          if (said[0] !== 1014) assert.equal(ending, "complete");
        }
      }
    }));

  Deno.test(`${runtime}: a side that vanishes takes the other with it`, () =>
    onScene({ runtime }, async (scene) => {
      const vanish = {
        ended: ({ peer }: Side) => peer.terminate(),
        reset: ({ peer }: Side) => void peer._socket.resetAndDestroy(),
      };
      let count = 0;
      for (const gone of Object.values(vanish)) {
        for (const way of ["up", "down"] as const) {
          const ends = await joined(scene);
          const [from, to] = way === "up" ? ends : ends.toReversed();
          gone(from!);
          assert.deepEqual(await to!.closed(), BROKEN);
          const line = await lastLine(scene, ++count);
          assert.equal(
            line.ending,
            way === "up" ? "client_closed" : "origin_broken",
          );
          assert.deepEqual(line.socket, {
            up: 0,
            down: 0,
            upBytes: 0,
            code: 1006,
          });
        }
      }
    }));

  Deno.test(`${runtime}: a frame that breaks the rules ends both sides`, () =>
    onScene({ runtime }, async (scene) => {
      const [client, origin] = await joined(scene);
      // An unmasked frame of a client (RFC 6455 §5.1) with a reserved bit.
      client.peer._socket.write(new Uint8Array([0xf1, 0x01, 0x41]));
      assert.equal((await origin.closed())[0] >= 1002, true);
      await client.closed();
      const [next, its] = await joined(scene);
      its.peer._socket.write(new Uint8Array([0xf1, 0x01, 0x41]));
      assert.deepEqual(await next.closed(), BROKEN);
    }));

  Deno.test(`${runtime}: pings of either side are answered`, () =>
    onScene({ runtime }, async (scene) => {
      for (const { peer } of await joined(scene)) {
        const pong = new Promise((resolve) => peer.on("pong", resolve));
        peer.ping("are you there?");
        assert.equal(`${await pong}`, "are you there?");
      }
    }));

  Deno.test(`${runtime}: a socket on which nobody says anything is closed after IDLE_SECONDS`, () =>
    onScene({ runtime, env: { IDLE_SECONDS: "1" } }, async (scene) => {
      const [client, origin] = await joined(scene);
      assert.deepEqual(await client.closed(), [1001, "Idle"]);
      assert.deepEqual(await origin.closed(), [1001, "Idle"]);
      assert.equal((await lastLine(scene, 1)).ending, "idle");
    }));

  Deno.test(`${runtime}: a stop closes sockets with 1001, also those whose other end does not answer`, () =>
    onScene({ runtime }, async (scene) => {
      const [client, origin] = await joined(scene);
      const [deaf, its] = await joined(scene);
      deaf.peer._socket.pause();
      its.peer._socket.pause();
      assert.equal(await scene.doppel.stop(), 0);
      assert.equal((await client.closed())[0], 1001);
      assert.deepEqual(await origin.closed(), [1001, "doppel is stopping"]);
      assert.deepEqual(scene.doppel.lines().map(({ ending }) => ending), [
        "stopped",
        "stopped",
      ]);
    }));

  Deno.test(`${runtime}: a stop does not wait for a socket that was still being dialled`, () =>
    onScene({ runtime }, async (scene) => {
      const { origin, doppel } = scene;
      origin.answer = "";
      const client = dialDeaf(scene);
      const asked = await until(() => origin.asked[0]);
      const stopped = doppel.stop();
      await refusing(doppel.url);
      take(asked);
      assert.equal(await stopped, 0);
      assert.deepEqual(doppel.lines().map(({ ending }) => ending), ["stopped"]);
      client.destroy();
    }));
}

/** The server has been told to stop, and takes no more connections. */
async function refusing(url: string) {
  const { hostname, port } = new URL(url);
  for (let open = true; open;) {
    const socket = connect(Number(port), hostname);
    open = await once(socket, "connect").then(() => true, () => false);
    socket.destroy();
  }
}
